/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/refusals.h"

#include "base/clock.h"

enum stage {
	STAGE_REFUSED, /* BIRD said so; or it stands between two of which BIRD did, with the same line */
	STAGE_ALIKE,   /* set aside because it has a line like the one that was refused */
	STAGE_OFFERED, /* part of the question that is under way */
};

struct refusal {
	char *name;
	char *words;
	char *line;	    /* the text of the refused line, which others may have, too */
	struct digest text; /* of the block */
	enum stage stage;
	bool presumed;	    /* BIRD has not named this one */
	int64_t due, pause; /* when it is offered again, and how long that was waited for */
};

struct refusals {
	struct refusal *items; /* sorted by name, as sessions are in the text */
	size_t n, cap;
	struct refused_text *texts; /* of those that are not offered */
	size_t n_texts;
	bool searching, retrying;
	unsigned asked;	    /* in a row about those that are presumed */
	size_t batch;	    /* how many were set aside last for being alike */
	const char *series; /* the name that was refused last; in items, or NULL */
};

static bool add(struct refusals *r, const struct conf *conf, const struct conf_block *b,
		enum stage stage, const char *line, const char *words);
static bool add_users(struct refusals *r, const struct conf *conf, const char *text,
		      const char *line, const char *words);
static void gallop(struct refusals *r, const struct conf *conf, const struct conf_block *b,
		   const char *line, const char *words);
static void halve(struct refusals *r);
static bool retry_failed(struct refusals *r, const struct conf_block *b, const char *words);
static bool is_behind(const struct conf_block *b, const struct refusal *at);
static bool halving_failed(struct refusals *r, const struct conf_block *b, const char *words);
static void confirm(struct refusals *r, const char *upto);
static void drop(struct refusals *r, bool (*out)(const struct refusal *, const void *),
		 const void *ctx);
static bool is_offered(const struct refusal *at, const void *ctx);
static bool is_stale(const struct refusal *at, const void *ctx);
static bool has_text(const struct conf *c, const struct refusal *at);
static struct refusal *find(const struct refusals *r, const char *name, const struct digest *text,
			    size_t *ret_at);
static bool same_mistake(const struct refusal *a, const char *line, const char *words);
static bool alike(const char *a, const char *b);
static void publish(struct refusals *r);
static const char *line_of(const struct conf *conf, unsigned number, struct arena *a);
static bool has_line(const struct conf *conf, const struct conf_block *b, const char *line);

struct refusals *refusals_open(void)
{
	return mem_alloc(sizeof(struct refusals));
}

void refusals_close(struct refusals *r)
{
	if (!r)
		return;
	refusals_forget(r);
	free(r->items);
	free(r->texts);
	free(r);
}

bool refusals_add(struct refusals *r, const struct conf *conf, unsigned line, const char *words,
		  bool *ret_new)
{
	/* A mistake is often noticed at the first token behind it. */
	const struct conf_block *b = conf_owner(conf, line);
	auto_arena struct arena a = { .secret = true };
	const char *text = line_of(conf, line, &a), *before;
	bool added = false;

	*ret_new = true;
	if (!b || !(conf_is_session(b) || strcmp(b->origin, "filter") == 0))
		return false;
	if (retry_failed(r, b, words) || halving_failed(r, b, words)) {
		*ret_new = false;
		publish(r);
		return true;
	}
	if (!conf_is_session(b)) {
		added = add_users(r, conf, b->name, b->name, words);
	} else {
		before = line > b->line ? line_of(conf, line - 1, &a) : "";
		if (strstr(text, CONF_TEMPLATE_MARK))
			added = add_users(r, conf, text, text, words);
		else if (strstr(before, CONF_TEMPLATE_MARK))
			added = add_users(r, conf, before, before, words);
		added |= add(r, conf, b, STAGE_REFUSED, text, words);
		if (!strstr(text, CONF_TEMPLATE_MARK) && !strstr(before, CONF_TEMPLATE_MARK))
			gallop(r, conf, b, text, words);
	}
	publish(r);
	return added;
}

void refusals_passed(struct refusals *r)
{
	drop(r, is_offered, NULL);
	r->retrying = false;
	r->series = NULL;
	halve(r);
	publish(r);
}

bool refusals_searching(const struct refusals *r)
{
	return r->searching || r->retrying;
}

void refusals_review(struct refusals *r, const struct conf *fresh, const struct conf *last)
{
	const struct conf *const confs[] = { fresh, last };

	drop(r, is_stale, confs);
	publish(r);
}

void refusals_forget(struct refusals *r)
{
	for (size_t i = 0; i < r->n; i++)
		r->items[i].stage = STAGE_OFFERED;
	drop(r, is_offered, NULL);
	r->searching = r->retrying = false;
	publish(r);
}

/* All that have one mistake at once: one question tells of them. Before that those that are only
 * presumed to have it, for the first that really has it would hide them. */
