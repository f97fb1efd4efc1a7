/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses, prefixes and endpoints.  All-zero bytes mean "not given" (family 0), and none of these
 * types has padding, so memcmp() compares them.  Printed forms are canonical (RFC 5952).
 */
#pragma once

#include "base/base.h"

struct ip {
	uint8_t family; /* 0 unset, 4 or 6 */
	uint8_t bytes[16];
};

struct cidr {
	struct ip ip;
	uint8_t len;
};

/* A neighbour: an address, an interface where it is link-local, a port where it is given. */
struct endpoint {
	uint16_t port; /* 0: not given */
	struct ip ip;
	char zone[17]; /* interface name, at most 15 characters */
};

struct ip_text {
	char s[80];
};

_Static_assert(sizeof(struct ip) == 17 && sizeof(struct cidr) == 18 && sizeof(struct endpoint) == 36,
	       "types used in tables have no padding");

/* Strict: no leading zeros in IPv4, no zone, no port, no blanks. An IPv4-mapped IPv6 address is
 * IPv4 (as Go's net.IP, which Calico uses). */
bool ip_parse(const char *text, struct ip *ret);
/* ADDRESS/LENGTH, or a bare address as /32 or /128. Host bits are kept. */
bool cidr_parse(const char *text, struct cidr *ret);
/* "10.0.0.1", "10.0.0.1:179", "fd00::1", "[fd00::1]:179", "fe80::1%eth0", "[fe80::1%eth0]:179". */
bool endpoint_parse(const char *text, struct endpoint *ret);

struct ip_text ip_text(const struct ip *ip); /* "" when unset */
struct ip_text cidr_text(const struct cidr *cidr);
struct ip_text endpoint_text(const struct endpoint *e);

bool ip_is_set(const struct ip *ip);
bool ip_eq(const struct ip *a, const struct ip *b);
int ip_cmp(const struct ip *a, const struct ip *b); /* family first, then bytes */
bool ip_is_link_local(const struct ip *ip);         /* 169.254/16 is not: BIRD treats it as global */
bool cidr_contains(const struct cidr *c, const struct ip *ip);
bool cidr_covers(const struct cidr *outer, const struct cidr *inner);
struct cidr cidr_network(const struct cidr *c); /* host bits cleared */
bool cidr_eq(const struct cidr *a, const struct cidr *b);
unsigned ip_bits(const struct ip *ip); /* 32 or 128 */
