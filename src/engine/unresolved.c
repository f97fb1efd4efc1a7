/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/unresolved.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "bird/bird.h"
#include "bird/route.h"

#define QUESTION_MS 20000
/* Between two rounds; a little less than the observer's looks are apart. */
#define MOVING_MS 9000
#define REST_MS	  59000 /* where all resolved, and as many routes are imported as then */
#define HOPS	  8
#define SAMPLE	  1600 /* lines: about 200 routes */

#define LOST "source = RTS_BGP && dest = RTD_UNREACHABLE"

struct hop { /* a next hop, as one session brings it */
	struct ip next_hop;
	char session[65];
	uint64_t routes;
	/* the route of BGP that leads to it, and cannot be used for that; unset: there is none */
	struct cidr way;
	char way_session[65];
};

struct round {
	uint64_t total; /* routes that do not resolve */
	struct hop hops[HOPS];
	size_t n;
};

struct unresolved {
	char *path;
	struct bird *bird; /* while a round is under way */
	enum { REST, RESTRICT, COUNT, SAMPLE_ALL, EXACT, WAY } step;
	bool asked;
	bool cut;  /* the sample is not all: each hop is counted by BIRD */
	size_t at; /* the hop that is asked about */
	struct round now, last;
	bool began, news;
	int64_t began_at;
	uint64_t imported; /* when the last round began */
	unsigned revision;
};

static void round_begin(struct unresolved *u);
static void round_end(struct unresolved *u, bool complete);
static void ask(struct unresolved *u);
static void take_answer(struct unresolved *u, const struct reply *r);
static void take_sample(struct unresolved *u, const struct reply *r);
static void take_way(struct hop *h, const struct reply *r);
static void hop_next(struct unresolved *u);
static bool hops_same(const struct round *a, const struct round *b);
static const char *about(uint64_t n, struct arena *a);
static const char *way_out(const struct hop *h, const struct plan *plan, struct arena *a);

struct unresolved *unresolved_open(const char *socket_path)
{
	struct unresolved *u = mem_alloc(sizeof *u);

	u->path = mem_str(socket_path);
	return u;
}

void unresolved_close(struct unresolved *u)
{
	if (!u)
		return;
	bird_close(u->bird);
	free(u->path);
	free(u);
}

void unresolved_look(struct unresolved *u, uint64_t imported)
{
	bool moving = u->news || imported != u->imported || u->last.total;

	if (u->step != REST)
		return;
	if (!imported && !u->last.total)
		return;
	if (u->began && clock_ms() < u->began_at + (moving ? MOVING_MS : REST_MS))
		return;
	u->imported = imported;
	round_begin(u);
}

void unresolved_again(struct unresolved *u)
{
	u->news = true;
}

void unresolved_forget(struct unresolved *u)
{
	if (u->step != REST)
		round_end(u, false);
	u->revision += u->last.total > 0;
	u->last = (struct round){ 0 };
	u->began = false;
}

void unresolved_run(struct unresolved *u)
{
	const struct reply *r;

	if (u->step == REST)
		return;
	bird_run(u->bird);
	r = bird_answer(u->bird);
	if (r && u->asked) {
		u->asked = false;
		take_answer(u, r);
	} else if (bird_lost(u->bird) || bird_trouble(u->bird)) {
		round_end(u, false);
	}
	if (u->step != REST && !u->asked) {
		bird_run(u->bird); /* it may be a new connection */
		if (bird_idle(u->bird))
			ask(u);
	}
}

void unresolved_wait(const struct unresolved *u, struct poll *p)
{
	if (u->bird)
		bird_wait(u->bird, p);
}

unsigned unresolved_revision(const struct unresolved *u)
{
	return u->revision;
}

void unresolved_problems(const struct unresolved *u, const struct plan *plan, struct arena *a,
			 struct problem **problems, size_t *n)
{
	uint64_t named = 0;

	for (size_t i = 0; i < u->last.n; i++) {
		const struct hop *h = &u->last.hops[i];
		const struct peering *p = plan_find(plan, h->session);

		named += h->routes; /* without .peering: it is no reason why a session is down */
		*arena_push(a, *problems, *n) = (struct problem){
			.code = PROBLEM_NEXT_HOP_UNRESOLVED,
			.level = DIAG_WARNING,
			.origin = p ? p->origin : arena_printf(a, "node/%s", plan->node),
			.origin_version = p ? p->origin_version : NULL,
			.text = arena_printf(a, "next hop %s of %s from %s does not resolve: %s",
					     ip_text(&h->next_hop).s, about(h->routes, a),
					     arena_str(a, h->session), way_out(h, plan, a)),
		};
	}
	if (u->last.total > named)
		*arena_push(a, *problems, *n) = (struct problem){
			.code = PROBLEM_NEXT_HOP_UNRESOLVED,
			.level = DIAG_WARNING,
			.origin = arena_printf(a, "node/%s", plan->node),
			.text = arena_printf(a, "%s %shave next hops that do not resolve",
					     about(u->last.total - named, a), named ? "more " : ""),
		};
}

static void round_begin(struct unresolved *u)
{
	u->now = (struct round){ 0 };
	u->began = true;
	u->news = u->cut = u->asked = false;
	u->began_at = clock_ms();
	u->step = RESTRICT;
	u->bird = bird_open(u->path);
}

