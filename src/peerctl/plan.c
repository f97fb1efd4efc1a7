/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peerings of one node or of all, or what would become of them. A full mesh of a thousand nodes is
 * a million rows: so each plan lives only as long as it is made into rows, and rows are printed in
 * batches once there are many.
 */
#include "peerctl/plan.h"

#include "base/clock.h"
#include "peerctl/command.h"
#include "peerctl/write.h"

#define BATCH_ROWS 20000

struct planning {
	const struct options *o;
	struct style style;
	struct snapshot *before, *after; /* BEFORE NULL: nothing to compare with */
	struct offline offline_before, offline_after;
	struct problems problems;
	struct table table;
	struct arena *rows; /* of the table, goes with each batch */
	struct buf *out;
	bool headed;
	struct value *nodes; /* documents */
	size_t n_nodes;
	size_t effects[EFFECT_REMOVED + 1], fates[FATE_KINDS];
	enum err_kind failed;
};

static const char *const columns[] = { "NODE",	"PEER", "RESOURCE",  "AS",    "LOCAL-AS",
				       "FLAGS", "NAME", "PEER-NODE", "SOURCE" };
#define N_COLUMNS      6
#define N_COLUMNS_WIDE 9
static const char *const change_columns[] = { "NODE", "PEER", "RESOURCE", "CHANGE", "WHY" };

static bool sources_open(struct planning *p, struct load *load, bool *ret_from_store,
			 struct err *err);
static void plan_nodes(struct planning *p);
static void plan_one(struct planning *p, const char *node);
static void takeovers_add(struct planning *p);
static void show_peerings(struct planning *p, const struct plan *plan);
static bool is_fated(const struct plan_change *c);
static void show_changes(struct planning *p, const struct plan *before, const struct plan *after);
static void add_document(struct planning *p, const struct plan *plan, struct value list);
static struct value peering_document(const struct peering *peering, struct arena *a);
static struct value change_document(const struct plan_change *change, struct arena *a);
static struct value strings(const char *const *words, struct arena *a);
static const char **peering_flags(const struct peering *p, struct arena *a);
static const char *joined(const char *const *words, struct arena *a);
static void batch(struct planning *p);
static void print_document(struct planning *p);
static const char *summary(const struct planning *p);

bool run_plan(const struct options *o, struct err *err)
{
	auto_load struct load load = { 0 };
	auto_arena struct arena rows = { 0 };
	auto_buf struct buf out = { 0 };
	auto_snapshot struct snapshot *before = snapshot_new();
	auto_snapshot struct snapshot *after = NULL;
	struct planning p = { .o = o,
			      .rows = &rows,
			      .out = &out,
			      .before = before,
			      .problems = { .arena = o->arena } };
	const struct template *template;
	bool from_store = false, differs = false;

	if (!options_args(o, 0, err) ||
	    !output_style(o, OUTPUT_TABLE | OUTPUT_WIDE | OUTPUT_JSON | OUTPUT_YAML, &p.style,
			  err) ||
	    !template_open(o, &template, err) || !sources_open(&p, &load, &from_store, err))
		return false;
	after = p.after;
	if ((p.before && !offline_open(o, p.before, from_store, &p.offline_before, err)) ||
	    !offline_open(o, p.after, from_store, &p.offline_after, err))
		return false;
	p.table.columns = p.before ? change_columns : columns;
	p.table.n_columns = p.before			    ? lengthof(change_columns) :
			    style_is(&p.style, OUTPUT_WIDE) ? N_COLUMNS_WIDE :
							      N_COLUMNS;
	p.table.widths = arena_array(o->arena, size_t, p.table.n_columns);
	plan_nodes(&p);
	takeovers_add(&p);
	problems_add_global(&p.problems, p.after);
	for (int e = EFFECT_SOFT; e <= EFFECT_REMOVED; e++)
		differs |= p.effects[e] > 0;
	for (int fate = 0; fate < FATE_KINDS; fate++)
		differs |= p.fates[fate] > 0;
	if (style_is(&p.style, OUTPUT_JSON | OUTPUT_YAML)) {
		print_document(&p);
	} else {
		batch(&p);
		if (p.before && !p.failed)
			buf_printf(&out, "%s\n", summary(&p));
	}
	if (!p.failed && !output_write(&out, err))
		return false;
	problems_tell(&p.problems, !option_given(o, OPT_NODE));
	if (p.failed)
		return told(err, p.failed);
	return !differs || told(err, ERR_DIFFERS);
}

