/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BlockAffinity: which node has which block of an IPPool. IPAM writes it in several versions, so
 * its words are taken as they come.
 */
#include "model/columns.h"
#include "model/kinds/specs.h"

/* clang-format off */
static const struct field blockaffinity_fields[] = {
	{ "state", F_STRING(blockaffinity, state), .column = "STATE",
	  .doc = "confirmed, pending or pendingDeletion; nothing is confirmed." },
	{ "node", F_STRING(blockaffinity, node), .column = "NODE",
	  .doc = "The node that has the block." },
	{ "type", F_STRING(blockaffinity, type), .dflt = "host", .column = "TYPE",
	  .doc = "host or virtual." },
	{ "cidr", F_CIDR(blockaffinity, cidr), .column = "CIDR", .doc = "The block." },
	{ "deleted", F_BOOL(blockaffinity, deleted), FIELD_QUOTED, .dflt = "false",
	  .doc = "It is about to go, and counts as gone." },
	{ 0 }
};
/* clang-format on */

static const char *const aliases[] = { "blockaffinity", "blockaffinities", "affinity", "affinities",
				       NULL };
static const char *const columns[] = { "NAME", "CIDR", "NODE", "TYPE", "STATE", NULL };
static const char *const wide[] = { NULL };

const struct kind kind_blockaffinity = {
	.id = KIND_BLOCKAFFINITY,
	.name = "BlockAffinity",
	.plural = "blockaffinities",
	.api_version = "projectcalico.org/v3",
	.aliases = aliases,
	.shape = {.name = "BlockAffinity",
		   .fields = blockaffinity_fields,
		   .size = sizeof(struct blockaffinity)},
	.flags = KIND_UNWATCHED | KIND_READ_ONLY,
	.writer = "Calico's IPAM",
	.doc = "A block of addresses that a node has.",
	.columns = columns,
	.wide_columns = wide,
	.cell = column_cell,
};
