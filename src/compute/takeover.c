/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sessions another BGPPeer gets by a change. A node's candidates are enough for that: nothing is
 * planned. Most peers need not be looked at, because nobody else asks for their address; and most nodes
 * need not, because only a peer that was changed, or a node that was, can change who has a session there.
 */
#include "base/text.h"
#include "compute/planner.h"

#define SHOWN 3

struct takeover { /* of all sessions that one peer gets from another */
	const struct resource *by, *from;
	const char *sessions[SHOWN]; /* "10.1.0.1 on n1" */
	const char *name;	     /* of the first */
	size_t n;
};

struct peers {
	const struct resource **items;
	size_t n;
};

struct takeovers {
	struct planner before, after;
	struct ip *wanted; /* by more than one peer of AFTER; sorted */
	size_t n_wanted;
	/* The peers that may have a rival, and those of them that were changed (of AFTER). */
	struct peers old, new, changed;
	struct arena *arena;
	struct takeover *items;
	size_t n;
};

static struct planner planner_of(const struct snapshot *snap, const struct facts *facts);
static void planner_free(struct planner *p);
static void wanted_find(struct takeovers *t);
static void rivals_find(struct takeovers *t, const struct planner *p, struct peers *ret);
static void changed_find(struct takeovers *t);
static void peers_ask(struct planner *p, const struct peers *peers);
static int by_ip(const void *a, const void *b);
static void node_compare(struct takeovers *t, const struct host *m);
static void candidates_of(struct planner *p, const struct host *self, struct arena *a);
static void winners_compare(struct takeovers *t);
static const struct candidate *asked_by(const struct candidate *first, const struct candidate *end,
					const char *name);
static void takeover_add(struct takeovers *t, const struct candidate *by,
			 const struct resource *from);
static int takeover_cmp(const void *a, const void *b);

const struct problem *plan_takeovers(const struct snapshot *before, const struct snapshot *after,
				     const char *node, const struct facts *facts, struct arena *a,
				     size_t *ret_n)
{
	struct takeovers t = { .before = planner_of(before, facts),
			       .after = planner_of(after, facts),
			       .arena = a };
	struct planner said = { .arena = a };

	*ret_n = 0;
	if (!snapshot_count(before, &kind_bgppeer))
		return NULL;
	hosts_make(&t.before);
	hosts_make(&t.after);
	wanted_find(&t);
	rivals_find(&t, &t.before, &t.old);
	rivals_find(&t, &t.after, &t.new);
	changed_find(&t);
	for (size_t i = 0; t.new.n > 1 && i < t.after.n_hosts; i++)
		if (!node || strcmp(node, t.after.hosts[i].resource->meta.name) == 0)
			node_compare(&t, &t.after.hosts[i]);
	if (t.n > 1)
		qsort(t.items, t.n, sizeof *t.items, takeover_cmp);
	for (size_t i = 0; i < t.n; i++) {
		const struct takeover *it = &t.items[i];
		auto_buf struct buf words = { 0 };

		for (size_t j = 0; j < MIN(it->n, SHOWN); j++)
			buf_printf(&words, "%s%s", j ? ", " : "", it->sessions[j]);
		if (it->n > SHOWN)
			buf_printf(&words, " and %zu more", it->n - SHOWN);
		problem_add(&said, PROBLEM_TAKES, DIAG_WARNING, it->by,
			    it->n == 1 ? it->name : NULL, "takes %s from %s", buf_text(&words),
			    resource_id(it->from, a));
	}
	planner_free(&t.before);
	planner_free(&t.after);
	*ret_n = said.n_problems;
	return said.problems;
}

static struct planner planner_of(const struct snapshot *snap, const struct facts *facts)
{
	static const struct bgpconfiguration none;
	const struct resource *config = snapshot_find(snap, &kind_bgpconfiguration, "default");

	return (struct planner){ .snap = snap,
				 .facts = facts,
				 .config = config && config->spec ? config->spec : &none };
}

static void planner_free(struct planner *p)
{
	arena_free(&p->scratch);
	arena_free(&p->fabric);
}

static void wanted_find(struct takeovers *t)
{
	size_t n_peers = snapshot_count(t->after.snap, &kind_bgppeer), n = 0;
	struct ip *all = arena_array(t->arena, struct ip, n_peers);

	for (size_t i = 0; i < n_peers; i++) {
		const struct bgppeer *peer = snapshot_at(t->after.snap, &kind_bgppeer, i)->spec;

		if (peer && ip_is_set(&peer->peer_ip.ip))
			all[n++] = peer->peer_ip.ip;
	}
	if (n > 1)
		qsort(all, n, sizeof *all, by_ip);
	for (size_t i = 1; i < n; i++)
		if (ip_eq(&all[i - 1], &all[i]))
			all[t->n_wanted++] = all[i];
	t->wanted = all;
}

