/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/fate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FACTS 12

static struct fate_facts facts_of(unsigned bits)
{
	bool is[FACTS];

	for (unsigned i = 0; i < FACTS; i++)
		is[i] = bits >> i & 1;
	return (struct fate_facts){ is[0], is[1], is[2], is[3], is[4],  is[5],
				    is[6], is[7], is[8], is[9], is[10], is[11] };
}

#define LAW(bits, holds)                                                                           \
	do {                                                                                       \
		if (!(holds))                                                                      \
			fail_msg("facts 0x%03x: %s", bits, #holds);                                \
	} while (0)

/* Decision 43 over all there can be, also what cannot be at once. */
static void laws(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 1u << FACTS; bits++) {
		const struct fate_facts f = facts_of(bits);
		const struct fate fate = fate_of(&f);
		bool wanted = f.asked || f.broken, stopped = f.by_hand || f.by_field;
		bool mistake = f.broken || f.faulty || f.refused;
		bool usable = f.accepted && !f.accepted_refused;

		/* what nobody asks for goes; what is asked for has a fate of its own */
		LAW(bits, (fate.reason == FATE_NOT_ASKED) == !wanted);
		LAW(bits, wanted || fate.kind == FATE_ABSENT);
		/* only a person stops a session, and a person always does */
		LAW(bits, (fate.kind == FATE_STOPPED) == (wanted && stopped));
		LAW(bits, fate.kind != FATE_STOPPED ||
				  fate.reason == (f.by_field ? FATE_BY_FIELD : FATE_BY_HAND));
		/* a mistake starts nothing */
		LAW(bits, fate.kind != FATE_RUNS || !mistake);
		LAW(bits, fate.text != FATE_TEXT_PLANNED || (f.asked && !mistake));
		/* ... and keeps what runs */
		LAW(bits, !(wanted && mistake && !stopped && usable && !f.accepted_stopped) ||
				  (fate.kind == FATE_KEEPS && fate.text == FATE_TEXT_ACCEPTED));
		/* without a mistake it runs as planned */
		LAW(bits, !(f.asked && !mistake && !stopped) || fate.kind == FATE_RUNS);
		LAW(bits, (fate.kind == FATE_RUNS) == (fate.reason == FATE_AS_PLANNED));
		/* what BIRD refuses is not given to it */
		LAW(bits, fate.text != FATE_TEXT_ACCEPTED || usable);
		/* what must not run is never text that could be made to run */
		LAW(bits, fate.kind != FATE_ABSENT || fate.text == FATE_TEXT_NONE);
		LAW(bits, !(fate.kind == FATE_STOPPED && fate.text == FATE_TEXT_ACCEPTED) || !f.less);
		/* what was stopped comes back only as a hand enabled it, with its protection */
		LAW(bits, !(fate.kind == FATE_KEEPS && fate.text && f.accepted_stopped) ||
				  (f.up && !f.less));
		/* less than asked is said of what is kept, and of nothing else */
		LAW(bits, fate.less == (fate.kind == FATE_KEEPS &&
					fate.text == FATE_TEXT_ACCEPTED && f.less));
		/* without a text only what BIRD has anyhow is kept */
		LAW(bits, !(fate.kind == FATE_KEEPS && !fate.text) || f.lost);
	}
}

