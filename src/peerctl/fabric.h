/* SPDX-License-Identifier: Apache-2.0 */
/* What all agents reported, joined with what the store wants: for status. */
#pragma once

#include "peerctl/plan.h"

#define FABRIC_STALE_S 180 /* decisions.md 27 */

struct fabric_session {
	const char *node;
	const struct status_session *session;
	const char *reason; /* why it is not what is wanted; NULL */
	bool stale;         /* the report is old */
};

struct fabric_node {
	const char *name;
	const struct nodestatus *status; /* NULL: no agent has reported */
	bool stale;
};

struct fabric {
	const struct snapshot *snap;
	struct fabric_session *sessions; /* by resource, node, peer */
	size_t n_sessions, n_established;
	struct fabric_node *nodes;       /* by name */
	size_t n_nodes;
	struct problems problems;
	struct arena *arena;
	int64_t now; /* clock_wall() */
};

/* Of SNAP (which has all stored kinds): ONLY->kind BGPPeer or Node and its name, or all. */
void fabric_make(struct fabric *f, const struct snapshot *snap, const struct target *only,
		 struct arena *a);
/* Sentences on what is not in the rows. */
void fabric_sentences(struct fabric *f, const struct target *only, struct buf *out);
struct value fabric_document(const struct fabric *f);
