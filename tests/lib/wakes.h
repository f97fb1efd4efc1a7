/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the machine's facts. */
#pragma once

#include "base/clock.h"
#include "engine/facts.h"

/* Would the source be woken right now? */
static inline bool wakes(struct facts_source *s)
{
	struct poll p = { 0 };

	facts_wait(s, &p);
	if (p.timed && p.deadline <= clock_ms())
		return true;
	return poll(p.fds, p.n, 0) > 0;
}
