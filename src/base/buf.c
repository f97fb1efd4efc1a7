/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>

#include "base/arena.h"

void buf_free(struct buf *b)
{
	free(b->at);
	*b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->at)
		*b->at = '\0';
}

char *buf_reserve(struct buf *b, size_t len)
{
	if (len > SIZE_MAX / 4)
		abort();
	if (b->len + len + 1 > b->cap) {
		b->cap = MAX(b->len + len + 1, b->cap ? 2 * b->cap : 256);
		b->at = mem_resize(b->at, b->cap);
	}
	return b->at + b->len;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (!len)
		return;
	memcpy(buf_reserve(b, len), bytes, len);
	b->len += len;
	b->at[b->len] = '\0';
}

void buf_char(struct buf *b, char c)
{
	char *at = buf_reserve(b, 1);

	at[0] = c;
	at[1] = '\0';
	b->len++;
}

void buf_u64(struct buf *b, uint64_t number)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	buf_add(b, digits + at, sizeof digits - at);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	char *at = buf_reserve(b, 128);
	int len;

	va_copy(again, args);
	len = vsnprintf(at, b->cap - b->len, format, args);
	if (len < 0)
		abort();
	if ((size_t)len >= b->cap - b->len)
		vsnprintf(buf_reserve(b, (size_t)len), (size_t)len + 1, format, again);
	va_end(again);
	b->len += (size_t)len;
}

void buf_fit(struct buf *b)
{
	if (!b->at)
		return;
	b->cap = b->len + 1;
	b->at = mem_resize(b->at, b->cap);
}

const char *buf_text(const struct buf *b)
{
	return b->at ? b->at : "";
}
