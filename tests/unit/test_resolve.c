/* SPDX-License-Identifier: Apache-2.0 */
#include "base/resolve.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fcntl.h>
#include <resolv.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "fake_names.h"

#define PATIENCE 10000

struct record {
	unsigned priority, weight, port;
	const char *host;
};

static void put16(struct buf *b, unsigned number)
{
	buf_char(b, (char)(number >> 8));
	buf_char(b, (char)number);
}

static void put_name(struct buf *b, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		buf_char(b, (char)len);
		buf_add(b, name, len);
		name += len + (name[len] == '.');
	}
	buf_char(b, 0);
}

/* A DNS answer: one question, an alias, the records; their names point at the question's. */
static void put_answer(struct buf *b, const struct record *records, size_t n)
{
	put16(b, 0x1234);
	put16(b, 0x8180);
	put16(b, 1);
	put16(b, (unsigned)n + 1);
	put16(b, 0);
	put16(b, 0);
	put_name(b, "_etcd-client._tcp.example.com");
	put16(b, ns_t_srv);
	put16(b, ns_c_in);
	for (size_t i = 0; i <= n; i++) {
		auto_buf struct buf data = { 0 };

		if (i) {
			put16(&data, records[i - 1].priority);
			put16(&data, records[i - 1].weight);
			put16(&data, records[i - 1].port);
			put_name(&data, records[i - 1].host);
		} else {
			put_name(&data, "alias.example.com");
		}
		put16(b, 0xc00c);
		put16(b, i ? ns_t_srv : ns_t_cname);
		put16(b, ns_c_in);
		put16(b, 0);
		put16(b, 60);
		put16(b, (unsigned)data.len);
		buf_add(b, data.at, data.len);
	}
}

/* libc's, played: the answer of some.test, and the failures. */
int res_nquery(res_state state, const char *name, int class, int type, unsigned char *into,
	       int size)
{
	static const struct record records[] = {
		{0,  0, 2379, "b.test"},
		  { 1, 0, 2379, "a.test"}
	};
	static const struct record none = { 0, 0, 0, "" };
	auto_buf struct buf b = { 0 };

	assert_int_equal(class, ns_c_in);
	assert_int_equal(type, ns_t_srv);
	if (str_eq(name, "some.test") || str_eq(name, "none.test")) {
		bool some = str_eq(name, "some.test");

		put_answer(&b, some ? records : &none, some ? 2 : 1);
		assert_true(b.len <= (size_t)size);
		memcpy(into, b.at, b.len);
		return (int)b.len;
	}
	state->res_h_errno = str_eq(name, "nowhere.test") ? HOST_NOT_FOUND :
			     str_eq(name, "empty.test")	  ? NO_DATA :
							    TRY_AGAIN;
	return -1;
}

static void finish(struct resolve *r)
{
	while (!resolve_run(r)) {
		struct poll p = { 0 };

		resolve_wait(r, &p);
		poll_block(&p);
	}
}

/* "10.0.0.1:80 [::1]:80", or the error. */
static const char *addresses_of(const char *host, int64_t timeout, enum err_kind *ret_kind)
{
	static char text[4096];
	struct resolve *r = resolve_host(host, 80, timeout);
	const struct resolve_address *found;
	struct err err = { 0 };
	size_t n, len = 0;

	finish(r);
	*text = '\0';
	if (!resolve_addresses(r, &found, &n, &err))
		snprintf(text, sizeof text, "%s", err.words);
	for (size_t i = 0; !err.kind && i < n; i++) {
		char address[64], port[8];

		assert_int_equal(getnameinfo((const struct sockaddr *)&found[i].at, found[i].size,
					     address, sizeof address, port, sizeof port,
					     NI_NUMERICHOST | NI_NUMERICSERV),
				 0);
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s:%s", i ? " " : "",
					address, port);
	}
	*ret_kind = err.kind;
	resolve_close(r);
	assert_no_child();
	return text;
}

