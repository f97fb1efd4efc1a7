/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC call is an HTTP/2 stream: a POST whose body is a sequence of messages, each behind a flag
 * and a length of four bytes, and whose outcome comes in the trailers, or in the headers when there
 * is no body. nghttp2 does frames, header compression and flow control.
 */
#include "store/grpc.h"

#include <ctype.h>
#include <stdio.h>

#include <nghttp2/nghttp2.h>

#include "base/text.h"

#define WINDOW	   (8 << 20)  /* what may come before we say that we took it */
#define HEADER_MAX (64 << 10) /* bytes of the headers and trailers of one call */
#define GREETING   5	      /* bytes that tell HTTP/2 from what else answers at a port */

struct grpc {
	nghttp2_session *session;
	char *authority;
	bool tls;
	struct grpc_call *calls; /* under way */
	uint8_t greeting[GREETING];
	size_t n_greeting;
	unsigned pongs;
	bool greeted, leaving, calm;
	char leaving_words[80];
};

static void call_end(struct grpc *g, struct grpc_call *call, uint32_t http_error);
static void call_unlink(struct grpc *g, const struct grpc_call *call);
static void call_queue(struct grpc_call *call, const struct buf *message, bool last);
static bool call_take(struct grpc_call *call, const uint8_t *at, size_t len, struct err *err);
static void call_outcome(struct grpc_call *call, const char *value, size_t len);
static void call_words(struct grpc_call *call, const char *value, size_t len);
static void call_broken(struct grpc_call *call, const char *format, ...) printf_like(2, 3);
static bool greeting_take(struct grpc *g, const uint8_t *at, size_t len, struct err *err);
static ssize_t on_read(nghttp2_session *s, int32_t stream, uint8_t *into, size_t size,
		       uint32_t *flags, nghttp2_data_source *source, void *ctx);
static int on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *ctx);
static int on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *at, size_t len,
		   void *ctx);
static int on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *ctx);
static void on_leaving(struct grpc *g, const nghttp2_goaway *frame);
static void on_end(struct grpc *g, int32_t stream);
static int on_closed(nghttp2_session *s, int32_t stream, uint32_t http_error, void *ctx);

struct grpc *grpc_open(const char *authority, bool tls)
{
	static const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH,		0	  },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,	WINDOW    },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADER_MAX},
	};
	struct grpc *g = mem_alloc(sizeof *g);
	nghttp2_session_callbacks *callbacks;

	g->authority = mem_str(authority);
	g->tls = tls;
	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		abort(); /* out of memory */
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_closed);
	if (nghttp2_session_client_new(&g->session, callbacks, g) != 0 ||
	    nghttp2_submit_settings(g->session, NGHTTP2_FLAG_NONE, settings, lengthof(settings)) !=
		    0 ||
	    nghttp2_session_set_local_window_size(g->session, NGHTTP2_FLAG_NONE, 0, WINDOW) != 0)
		abort();
	nghttp2_session_callbacks_del(callbacks);
	return g;
}

void grpc_close(struct grpc *g, const char *why)
{
	if (!g)
		return;
	while (g->calls) {
		struct grpc_call *call = g->calls;

		call_broken(call, "%s", why);
		call->unheard = !g->greeted;
		call_end(g, call, NGHTTP2_NO_ERROR);
	}
	nghttp2_session_del(g->session);
	free(g->authority);
	free(g);
}

