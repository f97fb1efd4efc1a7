/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store gets. A store is shared with Calico, whose objects have more in them than our tables
 * know; so what is written is what the user gave, laid over what others had put there.
 *
 * Both sides are encoded first. So what is merged is normalised, and an object that nobody changed
 * comes out equal to what it was.
 */
#include "base/text.h"
#include "model/decode.h"
#include "model/resource.h"

static struct value encode_bare(const struct resource *r, bool with_doc, struct arena *a);
static struct value document_merge(const struct kind *kind, const struct value *v,
				   const struct value *have, const struct value *known,
				   struct arena *a);
static struct value shape_merge(const struct shape *shape, const struct value *v,
				const struct value *have, const struct value *known,
				struct arena *a);
static struct value field_merge(const struct field *f, const struct value *v,
				const struct value *have, const struct value *known,
				struct arena *a);
static struct value list_merge(const struct field *element, const struct value *v,
			       const struct value *have, const struct value *known,
			       struct arena *a);
static bool is_map(const struct value *v);
static bool is_list(const struct value *v);
static struct value in_calicos_order(const struct kind *kind, const struct value *v,
				     struct arena *a);
static struct value ordered(const struct value *v, const char *const *names,
			    const struct member *missing, struct arena *a);

struct value resource_stored(const struct resource *r, const struct resource *have, struct arena *a)
{
	struct value v = encode_bare(r, true, a);

	if (have) {
		struct value all = encode_bare(have, true, a);
		struct value known = encode_bare(have, false, a);

		v = document_merge(r->kind, &v, &all, &known, a);
	}
	return in_calicos_order(r->kind, &v, a);
}

/* Without the version, which is the store's; WITH_DOC also what no table knows. */
static struct value encode_bare(const struct resource *r, bool with_doc, struct arena *a)
{
	struct resource bare = *r;

	bare.meta.version = NULL;
	if (!with_doc)
		bare.doc = NULL;
	return resource_encode_revealed(&bare, a);
}

/* HAVE: all that is stored; KNOWN: the part of it that our tables know (so less, or the same). */
static struct value document_merge(const struct kind *kind, const struct value *v,
				   const struct value *have, const struct value *known,
				   struct arena *a)
{
	/* What a closed kind has besides its rows is what broke it, and the file mends that; so it does
	 * with a limit that is misspelt or fell out. */
	bool closed = kind->flags & KIND_CLOSED;
	const struct field rows[] = {
		{ .name = "metadata", .type = &type_struct, .arg = &meta_shape },
		{ .name = kind_body(kind),
		  .type = closed ? &type_json : &type_struct,
		  .flags = FIELD_LIMITS,
		  .arg = &kind->shape },
		{ 0 },
	};
	const struct shape top = { .name = kind->name, .fields = rows };
	struct value all;
	struct member *members;
	size_t n = 0;

	if (kind->flags & KIND_TOP_LEVEL)
		return shape_merge(&kind->shape, v, have, known, a);
	all = shape_merge(&top, v, have, known, a);
	members = arena_array(a, struct member, all.n);
	for (uint32_t i = 0; i < all.n; i++) {
		const struct field *fallen = field_find(&kind->shape, all.members[i].key);

		if (!fallen || !(closed || (fallen->flags & FIELD_LIMITS)))
			members[n++] = all.members[i];
	}
	return value_map(members, n);
}

static struct value shape_merge(const struct shape *shape, const struct value *v,
				const struct value *have, const struct value *known,
				struct arena *a)
{
	struct member *members;
	size_t n = 0;

	if (!is_map(v) || !is_map(have))
		return *v;
	members = arena_array(a, struct member, v->n + have->n);
	for (uint32_t i = 0; i < v->n; i++) {
		struct member m = v->members[i];
		const struct field *f = field_find(shape, m.key);

		if (f)
			m.value = field_merge(f, &m.value, value_get(have, m.key),
					      value_get(known, m.key), a);
		members[n++] = m;
	}
	for (uint32_t i = 0; i < have->n; i++) {
		const struct member *m = &have->members[i];
		const struct field *f = field_find(shape, m->key);

		if (!value_get(v, m->key) && !(!f && field_near_limit(shape, m->key)) &&
		    (field_unread(f) || (f->flags & FIELD_FOREIGN)))
			members[n++] = *m;
	}
	return value_map(members, n);
}

