/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One change of configuration, from text to a confirmed one, against a live BIRD (bird2.md 4):
 * candidate file, `configure check`, wait until no other reconfiguration is under way, see that no hand
 * has stopped a session since the text was made (BIRD would start it), rename over
 * the real file (the last good one stays beside it as PATH.last), `configure timeout 60`, poll to
 * 0003, read back the id and the names, `configure confirm`. Whatever happens before the
 * confirmation, the last good file is put back and BIRD undoes itself. Session states play no part.
 *
 * Nobody but this writes the file.
 */
#pragma once

#include <sys/types.h>

#include "bird/bird.h"
#include "render/conf.h"

struct apply;

enum apply_outcome {
	APPLY_NONE,    /* nothing has ended since the last question */
	APPLY_DONE,    /* BIRD runs the text, confirmed */
	APPLY_CHECKED, /* offline: checked and installed, BIRD will read it when it starts */
	APPLY_PASSED,  /* a check alone: BIRD would take the text. Nothing was changed */
	APPLY_REFUSED, /* BIRD does not take the text: see apply_place(). Nothing was changed */
	APPLY_OVERTAKEN, /* a hand stopped or enabled a session just now, and the text does not know
	                  * of it. Nothing was changed */
	APPLY_FAILED,  /* something else went wrong; what ran before runs again. Worth another try */
};

struct apply *apply_open(const char *path, const char *bird_program, struct bird *control);
void apply_close(struct apply *ap);

/* Is nothing under way? */
bool apply_idle(const struct apply *ap);
/* Begins; only while idle. CONF, and what BIRD RUNS (NULL: not known), must live until the outcome. */
void apply_start(struct apply *ap, const struct conf *conf, const struct conf *runs);
/* The same with BIRD down: `bird -p` checks, the file is installed. */
void apply_start_offline(struct apply *ap, const struct conf *conf);
/* Only asks whether BIRD would take CONF: of BIRD itself, or OFFLINE of `bird -p`. */
void apply_check(struct apply *ap, const struct conf *conf, bool offline);
/* Goes on with what was begun: reads BIRD's answer and asks the next question. A lost connection or a
 * deadline that has passed ends it with APPLY_FAILED. */
void apply_run(struct apply *ap);
void apply_wait(struct apply *ap, struct poll *p);
/* How the last one ended. Each end is told once; then it is APPLY_NONE until the next. */
enum apply_outcome apply_outcome(struct apply *ap);
/* Where and why BIRD refused; the file may be one that the operator wrote and ours includes. */
const struct reply_place *apply_place(const struct apply *ap);
bool apply_place_is_ours(const struct apply *ap); /* the place is in our text */
/* BIRD's words with the place they are about and its text, where somebody wrote that: a line of the
 * session template, or FILE:LINE of the operator's own. Never a line with a password. In A. */
const char *apply_quoted(const struct apply *ap, struct arena *a);
/* Was what has ended a check alone? */
bool apply_was_check(const struct apply *ap);
/* Why it failed, or what BIRD said against it, in words. */
const char *apply_words(const struct apply *ap);

/* BIRD says that a configuration waits for its confirmation (we died before giving it) and it is the
 * one we want: gives it. Only while idle. */
void apply_confirm(struct apply *ap);
