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
static struct history history_of(const struct status_session *s);
static void copy(char *to, size_t size, const char *from);
static void take_entry(void *ctx, const struct entry *e);
static void collect(struct report *r, struct store *st);
static struct nodestatus status_of(struct report *r, const struct report_facts *f, struct arena *a);
static void problems_since(struct report *r, struct nodestatus *s, struct arena *a);
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
		struct history h = history_of(from);

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

static struct history history_of(const struct status_session *s)
{
	static const struct status_cause none;
	const struct status_cause *before = s->before ? s->before : &none;
	int64_t since = clock_parse(s->since), at = clock_parse(before->at);
	struct history h = {
		.state = (enum session_state)name_find(session_names, s->state, SESSION_UNKNOWN),
		.flaps = s->flaps,
		.flaps_at_least = s->flaps_at_least == YES,
		.since = MAX(since, 0),
		.before.at = MAX(at, 0),
	};

	copy(h.name, sizeof h.name, s->name);
	copy(h.now.words, sizeof h.now.words, s->error);
	copy(h.now.message, sizeof h.now.message, s->message);
	copy(h.before.words, sizeof h.before.words, before->error);
	copy(h.before.message, sizeof h.before.message, before->message);
	history_recall(&h, s->code, before->code, clock_ms(), clock_wall());
	return h;
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
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

/* What is to be written, but for the time it is. */
static struct nodestatus status_of(struct report *r, const struct report_facts *f, struct arena *a)
{
	struct nodestatus s = compose_status(f, a);

	problems_since(r, &s, a);
	return s;
}

/* When each problem was first seen. What is over is forgotten, in bulk. */
static void problems_since(struct report *r, struct nodestatus *s, struct arena *a)
{
	struct status_problem *out = (struct status_problem *)(uintptr_t)s->problems.items;
	size_t n = s->problems.n;

	for (size_t i = 0; i < n; i++)
		out[i].since = arena_str(a, problem_since(r, &out[i]));
	if (r->n_since > 64 + 4 * n) {
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
	struct nodestatus s = status_of(r, f, &a);

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
	struct nodestatus s = status_of(r, f, &a);

	s.observed_at = arena_str(&a, clock_rfc3339(clock_wall()).s);
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
