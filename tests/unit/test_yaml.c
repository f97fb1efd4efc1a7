/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"

/* A literal with its length, since some have a NUL inside. */
#define T(text) text, sizeof(text) - 1

/* clang-format off */
static const struct {
	const char *text;
	const char *json; /* of each document, one per line; REAL as its text */
} good[] = {
	{ "",                              "" },
	{ "\n# nothing\n",                 "" },
	{ "---\n",                         "null\n" },
	{ "---\n---\n",                    "null\nnull\n" },
	{ "--- a\n...\n--- b\n",           "\"a\"\n\"b\"\n" },
	{ "a: 1\nb: x\n",                  "{\"a\":1,\"b\":\"x\"}\n" },
	{ "a: 1\r\nb: x\r\n",              "{\"a\":1,\"b\":\"x\"}\n" },
	{ "\xef\xbb\xbf" "a: 1",           "{\"a\":1}\n" },
	{ "{\"a\": [1, \"b\", null]}",     "{\"a\":[1,\"b\",null]}\n" },
	{ "[~, null, Null, NULL, nULL]",   "[null,null,null,null,\"nULL\"]\n" },
	{ "a:\nb:",                        "{\"a\":null,\"b\":null}\n" },
	{ "[true, True, TRUE, tRUE]",      "[true,true,true,\"tRUE\"]\n" },
	{ "[false, False, FALSE, no, off, y]", "[false,false,false,\"no\",\"off\",\"y\"]\n" },
	{ "[0, 1, -1, 64512]",             "[0,1,-1,64512]\n" },
	{ "[9223372036854775807, -9223372036854775808]",
	  "[9223372036854775807,-9223372036854775808]\n" },
	{ "[9223372036854775808, 1.5, 1e3, 1.10]", "[9223372036854775808,1.5,1e3,1.10]\n" },
	/* numbers that JSON has not */
	{ "[+1, 010, 0x1F, 0o17, .5, 5., .inf, -.Inf, .NaN]",
	  "[\"+1\",\"010\",\"0x1F\",\"0o17\",\".5\",\"5.\",\".inf\",\"-.Inf\",\".NaN\"]\n" },
	{ "[1.2.3, 10.0.0.1, 1_000, 0b1, 12:30, 2026-01-01, 1e, 0x, 0xg, +.nan, e3]",
	  "[\"1.2.3\",\"10.0.0.1\",\"1_000\",\"0b1\",\"12:30\",\"2026-01-01\",\"1e\",\"0x\",\"0xg\","
	  "\"+.nan\",\"e3\"]\n" },
	{ "['true', \"1\", '', \"\", '~']", "[\"true\",\"1\",\"\",\"\",\"~\"]\n" },
	{ "[!!str 1, !!str true, !!int 1, !!int \"2\", !!float 1.5, !!bool true, !!null '']",
	  "[\"1\",\"true\",1,2,1.5,true,null]\n" },
	{ "!!map {a: !!seq [!!str ]}",     "{\"a\":[\"\"]}\n" },
	{ "!!str 1: x\n",                  "{\"1\":\"x\"}\n" },
	{ "%TAG !c! tag:yaml.org,2002:\n--- !c!str 1\n", "\"1\"\n" },
	{ "a: |\n  x\n  y\n",              "{\"a\":\"x\\ny\\n\"}\n" },
	{ "a: |-\n  x\n   y\n\nb: >\n  x\n  y\n", "{\"a\":\"x\\n y\",\"b\":\"x y\\n\"}\n" },
	{ "a: |+\n  x\n\n",                "{\"a\":\"x\\n\\n\"}\n" },
	{ "a: 'it''s'\nb: \"\\u00e9\\t\"", "{\"a\":\"it's\",\"b\":\"\xc3\xa9\\t\"}\n" },
	{ "a:\n- b\n- c: 1\n  d: 2\n-\n  - e\n", "{\"a\":[\"b\",{\"c\":1,\"d\":2},[\"e\"]]}\n" },
	{ "on: x\nyes: y\n",               "{\"on\":\"x\",\"yes\":\"y\"}\n" },
	{ "\"<<\": x\n'1': y\n",           "{\"<<\":\"x\",\"1\":\"y\"}\n" },
	{ "peerIP: fd00::1\n",             "{\"peerIP\":\"fd00::1\"}\n" },
	{ "a: b # c\nd: e#f\n",            "{\"a\":\"b\",\"d\":\"e#f\"}\n" },
	{ "? a\n: b\n",                    "{\"a\":\"b\"}\n" },
	{ "a: [{}, []]\n",                 "{\"a\":[{},[]]}\n" },
};

