/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
	enum err_kind kind;
	int exit;
	bool retry;
} kinds[] = { /* decisions.md 33 */
	{ ERR_NONE,      0, false },
	{ ERR_DIFFERS,   1, false },
	{ ERR_USAGE,     2, false },
	{ ERR_INVALID,   3, false },
	{ ERR_NOT_FOUND, 4, false },
	{ ERR_CONFLICT,  5, true },
	{ ERR_AWAY,      6, true },
	{ ERR_TIMEOUT,   7, true },
	{ ERR_REFUSED,   8, false },
	{ ERR_INTERNAL,  9, false },
};

static const struct {
	int number;
	enum err_kind kind;
	const char *words;
} numbers[] = {
	{ ENOENT,       ERR_NOT_FOUND, "x.yaml: No such file or directory" },
	{ EACCES,       ERR_REFUSED,   "x.yaml: Permission denied" },
	{ EPERM,        ERR_REFUSED,   "x.yaml: Operation not permitted" },
	{ EROFS,        ERR_REFUSED,   "x.yaml: Read-only file system" },
	{ EIO,          ERR_AWAY,      "x.yaml: Input/output error" },
	{ ENOSPC,       ERR_AWAY,      "x.yaml: No space left on device" },
	{ ECONNREFUSED, ERR_AWAY,      "x.yaml: Connection refused" },
};
/* clang-format on */

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(lengthof(kinds), ERR_COUNT);
	for (size_t i = 0; i < lengthof(kinds); i++) {
		assert_int_equal(err_exit(kinds[i].kind), kinds[i].exit);
		assert_int_equal(err_retry(kinds[i].kind), kinds[i].retry);
	}
}

static void test_words(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_false(err_set(&err, ERR_CONFLICT, "%s exists already", "bgppeer/tor-a"));
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_string_equal(err.words, "bgppeer/tor-a exists already");
	assert_false(err_wrap(&err, "store %s", "etcd"));
	assert_false(err_wrap(&err, "node %d", 7));
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_string_equal(err.words, "node 7: store etcd: bgppeer/tor-a exists already");
	assert_false(err_set(&err, ERR_USAGE, "anew"));
	assert_string_equal(err.words, "anew");
}

static void test_os(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(numbers); i++) {
		struct err err = { 0 };

		errno = numbers[i].number;
		assert_false(err_os(&err, "%s", "x.yaml"));
		assert_int_equal(err.kind, numbers[i].kind);
		assert_string_equal(err.words, numbers[i].words);
	}
}

/* Nouns of any length leave the reason readable, and the struct whole. */
static void test_long(void **state)
{
	struct err err = { 0 };
	char noun[3000];

	(void)state;
	memset(noun, 'n', sizeof noun - 1);
	noun[sizeof noun - 1] = '\0';
	assert_false(err_set(&err, ERR_INVALID, "%s", noun));
	assert_int_equal(strlen(err.words), sizeof err.words - 1);
	errno = ENOENT;
	assert_false(err_os(&err, "%s", noun));
	assert_non_null(strstr(err.words, ": No such file or directory"));
	assert_false(err_set(&err, ERR_INVALID, "the reason"));
	for (int i = 0; i < 2; i++)
		assert_false(err_wrap(&err, "%s", noun));
	assert_non_null(strstr(err.words, ": the reason"));
	for (int i = 0; i < 10; i++)
		assert_false(err_wrap(&err, "%s", noun));
	assert_true(strlen(err.words) < sizeof err.words);
	assert_int_equal(err.kind, ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_os),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
