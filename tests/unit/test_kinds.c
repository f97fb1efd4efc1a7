/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for every kind, every row and every rule, whatever the tables say. */
#include "model/kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "model/decode.h"
#include "model/kinds/shared.h"
#include "model/kinds/specs.h"
#include "model/random.h"
#include "model/schema.h"

static void print_complaints(const struct resource *r)
{
	auto_buf struct buf text = { 0 };

	for (size_t i = 0; i < r->n_complaints; i++) {
		diag_print(&r->complaints[i], &text);
		buf_char(&text, '\n');
	}
	if (text.len)
		print_message("%s", buf_text(&text));
}

static void round_trip(const struct kind *kind, struct random *rnd)
{
	auto_arena struct arena a = { 0 };
	const struct value *doc = random_document(kind, rnd, &a);
	enum decode_mode mode = random_below(rnd, 2) ? DECODE_KEEP_DOC : DECODE_STRICT;
	struct resource *x = resource_decode(kind, doc, mode, NULL, NULL), *y, *z;
	struct value e = resource_encode_revealed(x, &a), again;
	auto_buf struct buf json = { 0 };

	y = resource_decode(kind, &e, DECODE_STRICT, NULL, NULL);
	if (resource_broken(y))
		print_complaints(y);
	assert_false(resource_broken(y));
	assert_true(resource_same(x, y));
	again = resource_encode_revealed(y, &a);
	assert_true(value_eq(&e, &again));
	json_print(&e, 0, &json);
	z = resource_from_json(kind, x->meta.name, "7", buf_text(&json), json.len,
			       DECODE_TOLERANT);
	assert_false(resource_broken(z));
	assert_string_equal(z->meta.version, "7");
	assert_true(resource_same(x, z));
	resource_unref(x);
	resource_unref(y);
	resource_unref(z);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t k = 0; k < KIND_COUNT; k++) {
		struct random rnd = { .state = k };

		for (int i = 0; i < 1000; i++)
			round_trip(kinds[k], &rnd);
	}
}

static void shape_complete(const struct shape *shape)
{
	size_t n = 0;

	for (const struct field *f = shape->fields; f->name; f++, n++) {
		const struct field *element = f->type == &type_list ? f->arg : NULL;
		const struct field *one = element ? element : f;

		if (str_empty(f->doc))
			fail_msg("%s.%s has no doc", shape->name, f->name);
		assert_non_null(f->type);
		assert_true(f->type == &type_any || f->offset + field_size(f) <= shape->size);
		if (one->type == &type_enum) {
			const char *const *words = one->arg;

			assert_string_equal(words[0], "");
			assert_true(name_find(words, words[1], -1) == 1);
			if (f->dflt && one == f)
				assert_true(name_find(words, f->dflt, -1) > 0);
		}
		if (one->type == &type_struct || one->type == &type_struct_ptr)
			shape_complete(one->arg);
	}
	assert_true(n < DECODE_FIELDS);
	for (const struct rule *r = shape->rules; r && r->a; r++) {
		assert_non_null(field_find(shape, r->a));
		assert_non_null(field_find(shape, r->b));
	}
}

static void test_rows_are_complete(void **state)
{
	(void)state;
	shape_complete(&meta_shape);
	for (size_t k = 0; k < KIND_COUNT; k++) {
		assert_int_equal(kinds[k]->id, k);
		assert_false(str_empty(kinds[k]->doc));
		assert_non_null(kinds[k]->cell);
		assert_int_equal(!!(kinds[k]->flags & KIND_READ_ONLY), !!kinds[k]->writer);
		for (size_t i = 0; kinds[k]->aliases[i]; i += 2)
			assert_non_null(kinds[k]->aliases[i + 1]);
		assert_string_equal(kinds[k]->columns[0], "NAME");
		shape_complete(&kinds[k]->shape);
	}
}

