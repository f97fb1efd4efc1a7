/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a session that several resources ask for (decisions.md 51). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "compute/plan.h"
#include "fabric.h"
#include "model/random.h"
#include "render/bird.h"

#define NS     INT64_C(1000000000)
#define SECOND INT64_C(1785578400) /* 2026-08-01T10:00:00Z */
#define NOW    "2026-11-28T12:00:00Z"
#define NODES                                                                                      \
	FABRIC_NODE("n1", "ipv4Address: 10.0.0.1/24")                                              \
	FABRIC_NODE("n2", "ipv4Address: 10.0.0.2/24")
#define OLD	   "creationTimestamp: \"2026-08-01T10:00:00Z\""
#define YOUNG	   "creationTimestamp: \"2026-09-01T10:00:00Z\""
#define KEPT(time) "annotations: {peerage.dev/created: \"" time "\"}"
#define PEER(meta, spec)                                                                           \
	"apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {" meta "}\nspec: {" spec      \
	", asNumber: 64512}\n---\n"
#define TO2 "peerIP: 10.0.0.2"

static struct facts facts_now(void)
{
	return (struct facts){ .now = clock_parse(NOW) };
}

static void times(void **state)
{
	/* clang-format off */
	static const struct { const char *text; int64_t born; } cases[] = {
		{ NULL, BORN_UNKNOWN },
		{ "", BORN_UNKNOWN },
		{ "yesterday", BORN_UNKNOWN },
		{ "2026-08-01", BORN_UNKNOWN },
		{ "2026-08-01T10:00:00", BORN_UNKNOWN },
		{ "2026-08-01 10:00:00Z", BORN_UNKNOWN },
		{ "2026-02-30T10:00:00Z", BORN_UNKNOWN },
		{ "2026-08-01T10:00:00.Z", BORN_UNKNOWN },
		{ "2026-08-01T10:00:00+2:00", BORN_UNKNOWN },
		{ "2026-08-01T10:00:00+24:00", BORN_UNKNOWN },
		{ "2026-08-01T10:00:00Z!", BORN_UNKNOWN },
		{ "9999-12-31T23:59:59Z", BORN_UNKNOWN },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-08-01T10:00:00Z", SECOND * NS },
		{ "2026-08-01t10:00:00z", SECOND * NS },
		{ "2026-08-01T12:00:00+02:00", SECOND * NS },
		{ "2026-08-01T06:30:00-03:30", SECOND * NS },
		{ "2026-08-01T10:00:00.25Z", SECOND * NS + NS / 4 },
		{ "2026-08-01T10:00:00.0000000019Z", SECOND * NS + 1 },
		{ "2026-08-01T09:59:60Z", SECOND * NS },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct strpair pair = { ANNOTATION_CREATED, cases[i].text };
		struct resource r = { .meta.created = cases[i].text };

		if (resource_born(&r) != cases[i].born)
			fail_msg("%s: %lld", cases[i].text, (long long)resource_born(&r));
		r.meta.created = "2020-01-01T00:00:00Z"; /* stands behind the annotation */
		r.meta.annotations = strmap_make(&pair, 1);
		if (cases[i].text)
			assert_int_equal(resource_born(&r), cases[i].born);
	}
}

