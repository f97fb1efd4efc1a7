/* SPDX-License-Identifier: Apache-2.0 */
/* The reference, printed from the tables: doc/kinds.md is this text. */
#pragma once

#include "base/buf.h"

void schema_markdown(struct buf *out);
