/* SPDX-License-Identifier: Apache-2.0 */
#include "model/field.h"

#include <strings.h>

#include "base/text.h"

static bool is_name(const char *a, const char *b);

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
	size_t i = field_row(shape, name, 0);

	return i == SIZE_MAX ? NULL : &shape->fields[i];
}

size_t field_row(const struct shape *shape, const char *name, size_t from)
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

bool field_near_limit(const struct shape *shape, const char *name)
{
	for (const struct field *f = shape->fields; f->name; f++)
		if ((f->flags & FIELD_LIMITS) &&
		    (strcasecmp(f->name, name) == 0 ||
		     (strlen(f->name) > 5 && text_distance(f->name, name, 1) <= 1)))
			return true;
	return false;
}

/* Most names differ in their first letter. */
static bool is_name(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}
