/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of store/ share: a store of each driver to play with, and operations in one line. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "store/memory.h"
#include "store/store.h"

#define PUT_MS 20000

/* A folder of its own and the URL of a store in it that is not there yet. */
struct world {
	const char *scheme;
	char folder[64];
	char path[96]; /* sqlite */
	char name[64]; /* memory */
	char url[128];
};

static inline void world_empty(const struct world *w);

static inline int world_make(void **state)
{
	struct world *w = mem_alloc(sizeof *w);

	*w = (struct world){ .scheme = *state };
	strcpy(w->folder, "/tmp/peerage-unit-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->path, sizeof w->path, "%s/t.db", w->folder);
	snprintf(w->name, sizeof w->name, "%s", w->folder + 5);
	snprintf(w->url, sizeof w->url, "%s:%s", w->scheme,
		 str_eq(w->scheme, "memory") ? w->name : w->path);
	if (str_eq(w->scheme, "etcd")) {
		snprintf(w->url, sizeof w->url, "%s", getenv("PEERAGE_TEST_ETCD"));
		world_empty(w);
	}
	*state = w;
	return 0;
}

static inline int world_remove(void **state)
{
	static const char *const files[] = { "",      "-wal",	 "-shm", "-journal",
					     ".lock", ".notify", ".old" };
	struct world *w = *state;
	char path[128];

	memory_remove(w->name);
	for (size_t i = 0; i < lengthof(files); i++) {
		snprintf(path, sizeof path, "%s%s", w->path, files[i]);
		if (remove(path) < 0)
			continue;
	}
	assert_int_equal(rmdir(w->folder), 0);
	free(w);
	return 0;
}

#define CASE(f, scheme)                                                                            \
	{                                                                                          \
#f " (" scheme ")", f, world_make, world_remove, (void *)scheme                    \
	}
#define BOTH(f) CASE(f, "memory"), CASE(f, "sqlite")

static inline struct store *open_store(const char *url, unsigned flags)
{
	struct err err = { 0 };
	struct store *st = store_open(url, flags, &err);

	if (!st)
		fail_msg("%s: %s", url, err.words);
	return st;
}

/* Each entry as "bgppeer/a@VERSION=JSON " or "bgppeer/a@VERSION gone "; without version unless asked. */
struct told {
	struct buf text;
	bool versions;
	size_t n;
};

static inline void told_entry(void *ctx, const struct entry *e)
{
	struct told *t = ctx;

	t->n++;
	buf_printf(&t->text, "%s/%s", e->kind->aliases[0], e->name);
	if (t->versions)
		buf_printf(&t->text, "@%s", e->version);
	if (!e->json) {
		buf_str(&t->text, " gone ");
		return;
	}
	buf_char(&t->text, '=');
	buf_add(&t->text, e->json, e->len);
	buf_char(&t->text, ' ');
}

static inline bool write_many(struct store *st, struct write *writes, size_t n, struct err *err)
{
	struct op op = { .type = OP_WRITE, .writes = writes, .n_writes = n };
	bool ok = store_finish(st, &op, PUT_MS, err);

	store_cancel(st, &op);
	return ok;
}

/* One write that must work; JSON NULL deletes. */
static inline void put(struct store *st, const struct kind *kind, const char *name,
		       const char *json)
{
	struct write w = {
		.kind = kind, .name = name, .json = json, .len = json ? strlen(json) : 0
	};
	struct err err = { 0 };

	if (!write_many(st, &w, 1, &err))
		fail_msg("%s: %s", name, err.words);
	assert_int_equal(w.result, WRITE_DONE);
}

/* What is in the store, as text in BUF; with the revision in REVISION (24 bytes) unless NULL. Kind by
 * kind: a store may tell of several in any order. */
static inline const char *list_text(struct store *st, unsigned mask, struct told *t, char *revision)
{
	buf_clear(&t->text);
	t->n = 0;
	for (unsigned k = 0; k < KIND_COUNT; k++) {
		struct op op = {
			.type = OP_LIST, .kinds = mask & 1u << k, .entry = told_entry, .ctx = t
		};
		struct err err = { 0 };

		if (!op.kinds)
			continue;
		if (!store_finish(st, &op, PUT_MS, &err))
			fail_msg("list: %s", err.words);
		assert_non_null(op.identity);
		if (revision)
			snprintf(revision, 24, "%s", op.revision);
		store_cancel(st, &op);
	}
	return buf_text(&t->text);
}

static inline unsigned kinds_all(void)
{
	return (1u << KIND_COUNT) - 1;
}

static inline void gone_entry(void *ctx, const struct entry *e)
{
	put(ctx, e->kind, e->name, NULL);
}

/* Of a server that outlives the case: what earlier ones left goes. */
static inline void world_empty(const struct world *w)
{
	struct store *st = open_store(w->url, STORE_CREATE), *with = open_store(w->url, 0);
	struct op op = { .type = OP_LIST, .kinds = kinds_all(), .entry = gone_entry, .ctx = with };
	struct err err = { 0 };

	op.kinds &= ~(1u << KIND_BLOCKAFFINITY);
	if (!store_finish(st, &op, PUT_MS, &err))
		fail_msg("empty: %s", err.words);
	store_cancel(st, &op);
	store_close(st);
	store_close(with);
}
