/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent of one node: store -> snapshot -> plan -> text -> BIRD, and sessions -> status -> store.
 * Run, then wait; it compares values and remembers as little as it can, so lost, doubled and
 * reordered events do not matter. Its absence is harmless: before it has seen a complete store, or
 * without one, it touches nothing.
 */
#pragma once

#include "base/err.h"
#include "base/poll.h"

struct agent;

struct agent_options {
	const char *store;            /* URL */
	const char *node;
	const char *bird_socket, *bird_conf, *bird_program;
	const char *bird_include;     /* NULL: none */
	const char *secrets_dir;      /* NULL: none */
	const char *session_template; /* file; NULL: none */
	const char *router_id;        /* CALICO_ROUTER_ID; NULL */
	bool adopt;                   /* take over a configuration that is not ours, once */
	bool accept_store;            /* take a store with another identity, once */
};

/* Takes the lock beside the configuration file: one agent per file (ERR_CONFLICT). The options'
 * strings must outlive the agent. */
struct agent *agent_open(const struct agent_options *options, struct err *err);
/* BIRD goes on with what it runs. */
void agent_close(struct agent *ag);
/* One round; never waits. What it wants to be woken for is agent_wait()'s. */
void agent_run(struct agent *ag);
void agent_wait(struct agent *ag, struct poll *p);
/* The signals: read what the operator wrote again; accept the store that is there now. */
void agent_reload(struct agent *ag);
void agent_accept_store(struct agent *ag);
/* Logs what is observed, wanted and remembered, and why the decision comes out as it does; no
 * passwords. */
void agent_explain(struct agent *ag);
/* "Applied", "Held", ...: a word that lives as long as the program. */
const char *agent_state(const struct agent *ag);
