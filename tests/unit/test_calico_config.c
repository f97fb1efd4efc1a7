/* SPDX-License-Identifier: Apache-2.0 */
#include "store/calico_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "environment.h"

#define HEAD "apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\nmetadata:\n"

static char path[] = "/tmp/peerage-unit-XXXXXX";

static void put(const char *text, size_t len)
{
	struct err err;

	assert_true(file_write(path, text, len, 0600, (gid_t)-1, &err));
}

static bool read_text(const char *text, struct calico_config *c, struct arena *a, struct err *err)
{
	put(text, strlen(text));
	return calico_config_file(path, c, a, err);
}

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

static void test_all_keys(void **state)
{
	auto_arena struct arena a = { .secret = true };
	struct calico_config c;
	struct err err;

	(void)state;
	assert_true(read_text(HEAD "spec:\n"
				   "  datastoreType: etcdv3\n"
				   "  etcdEndpoints: https://a:2379\n"
				   "  etcdDiscoverySrv: example.com\n"
				   "  etcdUsername: root\n"
				   "  etcdPassword: 'p: w'\n"
				   "  etcdKeyFile: /k\n"
				   "  etcdCertFile: /c\n"
				   "  etcdCACertFile: /ca\n"
				   "  etcdKey: |\n    -----BEGIN\n    key\n"
				   "  etcdCert: cert\n"
				   "  etcdCACert: ''\n"
				   "  kubeconfig: null\n"
				   "  k8sAPIEndpoint: https://k\n"
				   "  kubeconfigInline: '{}'\n"
				   "  k8sKeyFile: x\n"
				   "  k8sCertFile: x\n"
				   "  k8sCAFile: x\n"
				   "  k8sAPIToken: x\n"
				   "  k8sInsecureSkipTLSVerify: true\n"
				   "  k8sDisableNodePoll: false\n"
				   "  usePodCIDR: true\n"
				   "  k8sClientQPS: 1.5\n"
				   "  k8sClientBurst: 5\n"
				   "  k8sCurrentContext: x\n"
				   "  calicoAPIGroup: x\n",
			      &c, &a, &err));
	assert_string_equal(c.file, path);
	assert_string_equal(c.datastore_type, "etcdv3");
	assert_string_equal(c.etcd_endpoints, "https://a:2379");
	assert_string_equal(c.etcd_discovery_srv, "example.com");
	assert_string_equal(c.etcd_username, "root");
	assert_string_equal(c.etcd_password, "p: w");
	assert_string_equal(c.etcd_key_file, "/k");
	assert_string_equal(c.etcd_cert_file, "/c");
	assert_string_equal(c.etcd_ca_cert_file, "/ca");
	assert_string_equal(c.etcd_key, "-----BEGIN\nkey\n");
	assert_string_equal(c.etcd_cert, "cert");
	assert_null(c.etcd_ca_cert);
	assert_null(c.kubeconfig);
	assert_string_equal(c.k8s_api_endpoint, "https://k");
	assert_string_equal(c.kubeconfig_inline, "{}");
}

/* clang-format off */
static const struct {
	const char *text, *words; /* words NULL: accepted */
} files[] = {
	{ HEAD,                                 NULL },
	{ HEAD "spec:\n",                       NULL },
	{ HEAD "spec: {}\n",                    NULL },
	{ "{\"apiVersion\": \"projectcalico.org/v3\", \"kind\": \"CalicoAPIConfig\"}", NULL },
	{ "",                                   ": is not a CalicoAPIConfig" },
	{ "# nothing\n",                        ": is not a CalicoAPIConfig" },
	{ "- a\n",                              ": is not a CalicoAPIConfig" },
	{ "kind: Node\n",                       ": kind must be CalicoAPIConfig" },
	{ "kind: CalicoAPIConfig\n",            ": apiVersion must be projectcalico.org/v3" },
	{ "kind: [CalicoAPIConfig]\n",          ": kind must be CalicoAPIConfig" },
	{ HEAD "spce: {}\n",                    ":4:1: spce: there is no such field; did you mean \"spec\"?" },
	{ HEAD "spec: 7\n",                     ":4:7: spec: needs a map" },
	{ HEAD "spec: {\n",                     ":5:1: " },
	{ HEAD "spec:\n  etcdEndpoint: x\n",    ":5:3: spec.etcdEndpoint: there is no such field; did you mean \"etcdEndpoints\"?" },
	{ HEAD "spec:\n  x: 1\n",               ":5:3: spec.x: there is no such field" },
	{ HEAD "spec:\n  \"a\\eb\": 1\n",       ":5:3: spec.a b: there is no such field" },
	{ HEAD "spec:\n  etcdPassword: 4711\n", ":5:17: spec.etcdPassword: needs a string, not a whole number; put it in quotes" },
	{ HEAD "spec:\n  etcdUsername: yes\n  etcdPassword: true\n",
	                                        ":6:17: spec.etcdPassword: needs a string, not true or false; put it in quotes" },
	{ HEAD "spec:\n  etcdEndpoints: [a, b]\n", ":5:18: spec.etcdEndpoints: needs a string, not a list" },
	{ HEAD "spec:\n  etcdUsername: a\n  etcdUsername: b\n", ":6:3: " },
};
/* clang-format on */

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(files); i++) {
		auto_arena struct arena a = { .secret = true };
		struct calico_config c;
		struct err err = { 0 };
		bool ok = read_text(files[i].text, &c, &a, &err);

		if (ok != !files[i].words ||
		    (!ok && (strncmp(err.words, path, strlen(path)) != 0 ||
			     strncmp(err.words + strlen(path), files[i].words,
				     strlen(files[i].words)) != 0 ||
			     err.kind != ERR_INVALID || strstr(err.words, "4711"))))
			fail_msg("%s: %s", files[i].text, ok ? "accepted" : err.words);
	}
}

