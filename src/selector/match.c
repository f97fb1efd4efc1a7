/* SPDX-License-Identifier: Apache-2.0 */
#include "selector/internal.h"

static bool holds(const struct term *t, const char *value);
static bool is_member(const struct term *t, const char *value);

bool selector_match(const struct selector *s, const struct strmap *labels)
{
	uint16_t at = 0;

	while (at < TERM_FAILS) {
		const struct term *t = &s->terms[at];
		bool yes = t->op == TERM_ALL;

		if (!yes) {
			const char *value = strmap_get(labels, t->label);

			yes = value && holds(t, value);
		}
		at = yes ? t->yes : t->no;
	}
	return at == TERM_MATCHES;
}

const char *selector_text(const struct selector *s)
{
	return s->text;
}

const char *selector_canonical(const struct selector *s)
{
	return s->canonical;
}

static bool holds(const struct term *t, const char *value)
{
	size_t len;

	switch ((enum term_op)t->op) {
	case TERM_ALL:
	case TERM_HAS:
		return true;
	case TERM_EQ:
		return strcmp(value, t->value) == 0;
	case TERM_IN:
		return is_member(t, value);
	case TERM_CONTAINS:
		return strstr(value, t->value);
	case TERM_STARTS:
		return strncmp(value, t->value, t->n) == 0;
	case TERM_ENDS:
		len = strlen(value);
		return len >= t->n && memcmp(value + len - t->n, t->value, t->n) == 0;
	}
	return false;
}

static bool is_member(const struct term *t, const char *value)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp(value, t->values[mid]);

		if (order == 0)
			return true;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}
