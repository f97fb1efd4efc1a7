/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As kubectl prints: lists at the column of their key, no line folding.  A string goes without
 * quotes only when no reader, old or new, can take it for anything else: the tests here ask
 * "could it be?", not "is it?", since quotes that nobody needs hurt nobody.
 */
#include "base/yaml.h"

#include <strings.h>

#include "base/tree.h"

#define KEY_MAX 900 /* longer keys than 1024 need the `? ` form */

static void print_map(const struct value *v, unsigned column, struct buf *out);
static void print_list(const struct value *v, unsigned column, struct buf *out);
static void print_scalar(const struct value *v, unsigned column, struct buf *out);
static void print_key(const char *key, struct buf *out);
static void print_block(const char *text, unsigned column, struct buf *out);
static void print_single(const char *text, struct buf *out);
static void print_double(const char *text, struct buf *out);
static bool can_be_plain(const char *text);
static bool could_be_number(const char *text);
static bool can_be_block(const char *text);
static bool has_special(const char *text, bool lines);
static bool is_open(const struct value *v);
static void blanks(unsigned n, struct buf *out);

void yaml_print(const struct value *v, struct buf *out)
{
	if (is_open(v) && v->type == VALUE_MAP) {
		print_map(v, 0, out);
	} else if (is_open(v)) {
		print_list(v, 0, out);
	} else {
		print_scalar(v, 0, out);
		buf_char(out, '\n');
	}
}

/* Begins where the cursor is, which is at COLUMN or at a line's start; ends after a newline. */
static void print_map(const struct value *v, unsigned column, struct buf *out)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct value *at = &v->members[i].value;
		size_t before;
		bool compact = false;

		if (i)
			blanks(column, out);
		before = out->len;
		print_key(v->members[i].key, out);
		if (out->len - before > KEY_MAX) {
			auto_buf struct buf key = { 0 };

			buf_add(&key, out->at + before, out->len - before);
			out->len = before;
			buf_printf(out, "? %s\n", key.at);
			blanks(column, out);
			compact = true;
		}
		buf_char(out, ':');
		if (!is_open(at)) {
			buf_char(out, ' ');
			print_scalar(at, column + 2, out);
			buf_char(out, '\n');
			continue;
		}
		if (compact) {
			buf_char(out, ' ');
		} else {
			buf_char(out, '\n');
			blanks(at->type == VALUE_MAP ? column + 2 : column, out);
		}
		if (at->type == VALUE_MAP)
			print_map(at, column + 2, out);
		else
			print_list(at, compact ? column + 2 : column, out);
	}
}

static void print_list(const struct value *v, unsigned column, struct buf *out)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct value *at = &v->items[i];

		if (i)
			blanks(column, out);
		buf_str(out, "- ");
		if (!is_open(at)) {
			print_scalar(at, column + 2, out);
			buf_char(out, '\n');
		} else if (at->type == VALUE_MAP) {
			print_map(at, column + 2, out);
		} else {
			print_list(at, column + 2, out);
		}
	}
}

/* Without the newline behind it. COLUMN is that of the lines of a block. */
static void print_scalar(const struct value *v, unsigned column, struct buf *out)
{
	switch (v->type) {
	case VALUE_NULL:
		buf_str(out, "null");
		break;
	case VALUE_BOOL:
		buf_str(out, v->boolean ? "true" : "false");
		break;
	case VALUE_INT:
		if (v->integer < 0)
			buf_char(out, '-');
		buf_u64(out, v->integer < 0 ? -(uint64_t)v->integer : (uint64_t)v->integer);
		break;
	case VALUE_REAL:
		buf_str(out, v->string);
		break;
	case VALUE_LIST:
		buf_str(out, "[]");
		break;
	case VALUE_MAP:
		buf_str(out, "{}");
		break;
	case VALUE_STRING:
		if (can_be_block(v->string))
			print_block(v->string, MAX(column, 2), out);
		else
			print_key(v->string, out);
		break;
	}
}

/* A string on one line. */
static void print_key(const char *key, struct buf *out)
{
	if (can_be_plain(key))
		buf_str(out, key);
	else if (strpbrk(key, "\"\\") && !has_special(key, false))
		print_single(key, out);
	else
		print_double(key, out);
}

