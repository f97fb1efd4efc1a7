/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's routes that BIRD needs to resolve next hops and does not take (decisions.md 47). For
 * facts.c. BIRD's own routes are not looked at: neither do they wake anybody, nor are they kept.
 */
#pragma once

#include "engine/addresses.h"

#define ROUTES_MAX 1000 /* of which BIRD is told; the shortest prefixes come first */
#define HOPS_MAX   16   /* of one route */

struct kernel_route { /* one way of it */
	struct cidr prefix;
	struct ip gateway; /* unset: the prefix is on the link itself */
	const char *interface;
	bool onlink; /* the kernel was told that the gateway is on the link */
	unsigned char protocol; /* who made it: RTPROT_... */
};

/* What is on which link, made to be searched: there may be as many addresses as routes. */
struct nets {
	struct net {
		const char *interface;
		struct cidr cidr;
	} *items; /* sorted, without doubles */
	size_t n;
	bool has4[33], has6[129]; /* is there one of that length? */
	const struct addresses *own;
	size_t compared; /* so far: the work it was */
};
/* Here for tests, as the next one is. */
struct nets nets_of(const struct addresses *own, struct arena *a);
/* Does BIRD pass over a route with that way, which leads elsewhere than to this machine itself?
 * Here for tests. */
bool route_missed(const struct kernel_route *r, struct nets *nets);

struct routes {
	struct facts_route *items; /* sorted by prefix length, prefix, gateway, interface */
	size_t n;
	size_t n_left; /* routes that were too many */
	size_t told;   /* how many the kernel told of: the work it was */
};

/* A socket that becomes readable when a route changes that another than BIRD made; -1 when there is
 * none. */
int routes_listen(void);
/* The routes of the main table that BIRD passes over. False when they cannot be read. */
bool routes_read(struct arena *a, const struct addresses *own, struct routes *ret);
