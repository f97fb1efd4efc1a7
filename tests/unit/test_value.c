/* SPDX-License-Identifier: Apache-2.0 */
#include "base/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"

static const struct value *parse(const char *text, struct arena *a)
{
	struct diags d = { .arena = a };
	const struct value *v = json_parse(text, strlen(text), a, &d);

	assert_non_null(v);
	return v;
}

static void test_get(void **state)
{
	auto_arena struct arena a = { 0 };
	const struct value *v = parse("{\"a\": \"x\", \"b\": 1, \"\": {\"c\": null}}", &a);

	(void)state;
	assert_string_equal(value_str(v, "a"), "x");
	assert_null(value_str(v, "b"));
	assert_null(value_str(v, "none"));
	assert_int_equal(value_get(v, "b")->integer, 1);
	assert_int_equal(value_get(value_get(v, ""), "c")->type, VALUE_NULL);
	assert_null(value_get(NULL, "a"));
	assert_null(value_get(value_get(v, "a"), "a"));
	assert_null(value_str(NULL, "a"));
}

/* clang-format off */
static const struct {
	const char *a, *b;
	bool equal;
} pairs[] = {
	{ "null",                  "null",                  true },
	{ "null",                  "false",                 false },
	{ "true",                  "true",                  true },
	{ "true",                  "false",                 false },
	{ "1",                     "1",                     true },
	{ "1",                     "2",                     false },
	{ "1",                     "1.0",                   false },
	{ "1.0",                   "1.0",                   true },
	{ "1.0",                   "1.00",                  false },
	{ "1.0",                   "\"1.0\"",               false },
	{ "\"a\"",                 "\"a\"",                 true },
	{ "\"a\"",                 "\"\\u0061\"",           true },
	{ "\"a\"",                 "\"ab\"",                false },
	{ "[1, 2]",                "[1,2]",                 true },
	{ "[1, 2]",                "[2, 1]",                false },
	{ "[1, 2]",                "[1]",                   false },
	{ "[]",                    "{}",                    false },
	{ "{\"a\": 1, \"b\": 2}",  "{\"b\": 2, \"a\": 1}",  true },
	{ "{\"a\": 1, \"b\": 2}",  "{\"b\": 2, \"a\": 2}",  false },
	{ "{\"a\": 1, \"b\": 2}",  "{\"a\": 1, \"c\": 2}",  false },
	{ "{\"a\": 1}",            "{\"a\": 1, \"b\": 2}",  false },
};
/* clang-format on */

static void test_eq(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(pairs); i++) {
		auto_arena struct arena a = { 0 };
		const struct value *x = parse(pairs[i].a, &a), *y = parse(pairs[i].b, &a);

		if (value_eq(x, y) != pairs[i].equal || value_eq(y, x) != pairs[i].equal)
			fail_msg("%s and %s: not %d", pairs[i].a, pairs[i].b, pairs[i].equal);
	}
	assert_true(value_eq(NULL, NULL));
	assert_false(value_eq(NULL, &(struct value){ .type = VALUE_NULL }));
}

/* More members than are searched one by one, in two orders. */
static void test_eq_large(void **state)
{
	enum { N = 2000 };
	auto_arena struct arena a = { 0 };
	struct member *up = arena_array(&a, struct member, N);
	struct member *down = arena_array(&a, struct member, N);
	struct value x = value_map(up, N), y = value_map(down, N);

	(void)state;
	for (int i = 0; i < N; i++) {
		up[i].key = down[N - 1 - i].key = arena_printf(&a, "key%d", i);
		up[i].value = down[N - 1 - i].value = value_int(i);
	}
	assert_true(value_eq(&x, &y));
	down[7].value = value_int(7);
	assert_false(value_eq(&x, &y));
	down[7].value = value_int(N - 1 - 7);
	assert_true(value_eq(&x, &y));
	down[7].key = "other";
	assert_false(value_eq(&x, &y));
}

static void test_build(void **state)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf out = { 0 };
	struct value items[] = { value_string("x"), value_int(INT64_MIN), value_bool(true),
				 value_string(NULL) };
	struct member members[] = {
		{.key = "list",	 .value = value_list(items, 4)},
		{ .key = "none", .value = value_map(NULL,	  0)}
	};
	struct value map = value_map(members, 2);

	(void)state;
	json_print(&map, 0, &out);
	assert_string_equal(out.at,
			    "{\"list\":[\"x\",-9223372036854775808,true,null],\"none\":{}}");
	assert_true(value_eq(&map, parse(out.at, &a)));
	assert_int_equal(map.line, 0);
}

static void test_type_name(void **state)
{
	(void)state;
	assert_string_equal(value_type_name(VALUE_NULL), "null");
	assert_string_equal(value_type_name(VALUE_STRING), "a string");
	assert_string_equal(value_type_name(VALUE_MAP), "a map");
	assert_int_equal(sizeof(struct value), 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),	  cmocka_unit_test(test_eq),
		cmocka_unit_test(test_eq_large),  cmocka_unit_test(test_build),
		cmocka_unit_test(test_type_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
