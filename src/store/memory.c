/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in memory, for tests and simulation. Handles of one name share what is in it, like
 * processes share a database file. An operation is never finished in store_start() but in the next
 * store_run(). SQLite is often done in store_start(), and code that relies on that fails here.
 *
 * A batch is written item by item; what each one displaced is kept until all have fitted, and put
 * back when one has not.
 */
#include "store/memory.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "store/driver.h"

struct item {
	const struct kind *kind;
	char *name, *json;
	size_t len;
	uint64_t rev;
};

struct change {
	uint64_t rev;
	const struct kind *kind;
	char *name;
	bool deleted;
};

struct shared {
	struct shared *next;
	char *name, *away, *refuses;
	char identity[33];
	bool gone, hangs;
	size_t partial; /* memory_partial(), while partial_kind is set */
	enum err_kind partial_kind, refuses_kind;
	unsigned lists_compacted;
	unsigned handles;
	struct item *items; /* by kind and name */
	size_t n_items, room_items;
	struct change *log; /* by revision */
	size_t n_log, room_log;
	uint64_t rev, compacted; /* the last change; the last one forgotten */
	uint64_t unwatched;	 /* versions of kinds outside the log */
};

struct waiting {
	struct waiting *next;
	struct op *op;
	uint64_t rev; /* WATCH: delivered so far */
	char revision[24];
};

struct memory {
	struct store st;
	struct shared *shared;
	struct waiting *waiting;
};

/* What a write displaced: at KIND and NAME there was WAS (no json: nothing). */
struct undo {
	const struct kind *kind;
	const char *name;
	struct item was;
};

static struct shared *all; /* named stores are process-wide by contract */

static struct shared *shared_find(const char *name);
static struct shared *shared_make(const char *name);
static void shared_free(struct shared *sh);
static size_t item_place(const struct shared *sh, const struct kind *kind, const char *name,
			 bool *ret_there);
static struct item item_set(struct shared *sh, const struct kind *kind, const char *name,
			    struct item put);
static void item_free(struct item *it);
static void item_tell(const struct item *it, struct op *op);
static void log_add(struct shared *sh, const struct write *w);
static void log_forget(struct shared *sh, size_t n);
static void waiting_remove(struct memory *m, struct waiting *gone);
static void op_run(struct shared *sh, struct waiting *w);
static void op_list(struct shared *sh, struct op *op);
static void op_get(struct shared *sh, struct op *op);
static void op_write(struct shared *sh, struct op *op);
static void op_write_partial(struct shared *sh, struct op *op);
static void op_watch(struct shared *sh, struct waiting *w);
static bool write_one(struct shared *sh, struct op *op, struct write *w, uint64_t *rev,
		      struct undo *undo);

static bool memory_check(const char *where, struct err *err)
{
	return err_set(err, ERR_USAGE,
		       "memory:%s ends with the process that has it; write sqlite:PATH or "
		       "etcd:https://HOST",
		       where);
}

static struct store *memory_open(const char *where, unsigned flags, struct err *err)
{
	struct shared *sh = shared_find(where);
	struct memory *m;

	if (sh && sh->away) {
		err_set(err, ERR_AWAY, "%s", sh->away);
		return NULL;
	}
	if (!sh && !(flags & STORE_CREATE)) {
		err_set(err, ERR_NOT_FOUND, "there is no store at memory:%s", where);
		return NULL;
	}
	m = mem_alloc(sizeof *m);
	*m = (struct memory){ .shared = sh ? sh : shared_make(where) };
	m->shared->handles++;
	return &m->st;
}

static void memory_start(struct store *st, struct op *op)
{
	struct memory *m = (struct memory *)st;
	struct waiting *w = arena_new(&op->arena, struct waiting), **at = &m->waiting;
	uint64_t since = 0;

	w->op = op;
	op->driver = w;
	if (op->type == OP_WATCH) {
		if (!op->since || !text_u64(op->since, strlen(op->since), UINT64_MAX, &since))
			since = UINT64_MAX; /* from another history */
		w->rev = since;
		op->revision = op->resume = arena_str(&op->arena, op->since);
	}
	while (*at)
		at = &(*at)->next;
	*at = w;
}

