/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value per row that its type takes, then the rules: where one is broken, the field that breaks
 * it goes. What a shape's own check() wants cannot be read from a table; the document is tried, and
 * made anew when it does not pass.
 */
#include "model/random.h"

#include "base/text.h"
#include "model/decode.h"

static struct value random_shape(const struct shape *shape, struct random *rnd, struct arena *a);
static struct value random_field(const struct field *f, struct random *rnd, struct arena *a);
static const char *random_text(const struct field *f, struct random *rnd, struct arena *a);
static struct value random_strmap(const struct field *f, struct random *rnd, struct arena *a);
static struct value random_list(const struct field *f, struct random *rnd, struct arena *a);
static const char *random_address(const char *family, struct random *rnd, struct arena *a,
				  bool prefix);
static size_t rules_obey(const struct shape *shape, struct member *members, size_t n);
static size_t drop(struct member *members, size_t n, const char *key);
static const struct value *member_find(const struct member *members, size_t n, const char *key);
static bool valid(const struct kind *kind, const struct value *doc);

uint32_t random_below(struct random *rnd, uint32_t n)
{
	rnd->state = rnd->state * 6364136223846793005u + 1442695040888963407u; /* Knuth */
	return (uint32_t)((rnd->state >> 33) % n);
}

const struct value *random_document(const struct kind *kind, struct random *rnd, struct arena *a)
{
	static const struct field labels = { "labels", &type_strmap };

	for (;;) {
		struct value body = random_shape(&kind->shape, rnd, a);
		struct member *meta = arena_array(a, struct member, 2);
		struct member *members = arena_array(a, struct member, 4 + body.n);
		struct value *doc = arena_new(a, struct value);
		const char *name = kind->id == KIND_BGPCONFIGURATION ?
					   "default" :
					   arena_printf(a, "x%u", random_below(rnd, 100000));
		size_t n = 3;

		meta[0] = (struct member){ .key = "name", .value = value_string(name) };
		meta[1] =
			(struct member){ .key = "labels", .value = random_strmap(&labels, rnd, a) };
		members[0] = (struct member){ .key = "apiVersion",
					      .value = value_string(kind->api_version) };
		members[1] = (struct member){ .key = "kind", .value = value_string(kind->name) };
		members[2] = (struct member){ .key = "metadata", .value = value_map(meta, 2) };
		if (kind->flags & KIND_TOP_LEVEL)
			for (uint32_t i = 0; i < body.n; i++)
				members[n++] = body.members[i];
		else
			members[n++] = (struct member){ .key = kind_body(kind), .value = body };
		*doc = value_map(members, n);
		if (valid(kind, doc))
			return doc;
	}
}

static struct value random_shape(const struct shape *shape, struct random *rnd, struct arena *a)
{
	struct member *members = arena_array(a, struct member, DECODE_FIELDS);
	size_t n = 0;

	for (const struct field *f = shape->fields; f->name; f++)
		if (f->type != &type_any &&
		    ((f->flags & FIELD_REQUIRED) || random_below(rnd, 5) < 2))
			members[n++] =
				(struct member){ .key = f->name, .value = random_field(f, rnd, a) };
	return value_map(members, rules_obey(shape, members, n));
}

static struct value random_field(const struct field *f, struct random *rnd, struct arena *a)
{
	int64_t max = f->max ? f->max : UINT32_MAX;

	if (f->type == &type_struct || f->type == &type_struct_ptr)
		return random_shape(f->arg, rnd, a);
	if (f->type == &type_list)
		return random_list(f, rnd, a);
	if (f->type == &type_strmap)
		return random_strmap(f, rnd, a);
	if (f->type == &type_bool)
		return value_bool(random_below(rnd, 2));
	if (f->type == &type_asn)
		return value_int(1 + (int64_t)random_below(rnd, INT32_MAX));
	if (f->type == &type_port)
		return value_int(1 + (int64_t)random_below(rnd, 65535));
	if (f->type == &type_u32 || f->type == &type_opt_u32)
		return value_int(f->min + (int64_t)random_below(
						  rnd, (uint32_t)MIN(max - f->min, INT32_MAX)));
	if (f->type == &type_json)
		return random_strmap(f, rnd, a);
	return value_string(random_text(f, rnd, a));
}

