/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two small machines. The connection is away, greeting or ready; the question is none, asked,
 * answered or lost, and its end is told once. Whatever is not as it should be (a deadline, a line
 * nobody asked for, too much of anything) closes the connection: with a new one, answers and
 * questions surely belong together again.
 */
#include "bird/bird.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#define ASIDES	    2048 /* what BIRD says when a thousand sessions go at once */
#define ASIDE_MAX   4096 /* bytes of one */
#define GREETING_MS 5000
#define BACKOFF_MIN 100
#define BACKOFF_MAX 5000
#define READ_SIZE   (16u << 10)
#define READ_TURNS  256 /* reads per run, so that a flood does not keep the others waiting */

enum { CODE_WELCOME = 1 };

struct bird {
	char *path;
	int fd;
	enum { AWAY, GREETING, READY } stage;
	enum { NONE, ASKED, ANSWERED, LOST } question;
	int64_t retry_at;    /* AWAY */
	int64_t greeting_by; /* GREETING */
	int64_t answer_by;   /* ASKED */
	size_t max_lines;    /* ASKED; 0: all */
	int64_t backoff;
	bool listens; /* the last connection was taken, or could not be for other reasons */
	unsigned connection;
	struct err trouble;
	struct reply greeting, answer;
	char *version;
	struct buf in, out;
	size_t sent;	      /* of out */
	char *asides[ASIDES]; /* a ring */
	char *told;	      /* the last one that was given out */
	unsigned first, n, overrun;
};

static void bird_connect(struct bird *b);
static void bird_drop(struct bird *b, const char *format, ...) printf_like(2, 3);
static void bird_send(struct bird *b);
static void bird_read(struct bird *b);
static void bird_lines(struct bird *b, size_t old);
static void bird_line(struct bird *b, const char *line, size_t len);
static void bird_greeted(struct bird *b);
static bool is_loss(const char *line, size_t len);
static void aside_keep(struct bird *b, const char *line, size_t len);

struct bird *bird_open(const char *socket_path)
{
	struct bird *b = mem_alloc(sizeof *b);

	b->path = mem_str(socket_path);
	b->fd = -1;
	b->backoff = BACKOFF_MIN;
	b->retry_at = clock_ms();
	return b;
}

void bird_close(struct bird *b)
{
	if (!b)
		return;
	base_close(&b->fd);
	reply_clear(&b->greeting);
	reply_clear(&b->answer);
	buf_free(&b->in);
	buf_free(&b->out);
	for (size_t i = 0; i < ASIDES; i++)
		free(b->asides[i]);
	free(b->told);
	free(b->version);
	free(b->path);
	free(b);
}

/* Deadlines come after reading: an answer that waits in the socket of an agent that was held up is
 * in time. */
void bird_run(struct bird *b)
{
	if (b->stage == AWAY && clock_ms() >= b->retry_at)
		bird_connect(b);
	if (b->stage != AWAY)
		bird_send(b);
	if (b->stage != AWAY)
		bird_read(b);
	if (b->stage == GREETING && clock_ms() >= b->greeting_by)
		bird_drop(b, "it took the connection, but does not greet: BIRD may hang");
	if (b->question == ASKED && clock_ms() >= b->answer_by)
		bird_drop(b, "no answer in time: BIRD may hang");
}

void bird_wait(struct bird *b, struct poll *p)
{
	poll_fd(p, b->fd, (short)(POLLIN | (b->sent < b->out.len ? POLLOUT : 0)));
	if (b->stage == AWAY)
		poll_at(p, b->retry_at);
	if (b->stage == GREETING)
		poll_at(p, b->greeting_by);
	if (b->question == ASKED)
		poll_at(p, b->answer_by);
}

bool bird_knock(struct bird *b)
{
	if (b->stage == AWAY && !b->listens)
		bird_connect(b);
	return b->stage != AWAY;
}

bool bird_connected(const struct bird *b)
{
	return b->stage == READY;
}

