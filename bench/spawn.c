/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts programs for the bench, because a Python parent puts a floor under a child's peak memory
 * and a fork of it takes long.
 *
 *   spawn run N PROGRAM [ARG...]           N runs one after the other, a line for each:
 *                                          wall ms, CPU ms, peak KiB, exit code
 *   spawn enter NETNS PROGRAM [ARG...]     in that network namespace; prints CLOCK_MONOTONIC in ns,
 *                                          then becomes the program; dies with its parent
 *   spawn syslog PATH                      takes what is sent to the datagram socket PATH, so that a
 *                                          BIRD does not log to the console of a machine without a
 *                                          syslog, which may be a serial line of 1 ms a line
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int run(long rounds, char **argv);
static int enter(const char *netns, char **argv);
static int take_syslog(const char *path);
static double now_ms(void);
static int failed(const char *what, int number);

int main(int argc, char **argv)
{
	if (argc >= 4 && strcmp(argv[1], "run") == 0)
		return run(strtol(argv[2], NULL, 10), argv + 3);
	if (argc >= 4 && strcmp(argv[1], "enter") == 0)
		return enter(argv[2], argv + 3);
	if (argc == 3 && strcmp(argv[1], "syslog") == 0)
		return take_syslog(argv[2]);
	fputs("usage: spawn run N PROGRAM [ARG...] | spawn enter NETNS PROGRAM [ARG...] | spawn syslog PATH\n",
	      stderr);
	return 2;
}

static int run(long rounds, char **argv)
{
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (long i = 0; i < rounds; i++) {
		double began = now_ms(), cpu;
		struct rusage used;
		int status, error;
		pid_t pid;

		error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
		if (error)
			return failed(argv[0], error);
		if (wait4(pid, &status, 0, &used) < 0)
			return failed("wait4", errno);
		cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
		      (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
		printf("%.3f %.3f %ld %d\n", now_ms() - began, cpu, used.ru_maxrss,
		       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
	return 0;
}

static int enter(const char *netns, char **argv)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);
	struct timespec t;

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		return failed(netns, errno);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	clock_gettime(CLOCK_MONOTONIC, &t);
	printf("%jd\n", (intmax_t)t.tv_sec * 1000000000 + t.tv_nsec);
	fflush(stdout);
	execvp(argv[0], argv);
	return failed(argv[0], errno);
}

static int take_syslog(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char line[8192];

	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		return failed(path, errno);
	while (recv(fd, line, sizeof line, 0) >= 0)
		;
	return failed(path, errno);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int failed(const char *what, int number)
{
	fprintf(stderr, "spawn: %s: %s\n", what, strerror(number));
	return 127;
}
