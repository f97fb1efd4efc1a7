/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes whose next hop BIRD does not resolve (decisions.md 47): their sessions are Established, and
 * nothing else says that they lead nowhere. Asked on a restricted connection that is there only for a
 * round of questions, and seldom: BIRD looks at each of its routes for it (100,000: 11 ms).
 */
#pragma once

#include "base/poll.h"
#include "compute/plan.h"

struct unresolved;

struct unresolved *unresolved_open(const char *socket_path);
void unresolved_close(struct unresolved *u);
/* BIRD was looked at, and its sessions have IMPORTED routes: begins a round if one is due. */
void unresolved_look(struct unresolved *u, uint64_t imported);
/* What BIRD runs has changed, so that the last answer may be wrong. */
void unresolved_again(struct unresolved *u);
/* BIRD is away. */
void unresolved_forget(struct unresolved *u);
void unresolved_run(struct unresolved *u);
void unresolved_wait(const struct unresolved *u, struct poll *p);
/* Another number when unresolved_problems() has something else to say. */
unsigned unresolved_revision(const struct unresolved *u);
/* Adds to the N problems at *PROBLEMS, all in A: one for each next hop and session, at most 8. */
void unresolved_problems(const struct unresolved *u, const struct plan *plan, struct arena *a,
			 struct problem **problems, size_t *n);
