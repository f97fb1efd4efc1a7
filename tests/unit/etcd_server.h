/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of a member of etcd as the tests of the link need: an HTTP/2 server on 127.0.0.1 that the
 * test drives itself, so that one thread chooses every step. It authenticates, answers "/t/Answer", Txn
 * and Range, leaves all else waiting, and counts what it was asked.
 */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "store/grpc.h"
#include "store/pb.h"

struct server {
	/* the test's */
	bool frozen;		/* takes what comes, and does nothing with it */
	const char *says;	/* instead of HTTP/2 */
	const char *token;	/* the one that it gives and takes; NULL: it has no users */
	int auth_status;	/* what it says instead of giving one; -1: nothing */
	const char *auth_words;
	bool mute;		/* neither is answered */
	unsigned n_breaks;	/* so many of them end its connection instead of being answered */
	struct buf answer;	/* the message */
	/* what it has seen */
	unsigned connections, pings, auths, calls, refused;
	/* its own */
	int listener, fd;
	uint16_t port;
	char url[48];
	nghttp2_session *session;
	bool breaks;
	struct buf given; /* the message with the token */
	struct { /* of the stream that is coming in */
		char path[64], token[64];
	} asked;
};

static inline int server_asked(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name,
			       size_t name_len, const uint8_t *value, size_t len, uint8_t flags,
			       void *ctx)
{
	struct server *v = ctx;

	(void)s;
	(void)frame;
	(void)flags;
	if (name_len == 5 && memcmp(name, ":path", 5) == 0)
		snprintf(v->asked.path, sizeof v->asked.path, "%.*s", (int)len, (const char *)value);
	if (name_len == 5 && memcmp(name, "token", 5) == 0)
		snprintf(v->asked.token, sizeof v->asked.token, "%.*s", (int)len, (const char *)value);
	return 0;
}

static inline int server_begins(nghttp2_session *s, const nghttp2_frame *frame, void *ctx)
{
	struct server *v = ctx;

	(void)s;
	(void)frame;
	v->asked.path[0] = v->asked.token[0] = '\0';
	return 0;
}

static inline nghttp2_nv server_header(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			     strlen(value), NGHTTP2_NV_FLAG_NONE };
}

/* The one message of an answer, then its trailers: all is OK. */
static inline ssize_t server_body(nghttp2_session *s, int32_t stream, uint8_t *into, size_t size,
				  uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
	nghttp2_nv trailer = server_header("grpc-status", "0");
	const struct buf *message = source->ptr;
	const uint8_t prefix[5] = { [4] = (uint8_t)message->len };

	(void)ctx;
	assert_true(message->len < 256 && size >= sizeof prefix + message->len);
	memcpy(into, prefix, sizeof prefix);
	if (message->len)
		memcpy(into + sizeof prefix, message->at, message->len);
	size = sizeof prefix + message->len;
	*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	nghttp2_submit_trailer(s, stream, &trailer, 1);
	return (ssize_t)size;
}

/* MESSAGE stays until it is sent. */
static inline void server_answer(struct server *v, int32_t stream, struct buf *message)
{
	nghttp2_nv headers[] = { server_header(":status", "200"),
				 server_header("content-type", "application/grpc") };
	nghttp2_data_provider body = { .source.ptr = message, .read_callback = server_body };

	nghttp2_submit_response(v->session, stream, headers, 2, &body);
}

static inline void server_refuse(struct server *v, int32_t stream, int status, const char *words)
{
	char number[12];
	nghttp2_nv headers[] = { server_header(":status", "200"),
				 server_header("content-type", "application/grpc"),
				 server_header("grpc-message", words), {0} };

	snprintf(number, sizeof number, "%d", status);
	headers[3] = server_header("grpc-status", number);
	nghttp2_submit_response(v->session, stream, headers, 4, NULL);
}

