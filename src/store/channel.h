/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to and from an endpoint: its name is resolved, its addresses are tried in turn, TLS is
 * negotiated, and nothing blocks. What fails says which endpoint it was.
 */
#pragma once

#include "base/poll.h"
#include "store/tls.h"

struct channel_endpoint { /* struct endpoint is a neighbour's, in base/ip.h */
	const char *text; /* "https://etcd-1:2379": how messages name it */
	const char *host; /* a name or an address, without brackets */
	uint16_t port;
	bool tls;
};

struct channel;

/* Connects to TO (whose strings must outlive it), through TLS when TLS is not NULL, which is
 * prepared on the way. All of
 * it, the handshake included, must be done by DEADLINE (clock_ms()); a name's addresses share the
 * time that is left. */
struct channel *channel_open(const struct channel_endpoint *to, struct tls *tls, int64_t deadline);
void channel_close(struct channel *c); /* NULL is fine */
/* Connects. Once it is ready there is nothing for it to do. */
void channel_run(struct channel *c);
/* Waits for what connecting needs; once ready for bytes to read, and when WRITE for room to write. */
void channel_wait(const struct channel *c, struct poll *p, bool write);
bool channel_ready(const struct channel *c);
/* NULL while all is well, else why it is of no use any more. ERR_AWAY, ERR_REFUSED (certificates),
 * ERR_TIMEOUT; always with the endpoint in front, but tls_err() as it is. */
const struct err *channel_err(const struct channel *c);
/* Bytes that are there, up to SIZE; 0: none now, or it has failed or ended (channel_err()). */
size_t channel_read(struct channel *c, void *into, size_t size);
/* How many of SIZE bytes were taken: less than all means wait for room, and offer the rest, as it
 * is, again. When the other end is gone all are taken: reading tells what it said before it went. */
size_t channel_write(struct channel *c, const void *from, size_t size);
