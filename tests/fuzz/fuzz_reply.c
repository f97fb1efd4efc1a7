/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an answer of BIRD: nothing but clean text comes out. */
#include "base/text.h"
#include "bird/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply r = { 0 };
	struct reply_place place;
	const uint8_t *end = data + size, *newline;

	for (; data < end && !r.done; data = newline + 1) {
		newline = memchr(data, '\n', (size_t)(end - data));
		if (!newline)
			newline = end;
		reply_add(&r, (const char *)data, (size_t)(newline - data));
	}
	for (size_t i = 0; i < r.n; i++) {
		const char *text = r.lines[i].text;

		if (text_utf8(text, strlen(text)) != strlen(text) || r.lines[i].code < 0 ||
		    r.lines[i].code > 9999)
			abort();
		for (; *text; text++)
			if ((unsigned char)*text < 0x20 || *text == 0x7f)
				abort();
		reply_place(r.lines[i].text, &r.arena, &place);
	}
	reply_clear(&r);
	return 0;
}
