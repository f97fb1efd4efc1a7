/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ID    "0123456789abcdef"
#define OTHER "fedcba9876543210"

/* All is well: BIRD runs what is wanted, and the file says so. */
static const struct observed well = { .ready = true,
				      .asked = true,
				      .runs = ID,
				      .control_free = true,
				      .file_ours = true,
				      .file_right = true,
				      .store = "s1" };
static const struct wanted wish = { .planned = true, .id = ID };
static const struct memory past = { .conf = "/etc/bird/bird.conf",
				    .store = "s1",
				    .refused_id = "",
				    .refused_words = "no",
				    .failed_id = "",
				    .checked_id = "" };

static void check(const char *what, struct observed o, struct wanted w, struct memory m,
		  enum action action, enum agent_state state, const char *says)
{
	struct decision d;

	decide(&o, &w, &m, &d);
	if (d.action != action || d.state != state || !strstr(d.message, says))
		fail_msg("%s: %s, %s: %s", what, action_names[d.action], agent_state_names[d.state],
			 d.message);
}

static void table(void **state)
{
	struct observed o, down = well, first = well;
	struct wanted w = wish, next = wish;
	struct memory m = past;

	(void)state;
	down.asked = false;
	down.runs = NULL;
	down.away = "bird.ctl: Connection refused";
	first.asked = false;
	first.runs = NULL;
	next.id = OTHER;

	check("well", well, wish, past, ACTION_SETTLED, STATE_APPLIED, "");
	o = well, o.ready = false;
	check("no store yet", o, wish, past, ACTION_WAIT, STATE_STARTING, "no complete store");
	o = well, o.changing = true;
	check("a change is under way", o, next, past, ACTION_WAIT, STATE_SAME, "");
	check("the first look is under way", first, next, past, ACTION_WAIT, STATE_SAME, "");
	w.planned = false;
	check("no plan yet", well, w, past, ACTION_WAIT, STATE_SAME, "");

	/* with BIRD */
	check("another text", well, next, past, ACTION_APPLY, STATE_APPLYING, "fedcba987654");
	o = well, o.control_free = false;
	check("the connection is not free", o, next, past, ACTION_WAIT, STATE_SAME, "");
	o = well, o.unconfirmed = true;
	check("left unconfirmed", o, wish, past, ACTION_CONFIRM, STATE_SAME, "");
	check("another one left unconfirmed", o, next, past, ACTION_APPLY, STATE_APPLYING, "");
	o = well, o.file_right = false;
	check("the file is another", o, wish, past, ACTION_APPLY, STATE_APPLYING, "");
	o = well, o.enabled = true;
	check("a stopped session is up", o, wish, past, ACTION_APPLY, STATE_APPLYING, "");
	next.searching = true;
	check("what is refused is not settled", well, next, past, ACTION_CHECK, STATE_SAME, "");
	next.searching = false;
	m.refused_id = OTHER;
	check("refused as a whole", well, next, m, ACTION_WAIT, STATE_REFUSED,
	      "refuses the configuration: no");
	m.refused_due = true;
	check("... and its time has come", well, next, m, ACTION_CHECK, STATE_SAME, "");
	check("... another text", well, wish, m, ACTION_SETTLED, STATE_APPLIED, "");
	m = past, m.failed_id = OTHER, m.failed_waits = true;
	check("failed", well, next, m, ACTION_WAIT, STATE_SAME, "");
	m.failed_waits = false;
	check("... and its time has come", well, next, m, ACTION_APPLY, STATE_APPLYING, "");

	/* without BIRD */
	check("the file was not checked", down, wish, past, ACTION_CHECK_OFFLINE, STATE_BIRD_DOWN,
	      "start it");
	m = past, m.checked_id = ID;
	check("the file is ready", down, wish, m, ACTION_WAIT, STATE_BIRD_DOWN,
	      "BIRD is not running (bird.ctl: Connection refused): its file is ready, start it");
	o = down, o.running = true;
	check("it hangs", o, wish, m, ACTION_WAIT, STATE_BIRD_DOWN, "bird.ctl: Connection refused");
	o = down, o.file_right = false;
	check("another text", o, next, past, ACTION_INSTALL, STATE_BIRD_DOWN, "");
	next.searching = true;
	check("what is refused is not settled", o, next, past, ACTION_CHECK_OFFLINE,
	      STATE_BIRD_DOWN, "");
	next.searching = false;
	m = past, m.refused_id = OTHER;
	check("refused as a whole", o, next, m, ACTION_WAIT, STATE_REFUSED, "refuses");

	/* not ours */
	o = well, o.runs = NULL;
	check("BIRD runs another's", o, wish, past, ACTION_WAIT, STATE_NOT_OURS,
	      "the configuration that BIRD runs");
	o = down, o.file_ours = false;
	check("the file is another's", o, wish, past, ACTION_WAIT, STATE_NOT_OURS,
	      "/etc/bird/bird.conf was not");
	m = past, m.adopt = true;
	o = well, o.runs = NULL, o.file_right = false;
	check("adopted", o, wish, m, ACTION_APPLY, STATE_APPLYING, "");

	/* held, whatever else there is to do */
	m = past, m.store = "s0";
	check("another store", well, next, m, ACTION_WAIT, STATE_HELD,
	      "the store is another one (s1)");
	check("another store, and BIRD is down", down, next, m, ACTION_WAIT, STATE_HELD,
	      "another one");
	m.accept_store = true;
	check("... accepted", well, next, m, ACTION_APPLY, STATE_APPLYING, "");
	w = next, w.lost = "peer_1";
	check("a text is lost", well, w, past, ACTION_WAIT, STATE_HELD, "session peer_1 must stay");
	w = next, w.template_missing = true, w.template_trouble = "no template";
	check("no template", well, w, past, ACTION_WAIT, STATE_HELD,
	      "no template; what runs stays");
	w.template_missing = false, w.id = ID;
	check("the last good template", well, w, past, ACTION_SETTLED, STATE_APPLIED,
	      "no template");
	w = (struct wanted){ .planned = true, .unknown = "no Node is named n1" };
	check("no Node", well, w, past, ACTION_WAIT, STATE_HELD, "no Node is named n1");
	check("no Node, and BIRD is down", down, w, past, ACTION_WAIT, STATE_HELD, "no Node");
}

