/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label selectors, Calico's language (reference/calico-compat.md 3):
 *
 *   selector := <empty> | or
 *   or       := and { "||" and }
 *   and      := unary { "&&" unary }
 *   unary    := { "!" } primary
 *   primary  := "(" or ")" | "all()" | "global()" | "has(" LABEL ")"
 *             | LABEL ("==" | "!=" | "contains" | "starts with" | "ends with") STRING
 *             | LABEL ("in" | "not in") "{" [ STRING { "," STRING } [","] ] "}"
 *
 * A selector lives in the arena it was parsed into and is never changed.
 */
#pragma once

#include "base/arena.h"
#include "base/strmap.h"

struct selector;

/* What is wrong with a text that is no selector: byte offset and words. */
struct selector_error {
	size_t offset; /* column = offset + 1 */
	char words[160];
};

/* NULL when TEXT is not a selector; E says why. The empty text is all(). */
const struct selector *selector_parse(const char *text, struct arena *a, struct selector_error *e);
bool selector_match(const struct selector *s, const struct strmap *labels);
/* The text as it was written, and the canonical form (compat 3.4); both live as long as S. */
const char *selector_text(const struct selector *s);
const char *selector_canonical(const struct selector *s);
