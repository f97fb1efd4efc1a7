/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded store: one SQLite file in WAL mode, for many readers and several writers at once.
 *
 * What changed is found through a log with one row per change; its row id is the revision, and the
 * version of an object is the revision that wrote it. So the log rows that still matter are those
 * whose revision is the version of their object (or whose object is gone). Kinds outside the log
 * get random versions, because theirs need only differ.
 *
 * Waking: a writer touches PATH.notify after COMMIT and watchers have inotify on it. (On the -wal
 * itself they would always be one event late.) A writer can die in between, so each run also asks
 * `PRAGMA data_version`; the poll of BIRD bounds how long that takes (decisions.md 37).
 *
 * Locking: writers take a flock before BEGIN IMMEDIATE. SQLite's own busy handler sleeps blindly
 * and lets one writer starve. Nothing blocks here: who finds the lock taken tries again at
 * `retry_at`.
 */
#include "store/sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/inotify.h>

#include "base/clock.h"
#include "base/text.h"

#define SAY_MS 1000 /* a wait longer than this is told in op->err */

struct waiting {
	struct waiting *next;
	struct op *op;
	int64_t retry_at;
	int64_t busy_since; /* 0: it is not waiting for a lock */
	/* WATCH */
	int64_t rev; /* delivered so far */
	int64_t data_version;
	bool look; /* something said that there may be news */
	char revision[24];
};

static const char *const texts[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN",
	[SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_STATE] = "SELECT identity, (SELECT min(rev) FROM log), (SELECT max(rev) FROM log),"
		      " schema FROM store",
	[SQL_LIST] = "SELECT kind, name, version, json FROM resource WHERE kind = ?1 ORDER BY name",
	[SQL_GET] = "SELECT kind, name, version, json FROM resource WHERE kind = ?1 AND name = ?2",
	[SQL_VERSION] = "SELECT version FROM resource WHERE kind = ?1 AND name = ?2",
	[SQL_PUT] = "INSERT INTO resource(kind, name, version, json) VALUES(?1, ?2, ?3, ?4)"
		    " ON CONFLICT DO UPDATE SET version = ?3, json = ?4",
	[SQL_DELETE] = "DELETE FROM resource WHERE kind = ?1 AND name = ?2",
	[SQL_LOG] = "INSERT INTO log(rev, kind, name, deleted) VALUES(?3, ?1, ?2, ?4)",
	[SQL_TRIM] = "DELETE FROM log WHERE rev <= ?1",
	[SQL_CHANGES] = "SELECT l.kind, l.name, l.rev, r.json FROM log l LEFT JOIN resource r"
			" ON r.kind = l.kind AND r.name = l.name WHERE l.rev > ?1 AND"
			" (r.version = l.rev OR (l.deleted AND r.version IS NULL)) ORDER BY l.rev",
	[SQL_DATA_VERSION] = "PRAGMA data_version",
};

struct state {
	int64_t oldest, last; /* of the log; 1 and 0 when nothing was ever logged */
};

static void waiting_remove(struct sqlite *s, struct waiting *gone);
static void waiting_try(struct sqlite *s, struct waiting *w);
static void waiting_busy(struct sqlite *s, struct waiting *w);
static int op_list(struct sqlite *s, struct op *op);
static int op_get(struct sqlite *s, struct op *op);
static int op_write(struct sqlite *s, struct op *op);
static int op_watch(struct sqlite *s, struct waiting *w);
static int write_all(struct sqlite *s, struct op *op, bool *ret_logged);
static int write_one(struct sqlite *s, struct op *op, struct write *w, int64_t *rev);
static int watch_deliver(struct sqlite *s, struct waiting *w);
static void notify_send(const struct sqlite *s);
static bool notify_read(struct sqlite *s);
static int sql_bind(struct sqlite *s, enum sql which, const char *kind, const char *name,
		    sqlite3_stmt **ret);
static int sql_run(struct sqlite *s, enum sql which);
static int sql_state(struct sqlite *s, struct op *op, struct state *ret);
static int sql_entries(sqlite3_stmt *stmt, struct op *op, size_t *ret_n);
static void stmt_reset(sqlite3_stmt **stmt);

