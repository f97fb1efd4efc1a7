/* SPDX-License-Identifier: Apache-2.0 */
#include "store/openssl.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>

#define LIBRARY "libssl.so.3" /* it brings libcrypto.so.3, whose functions are found through it */

struct openssl ossl;

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define OPENSSL_ROW(name) { #name, offsetof(struct openssl, name) },
	OPENSSL_FUNCTIONS(OPENSSL_ROW)
#undef OPENSSL_ROW
};

/*
 * Three things that OpenSSL does by default are left out, to save time.
 * Its configuration file is read only where OPENSSL_CONF names one: the system's takes 0.4 ms to read,
 * Debian's has only defaults in it, etcdctl and calicoctl do not read it, and the one setting that
 * matters to us, no TLS before 1.2, is made in tls.c.
 * The old table of ciphers by name is not filled: that takes 0.8 ms, and only keys that are encrypted in
 * the old format of PEM need it.
 * Nothing is freed at exit.
 */
bool openssl_load(struct err *err)
{
	const uint64_t quick = OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
			       (getenv("OPENSSL_CONF") ? 0 : OPENSSL_INIT_NO_LOAD_CONFIG);
	static bool loaded;
	void *library, *at;
	int own_first;

	if (loaded)
		return true;
	/* With RTLD_DEEPBIND the library's 4,900 symbols are looked up in itself first and not in everything
	 * that we are linked with, which saves a third of the time to load it. ASan does not work with it. */
	own_first = dlsym(RTLD_DEFAULT, "__asan_init") ? 0 : RTLD_DEEPBIND;
	library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL | own_first);
	if (!library)
		return err_set(err, ERR_AWAY, "TLS needs OpenSSL 3: %s", dlerror());
	for (size_t i = 0; i < lengthof(functions); i++) {
		at = dlsym(library, functions[i].name);
		if (!at)
			return err_set(err, ERR_AWAY, "TLS needs OpenSSL 3: " LIBRARY " has no %s",
				       functions[i].name);
		memcpy((char *)&ossl + functions[i].offset, &at, sizeof at);
	}
	if (ossl.OPENSSL_init_ssl(quick, NULL) != 1)
		return openssl_err(err, ERR_AWAY, "OpenSSL does not start");
	return loaded = true;
}

bool openssl_err(struct err *err, enum err_kind kind, const char *format, ...)
{
	const char *why = ossl.ERR_reason_error_string(ossl.ERR_peek_last_error());
	char words[sizeof err->words];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	ossl.ERR_clear_error();
	return err_set(err, kind, "%.400s: %s", words, why ? why : "OpenSSL does not say why");
}
