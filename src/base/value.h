/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What JSON and YAML both become: a tree in an arena, every node with its place.  Maps keep the
 * order of the text and have no double keys.  Numbers that are not a plain int64 (fractions,
 * exponents, leading zeros, more digits) keep their text, so nothing is lost in a round trip.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

enum value_type {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_REAL, /* any other number: its text */
	VALUE_STRING,
	VALUE_LIST,
	VALUE_MAP,
};

struct member;
struct value {
	enum value_type type : 8;
	unsigned line : 24;  /* 1-based; 0: built, not read */
	unsigned column : 24;
	unsigned plain : 1;  /* a YAML scalar without quotes */
	uint32_t n;          /* bytes of a string, items of a list, members of a map */
	union {
		bool boolean;
		int64_t integer;
		const char *string; /* NUL-terminated; no NUL inside */
		const struct value *items;
		const struct member *members;
	};
};

struct member {
	const char *key;
	unsigned line, column; /* of the key */
	uint32_t key_len;      /* set when the map was read from text; 0 when it was built: see member_key_len() */
	struct value value;
};

static inline size_t member_key_len(const struct member *m)
{
	return m->key_len ? m->key_len : strlen(m->key);
}

#define VALUE_DEPTH 64 /* nesting that the readers accept */

/* The member KEY of MAP; NULL when V is NULL, not a map, or has none. */
const struct value *value_get(const struct value *v, const char *key);
/* The string of member KEY, NULL when it is not there or not a string. */
const char *value_str(const struct value *v, const char *key);
bool value_eq(const struct value *a, const struct value *b); /* maps without regard to order */
const char *value_type_name(enum value_type type);           /* "a string", "a map" */

/* Building, for encoders: a map or list under construction. */
struct value value_string(const char *text);
struct value value_int(int64_t number);
struct value value_bool(bool b);
struct value value_list(const struct value *items, size_t n);
struct value value_map(const struct member *members, size_t n);
