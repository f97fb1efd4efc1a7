/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/observer.h"

#include <stdio.h>

#include "base/clock.h"
#include "bird/bird.h"

#define QUESTION_MS 20000
#define REST_MS	    10000
#define MOVING_MS   1000
#define CLOSER_S    10
#define ECHO_MS	    100 /* at most so often for BIRD's log lines */

enum question { Q_RESTRICT, Q_ECHO, Q_STATUS, Q_ID, Q_CONFIGURE, Q_SESSIONS, Q_REST };

/* The largest buffer that BIRD has: what it logs when many sessions go at once must not be lost. */
static const char *const questions[] = {
	[Q_RESTRICT] = "restrict",
	[Q_ECHO] = "echo all 65536",
	[Q_STATUS] = "show status",
	[Q_ID] = "eval conf_id",
	[Q_CONFIGURE] = "configure status",
	[Q_SESSIONS] = "show protocols all \"" CONF_PEERING "*\"",
};

struct observer {
	struct bird *bird;
	unsigned connection;
	enum question next; /* to ask, or Q_REST */
	bool asked;
	int64_t look_at; /* when the next look is due */
	int64_t looked;	 /* when the last began */
	int64_t hurry_until;
	unsigned looks; /* of this connection */
	unsigned total; /* of all */
	bool lost;	/* something that BIRD said since the last look */
	bool current;	/* the last look is later than observer_again() */
	bool discard;	/* the look under way began too early to count */
	struct arena status_arena, arena;
	const char *server_time, *router_id;
	int64_t server_time_at;
	char runs[65];
	bool ours, unconfirmed;
	struct session *sessions;
	size_t n_sessions;
	struct history **history; /* sorted by name */
	size_t n_history, cap_history;
};

static void take_answer(struct observer *o, const struct reply *r);
static void take_status(struct observer *o, const struct reply *r);
static void take_sessions(struct observer *o, const struct reply *r);
static void take_session(struct observer *o, const struct session *s);
static void take_aside(struct observer *o, const char *line);
static void note_aside(struct history *h, const char *text, struct history_event *e);
static const char *aside_text(const char *line);
static void forget(struct observer *o, bool unseen);
static bool is_moving(const struct observer *o);
static struct history *history_find(const struct observer *o, const char *name, size_t *ret_at);
static struct history *history_get(struct observer *o, const char *name);

struct observer *observer_open(const char *socket_path)
{
	struct observer *o = mem_alloc(sizeof *o);

	o->bird = bird_open(socket_path);
	o->next = Q_REST;
	return o;
}

void observer_close(struct observer *o)
{
	if (!o)
		return;
	bird_close(o->bird);
	arena_free(&o->status_arena);
	arena_free(&o->arena);
	for (size_t i = 0; i < o->n_history; i++)
		free(o->history[i]);
	free(o->history);
	free(o);
}

void observer_run(struct observer *o)
{
	const struct reply *r;
	const char *aside;

	bird_run(o->bird);
	while ((aside = bird_aside(o->bird)))
		take_aside(o, aside);
	if (!bird_connected(o->bird)) {
		if (o->looks)
			forget(o, false);
		o->looks = 0;
		o->current = false;
		o->asked = false;
		(void)bird_lost(o->bird);
		return;
	}
	if (o->connection != bird_connection(o->bird)) {
		o->connection = bird_connection(o->bird);
		(void)bird_lost(o->bird); /* what the last connection owed */
		o->next = Q_RESTRICT;
		o->asked = o->discard = o->current = false;
		o->looks = 0;
	}
	r = bird_answer(o->bird);
	if (r && o->asked) {
		o->asked = false;
		take_answer(o, r);
		bird_forget(o->bird);
	}
	if (o->next == Q_REST && clock_ms() >= o->look_at) {
		o->next = Q_STATUS;
		o->looked = clock_ms();
	}
	if (o->next != Q_REST && !o->asked && bird_idle(o->bird)) {
		o->asked = true;
		bird_ask(o->bird, questions[o->next], QUESTION_MS);
	}
}

void observer_wait(struct observer *o, struct poll *p)
{
	bird_wait(o->bird, p);
	if (bird_connected(o->bird) && o->next == Q_REST)
		poll_at(p, o->look_at);
}

void observer_hurry(struct observer *o, int64_t seconds)
{
	o->hurry_until = MAX(o->hurry_until, clock_ms() + seconds * 1000);
	o->look_at = clock_ms();
}

