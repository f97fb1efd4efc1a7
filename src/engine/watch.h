/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What BIRD says of itself, on a restricted connection of its own: which text it runs, and its
 * sessions with their history. Looks every second while anything moves, every ten at rest, and at
 * once when BIRD logs something about a session (`echo all`).
 */
#pragma once

#include "base/poll.h"
#include "bird/session.h"

struct watch;

/* What is remembered of one session beyond what BIRD tells. */
struct history {
	char name[65];
	enum session_state state;
	bool was_established;    /* at some time */
	uint32_t flaps;          /* times it left Established */
	int64_t since;           /* wall clock, UTC; 0: unknown */
	int64_t began;           /* the same by clock_ms(), which nobody sets; 0: in another life */
	char first_error[160];   /* the first after leaving Established; "" */
	unsigned look;           /* the last look that saw it */
};

struct watch *watch_open(const char *socket_path);
void watch_close(struct watch *w);
void watch_run(struct watch *w);
void watch_wait(struct watch *w, struct poll *p);
/* Look as soon as may be, and every second for the next SECONDS. */
void watch_hurry(struct watch *w, int64_t seconds);

/* What BIRD runs has just been changed: what was seen so far no longer counts. */
void watch_again(struct watch *w);
/* Has there been a look since? */
bool watch_current(const struct watch *w);

/* Grows with every complete look; 0 before the first of this connection. */
unsigned watch_looks(const struct watch *w);
/* The id of what BIRD runs; NULL when it runs something that is not ours. Ask only after a look. */
const char *watch_runs(const struct watch *w);
/* Does a configuration wait for its confirmation? */
bool watch_unconfirmed(const struct watch *w);
const struct session *watch_sessions(const struct watch *w, size_t *ret_n);
const struct history *watch_history(const struct watch *w, const char *name);
/* What an earlier life of this program knew. */
void watch_remember(struct watch *w, const struct history *h);
const char *watch_version(const struct watch *w);   /* of BIRD; NULL */
const char *watch_router_id(const struct watch *w); /* NULL */
/* Why BIRD cannot be asked; NULL while it can, and before the first attempt has ended. */
const char *watch_trouble(const struct watch *w);
