/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node-to-node mesh: every node with every other that has an address of the family, but for
 * route reflectors. A pair that a BGPPeer also asks for has one session, the BGPPeer's.
 */
#include "compute/planner.h"

void mesh_collect(struct planner *p)
{
	for (size_t i = 0; i < p->n_hosts; i++) {
		const struct host *m = &p->hosts[i];

		if (!mesh_between(p, p->self, m))
			continue;
		for (int family = 4; family <= 6; family += 2) {
			struct endpoint remote = { .ip = *host_address(m, family),
						   .port = m->port };
			const struct ip *own = host_address(p->self, family);

			if (ip_is_set(&remote.ip) && ip_is_set(own) && !ip_eq(&remote.ip, own))
				candidate_add(p, &remote, m, NULL, RANK_MESH);
		}
	}
}