void observer_again(struct observer *o)
{
	o->current = false;
	o->discard = o->next != Q_REST;
	o->look_at = clock_ms();
}

bool observer_current(const struct observer *o)
{
	return o->looks && o->current;
}

unsigned observer_looks(const struct observer *o)
{
	return o->looks;
}

const char *observer_runs(const struct observer *o)
{
	return o->ours ? o->runs : NULL;
}

bool observer_unconfirmed(const struct observer *o)
{
	return o->unconfirmed;
}

const struct session *observer_sessions(const struct observer *o, size_t *ret_n)
{
	*ret_n = o->looks ? o->n_sessions : 0; /* what was seen of a BIRD that is gone is history */
	return o->sessions;
}

const struct history *observer_history(const struct observer *o, const char *name)
{
	return history_find(o, name, NULL);
}

void observer_remember(struct observer *o, const struct history *h)
{
	struct history *at = history_get(o, h->name);

	*at = *h;
	at->look = o->total;
}

void observer_want(struct observer *o, const struct conf *c)
{
	for (size_t i = 0; i < o->n_history; i++)
		o->history[i]->unwanted = !conf_session(c, o->history[i]->name);
	if (!o->looks)
		forget(o, false);
}

unsigned observer_life(const struct observer *o)
{
	return o->connection;
}

bool observer_listens(const struct observer *o)
{
	return bird_listens(o->bird);
}

bool observer_knock(struct observer *o)
{
	return bird_knock(o->bird);
}

const char *observer_version(const struct observer *o)
{
	return bird_version(o->bird);
}

const char *observer_router_id(const struct observer *o)
{
	return o->router_id;
}

const char *observer_trouble(const struct observer *o)
{
	return bird_trouble(o->bird);
}

static void take_answer(struct observer *o, const struct reply *r)
{
	switch (o->next) {
	case Q_RESTRICT:
		o->looked = clock_ms();
		break;
	case Q_STATUS:
		take_status(o, r);
		break;
	case Q_ID:
		o->ours = reply_find(r, 23) != NULL;
		snprintf(o->runs, sizeof o->runs, "%.64s", o->ours ? reply_find(r, 23) : "");
		break;
	case Q_CONFIGURE:
		o->unconfirmed = reply_find(r, 22) != NULL;
		break;
	case Q_SESSIONS:
		take_sessions(o, r);
		o->looks++;
		o->current = !o->discard;
		o->look_at =
			o->discard ? clock_ms() : o->looked + (is_moving(o) ? MOVING_MS : REST_MS);
		o->discard = false;
		break;
	case Q_ECHO:
	case Q_REST:
		break;
	}
	o->next++;
}

static void take_status(struct observer *o, const struct reply *r)
{
	static const char id[] = "Router ID is ", now[] = "Current server time is ";

	arena_free(&o->status_arena);
	o->server_time = o->router_id = NULL;
	o->server_time_at = clock_ms();
	for (size_t i = 0; i < r->n; i++) {
		const char *text = r->lines[i].text + strspn(r->lines[i].text, " ");

		if (strncmp(text, id, strlen(id)) == 0)
			o->router_id = arena_str(&o->status_arena, text + strlen(id));
		else if (strncmp(text, now, strlen(now)) == 0)
			o->server_time = arena_str(&o->status_arena, text + strlen(now));
	}
}

static void take_sessions(struct observer *o, const struct reply *r)
{
	arena_free(&o->arena);
	o->sessions = session_parse(r, &o->arena, &o->n_sessions);
	o->total++;
	for (size_t i = 0; i < o->n_sessions; i++)
		take_session(o, &o->sessions[i]);
	o->lost = false;
	forget(o, true);
}

static void take_session(struct observer *o, const struct session *s)
{
	static const char epoch[] = "1970-01-01 00:00:00";
	struct history *h = history_get(o, s->name);
	enum session_state was = h->state;
	struct history_event e = { .kind = HISTORY_LOOK,
				   .now = clock_ms(),
				   .wall = clock_wall(),
				   .session = s,
				   .age = -1,
				   .asked = o->server_time_at,
				   .first = !o->looks,
				   .lost = o->lost };

	if (o->server_time && session_elapsed(s->since, o->server_time, &e.age))
		e.age = MAX(e.age, 0); /* it changed after BIRD told the time */
	if (!s->since || !strchr(s->since, '.') || !session_elapsed(epoch, s->since, &e.stamp))
		e.stamp = 0;
	if (history_note(h, &e) || s->state != was)
		o->hurry_until = MAX(o->hurry_until, clock_ms() + CLOSER_S * 1000);
	h->look = o->total;
}

