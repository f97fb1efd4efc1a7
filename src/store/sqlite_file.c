/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding, making and checking the database file, and the files beside it.
 *
 * The database itself is never opened here but by SQLite: closing any descriptor of it would drop
 * SQLite's POSIX locks. A file that a crash left empty or without tables counts as not made yet;
 * whoever may create finishes it under the writers' lock.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"

#define GROUP "peerage" /* its members read status and write without being root */

/* What is acknowledged survives a power cut; little memory; no WAL file that stays huge. */
static const char settings_sql[] = "PRAGMA synchronous=FULL; PRAGMA cache_size=-512;"
				   "PRAGMA journal_size_limit=4194304";
static const char schema_sql[] =
	"CREATE TABLE store(identity TEXT NOT NULL, schema INTEGER NOT NULL);"
	"CREATE TABLE resource(kind TEXT, name TEXT, version INTEGER NOT NULL, json TEXT NOT NULL,"
	" PRIMARY KEY(kind, name)) WITHOUT ROWID;"
	"CREATE TABLE log(rev INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,"
	" deleted INTEGER NOT NULL);"
	"INSERT INTO store VALUES(lower(hex(randomblob(16))), 1);";

static int side_file_there(const char *path, struct err *err);
static bool path_check(struct sqlite *s, struct err *err);
static bool is_file(const char *path, const struct stat *st, struct err *err);
static bool path_make(struct sqlite *s, struct err *err);
static bool folder_make(const char *folder, struct err *err);
static bool db_open(struct sqlite *s, struct err *err);
static int db_identity(struct sqlite *s, int64_t *ret_schema);
static int db_number(struct sqlite *s, const char *sql, int64_t *ret);
static bool db_create(struct sqlite *s, struct err *err);
static bool lock_wait(struct sqlite *s, struct err *err);
static bool not_there(const struct sqlite *s, const char *what, struct err *err);

bool sqlite_file_check(const char *where, struct err *err)
{
	struct stat st;

	if (stat(where, &st) == 0)
		return is_file(where, &st, err);
	if (errno != ENOTDIR && errno != ENAMETOOLONG)
		return true; /* the disk may not be mounted, or the store not made yet */
	return err_set(err, ERR_USAGE, "%s: %s", where, strerror(errno));
}

struct store *sqlite_file_open(const char *where, unsigned flags, struct err *err)
{
	struct sqlite *s = mem_alloc(sizeof *s);

	*s = (struct sqlite){ .flags = flags, .lock = -1, .inotify = -1, .wd = -1 };
	/* A name that means something to SQLite (":memory:") is a file all the same. */
	if (asprintf(&s->path, "%s%s", *where == ':' ? "./" : "", where) < 0)
		abort();
	if (path_check(s, err) && db_open(s, err))
		return &s->st;
	sqlite_file_close(s);
	return NULL;
}

void sqlite_file_close(struct sqlite *s)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	base_close(&s->lock);
	base_close(&s->inotify);
	free(s->path);
	free(s->identity);
	free(s);
}

int sqlite_side_file(const struct sqlite *s, const char *suffix, struct err *err)
{
	auto_free char *path = NULL;
	auto_close int fd = -1;
	struct stat st;

	if (asprintf(&path, "%s%s", s->path, suffix) < 0)
		abort();
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0660);
	if (fd < 0 && errno == EEXIST)
		return side_file_there(path, err);
	/* Mode and group as the database has them: whoever may write there must write this file, too. */
	if (fd < 0 || fchmod(fd, 0660) < 0 || stat(s->path, &st) < 0 ||
	    (fchown(fd, (uid_t)-1, st.st_gid) < 0 && errno != EPERM)) {
		err_os(err, "%s", path);
		return -1;
	}
	return take_fd(&fd);
}

bool sqlite_lock(struct sqlite *s, struct err *err)
{
	if (s->lock < 0)
		s->lock = sqlite_side_file(s, ".lock", err);
	if (s->lock < 0)
		return false;
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno != EWOULDBLOCK && errno != EINTR)
		err_os(err, "%s.lock", s->path);
	return false;
}

