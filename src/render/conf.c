/* SPDX-License-Identifier: Apache-2.0 */
#include "render/conf.h"

#include <stdio.h>

#define ID_LINE "define conf_id = \""
#define BLOCK	"# block "
#define END	"# end\n"
#define ASKS	"asks="

static void id_take(struct conf *c);
static void sessions_sort(struct conf *c);
static int session_cmp(const void *a, const void *b);
static enum conf_stop stop_of(const struct conf *c, const struct conf_block *b);
static void count_lines(struct conf *c);
static struct conf *conf_empty(struct arena *a);
static bool starts(const char *text, size_t len, const char *with);
static char *word_next(struct arena *a, const char **at, const char *end);
static void words_rest(struct conf_block *b, struct arena *a, const char *at, const char *end);
static const char *line_next(const char **at, const char *end, size_t *ret_len);
static bool is_disabled(const char *line, size_t len);

struct conf *conf_new(struct arena *a)
{
	struct conf *c = conf_empty(a);

	buf_str(&c->text, CONF_HEAD ID_LINE);
	c->id_at = c->text.len;
	buf_str(&c->text, "0000000000000000\";\n");
	return c;
}

void conf_open(struct conf *c, const char *name, const char *origin, const char *remote)
{
	conf_open_session(c, name, origin, remote, NULL);
}

void conf_open_session(struct conf *c, const char *name, const char *origin, const char *remote,
		       const char *asks)
{
	struct conf_block *b = arena_push(c->arena, c->blocks, c->n_blocks);

	b->name = name;
	b->origin = origin;
	b->remote = remote;
	b->asks = asks;
	buf_str(&c->text, BLOCK);
	buf_str(&c->text, name);
	buf_char(&c->text, ' ');
	buf_str(&c->text, origin);
	if (remote) {
		buf_char(&c->text, ' ');
		buf_str(&c->text, remote);
	}
	if (asks) {
		buf_str(&c->text, " " ASKS);
		buf_str(&c->text, asks);
	}
	buf_char(&c->text, '\n');
	count_lines(c);
	b->at = c->text.len;
	b->line = c->lines + 1;
	c->open = true;
}

void conf_close(struct conf *c)
{
	struct conf_block *b = &c->blocks[c->n_blocks - 1];

	count_lines(c);
	b->len = c->text.len - b->at;
	b->n_lines = c->lines + 1 - b->line;
	b->stop = stop_of(c, b);
	buf_str(&c->text, END);
	count_lines(c);
	c->open = false;
}

void conf_line(struct conf *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(&c->text, format, args);
	va_end(args);
	buf_char(&c->text, '\n');
}

void conf_text(struct conf *c, const char *text, size_t len)
{
	buf_add(&c->text, text, len);
}

