/* SPDX-License-Identifier: Apache-2.0 */
/* The scalar types: what may be written, what it becomes, what is said when it is wrong. */
#include "model/decode.h"

#include <stdio.h>

#include "base/text.h"

static void string_decode(struct decode *dc, const struct field *f, const struct value *v,
			  void *at);
static struct value string_encode(const struct field *f, const void *at, struct arena *a);
static void name_decode(struct decode *dc, const struct field *f, const struct value *v, void *at);
static void bool_decode(struct decode *dc, const struct field *f, const struct value *v, void *at);
static struct value bool_encode(const struct field *f, const void *at, struct arena *a);
static void enum_decode(struct decode *dc, const struct field *f, const struct value *v, void *at);
static struct value enum_encode(const struct field *f, const void *at, struct arena *a);
static void asn_decode(struct decode *dc, const struct field *f, const struct value *v, void *at);
static void u32_decode(struct decode *dc, const struct field *f, const struct value *v, void *at);
static struct value u32_encode(const struct field *f, const void *at, struct arena *a);
static void opt_u32_decode(struct decode *dc, const struct field *f, const struct value *v,
			   void *at);
static struct value opt_u32_encode(const struct field *f, const void *at, struct arena *a);
static void port_decode(struct decode *dc, const struct field *f, const struct value *v, void *at);
static struct value port_encode(const struct field *f, const void *at, struct arena *a);
static void seconds_decode(struct decode *dc, const struct field *f, const struct value *v,
			   void *at);
static struct value seconds_encode(const struct field *f, const void *at, struct arena *a);
static void selector_decode(struct decode *dc, const struct field *f, const struct value *v,
			    void *at);
static struct value selector_encode(const struct field *f, const void *at, struct arena *a);
static void strmap_decode(struct decode *dc, const struct field *f, const struct value *v,
			  void *at);
static struct value strmap_encode(const struct field *f, const void *at, struct arena *a);
static void json_decode(struct decode *dc, const struct field *f, const struct value *v, void *at);
static struct value json_encode(const struct field *f, const void *at, struct arena *a);
static bool number_decode(struct decode *dc, const struct value *v, uint64_t min, uint64_t max,
			  uint32_t *ret);
static bool asn_text(struct decode *dc, const struct value *v, uint64_t *ret);

/* clang-format off */
const struct type type_string = {
	"a string", "string", sizeof(char *), string_decode, string_encode };
const struct type type_name = {
	"a name", "string", sizeof(char *), name_decode, string_encode };
const struct type type_bool = {
	"true or false", "boolean", sizeof(enum tristate), bool_decode, bool_encode };
const struct type type_enum = {
	"a word", "string", sizeof(unsigned), enum_decode, enum_encode };
const struct type type_asn = {
	"an AS number", "integer/string", sizeof(uint32_t), asn_decode, u32_encode };
const struct type type_u32 = {
	"a number", "integer", sizeof(uint32_t), u32_decode, u32_encode };
const struct type type_opt_u32 = {
	"a number", "integer", sizeof(struct opt_u32), opt_u32_decode, opt_u32_encode };
const struct type type_port = {
	"a port number", "integer", sizeof(uint16_t), port_decode, port_encode };
const struct type type_seconds = {
	"a duration", "duration", sizeof(struct seconds), seconds_decode, seconds_encode };
const struct type type_selector = {
	"a selector", "selector", sizeof(void *), selector_decode, selector_encode };
const struct type type_strmap = {
	"a map of strings", "map", sizeof(struct strmap), strmap_decode, strmap_encode };
const struct type type_json = {
	"any value", "any", sizeof(void *), json_decode, json_encode };
const struct type type_any = { "any value", "any", 0, NULL, NULL };
/* clang-format on */

static void string_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	const char *text = decode_text(dc, f, v);

	if (text)
		*(const char **)at = arena_str(dc->arena, text);
}

static struct value string_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	(void)a;
	return value_string(*(const char *const *)at);
}

static void name_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	const char *text = decode_text(dc, f, v);

	if (!text)
		return;
	if (v->n > 253)
		decode_error(dc, v, "has %u characters; a name has at most 253", v->n);
	else if (!name_valid(text))
		decode_error(dc, v, "%s is not a name: use A-Z a-z 0-9 . _ - only",
			     decode_show(dc, v));
	else
		*(const char **)at = arena_str(dc->arena, text);
}

