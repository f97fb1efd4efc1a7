/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "environment.h"

#define HEAD "apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\nspec:\n"
#define L63  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char path[] = "/tmp/peerage-unit-XXXXXX";

static int file_make(void **state)
{
	(void)state;
	close(mkstemp(path));
	return 0;
}

static int file_drop(void **state)
{
	(void)state;
	return unlink(path);
}

static void put(const char *text)
{
	struct err err;

	assert_true(file_write(path, text, strlen(text), 0600, (gid_t)-1, &err));
}

/* clang-format off */
static const struct {
	const char *text;
	bool tls_default;
	const char *want, *host; /* host NULL: refused, with WANT in the words */
} endpoints[] = {
	{ "a",                      false, "http://a:2379",               "a" },
	{ "a",                      true,  "https://a:2379",              "a" },
	{ "http://a",               true,  "http://a:2379",               "a" },
	{ "https://a:1",            false, "https://a:1",                 "a" },
	{ "https://a:65535/",       false, "https://a:65535",             "a" },
	{ "HTTPS://Etcd-1.Example.COM.:2379", false, "https://etcd-1.example.com:2379", "etcd-1.example.com" },
	{ "_x.y_z",                 false, "http://_x.y_z:2379",          "_x.y_z" },
	{ "1st.example",            false, "http://1st.example:2379",     "1st.example" },
	{ L63 "." L63 "." L63,      false, "http://" L63 "." L63 "." L63 ":2379", L63 "." L63 "." L63 },
	{ "10.0.0.1",               false, "http://10.0.0.1:2379",        "10.0.0.1" },
	{ "https://10.0.0.1:4001/", false, "https://10.0.0.1:4001",       "10.0.0.1" },
	{ "[::1]",                  false, "http://[::1]:2379",           "::1" },
	{ "https://[FD00:0::1]:7/", false, "https://[fd00::1]:7",         "fd00::1" },
	{ "[fe80::1%eth0]",         false, "http://[fe80::1%eth0]:2379",  "fe80::1%eth0" },
	{ "[fe80::1%25eth0]:5",     false, "http://[fe80::1%eth0]:5",     "fe80::1%eth0" },
	{ "[fe80::1%25]:5",         false, "http://[fe80::1%25]:5",       "fe80::1%25" },
	{ "",                       false, "is empty", NULL },
	{ "http://",                false, "has no host", NULL },
	{ "http://:2379",           false, "has no host", NULL },
	{ "/",                      false, "has no host", NULL },
	{ "a:",                     false, "has no port", NULL },
	{ "a:0",                    false, "has no port", NULL },
	{ "a:02379",                false, "has no port", NULL },
	{ "a:65536",                false, "has no port", NULL },
	{ "a:99999999999999999999", false, "has no port", NULL },
	{ "a:-1",                   false, "has no port", NULL },
	{ "a:+1",                   false, "has no port", NULL },
	{ "a: 1",                   false, "has no port", NULL },
	{ "a:etcd",                 false, "has no port", NULL },
	{ "https:a",                false, "has no port", NULL },
	{ "a/b",                    false, "more than a host", NULL },
	{ "a//",                    false, "more than a host", NULL },
	{ "http://a/v3/",           false, "more than a host", NULL },
	{ "http://a?x",             false, "more than a host", NULL },
	{ "http://a#x",             false, "more than a host", NULL },
	{ "http://http://a",        false, "more than a host", NULL },
	{ "unix:/run/etcd.sock",    false, "more than a host", NULL },
	{ "unix:///run/etcd.sock",  false, "is neither http:// nor https://", NULL },
	{ "ftp://a",                false, "is neither http:// nor https://", NULL },
	{ "://a",                   false, "is neither http:// nor https://", NULL },
	{ " http://a",              false, "is neither http:// nor https://", NULL },
	{ "fd00::1",                false, "as in [fd00::1]:2379", NULL },
	{ "http://fd00::1:2379",    false, "as in [fd00::1]:2379", NULL },
	{ "::",                     false, "as in [fd00::1]:2379", NULL },
	{ "a:1:2",                  false, "many colons", NULL },
	{ "[",                      false, "in its brackets", NULL },
	{ "[]",                     false, "in its brackets", NULL },
	{ "[::1",                   false, "in its brackets", NULL },
	{ "[::1]2379",              false, "in its brackets", NULL },
	{ "[::1]:",                 false, "in its brackets", NULL },
	{ "[::1]:0",                false, "in its brackets", NULL },
	{ "[::1]]",                 false, "in its brackets", NULL },
	{ "[10.0.0.1]",             false, "in its brackets", NULL },
	{ "[etcd]",                 false, "in its brackets", NULL },
	{ "[fe80::1%]",             false, "in its brackets", NULL },
	{ "[fe80::1%eth0;x]",       false, "in its brackets", NULL },
	{ "[fe80::1%aaaaaaaaaaaaaaaa]", false, "in its brackets", NULL },
	{ "::1]",                   false, "many colons", NULL },
	{ "a]",                     false, "neither a name nor an address", NULL },
	{ "10.0.0",                 false, "neither a name nor an address", NULL },
	{ "10.0.0.256",             false, "neither a name nor an address", NULL },
	{ "10.0.0.01",              false, "neither a name nor an address", NULL },
	{ "2379",                   false, "neither a name nor an address", NULL },
	{ "a.1.",                   false, "neither a name nor an address", NULL },
	{ ".",                      false, "neither a name nor an address", NULL },
	{ ".a",                     false, "neither a name nor an address", NULL },
	{ "a..b",                   false, "neither a name nor an address", NULL },
	{ "a..",                    false, "neither a name nor an address", NULL },
	{ "-a",                     false, "neither a name nor an address", NULL },
	{ "a b",                    false, "neither a name nor an address", NULL },
	{ "a%eth0",                 false, "neither a name nor an address", NULL },
	{ "a\nb",                   false, "\"a b\"", NULL },
	{ "a\033[2J",               false, "\"a [2J\"", NULL },
	{ "b\xc3\xbc" "cher",       false, "\"b\xc3\xbc" "cher\"", NULL },
	{ "a\xff",                  false, "\"a\xef\xbf\xbd\"", NULL },
	{ L63 "a",                  false, "neither a name nor an address", NULL },
	{ L63 "." L63 "." L63 "." L63, false, "neither a name nor an address", NULL },
	{ "https://root:hunter2@a", false, "ETCD_USERNAME", NULL },
	{ "hunter2@",               false, "ETCD_USERNAME", NULL },
};
/* clang-format on */

