/* SPDX-License-Identifier: Apache-2.0 */
/* The link against members that the test plays; minutes pass by moving the clock. */
#include "store/etcd_link.h"

#include "base/clock.h"
#include "etcd_server.h"

#define SERVERS	  3
#define SPINS	  1000
#define REST_MS	  5	/* of real time, in which nothing came: then nothing is under way */
#define PATIENCE  2000	/* rests, for what must come */
#define SECOND	  1000
#define RENEW_MS  (240 * SECOND) /* before etcd forgets a token */
#define ANSWER_MS (10 * SECOND)	 /* for a greeting, a token */

struct world {
	struct server servers[SERVERS];
	struct channel_endpoint endpoints[SERVERS];
	struct etcd_config config;
	struct etcd_link *link;
	int64_t ms;
};

static int world_open(void **state)
{
	struct world *w = mem_alloc(sizeof *w);

	w->ms = 1000000;
	clock_fake(w->ms, 0);
	for (size_t i = 0; i < SERVERS; i++) {
		server_open(&w->servers[i]);
		w->endpoints[i] = (struct channel_endpoint){ .text = w->servers[i].url,
							     .host = "127.0.0.1",
							     .port = w->servers[i].port };
	}
	w->config = (struct etcd_config){ .endpoints = w->endpoints, .n_endpoints = 1,
					  .shown = w->servers[0].url }; /* no other case's */
	*state = w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	etcd_link_close(w->link);
	etcd_link_close(NULL);
	for (size_t i = 0; i < SERVERS; i++)
		server_die(&w->servers[i]);
	clock_real();
	free(w);
	return 0;
}

/* Runs everybody until all wait for something that has not come for a while. */
static void settle(struct world *w)
{
	for (unsigned spins = 0; spins < SPINS; spins++) {
		struct poll p = { 0 };

		etcd_link_run(w->link);
		for (size_t i = 0; i < SERVERS; i++)
			server_run(&w->servers[i]);
		etcd_link_wait(w->link, &p);
		for (size_t i = 0; i < SERVERS; i++)
			if (!w->servers[i].frozen) {
				poll_fd(&p, w->servers[i].listener, POLLIN);
				poll_fd(&p, w->servers[i].fd, POLLIN);
			}
		if (poll(p.fds, p.n, p.timed && p.deadline <= w->ms ? 0 : REST_MS) == 0 &&
		    !(p.timed && p.deadline <= w->ms))
			return;
	}
	fail_msg("the link spins");
}

#define wait_for(w, condition)                                                                     \
	do {                                                                                       \
		unsigned rests = PATIENCE;                                                         \
		for (settle(w); !(condition) && rests--; settle(w))                                 \
			;                                                                          \
		assert_true(condition);                                                            \
	} while (0)

static void pass(struct world *w, int64_t ms)
{
	w->ms += ms;
	clock_fake(w->ms, 0);
	settle(w);
}

static void open_with(struct world *w, size_t n)
{
	w->config.n_endpoints = n;
	etcd_link_close(w->link);
	w->link = etcd_link_open(&w->config);
}

static void open_ready(struct world *w, size_t n)
{
	open_with(w, n);
	wait_for(w, etcd_link_ready(w->link));
}

static void open_user(struct world *w, const char *token)
{
	w->config.username = "agent";
	w->config.password = "secret";
	w->servers[0].token = token;
	open_ready(w, 1);
	assert_int_equal(w->servers[0].auths, 1);
}

/* The one that the link talks to. */
static struct server *at(struct world *w)
{
	for (size_t i = 0; i < SERVERS; i++)
		if (str_eq(etcd_link_endpoint(w->link), w->servers[i].url))
			return &w->servers[i];
	fail_msg("the link is nowhere");
	return NULL;
}

static bool take_bytes(void *ctx, const uint8_t *from, size_t len, bool end, struct err *err)
{
	(void)ctx;
	(void)from;
	(void)len;
	(void)end;
	(void)err;
	return true;
}

static void call_start(struct world *w, struct grpc_call *call, const char *path)
{
	struct buf nothing = { 0 };

	*call = (struct grpc_call){ .path = path, .bytes = take_bytes };
	assert_true(etcd_link_ready(w->link));
	etcd_link_start(w->link, call, &nothing, true);
	settle(w);
}

