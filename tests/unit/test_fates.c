/* SPDX-License-Identifier: Apache-2.0 */
/* Plan and text joined by name: what fate_of() is told. The texts are such as 0.1.0 and this one write. */
#include "render/fates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fabric.h"

#define NODE   FABRIC_NODE("a", "ipv4Address: 10.0.0.1/24")
#define PEER   "peerIP: 10.0.0.9, asNumber: 1"
#define SECRET FABRIC_SECRET("s", "k: \"x\"")
#define LOCKED PEER ", password: {secretKeyRef: {name: s, key: k}}"
#define FILTER FABRIC_FILTER("f", "importV4: [{action: Reject}]")

#define BLOCK(marker, lines)                                                                       \
	CONF_HEAD "define conf_id = \"0000000000000000\";\n# block peer_10_0_0_9 bgppeer/p" marker \
		  "\nprotocol bgp peer_10_0_0_9 {\n\tdescription \"bgppeer/p\";\n" lines "}\n# end\n"

static void cases(void **state)
{
	static const char *const hand[] = { "peer_10_0_0_9" };
	/* clang-format off */
	static const struct {
		const char *what, *resources, *last; /* LAST NULL: not known */
		bool by_hand;
		enum fate_kind kind;
		enum fate_text text;
		bool less;
	} rows[] = {
		{ "new", NODE FABRIC_PEER("p", PEER), BLOCK("", ""), false, FATE_RUNS, FATE_TEXT_PLANNED, false },
		{ "its secret went", NODE FABRIC_PEER("p", LOCKED), BLOCK(" asks=secret:s/k", "\tpassword \"x\";\n"), false,
		  FATE_KEEPS, FATE_TEXT_ACCEPTED, false },
		{ "another secret is asked for", NODE FABRIC_PEER("p", LOCKED), BLOCK(" asks=secret:s/other", "\tpassword \"x\";\n"), false,
		  FATE_KEEPS, FATE_TEXT_ACCEPTED, true },
		{ "a filter more", NODE FABRIC_PEER("p", PEER ", filters: [f]"), BLOCK(" asks=", ""), false,
		  FATE_KEEPS, FATE_TEXT_ACCEPTED, true },
		/* 0.1.0 did not write what was asked */
		{ "0.1.0 with its password", NODE FABRIC_PEER("p", LOCKED), BLOCK("", "\tpassword \"x\";\n"), false,
		  FATE_KEEPS, FATE_TEXT_ACCEPTED, false },
		{ "0.1.0 without one", NODE FABRIC_PEER("p", LOCKED), BLOCK("", ""), false, FATE_KEEPS, FATE_TEXT_ACCEPTED, true },
		{ "0.1.0 waited for the secret", NODE FABRIC_PEER("p", LOCKED), BLOCK("", "\tdisabled;\n"), false,
		  FATE_ABSENT, FATE_TEXT_NONE, false },
		{ "... and now it is there", NODE SECRET FABRIC_PEER("p", LOCKED), BLOCK("", "\tdisabled;\n"), false,
		  FATE_RUNS, FATE_TEXT_PLANNED, false },
		{ "0.1.0, by hand, without its password", NODE FABRIC_PEER("p", LOCKED), BLOCK("", "\tdisabled; # by hand\n"), true,
		  FATE_STOPPED, FATE_TEXT_NONE, false },
		{ "0.1.0, by hand, while its filter was missing", NODE FABRIC_PEER("p", PEER ", filters: [f]"),
		  BLOCK("", "\tdisabled; # by hand\n"), true, FATE_STOPPED, FATE_TEXT_NONE, false },
		{ "by hand, with all that is asked", NODE FABRIC_PEER("p", PEER ", filters: [f]"),
		  BLOCK(" asks=filter:f", "\tdisabled; # by hand\n"), true, FATE_STOPPED, FATE_TEXT_ACCEPTED, false },
		{ "by hand, and all is well", NODE FILTER FABRIC_PEER("p", PEER ", filters: [f]"),
		  BLOCK(" asks=filter:f", "\tdisabled; # by hand\n"), true, FATE_STOPPED, FATE_TEXT_PLANNED, false },
		{ "its object is broken", NODE FABRIC_PEER("p", "peerIP: x"), BLOCK(" asks=", ""), false,
		  FATE_KEEPS, FATE_TEXT_ACCEPTED, false },
		{ "a rival would take it", NODE FABRIC_PEER("p", "peerIP: x") FABRIC_PEER("q", PEER), BLOCK(" asks=", ""), false,
		  FATE_KEEPS, FATE_TEXT_ACCEPTED, false },
		{ "a rival would take it, and a hand stopped it", NODE FABRIC_PEER("p", "peerIP: x") FABRIC_PEER("q", PEER),
		  BLOCK(" asks=", "\tdisabled; # by hand\n"), true, FATE_STOPPED, FATE_TEXT_ACCEPTED, false },
		{ "no text is known", NODE FABRIC_PEER("p", LOCKED), NULL, false, FATE_ABSENT, FATE_TEXT_NONE, false },
	};
	/* clang-format on */
	const struct facts facts = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(rows); i++) {
		auto_arena struct arena a = { 0 };
		struct snapshot *snap = fabric_read(rows[i].resources);
		struct fates_input in = { .plan = plan_compute(snap, "a", &facts, &a),
					  .by_hand = hand,
					  .n_by_hand = rows[i].by_hand };
		struct conf *last = rows[i].last ?
					    conf_parse(rows[i].last, strlen(rows[i].last), &a) :
					    NULL;
		const struct session_fate *s;

		in.last = last;
		s = fates_find(fates_decide(&in, &a), hand[0]);
		if (!s || s->fate.kind != rows[i].kind || s->fate.text != rows[i].text ||
		    s->fate.less != rows[i].less)
			fail_msg("%s: %s, text %d%s", rows[i].what,
				 s ? fate_names[s->fate.kind] : "no fate", s ? (int)s->fate.text : 0,
				 s && s->fate.less ? ", less" : "");
		conf_free(last);
		snapshot_unref(snap);
	}
}

