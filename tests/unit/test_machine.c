/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and routes of the machine as facts. They are read in a network namespace of a child, so these
 * cases need root.
 */
#include "engine/facts.h"
#include "engine/routes.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../lib/wakes.h"

static void ip(const char *command)
{
	char all[256];

	snprintf(all, sizeof all, "ip %s", command);
	if (system(all) != 0)
		_exit(9);
}

/* "eth0 10.0.0.1/24; ptp 10.0.0.2/32 peer 10.0.0.3; " */
static const char *onlink_text(struct facts_source *s, struct arena *a)
{
	auto_buf struct buf text = { 0 };
	struct facts f = { 0 };

	facts_get(s, &f);
	if (!f.onlink_known)
		return "unknown";
	for (size_t i = 0; i < f.n_onlink; i++) {
		const struct onlink *l = &f.onlink[i];

		buf_printf(&text, "%s %s", l->interface, cidr_text(&l->address).s);
		if (ip_is_set(&l->peer))
			buf_printf(&text, " peer %s", ip_text(&l->peer).s);
		buf_str(&text, "; ");
	}
	return arena_str(a, buf_text(&text));
}

static void expect(struct facts_source *s, bool changed, const char *wanted)
{
	auto_arena struct arena a = { 0 };
	bool did = facts_run(s);
	const char *is = onlink_text(s, &a);

	if (did == changed && str_eq(is, wanted))
		return;
	fprintf(stderr, "changed %d, is \"%s\", wanted \"%s\"\n", did, is, wanted);
	_exit(1);
}

/* All addresses, those of lo and of hosts, too. */
static void expect_local(struct facts_source *s, const char *wanted)
{
	auto_buf struct buf text = { 0 };
	struct facts f = { 0 };

	facts_get(s, &f);
	for (size_t i = 0; i < f.n_local; i++)
		buf_printf(&text, "%s ", ip_text(&f.local[i]).s);
	if (strcmp(buf_text(&text), wanted) == 0)
		return;
	fprintf(stderr, "local \"%s\", wanted \"%s\"\n", buf_text(&text), wanted);
	_exit(1);
}

static void addresses_child(void)
{
	struct facts_source *s;

	ip("link set lo up");
	ip("link add zz0 type veth peer name zz1 && ip link add aa0 type veth peer name aa1");
	ip("link set zz0 addrgenmode none && ip link set aa0 addrgenmode none");
	s = facts_open(NULL);
	expect(s, false, "");
	ip("addr add 10.0.0.9/24 dev zz0");
	if (!wakes(s))
		_exit(2);
	expect(s, true, "zz0 10.0.0.9/24; ");
	expect(s, false, "zz0 10.0.0.9/24; ");
	if (wakes(s))
		_exit(3);
	ip("addr add 10.0.0.1/24 dev zz0");
	ip("addr add 10.0.0.1/32 dev lo");
	ip("addr add fd00::1/64 dev aa0");
	ip("addr add 192.0.2.1 peer 192.0.2.2 dev aa0");
	ip("addr add fd01::1 peer fd01::2 dev aa0");
	expect(s, true,
	       "aa0 192.0.2.1/32 peer 192.0.2.2; aa0 fd00::1/64; aa0 fd01::1/128 peer fd01::2; "
	       "zz0 10.0.0.1/24; zz0 10.0.0.9/24; ");
	expect_local(s, "10.0.0.1 10.0.0.9 127.0.0.1 192.0.2.1 ::1 fd00::1 fd01::1 ");
	ip("addr del 10.0.0.1/24 dev zz0 && ip addr add 10.0.0.1/24 dev zz0");
	if (!wakes(s))
		_exit(4);
	expect(s, false, /* news, but nothing new */
	       "aa0 192.0.2.1/32 peer 192.0.2.2; aa0 fd00::1/64; aa0 fd01::1/128 peer fd01::2; "
	       "zz0 10.0.0.1/24; zz0 10.0.0.9/24; ");
	ip("link del aa0");
	expect(s, true, "zz0 10.0.0.1/24; zz0 10.0.0.9/24; ");
	ip("link set zz0 name eth7");
	expect(s, true, "eth7 10.0.0.1/24; eth7 10.0.0.9/24; ");
	ip("link set eth7 up");
	ip("addr add fe80::5/64 dev eth7");
	expect(s, true, "eth7 10.0.0.1/24; eth7 10.0.0.9/24; eth7 fe80::5/64; ");
	facts_close(s);
}

/* As libc's, and counts: a name costs system calls. */
static unsigned n_names;
char *if_indextoname(unsigned index, char name[IF_NAMESIZE])
{
	struct ifreq ask = { .ifr_ifindex = (int)index };
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	n_names++;
	return ioctl(fd, SIOCGIFNAME, &ask) < 0 ? NULL : strcpy(name, ask.ifr_name);
}

