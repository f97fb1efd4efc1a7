/* SPDX-License-Identifier: Apache-2.0 */
#include "peerctl/fabric.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"

#define NODES_SHOWN	5
#define TROUBLE_SHOWN_S 600
#define BEFORE_SLACK_S	10 /* BIRD starts a session anew some seconds after it ended */

static void node_sentences(const struct fabric *f, const struct fabric_node *node, bool say_stale,
			   struct buf *out);
static void trouble_sentences(const struct fabric *f, struct buf *out);
static const struct status_trouble *trouble_shown(const struct fabric *f,
						  const struct fabric_node *node);
static void add_node(struct fabric *f, const char *name, const struct target *only);
static void add_reported(struct fabric *f, const struct fabric_node *node,
			 const struct target *only);
static void add_planned(struct fabric *f, const char *node, const struct target *only);
static void add_problems(struct fabric *f, const struct fabric_node *node,
			 const struct target *only);
static const char *reason_of(const struct fabric *f, const char *node,
			     const struct status_session *s);
static const char *behind_of(const struct fabric *f, const char *node,
			     const struct status_session *s);
static const char *with_before(const struct fabric *f, const struct status_session *s);
static bool wanted(const struct target *only, const char *origin, struct arena *a);
static bool peer_silent(const struct fabric *f, const struct resource *peer);
static int session_order(const void *a, const void *b);
static struct value session_document(const struct fabric_session *row, struct arena *a);
static struct value node_document(const struct fabric_node *node, struct arena *a);

void fabric_make(struct fabric *f, const struct snapshot *snap, const struct target *only,
		 struct arena *a)
{
	size_t i = 0, j = 0, n, m;

	*f = (struct fabric){
		.snap = snap, .arena = a, .problems = { .arena = a }, .now = clock_wall()
	};
	n = snapshot_count(snap, &kind_node);
	m = snapshot_count(snap, &kind_nodestatus);
	while (i < n || j < m) { /* both are sorted by name */
		const char *x = i < n ? snapshot_at(snap, &kind_node, i)->meta.name : NULL;
		const char *y = j < m ? snapshot_at(snap, &kind_nodestatus, j)->meta.name : NULL;
		int order = !x ? 1 : !y ? -1 : strcmp(x, y);

		add_node(f, order <= 0 ? x : y, only);
		i += order <= 0;
		j += order >= 0;
	}
	if (f->n_sessions)
		qsort(f->sessions, f->n_sessions, sizeof *f->sessions, session_order);
	for (i = 0; i < f->n_sessions; i++) {
		const struct fabric_session *s = &f->sessions[i];

		if (s->orphan)
			f->n_orphans++;
		else if (s->stale)
			f->n_stale++;
		else if (str_eq(s->session->state, "Established"))
			f->n_established++;
		else
			f->n_down++;
	}
	if (!only->name || only->kind == &kind_bgppeer) {
		struct problems global = { .arena = a }, said = f->problems;

		problems_add_global(&global, snap);
		for (i = 0; i < global.n; i++)
			if (wanted(only, global.items[i].problem.origin, a) &&
			    !problems_have(&said, &global.items[i].problem))
				problems_add(&f->problems, &global.items[i].problem, NULL);
	}
}

