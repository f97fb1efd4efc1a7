/* SPDX-License-Identifier: Apache-2.0 */
/* The base part of the text: all that is not about one session. Shared inside render/. */
#pragma once

#include "compute/plan.h"
#include "render/conf.h"

void base_part(const struct plan *plan, struct conf *c, struct arena *a);
