/* SPDX-License-Identifier: Apache-2.0 */
/* BGPConfiguration: what holds for all nodes ("default") or for one ("node.NAME"). */
#include "model/columns.h"
#include "model/decode.h"
#include "model/kinds/shared.h"
#include "model/kinds/specs.h"

static void shape_check(struct decode *dc, const struct value *v, const void *at);
static void communities_check(struct decode *dc, const struct bgpconfiguration *c, size_t at);
static bool community_named(const struct bgpconfiguration *c, const char *name);
static void bgpconfiguration_check(struct decode *dc, const struct resource *r);
static const char *bgpconfiguration_cell(const struct resource *r, const char *column,
					 struct arena *a);
static bool interface_ignored(const char *text);
static bool tag_valid(const char *text);

static const char *const bind_words[] = { "", "None", "NodeIP", NULL };
static const char *const severity_words[] = { "",	 "Trace", "Debug", "Info",
					      "Warning", "Error", "Fatal", NULL };
static const char *const enabled_words[] = { "", "Enabled", "Disabled", NULL };
static const char *const cluster_route_words[] = {
	"", "Enabled", "Disabled", "EnabledIPIPOnly", "EnabledNoEncapOnly", NULL
};
static const struct pattern ignored_pattern = {
	interface_ignored, "an interface or pattern: 1 to 15 of A-Z a-z 0-9 . _ * - and not * alone"
};
static const struct pattern tag_pattern = { tag_valid,
					    "a community like 64512:100 or the name of one",
					    "64512:100" };

/* clang-format off */
static const struct field interface_field = { "", &type_string, .arg = &ignored_pattern };
static const struct field block_fields[] = {
	{ "cidr", F_CIDR(cidr_block, cidr), .doc = "The prefix." },
	{ 0 }
};
static const struct shape block_shape = {
	.name = "block", .fields = block_fields, .size = sizeof(struct cidr_block) };
static const struct field block_field = { "", &type_struct, .arg = &block_shape };
static const struct field community_fields[] = {
	{ "name", F_NAME(named_community, name), FIELD_REQUIRED, .max = 253,
	  .doc = "The name to use in prefixAdvertisements." },
	{ "value", F_COMMUNITY(named_community, value), FIELD_REQUIRED, .max = 40,
	  .doc = "aa:nn or aa:nn:mm." },
	{ 0 }
};
static const struct shape community_shape = {
	.name = "community", .fields = community_fields, .size = sizeof(struct named_community) };
static const struct field community_field = { "", &type_struct, .arg = &community_shape };
static const struct field tag_field = { "", &type_string, .arg = &tag_pattern, .max = 253 };
static const struct field advertisement_fields[] = {
	{ "cidr", F_CIDR(prefix_advertisement, cidr), FIELD_REQUIRED, .doc = "The prefix." },
	{ "communities", F_LIST(prefix_advertisement, communities), FIELD_REQUIRED,
	  .arg = &tag_field, .max = 50,
	  .doc = "Communities, or names of communities of this object." },
	{ 0 }
};
static const struct shape advertisement_shape = {
	.name = "advertisement", .fields = advertisement_fields,
	.size = sizeof(struct prefix_advertisement) };
static const struct field advertisement_field = { "", &type_struct, .arg = &advertisement_shape };