/* A call that is answered. */
static void talk(struct world *w)
{
	struct grpc_call call;

	call_start(w, &call, "/t/Answer");
	wait_for(w, call.done);
	assert_string_equal(call.words, "");
	assert_int_equal(call.status, GRPC_OK);
	etcd_link_cancel(w->link, &call);
}

static void assert_words(const char *have, const char *format, ...) printf_like(2, 3);

static void assert_words(const char *have, const char *format, ...)
{
	char text[480];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	assert_string_equal(have, text);
}

static void assert_failed(struct world *w, enum err_kind kind)
{
	wait_for(w, etcd_link_err(w->link));
	assert_int_equal(etcd_link_err(w->link)->kind, kind);
	assert_false(etcd_link_ready(w->link));
}

/* ---- signs of life ---- */

static void test_silence(void **state)
{
	struct world *w = *state;
	struct server *v = &w->servers[0];
	struct grpc_call call;

	open_ready(w, 1);
	call_start(w, &call, "/t/Hang");
	for (unsigned i = 1; i <= 3; i++) { /* each pong is good for as long again */
		pass(w, ETCD_SILENCE_MS - 1);
		assert_int_equal(v->pings, i - 1);
		pass(w, 1);
		wait_for(w, v->pings == i);
		assert_false(call.done);
		assert_true(etcd_link_ready(w->link));
	}
	assert_int_equal(v->connections, 1);
	/* what answers need not be asked, and who asks for nothing does not ask for this either */
	pass(w, ETCD_SILENCE_MS - 1);
	talk(w);
	pass(w, ETCD_SILENCE_MS - 1);
	assert_int_equal(v->pings, 3);
	etcd_link_cancel(w->link, &call);
	pass(w, 3600 * SECOND);
	assert_int_equal(v->pings, 3);
	talk(w);
	pass(w, 1);
	assert_int_equal(v->pings, 3);
}

static void test_frozen(void **state)
{
	struct world *w = *state;
	struct grpc_call call, other;
	struct server *v;

	open_ready(w, 2);
	v = at(w);
	call_start(w, &call, "/t/Hang");
	call_start(w, &other, "/t/Hang");
	v->frozen = true;
	pass(w, ETCD_SILENCE_MS);
	pass(w, ETCD_PONG_MS - 1);
	assert_false(call.done || other.done);
	pass(w, 1);
	assert_true(call.done && other.done);
	assert_int_equal(call.status, GRPC_NONE);
	assert_words(call.words, "%s has not answered for %d s", v->url,
		     (ETCD_SILENCE_MS + ETCD_PONG_MS) / 1000);
	assert_string_equal(other.words, call.words);
	wait_for(w, etcd_link_ready(w->link));
	assert_ptr_not_equal(at(w), v);
	talk(w);
}

/* Anything that comes is a sign of life, also in place of the pong. */
static void test_late_answer(void **state)
{
	struct world *w = *state;
	struct server *v = &w->servers[0];
	struct grpc_call call;

	open_ready(w, 1);
	call_start(w, &call, "/t/Hang");
	v->frozen = true;
	pass(w, ETCD_SILENCE_MS);
	pass(w, ETCD_PONG_MS - 1);
	v->frozen = false;
	settle(w);
	wait_for(w, v->pings == 1);
	pass(w, ETCD_SILENCE_MS - 1);
	assert_false(call.done);
	assert_int_equal(v->pings, 1);
	assert_int_equal(v->connections, 1);
	etcd_link_cancel(w->link, &call);
}

/* etcd ends a connection that pings more often than it bears. The interval is the process's: this
 * case changes it for the ones that follow. */
static void test_too_many_pings(void **state)
{
	struct world *w = *state;
	struct server *v = &w->servers[0];
	struct grpc_call call;

	open_ready(w, 1);
	call_start(w, &call, "/t/Hang");
	server_leaves(v, true);
	settle(w);
	server_hang_up(v);
	wait_for(w, call.done);
	assert_int_equal(call.status, GRPC_NONE);
	wait_for(w, etcd_link_ready(w->link));
	assert_int_equal(v->connections, 2);
	v->pings = 0;
	call_start(w, &call, "/t/Hang");
	pass(w, 2 * ETCD_SILENCE_MS - 1);
	assert_int_equal(v->pings, 0);
	pass(w, 1);
	wait_for(w, v->pings == 1);
	etcd_link_cancel(w->link, &call);
}