static const char *random_text(const struct field *f, struct random *rnd, struct arena *a)
{
	static const char *const selectors[] = { "all()", "rack == 'r1'", "has(a) && !has(b)",
						 "a in {'1','2'} || b != \"x\"" };
	const struct pattern *p = f->type == &type_string ? f->arg : NULL;

	if (f->type == &type_enum) {
		const char *const *words = f->arg;
		uint32_t n = 0;

		while (words[n])
			n++;
		return words[1 + random_below(rnd, n - 1)];
	}
	if (f->type == &type_selector)
		return selectors[random_below(rnd, lengthof(selectors))];
	if (f->type == &type_seconds)
		return arena_printf(a, "%u%s", 1 + random_below(rnd, 60),
				    random_below(rnd, 2) ? "s" : "m");
	if (f->type == &type_community)
		return random_below(rnd, 2) ?
			       arena_printf(a, "%u:%u", random_below(rnd, 65536),
					    random_below(rnd, 65536)) :
			       arena_printf(a, "%u:%u:%u", random_below(rnd, INT32_MAX),
					    random_below(rnd, INT32_MAX), random_below(rnd, 9));
	if (f->type == &type_cidr || f->type == &type_ifaddr)
		return random_address(f->arg, rnd, a, true);
	if (f->type == &type_ip)
		return random_address(f->arg, rnd, a, false);
	if (f->type == &type_endpoint && random_below(rnd, 4) == 0)
		return "fe80::1%eth0";
	if (f->type == &type_endpoint)
		return random_address(NULL, rnd, a, false);
	if (p && p->example)
		return p->example;
	if (f->type == &type_name || p)
		return arena_printf(a, "n%u", random_below(rnd, 1000));
	return arena_printf(a, "some \"text\" %u }", random_below(rnd, 1000));
}

static struct value random_strmap(const struct field *f, struct random *rnd, struct arena *a)
{
	uint32_t n = 1 + random_below(rnd, 4);
	struct member *members = arena_array(a, struct member, n);

	for (uint32_t i = 0; i < n; i++) {
		const char *text = f->flags & FIELD_SECRET ? /* also base64 */
					   "c2VjcmV0" :
					   arena_printf(a, "v%u", random_below(rnd, 100));

		members[i] = (struct member){ .key = arena_printf(a, "k%u", 9 - i),
					      .value = value_string(text) };
	}
	return value_map(members, n);
}

static struct value random_list(const struct field *f, struct random *rnd, struct arena *a)
{
	int64_t low = MAX(f->min, 1), high = f->max ? MIN(f->max, 4) : 4;
	uint32_t n = (uint32_t)(low + random_below(rnd, (uint32_t)(high - low + 1)));
	struct value *items = arena_array(a, struct value, n);

	for (uint32_t i = 0; i < n; i++)
		items[i] = random_field(f->arg, rnd, a);
	return value_list(items, n);
}

static const char *random_address(const char *family, struct random *rnd, struct arena *a,
				  bool prefix)
{
	uint32_t x = random_below(rnd, 250);

	if (family ? *family == '4' : random_below(rnd, 2))
		return arena_printf(a, prefix ? "10.%u.0.0/16" : "10.%u.0.1", x);
	return arena_printf(a, prefix ? "fd00:%x::/64" : "fd00:%x::1", x + 1);
}

/* Leaves out what RULE after RULE forbids; N members become fewer. */
static size_t rules_obey(const struct shape *shape, struct member *members, size_t n)
{
	for (const struct rule *r = shape->rules; r && r->a; r++) {
		const struct value *x = member_find(members, n, r->a);
		const struct value *y = member_find(members, n, r->b);

		if (r->kind == RULE_EXCLUSIVE || r->kind == RULE_FORBIDS)
			n = x && y ? drop(members, n, r->b) : n;
		else if (x && !y)
			n = drop(members, n, r->a);
		else if (y && !x && r->kind == RULE_TOGETHER)
			n = drop(members, n, r->b);
	}
	return n;
}

static size_t drop(struct member *members, size_t n, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(members[i].key, key) != 0)
			members[kept++] = members[i];
	return kept;
}

static const struct value *member_find(const struct member *members, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(members[i].key, key) == 0)
			return &members[i].value;
	return NULL;
}

static bool valid(const struct kind *kind, const struct value *doc)
{
	struct resource *r = resource_decode(kind, doc, DECODE_STRICT, NULL, NULL);
	bool ok = !resource_broken(r);

	resource_unref(r);
	return ok;
}
