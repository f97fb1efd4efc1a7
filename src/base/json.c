/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text is copied into the arena once, with room for a NUL behind it, and strings stay where
 * they are in that copy: their closing quote becomes the NUL, escapes shrink in place.  So one
 * pass needs no memory per string, and no end checks: the NULs at the end stop every scan.
 * Columns count characters as YAML's do: LINE_START moves on by each byte that continues one.
 */
#include "base/json.h"

#include <endian.h>
#include <stdio.h>

#include "base/text.h"
#include "base/tree.h"

#define PAD 16 /* NULs behind the text: what a scan may look at in one go */

struct json {
	char *start, *at, *end;
	char *line_start;
	size_t line;
	unsigned depth;
	struct tree tree;
	struct arena *arena;
	struct diags *diags;
};

static inline bool read_value(struct json *j, struct value *v);
static bool read_other(struct json *j, struct value *v);
static bool read_map(struct json *j, struct value *v);
static bool read_member(struct json *j);
static bool read_list(struct json *j, struct value *v);
static inline bool read_string(struct json *j, const char **ret, uint32_t *len);
static bool read_string_slow(struct json *j, const char **ret, uint32_t *len);
static bool read_escape(struct json *j, char **to);
static bool read_hex(struct json *j, unsigned *ret);
static bool read_wide(struct json *j);
static bool read_number(struct json *j, struct value *v);
static bool read_word(struct json *j, struct value *v);
static const char *scan_number(const char *at, bool *whole, const char **missing);
static char *put_utf8(char *to, unsigned c);
static bool deeper(struct json *j);
static inline void skip_blanks(struct json *j);
static void skip_blanks_slow(struct json *j);
static size_t column_of(const struct json *j);
static bool expected(const struct json *j, const char *what);
static bool bad(const struct json *j, const char *text);
static void print_level(const struct value *v, unsigned indent, unsigned level, struct buf *out);
static void print_real(const char *text, size_t len, struct buf *out);
static void new_line(unsigned indent, unsigned level, struct buf *out);

const struct value *json_parse(const char *text, size_t len, struct arena *a, struct diags *d)
{
	struct json j;
	struct value v, *ret = NULL;
	bool good;

	if (len >= UINT32_MAX - PAD) {
		diag_add(d, DIAG_ERROR, 0, 0, NULL, "this is larger than 4 GB");
		return NULL;
	}
	j.start = j.at = j.line_start = arena_room(a, len + PAD);
	if (len)
		memcpy(j.at, text, len);
	j.end = memset(j.at + len, 0, PAD);
	j.line = 1;
	j.depth = 0;
	j.arena = a;
	j.diags = d;
	tree_init(&j.tree);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		good = bad(&j, "JSON begins without a byte order mark; save it without one");
	else
		good = read_value(&j, &v);
	if (good) {
		skip_blanks(&j);
		if (j.at != j.end)
			good = expected(&j, "the end after the value");
	}
	tree_free(&j.tree);
	if (good) {
		ret = arena_new(a, struct value);
		*ret = v;
	}
	return ret;
}

void json_print(const struct value *v, unsigned indent, struct buf *out)
{
	print_level(v, indent, 0, out);
}

void json_string(const char *text, struct buf *out)
{
	static const char letters[] = "btn?fr";
	const char *from = text, *at = text;

	buf_char(out, '"');
	while (*at) {
		unsigned c = (unsigned char)*at;
		const char *next = at + 1;

		if (c != '"' && c != '\\') {
			if (c >= ' ' && c < 0x7f)
				c = 0;
			else
				next = tree_special(at, &c);
		}
		if (c) {
			buf_add(out, from, (size_t)(at - from));
			from = next;
		}
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (int)c);
		else if (c >= '\b' && c <= '\r' && c != '\v')
			buf_printf(out, "\\%c", letters[c - '\b']);
		else if (c)
			buf_printf(out, "\\u%04x", c);
		at = next;
	}
	buf_add(out, from, (size_t)(at - from));
	buf_char(out, '"');
}

/* Mostly a string. */
static inline bool read_value(struct json *j, struct value *v)
{
	skip_blanks(j);
	*v = (struct value){ .type = VALUE_STRING };
	tree_place(v, j->line, column_of(j));
	return *j->at == '"' ? read_string(j, &v->string, &v->n) : read_other(j, v);
}