void sqlite_unlock(struct sqlite *s)
{
	flock(s->lock, LOCK_UN);
}

bool sqlite_moved(const struct sqlite *s, struct err *err)
{
	int moved = 0;

	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK)
		return false;
	if (moved)
		err_set(err, ERR_AWAY, "%s was replaced or removed while it was in use", s->path);
	return moved;
}

bool sqlite_err(const struct sqlite *s, int rc, struct err *err)
{
	int os = s->db ? sqlite3_system_errno(s->db) : 0;

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, ERR_AWAY, "%s is locked by another process", s->path);
	case SQLITE_NOTADB:
		return err_set(err, ERR_AWAY, "%s: file is not a database", s->path);
	case SQLITE_CORRUPT:
		return err_set(err, ERR_AWAY, "%s is damaged (%s): put a copy of it back", s->path,
			       sqlite3_errmsg(s->db));
	case SQLITE_FULL:
		return err_set(err, ERR_AWAY, "%s: the disk is full, nothing was written", s->path);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return err_set(err, ERR_REFUSED,
			       "%s or its folder, where the -wal and -shm files belong, may not be "
			       "written by this user, or is on a read-only disk",
			       s->path);
	default:
		return err_set(err, ERR_AWAY, "%s: %s%s%s", s->path, sqlite3_errmsg(s->db),
			       os ? ": " : "", os ? strerror(os) : "");
	}
}

static int side_file_there(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		err_os(err, "%s", path);
	return fd;
}

/* Is there a file that SQLite can be given? With STORE_CREATE it is made. */
static bool path_check(struct sqlite *s, struct err *err)
{
	struct stat st;

	if (stat(s->path, &st) < 0) {
		if (errno != ENOENT)
			return err_os(err, "%s", s->path);
		return s->flags & STORE_CREATE ? path_make(s, err) :
						 not_there(s, "there is no store at", err);
	}
	if (!is_file(s->path, &st, err))
		return false;
	if (access(s->path, R_OK) < 0)
		return err_os(err, "%s cannot be read", s->path);
	if (!st.st_size && !(s->flags & STORE_CREATE))
		return not_there(s, "there is no store yet in the empty file", err);
	/* SQLite takes a file that was cut to less than a header for an empty one, and would overwrite it. */
	return !st.st_size || st.st_size >= 512 || sqlite_err(s, SQLITE_NOTADB, err);
}

static bool is_file(const char *path, const struct stat *st, struct err *err)
{
	if (S_ISREG(st->st_mode))
		return true;
	return err_set(err, ERR_USAGE, "%s is %s, a database file is needed", path,
		       S_ISDIR(st->st_mode) ? "a folder" : "not a file");
}

static bool path_make(struct sqlite *s, struct err *err)
{
	const char *slash = strrchr(s->path, '/');
	auto_free char *folder =
		slash && slash > s->path ? strndup(s->path, (size_t)(slash - s->path)) : NULL;
	auto_close int fd = -1;

	if (folder && !folder_make(folder, err))
		return false;
	fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
	if (fd < 0)
		return errno == EEXIST || err_os(err, "%s cannot be made", s->path);
	if (file_group(GROUP) != (gid_t)-1 && fchown(fd, (uid_t)-1, file_group(GROUP)) < 0 &&
	    errno != EPERM)
		return err_os(err, "%s", s->path);
	if (fchmod(fd, 0660) < 0)
		return err_os(err, "%s", s->path);
	return true;
}

static bool folder_make(const char *folder, struct err *err)
{
	gid_t group = file_group(GROUP);
	mode_t mode = 0770;

	if (mkdir(folder, 0770) < 0)
		return errno == EEXIST || err_os(err, "the folder %s cannot be made", folder);
	/* With the set-group-ID bit the files that SQLite makes in the folder get the folder's group. */
	if (group != (gid_t)-1 && chown(folder, (uid_t)-1, group) == 0)
		mode = 02770;
	if (chmod(folder, mode) < 0)
		return err_os(err, "%s", folder);
	return true;
}