/* What nobody asks for, and what BIRD has beside it. */
static void strangers(void **state)
{
	static const char *const has[] = { "peer_10_0_0_7", "peer_10_0_0_9" };
	auto_arena struct arena a = { 0 };
	const struct facts facts = { 0 };
	struct snapshot *snap = fabric_read(NODE FABRIC_PEER("p", LOCKED));
	struct snapshot *broken = fabric_read(NODE FABRIC_PEER("q", "peerIP: x"));
	struct conf *last = conf_parse(BLOCK(" asks=", ""), strlen(BLOCK(" asks=", "")), &a);
	struct fates_input in = { .plan = plan_compute(snap, "a", &facts, &a), .last = last };
	const struct fates *f;
	struct problem *problems;
	size_t n;

	(void)state;
	/* BIRD has one more than its text: said, and nothing is held for it */
	in.has = has;
	in.n_has = 1;
	f = fates_decide(&in, &a);
	assert_int_equal(f->n_unknown, 1);
	assert_null(f->lost);
	problems = fates_problems(f, &a, &n);
	assert_int_equal(n, 2); /* and that what is kept has less than is asked */
	assert_int_equal(problems[0].code, PROBLEM_LESS_THAN_ASKED);
	assert_int_equal(problems[1].code, PROBLEM_UNKNOWN_SESSION);
	/* its text is in no file: what must stay and has none holds the node */
	in.last = NULL;
	in.others = true;
	in.n_has = 2;
	f = fates_decide(&in, &a);
	assert_string_equal(f->lost, "peer_10_0_0_9");
	assert_int_equal(f->n_unknown, 0);
	/* a broken resource may have any of them */
	in.plan = plan_compute(broken, "a", &facts, &a);
	assert_string_equal(fates_decide(&in, &a)->lost, "peer_10_0_0_7");
	conf_free(last);
	snapshot_unref(snap);
	snapshot_unref(broken);
}

#define ANY_BLOCK(name, line)                                                                          \
	"# block " name " bgppeer/p\nprotocol bgp " name " {\n" line "}\n# end\n"

static const char two[] = CONF_HEAD ANY_BLOCK("peer_192_0_2_1", "") ANY_BLOCK("peer_192_0_2_2", "");

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
	struct conf *last = conf_parse(two, strlen(two), &seen);
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
	const struct CMUnitTest tests[] = { cmocka_unit_test(cases), cmocka_unit_test(strangers),
					    cmocka_unit_test(own_memory), cmocka_unit_test(own_lost) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
