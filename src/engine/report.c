/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/report.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/links.h"
#include "engine/schedule.h"
#include "store/entry.h"

#define COMPARE_MS 1000 /* a status that was written, or is to be, is not compared again so soon */
#define AGAIN_MS   1000 /* before what an earlier life wrote is asked for again */
#define LATE_MS	   10000 /* without a word that it cannot be written */

struct report {
	char *node;
	bool begun, ready, writing;
	int64_t again; /* when to ask again for what an earlier life wrote */
	struct op op;
	struct write write;
	struct resource *earlier; /* what an earlier life wrote */
	struct buf text;	  /* being written */
	struct digest answer;	  /* of what was last written, but for the times and counters in it */
	struct schedule schedule;
	int64_t due;	    /* by it */
	bool able;	    /* could it have written? If not, time changes nothing */
	uint64_t stamp;	    /* of the facts that were last compared */
	int64_t compared;   /* when that was */
	bool behind;	    /* the facts have changed since */
	unsigned told_late; /* 1u << enum err_kind: the log has it that statuses are not written */
	struct arena since_arena;
	struct status_problem *since; /* when each problem was first seen; sorted */
	size_t n_since;
};

static bool earlier_missed(const struct report *r);
static struct history history_of(const struct status_session *s);
static void copy(char *to, size_t size, const char *from);
static void take_entry(void *ctx, const struct entry *e);
static void collect(struct report *r, struct store *st);
static struct nodestatus status_of(struct report *r, const struct report_facts *f, struct arena *a);
static void problems_since(struct report *r, struct nodestatus *s, struct arena *a);
static void since_add(struct report *r, const struct status_problem *p);
static void since_sort(struct report *r);
static int since_cmp(const void *a, const void *b);
static void print_status(const struct nodestatus *s, const char *node, struct buf *out);
static void place(struct schedule *s, const struct snapshot *snap, const char *node);
static int64_t compare_at(const struct report *r);
static void compare(struct report *r, const struct report_facts *f);
static struct digest answer_of(struct nodestatus *s, const char *node);
static void start_write(struct report *r, struct store *st, const struct report_facts *f);
static void tell_late(struct report *r, enum err_kind kind, const char *why);

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
	for (size_t i = 0; s && i < s->problems.n; i++)
		if (list_at(s->problems, struct status_problem, i).since)
			since_add(r, &list_at(s->problems, struct status_problem, i));
	since_sort(r);
	resource_unref(r->earlier);
	r->earlier = NULL;
}

void report_run(struct report *r, struct store *st, const struct report_facts *f, bool may_write)
{
	bool told = f->store_trouble && !f->store_trouble->until; /* that the store is away */
	int64_t now = clock_ms();

	collect(r, st);
	r->able = false;
	if (!may_write)
		return;
	if (!f->asked && !observer_trouble(f->observer))
		return; /* the first look is under way: it will have more to say */
	if (f->stamp != r->stamp && now >= compare_at(r)) {
		r->stamp = f->stamp;
		r->compared = now;
		compare(r, f);
	}
	place(&r->schedule, f->snapshot, r->node);
	if (!st) {
		r->schedule.able = 0;
		if (!told && now >= schedule_next(&r->schedule) + LATE_MS)
			tell_late(r, ERR_AWAY, "the store is read anew");
		return;
	}
	if (!r->schedule.able)
		r->schedule.able = now;
	r->schedule.limit = store_status_rate(st);
	r->behind = f->stamp != r->stamp;
	r->due = schedule_next(&r->schedule);
	r->able = true;
	if (now < r->due || r->writing)
		return;
	start_write(r, st, f);
	collect(r, st);
	r->due = schedule_next(&r->schedule);
}

void report_wait(const struct report *r, struct poll *p)
{
	if (earlier_missed(r))
		poll_at(p, r->again);
	if (r->writing && !r->told_late)
		poll_at(p, r->schedule.written + LATE_MS);
	if (r->writing || !r->able)
		return;
	if (r->behind)
		poll_at(p, compare_at(r));
	poll_at(p, r->due);
}

