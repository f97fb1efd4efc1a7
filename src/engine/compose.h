/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plan, sessions and problems joined by name into what a node says of itself. Pure: a function of
 * the facts; when it is written, and since when a problem is there, is the report's business.
 */
#pragma once

#include "compute/plan.h"
#include "engine/observer.h"
#include "render/fates.h"
#include "store/feed.h"

struct report_facts {
	uint64_t stamp; /* differs whenever anything below may have changed, SNAPSHOT aside */
	const struct snapshot *snapshot; /* the store's last word: what nodes there are */
	const struct plan *plan;        /* NULL: none yet */
	const struct observer *observer;
	const char *state, *message;    /* of the agent: "Applied", NULL */
	const char *conf_id;            /* of what BIRD runs; NULL */
	const char *store_identity;
	const struct feed_trouble *store_trouble; /* feed_incident() */
	const struct onlink *onlink;    /* settled */
	size_t n_onlink;
	const struct fates *fates;      /* of the plan's sessions; NULL: not known */
	const struct problem *problems; /* of the fates, beside the plan's */
	size_t n_problems;
	bool asked;                     /* has BIRD been looked at since it was connected to? */
};

/* All of it but observedAt and the times of problems; in A, and in what F points to. */
struct nodestatus compose_status(const struct report_facts *f, struct arena *a);
