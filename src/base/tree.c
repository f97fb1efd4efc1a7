/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tree.h"

#include "base/text.h"

#define FEW 32 /* members whose keys are compared each with each */

static const struct member *double_key(const struct member *items, size_t n,
				       const struct member **first);
static const struct member *double_key_sorted(const struct member *items, size_t n,
					      const struct member **first);
static uint32_t key_mark(const struct member *m);
static int entry_cmp(const void *a, const void *b);

void tree_init(struct tree *t)
{
	t->items = t->few;
	t->n = 0;
	t->cap = TREE_FEW;
}

void tree_free(struct tree *t)
{
	if (t->items != t->few)
		free(t->items);
}

void tree_more(struct tree *t)
{
	struct member *few = t->items == t->few ? t->few : NULL;

	t->cap *= 2;
	t->items = mem_resize(few ? NULL : t->items, t->cap * sizeof *t->items);
	if (few)
		memcpy(t->items, few, sizeof t->few);
}

void tree_list(struct tree *t, size_t from, struct arena *a, struct value *ret)
{
	size_t n = t->n - from;
	struct value *items = n ? arena_array(a, struct value, n) : NULL;

	for (size_t i = 0; i < n; i++)
		items[i] = t->items[from + i].value;
	t->n = from;
	ret->type = VALUE_LIST;
	ret->n = (uint32_t)n;
	ret->items = items;
}

bool tree_map(struct tree *t, size_t from, struct arena *a, struct diags *d, struct value *ret)
{
	size_t n = t->n - from;
	const struct member *on_stack = n ? t->items + from : NULL;
	const struct member *first = NULL, *twice = NULL;
	struct member *members;

	if (n > FEW)
		twice = double_key_sorted(on_stack, n, &first);
	else if (n > 1)
		twice = double_key(on_stack, n, &first);
	if (twice) {
		diag_add(d, DIAG_ERROR, twice->line, twice->column, NULL,
			 "the key \"%s\" is here twice; it was first on line %u",
			 text_clean(d->arena, twice->key, twice->key_len, 64), first->line);
		return false;
	}
	members = n ? arena_room(a, n * sizeof *members) : NULL;
	if (n)
		memcpy(members, on_stack, n * sizeof *members);
	t->n = from;
	ret->type = VALUE_MAP;
	ret->n = (uint32_t)n;
	ret->members = members;
	return true;
}

const char *tree_special(const char *at, unsigned *ret)
{
	const unsigned char *s = (const unsigned char *)at;

	*ret = 0;
	if (s[0] < 0x80) {
		*ret = s[0] < ' ' || s[0] == 0x7f ? s[0] : 0;
		return at + 1;
	}
	if (s[0] == 0xc2 && (s[1] & 0xe0) == 0x80) { /* C1, with its line break */
		*ret = s[1];
		return at + 2;
	}
	if ((s[0] & 0xf0) == 0xe0 && s[1] &&
	    s[2]) { /* line breaks, byte order marks, no characters */
		unsigned c = (s[0] & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);

		if (c == 0x2028 || c == 0x2029 || c == 0xfeff || c >= 0xfffe)
			*ret = c;
		return at + 3;
	}
	return at + 1; /* the first byte of more, or one of the rest: nothing to see */
}

/* The entry whose key came before, NULL when there is none; the earlier one in FIRST. */
static const struct member *double_key(const struct member *items, size_t n,
				       const struct member **first)
{
	uint32_t marks[FEW];
	uint64_t seen = 0; /* a bit for each sixty-fourth of the marks */

	for (size_t i = 0; i < n; i++) {
		uint64_t bit;

		marks[i] = key_mark(&items[i]);
		bit = UINT64_C(1) << (marks[i] >> 26);
		for (size_t j = seen & bit ? 0 : i; j < i; j++) {
			if (marks[j] != marks[i] || strcmp(items[j].key, items[i].key) != 0)
				continue;
			*first = &items[j];
			return &items[i];
		}
		seen |= bit;
	}
	return NULL;
}

/* The same for many: sorting cannot be made slow by chosen keys, as hashing can. */
static const struct member *double_key_sorted(const struct member *items, size_t n,
					      const struct member **first)
{
	auto_free const struct member **sorted = mem_alloc(n * sizeof *sorted);
	const struct member *twice = NULL;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &items[i];
	qsort(sorted, n, sizeof *sorted, entry_cmp);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) != 0 || (twice && sorted[i] > twice))
			continue;
		*first = sorted[i - 1];
		twice = sorted[i];
	}
	return twice;
}

/* Equal for equal keys, and rarely equal for others. */
static uint32_t key_mark(const struct member *m)
{
	const char *key = m->key;
	uint32_t head = 0, tail = 0;

	if (m->key_len >= 4) {
		memcpy(&head, key, 4);
		memcpy(&tail, key + m->key_len - 4, 4);
	} else {
		memcpy(&head, key, m->key_len);
	}
	return head ^ tail * 0x9e3779b1u ^ m->key_len << 24;
}

/* By key, then by place. */
static int entry_cmp(const void *a, const void *b)
{
	const struct member *x = *(const struct member *const *)a;
	const struct member *y = *(const struct member *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x > y) - (x < y);
}
