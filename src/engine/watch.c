/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/watch.h"

#include <stdio.h>

#include "base/clock.h"
#include "bird/bird.h"

#define QUESTION_MS 20000
#define REST_MS	    10000
#define MOVING_MS   1000
#define SLACK_MS    2000 /* of time stamps that are told in seconds, and late */
#define ECHO_MS	    100 /* at most so often for BIRD's log lines */

enum question { Q_RESTRICT, Q_ECHO, Q_STATUS, Q_ID, Q_CONFIGURE, Q_SESSIONS, Q_REST };

static const char *const questions[] = {
	[Q_RESTRICT] = "restrict",	    [Q_ECHO] = "echo all",
	[Q_STATUS] = "show status",	    [Q_ID] = "eval conf_id",
	[Q_CONFIGURE] = "configure status", [Q_SESSIONS] = "show protocols all \"peer_*\"",
};

struct watch {
	struct bird *bird;
	unsigned connection;
	enum question next; /* to ask, or Q_REST */
	bool asked;
	int64_t look_at; /* when the next look is due */
	int64_t looked;	 /* when the last began */
	int64_t hurry_until;
	unsigned looks;
	bool current; /* the last look is later than watch_again() */
	bool discard; /* the look under way began too early to count */
	struct arena status_arena, arena;
	const char *server_time, *router_id;
	char runs[65];
	bool ours, unconfirmed;
	struct session *sessions;
	size_t n_sessions;
	struct history *history; /* sorted by name */
	size_t n_history, cap_history;
};

static void take_answer(struct watch *w, const struct reply *r);
static void take_status(struct watch *w, const struct reply *r);
static void take_sessions(struct watch *w, const struct reply *r);
static void take_session(struct watch *w, const struct session *s);
static void keep_error(struct history *h, const char *words);
static bool began_later(const struct history *h, int64_t age_ms);
static void take_aside(struct watch *w, const char *line);
static bool is_moving(const struct watch *w);
static struct history *history_find(const struct watch *w, const char *name, size_t *ret_at);
static struct history *history_get(struct watch *w, const char *name);

struct watch *watch_open(const char *socket_path)
{
	struct watch *w = mem_alloc(sizeof *w);

	w->bird = bird_open(socket_path);
	w->next = Q_REST;
	return w;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	bird_close(w->bird);
	arena_free(&w->status_arena);
	arena_free(&w->arena);
	free(w->history);
	free(w);
}

void watch_run(struct watch *w)
{
	const struct reply *r;
	const char *aside;

	bird_run(w->bird);
	while ((aside = bird_aside(w->bird)))
		take_aside(w, aside);
	if (!bird_connected(w->bird)) {
		w->looks = 0;
		w->current = false;
		w->asked = false;
		(void)bird_lost(w->bird);
		return;
	}
	if (w->connection != bird_connection(w->bird)) {
		w->connection = bird_connection(w->bird);
		(void)bird_lost(w->bird); /* what the last connection owed */
		w->next = Q_RESTRICT;
		w->asked = w->discard = w->current = false;
		w->looks = 0;
	}
	r = bird_answer(w->bird);
	if (r && w->asked) {
		w->asked = false;
		take_answer(w, r);
		bird_forget(w->bird);
	}
	if (w->next == Q_REST && clock_ms() >= w->look_at) {
		w->next = Q_STATUS;
		w->looked = clock_ms();
	}
	if (w->next != Q_REST && !w->asked && bird_idle(w->bird)) {
		w->asked = true;
		bird_ask(w->bird, questions[w->next], QUESTION_MS);
	}
}

void watch_wait(struct watch *w, struct poll *p)
{
	bird_wait(w->bird, p);
	if (bird_connected(w->bird) && w->next == Q_REST)
		poll_at(p, w->look_at);
}

void watch_hurry(struct watch *w, int64_t seconds)
{
	w->hurry_until = MAX(w->hurry_until, clock_ms() + seconds * 1000);
	w->look_at = clock_ms();
}

