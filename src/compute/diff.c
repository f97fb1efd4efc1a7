/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change of plan costs each session, by the table of bird2.md 3. It errs on the side of
 * "restarts": extensions can be anything, so a change of them counts as one.
 */
#include "compute/plan.h"

#include "base/buf.h"

const char *const effect_names[] = {
	"none", "soft", "reload", "restart", "added", "removed", NULL
};

struct verdict {
	enum effect effect;
	struct buf why;
};

static bool peering_same(const struct peering *a, const struct peering *b);
static bool problem_same(const struct problem *a, const struct problem *b);
static bool words_same(const char *const *a, size_t n_a, const char *const *b, size_t n_b);
static struct plan_change change(const struct plan *before, const struct peering *b,
				 const struct plan *after, const struct peering *a,
				 struct arena *arena);
static struct fate fate_after(const struct plan *after, const struct peering *b,
			      const struct peering *a);
static void differs(struct verdict *v, bool differ, enum effect effect, const char *what);
static void how_differs(struct verdict *v, const struct peering *b, const struct peering *a);
static bool stays(const struct plan *after, const struct peering *b);
static bool filters_differ(const struct peering *a, const struct peering *b);
static bool pools_differ(const struct plan *a, const struct plan *b);
static bool onlink_differ(const struct plan *a, const struct plan *b);
static bool routes_same(const struct plan *a, const struct plan *b);

bool plan_same(const struct plan *a, const struct plan *b)
{
	bool same = strcmp(a->node, b->node) == 0 && a->known == b->known &&
		    ip_eq(&a->router_id, &b->router_id) && ip_eq(&a->address4, &b->address4) &&
		    ip_eq(&a->address6, &b->address6) && a->as == b->as &&
		    a->log_severity == b->log_severity && a->n_peerings == b->n_peerings &&
		    a->n_problems == b->n_problems && !pools_differ(a, b) && !onlink_differ(a, b) &&
		    routes_same(a, b) &&
		    words_same(a->ignored_interfaces, a->n_ignored_interfaces,
			       b->ignored_interfaces, b->n_ignored_interfaces) &&
		    words_same(a->broken, a->n_broken, b->broken, b->n_broken);

	for (size_t i = 0; same && i < a->n_peerings; i++)
		same = peering_same(&a->peerings[i], &b->peerings[i]);
	for (size_t i = 0; same && i < a->n_problems; i++)
		same = problem_same(&a->problems[i], &b->problems[i]);
	return same;
}