/* The cases of the decision by name, for who reads this first. */
static void cases(void **state)
{
	/* clang-format off */
	static const struct { const char *what; struct fate_facts facts; struct fate fate; } rows[] = {
		{ "as planned", { .asked = true }, { FATE_RUNS, FATE_AS_PLANNED, FATE_TEXT_PLANNED, false } },
		{ "its secret was deleted", { .asked = true, .faulty = true, .accepted = true },
		  { FATE_KEEPS, FATE_FAULTY, FATE_TEXT_ACCEPTED, false } },
		{ "a password is asked for before it is there", { .asked = true, .faulty = true, .accepted = true, .less = true },
		  { FATE_KEEPS, FATE_FAULTY, FATE_TEXT_ACCEPTED, true } },
		{ "its secret was never there", { .asked = true, .faulty = true }, { FATE_ABSENT, FATE_FAULTY, FATE_TEXT_NONE, false } },
		{ "refused", { .asked = true, .refused = true, .accepted = true }, { FATE_KEEPS, FATE_REFUSED, FATE_TEXT_ACCEPTED, false } },
		{ "refused, and never ran", { .asked = true, .refused = true }, { FATE_ABSENT, FATE_REFUSED, FATE_TEXT_NONE, false } },
		{ "another BIRD, which refuses the last text, too",
		  { .asked = true, .refused = true, .accepted = true, .accepted_refused = true },
		  { FATE_ABSENT, FATE_REFUSED, FATE_TEXT_NONE, false } },
		{ "its object does not decode", { .broken = true, .accepted = true }, { FATE_KEEPS, FATE_BROKEN, FATE_TEXT_ACCEPTED, false } },
		{ "a rival would take it over meanwhile", { .asked = true, .broken = true, .accepted = true },
		  { FATE_KEEPS, FATE_BROKEN, FATE_TEXT_ACCEPTED, false } },
		{ "stopped by hand", { .asked = true, .accepted = true, .by_hand = true }, { FATE_STOPPED, FATE_BY_HAND, FATE_TEXT_PLANNED, false } },
		{ "stopped by hand, then refused", { .asked = true, .refused = true, .accepted = true, .by_hand = true },
		  { FATE_STOPPED, FATE_BY_HAND, FATE_TEXT_ACCEPTED, false } },
		{ "... and more is asked", { .asked = true, .refused = true, .accepted = true, .less = true, .by_hand = true },
		  { FATE_STOPPED, FATE_BY_HAND, FATE_TEXT_NONE, false } },
		{ "enabled by hand while its filter is missing",
		  { .asked = true, .faulty = true, .accepted = true, .accepted_stopped = true, .up = true },
		  { FATE_KEEPS, FATE_FAULTY, FATE_TEXT_ACCEPTED, false } },
		{ "... a filter that the text has not",
		  { .asked = true, .faulty = true, .accepted = true, .accepted_stopped = true, .up = true, .less = true },
		  { FATE_ABSENT, FATE_FAULTY, FATE_TEXT_NONE, false } },
		{ "a field stopped it, no longer does, and a secret is missing",
		  { .asked = true, .faulty = true, .accepted = true, .accepted_stopped = true },
		  { FATE_ABSENT, FATE_FAULTY, FATE_TEXT_NONE, false } },
		{ "up although a field stops it", { .asked = true, .accepted = true, .accepted_stopped = true, .up = true, .by_field = true },
		  { FATE_STOPPED, FATE_BY_FIELD, FATE_TEXT_PLANNED, false } },
		{ "its text is in no file any more", { .asked = true, .faulty = true, .lost = true }, { FATE_KEEPS, FATE_FAULTY, FATE_TEXT_NONE, false } },
		{ "nobody asks for it", { .accepted = true, .up = true }, { FATE_ABSENT, FATE_NOT_ASKED, FATE_TEXT_NONE, false } },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < lengthof(rows); i++) {
		const struct fate have = fate_of(&rows[i].facts), *want = &rows[i].fate;

		if (have.kind != want->kind || have.reason != want->reason ||
		    have.text != want->text || have.less != want->less)
			fail_msg("%s: %s because %s, text %d%s", rows[i].what, fate_names[have.kind],
				 fate_reasons[have.reason], (int)have.text,
				 have.less ? ", less" : "");
	}
	for (int i = 0; i < FATE_KINDS; i++)
		assert_non_null(fate_names[i]);
	for (int i = 0; i < FATE_REASONS; i++)
		assert_non_null(fate_reasons[i]);
}

/* By name: values do not count, and more than is asked takes nothing away. */
static void asked(void **state)
{
	/* clang-format off */
	static const struct { const char *accepted, *asked; bool less; } rows[] = {
		{ "", "", false },
		{ "secret:s/k", "secret:s/k", false },
		{ "", "secret:s/k", true },
		{ "secret:s/k", "secret:s/other", true },
		{ "secret:s/k", "secret:s/kk", true },
		{ "secret:s/kk", "secret:s/k", true },
		{ "secret:s/k", "", false },
		{ "filter:a", "filter:a", false },
		{ "filter:a", "filter:a,filter:b", true },
		{ "filter:a,filter:b", "filter:a", false },
		{ "filter:a,filter:b", "filter:b", false },
		{ "filter:a,filter:b", "filter:b,filter:a", true }, /* the first that decides is another one */
		{ "filter:a,filter:x,filter:b", "filter:a,filter:b", false },
		{ "filter:a", "filter:a,filter:a", true },
		{ "secret:s/k,filter:a", "filter:a", false },
		{ "secret:s/k,filter:a", "secret:s/k,filter:a", false },
		{ "filter:a", "secret:s/k,filter:a", true },
		{ "secret:s/k", "secret:s/k,filter:a", true },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < lengthof(rows); i++)
		if (asks_less(rows[i].accepted, rows[i].asked) != rows[i].less)
			fail_msg("\"%s\" for \"%s\"", rows[i].accepted, rows[i].asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(laws), cmocka_unit_test(cases),
					    cmocka_unit_test(asked) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
