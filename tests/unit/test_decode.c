/* SPDX-License-Identifier: Apache-2.0 */
/* Documents and the complaints about them: the cases stand in data/complaints.txt. */
#include "model/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "model/kinds/specs.h"
#include "model/load.h"

struct head {
	const char *word, *text;
};

static const struct head heads[] = {
	{ "peer", "apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: a}\nspec:\n" },
	{ "configuration", "apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\n"
			   "metadata: {name: default}\nspec:\n" },
	{ "node", "apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n1}\nspec:\n" },
	{ "filter", "apiVersion: projectcalico.org/v3\nkind: BGPFilter\nmetadata: {name: f}\n"
		    "spec:\n" },
	{ "pool", "apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: p}\nspec:\n" },
	{ "secret", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n" },
	{ "raw", "" },
};

/* The first line of "== HEAD" from the line AT on. */
static const char *next_case(const char *at)
{
	while (strncmp(at, "== ", 3) != 0) {
		at = strchr(at, '\n');
		if (!at || !*++at)
			return NULL;
	}
	return at;
}

static void add_head(struct buf *text, const char *word, size_t len)
{
	for (size_t i = 0; i < lengthof(heads); i++)
		if (strlen(heads[i].word) == len && memcmp(heads[i].word, word, len) == 0) {
			buf_str(text, heads[i].text);
			return;
		}
	fail_msg("no head \"%.*s\"", (int)len, word);
}

/* A line of the case, in which \N stands for 254 times n. */
static void add_line(struct buf *text, const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i + 1 < len && line[i] == '\\' && line[i + 1] == 'N') {
			for (int n = 0; n < 254; n++)
				buf_char(text, 'n');
			i++;
			continue;
		}
		buf_char(text, line[i]);
	}
	buf_char(text, '\n');
}

/* Is GOT the line WANT, or what WANT begins with when that ends with "..."? */
static bool matches(const char *got, const char *want, size_t len)
{
	if (len > 3 && memcmp(want + len - 3, "...", 3) == 0)
		return strncmp(got, want, len - 3) == 0;
	return strlen(got) == len && memcmp(got, want, len) == 0;
}

static void case_run(const struct buf *text, const char *wants)
{
	struct load l = { 0 };
	size_t i = 0;

	load_text(&l, "FILE", buf_text(text), text->len, 0);
	while (*wants == '!' || i < l.diags.n) {
		auto_buf struct buf line = { 0 };
		size_t len = strcspn(wants, "\n");

		if (i < l.diags.n)
			diag_print(&l.diags.items[i], &line);
		if (*wants != '!' || i == l.diags.n || !matches(line.at, wants + 2, len - 2))
			fail_msg("in\n%sgot  %s\nwant %.*s", buf_text(text),
				 i < l.diags.n ? buf_text(&line) : "(nothing)",
				 *wants == '!' ? (int)len : 9, *wants == '!' ? wants : "(nothing)");
		wants += len + 1;
		i++;
	}
	load_free(&l);
}

static void test_complaints(void **state)
{
	auto_arena struct arena a = { 0 };
	struct err err;
	size_t len, n = 0;
	const char *at = file_read(TEST_DATA "/complaints.txt", 1u << 20, &a, &len, &err);

	(void)state;
	assert_non_null(at);
	for (at = next_case(at); at; at = next_case(at)) {
		auto_buf struct buf text = { 0 };
		size_t line = strcspn(at, "\n");

		add_head(&text, at + 3, line - 3);
		for (at += line + 1; *at && *at != '!' && strncmp(at, "== ", 3) != 0;
		     at += line + 1) {
			line = strcspn(at, "\n");
			add_line(&text, at, line);
		}
		case_run(&text, *at == '!' ? at : "");
		n++;
	}
	assert_true(n >= 180);
}

