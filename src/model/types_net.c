/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses, prefixes, endpoints, communities. The parsers of base/ only say no; the sentences that
 * say why, and what would be right, are found here afterwards.
 */
#include "model/decode.h"

#include "base/text.h"

static void ip_decode(struct decode *dc, const struct field *f, const struct value *v, void *at);
static struct value ip_encode(const struct field *f, const void *at, struct arena *a);
static void cidr_decode(struct decode *dc, const struct field *f, const struct value *v, void *at);
static void ifaddr_decode(struct decode *dc, const struct field *f, const struct value *v,
			  void *at);
static struct value cidr_encode(const struct field *f, const void *at, struct arena *a);
static void endpoint_decode(struct decode *dc, const struct field *f, const struct value *v,
			    void *at);
static struct value endpoint_encode(const struct field *f, const void *at, struct arena *a);
static void community_decode(struct decode *dc, const struct field *f, const struct value *v,
			     void *at);
static struct value community_encode(const struct field *f, const void *at, struct arena *a);
static bool prefix_decode(struct decode *dc, const struct field *f, const struct value *v,
			  struct cidr *ret);
static bool family_check(struct decode *dc, const struct field *f, const struct value *v,
			 const struct ip *ip);
static void address_error(struct decode *dc, const struct value *v, const char *address);
static const char *octet_mistake(const char *address, struct arena *a);
static const char *without_zeros(const char *address, struct arena *a);
static void endpoint_error(struct decode *dc, const struct value *v);
static bool endpoint_check(struct decode *dc, const struct value *v, const struct endpoint *e);

/* clang-format off */
const struct type type_ip = {
	"an IP address", "string", sizeof(struct ip), ip_decode, ip_encode };
const struct type type_cidr = {
	"a prefix", "string", sizeof(struct cidr), cidr_decode, cidr_encode };
const struct type type_ifaddr = {
	"an address with prefix length", "string", sizeof(struct cidr), ifaddr_decode, cidr_encode };
const struct type type_endpoint = {
	"an IP address, with a port if it is not 179", "string", sizeof(struct endpoint),
	endpoint_decode, endpoint_encode };
const struct type type_community = {
	"a community", "string", sizeof(char *), community_decode, community_encode };
/* clang-format on */

static void ip_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	const char *text = decode_text(dc, f, v);
	struct ip ip;

	if (!text)
		return;
	if (!ip_parse(text, &ip))
		address_error(dc, v, text);
	else if (family_check(dc, f, v, &ip))
		*(struct ip *)at = ip;
}

static struct value ip_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	return value_string(arena_str(a, ip_text(at).s));
}

static void cidr_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	struct cidr c, net;

	if (!prefix_decode(dc, f, v, &c))
		return;
	net = cidr_network(&c);
	if (cidr_eq(&net, &c))
		*(struct cidr *)at = c;
	else
		decode_error(dc, v, "%s has bits set behind its prefix length; write \"%s\"",
			     decode_show(dc, v), cidr_text(&net).s);
}

static void ifaddr_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	struct cidr c;

	if (prefix_decode(dc, f, v, &c))
		*(struct cidr *)at = c;
}

static struct value cidr_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	return value_string(arena_str(a, cidr_text(at).s));
}

static void endpoint_decode(struct decode *dc, const struct field *f, const struct value *v,
			    void *at)
{
	const char *text = decode_text(dc, f, v);
	struct endpoint e;

	if (!text)
		return;
	if (!endpoint_parse(text, &e))
		endpoint_error(dc, v);
	else if (endpoint_check(dc, v, &e))
		*(struct endpoint *)at = e;
}

static struct value endpoint_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	return value_string(arena_str(a, endpoint_text(at).s));
}

