/* SPDX-License-Identifier: Apache-2.0 */
#include "peerctl/source.h"

#include <stdio.h>

#include "base/text.h"
#include "local/config.h"
#include "peerctl/command.h"
#include "store/entry.h"

struct listed {
	struct snapshot *snap;
	enum decode_mode mode;
};

static void list_entry(void *ctx, const struct entry *e);
static void list_hand_over(const struct snapshot *from, struct snapshot *to);
static void complain_all(const struct load *l, bool with_notes);
static void complain(const struct diag *d);
static bool namespace_check(const struct options *o, const struct kind *kind, struct err *err);
static bool target_kind(const char *word, const struct kind **ret, struct err *err);
static const char *kind_near(const char *word);

void source_close(struct store **st)
{
	store_close(*st);
}

void source_forget(struct snapshot **snap)
{
	snapshot_unref(*snap);
}

bool source_files(const struct options *o, unsigned flags, struct load *l, struct err *err)
{
	const struct option_values *files = &o->values[OPT_FILENAME];

	if (option_given(o, OPT_RECURSIVE))
		flags |= LOAD_RECURSIVE;
	if (option_given(o, OPT_SKIP_EMPTY))
		flags |= LOAD_SKIP_EMPTY;
	for (size_t i = 0; i < files->n; i++)
		if (!load_path(l, files->items[i], flags, err)) {
			complain_all(l, true);
			return false;
		}
	complain_all(l, option_given(o, OPT_VERBOSE) || (flags & LOAD_SKIP_UNKNOWN));
	if (l->diags.n_errors)
		return told(err, ERR_INVALID);
	for (size_t i = 0; l->items && i < l->n; i++)
		if (!namespace_check(o, l->items[i]->kind, err))
			return false;
	return true;
}

/* The complaints of L on stderr; notes only when WITH_NOTES. */
static void complain_all(const struct load *l, bool with_notes)
{
	for (size_t i = 0; i < l->diags.n; i++)
		if (with_notes || l->diags.items[i].level != DIAG_NOTE)
			complain(&l->diags.items[i]);
	fflush(stderr);
}

void source_tell_broken(const struct resource *r)
{
	for (size_t i = 0; i < r->n_complaints; i++) {
		const struct diag *d = &r->complaints[i];

		tell("%s/%s: %s%s%s", r->kind->aliases[0], r->meta.name, d->field ? d->field : "",
		     d->field ? ": " : "", d->text);
	}
}

struct store *source_open(const struct options *o, unsigned flags, struct err *err)
{
	return source_open_url(o, option_value(o, OPT_STORE), flags, err);
}

struct store *source_open_url(const struct options *o, const char *where, unsigned flags,
			      struct err *err)
{
	struct config_sources from = { where, option_value(o, OPT_CONFIG) };
	auto_buf struct buf url = { 0 };
	struct store *st;

	if (!config_store_url(&from, &url, err))
		return NULL;
	st = store_open(buf_text(&url), flags | STORE_PATIENT, err);
	if (!st && err->kind == ERR_USAGE && !from.store && str_empty(getenv("PEERAGE_STORE")) &&
	    !str_eq(buf_text(&url), CONFIG_STORE_DEFAULT))
		err_wrap(err, "%s asks for \"%.60s\"",
			 from.file			? from.file :
			 access(CONFIG_FILE, F_OK) == 0 ? CONFIG_FILE :
							  "the environment (DATASTORE_TYPE)",
			 buf_text(&url));
	return st;
}

bool source_open_if_there(const struct options *o, struct store **ret, struct err *err)
{
	struct config_sources from = { option_value(o, OPT_STORE), option_value(o, OPT_CONFIG) };
	auto_buf struct buf url = { 0 };

	*ret = NULL;
	if (!config_store_url(&from, &url, err))
		return false;
	*ret = source_open(o, STORE_READ_ONLY, err);
	if (*ret || err->kind != ERR_NOT_FOUND || !str_eq(buf_text(&url), CONFIG_STORE_DEFAULT))
		return *ret;
	*err = (struct err){ 0 };
	return true;
}

bool source_list(struct store *st, unsigned wanted, enum decode_mode mode, struct snapshot *snap,
		 struct err *err)
{
	auto_arena struct arena a = { 0 };
	const char *revision;

	return source_list_at(st, wanted, mode, snap, &a, &revision, err);
}

