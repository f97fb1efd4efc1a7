/* SPDX-License-Identifier: Apache-2.0 */
/* Each case runs twice: bytes come to the client as they are sent, and one at a time. */
#include "grpc_server.h"

#include "base/text.h"

static const size_t whole = SIZE_MAX, single = 1;

/* A call, and what it has got: each message with a | behind it. */
struct call {
	struct grpc_call call;
	struct buf got;
	size_t n_parts;
	struct server *cancel; /* itself, as soon as something comes */
	bool refuse;
};

static bool call_bytes(void *ctx, const uint8_t *at, size_t len, bool end, struct err *err)
{
	struct call *c = ctx;

	assert_false(c->call.done);
	buf_add(&c->got, at, len);
	if (end)
		buf_char(&c->got, '|');
	c->n_parts++;
	if (c->cancel)
		grpc_cancel(c->cancel->g, &c->call);
	return !c->refuse || err_set(err, ERR_AWAY, "that is no answer");
}

static struct call *call_start(struct server *s, const char *path, const char *message, bool last)
{
	struct call *c = mem_alloc(sizeof *c);
	auto_buf struct buf b = { 0 };

	*c = (struct call){ .call = { .path = path, .bytes = call_bytes } };
	c->call.ctx = c;
	buf_str(&b, message);
	grpc_start(s->g, &c->call, &b, last);
	return c;
}

/* Nothing may refer to it any more, so it goes at once. */
static void call_free(struct server *s, struct call *c)
{
	grpc_cancel(s->g, &c->call);
	buf_free(&c->got);
	free(c);
}

static void reconnect(struct server *s)
{
	grpc_close(s->g, "another is tried");
	server_close(s);
	*s = (struct server){ .step = s->step, .chunk = s->chunk };
	server_open(s, 100);
	s->g = grpc_open("etcd.example:2379", false);
}

static int make(void **state)
{
	struct server *s = mem_alloc(sizeof *s);

	*s = (struct server){ .step = *(const size_t *)*state, .chunk = SIZE_MAX };
	reconnect(s);
	*state = s;
	return 0;
}

static int drop(void **state)
{
	struct server *s = *state;

	grpc_close(s->g, "it is over");
	server_close(s);
	free(s);
	return 0;
}

static void is_clean(const char *words)
{
	assert_int_equal(text_utf8(words, strlen(words)), strlen(words));
	for (const char *c = words; *c; c++)
		assert_false((unsigned char)*c < 0x20 || *c == 0x7f);
}

static void test_unary(void **state)
{
	struct server *s = *state;
	struct call *c;
	struct request *r = s->requests;

	assert_false(grpc_greeted(s->g) || grpc_busy(s->g));
	c = call_start(s, "/etcdserverpb.KV/Range", "question", true);
	assert_true(grpc_busy(s->g));
	assert_false(c->call.sent);
	pump(s);
	assert_true(grpc_greeted(s->g));
	assert_true(c->call.sent);
	assert_false(c->call.done);
	assert_int_equal(s->n, 1);
	assert_string_equal(r->method, "POST");
	assert_string_equal(r->scheme, "http");
	assert_string_equal(r->authority, "etcd.example:2379");
	assert_string_equal(r->path, "/etcdserverpb.KV/Range");
	assert_string_equal(r->te, "trailers");
	assert_string_equal(r->type, "application/grpc");
	assert_string_equal(r->token, "");
	assert_int_equal(r->in.len, 13);
	assert_memory_equal(r->in.at, "\0\0\0\0\x08question", 13);
	assert_true(r->ended);
	server_answer(s, r, "200", "application/grpc");
	server_message(s, r, "answer", 6);
	pump(s);
	assert_false(c->call.done); /* until it is said what came of it */
	server_end(s, r, "0", "");
	pump(s);
	assert_true(c->call.done);
	assert_int_equal(c->call.status, GRPC_OK);
	assert_string_equal(c->call.words, "");
	assert_string_equal(c->got.at, "answer|");
	assert_false(s->lost || grpc_busy(s->g));
	assert_int_equal(s->n_resets, 0);
	call_free(s, c);
}

