/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents as Calico writes them, with members that no table of ours knows at every level. They
 * come back whole, and an update changes what the user changed and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "model/kinds/specs.h"
#include "model/resource.h"

#define HEAD(kind, name)                                                                           \
	"{\"kind\":\"" kind "\",\"apiVersion\":\"projectcalico.org/v3\",\"metadata\":{\"name\":\"" name  \
	"\",\"uid\":\"6f0c4c5e-3a0b-4a43-9a6a-6a1ce7f0b001\",\"generation\":3,"                      \
	"\"creationTimestamp\":\"2026-08-01T10:00:00Z\",\"labels\":{\"site\":\"a\"},"                \
	"\"annotations\":{\"note\":\"x\"},\"ownerReferences\":[{\"kind\":\"T\",\"uid\":\"1\"}],"      \
	"\"finalizers\":[\"f\"],\"later\":{\"a\":null}},"
/* What a user writes of it. */
#define FILE_HEAD(kind, name)                                                                      \
	"{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"" kind "\",\"metadata\":{\"name\":\"" name  \
	"\",\"labels\":{\"site\":\"a\"},\"annotations\":{\"note\":\"x\"}},"

static const struct calico_case {
	const struct kind *kind;
	const char *stored;
	const char *file;      /* what a user applies */
	const char *was, *now; /* what differs then */
} cases[] = {
	/* clang-format off */
	{ &kind_bgppeer,
	  HEAD("BGPPeer", "x")
	  "\"spec\":{\"node\":\"n1\",\"peerIP\":\"192.0.2.1\",\"asNumber\":65001,\"password\":"
	  "{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\",\"more\":1},\"from\":[]},"
	  "\"sourceAddress\":\"UseNodeIP\",\"maxRestartTime\":\"2m0s\",\"filters\":[\"f\"],"
	  "\"later\":{\"deep\":[1.5,true]}},\"extra\":[]}",
	  FILE_HEAD("BGPPeer", "x")
	  "\"spec\":{\"node\":\"n1\",\"peerIP\":\"192.0.2.1\",\"asNumber\":\"1.0\",\"password\":"
	  "{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\"}},\"sourceAddress\":\"UseNodeIP\","
	  "\"maxRestartTime\":\"2m0s\",\"filters\":[\"f\"]}}",
	  "65001", "65536" },
	{ &kind_bgpconfiguration,
	  HEAD("BGPConfiguration", "default")
	  "\"spec\":{\"logSeverityScreen\":\"Info\",\"nodeToNodeMeshEnabled\":true,"
	  "\"asNumber\":64512,\"serviceClusterIPs\":[{\"cidr\":\"10.96.0.0/12\",\"note\":\"s\"}],"
	  "\"communities\":[{\"name\":\"c\",\"value\":\"1:2\"}],\"prefixAdvertisements\":"
	  "[{\"cidr\":\"10.0.0.0/8\",\"communities\":[\"c\"],\"later\":0}],\"listenPort\":179,"
	  "\"bindMode\":\"None\",\"later\":1}}",
	  FILE_HEAD("BGPConfiguration", "default")
	  "\"spec\":{\"logSeverityScreen\":\"Info\",\"nodeToNodeMeshEnabled\":false,"
	  "\"asNumber\":64512,\"serviceClusterIPs\":[{\"cidr\":\"10.96.0.0/12\"}],"
	  "\"communities\":[{\"name\":\"c\",\"value\":\"1:2\"}],\"prefixAdvertisements\":"
	  "[{\"cidr\":\"10.0.0.0/8\",\"communities\":[\"c\"]}],\"listenPort\":179,"
	  "\"bindMode\":\"None\"}}",
	  "\"nodeToNodeMeshEnabled\":true", "\"nodeToNodeMeshEnabled\":false" },
	{ &kind_bgpfilter,
	  HEAD("BGPFilter", "x")
	  "\"spec\":{\"exportV4\":[{\"cidr\":\"10.0.0.0/8\",\"prefixLength\":{\"min\":16,\"max\":24"
	  "},\"matchOperator\":\"In\",\"action\":\"Accept\",\"operations\":"
	  "[{\"addCommunity\":{\"value\":\"1:2\"}}]},"
	  "{\"action\":\"Reject\"}]}}",
	  FILE_HEAD("BGPFilter", "x")
	  "\"spec\":{\"exportV4\":[{\"cidr\":\"10.0.0.0/8\",\"prefixLength\":{\"min\":16,\"max\":28},"
	  "\"matchOperator\":\"In\",\"action\":\"Accept\",\"operations\":"
	  "[{\"addCommunity\":{\"value\":\"1:2\"}}]},{\"action\":\"Reject\"}]}}",
	  "\"max\":24", "\"max\":28" },
	{ &kind_node,
	  HEAD("Node", "x")
	  "\"spec\":{\"bgp\":{\"asNumber\":64512,\"ipv4Address\":\"10.0.0.1/24\","
	  "\"ipv4IPIPTunnelAddr\":\"10.244.0.1\",\"later\":1},\"ipv4VXLANTunnelAddr\":\"10.244.0.2\","
	  "\"vxlanTunnelMACAddr\":\"66:00:00:00:00:01\",\"orchRefs\":[{\"nodeName\":\"x\","
	  "\"orchestrator\":\"k8s\"}],\"wireguard\":{\"interfaceIPv4Address\":\"10.9.0.1\"},"
	  "\"addresses\":[{\"address\":\"10.0.0.1/24\",\"type\":\"CalicoNodeIP\"}],"
	  "\"interfaces\":[{\"name\":\"eth0\",\"addresses\":[]}],\"later\":2},"
	  "\"status\":{\"podCIDRs\":[\"10.244.0.0/24\"],\"wireguardPublicKey\":\"k\"}}",
	  FILE_HEAD("Node", "x")
	  "\"spec\":{\"bgp\":{\"asNumber\":64512,\"ipv4Address\":\"10.0.0.2/24\"}}}",
	  "\"ipv4Address\":\"10.0.0.1/24\"", "\"ipv4Address\":\"10.0.0.2/24\"" },
	{ &kind_ippool,
	  HEAD("IPPool", "x")
	  "\"spec\":{\"cidr\":\"10.244.0.0/16\",\"vxlanMode\":\"Never\",\"ipipMode\":\"Always\","
	  "\"natOutgoing\":true,\"blockSize\":26,\"nodeSelector\":\"all()\",\"allowedUses\":"
	  "[\"Workload\",\"Tunnel\"],\"assignmentMode\":\"Automatic\",\"later\":[]},"
	  "\"status\":{\"conditions\":[]}}",
	  FILE_HEAD("IPPool", "x")
	  "\"spec\":{\"cidr\":\"10.244.0.0/16\",\"vxlanMode\":\"Never\",\"ipipMode\":\"Always\","
	  "\"natOutgoing\":false,\"blockSize\":26,\"nodeSelector\":\"all()\",\"allowedUses\":"
	  "[\"Workload\",\"Tunnel\"],\"assignmentMode\":\"Automatic\"}}",
	  "\"natOutgoing\":true", "\"natOutgoing\":false" },
	{ &kind_blockaffinity,
	  HEAD("BlockAffinity", "x")
	  "\"spec\":{\"state\":\"confirmed\",\"node\":\"n1\",\"type\":\"host\","
	  "\"cidr\":\"10.244.1.0/26\",\"deleted\":false,\"later\":1}}",
	  FILE_HEAD("BlockAffinity", "x")
	  "\"spec\":{\"state\":\"pending\",\"node\":\"n1\",\"type\":\"host\","
	  "\"cidr\":\"10.244.1.0/26\",\"deleted\":\"false\"}}",
	  "confirmed", "pending" },
	{ &kind_clusterinformation,
	  HEAD("ClusterInformation", "default")
	  "\"spec\":{\"clusterGUID\":\"0123456789abcdef0123456789abcdef\",\"clusterType\":\"k8s,bgp\","
	  "\"calicoVersion\":\"v3.33.0\",\"datastoreReady\":true,\"variant\":\"Calico\",\"later\":1}}",
	  FILE_HEAD("ClusterInformation", "default")
	  "\"spec\":{\"clusterGUID\":\"0123456789abcdef0123456789abcdef\",\"clusterType\":\"k8s,bgp\","
	  "\"calicoVersion\":\"v3.34.0\",\"datastoreReady\":true,\"variant\":\"Calico\"}}",
	  "v3.33.0", "v3.34.0" },
	/* clang-format on */
};

