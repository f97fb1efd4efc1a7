/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. Deadlines are milliseconds of a clock that only goes forward; wall time is for people.
 * Tests replace both (decisions.md 38).
 */
#pragma once

#include "base/base.h"

int64_t clock_ms(void);   /* monotonic, milliseconds */
int64_t clock_wall(void); /* seconds since 1970, UTC */

/* From now on both clocks stand still at these values; clock_real() undoes it. */
void clock_fake(int64_t ms, int64_t wall);
void clock_real(void);

struct clock_text {
	char s[32];
};
struct clock_text clock_rfc3339(int64_t wall); /* "2026-08-01T10:00:00Z" */
/* Reads that form back; -1 when it is none. */
int64_t clock_parse(const char *text);