#define auto_reset __attribute__((cleanup(stmt_reset)))

static void sqlite_start(struct store *st, struct op *op)
{
	struct sqlite *s = (struct sqlite *)st;
	struct waiting *w = arena_new(&op->arena, struct waiting), **at = &s->waiting;
	uint64_t since;

	w->op = op;
	w->look = true;
	op->driver = w;
	op->identity = arena_str(&op->arena, s->identity);
	if (op->type == OP_WATCH) {
		op->revision = arena_str(&op->arena, op->since);
		w->rev = -1; /* from another history */
		if (op->since && text_u64(op->since, strlen(op->since), INT64_MAX, &since))
			w->rev = (int64_t)since;
		notify_read(s); /* from here on we are told of changes; then the first look */
	}
	while (*at)
		at = &(*at)->next;
	*at = w;
	waiting_try(s, w);
}

static void sqlite_cancel(struct store *st, struct op *op)
{
	waiting_remove((struct sqlite *)st, op->driver);
}

static void sqlite_run(struct store *st)
{
	struct sqlite *s = (struct sqlite *)st;
	bool news = s->inotify >= 0 && notify_read(s);

	for (struct waiting *w = s->waiting, *next; w; w = next) {
		next = w->next;
		w->look |= news;
		waiting_try(s, w);
	}
}

static void sqlite_wait(struct store *st, struct poll *p)
{
	struct sqlite *s = (struct sqlite *)st;

	for (struct waiting *w = s->waiting; w; w = w->next) {
		if (w->op->type == OP_WATCH)
			poll_fd(p, s->inotify, POLLIN);
		if (w->busy_since)
			poll_at(p, w->retry_at);
		else if (w->look)
			poll_now(p);
	}
}

static void sqlite_close(struct store *st)
{
	struct sqlite *s = (struct sqlite *)st;

	for (struct waiting *w = s->waiting; w; w = w->next) {
		err_set(&w->op->err, ERR_AWAY, "%s was closed", s->path);
		w->op->done = true;
	}
	sqlite_file_close(s);
}

const struct driver driver_sqlite = {
	.scheme = "sqlite",
	.check = sqlite_file_check,
	.status_rate = 500,
	.open = sqlite_file_open,
	.start = sqlite_start,
	.cancel = sqlite_cancel,
	.run = sqlite_run,
	.wait = sqlite_wait,
	.close = sqlite_close,
};

static void waiting_remove(struct sqlite *s, struct waiting *gone)
{
	for (struct waiting **at = &s->waiting; *at; at = &(*at)->next)
		if (*at == gone) {
			*at = gone->next;
			return;
		}
}

/* Each op_*() returns a result code of SQLite. A failure that is none of SQLite's (a version that does not
 * match) is in op->err, and the code is SQLITE_OK. */
static void waiting_try(struct sqlite *s, struct waiting *w)
{
	struct op *op = w->op;
	int rc = SQLITE_OK;

	if (w->busy_since && clock_ms() < w->retry_at)
		return;
	op->err = (struct err){ 0 };
	if (!sqlite_moved(s, &op->err)) {
		switch (op->type) {
		case OP_LIST:
			rc = op_list(s, op);
			break;
		case OP_GET:
			rc = op_get(s, op);
			break;
		case OP_WRITE:
			rc = op_write(s, op);
			break;
		case OP_WATCH:
			rc = op_watch(s, w);
			break;
		}
	}
	if (!op->err.kind && (rc & 0xff) == SQLITE_BUSY) {
		waiting_busy(s, w);
	} else {
		if (!op->err.kind && rc != SQLITE_OK)
			sqlite_err(s, rc, &op->err);
		w->busy_since = 0;
		op->done = op->err.kind || op->type != OP_WATCH;
	}
	if (!op->done)
		return;
	waiting_remove(s, w);
	sqlite3_db_release_memory(
		s->db); /* a list fills the page cache, and nothing that follows needs it */
}

/* Tries again after an eighth of the time it waited so far, 1 to 100 ms: quick while the lock is
 * handed around, cheap when someone sits on it. */
