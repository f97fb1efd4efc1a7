/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where resources live. Nothing above store/ knows which engine it is. Every operation is started,
 * run and waited for (base/poll.h), so the agent and the command line share one implementation:
 * the command line pumps one operation to its end with store_finish().
 *
 * What a store keeps is bytes: JSON by kind and name, each with an opaque version (compared for
 * equality only, decisions.md 28) and the whole with a revision. Decoding is the caller's.
 */
#pragma once

#include "base/err.h"
#include "base/poll.h"
#include "model/kind.h"

struct store;

/* One stored object, or the news that it is gone (json NULL). Valid during the call only. */
struct entry {
	const struct kind *kind;
	const char *name;
	const char *version;
	const char *json;
	size_t len;
	const char *place; /* what the store itself calls it: "the key /calico/..."; NULL: nothing
	                    * that says more than kind and name */
};

enum expect {
	EXPECT_ANY,     /* put or delete whatever is there */
	EXPECT_ABSENT,  /* create: WRITE_EXISTS when it is there */
	EXPECT_PRESENT, /* replace, delete: WRITE_ABSENT when it is not there */
	EXPECT_VERSION, /* WRITE_CONFLICT when it is at another version */
};

enum write_result {
	WRITE_PENDING, /* not written */
	WRITE_DONE,
	WRITE_EXISTS,
	WRITE_ABSENT,
	WRITE_CONFLICT,
	WRITE_UNKNOWN, /* it was sent, and what came of it was never said */
};

struct write {
	const struct kind *kind;
	const char *name;
	const char *json; /* NULL: delete */
	size_t len;
	enum expect expect;
	const char *version;        /* EXPECT_VERSION */
	enum write_result result;   /* out */
	const char *new_version;    /* out, in the operation's arena */
};

enum op_type {
	OP_LIST,  /* all entries of KINDS, at one revision */
	OP_GET,   /* one entry, or done with ERR_NOT_FOUND */
	OP_WRITE, /* all of WRITES, or none of them: the result of the ones that did not fit says
	             why, err is ERR_CONFLICT. What a driver cannot do at once it does in parts. The
	             last write is in the last part, which is written only when all before it was,
	             and as a whole; each result says whether that one was written, err why not
	             all were */
	OP_WATCH, /* changes of KINDS after SINCE, of KIND_UNWATCHED none; ends only by failing.
	             ERR_CONFLICT: SINCE is too old (compacted) or from another history: list again */
};

struct op {
	/* in */
	enum op_type type;
	unsigned kinds;           /* LIST, WATCH: 1u << kind_id */
	const struct kind *kind;  /* GET */
	const char *name;         /* GET */
	struct write *writes;     /* WRITE */
	size_t n_writes;
	const char *since;        /* WATCH: a revision, or what RESUME was */
	/* LIST, GET, WATCH: called within store_start() or store_run(). When such a call returns,
	 * what a WATCH has delivered is whole transactions. */
	void (*entry)(void *ctx, const struct entry *e);
	void *ctx;
	/* out */
	bool done;
	struct err err;           /* ERR_NONE: it worked. Before DONE: why it takes long, if that is known */
	const char *revision;     /* LIST, WRITE: the store's; WATCH: how far it has come */
	const char *resume;       /* LIST, WATCH: what a later WATCH, also by another handle, can have as
	                           * SINCE; NULL: it cannot, list again */
	const char *identity;     /* LIST, GET, WATCH: which store this is (decisions.md 7) */
	struct arena arena;       /* what the fields above live in */
	void *driver;             /* the driver's own */
};

/* Opens URL: "sqlite:PATH" or a path with a slash, "etcd:" and what etcd_config.h says, "memory:NAME".
 * FLAGS: STORE_CREATE makes what is missing (peerctl's writes do; peerd and reads never, decisions.md 7). */
enum store_flags { STORE_CREATE = 1, STORE_READ_ONLY = 2, STORE_PATIENT = 4 /* wait 5 s when busy */ };
struct store *store_open(const char *url, unsigned flags, struct err *err);
/* For who waits for a store that is not there yet: can there ever be one at URL? ERR_USAGE or ERR_INVALID
 * where it is mistyped, names what is no file, or is "memory:", which no other process can fill. */
bool store_check(const char *url, struct err *err) must_check;
/* What is still under way is done with ERR_AWAY; NULL is fine. */
void store_close(struct store *st);
void store_start(struct store *st, struct op *op);
/* Forget OP, whether it is done or not; frees what it holds. ST may be NULL once it is done. */
void store_cancel(struct store *st, struct op *op);
void store_run(struct store *st);
void store_wait(struct store *st, struct poll *p);
const char *store_url(const struct store *st); /* without secrets: for messages */
/* How many statuses a second it bears from all nodes together (decisions.md 49). */
unsigned store_status_rate(const struct store *st);

/* Ends OP, which is not done, because TIMEOUT_MS are over: it is done now, with ERR_TIMEOUT, and its writes
 * have the results that they have so far. */
void store_give_up(struct store *st, struct op *op, int64_t timeout_ms);
/* Starts OP and pumps it to its end, TIMEOUT_MS at most (ERR_TIMEOUT). False: err is op's. */
bool store_finish(struct store *st, struct op *op, int64_t timeout_ms, struct err *err) must_check;
