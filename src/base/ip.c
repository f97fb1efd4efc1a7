/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/text.h"

static bool ip_parse_n(const char *text, size_t len, struct ip *ret);
static bool port_parse(const char *text, uint16_t *ret);
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits);
static char *number_put(char *at, unsigned number);

bool ip_parse(const char *text, struct ip *ret)
{
	return ip_parse_n(text, strlen(text), ret);
}

bool cidr_parse(const char *text, struct cidr *ret)
{
	const char *slash = strchr(text, '/');
	struct cidr c = { 0 };
	uint64_t len;

	if (!ip_parse_n(text, slash ? (size_t)(slash - text) : strlen(text), &c.ip))
		return false;
	len = ip_bits(&c.ip);
	if (slash &&
	    (!text_u64(slash + 1, strlen(slash + 1), len, &len) || (slash[1] == '0' && slash[2])))
		return false;
	c.len = (uint8_t)len;
	*ret = c;
	return true;
}

bool endpoint_parse(const char *text, struct endpoint *ret)
{
	struct endpoint e = { 0 };
	const char *end = text + strlen(text), *zone, *port = NULL;
	bool bracket = *text == '[';

	if (bracket) {
		text++;
		end = strchr(text, ']');
		if (!end || end[1] != ':')
			return false;
		port = end + 2;
	} else if (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) {
		end = strchr(text, ':');
		port = end + 1;
	}
	if (port && !port_parse(port, &e.port))
		return false;
	zone = memchr(text, '%', (size_t)(end - text));
	if (!ip_parse_n(text, (size_t)((zone ? zone : end) - text), &e.ip))
		return false;
	if (bracket && e.ip.family != 6)
		return false;
	if (zone) {
		size_t len = (size_t)(end - zone - 1);

		if (!len || len > 15 || e.ip.family != 6)
			return false;
		for (size_t i = 1; i <= len;
		     i++) /* what Linux allows, less what could hurt a text */
			if ((unsigned char)zone[i] <= ' ' || strchr("/%\"'\\{};:[]", zone[i]) ||
			    (unsigned char)zone[i] >= 0x7f)
				return false;
		memcpy(e.zone, zone + 1, len);
	}
	*ret = e;
	return true;
}

struct ip_text ip_text(const struct ip *ip)
{
	struct ip_text text;

	*text.s = '\0';
	if (ip->family == 6) {
		inet_ntop(AF_INET6, ip->bytes, text.s, sizeof text.s);
	} else if (ip->family == 4) {
		char *at = text.s;

		for (int i = 0; i < 4; i++) {
			if (i)
				*at++ = '.';
			at = number_put(at, ip->bytes[i]);
		}
		*at = '\0';
	}
	return text;
}

struct ip_text cidr_text(const struct cidr *c)
{
	struct ip_text text = ip_text(&c->ip);
	size_t len = strlen(text.s);

	if (len) {
		text.s[len] = '/';
		*number_put(text.s + len + 1, c->len) = '\0';
	}
	return text;
}

struct ip_text endpoint_text(const struct endpoint *e)
{
	struct ip_text address = ip_text(&e->ip), text;
	const char *percent = *e->zone ? "%" : "";

	if (!e->port)
		snprintf(text.s, sizeof text.s, "%.45s%s%s", address.s, percent, e->zone);
	else if (e->ip.family == 6)
		snprintf(text.s, sizeof text.s, "[%.45s%s%s]:%u", address.s, percent, e->zone,
			 e->port);
	else
		snprintf(text.s, sizeof text.s, "%.45s:%u", address.s, e->port);
	return text;
}

bool ip_is_set(const struct ip *ip)
{
	return ip->family != 0;
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

int ip_cmp(const struct ip *a, const struct ip *b)
{
	return memcmp(a, b, sizeof *a); /* family is the first byte, bytes are in network order */
}

bool ip_is_link_local(const struct ip *ip)
{
	return ip->family == 6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

bool cidr_contains(const struct cidr *c, const struct ip *ip)
{
	return c->ip.family && c->ip.family == ip->family &&
	       bits_equal(c->ip.bytes, ip->bytes, c->len);
}

bool cidr_covers(const struct cidr *outer, const struct cidr *inner)
{
	return outer->len <= inner->len && cidr_contains(outer, &inner->ip);
}

struct cidr cidr_network(const struct cidr *c)
{
	struct cidr net = *c;

	for (unsigned i = c->len / 8; i < ip_bits(&c->ip) / 8; i++)
		net.ip.bytes[i] &= i == c->len / 8 ? (uint8_t)(0xff00 >> c->len % 8) : 0;
	return net;
}

bool cidr_eq(const struct cidr *a, const struct cidr *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

unsigned ip_bits(const struct ip *ip)
{
	return ip->family == 4 ? 32 : ip->family == 6 ? 128 : 0;
}

static bool ip_parse_n(const char *text, size_t len, struct ip *ret)
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };
	char copy[INET6_ADDRSTRLEN];
	struct ip ip = { 0 };
	uint8_t bytes[16];

	if (len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strlen(copy) != len)
		return false;
	if (!strchr(copy, ':')) { /* inet_pton refuses leading zeros in glibc */
		ip.family = 4;
		if (inet_pton(AF_INET, copy, ip.bytes) != 1)
			return false;
	} else {
		if (inet_pton(AF_INET6, copy, bytes) != 1)
			return false;
		if (memcmp(bytes, mapped, sizeof mapped) == 0) {
			ip.family = 4;
			memcpy(ip.bytes, bytes + 12, 4);
		} else {
			ip.family = 6;
			memcpy(ip.bytes, bytes, 16);
		}
	}
	*ret = ip;
	return true;
}

static bool port_parse(const char *text, uint16_t *ret)
{
	uint64_t port;

	if (*text == '0' || !text_u64(text, strlen(text), 65535, &port) || !port)
		return false;
	*ret = (uint16_t)port;
	return true;
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	uint8_t mask = (uint8_t)(0xff << (8 - bits % 8));

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return !(bits % 8) || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0;
}

static char *number_put(char *at, unsigned number)
{
	if (number >= 100)
		*at++ = (char)('0' + number / 100);
	if (number >= 10)
		*at++ = (char)('0' + number / 10 % 10);
	*at++ = (char)('0' + number % 10);
	return at;
}
