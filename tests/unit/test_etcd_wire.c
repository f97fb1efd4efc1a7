/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOLDS(b, literal) holds(b, literal, sizeof(literal) - 1)

static void holds(struct buf *b, const char *at, size_t len)
{
	assert_int_equal(b->len, len);
	assert_memory_equal(b->at, at, len);
	buf_clear(b);
}

/* ---- requests: the bytes that etcd's own client (gogo/protobuf, fields in order) sends ---- */

static void test_range(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	etcd_range_put(&b, &(struct etcd_range){ .from = "/a" });
	HOLDS(&b, "\x0a\x02/a");
	etcd_range_put(&b, &(struct etcd_range){
				   .from = "/a/", .to = "/a0", .limit = 10000, .revision = 300 });
	HOLDS(&b, "\x0a\x03/a/\x12\x03/a0\x18\x90\x4e\x20\xac\x02");
	etcd_range_put(&b, &(struct etcd_range){ .from = "/a/x", .to = "/a0", .from_after = true });
	HOLDS(&b, "\x0a\x05/a/x\0\x12\x03/a0");
	etcd_range_put(&b, &(struct etcd_range){ .from = "k", .keys_only = true });
	HOLDS(&b, "\x0a\x01k\x40\x01");
	etcd_range_put(&b, &(struct etcd_range){ .from = "k\0l", .from_len = 3, .from_after = true });
	HOLDS(&b, "\x0a\x04k\0l\0");
}

/* Where Go writes the zero of a oneof (a version that is compared with 0), it is left out here,
 * which means the same. */
static void test_txn(void **state)
{
	static const struct etcd_change create = { "k", "v", 1, ETCD_ABSENT, 0 };
	static const struct etcd_change update = { "k", "v", 1, ETCD_REVISION, 5 };
	static const struct etcd_change never = { "k", NULL, 0, ETCD_REVISION, -1 };
	static const struct etcd_change replace = { "k", "", 0, ETCD_PRESENT, 0 };
	static const struct etcd_change delete = { .key = "k" };
	auto_buf struct buf b = { 0 };

	(void)state;
	etcd_txn_put(&b, &create, 1, false);
	HOLDS(&b, "\x0a\x03\x1a\x01k"			  /* version == 0 */
		  "\x12\x08\x12\x06\x0a\x01k\x12\x01v"	  /* put */
		  "\x1a\x07\x0a\x05\x0a\x01k\x40\x01");	  /* else: range, keys only */
	etcd_txn_put(&b, &update, 1, true);
	HOLDS(&b, "\x0a\x07\x10\x02\x1a\x01k\x30\x05"	  /* mod revision == 5 */
		  "\x12\x08\x12\x06\x0a\x01k\x12\x01v"
		  "\x1a\x05\x0a\x03\x0a\x01k");
	etcd_txn_put(&b, &never, 1, true);
	HOLDS(&b, "\x0a\x10\x10\x02\x1a\x01k\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
		  "\x12\x05\x1a\x03\x0a\x01k"		  /* delete */
		  "\x1a\x05\x0a\x03\x0a\x01k");
	etcd_txn_put(&b, &replace, 1, true);
	HOLDS(&b, "\x0a\x05\x08\x01\x1a\x01k"		  /* version > 0 */
		  "\x12\x05\x12\x03\x0a\x01k"
		  "\x1a\x05\x0a\x03\x0a\x01k");
	etcd_txn_put(&b, &delete, 1, true);		  /* nothing to compare: nothing else can be */
	HOLDS(&b, "\x12\x05\x1a\x03\x0a\x01k");
	etcd_txn_put(&b, NULL, 0, false);
	assert_int_equal(b.len, 0);
}

/* Comparisons, then what is done, then what is read instead: of all, in the same order. */
static void test_txn_of_several(void **state)
{
	static const struct etcd_change changes[] = { { .key = "a" },
						      { .key = "b", .value = "w", .len = 1,
							.compare = ETCD_PRESENT } };
	auto_buf struct buf b = { 0 };

	(void)state;
	etcd_txn_put(&b, changes, 2, false);
	HOLDS(&b, "\x0a\x05\x08\x01\x1a\x01" "b"
		  "\x12\x05\x1a\x03\x0a\x01" "a"
		  "\x12\x08\x12\x06\x0a\x01" "b\x12\x01w"
		  "\x1a\x07\x0a\x05\x0a\x01" "a\x40\x01"
		  "\x1a\x07\x0a\x05\x0a\x01" "b\x40\x01");
}