/* Those of P whose address another one asks for, too, or that mean a node: so may a selector, and a
 * reverse peering. */
static void rivals_find(struct takeovers *t, const struct planner *p, struct peers *ret)
{
	for (size_t i = 0; i < snapshot_count(p->snap, &kind_bgppeer); i++) {
		const struct resource *r = snapshot_at(p->snap, &kind_bgppeer, i);
		const struct bgppeer *peer = r->spec;
		const struct ip *ip = peer ? &peer->peer_ip.ip : NULL;

		if (ip &&
		    (!ip_is_set(ip) || host_with(&t->before, ip) || host_with(&t->after, ip) ||
		     (t->n_wanted && bsearch(ip, t->wanted, t->n_wanted, sizeof *ip, by_ip))))
			*arena_push(t->arena, ret->items, ret->n) = r;
	}
}

static void changed_find(struct takeovers *t)
{
	for (size_t i = 0; i < t->new.n; i++) {
		const struct resource *r = t->new.items[i];
		const struct resource *was =
			snapshot_find(t->before.snap, &kind_bgppeer, r->meta.name);

		if (!was || !resource_same(was, r) || resource_born(was) != resource_born(r))
			*arena_push(t->arena, t->changed.items, t->changed.n) = r;
	}
}

/* M is of AFTER. */
static void node_compare(struct takeovers *t, const struct host *m)
{
	const struct host *was = host_find(&t->before, m->resource->meta.name);
	auto_arena struct arena round = { 0 };

	if (!was)
		return;
	if (resource_same(was->resource, m->resource)) {
		candidates_of(&t->after, m, &round);
		peers_ask(&t->after, &t->changed);
		if (!t->after.n_candidates)
			return;
	}
	candidates_of(&t->before, was, &round);
	peers_ask(&t->before, &t->old);
	candidates_sort(&t->before);
	candidates_of(&t->after, m, &round);
	peers_ask(&t->after, &t->new);
	candidates_sort(&t->after);
	winners_compare(t);
}

/* P has none yet, of the node SELF; what it makes goes into A or lasts until the next node. */
static void candidates_of(struct planner *p, const struct host *self, struct arena *a)
{
	arena_reset(&p->scratch);
	p->arena = a;
	p->plan = arena_new(a, struct plan);
	p->plan->node = self->resource->meta.name;
	p->self = self;
	p->candidates = NULL;
	p->problems = NULL;
	p->n_candidates = p->n_problems = 0;
}

static void peers_ask(struct planner *p, const struct peers *peers)
{
	for (size_t i = 0; i < peers->n; i++)
		peer_collect(p, peers->items[i]);
}

/* Who had a session and still asks for it, but has it no more? */
static void winners_compare(struct takeovers *t)
{
	const struct candidate *b = t->before.candidates, *b_end;
	const struct candidate *a = t->after.candidates, *a_end;

	if (!b || !a)
		return;
	b_end = b + t->before.n_candidates;
	a_end = a + t->after.n_candidates;
	while (b < b_end && a < a_end) {
		const struct candidate *had = b, *has = a;
		int order = strcmp(b->name, a->name);

		while (order <= 0 && b < b_end && strcmp(b->name, had->name) == 0)
			b++;
		while (order >= 0 && a < a_end && strcmp(a->name, has->name) == 0)
			a++;
		if (!order && strcmp(has->by->meta.name, had->by->meta.name) != 0 &&
		    asked_by(has, a, had->by->meta.name))
			takeover_add(t, has, had->by);
	}
}

static const struct candidate *asked_by(const struct candidate *first, const struct candidate *end,
					const char *name)
{
	for (; first < end; first++)
		if (strcmp(first->by->meta.name, name) == 0)
			return first;
	return NULL;
}

static void takeover_add(struct takeovers *t, const struct candidate *by,
			 const struct resource *from)
{
	struct takeover *at = NULL;

	for (size_t i = t->n; i-- > 0 && !at;)
		if (t->items[i].by == by->by && t->items[i].from == from)
			at = &t->items[i];
	if (!at) {
		at = arena_push(t->arena, t->items, t->n);
		*at = (struct takeover){ by->by, from, .name = arena_str(t->arena, by->name) };
	}
	if (at->n < SHOWN)
		at->sessions[at->n] =
			arena_printf(t->arena, "%s on %s", endpoint_text(&by->remote).s,
				     t->after.self->resource->meta.name);
	at->n++;
}

static int takeover_cmp(const void *a, const void *b)
{
	const struct takeover *x = a, *y = b;
	int order = strcmp(x->by->meta.name, y->by->meta.name);

	return order ? order : strcmp(x->from->meta.name, y->from->meta.name);
}

static int by_ip(const void *a, const void *b)
{
	return ip_cmp(a, b);
}
