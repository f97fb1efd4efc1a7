/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with the fabric as a whole: objects that do not decode, peers that mean no node
 * (decisions.md 31). A node's own plan cannot say it, since it is about no node.
 */
#include "base/text.h"
#include "compute/planner.h"

static enum problem_code code_of(const struct diag *d);
static void peer_problems(struct planner *p, const struct resource *r, const struct bgppeer *peer);
static bool selected(struct planner *p, const struct selector *s);
static void node_problems(struct planner *p);
static int owner_cmp(const void *a, const void *b);

struct owner { /* of an address */
	struct ip address;
	const struct resource *node;
};

const struct problem *plan_global_problems(const struct snapshot *snap, struct arena *a,
					   size_t *ret_n)
{
	struct planner p = { .snap = snap, .arena = a };

	p.plan = arena_new(a, struct plan);
	for (int k = 0; k < KIND_COUNT; k++)
		for (size_t i = 0; i < snapshot_count(snap, kinds[k]); i++) {
			const struct resource *r = snapshot_at(snap, kinds[k], i);

			for (size_t j = 0; j < r->n_complaints; j++) {
				const struct diag *d = &r->complaints[j];

				if (d->level == DIAG_NOTE ||
				    (resource_broken(r) && d->level != DIAG_ERROR))
					continue;
				problem_add(&p, code_of(d), d->level, r, NULL, "%s%s%s",
					    d->field ? d->field : "", d->field ? ": " : "",
					    d->text);
				p.problems[p.n_problems - 1].told = d->file;
			}
			if (!resource_broken(r) && r->kind == &kind_bgppeer)
				peer_problems(&p, r, r->spec);
		}
	node_problems(&p);
	*ret_n = p.n_problems;
	return p.problems;
}

/* What the model says to one object is a problem like all others. */
static enum problem_code code_of(const struct diag *d)
{
	return d->level == DIAG_ERROR ?
		       PROBLEM_INVALID :
		       (enum problem_code)name_find(problem_names, d->code, PROBLEM_WARNING);
}

static void peer_problems(struct planner *p, const struct resource *r, const struct bgppeer *peer)
{
	if (!str_empty(peer->node) && !snapshot_find(p->snap, &kind_node, peer->node))
		problem_add(p, PROBLEM_NO_SUCH_NODE, DIAG_WARNING, r, NULL,
			    "no Node is named \"%s\"", peer->node);
	if (peer->node_selector && !selected(p, peer->node_selector))
		problem_add(p, PROBLEM_SELECTS_NOTHING, DIAG_WARNING, r, NULL,
			    "nodeSelector %s selects no node", selector_text(peer->node_selector));
	if (peer->peer_selector && !selected(p, peer->peer_selector))
		problem_add(p, PROBLEM_SELECTS_NOTHING, DIAG_WARNING, r, NULL,
			    "peerSelector %s selects no node", selector_text(peer->peer_selector));
	for (size_t i = 0; i < peer->filters.n; i++)
		if (!snapshot_find(p->snap, &kind_bgpfilter,
				   list_at(peer->filters, const char *, i)))
			problem_add(p, PROBLEM_FILTER_MISSING, DIAG_WARNING, r, NULL,
				    "there is no BGPFilter \"%s\"",
				    list_at(peer->filters, const char *, i));
}

/* At least one: who wants the count asks the plans. */
static bool selected(struct planner *p, const struct selector *s)
{
	size_t n = snapshot_count(p->snap, &kind_node);

	for (size_t i = 0; i < n; i++) {
		size_t at = (p->selected + i) % n;
		const struct resource *r = snapshot_at(p->snap, &kind_node, at);

		if (!resource_broken(r) && selector_match(s, &r->meta.labels)) {
			p->selected = at;
			return true;
		}
	}
	return false;
}

/* Of two nodes with one address only one can be peered with. */
static void node_problems(struct planner *p)
{
	size_t n_nodes = snapshot_count(p->snap, &kind_node), n = 0;
	struct owner *owners = arena_array(p->arena, struct owner, 2 * n_nodes);

	for (size_t i = 0; i < n_nodes; i++) {
		const struct resource *r = snapshot_at(p->snap, &kind_node, i);
		const struct node_bgp *bgp =
			resource_broken(r) ? NULL : resource_spec(r, node)->bgp;

		if (bgp && ip_is_set(&bgp->ipv4_address.ip))
			owners[n++] = (struct owner){ bgp->ipv4_address.ip, r };
		if (bgp && ip_is_set(&bgp->ipv6_address.ip))
			owners[n++] = (struct owner){ bgp->ipv6_address.ip, r };
	}
	if (n > 1)
		qsort(owners, n, sizeof *owners, owner_cmp);
	for (size_t i = 0, first = 0; i < n; i++) {
		if (!ip_eq(&owners[first].address, &owners[i].address))
			first = i;
		if (first != i)
			problem_add(
				p, PROBLEM_DOUBLE, DIAG_WARNING, owners[i].node, NULL,
				"it has the address %s of node %s too; nodes peer with %s alone",
				ip_text(&owners[i].address).s, owners[first].node->meta.name,
				owners[first].node->meta.name);
	}
}

static int owner_cmp(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;
	int order = ip_cmp(&x->address, &y->address);

	return order ? order : strcmp(x->node->meta.name, y->node->meta.name);
}
