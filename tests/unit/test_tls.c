/* SPDX-License-Identifier: Apache-2.0 */
/* TLS over a pair of sockets whose other end the test drives: nothing here waits. */
#include "store/tls.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "tls_world.h"

#define TURNS 20

struct world {
	char folder[32];
	char ca[64], cert[64], key[64], other[64]; /* paths */
	struct made root, stranger, client, server;
	struct tls *tls;
	int fds[2]; /* ours, the server's */
	SSL *server_end;
	struct tls_stream *stream;
};

static int world_open(void **state)
{
	struct world *w = mem_alloc(sizeof *w);

	strcpy(w->folder, "/tmp/peerage-unit-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->ca, sizeof w->ca, "%s/ca.pem", w->folder);
	snprintf(w->cert, sizeof w->cert, "%s/cert.pem", w->folder);
	snprintf(w->key, sizeof w->key, "%s/key.pem", w->folder);
	snprintf(w->other, sizeof w->other, "%s/other.pem", w->folder);
	w->root = make((struct like){ .cn = "root", .ca = true });
	w->stranger = make((struct like){ .cn = "stranger", .ca = true });
	w->client = make((struct like){ .cn = "agent", .issuer = &w->root });
	w->server =
		make((struct like){ .cn = "etcd-1",
				    .hosts = "DNS:etcd-1,DNS:*.example.com,IP:10.0.0.1,IP:fe80::1",
				    .issuer = &w->root });
	pem_file(w->ca, pem_of(w->root.cert, NULL, NULL));
	pem_file(w->cert, pem_of(w->client.cert, NULL, NULL));
	pem_file(w->key, pem_of(NULL, w->client.key, NULL));
	w->fds[0] = w->fds[1] = -1;
	*state = w;
	return 0;
}

static void hang_up(struct world *w)
{
	tls_stream_close(take(w->stream));
	SSL_free(take(w->server_end));
	for (int i = 0; i < 2; i++) {
		base_close(&w->fds[i]);
		w->fds[i] = -1;
	}
}

static int world_close(void **state)
{
	struct world *w = *state;

	hang_up(w);
	tls_close(w->tls);
	unlink(w->ca);
	unlink(w->cert);
	unlink(w->key);
	unlink(w->other);
	assert_int_equal(rmdir(w->folder), 0);
	made_free(&w->root);
	made_free(&w->stranger);
	made_free(&w->client);
	made_free(&w->server);
	free(w);
	return 0;
}

static struct tls *open_whole(const struct tls_options *options, struct err *err)
{
	struct tls *t = tls_open(options, err);

	while (t && tls_prepare(t))
		;
	if (!t || !tls_err(t))
		return t;
	*err = *tls_err(t);
	tls_close(t);
	return NULL;
}

static void open_as(struct world *w, const struct tls_options *options)
{
	struct err err = { 0 };

	hang_up(w); /* a stream does not outlive what it is a stream of */
	tls_close(w->tls);
	w->tls = open_whole(options, &err);
	if (!w->tls)
		fail_msg("%s", err.words);
}

static void call(struct world *w, const char *host)
{
	hang_up(w);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w->fds), 0);
	w->stream = tls_stream_open(w->tls, w->fds[0], host);
}

/* Both ends until ours is at an end; then the server takes what is left. */
static enum tls_step shake(struct world *w, struct err *err)
{
	enum tls_step step = TLS_AGAIN;
	short events;

