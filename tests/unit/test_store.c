/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every driver behaves the same: each case runs on all of them. etcd is among them where the
 * environment says where one is (PEERAGE_TEST_ETCD, an URL): tests/integration/test_etcd.py.
 */
#include "store/store.h"

#include "store_world.h"

#include "base/clock.h"
#include "store/driver.h"

#define PEER  (&kind_bgppeer)
#define POOL  (&kind_ippool)
#define NSTAT (&kind_nodestatus)

static void open_urls(void **state)
{
	static const struct {
		const char *url;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{"",			ERR_USAGE,	 "names no datastore"		      },
		{ "peerage",		     ERR_USAGE,	"\"peerage\" names no datastore"	 },
		{ "sqlite",		    ERR_USAGE,     "names no datastore"		    },
		{ "sqlite:",		     ERR_USAGE,	"behind the colon is missing"	      },
		{ "etcd:",			   ERR_USAGE,	    "neither ETCD_ENDPOINTS nor ETCD_DISC" },
		{ "etcd:ftp://a:2379",	 ERR_USAGE,	    "ftp"				  },
		{ "etcdv3",		    ERR_USAGE,     "names no datastore"		    },
		{ "kubernetes",		ERR_USAGE,	   "kubernetes is not in this build yet" },
		{ "kubernetes:x",		  ERR_USAGE,     "kubernetes is not in this build yet" },
		{ "https://a:2379",	    ERR_USAGE,     "names no datastore"		    },
		{ "memory:nothing-there",	  ERR_NOT_FOUND, "there is no store at memory:"	},
		{ "/nowhere/at/all",	     ERR_NOT_FOUND, "there is no store at /nowhere/at/all"},
		{ "./nowhere",	       ERR_NOT_FOUND, "there is no store at ./nowhere"      },
		{ "nowhere.db",		ERR_NOT_FOUND, "peerctl create or apply makes one"   },
		{ "sqlite:/nowhere/at/all", ERR_NOT_FOUND, "there is no store at /nowhere"	   },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct err err = { 0 };

		assert_null(store_open(cases[i].url, 0, &err));
		if (err.kind != cases[i].kind || !strstr(err.words, cases[i].words))
			fail_msg("%s: %s", cases[i].url, err.words);
	}
}

/* What peerd refuses at its start, and what it waits for. */
static void check_urls(void **state)
{
	static const struct {
		const char *url, *words; /* NULL: it is waited for */
	} cases[] = {
		{ "nosuch:x", "\"nosuch:x\" names no datastore; write sqlite:PATH" },
		{ "sqlite:", "behind the colon is missing" },
		{ "memory:x", "memory:x ends with the process that has it; write sqlite:PATH" },
		{ "sqlite:/tmp", "/tmp is a folder, a database file is needed" },
		{ "/tmp/", "/tmp/ is a folder" },
		{ "sqlite:/dev/null", "/dev/null is not a file" },
		{ "sqlite:/dev/null/peerage.db", "/dev/null/peerage.db: Not a directory" },
		{ "sqlite:/nowhere/at/all.db", NULL },
		{ "/etc/passwd", NULL },
		{ "etcd:http://192.0.2.1:2379", NULL },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct err err = { 0 };

		if (store_check(cases[i].url, &err) != !cases[i].words ||
		    (cases[i].words && (err.kind != ERR_USAGE || !strstr(err.words, cases[i].words))))
			fail_msg("%s: %s", cases[i].url, err.kind ? err.words : "passed");
	}
}