static void bool_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	(void)f;
	if (v->type == VALUE_BOOL)
		*(enum tristate *)at = v->boolean ? YES : NO;
	else if ((f->flags & FIELD_QUOTED) && v->type == VALUE_STRING &&
		 (str_eq(v->string, "true") || str_eq(v->string, "false")))
		*(enum tristate *)at = str_eq(v->string, "true") ? YES : NO;
	else
		decode_type_error(dc, v, "true or false (without quotes)");
}

static struct value bool_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	(void)a;
	return value_bool(*(const enum tristate *)at == YES);
}

static void enum_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	const char *const *words = f->arg;
	const char *near;
	int i;

	if (v->type != VALUE_STRING) {
		decode_type_error(dc, v,
				  arena_printf(dc->diags->arena, "one of %s",
					       name_list(words, dc->diags->arena)));
		return;
	}
	i = f->flags & FIELD_ANY_CASE ? name_find_case(words, v->string, -1) :
					name_find(words, v->string, -1);
	if (i >= 0) {
		*(unsigned *)at = (unsigned)i;
		return;
	}
	near = name_suggest(words, v->string);
	decode_error(dc, v, "%s is none of %s%s%s%s", decode_show(dc, v),
		     name_list(words, dc->diags->arena), near ? "; did you mean \"" : "",
		     near ? near : "", near ? "\"?" : "");
}

static struct value enum_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)a;
	return value_string(((const char *const *)f->arg)[*(const unsigned *)at]);
}

static void asn_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	uint64_t number = 0;

	if (v->type == VALUE_STRING && !v->n)
		return;
	if (v->type == VALUE_REAL) {
		const char *dot = strchr(v->string, '.');

		if (dot && strspn(v->string, "0123456789.") == strlen(v->string))
			decode_error(dc, v, "%s is read as a fraction; quote it: \"%s\"",
				     decode_show(dc, v), decode_show(dc, v));
		else
			decode_error(dc, v, "%s is not an AS number, 1 to 4294967295",
				     decode_show(dc, v));
		return;
	}
	if (v->type == VALUE_INT) {
		if (v->integer < 0 || v->integer > UINT32_MAX) {
			decode_error(dc, v, "%lld is not an AS number, 1 to 4294967295",
				     (long long)v->integer);
			return;
		}
		number = (uint64_t)v->integer;
	} else if (v->type != VALUE_STRING) {
		decode_type_error(dc, v, "an AS number, 1 to 4294967295");
		return;
	} else if (!asn_text(dc, v, &number)) {
		return;
	}
	if (!number && (f->flags & FIELD_REQUIRED))
		decode_error(dc, v, "0 is not an AS number here; give 1 to 4294967295");
	else if (!number)
		decode_warn(dc, v, "0 means not given; leave it out");
	else if (number == 23456)
		decode_warn(dc, v, "23456 is AS_TRANS, a stand-in that no router owns");
	else if (number == 65535 || number == UINT32_MAX)
		decode_warn(dc, v, "%llu is reserved (RFC 7300); routers may refuse it",
			    (unsigned long long)number);
	*(uint32_t *)at = (uint32_t)number;
}

static void u32_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	number_decode(dc, v, (uint64_t)f->min, f->max ? (uint64_t)f->max : UINT32_MAX, at);
}

static struct value u32_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	(void)a;
	return value_int(*(const uint32_t *)at);
}

static void opt_u32_decode(struct decode *dc, const struct field *f, const struct value *v,
			   void *at)
{
	struct opt_u32 *o = at;

	o->set = number_decode(dc, v, (uint64_t)f->min, f->max ? (uint64_t)f->max : UINT32_MAX,
			       &o->value);
}

static struct value opt_u32_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	(void)a;
	return value_int(((const struct opt_u32 *)at)->value);
}

static void port_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	uint32_t port = 0;

	(void)f;
	if (number_decode(dc, v, 1, 65535, &port))
		*(uint16_t *)at = (uint16_t)port;
}

static struct value port_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	(void)a;
	return value_int(*(const uint16_t *)at);
}

