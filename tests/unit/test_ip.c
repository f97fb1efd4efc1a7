/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
	const char *text, *printed; /* NULL: refused */
} ips[] = {
	{ "10.0.0.1",              "10.0.0.1" },
	{ "0.0.0.0",               "0.0.0.0" },
	{ "255.255.255.255",       "255.255.255.255" },
	{ "192.168.99.100",        "192.168.99.100" },
	{ "010.0.0.1",             NULL },
	{ "10.0.0.01",             NULL },
	{ "10.00.0.1",             NULL },
	{ "10.0.0.256",            NULL },
	{ "10.0.0",                NULL },
	{ "10.0.0.1.2",            NULL },
	{ "10.0.0.",               NULL },
	{ "167772161",             NULL },
	{ "0x0a.0.0.1",            NULL },
	{ " 10.0.0.1",             NULL },
	{ "10.0.0.1 ",             NULL },
	{ "10.0.0.1\n",            NULL },
	{ "10.0.0.1:179",          NULL },
	{ "10.0.0.1/32",           NULL },
	{ "-1.0.0.1",              NULL },
	{ "",                      NULL },
	{ "::",                    "::" },
	{ "::1",                   "::1" },
	{ "0:0:0:0:0:0:0:1",       "::1" },
	{ "FD00::ABCD",            "fd00::abcd" },
	{ "fd00:0000:0000:0:0::1", "fd00::1" },
	{ "2001:db8:0:1:1:1:1:1",  "2001:db8:0:1:1:1:1:1" },  /* one zero group stays */
	{ "2001:0:0:1:0:0:0:1",    "2001:0:0:1::1" },         /* the longest run */
	{ "2001:db8:0:0:1:0:0:1",  "2001:db8::1:0:0:1" },     /* the first of two */
	{ "2001:db8::0001",        "2001:db8::1" },
	{ "1:2:3:4:5:6:7::",       "1:2:3:4:5:6:7:0" },
	{ "fe80::1",               "fe80::1" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "::ffff:10.0.0.1",       "10.0.0.1" },
	{ "::FFFF:a00:1",          "10.0.0.1" },
	{ "::ffff:010.0.0.1",      NULL },
	{ "64:ff9b::10.0.0.1",     "64:ff9b::a00:1" },
	{ "fe80::1%eth0",          NULL },
	{ "[::1]",                 NULL },
	{ ":::",                   NULL },
	{ "::1::",                 NULL },
	{ "1:2:3:4:5:6:7",         NULL },
	{ "1:2:3:4:5:6:7:8:9",     NULL },
	{ "fd00::12345",           NULL },
	{ "fd00::g",               NULL },
	{ "fd00::1 ",              NULL },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
};

static const struct {
	const char *text, *printed, *network;
} cidrs[] = {
	{ "10.0.0.0/8",        "10.0.0.0/8",        "10.0.0.0/8" },
	{ "10.1.2.3/8",        "10.1.2.3/8",        "10.0.0.0/8" },
	{ "10.1.2.255/25",     "10.1.2.255/25",     "10.1.2.128/25" },
	{ "10.1.2.3",          "10.1.2.3/32",       "10.1.2.3/32" },
	{ "10.1.2.3/0",        "10.1.2.3/0",        "0.0.0.0/0" },
	{ "10.1.2.3/31",       "10.1.2.3/31",       "10.1.2.2/31" },
	{ "fd00::1",           "fd00::1/128",       "fd00::1/128" },
	{ "fd00:1:2:3::9/49",  "fd00:1:2:3::9/49",  "fd00:1:2::/49" },
	{ "fd00::ffff/127",    "fd00::ffff/127",    "fd00::fffe/127" },
	{ "::/0",              "::/0",              "::/0" },
	{ "::ffff:10.0.0.1",   "10.0.0.1/32",       "10.0.0.1/32" },
	{ "10.0.0.0/33",       NULL, NULL },
	{ "fd00::/129",        NULL, NULL },
	{ "10.0.0.0/08",       NULL, NULL },
	{ "10.0.0.0/00",       NULL, NULL },
	{ "10.0.0.0/",         NULL, NULL },
	{ "10.0.0.0/-1",       NULL, NULL },
	{ "10.0.0.0/+8",       NULL, NULL },
	{ "10.0.0.0/ 8",       NULL, NULL },
	{ "10.0.0.0/8 ",       NULL, NULL },
	{ "10.0.0.0/8/8",      NULL, NULL },
	{ "10.0.0/8",          NULL, NULL },
	{ "10.0.0.0/4294967304", NULL, NULL },
	{ "/8",                NULL, NULL },
	{ "",                  NULL, NULL },
};

