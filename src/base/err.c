/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* clang-format off */
static const struct {
	int exit;
	bool retry;
} kinds[ERR_COUNT] = {
	[ERR_NONE] =      { 0, false },
	[ERR_DIFFERS] =   { 1, false },
	[ERR_USAGE] =     { 2, false },
	[ERR_INVALID] =   { 3, false },
	[ERR_NOT_FOUND] = { 4, false },
	[ERR_CONFLICT] =  { 5, true },
	[ERR_AWAY] =      { 6, true },
	[ERR_TIMEOUT] =   { 7, true },
	[ERR_REFUSED] =   { 8, false },
	[ERR_INTERNAL] =  { 9, false },
};
/* clang-format on */

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	va_list args;

	err->kind = kind;
	va_start(args, format);
	vsnprintf(err->words, sizeof err->words, format, args);
	va_end(args);
	return false;
}

bool err_os(struct err *err, const char *format, ...)
{
	const int number = errno;
	va_list args;
	size_t len;

	switch (number) {
	case ENOENT:
		err->kind = ERR_NOT_FOUND;
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		err->kind = ERR_REFUSED;
		break;
	default:
		err->kind = ERR_AWAY;
	}
	va_start(args, format);
	vsnprintf(err->words, sizeof err->words - 64, format, args); /* a long path leaves room */
	va_end(args);
	len = strlen(err->words);
	snprintf(err->words + len, sizeof err->words - len, ": %s", strerror(number));
	return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
	char front[202]; /* the noun in front may not push the reason out entirely */
	char behind[sizeof err->words];
	va_list args;
	size_t len;

	va_start(args, format);
	vsnprintf(front, sizeof front, format, args);
	va_end(args);
	memcpy(behind, err->words, sizeof behind);
	len = (size_t)snprintf(err->words, sizeof err->words, "%s: ", front);
	strncat(err->words, behind, sizeof err->words - len - 1);
	return false;
}

bool err_argument(struct err *err)
{
	if (err->kind == ERR_NOT_FOUND)
		err->kind = ERR_USAGE;
	return false;
}

int err_exit(enum err_kind kind)
{
	return kinds[kind].exit;
}

bool err_retry(enum err_kind kind)
{
	return kinds[kind].retry;
}
