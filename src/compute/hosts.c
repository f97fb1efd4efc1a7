/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes of the fabric as planning sees them. Addresses are compared as addresses, never as text
 * (compat Q23).
 */
#include <stdio.h>

#include "base/base.h"
#include "compute/planner.h"

#define ASKED_OFTEN 8

static int by_address4(const void *a, const void *b);
static int by_address6(const void *a, const void *b);

void hosts_make(struct planner *p)
{
	size_t n = snapshot_count(p->snap, &kind_node);
	uint32_t global_as = p->config->as_number ? p->config->as_number : 64512;
	/* Nearly no fabric has node.NAME configurations: look for them only when there are any. */
	bool own_ports = snapshot_count(p->snap, &kind_bgpconfiguration) >
			 (snapshot_find(p->snap, &kind_bgpconfiguration, "default") ? 1 : 0);

	p->hosts = arena_array(&p->fabric, struct host, n);
	for (size_t i = 0; i < n; i++) {
		const struct resource *r = snapshot_at(p->snap, &kind_node, i);
		const struct node *node = r->spec;
		const struct resource *own = own_ports ? config_of(p, r->meta.name) : NULL;
		struct host *m = &p->hosts[p->n_hosts];

		if (!node || (own && resource_broken(own)))
			continue;
		p->n_hosts++;
		m->resource = r;
		m->as = global_as;
		m->port = own ? resource_spec(own, bgpconfiguration)->listen_port : 0;
		if (!m->port)
			m->port = p->config->listen_port;
		if (m->port == 179)
			m->port = 0;
		if (node->bgp) {
			m->address4 = node->bgp->ipv4_address.ip;
			m->address6 = node->bgp->ipv6_address.ip;
			m->cluster = node->bgp->route_reflector_cluster_id;
			if (node->bgp->as_number)
				m->as = node->bgp->as_number;
		}
	}
}

const struct resource *config_of(const struct planner *p, const char *node)
{
	char name[5 + 253 + 1];

	snprintf(name, sizeof name, "node.%.253s", node);
	return snapshot_find(p->snap, &kind_bgpconfiguration, name);
}

const struct host *host_find(const struct planner *p, const char *name)
{
	size_t low = 0, high = p->n_hosts;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(p->hosts[mid].resource->meta.name, name);

		if (!order)
			return &p->hosts[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* An index is made for those who ask often: most nodes have few peers that are addresses. */
const struct host *host_with(const struct planner *p, const struct ip *address)
{
	struct planner *memo = (struct planner *)(uintptr_t)p;
	size_t low = 0, high;
	const struct host **index;

	if (p->n_asked < ASKED_OFTEN) {
		memo->n_asked++;
		for (size_t i = 0; i < p->n_hosts; i++)
			if (ip_eq(host_address(&p->hosts[i], address->family), address))
				return &p->hosts[i];
		return NULL;
	}
	if (!p->by_address) {
		memo->by_address =
			arena_array(&memo->fabric, const struct host *, 2 * p->n_hosts + 1);
		for (size_t i = 0; i < p->n_hosts; i++)
			if (ip_is_set(&p->hosts[i].address4))
				memo->by_address[memo->n_address4++] = &p->hosts[i];
		index = memo->by_address + memo->n_address4;
		for (size_t i = 0; i < p->n_hosts; i++)
			if (ip_is_set(&p->hosts[i].address6))
				index[memo->n_address6++] = &p->hosts[i];
		qsort(memo->by_address, p->n_address4, sizeof *index, by_address4);
		qsort(index, p->n_address6, sizeof *index, by_address6);
	}
	index = p->by_address + (address->family == 6 ? p->n_address4 : 0);
	high = address->family == 6 ? p->n_address6 : p->n_address4;
	while (low < high) { /* the first of equals: the one with the lowest name */
		size_t mid = low + (high - low) / 2;

		if (ip_cmp(host_address(index[mid], address->family), address) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	high = address->family == 6 ? p->n_address6 : p->n_address4;
	if (low < high && ip_eq(host_address(index[low], address->family), address))
		return index[low];
	return NULL;
}

const struct ip *host_address(const struct host *m, int family)
{
	return family == 6 ? &m->address6 : &m->address4;
}

static int by_address4(const void *a, const void *b)
{
	const struct host *x = *(const struct host *const *)a, *y = *(const struct host *const *)b;
	int order = ip_cmp(&x->address4, &y->address4);

	return order ? order : x < y ? -1 : x > y;
}

static int by_address6(const void *a, const void *b)
{
	const struct host *x = *(const struct host *const *)a, *y = *(const struct host *const *)b;
	int order = ip_cmp(&x->address6, &y->address6);

	return order ? order : x < y ? -1 : x > y;
}
