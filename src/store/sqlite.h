/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two halves of the SQLite driver: opening a file, and what is done with it. */
#pragma once

#include <sqlite3.h>

#include "store/driver.h"

#define STORE_SCHEMA 1 /* what this program knows */

/* Prepared when first used; see the texts in sqlite.c. */
enum sql {
	SQL_BEGIN,
	SQL_BEGIN_WRITE,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_STATE,
	SQL_LIST,
	SQL_GET,
	SQL_VERSION,
	SQL_PUT,
	SQL_DELETE,
	SQL_LOG,
	SQL_TRIM,
	SQL_CHANGES,
	SQL_DATA_VERSION,
	SQL_COUNT
};

struct waiting;

struct sqlite {
	struct store st;
	unsigned flags;
	char *path;
	char *identity;
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_COUNT];
	int lock;        /* PATH.lock, -1 until the first write */
	int inotify, wd; /* on PATH.notify; -1 until a watch needs it, or when it cannot be had */
	struct waiting *waiting;
};

/* False when something else than a file is at WHERE, or its folder is none. */
bool sqlite_file_check(const char *where, struct err *err);
struct store *sqlite_file_open(const char *where, unsigned flags, struct err *err);
void sqlite_file_close(struct sqlite *s);
/* Opens PATH and SUFFIX, made if need be for all who may use the database. -1 on failure. */
int sqlite_side_file(const struct sqlite *s, const char *suffix, struct err *err);
/* Takes the lock of the writers. False without an error: another process has it just now. */
bool sqlite_lock(struct sqlite *s, struct err *err);
void sqlite_unlock(struct sqlite *s);
/* Has the file been replaced or removed since it was opened? */
bool sqlite_moved(const struct sqlite *s, struct err *err);
/* Puts what SQLite's RC means for the user into ERR. Always false. */
bool sqlite_err(const struct sqlite *s, int rc, struct err *err);
