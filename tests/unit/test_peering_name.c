/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compute/plan.h"
#include "model/random.h"

#define N_ENDPOINTS 100000

static void spelling(void **state)
{
	/* clang-format off */
	static const struct { const char *endpoint, *name; } cases[] = {
		{ "10.0.0.1", "peer_10_0_0_1" },
		{ "10.0.0.1:179", "peer_10_0_0_1" },
		{ "10.0.0.1:1179", "peer_10_0_0_1_p1179" },
		{ "fd00::1", "peer_fd00__1" },
		{ "[fd00::1]:65535", "peer_fd00__1_p65535" },
		{ "fe80::1%eth0", "peer_fe80__1_ieth0" },
		{ "[fe80::1%eth0]:1179", "peer_fe80__1_p1179_ieth0" },
		{ "fe80::1%bond0.100", "peer_fe80__1_ibond0_2e100" },
		{ "fe80::1%a_b-c", "peer_fe80__1_ia_5fb_2dc" },
		{ "::1.2.3.4", "peer___1_v2_v3_v4" },
		{ "::1:2:3:4", "peer___1_2_3_4" },
		{ "::ffff:10.0.0.1", "peer_10_0_0_1" },
		{ "[fe80::1111:2222:3333:4444%a.b-c_d.e-f_g.h]:65535",
		  "peer_fe80__1111_2222_3333_4444_p65535_ia_2eb_2_z78271721af1d8192" },
	};
	/* clang-format on */
	auto_arena struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct endpoint e;

		assert_true(endpoint_parse(cases[i].endpoint, &e));
		assert_string_equal(peering_name(&e, &a), cases[i].name);
	}
}

struct named {
	struct endpoint endpoint;
	const char *name;
};

static int name_cmp(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct endpoint any_endpoint(struct random *rnd)
{
	static const char letters[] = "abefipvzAZ019_.-@+,";
	struct endpoint e = { .ip.family = random_below(rnd, 3) ? 6 : 4 };
	unsigned bytes = e.ip.family == 6 ? 16 : 4;

	/* Few values, so that neighbours in spelling come up. */
	for (unsigned i = 0; i < bytes; i++)
		e.ip.bytes[i] = (uint8_t)(random_below(rnd, 3) ? 0 : random_below(rnd, 256));
	if (e.ip.family == 6 && !memcmp(e.ip.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12))
		e.ip.bytes[0] = 0xfd;
	if (random_below(rnd, 3) == 0)
		e.port = (uint16_t)random_below(rnd, 65536);
	if (e.port == 179)
		e.port = 0;
	if (e.ip.family == 6 && random_below(rnd, 2)) {
		uint32_t len = 1 + random_below(rnd, 15);

		e.ip.bytes[0] = 0xfe;
		e.ip.bytes[1] = 0x80;
		for (uint32_t i = 0; i < len; i++)
			e.zone[i] = letters[random_below(rnd, sizeof letters - 1)];
	}
	return e;
}

static void injective(void **state)
{
	auto_arena struct arena a = { 0 };
	struct named *all = arena_array(&a, struct named, N_ENDPOINTS);
	struct random rnd = { 1 };

	(void)state;
	for (size_t i = 0; i < N_ENDPOINTS; i++) {
		all[i].endpoint = any_endpoint(&rnd);
		all[i].name = peering_name(&all[i].endpoint, &a);
		assert_true(strlen(all[i].name) <= 64);
		assert_int_equal(strspn(all[i].name,
					"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
					"UVWXYZ0123456789_"),
				 strlen(all[i].name));
	}
	qsort(all, N_ENDPOINTS, sizeof *all, name_cmp);
	for (size_t i = 1; i < N_ENDPOINTS; i++)
		if (strcmp(all[i].name, all[i - 1].name) == 0)
			assert_memory_equal(&all[i].endpoint, &all[i - 1].endpoint,
					    sizeof all[i].endpoint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spelling),
		cmocka_unit_test(injective),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