static inline int server_hears(nghttp2_session *s, const nghttp2_frame *frame, void *ctx)
{
	static struct buf nothing;
	struct server *v = ctx;
	int32_t stream = frame->hd.stream_id;

	(void)s;
	v->pings += frame->hd.type == NGHTTP2_PING && !(frame->hd.flags & NGHTTP2_FLAG_ACK);
	if (frame->hd.type != NGHTTP2_DATA || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	if (strstr(v->asked.path, "Authenticate")) {
		v->auths++;
		buf_clear(&v->given);
		if (v->token)
			pb_text(&v->given, 2, v->token);
		if (!v->auth_status)
			server_answer(v, stream, &v->given);
		else if (v->auth_status > 0)
			server_refuse(v, stream, v->auth_status, v->auth_words);
		return 0;
	}
	v->calls++;
	if (v->token && strcmp(v->asked.token, v->token) != 0) {
		v->refused++;
		server_refuse(v, stream, GRPC_UNAUTHENTICATED, "etcdserver: invalid auth token");
	} else if (strcmp(v->asked.path, "/t/Answer") == 0) {
		server_answer(v, stream, &nothing);
	} else if (strncmp(v->asked.path, "/etcdserverpb.KV/", 17) == 0) {
		if (v->n_breaks) {
			v->n_breaks--;
			v->breaks = true;
		} else if (!v->mute) {
			server_answer(v, stream, &v->answer);
		}
	}
	return 0;
}

static inline void server_listen(struct server *v)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(v->port) };
	socklen_t size = sizeof at;

	v->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(v->listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(v->listener, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(v->listener, 8), 0);
	assert_int_equal(getsockname(v->listener, (struct sockaddr *)&at, &size), 0);
	v->port = ntohs(at.sin_port);
	snprintf(v->url, sizeof v->url, "http://127.0.0.1:%u", v->port);
}

static inline void server_open(struct server *v)
{
	*v = (struct server){ .fd = -1 };
	server_listen(v);
}

/* Ends the connection, if there is one. */
static inline void server_hang_up(struct server *v)
{
	nghttp2_session_del(v->session);
	v->session = NULL;
	v->breaks = false;
	base_close(&v->fd);
	v->fd = -1;
}

/* Nobody listens at its port any more. */
static inline void server_die(struct server *v)
{
	server_hang_up(v);
	buf_free(&v->answer);
	buf_free(&v->given);
	base_close(&v->listener);
	v->listener = -1;
}

static inline void server_accept(struct server *v)
{
	nghttp2_session_callbacks *callbacks;
	int fd = accept4(v->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	server_hang_up(v);
	v->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	v->connections++;
	if (v->says) {
		assert_int_equal(send(fd, v->says, strlen(v->says), MSG_NOSIGNAL), strlen(v->says));
		return;
	}
	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, server_begins);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, server_asked);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, server_hears);
	assert_int_equal(nghttp2_session_server_new(&v->session, callbacks, v), 0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(v->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static inline void server_run(struct server *v)
{
	uint8_t bytes[4096];
	const uint8_t *at;
	ssize_t len;

	if (v->frozen)
		return;
	server_accept(v);
	if (v->fd < 0)
		return;
	while ((len = recv(v->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0 && v->session)
		assert_int_equal(nghttp2_session_mem_recv(v->session, bytes, (size_t)len), len);
	if (len == 0 || v->breaks) {
		server_hang_up(v);
		return;
	}
	while (v->session && (len = nghttp2_session_mem_send(v->session, &at)) > 0)
		if (send(v->fd, at, (size_t)len, MSG_NOSIGNAL) != len)
			return; /* nobody is there any more: read next time */
}

/* It is about to go; CALM: because it was pinged too often. */
static inline void server_leaves(struct server *v, bool calm)
{
	static const char words[] = "too_many_pings";

	nghttp2_submit_goaway(v->session, NGHTTP2_FLAG_NONE,
			      nghttp2_session_get_last_proc_stream_id(v->session),
			      calm ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_NO_ERROR,
			      calm ? (const uint8_t *)words : NULL, calm ? strlen(words) : 0);
}
