/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of a running BIRD: one question at a time, deadlines, reconnect. Knows nothing
 * of resources. Run and wait as all of them.
 */
#pragma once

#include "base/err.h"
#include "base/poll.h"
#include "bird/reply.h"

struct bird;

#define BIRD_COMMAND_MAX 4000 /* bytes of one command; BIRD resets the connection above 4095 */

/* Does not connect yet: bird_run() does, and again with backoff (100 ms doubling to 5 s). */
struct bird *bird_open(const char *socket_path);
void bird_close(struct bird *b);
void bird_run(struct bird *b);
void bird_wait(struct bird *b, struct poll *p);

bool bird_connected(const struct bird *b);  /* greeting seen */
/* Grows with every new connection, so that callers notice a BIRD that was replaced. */
unsigned bird_connection(const struct bird *b);
const char *bird_version(const struct bird *b); /* "2.0.12" of the greeting; NULL */
/* NULL while connected and before the first attempt has ended, else why not ("/run/bird/bird.ctl: Connection refused"). */
const char *bird_trouble(const struct bird *b);

/* Did anything take the last connection? False: nobody runs there, or nothing was tried yet. */
bool bird_listens(const struct bird *b);

/* Where nobody was there the last time: is there somebody now, who may be about to greet? Does not wait
 * for the next attempt. */
bool bird_knock(struct bird *b);

/* May a question be asked? Not before bird_answer() or bird_lost() has told of the last one. */
bool bird_idle(const struct bird *b);
/* Asks; only while idle. The answer must end within TIMEOUT_MS, else the connection is closed. A
 * COMMAND that is too long or holds a control character is lost at once. */
void bird_ask(struct bird *b, const char *command, int64_t timeout_ms);
/* The same, of which no more than MAX_LINES are wanted: what goes on ends there, and the connection
 * with it (which makes BIRD stop, too). */
void bird_ask_some(struct bird *b, const char *command, int64_t timeout_ms, size_t max_lines);
/* The answer when it is complete, once; it lives until the next bird_ask(). NULL while it is not
 * there. */
const struct reply *bird_answer(struct bird *b);
/* Gives back the memory of the answer before that: one about 1,000 sessions has 4 MB. */
void bird_forget(struct bird *b);
/* Was a question lost (connection closed, deadline)? True once per question. */
bool bird_lost(struct bird *b);
/* The next aside (a line of `echo all`, cleaned), NULL when there is none; lives until the next
 * bird_aside(). At most 2048 are kept, the oldest go first: then, as when BIRD itself could not keep
 * them, "<12 messages lost>" stands for them. */
const char *bird_aside(struct bird *b);
