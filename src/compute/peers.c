/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BGPPeers to candidates (compat 4.4): forward on the nodes a peer is for, and reverse on the nodes
 * it points at, unless `reversePeering: Manual`.
 */
#include "compute/planner.h"

static void forward(struct planner *p, const struct resource *r, const struct bgppeer *peer);
static void forward_address(struct planner *p, const struct resource *r, const struct bgppeer *peer,
			    enum rank rank);
static void forward_host(struct planner *p, const struct resource *r, const struct host *m,
			 enum rank rank);
static void reverse(struct planner *p, const struct resource *r, const struct bgppeer *peer);

void peers_collect(struct planner *p)
{
	for (size_t i = 0; i < snapshot_count(p->snap, &kind_bgppeer); i++)
		peer_collect(p, snapshot_at(p->snap, &kind_bgppeer, i));
}

void peer_collect(struct planner *p, const struct resource *r)
{
	const struct bgppeer *peer = r->spec;

	if (!peer || peer->local_workload_selector)
		return; /* broken: what runs stays; workloads: not acted on yet */
	if (peer_on(peer, p->self))
		forward(p, r, peer);
	if (peer->reverse_peering != REVERSE_MANUAL)
		reverse(p, r, peer);
}

static void forward(struct planner *p, const struct resource *r, const struct bgppeer *peer)
{
	bool global = str_empty(peer->node) && !peer->node_selector;
	enum rank rank = global ? RANK_GLOBAL : RANK_NODE;

	if (ip_is_set(&peer->peer_ip.ip)) {
		forward_address(p, r, peer, rank);
	} else if (peer->peer_selector) {
		for (size_t i = 0; i < p->n_hosts; i++) {
			const struct host *m = &p->hosts[i];

			if (m != p->self &&
			    selector_match(peer->peer_selector, &m->resource->meta.labels))
				forward_host(p, r, m, rank);
		}
	}
}

static void forward_address(struct planner *p, const struct resource *r, const struct bgppeer *peer,
			    enum rank rank)
{
	struct endpoint remote = peer->peer_ip;
	const struct host *m = NULL;
	bool link_local = ip_is_link_local(&remote.ip);

	if (ip_eq(&remote.ip, host_address(p->self, remote.ip.family))) {
		problem_add(p, PROBLEM_SELF, str_empty(peer->node) ? DIAG_NOTE : DIAG_ERROR, r,
			    NULL,
			    "peerIP %s is this node's own address; it does not peer with itself",
			    ip_text(&remote.ip).s);
		return;
	}
	if (!link_local && !ip_is_set(host_address(p->self, remote.ip.family))) {
		problem_add(
			p, PROBLEM_NO_LOCAL_ADDRESS, DIAG_ERROR, r, NULL,
			"peerIP %s needs an IPv%d address in spec.bgp of node %s, and there is none",
			ip_text(&remote.ip).s, remote.ip.family, p->plan->node);
		return;
	}
	if (!link_local) {
		m = host_with(p, &remote.ip);
		if (m && !remote.port)
			remote.port = m->port;
	}
	candidate_add(p, &remote, m, r, rank);
}

/* Both families that both ends have. */
static void forward_host(struct planner *p, const struct resource *r, const struct host *m,
			 enum rank rank)
{
	bool any = false, remote_has = false;

	for (int family = 4; family <= 6; family += 2) {
		struct endpoint remote = { .ip = *host_address(m, family), .port = m->port };
		const struct ip *own = host_address(p->self, family);

		remote_has |= ip_is_set(&remote.ip);
		if (!ip_is_set(&remote.ip) || !ip_is_set(own))
			continue;
		any = true;
		if (ip_eq(&remote.ip, own))
			problem_add(p, PROBLEM_SELF, DIAG_ERROR, r, NULL,
				    "node %s has the same address %s as this node",
				    m->resource->meta.name, ip_text(own).s);
		else
			candidate_add(p, &remote, m, r, rank);
	}
	if (any)
		return;
	if (!remote_has)
		problem_add(p, PROBLEM_NO_REMOTE_ADDRESS, DIAG_ERROR, r, NULL,
			    "node %s has no address in spec.bgp to peer with",
			    m->resource->meta.name);
	else
		problem_add(p, PROBLEM_NO_LOCAL_ADDRESS, DIAG_ERROR, r, NULL,
			    "node %s and this node have no address of the same family in spec.bgp",
			    m->resource->meta.name);
}

static void reverse(struct planner *p, const struct resource *r, const struct bgppeer *peer)
{
	int only;

	if (!peer_points_at(peer, p->self, &only))
		return;
	for (size_t i = 0; i < p->n_hosts; i++) {
		const struct host *m = &p->hosts[i];

		if (m == p->self || !peer_on(peer, m))
			continue;
		for (int family = 4; family <= 6; family += 2) {
			struct endpoint remote = { .ip = *host_address(m, family),
						   .port = m->port };
			const struct ip *own = host_address(p->self, family);

			if ((only && family != only) || !ip_is_set(&remote.ip) || !ip_is_set(own) ||
			    ip_eq(&remote.ip, own))
				continue;
			candidate_add(p, &remote, m, r, RANK_REVERSE);
		}
	}
}
