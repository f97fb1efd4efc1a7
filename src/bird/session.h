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
	const char *connect_delay; /* the same, of the wait between two attempts to connect */
	const char *hold_timer;  /* the same, of an Established session */
	bool graceful;           /* "Neighbor graceful restart active", or LL stale routes held */
	uint32_t imported, exported; /* routes, summed over channels */
};

/* All BGP protocols of an answer to `show protocols all ...`, in order. */
struct session *session_parse(const struct reply *r, struct arena *a, size_t *ret_n);
/* Milliseconds between two time stamps of BIRD (iso long, ms optional): LATER - EARLIER; false when
 * either is none. Used to bring `since` to UTC against `Current server time` (decisions.md 29). */
bool session_elapsed(const char *earlier, const char *later, int64_t *ret_ms);
/* Of a timer ("12.3/30"): what has passed of it, and all of it, in milliseconds; false when it is none. */
bool session_timer(const char *timer, int64_t *ret_passed, int64_t *ret_total);

/* How much the words of a cause weigh beside others (decisions.md 50). */
enum cause_class {
	CAUSE_SILENCE, /* BIRD has no words: it waits */
	CAUSE_TCP,     /* of one attempt to connect */
	CAUSE_ENDS,    /* what ends a session that was up */
	CAUSE_PASSES,  /* as that, but the session comes back by itself */
	CAUSE_KEEPS,   /* what keeps a session from coming up until somebody acts */
};
/* What is behind "Socket: Connection refused" etc.: a stable code ("PORT_CLOSED") and a sentence
 * that says what to look at. */
struct session_cause {
	const char *code, *words;
	enum cause_class class;
};
/* The cause that the words of BIRD's `Last error` name; false when they are none that we know (then
 * the class is CAUSE_KEEPS, and the rest is NULL). */
bool session_cause(const char *last_error, struct session_cause *ret);
/* The cause that the state alone tells, because much goes wrong in silence (bird2.md 5). False when
 * it is Established, or in a state that says nothing. */
bool session_silence(const struct session *s, struct session_cause *ret);
/* Is CODE one of session_silence()? NULL is none. */
bool session_code_is_silence(const char *code);