/* ---- greetings ---- */

static void test_no_greeting(void **state)
{
	struct world *w = *state;

	w->servers[0].frozen = true;
	open_with(w, 1);
	settle(w);
	pass(w, ANSWER_MS - 1);
	assert_null(etcd_link_err(w->link));
	pass(w, 1);
	assert_failed(w, ERR_TIMEOUT);
	assert_words(etcd_link_err(w->link)->words,
		     "%s: it takes connections, but does not speak HTTP/2: is it etcd?", w->servers[0].url);
}

static void test_other_greetings(void **state)
{
	static const struct {
		const char *says, *words;
	} cases[] = {
		{ "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
		  "it speaks TLS; write https:// in front of the endpoint" },
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", "a web server answers there, not etcd" },
		{ "\x15\x03\x01\x02\x46 alert", "it speaks TLS; write https:// in front of the endpoint" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < lengthof(cases); i++) {
		w->servers[0].says = cases[i].says;
		open_with(w, 1);
		assert_failed(w, ERR_AWAY);
		assert_words(etcd_link_err(w->link)->words, "%s: %s", w->servers[0].url, cases[i].words);
	}
}

/* ---- several members ---- */

static void test_in_turn(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < SERVERS; i++)
		server_die(&w->servers[i]);
	open_with(w, SERVERS);
	assert_failed(w, ERR_AWAY);
	for (size_t i = 0; i < SERVERS; i++) {
		char words[96];

		snprintf(words, sizeof words, "%s: Connection refused", w->servers[i].url);
		assert_non_null(strstr(etcd_link_err(w->link)->words, words));
	}
	/* nothing more is tried, until it is asked for */
	server_listen(&w->servers[1]);
	pass(w, 60 * SECOND);
	assert_false(etcd_link_ready(w->link));
	assert_int_equal(w->servers[1].connections, 0);
	etcd_link_retry(w->link);
	wait_for(w, etcd_link_ready(w->link));
	assert_ptr_equal(at(w), &w->servers[1]);
	talk(w);
	/* wherever a link begins, it comes to the one that is there */
	for (unsigned i = 0; i < 5; i++) {
		open_ready(w, SERVERS);
		assert_ptr_equal(at(w), &w->servers[1]);
	}
}

static void test_left(void **state)
{
	struct world *w = *state;
	struct grpc_call call, other;
	struct server *left[SERVERS];

	open_ready(w, SERVERS);
	for (size_t i = 0; i < SERVERS; i++) {
		left[i] = at(w);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(left[i], left[j]);
		call_start(w, &call, "/t/Hang");
		call_start(w, &other, "/t/Hang");
		etcd_link_leave(w->link, "it has no leader");
		assert_true(call.done && other.done);
		assert_int_equal(call.status, GRPC_NONE);
		assert_words(call.words, "%s: it has no leader", left[i]->url);
		assert_false(etcd_link_ready(w->link));
		assert_null(etcd_link_err(w->link));
		etcd_link_leave(w->link, "again"); /* which changes nothing */
		etcd_link_cancel(w->link, &call);
		etcd_link_cancel(w->link, &other);
		wait_for(w, etcd_link_ready(w->link));
	}
	assert_ptr_equal(at(w), left[0]);
	talk(w);
}

/* A member that dies is left, and one that does not answer in time to being connected to. */
static void test_dies(void **state)
{
	struct world *w = *state;
	struct grpc_call call;
	struct server *v;

	open_ready(w, SERVERS);
	v = at(w);
	call_start(w, &call, "/t/Hang");
	server_die(v);
	wait_for(w, call.done);
	assert_int_equal(call.status, GRPC_NONE);
	assert_words(call.words, "%s: the server closed the connection", v->url);
	wait_for(w, etcd_link_ready(w->link));
	assert_ptr_not_equal(at(w), v);
	talk(w);
	/* with nobody's call it is just as quiet */
	v = at(w);
	server_die(v);
	wait_for(w, at(w) != v && etcd_link_ready(w->link));
	assert_null(etcd_link_err(w->link));
	talk(w);
}

