/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strmap.h"

static int pair_cmp(const void *a, const void *b);

const char *strmap_get(const struct strmap *m, const char *key)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const char *at = m->items[mid].key;
		int order = (unsigned char)*at - (unsigned char)*key;

		if (!order) /* most steps need no call: selectors come here millions of times */
			order = strcmp(at, key);

		if (!order)
			return m->items[mid].value;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct strmap strmap_make(struct strpair *items, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (pair_cmp(&items[i - 1], &items[i]) > 0) { /* stores have them in order */
			qsort(items, n, sizeof *items, pair_cmp);
			break;
		}
	return (struct strmap){ items, n };
}

bool strmap_eq(const struct strmap *a, const struct strmap *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i].key, b->items[i].key) != 0 ||
		    strcmp(a->items[i].value, b->items[i].value) != 0)
			return false;
	return true;
}

static int pair_cmp(const void *a, const void *b)
{
	return strcmp(((const struct strpair *)a)->key, ((const struct strpair *)b)->key);
}
