/* SPDX-License-Identifier: Apache-2.0 */
#include "model/resource.h"

#include "base/json.h"
#include "model/decode.h"

#define ABOUT_SIZE 300 /* a kind's word, and a name that name_valid() takes */

static struct resource *decode_document(const struct kind *kind, const struct value *doc,
					const char *name, const char *version,
					enum decode_mode mode, const char *file, struct diags *d);
static struct resource *resource_unread(const struct kind *kind, const char *name,
					const char *version, const struct diag *why);
static const char *resource_new(struct resource **ret, const struct kind *kind, const char *name,
				char about[ABOUT_SIZE]);
static void body_decode(struct decode *dc, struct resource *r, const struct value *doc, void *spec);
static void annotations_decode(struct decode *dc, const struct kind *kind,
			       const struct value *annotations, void *spec);
static const struct shape *envelope(const struct kind *kind);
static void complaints_keep(struct resource *r, struct diags *own, struct diags *d);
static struct value encode(const struct resource *r, bool reveal, struct arena *a);

#define ENVELOPE_START                                                                             \
	{ "apiVersion", F_ANY, .doc = "The version of this kind." },                               \
		{ "kind", F_ANY, .doc = "The kind." },                                             \
	{                                                                                          \
		"metadata", F_ANY, .doc = "Its name, labels and annotations."                      \
	}

/* clang-format off */
static const struct field spec_fields[] = {
	ENVELOPE_START, { "spec", F_ANY, FIELD_LIMITS, .doc = "What is wanted." }, { 0 } };
static const struct field status_fields[] = {
	ENVELOPE_START, { "status", F_ANY, .doc = "What was found." }, { 0 } };
static const struct field kept_fields[] = {
	ENVELOPE_START, { "spec", F_ANY, FIELD_LIMITS, .doc = "What is wanted." },
	{ "status", F_ANY, .doc = "Kept." }, { 0 } };
/* clang-format on */
static const char *const envelope_names[] = { "apiVersion", "kind", "metadata", NULL };
static const struct shape spec_envelope = { .name = "a resource", .fields = spec_fields };
static const struct shape status_envelope = { .name = "a resource", .fields = status_fields };
static const struct shape kept_envelope = { .name = "a resource", .fields = kept_fields };

struct resource *resource_decode(const struct kind *kind, const struct value *doc,
				 enum decode_mode mode, const char *file, struct diags *d)
{
	return decode_document(kind, doc, NULL, NULL, mode, file, d);
}

struct resource *resource_from_json(const struct kind *kind, const char *name, const char *version,
				    const char *json, size_t len, enum decode_mode mode)
{
	static struct arena scratch; /* what one needed serves the next */
	struct diags d = { .arena = &scratch };
	const struct value *doc;
	struct resource *r;

	/* Names go where no quoting is: into comments and descriptions of BIRD's configuration. */
	if (!name_valid(name))
		return resource_unread(
			kind, name, version,
			&(struct diag){ .text = "is not a name that an object may "
						"have: use A-Z a-z 0-9 . _ - only" });
	if (len > RESOURCE_MAX)
		return resource_unread(kind, name, version,
				       &(struct diag){ .text = "is larger than 16 MiB" });
	scratch.secret = kind->id == KIND_SECRET;
	doc = json_parse(json, len, &scratch, &d);
	if (d.n)
		d.items[0].text = arena_printf(&scratch, "is not JSON: %s", d.items[0].text);
	if (doc)
		r = decode_document(kind, doc, name, version, mode, NULL, NULL);
	else
		r = resource_unread(kind, name, version,
				    d.n ? d.items :
					  &(struct diag){ .text = "is not JSON: it is empty" });
	arena_reset(&scratch);
	return r;
}

struct value resource_encode(const struct resource *r, struct arena *a)
{
	return encode(r, false, a);
}

struct value resource_encode_revealed(const struct resource *r, struct arena *a)
{
	return encode(r, true, a);
}

bool resource_same(const struct resource *a, const struct resource *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || resource_broken(a) != resource_broken(b))
		return false;
	if (resource_broken(a))
		return a->doc && b->doc && value_eq(a->doc, b->doc);
	return strmap_eq(&a->meta.labels, &b->meta.labels) &&
	       strmap_eq(&a->meta.annotations, &b->meta.annotations) &&
	       encode_same(&a->kind->shape, a->spec, b->spec);
}

struct resource *resource_ref(const struct resource *r)
{
	struct resource *mine = (struct resource *)r; /* the count is not part of the object */

