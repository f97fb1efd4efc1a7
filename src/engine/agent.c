/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page to read when one wants to know what the agent does: agent_run() and agent_converge().
 *
 * Everything it does to BIRD hangs on comparing what should run (the id of the rendered text) with
 * what BIRD says it runs. Whatever is in doubt (no complete store, another store, no Node, a foreign
 * configuration) holds: what runs stays, and the status says why.
 */
#include "engine/agent.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/apply.h"
#include "engine/facts.h"
#include "engine/links.h"
#include "engine/refusals.h"
#include "engine/report.h"
#include "engine/running.h"
#include "engine/observer.h"
#include "engine/unresolved.h"
#include "render/bird.h"
#include "store/feed.h"

#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS   60000
#define REPLAN_MIN_MS  100 /* between two plans; a plan that takes longer waits as long as it took */

enum state {
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
static const char *const state_names[STATE_COUNT + 1] = {
	[STATE_STARTING] = "Starting", [STATE_APPLYING] = "Applying",  [STATE_APPLIED] = "Applied",
	[STATE_HELD] = "Held",	       [STATE_REFUSED] = "Refused",    [STATE_FAILED] = "Failed",
	[STATE_NOT_OURS] = "NotOurs",  [STATE_BIRD_DOWN] = "BirdDown",
};

struct agent {
	struct agent_options options;
	int lock;
	struct bird *control;
	struct apply *apply;
	struct observer *observer;
	struct feed *feed;
	struct facts_source *facts;
	struct links *links;
	struct unresolved *unresolved;
	unsigned unresolved_seen; /* its revision that the problems are of */
	struct refusals *refusals;
	struct report *report;

	/* the plan and its text: made from the snapshot, the facts, and what was refused */
	struct snapshot *snapshot;
	uint64_t planned; /* the feed's revision */
	bool stale;	  /* something else it was made from has changed */
	int64_t replan_after;
	bool replan_due; /* only that is waited for */
	struct arena plan_arena;
	const struct plan *plan;
	struct conf *conf;

	struct running running; /* the file, and the text that BIRD runs */

	struct arena template_arena;
	const struct template *template;
	char template_words[300];

	enum state state;
	char message[500];
	uint64_t stamp; /* counts what the status is made of */
	unsigned looks; /* of the observer, when it was last looked at */
	bool adopted, accepted;
	char identity_accepted[80], identity_path[4096];
	int64_t retry_at, retry_ms;
	char refused_id[17]; /* not offered again */
	char failed_id[17];  /* offered again after a while */
	bool failed_down;    /* it failed while BIRD was down */
	struct problem *problems;
	size_t n_problems;
	struct arena problems_arena;
	const char **told; /* problems of the plan that the log has */
	size_t n_told;
	struct arena told_arena;
	struct feed_trouble trouble; /* with the store, as it was said last; number 0: none */
	unsigned trouble_kinds;	     /* 1u << enum err_kind, of that one */
};

static void agent_converge(struct agent *ag);
static void agent_replan(struct agent *ag);
static void agent_outcome(struct agent *ag);
static void agent_refused(struct agent *ag);
static bool agent_held(struct agent *ag, const char *runs);
static bool plan_keeps(const struct plan *p);
static bool agent_ours(struct agent *ag, const char **ret_runs);
static bool agent_look(struct agent *ag);
static void agent_unresolved(struct agent *ag, bool looked);
static struct conf *agent_render(struct agent *ag, struct arena *a, bool with_held);
static void agent_say(struct agent *ag, enum state state, const char *format, ...)
	printf_like(3, 4);
static void agent_problems(struct agent *ag);
static void agent_log_problems(struct agent *ag);
static void agent_store_trouble(struct agent *ag);
static void agent_template(struct agent *ag);
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
	ag->retry_ms = RETRY_FIRST_MS;
	agent_template(ag);
	agent_identity_read(ag);
	agent_say(ag, STATE_STARTING, "no complete store has been seen yet");
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
	conf_free(ag->conf);
	running_close(&ag->running);
	snapshot_unref(ag->snapshot);
	arena_free(&ag->plan_arena);
	arena_free(&ag->template_arena);
	arena_free(&ag->problems_arena);
	arena_free(&ag->told_arena);
	close(ag->lock);
	free(ag);
}

