/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/words.h"

#define SECOND INT64_C(1000000000)

static const char *const words[] = { "",     "nodeSelector", "peerSelector",
				     "node", "asNumber",     "peerIP",
				     NULL };

/* clang-format off */
static const struct {
	const char *text;
	int64_t ns;
	bool ok;
} durations[] = {
	{ "0",                      0,                     true },
	{ "+0",                     0,                     true },
	{ "-0",                     0,                     true },
	{ "0s",                     0,                     true },
	{ "90s",                    90 * SECOND,           true },
	{ "2m30s",                  150 * SECOND,          true },
	{ "1h",                     3600 * SECOND,         true },
	{ "1.5h",                   5400 * SECOND,         true },
	{ "1h2m3.5s",               3723 * SECOND + SECOND / 2, true },
	{ "1s1h",                   3601 * SECOND,         true },
	{ "-90s",                   -90 * SECOND,          true },
	{ "+90s",                   90 * SECOND,           true },
	{ ".5s",                    SECOND / 2,            true },
	{ "1.s",                    SECOND,                true },
	{ "100ms",                  SECOND / 10,           true },
	{ "7us",                    7000,                  true },
	{ "7\xc2\xb5s",             7000,                  true },
	{ "7\xce\xbcs",             7000,                  true },
	{ "12ns",                   12,                    true },
	{ "1.1s",                   1100000000,            true },
	{ "0.3s",                   300000000,             true },
	{ "0.100000000000000000000h", 360 * SECOND,        true },
	{ "0.3333333333333333333h", 1200 * SECOND,         true },  /* as Go's own tests */
	{ "0.9223372036854775807h", 3320413933267,         true },
	{ "0.830103483285477580700h", 2988372539827,       true },
	{ "39h9m14.425s",           140954425000000,       true },
	{ "9223372036854775807ns",  INT64_MAX,             true },
	{ "9223372036s854ms775us807ns", INT64_MAX,         true },
	{ "9223372036854775808ns",  0,                     false },
	{ "9223372036854775.808us", 0,                     false },
	{ "2562048h",               0,                     false },
	{ "2562047h48m",            0,                     false },
	{ "99999999999999999999s",  0,                     false },
	{ "90",                     0,                     false },
	{ "1h90",                   0,                     false },
	{ "",                       0,                     false },
	{ "-",                      0,                     false },
	{ "+",                      0,                     false },
	{ "s",                      0,                     false },
	{ ".",                      0,                     false },
	{ ".s",                     0,                     false },
	{ "1d",                     0,                     false },
	{ "1S",                     0,                     false },
	{ "1sec",                   0,                     false },
	{ "1 s",                    0,                     false },
	{ " 1s",                    0,                     false },
	{ "1s ",                    0,                     false },
	{ "--1s",                   0,                     false },
	{ "1h-5m",                  0,                     false },
	{ "1.2.3s",                 0,                     false },
	{ "0x10s",                  0,                     false },
	{ "1e3s",                   0,                     false },
};

static const struct {
	const char *word, *suggested;
} suggestions[] = {
	{ "nodeselector", "nodeSelector" },
	{ "nodeSelectr",  "nodeSelector" },
	{ "NODE",         "node" },
	{ "nod",          "node" },
	{ "noed",         "node" },
	{ "asnumber",     "asNumber" },
	{ "asNumbr",      "asNumber" },
	{ "peerIp",       "peerIP" },
	{ "peerSelector", "peerSelector" },
	{ "pearSelector", "peerSelector" },
	{ "password",     NULL },
	{ "x",            NULL },
	{ "",             NULL },
};

static const struct {
	const char *pattern, *text;
	bool matches;
} globs[] = {
	{ "",        "",         true },
	{ "",        "a",        false },
	{ "*",       "",         true },
	{ "*",       "anything", true },
	{ "**",      "a",        true },
	{ "eth0",    "eth0",     true },
	{ "eth0",    "eth01",    false },
	{ "eth*",    "eth",      true },
	{ "eth*",    "eth0",     true },
	{ "eth*",    "xeth0",    false },
	{ "*0",      "eth0",     true },
	{ "*0",      "eth00",    true },
	{ "*0",      "eth01",    false },
	{ "a*b*c",   "abc",      true },
	{ "a*b*c",   "aXbXbYc",  true },
	{ "a*b*c",   "aXcXb",    false },
	{ "*ab",     "aab",      true },
	{ "*aab*",   "aaaab",    true },
	{ "a?c",     "abc",      false },
	{ "a?c",     "a?c",      true },
	{ "[ab]",    "a",        false },
	{ "a*",      "*",        false },
	{ "*a",      "*a",       true },
	{ "A",       "a",        false },
};