static void test_words_are_complete(void **state)
{
	static const struct {
		const struct kind *kind;
		const char *field;
		int last;
	} cases[] = {
		{ &kind_bgppeer, "sourceAddress", SOURCE_NONE },
		{ &kind_bgppeer, "failureDetectionMode", DETECT_BFD },
		{ &kind_bgppeer, "restartMode", RESTART_LLGR },
		{ &kind_bgppeer, "birdGatewayMode", GATEWAY_DIRECT },
		{ &kind_bgppeer, "nextHopMode", NEXT_HOP_KEEP },
		{ &kind_bgppeer, "reversePeering", REVERSE_MANUAL },
		{ &kind_bgpconfiguration, "bindMode", BIND_NODE_IP },
		{ &kind_bgpconfiguration, "logSeverityScreen", SEVERITY_FATAL },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		const struct field *f = field_find(&cases[i].kind->shape, cases[i].field);
		const char *const *words = f->arg;

		assert_non_null(words[cases[i].last]);
		assert_null(words[cases[i].last + 1]);
	}
}

/* ---- each rule has an object that passes and one that fails ---- */

static struct value sample(const struct field *f, const char *word, struct arena *a)
{
	struct random rnd = { .state = 1 };
	const struct value *doc, *v;

	if (word && f->type == &type_bool)
		return value_bool(str_eq(word, "true"));
	if (word)
		return value_string(word);
	if (f->type == &type_struct && f->arg == &shape_password) {
		struct member *ref = arena_array(a, struct member, 3);

		ref[0] = (struct member){ .key = "name", .value = value_string("s") };
		ref[1] = (struct member){ .key = "key", .value = value_string("k") };
		ref[2] = (struct member){ .key = "secretKeyRef", .value = value_map(ref, 2) };
		return value_map(ref + 2, 1);
	}
	for (size_t i = 0, k = 0;; i++, k = i % KIND_COUNT) {
		if (i > 20000)
			fail_msg("no random object has %s", f->name);
		doc = random_document(kinds[k], &rnd, a);
		v = value_get(value_get(doc, "spec"), f->name);
		if (v && field_find(&kinds[k]->shape, f->name) == f)
			return *v;
	}
}

static void rule_case(const struct kind *kind, const struct rule *r, bool with_a, bool with_b,
		      bool passes)
{
	auto_arena struct arena a = { 0 };
	const struct shape *shape = &kind->shape;
	struct member spec[2], meta[1], top[2];
	struct value doc;
	struct resource *one;
	size_t n = 0;
	bool found = false;

	if (with_a)
		spec[n++] = (struct member){
			.key = r->a, .value = sample(field_find(shape, r->a), r->value, &a)
		};
	if (with_b)
		spec[n++] = (struct member){ .key = r->b,
					     .value = sample(field_find(shape, r->b), NULL, &a) };
	meta[0] = (struct member){ .key = "name", .value = value_string("default") };
	top[0] = (struct member){ .key = "metadata", .value = value_map(meta, 1) };
	top[1] = (struct member){ .key = "spec", .value = value_map(spec, n) };
	doc = value_map(top, 2);
	one = resource_decode(kind, &doc, DECODE_STRICT, NULL, NULL);
	for (size_t i = 0; i < one->n_complaints; i++) {
		const char *text = one->complaints[i].text;

		found |= strstr(text, arena_printf(&a, "cannot stand beside %s", r->a)) ||
			 strstr(text, arena_printf(&a, "needs %s beside it", r->a)) ||
			 strstr(text, arena_printf(&a, "needs %s beside it", r->b));
	}
	if (found == passes)
		print_complaints(one);
	assert_int_equal(found, !passes);
	resource_unref(one);
}

static void test_rules(void **state)
{
	(void)state;
	for (size_t k = 0; k < KIND_COUNT; k++)
		for (const struct rule *r = kinds[k]->shape.rules; r && r->a; r++) {
			bool needs = r->kind == RULE_NEEDS || r->kind == RULE_TOGETHER;

			rule_case(kinds[k], r, true, false, !needs);
			rule_case(kinds[k], r, true, true, needs);
			rule_case(kinds[k], r, false, true, r->kind != RULE_TOGETHER);
		}
}

/* ---- names, cells, secrets ---- */

