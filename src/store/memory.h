/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory driver's handles for tests: what goes wrong with a store, on demand. NAME is what
 * stands behind "memory:". Not thread-safe; what was made stays until memory_remove().
 */
#pragma once

#include "base/err.h"

/* Until WORDS is NULL again every operation and every opening of NAME fails with ERR_AWAY. */
void memory_away(const char *name, const char *words);
/* Until WORDS is NULL again every write of NAME fails with KIND. */
void memory_refuse(const char *name, enum err_kind kind, const char *words);
/* Operations of NAME do not move while ON: a store that hangs. */
void memory_hang(const char *name, bool on);
/* Forgets all changes so far: who watched from before them must list again. */
void memory_compact(const char *name);
/* The next write of NAME that has more than N items does the first N and fails with KIND, as a driver
 * does that cannot take so many at once. With ERR_TIMEOUT the next one is WRITE_UNKNOWN. */
void memory_partial(const char *name, size_t n, enum err_kind kind);
/* The next N lists of NAME fail half way with ERR_CONFLICT: compacted while they were made. */
void memory_list_compacted(const char *name, unsigned n);
/* NAME is no more; who has it open gets ERR_AWAY. Made again, it has another identity. */
void memory_remove(const char *name);
