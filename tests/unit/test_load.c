/* SPDX-License-Identifier: Apache-2.0 */
#include "model/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"

#define NODE(name) "apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: " name "}\n"
#define JSON_NODE(name)                                                                            \
	"{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"Node\",\"metadata\":{\"name\":"       \
	"\"" name "\"}}"

/* A folder that goes with everything in it. */
struct folder {
	char path[64];
};

static struct folder folder_new(void)
{
	struct folder f = { "/tmp/peerage-load-XXXXXX" };

	assert_non_null(mkdtemp(f.path));
	return f;
}

static void folder_add(const struct folder *f, const char *name, const char *text)
{
	char path[200];
	struct err err;

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	if (!text)
		assert_int_equal(mkdir(path, 0700), 0);
	else
		assert_true(file_write(path, text, strlen(text), 0600, (gid_t)-1, &err));
}

static void folder_remove(const struct folder *f)
{
	char command[100];

	snprintf(command, sizeof command, "rm -r '%s'", f->path);
	assert_int_equal(system(command), 0);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		unsigned flags;
		size_t n, errors, diags, skipped;
	} cases[] = {
		{ NODE("a"), 0, 1, 0, 0, 0 },
		{ NODE("a") "---\n" NODE("b") "...\n---\n---\n" NODE("c"), 0, 3, 0, 0, 0 },
		{ "\xef\xbb\xbf" NODE("a"), 0, 1, 0, 0, 0 },
		{ "# head\n---\n" NODE("a"), 0, 1, 0, 0, 0 },
		{ JSON_NODE("a"), 0, 1, 0, 0, 0 },
		{ "\n\t" JSON_NODE("a") "\n", 0, 1, 0, 0, 0 },
		{ "[" JSON_NODE("a") "," JSON_NODE("b") "]", 0, 2, 0, 0, 0 },
		{ "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[" JSON_NODE("a") "]}", 0, 1,
		  0, 0, 0 },
		{ "apiVersion: v1\nkind: List\nitems: []\n", 0, 0, 0, 0, 0 },
		{ "apiVersion: projectcalico.org/v3\nkind: NodeList\nmetadata: {}\nitems:\n"
		  "- metadata: {name: a}\n- metadata: {name: b}\n", 0, 2, 0, 0, 0 },
		{ "", 0, 0, 1, 1, 0 },
		{ "\n\n# nothing\n", 0, 0, 1, 1, 0 },
		{ "[]", 0, 0, 0, 0, 0 },
		{ "{", 0, 0, 1, 1, 0 },
		{ "a: [", 0, 0, 1, 1, 0 },
		{ NODE("a") "---\n" NODE("a"), 0, 2, 1, 1, 0 },
		{ NODE("a") "---\n" NODE("a"), LOAD_DROP, 2, 1, 1, 0 },
		{ NODE("a") "x: 1\n---\n" NODE("b") "y: 1\n", 0, 2, 2, 2, 0 },
		{ "apiVersion: v1\nkind: Pod\n---\n" NODE("a"), 0, 1, 1, 1, 0 },
		{ "apiVersion: v1\nkind: Pod\n---\n" NODE("a"), LOAD_SKIP_UNKNOWN, 1, 0, 1, 1 },
		{ "apiVersion: v1\nkind: Node\n", LOAD_SKIP_UNKNOWN, 0, 0, 1, 1 },
		{ "apiVersion: projectcalico.org/v3\nkind: node\n", LOAD_SKIP_UNKNOWN, 0, 1, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct load l = { 0 };

		load_text(&l, "x", cases[i].text, strlen(cases[i].text), cases[i].flags);
		if (l.n != cases[i].n || l.diags.n_errors != cases[i].errors ||
		    l.diags.n != cases[i].diags || l.n_skipped != cases[i].skipped)
			fail_msg("%zu items, %zu errors, %zu complaints, %zu skipped in\n%s", l.n,
				 l.diags.n_errors, l.diags.n, l.n_skipped, cases[i].text);
		load_free(&l);
	}
}

