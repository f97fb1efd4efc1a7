/* SPDX-License-Identifier: Apache-2.0 */
/* Each case is a story of one session, in steps (see step()), and what is known at its end. */
#include "bird/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

#define REFUSED	 "Socket: Connection refused"
#define CLOSED	 "Socket: Connection closed"
#define NO_HOST	 "Socket: No route to host"
#define BAD_AS	 "BGP Error: Bad peer AS"
#define CLASH	 "BGP Error: Bad BGP identifier"
#define HOLD	 "BGP Error: Hold timer expired"
#define SHUTDOWN "Received: Administrative shutdown"
#define RESET	 "Received: Administrative reset"
#define CROSSED	 "Received: Connection collision resolution"
#define UPDATE	 "BGP Error: Malformed AS_PATH"

struct story {
	struct history h;
	struct session s;
	int64_t set;		  /* BIRD's clock was, by so many ms */
	int64_t now, wall, start; /* start: when BIRD says that the state of the protocol began */
	bool first, lost;
	char words[128], message[300], delay[32], hold[160];
};

/* clang-format off */
static const struct {
	const char *steps;
	const char *code;   /* of what counts now; NULL: it is up, or nothing is known */
	const char *words;  /* NULL: none */
	const char *before; /* NULL: none */
	unsigned flaps;
} cases[] = {
	/* what ended it counts until anything newer is seen */
	{ "E; says " HOLD "; down; A " HOLD, "HOLD_TIMER", HOLD, NULL, 1 },
	{ "E; +1; A " HOLD, "HOLD_TIMER", HOLD, NULL, 1 },
	{ "E; says " HOLD "; down; A " HOLD "; +3; A " REFUSED, "PORT_CLOSED", REFUSED, HOLD, 1 },
	{ "E; down; A " CLOSED, "CONNECTION_LOST", CLOSED, NULL, 1 },
	{ "E; down; A " CLOSED "; +3; A " REFUSED, "PORT_CLOSED", REFUSED, CLOSED, 1 },
	{ "E; down; A " CLOSED "; +3; A " REFUSED "; +3; A " NO_HOST, "UNREACHABLE", NO_HOST, CLOSED, 1 },
	{ "E; +10; down; +8; A " CLOSED, "PEER_DOES_NOT_KNOW_US", CLOSED, NULL, 1 }, /* may be a later attempt's */
	{ "E; says " UPDATE "; down; A " UPDATE, "PROTOCOL_ERROR", UPDATE, NULL, 1 },
	{ "E; says " UPDATE "; down; A " UPDATE "; +3; A " REFUSED, "PORT_CLOSED", REFUSED, UPDATE, 1 },
	{ "E; down; I Error: Link down; +3600; I Error: Link down", "LINK_DOWN", "Error: Link down", NULL, 1 },
	/* silence is newer, too: an attempt that was seen from its begin to its end */
	{ "E; says " HOLD "; down; A " HOLD "; +2; C*9 " HOLD, "NO_ANSWER", NULL, HOLD, 1 },
	{ "E; says " HOLD "; down; A " HOLD "; +2; C*5 " HOLD, "HOLD_TIMER", HOLD, NULL, 1 },
	{ "A " REFUSED "; +2; C*9 " REFUSED, "NO_ANSWER", NULL, REFUSED, 0 },
	{ "A " REFUSED "; +2; C*9 " REFUSED "; +1; A " REFUSED, "PORT_CLOSED", REFUSED, REFUSED, 0 },
	{ "A " REFUSED "; +9; C " REFUSED "; +9; C " REFUSED "; +9; C " REFUSED, "PORT_CLOSED", REFUSED, NULL, 0 },
	{ "A " REFUSED "; +2; O*9 " REFUSED, "NO_OPEN", NULL, REFUSED, 0 },
	{ "C", "NO_ANSWER", NULL, NULL, 0 },
	{ "A", "CONNECT_DELAY", NULL, NULL, 0 },
	/* of TCP's the newest */
	{ "A " REFUSED "; +5; A " NO_HOST, "UNREACHABLE", NO_HOST, REFUSED, 0 },
	{ "A " REFUSED "; +5; A " NO_HOST "; +5; A " REFUSED, "PORT_CLOSED", REFUSED, NO_HOST, 0 },
	/* what keeps it from coming up stands over them, for three attempts */
	{ "says " BAD_AS "; I " BAD_AS, "BAD_PEER_AS", BAD_AS, NULL, 0 },
	{ "A " REFUSED "; +5; I " BAD_AS, "BAD_PEER_AS", BAD_AS, REFUSED, 0 },
	{ "says " BAD_AS "; I " BAD_AS "; +9; A " CLOSED "; +5; A " REFUSED, "BAD_PEER_AS", BAD_AS, NULL, 0 },
	{ "says " BAD_AS "; I " BAD_AS "; +9; A " CLOSED "; +5; A " REFUSED "; +5; A " REFUSED, "PORT_CLOSED",
	  REFUSED, BAD_AS, 0 },
	{ "says " BAD_AS "; I " BAD_AS "; +9; A " CLOSED "; +5; A " REFUSED "; +1; A-1 " REFUSED "; +1; A-2 " REFUSED,
	  "BAD_PEER_AS", BAD_AS, NULL, 0 }, /* one attempt, looked at three times */
	{ "says " BAD_AS "; I " BAD_AS "; +9; A " CLOSED "; +5; A " REFUSED "; +5; says " BAD_AS "; I " BAD_AS
	  "; +9; A " CLOSED "; +5; A " REFUSED, "BAD_PEER_AS", BAD_AS, NULL, 0 },
	{ "says " BAD_AS "; I " BAD_AS "; +9; C*14 " BAD_AS, "BAD_PEER_AS", BAD_AS, NULL, 0 },
	{ "says " BAD_AS "; I " BAD_AS "; +9; C*17 " BAD_AS, "NO_ANSWER", NULL, BAD_AS, 0 },
	{ "says " BAD_AS "; I " BAD_AS "; +9; C*17 " BAD_AS "; says " BAD_AS, "BAD_PEER_AS", BAD_AS, BAD_AS, 0 },
	{ "says " BAD_AS "; I " BAD_AS "; +9; O " BAD_AS "; +2; K " BAD_AS, "NO_KEEPALIVE", NULL, BAD_AS, 0 },
	{ "says " BAD_AS "; P " BAD_AS "; +300; P " BAD_AS, "BAD_PEER_AS", BAD_AS, NULL, 0 },
	{ "says " BAD_AS "; P " BAD_AS "; +361; P " BAD_AS, "PASSIVE", NULL, BAD_AS, 0 },
	/* within a rank the newest */
	{ "says " BAD_AS "; says " CLASH "; I " CLASH, "ROUTER_ID_CLASH", CLASH, BAD_AS, 0 },
	{ "says " BAD_AS "; says " CLASH "; says " BAD_AS "; I " BAD_AS, "BAD_PEER_AS", BAD_AS, CLASH, 0 },
	{ "I " BAD_AS "; +20; I " CLASH, "ROUTER_ID_CLASH", CLASH, BAD_AS, 0 },
	{ "says Weird: thing; A Weird: thing; +5; A " REFUSED, NULL, "Weird: thing", NULL, 0 },
	/* neither hides behind what is older */
	{ "E; down; A " CLOSED "; +5; A " REFUSED "; +60; says " CLASH "; I " CLASH, "ROUTER_ID_CLASH", CLASH, CLOSED, 1 },
	{ "E; says " RESET "; down; A " RESET "; +5; C*9 " RESET, "NO_ANSWER", NULL, RESET, 1 }, /* wrong password */
	/* hold timer and Cease that ended nothing keep it down */
	{ "O; +240; says " HOLD "; I " HOLD "; +9; A " CLOSED, "HOLD_TIMER", HOLD, NULL, 0 },
	{ "says " SHUTDOWN "; I " SHUTDOWN "; +9; A " CLOSED, "ADMIN_SHUTDOWN", SHUTDOWN, NULL, 0 },
	/* what passes by itself counts for one hold time: the negotiated one, else 240 s */
	{ "E 90; says " RESET "; down; P " RESET "; +80; P " RESET, "ADMIN_RESET", RESET, NULL, 1 },
	{ "E 90; says " RESET "; down; P " RESET "; +91; P " RESET, "PASSIVE", NULL, RESET, 1 },
	{ "E; says " RESET "; down; P " RESET "; +200; P " RESET, "ADMIN_RESET", RESET, NULL, 1 },
	{ "E; says " RESET "; down; P " RESET "; +241; P " RESET, "PASSIVE", NULL, RESET, 1 },
	{ "says " BAD_AS "; says " CROSSED "; A " CROSSED, "BAD_PEER_AS", BAD_AS, NULL, 0 },
	{ "says " CROSSED "; A " CROSSED "; +9; says " BAD_AS, "BAD_PEER_AS", BAD_AS, CROSSED, 0 },
	/* up: nothing counts, and what was is remembered */
	{ "E; says " HOLD "; down; A " HOLD "; +9; up; E", NULL, NULL, HOLD, 1 },
	{ "E; says " HOLD "; down; A " HOLD "; +3; A " REFUSED "; +9; up; E", NULL, NULL, HOLD, 1 },
	{ "A " REFUSED "; +9; E", NULL, NULL, REFUSED, 0 },
	{ "says " BAD_AS "; A " REFUSED "; +9; E", NULL, NULL, BAD_AS, 0 },
	{ "E; says " HOLD "; down; A " HOLD "; +9; up; E; +60; down; A " CLOSED "; +5; A " REFUSED "; +9; up; E",
	  NULL, NULL, CLOSED, 2 },
	{ "E; says " CROSSED "; E", NULL, NULL, NULL, 0 }, /* a second connection, and this one stays */
	{ "E; says " HOLD "; down; up; E", NULL, NULL, HOLD, 1 },
	/* BIRD begins anew (a configuration, enabled by hand), or was stopped by hand */
	{ "I " BAD_AS "; +9; A", "CONNECT_DELAY", NULL, BAD_AS, 0 },
	{ "E; down; D", "DISABLED", NULL, NULL, 1 },
	{ "D Error: Kernel MD5 auth failed", "MD5_KERNEL", "Error: Kernel MD5 auth failed", NULL, 0 },
	{ "says Socket: Cannot assign requested address; A " CLOSED, "SOURCE_NOT_LOCAL",
	  "Socket: Cannot assign requested address", NULL, 0 },
};

