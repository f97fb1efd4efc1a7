/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <strings.h>

static size_t utf8_length(const unsigned char *s, size_t left);
static bool duration_unit(const char **at, int64_t *ret_ns);

int name_find(const char *const *words, const char *word, int none)
{
	for (int i = 0; word && words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return none;
}

int name_find_case(const char *const *words, const char *word, int none)
{
	for (int i = 0; word && words[i]; i++)
		if (strcasecmp(words[i], word) == 0)
			return i;
	return none;
}

const char *name_suggest(const char *const *words, const char *word)
{
	const char *best = NULL;
	size_t len = strlen(word);
	unsigned limit = len <= 3 ? 1 : len <= 7 ? 2 : 3;

	for (size_t i = 0; words[i]; i++) {
		unsigned distance;

		if (!*words[i])
			continue;
		if (strcasecmp(words[i], word) == 0)
			return words[i];
		distance = text_distance(words[i], word, limit);
		if (distance <= limit) {
			best = words[i];
			limit = distance ? distance - 1 : 0;
		}
	}
	return best;
}

bool name_among(const char *const *words, size_t n, const char *word)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;
		int order = strcmp(words[mid], word);

		if (!order)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			n = mid;
	}
	return false;
}

const char *name_list(const char *const *words, struct arena *a)
{
	auto_buf struct buf list = { 0 };

	for (size_t i = 0; words[i]; i++)
		if (*words[i])
			buf_printf(&list, "%s%s", list.len ? ", " : "", words[i]);
	return arena_str(a, buf_text(&list));
}

bool text_u64(const char *text, size_t len, uint64_t max, uint64_t *ret)
{
	uint64_t number = 0;

	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)(text[i] - '0');

		if (digit > 9 || number > (max - digit) / 10 || digit > max)
			return false;
		number = 10 * number + digit;
	}
	*ret = number;
	return true;
}

unsigned text_distance(const char *a, const char *b, unsigned max)
{
	unsigned row[65];
	size_t n = strlen(a), m = strlen(b);

	if (n > 64 || m > 64 || (n > m ? n - m : m - n) > max)
		return max + 1;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned change = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return MIN(row[m], max + 1);
}

size_t text_utf8(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t at = 0;

	while (at < len) {
		size_t step = utf8_length(s + at, len - at);

		if (!step)
			return at;
		at += step;
	}
	return len;
}

char *text_clean(struct arena *a, const char *text, size_t len, size_t max)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t used = 0, plain = 0;
	char *clean;

	while (plain < len && s[plain] >= 0x20 && s[plain] < 0x7f)
		plain++;
	if (plain == len) /* nearly always: no room for replacements is needed */
		return arena_strn(a, text, MIN(len, max));
	clean = arena_alloc(a, MIN(max, 3 * len) + 1);
	for (size_t at = 0; at < len;) {
		size_t step = utf8_length(s + at, len - at);
		bool control = step == 1 ? s[at] < 0x20 || s[at] == 0x7f :
			       step == 2 ? s[at] == 0xc2 && s[at + 1] < 0xa0 :
					   false;
		const char *put = step && !control ? text + at : control ? " " : "\xef\xbf\xbd";
		size_t size = step && !control ? step : control ? 1 : 3;

		if (used + size > max)
			break;
		memcpy(clean + used, put, size);
		used += size;
		at += step ? step : 1;
	}
	clean[used] = '\0';
	return clean;
}

const char *text_line(const char *text, unsigned number, struct arena *a)
{
	while (number > 1 && text) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
		number--;
	}
	return text && *text && number ? arena_strn(a, text, strcspn(text, "\n")) : NULL;
}

const char *text_safe(struct arena *a, const char *text)
{
	for (const char *c = text; c && *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			return text_clean(a, text, strlen(text), SIZE_MAX);
	return text;
}

bool text_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool text_duration(const char *text, int64_t *ret_ns)
{
	bool negative = *text == '-';
	int64_t total = 0;
	const char *at = text + (*text == '-' || *text == '+');

	if (strcmp(at, "0") == 0) {
		*ret_ns = 0;
		return true;
	}
	if (!*at)
		return false;
	while (*at) {
		int64_t part;

		if (!duration_unit(&at, &part) || __builtin_add_overflow(total, part, &total))
			return false;
	}
	*ret_ns = negative ? -total : total;
	return true;
}

const char *text_age(int64_t s, struct arena *a)
{
	if (s < 0)
		s = 0;
	if (s < 120)
		return arena_printf(a, "%llds", (long long)s);
	if (s < 3600)
		return arena_printf(a, "%lldm%llds", (long long)(s / 60), (long long)(s % 60));
	if (s < 86400)
		return arena_printf(a, "%lldh%lldm", (long long)(s / 3600),
				    (long long)(s / 60 % 60));
	return arena_printf(a, "%lldd%lldh", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

/* Bytes of the UTF-8 character at S, 0 when it is none: no overlong forms, no surrogates. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return left >= 2 && (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if ((s[0] & 0xf0) == 0xe0) {
		if (left < 3 || (s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80)
			return 0;
		if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return 3;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if (left < 4 || (s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 ||
		    (s[3] & 0xc0) != 0x80)
			return 0;
		if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

/* One "1.5h" of a duration, as nanoseconds; digits beyond what an int64 holds are refused. */
static bool duration_unit(const char **at, int64_t *ret_ns)
{
	/* clang-format off */
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "ns",        1 },
		{ "us",        1000 },
		{ "\xc2\xb5s", 1000 }, /* the micro sign */
		{ "\xce\xbcs", 1000 }, /* the Greek letter */
		{ "ms",        1000000 },
		{ "s",         1000000000 },
		{ "m",         60000000000 },
		{ "h",         3600000000000 },
	};
	/* clang-format on */
	const char *s = *at;
	int64_t whole = 0, fraction = 0;
	double scale = 1;
	bool digits = false;

	for (; *s >= '0' && *s <= '9'; s++, digits = true)
		if (__builtin_mul_overflow(whole, (int64_t)10, &whole) ||
		    __builtin_add_overflow(whole, (int64_t)(*s - '0'), &whole))
			return false;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, digits = true)
			if (fraction <= INT64_MAX / 10 - 1) { /* further digits do not count */
				fraction = 10 * fraction + (*s - '0');
				scale *= 10;
			}
	if (!digits)
		return false;
	for (size_t i = 0; i < lengthof(units); i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(s, units[i].name, len) != 0 || (s[len] >= 'a' && s[len] <= 'z'))
			continue;
		*at = s + len;
		if (__builtin_mul_overflow(whole, units[i].ns, &whole))
			return false;
		return !__builtin_add_overflow(
			whole, (int64_t)((double)fraction * ((double)units[i].ns / scale)), ret_ns);
	}
	return false;
}