static void test_token(void **state)
{
	struct server *s = *state;
	struct call c = { .call = { .path = "/p", .token = "secret.7", .bytes = call_bytes, .ctx = &c } };
	const struct buf nothing = { 0 };

	grpc_start(s->g, &c.call, &nothing, true);
	pump(s);
	assert_string_equal(s->requests[0].token, "secret.7");
	assert_int_equal(s->requests[0].in.len, 5); /* an empty message is one */
	grpc_cancel(s->g, &c.call);
}

#define OK_TYPE "application/grpc"
#define TWO(a)	a a
#define LONG	TWO(TWO(TWO(TWO(TWO(TWO(TWO(TWO("x%C3%A9"))))))))

/* clang-format off */
static const struct {
	const char *http, *type, *body;
	size_t len;
	const char *status, *message; /* the trailers */
	int want;                     /* enum grpc_status */
	const char *got, *words;
} answers[] = {
#define BODY(literal) (literal), sizeof(literal) - 1
	{ "200", OK_TYPE, BODY("\0\0\0\0\2hi"),               "0", NULL,      GRPC_OK, "hi|", "" },
	{ "200", "application/grpc+proto", BODY("\0\0\0\0\2hi"), "0", "",     GRPC_OK, "hi|", "" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\2hi\0\0\0\0\1!"),    "0", NULL,      GRPC_OK, "hi|!|", "" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\0"),                 "0", NULL,      GRPC_OK, "|", "" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\0\0\0\0\0\1a\0\0\0\0\0"), "0", NULL, GRPC_OK, "|a||", "" },
	{ "200", OK_TYPE, BODY(""),                           "5", "etcdserver: no", GRPC_NOT_FOUND, "", "etcdserver: no" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\2hi"),               "14", "gone",   GRPC_UNAVAILABLE, "hi|", "gone" },
	{ "200", OK_TYPE, BODY(""),                           "14", NULL,     GRPC_UNAVAILABLE, "", "gRPC status 14" },
	{ "200", OK_TYPE, BODY(""),                           "99", "",       99, "", "gRPC status 99" },
	{ "503", OK_TYPE, BODY(""),                           "14", "busy",   GRPC_UNAVAILABLE, "", "busy" },
	/* None of these has come to a good end. */
	{ "200", OK_TYPE, BODY(""),                           "0", NULL,      GRPC_NONE, "", "the answer is empty" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\2hi"),               NULL, NULL,     GRPC_NONE, "hi|", "without saying what came of it" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\3hi"),               "0", NULL,      GRPC_NONE, "hi", "in the middle of a message" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\1!\0\0\0"),          "0", NULL,      GRPC_NONE, "!|", "in the middle of a message" },
	{ "200", OK_TYPE, BODY("\0\xff\xff\xff\xff!"),        "0", NULL,      GRPC_NONE, "!", "in the middle of a message" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\3hi"),               "14", "gone",   GRPC_UNAVAILABLE, "hi", "gone" },
	{ "200", OK_TYPE, BODY("\1\0\0\0\2hi"),               "0", NULL,      GRPC_NONE, "", "compressed" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\1!\1\0\0\0\0"),      "0", NULL,      GRPC_NONE, "!|", "compressed" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\2hi"),               "", NULL,       GRPC_NONE, "hi|", "no number" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\2hi"),               "-1", NULL,     GRPC_NONE, "hi|", "no number" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\2hi"),               "0x0", NULL,    GRPC_NONE, "hi|", "no number" },
	{ "200", OK_TYPE, BODY("\0\0\0\0\2hi"),               "4294967296", NULL, GRPC_NONE, "hi|", "no number" },
	{ "404", "text/html", BODY("<html>"),                 NULL, NULL,     GRPC_NONE, "", "HTTP status 404" },
	{ "404", NULL, BODY(""),                              NULL, NULL,     GRPC_NONE, "", "HTTP status 404" },
	{ "502", OK_TYPE, BODY("\0\0\0\0\2hi"),               "0", NULL,      GRPC_NONE, "", "HTTP status 502" },
	{ "200", "text/html", BODY("<html>"),                 NULL, NULL,     GRPC_NONE, "", "a web server answers there" },
	{ "200", "text/html", BODY("\0\0\0\0\2hi"),           "0", NULL,      GRPC_NONE, "", "a web server answers there" },
	{ "200", NULL, BODY("\0\0\0\0\2hi"),                  "0", NULL,      GRPC_NONE, "", "a web server answers there" },
	/* What another end says is shown, clean. */
	{ "200", OK_TYPE, BODY(""), "3", "a%20b%25",          GRPC_INVALID_ARGUMENT, "", "a b%" },
	{ "200", OK_TYPE, BODY(""), "3", "a%1B%5B31m%0A%0d",  GRPC_INVALID_ARGUMENT, "", "a [31m  " },
	{ "200", OK_TYPE, BODY(""), "3", "%00%7f%9b",         GRPC_INVALID_ARGUMENT, "", "  \xef\xbf\xbd" },
	{ "200", OK_TYPE, BODY(""), "3", "%c3%A9 %C2%9B",     GRPC_INVALID_ARGUMENT, "", "\xc3\xa9  " },
	{ "200", OK_TYPE, BODY(""), "3", "% 5%-5%+5%0x%zz%4", GRPC_INVALID_ARGUMENT, "", "% 5%-5%+5%0x%zz%4" },
	{ "200", OK_TYPE, BODY(""), "3", "%%41%",             GRPC_INVALID_ARGUMENT, "", "%A%" },
	{ "200", OK_TYPE, BODY(""), "3", LONG,                GRPC_INVALID_ARGUMENT, "", "x\xc3\xa9x\xc3\xa9" },
	{ "200", OK_TYPE, BODY(""), "3", "y" LONG,            GRPC_INVALID_ARGUMENT, "", "yx\xc3\xa9" },
	{ "200", OK_TYPE, BODY(""), "3", "yy" LONG,           GRPC_INVALID_ARGUMENT, "", "yyx\xc3\xa9" },
#undef BODY
};
/* clang-format on */

