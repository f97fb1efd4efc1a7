/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All objects that users own, from one store to another: the bytes as they are, so that labels,
 * uid, time of creation and fields of a later version come along. Both stores are read and compared
 * first, by value; where an object is there with another content nothing is written at all. Then
 * everything is written at once (as far as the target can), read back and compared again.
 *
 * What is there already is left alone, so a run that was cut off is finished by another one.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "peerctl/command.h"
#include "peerctl/write.h"
#include "store/entry.h"

#define SHOWN_MAX     80   /* bytes of a value in a message */
#define PROGRESS_MS   1000 /* what takes longer shows how far it is */
#define PROGRESS_STEP 100

/* Not what lives in files, nor what agents or Calico write themselves. */
#define KINDS_OWNED kinds_without(KIND_FILES_ONLY | KIND_UNWATCHED | KIND_READ_ONLY)

struct side {
	const char *option, *url;
	struct store *store;   /* NULL: not there yet */
	struct snapshot *snap; /* with documents */
	const char *identity;
};

struct carried { /* an object of the source */
	const struct resource *resource;
	const char *json;
	size_t len;
	const char *word;      /* what becomes of it; NULL: it is broken */
	const char *version;   /* what the target has; NULL: nothing */
	struct resource shown; /* with the target's version */
};

struct progress {
	const char *what;
	size_t n, total; /* TOTAL 0: nobody knows */
	int64_t begun, shown;
	bool visible;
};

struct migration {
	const struct options *o;
	struct arena *arena;
	struct side from, to;
	struct carried *items;
	size_t n, n_broken, n_created, n_configured, n_conflicts;
	struct progress progress;
	struct side *listed; /* while it is listed */
};

struct difference {
	struct buf path;
	const struct value *from, *to; /* NULL: nothing */
};

#define auto_migration __attribute__((cleanup(migration_free)))

static void migration_free(struct migration *m);
static bool prepare(struct migration *m, struct err *err);
static bool side_open(struct migration *m, struct side *side, unsigned flags, struct err *err);
static const char *side_name(const struct side *side);
static bool side_list(struct migration *m, struct side *side, struct err *err);
static void list_entry(void *ctx, const struct entry *e);
static int carried_order(const void *a, const void *b);
static void decide(struct migration *m);
static bool stop(const struct migration *m, struct err *err);
static bool report(const struct migration *m, const struct style *style, bool dry_run,
		   struct err *err);
static bool move(struct migration *m, const struct style *style, struct err *err);
static bool verify(struct migration *m, struct err *err);
static bool finish(struct migration *m, struct store *st, struct op *op, struct err *err);
static void progress_begin(struct progress *p, const char *what, size_t total);
static void progress_show(struct progress *p);
static void progress_end(struct progress *p);
static bool differ(const struct value *from, const struct value *to, struct difference *d);
static bool differ_at(struct difference *d, size_t len, const char *key, size_t index,
		      const struct value *from, const struct value *to);
static void tell_difference(const struct resource *r, const struct difference *d);
static const char *shown(const struct value *v, const char *path, struct arena *a);

bool run_migrate(const struct options *o, struct err *err)
{
	auto_migration struct migration m = {
		.o = o,
		.arena = o->arena,
		.from = {.option = "--from", .url = option_value(o, OPT_FROM)},
		.to = { .option = "--to",  .url = option_value(o, OPT_TO)	 },
	};
	struct style style;
	bool dry_run;

	if (!options_args(o, 0, err) || !option_dry_run(o, &dry_run, err))
		return false;
	if (!m.from.url || !m.to.url)
		return err_set(err, ERR_USAGE, "from where to where? --from STORE --to STORE");
	if (option_given(o, OPT_OUTPUT) ? !output_style(o, WRITE_OUTPUTS, &style, err) :
					  !output_style(o, OUTPUT_TABLE, &style, err))
		return false;
	if (!prepare(&m, err))
		return false;
	decide(&m);
	if (dry_run ? !report(&m, &style, true, err) || !stop(&m, err) :
		      !stop(&m, err) || !move(&m, &style, err) || !verify(&m, err))
		return false;
	tell("left behind: Secrets, which are files of peerd's --secrets-dir, and the status of "
	     "nodes, which their agents write anew");
	return true;
}

