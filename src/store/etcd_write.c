/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WRITE: transactions. What fits into one is all or nothing. More than that goes in batches, several
 * under way at a time. A batch that etcd refuses because an object was changed meanwhile is repeated
 * write by write, so that one conflict costs one object.
 *
 * The last batch is different, because the caller puts last what must not go before the rest (a Node
 * after the peers that are deleted with it). It is sent only when all other writes were done, and it
 * is never taken apart: all of it is written, or nothing.
 *
 * A connection can break after a transaction was sent and before its answer came. Then the
 * transaction is sent again with the same comparisons. If they fail now, and each object is byte for
 * byte what we wanted to write, then the first one had reached etcd, and all is well.
 */
#include "store/etcd.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

#define BATCH_OPS   128	      /* etcd's --max-txn-ops */
#define BATCH_BYTES (1 << 20) /* its --max-request-bytes is 1.5 MiB */
#define IN_FLIGHT   4

struct item {		     /* all that one operation does to one key */
	struct write *first; /* what is expected */
	struct write *last;  /* what is there in the end */
	const char *key;
	int64_t found; /* by a refused transaction: its revision, 0: it is not there */
	bool ours;     /* what it found is what we wrote */
};

enum batch_state { BATCH_WAITING, BATCH_RUNNING, BATCH_DONE };

struct batch {
	struct etcd_call call;
	struct write_task *task;
	struct batch *next;
	struct item *items;
	size_t n;
	enum batch_state state;
	bool doubtful; /* it was sent before, and no answer came */
	bool succeeded;
	struct etcd_header header;
	size_t n_answers;
};

struct write_task {
	struct task t;
	struct item *items;
	size_t n_items;
	struct batch *batches, **end, *final;
	bool refused; /* an object was changed meanwhile: the last batch is not sent */
	bool failed;  /* nothing more is sent at all */
	int64_t revision;
};

static int by_object(const void *a, const void *b);
static bool items_make(struct write_task *t);
static bool chain_fits(struct write *const *chain, size_t n, struct err *err);
static void batches_make(struct write_task *t);
static struct batch *batch_add(struct write_task *t, struct item *items, size_t n);
static size_t item_size(const struct item *it);
static void batch_send(struct batch *b);
static bool batch_field(void *ctx, const struct pb_field *f, struct err *err);
static bool batch_message(void *ctx, struct err *err);
static void batch_ended(struct batch *b);
static bool refuses(int status);
static void batch_unknown(struct batch *b);
static void batch_written(struct batch *b);
static void batch_refused(struct batch *b);
static void item_written(struct write_task *t, const struct item *it, int64_t revision);
static void write_done(struct write_task *t);

static struct task *write_make(struct op *op)
{
	struct write_task *t = arena_new(&op->arena, struct write_task);

	t->t.op = op;
	t->end = &t->batches;
	if (!items_make(t)) {
		op->done = true;
		return &t->t;
	}
	batches_make(t);
	return &t->t;
}

/* Also after a connection was lost: what is not done yet is sent again. */
static void write_start(struct task *task)
{
	struct write_task *t = (struct write_task *)task;

	for (struct batch *b = t->batches; b; b = b->next)
		if (b->state == BATCH_RUNNING) {
			b->doubtful |= b->call.call.sent;
			etcd_call_stop(&b->call);
			b->state = BATCH_WAITING;
		}
	task->type->run(task);
}

static void write_run(struct task *task)
{
	struct write_task *t = (struct write_task *)task;
	size_t running = 0, waiting = 0, open = 0;

	for (struct batch *b = t->batches; b && task->started; b = b->next)
		if (b->state == BATCH_RUNNING && etcd_call_done(&b->call))
			batch_ended(b);
	for (const struct batch *b = t->batches; b; b = b->next) {
		running += b->state == BATCH_RUNNING;
		open += b->state != BATCH_DONE;
	}
	if (t->refused && open == 1 && t->final->state == BATCH_WAITING)
		t->failed = true;
	for (struct batch *b = t->batches; b && task->started; b = b->next) {
		if (b->state != BATCH_WAITING)
			continue;
		waiting++;
		if (t->failed || running >= IN_FLIGHT || (b == t->final && open > 1) ||
		    !etcd_link_ready(task->etcd->link))
			continue;
		batch_send(b);
		running++;
		waiting--;
	}
	if (task->started && !running && (!waiting || t->failed))
		write_done(t);
	else if (!running) /* there is no token any more: again when there is one, if ever */
		task->started = false;
}

static void write_stop(struct task *task)
{
	struct write_task *t = (struct write_task *)task;

	for (struct batch *b = t->batches; b; b = b->next) {
		if (b->state != BATCH_DONE &&
		    (b->doubtful || (b->state == BATCH_RUNNING && b->call.call.sent)))
			batch_unknown(b);
		etcd_call_stop(&b->call);
	}
}

