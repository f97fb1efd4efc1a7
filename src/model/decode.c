/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map meets a table. Each member finds its row; one that has none is compared with the names of
 * the rows, and when it is nearly one of them it is decoded as that one after the complaint: so a
 * misspelt field costs one line and not a second one about a field that is missing.
 *
 * `given` remembers for each row what the user wrote, right or wrong. Rules ask it instead of the
 * struct, for the same reason.
 */
#include "model/decode.h"

#include <stdio.h>

#include "base/text.h"
#include "base/words.h"

static void complain(struct decode *dc, enum diag_level level, const struct value *v,
		     const char *format, va_list args) printf_like(4, 0);
static size_t text_control(const char *text);
static void pair_check(struct decode *dc, const struct field *f, const struct member *m);
static const char *put_text(char **at, const char *text, size_t len);
static const char *path_text(const struct decode *dc, struct buf *b);
static size_t row_find(const struct shape *shape, const char *name, size_t from);
static size_t unknown_field(struct decode *dc, const struct shape *shape, const struct value *v,
			    const struct member *m, const char *const *skip);
static void row_decode(struct decode *dc, const struct field *f, const struct value *v, void *at,
		       const struct value **given);
static void inert_warn(struct decode *dc, const struct field *f, const struct value *v);

void decode_error(struct decode *dc, const struct value *v, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(dc, DIAG_ERROR, v, format, args);
	va_end(args);
}

void decode_warn(struct decode *dc, const struct value *v, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(dc, DIAG_WARNING, v, format, args);
	va_end(args);
}

void decode_code(struct decode *dc, const char *code)
{
	dc->diags->items[dc->diags->n - 1].code = code;
}

void decode_strict_error(struct decode *dc, const struct value *v, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(dc, decode_strict(dc) ? DIAG_ERROR : DIAG_WARNING, v, format, args);
	va_end(args);
}

void decode_type_error(struct decode *dc, const struct value *v, const char *needs)
{
	bool string = strncmp(needs, "a string", 8) == 0;

	if (string && (v->type == VALUE_INT || v->type == VALUE_REAL || v->type == VALUE_BOOL))
		decode_error(dc, v, "needs %s; quote it: \"%s\"", needs, decode_show(dc, v));
	else if (v->type == VALUE_STRING)
		decode_error(dc, v, "needs %s, not the string %s", needs, decode_show(dc, v));
	else
		decode_error(dc, v, "needs %s, not %s", needs, decode_show(dc, v));
}

const char *decode_show(const struct decode *dc, const struct value *v)
{
	switch (v->type) {
	case VALUE_STRING:
		return arena_printf(dc->diags->arena, "\"%s%s\"",
				    text_clean(dc->diags->arena, v->string, v->n, 60),
				    v->n > 60 ? "..." : "");
	case VALUE_REAL:
		return text_clean(dc->diags->arena, v->string, strlen(v->string), 60);
	case VALUE_INT:
		return arena_printf(dc->diags->arena, "%lld", (long long)v->integer);
	case VALUE_BOOL:
		return v->boolean ? "true" : "false";
	case VALUE_NULL:
		return "nothing";
	default:
		return value_type_name(v->type);
	}
}

const struct value *decode_given(const struct decode *dc, const char *field)
{
	size_t i = row_find(dc->shape, field, 0);

	return i == SIZE_MAX ? NULL : dc->given[i];
}

void decode_shape(struct decode *dc, const struct shape *shape, const struct value *v, void *at)
{
	const struct value *given[DECODE_FIELDS] = { NULL };

	if (decode_rows(dc, shape, v, at, NULL, given))
		check_shape(dc, shape, v, at, given);
}

bool decode_rows(struct decode *dc, const struct shape *shape, const struct value *v, void *at,
		 const char *const *skip, const struct value **given)
{
	size_t next = 0;

	if (v->type != VALUE_MAP) {
		decode_type_error(dc, v, "a map of fields");
		return false;
	}
	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->members[i];
		size_t row = row_find(shape, m->key, next);

		if (row == SIZE_MAX) {
			if (skip && name_find(skip, m->key, -1) >= 0)
				continue;
			row = unknown_field(dc, shape, v, m, skip);
		} else {
			next = row + 1;
		}
		if (row != SIZE_MAX)
			row_decode(dc, &shape->fields[row], &m->value, at, &given[row]);
	}
	return true;
}

