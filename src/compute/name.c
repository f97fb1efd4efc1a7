/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/name.h"

#include "base/digest.h"
#include "base/text.h"

const char *peering_name(const struct endpoint *remote, struct arena *a)
{
	static const char hex[] = "0123456789abcdef";
	const struct ip_text address = ip_text(&remote->ip);
	char name[160] = "peer_", *at = name + 5;
	size_t len;

	for (const char *c = address.s; *c; c++) {
		*at++ = *c == '.' || *c == ':' ? '_' : *c;
		if (*c == '.' && remote->ip.family == 6) /* "::1.2.3.4" is not "::1:2:3:4" */
			*at++ = 'v';
	}
	if (remote->port && remote->port != 179) {
		char digits[5];
		int n = 0;

		*at++ = '_';
		*at++ = 'p';
		for (unsigned port = remote->port; port; port /= 10)
			digits[n++] = (char)('0' + port % 10);
		while (n)
			*at++ = digits[--n];
	}
	if (*remote->zone) {
		*at++ = '_';
		*at++ = 'i';
	}
	for (const char *c = remote->zone; *c; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '0' && *c <= '9');

		if (plain) {
			*at++ = *c;
			continue;
		}
		*at++ = '_';
		*at++ = hex[(unsigned char)*c >> 4];
		*at++ = hex[*c & 15];
	}
	len = (size_t)(at - name);
	if (len > 64) { /* the longest symbol BIRD takes: a digest tail keeps it injective */
		struct digest d = digest_of(name, len);
		struct digest_text tail = digest_hex(&d);

		memcpy(name + 46, "_z", 2);
		memcpy(name + 48, tail.s, 16);
		len = 64;
	}
	return arena_strn(a, name, len);
}