/* p->before and p->after: the store alone, the files alone, or the store and the store with the
 * files over it. p->before was empty and open; AFTER is the caller's. */
static bool sources_open(struct planning *p, struct load *load, bool *ret_from_store,
			 struct err *err)
{
	auto_store struct store *st = NULL;
	bool files = option_given(p->o, OPT_FILENAME);

	if (files ? !source_files(p->o, LOAD_SKIP_UNKNOWN, load, err) ||
			    !source_open_if_there(p->o, &st, err) :
		    !(st = source_open(p->o, STORE_READ_ONLY, err)))
		return false;
	if (st && !source_list(st, KINDS_FABRIC, 0, p->before, err))
		return false;
	for (size_t i = 0; st && i < load->n; i++) {
		struct resource *r = load->items[i];

		if (!write_age(&r->meta, snapshot_find(p->before, r->kind, r->meta.name),
			       clock_rfc3339(clock_wall()).s, &r->arena))
			return err_set(err, ERR_INVALID, "%s: " WRITE_AGE_CLAIMED, r->place);
	}
	p->after = snapshot_copy(p->before);
	for (size_t i = 0; i < load->n; i++)
		snapshot_put(p->after, resource_ref(load->items[i]));
	if (!st && option_given(p->o, OPT_VERBOSE))
		tell("there is no store: this is the plan of the files alone");
	if (!st || !files)
		p->before = NULL;
	*ret_from_store = st;
	return true;
}

/* --node, or all: files add nodes and change them, so AFTER has all that BEFORE has. */
static void plan_nodes(struct planning *p)
{
	const char *one = option_value(p->o, OPT_NODE);

	if (one) {
		plan_one(p, one);
		return;
	}
	for (size_t i = 0; i < snapshot_count(p->after, &kind_node); i++)
		plan_one(p, snapshot_at(p->after, &kind_node, i)->meta.name);
}

static void plan_one(struct planning *p, const char *node)
{
	auto_arena struct arena a = { .secret = true };
	const struct plan *before = NULL;
	const struct plan *after = plan_compute(
		p->after, node, offline_facts(&p->offline_after, p->after, node, &a), &a);

	if (p->before) {
		before = plan_compute(p->before, node,
				      offline_facts(&p->offline_before, p->before, node, &a), &a);
		before = before->known ? before : NULL;
	}
	for (size_t i = 0; i < after->n_problems; i++)
		problems_add(&p->problems, &after->problems[i], node);
	if (!after->known) {
		if (option_given(p->o, OPT_NODE))
			p->failed = plan_known_err(after);
		return;
	}
	if (p->before)
		show_changes(p, before, after);
	else
		show_peerings(p, after);
	if (p->table.n_rows >= BATCH_ROWS)
		batch(p);
}

static void takeovers_add(struct planning *p)
{
	const struct problem *problems;
	size_t n;

	if (!p->before)
		return;
	problems = plan_takeovers(p->before, p->after, option_value(p->o, OPT_NODE),
				  &p->offline_after.facts, p->o->arena, &n);
	for (size_t i = 0; i < n; i++)
		problems_add(&p->problems, &problems[i], NULL);
}

static void show_peerings(struct planning *p, const struct plan *plan)
{
	bool documents = style_is(&p->style, OUTPUT_JSON | OUTPUT_YAML);
	struct value *list = arena_array(p->o->arena, struct value, plan->n_peerings);

	for (size_t i = 0; i < plan->n_peerings; i++) {
		const struct peering *peering = &plan->peerings[i];
		struct cell *cells;

		if (documents) {
			list[i] = peering_document(peering, p->o->arena);
			continue;
		}
		cells = table_row(&p->table, p->rows)->cells;
		cells[0].text = arena_str(p->rows, plan->node);
		cells[1].text = arena_str(p->rows, endpoint_text(&peering->remote).s);
		cells[2].text = arena_str(p->rows, peering->origin);
		cells[3].text = arena_printf(p->rows, "%u", peering->remote_as);
		cells[4].text = arena_printf(p->rows, "%u", peering->local_as);
		cells[5].text = joined(peering_flags(peering, p->rows), p->rows);
		if (p->table.n_columns == N_COLUMNS)
			continue;
		cells[6].text = arena_str(p->rows, peering->name);
		cells[7].text =
			peering->remote_node ? arena_str(p->rows, peering->remote_node) : "-";
		cells[8].text = ip_is_set(&peering->source) ?
					arena_str(p->rows, ip_text(&peering->source).s) :
					"-";
	}
	if (documents)
		add_document(p, plan, value_list(list, plan->n_peerings));
}