static const struct field bgpconfiguration_fields[] = {
	{ "asNumber", F_ASN(bgpconfiguration, as_number), FIELD_DEFAULT_ONLY, .dflt = "64512",
	  .doc = "The AS number of nodes that have none of their own." },
	{ "listenPort", F_PORT(bgpconfiguration, listen_port), .dflt = "179",
	  .doc = "The port that the nodes listen on." },
	{ "nodeToNodeMeshEnabled", F_BOOL(bgpconfiguration, mesh_enabled),
	  FIELD_DEFAULT_ONLY | FIELD_LIMITS,
	  .dflt = "true", .doc = "Does every node peer with every other?" },
	{ "nodeMeshPassword", F_STRUCT(bgpconfiguration, mesh_password),
	  FIELD_DEFAULT_ONLY | FIELD_SECRET | FIELD_LIMITS,
	  .arg = &shape_password, .doc = "The TCP MD5 password of the mesh." },
	{ "nodeMeshMaxRestartTime", F_SECONDS(bgpconfiguration, mesh_max_restart_time),
	  FIELD_DEFAULT_ONLY, .max = GR_MAX, .dflt = "120s",
	  .doc = "How long routes are kept while a node of the mesh restarts; at most 4095s." },
	{ "bindMode", F_ENUM(bgpconfiguration, bind_mode), .arg = bind_words, .dflt = "None",
	  .doc = "None: listen on all addresses. NodeIP: on the node's only." },
	{ "ignoredInterfaces", F_LIST(bgpconfiguration, ignored_interfaces), FIELD_LIMITS,
	  .arg = &interface_field,
	  .doc = "Interfaces whose networks are not learned; * stands for any characters." },
	{ "logSeverityScreen", F_ENUM(bgpconfiguration, log_severity_screen),
	  FIELD_ANY_CASE, .arg = severity_words, .dflt = "Info", .column = "LOGSEVERITY",
	  .doc = "What BIRD logs; upper and lower case are one." },
	{ "extensions", F_STRMAP(bgpconfiguration, extensions), .flags = FIELD_ENTERPRISE,
	  .doc = "Values for the lines of the session template, for all peers." },
	{ "serviceLoadBalancerIPs", F_LIST(bgpconfiguration, service_load_balancer_ips),
	  FIELD_DEFAULT_ONLY | FIELD_INERT, .arg = &block_field,
	  .doc = "Load balancer addresses to announce." },
	{ "serviceExternalIPs", F_LIST(bgpconfiguration, service_external_ips),
	  FIELD_DEFAULT_ONLY | FIELD_INERT, .arg = &block_field,
	  .doc = "External addresses of services to announce." },
	{ "serviceClusterIPs", F_LIST(bgpconfiguration, service_cluster_ips),
	  FIELD_DEFAULT_ONLY | FIELD_INERT, .arg = &block_field,
	  .doc = "Cluster addresses of services to announce." },
	{ "serviceLoadBalancerAggregation",
	  F_ENUM(bgpconfiguration, service_load_balancer_aggregation), FIELD_INERT,
	  .arg = enabled_words, .dflt = "Enabled",
	  .doc = "Announce load balancer ranges as a whole." },
	{ "communities", F_LIST(bgpconfiguration, communities), FIELD_INERT,
	  .arg = &community_field, .max = 500, .doc = "Names for communities." },
	{ "prefixAdvertisements", F_LIST(bgpconfiguration, prefix_advertisements), FIELD_INERT,
	  .arg = &advertisement_field, .max = 500,
	  .doc = "Communities that prefixes are announced with." },
	{ "localWorkloadPeeringIPV4", F_IP(bgpconfiguration, local_workload_peering_ipv4),
	  FIELD_INERT, .arg = "4", .doc = "The address that pods peer with." },
	{ "localWorkloadPeeringIPV6", F_IP(bgpconfiguration, local_workload_peering_ipv6),
	  FIELD_INERT, .arg = "6", .doc = "The address that pods peer with." },
	{ "programClusterRoutes", F_ENUM(bgpconfiguration, program_cluster_routes), FIELD_INERT,
	  .arg = cluster_route_words, .dflt = "EnabledNoEncapOnly",
	  .doc = "Which routes between nodes BIRD puts into the kernel." },
	{ "ipv4NormalRoutePriority", F_U32(bgpconfiguration, ipv4_normal_route_priority),
	  FIELD_INERT, .min = 1, .max = 2147483646, .dflt = "1024",
	  .doc = "The metric of IPv4 routes in the kernel." },
	{ "ipv6NormalRoutePriority", F_U32(bgpconfiguration, ipv6_normal_route_priority),
	  FIELD_INERT, .min = 1, .max = 2147483646, .dflt = "1024",
	  .doc = "The metric of IPv6 routes in the kernel." },
	{ 0 }
};
static const struct rule bgpconfiguration_rules[] = {
	{ RULE_FORBIDS, "nodeToNodeMeshEnabled", "nodeMeshPassword", .value = "false",
	  .hint = "there is no mesh to protect" },
	{ RULE_FORBIDS, "nodeToNodeMeshEnabled", "nodeMeshMaxRestartTime", .value = "false",
	  .hint = "there is no mesh" },
	{ RULE_NEEDS, "communities", "prefixAdvertisements" },
	{ 0 }
};
/* clang-format on */

static const char *const aliases[] = { "bgpconfiguration", "bgpconfigurations", "bgpconfig",
				       "bgpconfigs", NULL };
