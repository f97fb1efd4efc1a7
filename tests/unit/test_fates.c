/* SPDX-License-Identifier: Apache-2.0 */
#include "render/fates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BLOCK(name, line)                                                                          \
	"# block " name " bgppeer/p\nprotocol bgp " name " {\n" line "}\n# end\n"

static const char text[] = CONF_HEAD BLOCK("peer_192_0_2_1", "") BLOCK("peer_192_0_2_2", "");

static const char *copy(struct arena *a, const char *name)
{
	return arena_str(a, name);
}

/* Fates are kept until the next plan; what BIRD last accepted, has and refuses may go before that. */
static void own_memory(void **state)
{
	static const char *const broken[] = { "bgppeer/p" };
	const struct plan plan = { .node = "a", .known = true, .broken = broken, .n_broken = 1 };
	struct arena a = { 0 }, seen = { 0 };
	struct conf *last = conf_parse(text, strlen(text), &seen);
	const char *has[] = { copy(&seen, "peer_192_0_2_9") };
	const char *name = copy(&seen, "peer_192_0_2_2");
	const struct refused_text refused = { name, conf_block_digest(last, conf_find(last, name)),
					      copy(&seen, "not liked") };
	const struct fates_input in = { .plan = &plan,
					.last = last,
					.refused = &refused,
					.n_refused = 1,
					.has = has,
					.n_has = 1 };
	struct fates *f = fates_decide(&in, &a);
	struct problem *problems;
	size_t n;

	(void)state;
	conf_free(last);
	arena_free(&seen);
	assert_int_equal(f->n, 2);
	assert_int_equal(fates_find(f, "peer_192_0_2_1")->fate.kind, FATE_KEEPS);
	assert_string_equal(fates_find(f, "peer_192_0_2_2")->words, "not liked");
	problems = fates_problems(f, &a, &n);
	assert_int_equal(n, 2);
	assert_int_equal(problems[0].code, PROBLEM_REFUSED_BY_BIRD);
	assert_string_equal(problems[0].origin, "bgppeer/p");
	assert_string_equal(problems[0].peering, "peer_192_0_2_2");
	assert_int_equal(problems[1].code, PROBLEM_UNKNOWN_SESSION);
	assert_string_equal(problems[1].peering, "peer_192_0_2_9");
	arena_free(&a);
}

/* The same for the session that holds the whole node. */
static void own_lost(void **state)
{
	static const char *const broken[] = { "bgppeer/p" };
	const struct plan plan = { .node = "a", .known = true, .broken = broken, .n_broken = 1 };
	struct arena a = { 0 }, seen = { 0 };
	const char *has[] = { copy(&seen, "peer_192_0_2_9") };
	const struct fates_input in = { .plan = &plan, .has = has, .n_has = 1, .others = true };
	struct fates *f = fates_decide(&in, &a);

	(void)state;
	arena_free(&seen);
	assert_string_equal(f->lost, "peer_192_0_2_9");
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(own_memory),
					    cmocka_unit_test(own_lost) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
