/* SPDX-License-Identifier: Apache-2.0 */
#include "selector/selector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"

/* "rack=r1,empty=,in=x" as labels. */
static struct strmap labels_of(const char *text, struct arena *a)
{
	struct strpair *pairs = NULL;
	size_t n = 0;
	char *at = arena_str(a, text), *item;

	while ((item = strsep(&at, ","))) {
		char *value = strchr(item, '=');

		if (!value)
			continue;
		*value++ = '\0';
		*arena_push(a, pairs, n) = (struct strpair){ item, value };
	}
	return strmap_make(pairs, n);
}

/* clang-format off */
static const struct {
	const char *text, *labels;
	bool matches;
} matches[] = {
	{ "",                                    "",                  true },
	{ " \t ",                                "",                  true },
	{ "all()",                               "",                  true },
	{ "all(\t)",                             "a=b",               true },
	{ "global()",                            "",                  true },
	{ "global( )",                           "a=b",               true },
	{ "!all()",                              "a=b",               false },
	{ "!!all()",                             "",                  true },
	{ "rack == 'r1'",                        "rack=r1",           true },
	{ "rack=='r1'",                          "rack=r1",           true },
	{ "rack == \"r1\"",                      "a=b,rack=r1,z=y",   true },
	{ "rack == 'r1'",                        "rack=r2",           false },
	{ "rack == 'r1'",                        "rack=R1",           false },
	{ "rack == 'r1'",                        "Rack=r1",           false },
	{ "rack == 'r1'",                        "",                  false },
	{ "rack == 'r1'",                        "rack=r11",          false },
	{ "rack == 'r11'",                       "rack=r1",           false },
	{ "rack == ''",                          "rack=",             true },
	{ "rack == ''",                          "",                  false },
	{ "rack != 'r1'",                        "rack=r2",           true },
	{ "rack != 'r1'",                        "rack=r1",           false },
	{ "rack != 'r1'",                        "",                  true },
	{ "rack!='r1'",                          "row=r1",            true },
	{ "!rack == 'r1'",                       "rack=r1",           false },
	{ "!rack == 'r1'",                       "",                  true },
	{ "!rack != 'r1'",                       "rack=r1",           true },
	{ "!rack != 'r1'",                       "",                  false },
	{ "rack in {'r1','r2'}",                 "rack=r2",           true },
	{ "rack in {'r1','r2'}",                 "rack=r3",           false },
	{ "rack in {'r1','r2'}",                 "",                  false },
	{ "rack in {'r1','r2',}",                "rack=r1",           true },
	{ "rack in{'e','d','c','b','a','a'}",    "rack=a",            true },
	{ "rack in{'e','d','c','b','a','a'}",    "rack=e",            true },
	{ "rack in{'e','d','c','b','a','a'}",    "rack=f",            false },
	{ "rack in {}",                          "rack=r1",           false },
	{ "rack in {''}",                        "rack=",             true },
	{ "rack not in {}",                      "rack=r1",           true },
	{ "rack not in {}",                      "",                  true },
	{ "rack not in {'r1'}",                  "rack=r1",           false },
	{ "rack not in {'r1'}",                  "rack=r2",           true },
	{ "rack not in {'r1'}",                  "",                  true },
	{ "rack notin {'r1'}",                   "rack=r1",           false },
	{ "rack not \t in{'r1'}",                "rack=r1",           false },
	{ "!rack not in {'r1'}",                 "",                  false },
	{ "rack contains 'b'",                   "rack=abc",          true },
	{ "rack contains'abc'",                  "rack=abc",          true },
	{ "rack contains ''",                    "rack=",             true },
	{ "rack contains ''",                    "",                  false },
	{ "rack contains 'd'",                   "rack=abc",          false },
	{ "rack starts with 'ab'",               "rack=abc",          true },
	{ "rack startswith 'ab'",                "rack=ab",           true },
	{ "rack starts\twith'b'",                "rack=abc",          false },
	{ "rack starts with ''",                 "rack=abc",          true },
	{ "rack starts with ''",                 "",                  false },
	{ "rack starts with 'abcd'",             "rack=abc",          false },
	{ "rack ends with 'bc'",                 "rack=abc",          true },
	{ "rack endswith 'abc'",                 "rack=abc",          true },
	{ "rack ends with 'b'",                  "rack=abc",          false },
	{ "rack ends with ''",                   "rack=abc",          true },
	{ "rack ends with 'xabc'",               "rack=abc",          false },
	{ "has(rack)",                           "rack=",             true },
	{ "has( rack\t)",                        "rack=r1",           true },
	{ "has(rack)",                           "row=r1",            false },
	{ "!has(rack)",                          "row=r1",            true },
	{ "! ! !has(rack)",                      "row=r1",            true },
	{ "a == '1' && b == '2'",                "a=1,b=2",           true },
	{ "a == '1' && b == '2'",                "a=1,b=3",           false },
	{ "a == '1'&&b == '2'&&c == '3'",        "a=1,b=2,c=3",       true },
	{ "a == '1' && b == '2' && c == '3'",    "a=1,b=2,c=4",       false },
	{ "a == '1' || b == '2'",                "b=2",               true },
	{ "a == '1' || b == '2' || c == '3'",    "c=3",               true },
	{ "a == '1' || b == '2' || c == '3'",    "c=4",               false },
	{ "a == '1' || b == '2' && c == '3'",    "a=1",               true },
	{ "a == '1' || b == '2' && c == '3'",    "b=2",               false },
	{ "(a == '1' || b == '2') && c == '3'",  "a=1",               false },
	{ "(a == '1' || b == '2') && c == '3'",  "b=2,c=3",           true },
	{ "a == '1' && b == '2' || c == '3'",    "c=3",               true },
	{ "a == '1' && (b == '2' || c == '3')",  "c=3",               false },
	{ "!(a == '1' && b == '2')",             "a=1,b=2",           false },
	{ "!(a == '1' && b == '2')",             "a=1",               true },
	{ "!(a == '1' || b == '2')",             "b=2",               false },
	{ "!(a == '1' || b == '2')",             "",                  true },
	{ "!(a == '1' || !(b == '2' && has(c)))", "b=2,c=",           true },
	{ "!(a == '1' || !(b == '2' && has(c)))", "b=2",              false },
	{ "!a == '1' && b == '2'",               "b=2",               true },
	{ "!a == '1' && b == '2'",               "a=1,b=2",           false },
	{ "!(!(a == '1'))",                      "a=1",               true },
	{ "in in {'in'}",                        "in=in",             true },
	{ "not not in {'in'}",                   "not=x",             true },
	{ "contains contains 'x'",               "contains=axb",      true },
	{ "starts starts with 'x'",              "starts=xb",         true },
	{ "has == 'x'",                          "has=x",             true },
	{ "all != 'x' && global == 'y'",         "global=y",          true },
	{ "has(in)",                             "in=",               true },
	{ "xhas == 'x'",                         "xhas=x",            true },
	{ "a.b/c-d_E.9 == '1'",                  "a.b/c-d_E.9=1",     true },
	{ "-/. == '1'",                          "-/.=1",             true },
	{ "a == 'it is \"so\"'",                 "a=it is \"so\"",    true },
	{ "a == \"it's\"",                       "a=it's",            true },
	{ "a == 'x\\'",                          "a=x\\",             true },
	{ "a == 'x\ny'",                         "a=x\ny",            true },
	{ "a == '\xc3\xa4'",                     "a=\xc3\xa4",        true },
	{ "\ta == 'b'\t",                        "a=b",               true },
};