void fabric_sentences(struct fabric *f, const struct target *only, struct buf *out)
{
	auto_buf struct buf silent = { 0 };
	size_t n_silent = 0, n_stale = 0;

	for (size_t i = 0; i < f->n_nodes; i++) {
		const struct fabric_node *node = &f->nodes[i];

		n_stale += node->stale && !node->orphan;
		if (node->status)
			node_sentences(f, node, n_stale <= NODES_SHOWN, out);
		else if (n_silent++ < NODES_SHOWN)
			buf_printf(&silent, "%snode/%s", silent.len ? ", " : "", node->name);
	}
	if (n_stale > NODES_SHOWN)
		buf_printf(out, "%zu more nodes are stale\n", n_stale - NODES_SHOWN);
	trouble_sentences(f, out);
	if (n_silent > NODES_SHOWN)
		buf_printf(&silent, " and %zu more", n_silent - NODES_SHOWN);
	if (n_silent)
		buf_printf(out, "%s: no agent has reported\n", buf_text(&silent));
	problems_print(&f->problems, !only->name || only->kind != &kind_node, out);
	for (size_t i = 0; i < snapshot_count(f->snap, &kind_bgppeer); i++) {
		const struct resource *peer = snapshot_at(f->snap, &kind_bgppeer, i);

		if ((!only->name ||
		     (only->kind == &kind_bgppeer && str_eq(only->name, peer->meta.name))) &&
		    peer_silent(f, peer))
			buf_printf(out, "bgppeer/%s: no session of it has been reported yet\n",
				   peer->meta.name);
	}
}

void fabric_summary(const struct fabric *f, struct buf *out)
{
	buf_printf(out, "%zu session%s, %zu established, %zu down", f->n_sessions,
		   f->n_sessions == 1 ? "" : "s", f->n_established, f->n_down);
	if (f->n_stale)
		buf_printf(out, ", %zu stale", f->n_stale);
	if (f->n_orphans)
		buf_printf(out, ", %zu without a Node", f->n_orphans);
	buf_char(out, '\n');
}

const char *fabric_state(const struct fabric_session *s)
{
	if (s->orphan)
		return "NoNode";
	if (s->stale)
		return "Stale";
	return s->session->state ? s->session->state : "Unknown";
}

struct value fabric_document(const struct fabric *f)
{
	struct arena *a = f->arena;
	struct value *sessions = arena_array(a, struct value, f->n_sessions);
	struct value *nodes = arena_array(a, struct value, f->n_nodes);
	struct object o = { .arena = a }, counts = { .arena = a };

	for (size_t i = 0; i < f->n_sessions; i++)
		sessions[i] = session_document(&f->sessions[i], a);
	for (size_t i = 0; i < f->n_nodes; i++)
		nodes[i] = node_document(&f->nodes[i], a);
	object_value(&counts, "sessions", value_int((int64_t)f->n_sessions));
	object_value(&counts, "established", value_int((int64_t)f->n_established));
	object_value(&counts, "down", value_int((int64_t)f->n_down));
	object_value(&counts, "stale", value_int((int64_t)f->n_stale));
	object_value(&counts, "withoutNode", value_int((int64_t)f->n_orphans));
	object_value(&o, "sessions", value_list(sessions, f->n_sessions));
	object_value(&o, "nodes", value_list(nodes, f->n_nodes));
	object_value(&o, "problems", problems_document(&f->problems));
	object_value(&o, "summary", object_done(&counts));
	return object_done(&o);
}

static void node_sentences(const struct fabric *f, const struct fabric_node *node, bool say_stale,
			   struct buf *out)
{
	const struct nodestatus *s = node->status;
	int64_t seen = s->observed_at ? clock_parse(s->observed_at) : -1;
	const char *ago = seen < 0 ? "long" : text_age(MAX(f->now - seen, 0), f->arena);

	if (node->orphan && node->stale)
		buf_printf(out,
			   "nodestatus/%s: there is no Node of that name, and its agent last "
			   "reported %s ago: `peerctl delete nodestatus %s`\n",
			   node->name, ago, node->name);
	else if (node->orphan)
		buf_printf(
			out,
			"nodestatus/%s: there is no Node of that name, but its agent reports: "
			"apply the Node, or stop peerd there and `peerctl delete nodestatus %s`\n",
			node->name, node->name);
	else if (node->stale && say_stale)
		buf_printf(out, "node/%s: stale, its agent last reported %s ago\n", node->name,
			   ago);
	if (s->state && !str_eq(s->state, "Applied"))
		buf_printf(out, "node/%s: %s%s%s%s\n", node->name, node->stale ? "was " : "",
			   s->state, s->message ? ": " : "", s->message ? s->message : "");
}

