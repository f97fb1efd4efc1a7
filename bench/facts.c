/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts ADDRESSES LENGTH ROUTES: what a machine's many addresses (each with that prefix length) and
 * many routes that BIRD wrote cost the agent, in a network namespace of its own. Prints ms: the first
 * reading of all; one when an address has changed; a wake-up for something else.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/facts.h"
#include "engine/links.h"

#define ROUNDS 1000

static double now_ms(void);
static bool run(const char *format, long a, long b);
static bool wake(struct facts_source *s, struct links *l);

int main(int argc, char **argv)
{
	double began, first, changed, woken;
	struct facts_source *s;
	struct links *l;
	unsigned reads;

	if (argc != 4 || unshare(CLONE_NEWNET) < 0 ||
	    !run("ip link set lo up; ip link add eth0 type veth peer name eth1; ip link set eth0 up; "
		 "ip link set eth1 up; ip addr add 192.0.2.1/24 dev eth0",
		 0, 0) ||
	    !run("for i in $(seq 0 %ld); do echo addr add 10.$((i / 250)).$((i %% 250)).1/%ld dev eth0; "
		 "done | ip -batch -",
		 atol(argv[1]) - 1, atol(argv[2])) ||
	    !run("for i in $(seq 0 %ld); do echo route add 20.$((i / 65536)).$((i / 256 %% 256))."
		 "$((i %% 256))/32 via 192.0.2.2 proto bird; done | ip -batch -",
		 atol(argv[3]) - 1, 0)) {
		fprintf(stderr, "facts: ADDRESSES LENGTH ROUTES, by root\n");
		return 2;
	}
	l = links_open();
	began = now_ms();
	s = facts_open(NULL);
	wake(s, l);
	first = now_ms() - began;
	reads = facts_reads(s);
	run("ip addr add 192.0.2.9/32 dev eth0", 0, 0);
	do /* until it may read again */
		began = now_ms();
	while (!wake(s, l));
	changed = now_ms() - began;
	while (facts_reads(s) < reads + 2) /* the routes */
		wake(s, l);
	began = now_ms();
	for (int i = 0; i < ROUNDS; i++)
		wake(s, l);
	woken = (now_ms() - began) / ROUNDS;
	printf("%.3f %.3f %.5f\n", first, changed, woken);
	links_close(l);
	facts_close(s);
	return 0;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool run(const char *format, long a, long b)
{
	char command[512];

	snprintf(command, sizeof command, format, a, b);
	return system(command) == 0;
}

/* What the agent does each time; true when the facts have changed. */
static bool wake(struct facts_source *s, struct links *l)
{
	struct facts f = { 0 };
	bool changed = facts_run(s);

	facts_get(s, &f);
	links_see(l, facts_revision(s), f.onlink, f.n_onlink);
	return changed;
}
