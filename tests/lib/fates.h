/* SPDX-License-Identifier: Apache-2.0 */
/* Fates for tests that render: BIRD refuses the planned texts of some sessions, a hand stopped others. */
#pragma once

#include "render/bird.h"

/* NAMES, sorted, are refused as FRESH has them; LAST may be NULL. */
static inline struct fates *fates_with(const struct plan *plan, const struct conf *last,
				       const struct conf *fresh, const char *const *names, size_t n,
				       const char *const *by_hand, size_t n_by_hand, struct arena *a)
{
	struct refused_text *refused = arena_array(a, struct refused_text, n);
	struct fates_input in = { .plan = plan,
				  .last = last,
				  .fresh = fresh,
				  .refused = refused,
				  .by_hand = by_hand,
				  .n_by_hand = n_by_hand };

	for (size_t i = 0; i < n; i++) {
		const struct conf_block *b = conf_find(fresh, names[i]);

		if (b)
			refused[in.n_refused++] = (struct refused_text){
				names[i], conf_block_digest(fresh, b), "not liked"
			};
	}
	return fates_decide(&in, a);
}
