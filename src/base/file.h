/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole reads, atomic replacement, locks. */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* All of PATH (`-`: standard input), at most MAX bytes, else ERR_INVALID. NUL-terminated in A;
 * *RET_LEN its length. NULL on failure. */
const char *file_read(const char *path, size_t max, struct arena *a, size_t *ret_len,
		      struct err *err);
/* Puts LEN bytes at PATH all at once (temporary file, fsync, rename, fsync of the folder), with
 * MODE and group GID (-1: as it comes). On failure PATH is as it was and nothing is left behind. */
bool file_replace(const char *path, const char *text, size_t len, mode_t mode, gid_t gid,
		  struct err *err) must_check;
/* Writes LEN bytes to PATH, truncating what was there: neither atomic nor synced to the disk. For files
 * that can be made again. */
bool file_write(const char *path, const char *text, size_t len, mode_t mode, gid_t gid,
		struct err *err) must_check;
/* An exclusive lock on PATH (created 0640) that lasts until the descriptor is closed; -1 with
 * ERR_CONFLICT when another process holds it. */
int file_lock(const char *path, struct err *err) must_check;
/* The group id of NAME, -1 when there is none. */
gid_t file_group(const char *name);