static const struct {
	const char *steps;
	unsigned flaps;
	bool at_least;
} counts[] = {
	{ "E", 0, false },
	{ "E; down; up; E", 1, false },
	{ "E; down; up; down; up; down; A", 3, false },
	{ "down; down; up; E", 0, false },
	{ "C; +5; up; down; C", 1, false }, /* up between two looks, and only heard of */
	{ "E; +9; new; E", 1, false },             /* by looking; BIRD's word for it may still come */
	{ "E; +9; new; E; down; up; E", 1, false }, /* it came */
	{ "E; +9; new; E; +9; E", 1, true },       /* it did not: BIRD does not log states */
	{ "E; +9; A; down; C", 1, false },
	{ "A; +9; new; A; +9; A", 0, true },       /* it may have been up in between, and BIRD logs no states */
	{ "A; +9; down; down; A; +9; A", 0, false },
	{ "A; +9; first; new; A; +9; A", 0, false },
	{ "E; +9; A; +9; C", 1, true },
	{ "E; +9; down; up; lost; E", 1, true },
	{ "E; +9; lost; E", 0, false },            /* lost, but it has been up all the time */
	{ "E; +9; lost; new; E", 1, true },
	{ "E; +9; first; new; E", 1, true },       /* BIRD, or this program, was away */
	{ "E; +9; first; A", 1, true },
	{ "E; +9; first; E", 0, false },
	{ "E; +1; new; E", 1, false },
	{ "E; +9; set 3600; E", 0, false },        /* somebody sets BIRD's clock */
	{ "E; +9; late 3; E", 0, false },          /* this program was held up with the answer in its hands */
	{ "E; +9; set -3600; new; E", 1, false },
};
/* clang-format on */

