/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent does next, and what it says of itself: a pure function of what was observed, what is
 * wanted, and the little that must be remembered. Whatever is in doubt (no complete store, another
 * store, no Node, a configuration that is not ours) holds: what runs stays, and the status says why.
 */
#pragma once

#include "base/base.h"

enum agent_state {
	STATE_SAME, /* what it was */
	STATE_STARTING,
	STATE_APPLYING,
	STATE_APPLIED,
	STATE_HELD,
	STATE_REFUSED,
	STATE_FAILED,
	STATE_NOT_OURS,
	STATE_BIRD_DOWN,
	STATE_COUNT
};
extern const char *const agent_state_names[STATE_COUNT + 1]; /* "Applied", ... */

enum action {
	ACTION_WAIT,
	ACTION_CONFIRM, /* the configuration that an earlier life of this program left unconfirmed */
	ACTION_APPLY,   /* give BIRD the text */
	ACTION_CHECK,   /* ask whether BIRD would take it */
	ACTION_INSTALL, /* BIRD is away: check the text with `bird -p` and make it the file */
	ACTION_CHECK_OFFLINE, /* BIRD is away: ask `bird -p` whether it would take it */
	ACTION_SETTLED, /* nothing: BIRD runs what is wanted */
	ACTION_COUNT
};
extern const char *const action_names[ACTION_COUNT + 1];

struct observed { /* now */
	bool ready;          /* a complete store, and what an earlier life of the agent said */
	bool changing;       /* a change is under way; it has the word */
	bool asked;          /* BIRD has answered since the last change */
	const char *away;    /* why BIRD cannot be asked; NULL: it can, or has not been tried yet */
	bool running;        /* AWAY: something listens at its socket */
	const char *runs;    /* the id of the text of ours that BIRD runs; NULL: not ours */
	bool unconfirmed;    /* ... and waits for its confirmation */
	bool control_free;   /* BIRD can be asked by the one who changes it */
	bool file_ours;      /* the file is ours, or there is none */
	bool file_right;     /* ... and says what is wanted, byte for byte */
	bool enabled;        /* BIRD runs a session that the text stops */
	const char *store;   /* identity; NULL: not known */
};

struct wanted {
	bool planned;        /* there is a plan, of what is known now */
	const char *unknown; /* why nothing is known of this node; NULL: all is */
	const char *id;      /* of the text; NULL without one */
	const char *lost;    /* a session that must stay, and no file has its text; NULL */
	const char *template_trouble; /* NULL: none, or there is none */
	bool template_missing; /* there was never a good one */
	bool searching;      /* it is not settled yet what BIRD refuses: ask, do not change */
};

struct memory {
	const char *conf;        /* path of the file */
	const char *store;       /* whose plan was last applied; "": none */
	bool accept_store;       /* another one is fine */
	bool adopt;              /* a configuration that is not ours may be taken over */
	const char *refused_id;  /* BIRD refused this text, and nobody could be set aside for it */
	const char *refused_words; /* ... with these words */
	bool refused_due;        /* ... which is asked again now */
	const char *failed_id;   /* this one could not be put in force, for other reasons */
	bool failed_waits;       /* ... and is not tried again yet */
	const char *checked_id;  /* `bird -p` took this one since BIRD went away */
};

struct decision {
	enum action action;
	enum agent_state state;
	bool keep_foreign;  /* before ACTION: what is not ours is kept beside */
	char message[500];  /* about the state, for people; "" */
};

void decide(const struct observed *o, const struct wanted *w, const struct memory *m,
	    struct decision *ret);
