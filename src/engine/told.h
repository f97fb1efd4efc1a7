/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log has: each problem, and each trouble with the store, is logged when it comes up, and again
 * only after it was gone.
 */
#pragma once

#include "compute/problem.h"
#include "store/feed.h"

struct told {
	const char **keys, **next; /* of the last round, sorted; of this one */
	size_t n, n_next;
	struct arena arena, next_arena;
};

void told_free(struct told *t);
/* A round: all problems that there are now, in any number of calls between begin and end. */
void told_begin(struct told *t);
void told_problems(struct told *t, const struct problem *problems, size_t n);
void told_end(struct told *t);

struct told_store {
	struct feed_trouble trouble; /* as it was said last; number 0: none */
	unsigned kinds;		     /* 1u << enum err_kind, of that one */
};

/* NOW: feed_incident(). Each once, also what began and ended between two calls; and again when its
 * reason is of another kind, for then somebody else has to act. True when there was something to say. */
bool told_store(struct told_store *t, const struct feed_trouble *now);
