/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/told.h"

#include "base/log.h"
#include "base/text.h"

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
	name_sort(t->next, t->n_next);
	arena_free(&t->arena);
	t->arena = t->next_arena;
	t->keys = t->next;
	t->n = t->n_next;
	t->next_arena = (struct arena){ 0 };
}

bool told_store(struct told_store *t, const struct feed_trouble *now)
{
	const struct feed_trouble *told = &t->trouble;
	bool is_new = now && now->number != told->number;

	if (is_new)
		t->kinds = 0;
	else if (now && strcmp(now->words, told->words) == 0)
		t->kinds |= 1u << now->kind; /* a broken call and its connection have one reason, of two kinds */
	if (!now || (!is_new && now->resync == told->resync && now->until == told->until &&
		     (t->kinds & 1u << now->kind)))
		return false;
	if (!now->resync && !(t->kinds & 1u << now->kind))
		log_event(LOG_WARNING, "store-away", "why", now->words, NULL);
	if (now->resync && (is_new || !told->resync))
		log_event(LOG_WARNING, "store-resync", "why", now->words, "effect",
			  "everything is read anew", NULL);
	if (now->until && (is_new || now->until != told->until))
		log_event(LOG_INFO, "store-back", NULL);
	t->kinds |= 1u << now->kind;
	t->trouble = *now;
	return true;
}
