/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks start small and each is as large as all before it, because every resource of a snapshot
 * has an arena of its own and most are a few hundred bytes. Under ASan each allocation is a chunk,
 * so that running over the end of one object is seen.
 */
#include "base/arena.h"

#include <stdio.h>

#define CHUNK_FIRST 512
#define CHUNK_MAX   (64u << 10)

#if defined(__SANITIZE_ADDRESS__)
#define CHUNK_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHUNK_EACH 1
#endif
#endif
#ifndef CHUNK_EACH
#define CHUNK_EACH 0
#endif

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* of data */
	_Alignas(max_align_t) char data[];
};

static void *arena_chunk(struct arena *a, size_t size);

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(arena_room(a, size), 0, size);
}

void *arena_room(struct arena *a, size_t size)
{
	const size_t align = _Alignof(max_align_t) / 2; /* nothing here is wider than 8 bytes */
	char *at = a->at;

	if (size > SIZE_MAX / 2)
		abort();
	size = size ? (size + align - 1) & ~(align - 1) : align;
	if (CHUNK_EACH || size > (size_t)(a->end - a->at))
		return arena_chunk(a, size);
	a->at += size;
	return at;
}

void arena_free(struct arena *a)
{
	struct arena_chunk *c = a->chunks;

	while (c) {
		struct arena_chunk *next = c->next;

		/* What was never given out need not be touched, which would make it real memory. */
		if (a->secret)
			explicit_bzero(c->data, a->end == c->data + c->size ?
							(size_t)(a->at - c->data) :
							c->size);
		free(c);
		c = next;
	}
	*a = (struct arena){ .secret = a->secret };
}

/* The chunk with the free space stays. SIZE stays too, so the next one is larger than all that was
 * needed up to now, and soon one is enough. */
void arena_reset(struct arena *a)
{
	struct arena_chunk **at = &a->chunks, *kept;
	size_t size = a->size;

	while (*at && (*at)->data + (*at)->size != a->end)
		at = &(*at)->next;
	kept = a->secret ? NULL : *at;
	if (kept)
		*at = kept->next;
	arena_free(a);
	if (!kept)
		return;
	kept->next = NULL;
	*a = (struct arena){ kept, kept->data, kept->data + kept->size, .size = size };
}

char *arena_str(struct arena *a, const char *text)
{
	return text ? arena_strn(a, text, strlen(text)) : NULL;
}

char *arena_strn(struct arena *a, const char *text, size_t len)
{
	char *copy;

	if (!text)
		return NULL;
	copy = arena_room(a, len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(a, format, args);
	va_end(args);
	return text;
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
	char small[256];
	va_list again;
	char *text;
	int len;

	va_copy(again, args);
	len = vsnprintf(small, sizeof small, format, args);
	if (len < 0)
		abort();
	text = arena_alloc(a, (size_t)len + 1);
	if ((size_t)len < sizeof small)
		memcpy(text, small, (size_t)len);
	else
		vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}

void *arena_grow(struct arena *a, void *items, size_t n, size_t size)
{
	void *more;

	if (n >= 4 && (n & (n - 1))) /* capacity is the next power of two */
		return items;
	if (n && n < 4)
		return items;
	more = arena_alloc(a, size * (n ? 2 * n : 4));
	if (n)
		memcpy(more, items, size * n);
	return more;
}

void *mem_alloc(size_t size)
{
	void *at = calloc(1, size ? size : 1);

	if (!at)
		abort();
	return at;
}

void *mem_resize(void *at, size_t size)
{
	at = realloc(at, size ? size : 1);
	if (!at)
		abort();
	return at;
}

char *mem_str(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(mem_alloc(size), text, size);
}

/* A new chunk whose first SIZE bytes are taken. A large one does not end the use of the current. */
static void *arena_chunk(struct arena *a, size_t size)
{
	size_t next = MIN(MAX(a->size, CHUNK_FIRST), CHUNK_MAX);
	bool alone = CHUNK_EACH || size > next / 2;
	size_t room = alone ? size : next;
	struct arena_chunk *c = malloc(sizeof *c + room);

	if (!c)
		abort();
	c->size = room;
	c->next = a->chunks;
	a->chunks = c;
	a->size += room;
	if (!alone) {
		a->at = c->data + size;
		a->end = c->data + room;
	}
	return c->data;
}
