/* SPDX-License-Identifier: Apache-2.0 */
/* ClusterInformation: what Calico says about itself, in the one object "default". */
#include "model/columns.h"
#include "model/kinds/specs.h"

/* clang-format off */
static const struct field clusterinformation_fields[] = {
	{ "clusterGUID", F_STRING(clusterinformation, cluster_guid), .column = "CLUSTERGUID",
	  .doc = "The cluster's own id." },
	{ "clusterType", F_STRING(clusterinformation, cluster_type), .column = "CLUSTERTYPE",
	  .doc = "How Calico was installed: k8s,bgp." },
	{ "calicoVersion", F_STRING(clusterinformation, calico_version), .column = "CALICOVERSION",
	  .doc = "The version of Calico; calicoctl wants to be of the same." },
	{ "datastoreReady", F_BOOL(clusterinformation, datastore_ready), .column = "DATASTOREREADY",
	  .doc = "False while the datastore is being migrated." },
	{ "variant", F_STRING(clusterinformation, variant), .doc = "Which Calico it is." },
	{ 0 }
};
/* clang-format on */

static const char *const aliases[] = { "clusterinformation", "clusterinformations", "clusterinfo",
				       "clusterinfos", NULL };
static const char *const columns[] = { "NAME",		"CLUSTERGUID",	  "CLUSTERTYPE",
				       "CALICOVERSION", "DATASTOREREADY", NULL };
static const char *const wide[] = { NULL };

const struct kind kind_clusterinformation = {
	.id = KIND_CLUSTERINFORMATION,
	.name = "ClusterInformation",
	.plural = "clusterinformations",
	.api_version = "projectcalico.org/v3",
	.aliases = aliases,
	.shape = {.name = "ClusterInformation",
		   .fields = clusterinformation_fields,
		   .size = sizeof(struct clusterinformation)},
	.flags = KIND_UNWATCHED | KIND_READ_ONLY,
	.writer = "Calico",
	.doc = "The Calico that shares the datastore. Without effect on BGP.",
	.columns = columns,
	.wide_columns = wide,
	.cell = column_cell,
};