	mine->refs++;
	return mine;
}

void resource_unref(struct resource *r)
{
	struct arena own;

	if (!r || --r->refs)
		return;
	own = r->arena; /* it is in there itself */
	arena_free(&own);
}

const char *resource_id(const struct resource *r, struct arena *a)
{
	return arena_printf(a, "%s/%s", r->kind->aliases[0], r->meta.name);
}

static struct resource *decode_document(const struct kind *kind, const struct value *doc,
					const char *name, const char *version,
					enum decode_mode mode, const char *file, struct diags *d)
{
	const char *called = name ? name : value_str(value_get(doc, "metadata"), "name");
	char about[ABOUT_SIZE];
	struct resource *r;
	struct diags own;
	struct decode dc;
	void *spec;

	called = resource_new(&r, kind, called, about);
	own = (struct diags){ .arena = &r->arena, .file = file, .about = called };
	dc = (struct decode){
		.mode = mode, .arena = &r->arena, .diags = &own, .doc = doc, .name = name
	};
	spec = arena_alloc(&r->arena, kind->shape.size);
	body_decode(&dc, r, doc, spec);
	if (name)
		r->meta.name = arena_str(&r->arena, name);
	if (!r->meta.name)
		r->meta.name = "";
	if (version)
		r->meta.version = arena_str(&r->arena, version);
	if (file)
		r->place = arena_printf(&r->arena, "%s:%u", file, doc->line);
	if (mode & DECODE_KEEP_DOC) {
		struct value *copy = arena_new(&r->arena, struct value);

		*copy = decode_copy(doc, &r->arena);
		r->doc = copy;
	}
	r->spec = spec;
	if (kind->check && !own.n_errors)
		kind->check(&dc, r);
	if (own.n_errors)
		r->spec = NULL;
	complaints_keep(r, &own, d);
	return r;
}

/* What a store has under NAME and nobody can read: broken by the one complaint WHY. */
static struct resource *resource_unread(const struct kind *kind, const char *name,
					const char *version, const struct diag *why)
{
	char about[ABOUT_SIZE];
	struct resource *r;
	struct diags own;

	own = (struct diags){ .about = resource_new(&r, kind, name, about) };
	own.arena = &r->arena;
	r->meta.name = arena_str(&r->arena, name);
	r->meta.version = arena_str(&r->arena, version);
	diag_add(&own, DIAG_ERROR, why->line, why->column, NULL, "%s", why->text);
	complaints_keep(r, &own, NULL);
	return r;
}

/* An empty resource; ABOUT becomes "bgppeer/NAME" and is returned, NULL without a name. */
static const char *resource_new(struct resource **ret, const struct kind *kind, const char *name,
				char about[ABOUT_SIZE])
{
	struct arena own = { .secret = kind->id == KIND_SECRET };
	struct resource *r = arena_new(&own, struct resource);

	r->kind = kind;
	r->refs = 1;
	r->arena = own;
	*ret = r;
	if (str_empty(name) || !name_valid(name))
		return NULL;
	stpcpy(stpcpy(stpcpy(about, kind->aliases[0]), "/"), name);
	return about;
}

static void body_decode(struct decode *dc, struct resource *r, const struct value *doc, void *spec)
{
	const struct kind *kind = r->kind;
	const struct around top = { .skip = envelope_names };
	const struct around body = { .below = &kind->shape, .below_name = kind_body(kind),
				     .closed = kind->flags & KIND_CLOSED };
	struct given given[DECODE_FIELDS] = { 0 };
	struct value none = { .type = VALUE_MAP, .line = doc->line, .column = doc->column };

	if (kind->flags & KIND_TOP_LEVEL) {
		if (!decode_rows(dc, &kind->shape, doc, spec, &top, given))
			return;
		meta_decode(dc, kind, value_get(doc, "metadata"), doc, &r->meta);
		if (r->meta.name)
			dc->name = r->meta.name;
		check_shape(dc, &kind->shape, doc, spec, given);
		return;
	}
	if (!decode_rows(dc, envelope(kind), doc, NULL, &body, given))
		return;
	meta_decode(dc, kind, given[2].value, doc, &r->meta);
	if (!dc->name)
		dc->name = r->meta.name;
	if (kind->flags & KIND_CLOSED)
		dc->mode &= ~(unsigned)DECODE_TOLERANT;
	decode_enter(dc, kind_body(kind));
	decode_shape(dc, &kind->shape, given[3].value ? given[3].value : &none, spec);
	decode_leave(dc);
	annotations_decode(dc, kind, value_get(given[2].value, "annotations"), spec);
}

