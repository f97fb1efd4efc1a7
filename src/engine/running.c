/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/running.h"

#include <errno.h>
#include <stdio.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#define CONF_MAX (256u << 20)
#define KEPT_MAX 9999 /* foreign files beside ours */

static const char *const suffixes[RUNNING_FILES] = { "", ".last" };

struct lists { /* of names, while they are made */
	const char **by_hand, **strangers, **enabled;
	size_t n_by_hand, n_strangers, n_enabled;
	struct arena arena;
};

static bool searched(struct running *r, const char *runs);
static struct stat file_stat(const char *path);
static bool same_file(const struct stat *a, const struct stat *b);
static void file_look(struct running *r);
static bool head_ours(const char *path);
static bool same_text(const char *path, const char *other);
static void look_at(const struct running *r, const struct session *s, bool ours,
		    struct lists *now);
static void stopped_before(const struct running *r, const struct observer *o, struct lists *now);
static void stopped_by_text(const struct running *r, struct lists *now);
static void stopped_without_text(const struct running *r, struct lists *now);
static bool same(const char *const *a, size_t n_a, const char *const *b, size_t n_b);

void running_open(struct running *r, const char *path)
{
	*r = (struct running){ .path = path, .arena.secret = true };
}

void running_close(struct running *r)
{
	conf_free(r->last);
	arena_free(&r->arena);
	arena_free(&r->names_arena);
}

bool running_learn(struct running *r, const char *runs)
{
	if (runs && r->last && strcmp(runs, r->last_id) == 0)
		return false;
	if (!runs && r->last)
		return false; /* BIRD is down: it will start with the file */
	if (searched(r, runs))
		return false;
	for (size_t i = 0; i < lengthof(suffixes); i++) {
		struct arena arena = { .secret = true };
		auto_arena struct arena scratch = { .secret = true };
		auto_free char *path = NULL;
		struct err err = { 0 };
		struct conf *found;
		const char *text;
		size_t len;

		if (asprintf(&path, "%s%s", r->path, suffixes[i]) < 0)
			abort();
		text = file_read(path, CONF_MAX, &scratch, &len, &err);
		found = text ? conf_parse(text, len, &arena) : NULL;
		if (!found || (runs && strcmp(found->id, runs) != 0) || !conf_intact(found)) {
			conf_free(found);
			arena_free(&arena);
			continue;
		}
		/* An earlier life died before the confirmation, BIRD went back. */
		if (runs && i && running_file_ours(r))
			(void)!rename(path, r->path);
		conf_free(r->last);
		arena_free(&r->arena);
		r->arena = arena;
		r->last = found;
		r->learned = true;
		snprintf(r->last_id, sizeof r->last_id, "%.16s", found->id);
		return true;
	}
	if (!r->last)
		return false;
	conf_free(r->last); /* BIRD runs another text, and no file has it */
	arena_free(&r->arena);
	r->last = NULL;
	r->learned = true;
	running_forget(r);
	return true;
}

void running_forget(struct running *r)
{
	r->last_id[0] = '\0';
	r->searched = false;
}

bool running_look(struct running *r, const struct observer *o)
{
	bool shown = observer_current(o) &&
		     (!r->last || str_eq(observer_runs(o), r->last_id)); /* else it is another text's */
	bool ours = conf_is_id(observer_runs(o));
	struct lists now = { 0 };
	size_t n_sessions;
	const struct session *sessions = observer_sessions(o, &n_sessions);

	if (!shown && (r->looked || !r->last))
		return false;
	if (!r->learned && r->life == observer_life(o) && r->looks == observer_looks(o))
		return false;
	r->learned = false;
	r->life = observer_life(o);
	r->looks = observer_looks(o);
	for (size_t i = 0; shown && i < n_sessions; i++)
		look_at(r, &sessions[i], ours, &now);
	if (shown && ours && !r->last)
		stopped_before(r, o, &now);
	if (!shown)
		stopped_by_text(r, &now);
	stopped_without_text(r, &now);
	name_sort(now.by_hand, now.n_by_hand);
	name_sort(now.strangers, now.n_strangers);
	name_sort(now.enabled, now.n_enabled);
	r->looked |= shown;
	if (same(now.by_hand, now.n_by_hand, r->by_hand, r->n_by_hand) &&
	    same(now.strangers, now.n_strangers, r->strangers, r->n_strangers) &&
	    same(now.enabled, now.n_enabled, r->enabled, r->n_enabled)) {
		arena_free(&now.arena);
		return false;
	}
	arena_free(&r->names_arena);
	r->names_arena = now.arena;
	r->by_hand = now.by_hand;
	r->strangers = now.strangers;
	r->enabled = now.enabled;
	r->n_by_hand = now.n_by_hand;
	r->n_strangers = now.n_strangers;
	r->n_enabled = now.n_enabled;
	return true;
}

bool running_file_ours(struct running *r)
{
	file_look(r);
	return r->ours;
}

bool running_file_right(struct running *r, const struct conf *conf)
{
	auto_arena struct arena a = { .secret = true };
	const struct buf *right = &conf->text;
	struct err err = { 0 };
	const char *text;
	size_t len = 0;

	file_look(r);
	if (r->compared)
		return r->right;
	text = file_read(r->path, CONF_MAX, &a, &len, &err);
	r->right = text && len == right->len && memcmp(text, right->at, len) == 0;
	r->compared = true;
	if (!r->right)
		log_event(LOG_DEBUG, "file", "path", r->path, "is",
			  text ? "another text" : err.words, NULL);
	return r->right;
}

void running_conf_changed(struct running *r)
{
	r->compared = false;
}

