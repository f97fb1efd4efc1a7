/* SPDX-License-Identifier: Apache-2.0 */
/* What texts become in C, and how they are written back. */
#include "model/resource.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "model/kinds/specs.h"

static struct resource *peer(const char *spec)
{
	auto_buf struct buf json = { 0 };

	buf_printf(&json, "{\"spec\":{%s}}", spec);
	return resource_from_json(&kind_bgppeer, "x", NULL, buf_text(&json), json.len,
				  DECODE_TOLERANT);
}

static void test_as_numbers(void **state)
{
	static const struct {
		const char *text;
		uint32_t number;
	} cases[] = {
		{ "0", 0 },
		{ "\"\"", 0 },
		{ "1", 1 },
		{ "4294967295", 4294967295 },
		{ "\"64512\"", 64512 },
		{ "\"0.1\"", 1 },
		{ "\"1.0\"", 65536 },
		{ "\"65535.65535\"", 4294967295 },
		{ "\"1.10\"", 65546 },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_buf struct buf spec = { 0 };
		struct resource *r;

		buf_printf(&spec, "\"peerIP\":\"10.0.0.1\",\"asNumber\":%s", cases[i].text);
		r = peer(buf_text(&spec));
		assert_false(resource_broken(r));
		assert_int_equal(resource_spec(r, bgppeer)->as_number, cases[i].number);
		resource_unref(r);
	}
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		uint32_t seconds;
	} cases[] = {
		{ "90s", 90 },	  { "1m30s", 90 }, { "1h", 3600 }, { "500ms", 1 },
		{ "1499ms", 1 },  { "1.5s", 2 },   { "2.4s", 2 },  { "4095s", 4095 },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_buf struct buf spec = { 0 };
		struct resource *r;

		buf_printf(&spec, "\"maxRestartTime\":\"%s\"", cases[i].text);
		r = peer(buf_text(&spec));
		assert_false(resource_broken(r));
		assert_int_equal(resource_spec(r, bgppeer)->max_restart_time.value,
				 cases[i].seconds);
		assert_string_equal(resource_spec(r, bgppeer)->max_restart_time.text,
				    cases[i].text);
		resource_unref(r);
	}
}

/* The normal form: what is written back. */
static void test_normal_form(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "\"node\":\"\",\"filters\":[],\"extensions\":{}", "" },
		{ "\"asNumber\":\"1.1\"", "\"asNumber\":65537" },
		{ "\"peerIP\":\"FD00:0::1\"", "\"peerIP\":\"fd00::1\"" },
		{ "\"peerIP\":\"::ffff:10.0.0.1\"", "\"peerIP\":\"10.0.0.1\"" },
		{ "\"peerIP\":\"[fe80::1%eth0]:1790\"", "\"peerIP\":\"[fe80::1%eth0]:1790\"" },
		{ "\"asNumber\":5,\"peerIP\":\"10.0.0.1:1790\"",
		  "\"peerIP\":\"10.0.0.1:1790\",\"asNumber\":5" },
		{ "\"maxRestartTime\":\"2m\"", "\"maxRestartTime\":\"2m\"" },
		{ "\"keepOriginalNextHop\":false", "\"keepOriginalNextHop\":false" },
		{ "\"ttlSecurity\":0", "\"ttlSecurity\":0" },
		{ "\"extensions\":{\"b\":\"1\",\"a\":\"\"}",
		  "\"extensions\":{\"a\":\"\",\"b\":\"1\"}" },
		{ "\"nodeSelector\":\"a=='b'\"", "\"nodeSelector\":\"a=='b'\"" },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct resource *r = peer(cases[i].in);
		auto_arena struct arena a = { 0 };
		auto_buf struct buf out = { 0 }, want = { 0 };
		struct value doc = resource_encode(r, &a);

		assert_false(resource_broken(r));
		json_print(value_get(&doc, "spec"), 0, &out);
		buf_printf(&want, "{%s}", cases[i].out);
		assert_string_equal(buf_text(&out), buf_text(&want));
		resource_unref(r);
	}
}

static void test_fields(void **state)
{
	struct resource *r = peer("\"peerIP\":\"[fe80::1%eth0]:1790\",\"restartMode\":"
				  "\"LongLivedGracefulRestart\",\"password\":{\"secretKeyRef\":"
				  "{\"name\":\"s\",\"key\":\"k\"}},\"filters\":[\"a\",\"b\"],"
				  "\"extensions\":{\"k\":\"v\"},\"sourceAddress\":\"None\"");
	const struct bgppeer *p = resource_spec(r, bgppeer);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->peer_ip.port, 1790);
	assert_string_equal(p->peer_ip.zone, "eth0");
	assert_int_equal(p->restart_mode, RESTART_LLGR);
	assert_int_equal(p->source_address, SOURCE_NONE);
	assert_string_equal(p->password.ref.name, "s");
	assert_int_equal(p->filters.n, 2);
	assert_string_equal(list_at(p->filters, const char *, 1), "b");
	assert_string_equal(strmap_get(&p->extensions, "k"), "v");
	resource_unref(r);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool valid, kube;
	} cases[] = {
		{ "a", true, true },	 { "some.name", true, true }, { "A", true, false },
		{ "a_b", true, false },	 { "a..b", true, false },     { "-a", true, false },
		{ "a-", true, false },	 { "a-.b", true, false },     { "a.-b", true, false },
		{ "a.b.", true, false }, { "", false, false },	      { ".", false, false },
		{ "..", false, false },	 { "a/b", false, false },     { "a b", false, false },
		{ "a\n", false, false }, { "a\"", false, false },     { "\xc3\xa4", false, false },
		{ "0-1.2", true, true },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		assert_int_equal(name_valid(cases[i].name), cases[i].valid);
		assert_int_equal(name_valid_kube(cases[i].name), cases[i].kube);
	}
}

static void test_communities(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{ "0:0", true },	 { "65535:65535", true }, { "1:2:3", true },
		{ "4294967295:0:0", true }, { "65536:1", false },  { "1", false },
		{ "1:", false },	 { ":1", false },	  { "1:2:", false },
		{ "1:2:3:4", false },	 { "01:2", false },	  { "a:b", false },
		{ "4294967296:0:0", false }, { "", false },	  { "1 :2", false },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++)
		assert_int_equal(community_valid(cases[i].text), cases[i].valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_numbers), cmocka_unit_test(test_times),
		cmocka_unit_test(test_normal_form), cmocka_unit_test(test_fields),
		cmocka_unit_test(test_names),	   cmocka_unit_test(test_communities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