static void test_names(void **state)
{
	static const struct {
		const char *word;
		const struct kind *kind;
	} cases[] = {
		{ "bgppeer", &kind_bgppeer },
		{ "BGPPeers", &kind_bgppeer },
		{ "bgpp", &kind_bgppeer },
		{ "BPS", &kind_bgppeer },
		{ "bgpps", &kind_bgppeer },
		{ "bp", &kind_bgppeer },
		{ "bgpconfig", &kind_bgpconfiguration },
		{ "bgpconfigurations", &kind_bgpconfiguration },
		{ "bf", &kind_bgpfilter },
		{ "bgpfs", &kind_bgpfilter },
		{ "no", &kind_node },
		{ "Nodes", &kind_node },
		{ "pools", &kind_ippool },
		{ "ipp", &kind_ippool },
		{ "secret", &kind_secret },
		{ "nodestatuses", &kind_nodestatus },
		{ "", NULL },
		{ "bgppee", NULL },
	};
	const struct kind *other;

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++)
		assert_ptr_equal(kind_find(cases[i].word), cases[i].kind);
	assert_ptr_equal(kind_of("projectcalico.org/v3", "BGPPeer", &other), &kind_bgppeer);
	assert_null(kind_of("projectcalico.org/v3", "bgppeer", &other));
	assert_ptr_equal(other, &kind_bgppeer);
	assert_null(kind_of("v1", "Node", &other));
	assert_ptr_equal(other, &kind_node);
	assert_null(kind_of("v1", "Pod", &other));
	assert_null(other);
	assert_string_equal(kind_suggest("BGPPer"), "BGPPeer");
	assert_null(kind_suggest("Deployment"));
}

static struct resource *parse(const struct kind *kind, const char *json)
{
	return resource_from_json(kind, "x", NULL, json, strlen(json), DECODE_TOLERANT);
}

static void test_cells(void **state)
{
	static const struct {
		const struct kind *kind;
		const char *json, *column, *cell;
	} cases[] = {
		{ &kind_bgppeer, "{}", "NAME", "x" },
		{ &kind_bgppeer, "{}", "PEERIP", "" },
		{ &kind_bgppeer, "{}", "NODE", "(global)" },
		{ &kind_bgppeer, "{}", "ASN", "0" },
		{ &kind_bgppeer, "{\"spec\":{\"node\":\"n1\"}}", "NODE", "n1" },
		{ &kind_bgppeer, "{\"spec\":{\"nodeSelector\":\"has(a)\"}}", "NODE", "has(a)" },
		{ &kind_bgppeer, "{\"spec\":{\"asNumber\":\"1.1\"}}", "ASN", "65537" },
		{ &kind_bgppeer, "{\"spec\":{\"peerIP\":\"[FD00::1]:180\"}}", "PEERIP",
		  "[fd00::1]:180" },
		{ &kind_bgppeer, "{\"spec\":{\"filters\":[\"a\",\"b\"]}}", "FILTERS", "a,b" },
		{ &kind_bgppeer, "{\"spec\":7}", "PEERIP", "?" },
		{ &kind_bgppeer, "{\"spec\":7}", "ASN", "?" },
		{ &kind_bgpconfiguration, "{}", "MESHENABLED", "-" },
		{ &kind_bgpconfiguration, "{}", "LOGSEVERITY", "Info" },
		{ &kind_bgpconfiguration, "{\"spec\":{\"logSeverityScreen\":\"debug\"}}",
		  "LOGSEVERITY", "Debug" },
		{ &kind_node, "{}", "ASN", "" },
		{ &kind_node, "{\"spec\":{\"bgp\":{\"ipv4Address\":\"10.0.0.1/24\"}}}", "ASN",
		  "(default)" },
		{ &kind_node, "{\"spec\":{\"bgp\":{\"ipv4Address\":\"10.0.0.1/24\"}}}", "IPV4",
		  "10.0.0.1/24" },
		{ &kind_ippool, "{\"spec\":{\"cidr\":\"10.0.0.0/16\"}}", "SELECTOR", "all()" },
		{ &kind_ippool, "{\"spec\":{\"cidr\":\"10.0.0.0/16\"}}", "IPIPMODE", "Never" },
		{ &kind_bgpfilter, "{\"spec\":{\"exportV4\":[{\"action\":\"Accept\"}]}}",
		  "NUMEXPORTV4", "1" },
		{ &kind_secret, "{\"data\":{\"a\":\"YQ==\"},\"stringData\":{\"a\":\"b\",\"c\":\"\"}}",
		  "KEYS", "2" },
		{ &kind_nodestatus,
		  "{\"status\":{\"observedAt\":\"2026-08-01T09:57:00Z\","
		  "\"sessions\":[{\"state\":\"Established\"},{\"state\":\"Idle\"}]}}",
		  "ESTABLISHED", "1" },
		{ &kind_nodestatus,
		  "{\"status\":{\"observedAt\":\"2026-08-01T09:56:59Z\","
		  "\"sessions\":[{\"state\":\"Established\"}]}}",
		  "ESTABLISHED", "-" },
		{ &kind_nodestatus,
		  "{\"status\":{\"observedAt\":\"2026-08-01T09:58:00Z\",\"goodFor\":\"100s\","
		  "\"state\":\"Applied\"}}",
		  "STATE", "Stale, was Applied" },
		{ &kind_nodestatus,
		  "{\"status\":{\"observedAt\":\"2026-08-01T09:58:00Z\",\"goodFor\":\"120s\","
		  "\"state\":\"Applied\"}}",
		  "STATE", "Applied" },
		{ &kind_nodestatus, "{\"status\":{}}", "STATE", "Stale, was ?" },
	};

	(void)state;
	clock_fake(1000, clock_parse("2026-08-01T10:00:00Z"));
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct resource *r = parse(cases[i].kind, cases[i].json);

		assert_string_equal(cases[i].kind->cell(r, cases[i].column, &a), cases[i].cell);
		resource_unref(r);
	}
	clock_real();
}

