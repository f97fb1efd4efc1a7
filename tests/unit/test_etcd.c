/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the driver that need no server; the rest is test_store.c's, with one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/etcd.h"

static void test_round_trip(void **state)
{
	static const struct etcd_resume points[] = {
		{ .revision = 0 },
		{ .revision = 1 },
		{ .revision = 300, .mod = 299, .raft_term = 7, .anchor = "/calico/x" },
		{ .revision = 300, .mod = 300, .raft_term = 7, .anchor = "/calico/x", .deleted = true },
		{ .revision = ETCD_REVISION_MAX, .mod = ETCD_REVISION_MAX, .raft_term = UINT64_MAX,
		  .anchor = "k" },
		/* A key may have anything in it. */
		{ .revision = 5, .mod = 5, .anchor = ":" },
		{ .revision = 5, .mod = 5, .anchor = "+1:2:3:-/calico/x" },
		{ .revision = 5, .mod = 5, .anchor = "-", .deleted = true },
		{ .revision = 5, .mod = 5, .anchor = "a\nb\x1b[31m \xff%s%n\"" },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(points); i++) {
		auto_arena struct arena a = { 0 };
		struct etcd_resume got;

		assert_true(etcd_resume_parse(etcd_resume_print(&points[i], &a), &got));
		assert_true(got.revision == points[i].revision && got.mod == points[i].mod);
		assert_true(got.raft_term == points[i].raft_term && got.deleted == points[i].deleted);
		if (points[i].anchor)
			assert_string_equal(got.anchor, points[i].anchor);
		else
			assert_null(got.anchor);
	}
}

static void test_bare(void **state)
{
	struct etcd_resume got;

	(void)state;
	assert_true(etcd_resume_parse("42", &got));
	assert_int_equal(got.revision, 42);
	assert_null(got.anchor);
}

static void test_none(void **state)
{
	static const char *const texts[] = {
		NULL, "", ":", "x", "-1", "+1", " 1", "1 ", "1\n", "0x1", "1.0",
		"9223372036854775807",  /* behind which nothing can come */
		"9223372036854775808", "18446744073709551617",
		"1:", "1:2", "1:2:", "1:2:3", "1::3:+k", "1:2::+k", ":2:3:+k", "1:-2:3:+k", "1:2:-3:+k",
		"1:18446744073709551616:3:+k", "1:2:9223372036854775807:+k", "1:2:9223372036854775808:+k",
		"1:2:3:", "1:2:3:k", "1:2:3:/calico/x", "1:2:3: +k",
		"3f2a-bcd", "1/2",
	};

	(void)state;
	for (size_t i = 0; i < lengthof(texts); i++) {
		struct etcd_resume got;

		if (etcd_resume_parse(texts[i], &got))
			fail_msg("taken for a point to go on from: %s", texts[i]);
	}
}

/* A connection that was lost in the same run that brought an answer: what the answer leads to. */
static void test_link_lost(void **state)
{
	const struct etcd_config config = { .shown = "etcd:http://h:1" };
	struct etcd_link *l = etcd_link_open(&config);
	struct grpc_call call = { .path = ETCD_RANGE };
	const struct buf nothing = { 0 };

	(void)state;
	etcd_link_start(l, &call, &nothing, false);
	assert_true(call.done);
	assert_int_equal(call.status, GRPC_NONE);
	assert_string_equal(call.words, "the connection was lost");
	etcd_link_cancel(l, &call);
	etcd_link_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_link_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