unsigned bird_connection(const struct bird *b)
{
	return b->connection;
}

const char *bird_version(const struct bird *b)
{
	return b->version;
}

const char *bird_trouble(const struct bird *b)
{
	return b->stage == READY || !b->trouble.words[0] ? NULL : b->trouble.words;
}

bool bird_listens(const struct bird *b)
{
	return b->listens;
}

bool bird_idle(const struct bird *b)
{
	return b->stage == READY && b->question == NONE;
}

void bird_ask(struct bird *b, const char *command, int64_t timeout_ms)
{
	bird_ask_some(b, command, timeout_ms, 0);
}

void bird_ask_some(struct bird *b, const char *command, int64_t timeout_ms, size_t max_lines)
{
	size_t len = strlen(command);
	bool fits = len <= BIRD_COMMAND_MAX;

	if (!bird_idle(b))
		abort();
	reply_clear(&b->answer);
	for (size_t i = 0; i < len; i++)
		fits = fits && (unsigned char)command[i] >= 0x20;
	if (!fits) {
		b->question = LOST;
		return;
	}
	b->question = ASKED;
	b->answer_by = clock_ms() + timeout_ms;
	b->max_lines = max_lines;
	buf_clear(&b->out);
	b->sent = 0;
	buf_add(&b->out, command, len);
	buf_char(&b->out, '\n');
	bird_send(b);
}

const struct reply *bird_answer(struct bird *b)
{
	if (b->question != ANSWERED)
		return NULL;
	b->question = NONE;
	return &b->answer;
}

void bird_forget(struct bird *b)
{
	if (b->question == NONE)
		reply_clear(&b->answer);
}

bool bird_lost(struct bird *b)
{
	bool lost = b->question == LOST;

	if (lost)
		b->question = NONE;
	return lost;
}

const char *bird_aside(struct bird *b)
{
	free(take(b->told));
	if (b->overrun) {
		if (asprintf(&b->told, "<%u messages lost>", b->overrun) < 0)
			abort();
		b->overrun = 0;
		return b->told;
	}
	if (!b->n)
		return NULL;
	b->told = take(b->asides[b->first]);
	b->first = (b->first + 1) % ASIDES;
	b->n--;
	return b->told;
}

static void bird_connect(struct bird *b)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (strlen(b->path) >= sizeof at.sun_path) {
		bird_drop(b, "the path is longer than the %zu bytes that a socket may have",
			  sizeof at.sun_path - 1);
		return;
	}
	strcpy(at.sun_path, b->path);
	b->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (b->fd < 0 || connect(b->fd, (struct sockaddr *)&at, sizeof at) < 0) {
		b->listens = errno != ECONNREFUSED && errno != ENOENT;
		/* a full backlog is EAGAIN here: BIRD does not accept */
		bird_drop(b, "%s",
			  errno == EAGAIN ? "it takes no connections: BIRD may hang" :
					    strerror(errno));
		return;
	}
	b->listens = true;
	b->stage = GREETING;
	b->greeting_by = clock_ms() + GREETING_MS;
}

/* Closes the connection, with the reason, and loses the question. */
static void bird_drop(struct bird *b, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	err_set(&b->trouble, ERR_AWAY, "%s: %s", b->path, why);
	base_close(&b->fd);
	b->fd = -1;
	b->stage = AWAY;
	if (b->question == ASKED)
		b->question = LOST;
	b->retry_at = clock_ms() + b->backoff;
	b->backoff = MIN(2 * b->backoff, BACKOFF_MAX);
	reply_clear(&b->greeting);
	buf_free(&b->in);
	buf_free(&b->out);
	b->sent = 0;
}