static void migration_free(struct migration *m)
{
	snapshot_unref(m->from.snap);
	snapshot_unref(m->to.snap);
	store_close(m->from.store);
	store_close(m->to.store);
}

/* Reads both; the target need not be there. */
static bool prepare(struct migration *m, struct err *err)
{
	if (!side_open(m, &m->from, STORE_READ_ONLY, err) || !side_list(m, &m->from, err))
		return false;
	if (!side_open(m, &m->to, STORE_READ_ONLY, err)) {
		if (err->kind != ERR_NOT_FOUND)
			return false;
		m->to.snap = snapshot_new();
		*err = (struct err){ 0 };
		return true;
	}
	if (!side_list(m, &m->to, err))
		return false;
	if (str_eq(m->from.identity, m->to.identity))
		return err_set(err, ERR_USAGE,
			       "%s and %s are the same store, or one is a copy of the other's file",
			       side_name(&m->from), side_name(&m->to));
	return true;
}

static bool side_open(struct migration *m, struct side *side, unsigned flags, struct err *err)
{
	store_close(side->store);
	side->store = source_open_url(m->o, side->url, flags, err);
	return side->store || err_wrap(err, "%s", side->option);
}

/* For messages: without what may be secret in a URL. */
static const char *side_name(const struct side *side)
{
	return side->store ? store_url(side->store) : side->url;
}

static bool side_list(struct migration *m, struct side *side, struct err *err)
{
	for (int i = 1;; i++) {
		struct op op = {
			.type = OP_LIST, .kinds = KINDS_OWNED, .entry = list_entry, .ctx = m
		};
		bool ok;

		snapshot_unref(side->snap);
		side->snap = snapshot_new();
		m->listed = side;
		if (side == &m->from) {
			m->items = NULL;
			m->n = m->n_broken = 0;
		}
		progress_begin(&m->progress, "read", 0);
		ok = finish(m, side->store, &op, err);
		progress_end(&m->progress);
		side->identity = arena_str(m->arena, op.identity);
		store_cancel(side->store, &op);
		if (ok && side == &m->from && m->n)
			qsort(m->items, m->n, sizeof *m->items, carried_order);
		if (ok)
			return true;
		if (err->kind != ERR_CONFLICT || i == LIST_ATTEMPTS)
			return err_wrap(err, "%s", side->option);
		*err = (struct err){ 0 };
	}
}

static void list_entry(void *ctx, const struct entry *e)
{
	struct migration *m = ctx;
	struct resource *r;

	if (!e->json)
		return;
	r = entry_resource(e, DECODE_TOLERANT | DECODE_KEEP_DOC);
	snapshot_put(m->listed->snap, r);
	if (m->listed == &m->from) {
		*arena_push(m->arena, m->items, m->n) = (struct carried){
			.resource = r,
			.json = arena_strn(m->arena, e->json, e->len),
			.len = e->len,
		};
		m->n_broken += resource_broken(r);
	}
	m->progress.n++;
	progress_show(&m->progress);
}

/* Stores list kinds in an order of their own. */
static int carried_order(const void *a, const void *b)
{
	const struct resource *x = ((const struct carried *)a)->resource;
	const struct resource *y = ((const struct carried *)b)->resource;

	return x->kind != y->kind ? (int)x->kind->id - (int)y->kind->id :
				    strcmp(x->meta.name, y->meta.name);
}

/* What becomes of each object; what stands in the way is told. */
static void decide(struct migration *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct carried *it = &m->items[i];
		const struct resource *r = it->resource;
		const struct resource *have = snapshot_find(m->to.snap, r->kind, r->meta.name);
		struct difference d = { 0 };

		it->shown = *r;
		it->version = it->shown.meta.version = have ? have->meta.version : NULL;
		if (resource_broken(r)) {
			source_tell_broken(r);
		} else if (!have) {
			it->word = "created";
			m->n_created++;
		} else if (!differ(r->doc, have->doc, &d)) {
			it->word = "unchanged";
		} else if (option_given(m->o, OPT_OVERWRITE)) {
			it->word = "configured";
			m->n_configured++;
		} else {
			it->word = "conflict";
			m->n_conflicts++;
			tell_difference(r, &d);
		}
		buf_free(&d.path);
	}
	tell("%s to %s: %zu to create, %zu to change, %zu as they are, %zu in conflict, %zu broken",
	     side_name(&m->from), side_name(&m->to), m->n_created, m->n_configured,
	     m->n - m->n_created - m->n_configured - m->n_conflicts - m->n_broken, m->n_conflicts,
	     m->n_broken);
}