bool refusals_offer(struct refusals *r)
{
	int64_t now = clock_ms();
	const struct refusal *first = NULL;

	if (refusals_searching(r))
		return false;
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].due <= now && (!first || (r->items[i].presumed && !first->presumed)))
			first = &r->items[i];
	if (!first)
		return false;
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].presumed == first->presumed &&
		    same_mistake(&r->items[i], first->line, first->words))
			r->items[i].stage = STAGE_OFFERED;
	r->retrying = true;
	publish(r);
	return true;
}

int64_t refusals_due(const struct refusals *r)
{
	int64_t due = 0;

	for (size_t i = 0; i < r->n && !refusals_searching(r); i++)
		if (!due || r->items[i].due < due)
			due = r->items[i].due;
	return due;
}

const struct refused_text *refusals_texts(const struct refusals *r, size_t *ret_n)
{
	*ret_n = r->n_texts;
	return r->texts;
}

/* False when it is there already. */
static bool add(struct refusals *r, const struct conf *conf, const struct conf_block *b,
		enum stage stage, const char *line, const char *words)
{
	struct digest text = conf_block_digest(conf, b);
	size_t at;
	struct refusal *have = find(r, b->name, &text, &at);

	if (have && have->stage == STAGE_REFUSED)
		return false;
	if (have) {
		have->stage = stage;
		have->presumed &= stage == STAGE_ALIKE;
		return true;
	}
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 8;
		r->items = mem_resize(r->items, r->cap * sizeof *r->items);
	}
	memmove(&r->items[at + 1], &r->items[at], (r->n - at) * sizeof *r->items);
	r->n++;
	r->items[at] = (struct refusal){ .name = mem_str(b->name),
					 .words = mem_str(words),
					 .line = mem_str(line),
					 .text = text,
					 .stage = stage,
					 .presumed = stage == STAGE_ALIKE,
					 .due = clock_ms() + REFUSALS_FIRST_MS,
					 .pause = REFUSALS_FIRST_MS };
	return true;
}

/* All sessions whose block has TEXT in it. */
static bool add_users(struct refusals *r, const struct conf *conf, const char *text,
		      const char *line, const char *words)
{
	bool added = false;

	for (size_t i = 0; i < conf->n_blocks; i++) {
		const struct conf_block *b = &conf->blocks[i];

		if (conf_is_session(b) && memmem(conf->text.at + b->at, b->len, text, strlen(text)))
			added |= add(r, conf, b, STAGE_REFUSED, line, words);
	}
	return added;
}

/* B was refused for LINE. When the one before B that has this line was refused for it, too, a series
 * has begun: twice as many as last time are set aside. What BIRD read before B is right. */
static void gallop(struct refusals *r, const struct conf *conf, const struct conf_block *b,
		   const char *line, const char *words)
{
	const struct conf_block *previous = NULL;
	struct refusal *was = NULL;
	size_t left;

	for (size_t i = 0; i < conf->n_blocks && &conf->blocks[i] != b; i++)
		if (conf_is_session(&conf->blocks[i]) && has_line(conf, &conf->blocks[i], line))
			previous = &conf->blocks[i];
	for (size_t i = 0; i < r->n && r->series; i++)
		if (strcmp(r->items[i].name, r->series) == 0 &&
		    same_mistake(&r->items[i], line, words))
			was = &r->items[i];
	/* a session that BIRD read between the two was without fault */
	if (!was || strcmp(was->name, b->name) > 0 ||
	    (previous && strcmp(previous->name, was->name) > 0))
		r->batch = 0;
	else
		r->batch = r->batch ? 2 * r->batch : 1;
	confirm(r, b->name);
	left = r->batch;
	for (size_t i = 0; i < conf->n_blocks && left; i++) {
		const struct conf_block *next = &conf->blocks[i];

		if (conf_is_session(next) && strcmp(next->name, b->name) > 0 &&
		    has_line(conf, next, line))
			left -= add(r, conf, next, STAGE_ALIKE, line, words);
	}
	r->searching = r->batch > 0;
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->items[i].name, b->name) == 0)
			r->series = r->items[i].name;
}

/* Of those that are only alike the later half goes into the next question. */
static void halve(struct refusals *r)
{
	size_t n = 0, seen = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->items[i].stage == STAGE_ALIKE;
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].stage == STAGE_ALIKE && seen++ >= n / 2)
			r->items[i].stage = STAGE_OFFERED;
	r->searching = n > 0;
	r->batch = 0;
}

/* Is it the mistake that was given a second chance? Then all that have it wait twice as long. What
 * BIRD read before B is right, and what is only presumed to have it behind B is asked again at once, but
 * only so often. */