/* All four expectations against an object that is there, at another version, and not there. */
static void expectations(void **state)
{
	static const struct {
		bool there, delete;
		enum expect expect;
		const char *version; /* "=": the one that is there */
		enum write_result result;
		const char *words;
	} cases[] = {
		{false,	 false, EXPECT_ANY,	    NULL, WRITE_DONE,     NULL			   },
		{ true,	false, EXPECT_ANY,	   NULL, WRITE_DONE,     NULL			  },
		{ false, false, EXPECT_ABSENT,  NULL, WRITE_DONE,	 NULL		      },
		{ true,	false, EXPECT_ABSENT,  NULL, WRITE_EXISTS,	  "bgppeer/x exists already"},
		{ false, false, EXPECT_PRESENT, NULL, WRITE_ABSENT,   "bgppeer/x does not exist"},
		{ true,	false, EXPECT_PRESENT, NULL, WRITE_DONE,	 NULL		      },
		{ false, false, EXPECT_VERSION, "1",  WRITE_ABSENT,   "bgppeer/x does not exist"},
		{ true,	false, EXPECT_VERSION, "=",  WRITE_DONE,	NULL			     },
		{ true,	false, EXPECT_VERSION, "99", WRITE_CONFLICT, "bgppeer/x was changed"   },
		{ true,	false, EXPECT_VERSION, NULL, WRITE_CONFLICT, "not (none)"		  },
		{ false, true,  EXPECT_ANY,	   NULL, WRITE_DONE,     NULL			  },
		{ true,	true,  EXPECT_ANY,	  NULL, WRITE_DONE,	    NULL			 },
		{ false, true,  EXPECT_PRESENT, NULL, WRITE_ABSENT,   "bgppeer/x does not exist"},
		{ true,	true,  EXPECT_PRESENT, NULL, WRITE_DONE,	NULL			     },
		{ true,	true,  EXPECT_VERSION, "=",  WRITE_DONE,     NULL			    },
		{ true,	true,  EXPECT_VERSION, "99", WRITE_CONFLICT, "is at version"	    },
	};
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { 0 };

	for (size_t i = 0; i < lengthof(cases); i++) {
		struct write old = { .kind = PEER, .name = "x", .json = "old", .len = 3 };
		struct write new = { .kind = PEER, .name = "x", .json = "new", .len = 3 };
		struct op first = { .type = OP_WRITE, .writes = &old, .n_writes = 1 };
		struct err err = { 0 };
		const char *after;
		bool ok;

		put(st, PEER, "x", NULL);
		if (cases[i].there)
			assert_true(store_finish(st, &first, PUT_MS, &err));
		new.expect = cases[i].expect;
		new.version = str_eq(cases[i].version, "=") ? old.new_version : cases[i].version;
		if (cases[i].delete)
			new.json = NULL;
		ok = write_many(st, &new, 1, &err);
		store_cancel(st, &first);
		assert_int_equal(new.result, cases[i].result);
		assert_int_equal(ok, new.result == WRITE_DONE);
		after = ok ? (cases[i].delete ? "" : "bgppeer/x=new ") :
			     (cases[i].there ? "bgppeer/x=old " : "");
		assert_string_equal(list_text(st, kinds_all(), &t, NULL), after);
		if (!ok) {
			assert_int_equal(err.kind, ERR_CONFLICT);
			assert_non_null(strstr(err.words, cases[i].words));
		}
	}
	buf_free(&t.text);
	store_close(st);
}

