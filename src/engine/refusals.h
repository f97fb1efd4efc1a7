/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What BIRD refused, and why (decisions.md 8). A refused peering keeps the text BIRD last accepted
 * for it until its own new text changes; the rest of the configuration goes live. One bad peer
 * neither freezes the others nor loses a session that was up.
 */
#pragma once

#include "compute/plan.h"
#include "render/conf.h"

struct refusals;

struct refusals *refusals_open(void);
void refusals_close(struct refusals *r);
/* BIRD does not take LINE of CONF: holds the peering it belongs to, or all that use the shared part
 * (a filter, a line of the session template) it belongs to. False when it belongs to nobody that
 * could be held alone (base part, operator's include), or to such as are held already. */
bool refusals_add(struct refusals *r, const struct conf *conf, unsigned line, const char *words);
/* Forgets those whose text in FRESH (rendered as if nothing were refused) is no longer the one that
 * was refused. */
void refusals_review(struct refusals *r, const struct conf *fresh);
/* The names that are held, sorted. */
const char *const *refusals_held(const struct refusals *r, size_t *ret_n);
/* BIRD's words about NAME; NULL when it is not held. */
const char *refusals_words(const struct refusals *r, const char *name);
