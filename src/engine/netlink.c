/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/netlink.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/arena.h"

#define DUMP_SIZE (64u << 10)
#define ANSWER_S  2 /* the kernel answers at once; this only keeps a bug from hanging the agent */

static bool is_empty(const struct nlmsghdr *h);

int netlink_open(int flags, unsigned groups)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = groups };
	struct timeval limit = { .tv_sec = ANSWER_S };
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return take_fd(&fd);
}

/* What the messages say is not looked at: ENOBUFS (some were lost) is as good as any of them. */
bool netlink_news(int fd)
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

enum netlink_end netlink_dump(int fd, const void *ask, size_t len,
			      void (*each)(void *ctx, const struct nlmsghdr *h), void *ctx)
{
	auto_free char *bytes = mem_alloc(DUMP_SIZE);
	enum netlink_end end = NETLINK_WHOLE;

	if (send(fd, ask, len, 0) < 0)
		return NETLINK_FAILED;
	for (;;) {
		ssize_t n = recv(fd, bytes, DUMP_SIZE, 0);
		const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)bytes;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return NETLINK_FAILED;
		for (size_t left = (size_t)n; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_flags & NLM_F_DUMP_INTR)
				end = NETLINK_INTERRUPTED;
			if (h->nlmsg_type == NLMSG_DONE)
				return end;
			if (h->nlmsg_type == NLMSG_ERROR)
				return is_empty(h) ? end : NETLINK_FAILED;
			each(ctx, h);
		}
	}
}

struct ip netlink_ip(unsigned char family, const struct rtattr *attr)
{
	size_t size = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
	struct ip ip = { 0 };

	if (!size || RTA_PAYLOAD(attr) < size)
		return ip;
	ip.family = size == 4 ? 4 : 6;
	memcpy(ip.bytes, RTA_DATA(attr), size);
	return ip;
}

const char *netlink_name(struct netlink_names *names, unsigned index)
{
	size_t at = index % lengthof(names->at);

	if (names->at[at].index != index) {
		names->at[at].index = index;
		if (!if_indextoname(index, names->at[at].name))
			names->at[at].name[0] = '\0';
	}
	return names->at[at].name;
}

/* A table of routes that nobody has used yet does not exist. */
static bool is_empty(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);

	return h->nlmsg_len >= NLMSG_LENGTH(sizeof *e) && e->error == -ENOENT;
}
