/* SPDX-License-Identifier: Apache-2.0 */
#include "store/entry.h"

struct resource *entry_resource(const struct entry *e, enum decode_mode mode)
{
	struct resource *r =
		resource_from_json(e->kind, e->name, e->version, e->json, e->len, mode);

	/* The first error is the one that status and log show. */
	for (size_t i = 0; e->place && resource_broken(r) && i < r->n_complaints; i++)
		if (r->complaints[i].level == DIAG_ERROR) {
			r->complaints[i].text = arena_printf(&r->arena, "%s (at %s)",
							     r->complaints[i].text, e->place);
			break;
		}
	return r;
}
