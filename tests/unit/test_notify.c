/* SPDX-License-Identifier: Apache-2.0 */
/* The service manager's end of the protocol is a socket of the test. */
#include "peerd/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static struct {
	int fd;
	char name[64]; /* as in NOTIFY_SOCKET */
} manager;

static void listen_at(const char *format, bool abstract)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t len;

	snprintf(manager.name, sizeof manager.name, "%s-%d", format, getpid());
	len = strlen(manager.name);
	memcpy(at.sun_path, manager.name, len);
	if (abstract)
		at.sun_path[0] = '\0';
	else
		unlink(manager.name);
	manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(manager.fd, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			 0);
	setenv("NOTIFY_SOCKET", manager.name, 1);
}

static int setup(void **state)
{
	(void)state;
	clock_fake(1000, 0);
	listen_at("/tmp/peerage-unit-notify", false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(manager.fd);
	unlink(manager.name);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	clock_real();
	return 0;
}

/* The next message that came; "" when there is none. */
static const char *heard(void)
{
	static char text[1000];
	ssize_t n = recv(manager.fd, text, sizeof text - 1, 0);

	text[MAX(n, 0)] = '\0';
	return text;
}

/* When the loop would be woken; -1: by nothing here. */
static int64_t wakes(const struct notify *n)
{
	struct poll p = { 0 };

	notify_wait(n, &p);
	assert_int_equal(p.n, 0);
	return p.timed ? p.deadline : -1;
}

static void test_states(void **state)
{
	struct notify n;

	(void)state;
	notify_open(&n);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_string_equal(heard(), ""); /* not before the loop runs */
	notify_run(&n, "Starting");
	assert_string_equal(heard(), "READY=1\nSTATUS=Starting");
	assert_int_equal(wakes(&n), -1);
	notify_run(&n, "Starting");
	assert_string_equal(heard(), "");
	notify_run(&n, "Applied");
	assert_string_equal(heard(), "STATUS=Applied");
	notify_stopping(&n);
	assert_string_equal(heard(), "STOPPING=1");
	assert_string_equal(heard(), "");
	notify_close(&n);
}

/* A status is one line of good text, whatever a remote put into it, and cannot be another message. */
static void test_clean(void **state)
{
	struct notify n;
	char large[2 * NOTIFY_STATUS_MAX];
	const char *text;

	(void)state;
	notify_open(&n);
	notify_run(&n, "Starting");
	heard();
	notify_run(&n, "Held: \nMAINPID=1\x1b[31m\xff");
	text = heard();
	assert_memory_equal(text, "STATUS=Held: ", 13);
	assert_null(strpbrk(text, "\n\x1b\xff"));
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	notify_run(&n, large);
	assert_int_equal(strlen(heard()), strlen("STATUS=") + NOTIFY_STATUS_MAX);
	notify_run(&n, large);
	assert_string_equal(heard(), "");
	notify_close(&n);
}

static void test_reload(void **state)
{
	struct notify n;
	struct timespec before, after;
	long long told = 0;

	(void)state;
	notify_open(&n);
	notify_run(&n, "Applied");
	heard();
	clock_gettime(CLOCK_MONOTONIC, &before);
	notify_reloading(&n);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_int_equal(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%lld", &told), 1);
	assert_true(told >= before.tv_sec * 1000000LL + before.tv_nsec / 1000 &&
		    told <= after.tv_sec * 1000000LL + after.tv_nsec / 1000);
	notify_run(&n, "Applied");
	assert_string_equal(heard(), "READY=1\n");
	notify_run(&n, "Applied");
	assert_string_equal(heard(), "");
	notify_close(&n);
}

static void test_abstract(void **state)
{
	struct notify n;

	teardown(state);
	clock_fake(1000, 0);
	listen_at("@peerage-unit-notify", true);
	notify_open(&n);
	notify_run(&n, "Applied");
	assert_string_equal(heard(), "READY=1\nSTATUS=Applied");
	notify_close(&n);
}

/* clang-format off */
static const struct {
	const char *usec, *pid; /* "us": our own */
	int64_t first_wake;	/* after the first round; -1: never */
} dogs[] = {
	{ "60000000", NULL, 31000 },
	{ "60000000", "us", 31000 },
	{ "60000000", "1", -1 },
	{ "60000000", "x", -1 },
	{ "60000000", "", -1 },
	{ "1", NULL, 1001 },
	{ "0", NULL, -1 },
	{ "-5", NULL, -1 },
	{ "", NULL, -1 },
	{ NULL, NULL, -1 },
};
/* clang-format on */

static void test_watchdog(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(dogs); i++) {
		struct notify n;
		char us[16];

		clock_fake(1000, 0);
		setenv("NOTIFY_SOCKET", manager.name, 1);
		snprintf(us, sizeof us, "%d", getpid());
		if (dogs[i].usec)
			setenv("WATCHDOG_USEC", dogs[i].usec, 1);
		if (dogs[i].pid)
			setenv("WATCHDOG_PID", str_eq(dogs[i].pid, "us") ? us : dogs[i].pid, 1);
		notify_open(&n);
		assert_null(getenv("WATCHDOG_USEC"));
		assert_null(getenv("WATCHDOG_PID"));
		notify_run(&n, "Applied");
		assert_string_equal(heard(), "READY=1\nSTATUS=Applied");
		assert_string_equal(heard(), dogs[i].first_wake < 0 ? "" : "WATCHDOG=1");
		assert_int_equal(wakes(&n), dogs[i].first_wake);
		if (dogs[i].first_wake > 0) {
			clock_fake(dogs[i].first_wake - 1, 0);
			notify_run(&n, "Applied");
			assert_string_equal(heard(), "");
			clock_fake(dogs[i].first_wake, 0);
			notify_run(&n, "Applied");
			assert_string_equal(heard(), "WATCHDOG=1");
		}
		notify_close(&n);
	}
}

/* The manager is busy and its queue full: nothing waits, and what it did not get it gets later. */
static void test_busy(void **state)
{
	struct notify n;
	unsigned told = 0;

	(void)state;
	setenv("WATCHDOG_USEC", "60000000", 1);
	notify_open(&n);
	while (n.again_at == 0 && told < 100000) {
		char text[16];

		snprintf(text, sizeof text, "%u", told++);
		notify_run(&n, text);
	}
	assert_true(n.again_at && told < 100000);
	assert_int_equal(wakes(&n), 2000);
	notify_run(&n, "Applied"); /* not yet */
	while (*heard())
		continue;
	notify_run(&n, "Applied");
	assert_string_equal(heard(), "");
	clock_fake(2000, 0);
	notify_run(&n, "Applied");
	assert_string_equal(heard(), "STATUS=Applied");
	assert_int_equal(n.again_at, 0);
	notify_close(&n);
}

/* Nobody listens, or in a way that is not known. */
static void test_nobody(void **state)
{
	static const char *const names[] = {
		NULL, "", "/", "@", "relative", "vsock:2:1", "/nowhere/at/all",
		"/0123456789012345678901234567890123456789012345678901234567890123456789"
		"01234567890123456789012345678901234567"
	};

	(void)state;
	for (size_t i = 0; i < lengthof(names); i++) {
		struct notify n;

		if (names[i])
			setenv("NOTIFY_SOCKET", names[i], 1);
		else
			unsetenv("NOTIFY_SOCKET");
		notify_open(&n);
		assert_null(getenv("NOTIFY_SOCKET"));
		notify_run(&n, "Applied");
		notify_reloading(&n);
		notify_stopping(&n);
		assert_string_equal(heard(), "");
		notify_close(&n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_abstract, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watchdog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