/* Without addresses of its own on either end: those bring news a second later, when the kernel has seen
 * that nobody else has them. */
static void add_link(void)
{
	ip("link add eth0 type veth peer name eth1");
	ip("link set eth0 addrgenmode none && ip link set eth1 addrgenmode none");
}

static void add_addresses(const char *verb, const char *length)
{
	char command[256];

	snprintf(
		command, sizeof command,
		"for i in $(seq 0 3999); do echo addr %s 10.$((i / 250)).$((i %% 250)).1/%s dev eth0; "
		"done | ip -batch -",
		verb, length);
	if (system(command) != 0)
		_exit(9);
}

/* As many as kube-proxy's IPVS mode has, and more news than the socket holds: what is lost is made up
 * for by reading all. One reading asks for the name of an interface once, and is not done again as
 * soon as there are more news. Host addresses are no prefixes. */
static void flood_child(void)
{
	struct facts_source *s;
	struct facts f = { 0 };
	unsigned reads;

	clock_fake(1000, 0);
	add_link();
	s = facts_open(NULL);
	add_addresses("add", "32");
	n_names = 0;
	if (!facts_run(s) || facts_run(s))
		_exit(2);
	facts_get(s, &f);
	if (!f.onlink_known || f.n_onlink != 0 || f.n_local != 4000)
		_exit(3);
	add_addresses("del", "32");
	add_addresses("add", "24");
	reads = facts_reads(s);
	if (wakes(s) || facts_run(s) || facts_reads(s) != reads)
		_exit(4);
	clock_fake(1199, 0);
	if (wakes(s))
		_exit(8);
	clock_fake(1200, 0);
	if (!wakes(s) || !facts_run(s) || facts_run(s) || facts_reads(s) != reads + 1)
		_exit(5);
	facts_get(s, &f);
	if (f.n_onlink != 4000 || f.n_local != 4000)
		_exit(6);
	if (n_names > 2)
		_exit(7);
	facts_close(s);
}

/* "0.0.0.0/0 via 10.0.0.1 eth0; 10.0.0.1/32 eth0; " */
static void expect_routes(struct facts_source *s, bool changed, const char *wanted)
{
	auto_buf struct buf text = { 0 };
	bool did = facts_run(s);
	struct facts f = { 0 };

	facts_get(s, &f);
	for (size_t i = 0; i < f.n_routes; i++) {
		buf_str(&text, cidr_text(&f.routes[i].prefix).s);
		if (ip_is_set(&f.routes[i].gateway))
			buf_printf(&text, " via %s", ip_text(&f.routes[i].gateway).s);
		buf_printf(&text, " %s; ", f.routes[i].interface);
	}
	if (f.n_routes_left)
		buf_printf(&text, "%zu left", f.n_routes_left);
	if (did == changed && strcmp(buf_text(&text), wanted) == 0)
		return;
	fprintf(stderr, "changed %d, routes \"%s\", wanted \"%s\"\n", did, buf_text(&text), wanted);
	_exit(1);
}

static int64_t at_ms = 1000;

/* Long enough for whatever was read to be read again. */
static void later(void)
{
	at_ms += 60000;
	clock_fake(at_ms, 0);
}

