/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text: a refusal has its place inside the text and words; what is accepted has a canonical
 * form that is its own canonical form, and that matches the same labels.
 */
#include "selector/selector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* clang-format off */
static const struct strpair few[] = { { "a", "1" }, { "b", "" }, { "in", "x" } };
static const struct strpair many[] = {
	{ "-", "b" }, { "a", "b" }, { "has", "1" }, { "rack", "r1" }, { "row", "it's" }, { "z/z", "\"" },
};
/* clang-format on */

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct strmap labels[] = {
		{0		    },
		       {	 few,  lengthof(few) },
		       { many, lengthof(many) }
	};
	auto_arena struct arena a = { 0 };
	const char *text = arena_strn(&a, (const char *)data, size);
	const struct selector *s, *again;
	struct selector_error e;

	s = selector_parse(text, &a, &e);
	if (!s) {
		check(e.words[0] && e.offset <= strlen(text));
		return 0;
	}
	check(strcmp(selector_text(s), text) == 0);
	again = selector_parse(selector_canonical(s), &a, &e);
	if (!again) { /* blanks and parentheses make it longer, so it may pass the limit */
		check(strlen(selector_canonical(s)) > 65536 && e.offset == 65536);
		return 0;
	}
	check(strcmp(selector_canonical(again), selector_canonical(s)) == 0);
	for (size_t i = 0; i < lengthof(labels); i++)
		check(selector_match(s, &labels[i]) == selector_match(again, &labels[i]));
	return 0;
}