static const struct {
	const char *text;
	size_t len, max;
	const char *clean;
} cleans[] = {
	{ "plain",                  5,  80, "plain" },
	{ "",                       0,  80, "" },
	{ "a\tb\nc\x7f",            6,  80, "a b c " },
	{ "a\0b",                   3,  80, "a b" },
	{ "\x1b[31m",               5,  80, " [31m" },
	{ "\xc2\x9b" "1m",          4,  80, " 1m" },        /* C1 as UTF-8 */
	{ "\x9b" "1m",              3,  80, "\xef\xbf\xbd" "1m" },
	{ "gr\xc3\xbc\xc3\x9f",     6,  80, "gr\xc3\xbc\xc3\x9f" },
	{ "\xc2\xa0",               2,  80, "\xc2\xa0" },
	{ "\xc3",                   1,  80, "\xef\xbf\xbd" },
	{ "\xc0\x80",               2,  80, "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xed\xa0\x80",           3,  80, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\"quoted\" \\",          10, 80, "\"quoted\" \\" },
	{ "abcdef",                 6,  3,  "abc" },
	{ "ab\xc3\xbc",             4,  3,  "ab" },         /* no half characters */
	{ "ab\xff",                 3,  4,  "ab" },
	{ "abc",                    3,  0,  "" },
};

static const struct {
	const char *text;
	size_t good;
} utf8s[] = {
	{ "",                    0 },
	{ "abc",                 3 },
	{ "\xc3\xbc",            2 },
	{ "\xe2\x82\xac",        3 },
	{ "\xf0\x9f\x98\x80",    4 },
	{ "\xf4\x8f\xbf\xbf",    4 },
	{ "\xef\xbf\xbf",        3 },
	{ "a\x80",               1 },
	{ "a\xc3",               1 },
	{ "a\xc3(",              1 },
	{ "a\xc0\xaf",           1 },
	{ "a\xc1\xbf",           1 },
	{ "\xe0\x9f\xbf",        0 },
	{ "\xed\xa0\x80",        0 },
	{ "\xed\x9f\xbf",        3 },
	{ "\xe2\x82",            0 },
	{ "\xf0\x8f\xbf\xbf",    0 },
	{ "\xf4\x90\x80\x80",    0 },
	{ "\xf5\x80\x80\x80",    0 },
	{ "\xf0\x9f\x98",        0 },
	{ "ok\xfe",              2 },
};

static const struct {
	const char *text;
	uint64_t max;
	bool ok;
	uint64_t number;
} numbers[] = {
	{ "0",                    10,         true,  0 },
	{ "10",                   10,         true,  10 },
	{ "11",                   10,         false, 0 },
	{ "9",                    8,          false, 0 },
	{ "007",                  10,         true,  7 },
	{ "4294967295",           4294967295, true,  4294967295 },
	{ "4294967296",           4294967295, false, 0 },
	{ "18446744073709551615", UINT64_MAX, true,  UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX, false, 0 },
	{ "99999999999999999999", UINT64_MAX, false, 0 },
	{ "",                     10,         false, 0 },
	{ "-1",                   10,         false, 0 },
	{ "+1",                   10,         false, 0 },
	{ " 1",                   10,         false, 0 },
	{ "1 ",                   10,         false, 0 },
	{ "0x1",                  10,         false, 0 },
	{ "1.0",                  10,         false, 0 },
};

static const struct {
	const char *a, *b;
	unsigned max, distance;
} distances[] = {
	{ "",       "",        3, 0 },
	{ "abc",    "abc",     3, 0 },
	{ "abc",    "abd",     3, 1 },
	{ "abc",    "abcd",    3, 1 },
	{ "abc",    "bc",      3, 1 },
	{ "kitten", "sitting", 3, 3 },
	{ "kitten", "sitting", 2, 3 },
	{ "abc",    "xyzuvw",  2, 3 },
	{ "abc",    "",        5, 3 },
	{ "abc",    "",        1, 2 },
	{ "abc",    "xyz",     0, 1 },
};

static const struct {
	int64_t seconds;
	const char *text;
} ages[] = {
	{ 0, "0s" },           { 17, "17s" },       { 119, "119s" },   { 120, "2m0s" },
	{ 3599, "59m59s" },    { 3600, "1h0m" },    { 86399, "23h59m" }, { 86400, "1d0h" },
	{ 273600, "3d4h" },    { -5, "0s" },
};
/* clang-format on */

