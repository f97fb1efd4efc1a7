/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which texts of sessions BIRD refuses, in whose words, and when they are offered again (decisions.md
 * 9). What becomes of the sessions is their fate (compute/fate.h); this only remembers texts.
 *
 * BIRD names the first mistake of a text and nothing behind it. So a mistake that N sessions have in
 * common would take N questions to find. Instead sessions behind the refused one that have the same
 * line are set aside in growing numbers, as long as the next question meets the same mistake at the
 * next of them; where that ends, halving finds the last one that really has it. While that search goes
 * on, questions are checks alone: BIRD is given nothing.
 */
#pragma once

#include "render/conf.h"
#include "render/fates.h"

struct refusals;

#define REFUSALS_FIRST_MS 60000   /* before a refused text is offered again... */
#define REFUSALS_MAX_MS	  3600000 /* ... doubling up to this */
#define REFUSALS_IN_A_ROW 8	  /* questions about those that BIRD has not named */

struct refusals *refusals_open(void);
void refusals_close(struct refusals *r);

/* BIRD does not take LINE of CONF: sets aside the texts of the session it belongs to, or of all that
 * use the shared part (a filter, a line of the session template) it belongs to. False when it belongs
 * to nobody who could be set aside alone (base part, operator's include). *RET_NEW: is it the first
 * time that this is heard? */
bool refusals_add(struct refusals *r, const struct conf *conf, unsigned line, const char *words,
		  bool *ret_new);
/* BIRD took a check of all that is not set aside, or runs it. */
void refusals_passed(struct refusals *r);
/* Is the next question to be a check alone? */
bool refusals_searching(const struct refusals *r);
/* Forgets texts that neither FRESH (rendered as if nothing were refused) nor LAST has (may be NULL). */
void refusals_review(struct refusals *r, const struct conf *fresh, const struct conf *last);
/* Forgets all: BIRD is another one, or what the operator wrote has changed. */
void refusals_forget(struct refusals *r);
/* Texts that are due go into the next question, which is a check alone. True when there are such. */
bool refusals_offer(struct refusals *r);
/* When the next is due, clock_ms(); 0: none is. */
int64_t refusals_due(const struct refusals *r);

/* What must not be given to BIRD now, sorted by name. */
const struct refused_text *refusals_texts(const struct refusals *r, size_t *ret_n);