static const struct {
	const char *text, *canonical;
} canonicals[] = {
	{ "",                                    "all()" },
	{ " \t",                                 "all()" },
	{ "all( )",                              "all()" },
	{ "global(\t)",                          "global()" },
	{ "has( a )",                            "has(a)" },
	{ "a=='b'",                              "a == \"b\"" },
	{ "a!='b'",                              "a != \"b\"" },
	{ "a == 'b\"c'",                         "a == 'b\"c'" },
	{ "a == \"b'c\"",                        "a == \"b'c\"" },
	{ "a == ''",                             "a == \"\"" },
	{ "a contains 'b'",                      "a contains \"b\"" },
	{ "a startswith 'b'",                    "a starts with \"b\"" },
	{ "a starts   with 'b'",                 "a starts with \"b\"" },
	{ "a endswith 'b'",                      "a ends with \"b\"" },
	{ "a in {}",                             "a in {}" },
	{ "a notin {}",                          "a not in {}" },
	{ "a in {'b'}",                          "a in {\"b\"}" },
	{ "a in {'c','b',\"c\",'a',}",           "a in {\"a\", \"b\", \"c\"}" },
	{ "a not in {'b','a'}",                  "a not in {\"a\", \"b\"}" },
	{ "a in {'B','a','\xc3\xa4','b\"'}",     "a in {\"B\", \"a\", 'b\"', \"\xc3\xa4\"}" },
	{ "!a == 'b'",                           "!a == \"b\"" },
	{ "! a == 'b'",                          "!a == \"b\"" },
	{ "!!a == 'b'",                          "a == \"b\"" },
	{ "! ! !has(a)",                         "!has(a)" },
	{ "!(!has(a))",                          "has(a)" },
	{ "!(!(!has(a)))",                       "!has(a)" },
	{ "(a == 'b')",                          "a == \"b\"" },
	{ "((( a == 'b' )))",                    "a == \"b\"" },
	{ "!((a == 'b'))",                       "!a == \"b\"" },
	{ "has(a)&&has(b)",                      "(has(a) && has(b))" },
	{ "has(a)&&has(b)&&has(c)",              "(has(a) && has(b) && has(c))" },
	{ "has(a)||has(b)||has(c)",              "(has(a) || has(b) || has(c))" },
	{ "((has(a)&&has(b)))",                  "(has(a) && has(b))" },
	{ "has(a)||has(b)&&has(c)",              "(has(a) || (has(b) && has(c)))" },
	{ "has(a)&&has(b)||has(c)",              "((has(a) && has(b)) || has(c))" },
	{ "(has(a)||has(b))&&has(c)",            "((has(a) || has(b)) && has(c))" },
	{ "(has(a)&&has(b))&&has(c)",            "((has(a) && has(b)) && has(c))" },
	{ "has(a)||(has(b)||has(c))",            "(has(a) || (has(b) || has(c)))" },
	{ "!(has(a)&&has(b))",                   "!(has(a) && has(b))" },
	{ "!(has(a)&&!(has(b)||all()))||a in{}", "(!(has(a) && !(has(b) || all())) || a in {})" },
};

