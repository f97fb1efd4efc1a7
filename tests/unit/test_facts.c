/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses are read in a network namespace of a child, so these cases need root and are skipped
 * without; secrets are files in a folder of the test.
 */
#include "engine/facts.h"
#include "engine/routes.h"
#include "local/secret.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"

/* ---- secrets ---- */

struct folder {
	char path[64];
};

static void put(const struct folder *f, const char *name, const char *bytes, size_t len)
{
	char path[256];
	struct err err;

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	assert_true(file_write(path, bytes, len, 0600, (gid_t)-1, &err));
}

static void make(const struct folder *f, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void join(const struct folder *f, const char *name, const char *to)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	unlink(path);
	assert_int_equal(symlink(to, path), 0);
}

static void swap(const struct folder *f, const char *from, const char *to)
{
	char old[256], new[256];

	snprintf(old, sizeof old, "%s/%s", f->path, from);
	snprintf(new, sizeof new, "%s/%s", f->path, to);
	assert_int_equal(rename(old, new), 0);
}

static int folder_open(void **state)
{
	struct folder *f = mem_alloc(sizeof *f);
	char path[128];

	strcpy(f->path, "/tmp/peerage-unit-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	make(f, "tor");
	put(f, "tor/plain", "hunter2", 7);
	put(f, "tor/line", "hunter2\n", 8);
	put(f, "tor/lines", "hunter2\n\n", 9);
	put(f, "tor/empty", "", 0);
	put(f, "tor/blank", "\n", 1);
	put(f, "tor/nul", "a\0b", 3);
	put(f, "tor/bytes", "\xff\"\x01", 3);
	make(f, "tor/folder");
	snprintf(path, sizeof path, "%s/tor/fifo", f->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	join(f, "tor/escape", "../../../../etc/hostname");
	join(f, "tor/absolute", "/etc/hostname");
	join(f, "tor/own", f->path);
	join(f, "tor/loop", "loop");
	join(f, "tor/dangling", "nowhere");
	join(f, "out", "/etc");
	/* as kubelet makes it */
	make(f, "kube");
	make(f, "kube/..2026_a");
	put(f, "kube/..2026_a/password", "from kubelet\n", 13);
	join(f, "kube/..data", "..2026_a");
	join(f, "kube/password", "..data/password");
	*state = f;
	return 0;
}

static int folder_close(void **state)
{
	struct folder *f = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", f->path);
	assert_int_equal(system(command), 0);
	free(f);
	clock_real();
	return 0;
}

/* clang-format off */
static const struct {
	const char *name, *key;
	enum secret_state state;
	const char *value; /* or a piece of why */
	size_t len;
} secrets[] = {
	{ "tor",  "plain",    SECRET_READABLE,   "hunter2", 7 },
	{ "tor",  "line",     SECRET_READABLE,   "hunter2", 7 },
	{ "tor",  "lines",    SECRET_READABLE,   "hunter2\n", 8 },
	{ "tor",  "nul",      SECRET_READABLE,   "a", 3 },
	{ "tor",  "bytes",    SECRET_READABLE,   "\xff\"\x01", 3 },
	{ "kube", "password", SECRET_READABLE,   "from kubelet", 12 },
	{ "tor",  "empty",    SECRET_ABSENT,     "is empty", 0 },
	{ "tor",  "blank",    SECRET_ABSENT,     "is empty", 0 },
	{ "tor",  "nothing",  SECRET_ABSENT,     "is not there", 0 },
	{ "none", "nothing",  SECRET_ABSENT,     "is not there", 0 },
	{ "tor",  "dangling", SECRET_ABSENT,     "is not there", 0 },
	{ "tor",  "plain.",   SECRET_ABSENT,     "is not there", 0 },
	{ "..",   "plain",    SECRET_ABSENT,     "letters", 0 },
	{ ".",    "plain",    SECRET_ABSENT,     "letters", 0 },
	{ "tor",  "..",       SECRET_ABSENT,     "letters", 0 },
	{ "tor",  "",         SECRET_ABSENT,     "letters", 0 },
	{ "",     "plain",    SECRET_ABSENT,     "letters", 0 },
	{ "tor",  "a/b",      SECRET_ABSENT,     "letters", 0 },
	{ "tor/../tor", "plain", SECRET_ABSENT,  "letters", 0 },
	{ "tor",  NULL,       SECRET_ABSENT,     "letters", 0 },
	{ NULL,   "plain",    SECRET_ABSENT,     "letters", 0 },
	{ "tor",  "folder",   SECRET_UNREADABLE, "regular", 0 },
	{ "tor",  "fifo",     SECRET_UNREADABLE, "regular", 0 },
	{ "tor",  "escape",   SECRET_UNREADABLE, "out of the folder", 0 },
	{ "tor",  "absolute", SECRET_UNREADABLE, "out of the folder", 0 },
	{ "tor",  "own",      SECRET_UNREADABLE, "out of the folder", 0 },
	{ "out",  "hostname", SECRET_UNREADABLE, "out of the folder", 0 },
	{ "tor",  "loop",     SECRET_UNREADABLE, "symbolic links", 0 },
};
/* clang-format on */

static void test_secrets(void **state)
{
	struct folder *f = *state;

	for (size_t i = 0; i < lengthof(secrets); i++) {
		auto_arena struct arena a = { .secret = true };
		struct secret_ref ref = { .name = secrets[i].name, .key = secrets[i].key };
		struct secret_fact s = secret_read(f->path, &ref, &a);

		assert_int_equal(s.state, secrets[i].state);
		if (s.state == SECRET_READABLE) {
			assert_string_equal(s.value, secrets[i].value);
			assert_int_equal(s.len, secrets[i].len);
			assert_null(s.why);
		} else {
			assert_null(s.value);
			assert_non_null(strstr(s.why, secrets[i].value));
		}
	}
}

/* What the operator reads names the file that was looked at. */
static void test_secret_where(void **state)
{
	static const struct {
		const char *behind, *key;   /* of the folder's path; of the secret */
		const char *before, *after; /* the folder's path in the words */
	} cases[] = {
		{ "", "nothing", "is not there: ", "/tor/nothing" },
		{ "///", "nothing", "is not there: ", "/tor/nothing" },
		{ "", "empty", "is empty: ", "/tor/empty" },
		{ "", "folder", "is not a regular file: ", "/tor/folder" },
		{ "", "escape", "a link on the way to ", "/tor/escape leads out of the folder" },
		{ "-x", "key", "the folder ", "-x cannot be opened: No such file or directory" },
	};
	struct folder *f = *state;
	auto_arena struct arena a = { 0 };
	struct secret_ref ref = { .name = "tor", .key = "plain" };

	for (size_t i = 0; i < lengthof(cases); i++) {
		const char *folder = arena_printf(&a, "%s%s", f->path, cases[i].behind);

		ref.key = cases[i].key;
		assert_string_equal(secret_read(folder, &ref, &a).why,
				    arena_printf(&a, "%s%s%s", cases[i].before, f->path,
						 cases[i].after));
	}
	assert_string_equal(secret_read(NULL, &ref, &a).why, "is not there: no --secrets-dir is given");
}

static void test_secret_large(void **state)
{
	auto_arena struct arena a = { .secret = true };
	struct secret_ref ref = { .name = "tor", .key = "large" };
	struct folder *f = *state;
	char bytes[10000];
	struct secret_fact s;

	memset(bytes, 'x', sizeof bytes);
	put(f, "tor/large", bytes, sizeof bytes);
	s = secret_read(f->path, &ref, &a);
	assert_int_equal(s.state, SECRET_READABLE);
	assert_int_equal(s.len, 4096);
	s = secret_read("/tmp/peerage-unit-nothing", &ref, &a);
	assert_int_equal(s.state, SECRET_UNREADABLE); /* not mounted yet, perhaps */
}

/* What root may read is no matter of modes: the child is somebody else. */
static void test_secret_refused(void **state)
{
	struct folder *f = *state;
	char path[128];
	pid_t child;
	int status;

	if (geteuid() != 0)
		fail_msg("this test needs root");
	assert_int_equal(chmod(f->path, 0755), 0);
	snprintf(path, sizeof path, "%s/tor", f->path);
	assert_int_equal(chmod(path, 0755), 0);
	child = fork();
	if (!child) {
		struct arena a = { 0 };
		struct secret_ref ref = { .name = "tor", .key = "plain" };
		struct secret_fact s = { 0 };

		if (setgid(65534) == 0 && setuid(65534) == 0)
			s = secret_read(f->path, &ref, &a);
		arena_free(&a);
		_exit(s.state == SECRET_UNREADABLE ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static const struct secret_fact *known(struct facts_source *s, size_t i)
{
	static struct facts f;

	memset(&f, 0, sizeof f);
	facts_get(s, &f);
	assert_true(f.secrets_known);
	assert_true(i < f.n_secrets);
	return &f.secrets[i];
}

/* Would the source be woken right now? */
static bool wakes(struct facts_source *s)
{
	struct poll p = { 0 };

	facts_wait(s, &p);
	if (p.timed && p.deadline <= clock_ms())
		return true;
	return poll(p.fds, p.n, 0) > 0;
}

static void test_rotation(void **state)
{
	static const struct secret_ref refs[] = {
		{"kube",	  "password", 0},
		   { "later", "key",	     0}
	};
	struct folder *f = *state;
	struct facts_source *s;
	struct facts all = { 0 };
	struct poll p = { 0 };

	clock_fake(1000, 0);
	s = facts_open(f->path);
	facts_get(s, &all);
	assert_true(all.secrets_known);
	assert_int_equal(all.n_secrets, 0);
	facts_run(s);
	facts_want(s, refs, 1);
	assert_string_equal(known(s, 0)->value, "from kubelet"); /* at once */
	assert_true(facts_run(s));
	assert_false(facts_run(s));
	assert_false(wakes(s));
	facts_want(s, refs, 1);
	assert_false(facts_run(s));
	clock_fake(10000, 0);
	facts_wait(s, &p);
	assert_false(p.timed); /* nothing is missing: news is enough */

	make(f, "kube/..2026_b");
	put(f, "kube/..2026_b/password", "rotated", 7);
	join(f, "kube/..data_tmp", "..2026_b");
	assert_true(wakes(s));
	assert_false(facts_run(s)); /* not there yet */
	swap(f, "kube/..data_tmp", "kube/..data");
	assert_true(wakes(s));
	assert_true(facts_run(s));
	assert_string_equal(known(s, 0)->value, "rotated");
	assert_false(wakes(s));

	facts_want(s, refs, 2);
	assert_true(facts_run(s));
	assert_int_equal(known(s, 1)->state, SECRET_ABSENT);
	make(f, "later");
	assert_true(wakes(s));
	assert_false(facts_run(s)); /* watches it from now on */
	put(f, "later/key", "new", 3);
	assert_true(wakes(s));
	assert_true(facts_run(s));
	assert_string_equal(known(s, 1)->value, "new");
	put(f, "later/key", "newer", 5);
	assert_true(facts_run(s));
	assert_int_equal(known(s, 1)->len, 5);
	facts_close(s);
}

/* A folder that is not there gives no news: the timer looks for it. */
static void test_folder_later(void **state)
{
	static const struct secret_ref ref = { "tor", "plain", 0 };
	struct folder *f = *state;
	char aside[80];
	struct facts_source *s;

	clock_fake(1000, 0);
	snprintf(aside, sizeof aside, "%s-x", f->path);
	assert_int_equal(rename(f->path, aside), 0);
	s = facts_open(f->path);
	facts_want(s, &ref, 1);
	facts_run(s);
	assert_int_equal(known(s, 0)->state, SECRET_UNREADABLE);
	assert_int_equal(rename(aside, f->path), 0);
	clock_fake(5999, 0);
	assert_false(wakes(s));
	clock_fake(6000, 0);
	assert_true(wakes(s));
	assert_true(facts_run(s));
	assert_string_equal(known(s, 0)->value, "hunter2");
	assert_false(facts_run(s));
	facts_close(s);
}

static void test_no_folder(void **state)
{
	static const struct secret_ref ref = { "tor", "plain", 0 };
	struct facts_source *s = facts_open(NULL);
	struct facts f = { 0 };

	(void)state;
	facts_want(s, &ref, 1);
	assert_false(facts_run(s));
	facts_get(s, &f);
	assert_true(f.secrets_known);
	assert_int_equal(f.n_secrets, 1);
	assert_int_equal(f.secrets[0].state, SECRET_ABSENT);
	assert_string_equal(f.secrets[0].why, "is not there: no --secrets-dir is given");
	facts_close(s);
	facts_close(NULL);
}

/* ---- addresses ---- */

static void ip(const char *command)
{
	char all[256];

	snprintf(all, sizeof all, "ip %s", command);
	if (system(all) != 0)
		_exit(9);
}

/* "eth0 10.0.0.1/24; ptp 10.0.0.2/32 peer 10.0.0.3; " */
static const char *onlink_text(struct facts_source *s, struct arena *a)
{
	auto_buf struct buf text = { 0 };
	struct facts f = { 0 };

	facts_get(s, &f);
	if (!f.onlink_known)
		return "unknown";
	for (size_t i = 0; i < f.n_onlink; i++) {
		const struct onlink *l = &f.onlink[i];

		buf_printf(&text, "%s %s", l->interface, cidr_text(&l->address).s);
		if (ip_is_set(&l->peer))
			buf_printf(&text, " peer %s", ip_text(&l->peer).s);
		buf_str(&text, "; ");
	}
	return arena_str(a, buf_text(&text));
}

static void expect(struct facts_source *s, bool changed, const char *wanted)
{
	auto_arena struct arena a = { 0 };
	bool did = facts_run(s);
	const char *is = onlink_text(s, &a);

	if (did == changed && str_eq(is, wanted))
		return;
	fprintf(stderr, "changed %d, is \"%s\", wanted \"%s\"\n", did, is, wanted);
	_exit(1);
}

/* All addresses, those of lo and of hosts, too. */
static void expect_local(struct facts_source *s, const char *wanted)
{
	auto_buf struct buf text = { 0 };
	struct facts f = { 0 };

	facts_get(s, &f);
	for (size_t i = 0; i < f.n_local; i++)
		buf_printf(&text, "%s ", ip_text(&f.local[i]).s);
	if (strcmp(buf_text(&text), wanted) == 0)
		return;
	fprintf(stderr, "local \"%s\", wanted \"%s\"\n", buf_text(&text), wanted);
	_exit(1);
}

static void addresses_child(void)
{
	struct facts_source *s;

	ip("link set lo up");
	ip("link add zz0 type veth peer name zz1 && ip link add aa0 type veth peer name aa1");
	ip("link set zz0 addrgenmode none && ip link set aa0 addrgenmode none");
	s = facts_open(NULL);
	expect(s, false, "");
	ip("addr add 10.0.0.9/24 dev zz0");
	if (!wakes(s))
		_exit(2);
	expect(s, true, "zz0 10.0.0.9/24; ");
	expect(s, false, "zz0 10.0.0.9/24; ");
	if (wakes(s))
		_exit(3);
	ip("addr add 10.0.0.1/24 dev zz0");
	ip("addr add 10.0.0.1/32 dev lo");
	ip("addr add fd00::1/64 dev aa0");
	ip("addr add 192.0.2.1 peer 192.0.2.2 dev aa0");
	ip("addr add fd01::1 peer fd01::2 dev aa0");
	expect(s, true,
	       "aa0 192.0.2.1/32 peer 192.0.2.2; aa0 fd00::1/64; aa0 fd01::1/128 peer fd01::2; "
	       "zz0 10.0.0.1/24; zz0 10.0.0.9/24; ");
	expect_local(s, "10.0.0.1 10.0.0.9 127.0.0.1 192.0.2.1 ::1 fd00::1 fd01::1 ");
	ip("addr del 10.0.0.1/24 dev zz0 && ip addr add 10.0.0.1/24 dev zz0");
	if (!wakes(s))
		_exit(4);
	expect(s, false, /* news, but nothing new */
	       "aa0 192.0.2.1/32 peer 192.0.2.2; aa0 fd00::1/64; aa0 fd01::1/128 peer fd01::2; "
	       "zz0 10.0.0.1/24; zz0 10.0.0.9/24; ");
	ip("link del aa0");
	expect(s, true, "zz0 10.0.0.1/24; zz0 10.0.0.9/24; ");
	ip("link set zz0 name eth7");
	expect(s, true, "eth7 10.0.0.1/24; eth7 10.0.0.9/24; ");
	ip("link set eth7 up");
	ip("addr add fe80::5/64 dev eth7");
	expect(s, true, "eth7 10.0.0.1/24; eth7 10.0.0.9/24; eth7 fe80::5/64; ");
	facts_close(s);
}

/* As libc's, and counts: a name costs system calls. */
static unsigned n_names;
char *if_indextoname(unsigned index, char name[IF_NAMESIZE])
{
	struct ifreq ask = { .ifr_ifindex = (int)index };
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	n_names++;
	return ioctl(fd, SIOCGIFNAME, &ask) < 0 ? NULL : strcpy(name, ask.ifr_name);
}

static void add_addresses(const char *verb, const char *length)
{
	char command[256];

	snprintf(
		command, sizeof command,
		"for i in $(seq 0 3999); do echo addr %s 10.$((i / 250)).$((i %% 250)).1/%s dev eth0; "
		"done | ip -batch -",
		verb, length);
	if (system(command) != 0)
		_exit(9);
}

/* As many as kube-proxy's IPVS mode has, and more news than the socket holds: what is lost is made up
 * for by reading all. One reading asks for the name of an interface once, and is not done again as
 * soon as there are more news. Host addresses are no prefixes. */
static void flood_child(void)
{
	struct facts_source *s;
	struct facts f = { 0 };
	unsigned reads;

	clock_fake(1000, 0);
	ip("link add eth0 type veth peer name eth1 && ip link set eth0 addrgenmode none");
	s = facts_open(NULL);
	add_addresses("add", "32");
	n_names = 0;
	if (!facts_run(s) || facts_run(s))
		_exit(2);
	facts_get(s, &f);
	if (!f.onlink_known || f.n_onlink != 0 || f.n_local != 4000)
		_exit(3);
	add_addresses("del", "32");
	add_addresses("add", "24");
	reads = facts_reads(s);
	if (wakes(s) || facts_run(s) || facts_reads(s) != reads)
		_exit(4);
	clock_fake(1199, 0);
	if (wakes(s))
		_exit(8);
	clock_fake(1200, 0);
	if (!wakes(s) || !facts_run(s) || facts_run(s) || facts_reads(s) != reads + 1)
		_exit(5);
	facts_get(s, &f);
	if (f.n_onlink != 4000 || f.n_local != 4000)
		_exit(6);
	if (n_names > 2)
		_exit(7);
	facts_close(s);
}

/* "0.0.0.0/0 via 10.0.0.1 eth0; 10.0.0.1/32 eth0; " */
static void expect_routes(struct facts_source *s, bool changed, const char *wanted)
{
	auto_buf struct buf text = { 0 };
	bool did = facts_run(s);
	struct facts f = { 0 };

	facts_get(s, &f);
	for (size_t i = 0; i < f.n_routes; i++) {
		buf_str(&text, cidr_text(&f.routes[i].prefix).s);
		if (ip_is_set(&f.routes[i].gateway))
			buf_printf(&text, " via %s", ip_text(&f.routes[i].gateway).s);
		buf_printf(&text, " %s; ", f.routes[i].interface);
	}
	if (f.n_routes_left)
		buf_printf(&text, "%zu left", f.n_routes_left);
	if (did == changed && strcmp(buf_text(&text), wanted) == 0)
		return;
	fprintf(stderr, "changed %d, routes \"%s\", wanted \"%s\"\n", did, buf_text(&text), wanted);
	_exit(1);
}

static int64_t at_ms = 1000;

/* Long enough for whatever was read to be read again. */
static void later(void)
{
	at_ms += 60000;
	clock_fake(at_ms, 0);
}

static void routes_child(void)
{
	static const char cloud[] = "0.0.0.0/0 via 10.0.0.1 eth0; 10.0.0.1/32 eth0; ";
	static const char six[] = "0.0.0.0/0 via 10.0.0.1 eth0; ::/0 via fd00::1 eth0; "
				  "10.0.0.1/32 eth0; 2001:db8:1::/64 eth0; ";
	struct facts_source *s;

	clock_fake(at_ms, 0);
	ip("link set lo up");
	ip("link add eth0 type veth peer name eth1 && ip link set eth0 addrgenmode none");
	ip("link set eth0 up && ip link set eth1 up");
	ip("addr add 10.0.0.5/32 dev eth0");
	ip("addr add 10.1.0.5/24 dev eth0");
	s = facts_open(NULL);
	expect_routes(s, false, "");
	later();
	/* as a cloud's DHCP client does it; the first is the kernel's own in the eyes of BIRD */
	ip("route add 10.0.0.1/32 dev eth0 proto kernel");
	ip("route add default via 10.0.0.1 dev eth0 proto dhcp metric 100");
	if (!wakes(s))
		_exit(2);
	expect_routes(s, true, cloud);
	/* at most once a second, whatever comes */
	ip("route add 10.9.0.0/16 via 10.0.0.1 dev eth0");
	if (wakes(s))
		_exit(3);
	expect_routes(s, false, cloud);
	ip("route del 10.9.0.0/16");
	later();
	expect_routes(s, false, cloud);
	later();
	if (wakes(s))
		_exit(4);
	/* what BIRD takes, and what has a worse metric; but not what is better than one BIRD takes */
	ip("route add 10.8.0.0/16 via 10.1.0.1");
	ip("route add 10.7.0.0/16 via 10.0.0.1 dev eth0 onlink");
	ip("route add 10.6.0.0/16 dev eth0");
	ip("route add 10.5.0.0/16 nexthop via 10.1.0.1 nexthop via 10.1.0.2");
	ip("route add 10.4.0.0/16 via 10.1.0.1 metric 10");
	ip("route add 10.4.0.0/16 via 10.0.0.1 dev eth0 metric 20");
	ip("route add default via 10.1.0.1 metric 200");
	ip("route add 10.3.0.0/16 via 10.0.0.1 dev eth0 table 77");
	ip("route add unreachable 10.2.0.0/16");
	if (!wakes(s))
		_exit(5);
	expect_routes(s, false, cloud);
	later();
	if (wakes(s))
		_exit(6);
	/* an IPv6 prefix that a router advertised to a node with a /128 */
	ip("addr add 2001:db8:1::5/128 dev eth0 nodad");
	ip("addr add fd07::5/64 dev eth0 nodad");
	ip("route add 2001:db8:1::/64 dev eth0 proto kernel");
	ip("route add fd00::1 dev eth0 proto static");
	ip("route add default via fd00::1 dev eth0 proto ra");
	ip("route add fe80::/64 dev eth0 proto kernel");
	expect_routes(s, true, six);
	/* a link that goes takes routes along without telling */
	later();
	ip("link set eth0 down");
	expect_routes(s, true, "");
	later();
	facts_close(s);
}

/* What BIRD writes wakes nobody, and is not kept; nor do many routes of others do harm. */
static void route_flood_child(void)
{
	struct facts_source *s;
	struct facts f = { 0 };
	unsigned reads;

	clock_fake(at_ms, 0);
	ip("link add eth0 type veth peer name eth1 && ip link set eth0 addrgenmode none");
	ip("link set eth0 up && ip link set eth1 up && ip addr add 10.0.0.5/32 dev eth0");
	ip("route add 10.0.0.1 dev eth0");
	s = facts_open(NULL);
	later();
	facts_run(s);
	later();
	reads = facts_reads(s);
	for (int other = 0; other < 2; other++) {
		char command[256];

		snprintf(
			command, sizeof command,
			"for i in $(seq 0 4999); do echo route add 11.$((i / 250)).$((i %% 250)).0/24 "
			"via 10.0.0.1 dev eth0 proto %s metric %d; done | ip -batch -",
			other ? "static" : "bird", 32 + other);
		if (system(command) != 0)
			_exit(9);
		for (int i = 0; i < 100; i++)
			facts_run(s);
		facts_get(s, &f);
		if (!other && (wakes(s) || facts_reads(s) != reads || f.n_routes))
			_exit(2);
	}
	if (facts_reads(s) != reads + 1 || f.n_routes != 1000 || f.n_routes_left != 4000)
		_exit(3);
	ip("route add 11.0.0.0/8 via 10.0.0.1 dev eth0"); /* a shorter one goes before them */
	clock_fake(at_ms + 1100, 0);
	if (wakes(s)) /* 10,000 routes: not so soon again */
		_exit(4);
	clock_fake(at_ms + 1600, 0);
	facts_run(s);
	facts_get(s, &f);
	if (facts_reads(s) != reads + 2 || f.n_routes != 1000 || f.n_routes_left != 4001 ||
	    f.routes[0].prefix.len != 8)
		_exit(5);
	facts_close(s);
}

static void in_namespace(void (*body)(void))
{
	pid_t child;
	int status;

	if (geteuid() != 0)
		fail_msg("this test needs root");
	child = fork();
	if (!child) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(77);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		fail_msg("this machine gives no network namespace");
	assert_int_equal(status, 0);
}

static void test_addresses(void **state)
{
	(void)state;
	in_namespace(addresses_child);
}

static void test_routes(void **state)
{
	(void)state;
	in_namespace(routes_child);
}

static void test_route_flood(void **state)
{
	(void)state;
	in_namespace(route_flood_child);
}

static void test_flood(void **state)
{
	(void)state;
	in_namespace(flood_child);
}

#define with_folder(test) cmocka_unit_test_setup_teardown(test, folder_open, folder_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_folder(test_secrets),	    with_folder(test_secret_large),
		with_folder(test_secret_where),	    with_folder(test_secret_refused), with_folder(test_rotation),
		with_folder(test_folder_later),	    cmocka_unit_test(test_no_folder),
		cmocka_unit_test(test_addresses),   cmocka_unit_test(test_flood),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_route_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
