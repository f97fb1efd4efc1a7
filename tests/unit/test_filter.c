/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../lib/fates.h"
#include "fabric.h"

#define NODE FABRIC_NODE("a", "ipv4Address: 10.0.0.1/24, ipv6Address: \"fd00::1/64\"")

/* Each rule and the one line it becomes, in an import filter of an eBGP session. */
static void rules(void **state)
{
	/* clang-format off */
	static const struct { const char *rule, *text; } cases[] = {
		{ "action: Accept", "if true then accept;" },
		{ "action: Reject", "if true then reject;" },
		{ "cidr: 10.0.0.0/8, matchOperator: In, action: Accept", "if net ~ 10.0.0.0/8 then accept;" },
		{ "cidr: 10.0.0.0/8, matchOperator: NotIn, action: Accept", "if !(net ~ 10.0.0.0/8) then accept;" },
		{ "cidr: 10.0.0.0/8, matchOperator: Equal, action: Accept", "if net = 10.0.0.0/8 then accept;" },
		{ "cidr: 10.0.0.0/8, matchOperator: NotEqual, action: Accept", "if !(net = 10.0.0.0/8) then accept;" },
		{ "cidr: 0.0.0.0/0, matchOperator: Equal, action: Reject", "if net = 0.0.0.0/0 then reject;" },
		{ "cidr: 10.0.0.0/8, matchOperator: In, prefixLength: {min: 16}, action: Accept", "if net ~ [ 10.0.0.0/8{16,32} ] then accept;" },
		{ "cidr: 10.0.0.0/8, matchOperator: In, prefixLength: {max: 24}, action: Accept", "if net ~ [ 10.0.0.0/8{8,24} ] then accept;" },
		{ "cidr: 10.0.0.0/8, matchOperator: In, prefixLength: {min: 4, max: 24}, action: Accept", "if net ~ [ 10.0.0.0/8{8,24} ] then accept;" },
		{ "cidr: 10.0.0.0/8, matchOperator: NotIn, prefixLength: {min: 9, max: 9}, action: Accept", "if !(net ~ [ 10.0.0.0/8{9,9} ]) then accept;" },
		{ "cidr: 10.0.0.0/8, matchOperator: In, prefixLength: {max: 7}, action: Accept", "if false then accept;" },
		{ "cidr: 10.0.0.0/8, matchOperator: Equal, prefixLength: {min: 8}, action: Accept", "if false then accept;" },
		{ "cidr: 10.0.0.0/8, matchOperator: NotEqual, prefixLength: {min: 8}, action: Accept", "if !(false) then accept;" },
		{ "source: RemotePeers, action: Accept", "if source = RTS_BGP then accept;" },
		{ "interface: \"cali*\", action: Accept", "if ifname ~ \"cali*\" then accept;" },
		{ "interface: \"*\", action: Accept", "if ifname != \"\" then accept;" },
		{ "priority: 100, action: Accept", "if defined(bgp_local_pref) && bgp_local_pref = 2147483547 then accept;" },
		{ "asPathPrefix: [\"1.0\", 7], action: Accept", "if bgp_path ~ [= 65536 7 * =] then accept;" },
		{ "source: RemotePeers, interface: eth0, action: Reject", "if source = RTS_BGP && ifname ~ \"eth0\" then reject;" },
		{ "peerType: eBGP, action: Reject", "if true then reject;" },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct snapshot *snap = fabric_read(arena_printf(
			&a,
			NODE FABRIC_FILTER("f", "importV4: [{%s}]") FABRIC_PEER(
				"p", "peerIP: 192.0.2.1, asNumber: 65001, filters: [f]"),
			cases[i].rule));
		const struct facts facts = { 0 };
		const struct render_options options = { 0 };
		struct conf *c = render_bird(plan_compute(snap, "a", &facts, &a), &options, &a);

		if (!memmem(buf_text(&c->text), c->text.len,
			    arena_printf(&a, "{\n\t%s\n\taccept;\n}", cases[i].text),
			    strlen(cases[i].text) + 14))
			fail_msg("%s: %s", cases[i].rule, buf_text(&c->text));
		conf_free(c);
		snapshot_unref(snap);
	}
}

