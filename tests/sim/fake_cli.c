/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands in, answers out, in the words of 2.0.12 (tests/unit/data/bird-2.0.12). A hook of the
 * script can stand before, behind or in place of any command of the control connection, which is
 * the one that is not restricted.
 */
#include "fake_cli.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"

#define ZONE_S (2 * 3600) /* BIRD writes times in its own time zone */

static void client_open(struct fake *f, int fd);
static void client_close(struct fake_client *c);
static void client_run(struct fake *f, struct fake_client *c);
static void client_leave(struct fake_client *c);
static void client_send(struct fake_client *c);
static void command_run(struct fake *f, struct fake_client *c, const char *command);
static void answer(struct fake *f, struct fake_client *c, const char *command);
static void answer_configure(struct fake *f, struct fake_client *c, const char *args);
static void say_status(const struct fake *f, struct buf *out);
static void say_configure_status(const struct fake *f, struct buf *out);
static void say_id(const struct fake *f, struct buf *out);
static void say_sessions(const struct fake *f, bool all, struct buf *out);
static void say_details(const struct fake_session *s, struct buf *out);
static const char *bgp_state(const struct fake_session *s);
static void say_time(int64_t ms, struct buf *out);
static struct fake_hook *hook_take(struct fake *f, const char *command, int when);
static void hook_free(struct fake_hook *h);

void cli_listen(struct fake *f)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof at.sun_path, "%s", f->socket);
	unlink(f->socket);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->listener < 0 || bind(f->listener, (struct sockaddr *)&at, sizeof at) < 0 ||
	    listen(f->listener, 8) < 0)
		abort();
}

void cli_close(struct fake *f)
{
	for (size_t i = 0; i < FAKE_CLIENTS; i++)
		client_close(&f->clients[i]);
	base_close(&f->listener);
	f->listener = -1;
}