static void memory_cancel(struct store *st, struct op *op)
{
	waiting_remove((struct memory *)st, op->driver);
}

static void memory_run(struct store *st)
{
	struct memory *m = (struct memory *)st;

	for (struct waiting *w = m->waiting, *next; w; w = next) {
		next = w->next;
		op_run(m->shared, w);
		if (w->op->done)
			waiting_remove(m, w);
	}
}

static void memory_wait(struct store *st, struct poll *p)
{
	struct memory *m = (struct memory *)st;
	const struct shared *sh = m->shared;

	for (struct waiting *w = m->waiting; w && !sh->hangs; w = w->next)
		if (w->op->type != OP_WATCH || sh->gone || sh->away || w->rev != sh->rev)
			poll_now(p);
}

static void memory_close(struct store *st)
{
	struct memory *m = (struct memory *)st;
	struct shared *sh = m->shared;

	for (struct waiting *w = m->waiting; w; w = w->next) {
		err_set(&w->op->err, ERR_AWAY, "%s was closed", st->url);
		w->op->done = true;
	}
	if (--sh->handles == 0 && sh->gone)
		shared_free(sh);
	free(m);
}

const struct driver driver_memory = {
	.scheme = "memory",
	.check = memory_check,
	.status_rate = 500,
	.open = memory_open,
	.start = memory_start,
	.cancel = memory_cancel,
	.run = memory_run,
	.wait = memory_wait,
	.close = memory_close,
};

void memory_away(const char *name, const char *words)
{
	struct shared *sh = shared_find(name);

	if (!sh)
		return;
	free(sh->away);
	sh->away = words ? mem_str(words) : NULL;
}

void memory_refuse(const char *name, enum err_kind kind, const char *words)
{
	struct shared *sh = shared_find(name);

	if (!sh)
		return;
	free(sh->refuses);
	sh->refuses = words ? mem_str(words) : NULL;
	sh->refuses_kind = kind;
}

void memory_hang(const char *name, bool on)
{
	struct shared *sh = shared_find(name);

	if (sh)
		sh->hangs = on;
}

void memory_compact(const char *name)
{
	struct shared *sh = shared_find(name);

	if (sh)
		log_forget(sh, sh->n_log);
}

void memory_partial(const char *name, size_t n, enum err_kind kind)
{
	struct shared *sh = shared_find(name);

	if (!sh)
		return;
	sh->partial = n;
	sh->partial_kind = kind;
}

void memory_list_compacted(const char *name, unsigned n)
{
	struct shared *sh = shared_find(name);

	if (sh)
		sh->lists_compacted = n;
}

void memory_remove(const char *name)
{
	struct shared *sh = shared_find(name), **at = &all;

	if (!sh)
		return;
	while (*at != sh)
		at = &(*at)->next;
	*at = sh->next;
	sh->gone = true;
	if (!sh->handles)
		shared_free(sh);
}

static struct shared *shared_find(const char *name)
{
	for (struct shared *sh = all; sh; sh = sh->next)
		if (str_eq(sh->name, name))
			return sh;
	return NULL;
}

static struct shared *shared_make(const char *name)
{
	struct shared *sh = mem_alloc(sizeof *sh);

	*sh = (struct shared){ .next = all, .name = mem_str(name) };
	for (size_t i = 0; i < sizeof sh->identity - 1; i++)
		sh->identity[i] = "0123456789abcdef"[arc4random_uniform(16)];
	all = sh;
	return sh;
}

static void shared_free(struct shared *sh)
{
	for (size_t i = 0; i < sh->n_items; i++)
		item_free(&sh->items[i]);
	log_forget(sh, sh->n_log);
	free(sh->items);
	free(sh->log);
	free(sh->name);
	free(sh->away);
	free(sh->refuses);
	free(sh);
}

/* Where KIND and NAME stand in the items, or would. */
static size_t item_place(const struct shared *sh, const struct kind *kind, const char *name,
			 bool *ret_there)
{
	size_t low = 0, high = sh->n_items;

	*ret_there = false;
	while (low < high) {
		size_t at = low + (high - low) / 2;
		const struct item *it = &sh->items[at];
		int order = it->kind != kind ? (int)it->kind->id - (int)kind->id :
					       strcmp(it->name, name);

		if (!order)
			*ret_there = true;
		if (order < 0)
			low = at + 1;
		else
			high = at;
	}
	return low;
}

