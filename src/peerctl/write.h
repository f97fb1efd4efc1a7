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
/* After a failure, ERR, that left ITEMS written: the same of these, and on stderr the ids of what was
 * not. Says nothing when there are no ITEMS. Always false, ERR stays. */
bool write_report_partial(const struct done *items, size_t n, const char *const *missing,
			  size_t n_missing, const struct style *style, const char *url,
			  struct err *err);
/* Formats that writing commands know. */
#define WRITE_OUTPUTS (OUTPUT_NAME | OUTPUT_JSON | OUTPUT_YAML)
/* Attempts when others write at the same time. */
#define WRITE_ATTEMPTS 6
