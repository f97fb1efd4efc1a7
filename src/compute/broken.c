/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What does not decode, and which nodes it concerns: each such object is one problem in the plan of each
 * of them. A peer that nobody can read may be about any node, and a node about any peer, so these are
 * said on all.
 */
#include "compute/planner.h"

static bool concerns_self(const struct planner *p, const struct resource *r);
static void node_of_config(struct planner *p, const struct resource *config);
static void broken_add(struct planner *p, const struct resource *r, const char *id,
		       const char *words);
static bool filter_named(const struct planner *p, const struct resource *filter);
static int str_cmp(const void *a, const void *b);

bool broken_self(struct planner *p)
{
	/* clang-format off */
	const struct { const struct resource *object; const char *what; } own[] = {
		{ snapshot_find(p->snap, &kind_node, p->plan->node), "the Node of this machine does" },
		{ snapshot_find(p->snap, &kind_bgpconfiguration, "default"), "all sessions rest on it and it does" },
		{ config_of(p, p->plan->node), "it is about this node and does" },
	};
	/* clang-format on */
	bool any = false;

	for (size_t i = 0; i < lengthof(own); i++) {
		if (!own[i].object || !resource_broken(own[i].object))
			continue;
		any = true;
		problem_add(p, PROBLEM_INVALID, DIAG_ERROR, own[i].object, NULL,
			    "%s not decode (%s); what BIRD runs is left as it is", own[i].what,
			    problem_mistake(own[i].object, p->arena));
	}
	return any;
}

void broken_fabric(struct planner *p)
{
	static const struct kind *const matter[] = { &kind_bgppeer, &kind_node, &kind_ippool,
						     &kind_bgpconfiguration };
	size_t n = 0;

	for (size_t k = 0; k < lengthof(matter); k++)
		for (size_t i = 0; i < snapshot_count(p->snap, matter[k]); i++) {
			const struct resource *r = snapshot_at(p->snap, matter[k], i);

			if (!resource_broken(r) || concerns_self(p, r))
				continue;
			if (r->kind == &kind_ippool) {
				p->pools_unknown = true;
				problem_add(p, PROBLEM_INVALID, DIAG_ERROR, r, NULL,
					    "what may be announced rests on it and it does not "
					    "decode (%s); what BIRD runs for each session stays, "
					    "and no other starts",
					    problem_mistake(r, p->arena));
			} else if (r->kind == &kind_bgpconfiguration) {
				node_of_config(p, r);
			} else {
				broken_add(p, r, resource_id(r, p->arena),
					   r->kind == &kind_bgppeer ? "because of it" :
								      "towards it");
			}
		}
	if (p->plan->n_broken > 1)
		qsort(p->broken, p->plan->n_broken, sizeof *p->broken, str_cmp);
	for (size_t i = 0; i < p->plan->n_broken; i++) /* a node, and what is about it */
		if (!n || strcmp(p->broken[n - 1], p->broken[i]) != 0)
			p->broken[n++] = p->broken[i];
	p->plan->broken = p->broken;
	p->plan->n_broken = n;
}

void broken_filters(struct planner *p)
{
	for (size_t i = 0; i < snapshot_count(p->snap, &kind_bgpfilter); i++) {
		const struct resource *r = snapshot_at(p->snap, &kind_bgpfilter, i);

		if (resource_broken(r) && filter_named(p, r))
			problem_add(p, PROBLEM_INVALID, DIAG_ERROR, r, NULL,
				    "%s; what BIRD runs for the sessions that name it stays",
				    problem_mistake(r, p->arena));
	}
}

/* Was R said by broken_self()? */
static bool concerns_self(const struct planner *p, const struct resource *r)
{
	return r == snapshot_find(p->snap, &kind_node, p->plan->node) ||
	       r == snapshot_find(p->snap, &kind_bgpconfiguration, "default") ||
	       r == config_of(p, p->plan->node);
}

/* CONFIG may be about another node: then nobody knows on which port that one listens. */
static void node_of_config(struct planner *p, const struct resource *config)
{
	const char *name = config->meta.name;
	const struct resource *node = strncmp(name, "node.", 5) == 0 ?
					      snapshot_find(p->snap, &kind_node, name + 5) :
					      NULL;
	const char *id = node ? resource_id(node, p->arena) : NULL;

	if (node)
		broken_add(p, config, id, arena_printf(p->arena, "towards %s", id));
}

/* R is why what BIRD runs because of the object ID, or towards it, stays. */
static void broken_add(struct planner *p, const struct resource *r, const char *id,
		       const char *words)
{
	*arena_push(p->arena, p->broken, p->plan->n_broken) = id;
	problem_add(p, PROBLEM_INVALID, DIAG_ERROR, r, NULL, "%s; what BIRD runs %s stays",
		    problem_mistake(r, p->arena), words);
}

/* By a peer that has a session here. */
static bool filter_named(const struct planner *p, const struct resource *filter)
{
	const struct candidate *winner = NULL;

	for (size_t i = 0; i < p->n_candidates; i++) {
		const struct candidate *c = &p->candidates[i];
		const struct bgppeer *peer = c->by ? c->by->spec : NULL;

		if (winner && strcmp(winner->name, c->name) == 0)
			continue;
		winner = c;
		for (size_t j = 0; peer && j < peer->filters.n; j++)
			if (strcmp(list_at(peer->filters, const char *, j), filter->meta.name) == 0)
				return true;
	}
	return false;
}

static int str_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}
