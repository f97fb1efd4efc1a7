/* SPDX-License-Identifier: Apache-2.0 */
#include "render/template.h"

#include "base/text.h"
#include "compute/plan.h"

struct template
{
	const char **lines[2]; /* by enum template_part */
	size_t n_lines[2];
};

static void line_add(struct template *t, enum template_part part, const char *line, unsigned number,
		     struct arena *a, struct diags *d);
static bool keys_check(const char *line, unsigned number, struct diags *d);
static bool line_fill(const char *line, const struct strmap *values, struct buf *out);
static void braces_check(const struct template *t, enum template_part part, struct diags *d);

static const char *const part_names[] = { "protocol:", "channel:", NULL };
static const char key_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/";

const struct template *template_parse(const char *text, size_t len, struct arena *a,
				      struct diags *d)
{
	struct template *t = arena_new(a, struct template);
	const char *at = text, *end = text + len;
	size_t errors = d->n_errors;
	unsigned number = 0;
	int part = -1;

	if (len > TEMPLATE_MAX || memchr(text, '\0', len) || text_utf8(text, len) != len) {
		diag_add(d, DIAG_ERROR, 0, 0, NULL,
			 len > TEMPLATE_MAX ? "a session template has at most 64 KiB" :
					      "a session template is text (UTF-8 without NUL)");
		return NULL;
	}
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		char *line = arena_strn(a, at, (size_t)((stop ? stop : end) - at));
		int named;

		at = stop ? stop + 1 : end;
		number++;
		line += strspn(line, " \t");
		for (size_t n = strlen(line); n && strchr(" \t\r", line[n - 1]); n--)
			line[n - 1] = '\0';
		named = name_find(part_names, line, -1);
		if (named >= 0)
			part = named;
		else if (!*line || *line == '#')
			continue;
		else if (part < 0)
			diag_add(d, DIAG_ERROR, number, 1, NULL,
				 "a template begins with \"protocol:\" or \"channel:\"");
		else
			line_add(t, (enum template_part)part, line, number, a, d);
	}
	for (part = 0; part < 2; part++)
		braces_check(t, (enum template_part)part, d);
	return d->n_errors == errors ? t : NULL;
}

void template_fill(const struct template *t, enum template_part part, const struct strmap *values,
		   void (*line)(void *ctx, const char *text), void *ctx)
{
	auto_buf struct buf out = { 0 };

	for (size_t i = 0; i < t->n_lines[part]; i++) {
		buf_clear(&out);
		if (line_fill(t->lines[part][i], values, &out))
			line(ctx, buf_text(&out));
	}
}

static void line_add(struct template *t, enum template_part part, const char *line, unsigned number,
		     struct arena *a, struct diags *d)
{
	if (keys_check(line, number, d))
		*arena_push(a, t->lines[part], t->n_lines[part]) = line;
}

static bool keys_check(const char *line, unsigned number, struct diags *d)
{
	for (const char *at = line; (at = strstr(at, "${"));) {
		size_t len = strspn(at + 2, key_alphabet);

		if (!len || at[2 + len] != '}') {
			diag_add(d, DIAG_ERROR, number, (unsigned)(at - line) + 1, NULL,
				 "\"${\" is followed by a key (A-Z a-z 0-9 _ . - /) and \"}\"");
			return false;
		}
		at += 2 + len;
	}
	return true;
}

static bool line_fill(const char *line, const struct strmap *values, struct buf *out)
{
	const char *at = line, *mark;

	while ((mark = strstr(at, "${"))) {
		size_t len = strspn(mark + 2, key_alphabet);
		char key[256];
		const char *value;

		if (len >= sizeof key)
			return false;
		memcpy(key, mark + 2, len);
		key[len] = '\0';
		value = strmap_get(values, key);
		if (!value || !extension_value_valid(value))
			return false;
		buf_add(out, at, (size_t)(mark - at));
		buf_str(out, value);
		at = mark + 2 + len + 1;
	}
	buf_str(out, at);
	return true;
}

/* A brace too many would end the protocol early and make the rest of the line something else. So
 * would one on a line that is left out. */
static void braces_check(const struct template *t, enum template_part part, struct diags *d)
{
	long depth = 0;
	bool even = true;

	for (size_t i = 0; i < t->n_lines[part]; i++) {
		long before = depth;
		bool keys = strstr(t->lines[part][i], "${");

		for (const char *c = t->lines[part][i]; *c; c++) {
			if (*c == '{' && c > t->lines[part][i] && c[-1] == '$')
				c += strcspn(c, "}");
			else if (*c == '{')
				depth++;
			else if (*c == '}')
				even &= --depth >= (keys ? before : 0);
		}
		even &= !keys || depth == before;
	}
	if (depth || !even)
		diag_add(d, DIAG_ERROR, 0, 0, NULL,
			 "the braces of the part \"%s\" do not match; a line with ${} must have "
			 "both or none",
			 part_names[part]);
}
