/* SPDX-License-Identifier: Apache-2.0 */
/* What only a file can suffer: being no database, locked, replaced, full, and writers that die. */
#include "store/sqlite.h"

#include "store_world.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"

#define PEER   (&kind_bgppeer)
#define NOBODY 65534

static void raw(const struct world *w, const char *sql)
{
	sqlite3 *db;
	char *words = NULL;

	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK)
		fail_msg("%s: %s", sql, words);
	sqlite3_close(db);
}

static void write_file(const char *path, const char *text)
{
	struct err err;

	assert_true(file_write(path, text, strlen(text), 0644, (gid_t)-1, &err));
}

static void refused(const struct world *w, unsigned flags, enum err_kind kind, const char *words)
{
	struct err err = { 0 };
	struct store *st = store_open(w->url, flags, &err);

	if (st || err.kind != kind || !strstr(err.words, words))
		fail_msg("\"%s\" (kind %d), expected \"%s\"", err.words, err.kind, words);
}

static mode_t mode_of(const char *path, const char *suffix)
{
	char name[192];
	struct stat st;

	snprintf(name, sizeof name, "%s%s", path, suffix);
	assert_int_equal(stat(name, &st), 0);
	return st.st_mode & 07777;
}

/* Runs F in a child of its own; the child's exit code is its answer. */
static int in_child(int (*f)(const struct world *w), const struct world *w)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(f(w));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- opening ---- */

static void not_a_file(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkdir(w->path, 0755), 0);
	refused(w, 0, ERR_USAGE, "is a folder, a database file is needed");
	refused(w, STORE_CREATE, ERR_USAGE, "is a folder, a database file is needed");
	assert_int_equal(rmdir(w->path), 0);
	assert_int_equal(mkfifo(w->path, 0600), 0);
	refused(w, STORE_CREATE, ERR_USAGE, "is not a file");
}

static void not_a_database(void **state)
{
	struct world *w = *state;

	write_file(w->path, "apiVersion: projectcalico.org/v3\nkind: BGPPeer\n");
	refused(w, 0, ERR_AWAY, "file is not a database");
	refused(w, STORE_CREATE, ERR_AWAY, "file is not a database");
}

static void empty_file(void **state)
{
	struct world *w = *state;

	write_file(w->path, "");
	refused(w, 0, ERR_NOT_FOUND, "there is no store yet in the empty file");
	store_close(open_store(w->url, STORE_CREATE));
	store_close(open_store(w->url, 0));
}

static void somebody_elses_database(void **state)
{
	struct world *w = *state;

	raw(w, "CREATE TABLE bookmarks(url TEXT)");
	refused(w, 0, ERR_AWAY, "but not a store of Peerage");
	refused(w, STORE_CREATE, ERR_AWAY, "but not a store of Peerage");
}

static void newer_schema(void **state)
{
	struct world *w = *state;

	store_close(open_store(w->url, STORE_CREATE));
	raw(w, "UPDATE store SET schema = 3");
	refused(w, STORE_CREATE, ERR_AWAY,
		"was made by a newer Peerage (schema 3, this one knows 1)");
}

static void no_identity(void **state)
{
	struct world *w = *state;

	store_close(open_store(w->url, STORE_CREATE));
	raw(w, "DELETE FROM store");
	refused(w, STORE_CREATE, ERR_AWAY, "its identity is missing");
}

static void truncated(void **state)
{
	static const off_t sizes[] = { 1, 99, 100, 512, 4096, 3 * 4096 + 7, 40000 };
	struct world *w = *state;
	auto_free char *big = mem_alloc(200001);
	struct store *st;

	memset(big, 'x', 200000);
	big[200000] = '\0';
	for (size_t i = lengthof(sizes); i-- > 0;) {
		remove(w->path);
		st = open_store(w->url, STORE_CREATE);
		put(st, PEER, "a", big);
		store_close(st);
		assert_int_equal(truncate(w->path, sizes[i]), 0);
		refused(w, 0, ERR_AWAY, w->path);
		refused(w, STORE_CREATE, ERR_AWAY, w->path);
	}
}

