/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/plan.h"

#include "base/digest.h"
#include "base/text.h"
#include "compute/planner.h"

static const struct plan *plan_finish(struct planner *p);
static void plan_router_id(struct planner *p);
static void plan_onlink(struct planner *p);
static void plan_policy(struct planner *p);
static void plan_missing(struct planner *p);
static int problem_cmp(const void *a, const void *b);
static int ref_cmp(const void *a, const void *b);
static int pool_cmp(const void *a, const void *b);
static int cidr_cmp(const void *a, const void *b);

const struct plan *plan_compute(const struct snapshot *snap, const char *node,
				const struct facts *facts, struct arena *a)
{
	static const struct bgpconfiguration none;
	const struct resource *self = snapshot_find(snap, &kind_node, node);
	const struct resource *config = snapshot_find(snap, &kind_bgpconfiguration, "default");
	struct planner p = { .snap = snap, .facts = facts, .arena = a };

	p.plan = arena_new(a, struct plan);
	p.plan->node = arena_str(a, node);
	p.config = config && config->spec ? config->spec : &none;
	if (!self)
		problem_add(&p, PROBLEM_NO_NODE, DIAG_ERROR, NULL, NULL,
			    "no Node is named \"%s\"; what BIRD runs is left as it is", node);
	p.plan->known = !broken_self(&p) && self;
	if (self)
		broken_fabric(&p);
	if (!p.plan->known)
		return plan_finish(&p);
	hosts_make(&p);
	p.self = host_find(&p, node); /* it decodes, and so does what is about it */
	p.plan->as = p.self->as;
	p.plan->address4 = p.self->address4;
	p.plan->address6 = p.self->address6;
	plan_router_id(&p);
	plan_onlink(&p);
	routes_make(&p);
	plan_policy(&p);
	peers_collect(&p);
	mesh_collect(&p);
	peerings_make(&p);
	plan_missing(&p);
	broken_filters(&p);
	return plan_finish(&p);
}

const char *plan_less_text(const struct peering *p, struct arena *a)
{
	return arena_printf(a, "what runs stays, but it has less protection than is asked for (%s)",
			    p->asks);
}

