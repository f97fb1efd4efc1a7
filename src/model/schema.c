/* SPDX-License-Identifier: Apache-2.0 */
#include "model/schema.h"

#include "base/text.h"
#include "model/decode.h"

static void kind_print(const struct kind *kind, struct buf *out);
static void shape_print(const struct shape *shape, const char *path, struct buf *out);
static void row_print(const struct field *f, struct buf *out);
static void accepted_print(const struct field *f, struct buf *out);
static void range_print(const struct field *f, const char *unit, struct buf *out);
static void rule_print(const struct rule *r, struct buf *out);
static const struct shape *nested(const struct field *f);

void schema_markdown(struct buf *out)
{
	buf_str(out, "# Kinds and fields\n\n"
		     "Printed from the tables in `src/model/` by `peerctl schema`; do not edit.\n\n"
		     "Names have 1 to 253 of `A-Z a-z 0-9 . _ -`; a name that Kubernetes could not "
		     "hold gives a warning.\nA field that is marked *not acted on yet* is decoded, "
		     "checked and kept.\n");
	for (size_t i = 0; i < KIND_COUNT; i++)
		kind_print(kinds[i], out);
	buf_str(out, "\n## metadata\n\nThe same for all kinds.\n");
	shape_print(&meta_shape, "metadata", out);
}

static void kind_print(const struct kind *kind, struct buf *out)
{
	bool top = kind->flags & KIND_TOP_LEVEL;

	buf_printf(out,
		   "\n## %s\n\n%s%s%s%s\n\n`apiVersion: %s`, aliases (upper and lower case are "
		   "one): ",
		   kind->name, kind->doc, kind->writer ? " Written by " : "",
		   kind->writer ? kind->writer : "", kind->writer ? " alone." : "",
		   kind->api_version);
	for (size_t i = 0; kind->aliases[i]; i++)
		buf_printf(out, "%s`%s`", i ? ", " : "", kind->aliases[i]);
	buf_str(out, ".\n");
	shape_print(&kind->shape, top ? "" : kind_body(kind), out);
	if (kind->annotations)
		shape_print(&(struct shape){ .fields = kind->annotations }, "metadata.annotations",
			    out);
}

/* The table of SHAPE and, behind it, of the shapes inside it. */
static void shape_print(const struct shape *shape, const char *path, struct buf *out)
{
	if (*path)
		buf_printf(out, "\n### %s\n", path);
	buf_str(out, "\n| Field | Description | Accepted values | Schema | Default |\n"
		     "|---|---|---|---|---|\n");
	for (const struct field *f = shape->fields; f->name; f++)
		row_print(f, out);
	if (shape->rules && shape->rules->a)
		buf_char(out, '\n');
	for (const struct rule *r = shape->rules; r && r->a; r++)
		rule_print(r, out);
	for (const struct field *f = shape->fields; f->name; f++) {
		auto_arena struct arena a = { 0 };
		const struct shape *inner = nested(f);

		if (inner)
			shape_print(inner,
				    arena_printf(&a, "%s%s%s%s", path, *path ? "." : "", f->name,
						 f->type == &type_list ? "[]" : ""),
				    out);
	}
}

static void row_print(const struct field *f, struct buf *out)
{
	buf_printf(out, "| `%s` | %s%s%s%s%s%s | ", f->name, f->doc,
		   f->flags & FIELD_REQUIRED ? " Required." : "",
		   f->flags & FIELD_DEFAULT_ONLY ? " Only in the object named `default`." : "",
		   f->flags & FIELD_ENTERPRISE ? " Not in open source Calico." : "",
		   f->flags & FIELD_FOREIGN ? " Kept when a file does not give it." : "",
		   f->flags & FIELD_INERT ? " *Not acted on yet.*" : "");
	accepted_print(f, out);
	if (f->type == &type_list)
		buf_printf(out, " | list of %s", ((const struct field *)f->arg)->type->schema);
	else
		buf_printf(out, " | %s", f->type->schema);
	buf_printf(out, " | %s |\n", f->dflt ? f->dflt : "");
}

static void accepted_print(const struct field *f, struct buf *out)
{
	const char *family = f->arg;

	if (f->type == &type_list) {
		range_print(f, f->max == 1 ? " item of " : " items of ", out);
		accepted_print(f->arg, out);
	} else if (f->type == &type_enum) {
		const char *const *words = f->arg;

		for (size_t i = 1; words[i]; i++)
			buf_printf(out, "%s`%s`", i > 1 ? ", " : "", words[i]);
	} else if (f->type == &type_string && f->arg) {
		buf_str(out, ((const struct pattern *)f->arg)->want);
	} else if (f->type == &type_string || f->type == &type_name || f->type == &type_selector) {
		buf_str(out, f->type->name);
		if (f->max)
			buf_printf(out, " of at most %lld characters", (long long)f->max);
	} else if (f->type == &type_u32 || f->type == &type_opt_u32) {
		range_print(f, "", out);
	} else if (f->type == &type_port) {
		buf_str(out, "1 to 65535");
	} else if (f->type == &type_asn) {
		buf_str(out, "1 to 4294967295, or \"high.low\" in quotes");
	} else if (f->type == &type_seconds) {
		buf_str(out, "a duration like 90s or 2m30s");
		if (f->max)
			buf_printf(out, ", at most %llds", (long long)f->max);
	} else if (f->type == &type_ip || f->type == &type_cidr || f->type == &type_ifaddr) {
		buf_str(out, f->type->name);
		if (family)
			buf_printf(out, " (IPv%s)", family);
	} else {
		buf_str(out, f->type->name);
	}
}

static void range_print(const struct field *f, const char *unit, struct buf *out)
{
	if (f->min && f->min == f->max)
		buf_printf(out, "exactly %lld%s", (long long)f->min, unit);
	else if (f->max)
		buf_printf(out, "%lld to %lld%s", (long long)f->min, (long long)f->max, unit);
	else if (!*unit)
		buf_str(out, "a number");
}

static void rule_print(const struct rule *r, struct buf *out)
{
	const char *eq = r->value ? ": " : "", *value = r->value ? r->value : "";

	buf_printf(out, "* `%s%s%s` ", r->a, eq, value);
	if (r->kind == RULE_NEEDS)
		buf_printf(out, "needs `%s` beside it.\n", r->b);
	else if (r->kind == RULE_TOGETHER)
		buf_printf(out, "and `%s` stand together.\n", r->b);
	else
		buf_printf(out, "and `%s` exclude each other.\n", r->b);
}

static const struct shape *nested(const struct field *f)
{
	if (f->type == &type_list)
		return nested(f->arg);
	return f->type == &type_struct || f->type == &type_struct_ptr ? f->arg : NULL;
}