static const struct value *parse(const char *json, struct arena *a)
{
	struct diags d = { .arena = a };
	const struct value *v = json_parse(json, strlen(json), a, &d);

	assert_non_null(v);
	return v;
}

static struct resource *stored(const struct kind *kind, const char *json)
{
	const char *name = strstr(json, "\"name\":\"default\"") ? "default" : "x";

	return resource_from_json(kind, name, "7", json, strlen(json),
				  DECODE_TOLERANT | DECODE_KEEP_DOC);
}

static const char *print(const struct value *v, struct arena *a)
{
	auto_buf struct buf text = { 0 };

	json_print(v, 0, &text);
	return arena_str(a, buf_text(&text));
}

static void assert_value(const struct value *v, const char *want, struct arena *a)
{
	if (!value_eq(v, parse(want, a)))
		assert_string_equal(print(v, a), want);
}

/* What FILE makes of HAVE. */
static struct value update(const struct resource *have, const char *file, struct arena *a)
{
	struct resource *r = resource_decode(have->kind, parse(file, a), DECODE_KEEP_DOC, "f", NULL);
	struct resource wanted = *r;
	struct value v;

	assert_false(resource_broken(r));
	wanted.meta.uid = have->meta.uid;
	wanted.meta.created = have->meta.created;
	v = resource_stored(&wanted, have, a);
	v = *parse(print(&v, a), a); /* it does not point into the file */
	resource_unref(r);
	return v;
}

