/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIST and GET: Range requests, in pages, decoded as they arrive. All of a list must be read at one
 * revision. The first bytes of the first answer tell it; only then the other ranges are asked for.
 */
#include "store/etcd.h"

#include <inttypes.h>

#define PAGE                                                                                       \
	10000 /* keys; for each page etcd counts all keys that are left, so many small pages are slow */

struct reading { /* one range */
	struct etcd_call call;
	struct read_task *task;
	unsigned kinds;
	struct key_range range;
	struct buf key; /* a single one; else the last that came */
	size_t n_page;
	int64_t revision; /* of the page, when it is answered */
	bool more, running, done;
};

struct read_task {
	struct task t;
	struct reading *readings;
	size_t n;
	size_t n_delivered;
	struct etcd_header header; /* of the first answer */
	struct etcd_resume resume;
	struct buf key, name, value, anchor;
};

static void read_page(struct reading *r);
static bool read_field(void *ctx, const struct pb_field *f, struct err *err);
static bool read_kv(struct reading *r, const struct pb_field *f, struct err *err);
static bool is_behind(const struct etcd_kv *kv, const struct buf *last);
static void read_failed(struct reading *r);
static void read_done(struct read_task *t);

static struct task *read_make(struct op *op)
{
	struct read_task *t = arena_new(&op->arena, struct read_task);
	unsigned wanted = op->type == OP_GET ? 1u << op->kind->id : op->kinds;

	t->readings = arena_array(&op->arena, struct reading, KIND_COUNT);
	for (size_t i = 0; i < lengthof(kinds); i++)
		if (wanted & 1u << kinds[i]->id)
			t->readings[t->n++] = (struct reading){ .task = t,
								.kinds = 1u << kinds[i]->id,
								.range = etcd_keys_of(kinds[i]) };
	return &t->t;
}

static void read_start(struct task *task)
{
	struct read_task *t = (struct read_task *)task;
	const struct op *op = task->op;
	struct reading *first = &t->readings[0];

	t->header = (struct etcd_header){ 0 };
	t->resume = (struct etcd_resume){ 0 };
	for (size_t i = 0; i < t->n; i++) {
		etcd_call_stop(&t->readings[i].call);
		buf_clear(&t->readings[i].key);
		t->readings[i].more = t->readings[i].running = t->readings[i].done = false;
	}
	if (op->type == OP_GET && etcd_key(op->kind, op->name, &first->key))
		first->range.to[0] = '\0';
	if (t->n)
		read_page(first);
	else
		read_done(t);
}

static void read_run(struct task *task)
{
	struct read_task *t = (struct read_task *)task;
	bool done = true;

	for (size_t i = 0; i < t->n; i++) {
		struct reading *r = &t->readings[i];

		if (r->running && etcd_call_done(&r->call)) {
			r->running = false;
			etcd_call_answered(&r->call, r->revision);
			if (r->call.call.status != GRPC_OK) {
				read_failed(r);
				return;
			}
			r->done = !r->more;
		}
		if (!r->running && !r->done && t->header.revision)
			read_page(r);
		done &= r->done;
	}
	if (done)
		read_done(t);
}

static void read_stop(struct task *task)
{
	struct read_task *t = (struct read_task *)task;

	for (size_t i = 0; i < t->n; i++) {
		etcd_call_stop(&t->readings[i].call);
		buf_free(&t->readings[i].key);
	}
	buf_free(&t->key);
	buf_free(&t->name);
	buf_free(&t->value);
	buf_free(&t->anchor);
}

const struct task_type etcd_read = { read_make, read_start, read_run, read_stop };

