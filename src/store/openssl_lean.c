/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever first asks OpenSSL's default provider for one cipher has all 130 of them made, and each
 * key that is parsed is held against 40 decoders. So there is a provider of our own between: it hands
 * on what the default provider has, less what no TLS that we speak can come to need.
 *
 * The default provider is loaded into the same library context, because its algorithms ask there for
 * others, and is then deactivated, because it would be asked first. What it has remains in use: an
 * algorithm that was fetched from it keeps it, which is how OpenSSL counts.
 */
#include <openssl/core_dispatch.h>
#include <openssl/provider.h>
#include <stdio.h>

#include "store/openssl.h"

#define NAME "peerage"
#define MOST 64 /* of the algorithms for one operation that are handed on */

struct choice {
	int operation;
	bool all_but;	   /* the named ones; else only these */
	const char *names; /* the first name of each */
	OSSL_ALGORITHM chosen[MOST + 1];
	bool made;
};

/* Ciphers: all that TLS offers by default, and what random numbers are made with. Decoders: a key in
 * a certificate may be of any sort but those that are for exchanges, and those that TLS never knew. */
static struct choice choices[] = {
	{ OSSL_OP_CIPHER, false,
	  ":AES-128-GCM:AES-256-GCM:ChaCha20-Poly1305:AES-128-CBC:AES-256-CBC:"
	  "AES-256-CTR:AES-256-ECB:" },
	{ OSSL_OP_DECODER, true, ":DH:DHX:X25519:X448:DSA:SM2:" },
};

static EVP_ASYM_CIPHER *held; /* any algorithm would do; of these there are only two */

static OSSL_LIB_CTX *lean_make(void);
static OSSL_PROVIDER *whole(void);
static OSSL_provider_init_fn lean_start;
static OSSL_FUNC_provider_query_operation_fn lean_query;
static OSSL_FUNC_provider_get_capabilities_fn lean_capabilities;
static const OSSL_ALGORITHM *choose(struct choice *c, const OSSL_ALGORITHM *all);
static bool wanted(const struct choice *c, const OSSL_ALGORITHM *one);

OSSL_LIB_CTX *openssl_lean(void)
{
	static OSSL_LIB_CTX *lean;
	static bool made;

	/* who has a configuration says there which providers are to be used */
	if (!made && !getenv("OPENSSL_CONF"))
		lean = lean_make();
	made = true;
	return lean;
}

static OSSL_LIB_CTX *lean_make(void)
{
	OSSL_LIB_CTX *lean = ossl.OSSL_LIB_CTX_new();

	if (ossl.OSSL_PROVIDER_load(lean, "default"))
		held = ossl.EVP_ASYM_CIPHER_fetch(lean, "RSA", NULL);
	if (held && ossl.OSSL_PROVIDER_unload(whole()) == 1 &&
	    ossl.OSSL_PROVIDER_add_builtin(lean, NAME, lean_start) == 1 &&
	    ossl.OSSL_PROVIDER_load(lean, NAME))
		return lean;
	return NULL; /* OpenSSL as it is does the same, and takes longer for it */
}

static OSSL_PROVIDER *whole(void)
{
	return ossl.EVP_ASYM_CIPHER_get0_provider(held);
}

static int lean_start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
		      const OSSL_DISPATCH **ret, void **ret_ctx)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))lean_query },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))lean_capabilities },
		{ 0, NULL },
	};

	(void)handle, (void)core;
	*ret = functions;
	*ret_ctx = ossl.OSSL_PROVIDER_get0_provider_ctx(whole()); /* its algorithms are given it */
	return 1;
}

static const OSSL_ALGORITHM *lean_query(void *ctx, int operation, int *ret_no_cache)
{
	const OSSL_ALGORITHM *all =
		ossl.OSSL_PROVIDER_query_operation(whole(), operation, ret_no_cache);

	(void)ctx;
	for (size_t i = 0; all && i < lengthof(choices); i++)
		if (choices[i].operation == operation)
			return choose(&choices[i], all);
	return all;
}

/* Such as the groups of TLS. */
static int lean_capabilities(void *ctx, const char *what, OSSL_CALLBACK *each, void *arg)
{
	(void)ctx;
	return ossl.OSSL_PROVIDER_get_capabilities(whole(), what, each, arg);
}

static const OSSL_ALGORITHM *choose(struct choice *c, const OSSL_ALGORITHM *all)
{
	size_t n = 0;

	if (c->made)
		return c->chosen;
	for (const OSSL_ALGORITHM *at = all; at->algorithm_names; at++) {
		if (!wanted(c, at))
			continue;
		if (n == MOST)
			return all; /* an OpenSSL of another time, that has more */
		c->chosen[n++] = *at;
	}
	c->made = true;
	return c->chosen;
}

static bool wanted(const struct choice *c, const OSSL_ALGORITHM *one)
{
	int len = (int)strcspn(one->algorithm_names, ":");
	char name[64];

	snprintf(name, sizeof name, ":%.*s:", len, one->algorithm_names);
	return !strstr(c->names, name) == c->all_but;
}
