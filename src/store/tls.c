/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL sees the socket through a BIO of ours: its own would let a broken connection end the
 * process with SIGPIPE, and would not tell what came when it was no TLS.
 *
 * What makes a certificate count is what Go, and with it etcdctl and calicoctl, make it count by:
 * the CN names no host, and whatever the CA file has is trusted, an intermediate CA as well.
 */
#include "store/tls.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/ip.h"
#include "store/certificate.h"

#define PEM_MAX	     (1u << 20)
#define ALERT_BASE   1000 /* SSL_AD_REASON_OFFSET: reasons above are alerts of the other end */
#define RECORD_FIRST 20	  /* types of TLS records: what an answer can begin with */
#define RECORD_LAST  24
#define CLIENT_HINT  "set ETCD_CERT_FILE and ETCD_KEY_FILE"
#define HTTP_HINT    "should the endpoint begin with http://?"

struct pem {
	const char *name; /* in words; NULL: there is none */
	const char *at;
	size_t len;
};

struct tls {
	SSL_CTX *ctx;
	BIO_METHOD *socket;
	struct arena arena, texts;  /* of the names; of PEM, until it was parsed */
	struct pem trust, own, key; /* the CAs, our certificate and its key */
	bool prepared;
	struct err err;
};

struct tls_stream {
	struct tls *tls;
	SSL *ssl;
	int fd;
	char *host;
	bool asked; /* for a certificate of ours */
	bool heard; /* something came, and began with: */
	uint8_t first;
	bool ended;		/* the other end closed */
	int fault;		/* errno of the socket */
	struct err certificate; /* what is wrong with the server's */
};

/* What servers complain of; Go's say "bad certificate" for nearly everything. */
/* clang-format off */
static const struct {
	int alert;
	const char *words;
} complaints[] = {
	{ SSL_AD_BAD_CERTIFICATE, "bad certificate (perhaps of another CA, or out of its dates)" },
	{ SSL_AD_UNSUPPORTED_CERTIFICATE, "it is not meant for clients" },
	{ SSL_AD_CERTIFICATE_REVOKED, "it was revoked" },
	{ SSL_AD_CERTIFICATE_EXPIRED, "it has expired" },
	{ SSL_AD_CERTIFICATE_UNKNOWN, "certificate unknown" },
	{ SSL_AD_UNKNOWN_CA, "the server does not know its CA" },
	{ SSL_AD_ACCESS_DENIED, "access denied" },
	{ SSL_AD_DECRYPT_ERROR, "its signature is wrong" },
};
/* clang-format on */

static bool pem_read(struct tls *t, struct pem *ret, const char *file, const char *text,
		     const char *what, struct err *err);
static bool start(struct tls *t, struct err *err);
static bool trust_load(struct tls *t, struct err *err);
static bool own_load(struct tls *t, struct err *err);
static bool chain_load(struct tls *t, BIO *pem, X509 **ret_leaf, struct err *err);
static bool key_load(struct tls *t, X509 *leaf, struct err *err);
static const char *own_text(const struct tls *t, struct arena *a);
static BIO *pem_open(const struct pem *pem);
static bool pem_ended(void);
static int key_password(char *into, int size, int writing, void *asked);
static int socket_read(BIO *bio, char *into, int size);
static int socket_write(BIO *bio, const char *from, int size);
static long socket_ctrl(BIO *bio, int what, long number, void *at);
static void host_expect(struct tls_stream *s);
static int server_verified(int ok, X509_STORE_CTX *at);
static int certificate_asked(SSL *ssl, void *stream);
static enum tls_step step_of(struct tls_stream *s, int result, short *ret_events, struct err *err);
static bool alert_err(const struct tls_stream *s, int alert, struct err *err);

struct tls *tls_open(const struct tls_options *options, struct err *err)
{
	bool cert = options->cert_file || options->cert_pem;
	bool key = options->key_file || options->key_pem;
	struct tls *t;