const char *conf_quote(const char *text, struct arena *a)
{
	for (const char *s = text; *s; s++)
		if (*s == '"' || ((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			return NULL;
	return arena_printf(a, "\"%s\"", text);
}

void conf_finish(struct conf *c, const struct conf *like)
{
	buf_fit(&c->text); /* it is kept as long as its plan */
	sessions_sort(c);
	if (like && like->text.len == c->text.len && like->id_at == c->id_at &&
	    memcmp(like->text.at, c->text.at, c->id_at) == 0 &&
	    memcmp(like->text.at + c->id_at + 16, c->text.at + c->id_at + 16,
		   c->text.len - c->id_at - 16) == 0) {
		memcpy(c->id, like->id, sizeof c->id);
		memcpy(c->text.at + c->id_at, c->id, 16);
		return;
	}
	id_take(c);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	if (c->text.at) /* passwords */
		explicit_bzero(c->text.at, c->text.len);
	buf_free(&c->text);
}

const struct conf_block *conf_owner(const struct conf *c, unsigned line)
{
	size_t low = 0, high = c->n_blocks;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct conf_block *b = &c->blocks[mid];

		if (line >= b->line && line < b->line + b->n_lines)
			return b;
		if (line < b->line)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct conf_block *conf_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; c && i < c->n_blocks; i++)
		if (strcmp(c->blocks[i].name, name) == 0)
			return &c->blocks[i];
	return NULL;
}

const struct conf_block *conf_session(const struct conf *c, const char *name)
{
	size_t low = 0, high = c ? c->n_sessions : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(c->sessions[mid]->name, name);

		if (!order)
			return c->sessions[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

bool conf_is_session(const struct conf_block *b)
{
	return strncmp(b->name, CONF_PEERING, strlen(CONF_PEERING)) == 0;
}

struct digest conf_block_digest(const struct conf *c, const struct conf_block *b)
{
	const char *at = c->text.at + b->at, *end = at + b->len, *line;
	auto_buf struct buf text = { 0 };
	struct digest digest;
	size_t len;

	while ((line = line_next(&at, end, &len)))
		if (!is_disabled(line, len))
			buf_add(&text, line, len + 1);
	digest = digest_of(buf_text(&text), text.len);
	if (text.len) /* passwords */
		explicit_bzero(text.at, text.len);
	return digest;
}

bool conf_block_has(const struct conf *c, const struct conf_block *b, const char *word)
{
	const char *at = c->text.at + b->at, *end = at + b->len, *line;
	size_t len;

	while ((line = line_next(&at, end, &len))) {
		while (len && *line == '\t') {
			line++;
			len--;
		}
		if (starts(line, len, word))
			return true;
	}
	return false;
}

const char *conf_line_at(const struct conf *c, unsigned number, size_t *ret_len)
{
	const char *at = c->text.at, *end = at + c->text.len, *line = NULL;

	for (unsigned i = 0; i < number; i++)
		if (!(line = line_next(&at, end, ret_len)))
			return NULL;
	return line;
}

bool conf_is_id(const char *id)
{
	return id && strlen(id) == sizeof((struct conf *)NULL)->id - 1;
}

struct conf *conf_parse(const char *text, size_t len, struct arena *a)
{
	const char *end = text + len, *line = text;
	struct conf_block *open = NULL;
	struct conf *c;

	if (!starts(text, len, CONF_HEAD))
		return NULL;
	c = conf_empty(a);
	buf_add(&c->text, text, len);
	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		const char *next = stop ? stop + 1 : end;
		size_t left = (size_t)(next - line);

		c->lines++;
		if (!open && starts(line, left, BLOCK)) {
			const char *at = line + strlen(BLOCK);

			open = arena_push(a, c->blocks, c->n_blocks);
			open->name = word_next(a, &at, stop ? stop : end);
			open->origin = word_next(a, &at, stop ? stop : end);
			words_rest(open, a, at, stop ? stop : end);
			open->at = (size_t)(next - text);
			open->line = c->lines + 1;
		} else if (open && starts(line, left, END)) {
			open->len = (size_t)(line - text) - open->at;
			open->n_lines = c->lines - open->line;
			open->stop = stop_of(c, open);
			open = NULL;
		} else if (!open && !c->id_at && starts(line, left, ID_LINE) &&
			   left >= strlen(ID_LINE) + 18) {
			c->id_at = (size_t)(line - text) + strlen(ID_LINE);
			memcpy(c->id, text + c->id_at, 16);
		}
		line = next;
	}
	if (open) /* a file that was cut short: what it began is not to be trusted */
		c->n_blocks--;
	c->counted = len;
	sessions_sort(c);
	return c;
}

bool conf_intact(const struct conf *c)
{
	struct conf copy = *c; /* shares the text, which is as it was afterwards */

	if (!c->id_at)
		return false;
	id_take(&copy);
	memcpy(c->text.at + c->id_at, c->id, 16);
	return strcmp(copy.id, c->id) == 0;
}

static struct conf *conf_empty(struct arena *a)
{
	struct conf *c = arena_new(a, struct conf);

	c->arena = a;
	return c;
}

/* They are rendered in that order; texts of other releases may have another one. */
static void sessions_sort(struct conf *c)
{
	bool sorted = true;

	c->sessions = arena_array(c->arena, const struct conf_block *, c->n_blocks);
	c->n_sessions = 0;
	for (size_t i = 0; i < c->n_blocks; i++) {
		const struct conf_block *b = &c->blocks[i];

		if (!conf_is_session(b))
			continue;
		sorted &=
			!c->n_sessions || strcmp(c->sessions[c->n_sessions - 1]->name, b->name) < 0;
		c->sessions[c->n_sessions++] = b;
	}
	if (!sorted)
		qsort(c->sessions, c->n_sessions, sizeof *c->sessions, session_cmp);
}

static int session_cmp(const void *a, const void *b)
{
	const struct conf_block *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static enum conf_stop stop_of(const struct conf *c, const struct conf_block *b)
{
	const char *at = c->text.at + b->at, *end = at + b->len, *line;
	size_t len;

	while ((line = line_next(&at, end, &len))) {
		if (!is_disabled(line, len))
			continue;
		line += strlen(CONF_DISABLED);
		len -= strlen(CONF_DISABLED);
		return starts(line, len, CONF_BY_HAND_MARK)  ? CONF_BY_HAND :
		       starts(line, len, CONF_BY_FIELD_MARK) ? CONF_BY_FIELD :
							       CONF_NEVER_RAN;
	}
	return CONF_NOT_STOPPED;
}

static void count_lines(struct conf *c)
{
	const char *end = c->text.at + c->text.len, *at = c->text.at + c->counted;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		c->lines++;
		at++;
	}
	c->counted = c->text.len;
}

static bool starts(const char *text, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(text, with, n) == 0;
}

static char *word_next(struct arena *a, const char **at, const char *end)
{
	const char *from = *at, *stop = from;

	while (stop < end && *stop != ' ')
		stop++;
	*at = stop < end ? stop + 1 : end;
	return arena_strn(a, from, (size_t)(stop - from));
}

/* Behind name and origin: the Node at the other end, and what was asked, where they are. */
static void words_rest(struct conf_block *b, struct arena *a, const char *at, const char *end)
{
	const char *word;

	while (*(word = word_next(a, &at, end)))
		if (starts(word, strlen(word), ASKS))
			b->asks = word + strlen(ASKS);
		else
			b->remote = word;
}

/* The line at *AT, which is left behind it; NULL at the end. */
static const char *line_next(const char **at, const char *end, size_t *ret_len)
{
	const char *line = *at, *stop = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;

	if (line >= end)
		return NULL;
	*ret_len = (size_t)((stop ? stop : end) - line);
	*at = stop ? stop + 1 : end;
	return line;
}

static bool is_disabled(const char *line, size_t len)
{
	return starts(line, len, CONF_DISABLED);
}

/* The id's own place holds zeros while the digest is taken: every byte but its own counts. */
static void id_take(struct conf *c)
{
	struct digest d;
	struct digest_text hex;

	memset(c->text.at + c->id_at, '0', 16);
	d = digest_of(c->text.at, c->text.len);
	hex = digest_hex(&d);
	memcpy(c->id, hex.s, 16);
	c->id[16] = '\0';
	memcpy(c->text.at + c->id_at, c->id, 16);
}