static void test_names(void **state)
{
	auto_arena struct arena a = { 0 };

	(void)state;
	assert_int_equal(name_find(words, "node", -1), 3);
	assert_int_equal(name_find(words, "Node", -1), -1);
	assert_int_equal(name_find(words, "nodes", -7), -7);
	assert_int_equal(name_find(words, NULL, -1), -1);
	assert_int_equal(name_find_case(words, "PEERip", -1), 5);
	assert_int_equal(name_find_case(words, NULL, -1), -1);
	assert_string_equal(name_list(words, &a),
			    "nodeSelector, peerSelector, node, asNumber, peerIP");
	assert_string_equal(name_list((const char *const[]){ NULL }, &a), "");
	for (size_t i = 0; i < lengthof(suggestions); i++) {
		const char *got = name_suggest(words, suggestions[i].word);

		if (!str_eq(got, suggestions[i].suggested))
			fail_msg("%s: %s", suggestions[i].word, got ? got : "nothing");
	}
}

static void test_sorted(void **state)
{
	const char *sorted[] = { "node", "b", "", "asNumber", "ba" };

	(void)state;
	name_sort(NULL, 0);
	name_sort(sorted, lengthof(sorted));
	assert_string_equal(sorted[0], "");
	assert_string_equal(sorted[4], "node");
	for (size_t i = 0; i < lengthof(sorted); i++)
		assert_true(name_among(sorted, lengthof(sorted), sorted[i]));
	assert_false(name_among(sorted, lengthof(sorted), "c"));
	assert_false(name_among(NULL, 0, "c"));
}

static void test_duration(void **state)
{
	auto_buf struct buf many = { 0 };
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < lengthof(durations); i++) {
		bool ok;

		ns = 0;
		ok = text_duration(durations[i].text, &ns);
		if (ok != durations[i].ok || (ok && ns != durations[i].ns))
			fail_msg("%s: %d %lld", durations[i].text, ok, (long long)ns);
	}
	buf_str(&many, "1.");
	for (int i = 0; i < 1000; i++)
		buf_char(&many, '5');
	buf_char(&many, 's');
	assert_true(text_duration(buf_text(&many), &ns));
	assert_int_equal(ns, 1555555555);
}

static void test_glob(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(globs); i++)
		if (text_glob(globs[i].pattern, globs[i].text) != globs[i].matches)
			fail_msg("%s on %s", globs[i].pattern, globs[i].text);
}

static void test_clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(cleans); i++) {
		auto_arena struct arena a = { 0 };
		char *clean = text_clean(&a, cleans[i].text, cleans[i].len, cleans[i].max);

		assert_string_equal(clean, cleans[i].clean);
		assert_int_equal(text_utf8(clean, strlen(clean)), strlen(clean));
		assert_ptr_equal(text_safe(&a, "plain"), text_safe(&a, "plain"));
		assert_string_equal(text_safe(&a, "\033[31m\nx\xc3\xa4"), " [31m x\xc3\xa4");
		assert_null(text_safe(&a, NULL));
	}
}

static void test_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(utf8s); i++) {
		size_t len = strlen(utf8s[i].text);

		if (text_utf8(utf8s[i].text, len) != utf8s[i].good)
			fail_msg("row %zu: %zu", i, text_utf8(utf8s[i].text, len));
	}
}

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(numbers); i++) {
		uint64_t number = 0;
		bool ok =
			text_u64(numbers[i].text, strlen(numbers[i].text), numbers[i].max, &number);

		if (ok != numbers[i].ok || number != numbers[i].number)
			fail_msg("%s: %d %llu", numbers[i].text, ok, (unsigned long long)number);
	}
	for (size_t i = 0; i < lengthof(distances); i++) {
		assert_int_equal(text_distance(distances[i].a, distances[i].b, distances[i].max),
				 distances[i].distance);
		assert_int_equal(text_distance(distances[i].b, distances[i].a, distances[i].max),
				 distances[i].distance);
	}
}

static void test_age(void **state)
{
	auto_arena struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(ages); i++)
		assert_string_equal(text_age(ages[i].seconds, &a), ages[i].text);
}

/* One copy for all who ask; no other word gets it. */
static void test_kept(void **state)
{
	char name[32];
	unsigned n_kept = 0;

	(void)state;
	assert_null(word_kept("seven..", 7));
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 2000; i++) {
			size_t len = (size_t)snprintf(name, sizeof name, "example.org/label-%u", i);
			struct word *word = word_kept(name, len);

			if (!word)
				continue;
			n_kept++;
			assert_string_equal(word->text, name);
			assert_int_equal(word->len, len);
			assert_int_equal(word->good, round);
			word->good = true;
		}
	assert_in_range(n_kept, 2 * 100, 2 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	 cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_duration), cmocka_unit_test(test_glob),
		cmocka_unit_test(test_clean),	 cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_numbers),	 cmocka_unit_test(test_age),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
