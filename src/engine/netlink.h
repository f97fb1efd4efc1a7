/* SPDX-License-Identifier: Apache-2.0 */
/* A socket to the kernel's rtnetlink, and a question on it. For addresses.c and routes.c. */
#pragma once

#include <linux/netlink.h>

#include "base/base.h"

enum netlink_end {
	NETLINK_WHOLE,
	NETLINK_INTERRUPTED, /* things changed meanwhile: what was told does not fit together */
	NETLINK_FAILED,
};

/* GROUPS (RTMGRP_...): what to be told of; 0: nothing. -1 when there is none. */
int netlink_open(int flags, unsigned groups);
/* Drops what came on FD; true when something did, or was lost. */
bool netlink_news(int fd);
/* Sends the request at ASK and gives each message of the answer to EACH. */
enum netlink_end netlink_dump(int fd, const void *ask, size_t len,
			      void (*each)(void *ctx, const struct nlmsghdr *h), void *ctx);
