/* SPDX-License-Identifier: Apache-2.0 */
/* How old an object is (decisions.md 51). */
#include "base/clock.h"
#include "base/text.h"
#include "model/resource.h"

#define NS_OF_S INT64_C(1000000000)

static int64_t time_read(const char *text);
static const char *fraction_read(const char *at, int64_t *ns);
static const char *zone_read(const char *at, int64_t *s);

int64_t resource_born(const struct resource *r)
{
	const char *kept = strmap_get(&r->meta.annotations, ANNOTATION_CREATED);

	return time_read(kept ? kept : r->meta.created);
}

/* RFC 3339; fractions finer than a nanosecond are cut off. */
static int64_t time_read(const char *text)
{
	char whole[] = "2026-08-01T10:00:00Z";
	size_t n = sizeof whole - 2; /* without the zone */
	int64_t s, ns = 0, zone = 0;
	bool leap;

	if (!text || strlen(text) <= n)
		return BORN_UNKNOWN;
	memcpy(whole, text, n);
	if (whole[10] == 't')
		whole[10] = 'T';
	leap = strncmp(whole + 17, "60", 2) == 0;
	if (leap)
		memcpy(whole + 17, "59", 2);
	s = clock_parse(whole);
	text = fraction_read(text + n, &ns);
	text = text ? zone_read(text, &zone) : NULL;
	if (s < 0 || s > INT64_MAX / NS_OF_S - 2 * 86400 || !text || *text)
		return BORN_UNKNOWN;
	return (s + leap - zone) * NS_OF_S + ns;
}

/* ".25", or nothing. What follows, NULL when there is a mistake. */
static const char *fraction_read(const char *at, int64_t *ns)
{
	size_t n;

	if (*at != '.')
		return at;
	n = strspn(++at, "0123456789");
	for (size_t i = 0; i < 9; i++)
		*ns = *ns * 10 + (i < n ? at[i] - '0' : 0);
	return n ? at + n : NULL;
}

/* "Z", or "+02:00": how far it is ahead of UTC, in seconds. */
static const char *zone_read(const char *at, int64_t *s)
{
	uint64_t hours, minutes;

	if (*at == 'Z' || *at == 'z')
		return at + 1;
	if ((*at != '+' && *at != '-') || strlen(at) < 6 || at[3] != ':' ||
	    !text_u64(at + 1, 2, 23, &hours) || !text_u64(at + 4, 2, 59, &minutes))
		return NULL;
	*s = (int64_t)(hours * 3600 + minutes * 60) * (*at == '-' ? -1 : 1);
	return at + 6;
}
