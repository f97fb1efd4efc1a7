/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/addresses.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#define DUMP_TRIES 8 /* a dump that the kernel calls interrupted starts anew */
#define DUMP_SIZE  (64u << 10)
#define ANSWER_S   2 /* the kernel answers at once; this only keeps a bug from hanging the agent */

struct dump {
	struct arena *arena;
	struct onlink *items;
	size_t n;
	bool interrupted; /* things changed meanwhile: what it says does not fit together */
	bool done, failed;
};

static int netlink_open(int flags, unsigned groups);
static void dump_run(struct dump *d, int fd);
static void dump_part(struct dump *d, const struct nlmsghdr *h, size_t len);
static bool address_decode(const struct nlmsghdr *h, struct arena *a, struct onlink *ret);
static struct ip address_ip(unsigned char family, const struct rtattr *attr);
static int onlink_cmp(const void *a, const void *b);

int addresses_watch(void)
{
	return netlink_open(SOCK_NONBLOCK, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
}

/* What the messages say is not looked at: ENOBUFS (some were lost) is as good as any of them. */
bool addresses_news(int fd)
{
	char bytes[8192];
	bool news = false;

	for (;;) {
		ssize_t n = fd < 0 ? -1 : recv(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (fd < 0 || (errno != ENOBUFS && errno != EINTR)))
			return news;
		news = true;
	}
}

bool addresses_read(struct arena *a, struct onlink **ret, size_t *ret_n)
{
	struct timeval limit = { .tv_sec = ANSWER_S };
	struct dump d = { .interrupted = true };
	auto_close int fd = netlink_open(0, 0);

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	for (unsigned i = 0; i < DUMP_TRIES && d.interrupted && !d.failed; i++) {
		d = (struct dump){ .arena = a };
		dump_run(&d, fd);
	}
	if (d.failed || d.interrupted)
		return false;
	if (d.n)
		qsort(d.items, d.n, sizeof *d.items, onlink_cmp);
	*ret = d.items;
	*ret_n = 0;
	for (size_t i = 0; i < d.n; i++)
		if (!*ret_n || onlink_cmp(&d.items[*ret_n - 1], &d.items[i]) != 0)
			d.items[(*ret_n)++] = d.items[i];
	return true;
}

static int netlink_open(int flags, unsigned groups)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = groups };
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		return -1;
	return take_fd(&fd);
}

static void dump_run(struct dump *d, int fd)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg body;
	} ask = {
		.head = {.nlmsg_len = sizeof ask,
			  .nlmsg_type = RTM_GETADDR,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};
	auto_free char *bytes = mem_alloc(DUMP_SIZE);

	d->failed = send(fd, &ask, sizeof ask, 0) < 0;
	while (!d->failed && !d->done) {
		ssize_t n = recv(fd, bytes, DUMP_SIZE, 0);

		if (n >= 0)
			dump_part(d, (const struct nlmsghdr *)(void *)bytes, (size_t)n);
		else if (errno != EINTR)
			d->failed = true;
	}
}

/* What one read of the socket gave. */
static void dump_part(struct dump *d, const struct nlmsghdr *h, size_t len)
{
	for (; NLMSG_OK(h, len) && !d->done && !d->failed; h = NLMSG_NEXT(h, len)) {
		struct onlink address;

		d->failed = h->nlmsg_type == NLMSG_ERROR;
		d->done = h->nlmsg_type == NLMSG_DONE;
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			d->interrupted = true;
		if (h->nlmsg_type == RTM_NEWADDR && address_decode(h, d->arena, &address))
			*arena_push(d->arena, d->items, d->n) = address;
	}
}

/* IFA_LOCAL is the own address. IPv6 only has it where IFA_ADDRESS is that of the other end. */
static bool address_decode(const struct nlmsghdr *h, struct arena *a, struct onlink *ret)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	struct ip local = { 0 }, other = { 0 };
	char name[IF_NAMESIZE];
	size_t len;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof *m) || m->ifa_scope >= RT_SCOPE_HOST)
		return false;
	len = IFA_PAYLOAD(h);
	for (const struct rtattr *at = IFA_RTA(m); RTA_OK(at, len); at = RTA_NEXT(at, len)) {
		if (at->rta_type == IFA_LOCAL)
			local = address_ip(m->ifa_family, at);
		else if (at->rta_type == IFA_ADDRESS)
			other = address_ip(m->ifa_family, at);
	}
	if (!ip_is_set(&local))
		local = other;
	if (!ip_is_set(&local) || !if_indextoname(m->ifa_index, name))
		return false;
	*ret = (struct onlink){
		.interface = arena_str(a, name),
		.address = {.ip = local, .len = m->ifa_prefixlen},
	};
	if (!ip_eq(&local, &other))
		ret->peer = other;
	return true;
}

static struct ip address_ip(unsigned char family, const struct rtattr *attr)
{
	size_t size = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
	struct ip ip = { 0 };

	if (!size || RTA_PAYLOAD(attr) < size)
		return ip;
	ip.family = size == 4 ? 4 : 6;
	memcpy(ip.bytes, RTA_DATA(attr), size);
	return ip;
}

static int onlink_cmp(const void *a, const void *b)
{
	const struct onlink *x = a, *y = b;
	int order = strcmp(x->interface, y->interface);

	if (!order)
		order = ip_cmp(&x->address.ip, &y->address.ip);
	if (!order)
		order = x->address.len - y->address.len;
	return order ? order : ip_cmp(&x->peer, &y->peer);
}