static bool retry_failed(struct refusals *r, const struct conf_block *b, const char *words)
{
	bool failed = false, more = false, again = r->asked + 1 < REFUSALS_IN_A_ROW;

	if (!r->retrying)
		return false;
	for (size_t i = 0; i < r->n; i++) {
		struct refusal *at = &r->items[i];

		if (at->stage != STAGE_OFFERED)
			continue;
		if (!alike(at->words, words)) {
			at->stage = STAGE_REFUSED; /* nothing is known of this */
			continue;
		}
		failed = true;
		if (is_behind(b, at))
			continue;
		at->stage = STAGE_REFUSED;
		at->presumed &= strcmp(at->name, b->name) != 0;
		if (at->presumed && again) {
			more = true;
			continue;
		}
		at->pause = MIN(2 * at->pause, REFUSALS_MAX_MS);
		at->due = clock_ms() + at->pause;
	}
	drop(r, is_offered, NULL);
	r->asked = more ? r->asked + 1 : 0;
	r->retrying = false;
	return failed;
}

/* Had BIRD read AT, and found nothing wrong, when it came to B? */
static bool is_behind(const struct conf_block *b, const struct refusal *at)
{
	return conf_is_session(b) && strcmp(at->name, b->name) < 0;
}

/* Was B part of the half that was given back? Then the mistake goes as far as B at least. */
static bool halving_failed(struct refusals *r, const struct conf_block *b, const char *words)
{
	bool met = false;

	for (size_t i = 0; i < r->n; i++) {
		struct refusal *at = &r->items[i];

		if (at->stage != STAGE_OFFERED)
			continue;
		at->stage = STAGE_ALIKE;
		if (strcmp(at->name, b->name) != 0 || !alike(at->words, words))
			continue;
		at->presumed = false;
		met = true;
	}
	if (!met)
		return false;
	confirm(r, b->name);
	halve(r);
	return true;
}

/* Those that are alike, up to and with that name, have the mistake. */
static void confirm(struct refusals *r, const char *upto)
{
	for (size_t i = 0; i < r->n && strcmp(r->items[i].name, upto) <= 0; i++)
		if (r->items[i].stage == STAGE_ALIKE)
			r->items[i].stage = STAGE_REFUSED;
}

static void drop(struct refusals *r, bool (*out)(const struct refusal *, const void *),
		 const void *ctx)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (!out(&r->items[i], ctx)) {
			r->items[kept++] = r->items[i];
			continue;
		}
		if (r->series == r->items[i].name)
			r->series = NULL;
		free(r->items[i].name);
		free(r->items[i].words);
		free(r->items[i].line);
	}
	r->n = kept;
}

static bool is_offered(const struct refusal *at, const void *ctx)
{
	(void)ctx;
	return at->stage == STAGE_OFFERED;
}

static bool is_stale(const struct refusal *at, const void *ctx)
{
	const struct conf *const *confs = ctx;

	return !has_text(confs[0], at) && !has_text(confs[1], at);
}

static bool has_text(const struct conf *c, const struct refusal *at)
{
	const struct conf_block *b = conf_session(c, at->name);
	struct digest now;

	if (!b)
		return false;
	now = conf_block_digest(c, b);
	return memcmp(&now, &at->text, sizeof now) == 0;
}

/* NULL: *RET_AT is where it would be. One name may have several texts. */
static struct refusal *find(const struct refusals *r, const char *name, const struct digest *text,
			    size_t *ret_at)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(r->items[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < r->n && strcmp(r->items[low].name, name) == 0; low++)
		if (memcmp(&r->items[low].text, text, sizeof *text) == 0)
			return &r->items[low];
	*ret_at = low;
	return NULL;
}

static bool same_mistake(const struct refusal *a, const char *line, const char *words)
{
	return alike(a->line, line) && alike(a->words, words);
}

/* The same but for numbers: lines of two sessions differ in addresses. */
static bool alike(const char *a, const char *b)
{
	static const char digits[] = "0123456789";

	for (;; a++, b++) {
		a += strspn(a, digits);
		b += strspn(b, digits);
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

static void publish(struct refusals *r)
{
	free(r->texts);
	r->texts = mem_alloc((r->n + 1) * sizeof *r->texts);
	r->n_texts = 0;
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].stage != STAGE_OFFERED)
			r->texts[r->n_texts++] =
				(struct refused_text){ r->items[i].name, r->items[i].text,
						       r->items[i].words };
}

static const char *line_of(const struct conf *conf, unsigned number, struct arena *a)
{
	size_t len;
	const char *line = conf_line_at(conf, number, &len);

	return line ? arena_strn(a, line, len) : "";
}

static bool has_line(const struct conf *conf, const struct conf_block *b, const char *line)
{
	auto_arena struct arena a = { .secret = true };
	char *at = arena_strn(&a, conf->text.at + b->at, b->len), *here;

	while ((here = strsep(&at, "\n")))
		if (alike(here, line))
			return true;
	return false;
}
