/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Import and export policy as named filters of BIRD (decisions.md 24, 25), shared inside render/.
 * A filter's name is the digest of its text, so that each distinct one stands once, and that a
 * session whose filter did not change sees no change.
 */
#pragma once

#include "compute/plan.h"
#include "render/conf.h"

struct filter_set;

struct filter_set *filter_set_new(const struct plan *plan, struct conf *c, struct arena *a);
/* The text behind `import` or `export` for P's channel of FAMILY: "all" or "filter NAME". Writes the
 * filter's block into the conf when it is not there yet, so call it outside of any block. */
const char *filter_import(struct filter_set *set, const struct peering *p, int family);
const char *filter_export(struct filter_set *set, const struct peering *p, int family);
/* Copies the filters that TEXT (a block of LAST) names and that are not there yet. */
void filter_keep(struct filter_set *set, const struct conf *last, const char *text, size_t len);