static const char *const columns[] = { "NAME", "LOGSEVERITY", "MESHENABLED", "ASNUMBER", NULL };
static const char *const wide[] = { NULL };

const struct kind kind_bgpconfiguration = {
	.id = KIND_BGPCONFIGURATION,
	.name = "BGPConfiguration",
	.plural = "bgpconfigurations",
	.api_version = "projectcalico.org/v3",
	.aliases = aliases,
	.shape = {.name = "BGPConfiguration",
		   .fields = bgpconfiguration_fields,
		   .rules = bgpconfiguration_rules,
		   .size = sizeof(struct bgpconfiguration),
		   .check = shape_check},
	.doc = "What holds for all nodes, in the object named default, or for one, in node.NAME.",
	.check = bgpconfiguration_check,
	.columns = columns,
	.wide_columns = wide,
	.cell = bgpconfiguration_cell,
};

static void shape_check(struct decode *dc, const struct value *v, const void *at)
{
	const struct bgpconfiguration *c = at;

	(void)v;
	decode_enter(dc, "prefixAdvertisements");
	for (size_t i = 0; i < c->prefix_advertisements.n; i++) {
		decode_enter_item(dc, i);
		communities_check(dc, c, i);
		decode_leave(dc);
	}
	decode_leave(dc);
}

/* Of the advertisement AT: each is a community, or the name of one. */
static void communities_check(struct decode *dc, const struct bgpconfiguration *c, size_t at)
{
	const struct list *words =
		&list_at(c->prefix_advertisements, struct prefix_advertisement, at).communities;
	const struct value *written = decode_given(dc, "prefixAdvertisements"), *list;

	list = value_get(&written->items[at], "communities");
	decode_enter(dc, "communities");
	for (size_t i = 0; i < words->n; i++) {
		const char *word = list_at(*words, const char *, i);

		if (!word || community_valid(word) || community_named(c, word))
			continue;
		decode_enter_item(dc, i);
		decode_error(dc, list ? &list->items[i] : written,
			     "\"%s\" is neither a community like 64512:100 nor the name of one "
			     "under communities",
			     word);
		decode_leave(dc);
	}
	decode_leave(dc);
}

static bool community_named(const struct bgpconfiguration *c, const char *name)
{
	for (size_t i = 0; i < c->communities.n; i++)
		if (str_eq(list_at(c->communities, struct named_community, i).name, name))
			return true;
	return false;
}

/* Which fields act depends on the name: of one node, listenPort and logSeverityScreen do. */
static void bgpconfiguration_check(struct decode *dc, const struct resource *r)
{
	static const char *const whole[] = { "bindMode", "ignoredInterfaces", "extensions", NULL };
	const char *name = r->meta.name;
	const struct value *spec = value_get(dc->doc, "spec");

	if (strcmp(name, "default") == 0)
		return;
	if (strncmp(name, "node.", 5) == 0 && name[5]) {
		decode_enter(dc, "spec");
		for (size_t i = 0; whole[i]; i++) {
			const struct value *v = value_get(spec, whole[i]);

			if (!v || v->type == VALUE_NULL)
				continue;
			decode_enter(dc, whole[i]);
			decode_warn(dc, v, "is kept but acts in the BGPConfiguration default only");
			decode_code(dc, "NOT_ACTED_ON");
			decode_leave(dc);
		}
		decode_leave(dc);
		return;
	}
	decode_enter(dc, "metadata");
	decode_enter(dc, "name");
	decode_warn(dc, value_get(value_get(dc->doc, "metadata"), "name"),
		    "\"%s\" does nothing: a BGPConfiguration is named \"default\" or \"node.NAME\"",
		    name);
	decode_leave(dc);
	decode_leave(dc);
}

static const char *bgpconfiguration_cell(const struct resource *r, const char *column,
					 struct arena *a)
{
	const struct bgpconfiguration *c = resource_spec(r, bgpconfiguration);

	if (c && str_eq(column, "MESHENABLED"))
		return c->mesh_enabled ? c->mesh_enabled == YES ? "true" : "false" : "-";
	if (c && str_eq(column, "ASNUMBER"))
		return c->as_number ? arena_printf(a, "%u", c->as_number) : "-";
	return column_cell(r, column, a);
}

static bool interface_ignored(const char *text)
{
	return interface_pattern(text) && strcmp(text, "*") != 0;
}

static bool tag_valid(const char *text)
{
	return community_valid(text) || name_valid(text);
}
