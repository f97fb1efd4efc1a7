/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML 1.2 core schema on libyaml's events, many documents per text.  Refused, each with its place:
 * double keys, keys that are not strings, more than VALUE_DEPTH levels, tags other than the core
 * ones, and aliases (a resource needs none, and they are how YAML bombs are made).
 */
#pragma once

#include "base/value.h"

struct yaml;

/* TEXT must live until yaml_close(). */
struct yaml *yaml_open(const char *text, size_t len);
/* The next document, in A. NULL at the end, or after one complaint when the text is broken (the
 * rest of the text is then not read). An empty document is a VALUE_NULL. */
const struct value *yaml_next(struct yaml *y, struct arena *a, struct diags *d);
void yaml_close(struct yaml *y);

/* Block style, order kept, strings quoted wherever a YAML 1.1 or 1.2 reader could take them for
 * something else, multi-line strings as `|`. Ends with a newline. */
void yaml_print(const struct value *v, struct buf *out);