/* Does the change make a session keep what runs, stop it, or leave it without a start? */
static bool is_fated(const struct plan_change *c)
{
	return c->effect == EFFECT_NONE &&
	       (c->fate.kind == FATE_KEEPS || (c->fate.kind == FATE_ABSENT && !c->before) ||
		(c->fate.kind == FATE_STOPPED && !(c->before && c->before->down)));
}

static void show_changes(struct planning *p, const struct plan *before, const struct plan *after)
{
	static const enum colour colours[] = {
		[EFFECT_SOFT] = COLOUR_GREEN,  [EFFECT_RELOAD] = COLOUR_YELLOW,
		[EFFECT_RESTART] = COLOUR_RED, [EFFECT_ADDED] = COLOUR_GREEN,
		[EFFECT_REMOVED] = COLOUR_RED,
	};
	auto_arena struct arena a = { 0 };
	size_t n, n_shown = 0;
	struct plan_change *changes = plan_diff(before, after, &a, &n);
	struct value *list = arena_array(&a, struct value, n);

	for (size_t i = 0; i < n; i++) {
		const struct plan_change *c = &changes[i];
		const struct peering *peering = c->after ? c->after : c->before;
		bool fated = is_fated(c);
		struct cell *cells;

		if (fated)
			p->fates[c->fate.kind]++;
		else
			p->effects[c->effect]++;
		if (c->fate.less)
			problems_add(&p->problems,
				     &(struct problem){ .code = PROBLEM_LESS_THAN_ASKED,
							.level = DIAG_ERROR,
							.origin = c->after->origin,
							.peering = c->name,
							.text = plan_less_text(c->after,
									       p->o->arena) },
				     after->node);
		if (c->effect == EFFECT_NONE && !fated)
			continue;
		if (style_is(&p->style, OUTPUT_JSON | OUTPUT_YAML)) {
			list[n_shown++] = change_document(c, p->o->arena);
			continue;
		}
		cells = table_row(&p->table, p->rows)->cells;
		cells[0].text = arena_str(p->rows, after->node);
		cells[1].text = arena_str(p->rows, endpoint_text(&peering->remote).s);
		cells[2].text = arena_str(p->rows, peering->origin);
		cells[3] = (struct cell){ effect_names[c->effect], colours[c->effect] };
		cells[4].text = arena_str(p->rows, c->why);
		if (fated) {
			cells[3] = (struct cell){ fate_names[c->fate.kind], COLOUR_YELLOW };
			cells[4].text = fate_reasons[c->fate.reason];
		}
	}
	if (style_is(&p->style, OUTPUT_JSON | OUTPUT_YAML)) {
		struct value *kept = arena_array(p->o->arena, struct value, n_shown);

		if (n_shown)
			memcpy(kept, list, n_shown * sizeof *kept);
		add_document(p, after, value_list(kept, n_shown));
	}
}

static void add_document(struct planning *p, const struct plan *plan, struct value list)
{
	struct arena *a = p->o->arena;
	struct object o = { .arena = a };

	object_text(&o, "node", arena_str(a, plan->node));
	object_text(&o, "routerID", arena_str(a, ip_text(&plan->router_id).s));
	object_number(&o, "asNumber", plan->as);
	object_value(&o, p->before ? "changes" : "peerings", list);
	*arena_push(a, p->nodes, p->n_nodes) = object_done(&o);
}

static struct value peering_document(const struct peering *peering, struct arena *a)
{
	struct object o = { .arena = a };

	object_text(&o, "name", arena_str(a, peering->name));
	object_text(&o, "peer", arena_str(a, endpoint_text(&peering->remote).s));
	object_text(&o, "peerNode", arena_str(a, peering->remote_node));
	object_text(&o, "resource", arena_str(a, peering->origin));
	object_number(&o, "asNumber", peering->remote_as);
	object_number(&o, "localASNumber", peering->local_as);
	object_text(&o, "sourceAddress", arena_str(a, ip_text(&peering->source).s));
	object_value(&o, "flags", strings(peering_flags(peering, a), a));
	return object_done(&o);
}

static struct value change_document(const struct plan_change *change, struct arena *a)
{
	struct object o = { .arena = a };

	object_text(&o, "name", arena_str(a, change->name));
	object_text(&o, "change", effect_names[change->effect]);
	object_text(&o, "why", arena_str(a, change->why));
	if (is_fated(change)) {
		object_text(&o, "fate", fate_names[change->fate.kind]);
		object_text(&o, "reason", fate_reasons[change->fate.reason]);
	}
	if (change->before)
		object_value(&o, "before", peering_document(change->before, a));
	if (change->after)
		object_value(&o, "after", peering_document(change->after, a));
	return object_done(&o);
}