static const struct {
	const char *text, *printed;
	unsigned port;
	const char *zone;
} endpoints[] = {
	{ "10.0.0.1",                 "10.0.0.1",            0,     "" },
	{ "10.0.0.1:179",             "10.0.0.1:179",        179,   "" },
	{ "10.0.0.1:65535",           "10.0.0.1:65535",      65535, "" },
	{ "10.0.0.1:1",               "10.0.0.1:1",          1,     "" },
	{ "fd00::1",                  "fd00::1",             0,     "" },
	{ "FD00:0::1",                "fd00::1",             0,     "" },
	{ "[fd00::1]:179",            "[fd00::1]:179",       179,   "" },
	{ "::ffff:10.0.0.1",          "10.0.0.1",            0,     "" },
	{ "fe80::1%eth0",             "fe80::1%eth0",        0,     "eth0" },
	{ "fe80::1%eth0.100",         "fe80::1%eth0.100",    0,     "eth0.100" },
	{ "[fe80::1%eth0]:1790",      "[fe80::1%eth0]:1790", 1790,  "eth0" },
	{ "fe80::1%abcdefghijklmno",  "fe80::1%abcdefghijklmno", 0, "abcdefghijklmno" },
	{ "fe80::1%abcdefghijklmnop", NULL, 0, NULL },
	{ "fe80::1%",                 NULL, 0, NULL },
	{ "fe80::1%a b",              NULL, 0, NULL },
	{ "fe80::1%a\"",              NULL, 0, NULL },
	{ "fe80::1%a/b",              NULL, 0, NULL },
	{ "fe80::1%a\n",              NULL, 0, NULL },
	{ "fe80::1%eth0:179",         NULL, 0, NULL },
	{ "fe80::1%eth0%eth1",        NULL, 0, NULL },
	{ "10.0.0.1%eth0",            NULL, 0, NULL },
	{ "10.0.0.1%eth0:179",        NULL, 0, NULL },
	{ "[fd00::1]",                NULL, 0, NULL },
	{ "[fd00::1]179",             NULL, 0, NULL },
	{ "[fd00::1]:",               NULL, 0, NULL },
	{ "[fd00::1:179",             NULL, 0, NULL },
	{ "[]:179",                   NULL, 0, NULL },
	{ "[10.0.0.1]:179",           NULL, 0, NULL },
	{ "[[fd00::1]]:179",          NULL, 0, NULL },
	{ "[fd00::1]:0",              NULL, 0, NULL },
	{ "10.0.0.1:",                NULL, 0, NULL },
	{ "10.0.0.1:0",               NULL, 0, NULL },
	{ "10.0.0.1:0170",            NULL, 0, NULL },
	{ "10.0.0.1:65536",           NULL, 0, NULL },
	{ "10.0.0.1:-1",              NULL, 0, NULL },
	{ "10.0.0.1:+1",              NULL, 0, NULL },
	{ "10.0.0.1: 179",            NULL, 0, NULL },
	{ "10.0.0.1:179 ",            NULL, 0, NULL },
	{ "10.0.0.1:179:180",         NULL, 0, NULL },
	{ "10.0.0.1:bgp",             NULL, 0, NULL },
	{ ":179",                     NULL, 0, NULL },
	{ "10.0.0.1/24",              NULL, 0, NULL },
	{ "host:179",                 NULL, 0, NULL },
	{ "",                         NULL, 0, NULL },
};

static const struct {
	const char *outer, *inner;
	bool covers;
} covers[] = {
	{ "10.0.0.0/8",   "10.1.0.0/16",  true },
	{ "10.0.0.0/8",   "10.0.0.0/8",   true },
	{ "10.9.9.9/8",   "10.1.0.0/16",  true },  /* host bits do not count */
	{ "10.0.0.0/16",  "10.0.0.0/8",   false },
	{ "10.0.0.0/8",   "11.0.0.0/16",  false },
	{ "10.128.0.0/9", "10.127.0.0/16", false },
	{ "10.128.0.0/9", "10.255.0.0/16", true },
	{ "0.0.0.0/0",    "203.0.113.9",  true },
	{ "0.0.0.0/0",    "fd00::1",      false },
	{ "::/0",         "10.0.0.1",     false },
	{ "::/0",         "fd00::/8",     true },
	{ "fd00::/65",    "fd00::7fff:0:0:1", true },
	{ "fd00::/65",    "fd00::8000:0:0:1", false },
	{ "10.0.0.1",     "10.0.0.1",     true },
	{ "10.0.0.1",     "10.0.0.2",     false },
};

