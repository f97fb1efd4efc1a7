/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One failure that stops: a kind, and one sentence with its nouns in order.  The caller owns the
 * struct (fixed size, cannot leak, cannot fail).  A function that can fail takes it last and
 * returns bool or a pointer; err_*() return false so that failing is one line.  Each floor puts the
 * one noun it knows in front with err_wrap().  Nobody logs and returns.
 *
 * Complaints about input are not failures: see diag.h.
 */
#pragma once

#include "base/base.h"

/* The exit codes of the programs (decisions.md 33) and "worth retrying" hang on the kind. */
enum err_kind {
	ERR_NONE,
	ERR_DIFFERS,   /* 1: does not match, differs */
	ERR_USAGE,     /* 2: wrong arguments, missing file */
	ERR_INVALID,   /* 3: input that is not what it should be */
	ERR_NOT_FOUND, /* 4 */
	ERR_CONFLICT,  /* 5: exists already, or not at the expected version */
	ERR_AWAY,      /* 6: store or socket unavailable */
	ERR_TIMEOUT,   /* 7 */
	ERR_REFUSED,   /* 8: by BIRD, by permissions, or not ours to change */
	ERR_INTERNAL,  /* 9 */
	ERR_COUNT
};

struct err {
	enum err_kind kind;
	char words[480];
};

/* Sets KIND and the sentence; always false. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...) printf_like(3, 4);
/* The same with ": " and the words of errno behind; the kind follows errno: ENOENT is NOT_FOUND,
 * EACCES, EPERM and EROFS REFUSED, the rest AWAY. */
bool err_os(struct err *err, const char *format, ...) printf_like(2, 3);
/* Puts the sentence and ": " in front of the words there are; keeps the kind; always false. */
bool err_wrap(struct err *err, const char *format, ...) printf_like(2, 3);

/* For a failure about a file that the user named in an argument: ERR_NOT_FOUND becomes ERR_USAGE, because
 * "not found" is the exit code for resources. Always false. */
bool err_argument(struct err *err);

int err_exit(enum err_kind kind);          /* exit code of the programs */
bool err_retry(enum err_kind kind);        /* may go away by itself */