/* What is the same stands once; what no session uses does not stand at all. */
static void sharing(void **state)
{
	/* clang-format off */
	static const struct { const char *fabric; size_t n_filters; } cases[] = {
		{ NODE, 0 },
		{ NODE FABRIC_FILTER("f", "importV4: [{action: Reject}]"), 0 },
		{ NODE FABRIC_PEER("p", "peerIP: 192.0.2.1, asNumber: 1") FABRIC_PEER("q", "peerIP: 192.0.2.2, asNumber: 64512"), 1 },
		{ NODE FABRIC_PEER("p", "peerIP: 192.0.2.1, asNumber: 1") FABRIC_PEER("q", "peerIP: \"fd00::2\", asNumber: 1"), 1 },
		{ NODE FABRIC_POOL("x", "cidr: 10.9.0.0/16") FABRIC_PEER("p", "peerIP: 192.0.2.1, asNumber: 1")
		  FABRIC_PEER("q", "peerIP: \"fd00::2\", asNumber: 1"), 2 },
		{ NODE FABRIC_FILTER("f", "importV4: [{action: Reject}]") FABRIC_FILTER("g", "importV4: [{action: Reject}]")
		  FABRIC_PEER("p", "peerIP: 192.0.2.1, asNumber: 1, filters: [f]")
		  FABRIC_PEER("q", "peerIP: 192.0.2.2, asNumber: 1, filters: [g]"), 2 },
		{ NODE FABRIC_FILTER("f", "importV4: [{peerType: iBGP, action: Reject}]")
		  FABRIC_PEER("p", "peerIP: 192.0.2.1, asNumber: 1, filters: [f]")
		  FABRIC_PEER("q", "peerIP: 192.0.2.2, asNumber: 64512, filters: [f]"), 2 },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct snapshot *snap = fabric_read(cases[i].fabric);
		const struct facts facts = { 0 };
		const struct render_options options = { 0 };
		struct conf *c = render_bird(plan_compute(snap, "a", &facts, &a), &options, &a);
		size_t n = 0;

		for (size_t j = 0; j < c->n_blocks; j++)
			n += strcmp(c->blocks[j].origin, "filter") == 0;
		if (n != cases[i].n_filters)
			fail_msg("case %zu: %zu filters", i, n);
		conf_free(c);
		snapshot_unref(snap);
	}
}

/* A password that reads like the name of a block brings nothing along. */
static void kept_text_names_filters_alone(void **state)
{
	auto_arena struct arena a = { 0 };
	struct snapshot *snap =
		fabric_read(NODE FABRIC_SECRET("s", "k: \"x filter peer_192_0_2_2;\"") FABRIC_PEER(
			"p",
			"peerIP: 192.0.2.1, asNumber: 1, password: {secretKeyRef: {name: s, key: k}}")
				    FABRIC_PEER("q", "peerIP: 192.0.2.2, asNumber: 1"));
	static const char *const refused[] = { "peer_192_0_2_1" };
	const struct facts facts = { 0 };
	struct render_options options = { 0 };
	const struct plan *plan = plan_compute(snap, "a", &facts, &a);
	struct conf *last = render_bird(plan, &options, &a), *c;

	(void)state;
	options.last = last;
	options.fates = fates_with(plan, last, last, refused, 1, NULL, 0, &a);
	assert_int_equal(options.fates->items[0].fate.kind, FATE_ABSENT); /* LAST is what is refused */
	c = render_bird(plan, &options, &a);
	assert_null(conf_find(c, refused[0]));
	conf_free(c);
	((struct session_fate *)options.fates->items)[0].fate =
		(struct fate){ FATE_KEEPS, FATE_REFUSED, FATE_TEXT_ACCEPTED, false };
	c = render_bird(plan, &options, &a);
	assert_int_equal(c->n_blocks, last->n_blocks);
	assert_string_equal(c->id, last->id);
	conf_free(c);
	conf_free(last);
	snapshot_unref(snap);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(rules), cmocka_unit_test(sharing),
					    cmocka_unit_test(kept_text_names_filters_alone) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
