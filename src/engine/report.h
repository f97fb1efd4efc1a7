/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NodeStatus of this node (compose.h), written to the store when schedule.h says so: soon after a
 * change of what it says, and at intervals so that readers can tell a living agent from a dead one
 * (decisions.md 27, 49). Only this writes that object.
 */
#pragma once

#include "engine/compose.h"
#include "store/feed.h"

struct report;
struct links;

struct report *report_open(const char *node);
void report_close(struct report *r, struct store *st); /* ST: as report_begin() had it; NULL: closed */
/* Reads the status an earlier life wrote; report_ready() when that is done or cannot be. */
void report_begin(struct report *r, struct store *st);
bool report_ready(const struct report *r);
/* What it said, for the observer (history) and the links; only once, after report_ready(). */
void report_recall(struct report *r, struct observer *observer, struct links *l);

/* Composes the status and writes it to ST when it is due; MAY_WRITE false: only remembers. */
void report_run(struct report *r, struct store *st, const struct report_facts *f, bool may_write);
void report_wait(const struct report *r, struct poll *p);
/* The store was closed: what was under way is lost. */
void report_forget(struct report *r);