static void waiting_busy(struct sqlite *s, struct waiting *w)
{
	int64_t now = clock_ms(), waited;

	if (!w->busy_since)
		w->busy_since = now;
	waited = now - w->busy_since;
	w->retry_at = now + MAX(1, MIN(waited / 8, 100));
	if (waited >= SAY_MS)
		sqlite_err(s, SQLITE_BUSY, &w->op->err);
	if ((s->flags & STORE_PATIENT) && waited >= STORE_PATIENCE_MS)
		w->op->done = true;
}

static int op_list(struct sqlite *s, struct op *op)
{
	struct state state;
	int rc = sql_run(s, SQL_BEGIN);

	if (rc != SQLITE_OK)
		return rc;
	rc = sql_state(s, op, &state);
	for (size_t i = 0; rc == SQLITE_OK && !op->err.kind && i < lengthof(kinds); i++) {
		auto_reset sqlite3_stmt *stmt = NULL;
		size_t n;

		if (!(op->kinds & 1u << kinds[i]->id))
			continue;
		rc = sql_bind(s, SQL_LIST, kinds[i]->plural, NULL, &stmt);
		if (rc == SQLITE_OK)
			rc = sql_entries(stmt, op, &n);
	}
	if (rc == SQLITE_OK)
		op->revision = arena_printf(&op->arena, "%" PRId64, state.last);
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY && !op->err.kind)
		sqlite_err(s, rc, &op->err);
	sql_run(s, SQL_ROLLBACK);
	return rc;
}

static int op_get(struct sqlite *s, struct op *op)
{
	auto_reset sqlite3_stmt *stmt = NULL;
	size_t n = 0;
	int rc = sql_bind(s, SQL_GET, op->kind->plural, op->name, &stmt);

	if (rc == SQLITE_OK)
		rc = sql_entries(stmt, op, &n);
	if (rc == SQLITE_OK && !n)
		err_set(&op->err, ERR_NOT_FOUND, "there is no %s/%s", op->kind->aliases[0],
			op->name);
	return rc;
}

/* One transaction: all or nothing. What waits for news in this handle looks as well, because a
 * connection's own commits do not move its data_version. */
static int op_write(struct sqlite *s, struct op *op)
{
	bool logged = false;
	int rc;

	if (!sqlite_lock(s, &op->err))
		return op->err.kind ? SQLITE_OK : SQLITE_BUSY;
	rc = sql_run(s, SQL_BEGIN_WRITE);
	if (rc == SQLITE_OK) {
		rc = write_all(s, op, &logged);
		if (rc == SQLITE_OK && !op->err.kind)
			rc = sql_run(s, SQL_COMMIT);
		if (rc != SQLITE_OK || op->err.kind) {
			if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY && !op->err.kind)
				sqlite_err(s, rc, &op->err);
			sql_run(s, SQL_ROLLBACK);
			writes_undone(op);
			logged = false;
		}
	}
	sqlite_unlock(s);
	if (logged) {
		notify_send(s);
		for (struct waiting *w = s->waiting; w; w = w->next)
			w->look = true;
	}
	return rc;
}

