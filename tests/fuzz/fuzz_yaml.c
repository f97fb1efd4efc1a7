/* SPDX-License-Identifier: Apache-2.0 */
/* What YAML accepts, it prints and reads again as the same; and so does JSON. */
#include "base/json.h"
#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct value *v, struct arena *a)
{
	auto_buf struct buf yaml = { 0 }, json = { 0 }, again = { 0 };
	struct diags d = { .arena = a };
	const struct value *back;
	struct yaml *y;

	yaml_print(v, &yaml);
	y = yaml_open(yaml.at, yaml.len);
	back = yaml_next(y, a, &d);
	if (!back || !value_eq(v, back) || yaml_next(y, a, &d) || d.n)
		abort();
	yaml_close(y);

	/* Some numbers become strings in JSON, so the text is what must be the same. */
	json_print(v, 0, &json);
	back = json_parse(json.at, json.len, a, &d);
	if (!back)
		abort();
	json_print(back, 0, &again);
	if (strcmp(json.at, again.at) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = { 0 };
	struct diags d = { .arena = &a };
	struct yaml *y = yaml_open((const char *)data, size);
	const struct value *v;

	while ((v = yaml_next(y, &a, &d)))
		check(v, &a);
	if (d.n > 1)
		abort();
	yaml_close(y);
	return 0;
}
