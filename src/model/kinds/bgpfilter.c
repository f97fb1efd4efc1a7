/* SPDX-License-Identifier: Apache-2.0 */
/* BGPFilter: ordered rules per direction and family. Both families have the same rows; only the
 * ranges of addresses differ, so the tables are made twice from one list. */
#include "model/columns.h"
#include "model/decode.h"
#include "model/kinds/shared.h"
#include "model/kinds/specs.h"

#define PRIORITY_MAX 2147483646

static void lengths_check(struct decode *dc, const struct value *v, const void *at);
static void operation_check(struct decode *dc, const struct value *v, const void *at);
static void rule_check(struct decode *dc, const struct value *v, const void *at);
static const char *bgpfilter_cell(const struct resource *r, const char *column, struct arena *a);

static const char *const operator_words[] = { "", "Equal", "NotEqual", "In", "NotIn", NULL };
static const char *const source_words[] = { "", "RemotePeers", NULL };
static const char *const peer_type_words[] = { "", "eBGP", "iBGP", NULL };
static const char *const action_words[] = { "", "Accept", "Reject", NULL };
static const struct pattern interface = {
	interface_pattern, "an interface or pattern: 1 to 15 of A-Z a-z 0-9 . _ * -"
};

/* clang-format off */
static const struct field asn_field = { "", &type_asn, .flags = FIELD_REQUIRED };
static const struct field community_field = { "", &type_community, .max = 32 };
static const struct field communities_fields[] = {
	{ "values", F_LIST(filter_communities, values), FIELD_REQUIRED,
	  .arg = &community_field, .min = 1, .max = 1,
	  .doc = "Exactly one community: aa:nn or aa:nn:mm." },
	{ 0 }
};
static const struct shape communities_shape = {
	.name = "communities", .fields = communities_fields,
	.size = sizeof(struct filter_communities) };

static const struct field add_fields[] = {
	{ "value", F_COMMUNITY(filter_add_community, value), FIELD_REQUIRED, .max = 32,
	  .doc = "The community to add." },
	{ 0 }
};
static const struct shape add_shape = {
	.name = "addCommunity", .fields = add_fields, .size = sizeof(struct filter_add_community) };
static const struct field prepend_fields[] = {
	{ "prefix", F_LIST(filter_prepend, prefix), FIELD_REQUIRED, .arg = &asn_field,
	  .min = 1, .max = 10, .doc = "1 to 10 AS numbers to put in front of the path." },
	{ 0 }
};
static const struct shape prepend_shape = {
	.name = "prependASPath", .fields = prepend_fields, .size = sizeof(struct filter_prepend) };
static const struct field priority_fields[] = {
	{ "value", F_U32(filter_set_priority, value), FIELD_REQUIRED, .min = 1, .max = PRIORITY_MAX,
	  .doc = "The priority; lower wins." },
	{ 0 }
};
static const struct shape priority_shape = {
	.name = "setPriority", .fields = priority_fields,
	.size = sizeof(struct filter_set_priority) };
static const struct field operation_fields[] = {
	{ "addCommunity", F_STRUCT_PTR(filter_operation, add_community), .arg = &add_shape,
	  .doc = "Add a community." },
	{ "prependASPath", F_STRUCT_PTR(filter_operation, prepend_as_path), .arg = &prepend_shape,
	  .doc = "Make the path longer." },
	{ "setPriority", F_STRUCT_PTR(filter_operation, set_priority), .arg = &priority_shape,
	  .doc = "Set the priority." },
	{ 0 }
};
static const struct shape operation_shape = {
	.name = "operation", .fields = operation_fields, .size = sizeof(struct filter_operation),
	.check = operation_check };
static const struct field operation_field = { "", &type_struct, .arg = &operation_shape };

static const struct rule rule_rules[] = {
	{ RULE_TOGETHER, "cidr", "matchOperator" },
	{ RULE_NEEDS, "prefixLength", "cidr" },
	{ RULE_FORBIDS, "action", "operations", .value = "Reject",
	  .hint = "a rejected route is not changed" },
	{ 0 }
};

