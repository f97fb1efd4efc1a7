/* SPDX-License-Identifier: Apache-2.0 */
#include "bird/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bird_data.h"

/* The one session of transcript NAME; its strings are in A. */
static struct session load(const char *name, struct arena *a)
{
	struct reply r = { 0 };
	struct session *s;
	size_t n;

	assert_true(reply_load(&r, arena_printf(a, "bird-2.0.12/%s", name)));
	s = session_parse(&r, a, &n);
	reply_clear(&r);
	assert_int_equal(n, 1);
	return *s;
}

/* clang-format off */
static const struct {
	const char *file;
	struct session s;
	const char *cause; /* code of its last error, else of its state */
} files[] = {
	{ "established", { "est", "BGP", PROTO_UP, SESSION_ESTABLISHED, .info = "Established",
	  .description = "uplink to tor-a", .neighbor = "10.0.0.2", .neighbor_as = 65001, .local_as = 64512,
	  .source = "10.0.0.1", .imported = 3, .exported = 1 }, NULL },
	{ "bad-peer-as", { "badas", "BGP", PROTO_START, SESSION_IDLE, .info = "Idle          BGP Error: Bad peer AS",
	  .description = "", .last_error = "BGP Error: Bad peer AS", .neighbor = "10.0.0.4", .neighbor_as = 65999,
	  .local_as = 64512, .error_wait = "8.136/10" }, "BAD_PEER_AS" },
	{ "admin-shutdown", { "adminoff", "BGP", PROTO_START, SESSION_ACTIVE,
	  .info = "Active        Received: Administrative shutdown", .description = "",
	  .message = "maintenance until 5pm", .last_error = "Received: Administrative shutdown",
	  .neighbor = "10.0.0.6", .neighbor_as = 65001, .local_as = 64512 }, "ADMIN_SHUTDOWN" },
	{ "md5-failure", { "md5diff", "BGP", PROTO_START, SESSION_CONNECT, .info = "Connect", .description = "",
	  .neighbor = "10.0.0.5", .neighbor_as = 65001, .local_as = 64512 }, "NO_ANSWER" },
	{ "disabled", { "handoff", "BGP", PROTO_DOWN, SESSION_DOWN, .info = "", .description = "",
	  .neighbor = "10.0.0.89", .neighbor_as = 65001, .local_as = 64512 }, "DISABLED" },
	{ "passive", { "passive1", "BGP", PROTO_START, SESSION_PASSIVE, .info = "Passive", .description = "",
	  .neighbor = "10.0.0.88", .neighbor_as = 65001, .local_as = 64512 }, "PASSIVE" },
	{ "idle-not-on-link", { "notonlink", "BGP", PROTO_START, SESSION_IDLE, .info = "Idle", .description = "",
	  .neighbor = "10.9.9.9", .neighbor_as = 65001, .local_as = 64512 }, "NOT_ON_LINK" },
	{ "neighbor-lost", { "est", "BGP", PROTO_START, SESSION_IDLE, .info = "Idle          Error: Neighbor lost",
	  .description = "uplink to tor-a", .last_error = "Error: Neighbor lost", .neighbor = "10.0.0.2",
	  .neighbor_as = 65001, .local_as = 64512 }, "NEIGHBOR_LOST" },
	{ "graceful", { "est", "BGP", PROTO_START, SESSION_ACTIVE, .info = "Active        Socket: Connection closed",
	  .description = "uplink to tor-a", .last_error = "Socket: Connection closed", .neighbor = "10.0.0.2",
	  .neighbor_as = 65001, .local_as = 64512, .graceful = true, .imported = 3 }, "PEER_DOES_NOT_KNOW_US" },
	{ "long-lived-graceful", { "est", "BGP", PROTO_START, SESSION_ACTIVE,
	  .info = "Active        Socket: Connection refused", .description = "uplink to tor-a",
	  .last_error = "Socket: Connection refused", .neighbor = "10.0.0.2", .neighbor_as = 65001,
	  .local_as = 64512, .graceful = true, .imported = 3 }, "PORT_CLOSED" },
};

