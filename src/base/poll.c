/* SPDX-License-Identifier: Apache-2.0 */
#include "base/poll.h"

#include <errno.h>
#include <limits.h>

#include "base/clock.h"

void poll_fd(struct poll *p, int fd, short events)
{
	if (fd < 0)
		return;
	for (size_t i = 0; i < p->n; i++)
		if (p->fds[i].fd == fd) {
			p->fds[i].events |= events;
			return;
		}
	if (p->n == POLL_MAX)
		abort(); /* a constant number of parts wait here */
	p->fds[p->n++] = (struct pollfd){ .fd = fd, .events = events };
}

void poll_at(struct poll *p, int64_t deadline)
{
	if (!p->timed || deadline < p->deadline)
		p->deadline = deadline;
	p->timed = true;
}

void poll_now(struct poll *p)
{
	poll_at(p, clock_ms());
}

void poll_block(struct poll *p)
{
	int timeout = -1;

	if (p->timed) {
		int64_t left = p->deadline - clock_ms();

		timeout = left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
	}
	if (poll(p->fds, p->n, timeout) < 0 && errno != EINTR)
		abort();
}
