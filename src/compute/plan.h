/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of one node: which sessions it must have, and what could not be planned. Pure and
 * total: no I/O, no clock, no failure. A plan points into the snapshot it was made from, which must
 * be kept as long.
 *
 * Words: a *peering* is wanted, a *session* is observed, a *peer* is the resource, the *remote* is
 * the other end, the *node* is ours.
 */
#pragma once

#include "compute/fate.h"
#include "compute/name.h"
#include "compute/problem.h"
#include "model/kinds/specs.h"
#include "model/snapshot.h"

/* ---- facts: what only the machine knows ---- */

struct onlink { /* an address on an interface of this machine */
	const char *interface;
	struct cidr address; /* host bits kept */
	struct ip peer;      /* IFA_ADDRESS of a point-to-point link; unset otherwise */
};

struct facts_route { /* one way of a kernel route that BIRD does not take (decisions.md 47) */
	struct cidr prefix;
	struct ip gateway; /* on the link, whatever its address; unset: the prefix itself is */
	const char *interface;
};

enum secret_state {
	SECRET_ABSENT,     /* there is none (or it is empty) */
	SECRET_READABLE,
	SECRET_UNREADABLE, /* it may be there, but cannot be read just now */
};
struct secret_fact {
	const char *name, *key;
	enum secret_state state;
	const char *value; /* SECRET_READABLE; bytes may be anything but NUL */
	size_t len;        /* strlen(value), or more when there was a NUL */
	const char *why;   /* the rest: in words */
};

struct facts {
	const struct onlink *onlink; /* those with a prefix or another end: no host addresses */
	size_t n_onlink;
	bool onlink_known; /* false: taken from the Node's addresses and prefix lengths. The engine
	                    * keeps an address for a while after it went, so that a link that flaps
	                    * bounces no session (decisions.md 18) */
	const struct ip *local; /* where onlink_known: all addresses of this machine, those of hosts (/32)
	                         * and of lo too; as they are now. Sorted */
	size_t n_local;
	const struct facts_route *routes; /* ways of one prefix stand together */
	size_t n_routes, n_routes_left;   /* LEFT: routes that were too many */
	const struct secret_fact *secrets; /* sorted by name and key, as plan_secrets() gives them */
	size_t n_secrets;
	bool secrets_known;    /* false: Secrets of the snapshot are used */
	const struct ip *missing;    /* of plan_addresses(): those that are not this machine's */
	size_t n_missing;
	const char *router_id; /* CALICO_ROUTER_ID: an address or "hash"; NULL: the Node's IPv4 */
	int64_t now; /* seconds since 1970; an object that says it was made later says nothing. 0: no clock */
};

/* ---- peerings ---- */

enum bfd_mode { BFD_OFF, BFD_ON, BFD_GRACEFUL };

struct peering {
	const char *name;           /* of the BIRD protocol: from the neighbour, decisions.md 15 */
	const char *origin;         /* "bgppeer/tor-a" or "mesh" */
	const char *origin_version; /* opaque; NULL for the mesh */
	const char *remote_node;    /* the Node at the other end, NULL when it is not ours */
	struct endpoint remote;
	uint32_t remote_as, local_as;
	struct ip source;           /* unset: sourceAddress None */
	bool source_missing;        /* no interface of the machine has it */
	uint16_t local_port;        /* 0: 179 */
	bool strict_bind;
	bool passive;
	bool direct;                /* else multihop */
	bool on_link;               /* of the remote, by the facts */
	enum bfd_mode bfd;
	bool llgr;                  /* LongLivedGracefulRestart, else GracefulRestart */
	struct opt_u32 restart_time; /* seconds; unset: BIRD's defaults */
	bool gateway_onlink;        /* DirectIfDirectlyConnected and on-link: next hop if on-link, else peer */
	bool reflector;             /* this node reflects routes, and the session is iBGP */
	bool rr_client;
	struct ip cluster_id;
	const char *password;       /* NULL: none */
	const char *asks;           /* for its protection, by name: see fate.h */
	enum problem_code fault;    /* why no text can be made of it: a problem of the plan says more;
	                             * PROBLEM_NONE: it can start */
	bool down;                  /* a field of its resource says that it must not run */
	struct strmap extensions;   /* valid values only: the BGPPeer's over BGPConfiguration's */
	const struct resource *const *filters; /* BGPFilters, in order */
	size_t n_filters;
};