void agent_run(struct agent *ag)
{
	struct store *store;
	bool looked;

	feed_run(ag->feed);	  /* store    -> snapshot */
	observer_run(ag->observer);	  /* BIRD     -> sessions, what it runs */
	if (facts_run(ag->facts)) /* machine  -> addresses, secrets */
		ag->stale = true;
	bird_run(ag->control);
	apply_run(ag->apply);
	store = feed_store(ag->feed);
	if (store)
		report_begin(ag->report, store);
	else
		report_forget(ag->report);
	agent_store_trouble(ag);
	looked = agent_look(ag);
	agent_unresolved(ag, looked);
	agent_converge(ag); /* snapshot -> plan -> text -> BIRD */
	agent_report(ag);   /* sessions -> status -> store */
	if (looked)
		malloc_trim(0); /* to hear of 1,000 sessions took 4 MB for a moment */
}

void agent_wait(struct agent *ag, struct poll *p)
{
	feed_wait(ag->feed, p);
	observer_wait(ag->observer, p);
	facts_wait(ag->facts, p);
	links_wait(ag->links, p);
	unresolved_wait(ag->unresolved, p);
	bird_wait(ag->control, p);
	apply_wait(ag->apply, p);
	report_wait(ag->report, p);
	if (ag->replan_due)
		poll_at(p, ag->replan_after);
	if (ag->retry_at && apply_idle(ag->apply))
		poll_at(p, ag->retry_at);
}

void agent_reload(struct agent *ag)
{
	agent_template(ag);
	ag->stale = true;
	ag->refused_id[0] = '\0'; /* the operator's own files may be right now */
	refusals_close(ag->refusals);
	ag->refusals = refusals_open();
}

void agent_accept_store(struct agent *ag)
{
	ag->options.accept_store = true;
	ag->accepted = false;
}

const char *agent_state(const struct agent *ag)
{
	return state_names[ag->state];
}

/* Compare, do not remember: what should run against what BIRD says it runs. */
static void agent_converge(struct agent *ag)
{
	const char *runs = NULL;

	/* What waits for something else than the clock must not wake us again and again. */
	ag->replan_due = false;
	if (ag->retry_at && clock_ms() >= ag->retry_at)
		ag->retry_at = 0;
	agent_outcome(ag);
	if (!apply_idle(ag->apply) || !feed_revision(ag->feed) || !report_ready(ag->report))
		return; /* one change at a time; nothing before a complete store was seen */
	report_recall(ag->report, ag->observer, ag->links);
	if (!agent_ours(ag, &runs))
		return;
	if (running_learn(&ag->running, runs))
		ag->stale = true;
	if (running_disabled(&ag->running, ag->observer))
		ag->stale = true;
	ag->replan_due = ag->stale || ag->planned != feed_revision(ag->feed);
	if (ag->replan_due && clock_ms() >= ag->replan_after)
		agent_replan(ag);
	if (!ag->plan || agent_held(ag, runs))
		return;
	if (runs && strcmp(runs, ag->conf->id) == 0) {
		if (observer_unconfirmed(ag->observer) && bird_idle(ag->control)) {
			apply_confirm(ag->apply);
			observer_again(ag->observer);
			return;
		}
		/* A file that another hand changed may have been read by BIRD, too, and still
		 * carry our id. Then all is given to BIRD again; what is right stays as it is. */
		if (running_file_right(&ag->running, ag->conf)) {
			ag->adopted = true;
			agent_identity_write(ag);
			if (ag->template_words[0])
				agent_say(ag, STATE_APPLIED, "%s", ag->template_words);
			else
				agent_say(ag, STATE_APPLIED, NULL);
			return;
		}
	}
	if (strcmp(ag->conf->id, ag->refused_id) == 0) {
		agent_say(ag, STATE_REFUSED, "BIRD refuses the configuration: %s; what runs stays",
			  apply_words(ag->apply));
		return;
	}
	if (strcmp(ag->conf->id, ag->failed_id) == 0 && ag->retry_at)
		return;
	ag->retry_at = 0;
	if (observer_current(ag->observer)) {
		if (!bird_idle(ag->control))
			return;
		agent_say(ag, STATE_APPLYING, "BIRD is given configuration %.12s", ag->conf->id);
		if (!runs)
			running_keep_foreign(&ag->running);
		else if (strcmp(runs, ag->conf->id) == 0 &&
			 strcmp(ag->failed_id, ag->conf->id) != 0) /* said already */
			log_event(LOG_WARNING, "file-changed", "path", ag->options.bird_conf,
				  "effect", "it is written anew and BIRD reads it", NULL);
		apply_start(ag->apply, ag->conf);
	} else {
		agent_say(ag, STATE_BIRD_DOWN, "%s", observer_trouble(ag->observer));
		if (running_file_right(&ag->running, ag->conf))
			return; /* BIRD will start with it */
		if (!running_file_ours(&ag->running))
			running_keep_foreign(&ag->running);
		apply_start_offline(ag->apply, ag->conf);
	}
}