struct plan_change *plan_diff(const struct plan *before, const struct plan *after, struct arena *a,
			      size_t *ret_n)
{
	static const struct plan none;
	struct plan_change *changes = NULL;
	size_t i = 0, j = 0;

	*ret_n = 0;
	if (!before)
		before = &none;
	while (i < before->n_peerings || j < after->n_peerings) {
		const struct peering *b = i < before->n_peerings ? &before->peerings[i] : NULL;
		const struct peering *n = j < after->n_peerings ? &after->peerings[j] : NULL;
		int order = !b ? 1 : !n ? -1 : strcmp(b->name, n->name);
		struct plan_change *at = arena_push(a, changes, *ret_n);

		if (order <= 0 && stays(after, b))
			*at = (struct plan_change){ b->name, b, order ? NULL : n };
		else if (!order)
			*at = change(before, b, after, n, a);
		else if (order < 0)
			*at = (struct plan_change){ b->name, b, NULL, EFFECT_REMOVED, NULL };
		else
			*at = (struct plan_change){ n->name, NULL, n,
						    n->fault || n->down ? EFFECT_NONE :
									  EFFECT_ADDED };
		at->fate = fate_after(after, order <= 0 ? b : NULL, order >= 0 ? n : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	return changes;
}

static bool peering_same(const struct peering *a, const struct peering *b)
{
	struct verdict v = { EFFECT_NONE, { 0 } };

	how_differs(&v, a, b);
	buf_free(&v.why);
	return !v.effect && strcmp(a->name, b->name) == 0 &&
	       str_eq(a->origin_version, b->origin_version) &&
	       str_eq(a->remote_node, b->remote_node) && a->on_link == b->on_link &&
	       a->fault == b->fault && strcmp(a->asks, b->asks) == 0 &&
	       a->source_missing == b->source_missing;
}

static bool problem_same(const struct problem *a, const struct problem *b)
{
	return a->code == b->code && a->level == b->level && strcmp(a->origin, b->origin) == 0 &&
	       str_eq(a->origin_version, b->origin_version) && str_eq(a->peering, b->peering) &&
	       strcmp(a->text, b->text) == 0;
}

static bool words_same(const char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
	bool same = n_a == n_b;

	for (size_t i = 0; same && i < n_a; i++)
		same = strcmp(a[i], b[i]) == 0;
	return same;
}

static struct plan_change change(const struct plan *before, const struct peering *b,
				 const struct plan *after, const struct peering *a,
				 struct arena *arena)
{
	struct verdict v = { EFFECT_NONE, { 0 } };
	struct plan_change result = { .name = a->name, .before = b, .after = a };

	if (a->down)
		return result; /* see its fate */
	differs(&v, !ip_eq(&before->router_id, &after->router_id), EFFECT_RESTART, "router id");
	if (!a->fault) { /* else it keeps the text that BIRD has */
		how_differs(&v, b, a);
		differs(&v, a->gateway_onlink && onlink_differ(before, after), EFFECT_RELOAD,
			"on-link prefixes");
		differs(&v, pools_differ(before, after), EFFECT_RELOAD, "address pools");
	}
	result.effect = v.effect;
	result.why = v.why.len ? arena_str(arena, v.why.at) : NULL;
	buf_free(&v.why);
	return result;
}

/* As if BIRD had accepted what B is. */
static struct fate fate_after(const struct plan *after, const struct peering *b,
			      const struct peering *a)
{
	const struct fate_facts facts = { .asked = a,
					  .broken = b && stays(after, b),
					  .faulty = a && a->fault,
					  .accepted = b && !b->fault,
					  .less = a && b && asks_less(b->asks, a->asks),
					  .by_field = a && a->down };

	return fate_of(&facts);
}

/* What the two peerings themselves say. */
static void how_differs(struct verdict *v, const struct peering *b, const struct peering *a)
{
	differs(v, a->remote_as != b->remote_as, EFFECT_RESTART, "remote AS");
	differs(v, a->local_as != b->local_as, EFFECT_RESTART, "local AS");
	differs(v, a->local_port != b->local_port, EFFECT_RESTART, "listen port");
	differs(v, !ip_eq(&a->source, &b->source), EFFECT_RESTART, "source address");
	differs(v, a->strict_bind != b->strict_bind, EFFECT_RESTART, "bind mode");
	differs(v, a->passive != b->passive, EFFECT_RESTART, "passive");
	differs(v, a->direct != b->direct, EFFECT_RESTART,
		a->direct ? "multihop to direct" : "direct to multihop");
	differs(v, a->llgr != b->llgr, EFFECT_RESTART, "restart mode");
	differs(v, memcmp(&a->restart_time, &b->restart_time, sizeof a->restart_time) != 0,
		EFFECT_RESTART, "restart time");
	differs(v, a->rr_client != b->rr_client || !ip_eq(&a->cluster_id, &b->cluster_id),
		EFFECT_RESTART, "route reflection");
	differs(v, !str_eq(a->password, b->password), EFFECT_RESTART, "password");
	differs(v, a->down != b->down, EFFECT_RESTART, "admin state");
	differs(v, !strmap_eq(&a->extensions, &b->extensions), EFFECT_RESTART, "extensions");
	differs(v, a->reflector != b->reflector, EFFECT_RELOAD, "reflected routes");
	differs(v, filters_differ(a, b), EFFECT_RELOAD, "filters");
	differs(v, a->gateway_onlink != b->gateway_onlink, EFFECT_RELOAD, "gateway mode");
	differs(v, a->bfd != b->bfd, EFFECT_SOFT, "BFD");
	differs(v, !str_eq(a->origin, b->origin), EFFECT_SOFT, "asked for by another resource");
}

/* Is B kept as it is, because a resource it came from, or the node it goes to, does not decode? */
static bool stays(const struct plan *after, const struct peering *b)
{
	for (size_t i = 0; i < after->n_broken; i++) {
		const char *id = after->broken[i];

		if (strcmp(id, b->origin) == 0 || (b->remote_node && strncmp(id, "node/", 5) == 0 &&
						   strcmp(id + 5, b->remote_node) == 0))
			return true;
	}
	return false;
}

static void differs(struct verdict *v, bool differ, enum effect effect, const char *what)
{
	if (!differ)
		return;
	v->effect = MAX(v->effect, effect);
	buf_printf(&v->why, "%s%s", v->why.len ? ", " : "", what);
}

static bool filters_differ(const struct peering *a, const struct peering *b)
{
	if (a->n_filters != b->n_filters)
		return true;
	for (size_t i = 0; i < a->n_filters; i++)
		if (strcmp(a->filters[i]->meta.name, b->filters[i]->meta.name) != 0 ||
		    !resource_same(a->filters[i], b->filters[i]))
			return true;
	return false;
}

static bool pools_differ(const struct plan *a, const struct plan *b)
{
	if (a->n_pools != b->n_pools)
		return true;
	for (size_t i = 0; i < a->n_pools; i++)
		if (!cidr_eq(&a->pools[i].cidr, &b->pools[i].cidr) ||
		    a->pools[i].export != b->pools[i].export)
			return true;
	return false;
}

static bool onlink_differ(const struct plan *a, const struct plan *b)
{
	return a->n_onlink != b->n_onlink ||
	       (a->n_onlink && memcmp(a->onlink, b->onlink, a->n_onlink * sizeof *a->onlink) != 0);
}

/* They cost no session anything: BIRD looks next hops up anew. */
static bool routes_same(const struct plan *a, const struct plan *b)
{
	bool same = a->n_routes == b->n_routes;

	for (size_t i = 0; same && i < a->n_routes; i++)
		same = cidr_eq(&a->routes[i].prefix, &b->routes[i].prefix) &&
		       ip_eq(&a->routes[i].gateway, &b->routes[i].gateway) &&
		       strcmp(a->routes[i].interface, b->routes[i].interface) == 0;
	return same;
}