static int write_all(struct sqlite *s, struct op *op, bool *ret_logged)
{
	auto_reset sqlite3_stmt *trim = NULL;
	struct state state;
	int rc = sql_state(s, op, &state);
	int64_t rev = state.last;

	for (size_t i = 0; rc == SQLITE_OK && i < op->n_writes; i++)
		rc = write_one(s, op, &op->writes[i], &rev);
	if (rc != SQLITE_OK || op->err.kind)
		return rc;
	*ret_logged = rev != state.last;
	op->revision = arena_printf(&op->arena, "%" PRId64, rev);
	if (rev - state.oldest < STORE_LOG_KEEP)
		return rc;
	rc = sql_bind(s, SQL_TRIM, NULL, NULL, &trim);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(trim, 1, rev - STORE_LOG_KEEP);
	rc = sqlite3_step(trim);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int write_one(struct sqlite *s, struct op *op, struct write *w, int64_t *rev)
{
	auto_reset sqlite3_stmt *have = NULL, *set = NULL, *log = NULL;
	bool watched = !(w->kind->flags & KIND_UNWATCHED), there;
	char version[24] = "";
	int64_t now;
	int rc = sql_bind(s, SQL_VERSION, w->kind->plural, w->name, &have);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(have);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return rc;
	there = rc == SQLITE_ROW;
	if (there)
		snprintf(version, sizeof version, "%lld", sqlite3_column_int64(have, 0));
	/* When one write does not fit, none is kept, but all are compared, so that each has its result. */
	if (!write_fits(w, there ? version : NULL, &op->err) || op->err.kind)
		return SQLITE_OK;
	w->result = WRITE_DONE;
	if (!there && !w->json)
		return SQLITE_OK; /* nothing to delete is no change */
	now = watched ? ++*rev : (int64_t)arc4random() << 31 | arc4random() >> 1;
	w->new_version = arena_printf(&op->arena, "%" PRId64, now);
	rc = sql_bind(s, w->json ? SQL_PUT : SQL_DELETE, w->kind->plural, w->name, &set);
	if (rc != SQLITE_OK)
		return rc;
	if (w->json) {
		sqlite3_bind_int64(set, 3, now);
		rc = sqlite3_bind_text64(set, 4, w->json, w->len, SQLITE_STATIC, SQLITE_UTF8);
		if (rc != SQLITE_OK)
			return rc;
	}
	rc = sqlite3_step(set);
	if (rc != SQLITE_DONE || !watched)
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	rc = sql_bind(s, SQL_LOG, w->kind->plural, w->name, &log);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(log, 3, now);
	sqlite3_bind_int(log, 4, !w->json);
	rc = sqlite3_step(log);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int op_watch(struct sqlite *s, struct waiting *w)
{
	auto_reset sqlite3_stmt *stmt = NULL;
	int64_t data_version;
	int rc = sql_bind(s, SQL_DATA_VERSION, NULL, NULL, &stmt);

	/* Asked before reading: what is committed in between is found by the next run. */
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW)
		return rc;
	data_version = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	if (!w->look && data_version == w->data_version)
		return SQLITE_OK;
	rc = sql_run(s, SQL_BEGIN);
	if (rc != SQLITE_OK)
		return rc;
	rc = watch_deliver(s, w);
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY && !w->op->err.kind)
		sqlite_err(s, rc, &w->op->err);
	sql_run(s, SQL_ROLLBACK);
	if (rc == SQLITE_OK && !w->op->err.kind) {
		w->data_version = data_version;
		w->look = false;
	}
	return rc;
}

/* All that is new, in one read transaction. */
static int watch_deliver(struct sqlite *s, struct waiting *w)
{
	auto_reset sqlite3_stmt *stmt = NULL;
	struct state state;
	size_t n;
	int rc = sql_state(s, w->op, &state);

	if (rc != SQLITE_OK || w->op->err.kind)
		return rc;
	if (w->rev < state.oldest - 1 || w->rev > state.last) {
		err_set(&w->op->err, ERR_CONFLICT,
			"revision %s is not among the changes that %s still knows",
			w->op->revision ? w->op->revision : "(none)", s->path);
		return SQLITE_OK;
	}
	if (w->rev < state.last) {
		rc = sql_bind(s, SQL_CHANGES, NULL, NULL, &stmt);
		if (rc != SQLITE_OK)
			return rc;
		sqlite3_bind_int64(stmt, 1, w->rev);
		rc = sql_entries(stmt, w->op, &n);
		if (rc != SQLITE_OK)
			return rc;
	}
	w->rev = state.last;
	snprintf(w->revision, sizeof w->revision, "%" PRId64, w->rev);
	w->op->revision = w->revision;
	return SQLITE_OK;
}

/* Only a hint: who misses it is woken by data_version. One byte in place needs no disk space. */
static void notify_send(const struct sqlite *s)
{
	struct err unused;
	auto_close int fd = sqlite_side_file(s, ".notify", &unused);

	if (fd >= 0 && pwrite(fd, "\n", 1, 0) != 1)
		return;
}

