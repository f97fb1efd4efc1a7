/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/compose.h"

#include "base/clock.h"
#include "base/text.h"

struct reasons { /* problems that name a session, sorted by it; those of fates before those of the plan */
	struct reason {
		const struct problem *problem;
		size_t place;
	} * items;
	size_t n;
	const struct problem *pool; /* a broken one, which all sessions rest on; it names none */
};

static void compose_routes(const struct report_facts *f, struct nodestatus *s, struct arena *a);
static void compose_sessions(const struct report_facts *f, struct nodestatus *s, struct arena *a);
static const struct session **sessions_by_name(const struct observer *o, struct arena *a,
					       size_t *ret_n);
static int session_cmp(const void *a, const void *b);
static struct status_session compose_session(const struct report_facts *f,
					     const struct reasons *reasons, const struct peering *p,
					     const struct session *s, struct arena *a);
static void compose_reason(const struct report_facts *f, const struct reasons *reasons,
			   const struct peering *p, const struct session *s,
			   const struct history *h, struct status_session *out, struct arena *a);
static const char *cause_sentence(const struct history_cause *c, const struct session_cause *cause,
				  struct arena *a);
static struct status_cause *compose_before(const struct history *h, struct arena *a);
static struct reasons reasons_of(const struct report_facts *f, struct arena *a);
static int reason_cmp(const void *a, const void *b);
static const struct problem *reason_find(const struct reasons *r, const struct peering *p);
static void compose_problems(const struct report_facts *f, struct nodestatus *s, struct arena *a);

struct nodestatus compose_status(const struct report_facts *f, struct arena *a)
{
	struct status_onlink *links = arena_array(a, struct status_onlink, f->n_onlink);
	struct nodestatus s = {
		.state = f->state,
		.message = f->message,
		.bird_version = observer_version(f->observer),
		.router_id = observer_router_id(f->observer),
		.agent_version = PEERAGE_VERSION,
		.store_identity = f->store_identity,
		.on_link = {links, f->n_onlink},
	};

	if (f->plan)
		s.missing_addresses = (struct list){ f->plan->missing, f->plan->n_missing };
	if (f->conf_id) /* it covers passwords: no more than its beginning leaves the node */
		s.conf_id = arena_strn(a, f->conf_id, MIN(strlen(f->conf_id), 12));
	if (f->store_trouble) {
		const struct feed_trouble *from = f->store_trouble;

		s.store_trouble = arena_new(a, struct status_trouble);
		s.store_trouble->text = from->words;
		s.store_trouble->since = arena_str(a, clock_rfc3339(from->since).s);
		if (from->until)
			s.store_trouble->until = arena_str(a, clock_rfc3339(from->until).s);
	}
	for (size_t i = 0; i < f->n_onlink; i++)
		links[i] = (struct status_onlink){ f->onlink[i].interface, f->onlink[i].address,
						   f->onlink[i].peer };
	compose_routes(f, &s, a);
	compose_sessions(f, &s, a);
	compose_problems(f, &s, a);
	return s;
}

static void compose_routes(const struct report_facts *f, struct nodestatus *s, struct arena *a)
{
	size_t n = f->plan ? f->plan->n_routes : 0;
	struct status_route *routes = arena_array(a, struct status_route, n);

	for (size_t i = 0; i < n; i++)
		routes[i] = (struct status_route){ f->plan->routes[i].prefix,
						   f->plan->routes[i].gateway,
						   f->plan->routes[i].interface };
	s->kernel_routes = (struct list){ routes, n };
}

