/* SPDX-License-Identifier: Apache-2.0 */
#include "store/channel.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/resolve.h"

struct channel {
	struct channel_endpoint to;
	struct tls *tls;
	int64_t deadline, share_by; /* of all; of this address */
	enum { RESOLVING, NEXT, CONNECTING, SHAKING, READY, FAILED } stage;
	struct resolve *resolve;
	const struct resolve_address *addresses;
	size_t n, tried;
	int fd;
	struct tls_stream *stream;
	short read_events, write_events;
	bool more;	/* TLS may hold bytes that the socket no longer has */
	struct err err; /* before FAILED: why an address did not do */
};

static bool channel_step(struct channel *c);
static void channel_resolved(struct channel *c);
static void channel_next(struct channel *c);
static bool channel_connect(struct channel *c);
static bool channel_shake(struct channel *c);
static bool channel_waited(struct channel *c, const char *words);
static void channel_lost(struct channel *c, const struct err *why);
static void channel_drop(struct channel *c);
static void channel_fail(struct channel *c);

struct channel *channel_open(const struct channel_endpoint *to, struct tls *tls, int64_t deadline)
{
	struct channel *c = mem_alloc(sizeof *c);

	c->to = *to;
	c->tls = tls;
	c->deadline = deadline;
	c->fd = -1;
	c->resolve = resolve_host(to->host, to->port, MAX(deadline - clock_ms(), 0));
	return c;
}

void channel_close(struct channel *c)
{
	if (!c)
		return;
	channel_drop(c);
	resolve_close(c->resolve);
	free(c);
}

void channel_run(struct channel *c)
{
	do
		while (channel_step(c))
			;
	while (c->tls && tls_prepare(c->tls));
	if (!c->tls || !tls_err(c->tls))
		return;
	channel_drop(c); /* our own certificate or key is wrong, so no other address would do */
	c->err = *tls_err(c->tls);
	c->stage = FAILED;
}

void channel_wait(const struct channel *c, struct poll *p, bool write)
{
	switch (c->stage) {
	case RESOLVING:
		resolve_wait(c->resolve, p);
		return;
	case CONNECTING:
	case SHAKING:
		poll_fd(p, c->fd, c->stage == CONNECTING ? POLLOUT : c->read_events);
		poll_at(p, c->share_by);
		return;
	case READY:
		poll_fd(p, c->fd, (short)(c->read_events | (write ? c->write_events : 0)));
		if (c->more)
			poll_now(p);
		return;
	case NEXT:
	case FAILED:
		return;
	}
}

bool channel_ready(const struct channel *c)
{
	return c->stage == READY;
}

const struct err *channel_err(const struct channel *c)
{
	return c->stage == FAILED ? &c->err : NULL;
}

size_t channel_read(struct channel *c, void *into, size_t size)
{
	enum tls_step step = TLS_DONE;
	size_t got = 0;
	ssize_t n;

	if (c->stage != READY || !size)
		return 0;
	c->read_events = POLLIN;
	if (c->stream) {
		step = tls_read(c->stream, into, size, &got, &c->read_events, &c->err);
		c->more = step == TLS_DONE;
	} else {
		do
			n = recv(c->fd, into, size, MSG_DONTWAIT);
		while (n < 0 && errno == EINTR);
		if (n > 0)
			got = (size_t)n;
		else if (n == 0 || errno == ECONNRESET)
			step = TLS_ENDED;
		else if (errno != EAGAIN)
			step = TLS_FAILED, err_set(&c->err, ERR_AWAY, "%s", strerror(errno));
	}
	if (step == TLS_ENDED)
		err_set(&c->err, ERR_AWAY, "the server closed the connection");
	if (step == TLS_ENDED || step == TLS_FAILED)
		channel_fail(c);
	return step == TLS_DONE ? got : 0;
}