static void routes_child(void)
{
	static const char cloud[] = "0.0.0.0/0 via 10.0.0.1 eth0; 10.0.0.1/32 eth0; ";
	static const char six[] = "0.0.0.0/0 via 10.0.0.1 eth0; ::/0 via fd00::1 eth0; "
				  "10.0.0.1/32 eth0; 2001:db8:1::/64 eth0; ";
	struct facts_source *s;

	clock_fake(at_ms, 0);
	ip("link set lo up");
	add_link();
	ip("link set eth0 up && ip link set eth1 up");
	ip("addr add 10.0.0.5/32 dev eth0");
	ip("addr add 10.1.0.5/24 dev eth0");
	s = facts_open(NULL);
	expect_routes(s, false, "");
	later();
	/* as a cloud's DHCP client does it; the first is the kernel's own in the eyes of BIRD */
	ip("route add 10.0.0.1/32 dev eth0 proto kernel");
	ip("route add default via 10.0.0.1 dev eth0 proto dhcp metric 100");
	if (!wakes(s))
		_exit(2);
	expect_routes(s, true, cloud);
	/* at most once a second, whatever comes */
	ip("route add 10.9.0.0/16 via 10.0.0.1 dev eth0");
	if (wakes(s))
		_exit(3);
	expect_routes(s, false, cloud);
	ip("route del 10.9.0.0/16");
	later();
	expect_routes(s, false, cloud);
	later();
	if (wakes(s))
		_exit(4);
	/* what BIRD takes, and what has a worse metric; but not what is better than one BIRD takes */
	ip("route add 10.8.0.0/16 via 10.1.0.1");
	ip("route add 10.7.0.0/16 via 10.0.0.1 dev eth0 onlink");
	ip("route add 10.6.0.0/16 dev eth0");
	ip("route add 10.5.0.0/16 nexthop via 10.1.0.1 nexthop via 10.1.0.2");
	ip("route add 10.4.0.0/16 via 10.1.0.1 metric 10");
	ip("route add 10.4.0.0/16 via 10.0.0.1 dev eth0 metric 20");
	ip("route add default via 10.1.0.1 metric 200");
	ip("route add 10.3.0.0/16 via 10.0.0.1 dev eth0 table 77");
	ip("route add unreachable 10.2.0.0/16");
	if (!wakes(s))
		_exit(5);
	expect_routes(s, false, cloud);
	later();
	if (wakes(s))
		_exit(6);
	/* an IPv6 prefix that a router advertised to a node with a /128 */
	ip("addr add 2001:db8:1::5/128 dev eth0 nodad");
	ip("addr add fd07::5/64 dev eth0 nodad");
	ip("route add 2001:db8:1::/64 dev eth0 proto kernel");
	ip("route add fd00::1 dev eth0 proto static");
	ip("route add default via fd00::1 dev eth0 proto ra");
	ip("route add fe80::/64 dev eth0 proto kernel");
	expect_routes(s, true, six);
	/* a link that goes takes routes along without telling */
	later();
	ip("link set eth0 down");
	expect_routes(s, true, "");
	later();
	facts_close(s);
}

/* What BIRD writes wakes nobody, and is not kept; nor do many routes of others do harm. */
static void route_flood_child(void)
{
	struct facts_source *s;
	struct facts f = { 0 };
	unsigned reads;

	clock_fake(at_ms, 0);
	add_link();
	ip("link set eth0 up && ip link set eth1 up && ip addr add 10.0.0.5/32 dev eth0");
	ip("route add 10.0.0.1 dev eth0");
	s = facts_open(NULL);
	later();
	facts_run(s);
	later();
	reads = facts_reads(s);
	for (int other = 0; other < 2; other++) {
		char command[256];

		snprintf(
			command, sizeof command,
			"for i in $(seq 0 4999); do echo route add 11.$((i / 250)).$((i %% 250)).0/24 "
			"via 10.0.0.1 dev eth0 proto %s metric %d; done | ip -batch -",
			other ? "static" : "bird", 32 + other);
		if (system(command) != 0)
			_exit(9);
		for (int i = 0; i < 100; i++)
			facts_run(s);
		facts_get(s, &f);
		if (!other && (wakes(s) || facts_reads(s) != reads || f.n_routes))
			_exit(2);
	}
	if (facts_reads(s) != reads + 1 || f.n_routes != 1000 || f.n_routes_left != 4000)
		_exit(3);
	ip("route add 11.0.0.0/8 via 10.0.0.1 dev eth0"); /* a shorter one goes before them */
	clock_fake(at_ms + 1100, 0);
	if (wakes(s)) /* 10,000 routes: not so soon again */
		_exit(4);
	clock_fake(at_ms + 1600, 0);
	facts_run(s);
	facts_get(s, &f);
	if (facts_reads(s) != reads + 2 || f.n_routes != 1000 || f.n_routes_left != 4001 ||
	    f.routes[0].prefix.len != 8)
		_exit(5);
	facts_close(s);
}

static void in_namespace(void (*body)(void))
{
	pid_t child;
	int status;

	if (geteuid() != 0)
		fail_msg("this test needs root");
	child = fork();
	if (!child) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(77);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		fail_msg("this machine gives no network namespace");
	assert_int_equal(status, 0);
}

static void test_addresses(void **state)
{
	(void)state;
	in_namespace(addresses_child);
}

static void test_routes(void **state)
{
	(void)state;
	in_namespace(routes_child);
}

static void test_route_flood(void **state)
{
	(void)state;
	in_namespace(route_flood_child);
}

