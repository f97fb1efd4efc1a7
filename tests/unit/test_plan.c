/* SPDX-License-Identifier: Apache-2.0 */
/* What golden cases do not show: properties that hold for every plan, and the questions around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compute/plan.h"
#include "fabric.h"
#include "model/random.h"

static const struct facts no_facts;

static void problem_names_are_there(void **state)
{
	(void)state;
	for (int i = 0; i < PROBLEM_COUNT; i++)
		assert_non_null(problem_names[i]);
	assert_null(problem_names[PROBLEM_COUNT]);
}

static void extension_values(void **state)
{
	/* clang-format off */
	static const struct { const char *text; bool valid; } cases[] = {
		{ "customer", true }, { "100", true }, { "a_b.c:d-E9", true },
		{ "", false }, { " ", false }, { "a b", false }, { "a;", false }, { "a}", false },
		{ "\"", false }, { "a\n", false }, { "\xc3\xa9", false }, { "$x", false }, { "#", false },
		{ "0123456789012345678901234567890123456789012345678901234567890123", true },
		{ "01234567890123456789012345678901234567890123456789012345678901234", false },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++)
		assert_int_equal(extension_value_valid(cases[i].text), cases[i].valid);
}

static void secrets_without_doubles(void **state)
{
	struct snapshot *snap = fabric_read(
		FABRIC_CONFIG("nodeMeshPassword: {secretKeyRef: {name: s, key: a}}") FABRIC_PEER(
			"p", "peerIP: 192.0.2.1, password: {secretKeyRef: {name: s, key: a}}")
			FABRIC_PEER(
				"q",
				"peerIP: 192.0.2.2, password: {secretKeyRef: {name: s, key: b}}")
				FABRIC_PEER("r", "peerIP: 192.0.2.3") FABRIC_PEER(
					"broken",
					"peerIP: x, password: {secretKeyRef: {name: t, key: b}}"));
	auto_arena struct arena a = { 0 };
	size_t n;
	const struct secret_ref *refs = plan_secrets(snap, &a, &n);

	(void)state;
	assert_int_equal(n, 2);
	assert_string_equal(refs[0].key, "a");
	assert_string_equal(refs[1].key, "b");
	snapshot_unref(snap);
}

/* bird2.md 2.6, seen through BFDIfDirectlyConnected. */
static void on_link(void **state)
{
	/* clang-format off */
	static const struct { const char *address, *peer, *remote; bool direct; } cases[] = {
		{ "10.1.0.1/24", NULL, "10.1.0.254", true },
		{ "10.1.0.1/24", NULL, "10.1.1.1", false },
		{ "10.1.0.1/24", NULL, "10.1.0.0", false },
		{ "10.1.0.1/24", NULL, "10.1.0.255", false },
		{ "10.1.0.1/30", NULL, "10.1.0.3", false },
		{ "10.1.0.0/31", NULL, "10.1.0.1", true },
		{ "10.1.0.1/32", NULL, "10.1.0.2", false },
		{ "10.1.0.1/32", "10.9.9.9", "10.9.9.9", true },
		{ "10.1.0.1/32", "10.9.9.9", "10.9.9.8", false },
		{ "fd01::1/64", NULL, "fd01::ffff", true },
		{ "fd01::1/64", NULL, "fd01::", true },
		{ "fd01::1/128", NULL, "fd01::2", false },
		{ "fd01::1/128", "fd01::2", "fd01::2", true },
		{ "10.1.0.1/24", NULL, "fd01::1", false },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct onlink o = { .interface = "eth0" };
		struct facts facts = { .onlink = &o, .n_onlink = 1, .onlink_known = true };
		struct snapshot *snap = fabric_read(arena_printf(
			&a,
			FABRIC_NODE("a", "ipv4Address: 10.0.0.1/32, ipv6Address: \"fd00::1/128\"")
				FABRIC_PEER("p", "peerIP: \"%s\", asNumber: 65001, "
						 "failureDetectionMode: BFDIfDirectlyConnected"),
			cases[i].remote));
		const struct plan *plan;

		assert_true(cidr_parse(cases[i].address, &o.address));
		assert_true(!cases[i].peer || ip_parse(cases[i].peer, &o.peer));
		plan = plan_compute(snap, "a", &facts, &a);
		assert_int_equal(plan->n_peerings, 1);
		assert_int_equal(plan->peerings[0].direct, cases[i].direct);
		assert_int_equal(plan->peerings[0].bfd == BFD_ON, cases[i].direct);
		snapshot_unref(snap);
	}
}