	if (cert != key) {
		err_set(err, ERR_USAGE,
			"a client certificate needs its key and the other way round: " CLIENT_HINT);
		return NULL;
	}
	t = mem_alloc(sizeof *t);
	t->texts.secret = true;
	if (pem_read(t, &t->trust, options->ca_file, options->ca_pem, "the CA certificate", err) &&
	    pem_read(t, &t->own, options->cert_file, options->cert_pem, "the client certificate",
		     err) &&
	    pem_read(t, &t->key, options->key_file, options->key_pem, "the client key", err))
		return t;
	tls_close(t);
	return NULL;
}

void tls_close(struct tls *t)
{
	if (!t)
		return;
	if (t->ctx)
		ossl.SSL_CTX_free(t->ctx);
	if (t->socket)
		ossl.BIO_meth_free(t->socket);
	arena_free(&t->arena);
	arena_free(&t->texts);
	free(t);
}

bool tls_prepare(struct tls *t)
{
	if (t->prepared || t->err.kind)
		return false;
	if (!t->ctx)
		return start(t, &t->err);
	t->prepared = trust_load(t, &t->err) && (!t->own.name || own_load(t, &t->err));
	arena_free(&t->texts);
	return t->prepared;
}

const struct err *tls_err(const struct tls *t)
{
	return t->err.kind ? &t->err : NULL;
}

struct tls_stream *tls_stream_open(struct tls *t, int fd, const char *host)
{
	struct tls_stream *s;
	BIO *bio;

	if (!t->ctx)
		return NULL;
	s = mem_alloc(sizeof *s);
	bio = ossl.BIO_new(t->socket);
	s->tls = t;
	s->fd = fd;
	s->host = mem_str(host);
	s->ssl = ossl.SSL_new(t->ctx);
	if (!s->ssl || !bio)
		abort();
	ossl.BIO_set_data(bio, s);
	ossl.BIO_set_init(bio, 1);
	ossl.SSL_set_bio(s->ssl, bio, bio);
	ossl.SSL_set_ex_data(s->ssl, 0, s);
	ossl.SSL_set_cert_cb(s->ssl, certificate_asked, s);
	ossl.SSL_set_connect_state(s->ssl);
	host_expect(s);
	return s;
}

void tls_stream_close(struct tls_stream *s)
{
	if (!s)
		return;
	ossl.SSL_free(s->ssl);
	free(s->host);
	free(s);
}

enum tls_step tls_handshake(struct tls_stream *s, short *ret_events, struct err *err)
{
	enum tls_step step;

	ossl.ERR_clear_error();
	step = step_of(s, ossl.SSL_do_handshake(s->ssl), ret_events, err);
	if (step != TLS_ENDED)
		return step;
	/* etcd without TLS says nothing at all to a greeting of TLS */
	err_set(err, ERR_AWAY, "the server closed the connection %s",
		s->heard ? "during the TLS handshake" :
			   "when TLS began, as if it did not speak TLS; " HTTP_HINT);
	return TLS_FAILED;
}

enum tls_step tls_read(struct tls_stream *s, void *into, size_t size, size_t *ret,
		       short *ret_events, struct err *err)
{
	ossl.ERR_clear_error();
	return step_of(s, ossl.SSL_read_ex(s->ssl, into, size, ret), ret_events, err);
}

enum tls_step tls_write(struct tls_stream *s, const void *from, size_t size, size_t *ret,
			short *ret_events, struct err *err)
{
	ossl.ERR_clear_error();
	return step_of(s, ossl.SSL_write_ex(s->ssl, from, size, ret), ret_events, err);
}

/* FILE, else TEXT itself, else nothing. */
static bool pem_read(struct tls *t, struct pem *ret, const char *file, const char *text,
		     const char *what, struct err *err)
{
	if (!file && !text)
		return true;
	ret->name = file	     ? arena_str(&t->arena, file) :
		    ret == &t->trust ? "the CA certificate given as text" :
				       "given as text";
	ret->len = file ? 0 : strlen(text);
	ret->at = file ? file_read(file, PEM_MAX, &t->texts, &ret->len, err) :
			 arena_str(&t->texts, text);
	if (ret->at)
		return true;
	err_argument(err);
	return err_wrap(err, "%s", what);
}