/* Both are sorted by name: one walk over them. What is not planned comes last. */
static void compose_sessions(const struct report_facts *f, struct nodestatus *s, struct arena *a)
{
	size_t n_seen, n = 0, n_other = 0, k = 0, n_planned = f->plan ? f->plan->n_peerings : 0;
	const struct session **seen = sessions_by_name(f->observer, a, &n_seen), **others = seen;
	struct status_session *out = arena_array(a, struct status_session, n_planned + n_seen);
	const struct reasons reasons = reasons_of(f, a);

	for (size_t i = 0; i < n_planned; i++) {
		const struct peering *p = &f->plan->peerings[i];
		const struct session *found = NULL;

		while (k < n_seen && strcmp(seen[k]->name, p->name) < 0)
			others[n_other++] = seen[k++];
		if (k < n_seen && strcmp(seen[k]->name, p->name) == 0)
			found = seen[k++];
		out[n++] = compose_session(f, &reasons, p, found, a);
	}
	while (k < n_seen)
		others[n_other++] = seen[k++];
	for (size_t i = 0; i < n_other; i++)
		out[n++] = compose_session(f, &reasons, NULL, others[i], a);
	s->sessions = (struct list){ out, n };
}

static const struct session **sessions_by_name(const struct observer *o, struct arena *a,
					       size_t *ret_n)
{
	const struct session *all = observer_sessions(o, ret_n);
	const struct session **sorted = arena_array(a, const struct session *, *ret_n);

	for (size_t i = 0; i < *ret_n; i++)
		sorted[i] = &all[i];
	if (*ret_n)
		qsort(sorted, *ret_n, sizeof *sorted, session_cmp);
	return sorted;
}

