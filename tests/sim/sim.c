/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays the scripts of a folder (or the one that is named), each in a process of its own, and says
 * in TAP how they ended:
 *   sim tests/sim [NAME]
 * What the agent logs is shown when a script fails, and always with SIM_LOG=debug.
 */
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "script.h"

#define SCRIPT_MAX (1u << 20)
#define REAL_S	   60 /* a script that takes longer hangs */

static void play(const char *path) __attribute__((noreturn));
static void show(int log);

int main(int argc, char **argv)
{
	auto_free char *pattern = NULL;
	bool failed = false;
	glob_t found;

	if (argc < 2 || asprintf(&pattern, "%s/%s.sim", argv[1], argc > 2 ? argv[2] : "*") < 0 ||
	    glob(pattern, 0, NULL, &found) != 0) {
		fprintf(stderr, "usage: sim FOLDER [NAME]\n");
		return 2;
	}
	printf("TAP version 13\n1..%zu\n", found.gl_pathc);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		int status, log = memfd_create("log", MFD_CLOEXEC);
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0 && dup2(log, STDERR_FILENO) >= 0)
			play(path);
		if (pid <= 0 || waitpid(pid, &status, 0) < 0)
			abort();
		if (status || getenv("SIM_LOG"))
			show(log);
		close(log);
		printf("%sok %zu - %s\n", status ? "not " : "", i + 1, strrchr(path, '/') + 1);
		if (WIFSIGNALED(status))
			printf("# ended by signal %d\n", WTERMSIG(status));
		failed |= status != 0;
	}
	globfree(&found);
	return failed;
}

static void play(const char *path)
{
	const char *level = getenv("SIM_LOG");
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct world w;
	const char *text;
	size_t len;

	alarm(REAL_S);
	signal(SIGPIPE, SIG_IGN);
	log_open(level ? (enum log_level)name_find(log_level_names, level, LOG_DEBUG) : LOG_INFO,
		 false);
	text = file_read(path, SCRIPT_MAX, &arena, &len, &err);
	if (!text) {
		fprintf(stderr, "%s\n", err.words);
		exit(1);
	}
	world_open(&w, path);
	script_play(&w, text);
	if (w.fake.overlapped)
		world_fail(&w, "BIRD was configured during another reconfiguration");
	if (w.fake.hooks)
		world_fail(&w, "BIRD was not asked `%s`", w.fake.hooks->command);
	world_close(&w);
	arena_free(&arena);
	exit(0);
}

static void show(int log)
{
	char part[4096];
	ssize_t n;

	for (off_t at = 0; (n = pread(log, part, sizeof part, at)) > 0; at += n)
		if (write(STDERR_FILENO, part, (size_t)n) < 0)
			return;
}
