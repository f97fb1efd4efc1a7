/* SPDX-License-Identifier: Apache-2.0 */
#include "model/columns.h"

#include "model/decode.h"

static void cell_text(const struct value *v, struct buf *out);

const char *column_cell(const struct resource *r, const char *column, struct arena *a)
{
	if (str_eq(column, "NAME"))
		return r->meta.name;
	if (resource_broken(r))
		return "?";
	for (const struct field *f = r->kind->shape.fields; f->name; f++) {
		auto_buf struct buf text = { 0 };
		struct value spec;

		if (!str_eq(f->column, column))
			continue;
		if (!field_is_set(f, r->spec))
			return f->dflt ? f->dflt : "";
		spec = encode_shape(&r->kind->shape, r->spec, NULL, NULL, false, a);
		cell_text(value_get(&spec, f->name), &text);
		return arena_str(a, buf_text(&text));
	}
	return "";
}

static void cell_text(const struct value *v, struct buf *out)
{
	if (!v)
		return;
	if (v->type == VALUE_STRING || v->type == VALUE_REAL)
		buf_str(out, v->string);
	else if (v->type == VALUE_INT)
		buf_printf(out, "%lld", (long long)v->integer);
	else if (v->type == VALUE_BOOL)
		buf_str(out, v->boolean ? "true" : "false");
	for (uint32_t i = 0; v->type == VALUE_LIST && i < v->n; i++) {
		if (i)
			buf_char(out, ',');
		cell_text(&v->items[i], out);
	}
}
