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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
