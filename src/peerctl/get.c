/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as the store has them, in the order that was asked for. Tables go by kind, since each has
 * its own columns; an object that does not decode is shown as far as it can be, with a word on
 * stderr.
 */
#include "model/kinds/specs.h"
#include "peerctl/command.h"
#include "peerctl/output.h"
#include "peerctl/source.h"
#include "peerctl/watch.h"
#include "store/entry.h"

struct getting {
	const struct options *o;
	enum decode_mode
		mode; /* documents are kept only to be printed: they are most of the memory */
	struct resource **items;
	size_t n;
	enum err_kind first; /* of what was asked for and is not there */
	struct snapshot *stored;
	const char *revision; /* of a list */
};

static bool targets_make(const struct options *o, struct load *l, struct target **ret,
			 size_t *ret_n, struct err *err);
static bool fetch(struct getting *g, struct store *st, const struct target *t, size_t n,
		  struct err *err);
static bool fetch_one(struct getting *g, struct store *st, const struct target *t, struct err *err);
static void fetch_entry(void *ctx, const struct entry *e);
static void missing(struct getting *g, const struct target *t);
static void print_tables(const struct getting *g, struct listing *l, const struct style *style,
			 struct buf *out);
static const char *get_cell(const void *item, const char *column, struct arena *a);
static struct value get_document(const void *item, struct arena *a);
static const char *get_name(const void *item, struct arena *a);

