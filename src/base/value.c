/* SPDX-License-Identifier: Apache-2.0 */
#include "base/value.h"

#define FEW 16 /* members: searching is cheaper than sorting */

static bool list_eq(const struct value *a, const struct value *b);
static bool map_eq(const struct value *a, const struct value *b);
static bool map_eq_sorted(const struct value *a, const struct value *b);
static const struct member **map_sorted(const struct value *map);
static int member_cmp(const void *a, const void *b);

const struct value *value_get(const struct value *v, const char *key)
{
	if (!v || v->type != VALUE_MAP)
		return NULL;
	for (uint32_t i = 0; i < v->n; i++)
		if (strcmp(v->members[i].key, key) == 0)
			return &v->members[i].value;
	return NULL;
}

const char *value_str(const struct value *v, const char *key)
{
	const struct value *member = value_get(v, key);

	return member && member->type == VALUE_STRING ? member->string : NULL;
}

bool value_eq(const struct value *a, const struct value *b)
{
	if (!a || !b)
		return a == b;
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_NULL:
		return true;
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	case VALUE_INT:
		return a->integer == b->integer;
	case VALUE_REAL:
	case VALUE_STRING:
		return a->n == b->n && memcmp(a->string, b->string, a->n) == 0;
	case VALUE_LIST:
		return list_eq(a, b);
	case VALUE_MAP:
		return map_eq(a, b);
	}
	return false;
}

const char *value_type_name(enum value_type type)
{
	static const char *const names[] = {
		[VALUE_NULL] = "null",		[VALUE_BOOL] = "true or false",
		[VALUE_INT] = "a whole number", [VALUE_REAL] = "a number",
		[VALUE_STRING] = "a string",	[VALUE_LIST] = "a list",
		[VALUE_MAP] = "a map",
	};

	return names[type];
}

struct value value_string(const char *text)
{
	if (!text)
		return (struct value){ .type = VALUE_NULL };
	return (struct value){ .type = VALUE_STRING, .n = (uint32_t)strlen(text), .string = text };
}

struct value value_int(int64_t number)
{
	return (struct value){ .type = VALUE_INT, .integer = number };
}

struct value value_bool(bool b)
{
	return (struct value){ .type = VALUE_BOOL, .boolean = b };
}

struct value value_list(const struct value *items, size_t n)
{
	return (struct value){ .type = VALUE_LIST, .n = (uint32_t)n, .items = items };
}

struct value value_map(const struct member *members, size_t n)
{
	return (struct value){ .type = VALUE_MAP, .n = (uint32_t)n, .members = members };
}

static bool list_eq(const struct value *a, const struct value *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (!value_eq(&a->items[i], &b->items[i]))
			return false;
	return true;
}

static bool map_eq(const struct value *a, const struct value *b)
{
	bool same_order = true;

	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; same_order && i < a->n; i++)
		same_order = strcmp(a->members[i].key, b->members[i].key) == 0;
	if (!same_order && a->n > FEW)
		return map_eq_sorted(a, b);
	for (uint32_t i = 0; i < a->n; i++) {
		const struct value *other =
			same_order ? &b->members[i].value : value_get(b, a->members[i].key);

		if (!other || !value_eq(&a->members[i].value, other))
			return false;
	}
	return true;
}

static bool map_eq_sorted(const struct value *a, const struct value *b)
{
	auto_free const struct member **as = map_sorted(a);
	auto_free const struct member **bs = map_sorted(b);

	for (uint32_t i = 0; i < a->n; i++)
		if (strcmp(as[i]->key, bs[i]->key) != 0 || !value_eq(&as[i]->value, &bs[i]->value))
			return false;
	return true;
}

/* Pointers to the members in order of their keys; the caller frees them. */
static const struct member **map_sorted(const struct value *map)
{
	const struct member **sorted = mem_alloc(map->n * sizeof *sorted);

	for (uint32_t i = 0; i < map->n; i++)
		sorted[i] = &map->members[i];
	qsort(sorted, map->n, sizeof *sorted, member_cmp);
	return sorted;
}

static int member_cmp(const void *a, const void *b)
{
	return strcmp((*(const struct member *const *)a)->key,
		      (*(const struct member *const *)b)->key);
}