/* What a round that broke off has found is not believed: BIRD was restarted, or hangs. */
static void round_end(struct unresolved *u, bool complete)
{
	if (complete) {
		u->revision += u->now.total != u->last.total || !hops_same(&u->now, &u->last);
		u->last = u->now;
	}
	u->news |= !complete; /* so that the next comes soon */
	u->step = REST;
	u->asked = false;
	bird_close(u->bird);
	u->bird = NULL;
}

static void ask(struct unresolved *u)
{
	const struct hop *h = &u->now.hops[u->at];
	char text[256] = "restrict";

	if (u->step == COUNT)
		snprintf(text, sizeof text, "show route where " LOST " count");
	else if (u->step == SAMPLE_ALL)
		snprintf(text, sizeof text, "show route where " LOST " all");
	else if (u->step == EXACT)
		snprintf(text, sizeof text,
			 "show route protocol '%s' where " LOST " && bgp_next_hop = %s count",
			 h->session, ip_text(&h->next_hop).s);
	else if (u->step == WAY)
		snprintf(text, sizeof text, "show route for %s where source = RTS_BGP",
			 ip_text(&h->next_hop).s);
	u->asked = true;
	bird_ask_some(u->bird, text, QUESTION_MS, u->step == SAMPLE_ALL ? SAMPLE : 0);
}

static void take_answer(struct unresolved *u, const struct reply *r)
{
	struct hop *h = &u->now.hops[u->at];
	uint64_t n, all;

	switch (u->step) {
	case RESTRICT:
		u->step = u->now.n ? EXACT : COUNT;
		break;
	case COUNT:
		if (!route_count_parse(r, &n, &all)) {
			round_end(u, false);
			break;
		}
		u->now.total = n;
		u->step = SAMPLE_ALL;
		if (!n)
			round_end(u, true);
		break;
	case SAMPLE_ALL:
		u->cut = !r->done;
		take_sample(u, r);
		if (!u->now.n) {
			round_end(u, true);
		} else if (u->cut) { /* the connection has ended with it */
			bird_close(u->bird);
			u->bird = bird_open(u->path);
			u->step = RESTRICT;
		} else {
			u->step = WAY;
		}
		u->at = 0;
		break;
	case EXACT:
		if (route_count_parse(r, &n, &all))
			h->routes = n;
		u->step = WAY;
		break;
	case WAY:
		take_way(h, r);
		hop_next(u);
		break;
	case REST:
		break;
	}
}

static void take_sample(struct unresolved *u, const struct reply *r)
{
	auto_arena struct arena a = { 0 };
	size_t n;
	struct bird_route *routes = route_parse(r, &a, &n);

	n -= n && u->cut; /* the last may lack its next hop */
	for (size_t i = 0; i < n; i++) {
		struct hop *h = u->now.hops, *end = h + u->now.n;

		if (!ip_is_set(&routes[i].next_hop))
			continue;
		while (h < end && (!ip_eq(&h->next_hop, &routes[i].next_hop) ||
				   strcmp(h->session, routes[i].protocol) != 0))
			h++;
		if (h == u->now.hops + HOPS)
			continue;
		if (h == end) {
			*h = (struct hop){ .next_hop = routes[i].next_hop };
			snprintf(h->session, sizeof h->session, "%.64s", routes[i].protocol);
			u->now.n++;
		}
		h->routes++;
	}
}

/* The best of those that BIRD can use. */
static void take_way(struct hop *h, const struct reply *r)
{
	auto_arena struct arena a = { 0 };
	size_t n;
	struct bird_route *routes = route_parse(r, &a, &n);

	for (size_t i = 0; i < n && !ip_is_set(&h->way.ip); i++)
		if (!routes[i].unreachable) {
			h->way = routes[i].net;
			snprintf(h->way_session, sizeof h->way_session, "%.64s",
				 routes[i].protocol);
		}
}

static void hop_next(struct unresolved *u)
{
	u->at++;
	u->step = u->cut ? EXACT : WAY;
	if (u->at == u->now.n)
		round_end(u, true);
}

static bool hops_same(const struct round *a, const struct round *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++) {
		const struct hop *x = &a->hops[i], *y = &b->hops[i];

		same = ip_eq(&x->next_hop, &y->next_hop) && x->routes == y->routes &&
		       cidr_eq(&x->way, &y->way) && strcmp(x->session, y->session) == 0 &&
		       strcmp(x->way_session, y->way_session) == 0;
	}
	return same;
}

/* A number that moves all the time would make a new problem of each. */
static const char *about(uint64_t n, struct arena *a)
{
	uint64_t unit = 1;

	while (n / unit >= 100)
		unit *= 10;
	return arena_printf(a, "%s%llu route%s", unit > 1 ? "about " : "",
			    (unsigned long long)(n / unit * unit), n == 1 ? "" : "s");
}

static const char *way_out(const struct hop *h, const struct plan *plan, struct arena *a)
{
	const struct peering *by = plan_find(plan, h->way_session);

	if (!ip_is_set(&h->way.ip))
		return "no route leads there that is not itself unresolved";
	if (by && by->on_link && !by->gateway_onlink)
		return arena_printf(
			a,
			"only %s of %s (%s) leads there, and no route that was itself resolved carries "
			"next hops; with birdGatewayMode: DirectIfDirectlyConnected there it does",
			cidr_text(&h->way).s, by->origin, by->name);
	return arena_printf(a,
			    "only %s of %s leads there, and no route that was itself resolved "
			    "carries next hops",
			    cidr_text(&h->way).s, by ? by->origin : arena_str(a, h->way_session));
}