/* A plan lives exactly as long as its arena; the old one goes when the new one stands. */
static void agent_replan(struct agent *ag)
{
	struct arena next = { .secret = true };
	struct snapshot *snapshot = snapshot_ref(feed_snapshot(ag->feed));
	struct facts facts = { .router_id = ag->options.router_id,
			       .onlink_known = true,
			       .secrets_known = true,
			       .disabled = ag->running.disabled,
			       .n_disabled = ag->running.n_disabled };
	const struct plan *plan;
	int64_t began = clock_ms();
	auto_arena struct arena scratch = { 0 };
	struct secret_ref *refs;
	struct conf *conf;
	bool stale = ag->stale;
	size_t n;

	refs = plan_secrets(snapshot, &scratch, &n);
	facts_want(ag->facts, refs, n);
	facts_get(ag->facts, &facts);
	links_see(ag->links, facts_revision(ag->facts), facts.onlink, facts.n_onlink);
	facts.onlink = links_get(ag->links, &facts.n_onlink);
	plan = plan_compute(snapshot, ag->options.node, &facts, &next);
	ag->planned = feed_revision(ag->feed);
	ag->stale = ag->replan_due = false;
	if (!stale && ag->plan && plan_same(ag->plan, plan)) { /* the change is about others */
		arena_free(&next);
		snapshot_unref(snapshot);
		ag->replan_after = clock_ms() + MAX(clock_ms() - began, REPLAN_MIN_MS);
		return;
	}
	if (!plan->known) { /* what runs stays, and so does its text */
		conf_free(ag->conf);
		ag->conf = NULL;
	} else {
		const struct plan *was = ag->plan;

		ag->plan = plan;
		conf = agent_render(ag, &next, false);
		refusals_review(ag->refusals, conf);
		refusals_held(ag->refusals, &n);
		if (n) {
			conf_free(conf);
			conf = agent_render(ag, &next, true);
		}
		if (ag->conf && was && was->known && !ip_eq(&was->router_id, &plan->router_id))
			log_event(LOG_WARNING, "router-id", "to", ip_text(&plan->router_id).s,
				  "effect", "every session restarts", NULL);
		if (!ag->conf || strcmp(ag->conf->id, conf->id) != 0)
			running_conf_changed(&ag->running);
		conf_free(ag->conf);
		ag->conf = conf;
	}
	ag->plan = plan;
	arena_free(&ag->plan_arena);
	ag->plan_arena = next;
	snapshot_unref(ag->snapshot);
	ag->snapshot = snapshot;
	ag->replan_after = clock_ms() + MAX(clock_ms() - began, REPLAN_MIN_MS);
	agent_problems(ag);
	ag->stamp++;
}

