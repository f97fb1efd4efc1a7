/* SPDX-License-Identifier: Apache-2.0 */
/* Which routes of the kernel does BIRD pass over? How they are read is in test_facts.c. */
#include "engine/routes.h"

#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_many_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
