/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The etcd v3 driver: Calico's own keys and JSON (etcd_keys.h), over one connection to whichever
 * member answers. An operation is a task: it waits until the link is ready, makes its calls, and is
 * done when they are. What fails because of one member or a token is tried again here, for as long
 * as a STORE_PATIENT handle has patience; everything else, and every failure of the agent's handle,
 * ends the operation, and who asked decides.
 */
#include "store/etcd.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"

#define PAUSE_MS 100 /* before a member is asked again */
#define RENEWALS 2   /* of a token, for one operation */

static bool task_ready(const struct task *t);
static void task_start(struct task *t);
static void task_end(struct task *t);
static void task_link_failed(struct task *t);
static bool call_bytes(void *ctx, const uint8_t *at, size_t len, bool end, struct err *err);
static bool passes(const struct grpc_call *call);
static int permission(const char *key);

static struct store *etcd_open(const char *where, unsigned flags, struct err *err)
{
	struct etcd *e = mem_alloc(sizeof *e);

	(void)flags;
	*e = (struct etcd){ .arena.secret = true };
	if (!etcd_config_load(where, &e->arena, &e->config, err)) {
		arena_free(&e->arena);
		free(e);
		return NULL;
	}
	e->st.url = mem_str(e->config.shown);
	e->link = etcd_link_open(&e->config);
	return &e->st;
}

static void etcd_start(struct store *st, struct op *op)
{
	static const struct task_type *const types[] = {
		[OP_LIST] = &etcd_read,
		[OP_GET] = &etcd_read,
		[OP_WRITE] = &etcd_write,
		[OP_WATCH] = &etcd_watch,
	};
	struct etcd *e = (struct etcd *)st;
	struct task *t = types[op->type]->make(op);

	t->type = types[op->type];
	t->etcd = e;
	t->op = op;
	t->give_up = st->flags & STORE_PATIENT ? clock_ms() + STORE_PATIENCE_MS : 0;
	t->next = e->tasks;
	e->tasks = t;
	op->driver = t;
	if (!op->done && task_ready(t))
		task_start(t);
	if (op->done)
		task_end(t);
}

static void etcd_cancel(struct store *st, struct op *op)
{
	(void)st;
	task_end(op->driver);
}

static void etcd_run(struct store *st)
{
	struct etcd *e = (struct etcd *)st;

	etcd_link_run(e->link);
	for (struct task *t = e->tasks, *next; t; t = next) {
		next = t->next;
		if (t->started && !t->op->done)
			t->type->run(t);
		if (!t->op->done && !t->started && etcd_link_err(e->link))
			task_link_failed(t);
		if (!t->op->done && !t->started && clock_ms() >= t->retry_at && task_ready(t))
			task_start(t);
		if (t->op->done)
			task_end(t);
	}
}

static void etcd_wait(struct store *st, struct poll *p)
{
	struct etcd *e = (struct etcd *)st;

	if (!e->tasks)
		return; /* nobody uses the connection, so nobody cares if it ends: the next task makes one */
	for (const struct task *t = e->tasks; t; t = t->next) {
		if (!t->started && t->retry_at > clock_ms())
			poll_at(p, t->retry_at);
		else if (!t->started && (task_ready(t) || etcd_link_err(e->link)))
			poll_now(p);
		else if (t->started && t->op->type != OP_WATCH)
			poll_at(p, clock_ms() + ETCD_CALL_MS / 4);
	}
	/* After task_ready(), which may change what the link waits for: a link that is asked whether it is
	 * ready ends its connection there if the member takes no more calls. */
	etcd_link_wait(e->link, p);
}

static void etcd_close(struct store *st)
{
	struct etcd *e = (struct etcd *)st;

	for (struct task *t = e->tasks, *next; t; t = next) {
		struct op *op = t->op;

		next = t->next;
		task_end(t);
		err_set(&op->err, ERR_AWAY, "%s was closed", e->st.url);
		op->done = true;
	}
	etcd_link_close(e->link);
	arena_free(&e->arena);
	free(e);
}

const struct driver driver_etcd = {
	.scheme = "etcd",
	.status_rate = 500,
	.open = etcd_open,
	.start = etcd_start,
	.cancel = etcd_cancel,
	.run = etcd_run,
	.wait = etcd_wait,
	.close = etcd_close,
};

void etcd_call_start(struct etcd *e, struct etcd_call *c, const char *path,
		     const struct buf *message, bool last)
{
	etcd_call_stop(c);
	c->etcd = e;
	c->call = (struct grpc_call){ .path = path, .bytes = call_bytes, .ctx = c };
	c->heard = clock_ms();
	etcd_link_start(e->link, &c->call, message, last);
}

