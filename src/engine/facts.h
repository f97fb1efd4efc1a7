/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the machine knows: addresses and routes (rtnetlink), and secrets (files below
 * --secrets-dir). Level, not edge: news only says "look again".
 */
#pragma once

#include "base/poll.h"
#include "compute/plan.h"

struct facts_source;

/* SECRETS_DIR NULL: there are no secrets. Never fails: what cannot be read is said in the facts. */
struct facts_source *facts_open(const char *secrets_dir);
void facts_close(struct facts_source *s);
/* Reads what is new: netlink events, changes below the secrets folder (inotify). Re-reads the
 * secrets that are wanted. True when the facts differ from what they were. */
bool facts_run(struct facts_source *s);
void facts_wait(struct facts_source *s, struct poll *p);
/* The secrets to look after from now on. New ones are read before this returns, so that the plan that
 * asked for them has their passwords already. What facts_get() gave before is no longer valid. */
void facts_want(struct facts_source *s, const struct secret_ref *refs, size_t n);
/* Fills addresses, routes and secrets of F (nothing else); valid until the next facts_run(). Addresses
 * are sorted: the same machine gives the same facts. */
void facts_get(const struct facts_source *s, struct facts *f);
/* Another number when addresses are not what they were. 0: not read yet. */
unsigned facts_revision(const struct facts_source *s);
/* How often the kernel was asked: for tests of what news may cost. */
unsigned facts_reads(const struct facts_source *s);