void report_forget(struct report *r)
{
	if (r->writing) {
		store_cancel(NULL, &r->op);
		r->writing = false;
		r->schedule.failed = true;
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
	resource_unref(r->earlier); /* of a read that failed after it had delivered this */
	r->earlier = entry_resource(e, DECODE_TOLERANT);
}

/* The end of a write. A failed one is tried again; nothing hangs on it but that people see it. */
static void collect(struct report *r, struct store *st)
{
	const struct err *err = &r->op.err;

	if (!r->writing)
		return;
	if (!r->op.done) {
		if (clock_ms() >= r->schedule.written + LATE_MS)
			tell_late(r, err->kind ? err->kind : ERR_TIMEOUT,
				  err->kind ? err->words : "the store does not answer");
		return;
	}
	r->schedule.failed = err->kind != ERR_NONE;
	if (r->schedule.failed)
		tell_late(r, err->kind, err->words);
	else if (r->told_late)
		log_event(LOG_INFO, "status-written", NULL);
	if (!r->schedule.failed)
		r->told_late = 0;
	store_cancel(st, &r->op);
	r->writing = false;
	buf_free(&r->text);
}

/* Once for each kind of reason, for with another one somebody else has to act. */
static void tell_late(struct report *r, enum err_kind kind, const char *why)
{
	if (!(r->told_late & 1u << kind))
		log_event(LOG_WARNING, "status-not-written", "why", why, NULL);
	r->told_late |= 1u << kind;
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
	struct clock_text now = clock_rfc3339(clock_wall());
	size_t n = s->problems.n, n_known = r->n_since;

	for (size_t i = 0; i < n; i++) {
		const struct status_problem *at =
			n_known ? bsearch(&out[i], r->since, n_known, sizeof *r->since, since_cmp) :
				  NULL;

		out[i].since = arena_str(a, at ? at->since : now.s);
		if (!at)
			since_add(r, &out[i]);
	}
	if (r->n_since > 64 + 4 * n) {
		arena_free(&r->since_arena);
		r->since = NULL;
		r->n_since = n_known = 0;
		for (size_t i = 0; i < n; i++)
			since_add(r, &out[i]);
	}
	if (r->n_since > n_known)
		since_sort(r);
}

static void since_add(struct report *r, const struct status_problem *p)
{
	struct status_problem *at = arena_push(&r->since_arena, r->since, r->n_since);

	at->code = arena_str(&r->since_arena, p->code);
	at->origin = arena_str(&r->since_arena, p->origin);
	at->text = arena_str(&r->since_arena, p->text);
	at->since = arena_str(&r->since_arena, p->since);
}

static void since_sort(struct report *r)
{
	if (r->n_since)
		qsort(r->since, r->n_since, sizeof *r->since, since_cmp);
}

/* What an earlier life wrote may lack any of them. */
static int since_cmp(const void *a, const void *b)
{
	const struct status_problem *x = a, *y = b;
	const char *const left[] = { x->code, x->origin, x->text };
	const char *const right[] = { y->code, y->origin, y->text };
	int order = 0;

	for (size_t i = 0; !order && i < lengthof(left); i++)
		order = strcmp(left[i] ? left[i] : "", right[i] ? right[i] : "");
	return order;
}

static void print_status(const struct nodestatus *s, const char *node, struct buf *out)
{
	auto_arena struct arena a = { 0 };
	struct resource r = { .kind = &kind_nodestatus, .meta.name = node, .spec = s };
	struct value v = resource_encode(&r, &a);

	json_print(&v, 0, out);
}

/* How many nodes there are, and which of them this is, by name. */
static void place(struct schedule *s, const struct snapshot *snap, const char *node)
{
	size_t low = 0, high;

	s->nodes = high = snapshot_count(snap, &kind_node);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(snapshot_at(snap, &kind_node, mid)->meta.name, node) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	s->place = low;
}

/* Comparing is in vain while nothing can come of it: soon after a write, and when one is due. */
static int64_t compare_at(const struct report *r)
{
	int64_t last = r->schedule.news ? r->compared : r->schedule.written;

	return last ? last + COMPARE_MS : 0;
}

/* Is what was written still the answer? */
static void compare(struct report *r, const struct report_facts *f)
{
	auto_arena struct arena a = { 0 };
	struct nodestatus s = status_of(r, f, &a);
	struct digest answer = answer_of(&s, r->node);

	if (r->schedule.written && memcmp(&answer, &r->answer, sizeof answer) == 0)
		r->schedule.news = 0;
	else if (!r->schedule.news)
		r->schedule.news = clock_ms();
}

/* Of what S says of "up, down, why"; its counters and times are set to nothing. */
static struct digest answer_of(struct nodestatus *s, const char *node)
{
	auto_buf struct buf text = { 0 };

	for (size_t i = 0; i < s->sessions.n; i++) {
		struct status_session *at =
			(struct status_session *)(uintptr_t)s->sessions.items + i;

		at->routes_imported = at->routes_exported = 0;
	}
	s->observed_at = NULL;
	s->good_for = (struct seconds){ 0 };
	print_status(s, node, &text);
	return digest_of(text.at, text.len);
}

static void start_write(struct report *r, struct store *st, const struct report_facts *f)
{
	auto_arena struct arena a = { 0 };
	struct nodestatus s = status_of(r, f, &a);
	struct schedule *at = &r->schedule;
	struct digest answer;

	at->written = clock_ms();
	at->epoch = clock_wall() * 1000 - at->written;
	at->refresh = schedule_refresh_ms(at->nodes);
	s.observed_at = arena_str(&a, clock_rfc3339(clock_wall()).s);
	s.good_for.value = schedule_good_for(at->refresh);
	s.good_for.text = arena_printf(&a, "%us", s.good_for.value);
	buf_clear(&r->text);
	print_status(&s, r->node, &r->text);
	answer = answer_of(&s, r->node);
	at->refreshed = memcmp(&answer, &r->answer, sizeof answer) == 0;
	at->news = 0;
	at->failed = false;
	r->answer = answer;
	r->write = (struct write){ .kind = &kind_nodestatus,
				   .name = r->node,
				   .json = r->text.at,
				   .len = r->text.len,
				   .expect = EXPECT_ANY };
	r->op = (struct op){ .type = OP_WRITE, .writes = &r->write, .n_writes = 1 };
	r->writing = true;
	store_start(st, &r->op);
}
