/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fate of every session of a node: the plan, the text that BIRD last accepted, what BIRD has and
 * what it refuses, joined by name and given to fate_of(). Pure. The rendering obeys it, the report
 * tells it.
 */
#pragma once

#include "compute/plan.h"
#include "render/conf.h"

struct refused_text { /* BIRD does not take this text of a session, whoever offers it */
	const char *name;
	struct digest text; /* conf_block_digest() */
	const char *words;  /* BIRD's */
};

struct fates_input {
	const struct plan *plan;
	const struct conf *last;  /* what BIRD last accepted; NULL: not known */
	const struct conf *fresh; /* the plan rendered as if nothing were refused; only asked for where
	                           * something is */
	const struct refused_text *refused; /* sorted by name */
	size_t n_refused;
	const char *const *has; /* sessions that BIRD has and LAST has not, sorted */
	size_t n_has;
	const char *const *up; /* sessions that LAST stops, and that are up, sorted */
	size_t n_up;
	const char *const *by_hand; /* sessions that a hand stopped, sorted */
	size_t n_by_hand;
	bool others; /* BIRD runs a text of ours that no file has: what is in it is not known */
};

struct session_fate {
	const char *name, *origin;         /* "bgppeer/tor-a" */
	const struct peering *peering;     /* NULL: no valid resource asks for it, a broken one has it */
	const struct conf_block *accepted; /* in LAST, and only valid with it: to render; NULL */
	struct fate fate;
	const char *words;                 /* of BIRD, where it refuses; NULL */
};

struct fates {
	struct session_fate *items; /* sorted by name: what is planned, and what broken resources have */
	size_t n;
	const char *lost;           /* the first that must stay and has no text: nothing may be applied */
	const char **stopped;       /* by a hand; they have no text, and a broken resource may ask for them */
	size_t n_stopped;
	const char **unknown;       /* what BIRD has, no text of ours says, and nobody asks for */
	size_t n_unknown;
};

/* In A, and in the plan: all but `accepted` outlives what else IN points to. */
struct fates *fates_decide(const struct fates_input *in, struct arena *a);
/* NULL when NAME is neither planned nor kept. */
const struct session_fate *fates_find(const struct fates *f, const char *name);
/* What there is to say beside the problems of the plan; in A. */
struct problem *fates_problems(const struct fates *f, struct arena *a, size_t *ret_n);
