/* SPDX-License-Identifier: Apache-2.0 */
#include "model/kind.h"

#include <strings.h>

#include "base/text.h"

const struct kind *const kinds[KIND_COUNT] = {
	[KIND_NODE] = &kind_node,
	[KIND_BGPCONFIGURATION] = &kind_bgpconfiguration,
	[KIND_BGPPEER] = &kind_bgppeer,
	[KIND_BGPFILTER] = &kind_bgpfilter,
	[KIND_IPPOOL] = &kind_ippool,
	[KIND_SECRET] = &kind_secret,
	[KIND_NODESTATUS] = &kind_nodestatus,
	[KIND_CLUSTERINFORMATION] = &kind_clusterinformation,
	[KIND_BLOCKAFFINITY] = &kind_blockaffinity,
};

const struct kind *kind_find(const char *word)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (name_find_case(kinds[i]->aliases, word, -1) >= 0)
			return kinds[i];
	return NULL;
}

const struct kind *kind_of(const char *api_version, const char *name,
			   const struct kind **known_other)
{
	*known_other = NULL;
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcasecmp(kinds[i]->name, name) != 0)
			continue;
		if (strcmp(kinds[i]->name, name) == 0 &&
		    strcmp(kinds[i]->api_version, api_version) == 0)
			return kinds[i];
		*known_other = kinds[i];
	}
	return NULL;
}

const char *kind_suggest(const char *word)
{
	const char *names[KIND_COUNT + 1] = { NULL };

	for (size_t i = 0; i < KIND_COUNT; i++)
		names[i] = kinds[i]->name;
	return name_suggest(names, word);
}

const char *kind_body(const struct kind *kind)
{
	return kind->flags & KIND_STATUS_BODY ? "status" : "spec";
}

unsigned kinds_without(unsigned flags)
{
	unsigned found = 0;

	for (size_t i = 0; i < KIND_COUNT; i++)
		if (!(kinds[i]->flags & flags))
			found |= 1u << i;
	return found;
}

const char *kinds_named(struct arena *a)
{
	const char *names[KIND_COUNT + 1] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < KIND_COUNT; i++)
		if (!(kinds[i]->flags & KIND_FILES_ONLY))
			names[n++] = kinds[i]->name;
	return name_list(names, a);
}

const char *kind_short(const struct kind *kind, struct arena *a)
{
	auto_buf struct buf words = { 0 };

	for (size_t i = 2; kind->aliases[i]; i += 2)
		buf_printf(&words, "%s%s", words.len ? ", " : "", kind->aliases[i]);
	return arena_str(a, buf_text(&words));
}