/* A member that says goodbye: what is under way ends in peace, what begins does so elsewhere. */
static void test_goodbye(void **state)
{
	struct world *w = *state;
	struct buf nothing = { 0 };
	struct grpc_call call;
	struct server *v;

	open_ready(w, 2);
	v = at(w);
	call_start(w, &call, "/t/Hang");
	server_leaves(v, false);
	settle(w);
	assert_false(call.done);
	assert_true(etcd_link_ready(w->link));
	server_answer(v, call.stream, &nothing);
	wait_for(w, call.done);
	assert_int_equal(call.status, GRPC_OK);
	etcd_link_cancel(w->link, &call);
	wait_for(w, etcd_link_ready(w->link) && at(w) != v);
	talk(w);
	/* the same, when it was us who had no use any more for what was under way */
	v = at(w);
	call_start(w, &call, "/t/Hang");
	server_leaves(v, false);
	settle(w);
	v->frozen = true;
	etcd_link_cancel(w->link, &call);
	assert_false(etcd_link_ready(w->link));
	wait_for(w, etcd_link_ready(w->link) && at(w) != v);
	talk(w);
}

/* A call that begins while another one keeps such a connection up must not wait for ever. */
static void test_begun_at_goodbye(void **state)
{
	struct world *w = *state;
	struct grpc_call call, late;

	open_ready(w, 2);
	call_start(w, &call, "/t/Hang");
	server_leaves(at(w), false);
	settle(w);
	call_start(w, &late, "/t/Answer");
	wait_for(w, late.done);
	assert_int_equal(late.status, GRPC_NONE);
	assert_false(call.done);
	etcd_link_leave(w->link, late.words);
	assert_true(call.done);
	wait_for(w, etcd_link_ready(w->link));
	talk(w);
}

/* ---- users ---- */

static void test_token_unused(void **state)
{
	struct world *w = *state;
	struct server *v = &w->servers[0];

	open_user(w, "simple.1");
	for (unsigned i = 0; i < 5; i++) { /* as long as it is used it is good */
		pass(w, RENEW_MS);
		talk(w);
	}
	assert_int_equal(v->auths, 1);
	v->token = "simple.2";
	pass(w, RENEW_MS + 1);
	assert_false(etcd_link_ready(w->link));
	wait_for(w, etcd_link_ready(w->link));
	talk(w);
	assert_int_equal(v->auths, 2);
	assert_int_equal(v->refused, 0);
	assert_int_equal(v->connections, 1);
}

static void test_token_jwt(void **state)
{
	struct world *w = *state;
	struct server *v = &w->servers[0];

	open_user(w, "eyJhbGciOi.one");
	for (unsigned i = 0; i < 4; i++) {
		pass(w, RENEW_MS / 4);
		talk(w);
	}
	assert_int_equal(v->auths, 1);
	v->token = "eyJhbGciOi.two";
	pass(w, 1);
	assert_false(etcd_link_ready(w->link));
	wait_for(w, etcd_link_ready(w->link));
	talk(w);
	assert_int_equal(v->auths, 2);
	assert_int_equal(v->refused, 0);
}

static void test_token_refused(void **state)
{
	struct world *w = *state;
	struct server *v = &w->servers[0];
	struct grpc_call calls[3];

	open_user(w, "simple.1");
	v->token = "simple.2"; /* etcd was restarted: it knows none of the old ones */
	v->frozen = true;
	for (size_t i = 0; i < lengthof(calls); i++)
		call_start(w, &calls[i], "/t/Answer");
	v->frozen = false;
	for (size_t i = 0; i < lengthof(calls); i++) {
		wait_for(w, calls[i].done);
		assert_int_equal(calls[i].status, GRPC_UNAUTHENTICATED);
	}
	for (size_t i = 0; i < lengthof(calls); i++) /* together they ask once */
		assert_true(etcd_link_renew(w->link, &calls[i]));
	wait_for(w, etcd_link_ready(w->link));
	assert_true(etcd_link_renew(w->link, &calls[2])); /* it was of the old one */
	talk(w);
	assert_int_equal(v->auths, 2);
	/* the other words for it; and what has nothing to do with tokens */
	calls[0].status = GRPC_PERMISSION_DENIED;
	assert_false(etcd_link_renew(w->link, &calls[0]));
	calls[0].status = GRPC_INVALID_ARGUMENT;
	assert_false(etcd_link_renew(w->link, &calls[0]));
	snprintf(calls[0].words, sizeof calls[0].words, "etcdserver: revision of auth store is old");
	assert_true(etcd_link_renew(w->link, &calls[0]));
	for (size_t i = 0; i < lengthof(calls); i++)
		etcd_link_cancel(w->link, &calls[i]);
	/* without a user there is nothing to renew */
	w->config.username = NULL;
	open_ready(w, 1);
	call_start(w, &calls[0], "/t/Answer");
	wait_for(w, calls[0].done);
	assert_int_equal(calls[0].status, GRPC_UNAUTHENTICATED);
	assert_false(etcd_link_renew(w->link, &calls[0]));
	etcd_link_cancel(w->link, &calls[0]);
}

