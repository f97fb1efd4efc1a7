/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259), strict: no comments, no trailing text, no double keys, no lone surrogates, no
 * NUL (raw or as an escape of a string), valid UTF-8, at most VALUE_DEPTH deep.
 */
#pragma once

#include "base/value.h"

/* The value of LEN bytes at TEXT, which may be freed afterwards. NULL with one complaint (line and
 * column of the byte) when it is not JSON. */
const struct value *json_parse(const char *text, size_t len, struct arena *a, struct diags *d);
/* INDENT blanks per level, 0: all on one line without blanks. Ends without newline. */
void json_print(const struct value *v, unsigned indent, struct buf *out);
/* A string with quotes and escapes. */
void json_string(const char *text, struct buf *out);
