/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/config.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/text.h"
#include "base/yaml.h"

#define CONFIG_FILE_MAX (1u << 20)
#define NODENAME_FILE	"/var/lib/calico/nodename"

/* spec of CalicoAPIConfig (compat 8.5). */
static const char *const spec_keys[] = { "datastoreType",
					 "etcdEndpoints",
					 "etcdDiscoverySrv",
					 "etcdUsername",
					 "etcdPassword",
					 "etcdKeyFile",
					 "etcdCertFile",
					 "etcdCACertFile",
					 "etcdKey",
					 "etcdCert",
					 "etcdCACert",
					 "kubeconfig",
					 "k8sAPIEndpoint",
					 "k8sKeyFile",
					 "k8sCertFile",
					 "k8sCAFile",
					 "k8sAPIToken",
					 "k8sInsecureSkipTLSVerify",
					 "k8sDisableNodePoll",
					 "usePodCIDR",
					 "kubeconfigInline",
					 "k8sClientQPS",
					 "k8sClientBurst",
					 "k8sCurrentContext",
					 "calicoAPIGroup",
					 NULL };
static const char *const top_keys[] = { "apiVersion", "kind", "metadata", "spec", NULL };

static bool file_url(const char *path, struct buf *url, struct err *err);
static bool document_url(const char *path, const struct value *doc, struct buf *url,
			 struct err *err);
static bool keys_known(const char *path, const struct value *map, const char *where,
		       const char *const *keys, struct err *err);
static bool type_url(const char *type, const char *endpoints, struct buf *url, struct err *err);
static const char *environment(const char *name);

bool config_store_url(const struct config_sources *from, struct buf *url, struct err *err)
{
	const char *store = from->store ? from->store : getenv("PEERAGE_STORE");
	const char *file = from->file ? from->file : CONFIG_FILE;
	const char *type, *endpoints;

	buf_clear(url);
	if (!str_empty(store)) {
		buf_str(url, store);
		return true;
	}
	if (from->file || access(file, F_OK) == 0) {
		if (!file_url(file, url, err))
			return false;
		if (url->len)
			return true;
	}
	type = environment("DATASTORE_TYPE");
	endpoints = environment("ETCD_ENDPOINTS");
	if (!type_url(type, endpoints, url, err))
		return err_wrap(err, "DATASTORE_TYPE");
	if (!url->len)
		buf_str(url, CONFIG_STORE_DEFAULT);
	return true;
}

bool config_node_name(const char *option, struct buf *name, struct err *err)
{
	auto_arena struct arena a = { 0 };
	const char *text = option ? option : getenv("NODENAME");
	char host[HOST_NAME_MAX + 1] = "";
	struct err none = { 0 };
	size_t len = 0;

	buf_clear(name);
	if (str_empty(text))
		text = file_read(NODENAME_FILE, CONFIG_FILE_MAX, &a, &len, &none);
	if (str_empty(text) && gethostname(host, sizeof host - 1) == 0) {
		for (char *c = host; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		text = host;
	}
	while (text && *text && isspace((unsigned char)*text))
		text++;
	len = text ? strlen(text) : 0;
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (!len)
		return err_set(err, ERR_USAGE, "the name of this node is not known; give --node");
	buf_add(name, text, len);
	return true;
}

bool config_router_id(const char **ret, struct err *err)
{
	const char *text = getenv("CALICO_ROUTER_ID");
	struct ip ip;

	*ret = str_empty(text) ? NULL : text;
	if (!*ret || str_eq(text, "hash") || (ip_parse(text, &ip) && ip.family == 4))
		return true;
	return err_set(err, ERR_USAGE, "CALICO_ROUTER_ID=%.60s: it is an IPv4 address, or \"hash\"",
		       text);
}

/* Leaves URL empty when the file names no datastore. */
static bool file_url(const char *path, struct buf *url, struct err *err)
{
	auto_arena struct arena a = { .secret = true };
	struct diags d = { .arena = &a, .file = path };
	const struct value *doc;
	struct yaml *yaml;
	const char *text;
	size_t len;

	text = file_read(path, CONFIG_FILE_MAX, &a, &len, err);
	if (!text)
		return err_argument(err);
	yaml = yaml_open(text, len);
	doc = yaml_next(yaml, &a, &d);
	yaml_close(yaml);
	if (d.n_errors) {
		auto_buf struct buf words = { 0 };

		diag_print(&d.items[0], &words);
		return err_set(err, ERR_INVALID, "%s", buf_text(&words));
	}
	return document_url(path, doc, url, err);
}

static bool document_url(const char *path, const struct value *doc, struct buf *url,
			 struct err *err)
{
	const struct value *spec = value_get(doc, "spec");
	const char *type = value_str(spec, "datastoreType");
	const char *endpoints = value_str(spec, "etcdEndpoints");

	if (!doc || doc->type != VALUE_MAP)
		return err_set(err, ERR_INVALID, "%s: is not a CalicoAPIConfig", path);
	if (!str_eq(value_str(doc, "kind"), "CalicoAPIConfig"))
		return err_set(err, ERR_INVALID, "%s: kind must be CalicoAPIConfig", path);
	if (!str_eq(value_str(doc, "apiVersion"), "projectcalico.org/v3"))
		return err_set(err, ERR_INVALID, "%s: apiVersion must be projectcalico.org/v3",
			       path);
	if (!keys_known(path, doc, "", top_keys, err) ||
	    !keys_known(path, spec, "spec.", spec_keys, err))
		return false;
	if (!type)
		type = !str_empty(endpoints) ? "etcdv3" :
		       value_get(spec, "kubeconfig") || value_get(spec, "k8sAPIEndpoint") ||
				       value_get(spec, "kubeconfigInline") ?
					       "kubernetes" :
					       NULL;
	return type_url(type, endpoints, url, err) || err_wrap(err, "%s: spec.datastoreType", path);
}

static bool keys_known(const char *path, const struct value *map, const char *where,
		       const char *const *keys, struct err *err)
{
	if (!map || map->type == VALUE_NULL)
		return true;
	if (map->type != VALUE_MAP)
		return err_set(err, ERR_INVALID, "%s:%u:%u: spec: needs a map", path, map->line,
			       map->column);
	for (uint32_t i = 0; i < map->n; i++) {
		const struct member *m = &map->members[i];
		const char *near = name_suggest(keys, m->key);

		if (name_find(keys, m->key, -1) < 0)
			return err_set(err, ERR_INVALID,
				       "%s:%u:%u: %s%.60s: there is no such field%s%s%s", path,
				       m->line, m->column, where, m->key,
				       near ? "; did you mean \"" : "", near ? near : "",
				       near ? "\"?" : "");
	}
	return true;
}

static bool type_url(const char *type, const char *endpoints, struct buf *url, struct err *err)
{
	if (str_empty(type))
		type = str_empty(endpoints) ? "" : "etcdv3";
	if (str_eq(type, "etcdv3"))
		buf_printf(url, "etcd:%s", endpoints ? endpoints : "");
	else if (str_eq(type, "kubernetes"))
		buf_str(url, "kubernetes:");
	else if (*type)
		return err_set(err, ERR_USAGE,
			       "\"%.60s\" is no datastore; it is etcdv3 or kubernetes", type);
	return true;
}

/* With CALICO_ in front it wins, as in Calico. */
static const char *environment(const char *name)
{
	char long_name[64];
	const char *value;

	snprintf(long_name, sizeof long_name, "CALICO_%s", name);
	value = getenv(long_name);
	return str_empty(value) ? getenv(name) : value;
}
