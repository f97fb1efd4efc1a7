/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WATCH: one stream with one watch. With several, etcd keeps no order between what they tell.
 *
 * What is handed over is whole transactions. All changes of a transaction have one revision and come
 * in one answer, but we read an answer piece by piece. So changes are held back until one of a later
 * revision comes or the answer ends. (An answer may consist of several fragments; then the last one
 * ends it. We do not ask for fragments, but a server may send them.)
 *
 * Going on where an earlier watch ended: the resume point (struct etcd_resume) has the revision up to
 * which everything was told, and an anchor, the object that changed last, with the revision of that
 * change. The anchor is read first. If it is not as the resume point says, then etcd was restored from
 * a backup, and everything must be listed anew.
 *
 * It can have been restored to a state between the two revisions, and then the anchor is as it was. So
 * the watch begins right behind the anchor's change, and not behind the resume point's revision. If
 * history is the same, nothing comes of that but changes of keys that are not ours, and objects that
 * were made and deleted again before the earlier list. All of it is handed over as one transaction, so
 * that nobody sees such objects come and go. If etcd no longer has the changes in between (compaction),
 * the watch begins behind the resume point's revision.
 */
#include "store/etcd.h"

#include <inttypes.h>
#include <stdio.h>

enum watch_state { WATCH_ANCHOR, WATCH_CREATING, WATCH_RUNNING };

struct watch_task {
	struct task t;
	enum watch_state state;
	struct etcd_resume from;
	int64_t start; /* the first revision to be told of */
	struct etcd_call anchor_call, call;
	struct etcd_kv anchor_kv;
	bool anchor_found;
	struct key_range range;
	struct etcd_header header; /* of the latest answer */
	struct etcd_watched answer;
	struct buf reason;
	struct buf held; /* changes of one revision, held back: length and bytes of each event */
	struct buf last; /* the key of the last change that was handed over */
	bool last_deleted;
	int64_t last_mod;
	int64_t held_revision; /* of the changes held back */
	int64_t told;	       /* everything up to this revision was handed over */
	struct buf key, name, value, resume;
	char revision[24];
};

static void anchor_read(struct watch_task *w);
static bool anchor_field(void *ctx, const struct pb_field *f, struct err *err);
static void anchor_judge(struct watch_task *w);
static void watch_create(struct watch_task *w);
static bool watch_field(void *ctx, const struct pb_field *f, struct err *err);
static bool watch_message(void *ctx, struct err *err);
static bool event_hold(struct watch_task *w, const struct pb_field *f, struct err *err);
static void held_tell(struct watch_task *w);
static void watch_refused(struct watch_task *w);
static const char *watch_prefix(const struct watch_task *w);
static void watch_compacted(struct watch_task *w);
static void other_history(struct watch_task *w, const char *format, ...) printf_like(2, 3);
static void watch_came(struct watch_task *w, int64_t revision);

static struct task *watch_make(struct op *op)
{
	struct watch_task *w = arena_new(&op->arena, struct watch_task);

	op->revision = arena_str(&op->arena, op->since ? op->since : "");
	if (!etcd_resume_parse(op->since, &w->from)) {
		err_set(&op->err, ERR_CONFLICT, "revision %.40s is none of etcd's",
			op->since ? op->since : "(none)");
		op->done = true;
	} else if (!etcd_keys_range(op->kinds, &w->range)) {
		err_set(&op->err, ERR_INVALID, "etcd is not asked for changes of these kinds");
		op->done = true;
	} else {
		op->resume = arena_str(&op->arena, op->since);
	}
	w->told = w->from.revision;
	return &w->t;
}

static void watch_start(struct task *task)
{
	struct watch_task *w = (struct watch_task *)task;

	if (w->resume.len && /* started again after a lost connection: go on where it was */
	    !etcd_resume_parse(arena_str(&task->op->arena, w->resume.at), &w->from))
		abort();
	w->start = (w->from.anchor ? w->from.mod : w->from.revision) + 1;
	etcd_call_stop(&w->anchor_call);
	etcd_call_stop(&w->call);
	w->held_revision = 0;
	w->anchor_found = false;
	w->header = (struct etcd_header){ 0 };
	w->answer = (struct etcd_watched){ 0 };
	buf_clear(&w->held);
	anchor_read(w);
}

static void watch_run(struct task *task)
{
	struct watch_task *w = (struct watch_task *)task;
	struct op *op = task->op;

	if (w->state == WATCH_ANCHOR) {
		if (etcd_call_done(&w->anchor_call))
			anchor_judge(w);
		return;
	}
	if (w->answer.canceled) {
		watch_refused(w);
		return;
	}
	if (w->state == WATCH_CREATING ? etcd_call_done(&w->call) : w->call.call.done)
		op->done = !etcd_again(task, &w->call.call, "read", w->range.from);
}

