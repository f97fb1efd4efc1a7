/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that come again and again, such as the names of labels of a thousand nodes: one copy of
 * each for the whole process. There is room for some hundred of them and none is ever given up, so
 * who finds no room keeps the word himself.
 */
#pragma once

#include "base/base.h"

struct word {
	const char *text;
	size_t len;
	bool good; /* for the users of words: they have checked this one, and it is valid */
};

/* The one copy of LEN bytes at WORD, which have no NUL in them; NULL when there is no room. */
struct word *word_kept(const char *word, size_t len);
