/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run, then wait (after Open vSwitch's poll-loop): x_run() does what can be done, x_wait() says what
 * would change that, poll_block() is the only place that sleeps. No callbacks, no re-entrancy.
 * Each round begins with `struct poll p = {0}`: what is waited for is said anew each time.
 */
#pragma once

#include <poll.h>

#include "base/err.h"

#define POLL_MAX 64

struct poll {
	struct pollfd fds[POLL_MAX];
	size_t n;
	bool timed;
	int64_t deadline; /* clock_ms() */
};

/* Wake when FD is ready for EVENTS (POLLIN, POLLOUT); a negative FD is ignored. */
void poll_fd(struct poll *p, int fd, short events);
/* Wake at DEADLINE (clock_ms()) at the latest. */
void poll_at(struct poll *p, int64_t deadline);
void poll_now(struct poll *p);
/* Sleeps until something asked for happens; for ever when nothing was. */
void poll_block(struct poll *p);
