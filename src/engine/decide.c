/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/decide.h"

#include <stdarg.h>
#include <stdio.h>

const char *const agent_state_names[STATE_COUNT + 1] = {
	[STATE_SAME] = "",	     [STATE_STARTING] = "Starting", [STATE_APPLYING] = "Applying",
	[STATE_APPLIED] = "Applied", [STATE_HELD] = "Held",	    [STATE_REFUSED] = "Refused",
	[STATE_FAILED] = "Failed",   [STATE_NOT_OURS] = "NotOurs",  [STATE_BIRD_DOWN] = "BirdDown",
};

const char *const action_names[ACTION_COUNT + 1] = {
	[ACTION_WAIT] = "wait",	      [ACTION_CONFIRM] = "confirm",
	[ACTION_APPLY] = "apply",     [ACTION_CHECK] = "check",
	[ACTION_INSTALL] = "install", [ACTION_CHECK_OFFLINE] = "check-offline",
	[ACTION_SETTLED] = "settled",
};

static bool holds(const struct observed *o, const struct wanted *w, const struct memory *m,
		  struct decision *d);
static void with_bird(const struct observed *o, const struct wanted *w, const struct memory *m,
		      struct decision *d);
static void without_bird(const struct observed *o, const struct wanted *w, const struct memory *m,
			 struct decision *d);
static bool not_again(const struct wanted *w, const struct memory *m, struct decision *d);
static void say(struct decision *d, enum agent_state state, const char *format, ...)
	printf_like(3, 4);

void decide(const struct observed *o, const struct wanted *w, const struct memory *m,
	    struct decision *d)
{
	bool foreign = (o->asked && !o->runs) || !o->file_ours;

	*d = (struct decision){ ACTION_WAIT, STATE_SAME, false, "" };
	if (o->changing)
		return;
	if (!o->ready) {
		say(d, STATE_STARTING, "no complete store has been seen yet");
		return;
	}
	if (!o->asked && !o->away)
		return; /* the first look is under way */
	if (foreign && !m->adopt) {
		say(d, STATE_NOT_OURS,
		    "%s was not written by peerd, so nothing is changed; `peerd --adopt` keeps it as "
		    "%s.before-peerage and takes over",
		    o->asked && !o->runs ? "the configuration that BIRD runs" : m->conf, m->conf);
		return;
	}
	d->keep_foreign = foreign;
	if (!w->planned || holds(o, w, m, d))
		return;
	if (o->asked)
		with_bird(o, w, m, d);
	else
		without_bird(o, w, m, d);
}

/* Reasons to leave everything as it is, although there is a plan. */
static bool holds(const struct observed *o, const struct wanted *w, const struct memory *m,
		  struct decision *d)
{
	if (o->store && *m->store && strcmp(o->store, m->store) != 0 && !m->accept_store)
		say(d, STATE_HELD,
		    "the store is another one (%.40s) than the one last applied (%.40s); what runs "
		    "stays until `peerd --accept-store` or SIGUSR1",
		    o->store, m->store);
	else if (w->lost)
		say(d, STATE_HELD,
		    "session %s must stay as it is, and no file has the text that BIRD runs; what runs "
		    "stays until what it came from is mended or deleted",
		    w->lost);
	else if (w->template_missing) /* without it sessions would restart */
		say(d, STATE_HELD, "%s; what runs stays", w->template_trouble);
	else if (w->unknown)
		say(d, STATE_HELD, "%s", w->unknown);
	return d->state == STATE_HELD;
}

static void with_bird(const struct observed *o, const struct wanted *w, const struct memory *m,
		      struct decision *d)
{
	bool right = o->runs && strcmp(o->runs, w->id) == 0;

	if (right && o->unconfirmed) {
		if (o->control_free)
			d->action = ACTION_CONFIRM;
		return;
	}
	/* A file that another hand changed may have been read by BIRD, too, and still carry our id. Then
	 * all is given to BIRD again; what is right stays as it is. The same where a hand enabled a
	 * session that the text stops. */
	if (right && o->file_right && !o->enabled) {
		d->action = ACTION_SETTLED;
		say(d, STATE_APPLIED, "%s", w->template_trouble ? w->template_trouble : "");
		return;
	}
	if (not_again(w, m, d) || !o->control_free)
		return;
	if (w->searching || (m->refused_due && strcmp(m->refused_id, w->id) == 0)) {
		d->action = ACTION_CHECK;
		return;
	}
	d->action = ACTION_APPLY;
	say(d, STATE_APPLYING, "BIRD is given configuration %.12s", w->id);
}

/* It will start with the file, which must be one that it takes: BIRD may have been replaced. */
static void without_bird(const struct observed *o, const struct wanted *w, const struct memory *m,
			 struct decision *d)
{
	bool checked = strcmp(m->checked_id, w->id) == 0;

	if (o->file_right && !o->running)
		say(d, STATE_BIRD_DOWN, "BIRD is not running (%s): its file is ready, start it",
		    o->away);
	else
		say(d, STATE_BIRD_DOWN, "%s", o->away);
	if (o->file_right && (checked || o->running))
		return;
	if (not_again(w, m, d))
		return;
	d->action = o->file_right || w->searching ? ACTION_CHECK_OFFLINE : ACTION_INSTALL;
}

/* The same text is not offered again at once. */
static bool not_again(const struct wanted *w, const struct memory *m, struct decision *d)
{
	if (strcmp(m->refused_id, w->id) == 0 && !m->refused_due)
		say(d, STATE_REFUSED, "BIRD refuses the configuration: %s; what runs stays",
		    m->refused_words);
	else if (strcmp(m->failed_id, w->id) == 0 && m->failed_waits)
		d->state = STATE_SAME;
	else
		return false;
	return true;
}

static void say(struct decision *d, enum agent_state state, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(d->message, sizeof d->message, format, args);
	va_end(args);
	d->state = state;
}
