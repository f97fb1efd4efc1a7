/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of a struct grpc, for its tests: a server's session of nghttp2 that keeps what is
 * asked and answers what it is told to, and the bytes between the two.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "store/grpc.h"

struct request {
	int32_t stream;
	char path[64], token[32], method[8], scheme[8], authority[32], te[16], type[32];
	struct buf in; /* its body */
	bool ended;
	bool answered;
	/* the answer */
	struct buf out;
	size_t taken;
	bool finished;
	const char *status, *message; /* NULL: none */
};

struct server {
	nghttp2_session *session;
	struct grpc *g;
	struct request requests[400];
	size_t n;
	size_t step;      /* bytes that the client gets at a time */
	size_t chunk;     /* of a body in one DATA frame */
	size_t n_resets;  /* RST_STREAM frames that came */
	bool lost;        /* the client has given the connection up, ERR says why */
	struct err err;
};

static inline struct request *server_request(struct server *s, int32_t stream)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->requests[i].stream == stream)
			return &s->requests[i];
	assert_in_range(s->n, 0, lengthof(s->requests) - 1);
	s->requests[s->n].stream = stream;
	return &s->requests[s->n++];
}

static inline int server_header(nghttp2_session *session, const nghttp2_frame *frame,
				const uint8_t *name, size_t name_len, const uint8_t *value, size_t len,
				uint8_t flags, void *ctx)
{
	struct request *r = server_request(ctx, frame->hd.stream_id);
	const struct {
		const char *name;
		char *to;
		size_t size;
	} wanted[] = {
		{ ":path", r->path, sizeof r->path },
		{ "token", r->token, sizeof r->token },
		{ ":method", r->method, sizeof r->method },
		{ ":scheme", r->scheme, sizeof r->scheme },
		{ ":authority", r->authority, sizeof r->authority },
		{ "te", r->te, sizeof r->te },
		{ "content-type", r->type, sizeof r->type },
	};

	(void)session;
	(void)name_len;
	(void)flags;
	for (size_t i = 0; i < lengthof(wanted); i++)
		if (str_eq((const char *)name, wanted[i].name))
			snprintf(wanted[i].to, wanted[i].size, "%.*s", (int)len, (const char *)value);
	return 0;
}

static inline int server_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *at,
			      size_t len, void *ctx)
{
	(void)session;
	(void)flags;
	buf_add(&server_request(ctx, stream)->in, at, len);
	return 0;
}

static inline int server_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct server *s = ctx;

	(void)session;
	if (frame->hd.type == NGHTTP2_RST_STREAM)
		s->n_resets++;
	if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
	    frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		server_request(s, frame->hd.stream_id)->ended = true;
	return 0;
}

/* More requests at once than MAX_STREAMS are not taken. */
static inline void server_open(struct server *s, uint32_t max_streams)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams },
	};
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;

	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, server_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, server_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, server_frame);
	assert_int_equal(nghttp2_option_new(&option), 0);
	nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
	assert_int_equal(nghttp2_session_server_new2(&s->session, callbacks, s, option), 0);
	assert_int_equal(nghttp2_submit_settings(s->session, 0, settings, lengthof(settings)), 0);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
}

static inline void server_close(struct server *s)
{
	for (size_t i = 0; i < s->n; i++) {
		buf_free(&s->requests[i].in);
		buf_free(&s->requests[i].out);
	}
	nghttp2_session_del(s->session);
}

static inline nghttp2_nv server_nv(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			     strlen(value), NGHTTP2_NV_FLAG_NONE };
}

static inline ssize_t server_read(nghttp2_session *session, int32_t stream, uint8_t *into, size_t size,
				  uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
	struct server *s = ctx;
	struct request *r = source->ptr;
	size_t part = MIN(MIN(size, s->chunk), r->out.len - r->taken);
	nghttp2_nv trailers[2];
	size_t n = 0;

	if (!part && !r->finished)
		return NGHTTP2_ERR_DEFERRED;
	if (part)
		memcpy(into, r->out.at + r->taken, part);
	r->taken += part;
	if (!r->finished || r->taken < r->out.len)
		return (ssize_t)part;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (r->status)
		trailers[n++] = server_nv("grpc-status", r->status);
	if (r->message)
		trailers[n++] = server_nv("grpc-message", r->message);
	if (n) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		assert_int_equal(nghttp2_submit_trailer(session, stream, trailers, n), 0);
	}
	return (ssize_t)part;
}

/* Begins an answer; TYPE NULL: none is said. */
static inline void server_answer(struct server *s, struct request *r, const char *http,
				 const char *type)
{
	const nghttp2_nv headers[] = { server_nv(":status", http),
				       server_nv("content-type", type ? type : "") };
	const nghttp2_data_provider body = { .source.ptr = r, .read_callback = server_read };

	r->answered = true;
	assert_int_equal(nghttp2_submit_response(s->session, r->stream, headers,
						 lengthof(headers) - !type, &body),
			 0);
}

/* More of its body, as it is. */
static inline void server_bytes(struct server *s, struct request *r, const char *at, size_t len)
{
	buf_add(&r->out, at, len);
	nghttp2_session_resume_data(s->session, r->stream);
}

static inline void server_message(struct server *s, struct request *r, const char *at, size_t len)
{
	const char prefix[5] = { 0, (char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len };

	buf_add(&r->out, prefix, sizeof prefix);
	server_bytes(s, r, at, len);
}

/* STATUS and MESSAGE are the trailers; NULL: without. */
static inline void server_end(struct server *s, struct request *r, const char *status,
			      const char *message)
{
	r->status = status;
	r->message = message;
	r->finished = true;
	nghttp2_session_resume_data(s->session, r->stream);
}

/* An outcome without an answer: headers alone. */
static inline void server_only(struct server *s, struct request *r, const char *status,
			       const char *message)
{
	const nghttp2_nv headers[] = { server_nv(":status", "200"),
				       server_nv("content-type", "application/grpc"),
				       server_nv("grpc-status", status),
				       server_nv("grpc-message", message) };

	r->answered = true;
	assert_int_equal(nghttp2_submit_response(s->session, r->stream, headers, lengthof(headers),
						 NULL),
			 0);
}

/* Gives the client bytes, each piece in memory of its own. */
static inline void client_take(struct server *s, const void *bytes, size_t len)
{
	for (size_t at = 0, part; at < len && !s->lost; at += part) {
		auto_free uint8_t *piece = NULL;

		part = MIN(s->step, len - at);
		piece = malloc(part);
		memcpy(piece, (const uint8_t *)bytes + at, part);
		s->lost = !grpc_input(s->g, piece, part, &s->err);
	}
}

/* Until neither end has anything to say. */
static inline void pump(struct server *s)
{
	const uint8_t *at;

	for (bool more = true; more && !s->lost;) {
		size_t sent;
		ssize_t len;

		more = false;
		while ((sent = grpc_output(s->g, &at)) > 0) {
			assert_int_equal(nghttp2_session_mem_recv(s->session, at, sent), sent);
			more = true;
		}
		while (!s->lost && (len = nghttp2_session_mem_send(s->session, &at)) > 0) {
			client_take(s, at, (size_t)len);
			more = true;
		}
	}
}
