/* SPDX-License-Identifier: Apache-2.0 */
#include "bird/history.h"

#include <stdio.h>

#include "base/text.h"

#define SLACK_MS   2000	  /* of time stamps that are told in seconds, and late */
#define SAME_MS	   300	  /* of two times of one moment, each counted back from now */
#define CLOSE_MS   1900	  /* looks no further apart see the wait between two attempts (2 s) */
#define ATTEMPT_MS 5000	  /* an attempt in silence: the connect retry time that we render */
#define SILENCE_MS 8000	  /* longer than an attempt and the wait before the next */
#define ATTEMPTS   3	  /* that words which keep a session down stand without being repeated */
#define PASSIVE_MS 360000 /* the same where the other end calls: three times RFC 4271's 120 s */
#define HOLD_MS	   240000 /* BIRD's default */

#define CONNECTION_LOST "CONNECTION_LOST"

static void recall_cause(struct history_cause *c, const char *code);
static bool note_look(struct history *h, const struct history_event *e);
static void note_flaps(struct history *h, const struct history_event *e);
static void note_time(struct history *h, const struct history_event *e);
static void note_error(struct history *h, const struct history_event *e);
static bool is_news(const struct history *h, const char *words);
static const char *message_of(const struct history *h, const struct session *s, const char *code);
static uint32_t message_id(const char *message);
static bool failed_again(struct history *h, const struct history_event *e);
static bool note_silence(struct history *h, const struct history_event *e);
static void note_state(struct history *h, const struct history_event *e);
static void take_words(struct history *h, const struct history_event *e, const char *words,
		       const char *message, bool ended);
static void copy_message(char *to, const char *message);
static bool attempt_ends(struct history *h, const struct history_event *e);
static void retire(struct history *h);
static bool began_later(const struct history *h, const struct history_event *e);
static bool stands(const struct history_cause *c);
static bool passes(const struct history_cause *c);
static bool is_waiting(enum session_state state);
static bool same_words(const char *a, const char *b);

bool history_note(struct history *h, const struct history_event *e)
{
	switch (e->kind) {
	case HISTORY_LOOK:
		return note_look(h, e);
	case HISTORY_SAYS:
		take_words(h, e, e->words, e->message, h->up);
		break;
	case HISTORY_STATE:
		note_state(h, e);
		break;
	}
	return false;
}

void history_recall(struct history *h, const char *code, const char *before, int64_t now,
		    int64_t wall)
{
	int64_t age = h->since ? MAX(wall - h->since, 0) * 1000 : 0;

	h->up = h->state == SESSION_ESTABLISHED;
	h->recalled = true;
	recall_cause(&h->now, code);
	h->now.silent = !h->up && !h->now.words[0] && session_code_is_silence(code);
	h->now.at = h->since;
	h->now.seen = now - age;
	recall_cause(&h->before, before);
	h->before.seen = now - MAX(wall - h->before.at, 0) * 1000;
	if (!h->up && h->before.ended)
		h->left = h->before.seen;
}

bool history_cause(const struct history *h, const struct session *s, struct session_cause *ret)
{
	if (!h->now.words[0])
		return session_silence(s, ret);
	*ret = history_words_cause(&h->now);
	return true;
}

struct session_cause history_words_cause(const struct history_cause *c)
{
	static const struct session_cause broken = {
		CONNECTION_LOST,
		"The connection broke while the session was up: the remote or its BGP process may "
		"have stopped or restarted, or the path was cut.",
		CAUSE_TCP
	};
	struct session_cause cause;

	(void)session_cause(c->words, &cause);
	return cause.class == CAUSE_TCP && c->ended ? broken : cause;
}

/* C has words and message; CODE was written with them. */
static void recall_cause(struct history_cause *c, const char *code)
{
	struct session_cause cause;

	if (!c->words[0])
		return;
	(void)session_cause(c->words, &cause);
	c->class = cause.class;
	c->ended = cause.class == CAUSE_ENDS || cause.class == CAUSE_PASSES ||
		   str_eq(code, CONNECTION_LOST);
}

static bool note_look(struct history *h, const struct history_event *e)
{
	const struct session *s = e->session;
	bool closer = false, was_up = h->up;

	note_flaps(h, e);
	if (s->state == SESSION_ESTABLISHED) {
		int64_t passed;

		if (!session_timer(s->hold_timer, &passed, &h->hold))
			h->hold = 0;
		if (was_up && !h->parted) /* of a second connection, that was refused */
			h->now = (struct history_cause){ 0 };
		retire(h);
		h->quiet = 0;
		h->parted = false;
	} else {
		note_error(h, e);
		closer = note_silence(h, e);
	}
	note_time(h, e);
	snprintf(h->last_error, sizeof h->last_error, "%.*s", HISTORY_WORDS_MAX,
		 s->last_error ? s->last_error : "");
	h->message_id = message_id(s->message);
	h->state = s->state;
	h->looked = e->now;
	h->recalled = false;
	return closer;
}

