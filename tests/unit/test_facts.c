/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets as facts: files in a folder of the test. */
#include "engine/facts.h"
#include "local/secret.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../lib/wakes.h"
#include "base/file.h"

struct folder {
	char path[64];
};

static void put(const struct folder *f, const char *name, const char *bytes, size_t len)
{
	char path[256];
	struct err err;

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	assert_true(file_write(path, bytes, len, 0600, (gid_t)-1, &err));
}

static void make(const struct folder *f, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void join(const struct folder *f, const char *name, const char *to)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	unlink(path);
	assert_int_equal(symlink(to, path), 0);
}

static void swap(const struct folder *f, const char *from, const char *to)
{
	char old[256], new[256];

	snprintf(old, sizeof old, "%s/%s", f->path, from);
	snprintf(new, sizeof new, "%s/%s", f->path, to);
	assert_int_equal(rename(old, new), 0);
}

static int folder_open(void **state)
{
	struct folder *f = mem_alloc(sizeof *f);
	char path[128];

	strcpy(f->path, "/tmp/peerage-unit-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	make(f, "tor");
	put(f, "tor/plain", "hunter2", 7);
	put(f, "tor/line", "hunter2\n", 8);
	put(f, "tor/lines", "hunter2\n\n", 9);
	put(f, "tor/empty", "", 0);
	put(f, "tor/blank", "\n", 1);
	put(f, "tor/nul", "a\0b", 3);
	put(f, "tor/bytes", "\xff\"\x01", 3);
	make(f, "tor/folder");
	snprintf(path, sizeof path, "%s/tor/fifo", f->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	join(f, "tor/escape", "../../../../etc/hostname");
	join(f, "tor/absolute", "/etc/hostname");
	join(f, "tor/own", f->path);
	join(f, "tor/loop", "loop");
	join(f, "tor/dangling", "nowhere");
	join(f, "out", "/etc");
	/* as kubelet makes it */
	make(f, "kube");
	make(f, "kube/..2026_a");
	put(f, "kube/..2026_a/password", "from kubelet\n", 13);
	join(f, "kube/..data", "..2026_a");
	join(f, "kube/password", "..data/password");
	*state = f;
	return 0;
}

static int folder_close(void **state)
{
	struct folder *f = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", f->path);
	assert_int_equal(system(command), 0);
	free(f);
	clock_real();
	return 0;
}

/* clang-format off */
static const struct {
	const char *name, *key;
	enum secret_state state;
	const char *value; /* or a piece of why */
	size_t len;
} secrets[] = {
	{ "tor",  "plain",    SECRET_READABLE,   "hunter2", 7 },
	{ "tor",  "line",     SECRET_READABLE,   "hunter2", 7 },
	{ "tor",  "lines",    SECRET_READABLE,   "hunter2\n", 8 },
	{ "tor",  "nul",      SECRET_READABLE,   "a", 3 },
	{ "tor",  "bytes",    SECRET_READABLE,   "\xff\"\x01", 3 },
	{ "kube", "password", SECRET_READABLE,   "from kubelet", 12 },
	{ "tor",  "empty",    SECRET_ABSENT,     "is empty", 0 },
	{ "tor",  "blank",    SECRET_ABSENT,     "is empty", 0 },
	{ "tor",  "nothing",  SECRET_ABSENT,     "is not there", 0 },
	{ "none", "nothing",  SECRET_ABSENT,     "is not there", 0 },
	{ "tor",  "dangling", SECRET_ABSENT,     "is not there", 0 },
	{ "tor",  "plain.",   SECRET_ABSENT,     "is not there", 0 },
	{ "..",   "plain",    SECRET_ABSENT,     "letters", 0 },
	{ ".",    "plain",    SECRET_ABSENT,     "letters", 0 },
	{ "tor",  "..",       SECRET_ABSENT,     "letters", 0 },
	{ "tor",  "",         SECRET_ABSENT,     "letters", 0 },
	{ "",     "plain",    SECRET_ABSENT,     "letters", 0 },
	{ "tor",  "a/b",      SECRET_ABSENT,     "letters", 0 },
	{ "tor/../tor", "plain", SECRET_ABSENT,  "letters", 0 },
	{ "tor",  NULL,       SECRET_ABSENT,     "letters", 0 },
	{ NULL,   "plain",    SECRET_ABSENT,     "letters", 0 },
	{ "tor",  "folder",   SECRET_UNREADABLE, "regular", 0 },
	{ "tor",  "fifo",     SECRET_UNREADABLE, "regular", 0 },
	{ "tor",  "escape",   SECRET_UNREADABLE, "out of the folder", 0 },
	{ "tor",  "absolute", SECRET_UNREADABLE, "out of the folder", 0 },
	{ "tor",  "own",      SECRET_UNREADABLE, "out of the folder", 0 },
	{ "out",  "hostname", SECRET_UNREADABLE, "out of the folder", 0 },
	{ "tor",  "loop",     SECRET_UNREADABLE, "symbolic links", 0 },
};
/* clang-format on */

static void test_secrets(void **state)
{
	struct folder *f = *state;

	for (size_t i = 0; i < lengthof(secrets); i++) {
		auto_arena struct arena a = { .secret = true };
		struct secret_ref ref = { .name = secrets[i].name, .key = secrets[i].key };
		struct secret_fact s = secret_read(f->path, &ref, &a);

		assert_int_equal(s.state, secrets[i].state);
		if (s.state == SECRET_READABLE) {
			assert_string_equal(s.value, secrets[i].value);
			assert_int_equal(s.len, secrets[i].len);
			assert_null(s.why);
		} else {
			assert_null(s.value);
			assert_non_null(strstr(s.why, secrets[i].value));
		}
	}
}

/* What the operator reads names the file that was looked at. */
static void test_secret_where(void **state)
{
	static const struct {
		const char *behind, *key;   /* of the folder's path; of the secret */
		const char *before, *after; /* the folder's path in the words */
	} cases[] = {
		{ "", "nothing", "is not there: ", "/tor/nothing" },
		{ "///", "nothing", "is not there: ", "/tor/nothing" },
		{ "", "empty", "is empty: ", "/tor/empty" },
		{ "", "folder", "is not a regular file: ", "/tor/folder" },
		{ "", "escape", "a link on the way to ", "/tor/escape leads out of the folder" },
		{ "-x", "key", "the folder ", "-x cannot be opened: No such file or directory" },
	};
	struct folder *f = *state;
	auto_arena struct arena a = { 0 };
	struct secret_ref ref = { .name = "tor", .key = "plain" };

	for (size_t i = 0; i < lengthof(cases); i++) {
		const char *folder = arena_printf(&a, "%s%s", f->path, cases[i].behind);

		ref.key = cases[i].key;
		assert_string_equal(secret_read(folder, &ref, &a).why,
				    arena_printf(&a, "%s%s%s", cases[i].before, f->path,
						 cases[i].after));
	}
	assert_string_equal(secret_read(NULL, &ref, &a).why, "is not there: no --secrets-dir is given");
}

static void test_secret_large(void **state)
{
	auto_arena struct arena a = { .secret = true };
	struct secret_ref ref = { .name = "tor", .key = "large" };
	struct folder *f = *state;
	char bytes[10000];
	struct secret_fact s;

	memset(bytes, 'x', sizeof bytes);
	put(f, "tor/large", bytes, sizeof bytes);
	s = secret_read(f->path, &ref, &a);
	assert_int_equal(s.state, SECRET_READABLE);
	assert_int_equal(s.len, 4096);
	s = secret_read("/tmp/peerage-unit-nothing", &ref, &a);
	assert_int_equal(s.state, SECRET_UNREADABLE); /* not mounted yet, perhaps */
}

/* What root may read is no matter of modes: the child is somebody else. */
static void test_secret_refused(void **state)
{
	struct folder *f = *state;
	char path[128];
	pid_t child;
	int status;

	if (geteuid() != 0)
		fail_msg("this test needs root");
	assert_int_equal(chmod(f->path, 0755), 0);
	snprintf(path, sizeof path, "%s/tor", f->path);
	assert_int_equal(chmod(path, 0755), 0);
	child = fork();
	if (!child) {
		struct arena a = { 0 };
		struct secret_ref ref = { .name = "tor", .key = "plain" };
		struct secret_fact s = { 0 };

		if (setgid(65534) == 0 && setuid(65534) == 0)
			s = secret_read(f->path, &ref, &a);
		arena_free(&a);
		_exit(s.state == SECRET_UNREADABLE ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static const struct secret_fact *known(struct facts_source *s, size_t i)
{
	static struct facts f;

	memset(&f, 0, sizeof f);
	facts_get(s, &f);
	assert_true(f.secrets_known);
	assert_true(i < f.n_secrets);
	return &f.secrets[i];
}

static void test_rotation(void **state)
{
	static const struct secret_ref refs[] = {
		{"kube",	  "password", 0},
		   { "later", "key",	     0}
	};
	struct folder *f = *state;
	struct facts_source *s;
	struct facts all = { 0 };
	struct poll p = { 0 };

	clock_fake(1000, 0);
	s = facts_open(f->path);
	facts_get(s, &all);
	assert_true(all.secrets_known);
	assert_int_equal(all.n_secrets, 0);
	facts_run(s);
	facts_want(s, refs, 1);
	assert_string_equal(known(s, 0)->value, "from kubelet"); /* at once */
	assert_true(facts_run(s));
	assert_false(facts_run(s));
	assert_false(wakes(s));
	facts_want(s, refs, 1);
	assert_false(facts_run(s));
	clock_fake(10000, 0);
	facts_wait(s, &p);
	assert_false(p.timed); /* nothing is missing: news is enough */

	make(f, "kube/..2026_b");
	put(f, "kube/..2026_b/password", "rotated", 7);
	join(f, "kube/..data_tmp", "..2026_b");
	assert_true(wakes(s));
	assert_false(facts_run(s)); /* not there yet */
	swap(f, "kube/..data_tmp", "kube/..data");
	assert_true(wakes(s));
	assert_true(facts_run(s));
	assert_string_equal(known(s, 0)->value, "rotated");
	assert_false(wakes(s));

	facts_want(s, refs, 2);
	assert_true(facts_run(s));
	assert_int_equal(known(s, 1)->state, SECRET_ABSENT);
	make(f, "later");
	assert_true(wakes(s));
	assert_false(facts_run(s)); /* watches it from now on */
	put(f, "later/key", "new", 3);
	assert_true(wakes(s));
	assert_true(facts_run(s));
	assert_string_equal(known(s, 1)->value, "new");
	put(f, "later/key", "newer", 5);
	assert_true(facts_run(s));
	assert_int_equal(known(s, 1)->len, 5);
	facts_close(s);
}

/* A folder that is not there gives no news: the timer looks for it. */
static void test_folder_later(void **state)
{
	static const struct secret_ref ref = { "tor", "plain", 0 };
	struct folder *f = *state;
	char aside[80];
	struct facts_source *s;

	clock_fake(1000, 0);
	snprintf(aside, sizeof aside, "%s-x", f->path);
	assert_int_equal(rename(f->path, aside), 0);
	s = facts_open(f->path);
	facts_want(s, &ref, 1);
	facts_run(s);
	assert_int_equal(known(s, 0)->state, SECRET_UNREADABLE);
	assert_int_equal(rename(aside, f->path), 0);
	clock_fake(5999, 0);
	assert_false(wakes(s));
	clock_fake(6000, 0);
	assert_true(wakes(s));
	assert_true(facts_run(s));
	assert_string_equal(known(s, 0)->value, "hunter2");
	assert_false(facts_run(s));
	facts_close(s);
}

static void test_no_folder(void **state)
{
	static const struct secret_ref ref = { "tor", "plain", 0 };
	struct facts_source *s = facts_open(NULL);
	struct facts f = { 0 };

	(void)state;
	facts_want(s, &ref, 1);
	assert_false(facts_run(s));
	facts_get(s, &f);
	assert_true(f.secrets_known);
	assert_int_equal(f.n_secrets, 1);
	assert_int_equal(f.secrets[0].state, SECRET_ABSENT);
	assert_string_equal(f.secrets[0].why, "is not there: no --secrets-dir is given");
	facts_close(s);
	facts_close(NULL);
}

#define with_folder(test) cmocka_unit_test_setup_teardown(test, folder_open, folder_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_folder(test_secrets),	  with_folder(test_secret_large),
		with_folder(test_secret_where),	  with_folder(test_secret_refused),
		with_folder(test_rotation),	  with_folder(test_folder_later),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