size_t channel_write(struct channel *c, const void *from, size_t size)
{
	enum tls_step step;
	size_t put = 0;
	ssize_t n;

	if (c->stage != READY || !size)
		return 0;
	c->write_events = POLLOUT;
	if (c->stream) {
		step = tls_write(c->stream, from, size, &put, &c->write_events, &c->err);
		if (step == TLS_ENDED)
			return size;
		if (step == TLS_FAILED)
			channel_fail(c);
		return step == TLS_DONE ? put : 0;
	}
	do
		n = send(c->fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return (size_t)n;
	if (errno == EPIPE || errno == ECONNRESET)
		return size;
	if (errno != EAGAIN) {
		err_set(&c->err, ERR_AWAY, "%s", strerror(errno));
		channel_fail(c);
	}
	return 0;
}

/* Goes one stage on; false when there is nothing to do but to wait. */
static bool channel_step(struct channel *c)
{
	switch (c->stage) {
	case RESOLVING:
		if (!resolve_run(c->resolve))
			return false;
		channel_resolved(c);
		return true;
	case NEXT:
		channel_next(c);
		return true;
	case CONNECTING:
		return channel_connect(c);
	case SHAKING:
		return channel_shake(c);
	case READY:
	case FAILED:
		return false;
	}
	return false;
}

/* "Not found" is for resources; a name that does not exist is a store that is away. */
static void channel_resolved(struct channel *c)
{
	if (resolve_addresses(c->resolve, &c->addresses, &c->n, &c->err)) {
		c->stage = NEXT;
		return;
	}
	if (c->err.kind == ERR_NOT_FOUND)
		c->err.kind = ERR_AWAY;
	channel_fail(c);
}

/* The next address, with its share of the time that is left. */
static void channel_next(struct channel *c)
{
	const int64_t now = clock_ms();
	const struct resolve_address *address = &c->addresses[c->tried];
	struct err why = { 0 };

	if (c->tried == c->n) {
		channel_fail(c);
		return;
	}
	c->share_by = now + (c->deadline - now) / (int64_t)(c->n - c->tried);
	c->tried++;
	c->fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		err_set(&why, ERR_AWAY, "%s", strerror(errno));
		channel_lost(c, &why);
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	c->stage = CONNECTING;
}

/* The first call starts it, the ones after tell how it goes. */
static bool channel_connect(struct channel *c)
{
	const struct resolve_address *address = &c->addresses[c->tried - 1];
	struct err why = { 0 };

	if (connect(c->fd, (const struct sockaddr *)&address->at, address->size) == 0 ||
	    errno == EISCONN) {
		c->stream = c->tls ? tls_stream_open(c->tls, c->fd, c->to.host) : NULL;
		if (c->tls && !c->stream)
			return false; /* it is still to be prepared */
		c->read_events = POLLIN;
		c->write_events = POLLOUT;
		c->stage = c->stream ? SHAKING : READY;
		return true;
	}
	if (errno == EINPROGRESS || errno == EALREADY || errno == EINTR)
		return channel_waited(c, "no answer to the attempt to connect");
	err_set(&why, ERR_AWAY, "%s", strerror(errno));
	channel_lost(c, &why);
	return true;
}

static bool channel_shake(struct channel *c)
{
	struct err why = { 0 };

	switch (tls_handshake(c->stream, &c->read_events, &why)) {
	case TLS_DONE:
		c->read_events = POLLIN;
		c->more = true;
		c->stage = READY;
		return true;
	case TLS_AGAIN:
		return channel_waited(c, "it takes the connection, but does not answer to TLS");
	default:
		channel_lost(c, &why);
		return true;
	}
}

/* True, with the address given up, when its time is over. */
static bool channel_waited(struct channel *c, const char *words)
{
	struct err why = { 0 };

	if (clock_ms() < c->share_by)
		return false;
	err_set(&why, ERR_TIMEOUT, "%s", words);
	channel_lost(c, &why);
	return true;
}

/* This address cannot be used. When all have failed the reason of the last one is told, except where one
 * had a wrong certificate: that is told instead, because somebody must mend it, while a name may well have
 * an address at which nothing is expected to answer. */
static void channel_lost(struct channel *c, const struct err *why)
{
	const struct resolve_address *address = &c->addresses[c->tried - 1];
	char text[NI_MAXHOST];

	channel_drop(c);
	c->stage = NEXT;
	if (c->err.kind == ERR_REFUSED && why->kind != ERR_REFUSED)
		return;
	c->err = *why;
	if (getnameinfo((const struct sockaddr *)&address->at, address->size, text, sizeof text,
			NULL, 0, NI_NUMERICHOST) == 0 &&
	    !str_eq(text, c->to.host))
		err_wrap(&c->err, "%s", text);
}

static void channel_drop(struct channel *c)
{
	tls_stream_close(take(c->stream));
	if (c->fd >= 0)
		close(take_fd(&c->fd));
}

static void channel_fail(struct channel *c)
{
	channel_drop(c);
	err_wrap(&c->err, "%s", c->to.text);
	c->stage = FAILED;
}
