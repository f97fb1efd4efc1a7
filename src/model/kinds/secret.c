/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secret: only in files, for `render` and `plan` (decisions.md 20). No complaint here ever shows a
 * value, and what was printed redacted cannot come back as a value.
 */
#include "model/columns.h"
#include "model/decode.h"
#include "model/kinds/shared.h"
#include "model/kinds/specs.h"

static void secret_check(struct decode *dc, const struct value *v, const void *at);
static void keys_check(struct decode *dc, const char *field, bool encoded);
static char *base64_decode(const char *text, struct arena *a, size_t *len);
static int base64_digit(char c);
static const char *secret_cell(const struct resource *r, const char *column, struct arena *a);

/* clang-format off */
static const struct field secret_fields[] = {
	{ "data", F_STRMAP(secret, data), FIELD_SECRET, .doc = "Values in base64." },
	{ "stringData", F_STRMAP(secret, string_data), FIELD_SECRET,
	  .doc = "Values as they are; they win over data." },
	{ "type", F_STRING(secret, type), .doc = "Kept." },
	{ "immutable", F_BOOL(secret, immutable), .doc = "Kept." },
	{ 0 }
};
/* clang-format on */

static const char *const aliases[] = { "secret", "secrets", NULL };
static const char *const columns[] = { "NAME", "KEYS", NULL };
static const char *const wide[] = { NULL };

const struct kind kind_secret = {
	.id = KIND_SECRET,
	.name = "Secret",
	.plural = "secrets",
	.api_version = "v1",
	.aliases = aliases,
	.shape = {.name = "Secret",
		   .fields = secret_fields,
		   .size = sizeof(struct secret),
		   .check = secret_check},
	.flags = KIND_NAMESPACED | KIND_FILES_ONLY | KIND_TOP_LEVEL,
	.doc = "Passwords for BGPPeers, in files for render and plan; stores do not keep them.",
	.columns = columns,
	.wide_columns = wide,
	.cell = secret_cell,
};

const char *secret_value(const struct secret *s, const char *key, struct arena *a, size_t *len)
{
	const char *plain = strmap_get(&s->string_data, key), *data;

	if (plain) {
		*len = strlen(plain);
		return arena_str(a, plain);
	}
	data = strmap_get(&s->data, key);
	return data ? base64_decode(data, a, len) : NULL;
}

static void secret_check(struct decode *dc, const struct value *v, const void *at)
{
	(void)v;
	(void)at;
	keys_check(dc, "data", true);
	keys_check(dc, "stringData", false);
}

static void keys_check(struct decode *dc, const char *field, bool encoded)
{
	auto_arena struct arena scratch = { .secret = true };
	const struct value *map = decode_given(dc, field);
	size_t len;

	if (!map || map->type != VALUE_MAP)
		return;
	decode_enter(dc, field);
	for (uint32_t i = 0; i < map->n; i++) {
		const struct member *m = &map->members[i];

		decode_enter(dc, m->key);
		if (*m->key && !name_valid(m->key))
			decode_error(dc, &m->value,
				     "is not the key of a Secret: use A-Z a-z 0-9 . _ - only");
		else if (m->value.type == VALUE_STRING && strcmp(m->value.string, REDACTED) == 0)
			decode_error(dc, &m->value,
				     "is redacted; write the value, or leave the Secret out");
		else if (m->value.type == VALUE_STRING && encoded &&
			 !base64_decode(m->value.string, &scratch, &len))
			decode_error(dc, &m->value,
				     "is not base64; plain text goes under stringData");
		decode_leave(dc);
	}
	decode_leave(dc);
}

/* NULL when TEXT is not base64 (RFC 4648, padded; line breaks are skipped as Kubernetes does). */
static char *base64_decode(const char *text, struct arena *a, size_t *len)
{
	char *out = arena_alloc(a, strlen(text) / 4 * 3 + 4);
	size_t n = 0, digits = 0, padding = 0;
	uint32_t bits = 0;

	for (; *text; text++) {
		int digit = base64_digit(*text);

		if (*text == '\n' || *text == '\r')
			continue;
		if (*text == '=') {
			padding++;
			digits++;
			continue;
		}
		if (digit < 0 || padding)
			return NULL;
		bits = bits << 6 | (uint32_t)digit;
		if (++digits % 4 == 0) {
			out[n++] = (char)(bits >> 16);
			out[n++] = (char)(bits >> 8);
			out[n++] = (char)bits;
		}
	}
	if (digits % 4 || padding > 2)
		return NULL;
	if (padding == 1) {
		out[n++] = (char)(bits >> 10);
		out[n++] = (char)(bits >> 2);
	} else if (padding == 2) {
		out[n++] = (char)(bits >> 4);
	}
	out[n] = '\0';
	*len = n;
	return out;
}

static int base64_digit(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' :
	       c >= 'a' && c <= 'z' ? c - 'a' + 26 :
	       c >= '0' && c <= '9' ? c - '0' + 52 :
	       c == '+'		    ? 62 :
	       c == '/'		    ? 63 :
				      -1;
}

static const char *secret_cell(const struct resource *r, const char *column, struct arena *a)
{
	const struct secret *s = resource_spec(r, secret);
	size_t n;

	if (!s || !str_eq(column, "KEYS"))
		return column_cell(r, column, a);
	n = s->data.n;
	for (size_t i = 0; i < s->string_data.n; i++)
		n += !strmap_get(&s->data, s->string_data.items[i].key);
	return arena_printf(a, "%zu", n);
}
