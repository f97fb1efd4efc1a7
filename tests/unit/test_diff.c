/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what a change costs: each row of it that the resources can bring about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compute/plan.h"
#include "fabric.h"

#define NODE	       FABRIC_NODE("a", "ipv4Address: 10.0.0.1/24")
#define MESHLESS       FABRIC_CONFIG("nodeToNodeMeshEnabled: false")
#define PEER	       "peerIP: 10.0.0.9, asNumber: 65001"
#define PW(k)	       PEER ", password: {secretKeyRef: {name: s, key: " k "}}"
#define SECRET	       FABRIC_SECRET("s", "one: \"1\", two: \"2\"")
#define FILTER(action) FABRIC_FILTER("f", "importV4: [{action: " action "}]")
#define RR(own, other)                                                                             \
	FABRIC_NODE("a", "ipv4Address: 10.0.0.1/24" own)                                           \
	FABRIC_NODE("b", "ipv4Address: 10.0.0.9/24" other)                                         \
	FABRIC_PEER("p", "peerSelector: n == 'b'")

#define DOWN_PEER                                                                                  \
	"apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: p, annotations: "        \
	"{peerage.dev/adminState: Down}}\nspec: {" PEER "}\n---\n"

struct row {
	const char *before, *after;
	enum effect effect;
	const char *why;
};

/* clang-format off */
static const struct row rows[] = {
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", PEER), EFFECT_NONE, NULL },
	/* spelled out, but the same */
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", "peerIP: \"10.0.0.9:179\", asNumber: \"0.65001\", "
		"sourceAddress: UseNodeIP, restartMode: GracefulRestart"), EFFECT_NONE, NULL },
