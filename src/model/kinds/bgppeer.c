/* SPDX-License-Identifier: Apache-2.0 */
/* BGPPeer: the twelve fields of the reference, and what Calico and Calico Enterprise have besides. */
#include "model/columns.h"
#include "model/decode.h"
#include "model/kinds/shared.h"
#include "model/kinds/specs.h"

static void bgppeer_check(struct decode *dc, const struct value *v, const void *at);
static void restart_time_check(struct decode *dc, const struct bgppeer *p);
static const char *bgppeer_cell(const struct resource *r, const char *column, struct arena *a);

static const char *const admin_words[] = { "", "Up", "Down", NULL };
static const char *const source_words[] = { "", "UseNodeIP", "None", NULL };
static const char *const detection_words[] = { "", "None", "BFDIfDirectlyConnected", NULL };
static const char *const restart_words[] = { "", "GracefulRestart", "LongLivedGracefulRestart",
					     NULL };
static const char *const gateway_words[] = { "", "Recursive", "DirectIfDirectlyConnected", NULL };
static const char *const next_hop_words[] = { "", "Auto", "Self", "Keep", NULL };
static const char *const reverse_words[] = { "", "Auto", "Manual", NULL };
static const struct field filter_name = { "", &type_name, .max = 253 };

/* clang-format off */
static const struct field bgppeer_fields[] = {
	{ "node", F_NAME(bgppeer, node), FIELD_LIMITS, .max = 253,
	  .doc = "The one node that has this peering. Without node and nodeSelector all nodes "
		 "have it." },
	{ "nodeSelector", F_SELECTOR(bgppeer, node_selector), FIELD_LIMITS, .max = 1024,
	  .doc = "The nodes that have this peering, by their labels." },
	{ "peerIP", F_ENDPOINT(bgppeer, peer_ip), .max = 64, .column = "PEERIP",
	  .doc = "The address of the peer, with a port if it is not 179: 10.0.0.1, 10.0.0.1:1790, "
		 "[fd00::1]:1790. A link-local address names its interface: fe80::1%eth0." },
	{ "asNumber", F_ASN(bgppeer, as_number),
	  .doc = "The AS number of the peer. Left out, it is that of the node that has the "
		 "address peerIP." },
	{ "peerSelector", F_SELECTOR(bgppeer, peer_selector), .max = 1024, .column = "PEERSELECTOR",
	  .doc = "The nodes to peer with, by their labels; instead of peerIP and asNumber." },
	{ "extensions", F_STRMAP(bgppeer, extensions),
	  .doc = "Values for the lines of the session template (peerd --session-template)." },
	{ "password", F_STRUCT(bgppeer, password), FIELD_SECRET | FIELD_LIMITS, .arg = &shape_password,
	  .doc = "The TCP MD5 password of these sessions; at most 80 characters." },
	{ "sourceAddress", F_ENUM(bgppeer, source_address), .arg = source_words,
	  .dflt = "UseNodeIP",
	  .doc = "UseNodeIP: connect from the node's address. None: let the system choose." },
	{ "failureDetectionMode", F_ENUM(bgppeer, failure_detection_mode), .arg = detection_words,
	  .dflt = "None", .flags = FIELD_ENTERPRISE, .column = "FAILUREDETECTION",
	  .doc = "None: BGP's hold timer alone. BFDIfDirectlyConnected: BFD where the peer is on a "
		 "network of the node." },
	{ "restartMode", F_ENUM(bgppeer, restart_mode), .arg = restart_words,
	  .dflt = "GracefulRestart", .flags = FIELD_ENTERPRISE, .column = "RESTARTMODE",
	  .doc = "GracefulRestart (RFC 4724), or LongLivedGracefulRestart (RFC 9494)." },
	{ "maxRestartTime", F_SECONDS(bgppeer, max_restart_time), .max = LLGR_MAX,
	  .dflt = "120s, or 3600s for LongLivedGracefulRestart",
	  .doc = "How long routes are kept while the peer restarts. At most 4095s for "
		 "GracefulRestart, 16777215s for LongLivedGracefulRestart." },
	{ "birdGatewayMode", F_ENUM(bgppeer, bird_gateway_mode), .arg = gateway_words,
	  .dflt = "Recursive", .flags = FIELD_ENTERPRISE,
	  .doc = "Recursive: look next hops up in the routing table. DirectIfDirectlyConnected: "
		 "use the peer itself where it is on a network of the node." },
	{ "reversePeering", F_ENUM(bgppeer, reverse_peering), .arg = reverse_words, .dflt = "Auto",
	  .doc = "Auto: nodes that peerSelector selects, or that have the address peerIP, peer "
		 "back. Manual: they do not." },
	{ "filters", F_LIST(bgppeer, filters), FIELD_LIMITS, .arg = &filter_name, .column = "FILTERS",
	  .doc = "Names of the BGPFilters to apply, in order." },
	{ "localASNumber", F_ASN(bgppeer, local_as_number), .flags = FIELD_INERT,
	  .doc = "The AS number to speak as in these sessions." },
	{ "keepOriginalNextHop", F_BOOL(bgppeer, keep_original_next_hop), .flags = FIELD_INERT,
	  .dflt = "false", .doc = "Keep the next hop of routes sent to an eBGP peer." },
	{ "nextHopMode", F_ENUM(bgppeer, next_hop_mode), .arg = next_hop_words, .flags = FIELD_INERT,
	  .dflt = "Auto", .doc = "Which next hop is sent: Auto, Self or Keep." },
	{ "keepaliveTime", F_SECONDS(bgppeer, keepalive_time), .max = KEEPALIVE_MAX,
	  .flags = FIELD_INERT, .doc = "Time between keepalives; the hold time is three times it." },
	{ "numAllowedLocalASNumbers", F_OPT_U32(bgppeer, num_allowed_local_as_numbers),
	  .max = INT32_MAX, .flags = FIELD_INERT,
	  .doc = "How often our own AS number may stand in a received path." },
	{ "ttlSecurity", F_OPT_U32(bgppeer, ttl_security), .max = 255, .flags = FIELD_INERT,
	  .dflt = "0", .doc = "Accept packets from at most this many hops away (GTSM)." },
	{ "reachableBy", F_IP(bgppeer, reachable_by), .max = 64, .flags = FIELD_INERT,
	  .doc = "The gateway towards the peer." },
	{ "localWorkloadSelector", F_SELECTOR(bgppeer, local_workload_selector), .max = 1024,
	  .flags = FIELD_INERT, .doc = "Peer with pods of the same node, by their labels." },
	{ "externalNetwork", F_NAME(bgppeer, external_network), .max = 253,
	  .flags = FIELD_INERT | FIELD_ENTERPRISE, .doc = "The ExternalNetwork of these routes." },
	{ "network", F_NAME(bgppeer, network), .max = 253, .flags = FIELD_INERT | FIELD_ENTERPRISE,
	  .doc = "The Network of these sessions." },
	{ 0 }
};
static const struct rule bgppeer_rules[] = {
	{ RULE_EXCLUSIVE, "node", "nodeSelector", .hint = "leave one of them out" },
	{ RULE_EXCLUSIVE, "peerIP", "peerSelector", .hint = "leave one of them out" },
	{ RULE_FORBIDS, "peerSelector", "asNumber",
	  .hint = "the AS numbers are those of the selected nodes" },
	{ RULE_FORBIDS, "localWorkloadSelector", "peerIP", .hint = "leave one of them out" },
	{ RULE_FORBIDS, "localWorkloadSelector", "peerSelector", .hint = "leave one of them out" },
	{ RULE_NEEDS, "localWorkloadSelector", "asNumber" },
	{ RULE_NEEDS, "reachableBy", "peerIP" },
	{ RULE_FORBIDS, "keepOriginalNextHop", "nextHopMode", .value = "true",
	  .hint = "nextHopMode: Keep says the same" },
	{ 0 }
};
/* clang-format on */