static void look(struct story *t, enum session_state state, int64_t wait, const char *words)
{
	bool up = state == SESSION_ESTABLISHED;
	struct history_event e = { .kind = HISTORY_LOOK,
				   .session = &t->s,
				   .now = t->now,
				   .wall = t->wall,
				   .first = t->first,
				   .lost = t->lost };

	if (up != (t->s.state == SESSION_ESTABLISHED) && t->h.up != up)
		t->start = t->now;
	snprintf(t->words, sizeof t->words, "%s", words);
	snprintf(t->delay, sizeof t->delay, "%d.5/5", (int)(4 - wait));
	snprintf(t->hold, sizeof t->hold, "45.123/%s", words);
	t->s.state = state;
	t->s.up = up ? PROTO_UP : state == SESSION_DOWN ? PROTO_DOWN : PROTO_START;
	t->s.last_error = *words && !up ? t->words : NULL;
	t->s.connect_delay = state == SESSION_ACTIVE ? t->delay : NULL;
	t->s.hold_timer = up && *words ? t->hold : NULL;
	e.age = t->now - t->start;
	e.asked = t->now;
	e.stamp = t->wall * 1000 - e.age + t->set;
	(void)history_note(&t->h, &e);
	t->first = t->lost = false;
}

/* "+9" seconds pass; "says WORDS[|MESSAGE]", "up", "down": BIRD logs; "A WORDS": a look finds it Active with
 * these as its last error ("A-2": and the attempt before ended 2 s earlier), "C*9": nine looks each second;
 * I, C, O, K, P, D, E: other states ("E 90": with that hold time); "new": BIRD says that its state is new;
 * "first", "lost": flags of the next look; "set S": BIRD's clock is set; "late S": an answer is read late. */
