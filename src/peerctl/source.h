/* SPDX-License-Identifier: Apache-2.0 */
/* Where resources come from: the files of -f and the store. */
#pragma once

#include "compute/plan.h"
#include "model/load.h"
#include "model/snapshot.h"
#include "peerctl/options.h"
#include "store/store.h"

#define SOURCE_TIMEOUT_MS 15000 /* of one operation; SQLite gives up by itself after 5 s */

#define auto_load     __attribute__((cleanup(load_free)))
#define auto_store    __attribute__((cleanup(source_close)))
#define auto_snapshot __attribute__((cleanup(source_forget)))

void source_close(struct store **st);
void source_forget(struct snapshot **snap);

/* All files of -f into L. Warnings are told; with errors all are told and ERR is ERR_INVALID
 * without words. FLAGS: enum load_flags. */
bool source_files(const struct options *o, unsigned flags, struct load *l, struct err *err);
/* --export: R without what a store gave. */
static inline void source_strip(struct resource *r)
{
	r->meta.uid = r->meta.created = r->meta.version = NULL;
}
/* Why R, which is broken, is so: on stderr. */
void source_tell_broken(const struct resource *r);

/* The store that options, environment and files name. FLAGS: enum store_flags. NULL: ERR says why. */
struct store *source_open(const struct options *o, unsigned flags, struct err *err);
/* The same of the store at URL. */
struct store *source_open_url(const struct options *o, const char *url, unsigned flags,
			      struct err *err);
/* source_open() for reading; *RET stays NULL without an error when none was named and the default one is
 * not there. */
bool source_open_if_there(const struct options *o, struct store **ret, struct err *err);

/* All objects of the kinds WANTED (1u << kind_id) into SNAP, read tolerantly. MODE: DECODE_KEEP_DOC or 0. */
bool source_list(struct store *st, unsigned wanted, enum decode_mode mode, struct snapshot *snap,
		 struct err *err);
/* The same; *REVISION, in A, is the one that was listed. */
bool source_list_at(struct store *st, unsigned wanted, enum decode_mode mode,
		    struct snapshot *snap, struct arena *a, const char **revision,
		    struct err *err);
/* A list that the store compacted away while it was made (ERR_CONFLICT) is begun so often. */
#define LIST_ATTEMPTS 4
#define KINDS_STORED kinds_without(KIND_FILES_ONLY)
#define KINDS_PLAN   kinds_without(KIND_FILES_ONLY | KIND_UNWATCHED)
#define KINDS_FABRIC (KINDS_PLAN | 1u << KIND_NODESTATUS) /* and what agents report */

/* What arguments like "bgppeer NAME..." or "bgppeer/NAME..." mean. */
struct target {
	const struct kind *kind;
	const char *name;    /* NULL: all of them */
	const char *version; /* what the file says; NULL: nothing */
};
bool source_targets(const struct options *o, struct target **ret, size_t *ret_n, struct err *err);

/* ---- for plan and render: what would be a machine's, offline ---- */

struct offline {
	struct facts facts;
	struct secret_fact *secrets;
	const char *router_id; /* CALICO_ROUTER_ID, and the node it is meant for */
	const char *own_name;
	bool from_store;
};
/* Secrets for the peers of SNAP: from --secrets-dir, else from the Secrets of SNAP, and where the
 * store cannot have them (FROM_STORE) they are taken for given. */
bool offline_open(const struct options *o, const struct snapshot *snap, bool from_store,
		  struct offline *ret, struct err *err);
/* The facts of NODE: with the addresses that its agent reported into SNAP, if it did. */
const struct facts *offline_facts(struct offline *of, const struct snapshot *snap, const char *node,
				  struct arena *a);
