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

static void who_is_held(void **state)
{
	/* clang-format off */
	static const struct { unsigned line; const char *held; } cases[] = {
		{ 1, NULL }, { 4, NULL }, { 29, NULL }, { 999, NULL },
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
		auto_buf struct buf held = { 0 };
		const char *const *names;
		size_t n;

		assert_int_equal(refusals_add(r, c, cases[i].line, "syntax error"),
				 cases[i].held != NULL);
		names = refusals_held(r, &n);
		for (size_t j = 0; j < n; j++) {
			buf_printf(&held, "%s ", names[j]);
			assert_string_equal(refusals_words(r, names[j]), "syntax error");
		}
		if (strcmp(buf_text(&held), cases[i].held ? cases[i].held : "") != 0)
			fail_msg("line %u: %s", cases[i].line, buf_text(&held));
		assert_null(refusals_words(r, "peer_4"));
		assert_null(refusals_words(r, ""));
		refusals_close(r);
	}
	refusals_close(NULL);
	conf_free(c);
}

/* Until the text changes, and only that one. */
static void how_long(void **state)
{
	auto_arena struct arena a = { 0 };
	struct conf *c = some_conf(&a, "x"), *changed = some_conf(&a, "y"), *without = conf_new(&a);
	struct refusals *r = refusals_open();
	const char *const *names;
	size_t n;

	(void)state;
	assert_true(refusals_add(r, c, 25, "one"));
	assert_true(refusals_add(r, c, 7, "two"));
	assert_false(refusals_add(r, c, 24, "again")); /* it is held already */
	assert_string_equal(refusals_words(r, "peer_3"), "one");
	refusals_review(r, c);
	names = refusals_held(r, &n);
	assert_int_equal(n, 3);
	assert_string_equal(names[0], "peer_1");
	assert_string_equal(names[2], "peer_3");
	refusals_review(r, changed);
	names = refusals_held(r, &n);
	assert_int_equal(n, 2);
	assert_string_equal(names[1], "peer_2");
	assert_null(refusals_words(r, "peer_3"));
	assert_true(refusals_add(r, changed, 25, "three"));
	assert_string_equal(refusals_words(r, "peer_3"), "three");
	conf_finish(without, NULL);
	refusals_review(r, without);
	(void)refusals_held(r, &n);
	assert_int_equal(n, 0);
	refusals_close(r);
	conf_free(c);
	conf_free(changed);
	conf_free(without);
}

static void many(void **state)
{
	auto_arena struct arena a = { 0 };
	struct conf *c = conf_new(&a);
	struct refusals *r = refusals_open();
	const char *const *names;
	size_t n;

	(void)state;
	for (int i = 0; i < 500; i++) {
		conf_open(c, arena_printf(&a, "peer_%d", i * 7919 % 500), "mesh", NULL);
		conf_line(c, "x");
		conf_close(c);
	}
	conf_finish(c, NULL);
	for (size_t i = 0; i < c->n_blocks; i++)
		assert_true(refusals_add(r, c, c->blocks[i].line, "no"));
	names = refusals_held(r, &n);
	assert_int_equal(n, 500);
	for (size_t i = 1; i < n; i++)
		assert_true(strcmp(names[i - 1], names[i]) < 0);
	refusals_close(r);
	conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(who_is_held),
					    cmocka_unit_test(how_long), cmocka_unit_test(many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
