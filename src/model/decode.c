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

static size_t text_control(const char *text);
static void pair_check(struct decode *dc, const struct field *f, const struct member *m);
static const char *put_text(char **at, const char *text, size_t len);
static size_t unknown_field(struct decode *dc, const struct shape *shape, const struct value *v,
			    const struct member *m, const struct around *around);
static void row_decode(struct decode *dc, const struct field *f, const struct value *v, void *at,
		       struct given *given);
static void inert_warn(struct decode *dc, const struct field *f, const struct value *v);

void decode_shape(struct decode *dc, const struct shape *shape, const struct value *v, void *at)
{
	struct given given[DECODE_FIELDS] = { 0 };

	if (decode_rows(dc, shape, v, at, NULL, given))
		check_shape(dc, shape, v, at, given);
}

bool decode_rows(struct decode *dc, const struct shape *shape, const struct value *v, void *at,
		 const struct around *around, struct given given[DECODE_FIELDS])
{
	static const struct around nothing;
	size_t next = 0;

	if (!around)
		around = &nothing;

	if (v->type != VALUE_MAP) {
		decode_type_error(dc, v, "a map of fields");
		return false;
	}
	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->members[i];
		size_t row = field_row(shape, m->key, next);

		if (row == SIZE_MAX) {
			if (around->skip && name_find(around->skip, m->key, -1) >= 0)
				continue;
			row = unknown_field(dc, shape, v, m, around);
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

/* Complains about M; returns the row that it was meant to be, if that is clear and free. */
static size_t unknown_field(struct decode *dc, const struct shape *shape, const struct value *v,
			    const struct member *m, const struct around *around)
{
	const struct field *fallen = around->below ? field_find(around->below, m->key) : NULL;
	struct value place = { .line = m->line, .column = m->column };
	const char *names[DECODE_FIELDS + 8], *near;
	size_t n = 0, row = SIZE_MAX;
	bool guarded = field_near_limit(shape, m->key) ||
		       (fallen && (around->closed || (fallen->flags & FIELD_LIMITS)));
	void (*say)(struct decode *, const struct value *, const char *, ...);

	for (; shape->fields[n].name && n < DECODE_FIELDS; n++)
		names[n] = shape->fields[n].name;
	for (size_t i = 0; around->skip && around->skip[i]; i++)
		names[n++] = around->skip[i];
	names[n] = NULL;
	near = fallen ? NULL : name_suggest(names, m->key);
	say = guarded ? decode_error : decode_strict_error;
	decode_enter(dc, m->key);
	if (near)
		say(dc, &place, "no such field; did you mean \"%s\"?", near);
	else if (fallen)
		say(dc, &place, "no such field here; it belongs under %s", around->below_name);
	else
		say(dc, &place, "no such field in %s", shape->name);
	if (near && decode_strict(dc) && !value_get(v, near))
		row = field_row(shape, near, 0);
	decode_leave(dc);
	return row;
}

static void row_decode(struct decode *dc, const struct field *f, const struct value *v, void *at,
		       struct given *given)
{
	const struct given written = { f->name, v };
	size_t errors = dc->diags->n_errors;

	if (v->type == VALUE_NULL)
		return;
	if (f->type == &type_any) {
		*given = written;
		return;
	}
	decode_enter(dc, f->name);
	f->type->decode(dc, f, v, (char *)at + f->offset);
	if (dc->diags->n_errors > errors)
		*given = written;
	else if (field_is_set(f, at)) {
		*given = written;
		if (f->flags & FIELD_INERT)
			inert_warn(dc, f, v);
	} else if ((f->flags & FIELD_NON_EMPTY) &&
		   (v->type == VALUE_MAP || v->type == VALUE_LIST)) {
		decode_error(dc, v, "must not be empty; leave it out or fill it");
		*given = written;
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