/* BIRD's own words count each flap; a look only shows that there was one, or more. What was seen by
 * looking is owed its words, which may be late; where they do not come until the next look, BIRD does
 * not log changes of state. */
static void note_flaps(struct history *h, const struct history_event *e)
{
	bool established = e->session->state == SESSION_ESTABLISHED;
	bool later = began_later(h, e);

	h->flaps_at_least |= h->untold || (e->lost && (later || established != h->up));
	h->untold = later && !h->heard && !e->first;
	h->owed = false;
	if (h->up && (!established || (later && !h->heard))) {
		h->flaps++;
		h->owed = h->untold = !e->first;
		h->flaps_at_least |= e->first;
		h->left = e->age >= 0 ? e->now - e->age : e->now;
		h->parted = true;
	}
	h->up = established;
	h->heard = 0;
}

static void note_time(struct history *h, const struct history_event *e)
{
	int64_t since = e->wall - e->age / 1000;

	if (e->age < 0)
		return;
	/* Rounding may move it by a second; a status that changes for that is noise. */
	if (h->state != e->session->state || since > h->since + SLACK_MS / 1000 ||
	    since + SLACK_MS / 1000 < h->since)
		h->since = since;
	h->began = e->asked - e->age;
	h->stamp = e->stamp;
}

/* What `Last error` says. It stays in BIRD until the session is Established, so the same words are
 * news only where a new attempt is known to have ended with them. */
static void note_error(struct history *h, const struct history_event *e)
{
	const char *words = e->session->last_error;
	bool again = failed_again(h, e), news;
	struct session_cause cause;

	if (str_empty(words)) { /* BIRD has started the session anew */
		if (h->now.words[0])
			retire(h);
		h->parted = h->parted && e->now < h->left + SLACK_MS;
		return;
	}
	news = is_news(h, words);
	if (news || again)
		(void)session_cause(words, &cause);
	/* Words of TCP may be those of the next attempt, which is seconds later. */
	if (news)
		take_words(
			h, e, words, message_of(h, e->session, cause.code),
			h->parted && cause.class != CAUSE_KEEPS &&
				(cause.class != CAUSE_TCP || (e->age >= 0 && e->age < SLACK_MS)));
	else if (again && cause.class == CAUSE_TCP)
		take_words(h, e, words, NULL, false);
	h->parted = false;
}

static bool is_news(const struct history *h, const char *words)
{
	if (h->recalled && (h->now.silent || same_words(h->before.words, words)) &&
	    (h->now.silent || h->now.words[0]))
		return false; /* BIRD has had it since that other life */
	return !same_words(h->last_error, words) && !same_words(h->now.words, words);
}

/* BIRD keeps the message of a shutdown when the session is long up again: only one that was not there
 * before belongs to words that are new. */
static const char *message_of(const struct history *h, const struct session *s, const char *code)
{
	bool carries = str_eq(code, "ADMIN_SHUTDOWN") || str_eq(code, "ADMIN_RESET");

	if (!carries || !s->message)
		return NULL;
	if (h->looked ? message_id(s->message) == h->message_id :
			strncmp(s->message, h->before.message, HISTORY_MESSAGE_MAX) == 0)
		return NULL;
	return s->message;
}

/* FNV-1a */
static uint32_t message_id(const char *message)
{
	uint32_t id = 2166136261u;

	for (; message && *message; message++)
		id = (id ^ (unsigned char)*message) * 16777619u;
	return message ? id : 0;
}

/* Has an attempt to connect ended since the last look? The wait before the next one tells. */
static bool failed_again(struct history *h, const struct history_event *e)
{
	bool tried = !h->recalled && (h->state == SESSION_ACTIVE || is_waiting(h->state));
	int64_t passed, total, failed;

	if (e->session->state != SESSION_ACTIVE ||
	    !session_timer(e->session->connect_delay, &passed, &total))
		return false;
	failed = e->now - passed;
	tried = tried && (h->state != SESSION_ACTIVE || failed > h->failed + SAME_MS);
	h->failed = failed;
	return tried;
}