/* One for all nodes that say the same: when a member of etcd goes, a third of all agents do. */
static void trouble_sentences(const struct fabric *f, struct buf *out)
{
	for (size_t i = 0; i < f->n_nodes; i++) {
		const struct status_trouble *t = trouble_shown(f, &f->nodes[i]), *u;
		int64_t lasted = 1, ago = INT64_MAX;
		auto_buf struct buf nodes = { 0 };
		size_t n = 0;

		for (size_t j = 0; t && j < f->n_nodes; j++) {
			int64_t until = f->now;

			u = trouble_shown(f, &f->nodes[j]);
			if (!u || !str_eq(u->text, t->text) || !u->until != !t->until)
				continue;
			if (j < i)
				t = NULL; /* said already */
			if (u->until)
				until = clock_parse(u->until);
			lasted = MAX(lasted, until - clock_parse(u->since));
			ago = MIN(ago, f->now - until);
			if (n++ < NODES_SHOWN)
				buf_printf(&nodes, "%snode/%s", nodes.len ? ", " : "",
					   f->nodes[j].name);
		}
		if (!t)
			continue;
		if (n > NODES_SHOWN)
			buf_printf(&nodes, " and %zu more", n - NODES_SHOWN);
		buf_printf(out, "%s: trouble with the store for %s", nodes.at,
			   text_age(lasted, f->arena));
		if (t->until)
			buf_printf(out, ", until %s ago", text_age(MAX(ago, 1), f->arena));
		buf_printf(out, ": %s\n", t->text ? t->text : "?");
	}
}

/* While it lasts, and until everybody has seen it; else NULL. */
static const struct status_trouble *trouble_shown(const struct fabric *f,
						  const struct fabric_node *node)
{
	const struct status_trouble *t = node->status ? node->status->store_trouble : NULL;
	int64_t until = t && t->until ? clock_parse(t->until) : f->now;

	if (node->stale) /* what lasted then may be over */
		return NULL;
	return t && t->since && f->now - until <= TROUBLE_SHOWN_S ? t : NULL;
}

static void add_node(struct fabric *f, const char *name, const struct target *only)
{
	const struct resource *r = snapshot_find(f->snap, &kind_nodestatus, name);
	struct fabric_node node = { .name = name, .status = r ? r->spec : NULL };

	if (only->name && only->kind == &kind_node && !str_eq(only->name, name))
		return;
	if (node.status) {
		node.stale = nodestatus_stale(node.status, f->now);
		node.orphan = !snapshot_find(f->snap, &kind_node, name);
		add_reported(f, &node, only);
		add_problems(f, &node, only);
	} else if (only->name) {
		add_planned(f, name, only);
	}
	*arena_push(f->arena, f->nodes, f->n_nodes) = node;
}

static void add_reported(struct fabric *f, const struct fabric_node *node,
			 const struct target *only)
{
	const struct list *sessions = &node->status->sessions;

	for (size_t i = 0; i < sessions->n; i++) {
		const struct status_session *s = &list_at(*sessions, struct status_session, i);

		if (wanted(only, s->origin, f->arena))
			*arena_push(f->arena, f->sessions, f->n_sessions) = (struct fabric_session){
				.node = node->name,
				.session = s,
				.reason = reason_of(f, node->name, s),
				.stale = node->stale,
				.orphan = node->orphan,
				.seen = node->status->observed_at,
			};
	}
}

/* Where no agent has reported: what it would have to run. Only for one peer or node, because all
 * nodes would be many plans. */