/* What is wrong in a file is a warning in a store, unless the object cannot be understood. */
static void test_tolerant(void **state)
{
	static const struct {
		const char *json;
		bool broken;
		size_t n;
	} cases[] = {
		{ "{\"spec\":{\"peerIP\":\"10.0.0.1\"}}", false, 0 },
		{ "{\"spec\":{\"peerIP\":\"10.0.0.1\",\"bogus\":1}}", false, 1 },
		{ "{\"spec\":{\"peerIP\":\"10.0.0.1\",\"asNumer\":1}}", false, 1 },
		{ "{\"spec\":{\"peerIP\":\"10.0.0.1\"},\"status\":{}}", false, 1 },
		{ "{\"metadata\":{\"labels\":{\"-a\":\"b\"},\"namespace\":\"x\"},"
		  "\"spec\":{\"peerIP\":\"10.0.0.1\"}}", false, 2 },
		{ "{\"spec\":{\"peerIP\":\"10.0.0.01\"}}", true, 1 },
		{ "{\"spec\":{\"node\":\"a\",\"nodeSelector\":\"all()\"}}", true, 1 },
		{ "{\"spec\":{\"peerIP\":\"10.0.0.1\",\"restartMode\":\"X\"}}", true, 1 },
		{ "{\"metadata\":{\"name\":\"other\"},\"spec\":{\"peerIP\":\"10.0.0.1\"}}", false,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct resource *r = resource_from_json(&kind_bgppeer, "Name", "3", cases[i].json,
							strlen(cases[i].json), DECODE_TOLERANT);

		assert_int_equal(resource_broken(r), cases[i].broken);
		assert_int_equal(r->n_complaints, cases[i].n);
		assert_string_equal(r->meta.name, "Name");
		assert_null(r->doc);
		if (r->n_complaints)
			assert_string_equal(r->complaints[0].about, "bgppeer/Name");
		resource_unref(r);
	}
}

/* Where less that is said means more that is let through, a store is read as a file is: what we do not
 * know breaks the object, with its place in the complaint. */
/* Annotations of ours are fields: strict in files, and in a store wrong ones break the object, unknown
 * ones do not, unless they nearly are one that limits something. */
static void test_annotations(void **state)
{
#define ANNOTATED(text) \
	"{\"metadata\":{\"name\":\"x\",\"annotations\":{" text "}},\"spec\":{\"peerIP\":\"10.0.0.1\",\"asNumber\":1}}"
	static const struct {
		const struct kind *kind;
		const char *json;
		bool file, store; /* do they take it? */
		unsigned admin_state;
		const char *text;
	} cases[] = {
		/* clang-format off */
		{ &kind_bgppeer, ANNOTATED("\"peerage.dev/adminState\":\"Down\""), true, true, ADMIN_DOWN, NULL },
		{ &kind_bgppeer, ANNOTATED("\"peerage.dev/adminState\":\"Up\",\"a/b\":\"c\""), true, true, ADMIN_UP, NULL },
		{ &kind_bgppeer, ANNOTATED("\"peerage.dev/created\":\"2026-01-01T00:00:00Z\""), true, true, ADMIN_UNSET, NULL },
		{ &kind_bgppeer, ANNOTATED("\"adminState\":\"Down\",\"x.peerage.dev/adminState\":\"?\""), true, true, ADMIN_UNSET, NULL },
		{ &kind_bgppeer, ANNOTATED("\"peerage.dev/adminState\":\"Downn\""), false, false, 0, "is none of Up, Down" },
		{ &kind_bgppeer, ANNOTATED("\"peerage.dev/adminstate\":\"Down\""), false, false, 0,
		  "did you mean \"peerage.dev/adminState\"?" },
		{ &kind_bgppeer, ANNOTATED("\"peerage.dev/holdTime\":\"90s\""), false, true, 0, "no such field in BGPPeer" },
		{ &kind_ippool, "{\"metadata\":{\"name\":\"x\",\"annotations\":{\"peerage.dev/adminState\":\"Down\"}},"
		  "\"spec\":{\"cidr\":\"10.0.0.0/16\"}}", false, true, 0, "no such field in IPPool" },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++)
		for (int store = 0; store < 2; store++) {
			auto_arena struct arena a = { 0 };
			struct diags d = { .arena = &a };
			const struct value *doc =
				json_parse(cases[i].json, strlen(cases[i].json), &a, &d);
			struct resource *r = resource_decode(
				cases[i].kind, doc, store ? DECODE_TOLERANT : DECODE_STRICT, NULL,
				NULL);
			bool taken = store ? cases[i].store : cases[i].file;

			if (resource_broken(r) == taken)
				fail_msg("case %zu, %s", i, store ? "store" : "file");
			if (taken && cases[i].kind == &kind_bgppeer && cases[i].file)
				assert_int_equal(resource_spec(r, bgppeer)->admin_state,
						 cases[i].admin_state);
			if (cases[i].text)
				assert_non_null(strstr(r->complaints[0].text, cases[i].text));
			else
				assert_int_equal(r->n_complaints, 0);
			resource_unref(r);
		}
}

static void test_guarded(void **state)
{
#define RULE(more) "{\"spec\":{\"importV4\":[{\"action\":\"Reject\"" more "}]}}"
#define PEER(more) "{\"spec\":{\"peerIP\":\"10.0.0.1\"," more "}}"
	static const struct {
		const struct kind *kind;
		const char *json, *field; /* FIELD NULL: it decodes */
		const char *text;
	} cases[] = {
		/* clang-format off */
		{ &kind_bgpfilter, RULE(""), NULL, NULL },
		{ &kind_bgpfilter, RULE(",\"later\":1"), "spec.importV4[0].later", "no such field in rule" },
		{ &kind_bgpfilter, RULE(",\"peerTyp\":\"eBGP\""), "spec.importV4[0].peerTyp",
		  "no such field; did you mean \"peerType\"?" },
		{ &kind_bgpfilter, RULE(",\"later\":null"), "spec.importV4[0].later", "no such field in rule" },
		{ &kind_bgpfilter, RULE(",\"peerType\":\"both\""), "spec.importV4[0].peerType",
		  "\"both\" is none of eBGP, iBGP" },
		{ &kind_bgpfilter, RULE(",\"source\":\"Later\""), "spec.importV4[0].source",
		  "\"Later\" is none of RemotePeers" },
		{ &kind_bgpfilter, RULE(",\"communities\":{\"values\":[\"1:2\"],\"all\":true}"),
		  "spec.importV4[0].communities.all", "no such field in communities" },
		{ &kind_bgpfilter, RULE(",\"cidr\":\"10.0.0.0/8\",\"matchOperator\":\"In\","
		  "\"prefixLength\":{\"min\":9,\"most\":20}"),
		  "spec.importV4[0].prefixLength.most", "no such field in prefixLength" },
		{ &kind_bgpfilter, "{\"spec\":{\"exportV4\":[{\"action\":\"Accept\",\"operations\":"
		  "[{\"setPriority\":{\"value\":1,\"when\":2}}]}]}}",
		  "spec.exportV4[0].operations[0].setPriority.when", "no such field in setPriority" },
		{ &kind_bgpfilter, "{\"spec\":{\"importV5\":[]}}", "spec.importV5",
		  "no such field; did you mean \"importV4\"?" },
		{ &kind_bgpfilter, "{\"spec\":{\"default\":\"Reject\"}}", "spec.default",
		  "no such field in BGPFilter" },
		{ &kind_bgpfilter, "{\"importV4\":[]}", "importV4", "no such field here; it belongs under spec" },
		{ &kind_bgpfilter, "{\"Spec\":{}}", "Spec", "no such field; did you mean \"spec\"?" },
		/* What stands elsewhere says nothing about routes. */
		{ &kind_bgpfilter, "{\"metadata\":{\"later\":1},\"spec\":{},\"status\":{},\"later\":1}", NULL, NULL },
		{ &kind_bgppeer, PEER("\"later\":1"), NULL, NULL },
		{ &kind_bgppeer, PEER("\"asNumer\":1"), NULL, NULL },
		{ &kind_bgppeer, PEER("\"mode\":1"), NULL, NULL },
		{ &kind_bgppeer, PEER("\"podSelector\":1"), NULL, NULL },
		{ &kind_bgppeer, PEER("\"Node\":\"a\""), "spec.Node", "no such field; did you mean \"node\"?" },
		{ &kind_bgppeer, PEER("\"nodeselector\":\"a\""), "spec.nodeselector",
		  "no such field; did you mean \"nodeSelector\"?" },
		{ &kind_bgppeer, PEER("\"pasword\":1"), "spec.pasword",
		  "no such field; did you mean \"password\"?" },
		{ &kind_bgppeer, PEER("\"filter\":[\"f\"]"), "spec.filter",
		  "no such field; did you mean \"filters\"?" },
		{ &kind_bgppeer, "{\"spec\":{\"peerIP\":\"10.0.0.1\"},\"filters\":[\"f\"]}", "filters",
		  "no such field here; it belongs under spec" },
		{ &kind_bgpconfiguration, "{\"spec\":{\"nodeToNodeMeshEnable\":false}}", "spec.nodeToNodeMeshEnable",
		  "no such field; did you mean \"nodeToNodeMeshEnabled\"?" },
		{ &kind_bgpconfiguration, "{\"spec\":{\"nodemeshpassword\":{}}}", "spec.nodemeshpassword",
		  "no such field; did you mean \"nodeMeshPassword\"?" },
		{ &kind_bgpconfiguration, "{\"spec\":{\"later\":1}}", NULL, NULL },
		{ &kind_ippool, "{\"spec\":{\"cidr\":\"10.0.0.0/8\",\"disableBgpExport\":true}}",
		  "spec.disableBgpExport", "no such field; did you mean \"disableBGPExport\"?" },
		{ &kind_ippool, "{\"spec\":{\"cidr\":\"10.0.0.0/8\",\"later\":true}}", NULL, NULL },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct resource *r = resource_from_json(cases[i].kind, "default", "3", cases[i].json,
							strlen(cases[i].json), DECODE_TOLERANT);
		const struct diag *first = NULL;

		for (size_t j = r->n_complaints; j-- > 0;)
			if (r->complaints[j].level == DIAG_ERROR)
				first = &r->complaints[j];
		if (resource_broken(r) != (cases[i].field != NULL) ||
		    (first && (!str_eq(first->field, cases[i].field) ||
			       !str_eq(first->text, cases[i].text))))
			fail_msg("%s: %s: %s", cases[i].json, first ? first->field : "decodes",
				 first ? first->text : "");
		resource_unref(r);
	}
}

/* Who may write to a store may write anything: names go into texts where no quoting is. */
static void test_store_names(void **state)
{
	static const char *const names[] = { "", ".", "..", "a b", "x\";} protocol static e {} #",
					     "x\nprotocol device d {}", "a/b", "\x9b", NULL };
	static const char *const texts[] = { "{\"spec\":{\"peerIP\":\"10.0.0.1\"}}", "no json", "" };

	(void)state;
	for (size_t i = 0; names[i]; i++)
		for (size_t j = 0; j < lengthof(texts); j++) {
			struct resource *r = resource_from_json(&kind_bgppeer, names[i], "3", texts[j],
								strlen(texts[j]), DECODE_TOLERANT);

			assert_true(resource_broken(r));
			assert_int_equal(r->n_complaints, 1);
			assert_null(r->complaints[0].about);
			assert_non_null(strstr(r->complaints[0].text, "is not a name"));
			assert_string_equal(r->meta.name, names[i]); /* so that it can be deleted */
			resource_unref(r);
		}
}

/* Of either sort so many are kept, and all count. */
static void test_many_complaints(void **state)
{
	for (int strict = 0; strict < 2; strict++) {
		auto_buf struct buf text = { 0 };
		struct resource *r;
		auto_arena struct arena a = { 0 };
		struct diags d = { .arena = &a };
		const struct value *doc;

		(void)state;
		buf_str(&text, "{\"metadata\":{\"name\":\"x\",\"labels\":{");
		for (int i = 0; i < 5000; i++)
			buf_printf(&text, "%s\"-%d\":\"\\t\"", i ? "," : "", i);
		buf_str(&text, "}},\"spec\":{\"peerIP\":\"x\"}}");
		doc = json_parse(buf_text(&text), text.len, &a, &d);
		r = resource_decode(&kind_bgppeer, doc, strict ? DECODE_STRICT : DECODE_TOLERANT, "f", &d);
		assert_true(resource_broken(r));
		assert_int_equal(r->n_complaints, DECODE_COMPLAINTS + 1 + !strict);
		assert_int_equal(d.n_errors, strict ? DECODE_COMPLAINTS + 1 : 1);
		resource_unref(r);
	}
}

static void test_long_path(void **state)
{
	auto_buf struct buf text = { 0 };
	struct load l = { 0 };

	(void)state;
	buf_str(&text, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},"
		       "\"data\":{\"");
	for (int i = 0; i < 5000; i++)
		buf_str(&text, ".\\n");
	buf_str(&text, "\":\"secret-secret\"}}");
	load_text(&l, "x", buf_text(&text), text.len, 0);
	assert_int_equal(l.diags.n, 1);
	assert_true(strlen(l.diags.items[0].field) < 200);
	assert_null(strchr(l.diags.items[0].field, '\n'));
	assert_null(strstr(l.diags.items[0].text, "secret-secret"));
	load_free(&l);
}

