/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/refusals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Two peerings share a filter and a line of the session template; a third has neither. */
static struct conf *some_conf(struct arena *a, const char *third)
{
	struct conf *c = conf_new(a);

	conf_open(c, "base", "base", NULL);
	conf_line(c, "router id 10.0.0.1;"); /* line 4 */
	conf_close(c);
	conf_open(c, "import_1", "filter", NULL);
	conf_line(c, "filter import_1 {\n\taccept;\n}"); /* 7-9 */
	conf_close(c);
	for (int i = 1; i <= 2; i++) {
		conf_open(c, arena_printf(a, "peer_%d", i), "mesh", NULL);
		conf_line(c, "protocol bgp peer_%d {\n\tnonsense;" CONF_TEMPLATE_MARK, i);
		conf_line(c, "\timport filter import_1;\n}"); /* 12-15, 18-21 */
		conf_close(c);
	}
	conf_open(c, "peer_3", "mesh", NULL);
	conf_line(c, "protocol bgp peer_3 {\n\t%s;\n}", third); /* 24-26 */
	conf_close(c);
	conf_open(c, "include", "include", NULL);
	conf_line(c, "include \"x\";"); /* 29 */
	conf_close(c);
	conf_finish(c, NULL);
	return c;
}

#include "base/clock.h"

static const char *names_of(const struct refusals *r, struct arena *a)
{
	auto_buf struct buf out = { 0 };
	size_t n;
	const struct refused_text *texts = refusals_texts(r, &n);

	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s ", texts[i].name);
	return arena_str(a, buf_text(&out));
}

static void who_is_set_aside(void **state)
{
	/* clang-format off */
	static const struct { unsigned line; const char *names; } cases[] = {
		{ 0, "" }, { 1, "" }, { 4, "" }, { 29, "" }, { 999, "" },
		{ 7, "peer_1 peer_2 " }, { 9, "peer_1 peer_2 " },
		{ 12, "peer_1 " }, { 13, "peer_1 peer_2 " }, { 14, "peer_1 peer_2 " }, { 15, "peer_1 " },
		{ 18, "peer_2 " }, { 19, "peer_1 peer_2 " },
		{ 24, "peer_3 " }, { 26, "peer_3 " },
	};
	/* clang-format on */
	auto_arena struct arena a = { 0 };
	struct conf *c = some_conf(&a, "x");

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct refusals *r = refusals_open();
		bool is_new = false;

		assert_int_equal(refusals_add(r, c, cases[i].line, "syntax error", &is_new),
				 *cases[i].names != '\0');
		assert_true(is_new);
		assert_string_equal(names_of(r, &a), cases[i].names);
		assert_false(refusals_searching(r));
		refusals_close(r);
	}
	refusals_close(NULL);
	conf_free(c);
}

/* Until the text is another one in the plan and in what BIRD last accepted, and only that one. */
static void how_long(void **state)
{
	auto_arena struct arena a = { 0 };
	struct conf *c = some_conf(&a, "x"), *changed = some_conf(&a, "y"), *without = conf_new(&a);
	struct refusals *r = refusals_open();
	bool is_new;

	(void)state;
	conf_finish(without, NULL);
	assert_true(refusals_add(r, c, 25, "one", &is_new));
	assert_true(refusals_add(r, c, 7, "two", &is_new));
	assert_false(refusals_add(r, c, 24, "again", &is_new)); /* it is set aside already */
	refusals_review(r, c, NULL);
	assert_string_equal(names_of(r, &a), "peer_1 peer_2 peer_3 ");
	refusals_review(r, changed, c);
	assert_string_equal(names_of(r, &a), "peer_1 peer_2 peer_3 ");
	refusals_review(r, changed, NULL);
	assert_string_equal(names_of(r, &a), "peer_1 peer_2 ");
	/* two texts of one name: what is planned, and what was accepted */
	assert_true(refusals_add(r, changed, 25, "three", &is_new));
	assert_true(refusals_add(r, c, 25, "four", &is_new));
	assert_string_equal(names_of(r, &a), "peer_1 peer_2 peer_3 peer_3 ");
	refusals_review(r, without, NULL);
	assert_string_equal(names_of(r, &a), "");
	refusals_close(r);
	conf_free(c);
	conf_free(changed);
	conf_free(without);
}

#define MANY 1000

static size_t many = MANY; /* of them are there */

/* Sessions from 0 on, of which those in BAD have a line that BIRD does not take. */
static struct conf *many_conf(struct arena *a, const bool *bad, const struct refusals *r)
{
	struct conf *c = conf_new(a);
	size_t n;
	const struct refused_text *texts = refusals_texts(r, &n);

	for (size_t i = 0; i < many; i++) {
		const char *name = arena_printf(a, "peer_%04zu", i);
		bool aside = false;

		for (size_t j = 0; j < n && !aside; j++)
			aside = strcmp(texts[j].name, name) == 0;
		if (aside)
			continue;
		conf_open(c, name, "mesh", NULL);
		conf_line(c, "protocol bgp %s {", name);
		conf_line(c, bad[i] ? "\tstale time 9;" : "\tmultihop;");
		conf_line(c, "\tsame for all;\n}");
		conf_close(c);
	}
	conf_finish(c, NULL);
	return c;
}

/* As the agent does, against a BIRD that names the first mistake: how many questions until a text
 * passes that is no check alone? LINE: what BIRD does not like. */
