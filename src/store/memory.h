/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory driver's handles for tests: what goes wrong with a store, on demand. NAME is what
 * stands behind "memory:". Not thread-safe; what was made stays until memory_remove().
 */
#pragma once

#include "base/base.h"

/* Until WORDS is NULL again every operation and every opening of NAME fails with ERR_AWAY. */
void memory_away(const char *name, const char *words);
/* Operations of NAME do not move while ON: a store that hangs. */
void memory_hang(const char *name, bool on);
/* Forgets all changes so far: who watched from before them must list again. */
void memory_compact(const char *name);
/* NAME is no more; who has it open gets ERR_AWAY. Made again, it has another identity. */
void memory_remove(const char *name);
