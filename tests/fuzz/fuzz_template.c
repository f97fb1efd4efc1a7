/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text: a template or complaints. Whatever keys are set, the lines of a template close as many
 * braces as they open, never more at any point, and each stays one line.
 */
#include "render/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void line(void *ctx, const char *text)
{
	long *depth = ctx;

	check(!strchr(text, '\n'));
	for (; *text; text++) {
		*depth += *text == '{' ? 1 : *text == '}' ? -1 : 0;
		check(*depth >= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct strpair all[] = {
		{"a",     "1"   },
		      { "b",    "x-y" },
		      { "c",    "}"	 },
		    { "role", "peer"}
	};
	auto_arena struct arena a = { 0 };
	struct diags d = { .arena = &a };
	const struct template *t = template_parse((const char *)data, size, &a, &d);

	check((t != NULL) == !d.n_errors);
	for (size_t set = 0; t && set < 1u << lengthof(all); set++) {
		struct strpair some[lengthof(all)];
		struct strmap values;
		size_t n = 0;

		for (size_t i = 0; i < lengthof(all); i++)
			if (set >> i & 1)
				some[n++] = all[i];
		values = strmap_make(some, n);
		for (int part = TEMPLATE_PROTOCOL; part <= TEMPLATE_CHANNEL; part++) {
			long depth = 0;

			template_fill(t, (enum template_part)part, &values, line, &depth);
			check(depth == 0);
		}
	}
	return 0;
}