static void watch_stop(struct task *task)
{
	struct watch_task *w = (struct watch_task *)task;

	etcd_call_stop(&w->anchor_call);
	etcd_call_stop(&w->call);
	buf_free(&w->reason);
	buf_free(&w->held);
	buf_free(&w->key);
	buf_free(&w->name);
	buf_free(&w->value);
	buf_free(&w->last);
	/* The operation outlives its task, and with it how far it had come. */
	task->op->revision = arena_str(&task->op->arena, task->op->revision);
	task->op->resume = arena_str(&task->op->arena, task->op->resume);
	buf_free(&w->resume);
}

const struct task_type etcd_watch = { watch_make, watch_start, watch_run, watch_stop };

static void anchor_read(struct watch_task *w)
{
	/* Without an anchor any key will do: etcd refuses to read at a revision that it has not reached. */
	struct etcd_range range = { .from = w->from.anchor ? w->from.anchor : w->range.from,
				    .revision = w->from.revision,
				    .keys_only = true };
	auto_buf struct buf message = { 0 };

	w->state = WATCH_ANCHOR;
	w->anchor_call.field = anchor_field;
	w->anchor_call.ctx = w;
	etcd_range_put(&message, &range);
	etcd_call_start(w->t.etcd, &w->anchor_call, ETCD_RANGE, &message, true);
}

static bool anchor_field(void *ctx, const struct pb_field *f, struct err *err)
{
	struct watch_task *w = ctx;

	if (f->number == RANGE_HEADER && !etcd_header_get(f, &w->header))
		return err_set(err, ERR_AWAY, "an answer without a revision");
	if (f->number == RANGE_KVS) {
		if (!etcd_kv_get(f, &w->anchor_kv))
			return err_set(err, ERR_AWAY, "an entry without a revision");
		w->anchor_found = true;
	}
	return true;
}

/* How the anchor was at the revision that was left. */
static void anchor_judge(struct watch_task *w)
{
	const struct grpc_call *call = &w->anchor_call.call;
	const struct etcd_resume *from = &w->from;
	int64_t mod = w->anchor_found ? w->anchor_kv.mod_revision : 0;

	etcd_call_answered(&w->anchor_call, w->header.revision);
	if (call->status == GRPC_OUT_OF_RANGE && strstr(call->words, "compacted"))
		watch_compacted(w);
	else if (call->status == GRPC_OUT_OF_RANGE)
		other_history(w, "it has not come to revision %" PRId64 " yet", from->revision);
	else if (call->status != GRPC_OK)
		w->t.op->done = !etcd_again(&w->t, call, "read",
					    from->anchor ? from->anchor : w->range.from);
	else if (w->header.raft_term < from->raft_term)
		other_history(w, "its term went back from %" PRIu64 " to %" PRIu64, from->raft_term,
			      w->header.raft_term);
	else if (from->anchor && mod != (from->deleted ? 0 : from->mod))
		other_history(w, "%s is not as it was left at revision %" PRId64, from->anchor,
			      from->mod);
	else
		watch_create(w);
}

static void watch_create(struct watch_task *w)
{
	auto_buf struct buf message = { 0 };

	w->state = WATCH_CREATING;
	w->call.field = watch_field;
	w->call.end = watch_message;
	w->call.ctx = w;
	etcd_watch_put(&message, w->range.from, w->range.to, w->start);
	etcd_call_start(w->t.etcd, &w->call, ETCD_WATCH, &message, false);
}

static bool watch_field(void *ctx, const struct pb_field *f, struct err *err)
{
	struct watch_task *w = ctx;

	switch (f->number) {
	case WATCH_HEADER:
		return etcd_header_get(f, &w->header) ||
		       err_set(err, ERR_AWAY, "an answer whose header makes no sense");
	case WATCH_EVENTS:
		return event_hold(w, f, err);
	default:
		etcd_watched_get(f, &w->answer);
		if (w->answer
			    .reason) { /* it points into bytes that are valid during this call only */
			buf_clear(&w->reason);
			buf_add(&w->reason, w->answer.reason, w->answer.reason_len);
			w->answer.reason = NULL;
		}
		return true;
	}
}

/* One answer, or a fragment of one, is complete. */
static bool watch_message(void *ctx, struct err *err)
{
	struct watch_task *w = ctx;
	struct op *op = w->t.op;
	bool fragment = w->answer.fragment;

	(void)err;
	if (w->answer.canceled)
		return true; /* watch_run() deals with it */
	if (w->answer.created && w->state == WATCH_CREATING) {
		op->identity = etcd_identity(&w->header, &op->arena);
		if (w->header.revision < w->told) {
			other_history(w, "its revision went back from %" PRId64 " to %" PRId64,
				      w->told, w->header.revision);
			return true;
		}
		w->state = WATCH_RUNNING;
		w->t.n_renewals = 0;
		watch_came(w, w->told);
	}
	if (!fragment)
		held_tell(w);
	w->answer = (struct etcd_watched){ 0 };
	return true;
}

