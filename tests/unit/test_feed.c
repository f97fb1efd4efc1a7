/* SPDX-License-Identifier: Apache-2.0 */
/* The feed against stores that change, forget, go away, and come back as another. */
#include "store/feed.h"

#include "store_world.h"

#include <sqlite3.h>

#include "base/clock.h"
#include "store/driver.h"

#define PEER  (&kind_bgppeer)
#define POOL  (&kind_ippool)
#define NSTAT (&kind_nodestatus)

#define PEER_JSON(ip)                                                                              \
	"{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"BGPPeer\","                           \
	"\"metadata\":{\"name\":\"x\"},\"spec\":{\"peerIP\":\"" ip "\",\"asNumber\":64512}}"
#define POOL_JSON                                                                                  \
	"{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"IPPool\","                            \
	"\"metadata\":{\"name\":\"x\"},\"spec\":{\"cidr\":\"10.0.0.0/16\"}}"

/* Runs F until it knows all there is and has nothing to do. */
static void settle(struct feed *f)
{
	int64_t until = clock_ms() + 10000;

	for (;;) {
		struct poll p = { 0 };

		feed_run(f);
		feed_wait(f, &p);
		if (feed_current(f) && !p.timed && poll(p.fds, p.n, 0) == 0)
			return;
		if (clock_ms() >= until)
			fail_msg("the feed does not settle");
		poll_at(&p, until);
		poll_block(&p);
	}
}

/* Runs F until it is in trouble. */
static const char *trouble(struct feed *f)
{
	int64_t until = clock_ms() + 10000;

	while (!feed_trouble(f) && clock_ms() < until) {
		struct poll p = { 0 };

		feed_run(f);
		feed_wait(f, &p);
		poll_at(&p, until);
		if (!feed_trouble(f))
			poll_block(&p);
	}
	assert_non_null(feed_trouble(f));
	assert_false(feed_current(f));
	return feed_trouble(f)->words;
}

static void raw(const struct world *w, const char *sql)
{
	sqlite3 *db;
	char *words = NULL;

	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK)
		fail_msg("%s: %s", sql, words);
	sqlite3_close(db);
}

/* The store under NAME is gone, with all that belongs to it. */
static void lose_store(const struct world *w)
{
	static const char *const files[] = { "", "-wal", "-shm" };
	char path[128];

	memory_remove(w->name);
	for (size_t i = 0; i < lengthof(files); i++) {
		snprintf(path, sizeof path, "%s%s", w->path, files[i]);
		if (remove(path) < 0)
			continue;
	}
}

/* Forgets more changes than any watch can look back on; leaves one object "flood". */
static void flood(struct store *st)
{
	size_t n = STORE_LOG_KEEP + 1;
	struct write *writes = mem_alloc(n * sizeof *writes);
	struct err err = { 0 };

	for (size_t i = 0; i < n; i++)
		writes[i] = (struct write){
			.kind = POOL, .name = "flood", .json = POOL_JSON, .len = strlen(POOL_JSON)
		};
	assert_true(write_many(st, writes, n, &err));
	free(writes);
}

struct oracle {
	const struct snapshot *s;
	size_t seen;
};

static void oracle_entry(void *ctx, const struct entry *e)
{
	struct oracle *o = ctx;
	const struct resource *r = snapshot_find(o->s, e->kind, e->name);

	o->seen++;
	assert_non_null(r);
	assert_string_equal(r->meta.version, e->version);
	assert_string_equal(r->meta.name, e->name);
}

/* A snapshot is what a fresh list says, no more and no less. */
static void as_listed(const struct feed *f, struct store *st)
{
	struct oracle o = { .s = feed_snapshot(f) };
	struct op op = { .type = OP_LIST, .entry = oracle_entry, .ctx = &o };
	struct err err = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < lengthof(kinds); i++) {
		if (!(kinds[i]->flags & (KIND_UNWATCHED | KIND_FILES_ONLY)))
			op.kinds |= 1u << kinds[i]->id;
		n += snapshot_count(o.s, kinds[i]);
	}
	assert_true(store_finish(st, &op, PUT_MS, &err));
	assert_int_equal(n, o.seen);
	assert_string_equal(feed_identity(f), op.identity);
	store_cancel(st, &op);
}

static const struct resource *find(const struct feed *f, const char *name)
{
	return snapshot_find(feed_snapshot(f), PEER, name);
}

/* ---- */

static void first_snapshot(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct feed *f = feed_open(w->url, DECODE_TOLERANT);

	put(st, PEER, "a", PEER_JSON("192.0.2.1"));
	put(st, POOL, "a", POOL_JSON);
	put(st, NSTAT, "n", "{}");
	assert_null(feed_snapshot(f));
	assert_null(feed_identity(f));
	assert_null(feed_store(f));
	assert_int_equal(feed_revision(f), 0);
	assert_false(feed_current(f));
	settle(f);
	assert_int_equal(feed_revision(f), 1);
	assert_null(feed_trouble(f));
	assert_non_null(feed_store(f));
	assert_int_equal(snapshot_count(feed_snapshot(f), PEER), 1);
	assert_int_equal(snapshot_count(feed_snapshot(f), NSTAT), 0);
	assert_false(resource_broken(find(f, "a")));
	as_listed(f, st);
	put(st, NSTAT, "n", "{}");
	settle(f);
	assert_int_equal(feed_revision(f), 1);
	feed_close(f);
	store_close(st);
}