/* "peer_10_0_0_1: State changed to up", "peer_10_0_0_1: Error: Bad peer AS: 65001": note it, and
 * look now. */
static void take_aside(struct observer *o, const char *line)
{
	const char *at = aside_text(line), *colon = strstr(at, ": ");
	struct history_event e = { .now = clock_ms(), .wall = clock_wall() };
	struct history *h;
	char name[65];

	o->lost |= *line == '<' && strstr(line, " messages lost>");
	if (!colon || colon - at > 64 || strncmp(at, CONF_PEERING, strlen(CONF_PEERING)) != 0)
		return;
	snprintf(name, sizeof name, "%.*s", (int)(colon - at), at);
	h = history_find(o, name, NULL);
	if (h)
		note_aside(h, colon + 2, &e);
	o->look_at = MIN(o->look_at, MAX(o->looked + ECHO_MS, clock_ms()));
}

/* Later versions of BIRD put a time, "[0001]" or "<RMT>" before it. What a remote can write comes
 * behind the name of its session. */
static const char *aside_text(const char *line)
{
	while (*line == '[' || *line == '<' || (*line >= '0' && *line <= '9')) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return line;
}

/* TEXT is without the name. Errors are brought to the words of `Last error`, which has no details:
 * neither "Bad peer AS: 65001" nor "Role mismatch (provider)". */
static void note_aside(struct history *h, const char *text, struct history_event *e)
{
	static const char state[] = "State changed to ";
	static const struct {
		const char *logged, *shown;
	} errors[] = {
		{"Error: ",		     "BGP Error: "},
		{ "Received: ",		"Received: " },
		{ "Socket error: bind: ", "Socket: "   },
	};
	char words[HISTORY_WORDS_MAX + 1], message[1024];

	if (strncmp(text, state, strlen(state)) == 0) {
		e->kind = HISTORY_STATE;
		e->up = strcmp(text + strlen(state), "up") == 0;
		(void)history_note(h, e);
	}
	for (size_t i = 0; i < lengthof(errors); i++) {
		const char *says = text + strlen(errors[i].logged), *quote;
		size_t n = 0;

		if (strncmp(text, errors[i].logged, strlen(errors[i].logged)) != 0)
			continue;
		while (says[n] && strncmp(says + n, ": ", 2) != 0 &&
		       strncmp(says + n, " (", 2) != 0)
			n++;
		snprintf(words, sizeof words, "%s%.*s", errors[i].shown, (int)n, says);
		e->kind = HISTORY_SAYS;
		e->words = words;
		if (strncmp(says + n, ": \"", 3) == 0) { /* the message of a shutdown */
			quote = strrchr(says + n + 3, '"');
			snprintf(message, sizeof message, "%.*s",
				 (int)(quote ? (size_t)(quote - says) - n - 3 :
					       strlen(says + n + 3)),
				 says + n + 3);
			e->message = message;
		}
		(void)history_note(h, e);
	}
}

/* The histories of sessions that BIRD is not to run, or that were UNSEEN in this look. */
static void forget(struct observer *o, bool unseen)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->n_history; i++) {
		struct history *h = o->history[i];

		if (unseen ? h->look == o->total : !h->unwanted)
			o->history[kept++] = h;
		else
			free(h);
	}
	o->n_history = kept;
}

static bool is_moving(const struct observer *o)
{
	return clock_ms() < o->hurry_until;
}

static struct history *history_find(const struct observer *o, const char *name, size_t *ret_at)
{
	size_t low = 0, high = o->n_history;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(o->history[mid]->name, name);

		if (!order)
			return o->history[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (ret_at)
		*ret_at = low;
	return NULL;
}

static struct history *history_get(struct observer *o, const char *name)
{
	size_t at = 0;
	struct history *h = history_find(o, name, &at);

	if (h)
		return h;
	if (o->n_history == o->cap_history) {
		o->cap_history = o->cap_history ? 2 * o->cap_history : 16;
		o->history = mem_resize(o->history, o->cap_history * sizeof *o->history);
	}
	memmove(&o->history[at + 1], &o->history[at], (o->n_history - at) * sizeof *o->history);
	o->n_history++;
	o->history[at] = mem_alloc(sizeof *h);
	snprintf(o->history[at]->name, sizeof o->history[at]->name, "%.64s", name);
	return o->history[at];
}
