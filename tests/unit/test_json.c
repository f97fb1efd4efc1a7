/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A literal with its length, since some have a NUL inside. */
#define T(text) text, sizeof(text) - 1

/* clang-format off */
static const struct {
	const char *text;
	size_t len;
	const char *printed; /* NULL: as it was */
} good[] = {
	{ T("null"),                       NULL },
	{ T("true"),                       NULL },
	{ T("false"),                      NULL },
	{ T(" \t\r\n null \t\r\n "),       "null" },
	{ T("0"),                          NULL },
	{ T("-0"),                         "0" },
	{ T("1"),                          NULL },
	{ T("-1"),                         NULL },
	{ T("12345678901234567"),          NULL },
	{ T("9007199254740993"),           NULL },
	{ T("9223372036854775807"),        NULL },
	{ T("-9223372036854775808"),       NULL },
	{ T("9223372036854775808"),        NULL },
	{ T("-9223372036854775809"),       NULL },
	{ T("18446744073709551615"),       NULL },
	{ T("123456789012345678901234567890"), NULL },
	{ T("0.1"),                        NULL },
	{ T("-0.0"),                       NULL },
	{ T("1.10"),                       NULL },
	{ T("1e3"),                        NULL },
	{ T("1E+3"),                       NULL },
	{ T("1e-3"),                       NULL },
	{ T("1.5e400"),                    NULL },
	{ T("0e0"),                        NULL },
	{ T("\"\""),                       NULL },
	{ T("\"a\""),                      NULL },
	{ T("\"exactly8\""),               NULL },
	{ T("\"sixteen bytes!!!\""),       NULL },
	{ T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
	{ T("\"\\u0061\\u00e9\\u20AC\""),  "\"a\xc3\xa9\xe2\x82\xac\"" },
	{ T("\"\\ud83d\\ude00\""),         "\"\xf0\x9f\x98\x80\"" },
	{ T("\"\\uD800\\uDC00\""),         "\"\xf0\x90\x80\x80\"" },
	{ T("\"\\uDBFF\\uDFFF\""),         "\"\xf4\x8f\xbf\xbf\"" },
	{ T("\"\\u0001\\u001f\""),         "\"\\u0001\\u001f\"" },
	{ T("\"\x7f\""),                   "\"\\u007f\"" },
	{ T("\"\xc2\x9b\""),               "\"\\u009b\"" },
	{ T("\"\xc3\xa9\""),               NULL },
	{ T("\"a\xe2\x82\xac" "b\""),      NULL },
	{ T("\"\xf0\x9f\x98\x80\\n\""),    NULL },
	{ T("\"\xef\xbb\xbf\xe2\x80\xa8\""), "\"\\ufeff\\u2028\"" },
	{ T("\"\xed\x9f\xbf\xee\x80\x80\""), NULL },
	{ T("\"it's / fine\""),            NULL },
	{ T("[]"),                         NULL },
	{ T("[ ]"),                        "[]" },
	{ T("{}"),                         NULL },
	{ T("{\n}"),                       "{}" },
	{ T("[1]"),                        NULL },
	{ T("[1,\"a\",null,true,[],{}]"),  NULL },
	{ T(" [ 1 , 2 ] "),                "[1,2]" },
	{ T("{\"a\":1}"),                  NULL },
	{ T("{\"b\":1,\"a\":{\"b\":2}}"),  NULL },
	{ T("{\"\":0}"),                   NULL },
	{ T("{\"a b\" : \"c\" }"),         "{\"a b\":\"c\"}" },
	{ T("{\"\\n\":0}"),                NULL },
	{ T("{\"a\":0,\"A\":0,\"aa\":0}"), NULL },
	{ T("{\"abcd1234\":0,\"abcdx1234\":0}"), NULL },
};

static const struct {
	const char *text;
	size_t len;
	unsigned line, column;
	const char *words; /* part of the complaint */
} wrong[] = {
	{ T(""),                      1, 1,  "the end of the text" },
	{ T("  \n "),                 2, 2,  "expected a value" },
	{ T("\xef\xbb\xbf{}"),        1, 1,  "byte order mark" },
	{ T("\xff\xfe{\0}\0"),        1, 1,  "not UTF-8" },
	{ T("\0"),                    1, 1,  "NUL" },
	{ T("nul"),                   1, 1,  "a value" },
	{ T("nulll"),                 1, 5,  "the end" },
	{ T("True"),                  1, 1,  "a value" },
	{ T("NaN"),                   1, 1,  "a value" },
	{ T("Infinity"),              1, 1,  "a value" },
	{ T("-Infinity"),             1, 2,  "digits" },
	{ T("undefined"),             1, 1,  "a value" },
	{ T("'a'"),                   1, 1,  "double quotes" },
	{ T("a"),                     1, 1,  "found 'a'" },
	{ T("\xc3\xa9"),              1, 1,  "not ASCII" },
	{ T("\xc3"),                  1, 1,  "not UTF-8" },
	{ T("1 2"),                   1, 3,  "the end after the value" },
	{ T("{} x"),                  1, 4,  "the end after the value" },
	{ T("[]]"),                   1, 3,  "the end after the value" },
	{ T("1\0"),                   1, 2,  "NUL" },
	{ T("012"),                   1, 2,  "without zeros" },
	{ T("-01"),                   1, 3,  "without zeros" },
	{ T("00"),                    1, 2,  "without zeros" },
	{ T("+1"),                    1, 1,  "found '+'" },
	{ T("-"),                     1, 2,  "digits after '-'" },
	{ T("--1"),                   1, 2,  "digits after '-'" },
	{ T(".5"),                    1, 1,  "found '.'" },
	{ T("5."),                    1, 3,  "digits after '.'" },
	{ T("1.e3"),                  1, 3,  "digits after '.'" },
	{ T("1e"),                    1, 3,  "digits after the 'e'" },
	{ T("1e+"),                   1, 4,  "digits after the 'e'" },
	{ T("0x10"),                  1, 2,  "found 'x'" },
	{ T("1_000"),                 1, 2,  "found '_'" },
	{ T("1.2.3"),                 1, 4,  "found '.'" },
	{ T("\""),                    1, 2,  "closing quote" },
	{ T("\"abc"),                 1, 5,  "closing quote" },
	{ T("\"abcdefgh"),            1, 10, "closing quote" },
	{ T("\"a\\"),                 1, 4,  "after the backslash" },
	{ T("\"a\\\""),               1, 5,  "closing quote" },
	{ T("\"a\nb\""),              1, 3,  "line break" },
	{ T("\"a\tb\""),              1, 3,  "a tab" },
	{ T("\"a\0b\""),              1, 3,  "NUL" },
	{ T("\"a\x01\""),             1, 3,  "control character" },
	{ T("\"\\u0000\""),           1, 2,  "NUL" },
	{ T("\"\\x41\""),             1, 3,  "after the backslash" },
	{ T("\"\\a\""),               1, 3,  "after the backslash" },
	{ T("\"\\u12\""),             1, 6,  "hexadecimal" },
	{ T("\"\\u12"),               1, 6,  "hexadecimal" },
	{ T("\"\\u00g0\""),           1, 6,  "hexadecimal" },
	{ T("\"\\ud800\""),           1, 8,  "second" },
	{ T("\"\\ud800x\""),          1, 8,  "second" },
	{ T("\"\\ud800\\n\""),        1, 8,  "second" },
	{ T("\"\\ud800\\u0041\""),    1, 8,  "second half" },
	{ T("\"\\ud800\\ud800\""),    1, 8,  "second half" },
	{ T("\"\\udc00\""),           1, 2,  "without the first" },
	{ T("\"a\x80\""),             1, 3,  "UTF-8" },
	{ T("\"\xc3\""),              1, 2,  "UTF-8" },
	{ T("\"\xc0\x80\""),          1, 2,  "UTF-8" },
	{ T("\"\xed\xa0\x80\""),      1, 2,  "UTF-8" },
	{ T("\"\xf4\x90\x80\x80\""),  1, 2,  "UTF-8" },
	{ T("\"\xc3\xa9\xc3\xa9\xe2\x82\""), 1, 4, "UTF-8" },
	{ T("\"\xc3\xa9\" x"),        1, 5,  "found 'x'" },
	{ T("["),                     1, 2,  "the end of the text" },
	{ T("[1"),                    1, 3,  "a comma or ']'" },
	{ T("[1 2]"),                 1, 4,  "a comma or ']'" },
	{ T("[1}"),                   1, 3,  "a comma or ']'" },
	{ T("[,1]"),                  1, 2,  "a value" },
	{ T("[1,,2]"),                1, 4,  "a value" },
	{ T("[1,]"),                  1, 4,  "one too many" },
	{ T("[1,\n  ]"),              2, 3,  "one too many" },
	{ T("[1 // one\n]"),          1, 4,  "no comments" },
	{ T("# x\n[]"),               1, 1,  "no comments" },
	{ T("{"),                     1, 2,  "a key" },
	{ T("{a:1}"),                 1, 2,  "a key in double quotes" },
	{ T("{'a':1}"),               1, 2,  "double quotes" },
	{ T("{1:1}"),                 1, 2,  "a key" },
	{ T("{\"a\"}"),               1, 5,  "a colon" },
	{ T("{\"a\":}"),              1, 6,  "a value" },
	{ T("{\"a\":1"),              1, 7,  "a comma or '}'" },
	{ T("{\"a\":1]"),             1, 7,  "a comma or '}'" },
	{ T("{\"a\":1 \"b\":2}"),     1, 8,  "a comma or '}'" },
	{ T("{\"a\":1,}"),            1, 8,  "one too many" },
	{ T("{,}"),                   1, 2,  "a key" },
	{ T("{\"a\":1,\n \"b\":2,\n \"a\":3}"), 3, 2, "\"a\" is here twice; it was first on line 1" },
	{ T("{\"a\":1,\"\\u0061\":3}"), 1, 8, "twice" },
	{ T("{\"x\":{\"\":1,\"\":3}}"), 1, 12, "twice" },
	{ T("[\r\n1,\r\nx]"),         3, 1,  "found 'x'" },
};
/* clang-format on */

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(good); i++) {
		auto_arena struct arena a = { 0 };
		auto_buf struct buf out = { 0 };
		struct diags d = { .arena = &a };
		const struct value *v = json_parse(good[i].text, good[i].len, &a, &d);

		if (!v)
			fail_msg("%s: %s", good[i].text, d.items[0].text);
		json_print(v, 0, &out);
		assert_string_equal(out.at, good[i].printed ? good[i].printed : good[i].text);
		assert_int_equal(d.n, 0);
	}
}

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(wrong); i++) {
		auto_arena struct arena a = { 0 };
		struct diags d = { .arena = &a };
		/* An exact copy, so that ASan sees who reads on. */
		auto_free char *text = mem_alloc(wrong[i].len);

		memcpy(text, wrong[i].text, wrong[i].len);
		if (json_parse(text, wrong[i].len, &a, &d))
			fail_msg("%s is accepted", wrong[i].text);
		assert_int_equal(d.n, 1);
		assert_int_equal(d.n_errors, 1);
		if (d.items[0].line != wrong[i].line || d.items[0].column != wrong[i].column ||
		    !strstr(d.items[0].text, wrong[i].words))
			fail_msg("%s: not %u:%u %s, but %u:%u %s", wrong[i].text, wrong[i].line,
				 wrong[i].column, wrong[i].words, d.items[0].line,
				 d.items[0].column, d.items[0].text);
	}
}

