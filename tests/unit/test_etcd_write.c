/* SPDX-License-Identifier: Apache-2.0 */
/* What came of a write whose answer never came, and what answers must not be. */
#include "etcd_server.h"

#include "base/clock.h"
#include "environment.h"
#include "store/etcd.h"

#define KEY    "/calico/resources/v3/projectcalico.org/bgppeers/a"
#define MINE   "{\"spec\":{}}"
#define OTHERS "{\"spec\":{\"asNumber\":1}}"
#define LONG   20000
#define REST_MS 5 /* of real time, in which nothing came */

static const struct {
	const char *name;
	unsigned flags;
	unsigned n_breaks;
	enum expect expect;
	bool deletes;
	/* what the member says in the end */
	bool succeeded;
	const char *there; /* NULL: nothing */
	/* what comes of it */
	enum write_result result;
	enum err_kind err;
	const char *version;
	unsigned n_asked;
} cases[] = {
	{ "it is ours", STORE_PATIENT, 1, EXPECT_ABSENT, false, false, MINE, WRITE_DONE, ERR_NONE, "7", 2 },
	{ "ours, the second time", STORE_PATIENT, 2, EXPECT_ABSENT, false, false, MINE, WRITE_DONE, ERR_NONE,
	  "7", 3 },
	{ "another's", STORE_PATIENT, 1, EXPECT_ABSENT, false, false, OTHERS, WRITE_EXISTS, ERR_CONFLICT, NULL,
	  2 },
	{ "it had not come that far", STORE_PATIENT, 1, EXPECT_ABSENT, false, true, NULL, WRITE_DONE, ERR_NONE,
	  "9", 2 },
	{ "the same, but nothing of ours was under way", STORE_PATIENT, 0, EXPECT_ABSENT, false, false, MINE,
	  WRITE_EXISTS, ERR_CONFLICT, NULL, 1 },
	{ "changed by us", STORE_PATIENT, 1, EXPECT_VERSION, false, false, MINE, WRITE_DONE, ERR_NONE, "7", 2 },
	{ "changed by another", STORE_PATIENT, 1, EXPECT_VERSION, false, false, OTHERS, WRITE_CONFLICT,
	  ERR_CONFLICT, NULL, 2 },
	{ "deleted by us", STORE_PATIENT, 1, EXPECT_PRESENT, true, false, NULL, WRITE_DONE, ERR_NONE, NULL, 2 },
	{ "not there to be deleted", STORE_PATIENT, 0, EXPECT_PRESENT, true, false, NULL, WRITE_ABSENT,
	  ERR_CONFLICT, NULL, 1 },
	{ "nobody waits to hear", 0, 1, EXPECT_ABSENT, false, false, MINE, WRITE_UNKNOWN, ERR_AWAY, NULL, 1 },
};

/* About one write of a transaction: THERE is what stands in its place. */
static void response_make(struct buf *b, bool succeeded, const char *there)
{
	size_t response = pb_begin(b, TXN_RESPONSES), range = pb_begin(b, succeeded ? 2 : 1), kv;

	if (!succeeded && there) {
		kv = pb_begin(b, 2);
		pb_text(b, 1, KEY);
		pb_uint(b, 3, 7); /* mod_revision */
		pb_text(b, 5, there);
		pb_end(b, kv);
	}
	pb_end(b, range);
	pb_end(b, response);
}

static void answer_make(struct buf *b, bool succeeded, const char *there)
{
	size_t header = pb_begin(b, TXN_HEADER);

	pb_uint(b, 3, 9); /* revision */
	pb_end(b, header);
	pb_uint(b, TXN_SUCCEEDED, succeeded);
	response_make(b, succeeded, there);
}

/* Both ends in turn, until the operation is done. */
static void finish(struct server *v, struct store *st, struct op *op)
{
	int64_t until = clock_ms() + LONG;

	store_start(st, op);
	while (!op->done) {
		struct poll p = { 0 };

		store_run(st);
		server_run(v);
		if (op->done)
			return;
		store_wait(st, &p);
		poll_fd(&p, v->listener, POLLIN);
		poll_fd(&p, v->fd, POLLIN);
		poll_at(&p, until);
		poll_block(&p);
		assert_true(clock_ms() < until);
	}
}