static struct conf *agent_render(struct agent *ag, struct arena *a, bool with_held)
{
	struct render_options options = { .template = ag->template,
					  .include = ag->options.bird_include,
					  .bird_version = observer_version(ag->observer),
					  .like = ag->conf,
					  .last = ag->running.last };

	if (with_held)
		options.held = refusals_held(ag->refusals, &options.n_held);
	return render_bird(ag->plan, &options, a);
}

/* What the change that was under way came to. */
static void agent_outcome(struct agent *ag)
{
	struct ip_text counts;

	switch (apply_outcome(ag->apply)) {
	case APPLY_NONE:
		return;
	case APPLY_DONE:
		snprintf(counts.s, sizeof counts.s, "%zu", ag->plan->n_peerings);
		log_event(LOG_INFO, "applied", "conf", ag->conf->id, "sessions", counts.s, NULL);
		ag->failed_id[0] = ag->refused_id[0] = '\0';
		ag->retry_ms = RETRY_FIRST_MS;
		ag->adopted = true;
		unresolved_again(ag->unresolved);
		running_forget(&ag->running);
		agent_identity_write(ag);
		agent_say(ag, STATE_APPLIED, NULL);
		break;
	case APPLY_CHECKED:
		log_event(LOG_INFO, "installed", "conf", ag->conf->id, "for", "BIRD's next start",
			  NULL);
		agent_identity_write(ag);
		break;
	case APPLY_REFUSED:
		agent_refused(ag);
		break;
	case APPLY_FAILED:
		snprintf(ag->failed_id, sizeof ag->failed_id, "%s", ag->conf->id);
		ag->failed_down = !observer_looks(ag->observer);
		ag->retry_at = clock_ms() + ag->retry_ms;
		ag->retry_ms = MIN(2 * ag->retry_ms, RETRY_MAX_MS);
		agent_say(ag, STATE_FAILED,
			  "configuration %.12s is not in force, it will be tried again: %s",
			  ag->conf->id, apply_words(ag->apply));
		break;
	}
	observer_again(ag->observer);
	observer_hurry(ag->observer, 30);
}

/* The resource whose line BIRD does not take is held, the rest is offered again. */
static void agent_refused(struct agent *ag)
{
	const struct reply_place *place = apply_place(ag->apply);

	snprintf(ag->refused_id, sizeof ag->refused_id, "%s", ag->conf->id);
	log_event(LOG_WARNING, "refused", "conf", ag->conf->id, "words", place->words, NULL);
	if (apply_place_is_ours(ag->apply) &&
	    refusals_add(ag->refusals, ag->conf, place->line, place->words)) {
		ag->stale = true;
		ag->replan_after = 0;
	}
}

/* Reasons to leave everything as it is, although there is a plan. RUNS: the id of what BIRD runs. */
static bool agent_held(struct agent *ag, const char *runs)
{
	const char *identity = feed_identity(ag->feed);

	if (identity && ag->identity_accepted[0] && strcmp(identity, ag->identity_accepted) != 0 &&
	    !ag->accepted) {
		if (!ag->options.accept_store) {
			agent_say(
				ag, STATE_HELD,
				"the store is another one (%.40s) than the one last applied (%.40s); what runs "
				"stays until `peerd --accept-store` or SIGUSR1",
				identity, ag->identity_accepted);
			return true;
		}
		log_event(LOG_WARNING, "store-accepted", "identity", identity, NULL);
		ag->accepted = true;
	}
	/* Only a text of ours has sessions to keep: a first configuration has another kind of id. */
	if (runs && strlen(runs) == 16 && !ag->running.last && plan_keeps(ag->plan)) {
		agent_say(
			ag, STATE_HELD,
			"some sessions must stay as they are, and no file has the text that BIRD runs; "
			"what runs stays");
		return true;
	}
	if (ag->options.session_template && !ag->template) { /* without it sessions would restart */
		agent_say(ag, STATE_HELD, "%s; what runs stays", ag->template_words);
		return true;
	}
	if (!ag->plan->known) {
		agent_say(ag, STATE_HELD, "%s",
			  ag->plan->n_problems ? ag->plan->problems[0].text : "no plan");
		return true;
	}
	return false;
}

