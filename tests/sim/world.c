/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "render/conf.h"
#include "store/store.h"

#define START_MS    1000000
#define START_WALL  1785578400 /* 2026-08-01T10:00:00Z */
#define SPINS	    1000
#define CHILD_MS    3000 /* of real time, for `bird -p` */
#define HUNG_MS	    50	 /* for one that has used that up */
#define STORE_MS    1000
#define STATUS_NODE "n1"

struct status { /* as it is read from the store */
	struct world *w;
	const struct value *v;
	uint64_t version;
};

static void bind_anywhere(const struct world *w, const char *path);
static void clock_set(struct world *w, int64_t ms);
static bool children(void);
static void store_do(struct world *w, struct op *op);
static void take_entry(void *ctx, const struct entry *e);

void world_fail(const struct world *w, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s:%u: ", w->script, w->line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (at %.3f s, agent %s)\n", (double)(w->ms - START_MS) / 1000,
		w->agent ? agent_state(w->agent) : "away");
	exit(1);
}

void world_open(struct world *w, const char *script)
{
	static const char *const folders[] = { "/tmp/peerage-sim/etc", "/tmp/peerage-sim/run",
					       WORLD_SECRETS };
	auto_arena struct arena a = { 0 };
	struct conf *empty = conf_new(&a);
	struct store *store;
	struct err err = { 0 };

	*w = (struct world){ .script = script };
	if (mkdir("/tmp/peerage-sim", 0755) < 0 && errno != EEXIST)
		world_fail(w, "/tmp/peerage-sim: %s", strerror(errno));
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/tmp/peerage-sim", "tmpfs", 0, "size=1m") < 0)
		world_fail(w, "no namespace of its own: %s (is this root?)", strerror(errno));
	for (size_t i = 0; i < lengthof(folders); i++)
		if (mkdir(folders[i], 0755) < 0)
			world_fail(w, "%s: %s", folders[i], strerror(errno));
	/* The scripts' nodes have addresses without having set them on an interface. */
	bind_anywhere(w, "/proc/sys/net/ipv4/ip_nonlocal_bind");
	bind_anywhere(w, "/proc/sys/net/ipv6/ip_nonlocal_bind");
	clock_set(w, START_MS);
	w->options = (struct agent_options){ .store = "memory:" WORLD_STORE,
					     .node = STATUS_NODE,
					     .bird_socket = WORLD_SOCKET,
					     .bird_conf = WORLD_CONF,
					     .bird_program = "/tmp/peerage-sim/bird" };
	store = store_open(w->options.store, STORE_CREATE, &err);
	store_close(store);
	conf_open(empty, "base", "base", NULL);
	conf_line(empty, "router id 10.0.0.1;");
	conf_close(empty);
	conf_finish(empty, NULL);
	world_write(w, WORLD_CONF, empty->text.at);
	conf_free(empty);
	fake_init(&w->fake, WORLD_SOCKET, WORLD_CONF);
	fake_start(&w->fake);
}

void world_close(struct world *w)
{
	agent_close(w->agent);
	w->agent = NULL;
	fake_free(&w->fake);
	arena_free(&w->arena);
}

void world_time(struct world *w, int64_t ms)
{
	int64_t until = w->ms + ms;

	for (unsigned spins = 0;; spins++) {
		struct poll p = { 0 };
		int ready;

		if (w->agent) {
			agent_run(w->agent);
			w->runs++;
		}
		fake_run(&w->fake);
		if (w->agent) /* a hook of BIRD may have killed it */
			agent_wait(w->agent, &p);
		fake_wait(&w->fake, &p);
		if (spins == SPINS)
			world_fail(w, "the agent spins: %zu fds, deadline %d ms", p.n,
				   p.timed ? (int)(p.deadline - w->ms) : -1);
		ready = poll(p.fds, p.n, 0);
		if (ready > 0 || (p.timed && p.deadline <= w->ms))
			continue;
		if (children()) {
			if (poll(p.fds, p.n, w->hung ? HUNG_MS : CHILD_MS) > 0)
				continue;
			w->hung = true;
		}
		if (w->ms == until)
			return;
		clock_set(w, p.timed ? MIN(p.deadline, until) : until);
		spins = 0;
	}
}