void grpc_start(struct grpc *g, struct grpc_call *call, const struct buf *message, bool last)
{
#define HEADER(name, value)                                                                        \
	{ (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name),               \
	  strlen(value), NGHTTP2_NV_FLAG_NONE }
	nghttp2_nv headers[] = {
		HEADER(":method", "POST"),
		HEADER(":scheme", g->tls ? "https" : "http"),
		HEADER(":path", call->path),
		HEADER(":authority", g->authority),
		HEADER("te", "trailers"),
		HEADER("content-type", "application/grpc"),
		HEADER("user-agent", "peerage/" PEERAGE_VERSION),
		/* A member without a leader says so, instead of keeping us waiting. */
		HEADER("hasleader", "true"),
		HEADER("token", call->token ? call->token : ""),
	};
	size_t n = lengthof(headers) - !call->token;
	nghttp2_data_provider body = { .source.ptr = call, .read_callback = on_read };

	headers[lengthof(headers) - 1].flags = NGHTTP2_NV_FLAG_NO_INDEX; /* it is a secret */
	call->done = call->sent = call->unheard = call->answered = false;
	call->is_grpc = call->last = false;
	call->status = GRPC_NONE;
	call->words[0] = '\0';
	call->taken = call->n_header = 0;
	call->n_prefix = call->left = call->http = 0;
	buf_clear(&call->out);
	call_queue(call, message, last);
	call->next = g->calls;
	g->calls = call;
	call->stream = nghttp2_submit_request(g->session, NULL, headers, n, &body, call);
	if (call->stream < 0) {
		call_broken(call, "the connection takes no more calls (%s)",
			    nghttp2_strerror(call->stream));
		call_end(g, call, NGHTTP2_NO_ERROR);
	}
#undef HEADER
}

void grpc_cancel(struct grpc *g, struct grpc_call *call)
{
	if (g && call->stream > 0 && !call->done) {
		nghttp2_session_set_stream_user_data(g->session, call->stream, NULL);
		nghttp2_submit_rst_stream(g->session, NGHTTP2_FLAG_NONE, call->stream,
					  NGHTTP2_CANCEL);
		call_unlink(g, call);
	}
	call->done = true;
	buf_free(&call->out);
}

bool grpc_input(struct grpc *g, const uint8_t *at, size_t len, struct err *err)
{
	ssize_t taken;

	if (g->n_greeting < GREETING && !greeting_take(g, at, len, err))
		return false;
	taken = nghttp2_session_mem_recv(g->session, at, len);
	if (taken < 0)
		return err_set(err, ERR_AWAY, "what answers does not keep to HTTP/2: %s",
			       nghttp2_strerror((int)taken));
	/* It would tell the other end, and then wait until that ends the connection. */
	if (!g->leaving && !nghttp2_session_check_request_allowed(g->session))
		return err_set(err, ERR_AWAY, "what answers does not keep to HTTP/2: is it etcd?");
	return !grpc_over(g, err);
}

size_t grpc_output(struct grpc *g, const uint8_t **ret)
{
	ssize_t len = nghttp2_session_mem_send(g->session, ret);

	return len > 0 ? (size_t)len : 0;
}

void grpc_ping(struct grpc *g)
{
	nghttp2_submit_ping(g->session, NGHTTP2_FLAG_NONE, NULL);
}

unsigned grpc_pongs(const struct grpc *g)
{
	return g->pongs;
}

bool grpc_leaving(const struct grpc *g, bool *ret_calm)
{
	*ret_calm = g->calm;
	return g->leaving;
}

bool grpc_greeted(const struct grpc *g)
{
	return g->greeted;
}

bool grpc_over(const struct grpc *g, struct err *err)
{
	if (nghttp2_session_want_read(g->session) || nghttp2_session_want_write(g->session))
		return false;
	if (g->leaving)
		err_set(err, ERR_AWAY, "the connection was ended%s%s",
			g->leaving_words[0] ? ": " : "", g->leaving_words);
	else
		err_set(err, ERR_AWAY, "what answers does not keep to HTTP/2: is it etcd?");
	return true;
}

bool grpc_busy(const struct grpc *g)
{
	return g->calls;
}

/* The stream is over. CALL has its status already, if the other end sent one. */
static void call_end(struct grpc *g, struct grpc_call *call, uint32_t http_error)
{
	call_unlink(g, call);
	call->done = true;
	buf_free(&call->out);
	if (call->status == GRPC_OK && (call->http != 200 || !call->is_grpc))
		call->status =
			GRPC_NONE; /* the answer was not gRPC, so its bytes were not handed over */
	else if (call->status == GRPC_OK && (call->left || call->n_prefix))
		call_broken(call, "the answer ends in the middle of a message");
	else if (call->status == GRPC_OK && call->last && !call->answered)
		call_broken(call, "the answer is empty");
	if (call->words[0] || call->status == GRPC_OK)
		return;
	if (call->status != GRPC_NONE)
		snprintf(call->words, sizeof call->words, "gRPC status %d", call->status);
	else if (call->http && call->http != 200)
		call_broken(call, "HTTP status %u: that is not etcd", call->http);
	else if (call->http && !call->is_grpc)
		call_broken(call, "a web server answers there, not etcd");
	else if (g->leaving_words[0])
		call_broken(call, "the connection was ended: %s", g->leaving_words);
	else if (http_error)
		call_broken(call, "the call was broken off (%s)",
			    nghttp2_http2_strerror(http_error));
	else
		call_broken(call, "the answer ends without saying what came of it");
}