/* Two peers that ask for one session: which has it, and what the other is told. */
static void of_two(void **state)
{
	static const char older[] = "the older one has it", name[] = "the first by name has it",
			  rank[] = "a global peer goes before";
	/* clang-format off */
	static const struct { const char *fabric, *winner, *why; } cases[] = {
		{ PEER("name: b, " OLD, TO2) PEER("name: a, " YOUNG, TO2), "bgppeer/b", older },
		{ PEER("name: a, " OLD, TO2) PEER("name: b, " YOUNG, TO2), "bgppeer/a", older },
		{ PEER("name: a", TO2) PEER("name: b, " YOUNG, TO2), "bgppeer/b", older },
		{ PEER("name: b", TO2) PEER("name: a", TO2), "bgppeer/a", name },
		{ PEER("name: b, " OLD, TO2) PEER("name: a, " OLD, TO2), "bgppeer/a", name },
		/* Rank goes before age. */
		{ PEER("name: b, " OLD, "node: n1, " TO2) PEER("name: a, " YOUNG, TO2), "bgppeer/a", rank },
		{ PEER("name: a, " OLD, "node: n1, " TO2) PEER("name: b, " YOUNG, TO2), "bgppeer/b", rank },
		{ PEER("name: a, " OLD, "node: n2, peerIP: 10.0.0.1")
		  PEER("name: b, " YOUNG, "node: n1, " TO2), "bgppeer/b", rank },
		{ PEER("name: b, " OLD, "node: n2, peerIP: 10.0.0.1")
		  PEER("name: a, " YOUNG, "node: n2, peerIP: 10.0.0.1"), "bgppeer/b", older },
		/* A time that was kept counts, whatever a store says. */
		{ PEER("name: b, " YOUNG ", " KEPT("2020-01-01T00:00:00Z"), TO2) PEER("name: a, " OLD, TO2),
		  "bgppeer/b", older },
		{ PEER("name: b, " OLD ", " KEPT("2026-10-01T00:00:00Z"), TO2) PEER("name: a, " YOUNG, TO2),
		  "bgppeer/a", older },
		{ PEER("name: b, " OLD ", " KEPT("long ago"), TO2) PEER("name: a, " YOUNG, TO2),
		  "bgppeer/a", older },
		/* What comes from the future says nothing, as what says nothing. */
		{ PEER("name: b, creationTimestamp: \"2026-11-28T12:00:01Z\"", TO2) PEER("name: a", TO2),
		  "bgppeer/a", name },
		{ PEER("name: b, creationTimestamp: \"2026-11-28T12:00:00Z\"", TO2) PEER("name: a", TO2),
		  "bgppeer/b", older },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct snapshot *snap = fabric_read(arena_printf(&a, NODES "%s", cases[i].fabric));
		const struct facts facts = facts_now();
		const struct plan *p = plan_compute(snap, "n1", &facts, &a);
		const struct problem *said = NULL;

		assert_int_equal(p->n_peerings, 1);
		if (strcmp(p->peerings[0].origin, cases[i].winner) != 0)
			fail_msg("%zu: %s", i, p->peerings[0].origin);
		for (size_t j = 0; j < p->n_problems; j++)
			if (p->problems[j].code == PROBLEM_DOUBLE)
				said = &p->problems[j];
		assert_non_null(said);
		assert_string_not_equal(said->origin, cases[i].winner);
		if (!strstr(said->text, cases[i].why) || !strstr(said->text, cases[i].winner))
			fail_msg("%zu: %s", i, said->text);
		snapshot_unref(snap);
	}
}

/* The peers of MASK among the N of ALL, put in one order or the other. */
static struct snapshot *some_of(const struct snapshot *all, unsigned mask, bool backwards)
{
	struct snapshot *some = snapshot_new();
	size_t n = snapshot_count(all, &kind_bgppeer);

	for (size_t i = 0; i < snapshot_count(all, &kind_node); i++)
		snapshot_put(some, resource_ref(snapshot_at(all, &kind_node, i)));
	for (size_t i = 0; i < n; i++) {
		size_t at = backwards ? n - 1 - i : i;

		if (mask & 1u << at)
			snapshot_put(some, resource_ref(snapshot_at(all, &kind_bgppeer, at)));
	}
	return some;
}

/* Which of the N peers of ALL has the session with n2 when those of MASK are there. */
static unsigned winner_of(const struct snapshot *all, unsigned mask)
{
	struct snapshot *one = some_of(all, mask, false), *two = some_of(all, mask, true);
	const struct facts facts = facts_now();
	auto_arena struct arena a = { 0 };
	const struct plan *p = plan_compute(one, "n1", &facts, &a);
	const struct plan *q = plan_compute(two, "n1", &facts, &a);
	unsigned found = UINT32_MAX;

	assert_int_equal(p->n_peerings, 1);
	assert_true(plan_same(p, q));
	for (unsigned i = 0; i < snapshot_count(all, &kind_bgppeer); i++)
		if (strcmp(resource_id(snapshot_at(all, &kind_bgppeer, i), &a),
			   p->peerings[0].origin) == 0)
			found = i;
	snapshot_unref(one);
	snapshot_unref(two);
	return found;
}

