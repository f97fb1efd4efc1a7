/* SPDX-License-Identifier: Apache-2.0 */
/* The cells of tables that the rows of a kind know by themselves. Inside model/ only. */
#pragma once

#include "model/resource.h"

/* NAME; the field whose row has this column, or its default in words; "?" when R is broken. */
const char *column_cell(const struct resource *r, const char *column, struct arena *a);