struct plan_pool { /* what may be announced */
	struct cidr cidr;
	bool export; /* false: disableBGPExport */
};

struct plan {
	const char *node;
	bool known;           /* false: there is no such Node, or it or the BGPConfiguration that all
	                       * rests on does not decode: never applied (decisions.md 7) */
	struct ip router_id;
	struct ip address4, address6; /* of this node; unset where it has none */
	uint32_t as;          /* of this node */
	const struct peering *peerings; /* sorted by name */
	size_t n_peerings;
	const struct problem *problems; /* sorted by origin, code, peering */
	size_t n_problems;
	const struct plan_pool *pools; /* sorted */
	size_t n_pools;
	const struct ip *missing; /* of the addresses: not the machine's, by the facts */
	size_t n_missing;
	const char *const *ignored_interfaces;
	size_t n_ignored_interfaces;
	unsigned log_severity; /* enum log_severity */
	const struct cidr *onlink; /* networks of the facts, sorted, without doubles: for the gateway emulation */
	size_t n_onlink;
	const struct facts_route *routes; /* of the facts, as far as BIRD can be told of them */
	size_t n_routes;
	/* Resources that are there but do not decode ("bgppeer/x", "node/n2"): what BIRD runs because
	 * of them, or towards them, stays. Sorted. */
	const char *const *broken;
	size_t n_broken;
};

/* The peerings of NODE in SNAP. Never fails: see plan->problems. */
const struct plan *plan_compute(const struct snapshot *snap, const char *node,
				const struct facts *facts, struct arena *a);

/* The secrets that the peers of SNAP name, sorted by name and key, without doubles: what the agent
 * has to read. */
struct secret_ref *plan_secrets(const struct snapshot *snap, struct arena *a, size_t *ret_n);

/* The addresses of NODE that its sessions may have as their source, at most two: what the agent has to
 * look for on the machine. */
size_t plan_addresses(const struct snapshot *snap, const char *node, struct ip ret[2]);

/* Problems of the whole fabric that belong to no single node ("selects no node", "no Node named
 * X", an object that does not decode): what apply, plan and status say (decisions.md 31). */
const struct problem *plan_global_problems(const struct snapshot *snap, struct arena *a, size_t *ret_n);

/* The sessions that a BGPPeer of AFTER gets from another one, which has them in BEFORE and asks for them
 * still. On NODE, NULL: on all nodes. FACTS: the clock. */
const struct problem *plan_takeovers(const struct snapshot *before, const struct snapshot *after,
				     const char *node, const struct facts *facts, struct arena *a,
				     size_t *ret_n);

/* What an extension may put into a session template: 1 to 64 of A-Z a-z 0-9 _ . : - */
bool extension_value_valid(const char *text);

/* What a problem LESS_THAN_ASKED says, where what runs has less than P asks for. */
const char *plan_less_text(const struct peering *p, struct arena *a);
/* The peering NAME; NULL. */
const struct peering *plan_find(const struct plan *p, const char *name);
static inline bool peering_ibgp(const struct peering *p)
{
	return p->local_as == p->remote_as;
}

/* ---- what a change costs (bird2.md 3) ---- */

enum effect { EFFECT_NONE, EFFECT_SOFT, EFFECT_RELOAD, EFFECT_RESTART, EFFECT_ADDED, EFFECT_REMOVED };
extern const char *const effect_names[];

struct plan_change {
	const char *name;
	const struct peering *before, *after; /* NULL where it was or is not there */
	enum effect effect;
	const char *why; /* "password, multihop"; NULL for added, removed and none */
	struct fate fate; /* of AFTER, as far as the two plans tell: whether BIRD ran BEFORE is not known */
};
/* Would both plans become the same text, and the same status? */
bool plan_same(const struct plan *a, const struct plan *b);
/* One per name of either plan, sorted by name. BEFORE NULL: everything is added. */
struct plan_change *plan_diff(const struct plan *before, const struct plan *after, struct arena *a,
			      size_t *ret_n);
