/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random valid objects, made from the tables: for tests and fuzz seeds only. The same seed gives
 * the same object.
 */
#pragma once

#include "model/resource.h"

struct random {
	uint64_t state;
};

/* A number below N. */
uint32_t random_below(struct random *rnd, uint32_t n);
/* A document of KIND that strict decoding takes. */
const struct value *random_document(const struct kind *kind, struct random *rnd, struct arena *a);
