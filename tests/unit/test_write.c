/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What peerctl says when a store took only some of a write (store.h, OP_WRITE): the commands
 * themselves, over a store in memory that does so on demand.
 */
#include "peerctl/write.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "peerctl/command.h"
#include "store/memory.h"

#define NAME "write"
#define URL  "memory:" NAME

struct world {
	char folder[32], file[64], out[64], err[64];
	struct arena arena;
};

struct said {
	enum err_kind kind;
	const char *words, *out, *err;
};

static const char peers[] = "apiVersion: v1\nkind: List\nitems:\n"
			    "- {apiVersion: projectcalico.org/v3, kind: BGPPeer,"
			    " metadata: {name: a}, spec: {peerIP: 10.0.0.1, asNumber: 1}}\n"
			    "- {apiVersion: projectcalico.org/v3, kind: BGPPeer,"
			    " metadata: {name: b}, spec: {peerIP: 10.0.0.2, asNumber: 1}}\n"
			    "- {apiVersion: projectcalico.org/v3, kind: BGPPeer,"
			    " metadata: {name: c}, spec: {node: n, peerIP: 10.0.0.3, asNumber: 1}}\n";
static const char node[] = "apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n}\n";

static int setup(void **state)
{
	struct world *w = mem_alloc(sizeof *w);

	*w = (struct world){ .folder = "/tmp/peerage-unit-XXXXXX" };
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->file, sizeof w->file, "%s/in.yaml", w->folder);
	snprintf(w->out, sizeof w->out, "%s/out", w->folder);
	snprintf(w->err, sizeof w->err, "%s/err", w->folder);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	remove(w->file);
	remove(w->out);
	remove(w->err);
	assert_int_equal(rmdir(w->folder), 0);
	memory_remove(NAME);
	arena_free(&w->arena);
	free(w);
	return 0;
}

static int redirect(int fd, const char *path)
{
	int was = dup(fd), to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(was >= 0 && to >= 0 && dup2(to, fd) == fd);
	close(to);
	return was;
}

static const char *restore(struct world *w, int fd, int was, const char *path)
{
	struct err err = { 0 };
	size_t len;

	assert_true(dup2(was, fd) == fd);
	close(was);
	return file_read(path, 1 << 20, &w->arena, &len, &err);
}

/* One call; ARGS are closed by NULL; --store, when there is none, and with TEXT -f are put behind. */
static struct said call(struct world *w, bool (*run)(const struct options *o, struct err *err),
			const char *text, const char *const *args)
{
	const char *argv[16] = { "peerctl" };
	struct options o = { .arena = &w->arena };
	struct err err = { 0 };
	struct said said;
	int argc = 1, out, errs;

	while (*args)
		argv[argc++] = *args++;
	if (run != run_migrate)
		argv[argc++] = "--store=" URL;
	if (text) {
		assert_true(file_write(w->file, text, strlen(text), 0600, (gid_t)-1, &err));
		argv[argc++] = "-f";
		argv[argc++] = w->file;
	}
	assert_true(options_parse(&o, argc, (char **)argv, &err));
	fflush(stdout);
	fflush(stderr);
	out = redirect(STDOUT_FILENO, w->out);
	errs = redirect(STDERR_FILENO, w->err);
	run(&o, &err);
	fflush(stderr);
	said = (struct said){ err.kind, arena_str(&w->arena, err.words),
			      restore(w, STDOUT_FILENO, out, w->out),
			      restore(w, STDERR_FILENO, errs, w->err) };
	return said;
}
#define CALL(w, run, text, ...) call(w, run, text, (const char *[]){ __VA_ARGS__, NULL })

static void has(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text ? text : "nothing");
}

/* The store is there, and what it is asked for next is done in part. */
static void make_partial(struct world *w, size_t n, enum err_kind kind)
{
	struct said said = CALL(w, run_apply, node, "apply");

	assert_int_equal(said.kind, ERR_NONE);
	memory_partial(NAME, n, kind);
}

/* As another program writes it. */
static void put(struct world *w, const struct kind *kind, const char *name, const char *json)
{
	struct err err = { 0 };
	struct store *st = store_open(URL, 0, &err);
	struct write write = { .kind = kind, .name = name, .json = json, .len = strlen(json) };
	struct op op = { .type = OP_WRITE, .writes = &write, .n_writes = 1 };

	(void)w;
	write.expect = EXPECT_ABSENT;
	assert_non_null(st);
	assert_true(store_finish(st, &op, 1000, &err));
	store_cancel(st, &op);
	store_close(st);
}