	for (int i = 0; step == TLS_AGAIN && i < TURNS; i++) {
		step = tls_handshake(w->stream, &events, err);
		SSL_accept(w->server_end);
	}
	SSL_accept(w->server_end);
	ERR_clear_error();
	return step;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* Like "valid from 2026-08-01T10:00:00Z to". */
static void assert_dates(const char *text, int from, int to)
{
	const char *at = strstr(text, "valid from ");
	char first[21] = "", last[21] = "";
	int64_t now = clock_wall();

	assert_non_null(at);
	assert_int_equal(sscanf(at, "valid from %20[^ ] to %20[^)]", first, last), 2);
	assert_in_range(clock_parse(first), now + from * DAY - 60, now + from * DAY);
	assert_in_range(clock_parse(last), now + to * DAY - 60, now + to * DAY);
}

static void test_bytes_pass(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	static const char *const hosts[] = { "etcd-1", "a.example.com", "a.example.com.",
					     "ETCD-1", "10.0.0.1",	"fe80::1%lo" };
	struct world *w = *state;

	open_as(w, &(struct tls_options){ .ca_file = w->ca });
	for (size_t i = 0; i < lengthof(versions) * lengthof(hosts); i++) {
		const char *host = hosts[i / lengthof(versions)], *name;
		char text[16] = "";
		struct err err;
		short events = 0;
		size_t n = 0;

		call(w, host);
		w->server_end =
			server_over(w->fds[1], &w->server, NULL, versions[i % lengthof(versions)]);
		if (shake(w, &err) != TLS_DONE)
			fail_msg("%s: %s", host, err.words);
		name = SSL_get_servername(w->server_end, TLSEXT_NAMETYPE_host_name);
		if (strchr("1f", *host))
			assert_null(name);
		else
			assert_int_equal(strncmp(name, host, strlen(name)), 0);
		assert_int_equal(tls_read(w->stream, text, sizeof text, &n, &events, &err),
				 TLS_AGAIN);
		assert_int_equal(events, POLLIN);
		assert_int_equal(tls_write(w->stream, "ask", 3, &n, &events, &err), TLS_DONE);
		assert_int_equal(n, 3);
		assert_int_equal(SSL_read(w->server_end, text, sizeof text), 3);
		assert_int_equal(SSL_write(w->server_end, "answer", 6), 6);
		assert_int_equal(tls_read(w->stream, text, sizeof text, &n, &events, &err),
				 TLS_DONE);
		assert_string_equal(text, "answer");
		if (i % 2)
			SSL_shutdown(w->server_end); /* politely; or else just so */
		base_close(&w->fds[1]);
		w->fds[1] = -1;
		assert_int_equal(tls_write(w->stream, "more", 4, &n, &events, &err), TLS_DONE);
		assert_int_equal(tls_read(w->stream, text, sizeof text, &n, &events, &err),
				 TLS_ENDED);
	}
}

/* A full socket: what does not fit is taken later, and arrives whole. */
static void test_full(void **state)
{
	static char from[1u << 20], into[1u << 20];
	struct world *w = *state;
	size_t sent = 0, got = 0, n;
	bool waited = false;
	struct err err;
	short events;

	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (char)(i % 251);
	open_as(w, &(struct tls_options){ .ca_file = w->ca });
	call(w, "etcd-1");
	w->server_end = server_over(w->fds[1], &w->server, NULL, TLS1_3_VERSION);
	assert_int_equal(shake(w, &err), TLS_DONE);
	while (got < sizeof from) {
		enum tls_step step = TLS_DONE;

		while (sent < sizeof from && step == TLS_DONE) {
			step = tls_write(w->stream, from + sent, sizeof from - sent, &n, &events,
					 &err);
			sent += step == TLS_DONE ? n : 0;
		}
		if (step == TLS_AGAIN) {
			waited = true;
			assert_int_equal(events, POLLOUT);
		}
		while (SSL_read_ex(w->server_end, into + got, sizeof into - got, &n) == 1)
			got += n;
	}
	assert_true(waited);
	assert_memory_equal(from, into, sizeof from);
}

static void test_server_certificate(void **state)
{
	struct world *w = *state;
	struct made middle = make((struct like){ .cn = "middle", .ca = true, .issuer = &w->root });
	struct made forged = make((struct like){ .cn = "root", .ca = true });
	/* clang-format off */
	const struct {
		const char *host, *says;
		struct like like;
	} cases[] = {
		{ "a", "the server's certificate (CN=x, issued by CN=root, valid from ",
		  { "x", "DNS:a", &w->root, -3, -2 } },
		{ "a", ") has expired", { "x", "DNS:a", &w->root, -3, -2 } },
		{ "a", ") is not valid yet", { "x", "DNS:a", &w->root, 2, 3 } },
		{ "a", "is of a CA that is not in /tmp/", { "x", "DNS:a", &w->stranger } },
		{ "a", "is of a CA that is not in /tmp/", { "x", "DNS:a", &middle } },
		{ "a", "is of a CA that is not in /tmp/", { "x", "DNS:a" } },
		{ "a", "is not signed by the CA of that name in /tmp/", { "x", "DNS:a", &forged } },
		{ "a", "is not for a, only for b, *.c, 10.0.0.1, fd00::1",
		  { "x", "DNS:b,DNS:*.c,IP:10.0.0.1,IP:fd00::1", &w->root } },
		{ "a", "is not for a, only for no host at all", { "a", NULL, &w->root } },
		{ "10.0.0.2", "is not for 10.0.0.2, only for 10.0.0.1",
		  { "x", "IP:10.0.0.1", &w->root } },
		{ "10.0.0.1", "is not for 10.0.0.1, only for 10.0.0.1",
		  { "x", "DNS:10.0.0.1", &w->root } },
		{ "a", "is not meant for servers",
		  { "x", "DNS:a", &w->root, .use = "clientAuth" } },
		{ "a", "(CN=new\\0A\\07line\xc3\xa9, issued",
		  { "new\n\aline\xc3\xa9", "DNS:b", &w->root } },
	};
	/* clang-format on */

	open_as(w, &(struct tls_options){ .ca_file = w->ca });
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct made made = make(cases[i].like);
		struct err err = { 0 };
		bool dated = cases[i].like.from || cases[i].like.to;

		call(w, cases[i].host);
		w->server_end = server_over(w->fds[1], &made, NULL, TLS1_3_VERSION);
		assert_int_equal(shake(w, &err), TLS_FAILED);
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_has(err.words, cases[i].says);
		assert_dates(err.words, dated ? cases[i].like.from : -1,
			     dated ? cases[i].like.to : 1);
		made_free(&made);
	}
	made_free(&middle);
	made_free(&forged);
}

