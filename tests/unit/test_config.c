/* SPDX-License-Identifier: Apache-2.0 */
/* Which store: the URL that --store, the environment and a file of calicoctl's lead to. */
#include "local/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "environment.h"

#define HEAD "apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\nspec: "

static char folder[] = "/tmp/peerage-unit-XXXXXX";

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int folder_drop(void **state)
{
	(void)state;
	unlink("c.cfg");
	return chdir("/") || rmdir(folder);
}

/* clang-format off */
static const struct {
	const char *env[7], *store, *spec; /* SPEC: of the file c.cfg, given by --config */
	const char *url; /* FILE: "etcd:" and the absolute path of c.cfg; NULL: it fails */
	const char *words;
} cases[] = {
	{ {0}, "memory:x", "{datastoreType: kubernetes}", "memory:x", NULL },
	{ { "PEERAGE_STORE", "memory:y" }, NULL, "{datastoreType: kubernetes}", "memory:y", NULL },
	{ { "PEERAGE_STORE", "memory:y" }, "memory:x", NULL, "memory:x", NULL },
	{ { "PEERAGE_STORE", "etcd:a" }, NULL, NULL, "etcd:a", NULL },
	{ { "PEERAGE_STORE", "etcd:u:hunter2@a" }, NULL, NULL, NULL, "ETCD_USERNAME" },
	{ { "ETCD_ENDPOINTS", "b" }, "etcd:https://a:2379,b:2379", NULL, "etcd:https://a:2379,b:2379", NULL },
	{ { "ETCD_USERNAME", "u" }, "etcd:https://a", NULL, NULL, "ETCD_USERNAME is given without ETCD_PASSWORD" },
	{ {0}, "etcd:https://u:hunter2@a", NULL, NULL, "ETCD_USERNAME" },
	{ {0}, "etcd:", NULL, NULL, "neither ETCD_ENDPOINTS nor ETCD_DISCOVERY_SRV" },
	{ {0}, NULL, "{}", CONFIG_STORE_DEFAULT, NULL },
	{ {0}, NULL, "{datastoreType: kubernetes, etcdEndpoints: a}", "kubernetes:", NULL },
	{ {0}, NULL, "{kubeconfig: /x}", "kubernetes:", NULL },
	{ {0}, NULL, "{k8sAPIEndpoint: x}", "kubernetes:", NULL },
	{ {0}, NULL, "{datastoreType: etcdv3, etcdEndpoints: 'http://x'}", "FILE", NULL },
	{ {0}, NULL, "{etcdEndpoints: x, etcdUsername: u, etcdPassword: p}", "FILE", NULL },
	{ {0}, NULL, "{etcdDiscoverySrv: x}", "FILE", NULL },
	{ { "DATASTORE_TYPE", "kubernetes", "ETCD_USERNAME", "u" }, NULL, "{etcdEndpoints: x}", "FILE", NULL },
	{ { "ETCD_ENDPOINTS", "a" }, NULL, "{datastoreType: etcdv3}", NULL, "c.cfg: etcd has no endpoints" },
	{ {0}, NULL, "{etcdEndpoints: x, etcdUsername: u}", NULL, "c.cfg: spec.etcdUsername is given without" },
	{ {0}, NULL, "{etcdEndpoints: 'x:y'}", NULL, "c.cfg: spec.etcdEndpoints: the endpoint \"x:y\"" },
	{ {0}, NULL, "{datastoreType: nosuch}", NULL, "c.cfg: spec.datastoreType: \"nosuch\" is no datastore" },
	{ { "ETCD_ENDPOINTS", "a" }, NULL, "{}", "etcd:a", NULL },
	{ { "ETCD_ENDPOINTS", "https://a,b" }, NULL, "{}", "etcd:https://a,b", NULL },
	{ { "ETCD_DISCOVERY_SRV", "a" }, NULL, "{}", "etcd:", NULL },
	{ { "CALICO_ETCD_DISCOVERY_SRV", "a" }, NULL, "{}", "etcd:", NULL },
	{ { "DATASTORE_TYPE", "etcdv3", "ETCD_ENDPOINTS", "a" }, NULL, "{}", "etcd:a", NULL },
	{ { "DATASTORE_TYPE", "etcdv3" }, NULL, "{}", NULL, "neither ETCD_ENDPOINTS nor ETCD_DISCOVERY_SRV" },
	{ { "ETCD_ENDPOINTS", "a", "ETCD_DISCOVERY_SRV", "b" }, NULL, "{}", NULL, "are both given" },
	{ { "ETCD_ENDPOINTS", "https://u:hunter2@a" }, NULL, "{}", NULL, "ETCD_ENDPOINTS: an endpoint has no user" },
	{ { "ETCD_ENDPOINTS", "/etc/passwd" }, NULL, "{}", NULL, "ETCD_ENDPOINTS: the endpoint" },
	{ { "CALICO_DATASTORE_TYPE", "kubernetes", "DATASTORE_TYPE", "etcdv3" }, NULL, "{}", "kubernetes:", NULL },
	{ { "DATASTORE_TYPE", "nosuch" }, NULL, "{}", NULL, "DATASTORE_TYPE: \"nosuch\" is no datastore" },
	{ { "KUBECONFIG", "/x" }, NULL, "{}", CONFIG_STORE_DEFAULT, NULL },
};
/* clang-format on */

