/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One document at a time: read into an arena of its own, decoded into a resource with an arena of
 * its own, and gone. So the memory of a check is that of its largest document, plus a table of the
 * names that were seen.
 *
 * JSON is told from YAML by its first byte and read by the JSON reader, since JSON with tabs is no
 * YAML.
 */
#include "model/load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/yaml.h"
#include "model/decode.h"

#define LOAD_FOLDERS 32 /* depth of folders in folders */

struct load_seen { /* hash table of what was loaded, by kind and name */
	const struct kind *kind;
	const char *name, *place;
};

struct loader {
	struct load *l;
	unsigned flags;
	const char *file;
	size_t n_documents;
	bool full; /* too many errors: said once */
};

static bool load_any(struct loader *ld, const char *path, unsigned depth, struct err *err);
static bool load_folder(struct loader *ld, const char *path, unsigned depth, struct err *err);
static bool folder_takes(const char *name);
static void load_bytes(struct loader *ld, const char *file, const char *text, size_t len);
static void load_json(struct loader *ld, const char *text, size_t len);
static void load_yaml(struct loader *ld, const char *text, size_t len);
static bool documents_fit(struct loader *ld, const char *text, size_t len);
static void load_document(struct loader *ld, const struct value *doc, const struct kind *list_of);
static bool load_list(struct loader *ld, const struct value *doc, const char *kind_name,
		      const char *api_version);
static void load_resource(struct loader *ld, const struct value *doc, const struct kind *kind);
static const struct kind *document_kind(struct loader *ld, const struct value *doc,
					const char *name, const char *api_version);
static void note_double(struct loader *ld, const struct value *doc, const struct resource *r);
static struct load_seen *seen_slot(struct load *l, const struct kind *kind, const char *name);
static bool enough(struct loader *ld);
static void complain(struct loader *ld, enum diag_level level, const struct value *at,
		     const char *field, const char *format, ...) printf_like(5, 6);

bool load_path(struct load *l, const char *path, unsigned flags, struct err *err)
{
	struct loader ld = { .l = l, .flags = flags };

	l->diags.arena = &l->arena;
	return load_any(&ld, path, 0, err);
}

void load_text(struct load *l, const char *file, const char *text, size_t len, unsigned flags)
{
	struct loader ld = { .l = l, .flags = flags };

	l->diags.arena = &l->arena;
	load_bytes(&ld, file, text, len);
}

void load_free(struct load *l)
{
	for (size_t i = 0; l->items && i < l->n; i++)
		resource_unref(l->items[i]);
	free(l->seen);
	arena_free(&l->arena);
	*l = (struct load){ 0 };
}

static bool load_any(struct loader *ld, const char *path, unsigned depth, struct err *err)
{
	auto_arena struct arena bytes = { .secret = true };
	const char *text;
	struct stat st;
	size_t len;

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return load_folder(ld, path, depth, err);
	text = file_read(path, LOAD_MAX_FILE, &bytes, &len, err);
	if (!text)
		return err_argument(err);
	load_bytes(ld, strcmp(path, "-") == 0 ? "stdin" : path, text, len);
	return true;
}

static bool load_folder(struct loader *ld, const char *path, unsigned depth, struct err *err)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);
	size_t before = ld->n_documents, errors = ld->l->diags.n_errors;
	bool ok = true;

	if (n < 0)
		return err_os(err, "%s", path);
	for (int i = 0; i < n; i++) {
		auto_free char *name = mem_str(names[i]->d_name);
		auto_arena struct arena a = { 0 };
		const char *below = arena_printf(&a, "%s%s%s", path,
						 path[strlen(path) - 1] == '/' ? "" : "/", name);
		struct stat st;

		free(names[i]);
		if (!ok || *name == '.' || stat(below, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			if ((ld->flags & LOAD_RECURSIVE) && depth < LOAD_FOLDERS)
				ok = load_folder(ld, below, depth + 1, err);
		} else if (folder_takes(name)) {
			ok = load_any(ld, below, depth, err);
		}
	}
	free(names);
	ld->file = path;
	if (ok && !depth && ld->n_documents == before && ld->l->diags.n_errors == errors &&
	    !(ld->flags & LOAD_SKIP_EMPTY))
		complain(ld, DIAG_ERROR, NULL, NULL,
			 "no resources in this folder: it has no .yaml, .yml or .json file");
	return ok;
}

static bool folder_takes(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0 ||
		       strcasecmp(dot, ".json") == 0);
}

