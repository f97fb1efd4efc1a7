/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver gives. One row in the array of store.c adds one. A driver's struct begins with
 * struct store. `start` may finish the operation at once (SQLite, memory).
 */
#pragma once

#include "store/store.h"

struct driver {
	const char *scheme; /* "sqlite" */
	/* Can there ever be a store at WHERE? False: ERR_USAGE or ERR_INVALID. NULL: it cannot be told. */
	bool (*check)(const char *where, struct err *err);
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

/* May W be done, as its `expect` says, where the object is at VERSION now (NULL: it is not there)? If not,
 * W->result says why, and ERR gets a sentence for the user unless an earlier write has put one there. */
bool write_fits(struct write *w, const char *version, struct err *err) must_check;
/* After a failure that undid the whole of OP: what was WRITE_DONE is WRITE_PENDING again. */
void writes_undone(struct op *op);
/* The kind that LEN bytes at PLURAL name; NULL when there is none. */
const struct kind *driver_kind(const char *plural, size_t len);

extern const struct driver driver_etcd, driver_memory, driver_sqlite;
