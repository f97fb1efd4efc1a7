/* SPDX-License-Identifier: Apache-2.0 */
#include "render/filter.h"

#include "base/text.h"

/* Calico's route priority p and BGP's local preference map to each other as M - p (compat 5.4). */
#define PRIORITY_M 2147483647u

struct made { /* what was asked for, and the answer */
	bool import;
	int family;
	bool ibgp, reflect, onlink;
	const struct resource *const *filters;
	size_t n_filters;
	const char *text;
};

struct filter_set {
	const struct plan *plan;
	struct conf *conf;
	struct arena *arena;
	struct made *made;
	size_t n_made;
};

static const char *filter_get(struct filter_set *set, const struct made *want);
static bool made_same(const struct made *a, const struct made *b);
static void import_body(const struct filter_set *set, const struct made *m, struct buf *out);
static void export_body(const struct filter_set *set, const struct made *m, struct buf *out);
static bool filter_rules(const struct made *m, struct buf *out);
static void rule_text(const struct filter_rule *r, const struct made *m, struct buf *out);
static void rule_prefix(const struct filter_rule *r, struct buf *out);
static void rule_operation(const struct filter_operation *op, struct buf *out);
static void community_text(const char *community, struct buf *out);
static const char *community_list(const char *community);
static const char *filter_block(struct filter_set *set, bool import, const struct buf *body);
static void term(struct buf *out, size_t from, const char *text);

struct filter_set *filter_set_new(const struct plan *plan, struct conf *c, struct arena *a)
{
	struct filter_set *set = arena_new(a, struct filter_set);

	*set = (struct filter_set){ .plan = plan, .conf = c, .arena = a };
	return set;
}

const char *filter_import(struct filter_set *set, const struct peering *p, int family)
{
	const struct made want = {
		true,	      family, peering_ibgp(p), false, p->gateway_onlink, p->filters,
		p->n_filters, NULL
	};

	return filter_get(set, &want);
}

const char *filter_export(struct filter_set *set, const struct peering *p, int family)
{
	/* On a route reflector BIRD itself keeps to RFC 4456: what may go to whom. */
	const struct made want = { false, family,     peering_ibgp(p), p->reflector,
				   false, p->filters, p->n_filters,    NULL };

	return filter_get(set, &want);
}

void filter_keep(struct filter_set *set, const struct conf *last, const char *text, size_t len)
{
	static const char mark[] = " filter ";
	const char *end = text + len, *at = text;

	while ((at = memmem(at, (size_t)(end - at), mark, strlen(mark)))) {
		const char *stop;
		const struct conf_block *b;
		char *name;

		at += strlen(mark);
		stop = memchr(at, ';', (size_t)(end - at));
		if (!stop)
			return;
		name = arena_strn(set->arena, at, (size_t)(stop - at));
		b = conf_find(last, name);
		if (b && strcmp(b->origin, "filter") == 0 && !conf_find(set->conf, name)) {
			conf_open(set->conf, name, "filter", NULL);
			conf_text(set->conf, last->text.at + b->at, b->len);
			conf_close(set->conf);
		}
	}
}

static const char *filter_get(struct filter_set *set, const struct made *want)
{
	auto_buf struct buf body = { 0 };
	struct made *m;

	for (size_t i = set->n_made; i-- > 0;) /* most sessions are like the one before */
		if (made_same(&set->made[i], want))
			return set->made[i].text;
	if (want->import)
		import_body(set, want, &body);
	else
		export_body(set, want, &body);
	m = arena_push(set->arena, set->made, set->n_made);
	*m = *want;
	m->text = body.len ? filter_block(set, want->import, &body) : "all";
	return m->text;
}

static bool made_same(const struct made *a, const struct made *b)
{
	if (a->import != b->import || a->family != b->family || a->ibgp != b->ibgp ||
	    a->reflect != b->reflect || a->onlink != b->onlink || a->n_filters != b->n_filters)
		return false;
	for (size_t i = 0; i < a->n_filters; i++)
		if (a->filters[i] != b->filters[i])
			return false;
	return true;
}

