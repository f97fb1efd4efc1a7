/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define NO_GROUP ((gid_t)-1)

/* Every case starts in an empty folder of its own. */
static int enter(void **state)
{
	char folder[] = "/tmp/peerage-file-XXXXXX";

	if (!mkdtemp(folder) || chdir(folder) < 0)
		return -1;
	*state = mem_str(folder);
	return 0;
}

static int leave(void **state)
{
	auto_free char *folder = *state;
	struct dirent *e;
	DIR *dir = opendir(".");

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.' && unlink(e->d_name) < 0)
			rmdir(e->d_name);
	if (dir)
		closedir(dir);
	return chdir("/") < 0 || rmdir(folder) < 0 ? -1 : 0;
}

static unsigned count_files(void)
{
	unsigned n = 0;
	struct dirent *e;
	DIR *dir = opendir(".");

	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void put(const char *path, const char *text, size_t len)
{
	struct err err = { 0 };

	assert_true(file_write(path, text, len, 0600, NO_GROUP, &err));
}

static void check_content(const char *path, const char *expected)
{
	auto_arena struct arena a = { 0 };
	struct err err = { 0 };
	size_t len = 99;
	const char *text = file_read(path, 1 << 20, &a, &len, &err);

	assert_non_null(text);
	assert_string_equal(text, expected);
	assert_int_equal(len, strlen(expected));
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_read(void **state)
{
	/* clang-format off */
	static const struct {
		const char *path;
		size_t max;
		enum err_kind kind;
		size_t len;
	} rows[] = {
		{ "ten",      10,   ERR_NONE,      10 },
		{ "ten",      9,    ERR_INVALID,   0 },
		{ "ten",      0,    ERR_INVALID,   0 },
		{ "empty",    0,    ERR_NONE,      0 },
		{ "nul",      10,   ERR_NONE,      3 },
		{ "big",      200000, ERR_NONE,    200000 },
		{ "big",      199999, ERR_INVALID, 0 },
		{ "/dev/null", 10,  ERR_NONE,      0 },
		{ "/dev/zero", 1000, ERR_INVALID,  0 },     /* says no size, has no end */
		{ "missing",  10,   ERR_NOT_FOUND, 0 },
		{ "no/such",  10,   ERR_NOT_FOUND, 0 },
		{ ".",        10,   ERR_USAGE,     0 },
		{ "fifo",     10,   ERR_NONE,      0 },     /* nobody writes: does not hang */
	};
	/* clang-format on */
	auto_free char *big = mem_alloc(200000);

	(void)state;
	put("ten", "0123456789", 10);
	put("empty", "", 0);
	put("nul", "a\0b", 3);
	put("big", memset(big, 'x', 200000), 200000);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	for (size_t i = 0; i < lengthof(rows); i++) {
		auto_arena struct arena a = { 0 };
		struct err err = { 0 };
		size_t len = 0;
		const char *text = file_read(rows[i].path, rows[i].max, &a, &len, &err);

		if (err.kind != rows[i].kind || !text != (err.kind != ERR_NONE))
			fail_msg("%s, %zu: %d %s", rows[i].path, rows[i].max, err.kind, err.words);
		if (!text) {
			assert_non_null(strstr(err.words, rows[i].path));
			continue;
		}
		assert_int_equal(len, rows[i].len);
		assert_int_equal(text[len], '\0');
	}
}

/* A shell's <(command): the writer is slower than we are. */
static void test_read_pipe(void **state)
{
	auto_arena struct arena a = { 0 };
	struct err err = { 0 };
	const char *text;
	char path[32];
	int ends[2];
	size_t len;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		usleep(30000); /* the slowness is the case */
		_exit(write(ends[1], "late", 4) == 4 ? 0 : 1);
	}
	close(ends[1]);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	text = file_read(path, 100, &a, &len, &err);
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (!text)
		fail_msg("%s", err.words);
	assert_string_equal(text, "late");
}

static void test_read_stdin(void **state)
{
	auto_close int kept = dup(STDIN_FILENO);
	int fd;

	(void)state;
	put("in", "from stdin", 10);
	fd = open("in", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	close(fd);
	check_content("-", "from stdin");
	if (kept >= 0)
		assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
	else
		close(STDIN_FILENO);
}

static void test_replace(void **state)
{
	struct err err = { 0 };
	struct stat before, after;
	const mode_t old = umask(0077); /* the mode asked for is the one it gets */

	(void)state;
	assert_true(file_replace("conf", "one\n", 4, 0640, NO_GROUP, &err));
	check_content("conf", "one\n");
	assert_int_equal(mode_of("conf"), 0640);
	assert_int_equal(stat("conf", &before), 0);
	assert_true(file_replace("conf", "two", 3, 0600, getgid(), &err));
	umask(old);
	check_content("conf", "two");
	assert_int_equal(mode_of("conf"), 0600);
	assert_int_equal(stat("conf", &after), 0);
	assert_int_not_equal(before.st_ino,
			     after.st_ino); /* another file, not the old one changed */
	assert_true(file_replace("./conf", "", 0, 0600, NO_GROUP, &err));
	check_content("conf", "");
	assert_int_equal(count_files(), 1);
}

static void test_replace_fails(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_false(file_replace("no/such", "x", 1, 0600, NO_GROUP, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(mkdir("folder", 0700), 0);
	put("folder/kept", "x", 1);
	assert_false(
		file_replace("folder", "x", 1, 0600, NO_GROUP, &err)); /* cannot be renamed over */
	assert_int_equal(err.kind, ERR_AWAY);
	assert_non_null(strstr(err.words, "folder"));
	assert_int_equal(count_files(), 1); /* nothing is left behind */
	check_content("folder/kept", "x");
	unlink("folder/kept");
}

static void test_write(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_true(file_write("note", "long text", 9, 0640, NO_GROUP, &err));
	assert_true(file_write("note", "short", 5, 0644, NO_GROUP, &err));
	check_content("note", "short");
	assert_int_equal(mode_of("note"), 0644);
	assert_false(file_write("no/such", "x", 1, 0600, NO_GROUP, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(symlink("note", "link"), 0);
	assert_false(file_write("link", "x", 1, 0600, NO_GROUP, &err)); /* links are not followed */
	check_content("note", "short");
}

static void test_lock(void **state)
{
	struct err err = { 0 };
	int fd, other;

	(void)state;
	fd = file_lock("lock", &err);
	assert_true(fd >= 0);
	assert_int_equal(mode_of("lock") & 0137, 0);
	other = file_lock("lock", &err); /* another description is as good as another process */
	assert_int_equal(other, -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_non_null(strstr(err.words, "lock"));
	close(fd);
	fd = file_lock("lock", &err);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_lock("no/such", &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void test_group(void **state)
{
	(void)state;
	assert_int_equal(file_group("root"), 0);
	assert_int_equal(file_group("no such group"), NO_GROUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, enter, leave),
		cmocka_unit_test_setup_teardown(test_read_pipe, enter, leave),
		cmocka_unit_test_setup_teardown(test_read_stdin, enter, leave),
		cmocka_unit_test_setup_teardown(test_replace, enter, leave),
		cmocka_unit_test_setup_teardown(test_replace_fails, enter, leave),
		cmocka_unit_test_setup_teardown(test_write, enter, leave),
		cmocka_unit_test_setup_teardown(test_lock, enter, leave),
		cmocka_unit_test(test_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
