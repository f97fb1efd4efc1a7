/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration side: texts, undo, sessions. What is said about it on the socket is in
 * fake_cli.c.
 */
#include "fake_bird.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "fake_cli.h"

#define CONF_MAX   (1u << 20)
#define COME_UP_MS 1500

static bool read_conf(struct fake *f, const char *path, bool check, char **ret, struct buf *reply);
static const struct fake_refusal *refused(const struct fake *f, const char *text, bool check,
					  unsigned *ret_line);
static void commit(struct fake *f, const char *text);
static void session_take(struct fake *f, struct fake_session *now, struct fake_session *was);
static struct fake_session *parse(const char *text, size_t *ret_n);
static void parse_line(struct fake_session *s, struct buf *block, const char *line, size_t len);
static void sessions_free(struct fake_session *s, size_t n);

void fake_init(struct fake *f, const char *socket, const char *conf)
{
	*f = (struct fake){ .socket = mem_str(socket), .conf = mem_str(conf), .listener = -1 };
	for (size_t i = 0; i < FAKE_CLIENTS; i++)
		f->clients[i].fd = -1;
}

void fake_free(struct fake *f)
{
	fake_die(f);
	while (f->hooks) {
		struct fake_hook *h = f->hooks;

		f->hooks = h->next;
		free(h->command);
		free(h->step);
		free(h);
	}
	fake_accept(f);
	free(f->socket);
	free(f->conf);
}

void fake_accept(struct fake *f)
{
	while (f->refusals) {
		struct fake_refusal *r = f->refusals;

		f->refusals = r->next;
		free(r->pattern);
		free(r->words);
		free(r->file);
		free(r);
	}
}

bool fake_start(struct fake *f)
{
	auto_buf struct buf reply = { 0 };
	auto_free char *text = NULL;

	fake_die(f);
	if (!read_conf(f, f->conf, false, &text, &reply))
		return false;
	f->booted = clock_ms();
	commit(f, text);
	cli_listen(f);
	return true;
}

void fake_die(struct fake *f)
{
	cli_close(f);
	free(f->text);
	free(f->undo);
	free(f->queued);
	f->text = f->undo = f->queued = NULL;
	f->undo_at = f->busy_until = 0;
	f->hangs = f->deaf = false;
	sessions_free(f->sessions, f->n_sessions);
	f->sessions = NULL;
	f->n_sessions = 0;
}

bool fake_alive(const struct fake *f)
{
	return f->listener >= 0;
}

void fake_run(struct fake *f)
{
	int64_t now = clock_ms();

	if (!fake_alive(f))
		return;
	for (size_t i = 0; i < f->n_sessions; i++) {
		struct fake_session *s = &f->sessions[i];

		if (s->state == FAKE_START && s->up_at && now >= s->up_at) {
			fake_session_moved(f, s, true);
		}
	}
	if (f->queued && now >= f->busy_until) {
		auto_free char *text = take(f->queued);

		commit(f, text);
	}
	if (f->undo_at && now >= f->undo_at) {
		auto_free char *text = take(f->undo);

		cli_tell_armed(f, "Config timeout expired, starting undo");
		f->undo_at = 0;
		commit(f, text);
	}
	if (!f->hangs)
		cli_run(f);
}

void fake_wait(struct fake *f, struct poll *p)
{
	if (!fake_alive(f))
		return;
	if (!f->hangs)
		cli_wait(f, p);
	if (f->undo_at)
		poll_at(p, f->undo_at);
	if (f->queued)
		poll_at(p, f->busy_until);
	for (size_t i = 0; i < f->n_sessions; i++)
		if (f->sessions[i].state == FAKE_START && f->sessions[i].up_at)
			poll_at(p, f->sessions[i].up_at);
}

/* As `configure check "PATH"`. */
void fake_check(struct fake *f, const char *path, struct buf *reply)
{
	auto_free char *text = NULL;

	f->checks++;
	buf_printf(reply, "0002-Reading configuration from %s\n", path);
	if (read_conf(f, path, true, &text, reply))
		buf_str(reply, "0020 Configuration OK\n");
}

