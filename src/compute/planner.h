/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared inside compute/ only. A plan is made in two steps: who (candidates: which remote, asked for
 * by which resource, in which rank), then how (a peering for the winner of each neighbour). The files
 * are a stack, from below: name, problem; hosts; pairs, candidate; peers, mesh; peering; broken;
 * plan, takeover.
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

enum rank { RANK_GLOBAL, RANK_NODE, RANK_REVERSE, RANK_MESH }; /* the first wins */

struct candidate {
	const char *name; /* of the peering: the identity */
	struct endpoint remote;
	const struct host *host;    /* the Node at the other end, NULL when it is none of ours */
	const struct resource *by;      /* the BGPPeer; NULL for the mesh */
	enum rank rank;
	int64_t born;               /* of BY; BORN_UNKNOWN when it says nothing */
};

struct planner {
	const struct snapshot *snap;
	const struct facts *facts;
	struct arena *arena;  /* the plan's */
	struct arena fabric;  /* what is needed while planning: hosts */
	struct arena scratch; /* and candidates */
	struct plan *plan;
	const struct bgpconfiguration *config; /* "default"; never NULL */
	struct host *hosts;                /* nodes that decode, by name, as their configuration does */
	size_t n_hosts;
	const struct host **by_address;      /* sorted by address4, then the same by address6 */
	size_t n_address4, n_address6;
	size_t selected;  /* the node that the last selector meant: the next one often means a near one */
	unsigned n_asked; /* by address, without the index */
	const struct host *self;
	const struct resource *aged; /* of the last candidate, and how old it is */
	int64_t born;
	struct onlink *onlink;
	size_t n_onlink;
	bool pools_unknown; /* a pool does not decode: what may be announced is not known */
	struct candidate *candidates;
	size_t n_candidates;
	struct peering *peerings; /* the plan's, while it grows */
	const char **broken; /* the plan's */
	struct problem *problems;
	size_t n_problems;
};

/* problem.c. BY NULL: about the node or the mesh. PEERING may be NULL. */
void problem_add(struct planner *p, enum problem_code code, enum diag_level level,
		 const struct resource *by, const char *peering, const char *format, ...)
	printf_like(6, 7);
/* The first error of a resource that does not decode, in words, and how many there are besides. */
const char *problem_mistake(const struct resource *r, struct arena *a);

/* hosts.c: the nodes, their AS numbers, ports and addresses. */
void hosts_make(struct planner *p);
const struct host *host_find(const struct planner *p, const char *name);
/* BGPConfiguration "node.NODE"; NULL. */
const struct resource *config_of(const struct planner *p, const char *node);
const struct host *host_with(const struct planner *p, const struct ip *address);
const struct ip *host_address(const struct host *m, int family);

/* pairs.c: which nodes plan sessions with each other. */
bool mesh_between(const struct planner *p, const struct host *a, const struct host *b);
/* Does PEER, seen from HOST, ask for sessions on it (forward)? */
bool peer_on(const struct bgppeer *peer, const struct host *m);
/* Is M a remote that PEER means: selected, or the owner of peerIP at that AS and port? *RET_FAMILY
 * is the only family it is meant for, 0 for any. */
bool peer_points_at(const struct bgppeer *peer, const struct host *m, int *ret_family);
/* Do the resources make M plan a session of FAMILY to US? Both have an address of it. */
bool peer_plans(const struct planner *p, const struct host *m, const struct host *us, int family);

/* routes.c: where next hops are looked up besides BIRD's own routes. */
void routes_make(struct planner *p);

/* candidate.c: who asks for what. */
void candidate_add(struct planner *p, const struct endpoint *remote, const struct host *host,
		   const struct resource *by, enum rank rank);
/* By neighbour; of one neighbour the first has the session (decisions.md 51). */
void candidates_sort(struct planner *p);

/* peers.c, mesh.c: the candidates of this node. */
void peers_collect(struct planner *p);
void peer_collect(struct planner *p, const struct resource *r); /* of one BGPPeer */
void mesh_collect(struct planner *p);

/* peering.c: how. */
void peerings_make(struct planner *p);

/* broken.c: what does not decode. Of this node, or so that nothing can be planned: true. */
bool broken_self(struct planner *p);
void broken_fabric(struct planner *p);  /* what others have, and what is for all */
void broken_filters(struct planner *p); /* that the sessions of this node name */