const struct peering *plan_find(const struct plan *p, const char *name)
{
	size_t low = 0, high = p->n_peerings;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(p->peerings[mid].name, name);

		if (!order)
			return &p->peerings[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct secret_ref *plan_secrets(const struct snapshot *snap, struct arena *a, size_t *ret_n)
{
	struct secret_ref *refs = NULL;
	size_t n_peers = snapshot_count(snap, &kind_bgppeer), n = 0;

	*ret_n = 0;
	for (size_t i = 0; i <= n_peers; i++) { /* the last round is the mesh */
		const struct resource *r =
			i < n_peers ? snapshot_at(snap, &kind_bgppeer, i) :
				      snapshot_find(snap, &kind_bgpconfiguration, "default");
		const struct secret_ref *ref;

		if (!r || resource_broken(r))
			continue;
		ref = i < n_peers ? &resource_spec(r, bgppeer)->password.ref :
				    &resource_spec(r, bgpconfiguration)->mesh_password.ref;
		if (!str_empty(ref->name))
			*arena_push(a, refs, n) =
				(struct secret_ref){ .name = ref->name, .key = ref->key };
	}
	if (n > 1)
		qsort(refs, n, sizeof *refs, ref_cmp);
	for (size_t i = 0; i < n; i++)
		if (!*ret_n || ref_cmp(&refs[*ret_n - 1], &refs[i]) != 0)
			refs[(*ret_n)++] = refs[i];
	for (size_t i = 0; i < *ret_n; i++) {
		refs[i].name = arena_str(a, refs[i].name);
		refs[i].key = arena_str(a, refs[i].key);
	}
	return refs;
}

size_t plan_addresses(const struct snapshot *snap, const char *node, struct ip ret[2])
{
	const struct resource *self = snapshot_find(snap, &kind_node, node);
	const struct node_bgp *bgp = self && self->spec ? resource_spec(self, node)->bgp : NULL;
	size_t n = 0;

	if (bgp && ip_is_set(&bgp->ipv4_address.ip))
		ret[n++] = bgp->ipv4_address.ip;
	if (bgp && ip_is_set(&bgp->ipv6_address.ip))
		ret[n++] = bgp->ipv6_address.ip;
	return n;
}

static const struct plan *plan_finish(struct planner *p)
{
	size_t n = 0;

	if (p->n_problems > 1)
		qsort(p->problems, p->n_problems, sizeof *p->problems, problem_cmp);
	for (size_t i = 0; i < p->n_problems; i++) /* a peer may name a filter twice */
		if (!n || problem_cmp(&p->problems[n - 1], &p->problems[i]) != 0)
			p->problems[n++] = p->problems[i];
	p->plan->problems = p->problems;
	p->plan->n_problems = n;
	arena_free(&p->scratch);
	arena_free(&p->fabric);
	return p->plan;
}

/* decisions.md 3: given, or the Node's IPv4, or four bytes of the name's digest. */
static void plan_router_id(struct planner *p)
{
	const char *given = p->facts->router_id;
	struct ip id = p->self->address4;
	struct digest d;

	if (!str_empty(given) && strcmp(given, "hash") != 0) {
		if (ip_parse(given, &id) && id.family == 4 &&
		    (id.bytes[0] | id.bytes[1] | id.bytes[2] | id.bytes[3])) {
			p->plan->router_id = id;
			return;
		}
		problem_add(
			p, PROBLEM_NO_ROUTER_ID, DIAG_WARNING, p->self->resource, NULL,
			"CALICO_ROUTER_ID is \"%s\", which is neither an IPv4 address nor \"hash\"; "
			"the Node's own is used",
			text_clean(p->arena, given, strlen(given), 64));
		id = p->self->address4;
	} else if (!str_empty(given)) {
		id = (struct ip){ 0 };
	}
	if (!ip_is_set(&id)) {
		d = digest_of(p->plan->node, strlen(p->plan->node));
		id.family = 4;
		memcpy(id.bytes, d.bytes, 4);
		if (id.bytes[0] > 223)
			id.bytes[0] -= 32;
	}
	p->plan->router_id = id;
}

static void plan_onlink(struct planner *p)
{
	struct cidr *nets = NULL;
	size_t n = 0, kept = 0;

	if (p->facts->onlink_known) {
		p->n_onlink = p->facts->n_onlink;
		p->onlink = arena_array(p->arena, struct onlink, p->n_onlink);
		if (p->n_onlink)
			memcpy(p->onlink, p->facts->onlink, p->n_onlink * sizeof *p->onlink);
	} else {
		const struct node *self = resource_spec(p->self->resource, node);
		const struct cidr *own[] = { self->bgp ? &self->bgp->ipv4_address : NULL,
					     self->bgp ? &self->bgp->ipv6_address : NULL };

		for (size_t i = 0; i < lengthof(own); i++)
			if (own[i] && ip_is_set(&own[i]->ip))
				*arena_push(p->arena, p->onlink, p->n_onlink) =
					(struct onlink){ .interface = "", .address = *own[i] };
	}
	for (size_t i = 0; i < p->n_onlink; i++) {
		const struct cidr *c = &p->onlink[i].address;

		if (c->len < ip_bits(&c->ip) && !ip_is_link_local(&c->ip))
			*arena_push(p->arena, nets, n) = cidr_network(c);
	}
	if (n > 1)
		qsort(nets, n, sizeof *nets, cidr_cmp);
	for (size_t i = 0; i < n; i++)
		if (!kept || !cidr_eq(&nets[i], &nets[kept - 1]))
			nets[kept++] = nets[i];
	p->plan->onlink = nets;
	p->plan->n_onlink = kept;
}

/* What this node may announce, and what the base part of the text needs. */
static void plan_policy(struct planner *p)
{
	const struct resource *own =
		config_of(p, p->plan->node); /* it decodes, or nothing is known */
	struct plan_pool *pools = NULL;
	const char **ignored;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < snapshot_count(p->snap, &kind_ippool); i++) {
		const struct resource *r = snapshot_at(p->snap, &kind_ippool, i);
		const struct ippool *pool = r->spec;

		if (pool)
			*arena_push(p->arena, pools, n) =
				(struct plan_pool){ pool->cidr, pool->disable_bgp_export != YES };
	}
	if (n > 1) /* of the same CIDR the one that is not announced comes first, and counts */
		qsort(pools, n, sizeof *pools, pool_cmp);
	for (size_t i = 0; i < n; i++)
		if (!kept || !cidr_eq(&pools[i].cidr, &pools[kept - 1].cidr))
			pools[kept++] = pools[i];
	p->plan->pools = pools;
	p->plan->n_pools = kept;
	ignored = arena_array(p->arena, const char *, p->config->ignored_interfaces.n);
	for (size_t i = 0; i < p->config->ignored_interfaces.n; i++)
		ignored[i] = list_at(p->config->ignored_interfaces, const char *, i);
	p->plan->ignored_interfaces = ignored;
	p->plan->n_ignored_interfaces = p->config->ignored_interfaces.n;
	p->plan->log_severity = own && resource_spec(own, bgpconfiguration)->log_severity_screen ?
					resource_spec(own, bgpconfiguration)->log_severity_screen :
					p->config->log_severity_screen;
}

/* One problem for all sessions that have the address as their source: the mistake is the Node's. */
static void plan_missing(struct planner *p)
{
	struct ip *missing = arena_array(p->arena, struct ip, p->facts->n_missing);

	p->plan->missing = p->facts->n_missing ? missing : NULL;
	p->plan->n_missing = p->facts->n_missing;
	for (size_t i = 0; i < p->facts->n_missing; i++) {
		const struct ip *ip = &p->facts->missing[i];
		size_t n = 0;

		missing[i] = *ip;
		for (size_t j = 0; j < p->plan->n_peerings; j++)
			n += ip_eq(&p->peerings[j].source, ip);
		if (n)
			problem_add(
				p, PROBLEM_SOURCE_NOT_LOCAL, DIAG_ERROR, p->self->resource, NULL,
				"no interface of the machine has %s, which the Node gives as its "
				"address: %zu session%s with it as source cannot come up",
				ip_text(ip).s, n, n == 1 ? "" : "s");
	}
}

static int problem_cmp(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;
	int order = strcmp(x->origin, y->origin);

	if (!order)
		order = (int)x->code - (int)y->code;
	if (!order)
		order = strcmp(x->peering ? x->peering : "", y->peering ? y->peering : "");
	return order ? order : strcmp(x->text, y->text);
}

static int ref_cmp(const void *a, const void *b)
{
	const struct secret_ref *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->key, y->key);
}

static int pool_cmp(const void *a, const void *b)
{
	const struct plan_pool *x = a, *y = b;
	int order = cidr_cmp(&x->cidr, &y->cidr);

	return order ? order : (int)x->export - (int)y->export;
}

static int cidr_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct cidr));
}
