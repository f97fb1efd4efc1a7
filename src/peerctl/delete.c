/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that is named goes in one transaction, or nothing does. A Node takes its status along; what
 * still names it is listed, and goes too with --cascade (decisions.md 35).
 *
 * A store that cannot take all at once may leave some of it deleted. So a Node goes after what goes
 * with it: while it is there the same call can be made again.
 */
#include "peerctl/write.h"

#include <stdio.h>

#include "model/kinds/specs.h"
#include "peerctl/command.h"

struct deleting {
	const struct options *o;
	const struct target *targets;
	size_t n_targets;
	bool cascade;
	/* of one attempt */
	struct arena *arena;
	struct snapshot *stored;
	struct done *items; /* what goes, without doubles */
	size_t n;
	const char **statuses; /* of nodes that go */
	size_t n_statuses;
	/* of all attempts */
	struct partial part; /* what is gone, and what was to go and is not */
};

static bool attempt(struct deleting *d, struct store *st, bool dry_run, struct err *err);
static bool add_targets(struct deleting *d, struct err *err);
static bool write_all(struct deleting *d, struct store *st, struct err *err);
static struct resource *kept(struct deleting *d, const struct resource *r);
static bool is_gone(const struct deleting *d, const struct kind *kind, const char *name);
static void add(struct deleting *d, const struct resource *r);
static bool goes(const struct deleting *d, const struct resource *r);
static void node_left_behind(struct deleting *d, const char *node);
static bool names_node(const struct resource *r, const char *node);
static bool targets_of_files(struct load *l, const struct options *o, struct target **ret,
			     size_t *ret_n, struct err *err);

bool run_delete(const struct options *o, struct err *err)
{
	auto_load struct load load = { 0 };
	struct deleting d = { .o = o, .cascade = option_given(o, OPT_CASCADE) };
	struct target *targets = NULL;
	auto_store struct store *st = NULL;
	struct style style;
	size_t n = 0;
	bool dry_run;

	if (!option_dry_run(o, &dry_run, err))
		return false;
	if (option_given(o, OPT_OUTPUT) ? !output_style(o, OUTPUT_NAME, &style, err) :
					  !output_style(o, OUTPUT_TABLE, &style, err))
		return false;
	if (option_given(o, OPT_FILENAME) && o->n_args)
		return err_set(err, ERR_USAGE, "give files with -f or names, not both");
	if (!option_given(o, OPT_FILENAME) && !o->n_args)
		return err_set(err, ERR_USAGE, "what is to be deleted? KIND NAME..., or -f FILE");
	if (option_given(o, OPT_FILENAME) ? !targets_of_files(&load, o, &targets, &n, err) :
					    !source_targets(o, &targets, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct kind *kind = targets[i].kind;

		if (!targets[i].name)
			return err_set(err, ERR_USAGE, "which %s? delete needs a name", kind->name);
		/* What an agent that is gone has left behind is for people to clear away. */
		if ((kind->flags & KIND_READ_ONLY) && kind != &kind_nodestatus &&
		    !write_allowed(kind, targets[i].name, NULL, err))
			return false;
	}
	st = source_open(o, dry_run ? STORE_READ_ONLY : 0, err);
	if (!st)
		return false;
	d.part.arena = o->arena;
	d.targets = targets;
	d.n_targets = n;
	for (int i = 0; i < WRITE_ATTEMPTS; i++) {
		auto_arena struct arena arena = { 0 };
		auto_snapshot struct snapshot *stored = snapshot_new();

		*err = (struct err){ 0 };
		d.arena = &arena;
		d.stored = stored;
		d.items = NULL;
		d.statuses = NULL;
		d.n = d.n_statuses = 0;
		if (attempt(&d, st, dry_run, err))
			return write_report(dry_run ? d.items : d.part.done,
					    dry_run ? d.n : d.part.n_done, &style, dry_run,
					    store_url(st), err);
		if (err->kind != ERR_CONFLICT || !err->words[0])
			break;
	}
	write_report_partial(&d.part, &style, store_url(st));
	return false;
}

static bool attempt(struct deleting *d, struct store *st, bool dry_run, struct err *err)
{
	if (!source_list(st, KINDS_FABRIC, 0, d->stored, err) || !add_targets(d, err))
		return false;
	for (size_t i = 0; i < d->n_targets; i++)
		if (d->targets[i].kind == &kind_node)
			node_left_behind(d, d->targets[i].name);
	return dry_run || !(d->n + d->n_statuses) || write_all(d, st, err);
}

static bool add_targets(struct deleting *d, struct err *err)
{
	enum err_kind first = ERR_NONE;

	for (size_t i = 0; i < d->n_targets; i++) {
		const struct target *t = &d->targets[i];
		const struct resource *r = snapshot_find(d->stored, t->kind, t->name);
		const char *version = r ? r->meta.version : NULL;

		if (is_gone(d, t->kind, t->name))
			continue;
		if (r && t->version && !str_eq(t->version, version)) {
			tell("%s/%s was changed meanwhile: it is at version %s, the file has %s",
			     t->kind->aliases[0], t->name, version, t->version);
			first = first ? first : ERR_CONFLICT;
		} else if (r) {
			add(d, r);
		} else if (!option_given(d->o, OPT_SKIP_NOT_EXISTS)) {
			tell("%s/%s does not exist", t->kind->aliases[0], t->name);
			first = first ? first : ERR_NOT_FOUND;
		}
	}
	if (!first)
		return true;
	if (d->part.n_done)
		return told(err, first);
	tell("nothing was deleted%s",
	     first == ERR_NOT_FOUND ? "; -s passes over what does not exist" : "");
	return told(err, first);
}

/* Backwards: what was added because of a Node, and its status, before it. */
static bool write_all(struct deleting *d, struct store *st, struct err *err)
{
	size_t n_all = d->n_statuses + d->n;
	struct write *writes = arena_array(d->arena, struct write, n_all);
	struct op op = { .type = OP_WRITE, .writes = writes, .n_writes = n_all };
	bool ok;

	for (size_t i = 0; i < d->n_statuses; i++)
		writes[i] = (struct write){ .kind = &kind_nodestatus, .name = d->statuses[i] };
	for (size_t i = 0; i < d->n; i++) {
		const struct resource *r = d->items[i].resource;
		const char *version = r->meta.version;

		writes[n_all - 1 - i] = (struct write){
			.kind = r->kind,
			.name = r->meta.name,
			.expect = version ? EXPECT_VERSION : EXPECT_ANY,
			.version = version,
		};
	}
	ok = store_finish(st, &op, SOURCE_TIMEOUT_MS, err);
	d->part.missing = d->part.unknown = NULL;
	d->part.n_missing = d->part.n_unknown = 0;
	for (size_t i = 0; i < d->n; i++)
		partial_add(&d->part, kept(d, d->items[i].resource), "deleted",
			    writes[n_all - 1 - i].result);
	store_cancel(st, &op);
	return ok;
}

/* Only what lines and names need of it, for longer than the attempt. */
static struct resource *kept(struct deleting *d, const struct resource *r)
{
	struct resource *copy = arena_new(d->o->arena, struct resource);

	copy->kind = r->kind;
	copy->meta.name = arena_str(d->o->arena, r->meta.name);
	return copy;
}

static bool is_gone(const struct deleting *d, const struct kind *kind, const char *name)
{
	for (size_t i = 0; i < d->part.n_done; i++)
		if (d->part.done[i].resource->kind == kind &&
		    str_eq(d->part.done[i].resource->meta.name, name))
			return true;
	return false;
}

static void add(struct deleting *d, const struct resource *r)
{
	if (!goes(d, r))
		*arena_push(d->arena, d->items, d->n) = (struct done){ r, "deleted" };
}

static bool goes(const struct deleting *d, const struct resource *r)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].resource == r)
			return true;
	return false;
}