const struct task_type etcd_write = { write_make, write_start, write_run, write_stop };

static int by_object(const void *a, const void *b)
{
	const struct write *x = *(struct write *const *)a, *y = *(struct write *const *)b;
	int order =
		x->kind != y->kind ? (int)x->kind->id - (int)y->kind->id : strcmp(x->name, y->name);

	return order ? order : (x > y) - (x < y);
}

/* In the order of the writes. A transaction may not touch a key twice, so the writes of one object
 * become one: expected is what the first of them expects. */
static bool items_make(struct write_task *t)
{
	struct op *op = t->t.op;
	struct arena *a = &op->arena;
	auto_buf struct buf key = { 0 };
	struct write **sorted = arena_array(a, struct write *, op->n_writes + 1);
	struct item *all = arena_array(a, struct item, op->n_writes + 1);

	for (size_t i = 0; i < op->n_writes; i++)
		sorted[i] = &op->writes[i];
	if (op->n_writes)
		qsort(sorted, op->n_writes, sizeof *sorted, by_object);
	for (size_t i = 0, n; i < op->n_writes; i += n) {
		struct item *it = &all[sorted[i] - op->writes];

		for (n = 1; i + n < op->n_writes && sorted[i + n]->kind == sorted[i]->kind &&
			    str_eq(sorted[i + n]->name, sorted[i]->name);
		     n++)
			continue;
		if (!etcd_key(sorted[i]->kind, sorted[i]->name, &key))
			return err_set(&op->err, ERR_REFUSED,
				       "a %s of etcd is written by Calico alone",
				       sorted[i]->kind->name);
		it->first = sorted[i];
		it->last = sorted[i + n - 1];
		it->key = arena_str(a, buf_text(&key));
		if (n > 1 && !chain_fits(sorted + i, n, &op->err))
			return false;
	}
	for (size_t i = 0; i < op->n_writes; i++)
		if (all[i].first)
			all[t->n_items++] = all[i];
	t->items = all;
	return true;
}

/* Would each write of CHAIN find what it expects, if the first does? */
static bool chain_fits(struct write *const *chain, size_t n, struct err *err)
{
	for (size_t i = 1; i < n; i++)
		if (!write_fits(chain[i], chain[i - 1]->json ? "(just written)" : NULL, err))
			return false;
	return true;
}

static void batches_make(struct write_task *t)
{
	for (size_t i = 0, n; i < t->n_items; i += n) {
		size_t size = item_size(&t->items[i]);

		for (n = 1; i + n < t->n_items && n < BATCH_OPS; n++) {
			size += item_size(&t->items[i + n]);
			if (size > BATCH_BYTES)
				break;
		}
		t->final = batch_add(t, &t->items[i], n);
	}
}

static struct batch *batch_add(struct write_task *t, struct item *items, size_t n)
{
	struct batch *b = arena_new(&t->t.op->arena, struct batch);

	b->task = t;
	b->items = items;
	b->n = n;
	*t->end = b;
	t->end = &b->next;
	return b;
}

/* About: the key stands in it three times. */
static size_t item_size(const struct item *it)
{
	return 3 * strlen(it->key) + (it->last->json ? it->last->len : 0) + 64;
}

static void batch_send(struct batch *b)
{
	static const enum etcd_compare compares[] = {
		[EXPECT_ANY] = ETCD_ALWAYS,
		[EXPECT_ABSENT] = ETCD_ABSENT,
		[EXPECT_PRESENT] = ETCD_PRESENT,
		[EXPECT_VERSION] = ETCD_REVISION,
	};
	auto_arena struct arena a = { 0 };
	auto_buf struct buf message = { 0 };
	struct etcd_change *changes = arena_array(&a, struct etcd_change, b->n);

	for (size_t i = 0; i < b->n; i++) {
		const struct item *it = &b->items[i];
		const char *text = it->first->version;
		uint64_t version;

		changes[i] = (struct etcd_change){ .key = it->key,
						   .value = it->last->json,
						   .len = it->last->len,
						   .compare = compares[it->first->expect] };
		if (it->first->expect != EXPECT_VERSION)
			continue;
		/* Nothing is ever at -1; at 0 is what is not there. */
		if (!text || !text_u64(text, strlen(text), ETCD_REVISION_MAX, &version) || !version)
			changes[i].revision = -1;
		else
			changes[i].revision = (int64_t)version;
	}
	b->state = BATCH_RUNNING;
	b->succeeded = false;
	b->header = (struct etcd_header){ 0 };
	b->n_answers = 0;
	b->call.field = batch_field;
	b->call.end = batch_message;
	b->call.ctx = b;
	etcd_txn_put(&message, changes, b->n, b->doubtful);
	etcd_call_start(b->task->t.etcd, &b->call, ETCD_TXN, &message, true);
}

