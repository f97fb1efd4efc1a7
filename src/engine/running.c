/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/running.h"

#include <errno.h>
#include <stdio.h>

#include "base/file.h"
#include "base/log.h"

#define CONF_MAX (256u << 20)
#define KEPT_MAX 9999 /* foreign files beside ours */

static bool same_text(const char *path, const char *other);
static bool by_hand(const struct running *r, const struct session *s);
static bool block_has(const struct conf *c, const char *name, const char *text);

void running_open(struct running *r, const char *path)
{
	*r = (struct running){ .path = path, .arena.secret = true };
}

void running_close(struct running *r)
{
	conf_free(r->last);
	arena_free(&r->arena);
	arena_free(&r->disabled_arena);
}

bool running_learn(struct running *r, const char *runs)
{
	const char *suffixes[] = { "", ".last" };

	if (runs && r->last && strcmp(runs, r->last_id) == 0)
		return false;
	if (!runs && r->last)
		return false; /* BIRD is down: it will start with the file */
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
		if (runs && i) /* an earlier life died before the confirmation, BIRD went back */
			(void)!rename(path, r->path);
		conf_free(r->last);
		arena_free(&r->arena);
		r->arena = arena;
		r->last = found;
		snprintf(r->last_id, sizeof r->last_id, "%.16s", found->id);
		return true;
	}
	if (!r->last)
		return false;
	conf_free(r->last); /* BIRD runs another text, and no file has it */
	arena_free(&r->arena);
	r->last = NULL;
	running_forget(r);
	return true;
}

void running_forget(struct running *r)
{
	r->last_id[0] = '\0';
}

bool running_disabled(struct running *r, const struct observer *o)
{
	struct arena arena = { 0 };
	const char **names = NULL;
	size_t n = 0, n_sessions;
	const struct session *sessions = observer_sessions(o, &n_sessions);
	bool differ;

	/* Only against the text that BIRD runs can be told who disabled it; while BIRD is down, what
	 * was disabled stays so. */
	if (!observer_current(o) || !r->last || !str_eq(observer_runs(o), r->last_id))
		return false;
	for (size_t i = 0; i < n_sessions; i++)
		if (by_hand(r, &sessions[i]))
			*arena_push(&arena, names, n) = arena_str(&arena, sessions[i].name);
	differ = n != r->n_disabled;
	for (size_t i = 0; i < n && !differ; i++)
		differ = strcmp(names[i], r->disabled[i]) != 0;
	if (!differ) {
		arena_free(&arena);
		return false;
	}
	arena_free(&r->disabled_arena);
	r->disabled_arena = arena;
	r->disabled = names;
	r->n_disabled = n;
	return true;
}

bool running_file_ours(const struct running *r)
{
	char head[sizeof CONF_HEAD] = "";
	FILE *f = fopen(r->path, "re");
	size_t len;

	if (!f)
		return errno == ENOENT;
	len = fread(head, 1, sizeof head - 1, f);
	fclose(f);
	/* An empty or cut file is one that was being written when the machine went down. */
	return len < sizeof head - 1 ? strncmp(CONF_HEAD, head, len) == 0 :
				       strcmp(head, CONF_HEAD) == 0;
}

bool running_file_right(struct running *r, const struct conf *conf)
{
	auto_arena struct arena a = { .secret = true };
	const struct buf *right = &conf->text;
	struct err err = { 0 };
	struct stat st = { 0 };
	const char *text;
	size_t len = 0;

	if (stat(r->path, &st) == 0 && st.st_ino == r->seen.st_ino &&
	    st.st_size == r->seen.st_size && st.st_mtim.tv_sec == r->seen.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == r->seen.st_mtim.tv_nsec)
		return r->right;
	text = file_read(r->path, CONF_MAX, &a, &len, &err);
	r->right = text && len == right->len && memcmp(text, right->at, len) == 0;
	r->seen = st;
	if (!r->right)
		log_event(LOG_DEBUG, "file", "path", r->path, "is",
			  text ? "another text" : err.words, NULL);
	return r->right;
}

void running_conf_changed(struct running *r)
{
	r->seen = (struct stat){ 0 };
}

bool running_keep_foreign(const struct running *r)
{
	if (running_file_ours(r)) /* or there is none: BIRD was given another one */
		return true;
	for (unsigned number = 1; number <= KEPT_MAX; number++) {
		auto_free char *beside = NULL;
		int failed = 0;

		if ((number == 1 ? asprintf(&beside, "%s.before-peerage", r->path) :
				   asprintf(&beside, "%s.before-peerage.%u", r->path, number)) < 0)
			abort();
		if (link(r->path, beside) < 0)
			failed = errno;
		if (failed == EEXIST && !same_text(r->path, beside))
			continue;
		if (failed && failed != EEXIST) {
			log_event(LOG_ERROR, "not-kept", "path", r->path, "as", beside, "why",
				  strerror(failed), NULL);
			return false;
		}
		log_event(LOG_WARNING, "adopted", "kept", beside, NULL);
		return true;
	}
	log_event(LOG_ERROR, "not-kept", "path", r->path, "why",
		  "there are too many others that were kept", NULL);
	return false;
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

/* What the plan, or BIRD itself, took down is not that. */
static bool by_hand(const struct running *r, const struct session *s)
{
	if (s->up != PROTO_DOWN || !str_empty(s->info))
		return false;
	return !block_has(r->last, s->name, "\tdisabled;\n");
}

static bool block_has(const struct conf *c, const char *name, const char *text)
{
	const struct conf_block *b = conf_find(c, name);

	return b && memmem(c->text.at + b->at, b->len, text, strlen(text));
}
