/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who plans a session with whom, as any node can tell: what both ends must agree on (which of them
 * waits for the other) is decided from this alone.
 */
#include "compute/planner.h"

bool mesh_between(const struct planner *p, const struct host *a, const struct host *b)
{
	return p->config->mesh_enabled != NO && a != b && !ip_is_set(&a->cluster) &&
	       !ip_is_set(&b->cluster);
}

bool peer_on(const struct bgppeer *peer, const struct host *m)
{
	if (!str_empty(peer->node))
		return strcmp(peer->node, m->resource->meta.name) == 0;
	if (peer->node_selector)
		return selector_match(peer->node_selector, &m->resource->meta.labels);
	return true;
}

bool peer_points_at(const struct bgppeer *peer, const struct host *m, int *ret_family)
{
	const struct endpoint *e = &peer->peer_ip;

	*ret_family = e->ip.family;
	if (!e->ip.family)
		return peer->peer_selector &&
		       selector_match(peer->peer_selector, &m->resource->meta.labels);
	if (!ip_eq(&e->ip, host_address(m, e->ip.family)))
		return false;
	if (peer->as_number && peer->as_number != m->as)
		return false;
	return !e->port || (e->port == 179 ? 0 : e->port) == m->port;
}

bool peer_plans(const struct planner *p, const struct host *m, const struct host *us, int family)
{
	if (mesh_between(p, m, us))
		return true;
	for (size_t i = 0; i < snapshot_count(p->snap, &kind_bgppeer); i++) {
		const struct bgppeer *peer = snapshot_at(p->snap, &kind_bgppeer, i)->spec;
		const struct ip *address = peer ? &peer->peer_ip.ip : NULL;
		int only;

		if (!peer || peer->local_workload_selector ||
		    (ip_is_set(address) && address->family != family))
			continue;
		if (peer_points_at(peer, us, &only) && peer_on(peer, m))
			return true;
		if (peer->reverse_peering != REVERSE_MANUAL && peer_points_at(peer, m, &only) &&
		    peer_on(peer, us))
			return true;
	}
	return false;
}