static void call_unlink(struct grpc *g, const struct grpc_call *call)
{
	for (struct grpc_call **at = &g->calls; *at; at = &(*at)->next)
		if (*at == call) {
			*at = call->next;
			return;
		}
}

static void call_queue(struct grpc_call *call, const struct buf *message, bool last)
{
	uint32_t len = (uint32_t)message->len;
	const char prefix[5] = { 0, (char)(len >> 24), (char)(len >> 16), (char)(len >> 8),
				 (char)len };

	buf_add(&call->out, prefix, sizeof prefix);
	buf_add(&call->out, message->at, message->len);
	call->last = last;
}

static bool call_take(struct grpc_call *call, const uint8_t *at, size_t len, struct err *err)
{
	const uint8_t *end = at + len;

	while (at < end) {
		size_t part;

		while (at < end && call->n_prefix < sizeof call->prefix)
			call->prefix[call->n_prefix++] = *at++;
		if (call->n_prefix < sizeof call->prefix)
			return true;
		if (!call->left) {
			const uint8_t *p = call->prefix;

			if (p[0])
				return err_set(err, ERR_AWAY,
					       "a message is compressed, which was not asked for");
			call->left = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 |
				     (uint32_t)p[3] << 8 | p[4];
		}
		part = MIN(call->left, (size_t)(end - at));
		if (call->left && !part)
			return true;
		call->left -= (uint32_t)part;
		if (!call->left)
			call->n_prefix = 0;
		call->answered |= !call->left;
		if (!call->bytes(call->ctx, at, part, !call->left, err))
			return false;
		if (call->done) /* it has cancelled itself */
			return true;
		at += part;
	}
	return true;
}

static void call_outcome(struct grpc_call *call, const char *value, size_t len)
{
	uint64_t number;

	if (text_u64(value, len, INT16_MAX, &number))
		call->status = (int)number;
	else
		call_broken(call, "a status that is no number came");
}

/* Percent-encoded, and from the other end: only what is safe to print stays. */
static void call_words(struct grpc_call *call, const char *value, size_t len)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf text = { 0 };

	for (size_t i = 0; i < len; i++) {
		char digits[3] = "";

		if (value[i] == '%' && i + 2 < len)
			memcpy(digits, value + i + 1, 2);
		if (isxdigit((unsigned char)digits[0]) && isxdigit((unsigned char)digits[1])) {
			buf_char(&text, (char)strtoul(digits, NULL, 16));
			i += 2;
		} else {
			buf_char(&text, value[i]);
		}
	}
	strcpy(call->words, text_clean(&a, buf_text(&text), text.len, sizeof call->words - 1));
}

static void call_broken(struct grpc_call *call, const char *format, ...)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf text = { 0 };
	va_list args;

	call->status = GRPC_NONE;
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	strcpy(call->words, text_clean(&a, text.at, text.len, sizeof call->words - 1));
}

/* The frame layer would only say that a frame is too large. */
static bool greeting_take(struct grpc *g, const uint8_t *at, size_t len, struct err *err)
{
	static const char http[GREETING] = { 'H', 'T', 'T', 'P', '/' };
	size_t part = MIN(len, GREETING - g->n_greeting);

	memcpy(g->greeting + g->n_greeting, at, part);
	g->n_greeting += part;
	if (g->n_greeting < GREETING)
		return true;
	if (memcmp(g->greeting, http, GREETING) == 0 || g->greeting[0] == '<')
		return err_set(err, ERR_AWAY,
			       memmem(at, len, "HTTPS", 5) ?
				       "it speaks TLS; write https:// in front of the endpoint" :
				       "a web server answers there, not etcd");
	if ((g->greeting[0] == 0x15 || g->greeting[0] == 0x16) && g->greeting[1] == 3)
		return err_set(err, ERR_AWAY,
			       "it speaks TLS; write https:// in front of the endpoint");
	if (g->greeting[3] != NGHTTP2_SETTINGS)
		return err_set(err, ERR_AWAY, "what answers does not speak HTTP/2: is it etcd?");
	return true;
}