static bool batch_field(void *ctx, const struct pb_field *f, struct err *err)
{
	struct batch *b = ctx;
	struct etcd_kv kv;
	struct item *it;
	bool found;

	switch (f->number) {
	case TXN_HEADER:
		return etcd_header_get(f, &b->header) ||
		       err_set(err, ERR_AWAY, "an answer whose header makes no sense");
	case TXN_SUCCEEDED:
		b->succeeded = f->value;
		return true;
	case TXN_RESPONSES:
		if (b->n_answers >= b->n || !etcd_response_get(f, &kv, &found))
			return err_set(err, ERR_AWAY, "an answer to something else");
		it = &b->items[b->n_answers++];
		it->found = found ? kv.mod_revision : 0;
		it->ours = found ? it->last->json && kv.len == it->last->len &&
					   memcmp(kv.value, it->last->json, kv.len) == 0 :
				   !it->last->json;
		return true;
	default:
		return true;
	}
}

static bool batch_message(void *ctx, struct err *err)
{
	const struct batch *b = ctx;

	return b->n_answers == b->n || err_set(err, ERR_AWAY, "an answer to something else");
}

static void batch_ended(struct batch *b)
{
	struct write_task *t = b->task;
	struct op *op = t->t.op;

	etcd_call_answered(&b->call, b->header.revision);
	if (b->call.call.status == GRPC_OK) {
		b->state = BATCH_DONE;
		if (b->succeeded)
			batch_written(b);
		else
			batch_refused(b);
		return;
	}
	if (!t->failed && etcd_again(&t->t, &b->call.call, "write", b->items[0].key))
		return; /* write_start() will send it again */
	if (!op->err.kind)
		etcd_error(t->t.etcd, &b->call.call, "write", b->items[0].key, &op->err);
	t->failed = true;
	b->state = BATCH_DONE;
	if (b->doubtful || (b->call.call.sent && !refuses(b->call.call.status)))
		batch_unknown(b);
}

/* Is it an answer: etcd did nothing? Without one it may have. */
static bool refuses(int status)
{
	switch (status) {
	case GRPC_NONE:
	case GRPC_CANCELLED:
	case GRPC_UNKNOWN:
	case GRPC_DEADLINE_EXCEEDED:
	case GRPC_INTERNAL:
	case GRPC_UNAVAILABLE:
		return false;
	default:
		return true;
	}
}

static void batch_unknown(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		b->items[i].last->result = b->items[i].first->result = WRITE_UNKNOWN;
}

static void batch_written(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		item_written(b->task, &b->items[i], b->header.revision);
	b->task->revision = MAX(b->task->revision, b->header.revision);
}

static void batch_refused(struct batch *b)
{
	struct write_task *t = b->task;
	struct op *op = t->t.op;
	bool ours = b->doubtful && b->n_answers == b->n;

	for (size_t i = 0; i < b->n; i++)
		ours &= b->items[i].ours;
	if (ours) {
		for (size_t i = 0; i < b->n; i++)
			item_written(t, &b->items[i], b->items[i].found);
		return;
	}
	if (b != t->final && b->n > 1) {
		for (size_t i = 0; i < b->n; i++)
			batch_add(t, &b->items[i], 1)->doubtful = b->doubtful;
		return;
	}
	t->refused = true;
	for (size_t i = 0; i < b->n; i++) {
		struct item *it = &b->items[i];
		char version[24];

		snprintf(version, sizeof version, "%" PRId64, it->found);
		if (write_fits(it->first, it->found ? version : NULL, &op->err))
			continue;
		it->last->result = it->first->result;
	}
	if (!op->err.kind) /* it was all right again when it was looked at */
		err_set(&op->err, ERR_CONFLICT, "%s was changed meanwhile; read it again",
			b->items[0].key);
}

static void item_written(struct write_task *t, const struct item *it, int64_t revision)
{
	struct op *op = t->t.op;

	for (struct write *w = it->first; w <= it->last; w++)
		if (w->kind == it->first->kind && str_eq(w->name, it->first->name)) {
			w->result = WRITE_DONE;
			w->new_version =
				revision ? arena_printf(&op->arena, "%" PRId64, revision) : NULL;
		}
	t->revision = MAX(t->revision, revision);
}

static void write_done(struct write_task *t)
{
	struct op *op = t->t.op;

	op->revision = arena_printf(&op->arena, "%" PRId64, t->revision);
	op->done = true;
}
