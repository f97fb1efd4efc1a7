/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver gives. One row in the array of store.c adds one. A driver's struct begins with
 * struct store. `start` may finish the operation at once (SQLite, memory).
 */
#pragma once

#include "store/store.h"

struct driver {
	const char *scheme; /* "sqlite" */
	unsigned status_rate; /* store_status_rate() */
	struct store *(*open)(const char *where, unsigned flags, struct err *err);
	void (*start)(struct store *st, struct op *op);
	void (*cancel)(struct store *st, struct op *op); /* leave op->arena to the caller */
	void (*run)(struct store *st);
	void (*wait)(struct store *st, struct poll *p);
	void (*close)(struct store *st);
};

struct store {
	const struct driver *driver;
	char *url;      /* for messages; a driver may set it, where the one given is not fit to be shown */
	unsigned flags; /* enum store_flags */
};

#define STORE_LOG_KEEP 10000   /* changes that a WATCH can look back on (decisions.md 37) */
#define STORE_PATIENCE_MS 5000 /* STORE_PATIENT (decisions.md 42) */

/* Does W fit what is there now (VERSION; NULL: nothing)? If not, W->result says why, and ERR, when
 * nothing is in it yet, what to tell the user. */
bool write_fits(struct write *w, const char *version, struct err *err) must_check;
/* "Nothing was written": takes the results of the ones that would have fitted back. */
void writes_undone(struct op *op);
/* The kind that LEN bytes at PLURAL name; NULL when there is none. */
const struct kind *driver_kind(const char *plural, size_t len);

extern const struct driver driver_etcd, driver_memory, driver_sqlite;
