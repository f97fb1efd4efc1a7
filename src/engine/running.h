/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file, and the text that BIRD runs: found in the file or in the one beside it,
 * never remembered. From it comes what must stay as it is (decisions.md 8), and who disabled a
 * session (12).
 */
#pragma once

#include <sys/stat.h>

#include "engine/observer.h"
#include "render/conf.h"

#define RUNNING_FILES 2 /* the file, and the one beside it */

struct running {
	const char *path;          /* of the file; the caller's */
	struct conf *last;         /* what BIRD last accepted; NULL: not known */
	char last_id[17];
	struct arena arena;        /* of last */
	struct stat seen;	   /* of the file, as it was last read; zeros: there is none */
	bool ours;		   /* it is, or there is none */
	bool searched;             /* SEARCHED_ID is no text of the files that were SEARCHED_IN */
	char searched_id[40];
	struct stat searched_in[RUNNING_FILES];
	bool compared, right;	   /* with the text that is wanted, and what that said */
	/* Sorted names of sessions, as last looked at. */
	const char **by_hand;      /* a hand stopped them */
	const char **strangers;    /* BIRD has them, LAST has not */
	const char **enabled;      /* LAST has them as stopped, and they are up */
	size_t n_by_hand, n_strangers, n_enabled;
	struct arena names_arena;
	bool looked;               /* the names are of what BIRD shows, not of LAST alone */
	bool learned;		   /* LAST has become another one since */
	unsigned life, looks;	   /* of the observer, as they were then */
};

void running_open(struct running *r, const char *path);
void running_close(struct running *r);
/* The text behind RUNS (NULL: BIRD is down, it will start with the file); none when no file has it
 * unharmed. True when LAST has become another one. */
bool running_learn(struct running *r, const char *runs);
/* The next question looks for the text anew. */
void running_forget(struct running *r);
/* Makes the lists of names anew, once per look of the observer; true when they are others than before.
 * While BIRD is away they stay, and what nobody has looked at yet is as LAST says. */
bool running_look(struct running *r, const struct observer *o);

/* Was the file written by us, or is there none? It is read anew only when it has changed. */
bool running_file_ours(struct running *r);
/* Does the file say CONF, byte for byte? Read anew only when it or CONF has changed. */
bool running_file_right(struct running *r, const struct conf *conf);
void running_conf_changed(struct running *r);
/* --adopt: a file that is not ours is kept beside, as PATH.before-peerage, or .2, .3, ... behind that
 * where another text is kept already (decisions.md 6). The log names it. False when that cannot be
 * done: then the file must stay. */
bool running_keep_foreign(struct running *r, struct err *err) must_check;