static void test_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct resource *r = stored(cases[i].kind, cases[i].stored);
		struct value v = resource_stored(r, NULL, &a);
		size_t head = (size_t)(strstr(cases[i].stored, "\"spec\"") - cases[i].stored);

		assert_false(resource_broken(r));
		assert_value(&v, cases[i].stored, &a);
		assert_memory_equal(print(&v, &a), cases[i].stored, head);
		resource_unref(r);
	}
}

static void test_update(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct resource *r = stored(cases[i].kind, cases[i].stored), *next;
		const char *at = strstr(cases[i].stored, cases[i].was);
		const char *want = arena_printf(&a, "%.*s%s%s", (int)(at - cases[i].stored),
						cases[i].stored, cases[i].now,
						at + strlen(cases[i].was));
		struct value v = update(r, cases[i].file, &a), old = resource_stored(r, NULL, &a);

		assert_value(&v, want, &a);
		assert_false(value_eq(&v, &old));
		next = stored(cases[i].kind, print(&v, &a));
		v = update(next, cases[i].file, &a);
		old = resource_stored(next, NULL, &a);
		assert_true(value_eq(&v, &old));
		resource_unref(next);
		resource_unref(r);
	}
}

#define BLOCK(n, rest) "{\"cidr\":\"10." n ".0.0/16\"" rest "}"

