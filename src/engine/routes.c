/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/routes.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <stdio.h>
#include <sys/socket.h>

#include "engine/netlink.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define HOPS_ROOM (4 * ROUTES_MAX) /* however many routes there are */

struct hop {
	struct cidr prefix;
	struct ip gateway;
	char interface[IF_NAMESIZE];
};

struct dump {
	struct nets nets;
	struct netlink_names names;
	struct arena *arena;
	struct cidr last; /* prefix of the route before: its metric was better if it is the same */
	struct hop *hops; /* of routes that BIRD passes over */
	size_t n_hops;
	size_t n_missed; /* how many routes that are */
	size_t told;
};

static bool net_find(struct nets *nets, const char *interface, const struct cidr *cidr);
static int net_cmp(const void *a, const void *b);
static enum netlink_end dump_run(struct dump *d, int fd, unsigned char family);
static void take_route(void *ctx, const struct nlmsghdr *h);
static bool is_unicast(const struct cidr *prefix);
static size_t take_hops(struct dump *d, const struct kernel_route *r,
			const struct rtattr *multipath, struct hop *hops, bool *missed);
static bool take_hop(struct dump *d, struct kernel_route *r, unsigned index, struct hop *ret);
static void keep_first(struct dump *d, size_t max);
static size_t count_routes(const struct dump *d);
static int hop_cmp(const void *a, const void *b);

struct nets nets_of(const struct addresses *own, struct arena *a)
{
	struct nets nets = { .items = arena_array(a, struct net, own->n_onlink), .own = own };
	size_t n = own->n_onlink;

	for (size_t i = 0; i < n; i++) {
		const struct onlink *o = &own->onlink[i];
		struct cidr net = o->address;

		if (ip_is_set(&o->peer))
			net.ip = o->peer;
		nets.items[i] = (struct net){ o->interface, cidr_network(&net) };
		*(net.ip.family == 4 ? &nets.has4[net.len] : &nets.has6[net.len]) = true;
	}
	if (n > 1)
		qsort(nets.items, n, sizeof *nets.items, net_cmp);
	for (size_t i = 0; i < n; i++)
		if (!nets.n || net_cmp(&nets.items[nets.n - 1], &nets.items[i]) != 0)
			nets.items[nets.n++] = nets.items[i];
	return nets;
}

/* BIRD takes no route of the kernel itself (the direct protocol makes those of addresses), and none
 * whose gateway it finds on no prefix of the interface (bird2.md 2.6). */
bool route_missed(const struct kernel_route *r, struct nets *nets)
{
	const struct addresses *own = nets->own;
	unsigned bits = ip_bits(&r->gateway);

	if (r->protocol > RTPROT_KERNEL && (r->onlink || !ip_is_set(&r->gateway)))
		return false;
	if (r->prefix.len == ip_bits(&r->prefix.ip) && own->n_local &&
	    bsearch(&r->prefix.ip, own->local, own->n_local, sizeof *own->local, local_cmp))
		return false;
	if (r->protocol <= RTPROT_KERNEL)
		return ip_is_set(&r->gateway) || !net_find(nets, r->interface, &r->prefix);
	for (unsigned len = 0; len <= bits; len++) {
		struct cidr net = { r->gateway, (uint8_t)len };

		net = cidr_network(&net);
		if ((bits == 32 ? nets->has4[len] : nets->has6[len]) &&
		    net_find(nets, r->interface, &net))
			return false;
	}
	return true;
}

int routes_listen(void)
{
	/* What the filter of the socket drops wakes nobody: a route message that is about BIRD's own
	 * routes, another table, or no unicast. BPF reads in network order. */
	/* clang-format off */
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), /* RTM_NEWROUTE */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 6), /* RTM_DELROUTE */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RTPROT_BIRD, 5, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_table)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_MAIN, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RTN_UNICAST, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	/* clang-format on */
	struct sock_fprog program = { lengthof(code), code };
	auto_close int fd = -1;

	code[1].k = htons(RTM_NEWROUTE);
	code[2].k = htons(RTM_DELROUTE);
	fd = netlink_open(SOCK_NONBLOCK, RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0)
		return -1;
	return take_fd(&fd);
}

