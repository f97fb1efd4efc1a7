/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is being built: a growing heap buffer, always closed by a NUL that LEN does not count. */
#pragma once

#include <stdarg.h>

#include "base/base.h"

struct buf {
	char *at; /* NULL while empty */
	size_t len, cap;
};

#define auto_buf __attribute__((cleanup(buf_free)))

void buf_free(struct buf *b);
void buf_clear(struct buf *b); /* empty again, keeps its memory */
/* Room for LEN more bytes; returns where they go.  The caller adds to b->len what it used. */
char *buf_reserve(struct buf *b, size_t len);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_char(struct buf *b, char c);
void buf_u64(struct buf *b, uint64_t number);
void buf_printf(struct buf *b, const char *format, ...) printf_like(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args) printf_like(2, 0);
/* Gives back what is not used. */
void buf_fit(struct buf *b);
/* The text, never NULL. */
const char *buf_text(const struct buf *b);

/* Here, so that the length of a literal is known when compiled. */
static inline void buf_str(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}