#define N_SAME 2 /* what follows becomes another text or status */
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("q", PEER), EFFECT_SOFT, "asked for by another resource" },
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", PEER ", failureDetectionMode: BFDIfDirectlyConnected"),
	  EFFECT_RESTART, "multihop to direct, BFD" },
	{ NODE FABRIC_PEER("p", PEER ", failureDetectionMode: BFDIfDirectlyConnected"), NODE FABRIC_PEER("p", PEER),
	  EFFECT_RESTART, "direct to multihop, BFD" },
	{ NODE FABRIC_PEER("p", "node: a, peerIP: \"fe80::1%eth0\", asNumber: 1"),
	  NODE FABRIC_PEER("p", "node: a, peerIP: \"fe80::1%eth0\", asNumber: 1, failureDetectionMode: BFDIfDirectlyConnected"),
	  EFFECT_SOFT, "BFD" },
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", "peerIP: 10.0.0.9, asNumber: 65002"), EFFECT_RESTART, "remote AS" },
	{ NODE FABRIC_PEER("p", PEER), FABRIC_CONFIG("asNumber: 65010") NODE FABRIC_PEER("p", PEER), EFFECT_RESTART, "local AS" },
	{ NODE FABRIC_PEER("p", PEER), FABRIC_CONFIG("listenPort: 1790") NODE FABRIC_PEER("p", PEER), EFFECT_RESTART, "listen port" },
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", PEER ", sourceAddress: None"), EFFECT_RESTART, "source address" },
	{ NODE FABRIC_PEER("p", PEER), FABRIC_CONFIG("bindMode: NodeIP") NODE FABRIC_PEER("p", PEER), EFFECT_RESTART, "bind mode" },
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", PEER ", maxRestartTime: 10s"), EFFECT_RESTART, "restart time" },
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", PEER ", restartMode: LongLivedGracefulRestart"), EFFECT_RESTART, "restart mode" },
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", PEER ", birdGatewayMode: DirectIfDirectlyConnected"), EFFECT_RELOAD, "gateway mode" },
	{ NODE FABRIC_PEER("p", PEER ", birdGatewayMode: DirectIfDirectlyConnected"),
	  FABRIC_NODE("a", "ipv4Address: 10.0.0.1/24, ipv6Address: \"fd00::1/64\"")
	  FABRIC_PEER("p", PEER ", birdGatewayMode: DirectIfDirectlyConnected"), EFFECT_RELOAD, "on-link prefixes" },
	{ NODE FABRIC_PEER("p", PEER), NODE FILTER("Accept") FABRIC_PEER("p", PEER ", filters: [f]"), EFFECT_RELOAD, "filters" },
	{ NODE FILTER("Reject") FABRIC_PEER("p", PEER ", filters: [f]"), NODE FILTER("Accept") FABRIC_PEER("p", PEER ", filters: [f]"),
	  EFFECT_RELOAD, "filters" },
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_POOL("x", "cidr: 10.244.0.0/16") FABRIC_PEER("p", PEER), EFFECT_RELOAD, "address pools" },
	{ NODE FABRIC_POOL("x", "cidr: 10.244.0.0/16") FABRIC_PEER("p", PEER),
	  NODE FABRIC_POOL("x", "cidr: 10.244.0.0/16, disableBGPExport: true") FABRIC_PEER("p", PEER), EFFECT_RELOAD, "address pools" },
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", PEER ", extensions: {role: peer}"), EFFECT_RESTART, "extensions" },
	{ NODE SECRET FABRIC_PEER("p", PEER), NODE SECRET FABRIC_PEER("p", PW("one")), EFFECT_RESTART, "password" },
	{ NODE SECRET FABRIC_PEER("p", PW("one")), NODE SECRET FABRIC_PEER("p", PW("two")), EFFECT_RESTART, "password" },
	{ NODE SECRET FABRIC_PEER("p", PW("one")), NODE SECRET FABRIC_PEER("p", PW("gone")), EFFECT_NONE, NULL },
	/* neither runs */
	{ NODE SECRET FABRIC_PEER("p", PW("gone")), NODE SECRET FABRIC_PEER("p", PW("gone") ", maxRestartTime: 10s"), EFFECT_NONE, NULL },
	/* held: what runs stays */
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", PEER ", filters: [gone], maxRestartTime: 10s"), EFFECT_NONE, NULL },
	{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", "peerIP: x"), EFFECT_NONE, NULL },
	/* whether an earlier text runs is not known: if so, it restarts */
	{ NODE FABRIC_PEER("p", PW("none")), FABRIC_NODE("a", "ipv4Address: 10.0.0.7/24") FABRIC_PEER("p", PW("none")),
	  EFFECT_RESTART, "router id" },
	/* the router id, and so the source, is another */
	{ NODE FABRIC_PEER("p", PEER), FABRIC_NODE("a", "ipv4Address: 10.0.0.2/24") FABRIC_PEER("p", PEER), EFFECT_RESTART,
	  "router id, source address" },
	{ NODE FABRIC_PEER("p", PEER), FABRIC_NODE("a", "ipv4Address: 10.0.0.2/24") FABRIC_PEER("p", PEER ", filters: [gone]"),
	  EFFECT_RESTART, "router id" },
	{ RR("", ""), RR(", routeReflectorClusterID: 244.0.0.1", ""), EFFECT_RESTART, "route reflection, reflected routes" },
	{ RR("", ", routeReflectorClusterID: 244.0.0.1"), RR(", routeReflectorClusterID: 244.0.0.1", ", routeReflectorClusterID: 244.0.0.1"),
	  EFFECT_RELOAD, "reflected routes" },
	{ RR(", routeReflectorClusterID: 244.0.0.2", ""), RR(", routeReflectorClusterID: 244.0.0.1", ""), EFFECT_RESTART, "route reflection" },
	/* the other end stops planning it */
	{ RR("", ""), FABRIC_NODE("a", "ipv4Address: 10.0.0.1/24") FABRIC_NODE("b", "ipv4Address: 10.0.0.9/24")
	  FABRIC_CONFIG("nodeToNodeMeshEnabled: false") FABRIC_PEER("p", "peerSelector: n == 'b', node: a, reversePeering: Manual"), EFFECT_RESTART, "passive" },
	/* a field stops it, and starts it */
	{ NODE FABRIC_PEER("p", PEER), NODE DOWN_PEER, EFFECT_NONE, NULL },
	{ NODE DOWN_PEER, NODE FABRIC_PEER("p", PEER), EFFECT_RESTART, "admin state" },
	{ NODE, NODE DOWN_PEER, EFFECT_NONE, NULL },
	{ NODE, NODE FABRIC_PEER("p", PEER), EFFECT_ADDED, NULL },
	{ NODE FABRIC_PEER("p", PEER), NODE, EFFECT_REMOVED, NULL },
};
/* clang-format on */

