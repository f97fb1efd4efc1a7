/* SPDX-License-Identifier: Apache-2.0 */
#include "selector/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

/* clang-format off */
static const struct {
	const char *text;
	enum token token;
} functions[] = {
	{ "has(",    TOKEN_HAS },
	{ "all(",    TOKEN_ALL },
	{ "global(", TOKEN_GLOBAL },
};

static const struct {
	const char *first, *second;
	enum token token;
} keywords[] = {
	{ "in",       "",     TOKEN_IN },
	{ "not",      "in",   TOKEN_NOT_IN },
	{ "contains", "",     TOKEN_CONTAINS },
	{ "starts",   "with", TOKEN_STARTS },
	{ "ends",     "with", TOKEN_ENDS },
};
/* clang-format on */

static bool is_label(char c);
static size_t skip_blanks(const char *text, size_t at);
static void take_token(struct lexer *l, enum token token, size_t len);
static void take_string(struct lexer *l);
static void take_label(struct lexer *l);
static void bad_byte(struct lexer *l);
static void no_operator(struct lexer *l, const char *label, size_t label_len);

void lex_next(struct lexer *l)
{
	const char *at;

	l->next = skip_blanks(l->text, l->next);
	at = l->text + l->next;
	for (size_t i = 0; i < lengthof(functions); i++)
		if (strncmp(at, functions[i].text, strlen(functions[i].text)) == 0) {
			take_token(l, functions[i].token, strlen(functions[i].text));
			return;
		}
	switch (*at) {
	case '\0':
		take_token(l, TOKEN_END, 0);
		return;
	case '(':
		take_token(l, TOKEN_OPEN, 1);
		return;
	case ')':
		take_token(l, TOKEN_CLOSE, 1);
		return;
	case '{':
		take_token(l, TOKEN_OPEN_SET, 1);
		return;
	case '}':
		take_token(l, TOKEN_CLOSE_SET, 1);
		return;
	case ',':
		take_token(l, TOKEN_COMMA, 1);
		return;
	case '!':
		if (at[1] == '=')
			take_token(l, TOKEN_NE, 2);
		else
			take_token(l, TOKEN_NOT, 1);
		return;
	case '=':
		if (at[1] == '=')
			take_token(l, TOKEN_EQ, 2);
		else
			bad_byte(l);
		return;
	case '&':
	case '|':
		if (at[1] == *at)
			take_token(l, *at == '&' ? TOKEN_AND : TOKEN_OR, 2);
		else
			bad_byte(l);
		return;
	case '"':
	case '\'':
		take_string(l);
		return;
	default:
		if (is_label(*at))
			take_label(l);
		else
			bad_byte(l);
	}
}

void lex_operator(struct lexer *l)
{
	const char *label = l->at;
	size_t label_len = l->len;
	const char *at;

	l->next = skip_blanks(l->text, l->next);
	at = l->text + l->next;
	if ((*at == '=' || *at == '!') && at[1] == '=') {
		take_token(l, *at == '=' ? TOKEN_EQ : TOKEN_NE, 2);
		return;
	}
	for (size_t i = 0; i < lengthof(keywords); i++) {
		size_t len = strlen(keywords[i].first), second = strlen(keywords[i].second);

		if (strncmp(at, keywords[i].first, len) != 0)
			continue;
		if (second)
			len = skip_blanks(at, len);
		if (strncmp(at + len, keywords[i].second, second) != 0 ||
		    is_label(at[len + second]))
			continue;
		take_token(l, keywords[i].token, len + second);
		return;
	}
	no_operator(l, label, label_len);
}

void *lex_fail(struct lexer *l, size_t offset, const char *format, ...)
{
	va_list args;

	l->token = TOKEN_BAD;
	if (l->error->words[0])
		return NULL;
	l->error->offset = offset;
	va_start(args, format);
	vsnprintf(l->error->words, sizeof l->error->words, format, args);
	va_end(args);
	return NULL;
}

static bool is_label(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '/' || c == '-';
}

static size_t skip_blanks(const char *text, size_t at)
{
	return at + strspn(text + at, " \t");
}

static void take_token(struct lexer *l, enum token token, size_t len)
{
	l->token = token;
	l->start = l->next;
	l->at = l->text + l->next;
	l->len = len;
	l->next += len;
}

static void take_string(struct lexer *l)
{
	const char *open = l->text + l->next;
	const char *close = strchr(open + 1, *open);

	if (!close) {
		lex_fail(l, l->next, "the string that begins here (column %zu) has no closing %c",
			 l->next + 1, *open);
		return;
	}
	take_token(l, TOKEN_STRING, (size_t)(close - open) + 1);
	l->at = open + 1;
	l->len = (size_t)(close - open) - 1;
}

static void take_label(struct lexer *l)
{
	size_t len = 1;

	while (is_label(l->text[l->next + len]))
		len++;
	if (len > SELECTOR_LABEL_MAX)
		lex_fail(l, l->next,
			 "the label that begins here has %zu bytes; at most %d are allowed", len,
			 SELECTOR_LABEL_MAX);
	else
		take_token(l, TOKEN_LABEL, len);
}

static void bad_byte(struct lexer *l)
{
	unsigned char c = (unsigned char)l->text[l->next];

	if (c == '&' || c == '|')
		lex_fail(l, l->next, "a single %c is no operator; write %c%c", c, c, c);
	else if (c == '=')
		lex_fail(l, l->next, "a single = is no operator; write ==");
	else if (c == '\n' || c == '\r')
		lex_fail(l, l->next, "line breaks are only allowed inside quotes");
	else if (c > ' ' && c < 0x7f)
		lex_fail(l, l->next,
			 "unexpected %c; values stand in quotes, "
			 "labels have letters, digits and _ . / - only",
			 c);
	else
		lex_fail(l, l->next, "unexpected byte 0x%02x outside quotes", c);
}

/* What stands after a label is no operator: guess what was meant. */
static void no_operator(struct lexer *l, const char *label, size_t label_len)
{
	const char *at = l->text + l->next;
	int shown = (int)MIN(label_len, (size_t)SELECTOR_SHOWN);
	const char *more = label_len > SELECTOR_SHOWN ? "..." : "";

	if (*at == '=')
		lex_fail(l, l->next, "expected an operator such as == here; a single = is not one");
	else if (*at == '!')
		lex_fail(l, l->next, "expected an operator such as != here; a single ! is not one");
	else if (*at == '(')
		lex_fail(l, l->next,
			 "unexpected ( after %.*s%s; the functions are has(LABEL), all() "
			 "and global(), without a blank before the (",
			 shown, label, more);
	else if (label_len == 3 && strncasecmp(label, "not", 3) == 0 && is_label(*at))
		lex_fail(l, l->next,
			 "expected an operator such as == after the label %.*s; "
			 "to negate, write !",
			 shown, label);
	else if (is_label(*at))
		lex_fail(l, l->next,
			 "expected an operator here: ==, !=, in, not in, contains, "
			 "starts with or ends with (in lower case)");
	else
		lex_fail(l, l->next,
			 "expected an operator such as == after the label %.*s%s; "
			 "to ask whether it is there, write has(%.*s%s)",
			 shown, label, more, shown, label, more);
}