/* What a greeting needs. */
static bool start(struct tls *t, struct err *err)
{
	if (!openssl_load(err))
		return false;
	t->ctx = ossl.SSL_CTX_new(ossl.TLS_client_method());
	t->socket = ossl.BIO_meth_new(BIO_TYPE_SOURCE_SINK, "peerage");
	if (!t->ctx || !t->socket)
		return openssl_err(err, ERR_AWAY, "OpenSSL does not start");
	ossl.BIO_meth_set_read(t->socket, socket_read);
	ossl.BIO_meth_set_write(t->socket, socket_write);
	ossl.BIO_meth_set_ctrl(t->socket, socket_ctrl);
	ossl.SSL_CTX_ctrl(t->ctx, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
	ossl.SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION);
	ossl.SSL_CTX_ctrl(t->ctx, SSL_CTRL_MODE,
			  SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS,
			  NULL);
	ossl.SSL_CTX_ctrl(t->ctx, SSL_CTRL_SET_READ_AHEAD, 1, NULL);
	ossl.SSL_CTX_set_alpn_protos(t->ctx, (const unsigned char *)"\2h2", 3);
	ossl.SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, server_verified);
	return true;
}

static bool trust_load(struct tls *t, struct err *err)
{
	X509_STORE *store = ossl.SSL_CTX_get_cert_store(t->ctx);
	const char *folder = getenv(ossl.X509_get_default_cert_dir_env());
	X509 *cert;
	BIO *pem;
	int n = 0;

	if (!t->trust.name) {
		folder = folder ? folder : ossl.X509_get_default_cert_dir();
		t->trust.name = arena_printf(&t->arena, "%s; set ETCD_CA_CERT_FILE", folder);
		return ossl.X509_STORE_load_path(store, folder) == 1 ||
		       openssl_err(err, ERR_AWAY, "%s", folder);
	}
	pem = pem_open(&t->trust);
	ossl.ERR_clear_error();
	for (; (cert = ossl.PEM_read_bio_X509(pem, NULL, NULL, NULL)); n++) {
		ossl.X509_STORE_add_cert(store, cert);
		ossl.X509_free(cert);
	}
	ossl.BIO_free(pem);
	if (!pem_ended())
		return openssl_err(err, ERR_INVALID, "%s: certificate %d in it is broken",
				   t->trust.name, n + 1);
	return n || err_set(err, ERR_INVALID, "%s holds no certificate in PEM form", t->trust.name);
}

static bool own_load(struct tls *t, struct err *err)
{
	auto_arena struct arena a = { 0 };
	BIO *pem = pem_open(&t->own);
	X509 *leaf = NULL;
	const char *dated;
	bool ok;

	ok = chain_load(t, pem, &leaf, err) && key_load(t, leaf, err);
	ossl.BIO_free(pem);
	dated = ok ? certificate_dated(leaf, clock_wall()) : NULL;
	if (dated)
		ok = err_set(err, ERR_INVALID, "our certificate %s %s", own_text(t, &a), dated);
	ossl.X509_free(leaf);
	return ok;
}

/* Our certificate and behind it the CAs on the way to one that the server knows. */
static bool chain_load(struct tls *t, BIO *pem, X509 **ret_leaf, struct err *err)
{
	const char *name = t->own.name;
	X509 *cert;

	ossl.ERR_clear_error();
	*ret_leaf = ossl.PEM_read_bio_X509(pem, NULL, NULL, NULL);
	if (!*ret_leaf)
		return err_set(err, ERR_INVALID, "our certificate %s is no certificate in PEM form",
			       name);
	if (ossl.SSL_CTX_use_certificate(t->ctx, *ret_leaf) != 1)
		return openssl_err(err, ERR_INVALID, "our certificate %s is not taken", name);
	while ((cert = ossl.PEM_read_bio_X509(pem, NULL, NULL, NULL)))
		ossl.SSL_CTX_ctrl(t->ctx, SSL_CTRL_CHAIN_CERT, 0, cert); /* takes it over */
	return pem_ended() ||
	       openssl_err(err, ERR_INVALID, "our certificate %s: one behind it is broken", name);
}