static void seconds_decode(struct decode *dc, const struct field *f, const struct value *v,
			   void *at)
{
	struct seconds *s = at;
	int64_t ns, whole;

	if (v->type == VALUE_INT || v->type == VALUE_REAL) {
		decode_error(dc, v, "needs a duration with its unit, like %ss or 2m30s",
			     decode_show(dc, v));
		return;
	}
	if (v->type != VALUE_STRING) {
		decode_type_error(dc, v, "a duration like 90s or 2m30s");
		return;
	}
	if (!v->n)
		return;
	if (v->n > 64 || !text_duration(v->string, &ns)) {
		decode_error(dc, v, "%s is not a duration like 90s, 2m30s or 1h",
			     decode_show(dc, v));
		return;
	}
	whole = ns / 1000000000 + (ns % 1000000000 >= 500000000);
	if (ns < 0)
		decode_error(dc, v, "%s is negative; give at least 1s", decode_show(dc, v));
	else if (!whole)
		decode_error(dc, v, "%s rounds to 0 seconds; give at least 1s, or leave it out",
			     decode_show(dc, v));
	else if (f->max && whole > f->max)
		decode_error(dc, v, "%s is %lld seconds; the protocol carries at most %lld",
			     decode_show(dc, v), (long long)whole, (long long)f->max);
	else if (whole > UINT32_MAX)
		decode_error(dc, v, "%s is too long", decode_show(dc, v));
	else
		*s = (struct seconds){ .text = arena_str(dc->arena, v->string),
				       .value = (uint32_t)whole };
}

static struct value seconds_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	(void)a;
	return value_string(((const struct seconds *)at)->text);
}

/* The complaint points into the text where the file's columns and the selector's run together. */
static void selector_decode(struct decode *dc, const struct field *f, const struct value *v,
			    void *at)
{
	static const struct field limits = { .type = &type_selector,
					     .max = 1024,
					     .flags = FIELD_RAW };
	struct selector_error e = { 0 };
	const char *text = decode_text(dc, &limits, v);
	struct value place = *v;

	(void)f;
	if (!text)
		return;
	*(const struct selector **)at = selector_parse(text, dc->arena, &e);
	if (*(const struct selector **)at)
		return;
	if (v->line && v->plain && !strchr(text, '\n'))
		place.column += (unsigned)e.offset;
	decode_error(dc, &place, "column %zu of the selector %s: %s", e.offset + 1,
		     decode_show(dc, v), e.words);
}

static struct value selector_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	(void)a;
	return value_string(selector_text(*(const struct selector *const *)at));
}

static void strmap_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	*(struct strmap *)at = decode_strmap(dc, f, v);
}

static struct value strmap_encode(const struct field *f, const void *at, struct arena *a)
{
	const struct strmap *m = at;
	struct member *members = arena_array(a, struct member, m->n);

	(void)f;
	for (size_t i = 0; i < m->n; i++)
		members[i] = (struct member){ .key = m->items[i].key,
					      .value = value_string(m->items[i].value) };
	return value_map(members, m->n);
}

static void json_decode(struct decode *dc, const struct field *f, const struct value *v, void *at)
{
	struct value *copy = arena_new(dc->arena, struct value);

	(void)f;
	*copy = decode_copy(v, dc->arena);
	*(const struct value **)at = copy;
}

static struct value json_encode(const struct field *f, const void *at, struct arena *a)
{
	(void)f;
	(void)a;
	return **(const struct value *const *)at;
}

static bool number_decode(struct decode *dc, const struct value *v, uint64_t min, uint64_t max,
			  uint32_t *ret)
{
	if (v->type == VALUE_INT && v->integer >= 0 && (uint64_t)v->integer >= min &&
	    (uint64_t)v->integer <= max) {
		*ret = (uint32_t)v->integer;
		return true;
	}
	if (v->type == VALUE_STRING && v->n && strspn(v->string, "0123456789") == v->n)
		decode_error(dc, v, "needs a number without quotes: %.20s", v->string);
	else if (v->type == VALUE_INT || v->type == VALUE_REAL)
		decode_error(dc, v, "%s is not a whole number from %llu to %llu",
			     decode_show(dc, v), (unsigned long long)min, (unsigned long long)max);
	else
		decode_type_error(dc, v,
				  arena_printf(dc->diags->arena, "a whole number from %llu to %llu",
					       (unsigned long long)min, (unsigned long long)max));
	return false;
}

/* "64512" or "1.10". */
static bool asn_text(struct decode *dc, const struct value *v, uint64_t *ret)
{
	const char *dot = strchr(v->string, '.');
	uint64_t high, low;

	if (!dot) {
		if (text_u64(v->string, v->n, UINT32_MAX, ret))
			return true;
		decode_error(dc, v,
			     "%s is not an AS number; write 1 to 4294967295, or \"high.low\" with "
			     "each half at most 65535",
			     decode_show(dc, v));
		return false;
	}
	if (text_u64(v->string, (size_t)(dot - v->string), 65535, &high) &&
	    text_u64(dot + 1, strlen(dot + 1), 65535, &low)) {
		*ret = high << 16 | low;
		return true;
	}
	decode_error(
		dc, v,
		"%s is not an AS number; each half of \"high.low\" is a number from 0 to 65535",
		decode_show(dc, v));
	return false;
}