/* Any fabric of nodes with labels and peers with selectors: what two ends say about one another. */
static char *any_fabric(struct random *rnd, struct arena *a)
{
	auto_buf struct buf out = { 0 };
	unsigned n_nodes = 2 + random_below(rnd, 6), n_peers = random_below(rnd, 5);

	buf_printf(&out, FABRIC_CONFIG("nodeToNodeMeshEnabled: %s"),
		   random_below(rnd, 2) ? "true" : "false");
	for (unsigned i = 1; i <= n_nodes; i++) {
		unsigned kind = random_below(rnd, 4);

		buf_printf(&out,
			   "apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n%u, "
			   "labels: {x: \"%u\"}}\nspec: {bgp: {asNumber: %u",
			   i, random_below(rnd, 3), 64512 + random_below(rnd, 2));
		if (kind)
			buf_printf(&out, ", ipv4Address: 10.0.0.%u/24", i * 3);
		if (kind != 1)
			buf_printf(&out, ", ipv6Address: \"fd00::%x/64\"", i * 3);
		if (random_below(rnd, 5) == 0)
			buf_printf(&out, ", routeReflectorClusterID: 244.0.0.%u",
				   random_below(rnd, 2) + 1);
		buf_str(&out, "}}\n---\n");
	}
	for (unsigned i = 0; i < n_peers; i++) {
		buf_printf(&out,
			   "apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: "
			   "p%u}\nspec:\n  reversePeering: %s\n",
			   i, random_below(rnd, 3) ? "Auto" : "Manual");
		if (random_below(rnd, 2))
			buf_printf(&out, "  peerSelector: x == '%u'\n", random_below(rnd, 3));
		else if (random_below(rnd, 2))
			buf_printf(&out, "  peerIP: 10.0.0.%u\n",
				   3 * (1 + random_below(rnd, n_nodes)));
		else
			buf_printf(&out, "  peerIP: \"fd00::%x\"\n  asNumber: 64512\n",
				   3 * (1 + random_below(rnd, n_nodes)));
		if (random_below(rnd, 2))
			buf_printf(&out, "  nodeSelector: x == '%u'\n", random_below(rnd, 3));
		else if (random_below(rnd, 2))
			buf_printf(&out, "  node: n%u\n", 1 + random_below(rnd, n_nodes));
		buf_str(&out, "---\n");
	}
	return arena_str(a, buf_text(&out));
}

static void ends_agree(void **state)
{
	struct random rnd = { 7 };
	size_t n_pairs = 0;

	(void)state;
	for (int round = 0; round < 400; round++) {
		auto_arena struct arena a = { 0 };
		struct snapshot *snap = fabric_read(any_fabric(&rnd, &a));
		size_t n = snapshot_count(snap, &kind_node);
		const struct plan **plans = arena_array(&a, const struct plan *, n);

		for (size_t i = 0; i < n; i++)
			plans[i] = plan_compute(snap, snapshot_at(snap, &kind_node, i)->meta.name,
						&no_facts, &a);
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < plans[i]->n_peerings; j++) {
				const struct peering *p = &plans[i]->peerings[j], *q;
				struct endpoint own = { .ip = p->source };
				const struct plan *other = NULL;

				assert_true(j == 0 || strcmp(p[-1].name, p->name) < 0);
				assert_ptr_equal(plan_find(plans[i], p->name), p);
				if (!p->remote_node) {
					assert_false(p->passive);
					continue;
				}
				for (size_t k = 0; k < n; k++)
					if (strcmp(plans[k]->node, p->remote_node) == 0)
						other = plans[k];
				assert_non_null(other);
				q = plan_find(other, peering_name(&own, &a));
				n_pairs += q != NULL;
				/* One end dials. Both may where one has the AS number wrong: such
				 * a session does not come up either way. */
				if (q ? p->passive + q->passive > 1 ||
						    (!p->passive && !q->passive &&
						     p->remote_as == other->as &&
						     q->remote_as == plans[i]->as) :
					p->passive)
					fail_msg("%s to %s, round %d", plans[i]->node, p->name,
						 round);
			}
		snapshot_unref(snap);
	}
	assert_true(n_pairs > 1000);
}

