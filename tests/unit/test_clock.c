/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
	int64_t wall;
	const char *text;
} times[] = {
	{ 0,           "1970-01-01T00:00:00Z" },
	{ 1,           "1970-01-01T00:00:01Z" },
	{ 951782400,   "2000-02-29T00:00:00Z" },
	{ 1785578400,  "2026-08-01T10:00:00Z" },
	{ 2147483648,  "2038-01-19T03:14:08Z" },
	{ 4102444799,  "2099-12-31T23:59:59Z" },
	{ 253402300799, "9999-12-31T23:59:59Z" },
};

static const char *const wrong[] = {
	"", "now", "0", "1785578400", "2026-08-01", "2026-08-01T10:00:00", "2026-08-01 10:00:00Z",
	"2026-08-01T10:00:00z", "2026-08-01T10:00:00+00:00", "2026-08-01T10:00:00.5Z",
	"2026-08-01T10:00:00Z ", " 2026-08-01T10:00:00Z", "2026-8-1T10:00:00Z", "2026-08-01T1:0:0Z",
	"2026-13-01T10:00:00Z", "2026-02-30T10:00:00Z", "2025-02-29T10:00:00Z", "2026-08-01T24:00:00Z",
	"2026-08-01T10:60:00Z", "2026-08-01T10:00:61Z", "2026-08-01T 1:00:00Z", "26-08-01T10:00:00Z",
};
/* clang-format on */

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(times); i++) {
		assert_string_equal(clock_rfc3339(times[i].wall).s, times[i].text);
		assert_int_equal(clock_parse(times[i].text), times[i].wall);
	}
	for (size_t i = 0; i < lengthof(wrong); i++)
		if (clock_parse(wrong[i]) != -1)
			fail_msg("%s: %lld", wrong[i], (long long)clock_parse(wrong[i]));
	assert_int_equal(clock_parse(NULL), -1);
}

/* The time zone of the process does not matter. */
static void test_zone(void **state)
{
	(void)state;
	setenv("TZ", "America/New_York", 1);
	assert_int_equal(clock_parse("2026-08-01T10:00:00Z"), 1785578400);
	assert_string_equal(clock_rfc3339(1785578400).s, "2026-08-01T10:00:00Z");
	unsetenv("TZ");
}

static void test_fake(void **state)
{
	int64_t before, wall;

	(void)state;
	clock_fake(1000, 1785578400);
	assert_int_equal(clock_ms(), 1000);
	assert_int_equal(clock_ms(), 1000);
	assert_int_equal(clock_wall(), 1785578400);
	clock_fake(61000, 5); /* wall time may jump back */
	assert_int_equal(clock_ms(), 61000);
	assert_int_equal(clock_wall(), 5);
	clock_real();
	before = clock_ms();
	assert_true(clock_ms() >= before);
	wall = clock_wall();
	assert_true(wall > 1600000000 && clock_wall() >= wall);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_fake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
