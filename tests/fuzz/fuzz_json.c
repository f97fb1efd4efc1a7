/* SPDX-License-Identifier: Apache-2.0 */
/* What JSON accepts, it prints and reads again as the same. */
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = { 0 };
	struct diags d = { .arena = &a };
	const struct value *v = json_parse((const char *)data, size, &a, &d);

	if (d.n != !v)
		abort();
	for (unsigned indent = 0; v && indent < 4; indent += 2) {
		auto_buf struct buf out = { 0 };

		json_print(v, indent, &out);
		if (!value_eq(v, json_parse(out.at, out.len, &a, &d)))
			abort();
	}
	return 0;
}
