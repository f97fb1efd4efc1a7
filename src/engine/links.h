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
/* What an earlier life of this program knew; before the first links_see(). */
void links_remember(struct links *l, const struct onlink *o);
/* What there is now. True when what links_get() gives has changed. */
bool links_see(struct links *l, const struct onlink *now, size_t n);
void links_wait(const struct links *l, struct poll *p);
/* Sorted; valid until the next links_see(). */
const struct onlink *links_get(const struct links *l, size_t *ret_n);