/* Begins to listen if that is possible, and takes the news that have come. True: there may be changes. */
static bool notify_read(struct sqlite *s)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool news = false;
	ssize_t got;

	if (s->inotify < 0)
		s->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->inotify < 0)
		return false;
	while ((got = read(s->inotify, events, sizeof events)) > 0) {
		news = true;
		for (char *at = events; at < events + got;) {
			const struct inotify_event *e = (const struct inotify_event *)at;

			if (e->mask & (IN_IGNORED | IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB))
				s->wd = -1; /* the name may lead to another file now */
			at += sizeof *e + e->len;
		}
	}
	if (s->wd < 0) {
		auto_free char *path = NULL;
		struct err unused;
		int made = sqlite_side_file(s, ".notify", &unused);

		base_close(&made);
		if (asprintf(&path, "%s.notify", s->path) < 0)
			abort();
		s->wd = inotify_add_watch(s->inotify, path,
					  IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB);
		news |= s->wd >= 0;
	}
	return news;
}

/* The statement WHICH, ready with ?1 = KIND and ?2 = NAME where they are given. */
static int sql_bind(struct sqlite *s, enum sql which, const char *kind, const char *name,
		    sqlite3_stmt **ret)
{
	sqlite3_stmt **stmt = &s->statements[which];
	int rc = SQLITE_OK;

	if (!*stmt)
		rc = sqlite3_prepare_v3(s->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, stmt,
					NULL);
	if (rc == SQLITE_OK && kind)
		rc = sqlite3_bind_text(*stmt, 1, kind, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK && name)
		rc = sqlite3_bind_text(*stmt, 2, name, -1, SQLITE_STATIC);
	*ret = *stmt;
	return rc;
}

static int sql_run(struct sqlite *s, enum sql which)
{
	sqlite3_stmt *stmt;
	int rc = sql_bind(s, which, NULL, NULL, &stmt);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Where the store stands, within a transaction. Another identity in the same file is ERR_AWAY, and so
 * is a schema that a newer Peerage made of it. */
static int sql_state(struct sqlite *s, struct op *op, struct state *ret)
{
	auto_reset sqlite3_stmt *stmt = NULL;
	int rc = sql_bind(s, SQL_STATE, NULL, NULL, &stmt);

	*ret = (struct state){ .oldest = 1 };
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return rc;
	if (rc == SQLITE_DONE || !str_eq((const char *)sqlite3_column_text(stmt, 0), s->identity)) {
		err_set(&op->err, ERR_AWAY, "%s became another store while it was in use", s->path);
		return SQLITE_OK;
	}
	if (sqlite3_column_int64(stmt, 3) > STORE_SCHEMA) {
		err_set(&op->err, ERR_AWAY, "%s was made newer (schema %lld) while it was in use",
			s->path, (long long)sqlite3_column_int64(stmt, 3));
		return SQLITE_OK;
	}
	if (sqlite3_column_type(stmt, 1) != SQLITE_NULL) {
		ret->oldest = sqlite3_column_int64(stmt, 1);
		ret->last = sqlite3_column_int64(stmt, 2);
	}
	return SQLITE_OK;
}

/* Tells each row (kind, name, version, json or NULL) of a kind that is asked for. */
static int sql_entries(sqlite3_stmt *stmt, struct op *op, size_t *ret_n)
{
	int rc;

	*ret_n = 0;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct entry e = {
			.kind = driver_kind((const char *)sqlite3_column_text(stmt, 0),
					    (size_t)sqlite3_column_bytes(stmt, 0)),
			.name = (const char *)sqlite3_column_text(stmt, 1),
			.version = (const char *)sqlite3_column_text(stmt, 2),
			.json = (const char *)sqlite3_column_text(stmt, 3),
			.len = (size_t)sqlite3_column_bytes(stmt, 3),
		};

		/* Rows that no Peerage wrote, or a later one, are none of our business. */
		if (!e.kind || !e.name || (op->type != OP_GET && !(op->kinds & 1u << e.kind->id)))
			continue;
		++*ret_n;
		op->entry(op->ctx, &e);
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void stmt_reset(sqlite3_stmt **stmt)
{
	if (*stmt)
		sqlite3_reset(*stmt);
}
