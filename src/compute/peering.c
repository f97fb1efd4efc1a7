/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each session is to be: for every neighbour the first candidate wins (decisions.md 16), and
 * becomes a peering with what its resource, the two nodes and the facts say. Secrets fail closed.
 */
#include "compute/planner.h"

#include "base/text.h"

#define GR_TIME_MAX   4095
#define LLGR_TIME_MAX 16777215
#define PASSWORD_MAX  80 /* TCP_MD5SIG_MAXKEYLEN */

static void peering_make(struct planner *p, const struct candidate *c);
static void say_double(struct planner *p, const struct candidate *loser,
		       const struct candidate *winner);
static bool remote_as(struct planner *p, const struct candidate *c, const struct bgppeer *peer,
		      uint32_t *ret);
static bool is_on_link(const struct planner *p, const struct ip *remote);
static void restart(struct peering *at, const struct seconds *time, bool llgr);
static void directness(struct planner *p, struct peering *at, const struct candidate *c,
		       const struct bgppeer *peer);
static void password(struct planner *p, struct peering *at, const struct candidate *c,
		     const struct secret_ref *ref);
static struct secret_fact secret_find(const struct planner *p, const struct secret_ref *ref);
static int secret_cmp(const void *a, const void *b);
static void filters(struct planner *p, struct peering *at, const struct candidate *c,
		    const struct bgppeer *peer);
static struct strmap extensions(struct planner *p, const struct candidate *c,
				const struct bgppeer *peer);

static bool disabled_by_hand(const struct planner *p, const char *name);
static int candidate_cmp(const void *a, const void *b);

void peerings_make(struct planner *p)
{
	const struct candidate *winner = NULL;

	p->peerings = arena_array(p->arena, struct peering, p->n_candidates);
	p->plan->peerings = p->peerings;
	if (p->n_candidates > 1)
		qsort(p->candidates, p->n_candidates, sizeof *p->candidates, candidate_cmp);
	for (size_t i = 0; i < p->n_candidates; i++) {
		const struct candidate *c = &p->candidates[i];

		if (winner && strcmp(winner->name, c->name) == 0) {
			say_double(p, c, winner);
			continue;
		}
		winner = c;
		peering_make(p, c);
	}
}

static void peering_make(struct planner *p, const struct candidate *c)
{
	static const struct bgppeer mesh_peer;
	const struct bgppeer *peer = c->by ? c->by->spec : &mesh_peer;
	bool link_local = ip_is_link_local(&c->remote.ip);
	const struct ip own = *host_address(p->self, c->remote.ip.family);
	struct peering at = { .name = c->name, .remote = c->remote, .hold = p->hold };

	if (!remote_as(p, c, peer, &at.remote_as))
		return;
	at.origin = c->by ? origin_of(c->by, p->arena) : "mesh";
	at.origin_version = c->by ? c->by->meta.version : NULL;
	at.remote_node = c->host ? c->host->resource->meta.name : NULL;
	at.local_as = p->self->as;
	at.local_port = p->self->port;
	if (!link_local && peer->source_address != SOURCE_NONE)
		at.source = own;
	for (size_t i = 0; i < p->facts->n_missing; i++)
		at.source_missing |= ip_eq(&at.source, &p->facts->missing[i]);
	at.strict_bind = p->config->bind_mode == BIND_NODE_IP;
	if (at.strict_bind && !ip_is_set(&at.source)) {
		problem_add(p, PROBLEM_NOT_EXPRESSIBLE, DIAG_ERROR, c->by, c->name,
			    "bindMode NodeIP needs a source address, and %s; BIRD cannot do both",
			    link_local ? "a link-local peer has none" : "sourceAddress is None");
		return;
	}
	/* The other end dials where it listens; to any other port only we could. */
	if (c->host && c->remote.port == c->host->port &&
	    strcmp(ip_text(&c->remote.ip).s, ip_text(&own).s) > 0)
		at.passive = c->rank >= RANK_REVERSE ||
			     (peer->peer_selector && peer->reverse_peering != REVERSE_MANUAL) ||
			     peer_plans(p, c->host, p->self, c->remote.ip.family);
	if (c->by)
		restart(&at, &peer->max_restart_time, peer->restart_mode == RESTART_LLGR);
	else
		restart(&at, &p->config->mesh_max_restart_time, false);
	directness(p, &at, c, peer);
	at.reflector = ip_is_set(&p->self->cluster) && at.local_as == at.remote_as;
	if (at.reflector && !(c->host && ip_eq(&c->host->cluster, &p->self->cluster))) {
		at.rr_client = true;
		at.cluster_id = p->self->cluster;
	}
	filters(p, &at, c, peer);
	at.extensions = extensions(p, c, peer);
	password(p, &at, c, c->by ? &peer->password.ref : &p->config->mesh_password.ref);
	if (disabled_by_hand(p, c->name)) {
		at.disabled = at.by_hand = true;
		problem_add(p, PROBLEM_DISABLED, DIAG_WARNING, c->by, c->name,
			    "disabled by hand on the node; `birdc enable %s` there brings it back",
			    c->name);
	}
	p->peerings[p->plan->n_peerings++] = at;
}

