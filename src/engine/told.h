/* SPDX-License-Identifier: Apache-2.0 */
/* Which problems the log has: each is logged when it comes up, and again only after it was gone. */
#pragma once

#include "compute/problem.h"

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