void watch_again(struct watch *w)
{
	w->current = false;
	w->discard = w->next != Q_REST;
	w->look_at = clock_ms();
}

bool watch_current(const struct watch *w)
{
	return w->looks && w->current;
}

unsigned watch_looks(const struct watch *w)
{
	return w->looks;
}

const char *watch_runs(const struct watch *w)
{
	return w->ours ? w->runs : NULL;
}

bool watch_unconfirmed(const struct watch *w)
{
	return w->unconfirmed;
}

const struct session *watch_sessions(const struct watch *w, size_t *ret_n)
{
	*ret_n = w->looks ? w->n_sessions : 0; /* what was seen of a BIRD that is gone is history */
	return w->sessions;
}

const struct history *watch_history(const struct watch *w, const char *name)
{
	return history_find(w, name, NULL);
}

void watch_remember(struct watch *w, const struct history *h)
{
	struct history *at = history_get(w, h->name);

	*at = *h;
	at->look = w->looks;
}

const char *watch_version(const struct watch *w)
{
	return bird_version(w->bird);
}

const char *watch_router_id(const struct watch *w)
{
	return w->router_id;
}

const char *watch_trouble(const struct watch *w)
{
	return bird_trouble(w->bird);
}

static void take_answer(struct watch *w, const struct reply *r)
{
	switch (w->next) {
	case Q_RESTRICT:
		w->looked = clock_ms();
		break;
	case Q_STATUS:
		take_status(w, r);
		break;
	case Q_ID:
		w->ours = reply_find(r, 23) != NULL;
		snprintf(w->runs, sizeof w->runs, "%.64s", w->ours ? reply_find(r, 23) : "");
		break;
	case Q_CONFIGURE:
		w->unconfirmed = reply_find(r, 22) != NULL;
		break;
	case Q_SESSIONS:
		take_sessions(w, r);
		w->looks++;
		w->current = !w->discard;
		w->look_at =
			w->discard ? clock_ms() : w->looked + (is_moving(w) ? MOVING_MS : REST_MS);
		w->discard = false;
		break;
	case Q_ECHO:
	case Q_REST:
		break;
	}
	w->next++;
}

static void take_status(struct watch *w, const struct reply *r)
{
	static const char id[] = "Router ID is ", now[] = "Current server time is ";

	arena_free(&w->status_arena);
	w->server_time = w->router_id = NULL;
	for (size_t i = 0; i < r->n; i++) {
		const char *text = r->lines[i].text + strspn(r->lines[i].text, " ");

		if (strncmp(text, id, strlen(id)) == 0)
			w->router_id = arena_str(&w->status_arena, text + strlen(id));
		else if (strncmp(text, now, strlen(now)) == 0)
			w->server_time = arena_str(&w->status_arena, text + strlen(now));
	}
}

static void take_sessions(struct watch *w, const struct reply *r)
{
	size_t kept = 0;

	arena_free(&w->arena);
	w->sessions = session_parse(r, &w->arena, &w->n_sessions);
	for (size_t i = 0; i < w->n_sessions; i++)
		take_session(w, &w->sessions[i]);
	for (size_t i = 0; i < w->n_history; i++) /* what is gone for two looks is forgotten */
		if (w->looks < 2 || w->history[i].look + 2 >= w->looks)
			w->history[kept++] = w->history[i];
	w->n_history = kept;
}

static void take_session(struct watch *w, const struct session *s)
{
	struct history *h = history_get(w, s->name);
	bool established = s->state == SESSION_ESTABLISHED, was = h->state == SESSION_ESTABLISHED;
	int64_t age_ms = -1;

	if (w->server_time && session_elapsed(s->since, w->server_time, &age_ms))
		age_ms = MAX(age_ms, 0); /* it changed after BIRD told the time */
	else
		age_ms = -1;
	/* Down now; or down and up again between two looks, as BIRD's own time stamp tells. */
	if (was && (!established || (age_ms >= 0 && began_later(h, age_ms))))
		h->flaps++;
	if (established) {
		h->was_established = true;
		h->first_error[0] = '\0';
	} else if (s->last_error) {
		keep_error(h, s->last_error);
	} else { /* BIRD has started the session anew: what was wrong before counts no more */
		h->first_error[0] = '\0';
	}
	if (age_ms >= 0) {
		int64_t since = clock_wall() - age_ms / 1000;

		/* Rounding may move it by a second; a status that changes for that is noise. */
		if (h->state != s->state || since > h->since + 2 || since + 2 < h->since)
			h->since = since;
		h->began = clock_ms() - age_ms;
	}
	if (h->state != s->state)
		w->hurry_until = MAX(w->hurry_until, clock_ms() + 10000);
	h->state = s->state;
	h->look = w->looks + 1;
}

