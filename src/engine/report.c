/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/report.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/links.h"
#include "store/entry.h"

#define REFRESH_MS 60000
#define SPACE_MS   1000 /* between two writes, so that a flapping peer does not write without end */
#define CALM_MS	   10000 /* the same for changes that are no change of state (counters) */
#define RETRY_MS   5000
#define AGAIN_MS   1000 /* before what an earlier life wrote is asked for again */

struct report {
	char *node;
	bool begun, ready, writing, failed;
	int64_t again; /* when to ask again for what an earlier life wrote */
	bool told;     /* the log has it that statuses cannot be written */
	struct op op;
	struct write write;
	struct resource *earlier;   /* what an earlier life wrote */
	struct buf text;	    /* being written */
	struct digest full, states; /* of what was last written: all of it; what counts as state */
	int64_t written;	    /* clock_ms(), 0: never */
	int64_t due;		    /* when to write next */
	uint64_t stamp;		    /* of the facts that were last compared */
	int64_t looked;		    /* when that was */
	bool behind;		    /* the facts have changed since */
	bool able;		    /* could it have written? If not, time changes nothing */
	struct arena since_arena;
	struct status_problem *since; /* when each problem was first seen */
	size_t n_since;
};

static bool earlier_missed(const struct report *r);
static void take_entry(void *ctx, const struct entry *e);
static void collect(struct report *r, struct store *st);
static struct nodestatus compose(struct report *r, const struct report_facts *f, struct arena *a);
static void compose_sessions(const struct report_facts *f, struct nodestatus *s, struct arena *a);
static struct status_session compose_session(const struct report_facts *f, const struct peering *p,
					     const struct session *s, struct arena *a);
static void compose_reason(const struct report_facts *f, const struct peering *p,
			   const struct session *s, const struct history *h,
			   struct status_session *out, struct arena *a);
static const struct problem *problem_of(const struct peering *p, const struct problem *problems,
					size_t n);
static void compose_problems(struct report *r, const struct report_facts *f, struct nodestatus *s,
			     struct arena *a);
static const char *problem_since(struct report *r, const struct status_problem *p);
static void print_status(const struct nodestatus *s, const char *node, struct buf *out);
static void compare(struct report *r, const struct report_facts *f);
static void digests(struct report *r, const struct report_facts *f, struct digest *full,
		    struct digest *states);
static void start_write(struct report *r, struct store *st, const struct report_facts *f);

struct report *report_open(const char *node)
{
	struct report *r = mem_alloc(sizeof *r);

	r->node = mem_str(node);
	return r;
}

void report_close(struct report *r, struct store *st)
{
	if (!r)
		return;
	if (r->writing || (r->begun && !r->ready))
		store_cancel(st, &r->op);
	resource_unref(r->earlier);
	arena_free(&r->since_arena);
	buf_free(&r->text);
	free(r->node);
	free(r);
}

void report_begin(struct report *r, struct store *st)
{
	if (earlier_missed(r) && clock_ms() >= r->again) {
		store_cancel(st, &r->op);
		r->begun = false;
	}
	if (r->begun)
		return;
	r->begun = true;
	r->again = clock_ms() + AGAIN_MS;
	r->op = (struct op){ .type = OP_GET,
			     .kind = &kind_nodestatus,
			     .name = r->node,
			     .entry = take_entry,
			     .ctx = r };
	store_start(st, &r->op);
}

bool report_ready(const struct report *r)
{
	return r->ready || (r->begun && r->op.done && !earlier_missed(r));
}

