/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What JSON and YAML share inside.  Reading: maps and lists under construction are on one stack for
 * all levels, because the number of members is known only at the end; then they become an exact
 * array in the arena.  Printing: which characters need an escape.
 */
#pragma once

#include "base/value.h"

#define TREE_FEW 64

struct tree {
	struct member *items; /* of a list: only the value */
	size_t n, cap;
	struct member few[TREE_FEW]; /* what ITEMS is at first */
};

void tree_init(struct tree *t);
void tree_free(struct tree *t);
void tree_more(struct tree *t);

static inline void tree_push(struct tree *t, const struct member *m)
{
	if (t->n == t->cap)
		tree_more(t);
	t->items[t->n++] = *m;
}

/* Takes everything above FROM off the stack and makes the list RET of it; RET's line and column stay. */
void tree_list(struct tree *t, size_t from, struct arena *a, struct value *ret);
/* The same for a map; false after a complaint about a key that is there twice. */
bool tree_map(struct tree *t, size_t from, struct arena *a, struct diags *d, struct value *ret);

/* Places that do not fit their bits stay at the largest. */
static inline void tree_place(struct value *v, size_t line, size_t column)
{
	const unsigned most = (1u << 24) - 1;

	v->line = line < most ? (unsigned)line : most;
	v->column = column < most ? (unsigned)column : most;
}

/* Steps over one character; RET is its number if only an escape writes it safely, else 0: controls,
 * byte order marks, and what YAML (not JSON) takes for a line break or refuses. */
const char *tree_special(const char *at, unsigned *ret);