static void test_folder(void **state)
{
	struct folder f = folder_new();
	struct load l = { 0 };
	struct err err;

	(void)state;
	folder_add(&f, "b.yaml", NODE("b"));
	folder_add(&f, "a.YML", NODE("a"));
	folder_add(&f, "c.json", JSON_NODE("c"));
	folder_add(&f, ".hidden.yaml", NODE("h"));
	folder_add(&f, "readme.txt", "not a resource");
	folder_add(&f, "sub", NULL);
	folder_add(&f, "sub/d.yaml", NODE("d"));
	assert_true(load_path(&l, f.path, 0, &err));
	assert_int_equal(l.n, 3);
	assert_int_equal(l.diags.n, 0);
	assert_string_equal(l.items[0]->meta.name, "a");
	assert_string_equal(l.items[2]->meta.name, "c");
	assert_non_null(strstr(l.items[1]->place, "/b.yaml:1"));
	load_free(&l);
	assert_true(load_path(&l, f.path, LOAD_RECURSIVE | LOAD_KEEP_DOC, &err));
	assert_int_equal(l.n, 4);
	assert_non_null(l.items[3]->doc);
	assert_true(load_path(&l, f.path, 0, &err)); /* again, into the same: doubles */
	assert_int_equal(l.diags.n_errors, 3);
	load_free(&l);
	folder_remove(&f);
}

static void test_empty_folder(void **state)
{
	struct folder f = folder_new();
	struct load l = { 0 };
	struct err err;

	(void)state;
	assert_true(load_path(&l, f.path, 0, &err));
	assert_int_equal(l.diags.n_errors, 1);
	assert_non_null(strstr(l.diags.items[0].text, "no resources"));
	load_free(&l);
	folder_remove(&f);
}

static void test_paths_that_cannot_be_read(void **state)
{
	struct folder f = folder_new();
	struct load l = { 0 };
	struct err err;
	char path[100];

	(void)state;
	snprintf(path, sizeof path, "%s/none.yaml", f.path);
	assert_false(load_path(&l, path, 0, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	folder_add(&f, "large.yaml", "a");
	snprintf(path, sizeof path, "%s/large.yaml", f.path);
	assert_int_equal(truncate(path, 100l << 20), 0);
	assert_false(load_path(&l, path, 0, &err));
	assert_int_equal(err.kind, ERR_INVALID);
	assert_int_equal(l.n, 0);
	load_free(&l);
	folder_remove(&f);
}

static void test_large_documents(void **state)
{
	size_t size = LOAD_MAX_DOCUMENT + 100;
	auto_free char *text = malloc(size + 1);
	struct load l = { 0 };

	(void)state;
	memset(text, ' ', size);
	memcpy(text, "a: b", 4);
	text[size] = '\0';
	load_text(&l, "x", text, size, 0);
	assert_int_equal(l.diags.n_errors, 1);
	assert_non_null(strstr(l.diags.items[0].text, "---"));
	load_free(&l);
	text[0] = '[';
	load_text(&l, "x", text, size, 0);
	assert_int_equal(l.diags.n_errors, 1);
	load_free(&l);
}

static void test_too_many_errors(void **state)
{
	auto_buf struct buf text = { 0 };
	struct load l = { 0 };

	(void)state;
	for (int i = 0; i < LOAD_MAX_ERRORS + 500; i++)
		buf_str(&text, "a: b\n---\n");
	load_text(&l, "x", buf_text(&text), text.len, LOAD_DROP);
	assert_int_equal(l.diags.n_errors, LOAD_MAX_ERRORS + 1);
	assert_non_null(strstr(l.diags.items[l.diags.n - 1].text, "too many errors"));
	load_free(&l);
}

static void test_double_names_first_place(void **state)
{
	static const char text[] = NODE("a") "---\n" NODE("b") "---\n" NODE("a");
	struct load l = { 0 };
	auto_buf struct buf line = { 0 };

	(void)state;
	load_text(&l, "f.yaml", text, strlen(text), 0);
	assert_int_equal(l.diags.n, 1);
	diag_print(&l.diags.items[0], &line);
	assert_string_equal(buf_text(&line),
			    "f.yaml:9:1: node/a stands at f.yaml:1 already; keep one of them");
	load_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_empty_folder),
		cmocka_unit_test(test_paths_that_cannot_be_read),
		cmocka_unit_test(test_large_documents),
		cmocka_unit_test(test_too_many_errors),
		cmocka_unit_test(test_double_names_first_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