static bool key_load(struct tls *t, X509 *leaf, struct err *err)
{
	const char *name = t->key.name;
	BIO *pem = pem_open(&t->key);
	bool encrypted = false, ok;
	EVP_PKEY *key = ossl.PEM_read_bio_PrivateKey(pem, NULL, key_password, &encrypted);

	ossl.BIO_free(pem);
	if (encrypted)
		ok = err_set(err, ERR_INVALID,
			     "the client key %s is encrypted, and nobody is there "
			     "to ask for its password; write it in clear (openssl pkey -in FILE)",
			     name);
	else if (!key)
		ok = err_set(err, ERR_INVALID, "the client key %s is no private key in PEM form",
			     name);
	else if (ossl.X509_check_private_key(leaf, key) != 1)
		ok = err_set(err, ERR_INVALID,
			     "the client key %s does not belong to the certificate %s", name,
			     t->own.name);
	else
		ok = ossl.SSL_CTX_use_PrivateKey(t->ctx, key) == 1 ||
		     openssl_err(err, ERR_INVALID, "the client key %s is not taken", name);
	ossl.EVP_PKEY_free(key);
	ossl.ERR_clear_error();
	return ok;
}

static const char *own_text(const struct tls *t, struct arena *a)
{
	X509 *leaf = ossl.SSL_CTX_get0_certificate(t->ctx);

	return arena_printf(a, "%s (%s)", t->own.name, certificate_text(leaf, a));
}

static BIO *pem_open(const struct pem *pem)
{
	BIO *bio = ossl.BIO_new_mem_buf(pem->at, (int)pem->len);

	if (!bio)
		abort();
	return bio;
}