/* Does anything in P have to stay as BIRD runs it? */
static bool plan_keeps(const struct plan *p)
{
	for (size_t i = 0; i < p->n_peerings; i++)
		if (p->peerings[i].hold)
			return true;
	return p->n_broken > 0;
}

/* Is what BIRD runs, and the file, ours to change? *RET_RUNS: the id BIRD runs, NULL when it runs
 * nothing of ours but may be changed, or is down. */
static bool agent_ours(struct agent *ag, const char **ret_runs)
{
	bool asked = observer_current(ag->observer);

	*ret_runs = asked ? observer_runs(ag->observer) : NULL;
	if (!asked && !observer_trouble(ag->observer))
		return false; /* connected, the first look is under way */
	if ((asked && !*ret_runs) || !running_file_ours(&ag->running)) {
		if (ag->options.adopt && !ag->adopted)
			return true;
		agent_say(
			ag, STATE_NOT_OURS,
			"%s was not written by peerd, so nothing is changed; `peerd --adopt` keeps it as "
			"%s.before-peerage and takes over",
			asked && !*ret_runs ? "the configuration that BIRD runs" :
					      ag->options.bird_conf,
			ag->options.bird_conf);
		return false;
	}
	return true;
}

/* Once per look of the observer. */
static bool agent_look(struct agent *ag)
{
	unsigned looks = observer_looks(ag->observer);
	struct facts facts;

	facts_get(ag->facts, &facts);
	if (links_see(ag->links, facts_revision(ag->facts), facts.onlink, facts.n_onlink))
		ag->stale = true;
	if (looks == ag->looks)
		return false;
	if (!ag->looks && ag->failed_down) /* BIRD is back, which may have been all that failed */
		ag->retry_at = 0;
	ag->looks = looks;
	ag->stamp++;
	return true;
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
static void agent_say(struct agent *ag, enum state state, const char *format, ...)
{
	char message[sizeof ag->message] = "";
	va_list args;

	if (format) {
		va_start(args, format);
		vsnprintf(message, sizeof message, format, args);
		va_end(args);
	}
	if (state == ag->state && strcmp(message, ag->message) == 0)
		return;
	if (state != STATE_APPLYING && !(state == STATE_APPLIED && ag->state == STATE_APPLYING))
		log_event(state >= STATE_HELD ? LOG_WARNING : LOG_INFO, "state", "to",
			  state_names[state], "why", message[0] ? message : NULL, NULL);
	ag->state = state;
	memcpy(ag->message, message, sizeof message);
	ag->stamp++;
}

/* What BIRD refused and cannot resolve, as problems of the resources that asked for it. */
static void agent_problems(struct agent *ag)
{
	size_t n;
	const char *const *held = refusals_held(ag->refusals, &n);

	arena_free(&ag->problems_arena);
	ag->problems = NULL;
	ag->n_problems = 0;
	for (size_t i = 0; i < n && ag->plan->known; i++) {
		const struct peering *p = plan_find(ag->plan, held[i]);
		struct arena *a = &ag->problems_arena;
		bool runs = ag->running.last && conf_find(ag->running.last, held[i]);

		if (p)
			*arena_push(a, ag->problems, ag->n_problems) = (struct problem){
				.code = PROBLEM_REFUSED_BY_BIRD,
				.level = DIAG_ERROR,
				.origin = p->origin,
				.origin_version = p->origin_version,
				.peering = p->name,
				.text = arena_printf(a, "BIRD refuses its configuration: %s; %s",
						     refusals_words(ag->refusals, held[i]),
						     runs ? "what ran before stays" :
							    "the session is left out"),
			};
	}
	if (ag->plan->known)
		unresolved_problems(ag->unresolved, ag->plan, &ag->problems_arena, &ag->problems,
				    &ag->n_problems);
	ag->unresolved_seen = unresolved_revision(ag->unresolved);
	agent_log_problems(ag);
}

/* Logs the problems that are new with this plan. */
static void agent_log_problems(struct agent *ag)
{
	struct arena arena = { 0 };
	const char **told = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ag->plan->n_problems; i++) {
		const struct problem *p = &ag->plan->problems[i];
		const char *key = arena_printf(&arena, "%s %s", p->origin, p->text);
		bool known = false;

		for (size_t j = 0; j < ag->n_told && !known; j++)
			known = strcmp(ag->told[j], key) == 0;
		if (!known)
			log_event(p->level == DIAG_ERROR ? LOG_WARNING : LOG_DEBUG, "problem",
				  "code", problem_names[p->code], "origin", p->origin, "text",
				  p->text, NULL);
		*arena_push(&arena, told, n) = key;
	}
	arena_free(&ag->told_arena);
	ag->told_arena = arena;
	ag->told = told;
	ag->n_told = n;
}