static void step(struct story *t, char *text)
{
	static const char letters[] = "?ICAOKE?PD";
	struct history_event e = { .now = t->now, .wall = t->wall };
	char *words = strchr(text, ' '), *message = strchr(text, '|');
	char none[] = "";

	words = words ? words + 1 : none;
	if (*text == '+') {
		t->now += 1000 * atoi(text);
		t->wall += atoi(text);
	} else if (strncmp(text, "says ", 5) == 0) {
		if (message)
			*message++ = '\0';
		e.kind = HISTORY_SAYS;
		e.words = words;
		e.message = message;
		(void)history_note(&t->h, &e);
	} else if (str_eq(text, "up") || str_eq(text, "down")) {
		e.kind = HISTORY_STATE;
		e.up = *text == 'u';
		t->start = t->now;
		(void)history_note(&t->h, &e);
	} else if (str_eq(text, "new")) {
		t->start = t->now;
	} else if (strncmp(text, "set ", 4) == 0) {
		t->set += atoi(words) * 1000;
	} else if (strncmp(text, "late ", 5) == 0) {
		t->start += atoi(words) * 1000; /* by our clock, not by BIRD's */
		t->set -= atoi(words) * 1000;
	} else if (str_eq(text, "first")) {
		t->first = true;
	} else if (str_eq(text, "lost")) {
		t->lost = true;
	} else if (strncmp(text, "message ", 8) == 0) {
		snprintf(t->message, sizeof t->message, "%s", words);
		t->s.message = t->message;
	} else {
		const char *letter = strchr(letters, *text);
		int n = text[1] == '*' ? atoi(text + 2) : 1;

		assert_non_null(letter);
		for (int i = 0; i < n; i++) {
			look(t, (enum session_state)(letter - letters),
			     text[1] == '-' ? atoi(text + 2) : 0, words);
			t->now += i + 1 < n ? 1000 : 0;
			t->wall += i + 1 < n;
		}
	}
}

static void play(struct story *t, const char *steps)
{
	char text[1024], *rest = text, *at;

	snprintf(text, sizeof text, "%s", steps);
	while ((at = strsep(&rest, ";")))
		step(t, at + strspn(at, " "));
}

static struct story story(void)
{
	return (struct story){ .now = 1000000, .wall = 1800000000, .start = 1000000 };
}

static void assert_words(const char *is, const char *wanted, const char *where)
{
	if (!str_eq(is, wanted ? wanted : ""))
		fail_msg("\"%s\", not \"%s\": %s", is, wanted ? wanted : "", where);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct story t = story();
		struct session_cause cause = { 0 };
		bool known;

		play(&t, cases[i].steps);
		known = t.s.state != SESSION_ESTABLISHED && history_cause(&t.h, &t.s, &cause);
		assert_words(known && cause.code ? cause.code : "", cases[i].code, cases[i].steps);
		assert_words(t.h.now.words, cases[i].words, cases[i].steps);
		assert_words(t.h.before.words, cases[i].before, cases[i].steps);
		if (t.h.flaps != cases[i].flaps)
			fail_msg("%u flaps: %s", t.h.flaps, cases[i].steps);
	}
}

static void test_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(counts); i++) {
		struct story t = story();

		play(&t, counts[i].steps);
		if (t.h.flaps != counts[i].flaps || t.h.flaps_at_least != counts[i].at_least)
			fail_msg("%u flaps%s: %s", t.h.flaps, t.h.flaps_at_least ? " or more" : "",
				 counts[i].steps);
	}
}