/* As Calico: everything is accepted that no filter rejects. `gateway direct` of BIRD 1.6 (the next hop
 * if it is on-link, else the peer) is made of one test per connected network (bird2.md 2.7). */
static void import_body(const struct filter_set *set, const struct made *m, struct buf *out)
{
	bool any = false;

	if (m->onlink) {
		buf_str(out, "\tif ");
		for (size_t i = 0; i < set->plan->n_onlink; i++) {
			const struct cidr *net = &set->plan->onlink[i];

			if (net->ip.family != m->family)
				continue;
			buf_printf(out, "%sbgp_next_hop ~ %s", any ? " || " : "", cidr_text(net).s);
			any = true;
		}
		buf_str(out, any ? " then gw = bgp_next_hop; else gw = from;\n" :
				   "true then gw = from;\n");
		buf_str(out, "\tpeerage_onlink = 1;\n"); /* it may carry next hops of others */
		any = true;
	}
	any |= filter_rules(m, out);
	if (any)
		buf_str(out, "\taccept;\n");
}

static void export_body(const struct filter_set *set, const struct made *m, struct buf *out)
{
	filter_rules(m, out);
	for (int pass = 0; pass < 2; pass++) /* what must not go out, then what may */
		for (size_t i = 0; i < set->plan->n_pools; i++) {
			const struct plan_pool *pool = &set->plan->pools[i];

			if (pool->cidr.ip.family == m->family && pool->export == (pass == 1))
				buf_printf(out, "\tif net ~ %s then %s;\n",
					   cidr_text(&pool->cidr).s, pass ? "accept" : "reject");
		}
	if (m->reflect)
		buf_str(out, "\tif source = RTS_BGP then accept;\n");
	buf_str(out, "\treject;\n");
}

/* The rules of all filters in order: the first whose conditions all hold decides. */
static bool filter_rules(const struct made *m, struct buf *out)
{
	size_t was = out->len;

	for (size_t i = 0; i < m->n_filters; i++) {
		const struct bgpfilter *f = m->filters[i]->spec;
		const struct list *rules =
			m->import ? (m->family == 4 ? &f->import_v4 : &f->import_v6) :
				    (m->family == 4 ? &f->export_v4 : &f->export_v6);

		for (size_t j = 0; j < rules->n; j++)
			rule_text(&list_at(*rules, struct filter_rule, j), m, out);
	}
	return out->len > was;
}

static void rule_text(const struct filter_rule *r, const struct made *m, struct buf *out)
{
	size_t from;

	if (r->peer_type && (r->peer_type == FILTER_PEER_IBGP) != m->ibgp)
		return; /* it can never hold here */
	buf_str(out, "\tif ");
	from = out->len;
	if (ip_is_set(&r->cidr.ip))
		rule_prefix(r, out);
	if (r->source == FILTER_SOURCE_REMOTE_PEERS)
		term(out, from, "source = RTS_BGP");
	if (!str_empty(r->interface) && text_glob(r->interface, "")) {
		term(out, from, "ifname != \"\""); /* "*": any, but there must be one */
	} else if (!str_empty(r->interface)) {
		term(out, from, "ifname ~ \"");
		buf_printf(out, "%s\"", r->interface); /* its alphabet has no quote */
	}
	for (size_t i = 0; r->communities && i < r->communities->values.n; i++) {
		const char *community = list_at(r->communities->values, const char *, i);

		term(out, from, "");
		community_text(community, out);
		buf_printf(out, " ~ %s", community_list(community));
	}
	if (r->as_path_prefix.n) {
		term(out, from, "bgp_path ~ [= ");
		for (size_t i = 0; i < r->as_path_prefix.n; i++)
			buf_printf(out, "%u ", list_at(r->as_path_prefix, uint32_t, i));
		buf_str(out, "* =]");
	}
	if (r->priority) {
		term(out, from, "defined(bgp_local_pref) && bgp_local_pref = ");
		buf_u64(out, PRIORITY_M - r->priority);
	}
	if (out->len == from)
		buf_str(out, "true");
	if (r->operations.n == 0) {
		buf_printf(out, " then %s;\n", r->action == ACTION_ACCEPT ? "accept" : "reject");
		return;
	}
	buf_str(out, " then {\n");
	for (size_t i = 0; i < r->operations.n; i++)
		rule_operation(&list_at(r->operations, struct filter_operation, i), out);
	buf_str(out, "\t\taccept;\n\t}\n");
}