void cli_run(struct fake *f)
{
	int fd;

	while (fake_alive(f) &&
	       (fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		client_open(f, fd);
	for (size_t i = 0; i < FAKE_CLIENTS && !f->hangs; i++)
		if (f->clients[i].fd >= 0 && f->deaf)
			client_leave(&f->clients[i]);
		else if (f->clients[i].fd >= 0)
			client_run(f, &f->clients[i]);
}

void cli_wait(struct fake *f, struct poll *p)
{
	poll_fd(p, f->listener, POLLIN);
	for (size_t i = 0; i < FAKE_CLIENTS; i++)
		poll_fd(p, f->clients[i].fd,
			(short)((f->deaf ? POLLRDHUP : POLLIN) |
				(f->clients[i].out.len ? POLLOUT : 0)));
}

void cli_tell_armed(struct fake *f, const char *line)
{
	for (size_t i = 0; i < FAKE_CLIENTS; i++)
		if (f->clients[i].fd >= 0 && f->clients[i].armed) {
			buf_printf(&f->clients[i].out, "+%s\n", line);
			f->clients[i].armed = false;
			client_send(&f->clients[i]);
		}
}

void fake_echo(struct fake *f, const char *line)
{
	for (size_t i = 0; i < FAKE_CLIENTS; i++)
		if (f->clients[i].fd >= 0 && f->clients[i].echo) {
			buf_printf(&f->clients[i].out, "+%s\n", line);
			client_send(&f->clients[i]);
		}
}

static void client_open(struct fake *f, int fd)
{
	for (size_t i = 0; i < FAKE_CLIENTS; i++)
		if (f->clients[i].fd < 0) {
			f->clients[i] = (struct fake_client){ .fd = fd };
			buf_str(&f->clients[i].out, "0001 BIRD 2.0.12 ready.\n");
			client_send(&f->clients[i]);
			return;
		}
	abort(); /* the agent has two connections */
}

static void client_close(struct fake_client *c)
{
	base_close(&c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	*c = (struct fake_client){ .fd = -1 };
}

static void client_run(struct fake *f, struct fake_client *c)
{
	char bytes[4096], *newline;
	ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		client_close(c);
		return;
	}
	if (n > 0)
		buf_add(&c->in, bytes, (size_t)n);
	while (c->in.len && (newline = memchr(c->in.at, '\n', c->in.len))) {
		size_t len = (size_t)(newline - c->in.at);
		auto_free char *command = strndup(c->in.at, len);

		memmove(c->in.at, newline + 1, c->in.len - len - 1);
		c->in.len -= len + 1;
		command_run(f, c, command);
		if (f->hangs)
			return;
	}
	client_send(c);
}

/* Nothing is read any more: has it gone? */
static void client_leave(struct fake_client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	if (poll(&p, 1, 0) > 0)
		client_close(c);
}

static void client_send(struct fake_client *c)
{
	while (c->fd >= 0 && c->out.len) {
		ssize_t n = send(c->fd, c->out.at, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n <= 0)
			return;
		memmove(c->out.at, c->out.at + n, c->out.len - (size_t)n);
		c->out.len -= (size_t)n;
	}
}

/* With the script's hooks around it. */
static void command_run(struct fake *f, struct fake_client *c, const char *command)
{
	struct fake_hook *h;

	f->questions++;
	if (!c->restricted && (h = hook_take(f, command, HOOK_BEFORE))) {
		f->step(f->ctx, h->step);
		hook_free(h);
		if (c->fd < 0 || f->hangs)
			return;
	}
	if (!c->restricted && (h = hook_take(f, command, HOOK_INSTEAD))) {
		buf_printf(&c->out, "%s\n", h->step);
		hook_free(h);
		return;
	}
	answer(f, c, command);
	if (!c->restricted && (h = hook_take(f, command, HOOK_AFTER))) {
		f->step(f->ctx, h->step);
		hook_free(h);
		if (f->hangs)
			buf_clear(&c->out);
	}
}

static void answer(struct fake *f, struct fake_client *c, const char *command)
{
	if (strcmp(command, "restrict") == 0) {
		c->restricted = true;
		buf_str(&c->out, "0016 Access restricted\n");
	} else if (strncmp(command, "echo all", 8) == 0) {
		c->echo = true;
		buf_str(&c->out, "0000 \n");
	} else if (strcmp(command, "show status") == 0) {
		say_status(f, &c->out);
	} else if (strcmp(command, "eval conf_id") == 0) {
		say_id(f, &c->out);
	} else if (strcmp(command, "configure status") == 0) {
		say_configure_status(f, &c->out);
	} else if (strcmp(command, "show protocols \"peer_*\"") == 0) {
		say_sessions(f, false, &c->out);
	} else if (strcmp(command, "show protocols all \"peer_*\"") == 0) {
		say_sessions(f, true, &c->out);
	} else if (fake_routes(f, command, &c->out)) {
		; /* said */
	} else if (strncmp(command, "configure ", 10) == 0 && c->restricted) {
		buf_str(&c->out, "8007 Access denied\n");
	} else if (strncmp(command, "configure ", 10) == 0) {
		answer_configure(f, c, command + 10);
	} else {
		buf_str(&c->out, "9001 syntax error, unexpected CF_SYM_UNDEFINED\n");
	}
}

static void answer_configure(struct fake *f, struct fake_client *c, const char *args)
{
	char path[256] = "";
	int timeout = 0;

	if (strcmp(args, "confirm") == 0) {
		fake_confirm(f, &c->out);
	} else if (strcmp(args, "undo") == 0) {
		fake_undo(f, &c->out);
	} else if (sscanf(args, "check \"%255[^\"]\"", path) == 1) {
		fake_check(f, path, &c->out);
	} else if (sscanf(args, "\"%255[^\"]\" timeout %d", path, &timeout) >= 1) {
		c->armed = timeout > 0;
		fake_configure(f, path, timeout, &c->out);
	} else {
		buf_str(&c->out, "9001 syntax error, unexpected CF_SYM_UNDEFINED\n");
	}
}

static void say_status(const struct fake *f, struct buf *out)
{
	const char *id = f->text ? strstr(f->text, "router id ") : NULL;

	buf_str(out, "1000-BIRD 2.0.12\n1011-Router ID is ");
	if (id)
		buf_add(out, id + 10, strcspn(id + 10, ";"));
	buf_str(out, "\n Hostname is fake\n Current server time is ");
	say_time(clock_ms(), out);
	buf_str(out, "\n Last reboot on ");
	say_time(f->booted, out);
	buf_str(out, "\n Last reconfiguration on ");
	say_time(f->configured, out);
	buf_str(out, clock_ms() < f->busy_until ? "\n0013 Reconfiguration in progress\n" :
						  "\n0013 Daemon is up and running\n");
}

static void say_configure_status(const struct fake *f, struct buf *out)
{
	buf_str(out, f->queued ? "0005-Reconfiguration in progress, next one enqueued\n" :
		     clock_ms() < f->busy_until ? "0004-Reconfiguration in progress\n" :
						  "0003-Daemon is up and running\n");
	if (f->undo_at) {
		int64_t left = f->undo_at - clock_ms();

		buf_printf(out, "0022-Configuration unconfirmed, undo in %d.%03d s\n",
			   (int)(left / 1000), (int)(left % 1000));
	}
	buf_str(out, "0000 \n");
}

static void say_id(const struct fake *f, struct buf *out)
{
	static const char line[] = "\ndefine conf_id = \"";
	const char *at = f->text ? strstr(f->text, line) : NULL;

	if (!at) {
		buf_str(out, "9001 syntax error, unexpected CF_SYM_UNDEFINED\n");
		return;
	}
	at += strlen(line);
	buf_printf(out, "0023 %.*s\n", (int)strcspn(at, "\""), at);
}

static void say_sessions(const struct fake *f, bool all, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < f->n_sessions; i++) {
		const struct fake_session *s = &f->sessions[i];

		if (strncmp(s->name, "peer_", 5) != 0)
			continue;
		if (!any)
			buf_str(out, "2002-Name       Proto      Table      State  Since         "
				     "Info\n");
		buf_str(out, any && !all ? " " : "1002-");
		buf_printf(out, "%-10s BGP        ---        %-6s ", s->name,
			   s->state == FAKE_UP	 ? "up" :
			   s->state == FAKE_DOWN ? "down" :
						   "start");
		say_time(s->since, out);
		if (s->state == FAKE_DOWN)
			buf_printf(out, "  %s\n", s->info);
		else
			buf_printf(out, "  %-13s %s\n", bgp_state(s), s->last_error);
		if (all)
			say_details(s, out);
		any = true;
	}
	buf_str(out, any ? "0000 \n" : "8003 No protocols match\n");
}

static void say_details(const struct fake_session *s, struct buf *out)
{
	const char *as = strstr(s->neighbor, " as ");

	if (s->description)
		buf_printf(out, "1006-  Description:    %s\n   BGP state:          %s\n",
			   s->description, bgp_state(s));
	else
		buf_printf(out, "1006-  BGP state:          %s\n", bgp_state(s));
	buf_printf(out, "     Neighbor address: %.*s\n", (int)strcspn(s->neighbor, " "),
		   s->neighbor);
	buf_printf(out, "     Neighbor AS:      %s\n", as ? as + 4 : "0");
	buf_str(out, "     Local AS:         64512\n");
	if (s->message[0])
		buf_printf(out, "     Message:          %s\n", s->message);
	if (strcmp(bgp_state(s), "Active") == 0 && clock_ms() < s->failed + 5000) {
		int64_t left = s->failed + 5000 - clock_ms();

		buf_printf(out, "     Connect delay:    %d.%03d/5\n", (int)(left / 1000),
			   (int)(left % 1000));
	}
	if (s->last_error[0])
		buf_printf(out, "     Last error:       %s\n", s->last_error);
	buf_printf(out, "   Channel ipv4\n     State:          %s\n     Table:          master4\n",
		   s->state == FAKE_UP ? "UP" : "DOWN");
	if (s->state == FAKE_UP)
		buf_printf(out, "     Routes:         %u imported, 1 exported, %u preferred\n",
			   s->imported, s->imported);
	buf_str(out, " \n");
}

static const char *bgp_state(const struct fake_session *s)
{
	return s->state == FAKE_UP   ? "Established" :
	       s->state == FAKE_DOWN ? "Down" :
	       s->waits || !s->last_error[0] ? "Connect" :
					       "Active";
}

/* A point of the forward clock as wall time, as BIRD does it: by how long ago it was. */
static void say_time(int64_t ms, struct buf *out)
{
	int64_t real = clock_wall() * 1000 + clock_ms() % 1000 - (clock_ms() - ms);
	time_t t = (time_t)(real / 1000 + ZONE_S);
	char text[32];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	buf_printf(out, "%s.%03d", text, (int)(real % 1000));
}

static struct fake_hook *hook_take(struct fake *f, const char *command, int when)
{
	for (struct fake_hook **at = &f->hooks, *h; (h = *at); at = &h->next)
		if ((int)h->when == when && strncmp(command, h->command, strlen(h->command)) == 0) {
			*at = h->next;
			return h;
		}
	return NULL;
}

static void hook_free(struct fake_hook *h)
{
	free(h->command);
	free(h->step);
	free(h);
}
