/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "peerctl/plan.h"

#define NODES_SHOWN 3

static int problem_order(const void *a, const void *b);
static bool same_problem(const struct problem_at *a, const struct problem_at *b);

void problems_add(struct problems *all, const struct problem *p, const char *node)
{
	struct problem_at *at = arena_push(all->arena, all->items, all->n);

	*at = (struct problem_at){ *p, arena_str(all->arena, node) };
	at->problem.origin = arena_str(all->arena, p->origin);
	at->problem.peering = arena_str(all->arena, p->peering);
	at->problem.text = arena_str(all->arena, p->text);
	at->problem.origin_version = NULL;
}

void problems_add_global(struct problems *all, const struct snapshot *snap)
{
	size_t n, before = all->n;
	const struct problem *problems = plan_global_problems(snap, all->arena, &n);

	for (size_t i = 0; i < n; i++) {
		struct problems said = { all->items, before, all->arena };

		if (!problems_have(&said, &problems[i]))
			problems_add(all, &problems[i], NULL);
	}
}

bool problems_have(const struct problems *all, const struct problem *p)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].problem.code == p->code &&
		    str_eq(all->items[i].problem.origin, p->origin))
			return true;
	return false;
}

void problems_tell(struct problems *all, bool with_nodes)
{
	auto_buf struct buf text = { 0 };

	problems_print(all, with_nodes, &text);
	fputs(buf_text(&text), stderr);
}

void problems_print(struct problems *all, bool with_nodes, struct buf *out)
{
	if (all->n)
		qsort(all->items, all->n, sizeof *all->items, problem_order);
	for (size_t i = 0, end; i < all->n; i = end) {
		const struct problem *p = &all->items[i].problem;
		auto_arena struct arena a = { 0 };
		auto_buf struct buf nodes = { 0 };

		for (end = i; end < all->n && same_problem(&all->items[i], &all->items[end]); end++)
			if (with_nodes && all->items[end].node && end - i < NODES_SHOWN)
				buf_printf(&nodes, "%s%s", nodes.len ? ", " : " (",
					   all->items[end].node);
		if (p->told)
			continue;
		if (nodes.len && end - i > NODES_SHOWN)
			buf_printf(&nodes, " and %zu more", end - i - NODES_SHOWN);
		buf_printf(out, "%s %s: %s%s%s\n", problem_names[p->code], text_safe(&a, p->origin),
			   text_safe(&a, p->text), buf_text(&nodes), nodes.len ? ")" : "");
	}
}

struct value problems_document(const struct problems *all)
{
	static const char *const levels[] = { "error", "warning", "note" };
	struct value *items = arena_array(all->arena, struct value, all->n);

	for (size_t i = 0; i < all->n; i++) {
		const struct problem *p = &all->items[i].problem;
		struct object o = { .arena = all->arena };

		object_text(&o, "code", problem_names[p->code]);
		object_text(&o, "level", levels[p->level]);
		object_text(&o, "resource", p->origin);
		object_text(&o, "node", all->items[i].node);
		object_text(&o, "peering", p->peering);
		object_text(&o, "text", p->text);
		items[i] = object_done(&o);
	}
	return value_list(items, all->n);
}

static int problem_order(const void *a, const void *b)
{
	const struct problem_at *x = a, *y = b;
	int order = strcmp(x->problem.origin, y->problem.origin);

	if (!order)
		order = (int)x->problem.code - (int)y->problem.code;
	if (!order)
		order = strcmp(x->problem.text, y->problem.text);
	if (!order)
		order = strcmp(x->node ? x->node : "", y->node ? y->node : "");
	return order;
}

static bool same_problem(const struct problem_at *a, const struct problem_at *b)
{
	return a->problem.code == b->problem.code && str_eq(a->problem.origin, b->problem.origin) &&
	       str_eq(a->problem.text, b->problem.text);
}