static void test_endpoint(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(endpoints); i++) {
		auto_arena struct arena a = { 0 };
		struct channel_endpoint e = { 0 };
		struct err err = { 0 };
		size_t len = strlen(endpoints[i].text);
		char *exact = mem_alloc(len + 1); /* nothing behind LEN is read */
		bool ok;

		memcpy(exact, endpoints[i].text, len);
		exact[len] = '8';
		ok = etcd_endpoint_parse(exact, len, endpoints[i].tls_default, &a, &e, &err);
		free(exact);
		if (ok != !!endpoints[i].host)
			fail_msg("\"%s\": %s", endpoints[i].text, ok ? e.text : err.words);
		if (!ok && (!strstr(err.words, endpoints[i].want) || err.kind != ERR_USAGE ||
			    strstr(err.words, "hunter2")))
			fail_msg("\"%s\": %s", endpoints[i].text, err.words);
		if (ok && (!str_eq(e.text, endpoints[i].want) || !str_eq(e.host, endpoints[i].host) ||
			   e.tls != !strncmp(e.text, "https", 5) ||
			   e.port != atoi(strrchr(e.text, ':') + 1)))
			fail_msg("\"%s\": %s, %s", endpoints[i].text, e.text, e.host);
	}
}

static void test_endpoint_nul(void **state)
{
	auto_arena struct arena a = { 0 };
	struct channel_endpoint e;
	struct err err = { 0 };

	(void)state;
	assert_false(etcd_endpoint_parse("a\0b", 3, false, &a, &e, &err));
	assert_non_null(strstr(err.words, "NUL"));
}