bool etcd_call_done(struct etcd_call *c)
{
	if (!c->call.done && clock_ms() - c->heard > ETCD_CALL_MS)
		etcd_link_leave(c->etcd->link,
				"it takes requests, but does not answer: is it frozen, or are "
				"most members of its cluster away?");
	return c->call.done;
}

void etcd_call_answered(struct etcd_call *c, int64_t revision)
{
	if (c->call.status != GRPC_OK || revision)
		return;
	c->call.status = GRPC_NONE;
	snprintf(c->call.words, sizeof c->call.words,
		 "it says that it is done, and has answered nothing");
}

void etcd_call_stop(struct etcd_call *c)
{
	if (c->etcd)
		etcd_link_cancel(c->etcd->link, &c->call);
	pb_stream_free(&c->stream);
	c->etcd = NULL;
}

bool etcd_again(struct task *t, const struct grpc_call *call, const char *doing, const char *key)
{
	struct etcd *e = t->etcd;
	int64_t now = clock_ms();
	struct err err = { 0 };

	if (call->unheard) {
		t->n_starts--;
		t->started = false;
		t->retry_at = 0;
		return true;
	}
	if (t->n_renewals < RENEWALS && etcd_link_renew(e->link, call)) {
		t->n_renewals++;
		t->started = false;
		t->retry_at = 0;
		return true;
	}
	etcd_error(e, call, doing, key, &err);
	if (passes(call)) {
		etcd_link_leave(e->link, call->words);
		if (now + PAUSE_MS < t->give_up) {
			t->started = false;
			t->retry_at = now + PAUSE_MS;
			return true;
		}
	}
	if (!t->op->err.kind)
		t->op->err = err;
	return false;
}

void etcd_error(const struct etcd *e, const struct grpc_call *call, const char *doing,
		const char *key, struct err *err)
{
	const char *at = etcd_link_endpoint(e->link), *user = etcd_link_user(e->link);
	const char *words = call->words;

	if (strncmp(words, "etcdserver: ", 12) == 0)
		words += 12;
	/* The first is what etcd itself says, the second what its gRPC library says. */
	if (strstr(words, "request is too large") || strstr(words, "larger than max")) {
		err_set(err, ERR_INVALID,
			"%s takes nothing so large as %s: its limit is --max-request-bytes, 1.5 MiB "
			"unless it was changed",
			at, key);
		return;
	}
	err_set(err, ERR_AWAY, "%s: %s", at, words);
	switch (call->status) {
	case GRPC_NONE:
		if (strstr(words, "://")) /* they name the endpoint themselves */
			err_set(err, ERR_AWAY, "%s", words);
		return;
	case GRPC_OK:
		err_set(err, ERR_AWAY, "%s: the answer ended", at);
		return;
	case GRPC_PERMISSION_DENIED:
		err_set(err, ERR_REFUSED,
			"%s: %s%s%s may not %s %s; see `etcdctl role grant-permission ROLE %s %.*s --prefix`",
			at, user ? "user \"" : "",
			user ? user : "this user (of the client certificate, or none)",
			user ? "\"" : "", doing, key, str_eq(doing, "write") ? "readwrite" : doing,
			permission(key), key);
		return;
	case GRPC_UNAUTHENTICATED:
		err_set(err, ERR_REFUSED, "%s does not take the token of user \"%s\": %s", at,
			user ? user : "", words);
		return;
	case GRPC_INVALID_ARGUMENT:
		err_set(err, ERR_INVALID, "%s: %s", at, words);
		if (strstr(words, "user name is empty"))
			err_set(err, ERR_REFUSED,
				"%s asks for a user: set ETCD_USERNAME and ETCD_PASSWORD, or use a client "
				"certificate",
				at);
		return;
	case GRPC_RESOURCE_EXHAUSTED:
		if (strstr(words, "space exceeded"))
			err_set(err, ERR_AWAY,
				"%s takes no writes, its database is full (NOSPACE alarm); compact and "
				"defragment it, then `etcdctl alarm disarm`",
				at);
		return;
	case GRPC_OUT_OF_RANGE:
		err_set(err, ERR_CONFLICT, "%s: %s", at, words);
		return;
	case GRPC_UNAVAILABLE:
		if (strstr(words, "leader") || strstr(words, "timed out"))
			err_set(err, ERR_AWAY,
				"%s waits for other members of its cluster (%s): are most of them up?",
				at, words);
		return;
	case GRPC_UNIMPLEMENTED:
		err_set(err, ERR_AWAY, "%s is not etcd 3.3 or newer: %s", at, words);
		return;
	}
}

const char *etcd_identity(const struct etcd_header *h, struct arena *a)
{
	return arena_printf(a, "%016" PRIx64, h->cluster_id);
}