static bool read_other(struct json *j, struct value *v)
{
	v->type = VALUE_NULL;
	switch (*j->at) {
	case '{':
		return read_map(j, v);
	case '[':
		return read_list(j, v);
	case '-':
	case '0' ... '9':
		return read_number(j, v);
	default:
		return read_word(j, v);
	}
}

static bool read_map(struct json *j, struct value *v)
{
	size_t from = j->tree.n;

	if (!deeper(j))
		return false;
	skip_blanks(j);
	if (*j->at != '}') {
		for (;;) {
			if (!read_member(j))
				return false;
			skip_blanks(j);
			if (*j->at != ',')
				break;
			j->at++;
		}
		if (*j->at != '}')
			return expected(j, "a comma or '}'");
	}
	j->at++;
	j->depth--;
	return tree_map(&j->tree, from, j->arena, j->diags, v);
}

static bool read_member(struct json *j)
{
	struct member m;

	skip_blanks(j);
	if (*j->at != '"')
		return expected(j, "a key in double quotes");
	m.line = (unsigned)j->line;
	m.column = (unsigned)column_of(j);
	if (!read_string(j, &m.key, &m.key_len))
		return false;
	skip_blanks(j);
	if (*j->at != ':')
		return expected(j, "a colon after the key");
	j->at++;
	if (!read_value(j, &m.value))
		return false;
	tree_push(&j->tree, &m);
	return true;
}

static bool read_list(struct json *j, struct value *v)
{
	size_t from = j->tree.n;
	struct member item = { 0 };

	if (!deeper(j))
		return false;
	skip_blanks(j);
	if (*j->at != ']') {
		for (;;) {
			if (!read_value(j, &item.value))
				return false;
			tree_push(&j->tree, &item);
			skip_blanks(j);
			if (*j->at != ',')
				break;
			j->at++;
		}
		if (*j->at != ']')
			return expected(j, "a comma or ']'");
	}
	j->at++;
	j->depth--;
	tree_list(&j->tree, from, j->arena, v);
	return true;
}

/* Steps over bytes that mean nothing in a string, sixteen at a time. */
static inline char *skip_ordinary(char *at)
{
	for (;; at += 16) {
		signed char bytes __attribute__((vector_size(16)));
		uint64_t stops[2];

		memcpy(&bytes, at, sizeof bytes);
		/* What is above ASCII is negative. */
		bytes = (bytes < ' ') | (bytes == '"') | (bytes == '\\');
		memcpy(stops, &bytes, sizeof bytes);
		if (stops[0])
			return at + (__builtin_ctzll(le64toh(stops[0])) >> 3);
		if (stops[1])
			return at + 8 + (__builtin_ctzll(le64toh(stops[1])) >> 3);
	}
}

/* Nearly all strings end at the first byte that means something. */
static inline bool read_string(struct json *j, const char **ret, uint32_t *len)
{
	char *start = j->at + 1, *end = skip_ordinary(start);

	if (*end != '"')
		return read_string_slow(j, ret, len);
	*end = '\0';
	j->at = end + 1;
	*ret = start;
	*len = (uint32_t)(end - start);
	return true;
}

static bool read_string_slow(struct json *j, const char **ret, uint32_t *len)
{
	char *start = ++j->at, *to = start;

	for (;;) {
		char *from = j->at;

		j->at = skip_ordinary(from);
		while (*j->at < 0 && read_wide(j))
			j->at = skip_ordinary(j->at);
		if (to != from)
			memmove(to, from, (size_t)(j->at - from));
		to += j->at - from;
		if (*j->at == '"')
			break;
		if (*j->at != '\\')
			return *j->at < 0 ?
				       expected(j, "UTF-8") :
			       *j->at || j->at < j->end ?
				       expected(j, "the closing quote, or an escape such as \\n") :
				       expected(j, "the closing quote of the string");
		if (!read_escape(j, &to))
			return false;
	}
	j->at++;
	*to = '\0';
	*ret = start;
	*len = (uint32_t)(to - start);
	return true;
}

