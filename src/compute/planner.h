/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared inside compute/ only. A plan is made in two steps: who (candidates: which remote, asked for
 * by which resource, in which rank), then how (a peering for the winner of each neighbour).
 */
#pragma once

#include "compute/plan.h"

/* A Node as planning sees it. */
struct host {
	const struct resource *resource;
	struct ip address4, address6;
	uint32_t as;       /* its own, or the global one */
	uint16_t port;     /* its listenPort, or the global one; 0: 179 */
	struct ip cluster; /* routeReflectorClusterID */
};

enum rank { RANK_GLOBAL, RANK_NODE, RANK_REVERSE, RANK_MESH }; /* decisions.md 16 */

struct candidate {
	const char *name; /* of the peering: the identity */
	struct endpoint remote;
	const struct host *host;    /* the Node at the other end, NULL when it is none of ours */
	const struct resource *by;      /* the BGPPeer; NULL for the mesh */
	enum rank rank;
};

struct planner {
	const struct snapshot *snap;
	const struct facts *facts;
	struct arena *arena;  /* the plan's */
	struct arena scratch; /* what is needed while planning: hosts, candidates */
	struct plan *plan;
	const struct bgpconfiguration *config; /* "default"; never NULL */
	struct host *hosts;                /* nodes that decode, by name, as their configuration does */
	size_t n_hosts;
	const struct host **by_address;      /* sorted by address4, then the same by address6 */
	size_t n_address4, n_address6;
	size_t selected;  /* the node that the last selector meant: the next one often means a near one */
	unsigned n_asked; /* by address, without the index */
	const struct host *self;
	struct onlink *onlink;
	size_t n_onlink;
	bool hold; /* what BIRD runs for each session must stay */
	struct candidate *candidates;
	size_t n_candidates;
	struct peering *peerings; /* the plan's, while it grows */
	struct problem *problems;
	size_t n_problems;
};

/* hosts.c: the nodes, their AS numbers, ports and addresses. */
void hosts_make(struct planner *p, const char *self);
/* BGPConfiguration "node.NODE"; NULL. */
const struct resource *config_of(const struct planner *p, const char *node);
const struct host *host_find(const struct planner *p, const char *name);
const struct host *host_with(const struct planner *p, const struct ip *address);
const struct ip *host_address(const struct host *m, int family);

/* routes.c: where next hops are looked up besides BIRD's own routes. */
void routes_make(struct planner *p);

/* peers.c, mesh.c: who. */
void peers_collect(struct planner *p);
void mesh_collect(struct planner *p);
bool mesh_between(const struct planner *p, const struct host *a, const struct host *b);
/* Does PEER, seen from HOST, ask for sessions on it (forward)? */
bool peer_on(const struct bgppeer *peer, const struct host *m);
/* Do the resources make M plan a session of FAMILY to US? Both have an address of it. */
bool peer_plans(const struct planner *p, const struct host *m, const struct host *us, int family);

/* peering.c: how. */
void peerings_make(struct planner *p);

void candidate_add(struct planner *p, const struct endpoint *remote, const struct host *host,
		   const struct resource *by, enum rank rank);
/* BY NULL: about the node or the mesh. PEERING may be NULL. */
void problem_add(struct planner *p, enum problem_code code, enum diag_level level,
		 const struct resource *by, const char *peering, const char *format, ...)
	printf_like(6, 7);
const char *origin_of(const struct resource *by, struct arena *a);