static void empty_store(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct feed *f = feed_open(w->url, DECODE_TOLERANT);

	settle(f);
	assert_int_equal(feed_revision(f), 1);
	as_listed(f, st);
	put(st, PEER, "a", PEER_JSON("192.0.2.1"));
	settle(f);
	assert_int_equal(feed_revision(f), 2);
	as_listed(f, st);
	feed_close(f);
	store_close(st);
}

static void changes(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct feed *f = feed_open(w->url, DECODE_TOLERANT);
	static const char json[] = PEER_JSON("192.0.2.3");
	struct write writes[] = {
		{.kind = PEER,	.name = "a",	     .json = json, .len = sizeof json - 1},
		{ .kind = PEER, .name = "b"	    },
		{ .kind = PEER, .name = "d", .json = json,		   .len = sizeof json - 1			  },
	};
	struct err err = { 0 };
	struct snapshot *old;
	const struct resource *c;

	put(st, PEER, "a", PEER_JSON("192.0.2.1"));
	put(st, PEER, "b", PEER_JSON("192.0.2.2"));
	put(st, PEER, "c", PEER_JSON("192.0.2.4"));
	settle(f);
	c = find(f, "c");
	old = snapshot_ref(feed_snapshot(f));
	assert_true(write_many(st, writes, lengthof(writes), &err));
	settle(f);
	assert_int_equal(feed_revision(f), 2); /* one transaction, one snapshot */
	assert_null(find(f, "b"));
	assert_non_null(find(f, "d"));
	assert_ptr_equal(find(f, "c"), c);
	assert_non_null(snapshot_find(old, PEER, "b")); /* the old one is as it was */
	assert_int_equal(snapshot_count(old, PEER), 3);
	snapshot_unref(old);
	as_listed(f, st);
	feed_close(f);
	store_close(st);
}

static void resync_after_compaction(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct feed *f = feed_open(w->url, DECODE_TOLERANT);
	const struct resource *a;

	put(st, PEER, "a", PEER_JSON("192.0.2.1"));
	put(st, PEER, "b", PEER_JSON("192.0.2.2"));
	settle(f);
	a = find(f, "a");
	put(st, PEER, "b", NULL); /* the feed will never be told of this */
	flood(st);
	settle(f);
	assert_int_equal(feed_revision(f), 2);
	assert_ptr_equal(find(f, "a"), a);
	assert_null(find(f, "b"));
	as_listed(f, st);
	feed_close(f);
	store_close(st);
}

static void away_and_back(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct feed *f = feed_open(w->url, DECODE_TOLERANT);
	struct snapshot *s;

	put(st, PEER, "a", PEER_JSON("192.0.2.1"));
	settle(f);
	s = feed_snapshot(f);
	for (unsigned round = 0; round < 2; round++) {
		memory_away(w->name, "gone fishing");
		assert_string_equal(trouble(f), "gone fishing");
		assert_true(clock_wall() - feed_trouble(f)->since <= 2);
		assert_null(feed_store(f));
		assert_ptr_equal(feed_snapshot(f), s); /* stays */
		memory_away(w->name, NULL);
		settle(f);
		assert_null(feed_trouble(f));
		assert_int_equal(feed_revision(f), 1); /* the same list is no news */
		assert_ptr_equal(feed_snapshot(f), s);
	}
	memory_away(w->name, "again");
	trouble(f);
	memory_away(w->name, NULL);
	put(st, PEER, "b", PEER_JSON("192.0.2.2")); /* while nobody looked */
	settle(f);
	assert_int_equal(feed_revision(f), 2);
	as_listed(f, st);
	feed_close(f);
	store_close(st);
}

static void store_comes_later(void **state)
{
	struct world *w = *state;
	struct feed *f = feed_open(w->url, DECODE_TOLERANT);
	struct store *st;

	assert_non_null(strstr(trouble(f), "there is no store at"));
	assert_null(feed_snapshot(f));
	st = open_store(w->url, STORE_CREATE);
	put(st, PEER, "a", PEER_JSON("192.0.2.1"));
	settle(f);
	assert_int_equal(feed_revision(f), 1);
	as_listed(f, st);
	feed_close(f);
	store_close(st);
}

static void another_store(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct feed *f = feed_open(w->url, DECODE_TOLERANT);
	char identity[64];

	put(st, PEER, "a", PEER_JSON("192.0.2.1"));
	settle(f);
	snprintf(identity, sizeof identity, "%s", feed_identity(f));
	lose_store(w);
	feed_run(f);
	trouble(f);
	assert_string_equal(feed_identity(f), identity);
	assert_non_null(find(f, "a"));
	store_close(st);
	st = open_store(w->url, STORE_CREATE);
	put(st, PEER, "a", PEER_JSON("192.0.2.1")); /* even if it looks the same */
	settle(f);
	assert_string_not_equal(feed_identity(f), identity);
	assert_int_equal(feed_revision(f), 2);
	as_listed(f, st);
	feed_close(f);
	store_close(st);
}

