/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three states, one way round: opening -> listing -> watching. Whatever goes wrong leads back to
 * one of the first two. "Your revision is too old" lists again with the store as it is; all else
 * closes the store and opens it anew, after a pause that doubles. A store that says where a watch can
 * go on (op.resume) is not listed then, but watched from there: a thousand agents that come back after
 * a restart of etcd ask for what is new, not for everything.
 *
 * A new list is compared with the snapshot there is. An object that has the same version and the
 * same content is shared; if all are, the snapshot stays and nobody hears of it. The content is
 * looked at as well, because in a store that was put back from a copy an old version can come
 * again with something else in it.
 */
#include "store/feed.h"

#include "base/clock.h"
#include "store/entry.h"

#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
#define FOLLOWED     kinds_without(KIND_UNWATCHED | KIND_FILES_ONLY)

enum feed_state { FEED_OPENING, FEED_LISTING, FEED_WATCHING };

struct feed {
	char *url;
	unsigned kinds, flags;
	enum decode_mode mode;
	enum feed_state state;
	struct store *store;
	struct op op;	       /* the list, then the watch */
	struct snapshot *next; /* being built; NULL: nothing new yet */
	int64_t pause, retry_at, watching_since;
	bool resynced; /* the list under way follows a refused watch */
	char *since;   /* where a watch by a new handle can go on; NULL: list */

	struct snapshot *snapshot;
	uint64_t revision;
	char *identity;

	struct err trouble; /* kind ERR_NONE: none */
	struct feed_trouble incident;
	int64_t began; /* the incident; clock_ms() */
};

static void feed_step(struct feed *f);
static void feed_failed(struct feed *f);
static void feed_trouble_set(struct feed *f, const struct err *err);
static void feed_trouble_over(struct feed *f);
static void feed_list(struct feed *f);
static void feed_listed(struct feed *f);
static void feed_watch(struct feed *f, const char *since);
static void feed_watched(struct feed *f);
static void feed_publish(struct feed *f);
static void list_entry(void *ctx, const struct entry *e);
static void watch_entry(void *ctx, const struct entry *e);
static bool resource_unchanged(const struct resource *was, const struct resource *now);
static bool snapshot_same(const struct snapshot *a, const struct snapshot *b);

struct feed *feed_open(const char *url, enum decode_mode mode)
{
	return feed_open_kinds(url, ~0u, 0, mode);
}

struct feed *feed_open_kinds(const char *url, unsigned followed, unsigned flags,
			     enum decode_mode mode)
{
	struct feed *f = mem_alloc(sizeof *f);

	*f = (struct feed){ .url = mem_str(url),
			    .kinds = followed & FOLLOWED,
			    .flags = flags,
			    .mode = mode,
			    .retry_at = clock_ms() };
	return f;
}

void feed_close(struct feed *f)
{
	store_cancel(f->store, &f->op);
	store_close(f->store);
	snapshot_unref(f->next);
	snapshot_unref(f->snapshot);
	free(f->since);
	free(f->identity);
	free(f->url);
	free(f);
}

void feed_run(struct feed *f)
{
	enum feed_state before;

	/* A store that answers at once is listed and watched in one run. */
	do {
		before = f->state;
		feed_step(f);
	} while (f->state > before);
}

void feed_wait(struct feed *f, struct poll *p)
{
	if (f->state == FEED_OPENING)
		poll_at(p, f->retry_at);
	else if (f->op.done)
		poll_now(p);
	else
		store_wait(f->store, p);
}

struct snapshot *feed_snapshot(const struct feed *f)
{
	return f->snapshot;
}

uint64_t feed_revision(const struct feed *f)
{
	return f->revision;
}

const char *feed_identity(const struct feed *f)
{
	return f->identity;
}

struct store *feed_store(const struct feed *f)
{
	return f->store;
}

const struct feed_trouble *feed_trouble(const struct feed *f)
{
	return f->trouble.kind ? &f->incident : NULL;
}

const struct feed_trouble *feed_incident(const struct feed *f)
{
	return f->incident.number ? &f->incident : NULL;
}

bool feed_current(const struct feed *f)
{
	return f->state == FEED_WATCHING && f->op.identity && !f->trouble.kind;
}

static void feed_step(struct feed *f)
{
	struct err err = { 0 };

	switch (f->state) {
	case FEED_OPENING:
		if (clock_ms() < f->retry_at)
			return;
		f->store = store_open(f->url, f->flags, &err);
		if (f->store && f->since) {
			auto_free char *since = take(f->since);

			feed_watch(f, since);
		} else if (f->store) {
			feed_list(f);
		} else {
			feed_trouble_set(f, &err);
			feed_failed(f);
		}
		return;
	case FEED_LISTING:
		store_run(f->store);
		if (f->op.err.kind)
			feed_trouble_set(f, &f->op.err);
		if (f->op.done && f->op.err.kind)
			feed_failed(f);
		else if (f->op.done)
			feed_listed(f);
		return;
	case FEED_WATCHING:
		store_run(f->store);
		feed_watched(f);
		return;
	}
}

/* Closes the store and opens it after a pause. */
static void feed_failed(struct feed *f)
{
	store_cancel(f->store, &f->op);
	store_close(f->store);
	f->store = NULL;
	snapshot_unref(f->next);
	f->next = NULL;
	f->state = FEED_OPENING;
	f->resynced = false;
	f->pause = f->pause ? MIN(f->pause * 2, PAUSE_MAX_MS) : PAUSE_MIN_MS;
	/* Between half and all of the pause, at random: not all agents at the same moment. */
	f->retry_at = clock_ms() + f->pause / 2 + arc4random_uniform((uint32_t)f->pause / 2 + 1);
}