static const struct {
	const char *text;
	size_t len;
	unsigned line, column;
	const char *words; /* part of the complaint */
} wrong[] = {
	{ T("a:\n\tb: 1"),            2, 1,  "a tab cannot indent YAML; use blanks" },
	{ T("a:\n  - b\n\t- c\n"),    3, 1,  "a tab cannot indent" },
	{ T("a: |\n\tx\n"),           2, 1,  "a tab cannot indent" },
	{ T("\ta: 1\n"),              1, 1,  "a tab cannot indent" },
	{ T("a: b: c\n"),             1, 5,  "in quotes" },
	{ T("a: [1, 2"),              1, 9,  "a comma or ']'" },
	{ T("a: [1, 2\nb: 3\n"),      2, 2,  "a comma or ']'" },
	{ T("a: {b: 2\n"),            2, 1,  "a comma or '}' (it began on line 1)" },
	{ T("a: \"x\nb: 1\n"),        3, 1,  "inside quotes (it began on line 1)" },
	{ T("a: @x"),                 1, 4,  "cannot begin with '@'" },
	{ T("a: 1\nb\n"),             2, 1,  "a colon" },
	{ T("{ }: 1\n"),              1, 1,  "a key must be a string, not a map" },
	{ T("a: }"),                  1, 4,  "a value" },
	{ T("- a\nb: c\n"),           2, 1,  "an item" },
	{ T("a:\n  b: 1\n c: 2\n"),   3, 2,  "indentation" },
	{ T("a: - b\n"),              1, 4,  "new line" },
	{ T("a: \"\\q\"\n"),          1, 5,  "escape" },
	{ T("a: 1\nb: 2\na: 2"),      3, 1,  "\"a\" is here twice; it was first on line 1" },
	{ T("a: 1\n\"a\": 2"),        2, 1,  "twice" },
	{ T("x: {a: 1, b: 2, a: 3}"), 1, 17, "twice" },
	{ T("a: *x\n"),               1, 4,  "aliases" },
	{ T("*x : 1\n"),              1, 1,  "aliases" },
	{ T("a: &x b\n"),             1, 4,  "anchors (&x)" },
	{ T("&x a: b\n"),             1, 1,  "anchors (&x)" },
	{ T("a: &x\n  b: c\n"),       1, 4,  "anchors (&x)" },
	{ T("a: &x [1]\n"),           1, 4,  "anchors (&x)" },
	{ T("<<: {a: 1}\n"),          1, 1,  "merge keys" },
	{ T("? [a]\n: b\n"),          1, 3,  "a key must be a string, not a list" },
	{ T("{a: 1}: b\n"),           1, 1,  "a key must be a string, not a map" },
	{ T("1: x\n"),                1, 1,  "write \"1\" with quotes" },
	{ T("true: x\n"),             1, 1,  "write \"true\" with quotes" },
	{ T("1.5: x\n"),              1, 1,  "write \"1.5\" with quotes" },
	{ T("null: x\n"),             1, 1,  "write \"null\" with quotes" },
	{ T("{: x}\n"),               1, 2,  "a value" },
	{ T(": x\n"),                 1, 1,  "a key" },
	{ T("a: !!binary eA==\n"),    1, 4,  "the tag !!binary is not accepted" },
	{ T("a: !!set {x}\n"),        1, 4,  "the tag !!set is not accepted" },
	{ T("a: !foo b\n"),           1, 4,  "the tag !foo is not accepted" },
	{ T("a: !<x:y> [b]\n"),       1, 4,  "the tag x:y is not accepted" },
	{ T("a: !x!y b\n"),           1, 4,  "tag" },
	{ T("a: !!int x\n"),          1, 4,  "not a whole number" },
	{ T("a: !!int 1.5\n"),        1, 4,  "not a whole number" },
	{ T("a: !!float x\n"),        1, 4,  "not a number" },
	{ T("a: !!bool yes\n"),       1, 4,  "not true or false" },
	{ T("a: !!null x\n"),         1, 4,  "not null" },
	{ T("a: !!map [x]\n"),        1, 4,  "not a map" },
	{ T("a: !!str {x: y}\n"),     1, 4,  "not a string" },
	{ T("a: !!seq x\n"),          1, 4,  "not a list" },
	{ T("a: \"x\\0\"\n"),         1, 4,  "NUL" },
	{ T("a: b\0c\n"),             1, 5,  "NUL" },
	{ T("a: 1\nb: \x01\n"),       2, 4,  "control character" },
	{ T("\xff\xfe" "a\0:\0"),     1, 1,  "not UTF-8" },
	{ T("a: \xc3\xa9\xff\n"),     1, 5,  "not UTF-8" },
	{ T("a: 1\n# \xc3(\n"),       2, 3,  "not UTF-8" },
	{ T("\xef\xbb\xbf" "a: \xff"), 1, 4, "not UTF-8" },
	{ T("%FOO x\n--- a\n"),       1, 5,  "directive" },
	{ T("--- a\n--- [\n"),        3, 1,  "a value" },
};