/* From now on PUT (no json: nothing) is at KIND and NAME; returns what was. */
static struct item item_set(struct shared *sh, const struct kind *kind, const char *name,
			    struct item put)
{
	bool there;
	size_t at = item_place(sh, kind, name, &there);
	struct item was = { 0 };

	if (there)
		was = sh->items[at];
	if (there && put.json) {
		sh->items[at] = put;
	} else if (there) {
		sh->n_items--;
		memmove(sh->items + at, sh->items + at + 1, (sh->n_items - at) * sizeof put);
	} else if (put.json) {
		if (sh->n_items == sh->room_items) {
			sh->room_items = sh->room_items ? sh->room_items * 2 : 64;
			sh->items = mem_resize(sh->items, sh->room_items * sizeof put);
		}
		memmove(sh->items + at + 1, sh->items + at, (sh->n_items - at) * sizeof put);
		sh->items[at] = put;
		sh->n_items++;
	}
	return was;
}

static void item_free(struct item *it)
{
	free(it->name);
	free(it->json);
}

static void item_tell(const struct item *it, struct op *op)
{
	char version[24];
	struct entry e = { it->kind, it->name, version, it->json, it->len };

	snprintf(version, sizeof version, "%" PRIu64, it->rev);
	op->entry(op->ctx, &e);
}

static void log_add(struct shared *sh, const struct write *w)
{
	if (sh->n_log >= STORE_LOG_KEEP)
		log_forget(sh, sh->n_log - STORE_LOG_KEEP + 1);
	if (sh->n_log == sh->room_log) {
		sh->room_log = sh->room_log ? sh->room_log * 2 : 64;
		sh->log = mem_resize(sh->log, sh->room_log * sizeof *sh->log);
	}
	sh->log[sh->n_log++] = (struct change){ ++sh->rev, w->kind, mem_str(w->name), !w->json };
}

static void log_forget(struct shared *sh, size_t n)
{
	if (!n)
		return;
	sh->compacted = sh->log[n - 1].rev;
	for (size_t i = 0; i < n; i++)
		free(sh->log[i].name);
	sh->n_log -= n;
	memmove(sh->log, sh->log + n, sh->n_log * sizeof *sh->log);
}

static void waiting_remove(struct memory *m, struct waiting *gone)
{
	for (struct waiting **at = &m->waiting; *at; at = &(*at)->next)
		if (*at == gone) {
			*at = gone->next;
			return;
		}
}

static void op_run(struct shared *sh, struct waiting *w)
{
	struct op *op = w->op;

	if (sh->hangs)
		return;
	op->done = op->type != OP_WATCH;
	if (!op->identity)
		op->identity = arena_str(&op->arena, sh->identity);
	if (sh->gone)
		err_set(&op->err, ERR_AWAY, "memory:%s was removed", sh->name);
	else if (sh->away)
		err_set(&op->err, ERR_AWAY, "%s", sh->away);
	else if (op->type == OP_WRITE && sh->refuses)
		err_set(&op->err, sh->refuses_kind, "%s", sh->refuses);
	else if (op->type == OP_LIST)
		op_list(sh, op);
	else if (op->type == OP_GET)
		op_get(sh, op);
	else if (op->type == OP_WRITE && sh->partial_kind && op->n_writes > sh->partial)
		op_write_partial(sh, op);
	else if (op->type == OP_WRITE)
		op_write(sh, op);
	else
		op_watch(sh, w);
	if (op->err.kind)
		op->done = true;
}

static void op_list(struct shared *sh, struct op *op)
{
	for (size_t i = 0; i < sh->n_items; i++)
		if (op->kinds & 1u << sh->items[i].kind->id)
			item_tell(&sh->items[i], op);
	if (sh->lists_compacted) {
		sh->lists_compacted--;
		err_set(&op->err, ERR_CONFLICT, "memory:%s was compacted while it was listed",
			sh->name);
	}
	op->revision = op->resume = arena_printf(&op->arena, "%" PRIu64, sh->rev);
}

