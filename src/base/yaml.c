/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml reads the text as it is asked for events, so what is refused here (depth, aliases) stops
 * it too: its time per bracket grows with the depth, and an alias is never followed.  What it does
 * before the first event of a document is not bounded by that: it compares each %TAG line with all
 * before, so those are counted first.
 */
#include "base/yaml.h"

#include <yaml.h>

#include "base/text.h"
#include "base/tree.h"

#define TAG_LINES 64
#define CORE	  "tag:yaml.org,2002:"

struct yaml {
	yaml_parser_t parser;
	yaml_event_t event;
	bool has_event, started, done;
	const char *text;
	size_t len;
	unsigned depth;
	struct tree tree;
	/* of the document that is being read: */
	struct arena *arena;
	struct diags *diags;
};

/* clang-format off */
/* libyaml's words to ours. */
static const struct {
	const char *problem, *text;
	enum { HERE, OPENED, BEFORE } place; /* OPENED: say where it began; BEFORE: point there */
} problems[] = {
	{ "found a tab character that violates indentation",
	  "a tab cannot indent YAML; use blanks", HERE },
	{ "found a tab character where an indentation space is expected",
	  "a tab cannot indent YAML; use blanks", HERE },
	{ "mapping values are not allowed in this context",
	  "a second \": \" where a value is; put the value in quotes, or correct the indentation", HERE },
	{ "could not find expected ':'",
	  "expected a colon and a blank after the key", BEFORE },
	{ "did not find expected key",
	  "expected a key here; look at the indentation and the quotes", OPENED },
	{ "did not find expected '-' indicator",
	  "expected an item that begins with \"- \" here; look at the indentation", OPENED },
	{ "did not find expected ',' or ']'",
	  "expected a comma or ']'", OPENED },
	{ "did not find expected ',' or '}'",
	  "expected a comma or '}'", OPENED },
	{ "did not find expected <document start>",
	  "expected the end of the document, or \"---\" and another one", HERE },
	{ "found unexpected end of stream",
	  "the text ends inside quotes", OPENED },
	{ "found unexpected document indicator",
	  "the document ends inside quotes", OPENED },
	{ "block sequence entries are not allowed in this context",
	  "\"- \" cannot stand here; begin a new line for the list", HERE },
	{ "did not find expected node content",
	  "expected a value here", HERE },
	{ "found unknown escape character",
	  "YAML has no such escape; write the backslash twice, or use single quotes", HERE },
	{ "found undefined tag handle",
	  "this tag is not accepted; leave it out", HERE },
};

/* The core tags, and what a scalar with each must be. */
static const struct {
	const char *tag, *name;
	unsigned types;
	bool whole;
} tags[] = {
	{ "null",  "null",           1u << VALUE_NULL,                      false },
	{ "bool",  "true or false",  1u << VALUE_BOOL,                      false },
	{ "int",   "a whole number", 1u << VALUE_INT | 1u << VALUE_REAL,    true },
	{ "float", "a number",       1u << VALUE_INT | 1u << VALUE_REAL,    false },
	{ "str",   "a string",       0,                                     false },
	{ "map",   "a map",          0,                                     false },
	{ "seq",   "a list",         0,                                     false },
};
/* clang-format on */

static bool check_text(struct yaml *y);
static bool next_event(struct yaml *y);
static bool read_document(struct yaml *y, struct value *v);
static bool read_node(struct yaml *y, struct value *v);
static bool read_map(struct yaml *y, struct value *v);
static bool read_key(struct yaml *y, struct member *m);
static bool read_list(struct yaml *y, struct value *v);
static bool read_scalar(struct yaml *y, struct value *v);
static bool resolve(struct yaml *y, struct value *v, const char *text, size_t len);
static bool resolve_number(struct yaml *y, struct value *v, const char *text, size_t len);
static bool is_real(const char *text, size_t len);
static bool all_of(const char *text, size_t len, const char *set);
static bool check_node(struct yaml *y, const yaml_char_t *anchor, const yaml_char_t *tag,
		       const char *core);
static bool check_tag(struct yaml *y, const struct value *v, const char *tag);
static bool deeper(struct yaml *y);
static bool bad(struct yaml *y, const char *format, ...) printf_like(2, 3);
static bool bad_at(struct yaml *y, size_t offset, const char *text);
static bool bad_parse(struct yaml *y);
static void place_of(const struct yaml *y, size_t offset, unsigned *line, unsigned *column);
static bool is_one_of(const char *text, size_t len, const char *const *words);