bool source_list_at(struct store *st, unsigned wanted, enum decode_mode mode, struct snapshot *snap,
		    struct arena *a, const char **revision, struct err *err)
{
	for (int i = 1;; i++) {
		auto_snapshot struct snapshot *fresh = snapshot_new();
		struct listed to = { fresh, DECODE_TOLERANT | mode };
		struct op op = {
			.type = OP_LIST, .kinds = wanted, .entry = list_entry, .ctx = &to
		};
		bool ok = store_finish(st, &op, SOURCE_TIMEOUT_MS, err);

		*revision = arena_str(a, op.revision);
		store_cancel(st, &op);
		if (ok) {
			list_hand_over(fresh, snap);
			return true;
		}
		if (err->kind != ERR_CONFLICT || i == LIST_ATTEMPTS)
			return false;
		*err = (struct err){ 0 };
	}
}

bool source_targets(const struct options *o, struct target **ret, size_t *ret_n, struct err *err)
{
	struct target *targets = NULL;
	const struct kind *kind = NULL;
	size_t n = 0;

	for (size_t i = 0; i < o->n_args; i++) {
		const char *arg = o->args[i], *slash = strchr(arg, '/');
		struct target t = { .kind = kind, .name = arg };

		if (!*arg)
			return err_set(err, ERR_USAGE, "an argument is empty; give a name");
		if (slash && (!i || !kind)) { /* every one is KIND/NAME */
			auto_free char *word = strndup(arg, (size_t)(slash - arg));

			if (!target_kind(word, &t.kind, err))
				return false;
			if (!slash[1])
				return err_set(err, ERR_USAGE, "%s: the name is missing", arg);
			t.name = slash + 1;
		} else if (!i) {
			if (!target_kind(arg, &kind, err))
				return false;
			if (o->n_args > 1)
				continue;
			t = (struct target){ .kind = kind };
		} else if (!kind) {
			return err_set(err, ERR_USAGE,
				       "%.200s: write KIND/NAME everywhere, or KIND NAME...", arg);
		}
		if (!namespace_check(o, t.kind, err))
			return false;
		*arena_push(o->arena, targets, n) = t;
	}
	*ret = targets;
	*ret_n = n;
	return true;
}

/* -n and -A, of which no kind that we keep knows anything. */
static bool namespace_check(const struct options *o, const struct kind *kind, struct err *err)
{
	if (kind->flags & KIND_NAMESPACED)
		return true;
	if (option_given(o, OPT_NAMESPACE))
		return err_set(err, ERR_USAGE, "a %s is not namespaced; leave -n out", kind->name);
	if (option_given(o, OPT_ALL_NAMESPACES))
		return err_set(err, ERR_USAGE, "a %s is not namespaced; leave -A out", kind->name);
	return true;
}

void tell(const char *format, ...)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf line = { 0 };
	va_list args;

	va_start(args, format);
	buf_vprintf(&line, format, args);
	va_end(args);
	fprintf(stderr, "peerctl: %s\n", text_safe(&a, buf_text(&line)));
}

static void list_entry(void *ctx, const struct entry *e)
{
	struct listed *to = ctx;

	if (e->json)
		snapshot_put(to->snap, entry_resource(e, to->mode));
}

static void list_hand_over(const struct snapshot *from, struct snapshot *to)
{
	for (size_t k = 0; k < lengthof(kinds); k++)
		for (size_t i = 0; i < snapshot_count(from, kinds[k]); i++)
			snapshot_put(to, resource_ref(snapshot_at(from, kinds[k], i)));
}

static void complain(const struct diag *d)
{
	auto_buf struct buf line = { 0 };

	diag_print(d, &line);
	buf_char(&line, '\n');
	fputs(buf_text(&line), stderr);
}

static bool target_kind(const char *word, const struct kind **ret, struct err *err)
{
	auto_arena struct arena a = { 0 };
	const char *near;

	*ret = kind_find(word);
	if (*ret)
		return true;
	near = kind_near(word);
	return err_set(err, ERR_USAGE, "\"%.60s\" is not a kind%s%s%s", word,
		       near ? "; did you mean " : "; there are ", near ? near : kinds_named(&a),
		       near ? "?" : "");
}

/* By any alias: kind_suggest() knows the names that stand in documents. */
static const char *kind_near(const char *word)
{
	const struct kind *best = NULL;
	unsigned least = 3;

	for (size_t k = 0; k < lengthof(kinds); k++)
		for (const char *const *alias = kinds[k]->aliases; *alias; alias++) {
			auto_free char *lower = mem_str(word);
			unsigned distance;

			for (char *c = lower; *c; c++)
				*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
			distance = strlen(*alias) > 4 ? text_distance(*alias, lower, 2) : 3;
			if (distance < least) {
				least = distance;
				best = kinds[k];
			}
		}
	return best ? best->name : NULL;
}
