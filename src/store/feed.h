/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Store to snapshots: list, watch, and on any doubt list again. Resync is the only error path.
 * A snapshot is never half a transaction. While the store is away the last snapshot stays.
 */
#pragma once

#include "model/snapshot.h"
#include "store/store.h"

struct feed;

/* The kinds a feed follows: all but the ones marked KIND_UNWATCHED or KIND_FILES_ONLY. */
struct feed *feed_open(const char *url, enum decode_mode mode);
/* The same for those of KINDS (1u << kind_id), with the store opened with FLAGS (enum store_flags). */
struct feed *feed_open_kinds(const char *url, unsigned kinds, unsigned flags,
			     enum decode_mode mode);
void feed_close(struct feed *f);
void feed_run(struct feed *f);
void feed_wait(struct feed *f, struct poll *p);

/* NULL until the first complete list. */
struct snapshot *feed_snapshot(const struct feed *f);
/* Grows by one with every new snapshot; 0 before the first. */
uint64_t feed_revision(const struct feed *f);
/* The store the snapshot came from; NULL before the first. */
const char *feed_identity(const struct feed *f);
/* The open store, for writing status; NULL while it cannot be opened. */
struct store *feed_store(const struct feed *f);

struct feed_trouble {
	enum err_kind kind;   /* of what it is now, or was last */
	char words[480];
	unsigned number;      /* 1: the first of this feed */
	int64_t since, until; /* clock_wall(); UNTIL 0: it lasts; once over, both by the same clock */
	bool resync;          /* everything was listed anew: history was compacted, or is another one */
};
/* NULL while all is well, else why there is no news. */
const struct feed_trouble *feed_trouble(const struct feed *f);
/* The last trouble, also when it is over; NULL: there was none. */
const struct feed_trouble *feed_incident(const struct feed *f);
/* Is the last word of the store known (listed, and the watch is running)? */
bool feed_current(const struct feed *f);
