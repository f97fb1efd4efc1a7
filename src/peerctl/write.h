/* SPDX-License-Identifier: Apache-2.0 */
/* What create, apply, replace and delete share: one line per object, and where it went. */
#pragma once

#include "peerctl/output.h"
#include "peerctl/source.h"

struct done { /* with one object */
	const struct resource *resource;
	const char *word; /* "created"; see decisions.md 32 */
};

/* May users write the KIND called NAME into a store? If not, ERR_INVALID says why. PLACE: where they
 * asked for it, NULL. */
bool write_allowed(const struct kind *kind, const char *name, const char *place, struct err *err);
/* Lines, names or documents, as -o says, and on stderr which store it was. */
bool write_report(const struct done *items, size_t n, const struct style *style, bool dry_run,
		  const char *url, struct err *err);
/* What became of a write that failed. */
struct partial {
	struct arena *arena;
	struct done *done;
	const char **missing, **unknown; /* ids */
	size_t n_done, n_missing, n_unknown;
};
void partial_add(struct partial *p, const struct resource *r, const char *word,
		 enum write_result result);
/* After a failure: the same of what was written, and on stderr the ids of what was not, and of what
 * nobody knows. Says nothing when all was not written. */
void write_report_partial(const struct partial *p, const struct style *style, const char *url);
/* How old an object is only a store knows: META, of a file, gets what HAVE (NULL: nothing is stored) says
 * of it, else NOW. False when the file claims something else. A holds what META gets. */
bool write_age(struct meta *meta, const struct resource *have, const char *now, struct arena *a);
#define WRITE_AGE_CLAIMED                                                                          \
	"metadata.annotations[\"" ANNOTATION_CREATED                                               \
	"\"]: only a store says when an object was made; leave it out"
/* Formats that writing commands know. */
#define WRITE_OUTPUTS (OUTPUT_NAME | OUTPUT_JSON | OUTPUT_YAML)
/* Attempts when others write at the same time. */
#define WRITE_ATTEMPTS 6