static void test_answers(void **state)
{
	struct server *s = *state;

	for (size_t i = 0; i < lengthof(answers); i++)
		for (s->chunk = SIZE_MAX; s->chunk; s->chunk = s->chunk == SIZE_MAX ? 7 : s->chunk - 1) {
			struct request *r = &s->requests[0];
			struct call *c;

			reconnect(s);
			c = call_start(s, "/p", "q", true);
			pump(s);
			server_answer(s, r, answers[i].http, answers[i].type);
			server_bytes(s, r, answers[i].body, answers[i].len);
			server_end(s, r, answers[i].status, answers[i].message);
			pump(s);
			assert_true(c->call.done);
			assert_int_equal(c->call.status, answers[i].want);
			assert_string_equal(buf_text(&c->got), answers[i].got);
			is_clean(c->call.words);
			if (answers[i].want < GRPC_OK || strlen(c->call.words) > 99)
				assert_non_null(strstr(c->call.words, answers[i].words));
			else
				assert_string_equal(c->call.words, answers[i].words);
			assert_false(s->lost);
			call_free(s, c);
		}
}

static void test_only(void **state)
{
	struct server *s = *state;
	struct call *c = call_start(s, "/p", "q", true), *d = call_start(s, "/p", "q", true);

	pump(s);
	server_only(s, &s->requests[0], "16", "etcdserver: invalid auth token");
	server_only(s, &s->requests[1], "0", "");
	pump(s);
	assert_int_equal(c->call.status, GRPC_UNAUTHENTICATED);
	assert_string_equal(c->call.words, "etcdserver: invalid auth token");
	assert_true(d->call.done);
	assert_int_equal(d->call.status, GRPC_NONE);
	call_free(s, c);
	call_free(s, d);
}

static void test_huge_headers(void **state)
{
	struct server *s = *state;
	struct call *c = call_start(s, "/p", "q", true);
	static char value[30001];
	nghttp2_nv headers[5] = { server_nv(":status", "200"), server_nv("content-type", OK_TYPE) };

	memset(value, 'x', sizeof value - 1);
	for (size_t i = 2; i < lengthof(headers); i++)
		headers[i] = server_nv("x-more", value);
	/* Whole: nghttp2 1.52 counts a CONTINUATION frame for each piece of its head. */
	s->step = SIZE_MAX;
	pump(s);
	nghttp2_submit_response(s->session, s->requests[0].stream, headers, lengthof(headers), NULL);
	pump(s);
	assert_true(c->call.done);
	assert_int_equal(c->call.status, GRPC_NONE);
	assert_string_equal(c->call.words, "more than 64 KiB of headers came");
	call_free(s, c);
	/* The connection is still good. */
	c = call_start(s, "/p", "q", true);
	pump(s);
	server_only(s, &s->requests[1], "5", "no");
	pump(s);
	assert_int_equal(c->call.status, GRPC_NOT_FOUND);
	call_free(s, c);
}