/* Which item of a list a stored member belongs to. */
static void test_lists(void **state)
{
	/* clang-format off */
	static const struct { const char *have, *file, *want; } lists[] = {
		{ BLOCK("1", ",\"x\":1") "," BLOCK("2", ",\"x\":2"),
		  BLOCK("2", "") "," BLOCK("1", ""),
		  BLOCK("2", ",\"x\":2") "," BLOCK("1", ",\"x\":1") },
		{ BLOCK("1", ",\"x\":1"),
		  BLOCK("2", "") "," BLOCK("1", ""),
		  BLOCK("2", "") "," BLOCK("1", ",\"x\":1") },
		{ BLOCK("1", ",\"x\":1") "," BLOCK("2", ""),
		  BLOCK("3", "") "," BLOCK("2", ""),
		  BLOCK("3", ",\"x\":1") "," BLOCK("2", "") },
		{ BLOCK("1", ",\"x\":1"), BLOCK("1", "") "," BLOCK("1", ""),
		  BLOCK("1", ",\"x\":1") "," BLOCK("1", "") },
		{ BLOCK("1", ",\"x\":1"), "", "" },
	};
	/* clang-format on */
	static const char frame[] =
		"{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"BGPConfiguration\",\"metadata\":"
		"{\"name\":\"default\"},\"spec\":{\"serviceClusterIPs\":[%s]}}";

	(void)state;
	for (size_t i = 0; i < lengthof(lists); i++) {
		auto_arena struct arena a = { 0 };
		struct resource *r = stored(&kind_bgpconfiguration,
					    arena_printf(&a, frame, lists[i].have));
		struct value v = update(r, arena_printf(&a, frame, lists[i].file), &a);
		const struct value *rules = value_get(value_get(&v, "spec"), "serviceClusterIPs");

		if (*lists[i].want)
			assert_value(rules, arena_printf(&a, "[%s]", lists[i].want), &a);
		else
			assert_null(rules);
		resource_unref(r);
	}
}

