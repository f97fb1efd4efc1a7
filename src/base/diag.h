/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Complaints about input: any number, each with its place.  A failure stops (err.h), a complaint
 * does not: decode everything, check everything, report everything.
 * Printed as `file:line:column: field: what is wrong and what would be right`.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

struct diag {
	enum diag_level level;
	const char *file;  /* NULL: not from a file */
	const char *about; /* "bgppeer/tor-a", NULL where the document has no name yet */
	unsigned line, column; /* 1-based; 0: the document as a whole */
	const char *field; /* "spec.peerIP" as the user wrote it; NULL: the document */
	const char *text;
	const char *code; /* a stable word for programs, NULL: none; static */
};

struct diags {
	struct arena *arena; /* what keeps the words */
	const char *file;    /* stamped on each new complaint */
	const char *about;   /* stamped likewise */
	struct diag *items;
	size_t n, n_errors;
};

void diag_add(struct diags *d, enum diag_level level, unsigned line, unsigned column,
	      const char *field, const char *format, ...) printf_like(6, 7);
/* One line without newline: "peer.yaml:3:16: spec.nextHopMode: ...". */
void diag_print(const struct diag *d, struct buf *out);