struct yaml *yaml_open(const char *text, size_t len)
{
	struct yaml *y = mem_alloc(sizeof *y);
	size_t mark = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	y->text = len ? text + mark : "";
	y->len = len - mark;
	tree_init(&y->tree);
	if (!yaml_parser_initialize(&y->parser))
		abort();
	yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y->parser, (const unsigned char *)y->text, y->len);
	return y;
}

const struct value *yaml_next(struct yaml *y, struct arena *a, struct diags *d)
{
	struct value v = { .type = VALUE_NULL }, *ret;

	if (y->done)
		return NULL;
	y->arena = a;
	y->diags = d;
	y->depth = 0;
	if (!y->started && (!check_text(y) || !next_event(y))) {
		y->done = true;
		return NULL;
	}
	y->started = true;
	if (!next_event(y) || y->event.type != YAML_DOCUMENT_START_EVENT || !read_document(y, &v)) {
		y->done = true;
		return NULL;
	}
	ret = arena_new(a, struct value);
	*ret = v;
	return ret;
}

void yaml_close(struct yaml *y)
{
	if (!y)
		return;
	if (y->has_event)
		yaml_event_delete(&y->event);
	yaml_parser_delete(&y->parser);
	tree_free(&y->tree);
	free(y);
}

static bool check_text(struct yaml *y)
{
	const char *at = y->text, *end = at + y->len;
	unsigned n = 0;

	if (y->len >= UINT32_MAX)
		return bad(y, "this is larger than 4 GB");
	while ((at = memmem(at, (size_t)(end - at), "%TAG", 4))) {
		/* Some line breaks are not ASCII. */
		bool first = at == y->text || at[-1] == '\n' || at[-1] == '\r' || at[-1] < 0;

		if (first && ++n > TAG_LINES)
			return bad_at(y, (size_t)(at - y->text), "there are too many %TAG lines");
		at += 4;
	}
	return true;
}

static bool next_event(struct yaml *y)
{
	if (y->has_event)
		yaml_event_delete(&y->event);
	y->has_event = yaml_parser_parse(&y->parser, &y->event);
	return y->has_event || bad_parse(y);
}

static bool read_document(struct yaml *y, struct value *v)
{
	return next_event(y) && read_node(y, v) && next_event(y); /* the last: its end */
}

static bool read_node(struct yaml *y, struct value *v)
{
	const yaml_event_t *e = &y->event;

	*v = (struct value){ .type = VALUE_NULL };
	tree_place(v, e->start_mark.line + 1, e->start_mark.column + 1);
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return check_node(y, e->data.scalar.anchor, NULL, NULL) && read_scalar(y, v);
	case YAML_MAPPING_START_EVENT:
		return check_node(y, e->data.mapping_start.anchor, e->data.mapping_start.tag,
				  CORE "map") &&
		       read_map(y, v);
	case YAML_SEQUENCE_START_EVENT:
		return check_node(y, e->data.sequence_start.anchor, e->data.sequence_start.tag,
				  CORE "seq") &&
		       read_list(y, v);
	case YAML_ALIAS_EVENT:
		return bad(y, "aliases (*name) are not accepted; write the value itself here");
	default:
		return bad(y, "expected a value");
	}
}

static bool read_map(struct yaml *y, struct value *v)
{
	size_t from = y->tree.n;

	if (!deeper(y))
		return false;
	while (next_event(y)) {
		struct member m;

		if (y->event.type == YAML_MAPPING_END_EVENT) {
			y->depth--;
			return tree_map(&y->tree, from, y->arena, y->diags, v);
		}
		if (!read_key(y, &m) || !next_event(y) || !read_node(y, &m.value))
			return false;
		tree_push(&y->tree, &m);
	}
	return false;
}

static bool read_key(struct yaml *y, struct member *m)
{
	const yaml_event_t *event = &y->event;
	struct value key;
	const char *text;

	if (event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT)
		return bad(y, "a key must be a string, not %s",
			   event->type == YAML_MAPPING_START_EVENT ? "a map" : "a list");
	if (event->type == YAML_SCALAR_EVENT &&
	    event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    strcmp((const char *)event->data.scalar.value, "<<") == 0)
		return bad(y,
			   "merge keys (<<) are not accepted; write the members themselves here");
	if (!read_node(y, &key))
		return false;
	text = event->type == YAML_SCALAR_EVENT ? (const char *)event->data.scalar.value : "";
	if (key.type != VALUE_STRING && !*text)
		return bad(y, "expected a key before the colon");
	if (key.type != VALUE_STRING) {
		text = text_clean(y->diags->arena, text, strlen(text), 64);
		return bad(y, "a key must be a string; write \"%s\" with quotes", text);
	}
	m->key = key.string;
	m->line = key.line;
	m->column = key.column;
	m->key_len = key.n;
	return true;
}

