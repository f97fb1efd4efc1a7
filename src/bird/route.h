/* SPDX-License-Identifier: Apache-2.0 */
/* `show route` to routes and counts. */
#pragma once

#include "base/ip.h"
#include "bird/reply.h"

struct bird_route {
	struct cidr net;
	const char *protocol; /* that brought it */
	bool unreachable;
	struct ip next_hop; /* of BGP, with `all`; unset: not told */
};

/* The routes of an answer, in order; it may be cut short. */
struct bird_route *route_parse(const struct reply *r, struct arena *a, size_t *ret_n);
/* `... count`: "1 of 4 routes for 4 networks in table master4", all tables together. False when the
 * answer is none. */
bool route_count_parse(const struct reply *r, uint64_t *ret_matched, uint64_t *ret_all);