static bool event_hold(struct watch_task *w, const struct pb_field *f, struct err *err)
{
	struct etcd_kv kv;

	if (!etcd_event_get(f, &kv))
		return err_set(err, ERR_AWAY, "a change without a revision");
	if (!etcd_key_parse(kv.key, kv.key_len, &w->name))
		return true;
	if (kv.mod_revision != w->held_revision && w->held_revision > w->from.revision)
		held_tell(w);
	w->held_revision = kv.mod_revision;
	buf_add(&w->held, &f->len, sizeof f->len);
	buf_add(&w->held, f->at, f->len);
	return true;
}

static void held_tell(struct watch_task *w)
{
	struct op *op = w->t.op;

	for (size_t at = 0; at < w->held.len && !op->done;) {
		struct pb_field f = { .is_bytes = true };
		struct etcd_kv kv;

		memcpy(&f.len, w->held.at + at, sizeof f.len);
		at += sizeof f.len;
		f.at = (const uint8_t *)w->held.at + at;
		at += f.len;
		if (!etcd_event_get(&f, &kv) ||
		    !etcd_deliver(op, op->kinds, &kv, &w->key, &w->name, &w->value))
			continue;
		if (memchr(kv.key, '\0', kv.key_len))
			continue; /* a resume point is text, so such a key cannot be its anchor */
		buf_clear(&w->last);
		buf_add(&w->last, kv.key, kv.key_len);
		w->last_mod = kv.mod_revision;
		w->last_deleted = kv.deleted;
	}
	if (w->held.len && w->held_revision > w->told)
		watch_came(w, w->held_revision);
	buf_clear(&w->held);
}

/* etcd ends a watch by an answer that says "canceled". HTTP knows nothing of it: its status is 200 and
 * the stream stays open. */
static void watch_refused(struct watch_task *w)
{
	struct op *op = w->t.op;
	struct grpc_call as = w->call.call; /* with the status that a refused call would have */

	if (w->answer.compact_revision) {
		/* What is compacted lies between the anchor and the resume point's revision; nothing
		 * that was written there is needed (see above). */
		if (w->start <= w->from.revision &&
		    w->answer.compact_revision <= w->from.revision + 1) {
			w->start = w->from.revision + 1;
			w->answer = (struct etcd_watched){ 0 };
			watch_create(w);
		} else {
			watch_compacted(w);
		}
		return;
	}
	snprintf(as.words, sizeof as.words, "%s",
		 w->reason.len ? buf_text(&w->reason) : "the watch was ended");
	as.status = strstr(as.words, "PermissionDenied") || strstr(as.words, "permission denied") ?
			    GRPC_PERMISSION_DENIED :
		    strstr(as.words, "nauthenticated") || strstr(as.words, "invalid auth token") ?
			    GRPC_UNAUTHENTICATED :
			    GRPC_UNAVAILABLE;
	op->done = !etcd_again(&w->t, &as, "read", watch_prefix(w));
}

/* What all keys of the range begin with: whoever may read that may watch. */
static const char *watch_prefix(const struct watch_task *w)
{
	const struct key_range *range = &w->range;
	size_t len = 0;

	while (range->from[len] && range->from[len] == range->to[len])
		len++;
	len += str_eq(range->from + len, "/");
	return arena_strn(&w->t.op->arena, range->from, len);
}

static void watch_compacted(struct watch_task *w)
{
	struct op *op = w->t.op;

	err_set(&op->err, ERR_CONFLICT,
		"%s has compacted its history past revision %" PRId64
		", the last one that was seen",
		etcd_link_endpoint(w->t.etcd->link), w->told);
	op->done = true;
}

static void other_history(struct watch_task *w, const char *format, ...)
{
	struct op *op = w->t.op;
	char words[300];
	va_list args;

	if (w->header.revision) /* an answer that refuses has no header */
		op->identity = etcd_identity(&w->header, &op->arena);
	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	err_set(&op->err, ERR_CONFLICT,
		"%s has another history than before, as if it was restored from an older snapshot: %s",
		etcd_link_endpoint(w->t.etcd->link), words);
	op->done = true;
}

static void watch_came(struct watch_task *w, int64_t revision)
{
	struct etcd_resume r = w->from;
	auto_arena struct arena a = { 0 };

	w->told = revision;
	snprintf(w->revision, sizeof w->revision, "%" PRId64, revision);
	w->t.op->revision = w->revision;
	if (w->last.len) {
		r.anchor = w->last.at;
		r.mod = w->last_mod;
		r.deleted = w->last_deleted;
	}
	r.revision = revision;
	r.raft_term = MAX(w->header.raft_term, r.raft_term);
	buf_clear(&w->resume);
	buf_str(&w->resume, etcd_resume_print(&r, &a));
	w->t.op->resume = w->resume.at;
}
