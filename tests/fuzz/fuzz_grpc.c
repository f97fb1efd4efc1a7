/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a server may send them, in pieces as the first byte says, while two calls and a stream
 * are under way. A call that is done is forgotten at once, and what it came to is fit to be shown. */
#include "base/text.h"
#include "store/grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct call {
	struct grpc_call call;
	struct grpc *g;
	bool ended; /* the last part was the last one of a message */
	unsigned cancel; /* itself, with so many parts to come */
	unsigned n_parts;
	uint8_t seen;
};

static bool call_bytes(void *ctx, const uint8_t *at, size_t len, bool end, struct err *err)
{
	struct call *c = ctx;

	if (c->call.done)
		abort();
	for (size_t i = 0; i < len; i++)
		c->seen ^= at[i];
	c->ended = end;
	if (++c->n_parts == c->cancel)
		grpc_cancel(c->g, &c->call);
	return c->seen != 0xee || err_set(err, ERR_AWAY, "that \xc3\xa9 is no answer");
}

static struct call *call_start(struct grpc *g, bool last)
{
	auto_buf struct buf message = { 0 };
	struct call *c = mem_alloc(sizeof *c);

	*c = (struct call){ .g = g, .call = { .path = "/p", .bytes = call_bytes } };
	c->call.ctx = c;
	buf_str(&message, "question");
	grpc_start(g, &c->call, &message, last);
	return c;
}

static void is_clean(const char *words)
{
	if (text_utf8(words, strlen(words)) != strlen(words))
		abort();
	for (const char *at = words; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			abort();
}

/* Frees the calls that are done, or (G NULL) all: they are. */
static void calls_look(struct grpc *g, struct call **calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct call *c = calls[i];

		if (!c || (g && !c->call.done))
			continue;
		if (!c->call.done || (c->call.status != GRPC_OK && !c->cancel && !*c->call.words) ||
		    (c->call.status == GRPC_OK && c->n_parts && !c->ended))
			abort();
		is_clean(c->call.words);
		grpc_cancel(g, &c->call);
		free(c);
		calls[i] = NULL;
	}
}

static void drain(struct grpc *g)
{
	const uint8_t *at;

	while (grpc_output(g, &at))
		continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct grpc *g = grpc_open("h:1", false);
	struct call *calls[4] = { call_start(g, true), call_start(g, true), call_start(g, false) };
	struct err err = { 0 };
	unsigned flags = size ? data[0] : 0;
	size_t step = flags & 7 ? (size_t)1 << (flags & 7) >> 1 : SIZE_MAX; /* bytes at a time */
	bool good = true, calm;

	if (flags & 8)
		calls[0]->cancel = 1 + (flags >> 6);
	drain(g);
	if (flags & 32)
		grpc_ping(g);
	for (size_t at = 1, part; good && at < size; at += part) {
		auto_free uint8_t *piece = NULL;

		part = MIN(step, size - at);
		piece = malloc(part);
		memcpy(piece, data + at, part);
		good = grpc_input(g, piece, part, &err);
		calls_look(g, calls, lengthof(calls));
		if (good)
			drain(g);
		calls_look(g, calls, lengthof(calls));
		if (good && !calls[3])
			calls[3] = call_start(g, true);
	}
	if (!good && err.kind != ERR_AWAY)
		abort();
	is_clean(err.words);
	grpc_leaving(g, &calm);
	if (calls[1]) {
		grpc_cancel(g, &calls[1]->call);
		free(calls[1]);
		calls[1] = NULL;
		drain(g);
	}
	calls_look(g, calls, lengthof(calls));
	grpc_close(g, "it is over");
	calls_look(NULL, calls, lengthof(calls));
	return 0;
}
