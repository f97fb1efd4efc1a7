/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page to read when one wants to know what the agent does: agent_run(). It hears what is new (from
 * the store, BIRD, the machine and the operator's files), observes how things are now, works out what
 * is wanted (plan, fates, text), decides (decide.h), acts (apply.h) and reports (report.h).
 *
 * Everything it does to BIRD hangs on comparing what should run (the id of the rendered text) with
 * what BIRD says it runs.
 */
#include "engine/agent.h"

#include <malloc.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/apply.h"
#include "engine/decide.h"
#include "engine/explain.h"
#include "engine/facts.h"
#include "engine/links.h"
#include "engine/operator.h"
#include "engine/refusals.h"
#include "engine/report.h"
#include "engine/running.h"
#include "engine/sources.h"
#include "engine/told.h"
#include "engine/unresolved.h"
#include "render/bird.h"
#include "store/feed.h"

#define RETRY_FIRST_MS	1000
#define RETRY_MAX_MS	60000
#define REPLAN_MIN_MS	100 /* between two plans; a plan that takes longer waits as long as it took */

struct agent {
	struct agent_options options;
	int lock;
	struct bird *control;
	struct apply *apply;
	struct observer *observer;
	struct feed *feed;
	struct facts_source *facts;
	struct links *links;
	struct operator_files *operator;
	struct sources sources;
	struct unresolved *unresolved;
	unsigned unresolved_seen; /* its revision that the problems are of */
	struct refusals *refusals;
	struct report *report;

	/* the plan, the fates of its sessions, and the text: made from the snapshot, the facts, what
	 * runs, and what was refused */
	struct snapshot *snapshot;
	uint64_t planned; /* the feed's revision */
	bool stale;	  /* something else it was made from has changed */
	int64_t replan_after;
	bool replan_due; /* the next plan only waits for its time: so we wait for that, too */
	struct arena plan_arena;
	const struct plan *plan;
	const struct fates *fates;
	struct conf *conf;
	struct problem *problems; /* beside the plan's */
	size_t n_problems;
	struct arena problems_arena;

	struct running running; /* the file, and the text that BIRD runs */

	struct observed observed;
	struct wanted wanted;
	struct memory memory;
	struct decision decision;
	enum agent_state state;
	char message[500];
	uint64_t stamp; /* counts what the status is made of */
	int64_t ran;	/* when it last began to */
	unsigned looks; /* of the observer, when it was last looked at */
	unsigned life;	/* of BIRD */
	bool adopted;
	char identity_accepted[80], identity_path[4096];
	char failed_id[17]; /* tried again after a while */
	int64_t retry_at, retry_ms;
	bool failed_down;    /* it failed while BIRD was down */
	char refused_id[17]; /* nobody could be set aside for it: asked again after a while */
	char refused_words[400];
	int64_t refused_due, refused_pause;
	char checked_id[17]; /* `bird -p` took it since BIRD went away */
	struct told told;    /* problems that the log has */
	struct told_store told_store;
};

static void agent_hear(struct agent *ag);
static bool agent_look(struct agent *ag);
static void agent_decide(struct agent *ag);
static void agent_observe(struct agent *ag, struct observed *o);
static const char *agent_observe_bird(struct agent *ag);
static void agent_life(struct agent *ag);
static void agent_want(struct agent *ag, const struct observed *o, struct wanted *w);
static void agent_replan(struct agent *ag);
static void agent_fates(struct agent *ag, const struct plan *plan, struct arena *a);
static struct conf *agent_render(struct agent *ag, const struct plan *plan,
				 const struct fates *fates, struct arena *a);
static struct memory agent_memory(const struct agent *ag);
static void agent_act(struct agent *ag);
static void agent_settled(struct agent *ag);
static void agent_outcome(struct agent *ag);
static void agent_refused(struct agent *ag);
static void agent_failed(struct agent *ag, const char *why);
static void agent_not_given(struct agent *ag);
static void agent_later(struct agent *ag);
static void agent_ask_anew(struct agent *ag);
static void agent_say(struct agent *ag, enum agent_state state, const char *message);
static void agent_problems(struct agent *ag);
static void agent_unresolved(struct agent *ag, bool looked);
static void agent_identity_read(struct agent *ag);
static void agent_identity_write(struct agent *ag);
static void agent_report(struct agent *ag);

struct agent *agent_open(const struct agent_options *options, struct err *err)
{
	auto_free char *lock_path = NULL;
	struct agent *ag;
	int lock;

	if (asprintf(&lock_path, "%s.lock", options->bird_conf) < 0)
		abort();
	lock = file_lock(lock_path, err);
	if (lock < 0) {
		if (err->kind == ERR_CONFLICT)
			err_set(err, ERR_CONFLICT, "another peerd has %s", options->bird_conf);
		if (err->kind == ERR_NOT_FOUND)
			err_set(err, ERR_USAGE,
				"the folder of %s is not there: is BIRD installed, and --bird-conf right?",
				options->bird_conf);
		return NULL;
	}
	ag = mem_alloc(sizeof *ag);
	ag->options = *options;
	ag->lock = lock;
	snprintf(ag->identity_path, sizeof ag->identity_path, "%.4000s.store", options->bird_conf);
	ag->control = bird_open(options->bird_socket);
	ag->apply = apply_open(options->bird_conf,
			       options->bird_program ? options->bird_program : "bird", ag->control);
	ag->observer = observer_open(options->bird_socket);
	ag->feed = feed_open(options->store, DECODE_TOLERANT);
	ag->facts = facts_open(options->secrets_dir);
	ag->links = links_open();
	ag->unresolved = unresolved_open(options->bird_socket);
	ag->refusals = refusals_open();
	ag->report = report_open(options->node);
	ag->plan_arena.secret = true;
	running_open(&ag->running, options->bird_conf);
	ag->operator = operator_open(options->bird_conf, options->bird_include,
				     options->session_template);
	ag->retry_ms = RETRY_FIRST_MS;
	agent_identity_read(ag);
	ag->state = STATE_STARTING;
	return ag;
}

void agent_close(struct agent *ag)
{
	if (!ag)
		return;
	report_close(ag->report, feed_store(ag->feed));
	apply_close(ag->apply);
	bird_close(ag->control);
	observer_close(ag->observer);
	feed_close(ag->feed);
	facts_close(ag->facts);
	links_close(ag->links);
	unresolved_close(ag->unresolved);
	refusals_close(ag->refusals);
	operator_close(ag->operator);
	conf_free(ag->conf);
	running_close(&ag->running);
	snapshot_unref(ag->snapshot);
	arena_free(&ag->plan_arena);
	arena_free(&ag->problems_arena);
	told_free(&ag->told);
	close(ag->lock);
	free(ag);
}

void agent_run(struct agent *ag)
{
	unsigned looks = ag->looks;

	ag->ran = clock_ms();
	agent_hear(ag);
	agent_decide(ag);
	agent_act(ag);
	agent_report(ag);
	if (looks != ag->looks)
		malloc_trim(0); /* to hear of 1,000 sessions took 4 MB for a moment */
}

void agent_wait(struct agent *ag, struct poll *p)
{
	bool idle = apply_idle(ag->apply);

	feed_wait(ag->feed, p);
	observer_wait(ag->observer, p);
	facts_wait(ag->facts, p);
	links_wait(ag->links, p);
	unresolved_wait(ag->unresolved, p);
	operator_wait(ag->operator, p);
	bird_wait(ag->control, p);
	apply_wait(ag->apply, p);
	report_wait(ag->report, p);
	if (ag->replan_due)
		poll_at(p, ag->replan_after);
	if (ag->retry_at && idle)
		poll_at(p, ag->retry_at);
	/* What was due already could not be asked: whatever stands against that wakes us when it goes. */
	if (ag->refused_id[0] && idle && ag->refused_due > ag->ran)
		poll_at(p, ag->refused_due);
	if (refusals_due(ag->refusals) > ag->ran && idle)
		poll_at(p, refusals_due(ag->refusals));
}

void agent_reload(struct agent *ag)
{
	operator_reload(ag->operator);
	agent_ask_anew(ag);
}

void agent_accept_store(struct agent *ag)
{
	ag->options.accept_store = true;
}

void agent_explain(struct agent *ag)
{
	agent_decide(ag);
	explain(&ag->observed, &ag->wanted, &ag->memory, &ag->decision, ag->fates);
}

const char *agent_state(const struct agent *ag)
{
	return agent_state_names[ag->state];
}

/* ---- hear: all that was begun goes on, and what came is taken in ---- */

static void agent_hear(struct agent *ag)
{
	struct store *store;

	feed_run(ag->feed);	    /* store   -> snapshot */
	observer_run(ag->observer); /* BIRD    -> sessions, what it runs */
	if (facts_run(ag->facts))   /* machine -> addresses, secrets */
		ag->stale = true;
	if (operator_run(ag->operator))
		agent_ask_anew(ag);
	bird_run(ag->control);
	apply_run(ag->apply);
	store = feed_store(ag->feed);
	if (store)
		report_begin(ag->report, store);
	else
		report_forget(ag->report);
	if (told_store(&ag->told_store, feed_incident(ag->feed)))
		ag->stamp++;
	agent_unresolved(ag, agent_look(ag));
	if (ag->retry_at && clock_ms() >= ag->retry_at)
		ag->retry_at = 0;
	agent_outcome(ag);
}

/* What has settled meanwhile. True after a look of the observer. */
static bool agent_look(struct agent *ag)
{
	unsigned looks = observer_looks(ag->observer);
	struct facts facts;

	facts_get(ag->facts, &facts);
	if (links_see(ag->links, facts_revision(ag->facts), facts.onlink, facts.n_onlink))
		ag->stale = true;
	if (looks == ag->looks)
		return false;
	if (sources_again(&ag->sources))
		ag->stale = true;
	if (!ag->looks && ag->failed_down) /* BIRD is back, which may have been all that failed */
		ag->retry_at = 0;
	ag->looks = looks;
	ag->stamp++;
	return true;
}

/* ---- observe ---- */

static void agent_decide(struct agent *ag)
{
	agent_observe(ag, &ag->observed);
	agent_want(ag, &ag->observed, &ag->wanted);
	ag->observed.file_right = ag->conf && running_file_right(&ag->running, ag->conf);
	ag->memory = agent_memory(ag);
	decide(&ag->observed, &ag->wanted, &ag->memory, &ag->decision);
}

static void agent_observe(struct agent *ag, struct observed *o)
{
	*o = (struct observed){
		.ready = feed_revision(ag->feed) && report_ready(ag->report),
		.changing = !apply_idle(ag->apply),
		.asked = observer_current(ag->observer),
		.away = observer_trouble(ag->observer),
		.running = observer_listens(ag->observer),
		.unconfirmed = observer_unconfirmed(ag->observer),
		.control_free = bird_idle(ag->control),
		.store = feed_identity(ag->feed),
	};
	if (o->changing || !o->ready)
		return; /* one change at a time; nothing before a complete store was seen */
	report_recall(ag->report, ag->observer, ag->links);
	o->runs = agent_observe_bird(ag);
	o->file_ours = running_file_ours(&ag->running);
	o->enabled = ag->running.n_enabled > 0;
}

/* The text that BIRD runs, who is stopped in it, and whether BIRD is another one than before. */
static const char *agent_observe_bird(struct agent *ag)
{
	bool asked = observer_current(ag->observer);
	const char *runs = asked ? observer_runs(ag->observer) : NULL;

	if (!asked && !observer_trouble(ag->observer))
		return NULL;
	agent_life(ag);
	if (running_learn(&ag->running, runs))
		ag->stale = true;
	if (running_look(&ag->running, ag->observer))
		ag->stale = true;
	return runs;
}

/* Another BIRD may take what the last one refused. */
static void agent_life(struct agent *ag)
{
	unsigned life = observer_life(ag->observer);

	if (observer_current(ag->observer))
		ag->checked_id[0] = '\0';
	if (life == ag->life)
		return;
	if (ag->life)
		agent_ask_anew(ag);
	ag->life = life;
}

/* ---- what is wanted ---- */

static void agent_want(struct agent *ag, const struct observed *o, struct wanted *w)
{
	bool known = o->ready && !o->changing && (o->asked || o->away);

	ag->replan_due = false;
	/* not while it cannot be asked: what is offered is not told of as refused */
	if (known && ag->decision.state != STATE_HELD && ag->decision.state != STATE_NOT_OURS &&
	    refusals_offer(ag->refusals))
		ag->stale = true;
	if (known) {
		ag->replan_due = ag->stale || ag->planned != feed_revision(ag->feed);
		if (ag->replan_due && clock_ms() >= ag->replan_after)
			agent_replan(ag);
	}
	*w = (struct wanted){
		.planned = ag->plan && !ag->replan_due, /* nothing is done on a plan that is out of date */
		.id = ag->conf ? ag->conf->id : NULL,
		.lost = ag->fates && conf_is_id(o->runs) ? ag->fates->lost : NULL,
		.template_trouble = operator_trouble(ag->operator),
		.template_missing = ag->options.session_template && !operator_template(ag->operator),
		.searching = refusals_searching(ag->refusals),
	};
	if (ag->plan && !ag->plan->known)
		w->unknown = ag->plan->n_problems ? ag->plan->problems[0].text : "there is no plan";
}

/* A plan lives exactly as long as its arena; the old one goes when the new one stands. */
static void agent_replan(struct agent *ag)
{
	struct arena next = { .secret = true };
	struct snapshot *snapshot = snapshot_ref(feed_snapshot(ag->feed));
	struct facts facts = { .router_id = ag->options.router_id,
			       .now = clock_wall(),
			       .onlink_known = true,
			       .secrets_known = true };
	const struct plan *plan, *was = ag->plan;
	int64_t began = clock_ms();
	auto_arena struct arena scratch = { 0 };
	struct secret_ref *refs;
	struct conf *conf = NULL;
	struct ip addresses[2];
	bool stale = ag->stale;
	size_t n;

	refs = plan_secrets(snapshot, &scratch, &n);
	facts_want(ag->facts, refs, n);
	facts_get(ag->facts, &facts);
	links_see(ag->links, facts_revision(ag->facts), facts.onlink, facts.n_onlink);
	facts.onlink = links_get(ag->links, &facts.n_onlink);
	n = plan_addresses(snapshot, ag->options.node, addresses);
	sources_see(&ag->sources, addresses, n);
	facts.missing = ag->sources.missing;
	facts.n_missing = ag->sources.n_missing;
	plan = plan_compute(snapshot, ag->options.node, &facts, &next);
	ag->planned = feed_revision(ag->feed);
	ag->stale = ag->replan_due = false;
	if (!stale && ag->plan && plan_same(ag->plan, plan)) { /* the change is about others */
		arena_free(&next);
		snapshot_unref(snapshot);
		ag->replan_after = clock_ms() + MAX(clock_ms() - began, REPLAN_MIN_MS);
		return;
	}
	ag->fates = NULL;
	if (plan->known) { /* else what runs stays, and so does its text */
		agent_fates(ag, plan, &next);
		conf = agent_render(ag, plan, ag->fates, &next);
		if (ag->conf && was && was->known && !ip_eq(&was->router_id, &plan->router_id))
			log_event(LOG_WARNING, "router-id", "to", ip_text(&plan->router_id).s,
				  "effect", "every session restarts", NULL);
		if (!ag->conf || strcmp(ag->conf->id, conf->id) != 0)
			running_conf_changed(&ag->running);
	}
	conf_free(ag->conf);
	ag->conf = conf;
	if (conf)
		observer_want(ag->observer, conf);
	ag->plan = plan;
	arena_free(&ag->plan_arena);
	ag->plan_arena = next;
	snapshot_unref(ag->snapshot);
	ag->snapshot = snapshot;
	ag->replan_after = clock_ms() + MAX(clock_ms() - began, REPLAN_MIN_MS);
	agent_problems(ag);
	ag->stamp++;
}

/* Only where something was refused the text as it would be without refusals is needed. */
static void agent_fates(struct agent *ag, const struct plan *plan, struct arena *a)
{
	const char *runs = observer_current(ag->observer) ? observer_runs(ag->observer) : NULL;
	struct running *r = &ag->running;
	struct fates_input in = {
		.plan = plan,
		.last = r->last,
		.has = r->strangers,
		.n_has = r->n_strangers,
		.up = r->enabled,
		.n_up = r->n_enabled,
		.by_hand = r->by_hand,
		.n_by_hand = r->n_by_hand,
		.others = conf_is_id(runs) && !r->last,
	};
	struct conf *fresh = NULL;

	refusals_texts(ag->refusals, &in.n_refused);
	if (in.n_refused) {
		fresh = agent_render(ag, plan, NULL, a);
		refusals_review(ag->refusals, fresh, r->last);
		in.fresh = fresh;
	}
	in.refused = refusals_texts(ag->refusals, &in.n_refused);
	ag->fates = fates_decide(&in, a);
	conf_free(fresh);
}

/* FATES NULL: as if nothing were refused or stopped. */
static struct conf *agent_render(struct agent *ag, const struct plan *plan,
				 const struct fates *fates, struct arena *a)
{
	const struct render_options options = { .template = operator_template(ag->operator),
						.include = ag->options.bird_include,
						.include_digest = operator_digest(ag->operator),
						.bird_version = observer_version(ag->observer),
						.like = ag->conf,
						.last = ag->running.last,
						.fates = fates };

	return render_bird(plan, &options, a);
}

/* ---- act ---- */

static struct memory agent_memory(const struct agent *ag)
{
	return (struct memory){
		.conf = ag->options.bird_conf,
		.store = ag->identity_accepted,
		.accept_store = ag->options.accept_store,
		.adopt = ag->options.adopt && !ag->adopted,
		.refused_id = ag->refused_id,
		.refused_words = ag->refused_words,
		.refused_due = clock_ms() >= ag->refused_due,
		.failed_id = ag->failed_id,
		.failed_waits = ag->retry_at,
		.checked_id = ag->checked_id,
	};
}

static void agent_act(struct agent *ag)
{
	const struct decision *d = &ag->decision;
	bool changes = d->action == ACTION_APPLY || d->action == ACTION_INSTALL;
	struct err err = { 0 };

	if (d->state)
		agent_say(ag, d->state, d->message);
	if (changes && d->keep_foreign && !running_keep_foreign(&ag->running, &err)) {
		agent_failed(ag, err.words);
		return;
	}
	switch (d->action) {
	case ACTION_CONFIRM:
		apply_confirm(ag->apply);
		observer_again(ag->observer);
		break;
	case ACTION_APPLY:
		ag->retry_at = 0;
		if (str_eq(observer_runs(ag->observer), ag->conf->id) &&
		    strcmp(ag->failed_id, ag->conf->id) != 0) /* else it was said already */
			log_event(LOG_WARNING, ag->running.n_enabled ? "enabled" : "file-changed", "path",
				  ag->options.bird_conf, "effect",
				  ag->running.n_enabled ? "what is to be stopped is stopped again" :
							  "it is written anew and BIRD reads it",
				  NULL);
		apply_start(ag->apply, ag->conf, ag->running.last);
		break;
	case ACTION_INSTALL:
		/* It may have started since it was last tried. What it has read stays beside the file for
		 * one new text, not for two. */
		if (observer_knock(ag->observer))
			break;
		ag->retry_at = 0;
		apply_start_offline(ag->apply, ag->conf);
		break;
	case ACTION_CHECK:
	case ACTION_CHECK_OFFLINE:
		apply_check(ag->apply, ag->conf, d->action == ACTION_CHECK_OFFLINE);
		break;
	case ACTION_SETTLED:
		agent_settled(ag);
		break;
	case ACTION_WAIT:
	case ACTION_COUNT:
		break;
	}
}

/* BIRD runs what is wanted. */
static void agent_settled(struct agent *ag)
{
	ag->adopted = true;
	agent_identity_write(ag);
	if (refusals_searching(ag->refusals)) { /* what was to be asked is what runs */
		refusals_passed(ag->refusals);
		ag->stale = true;
	}
}

/* What the change that was under way came to. */
static void agent_outcome(struct agent *ag)
{
	enum apply_outcome outcome = apply_outcome(ag->apply);
	char count[24];

	switch (outcome) {
	case APPLY_NONE:
		return;
	case APPLY_DONE:
		snprintf(count, sizeof count, "%zu", ag->plan->n_peerings);
		log_event(LOG_INFO, "applied", "conf", ag->conf->id, "sessions", count, NULL);
		ag->failed_id[0] = ag->refused_id[0] = '\0';
		ag->retry_ms = RETRY_FIRST_MS;
		ag->adopted = true;
		unresolved_again(ag->unresolved);
		running_forget(&ag->running);
		agent_identity_write(ag);
		agent_say(ag, STATE_APPLIED, "");
		break;
	case APPLY_CHECKED:
		log_event(LOG_INFO, "installed", "conf", ag->conf->id, "for", "BIRD's next start",
			  NULL);
		snprintf(ag->checked_id, sizeof ag->checked_id, "%s", ag->conf->id);
		agent_identity_write(ag);
		break;
	case APPLY_PASSED:
		ag->refused_id[0] = '\0';
		snprintf(ag->checked_id, sizeof ag->checked_id, "%s", ag->conf->id);
		if (refusals_searching(ag->refusals)) {
			refusals_passed(ag->refusals);
			ag->stale = true;
			ag->replan_after = 0;
		}
		break;
	case APPLY_REFUSED:
		agent_refused(ag);
		break;
	case APPLY_OVERTAKEN:
	case APPLY_FAILED:
		if (outcome == APPLY_OVERTAKEN || apply_was_check(ag->apply))
			agent_not_given(ag);
		else
			agent_failed(ag, apply_words(ag->apply));
		break;
	}
	observer_again(ag->observer);
	observer_hurry(ag->observer, 30);
}

/* The session whose text BIRD does not take is set aside, the rest is offered again. */
static void agent_refused(struct agent *ag)
{
	const struct reply_place *place = apply_place(ag->apply);
	auto_arena struct arena a = { .secret = true };
	const char *quoted = apply_quoted(ag->apply, &a);
	bool is_new = true, found;

	found = refusals_add(ag->refusals, ag->conf, apply_place_is_ours(ag->apply) ? place->line : 0,
			     quoted, &is_new);
	if (found) {
		ag->stale = true;
		ag->replan_after = 0;
	} else {
		is_new = strcmp(ag->refused_id, ag->conf->id) != 0;
		ag->refused_pause = is_new ? REFUSALS_FIRST_MS :
					     MIN(2 * ag->refused_pause, REFUSALS_MAX_MS);
		ag->refused_due = clock_ms() + ag->refused_pause;
		snprintf(ag->refused_id, sizeof ag->refused_id, "%s", ag->conf->id);
		snprintf(ag->refused_words, sizeof ag->refused_words, "%s", quoted);
	}
	if (is_new)
		log_event(LOG_WARNING, "refused", "conf", ag->conf->id, "words", quoted, NULL);
}

static void agent_failed(struct agent *ag, const char *why)
{
	char message[sizeof ag->message];

	agent_later(ag);
	snprintf(message, sizeof message,
		 "configuration %.12s is not in force, it will be tried again: %.400s",
		 ag->conf->id, why);
	agent_say(ag, STATE_FAILED, message);
}

/* Nothing was changed: the check could not be made, or a hand was quicker, which the next look shows. */
static void agent_not_given(struct agent *ag)
{
	agent_later(ag);
	log_event(LOG_DEBUG, "not-given", "why", apply_words(ag->apply), NULL);
}

/* What is wanted now is tried again after a while, which doubles each time. */
static void agent_later(struct agent *ag)
{
	snprintf(ag->failed_id, sizeof ag->failed_id, "%s", ag->conf->id);
	ag->failed_down = !observer_looks(ag->observer);
	ag->retry_at = clock_ms() + ag->retry_ms;
	ag->retry_ms = MIN(2 * ag->retry_ms, RETRY_MAX_MS);
}

/* What was refused may be taken now: BIRD, or what the operator wrote, is another one. */
static void agent_ask_anew(struct agent *ag)
{
	ag->stale = true;
	ag->refused_id[0] = ag->checked_id[0] = '\0';
	refusals_forget(ag->refusals);
}

/* Do all next hops resolve? Asked after a look, as often as that module thinks right. */
static void agent_unresolved(struct agent *ag, bool looked)
{
	const struct session *sessions;
	uint64_t imported = 0;
	size_t n;

	sessions = observer_sessions(ag->observer, &n);
	for (size_t i = 0; looked && i < n; i++)
		imported += sessions[i].imported;
	if (looked)
		unresolved_look(ag->unresolved, imported);
	if (!observer_looks(ag->observer))
		unresolved_forget(ag->unresolved);
	unresolved_run(ag->unresolved);
	if (ag->unresolved_seen == unresolved_revision(ag->unresolved) || !ag->plan)
		return;
	agent_problems(ag);
	ag->stamp++;
}

/* Says a new state once, in the log and in the status. */
static void agent_say(struct agent *ag, enum agent_state state, const char *message)
{
	if (state == ag->state && strcmp(message, ag->message) == 0)
		return;
	if (state != STATE_APPLYING && !(state == STATE_APPLIED && ag->state == STATE_APPLYING))
		log_event(state >= STATE_HELD ? LOG_WARNING : LOG_INFO, "state", "to",
			  agent_state_names[state], "why", message[0] ? message : NULL, NULL);
	ag->state = state;
	snprintf(ag->message, sizeof ag->message, "%s", message);
	ag->stamp++;
}

/* Those that are not the plan's: of fates, and of routes that lead nowhere. */
static void agent_problems(struct agent *ag)
{
	arena_free(&ag->problems_arena);
	ag->problems = NULL;
	ag->n_problems = 0;
	if (ag->fates) {
		ag->problems = fates_problems(ag->fates, &ag->problems_arena, &ag->n_problems);
		unresolved_problems(ag->unresolved, ag->plan, &ag->problems_arena, &ag->problems,
				    &ag->n_problems);
	}
	ag->unresolved_seen = unresolved_revision(ag->unresolved);
	told_begin(&ag->told);
	told_problems(&ag->told, ag->plan->problems, ag->plan->n_problems);
	told_problems(&ag->told, ag->problems, ag->n_problems);
	told_end(&ag->told);
}

static void agent_identity_read(struct agent *ag)
{
	auto_arena struct arena a = { 0 };
	struct err err = { 0 };
	size_t len;
	const char *text = file_read(ag->identity_path, 4096, &a, &len, &err);

	if (text)
		snprintf(ag->identity_accepted, sizeof ag->identity_accepted, "%.*s",
			 (int)MIN(strcspn(text, "\n"), 79), text);
}

/* The store whose plan BIRD has taken: another one is not obeyed without a word. */
static void agent_identity_write(struct agent *ag)
{
	const char *identity = feed_identity(ag->feed);
	struct err err = { 0 };

	if (!identity)
		return;
	ag->options.accept_store = false; /* once: not for the next one, too */
	if (strcmp(identity, ag->identity_accepted) == 0)
		return;
	if (ag->identity_accepted[0])
		log_event(LOG_WARNING, "store-accepted", "identity", identity, NULL);
	snprintf(ag->identity_accepted, sizeof ag->identity_accepted, "%.79s", identity);
	if (!file_replace(ag->identity_path, ag->identity_accepted, strlen(ag->identity_accepted),
			  0640, (gid_t)-1, &err))
		log_event(LOG_WARNING, "identity", "words", err.words, NULL);
}

static void agent_report(struct agent *ag)
{
	struct report_facts f = { .stamp = ag->stamp,
				  .snapshot = feed_snapshot(ag->feed),
				  .plan = ag->plan,
				  .observer = ag->observer,
				  .state = agent_state_names[ag->state],
				  .message = ag->message[0] ? ag->message : NULL,
				  .store_identity = feed_identity(ag->feed),
				  .store_trouble = feed_incident(ag->feed),
				  .fates = ag->fates,
				  .problems = ag->problems,
				  .n_problems = ag->n_problems,
				  .asked = observer_looks(ag->observer) > 0 };

	if (!report_ready(ag->report) || !feed_revision(ag->feed))
		return;
	f.conf_id = f.asked ? observer_runs(ag->observer) : NULL;
	f.onlink = links_get(ag->links, &f.n_onlink);
	/* Nothing is written while an apply waits for its confirmation (decisions.md 14). */
	report_run(ag->report, feed_current(ag->feed) ? feed_store(ag->feed) : NULL, &f,
		   apply_idle(ag->apply));
}
