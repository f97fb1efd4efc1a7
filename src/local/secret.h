/* SPDX-License-Identifier: Apache-2.0 */
/* One secret below a folder (`--secrets-dir`): the file FOLDER/NAME/KEY, by the rules of decisions.md 20. */
#pragma once

#include "compute/plan.h"

/* FOLDER NULL: there is none. Never fails: what cannot be read, and which file that is, is said in the
 * answer, which lives in A. */
struct secret_fact secret_read(const char *folder, const struct secret_ref *ref, struct arena *a);
