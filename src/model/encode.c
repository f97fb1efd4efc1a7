/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A struct becomes a map again: what is set, in the order of the rows, and behind it what the
 * document had that no row knows. Texts are not copied: the map lives as long as its source.
 */
#include "model/decode.h"

#include "base/text.h"

static struct value field_encode(const struct field *f, const void *at, const struct value *doc,
				 bool reveal, struct arena *a);
static struct value list_encode(const struct field *f, const struct list *list,
				const struct value *doc, bool reveal, struct arena *a);
static struct value redacted(const struct strmap *m, struct arena *a);
static bool field_same(const struct field *f, const void *a, const void *b);

struct value encode_shape(const struct shape *shape, const void *at, const struct value *doc,
			  const char *const *skip, bool reveal, struct arena *a)
{
	size_t rows = 0, n = 0;
	struct member *members;

	if (doc && doc->type != VALUE_MAP)
		doc = NULL;
	while (shape->fields[rows].name)
		rows++;
	members = arena_array(a, struct member, rows + (doc ? doc->n : 0));
	for (const struct field *f = shape->fields; f->name; f++)
		if (f->type != &type_any && field_is_set(f, at))
			members[n++] = (struct member){
				.key = f->name,
				.value = field_encode(f, (const char *)at + f->offset,
						      value_get(doc, f->name), reveal, a),
			};
	for (uint32_t i = 0; doc && i < doc->n; i++) {
		const struct field *f = field_find(shape, doc->members[i].key);

		if (field_unread(f) && !(skip && name_find(skip, doc->members[i].key, -1) >= 0))
			members[n++] = doc->members[i];
	}
	return value_map(members, n);
}

bool field_unread(const struct field *f)
{
	return !f || (f->type == &type_any && !(f->flags & FIELD_DROPPED));
}

bool encode_same(const struct shape *shape, const void *a, const void *b)
{
	for (const struct field *f = shape->fields; f->name; f++)
		if (f->type != &type_any &&
		    !field_same(f, (const char *)a + f->offset, (const char *)b + f->offset))
			return false;
	return true;
}

static struct value field_encode(const struct field *f, const void *at, const struct value *doc,
				 bool reveal, struct arena *a)
{
	if (f->type == &type_struct)
		return encode_shape(f->arg, at, doc, NULL, reveal, a);
	if (f->type == &type_struct_ptr)
		return encode_shape(f->arg, *(const void *const *)at, doc, NULL, reveal, a);
	if (f->type == &type_list)
		return list_encode(f, at, doc, reveal, a);
	if ((f->flags & FIELD_SECRET) && f->type == &type_strmap && !reveal)
		return redacted(at, a);
	return f->type->encode(f, at, a);
}

static struct value list_encode(const struct field *f, const struct list *list,
				const struct value *doc, bool reveal, struct arena *a)
{
	const struct field *element = f->arg;
	struct value *items = arena_array(a, struct value, list->n);
	size_t size = field_size(element);
	bool paired = doc && doc->type == VALUE_LIST && doc->n == list->n;

	for (size_t i = 0; i < list->n; i++)
		items[i] = field_encode(element, (const char *)list->items + i * size,
					paired ? &doc->items[i] : NULL, reveal, a);
	return value_list(items, list->n);
}

static struct value redacted(const struct strmap *m, struct arena *a)
{
	struct member *members = arena_array(a, struct member, m->n);

	for (size_t i = 0; i < m->n; i++)
		members[i] =
			(struct member){ .key = m->items[i].key, .value = value_string(REDACTED) };
	return value_map(members, m->n);
}

static bool field_same(const struct field *f, const void *a, const void *b)
{
	if (f->type == &type_struct)
		return encode_same(f->arg, a, b);
	if (f->type == &type_struct_ptr) {
		const void *x = *(const void *const *)a, *y = *(const void *const *)b;

		return x == y || (x && y && encode_same(f->arg, x, y));
	}
	if (f->type == &type_list) {
		const struct list *x = a, *y = b;
		size_t size = field_size(f->arg);

		if (x->n != y->n)
			return false;
		for (size_t i = 0; i < x->n; i++)
			if (!field_same(f->arg, (const char *)x->items + i * size,
					(const char *)y->items + i * size))
				return false;
		return true;
	}
	if (f->type == &type_strmap)
		return strmap_eq(a, b);
	if (f->type == &type_seconds)
		return ((const struct seconds *)a)->value == ((const struct seconds *)b)->value;
	if (f->type == &type_selector) {
		const struct selector *x = *(const struct selector *const *)a;
		const struct selector *y = *(const struct selector *const *)b;

		return x == y || (x && y && str_eq(selector_canonical(x), selector_canonical(y)));
	}
	if (f->type == &type_json) {
		const struct value *x = *(const struct value *const *)a;
		const struct value *y = *(const struct value *const *)b;

		return x == y || (x && y && value_eq(x, y));
	}
	if (f->type == &type_string || f->type == &type_name || f->type == &type_community)
		return str_eq(*(const char *const *)a, *(const char *const *)b);
	return memcmp(a, b, f->type->size) == 0;
}
