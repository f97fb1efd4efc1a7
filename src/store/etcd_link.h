/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to whichever member of an etcd cluster answers: endpoints are found (by SRV records if
 * that is asked for) and tried in turn, a user's token is got and renewed, and a member that is
 * silent is asked for a sign of life and left when none comes. Calls go through it as through
 * store/grpc.h; all of them end when the connection does.
 */
#pragma once

#include "base/poll.h"
#include "store/etcd_config.h"
#include "store/grpc.h"

#define ETCD_SILENCE_MS 6000 /* of the member, before it is asked; etcd bears one ping in 5 s */
#define ETCD_PONG_MS	4000 /* for the answer */

struct etcd_link;

/* CONFIG must outlive it. Connects, and reads certificates, when it is run. */
struct etcd_link *etcd_link_open(const struct etcd_config *config);
void etcd_link_close(struct etcd_link *l); /* NULL is fine; calls under way are done */
void etcd_link_run(struct etcd_link *l);
void etcd_link_wait(const struct etcd_link *l, struct poll *p);

/* Can a call be started? */
bool etcd_link_ready(struct etcd_link *l);
/* Can a call be started that does no harm if it is lost? It is sent together with our greeting, which saves
 * waiting for the member's. If the member never greets, the call ends with `unheard` set, and the link
 * tries the next member, or says what is wrong. */
bool etcd_link_early(const struct etcd_link *l);
/* NULL, or why no member can be used: all have been tried. Nothing more is tried then. */
const struct err *etcd_link_err(const struct etcd_link *l);
/* Goes through all members once more. */
void etcd_link_retry(struct etcd_link *l);
/* "https://a:2379": the member that is or was used, for messages. */
const char *etcd_link_endpoint(const struct etcd_link *l);
const char *etcd_link_user(const struct etcd_link *l); /* NULL: none was given */

/* As grpc_start() and grpc_cancel(). If the connection was lost since the link was asked whether it is ready,
 * the call fails at once. */
void etcd_link_start(struct etcd_link *l, struct grpc_call *call, const struct buf *message, bool last);
void etcd_link_cancel(struct etcd_link *l, struct grpc_call *call);

/* This member is of no use (it has no leader, it does not answer): go on with the next one. */
void etcd_link_leave(struct etcd_link *l, const char *why);
/* CALL was refused: because of its token? Then a new one is got, and the call may be tried again. */
bool etcd_link_renew(struct etcd_link *l, const struct grpc_call *call);