const char *decode_text(struct decode *dc, const struct field *f, const struct value *v)
{
	const struct pattern *p = f->type == &type_string ? f->arg : NULL;
	size_t i;

	if (v->type != VALUE_STRING) {
		decode_type_error(dc, v, "a string");
		return NULL;
	}
	if (!v->n)
		return NULL;
	if (f->max && v->n > (uint64_t)f->max) {
		decode_error(dc, v, "has %u characters; at most %lld are allowed", v->n,
			     (long long)f->max);
		return NULL;
	}
	i = f->flags & (FIELD_RAW | FIELD_SECRET) ? v->n : text_control(v->string);
	if (i < v->n) {
		decode_error(dc, v,
			     "has a control character (line break, tab or the like) "
			     "as character %zu; write it without",
			     i + 1);
		return NULL;
	}
	if (p && !p->holds(v->string)) {
		decode_error(dc, v, "%s is not %s", decode_show(dc, v), p->want);
		return NULL;
	}
	return v->string;
}

struct strmap decode_strmap(struct decode *dc, const struct field *f, const struct value *v)
{
	const struct pairs *common = f->arg;
	const char *kept[64]; /* keys that need no copy */
	size_t size = 0, n = 0;
	struct strpair *items;
	char *at;

	if (v->type != VALUE_MAP) {
		if (f->flags & FIELD_SECRET)
			decode_error(dc, v, "needs a map of strings, not %s",
				     value_type_name(v->type));
		else
			decode_type_error(dc, v, "a map of strings");
		return (struct strmap){ 0 };
	}
	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->members[i];
		size_t key_len = member_key_len(m);
		struct word *word =
			common && n < lengthof(kept) ? word_kept(m->key, key_len) : NULL;

		if (!key_len || m->value.type != VALUE_STRING || !(f->flags & FIELD_RAW))
			pair_check(dc, f, m);
		if (common && common->check(dc, m, word && word->good) && word)
			word->good = true;
		if (m->value.type != VALUE_STRING)
			continue;
		size += sizeof *items + m->value.n + 1 + (word ? 0 : key_len + 1);
		if (n < lengthof(kept))
			kept[n] = word ? word->text : NULL;
		n++;
	}
	if (!n)
		return (struct strmap){ 0 };
	items = arena_alloc(dc->arena, size); /* one block: most of a Node is labels */
	at = (char *)(items + n);
	n = 0;
	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->members[i];

		if (m->value.type != VALUE_STRING)
			continue;
		items[n].key = n < lengthof(kept) && kept[n] ?
				       kept[n] :
				       put_text(&at, m->key, member_key_len(m));
		items[n++].value = put_text(&at, m->value.string, m->value.n);
	}
	return strmap_make(items, n);
}

struct value decode_copy(const struct value *v, struct arena *a)
{
	struct value copy = *v;

	if (v->type == VALUE_STRING) {
		copy.string = arena_strn(a, v->string, v->n);
	} else if (v->type == VALUE_REAL) {
		copy.string = arena_str(a, v->string);
	} else if (v->type == VALUE_LIST) {
		struct value *items = arena_array(a, struct value, v->n);

		for (uint32_t i = 0; i < v->n; i++)
			items[i] = decode_copy(&v->items[i], a);
		copy.items = items;
	} else if (v->type == VALUE_MAP) {
		struct member *members = arena_array(a, struct member, v->n);

		for (uint32_t i = 0; i < v->n; i++) {
			members[i] = v->members[i];
			members[i].key = arena_str(a, v->members[i].key);
			members[i].value = decode_copy(&v->members[i].value, a);
		}
		copy.members = members;
	}
	return copy;
}

bool field_is_set(const struct field *f, const void *spec)
{
	const char *at = (const char *)spec + f->offset;

	for (size_t i = 0, size = field_size(f); i < size; i++)
		if (at[i])
			return true;
	return false;
}

size_t field_size(const struct field *f)
{
	return f->type == &type_struct ? ((const struct shape *)f->arg)->size : f->type->size;
}

const struct field *field_find(const struct shape *shape, const char *name)
{
	size_t i = row_find(shape, name, 0);

	return i == SIZE_MAX ? NULL : &shape->fields[i];
}

static void complain(struct decode *dc, enum diag_level level, const struct value *v,
		     const char *format, va_list args)
{
	auto_buf struct buf path = { 0 };
	struct diags *d = dc->diags;
	size_t n_before =
		level == DIAG_ERROR ? d->n_errors : d->n - MIN(d->n_errors, DECODE_COMPLAINTS + 1);
	const char *words;

	if (n_before > DECODE_COMPLAINTS) {
		d->n_errors += level == DIAG_ERROR;
		return;
	}
	words = n_before < DECODE_COMPLAINTS ? arena_vprintf(d->arena, format, args) :
					       "this is wrong too, and more that is not told";
	diag_add(d, level, v ? v->line : 0, v ? v->column : 0,
		 dc->depth ? path_text(dc, &path) : NULL, "%s", words);
}

/* Where the first control character (C0, DEL, C1) of TEXT is, or its end. */
static size_t text_control(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	for (;; at++) {
		if (*at - 0x20u < 0x5f) /* printable ASCII */
			continue;
		if (*at < 0x20 || *at == 0x7f || (*at == 0xc2 && (at[1] & 0xe0) == 0x80))
			return (size_t)(at - (const unsigned char *)text);
	}
}

