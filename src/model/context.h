/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context of complaints: what everything on this floor shares while one document becomes a
 * struct. It says where we are in the document (so that a complaint carries the whole path), how
 * strict to be, and where the memory comes from. Inside model/ only, but for enum decode_mode.
 */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "base/value.h"

#define DECODE_COMPLAINTS 1000 /* errors of one document that are kept, and warnings */
#define DECODE_DEPTH  16 /* of nested shapes and lists; the tables are flatter */
#define DECODE_FIELDS 40 /* rows of one shape */

enum decode_mode {
	DECODE_STRICT = 0,   /* files: what nobody asked for is an error */
	DECODE_TOLERANT = 1, /* stores: unknown fields are warnings, a wrong one breaks the object */
	DECODE_KEEP_DOC = 2, /* keep the document (get -o yaml, updates); the agent does not */
};

struct decode_step {
	const char *name; /* NULL: an item of a list */
	size_t index;
};

/* What was written for a row, be it wrong or under a misspelt name that was recognised. */
struct given {
	const char *name; /* of the row; NULL: nothing was written for it */
	const struct value *value;
};

struct decode {
	enum decode_mode mode;
	struct arena *arena; /* of the resource: what is decoded goes here */
	struct diags *diags;
	const struct value *doc;
	const char *name; /* metadata.name, for checks that need it */
	struct decode_step steps[DECODE_DEPTH];
	unsigned depth;
	const struct given *given; /* DECODE_FIELDS, of the shape whose rules and check run */
};

static inline bool decode_strict(const struct decode *dc)
{
	return !(dc->mode & DECODE_TOLERANT);
}

static inline void decode_enter(struct decode *dc, const char *name)
{
	if (dc->depth < DECODE_DEPTH)
		dc->steps[dc->depth] = (struct decode_step){ .name = name };
	dc->depth++;
}

static inline void decode_enter_item(struct decode *dc, size_t index)
{
	if (dc->depth < DECODE_DEPTH)
		dc->steps[dc->depth] = (struct decode_step){ .index = index };
	dc->depth++;
}

static inline void decode_leave(struct decode *dc)
{
	dc->depth--;
}

/* A complaint about the current path at the place of V. */
void decode_error(struct decode *dc, const struct value *v, const char *format, ...)
	printf_like(3, 4);
void decode_warn(struct decode *dc, const struct value *v, const char *format, ...)
	printf_like(3, 4);
/* Gives the last complaint its code. */
void decode_code(struct decode *dc, const char *code);
/* An error where files are read, a warning where a store is. */
void decode_strict_error(struct decode *dc, const struct value *v, const char *format, ...)
	printf_like(3, 4);
/* V has the wrong type: "needs a string, not a map"; says to quote where that helps. */
void decode_type_error(struct decode *dc, const struct value *v, const char *needs);
/* A scalar for people: quoted, cleaned, cut. */
const char *decode_show(const struct decode *dc, const struct value *v);

/* For checks: what was written for FIELD of the shape that is checked, NULL when nothing was. */
const struct value *decode_given(const struct decode *dc, const char *field);