static void some_written(void **state)
{
	struct world *w = *state;
	struct said said;

	make_partial(w, 2, ERR_AWAY);
	said = CALL(w, run_apply, peers, "apply");
	assert_int_equal(said.kind, ERR_AWAY);
	has(said.words, "took 2 of 3 writes");
	assert_string_equal(said.out, "bgppeer/a created\nbgppeer/b created\n");
	has(said.err, "peerctl: written to " URL
		      ": 2 of 3; not written: bgppeer/c\n");
	said = CALL(w, run_apply, peers, "apply");
	assert_int_equal(said.kind, ERR_NONE);
	assert_string_equal(said.out,
			    "bgppeer/a unchanged\nbgppeer/b unchanged\nbgppeer/c created\n");
}

/* What was under way when the store went may have reached it. */
static void unknown(void **state)
{
	struct world *w = *state;
	struct said said;

	make_partial(w, 1, ERR_TIMEOUT);
	said = CALL(w, run_apply, peers, "apply");
	assert_string_equal(said.out, "bgppeer/a created\n");
	has(said.err, "1 of 3; not written: bgppeer/c; nobody knows of: bgppeer/b\n");
	memory_partial(NAME, 0, ERR_TIMEOUT);
	said = CALL(w, run_apply, peers, "apply");
	assert_string_equal(said.out, "");
	has(said.err, "0 of 2; not written: bgppeer/c; nobody knows of: bgppeer/b\n");
}

static void some_written_for_programs(void **state)
{
	struct world *w = *state;
	struct said said;

	make_partial(w, 1, ERR_REFUSED);
	said = CALL(w, run_create, peers, "create", "-oname");
	assert_int_equal(said.kind, ERR_REFUSED);
	assert_string_equal(said.out, "bgppeer/a\n");
	has(said.err, "1 of 3; not written: bgppeer/b, bgppeer/c\n");
	memory_partial(NAME, 1, ERR_REFUSED);
	said = CALL(w, run_create, peers, "create", "-ojson", "--skip-exists");
	has(said.out, "\"kind\": \"List\"");
	has(said.out, "\"name\": \"b\"");
	assert_null(strstr(said.out, "\"name\": \"c\""));
}

static void none_written(void **state)
{
	struct world *w = *state;
	struct said said;

	make_partial(w, 0, ERR_AWAY);
	said = CALL(w, run_apply, peers, "apply");
	assert_int_equal(said.kind, ERR_AWAY);
	assert_string_equal(said.out, "");
	assert_string_equal(said.err, "");
}

/* Another attempt finds what the first one wrote, and it is still "created". */
static void conflict_then_rest(void **state)
{
	struct world *w = *state;
	struct said said;

	make_partial(w, 2, ERR_CONFLICT);
	said = CALL(w, run_create, peers, "create");
	assert_int_equal(said.kind, ERR_NONE);
	assert_string_equal(said.out,
			    "bgppeer/a created\nbgppeer/b created\nbgppeer/c created\n");
	has(said.err, "3 of 3");
	memory_partial(NAME, 1, ERR_CONFLICT);
	said = CALL(w, run_delete, NULL, "delete", "bgppeer", "a", "b",
		    "c");
	assert_int_equal(said.kind, ERR_NONE);
	assert_string_equal(said.out,
			    "bgppeer/c deleted\nbgppeer/a deleted\nbgppeer/b deleted\n");
}

static void some_deleted(void **state)
{
	struct world *w = *state;
	struct said said;

	make_partial(w, 3, ERR_NONE);
	CALL(w, run_apply, peers, "apply");
	memory_partial(NAME, 1, ERR_AWAY);
	said = CALL(w, run_delete, NULL, "delete", "node/n", "--cascade");
	assert_int_equal(said.kind, ERR_AWAY);
	assert_string_equal(said.out, "bgppeer/c deleted\n");
	has(said.err, "1 of 2; not written: node/n\n");
	said = CALL(w, run_delete, NULL, "delete", "node/n", "--cascade");
	assert_string_equal(said.out, "node/n deleted\n");
}

static void some_migrated(void **state)
{
	struct world *w = *state;
	struct said said;

	make_partial(w, 0, ERR_NONE);
	CALL(w, run_apply, peers, "apply");
	said = CALL(w, run_migrate, NULL, "migrate", "--from=" URL, "--to=" URL "2");
	has(said.err, "verified: 4 objects\n");
	CALL(w, run_delete, NULL, "delete", "bgppeer", "a", "b", "c");
	CALL(w, run_apply, peers, "apply");
	memory_partial(NAME "2", 1, ERR_AWAY);
	memory_list_compacted(NAME, 1);
	said = CALL(w, run_migrate, NULL, "migrate", "--from=" URL, "--to=" URL "2",
		    "--overwrite");
	assert_int_equal(said.kind, ERR_AWAY);
	assert_string_equal(said.out, "bgppeer/a configured\n");
	has(said.err, "1 of 3; not written: bgppeer/b, bgppeer/c\n");
	said = CALL(w, run_migrate, NULL, "migrate", "--from=" URL, "--to=" URL "2",
		    "--overwrite");
	assert_int_equal(said.kind, ERR_NONE);
	assert_string_equal(said.out, "node/n unchanged\nbgppeer/a unchanged\n"
				      "bgppeer/b configured\nbgppeer/c configured\n");
	memory_remove(NAME "2");
}