static void table(void **state)
{
	const struct facts facts = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(rows); i++) {
		auto_arena struct arena a = { 0 };
		struct snapshot *before = fabric_read(rows[i].before);
		struct snapshot *after = fabric_read(rows[i].after);
		size_t n;
		const struct plan *was = plan_compute(before, "a", &facts, &a);
		const struct plan *is = plan_compute(after, "a", &facts, &a);
		const struct plan_change *c = plan_diff(was, is, &a, &n);

		assert_int_equal(plan_same(was, is), i < N_SAME);
		assert_true(plan_same(was, was));
		if (n != 1 || c->effect != rows[i].effect || !str_eq(c->why, rows[i].why))
			fail_msg("row %zu: %zu changes, %s: %s", i, n,
				 n ? effect_names[c->effect] : "", n && c->why ? c->why : "");
		snapshot_unref(before);
		snapshot_unref(after);
	}
}

/* What runs with less than is asked; and that nothing is there that could keep what nobody asks for. */
static void less_than_asked(void **state)
{
	/* clang-format off */
	static const struct { const char *before, *after; bool less; } cases[] = {
		{ NODE SECRET FABRIC_PEER("p", PEER), NODE SECRET FABRIC_PEER("p", PW("gone")), true },
		{ NODE SECRET FABRIC_PEER("p", PW("one")), NODE FABRIC_PEER("p", PW("one")), false },
		{ NODE SECRET FABRIC_PEER("p", PW("one")), NODE SECRET FABRIC_PEER("p", PW("gone")), true },
		{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", PEER ", filters: [gone]"), true },
		{ NODE FILTER("Accept") FABRIC_PEER("p", PEER ", filters: [f]"), NODE FABRIC_PEER("p", PEER ", filters: [f]"), false },
		{ NODE FILTER("Accept") FABRIC_PEER("p", PEER ", filters: [f]"),
		  NODE FILTER("Accept") FABRIC_PEER("p", PEER ", filters: [f, gone]"), true },
		{ NODE SECRET FABRIC_PEER("p", PEER), NODE SECRET FABRIC_PEER("p", PW("one")), false }, /* it gets it */
		{ NODE FABRIC_PEER("p", PW("gone")), NODE FABRIC_PEER("p", PW("lost")), false },      /* nothing runs */
	};
	/* clang-format on */
	const struct facts facts = { 0 };
	auto_arena struct arena a = { 0 };
	struct snapshot *before, *after;
	const struct plan_change *c;
	size_t n;

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		before = fabric_read(cases[i].before);
		after = fabric_read(cases[i].after);
		c = plan_diff(plan_compute(before, "a", &facts, &a),
			      plan_compute(after, "a", &facts, &a), &a, &n);
		assert_int_equal(n, 1);
		if (c->fate.less != cases[i].less)
			fail_msg("row %zu", i);
		snapshot_unref(before);
		snapshot_unref(after);
	}
	before = fabric_read(NODE FABRIC_PEER("p", PEER));
	after = fabric_read(NODE FABRIC_PEER(
		"p", "peerIP: 10.0.0.8, asNumber: 1, "
		     "password: {secretKeyRef: {name: s, key: gone}}"));
	c = plan_diff(plan_compute(before, "a", &facts, &a), plan_compute(after, "a", &facts, &a),
		      &a, &n);
	assert_int_equal(n, 2);
	assert_int_equal(c[0].effect, EFFECT_NONE); /* 10.0.0.8 cannot start */
	assert_int_equal(c[1].effect, EFFECT_REMOVED);
	snapshot_unref(before);
	snapshot_unref(after);
}