static const struct {
	const char *text;
	unsigned column;
	const char *words; /* somewhere in the message */
} errors[] = {
	{ "rack = 'r1'",              6,  "expected an operator such as == here; a single = is not one" },
	{ "rack ! 'r1'",              6,  "a single ! is not one" },
	{ "rack",                     5,  "write has(rack)" },
	{ "rack  ",                   7,  "after the label rack" },
	{ "rack && row == 'a'",       6,  "after the label rack" },
	{ "rack 'r1'",                6,  "after the label rack" },
	{ "(rack)",                   6,  "after the label rack" },
	{ "!rack",                    6,  "after the label rack" },
	{ "rack in",                  8,  "expected a set" },
	{ "rack inn {'a'}",           6,  "expected an operator here" },
	{ "rack IN {'a'}",            6,  "in lower case" },
	{ "rack contain 'a'",         6,  "expected an operator here" },
	{ "rack containsx 'a'",       6,  "expected an operator here" },
	{ "rack starts 'a'",          6,  "expected an operator here" },
	{ "rack not 'a'",             6,  "expected an operator here" },
	{ "not rack == 'a'",          5,  "to negate, write !" },
	{ "NOT rack == 'a'",          5,  "to negate, write !" },
	{ "has (rack)",               5,  "without a blank before the (" },
	{ "'r1' == rack",             1,  "the label stands on the left" },
	{ "rack == r1",               9,  "expected a value in quotes here: \"r1\"" },
	{ "rack == ",                 9,  "expected a value in quotes" },
	{ "rack ==",                  8,  "expected a value in quotes" },
	{ "rack === 'a'",             8,  "a single = is no operator" },
	{ "rack == 'r1",              9,  "the string that begins here (column 9) has no closing '" },
	{ "rack == \"r1'",            9,  "no closing \"" },
	{ "rack == has(a)",           9,  "expected a value in quotes" },
	{ "a == 'b' c == 'd'",        10, "nothing else follows" },
	{ "a == 'b' 'c'",             10, "nothing else follows" },
	{ "a == 'b' and c == 'd'",    10, "for \"and\" write &&" },
	{ "a == 'b' OR c == 'd'",     10, "for \"or\" write ||" },
	{ "a == 'b', c == 'd'",       9,  "not a comma" },
	{ "a == 'b' & c == 'd'",      10, "a single & is no operator; write &&" },
	{ "a == 'b' | c == 'd'",      10, "a single | is no operator; write ||" },
	{ "a == 'b')",                9,  "this ) closes nothing" },
	{ "(a == 'b'",                10, "the ( at column 1 is not closed" },
	{ "all() && (a == 'b'",       19, "the ( at column 10 is not closed" },
	{ "(a == 'b' c == 'd')",      11, "expected &&, || or ) here" },
	{ "(a == 'b'}",               10, "expected &&, || or ) here" },
	{ "()",                       2,  "expected an expression" },
	{ "(",                        2,  "ends where an expression was expected" },
	{ "!",                        2,  "ends where an expression was expected" },
	{ "a == 'b' &&",              12, "ends where an expression was expected" },
	{ "&& a == 'b'",              1,  "expected an expression" },
	{ "a == 'b' && || c == 'd'",  13, "expected an expression" },
	{ "== 'b'",                   1,  "expected an expression" },
	{ "!= 'b'",                   1,  "expected an expression" },
	{ "{'b'}",                    1,  "expected an expression" },
	{ "all(x)",                   5,  "all() takes nothing" },
	{ "global('x')",              8,  "global() takes nothing" },
	{ "all(",                     5,  "expected )" },
	{ "all()all()",               6,  "nothing else follows" },
	{ "has()",                    5,  "expected a label here" },
	{ "has('a')",                 5,  "without quotes" },
	{ "has(all())",               5,  "expected a label here" },
	{ "has(a b)",                 7,  "expected ) after the label" },
	{ "has(a",                    6,  "expected ) after the label" },
	{ "a in 'b'",                 6,  "expected a set here" },
	{ "a in ('b')",               6,  "expected a set here" },
	{ "a in {b}",                 7,  "in quotes here: \"b\"" },
	{ "a in {'b' 'c'}",           11, "expected , or }" },
	{ "a in {,}",                 7,  "in quotes" },
	{ "a in {'b',,}",             11, "in quotes" },
	{ "a in {'b'",                10, "expected , or }" },
	{ "a in {",                   7,  "in quotes" },
	{ "a in {'b', 'c}",           12, "no closing '" },
	{ "a ==\n'b'",                5,  "line breaks" },
	{ "a == 'b'\r\n",             9,  "line breaks" },
	{ "a == 'b' \x01",            10, "byte 0x01" },
	{ "\xc3\xa4 == 'b'",          1,  "byte 0xc3" },
	{ "a == 'b' ;",               10, "unexpected ;" },
	{ "a* == 'b'",                2,  "after the label a" },
};
/* clang-format on */