static void folder_is_made(void **state)
{
	struct world *w = *state;
	char path[160];
	struct store *st;

	snprintf(path, sizeof path, "%s/new", w->folder);
	snprintf(w->url, sizeof w->url, "%s/new/t.db", w->folder);
	st = open_store(w->url, STORE_CREATE);
	put(st, PEER, "a", "1");
	assert_int_equal(mode_of(path, "") & 0777, 0770);
	assert_int_equal(mode_of(path, "") & 02000, file_group("peerage") != (gid_t)-1 ? 02000 : 0);
	snprintf(path, sizeof path, "%s/new/t.db", w->folder);
	assert_int_equal(mode_of(path, ""), 0660);
	assert_int_equal(mode_of(path, "-wal"), 0660);
	assert_int_equal(mode_of(path, "-shm"), 0660);
	assert_int_equal(mode_of(path, ".lock"), 0660);
	assert_int_equal(mode_of(path, ".notify"), 0660);
	store_close(st);
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "", ".lock", ".notify" };

		snprintf(path, sizeof path, "%s/new/t.db%s", w->folder, names[i]);
		assert_int_equal(remove(path), 0);
	}
	snprintf(path, sizeof path, "%s/new", w->folder);
	assert_int_equal(rmdir(path), 0);

	snprintf(w->url, sizeof w->url, "%s/no/such/t.db", w->folder);
	refused(w, STORE_CREATE, ERR_NOT_FOUND, "the folder ");
}

/* As a user who may do little: 0 when all went as it should. */
static int as_nobody(const struct world *w)
{
	struct err err = { 0 };
	struct write x = { .kind = PEER, .name = "a", .json = "2", .len = 1 };
	struct store *st;

	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		return 1;
	if (chmod(w->path, 0600) < 0 && errno != EPERM)
		return 2;
	if (access(w->path, R_OK) < 0) { /* it is root's and 0600 */
		st = store_open(w->url, 0, &err);
		return st || err.kind != ERR_REFUSED || !strstr(err.words, "cannot be read");
	}
	st = store_open(w->url, STORE_CREATE, &err);
	if (!st) /* a folder that is not writable */
		return err.kind == ERR_REFUSED && strstr(err.words, "folder") ? 0 : 3;
	if (write_many(st, &x, 1, &err) || err.kind != ERR_REFUSED)
		return 4;
	store_close(st);
	return 0;
}

static void permissions(void **state)
{
	static const mode_t modes[][2] = {
		{0755,	0600},
		{ 0755, 0644},
		{ 0777, 0644}
	};
	struct world *w = *state;

	if (geteuid() != 0)
		fail_msg("run this test as root: it changes to user %d", NOBODY);
	for (size_t i = 0; i < lengthof(modes); i++) {
		struct store *st = open_store(w->url, STORE_CREATE);

		put(st, PEER, "a", "1");
		store_close(st);
		assert_int_equal(chmod(w->folder, modes[i][0]), 0);
		assert_int_equal(chmod(w->path, modes[i][1]), 0);
		assert_int_equal(in_child(as_nobody, w), 0);
		assert_int_equal(chmod(w->folder, 0700), 0);
	}
}

/* ---- locks ---- */

static void writers_lock(void **state)
{
	struct world *w = *state;
	struct store *agent = open_store(w->url, STORE_CREATE);
	struct store *cli = open_store(w->url, STORE_PATIENT);
	struct write x = { .kind = PEER, .name = "a", .json = "1", .len = 1 }, y = x;
	struct op slow = { .type = OP_WRITE, .writes = &x, .n_writes = 1 };
	struct op patient = { .type = OP_WRITE, .writes = &y, .n_writes = 1 };
	struct told t = { 0 };
	struct poll p = { 0 };
	char path[128];
	int lock;

	snprintf(path, sizeof path, "%s.lock", w->path);
	lock = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	clock_fake(1000, 0);
	store_start(agent, &slow);
	store_start(cli, &patient);
	assert_false(slow.done || patient.done || slow.err.kind);
	store_wait(agent, &p);
	assert_true(p.timed && p.deadline > 1000 && p.deadline <= 1010);
	assert_string_equal(list_text(agent, kinds_all(), &t, NULL), ""); /* readers do not wait */
	clock_fake(5999, 0);
	store_run(agent);
	store_run(cli);
	assert_false(slow.done || patient.done);
	assert_non_null(strstr(slow.err.words, "is locked by another process"));
	clock_fake(6100, 0);
	store_run(agent);
	store_run(cli);
	assert_false(slow.done);
	assert_true(patient.done);
	assert_int_equal(patient.err.kind, ERR_AWAY);
	assert_non_null(strstr(patient.err.words, "is locked by another process"));
	close(lock);
	clock_fake(6300, 0);
	store_run(agent);
	assert_true(slow.done);
	assert_int_equal(slow.err.kind, ERR_NONE);
	assert_int_equal(x.result, WRITE_DONE);
	clock_real();
	store_cancel(agent, &slow);
	store_cancel(cli, &patient);
	buf_free(&t.text);
	store_close(agent);
	store_close(cli);
}