static void rule_prefix(const struct filter_rule *r, struct buf *out)
{
	const struct ip_text cidr = cidr_text(&r->cidr);
	const struct filter_lengths *len = r->prefix_length;
	unsigned min = r->cidr.len, max = ip_bits(&r->cidr.ip);
	bool not = r->match_operator == MATCH_NOT_EQUAL || r->match_operator == MATCH_NOT_IN;
	bool equal = r->match_operator == MATCH_EQUAL || r->match_operator == MATCH_NOT_EQUAL;

	if (len && len->min.set)
		min = MAX(min, len->min.value);
	if (len && len->max.set)
		max = MIN(max, len->max.value);
	if (not )
		buf_str(out, "!(");
	if (min > max ||
	    (equal && len)) /* no such length; a prefix is no range of them (compat Q5) */
		buf_str(out, "false");
	else if (equal)
		buf_printf(out, "net = %s", cidr.s);
	else if (len)
		buf_printf(out, "net ~ [ %s{%u,%u} ]", cidr.s, min, max);
	else
		buf_printf(out, "net ~ %s", cidr.s);
	if (not )
		buf_char(out, ')');
}

static void rule_operation(const struct filter_operation *op, struct buf *out)
{
	if (op->add_community) {
		buf_printf(out, "\t\t%s.add(", community_list(op->add_community->value));
		community_text(op->add_community->value, out);
		buf_str(out, ");\n");
	}
	if (op->prepend_as_path) /* the first of the list ends up in front */
		for (size_t i = op->prepend_as_path->prefix.n; i-- > 0;)
			buf_printf(out, "\t\tbgp_path.prepend(%u);\n",
				   list_at(op->prepend_as_path->prefix, uint32_t, i));
	if (op->set_priority)
		buf_printf(out, "\t\tbgp_local_pref = %u;\n", PRIORITY_M - op->set_priority->value);
}

/* "65000:1" as (65000,1); "1:2:3" as (1,2,3): checked when it was decoded. */
static void community_text(const char *community, struct buf *out)
{
	buf_char(out, '(');
	for (const char *s = community; *s; s++)
		buf_char(out, *s == ':' ? ',' : *s);
	buf_char(out, ')');
}

static const char *community_list(const char *community)
{
	const char *colon = strchr(community, ':');

	return colon && strchr(colon + 1, ':') ? "bgp_large_community" : "bgp_community";
}

static const char *filter_block(struct filter_set *set, bool import, const struct buf *body)
{
	struct digest d = digest_of(body->at, body->len);
	const char *name = arena_printf(set->arena, "%s_%.16s", import ? "import" : "export",
					digest_hex(&d).s);

	if (!conf_find(set->conf, name)) {
		conf_open(set->conf, name, "filter", NULL);
		conf_line(set->conf, "filter %s {", name);
		conf_text(set->conf, body->at, body->len);
		conf_line(set->conf, "}");
		conf_close(set->conf);
	}
	return arena_printf(set->arena, "filter %s", name);
}

/* One more condition of those that began at FROM. */
static void term(struct buf *out, size_t from, const char *text)
{
	if (out->len > from)
		buf_str(out, " && ");
	buf_str(out, text);
}
