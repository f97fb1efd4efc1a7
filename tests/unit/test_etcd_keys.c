/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"

#define RESOURCES "/calico/resources/v3/projectcalico.org/"
#define HOST	  "/calico/ipam/v2/host/"

/* clang-format off */
static const struct {
	const struct kind *kind;
	const char *name, *key;
} keys[] = {
	{ &kind_node,               "tor-a",        RESOURCES "nodes/tor-a" },
	{ &kind_bgpconfiguration,   "default",      RESOURCES "bgpconfigurations/default" },
	{ &kind_bgppeer,            "a.b-c",        RESOURCES "bgppeers/a.b-c" },
	{ &kind_bgpfilter,          "f",            RESOURCES "bgpfilters/f" },
	{ &kind_ippool,             "p",            RESOURCES "ippools/p" },
	{ &kind_clusterinformation, "default",      RESOURCES "clusterinformations/default" },
	{ &kind_nodestatus,         "tor-a",        "/peerage/v1/nodestatuses/tor-a" },
	/* No names that anyone could give, but a key is what it is. */
	{ &kind_bgppeer,            "",             RESOURCES "bgppeers/" },
	{ &kind_bgppeer,            "/",            RESOURCES "bgppeers//" },
	{ &kind_bgppeer,            "a/b/c",        RESOURCES "bgppeers/a/b/c" },
	{ &kind_nodestatus,         "x/../y",       "/peerage/v1/nodestatuses/x/../y" },
	{ &kind_node,               "\xff\n\x1b[",  RESOURCES "nodes/\xff\n\x1b[" },
};

static const struct {
	const char *key;
	size_t len;
	const struct kind *kind; /* NULL: nothing of ours */
	const char *name;
} parsed[] = {
#define KEY(literal) (literal), sizeof(literal) - 1
	{ KEY(RESOURCES "bgppeers/a\0b"),              &kind_bgppeer, "a?b" },
	{ KEY(RESOURCES "bgppeers/a\0"),               &kind_bgppeer, "a?" },
	{ KEY("/peerage/v1/nodestatuses/\0"),          &kind_nodestatus, "?" },
	{ KEY(RESOURCES "bgppeers\0/a"),               NULL, "" },
	{ KEY(RESOURCES "bgppeers\0x/a"),              NULL, "" },
	{ KEY(RESOURCES "\0/a"),                       NULL, "" },
	{ KEY(RESOURCES "bgppeers"),                   NULL, "" },
	{ KEY(RESOURCES "bgppeer/a"),                  NULL, "" },
	{ KEY(RESOURCES "BGPPeers/a"),                 NULL, "" },
	{ KEY(RESOURCES),                              NULL, "" },
	{ KEY(RESOURCES "/a"),                         NULL, "" },
	{ KEY(RESOURCES "/bgppeers/a"),                NULL, "" },
	{ KEY(RESOURCES "globalnetworkpolicies/a"),    NULL, "" },
	{ KEY(RESOURCES "workloadendpoints/n/a"),      NULL, "" },
	{ KEY(RESOURCES "profiles/kns.default"),       NULL, "" },
	{ KEY(RESOURCES "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/a"), NULL, "" },
	{ KEY(RESOURCES "nodestatuses/a"),             NULL, "" },
	{ KEY(RESOURCES "blockaffinities/a"),          NULL, "" },
	{ KEY("/peerage/v1/nodestatuses"),             NULL, "" },
	{ KEY("/peerage/v2/nodestatuses/a"),           NULL, "" },
	{ KEY("/peerage/v1/bgppeers/a"),               NULL, "" },
	{ KEY("/calico/resources/v3/crd.projectcalico.org/bgppeers/a"), NULL, "" },
	{ KEY("calico/resources/v3/projectcalico.org/bgppeers/a"), NULL, "" },
	{ KEY(""),                                     NULL, "" },
	{ KEY("\0"),                                   NULL, "" },
	{ KEY("/"),                                    NULL, "" },

	{ KEY(HOST "tor-a/ipv4/block/10.0.0.0-26"),    &kind_blockaffinity, "tor-a-10-0-0-0-26" },
	{ KEY(HOST "n/ipv6/block/fd00:1::-122"),       &kind_blockaffinity, "n-fd00-1---122" },
	{ KEY(HOST "a.b/ipv4/block/10.0.0.0/26"),      &kind_blockaffinity, "a.b-10-0-0-0-26" },
	{ KEY(HOST "n/ipv4/block/\0x"),                &kind_blockaffinity, "n-?x" },
	{ KEY(HOST "n/ipv5/block/10.0.0.0-26"),        NULL, "" },
	{ KEY(HOST "n/ipv4/block/"),                   NULL, "" },
	{ KEY(HOST "n/ipv4/blocks/10.0.0.0-26"),       NULL, "" },
	{ KEY(HOST "n/ipv4"),                          NULL, "" },
	{ KEY(HOST "n/"),                              NULL, "" },
	{ KEY(HOST "n"),                               NULL, "" },
	{ KEY(HOST "/ipv4/block/10.0.0.0-26"),         NULL, "" },
	{ KEY(HOST),                                   NULL, "" },
	{ KEY("/calico/ipam/v2/handle/x"),             NULL, "" },
	{ KEY("/calico/ipam/v2/assignment/ipv4/block/10.0.0.0-26"), NULL, "" },
#undef KEY
};
/* clang-format on */

