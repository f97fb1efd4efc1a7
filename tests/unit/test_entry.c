/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/entry.h"

/* What is broken names its place, once; what is well says nothing. */
static void test_place(void **state)
{
	static const struct {
		const char *json, *place;
		bool said;
	} cases[] = {
		{ "{", "the key /k/x", true },
		{ "{", NULL, false },
		{ "", "the key /k/x", true },
		{ "{\"spec\":{\"peerIP\":7,\"asNumber\":-1}}", "the key /k/x", true },
		{ "{\"spec\":{\"nope\":7,\"asNumber\":-1}}", "the key /k/x", true },
		{ "{\"spec\":{\"nope\":7}}", "the key /k/x", false },
		{ "{}", "the key /k/x", false },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct resource *r = entry_resource(&(struct entry){ .kind = &kind_bgppeer,
								     .name = "x",
								     .version = "3",
								     .json = cases[i].json,
								     .len = strlen(cases[i].json),
								     .place = cases[i].place },
						    DECODE_TOLERANT);
		size_t n = 0;

		for (size_t j = 0; j < r->n_complaints; j++) {
			const char *text = r->complaints[j].text, *at = strstr(text, " (at ");

			n += at != NULL;
			if (at)
				assert_string_equal(at, " (at the key /k/x)");
		}
		assert_int_equal(n, cases[i].said);
		resource_unref(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_place) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