/* An answer larger than any window. */
static void test_large(void **state)
{
	struct server *s = *state;
	const size_t len = s->step == SIZE_MAX ? 20 << 20 : 1 << 20;
	auto_free char *value = malloc(len);
	struct call *c;

	memset(value, 'x', len);
	for (size_t step = s->step, i = 0; i < 2; i++) {
		c = call_start(s, "/p", "q", true);
		pump(s);
		server_answer(s, &s->requests[i], "200", OK_TYPE);
		server_message(s, &s->requests[i], value, len);
		server_end(s, &s->requests[i], "0", NULL);
		s->step = MIN(step, 100000);
		pump(s);
		s->step = step;
		assert_int_equal(c->call.status, GRPC_OK);
		assert_int_equal(c->got.len, len + 1);
		assert_true(c->n_parts > len / 20000);
		call_free(s, c);
	}
}

/* A question larger than any window; the second one is answered before it has come as a whole. */
static void test_large_question(void **state)
{
	struct server *s = *state;
	auto_buf struct buf message = { 0 };
	const uint8_t *at;
	size_t len;
	struct call *c;

	memset(buf_reserve(&message, 1 << 20), 'q', 1 << 20);
	message.at[1 << 20] = '\0';
	c = call_start(s, "/p", message.at, true);
	pump(s);
	assert_true(s->requests[0].ended);
	assert_int_equal(s->requests[0].in.len, 5 + (1 << 20));
	server_only(s, &s->requests[0], "8", "larger than max");
	pump(s);
	assert_int_equal(c->call.status, GRPC_RESOURCE_EXHAUSTED);
	call_free(s, c);

	c = call_start(s, "/p", message.at, true);
	len = grpc_output(s->g, &at);
	for (size_t i = 0; i < 3 && len; i++, len = grpc_output(s->g, &at))
		assert_int_equal(nghttp2_session_mem_recv(s->session, at, len), len);
	if (len)
		assert_int_equal(nghttp2_session_mem_recv(s->session, at, len), len);
	assert_false(s->requests[1].ended);
	server_only(s, &s->requests[1], "8", "larger than max");
	while ((len = (size_t)nghttp2_session_mem_send(s->session, &at)) > 0)
		client_take(s, at, len);
	assert_true(c->call.done);
	assert_int_equal(c->call.status, GRPC_RESOURCE_EXHAUSTED);
	call_free(s, c);
	pump(s);
	assert_false(s->lost || s->requests[1].ended);
	assert_int_equal(s->n_resets, 1);
}

static void test_reset(void **state)
{
	static const struct {
		uint32_t code;
		const char *words;
	} resets[] = { { NGHTTP2_CANCEL, "the call was broken off (CANCEL)" },
		       { NGHTTP2_REFUSED_STREAM, "the call was broken off (REFUSED_STREAM)" },
		       { NGHTTP2_ENHANCE_YOUR_CALM, "the call was broken off (ENHANCE_YOUR_CALM)" },
		       { 12345, "the call was broken off (unknown)" },
		       { NGHTTP2_NO_ERROR, "the answer ends without saying what came of it" } };
	struct server *s = *state;

	for (size_t i = 0; i < 2 * lengthof(resets); i++) {
		struct call *c = call_start(s, "/p", "q", true);

		pump(s);
		if (i % 2) { /* in the middle of an answer */
			server_answer(s, &s->requests[i], "200", OK_TYPE);
			server_bytes(s, &s->requests[i], "\0\0\0\0\5he", 7);
			pump(s);
		}
		nghttp2_submit_rst_stream(s->session, 0, s->requests[i].stream, resets[i / 2].code);
		pump(s);
		assert_true(c->call.done);
		assert_int_equal(c->call.status, GRPC_NONE);
		assert_string_equal(c->call.words, resets[i / 2].words);
		call_free(s, c);
	}
	assert_false(s->lost);
}

