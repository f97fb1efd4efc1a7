/* SPDX-License-Identifier: Apache-2.0 */
#include "bird/reply.h"

#include "base/text.h"

static bool line_code(const char *line, size_t len, int *ret);
static bool place_number(const char **at, unsigned *ret);

void reply_clear(struct reply *r)
{
	arena_free(&r->arena);
	*r = (struct reply){ .arena = r->arena };
}

bool reply_add(struct reply *r, const char *line, size_t len)
{
	int code = r->n ? r->lines[r->n - 1].code : 0;
	bool coded = line_code(line, len, &code);
	size_t skip = coded ? 5 : len && line[0] == ' ';

	if (r->done || (len && line[0] == '+'))
		return false;
	if (r->arena.size < REPLY_MAX) {
		struct reply_line *l = arena_push(&r->arena, r->lines, r->n);

		l->code = code;
		l->text = text_clean(&r->arena, line + skip, MIN(len - skip, REPLY_LINE_MAX),
				     REPLY_LINE_MAX);
	}
	if (!coded || line[4] != ' ')
		return false;
	r->code = code;
	r->done = true;
	return true;
}

const char *reply_find(const struct reply *r, int code)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->lines[i].code == code)
			return r->lines[i].text;
	return NULL;
}

/* A file may have blanks and colons in its name, and words anything: the first ":LINE:COLUMN "
 * decides. */
bool reply_place(const char *text, struct arena *a, struct reply_place *ret)
{
	for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
		const char *at = colon + 1;
		unsigned line, column;

		if (colon == text || !place_number(&at, &line) || *at++ != ':')
			continue;
		if (!place_number(&at, &column) || *at++ != ' ')
			continue;
		*ret = (struct reply_place){
			.file = arena_strn(a, text, (size_t)(colon - text)),
			.words = arena_str(a, at),
			.line = line,
			.column = column,
		};
		return true;
	}
	return false;
}

/* "1002-" or "0013 " at the start of LINE; *RET stays as it is when there is none. */
static bool line_code(const char *line, size_t len, int *ret)
{
	uint64_t code;

	if (len < 5 || (line[4] != ' ' && line[4] != '-') || !text_u64(line, 4, 9999, &code))
		return false;
	*ret = (int)code;
	return true;
}

static bool place_number(const char **at, unsigned *ret)
{
	size_t len = strspn(*at, "0123456789");
	uint64_t number;

	if (!text_u64(*at, len, UINT32_MAX, &number))
		return false;
	*ret = (unsigned)number;
	*at += len;
	return true;
}