static void op_get(struct shared *sh, struct op *op)
{
	bool there;
	size_t at = item_place(sh, op->kind, op->name, &there);

	if (there)
		item_tell(&sh->items[at], op);
	else
		err_set(&op->err, ERR_NOT_FOUND, "there is no %s/%s", op->kind->aliases[0],
			op->name);
}

static void op_write(struct shared *sh, struct op *op)
{
	struct undo *undo = mem_alloc((op->n_writes + 1) * sizeof *undo);
	uint64_t rev = sh->rev;
	size_t n = 0;
	bool fits = true;

	for (size_t i = 0; i < op->n_writes; i++)
		if (write_one(sh, op, &op->writes[i], &rev, &undo[n]))
			n++;
		else
			fits = false;
	while (!fits && n) {
		struct undo *u = &undo[--n];
		struct item put = item_set(sh, u->kind, u->name, u->was);

		item_free(&put);
	}
	for (size_t i = 0; i < n; i++)
		item_free(&undo[i].was);
	for (size_t i = 0; fits && i < op->n_writes; i++)
		if (!(op->writes[i].kind->flags & KIND_UNWATCHED) && op->writes[i].new_version)
			log_add(sh, &op->writes[i]);
	if (!fits)
		writes_undone(op);
	op->revision = arena_printf(&op->arena, "%" PRIu64, sh->rev);
	free(undo);
}

static void op_write_partial(struct shared *sh, struct op *op)
{
	enum err_kind kind = sh->partial_kind;
	size_t n_all = op->n_writes;

	sh->partial_kind = ERR_NONE;
	op->n_writes = sh->partial;
	op_write(sh, op);
	op->n_writes = n_all;
	if (kind == ERR_TIMEOUT)
		op->writes[sh->partial].result = WRITE_UNKNOWN;
	if (!op->err.kind)
		err_set(&op->err, kind, "memory:%s took %zu of %zu writes", sh->name, sh->partial,
			n_all);
}

/* REV is the revision that the log will have reached if all of the batch so far fit. */
static bool write_one(struct shared *sh, struct op *op, struct write *w, uint64_t *rev,
		      struct undo *undo)
{
	bool there, watched = !(w->kind->flags & KIND_UNWATCHED);
	size_t at = item_place(sh, w->kind, w->name, &there);
	char version[24];
	struct item put = { w->kind };

	if (there)
		snprintf(version, sizeof version, "%" PRIu64, sh->items[at].rev);
	if (!write_fits(w, there ? version : NULL, &op->err))
		return false;
	w->result = WRITE_DONE;
	*undo = (struct undo){ w->kind, w->name, { 0 } };
	if (!there && !w->json)
		return true; /* nothing to delete is no change */
	put.rev = watched ? ++*rev : ++sh->unwatched;
	w->new_version = arena_printf(&op->arena, "%" PRIu64, put.rev);
	if (w->json) {
		put.name = mem_str(w->name);
		put.json = mem_alloc(w->len + 1);
		memcpy(put.json, w->json, w->len);
		put.json[w->len] = '\0';
		put.len = w->len;
	}
	undo->was = item_set(sh, w->kind, w->name, put);
	return true;
}

/* The last state of each object that changed: a change that a later one covers is passed over. */
static void op_watch(struct shared *sh, struct waiting *w)
{
	struct op *op = w->op;
	uint64_t start = w->rev;

	if (start < sh->compacted || start > sh->rev) {
		err_set(&op->err, ERR_CONFLICT,
			"revision %s is not among the changes that memory:%s still knows",
			op->revision ? op->revision : "(none)", sh->name);
		return;
	}
	for (size_t i = (size_t)(start - sh->compacted); i < sh->n_log; i++) {
		const struct change *c = &sh->log[i];
		struct item gone = { c->kind, c->name, NULL, 0, c->rev };
		bool there;
		size_t at;

		if (!(op->kinds & 1u << c->kind->id))
			continue;
		at = item_place(sh, c->kind, c->name, &there);
		if (there ? sh->items[at].rev == c->rev : c->deleted)
			item_tell(there ? &sh->items[at] : &gone, op);
	}
	w->rev = sh->rev;
	snprintf(w->revision, sizeof w->revision, "%" PRIu64, w->rev);
	op->revision = op->resume = w->revision;
}
