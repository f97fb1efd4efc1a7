/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs find out about where they are: which store, which node, which router id.
 * Environment and files are calicoctl's where they make sense (decisions.md 1-3).
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define CONFIG_FILE          "/etc/calico/calicoctl.cfg"
#define CONFIG_STORE_DEFAULT "sqlite:/var/lib/peerage/peerage.db"

struct config_sources {
	const char *store; /* of --store; NULL */
	const char *file;  /* of -c/--config; NULL: CONFIG_FILE if it is there */
};

/* The URL of the store: --store, PEERAGE_STORE, the file, DATASTORE_TYPE and ETCD_*, the default.
 * etcd is "etcd:" and what etcd_config_load() takes: the absolute path of the file, or the endpoints
 * of the environment, or nothing (ETCD_DISCOVERY_SRV). Such a URL was loaded once when this returns
 * true, so that it has no secrets in it. URLs of datastores that are not in this build are made all
 * the same: store_open() has the words. */
bool config_store_url(const struct config_sources *from, struct buf *url, struct err *err) must_check;

/* The name of this node: OPTION (of --node; may be NULL), NODENAME, /var/lib/calico/nodename, the
 * host name in lower case. */
bool config_node_name(const char *option, struct buf *name, struct err *err) must_check;

/* CALICO_ROUTER_ID: an IPv4 address or "hash"; *RET is NULL when it is not set. */
bool config_router_id(const char **ret, struct err *err) must_check;