static bool read_escape(struct json *j, char **to)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	unsigned c, low;
	const char *letter;

	letter = j->at[1] ? strchr(letters, j->at[1]) : NULL;
	if (letter) {
		*(*to)++ = bytes[letter - letters];
		j->at += 2;
		return true;
	}
	if (j->at[1] != 'u') {
		j->at++;
		return expected(j, "one of \" \\ / b f n r t u after the backslash");
	}
	if (!read_hex(j, &c))
		return false;
	if (!c)
		return bad(j, "the string has \\u0000 in it; NUL is not accepted");
	if (c >= 0xd800 && c < 0xe000) {
		if (c >= 0xdc00)
			return bad(j, "the escape is the second half of a pair without the first");
		j->at += 6;
		if (j->at[0] != '\\' || j->at[1] != 'u')
			return expected(j, "the second \\u escape of a pair");
		if (!read_hex(j, &low))
			return false;
		if (low < 0xdc00 || low >= 0xe000)
			return bad(j,
				   "the escape is not the second half that the one before needs");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	j->at += 6;
	*to = put_utf8(*to, c);
	return true;
}

/* The four digits of the `\u` at j->at, which stays there. */
static bool read_hex(struct json *j, unsigned *ret)
{
	*ret = 0;
	for (unsigned i = 2; i < 6; i++) {
		char c = j->at[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') :
				 c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) :
				 c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10) :
							16;

		if (digit > 15) {
			j->at += i;
			return expected(j, "four hexadecimal digits after \\u");
		}
		*ret = *ret << 4 | digit;
	}
	return true;
}

/* Steps over bytes above ASCII; false, at the first bad one, when they are not UTF-8. */
static bool read_wide(struct json *j)
{
	char *from = j->at, *to = from;
	size_t good;

	while (*to < 0)
		to++;
	good = text_utf8(from, (size_t)(to - from));
	for (j->at = from; j->at < from + good; j->at++)
		j->line_start += (*j->at & 0xc0) == 0x80;
	return j->at == to;
}

static bool read_number(struct json *j, struct value *v)
{
	bool whole;
	const char *missing, *from = j->at, *to;
	uint64_t number = 0;
	bool negative = *from == '-';

	to = scan_number(from, &whole, &missing);
	if (missing) {
		j->at = (char *)to;
		return expected(j, missing);
	}
	j->at = (char *)to;
	if (whole && to - from < 22 &&
	    text_u64(from + negative, (size_t)(to - from - negative),
		     (uint64_t)INT64_MAX + negative, &number)) {
		v->type = VALUE_INT;
		v->integer = (int64_t)(negative ? -number : number);
		return true;
	}
	v->type = VALUE_REAL;
	v->n = (uint32_t)(to - from);
	v->string = arena_strn(j->arena, from, v->n);
	return true;
}

static bool read_word(struct json *j, struct value *v)
{
	if (memcmp(j->at, "true", 4) == 0 || memcmp(j->at, "false", 5) == 0) {
		v->type = VALUE_BOOL;
		v->boolean = *j->at == 't';
		j->at += v->boolean ? 4 : 5;
	} else if (memcmp(j->at, "null", 4) == 0) {
		j->at += 4;
	} else {
		return expected(j, "a value");
	}
	return true;
}

/* The end of the number at AT. MISSING says what is wrong there, else NULL. */
static const char *scan_number(const char *at, bool *whole, const char **missing)
{
	const char *from;

	*missing = NULL;
	*whole = true;
	at += *at == '-';
	if (*at == '0') {
		at++;
		if (*at >= '0' && *at <= '9') {
			*missing = "a number without zeros before it";
			return at;
		}
	} else {
		for (from = at; *at >= '0' && *at <= '9';)
			at++;
		if (at == from) {
			*missing = "digits after '-'";
			return at;
		}
	}
	if (*at == '.') {
		*whole = false;
		for (from = ++at; *at >= '0' && *at <= '9';)
			at++;
		if (at == from) {
			*missing = "digits after '.'";
			return at;
		}
	}
	if (*at == 'e' || *at == 'E') {
		*whole = false;
		at++;
		at += *at == '+' || *at == '-';
		for (from = at; *at >= '0' && *at <= '9';)
			at++;
		if (at == from)
			*missing = "digits after the 'e' of a number";
	}
	return at;
}