static void test_goaway(void **state)
{
	struct server *s = *state;
	struct call *c = call_start(s, "/p", "q", true), *late;
	bool calm;

	pump(s);
	assert_false(grpc_leaving(s->g, &calm));
	nghttp2_submit_shutdown_notice(s->session);
	nghttp2_submit_goaway(s->session, 0, s->requests[0].stream, NGHTTP2_NO_ERROR,
			      (const uint8_t *)"bye\n", 4);
	pump(s);
	assert_true(grpc_leaving(s->g, &calm));
	assert_false(calm || s->lost);
	late = call_start(s, "/p", "q", true);
	pump(s);
	assert_true(late->call.done);
	assert_int_equal(late->call.status, GRPC_NONE);
	assert_false(late->call.sent);
	call_free(s, late);
	server_answer(s, &s->requests[0], "200", OK_TYPE);
	server_message(s, &s->requests[0], "a", 1);
	server_end(s, &s->requests[0], "0", NULL);
	pump(s);
	assert_int_equal(c->call.status, GRPC_OK);
	assert_true(s->lost);
	assert_int_equal(s->err.kind, ERR_AWAY);
	assert_string_equal(s->err.words, "the connection was ended: bye ");
	call_free(s, c);
}

/* What was not taken is done with; nothing of it has been heard of. */
static void test_goaway_refused(void **state)
{
	struct server *s = *state;
	struct call *c = call_start(s, "/p", "q", true), *d = call_start(s, "/p", "q", true);

	pump(s);
	nghttp2_submit_goaway(s->session, 0, s->requests[0].stream, NGHTTP2_NO_ERROR, NULL, 0);
	pump(s);
	assert_false(c->call.done);
	assert_true(d->call.done);
	assert_int_equal(d->call.status, GRPC_NONE);
	assert_string_equal(d->call.words, "the call was broken off (REFUSED_STREAM)");
	call_free(s, d);
	call_free(s, c);
}

static void test_calm(void **state)
{
	struct server *s = *state;
	static const char words[] = "too_many_pings\x1b[31m" TWO(TWO(TWO(TWO("\xff"))));
	bool calm;

	pump(s);
	nghttp2_submit_goaway(s->session, 0, 0, NGHTTP2_ENHANCE_YOUR_CALM, (const uint8_t *)words,
			      sizeof words - 1);
	pump(s);
	assert_true(grpc_leaving(s->g, &calm));
	assert_true(calm);
	assert_true(s->lost);
	is_clean(s->err.words);
	assert_non_null(strstr(s->err.words, "ENHANCE_YOUR_CALM, too_many_pings [31m"));
}

static void test_ping(void **state)
{
	struct server *s = *state;

	assert_int_equal(grpc_pongs(s->g), 0);
	grpc_ping(s->g);
	pump(s);
	assert_int_equal(grpc_pongs(s->g), 1);
	nghttp2_submit_ping(s->session, 0, NULL); /* it asks us: no pong of ours */
	pump(s);
	assert_int_equal(grpc_pongs(s->g), 1);
	grpc_ping(s->g);
	pump(s);
	assert_int_equal(grpc_pongs(s->g), 2);
}

/* From within, and from outside. */
static void test_cancel(void **state)
{
	struct server *s = *state;
	struct call *c;

	for (size_t i = 0; i < 3; i++) {
		struct request *r = &s->requests[i];

		c = call_start(s, "/p", "q", i != 1);
		pump(s);
		server_answer(s, r, "200", OK_TYPE);
		server_message(s, r, "one", 3);
		if (i)
			pump(s);
		else
			c->cancel = s;
		server_message(s, r, "two", 3);
		server_end(s, r, "0", NULL);
		if (i)
			call_free(s, c);
		pump(s);
		if (!i) {
			assert_true(c->call.done);
			assert_int_equal(c->n_parts, 1);
			call_free(s, c);
		}
		assert_false(grpc_busy(s->g) || s->lost);
	}
	/* Before it was sent, and again when it is done. */
	c = call_start(s, "/p", "q", true);
	grpc_cancel(s->g, &c->call);
	grpc_cancel(s->g, &c->call);
	grpc_cancel(NULL, &c->call);
	assert_false(grpc_busy(s->g));
	call_free(s, c);
	pump(s);
	assert_false(s->lost);
}