static void add_planned(struct fabric *f, const char *node, const struct target *only)
{
	const struct facts facts = { .now = f->now };
	const struct plan *plan = plan_compute(f->snap, node, &facts, f->arena);

	for (size_t i = 0; i < plan->n_peerings; i++) {
		const struct peering *p = &plan->peerings[i];
		struct status_session *s;

		if (!wanted(only, p->origin, f->arena))
			continue;
		s = arena_new(f->arena, struct status_session);
		*s = (struct status_session){
			.name = p->name,
			.origin = p->origin,
			.peer = arena_str(f->arena, endpoint_text(&p->remote).s),
			.peer_node = p->remote_node,
			.as_number = p->remote_as,
			.local_as_number = p->local_as,
			.state = "Unknown",
		};
		*arena_push(f->arena, f->sessions, f->n_sessions) = (struct fabric_session){
			.node = node,
			.session = s,
			.reason =
				arena_printf(f->arena, "no agent has reported from node %s", node),
		};
	}
}

/* What the agent reported and no session gives as its reason. */
static void add_problems(struct fabric *f, const struct fabric_node *node,
			 const struct target *only)
{
	const struct list *problems = &node->status->problems, *sessions = &node->status->sessions;

	for (size_t i = 0; i < problems->n; i++) {
		const struct status_problem *p = &list_at(*problems, struct status_problem, i);
		struct problem at = { .origin = p->origin ? p->origin : "mesh",
				      .text = p->text ? p->text : "" };
		bool shown = false;

		for (size_t j = 0; j < sessions->n && !shown; j++)
			shown = str_eq(list_at(*sessions, struct status_session, j).reason,
				       at.text);
		if (shown || !wanted(only, at.origin, f->arena))
			continue;
		at.code = (enum problem_code)name_find(problem_names, p->code ? p->code : "",
						       PROBLEM_NONE);
		at.level = DIAG_WARNING;
		problems_add(&f->problems, &at, node->name);
	}
}

static const char *reason_of(const struct fabric *f, const char *node,
			     const struct status_session *s)
{
	const char *behind = behind_of(f, node, s), *why = NULL;

	if (s->reason)
		why = with_before(f, s);
	else if (s->error && !str_eq(s->state, "Established"))
		why = s->error;
	if (behind && why)
		return arena_printf(f->arena, "%s. Before that change: %s", behind, why);
	return behind ? behind : why;
}

/* NULL: the session is as its BGPPeer is now. */
static const char *behind_of(const struct fabric *f, const char *node,
			     const struct status_session *s)
{
	const char *name = s->origin ? strchr(s->origin, '/') : NULL;
	const struct resource *r;

	if (!name || strncmp(s->origin, "bgppeer/", 8) != 0)
		return NULL;
	r = snapshot_find(f->snap, &kind_bgppeer, name + 1);
	if (!r)
		return arena_printf(f->arena, "%s was deleted; node %s has not followed yet",
				    s->origin, node);
	if (s->origin_version && !str_eq(s->origin_version, r->meta.version))
		return arena_printf(f->arena, "%s was changed; node %s has not followed yet",
				    s->origin, node);
	return NULL;
}

/* The reason; and what came before it in the same outage, for that is mostly what began it. */
static const char *with_before(const struct fabric *f, const struct status_session *s)
{
	const struct status_cause *b = s->before;
	int64_t at = b && b->at ? clock_parse(b->at) : -1;
	int64_t since = s->since ? clock_parse(s->since) : -1;

	if (at < 0 || !b->error || since < 0 || at + BEFORE_SLACK_S < since)
		return s->reason;
	/* What one attempt to connect met before another did explains nothing. */
	if (strncmp(b->error, "Socket: ", 8) == 0 && !str_eq(b->code, "CONNECTION_LOST"))
		return s->reason;
	return arena_printf(f->arena, "%s Before that, at %s: %s%s%s%s.", s->reason, b->at,
			    b->error, b->message ? ", with the message \"" : "",
			    b->message ? b->message : "", b->message ? "\"" : "");
}

static bool wanted(const struct target *only, const char *origin, struct arena *a)
{
	if (!only->name || only->kind != &kind_bgppeer)
		return true;
	return str_eq(origin, arena_printf(a, "bgppeer/%s", only->name));
}

