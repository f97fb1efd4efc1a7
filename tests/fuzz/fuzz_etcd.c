/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte picks what the rest is: an answer of etcd, whole and in pieces (the second byte
 * says which), or a key and its value, or a point to go on from. A key that means an object is that
 * object's, and an answer means the same however it is cut. */
#include "store/etcd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum what { RANGE, TXN, WATCH, KEY, RESUME, WHAT_COUNT };

struct reader {
	enum what what;
	uint64_t digest; /* of all that was read: each byte is looked at */
	bool refused;	 /* by what reads the field */
	struct etcd_watched watched;
};

static void see(struct reader *r, const void *at, size_t len)
{
	const uint8_t *bytes = at;

	for (size_t i = 0; i < len; i++)
		r->digest = (r->digest ^ bytes[i]) * 0x100000001b3;
	r->digest = (r->digest ^ len) * 0x100000001b3;
}

static bool in_range(const struct key_range *range, const char *key, size_t len)
{
	return len >= strlen(range->from) && memcmp(key, range->from, strlen(range->from)) == 0;
}

static void see_object(struct reader *r, const char *key, size_t key_len, const char *value,
		       size_t len)
{
	auto_buf struct buf name = { 0 }, again = { 0 }, text = { 0 }, text_key = { 0 };
	const struct kind *kind = etcd_key_parse(key, key_len, &name);
	struct key_range range;

	if (!kind)
		return;
	range = etcd_keys_of(kind);
	if (!in_range(&range, key, key_len) || strlen(buf_text(&name)) != name.len)
		abort();
	if (etcd_key(kind, buf_text(&name), &again) &&
	    (again.len != key_len ||
	     (!memchr(key, '\0', key_len) && memcmp(again.at, key, key_len) != 0)))
		abort();
	see(r, kind->plural, strlen(kind->plural));
	see(r, buf_text(&name), name.len);
	buf_add(&text_key, key, key_len);
	value = etcd_value(kind, buf_text(&text_key), buf_text(&name), value, &len, &text);
	see(r, value, len);
}

static void see_kv(struct reader *r, const struct etcd_kv *kv)
{
	if (kv->mod_revision <= 0 || kv->mod_revision > ETCD_REVISION_MAX)
		abort();
	see(r, &kv->mod_revision, sizeof kv->mod_revision);
	see(r, &kv->deleted, sizeof kv->deleted);
	see(r, kv->key, kv->key_len);
	see(r, kv->value, kv->len);
	see_object(r, kv->key, kv->key_len, kv->value, kv->len);
}

static bool see_field(void *ctx, const struct pb_field *f, struct err *err)
{
	struct reader *r = ctx;
	struct etcd_header header;
	struct etcd_kv kv = { 0 };
	bool found = true, good = true;

	see(r, &f->number, sizeof f->number);
	see(r, &f->value, sizeof f->value);
	see(r, f->at, f->len);
	if (f->number == RANGE_HEADER) {
		good = etcd_header_get(f, &header);
		if (good)
			see(r, &header.revision, sizeof header.revision);
	} else if (r->what == RANGE && f->number == RANGE_KVS) {
		good = etcd_kv_get(f, &kv);
	} else if (r->what == TXN && f->number == TXN_RESPONSES) {
		good = etcd_response_get(f, &kv, &found);
	} else if (r->what == WATCH && f->number == WATCH_EVENTS) {
		good = etcd_event_get(f, &kv);
	} else if (r->what == WATCH) {
		etcd_watched_get(f, &r->watched);
		see(r, r->watched.reason, r->watched.reason_len);
		r->watched.reason_len = 0;
	}
	if (good && found && f->number != RANGE_HEADER && kv.key)
		see_kv(r, &kv);
	r->refused |= !good;
	return good || err_set(err, ERR_AWAY, "it makes no sense");
}

/* Is it a message, and one that makes sense? STEPS says how long the pieces are. */
static bool see_pieces(struct reader *r, const uint8_t *data, size_t size, uint32_t steps)
{
	struct pb_stream s = { 0 };
	struct err err = { 0 };
	bool good = true;

	for (size_t at = 0, part; good && at < size; at += part) {
		auto_free uint8_t *piece = NULL;

		steps = steps * 1664525 + 1013904223;
		part = MIN(size - at, 1 + (size_t)((steps >> 24) % (steps >> 16 & 1 ? 4 : 64)));
		piece = malloc(part);
		memcpy(piece, data + at, part);
		good = pb_stream_take(&s, piece, part, see_field, r, &err);
	}
	good = good && pb_stream_end(&s, &err);
	if (good != !err.kind)
		abort();
	pb_stream_free(&s);
	return good;
}

static void answer(enum what what, const uint8_t *data, size_t size, uint8_t steps)
{
	const struct pb_field all = { .is_bytes = true, .at = data, .len = size };
	struct reader whole = { .what = what }, pieces = { .what = what };
	struct pb p = pb_message(&all);
	struct err err = { 0 };
	struct pb_field f;

	while (!whole.refused && pb_next(&p, &f))
		see_field(&whole, &f, &err);
	if (see_pieces(&pieces, data, size, steps) != (!p.bad && !whole.refused) ||
	    whole.digest != pieces.digest)
		abort();
}

static void resume(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = { 0 };
	const char *text = arena_strn(&a, (const char *)data, size), *printed;
	struct etcd_resume r, again;

	if (!etcd_resume_parse(text, &r))
		return;
	printed = etcd_resume_print(&r, &a);
	if (!etcd_resume_parse(printed, &again) || again.revision != r.revision ||
	    again.mod != r.mod || again.raft_term != r.raft_term || again.deleted != r.deleted ||
	    !str_eq(again.anchor, r.anchor) || r.revision < 0 || r.mod < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = { .what = KEY };
	const uint8_t *newline;

	if (size < 2)
		return 0;
	switch ((enum what)(data[0] % WHAT_COUNT)) {
	case RANGE:
	case TXN:
	case WATCH:
		answer(data[0] % WHAT_COUNT, data + 2, size - 2, data[1]);
		break;
	case KEY:
		newline = memchr(data + 1, '\n', size - 1);
		if (newline)
			see_object(&r, (const char *)data + 1, (size_t)(newline - data - 1),
				   (const char *)newline + 1, (size_t)(data + size - newline - 1));
		break;
	case RESUME:
		resume(data + 1, size - 1);
		break;
	case WHAT_COUNT:
		break;
	}
	return 0;
}
