/* SPDX-License-Identifier: Apache-2.0 */
#include "render/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct conf *some_conf(struct arena *a, const char *word)
{
	struct conf *c = conf_new(a);

	conf_open(c, "base", "base", NULL);
	conf_line(c, "router id %s;", "10.0.0.1");
	conf_line(c, "one {\n\ttwo;\n}");
	conf_close(c);
	conf_open(c, "empty", "filter", NULL);
	conf_close(c);
	conf_open(c, "peer_10_0_0_2", "bgppeer/p", "node/b");
	conf_line(c, "%s;", word);
	conf_close(c);
	conf_finish(c, NULL);
	return c;
}

static void owners(void **state)
{
	auto_arena struct arena a = { 0 };
	struct conf *c = some_conf(&a, "x");
	/* clang-format off */
	static const struct { unsigned line; const char *owner; } cases[] = {
		{ 0, NULL }, { 1, NULL }, { 2, NULL }, { 3, NULL }, { 4, "base" }, { 7, "base" },
		{ 8, NULL }, { 9, NULL }, { 10, NULL }, { 11, NULL }, { 12, "peer_10_0_0_2" },
		{ 13, NULL }, { 99, NULL },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		const struct conf_block *b = conf_owner(c, cases[i].line);

		if (cases[i].owner) {
			assert_non_null(b);
			assert_string_equal(b->name, cases[i].owner);
		} else {
			assert_null(b);
		}
	}
	assert_null(conf_find(c, "peer_10_0_0_20"));
	assert_null(conf_find(NULL, "base"));
	assert_string_equal(conf_find(c, "peer_10_0_0_2")->remote, "node/b");
	conf_free(c);
}

static void reads_back(void **state)
{
	auto_arena struct arena a = { 0 };
	struct conf *c = some_conf(&a, "x"), *r = conf_parse(c->text.at, c->text.len, &a);

	(void)state;
	assert_non_null(r);
	assert_string_equal(r->id, c->id);
	assert_int_equal(r->id_at, c->id_at);
	assert_int_equal(r->n_blocks, c->n_blocks);
	for (size_t i = 0; i < c->n_blocks; i++) {
		assert_string_equal(r->blocks[i].name, c->blocks[i].name);
		assert_string_equal(r->blocks[i].origin, c->blocks[i].origin);
		assert_true(str_eq(r->blocks[i].remote, c->blocks[i].remote));
		assert_int_equal(r->blocks[i].at, c->blocks[i].at);
		assert_int_equal(r->blocks[i].len, c->blocks[i].len);
		assert_int_equal(r->blocks[i].line, c->blocks[i].line);
		assert_int_equal(r->blocks[i].n_lines, c->blocks[i].n_lines);
		assert_int_equal(r->blocks[i].stop, c->blocks[i].stop);
	}
	conf_free(r);
	conf_free(c);
	conf_free(NULL);
}

/* Sessions are found by name, also in a text that has them in another order, and say who stopped them. */
static void sessions(void **state)
{
	static const struct {
		const char *name, *line;
		enum conf_stop stop;
	} cases[] = {
		{"peer_c",  "\tmultihop;",			   CONF_NOT_STOPPED},
		{ "peer_a", CONF_DISABLED CONF_BY_HAND_MARK,  CONF_BY_HAND	  },
		{ "peer_d", CONF_DISABLED CONF_BY_FIELD_MARK, CONF_BY_FIELD   },
		{ "peer_b", CONF_DISABLED,			   CONF_NEVER_RAN  },
	};
	auto_arena struct arena a = { 0 };
	struct conf *c = conf_new(&a), *r;

	(void)state;
	conf_open(c, "base", "base", NULL);
	conf_close(c);
	for (size_t i = 0; i < lengthof(cases); i++) {
		conf_open(c, cases[i].name, "bgppeer/x", NULL);
		conf_line(c, "protocol bgp %s {", cases[i].name);
		conf_line(c, "%s", cases[i].line);
		conf_line(c, "}");
		conf_close(c);
	}
	conf_finish(c, NULL);
	r = conf_parse(c->text.at, c->text.len, &a);
	assert_int_equal(r->n_sessions, lengthof(cases));
	for (size_t i = 0; i < lengthof(cases); i++) {
		const char name[] = { 'p', 'e', 'e', 'r', '_', (char)('a' + i), '\0' };

		assert_string_equal(r->sessions[i]->name, name);
		assert_string_equal(c->sessions[i]->name, name);
		assert_string_equal(conf_session(r, cases[i].name)->name, cases[i].name);
		assert_int_equal(conf_session(r, cases[i].name)->stop, cases[i].stop);
		assert_int_equal(conf_session(c, cases[i].name)->stop, cases[i].stop);
	}
	assert_null(conf_session(r, "base"));
	assert_null(conf_session(r, "peer_bb"));
	assert_null(conf_session(NULL, "peer_a"));
	conf_free(r);
	conf_free(c);
}

