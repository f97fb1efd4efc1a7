/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each session is to be: for every neighbour the first candidate wins, and becomes a peering
 * with what its resource, the two nodes and the facts say. Secrets fail closed.
 */
#include "compute/planner.h"

#include <stdarg.h>

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
static int local_cmp(const void *a, const void *b);
static void restart(struct peering *at, const struct seconds *time, bool llgr);
static void directness(struct planner *p, struct peering *at, const struct candidate *c,
		       const struct bgppeer *peer);
static void password(struct planner *p, struct peering *at, const struct candidate *c,
		     const struct secret_ref *ref);
static struct secret_fact secret_find(const struct planner *p, const struct secret_ref *ref);
static int secret_cmp(const void *a, const void *b);
static void filters(struct planner *p, struct peering *at, const struct candidate *c,
		    const struct bgppeer *peer);
static const char *asks(struct planner *p, const struct secret_ref *secret,
			const struct list *filter_names);
static void ask_name(const char *name, struct buf *out);
static void fault(struct planner *p, struct peering *at, const struct candidate *c,
		  enum problem_code code, const char *format, ...) printf_like(5, 6);
static struct strmap extensions(struct planner *p, const struct candidate *c,
				const struct bgppeer *peer);


void peerings_make(struct planner *p)
{
	const struct candidate *winner = NULL;

	p->peerings = arena_array(p->arena, struct peering, p->n_candidates);
	p->plan->peerings = p->peerings;
	candidates_sort(p);
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
	struct peering at = { .name = c->name,
			      .remote = c->remote,
			      .fault = p->pools_unknown ? PROBLEM_INVALID : PROBLEM_NONE };
	const struct secret_ref *secret;

	if (!remote_as(p, c, peer, &at.remote_as))
		return;
	at.down = peer->admin_state == ADMIN_DOWN;
	at.origin = c->by ? resource_id(c->by, p->arena) : "mesh";
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
	secret = c->by ? &peer->password.ref : &p->config->mesh_password.ref;
	at.asks = asks(p, secret, &peer->filters);
	filters(p, &at, c, peer);
	at.extensions = extensions(p, c, peer);
	password(p, &at, c, secret);
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
		endpoint_text(&loser->remote).s, resource_id(winner->by, p->arena),
		winner->rank != loser->rank ?
			"a global peer goes before a node's own, and both before a reverse peering" :
		winner->born != loser->born ?
			"of two that ask for the same, the older one has it" :
			"of two that ask for the same and are of one age, the first by name has it");
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
	const struct facts *f = p->facts;
	bool found = false;

	if (f->n_local && bsearch(remote, f->local, f->n_local, sizeof *remote, local_cmp))
		return false; /* our own */
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

static int local_cmp(const void *a, const void *b)
{
	return ip_cmp(a, b);
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
	const char *wrong = NULL;

	if (str_empty(ref->name))
		return;
	fact = secret_find(p, ref);
	if (fact.state == SECRET_UNREADABLE) {
		fault(p, at, c, PROBLEM_SECRET_UNREADABLE, "secret %s/%s cannot be read just now (%s)",
		      ref->name, ref->key, fact.why ? fact.why : "no reason given");
		return;
	}
	if (fact.state == SECRET_ABSENT) {
		fault(p, at, c, PROBLEM_SECRET_MISSING, "secret %s/%s %s", ref->name, ref->key,
		      fact.why ? fact.why : "is not there");
		return;
	}
	if (!fact.len)
		wrong = "is empty";
	else if (fact.len > PASSWORD_MAX)
		wrong = "is longer than 80 bytes, the most that TCP MD5 takes";
	for (size_t i = 0; i < fact.len && !wrong; i++)
		if (fact.value[i] == '"' || fact.value[i] == '\n' || fact.value[i] == '\r' ||
		    !fact.value[i])
			wrong = "holds a quote, a line end or a NUL, which BIRD cannot express";
	if (wrong) {
		fault(p, at, c, PROBLEM_SECRET_INVALID, "secret %s/%s %s", ref->name, ref->key,
		      wrong);
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

/* One word, in the order that asks_less() goes by. A reference may hold anything: what no name has is
 * written as its bytes. */
static const char *asks(struct planner *p, const struct secret_ref *secret,
			const struct list *filter_names)
{
	auto_buf struct buf out = { 0 };

	if (!str_empty(secret->name)) {
		buf_str(&out, "secret:");
		ask_name(secret->name, &out);
		buf_char(&out, '/');
		ask_name(secret->key, &out);
	}
	for (size_t i = 0; i < filter_names->n; i++) {
		buf_str(&out, out.len ? ",filter:" : "filter:");
		ask_name(list_at(*filter_names, const char *, i), &out);
	}
	return arena_str(p->arena, buf_text(&out));
}

static void ask_name(const char *name, struct buf *out)
{
	for (const char *c = name ? name : ""; *c; c++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *c))
			buf_char(out, *c);
		else
			buf_printf(out, "%%%02x", (unsigned char)*c);
}

/* AT cannot start, for a reason that may have company: the first one counts. */
static void fault(struct planner *p, struct peering *at, const struct candidate *c,
		  enum problem_code code, const char *format, ...)
{
	const char *words;
	va_list args;

	va_start(args, format);
	words = arena_vprintf(&p->scratch, format, args);
	va_end(args);
	if (!at->fault)
		at->fault = code;
	problem_add(p, code, DIAG_ERROR, c->by, c->name,
		    "%s; what runs stays, and nothing starts without it", words);
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
		fault(p, at, c, r ? PROBLEM_FILTER_INVALID : PROBLEM_FILTER_MISSING,
		      "%s BGPFilter \"%s\"", r ? "there is a mistake in" : "there is no", name);
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