static void many_missing(void **state)
{
	struct world *w = *state;
	auto_buf struct buf text = { 0 };
	struct said said;

	for (int i = 0; i < 30; i++)
		buf_printf(&text,
			   "---\napiVersion: projectcalico.org/v3\nkind: Node\n"
			   "metadata: {name: m%02d}\n",
			   i);
	make_partial(w, 5, ERR_AWAY);
	said = CALL(w, run_apply, buf_text(&text), "apply");
	assert_int_equal(said.kind, ERR_AWAY);
	has(said.err, "5 of 30;");
	has(said.err, "node/m24 and 5 more\n");
	assert_null(strstr(said.err, "m25"));
}

/* A list that the store compacts away is begun again, a few times. */
static void list_again(void **state)
{
	struct world *w = *state;
	struct said said;

	make_partial(w, 0, ERR_NONE);
	memory_list_compacted(NAME, LIST_ATTEMPTS - 1);
	said = CALL(w, run_get, NULL, "get", "nodes", "-oname");
	assert_int_equal(said.kind, ERR_NONE);
	assert_string_equal(said.out, "node/n\n");
	memory_list_compacted(NAME, LIST_ATTEMPTS);
	said = CALL(w, run_get, NULL, "get", "nodes");
	assert_int_equal(said.kind, ERR_CONFLICT);
	has(said.words, "compacted");
}

#define TIME  1785578400 /* 2026-08-01T10:00:00Z */
#define CREATED(text) "\"creationTimestamp\": \"" text "\""

static const char older[] = "apiVersion: v1\nkind: List\nitems:\n"
			    "- {apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: n},"
			    " spec: {bgp: {ipv4Address: 10.0.0.1/24}}}\n"
			    "- {apiVersion: projectcalico.org/v3, kind: BGPPeer,"
			    " metadata: {name: x}, spec: {node: n, peerIP: 10.1.0.1, asNumber: 1}}\n";
#define RIVAL(meta, spec)                                                                          \
	"apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {" meta "}\nspec: {" spec      \
	"peerIP: 10.1.0.1, asNumber: 1}\n"

/* A newcomer waits, one of a higher rank takes and says so, and who is made again is new. */
static void older_keeps(void **state)
{
	static const char equal[] = RIVAL("name: a", "node: n, "), global[] = RIVAL("name: y", "");
	static const char words[] = "takes 10.1.0.1 on n from bgppeer/x";
	struct world *w = *state;
	struct said said;

	clock_fake(0, TIME);
	CALL(w, run_apply, older, "apply");
	clock_fake(0, TIME + 60);
	said = CALL(w, run_plan, equal, "plan");
	assert_null(strstr(said.err, "takes"));
	has(said.err, "DOUBLE bgppeer/a: the session with 10.1.0.1 is the one of bgppeer/x: ");
	has(said.err, "the older one has it");
	said = CALL(w, run_apply, equal, "apply");
	assert_null(strstr(said.err, "takes"));
	has(CALL(w, run_plan, NULL, "plan").out, "bgppeer/x");
	/* A change leaves it as old as it was. */
	clock_fake(0, TIME + 120);
	CALL(w, run_apply, RIVAL("name: x, labels: {l: m}", "node: n, "), "apply");
	has(CALL(w, run_get, NULL, "get", "bgppeer", "x", "-o", "json").out,
	    CREATED("2026-08-01T10:00:00Z"));
	has(CALL(w, run_plan, NULL, "plan").out, "bgppeer/x");
	/* Across ranks. */
	said = CALL(w, run_plan, global, "plan");
	has(said.out, "asked for by another resource");
	has(said.err, "TAKES bgppeer/y: ");
	has(said.err, words);
	said = CALL(w, run_plan, global, "plan", "-o", "json");
	has(said.out, "\"TAKES\"");
	said = CALL(w, run_apply, global, "apply", "--dry-run");
	has(said.err, words);
	said = CALL(w, run_apply, global, "apply");
	has(said.err, "bgppeer/y: ");
	has(said.err, words);
	said = CALL(w, run_apply, global, "apply");
	assert_null(strstr(said.err, "takes"));
	CALL(w, run_delete, NULL, "delete", "bgppeer", "y");
	/* Made again: the rival stays. */
	CALL(w, run_delete, NULL, "delete", "bgppeer", "x");
	said = CALL(w, run_apply, older, "apply");
	assert_null(strstr(said.err, "takes"));
	has(CALL(w, run_get, NULL, "get", "bgppeer", "x", "-o", "json").out,
	    CREATED("2026-08-01T10:02:00Z"));
	has(CALL(w, run_plan, NULL, "plan").out, "bgppeer/a");
	clock_real();
}