static bool db_open(struct sqlite *s, struct err *err)
{
	int64_t schema = 0, tables = 0;
	int rc =
		sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return sqlite_err(s, rc, err);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, s->flags & STORE_PATIENT ? STORE_PATIENCE_MS : 0);
	rc = sqlite3_exec(s->db, settings_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = db_identity(s, &schema);
	if (rc == SQLITE_ERROR) { /* no such table */
		rc = db_number(s, "SELECT count(*) FROM sqlite_schema", &tables);
		if (rc == SQLITE_OK && tables)
			return err_set(err, ERR_AWAY,
				       "%s is an SQLite database, but not a store of Peerage",
				       s->path);
		if (rc == SQLITE_OK && !(s->flags & STORE_CREATE))
			return not_there(s, "there is no store yet in", err);
		if (rc == SQLITE_OK && !db_create(s, err))
			return false;
		if (rc == SQLITE_OK)
			rc = db_identity(s, &schema);
	}
	if (rc != SQLITE_OK)
		return sqlite_err(s, rc, err);
	if (schema > STORE_SCHEMA)
		return err_set(err, ERR_AWAY,
			       "%s was made by a newer Peerage (schema %lld, this one knows %d)",
			       s->path, (long long)schema, STORE_SCHEMA);
	if (!s->identity)
		return err_set(err, ERR_AWAY, "%s is damaged: its identity is missing", s->path);
	/* A copy that was put back may not be in WAL mode. If it cannot be changed, it can still be read. */
	if (!(s->flags & STORE_READ_ONLY))
		sqlite3_exec(s->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	sqlite3_busy_timeout(s->db, 0);
	return true;
}

static int db_identity(struct sqlite *s, int64_t *ret_schema)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, "SELECT identity, schema FROM store", -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		const char *identity = (const char *)sqlite3_column_text(stmt, 0);

		*ret_schema = sqlite3_column_int64(stmt, 1);
		s->identity = str_empty(identity) ? NULL : mem_str(identity);
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int db_number(struct sqlite *s, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool db_create(struct sqlite *s, struct err *err)
{
	int64_t tables = 0;
	int rc;

	if (!lock_wait(s, err))
		return false;
	/* Another process may have been first. */
	rc = db_number(s, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc == SQLITE_OK && !tables)
		rc = sqlite3_exec(s->db, "PRAGMA journal_mode=WAL; BEGIN IMMEDIATE", NULL, NULL,
				  NULL);
	if (rc == SQLITE_OK && !tables) {
		rc = sqlite3_exec(s->db, schema_sql, NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			sqlite_err(s, rc, err); /* before ROLLBACK overwrites the words */
		if (rc != SQLITE_OK)
			sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	} else if (rc != SQLITE_OK) {
		sqlite_err(s, rc, err);
	}
	sqlite_unlock(s);
	if (rc == SQLITE_OK) {
		struct err unused;
		int notify = sqlite_side_file(s, ".notify", &unused);

		base_close(&notify);
	}
	return rc == SQLITE_OK;
}

/* The only place of the driver that blocks, because opening a store is one call. Up to 5 s with
 * STORE_PATIENT; without it, as in the agent, not at all. */
static bool lock_wait(struct sqlite *s, struct err *err)
{
	int64_t until = clock_ms() + (s->flags & STORE_PATIENT ? STORE_PATIENCE_MS : 0);
	struct err failed = { 0 };

	while (!sqlite_lock(s, &failed)) {
		struct poll p = { 0 };

		if (failed.kind) {
			*err = failed;
			return false;
		}
		if (clock_ms() >= until)
			return sqlite_err(s, SQLITE_BUSY, err);
		poll_at(&p, clock_ms() + 5);
		poll_block(&p);
	}
	return true;
}

static bool not_there(const struct sqlite *s, const char *what, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "%s %s; peerctl create or apply makes one", what,
		       s->path);
}
