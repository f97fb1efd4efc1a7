/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of one case: nothing but its own variables, and what cmocka needs to be counted. */
#pragma once

#include "base/base.h"

/* PAIRS: name, value, name ..., NULL. */
static void environment(const char *const *pairs)
{
	const char *output = getenv("CMOCKA_MESSAGE_OUTPUT");
	char *kept = output ? strdup(output) : NULL;

	clearenv();
	if (kept)
		setenv("CMOCKA_MESSAGE_OUTPUT", kept, 1);
	free(kept);
	for (; *pairs; pairs += 2)
		setenv(pairs[0], pairs[1], 1);
}