static void batch_is_atomic(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { 0 };
	struct err err = { 0 };
	char before[24], after[24];
	struct write writes[] = {
		{.kind = PEER,		.name = "a", .json = "2",		  .len = 1		   },
		{ .kind = PEER,		.name = "b", .expect = EXPECT_PRESENT},
		{ .kind = PEER,		.name = "new", .json = "1",		    .len = 1,			      .expect = EXPECT_ABSENT },
		{ .kind = POOL,		.name = "a", .json = "1",		  .len = 1,.expect = EXPECT_PRESENT },
		{ .kind = PEER,			.name = "c",			     .json = "1",		  .len = 1,		    .expect = EXPECT_ABSENT },
		{ .kind = NSTAT, .name = "n",	      .json = "1",			   .len = 1   },
	};

	put(st, PEER, "a", "1");
	put(st, PEER, "b", "1");
	put(st, PEER, "c", "0");
	list_text(st, kinds_all(), &t, before);
	assert_false(write_many(st, writes, lengthof(writes), &err));
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_string_equal(err.words, "ippool/a does not exist");
	assert_int_equal(writes[3].result, WRITE_ABSENT);
	assert_int_equal(writes[4].result, WRITE_EXISTS);
	assert_int_equal(writes[0].result, WRITE_PENDING);
	assert_int_equal(writes[5].result, WRITE_PENDING);
	assert_string_equal(list_text(st, kinds_all(), &t, after),
			    "bgppeer/a=1 bgppeer/b=1 bgppeer/c=0 ");
	assert_string_equal(before, after);

	writes[3].expect = EXPECT_ANY;
	writes[4].expect = EXPECT_PRESENT;
	err = (struct err){ 0 };
	assert_true(write_many(st, writes, lengthof(writes), &err));
	assert_string_equal(list_text(st, kinds_all(), &t, after),
			    "bgppeer/a=2 bgppeer/c=1 bgppeer/new=1 ippool/a=1 nodestatus/n=1 ");
	assert_string_not_equal(before, after);
	buf_free(&t.text);
	store_close(st);
}

/* One batch may touch an object twice: the second write sees what the first did. */
static void batch_in_order(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { 0 };
	struct err err = { 0 };
	struct write writes[] = {
		{.kind = PEER,	.name = "a", .json = "1",		  .len = 1, .expect = EXPECT_ABSENT },
		{ .kind = PEER, .name = "a", .json = "2",		  .len = 1, .expect = EXPECT_PRESENT},
		{ .kind = PEER, .name = "b", .json = "1",		  .len = 1, .expect = EXPECT_ABSENT },
		{ .kind = PEER, .name = "b", .expect = EXPECT_PRESENT},
		{ .kind = PEER,	.name = "b",     .json = "3", .len = 1,	    .expect = EXPECT_PRESENT		     },
	};

	assert_false(write_many(st, writes, 5, &err));
	assert_string_equal(list_text(st, kinds_all(), &t, NULL), "");
	assert_true(write_many(st, writes, 4, &err));
	assert_string_equal(list_text(st, kinds_all(), &t, NULL), "bgppeer/a=2 ");
	buf_free(&t.text);
	store_close(st);
}

/* More than etcd takes at once, and one of them does not fit: that costs one, and the last batch. */
static void batches_are_told_apart(void **state)
{
	enum { MANY = 300, WRONG = 150, LAST = 256 };
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct write writes[MANY];
	char names[MANY][8];
	struct err err = { 0 };

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof names[i], "n%u", i);
		writes[i] = (struct write){
			.kind = PEER, .name = names[i], .json = "1", .len = 1, .expect = EXPECT_ABSENT
		};
	}
	put(st, PEER, names[WRONG], "2");
	assert_false(write_many(st, writes, MANY, &err));
	assert_int_equal(err.kind, ERR_CONFLICT);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(writes[i].result, i == WRONG ? WRITE_EXISTS :
						   i >= LAST  ? WRITE_PENDING :
								WRITE_DONE);
	store_close(st);
}