/* clang-format off */
/* Variables in pairs, WHERE, and what is shown or (FAILS) said. */
static const struct {
	const char *env[9], *file, *where; /* WHERE NULL: that of the file with FILE in it */
	bool fails;
	const char *want;
	bool tls;
} loads[] = {
	{ {0}, NULL, "a", false, "etcd:http://a:2379", false },
	{ {0}, NULL, "https://a,b:1,http://c,d", false, "etcd:https://a:2379,https://b:1,http://c:2379,http://d:2379", true },
	{ {0}, NULL, " a , b\t,\nc\n", false, "etcd:http://a:2379,http://b:2379,http://c:2379", false },
	{ {0}, NULL, "a,A:2379,http://a/,https://a", false, "etcd:http://a:2379,https://a:2379", true },
	{ {0}, NULL, "a,", true, "is empty", false },
	{ {0}, NULL, ",a", true, "is empty", false },
	{ {0}, NULL, "a, ,b", true, "is empty", false },
	{ {0}, NULL, " ", true, "is empty", false },
	{ {0}, NULL, "a;b", true, "the endpoint \"a;b\"", false },
	{ {0}, NULL, "https://root:hunter2,x@a", true, "ETCD_USERNAME", false },
	{ {0}, NULL, "//a:2379", true, "etcd:https://HOST:PORT, not etcd://", false },
	{ {0}, NULL, "/nonexistent/cfg", true, "/nonexistent/cfg", false },
	{ {0}, NULL, "./nonexistent/cfg", true, "./nonexistent/cfg", false },
	{ {0}, NULL, "../nonexistent", true, "../nonexistent", false },
	{ {0}, NULL, "", true, "neither ETCD_ENDPOINTS nor ETCD_DISCOVERY_SRV", false },
	{ { "ETCD_ENDPOINTS", "https://a" }, NULL, "", false, "etcd:https://a:2379", true },
	{ { "ETCD_ENDPOINTS", "a:x" }, NULL, "", true, "ETCD_ENDPOINTS: the endpoint \"a:x\" has no port", false },
	{ { "CALICO_ETCD_ENDPOINTS", "a:x" }, NULL, "", true, "CALICO_ETCD_ENDPOINTS: the endpoint", false },
	{ { "ETCD_ENDPOINTS", "b:x", "ETCD_DISCOVERY_SRV", "x" }, NULL, "a", false, "etcd:http://a:2379", false },
	{ { "ETCD_ENDPOINTS", "b", "ETCD_DISCOVERY_SRV", "x" }, NULL, "", true, "are both given", false },
	{ { "ETCD_DISCOVERY_SRV", "example.com" }, NULL, "", false, "etcd:srv:example.com", false },
	{ { "ETCD_DISCOVERY_SRV", "example.com", "ETCD_CA_CERT_FILE", "/ca" }, NULL, "", false, "etcd:srv:example.com", true },
	{ { "ETCD_DISCOVERY_SRV", "https://example.com" }, NULL, "", true, "ETCD_DISCOVERY_SRV: must be a domain", false },
	{ { "ETCD_DISCOVERY_SRV", "a@b" }, NULL, "", true, "ETCD_DISCOVERY_SRV: must be a domain", false },
	{ { "ETCD_USERNAME", "u" }, NULL, "a", true, "ETCD_USERNAME is given without ETCD_PASSWORD", false },
	{ { "ETCD_ENDPOINTS", "b:x", "ETCD_USERNAME", "u" }, "etcdEndpoints: 'https://a'", NULL, false, "etcd:https://a:2379", true },
	{ { "DATASTORE_TYPE", "kubernetes" }, NULL, "a", false, "etcd:http://a:2379", false },
	{ {0}, "{datastoreType: etcdv3, etcdDiscoverySrv: a.b., etcdCert: c, etcdKey: k}", NULL, false, "etcd:srv:a.b.", true },
	{ {0}, "{datastoreType: kubernetes, etcdEndpoints: a}", NULL, true, "spec.datastoreType: must be etcdv3", false },
	{ { "ETCD_ENDPOINTS", "a" }, "{datastoreType: etcdv3}", NULL, true, "neither spec.etcdEndpoints", false },
	{ {0}, "{etcdEndpoints: 'a,root:hunter2@b'}", NULL, true, "spec.etcdEndpoints: an endpoint has no user", false },
	{ {0}, "{etcdPassword: hunter2, etcdEndpoints: a}", NULL, true, "spec.etcdPassword is given without", false },
	{ {0}, "{etcdPassword: [hunter2]}", NULL, true, "spec.etcdPassword: needs a string", false },
};
/* clang-format on */