void fake_configure(struct fake *f, const char *path, int64_t timeout_s, struct buf *reply)
{
	auto_free char *text = NULL;
	bool busy = clock_ms() < f->busy_until;

	f->configures++;
	f->overlapped |= busy;
	buf_printf(reply, "0002-Reading configuration from %s\n", path);
	if (!read_conf(f, path, false, &text, reply)) {
		/* It cancels an undo that was scheduled, and forgets what it would have gone to. */
		free(take(f->undo));
		f->undo_at = 0;
		return;
	}
	if (timeout_s)
		buf_printf(reply, "0022-Undo scheduled in %d s\n", (int)timeout_s);
	f->undo_at = timeout_s ? clock_ms() + timeout_s * 1000 : 0;
	if (busy) {
		free(f->queued);
		f->queued = take(text);
		buf_str(reply, "0005 Reconfiguration already in progress, queueing new config\n");
		return;
	}
	free(f->undo);
	f->undo = f->text ? mem_str(f->text) : NULL;
	commit(f, text);
	if (f->slow_ms) {
		f->busy_until = clock_ms() + f->slow_ms;
		f->slow_ms = 0;
		buf_str(reply, "0004 Reconfiguration in progress\n");
	} else {
		buf_str(reply, "0003 Reconfigured\n");
	}
}

void fake_undo(struct fake *f, struct buf *reply)
{
	auto_free char *text = take(f->undo);

	buf_str(reply, "0021-Undo requested\n");
	f->undo_at = 0;
	if (text)
		commit(f, text);
	buf_str(reply, text ? "0003 Reconfigured\n" : "0019 Nothing to do\n");
}

void fake_confirm(struct fake *f, struct buf *reply)
{
	buf_str(reply, f->undo_at ? "0018 Reconfiguration confirmed\n" : "0019 Nothing to do\n");
	f->undo_at = 0;
}

struct fake_session *fake_find(const struct fake *f, const char *name)
{
	for (size_t i = 0; i < f->n_sessions; i++)
		if (strcmp(f->sessions[i].name, name) == 0)
			return &f->sessions[i];
	return NULL;
}

void fake_session_down(struct fake_session *s, const char *info)
{
	s->state = FAKE_DOWN;
	s->since = clock_ms();
	snprintf(s->info, sizeof s->info, "%s", info);
}

void fake_session_start(const struct fake *f, struct fake_session *s)
{
	s->state = FAKE_START;
	s->since = clock_ms();
	s->up_at = clock_ms() + COME_UP_MS;
	s->waits = false;
	s->failed = clock_ms();
	s->info[0] = '\0';
	for (size_t i = 0; i < f->n_mute; i++)
		if (strcmp(f->mute[i], s->name) == 0)
			s->up_at = 0;
}

void fake_session_moved(struct fake *f, struct fake_session *s, bool up)
{
	bool logs = strstr(f->text, "\ndebug protocols") != NULL;
	char line[128];

	snprintf(line, sizeof line, "%s: State changed to start", s->name);
	if (logs && (!up || s->state == FAKE_UP))
		fake_echo(f, line);
	snprintf(line, sizeof line, "%s: State changed to up", s->name);
	if (logs && up)
		fake_echo(f, line);
	if (!up) {
		fake_session_start(f, s);
		s->up_at = 0;
		return;
	}
	s->state = FAKE_UP;
	s->since = clock_ms();
	s->last_error[0] = '\0';
	s->waits = false;
}

static bool read_conf(struct fake *f, const char *path, bool check, char **ret, struct buf *reply)
{
	auto_arena struct arena a = { 0 };
	const struct fake_refusal *r;
	struct err err = { 0 };
	const char *text;
	unsigned line = 0;
	size_t len;

	text = file_read(path, CONF_MAX, &a, &len, &err);
	if (!text) {
		buf_printf(reply, "8002 %s: No such file or directory\n", path);
		return false;
	}
	r = refused(f, text, check, &line);
	if (r && r->file)
		buf_printf(reply, "8002 %s %s\n", r->file, r->words);
	else if (r)
		buf_printf(reply, "8002 %s:%u:7 %s\n", path, line, r->words);
	else
		*ret = mem_str(text);
	return !r;
}