/* Someone with another program holds the whole database. */
static void exclusive_lock(void **state)
{
	struct world *w = *state;
	struct store *st;
	struct told t = { 0 };
	struct op op = { .type = OP_LIST, .kinds = kinds_all(), .entry = told_entry, .ctx = &t };
	struct op watch = {
		.type = OP_WATCH, .kinds = kinds_all(), .since = "1", .entry = told_entry, .ctx = &t
	};
	sqlite3 *db;

	st = open_store(w->url, STORE_CREATE);
	put(st, PEER, "a", "1");
	store_close(st);
	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL);
	refused(w, 0, ERR_AWAY, "is locked by another process");
	sqlite3_close(db);

	st = open_store(w->url, 0); /* opened before the lock came */
	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
	sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
	clock_fake(1000, 0);
	store_start(st, &op);
	store_start(st, &watch);
	clock_fake(3000, 0);
	store_run(st);
	if (!op.done) { /* which of the two the lock met is SQLite's affair */
		assert_non_null(strstr(op.err.words, "is locked by another process"));
		assert_false(watch.done);
	}
	sqlite3_exec(db, "COMMIT; PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	sqlite3_close(db);
	clock_fake(4000, 0);
	store_run(st);
	assert_true(op.done);
	assert_int_equal(op.err.kind, ERR_NONE);
	assert_false(watch.done);
	assert_int_equal(watch.err.kind, ERR_NONE);
	assert_string_equal(buf_text(&t.text), "bgppeer/a=1 ");
	clock_real();
	store_cancel(st, &op);
	store_cancel(st, &watch);
	buf_free(&t.text);
	store_close(st);
}

/* ---- processes ---- */

struct shared {
	volatile unsigned acknowledged;
	volatile bool failed;
};

static struct shared *shared_make(void)
{
	struct shared *sh =
		mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(sh, MAP_FAILED);
	return sh;
}

/* Writes one number to two objects in one transaction, again and again, until it is killed. */
static void write_for_ever(const struct world *w, struct shared *sh, unsigned first)
{
	struct err err = { 0 };
	struct store *st = store_open(w->url, STORE_CREATE | STORE_PATIENT, &err);

	for (unsigned i = first; st; i++) {
		char number[16];
		struct write x[] = {
			{.kind = PEER,	.name = "a", .json = number},
			{ .kind = PEER, .name = "b", .json = number}
		};

		x[0].len = x[1].len = (size_t)snprintf(number, sizeof number, "%u", i);
		if (!write_many(st, x, 2, &err))
			break;
		sh->acknowledged = i;
	}
	sh->failed = true;
	_exit(1);
}