bool running_keep_foreign(struct running *r, struct err *err)
{
	if (running_file_ours(r)) /* or there is none: BIRD was given another one */
		return true;
	for (unsigned number = 1; number <= KEPT_MAX; number++) {
		auto_free char *beside = NULL;
		bool kept;

		if ((number == 1 ? asprintf(&beside, "%s.before-peerage", r->path) :
				   asprintf(&beside, "%s.before-peerage.%u", r->path, number)) < 0)
			abort();
		kept = link(r->path, beside) == 0;
		if (!kept && errno != EEXIST)
			return err_os(err, "%s is not ours and cannot be kept as %s", r->path, beside);
		if (!kept && !same_text(r->path, beside))
			continue;
		log_event(LOG_WARNING, "adopted", "kept", beside, NULL);
		return true;
	}
	return err_set(err, ERR_REFUSED, "%s is not ours and cannot be kept: too many others are",
		       r->path);
}

/* Has the text behind RUNS been looked for in these very files, and was in none? */
static bool searched(struct running *r, const char *runs)
{
	bool same = r->searched && str_eq(runs ? runs : "", r->searched_id);

	for (size_t i = 0; i < lengthof(suffixes); i++) {
		auto_free char *path = NULL;
		struct stat st;

		if (asprintf(&path, "%s%s", r->path, suffixes[i]) < 0)
			abort();
		st = file_stat(path);
		same = same && same_file(&st, &r->searched_in[i]);
		r->searched_in[i] = st;
	}
	snprintf(r->searched_id, sizeof r->searched_id, "%s", runs ? runs : "");
	r->searched = true;
	return same;
}

/* Zeros: there is none. */
static struct stat file_stat(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st : (struct stat){ 0 };
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What is known of the file is forgotten when it has become another one. */
static void file_look(struct running *r)
{
	struct stat st = { 0 };
	bool there = stat(r->path, &st) == 0, none = !there && errno == ENOENT;

	if (there && same_file(&st, &r->seen))
		return;
	r->ours = there ? head_ours(r->path) : none;
	r->compared = false;
	r->seen = there ? st : (struct stat){ 0 };
}

/* An empty or cut file is one that was being written when the machine went down. */
static bool head_ours(const char *path)
{
	char head[sizeof CONF_HEAD] = "";
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f)
		return errno == ENOENT;
	len = fread(head, 1, sizeof head - 1, f);
	fclose(f);
	return strncmp(CONF_HEAD, head, len) == 0;
}

static bool same_text(const char *path, const char *other)
{
	auto_arena struct arena a = { .secret = true };
	struct err unused = { 0 };
	size_t len, other_len;
	const char *text = file_read(path, CONF_MAX, &a, &len, &unused);
	const char *others = text ? file_read(other, CONF_MAX, &a, &other_len, &unused) : NULL;

	return others && len == other_len && memcmp(text, others, len) == 0;
}

/* What BIRD itself took down has a word in Info; what the text stops has `disabled;`, unless a hand is
 * the reason for that, too. Where a text of OURS is in no file any more, the hand is the likely one. */
static void look_at(const struct running *r, const struct session *s, bool ours,
		    struct lists *now)
{
	const struct conf_block *b = conf_session(r->last, s->name);
	enum conf_stop stop = b ? b->stop : CONF_NOT_STOPPED;
	const char *name = NULL;

	if (!b || stop != CONF_NOT_STOPPED || s->up == PROTO_DOWN)
		name = arena_str(&now->arena, s->name);
	if (!b)
		*arena_push(&now->arena, now->strangers, now->n_strangers) = name;
	if (!b && (r->last || !ours))
		return;
	if (s->up != PROTO_DOWN && stop != CONF_NOT_STOPPED)
		*arena_push(&now->arena, now->enabled, now->n_enabled) = name;
	else if (s->up == PROTO_DOWN && str_empty(s->info) &&
		 (stop == CONF_NOT_STOPPED || stop == CONF_BY_HAND))
		*arena_push(&now->arena, now->by_hand, now->n_by_hand) = name;
}

/* Who was stopped and had no text then still is, though the list of these is in no file any more. */
static void stopped_before(const struct running *r, const struct observer *o, struct lists *now)
{
	size_t n, at;
	const struct session *sessions = observer_sessions(o, &n);

	for (size_t i = 0; i < r->n_by_hand; i++) {
		for (at = 0; at < n && strcmp(sessions[at].name, r->by_hand[i]) != 0;)
			at++;
		if (at == n)
			*arena_push(&now->arena, now->by_hand, now->n_by_hand) =
				arena_str(&now->arena, r->by_hand[i]);
	}
}

static void stopped_by_text(const struct running *r, struct lists *now)
{
	for (size_t i = 0; i < r->last->n_sessions; i++) {
		const struct conf_block *b = r->last->sessions[i];

		if (b->stop == CONF_BY_HAND)
			*arena_push(&now->arena, now->by_hand, now->n_by_hand) =
				arena_str(&now->arena, b->name);
	}
}

/* The lines of that block are "# NAME". */
static void stopped_without_text(const struct running *r, struct lists *now)
{
	const struct conf_block *b = conf_find(r->last, CONF_STOPPED);
	char *text = b ? arena_strn(&now->arena, r->last->text.at + b->at, b->len) : NULL, *line;

	while ((line = strsep(&text, "\n")))
		if (strncmp(line, "# ", 2) == 0)
			*arena_push(&now->arena, now->by_hand, now->n_by_hand) = line + 2;
}

static bool same(const char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
	bool all = n_a == n_b;

	for (size_t i = 0; all && i < n_a; i++)
		all = strcmp(a[i], b[i]) == 0;
	return all;
}