static void test_host(void **state)
{
	static const char *const some[] = { "10.0.0.2", "fd00::2", "10.0.0.1", NULL };
	/* clang-format off */
	static const struct {
		const char *host, *says;
		enum err_kind kind;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1:80", ERR_NONE },
		{ "::1", "::1:80", ERR_NONE },
		{ "[fd00::1]", "fd00::1:80", ERR_NONE },
		{ "fe80::1%lo", "fe80::1%lo:80", ERR_NONE },
		{ "fe80::1%nope", "fe80::1%nope is no address, or its interface is not there",
		  ERR_NOT_FOUND },
		{ "a:b", "a:b is neither a name nor an address", ERR_NOT_FOUND },
		{ "many.test", "10.0.0.2:80 fd00::2:80 10.0.0.1:80", ERR_NONE },
		{ "nowhere.test", "the name nowhere.test does not exist", ERR_NOT_FOUND },
		{ "empty.test", "the name empty.test has no address", ERR_NOT_FOUND },
		{ "away.test",
		  "the name away.test cannot be resolved: Temporary failure in name resolution", ERR_AWAY },
		{ "crash.test", "the resolver ended without an answer for crash.test", ERR_AWAY },
		{ "hang.test", "the resolver did not answer for hang.test within 1 s",
		  ERR_TIMEOUT },
	};
	/* clang-format on */

	(void)state;
	fake_addresses = some;
	for (size_t i = 0; i < lengthof(cases); i++) {
		int64_t timeout = cases[i].kind == ERR_TIMEOUT ? 20 : PATIENCE;
		enum err_kind kind;

		assert_string_equal(addresses_of(cases[i].host, timeout, &kind), cases[i].says);
		assert_int_equal(kind, cases[i].kind);
	}
}

static void test_literal_is_at_once(void **state)
{
	struct resolve *r = resolve_host("192.0.2.1", 80, PATIENCE);

	(void)state;
	assert_true(resolve_run(r));
	assert_no_child();
	resolve_close(r);
}

static void test_real_name(void **state)
{
	enum err_kind kind;

	(void)state;
	assert_non_null(strstr(addresses_of("localhost", PATIENCE, &kind), "1:80"));
	assert_int_equal(kind, ERR_NONE);
}

static void test_many_are_bounded(void **state)
{
	static const char *lots[RESOLVE_MAX + 9];
	struct resolve *r;
	const struct resolve_address *found;
	struct err err;
	size_t n;

	(void)state;
	for (size_t i = 0; i + 1 < lengthof(lots); i++)
		lots[i] = "10.0.0.1";
	fake_addresses = lots;
	r = resolve_host("many.test", 80, PATIENCE);
	finish(r);
	assert_true(resolve_addresses(r, &found, &n, &err));
	assert_int_equal(n, RESOLVE_MAX);
	resolve_close(r);
}

static void test_close_ends_it(void **state)
{
	struct resolve *r = resolve_host("hang.test", 80, PATIENCE);

	(void)state;
	assert_false(resolve_run(r));
	resolve_close(r);
	assert_no_child();
	resolve_close(NULL);
}

/* A lock that we give up is free, whatever the child is doing. */
static void test_child_keeps_nothing(void **state)
{
	char path[] = "/tmp/peerage-unit-XXXXXX";
	int held = mkstemp(path), again = open(path, O_RDWR);
	int64_t deadline = clock_ms() + PATIENCE;
	struct resolve *r;

	(void)state;
	assert_int_equal(flock(held, LOCK_EX), 0);
	r = resolve_host("hang.test", 80, PATIENCE);
	close(held);
	while (flock(again, LOCK_EX | LOCK_NB) < 0) {
		struct poll p = { 0 };

		assert_true(clock_ms() < deadline);
		poll_at(&p, clock_ms() + 1);
		poll_block(&p);
	}
	assert_false(resolve_run(r));
	resolve_close(r);
	close(again);
	unlink(path);
}

