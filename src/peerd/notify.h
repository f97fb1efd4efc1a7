/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the service manager how the agent is: that it is ready, reads its files again or ends, what
 * state it is in, and that its loop still turns. This is the protocol of sd_notify(3) and
 * sd_watchdog_enabled(3): datagrams of "NAME=VALUE" lines to the socket that the environment names.
 * Where it names none, or one of a kind that we do not know, nobody listens, and nothing is done.
 */
#pragma once

#include <sys/un.h>

#include "base/poll.h"

#define NOTIFY_STATUS_MAX 500 /* bytes of a status */

struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un to;
	socklen_t to_size;
	bool ready;                         /* has been said */
	char status[NOTIFY_STATUS_MAX + 1]; /* as it was said last */
	int64_t again_at;                   /* the last message could not be sent; 0: it could */
	int64_t beat_ms, beat_at;           /* how often the watchdog wants to hear (0: never); when next */
};

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child can
 * speak for us. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);
/* In each round of the loop: says what has changed, and to the watchdog that there was this round.
 * The first one says READY=1. STATUS may be any text. */
void notify_run(struct notify *n, const char *status);
void notify_wait(const struct notify *n, struct poll *p);
/* Files are being read again; the next notify_run() says that it is done. */
void notify_reloading(struct notify *n);
void notify_stopping(struct notify *n);