void report_recall(struct report *r, struct observer *observer, struct links *l)
{
	const struct nodestatus *s = r->earlier ? r->earlier->spec : NULL;

	if (r->ready)
		return;
	r->ready = true;
	store_cancel(NULL, &r->op);
	for (size_t i = 0; s && i < s->on_link.n; i++) {
		const struct status_onlink *o = &list_at(s->on_link, struct status_onlink, i);

		links_remember(l, &(struct onlink){ o->interface, o->prefix, o->peer });
	}
	for (size_t i = 0; s && i < s->sessions.n; i++) {
		const struct status_session *from = &list_at(s->sessions, struct status_session, i);
		struct history h = { .flaps = from->flaps, .since = clock_parse(from->since) };

		snprintf(h.name, sizeof h.name, "%.64s", from->name ? from->name : "");
		snprintf(h.first_error, sizeof h.first_error, "%.159s",
			 from->first_error ? from->first_error : "");
		h.state =
			(enum session_state)name_find(session_names, from->state, SESSION_UNKNOWN);
		h.since = MAX(h.since, 0);
		observer_remember(observer, &h);
	}
	for (size_t i = 0; s && i < s->problems.n; i++) {
		const struct status_problem *p = &list_at(s->problems, struct status_problem, i);

		*arena_push(&r->since_arena, r->since, r->n_since) = (struct status_problem){
			arena_str(&r->since_arena, p->code), arena_str(&r->since_arena, p->origin),
			arena_str(&r->since_arena, p->text), arena_str(&r->since_arena, p->since)
		};
	}
	resource_unref(r->earlier);
	r->earlier = NULL;
}

void report_run(struct report *r, struct store *st, const struct report_facts *f, bool may_write)
{
	int64_t now = clock_ms();

	collect(r, st);
	if (!f->asked && !observer_trouble(f->observer))
		return; /* the first look is under way: it will have more to say */
	if (f->stamp != r->stamp && (!r->looked || now >= r->looked + SPACE_MS)) {
		r->stamp = f->stamp;
		r->looked = now;
		compare(r, f);
	}
	if (r->failed)
		r->due = r->written + RETRY_MS;
	r->behind = f->stamp != r->stamp;
	r->able = may_write && st;
	if (now < r->due || !r->able || r->writing)
		return;
	start_write(r, st, f);
	collect(r, st);
}

void report_wait(const struct report *r, struct poll *p)
{
	if (earlier_missed(r))
		poll_at(p, r->again);
	if (r->writing || !r->able)
		return;
	if (r->behind)
		poll_at(p, r->looked + SPACE_MS);
	poll_at(p, r->due);
}

void report_forget(struct report *r)
{
	if (r->writing) {
		store_cancel(NULL, &r->op);
		r->writing = false;
		r->failed = true;
	}
	if (r->begun && !r->ready && (!r->op.done || earlier_missed(r))) {
		store_cancel(NULL, &r->op);
		r->begun = false;
	}
}

/* The store was away when it was asked what an earlier life wrote. That decides which sessions run
 * BFD, so it is asked again before anything is done. */
static bool earlier_missed(const struct report *r)
{
	return !r->ready && r->begun && r->op.done && err_retry(r->op.err.kind) &&
	       r->op.err.kind != ERR_CONFLICT;
}

static void take_entry(void *ctx, const struct entry *e)
{
	struct report *r = ctx;

	if (!e->json)
		return;
	resource_unref(r->earlier); /* it was told, and then the read failed */
	r->earlier = entry_resource(e, DECODE_TOLERANT);
}

/* The end of a write. A failed one is tried again; nothing hangs on it but that people see it. */
static void collect(struct report *r, struct store *st)
{
	if (!r->writing || !r->op.done)
		return;
	r->failed = r->op.err.kind != ERR_NONE;
	if (r->failed && !r->told)
		log_event(LOG_WARNING, "status-not-written", "why", r->op.err.words, NULL);
	else if (!r->failed && r->told)
		log_event(LOG_INFO, "status-written", NULL);
	r->told = r->failed;
	store_cancel(st, &r->op);
	r->writing = false;
	buf_free(&r->text);
}

static struct nodestatus compose(struct report *r, const struct report_facts *f, struct arena *a)
{
	struct status_onlink *links = arena_array(a, struct status_onlink, f->n_onlink);
	struct nodestatus s = {
		.state = f->state,
		.message = f->message,
		.bird_version = observer_version(f->observer),
		.router_id = observer_router_id(f->observer),
		.agent_version = PEERAGE_VERSION,
		.store_identity = f->store_identity,
		.observed_at = arena_str(a, clock_rfc3339(clock_wall()).s),
		.on_link = {links, f->n_onlink},
	};

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
	compose_sessions(f, &s, a);
	compose_problems(r, f, &s, a);
	return s;
}