static const struct kind *parse(const char *key, size_t len, struct buf *name)
{
	auto_free char *copy = malloc(len); /* what is read behind it is noticed */

	memcpy(copy, key, len);
	return etcd_key_parse(copy, len, name);
}

static bool is_in(const struct key_range *r, const char *key)
{
	return strcmp(key, r->from) >= 0 && strcmp(key, r->to) < 0;
}

static void test_both_ways(void **state)
{
	auto_buf struct buf key = { 0 }, name = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(keys); i++) {
		struct key_range r = etcd_keys_of(keys[i].kind);

		assert_true(etcd_key(keys[i].kind, keys[i].name, &key));
		assert_string_equal(buf_text(&key), keys[i].key);
		assert_ptr_equal(parse(key.at, key.len, &name), keys[i].kind);
		assert_string_equal(buf_text(&name), keys[i].name);
		assert_true(is_in(&r, key.at));
	}
	assert_false(etcd_key(&kind_blockaffinity, "x", &key));
}

static void test_parse(void **state)
{
	auto_buf struct buf name = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(parsed); i++) {
		const struct kind *kind = parse(parsed[i].key, parsed[i].len, &name);

		assert_ptr_equal(kind, parsed[i].kind);
		if (kind)
			assert_string_equal(buf_text(&name), parsed[i].name);
	}
}

/* A kind's range has its keys, and the ones of no other kind. */
static void test_range_of_one(void **state)
{
	auto_buf struct buf key = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(kinds); i++) {
		struct key_range r = etcd_keys_of(kinds[i]);

		assert_int_equal(r.from[strlen(r.from) - 1], '/');
		assert_int_equal(r.to[strlen(r.to) - 1], '0');
		assert_true(is_in(&r, r.from));
		assert_false(is_in(&r, r.to));
		for (size_t j = 0; j < lengthof(kinds); j++) {
			etcd_key(kinds[j], "\xff\xff", &key);
			assert_int_equal(is_in(&r, buf_text(&key)), i == j);
		}
	}
}

/* It has the kinds that are asked for in it, and nothing that is not Calico's or changes often. */
static void test_range(void **state)
{
	static const char *const foreign[] = { RESOURCES "profiles/p", RESOURCES "workloadendpoints/n/w",
					       RESOURCES, RESOURCES "zzz/z" };
	const unsigned stored = kinds_without(KIND_FILES_ONLY), watched = stored & kinds_without(KIND_UNWATCHED);
	struct key_range r;
	auto_buf struct buf key = { 0 };

	(void)state;
	for (unsigned wanted = 0; wanted <= stored; wanted++) {
		if (wanted & ~stored)
			continue;
		assert_int_equal(etcd_keys_range(wanted, &r), (wanted & watched) != 0);
		if (!(wanted & watched))
			continue;
		assert_true(strcmp(r.from, r.to) < 0);
		for (size_t j = 0; j < lengthof(foreign); j++)
			assert_false(is_in(&r, foreign[j]));
		for (size_t i = 0; i < lengthof(kinds); i++) {
			etcd_key(kinds[i], "a", &key);
			if (wanted & watched & 1u << kinds[i]->id)
				assert_true(is_in(&r, key.at));
			else if (strncmp(key.at, RESOURCES, strlen(RESOURCES)) != 0)
				assert_false(is_in(&r, key.at));
		}
	}
}