bool routes_read(struct arena *a, const struct addresses *own, struct routes *ret)
{
	static const unsigned char families[] = { AF_INET, AF_INET6 };
	auto_arena struct arena scratch = { 0 };
	struct dump d = { .nets = nets_of(own, &scratch), .arena = &scratch };
	const char *interface = NULL;
	auto_close int fd = netlink_open(0, 0);
	int on = 1;

	if (fd < 0)
		return false;
	/* A kernel that is too old for it gives all tables; take_route() looks, too. */
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
	for (size_t i = 0; i < lengthof(families); i++) {
		/* Interrupted is no matter: routes stand alone, and news of the change come. */
		if (dump_run(&d, fd, families[i]) == NETLINK_FAILED)
			return false;
	}
	keep_first(&d, ROUTES_MAX);
	*ret = (struct routes){ .items = arena_array(a, struct facts_route, d.n_hops),
				.n = d.n_hops,
				.n_left = d.n_missed - count_routes(&d),
				.told = d.told };
	for (size_t i = 0; i < d.n_hops; i++) {
		if (!str_eq(interface, d.hops[i].interface))
			interface = arena_str(a, d.hops[i].interface);
		ret->items[i] =
			(struct facts_route){ d.hops[i].prefix, d.hops[i].gateway, interface };
	}
	return true;
}