/* An intermediate CA alone is trusted, as Go does; and PEM may come as text. */
static void test_trust_as_text(void **state)
{
	struct world *w = *state;
	struct made middle = make((struct like){ .cn = "middle", .ca = true, .issuer = &w->root });
	struct made made = make((struct like){ .cn = "x", .hosts = "DNS:a", .issuer = &middle });
	auto_free char *ca = pem_of(middle.cert, NULL, NULL);
	struct made client = make((struct like){ .cn = "agent", .issuer = &middle });
	auto_free char *leaf = pem_of(client.cert, NULL, NULL);
	auto_free char *key = pem_of(NULL, client.key, NULL);
	auto_free char *cert = mem_alloc(strlen(leaf) + strlen(ca) + 1); /* with the CA behind it */
	struct err err = { 0 };

	strcat(strcpy(cert, leaf), ca);
	open_as(w, &(struct tls_options){ .ca_pem = ca, .cert_pem = cert, .key_pem = key });
	call(w, "a");
	w->server_end = server_over(w->fds[1], &made, &w->root, TLS1_3_VERSION);
	assert_int_equal(shake(w, &err), TLS_DONE);
	assert_true(SSL_is_init_finished(w->server_end));
	made_free(&made);
	made_free(&client);
	made_free(&middle);
}

/* Without a CA of its own: the folder of the system, whose files are named by a hash. */
static void test_trust_of_system(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	char path[64];

	setenv("SSL_CERT_DIR", w->folder, 1);
	setenv("SSL_CERT_FILE", w->ca, 1); /* the bundle is not looked at */
	open_as(w, &(struct tls_options){ 0 });
	call(w, "etcd-1");
	w->server_end = server_over(w->fds[1], &w->server, NULL, TLS1_3_VERSION);
	assert_int_equal(shake(w, &err), TLS_FAILED);
	assert_has(err.words, "; set ETCD_CA_CERT_FILE");
	snprintf(path, sizeof path, "%s/%08lx.0", w->folder, X509_subject_name_hash(w->root.cert));
	pem_file(path, pem_of(w->root.cert, NULL, NULL));
	call(w, "etcd-1");
	w->server_end = server_over(w->fds[1], &w->server, NULL, TLS1_3_VERSION);
	assert_int_equal(shake(w, &err), TLS_DONE);
	unlink(path);
	unsetenv("SSL_CERT_DIR");
	unsetenv("SSL_CERT_FILE");
}

