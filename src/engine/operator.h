/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator writes beside the resources: the files behind --bird-include, and the session
 * template. Nobody says when they change, so they are looked at every few seconds: one that is mended,
 * changed or taken away is noticed within a minute. Files that an included file includes are not seen.
 */
#pragma once

#include "base/poll.h"
#include "render/template.h"

struct operator_files;

/* INCLUDE: a glob, relative to the folder of BIRD_CONF as BIRD has it; TEMPLATE: a path. Either may be
 * NULL. The strings must outlive the answer. */
struct operator_files *operator_open(const char *bird_conf, const char *include,
				     const char *template);
void operator_close(struct operator_files *f);
/* Has one of them changed since it was last asked? */
bool operator_run(struct operator_files *f);
void operator_wait(const struct operator_files *f, struct poll *p);
/* Reads both anew, whatever they look like. */
void operator_reload(struct operator_files *f);
/* Of the names and texts of the files behind the glob; NULL without a glob. */
const char *operator_digest(const struct operator_files *f);
/* The last good one; NULL when there is none. It lives until the next operator_run(). */
const struct template *operator_template(const struct operator_files *f);
/* Why the template as it is now is not used; NULL when it is, or none is given. */
const char *operator_trouble(const struct operator_files *f);
