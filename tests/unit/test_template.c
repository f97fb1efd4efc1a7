/* SPDX-License-Identifier: Apache-2.0 */
#include "render/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct template *parse(const char *text, size_t len, struct arena *a, size_t *ret_n)
{
	struct diags d = { .arena = a };
	const struct template *t = template_parse(text, len, a, &d);

	*ret_n = d.n_errors;
	return t;
}

static void what_is_a_template(void **state)
{
	/* clang-format off */
	static const struct { const char *text; size_t errors; } cases[] = {
		{ "", 0 },
		{ "# only words\n\n  \t\n", 0 },
		{ "protocol:\nhold time 90;\nchannel:\nimport limit 10;\n", 0 },
		{ "channel:\nimport limit 10;", 0 },
		{ "protocol:\r\nhold time 90;\r\n", 0 },
		{ "protocol:\nlocal role ${role};\n", 0 },
		{ "protocol:\nlocal role ${a.b/c-d_E};\n", 0 },
		{ "protocol:\nbfd {\ninterval 300 ms;\n};\n", 0 },
		{ "protocol:\nbfd { interval ${ms} ms; };\n", 0 },
		{ "protocol:\nx ${a} ${b};\nprotocol:\ny;\n", 0 },
		{ "hold time 90;\n", 1 },
		{ "both:\nhold time 90;\n", 2 },
		{ "protocol: x\n", 1 },
		{ "protocol:\nx ${;\n", 1 },
		{ "protocol:\nx ${};\n", 1 },
		{ "protocol:\nx ${a b};\n", 1 },
		{ "protocol:\nx ${a\n", 1 },
		{ "protocol:\nx ${a;}\n", 1 },
		{ "protocol:\nx {\n", 1 },
		{ "protocol:\nx }\n", 1 },
		{ "protocol:\n}\nprotocol static { \n", 1 },
		{ "protocol:\n{\nchannel:\n}\n", 2 },
		{ "protocol:\n{ ${a};\n}\n", 1 },
		{ "protocol:\n{\n} ${a} {\n}\n", 1 },
		{ "protocol:\nx \xff;\n", 1 },
	};
	/* clang-format on */
	auto_arena struct arena a = { 0 };
	size_t n;

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		const struct template *t = parse(cases[i].text, strlen(cases[i].text), &a, &n);

		if (n != cases[i].errors || (t != NULL) != !cases[i].errors)
			fail_msg("%s: %zu errors", cases[i].text, n);
	}
	assert_null(parse("protocol:\n\0", 11, &a, &n));
}

static void sizes(void **state)
{
	auto_arena struct arena a = { 0 };
	char *text = arena_alloc(&a, TEMPLATE_MAX + 1);
	size_t n;

	(void)state;
	memset(text, '\n', TEMPLATE_MAX + 1);
	assert_non_null(parse(text, TEMPLATE_MAX, &a, &n));
	assert_null(parse(text, TEMPLATE_MAX + 1, &a, &n));
}

static void collect(void *ctx, const char *text)
{
	buf_printf(ctx, "%s|", text);
}

static void filling(void **state)
{
	static const char text[] = "protocol:\n\tlocal role ${role}; \n hold time 90;\n# words\n"
				   "x ${role}${n} ${role};\ny ${gone};\nz ${bad};\n"
				   "channel:\nimport limit ${n} action ${what};\n$ { } $x;\n";
	/* clang-format off */
	static const struct { const char *role, *n, *protocol, *channel; } cases[] = {
		{ NULL, NULL, "hold time 90;|", "$ { } $x;|" },
		{ "peer", NULL, "local role peer;|hold time 90;|", "$ { } $x;|" },
		{ "peer", "7", "local role peer;|hold time 90;|x peer7 peer;|", "$ { } $x;|" },
		{ "a;b", "7", "hold time 90;|", "$ { } $x;|" },
		{ "", "7", "hold time 90;|", "$ { } $x;|" },
	};
	/* clang-format on */
	auto_arena struct arena a = { 0 };
	size_t n;
	const struct template *t = parse(text, strlen(text), &a, &n);

	(void)state;
	assert_non_null(t);
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_buf struct buf protocol = { 0 }, channel = { 0 };
		struct strpair pairs[3] = {
			{"bad", "}"}
		};
		size_t n_pairs = 1;
		struct strmap values;

		if (cases[i].role)
			pairs[n_pairs++] = (struct strpair){ "role", cases[i].role };
		if (cases[i].n)
			pairs[n_pairs++] = (struct strpair){ "n", cases[i].n };
		values = strmap_make(pairs, n_pairs);
		template_fill(t, TEMPLATE_PROTOCOL, &values, collect, &protocol);
		template_fill(t, TEMPLATE_CHANNEL, &values, collect, &channel);
		assert_string_equal(buf_text(&protocol), cases[i].protocol);
		assert_string_equal(buf_text(&channel), cases[i].channel);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_a_template),
					    cmocka_unit_test(sizes), cmocka_unit_test(filling) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