static bool read_list(struct yaml *y, struct value *v)
{
	size_t from = y->tree.n;
	struct member item = { 0 };

	if (!deeper(y))
		return false;
	while (next_event(y)) {
		if (y->event.type == YAML_SEQUENCE_END_EVENT) {
			y->depth--;
			tree_list(&y->tree, from, y->arena, v);
			return true;
		}
		if (!read_node(y, &item.value))
			return false;
		tree_push(&y->tree, &item);
	}
	return false;
}

static bool read_scalar(struct yaml *y, struct value *v)
{
	const char *text = (const char *)y->event.data.scalar.value;
	const char *tag = (const char *)y->event.data.scalar.tag;
	size_t len = y->event.data.scalar.length;
	bool plain = y->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (memchr(text, '\0', len))
		return bad(y, "the string has \\0 in it; NUL is not accepted");
	if (str_eq(tag, CORE "str"))
		tag = NULL;
	else if ((plain || tag) && resolve(y, v, text, len)) {
		v->plain = plain;
		return !tag || check_tag(y, v, tag);
	}
	v->type = VALUE_STRING;
	v->plain = plain && !y->event.data.scalar.tag;
	v->n = (uint32_t)len;
	v->string = arena_strn(y->arena, text, len);
	return !tag || check_tag(y, v, tag);
}

/* What a scalar without quotes is, if it is not a string. */
static bool resolve(struct yaml *y, struct value *v, const char *text, size_t len)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };

	switch (len ? *text : '\0') {
	case '\0':
	case '~':
	case 'n':
	case 'N':
		return is_one_of(text, len, nulls);
	case 't':
	case 'T':
		v->boolean = is_one_of(text, len, trues);
		v->type = v->boolean ? VALUE_BOOL : VALUE_NULL;
		return v->boolean;
	case 'f':
	case 'F':
		v->type = is_one_of(text, len, falses) ? VALUE_BOOL : VALUE_NULL;
		return v->type == VALUE_BOOL;
	case '0' ... '9':
	case '+':
	case '-':
	case '.':
		return resolve_number(y, v, text, len);
	default:
		return false;
	}
}

static bool resolve_number(struct yaml *y, struct value *v, const char *text, size_t len)
{
	bool negative = *text == '-';
	const char *digits = text + negative;
	size_t n = len - negative;
	uint64_t number;

	if ((n == 1 || *digits != '0') &&
	    text_u64(digits, n, (uint64_t)INT64_MAX + negative, &number)) {
		v->type = VALUE_INT;
		v->integer = (int64_t)(negative ? -number : number);
		return true;
	}
	if (!is_real(text, len))
		return false;
	v->type = VALUE_REAL;
	v->n = (uint32_t)len;
	v->string = arena_strn(y->arena, text, len);
	return true;
}

/* Any number of the core schema that is not as JSON writes an integer. */
static bool is_real(const char *text, size_t len)
{
	static const char *const names[] = { ".inf", ".Inf", ".INF", NULL };
	static const char *const nans[] = { ".nan", ".NaN", ".NAN", NULL };
	const char *at = text, *end = text + len, *from;
	size_t digits = 0;

	if (len > 2 && memcmp(text, "0x", 2) == 0)
		return all_of(text + 2, len - 2, "0123456789abcdefABCDEF");
	if (len > 2 && memcmp(text, "0o", 2) == 0)
		return all_of(text + 2, len - 2, "01234567");
	if (is_one_of(text, len, nans))
		return true;
	at += *at == '+' || *at == '-';
	if (is_one_of(at, (size_t)(end - at), names))
		return true;
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		digits++;
	if (at < end && *at == '.')
		for (at++; at < end && *at >= '0' && *at <= '9'; at++)
			digits++;
	if (!digits)
		return false;
	if (at == end)
		return true;
	if (*at != 'e' && *at != 'E')
		return false;
	at++;
	at += at < end && (*at == '+' || *at == '-');
	for (from = at; at < end && *at >= '0' && *at <= '9';)
		at++;
	return at > from && at == end;
}

static bool all_of(const char *text, size_t len, const char *set)
{
	return strspn(text, set) == len;
}

/* Refuses what no node may have; CORE is the one tag that is right, unless TAG is NULL. */
static bool check_node(struct yaml *y, const yaml_char_t *anchor, const yaml_char_t *tag,
		       const char *core)
{
	const char *name = (const char *)anchor;

	if (name)
		return bad(y,
			   "anchors (&%s) are not accepted; write the value wherever it is needed",
			   text_clean(y->diags->arena, name, strlen(name), 64));
	return !tag || strcmp((const char *)tag, core) == 0 ||
	       check_tag(y, &(struct value){ .type = VALUE_MAP }, (const char *)tag);
}

