/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the etcd driver share: one task per operation, in etcd_read.c (LIST, GET),
 * etcd_watch.c and etcd_write.c; etcd.c runs them over one link. Inside store/ only.
 */
#pragma once

#include "store/driver.h"
#include "store/etcd_keys.h"
#include "store/etcd_link.h"
#include "store/etcd_wire.h"

struct task;

struct etcd {
	struct store st;
	struct arena arena; /* of the configuration */
	struct etcd_config config;
	struct etcd_link *link;
	struct task *tasks;
};

struct task_type {
	struct task *(*make)(struct op *op); /* in the operation's arena */
	void (*start)(struct task *t); /* the link is ready: make (or repeat) calls */
	void (*run)(struct task *t);   /* calls may be done */
	void (*stop)(struct task *t);  /* cancel what is under way, free what is not the arena's */
};

struct task {
	struct task *next;
	const struct task_type *type;
	struct etcd *etcd;
	struct op *op;
	bool started;     /* false: start() when the link is ready */
	unsigned n_starts, n_renewals;
	int64_t give_up;  /* clock_ms(): until then it is tried again */
	int64_t retry_at; /* not before; 0: at once */
};

extern const struct task_type etcd_read, etcd_watch, etcd_write;

/* ---- calls ---- */

struct etcd_call { /* one call, and the messages of its answer */
	struct grpc_call call;
	struct pb_stream stream;
	struct etcd *etcd;
	int64_t heard;     /* when it was started, or something came */
	pb_field_fn *field; /* each field of each message */
	bool (*end)(void *ctx, struct err *err); /* of each message; NULL: nothing to do */
	void *ctx;
};
#define ETCD_CALL_MS 10000 /* a member that sends no byte of an answer for so long is left */

/* FIELD, END and CTX are set. */
void etcd_call_start(struct etcd *e, struct etcd_call *c, const char *path, const struct buf *message,
		     bool last);
/* Is there an answer, or a failure? A call that has heard nothing for ETCD_CALL_MS fails here. */
bool etcd_call_done(struct etcd_call *c);
/* After etcd_call_done(). Every answer of etcd has a REVISION in its header; where it is 0 the call counts as
 * failed, whatever its status says. */
void etcd_call_answered(struct etcd_call *c, int64_t revision);
void etcd_call_stop(struct etcd_call *c); /* also one that was never started */

/* CALL failed. True: the task shall begin again (it has been told so); false: the operation has
 * failed, and op->err says why, about DOING ("read", "write") something to KEY, unless it says already
 * what failed before. */
bool etcd_again(struct task *t, const struct grpc_call *call, const char *doing, const char *key);
/* The same decision for what a watch was refused with. */
void etcd_error(const struct etcd *e, const struct grpc_call *call, const char *doing, const char *key,
		struct err *err);

/* ---- what comes ---- */

const char *etcd_identity(const struct etcd_header *h, struct arena *a);
/* Hands KV to the operation if it is of KINDS; NAME and VALUE are scratch. False: it was not. */
bool etcd_deliver(struct op *op, unsigned kinds, const struct etcd_kv *kv, struct buf *key,
		  struct buf *name, struct buf *value);

/* Where a WATCH can go on: behind REVISION. And how to tell that this revision still means what it meant
 * then: ANCHOR is the key that changed last, at the revision MOD. A cluster that was restored from a backup
 * counts on from the backup's revision, so that the same numbers stand for other changes. */
struct etcd_resume {
	int64_t revision, mod;
	uint64_t raft_term;
	bool deleted;       /* that change deleted ANCHOR */
	const char *anchor; /* NULL: none */
};
const char *etcd_resume_print(const struct etcd_resume *r, struct arena *a);
/* Takes a bare revision, too. False when TEXT is neither. RET points into TEXT. */
bool etcd_resume_parse(const char *text, struct etcd_resume *ret);
