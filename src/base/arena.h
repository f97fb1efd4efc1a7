/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory with a lifetime instead of an owner.  An arena is `struct arena a = {0}`; all that was
 * allocated from it goes with arena_free().  Allocation never fails: out of memory ends the
 * process (the agent is restarted by its supervisor, BIRD keeps its sessions).
 */
#pragma once

#include <stdarg.h>

#include "base/base.h"

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks; /* newest first */
	char *at, *end;             /* free space of the newest chunk */
	size_t size;                /* bytes asked from the system so far */
	bool secret;                /* wipe before giving back */
};

#define auto_arena __attribute__((cleanup(arena_free)))

/* SIZE zeroed bytes, aligned to 8: no type here needs more (no long double, no vectors). */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));
/* The same, not zeroed. */
void *arena_room(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));
/* Everything goes; A is empty and can be used again. */
void arena_free(struct arena *a);
/* The same, but memory is kept for using it again soon, as long as that is not much. */
void arena_reset(struct arena *a);
/* Copies into the arena; NULL stays NULL. */
char *arena_str(struct arena *a, const char *text);
char *arena_strn(struct arena *a, const char *text, size_t len);
char *arena_printf(struct arena *a, const char *format, ...) printf_like(2, 3);
char *arena_vprintf(struct arena *a, const char *format, va_list args) printf_like(2, 0);
/* ITEMS holds N elements of SIZE bytes, all added this way; returns it with room for one more. */
void *arena_grow(struct arena *a, void *items, size_t n, size_t size);

#define arena_new(a, type)      ((type *)arena_alloc(a, sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc(a, sizeof(type) * (n)))
/* A pointer to a new zeroed last element of the growing array ITEMS of N elements. */
#define arena_push(a, items, n)                                                                    \
	((items) = arena_grow(a, (void *)(items), n, sizeof *(items)), &(items)[(n)++])

/* malloc family that ends the process instead of failing. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_resize(void *at, size_t size) __attribute__((returns_nonnull));
char *mem_str(const char *text);
