/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include "base/arena.h"

#define WORDS_LOG2 9
#define LEN_MIN	   8 /* less than a pointer is not worth it */
#define LEN_MAX	   320
#define MIX	   UINT64_C(0x9e3779b97f4a7c15)

/* Each word has one place, so chosen words cost nothing but their place. */
static struct word words[1 << WORDS_LOG2];

static size_t place_of(const char *word, size_t len);

struct word *word_kept(const char *word, size_t len)
{
	static struct arena kept;
	struct word *w;

	if (len < LEN_MIN || len > LEN_MAX)
		return NULL;
	w = &words[place_of(word, len)];
	if (!w->text)
		*w = (struct word){ arena_strn(&kept, word, len), len, false };
	return w->len == len && memcmp(w->text, word, len) == 0 ? w : NULL;
}

static size_t place_of(const char *word, size_t len)
{
	uint64_t head, tail;

	memcpy(&head, word, sizeof head);
	memcpy(&tail, word + len - sizeof tail, sizeof tail);
	/* The upper bits of a product are those that all bits of the factors go into. */
	return (size_t)((head ^ (tail + len) * MIX) * MIX >> (64 - WORDS_LOG2));
}