static const struct {
	const char *earlier, *later;
	bool ok;
	int64_t ms;
} stamps[] = {
	{ "2026-08-01 10:00:00.123", "2026-08-01 10:00:01.000", true, 877 },
	{ "2026-08-01 10:00:00",     "2026-08-02 10:00:00.5",   true, 86400500 },
	{ "2026-08-01 10:00:00.123456", "2026-08-01 10:00:00.123999", true, 0 },
	{ "2024-02-28 23:59:59.999", "2024-03-01 00:00:00.000", true, 86400001 },
	{ "2026-08-01 10:00:01",     "2026-08-01 10:00:00",     true, -1000 },
	{ "10:00:00.123",            "2026-08-01 10:00:00",     false, 0 },
	{ "2026-08-01 10:00:00",     "2026-08-01",              false, 0 },
	{ "2026-08-01 10:00:00.",    "2026-08-01 10:00:00",     false, 0 },
	{ "2026-08-01 10:00:00 x",   "2026-08-01 10:00:00",     false, 0 },
	{ "",                        NULL,                      false, 0 },
	{ NULL,                      "2026-08-01 10:00:00",     false, 0 },
};

static const struct {
	const char *error, *code;
} causes[] = {
	{ "BGP Error: Bad peer AS",                     "BAD_PEER_AS" },
	{ "Received: Bad peer AS",                      "BAD_PEER_AS" },
	{ "Error: Kernel MD5 auth failed",              "MD5_KERNEL" },
	{ "Socket: No route to host",                   "UNREACHABLE" },
	{ "Socket: Network is unreachable",             "NO_ROUTE" },
	{ "Socket: Connection refused",                 "PORT_CLOSED" },
	{ "Socket: Connection reset by peer",           "PEER_DOES_NOT_KNOW_US" },
	{ "Socket: Connection closed",                  "PEER_DOES_NOT_KNOW_US" },
	{ "Error: No listening socket",                 "NO_LISTENING_SOCKET" },
	{ "BGP Error: Hold timer expired",              "HOLD_TIMER" },
	{ "Error: BFD session down",                    "BFD_DOWN" },
	{ "Error: Link down",                           "LINK_DOWN" },
	{ "Error: Neighbor lost",                       "NEIGHBOR_LOST" },
	{ "Received: Administrative shutdown",          "ADMIN_SHUTDOWN" },
	{ "Received: Administrative reset",             "ADMIN_RESET" },
	{ "Received: Peer de-configured",               "PEER_REMOVED_US" },
	{ "Received: Other configuration change",       "PEER_CHANGED" },
	{ "Automatic shutdown: Route limit exceeded",   "PREFIX_LIMIT" },
	{ "Received: Maximum number of prefixes reached", "PREFIX_LIMIT" },
	{ "Received: Unacceptable hold time",           "HOLD_TIME_REFUSED" },
	{ "BGP Error: Required capability missing",     "CAPABILITY" },
	{ "BGP Error: Role mismatch",                   "ROLE_MISMATCH" },
	{ "BGP Error: Bad BGP identifier",              "ROUTER_ID_CLASH" },
	{ "Received: Connection collision resolution",  "COLLISION" },
	{ "BGP Error: Malformed AS_PATH",               "PROTOCOL_ERROR" },
	{ "Received: Unknown error 9.9",                "PROTOCOL_ERROR" },
	{ "Socket: Connection refused by magic",        "SOCKET_ERROR" },
	{ "Socket",                                     NULL },
	{ "",                                           NULL },
	{ NULL,                                         NULL },
};

/* As BIRD 3 and late 2.x write it: more lines, more columns, one time format or another. */
static const char later[] =
	"2002-Name       Proto      Table      State  Since         Info\n"
	"1002-kernel1    Kernel     master4    up     2026-08-01 10:00:00.000  \n"
	"1006-  Channel ipv4\n"
	"     Routes:         9 imported, 9 exported, 9 preferred\n"
	"1002-a          BGP        ---        up     2026-08-01 10:00:00  Established   \n"
	"1006-  Created:            2026-08-01 09:59:00.123\n"
	"   Description:    one: with a colon\n"
	"   BGP state:          Established\n"
	"     Neighbor address: fe80::1%eth0\n"
	"     Neighbor port:    1790\n"
	"     Neighbor AS:      4200000000\n"
	"     Local AS:         64512\n"
	"     TX pending:       0 bytes\n"
	"     Hostname: Last error: x\n"
	"     Send hold timer:  200.1/480\n"
	"     Source address:   fe80::2\n"
	"   Channel ipv4\n"
	"     Import state:   UP\n"
	"     Export state:   READY\n"
	"     Routes:         4000000000 imported, 7 filtered, 2 exported, 3 preferred\n"
	"     Route change stats:     received   rejected   filtered    ignored   RX limit  limit  accepted\n"
	"   Channel ipv6\n"
	"     Routes:         300000000 imported, 5 exported, 0 preferred\n"
	"1002-b          BGP        ---        start  10:00:00.123  Idle          \n"
	"1006-  BGP state:          Idle\n"
	"1002-c          BGP        ---        flush  2026-08-01  Passive \n"
	"1002-d          BGP        ---        strange\n"
	"1006-  BGP state:          Novel\n"
	"     Last error:       \n"
	"     Neighbor AS:      x\n"
	"0000 \n";
