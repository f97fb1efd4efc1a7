/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd_keys.h"

#include <stdio.h>

#include "base/json.h"
#include "store/driver.h"

#define RESOURCES "/calico/resources/v3/projectcalico.org/"
#define BLOCK	  "/block/"

/* What is not under RESOURCES. */
static const struct {
	const char *plural, *prefix;
} elsewhere[] = {
	{"nodestatuses",	  "/peerage/v1/nodestatuses/"},
	{ "blockaffinities", "/calico/ipam/v2/host/"    },
};
#define BLOCKS 1 /* the row of the ones that IPAM has in a form of its own */

static const char *kind_prefix(const struct kind *kind, char *buf, size_t size);
static bool is_block(const struct kind *kind);
static const char *block_parse(const char *rest, size_t len, size_t *ret_node,
			       struct buf *ret_name);
static void name_add(struct buf *name, const char *at, size_t len);
static void range_of(const char *prefix, struct key_range *ret);

struct key_range etcd_keys_of(const struct kind *kind)
{
	struct key_range r;
	char prefix[sizeof r.from];

	range_of(kind_prefix(kind, prefix, sizeof prefix), &r);
	return r;
}

bool etcd_keys_range(unsigned wanted, struct key_range *ret)
{
	bool found = false;

	wanted &= kinds_without(KIND_UNWATCHED | KIND_FILES_ONLY);
	for (size_t i = 0; i < lengthof(kinds); i++) {
		struct key_range r;

		if (!(wanted & 1u << kinds[i]->id))
			continue;
		r = etcd_keys_of(kinds[i]);
		if (!found || strcmp(r.from, ret->from) < 0)
			memcpy(ret->from, r.from, sizeof r.from);
		if (!found || strcmp(r.to, ret->to) > 0)
			memcpy(ret->to, r.to, sizeof r.to);
		found = true;
	}
	return found;
}

bool etcd_key(const struct kind *kind, const char *name, struct buf *ret)
{
	char prefix[128];

	buf_clear(ret);
	buf_str(ret, kind_prefix(kind, prefix, sizeof prefix));
	if (is_block(kind))
		return false;
	buf_str(ret, name);
	return true;
}

const struct kind *etcd_key_parse(const char *key, size_t len, struct buf *ret_name)
{
	const size_t resources = strlen(RESOURCES);
	const struct kind *kind;
	const char *slash;
	size_t node;

	buf_clear(ret_name);
	for (size_t i = 0; i < lengthof(elsewhere); i++) {
		size_t front = strlen(elsewhere[i].prefix);

		if (len < front || memcmp(key, elsewhere[i].prefix, front) != 0)
			continue;
		if (i != BLOCKS)
			name_add(ret_name, key + front, len - front);
		else if (!block_parse(key + front, len - front, &node, ret_name))
			return NULL;
		return driver_kind(elsewhere[i].plural, strlen(elsewhere[i].plural));
	}
	if (len < resources || memcmp(key, RESOURCES, resources) != 0)
		return NULL;
	key += resources;
	len -= resources;
	slash = memchr(key, '/', len);
	kind = slash ? driver_kind(key, (size_t)(slash - key)) : NULL;
	if (!kind)
		return NULL;
	for (size_t i = 0; i < lengthof(elsewhere); i++)
		if (str_eq(kind->plural, elsewhere[i].plural))
			return NULL; /* Calico has keys of this form, which nobody uses */
	name_add(ret_name, slash + 1, len - (size_t)(slash + 1 - key));
	return kind;
}

const char *etcd_value(const struct kind *kind, const char *key, const char *name,
		       const char *value, size_t *len, struct buf *buf)
{
	auto_buf struct buf unused = { 0 };
	size_t front = strlen(elsewhere[BLOCKS].prefix), node, i = 0;
	const char *cidr;
	auto_free char *text = NULL, *where = NULL;

	if (!is_block(kind))
		return value;
	cidr = block_parse(key + front, strlen(key + front), &node, &unused);
	if (!cidr)
		return value;
	buf_clear(buf);
	buf_str(buf, "{\"kind\":\"BlockAffinity\",\"apiVersion\":\"projectcalico.org/v3\","
		     "\"metadata\":{\"name\":");
	json_string(name, buf);
	buf_str(buf, "},\"spec\":{\"node\":");
	where = strndup(key + front, node);
	json_string(where, buf);
	buf_str(buf, ",\"type\":\"host\",\"cidr\":");
	text = mem_str(cidr);
	if (strrchr(text, '-'))
		*strrchr(text, '-') = '/';
	json_string(text, buf);
	/* The members of VALUE, in whatever state they are. */
	while (i < *len && strchr(" \t\r\n", value[i]) && value[i])
		i++;
	if (i < *len && value[i] == '{')
		i++;
	while (i < *len && strchr(" \t\r\n", value[i]) && value[i])
		i++;
	if (i < *len && value[i] != '}')
		buf_char(buf, ',');
	buf_add(buf, value + i, *len - i);
	buf_str(buf, i < *len ? "}" : "}}");
	*len = buf->len;
	return buf->at;
}

static const char *kind_prefix(const struct kind *kind, char *buf, size_t size)
{
	for (size_t i = 0; i < lengthof(elsewhere); i++)
		if (str_eq(kind->plural, elsewhere[i].plural))
			return elsewhere[i].prefix;
	snprintf(buf, size, RESOURCES "%s/", kind->plural);
	return buf;
}

static bool is_block(const struct kind *kind)
{
	return str_eq(kind->plural, elsewhere[BLOCKS].plural);
}

/* NODE/ipv4/block/CIDR with a dash for the slash: returns the CIDR; the name is the one that Calico
 * gives such an object in Kubernetes. NULL: it is something else. */
static const char *block_parse(const char *rest, size_t len, size_t *ret_node, struct buf *ret_name)
{
	const char *slash = memchr(rest, '/', len);
	size_t node = slash ? (size_t)(slash - rest) : 0, family = node + strlen("/ipvN" BLOCK);

	buf_clear(ret_name);
	if (!node || len <= family || memcmp(slash, "/ipv", 4) != 0 ||
	    (slash[4] != '4' && slash[4] != '6') || memcmp(slash + 5, BLOCK, strlen(BLOCK)) != 0)
		return NULL;
	name_add(ret_name, rest, node);
	buf_char(ret_name, '-');
	for (size_t i = family; i < len; i++)
		name_add(ret_name, strchr(".:/", rest[i]) && rest[i] ? "-" : rest + i, 1);
	*ret_node = node;
	return rest + family;
}

/* A key may have a NUL in it; "tor-a" and what follows is not tor-a. */
static void name_add(struct buf *name, const char *at, size_t len)
{
	char *to = buf_reserve(name, len);

	for (size_t i = 0; i < len; i++)
		to[i] = at[i] ? at[i] : '?';
	to[len] = '\0';
	name->len += len;
}

/* Up to what follows all keys with PREFIX. */
static void range_of(const char *prefix, struct key_range *ret)
{
	snprintf(ret->from, sizeof ret->from, "%s", prefix);
	snprintf(ret->to, sizeof ret->to, "%s", prefix);
	ret->to[strlen(ret->to) - 1]++;
}
