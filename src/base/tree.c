/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tree.h"

#include "base/text.h"

#define FEW 32 /* members whose keys are compared each with each */

static const struct tree_entry *double_key(const struct tree_entry *items, size_t n,
					   const struct tree_entry **first);
static const struct tree_entry *double_key_sorted(const struct tree_entry *items, size_t n,
						  const struct tree_entry **first);
static uint32_t key_mark(const struct tree_entry *e);
static int entry_cmp(const void *a, const void *b);

void tree_free(struct tree *t)
{
	free(t->items);
	*t = (struct tree){ 0 };
}

void tree_more(struct tree *t)
{
	t->cap = t->cap ? 2 * t->cap : 64;
	t->items = mem_resize(t->items, t->cap * sizeof *t->items);
}

void tree_list(struct tree *t, size_t from, struct arena *a, struct value *ret)
{
	size_t n = t->n - from;
	struct value *items = n ? arena_array(a, struct value, n) : NULL;

	for (size_t i = 0; i < n; i++)
		items[i] = t->items[from + i].member.value;
	t->n = from;
	ret->type = VALUE_LIST;
	ret->n = (uint32_t)n;
	ret->items = items;
}

bool tree_map(struct tree *t, size_t from, struct arena *a, struct diags *d, struct value *ret)
{
	size_t n = t->n - from;
	const struct tree_entry *entries = n ? t->items + from : NULL;
	const struct tree_entry *first = NULL, *twice = NULL;
	struct member *members;

	if (n > FEW)
		twice = double_key_sorted(entries, n, &first);
	else if (n > 1)
		twice = double_key(entries, n, &first);
	if (twice) {
		diag_add(d, DIAG_ERROR, twice->member.line, twice->member.column, NULL,
			 "the key \"%s\" is here twice; it was first on line %u",
			 text_clean(d->arena, twice->member.key, twice->key_len, 64),
			 first->member.line);
		return false;
	}
	members = n ? arena_array(a, struct member, n) : NULL;
	for (size_t i = 0; i < n; i++)
		members[i] = entries[i].member;
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
static const struct tree_entry *double_key(const struct tree_entry *items, size_t n,
					   const struct tree_entry **first)
{
	uint32_t marks[FEW];

	for (size_t i = 0; i < n; i++) {
		marks[i] = key_mark(&items[i]);
		for (size_t j = 0; j < i; j++) {
			if (marks[j] != marks[i] ||
			    strcmp(items[j].member.key, items[i].member.key) != 0)
				continue;
			*first = &items[j];
			return &items[i];
		}
	}
	return NULL;
}

/* The same for many: sorting cannot be made slow by chosen keys, as hashing can. */
static const struct tree_entry *double_key_sorted(const struct tree_entry *items, size_t n,
						  const struct tree_entry **first)
{
	auto_free const struct tree_entry **sorted = mem_alloc(n * sizeof *sorted);
	const struct tree_entry *twice = NULL;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &items[i];
	qsort(sorted, n, sizeof *sorted, entry_cmp);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(sorted[i - 1]->member.key, sorted[i]->member.key) != 0 ||
		    (twice && sorted[i] > twice))
			continue;
		*first = sorted[i - 1];
		twice = sorted[i];
	}
	return twice;
}

/* Equal for equal keys, and rarely equal for others. */
static uint32_t key_mark(const struct tree_entry *e)
{
	const char *key = e->member.key;
	uint32_t head = 0, tail = 0;

	if (e->key_len >= 4) {
		memcpy(&head, key, 4);
		memcpy(&tail, key + e->key_len - 4, 4);
	} else {
		memcpy(&head, key, e->key_len);
	}
	return head ^ tail * 0x9e3779b1u ^ e->key_len << 24;
}

/* By key, then by place. */
static int entry_cmp(const void *a, const void *b)
{
	const struct tree_entry *x = *(const struct tree_entry *const *)a;
	const struct tree_entry *y = *(const struct tree_entry *const *)b;
	int order = strcmp(x->member.key, y->member.key);

	return order ? order : (x > y) - (x < y);
}
