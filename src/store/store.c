/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/clock.h"
#include "store/driver.h"

static const struct driver *const drivers[] = { &driver_sqlite, &driver_etcd, &driver_memory };

/* What people will ask for before it is there. */
static const char *const later[] = { "kubernetes", "kube", NULL };

static const struct driver *driver_find(const char *url, const char **ret_where, struct err *err);

struct store *store_open(const char *url, unsigned flags, struct err *err)
{
	const char *where;
	const struct driver *driver = driver_find(url, &where, err);
	struct store *st = driver ? driver->open(where, flags, err) : NULL;

	if (!st)
		return NULL;
	st->driver = driver;
	if (!st->url)
		st->url = mem_str(url);
	st->flags = flags;
	return st;
}

bool store_check(const char *url, struct err *err)
{
	const char *where;
	const struct driver *driver = driver_find(url, &where, err);

	return driver && (!driver->check || driver->check(where, err));
}

void store_close(struct store *st)
{
	char *url = st ? st->url : NULL;

	if (st)
		st->driver->close(st);
	free(url);
}

void store_start(struct store *st, struct op *op)
{
	op->done = false;
	op->err = (struct err){ 0 };
	op->revision = op->resume = op->identity = NULL;
	op->driver = NULL;
	for (size_t i = 0; op->type == OP_WRITE && i < op->n_writes; i++) {
		op->writes[i].result = WRITE_PENDING;
		op->writes[i].new_version = NULL;
	}
	if (op->type == OP_WRITE && (st->flags & STORE_READ_ONLY)) {
		err_set(&op->err, ERR_REFUSED, "%s was opened for reading only", st->url);
		op->done = true;
		return;
	}
	st->driver->start(st, op);
}

void store_cancel(struct store *st, struct op *op)
{
	if (st && op->driver && !op->done)
		st->driver->cancel(st, op);
	op->driver = NULL;
	arena_free(&op->arena);
	op->revision = op->resume = op->identity = NULL;
}

void store_run(struct store *st)
{
	st->driver->run(st);
}

void store_wait(struct store *st, struct poll *p)
{
	st->driver->wait(st, p);
}

const char *store_url(const struct store *st)
{
	return st->url;
}

unsigned store_status_rate(const struct store *st)
{
	return st->driver->status_rate;
}

void store_give_up(struct store *st, struct op *op, int64_t timeout_ms)
{
	st->driver->cancel(st, op);
	op->done = true;
	err_set(&op->err, ERR_TIMEOUT, "%s did not answer within %lld s", st->url,
		(long long)(timeout_ms + 999) / 1000);
}

bool store_finish(struct store *st, struct op *op, int64_t timeout_ms, struct err *err)
{
	int64_t deadline = clock_ms() + timeout_ms;

	store_start(st, op);
	while (!op->done) {
		struct poll p = { 0 };

		store_run(st);
		if (op->done)
			break;
		if (clock_ms() >= deadline) {
			store_give_up(st, op, timeout_ms);
			break;
		}
		store_wait(st, &p);
		poll_at(&p, deadline);
		poll_block(&p);
	}
	if (op->err.kind)
		*err = op->err;
	return !op->err.kind;
}

bool write_fits(struct write *w, const char *version, struct err *err)
{
	struct err unused = { 0 };
	const char *kind = w->kind->aliases[0];

	if (err->kind)
		err = &unused;
	switch (w->expect) {
	case EXPECT_ANY:
		return true;
	case EXPECT_ABSENT:
		if (!version)
			return true;
		w->result = WRITE_EXISTS;
		return err_set(err, ERR_CONFLICT, "%s/%s exists already", kind, w->name);
	case EXPECT_PRESENT:
	case EXPECT_VERSION:
		break;
	}
	if (!version) {
		w->result = WRITE_ABSENT;
		return err_set(err, ERR_CONFLICT, "%s/%s does not exist", kind, w->name);
	}
	if (w->expect == EXPECT_PRESENT || str_eq(version, w->version))
		return true;
	w->result = WRITE_CONFLICT;
	return err_set(err, ERR_CONFLICT,
		       "%s/%s was changed meanwhile: it is at version %s, not %s; read it again",
		       kind, w->name, version, w->version ? w->version : "(none)");
}

void writes_undone(struct op *op)
{
	for (size_t i = 0; i < op->n_writes; i++) {
		if (op->writes[i].result == WRITE_DONE)
			op->writes[i].result = WRITE_PENDING;
		op->writes[i].new_version = NULL;
	}
}

const struct kind *driver_kind(const char *plural, size_t len)
{
	for (size_t i = 0; i < lengthof(kinds); i++)
		if (strlen(kinds[i]->plural) == len && memcmp(kinds[i]->plural, plural, len) == 0)
			return kinds[i];
	return NULL;
}

/* "scheme:where", or a path: with a slash before any colon, or ending in .db. */
static const struct driver *driver_find(const char *url, const char **ret_where, struct err *err)
{
	size_t len = strcspn(url, ":/"), all = strlen(url);

	if (url[len] == ':' || !url[len]) {
		for (size_t i = 0; i < lengthof(drivers); i++) {
			const char *scheme = drivers[i]->scheme;

			if (url[len] != ':' || strlen(scheme) != len || strncmp(url, scheme, len))
				continue;
			*ret_where = url + len + 1;
			/* etcd without more is the one of the environment. */
			if (**ret_where || drivers[i] == &driver_etcd)
				return drivers[i];
			err_set(err, ERR_USAGE, "%s: what is behind the colon is missing", url);
			return NULL;
		}
		for (size_t i = 0; later[i]; i++)
			if (strlen(later[i]) == len && !strncmp(url, later[i], len)) {
				err_set(err, ERR_USAGE,
					"the datastore %s is not in this build yet; use sqlite:PATH or "
					"etcd:https://HOST",
					later[i]);
				return NULL;
			}
	}
	if (url[len] == '/' || (!url[len] && all > 3 && str_eq(url + all - 3, ".db"))) {
		*ret_where = url;
		return &driver_sqlite;
	}
	err_set(err, ERR_USAGE,
		"\"%.200s\" names no datastore; write sqlite:PATH, a path with a slash in it, or "
		"etcd:https://HOST",
		strchr(url, '@') ? "..." : url); /* there may be a password in front of it */
	return NULL;
}