static const struct {
	const char *text;
	bool link_local;
} link_locals[] = {
	{ "fe80::1", true },  { "febf:ffff::1", true }, { "fec0::1", false },
	{ "fe7f::1", false }, { "169.254.1.1", false }, { "10.0.0.1", false },
};

/* In order. */
static const char *const ordered[] = {
	"0.0.0.0", "9.255.255.255", "10.0.0.1", "10.0.0.2", "10.0.0.10", "128.0.0.1", "255.255.255.255",
	"::", "::1", "1::", "fd00::1", "fd00::a", "fd00::10", "ffff::",
};
/* clang-format on */

static void test_ip(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(ips); i++) {
		struct ip ip = { .family = 99 };
		bool ok = ip_parse(ips[i].text, &ip);

		if (ok != !!ips[i].printed)
			fail_msg("%s: %s", ips[i].text, ok ? "accepted" : "refused");
		if (ok)
			assert_string_equal(ip_text(&ip).s, ips[i].printed);
		else
			assert_int_equal(ip.family, 99); /* left alone */
	}
}

static void test_unset(void **state)
{
	const struct ip none = { 0 };
	const struct endpoint nowhere = { 0 };
	const struct cidr nothing = { 0 };
	struct ip zero;

	(void)state;
	assert_false(ip_is_set(&none));
	assert_int_equal(ip_bits(&none), 0);
	assert_false(ip_is_link_local(&none));
	assert_string_equal(ip_text(&none).s, "");
	assert_string_equal(cidr_text(&nothing).s, "");
	assert_string_equal(endpoint_text(&nowhere).s, "");
	assert_true(ip_parse("0.0.0.0", &zero));
	assert_true(ip_is_set(&zero));
	assert_int_equal(ip_bits(&zero), 32);
	assert_false(ip_eq(&zero, &none));
	assert_false(cidr_contains(&nothing, &none));
	assert_true(ip_parse("::", &zero));
	assert_int_equal(ip_bits(&zero), 128);
}

static void test_cidr(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(cidrs); i++) {
		struct cidr c, network;
		bool ok = cidr_parse(cidrs[i].text, &c);

		if (ok != !!cidrs[i].printed)
			fail_msg("%s: %s", cidrs[i].text, ok ? "accepted" : "refused");
		if (!ok)
			continue;
		assert_string_equal(cidr_text(&c).s, cidrs[i].printed);
		network = cidr_network(&c);
		assert_string_equal(cidr_text(&network).s, cidrs[i].network);
		assert_true(cidr_contains(&network, &c.ip));
		assert_int_equal(cidr_eq(&c, &network), str_eq(cidrs[i].printed, cidrs[i].network));
	}
}

static void test_covers(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(covers); i++) {
		struct cidr outer, inner;

		assert_true(cidr_parse(covers[i].outer, &outer));
		assert_true(cidr_parse(covers[i].inner, &inner));
		if (cidr_covers(&outer, &inner) != covers[i].covers)
			fail_msg("%s, %s", covers[i].outer, covers[i].inner);
	}
}

static void test_endpoint(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(endpoints); i++) {
		struct endpoint e, again;
		bool ok = endpoint_parse(endpoints[i].text, &e);

		if (ok != !!endpoints[i].printed)
			fail_msg("%s: %s", endpoints[i].text, ok ? "accepted" : "refused");
		if (!ok)
			continue;
		assert_string_equal(endpoint_text(&e).s, endpoints[i].printed);
		assert_int_equal(e.port, endpoints[i].port);
		assert_string_equal(e.zone, endpoints[i].zone);
		assert_true(endpoint_parse(endpoints[i].printed, &again));
		assert_memory_equal(&e, &again, sizeof e);
	}
}

static void test_link_local(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(link_locals); i++) {
		struct ip ip;

		assert_true(ip_parse(link_locals[i].text, &ip));
		if (ip_is_link_local(&ip) != link_locals[i].link_local)
			fail_msg("%s", link_locals[i].text);
	}
}

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(ordered); i++)
		for (size_t j = 0; j < lengthof(ordered); j++) {
			struct ip a, b;
			int order;

			assert_true(ip_parse(ordered[i], &a) && ip_parse(ordered[j], &b));
			order = ip_cmp(&a, &b);
			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(ip_eq(&a, &b), i == j);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip),	 cmocka_unit_test(test_unset),
		cmocka_unit_test(test_cidr),	 cmocka_unit_test(test_covers),
		cmocka_unit_test(test_endpoint), cmocka_unit_test(test_link_local),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