static void test_watch(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	etcd_watch_put(&b, "/a/", "/a0", 129);
	HOLDS(&b, "\x0a\x0d\x0a\x03/a/\x12\x03/a0\x18\x81\x01");
}

static void test_authenticate(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	etcd_authenticate_put(&b, "root", "pw");
	HOLDS(&b, "\x0a\x04root\x12\x02pw");
}

/* ---- answers ---- */

static struct pb_field field_of(const char *at, size_t len)
{
	return (struct pb_field){ .is_bytes = true, .at = (const uint8_t *)at, .len = len };
}
#define FIELD(literal) field_of(literal, sizeof(literal) - 1)

static void kv_put(struct buf *b, unsigned field, const char *key, int64_t revision, const char *value)
{
	size_t kv = pb_begin(b, field);

	pb_text(b, 1, key);
	pb_uint(b, 2, 1); /* create_revision */
	pb_uint(b, 3, (uint64_t)revision);
	pb_uint(b, 4, 9); /* version */
	pb_text(b, 5, value);
	pb_uint(b, 6, 77); /* lease */
	pb_end(b, kv);
}

static struct pb_field first_of(const struct buf *b)
{
	struct pb_field all = field_of(b->at, b->len), f;
	struct pb p = pb_message(&all);

	assert_true(pb_next(&p, &f));
	return f;
}

static void kv_is(const struct etcd_kv *kv, const char *key, int64_t revision, const char *value)
{
	assert_int_equal(kv->key_len, strlen(key));
	assert_memory_equal(kv->key, key, kv->key_len);
	assert_int_equal(kv->len, strlen(value));
	assert_memory_equal(kv->value, value, kv->len);
	assert_int_equal(kv->mod_revision, revision);
}

static void test_header(void **state)
{
	auto_buf struct buf b = { 0 };
	struct etcd_header h;
	struct pb_field f;

	(void)state;
	pb_uint(&b, 1, UINT64_MAX);
	pb_uint(&b, 2, 5); /* member_id */
	pb_uint(&b, 3, 1234);
	pb_uint(&b, 4, 7);
	f = field_of(b.at, b.len);
	assert_true(etcd_header_get(&f, &h));
	assert_true(h.cluster_id == UINT64_MAX && h.revision == 1234 && h.raft_term == 7);
	f = FIELD("");
	assert_true(etcd_header_get(&f, &h));
	assert_true(!h.cluster_id && !h.revision && !h.raft_term);
	f = FIELD("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"); /* revision -1 */
	assert_false(etcd_header_get(&f, &h));
	f = FIELD("\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f"); /* after which none can come */
	assert_false(etcd_header_get(&f, &h));
	f = FIELD("\x18\x05\x08");
	assert_false(etcd_header_get(&f, &h));
	f = (struct pb_field){ .value = 5 };
	assert_false(etcd_header_get(&f, &h));
}

