/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with an object (model/kind.h): decode, encode, compare, count. */
#pragma once

#include "model/kind.h"

/* Decodes DOC, whose kind is KIND. Never NULL: a broken document gives a broken resource. Its
 * complaints go to the resource, and into D as well unless that is NULL. */
struct resource *resource_decode(const struct kind *kind, const struct value *doc,
				 enum decode_mode mode, const char *file, struct diags *d);
/* The same from the JSON of a store; NAME and VERSION are what the store says they are. A name that
 * name_valid() refuses, and text that is no JSON or larger than RESOURCE_MAX, give a broken resource
 * of that name: whoever may write to a store may write anything. */
#define RESOURCE_MAX (16u << 20)
struct resource *resource_from_json(const struct kind *kind, const char *name, const char *version,
				    const char *json, size_t len, enum decode_mode mode);
/* The normalised document: apiVersion, kind, metadata, spec in table order, unset fields left out,
 * AS numbers plain, addresses canonical, fields without a row as DOC has them. */
struct value resource_encode(const struct resource *r, struct arena *a);
/* The same with what resource_encode() shows as REDACTED: the values of Secrets. */
struct value resource_encode_revealed(const struct resource *r, struct arena *a);
/* The document that goes into a store for R where HAVE (NULL: nothing) stands now, with the members
 * of envelope and metadata in Calico's order and never a resourceVersion. What HAVE has and our
 * tables do not know, at the top, in metadata, in the spec and in structs that both have, stays when
 * R does not give it, and so do rows marked FIELD_FOREIGN; labels and annotations are R's alone.
 * Both were decoded with DECODE_KEEP_DOC. Compare documents with value_eq(). */
struct value resource_stored(const struct resource *r, const struct resource *have,
			     struct arena *a);
/* Are labels, annotations and spec the same, whatever the texts they were written in? */
bool resource_same(const struct resource *a, const struct resource *b);

/* When R was made, as far as anybody knows, in nanoseconds since 1970. Stores that give a time of their
 * own to what is carried over have the old one in an annotation, which counts where it is there. */
int64_t resource_born(const struct resource *r);
#define BORN_UNKNOWN INT64_MAX /* none, or not RFC 3339: as young as can be */
#define ANNOTATION_PREFIX  "peerage.dev/"
#define ANNOTATION_CREATED ANNOTATION_PREFIX "created"

struct resource *resource_ref(const struct resource *r);
void resource_unref(struct resource *r); /* NULL is fine */

/* "bgppeer/tor-a": how messages name it; in the resource's arena or static. */
const char *resource_id(const struct resource *r, struct arena *a);
