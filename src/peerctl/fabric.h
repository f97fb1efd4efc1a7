/* SPDX-License-Identifier: Apache-2.0 */
/* What all agents reported, joined with what the store wants: for status. */
#pragma once

#include "peerctl/plan.h"

struct fabric_session {
	const char *node;
	const struct status_session *session;
	const char *reason; /* why it is not what is wanted; NULL */
	bool stale, orphan; /* as of the node: what was reported is not counted as it is now */
	const char *seen;   /* when it was reported */
};

struct fabric_node {
	const char *name;
	const struct nodestatus *status; /* NULL: no agent has reported */
	bool stale;  /* its report is older than it is good for (decisions.md 49) */
	bool orphan; /* there is a report, but no Node of that name */
};

struct fabric {
	const struct snapshot *snap;
	struct fabric_session *sessions; /* by resource, node, peer */
	size_t n_sessions, n_established, n_down, n_stale, n_orphans; /* the first is the sum */
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
/* "6 sessions, 4 established, 0 down, 2 stale" */
void fabric_summary(const struct fabric *f, struct buf *out);
/* What S is now, as far as that can be known. */
const char *fabric_state(const struct fabric_session *s);
struct value fabric_document(const struct fabric *f);