/* clang-format on */

static void assert_text(const char *is, const char *wanted)
{
	if (!wanted)
		assert_null(is);
	else
		assert_non_null(is), assert_string_equal(is, wanted);
}

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(files); i++) {
		auto_arena struct arena a = { 0 };
		const struct session *w = &files[i].s, s = load(files[i].file, &a);
		struct session_cause cause;

		assert_text(s.name, w->name);
		assert_text(s.proto, w->proto);
		assert_int_equal(s.up, w->up);
		assert_int_equal(s.state, w->state);
		assert_text(s.info, w->info);
		assert_text(s.description, w->description);
		assert_text(s.message, w->message);
		assert_text(s.last_error, w->last_error);
		assert_text(s.neighbor, w->neighbor);
		assert_int_equal(s.neighbor_as, w->neighbor_as);
		assert_int_equal(s.local_as, w->local_as);
		assert_text(s.source, w->source);
		assert_text(s.error_wait, w->error_wait);
		assert_int_equal(s.graceful, w->graceful);
		assert_int_equal(s.imported, w->imported);
		assert_int_equal(s.exported, w->exported);
		assert_int_equal(strlen(s.since), strlen("2026-08-01 10:00:00.123"));
		assert_int_equal(s.last_error ? session_cause(s.last_error, &cause) :
						session_silence(&s, &cause),
				 files[i].cause != NULL);
		if (files[i].cause)
			assert_string_equal(cause.code, files[i].cause);
	}
}

static void test_many(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		enum session_state state;
		const char *error;
	} all[] = {
		{ "est", SESSION_ESTABLISHED, NULL },
		{ "est6", SESSION_ESTABLISHED, NULL },
		{ "nolisten", SESSION_ACTIVE, "Socket: Connection refused" },
		{ "unreach", SESSION_ACTIVE, "Socket: No route to host" },
		{ "noroute", SESSION_ACTIVE, "Socket: Network is unreachable" },
		{ "badas", SESSION_ACTIVE, "Socket: Connection reset by peer" },
		{ "md5diff", SESSION_CONNECT, NULL },
		{ "md5long", SESSION_DOWN, "Error: Kernel MD5 auth failed" },
		{ "passive1", SESSION_PASSIVE, NULL },
		{ "notonlink", SESSION_IDLE, NULL },
		{ "handoff", SESSION_DOWN, NULL },
		{ "adminoff", SESSION_ESTABLISHED, NULL },
		{ "limited", SESSION_DOWN, "Automatic shutdown: Route limit exceeded" },
		{ "stranger", SESSION_ACTIVE, NULL },
		{ "badsrc", SESSION_ACTIVE, "Socket: Connection closed" },
	};
	/* clang-format on */
	auto_arena struct arena a = { 0 };
	struct reply r = { 0 };
	struct session *s;
	size_t n;

	(void)state;
	assert_true(reply_load(&r, "bird-2.0.12/protocols-many"));
	s = session_parse(&r, &a, &n);
	assert_int_equal(n, lengthof(all));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(s[i].name, all[i].name);
		assert_int_equal(s[i].state, all[i].state);
		if (all[i].error)
			assert_text(s[i].last_error, all[i].error);
	}
	assert_int_equal(s[1].imported, 4); /* both channels */
	assert_int_equal(s[1].exported, 5);
	reply_clear(&r);
}