static void test_unheard(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct server v;
		struct write write = { .kind = &kind_bgppeer,
				       .name = "a",
				       .json = cases[i].deletes ? NULL : MINE,
				       .len = cases[i].deletes ? 0 : strlen(MINE),
				       .expect = cases[i].expect,
				       .version = "5" };
		struct op op = { .type = OP_WRITE, .writes = &write, .n_writes = 1 };
		auto_free char *url = NULL;
		struct err err = { 0 };
		struct store *st;

		server_open(&v);
		v.n_breaks = cases[i].n_breaks;
		answer_make(&v.answer, cases[i].succeeded, cases[i].there);
		assert_true(asprintf(&url, "etcd:%s", v.url) > 0);
		st = store_open(url, cases[i].flags, &err);
		assert_non_null(st);
		finish(&v, st, &op);
		if (op.err.kind != cases[i].err || write.result != cases[i].result ||
		    !str_eq(write.new_version, cases[i].version) || v.calls != cases[i].n_asked)
			fail_msg("%s: %s, result %d, version %s, asked %u times", cases[i].name,
				 op.err.kind ? op.err.words : "done", write.result,
				 write.new_version ? write.new_version : "none", v.calls);
		store_cancel(st, &op);
		store_close(st);
		server_die(&v);
	}
}

/* It takes what is asked, it answers to pings, and that is all. */
static void test_never_answered(void **state)
{
	struct server v;
	struct write write = { .kind = &kind_bgppeer, .name = "a", .json = MINE, .len = strlen(MINE) };
	struct op op = { .type = OP_WRITE, .writes = &write, .n_writes = 1 };
	auto_free char *url = NULL;
	int64_t ms = 1000000, asked = 0;
	struct err err = { 0 };
	struct store *st;

	(void)state;
	server_open(&v);
	v.mute = true;
	assert_true(asprintf(&url, "etcd:%s", v.url) > 0);
	clock_fake(ms, 0);
	st = store_open(url, 0, &err);
	assert_non_null(st);
	store_start(st, &op);
	while (!op.done && ms < 1000000 + LONG) {
		struct poll p = { 0 };

		store_run(st);
		server_run(&v);
		if (v.calls && !asked)
			asked = ms;
		store_wait(st, &p);
		poll_fd(&p, v.listener, POLLIN);
		poll_fd(&p, v.fd, POLLIN);
		if (poll(p.fds, p.n, REST_MS) == 0)
			clock_fake(ms += 500, 0);
	}
	assert_true(op.done && v.pings);
	assert_in_range(ms - asked, ETCD_CALL_MS, ETCD_CALL_MS + 1000);
	assert_int_equal(op.err.kind, ERR_AWAY);
	assert_non_null(strstr(op.err.words, v.url));
	assert_non_null(strstr(op.err.words, "it takes requests, but does not answer"));
	assert_int_equal(write.result, WRITE_UNKNOWN);
	store_cancel(st, &op);
	store_close(st);
	server_die(&v);
	clock_real();
}

/* The first of three batches is refused. The connection is lost with the second, which is sent again and
 * written: that does not make good what was refused, and the last one is not sent. */