static void test_every_column_has_a_cell(void **state)
{
	(void)state;
	for (size_t k = 0; k < KIND_COUNT; k++) {
		auto_arena struct arena a = { 0 };
		struct random rnd = { .state = 3 };
		struct resource *r = resource_decode(
			kinds[k], random_document(kinds[k], &rnd, &a), DECODE_STRICT, NULL, NULL);

		for (size_t i = 0; kinds[k]->columns[i]; i++)
			assert_non_null(kinds[k]->cell(r, kinds[k]->columns[i], &a));
		for (size_t i = 0; kinds[k]->wide_columns[i]; i++)
			assert_non_null(kinds[k]->cell(r, kinds[k]->wide_columns[i], &a));
		resource_unref(r);
	}
}

static void test_secret_value(void **state)
{
	static const struct {
		const char *key, *value;
	} cases[] = {
		{ "a", "secret" }, { "b", "plain" }, { "c", "" }, { "d", "ab" }, { "e", "a" },
		{ "f", NULL },
	};
	struct resource *r = parse(&kind_secret,
				   "{\"data\":{\"a\":\"c2Vj\\ncmV0\",\"b\":\"YQ==\",\"c\":\"\","
				   "\"d\":\"YWI=\",\"e\":\"YQ==\"},\"stringData\":{\"b\":\"plain\"}}");
	auto_arena struct arena a = { 0 };
	struct value shown;
	size_t len;

	(void)state;
	print_complaints(r);
	assert_false(resource_broken(r));
	for (size_t i = 0; i < lengthof(cases); i++) {
		const char *v = secret_value(resource_spec(r, secret), cases[i].key, &a, &len);

		if (!cases[i].value) {
			assert_null(v);
			continue;
		}
		assert_string_equal(v, cases[i].value);
		assert_int_equal(len, strlen(cases[i].value));
	}
	shown = resource_encode(r, &a);
	assert_string_equal(value_str(value_get(&shown, "data"), "a"), REDACTED);
	assert_string_equal(value_str(value_get(&shown, "stringData"), "b"), REDACTED);
	shown = resource_encode_revealed(r, &a);
	assert_string_equal(value_str(value_get(&shown, "stringData"), "b"), "plain");
	resource_unref(r);
}