static void put(const char *spec)
{
	auto_arena struct arena a = { 0 };
	const char *text = arena_printf(&a, HEAD "%s\n", spec);
	struct err err;

	assert_true(file_write("c.cfg", text, strlen(text), 0600, (gid_t)-1, &err));
}

static void test_store_url(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_arena struct arena a = { 0 };
		auto_buf struct buf url = { 0 };
		struct config_sources from = { cases[i].store, cases[i].spec ? "c.cfg" : NULL };
		const char *want = cases[i].url;
		struct err err = { 0 };
		bool ok;

		environment(cases[i].env);
		if (cases[i].spec)
			put(cases[i].spec);
		if (str_eq(want, "FILE"))
			want = arena_printf(&a, "etcd:%s/c.cfg", folder);
		ok = config_store_url(&from, &url, &err);
		if (ok != !!want || (ok ? !str_eq(buf_text(&url), want) :
					  !strstr(err.words, cases[i].words)) ||
		    strstr(err.words, "hunter2"))
			fail_msg("%zu: %s", i, ok ? buf_text(&url) : err.words);
	}
}

static void test_paths(void **state)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf url = { 0 };
	const char *here = arena_printf(&a, "etcd:%s/c.cfg", folder);
	struct config_sources from = { 0 };
	struct err err = { 0 };

	(void)state;
	environment((const char *[]){ NULL });
	put("{etcdEndpoints: x}");
	from.file = arena_printf(&a, "//%s/c.cfg", folder);
	assert_true(config_store_url(&from, &url, &err));
	assert_string_equal(url.at, here);
	assert_int_equal(chdir("/"), 0);
	from.file = here + strlen("etcd:/");
	assert_true(config_store_url(&from, &url, &err));
	assert_string_equal(url.at, here);
	assert_int_equal(chdir(folder), 0);
}

/* What can be read only once does not do for a store that is opened again. */
static void test_pipe(void **state)
{
	auto_buf struct buf url = { 0 };
	struct config_sources from = { 0 };
	struct err err = { 0 };
	char text[] = HEAD "{etcdEndpoints: x}\n", path[32];
	int ends[2];

	(void)state;
	environment((const char *[]){ NULL });
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, sizeof text - 1), sizeof text - 1);
	close(ends[1]);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	from.file = path;
	assert_false(config_store_url(&from, &url, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.words, "must be a file that stays"));
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_url),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_pipe),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
