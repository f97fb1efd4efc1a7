/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random valid objects from the tables, hundreds in one fabric: whatever the checks let through,
 * BIRD takes the text, and no value of any object shows as a line that the renderer does not know.
 */
#include "render/bird.h"

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../lib/conf_lines.h"
#include "base/file.h"
#include "fabric.h"
#include "model/random.h"

#define N_PEERS	 600
#define N_NODES	 30
#define N_ROUNDS 12

struct world {
	struct random rnd;
	struct snapshot *snap;
	struct secret_fact *secrets;
	size_t n_secrets;
	struct arena arena;
};

static void put(struct world *w, const struct kind *kind, const char *name)
{
	const struct value *doc = random_document(kind, &w->rnd, &w->arena);
	struct resource *r = resource_decode(kind, doc, DECODE_STRICT, NULL, NULL);

	assert_false(resource_broken(r));
	if (kind == &kind_bgppeer) { /* else hardly any would be for this node */
		struct bgppeer *p = (struct bgppeer *)(uintptr_t)r->spec;

		p->node = NULL;
		p->node_selector = NULL;
		p->local_workload_selector = NULL;
		if (!p->as_number)
			p->as_number = 64512;
	}
	if (name)
		r->meta.name = arena_str(&r->arena, name);
	snapshot_put(w->snap, r);
}

/* Any bytes: what cannot be a password must be seen by the plan. */
static void put_secret(struct world *w, const struct secret_ref *ref)
{
	static const char odd[] = "abc \t#'\\{};$/*%\xff\x01\"\n";
	struct secret_fact *s = arena_push(&w->arena, w->secrets, w->n_secrets);
	size_t len = random_below(&w->rnd, 85), n = random_below(&w->rnd, 4) ? 19 : sizeof odd;
	char *value = arena_alloc(&w->arena, len + 1);

	for (size_t i = 0; i < len; i++)
		value[i] = odd[random_below(&w->rnd, (uint32_t)n)];
	*s = (struct secret_fact){ ref->name, ref->key, SECRET_READABLE, value, len, NULL };
}

static void make_world(struct world *w)
{
	static const char self[] = FABRIC_NODE(
		"self", "asNumber: 64512, ipv4Address: 10.0.0.1/24, ipv6Address: \"fd00::1/64\"");
	const struct secret_ref *refs;
	size_t n;

	w->snap = fabric_read(self);
	for (int i = 0; i < N_NODES; i++)
		put(w, &kind_node, NULL);
	for (int i = 0; i < N_PEERS; i++)
		put(w, &kind_bgppeer, NULL);
	for (int i = 0; i < 5; i++)
		put(w, &kind_ippool, NULL);
	put(w, &kind_bgpconfiguration, NULL);
	for (size_t i = 0; i < snapshot_count(w->snap, &kind_bgppeer); i++) {
		const struct bgppeer *p = snapshot_at(w->snap, &kind_bgppeer, i)->spec;

		for (size_t j = 0; j < p->filters.n; j++)
			put(w, &kind_bgpfilter, list_at(p->filters, const char *, j));
	}
	refs = plan_secrets(w->snap, &w->arena, &n);
	for (size_t i = 0; i < n; i++)
		put_secret(w, &refs[i]);
}

static bool bird_takes(const char *path)
{
	char *argv[] = { mem_str("bird"), mem_str("-p"), mem_str("-c"), mem_str(path), NULL };
	int status;
	pid_t pid;

	assert_int_equal(posix_spawnp(&pid, "bird", NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (size_t i = 0; i < lengthof(argv); i++)
		free(argv[i]);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void bird_takes_what_the_checks_let_through(void **state)
{
	char path[] = "/tmp/peerage-render-XXXXXX";
	int fd = mkstemp(path);
	size_t n_peerings = 0;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (uint64_t round = 1; round <= N_ROUNDS; round++) {
		struct world w = { .rnd = { round } };
		struct render_options options = { 0 };
		struct facts facts = { .secrets_known = true };
		const struct plan *plan;
		struct conf *c;
		struct err err;
		const char *fault;

		make_world(&w);
		facts.secrets = w.secrets;
		facts.n_secrets = w.n_secrets;
		plan = plan_compute(w.snap, "self", &facts, &w.arena);
		assert_true(plan->known);
		n_peerings += plan->n_peerings;
		c = render_bird(plan, &options, &w.arena);
		fault = conf_lines_fault(c, &w.arena);
		if (fault)
			fail_msg("%s", fault);
		assert_true(file_write(path, c->text.at, c->text.len, 0600, (gid_t)-1, &err));
		if (!bird_takes(path))
			fail_msg("BIRD does not take %s, round %d", path, (int)round);
		conf_free(c);
		snapshot_unref(w.snap);
		arena_free(&w.arena);
	}
	unlink(path);
	assert_true(n_peerings > 50 * N_ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
		bird_takes_what_the_checks_let_through) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