/* Did reading PEM stop because the text is at its end, and not because something in it is broken? */
static bool pem_ended(void)
{
	unsigned long last = ossl.ERR_peek_last_error();

	return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

/* Without one OpenSSL would ask on the terminal. */
static int key_password(char *into, int size, int writing, void *asked)
{
	(void)into, (void)size, (void)writing;
	*(bool *)asked = true;
	return -1;
}

static int socket_read(BIO *bio, char *into, int size)
{
	struct tls_stream *s = ossl.BIO_get_data(bio);
	ssize_t n;

	ossl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
	if (!s->tls->prepared) { /* by what should it be judged? */
		ossl.BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
		return -1;
	}
	do
		n = recv(s->fd, into, (size_t)size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0 && !s->heard) {
		s->heard = true;
		s->first = (uint8_t)*into;
	}
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		s->ended = true;
	else if (n < 0 && errno == EAGAIN)
		ossl.BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
	else if (n < 0)
		s->fault = errno;
	return (int)n;
}

static int socket_write(BIO *bio, const char *from, int size)
{
	struct tls_stream *s = ossl.BIO_get_data(bio);
	ssize_t n;

	ossl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
	do
		n = send(s->fd, from, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		return size; /* gone: reading finds the alert that says why */
	if (n < 0 && errno == EAGAIN)
		ossl.BIO_set_flags(bio, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY);
	else if (n < 0)
		s->fault = errno;
	return (int)n;
}

static long socket_ctrl(BIO *bio, int what, long number, void *at)
{
	(void)bio, (void)number, (void)at;
	return what == BIO_CTRL_FLUSH; /* nothing is kept back */
}

/* A zone is this machine's affair, a dot at the end the resolver's: no certificate has them. */
static void host_expect(struct tls_stream *s)
{
	X509_VERIFY_PARAM *param = ossl.SSL_get0_param(s->ssl);
	size_t len = strcspn(s->host, "%");
	struct ip ip;

	if (len && s->host[len - 1] == '.')
		len--;
	s->host[len] = '\0';
	ossl.X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	ossl.X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
							    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (ip_parse(s->host, &ip)) {
		if (ossl.X509_VERIFY_PARAM_set1_ip(param, ip.bytes, ip_bits(&ip) / 8) != 1)
			abort();
	} else if (ossl.X509_VERIFY_PARAM_set1_host(param, s->host, 0) != 1) {
		abort(); /* it would verify no name at all */
	} else {
		ossl.SSL_ctrl(s->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			      s->host);
	}
}

static int server_verified(int ok, X509_STORE_CTX *at)
{
	SSL *ssl = ossl.X509_STORE_CTX_get_ex_data(at, ossl.SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_stream *s = ossl.SSL_get_ex_data(ssl, 0);
	X509 *cert = ossl.X509_STORE_CTX_get_current_cert(at);
	int fault = ossl.X509_STORE_CTX_get_error(at);
	auto_arena struct arena a = { 0 };

	if (ok)
		return 1;
	if (cert)
		err_set(&s->certificate, ERR_REFUSED, "the server's %s (%s) %s",
			ossl.X509_STORE_CTX_get_error_depth(at) ? "CA certificate" : "certificate",
			certificate_text(cert, &a),
			certificate_fault(cert, fault, s->host, s->tls->trust.name, &a));
	else
		err_set(&s->certificate, ERR_REFUSED, "the server's certificate is not taken: %s",
			ossl.X509_verify_cert_error_string(fault));
	return 0;
}

/* When it was opened our certificate may not have been parsed yet. */
static int certificate_asked(SSL *ssl, void *stream)
{
	struct tls_stream *s = stream;
	SSL_CTX *ctx = s->tls->ctx;
	STACK_OF(X509) *chain = NULL;

	s->asked = true;
	ossl.SSL_CTX_ctrl(ctx, SSL_CTRL_GET_CHAIN_CERTS, 0, &chain);
	return !s->tls->own.name ||
	       ossl.SSL_use_cert_and_key(ssl, ossl.SSL_CTX_get0_certificate(ctx),
					 ossl.SSL_CTX_get0_privatekey(ctx), chain, 1) == 1;
}

/* What RESULT of a call to OpenSSL means, after the nearest cause there is. */
static enum tls_step step_of(struct tls_stream *s, int result, short *ret_events, struct err *err)
{
	int kind = result == 1 ? SSL_ERROR_NONE : ossl.SSL_get_error(s->ssl, result);
	unsigned long last = kind == SSL_ERROR_SSL ? ossl.ERR_get_error() : 0;
	const char *why = ossl.ERR_reason_error_string(last);

	if (kind == SSL_ERROR_NONE)
		return TLS_DONE;
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
		*ret_events = kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		return TLS_AGAIN;
	}
	if (s->certificate.kind)
		*err = s->certificate;
	else if (s->heard && (s->first < RECORD_FIRST || s->first > RECORD_LAST))
		err_set(err, ERR_AWAY, "it does not speak TLS; " HTTP_HINT);
	else if (ERR_GET_LIB(last) == ERR_LIB_SSL && ERR_GET_REASON(last) >= ALERT_BASE)
		alert_err(s, ERR_GET_REASON(last) - ALERT_BASE, err);
	else if (s->fault)
		err_set(err, ERR_AWAY, "%s", strerror(s->fault));
	else if (s->ended || kind == SSL_ERROR_ZERO_RETURN)
		return TLS_ENDED;
	else
		err_set(err, ERR_AWAY, "TLS: %s", why ? why : "OpenSSL does not say why");
	return TLS_FAILED;
}

static bool alert_err(const struct tls_stream *s, int alert, struct err *err)
{
	auto_arena struct arena a = { 0 };

	if (s->asked && !s->tls->own.name)
		return err_set(err, ERR_REFUSED,
			       "the server asks for a client certificate; " CLIENT_HINT);
	for (size_t i = 0; s->asked && i < lengthof(complaints); i++)
		if (complaints[i].alert == alert)
			return err_set(err, ERR_REFUSED,
				       "the server refuses our certificate %s: %s",
				       own_text(s->tls, &a), complaints[i].words);
	return err_set(err, ERR_AWAY, "the server ends TLS: %s",
		       ossl.SSL_alert_desc_string_long(alert));
}