/* Over all combinations: BIRD is only changed when it is ours to change and nothing is in doubt. */
#define BIT(n) (bits >> (n) & 1)
static void laws(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 1u << 18; bits++) {
		struct observed o = { .ready = BIT(0),
				      .changing = BIT(1),
				      .asked = BIT(2),
				      .away = BIT(3) ? "away" : NULL,
				      .running = BIT(4),
				      .runs = BIT(5) ? ID : NULL,
				      .unconfirmed = BIT(6),
				      .control_free = BIT(7),
				      .file_ours = BIT(8),
				      .file_right = BIT(9),
				      .enabled = BIT(10),
				      .store = BIT(11) ? "s1" : "s2" };
		struct wanted w = { .planned = BIT(12),
				    .id = BIT(13) ? ID : OTHER,
				    .lost = BIT(14) ? "x" : NULL,
				    .searching = BIT(15) };
		struct memory m = past;
		struct decision d;
		bool changes, asks, doubt;

		m.adopt = BIT(16);
		m.refused_id = BIT(17) ? OTHER : "";
		decide(&o, &w, &m, &d);
		changes = d.action == ACTION_APPLY || d.action == ACTION_INSTALL ||
			  d.action == ACTION_CONFIRM;
		asks = d.action == ACTION_CHECK || d.action == ACTION_CHECK_OFFLINE;
		doubt = !o.ready || o.changing || !w.planned || w.lost ||
			strcmp(o.store, "s1") != 0 ||
			((!o.file_ours || (o.asked && !o.runs)) && !m.adopt);
		if ((changes || asks) && doubt)
			fail_msg("0x%05x: %s in doubt", bits, action_names[d.action]);
		if (changes && w.searching && d.action != ACTION_CONFIRM)
			fail_msg("0x%05x: %s in a search", bits, action_names[d.action]);
		if ((d.action == ACTION_APPLY || d.action == ACTION_CHECK ||
		     d.action == ACTION_CONFIRM) &&
		    (!o.asked || !o.control_free))
			fail_msg("0x%05x: %s without BIRD", bits, action_names[d.action]);
		if ((d.action == ACTION_INSTALL || d.action == ACTION_CHECK_OFFLINE) && o.asked)
			fail_msg("0x%05x: %s beside BIRD", bits, action_names[d.action]);
		if (changes && d.action != ACTION_CONFIRM && strcmp(m.refused_id, w.id) == 0)
			fail_msg("0x%05x: what is refused is given", bits);
		if (changes && !o.file_ours && !d.keep_foreign)
			fail_msg("0x%05x: a foreign file is not kept", bits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table), cmocka_unit_test(laws) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