static void test_refused_and_lost(void **state)
{
	enum { SMALL = 1000, LARGE = 1 << 20 };
	char *json = memset(mem_alloc(LARGE), '1', LARGE);
	struct write writes[] = {
		{ .kind = &kind_bgppeer, .name = "a", .json = json, .len = SMALL, .expect = EXPECT_ABSENT },
		{ .kind = &kind_bgppeer, .name = "b", .json = json, .len = LARGE, .expect = EXPECT_ABSENT },
		{ .kind = &kind_bgppeer, .name = "c", .json = json, .len = SMALL, .expect = EXPECT_ABSENT },
	};
	struct op op = { .type = OP_WRITE, .writes = writes, .n_writes = 3 };
	int64_t until = clock_ms() + LONG;
	auto_free char *url = NULL;
	bool refused = false;
	struct err err = { 0 };
	struct server v;
	struct store *st;

	(void)state;
	server_open(&v);
	answer_make(&v.answer, false, OTHERS);
	assert_true(asprintf(&url, "etcd:%s", v.url) > 0);
	st = store_open(url, STORE_PATIENT, &err);
	assert_non_null(st);
	store_start(st, &op);
	while (!op.done) {
		struct poll p = { 0 };

		store_run(st);
		server_run(&v);
		if (!refused && v.calls) { /* only "a" fits into what HTTP/2 lets through at first */
			refused = true;
			v.n_breaks = 1;
			buf_clear(&v.answer);
			answer_make(&v.answer, true, NULL);
		}
		store_wait(st, &p);
		poll_fd(&p, v.listener, POLLIN);
		poll_fd(&p, v.fd, POLLIN);
		poll_at(&p, op.done ? clock_ms() : until);
		poll_block(&p);
		assert_true(clock_ms() < until);
	}
	assert_int_equal(v.n_breaks, 0);
	assert_int_equal(v.calls, 3);
	assert_int_equal(writes[0].result, WRITE_EXISTS);
	assert_int_equal(writes[1].result, WRITE_DONE);
	assert_int_equal(writes[2].result, WRITE_PENDING);
	assert_int_equal(op.err.kind, ERR_CONFLICT);
	store_cancel(st, &op);
	store_close(st);
	server_die(&v);
	free(json);
}

/* The last batch hangs on all the others, and its writes on each other. */
static const struct {
	const char *name;
	bool refused[2]; /* of the first batch; of the last one */
	enum write_result results[3];
	unsigned n_asked;
} lasts[] = {
	{ "all is written", { false, false }, { WRITE_DONE, WRITE_DONE, WRITE_DONE }, 2 },
	{ "the first one is refused", { true, false }, { WRITE_EXISTS, WRITE_PENDING, WRITE_PENDING }, 1 },
	{ "the last one is refused", { false, true }, { WRITE_DONE, WRITE_EXISTS, WRITE_PENDING }, 2 },
};

static void test_last_after_all(void **state)
{
	enum { SMALL = 1000, LARGE = 1 << 20 };
	char *json = memset(mem_alloc(LARGE), '1', LARGE);

	(void)state;
	for (size_t i = 0; i < lengthof(lasts); i++) {
		struct write writes[] = {
			{ .kind = &kind_bgppeer, .name = "a", .json = json, .len = LARGE, .expect = EXPECT_ABSENT },
			{ .kind = &kind_bgppeer, .name = "b", .json = json, .len = SMALL, .expect = EXPECT_ABSENT },
			{ .kind = &kind_bgppeer, .name = "c", .json = json, .len = SMALL, .expect = EXPECT_ABSENT },
		};
		struct op op = { .type = OP_WRITE, .writes = writes, .n_writes = 3 };
		int64_t until = clock_ms() + LONG;
		auto_free char *url = NULL;
		struct err err = { 0 };
		struct server v;
		struct store *st;
		unsigned calls = 0;

		server_open(&v);
		answer_make(&v.answer, !lasts[i].refused[0], OTHERS);
		assert_true(asprintf(&url, "etcd:%s", v.url) > 0);
		st = store_open(url, STORE_PATIENT, &err);
		assert_non_null(st);
		store_start(st, &op);
		while (!op.done) {
			struct poll p = { 0 };

			server_run(&v);
			if (v.calls && !calls) {
				calls = v.calls;
				buf_clear(&v.answer);
				answer_make(&v.answer, !lasts[i].refused[1], OTHERS);
				response_make(&v.answer, !lasts[i].refused[1], NULL);
			}
			store_run(st);
			if (op.done)
				break;
			store_wait(st, &p);
			poll_fd(&p, v.listener, POLLIN);
			poll_fd(&p, v.fd, POLLIN);
			poll_at(&p, until);
			poll_block(&p);
			assert_true(clock_ms() < until);
		}
		for (size_t j = 0; j < lengthof(writes); j++)
			if (writes[j].result != lasts[i].results[j])
				fail_msg("%s: write %zu came to %d", lasts[i].name, j, writes[j].result);
		if (v.calls != lasts[i].n_asked)
			fail_msg("%s: asked %u times", lasts[i].name, v.calls);
		assert_int_equal(op.err.kind, lasts[i].refused[0] || lasts[i].refused[1] ? ERR_CONFLICT : ERR_NONE);
		store_cancel(st, &op);
		store_close(st);
		server_die(&v);
	}
	free(json);
}

