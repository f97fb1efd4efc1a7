/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks for which session: one candidate for each remote and resource that means it. Of those that
 * mean one neighbour a BGPPeer goes before the mesh, a global one before one for some nodes, that before
 * a reverse peering. Of equals the older one has the session, so that nobody loses a running session to a
 * newcomer that happens to have a lower name.
 */
#include "compute/planner.h"

#define NS_OF_S INT64_C(1000000000)

static int64_t born(struct planner *p, const struct resource *by);
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
	c->born = born(p, by);
}

void candidates_sort(struct planner *p)
{
	if (p->n_candidates > 1)
		qsort(p->candidates, p->n_candidates, sizeof *p->candidates, candidate_cmp);
}

/* One that comes from the future has a wrong time, which says nothing. */
static int64_t born(struct planner *p, const struct resource *by)
{
	if (!by)
		return BORN_UNKNOWN;
	if (by != p->aged) {
		p->aged = by;
		p->born = resource_born(by);
		if (p->facts->now && p->born / NS_OF_S > p->facts->now)
			p->born = BORN_UNKNOWN;
	}
	return p->born;
}

static int candidate_cmp(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (!order)
		order = (int)x->rank - (int)y->rank;
	if (!order && x->born != y->born)
		order = x->born < y->born ? -1 : 1;
	if (!order && x->by && y->by)
		order = strcmp(x->by->meta.name, y->by->meta.name);
	return order ? order : x->host < y->host ? -1 : x->host > y->host; /* in order of name */
}