static int session_cmp(const void *a, const void *b)
{
	const struct session *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static struct status_session compose_session(const struct report_facts *f,
					     const struct reasons *reasons, const struct peering *p,
					     const struct session *s, struct arena *a)
{
	const struct history *h = observer_history(f->observer, p ? p->name : s->name);
	struct status_session out = { .name = p ? p->name : s->name };
	const struct session_fate *fate = fates_find(f->fates, out.name);

	if (p) {
		out.origin = p->origin;
		out.origin_version = p->origin_version;
		out.peer = arena_str(a, endpoint_text(&p->remote).s);
		out.peer_node = p->remote_node;
		out.as_number = p->remote_as;
		out.local_as_number = p->local_as;
		out.passive = p->passive ? YES : NO;
		out.direct = p->direct ? YES : NO;
	} else {
		out.origin = str_empty(s->description) ? "none" : s->description;
		out.peer = s->neighbor;
		out.as_number = s->neighbor_as;
		out.local_as_number = s->local_as;
	}
	if (fate && fate->fate.kind != FATE_RUNS)
		out.fate = fate_names[fate->fate.kind];
	out.state = s ? session_names[s->state] : f->asked ? "Missing" : "Unknown";
	if (s) {
		out.routes_imported = s->imported;
		out.routes_exported = s->exported;
	}
	if (h && s) {
		out.flaps = h->flaps;
		out.since = h->since ? arena_str(a, clock_rfc3339(h->since).s) : NULL;
		out.flaps_at_least = h->flaps_at_least ? YES : UNSET;
		out.before = compose_before(h, a);
	}
	compose_reason(f, reasons, p, s, h, &out, a);
	return out;
}

/* Why it is not Established, as far as it can be known: what the plan says first, then BIRD. */
static void compose_reason(const struct report_facts *f, const struct reasons *reasons,
			   const struct peering *p, const struct session *s,
			   const struct history *h, struct status_session *out, struct arena *a)
{
	const struct session_fate *fate = fates_find(f->fates, out->name);
	const struct problem *known = NULL;
	struct session_cause cause;

	if (s && s->state == SESSION_ESTABLISHED)
		return;
	/* What has a text in BIRD is down for BIRD's reasons, whatever else is wrong with it. */
	if (p && fate && (fate->fate.kind == FATE_STOPPED || fate->fate.kind == FATE_ABSENT)) {
		known = reason_find(reasons, p);
		if (!known && reasons->pool && reasons->pool->code == p->fault)
			known = reasons->pool;
	}
	if (fate && fate->fate.reason == FATE_BY_FIELD) {
		out->code = "ADMIN_DOWN";
		out->reason = fate_reasons[FATE_BY_FIELD];
	} else if (known) {
		out->code = problem_names[known->code];
		out->reason = known->text;
	} else if (!s) {
		out->code = f->asked ? "MISSING" : "BIRD_DOWN";
		out->reason = f->asked ? "BIRD does not have this session yet" :
					 "BIRD cannot be asked, so its state is not known";
	} else if (p && p->source_missing) {
		out->code = problem_names[PROBLEM_SOURCE_NOT_LOCAL];
		out->reason = arena_printf(a,
					   "no interface of the machine has %s, the source of the "
					   "session and the address that the Node gives",
					   ip_text(&p->source).s);
	} else if (h && history_cause(h, s, &cause)) {
		out->code = cause.code ? cause.code : "OTHER";
		out->reason = cause_sentence(&h->now, &cause, a);
	}
	if (h && s && h->now.words[0])
		out->error = h->now.words;
	if (h && s && h->now.message[0])
		out->message = h->now.message;
}

/* "Socket: Connection refused: Nothing listens at ..." */
static const char *cause_sentence(const struct history_cause *c, const struct session_cause *cause,
				  struct arena *a)
{
	if (!c->words[0])
		return cause->words;
	return arena_printf(a, "%s%s%s%s%s%s", c->words, cause->words ? ": " : "",
			    cause->words ? cause->words : "",
			    c->message[0] ? " The operator's message: \"" : "", c->message,
			    c->message[0] ? "\"" : "");
}

static struct status_cause *compose_before(const struct history *h, struct arena *a)
{
	const struct history_cause *c = &h->before;
	struct status_cause *before;
	const char *code;

	if (!c->words[0])
		return NULL;
	code = history_words_cause(c).code;
	before = arena_new(a, struct status_cause);
	*before = (struct status_cause){
		.code = code ? code : "OTHER",
		.error = c->words,
		.message = c->message[0] ? c->message : NULL,
		.at = arena_str(a, clock_rfc3339(c->at).s),
	};
	return before;
}

/* Five thousand sessions may lack one filter: each is searched for, not walked to. */
static struct reasons reasons_of(const struct report_facts *f, struct arena *a)
{
	static const char pool[] = "ippool/";
	size_t n_plan = f->plan ? f->plan->n_problems : 0;
	struct reasons r = { .items = arena_array(a, struct reason, f->n_problems + n_plan) };

	for (size_t i = 0; i < f->n_problems + n_plan; i++) {
		const struct problem *at =
			i < f->n_problems ? &f->problems[i] : &f->plan->problems[i - f->n_problems];

		if (!at->peering && strncmp(at->origin, pool, strlen(pool)) == 0)
			r.pool = at;
		if (at->peering && at->level != DIAG_NOTE)
			r.items[r.n++] = (struct reason){ at, i };
	}
	if (r.n)
		qsort(r.items, r.n, sizeof *r.items, reason_cmp);
	return r;
}

static int reason_cmp(const void *a, const void *b)
{
	const struct reason *x = a, *y = b;
	int order = strcmp(x->problem->peering, y->problem->peering);

	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

/* The first that is about P, and about the resource that asks for it. */
static const struct problem *reason_find(const struct reasons *r, const struct peering *p)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(r->items[mid].problem->peering, p->name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < r->n && strcmp(r->items[low].problem->peering, p->name) == 0; low++)
		if (strcmp(r->items[low].problem->origin, p->origin) == 0)
			return r->items[low].problem;
	return NULL;
}

static void compose_problems(const struct report_facts *f, struct nodestatus *s, struct arena *a)
{
	struct status_problem *out = NULL;
	size_t n = 0;

	for (int own = 0; own < 2; own++) {
		const struct problem *from = own ? f->problems : f->plan ? f->plan->problems : NULL;
		size_t n_from = own ? f->n_problems : f->plan ? f->plan->n_problems : 0;

		for (size_t i = 0; i < n_from; i++)
			if (from[i].level != DIAG_NOTE)
				*arena_push(a, out, n) =
					(struct status_problem){ problem_names[from[i].code],
								 from[i].origin, from[i].text,
								 NULL };
	}
	s->problems = (struct list){ out, n };
}
