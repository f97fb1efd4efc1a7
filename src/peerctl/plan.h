/* SPDX-License-Identifier: Apache-2.0 */
/* What render, plan and status share about plans. */
#pragma once

#include "compute/plan.h"
#include "peerctl/output.h"
#include "peerctl/source.h"
#include "render/template.h"

/* The file of --session-template; *RET is NULL without one. */
bool template_open(const struct options *o, const struct template **ret, struct err *err);
/* Problems of one or many nodes, each once. */
struct problems {
	struct problem_at {
		struct problem problem;
		const char *node; /* NULL: of the whole fabric */
	} *items;
	size_t n;
	struct arena *arena; /* long-lived: everything is copied into it */
};
void problems_add(struct problems *all, const struct problem *p, const char *node);
/* What plan_global_problems() says about SNAP and no node has said yet. */
void problems_add_global(struct problems *all, const struct snapshot *snap);
/* `CODE origin: sentence`, with the nodes behind it when WITH_NODES, but for what was told with its
 * line when a file was read; tell: on stderr. */
void problems_print(struct problems *all, bool with_nodes, struct buf *out);
void problems_tell(struct problems *all, bool with_nodes);
bool problems_have(const struct problems *all, const struct problem *p); /* its code and origin */
struct value problems_document(const struct problems *all);
/* Why PLAN, which is not known, is not: ERR_NOT_FOUND or ERR_INVALID. */
enum err_kind plan_known_err(const struct plan *p);
