/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What BIRD says of itself, on a restricted connection of its own: which text it runs, and its
 * sessions with their history. Looks every second while anything moves, every ten at rest, and at
 * once when BIRD logs something about a session (`echo all`).
 */
#pragma once

#include "base/poll.h"
#include "bird/history.h"
#include "render/conf.h"

struct observer;

struct observer *observer_open(const char *socket_path);
void observer_close(struct observer *o);
void observer_run(struct observer *o);
void observer_wait(struct observer *o, struct poll *p);
/* Look as soon as may be, and every second for the next SECONDS. */
void observer_hurry(struct observer *o, int64_t seconds);

/* What BIRD runs has just been changed: what was seen so far no longer counts. */
void observer_again(struct observer *o);
/* Has there been a look since? */
bool observer_current(const struct observer *o);

/* Grows with every complete look; 0 before the first of this connection. */
unsigned observer_looks(const struct observer *o);
/* The id of what BIRD runs; NULL when it runs something that is not ours. Ask only after a look. */
const char *observer_runs(const struct observer *o);
/* Does a configuration wait for its confirmation? */
bool observer_unconfirmed(const struct observer *o);
/* As last looked at, in BIRD's order; none while BIRD is away. Valid until the next observer_run(). */
const struct session *observer_sessions(const struct observer *o, size_t *ret_n);
/* NULL: none. As long valid as the sessions. */
const struct history *observer_history(const struct observer *o, const char *name);
/* What an earlier life of this program knew; H is copied. */
void observer_remember(struct observer *o, const struct history *h);
/* Grows when another BIRD answers than before, or the same after its connection was lost. */
unsigned observer_life(const struct observer *o);
/* Did anything take the last connection? False: BIRD is not running. */
bool observer_listens(const struct observer *o);
/* What BIRD is to run from now on. A session that is not in it, and that BIRD is not seen to have,
 * has no history any more: made again it is another one. */
void observer_want(struct observer *o, const struct conf *c);
/* Where it was not running: is it by now? */
bool observer_knock(struct observer *o);
const char *observer_version(const struct observer *o);   /* of BIRD; NULL */
const char *observer_router_id(const struct observer *o); /* NULL */
/* Why BIRD cannot be asked; NULL while it can, and before the first attempt has ended. */
const char *observer_trouble(const struct observer *o);