static bool stop(const struct migration *m, struct err *err)
{
	if (m->n_broken && !option_given(m->o, OPT_SKIP_BROKEN))
		return err_set(err, ERR_INVALID,
			       "nothing was written: %zu object%s of %s cannot be read; mend or "
			       "delete them, or leave them behind with --skip-broken",
			       m->n_broken, m->n_broken == 1 ? "" : "s", side_name(&m->from));
	if (m->n_conflicts)
		return err_set(err, ERR_CONFLICT,
			       "nothing was written: %zu object%s of %s differ%s from the source; "
			       "--overwrite makes them the source's",
			       m->n_conflicts, m->n_conflicts == 1 ? "" : "s", side_name(&m->to),
			       m->n_conflicts == 1 ? "s" : "");
	return true;
}

static bool report(const struct migration *m, const struct style *style, bool dry_run,
		   struct err *err)
{
	struct done *items = arena_array(m->arena, struct done, m->n);
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].word)
			items[n++] = (struct done){ &m->items[i].shown, m->items[i].word };
	return write_report(items, n, style, dry_run, side_name(&m->to), err);
}

static bool move(struct migration *m, const struct style *style, struct err *err)
{
	size_t n = m->n_created + m->n_configured;
	struct write *writes = arena_array(m->arena, struct write, n);
	struct carried **moved = arena_array(m->arena, struct carried *, n);
	struct op op = { .type = OP_WRITE, .writes = writes };
	struct partial part = { .arena = m->arena };
	bool ok;

	if (!n)
		return report(m, style, false, err);
	if (!side_open(m, &m->to, STORE_CREATE, err))
		return false;
	for (size_t i = 0; i < m->n; i++) {
		struct carried *it = &m->items[i];

		if (!it->word || str_eq(it->word, "unchanged"))
			continue;
		moved[op.n_writes] = it;
		writes[op.n_writes++] = (struct write){
			.kind = it->resource->kind,
			.name = it->resource->meta.name,
			.json = it->json,
			.len = it->len,
			.expect = it->version ? EXPECT_VERSION : EXPECT_ABSENT,
			.version = it->version,
		};
	}
	progress_begin(&m->progress, "written", n);
	ok = finish(m, m->to.store, &op, err);
	progress_end(&m->progress);
	for (size_t i = 0; i < n; i++) {
		moved[i]->shown.meta.version = arena_str(m->arena, writes[i].new_version);
		partial_add(&part, &moved[i]->shown, moved[i]->word, writes[i].result);
	}
	store_cancel(m->to.store, &op);
	if (ok)
		return report(m, style, false, err);
	write_report_partial(&part, style, side_name(&m->to));
	return false;
}

/* Is in the target what was read in the source? */
static bool verify(struct migration *m, struct err *err)
{
	size_t n = 0, n_wrong = 0;

	if (m->to.store && !side_list(m, &m->to, err))
		return false;
	for (size_t i = 0; i < m->n; i++) {
		const struct resource *r = m->items[i].resource;
		const struct resource *have = snapshot_find(m->to.snap, r->kind, r->meta.name);
		struct difference d = { 0 };

		if (!m->items[i].word)
			continue;
		n++;
		if (differ(r->doc, have ? have->doc : NULL, &d)) {
			n_wrong++;
			tell_difference(r, &d);
		}
		buf_free(&d.path);
	}
	if (n_wrong)
		return err_set(err, ERR_CONFLICT,
			       "%zu of %zu objects read back from %s are not what was written: "
			       "somebody changed them meanwhile",
			       n_wrong, n, side_name(&m->to));
	tell("verified: %zu object%s", n, n == 1 ? "" : "s");
	return true;
}

