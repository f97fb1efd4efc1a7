/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All resources at one revision, sorted by kind and name. Immutable once built; the next one
 * shares the resources that did not change.
 */
#pragma once

#include "model/resource.h"

struct snapshot;

struct snapshot *snapshot_new(void); /* empty, still open for snapshot_put */
/* Adds R (taking over the caller's reference) or replaces what has its kind and name. Only while
 * the snapshot has one owner, before it is shared. Cheap in any order, cheapest in name order. */
void snapshot_put(struct snapshot *s, struct resource *r);
bool snapshot_remove(struct snapshot *s, const struct kind *kind, const char *name);
/* A copy to change: shares the resources, costs a pointer each. */
struct snapshot *snapshot_copy(const struct snapshot *s);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* NULL is fine */

const struct resource *snapshot_find(const struct snapshot *s, const struct kind *kind,
				     const char *name);
size_t snapshot_count(const struct snapshot *s, const struct kind *kind);
const struct resource *snapshot_at(const struct snapshot *s, const struct kind *kind, size_t i);