#define FILTER_TABLES(v, family, bits)                                                             \
	static const struct field lengths_##v[] = {                                                \
		{ "min", F_OPT_U32(filter_lengths, min), .max = bits,                              \
		  .doc = "The shortest prefix length." },                                          \
		{ "max", F_OPT_U32(filter_lengths, max), .max = bits,                              \
		  .doc = "The longest prefix length." },                                           \
		{ 0 }                                                                              \
	};                                                                                         \
	static const struct shape lengths_shape_##v = {                                            \
		.name = "prefixLength", .fields = lengths_##v,                                     \
		.size = sizeof(struct filter_lengths), .check = lengths_check };                   \
	static const struct field rule_##v[] = {                                                   \
		{ "cidr", F_CIDR(filter_rule, cidr), .arg = family,                                \
		  .doc = "The prefix that routes are compared with, by matchOperator." },          \
		{ "prefixLength", F_STRUCT_PTR(filter_rule, prefix_length),                        \
		  .arg = &lengths_shape_##v,                                                       \
		  .doc = "Which lengths match; for In and NotIn." },                               \
		{ "matchOperator", F_ENUM(filter_rule, match_operator), .arg = operator_words,     \
		  .doc = "Equal, NotEqual: the prefix itself. In, NotIn: all within it." },        \
		{ "source", F_ENUM(filter_rule, source), .arg = source_words,                      \
		  .doc = "RemotePeers: only routes learned by BGP." },                             \
		{ "interface", F_STRING(filter_rule, interface), .arg = &interface,                \
		  .doc = "The interface of the route; * stands for any characters." },             \
		{ "peerType", F_ENUM(filter_rule, peer_type), .arg = peer_type_words,              \
		  .doc = "Only for peers of another AS (eBGP) or of ours (iBGP)." },               \
		{ "communities", F_STRUCT_PTR(filter_rule, communities),                           \
		  .arg = &communities_shape, .doc = "Only routes that carry it." },                \
		{ "asPathPrefix", F_LIST(filter_rule, as_path_prefix), .arg = &asn_field,          \
		  .doc = "Only routes whose path begins with these AS numbers." },                 \
		{ "priority", F_U32(filter_rule, priority), .min = 1, .max = PRIORITY_MAX,         \
		  .doc = "Only routes of this priority." },                                        \
		{ "action", F_ENUM(filter_rule, action), FIELD_REQUIRED, .arg = action_words,      \
		  .doc = "What becomes of a route that matches." },                                \
		{ "operations", F_LIST(filter_rule, operations), .arg = &operation_field,          \
		  .max = 10, .doc = "What is changed before a route is accepted, in order." },     \
		{ 0 }                                                                              \
	};                                                                                         \
	static const struct shape rule_shape_##v = {                                               \
		.name = "rule", .fields = rule_##v, .rules = rule_rules,                           \
		.size = sizeof(struct filter_rule), .check = rule_check };                         \
	static const struct field rule_field_##v = { "", &type_struct, .arg = &rule_shape_##v }

FILTER_TABLES(v4, "4", 32);
FILTER_TABLES(v6, "6", 128);

static const struct field bgpfilter_fields[] = {
	{ "exportV4", F_LIST(bgpfilter, export_v4), .arg = &rule_field_v4,
	  .doc = "Rules for IPv4 routes sent to the peer; the first that matches decides." },
	{ "importV4", F_LIST(bgpfilter, import_v4), .arg = &rule_field_v4,
	  .doc = "Rules for IPv4 routes received from the peer." },
	{ "exportV6", F_LIST(bgpfilter, export_v6), .arg = &rule_field_v6,
	  .doc = "Rules for IPv6 routes sent to the peer." },
	{ "importV6", F_LIST(bgpfilter, import_v6), .arg = &rule_field_v6,
	  .doc = "Rules for IPv6 routes received from the peer." },
	{ 0 }
};
/* clang-format on */

static const char *const aliases[] = {
	"bgpfilter", "bgpfilters", "bgpf", "bgpfs", "bf", "bfs", NULL
};
static const char *const columns[] = { "NAME",	      "NUMEXPORTV4", "NUMIMPORTV4",
				       "NUMEXPORTV6", "NUMIMPORTV6", NULL };
static const char *const wide[] = { NULL };

const struct kind kind_bgpfilter = {
	.id = KIND_BGPFILTER,
	.name = "BGPFilter",
	.plural = "bgpfilters",
	.api_version = "projectcalico.org/v3",
	.aliases = aliases,
	.shape = {.name = "BGPFilter",
		   .fields = bgpfilter_fields,
		   .size = sizeof(struct bgpfilter)},
	.flags = KIND_CLOSED,
	.doc = "Rules that BGPPeers name under filters: which routes pass, and what is changed. A field "
	       "or word that is not here breaks the filter in a store, too.",
	.columns = columns,
	.wide_columns = wide,
	.cell = bgpfilter_cell,
};

static void lengths_check(struct decode *dc, const struct value *v, const void *at)
{
	const struct filter_lengths *l = at;

	if (l->min.set && l->max.set && l->min.value > l->max.value)
		decode_error(dc, v, "min %u is above max %u; no route has such a length",
			     l->min.value, l->max.value);
}

static void operation_check(struct decode *dc, const struct value *v, const void *at)
{
	int n = !!decode_given(dc, "addCommunity") + !!decode_given(dc, "prependASPath") +
		!!decode_given(dc, "setPriority");

	(void)at;
	if (n != 1)
		decode_error(dc, v,
			     "needs exactly one of addCommunity, prependASPath, setPriority, "
			     "not %d",
			     n);
}

static void rule_check(struct decode *dc, const struct value *v, const void *at)
{
	const struct filter_rule *r = at;

	(void)v;
	if (!r->prefix_length ||
	    (r->match_operator != MATCH_EQUAL && r->match_operator != MATCH_NOT_EQUAL))
		return;
	decode_enter(dc, "prefixLength");
	decode_warn(dc, decode_given(dc, "prefixLength"),
		    "is for In and NotIn: with matchOperator %s this rule matches %s route",
		    operator_words[r->match_operator],
		    r->match_operator == MATCH_EQUAL ? "no" : "every");
	decode_leave(dc);
}

static const char *bgpfilter_cell(const struct resource *r, const char *column, struct arena *a)
{
	const struct bgpfilter *f = resource_spec(r, bgpfilter);
	const struct list *list;

	if (!f || strncmp(column, "NUM", 3) != 0)
		return column_cell(r, column, a);
	list = str_eq(column, "NUMEXPORTV4") ? &f->export_v4 :
	       str_eq(column, "NUMIMPORTV4") ? &f->import_v4 :
	       str_eq(column, "NUMEXPORTV6") ? &f->export_v6 :
					       &f->import_v6;
	return arena_printf(a, "%zu", list->n);
}
