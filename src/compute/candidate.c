/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks for which session: one candidate for each remote and resource that means it, and the
 * order in which they come (decisions.md 16).
 */
#include "compute/planner.h"

static int candidate_cmp(const void *a, const void *b);

void candidate_add(struct planner *p, const struct endpoint *remote, const struct host *host,
		   const struct resource *by, enum rank rank)
{
	struct candidate *c = arena_push(&p->scratch, p->candidates, p->n_candidates);

	c->remote = *remote;
	if (c->remote.port == 179)
		c->remote.port = 0;
	c->name = peering_name(&c->remote, p->arena);
	c->host = host;
	c->by = by;
	c->rank = rank;
}

void candidates_sort(struct planner *p)
{
	if (p->n_candidates > 1)
		qsort(p->candidates, p->n_candidates, sizeof *p->candidates, candidate_cmp);
}

static int candidate_cmp(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (!order)
		order = (int)x->rank - (int)y->rank;
	if (!order && x->by && y->by)
		order = strcmp(x->by->meta.name, y->by->meta.name);
	return order ? order : x->host < y->host ? -1 : x->host > y->host; /* in order of name */
}
