/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel routes that BIRD does not take, as static routes of the tables in which it looks next hops up
 * (decisions.md 47). What cannot be written for BIRD is a problem.
 */
#include "compute/planner.h"

static bool name_fits(const struct facts_route *r);

void routes_make(struct planner *p)
{
	const struct facts *f = p->facts;
	struct facts_route *routes = arena_array(p->arena, struct facts_route, f->n_routes);
	const struct facts_route *unfit = NULL;
	size_t n = 0, n_unfit = 0;

	for (size_t i = 0, next; i < f->n_routes; i = next) {
		const struct facts_route *bad = NULL;

		for (next = i;
		     next < f->n_routes && cidr_eq(&f->routes[next].prefix, &f->routes[i].prefix);
		     next++)
			if (!name_fits(&f->routes[next]))
				bad = &f->routes[next];
		if (bad) {
			n_unfit++;
			unfit = unfit ? unfit : bad;
		}
		for (size_t j = i; !bad && j < next; j++) { /* half of the ways: another route */
			routes[n] = f->routes[j];
			routes[n++].interface = arena_str(p->arena, f->routes[j].interface);
		}
	}
	p->plan->routes = routes;
	p->plan->n_routes = n;
	if (unfit)
		problem_add(
			p, PROBLEM_ROUTES_LEFT_OUT, DIAG_WARNING, p->self->resource, NULL,
			"next hops are not looked up in %zu of the kernel's routes, as that to %s: "
			"BIRD's language has no name for interface \"%s\"",
			n_unfit, cidr_text(&unfit->prefix).s, unfit->interface);
	if (f->n_routes_left)
		problem_add(
			p, PROBLEM_ROUTES_LEFT_OUT, DIAG_WARNING, p->self->resource, NULL,
			"next hops are not looked up in %zu of the kernel's routes that BIRD does "
			"not take: the first 1,000 are, short prefixes before long ones",
			f->n_routes_left);
}

/* What BIRD's language has for an interface: behind a gateway a symbol, else a string. */
static bool name_fits(const struct facts_route *r)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@";
	size_t len = strspn(r->interface, letters);

	return len && !r->interface[len] && !(ip_is_set(&r->gateway) && strchr(r->interface, '@'));
}