/* The id is the digest of all but itself, and `like` only spares the work. */
static void ids(void **state)
{
	auto_arena struct arena a = { 0 };
	struct conf *c = some_conf(&a, "x"), *same = some_conf(&a, "x"),
		    *other = some_conf(&a, "y");
	struct conf *read = conf_parse(c->text.at, c->text.len, &a);
	char id[17];

	(void)state;
	assert_string_equal(c->id, same->id);
	assert_string_not_equal(c->id, other->id);
	assert_memory_equal(c->text.at + c->id_at, c->id, 16);
	memcpy(id, c->id, sizeof id);
	conf_finish(c, NULL);
	assert_string_equal(c->id, id);
	conf_finish(same, read);
	assert_string_equal(same->id, id);
	memcpy(id, other->id, sizeof id);
	conf_finish(other, read);
	assert_string_equal(other->id, id);
	conf_free(c);
	conf_free(same);
	conf_free(other);
	conf_free(read);
}

static void not_ours(void **state)
{
	/* clang-format off */
	static const struct { const char *text; bool ours; size_t n_blocks; } cases[] = {
		{ "", false, 0 },
		{ "router id 1.1.1.1;\n", false, 0 },
		{ "\n" CONF_HEAD, false, 0 },
		{ CONF_HEAD, true, 0 },
		{ CONF_HEAD "define conf_id = \"short\";\n", true, 0 },
		{ CONF_HEAD "# block x y\n# end\n", true, 1 },
		{ CONF_HEAD "# block x y\ncut", true, 0 },
		{ CONF_HEAD "# block x y\n", true, 0 },
		{ CONF_HEAD "# block x y", true, 0 },
		{ CONF_HEAD "# block x\n# end\n", true, 1 },
		{ CONF_HEAD "# block \n# end\n# block a b c d\n# end", true, 1 },
		{ CONF_HEAD "# end\n# end\n", true, 0 },
		{ CONF_HEAD "# block x y\n# block z z\n# end\n", true, 1 },
	};
	/* clang-format on */
	auto_arena struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct conf *c = conf_parse(cases[i].text, strlen(cases[i].text), &a);

		assert_int_equal(c != NULL, cases[i].ours);
		if (c)
			assert_int_equal(c->n_blocks, cases[i].n_blocks);
		conf_free(c);
	}
}

/* A file cut at any byte gives only blocks that are whole. */
static void cut_short(void **state)
{
	auto_arena struct arena a = { 0 };
	struct conf *c = some_conf(&a, "x");

	(void)state;
	for (size_t len = 0; len < c->text.len; len++) {
		char *text = malloc(len + 1);
		struct conf *r;

		assert_non_null(text);
		memcpy(text, c->text.at, len);
		r = conf_parse(text, len, &a);
		for (size_t i = 0; r && i < r->n_blocks; i++) {
			const struct conf_block *b = conf_find(c, r->blocks[i].name);

			assert_non_null(b);
			assert_int_equal(b->at, r->blocks[i].at);
			assert_int_equal(b->len, r->blocks[i].len);
		}
		conf_free(r);
		free(text);
	}
	conf_free(c);
}

static void quoting(void **state)
{
	/* clang-format off */
	static const struct { const char *text, *quoted; } cases[] = {
		{ "eth0", "\"eth0\"" }, { "", "\"\"" }, { "it's # { } ; \\ /*", "\"it's # { } ; \\ /*\"" },
		{ "a\tb", "\"a\tb\"" }, { "\xc3\xa9", "\"\xc3\xa9\"" },
		{ "a\"b", NULL }, { "a\nb", NULL }, { "a\rb", NULL }, { "\x01", NULL }, { "\x7f", NULL },
	};
	/* clang-format on */
	auto_arena struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		const char *quoted = conf_quote(cases[i].text, &a);

		assert_true(str_eq(quoted, cases[i].quoted));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners),   cmocka_unit_test(reads_back),
		cmocka_unit_test(sessions), cmocka_unit_test(ids),
		cmocka_unit_test(not_ours), cmocka_unit_test(cut_short),
		cmocka_unit_test(quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