/* Gives up when nothing has moved for SOURCE_TIMEOUT_MS. The caller cancels OP. */
static bool finish(struct migration *m, struct store *st, struct op *op, struct err *err)
{
	struct progress *p = &m->progress;
	int64_t deadline = clock_ms() + SOURCE_TIMEOUT_MS;
	size_t before = 0;

	store_start(st, op);
	while (!op->done) {
		struct poll poll = { 0 };

		store_run(st);
		if (op->type == OP_WRITE)
			p->n = 0;
		for (size_t i = 0; op->type == OP_WRITE && i < op->n_writes; i++)
			p->n += op->writes[i].result == WRITE_DONE;
		progress_show(p);
		if (op->done)
			break;
		if (p->n != before)
			deadline = clock_ms() + SOURCE_TIMEOUT_MS;
		before = p->n;
		if (clock_ms() >= deadline) {
			store_give_up(st, op, SOURCE_TIMEOUT_MS);
			break;
		}
		store_wait(st, &poll);
		poll_at(&poll, deadline);
		poll_block(&poll);
	}
	if (op->err.kind)
		*err = op->err;
	return !op->err.kind;
}

static void progress_begin(struct progress *p, const char *what, size_t total)
{
	*p = (struct progress){ .what = what, .total = total, .begun = clock_ms() };
}

/* On a terminal, and only when it takes long. */
static void progress_show(struct progress *p)
{
	int64_t now = clock_ms();

	if (now - p->begun < PROGRESS_MS || now - p->shown < PROGRESS_STEP ||
	    !isatty(STDERR_FILENO))
		return;
	p->shown = now;
	fprintf(stderr, "\r%s: %zu", p->what, p->n);
	if (p->total)
		fprintf(stderr, " of %zu", p->total);
	fflush(stderr);
}

static void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
}

/* Do two documents differ, the version aside that every store gives anew? D gets the first place.
 * NULL is nothing, or what cannot be read. */
static bool differ(const struct value *from, const struct value *to, struct difference *d)
{
	size_t len = d->path.len;

	if (value_eq(from, to))
		return false;
	if (from && to && from->type == VALUE_MAP && to->type == VALUE_MAP) {
		for (uint32_t i = 0; i < from->n; i++) {
			const struct member *m = &from->members[i];

			if (differ_at(d, len, m->key, 0, &m->value, value_get(to, m->key)))
				return true;
		}
		for (uint32_t i = 0; i < to->n; i++) {
			const struct member *m = &to->members[i];

			if (!value_get(from, m->key) &&
			    differ_at(d, len, m->key, 0, NULL, &m->value))
				return true;
		}
		return false;
	}
	if (from && to && from->type == VALUE_LIST && to->type == VALUE_LIST)
		for (uint32_t i = 0; i < MAX(from->n, to->n); i++)
			if (differ_at(d, len, NULL, i, i < from->n ? &from->items[i] : NULL,
				      i < to->n ? &to->items[i] : NULL))
				return true;
	d->from = from;
	d->to = to;
	return true;
}

/* The same below KEY, or the item INDEX, of what has the first LEN bytes of the path. */
static bool differ_at(struct difference *d, size_t len, const char *key, size_t index,
		      const struct value *from, const struct value *to)
{
	d->path.len = len;
	if (key)
		buf_printf(&d->path, "%s%s", len ? "." : "", key);
	else
		buf_printf(&d->path, "[%zu]", index);
	return !str_eq(buf_text(&d->path), "metadata.resourceVersion") && differ(from, to, d);
}

static void tell_difference(const struct resource *r, const struct difference *d)
{
	auto_arena struct arena a = { 0 };
	const char *path = buf_text(&d->path);

	tell("%s: %s is %s in --from, %s in --to", resource_id(r, &a),
	     *path ? path : "the document", shown(d->from, path, &a), shown(d->to, path, &a));
}

/* A scalar, cut; nothing that could be a password. */
static const char *shown(const struct value *v, const char *path, struct arena *a)
{
	auto_buf struct buf text = { 0 };

	if (!v)
		return *path ? "missing" : "missing or not JSON";
	if (v->type == VALUE_MAP || v->type == VALUE_LIST)
		return value_type_name(v->type);
	if (strstr(path, "password") && !strstr(path, "secretKeyRef"))
		return REDACTED;
	json_print(v, 0, &text);
	return arena_printf(a, "%.*s%s", SHOWN_MAX, buf_text(&text),
			    text.len > SHOWN_MAX ? "..." : "");
}