/* What the store has, what a file says, and what becomes of it. */
static void test_corners(void **state)
{
	/* clang-format off */
	static const struct { const char *have, *file, *want; } nodes[] = {
		/* labels are the file's alone; what is never stored goes */
		{ "{\"metadata\":{\"selfLink\":\"s\",\"managedFields\":[],\"resourceVersion\":\"3\","
		  "\"generateName\":\"g\",\"labels\":{\"a\":\"b\"},\"creationTimestamp\":null},"
		  "\"spec\":null,\"status\":{}}",
		  "\"spec\":{}",
		  "\"metadata\":{\"name\":\"x\",\"creationTimestamp\":null},\"spec\":{},\"status\":{}" },
		/* the file's word counts, also for what is not ours */
		{ "{\"spec\":{\"wireguard\":{\"a\":1}},\"status\":{\"b\":1}}",
		  "\"spec\":{\"wireguard\":{\"c\":1}},\"status\":{\"d\":1}",
		  "\"metadata\":{\"name\":\"x\",\"creationTimestamp\":null},"
		  "\"spec\":{\"wireguard\":{\"c\":1}},\"status\":{\"d\":1}" },
		/* a struct goes with what others had in it */
		{ "{\"spec\":{\"bgp\":{\"asNumber\":1,\"later\":1}},\"status\":null}",
		  "\"spec\":{}",
		  "\"metadata\":{\"name\":\"x\",\"creationTimestamp\":null},\"spec\":{},\"status\":{}" },
		/* what is broken is mended, and keeps the rest */
		{ "{\"spec\":{\"bgp\":{\"asNumber\":\"x\",\"later\":1},\"wireguard\":7,\"more\":2}}",
		  "\"spec\":{\"bgp\":{\"asNumber\":1}}",
		  "\"metadata\":{\"name\":\"x\",\"creationTimestamp\":null},\"spec\":{\"bgp\":"
		  "{\"asNumber\":1,\"later\":1},\"wireguard\":7,\"more\":2},\"status\":{}" },
		{ "[1]", "\"spec\":{}",
		  "\"metadata\":{\"name\":\"x\",\"creationTimestamp\":null},\"spec\":{},\"status\":{}" },
		{ "{", "\"spec\":{}",
		  "\"metadata\":{\"name\":\"x\",\"creationTimestamp\":null},\"spec\":{},\"status\":{}" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < lengthof(nodes); i++) {
		auto_arena struct arena a = { 0 };
		struct resource *r = stored(&kind_node, nodes[i].have), *next;
		struct value v = update(r,
					arena_printf(&a, "{\"apiVersion\":\"projectcalico.org/v3\","
							 "\"kind\":\"Node\",\"metadata\":{\"name\":"
							 "\"x\"},%s}",
						     nodes[i].file),
					&a);

		assert_value(&v,
			     arena_printf(&a, "{\"kind\":\"Node\",\"apiVersion\":"
					      "\"projectcalico.org/v3\",%s}",
					  nodes[i].want),
			     &a);
		next = stored(&kind_node, print(&v, &a));
		assert_false(resource_broken(next));
		resource_unref(next);
		resource_unref(r);
	}
}

/* A limit that is misspelt or fell out breaks an object until a file says what is meant. */
static void test_limit_mended(void **state)
{
	static const char *const broken[] = {
		HEAD("BGPPeer", "x") "\"spec\":{\"peerIP\":\"10.0.0.1\",\"filter\":[\"f\"],\"kept\":1}}",
		HEAD("BGPPeer", "x") "\"spec\":{\"peerIP\":\"10.0.0.1\",\"kept\":1},\"filters\":[\"f\"]}",
		HEAD("BGPPeer", "x") "\"spec\":{\"peerIP\":\"10.0.0.1\",\"kept\":1},\"Spec\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < lengthof(broken); i++) {
		auto_arena struct arena a = { 0 };
		struct resource *r = stored(&kind_bgppeer, broken[i]), *next;
		struct value v = update(r,
					FILE_HEAD("BGPPeer", "x") "\"spec\":{\"peerIP\":\"10.0.0.1\","
								  "\"filters\":[\"f\"]}}",
					&a);

		assert_true(resource_broken(r));
		next = stored(&kind_bgppeer, print(&v, &a));
		assert_false(resource_broken(next));
		assert_non_null(strstr(print(&v, &a), "\"kept\":1"));
		resource_unref(next);
		resource_unref(r);
	}
}

/* A filter with what we do not know is broken, and only the file's is what it is then. */
static void test_mended(void **state)
{
	static const char file[] = FILE_HEAD("BGPFilter", "x") "\"spec\":{\"importV4\":[{\"action\":"
							       "\"Reject\"}]}}";
	auto_arena struct arena a = { 0 };
	struct resource *r = stored(&kind_bgpfilter,
				    HEAD("BGPFilter", "x") "\"spec\":{\"importV4\":[{\"action\":\"Reject\","
							   "\"later\":1}],\"later\":2}}");
	struct value v = update(r, file, &a);
	struct resource *next = stored(&kind_bgpfilter, print(&v, &a));

	(void)state;
	assert_true(resource_broken(r));
	assert_false(resource_broken(next));
	assert_non_null(strstr(print(&v, &a), "\"finalizers\":[\"f\"],\"later\":{\"a\":null}}"));
	resource_unref(next);
	resource_unref(r);
}

/* Nobody but a store sees what Go writes of nothing. */
static void test_shown(void **state)
{
	auto_arena struct arena a = { 0 };
	struct resource *r = stored(&kind_node, "{\"metadata\":{\"creationTimestamp\":null},"
						"\"spec\":{},\"status\":{}}");
	struct value v = resource_encode(r, &a);

	(void)state;
	assert_string_equal(print(&v, &a),
			    "{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"Node\",\"metadata\":"
			    "{\"name\":\"x\",\"resourceVersion\":\"7\"},\"spec\":{}}");
	resource_unref(r);
}

static void test_deleted(void **state)
{
	static const struct {
		const char *json;
		enum tristate deleted;
	} words[] = { { "true", YES },	    { "false", NO },	    { "\"true\"", YES },
		      { "\"false\"", NO }, { "null", UNSET } };

	(void)state;
	for (size_t i = 0; i < lengthof(words); i++) {
		auto_arena struct arena a = { 0 };
		struct resource *r = stored(
			&kind_blockaffinity,
			arena_printf(&a, "{\"spec\":{\"deleted\":%s}}", words[i].json));

		assert_false(resource_broken(r));
		assert_int_equal(resource_spec(r, blockaffinity)->deleted, words[i].deleted);
		resource_unref(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_and_written), cmocka_unit_test(test_update),
		cmocka_unit_test(test_lists),		 cmocka_unit_test(test_corners),
		cmocka_unit_test(test_mended), cmocka_unit_test(test_limit_mended),
		cmocka_unit_test(test_shown),		 cmocka_unit_test(test_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