static void test_message(void **state)
{
	struct story t = story();
	char longer[400];

	(void)state;
	play(&t, "E; says " SHUTDOWN "|until 5pm; down; message until 5pm; A " SHUTDOWN);
	assert_string_equal(t.h.now.message, "until 5pm");
	play(&t, "+5; A " REFUSED); /* it goes with its cause */
	assert_string_equal(t.h.now.message, "");
	assert_string_equal(t.h.before.message, "until 5pm");
	play(&t, "+60; up; E; +60; says " SHUTDOWN
		 "; down; A " SHUTDOWN); /* without one; BIRD has the old */
	assert_string_equal(t.h.now.message, "");
	play(&t, "+60; up; E; +60; A " SHUTDOWN); /* only seen by looking: it is the old one */
	assert_string_equal(t.h.now.message, "");
	play(&t, "+60; up; E; +60; message tonight; A " SHUTDOWN);
	assert_string_equal(t.h.now.message, "tonight");
	t = story();
	play(&t, "E; +60; message now; A " SHUTDOWN);
	assert_string_equal(t.h.now.message, "now");
	play(&t, "+60; E; +60; A " SHUTDOWN);
	assert_string_equal(t.h.now.message, "");
	play(&t, "+60; E; +60; A " HOLD);
	assert_string_equal(t.h.now.message, "");
	/* longer than RFC 9003 has it, and a character across the end */
	memset(longer, 'x', sizeof longer);
	memcpy(longer + HISTORY_MESSAGE_MAX - 1, "\xc3\xa9", 2);
	longer[sizeof longer - 1] = '\0';
	history_note(&t.h, &(struct history_event){ .kind = HISTORY_SAYS,
						    .now = t.now,
						    .words = SHUTDOWN,
						    .message = longer });
	assert_int_equal(strlen(t.h.now.message), HISTORY_MESSAGE_MAX - 1);
}

/* An earlier life's status says no more than words, codes and times; wall time may be set meanwhile. */
static void test_recall(void **state)
{
	struct story t = story();

	(void)state;
	t.h = (struct history){ .state = SESSION_ESTABLISHED, .flaps = 3, .since = t.wall - 3600 };
	history_recall(&t.h, NULL, NULL, t.now, t.wall);
	t.start = t.now - 3600 * 1000;
	t.s.state = SESSION_ESTABLISHED;
	play(&t, "first; E");
	assert_int_equal(t.h.flaps, 3);
	assert_false(t.h.flaps_at_least);

	t = story();
	t.h = (struct history){ .state = SESSION_CONNECT,
				.since = t.wall - 3600,
				.before.at = t.wall - 3600 };
	strcpy(t.h.before.words, HOLD);
	history_recall(&t.h, "NO_ANSWER", "HOLD_TIMER", t.now, t.wall);
	play(&t,
	     "first; C " REFUSED "; +1; C " REFUSED); /* BIRD had that word before it fell silent */
	assert_string_equal(t.h.now.words, "");
	play(&t, "+1; A " REFUSED);
	assert_string_equal(t.h.now.words, REFUSED);
	assert_string_equal(t.h.before.words, HOLD);

	t = story();
	t.h = (struct history){ .state = SESSION_PASSIVE, .since = t.wall - 100 };
	strcpy(t.h.now.words, RESET);
	history_recall(&t.h, "ADMIN_RESET", NULL, t.now, t.wall);
	play(&t, "first; P " RESET);
	assert_string_equal(t.h.now.words, RESET);
	play(&t, "+141; P " RESET);
	assert_string_equal(t.h.now.words, "");

	t = story(); /* the wall clock was set back by a day: the time is that of now */
	t.h = (struct history){ .state = SESSION_PASSIVE, .since = t.wall + 86400 };
	strcpy(t.h.now.words, CLOSED);
	history_recall(&t.h, "CONNECTION_LOST", NULL, t.now, t.wall);
	assert_int_equal(t.h.now.seen, t.now);
	assert_true(t.h.now.ended);
	assert_string_equal(history_words_cause(&t.h.now).code, "CONNECTION_LOST");
}

/* A closer look is asked for where looks are far apart and the session may have fallen silent; never
 * for one that is known to be silent. */
static void test_closer(void **state)
{
	struct story t = story();
	struct history_event e = { .kind = HISTORY_LOOK, .session = &t.s, .age = -1 };
	unsigned asked = 0;

	(void)state;
	play(&t, "A " REFUSED);
	t.s.state = SESSION_CONNECT;
	for (unsigned i = 0; i < 600; i++) {
		e.now = t.now += 1000;
		asked += history_note(&t.h, &e);
	}
	assert_in_range(asked, 1, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	cmocka_unit_test(test_counts),
		cmocka_unit_test(test_message), cmocka_unit_test(test_recall),
		cmocka_unit_test(test_closer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