/* It was sent; then nobody is there any more, or nobody waits any longer. */
static void test_left(void **state)
{
	for (unsigned dies = 0; dies < 2; dies++) {
		struct server v;
		struct write write = { .kind = &kind_bgppeer, .name = "a", .json = MINE, .len = strlen(MINE) };
		struct op op = { .type = OP_WRITE, .writes = &write, .n_writes = 1 };
		auto_free char *url = NULL;
		int64_t ms = 1000000;
		struct err err = { 0 };
		struct store *st;

		(void)state;
		server_open(&v);
		v.mute = true;
		assert_true(asprintf(&url, "etcd:%s", v.url) > 0);
		clock_fake(ms, 0);
		st = store_open(url, STORE_PATIENT, &err);
		assert_non_null(st);
		store_start(st, &op);
		while (!op.done && ms < 1000000 + LONG && (dies || !v.calls)) {
			struct poll p = { 0 };

			store_run(st);
			server_run(&v);
			if (dies && v.calls && v.listener >= 0)
				server_die(&v);
			store_wait(st, &p);
			poll_fd(&p, v.listener, POLLIN);
			poll_fd(&p, v.fd, POLLIN);
			if (poll(p.fds, p.n, REST_MS) == 0)
				clock_fake(ms += 100, 0);
		}
		if (!dies)
			store_give_up(st, &op, 1000);
		assert_true(op.done && op.err.kind == (dies ? ERR_AWAY : ERR_TIMEOUT));
		assert_int_equal(write.result, WRITE_UNKNOWN);
		store_cancel(st, &op);
		store_close(st);
		server_die(&v);
		clock_real();
	}
}

static void told(void *ctx, const struct entry *e)
{
	(void)ctx;
	(void)e;
}

/* A list that gets nowhere is not asked for ever. */
static void test_endless_list(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 3; n++) { /* keys in the answer */
		struct server v;
		struct op op = { .type = OP_LIST, .kinds = 1u << KIND_BGPPEER, .entry = told };
		auto_free char *url = NULL;
		struct err err = { 0 };
		struct store *st;
		size_t header;

		server_open(&v);
		header = pb_begin(&v.answer, RANGE_HEADER);
		pb_uint(&v.answer, 3, 9);
		pb_end(&v.answer, header);
		for (unsigned i = 0; i < n; i++) {
			size_t kv = pb_begin(&v.answer, RANGE_KVS);

			pb_text(&v.answer, 1, KEY);
			pb_uint(&v.answer, 3, 7);
			pb_end(&v.answer, kv);
		}
		pb_uint(&v.answer, RANGE_MORE, true);
		assert_true(asprintf(&url, "etcd:%s", v.url) > 0);
		st = store_open(url, 0, &err);
		assert_non_null(st);
		finish(&v, st, &op);
		assert_int_equal(op.err.kind, ERR_AWAY);
		assert_in_range(v.calls, 1, 2);
		store_cancel(st, &op);
		store_close(st);
		server_die(&v);
	}
}

/* A list and a write of nothing are done at once where there is a connection, and leave nothing behind. */
static void test_nothing(void **state)
{
	struct write write = { .kind = &kind_bgppeer, .name = "a", .json = MINE, .len = strlen(MINE) };
	struct op op = { .type = OP_WRITE, .writes = &write, .n_writes = 1 };
	struct op nothing[] = { { .type = OP_WRITE }, { .type = OP_LIST } };
	auto_free char *url = NULL;
	struct err err = { 0 };
	struct server v;
	struct store *st;

	(void)state;
	server_open(&v);
	answer_make(&v.answer, true, NULL);
	assert_true(asprintf(&url, "etcd:%s", v.url) > 0);
	st = store_open(url, 0, &err);
	assert_non_null(st);
	finish(&v, st, &op);
	assert_int_equal(write.result, WRITE_DONE);
	for (size_t i = 0; i < lengthof(nothing); i++) {
		store_start(st, &nothing[i]);
		assert_true(nothing[i].done && !nothing[i].err.kind);
		store_cancel(st, &nothing[i]);
		store_run(st);
	}
	store_cancel(st, &op);
	store_close(st);
	server_die(&v);
}