/* The time that was carried over is the store's: a file gives it as it is, or not at all. */
static void age_is_the_stores(void **state)
{
	static const char kept[] = "peerage.dev/created", carried[] =
		"{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":\"BGPPeer\",\"metadata\":{\"name\":"
		"\"x\",\"creationTimestamp\":\"2026-08-01T10:00:00Z\",\"annotations\":{"
		"\"peerage.dev/created\":\"2020-01-01T00:00:00Z\"}},\"spec\":{\"peerIP\":\"10.1.0.1\","
		"\"asNumber\":1}}";
	static const char lie[] = RIVAL("name: x, annotations: {peerage.dev/created: "
					"\"2019-01-01T00:00:00Z\"}",
					"");
	static const char claim[] = RIVAL("name: a, annotations: {peerage.dev/created: "
					  "\"2019-01-01T00:00:00Z\"}",
					  "");
	static const char same[] = RIVAL("name: x, annotations: {b: c, peerage.dev/created: "
					 "\"2020-01-01T00:00:00Z\"}",
					 "");
	static const char without[] = RIVAL("name: x, annotations: {z: c}", "maxRestartTime: 9s, ");
	struct world *w = *state;
	struct said said;

	CALL(w, run_apply, node, "apply");
	put(w, &kind_bgppeer, "x", carried);
	for (int i = 0; i < 2; i++) {
		said = CALL(w, run_apply, i ? claim : lie, "apply");
		assert_int_equal(said.kind, ERR_INVALID);
		has(said.err, i ? "bgppeer/a: metadata" : "bgppeer/x: metadata");
		has(said.err, "only a store says when an object was made; leave it out");
		has(said.err, "nothing was written");
		said = CALL(w, run_plan, i ? claim : lie, "plan");
		assert_int_equal(said.kind, ERR_INVALID);
		has(said.words, "in.yaml:1: metadata.annotations[\"peerage.dev/created\"]: only");
	}
	assert_int_equal(CALL(w, run_create, claim, "create").kind, ERR_INVALID);
	assert_string_equal(CALL(w, run_apply, same, "apply").out, "bgppeer/x configured\n");
	assert_string_equal(CALL(w, run_apply, without, "apply").out, "bgppeer/x configured\n");
	said = CALL(w, run_get, NULL, "get", "bgppeer", "x", "-o", "json");
	has(said.out, kept);
	has(said.out, "2020-01-01T00:00:00Z");
	has(said.out, "\"z\"");
	has(said.out, CREATED("2026-08-01T10:00:00Z"));
	assert_string_equal(CALL(w, run_apply, without, "apply").out, "bgppeer/x unchanged\n");
	said = CALL(w, run_plan, without, "plan");
	assert_int_equal(said.kind, ERR_NONE);
}

/* What nobody can read is said once, whoever it concerns. */
static void broken_once(void **state)
{
	static const char json[] = "{\"spec\":5}";
	static const struct {
		const struct kind *kind;
		const char *name, *line;
	} broken[] = {
		{ &kind_bgppeer, "x", "INVALID bgppeer/x: " },
		{ &kind_bgpfilter, "f", "INVALID bgpfilter/f: " },
		{ &kind_bgpfilter, "unused", "INVALID bgpfilter/unused: " },
		{ &kind_ippool, "p", "INVALID ippool/p: " },
	};
	struct world *w = *state;
	struct said said;

	CALL(w, run_apply, older, "apply");
	CALL(w, run_apply, RIVAL("name: y", "filters: [f], "), "apply");
	CALL(w, run_delete, NULL, "delete", "bgppeer", "x");
	for (size_t i = 0; i < lengthof(broken); i++)
		put(w, broken[i].kind, broken[i].name, json);
	said = CALL(w, run_plan, NULL, "plan");
	for (size_t i = 0; i < lengthof(broken); i++) {
		const char *at = strstr(said.err, broken[i].line);

		has(said.err, broken[i].line);
		assert_null(strstr(at + 1, broken[i].line));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(some_written, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(some_written_for_programs, setup, teardown),
		cmocka_unit_test_setup_teardown(none_written, setup, teardown),
		cmocka_unit_test_setup_teardown(conflict_then_rest, setup, teardown),
		cmocka_unit_test_setup_teardown(some_deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(some_migrated, setup, teardown),
		cmocka_unit_test_setup_teardown(many_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(list_again, setup, teardown),
		cmocka_unit_test_setup_teardown(older_keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(age_is_the_stores, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
