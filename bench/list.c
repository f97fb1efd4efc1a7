/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list URL: reads all that is configuration into a snapshot, as peerctl and peerd do, and prints how
 * many resources are in it: a list without the plan or the text that they make of it. What it has
 * goes with the process, as etcdctl's does.
 */
#include <stdio.h>

#include "model/snapshot.h"
#include "store/entry.h"
#include "store/store.h"

static void put(void *ctx, const struct entry *e)
{
	snapshot_put(ctx, entry_resource(e, DECODE_TOLERANT));
}

int main(int argc, char **argv)
{
	struct snapshot *snap = snapshot_new();
	struct op op = { .type = OP_LIST,
			 .kinds = kinds_without(KIND_UNWATCHED | KIND_FILES_ONLY),
			 .entry = put,
			 .ctx = snap };
	struct err err = { 0 };
	struct store *st = argc == 2 ? store_open(argv[1], STORE_READ_ONLY | STORE_PATIENT, &err) : NULL;
	bool done = st && store_finish(st, &op, 10000, &err);
	size_t n = 0;

	for (size_t i = 0; i < lengthof(kinds); i++)
		n += snapshot_count(snap, kinds[i]);
	if (done)
		printf("%zu\n", n);
	else
		fprintf(stderr, "list: %s\n", argc == 2 ? err.words : "URL");
	store_cancel(st, &op);
	store_close(st);
	return done ? 0 : 2;
}