/* Strings that some reader would take for something else, or that are hard to write. */
static const char *const nasty[] = {
	"", " ", "  ", "~", "null", "Null", "true", "TRUE", "false", "y", "n", "Y", "yes", "No", "ON",
	"off", "123", "-1", "+1", "010", "0x10", "0o7", "0b1", "1e3", "1E3", "1.", ".5", "1.5", "-.5",
	".inf", "-.INF", ".nan", "1_000", "9223372036854775808", "2026-01-01", "2026-1-1",
	"2026-01-01T00:00:00Z", "12:30:45", "12:30", "1:2", "-1:2", "10.0.0.1", "10.0.0.0/16", "fd00::1",
	"::1", "::", "fd00::", "1:2::3", "2001:db8::/32", "- x", "-x", "-", "--", "---", "...", "--- x",
	"? x", "?", "?x", ": x", ":", "a:", "a: b", "a:b", "a #b", "a#b", "#a", "# a", "&a", "*a", "!a", "!!str a",
	"|", ">", "|-", "'", "\"", "'a'", "\"a\"", "it's", "a\"b", "a\\b", "\\", "\\n", "%a", "@a", "`a", "{", "}",
	"[", "]", "{}", "[]", "{a: b}", "[a]", ",", "a, b", "=", "<<", "<", ">a", " a", "a ", "\ta", "a\t", "a\tb",
	"\n", "\n\n", "a\n", "a\n\n", "a\n\n\n", "a\nb", "a\nb\n", "a\n\nb\n\n", "\na", "\n\na\n", " a\nb", "\ta\nb",
	"a\n b", "a\n\tb\n", "a \nb", "a\nb ", "a\n ", "a\n \n", " \na", "\n a", "\n ", "a\r\nb", "\r", "a\rb",
	"# a\n# b\n", "- a\n- b\n", "---\na\n", "a\n---\n", "...\n", "a: b\nc: d\n", "'a'\n\"b\"\n", "\\\n",
	"\x01", "\x7f", "a\n\x01", "\x1b[31m", "\xc2\x85", "a\xc2\x85" "b\n", "\xc2\x9b", "\xc2\xa0",
	"\xe2\x80\xa8", "a\xe2\x80\xa9" "b\nc", "\xef\xbb\xbf", "\xef\xbb\xbf\nx", "\xef\xbf\xbe", "\xef\xbf\xbf", "\xc3\xa9",
	"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80\n\xf0\x9f\x98\x80", "\xee\x80\x80", "has(x) && rack == 'r1'", "!all()", "all()",
	"key: |", "a  b", "100%", "1a", "0", "-0", "00", "1-2", "1e", "e1", "1.2.3", "1..2", "0.0", "nan", "inf",
};

/* What people will see most. */
static const struct {
	const char *text, *printed;
} strings[] = {
	{ "10.0.0.1",        "10.0.0.1\n" },
	{ "10.0.0.1:179",    "\"10.0.0.1:179\"\n" },
	{ "10.0.0.0/16",     "10.0.0.0/16\n" },
	{ "2001:db8::1",     "2001:db8::1\n" },
	{ "rack == 'r1'",    "rack == 'r1'\n" },
	{ "a/b",             "a/b\n" },
	{ "-x",              "-x\n" },
	{ "true",            "\"true\"\n" },
	{ "no",              "\"no\"\n" },
	{ "2026-01-01",      "\"2026-01-01\"\n" },
	{ "say: \"x\"",      "'say: \"x\"'\n" },
	{ "!has(\"it's\")",  "'!has(\"it''s\")'\n" },
	{ "a\nb",            "|-\n  a\n  b\n" },
	{ "a\n\nb\n",        "|\n  a\n\n  b\n" },
	{ "a\n\n",           "|+\n  a\n\n" },
	{ " a\nb",           "|2-\n   a\n  b\n" },
	{ "a \nb",           "\"a \\nb\"\n" },
	{ "",                "\"\"\n" },
	{ "\x1b[0m",         "\"\\x1b[0m\"\n" },
	{ "\xe2\x80\xa8",    "\"\\u2028\"\n" },
};

