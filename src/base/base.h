/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every file may use: compiler attributes, array lengths, cleanup of handles.
 *
 * Handles clean up after themselves: a local marked auto_close, auto_free ... is released when it
 * leaves scope; take() hands it over.  Memory inside the core belongs to arenas (arena.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define must_check         __attribute__((warn_unused_result))
#define printf_like(f, a)  __attribute__((format(printf, f, a)))
#define lengthof(array)    (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b)          ((a) < (b) ? (a) : (b))
#define MAX(a, b)          ((a) > (b) ? (a) : (b))

#define auto_close __attribute__((cleanup(base_close)))
#define auto_free  __attribute__((cleanup(base_free)))

static inline void base_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void base_free(void *p)
{
	void *at;

	memcpy(&at, p, sizeof at);
	free(at);
}

static inline void *take_pointer(void *p)
{
	void *at, *none = NULL;

	memcpy(&at, p, sizeof at);
	memcpy(p, &none, sizeof none);
	return at;
}

static inline int take_fd(int *fd)
{
	int was = *fd;

	*fd = -1;
	return was;
}

/* Hands over what POINTER holds and leaves NULL there, so that its cleanup does nothing. */
#define take(pointer) take_pointer(&(pointer))

static inline bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static inline bool str_empty(const char *s)
{
	return !s || !*s;
}