/* The order is total: whoever wins among many wins against each of them, and whoever else is there
 * or goes, two keep their order. It does not matter in which order they were read. */
static void total(void **state)
{
	/* clang-format off */
	static const char *const ages[] = {
		"", (", " OLD), (", " YOUNG), (", " OLD ", " KEPT("2026-09-01T10:00:00Z")),
		(", " KEPT("2020-01-01T00:00:00Z")), (", " KEPT("?")),
		(", " OLD ", " KEPT("2030-01-01T00:00:00Z")),
		", creationTimestamp: \"2026-08-01T12:00:00+02:00\"" };
	static const char *const ranks[] = { TO2, ("node: n1, " TO2), "node: n2, peerIP: 10.0.0.1" };
	/* clang-format on */
	struct random rnd = { 51 };

	(void)state;
	for (int round = 0; round < 60; round++) {
		auto_buf struct buf text = { 0 };
		struct snapshot *all;
		unsigned n = 3 + random_below(&rnd, 3), best[1 << 5];

		buf_str(&text, NODES);
		for (unsigned i = 0; i < n; i++)
			buf_printf(&text, PEER("name: p%u%s", "%s"), i,
				   ages[random_below(&rnd, lengthof(ages))],
				   ranks[random_below(&rnd, lengthof(ranks))]);
		all = fabric_read(buf_text(&text));
		for (unsigned mask = 1; mask < 1u << n; mask++)
			best[mask] = winner_of(all, mask);
		for (unsigned mask = 1; mask < 1u << n; mask++)
			for (unsigned i = 0; i < n; i++)
				if (mask & 1u << i &&
				    best[1u << i | 1u << best[mask]] != best[mask])
					fail_msg("round %d, mask %u\n%s", round, mask,
						 buf_text(&text));
		snapshot_unref(all);
	}
}

