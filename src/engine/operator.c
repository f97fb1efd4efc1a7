/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/operator.h"

#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"

#define LOOK_MS	 10000
#define FILE_MAX (16u << 20) /* of a larger one its size and time of change count */

struct operator_files {
	char *include;
	const char *path;   /* of the template */
	struct arena arena; /* of the template */
	const struct template *template;
	char trouble[300];
	int64_t look_at;
	struct digest include_stats, template_stats; /* of names, sizes, times: cheap to compare */
	struct digest_text texts;
};

static void template_read(struct operator_files *f);
static struct digest include_stats(const struct operator_files *f);
static struct digest template_stats(const struct operator_files *f);
static struct digest_text include_texts(const struct operator_files *f);
static void add_stat(struct buf *to, const char *path);

struct operator_files *operator_open(const char *bird_conf, const char *include,
				     const char *template)
{
	struct operator_files *f = mem_alloc(sizeof *f);
	const char *slash = strrchr(bird_conf, '/');

	f->path = template;
	f->look_at = clock_ms() + LOOK_MS;
	f->template_stats = template_stats(f);
	template_read(f);
	if (!include)
		return f;
	if (*include == '/' || !slash) {
		f->include = mem_str(include);
	} else {
		size_t folder = (size_t)(slash + 1 - bird_conf), len = strlen(include) + 1;

		f->include = mem_alloc(folder + len);
		memcpy(f->include, bird_conf, folder);
		memcpy(f->include + folder, include, len);
	}
	f->include_stats = include_stats(f);
	f->texts = include_texts(f);
	return f;
}

void operator_close(struct operator_files *f)
{
	if (!f)
		return;
	arena_free(&f->arena);
	free(f->include);
	free(f);
}

bool operator_run(struct operator_files *f)
{
	bool changed = false;
	struct digest now;

	if (clock_ms() < f->look_at)
		return false;
	f->look_at = clock_ms() + LOOK_MS;
	if (f->path) {
		now = template_stats(f);
		changed = memcmp(&now, &f->template_stats, sizeof now) != 0;
		f->template_stats = now;
		if (changed)
			template_read(f);
	}
	if (f->include) {
		now = include_stats(f);
		if (memcmp(&now, &f->include_stats, sizeof now) != 0) {
			struct digest_text texts = include_texts(f);

			changed |= strcmp(texts.s, f->texts.s) != 0;
			f->texts = texts;
		}
		f->include_stats = now;
	}
	return changed;
}

void operator_wait(const struct operator_files *f, struct poll *p)
{
	if (f->include || f->path)
		poll_at(p, f->look_at);
}

void operator_reload(struct operator_files *f)
{
	template_read(f);
	f->template_stats = template_stats(f);
	if (!f->include)
		return;
	f->include_stats = include_stats(f);
	f->texts = include_texts(f);
}

const char *operator_digest(const struct operator_files *f)
{
	return f->include ? f->texts.s : NULL;
}

const struct template *operator_template(const struct operator_files *f)
{
	return f->template;
}

const char *operator_trouble(const struct operator_files *f)
{
	return f->trouble[0] ? f->trouble : NULL;
}

/* One with a mistake, as a file that is being written may have, leaves the last good one. */
static void template_read(struct operator_files *f)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct diags d = { .arena = &arena, .file = f->path };
	const struct template *template = NULL;
	auto_buf struct buf words = { 0 };
	const char *text;
	size_t len;

	f->trouble[0] = '\0';
	if (!f->path)
		return;
	text = file_read(f->path, TEMPLATE_MAX, &arena, &len, &err);
	template = text ? template_parse(text, len, &arena, &d) : NULL;
	if (template) {
		arena_free(&f->arena);
		f->arena = arena;
		f->template = template;
		return;
	}
	if (d.n)
		diag_print(&d.items[0], &words);
	else
		buf_str(&words, err.words);
	snprintf(f->trouble, sizeof f->trouble, "the session template is not used%s: %.200s",
		 f->template ? " as it is now" : "", words.at);
	log_event(LOG_ERROR, "template", "words", words.at, NULL);
	arena_free(&arena);
}

static struct digest include_stats(const struct operator_files *f)
{
	auto_buf struct buf all = { 0 };
	glob_t found = { 0 };

	if (glob(f->include, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			add_stat(&all, found.gl_pathv[i]);
	globfree(&found);
	return digest_of(buf_text(&all), all.len);
}

static struct digest template_stats(const struct operator_files *f)
{
	auto_buf struct buf all = { 0 };

	if (f->path)
		add_stat(&all, f->path);
	return digest_of(buf_text(&all), all.len);
}

/* 16 digits, as an id of ours has. */
static struct digest_text include_texts(const struct operator_files *f)
{
	auto_buf struct buf all = { 0 };
	glob_t found = { 0 };
	struct digest digest;
	struct digest_text text;

	if (glob(f->include, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++) {
			auto_arena struct arena a = { .secret = true };
			struct err err = { 0 };
			size_t len = 0;
			const char *bytes = file_read(found.gl_pathv[i], FILE_MAX, &a, &len, &err);

			buf_str(&all, found.gl_pathv[i]);
			buf_char(&all, '\n');
			if (bytes) {
				digest = digest_of(bytes, len);
				buf_add(&all, digest.bytes, sizeof digest.bytes);
			} else {
				add_stat(&all, found.gl_pathv[i]);
			}
		}
	globfree(&found);
	digest = digest_of(buf_text(&all), all.len);
	text = digest_hex(&digest);
	text.s[16] = '\0';
	return text;
}

static void add_stat(struct buf *to, const char *path)
{
	struct stat st = { 0 };

	(void)!stat(path, &st);
	buf_printf(to, "%s %ju %jd %jd %ld\n", path, (uintmax_t)st.st_ino, (intmax_t)st.st_size,
		   (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}
