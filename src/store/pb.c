/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pb.h"

#define PART_KEPT (64 << 10) /* of its memory, from one field that was cut to the next */

enum wire { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 5 };
enum taken { TAKEN, TAKEN_MORE, TAKEN_BAD };

static void varint_add(struct buf *b, uint64_t number);
static enum taken varint_take(const uint8_t **at, const uint8_t *end, uint64_t *ret);
static enum taken field_take(const uint8_t **at, const uint8_t *end, struct pb_field *f,
			     size_t *ret_size);
static bool not_a_message(struct err *err);

void pb_uint(struct buf *b, unsigned field, uint64_t number)
{
	if (!number)
		return;
	varint_add(b, (uint64_t)field << 3 | WIRE_VARINT);
	varint_add(b, number);
}

void pb_bytes(struct buf *b, unsigned field, const void *at, size_t len)
{
	if (!len)
		return;
	varint_add(b, (uint64_t)field << 3 | WIRE_BYTES);
	varint_add(b, len);
	buf_add(b, at, len);
}

void pb_text(struct buf *b, unsigned field, const char *text)
{
	pb_bytes(b, field, text, text ? strlen(text) : 0);
}

size_t pb_begin(struct buf *b, unsigned field)
{
	varint_add(b, (uint64_t)field << 3 | WIRE_BYTES);
	return b->len;
}

/* The length is known only now, so what follows it moves up. */
void pb_end(struct buf *b, size_t begun)
{
	auto_buf struct buf length = { 0 };
	size_t len = b->len - begun;
	char *at;

	varint_add(&length, len);
	buf_reserve(b, length.len);
	at = b->at + begun;
	memmove(at + length.len, at, len + 1); /* with its NUL */
	memcpy(at, length.at, length.len);
	b->len += length.len;
}

struct pb pb_message(const struct pb_field *f)
{
	if (!f->is_bytes)
		return (struct pb){ .bad = true };
	return (struct pb){ .at = f->at, .end = f->at + f->len };
}

bool pb_next(struct pb *p, struct pb_field *f)
{
	size_t size;

	if (p->bad || p->at == p->end)
		return false;
	p->bad = field_take(&p->at, p->end, f, &size) != TAKEN;
	return !p->bad;
}

bool pb_stream_take(struct pb_stream *s, const uint8_t *at, size_t len, pb_field_fn *field,
		    void *ctx, struct err *err)
{
	const uint8_t *end = at + len;
	struct pb_field f;
	size_t size;

	/* The rest of the field that was cut; how long it is may have been cut, too. */
	while (s->part.len && at < end) {
		const uint8_t *part = (const uint8_t *)s->part.at;
		size_t want = 1;
		enum taken taken = field_take(&part, part + s->part.len, &f, &size);

		if (taken == TAKEN_BAD)
			return not_a_message(err);
		if (size)
			want = MIN(size - s->part.len, (size_t)(end - at));
		buf_add(&s->part, at, want);
		at += want;
		part = (const uint8_t *)s->part.at;
		taken = field_take(&part, part + s->part.len, &f, &size);
		if (taken == TAKEN_BAD)
			return not_a_message(err);
		if (taken == TAKEN_MORE)
			continue;
		if (!field(ctx, &f, err))
			return false;
		if (s->part.cap > PART_KEPT)
			buf_free(&s->part);
		buf_clear(&s->part);
	}
	while (at < end) {
		switch (field_take(&at, end, &f, &size)) {
		case TAKEN:
			if (!field(ctx, &f, err))
				return false;
			break;
		case TAKEN_MORE:
			if (size)
				buf_reserve(&s->part, size);
			buf_add(&s->part, at, (size_t)(end - at));
			return true;
		case TAKEN_BAD:
			return not_a_message(err);
		}
	}
	return true;
}

bool pb_stream_end(struct pb_stream *s, struct err *err)
{
	bool whole = !s->part.len;

	buf_clear(&s->part);
	return whole || err_set(err, ERR_AWAY, "a message ends in the middle of a field");
}

void pb_stream_free(struct pb_stream *s)
{
	buf_free(&s->part);
}

static void varint_add(struct buf *b, uint64_t number)
{
	for (; number > 0x7f; number >>= 7)
		buf_char(b, (char)(number | 0x80));
	buf_char(b, (char)number);
}

static enum taken varint_take(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
	uint64_t number = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		if (*at == end)
			return TAKEN_MORE;
		byte = *(*at)++;
		if (shift == 63 && byte > 1)
			return TAKEN_BAD;
		number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		*ret = number;
		return TAKEN;
	}
	return TAKEN_BAD;
}

/* TAKEN: AT is behind the field. TAKEN_MORE: AT is as it was; *RET_SIZE: how many bytes the field has
 * from there on, 0 while not even that is known. */
static enum taken field_take(const uint8_t **at, const uint8_t *end, struct pb_field *f,
			     size_t *ret_size)
{
	const uint8_t *start = *at, *now = start;
	uint64_t tag, len = 0;
	enum taken taken = varint_take(&now, end, &tag);

	*ret_size = 0;
	*f = (struct pb_field){ 0 };
	if (taken != TAKEN)
		return taken;
	if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return TAKEN_BAD;
	f->number = (unsigned)(tag >> 3);
	switch ((enum wire)(tag & 7)) {
	case WIRE_VARINT:
		taken = varint_take(&now, end, &f->value);
		if (taken == TAKEN)
			*at = now;
		return taken;
	case WIRE_FIXED64:
		len = 8;
		break;
	case WIRE_FIXED32:
		len = 4;
		break;
	case WIRE_BYTES:
		taken = varint_take(&now, end, &len);
		if (taken != TAKEN)
			return taken;
		if (len > PB_FIELD_MAX)
			return TAKEN_BAD;
		f->is_bytes = true;
		break;
	default:
		return TAKEN_BAD;
	}
	*ret_size = (size_t)(now - start) + (size_t)len;
	if ((size_t)(end - now) < len)
		return TAKEN_MORE;
	f->at = now;
	f->len = (size_t)len;
	for (size_t i = 0; !f->is_bytes && i < len; i++)
		f->value |= (uint64_t)now[i] << 8 * i;
	*at = now + len;
	return TAKEN;
}

static bool not_a_message(struct err *err)
{
	return err_set(err, ERR_AWAY, "what came is no message of etcd (broken Protocol Buffers)");
}