static void test_load(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(loads); i++) {
		auto_arena struct arena a = { .secret = true };
		const char *where = loads[i].where ? loads[i].where : path;
		struct etcd_config c;
		struct err err = { 0 };
		bool ok;

		environment(loads[i].env);
		if (loads[i].file)
			put(arena_printf(&a, HEAD "  %s\n", loads[i].file));
		ok = etcd_config_load(where, &a, &c, &err);
		if (ok == loads[i].fails || (ok ? !str_eq(c.shown, loads[i].want) :
						  !strstr(err.words, loads[i].want)))
			fail_msg("%zu: \"%s\": %s", i, where, ok ? c.shown : err.words);
		if (ok && (c.tls != loads[i].tls || !c.n_endpoints != !!c.discovery_srv))
			fail_msg("%zu: \"%s\": tls %d", i, where, c.tls);
		if (!ok && (strstr(err.words, "hunter2") ||
			    (!loads[i].where && strncmp(err.words, path, strlen(path)) != 0)))
			fail_msg("%zu: %s", i, err.words);
	}
}

static void test_credentials(void **state)
{
	auto_arena struct arena a = { .secret = true };
	struct etcd_config c;
	struct err err;

	(void)state;
	environment((const char *[]){ "ETCD_USERNAME", "u", "ETCD_PASSWORD", "p",
				      "ETCD_CA_CERT_FILE", "/ca", "ETCD_CERT_FILE", "/cert",
				      "ETCD_KEY_FILE", "/key", NULL });
	assert_true(etcd_config_load("https://a", &a, &c, &err));
	setenv("ETCD_PASSWORD", "another", 1);
	assert_string_equal(c.username, "u");
	assert_string_equal(c.password, "p");
	assert_string_equal(c.tls_options.ca_file, "/ca");
	assert_string_equal(c.tls_options.cert_file, "/cert");
	assert_string_equal(c.tls_options.key_file, "/key");
	assert_null(c.tls_options.ca_pem);
	put(HEAD "  {etcdEndpoints: a, etcdUsername: v, etcdPassword: q, etcdKey: k, etcdCert: c, "
		 "etcdCACert: ca}\n");
	assert_true(etcd_config_load(path, &a, &c, &err));
	assert_string_equal(c.username, "v");
	assert_string_equal(c.password, "q");
	assert_null(c.tls_options.ca_file);
	assert_string_equal(c.tls_options.ca_pem, "ca");
	assert_string_equal(c.tls_options.cert_pem, "c");
	assert_string_equal(c.tls_options.key_pem, "k");
	assert_false(c.tls);
}

static void test_many(void **state)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf list = { 0 };
	struct etcd_config c;
	struct err err = { 0 };

	(void)state;
	environment((const char *[]){ NULL });
	for (int i = 0; i < 64; i++)
		buf_printf(&list, "%sa:%d", i ? "," : "", i + 1);
	assert_true(etcd_config_load(list.at, &a, &c, &err));
	assert_int_equal(c.n_endpoints, 64);
	buf_str(&list, ",a:1");
	assert_true(etcd_config_load(list.at, &a, &c, &err));
	buf_str(&list, ",a:65");
	assert_false(etcd_config_load(list.at, &a, &c, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoint),    cmocka_unit_test(test_endpoint_nul),
		cmocka_unit_test(test_load),	    cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, file_make, file_drop);
}