static void broken_objects(void **state)
{
	static const char *const texts[] = { "",    "{", "[]", "null", "{\"spec\":{\"peerIP\":7}}",
					     "\xff" };
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct feed *f = feed_open(w->url, DECODE_TOLERANT);
	const struct resource *good;

	put(st, PEER, "good", PEER_JSON("192.0.2.1"));
	put(st, PEER, "bad", "{broken");
	settle(f);
	good = find(f, "good");
	assert_false(resource_broken(good));
	assert_true(resource_broken(find(f, "bad")));
	assert_true(find(f, "bad")->n_complaints > 0);
	for (size_t i = 0; i < lengthof(texts); i++) {
		put(st, PEER, "bad", texts[i]);
		settle(f);
		assert_true(resource_broken(find(f, "bad")));
		assert_ptr_equal(find(f, "good"), good);
	}
	flood(st); /* a broken one is shared across a resync like any other */
	settle(f);
	assert_true(resource_broken(find(f, "bad")));
	as_listed(f, st);
	put(st, PEER, "bad", PEER_JSON("192.0.2.9"));
	settle(f);
	assert_false(resource_broken(find(f, "bad")));
	feed_close(f);
	store_close(st);
}

/* A copy was put back and went another way: the same version, but not the same content. */
static void old_version_again(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct feed *f = feed_open(w->url, DECODE_TOLERANT);
	const struct resource *b;

	put(st, PEER, "a", PEER_JSON("192.0.2.1"));
	put(st, PEER, "b", PEER_JSON("192.0.2.2"));
	settle(f);
	b = find(f, "b");
	raw(w, "UPDATE resource SET json = replace(json, '192.0.2.1', '192.0.2.7');"
	       "UPDATE log SET rev = rev + 20000");
	settle(f);
	assert_int_equal(feed_revision(f), 2);
	assert_ptr_equal(find(f, "b"), b);
	assert_false(resource_broken(find(f, "a")));
	as_listed(f, st);
	feed_close(f);
	store_close(st);
}

/* Pauses double from 100 ms to 5 s; an hour of absence is some hundred tries and one trouble. */
static void backs_off(void **state)
{
	struct world *w = *state;
	int64_t now = 1000, last = 0;
	unsigned tries = 0;
	struct store *st;
	struct feed *f;

	clock_fake(now, 50);
	f = feed_open(w->url, DECODE_TOLERANT);
	feed_run(f);
	while (now < 1000 + 3600 * 1000) {
		struct poll p = { 0 };

		feed_wait(f, &p);
		assert_true(p.timed && p.deadline > now);
		last = p.deadline - now;
		assert_in_range(last, 50, 5000);
		if (!tries)
			assert_true(last <= 100);
		now = p.deadline;
		clock_fake(now, 50 + now / 1000);
		feed_run(f);
		tries++;
	}
	assert_in_range(tries, 720, 1500);
	assert_true(last >= 2500);
	assert_non_null(feed_trouble(f));
	assert_int_equal(feed_trouble(f)->since, 50);
	st = open_store(w->url, STORE_CREATE);
	now += 5000;
	clock_fake(now, 50);
	for (unsigned i = 0; i < 5; i++)
		feed_run(f);
	assert_true(feed_current(f));
	clock_real();
	feed_close(f);
	store_close(st);
}

/* Whatever happens to the store, in the end the snapshot is what is in it. */
static void random_life(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct feed *f = feed_open(w->url, DECODE_TOLERANT);

	for (unsigned round = 0; round < 150; round++) {
		unsigned n = arc4random_uniform(4);

		for (unsigned i = 0; i < n; i++) {
			char name[2] = { (char)('a' + arc4random_uniform(6)), '\0' };
			bool pool = arc4random_uniform(3) == 0;
			const char *json = pool ? POOL_JSON : PEER_JSON("192.0.2.1");

			if (!arc4random_uniform(8))
				json = "{";
			put(st, pool ? POOL : PEER, name, arc4random_uniform(3) ? json : NULL);
		}
		switch (arc4random_uniform(16)) {
		case 0:
			memory_compact(w->name);
			break;
		case 1:
			memory_away(w->name, "away");
			feed_run(f);
			memory_away(w->name, NULL);
			break;
		case 2:
			feed_close(f);
			f = feed_open(w->url, DECODE_TOLERANT);
			break;
		default:
			break;
		}
		if (arc4random_uniform(3))
			feed_run(f);
		if (arc4random_uniform(4))
			continue;
		settle(f);
		as_listed(f, st);
	}
	settle(f);
	as_listed(f, st);
	feed_close(f);
	store_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(first_snapshot),
		BOTH(empty_store),
		BOTH(changes),
		BOTH(resync_after_compaction),
		CASE(away_and_back, "memory"),
		BOTH(store_comes_later),
		BOTH(another_store),
		BOTH(broken_objects),
		CASE(old_version_again, "sqlite"),
		BOTH(backs_off),
		BOTH(random_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