static void feed_trouble_set(struct feed *f, const struct err *err)
{
	if (!f->trouble.kind) {
		f->incident = (struct feed_trouble){ .number = f->incident.number + 1,
						     .since = clock_wall() };
		f->began = clock_ms();
	}
	f->trouble = *err;
	f->incident.kind = err->kind;
	f->incident.resync |= err->kind == ERR_CONFLICT;
	/* The words say why everything had to be listed anew. A later failure of the same incident, such as
	 * a list that does not succeed at once, must not replace them. */
	if (err->kind == ERR_CONFLICT || !f->incident.resync)
		memcpy(f->incident.words, err->words, sizeof f->incident.words);
}

static void feed_trouble_over(struct feed *f)
{
	int64_t lasted = (clock_ms() - f->began) / 1000;
	struct feed_trouble *i = &f->incident;

	f->trouble.kind = ERR_NONE;
	i->until = clock_wall();
	/* UNTIL - SINCE may be a second away from LASTED, by rounding. More than that: the wall clock was
	 * set during the incident, and SINCE is corrected. */
	if (i->until - i->since > lasted + 1 || i->until - i->since < lasted - 1)
		i->since = i->until - lasted;
}

static void feed_list(struct feed *f)
{
	store_cancel(f->store, &f->op);
	snapshot_unref(f->next);
	f->next = snapshot_new();
	f->op = (struct op){ .type = OP_LIST, .kinds = f->kinds, .entry = list_entry, .ctx = f };
	f->state = FEED_LISTING;
	store_start(f->store, &f->op);
}

static void feed_listed(struct feed *f)
{
	auto_free char *since = mem_str(f->op.resume ? f->op.resume : f->op.revision);

	if (f->snapshot && str_eq(f->identity, f->op.identity) &&
	    snapshot_same(f->snapshot, f->next)) {
		snapshot_unref(f->next);
		f->next = NULL;
	} else {
		free(f->identity);
		f->identity = mem_str(f->op.identity);
		feed_publish(f);
	}
	feed_watch(f, since);
}

static void feed_watch(struct feed *f, const char *since)
{
	store_cancel(f->store, &f->op);
	f->op = (struct op){ .type = OP_WATCH, .kinds = f->kinds, .entry = watch_entry, .ctx = f };
	f->op.since = arena_str(&f->op.arena, since);
	f->watching_since = clock_ms();
	f->state = FEED_WATCHING;
	store_start(f->store, &f->op);
}

static void feed_watched(struct feed *f)
{
	if (f->op.identity && !str_eq(f->op.identity, f->identity)) {
		feed_list(f); /* it has come back as another store */
		return;
	}
	if (f->op.done && f->op.err.kind != ERR_CONFLICT && f->op.resume) {
		f->since = mem_str(f->op.resume);
		if (f->next)
			feed_publish(f);
	}
	if (f->op.done) {
		bool again = f->op.err.kind == ERR_CONFLICT && !f->resynced;

		feed_trouble_set(f, &f->op.err);
		if (again) {
			f->resynced = true;
			feed_list(f);
		} else {
			feed_failed(f);
		}
		return;
	}
	if (f->next)
		feed_publish(f);
	if (f->op.err.kind)
		feed_trouble_set(f, &f->op.err);
	else if (!f->op.identity)
		return; /* the store has not confirmed the watch yet */
	else if (f->trouble.kind)
		feed_trouble_over(f);
	f->resynced = false;
	if (clock_ms() - f->watching_since >= f->pause)
		f->pause = 0;
}

static void feed_publish(struct feed *f)
{
	snapshot_unref(f->snapshot);
	f->snapshot = f->next;
	f->next = NULL;
	f->revision++;
}

static void list_entry(void *ctx, const struct entry *e)
{
	struct feed *f = ctx;
	struct resource *r = entry_resource(e, f->mode);
	const struct resource *was =
		f->snapshot ? snapshot_find(f->snapshot, e->kind, e->name) : NULL;

	if (was && resource_unchanged(was, r)) {
		resource_unref(r);
		r = resource_ref(was);
	}
	snapshot_put(f->next, r);
}

static void watch_entry(void *ctx, const struct entry *e)
{
	struct feed *f = ctx;
	const struct snapshot *have = f->next ? f->next : f->snapshot;
	const struct resource *was = snapshot_find(have, e->kind, e->name);
	struct resource *r = e->json ? entry_resource(e, f->mode) : NULL;

	if (r ? was && resource_unchanged(was, r) : !was) {
		resource_unref(r);
		return;
	}
	if (!f->next)
		f->next = snapshot_copy(f->snapshot);
	if (r)
		snapshot_put(f->next, r);
	else
		snapshot_remove(f->next, e->kind, e->name);
}

static bool resource_unchanged(const struct resource *was, const struct resource *now)
{
	if (!str_eq(was->meta.version, now->meta.version) ||
	    resource_broken(was) != resource_broken(now) || was->n_complaints != now->n_complaints)
		return false;
	for (size_t i = 0; i < was->n_complaints; i++)
		if (!str_eq(was->complaints[i].field, now->complaints[i].field) ||
		    !str_eq(was->complaints[i].text, now->complaints[i].text))
			return false;
	return resource_broken(was) || resource_same(was, now);
}

/* Are A and B equal? Objects that are equal are the same pointers in both. */
static bool snapshot_same(const struct snapshot *a, const struct snapshot *b)
{
	for (size_t i = 0; i < lengthof(kinds); i++) {
		size_t n = snapshot_count(a, kinds[i]);

		if (n != snapshot_count(b, kinds[i]))
			return false;
		for (size_t k = 0; k < n; k++)
			if (snapshot_at(a, kinds[i], k) != snapshot_at(b, kinds[i], k))
				return false;
	}
	return true;
}
