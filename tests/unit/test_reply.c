/* SPDX-License-Identifier: Apache-2.0 */
#include "bird/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "bird_data.h"

#define LINE(text) text, sizeof(text) - 1

/* clang-format off */
static const struct {
	const char *text; /* all of an answer */
	bool done;
	int code; /* of the answer */
	size_t n; /* lines */
	int code0; /* of the first line */
	const char *text0;
} answers[] = {
	{ "0000 \n",                               true,  0,    1, 0,    "" },
	{ "0013 Daemon is up and running\n",       true,  13,   1, 13,   "Daemon is up and running" },
	{ "1002-a\n b\n0000 \n",                   true,  0,    3, 1002, "a" },
	{ "1006-\n  x\n \n0000 \n",                true,  0,    4, 1006, "" },
	{ "1002-a\n",                              false, 0,    1, 1002, "a" },
	{ "",                                      false, 0,    0, 0,    NULL },
	{ "+aside\n1002-a\n+other\n8003 none\n",   true,  8003, 2, 1002, "a" },
	{ " leading\n0000 \n",                     true,  0,    2, 0,    "leading" },
	{ "0000 \n1002-late\n",                    true,  0,    1, 0,    "" },
	{ "9001 a\x1b[31m\x9b\"\\\n",              true,  9001, 1, 9001, "a [31m\xef\xbf\xbd\"\\" },
	{ "12345 x\n",                             false, 0,    1, 0,    "12345 x" },
	{ "0000\n",                                false, 0,    1, 0,    "0000" },
	{ "1002x\n",                               false, 0,    1, 0,    "1002x" },
	{ "-001 x\n",                              false, 0,    1, 0,    "-001 x" },
};

static const struct {
	const char *text;
	bool ok;
	struct reply_place place;
} places[] = {
	{ "/etc/bird/bird.conf:14:3 syntax error", true, { "/etc/bird/bird.conf", "syntax error", 14, 3 } },
	{ "/a b:c/x.conf:1:22 no such: 5:6 thing",  true, { "/a b:c/x.conf", "no such: 5:6 thing", 1, 22 } },
	{ "/a:7/x.conf:1:2 w",                      true, { "/a:7/x.conf", "w", 1, 2 } },
	{ "/etc/bird.conf: No such file or directory", false, { 0 } },
	{ "x:1:2",                                  false, { 0 } },
	{ ":1:2 x",                                 false, { 0 } },
	{ "x:99999999999:2 y",                      false, { 0 } },
	{ "x::2 y",                                 false, { 0 } },
	{ "",                                       false, { 0 } },
};
/* clang-format on */

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(answers); i++) {
		struct reply r = { 0 };

		reply_feed(&r, answers[i].text, strlen(answers[i].text));
		assert_int_equal(r.done, answers[i].done);
		assert_int_equal(r.code, answers[i].code);
		assert_int_equal(r.n, answers[i].n);
		if (r.n) {
			assert_int_equal(r.lines[0].code, answers[i].code0);
			assert_string_equal(r.lines[0].text, answers[i].text0);
		}
		reply_clear(&r);
		assert_int_equal(r.n, 0);
		assert_false(r.done);
	}
}

static void test_places(void **state)
{
	auto_arena struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(places); i++) {
		struct reply_place p;

		assert_int_equal(reply_place(places[i].text, &a, &p), places[i].ok);
		if (!places[i].ok)
			continue;
		assert_string_equal(p.file, places[i].place.file);
		assert_string_equal(p.words, places[i].place.words);
		assert_int_equal(p.line, places[i].place.line);
		assert_int_equal(p.column, places[i].place.column);
	}
}

static void test_transcripts(void **state)
{
	static const struct {
		const char *name;
		int code, some; /* of the end, and one line's code */
		const char *text;
	} files[] = {
		{"status",		    13,	1000, "BIRD 2.0.12"				    },
		{ "status-graceful-recovery", 13,	  24,   "Graceful restart recovery in progress"    },
		{ "check-ok",		      20,	  2,    "Reading configuration from a.conf"	 },
		{ "check-syntax-error",	8002, 8002,
		  "/tmp/bh-1/bad.conf:3:18 syntax error, unexpected CF_SYM_UNDEFINED"		      },
		{ "check-missing-file",	8002, 8002,
		  "/tmp/bh-1/none.conf: No such file or directory"					   },
		{ "configure-status",	      0,	 3,    "Daemon is up and running"		       },
		{ "bfd-sessions",		  0,    1020, "bfd1:"					   },
		{ "no-match",		      8003, 8003, "No protocols match"		       },
		{ "syntax",		    9001, 9001, "syntax error, unexpected CF_SYM_UNDEFINED"},
	};

	(void)state;
	for (size_t i = 0; i < lengthof(files); i++) {
		auto_arena struct arena a = { 0 };
		struct reply r = { 0 };

		assert_true(reply_load(&r, arena_printf(&a, "bird-2.0.12/%s", files[i].name)));
		assert_true(r.done);
		assert_int_equal(r.code, files[i].code);
		assert_non_null(reply_find(&r, files[i].some));
		assert_string_equal(reply_find(&r, files[i].some), files[i].text);
		assert_null(reply_find(&r, 4711));
		reply_clear(&r);
	}
}

/* What is over a limit is dropped; the end of the answer is still seen. */
static void test_limits(void **state)
{
	size_t size = 2 * REPLY_LINE_MAX;
	auto_free char *line = mem_alloc(size);
	struct reply r = { 0 };
	size_t kept;

	(void)state;
	memset(line, 'x', size);
	memcpy(line, "1002-", 5);
	for (unsigned i = 0; i < 1100; i++)
		assert_false(reply_add(&r, line, size));
	assert_int_equal(strlen(r.lines[0].text), REPLY_LINE_MAX);
	assert_true(r.arena.size < REPLY_MAX + 4 * REPLY_LINE_MAX);
	kept = r.n;
	assert_true(kept < 1100);
	assert_true(reply_add(&r, LINE("0000 ")));
	assert_int_equal(r.n, kept);
	assert_true(r.done);
	reply_clear(&r);

	assert_true(reply_add(&r, LINE("0001 a\0b")));
	assert_string_equal(r.lines[0].text, "a b");
	reply_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_transcripts),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
