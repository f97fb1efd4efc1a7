/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds: one constant each, and the array of all of them; and what an object of a kind is, since
 * the two know each other. What is done with objects is in resource.h.
 */
#pragma once

#include "model/field.h"

enum kind_id {
	KIND_NODE,
	KIND_BGPCONFIGURATION,
	KIND_BGPPEER,
	KIND_BGPFILTER,
	KIND_IPPOOL,
	KIND_SECRET,
	KIND_NODESTATUS,
	KIND_CLUSTERINFORMATION,
	KIND_BLOCKAFFINITY,
	KIND_COUNT
};

enum kind_flags {
	KIND_NAMESPACED = 1,
	KIND_FILES_ONLY = 2,  /* never kept in SQLite or etcd (Secret: decisions.md 20) */
	KIND_UNWATCHED = 4,   /* outside the change log and the snapshot: no plan rests on it */
	KIND_READ_ONLY = 8,   /* not written by users, but by its `writer` */
	KIND_TOP_LEVEL = 16,  /* fields stand beside metadata, not under spec (Secret) */
	KIND_STATUS_BODY = 32, /* the shape stands under status, not under spec (NodeStatus) */
	KIND_STATUS_KEPT = 64, /* a status of others stands beside the spec (Node) */
	/* What we do not know anywhere below the spec is a mistake in a store, too. For kinds in which
	 * each member narrows what passes (BGPFilter): to overlook one would let more routes through.
	 * In other kinds most members do something else, and a later Calico may add some; there only
	 * the rows marked FIELD_LIMITS are guarded. */
	KIND_CLOSED = 128,
};

struct resource;
struct kind {
	enum kind_id id;
	const char *name;               /* "BGPPeer" */
	const char *plural;             /* "bgppeers" */
	const char *api_version;        /* "projectcalico.org/v3" */
	const char *const *aliases;     /* NULL-terminated, lower case, each with its plural behind
	                                 * it; the first is for messages */
	struct shape shape;             /* of the spec, or of the whole when KIND_TOP_LEVEL */
	/* Fields that Calico does not have, of the same struct: they stand in annotations, so that Calico's
	 * tools carry them unharmed (decisions.md 52). Their names begin with "peerage.dev/". */
	const struct field *annotations; /* NULL: none */
	unsigned flags;
	const char *writer;             /* KIND_READ_ONLY: who writes it: "peerd" */
	const char *doc;
	/* What needs the name as well as the spec; may be NULL. */
	void (*check)(struct decode *dc, const struct resource *r);
	/* Cells of one row of `get`, in the order of the headings. WIDE adds columns. */
	const char *const *columns, *const *wide_columns;
	const char *(*cell)(const struct resource *r, const char *column, struct arena *a);
};

struct meta {
	const char *name;        /* never NULL; "" only in a broken document without one */
	const char *namespace;   /* only KIND_NAMESPACED */
	const char *uid;         /* NULL until a store gave one */
	const char *created;     /* RFC 3339, NULL likewise */
	const char *version;     /* metadata.resourceVersion: opaque, compared for equality only */
	struct strmap labels, annotations;
};

/* One object: decoded, or broken with its complaints. Each has an arena of its own and a count, because
 * snapshots share the ones that did not change; everything in it dies with it. */
struct resource {
	const struct kind *kind;
	struct meta meta;
	const void *spec;        /* the kind's struct; NULL when broken */
	const struct value *doc; /* the document as it was read; NULL when it was not kept */
	struct diag *complaints; /* warnings, and the errors that made it broken */
	size_t n_complaints;
	const char *place;       /* "peer.yaml:3", where it was read from a file; else NULL */
	unsigned refs;
	struct arena arena;
};

/* Typed views; the caller knows the kind, and that it is not broken. */
#define resource_spec(r, type) ((const struct type *)(r)->spec)

static inline bool resource_broken(const struct resource *r)
{
	return !r->spec;
}

extern const struct kind kind_node, kind_bgpconfiguration, kind_bgppeer, kind_bgpfilter,
	kind_ippool, kind_secret, kind_nodestatus, kind_clusterinformation, kind_blockaffinity;
extern const struct kind *const kinds[KIND_COUNT]; /* by kind_id */

/* By kind name or any alias, without regard to case; NULL when there is none. */
const struct kind *kind_find(const char *word);
/* By the exact kind and apiVersion of a document. *KNOWN_OTHER becomes the kind that has the name
 * but another apiVersion (or case), for the complaint. */
const struct kind *kind_of(const char *api_version, const char *name,
			   const struct kind **known_other);
/* The nearest kind name to WORD to suggest, or NULL. */
const char *kind_suggest(const char *word);
/* Where the shape of KIND stands in a document, unless KIND_TOP_LEVEL: "spec" or "status". */
const char *kind_body(const struct kind *kind);
/* All kinds that have none of FLAGS, 1u << id each. */
unsigned kinds_without(unsigned flags);
/* "Node, BGPConfiguration, ...": the kinds that stores keep. */
const char *kinds_named(struct arena *a);
/* The short words for KIND: "bgpp, bp"; "" when there are none. */
const char *kind_short(const struct kind *kind, struct arena *a);
