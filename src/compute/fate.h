/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a session, and why: "why is this session not in BIRD?" is answered by fate_of() and
 * nothing else (decisions.md 43). Only a person stops a session; a mistake keeps what runs, and starts
 * nothing. Rendering obeys the answer; status, plan and log say it in the words below.
 */
#pragma once

#include "base/base.h"

enum fate_kind {
	FATE_RUNS,    /* as it is planned */
	FATE_KEEPS,   /* the text that BIRD last accepted for it */
	FATE_STOPPED, /* by a person: it does not run, and comes back when that person says so */
	FATE_ABSENT,  /* BIRD has no block for it */
	FATE_KINDS
};
extern const char *const fate_names[FATE_KINDS + 1]; /* "runs", "keeps", "stopped", "absent" */

enum fate_reason { /* why it does not simply run as planned */
		   FATE_AS_PLANNED,
		   FATE_NOT_ASKED, /* no resource asks for it */
		   FATE_BROKEN,	   /* a resource it rests on does not decode */
		   FATE_FAULTY,	  /* its text cannot be made now: a secret or a filter is missing */
		   FATE_REFUSED,  /* BIRD refuses its text */
		   FATE_BY_HAND,  /* a hand on the node disabled it */
		   FATE_BY_FIELD, /* a field of its resource says so */
		   FATE_REASONS
};
extern const char *const fate_reasons[FATE_REASONS + 1]; /* in words; "" for as planned */

enum fate_text { FATE_TEXT_NONE, FATE_TEXT_PLANNED, FATE_TEXT_ACCEPTED };

/* What is known of one session. */
struct fate_facts {
	bool asked;    /* a valid resource asks for it */
	bool broken;   /* it came from a resource, or goes to a Node, that does not decode */
	bool faulty;   /* its text cannot be made now */
	bool refused;  /* BIRD refuses the text that was made */
	bool accepted; /* there is a text that BIRD accepted for it */
	bool accepted_stopped; /* ... which says `disabled;` */
	bool accepted_refused; /* ... which BIRD refuses by now */
	bool less;	       /* ... which has less protection than is asked now */
	bool up;	       /* it runs though that text says `disabled;`: a hand enabled it */
	bool lost;	       /* BIRD has the session, and no file has its text */
	bool by_hand;	       /* a hand on the node disabled it */
	bool by_field;	       /* a field of its resource says that it must not run */
};

struct fate {
	enum fate_kind kind;
	enum fate_reason reason;
	enum fate_text
		text; /* NONE though it keeps: no file has the text, so all of the node must stay */
	bool less;    /* what is kept has less protection than is asked (LESS_THAN_ASKED) */
};

struct fate fate_of(const struct fate_facts *f);

/* ---- what a resource asks for its protection, by name (decisions.md 43) ----
 *
 * "secret:bgp/rr,filter:a,filter:b": one word, which stands in the file with the text of the session.
 * By name and not by value: a text accepted with an earlier value of that Secret has what is asked. */

/* Does a text that was accepted with ACCEPTED have less than is ASKED: another secret than the one
 * asked for, or not all filters in their order? */
bool asks_less(const char *accepted, const char *asked);