enum { MANY = 3, EACH = 600000 }; /* of which each is a batch */

static void many_make(struct write *writes, char **json)
{
	static const char *const names[MANY] = { "a", "b", "c" };

	*json = memset(mem_alloc(EACH), '1', EACH);
	for (size_t i = 0; i < MANY; i++)
		writes[i] = (struct write){
			.kind = &kind_bgppeer, .name = names[i], .json = *json, .len = EACH
		};
}

/* Both ends, until there is nothing more to do at once. */
static void until_rest(struct server *v, struct store *st)
{
	for (bool busy = true; busy;) {
		struct poll p = { 0 };

		store_run(st);
		server_run(v);
		store_wait(st, &p);
		poll_fd(&p, v->listener, POLLIN);
		poll_fd(&p, v->fd, POLLIN);
		busy = poll(p.fds, p.n, REST_MS) > 0 || (p.timed && p.deadline <= clock_ms());
	}
}

/* Several at a time; the last one when it is the only one. */
static void test_last_is_last(void **state)
{
	struct write writes[MANY];
	struct op op = { .type = OP_WRITE, .writes = writes, .n_writes = MANY };
	auto_free char *url = NULL;
	struct err err = { 0 };
	struct server v;
	struct store *st;
	char *json;

	(void)state;
	many_make(writes, &json);
	server_open(&v);
	v.mute = true;
	assert_true(asprintf(&url, "etcd:%s", v.url) > 0);
	st = store_open(url, 0, &err);
	assert_non_null(st);
	store_start(st, &op);
	until_rest(&v, st);
	assert_int_equal(v.calls, 2);
	store_cancel(st, &op);
	assert_int_equal(writes[1].result, WRITE_UNKNOWN);
	assert_int_equal(writes[2].result, WRITE_PENDING);
	store_close(st);
	server_die(&v);
	free(json);
}

/* The token comes to its end between two batches, and there is no other: it is not waited for. */
static void test_no_other_token(void **state)
{
	struct write writes[MANY];
	struct op first = { .type = OP_WRITE, .writes = writes, .n_writes = 1 };
	struct op op = { .type = OP_WRITE, .writes = writes, .n_writes = 2 };
	auto_free char *url = NULL;
	int64_t ms = 1000000;
	struct err err = { 0 };
	struct server v;
	struct store *st;
	char *json;

	(void)state;
	many_make(writes, &json);
	setenv("ETCD_USERNAME", "u", 1);
	setenv("ETCD_PASSWORD", "p", 1);
	server_open(&v);
	v.token = "eyA";
	answer_make(&v.answer, true, NULL);
	assert_true(asprintf(&url, "etcd:%s", v.url) > 0);
	clock_fake(ms, 0);
	st = store_open(url, 0, &err);
	assert_non_null(st);
	store_start(st, &first);
	until_rest(&v, st);
	assert_true(first.done && !first.err.kind);
	store_cancel(st, &first);

	clock_fake(ms += 239500, 0);
	store_start(st, &op);
	clock_fake(ms += 1000, 0);
	v.auth_status = GRPC_INVALID_ARGUMENT;
	v.auth_words = "etcdserver: authentication failed, invalid user ID or password";
	until_rest(&v, st);
	assert_true(op.done);
	assert_int_equal(op.err.kind, ERR_REFUSED);
	assert_int_equal(writes[0].result, WRITE_DONE);
	assert_int_equal(writes[1].result, WRITE_PENDING);
	store_cancel(st, &op);
	store_close(st);
	server_die(&v);
	free(json);
	unsetenv("ETCD_USERNAME");
	unsetenv("ETCD_PASSWORD");
	clock_real();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_unheard),
					    cmocka_unit_test(test_never_answered),
					    cmocka_unit_test(test_refused_and_lost),
					    cmocka_unit_test(test_last_after_all),
					    cmocka_unit_test(test_left),
					    cmocka_unit_test(test_endless_list),
					    cmocka_unit_test(test_nothing),
					    cmocka_unit_test(test_last_is_last),
					    cmocka_unit_test(test_no_other_token) };

	environment((const char *const[]){ NULL });
	return cmocka_run_group_tests(tests, NULL, NULL);
}