static void test_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(matches); i++) {
		auto_arena struct arena a = { 0 };
		struct selector_error e;
		const struct selector *s = selector_parse(matches[i].text, &a, &e);
		struct strmap labels = labels_of(matches[i].labels, &a);

		if (!s)
			fail_msg("%s: %zu: %s", matches[i].text, e.offset, e.words);
		if (selector_match(s, &labels) != matches[i].matches)
			fail_msg("%s on %s: not %d", matches[i].text, matches[i].labels,
				 matches[i].matches);
		assert_string_equal(selector_text(s), matches[i].text);
	}
}

static void check_canonical(const char *text, const char *expected)
{
	auto_arena struct arena a = { 0 };
	struct selector_error e;
	const struct selector *s = selector_parse(text, &a, &e), *again;

	if (!s)
		fail_msg("%s: %zu: %s", text, e.offset, e.words);
	if (expected)
		assert_string_equal(selector_canonical(s), expected);
	again = selector_parse(selector_canonical(s), &a, &e);
	if (!again)
		fail_msg("%s: %zu: %s", selector_canonical(s), e.offset, e.words);
	assert_string_equal(selector_canonical(again), selector_canonical(s));
}

static void test_canonical(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(canonicals); i++)
		check_canonical(canonicals[i].text, canonicals[i].canonical);
	for (size_t i = 0; i < lengthof(matches); i++)
		check_canonical(matches[i].text, NULL);
}

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(errors); i++) {
		auto_arena struct arena a = { 0 };
		struct selector_error e;

		if (selector_parse(errors[i].text, &a, &e))
			fail_msg("%s: accepted", errors[i].text);
		if (e.offset + 1 != errors[i].column || !strstr(e.words, errors[i].words))
			fail_msg("%s: %zu: %s", errors[i].text, e.offset + 1, e.words);
		if (strlen(e.words) == sizeof e.words - 1)
			fail_msg("%s: cut off: %s", errors[i].text, e.words);
	}
}

