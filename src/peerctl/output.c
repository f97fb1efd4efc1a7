/* SPDX-License-Identifier: Apache-2.0 */
#include "peerctl/output.h"

#include <errno.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "base/yaml.h"

static void print_table(const struct listing *l, const struct style *style, struct buf *out);
static void print_wide(const struct listing *l, const struct style *style, struct buf *out);
static void print_document(const struct listing *l, const struct style *style, struct buf *out);
static void print_name(const struct listing *l, const struct style *style, struct buf *out);
static void print_columns(const struct listing *l, const struct style *style, struct buf *out);

/* In the order of enum output_set. */
static const struct output outputs[] = {
	{"table",	   print_table   },
	    { "wide",	      print_wide	 },
	    { "yaml",	      print_document},
	{ "json",		  print_document},
	    { "name",	      print_name	 },
	    { "custom-columns", print_columns },
};

static const char *const escapes[] = {
	[COLOUR_GREEN] = "\033[32m", [COLOUR_YELLOW] = "\033[33m", [COLOUR_RED] = "\033[31m"
};

static bool unknown_format(const char *format, unsigned allowed, struct err *err);
static void print_cells(const struct listing *l, const char *const *columns,
			const char *const *more, const struct style *style, struct buf *out);
static void print_row(const struct table *t, const struct row *row, const struct style *style,
		      const size_t *widths, struct buf *out);
static size_t text_width(const char *text);
static bool split_columns(const struct options *o, const char *text, struct style *ret,
			  struct err *err);

bool output_style(const struct options *o, unsigned allowed, struct style *ret, struct err *err)
{
	static const char columns[] = "custom-columns";
	const char *format = option_value(o, OPT_OUTPUT);

	*ret = (struct style){
		.output = &outputs[0],
		.headers = !option_given(o, OPT_NO_HEADERS),
		.colours = isatty(STDOUT_FILENO) && str_empty(getenv("NO_COLOR")),
	};
	if (!format)
		return true;
	if (strncmp(format, columns, sizeof columns - 1) == 0 && (allowed & OUTPUT_COLUMNS)) {
		ret->output = &outputs[5];
		return split_columns(o, format + sizeof columns - 1, ret, err);
	}
	if (str_eq(format, "ps"))
		format = "table";
	if (str_eq(format, "yml"))
		format = "yaml";
	for (size_t i = 0; i < 5; i++)
		if ((allowed & (1u << i)) && str_eq(format, outputs[i].name)) {
			ret->output = &outputs[i];
			return true;
		}
	return unknown_format(format, allowed, err);
}

bool style_is(const struct style *s, enum output_set what)
{
	return what & (1u << (s->output - outputs));
}

bool style_columns(const struct style *s, const char *const *columns, const char *const *wide,
		   struct err *err)
{
	auto_arena struct arena a = { 0 };

	for (size_t i = 0; s->columns && s->columns[i]; i++)
		if (name_find(columns, s->columns[i], -1) < 0 &&
		    (!wide || name_find(wide, s->columns[i], -1) < 0))
			return err_set(err, ERR_USAGE,
				       "there is no column \"%.60s\"; there are %s%s%s",
				       s->columns[i], name_list(columns, &a), wide ? ", " : "",
				       wide ? name_list(wide, &a) : "");
	return true;
}

void listing_print(const struct listing *l, const struct style *s, struct buf *out)
{
	s->output->print(l, s, out);
}

void document_print(const struct value *v, const struct style *s, struct buf *out)
{
	if (style_is(s, OUTPUT_JSON)) {
		json_print(v, 2, out);
		buf_char(out, '\n');
	} else {
		yaml_print(v, out);
	}
}

void table_print(const struct table *t, const struct style *s, struct buf *out)
{
	auto_arena struct arena a = { 0 };
	size_t *widths = t->widths ? t->widths : arena_array(&a, size_t, t->n_columns);
	struct table one = *t;

	for (size_t c = 0; c < t->n_columns; c++) {
		widths[c] = MAX(widths[c], s->headers ? text_width(t->columns[c]) : 0);
		for (size_t r = 0; r < t->n_rows; r++) {
			struct cell *cell = &t->rows[r].cells[c];

			/* A selector may hold anything between its quotes. */
			cell->text = text_safe(&a, cell->text);
			widths[c] = MAX(widths[c], text_width(cell->text));
		}
	}
	if (s->headers) {
		struct row *row;

		one.rows = NULL;
		one.n_rows = 0;
		row = table_row(&one, &a);
		for (size_t c = 0; c < t->n_columns; c++)
			row->cells[c].text = t->columns[c];
		print_row(t, row, s, widths, out);
	}
	for (size_t r = 0; r < t->n_rows; r++)
		print_row(t, &t->rows[r], s, widths, out);
}

struct row *table_row(struct table *t, struct arena *a)
{
	struct row *row = arena_push(a, t->rows, t->n_rows);

	*row = (struct row){ .cells = arena_array(a, struct cell, t->n_columns) };
	return row;
}

bool output_write(const struct buf *text, struct err *err)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(STDOUT_FILENO, text->at + done, text->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, "standard output");
		done += (size_t)n;
	}
	return true;
}

void object_value(struct object *o, const char *key, struct value v)
{
	*arena_push(o->arena, o->members, o->n) = (struct member){ .key = key, .value = v };
}

void object_text(struct object *o, const char *key, const char *text)
{
	if (!str_empty(text))
		object_value(o, key, value_string(text));
}