static void bird_send(struct bird *b)
{
	while (b->sent < b->out.len) {
		ssize_t n = send(b->fd, b->out.at + b->sent, b->out.len - b->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			b->sent += (size_t)n;
		else if (errno == EAGAIN || errno == EPIPE || errno == ECONNRESET)
			return; /* full; or gone: reading finds what BIRD said before */
		else if (errno != EINTR) {
			bird_drop(b, "%s", strerror(errno));
			return;
		}
	}
}

static void bird_read(struct bird *b)
{
	for (unsigned turn = 0; turn < READ_TURNS && b->stage != AWAY; turn++) {
		size_t old = b->in.len;
		ssize_t n = recv(b->fd, buf_reserve(&b->in, READ_SIZE), READ_SIZE, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			bird_drop(b, "%s",
				  n == 0 || errno == ECONNRESET ? "BIRD closed the connection" :
								  strerror(errno));
			return;
		}
		b->in.len += (size_t)n;
		bird_lines(b, old);
	}
}

/* Takes the whole lines of b->in; no newline is before OLD. */
static void bird_lines(struct bird *b, size_t old)
{
	size_t start = 0;
	const char *newline;

	while (b->stage != AWAY &&
	       (newline = memchr(b->in.at + MAX(start, old), '\n', b->in.len - MAX(start, old)))) {
		size_t len = (size_t)(newline - b->in.at) - start;

		bird_line(b, b->in.at + start, len);
		start += len + 1;
	}
	if (b->stage == AWAY)
		return;
	memmove(b->in.at, b->in.at + start, b->in.len - start);
	b->in.len -= start;
	if (b->in.len > REPLY_LINE_MAX)
		bird_drop(b, "a line of more than %u bytes", REPLY_LINE_MAX);
}

static void bird_line(struct bird *b, const char *line, size_t len)
{
	struct reply *r = b->stage == GREETING ? &b->greeting : &b->answer;

	if (len > REPLY_LINE_MAX) {
		bird_drop(b, "a line of more than %u bytes", REPLY_LINE_MAX);
	} else if (len && line[0] == '+') {
		aside_keep(b, line + 1, len - 1);
	} else if (is_loss(line, len)) {
		aside_keep(b, line, len);
	} else if (b->stage == READY && b->question != ASKED) {
		bird_drop(b, "a line that nobody asked for: is it BIRD?");
	} else if (reply_add(r, line, len)) {
		if (b->stage == GREETING)
			bird_greeted(b);
		else
			b->question = ANSWERED;
	} else if (b->stage == READY && b->max_lines && r->n >= b->max_lines) {
		b->question = ANSWERED;
		bird_drop(b, "no more than the beginning of an answer was wanted");
	} else if (r->arena.size >= REPLY_MAX) {
		bird_drop(b, "an answer of more than %u MiB", REPLY_MAX >> 20);
	}
}

/* "0001 BIRD 2.0.12 ready." */
static void bird_greeted(struct bird *b)
{
	const char *text = reply_find(&b->greeting, CODE_WELCOME);
	const char *version = text && strncmp(text, "BIRD ", 5) == 0 ? text + 5 : NULL;

	if (b->greeting.code != CODE_WELCOME || !version) {
		bird_drop(b, "it does not greet as BIRD does");
		return;
	}
	free(b->version);
	b->version = mem_str(version);
	b->version[strcspn(version, " ")] = '\0';
	b->stage = READY;
	b->connection++;
	b->backoff = BACKOFF_MIN;
	reply_clear(&b->greeting);
}

/* "<12 messages lost>": what BIRD says between its log lines when they come faster than we read. */
static bool is_loss(const char *line, size_t len)
{
	static const char end[] = " messages lost>";

	return len > strlen(end) && line[0] == '<' &&
	       memcmp(line + len - strlen(end), end, strlen(end)) == 0;
}

static void aside_keep(struct bird *b, const char *line, size_t len)
{
	auto_arena struct arena a = { 0 };
	char **slot = &b->asides[(b->first + b->n) % ASIDES];

	free(*slot);
	*slot = mem_str(text_clean(&a, line, MIN(len, ASIDE_MAX), ASIDE_MAX));
	if (b->n == ASIDES) {
		b->first = (b->first + 1) % ASIDES;
		b->overrun++;
	} else {
		b->n++;
	}
}
