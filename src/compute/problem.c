/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/problem.h"

#include <stdarg.h>

#include "base/text.h"
#include "compute/planner.h"

const char *const problem_names[PROBLEM_COUNT + 1] = {
	[PROBLEM_NONE] = "NONE",
	[PROBLEM_NO_NODE] = "NO_NODE",
	[PROBLEM_NO_SUCH_NODE] = "NO_SUCH_NODE",
	[PROBLEM_SELECTS_NOTHING] = "SELECTS_NOTHING",
	[PROBLEM_NO_LOCAL_ADDRESS] = "NO_LOCAL_ADDRESS",
	[PROBLEM_NO_REMOTE_ADDRESS] = "NO_REMOTE_ADDRESS",
	[PROBLEM_NO_ROUTER_ID] = "NO_ROUTER_ID",
	[PROBLEM_AS_UNKNOWN] = "AS_UNKNOWN",
	[PROBLEM_SECRET_MISSING] = "SECRET_MISSING",
	[PROBLEM_SECRET_UNREADABLE] = "SECRET_UNREADABLE",
	[PROBLEM_SECRET_INVALID] = "SECRET_INVALID",
	[PROBLEM_FILTER_MISSING] = "FILTER_MISSING",
	[PROBLEM_FILTER_INVALID] = "FILTER_INVALID",
	[PROBLEM_INVALID] = "INVALID",
	[PROBLEM_DOUBLE] = "DOUBLE",
	[PROBLEM_TAKES] = "TAKES",
	[PROBLEM_SELF] = "SELF",
	[PROBLEM_NOT_EXPRESSIBLE] = "NOT_EXPRESSIBLE",
	[PROBLEM_EXTENSION] = "EXTENSION",
	[PROBLEM_NOT_ACTED_ON] = "NOT_ACTED_ON",
	[PROBLEM_WARNING] = "WARNING",
	[PROBLEM_NOT_ONLINK] = "NOT_ONLINK",
	[PROBLEM_SOURCE_NOT_LOCAL] = "SOURCE_NOT_LOCAL",
	[PROBLEM_DISABLED] = "DISABLED",
	[PROBLEM_REFUSED_BY_BIRD] = "REFUSED_BY_BIRD",
	[PROBLEM_LESS_THAN_ASKED] = "LESS_THAN_ASKED",
	[PROBLEM_ROUTES_LEFT_OUT] = "ROUTES_LEFT_OUT",
	[PROBLEM_NEXT_HOP_UNRESOLVED] = "NEXT_HOP_UNRESOLVED",
	[PROBLEM_UNKNOWN_SESSION] = "UNKNOWN_SESSION",
};

void problem_add(struct planner *p, enum problem_code code, enum diag_level level,
		 const struct resource *by, const char *peering, const char *format, ...)
{
	struct problem *at = arena_push(p->arena, p->problems, p->n_problems);
	va_list args;

	/* A name or a word of a store may be anything, and this goes to status and log. */
	va_start(args, format);
	at->text = text_safe(p->arena, arena_vprintf(p->arena, format, args));
	va_end(args);
	at->code = code;
	at->level = level;
	at->origin = by			     ? text_safe(p->arena, resource_id(by, p->arena)) :
		     code == PROBLEM_NO_NODE ? arena_printf(p->arena, "node/%s", p->plan->node) :
					       "mesh";
	at->origin_version = by ? by->meta.version : NULL;
	at->peering = peering;
}

const char *problem_mistake(const struct resource *r, struct arena *a)
{
	const struct diag *first = NULL;
	auto_buf struct buf words = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < r->n_complaints; i++)
		if (r->complaints[i].level == DIAG_ERROR && !n++)
			first = &r->complaints[i];
	if (!first)
		return "no reason given";
	buf_printf(&words, "%s%s%s", first->field ? first->field : "", first->field ? ": " : "",
		   first->text);
	if (n > 1)
		buf_printf(&words, " (and %zu more)", n - 1);
	return arena_str(a, buf_text(&words));
}