/* A reverse peering that an explicit one stands for is no mistake; the mesh never complains. */
static void say_double(struct planner *p, const struct candidate *loser,
		       const struct candidate *winner)
{
	if (!loser->by || loser->by == winner->by)
		return;
	problem_add(
		p, PROBLEM_DOUBLE, loser->rank == RANK_REVERSE ? DIAG_NOTE : DIAG_WARNING,
		loser->by, loser->name, "the session with %s is the one of %s: %s",
		endpoint_text(&loser->remote).s, origin_of(winner->by, p->arena),
		winner->rank != loser->rank ?
			"a global peer goes before a node's own, and both before a reverse peering" :
			"of two that ask for the same, the first by name has it");
}

static bool remote_as(struct planner *p, const struct candidate *c, const struct bgppeer *peer,
		      uint32_t *ret)
{
	*ret = c->rank <= RANK_NODE && peer->as_number ? peer->as_number :
	       c->host				       ? c->host->as :
							 0;
	if (!*ret)
		problem_add(
			p, PROBLEM_AS_UNKNOWN, DIAG_ERROR, c->by, c->name,
			"asNumber is not given, and %s is the address of no Node that could tell it",
			endpoint_text(&c->remote).s);
	return *ret != 0;
}

/* What BIRD's neighbour cache does with the addresses there are (bird2.md 2.6). */
static bool is_on_link(const struct planner *p, const struct ip *remote)
{
	bool found = false;

	for (size_t i = 0; i < p->n_onlink; i++) {
		const struct cidr *a = &p->onlink[i].address;
		unsigned bits = ip_bits(&a->ip);
		struct cidr net;

		if (ip_eq(&a->ip, remote))
			return false; /* our own */
		if (ip_is_set(&p->onlink[i].peer) && ip_eq(&p->onlink[i].peer, remote))
			found = true;
		if (a->len == bits || !cidr_contains(a, remote))
			continue;
		net = cidr_network(a);
		if (bits == 32 && a->len <= 30) {
			struct cidr all = net;

			for (unsigned bit = a->len; bit < 32; bit++)
				all.ip.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
			if (ip_eq(remote, &net.ip) || ip_eq(remote, &all.ip))
				continue;
		}
		found = true;
	}
	return found;
}

static void restart(struct peering *at, const struct seconds *time, bool llgr)
{
	at->llgr = llgr;
	if (time->text)
		at->restart_time =
			(struct opt_u32){ 1, MIN(time->value, llgr ? LLGR_TIME_MAX : GR_TIME_MAX) };
}

/* BFD and the gateway mode hang on being directly connected; turning BFD on makes the session
 * single hop, which restarts it once (decisions.md 18). */
static void directness(struct planner *p, struct peering *at, const struct candidate *c,
		       const struct bgppeer *peer)
{
	bool link_local = ip_is_link_local(&c->remote.ip);
	bool bfd = peer->failure_detection_mode == DETECT_BFD;
	bool gateway = peer->bird_gateway_mode == GATEWAY_DIRECT;

	at->on_link = link_local ||
		      ((bfd || gateway || p->n_onlink < 64) && is_on_link(p, &c->remote.ip));
	at->direct = link_local || (bfd && at->on_link);
	if (bfd && at->on_link)
		at->bfd = at->llgr ? BFD_GRACEFUL : BFD_ON;
	at->gateway_onlink = gateway && at->on_link;
	if ((bfd || gateway) && !at->on_link)
		problem_add(p, PROBLEM_NOT_ONLINK, DIAG_NOTE, c->by, c->name,
			    "%s is not in a prefix of this node's interfaces, so %s%s%s not used",
			    endpoint_text(&c->remote).s, bfd ? "BFD" : "",
			    bfd && gateway ? " and " : "",
			    gateway ? (bfd ? "the direct gateway mode are" :
					     "the direct gateway mode is") :
				      " is");
}