static struct value field_merge(const struct field *f, const struct value *v,
				const struct value *have, const struct value *known,
				struct arena *a)
{
	if (f->type == &type_struct || f->type == &type_struct_ptr)
		return shape_merge(f->arg, v, have, known, a);
	if (f->type == &type_list && is_list(v) && is_list(have) && is_list(known) &&
	    have->n == known->n && !value_eq(have, known))
		return list_merge(f->arg, v, have, known, a);
	return *v;
}

/* An item is the stored one that is equal to it as far as we know it, wherever that stands; where
 * nothing was added or taken away, an item that was changed is the one in its place. */
static struct value list_merge(const struct field *element, const struct value *v,
			       const struct value *have, const struct value *known, struct arena *a)
{
	struct value *items = arena_array(a, struct value, v->n);
	bool *done = arena_array(a, bool, v->n), *taken = arena_array(a, bool, have->n);

	for (uint32_t i = 0; i < v->n; i++)
		for (uint32_t k = 0; k < have->n && !done[i]; k++) {
			uint32_t j = (i + k) % have->n;

			if (taken[j] || !value_eq(&v->items[i], &known->items[j]))
				continue;
			items[i] = field_merge(element, &v->items[i], &have->items[j],
					       &known->items[j], a);
			done[i] = taken[j] = true;
		}
	for (uint32_t i = 0; i < v->n; i++)
		if (!done[i])
			items[i] = v->n == have->n && !taken[i] ?
					   field_merge(element, &v->items[i], &have->items[i],
						       &known->items[i], a) :
					   v->items[i];
	return value_list(items, v->n);
}

static bool is_map(const struct value *v)
{
	return v && v->type == VALUE_MAP;
}

static bool is_list(const struct value *v)
{
	return v && v->type == VALUE_LIST;
}

/* That of Go's structs, which also write what is not set here and there. */
static struct value in_calicos_order(const struct kind *kind, const struct value *v,
				     struct arena *a)
{
	static const char *const top[] = {
		"kind", "apiVersion", "metadata", "spec", "status", NULL
	};
	static const char *const metadata[] = { "name",
						"namespace",
						"uid",
						"generation",
						"creationTimestamp",
						"deletionTimestamp",
						"deletionGracePeriodSeconds",
						"labels",
						"annotations",
						"ownerReferences",
						"finalizers",
						NULL };
	static const struct member created = { .key = "creationTimestamp" };
	static const struct member status = { .key = "status", .value = { .type = VALUE_MAP } };
	struct value doc = ordered(v, top, kind->flags & KIND_STATUS_KEPT ? &status : NULL, a);
	struct member *members = arena_array(a, struct member, doc.n);

	for (uint32_t i = 0; i < doc.n; i++) {
		members[i] = doc.members[i];
		if (strcmp(members[i].key, "metadata") == 0)
			members[i].value = ordered(&members[i].value, metadata, &created, a);
	}
	return value_map(members, doc.n);
}

/* The members of V, and MISSING (NULL: none) unless V has it: first those of NAMES, then the rest. */
static struct value ordered(const struct value *v, const char *const *names,
			    const struct member *missing, struct arena *a)
{
	struct member *members = arena_array(a, struct member, v->n + 1);
	size_t n = 0;

	for (size_t i = 0; names[i]; i++) {
		const struct value *member = value_get(v, names[i]);

		if (!member && missing && strcmp(missing->key, names[i]) == 0)
			member = &missing->value;
		if (member)
			members[n++] = (struct member){ .key = names[i], .value = *member };
	}
	for (uint32_t i = 0; i < v->n; i++)
		if (name_find(names, v->members[i].key, -1) < 0)
			members[n++] = v->members[i];
	return value_map(members, n);
}