/* What plan_diff() has no words for. */
static void same(void **state)
{
	/* clang-format off */
	static const struct {
		const char *before, *after;
		bool same;
	} cases[] = {
		{ MESHLESS NODE, MESHLESS NODE FABRIC_NODE("c", "ipv4Address: 10.0.0.3/24"), true },
		{ NODE, NODE FABRIC_NODE("c", "ipv4Address: 10.0.0.3/24"), false },
		{ NODE, NODE FABRIC_PEER("p", "node: b, " PEER), true },
		{ NODE, NODE FABRIC_PEER("p", "node: b, peerIP: x"), false }, /* what it means is not known */
		{ NODE, NODE FABRIC_POOL("x", "cidr: 10.244.0.0/16"), false },
		{ NODE, FABRIC_NODE("a", "ipv4Address: 10.0.0.1/25"), false }, /* an on-link prefix */
		{ NODE, FABRIC_NODE("a", "ipv4Address: 10.0.0.1/24, ipv6Address: \"fd00::1/128\""), false },
		{ NODE, FABRIC_CONFIG("logSeverityScreen: Debug") NODE, false },
		{ NODE, FABRIC_CONFIG("ignoredInterfaces: [x]") NODE, false },
		{ NODE, FABRIC_CONFIG("asNumber: 1") NODE, false },
		{ NODE, FABRIC_PEER("p", PEER), false },
		{ NODE FABRIC_PEER("p", "node: a, peerIP: 10.0.0.1, asNumber: 1"),
		  NODE FABRIC_PEER("q", "node: a, peerIP: 10.0.0.1, asNumber: 1"), false }, /* a problem of another */
		{ NODE FABRIC_PEER("p", PEER), NODE FABRIC_PEER("p", PEER) FABRIC_NODE("b", "ipv4Address: 10.0.0.9/24")
		  MESHLESS, false }, /* the node at the other end */
	};
	/* clang-format on */
	const struct facts facts = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct snapshot *before = fabric_read(cases[i].before);
		struct snapshot *after = fabric_read(cases[i].after);

		if (plan_same(plan_compute(before, "a", &facts, &a),
			      plan_compute(after, "a", &facts, &a)) != cases[i].same)
			fail_msg("case %zu", i);
		snapshot_unref(before);
		snapshot_unref(after);
	}
}

/* Routes that next hops are looked up in reach BIRD, and cost no session anything. */
static void routes(void **state)
{
	struct facts_route one = { { { 4, { 10 } }, 8 }, { 4, { 10, 0, 0, 9 } }, "eth0" };
	struct facts_route others[] = { one, one, one };
	struct snapshot *snap = fabric_read(NODE FABRIC_PEER("p", PEER));
	const struct facts facts = { .routes = &one, .n_routes = 1 };
	auto_arena struct arena a = { 0 };
	const struct plan *was = plan_compute(snap, "a", &facts, &a);

	(void)state;
	assert_true(plan_same(was, plan_compute(snap, "a", &facts, &a)));
	others[0].prefix.len = 9;
	others[1].gateway.bytes[3] = 8;
	others[2].interface = "eth1";
	for (size_t i = 0; i <= lengthof(others); i++) {
		const struct facts other = { .routes = others + i,
					     .n_routes = i < lengthof(others) };
		const struct plan *is = plan_compute(snap, "a", &other, &a);
		size_t n;
		const struct plan_change *c = plan_diff(was, is, &a, &n);

		assert_false(plan_same(was, is));
		assert_int_equal(n, 1);
		assert_int_equal(c->effect, EFFECT_NONE);
	}
	snapshot_unref(snap);
}

static void from_nothing(void **state)
{
	auto_arena struct arena a = { 0 };
	struct snapshot *snap = fabric_read(
		NODE FABRIC_PEER("p", PEER) FABRIC_PEER("q", "peerIP: 10.0.0.8, asNumber: 1"));
	const struct facts facts = { 0 };
	size_t n;
	const struct plan_change *c = plan_diff(NULL, plan_compute(snap, "a", &facts, &a), &a, &n);

	(void)state;
	assert_int_equal(n, 2);
	assert_string_equal(c[0].name, "peer_10_0_0_8");
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(c[i].effect, EFFECT_ADDED);
		assert_null(c[i].before);
		assert_non_null(c[i].after);
	}
	snapshot_unref(snap);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table), cmocka_unit_test(less_than_asked),
					    cmocka_unit_test(same), cmocka_unit_test(routes),
					    cmocka_unit_test(from_nothing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
