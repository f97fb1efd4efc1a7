/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bird.c against a BIRD that is played by the test: one thread, so every byte and every moment is
 * chosen. The clock is the fake one; nothing here waits.
 */
#include "bird/bird.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"

#define GREETING "0001 BIRD 2.0.12 ready.\n"

struct world {
	char folder[32], path[64];
	int listener, server; /* server: the accepted end */
	struct bird *bird;
	int64_t now;
};

static void world_listen(struct world *w)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	strcpy(at.sun_path, w->path);
	unlink(w->path);
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(w->listener, 8), 0);
}

static void world_time(struct world *w, int64_t ms)
{
	w->now += ms;
	clock_fake(w->now, 1785000000);
}

static int world_open(void **state)
{
	struct world *w = mem_alloc(sizeof *w);

	strcpy(w->folder, "/tmp/peerage-unit-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->path, sizeof w->path, "%s/bird.ctl", w->folder);
	w->server = -1;
	world_time(w, 1000000);
	world_listen(w);
	w->bird = bird_open(w->path);
	*state = w;
	return 0;
}

static void fd_drop(int *fd)
{
	base_close(fd);
	*fd = -1;
}

static int world_close(void **state)
{
	struct world *w = *state;

	bird_close(w->bird);
	fd_drop(&w->listener);
	fd_drop(&w->server);
	unlink(w->path);
	rmdir(w->folder);
	free(w);
	clock_real();
	return 0;
}

static void world_accept(struct world *w)
{
	bird_run(w->bird);
	fd_drop(&w->server);
	w->server = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(w->server >= 0);
}

static void say(struct world *w, const char *text)
{
	assert_int_equal(send(w->server, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	bird_run(w->bird);
}

static void world_greet(struct world *w)
{
	world_accept(w);
	say(w, GREETING);
	assert_true(bird_connected(w->bird));
}

/* What the other side has said since. */
static const char *heard(struct world *w)
{
	static char text[8192];
	ssize_t n = recv(w->server, text, sizeof text - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* When bird_wait() wants to be woken, from now; -1: never. */
static int64_t wakes_in(struct world *w)
{
	struct poll p = { 0 };

	bird_wait(w->bird, &p);
	return p.timed ? p.deadline - w->now : -1;
}

static void test_question(void **state)
{
	struct world *w = *state;
	const struct reply *r;

	assert_false(bird_connected(w->bird));
	assert_false(bird_idle(w->bird));
	assert_null(bird_trouble(w->bird)); /* nothing was tried yet */
	assert_null(bird_version(w->bird));
	assert_true(wakes_in(w) <= 0);
	world_accept(w);
	assert_false(bird_connected(w->bird));
	assert_int_equal(wakes_in(w), 5000);
	say(w, GREETING);
	assert_true(bird_connected(w->bird));
	assert_null(bird_trouble(w->bird));
	assert_string_equal(bird_version(w->bird), "2.0.12");
	assert_int_equal(bird_connection(w->bird), 1);
	assert_true(bird_idle(w->bird));
	assert_int_equal(wakes_in(w), -1);

	bird_ask(w->bird, "show status", 700);
	assert_false(bird_idle(w->bird));
	assert_string_equal(heard(w), "show status\n");
	assert_int_equal(wakes_in(w), 700);
	assert_null(bird_answer(w->bird));
	say(w,
	    "1000-BIRD 2.0.12\n1011-Router ID is 10.0.0.1\n Hostname is vm\n0013 Daemon is up and running\n");
	assert_false(bird_idle(w->bird)); /* the answer has not been taken */
	r = bird_answer(w->bird);
	assert_non_null(r);
	assert_int_equal(r->code, 13);
	assert_int_equal(r->n, 4);
	assert_string_equal(r->lines[2].text, "Hostname is vm");
	assert_int_equal(r->lines[2].code, 1011);
	assert_null(bird_answer(w->bird));
	assert_false(bird_lost(w->bird));
	assert_true(bird_idle(w->bird));

	bird_ask(w->bird, "configure", 700);
	say(w, "0003 Reconfigured\n");
	assert_int_equal(bird_answer(w->bird)->code, 3);
}

/* No more than a beginning is wanted: it is the answer, and BIRD may stop. */
static void test_beginning(void **state)
{
	struct world *w = *state;
	const struct reply *r;
	char byte;

	world_greet(w);
	bird_ask_some(w->bird, "show route all", 700, 3);
	say(w, "1007-a\n b\n");
	assert_null(bird_answer(w->bird));
	say(w, " c\n d\n e\n");
	assert_false(bird_lost(w->bird));
	r = bird_answer(w->bird);
	assert_non_null(r);
	assert_int_equal(r->n, 3);
	assert_false(r->done);
	assert_false(bird_connected(w->bird));
	(void)heard(w);
	assert_int_equal(recv(w->server, &byte, 1, MSG_DONTWAIT), 0); /* closed */
	world_time(w, 100);
	world_greet(w);
	bird_ask_some(w->bird, "show route all", 700, 3); /* fewer: as ever */
	say(w, "1007-a\n b\n0000 \n");
	r = bird_answer(w->bird);
	assert_true(r && r->done);
	assert_true(bird_connected(w->bird));
	bird_ask(w->bird, "show route all", 700); /* all is wanted again */
	say(w, "1007-a\n b\n c\n d\n0000 \n");
	assert_int_equal(bird_answer(w->bird)->n, 5);
}

/* However the bytes are cut, the same comes out: all of a session at every size of pieces. */
static void test_pieces(void **state)
{
	static const char answer[] =
		"+first aside\n1002-a\n b\n<7 messages lost>\n1006-  x\n \n0000 \n+third\n"
		"<12 messages lost>\n";
	struct world *w = *state;
	unsigned connections = 0;

	for (size_t cut = 1; cut <= sizeof answer; cut++) {
		const struct reply *r;

		world_accept(w);
		for (size_t at = 0; GREETING[at]; at++) {
			assert_false(bird_connected(w->bird));
			assert_int_equal(send(w->server, &GREETING[at], 1, 0), 1);
			bird_run(w->bird);
		}
		assert_int_equal(bird_connection(w->bird), ++connections);
		bird_ask(w->bird, "show protocols all", 1000);
		for (size_t at = 0; at < sizeof answer - 1; at += cut) {
			size_t size = MIN(cut, sizeof answer - 1 - at);

			assert_int_equal(send(w->server, answer + at, size, 0), size);
			bird_run(w->bird);
		}
		assert_true(bird_connected(w->bird));
		r = bird_answer(w->bird);
		assert_non_null(r);
		assert_int_equal(r->n, 5);
		assert_int_equal(r->code, 0);
		assert_string_equal(r->lines[2].text, "  x");
		assert_string_equal(r->lines[1].text, "b");
		assert_string_equal(bird_aside(w->bird), "first aside");
		assert_string_equal(bird_aside(w->bird), "<7 messages lost>");
		assert_string_equal(bird_aside(w->bird), "third");
		assert_string_equal(bird_aside(w->bird), "<12 messages lost>");
		assert_null(bird_aside(w->bird));
		fd_drop(&w->server);
		bird_run(w->bird);
		world_time(w, 100);
	}
}

static void test_backoff(void **state)
{
	static const int64_t steps[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000 };
	struct world *w = *state;

	fd_drop(&w->listener);
	for (size_t i = 0; i < lengthof(steps); i++) {
		bird_run(w->bird);
		assert_int_equal(wakes_in(w), steps[i]);
		assert_non_null(strstr(bird_trouble(w->bird), "bird.ctl: Connection refused"));
		world_time(w, steps[i] - 1);
		bird_run(w->bird);
		assert_int_equal(wakes_in(w), 1);
		world_time(w, 1);
	}
	unlink(w->path);
	bird_run(w->bird);
	assert_non_null(strstr(bird_trouble(w->bird), "No such file or directory"));
	world_listen(w);
	world_time(w, 5000);
	world_greet(w);
	fd_drop(&w->server);
	bird_run(w->bird);
	assert_int_equal(wakes_in(w), 100); /* a greeting begins anew */
}

static void test_hung(void **state)
{
	struct world *w = *state;

	world_accept(w);
	world_time(w, 4999);
	bird_run(w->bird);
	assert_int_equal(wakes_in(w), 1);
	world_time(w, 1);
	bird_run(w->bird);
	assert_non_null(strstr(bird_trouble(w->bird), "does not greet"));
	assert_int_equal(wakes_in(w), 100);

	world_time(w, 100);
	world_greet(w);
	bird_ask(w->bird, "show status", 1000);
	say(w, "1000-BIRD\n");
	world_time(w, 1000);
	bird_run(w->bird);
	assert_false(bird_connected(w->bird));
	assert_non_null(strstr(bird_trouble(w->bird), "no answer in time"));
	assert_null(bird_answer(w->bird));
	assert_true(bird_lost(w->bird));
	assert_false(bird_lost(w->bird));

	/* late, but there before we looked: our own pause is not BIRD's */
	world_time(w, 100);
	world_greet(w);
	bird_ask(w->bird, "show status", 1000);
	assert_int_equal(send(w->server, "0013 up\n", 8, 0), 8);
	world_time(w, 60000);
	bird_run(w->bird);
	assert_non_null(bird_answer(w->bird));
	assert_int_equal(bird_connection(w->bird), 2);
}

static void test_closes(void **state)
{
	struct world *w = *state;

	world_greet(w);
	bird_ask(w->bird, "show protocols all", 1000);
	say(w, "1002-a\n1006-  BGP st");
	fd_drop(&w->server);
	bird_run(w->bird);
	assert_false(bird_idle(w->bird));
	assert_true(bird_lost(w->bird));
	assert_null(bird_answer(w->bird));
	assert_non_null(strstr(bird_trouble(w->bird), "closed the connection"));
	assert_string_equal(bird_version(w->bird), "2.0.12");

	/* the end of the answer and of the connection in one: the answer counts */
	world_time(w, 100);
	world_greet(w);
	assert_true(bird_idle(w->bird));
	bird_ask(w->bird, "down", 1000);
	assert_int_equal(send(w->server, "0007 Shutdown requested\n", 24, 0), 24);
	fd_drop(&w->server);
	bird_run(w->bird);
	assert_false(bird_connected(w->bird));
	assert_false(bird_lost(w->bird));
	assert_int_equal(bird_answer(w->bird)->code, 7);

	/* gone before the question is written */
	world_time(w, 200);
	world_greet(w);
	fd_drop(&w->server);
	bird_ask(w->bird, "show status", 1000);
	bird_run(w->bird);
	assert_true(bird_lost(w->bird));
}

/* clang-format off */
static const struct {
	const char *text;
	const char *trouble;
} garbage[] = {
	{ "HTTP/1.1 400 Bad Request\r\n0000 x\n", "does not greet" },
	{ "0001 GNU bison ready.\n",              "does not greet" },
	{ "8007 Access denied\n",                 "does not greet" },
	{ "0000 \n",                              "does not greet" },
	{ GREETING "1002-nobody asked\n",         "nobody asked" },
	{ GREETING "0000 \n",                     "nobody asked" },
	{ GREETING "\n",                          "nobody asked" },
};
/* clang-format on */

static void test_garbage(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < lengthof(garbage); i++) {
		world_accept(w);
		say(w, garbage[i].text);
		assert_false(bird_connected(w->bird));
		assert_non_null(strstr(bird_trouble(w->bird), garbage[i].trouble));
		world_time(w, 5000);
	}
	world_greet(w);
	say(w, "+an aside at any time\n+\n");
	assert_string_equal(bird_aside(w->bird), "an aside at any time");
	assert_string_equal(bird_aside(w->bird), "");
	bird_ask(w->bird, "show status", 1000);
	say(w, "0013 up\n0013 twice\n");
	assert_false(bird_connected(w->bird));
	assert_string_equal(bird_answer(w->bird)->lines[0].text, "up");
}

/* Writes TEXT over and over until the connection breaks or TIMES is over. */
static bool flood(struct world *w, const char *text, size_t len, size_t times)
{
	for (size_t i = 0; i < times; i++) {
		size_t sent = 0;

		while (sent < len) {
			ssize_t n = send(w->server, text + sent, len - sent, MSG_NOSIGNAL);

			if (n < 0 && errno != EAGAIN)
				return true;
			if (n > 0)
				sent += (size_t)n;
			bird_run(w->bird);
		}
		if (!bird_connected(w->bird))
			return true;
	}
	return false;
}

static void test_huge(void **state)
{
	struct world *w = *state;
	size_t size = 60000;
	auto_free char *line = mem_alloc(size);

	memset(line, 'x', size);
	world_greet(w);
	bird_ask(w->bird, "show protocols all", 1000);
	assert_true(flood(w, line, size, 3)); /* a line without end */
	assert_non_null(strstr(bird_trouble(w->bird), "a line of more than"));
	assert_true(bird_lost(w->bird));

	memcpy(line, "1002-", 5);
	line[size - 1] = '\n';
	world_time(w, 5000);
	world_greet(w);
	bird_ask(w->bird, "show protocols all", 1000);
	assert_true(flood(w, line, size, 2000)); /* an answer without end */
	assert_non_null(strstr(bird_trouble(w->bird), "an answer of more than 64 MiB"));
	assert_true(bird_lost(w->bird));
}

static void test_asides(void **state)
{
	struct world *w = *state;
	auto_buf struct buf text = { 0 };
	const char *aside;

	world_greet(w);
	for (unsigned i = 0; i < 2100; i++)
		buf_printf(&text, "+line %u\x1b[0m\n", i);
	say(w, buf_text(&text));
	assert_string_equal(bird_aside(w->bird), "<52 messages lost>");
	for (unsigned i = 52; i < 2100; i++) { /* the newest 2048 */
		char wanted[32];

		snprintf(wanted, sizeof wanted, "line %u [0m", i);
		aside = bird_aside(w->bird);
		assert_non_null(aside);
		assert_string_equal(aside, wanted);
	}
	assert_null(bird_aside(w->bird));

	buf_clear(&text);
	buf_char(&text, '+');
	for (unsigned i = 0; i < 30000; i++)
		buf_char(&text, 'y');
	buf_char(&text, '\n');
	say(w, buf_text(&text));
	assert_int_equal(strlen(bird_aside(w->bird)), 4096);
}

static void test_commands(void **state)
{
	static const char *const wrong[] = { "show status\ndown", "show\tstatus", NULL };
	struct world *w = *state;
	char command[BIRD_COMMAND_MAX + 2];

	world_greet(w);
	memset(command, 'x', sizeof command);
	command[BIRD_COMMAND_MAX + 1] = '\0';
	bird_ask(w->bird, command, 1000);
	assert_true(bird_lost(w->bird));
	for (size_t i = 0; wrong[i]; i++) {
		bird_ask(w->bird, wrong[i], 1000);
		assert_true(bird_lost(w->bird));
	}
	assert_string_equal(heard(w), "");
	command[BIRD_COMMAND_MAX] = '\0';
	bird_ask(w->bird, command, 1000);
	assert_int_equal(strlen(heard(w)), BIRD_COMMAND_MAX + 1);
	assert_true(bird_connected(w->bird));
}

static void test_path(void **state)
{
	struct bird *b;
	char path[200];

	(void)state;
	memset(path, 'p', sizeof path);
	path[sizeof path - 1] = '\0';
	b = bird_open(path);
	bird_run(b);
	assert_non_null(strstr(bird_trouble(b), "longer than the 107 bytes"));
	bird_close(b);
	bird_close(NULL);
}

#define with_world(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_question), with_world(test_beginning), with_world(test_pieces), with_world(test_backoff),
		with_world(test_hung),	   with_world(test_closes), with_world(test_garbage),
		with_world(test_huge),	   with_world(test_asides), with_world(test_commands),
		with_world(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
