/* SPDX-License-Identifier: Apache-2.0 */
/* Transcripts of real BIRDs (data/bird-VERSION/NAME.txt) for the tests of bird/. */
#pragma once

#include "base/file.h"
#include "bird/reply.h"

static inline const char *transcript(const char *name, struct arena *a, size_t *ret_len)
{
	struct err err;

	return file_read(arena_printf(a, "%s/%s.txt", TEST_DATA, name), 1u << 20, a, ret_len, &err);
}

/* TEXT cut into lines, all given to R. */
static inline void reply_feed(struct reply *r, const char *text, size_t len)
{
	const char *end = text + len, *newline;

	for (; text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			newline = end;
		reply_add(r, text, (size_t)(newline - text));
	}
}

static inline bool reply_load(struct reply *r, const char *name)
{
	auto_arena struct arena a = { 0 };
	size_t len;
	const char *text = transcript(name, &a, &len);

	if (text)
		reply_feed(r, text, len);
	return text;
}
