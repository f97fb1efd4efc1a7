/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/addresses.h"

#include <sys/socket.h>

#include "engine/netlink.h"

#define DUMP_TRIES 8 /* a dump that the kernel calls interrupted starts anew */

struct dump {
	struct arena *arena;
	struct addresses all;
	struct netlink_names names;
	const char *interface; /* the last: the kernel tells of one after the other */
};

static void take_address(void *ctx, const struct nlmsghdr *h);
static void addresses_sort(struct addresses *all);

int addresses_listen(void)
{
	return netlink_open(SOCK_NONBLOCK, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
}

bool addresses_read(struct arena *a, struct addresses *ret)
{
	static const struct {
		struct nlmsghdr head;
		struct ifaddrmsg body;
	} ask = {
		.head = {.nlmsg_len = sizeof ask,
			  .nlmsg_type = RTM_GETADDR,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};
	auto_close int fd = netlink_open(0, 0);
	enum netlink_end end = NETLINK_INTERRUPTED;
	struct dump d;

	if (fd < 0)
		return false;
	for (unsigned i = 0; i < DUMP_TRIES && end == NETLINK_INTERRUPTED; i++) {
		d = (struct dump){ .arena = a };
		end = netlink_dump(fd, &ask, sizeof ask, take_address, &d);
	}
	if (end != NETLINK_WHOLE)
		return false;
	addresses_sort(&d.all);
	*ret = d.all;
	return true;
}

int onlink_cmp(const void *a, const void *b)
{
	const struct onlink *x = a, *y = b;
	int order = strcmp(x->interface, y->interface);

	if (!order)
		order = ip_cmp(&x->address.ip, &y->address.ip);
	if (!order)
		order = x->address.len - y->address.len;
	return order ? order : ip_cmp(&x->peer, &y->peer);
}

/* IFA_LOCAL is the own address. IPv6 only has it where IFA_ADDRESS is that of the other end. */
static void take_address(void *ctx, const struct nlmsghdr *h)
{
	struct dump *d = ctx;
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	struct onlink at = { 0 };
	struct ip local = { 0 }, other = { 0 };
	const char *name;
	size_t len;

	if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof *m))
		return;
	d->all.told++;
	len = IFA_PAYLOAD(h);
	for (const struct rtattr *attr = IFA_RTA(m); RTA_OK(attr, len);
	     attr = RTA_NEXT(attr, len)) {
		if (attr->rta_type == IFA_LOCAL)
			local = netlink_ip(m->ifa_family, attr);
		else if (attr->rta_type == IFA_ADDRESS)
			other = netlink_ip(m->ifa_family, attr);
	}
	if (!ip_is_set(&local))
		local = other;
	if (!ip_is_set(&local))
		return;
	*arena_push(d->arena, d->all.local, d->all.n_local) = local;
	at.address = (struct cidr){ .ip = local, .len = m->ifa_prefixlen };
	if (!ip_eq(&local, &other))
		at.peer = other;
	if (m->ifa_scope >= RT_SCOPE_HOST ||
	    (at.address.len == ip_bits(&local) && !ip_is_set(&at.peer)))
		return;
	name = netlink_name(&d->names, m->ifa_index);
	if (!*name)
		return;
	if (!str_eq(d->interface, name))
		d->interface = arena_str(d->arena, name);
	at.interface = d->interface;
	*arena_push(d->arena, d->all.onlink, d->all.n_onlink) = at;
}

static void addresses_sort(struct addresses *all)
{
	size_t n = 0;

	if (all->n_onlink)
		qsort(all->onlink, all->n_onlink, sizeof *all->onlink, onlink_cmp);
	for (size_t i = 0; i < all->n_onlink; i++)
		if (!n || onlink_cmp(&all->onlink[n - 1], &all->onlink[i]) != 0)
			all->onlink[n++] = all->onlink[i];
	all->n_onlink = n;
	n = 0;
	if (all->n_local)
		qsort(all->local, all->n_local, sizeof *all->local, local_cmp);
	for (size_t i = 0; i < all->n_local; i++)
		if (!n || !ip_eq(&all->local[n - 1], &all->local[i]))
			all->local[n++] = all->local[i];
	all->n_local = n;
}

int local_cmp(const void *a, const void *b)
{
	return ip_cmp(a, b);
}