static ssize_t on_read(nghttp2_session *s, int32_t stream, uint8_t *into, size_t size,
		       uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
	struct grpc_call *call = source->ptr;
	size_t part;

	(void)s;
	(void)ctx;
	if (!call || call->stream != stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	part = MIN(size, call->out.len - call->taken);
	if (!part && !call->last)
		return NGHTTP2_ERR_DEFERRED;
	if (part)
		memcpy(into, call->out.at + call->taken, part);
	call->sent |= part > 0;
	call->taken += part;
	if (call->taken < call->out.len)
		return (ssize_t)part;
	if (call->out.len)
		explicit_bzero(call->out.at, call->out.len); /* it may have been a password */
	buf_free(&call->out);
	call->taken = 0;
	if (call->last)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)part;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *ctx)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(s, frame->hd.stream_id);
	const char *key = (const char *)name, *text = (const char *)value;
	uint64_t number;

	(void)flags;
	(void)ctx;
	if (!call)
		return 0;
	call->n_header += name_len + len;
	if (call->n_header > HEADER_MAX) {
		call_broken(call, "more than %d KiB of headers came", HEADER_MAX >> 10);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	if (str_eq(key, ":status") && text_u64(text, len, 999, &number))
		call->http = (unsigned)number;
	else if (str_eq(key, "content-type"))
		call->is_grpc = len >= 16 && memcmp(text, "application/grpc", 16) == 0;
	else if (str_eq(key, "grpc-status"))
		call_outcome(call, text, len);
	else if (str_eq(key, "grpc-message") && len)
		call_words(call, text, len);
	return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *at, size_t len,
		   void *ctx)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(s, stream);
	struct grpc *g = ctx;
	struct err err = { 0 };

	(void)flags;
	if (!call || (call->http && (call->http != 200 || !call->is_grpc)))
		return 0;
	if (call_take(call, at, len, &err) || call->done)
		return 0;
	call_broken(call, "%s", err.words);
	nghttp2_session_set_stream_user_data(s, stream, NULL);
	nghttp2_submit_rst_stream(s, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
	call_end(g, call, NGHTTP2_NO_ERROR);
	return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *ctx)
{
	struct grpc *g = ctx;

	(void)s;
	if (frame->hd.type == NGHTTP2_SETTINGS)
		g->greeted = true;
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
		g->pongs++;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		on_leaving(g, &frame->goaway);
	if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		on_end(g, frame->hd.stream_id);
	return 0;
}

static void on_leaving(struct grpc *g, const nghttp2_goaway *frame)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf text = { 0 };

	g->leaving = true;
	g->calm = frame->error_code == NGHTTP2_ENHANCE_YOUR_CALM;
	if (frame->error_code)
		buf_printf(&text, "%s%s", nghttp2_http2_strerror(frame->error_code),
			   frame->opaque_data_len ? ", " : "");
	buf_add(&text, frame->opaque_data, frame->opaque_data_len);
	strcpy(g->leaving_words,
	       text_clean(&a, buf_text(&text), text.len, sizeof g->leaving_words - 1));
}

/* The other end has ended its half of the stream, so the call is done. If our half is still open, nobody
 * reads it any more. */
static void on_end(struct grpc *g, int32_t stream)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(g->session, stream);

	if (!call)
		return;
	nghttp2_session_set_stream_user_data(g->session, stream, NULL);
	if (!nghttp2_session_get_stream_local_close(g->session, stream))
		nghttp2_submit_rst_stream(g->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
	call_end(g, call, NGHTTP2_NO_ERROR);
}

/* The stream is closed. A call that is still there has not seen its end (on_end()): it was cut off. */
static int on_closed(nghttp2_session *s, int32_t stream, uint32_t http_error, void *ctx)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(s, stream);

	if (!call)
		return 0;
	nghttp2_session_set_stream_user_data(s, stream, NULL);
	if (call->status == GRPC_OK)
		call->status = GRPC_NONE;
	call_end(ctx, call, http_error);
	return 0;
}
