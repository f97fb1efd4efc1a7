/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create, apply and replace are one algorithm: read the store, decide for each object of the files
 * what is to be done with it, write all of that in one transaction that expects what was read.
 * Where somebody else was faster it starts again. They differ in what they expect to find. A store
 * that cannot take all at once may leave some of it written: an object that was written is done with,
 * whatever becomes of the others and whatever others do with it.
 *
 * What is written is the file's object laid over the stored one: the members that are not ours stay
 * (resource_stored()). An object that comes out equal to what it was is not written.
 */
#include "peerctl/write.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "compute/plan.h"
#include "peerctl/command.h"

enum verb { VERB_CREATE, VERB_APPLY, VERB_REPLACE };

struct change { /* what becomes of one object of the files */
	const struct resource *given;
	struct resource *result; /* what the store has in the end; one of WRITING.results */
	const char *word;
	const char *json; /* NULL: nothing to write */
	size_t len;
	enum write_result state; /* WRITE_DONE: by this or an earlier attempt */
	const char *version;	 /* what the store has; NULL: nothing yet */
};

struct writing {
	enum verb verb;
	const struct options *o;
	struct load *load;
	struct change *changes; /* one per object of the files */
	size_t n_written;
	struct snapshot *results;
	struct snapshot *stored; /* of one attempt, as the arena */
	struct arena *arena;
	char now[32];
};

#define IDS_SHOWN 20 /* of what was not written */

static bool print_done(const struct done *items, size_t n, bool single, const struct style *style,
		       const char *behind, struct err *err);
static void print_ids(const char *words, const char *const *ids, size_t n, struct buf *out);
static bool run_write(enum verb verb, const struct options *o, struct err *err);
static bool attempt(struct writing *w, struct store *st, bool dry_run, struct err *err);
static bool decide(struct writing *w, struct err *err);
static bool decide_one(struct writing *w, struct change *c, struct err *err);
static bool lay_over(struct writing *w, struct change *c, const struct resource *have);
static void keep(struct writing *w, struct change *c, const struct resource *have);
static bool conflict(enum err_kind kind, struct err *err, const char *format, ...)
	printf_like(3, 4);
static bool write_all(struct writing *w, struct store *st, struct err *err);
static const char *new_uid(struct arena *a);
static void report_partial(const struct writing *w, const struct style *style, const char *url);
static bool report(struct writing *w, const struct style *style, bool dry_run, const char *url,
		   struct err *err);
static void warn_takeovers(const struct writing *w);
static void warn_global(const struct writing *w);
static struct value done_document(const void *item, struct arena *a);
static const char *done_name(const void *item, struct arena *a);

bool run_create(const struct options *o, struct err *err)
{
	return run_write(VERB_CREATE, o, err);
}

bool run_apply(const struct options *o, struct err *err)
{
	return run_write(VERB_APPLY, o, err);
}

bool run_replace(const struct options *o, struct err *err)
{
	return run_write(VERB_REPLACE, o, err);
}

bool write_allowed(const struct kind *kind, const char *name, const char *place, struct err *err)
{
	if (!place)
		place = kind->name;
	if (kind->flags & KIND_FILES_ONLY)
		return err_set(err, ERR_INVALID,
			       "%s: a store holds no Secrets, nothing was written; put it under "
			       "peerd's --secrets-dir as %s/KEY",
			       place, name);
	if (kind->flags & KIND_READ_ONLY)
		return err_set(err, ERR_INVALID,
			       "%s: a %s is written by %s alone, nothing was written", place,
			       kind->name, kind->writer);
	return true;
}

bool write_report(const struct done *items, size_t n, const struct style *style, bool dry_run,
		  const char *url, struct err *err)
{
	size_t n_written = 0;

	for (size_t i = 0; i < n; i++)
		n_written += strcmp(items[i].word, "unchanged") != 0;
	if (!print_done(items, n, n == 1, style, dry_run ? " (dry run)" : "", err))
		return false;
	if (dry_run)
		tell("dry run: nothing was written to %s", url);
	else if (n_written)
		tell("written to %s: %zu of %zu", url, n_written, n);
	else
		tell("nothing to write, %s is like that already", url);
	return true;
}