static const char page[] =
	"apiVersion: projectcalico.org/v3\n"
	"kind: BGPPeer\n"
	"metadata:\n"
	"  annotations: {}\n"
	"  name: tor-a\n"
	"spec:\n"
	"  asNumber: 64512\n"
	"  filters: []\n"
	"  list:\n"
	"  - a: 1\n"
	"    b:\n"
	"    - c\n"
	"    - d:\n"
	"        e: null\n"
	"  - - f\n"
	"    - - 1.50\n"
	"      - true\n"
	"  - |\n"
	"    one\n"
	"    two\n"
	"  - []\n"
	"  text: |-\n"
	"    x\n"
	"     y\n"
	"  \"yes\": \"0x10\"\n";
/* clang-format on */

static const struct value *parse(const char *text, struct arena *a, struct diags *d)
{
	struct yaml *y = yaml_open(text, strlen(text));
	const struct value *v = yaml_next(y, a, d);

	if (v && yaml_next(y, a, d))
		fail_msg("two documents: %s", text);
	yaml_close(y);
	return v;
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(good); i++) {
		auto_arena struct arena a = { 0 };
		auto_buf struct buf out = { 0 };
		struct diags d = { .arena = &a };
		struct yaml *y = yaml_open(good[i].text, strlen(good[i].text));
		const struct value *v;

		while ((v = yaml_next(y, &a, &d))) {
			json_print(v, 0, &out);
			buf_char(&out, '\n');
		}
		assert_null(yaml_next(y, &a, &d));
		yaml_close(y);
		if (d.n)
			fail_msg("%s: %s", good[i].text, d.items[0].text);
		assert_string_equal(buf_text(&out), good[i].json);
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
		struct yaml *y;

		memcpy(text, wrong[i].text, wrong[i].len);
		y = yaml_open(text, wrong[i].len);
		while (yaml_next(y, &a, &d))
			;
		assert_null(yaml_next(y, &a, &d));
		yaml_close(y);
		if (d.n != 1)
			fail_msg("%s: %zu complaints", wrong[i].text, d.n);
		if (d.items[0].line != wrong[i].line || d.items[0].column != wrong[i].column ||
		    !strstr(d.items[0].text, wrong[i].words))
			fail_msg("%s: not %u:%u %s, but %u:%u %s", wrong[i].text, wrong[i].line,
				 wrong[i].column, wrong[i].words, d.items[0].line,
				 d.items[0].column, d.items[0].text);
	}
}

static void test_places(void **state)
{
	static const char text[] = "# x\na: 1\n\xc3\xa9: {b: \"c\"}\nd:\n  - e\n";
	auto_arena struct arena a = { 0 };
	struct diags d = { .arena = &a };
	const struct value *v = parse(text, &a, &d);

	(void)state;
	assert_non_null(v);
	assert_int_equal(v->line, 2);
	assert_int_equal(v->members[0].value.line, 2);
	assert_int_equal(v->members[0].value.column, 4);
	assert_true(v->members[0].value.plain);
	assert_int_equal(v->members[1].line, 3);
	assert_int_equal(v->members[1].value.column, 4);
	assert_int_equal(v->members[1].value.members[0].column, 5);
	assert_int_equal(v->members[1].value.members[0].value.column, 8);
	assert_false(v->members[1].value.members[0].value.plain);
	assert_int_equal(v->members[2].value.items[0].line, 5);
	assert_int_equal(v->members[2].value.items[0].column, 5);
	assert_true(v->members[2].value.items[0].plain);
}

/* Texts that make readers slow or large: refused at once. */
static void test_bombs(void **state)
{
	static const struct {
		const char *unit, *words;
	} bombs[] = {
		{"[",		       "deeper"	},
		    { "[\n",		     "deeper"   },
		{ "{a: ",		  "deeper"   },
		    { "- ",		    "deeper"   },
		{ "? ",			"not a map"},
		    { "- &a x\n",		  "anchors"  },
		{ "%TAG !a! x\n",	  "%TAG"	 },
		    { "%TAG !a! x\xc2\x85", "%TAG"	   },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(bombs); i++) {
		auto_arena struct arena a = { 0 };
		auto_buf struct buf text = { 0 };
		struct diags d = { .arena = &a };

		for (unsigned n = 0; n < 50000; n++)
			buf_str(&text, bombs[i].unit);
		assert_null(parse(text.at, &a, &d));
		assert_int_equal(d.n, 1);
		if (!strstr(d.items[0].text, bombs[i].words))
			fail_msg("%s: %s", bombs[i].unit, d.items[0].text);
		assert_true(a.size < 100000);
	}
}