static const char *const aliases[] = { "bgppeer", "bgppeers", "bgpp", "bgpps", "bp", "bps", NULL };
static const char *const columns[] = { "NAME", "PEERIP", "NODE", "ASN", NULL };
static const char *const wide[] = { "PEERSELECTOR", "PASSWORD", "FAILUREDETECTION",
				    "RESTARTMODE",  "FILTERS",	NULL };

/* clang-format off */
static const struct field bgppeer_annotations[] = {
	{ ANNOTATION_PREFIX "adminState", F_ENUM(bgppeer, admin_state), .arg = admin_words, .dflt = "Up",
	  .flags = FIELD_LIMITS,
	  .doc = "Down: these sessions are configured and do not run, also when a hand enables one." },
	{ 0 }
};
/* clang-format on */

const struct kind kind_bgppeer = {
	.id = KIND_BGPPEER,
	.name = "BGPPeer",
	.plural = "bgppeers",
	.api_version = "projectcalico.org/v3",
	.aliases = aliases,
	.shape = {.name = "BGPPeer",
		   .fields = bgppeer_fields,
		   .rules = bgppeer_rules,
		   .size = sizeof(struct bgppeer),
		   .check = bgppeer_check},
	.annotations = bgppeer_annotations,
	.doc = "A remote BGP peer that nodes peer with: a router by its address, or other nodes by "
	       "their labels.",
	.columns = columns,
	.wide_columns = wide,
	.cell = bgppeer_cell,
};

