/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script is a story in steps, one per line; see README.md beside the scripts for the words. Lines
 * that begin with a tab belong to the step before them. After each step everybody runs until all
 * wait; time only moves with `time`.
 */
#pragma once

#include "world.h"

/* Plays all of it, or ends the process with what went wrong. */
void script_play(struct world *w, const char *text);
/* One step; CTX is the world. */
void script_step(void *ctx, const char *step);
/* The next word of *AT, "" at the end; *AT moves behind it. */
char *script_word(char **at);

/* expect.c */
void expect_step(struct world *w, char *args);
void expect_mark(struct world *w, char *args);
