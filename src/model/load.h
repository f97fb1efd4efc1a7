/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files to resources: YAML or JSON, many documents, `List` and typed lists, top-level sequences,
 * folders. All complaints of all documents are collected.
 */
#pragma once

#include "base/err.h"
#include "model/resource.h"

#define LOAD_MAX_FILE (64u << 20)   /* bytes of one file */
#define LOAD_MAX_DOCUMENT RESOURCE_MAX /* bytes of one document */
#define LOAD_MAX_ERRORS 10000       /* reading stops after so many, and says so */

struct load_seen;
struct load {
	struct resource **items; /* in the order of the files; broken ones included */
	size_t n;
	size_t n_skipped;        /* documents of kinds nobody here knows, when they may be skipped */
	struct arena arena;
	struct diags diags;      /* of everything */
	/* The names so far, over all paths that were loaded into this: doubles are errors. */
	struct load_seen *seen;
	size_t n_seen, n_slots;
};

enum load_flags {
	LOAD_SKIP_UNKNOWN = 1, /* a kind we do not know is a note, not an error (render, plan) */
	LOAD_RECURSIVE = 2,    /* folders below folders */
	LOAD_KEEP_DOC = 4,
	LOAD_DROP = 8,         /* check only: nothing is kept but counts and complaints */
	LOAD_SKIP_EMPTY = 16,  /* a file or folder without resources is no error */
};

/* Reads PATH: a file, a folder (its .yaml .yml .json, in order of name), or `-`. False only when
 * PATH cannot be read (ERR_USAGE when there is none); complaints are in l->diags. Many paths can be
 * loaded into one L, which starts as zeroes. */
bool load_path(struct load *l, const char *path, unsigned flags, struct err *err) must_check;
/* The same for text at hand: for tests. */
void load_text(struct load *l, const char *file, const char *text, size_t len, unsigned flags);
void load_free(struct load *l);
