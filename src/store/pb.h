/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol Buffers on the wire (proto3 encoding): writing, reading a message that is there as a whole,
 * and reading one that arrives in pieces without keeping more of it than one field. Pure; what comes
 * in is not trusted.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* ---- writing; what is zero or empty is left out, as proto3 says ---- */

void pb_uint(struct buf *b, unsigned field, uint64_t number); /* also int64 (two's complement), bool, enum */
void pb_bytes(struct buf *b, unsigned field, const void *at, size_t len);
void pb_text(struct buf *b, unsigned field, const char *text);
/* A message inside: what is written between the two belongs to it. It is there even when empty. */
size_t pb_begin(struct buf *b, unsigned field);
void pb_end(struct buf *b, size_t begun);

/* ---- reading ---- */

struct pb_field {
	unsigned number;
	bool is_bytes;     /* else NUMBER of a varint or fixed field */
	uint64_t value;
	const uint8_t *at; /* inside the message */
	size_t len;
};

struct pb {
	const uint8_t *at, *end;
	bool bad; /* it ended for another reason than that the message did */
};

struct pb pb_message(const struct pb_field *f); /* of a field that holds a message */
/* The next field; false at the end and when it is no valid encoding (p->bad). */
bool pb_next(struct pb *p, struct pb_field *f);

/* ---- a message in pieces ---- */

#define PB_FIELD_MAX (64u << 20) /* bytes of one field of the outermost message */

struct pb_stream {
	struct buf part; /* a field of which more is to come */
};

/* Takes LEN more bytes of a message and hands over each field that is complete; F points into AT or
 * into the stream and is valid during the call only. False: the bytes are no message, or FIELD said
 * so; ERR has why. */
typedef bool pb_field_fn(void *ctx, const struct pb_field *f, struct err *err);
bool pb_stream_take(struct pb_stream *s, const uint8_t *at, size_t len, pb_field_fn *field, void *ctx,
		    struct err *err) must_check;
/* The message is over: is nothing half there? Ready for the next one. */
bool pb_stream_end(struct pb_stream *s, struct err *err) must_check;
void pb_stream_free(struct pb_stream *s);