static void bytes_are_kept(void **state)
{
	static const char odd[] = "{\"a\": \"\\u0000 ' \" \xff\xfe\n\t}\0behind a NUL";
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	/* etcd has a limit, 1.5 MiB for a whole request. */
	const size_t large = str_eq(w->scheme, "etcd") ? 1 << 20 : 3 << 20;
	auto_free char *big = mem_alloc(large);
	struct write writes[] = {
		{.kind = PEER,	.name = "odd ' \" name; --", .json = odd, .len = sizeof odd - 1},
		{ .kind = PEER, .name = "big",	       .json = big, .len = large	   },
		{ .kind = PEER, .name = "empty",		 .json = "",  .len = 0	      },
	};
	struct err err = { 0 };

	memset(big, 'x', large);
	assert_true(write_many(st, writes, lengthof(writes), &err));
	for (size_t i = 0; i < lengthof(writes); i++) {
		struct told t = { 0 };
		struct op op = { .type = OP_GET,
				 .kind = PEER,
				 .name = writes[i].name,
				 .entry = told_entry,
				 .ctx = &t };
		size_t front = strlen("bgppeer/=") + strlen(writes[i].name);

		assert_true(store_finish(st, &op, PUT_MS, &err));
		assert_int_equal(t.text.len, front + writes[i].len + 1);
		assert_memory_equal(t.text.at + front, writes[i].json, writes[i].len);
		store_cancel(st, &op);
		buf_free(&t.text);
	}
	store_close(st);
}

