/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On-link prefixes with patience (decisions.md 18, bird2.md 2.6): whether a session is single hop
 * hangs on them, and a change of that always restarts it. So an address that went is kept for a
 * while (a link that flaps, an interface that is being reconfigured), and after a restart of
 * this program the prefixes of its last status count as such. A new address counts when it has
 * been there for some seconds, at once when nothing was planned yet.
 */
#pragma once

#include "base/poll.h"
#include "compute/plan.h"

struct links;

#define LINKS_KEEP_MS   60000 /* an address that went */
#define LINKS_SETTLE_MS 3000  /* an address that came */

struct links *links_open(void);
void links_close(struct links *l);
/* What an earlier life of this program knew. links_see() then takes it into account. */
void links_remember(struct links *l, const struct onlink *o);
/* What there is now, in the order of facts_get(); another REVISION than the last time says that it
 * may differ, the same costs nothing. True when what links_get() gives has changed. */
bool links_see(struct links *l, unsigned revision, const struct onlink *now, size_t n);
/* How many addresses were compared so far: for tests of what it may cost. */
size_t links_compared(const struct links *l);
void links_wait(const struct links *l, struct poll *p);
/* Sorted; valid until the next links_see(). */
const struct onlink *links_get(const struct links *l, size_t *ret_n);
