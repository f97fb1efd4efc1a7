/* SPDX-License-Identifier: Apache-2.0 */
/* What holds between fields: required rows, rules, the shape's own check. */
#include "model/decode.h"

#include "base/text.h"

static void check_rows(struct decode *dc, const struct shape *shape, const struct value *v);
static void required_error(struct decode *dc, const struct field *f, const struct value *v);
static void check_rule(struct decode *dc, const struct rule *r);
static bool is_word(const struct value *v, const char *word);
static void rule_error(struct decode *dc, const char *field, const struct value *v,
		       const struct rule *r, const char *words);

void check_shape(struct decode *dc, const struct shape *shape, const struct value *v,
		 const void *at, const struct given given[DECODE_FIELDS])
{
	const struct given *outer = dc->given;

	dc->given = given;
	check_rows(dc, shape, v);
	for (const struct rule *r = shape->rules; r && r->a; r++)
		check_rule(dc, r);
	if (shape->check)
		shape->check(dc, v, at);
	dc->given = outer;
}

static void check_rows(struct decode *dc, const struct shape *shape, const struct value *v)
{
	for (size_t i = 0; shape->fields[i].name; i++) {
		const struct field *f = &shape->fields[i];
		const struct value *given = dc->given[i].value;

		if (!(f->flags & (FIELD_REQUIRED | FIELD_DEFAULT_ONLY)))
			continue;
		decode_enter(dc, f->name);
		if ((f->flags & FIELD_REQUIRED) && !given)
			required_error(dc, f, v);
		if ((f->flags & FIELD_DEFAULT_ONLY) && given && !str_empty(dc->name) &&
		    strcmp(dc->name, "default") != 0)
			decode_strict_error(dc, given,
					    "only the %s named \"default\" may set it; "
					    "this one is \"%s\"",
					    shape->name, dc->name);
		decode_leave(dc);
	}
}

static void required_error(struct decode *dc, const struct field *f, const struct value *v)
{
	const char *words[DECODE_FIELDS];
	size_t n = 0;

	if (f->type == &type_enum) {
		decode_error(dc, v, "is required: one of %s", name_list(f->arg, dc->diags->arena));
	} else if (f->type == &type_struct || f->type == &type_struct_ptr) {
		const struct field *inner = ((const struct shape *)f->arg)->fields;

		for (; inner->name; inner++)
			if (inner->flags & FIELD_REQUIRED)
				words[n++] = inner->name;
		words[n] = NULL;
		decode_error(dc, v, "is required: a map with %s",
			     name_list(words, dc->diags->arena));
	} else {
		decode_error(dc, v, "is required: give it %s", f->type->name);
	}
}

static void check_rule(struct decode *dc, const struct rule *r)
{
	const struct value *a = decode_given(dc, r->a), *b = decode_given(dc, r->b);
	struct arena *words = dc->diags->arena;

	switch (r->kind) {
	case RULE_EXCLUSIVE:
		if (a && b)
			rule_error(dc, r->b, b, r,
				   arena_printf(words, "cannot stand beside %s", r->a));
		break;
	case RULE_NEEDS:
		if (a && !b && (!r->value || is_word(a, r->value)))
			rule_error(dc, r->a, a, r, arena_printf(words, "needs %s beside it", r->b));
		break;
	case RULE_FORBIDS:
		if (a && b && (!r->value || is_word(a, r->value)))
			rule_error(dc, r->b, b, r,
				   arena_printf(words, "cannot stand beside %s%s%s", r->a,
						r->value ? ": " : "", r->value ? r->value : ""));
		break;
	case RULE_TOGETHER:
		if (a && !b)
			rule_error(dc, r->a, a, r, arena_printf(words, "needs %s beside it", r->b));
		if (b && !a)
			rule_error(dc, r->b, b, r, arena_printf(words, "needs %s beside it", r->a));
		break;
	}
}

static bool is_word(const struct value *v, const char *word)
{
	if (v->type == VALUE_BOOL)
		return str_eq(v->boolean ? "true" : "false", word);
	return v->type == VALUE_STRING && str_eq(v->string, word);
}

static void rule_error(struct decode *dc, const char *field, const struct value *v,
		       const struct rule *r, const char *words)
{
	decode_enter(dc, field);
	if (r->hint)
		decode_error(dc, v, "%s; %s", words, r->hint);
	else
		decode_error(dc, v, "%s", words);
	decode_leave(dc);
}