static void test_kv(void **state)
{
	auto_buf struct buf b = { 0 };
	struct etcd_kv kv;
	struct pb_field f;

	(void)state;
	kv_put(&b, 2, "/a/x", 300, "{}");
	f = first_of(&b);
	assert_true(etcd_kv_get(&f, &kv));
	kv_is(&kv, "/a/x", 300, "{}");
	assert_false(kv.deleted);
	f = FIELD("\x0a\x01k\x18\x01");
	assert_true(etcd_kv_get(&f, &kv));
	kv_is(&kv, "k", 1, "");
	f = FIELD("\x18\x01");
	assert_true(etcd_kv_get(&f, &kv));
	kv_is(&kv, "", 1, "");
	/* Of other types than they should have: a fixed64, where there is no text. */
	f = FIELD("\x09xxxxxxxx\x29xxxxxxxx\x18\x01");
	assert_false(etcd_kv_get(&f, &kv));
	f = FIELD("\x0a\x01k");
	assert_false(etcd_kv_get(&f, &kv));
	f = FIELD("\x0a\x01k\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	assert_false(etcd_kv_get(&f, &kv));
	f = FIELD("\x0a\x01k\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
	assert_false(etcd_kv_get(&f, &kv));
	f = FIELD("\x0a\x05k\x18\x01");
	assert_false(etcd_kv_get(&f, &kv));
}

static void test_event(void **state)
{
	auto_buf struct buf put = { 0 }, del = { 0 };
	struct etcd_kv kv;
	struct pb_field f;

	(void)state;
	kv_put(&put, 2, "k", 5, "v");
	f = field_of(put.at, put.len);
	assert_true(etcd_event_get(&f, &kv));
	kv_is(&kv, "k", 5, "v");
	assert_false(kv.deleted);
	pb_uint(&del, 1, 1);
	kv_put(&del, 2, "k", 6, "");
	kv_put(&del, 3, "k", 5, "before"); /* prev_kv */
	f = field_of(del.at, del.len);
	assert_true(etcd_event_get(&f, &kv));
	kv_is(&kv, "k", 6, "");
	assert_true(kv.deleted);
	f = FIELD("\x08\x01");
	assert_false(etcd_event_get(&f, &kv));
	f = FIELD("\x10\x01"); /* a kv that is a number */
	assert_false(etcd_event_get(&f, &kv));
	f = FIELD("\x12\x05\x0a\x01k\x18\x01\x12\x00"); /* a second one without a revision */
	assert_false(etcd_event_get(&f, &kv));
	f = FIELD("");
	assert_false(etcd_event_get(&f, &kv));
}

static void test_watched(void **state)
{
	auto_buf struct buf b = { 0 };
	struct etcd_watched w = { 0 };
	struct pb_field all, f;
	struct pb p;

	(void)state;
	pb_uint(&b, 2, 3);
	pb_uint(&b, 3, true);
	pb_uint(&b, 4, true);
	pb_uint(&b, 5, 99);
	pb_text(&b, 6, "why");
	pb_uint(&b, 7, true);
	pb_uint(&b, 100, 1);
	all = field_of(b.at, b.len);
	p = pb_message(&all);
	while (pb_next(&p, &f))
		etcd_watched_get(&f, &w);
	assert_true(w.created && w.canceled && w.compact_revision == 99 && w.fragment);
	assert_int_equal(w.reason_len, 3);
	assert_memory_equal(w.reason, "why", 3);
}

static void test_response(void **state)
{
	auto_buf struct buf b = { 0 };
	struct etcd_kv kv;
	struct pb_field f;
	size_t range;
	bool found;

	(void)state;
	range = pb_begin(&b, 1);
	pb_end(&b, pb_begin(&b, RANGE_HEADER));
	kv_put(&b, RANGE_KVS, "k", 8, "v");
	pb_uint(&b, 4, 1); /* count */
	pb_end(&b, range);
	f = field_of(b.at, b.len);
	assert_true(etcd_response_get(&f, &kv, &found));
	assert_true(found);
	kv_is(&kv, "k", 8, "v");
	f = FIELD("\x0a\x00"); /* a range that found nothing */
	assert_true(etcd_response_get(&f, &kv, &found));
	assert_false(found);
	f = FIELD("\x12\x00"); /* a put */
	assert_true(etcd_response_get(&f, &kv, &found));
	assert_false(found);
	f = FIELD("");
	assert_true(etcd_response_get(&f, &kv, &found));
	assert_false(found);
	f = FIELD("\x08\x01"); /* a range that is a number */
	assert_false(etcd_response_get(&f, &kv, &found));
	f = FIELD("\x0a\x02\x12\x00"); /* an entry without a revision */
	assert_false(etcd_response_get(&f, &kv, &found));
	f = FIELD("\x0a\x01\x12");
	assert_false(etcd_response_get(&f, &kv, &found));
	f = FIELD("\x0a\x05\x12");
	assert_false(etcd_response_get(&f, &kv, &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range),	  cmocka_unit_test(test_txn),
		cmocka_unit_test(test_txn_of_several), cmocka_unit_test(test_watch),
		cmocka_unit_test(test_authenticate), cmocka_unit_test(test_header),
		cmocka_unit_test(test_kv),	  cmocka_unit_test(test_event),
		cmocka_unit_test(test_watched),	  cmocka_unit_test(test_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
