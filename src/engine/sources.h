/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are the node's addresses those of this machine? A session whose source is on no interface never
 * comes up, and BIRD only says that a connection closed. The kernel is asked as BIRD asks it: by
 * binding a socket. So an address counts on any interface and with any length, and where the kernel
 * lets everybody bind to foreign ones (ip_nonlocal_bind) none is missing.
 */
#pragma once

#include "base/ip.h"

/* An address that went is missing after this time, so that one that is set anew makes no noise. */
#define SOURCES_PATIENCE_MS 5000

struct sources {
	struct source {
		struct ip ip;
		bool here, missing;
		int64_t changed; /* when it came or went, clock_ms() */
	} items[2];
	size_t n;
	struct ip missing[2]; /* the answer */
	size_t n_missing;
};

/* Looks at these N addresses, at most two. True when another set of them is missing than before. An
 * address that is new here counts as it is found. */
bool sources_see(struct sources *s, const struct ip *addresses, size_t n);
/* The same for the addresses of the last time. */
bool sources_again(struct sources *s);
