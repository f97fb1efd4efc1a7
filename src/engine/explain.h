/* SPDX-License-Identifier: Apache-2.0 */
/* A decision with all that it was made from, as lines of the log: what SIGUSR2 asks for. */
#pragma once

#include "engine/decide.h"
#include "render/fates.h"

/* FATES may be NULL. No password is in any of it, and of ids no more than the beginning. */
void explain(const struct observed *o, const struct wanted *w, const struct memory *m,
	     const struct decision *d, const struct fates *fates);
