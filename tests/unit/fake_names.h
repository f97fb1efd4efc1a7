/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver of the C library, played by the test: what is defined here is found before libc's.
 * Names that do not end in .test are asked for in earnest.
 */
#pragma once

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/base.h"

static const char *const *fake_addresses; /* of many.test; closed by NULL */

int getaddrinfo(const char *name, const char *service, const struct addrinfo *like,
		struct addrinfo **ret)
{
	void *at = dlsym(RTLD_NEXT, "getaddrinfo");
	__typeof__(getaddrinfo) *real;
	struct addrinfo numeric = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };

	memcpy(&real, &at, sizeof real);
	if (like->ai_flags & AI_NUMERICHOST)
		return real(name, service, like, ret);
	if (str_eq(name, "hang.test"))
		for (;;)
			pause();
	if (str_eq(name, "crash.test"))
		_exit(3);
	if (str_eq(name, "nowhere.test"))
		return EAI_NONAME;
	if (str_eq(name, "empty.test"))
		return EAI_NODATA;
	if (str_eq(name, "away.test"))
		return EAI_AGAIN;
	if (!str_eq(name, "many.test"))
		return real(name, service, like, ret);
	for (size_t i = 0; fake_addresses[i]; i++) {
		if (real(fake_addresses[i], NULL, &numeric, ret) != 0)
			abort();
		ret = &(*ret)->ai_next;
	}
	return 0;
}

/* Every child was waited for. */
static inline void assert_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}
