/* SPDX-License-Identifier: Apache-2.0 */
#include "model/kinds/shared.h"

#include "model/kinds/specs.h"

static const struct pattern secret_pattern = {
	name_valid, "the name or key of a Secret: use A-Z a-z 0-9 . _ - and not . or .. alone"
};

/* clang-format off */
static const struct field ref_fields[] = {
	{ "name", F_STRING(secret_ref, name), FIELD_REQUIRED, .arg = &secret_pattern, .max = 253,
	  .doc = "The name of the Secret." },
	{ "key", F_STRING(secret_ref, key), FIELD_REQUIRED, .arg = &secret_pattern, .max = 253,
	  .doc = "The key within the Secret." },
	{ "optional", F_BOOL(secret_ref, optional),
	  .doc = "Without effect: a session never comes up without its password." },
	{ 0 }
};
static const struct shape shape_ref = {
	.name = "secretKeyRef", .fields = ref_fields, .size = sizeof(struct secret_ref) };
static const struct field password_fields[] = {
	{ "secretKeyRef", F_STRUCT(password, ref), FIELD_REQUIRED | FIELD_SECRET, .arg = &shape_ref,
	  .doc = "Take the password from a Secret." },
	{ 0 }
};
/* clang-format on */

const struct shape shape_password = { .name = "password",
				      .fields = password_fields,
				      .size = sizeof(struct password) };

bool interface_pattern(const char *text)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._*-";
	size_t len = strspn(text, chars);

	return len && len <= 15 && !text[len];
}