static void bgppeer_check(struct decode *dc, const struct value *v, const void *at)
{
	const struct bgppeer *p = at;

	restart_time_check(dc, p);
	if (ip_is_set(&p->reachable_by) && ip_is_set(&p->peer_ip.ip) &&
	    p->reachable_by.family != p->peer_ip.ip.family) {
		decode_enter(dc, "reachableBy");
		decode_error(dc, decode_given(dc, "reachableBy"),
			     "is IPv%u but peerIP is IPv%u; both need the same family",
			     p->reachable_by.family, p->peer_ip.ip.family);
		decode_leave(dc);
	}
	if (!dc->diags->n_errors && !decode_given(dc, "peerIP") &&
	    !decode_given(dc, "peerSelector") && !decode_given(dc, "localWorkloadSelector")) {
		decode_warn(dc, v, "has neither peerIP nor peerSelector, so it peers with nobody");
		decode_code(dc, "SELECTS_NOTHING");
	}
}

/* Graceful restart carries less time than long-lived graceful restart. */
static void restart_time_check(struct decode *dc, const struct bgppeer *p)
{
	bool graceful = p->restart_mode == RESTART_GR ||
			(p->restart_mode == RESTART_UNSET && !decode_given(dc, "restartMode"));

	if (!graceful || p->max_restart_time.value <= GR_MAX)
		return;
	decode_enter(dc, "maxRestartTime");
	decode_error(dc, decode_given(dc, "maxRestartTime"),
		     "\"%s\" is %u seconds; graceful restart carries at most %u; shorten it, or "
		     "set restartMode: LongLivedGracefulRestart",
		     p->max_restart_time.text, p->max_restart_time.value, GR_MAX);
	decode_leave(dc);
}

static const char *bgppeer_cell(const struct resource *r, const char *column, struct arena *a)
{
	const struct bgppeer *p = resource_spec(r, bgppeer);

	if (p && str_eq(column, "NODE"))
		return p->node		? p->node :
		       p->node_selector ? selector_text(p->node_selector) :
					  "(global)";
	if (p && str_eq(column, "ASN"))
		return arena_printf(a, "%u", p->as_number);
	if (p && str_eq(column, "PASSWORD"))
		return p->password.ref.name ? p->password.ref.name : "";
	return column_cell(r, column, a);
}