static void test_places(void **state)
{
	static const char text[] =
		"{\n  \"\xc3\xa9\xe2\x82\xac\": 1, \"b\": [\n\ttrue, \"x\"]\r\n}";
	auto_arena struct arena a = { 0 };
	struct diags d = { .arena = &a };
	const struct value *v = json_parse(text, strlen(text), &a, &d), *list;

	(void)state;
	assert_non_null(v);
	assert_int_equal(v->line, 1);
	assert_int_equal(v->column, 1);
	assert_int_equal(v->members[0].line, 2);
	assert_int_equal(v->members[0].column, 3);
	assert_int_equal(v->members[0].value.column, 9);
	assert_int_equal(v->members[1].column, 12);
	list = &v->members[1].value;
	assert_int_equal(list->line, 2);
	assert_int_equal(list->items[0].line, 3);
	assert_int_equal(list->items[0].column, 2);
	assert_int_equal(list->items[1].column, 8);
	assert_int_equal(list->items[1].n, 1);
}

static void test_types(void **state)
{
	static const char text[] = "[9223372036854775807, -9223372036854775808, "
				   "9223372036854775808, 1.0, 1e2, \"1\"]";
	static const enum value_type types[] = { VALUE_INT,  VALUE_INT,	 VALUE_REAL,
						 VALUE_REAL, VALUE_REAL, VALUE_STRING };
	auto_arena struct arena a = { 0 };
	struct diags d = { .arena = &a };
	const struct value *v = json_parse(text, strlen(text), &a, &d);

	(void)state;
	assert_int_equal(v->n, lengthof(types));
	for (size_t i = 0; i < lengthof(types); i++)
		assert_int_equal(v->items[i].type, types[i]);
	assert_true(v->items[0].integer == INT64_MAX);
	assert_true(v->items[1].integer == INT64_MIN);
	assert_string_equal(v->items[3].string, "1.0");
	assert_int_equal(v->items[3].n, 3);
}

