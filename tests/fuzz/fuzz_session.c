/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as `show protocols all`: what is always there is there, and enums are in range. */
#include "bird/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = { 0 };
	struct reply r = { 0 };
	struct session_cause cause;
	struct session *s;
	const uint8_t *end = data + size, *newline;
	struct history h = { 0 };
	int64_t ms;
	size_t n;

	for (; data < end; data = newline + 1) {
		newline = memchr(data, '\n', (size_t)(end - data));
		if (!newline)
			newline = end;
		reply_add(&r, (const char *)data, (size_t)(newline - data));
	}
	s = session_parse(&r, &a, &n);
	for (size_t i = 0; i < n; i++) {
		if (!*s[i].name || !s[i].proto || !s[i].since || !s[i].info || !s[i].description ||
		    (unsigned)s[i].up >= PROTO_COUNT || (unsigned)s[i].state >= SESSION_COUNT)
			abort();
		session_silence(&s[i], &cause);
		history_note(&h, &(struct history_event){ .session = &s[i], .now = (int64_t)i * 700 });
		if (h.now.words[0] && s[i].state == SESSION_ESTABLISHED)
			abort();
		session_elapsed(s[0].since, s[i].since, &ms);
	}
	reply_clear(&r);
	return 0;
}
