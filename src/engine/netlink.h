/* SPDX-License-Identifier: Apache-2.0 */
/* A socket to the kernel's rtnetlink, and a question on it. For addresses.c and routes.c. */
#pragma once

#include <linux/rtnetlink.h>
#include <net/if.h>

#include "base/ip.h"

enum netlink_end {
	NETLINK_WHOLE,
	NETLINK_INTERRUPTED, /* things changed meanwhile: what was told does not fit together */
	NETLINK_FAILED,
};

/* GROUPS (RTMGRP_...): what to be told of; 0: nothing. FLAGS: SOCK_NONBLOCK or 0. The
 * caller closes it; -1 when there is none. */
int netlink_open(int flags, unsigned groups);
/* Drops what came on FD; true when something did, or was lost. */
bool netlink_news(int fd);
/* The address of FAMILY (AF_INET...) in ATTR; unset when it is none. */
struct ip netlink_ip(unsigned char family, const struct rtattr *attr);

/* Names of interfaces, asked for once in one reading: each costs system calls. */
struct netlink_names {
	struct {
		unsigned index;
		char name[IF_NAMESIZE];
	} at[256];
};
/* "" when there is no such interface (any more); lives until the next call. */
const char *netlink_name(struct netlink_names *names, unsigned index);

/* Sends the request at ASK, LEN bytes, and gives each message of the answer to EACH. Waits for the
 * kernel, at most two seconds for each part of the answer. */
enum netlink_end netlink_dump(int fd, const void *ask, size_t len,
			      void (*each)(void *ctx, const struct nlmsghdr *h), void *ctx);