static const struct fake_refusal *refused(const struct fake *f, const char *text, bool check,
					  unsigned *ret_line)
{
	const struct fake_refusal *first = NULL;
	const char *where = NULL;

	for (const struct fake_refusal *r = f->refusals; r; r = r->next) {
		const char *at = check && r->late ? NULL : strstr(text, r->pattern);

		if (at && (!where || at < where)) {
			where = at;
			first = r;
		}
	}
	*ret_line = 1;
	for (const char *at = text; where && at < where; at++)
		*ret_line += *at == '\n';
	return first;
}

/* TEXT becomes what it runs. */
static void commit(struct fake *f, const char *text)
{
	struct fake_session *was = f->sessions;
	size_t n_was = f->n_sessions;

	free(f->text);
	f->text = mem_str(text);
	f->configured = clock_ms();
	f->sessions = parse(text, &f->n_sessions);
	for (size_t i = 0; i < f->n_sessions; i++) {
		struct fake_session *from = NULL;

		for (size_t j = 0; j < n_was && !from; j++)
			if (strcmp(was[j].name, f->sessions[i].name) == 0)
				from = &was[j];
		session_take(f, &f->sessions[i], from);
	}
	sessions_free(was, n_was);
}

/* What a reconfiguration does to one session (bird2.md 3): one that does not run is started, be it
 * down by a hand or by BIRD itself. */
static void session_take(struct fake *f, struct fake_session *now, struct fake_session *was)
{
	if (was) {
		now->state = was->state;
		now->since = was->since;
		now->up_at = was->up_at;
		now->imported = was->imported;
		memcpy(now->info, was->info, sizeof now->info);
		memcpy(now->last_error, was->last_error, sizeof now->last_error);
		memcpy(now->message, was->message, sizeof now->message);
		now->waits = was->waits;
		now->failed = was->failed;
	}
	if (now->rendered_down) {
		if (!was || was->state != FAKE_DOWN)
			fake_session_down(now, "");
	} else if (!was || was->state == FAKE_DOWN || strcmp(was->block, now->block) != 0) {
		fake_session_start(f, now);
	}
}

static struct fake_session *parse(const char *text, size_t *ret_n)
{
	static const char start[] = "protocol bgp ";
	struct fake_session *all = NULL, *s = NULL;
	auto_buf struct buf block = { 0 };
	const char *stop;
	size_t n = 0;

	for (const char *line = text; *line; line = *stop ? stop + 1 : stop) {
		stop = line + strcspn(line, "\n");
		if (strncmp(line, start, strlen(start)) == 0) {
			const char *name = line + strlen(start);

			all = mem_resize(all, (n + 1) * sizeof *all);
			s = &all[n++];
			*s = (struct fake_session){ 0 };
			snprintf(s->name, sizeof s->name, "%.*s", (int)strcspn(name, " "), name);
			buf_clear(&block);
		}
		if (s)
			parse_line(s, &block, line, (size_t)(stop - line));
		if (s && *line == '}') {
			s->block = mem_str(buf_text(&block));
			s = NULL;
		}
	}
	if (s)
		s->block = mem_str(buf_text(&block));
	*ret_n = n;
	return all;
}

static void parse_line(struct fake_session *s, struct buf *block, const char *line, size_t len)
{
	static const char description[] = "\tdescription \"", disabled[] = "\tdisabled;",
			  neighbor[] = "\tneighbor ";

	if (len > strlen(description) + 2 && strncmp(line, description, strlen(description)) == 0) {
		free(s->description);
		s->description = strndup(line + strlen(description), len - strlen(description) - 2);
	} else if (strncmp(line, disabled, strlen(disabled)) == 0) {
		s->rendered_down = true;
	} else {
		if (strncmp(line, neighbor, strlen(neighbor)) == 0)
			snprintf(s->neighbor, sizeof s->neighbor, "%.*s",
				 (int)(len - strlen(neighbor) - 1), line + strlen(neighbor));
		buf_add(block, line, len);
		buf_char(block, '\n');
	}
}

static void sessions_free(struct fake_session *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(s[i].block);
		free(s[i].description);
	}
	free(s);
}
