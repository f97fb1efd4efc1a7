/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of etcd's v3 API that we use (etcdserverpb rpc.proto, mvccpb kv.proto), to and from
 * Protocol Buffers. Pure; what comes in is not trusted.
 */
#pragma once

#include "store/pb.h"

#define ETCD_RANGE	  "/etcdserverpb.KV/Range"
#define ETCD_TXN	  "/etcdserverpb.KV/Txn"
#define ETCD_WATCH	  "/etcdserverpb.Watch/Watch"
#define ETCD_AUTHENTICATE "/etcdserverpb.Auth/Authenticate"

#define ETCD_REVISION_MAX (INT64_MAX - 1) /* that we take for one: there can be another behind it */

/* ---- requests ---- */

struct etcd_range {
	const char *from, *to; /* TO NULL: the one key FROM */
	size_t from_len;       /* 0: up to the NUL; keys may have one in them */
	bool from_after;       /* without FROM itself */
	int64_t revision;      /* 0: now */
	int64_t limit;         /* 0: all */
	bool keys_only;
};
void etcd_range_put(struct buf *b, const struct etcd_range *r);

enum etcd_compare { ETCD_ALWAYS, ETCD_ABSENT, ETCD_PRESENT, ETCD_REVISION };
struct etcd_change {
	const char *key, *value; /* VALUE NULL: delete */
	size_t len;
	enum etcd_compare compare;
	int64_t revision; /* ETCD_REVISION: the one it must be at */
};
/* All N, or none: then the answer has what is there. WITH_VALUES: with the values. */
void etcd_txn_put(struct buf *b, const struct etcd_change *changes, size_t n, bool with_values);

/* A watch of [FROM, TO) from REVISION on. */
void etcd_watch_put(struct buf *b, const char *from, const char *to, int64_t revision);

void etcd_authenticate_put(struct buf *b, const char *name, const char *password);

/* ---- answers ---- */

struct etcd_header {
	uint64_t cluster_id;
	int64_t revision;
	uint64_t raft_term;
};
struct etcd_kv {
	const char *key, *value; /* not closed by a NUL */
	size_t key_len, len;
	int64_t mod_revision;
	bool deleted; /* of an event */
};
struct etcd_watched {
	int64_t compact_revision;
	bool created, canceled, fragment;
	const char *reason; /* why it was cancelled; not closed by a NUL */
	size_t reason_len;
};

/* Fields of answers; false: they make no sense. The numbers of the fields are those of rpc.proto. */
bool etcd_header_get(const struct pb_field *f, struct etcd_header *ret);
bool etcd_kv_get(const struct pb_field *f, struct etcd_kv *ret);
bool etcd_event_get(const struct pb_field *f, struct etcd_kv *ret);
/* One field of a WatchResponse that is no event and no header. */
void etcd_watched_get(const struct pb_field *f, struct etcd_watched *ret);
/* One ResponseOp of a transaction: the only key that its range found. *RET_FOUND: was there one? */
bool etcd_response_get(const struct pb_field *f, struct etcd_kv *ret, bool *ret_found);

enum { /* fields of the outermost messages */
	RANGE_HEADER = 1,
	RANGE_KVS = 2,
	RANGE_MORE = 3,
	TXN_HEADER = 1,
	TXN_SUCCEEDED = 2,
	TXN_RESPONSES = 3,
	WATCH_HEADER = 1,
	WATCH_EVENTS = 11,
	AUTHENTICATE_TOKEN = 2,
};
