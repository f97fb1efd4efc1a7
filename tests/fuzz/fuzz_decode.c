/* SPDX-License-Identifier: Apache-2.0 */
/* Files to resources and back: what was taken is the same after being written and read again, and
 * laid over itself. */
#include <assert.h>

#include "model/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct load l = { 0 };
	char *text = mem_alloc(size + 1);

	memcpy(text, data, size);
	load_text(&l, "fuzz", text, size, LOAD_KEEP_DOC);
	for (size_t i = 0; i < l.n; i++) {
		auto_arena struct arena a = { 0 };
		struct value doc, again, stored, over;
		struct resource *r;

		if (resource_broken(l.items[i]))
			continue;
		doc = resource_encode_revealed(l.items[i], &a);
		r = resource_decode(l.items[i]->kind, &doc, DECODE_STRICT, NULL, NULL);
		assert(!resource_broken(r) && resource_same(r, l.items[i]));
		again = resource_encode_revealed(r, &a);
		(void)again;
		stored = resource_stored(l.items[i], NULL, &a);
		over = resource_stored(l.items[i], l.items[i], &a);
		assert(value_eq(&stored, &over));
		resource_unref(r);
	}
	load_free(&l);
	free(text);
	return 0;
}