static void test_refused(void **state)
{
	struct server *s = *state;
	struct call *c = call_start(s, "/p", "q", true);

	c->refuse = true;
	pump(s);
	server_answer(s, &s->requests[0], "200", OK_TYPE);
	server_message(s, &s->requests[0], "one", 3);
	server_message(s, &s->requests[0], "two", 3);
	server_end(s, &s->requests[0], "0", NULL);
	pump(s);
	assert_true(c->call.done);
	assert_int_equal(c->call.status, GRPC_NONE);
	assert_string_equal(c->call.words, "that is no answer");
	assert_int_equal(c->n_parts, 1);
	assert_false(s->lost);
	call_free(s, c);
}

/* Our half stays open, and the other end goes on until it ends the call. */
static void test_stream(void **state)
{
	struct server *s = *state;
	struct request *r = &s->requests[0];
	struct call *c = call_start(s, "/etcdserverpb.Watch/Watch", "first", false);

	pump(s);
	assert_int_equal(r->in.len, 10);
	assert_memory_equal(r->in.at, "\0\0\0\0\5first", 10);
	server_answer(s, r, "200", OK_TYPE);
	server_message(s, r, "a", 1);
	pump(s);
	assert_string_equal(c->got.at, "a|");
	server_message(s, r, "b", 1);
	pump(s);
	assert_string_equal(c->got.at, "a|b|");
	assert_false(c->call.done || r->ended);
	server_end(s, r, "0", NULL);
	pump(s);
	assert_true(c->call.done);
	assert_int_equal(c->call.status, GRPC_OK);
	call_free(s, c);
	pump(s);
	assert_false(s->lost);
}

/* The other end may have said all it has to while we have not. */
static void test_stream_ended(void **state)
{
	struct server *s = *state;

	for (size_t i = 0; i < 3; i++) {
		struct request *r = &s->requests[i];
		struct call *c = call_start(s, "/etcdserverpb.Watch/Watch", "first", false);

		pump(s);
		if (i == 0) {
			server_only(s, r, "14", "etcdserver: no leader");
		} else {
			server_answer(s, r, "200", OK_TYPE);
			server_message(s, r, "a", 1);
			server_end(s, r, i == 1 ? "14" : NULL,
				   i == 1 ? "etcdserver: no leader" : NULL);
		}
		pump(s);
		assert_true(c->call.done);
		assert_int_equal(c->call.status, i == 2 ? GRPC_NONE : GRPC_UNAVAILABLE);
		assert_string_equal(c->call.words,
				    i == 2 ? "the answer ends without saying what came of it" :
					     "etcdserver: no leader");
		call_free(s, c);
		assert_false(grpc_busy(s->g));
		pump(s);
		assert_int_equal(s->n_resets, i + 1);
	}
	assert_false(s->lost);
}

/* What is too much at once waits, and can be cancelled while it does. */
static void test_many(void **state)
{
	struct server *s = *state;
	struct call *calls[300];
	size_t done = 0;

	pump(s); /* the settings */
	for (size_t i = 0; i < lengthof(calls); i++)
		calls[i] = call_start(s, "/p", "q", true);
	pump(s);
	assert_int_equal(s->n, 100);
	for (size_t i = 250; i < lengthof(calls); i++)
		call_free(s, calls[i]);
	for (size_t before = 0; done < 250 && before < s->n; pump(s)) {
		before = s->n;
		for (size_t i = 0; i < before; i++) {
			if (s->requests[i].answered)
				continue;
			server_answer(s, &s->requests[i], "200", OK_TYPE);
			server_message(s, &s->requests[i], "a", 1);
			server_end(s, &s->requests[i], "0", NULL);
		}
		pump(s);
		for (done = 0; done < 250 && calls[done]->call.done;)
			done++;
	}
	assert_int_equal(done, 250);
	assert_int_equal(s->n, 250);
	for (size_t i = 0; i < 250; i++) {
		assert_int_equal(calls[i]->call.status, GRPC_OK);
		assert_string_equal(calls[i]->got.at, "a|");
		call_free(s, calls[i]);
	}
	assert_false(grpc_busy(s->g) || s->lost);
}