/* clang-format off */
#define KERNEL   RTPROT_KERNEL
#define STATIC   RTPROT_STATIC
static const struct {
	const char *prefix, *gateway, *interface;
	bool onlink;
	unsigned char protocol;
	bool missed;
} missed[] = {
	/* a gateway: on a prefix of the interface, on one of another, on none */
	{ "0.0.0.0/0",       "10.1.0.1",   "eth1", false, STATIC, false },
	{ "0.0.0.0/0",       "10.1.0.1",   "eth0", false, STATIC, true },
	{ "0.0.0.0/0",       "10.0.0.1",   "eth0", false, STATIC, true },
	{ "0.0.0.0/0",       "10.0.0.1",   "eth0", true,  STATIC, false },
	{ "0.0.0.0/0",       "10.0.0.1",   "none", false, STATIC, true },
	{ "10.9.0.0/16",     "10.2.0.2",   "tun0", false, STATIC, false },
	{ "10.9.0.0/16",     "10.2.0.1",   "tun0", false, STATIC, true },
	{ "::/0",            "fe80::1",    "eth1", false, STATIC, false },
	{ "::/0",            "fe80::1",    "eth0", false, STATIC, true },
	{ "::/0",            "fd01::1",    "eth1", false, STATIC, false },
	/* no gateway */
	{ "10.9.0.0/16",     NULL,         "eth0", false, STATIC, false },
	{ "10.1.0.0/24",     NULL,         "eth1", false, KERNEL, false },
	{ "10.1.0.0/24",     NULL,         "eth0", false, KERNEL, true },
	{ "10.1.0.0/25",     NULL,         "eth1", false, KERNEL, true },
	{ "10.2.0.2/32",     NULL,         "tun0", false, KERNEL, false },
	{ "2001:db8::/64",   NULL,         "eth0", false, KERNEL, true },
	{ "fd01::/64",       NULL,         "eth1", false, KERNEL, false },
	{ "10.0.0.5/32",     NULL,         "eth0", false, KERNEL, false },
	{ "10.0.0.6/32",     NULL,         "eth0", false, KERNEL, true },
	/* whatever it is, BIRD takes nothing that the kernel made */
	{ "0.0.0.0/0",       "10.1.0.1",   "eth1", false, KERNEL, true },
	{ "0.0.0.0/0",       "10.0.0.1",   "eth0", true,  KERNEL, true },
};
/* clang-format on */

static void test_missed(void **state)
{
	/* clang-format off */
	static struct ip local[] = { { 4, { 10, 0, 0, 5 } }, { 4, { 10, 1, 0, 5 } } };
	static struct onlink onlink[] = {
		{ "eth1", { { 4, { 10, 1, 0, 5 } }, 24 } },
		{ "eth1", { { 6, { 0xfd, 1, [15] = 5 } }, 64 } },
		{ "eth1", { { 6, { 0xfe, 0x80, [15] = 5 } }, 64 } },
		{ "tun0", { { 4, { 10, 2, 0, 1 } }, 32 }, { 4, { 10, 2, 0, 2 } } },
	};
	/* clang-format on */

	const struct addresses own = { onlink, lengthof(onlink), local, lengthof(local), 0 };
	auto_arena struct arena a = { 0 };
	struct nets nets = nets_of(&own, &a);

	(void)state;
	for (size_t i = 0; i < lengthof(missed); i++) {
		struct kernel_route r = { .interface = missed[i].interface,
					  .onlink = missed[i].onlink,
					  .protocol = missed[i].protocol };

		assert_true(cidr_parse(missed[i].prefix, &r.prefix));
		if (missed[i].gateway)
			assert_true(ip_parse(missed[i].gateway, &r.gateway));
		if (route_missed(&r, &nets) != missed[i].missed)
			fail_msg("row %zu", i);
	}
}

/* As many addresses as routes of the kernel: each is searched for, not looked for one by one. */
static void test_many_missed(void **state)
{
	enum { N = 12500 };
	auto_arena struct arena a = { 0 };
	struct addresses own = { .onlink = arena_array(&a, struct onlink, N), .n_onlink = N };
	struct nets nets;

	(void)state;
	for (size_t i = 0; i < N; i++)
		own.onlink[i] = (struct onlink){
			"eth0", {{ 4, { 10, (uint8_t)(i >> 8), (uint8_t)i, 1 } }, 24 },
			 { 0					     }
		};
	nets = nets_of(&own, &a);
	for (size_t i = 0; i < N; i++) {
		struct kernel_route r = { .interface = "eth0", .protocol = RTPROT_KERNEL };

		r.prefix = cidr_network(&own.onlink[i].address);
		assert_false(route_missed(&r, &nets));
		r.protocol = RTPROT_STATIC;
		r.gateway = (struct ip){
			4, {10, (uint8_t)(i >> 8), (uint8_t)i, 9}
		};
		assert_false(route_missed(&r, &nets));
		r.gateway.bytes[0] = 11;
		assert_true(route_missed(&r, &nets));
	}
	assert_true(nets.compared <= 3 * N * 14);
}

static void test_flood(void **state)
{
	(void)state;
	in_namespace(flood_child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_flood),
		cmocka_unit_test(test_missed),	  cmocka_unit_test(test_many_missed),
		cmocka_unit_test(test_routes),	  cmocka_unit_test(test_route_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
