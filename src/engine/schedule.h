/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the status of a node is written (decisions.md 49). Pure: it knows no clock, no store and no
 * other agent, and yet all agents together must not write more than their store bears, also when all
 * of them see the same change in the same millisecond. What they have in common is the list of Nodes.
 * So the place of its name in that list is a node's turn: turns never meet, whereas random delays, or
 * delays by a hash of the name, would come in heaps.
 */
#pragma once

#include "base/base.h"

/* Times are clock_ms(), unless it says otherwise. */
struct schedule {
	size_t nodes;	 /* of the fabric */
	size_t place;	 /* of this node's name among theirs, from 0 */
	unsigned limit;	 /* writes a second that the store bears from all of them */
	int64_t written; /* when it was last written, or that was tried; 0: not in this life */
	int64_t refresh; /* schedule_refresh_ms() as it was then: what readers were promised */
	int64_t epoch;	 /* what was to be added then to make it milliseconds of wall time */
	int64_t news;	 /* since when what it says of "up, down, why" is not true; 0: it is */
	int64_t able;	 /* since when the store can be written to */
	bool refreshed;	 /* that last write had no news */
	bool failed;	 /* that last write failed */
};

/* When to write next. */
int64_t schedule_next(const struct schedule *s);
/* How often it is written at rest. */
int64_t schedule_refresh_ms(size_t nodes);
/* How long a reader may believe it, in seconds: the longest time between two writes, and ten
 * seconds for one that has to be tried again. */
uint32_t schedule_good_for(int64_t refresh_ms);