static void compose_sessions(const struct report_facts *f, struct nodestatus *s, struct arena *a)
{
	size_t n_seen, n = 0, n_planned = f->plan ? f->plan->n_peerings : 0;
	const struct session *seen = observer_sessions(f->observer, &n_seen);
	struct status_session *out = arena_array(a, struct status_session, n_planned + n_seen);
	bool *planned = arena_array(a, bool, n_seen);

	for (size_t i = 0; i < n_planned; i++) {
		const struct peering *p = &f->plan->peerings[i];
		const struct session *found = NULL;

		/* BIRD lists them in the order of the text, which is the plan's. */
		for (size_t j = 0; j < n_seen && !found; j++) {
			size_t at = (i + j) % n_seen;

			if (!planned[at] && strcmp(seen[at].name, p->name) == 0) {
				found = &seen[at];
				planned[at] = true;
			}
		}
		out[n++] = compose_session(f, p, found, a);
	}
	for (size_t j = 0; j < n_seen; j++)
		if (!planned[j])
			out[n++] = compose_session(f, NULL, &seen[j], a);
	s->sessions = (struct list){ out, n };
}

static struct status_session compose_session(const struct report_facts *f, const struct peering *p,
					     const struct session *s, struct arena *a)
{
	const struct history *h = observer_history(f->observer, p ? p->name : s->name);
	struct status_session out = { .name = p ? p->name : s->name };

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
	out.state = s ? session_names[s->state] : f->asked ? "Missing" : "Unknown";
	if (s) {
		out.routes_imported = s->imported;
		out.routes_exported = s->exported;
	}
	if (h && s) {
		out.flaps = h->flaps;
		out.since = h->since ? arena_str(a, clock_rfc3339(h->since).s) : NULL;
		out.first_error = h->first_error[0] && s->state != SESSION_ESTABLISHED ?
					  h->first_error :
					  NULL;
	}
	compose_reason(f, p, s, h, &out, a);
	return out;
}

/* Why it is not Established, as far as it can be known: what the plan says first, then BIRD. */
static void compose_reason(const struct report_facts *f, const struct peering *p,
			   const struct session *s, const struct history *h,
			   struct status_session *out, struct arena *a)
{
	const struct problem *known = NULL;
	struct session_cause cause;

	if (s && s->state == SESSION_ESTABLISHED)
		return;
	if (p && f->plan)
		known = problem_of(p, f->plan->problems, f->plan->n_problems);
	if (p && !known)
		known = problem_of(p, f->problems, f->n_problems);
	if (known) {
		out->code = problem_names[known->code];
		out->reason = known->text;
	} else if (!s) {
		out->code = f->asked ? "MISSING" : "BIRD_DOWN";
		out->reason = f->asked ? "BIRD does not have this session yet" :
					 "BIRD cannot be asked, so its state is not known";
	} else if (h && h->first_error[0] && session_cause(h->first_error, &cause)) {
		out->code = cause.code;
		out->reason = arena_printf(a, "%s: %s", h->first_error, cause.words);
	} else if (session_silence(s, &cause)) {
		out->code = cause.code;
		out->reason = s->last_error ?
				      arena_printf(a, "%s: %s", s->last_error, cause.words) :
				      cause.words;
	} else if (s->last_error) {
		out->code = "OTHER";
		out->reason = s->last_error;
	}
}

static const struct problem *problem_of(const struct peering *p, const struct problem *problems,
					size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (problems[i].peering && problems[i].level != DIAG_NOTE &&
		    strcmp(problems[i].peering, p->name) == 0 &&
		    strcmp(problems[i].origin, p->origin) == 0)
			return &problems[i];
	return NULL;
}

