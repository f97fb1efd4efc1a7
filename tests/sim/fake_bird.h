/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BIRD 2.0.12 in miniature, on a real socket and the fake clock: what bird2.md 3 and 4 say it
 * answers, and how sessions take a new configuration. It runs one text at a time and remembers the
 * one before while an undo is scheduled. A script breaks it at will.
 */
#pragma once

#include "base/buf.h"
#include "base/poll.h"

#define FAKE_CLIENTS 16

enum fake_state { FAKE_DOWN, FAKE_START, FAKE_UP };

struct fake_session {
	char name[65];
	char *block;	       /* its text, without description and `disabled;` */
	char *description;
	char neighbor[64];
	enum fake_state state;
	bool rendered_down;    /* its text says `disabled;` */
	int64_t since;	       /* clock_ms() */
	int64_t up_at;	       /* when it comes up; 0: never */
	char info[80];	       /* while down: why; else the BGP state is shown */
	char last_error[80];
	char message[80];      /* "Message": BIRD keeps it when the session is up again */
	bool waits;	       /* for an answer of the remote, else before its next attempt */
	int64_t failed;	       /* when its last attempt ended */
	unsigned imported, unresolved; /* UNRESOLVED of them, with next hop 192.0.2.1 */
};

/* What happens at a command of the control connection, once. */
struct fake_hook {
	struct fake_hook *next;
	enum { HOOK_BEFORE, HOOK_AFTER, HOOK_INSTEAD } when;
	char *command; /* how it begins */
	char *step;    /* of the script; HOOK_INSTEAD: BIRD's answer */
};

struct fake_refusal {
	struct fake_refusal *next;
	char *pattern; /* a text that has this in a line... */
	char *words;   /* ...is refused with these words at that line */
	char *file;    /* NULL: of the file itself; else "FILE:LINE:COLUMN" of another one */
	bool late;     /* `configure check` does not notice */
};

struct fake_client {
	int fd;
	bool restricted, echo, armed;
	struct buf in, out;
};

struct fake {
	char *socket, *conf;
	int listener; /* -1: does not run */
	bool hangs;   /* takes connections (the kernel does), says nothing */
	bool deaf;    /* takes connections and greets, answers nothing */
	struct fake_client clients[FAKE_CLIENTS];

	char *text;	    /* what it runs; NULL: nothing */
	char *undo, *queued; /* what it ran before; what comes when this reconfiguration ends */
	int64_t undo_at, busy_until, slow_ms; /* slow: what the next reconfiguration takes */
	int64_t booted, configured;
	struct fake_session *sessions;
	size_t n_sessions;
	char mute[16][65]; /* sessions whose remote does not answer */
	size_t n_mute;

	struct fake_hook *hooks;
	void (*step)(void *ctx, const char *step);
	void *ctx;
	struct fake_refusal *refusals;

	unsigned checks, configures, questions; /* counted for the script */
	unsigned route_questions;
	bool overlapped;			/* configured while at another reconfiguration */
};

void fake_init(struct fake *f, const char *socket, const char *conf);
void fake_free(struct fake *f);
void fake_run(struct fake *f);
void fake_wait(struct fake *f, struct poll *p);

/* From now on it refuses nothing. */
void fake_accept(struct fake *f);
/* Reads its configuration file and listens; false when the file does not pass. */
bool fake_start(struct fake *f);
/* As by kill -9: the socket's file stays. */
void fake_die(struct fake *f);
/* `birdc configure` of PATH by somebody else; "" or what BIRD says against it. */
void fake_configure(struct fake *f, const char *path, int64_t timeout_s, struct buf *reply);
bool fake_alive(const struct fake *f);
struct fake_session *fake_find(const struct fake *f, const char *name);
void fake_session_down(struct fake_session *s, const char *info);
void fake_session_start(const struct fake *f, struct fake_session *s);
/* S went up or down (again); logged if the text says `debug protocols`. */
void fake_session_moved(struct fake *f, struct fake_session *s, bool up);
/* A line for the connections with `echo all`. */
void fake_echo(struct fake *f, const char *line);