static void test_depth(void **state)
{
	(void)state;
	for (unsigned depth = VALUE_DEPTH; depth <= VALUE_DEPTH + 1; depth++) {
		auto_arena struct arena a = { 0 };
		struct diags d = { .arena = &a };
		char text[4 * VALUE_DEPTH] = "";

		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		assert_int_equal(!parse(text, &a, &d), depth > VALUE_DEPTH);
	}
}

static void test_strings(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(strings); i++) {
		auto_buf struct buf out = { 0 };
		struct value v = value_string(strings[i].text);

		yaml_print(&v, &out);
		assert_string_equal(out.at, strings[i].printed);
	}
}

static void test_page(void **state)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf out = { 0 };
	struct diags d = { .arena = &a };
	const struct value *v = parse(page, &a, &d);

	(void)state;
	assert_non_null(v);
	yaml_print(v, &out);
	assert_string_equal(out.at, page);
}

/* V through YAML and through JSON. */
static void check_round(const struct value *v)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf yaml = { 0 }, json = { 0 };
	struct diags d = { .arena = &a };
	const struct value *back;

	yaml_print(v, &yaml);
	back = parse(yaml.at, &a, &d);
	if (!back)
		fail_msg("%s\n%u:%u: %s", yaml.at, d.items[0].line, d.items[0].column,
			 d.items[0].text);
	if (!value_eq(v, back))
		fail_msg("changed by YAML:\n%s", yaml.at);
	json_print(v, 2, &json);
	back = json_parse(json.at, json.len, &a, &d);
	if (!back)
		fail_msg("%s\n%s", json.at, d.items[0].text);
	if (!value_eq(v, back))
		fail_msg("changed by JSON:\n%s", json.at);
	back = parse(json.at, &a, &d); /* JSON is YAML, if its lines are not too long */
	if (json.len < 1000 && (!back || !value_eq(v, back)))
		fail_msg("changed by YAML:\n%s", json.at);
}

/* Each nasty string alone, as a key, and wherever a value can stand. */
static void test_round(void **state)
{
	struct value all[lengthof(nasty)] = { 0 };
	struct value list = value_list(all, lengthof(nasty));

	(void)state;
	for (size_t i = 0; i < lengthof(nasty); i++) {
		struct value s = all[i] = value_string(nasty[i]);
		struct value two[] = { s, s };
		struct value inner = value_list(two, 2);
		struct member in[] = {
			{.key = nasty[i],	   .value = s},
			 { .key = "other key", .value = s}
		};
		struct value map = value_map(in, 2);
		struct value mixed[] = { map, inner, s, map };
		struct value outer = value_list(mixed, 4);
		struct member out[] = {
			{.key = "one",	.value = outer},
			  { .key = nasty[i], .value = map  }
		};
		struct value top = value_map(out, 2);

		check_round(&s);
		check_round(&inner);
		check_round(&map);
		check_round(&outer);
		check_round(&top);
	}
	check_round(&list);
}

static void test_long_keys(void **state)
{
	char key[5000];

	(void)state;
	for (size_t len = 800; len < sizeof key - 1; len += 41) {
		struct value s = value_string("a\nb"), five = value_int(5);
		struct value items[] = { five, s };
		struct value list = value_list(items, 2);
		struct member in[] = {
			{.key = key,  .value = s	 },
			    { .key = "b", .value = five}
		};
		struct value map = value_map(in, 2);
		struct member out[] = {
			{.key = key,      .value = map },
			{ .key = key + 1, .value = list},
			{ .key = key + 2, .value = five}
		};
		struct value top = value_map(out, 3);

		memset(key, len % 2 ? 'x' : ':', len);
		key[len] = '\0';
		check_round(&top);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	  cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_places),	  cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_depth),	  cmocka_unit_test(test_strings),
		cmocka_unit_test(test_page),	  cmocka_unit_test(test_round),
		cmocka_unit_test(test_long_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