static void get_says_not_found(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { 0 };
	struct op op = {
		.type = OP_GET, .kind = PEER, .name = "a", .entry = told_entry, .ctx = &t
	};
	struct err err = { 0 };

	put(st, POOL, "a", "1");
	assert_false(store_finish(st, &op, PUT_MS, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_string_equal(err.words, "there is no bgppeer/a");
	store_cancel(st, &op);
	assert_int_equal(t.n, 0);
	store_close(st);
}

static void list_by_kind_and_name(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { .versions = true };
	char revision[24];

	assert_string_equal(list_text(st, kinds_all(), &t, revision), "");
	put(st, POOL, "z", "1");
	put(st, PEER, "b", "2");
	put(st, PEER, "B", "3");
	put(st, PEER, "a", "4");
	assert_string_equal(list_text(st, 1u << KIND_BGPPEER, &t, revision),
			    "bgppeer/B@3=3 bgppeer/a@4=4 bgppeer/b@2=2 ");
	assert_string_equal(revision, "4");
	assert_string_equal(list_text(st, 1u << KIND_BGPPEER | 1u << KIND_IPPOOL, &t, revision),
			    "bgppeer/B@3=3 bgppeer/a@4=4 bgppeer/b@2=2 ippool/z@1=1 ");
	buf_free(&t.text);
	store_close(st);
}

/* What WATCH (after one run) has told since the last time. */
static const char *news(struct store *st, struct told *t)
{
	buf_clear(&t->text);
	t->n = 0;
	store_run(st);
	return buf_text(&t->text);
}

static void watch_tells_changes(void **state)
{
	struct world *w = *state;
	struct store *other = open_store(w->url, STORE_CREATE), *st = open_store(w->url, 0);
	struct told t = { .versions = true }, all = { 0 };
	struct op op = { .type = OP_WATCH,
			 .kinds = 1u << KIND_BGPPEER | 1u << KIND_NODESTATUS,
			 .entry = told_entry,
			 .ctx = &t };
	char since[24], later[24];
	struct write writes[] = {
		{.kind = PEER, .name = "a",    .json = "5", .len = 1 },
		{ .kind = PEER,	.name = "a",		     .json = "6", .len = 1 },
		{ .kind = PEER,.name = "b",.json = "7", .len = 1 },
		{ .kind = PEER,		.name = "b"	    },
		{ .kind = PEER, .name = "never-there"		      },
	};
	struct err err = { 0 };

	put(other, PEER, "old", "1");
	list_text(st, kinds_all(), &all, since);
	put(other, PEER, "a", "2"); /* between the list and the watch */
	op.since = since;
	store_start(st, &op);
	store_run(st);
	assert_false(op.done);
	assert_string_equal(buf_text(&t.text), "bgppeer/a@2=2 ");
	assert_string_equal(op.revision, "2");
	assert_string_equal(news(st, &t), "");
	put(other, POOL, "not-asked-for", "1");
	assert_string_equal(news(st, &t), "");
	assert_string_equal(op.revision, "3");
	assert_true(write_many(other, writes, lengthof(writes), &err));
	assert_string_equal(news(st, &t), "bgppeer/a@5=6 bgppeer/b@7 gone ");
	put(st, PEER, "own", "1"); /* by the handle that watches */
	assert_string_equal(news(st, &t), "bgppeer/own@8=1 ");

	/* Unwatched kinds are kept, but are no news and move nothing. */
	list_text(st, kinds_all(), &all, since);
	put(other, NSTAT, "n", "1");
	put(st, NSTAT, "m", "1");
	put(other, NSTAT, "n", "2");
	assert_string_equal(news(st, &t), "");
	assert_string_equal(list_text(st, 1u << KIND_NODESTATUS, &all, later),
			    "nodestatus/m=1 nodestatus/n=2 ");
	assert_string_equal(since, later);
	store_cancel(st, &op);
	buf_free(&t.text);
	buf_free(&all.text);
	store_close(st);
	store_close(other);
}

/* The version of an unwatched object differs with each write, also across a delete. */
static void unwatched_versions(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	char versions[6][24];
	struct err err = { 0 };

	for (size_t i = 0; i < lengthof(versions); i++) {
		struct write x = {
			.kind = NSTAT, .name = "n", .json = i == 2 ? NULL : "1", .len = i != 2
		};
		struct op op = { .type = OP_WRITE, .writes = &x, .n_writes = 1 };

		assert_true(store_finish(st, &op, PUT_MS, &err));
		snprintf(versions[i], sizeof versions[i], "%s", x.new_version);
		store_cancel(st, &op);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(versions[i], versions[k]);
	}
	store_close(st);
}

static void watch_wakes_by_itself(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE), *other = open_store(w->url, 0);
	struct told t = { 0 };
	char since[24];
	struct op op = {
		.type = OP_WATCH, .kinds = kinds_all(), .since = since, .entry = told_entry, .ctx = &t
	};

	list_text(st, kinds_all(), &t, since);
	t.n = 0;
	store_start(st, &op);
	for (unsigned i = 0; i < 3; i++)
		store_run(st);
	for (unsigned i = 1; i <= 20; i++) {
		struct poll p = { 0 };
		int64_t start = clock_ms();

		store_wait(st, &p);
		assert_true(!p.timed || p.deadline > start); /* at rest it asks for no timer */
		put(other, PEER, "a", "1");
		while (t.n < i && clock_ms() - start < 5000) {
			p = (struct poll){ 0 };
			store_wait(st, &p);
			poll_at(&p, start + 5000);
			poll_block(&p);
			store_run(st);
		}
		assert_int_equal(t.n, i);
		assert_true(clock_ms() - start < 1000);
		store_run(st);
	}
	store_cancel(st, &op);
	buf_free(&t.text);
	store_close(st);
	store_close(other);
}

/* What lies between the kinds that are asked for is not told. */
static void watch_tells_its_kinds(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE), *other = open_store(w->url, 0);
	struct told t = { 0 };
	char since[24];
	struct op op = { .type = OP_WATCH,
			 .kinds = 1u << KIND_BGPCONFIGURATION | 1u << KIND_NODE,
			 .since = since,
			 .entry = told_entry,
			 .ctx = &t };
	int64_t until = clock_ms() + 5000;

	list_text(st, kinds_all(), &t, since);
	buf_clear(&t.text);
	t.n = 0;
	store_start(st, &op);
	put(other, PEER, "a", "1");
	put(other, POOL, "a", "1");
	put(other, &kind_node, "a", "1");
	while (!t.n && clock_ms() < until) {
		struct poll p = { 0 };

		store_run(st);
		store_wait(st, &p);
		poll_at(&p, t.n ? clock_ms() : until);
		poll_block(&p);
	}
	assert_string_equal(buf_text(&t.text), "node/a=1 ");
	store_cancel(st, &op);
	buf_free(&t.text);
	store_close(st);
	store_close(other);
}

/* What came and went before the list is nothing that its watch shows, not even for a moment: an agent
 * would run sessions that were deleted long ago. */