static void password(struct planner *p, struct peering *at, const struct candidate *c,
		     const struct secret_ref *ref)
{
	struct secret_fact fact;
	const char *fault = NULL;

	if (str_empty(ref->name))
		return;
	fact = secret_find(p, ref);
	if (fact.state == SECRET_UNREADABLE) {
		at->hold = true;
		problem_add(
			p, PROBLEM_SECRET_UNREADABLE, DIAG_WARNING, c->by, c->name,
			"secret %s/%s cannot be read just now (%s); what BIRD runs for the session "
			"stays, and where it runs nothing the session is disabled",
			ref->name, ref->key, fact.why ? fact.why : "no reason given");
		return;
	}
	if (fact.state == SECRET_ABSENT) {
		at->disabled = true;
		problem_add(
			p, PROBLEM_SECRET_MISSING, DIAG_ERROR, c->by, c->name,
			"secret %s/%s %s; the session stays disabled, never without its password",
			ref->name, ref->key, fact.why ? fact.why : "is not there");
		return;
	}
	if (!fact.len)
		fault = "is empty";
	else if (fact.len > PASSWORD_MAX)
		fault = "is longer than 80 bytes, the most that TCP MD5 takes";
	for (size_t i = 0; i < fact.len && !fault; i++)
		if (fact.value[i] == '"' || fact.value[i] == '\n' || fact.value[i] == '\r' ||
		    !fact.value[i])
			fault = "holds a quote, a line end or a NUL, which BIRD cannot express";
	if (fault) {
		at->disabled = true;
		problem_add(p, PROBLEM_SECRET_INVALID, DIAG_ERROR, c->by, c->name,
			    "secret %s/%s %s; the session stays disabled", ref->name, ref->key,
			    fault);
		return;
	}
	at->password = arena_strn(p->arena, fact.value, fact.len);
}

static struct secret_fact secret_find(const struct planner *p, const struct secret_ref *ref)
{
	struct secret_fact none = { ref->name, ref->key, SECRET_ABSENT, NULL, 0, NULL };
	const struct resource *r;
	struct secret_fact found = none;

	if (p->facts->secrets_known) {
		const struct secret_fact *s = NULL;

		if (p->facts->n_secrets)
			s = bsearch(&none, p->facts->secrets, p->facts->n_secrets, sizeof *s,
				    secret_cmp);
		return s ? *s : none;
	}
	r = snapshot_find(p->snap, &kind_secret, ref->name);
	if (!r)
		return none;
	if (resource_broken(r)) {
		found.state = SECRET_UNREADABLE;
		found.why = "it does not decode";
		return found;
	}
	found.value = secret_value(r->spec, ref->key, p->arena, &found.len);
	if (found.value)
		found.state = SECRET_READABLE;
	else
		found.why = "has no such key";
	return found;
}

static int secret_cmp(const void *a, const void *b)
{
	const struct secret_fact *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->key, y->key);
}

/* A filter that is not there must not open the session to everything (compat Q4). */
static void filters(struct planner *p, struct peering *at, const struct candidate *c,
		    const struct bgppeer *peer)
{
	const struct resource **found =
		arena_array(p->arena, const struct resource *, peer->filters.n);

	for (size_t i = 0; i < peer->filters.n; i++) {
		const char *name = list_at(peer->filters, const char *, i);
		const struct resource *r = snapshot_find(p->snap, &kind_bgpfilter, name);

		if (r && r->spec) {
			found[at->n_filters++] = r;
			continue;
		}
		at->hold = true;
		problem_add(p, r ? PROBLEM_FILTER_INVALID : PROBLEM_FILTER_MISSING, DIAG_ERROR,
			    c->by, c->name,
			    "%s BGPFilter \"%s\"; what BIRD runs for the session stays, and where "
			    "it runs nothing the session is disabled",
			    r ? "there is a mistake in" : "there is no", name);
	}
	at->filters = found;
}

static struct strmap extensions(struct planner *p, const struct candidate *c,
				const struct bgppeer *peer)
{
	const struct strmap *from[] = { &peer->extensions, &p->config->extensions };
	struct strpair *pairs = arena_array(p->arena, struct strpair, from[0]->n + from[1]->n);
	size_t n = 0;

	for (size_t m = 0; m < lengthof(from); m++)
		for (size_t i = 0; i < from[m]->n; i++) {
			const struct strpair *pair = &from[m]->items[i];

			if (m && strmap_get(from[0], pair->key))
				continue;
			if (extension_value_valid(pair->value))
				pairs[n++] = *pair;
			else
				problem_add(
					p, PROBLEM_EXTENSION, DIAG_WARNING, c->by, c->name,
					"extension \"%s\" is left out: a value is 1 to 64 of A-Z a-z 0-9 _ . : -",
					text_clean(p->arena, pair->key, strlen(pair->key), 64));
		}
	return strmap_make(pairs, n);
}

bool extension_value_valid(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= 64 &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-") ==
		       len;
}

static bool disabled_by_hand(const struct planner *p, const char *name)
{
	for (size_t i = 0; i < p->facts->n_disabled; i++)
		if (strcmp(p->facts->disabled[i], name) == 0)
			return true;
	return false;
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