static void test_later(void **state)
{
	auto_arena struct arena a = { 0 };
	struct reply r = { 0 };
	struct session *s;
	size_t n;

	(void)state;
	reply_feed(&r, later, sizeof later - 1);
	s = session_parse(&r, &a, &n);
	assert_int_equal(n, 4);
	assert_text(s[0].since, "2026-08-01 10:00:00");
	assert_text(s[0].description, "one: with a colon");
	assert_text(s[0].neighbor, "fe80::1%eth0");
	assert_int_equal(s[0].neighbor_as, 4200000000);
	assert_null(s[0].last_error);
	assert_int_equal(s[0].imported, 4000000000); /* what does not fit is not added */
	assert_int_equal(s[0].exported, 7);
	assert_text(s[1].since, "10:00:00.123");
	assert_text(s[1].info, "Idle");
	assert_int_equal(s[1].state, SESSION_IDLE);
	assert_int_equal(s[2].up, PROTO_FLUSH);
	assert_text(s[2].since, "2026-08-01");
	assert_text(s[2].info, "Passive");
	assert_int_equal(s[3].up, PROTO_UNKNOWN);
	assert_int_equal(s[3].state, SESSION_UNKNOWN);
	assert_text(s[3].since, "");
	assert_null(s[3].last_error);
	assert_int_equal(s[3].neighbor_as, 0);
	reply_clear(&r);
}

static void test_stamps(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(stamps); i++) {
		int64_t ms = 0;

		assert_int_equal(session_elapsed(stamps[i].earlier, stamps[i].later, &ms),
				 stamps[i].ok);
		assert_int_equal(ms, stamps[i].ms);
	}
}

static void test_timers(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text;
		bool ok;
		int64_t passed, total;
	} timers[] = {
		{ "1.371/2",      true,  629,   2000 },
		{ "217.446/240",  true,  22554, 240000 },
		{ "2/2",          true,  0,     2000 },
		{ "3.5/2",        true,  0,     2000 },
		{ "1.2345678/2",  false, 0,     0 },
		{ "1.3/",         false, 0,     0 },
		{ "1.3/-",        false, 0,     0 },
		{ "/2",           false, 0,     0 },
		{ "12",           false, 0,     0 },
		{ "-1/2",         false, 0,     0 },
		{ NULL,           false, 0,     0 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < lengthof(timers); i++) {
		int64_t passed = 0, total = 0;

		assert_int_equal(session_timer(timers[i].text, &passed, &total), timers[i].ok);
		assert_int_equal(passed, timers[i].passed);
		assert_int_equal(total, timers[i].total);
	}
}

static void test_causes(void **state)
{
	struct session_cause cause;

	(void)state;
	for (size_t i = 0; i < lengthof(causes); i++) {
		assert_int_equal(session_cause(causes[i].error, &cause), causes[i].code != NULL);
		if (!causes[i].code)
			continue;
		assert_string_equal(cause.code, causes[i].code);
		assert_true(strlen(cause.words) > 20);
	}
}

static void assert_words(const char *const *words, int n)
{
	for (int i = 0; i < n; i++) {
		assert_non_null(words[i]);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(words[i], words[j]);
	}
	assert_null(words[n]);
}

static void test_words(void **state)
{
	(void)state;
	assert_words(session_names, SESSION_COUNT);
	assert_words(proto_names, PROTO_COUNT);
}

/* The lines of 5,000 sessions to sessions: a few milliseconds. The limit leaves room for a slow
 * machine and sanitizers; what it is for is to see a quadratic parser. */
static void test_large(void **state)
{
	enum { TIMES = 5000 };
	auto_arena struct arena a = { 0 };
	struct reply r = { 0 };
	size_t len, n;
	const char *text = transcript("bird-2.0.12/graceful", &a, &len);
	int64_t start, took;

	(void)state;
	assert_non_null(text);
	len = (size_t)(strstr(text, "\n0000") + 1 - text);
	start = clock_ms();
	for (unsigned i = 0; i < TIMES; i++)
		reply_feed(&r, text, len);
	print_message("# reply: %d ms\n", (int)(clock_ms() - start));
	start = clock_ms();
	session_parse(&r, &a, &n);
	took = clock_ms() - start;
	print_message("# sessions: %d ms, %zu KiB\n", (int)took, r.arena.size >> 10);
	assert_int_equal(n, TIMES);
	assert_true(took < 1000);
	reply_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),  cmocka_unit_test(test_many),
		cmocka_unit_test(test_later),  cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_timers), cmocka_unit_test(test_causes), cmocka_unit_test(test_words),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
