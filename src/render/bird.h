/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as configuration of BIRD 2. Pure: same plan and options, same bytes. No value of any
 * resource can inject configuration: what is not a number or an address goes through conf_quote()
 * or has an alphabet of its own.
 */
#pragma once

#include "compute/plan.h"
#include "render/conf.h"
#include "render/fates.h"
#include "render/template.h"

struct render_options {
	const struct template *template; /* NULL: none */
	const char *include;             /* glob of the operator's own files; NULL: none */
	const char *bird_version;        /* of the running BIRD, "2.0.12"; NULL: the oldest we know */
	bool redact;                     /* passwords as "<redacted>": for people, never for BIRD */
	const struct conf *like;         /* an earlier rendering, to spare the digest; NULL */
	const struct conf *last;         /* what BIRD last accepted; NULL: nothing */
	const struct fates *fates;       /* from the same PLAN and LAST; NULL: nothing is known of BIRD */
	const char *include_digest;      /* of the files behind INCLUDE; NULL: not known */
};

/* PLAN must be known. The caller frees the conf; all but its text is in A. */
struct conf *render_bird(const struct plan *plan, const struct render_options *options,
			 struct arena *a);
