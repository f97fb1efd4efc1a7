/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where objects are in etcd: Calico's own layout, and what is ours alone under /peerage/. Pure.
 *
 *   /calico/resources/v3/projectcalico.org/PLURAL/NAME         Calico's resources, JSON of the object
 *   /calico/ipam/v2/host/NODE/ipv4/block/10.0.0.0-26           block affinities, as its IPAM has them
 *   /peerage/v1/nodestatuses/NODE                              what our agents report
 */
#pragma once

#include "base/buf.h"
#include "model/kind.h"

struct key_range { /* [from, to), as etcd's Range and Watch take it */
	char from[128], to[128];
};

/* All keys of KIND. */
struct key_range etcd_keys_of(const struct kind *kind);
/* One range, from the first to the last of KINDS (1u << kind_id), so that one watch tells of a
 * transaction as a whole. Policies are in between, workloads are not. Kinds of which no store tells
 * changes (KIND_UNWATCHED) are left out; false when no other is there. */
bool etcd_keys_range(unsigned kinds, struct key_range *ret);
/* The key of an object; false where only a search of the range finds it (block affinities). */
bool etcd_key(const struct kind *kind, const char *name, struct buf *ret);
/* The kind and the name that KEY stands for: RET_NAME is "" plus what follows the kind, valid or not.
 * NULL: it is nothing of ours. */
const struct kind *etcd_key_parse(const char *key, size_t len, struct buf *ret_name);
/* The object as JSON: mostly VALUE itself; of a block affinity, whose value has only its state, the
 * object is put together in BUF. */
const char *etcd_value(const struct kind *kind, const char *key, const char *name, const char *value,
		       size_t *len, struct buf *buf);
