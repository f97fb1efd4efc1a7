/* SPDX-License-Identifier: Apache-2.0 */
#include "model/snapshot.h"

#include <assert.h>

struct row { /* the resources of one kind, sorted by name */
	struct resource **items;
	size_t n, cap;
};

struct snapshot {
	unsigned refs;
	struct row rows[KIND_COUNT];
};

static bool row_find(const struct row *row, const char *name, size_t *ret_at);
static void row_reserve(struct row *row, size_t n);

struct snapshot *snapshot_new(void)
{
	struct snapshot *s = mem_alloc(sizeof *s);

	s->refs = 1;
	return s;
}

void snapshot_put(struct snapshot *s, struct resource *r)
{
	struct row *row = &s->rows[r->kind->id];
	size_t at;

	assert(s->refs == 1);
	if (row_find(row, r->meta.name, &at)) {
		resource_unref(row->items[at]);
		row->items[at] = r;
		return;
	}
	row_reserve(row, row->n + 1);
	memmove(row->items + at + 1, row->items + at, (row->n - at) * sizeof *row->items);
	row->items[at] = r;
	row->n++;
}

bool snapshot_remove(struct snapshot *s, const struct kind *kind, const char *name)
{
	struct row *row = &s->rows[kind->id];
	size_t at;

	assert(s->refs == 1);
	if (!row_find(row, name, &at))
		return false;
	resource_unref(row->items[at]);
	row->n--;
	memmove(row->items + at, row->items + at + 1, (row->n - at) * sizeof *row->items);
	return true;
}

struct snapshot *snapshot_copy(const struct snapshot *s)
{
	struct snapshot *copy = snapshot_new();

	for (size_t k = 0; k < KIND_COUNT; k++) {
		const struct row *from = &s->rows[k];
		struct row *to = &copy->rows[k];

		if (!from->n)
			continue;
		row_reserve(to, from->n);
		for (; to->n < from->n; to->n++)
			to->items[to->n] = resource_ref(from->items[to->n]);
	}
	return copy;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	s->refs++;
	return s;
}

void snapshot_unref(struct snapshot *s)
{
	if (!s || --s->refs)
		return;
	for (size_t k = 0; k < KIND_COUNT; k++) {
		for (size_t i = 0; i < s->rows[k].n; i++)
			resource_unref(s->rows[k].items[i]);
		free(s->rows[k].items);
	}
	free(s);
}

const struct resource *snapshot_find(const struct snapshot *s, const struct kind *kind,
				     const char *name)
{
	size_t at;

	return row_find(&s->rows[kind->id], name, &at) ? s->rows[kind->id].items[at] : NULL;
}

size_t snapshot_count(const struct snapshot *s, const struct kind *kind)
{
	return s->rows[kind->id].n;
}

const struct resource *snapshot_at(const struct snapshot *s, const struct kind *kind, size_t i)
{
	assert(i < s->rows[kind->id].n);
	return s->rows[kind->id].items[i];
}

/* Where NAME is, or where it would go. The end is looked at first: names mostly come in order. */
static bool row_find(const struct row *row, const char *name, size_t *ret_at)
{
	size_t low = 0, high = row->n;

	if (row->n && strcmp(row->items[row->n - 1]->meta.name, name) < 0)
		low = row->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(row->items[mid]->meta.name, name);

		if (!order) {
			*ret_at = mid;
			return true;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_at = low;
	return false;
}

static void row_reserve(struct row *row, size_t n)
{
	if (n <= row->cap)
		return;
	row->cap = MAX(n, row->cap + row->cap / 2 + 8);
	row->items = mem_resize(row->items, row->cap * sizeof *row->items);
}
