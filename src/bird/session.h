/* SPDX-License-Identifier: Apache-2.0 */
/* `show protocols all` to sessions, and why one is not Established. Field names are BIRD's. */
#pragma once

#include "base/arena.h"
#include "bird/reply.h"

enum session_state {
	SESSION_UNKNOWN,
	SESSION_IDLE,
	SESSION_CONNECT,
	SESSION_ACTIVE,
	SESSION_OPENSENT,
	SESSION_OPENCONFIRM,
	SESSION_ESTABLISHED,
	SESSION_CLOSE,
	SESSION_PASSIVE,
	SESSION_DOWN,
	SESSION_COUNT
};
extern const char *const session_names[SESSION_COUNT + 1];

enum proto_state {
	PROTO_UNKNOWN,
	PROTO_DOWN,
	PROTO_START,
	PROTO_UP,
	PROTO_STOP,
	PROTO_FLUSH,
	PROTO_COUNT
};
/* BIRD's words; outside of session.c for tests only. */
extern const char *const proto_names[PROTO_COUNT + 1];

struct session {
	const char *name;
	const char *proto;       /* "BGP" */
	enum proto_state up;     /* state of the protocol */
	enum session_state state; /* BGP state */
	const char *since;       /* as BIRD wrote it: "2026-08-01 10:00:00.123" in its own time zone */
	const char *info;        /* column Info, "" when empty */
	const char *description;
	const char *message;     /* RFC 8203 text, NULL */
	const char *last_error;  /* "Socket: Connection refused", NULL */
	const char *neighbor;    /* address text */
	uint32_t neighbor_as, local_as;
	const char *source;      /* address text, NULL */
	const char *error_wait;  /* "12.3/30", NULL */
	bool graceful;           /* "Neighbor graceful restart active", or LL stale routes held */
	uint32_t imported, exported; /* routes, summed over channels */
};

/* All BGP protocols of an answer to `show protocols all ...`, in order. */
struct session *session_parse(const struct reply *r, struct arena *a, size_t *ret_n);
/* Milliseconds between two time stamps of BIRD (iso long, ms optional): LATER - EARLIER; false when
 * either is none. Used to bring `since` to UTC against `Current server time` (decisions.md 29). */
bool session_elapsed(const char *earlier, const char *later, int64_t *ret_ms);
/* The cause behind "Socket: Connection refused" etc. as a stable code ("PORT_CLOSED") and a
 * sentence that says what to look at; false when TEXT says nothing we know. */
struct session_cause {
	const char *code, *words;
};
bool session_cause(const char *last_error, struct session_cause *ret);
/* The cause of a session that is not Established: that of its last error, else that of its state,
 * because much goes wrong in silence (bird2.md 5). False when it is Established, or in a state that
 * says nothing. */
bool session_silence(const struct session *s, struct session_cause *ret);
