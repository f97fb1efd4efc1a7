/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/explain.h"

#include "base/log.h"

static const char *yes(bool is);
static const char *id(const char *text, struct arena *a);

void explain(const struct observed *o, const struct wanted *w, const struct memory *m,
	     const struct decision *d, const struct fates *fates)
{
	auto_arena struct arena a = { 0 };
	size_t n[FATE_KINDS] = { 0 };

	log_event(LOG_INFO, "observed", "ready", yes(o->ready), "changing", yes(o->changing),
		  "bird",
		  o->asked ? "answers" :
		  o->away  ? o->away :
			     "is being asked",
		  "listens", yes(o->running), "can-be-changed", yes(o->control_free), "runs",
		  id(o->runs, &a), "unconfirmed", yes(o->unconfirmed), "file",
		  !o->file_ours ? "not ours" :
		  o->file_right ? "as wanted" :
				  "another text",
		  "enabled-by-hand", yes(o->enabled), "store", o->store, NULL);
	log_event(LOG_INFO, "wanted", "planned", yes(w->planned), "unknown", w->unknown, "conf",
		  id(w->id, &a), "lost", w->lost, "template", w->template_trouble,
		  "template-missing", yes(w->template_missing), "searching", yes(w->searching),
		  NULL);
	log_event(LOG_INFO, "remembered", "store", m->store, "accept-store", yes(m->accept_store),
		  "adopt", yes(m->adopt), "refused", id(m->refused_id, &a), "asked-again",
		  yes(m->refused_due), "failed", id(m->failed_id, &a), "waits",
		  yes(m->failed_waits), "checked-offline", id(m->checked_id, &a), NULL);
	for (size_t i = 0; fates && i < fates->n; i++) {
		const struct session_fate *s = &fates->items[i];

		n[s->fate.kind]++;
		if (s->fate.kind != FATE_RUNS)
			log_event(LOG_INFO, "fate", "session", s->name, "is",
				  fate_names[s->fate.kind], "because", fate_reasons[s->fate.reason],
				  NULL);
	}
	log_event(LOG_INFO, "decision", "action", action_names[d->action], "state",
		  d->state ? agent_state_names[d->state] : "as before", "why", d->message, "runs",
		  arena_printf(&a, "%zu", n[FATE_RUNS]), "keeps",
		  arena_printf(&a, "%zu", n[FATE_KEEPS]), "stopped",
		  arena_printf(&a, "%zu", n[FATE_STOPPED]), "absent",
		  arena_printf(&a, "%zu", n[FATE_ABSENT]), NULL);
}

static const char *yes(bool is)
{
	return is ? "yes" : "no";
}

/* It covers passwords. */
static const char *id(const char *text, struct arena *a)
{
	return str_empty(text) ? "none" : arena_printf(a, "%.12s", text);
}
