/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How results look: a table for people, documents and names for programs. One row in the array of
 * output.c adds a format.
 */
#pragma once

#include "base/err.h"
#include "base/value.h"
#include "model/kind.h"
#include "peerctl/options.h"

enum colour { COLOUR_NONE, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED };

struct cell {
	const char *text; /* NULL: empty */
	enum colour colour;
};

struct table {
	const char *const *columns; /* upper case */
	size_t n_columns;
	struct row {
		struct cell *cells;
		const char *note; /* a line of its own below the row, indented; NULL: none */
	} *rows;
	size_t n_rows;
	size_t *widths; /* NULL, or room for n_columns: at least so wide; gets what was used */
};

/* What a command shows. The functions are asked only for what the format needs. */
struct listing {
	const void *const *items;
	size_t n;
	bool single; /* one was asked for: a document of its own, not a List of one */
	const struct kind *kind; /* a BGPPeerList of all there are; NULL: a List of anything */
	const char *revision;    /* of the store when it was listed; NULL: left out */
	size_t *widths;          /* as those of struct table */
	const char *const *columns, *const *wide; /* NULL-terminated; WIDE come behind; may be NULL */
	const char *(*cell)(const void *item, const char *column, struct arena *a);
	struct value (*document)(const void *item, struct arena *a);
	const char *(*name)(const void *item, struct arena *a);
};

struct style; /* what the user asked for besides the format */
struct output {
	const char *name;
	void (*print)(const struct listing *l, const struct style *style, struct buf *out);
};

struct style {
	const struct output *output;
	const char **columns; /* of custom-columns; NULL-terminated */
	bool headers, colours;
};

enum output_set {
	OUTPUT_TABLE = 1, /* also "ps" */
	OUTPUT_WIDE = 2,
	OUTPUT_YAML = 4, /* also "yml" */
	OUTPUT_JSON = 8,
	OUTPUT_NAME = 16,
	OUTPUT_COLUMNS = 32,
};

/* What -o, --no-headers and the terminal ask for, if ALLOWED has it. Without -o: a table. */
bool output_style(const struct options *o, unsigned allowed, struct style *ret, struct err *err);
bool style_is(const struct style *s, enum output_set what);
/* Are the custom columns among COLUMNS and WIDE? */
bool style_columns(const struct style *s, const char *const *columns, const char *const *wide,
		   struct err *err);
void listing_print(const struct listing *l, const struct style *s, struct buf *out);
/* The document V as yaml or json. */
void document_print(const struct value *v, const struct style *s, struct buf *out);
void table_print(const struct table *t, const struct style *s, struct buf *out);
/* A new row of T with room for its cells. */
struct row *table_row(struct table *t, struct arena *a);

/* Writes all of TEXT to standard output. */
bool output_write(const struct buf *text, struct err *err);

/* Building documents: members that are not set are left out. */
struct object {
	struct member *members;
	size_t n;
	struct arena *arena;
};
void object_value(struct object *o, const char *key, struct value v);
void object_text(struct object *o, const char *key, const char *text); /* NULL, "": left out */
void object_number(struct object *o, const char *key, int64_t number); /* 0: left out */
void object_flag(struct object *o, const char *key, bool flag);        /* false: left out */
struct value object_done(const struct object *o);
