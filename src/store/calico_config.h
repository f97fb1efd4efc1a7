/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to reach a datastore, as calicoctl is told: the file of kind CalicoAPIConfig, or the
 * environment. If there is a file only the file counts. One table has each key of the file with its
 * variable; CALICO_NAME wins over NAME. An empty value counts as not given.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct calico_config {
	const char *datastore_type; /* "etcdv3", "kubernetes"; NULL: not said */
	const char *etcd_endpoints, *etcd_discovery_srv;
	const char *etcd_username, *etcd_password;
	const char *etcd_key_file, *etcd_cert_file, *etcd_ca_cert_file;
	const char *etcd_key, *etcd_cert, *etcd_ca_cert; /* PEM text; only in the file */
	const char *kubeconfig, *k8s_api_endpoint, *kubeconfig_inline; /* NULL: not given */
	const char *file; /* that it was read from; NULL: the environment */
};

/* From the file at PATH. Strings live in A, which should be secret. Unknown keys, another kind and
 * wrong types are ERR_INVALID with file:line:column; a file that is not there ERR_USAGE. */
bool calico_config_file(const char *path, struct calico_config *ret, struct arena *a,
			struct err *err) must_check;
/* From the environment; empty variables are not given. Strings are the environment's. */
void calico_config_environment(struct calico_config *ret);

/* Do the keys and variables for etcd go together? Endpoints are listed or discovered, not both and
 * not neither; user and password, certificate and key stand together; certificates come all from
 * files or all as text. Otherwise ERR_USAGE, which names the file and its keys, or the variables. */
bool calico_config_check_etcd(const struct calico_config *c, struct err *err) must_check;
/* ERR is about MEMBER (an offsetof()): where that was said goes in front, "FILE: spec.etcdKey" or
 * "CALICO_ETCD_ENDPOINTS". Always false. */
bool calico_config_wrap(const struct calico_config *c, size_t member, struct err *err);
