/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's session template (decisions.md 23): lines of BIRD configuration in two parts, with
 * ${key} from the `extensions` of the BGPPeer, then of BGPConfiguration. A line stands only when
 * all its keys are set; a line without keys always stands.
 *
 *   protocol:
 *   local role ${role};
 *   channel:
 *   import limit ${max-prefix} action ${max-prefix-action};
 *
 * The file is the operator's own, as trusted as bird.conf itself; values of resources are not, and
 * only ever appear in place of ${key} and only when extension_value_valid() (compute/plan.h).
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/strmap.h"

#define TEMPLATE_MAX (64u << 10)

struct template;

enum template_part { TEMPLATE_PROTOCOL, TEMPLATE_CHANNEL };

/* NULL with complaints in D when TEXT is no template (unknown part, `${` without end, a key that is
 * no key, unbalanced braces, NUL, too long). */
const struct template *template_parse(const char *text, size_t len, struct arena *a, struct diags *d);
/* Calls LINE for each line of PART whose keys all stand in VALUES, filled in, without newline. */
void template_fill(const struct template *t, enum template_part part, const struct strmap *values,
		   void (*line)(void *ctx, const char *text), void *ctx);