/* A token is any member's. */
static void test_token_moves(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < SERVERS; i++)
		w->servers[i].token = "simple.1";
	w->config.username = "agent";
	w->config.password = "secret";
	open_ready(w, SERVERS);
	etcd_link_leave(w->link, "it has no leader");
	wait_for(w, etcd_link_ready(w->link));
	talk(w);
	assert_int_equal(w->servers[0].auths + w->servers[1].auths + w->servers[2].auths, 1);
}

/* It outlives its connection, and a link: to make one costs etcd a while. For whom else it is not. */
static void test_token_kept(void **state)
{
	struct world *w = *state;
	struct server *v = &w->servers[0];

	open_user(w, "simple.1");
	open_ready(w, 1);
	talk(w);
	server_hang_up(v);
	wait_for(w, v->connections == 3 && etcd_link_ready(w->link));
	talk(w);
	assert_int_equal(v->auths, 1);
	etcd_link_close(take(w->link));
	w->ms += RENEW_MS + 1;
	clock_fake(w->ms, 0);
	open_ready(w, 1);
	assert_int_equal(v->auths, 2);
	etcd_link_close(take(w->link));
	w->config.password = "other";
	open_ready(w, 1);
	assert_int_equal(v->auths, 3);
	assert_int_equal(v->refused, 0);
}

static void test_not_let_in(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < SERVERS; i++) {
		w->servers[i].auth_status = GRPC_INVALID_ARGUMENT;
		w->servers[i].auth_words = "etcdserver: authentication failed, invalid user ID or password";
	}
	w->config.username = "agent";
	w->config.password = "secret";
	open_with(w, SERVERS);
	assert_failed(w, ERR_REFUSED);
	assert_words(etcd_link_err(w->link)->words,
		     "%s does not let user \"agent\" in: the password is wrong, or there is no such user",
		     at(w)->url);
	/* a wrong password is not tried on every member: some lock users out */
	assert_int_equal(w->servers[0].auths + w->servers[1].auths + w->servers[2].auths, 1);
}

static void test_auth_disabled(void **state)
{
	struct world *w = *state;

	w->servers[0].auth_status = GRPC_FAILED_PRECONDITION;
	w->servers[0].auth_words = "etcdserver: authentication is not enabled";
	w->config.username = "agent";
	w->config.password = "secret";
	open_ready(w, 1);
	talk(w);
	assert_int_equal(w->servers[0].auths, 1);
}

static void test_auth_silent(void **state)
{
	struct world *w = *state;

	w->servers[0].auth_status = -1;
	w->config.username = "agent";
	w->config.password = "secret";
	open_with(w, 1);
	wait_for(w, w->servers[0].auths == 1);
	pass(w, ETCD_SILENCE_MS); /* a pong is no answer */
	wait_for(w, w->servers[0].pings == 1);
	pass(w, ANSWER_MS - ETCD_SILENCE_MS - 1);
	assert_null(etcd_link_err(w->link));
	pass(w, 1);
	assert_failed(w, ERR_TIMEOUT);
	assert_words(etcd_link_err(w->link)->words, "%s: it takes connections, but does not answer",
		     w->servers[0].url);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		TEST(test_silence),
		TEST(test_frozen),
		TEST(test_late_answer),
		TEST(test_no_greeting),
		TEST(test_other_greetings),
		TEST(test_in_turn),
		TEST(test_left),
		TEST(test_dies),
		TEST(test_goodbye),
		TEST(test_begun_at_goodbye),
		TEST(test_token_unused),
		TEST(test_token_jwt),
		TEST(test_token_refused),
		TEST(test_token_moves),
		TEST(test_token_kept),
		TEST(test_not_let_in),
		TEST(test_auth_disabled),
		TEST(test_auth_silent),
		TEST(test_too_many_pings), /* last */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