static void community_decode(struct decode *dc, const struct field *f, const struct value *v,
			     void *at)
{
	const char *text = decode_text(dc, f, v);

	if (!text)
		return;
	if (community_valid(text))
		*(const char **)at = arena_str(dc->arena, text);
	else
		decode_error(dc, v,
			     "%s is not a community; write \"aa:nn\" with each part at most 65535, "
			     "or \"aa:nn:mm\" with each at most 4294967295",
			     decode_show(dc, v));
}

static struct value community_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	(void)a;
	return value_string(*(const char *const *)at);
}

bool ip_unicast(const struct ip *ip)
{
	static const uint8_t none[16], all[4] = { 255, 255, 255, 255 };

	if (ip->family == 4)
		return ip->bytes[0] && (ip->bytes[0] & 0xf0) != 0xe0 &&
		       memcmp(ip->bytes, all, sizeof all) != 0;
	return memcmp(ip->bytes, none, sizeof none) != 0 && ip->bytes[0] != 0xff;
}

/* Decimal parts without leading zeros: two of 16 bits, or three of 32. */
bool community_valid(const char *text)
{
	const char *first = strchr(text, ':');
	uint64_t max = first && strchr(first + 1, ':') ? UINT32_MAX : UINT16_MAX, part;
	unsigned n = 1;

	for (;; n++) {
		size_t len = strcspn(text, ":");

		if (!text_u64(text, len, max, &part) || (*text == '0' && len > 1))
			return false;
		if (!text[len])
			break;
		text += len + 1;
	}
	return n == (max == UINT32_MAX ? 3 : 2);
}

static bool prefix_decode(struct decode *dc, const struct field *f, const struct value *v,
			  struct cidr *ret)
{
	const char *text = decode_text(dc, f, v), *slash;
	char *address;
	struct ip ip;

	if (!text)
		return false;
	if (cidr_parse(text, ret))
		return family_check(dc, f, v, &ret->ip);
	slash = strchr(text, '/');
	address = arena_strn(dc->diags->arena, text, slash ? (size_t)(slash - text) : v->n);
	if (slash && ip_parse(address, &ip))
		decode_error(dc, v, "\"%.20s\" is not a prefix length; IPv%u has 0 to %u",
			     slash + 1, ip.family, ip_bits(&ip));
	else
		address_error(dc, v, address);
	return false;
}

static bool family_check(struct decode *dc, const struct field *f, const struct value *v,
			 const struct ip *ip)
{
	const char *family = f->arg;

	if (!family || *family == '0' + ip->family)
		return true;
	decode_error(dc, v, "%s is IPv%u; IPv%s is needed here", decode_show(dc, v), ip->family,
		     family);
	return false;
}

/* ADDRESS, in V, is none: the nearest reason. */
static void address_error(struct decode *dc, const struct value *v, const char *address)
{
	struct arena *a = dc->diags->arena;
	const char *shown = decode_show(dc, v), *slash = strchr(address, '/'), *why;

	if (slash) {
		decode_error(dc, v, "takes an address without a prefix length: \"%s\", not %s",
			     text_clean(a, address, (size_t)(slash - address), 60), shown);
		return;
	}
	if (strpbrk(address, " \t")) {
		decode_error(dc, v, "%s has a blank in it; write the address alone", shown);
		return;
	}
	if (strchr(address, '%')) {
		decode_error(dc, v, "%s: it takes an address without an interface", shown);
		return;
	}
	why = octet_mistake(address, a);
	if (why)
		decode_error(dc, v, "%s is not an IPv4 address: %s", shown, why);
	else if (strchr(address, ':'))
		decode_error(dc, v, "%s is not an IPv6 address like fd00::1", shown);
	else
		decode_error(dc, v, "%s is not an IP address like 10.0.0.1 or fd00::1", shown);
}

