/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC over HTTP/2 (nghttp2), the client's side, of one connection and without I/O: bytes that came
 * go in, bytes to be sent come out (grpc_input(), grpc_output()). Calls are the caller's; a call
 * hands over the bytes of its answer as they come, in parts of messages, so that an answer of any
 * size needs no memory. What comes in is not trusted.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct grpc;

enum grpc_status { /* of the protocol; the ones that etcd uses */
	GRPC_NONE = -1, /* the call ended without one */
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_FAILED_PRECONDITION = 9,
	GRPC_OUT_OF_RANGE = 11,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
};

/* Gets the answer's messages in parts; END is true with the last part of each message, which may be empty.
 * Returns false when they make no sense: ERR says why, and the call ends with GRPC_NONE. It may cancel its
 * own call, but must not free it before grpc_input() has returned. */
typedef bool grpc_bytes_fn(void *ctx, const uint8_t *at, size_t len, bool end, struct err *err);

struct grpc_call {
	/* in; must stay until the call is done or cancelled */
	const char *path;   /* "/etcdserverpb.KV/Range" */
	const char *token;  /* etcd's; NULL: none */
	unsigned token_number; /* for the caller: which one it was */
	grpc_bytes_fn *bytes;
	void *ctx;
	/* out */
	bool done;
	int status;         /* enum grpc_status */
	char words[256];    /* about it, safe to print */
	bool sent;          /* something of the request went out */
	bool unheard;       /* the connection ended before the other end showed that it speaks HTTP/2 */
	/* grpc.c's own */
	struct grpc_call *next;
	int32_t stream;
	struct buf out;     /* of the request, not sent yet */
	size_t taken;       /* of it */
	bool last;          /* there is no more than OUT */
	bool answered;      /* with one message at least */
	uint8_t prefix[5];  /* of the message that comes: flag and length */
	unsigned n_prefix;
	uint32_t left;      /* of that message */
	unsigned http;      /* :status */
	bool is_grpc;       /* by its content type */
	size_t n_header;    /* bytes of headers so far */
};

/* AUTHORITY: "host:port". */
struct grpc *grpc_open(const char *authority, bool tls);
/* Calls that are under way are done, with GRPC_NONE and WHY. */
void grpc_close(struct grpc *g, const char *why);

/* Starts CALL with its one message. Without LAST our half of the stream stays open behind it, for as long as
 * the call lasts: a watch ends with it. */
void grpc_start(struct grpc *g, struct grpc_call *call, const struct buf *message, bool last);
/* Forgets CALL, whether it is done or not; G may be NULL once it is. */
void grpc_cancel(struct grpc *g, struct grpc_call *call);

/* Takes LEN bytes that came. False: the connection is of no use any more, ERR (ERR_AWAY) says why. */
bool grpc_input(struct grpc *g, const uint8_t *at, size_t len, struct err *err) must_check;
/* What is to be sent next, valid until the next call of this function; 0: nothing. */
size_t grpc_output(struct grpc *g, const uint8_t **ret);

/* Asks for a sign of life; the answer counts as one more pong. */
void grpc_ping(struct grpc *g);
unsigned grpc_pongs(const struct grpc *g);
/* Has the other end said that it takes no more calls? *RET_CALM: because we ask too often. */
bool grpc_leaving(const struct grpc *g, bool *ret_calm);
/* Has the other end shown that it speaks HTTP/2? */
bool grpc_greeted(const struct grpc *g);
/* Is the connection of no more use, by what either end said? ERR says why. */
bool grpc_over(const struct grpc *g, struct err *err);
/* Calls that are under way. */
bool grpc_busy(const struct grpc *g);