/* Has nobody said anything about PEER, although agents have reported? */
static bool peer_silent(const struct fabric *f, const struct resource *peer)
{
	const char *id = resource_id(peer, f->arena);
	bool reported = false;

	for (size_t i = 0; i < f->n_nodes; i++)
		reported |= f->nodes[i].status != NULL;
	for (size_t i = 0; reported && i < f->n_sessions; i++)
		if (str_eq(f->sessions[i].session->origin, id))
			return false;
	for (size_t i = 0; reported && i < f->problems.n; i++)
		if (str_eq(f->problems.items[i].problem.origin, id))
			return false;
	return reported;
}

static int session_order(const void *a, const void *b)
{
	const struct fabric_session *x = a, *y = b;
	const char *p = x->session->origin ? x->session->origin : "";
	const char *q = y->session->origin ? y->session->origin : "";
	int order = strcmp(p, q);

	if (!order)
		order = strcmp(x->node, y->node);
	if (!order)
		order = strcmp(x->session->name ? x->session->name : "",
			       y->session->name ? y->session->name : "");
	return order;
}

static struct value session_document(const struct fabric_session *row, struct arena *a)
{
	const struct status_session *s = row->session;
	struct object o = { .arena = a };

	object_text(&o, "resource", s->origin);
	object_text(&o, "node", row->node);
	object_text(&o, "name", s->name);
	object_text(&o, "peer", s->peer);
	object_text(&o, "peerNode", s->peer_node);
	object_number(&o, "asNumber", s->as_number);
	object_number(&o, "localASNumber", s->local_as_number);
	object_text(&o, "state", fabric_state(row));
	object_text(&o, "since", row->stale || row->orphan ? row->seen : s->since);
	if (row->stale || row->orphan) {
		object_text(&o, "lastState", s->state);
		object_text(&o, "lastSince", s->since);
	}
	object_text(&o, "fate", s->fate ? s->fate : fate_names[FATE_RUNS]);
	object_text(&o, "code", s->code);
	object_text(&o, "reason", row->reason);
	object_text(&o, "error", s->error);
	object_text(&o, "message", s->message);
	if (s->before) {
		struct object before = { .arena = a };

		object_text(&before, "code", s->before->code);
		object_text(&before, "error", s->before->error);
		object_text(&before, "message", s->before->message);
		object_text(&before, "at", s->before->at);
		object_value(&o, "before", object_done(&before));
	}
	object_number(&o, "flaps", s->flaps);
	object_flag(&o, "flapsAtLeast", s->flaps_at_least == YES);
	object_value(&o, "routesImported", value_int(s->routes_imported));
	object_value(&o, "routesExported", value_int(s->routes_exported));
	object_flag(&o, "passive", s->passive == YES);
	object_flag(&o, "direct", s->direct == YES);
	object_flag(&o, "stale", row->stale);
	object_flag(&o, "withoutNode", row->orphan);
	return object_done(&o);
}

static struct value node_document(const struct fabric_node *node, struct arena *a)
{
	const struct nodestatus *s = node->status;
	struct object o = { .arena = a };

	object_text(&o, "node", node->name);
	object_value(&o, "reported", value_bool(s != NULL));
	if (!s)
		return object_done(&o);
	object_text(&o, "state", s->state);
	object_text(&o, "message", s->message);
	object_text(&o, "observedAt", s->observed_at);
	object_flag(&o, "stale", node->stale);
	object_flag(&o, "withoutNode", node->orphan);
	object_text(&o, "routerID", s->router_id);
	object_text(&o, "birdVersion", s->bird_version);
	object_text(&o, "agentVersion", s->agent_version);
	object_text(&o, "confID", s->conf_id);
	if (s->store_trouble) {
		struct object trouble = { .arena = a };

		object_text(&trouble, "text", s->store_trouble->text);
		object_text(&trouble, "since", s->store_trouble->since);
		object_text(&trouble, "until", s->store_trouble->until);
		object_value(&o, "storeTrouble", object_done(&trouble));
	}
	return object_done(&o);
}