static void test_no_file(void **state)
{
	auto_arena struct arena a = { 0 };
	struct calico_config c;
	struct err err = { 0 };
	size_t big = (1u << 20) + 1;
	char *blanks = arena_alloc(&a, big);

	(void)state;
	assert_false(calico_config_file("/nonexistent/x.cfg", &c, &a, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.words, "/nonexistent/x.cfg"));
	put(memset(blanks, ' ', big), big);
	assert_false(calico_config_file(path, &c, &a, &err));
	assert_int_equal(err.kind, ERR_INVALID);
}

/* clang-format off */
static const char *const variables[] = {
	"ETCD_ENDPOINTS", "short",    "CALICO_ETCD_ENDPOINTS", "long",
	"ETCD_USERNAME", "short",     "CALICO_ETCD_USERNAME", "",
	"CALICO_ETCD_PASSWORD", "long",
	"ETCD_CA_CERT_FILE", "",
	"ETCD_KEY", "only in the file",
	"KUBECONFIG", "/k",
	NULL
};
/* clang-format on */

static void test_environment(void **state)
{
	struct calico_config c;

	(void)state;
	environment(variables);
	calico_config_environment(&c);
	assert_null(c.file);
	assert_string_equal(c.etcd_endpoints, "long");
	assert_string_equal(c.etcd_username, "short");
	assert_string_equal(c.etcd_password, "long");
	assert_null(c.etcd_ca_cert_file);
	assert_null(c.etcd_key);
	assert_string_equal(c.kubeconfig, "/k");
}

/* clang-format off */
static const struct {
	struct calico_config c;
	const char *words; /* NULL: they go together */
} rules[] = {
	{ { .etcd_endpoints = "a" }, NULL },
	{ { .etcd_discovery_srv = "a" }, NULL },
	{ { .etcd_endpoints = "a", .etcd_username = "u", .etcd_password = "secret" }, NULL },
	{ { .etcd_endpoints = "a", .etcd_ca_cert_file = "f", .etcd_cert_file = "f", .etcd_key_file = "f" }, NULL },
	{ { .etcd_endpoints = "a", .etcd_ca_cert = "t", .etcd_cert = "t", .etcd_key = "t", .file = "F" }, NULL },
	{ { .etcd_endpoints = "a", .etcd_ca_cert_file = "f" }, NULL },
	{ { 0 }, "etcd has no endpoints: neither ETCD_ENDPOINTS nor ETCD_DISCOVERY_SRV is given" },
	{ { .file = "F" }, "F: etcd has no endpoints: neither spec.etcdEndpoints nor spec.etcdDiscoverySrv is given" },
	{ { .etcd_endpoints = "a", .etcd_discovery_srv = "b" },
	  "ETCD_ENDPOINTS and ETCD_DISCOVERY_SRV are both given" },
	{ { .etcd_endpoints = "a", .etcd_discovery_srv = "b", .file = "F" },
	  "F: spec.etcdEndpoints and spec.etcdDiscoverySrv are both given" },
	{ { .etcd_endpoints = "a", .etcd_username = "u" }, "ETCD_USERNAME is given without CALICO_ETCD_PASSWORD" },
	{ { .etcd_endpoints = "a", .etcd_password = "secret" }, "CALICO_ETCD_PASSWORD is given without ETCD_USERNAME" },
	{ { .etcd_endpoints = "a", .etcd_password = "secret", .file = "F" },
	  "F: spec.etcdPassword is given without spec.etcdUsername" },
	{ { .etcd_endpoints = "a", .etcd_key_file = "f" }, "ETCD_KEY_FILE is given without ETCD_CERT_FILE" },
	{ { .etcd_endpoints = "a", .etcd_cert = "t", .file = "F" }, "F: spec.etcdCert is given without spec.etcdKey" },
	{ { .etcd_endpoints = "a", .etcd_ca_cert_file = "f", .etcd_cert = "t", .etcd_key = "t", .file = "F" },
	  "F: spec.etcdCACertFile and spec.etcdCert are both given" },
};
/* clang-format on */

static void test_rules(void **state)
{
	(void)state;
	/* the words have the variable that is set */
	environment((const char *[]){ "CALICO_ETCD_PASSWORD", "secret", NULL });
	for (size_t i = 0; i < lengthof(rules); i++) {
		struct err err = { 0 };
		bool ok = calico_config_check_etcd(&rules[i].c, &err);

		if (ok != !rules[i].words ||
		    (!ok && (strncmp(err.words, rules[i].words, strlen(rules[i].words)) != 0 ||
			     err.kind != ERR_USAGE || strstr(err.words, "secret"))))
			fail_msg("%zu: %s", i, ok ? "accepted" : err.words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys),    cmocka_unit_test(test_files),
		cmocka_unit_test(test_no_file),	    cmocka_unit_test(test_environment),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, file_make, file_drop);
}
