/* SPDX-License-Identifier: Apache-2.0 */
/* metadata: the table of Kubernetes' object metadata, with Calico's limits. */
#include "model/decode.h"

#include "base/text.h"

#define ANNOTATIONS_MAX (256u << 10) /* bytes of all keys and values */

static void meta_check(struct decode *dc, const struct value *v, const void *at);
static bool label_check(struct decode *dc, const struct member *m, bool name_good);
static void annotations_check(struct decode *dc, const struct value *annotations);
static bool qualified_name(const char *key, size_t len);
static bool label_value(const char *text, size_t len);
static bool subdomain(const char *text, size_t len);

/* A table, because half of reading a Node is looking at its labels. */
enum { ALNUM = 1, NAME = 2, DOMAIN = 4 };
static const uint8_t classes[256] = {
	['a' ... 'z'] = ALNUM | NAME | DOMAIN,
	['0' ... '9'] = ALNUM | NAME | DOMAIN,
	['A' ... 'Z'] = ALNUM | NAME,
	['.'] = NAME,
	['_'] = NAME,
	['-'] = NAME | DOMAIN,
};

static bool is(char c, uint8_t class)
{
	return classes[(unsigned char)c] & class;
}

static const struct pairs labels = { label_check };

/* clang-format off */
static const struct field meta_fields[] = {
	{ "name", F_NAME(meta, name),
	  .doc = "The name of this object, unique within its kind." },
	{ "namespace", F_STRING(meta, namespace),
	  .doc = "Only for Secrets." },
	{ "labels", F_STRMAP(meta, labels), FIELD_RAW, .arg = &labels,
	  .doc = "What selectors look at: qualified names and label values of Kubernetes." },
	{ "annotations", F_STRMAP(meta, annotations), FIELD_RAW,
	  .doc = "Notes of people and programs; at most 256 KiB together." },
	{ "uid", F_STRING(meta, uid), .doc = "Given by the store." },
	{ "resourceVersion", F_STRING(meta, version), .doc = "Given by the store." },
	{ "creationTimestamp", F_STRING(meta, created),
	  .doc = "Given by the store. Of two BGPPeers that ask for the same session the older one has it." },
	{ "generateName", F_ANY, FIELD_DROPPED, .doc = "Not supported: give a name." },
	{ "generation", F_ANY, .doc = "Kept." },
	{ "selfLink", F_ANY, FIELD_DROPPED, .doc = "Dropped." },
	{ "managedFields", F_ANY, FIELD_DROPPED, .doc = "Dropped." },
	{ "ownerReferences", F_ANY, .doc = "Kept." },
	{ "finalizers", F_ANY, .doc = "Kept." },
	{ "deletionTimestamp", F_ANY, .doc = "Kept." },
	{ "deletionGracePeriodSeconds", F_ANY, .doc = "Kept." },
	{ 0 }
};
/* clang-format on */

const struct shape meta_shape = {
	.name = "metadata",
	.fields = meta_fields,
	.size = sizeof(struct meta),
	.check = meta_check,
};

void meta_decode(struct decode *dc, const struct kind *kind, const struct value *metadata,
		 const struct value *doc, struct meta *meta)
{
	struct value none = { .type = VALUE_MAP, .line = doc->line, .column = doc->column };
	const struct value *v = metadata ? metadata : &none;

	decode_enter(dc, "metadata");
	decode_shape(dc, &meta_shape, v, meta);
	if (!(kind->flags & KIND_NAMESPACED) && meta->namespace) {
		decode_enter(dc, "namespace");
		decode_strict_error(dc, value_get(v, "namespace"),
				    "a %s belongs to no namespace; leave it out", kind->name);
		decode_leave(dc);
		meta->namespace = NULL;
	}
	decode_leave(dc);
}

bool name_valid(const char *name)
{
	size_t len = 0;

	while (name && is(name[len], NAME))
		len++;
	return len && len <= 253 && !name[len] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

bool name_valid_kube(const char *name)
{
	return subdomain(name, strlen(name));
}

static void meta_check(struct decode *dc, const struct value *v, const void *at)
{
	const struct meta *meta = at;
	const struct value *name = decode_given(dc, "name");
	const struct value *generate = decode_given(dc, "generateName");
	const struct value *annotations = decode_given(dc, "annotations");

	if (!name && generate) {
		decode_enter(dc, "generateName");
		decode_error(dc, generate, "is not supported; give metadata.name");
		decode_leave(dc);
	} else if (!name && !dc->name) {
		decode_enter(dc, "name");
		decode_error(dc, v, "is required: give it a name");
		decode_leave(dc);
	} else if (meta->name && decode_strict(dc) && !name_valid_kube(meta->name)) {
		decode_enter(dc, "name");
		decode_warn(dc, name,
			    "Kubernetes could not hold the name \"%s\": "
			    "there a name has a-z 0-9 - and dots between",
			    meta->name);
		decode_leave(dc);
	}
	if (annotations && annotations->type == VALUE_MAP)
		annotations_check(dc, annotations);
}

static bool label_check(struct decode *dc, const struct member *m, bool name_good)
{
	bool value_good = m->value.type != VALUE_STRING || label_value(m->value.string, m->value.n);

	name_good = name_good || qualified_name(m->key, member_key_len(m));
	if (name_good && value_good)
		return true;
	decode_enter(dc, m->key);
	if (*m->key && !name_good)
		decode_strict_error(dc, &m->value,
				    "is not a label's name: at most 63 of A-Z a-z 0-9 "
				    ". _ -, a letter or digit first and last, with at "
				    "most one \"domain/\" in front");
	else if (!value_good)
		decode_strict_error(dc, &m->value,
				    "%s is not a label's value: at most 63 of A-Z a-z "
				    "0-9 . _ -, a letter or digit first and last",
				    decode_show(dc, &m->value));
	decode_leave(dc);
	return name_good;
}

static void annotations_check(struct decode *dc, const struct value *annotations)
{
	size_t sum = 0;

	decode_enter(dc, "annotations");
	for (uint32_t i = 0; i < annotations->n; i++)
		if (annotations->members[i].value.type == VALUE_STRING)
			sum += strlen(annotations->members[i].key) +
			       annotations->members[i].value.n;
	if (sum > ANNOTATIONS_MAX)
		decode_strict_error(dc, annotations, "have %zu bytes together; at most %u fit", sum,
				    ANNOTATIONS_MAX);
	decode_leave(dc);
}

static bool qualified_name(const char *key, size_t len)
{
	const char *slash = memchr(key, '/', len);
	size_t domain = slash ? (size_t)(slash - key) : 0, front = slash ? domain + 1 : 0;

	return (!slash || subdomain(key, domain)) && len > front &&
	       label_value(key + front, len - front);
}

static bool label_value(const char *text, size_t len)
{
	uint8_t good = NAME;

	if (!len)
		return true;
	if (len > 63 || !is(text[0], ALNUM) || !is(text[len - 1], ALNUM))
		return false;
	for (size_t i = 0; i < len; i++)
		good &= classes[(unsigned char)text[i]];
	return good & NAME;
}

/* DNS-1123: labels of a-z 0-9 - that begin and end with a letter or digit, dots between. */
static bool subdomain(const char *text, size_t len)
{
	const char *at = text, *end = text + len;

	if (len > 253)
		return false;
	for (;; at++) {
		const char *label = at;

		while (at < end && is(*at, DOMAIN))
			at++;
		if (at == label || *label == '-' || at[-1] == '-')
			return false;
		if (at == end)
			return true;
		if (*at != '.')
			return false;
	}
}
