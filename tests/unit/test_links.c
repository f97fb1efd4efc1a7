/* SPDX-License-Identifier: Apache-2.0 */
/* A script of moments: what there is, and what counts. */
#include "engine/links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

struct moment {
	int64_t at;	  /* ms */
	const char *here; /* letters of the addresses there are */
	const char *counts;
	int64_t wake; /* when to look again; -1: not */
};

static struct onlink link_named(char letter, char name[2])
{
	struct onlink o = {
		.address = {{ 4, { 10, 0, (uint8_t)letter, 1 } }, 24}
	};

	name[0] = letter;
	name[1] = '\0';
	o.interface = name;
	return o;
}

static void play(const char *remembered, const struct moment *moments, size_t n_moments)
{
	struct links *l = links_open();
	char names[26][2];
	const char *before = "";

	clock_fake(0, 0);
	for (const char *c = remembered; *c; c++) {
		struct onlink o = link_named(*c, names[0]);

		links_remember(l, &o);
	}
	for (size_t i = 0; i < n_moments; i++) {
		const struct moment *m = &moments[i];
		struct onlink here[26];
		struct poll p = { 0 };
		const struct onlink *got;
		size_t n = strlen(m->here), n_got;
		char counts[27] = "";
		bool changed;

		clock_fake(m->at, 0);
		for (size_t j = 0; j < n; j++)
			here[j] = link_named(m->here[j], names[j]);
		changed = links_see(l, (unsigned)i, here, n);
		memset(names, '?', sizeof names); /* nothing of the caller's is kept */
		got = links_get(l, &n_got);
		for (size_t j = 0; j < n_got; j++)
			counts[j] = *got[j].interface;
		if (strcmp(counts, m->counts) != 0 || changed != (strcmp(before, counts) != 0))
			fail_msg("at %lld: %s counts, changed: %d", (long long)m->at, counts,
				 changed);
		before = m->counts;
		links_wait(l, &p);
		if (m->wake < 0)
			assert_false(p.timed);
		else
			assert_int_equal(p.deadline, m->wake);
	}
	links_close(l);
	clock_real();
}

#define PLAY(remembered, ...)                                                                      \
	do {                                                                                       \
		const struct moment moments[] = { __VA_ARGS__ };                                   \
		play(remembered, moments, lengthof(moments));                                      \
	} while (0)

static void first_counts_at_once(void **state)
{
	(void)state;
	PLAY("", { 100, "ab", "ab", -1 }, { 200, "ab", "ab", -1 });
	PLAY("", { 100, "", "", -1 });
	PLAY("", { 100, "ab", "ab", -1 });
}

static void came(void **state)
{
	(void)state;
	PLAY("", { 0, "a", "a", -1 }, { 1000, "ab", "a", 4000 }, { 3999, "ab", "a", 4000 },
	     { 4000, "ab", "ab", -1 });
	PLAY("", { 0, "a", "a", -1 }, { 1000, "ab", "a", 4000 }, { 2000, "a", "a", -1 },
	     { 3000, "ab", "a", 6000 }, { 5999, "ab", "a", 6000 }, { 6000, "ab", "ab", -1 });
}

static void went(void **state)
{
	(void)state;
	PLAY("", { 0, "ab", "ab", -1 }, { 1000, "a", "ab", 61000 }, { 60999, "a", "ab", 61000 },
	     { 61000, "a", "a", -1 });
	/* a link that flaps bounces nothing */
	PLAY("", { 0, "ab", "ab", -1 }, { 1000, "a", "ab", 61000 }, { 50000, "ab", "ab", -1 },
	     { 51000, "a", "ab", 111000 }, { 61000, "a", "ab", 111000 }, { 111000, "a", "a", -1 });
	PLAY("", { 0, "a", "a", -1 }, { 1000, "", "a", 61000 }, { 100000, "", "", -1 },
	     { 100500, "a", "", 103500 }, { 103500, "a", "a", -1 });
}

static void remembered(void **state)
{
	(void)state;
	PLAY("b", { 500, "a", "ab", 60000 }, { 59999, "a", "ab", 60000 }, { 60000, "a", "a", -1 });
	PLAY("ab", { 500, "ab", "ab", -1 });
	PLAY("b", { 500, "", "b", 60000 }, { 10000, "b", "b", -1 });
}

/* What is remembered after the first look counts with the next, although there are no news. */
static void remembered_late(void **state)
{
	struct links *l = links_open();
	char name[2];
	struct onlink o = link_named('a', name);
	size_t n;

	(void)state;
	assert_false(links_see(l, 1, NULL, 0));
	links_remember(l, &o);
	assert_true(links_see(l, 1, NULL, 0));
	links_get(l, &n);
	assert_int_equal(n, 1);
	links_close(l);
}

/* A host address is nothing that anything is on-link by. */
static void host_remembered(void **state)
{
	struct links *l = links_open();
	struct onlink o = {
		.interface = "lo", .address = {{ 4, { 10, 0, 0, 1 } }, 32}
	};
	size_t n;

	(void)state;
	links_remember(l, &o);
	o.peer = (struct ip){
		4, {10, 0, 0, 2}
	};
	links_remember(l, &o);
	links_see(l, 1, NULL, 0);
	links_get(l, &n);
	assert_int_equal(n, 1);
	links_close(l);
}

/* What many addresses cost is in proportion to how many there are, and nothing where they are what
 * they were. */
static void many(void **state)
{
	enum { N = 12500 };
	struct onlink *all = mem_alloc(N * sizeof *all);
	struct links *l = links_open();
	size_t before;

	(void)state;
	clock_fake(0, 0);
	for (size_t i = 0; i < N; i++)
		all[i] = (struct onlink){
			.interface = "eth0",
			.address = {{ 4, { 10, (uint8_t)(i >> 8), (uint8_t)i, 1 } }, 24},
		};
	assert_true(links_see(l, 1, all, N));
	assert_true(links_compared(l) <= 3 * N);
	before = links_compared(l);
	for (size_t i = 0; i < 1000; i++)
		assert_false(links_see(l, 1, all, N));
	assert_int_equal(links_compared(l), before);
	assert_false(links_see(l, 2, all + 1, N - 1)); /* one went: it counts for a while */
	assert_true(links_compared(l) - before <= 3 * N);
	clock_fake(LINKS_KEEP_MS, 0);
	assert_true(links_see(l, 2, all + 1, N - 1));
	assert_true(links_compared(l) - before <= 6 * N);
	links_close(l);
	free(all);
	clock_real();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(first_counts_at_once),
					    cmocka_unit_test(came),
					    cmocka_unit_test(went),
					    cmocka_unit_test(remembered),
					    cmocka_unit_test(remembered_late),
					    cmocka_unit_test(host_remembered),
					    cmocka_unit_test(many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