/* What is wrong with something made of digits and dots; NULL when it is not made so. */
static const char *octet_mistake(const char *address, struct arena *a)
{
	unsigned parts = 0;

	if (!*address || strspn(address, "0123456789.") != strlen(address) || !strchr(address, '.'))
		return NULL;
	for (const char *at = address;; parts++) {
		size_t len = strcspn(at, ".");
		uint64_t n;

		if (len > 1 && *at == '0')
			return arena_printf(a,
					    "\"%.*s\" has a leading zero, which some read as "
					    "octal; write \"%s\"",
					    (int)MIN(len, 20), at, without_zeros(address, a));
		if (len && !text_u64(at, len, 255, &n))
			return arena_printf(a, "\"%.*s\" is above 255", (int)MIN(len, 20), at);
		if (!len)
			return "a number is missing between its dots";
		if (!at[len])
			break;
		at += len + 1;
	}
	return parts + 1 == 4 ? NULL :
				arena_printf(a, "it has %u numbers instead of four", parts + 1);
}

/* "010.0.0.01" as "10.0.0.1". */
static const char *without_zeros(const char *address, struct arena *a)
{
	char *copy = arena_str(a, address), *to = copy;

	for (const char *at = address; *at; at++) {
		bool first = to == copy || to[-1] == '.';

		if (!(first && *at == '0' && at[1] && at[1] != '.'))
			*to++ = *at;
	}
	*to = '\0';
	return copy;
}

static void endpoint_error(struct decode *dc, const struct value *v)
{
	const char *text = v->string, *end = text + v->n, *colon = strchr(text, ':'), *port = NULL;
	const char *shown = decode_show(dc, v), *address, *zone;
	struct arena *a = dc->diags->arena;
	uint64_t number;
	struct ip ip;

	if (*text == '[') {
		text++;
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':')) {
			decode_error(dc, v,
				     "%s is not an address with a port; write "
				     "\"[fd00::1]:179\"",
				     shown);
			return;
		}
		port = end[1] ? end + 2 : NULL;
	} else if (colon && !strchr(colon + 1, ':')) {
		end = colon;
		port = colon + 1;
	}
	zone = memchr(text, '%', (size_t)(end - text));
	address = arena_strn(a, text, (size_t)((zone ? zone : end) - text));
	if (!ip_parse(address, &ip))
		address_error(dc, v, address);
	else if (zone && ip.family != 6)
		decode_error(dc, v,
			     "%s: only a link-local IPv6 address takes an interface; "
			     "write \"%s\"",
			     shown, address);
	else if (*v->string == '[' && ip.family != 6)
		decode_error(dc, v, "%s: only an IPv6 address stands in brackets; write \"%s\"",
			     shown, address);
	else if (*v->string == '[' && !port)
		decode_error(dc, v, "%s has brackets but no port; write \"%s\"", shown, address);
	else if (port && !(text_u64(port, strlen(port), 65535, &number) && number))
		decode_error(dc, v, "%s: a port is a number from 1 to 65535", shown);
	else if (zone && memchr(zone, '/', (size_t)(end - zone)))
		decode_error(dc, v, "takes an address without a prefix length, not %s", shown);
	else if (zone)
		decode_error(dc, v, "%s: an interface has 1 to 15 letters, digits, . _ -", shown);
	else
		decode_error(dc, v, "%s is not an IP address, with a port if it is not 179", shown);
}

static bool endpoint_check(struct decode *dc, const struct value *v, const struct endpoint *e)
{
	const char *shown = decode_show(dc, v);
	const char *address = arena_str(dc->diags->arena, ip_text(&e->ip).s);

	if (ip_is_link_local(&e->ip) && !*e->zone)
		decode_error(dc, v, "%s is link-local and needs its interface; write \"%s%%eth0\"",
			     shown, address);
	else if (*e->zone && !ip_is_link_local(&e->ip))
		decode_error(dc, v,
			     "%s: only a link-local address takes an interface; write "
			     "\"%s\"",
			     shown, address);
	else if (!ip_unicast(&e->ip))
		decode_error(dc, v, "%s is not the address of one router; give a unicast address",
			     shown);
	else
		return true;
	return false;
}
