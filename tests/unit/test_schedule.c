/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole fabrics, in which everybody sees the same at the same moment. Agents know nothing of each
 * other, so each is played alone, and their writes are counted together.
 */
#include "engine/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

#define SECOND 1000
#define START  SECOND /* of all agents */

struct fabric {
	const char *what;
	size_t nodes;
	unsigned limit;
	int64_t until;		  /* when the play ends */
	int64_t news[4];	  /* moments at which everybody has some */
	int64_t churn, churn_end; /* from CHURN on there is news every 100 ms */
	int64_t away, back;	  /* of the store */
	unsigned clocks;	  /* by how much wall clocks differ */
	/* wanted */
	unsigned most; /* writes in any second */
	unsigned calm; /* writes in any second from CALM_AT on */
	int64_t calm_at;
	int64_t delay;	 /* of the news at START and of news[0] */
	unsigned writes; /* of one agent; 0: any number */
};

struct counts {
	unsigned *at; /* writes of all, by millisecond */
	int64_t until,
		gap; /* the longest time between two writes of one agent while the store is there */
	int64_t delay; /* the longest of the first news */
	unsigned most_writes;
	bool crowded; /* one agent wrote twice within a second */
};

static int64_t news_after(const struct fabric *f, int64_t t)
{
	int64_t next = t < START ? START : INT64_MAX;

	for (size_t i = 0; i < lengthof(f->news); i++)
		if (f->news[i] > t)
			next = MIN(next, f->news[i]);
	if (f->churn && t < f->churn_end)
		next = MIN(next, t < f->churn ? f->churn : t - t % 100 + 100);
	return next;
}

static void play_agent(const struct fabric *f, size_t place, struct counts *c)
{
	struct schedule s = { .nodes = f->nodes, .place = place, .limit = f->limit, .able = 1 };
	int64_t now = 0, last = 0, waits = 0;
	unsigned n = 0, random = (unsigned)place * 2654435761u;

	for (;;) {
		int64_t event = news_after(f, now), write = INT64_MAX;

		if (s.news || s.written)
			write = MAX(schedule_next(&s), now);
		if (f->away && write >= f->away &&
		    s.able < f->back) { /* away: tells when it is back */
			s.able = f->back;
			last = 0;
			continue;
		}
		if (MIN(event, write) >= f->until)
			break;
		if (event <= write) {
			if (!s.news)
				s.news = event;
			if (event == START || event == f->news[0])
				waits = event;
			now = event;
			continue;
		}
		now = write;
		c->at[now]++;
		n++;
		if (waits)
			c->delay = MAX(c->delay, now - waits);
		waits = 0;
		if (last) {
			c->gap = MAX(c->gap, now - last);
			c->crowded |= now - last < SECOND;
		}
		s.refreshed = !s.news;
		s.news = 0;
		s.written = last = now;
		s.refresh = schedule_refresh_ms(f->nodes);
		random = random * 1103515245u + 12345;
		s.epoch = f->clocks ? (random >> 8) % f->clocks : 0;
	}
	c->most_writes = MAX(c->most_writes, n);
}

/* The most writes in any second from FROM on. */
static unsigned most_of(const struct counts *c, int64_t from)
{
	unsigned n = 0, most = 0;

	for (int64_t t = from; t < c->until; t++) {
		n += c->at[t];
		if (t - SECOND >= from)
			n -= c->at[t - SECOND];
		most = MAX(most, n);
	}
	return most;
}

static void play(const struct fabric *f)
{
	struct counts c = { .at = mem_alloc((size_t)f->until * sizeof *c.at), .until = f->until };
	int64_t good = (int64_t)schedule_good_for(schedule_refresh_ms(f->nodes)) * SECOND;
	unsigned most, calm;

	for (size_t i = 0; i < f->nodes; i++)
		play_agent(f, i, &c);
	most = most_of(&c, 0);
	calm = f->calm_at ? most_of(&c, f->calm_at) : 0;
	if (most > f->most || calm > f->calm)
		fail_msg("%s: %u writes in a second, %u at rest", f->what, most, calm);
	if (c.delay > f->delay)
		fail_msg("%s: news waits for %d ms", f->what, (int)c.delay);
	if (c.crowded)
		fail_msg("%s: one agent writes twice in a second", f->what);
	if (c.gap > good - 10 * SECOND)
		fail_msg("%s: %d s between two writes, which are good for %d s", f->what,
			 (int)(c.gap / SECOND), (int)(good / SECOND));
	if (f->writes && c.most_writes != f->writes)
		fail_msg("%s: %u writes of one agent", f->what, c.most_writes);
	free(c.at);
}