/* Ours among the annotations are fields like those of the spec. "created" is for all kinds, and read
 * elsewhere (born.c); what is no string was said of the map of all. */
static void annotations_decode(struct decode *dc, const struct kind *kind,
			       const struct value *annotations, void *spec)
{
	static const struct field none = { 0 };
	const struct shape shape = { .name = kind->name,
				     .fields = kind->annotations ? kind->annotations : &none };
	struct given given[DECODE_FIELDS] = { 0 };
	struct value ours;
	struct member *members;

	if (!annotations || annotations->type != VALUE_MAP)
		return;
	members = arena_array(dc->arena, struct member, annotations->n);
	ours = *annotations;
	ours.members = members;
	ours.n = 0;
	for (uint32_t i = 0; i < annotations->n; i++) {
		const struct member *m = &annotations->members[i];

		if (strncmp(m->key, ANNOTATION_PREFIX, strlen(ANNOTATION_PREFIX)) == 0 &&
		    strcmp(m->key, ANNOTATION_CREATED) != 0 && m->value.type == VALUE_STRING)
			members[ours.n++] = *m;
	}
	if (!ours.n)
		return;
	decode_enter(dc, "metadata");
	decode_enter(dc, "annotations");
	decode_rows(dc, &shape, &ours, spec, NULL, given);
	decode_leave(dc);
	decode_leave(dc);
}

static const struct shape *envelope(const struct kind *kind)
{
	if (kind->flags & KIND_STATUS_BODY)
		return &status_envelope;
	return kind->flags & KIND_STATUS_KEPT ? &kept_envelope : &spec_envelope;
}

/* In the order of the text: checks complain after the rows, but people read from the top. */
static void complaints_keep(struct resource *r, struct diags *own, struct diags *d)
{
	for (size_t i = 1; i < own->n; i++) {
		struct diag one = own->items[i];
		size_t j = i;

		for (; j && (own->items[j - 1].line > one.line ||
			     (own->items[j - 1].line == one.line &&
			      own->items[j - 1].column > one.column));
		     j--)
			own->items[j] = own->items[j - 1];
		own->items[j] = one;
	}
	r->complaints = own->items;
	r->n_complaints = own->n;
	if (!d)
		return;
	for (size_t i = 0; i < own->n; i++) {
		const struct diag *c = &own->items[i];
		const char *file = d->file, *about = d->about;

		d->file = c->file;
		d->about = c->about;
		diag_add(d, c->level, c->line, c->column, c->field, "%s", c->text);
		d->file = file;
		d->about = about;
	}
}

static struct value encode(const struct resource *r, bool reveal, struct arena *a)
{
	bool top = r->kind->flags & KIND_TOP_LEVEL;
	const char *body = kind_body(r->kind);
	struct member *members;
	struct value rows = { .type = VALUE_MAP };
	size_t n = 0;

	if (resource_broken(r) && r->doc && r->kind->id != KIND_SECRET)
		return *r->doc;
	if (!resource_broken(r))
		rows = encode_shape(&r->kind->shape, r->spec,
				    top ? r->doc : value_get(r->doc, body),
				    top ? envelope_names : NULL, reveal, a);
	members = arena_array(a, struct member, 4 + rows.n + (r->doc ? r->doc->n : 0));
	members[n++] =
		(struct member){ .key = "apiVersion", .value = value_string(r->kind->api_version) };
	members[n++] = (struct member){ .key = "kind", .value = value_string(r->kind->name) };
	members[n++] = (struct member){
		.key = "metadata",
		.value = encode_shape(&meta_shape, &r->meta, value_get(r->doc, "metadata"), NULL,
				      true, a),
	};
	if (resource_broken(r))
		return value_map(members, n);
	if (top) {
		for (uint32_t i = 0; i < rows.n; i++)
			members[n++] = rows.members[i];
		return value_map(members, n);
	}
	members[n++] = (struct member){ .key = body, .value = rows };
	for (uint32_t i = 0; r->doc && r->doc->type == VALUE_MAP && i < r->doc->n; i++) {
		const struct member *m = &r->doc->members[i];
		/* A status that nobody filled in is no news to people. */
		bool nothing =
			m->value.type == VALUE_NULL || (m->value.type == VALUE_MAP && !m->value.n);

		if (!field_find(&spec_envelope, m->key) && strcmp(m->key, body) != 0 &&
		    !(nothing && field_find(envelope(r->kind), m->key)))
			members[n++] = *m;
	}
	return value_map(members, n);
}