/* What follows from nothing being said. True: looks are too far apart to tell. */
static bool note_silence(struct history *h, const struct history_event *e)
{
	enum session_state state = e->session->state;
	bool longer = false;

	if (passes(&h->now) && e->now - h->now.seen > (h->hold ? h->hold : HOLD_MS))
		retire(h);
	if (stands(&h->now) && (state == SESSION_OPENCONFIRM ||
				(state == SESSION_PASSIVE && e->now - h->now.seen > PASSIVE_MS)))
		retire(h);
	if (!is_waiting(state) || h->state != state)
		h->attempt = e->now;
	if (!is_waiting(state)) {
		h->quiet = 0;
		return false;
	}
	if (h->state != state || !h->quiet || e->now - h->looked > CLOSE_MS)
		h->quiet = e->now;
	if (stands(&h->now)) {
		if (state == SESSION_CONNECT && e->now - h->attempt >= ATTEMPT_MS)
			h->now.silent = attempt_ends(h, e);
	} else if (e->now - h->quiet >= SILENCE_MS) {
		retire(h);
		h->now.silent = true;
	} else {
		longer = h->now.words[0] != '\0';
	}
	return longer;
}

static void note_state(struct history *h, const struct history_event *e)
{
	h->heard++;
	if (e->up) {
		retire(h);
		h->parted = false;
	} else if (h->up) {
		h->flaps += !h->owed;
		h->left = e->now;
		h->parted = true;
	}
	if (!e->up)
		h->owed = false;
	h->untold = false;
	h->up = e->up;
}

/* ENDED: these words took down a session that was Established. */
static void take_words(struct history *h, const struct history_event *e, const char *words,
		       const char *message, bool ended)
{
	struct history_cause cause = { .ended = ended, .seen = e->now, .at = e->wall };
	struct session_cause known;

	snprintf(cause.words, sizeof cause.words, "%.*s", HISTORY_WORDS_MAX, words);
	(void)session_cause(words, &known);
	cause.class = known.class;
	copy_message(cause.message, message ? message : "");
	if (stands(&h->now) && !stands(&cause) && !attempt_ends(h, e))
		return;
	if (!same_words(h->now.words, cause.words)) {
		retire(h);
	} else { /* again, or for the second time: by looking, and in BIRD's log */
		cause.ended = h->now.ended;
		if (!message)
			memcpy(cause.message, h->now.message, sizeof cause.message);
	}
	h->now = cause;
	h->attempts = 0;
}

/* No more than fits, in whole characters of UTF-8. */
static void copy_message(char *to, const char *message)
{
	size_t len = strnlen(message, HISTORY_MESSAGE_MAX + 1);

	if (len > HISTORY_MESSAGE_MAX)
		for (len = HISTORY_MESSAGE_MAX; len && (message[len] & 0xc0) == 0x80;)
			len--;
	memcpy(to, message, len);
	to[len] = '\0';
}

/* An attempt has ended without the words that stand; true when they no longer do. */
static bool attempt_ends(struct history *h, const struct history_event *e)
{
	h->attempt = e->now;
	if (++h->attempts < ATTEMPTS)
		return false;
	retire(h);
	return true;
}

/* What counts becomes what counted before; what says little does not hide there what ended the
 * session. */
static void retire(struct history *h)
{
	const struct history_cause *now = &h->now, *before = &h->before;
	bool little = !now->ended && (now->class == CAUSE_TCP || now->class == CAUSE_PASSES);
	bool more = (before->ended || stands(before)) &&
		    (!h->left || before->seen + SLACK_MS >= h->left);

	h->attempts = 0;
	if (now->words[0] && (!little || !more))
		h->before = h->now;
	if (now->words[0] || now->silent)
		h->now = (struct history_cause){ 0 };
}

/* Is the state that was seen younger than what H says? Two clocks must agree: BIRD's, which may be
 * set, and the one that nobody sets, by which an answer may come late. Wall time counts only for what
 * an earlier life of this program saw. */
static bool began_later(const struct history *h, const struct history_event *e)
{
	int64_t began = e->asked - e->age;

	if (e->age < 0)
		return false;
	if (!h->began)
		return h->since && e->wall - e->age / 1000 > h->since + SLACK_MS / 1000;
	if (!h->stamp || !e->stamp)
		return began > h->began + SLACK_MS;
	return began > h->began + SAME_MS &&
	       (e->stamp > h->stamp + SAME_MS || e->stamp + SAME_MS < h->stamp);
}

/* Words that keep a session from coming up stand over those of TCP. */
static bool stands(const struct history_cause *c)
{
	return c->words[0] && !c->ended && (c->class == CAUSE_KEEPS || c->class == CAUSE_ENDS);
}

static bool passes(const struct history_cause *c)
{
	return c->words[0] && c->class == CAUSE_PASSES;
}

static bool is_waiting(enum session_state state)
{
	return state == SESSION_CONNECT || state == SESSION_OPENSENT ||
	       state == SESSION_OPENCONFIRM;
}

static bool same_words(const char *a, const char *b)
{
	return strncmp(a, b, HISTORY_WORDS_MAX) == 0;
}