static char *put_utf8(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* Into the map or list that opens at j->at. */
static bool deeper(struct json *j)
{
	if (j->depth == VALUE_DEPTH) {
		diag_add(j->diags, DIAG_ERROR, (unsigned)j->line, (unsigned)column_of(j), NULL,
			 "maps and lists are nested deeper than %d levels here", VALUE_DEPTH);
		return false;
	}
	j->depth++;
	j->at++;
	return true;
}

static inline void skip_blanks(struct json *j)
{
	if ((unsigned char)*j->at <= ' ')
		skip_blanks_slow(j);
}

static void skip_blanks_slow(struct json *j)
{
	for (;; j->at++) {
		if (*j->at == '\n') {
			j->line++;
			j->line_start = j->at + 1;
		} else if (*j->at != ' ' && *j->at != '\r' && *j->at != '\t') {
			return;
		}
	}
}

static size_t column_of(const struct json *j)
{
	return (size_t)(j->at - j->line_start) + 1;
}

/* Complains about what is at j->at, where WHAT should be. Returns false. */
static bool expected(const struct json *j, const char *what)
{
	const char *at = j->at, *before = at, *hint = "";
	unsigned char c = (unsigned char)*at;
	char found[64];
	size_t wide = (size_t)MIN(j->end - at, 4);

	if (at == j->end)
		strcpy(found, "the end of the text");
	else if (c < 0x20)
		snprintf(found, sizeof found, "%s",
			 !c	   ? "a NUL byte" :
			 c == '\n' ? "a line break" :
			 c == '\t' ? "a tab" :
				     "a control character");
	else if (c < 0x7f)
		snprintf(found, sizeof found, "'%c'", c);
	else
		strcpy(found, text_utf8(at, wide) ? "a character that is not ASCII" :
						    "a byte that is not UTF-8");
	if (c == '\'')
		hint = "; JSON strings are in double quotes";
	else if (c == '/' || c == '#')
		hint = "; JSON has no comments";
	while (before > j->start && strchr(" \t\r\n", before[-1]))
		before--;
	if ((c == '}' || c == ']') && before > j->start && before[-1] == ',')
		hint = "; the comma before it is one too many";
	diag_add(j->diags, DIAG_ERROR, (unsigned)j->line, (unsigned)column_of(j), NULL,
		 "expected %s, found %s%s", what, found, hint);
	return false;
}

static bool bad(const struct json *j, const char *text)
{
	diag_add(j->diags, DIAG_ERROR, (unsigned)j->line, (unsigned)column_of(j), NULL, "%s", text);
	return false;
}

static void print_level(const struct value *v, unsigned indent, unsigned level, struct buf *out)
{
	switch (v->type) {
	case VALUE_NULL:
		buf_str(out, "null");
		return;
	case VALUE_BOOL:
		buf_str(out, v->boolean ? "true" : "false");
		return;
	case VALUE_INT:
		if (v->integer < 0)
			buf_char(out, '-');
		buf_u64(out, v->integer < 0 ? -(uint64_t)v->integer : (uint64_t)v->integer);
		return;
	case VALUE_REAL:
		print_real(v->string, v->n, out);
		return;
	case VALUE_STRING:
		json_string(v->string, out);
		return;
	case VALUE_LIST:
	case VALUE_MAP:
		break;
	}
	buf_char(out, v->type == VALUE_MAP ? '{' : '[');
	for (uint32_t i = 0; i < v->n; i++) {
		if (i)
			buf_char(out, ',');
		new_line(indent, level + 1, out);
		if (v->type == VALUE_MAP) {
			json_string(v->members[i].key, out);
			buf_str(out, indent ? ": " : ":");
			print_level(&v->members[i].value, indent, level + 1, out);
		} else {
			print_level(&v->items[i], indent, level + 1, out);
		}
	}
	if (v->n)
		new_line(indent, level, out);
	buf_char(out, v->type == VALUE_MAP ? '}' : ']');
}

/* YAML has numbers that JSON has not (010, 0x1f, .inf): they become strings. */
static void print_real(const char *text, size_t len, struct buf *out)
{
	bool whole;
	const char *missing;

	if (scan_number(text, &whole, &missing) == text + len && !missing)
		buf_add(out, text, len);
	else
		json_string(text, out);
}

static void new_line(unsigned indent, unsigned level, struct buf *out)
{
	size_t blanks = (size_t)indent * level;

	if (!indent)
		return;
	buf_char(out, '\n');
	memset(buf_reserve(out, blanks), ' ', blanks);
	out->len += blanks;
	out->at[out->len] = '\0';
}