/* The order of what is read says nothing. */
static void plans_are_stable(void **state)
{
	struct random rnd = { 9 };

	(void)state;
	for (int round = 0; round < 50; round++) {
		auto_arena struct arena a = { 0 };
		struct snapshot *one = fabric_read(any_fabric(&rnd, &a)), *two = snapshot_new();
		const struct plan *p, *q;
		size_t n;
		const struct plan_change *changes;

		for (int k = KIND_COUNT; k-- > 0;)
			for (size_t i = snapshot_count(one, kinds[k]); i-- > 0;)
				snapshot_put(two, resource_ref(snapshot_at(one, kinds[k], i)));
		p = plan_compute(one, "n1", &no_facts, &a);
		q = plan_compute(two, "n1", &no_facts, &a);
		changes = plan_diff(p, q, &a, &n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(changes[i].effect, EFFECT_NONE);
		assert_int_equal(p->n_problems, q->n_problems);
		for (size_t i = 0; i < p->n_problems; i++)
			assert_string_equal(p->problems[i].text, q->problems[i].text);
		snapshot_unref(one);
		snapshot_unref(two);
	}
}

/* What nobody can read is said on every node, in words that a status can carry. */
static void broken_is_said(void **state)
{
	static const char json[] = "{\"spec\":{\"peerIP\":\"x\",\"asNumber\":-1}}";
	struct snapshot *snap = fabric_read(FABRIC_NODE("n1", "ipv4Address: 10.0.0.1/24"));
	auto_arena struct arena a = { 0 };
	const struct plan *p;

	(void)state;
	snapshot_put(snap, resource_from_json(&kind_bgppeer, "p", "1", json, strlen(json),
					      DECODE_TOLERANT));
	snapshot_put(snap, resource_from_json(&kind_node, "a\x1b[31m\n\xff", "1", "{}", 2,
					      DECODE_TOLERANT));
	p = plan_compute(snap, "n1", &no_facts, &a);
	assert_int_equal(p->n_problems, 2);
	assert_int_equal(p->n_broken, 2);
	assert_string_equal(p->problems[0].origin, "bgppeer/p");
	assert_int_equal(p->problems[0].code, PROBLEM_INVALID);
	assert_non_null(strstr(p->problems[0].text, "spec.peerIP: \"x\" is not"));
	assert_non_null(strstr(p->problems[0].text, " (and 1 more); what BIRD runs because of it"));
	assert_int_equal(strncmp(p->problems[1].origin, "node/a", 6), 0);
	for (const char *c = p->problems[1].origin; *c; c++)
		assert_true((unsigned char)*c >= 0x20);
	assert_int_equal(text_utf8(p->problems[1].origin, strlen(p->problems[1].origin)),
			 strlen(p->problems[1].origin));
	snapshot_unref(snap);
}

/* Each object that nobody can read is one problem of each node that it concerns, and of no other. */
static void broken_concerns(void **state)
{
	/* clang-format off */
	static const struct { const struct kind *kind; const char *name, *origin; bool unknown; } cases[] = {
		{ &kind_bgppeer, "x", "bgppeer/x", false },
		{ &kind_bgppeer, "x y", "bgppeer/x y", false },
		{ &kind_node, "n1", "node/n1", true },
		{ &kind_node, "n2", "node/n2", false },
		{ &kind_node, "n 3", "node/n 3", false },
		{ &kind_bgpconfiguration, "default", "bgpconfiguration/default", true },
		{ &kind_bgpconfiguration, "node.n1", "bgpconfiguration/node.n1", true },
		{ &kind_bgpconfiguration, "node.n2", "bgpconfiguration/node.n2", false },
		{ &kind_bgpconfiguration, "node.n9", NULL, false }, /* no such node */
		{ &kind_bgpconfiguration, "other", NULL, false },
		{ &kind_bgpconfiguration, "node.n 2", NULL, false },
		{ &kind_ippool, "p", "ippool/p", false },
		{ &kind_ippool, "p p", "ippool/p p", false },
		{ &kind_bgpfilter, "used", "bgpfilter/used", false },
		{ &kind_bgpfilter, "unused", NULL, false },
		{ &kind_bgpfilter, "u u", NULL, false },
		{ &kind_bgpfilter, "of-n2", NULL, false },
		{ &kind_bgpfilter, "of-loser", NULL, false },
		{ &kind_blockaffinity, "b", NULL, false },
		{ &kind_clusterinformation, "default", NULL, false },
	};
	static const char fabric[] =
		FABRIC_NODE("n1", "ipv4Address: 10.0.0.1/24") FABRIC_NODE("n2", "ipv4Address: 10.0.0.2/24")
		FABRIC_PEER("a", "peerIP: 192.0.2.1, asNumber: 1, filters: [used, used]")
		FABRIC_PEER("b", "peerIP: 192.0.2.1, asNumber: 1, filters: [of-loser]")
		FABRIC_PEER("c", "peerIP: 192.0.2.2, asNumber: 1, filters: [used]")
		FABRIC_PEER("d", "node: n2, peerIP: 192.0.2.3, asNumber: 1, filters: [of-n2]");
	/* clang-format on */
	static const char json[] = "{\"spec\":5}";

	(void)state;
	for (size_t i = 0; i <= lengthof(cases); i++) { /* the last round has all but what holds */
		struct snapshot *snap = fabric_read(fabric);
		auto_arena struct arena a = { 0 };
		const struct plan *p;
		size_t n = 0, wanted = 0;

		for (size_t j = 0; j < lengthof(cases); j++)
			if (i == lengthof(cases) ? !cases[j].unknown : i == j) {
				snapshot_put(snap, resource_from_json(cases[j].kind, cases[j].name,
								      "1", json, strlen(json),
								      DECODE_TOLERANT));
				wanted += cases[j].origin != NULL;
			}
		p = plan_compute(snap, "n1", &no_facts, &a);
		for (size_t k = 0; k < p->n_problems; k++) {
			const struct problem *one = &p->problems[k];
			bool known = false;

			assert_false(k && one[-1].code == one->code &&
				     strcmp(one[-1].origin, one->origin) == 0 &&
				     str_eq(one[-1].peering, one->peering));
			if (one->code != PROBLEM_INVALID)
				continue;
			for (size_t j = 0; j < lengthof(cases); j++)
				known |= str_eq(cases[j].origin, p->problems[k].origin);
			if (!known)
				fail_msg("%zu: %s: %s", i, p->problems[k].origin,
					 p->problems[k].text);
			n++;
		}
		if (n != wanted)
			fail_msg("%zu: %zu problems, not %zu", i, n, wanted);
		assert_int_equal(p->known, i == lengthof(cases) || !cases[i].unknown);
		snapshot_unref(snap);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(problem_names_are_there),
		cmocka_unit_test(extension_values),
		cmocka_unit_test(secrets_without_doubles),
		cmocka_unit_test(on_link),
		cmocka_unit_test(ends_agree),
		cmocka_unit_test(plans_are_stable),
		cmocka_unit_test(broken_is_said),
		cmocka_unit_test(broken_concerns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
