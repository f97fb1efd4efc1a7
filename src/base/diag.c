/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

void diag_add(struct diags *d, enum diag_level level, unsigned line, unsigned column,
	      const char *field, const char *format, ...)
{
	struct diag *at = arena_push(d->arena, d->items, d->n);
	va_list args;

	va_start(args, format);
	at->text = arena_vprintf(d->arena, format, args);
	va_end(args);
	at->level = level;
	at->file = arena_str(d->arena, d->file);
	at->about = arena_str(d->arena, d->about);
	at->line = line;
	at->column = column;
	at->field = arena_str(d->arena, field);
	d->n_errors += level == DIAG_ERROR;
}

void diag_print(const struct diag *d, struct buf *out)
{
	if (d->file)
		buf_printf(out, "%s:", d->file);
	else if (d->about)
		buf_printf(out, "%s:", d->about);
	if (d->file && d->line)
		buf_printf(out, "%u:", d->line);
	if (d->file && d->line && d->column)
		buf_printf(out, "%u:", d->column);
	if (out->len && out->at[out->len - 1] == ':')
		buf_char(out, ' ');
	if (d->level != DIAG_ERROR)
		buf_str(out, d->level == DIAG_WARNING ? "warning: " : "note: ");
	if (d->field)
		buf_printf(out, "%s: ", d->field);
	buf_str(out, d->text);
}