/* The first error counts, because a later socket error overwrites it within seconds (decisions.md
 * 30); but what BGP says counts more than what TCP says: a remote that has just left the session
 * may hang up a few times before it lets us hear what it has against us. */
static void keep_error(struct history *h, const char *words)
{
	static const char tcp[] = "Socket: ";
	const size_t len = sizeof tcp - 1;

	if (!h->first_error[0] ||
	    (strncmp(h->first_error, tcp, len) == 0 && strncmp(words, tcp, len) != 0))
		snprintf(h->first_error, sizeof h->first_error, "%.159s", words);
}

/* Is a state of that age younger than what H says? Wall time counts only for what an earlier life of
 * this program saw: it may be set meanwhile. */
static bool began_later(const struct history *h, int64_t age_ms)
{
	return h->began ? clock_ms() - age_ms > h->began + SLACK_MS :
			  h->since && clock_wall() - age_ms / 1000 > h->since + SLACK_MS / 1000;
}

/* "peer_10_0_0_1: Error: Bad peer AS: 65001": keep it, in the words of `Last error`, which names no
 * details; and look now. */
static void take_aside(struct watch *w, const char *line)
{
	static const struct {
		const char *logged, *shown;
	} errors[] = {
		{"Error: ",     "BGP Error: "},
		      { "Received: ", "Received: " }
	};
	char name[65], words[256];
	const char *at = strstr(line, "peer_"), *colon = at ? strstr(at, ": ") : NULL;
	struct history *h;

	if (!colon || colon - at > 64)
		return;
	snprintf(name, sizeof name, "%.*s", (int)(colon - at), at);
	h = history_find(w, name, NULL);
	for (size_t i = 0; h && i < lengthof(errors); i++) {
		size_t len = strlen(errors[i].logged);
		const char *says;
		size_t n = 0;

		if (strncmp(colon + 2, errors[i].logged, len) != 0)
			continue;
		says = colon + 2 + len;
		while (says[n] && n < 200 && strncmp(says + n, ": ", 2) != 0 &&
		       strncmp(says + n, " (", 2) != 0) /* "Role mismatch (provider)" */
			n++;
		snprintf(words, sizeof words, "%s%.*s", errors[i].shown, (int)n, says);
		keep_error(h, words);
	}
	w->look_at = MIN(w->look_at, MAX(w->looked + ECHO_MS, clock_ms()));
}

static bool is_moving(const struct watch *w)
{
	return clock_ms() < w->hurry_until;
}

static struct history *history_find(const struct watch *w, const char *name, size_t *ret_at)
{
	size_t low = 0, high = w->n_history;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(w->history[mid].name, name);

		if (!order)
			return &w->history[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (ret_at)
		*ret_at = low;
	return NULL;
}

static struct history *history_get(struct watch *w, const char *name)
{
	size_t at = 0;
	struct history *h = history_find(w, name, &at);

	if (h)
		return h;
	if (w->n_history == w->cap_history) {
		w->cap_history = w->cap_history ? 2 * w->cap_history : 16;
		w->history = mem_resize(w->history, w->cap_history * sizeof *w->history);
	}
	memmove(&w->history[at + 1], &w->history[at], (w->n_history - at) * sizeof *w->history);
	w->n_history++;
	w->history[at] = (struct history){ 0 };
	snprintf(w->history[at].name, sizeof w->history[at].name, "%.64s", name);
	return &w->history[at];
}