static void test_srv(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *says;
		enum err_kind kind;
	} cases[] = {
		{ "some.test", "b.test", ERR_NONE },
		{ "none.test", "the SRV records of none.test name no host", ERR_NOT_FOUND },
		{ "nowhere.test", "the name nowhere.test does not exist", ERR_NOT_FOUND },
		{ "empty.test", "the name empty.test has no SRV records", ERR_NOT_FOUND },
		{ "away.test",
		  "the SRV records of away.test cannot be had: Host name lookup failure", ERR_AWAY },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct resolve *r = resolve_srv(cases[i].name, PATIENCE);
		const struct resolve_service *found;
		struct err err = { 0 };
		size_t n;

		finish(r);
		if (resolve_services(r, &found, &n, &err)) {
			assert_int_equal(n, 2);
			assert_string_equal(found[0].host, cases[i].says);
			assert_int_equal(found[0].port, 2379);
			assert_int_equal(found[1].priority, 1);
		} else {
			assert_string_equal(err.words, cases[i].says);
		}
		assert_int_equal(err.kind, cases[i].kind);
		resolve_close(r);
		assert_no_child();
	}
}

static void test_srv_order(void **state)
{
	/* clang-format off */
	static const struct record records[] = {
		{ 10, 0, 1, "last.test" },
		{ 0, 10, 2, "light.test" },
		{ 0, 0, 3, "zero.test" },
		{ 0, 90, 4, "heavy.test" },
		{ 5, 1, 5, "" },
	};
	/* clang-format on */
	struct resolve_service found[RESOLVE_MAX];
	unsigned heavy = 0, light = 0, zero = 0;
	auto_buf struct buf b = { 0 };

	(void)state;
	put_answer(&b, records, lengthof(records));
	for (unsigned seed = 0; seed < 2000; seed++) {
		assert_int_equal(resolve_parse((uint8_t *)b.at, b.len, seed, found), 4);
		heavy += str_eq(found[0].host, "heavy.test");
		light += str_eq(found[0].host, "light.test");
		zero += str_eq(found[0].host, "zero.test");
		assert_string_equal(found[3].host, "last.test");
		assert_int_equal(found[3].port, 1);
	}
	assert_int_equal(heavy + light + zero, 2000);
	assert_in_range(heavy, 1700, 1880);
	assert_in_range(light, 130, 270);
	assert_in_range(zero, 1, 60);
}

/* Any prefix of an answer, and any byte of it changed, is taken without harm (ASan looks on). */
static void test_srv_broken(void **state)
{
	static const struct record records[] = {
		{1,  2, 3, "a.test"},
		       { 1, 2, 3, "b.test"}
	};
	struct resolve_service found[RESOLVE_MAX];
	auto_buf struct buf b = { 0 };

	(void)state;
	put_answer(&b, records, lengthof(records));
	for (size_t size = 0; size <= b.len; size++) {
		uint8_t *copy = memcpy(mem_alloc(size), b.at, size);

		assert_int_equal(resolve_parse(copy, size, 0, found), size == b.len	 ? 2 :
								      size >= b.len - 26 ? 1 :
											   0);
		for (size_t i = 0; i < size; i++) {
			uint8_t was = copy[i];

			copy[i] = 0xff;
			resolve_parse(copy, size, 0, found);
			copy[i] = 0xc0;
			resolve_parse(copy, size, 0, found);
			copy[i] = was;
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),	      cmocka_unit_test(test_literal_is_at_once),
		cmocka_unit_test(test_real_name),     cmocka_unit_test(test_many_are_bounded),
		cmocka_unit_test(test_close_ends_it), cmocka_unit_test(test_child_keeps_nothing),
		cmocka_unit_test(test_srv),	      cmocka_unit_test(test_srv_order),
		cmocka_unit_test(test_srv_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
