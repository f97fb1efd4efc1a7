/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/told.h"

#include "base/log.h"
#include "base/text.h"

static int key_cmp(const void *a, const void *b);

void told_free(struct told *t)
{
	arena_free(&t->arena);
	arena_free(&t->next_arena);
}

void told_begin(struct told *t)
{
	arena_free(&t->next_arena);
	t->next = NULL;
	t->n_next = 0;
}

void told_problems(struct told *t, const struct problem *problems, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct problem *p = &problems[i];
		const char *key = arena_printf(&t->next_arena, "%s %s", p->origin, p->text);

		if (!name_among(t->keys, t->n, key))
			log_event(p->level == DIAG_ERROR ? LOG_WARNING : LOG_DEBUG, "problem",
				  "code", problem_names[p->code], "origin", p->origin, "text",
				  p->text, NULL);
		*arena_push(&t->next_arena, t->next, t->n_next) = key;
	}
}

void told_end(struct told *t)
{
	if (t->n_next > 1)
		qsort(t->next, t->n_next, sizeof *t->next, key_cmp);
	arena_free(&t->arena);
	t->arena = t->next_arena;
	t->keys = t->next;
	t->n = t->n_next;
	t->next_arena = (struct arena){ 0 };
}

static int key_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}