static void test_range_of_resources(void **state)
{
	struct key_range r;

	(void)state;
	assert_true(etcd_keys_range(1u << KIND_NODE | 1u << KIND_BGPPEER | 1u << KIND_BGPCONFIGURATION |
					    1u << KIND_NODESTATUS,
				    &r));
	assert_string_equal(r.from, RESOURCES "bgpconfigurations/");
	assert_string_equal(r.to, RESOURCES "nodes0");
}

/* clang-format off */
static const struct {
	const char *key, *value, *want;
} values[] = {
#define OBJECT(node, cidr, rest)                                                               \
	"{\"kind\":\"BlockAffinity\",\"apiVersion\":\"projectcalico.org/v3\","                     \
	"\"metadata\":{\"name\":\"x\"},"                                                           \
	"\"spec\":{\"node\":\"" node "\",\"type\":\"host\",\"cidr\":\"" cidr "\"" rest
	{ HOST "n/ipv4/block/10.0.0.0-26", "{\"state\":\"confirmed\"}",
	  OBJECT("n", "10.0.0.0/26", ",\"state\":\"confirmed\"}}") },
	{ HOST "n/ipv6/block/fd00:1::-122", " {\n \"state\":\"pending\", \"deleted\":\"false\" }",
	  OBJECT("n", "fd00:1::/122", ",\"state\":\"pending\", \"deleted\":\"false\" }}") },
	{ HOST "n/ipv4/block/10.0.0.0-26", "{}",      OBJECT("n", "10.0.0.0/26", "}}") },
	{ HOST "n/ipv4/block/10.0.0.0-26", "{ }",     OBJECT("n", "10.0.0.0/26", "}}") },
	{ HOST "n/ipv4/block/10.0.0.0-26", "",        OBJECT("n", "10.0.0.0/26", "}}") },
	{ HOST "n\"\\/ipv4/block/\"\n",    "{}",      OBJECT("n\\\"\\\\", "\\\"\\n", "}}") },
	/* Broken, and that it is must show. */
	{ HOST "n/ipv4/block/10.0.0.0-26", "x",       OBJECT("n", "10.0.0.0/26", ",x}") },
	{ HOST "n/ipv4/block/10.0.0.0-26", "[]",      OBJECT("n", "10.0.0.0/26", ",[]}") },
#undef OBJECT
};
/* clang-format on */

static void test_value(void **state)
{
	auto_buf struct buf buf = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(values); i++) {
		auto_arena struct arena a = { 0 };
		struct diags d = { .arena = &a };
		size_t len = strlen(values[i].value);
		auto_free char *value = malloc(len);
		const char *got;

		memcpy(value, values[i].value, len);
		got = etcd_value(&kind_blockaffinity, values[i].key, "x", value, &len, &buf);
		assert_int_equal(len, strlen(values[i].want));
		assert_memory_equal(got, values[i].want, len);
		if (*values[i].value == ' ' || *values[i].value == '{')
			assert_non_null(json_parse(got, len, &a, &d));
		else if (*values[i].value)
			assert_null(json_parse(got, len, &a, &d));
	}
}

/* Everything else is what it is. */
static void test_value_plain(void **state)
{
	auto_buf struct buf buf = { 0 };
	const char *value = "{\"a\":1}";
	size_t len = 7;

	(void)state;
	assert_ptr_equal(etcd_value(&kind_bgppeer, RESOURCES "bgppeers/x", "x", value, &len, &buf),
			 value);
	assert_int_equal(len, 7);
	assert_int_equal(buf.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_range_of_one),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_range_of_resources),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_value_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