bool write_age(struct meta *meta, const struct resource *have, const char *now, struct arena *a)
{
	const char *given = strmap_get(&meta->annotations, ANNOTATION_CREATED);
	const char *kept = have ? strmap_get(&have->meta.annotations, ANNOTATION_CREATED) : NULL;
	size_t n = meta->annotations.n;
	struct strpair *pairs;

	meta->created = arena_str(a, have ? have->meta.created : now);
	if (given || !kept)
		return !given || str_eq(given, kept);
	pairs = arena_array(a, struct strpair, n + 1);
	if (n)
		memcpy(pairs, meta->annotations.items, n * sizeof *pairs);
	pairs[n] = (struct strpair){ ANNOTATION_CREATED, arena_str(a, kept) };
	meta->annotations = strmap_make(pairs, n + 1);
	return true;
}

void partial_add(struct partial *p, const struct resource *r, const char *word,
		 enum write_result result)
{
	if (result == WRITE_DONE)
		*arena_push(p->arena, p->done, p->n_done) = (struct done){ r, word };
	else if (result == WRITE_UNKNOWN)
		*arena_push(p->arena, p->unknown, p->n_unknown) = resource_id(r, p->arena);
	else
		*arena_push(p->arena, p->missing, p->n_missing) = resource_id(r, p->arena);
}

void write_report_partial(const struct partial *p, const struct style *style, const char *url)
{
	auto_buf struct buf names = { 0 };
	struct err unused = { 0 };

	if (!p->n_done && !p->n_unknown)
		return;
	if (p->n_done && !print_done(p->done, p->n_done, false, style, "", &unused))
		tell("%s", unused.words);
	print_ids("not written", p->missing, p->n_missing, &names);
	print_ids("nobody knows of", p->unknown, p->n_unknown, &names);
	tell("written to %s: %zu of %zu%s", url, p->n_done, p->n_done + p->n_missing + p->n_unknown,
	     buf_text(&names));
}

static void print_ids(const char *words, const char *const *ids, size_t n, struct buf *out)
{
	for (size_t i = 0; i < MIN(n, IDS_SHOWN); i++)
		if (i)
			buf_printf(out, ", %s", ids[i]);
		else
			buf_printf(out, "; %s: %s", words, ids[i]);
	if (n > IDS_SHOWN)
		buf_printf(out, " and %zu more", n - IDS_SHOWN);
}

static bool print_done(const struct done *items, size_t n, bool single, const struct style *style,
		       const char *behind, struct err *err)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf out = { 0 };
	const void **all = arena_array(&a, const void *, n);
	struct listing l = {
		.items = all, .n = n, .single = single, .document = done_document, .name = done_name
	};

	for (size_t i = 0; i < n; i++) {
		all[i] = &items[i];
		if (style_is(style, OUTPUT_TABLE))
			buf_printf(&out, "%s/%s %s%s\n", items[i].resource->kind->aliases[0],
				   items[i].resource->meta.name, items[i].word, behind);
	}
	if (!style_is(style, OUTPUT_TABLE))
		listing_print(&l, style, &out);
	return output_write(&out, err);
}

static bool run_write(enum verb verb, const struct options *o, struct err *err)
{
	auto_load struct load load = { 0 };
	auto_snapshot struct snapshot *results = snapshot_new();
	struct writing w = { .verb = verb, .o = o, .load = &load, .results = results };
	auto_store struct store *st = NULL;
	struct style style;
	bool dry_run, ok = false;

	if (!options_args(o, 0, err) || !option_dry_run(o, &dry_run, err))
		return false;
	if (!option_given(o, OPT_FILENAME))
		return err_set(err, ERR_USAGE, "give files with -f; - is standard input");
	if (option_given(o, OPT_OUTPUT) ? !output_style(o, WRITE_OUTPUTS, &style, err) :
					  !output_style(o, OUTPUT_TABLE, &style, err))
		return false;
	if (!source_files(o, LOAD_KEEP_DOC, &load, err))
		return false;
	for (size_t i = 0; i < load.n; i++)
		if (!write_allowed(load.items[i]->kind, load.items[i]->meta.name,
				   load.items[i]->place, err))
			return false;
	st = source_open(o,
			 dry_run	      ? STORE_READ_ONLY :
			 verb == VERB_REPLACE ? 0 :
						STORE_CREATE,
			 err);
	if (!st && !(dry_run && err->kind == ERR_NOT_FOUND))
		return false;
	snprintf(w.now, sizeof w.now, "%s", clock_rfc3339(clock_wall()).s);
	w.changes = arena_array(o->arena, struct change, load.n);
	for (int i = 0; !ok && i < WRITE_ATTEMPTS; i++) {
		auto_arena struct arena arena = { 0 };
		auto_snapshot struct snapshot *stored = snapshot_new();

		*err = (struct err){ 0 };
		w.arena = &arena;
		w.stored = stored;
		ok = attempt(&w, st, dry_run, err);
		if (ok)
			return report(&w, &style, dry_run, st ? store_url(st) : "a new store", err);
		if (err->kind != ERR_CONFLICT || !err->words[0])
			break;
	}
	report_partial(&w, &style, st ? store_url(st) : "");
	return false;
}