static struct value strings(const char *const *words, struct arena *a)
{
	struct value *items = NULL;
	size_t n = 0;

	for (; words[n]; n++)
		continue;
	items = arena_array(a, struct value, n);
	for (size_t i = 0; i < n; i++)
		items[i] = value_string(words[i]);
	return value_list(items, n);
}

/* NULL-terminated words. */
static const char **peering_flags(const struct peering *p, struct arena *a)
{
	const struct {
		bool holds;
		const char *word;
	} flags[] = {
		{p->passive,	      "passive"	},
		{ p->direct,	     "direct"	      },
		{ !p->direct,	      "multihop"	 },
		{ p->bfd != BFD_OFF, "bfd"	   },
		{ p->llgr,	   "llgr"	  },
		{ p->gateway_onlink, "gateway-direct"},
		{ p->rr_client,	"rr-client"	    },
		{ p->password,       "password"	  },
		{ p->n_filters > 0,  "filters"	      },
		{ p->fault != 0,	   "cannot-start"  },
		{ p->down,	   "down"	  },
	};
	const char **words = NULL;
	size_t n = 0;

	for (size_t i = 0; i < lengthof(flags); i++)
		if (flags[i].holds)
			*arena_push(a, words, n) = flags[i].word;
	*arena_push(a, words, n) = NULL;
	return words;
}

static const char *joined(const char *const *words, struct arena *a)
{
	auto_buf struct buf text = { 0 };

	for (size_t i = 0; words[i]; i++)
		buf_printf(&text, "%s%s", i ? "," : "", words[i]);
	return arena_str(a, buf_text(&text));
}

static void batch(struct planning *p)
{
	struct style style = p->style;

	style.headers &= !p->headed;
	if (p->table.n_rows)
		table_print(&p->table, &style, p->out);
	p->headed |= p->table.n_rows > 0;
	p->table.rows = NULL;
	p->table.n_rows = 0;
	arena_free(p->rows);
}

static void print_document(struct planning *p)
{
	struct arena *a = p->o->arena;
	struct object o = { .arena = a }, counts = { .arena = a };
	struct value v;

	object_value(&o, "nodes", value_list(p->nodes, p->n_nodes));
	object_value(&o, "problems", problems_document(&p->problems));
	if (p->before) {
		for (int e = 0; e <= EFFECT_REMOVED; e++)
			object_value(&counts, effect_names[e], value_int((int64_t)p->effects[e]));
		object_value(&counts, "keeps", value_int((int64_t)p->fates[FATE_KEEPS]));
		object_value(&counts, "stops", value_int((int64_t)p->fates[FATE_STOPPED]));
		object_value(&counts, "absent", value_int((int64_t)p->fates[FATE_ABSENT]));
		object_value(&o, "summary", object_done(&counts));
	}
	v = object_done(&o);
	document_print(&v, &p->style, p->out);
}

static const char *summary(const struct planning *p)
{
	auto_buf struct buf text = { 0 };
	const size_t *n = p->effects;

	if (n[EFFECT_ADDED])
		buf_printf(&text, "adds %zu, ", n[EFFECT_ADDED]);
	if (n[EFFECT_REMOVED])
		buf_printf(&text, "removes %zu, ", n[EFFECT_REMOVED]);
	buf_printf(&text, "restarts %zu session%s, reloads %zu, ", n[EFFECT_RESTART],
		   n[EFFECT_RESTART] == 1 ? "" : "s", n[EFFECT_RELOAD]);
	if (n[EFFECT_SOFT])
		buf_printf(&text, "adjusts %zu, ", n[EFFECT_SOFT]);
	buf_printf(&text, "leaves %zu", n[EFFECT_NONE]);
	if (p->fates[FATE_STOPPED])
		buf_printf(&text, ", stops %zu", p->fates[FATE_STOPPED]);
	if (p->fates[FATE_KEEPS])
		buf_printf(&text, ", %zu keep%s what runs", p->fates[FATE_KEEPS],
			   p->fates[FATE_KEEPS] == 1 ? "s" : "");
	if (p->fates[FATE_ABSENT])
		buf_printf(&text, ", %zu cannot start", p->fates[FATE_ABSENT]);
	return arena_str(p->o->arena, buf_text(&text));
}
