/* SPDX-License-Identifier: Apache-2.0 */
/* Channels to a server that the test plays over 127.0.0.1; deadlines pass by moving the clock. */
#include "store/channel.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/clock.h"
#include "fake_names.h"
#include "tls_world.h"

#define PATIENCE 10000
#define BACKLOG	 8 /* connections that fill a queue of length 0 for certain */

struct world {
	int listener, server; /* server: the accepted end */
	char url[64];
	struct channel_endpoint to;
	struct channel *channel;
	SSL *ssl; /* the server's end, when it speaks TLS */
	int64_t deadline;
};

/* A socket that listens on ADDRESS; its port is *PORT, chosen when that is 0. */
static int listen_on(const char *address, int backlog, uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(*port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof at;

	assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static int world_open(void **state)
{
	struct world *w = mem_alloc(sizeof *w);

	w->server = -1;
	w->listener = listen_on("127.0.0.1", 8, &w->to.port);
	w->to.host = "127.0.0.1";
	snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u", w->to.port);
	w->to.text = w->url;
	*state = w;
	return 0;
}

static void fd_drop(int *fd)
{
	base_close(fd);
	*fd = -1;
}

static int world_close(void **state)
{
	struct world *w = *state;

	channel_close(w->channel);
	channel_close(NULL);
	SSL_free(w->ssl);
	fd_drop(&w->listener);
	fd_drop(&w->server);
	clock_real();
	assert_no_child();
	free(w);
	return 0;
}

static void call(struct world *w, struct tls *tls)
{
	w->deadline = clock_ms() + PATIENCE;
	w->channel = channel_open(&w->to, tls, w->deadline);
}

/* Waits as a program would, for the channel and for what the server's end would see. */
static void wait_for(struct world *w)
{
	struct poll p = { 0 };

	channel_wait(w->channel, &p, false);
	poll_fd(&p, w->server < 0 ? w->listener : w->server, POLLIN);
	poll_at(&p, w->deadline);
	poll_block(&p);
	assert_true(clock_ms() < w->deadline);
}

static void run(struct world *w)
{
	channel_run(w->channel);
	if (w->server < 0 && w->listener >= 0)
		w->server = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (w->ssl && w->server >= 0) {
		SSL_set_fd(w->ssl, w->server);
		SSL_accept(w->ssl);
		ERR_clear_error();
	}
}

/* Until the channel is ready or of no use; says what it is. */
static const char *settle(struct world *w)
{
	for (run(w); !channel_ready(w->channel) && !channel_err(w->channel); run(w))
		wait_for(w);
	return channel_err(w->channel) ? channel_err(w->channel)->words : NULL;
}

static size_t read_some(struct world *w, char *into, size_t size)
{
	size_t n;

	while (!(n = channel_read(w->channel, into, size)) && !channel_err(w->channel))
		wait_for(w);
	return n;
}

static void assert_err(struct world *w, enum err_kind kind, const char *format, ...)
	printf_like(3, 4);

static void assert_err(struct world *w, enum err_kind kind, const char *format, ...)
{
	const struct err *err = channel_err(w->channel);
	char text[480];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	assert_non_null(err);
	assert_string_equal(err->words, text);
	assert_int_equal(err->kind, kind);
	assert_false(channel_ready(w->channel));
	assert_int_equal(channel_read(w->channel, text, sizeof text), 0);
	assert_int_equal(channel_write(w->channel, text, sizeof text), 0);
}

static void test_plain(void **state)
{
	struct world *w = *state;
	char text[16] = "";

	call(w, NULL);
	assert_false(channel_ready(w->channel));
	assert_int_equal(channel_read(w->channel, text, sizeof text), 0);
	assert_null(settle(w));
	while (w->server < 0)
		run(w);
	assert_int_equal(channel_read(w->channel, text, sizeof text), 0);
	assert_null(channel_err(w->channel));
	assert_int_equal(channel_write(w->channel, "ask", 3), 3);
	assert_int_equal(recv(w->server, text, sizeof text, 0), 3);
	assert_int_equal(send(w->server, "answer", 6, MSG_NOSIGNAL), 6);
	assert_int_equal(read_some(w, text, sizeof text), 6);
	assert_string_equal(text, "answer");
	/* what it said before it went is read, though writing no longer works */
	assert_int_equal(send(w->server, "bye", 3, MSG_NOSIGNAL), 3);
	fd_drop(&w->server);
	assert_int_equal(channel_write(w->channel, "a", 1), 1);
	assert_int_equal(channel_write(w->channel, "b", 1), 1);
	assert_null(channel_err(w->channel));
	assert_int_equal(read_some(w, text, sizeof text), 3);
	assert_int_equal(read_some(w, text, sizeof text), 0);
	assert_err(w, ERR_AWAY, "%s: the server closed the connection", w->url);
}

static void test_closed(void **state)
{
	struct world *w = *state;
	char byte;

	call(w, NULL);
	assert_null(settle(w));
	while (w->server < 0)
		run(w);
	fd_drop(&w->server);
	assert_int_equal(read_some(w, &byte, 1), 0);
	assert_err(w, ERR_AWAY, "%s: the server closed the connection", w->url);
}

/* A full socket takes less than all, and wants to be woken for room. */
static void test_full(void **state)
{
	static char from[16u << 20], into[16u << 20];
	struct world *w = *state;
	size_t sent = 0, got = 0, n;
	struct poll p = { 0 };

	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (char)(i % 251);
	call(w, NULL);
	assert_null(settle(w));
	while (w->server < 0)
		run(w);
	while (sent < sizeof from &&
	       (n = channel_write(w->channel, from + sent, sizeof from - sent)))
		sent += n;
	assert_true(sent < sizeof from);
	channel_wait(w->channel, &p, true);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.fds[0].events, POLLIN | POLLOUT);
	while (got < sizeof from) {
		ssize_t more = recv(w->server, into + got, sizeof into - got, MSG_DONTWAIT);

		got += more > 0 ? (size_t)more : 0;
		sent += channel_write(w->channel, from + sent, sizeof from - sent);
		assert_null(channel_err(w->channel));
	}
	assert_memory_equal(from, into, sizeof from);
}

static void test_refused(void **state)
{
	struct world *w = *state;

	fd_drop(&w->listener);
	call(w, NULL);
	settle(w);
	assert_err(w, ERR_AWAY, "%s: Connection refused", w->url);
}

/* The queue of a listener is full, so that an attempt to connect is not answered at all. */
static void test_black_hole(void **state)
{
	struct world *w = *state;
	int fillers[BACKLOG];
	struct sockaddr_in at = { .sin_family = AF_INET };
	int64_t now = clock_ms();
	struct poll p = { 0 };

	fd_drop(&w->listener);
	w->to.port = 0;
	w->listener = listen_on("127.0.0.1", 0, &w->to.port);
	at.sin_port = htons(w->to.port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (size_t i = 0; i < lengthof(fillers); i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_true(connect(fillers[i], (struct sockaddr *)&at, sizeof at) == 0 ||
			    errno == EINPROGRESS);
	}
	clock_fake(now, 0);
	call(w, NULL);
	channel_run(w->channel);
	assert_null(channel_err(w->channel));
	channel_wait(w->channel, &p, false);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.deadline, now + PATIENCE);
	clock_fake(now + PATIENCE, 0);
	channel_run(w->channel);
	assert_err(w, ERR_TIMEOUT, "%s: no answer to the attempt to connect", w->url);
	for (size_t i = 0; i < lengthof(fillers); i++)
		close(fillers[i]);
}

static void test_names(void **state)
{
	/* clang-format off */
	static const struct {
		const char *host, *says;
	} cases[] = {
		{ "nowhere.test", "the name nowhere.test does not exist" },
		{ "crash.test", "the resolver ended without an answer for crash.test" },
		{ "fe80::1%nope", "fe80::1%nope is no address, or its interface is not there" },
	};
	/* clang-format on */
	struct world *w = *state;
	int64_t now = clock_ms();

	for (size_t i = 0; i < lengthof(cases); i++) {
		w->to.host = cases[i].host;
		call(w, NULL);
		settle(w);
		assert_err(w, ERR_AWAY, "%s: %s", w->url, cases[i].says);
		channel_close(take(w->channel));
		assert_no_child();
	}
	w->to.host = "hang.test";
	clock_fake(now, 0);
	call(w, NULL);
	channel_run(w->channel);
	assert_null(channel_err(w->channel));
	clock_fake(now + PATIENCE, 0);
	channel_run(w->channel);
	assert_err(w, ERR_TIMEOUT, "%s: the resolver did not answer for hang.test within 10 s",
		   w->url);
}

/* An address that refuses, one that cannot be reached, then the one that works. */
static void test_addresses_in_turn(void **state)
{
	static const char *const some[] = { "127.0.0.3", "127.0.0.2", "127.0.0.1", NULL };
	struct world *w = *state;

	fake_addresses = some;
	w->to.host = "many.test";
	call(w, NULL);
	assert_null(settle(w));
	channel_close(take(w->channel));
	fd_drop(&w->server);
	fd_drop(&w->listener);
	call(w, NULL);
	settle(w);
	assert_err(w, ERR_AWAY, "%s: 127.0.0.1: Connection refused", w->url);
}

/* The first takes connections but says nothing to TLS: it gets its third of the time, no more. */
static void test_addresses_share(void **state)
{
	static const char *const some[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3", NULL };
	struct world *w = *state;
	struct err err = { 0 };
	struct tls *tls = tls_open(&(struct tls_options){ 0 }, &err);
	int64_t now = clock_ms();
	struct poll p = { 0 };

	fake_addresses = some;
	w->to.host = "many.test";
	clock_fake(now, 0);
	call(w, tls);
	do
		channel_run(w->channel);
	while ((w->server = accept4(w->listener, NULL, NULL, 0)) < 0);
	channel_run(w->channel);
	channel_wait(w->channel, &p, false);
	assert_int_equal(p.deadline, now + PATIENCE / 3);
	clock_fake(now + PATIENCE / 3, 0);
	fd_drop(&w->listener);
	while (!channel_err(w->channel))
		channel_run(w->channel);
	assert_err(w, ERR_AWAY, "%s: 127.0.0.3: Connection refused", w->url);
	channel_close(take(w->channel));
	tls_close(tls);
}

static void test_tls(void **state)
{
	struct world *w = *state;
	struct made root = make((struct like){ .cn = "root", .ca = true });
	struct made server = make((struct like){ "s", "IP:127.0.0.1", &root });
	struct made other = make((struct like){ "s", "IP:127.0.0.9", &root });
	auto_free char *ca = pem_of(root.cert, NULL, NULL);
	struct err err = { 0 };
	struct tls *tls = tls_open(&(struct tls_options){ .ca_pem = ca }, &err);
	char text[4] = "", *at = text;
	struct poll p = { 0 };

	w->ssl = server_over(-1, &server, NULL, TLS1_3_VERSION);
	call(w, tls);
	assert_null(settle(w));
	assert_int_equal(channel_write(w->channel, "ask", 3), 3);
	assert_int_equal(SSL_write(w->ssl, "abc", 3), 3);
	/* three bytes of one record, taken one by one: the socket is empty after the first, so it
	 * must be the channel that wakes its user */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(read_some(w, at++, 1), 1);
	assert_string_equal(text, "abc");
	channel_wait(w->channel, &p, false);
	assert_true(p.timed);
	assert_int_equal(channel_read(w->channel, text, 1), 0);
	p = (struct poll){ 0 };
	channel_wait(w->channel, &p, false);
	assert_false(p.timed);
	SSL_free(take(w->ssl));
	fd_drop(&w->server);
	assert_int_equal(read_some(w, text, 1), 0);
	assert_err(w, ERR_AWAY, "%s: the server closed the connection", w->url);
	channel_close(take(w->channel));

	w->ssl = server_over(-1, &other, NULL, TLS1_3_VERSION);
	call(w, tls);
	assert_non_null(strstr(settle(w), "is not for 127.0.0.1, only for 127.0.0.9"));
	assert_int_equal(channel_err(w->channel)->kind, ERR_REFUSED);
	assert_int_equal(strncmp(channel_err(w->channel)->words, w->url, strlen(w->url)), 0);
	channel_close(take(w->channel));
	SSL_free(take(w->ssl));
	fd_drop(&w->server);

	/* the server closes with bytes of ours unread, and its reason is still heard */
	w->ssl = server_over(-1, &server, &root, TLS1_3_VERSION);
	call(w, tls);
	for (channel_run(w->channel); !channel_ready(w->channel); run(w))
		if (!channel_ready(w->channel))
			wait_for(w);
	assert_int_equal(channel_write(w->channel, "ask", 3), 3);
	SSL_accept(w->ssl);
	SSL_free(take(w->ssl));
	fd_drop(&w->server);
	channel_write(w->channel, "more", 4);
	assert_int_equal(read_some(w, text, 1), 0);
	assert_err(w, ERR_REFUSED,
		   "%s: the server asks for a client certificate; set ETCD_CERT_FILE "
		   "and ETCD_KEY_FILE",
		   w->url);
	channel_close(take(w->channel));
	tls_close(tls);
	made_free(&root);
	made_free(&server);
	made_free(&other);
}

/* That a file of ours is wrong is said without an endpoint, even where none answers. */
static void test_tls_broken(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };

	for (int i = 0; i < 2; i++) {
		struct tls *tls = tls_open(&(struct tls_options){ .ca_pem = "x" }, &err);

		call(w, tls);
		settle(w);
		assert_err(w, ERR_INVALID,
			   "the CA certificate given as text holds no certificate in PEM form");
		assert_string_equal(tls_err(tls)->words, channel_err(w->channel)->words);
		channel_close(take(w->channel));
		tls_close(tls);
		fd_drop(&w->listener);
	}
}

static void test_tls_silence(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct tls *tls = tls_open(&(struct tls_options){ 0 }, &err);
	int64_t now = clock_ms();

	clock_fake(now, 0);
	call(w, tls);
	do
		channel_run(w->channel);
	while ((w->server = accept4(w->listener, NULL, NULL, 0)) < 0);
	channel_run(w->channel);
	clock_fake(now + PATIENCE, 0);
	channel_run(w->channel);
	assert_err(w, ERR_TIMEOUT, "%s: it takes the connection, but does not answer to TLS",
		   w->url);
	channel_close(take(w->channel));
	tls_close(tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_closed, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_full, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_refused, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_black_hole, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_names, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_addresses_in_turn, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_addresses_share, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_tls, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_tls_broken, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_tls_silence, world_open, world_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
