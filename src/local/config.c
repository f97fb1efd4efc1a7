/* SPDX-License-Identifier: Apache-2.0 */
#include "local/config.h"

#include <ctype.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/ip.h"
#include "store/calico_config.h"
#include "store/etcd_config.h"

#define NODENAME_FILE "/var/lib/calico/nodename"
#define NODENAME_MAX  (1u << 20)
#define ETCD	      "etcd:"

static bool configured_url(const struct calico_config *c, struct buf *url, struct err *err);
static bool etcd_url(const struct calico_config *c, struct buf *url, struct err *err);
static bool etcd_loads(const char *where, struct err *err);

bool config_store_url(const struct config_sources *from, struct buf *url, struct err *err)
{
	const char *store = from->store ? from->store : getenv("PEERAGE_STORE");
	const char *file = from->file ? from->file : CONFIG_FILE;
	auto_arena struct arena a = { .secret = true };
	struct calico_config c;

	buf_clear(url);
	if (!str_empty(store)) {
		buf_str(url, store);
		return strncmp(store, ETCD, strlen(ETCD)) != 0 ||
		       etcd_loads(store + strlen(ETCD), err);
	}
	if (from->file || access(file, F_OK) == 0) {
		if (!calico_config_file(file, &c, &a, err) || !configured_url(&c, url, err))
			return false;
		if (url->len)
			return true;
	}
	calico_config_environment(&c);
	if (!configured_url(&c, url, err))
		return false;
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
		text = file_read(NODENAME_FILE, NODENAME_MAX, &a, &len, &none);
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

/* Leaves URL empty when C names no datastore. */
static bool configured_url(const struct calico_config *c, struct buf *url, struct err *err)
{
	const char *type = c->datastore_type;

	if (!type && (c->etcd_endpoints || c->etcd_discovery_srv))
		type = "etcdv3";
	else if (!type && c->file && (c->kubeconfig || c->k8s_api_endpoint || c->kubeconfig_inline))
		type = "kubernetes"; /* KUBECONFIG is there for other reasons too */
	if (!type)
		return true;
	if (str_eq(type, "etcdv3"))
		return etcd_url(c, url, err);
	if (str_eq(type, "kubernetes")) {
		buf_str(url, "kubernetes:");
		return true;
	}
	err_set(err, ERR_USAGE, "\"%.60s\" is no datastore; it is etcdv3 or kubernetes", type);
	return calico_config_wrap(c, offsetof(struct calico_config, datastore_type), err);
}

/* The file by its name and not what is in it: the driver reads it again. */
static bool etcd_url(const struct calico_config *c, struct buf *url, struct err *err)
{
	auto_free char *folder = NULL;
	struct stat st;

	if (!c->file) {
		buf_printf(url, ETCD "%s", c->etcd_endpoints ? c->etcd_endpoints : "");
		return etcd_loads("", err);
	}
	if (stat(c->file, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE,
			       "%s must be a file that stays: each new connection reads it again",
			       c->file);
	folder = getcwd(NULL, 0);
	if (*c->file != '/' && !folder)
		return err_os(err, "the folder of %s", c->file);
	buf_printf(url, ETCD "%s/%s", *c->file == '/' || str_eq(folder, "/") ? "" : folder,
		   c->file + strspn(c->file, "/"));
	return etcd_loads(url->at + strlen(ETCD), err);
}

/* Said now and with the right nouns, before the URL gets into messages and logs. */
static bool etcd_loads(const char *where, struct err *err)
{
	auto_arena struct arena a = { .secret = true };
	struct etcd_config unused;

	return etcd_config_load(where, &a, &unused, err);
}
