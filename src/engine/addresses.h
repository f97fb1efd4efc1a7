/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of this machine's interfaces, from rtnetlink. For facts.c. */
#pragma once

#include "compute/plan.h"

struct addresses {
	/* Prefixes, and other ends of links. Neither host scope (127.0.0.1) nor what nothing is on-link
	 * by: kube-proxy puts thousands of /32 on an interface. Sorted, without doubles. */
	struct onlink *onlink;
	size_t n_onlink;
	struct ip *local; /* all of them; sorted, without doubles */
	size_t n_local;
	size_t told; /* how many the kernel told of: the work it was */
};

/* A socket that becomes readable when a link or an address changes; -1 when there is none. */
int addresses_listen(void);
/* Tentative ones are there, and those of interfaces that are down: what is configured counts
 * (bird2.md 2.6). False when they cannot be read. */
bool addresses_read(struct arena *a, struct addresses *ret);
/* In the order of struct addresses: struct onlink, struct ip. */
int onlink_cmp(const void *a, const void *b);
int local_cmp(const void *a, const void *b);