/* Of a map of strings. */
static void pair_check(struct decode *dc, const struct field *f, const struct member *m)
{
	const struct field one = { .name = "", .type = &type_strmap, .flags = f->flags };
	const struct value *text = &m->value;

	decode_enter(dc, m->key);
	if (!*m->key)
		decode_error(dc, text, "has an empty key");
	else if (text->type != VALUE_STRING && (f->flags & FIELD_SECRET))
		decode_error(dc, text, "needs a string, in quotes, not %s",
			     text->type == VALUE_NULL ? "nothing" : value_type_name(text->type));
	else
		decode_text(dc, &one, text);
	decode_leave(dc);
}

/* A copy at AT, which moves on. */
static const char *put_text(char **at, const char *text, size_t len)
{
	char *copy = memcpy(*at, text, len + 1);

	*at += len + 1;
	return copy;
}

static const char *path_text(const struct decode *dc, struct buf *b)
{
	for (unsigned i = 0; i < MIN(dc->depth, DECODE_DEPTH); i++) {
		const struct decode_step *s = &dc->steps[i];

		if (!s->name)
			buf_printf(b, "[%zu]", s->index);
		else if (strpbrk(s->name, ". \n\t"))
			buf_printf(b, "[\"%.80s\"]",
				   text_clean(dc->diags->arena, s->name, strlen(s->name), 80));
		else
			buf_printf(b, "%s%.80s", i ? "." : "", s->name);
	}
	return buf_text(b);
}

/* Most names differ in their first letter. */
static inline bool is_name(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}

/* Members mostly stand in the order of the rows, so the search begins at FROM and goes round. */
static size_t row_find(const struct shape *shape, const char *name, size_t from)
{
	size_t i;

	for (i = from; shape->fields[i].name; i++)
		if (is_name(shape->fields[i].name, name))
			return i;
	for (i = 0; i < from; i++)
		if (is_name(shape->fields[i].name, name))
			return i;
	return SIZE_MAX;
}

/* Complains about M; returns the row that it was meant to be, if that is clear and free. */
static size_t unknown_field(struct decode *dc, const struct shape *shape, const struct value *v,
			    const struct member *m, const char *const *skip)
{
	struct value place = { .line = m->line, .column = m->column };
	const char *names[DECODE_FIELDS + 8], *near;
	size_t n = 0, row = SIZE_MAX;

	for (; shape->fields[n].name && n < DECODE_FIELDS; n++)
		names[n] = shape->fields[n].name;
	for (size_t i = 0; skip && skip[i]; i++)
		names[n++] = skip[i];
	names[n] = NULL;
	near = name_suggest(names, m->key);
	decode_enter(dc, m->key);
	if (dc->below && dc->depth == 1 && field_find(dc->below, m->key))
		near = NULL;
	if (near) {
		decode_strict_error(dc, &place, "no such field; did you mean \"%s\"?", near);
		if (decode_strict(dc) && !value_get(v, near))
			row = row_find(shape, near, 0);
	} else if (dc->below && dc->depth == 1 && field_find(dc->below, m->key)) {
		decode_strict_error(dc, &place, "no such field here; it belongs under %s",
				    dc->below_name);
	} else {
		decode_strict_error(dc, &place, "no such field in %s", shape->name);
	}
	decode_leave(dc);
	return row;
}

static void row_decode(struct decode *dc, const struct field *f, const struct value *v, void *at,
		       const struct value **given)
{
	size_t errors = dc->diags->n_errors;

	if (v->type == VALUE_NULL)
		return;
	if (f->type == &type_any) {
		*given = v;
		return;
	}
	decode_enter(dc, f->name);
	f->type->decode(dc, f, v, (char *)at + f->offset);
	if (dc->diags->n_errors > errors)
		*given = v;
	else if (field_is_set(f, at)) {
		*given = v;
		if (f->flags & FIELD_INERT)
			inert_warn(dc, f, v);
	} else if ((f->flags & FIELD_NON_EMPTY) &&
		   (v->type == VALUE_MAP || v->type == VALUE_LIST)) {
		decode_error(dc, v, "must not be empty; leave it out or fill it");
		*given = v;
	}
	decode_leave(dc);
}

/* Asking for what is the default anyway is no news. */
static void inert_warn(struct decode *dc, const struct field *f, const struct value *v)
{
	bool is_default =
		f->dflt &&
		((v->type == VALUE_STRING && str_eq(v->string, f->dflt)) ||
		 (v->type == VALUE_BOOL && str_eq(v->boolean ? "true" : "false", f->dflt)));

	if (is_default)
		return;
	decode_warn(dc, v, "is kept but not acted on yet");
	decode_code(dc, "NOT_ACTED_ON");
}