/* A conflict with words is one that another attempt may settle. ST may be NULL: an empty store. */
static bool attempt(struct writing *w, struct store *st, bool dry_run, struct err *err)
{
	if (st && !source_list(st, KINDS_PLAN, DECODE_KEEP_DOC, w->stored, err))
		return false;
	return decide(w, err) && (dry_run || write_all(w, st, err));
}

static bool decide(struct writing *w, struct err *err)
{
	bool ok = true;

	for (size_t i = 0; i < w->load->n; i++) {
		struct change *c = &w->changes[i];

		if (c->state == WRITE_DONE)
			continue;
		*c = (struct change){ .given = w->load->items[i] };
		ok &= decide_one(w, c, err);
	}
	if (!ok && !w->n_written)
		tell("nothing was written");
	return ok;
}

static bool decide_one(struct writing *w, struct change *c, struct err *err)
{
	const struct resource *r = c->given;
	const struct resource *have = snapshot_find(w->stored, r->kind, r->meta.name);
	const char *kind = r->kind->aliases[0], *name = r->meta.name;

	if (!have) {
		if (w->verb == VERB_REPLACE)
			return conflict(ERR_NOT_FOUND, err,
					"%s/%s does not exist; peerctl apply makes it", kind, name);
		c->word = "created";
	} else if (w->verb == VERB_CREATE) {
		if (!option_given(w->o, OPT_SKIP_EXISTS))
			return conflict(ERR_CONFLICT, err,
					"%s/%s exists already; peerctl apply changes it", kind,
					name);
		keep(w, c, have);
		return true;
	} else {
		if (r->meta.version && !str_eq(r->meta.version, have->meta.version))
			return conflict(ERR_CONFLICT, err,
					"%s/%s was changed meanwhile: it is at version %s, the "
					"file has %s; get it again",
					kind, name, have->meta.version, r->meta.version);
		c->version = have->meta.version;
		c->word = "configured";
	}
	if (!lay_over(w, c, have))
		return conflict(ERR_INVALID, err, "%s/%s: " WRITE_AGE_CLAIMED, kind, name);
	return true;
}

/* What C gives over HAVE (NULL: nothing), with the store's uid and time. False when C claims a time. */
static bool lay_over(struct writing *w, struct change *c, const struct resource *have)
{
	struct resource wanted = *c->given;
	auto_buf struct buf json = { 0 };
	struct value v, old;

	wanted.meta.uid = have && have->meta.uid ? have->meta.uid : new_uid(w->arena);
	if (!write_age(&wanted.meta, have, w->now, w->arena))
		return false;
	v = resource_stored(&wanted, have, w->arena);
	if (have && !resource_broken(have)) {
		old = resource_stored(have, NULL, w->arena);
		if (value_eq(&v, &old)) {
			keep(w, c, have);
			return true;
		}
	}
	c->result =
		resource_decode(c->given->kind, &v, DECODE_TOLERANT | DECODE_KEEP_DOC, NULL, NULL);
	c->result->meta.version = arena_str(&c->result->arena, c->version);
	snapshot_put(w->results, c->result);
	json_print(&v, 0, &json);
	c->json = arena_strn(w->arena, buf_text(&json), json.len);
	c->len = json.len;
	return true;
}

static void keep(struct writing *w, struct change *c, const struct resource *have)
{
	c->word = "unchanged";
	c->result = resource_ref(have);
	snapshot_put(w->results, c->result);
}

/* Told at once, because each object may have its own; the first decides the exit code. */
static bool conflict(enum err_kind kind, struct err *err, const char *format, ...)
{
	auto_buf struct buf words = { 0 };
	va_list args;

	va_start(args, format);
	buf_vprintf(&words, format, args);
	va_end(args);
	tell("%s", buf_text(&words));
	return told(err, err->kind ? err->kind : kind);
}