bool etcd_deliver(struct op *op, unsigned wanted, const struct etcd_kv *kv, struct buf *key,
		  struct buf *name, struct buf *value)
{
	const struct kind *kind = etcd_key_parse(kv->key, kv->key_len, name);
	struct entry entry = { .kind = kind };
	const char *at;
	size_t version;

	if (!kind || !(wanted & 1u << kind->id))
		return false;
	buf_clear(key);
	buf_str(key, "the key ");
	for (size_t i = 0; i < kv->key_len; i++)
		buf_char(key, kv->key[i] ? kv->key[i] : '?'); /* as in its name */
	buf_char(key, '\0');
	version = key->len;
	buf_u64(key, (uint64_t)kv->mod_revision);
	entry.version = key->at + version;
	entry.name = buf_text(name);
	entry.place = buf_text(key);
	at = entry.place + strlen("the key ");
	if (!kv->deleted) {
		entry.len = kv->len;
		entry.json = etcd_value(kind, at, entry.name, kv->value, &entry.len, value);
	}
	op->entry(op->ctx, &entry);
	return true;
}

const char *etcd_resume_print(const struct etcd_resume *r, struct arena *a)
{
	return arena_printf(a, "%" PRId64 ":%" PRIu64 ":%" PRId64 ":%c%s", r->revision,
			    r->raft_term, r->mod, r->deleted ? '-' : '+',
			    r->anchor ? r->anchor : "");
}

bool etcd_resume_parse(const char *text, struct etcd_resume *ret)
{
	size_t len = text ? strcspn(text, ":") : 0;
	uint64_t revision, term, mod;
	const char *at = text;

	*ret = (struct etcd_resume){ 0 };
	if (!len || !text_u64(at, len, ETCD_REVISION_MAX, &revision))
		return false;
	ret->revision = (int64_t)revision;
	at += len;
	if (!*at)
		return true;
	len = strcspn(++at, ":");
	if (!text_u64(at, len, UINT64_MAX, &term) || !at[len])
		return false;
	at += len + 1;
	len = strcspn(at, ":");
	if (!text_u64(at, len, ETCD_REVISION_MAX, &mod) || !at[len])
		return false;
	at += len + 1;
	if (*at != '+' && *at != '-')
		return false;
	ret->raft_term = term;
	ret->mod = (int64_t)mod;
	ret->deleted = *at == '-';
	ret->anchor = at[1] ? at + 1 : NULL;
	return true;
}

/* A read may be sent before the member has answered our greeting: if it is lost it is sent again, which
 * does no harm. A write waits until the link is ready. */
static bool task_ready(const struct task *t)
{
	struct etcd_link *l = t->etcd->link;

	return etcd_link_ready(l) || (t->type == &etcd_read && etcd_link_early(l));
}

static void task_start(struct task *t)
{
	t->started = true;
	t->retry_at = 0;
	t->n_starts++;
	t->type->start(t);
}

/* The operation is done. Its results stay: they are in its arena, and so is T. */
static void task_end(struct task *t)
{
	for (struct task **at = &t->etcd->tasks; *at; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			break;
		}
	t->type->stop(t);
	t->op->driver = NULL;
}

/* Every member was tried, and none can be used. An operation that had been started on one of them goes
 * on trying for as long as its handle is patient; one that never found a member fails at once. */
static void task_link_failed(struct task *t)
{
	int64_t now = clock_ms();

	if (t->n_starts && now + PAUSE_MS < t->give_up) {
		if (!t->retry_at)
			t->retry_at = now + PAUSE_MS;
		if (now >= t->retry_at) {
			t->retry_at = 0;
			etcd_link_retry(t->etcd->link);
		}
		return;
	}
	if (!t->op->err.kind)
		t->op->err = *etcd_link_err(t->etcd->link);
	t->op->done = true;
}

static bool call_bytes(void *ctx, const uint8_t *at, size_t len, bool end, struct err *err)
{
	struct etcd_call *c = ctx;

	c->heard = clock_ms();
	return pb_stream_take(&c->stream, at, len, c->field, c->ctx, err) &&
	       (!end || (pb_stream_end(&c->stream, err) && (!c->end || c->end(c->ctx, err))));
}

/* May CALL work with another member, or a moment later? */
static bool passes(const struct grpc_call *call)
{
	switch (call->status) {
	case GRPC_NONE:
	case GRPC_CANCELLED:
	case GRPC_DEADLINE_EXCEEDED:
	case GRPC_UNAVAILABLE:
		return true;
	default:
		return false;
	}
}

/* How much of KEY is the prefix that a role should have: one watch is about all of Calico's resources. */
static int permission(const char *key)
{
	const char *group = strstr(key, "projectcalico.org/"), *slash = strrchr(key, '/');

	return (int)(group ? group + strlen("projectcalico.org/") - key :
		     slash ? slash + 1 - key :
			     0);
}