static void load_bytes(struct loader *ld, const char *file, const char *text, size_t len)
{
	size_t before = ld->n_documents, errors = ld->l->diags.n_errors, at = 0;

	ld->file = file;
	ld->l->diags.file = file;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* byte order mark */
		text += 3;
		len -= 3;
	}
	while (at < len && strchr(" \t\r\n", text[at]) && text[at])
		at++;
	if (at < len && (text[at] == '{' || text[at] == '['))
		load_json(ld, text, len);
	else
		load_yaml(ld, text, len);
	if (ld->n_documents == before && ld->l->diags.n_errors == errors &&
	    !(ld->flags & LOAD_SKIP_EMPTY))
		complain(ld, DIAG_ERROR, NULL, NULL, "no resources in %s", file);
	ld->l->diags.file = NULL;
}

static void load_json(struct loader *ld, const char *text, size_t len)
{
	auto_arena struct arena a = { .secret = true };
	const struct value *doc;

	if (len > LOAD_MAX_DOCUMENT) {
		complain(ld, DIAG_ERROR, NULL, NULL,
			 "has %zu bytes of JSON; at most %u are read, split it", len,
			 LOAD_MAX_DOCUMENT);
		return;
	}
	doc = json_parse(text, len, &a, &ld->l->diags);
	if (doc)
		load_document(ld, doc, NULL);
}

static void load_yaml(struct loader *ld, const char *text, size_t len)
{
	struct yaml *y;
	bool more = true;

	if (!documents_fit(ld, text, len))
		return;
	y = yaml_open(text, len);
	while (more && !enough(ld)) {
		auto_arena struct arena a = { .secret = true };
		const struct value *doc = yaml_next(y, &a, &ld->l->diags);

		if (doc && doc->type != VALUE_NULL)
			load_document(ld, doc, NULL);
		more = doc;
	}
	yaml_close(y);
}

/* Documents begin at lines of "---" wherever these stand: YAML lets no scalar have one. */
static bool documents_fit(struct loader *ld, const char *text, size_t len)
{
	const char *start = text, *end = text + len;

	while (len > LOAD_MAX_DOCUMENT && start < end) {
		const char *next = memmem(start, (size_t)(end - start), "\n---", 4);

		if ((size_t)((next ? next : end) - start) > LOAD_MAX_DOCUMENT) {
			complain(ld, DIAG_ERROR, NULL, NULL,
				 "has a document of more than %u bytes; split it with lines of ---",
				 LOAD_MAX_DOCUMENT);
			return false;
		}
		start = next ? next + 1 : end;
	}
	return true;
}

/* LIST_OF: the kind that items of a typed list have when they do not say. */
static void load_document(struct loader *ld, const struct value *doc, const struct kind *list_of)
{
	const char *name, *api_version;
	const struct kind *kind;

	if (enough(ld))
		return;
	if (doc->type == VALUE_LIST) {
		ld->n_documents += !doc->n;
		for (uint32_t i = 0; i < doc->n; i++)
			load_document(ld, &doc->items[i], list_of);
		return;
	}
	ld->n_documents++;
	if (doc->type != VALUE_MAP) {
		complain(ld, DIAG_ERROR, doc, NULL,
			 "is %s, not a resource: it needs apiVersion, kind, metadata and spec",
			 value_type_name(doc->type));
		return;
	}
	name = value_str(doc, "kind");
	api_version = value_str(doc, "apiVersion");
	if (list_of && !value_get(doc, "kind") && !value_get(doc, "apiVersion")) {
		load_resource(ld, doc, list_of);
		return;
	}
	if (str_empty(name) || !api_version) {
		const char *field = str_empty(name) ? "kind" : "apiVersion";
		const struct value *v = value_get(doc, field);

		kind = str_empty(name) ? NULL : kind_find(name);
		complain(ld, DIAG_ERROR, v ? v : doc, field, "is required: %s",
			 str_empty(name) ? "the kind of this resource, like BGPPeer" :
			 kind		 ? kind->api_version :
					   kind_bgppeer.api_version);
		return;
	}
	if (load_list(ld, doc, name, api_version))
		return;
	kind = document_kind(ld, doc, name, api_version);
	if (kind)
		load_resource(ld, doc, kind);
}

/* `List` of v1, or `BGPPeerList`. */
static bool load_list(struct loader *ld, const struct value *doc, const char *kind_name,
		      const char *api_version)
{
	const struct kind *kind = NULL;
	const struct value *items = value_get(doc, "items");
	size_t len = strlen(kind_name);

	for (size_t i = 0; i < KIND_COUNT && len > 4; i++)
		if (strlen(kinds[i]->name) == len - 4 &&
		    strncmp(kinds[i]->name, kind_name, len - 4) == 0 &&
		    strcmp(kind_name + len - 4, "List") == 0 &&
		    strcmp(kinds[i]->api_version, api_version) == 0)
			kind = kinds[i];
	if (!kind && strcmp(kind_name, "List") != 0)
		return false;
	if (!kind && strcmp(api_version, "v1") != 0)
		complain(ld, DIAG_ERROR, value_get(doc, "apiVersion"), "apiVersion",
			 "\"%.60s\" is not the version of a List; write v1", api_version);
	else if (!items || items->type != VALUE_LIST)
		complain(ld, DIAG_ERROR, items ? items : doc, "items",
			 "is required: a list of resources");
	else
		load_document(ld, items, kind);
	return true;
}