static bool write_all(struct writing *w, struct store *st, struct err *err)
{
	struct write *writes = arena_array(w->arena, struct write, w->load->n);
	struct change **changes = arena_array(w->arena, struct change *, w->load->n);
	struct op op = { .type = OP_WRITE, .writes = writes };
	bool ok;

	for (size_t i = 0; i < w->load->n; i++) {
		struct change *c = &w->changes[i];

		if (!c->json || c->state == WRITE_DONE)
			continue;
		changes[op.n_writes] = c;
		writes[op.n_writes++] = (struct write){
			.kind = c->given->kind,
			.name = c->given->meta.name,
			.json = c->json,
			.len = c->len,
			.expect = c->version ? EXPECT_VERSION : EXPECT_ABSENT,
			.version = c->version,
		};
	}
	if (!op.n_writes)
		return true;
	ok = store_finish(st, &op, SOURCE_TIMEOUT_MS, err);
	for (size_t i = 0; i < op.n_writes; i++) {
		struct resource *r = changes[i]->result;

		changes[i]->state = writes[i].result;
		if (writes[i].result != WRITE_DONE)
			continue;
		w->n_written++;
		r->meta.version = arena_str(&r->arena, writes[i].new_version);
	}
	store_cancel(st, &op);
	return ok;
}

/* RFC 4122, version 4. */
static const char *new_uid(struct arena *a)
{
	uint8_t b[16] = { 0 };

	while (getrandom(b, sizeof b, 0) < 0 && errno == EINTR)
		continue;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	return arena_printf(a,
			    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
			    b[11], b[12], b[13], b[14], b[15]);
}

static bool report(struct writing *w, const struct style *style, bool dry_run, const char *url,
		   struct err *err)
{
	struct done *items = arena_array(w->arena, struct done, w->load->n);

	for (size_t i = 0; i < w->load->n; i++)
		items[i] = (struct done){ w->changes[i].result, w->changes[i].word };
	if (!write_report(items, w->load->n, style, dry_run, url, err))
		return false;
	warn_takeovers(w);
	warn_global(w);
	return true;
}

static void report_partial(const struct writing *w, const struct style *style, const char *url)
{
	struct partial part = { .arena = w->o->arena };

	for (size_t i = 0; i < w->load->n; i++) {
		const struct change *c = &w->changes[i];

		if (c->state == WRITE_DONE || !str_eq(c->word, "unchanged"))
			partial_add(&part, c->state == WRITE_DONE ? c->result : w->load->items[i],
				    c->word, c->state);
	}
	write_report_partial(&part, style, url);
}

/* Which sessions the objects of the files take from others. */
static void warn_takeovers(const struct writing *w)
{
	const struct facts facts = { .now = clock_wall() };
	auto_snapshot struct snapshot *after = snapshot_copy(w->stored);
	const struct problem *problems;
	size_t n;

	for (size_t i = 0; i < w->load->n; i++)
		snapshot_put(after, resource_ref(w->changes[i].result));
	problems = plan_takeovers(w->stored, after, NULL, &facts, w->arena, &n);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s: %s\n", problems[i].origin, problems[i].text);
}

/* What the fabric says to the objects of the files now (decisions.md 31). What is wrong with an
 * object by itself was told when its file was read. */
static void warn_global(const struct writing *w)
{
	const char **ids = arena_array(w->arena, const char *, w->load->n);
	const struct problem *problems;
	size_t n;

	for (size_t i = 0; i < w->load->n; i++) {
		ids[i] = resource_id(w->load->items[i], w->arena);
		snapshot_put(w->stored, resource_ref(w->load->items[i]));
	}
	name_sort(ids, w->load->n);
	problems = plan_global_problems(w->stored, w->arena, &n);
	for (size_t i = 0; i < n; i++)
		if (!problems[i].told && name_among(ids, w->load->n, problems[i].origin))
			fprintf(stderr, "%s: %s\n", problems[i].origin,
				text_safe(w->arena, problems[i].text));
}

static struct value done_document(const void *item, struct arena *a)
{
	return resource_encode(((const struct done *)item)->resource, a);
}

static const char *done_name(const void *item, struct arena *a)
{
	return resource_id(((const struct done *)item)->resource, a);
}