/* FILL times FRONT, then MIDDLE, then FILL times BACK. */
static const char *repeat(struct arena *a, size_t fill, const char *front, const char *middle,
			  const char *back)
{
	auto_buf struct buf text = { 0 };

	for (size_t i = 0; i < fill; i++)
		buf_str(&text, front);
	buf_str(&text, middle);
	for (size_t i = 0; i < fill; i++)
		buf_str(&text, back);
	return arena_str(a, buf_text(&text));
}

static void test_bounds(void **state)
{
	/* clang-format off */
	static const struct {
		size_t fill;
		const char *front, *middle, *back;
		long column; /* 0: accepted */
	} rows[] = {
		{ 512,   "l", " == 'x'", "",    0 },
		{ 513,   "l", " == 'x'", "",    1 },
		{ 512,   "l", "",        "",    513 },
		{ 64,    "(", "all()",   ")",   0 },
		{ 65,    "(", "all()",   ")",   65 },
		{ 64,    "!(", "all()",  ")",   0 },
		{ 65531, "!", "all()",   "",    0 },
		{ 65532, "!", "all()",   "",    65537 },
		{ 65531, " ", "all()",   "",    0 },
		{ 9000,  "all()&&", "all()", "", 0 },
		{ 9000,  "", "!has(x)",  "||a==''", 0 },
		{ 300,   "(all())&&", "all()", "||(all())", 0 },
		{ 16000, "", "a in {",   "'',", 48007 },
		{ 40000, "", "a == '",   "x",   6 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < lengthof(rows); i++) {
		auto_arena struct arena a = { 0 };
		struct selector_error e;
		struct strmap none = { 0 };
		const char *text =
			repeat(&a, rows[i].fill, rows[i].front, rows[i].middle, rows[i].back);
		const struct selector *s = selector_parse(text, &a, &e);

		if (s)
			selector_match(s, &none);
		if ((s ? 0 : (long)e.offset + 1) != rows[i].column)
			fail_msg("row %zu: %ld: %s", i, s ? 0 : (long)e.offset + 1, e.words);
		assert_true(strlen(e.words) < sizeof e.words - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