static void load_resource(struct loader *ld, const struct value *doc, const struct kind *kind)
{
	struct load *l = ld->l;
	enum decode_mode mode = DECODE_STRICT | (ld->flags & LOAD_KEEP_DOC ? DECODE_KEEP_DOC : 0);
	struct resource *r = resource_decode(kind, doc, mode, ld->file, &l->diags);

	note_double(ld, doc, r);
	if (ld->flags & LOAD_DROP) {
		l->n++;
		resource_unref(r);
		return;
	}
	*arena_push(&l->arena, l->items, l->n) = r;
}

/* NULL after a complaint, or a note where unknown kinds may be skipped. */
static const struct kind *document_kind(struct loader *ld, const struct value *doc,
					const char *name, const char *api_version)
{
	const struct kind *other, *kind = kind_of(api_version, name, &other);
	enum diag_level level = DIAG_ERROR;
	const char *near;

	if (kind)
		return kind;
	if ((ld->flags & LOAD_SKIP_UNKNOWN) && !(other && strcmp(other->name, name) != 0)) {
		level = DIAG_NOTE; /* but a wrong case can only be a mistake */
		ld->l->n_skipped++;
	}
	if (other && strcmp(other->name, name) != 0) {
		complain(ld, level, value_get(doc, "kind"), "kind",
			 "\"%.60s\" is not a kind; did you mean \"%s\"?", name, other->name);
		return NULL;
	}
	if (other) {
		complain(ld, level, value_get(doc, "apiVersion"), "apiVersion",
			 "\"%.60s\" has no %s that is known here; did you mean \"%s\"?",
			 api_version, name, other->api_version);
		return NULL;
	}
	near = kind_suggest(name);
	complain(ld, level, value_get(doc, "kind"), "kind",
		 "\"%.60s\" is not a kind that is known here%s%s%s%s", name,
		 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
		 level == DIAG_NOTE ? " (skipped)" : "");
	return NULL;
}

/* Remembers R; complains when its name was there before. */
static void note_double(struct loader *ld, const struct value *doc, const struct resource *r)
{
	struct load_seen *s;

	if (!*r->meta.name)
		return;
	s = seen_slot(ld->l, r->kind, r->meta.name);
	if (s->kind) {
		complain(ld, DIAG_ERROR, doc, NULL, "%s/%s stands at %s already; keep one of them",
			 r->kind->aliases[0], r->meta.name, s->place);
		return;
	}
	*s = (struct load_seen){ r->kind, arena_str(&ld->l->arena, r->meta.name),
				 arena_str(&ld->l->arena, r->place) };
	ld->l->n_seen++;
}

/* The slot that has KIND and NAME, or the empty one where they belong. */
static struct load_seen *seen_slot(struct load *l, const struct kind *kind, const char *name)
{
	uint64_t hash = 14695981039346656037u ^ kind->id;
	size_t at;

	if (2 * (l->n_seen + 1) > l->n_slots) {
		struct load_seen *old = l->seen;
		size_t n = l->n_slots;

		l->n_slots = n ? 2 * n : 64;
		l->seen = mem_alloc(l->n_slots * sizeof *l->seen);
		for (size_t i = 0; i < n; i++)
			if (old[i].kind)
				*seen_slot(l, old[i].kind, old[i].name) = old[i];
		free(old);
	}
	for (const char *c = name; *c; c++) /* FNV-1a */
		hash = (hash ^ (unsigned char)*c) * 1099511628211u;
	for (at = hash & (l->n_slots - 1); l->seen[at].kind; at = (at + 1) & (l->n_slots - 1))
		if (l->seen[at].kind == kind && strcmp(l->seen[at].name, name) == 0)
			break;
	return &l->seen[at];
}

static bool enough(struct loader *ld)
{
	if (ld->l->diags.n_errors < LOAD_MAX_ERRORS)
		return false;
	if (!ld->full)
		complain(ld, DIAG_ERROR, NULL, NULL,
			 "has too many errors; what follows was not read");
	ld->full = true;
	return true;
}

static void complain(struct loader *ld, enum diag_level level, const struct value *at,
		     const char *field, const char *format, ...)
{
	auto_arena struct arena a = { 0 };
	struct diags *d = &ld->l->diags;
	const char *words;
	va_list args;

	va_start(args, format);
	words = arena_vprintf(&a, format, args);
	va_end(args);
	d->file = ld->file;
	diag_add(d, level, at ? at->line : 0, at ? at->column : 0, field, "%s",
		 text_clean(&a, words, strlen(words), 400));
}
