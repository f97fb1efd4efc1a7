/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

/* The one place where tests may move time. */
static struct {
	bool on;
	int64_t ms, wall;
} fake;

int64_t clock_ms(void)
{
	struct timespec t;

	if (fake.on)
		return fake.ms;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_wall(void)
{
	return fake.on ? fake.wall : (int64_t)time(NULL);
}

void clock_fake(int64_t ms, int64_t wall)
{
	fake.on = true;
	fake.ms = ms;
	fake.wall = wall;
}

void clock_real(void)
{
	fake.on = false;
}

struct clock_text clock_rfc3339(int64_t wall)
{
	struct clock_text text = { "" };
	time_t t = (time_t)wall;
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(text.s, sizeof text.s, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

int64_t clock_parse(const char *text)
{
	struct tm tm = { 0 };
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	int64_t wall;

	if (!end || *end || end - text != sizeof "2026-08-01T10:00:00Z" - 1)
		return -1;
	wall = timegm(&tm);
	return str_eq(clock_rfc3339(wall).s, text) ? wall : -1; /* strptime() takes 31 February */
}