bool run_get(const struct options *o, struct err *err)
{
	auto_load struct load load = { 0 };
	auto_snapshot struct snapshot *stored = snapshot_new();
	struct getting g = { .o = o, .stored = stored };
	auto_store struct store *st = NULL;
	auto_buf struct buf out = { 0 };
	struct target *targets = NULL;
	struct listing l = { .cell = get_cell, .document = get_document, .name = get_name };
	struct style style;
	size_t n = 0;

	if (!output_style(o,
			  OUTPUT_TABLE | OUTPUT_WIDE | OUTPUT_YAML | OUTPUT_JSON | OUTPUT_NAME |
				  OUTPUT_COLUMNS,
			  &style, err) ||
	    !targets_make(o, &load, &targets, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!style_columns(&style, targets[i].kind->columns, targets[i].kind->wide_columns,
				   err))
			return false;
	g.mode = style_is(&style, OUTPUT_YAML | OUTPUT_JSON) ? DECODE_KEEP_DOC : 0;
	if (option_given(o, OPT_WATCH))
		return watch_objects(o, targets, n, &style, err);
	if (option_given(o, OPT_OUTPUT_WATCH_EVENTS))
		return err_set(err, ERR_USAGE, "--output-watch-events goes with -w");
	st = source_open(o, STORE_READ_ONLY, err);
	if (!st || !fetch(&g, st, targets, n, err))
		return false;
	for (size_t i = 0; i < g.n; i++) {
		if (resource_broken(g.items[i]))
			source_tell_broken(g.items[i]);
		if (option_given(o, OPT_EXPORT))
			source_strip(g.items[i]);
	}
	l.items = (const void *const *)g.items;
	l.n = g.n;
	l.single = n == 1 && targets[0].name;
	if (n == 1 && !targets[0].name) {
		l.kind = targets[0].kind;
		l.revision = option_given(o, OPT_EXPORT) ? NULL : g.revision;
	}
	if (style_is(&style, OUTPUT_TABLE | OUTPUT_WIDE | OUTPUT_COLUMNS))
		print_tables(&g, &l, &style, &out);
	else if (!l.single || g.n)
		listing_print(&l, &style, &out);
	if (n == 1 && !targets[0].name && !g.n)
		tell(targets[0].kind->flags & KIND_FILES_ONLY ?
			     "there is no %s in %s: a store holds none, they are files of peerd's "
			     "--secrets-dir" :
			     "there is no %s in %s",
		     targets[0].kind->name, store_url(st));
	if (!output_write(&out, err))
		return false;
	return !g.first || told(err, g.first);
}

static bool targets_make(const struct options *o, struct load *l, struct target **ret,
			 size_t *ret_n, struct err *err)
{
	if (option_given(o, OPT_FILENAME) == (o->n_args > 0))
		return o->n_args ?
			       err_set(err, ERR_USAGE, "give files with -f or names, not both") :
			       err_set(err, ERR_USAGE,
				       "which kind? KIND [NAME...], KIND/NAME... or -f FILE; "
				       "kinds are %s",
				       kinds_named(o->arena));
	if (o->n_args)
		return source_targets(o, ret, ret_n, err);
	if (!source_files(o, 0, l, err))
		return false;
	*ret = arena_array(o->arena, struct target, l->n);
	*ret_n = l->n;
	for (size_t i = 0; i < l->n; i++)
		(*ret)[i] = (struct target){ .kind = l->items[i]->kind,
					     .name = l->items[i]->meta.name };
	return true;
}

/* A few names are asked for one by one; more are picked from a list. */
static bool fetch(struct getting *g, struct store *st, const struct target *t, size_t n,
		  struct err *err)
{
	unsigned wanted = 0;

	for (size_t i = 0; i < n; i++)
		wanted |= 1u << t[i].kind->id;
	if (!n)
		return true;
	if (n <= 8 && t[0].name) {
		for (size_t i = 0; i < n; i++)
			if (!fetch_one(g, st, &t[i], err))
				return false;
		return true;
	}
	if (!source_list_at(st, wanted & KINDS_STORED, g->mode, g->stored, g->o->arena,
			    &g->revision, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct resource *r =
			t[i].name ? snapshot_find(g->stored, t[i].kind, t[i].name) : NULL;

		for (size_t j = 0; !t[i].name && j < snapshot_count(g->stored, t[i].kind); j++)
			*arena_push(g->o->arena, g->items, g->n) =
				(struct resource *)snapshot_at(g->stored, t[i].kind, j);
		if (r)
			*arena_push(g->o->arena, g->items, g->n) = (struct resource *)r;
		else if (t[i].name)
			missing(g, &t[i]);
	}
	return true;
}

static bool fetch_one(struct getting *g, struct store *st, const struct target *t, struct err *err)
{
	struct op op = {
		.type = OP_GET, .kind = t->kind, .name = t->name, .entry = fetch_entry, .ctx = g
	};
	const struct resource *have = snapshot_find(g->stored, t->kind, t->name);
	bool ok;

	if (have) { /* asked for twice */
		*arena_push(g->o->arena, g->items, g->n) = (struct resource *)have;
		return true;
	}
	ok = store_finish(st, &op, SOURCE_TIMEOUT_MS, err);
	store_cancel(st, &op);
	if (!ok && err->kind == ERR_NOT_FOUND) {
		*err = (struct err){ 0 };
		missing(g, t);
		return true;
	}
	return ok;
}

static void fetch_entry(void *ctx, const struct entry *e)
{
	struct getting *g = ctx;
	struct resource *r = entry_resource(e, DECODE_TOLERANT | g->mode);

	*arena_push(g->o->arena, g->items, g->n) = r;
	snapshot_put(g->stored, r);
}

static void missing(struct getting *g, const struct target *t)
{
	tell("%s/%s does not exist", t->kind->aliases[0], t->name);
	g->first = g->first ? g->first : ERR_NOT_FOUND;
}

static void print_tables(const struct getting *g, struct listing *l, const struct style *style,
			 struct buf *out)
{
	for (size_t i = 0, end; i < g->n; i = end) {
		const struct kind *kind = g->items[i]->kind;

		for (end = i; end < g->n && g->items[end]->kind == kind; end++)
			continue;
		if (i)
			buf_char(out, '\n');
		l->items = (const void *const *)g->items + i;
		l->n = end - i;
		l->columns = kind->columns;
		l->wide = kind->wide_columns;
		listing_print(l, style, out);
	}
}

static const char *get_cell(const void *item, const char *column, struct arena *a)
{
	const struct resource *r = item;

	return r->kind->cell(r, column, a);
}

static struct value get_document(const void *item, struct arena *a)
{
	return resource_encode(item, a);
}

static const char *get_name(const void *item, struct arena *a)
{
	return resource_id(item, a);
}
