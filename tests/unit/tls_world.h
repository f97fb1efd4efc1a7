/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of TLS share: a CA and certificates made on the spot, and a server's end that the
 * test drives itself, so that one thread chooses every step.
 */
#pragma once

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"

#define DAY 86400

struct made {
	EVP_PKEY *key;
	X509 *cert;
};

struct like {
	const char *cn, *hosts;	   /* hosts: "DNS:localhost,IP:127.0.0.1"; NULL: none */
	const struct made *issuer; /* NULL: itself */
	int from, to;		   /* days from now; both 0: valid */
	bool ca;
	const char *use; /* extended key usage */
};

static inline void made_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static inline struct made make(struct like like)
{
	static long serial;
	struct made made = { EVP_EC_gen("P-256"), X509_new() };
	const struct made *by = like.issuer ? like.issuer : &made;
	X509_NAME *name = X509_get_subject_name(made.cert);

	if (!like.from && !like.to) {
		like.from = -1;
		like.to = 1;
	}
	X509_set_version(made.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.cert), ++serial);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)like.cn, -1,
				   -1, 0);
	X509_set_issuer_name(made.cert, X509_get_subject_name(by->cert));
	X509_gmtime_adj(X509_getm_notBefore(made.cert), (long)like.from * DAY);
	X509_gmtime_adj(X509_getm_notAfter(made.cert), (long)like.to * DAY);
	X509_set_pubkey(made.cert, made.key);
	made_extend(made.cert, by->cert, NID_basic_constraints,
		    like.ca ? "critical,CA:TRUE" : "CA:FALSE");
	made_extend(made.cert, by->cert, NID_subject_key_identifier, "hash");
	if (like.hosts)
		made_extend(made.cert, by->cert, NID_subject_alt_name, like.hosts);
	if (like.use)
		made_extend(made.cert, by->cert, NID_ext_key_usage, like.use);
	assert_true(X509_sign(made.cert, by->key, EVP_sha256()) > 0);
	return made;
}

static inline void made_free(struct made *made)
{
	EVP_PKEY_free(made->key);
	X509_free(made->cert);
}

/* The PEM text of CERT or KEY, what is not NULL, encrypted where there is a PASSWORD. */
static inline char *pem_of(X509 *cert, EVP_PKEY *key, const char *password)
{
	BIO *text = BIO_new(BIO_s_mem());
	char *at, *copy;
	long len;

	if (cert)
		assert_int_equal(PEM_write_bio_X509(text, cert), 1);
	if (key)
		assert_int_equal(PEM_write_bio_PrivateKey(text, key,
							  password ? EVP_aes_128_cbc() : NULL, NULL,
							  0, NULL, (void *)password),
				 1);
	len = BIO_get_mem_data(text, &at);
	copy = mem_alloc((size_t)len + 1);
	memcpy(copy, at, (size_t)len);
	BIO_free(text);
	return copy;
}

static inline void pem_file(const char *path, char *text)
{
	struct err err;

	assert_true(file_write(path, text, strlen(text), 0600, (gid_t)-1, &err));
	free(text);
}

/* A server's end over FD with the certificate OF; asks for one of CLIENTS' when that is not NULL. */
static inline SSL *server_over(int fd, const struct made *of, const struct made *clients,
			       int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl;

	assert_int_equal(SSL_CTX_use_certificate(ctx, of->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, of->key), 1);
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, MIN(version, TLS1_2_VERSION));
	SSL_CTX_set_max_proto_version(ctx, version);
	if (clients) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), clients->cert);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	SSL_set_fd(ssl, fd);
	SSL_set_accept_state(ssl);
	return ssl;
}