static void killed_writers(void **state)
{
	struct world *w = *state;
	struct shared *sh = shared_make();
	struct told t = { 0 };

	for (unsigned round = 0; round < 40; round++) {
		unsigned first = sh->acknowledged + 1, last = 0, a = 0, b = 0;
		int64_t start = clock_ms(), until = start + arc4random_uniform(12);
		pid_t pid = fork();
		struct store *st;
		int status;

		assert_true(pid >= 0);
		if (!pid)
			write_for_ever(w, sh, first);
		/* Sometimes before its first word, sometimes after some. */
		while (clock_ms() < until || (round % 2 && sh->acknowledged < first &&
					      !sh->failed && clock_ms() < start + 10000)) {
			struct poll p = { 0 };

			poll_at(&p, clock_ms() + 1);
			poll_block(&p);
		}
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_false(sh->failed);
		last = sh->acknowledged;
		st = open_store(w->url, STORE_CREATE | STORE_PATIENT);
		list_text(st, kinds_all(), &t, NULL);
		if (t.n) {
			assert_int_equal(sscanf(t.text.at, "bgppeer/a=%u bgppeer/b=%u ", &a, &b),
					 2);
			assert_int_equal(a, b);
		}
		assert_in_range(a, last, last + 1);
		sh->acknowledged = a;
		store_close(st);
	}
	assert_true(sh->acknowledged > 40);
	munmap(sh, sizeof *sh);
	buf_free(&t.text);
}

/* Adds one to a counter, N times, never overwriting what another process did. */
static int count_up(const struct world *w)
{
	struct err err = { 0 };
	struct store *st = store_open(w->url, STORE_CREATE | STORE_PATIENT, &err);
	unsigned done = 0;

	while (st && done < 50) {
		struct told t = { .versions = true };
		struct op get = {
			.type = OP_GET, .kind = PEER, .name = "n", .entry = told_entry, .ctx = &t
		};
		char version[24] = "", number[16];
		struct write x = { .kind = PEER, .name = "n", .json = number };
		unsigned n = 0;

		x.expect = EXPECT_ABSENT;
		if (store_finish(st, &get, PUT_MS, &err)) {
			sscanf(t.text.at, "bgppeer/n@%23[0-9]=%u", version, &n);
			x.expect = EXPECT_VERSION;
			x.version = version;
		} else if (err.kind != ERR_NOT_FOUND) {
			break;
		}
		x.len = (size_t)snprintf(number, sizeof number, "%u", n + 1);
		if (write_many(st, &x, 1, &err))
			done++;
		else if (err.kind != ERR_CONFLICT)
			break;
		store_cancel(st, &get);
		buf_free(&t.text);
	}
	if (done == 50)
		store_close(st);
	else
		fprintf(stderr, "counter: %s\n", err.words);
	return done != 50;
}

static void four_writers(void **state)
{
	struct world *w = *state;
	struct store *st;
	struct told t = { 0 };
	pid_t pids[4];
	int status;

	for (size_t i = 0; i < 4; i++) { /* none is there before: they race to make it, too */
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (!pids[i])
			_exit(count_up(w));
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	st = open_store(w->url, 0);
	assert_string_equal(list_text(st, kinds_all(), &t, NULL), "bgppeer/n=200 ");
	buf_free(&t.text);
	store_close(st);
}

/* A writer that died after COMMIT and before it could wake anyone. */
static void commit_without_notify(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { 0 };
	struct op op = {
		.type = OP_WATCH, .kinds = kinds_all(), .since = "0", .entry = told_entry, .ctx = &t
	};
	struct poll p = { 0 };

	store_start(st, &op);
	store_run(st);
	raw(w, "BEGIN; INSERT INTO resource VALUES('bgppeers', 'a', 1, '1');"
	       "INSERT INTO log VALUES(1, 'bgppeers', 'a', 0); COMMIT");
	store_wait(st, &p);
	poll_now(&p);
	poll_block(&p);
	for (size_t i = 0; i < p.n; i++)
		assert_int_equal(p.fds[i].revents, 0); /* nothing wakes */
	store_run(st);				       /* but who runs sees it */
	assert_string_equal(buf_text(&t.text), "bgppeer/a=1 ");
	store_cancel(st, &op);
	buf_free(&t.text);
	store_close(st);
}

static void notify_file_lost(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE), *other = open_store(w->url, 0);
	struct told t = { 0 };
	struct op op = {
		.type = OP_WATCH, .kinds = kinds_all(), .since = "0", .entry = told_entry, .ctx = &t
	};
	char path[128];

	snprintf(path, sizeof path, "%s.notify", w->path);
	store_start(st, &op);
	for (unsigned round = 1; round <= 3; round++) {
		struct poll p = { 0 };
		bool woken = false;

		assert_int_equal(remove(path), 0);
		store_run(st); /* listens to the new one */
		store_run(st);
		put(other, PEER, "a", "1");
		store_wait(st, &p);
		poll_at(&p, clock_ms() + 5000);
		poll_block(&p);
		for (size_t i = 0; i < p.n; i++)
			woken |= p.fds[i].revents != 0;
		assert_true(woken);
		store_run(st);
		assert_int_equal(t.n, round);
	}
	store_cancel(st, &op);
	buf_free(&t.text);
	store_close(st);
	store_close(other);
}

