/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sources.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"

static bool is_local(const struct ip *ip);

bool sources_see(struct sources *s, const struct ip *addresses, size_t n)
{
	struct sources next = { .n = MIN(n, lengthof(next.items)) };
	bool same;

	for (size_t i = 0; i < next.n; i++) {
		struct source *at = &next.items[i];
		bool here = is_local(&addresses[i]), settled;

		*at = (struct source){ addresses[i], here, !here, clock_ms() };
		for (size_t j = 0; j < s->n; j++) {
			if (!ip_eq(&s->items[j].ip, &addresses[i]))
				continue;
			*at = s->items[j];
			if (at->here != here)
				at->changed = clock_ms();
			at->here = here;
			settled = clock_ms() >= at->changed + SOURCES_PATIENCE_MS;
			at->missing = !here && (at->missing || settled);
		}
		if (at->missing)
			next.missing[next.n_missing++] = at->ip;
	}
	same = next.n_missing == s->n_missing;
	for (size_t i = 0; same && i < next.n_missing; i++)
		same = ip_eq(&next.missing[i], &s->missing[i]);
	*s = next;
	return !same;
}

bool sources_again(struct sources *s)
{
	const struct ip addresses[] = { s->items[0].ip, s->items[1].ip };

	return sources_see(s, addresses, s->n);
}

/* Where the kernel cannot be asked (no IPv6, no descriptor) nothing is known against it. */
static bool is_local(const struct ip *ip)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at = { 0 };
	socklen_t len = ip->family == 6 ? sizeof at.v6 : sizeof at.v4;
	auto_close int fd =
		socket(ip->family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ip->family == 6) {
		at.v6.sin6_family = AF_INET6;
		memcpy(&at.v6.sin6_addr, ip->bytes, sizeof at.v6.sin6_addr);
	} else {
		at.v4.sin_family = AF_INET;
		memcpy(&at.v4.sin_addr, ip->bytes, sizeof at.v4.sin_addr);
	}
	if (fd < 0)
		return true;
	if (bind(fd, &at.any, len) < 0)
		return errno != EADDRNOTAVAIL;
	if (getsockname(fd, &at.any, &len) < 0)
		return true;
	/* A network's own address and its broadcast can be bound to, but not be sent to just so. */
	return connect(fd, &at.any, len) == 0 || errno != EACCES;
}