/* From behind the last key that came. */
static void read_page(struct reading *r)
{
	struct etcd *e = r->task->t.etcd;
	struct etcd_range range = { .from = r->range.from, .to = r->range.to };
	auto_buf struct buf message = { 0 };

	if (!*range.to) {
		range.from = r->key.at;
		range.to = NULL;
	} else {
		range.limit = PAGE;
		range.revision = r->task->header.revision;
		if (r->key.len)
			range.from = r->key.at;
		range.from_len = r->key.len;
		range.from_after = r->key.len > 0;
	}
	r->more = false;
	r->n_page = 0;
	r->revision = 0;
	r->running = true;
	r->call.field = read_field;
	r->call.ctx = r;
	etcd_range_put(&message, &range);
	etcd_call_start(e, &r->call, ETCD_RANGE, &message, true);
}

static bool read_field(void *ctx, const struct pb_field *f, struct err *err)
{
	struct reading *r = ctx;
	struct etcd_header header;

	switch (f->number) {
	case RANGE_HEADER:
		if (!etcd_header_get(f, &header))
			return err_set(err, ERR_AWAY, "an answer whose header makes no sense");
		r->revision = header.revision;
		if (!r->task->header.revision)
			r->task->header = header;
		return true;
	case RANGE_KVS:
		return read_kv(r, f, err);
	case RANGE_MORE:
		r->more = f->value;
		return !r->more || r->n_page ||
		       err_set(err, ERR_AWAY, "it says that there is more, and gives nothing");
	default:
		return true;
	}
}

static bool read_kv(struct reading *r, const struct pb_field *f, struct err *err)
{
	struct read_task *t = r->task;
	struct op *op = t->t.op;
	struct etcd_kv kv;

	if (!etcd_kv_get(f, &kv))
		return err_set(err, ERR_AWAY, "an entry without a revision");
	r->n_page++;
	if (*r->range.to) {
		if (!is_behind(&kv, &r->key))
			return err_set(err, ERR_AWAY, "its keys are in no order");
		buf_clear(&r->key);
		buf_add(&r->key, kv.key, kv.key_len);
	}
	if (kv.mod_revision > t->resume.mod && !memchr(kv.key, '\0', kv.key_len)) {
		t->resume.mod = kv.mod_revision;
		buf_clear(&t->anchor);
		buf_add(&t->anchor, kv.key, kv.key_len);
	}
	if (op->type == OP_GET && *r->range.to) { /* searched for by its name */
		const struct kind *kind = etcd_key_parse(kv.key, kv.key_len, &t->name);

		if (!kind || !str_eq(buf_text(&t->name), op->name))
			return true;
	}
	t->n_delivered += etcd_deliver(op, r->kinds, &kv, &t->key, &t->name, &t->value);
	return true;
}

/* Keys come in order, and each must be behind LAST. A server that sends the same page again and again would
 * keep us asking for ever. */
static bool is_behind(const struct etcd_kv *kv, const struct buf *last)
{
	int order = last->len ? memcmp(kv->key, last->at, MIN(kv->key_len, last->len)) : 0;

	return order ? order > 0 : kv->key_len > last->len;
}

/* Tried again only while nothing was handed over: who asked would get objects twice. */
static void read_failed(struct reading *r)
{
	struct read_task *t = r->task;
	struct op *op = t->t.op;
	const char *key = *r->range.to ? r->range.from : r->key.at;

	if (!t->n_delivered && etcd_again(&t->t, &r->call.call, "read", key))
		return;
	if (!op->err.kind)
		etcd_error(t->t.etcd, &r->call.call, "read", key, &op->err);
	op->done = true;
}

static void read_done(struct read_task *t)
{
	struct op *op = t->t.op;

	if (op->type == OP_GET && !t->n_delivered)
		err_set(&op->err, ERR_NOT_FOUND, "there is no %s/%s", op->kind->aliases[0],
			op->name);
	t->resume.revision = t->header.revision;
	t->resume.raft_term = t->header.raft_term;
	t->resume.anchor = t->anchor.at;
	op->identity = etcd_identity(&t->header, &op->arena);
	op->revision = arena_printf(&op->arena, "%" PRId64, t->header.revision);
	op->resume = etcd_resume_print(&t->resume, &op->arena);
	op->done = true;
}
