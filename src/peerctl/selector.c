/* SPDX-License-Identifier: Apache-2.0 */
#include "selector/selector.h"

#include <stdlib.h>

#include "peerctl/command.h"
#include "peerctl/output.h"

static bool labels_make(const struct options *o, struct strmap *ret, struct err *err);
static int by_key(const void *a, const void *b);

bool run_selector(const struct options *o, struct err *err)
{
	struct selector_error wrong = { 0 };
	auto_buf struct buf out = { 0 };
	const struct selector *s;
	struct strmap labels;

	if (!options_args(o, 1, err) || !labels_make(o, &labels, err))
		return false;
	s = selector_parse(o->args[0], o->arena, &wrong);
	if (!s)
		return err_set(err, ERR_INVALID, "column %zu: %s", wrong.offset + 1, wrong.words);
	buf_printf(&out, "%s\n", selector_canonical(s));
	if (!output_write(&out, err))
		return false;
	/* Without labels the question is only whether it is a selector. */
	if (!labels.n || selector_match(s, &labels))
		return true;
	if (option_given(o, OPT_VERBOSE))
		tell("does not match");
	return told(err, ERR_DIFFERS);
}

static bool labels_make(const struct options *o, struct strmap *ret, struct err *err)
{
	const struct option_values *given = &o->values[OPT_LABEL];
	struct strpair *pairs = arena_array(o->arena, struct strpair, given->n);

	for (size_t i = 0; i < given->n; i++) {
		const char *text = given->items[i], *equals = strchr(text, '=');

		if (!equals || equals == text)
			return err_set(err, ERR_USAGE, "--label %.100s: write KEY=VALUE", text);
		pairs[i] = (struct strpair){ arena_strn(o->arena, text, (size_t)(equals - text)),
					     equals + 1 };
	}
	if (given->n)
		qsort(pairs, given->n, sizeof *pairs, by_key);
	for (size_t i = 1; i < given->n; i++)
		if (str_eq(pairs[i - 1].key, pairs[i].key))
			return err_set(err, ERR_USAGE, "--label %.100s is given twice",
				       pairs[i].key);
	*ret = strmap_make(pairs, given->n);
	return true;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct strpair *)a)->key, ((const struct strpair *)b)->key);
}