void object_number(struct object *o, const char *key, int64_t number)
{
	if (number)
		object_value(o, key, value_int(number));
}

void object_flag(struct object *o, const char *key, bool flag)
{
	if (flag)
		object_value(o, key, value_bool(true));
}

struct value object_done(const struct object *o)
{
	return value_map(o->members, o->n);
}

static bool unknown_format(const char *format, unsigned allowed, struct err *err)
{
	auto_arena struct arena a = { 0 };
	const char *names[lengthof(outputs) + 1] = { NULL };
	size_t n = 0;

	if (strncmp(format, "go-template", 11) == 0)
		return err_set(err, ERR_USAGE,
			       "there is no output as go-template; take -o json and a jsonpath (or "
			       "jq) over it, or custom-columns=A,B");
	if (strncmp(format, "jsonpath", 8) == 0)
		return err_set(err, ERR_USAGE, "-o jsonpath is not there yet; take -o json and jq");
	for (size_t i = 0; i < lengthof(outputs); i++)
		if (allowed & (1u << i))
			names[n++] = i == 5 ? "custom-columns=A,B" : outputs[i].name;
	return err_set(err, ERR_USAGE, "there is no output format \"%.60s\" here; there are %s",
		       format, name_list(names, &a));
}

static void print_table(const struct listing *l, const struct style *style, struct buf *out)
{
	print_cells(l, l->columns, NULL, style, out);
}

static void print_wide(const struct listing *l, const struct style *style, struct buf *out)
{
	print_cells(l, l->columns, l->wide, style, out);
}

static void print_columns(const struct listing *l, const struct style *style, struct buf *out)
{
	print_cells(l, style->columns, NULL, style, out);
}

static void print_document(const struct listing *l, const struct style *style, struct buf *out)
{
	auto_arena struct arena a = { 0 };
	struct value *items = arena_array(&a, struct value, l->n);
	struct object list = { .arena = &a }, meta = { .arena = &a };
	const char *of = l->kind ? l->kind->name : "";
	struct value v;

	for (size_t i = 0; i < l->n; i++)
		items[i] = l->document(l->items[i], &a);
	object_text(&list, "apiVersion", l->kind ? l->kind->api_version : "v1");
	object_text(&list, "kind", arena_printf(&a, "%sList", of));
	object_text(&meta, "resourceVersion", l->revision);
	if (meta.n)
		object_value(&list, "metadata", object_done(&meta));
	object_value(&list, "items", value_list(items, l->n));
	v = l->single && l->n == 1 ? items[0] : object_done(&list);
	document_print(&v, style, out);
}

static void print_name(const struct listing *l, const struct style *style, struct buf *out)
{
	auto_arena struct arena a = { 0 };

	(void)style;
	for (size_t i = 0; i < l->n; i++) {
		buf_str(out, l->name(l->items[i], &a));
		buf_char(out, '\n');
	}
}

static void print_cells(const struct listing *l, const char *const *columns,
			const char *const *more, const struct style *style, struct buf *out)
{
	auto_arena struct arena a = { 0 };
	const char **all = NULL;
	struct table t = { 0 };

	for (size_t i = 0; columns[i]; i++)
		*arena_push(&a, all, t.n_columns) = columns[i];
	for (size_t i = 0; more && more[i]; i++)
		*arena_push(&a, all, t.n_columns) = more[i];
	t.columns = all;
	t.widths = l->widths;
	for (size_t i = 0; i < l->n; i++) {
		struct row *row = table_row(&t, &a);

		for (size_t c = 0; c < t.n_columns; c++)
			row->cells[c].text = l->cell(l->items[i], all[c], &a);
	}
	table_print(&t, style, out);
}

/* Three blanks between columns, none at the end. */
static void print_row(const struct table *t, const struct row *row, const struct style *style,
		      const size_t *widths, struct buf *out)
{
	size_t blanks = 0;

	for (size_t c = 0; c < t->n_columns; c++) {
		const struct cell *cell = &row->cells[c];
		bool coloured = style->colours && cell->colour;

		if (!str_empty(cell->text)) {
			memset(buf_reserve(out, blanks), ' ', blanks);
			out->len += blanks;
			blanks = 0;
			buf_str(out, coloured ? escapes[cell->colour] : "");
			buf_str(out, cell->text);
			buf_str(out, coloured ? "\033[0m" : "");
		}
		blanks += widths[c] - text_width(cell->text) + 3;
	}
	buf_char(out, '\n');
	if (row->note)
		buf_printf(out, "    %s\n", row->note);
}

/* Characters, not bytes. */
static size_t text_width(const char *text)
{
	size_t n = 0;

	for (const char *c = text; c && *c; c++)
		n += (*c & 0xc0) != 0x80;
	return n;
}

/* "=A,B", upper case or not. */
static bool split_columns(const struct options *o, const char *text, struct style *ret,
			  struct err *err)
{
	size_t n = 0;

	text += *text == '=';
	for (size_t len; *text; text += len + (text[len] == ',')) {
		char *column;

		len = strcspn(text, ",");
		column = arena_strn(o->arena, text, len);
		for (char *c = column; *c; c++)
			*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
		if (len)
			*arena_push(o->arena, ret->columns, n) = column;
	}
	if (!n)
		return err_set(err, ERR_USAGE, "custom-columns needs columns: custom-columns=A,B");
	*arena_push(o->arena, ret->columns, n) = NULL;
	return true;
}
