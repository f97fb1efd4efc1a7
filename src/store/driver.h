/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver gives. One row in the array of store.c adds one. A driver's struct begins with
 * struct store. `start` may finish the operation at once (SQLite, memory).
 */
#pragma once

#include "store/store.h"

struct driver {
	const char *scheme; /* "sqlite" */
	struct store *(*open)(const char *where, unsigned flags, struct err *err);
	void (*start)(struct store *st, struct op *op);
	void (*cancel)(struct store *st, struct op *op); /* leave op->arena to the caller */
	void (*run)(struct store *st);
	void (*wait)(struct store *st, struct poll *p);
	void (*close)(struct store *st);
};

struct store {
	const struct driver *driver;
	char *url;
};

extern const struct driver driver_memory, driver_sqlite;