void world_agent_start(struct world *w)
{
	struct err err = { 0 };

	if (w->agent)
		world_fail(w, "there is an agent already");
	w->agent = agent_open(&w->options, &err);
	if (!w->agent)
		world_fail(w, "agent: %s", err.words);
}

void world_agent_stop(struct world *w)
{
	agent_close(w->agent);
	w->agent = NULL;
}

void world_agent_kill(struct world *w)
{
	static const char *const suffixes[] = { "", ".last", ".candidate" };

	for (size_t i = 0; i < lengthof(suffixes); i++) {
		char path[64], aside[64];

		snprintf(path, sizeof path, WORLD_CONF "%s", suffixes[i]);
		snprintf(aside, sizeof aside, "/tmp/peerage-sim/aside%zu", i);
		(void)link(path, aside);
	}
	world_agent_stop(w);
	for (size_t i = 0; i < lengthof(suffixes); i++) {
		char path[64], aside[64];

		snprintf(path, sizeof path, WORLD_CONF "%s", suffixes[i]);
		snprintf(aside, sizeof aside, "/tmp/peerage-sim/aside%zu", i);
		unlink(path);
		(void)rename(aside, path);
	}
}

void world_put(struct world *w, const char *kind, const char *name, const char *json)
{
	struct write write = { .kind = kind_find(kind),
			       .name = name,
			       .json = json,
			       .len = json ? strlen(json) : 0,
			       .expect = EXPECT_ANY };
	struct op op = { .type = OP_WRITE, .writes = &write, .n_writes = 1 };

	if (!write.kind)
		world_fail(w, "there is no kind %s", kind);
	store_do(w, &op);
	store_cancel(NULL, &op);
}

const struct value *world_status(struct world *w, uint64_t *ret_version)
{
	struct status got = { .w = w };
	struct op op = { .type = OP_GET,
			 .kind = kind_find("NodeStatus"),
			 .name = STATUS_NODE,
			 .entry = take_entry,
			 .ctx = &got };

	store_do(w, &op);
	store_cancel(NULL, &op);
	if (ret_version)
		*ret_version = got.version;
	return value_get(got.v, "status");
}

const char *world_file(struct world *w, const char *path)
{
	struct err err = { 0 };
	size_t len;

	return file_read(path, 1u << 20, &w->arena, &len, &err);
}

void world_write(struct world *w, const char *path, const char *text)
{
	struct err err = { 0 };

	if (!file_write(path, text, strlen(text), 0640, (gid_t)-1, &err))
		world_fail(w, "%s", err.words);
}

static void bind_anywhere(const struct world *w, const char *path)
{
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1\n", 2) != 2)
		world_fail(w, "%s: %s", path, strerror(errno));
}

static void clock_set(struct world *w, int64_t ms)
{
	w->ms = ms;
	clock_fake(ms, START_WALL + (ms - START_MS) / 1000 + w->jump);
}

/* Are there child processes, who live in real time? */
static bool children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void store_do(struct world *w, struct op *op)
{
	struct err err = { 0 };
	struct store *store = store_open(w->options.store, 0, &err);

	if (!store)
		world_fail(w, "store: %s", err.words);
	if (!store_finish(store, op, STORE_MS, &err) && err.kind != ERR_NOT_FOUND)
		world_fail(w, "store: %s", err.words);
	store_close(store);
}

static void take_entry(void *ctx, const struct entry *e)
{
	struct status *got = ctx;
	struct diags d = { .arena = &got->w->arena };

	if (!e->json)
		return;
	got->v = json_parse(e->json, e->len, &got->w->arena, &d);
	got->version = strtoull(e->version, NULL, 10);
}
