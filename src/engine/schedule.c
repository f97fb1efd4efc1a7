/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/schedule.h"

#define REFRESH_MS	60000
#define REFRESH_TURN_MS 27   /* 37 a second: below 50 when clocks are a second apart, too */
#define SPACE_MS	1000 /* between two writes of a node */
#define RETRY_MS	5000
#define GOOD_FOR_S	10

static int64_t turn(const struct schedule *s, size_t place);
static int64_t news_at(const struct schedule *s);
static int64_t refresh_at(const struct schedule *s);
static int64_t latest(const struct schedule *s);
static int64_t overdue(const struct schedule *s, int64_t at);

int64_t schedule_next(const struct schedule *s)
{
	if (s->failed)
		return overdue(s, s->written + MAX(RETRY_MS, turn(s, s->nodes)));
	if (!s->written)
		return news_at(s);
	return s->news ? MIN(news_at(s), latest(s)) : refresh_at(s);
}

int64_t schedule_refresh_ms(size_t nodes)
{
	return MAX(REFRESH_MS, (int64_t)nodes * REFRESH_TURN_MS);
}

uint32_t schedule_good_for(int64_t refresh_ms)
{
	return (uint32_t)((refresh_ms * 3 + 1999) / 2000 + GOOD_FOR_S);
}

/* How long the node at PLACE waits for its turn. The refreshes that fall into that time have their
 * share of the limit, and a little more, for they push others back. */
static int64_t turn(const struct schedule *s, size_t place)
{
	int64_t refreshes = (int64_t)s->nodes * 1000 / schedule_refresh_ms(s->nodes);

	return (int64_t)place * 1000 / MAX((int64_t)s->limit - refreshes * 9 / 8 - 1, 1);
}

/* A node that has news all the time comes on once a round. */
static int64_t news_at(const struct schedule *s)
{
	int64_t at = MAX(s->news, s->able) + turn(s, s->place);
	int64_t space = s->refreshed ? SPACE_MS : MAX(SPACE_MS, turn(s, s->nodes));

	return s->written ? MAX(at, s->written + space) : at;
}

/* The first of this node's slots that comes at least half a refresh later. Slots are of wall time,
 * which all nodes share more or less: so refreshes are apart again after whatever brought them
 * together. */
static int64_t refresh_at(const struct schedule *s)
{
	int64_t at = s->written + s->refresh / 2;
	int64_t slot = (int64_t)s->place * s->refresh / (int64_t)MAX(s->nodes, 1);
	int64_t left = (slot - at - s->epoch) % s->refresh;

	return overdue(s, at + left + (left < 0 ? s->refresh : 0));
}

/* What readers were promised. A refresh as such is no reason to tell news before the turn. */
static int64_t latest(const struct schedule *s)
{
	return overdue(s, s->written + s->refresh * 3 / 2);
}

/* What is long due when the store comes back is due in all nodes at once. */
static int64_t overdue(const struct schedule *s, int64_t at)
{
	return at < s->able ? s->able + turn(s, s->place) : at;
}