/* ---- the file ---- */

static void replaced_file(void **state)
{
	static const char *const files[] = { "", "-wal", "-shm" };
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE), *new;
	struct told t = { 0 };
	struct op op = {
		.type = OP_WATCH, .kinds = kinds_all(), .since = "0", .entry = told_entry, .ctx = &t
	};
	struct write x = { .kind = PEER, .name = "lost?", .json = "1", .len = 1 };
	struct err err = { 0 };
	char path[128];

	put(st, PEER, "a", "1");
	store_start(st, &op);
	store_run(st);
	for (size_t i = 0; i < lengthof(files); i++) {
		snprintf(path, sizeof path, "%s%s", w->path, files[i]);
		assert_int_equal(remove(path), 0);
	}
	assert_false(write_many(st, &x, 1, &err));
	assert_int_equal(err.kind, ERR_AWAY);
	assert_non_null(strstr(err.words, "was replaced or removed while it was in use"));
	new = open_store(w->url, STORE_CREATE);
	put(new, PEER, "b", "1");
	store_run(st);
	assert_true(op.done);
	assert_int_equal(op.err.kind, ERR_AWAY);
	store_cancel(st, &op);
	store_close(st); /* must not take the new one's -wal with it */
	put(new, PEER, "c", "1");
	st = open_store(w->url, 0);
	assert_string_equal(list_text(st, kinds_all(), &t, NULL), "bgppeer/b=1 bgppeer/c=1 ");
	store_close(st);
	store_close(new);
	buf_free(&t.text);
}

/* The same file, but another store was written into it. */
static void another_store_in_the_file(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { 0 };
	struct op op = {
		.type = OP_WATCH, .kinds = kinds_all(), .since = "0", .entry = told_entry, .ctx = &t
	};

	store_start(st, &op);
	raw(w, "UPDATE store SET identity = 'another'");
	store_run(st);
	assert_true(op.done);
	assert_int_equal(op.err.kind, ERR_AWAY);
	store_cancel(st, &op);
	store_close(st);
}

static void strange_rows(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { 0 };
	struct op op = {
		.type = OP_WATCH, .kinds = kinds_all(), .since = "0", .entry = told_entry, .ctx = &t
	};

	put(st, PEER, "a", "1");
	raw(w, "INSERT INTO resource VALUES('gadgets', 'g', 2, '1'), ('bgppeers', 'z', 3, x'ff00');"
	       "INSERT INTO log VALUES(2, 'gadgets', 'g', 0), (3, 'bgppeers', 'z', 0)");
	list_text(st, kinds_all(), &t, NULL);
	assert_int_equal(t.n, 2);
	assert_memory_equal(t.text.at, "bgppeer/a=1 bgppeer/z=\xff\0 ", 25);
	t.n = 0;
	store_start(st, &op);
	assert_int_equal(t.n, 2);
	assert_string_equal(op.revision, "3");
	store_cancel(st, &op);
	buf_free(&t.text);
	store_close(st);
}

