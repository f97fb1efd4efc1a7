/* SPDX-License-Identifier: Apache-2.0 */
#include "model/context.h"

#include "base/text.h"

static void complain(struct decode *dc, enum diag_level level, const struct value *v,
		     const char *format, va_list args) printf_like(4, 0);
static const char *path_text(const struct decode *dc, struct buf *b);

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
	for (size_t i = 0; i < DECODE_FIELDS; i++)
		if (dc->given[i].name && strcmp(dc->given[i].name, field) == 0)
			return dc->given[i].value;
	return NULL;
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