/* What a server says of our certificate: in TLS 1.3 it comes after the handshake, by reading. */
static void test_client_certificate(void **state)
{
	struct world *w = *state;
	const struct tls_options with = { .ca_file = w->ca,
					  .cert_file = w->cert,
					  .key_file = w->key };
	const struct tls_options without = { .ca_file = w->ca };
	struct made old = make((struct like){ "old", NULL, &w->root, -9, -8 });
	auto_free char *cert = pem_of(old.cert, NULL, NULL), *key = pem_of(NULL, old.key, NULL);
	const struct tls_options expired = { .ca_file = w->ca, .cert_pem = cert, .key_pem = key };
	/* clang-format off */
	const struct {
		const struct tls_options *options;
		const struct made *clients;
		const char *says; /* NULL: it works */
	} cases[] = {
		{ &with, &w->root, NULL },
		{ &without, &w->root,
		  "the server asks for a client certificate; set ETCD_CERT_FILE and ETCD_KEY_FILE" },
		{ &with, &w->stranger, "cert.pem (CN=agent, issued by CN=root, valid from " },
		{ &with, &w->stranger, "): the server does not know its CA" },
		{ &expired, &w->root, "the server refuses our certificate given as text (CN=old" },
		{ &expired, &w->root, "): it has expired" },
	};
	/* clang-format on */

	for (size_t i = 0; i < 2 * lengthof(cases); i++) {
		struct err err = { 0 };
		enum tls_step step;
		char byte;
		size_t n;
		short events;

		/* it was still good when it was read */
		if (cases[i / 2].options == &expired)
			clock_fake(clock_ms(), clock_wall() - 8 * DAY - DAY / 2);
		open_as(w, cases[i / 2].options);
		clock_real();
		call(w, "etcd-1");
		w->server_end = server_over(w->fds[1], &w->server, cases[i / 2].clients,
					    i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
		step = shake(w, &err);
		if (step == TLS_DONE) {
			/* what we send meets a server that has gone, which must not hide why */
			if (cases[i / 2].says) {
				base_close(&w->fds[1]);
				w->fds[1] = -1;
			}
			tls_write(w->stream, "x", 1, &n, &events, &err);
			step = tls_read(w->stream, &byte, 1, &n, &events, &err);
		}
		assert_int_equal(step, cases[i / 2].says ? TLS_FAILED : TLS_AGAIN);
		if (!cases[i / 2].says)
			continue;
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_has(err.words, cases[i / 2].says);
	}
	made_free(&old);
}

/* A server's answer that comes before there is anything to judge it by waits. */
static void test_prepared_late(void **state)
{
	struct world *w = *state;
	const struct tls_options with = { .ca_file = w->ca,
					  .cert_file = w->cert,
					  .key_file = w->key };
	struct err err = { 0 };
	short events;

	w->tls = tls_open(&with, &err);
	assert_null(tls_stream_open(w->tls, w->fds[0], "etcd-1"));
	assert_true(tls_prepare(w->tls));
	call(w, "etcd-1");
	w->server_end = server_over(w->fds[1], &w->server, &w->root, TLS1_3_VERSION);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(tls_handshake(w->stream, &events, &err), TLS_AGAIN);
		assert_int_equal(events, POLLIN);
		SSL_accept(w->server_end);
	}
	assert_true(tls_prepare(w->tls));
	assert_false(tls_prepare(w->tls));
	assert_int_equal(shake(w, &err), TLS_DONE);
	assert_true(SSL_is_init_finished(w->server_end));
}

static void test_no_tls(void **state)
{
	/* clang-format off */
	static const struct {
		size_t len;
		const char *comes, *says;
	} cases[] = {
		{ 12, "HTTP/1.1 400", "it does not speak TLS" },
		{ 4, "\0\0\6\4", "it does not speak TLS" }, /* HTTP/2 */
		{ 0, "", "when TLS began, as if it did not speak TLS" },
		{ 7, "\25\3\3\0\2\2\106", "the server ends TLS: protocol version" },
		{ 9, "\26\3\3\0\4junk", "TLS: " },
	};
	/* clang-format on */
	struct world *w = *state;
	short events;

	open_as(w, &(struct tls_options){ .ca_file = w->ca });
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct err err = { 0 };

		call(w, "etcd-1");
		assert_int_equal(tls_handshake(w->stream, &events, &err), TLS_AGAIN);
		assert_int_equal(events, POLLIN);
		assert_int_equal(send(w->fds[1], cases[i].comes, cases[i].len, MSG_NOSIGNAL),
				 cases[i].len);
		shutdown(w->fds[1], SHUT_RDWR);
		assert_int_equal(tls_handshake(w->stream, &events, &err), TLS_FAILED);
		assert_int_equal(err.kind, ERR_AWAY);
		assert_has(err.words, cases[i].says);
	}
}

static void test_old_version(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };

	open_as(w, &(struct tls_options){ .ca_file = w->ca });
	call(w, "etcd-1");
	w->server_end = server_over(w->fds[1], &w->server, NULL, TLS1_1_VERSION);
	assert_int_equal(shake(w, &err), TLS_FAILED);
	assert_int_equal(err.kind, ERR_AWAY);
	assert_has(err.words, "protocol");
}

