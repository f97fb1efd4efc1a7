/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted map of strings: labels, annotations, extensions. Iteration order is key order. */
#pragma once

#include "base/arena.h"

struct strpair {
	const char *key, *value;
};

struct strmap {
	const struct strpair *items; /* sorted by key, byte-wise; no doubles */
	size_t n;
};

/* The value of KEY, NULL when it is not there. */
const char *strmap_get(const struct strmap *m, const char *key);
/* Sorts ITEMS (N pairs without doubles) in place and makes a map of them. */
struct strmap strmap_make(struct strpair *items, size_t n);
bool strmap_eq(const struct strmap *a, const struct strmap *b);