static unsigned questions(struct refusals *r, const bool *bad, const char *line, struct arena *a)
{
	for (unsigned asked = 1;; asked++) {
		bool search = refusals_searching(r), is_new;
		struct conf *c = many_conf(a, bad, r);
		unsigned refused = 0;
		size_t len;

		for (size_t i = 0; i < c->n_blocks && !refused; i++)
			for (unsigned l = 0; l < c->blocks[i].n_lines && !refused; l++) {
				unsigned number = c->blocks[i].line + l;
				const char *text = conf_line_at(c, number, &len);

				if (len == strlen(line) && memcmp(text, line, len) == 0 &&
				    bad[atoi(c->blocks[i].name + 5)])
					refused = number;
			}
		if (refused)
			assert_true(refusals_add(r, c, refused, "not liked", &is_new));
		else
			refusals_passed(r);
		conf_free(c);
		assert_true(asked < 5000);
		if (!refused && !search)
			return asked;
	}
}

static void check_search(const bool *bad, const char *line, unsigned most)
{
	auto_arena struct arena a = { 0 };
	struct refusals *r = refusals_open();
	unsigned n = questions(r, bad, line, &a);
	size_t n_bad = 0, n_texts;

	for (size_t i = 0; i < MANY; i++)
		n_bad += bad[i];
	refusals_texts(r, &n_texts);
	assert_int_equal(n_texts, n_bad); /* all that are bad, and no other */
	if (n > most)
		fail_msg("%u questions, not %u", n, most);
	refusals_close(r);
}

/* 2 * log2 N + 8 questions for a mistake that N have in common, wherever they are. */
static void common_mistakes(void **state)
{
	static bool bad[MANY];

	(void)state;
	memset(bad, 1, sizeof bad);
	check_search(bad, "\tstale time 9;", 28);
	check_search(bad, "\tsame for all;", 28);
	for (size_t i = 0; i < MANY; i++)
		bad[i] = i >= 100 && i < 700;
	check_search(bad, "\tstale time 9;", 27);
	check_search(bad, "\tsame for all;", 27); /* others have the line, and no mistake */
	for (size_t i = 0; i < MANY; i++)
		bad[i] = i == 500;
	check_search(bad, "\tsame for all;", 2);
	for (size_t i = 0; i < MANY; i++)
		bad[i] = i == 500 || i == 501;
	check_search(bad, "\tsame for all;", 6);
	for (size_t i = 0; i < MANY; i++) /* far from each other: one by one */
		bad[i] = i % 300 == 0;
	check_search(bad, "\tsame for all;", 5);
}

/* Who only stands between two that have a mistake is not out for as long as they are. */
static void innocents(void **state)
{
	static bool bad[MANY];
	int64_t now = 9000000;

	(void)state;
	many = 40;
	for (unsigned seed = 0; seed < 40; seed++) {
		auto_arena struct arena a = { 0 };
		struct refusals *r = refusals_open();
		unsigned asked = 0;
		size_t n_bad = 0, n_texts;

		srandom(seed);
		for (size_t i = 0; i < many; i++) {
			bad[i] = i < 30 && random() % 2;
			n_bad += bad[i];
		}
		clock_fake(now, 1000);
		questions(r, bad, "\tsame for all;", &a);
		for (unsigned minutes = 0; minutes < 10; minutes++) {
			now += 60000;
			clock_fake(now, 1000);
			while (refusals_offer(r))
				asked += questions(r, bad, "\tsame for all;", &a);
		}
		refusals_texts(r, &n_texts);
		assert_int_equal(n_texts, n_bad);
		assert_true(asked <= 80);
		refusals_close(r);
	}
	many = MANY;
}

/* A refused text has a second chance: after a minute, then after twice as long, up to an hour. */
static void second_chances(void **state)
{
	auto_arena struct arena a = { 0 };
	struct conf *c = some_conf(&a, "x");
	struct refusals *r = refusals_open();
	int64_t wait = REFUSALS_FIRST_MS, now = 5000000;
	bool is_new;

	(void)state;
	clock_fake(now, 1000);
	assert_int_equal(refusals_due(r), 0);
	assert_true(refusals_add(r, c, 7, "two", &is_new)); /* peer_1 and peer_2 */
	assert_true(refusals_add(r, c, 25, "one", &is_new));
	for (int i = 0; i < 10; i++) {
		assert_int_equal(refusals_due(r), now + wait);
		assert_false(refusals_offer(r));
		now += wait;
		clock_fake(now, 1000);
		assert_true(refusals_offer(r)); /* both that have one mistake, and they alone */
		assert_true(refusals_searching(r));
		assert_string_equal(names_of(r, &a), "peer_3 ");
		assert_true(refusals_add(r, c, 7, "two", &is_new));
		assert_false(is_new);
		assert_string_equal(names_of(r, &a), "peer_1 peer_2 peer_3 ");
		assert_true(refusals_offer(r));
		assert_string_equal(names_of(r, &a), "peer_1 peer_2 ");
		assert_true(refusals_add(r, c, 25, "one", &is_new));
		assert_false(is_new);
		assert_false(refusals_searching(r));
		wait = MIN(2 * wait, REFUSALS_MAX_MS);
	}
	clock_fake(now + wait, 1000);
	assert_true(refusals_offer(r));
	refusals_passed(r);
	assert_string_equal(names_of(r, &a), "peer_3 ");
	/* BIRD stumbles over something else: nothing is known of what was offered */
	assert_true(refusals_offer(r));
	assert_true(refusals_add(r, c, 7, "three", &is_new));
	assert_true(is_new);
	assert_string_equal(names_of(r, &a), "peer_1 peer_2 peer_3 ");
	refusals_forget(r);
	assert_string_equal(names_of(r, &a), "");
	refusals_close(r);
	conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_set_aside), cmocka_unit_test(how_long),
		cmocka_unit_test(common_mistakes), cmocka_unit_test(innocents),
		cmocka_unit_test(second_chances)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