/* What is wrong with a label is told for each object that has it, and for each of many labels. */
static void test_labels(void **state)
{
	auto_buf struct buf json = { 0 };

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct resource *r;

		buf_clear(&json);
		buf_str(&json, "{\"metadata\":{\"name\":\"n\",\"labels\":{\"not/a/label-name\":\"x\"");
		for (int i = 0; i < 100; i++)
			buf_printf(&json, ",\"example.org/label-%d\":\"%s\"", i, i % 50 ? "good" : "-bad");
		buf_str(&json, "}},\"spec\":{}}");
		r = resource_from_json(&kind_node, "n", "1", json.at, json.len, DECODE_TOLERANT);
		assert_int_equal(r->n_complaints, 3);
		assert_string_equal(r->complaints[0].field, "metadata.labels.not/a/label-name");
		assert_non_null(strstr(r->complaints[1].text, "is not a label's value"));
		assert_string_equal(r->complaints[2].field, "metadata.labels[\"example.org/label-50\"]");
		assert_int_equal(r->meta.labels.n, 101);
		for (int i = 0; i < 100; i++) {
			char name[32];

			snprintf(name, sizeof name, "example.org/label-%d", i);
			assert_string_equal(strmap_get(&r->meta.labels, name), i % 50 ? "good" : "-bad");
		}
		resource_unref(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_tolerant),
		cmocka_unit_test(test_annotations), cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_store_names),
		cmocka_unit_test(test_many_complaints),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
