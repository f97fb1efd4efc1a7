/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to addresses without blocking: getaddrinfo() and the resolver's SRV question run in a child
 * process that is killed at the deadline, because both block and neither can be interrupted. An
 * address as text needs neither a child nor a wait.
 */
#pragma once

#include <sys/socket.h>

#include "base/err.h"
#include "base/poll.h"

#define RESOLVE_MAX 64 /* addresses or records of one answer; what is beyond is left out */

struct resolve;

struct resolve_address {
	struct sockaddr_storage at; /* with its port */
	socklen_t size;
};

struct resolve_service { /* one SRV record (RFC 2782), in the order in which to try them */
	char host[256];	 /* without the dot at its end */
	uint16_t port, priority, weight;
};

/* The addresses of HOST (a name, or an address with or without brackets; a zone as in fe80::1%eth0).
 * What has a colon is never asked for as a name. */
struct resolve *resolve_host(const char *host, uint16_t port, int64_t timeout_ms);
/* The SRV records of NAME: "_etcd-client._tcp.example.com". */
struct resolve *resolve_srv(const char *name, int64_t timeout_ms);
void resolve_close(struct resolve *r); /* NULL is fine; ends what is under way */
/* True when there is an answer or a failure. */
bool resolve_run(struct resolve *r);
void resolve_wait(const struct resolve *r, struct poll *p);
/* After resolve_run() said true. False: ERR_AWAY with the resolver's words, ERR_NOT_FOUND where the
 * name does not exist or has no such record, ERR_TIMEOUT. */
bool resolve_addresses(const struct resolve *r, const struct resolve_address **ret, size_t *ret_n,
		       struct err *err) must_check;
bool resolve_services(const struct resolve *r, const struct resolve_service **ret, size_t *ret_n,
		      struct err *err) must_check;

/* For tests. The SRV records in a DNS answer of SIZE bytes, in the order in which to try them: by priority, and those of
 * one priority at random, in proportion to their weights (RFC 2782); SEED is for that. Returns how many. A
 * target "." means "no such service" and is left out; bytes that are no DNS answer have no records. */
size_t resolve_parse(const uint8_t *answer, size_t size, unsigned seed,
		     struct resolve_service ret[RESOLVE_MAX]);