static void watch_tells_no_past(void **state)
{
	enum { PAST = 60, SIZE = 50000 };
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE), *other = open_store(w->url, 0);
	char *json = memset(mem_alloc(SIZE + 1), '1', SIZE), since[96], name[8];
	struct told t = { 0 };
	struct op list = { .type = OP_LIST, .kinds = kinds_all(), .entry = told_entry, .ctx = &t };
	struct op op = { .type = OP_WATCH, .kinds = kinds_all(), .since = since, .entry = told_entry, .ctx = &t };
	int64_t until = clock_ms() + 10000;
	struct err err = { 0 };

	put(other, PEER, "a", "1");
	for (unsigned i = 0; i < 2 * PAST; i++) {
		snprintf(name, sizeof name, "p%u", i % PAST);
		put(other, PEER, name, i < PAST ? json : NULL);
	}
	assert_true(store_finish(st, &list, PUT_MS, &err));
	snprintf(since, sizeof since, "%s", list.resume ? list.resume : list.revision);
	store_cancel(st, &list);
	buf_clear(&t.text);
	store_start(st, &op);
	put(other, PEER, "b", "1");
	while (!strstr(buf_text(&t.text), "bgppeer/b=") && clock_ms() < until) {
		size_t n_there = 0, n_gone = 0;
		struct poll p = { 0 };

		store_run(st);
		for (const char *at = buf_text(&t.text); (at = strstr(at, "bgppeer/p")); at++)
			*(strcspn(at, "=") < strcspn(at, " ") ? &n_there : &n_gone) += 1;
		assert_int_equal(n_there, n_gone);
		store_wait(st, &p);
		poll_at(&p, until);
		if (!strstr(buf_text(&t.text), "bgppeer/b="))
			poll_block(&p);
	}
	assert_non_null(strstr(buf_text(&t.text), "bgppeer/b=1 "));
	store_cancel(st, &op);
	buf_free(&t.text);
	free(json);
	store_close(st);
	store_close(other);
}

static void watch_refuses_other_times(void **state)
{
	static const struct {
		const char *since;
		bool works;
	} cases[] = {
		{"3",		       true },
		    { "2",			   false},
		{ "0",		       false},
		    { "10003",		       true },
		{ "10004",		   false},
		    { "",			  false},
		{ "-1",			false},
		    { "x",			   false},
		{ NULL,			false},
		    { "99999999999999999999", false},
	};
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct write *writes = mem_alloc(STORE_LOG_KEEP * sizeof *writes);
	struct told t = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < STORE_LOG_KEEP; i++)
		writes[i] = (struct write){ .kind = PEER, .name = "a", .json = "1", .len = 1 };
	for (unsigned i = 0; i < 3; i++)
		put(st, PEER, "b", "1");
	assert_true(write_many(st, writes, STORE_LOG_KEEP, &err));
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct op op = { .type = OP_WATCH,
				 .kinds = kinds_all(),
				 .since = cases[i].since,
				 .entry = told_entry,
				 .ctx = &t };

		store_start(st, &op);
		store_run(st);
		assert_int_equal(op.done, !cases[i].works);
		assert_int_equal(op.err.kind, cases[i].works ? ERR_NONE : ERR_CONFLICT);
		store_cancel(st, &op);
	}
	free(writes);
	buf_free(&t.text);
	store_close(st);
}

static void nothing_logged_yet(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { 0 };
	struct op op = { .type = OP_WATCH, .kinds = kinds_all(), .entry = told_entry, .ctx = &t };
	char revision[24];

	list_text(st, kinds_all(), &t, revision);
	op.since = revision;
	store_start(st, &op);
	store_run(st);
	assert_false(op.done);
	put(st, PEER, "a", "1");
	assert_string_equal(news(st, &t), "bgppeer/a=1 ");
	store_cancel(st, &op);
	buf_free(&t.text);
	store_close(st);
}