static bool net_find(struct nets *nets, const char *interface, const struct cidr *cidr)
{
	const struct net want = { interface, *cidr };
	size_t low = 0, high = nets->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = net_cmp(&nets->items[mid], &want);

		nets->compared++;
		if (!order)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static int net_cmp(const void *a, const void *b)
{
	const struct net *x = a, *y = b;
	int order = strcmp(x->interface, y->interface);

	return order ? order : memcmp(&x->cidr, &y->cidr, sizeof x->cidr);
}

static enum netlink_end dump_run(struct dump *d, int fd, unsigned char family)
{
	struct {
		struct nlmsghdr head;
		struct rtmsg body;
	} ask = {
		.head = {.nlmsg_len = sizeof ask,
			  .nlmsg_type = RTM_GETROUTE,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = { .rtm_family = family,
			  .rtm_table = RT_TABLE_MAIN,
			  .rtm_type = RTN_UNICAST		  },
	};

	d->last = (struct cidr){ 0 };
	return netlink_dump(fd, &ask, sizeof ask, take_route, d);
}

/* The kernel tells the routes of one prefix one after the other, the best metric first. */
static void take_route(void *ctx, const struct nlmsghdr *h)
{
	struct dump *d = ctx;
	const struct rtmsg *m = NLMSG_DATA(h);
	const struct rtattr *multipath = NULL;
	struct kernel_route r = { .protocol = m->rtm_protocol };
	struct hop hops[HOPS_MAX];
	unsigned index = 0, table = m->rtm_table;
	bool missed = false;
	size_t n = 1, len;

	d->told++;
	if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_LENGTH(sizeof *m) ||
	    m->rtm_type != RTN_UNICAST || m->rtm_protocol == RTPROT_BIRD ||
	    m->rtm_protocol == RTPROT_REDIRECT || m->rtm_tos || m->rtm_src_len ||
	    (m->rtm_flags & RTM_F_CLONED))
		return;
	r.prefix.ip.family = m->rtm_family == AF_INET ? 4 : 6;
	r.prefix.len = m->rtm_dst_len;
	len = RTM_PAYLOAD(h);
	for (const struct rtattr *at = RTM_RTA(m); RTA_OK(at, len); at = RTA_NEXT(at, len)) {
		if (at->rta_type == RTA_DST)
			r.prefix.ip = netlink_ip(m->rtm_family, at);
		else if (at->rta_type == RTA_GATEWAY)
			r.gateway = netlink_ip(m->rtm_family, at);
		else if (at->rta_type == RTA_OIF && RTA_PAYLOAD(at) == sizeof index)
			memcpy(&index, RTA_DATA(at), sizeof index);
		else if (at->rta_type == RTA_TABLE && RTA_PAYLOAD(at) == sizeof table)
			memcpy(&table, RTA_DATA(at), sizeof table);
		else if (at->rta_type == RTA_MULTIPATH)
			multipath = at;
		else if (at->rta_type == RTA_VIA) /* IPv4 through an IPv6 gateway: left to BIRD */
			return;
	}
	if (table != RT_TABLE_MAIN || r.prefix.len > ip_bits(&r.prefix.ip) ||
	    cidr_eq(&r.prefix, &d->last))
		return;
	r.prefix = cidr_network(&r.prefix);
	d->last = r.prefix;
	if (!is_unicast(&r.prefix))
		return;
	r.onlink = m->rtm_flags & RTNH_F_ONLINK;
	if (multipath)
		n = take_hops(d, &r, multipath, hops, &missed);
	else if (r.protocol <= RTPROT_KERNEL || (ip_is_set(&r.gateway) && !r.onlink))
		missed = take_hop(d, &r, index, hops);
	if (!missed)
		return;
	d->n_missed++;
	if (!d->hops)
		d->hops = arena_array(d->arena, struct hop, HOPS_ROOM);
	if (d->n_hops + n > HOPS_ROOM)
		keep_first(d, ROUTES_MAX);
	memcpy(&d->hops[d->n_hops], hops, n * sizeof *hops);
	d->n_hops += n;
}

/* Not multicast, loopback or link-local, where no next hop is looked for. */
static bool is_unicast(const struct cidr *prefix)
{
	uint8_t first = prefix->ip.bytes[0];

	if (ip_is_link_local(&prefix->ip))
		return false;
	return prefix->ip.family == 4 ? first < 224 && first != 127 : first != 0xff;
}

static size_t take_hops(struct dump *d, const struct kernel_route *r,
			const struct rtattr *multipath, struct hop *hops, bool *missed)
{
	unsigned char family = r->prefix.ip.family == 4 ? AF_INET : AF_INET6;
	const struct rtnexthop *via = RTA_DATA(multipath);
	size_t left = RTA_PAYLOAD(multipath), n = 0;

	while (n < HOPS_MAX && left >= sizeof *via && via->rtnh_len >= sizeof *via &&
	       via->rtnh_len <= left) {
		struct kernel_route one = *r;
		size_t len = via->rtnh_len - sizeof *via;

		one.onlink = via->rtnh_flags & RTNH_F_ONLINK;
		for (const struct rtattr *at = RTNH_DATA(via); RTA_OK(at, len);
		     at = RTA_NEXT(at, len))
			if (at->rta_type == RTA_GATEWAY)
				one.gateway = netlink_ip(family, at);
		*missed |= take_hop(d, &one, (unsigned)via->rtnh_ifindex, &hops[n++]);
		left -= MIN(left, (size_t)RTNH_ALIGN(via->rtnh_len));
		via = RTNH_NEXT(via);
	}
	return n;
}

/* Does BIRD pass over that way? */
static bool take_hop(struct dump *d, struct kernel_route *r, unsigned index, struct hop *ret)
{
	*ret = (struct hop){ .prefix = r->prefix, .gateway = r->gateway };
	snprintf(ret->interface, sizeof ret->interface, "%s", netlink_name(&d->names, index));
	r->interface = ret->interface;
	return *ret->interface && route_missed(r, &d->nets);
}

/* The first MAX hops in order, whole routes. */
static void keep_first(struct dump *d, size_t max)
{
	if (d->n_hops > 1)
		qsort(d->hops, d->n_hops, sizeof *d->hops, hop_cmp);
	if (d->n_hops <= max)
		return;
	while (max && cidr_eq(&d->hops[max - 1].prefix, &d->hops[max].prefix))
		max--;
	d->n_hops = max;
}

static size_t count_routes(const struct dump *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_hops; i++)
		n += !i || !cidr_eq(&d->hops[i - 1].prefix, &d->hops[i].prefix);
	return n;
}

/* Short prefixes first: what a default route carries is more than what any other does. */
static int hop_cmp(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;
	int order = x->prefix.len - y->prefix.len;

	if (!order)
		order = ip_cmp(&x->prefix.ip, &y->prefix.ip);
	if (!order)
		order = ip_cmp(&x->gateway, &y->gateway);
	return order ? order : strcmp(x->interface, y->interface);
}
