/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan FILE NODE ROUNDS: how long plan and render take alone, with the resources at hand. A line for
 * each round: plan ms, render ms; the last line: peerings, bytes of text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model/load.h"
#include "render/bird.h"

static double now_ms(void);

int main(int argc, char **argv)
{
	struct snapshot *snap = snapshot_new();
	size_t peerings = 0, bytes = 0;
	struct load load = { 0 };
	struct err err = { 0 };

	if (argc != 4 || !load_path(&load, argv[1], 0, &err) || load.diags.n_errors) {
		fprintf(stderr, "plan: %s\n", argc != 4 ? "FILE NODE ROUNDS" : err.words);
		return 2;
	}
	for (size_t i = 0; i < load.n; i++)
		snapshot_put(snap, resource_ref(load.items[i]));
	for (long i = strtol(argv[3], NULL, 10); i-- > 0;) {
		auto_arena struct arena a = { 0 };
		const struct facts facts = { 0 };
		const struct render_options options = { 0 };
		double began = now_ms(), planned;
		const struct plan *plan = plan_compute(snap, argv[2], &facts, &a);
		struct conf *conf;

		planned = now_ms();
		conf = render_bird(plan, &options, &a);
		printf("%.3f %.3f\n", planned - began, now_ms() - planned);
		peerings = plan->n_peerings;
		bytes = conf->text.len;
		conf_free(conf);
	}
	printf("%zu %zu\n", peerings, bytes);
	load_free(&load);
	snapshot_unref(snap);
	return 0;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}
