/* SPDX-License-Identifier: Apache-2.0 */
/* A document becomes a struct, by its table, and a struct a document again. Inside model/ only. */
#pragma once

#include "model/context.h"
#include "model/kind.h"

/* Fills AT from V by the rows of SHAPE, then checks required rows, rules and check(). */
void decode_shape(struct decode *dc, const struct shape *shape, const struct value *v, void *at);
/* What a map may have besides the members of its shape. */
struct around {
	const char *const *skip;   /* members that are someone else's; NULL: none */
	const struct shape *below; /* a shape that members may have fallen out of; NULL: none */
	const char *below_name;    /* where that one stands: "spec" */
	bool closed;               /* one that has is a mistake, also in a store */
};
/* The rows alone; GIVEN gets what was written for each. AROUND may be NULL. False when V is no
 * map. */
bool decode_rows(struct decode *dc, const struct shape *shape, const struct value *v, void *at,
		 const struct around *around, struct given given[DECODE_FIELDS]);
/* What decode_shape() does after the rows. */
void check_shape(struct decode *dc, const struct shape *shape, const struct value *v,
		 const void *at, const struct given given[DECODE_FIELDS]);

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
/* Some members are in no struct: those that no table knows (F is NULL), and those whose row says only
 * that they are kept. They are written back from the document as it was read. Is F such a row? */
bool field_unread(const struct field *f);
/* Are two structs of one shape the same, whatever the texts they were written in? */
bool encode_same(const struct shape *shape, const void *a, const void *b);