/* What a change takes from whom. */
static void takeovers(void **state)
{
	static const char nodes[] = NODES FABRIC_NODE("n3", "ipv4Address: 10.0.0.3/24")
		FABRIC_NODE("n4", "ipv4Address: 10.0.0.4/24");
#define TOR "peerIP: 10.1.0.1"
	/* clang-format off */
	static const struct { const char *before, *after, *node, *said; } cases[] = {
		{ PEER("name: x, " OLD, "node: n1, " TOR), PEER("name: a, " OLD, "node: n1, " TOR), NULL,
		  "bgppeer/a takes 10.1.0.1 on n1 from bgppeer/x" },
		/* A younger one waits, also with a lower name; of other neighbours nothing is said. */
		{ PEER("name: x, " OLD, "node: n1, " TOR), PEER("name: a, " YOUNG, "node: n1, " TOR), NULL, NULL },
		{ PEER("name: x, " OLD, "node: n1, " TOR), PEER("name: a, " OLD, "node: n1, peerIP: 10.1.0.2"),
		  NULL, NULL },
		/* A younger one of a higher rank does not. */
		{ PEER("name: x, " OLD, "node: n1, " TOR), PEER("name: y, " YOUNG, TOR), NULL,
		  "bgppeer/y takes 10.1.0.1 on n1 from bgppeer/x" },
		{ PEER("name: x, " OLD, "nodeSelector: all(), " TOR), PEER("name: y, " YOUNG, TOR), NULL,
		  "bgppeer/y takes 10.1.0.1 on n1, 10.1.0.1 on n2, 10.1.0.1 on n3 and 1 more from bgppeer/x" },
		{ PEER("name: x, " OLD, "nodeSelector: all(), " TOR), PEER("name: y, " YOUNG, TOR), "n2",
		  "bgppeer/y takes 10.1.0.1 on n2 from bgppeer/x" },
		/* One that steps back itself, one that asks no more, one that only another name is. */
		{ PEER("name: x, " OLD, TOR) PEER("name: y, " YOUNG, "node: n1, " TOR),
		  PEER("name: x, " OLD, "node: n1, peerIP: 10.1.0.1") PEER("name: y, " YOUNG, TOR), NULL,
		  "bgppeer/y takes 10.1.0.1 on n1 from bgppeer/x" },
		{ PEER("name: x, " OLD, TOR) PEER("name: y, " YOUNG, "node: n1, " TOR),
		  PEER("name: x, " OLD, "peerIP: 10.1.0.2"), NULL, NULL },
		{ PEER("name: x, " OLD, TOR), PEER("name: x, " OLD, TOR ", maxRestartTime: 9s"), NULL, NULL },
		/* A node that another peer means now. */
		{ PEER("name: x, " OLD, "node: n1, " TOR) PEER("name: a, " OLD, "nodeSelector: z == '1', " TOR),
		  "apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n1, labels: {z: \"1\"}}\n"
		  "spec: {bgp: {ipv4Address: 10.0.0.1/24}}\n---\n", NULL,
		  "bgppeer/a takes 10.1.0.1 on n1 from bgppeer/x" },
		/* A node's address, meant by a selector, or backwards. */
		{ FABRIC_PEER("x", "node: n1, peerSelector: n == 'n2'"), PEER("name: y", TO2), NULL,
		  "bgppeer/y takes 10.0.0.2 on n1 from bgppeer/x" },
		{ PEER("name: x, " OLD, "node: n2, peerIP: 10.0.0.1"), PEER("name: y, " YOUNG, "node: n1, " TO2),
		  NULL, "bgppeer/y takes 10.0.0.2 on n1 from bgppeer/x" },
		/* Nobody has anything yet. */
		{ "", PEER("name: x, " OLD, TOR) PEER("name: y, " YOUNG, TOR), NULL, NULL },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct snapshot *before =
			fabric_read(arena_printf(&a, "%s%s", nodes, cases[i].before));
		struct snapshot *given = fabric_read(cases[i].after),
				*after = snapshot_copy(before);
		const struct facts facts = facts_now();
		const struct problem *p;
		const char *said = NULL;
		size_t n;

		for (int k = 0; k < KIND_COUNT; k++)
			for (size_t j = 0; j < snapshot_count(given, kinds[k]); j++)
				snapshot_put(after, resource_ref(snapshot_at(given, kinds[k], j)));
		p = plan_takeovers(before, after, cases[i].node, &facts, &a, &n);
		assert_true(n <= 1);
		if (n) {
			assert_int_equal(p->code, PROBLEM_TAKES);
			said = arena_printf(&a, "%s %s", p->origin, p->text);
		}
		if (!str_eq(said, cases[i].said))
			fail_msg("%zu: %s", i, said ? said : "nothing");
		snapshot_unref(before);
		snapshot_unref(given);
		snapshot_unref(after);
	}
}

/* A change of winner reaches BIRD; a change of age alone does not. */
static void changes(void **state)
{
	/* clang-format off */
	static const struct { const char *before, *after; bool same; } cases[] = {
		{ PEER("name: x, " OLD, TO2) PEER("name: a, " YOUNG, TO2),
		  PEER("name: x", TO2) PEER("name: a, " YOUNG, TO2), false },
		{ PEER("name: x, " OLD, TO2), PEER("name: x, " YOUNG, TO2), true },
		{ PEER("name: x, " OLD, TO2), PEER("name: x, " KEPT("2026-01-01T00:00:00Z"), TO2), true },
		{ PEER("name: x, " OLD, TO2) PEER("name: a", TO2),
		  PEER("name: x, " OLD, TO2) PEER("name: a, " YOUNG, TO2), true },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		struct snapshot *one = fabric_read(arena_printf(&a, NODES "%s", cases[i].before));
		struct snapshot *two = fabric_read(arena_printf(&a, NODES "%s", cases[i].after));
		const struct facts facts = facts_now();
		const struct render_options options = { 0 };
		const struct plan *p = plan_compute(one, "n1", &facts, &a);
		const struct plan *q = plan_compute(two, "n1", &facts, &a);
		struct conf *c = render_bird(p, &options, &a), *d = render_bird(q, &options, &a);

		assert_int_equal(plan_same(p, q), cases[i].same);
		assert_int_equal(strcmp(buf_text(&c->text), buf_text(&d->text)) == 0,
				 cases[i].same);
		conf_free(c);
		conf_free(d);
		snapshot_unref(one);
		snapshot_unref(two);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),     cmocka_unit_test(of_two),	cmocka_unit_test(total),
		cmocka_unit_test(takeovers), cmocka_unit_test(changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
