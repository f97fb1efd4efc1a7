/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for connections to a store, over OpenSSL. Its libraries are loaded (dlopen) by the first
 * tls_prepare(): who uses SQLite, or etcd without TLS, does not pay for them. Without a CA of its own
 * an endpoint is held against the system's folder of certificates, never the bundle, which takes
 * 15 ms to read.
 *
 * What goes wrong with a certificate is said with all that one needs to mend it: which certificate
 * (the server's, with its subject and the endpoint; or our own, with its file), why, and from when
 * to when it is valid.
 */
#pragma once

#include "base/err.h"

struct tls_options {
	/* Either the file or the PEM text of each, or neither. */
	const char *ca_file, *cert_file, *key_file;
	const char *ca_pem, *cert_pem, *key_pem;
};

struct tls; /* what all connections of a store share: trust, own certificate and key */

/* Reads the files. ERR_USAGE where a file is not there or only one of certificate and key is given;
 * ERR_REFUSED where one cannot be read. */
struct tls *tls_open(const struct tls_options *options, struct err *err);
void tls_close(struct tls *t); /* after its streams; NULL is fine */
/* The work that is left, as much of our time as all the rest of a connection takes, goes on while the
 * other end has something to do: first what a greeting needs is made, then what its answer is judged
 * by. Each call does one part; false: there is none left, or it failed. */
bool tls_prepare(struct tls *t);
/* NULL, or why nothing can be done with this: ERR_INVALID where something is no PEM, the key does not
 * belong to the certificate, or our own certificate is not valid at this time (with its dates);
 * ERR_AWAY where there is no OpenSSL. */
const struct err *tls_err(const struct tls *t);

struct tls_stream; /* one connection */

/* A client's end over FD, which stays the caller's; HOST (name or address) is what the server's
 * certificate must be for. HTTP/2 is asked for (ALPN). NULL before the first part was prepared. What
 * the server sends is not read before the second part was. */
struct tls_stream *tls_stream_open(struct tls *t, int fd, const char *host);
void tls_stream_close(struct tls_stream *s); /* NULL is fine */

enum tls_step { TLS_DONE, TLS_AGAIN, TLS_ENDED, TLS_FAILED };
/* TLS_AGAIN: *RET_EVENTS (POLLIN or POLLOUT) says what it waits for. TLS_ENDED: the other end closed.
 * TLS_FAILED: ERR says why: ERR_REFUSED for anything about certificates, on either side, else
 * ERR_AWAY ("the endpoint does not speak TLS" where plain text came back). */
enum tls_step tls_handshake(struct tls_stream *s, short *ret_events, struct err *err);
enum tls_step tls_read(struct tls_stream *s, void *into, size_t size, size_t *ret,
		       short *ret_events, struct err *err);
enum tls_step tls_write(struct tls_stream *s, const void *from, size_t size, size_t *ret,
			short *ret_events, struct err *err);
