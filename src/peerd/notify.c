/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be said is compared with what was said, so a message that does not get through (the
 * service manager is busy, and its queue full) is just said again later. Nothing here waits.
 */
#include "peerd/notify.h"

#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"

#define AGAIN_MS 1000

static bool address(const char *name, struct notify *n);
static int64_t watchdog(const char *usec, const char *pid);
static bool tell(const struct notify *n, const char *text);

void notify_open(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*n = (struct notify){ .fd = -1 };
	if (name && address(name, n)) {
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		n->beat_ms = watchdog(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
		n->beat_at = clock_ms();
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *n)
{
	base_close(&n->fd);
	n->fd = -1;
}

void notify_run(struct notify *n, const char *status)
{
	auto_arena struct arena a = { 0 };
	const char *clean = text_clean(&a, status, strlen(status), NOTIFY_STATUS_MAX);
	bool changed = strcmp(clean, n->status) != 0;
	int64_t now = clock_ms();

	if (n->fd < 0)
		return;
	if ((changed || !n->ready) && now >= n->again_at) {
		const char *text = arena_printf(&a, "%s%s%s", n->ready ? "" : "READY=1\n",
						changed ? "STATUS=" : "", changed ? clean : "");

		n->again_at = tell(n, text) ? 0 : now + AGAIN_MS;
		if (!n->again_at) {
			n->ready = true;
			snprintf(n->status, sizeof n->status, "%s", clean);
		}
	}
	if (n->beat_ms && now >= n->beat_at)
		n->beat_at = now + (tell(n, "WATCHDOG=1") ? n->beat_ms : MIN(n->beat_ms, AGAIN_MS));
}

void notify_wait(const struct notify *n, struct poll *p)
{
	if (n->fd < 0)
		return;
	if (n->again_at)
		poll_at(p, n->again_at);
	if (n->beat_ms)
		poll_at(p, n->beat_at);
}

void notify_reloading(struct notify *n)
{
	char text[80];
	struct timespec t;

	/* Not clock_ms(): whoever sent the signal compares it with the microsecond of that. */
	clock_gettime(CLOCK_MONOTONIC, &t);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
	if (tell(n, text))
		n->ready = false;
}

void notify_stopping(struct notify *n)
{
	tell(n, "STOPPING=1");
}

/* A path, or "@" and a name that is in no folder (unix(7), abstract). */
static bool address(const char *name, struct notify *n)
{
	size_t len = strlen(name);

	if ((*name != '/' && *name != '@') || len < 2 || len >= sizeof n->to.sun_path)
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, name, len);
	if (*name == '@')
		n->to.sun_path[0] = '\0';
	/* The NUL behind a path counts; an abstract name would be another one with it. */
	n->to_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*name == '/'));
	return true;
}

/* Twice as often as it is asked for, in milliseconds; 0: not at all. */
static int64_t watchdog(const char *usec, const char *pid)
{
	uint64_t interval, who;

	if (!usec || !text_u64(usec, strlen(usec), INT64_MAX, &interval) || !interval)
		return 0;
	if (pid && (!text_u64(pid, strlen(pid), INT32_MAX, &who) || (pid_t)who != getpid()))
		return 0;
	return MAX((int64_t)(interval / 2000), 1);
}

static bool tell(const struct notify *n, const char *text)
{
	return n->fd >= 0 && sendto(n->fd, text, strlen(text), MSG_NOSIGNAL,
				    (const struct sockaddr *)&n->to, n->to_size) >= 0;
}