static void identity_is_the_stores(void **state)
{
	struct world *w = *state;
	char ids[2][64];

	for (unsigned i = 0; i < 2; i++) {
		struct store *st = open_store(w->url, STORE_CREATE);
		struct told t = { 0 };
		struct op op = {
			.type = OP_LIST, .kinds = kinds_all(), .entry = told_entry, .ctx = &t
		};
		struct err err = { 0 };

		assert_true(store_finish(st, &op, PUT_MS, &err));
		assert_int_equal(strlen(op.identity), str_eq(w->scheme, "etcd") ? 16 : 32);
		snprintf(ids[i], sizeof ids[i], "%s", op.identity);
		store_cancel(st, &op);
		assert_int_equal(store_status_rate(st), 500); /* Kubernetes: 100 */
		store_close(st);
	}
	assert_string_equal(ids[0], ids[1]);
}

static void read_only_refuses(void **state)
{
	struct world *w = *state;
	struct store *st;
	struct write x = { .kind = PEER, .name = "a", .json = "1", .len = 1 };
	struct err err = { 0 };

	store_close(open_store(w->url, STORE_CREATE));
	st = open_store(w->url, STORE_READ_ONLY);
	assert_false(write_many(st, &x, 1, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	store_close(st);
}

static void closing_ends_what_runs(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { 0 };
	struct op op = {
		.type = OP_WATCH, .kinds = kinds_all(), .since = "0", .entry = told_entry, .ctx = &t
	};

	store_start(st, &op);
	store_close(st);
	assert_true(op.done);
	assert_int_equal(op.err.kind, ERR_AWAY);
	store_cancel(NULL, &op);
}

static void finish_times_out(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct write x = { .kind = PEER, .name = "a", .json = "1", .len = 1 };
	struct op op = { .type = OP_WRITE, .writes = &x, .n_writes = 1 };
	struct err err = { 0 };

	memory_hang(w->name, true);
	assert_false(store_finish(st, &op, 20, &err));
	assert_int_equal(err.kind, ERR_TIMEOUT);
	store_cancel(st, &op);
	memory_hang(w->name, false);
	store_run(st); /* it was taken back, not postponed */
	assert_false(x.result == WRITE_DONE);
	store_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_urls),
		cmocka_unit_test(check_urls),
		BOTH(expectations),
		BOTH(batch_is_atomic),
		BOTH(batch_in_order),
		BOTH(bytes_are_kept),
		BOTH(get_says_not_found),
		BOTH(list_by_kind_and_name),
		BOTH(watch_tells_changes),
		BOTH(unwatched_versions),
		BOTH(watch_wakes_by_itself),
		BOTH(watch_tells_its_kinds),
		BOTH(watch_tells_no_past),
		BOTH(watch_refuses_other_times),
		BOTH(nothing_logged_yet),
		BOTH(identity_is_the_stores),
		BOTH(read_only_refuses),
		BOTH(closing_ends_what_runs),
		CASE(finish_times_out, "memory"),
	};

	const struct CMUnitTest on_etcd[] = {
		CASE(expectations, "etcd"),
		CASE(batch_is_atomic, "etcd"),
		CASE(batch_in_order, "etcd"),
		CASE(batches_are_told_apart, "etcd"),
		CASE(bytes_are_kept, "etcd"),
		CASE(get_says_not_found, "etcd"),
		CASE(unwatched_versions, "etcd"),
		CASE(watch_wakes_by_itself, "etcd"),
		CASE(watch_tells_its_kinds, "etcd"),
		CASE(watch_tells_no_past, "etcd"),
		CASE(identity_is_the_stores, "etcd"),
		CASE(read_only_refuses, "etcd"),
		CASE(closing_ends_what_runs, "etcd"),
	};

	if (getenv("PEERAGE_TEST_ETCD"))
		return cmocka_run_group_tests(on_etcd, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