/* `|`, what happens to the newlines at the end, the lines; without the last newline. */
static void print_block(const char *text, unsigned column, struct buf *out)
{
	size_t len = strlen(text);

	buf_char(out, '|');
	if (*text == ' ' || *text == '\t' || *text == '\n')
		buf_char(out, '2'); /* a reader cannot tell the indentation from the first line */
	if (text[len - 1] != '\n')
		buf_char(out, '-');
	else if (text[len - 2] == '\n')
		buf_char(out, '+');
	while (*text) {
		const char *end = strchrnul(text, '\n');

		buf_char(out, '\n');
		if (end > text)
			blanks(column, out);
		buf_add(out, text, (size_t)(end - text));
		text = end + (*end == '\n');
	}
}

static void print_single(const char *text, struct buf *out)
{
	buf_char(out, '\'');
	for (; *text; text++) {
		buf_char(out, *text);
		if (*text == '\'')
			buf_char(out, '\'');
	}
	buf_char(out, '\'');
}

static void print_double(const char *text, struct buf *out)
{
	buf_char(out, '"');
	while (*text) {
		unsigned c;
		const char *next = tree_special(text, &c);

		if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else if (!c)
			buf_add(out, text, (size_t)(next - text));
		else if (c == '\n')
			buf_str(out, "\\n");
		else if (c == '\t')
			buf_str(out, "\\t");
		else if (c == '\r')
			buf_str(out, "\\r");
		else
			buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
		text = next;
	}
	buf_char(out, '"');
}

static bool can_be_plain(const char *text)
{
	static const char *const words[] = { "y",   "n",    "yes",   "no",   "on",
					     "off", "true", "false", "null", NULL };
	size_t len = strlen(text);

	if (!len || strchr(" ?:,[]{}#&*!|>'\"%@`=<~+.", *text) || has_special(text, false))
		return false;
	if (*text == '-' && !(text[1] >= 'a' && text[1] <= 'z') &&
	    !(text[1] >= 'A' && text[1] <= 'Z'))
		return false;
	if (text[len - 1] == ' ' || text[len - 1] == ':' || strstr(text, ": ") ||
	    strstr(text, " #"))
		return false;
	for (size_t i = 0; words[i]; i++)
		if (strcasecmp(text, words[i]) == 0)
			return false;
	return !could_be_number(text);
}

/* Also dates, times and numbers to the base of 60; not addresses, as far as they can be told. */
static bool could_be_number(const char *text)
{
	size_t len = strlen(text), digits;

	if (*text < '0' || *text > '9')
		return false;
	if (*text == '0' && strchr("xXoObB", text[1]) && text[1])
		return true;
	digits = strspn(text, "0123456789");
	if (digits == 4 && text[4] == '-' && text[5] >= '0' && text[5] <= '9')
		return true;
	if (strspn(text, "0123456789_.:eE+-") != len)
		return false;
	return !(strspn(text, "0123456789.") == len && strchr(text, '.') != strrchr(text, '.'));
}

/* More than one line, and no line whose end could get lost. */
static bool can_be_block(const char *text)
{
	const char *newline = strchr(text, '\n');

	if (!newline || strspn(text, "\n") == strlen(text) || has_special(text, true))
		return false;
	for (; newline; newline = strchr(newline + 1, '\n'))
		if (newline > text && (newline[-1] == ' ' || newline[-1] == '\t'))
			return false;
	newline = text + strlen(text);
	return newline[-1] != ' ' && newline[-1] != '\t';
}

/* Is there a character that only an escape can write safely? LINES: newline and tab are none. */
static bool has_special(const char *text, bool lines)
{
	while (*text) {
		unsigned c;

		text = tree_special(text, &c);
		if (c && !(lines && (c == '\n' || c == '\t')))
			return true;
	}
	return false;
}

/* Does it take lines of its own? */
static bool is_open(const struct value *v)
{
	return (v->type == VALUE_MAP || v->type == VALUE_LIST) && v->n;
}

static void blanks(unsigned n, struct buf *out)
{
	memset(buf_reserve(out, n), ' ', n);
	out->len += n;
	out->at[out->len] = '\0';
}