/* Is V what its TAG says? */
static bool check_tag(struct yaml *y, const struct value *v, const char *tag)
{
	size_t prefix = strlen(CORE);
	bool fraction = v->type == VALUE_REAL && v->string[1] != 'x' && strpbrk(v->string, ".eE");

	if (strncmp(tag, CORE, prefix) == 0) {
		for (size_t i = 0; i < lengthof(tags); i++) {
			if (strcmp(tag + prefix, tags[i].tag) != 0)
				continue;
			if (tags[i].types & 1u << v->type && !(fraction && tags[i].whole))
				return true;
			return bad(y, "this is not %s, as its tag !!%s says", tags[i].name,
				   tags[i].tag);
		}
		tag = arena_printf(y->diags->arena, "!!%s", tag + prefix);
	}
	return bad(y, "the tag %s is not accepted; leave it out",
		   text_clean(y->diags->arena, tag, strlen(tag), 64));
}

static bool deeper(struct yaml *y)
{
	if (y->depth == VALUE_DEPTH)
		return bad(y, "maps and lists are nested deeper than %d levels here", VALUE_DEPTH);
	y->depth++;
	return true;
}

/* Complains at the current event. Returns false. */
static bool bad(struct yaml *y, const char *format, ...)
{
	const yaml_mark_t *mark = &y->event.start_mark;
	va_list args;

	va_start(args, format);
	diag_add(y->diags, DIAG_ERROR, (unsigned)mark->line + 1, (unsigned)mark->column + 1, NULL,
		 "%s", arena_vprintf(y->diags->arena, format, args));
	va_end(args);
	return false;
}

/* Complains at a byte of the text. */
static bool bad_at(struct yaml *y, size_t offset, const char *text)
{
	unsigned line, column;

	place_of(y, offset, &line, &column);
	diag_add(y->diags, DIAG_ERROR, line, column, NULL, "%s", text);
	return false;
}

static bool is_one_of(const char *text, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == len && memcmp(*words, text, len) == 0)
			return true;
	return false;
}

static bool bad_parse(struct yaml *y)
{
	const yaml_parser_t *p = &y->parser;
	const yaml_mark_t *mark = &p->problem_mark, *context = &p->context_mark;
	const char *text = p->problem ? p->problem : "this is not YAML", *began = "";
	unsigned line, column, last_line, last_column;

	if (p->error == YAML_MEMORY_ERROR)
		abort();
	if (p->error == YAML_READER_ERROR) {
		bool control = strstr(text, "control");

		return bad_at(y, control ? p->problem_offset : text_utf8(y->text, y->len),
			      !control		? "this byte is not UTF-8" :
			      !p->problem_value ? "this is a NUL byte; YAML is text" :
						  "this is a control character; YAML is text");
	}
	if (strcmp(text, "found character that cannot start any token") == 0)
		text = *p->buffer.pointer == '\t' ?
			       "a tab cannot indent YAML; use blanks" :
			       arena_printf(y->diags->arena,
					    "a value cannot begin with '%c'; put it in quotes",
					    *p->buffer.pointer);
	for (size_t i = 0; i < lengthof(problems); i++) {
		if (strcmp(text, problems[i].problem) != 0)
			continue;
		text = problems[i].text;
		if (problems[i].place == BEFORE && p->context)
			mark = context;
		else if (problems[i].place == OPENED && p->context && context->line != mark->line)
			began = arena_printf(y->diags->arena, " (it began on line %zu)",
					     context->line + 1);
		break;
	}
	line = (unsigned)mark->line + 1;
	column = (unsigned)mark->column + 1;
	place_of(y, y->len, &last_line, &last_column);
	if (line > last_line) { /* libyaml ends every text with a line break */
		line = last_line;
		column = last_column;
	}
	diag_add(y->diags, DIAG_ERROR, line, column, NULL, "%s%s", text, began);
	return false;
}

/* The place of a byte of the text. */
static void place_of(const struct yaml *y, size_t offset, unsigned *line, unsigned *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < MIN(offset, y->len); i++) {
		char c = y->text[i];

		if (c == '\n' || (c == '\r' && (i + 1 == y->len || y->text[i + 1] != '\n'))) {
			++*line;
			*column = 1;
		} else {
			*column += (c & 0xc0) != 0x80;
		}
	}
}
