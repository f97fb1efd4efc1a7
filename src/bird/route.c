/* SPDX-License-Identifier: Apache-2.0 */
#include "bird/route.h"

#include "base/text.h"

enum { CODE_ROUTE = 1007, CODE_ATTRIBUTE = 1012 };

static bool heading_parse(const char *line, struct cidr *net, struct arena *a,
			  struct bird_route *ret);
static bool next_hop_parse(const char *line, struct ip *ret);
static bool number_next(const char **at, uint64_t *ret);

struct bird_route *route_parse(const struct reply *r, struct arena *a, size_t *ret_n)
{
	struct bird_route *routes = NULL, one;
	struct cidr net = { 0 };

	*ret_n = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct reply_line *l = &r->lines[i];

		if (l->code == CODE_ROUTE && heading_parse(l->text, &net, a, &one))
			*arena_push(a, routes, *ret_n) = one;
		else if (l->code == CODE_ATTRIBUTE && *ret_n)
			next_hop_parse(l->text, &routes[*ret_n - 1].next_hop);
	}
	return routes;
}

bool route_count_parse(const struct reply *r, uint64_t *ret_matched, uint64_t *ret_all)
{
	bool found = false;

	*ret_matched = *ret_all = 0;
	for (size_t i = 0; i < r->n; i++) {
		const char *at = r->lines[i].text;
		uint64_t matched, all;

		/* With two tables a total follows, with one it does not. */
		if (r->lines[i].code != CODE_ROUTE || !number_next(&at, &matched) ||
		    strncmp(at, " of ", 4) != 0)
			continue;
		at += 4;
		if (!number_next(&at, &all) || strncmp(at, " routes for ", 12) != 0)
			continue;
		*ret_matched += matched;
		*ret_all += all;
		found = true;
	}
	return found;
}

/* "10.9.0.0/16   unreachable [peer_10_1_0_1 19:14:05.220 from 10.1.0.1] * (100) [i]"; the second of
 * a network has blanks for it, which is NET. "via 10.1.0.1 on eth0" and "Table master4:" are none. */
static bool heading_parse(const char *line, struct cidr *net, struct arena *a,
			  struct bird_route *ret)
{
	const char *at = line + strspn(line, " "), *bracket = strchr(at, '['), *name;
	size_t len = strcspn(at, " ");
	struct cidr own;
	const char *type;

	if (!bracket)
		return false;
	if (cidr_parse(arena_strn(a, at, len), &own)) {
		*net = own;
		at += len;
		at += strspn(at, " ");
	}
	type = at;
	if (type + strcspn(type, " ") + 1 != bracket || !ip_is_set(&net->ip))
		return false;
	name = bracket + 1;
	*ret = (struct bird_route){
		.net = *net,
		.protocol = arena_strn(a, name, strcspn(name, " ]")),
		.unreachable = strncmp(type, "unreachable ", 12) == 0,
	};
	return true;
}

/* "BGP.next_hop: 10.1.0.1" of BIRD 2, "bgp_next_hop: 10.1.0.1" of 3; IPv6 may have a second. */
static bool next_hop_parse(const char *line, struct ip *ret)
{
	static const char *const names[] = { "BGP.next_hop: ", "bgp_next_hop: " };
	const char *at = line + strspn(line, " ");

	for (size_t i = 0; i < lengthof(names); i++) {
		char text[64];
		size_t len;

		if (strncmp(at, names[i], strlen(names[i])) != 0)
			continue;
		at += strlen(names[i]);
		len = strcspn(at, " ");
		if (len >= sizeof text)
			return false;
		memcpy(text, at, len);
		text[len] = '\0';
		return ip_parse(text, ret);
	}
	return false;
}

static bool number_next(const char **at, uint64_t *ret)
{
	const char *text = *at + strspn(*at, " ");
	size_t len = strspn(text, "0123456789");

	*at = text + len;
	return text_u64(text, len, UINT32_MAX, ret);
}