static void compose_problems(struct report *r, const struct report_facts *f, struct nodestatus *s,
			     struct arena *a)
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
	for (size_t i = 0; i < n; i++)
		out[i].since = arena_str(a, problem_since(r, &out[i]));
	s->problems = (struct list){ out, n };
	if (r->n_since > 64 + 4 * n) { /* what is over is forgotten, in bulk */
		struct arena fresh = { 0 };
		struct status_problem *kept = NULL;
		size_t n_kept = 0;

		for (size_t i = 0; i < n; i++)
			*arena_push(&fresh, kept, n_kept) = (struct status_problem){
				out[i].code, arena_str(&fresh, out[i].origin),
				arena_str(&fresh, out[i].text), arena_str(&fresh, out[i].since)
			};
		arena_free(&r->since_arena);
		r->since_arena = fresh;
		r->since = kept;
		r->n_since = n_kept;
	}
}

static const char *problem_since(struct report *r, const struct status_problem *p)
{
	struct status_problem *at;

	for (size_t i = 0; i < r->n_since; i++)
		if (str_eq(r->since[i].code, p->code) && str_eq(r->since[i].origin, p->origin) &&
		    str_eq(r->since[i].text, p->text) && r->since[i].since)
			return r->since[i].since;
	at = arena_push(&r->since_arena, r->since, r->n_since);
	at->code = arena_str(&r->since_arena, p->code);
	at->origin = arena_str(&r->since_arena, p->origin);
	at->text = arena_str(&r->since_arena, p->text);
	at->since = arena_str(&r->since_arena, clock_rfc3339(clock_wall()).s);
	return at->since;
}

static void print_status(const struct nodestatus *s, const char *node, struct buf *out)
{
	auto_arena struct arena a = { 0 };
	struct resource r = { .kind = &kind_nodestatus, .meta.name = node, .spec = s };
	struct value v = resource_encode(&r, &a);

	json_print(&v, 0, out);
}

/* When is what the facts say to be written? */
static void compare(struct report *r, const struct report_facts *f)
{
	struct digest full, states;

	if (!r->written) {
		r->due = clock_ms();
		return;
	}
	digests(r, f, &full, &states);
	if (memcmp(&states, &r->states, sizeof states) != 0)
		r->due = r->written + SPACE_MS;
	else if (memcmp(&full, &r->full, sizeof full) != 0)
		r->due = r->written + CALM_MS;
	else
		r->due = r->written + REFRESH_MS;
}

/* Of the status but for its time of writing; and of the part of it that counts as state. */
static void digests(struct report *r, const struct report_facts *f, struct digest *full,
		    struct digest *states)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf text = { 0 }, counts = { 0 };
	struct nodestatus s = compose(r, f, &a);

	s.observed_at = NULL;
	for (size_t i = 0; i < s.sessions.n; i++) {
		struct status_session *at =
			(struct status_session *)(uintptr_t)s.sessions.items + i;

		buf_add(&counts, &at->routes_imported, sizeof at->routes_imported);
		buf_add(&counts, &at->routes_exported, sizeof at->routes_exported);
		at->routes_imported = at->routes_exported = 0;
	}
	print_status(&s, r->node, &text);
	*states = digest_of(text.at, text.len);
	buf_add(&counts, states, sizeof *states);
	*full = digest_of(counts.at, counts.len);
}

static void start_write(struct report *r, struct store *st, const struct report_facts *f)
{
	auto_arena struct arena a = { 0 };
	struct nodestatus s = compose(r, f, &a);

	buf_clear(&r->text);
	print_status(&s, r->node, &r->text);
	digests(r, f, &r->full, &r->states);
	r->write = (struct write){ .kind = &kind_nodestatus,
				   .name = r->node,
				   .json = r->text.at,
				   .len = r->text.len,
				   .expect = EXPECT_ANY };
	r->op = (struct op){ .type = OP_WRITE, .writes = &r->write, .n_writes = 1 };
	r->writing = true;
	r->written = clock_ms();
	r->due = r->written + REFRESH_MS;
	r->failed = false;
	store_start(st, &r->op);
}