static void test_depth(void **state)
{
	auto_arena struct arena a = { 0 };
	struct diags d = { .arena = &a };
	char text[100000];

	(void)state;
	memset(text, '[', VALUE_DEPTH);
	memset(text + VALUE_DEPTH, ']', VALUE_DEPTH);
	assert_non_null(json_parse(text, 2 * VALUE_DEPTH, &a, &d));
	memset(text, '[', sizeof text);
	assert_null(json_parse(text, sizeof text, &a, &d));
	assert_int_equal(d.items[0].column, VALUE_DEPTH + 1);
	assert_non_null(strstr(d.items[0].text, "deeper"));
}

/* Many keys, the last one double; quadratic comparing would take minutes under ASan. */
static void test_many_keys(void **state)
{
	enum { N = 100000 };
	auto_arena struct arena a = { 0 };
	auto_buf struct buf text = { 0 };
	struct diags d = { .arena = &a };

	(void)state;
	buf_str(&text, "{");
	for (unsigned i = 0; i < N; i++)
		buf_printf(&text, "%s\"key%u\":%u", i ? ",\n" : "", i, i);
	assert_null(json_parse(text.at, text.len, &a, &d));
	buf_str(&text, "}");
	assert_non_null(json_parse(text.at, text.len, &a, &d));
	text.len--;
	buf_str(&text, ",\n\"key500\":0,\n\"key400\":0}");
	assert_null(json_parse(text.at, text.len, &a, &d));
	assert_int_equal(d.items[1].line, N + 1);
	assert_string_equal(d.items[1].text,
			    "the key \"key500\" is here twice; it was first on line 501");
}

static void test_indent(void **state)
{
	static const char text[] = "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n"
				   "  \"c\": {}\n}";
	auto_arena struct arena a = { 0 };
	auto_buf struct buf out = { 0 };
	struct diags d = { .arena = &a };
	const struct value *v = json_parse(text, strlen(text), &a, &d);

	(void)state;
	json_print(v, 2, &out);
	assert_string_equal(out.at, text);
}

/* Numbers that only YAML has. */
static void test_foreign_numbers(void **state)
{
	auto_buf struct buf out = { 0 };
	struct value v = { .type = VALUE_REAL, .n = 4, .string = "0x1f" };

	(void)state;
	json_print(&v, 0, &out);
	assert_string_equal(out.at, "\"0x1f\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),   cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_places), cmocka_unit_test(test_types),
		cmocka_unit_test(test_depth),  cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_indent), cmocka_unit_test(test_foreign_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