static void test_carried_over(void **state)
{
	static const char json[] =
		"{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"Node\",\"metadata\":{"
		"\"name\":\"x\",\"selfLink\":\"/x\",\"finalizers\":[\"f\"]},\"spec\":{\"new\":1,"
		"\"bgp\":{\"asNumber\":\"1.0\",\"more\":[2]}},\"status\":{\"podCIDRs\":[\"c\"]}}";
	static const char want[] =
		"{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"Node\",\"metadata\":{"
		"\"name\":\"x\",\"finalizers\":[\"f\"]},\"spec\":{\"bgp\":{\"asNumber\":65536,"
		"\"more\":[2]},\"new\":1},\"status\":{\"podCIDRs\":[\"c\"]}}";
	struct resource *r = resource_from_json(&kind_node, "x", NULL, json, strlen(json),
						DECODE_TOLERANT | DECODE_KEEP_DOC);
	auto_arena struct arena a = { 0 };
	auto_buf struct buf out = { 0 };
	struct value v = resource_encode(r, &a);

	(void)state;
	json_print(&v, 0, &out);
	assert_string_equal(buf_text(&out), want);
	assert_int_equal(r->n_complaints, 2);
	assert_int_equal(r->complaints[0].level, DIAG_WARNING);
	resource_unref(r);
}

static void test_broken(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "7", "{\"spec\":[]}", "null",
					     "{\"spec\":{\"peerIP\":\"x\"}}" };

	(void)state;
	for (size_t i = 0; i < lengthof(texts); i++) {
		struct resource *r = parse(&kind_bgppeer, texts[i]);
		auto_arena struct arena a = { 0 };
		struct value v = resource_encode(r, &a);

		assert_true(resource_broken(r));
		assert_true(r->n_complaints > 0);
		assert_string_equal(r->meta.name, "x");
		assert_string_equal(resource_id(r, &a), "bgppeer/x");
		assert_int_equal(v.type, VALUE_MAP);
		resource_unref(r);
	}
}

static void test_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "{}", "{\"spec\":{}}", true },
		{ "{\"spec\":{\"asNumber\":65536}}", "{\"spec\":{\"asNumber\":\"1.0\"}}", true },
		{ "{\"spec\":{\"maxRestartTime\":\"90s\"}}",
		  "{\"spec\":{\"maxRestartTime\":\"1m30s\"}}", true },
		{ "{\"spec\":{\"peerSelector\":\"a=='b'\"}}",
		  "{\"spec\":{\"peerSelector\":\"a == \\\"b\\\"\"}}", true },
		{ "{\"spec\":{\"node\":\"a\"}}", "{\"spec\":{\"node\":\"b\"}}", false },
		{ "{\"spec\":{\"filters\":[\"a\"]}}", "{\"spec\":{\"filters\":[\"b\"]}}", false },
		{ "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}", "{}", false },
		{ "{\"metadata\":{\"uid\":\"1\"}}", "{}", true },
		{ "{\"spec\":7}", "{}", false },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct resource *a = parse(&kind_bgppeer, cases[i].a);
		struct resource *b = parse(&kind_bgppeer, cases[i].b);

		if (resource_same(a, b) != cases[i].same)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
		resource_unref(a);
		resource_unref(b);
	}
}

/* Every row is in the text, and doc/kinds.md is the text: `peerctl schema >doc/kinds.md`. */
static void test_schema(void **state)
{
	auto_arena struct arena file = { 0 };
	auto_buf struct buf text = { 0 };
	struct err err;
	size_t len;

	(void)state;
	schema_markdown(&text);
	assert_string_equal(
		buf_text(&text),
		file_read(TEST_DATA "/../../../doc/kinds.md", 1u << 20, &file, &len, &err));
	for (size_t k = 0; k < KIND_COUNT; k++)
		for (const struct field *f = kinds[k]->shape.fields; f->name; f++) {
			auto_arena struct arena a = { 0 };

			assert_non_null(strstr(buf_text(&text),
					       arena_printf(&a, "| `%s` |", f->name)));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_words_are_complete),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_every_column_has_a_cell),
		cmocka_unit_test(test_secret_value),
		cmocka_unit_test(test_carried_over),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
