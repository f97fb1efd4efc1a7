/* SPDX-License-Identifier: Apache-2.0 */
/* Structs inside structs, and lists of anything. */
#include "model/decode.h"

static void struct_decode(struct decode *dc, const struct field *f, const struct value *v,
			  void *at);
static void struct_ptr_decode(struct decode *dc, const struct field *f, const struct value *v,
			      void *at);
static void list_decode(struct decode *dc, const struct field *f, const struct value *v, void *at);

/* Encoding these needs what the document had besides: encode.c does it. */
/* clang-format off */
const struct type type_struct = { "its fields", "object", 0, struct_decode, NULL };
const struct type type_struct_ptr = {
	"its fields", "object", sizeof(void *), struct_ptr_decode, NULL };
const struct type type_list = { "a list", "list", sizeof(struct list), list_decode, NULL };
/* clang-format on */

static void struct_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	if ((f->flags & FIELD_SECRET) && v->type != VALUE_MAP)
		decode_error(dc, v, "needs a map that names a Secret, not %s; see secretKeyRef",
			     value_type_name(v->type)); /* it may be the password itself */
	else
		decode_shape(dc, f->arg, v, at);
}

static void struct_ptr_decode(struct decode *dc, const struct field *f, const struct value *v,
			      void *at)
{
	const struct shape *shape = f->arg;
	const struct field whole = { .name = "", .type = &type_struct, .arg = shape };
	void *s = arena_alloc(dc->arena, shape->size);

	decode_shape(dc, shape, v, s);
	if (field_is_set(&whole, s))
		*(const void **)at = s;
}

static void list_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	const struct field *element = f->arg;
	struct list *list = at;
	size_t size = field_size(element);
	char *items;

	if (v->type != VALUE_LIST) {
		decode_type_error(dc, v, "a list");
		return;
	}
	if ((f->max && v->n > (uint64_t)f->max) || v->n < (uint64_t)f->min) {
		if (f->min == f->max)
			decode_error(dc, v, "needs exactly %lld, not %u", (long long)f->max, v->n);
		else
			decode_error(dc, v, "has %u items; it needs %lld to %lld", v->n,
				     (long long)f->min, (long long)f->max);
		return;
	}
	if (!v->n)
		return;
	items = arena_alloc(dc->arena, v->n * size);
	for (uint32_t i = 0; i < v->n; i++) {
		size_t errors = dc->diags->n_errors;
		const struct field one = *element;

		decode_enter_item(dc, i);
		if (v->items[i].type != VALUE_NULL)
			one.type->decode(dc, &one, &v->items[i], items + i * size);
		if (one.type != &type_struct && dc->diags->n_errors == errors &&
		    !field_is_set(&one, items + i * size))
			decode_error(dc, &v->items[i], "is empty; needs %s", one.type->name);
		else if (v->items[i].type == VALUE_NULL)
			decode_error(dc, &v->items[i], "is empty; needs %s", one.type->name);
		decode_leave(dc);
	}
	*list = (struct list){ items, v->n };
}
