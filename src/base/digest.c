/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <sys/types.h>

#include <sha2.h>

struct digest digest_of(const void *bytes, size_t len)
{
	struct digest d;
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, bytes, len);
	SHA256Final(d.bytes, &context);
	return d;
}

struct digest_text digest_hex(const struct digest *d)
{
	static const char digits[] = "0123456789abcdef";
	struct digest_text text = { "" };

	for (size_t i = 0; i < sizeof d->bytes; i++) {
		text.s[2 * i] = digits[d->bytes[i] >> 4];
		text.s[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	return text;
}