static void test_options(void **state)
{
	struct world *w = *state;
	struct made old = make((struct like){ "old", NULL, &w->root, -9, -1 });
	struct made young = make((struct like){ "young", NULL, &w->root, 1, 9 });
	auto_free char *expired = pem_of(old.cert, NULL, NULL),
		       *early = pem_of(young.cert, NULL, NULL);
	auto_free char *old_key = pem_of(NULL, old.key, NULL),
		       *early_key = pem_of(NULL, young.key, NULL);
	auto_free char *locked = pem_of(NULL, w->client.key, "pass");
	auto_free char *cut = pem_of(w->root.cert, NULL, NULL);
	/* clang-format off */
	const struct {
		struct tls_options options;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ { .cert_file = w->cert }, ERR_USAGE, "set ETCD_CERT_FILE and ETCD_KEY_FILE" },
		{ { .key_file = w->key }, ERR_USAGE, "set ETCD_CERT_FILE and ETCD_KEY_FILE" },
		{ { .ca_file = "/nowhere/ca" }, ERR_USAGE,
		  "the CA certificate: /nowhere/ca: No such file or directory" },
		{ { .cert_file = "/nowhere/c", .key_file = w->key }, ERR_USAGE,
		  "the client certificate: /nowhere/c: No such" },
		{ { .cert_file = w->cert, .key_file = "/nowhere/k" }, ERR_USAGE,
		  "the client key: /nowhere/k: No such" },
		{ { .ca_file = "/tmp" }, ERR_USAGE, "the CA certificate: /tmp is a folder" },
		{ { .ca_file = w->key }, ERR_INVALID, "key.pem holds no certificate in PEM form" },
		{ { .ca_pem = "" }, ERR_INVALID, "holds no certificate in PEM form" },
		{ { .ca_pem = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" },
		  ERR_INVALID, "certificate 1 in it is broken: " },
		{ { .ca_pem = cut }, ERR_INVALID, "certificate 1 in it is broken: " },
		{ { .cert_file = w->key, .key_file = w->key }, ERR_INVALID,
		  "key.pem is no certificate in PEM form" },
		{ { .cert_file = w->cert, .key_file = w->cert }, ERR_INVALID,
		  "cert.pem is no private key in PEM form" },
		{ { .cert_file = w->cert, .key_pem = old_key }, ERR_INVALID,
		  "the client key given as text does not belong to the certificate " },
		{ { .cert_file = w->cert, .key_pem = locked }, ERR_INVALID, "is encrypted" },
		{ { .cert_pem = expired, .key_pem = old_key }, ERR_INVALID, ") has expired" },
		{ { .cert_pem = expired, .key_pem = old_key }, ERR_INVALID, "(CN=old, issued by " },
		{ { .cert_pem = early, .key_pem = early_key }, ERR_INVALID, ") is not valid yet" },
	};
	/* clang-format on */

	cut[strlen(cut) / 2] = '\0';
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct err err = { 0 };

		assert_null(open_whole(&cases[i].options, &err));
		assert_has(err.words, cases[i].says);
		assert_int_equal(err.kind, cases[i].kind);
		if (strchr(cases[i].says, ')'))
			assert_dates(err.words, cases[i].options.cert_pem == expired ? -9 : 1,
				     cases[i].options.cert_pem == expired ? -1 : 9);
	}
	made_free(&old);
	made_free(&young);
}

/* root reads everything: somebody else has to try. */
static void test_unreadable(void **state)
{
	struct world *w = *state;
	const struct tls_options options = { .cert_file = w->cert, .key_file = w->key };
	struct err err = { 0 };
	bool root = geteuid() == 0;

	chmod(w->folder, 0755);
	chmod(w->cert, 0644);
	chmod(w->key, root ? 0600 : 0);
	assert_true(!root || seteuid(65534) == 0);
	assert_null(tls_open(&options, &err));
	assert_true(!root || seteuid(0) == 0);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_has(err.words, "the client key: /tmp/");
	assert_has(err.words, "key.pem: Permission denied");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_pass, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_full, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_server_certificate, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_trust_as_text, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_trust_of_system, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_client_certificate, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_prepared_late, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_no_tls, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_old_version, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_options, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_unreadable, world_open, world_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
