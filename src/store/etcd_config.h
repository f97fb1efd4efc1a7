/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind "etcd:" in the URL of a store, and what it says about where etcd is and how to
 * be let in. It is loaded again for each opening, so that a renewed password or certificate counts.
 */
#pragma once

#include "base/arena.h"
#include "store/channel.h"

#define ETCD_PORT 2379

struct etcd_config {
	struct channel_endpoint *endpoints; /* each once, in the order they were given */
	size_t n_endpoints;
	const char *discovery_srv; /* a domain, instead of endpoints; NULL: none */
	bool tls;                  /* of any endpoint; discovered ones: there is something for TLS */
	struct tls_options tls_options;
	const char *username, *password; /* both or neither */
	const char *shown; /* for messages, no secrets: "etcd:https://a:2379,https://b:2379" */
};

/* WHERE: endpoints ("https://a:2379,b:2379": one without a scheme takes that of the one before, the
 * first http), the path of a CalicoAPIConfig file (begins with / ./ or ../), or nothing: all from
 * the environment. With endpoints the credentials are the environment's. Strings live in A, which
 * should be secret. ERR_USAGE and ERR_INVALID as calico_config.h has them. */
bool etcd_config_load(const char *where, struct arena *a, struct etcd_config *ret,
		      struct err *err) must_check;
/* One endpoint from its text: [http://|https://]HOST[:PORT][/]. HOST is a name, an IPv4 address, or
 * an IPv6 address in brackets, its zone with it. RET->text is the same one for all spellings.
 * Otherwise ERR_USAGE; a password in it is not repeated. */
bool etcd_endpoint_parse(const char *text, size_t len, bool tls_default, struct arena *a,
			 struct channel_endpoint *ret, struct err *err) must_check;
