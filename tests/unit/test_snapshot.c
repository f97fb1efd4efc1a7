/* SPDX-License-Identifier: Apache-2.0 */
#include "model/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "model/random.h"

static struct resource *node(const char *name)
{
	return resource_from_json(&kind_node, name, NULL, "{}", 2, DECODE_TOLERANT);
}

static struct resource *node_number(unsigned i)
{
	char name[32];

	snprintf(name, sizeof name, "n%05u", i);
	return node(name);
}

static void sorted(const struct snapshot *s)
{
	for (size_t i = 1; i < snapshot_count(s, &kind_node); i++)
		assert_true(strcmp(snapshot_at(s, &kind_node, i - 1)->meta.name,
				   snapshot_at(s, &kind_node, i)->meta.name) < 0);
}

static void test_any_order(void **state)
{
	struct snapshot *s = snapshot_new();
	struct random rnd = { .state = 1 };
	bool there[200] = { false };
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		unsigned x = random_below(&rnd, lengthof(there));
		struct resource *r = node_number(x);

		if (random_below(&rnd, 3)) {
			snapshot_put(s, resource_ref(r));
			n += !there[x];
			there[x] = true;
			assert_ptr_equal(snapshot_find(s, &kind_node, r->meta.name), r);
		} else {
			assert_int_equal(snapshot_remove(s, &kind_node, r->meta.name), there[x]);
			n -= there[x];
			there[x] = false;
			assert_null(snapshot_find(s, &kind_node, r->meta.name));
		}
		resource_unref(r);
		assert_int_equal(snapshot_count(s, &kind_node), n);
		sorted(s);
	}
	assert_int_equal(snapshot_count(s, &kind_bgppeer), 0);
	assert_null(snapshot_find(s, &kind_bgppeer, "n00001"));
	snapshot_unref(s);
}

static void test_copies_share(void **state)
{
	struct snapshot *a = snapshot_new(), *b;
	const struct resource *one;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		snapshot_put(a, node_number(i));
	b = snapshot_copy(a);
	one = snapshot_find(a, &kind_node, "n00003");
	assert_ptr_equal(snapshot_find(b, &kind_node, "n00003"), one);
	assert_int_equal(one->refs, 2);
	snapshot_put(b, node("n00003"));
	assert_int_equal(one->refs, 1);
	assert_ptr_not_equal(snapshot_find(b, &kind_node, "n00003"), one);
	assert_true(snapshot_remove(b, &kind_node, "n00004"));
	assert_int_equal(snapshot_count(a, &kind_node), 10);
	assert_int_equal(snapshot_count(b, &kind_node), 9);
	snapshot_unref(snapshot_ref(a));
	snapshot_unref(a);
	assert_string_equal(snapshot_at(b, &kind_node, 0)->meta.name, "n00000");
	snapshot_unref(b);
	snapshot_unref(NULL);
}

/* 5,000 nodes of 16 labels must not cost more than about 2 KiB each. */
static void test_memory(void **state)
{
	auto_buf struct buf json = { 0 };
	struct resource *r;

	(void)state;
	buf_str(&json, "{\"metadata\":{\"uid\":\"0f0e0d0c-0b0a-0908-0706-050403020100\",\"labels\":{");
	for (int i = 0; i < 16; i++)
		buf_printf(&json, "%s\"example.com/key-%02d\":\"value-%02d\"", i ? "," : "", i, i);
	buf_str(&json, "}},\"spec\":{\"bgp\":{\"ipv4Address\":\"10.0.0.1/24\",\"asNumber\":64512}}}");
	r = resource_from_json(&kind_node, "node-00001", "12", buf_text(&json), json.len,
			       DECODE_TOLERANT);
	assert_false(resource_broken(r));
	assert_int_equal(r->meta.labels.n, 16);
	assert_null(r->complaints);
	assert_true(r->arena.size + sizeof *r < 2048);
	resource_unref(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_copies_share),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