/* Each once, also what began and ended between two looks; and again when its reason is of another
 * kind, for then somebody else has to act. */
static void agent_store_trouble(struct agent *ag)
{
	const struct feed_trouble *now = feed_incident(ag->feed);
	struct feed_trouble *told = &ag->trouble;
	bool is_new = now && now->number != told->number;

	if (is_new)
		ag->trouble_kinds = 0;
	if (!now || (!is_new && now->resync == told->resync && now->until == told->until &&
		     (ag->trouble_kinds & 1u << now->kind)))
		return;
	if (!now->resync && !(ag->trouble_kinds & 1u << now->kind))
		log_event(LOG_WARNING, "store-away", "why", now->words, NULL);
	if (now->resync && (is_new || !told->resync))
		log_event(LOG_WARNING, "store-resync", "why", now->words, "effect",
			  "everything is read anew", NULL);
	if (now->until && (is_new || now->until != told->until))
		log_event(LOG_INFO, "store-back", NULL);
	ag->trouble_kinds |= 1u << now->kind;
	*told = *now;
	ag->stamp++;
}

static void agent_template(struct agent *ag)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct diags d = { .arena = &arena, .file = ag->options.session_template };
	const struct template *template = NULL;
	auto_buf struct buf words = { 0 };
	const char *text;
	size_t len;

	ag->template_words[0] = '\0';
	if (!ag->options.session_template)
		return;
	text = file_read(ag->options.session_template, TEMPLATE_MAX, &arena, &len, &err);
	template = text ? template_parse(text, len, &arena, &d) : NULL;
	if (template) {
		arena_free(&ag->template_arena);
		ag->template_arena = arena;
		ag->template = template;
		return;
	}
	if (d.n)
		diag_print(&d.items[0], &words);
	else
		buf_str(&words, err.words);
	snprintf(ag->template_words, sizeof ag->template_words,
		 "the session template is not used%s: %.200s", ag->template ? " as it is now" : "",
		 words.at);
	log_event(LOG_ERROR, "template", "words", words.at, NULL);
	arena_free(&arena);
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
	ag->accepted = ag->options.accept_store = false; /* once: not for the next one, too */
	if (strcmp(identity, ag->identity_accepted) == 0)
		return;
	snprintf(ag->identity_accepted, sizeof ag->identity_accepted, "%.79s", identity);
	if (!file_replace(ag->identity_path, ag->identity_accepted, strlen(ag->identity_accepted),
			  0640, (gid_t)-1, &err))
		log_event(LOG_WARNING, "identity", "words", err.words, NULL);
}

static void agent_report(struct agent *ag)
{
	struct report_facts f = { .stamp = ag->stamp,
				  .plan = ag->plan,
				  .observer = ag->observer,
				  .state = state_names[ag->state],
				  .message = ag->message[0] ? ag->message : NULL,
				  .store_identity = feed_identity(ag->feed),
				  .store_trouble = feed_incident(ag->feed),
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