static void fabrics(void **state)
{
	/* clang-format off */
	static const struct fabric all[] = {
		{ .what = "one node", .nodes = 1, .limit = 500, .until = 300 * SECOND,
		  .news = { 100 * SECOND }, .most = 1, .delay = 0, .writes = 5 },
		{ .what = "one node, news close together", .nodes = 1, .limit = 500,
		  .until = 90 * SECOND, .news = { 30 * SECOND, 30100, 30200, 30300 }, .most = 2,
		  .delay = 0, .writes = 3 },
		{ .what = "one node that flaps", .nodes = 1, .limit = 500, .until = 90 * SECOND,
		  .churn = 20 * SECOND, .churn_end = 80 * SECOND, .most = 2, .delay = 0 },
		{ .what = "a hundred", .nodes = 100, .limit = 500, .until = 900 * SECOND,
		  .news = { 100 * SECOND }, .most = 100, .calm_at = 110 * SECOND, .calm = 49,
		  .delay = SECOND }, /* of one that was refreshed just before */
		{ .what = "five thousand", .nodes = 5000, .limit = 500, .until = 900 * SECOND,
		  .news = { 100 * SECOND }, .most = 499, .calm_at = 112 * SECOND, .calm = 49,
		  .delay = 12 * SECOND },
		{ .what = "three thousand", .nodes = 3000, .limit = 500, .until = 900 * SECOND,
		  .news = { 100 * SECOND, 107 * SECOND, 108 * SECOND, 300 * SECOND }, .most = 499,
		  .calm_at = 320 * SECOND, .calm = 49, .delay = 7 * SECOND },
		{ .what = "five thousand that flap", .nodes = 5000, .limit = 500,
		  .until = 600 * SECOND, .churn = 100 * SECOND, .churn_end = 300 * SECOND,
		  .most = 499, .calm_at = 330 * SECOND, .calm = 49, .delay = 12 * SECOND },
		{ .what = "five thousand, the store is away", .nodes = 5000, .limit = 500,
		  .until = 1600 * SECOND, .news = { 500 * SECOND, 900 * SECOND },
		  .away = 400 * SECOND, .back = 900 * SECOND, .most = 499,
		  .calm_at = 912 * SECOND, .calm = 49, .delay = 412 * SECOND },
		{ .what = "five thousand, clocks are told in seconds", .nodes = 5000, .limit = 500,
		  .until = 1600 * SECOND, .news = { 100 * SECOND }, .clocks = SECOND, .most = 499,
		  .calm_at = 112 * SECOND, .calm = 49, .delay = 12 * SECOND },
		{ .what = "five thousand, Kubernetes", .nodes = 5000, .limit = 100,
		  .until = 1500 * SECOND, .news = { 300 * SECOND }, .most = 99,
		  .calm_at = 395 * SECOND, .calm = 49, .delay = 94 * SECOND },
		{ .what = "fifty, Kubernetes", .nodes = 50, .limit = 100, .until = 300 * SECOND,
		  .news = { 100 * SECOND }, .most = 50, .delay = SECOND },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < lengthof(all); i++)
		play(&all[i]);
}

static void rows(void **state)
{
	/* clang-format off */
	static const struct {
		struct schedule s;
		int64_t next;
	} all[] = {
		/* the first write */
		{ { .nodes = 1, .limit = 500, .news = 70, .able = 10 }, 70 },
		{ { .nodes = 1, .limit = 500, .news = 70, .able = 90 }, 90 },
		{ { .nodes = 1001, .place = 962, .limit = 500, .news = 70, .able = 10 }, 2070 },
		/* at rest: in its slot of wall time, a half to one and a half of the time later */
		{ { .nodes = 2, .limit = 500, .written = 120000, .refresh = 60000, .refreshed = true },
		  180000 },
		{ { .nodes = 2, .limit = 500, .written = 149999, .refresh = 60000 }, 180000 },
		{ { .nodes = 2, .limit = 500, .written = 150000, .refresh = 60000 }, 180000 },
		{ { .nodes = 2, .limit = 500, .written = 150001, .refresh = 60000 }, 240000 },
		{ { .nodes = 2, .place = 1, .limit = 500, .written = 150001, .refresh = 60000 },
		  210000 },
		{ { .nodes = 2, .limit = 500, .written = 150001, .refresh = 60000, .epoch = 50000 },
		  190000 },
		{ { .nodes = 2, .limit = 500, .written = 100000, .refresh = 60000, .able = 500000 },
		  500000 },
		/* news: at once, but not twice in a second; never later than promised */
		{ { .nodes = 2, .limit = 500, .written = 100000, .refresh = 60000, .news = 120000 },
		  120000 },
		{ { .nodes = 2, .limit = 500, .written = 100000, .refresh = 60000, .news = 100001 },
		  101000 },
		{ { .nodes = 100, .place = 99, .limit = 500, .written = 100000, .refresh = 60000,
		    .news = 120000 }, 120198 },
		{ { .nodes = 5000, .place = 4580, .limit = 500, .written = 100000, .refresh = 125000,
		    .refreshed = true, .news = 284000 }, 287500 },
		{ { .nodes = 5000, .place = 4580, .limit = 500, .written = 100000, .refresh = 125000,
		    .refreshed = true, .news = 124000 }, 134000 },
		/* there are more nodes than when it was written: the promise counts */
		{ { .nodes = 9000, .place = 8999, .limit = 500, .written = 150000, .refresh = 60000 },
		  239993 },
		{ { .nodes = 9000, .place = 8999, .limit = 500, .written = 150000, .refresh = 60000,
		    .news = 238000 }, 240000 },
		/* what failed: in five seconds, in a large fabric later; with news or without */
		{ { .nodes = 2, .limit = 500, .written = 100000, .refresh = 60000, .failed = true,
		    .news = 100500 }, 105000 },
		{ { .nodes = 4580, .limit = 500, .written = 100000, .refresh = 60000, .failed = true },
		  110000 },
		{ { .nodes = 4580, .place = 458, .limit = 500, .written = 100000, .refresh = 60000,
		    .failed = true, .able = 800000 }, 801000 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < lengthof(all); i++)
		if (schedule_next(&all[i].s) != all[i].next)
			fail_msg("row %zu: %lld, not %lld", i, (long long)schedule_next(&all[i].s),
				 (long long)all[i].next);
}

static void good_for(void **state)
{
	(void)state;
	assert_int_equal(schedule_refresh_ms(0), 60000);
	assert_int_equal(schedule_refresh_ms(2222), 60000);
	assert_int_equal(schedule_refresh_ms(5000), 135000);
	assert_int_equal(schedule_good_for(60000), 100);
	assert_int_equal(schedule_good_for(135000), 213);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(fabrics), cmocka_unit_test(rows),
					    cmocka_unit_test(good_for) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
