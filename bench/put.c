/* SPDX-License-Identifier: Apache-2.0 */
/*
 * put URL: writes each resource that it reads, one JSON document a line, and answers with
 * CLOCK_MONOTONIC in ns when it began to write and when it was committed. So the time of a program's
 * start is in no figure.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "model/load.h"
#include "store/store.h"

static bool put(struct store *st, const char *text, size_t len, intmax_t *ret_began,
		struct err *err);
static intmax_t now_ns(void);

int main(int argc, char **argv)
{
	struct err err = { 0 };
	struct store *st = argc == 2 ? store_open(argv[1], STORE_PATIENT, &err) : NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	while (st && (len = getline(&line, &room, stdin)) > 0) {
		intmax_t began;

		if (!put(st, line, (size_t)len, &began, &err))
			break;
		printf("%jd %jd\n", began, now_ns());
		fflush(stdout);
	}
	free(line);
	store_close(st);
	if (argc == 2 && !err.kind)
		return 0;
	fprintf(stderr, "put: %s\n", argc == 2 ? err.words : "URL");
	return 2;
}

static bool put(struct store *st, const char *text, size_t len, intmax_t *ret_began,
		struct err *err)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf json = { 0 };
	struct load load = { 0 };
	struct write write = { .expect = EXPECT_ANY };
	struct op op = { .type = OP_WRITE, .writes = &write, .n_writes = 1 };
	struct value v;
	bool done = false;

	load_text(&load, "stdin", text, len, 0);
	if (load.n == 1 && !load.diags.n_errors) {
		v = resource_encode(load.items[0], &a);
		json_print(&v, 0, &json);
		write.kind = load.items[0]->kind;
		write.name = load.items[0]->meta.name;
		write.json = json.at;
		write.len = json.len;
		*ret_began = now_ns();
		done = store_finish(st, &op, 10000, err);
	} else {
		err_set(err, ERR_INVALID, "not one resource a line");
	}
	load_free(&load);
	return done;
}

static intmax_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (intmax_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