/* A disk that takes no more: words, the old state, and all is well once there is room. */
static int fill_disk(const struct world *w)
{
	struct rlimit room = { 300000, RLIM_INFINITY },
		      free_again = { RLIM_INFINITY, RLIM_INFINITY };
	auto_free char *big = mem_alloc(1 << 20);
	struct write x[] = {
		{.kind = PEER,	.name = "a",   .json = "2", .len = 1	   },
		{ .kind = PEER, .name = "big", .json = big, .len = 1 << 20}
	};
	struct told t = { 0 };
	struct err err = { 0 };
	struct store *st = store_open(w->url, STORE_CREATE, &err);

	memset(big, 'x', 1 << 20);
	signal(SIGXFSZ, SIG_IGN);
	put(st, PEER, "a", "1");
	if (setrlimit(RLIMIT_FSIZE, &room) < 0)
		return 1;
	if (write_many(st, x, 2, &err) || err.kind != ERR_AWAY || !strstr(err.words, w->path))
		return 2;
	if (x[0].result != WRITE_PENDING ||
	    !str_eq(list_text(st, kinds_all(), &t, NULL), "bgppeer/a=1 "))
		return 3;
	setrlimit(RLIMIT_FSIZE, &free_again);
	err = (struct err){ 0 };
	if (!write_many(st, x, 2, &err))
		return 4;
	list_text(st, kinds_all(), &t, NULL);
	buf_free(&t.text);
	store_close(st);
	return t.n == 2 ? 0 : 5;
}

static void full_disk(void **state)
{
	assert_int_equal(in_child(fill_disk, *state), 0);
}

/* What sqlite3 itself made of a store (a copy without WAL mode) is a store. */
static void copy_put_back(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct told t = { 0 };
	char sql[160], copy[128];

	put(st, PEER, "a", "1");
	store_close(st);
	snprintf(copy, sizeof copy, "%s.old", w->path);
	snprintf(sql, sizeof sql, "VACUUM INTO '%s'", copy);
	raw(w, sql);
	assert_int_equal(rename(copy, w->path), 0);
	st = open_store(w->url, 0);
	put(st, PEER, "b", "2");
	assert_string_equal(list_text(st, kinds_all(), &t, NULL), "bgppeer/a=1 bgppeer/b=2 ");
	mode_of(w->path, "-wal"); /* it is back in WAL mode */
	buf_free(&t.text);
	store_close(st);
}

/* Many changes leave a log of bounded length. */
static void log_is_trimmed(void **state)
{
	struct world *w = *state;
	struct store *st = open_store(w->url, STORE_CREATE);
	struct write *writes = mem_alloc(3 * STORE_LOG_KEEP * sizeof *writes);
	struct err err = { 0 };
	struct stat file;
	sqlite3_stmt *stmt;

	for (size_t i = 0; i < 3 * STORE_LOG_KEEP; i++)
		writes[i] = (struct write){ .kind = PEER, .name = "a", .json = "1", .len = 1 };
	assert_true(write_many(st, writes, 3 * STORE_LOG_KEEP, &err));
	put(st, PEER, "b", "1");
	assert_int_equal(sqlite3_prepare_v2(((struct sqlite *)st)->db,
					    "SELECT count(*), min(rev), max(rev) FROM log", -1,
					    &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(stmt, 0), STORE_LOG_KEEP);
	assert_int_equal(sqlite3_column_int(stmt, 1), 2 * STORE_LOG_KEEP + 2);
	assert_int_equal(sqlite3_column_int(stmt, 2), 3 * STORE_LOG_KEEP + 1);
	sqlite3_finalize(stmt);
	store_close(st);
	assert_int_equal(stat(w->path, &file), 0);
	assert_true(file.st_size < 3 << 20);
	free(writes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(not_a_file, "sqlite"),
		CASE(not_a_database, "sqlite"),
		CASE(empty_file, "sqlite"),
		CASE(somebody_elses_database, "sqlite"),
		CASE(newer_schema, "sqlite"),
		CASE(no_identity, "sqlite"),
		CASE(truncated, "sqlite"),
		CASE(folder_is_made, "sqlite"),
		CASE(permissions, "sqlite"),
		CASE(writers_lock, "sqlite"),
		CASE(exclusive_lock, "sqlite"),
		CASE(killed_writers, "sqlite"),
		CASE(four_writers, "sqlite"),
		CASE(commit_without_notify, "sqlite"),
		CASE(notify_file_lost, "sqlite"),
		CASE(replaced_file, "sqlite"),
		CASE(another_store_in_the_file, "sqlite"),
		CASE(strange_rows, "sqlite"),
		CASE(full_disk, "sqlite"),
		CASE(copy_put_back, "sqlite"),
		CASE(log_is_trimmed, "sqlite"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
