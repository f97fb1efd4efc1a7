/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the types and checks of this floor share while one document becomes a struct: where we are
 * in the document (so that a complaint carries the whole path), how strict to be, and where the
 * memory comes from. Inside model/ only.
 */
#pragma once

#include "model/resource.h"

#define DECODE_COMPLAINTS 1000 /* errors of one document that are kept, and warnings */
#define DECODE_DEPTH  16 /* of nested shapes and lists; the tables are flatter */
#define DECODE_FIELDS 40 /* rows of one shape */

struct decode_step {
	const char *name; /* NULL: an item of a list */
	size_t index;
};

struct decode {
	enum decode_mode mode;
	struct arena *arena; /* of the resource: what is decoded goes here */
	struct diags *diags;
	const struct value *doc;
	const char *name; /* metadata.name, for checks that need it */
	struct decode_step steps[DECODE_DEPTH];
	unsigned depth;
	/* Of the shape whose rules and check run: what was written for each row, be it wrong or
	 * under a misspelt name that was recognised; NULL where nothing was. */
	const struct shape *shape;
	const struct value *const *given;
	/* At the top of a document: the shape that a field may have fallen out of, and its place. */
	const struct shape *below;
	const char *below_name;
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

/* For checks: what was written for FIELD of the current shape, NULL when nothing was. */
const struct value *decode_given(const struct decode *dc, const char *field);

/* Fills AT from V by the rows of SHAPE, then checks required rows, rules and check(). */
void decode_shape(struct decode *dc, const struct shape *shape, const struct value *v, void *at);
/* The rows alone; GIVEN gets what was written for each. The members in SKIP (NULL: none) are
 * someone else's. False when V is no map. */
bool decode_rows(struct decode *dc, const struct shape *shape, const struct value *v, void *at,
		 const char *const *skip, const struct value **given);
/* What decode_shape() does after the rows. */
void check_shape(struct decode *dc, const struct shape *shape, const struct value *v,
		 const void *at, const struct value *const *given);

/* The text of a string by the rules of its row (length, no control characters unless
 * FIELD_RAW or FIELD_SECRET); NULL when it is empty, or wrong and complained about. Not copied. */
const char *decode_text(struct decode *dc, const struct field *f, const struct value *v);
/* A map of strings in one block of memory, sorted; the rules of its row as above. */
struct strmap decode_strmap(struct decode *dc, const struct field *f, const struct value *v);
/* A copy that lives in A. */
struct value decode_copy(const struct value *v, struct arena *a);

/* metadata (meta.c). V may be NULL. */
void meta_decode(struct decode *dc, const struct kind *kind, const struct value *metadata,
		 const struct value *doc, struct meta *meta);
extern const struct shape meta_shape;

/* The map of AT: set rows in table order, then what DOC (NULL: nothing) has besides, but for rows
 * marked FIELD_DROPPED and the members in SKIP. REVEAL: fields that are secret as they are. */
struct value encode_shape(const struct shape *shape, const void *at, const struct value *doc,
			  const char *const *skip, bool reveal, struct arena *a);
/* Does a member with the row F (NULL: it has none) live in the document alone, and is kept there? */
bool field_unread(const struct field *f);
/* Are two structs of one shape the same, whatever the texts they were written in? */
bool encode_same(const struct shape *shape, const void *a, const void *b);