/* The status of NODE, and what names it. */
static void node_left_behind(struct deleting *d, const char *node)
{
	static const struct kind *const naming[] = { &kind_bgppeer, &kind_bgpconfiguration };

	/* Also where it went in an earlier attempt that left something of it. */
	if (!snapshot_find(d->stored, &kind_node, node) && !is_gone(d, &kind_node, node))
		return;
	if (snapshot_find(d->stored, &kind_nodestatus, node))
		*arena_push(d->arena, d->statuses, d->n_statuses) = node;
	for (size_t k = 0; k < lengthof(naming); k++)
		for (size_t i = 0; i < snapshot_count(d->stored, naming[k]); i++) {
			const struct resource *r = snapshot_at(d->stored, naming[k], i);

			if (!names_node(r, node) || goes(d, r))
				continue;
			if (d->cascade)
				add(d, r);
			else
				tell("%s/%s still names node %s (--cascade deletes it, too)",
				     r->kind->aliases[0], r->meta.name, node);
		}
}

static bool names_node(const struct resource *r, const char *node)
{
	if (r->kind == &kind_bgpconfiguration)
		return strncmp(r->meta.name, "node.", 5) == 0 && str_eq(r->meta.name + 5, node);
	return !resource_broken(r) && str_eq(resource_spec(r, bgppeer)->node, node);
}

static bool targets_of_files(struct load *l, const struct options *o, struct target **ret,
			     size_t *ret_n, struct err *err)
{
	if (!source_files(o, 0, l, err))
		return false;
	*ret = arena_array(o->arena, struct target, l->n);
	*ret_n = l->n;
	for (size_t i = 0; i < l->n; i++) {
		const struct resource *r = l->items[i];

		(*ret)[i] = (struct target){ r->kind, r->meta.name, r->meta.version };
		if (!write_allowed(r->kind, r->meta.name, r->place, err))
			return false;
	}
	return true;
}
