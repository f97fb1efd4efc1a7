/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What BIRD sends on its control socket, as a function of bytes: "1002-x" goes on, "0013 x" ends,
 * " x" goes on under the last code, "+x" is an aside (a log line of `echo`).
 */
#pragma once

#include "base/arena.h"

#define REPLY_LINE_MAX (64u << 10) /* bytes of one line */
#define REPLY_MAX      (64u << 20) /* bytes that one answer may take in its arena */

struct reply_line {
	int code;
	const char *text; /* cleaned: valid UTF-8, no control characters (decisions.md 13) */
};

struct reply {
	struct arena arena;
	struct reply_line *lines;
	size_t n;
	int code;  /* of the line that ended it; 0 as long as it has not ended (see done) */
	bool done;
};

void reply_clear(struct reply *r);
/* Takes one line without its newline; true when it ends the answer. Asides are ignored: the caller
 * takes lines that begin with '+' for itself. Lines and answers have limits; what is over them is
 * dropped, never fatal. */
bool reply_add(struct reply *r, const char *line, size_t len);
/* The first line with CODE, NULL when there is none. */
const char *reply_find(const struct reply *r, int code);
/* "8002 /etc/bird/bird.conf:14:3 syntax error": its parts; false when TEXT has no such form. */
struct reply_place {
	const char *file, *words;
	unsigned line, column;
};
bool reply_place(const char *text, struct arena *a, struct reply_place *ret);
