/* SPDX-License-Identifier: Apache-2.0 */
#include "render/fates.h"

#include "base/text.h"

struct join {
	const struct fates_input *in;
	struct fates *fates;
	struct arena *arena;
};

static void join_name(struct join *j, const struct peering *p, const struct conf_block *b);
static const char *refused_words(const struct fates_input *in, const char *name,
				 const struct conf *conf, const struct conf_block *b);
static bool accepted_less(const struct conf *last, const struct conf_block *b,
			  const struct peering *p);
static bool is_broken(const struct plan *p, const struct conf_block *b);
static void stopped_find(struct join *j);
static void unknown_find(struct join *j);
static struct problem *add(struct arena *a, struct problem **problems, size_t *n,
			   const struct session_fate *s, enum problem_code code);

struct fates *fates_decide(const struct fates_input *in, struct arena *a)
{
	struct join j = { .in = in, .fates = arena_new(a, struct fates), .arena = a };
	const struct plan *plan = in->plan;
	size_t i = 0, k = 0, n_last = in->last ? in->last->n_sessions : 0;

	while (i < plan->n_peerings || k < n_last) { /* both are sorted */
		const struct peering *p = i < plan->n_peerings ? &plan->peerings[i] : NULL;
		const struct conf_block *b = k < n_last ? in->last->sessions[k] : NULL;
		int order = !p ? 1 : !b ? -1 : strcmp(p->name, b->name);

		join_name(&j, order <= 0 ? p : NULL, order >= 0 ? b : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	stopped_find(&j);
	unknown_find(&j);
	return j.fates;
}

const struct session_fate *fates_find(const struct fates *f, const char *name)
{
	size_t low = 0, high = f ? f->n : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(f->items[mid].name, name);

		if (!order)
			return &f->items[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct problem *fates_problems(const struct fates *f, struct arena *a, size_t *ret_n)
{
	struct problem *problems = NULL, *at;

	*ret_n = 0;
	for (size_t i = 0; i < f->n; i++) {
		const struct session_fate *s = &f->items[i];
		const struct fate *fate = &s->fate;

		if (fate->reason == FATE_BY_HAND) {
			at = add(a, &problems, ret_n, s, PROBLEM_DISABLED);
			at->level = DIAG_WARNING;
			at->text =
				fate->text ?
					arena_printf(
						a,
						"disabled by hand on the node; `birdc enable %s` "
						"there brings it back",
						s->name) :
					"disabled by hand on the node, and it could not start now: "
					"it will be there again, disabled, when it has all that it "
					"asks for";
		}
		if (s->words) {
			at = add(a, &problems, ret_n, s, PROBLEM_REFUSED_BY_BIRD);
			at->text = arena_printf(
				a, "BIRD refuses its configuration: %s; %s", s->words,
				fate->kind == FATE_KEEPS   ? "what ran before stays" :
				fate->kind == FATE_STOPPED ? "the session is stopped" :
							     "the session is left out");
		}
		if (fate->less) {
			at = add(a, &problems, ret_n, s, PROBLEM_LESS_THAN_ASKED);
			at->text = plan_less_text(s->peering, a);
		}
	}
	for (size_t i = 0; i < f->n_unknown; i++) {
		at = arena_push(a, problems, *ret_n);
		*at = (struct problem){
			.code = PROBLEM_UNKNOWN_SESSION,
			.level = DIAG_WARNING,
			.origin = "bird",
			.peering = f->unknown[i],
			.text = arena_printf(
				a,
				"BIRD has a session %s that peerd did not give it, and no "
				"resource asks for it; names that begin with %s are peerd's",
				f->unknown[i], CONF_PEERING)
		};
	}
	return problems;
}

/* P, or the text B that was accepted, or both of one name. A text that was never to run (of 0.1.0) is
 * none. */
static void join_name(struct join *j, const struct peering *p, const struct conf_block *b)
{
	const struct fates_input *in = j->in;
	const char *name = p ? p->name : b->name;
	const struct conf_block *fresh = p ? conf_session(in->fresh, name) : NULL;
	const struct conf_block *accepted = b && b->stop != CONF_NEVER_RAN ? b : NULL;
	const char *refused = fresh ? refused_words(in, name, in->fresh, fresh) : NULL;
	const char *old = accepted ? refused_words(in, name, in->last, accepted) : NULL;
	struct fate_facts facts = {
		.asked = p,
		.broken = accepted && is_broken(in->plan, accepted),
		.faulty = p && p->fault,
		.refused = refused,
		.accepted = accepted,
		.accepted_stopped = accepted && accepted->stop,
		.accepted_refused = old,
		.less = accepted && p && accepted_less(in->last, accepted, p),
		.up = name_among(in->up, in->n_up, name),
		.lost = !accepted && in->others && name_among(in->has, in->n_has, name),
		.by_hand = name_among(in->by_hand, in->n_by_hand, name),
		.by_field = p && p->down,
	};
	struct session_fate *s;

	if (!facts.asked && !facts.broken)
		return; /* it goes */
	s = arena_push(j->arena, j->fates->items, j->fates->n);
	*s = (struct session_fate){ .name = p ? name : arena_str(j->arena, name),
				    .origin = p ? p->origin : arena_str(j->arena, accepted->origin),
				    .peering = p,
				    .accepted = accepted };
	s->fate = fate_of(&facts);
	if (refused || s->fate.text == FATE_TEXT_NONE)
		s->words = arena_str(j->arena, refused ? refused : old);
	if (s->fate.kind == FATE_KEEPS && !s->fate.text && !j->fates->lost)
		j->fates->lost = s->name;
}

static const char *refused_words(const struct fates_input *in, const char *name,
				 const struct conf *conf, const struct conf_block *b)
{
	size_t low = 0, high = in->n_refused;
	struct digest text;

	while (low < high) { /* the first of that name */
		size_t mid = low + (high - low) / 2;

		if (strcmp(in->refused[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == in->n_refused || strcmp(in->refused[low].name, name) != 0)
		return NULL;
	text = conf_block_digest(conf, b);
	for (; low < in->n_refused && strcmp(in->refused[low].name, name) == 0; low++)
		if (memcmp(&in->refused[low].text, &text, sizeof text) == 0)
			return in->refused[low].words;
	return NULL;
}

/* A text of 0.1.0 does not say what was asked. Then only what it shows can be missed: a password, and
 * the filters of a session that could not start for want of one. */
static bool accepted_less(const struct conf *last, const struct conf_block *b,
			  const struct peering *p)
{
	if (b->asks)
		return asks_less(b->asks, p->asks);
	if (strstr(p->asks, "secret:") && !conf_block_has(last, b, "password "))
		return true;
	return strstr(p->asks, "filter:") && b->stop != CONF_NOT_STOPPED;
}

/* Does what B came from, or the Node it goes to, not decode? */
static bool is_broken(const struct plan *p, const struct conf_block *b)
{
	return name_among(p->broken, p->n_broken, b->origin) ||
	       (b->remote && name_among(p->broken, p->n_broken, b->remote));
}

/* Who is stopped and has no text is known by its name alone. */
static void stopped_find(struct join *j)
{
	const struct fates_input *in = j->in;

	for (size_t i = 0; i < in->n_by_hand && in->plan->n_broken; i++)
		if (!fates_find(j->fates, in->by_hand[i]) &&
		    !(in->last && conf_find(in->last, in->by_hand[i])))
			*arena_push(j->arena, j->fates->stopped, j->fates->n_stopped) =
				arena_str(j->arena, in->by_hand[i]);
}

/* Where the text that BIRD runs is not known, a broken resource may have any session. */
static void unknown_find(struct join *j)
{
	const struct fates_input *in = j->in;

	for (size_t i = 0; i < in->n_has; i++) {
		const char *name = in->has[i];

		if (fates_find(j->fates, name) || conf_session(in->last, name))
			continue;
		if (!in->others)
			*arena_push(j->arena, j->fates->unknown, j->fates->n_unknown) =
				arena_str(j->arena, name);
		else if (in->plan->n_broken && !j->fates->lost)
			j->fates->lost = arena_str(j->arena, name);
	}
}

static struct problem *add(struct arena *a, struct problem **problems, size_t *n,
			   const struct session_fate *s, enum problem_code code)
{
	struct problem *at = arena_push(a, *problems, *n);

	*at = (struct problem){
		.code = code,
		.level = DIAG_ERROR,
		.origin = s->origin,
		.origin_version = s->peering ? s->peering->origin_version : NULL,
		.peering = s->name,
	};
	return at;
}
