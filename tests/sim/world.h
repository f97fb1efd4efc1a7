/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One simulated machine: the real agent, a store in memory, a fake BIRD, a clock that only moves
 * when everybody waits for it, a file system of its own (a tmpfs that can be full or read-only) and
 * a network namespace of its own.
 */
#pragma once

#include "base/arena.h"
#include "engine/agent.h"
#include "fake_bird.h"

struct value;

#define WORLD_CONF    "/tmp/peerage-sim/etc/bird.conf"
#define WORLD_SOCKET  "/tmp/peerage-sim/run/bird.ctl"
#define WORLD_SECRETS "/tmp/peerage-sim/secrets"
#define WORLD_STORE   "sim"

struct world {
	const char *script;
	unsigned line;
	struct agent *agent;
	struct agent_options options;
	struct fake fake;
	int64_t ms, jump; /* the clock; how far wall time was set forward */
	unsigned runs;	  /* of the agent */
	bool hung;	  /* `bird -p` is hardly waited for any more */
	struct arena arena;
	/* since the last `mark` */
	unsigned marked_runs, marked_checks, marked_configures, marked_route_questions;
	off_t marked_log; /* of stderr, where the agent logs to: a file */
	uint64_t marked_writes;
	struct marked {
		const char *name;
		int64_t since;
	} *marked;
	size_t n_marked;
};

/* Prints the place in the script and why, and ends the process. */
void world_fail(const struct world *w, const char *format, ...) printf_like(2, 3)
	__attribute__((noreturn));

/* Makes it, without an agent; BIRD runs a configuration of ours that has no session. */
void world_open(struct world *w, const char *script);
void world_close(struct world *w);
/* Everybody runs until all wait, for MS milliseconds of the clock. */
void world_time(struct world *w, int64_t ms);

void world_agent_start(struct world *w);
void world_agent_stop(struct world *w);
/* As by kill -9: the files stay as they are. */
void world_agent_kill(struct world *w);

/* JSON NULL: deletes. */
void world_put(struct world *w, const char *kind, const char *name, const char *json);
/* The status of the node, in W's arena; NULL when there is none. *RET_VERSION: how often it has
 * been written. */
const struct value *world_status(struct world *w, uint64_t *ret_version);
/* All of a file; NULL when it is not there. */
const char *world_file(struct world *w, const char *path);
void world_write(struct world *w, const char *path, const char *text);
