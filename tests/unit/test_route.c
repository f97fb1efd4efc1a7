/* SPDX-License-Identifier: Apache-2.0 */
/* What BIRD 2.0.12 said, and what cannot be read. */
#include "bird/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "bird_data.h"

/* "10.9.2.0/24 peer_10_1_0_1 192.0.2.1 unreachable; " */
static const char *routes_text(const struct reply *r, struct arena *a)
{
	struct buf text = { 0 };
	size_t n;
	struct bird_route *routes = route_parse(r, a, &n);
	const char *copy;

	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s %s %s%s; ", cidr_text(&routes[i].net).s, routes[i].protocol,
			   ip_text(&routes[i].next_hop).s,
			   routes[i].unreachable ? " unreachable" : "");
	copy = arena_str(a, buf_text(&text));
	buf_free(&text);
	return copy;
}

static void test_routes(void **state)
{
	static const char *const cases[][2] = {
		{"routes-unresolved", "10.9.2.0/24 peer_10_1_0_1 192.0.2.1 unreachable; "
				       "10.9.1.0/24 peer_10_1_0_1 192.0.2.1 unreachable; "
				       "10.9.1.0/24 peer_10_1_0_3 172.16.0.1 unreachable; "
				       "fd09::/64 peer_fd01__1 2001:db8::9 unreachable; "},
		{ "routes-for",	"172.16.0.0/12 peer_10_1_0_3 ; "							 },
		{ "routes-for-none",  ""										      },
		{ "routes-count",	  ""										      },
		{ "established",	 ""										      },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct reply r = { 0 };

		assert_true(reply_load(&r, arena_printf(&a, "bird-2.0.12/%s", cases[i][0])));
		assert_string_equal(routes_text(&r, &a), cases[i][1]);
		reply_clear(&r);
	}
}

static void test_counts(void **state)
{
	static const struct {
		const char *file;
		bool is;
		uint64_t matched, all;
	} cases[] = {
		{"routes-count",	  true,	4, 7},
		       { "routes-of-one-count", true,  2, 5},
		{ "routes-for-none",     false, 0, 0},
		       { "routes-unresolved",   false, 0, 0},
		{ "check-syntax-error",	false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct reply r = { 0 };
		uint64_t matched, all;

		assert_true(reply_load(&r, arena_printf(&a, "bird-2.0.12/%s", cases[i].file)));
		assert_int_equal(route_count_parse(&r, &matched, &all), cases[i].is);
		assert_int_equal(matched, cases[i].matched);
		assert_int_equal(all, cases[i].all);
		reply_clear(&r);
	}
}

/* Lines that are cut, of BIRD 3, or of nobody. */
static void test_odd(void **state)
{
	static const char *const cases[][2] = {
		{"1007-10.9.2.0/24 unreachable [x 10:00 from 10.1.0.1] * (100)\n"
		  "1012-\tbgp_next_hop: fd00::1 fe80::1\n",		  "10.9.2.0/24 x fd00::1 unreachable; "},
		{ "1007-10.9.2.0/24 unreachable [x",				     "10.9.2.0/24 x  unreachable; "	    },
		{ "1007-  unreachable [x 10:00] * (100)\n",				    ""				       },
		{ "1007-10.9.2.0/24 [x 10:00] * (100)\n",				  ""				     },
		{ "1007-10.9.2.0/24 a b [x 10:00] * (100)\n",			      ""					 },
		{ "1007-[\n1007-]\n1007-\n",					     ""					},
		{ "1012-\tBGP.next_hop: 10.0.0.1\n",				     ""					},
		{ "1007-10.9.2.0/24 unicast [x 10:00]\n1012-\tBGP.next_hop: nonsense\n",
		  "10.9.2.0/24 x ; "											   },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct reply r = { 0 };

		reply_feed(&r, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(routes_text(&r, &a), cases[i][1]);
		reply_clear(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
