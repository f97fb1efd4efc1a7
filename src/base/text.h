/* SPDX-License-Identifier: Apache-2.0 */
/* Words, numbers and text that comes from elsewhere. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

/* The index of WORD in a NULL-terminated array of words (holes not allowed), else NONE. */
int name_find(const char *const *words, const char *word, int none);
/* The same without regard to ASCII case. */
int name_find_case(const char *const *words, const char *word, int none);
/* The word of WORDS nearest to WORD if it is near enough to suggest, else NULL. */
const char *name_suggest(const char *const *words, const char *word);
/* Is WORD one of N sorted WORDS? */
bool name_among(const char *const *words, size_t n, const char *word);
/* "A, B, C" of a NULL-terminated array; empty words are left out. */
const char *name_list(const char *const *words, struct arena *a);

/* Decimal digits only, no sign, no blank, at most MAX; false otherwise. */
bool text_u64(const char *text, size_t len, uint64_t max, uint64_t *ret);
/* Editing distance of two words, at most MAX + 1. */
unsigned text_distance(const char *a, const char *b, unsigned max);
/* Is LEN bytes at TEXT valid UTF-8 (RFC 3629)? Returns the offset of the first bad byte, else LEN. */
size_t text_utf8(const char *text, size_t len);
/* A copy that is valid UTF-8 without control characters (C0, DEL, C1), at most MAX bytes: what a
 * remote could write must not reach a store, a log or a terminal raw (decisions.md 13). */
char *text_clean(struct arena *a, const char *text, size_t len, size_t max);
/* Line NUMBER (1-based) of TEXT without its newline; NULL when it has not so many. */
const char *text_line(const char *text, unsigned number, struct arena *a);
/* TEXT itself where it is nothing but printable ASCII, else a clean copy; NULL stays NULL. */
const char *text_safe(struct arena *a, const char *text);
/* Do PATTERN's `*` wildcards match all of TEXT? */
bool text_glob(const char *pattern, const char *text);
/* A Go duration ("90s", "2m30s", "1.5h"); nanoseconds; false when it is not one or overflows. */
bool text_duration(const char *text, int64_t *ret_ns);
/* "3d4h", "17s": how long, for people, from whole seconds. */
const char *text_age(int64_t seconds, struct arena *a);