static void test_close(void **state)
{
	struct server *s = *state;
	struct call *calls[150]; /* some of which wait */

	pump(s);
	for (size_t i = 0; i < lengthof(calls); i++)
		calls[i] = call_start(s, "/p", "q", i % 2);
	pump(s);
	server_answer(s, &s->requests[0], "200", OK_TYPE);
	server_bytes(s, &s->requests[0], "\0\0\0\0\5he", 7);
	pump(s);
	grpc_close(s->g, "the member went");
	s->g = NULL;
	for (size_t i = 0; i < lengthof(calls); i++) {
		assert_true(calls[i]->call.done);
		assert_int_equal(calls[i]->call.status, GRPC_NONE);
		assert_string_equal(calls[i]->call.words, "the member went");
		call_free(s, calls[i]);
	}
	grpc_close(NULL, "");
}

/* What else answers at a port says so with its first bytes. */
static void test_greeting(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *words;
	} cases[] = {
#define FIRST(literal) (literal), sizeof(literal) - 1
		{ FIRST("HTTP/1.1 400 Bad Request\r\n\r\n"), "a web server answers there, not etcd" },
		{ FIRST("HTTP/1.0 400 Bad Request\r\n\r\n"
			"Client sent an HTTP request to an HTTPS server.\n"),
		  "it speaks TLS; write https://" },
		{ FIRST("\x15\x03\x01\x00\x02\x02\x46"), "it speaks TLS; write https://" },
		{ FIRST("\x15\x03\x03\x00\x02\x02\x46"), "it speaks TLS; write https://" },
		{ FIRST("SSH-2.0-OpenSSH_9.2\r\n"), "does not speak HTTP/2" },
		/* Frames, but no settings. */
		{ FIRST("\0\0\0\1\0\0\0\0\1"), "does not speak HTTP/2" },
		{ FIRST("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "does not speak HTTP/2" },
#undef FIRST
	};
	struct server *s = *state;
	const size_t step = s->step;

	for (size_t i = 0; i < lengthof(cases); i++) {
		/* It is looked for in the first piece. */
		s->step = strstr(cases[i].bytes, "HTTPS") ? SIZE_MAX : step;
		client_take(s, cases[i].bytes, cases[i].len);
		assert_true(s->lost);
		assert_int_equal(s->err.kind, ERR_AWAY);
		assert_non_null(strstr(s->err.words, cases[i].words));
		assert_false(grpc_greeted(s->g));
		reconnect(s);
	}
}

/* Also later: a connection that is broken says so with the bytes that broke it. */
static void test_violation(void **state)
{
	struct server *s = *state;
	struct call *c = call_start(s, "/p", "q", true);

	pump(s);
	client_take(s, "\0\0\1\0\0\0\0\0\0x", 10); /* data of no stream */
	assert_true(s->lost);
	assert_non_null(strstr(s->err.words, "does not keep to HTTP/2"));
	assert_false(c->call.done); /* grpc_close() does that */
	grpc_close(s->g, s->err.words);
	s->g = NULL;
	assert_true(c->call.done);
	call_free(s, c);
}

int main(void)
{
#define CASE(name)                                                                              \
	{ #name, test_##name, make, drop, (void *)(uintptr_t)&whole },                          \
	{ #name ", byte by byte", test_##name, make, drop, (void *)(uintptr_t)&single }
	const struct CMUnitTest tests[] = {
		CASE(unary),	      CASE(token),	    CASE(answers), CASE(only),
		CASE(huge_headers),   CASE(large),	    CASE(large_question),
		CASE(reset),	      CASE(goaway),	    CASE(goaway_refused),
		CASE(calm),	      CASE(ping),	    CASE(cancel),  CASE(refused),
		CASE(stream),	      CASE(stream_ended),   CASE(many),	   CASE(close),
		CASE(greeting),	      CASE(violation),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
