/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), from libmd: a small library, which peerctl loads in no time. */
#pragma once

#include "base/base.h"

struct digest {
	uint8_t bytes[32];
};
struct digest_text {
	char s[65];
};

struct digest digest_of(const void *bytes, size_t len);
struct digest_text digest_hex(const struct digest *d);
