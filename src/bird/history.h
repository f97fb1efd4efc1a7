/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of one session beyond what BIRD tells: why it is not up, why it was not before,
 * and how often it left Established. BIRD has one `Last error`, which the next attempt overwrites,
 * and no counter. Pure: history_note() takes one event and the time, and knows nothing else.
 *
 * Which words count (decisions.md 50):
 *   - words that ended an Established session count until anything newer is seen;
 *   - words that keep it from coming up (AS, router id, capability) stand over those of TCP, which
 *     change with every attempt, until OpenConfirm or until three attempts end without them;
 *   - of the same weight the newest count; an attempt that ends in silence is newer, too;
 *   - a cause that passes by itself counts for one hold time.
 */
#pragma once

#include "bird/session.h"

#define HISTORY_WORDS_MAX   95  /* bytes of BIRD's words; the longest that it has are half of that */
#define HISTORY_MESSAGE_MAX 255 /* of the message with a shutdown (RFC 9003) */

struct history_cause {
	char words[HISTORY_WORDS_MAX + 1]; /* "Socket: Connection refused"; "": none, or silence */
	char message[HISTORY_MESSAGE_MAX + 1]; /* of the remote's operator; "" */
	enum cause_class class; /* of the words */
	bool silent;  /* attempts end without a word: the state tells the cause */
	bool ended;   /* it took down a session that was Established */
	int64_t seen; /* clock_ms() of the last time; in another life: as if it were this one's */
	int64_t at;   /* the same by the wall clock, UTC */
};

struct history {
	char name[65];
	enum session_state state;
	struct history_cause now;    /* why it is not Established */
	struct history_cause before; /* what counted before that */
	uint32_t flaps;       /* times it left Established */
	bool flaps_at_least;  /* there may have been more: BIRD was not heard all the time */
	int64_t since;        /* of the state: wall clock, UTC; 0: unknown */
	int64_t began;        /* the same by clock_ms(), which nobody sets; 0: in another life */
	int64_t stamp;        /* the same by BIRD's clock, in ms; 0: unknown */
	unsigned look;        /* the last look that saw it */
	bool unwanted;        /* BIRD is not to run it any more */

	/* how the next event is to be read */
	bool up;              /* Established, by the last event of any kind */
	bool recalled;        /* from an earlier life, and not seen in this one */
	bool owed;            /* a flap was seen by looking; BIRD's own word of it may still come */
	bool untold;          /* the same of any change of state */
	unsigned heard;       /* changes of state that BIRD told since the last look */
	char last_error[HISTORY_WORDS_MAX + 1]; /* at the last look */
	uint32_t message_id;  /* of BIRD's message then; 0: none */
	int64_t looked;       /* the last look at it; 0: not in this life */
	int64_t left;         /* when it left Established; 0: unknown */
	bool parted;          /* it did so since the last look, or its words are still to come */
	int64_t failed;       /* when the last attempt to connect ended */
	int64_t quiet;        /* since when every look found it waiting for the remote; 0: it does not */
	int64_t attempt;      /* when the last attempt was counted */
	unsigned attempts;    /* that ended without the words that stand */
	int64_t hold;         /* hold time of the last Established session, ms; 0: unknown */
};

struct history_event {
	enum { HISTORY_LOOK, HISTORY_SAYS, HISTORY_STATE } kind;
	int64_t now, wall; /* clock_ms(), clock_wall() */
	/* LOOK: the session as `show protocols all` has it */
	const struct session *session;
	int64_t age;  /* ms since it entered its state, at ASKED; -1: unknown */
	int64_t asked; /* clock_ms() when BIRD told its time */
	int64_t stamp; /* since when, as BIRD wrote it, in ms of its own clock; 0: not that exactly */
	bool first;   /* BIRD was not heard before this look */
	bool lost;    /* some of what BIRD said since the last look was lost */
	/* SAYS: BIRD logged an error, in the words that `Last error` would have */
	const char *words, *message; /* NULL: none */
	/* STATE: BIRD logged a change of state */
	bool up;
};

/* Completes what an earlier life of this program wrote of a session: H has name, state, flaps, since,
 * and of both causes words, message and time (that of NOW is since); CODE and BEFORE are their codes. */
void history_recall(struct history *h, const char *code, const char *before, int64_t now,
		    int64_t wall);
/* True when a closer look (each second, for some seconds) would tell more. */
bool history_note(struct history *h, const struct history_event *e);
/* Why S is not Established: code and sentence of the cause that counts; false when nothing is known.
 * CODE is NULL for words that BIRD has and we do not know. */
bool history_cause(const struct history *h, const struct session *s, struct session_cause *ret);
/* The same of the words of one cause. */
struct session_cause history_words_cause(const struct history_cause *cause);
