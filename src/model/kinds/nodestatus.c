/* SPDX-License-Identifier: Apache-2.0 */
/* NodeStatus: what the agent of a node found, written by it alone (decisions.md 27). */
#include "base/clock.h"
#include "model/columns.h"
#include "model/kinds/specs.h"

#define GOOD_FOR_S 180 /* of the agents of 0.1.0, which do not say it */

static const char *nodestatus_cell(const struct resource *r, const char *column, struct arena *a);

/* clang-format off */
static const struct field before_fields[] = {
	{ "code", F_STRING(status_cause, code), .doc = "The cause as a stable word." },
	{ "error", F_STRING(status_cause, error), .doc = "BIRD's words for it." },
	{ "message", F_STRING(status_cause, message),
	  .doc = "What the operator of the other end said with a shutdown (RFC 9003)." },
	{ "at", F_STRING(status_cause, at), .doc = "When it was seen last, UTC." },
	{ 0 }
};
static const struct shape before_shape = {
	.name = "before", .fields = before_fields, .size = sizeof(struct status_cause) };
static const struct field session_fields[] = {
	{ "name", F_STRING(status_session, name), .doc = "BIRD's name of the session." },
	{ "origin", F_STRING(status_session, origin), .doc = "The resource that asks for it, or mesh." },
	{ "originVersion", F_STRING(status_session, origin_version),
	  .doc = "The version of that resource that was planned; opaque." },
	{ "peer", F_STRING(status_session, peer), .doc = "The address of the other end." },
	{ "peerNode", F_STRING(status_session, peer_node),
	  .doc = "The node at the other end, when it is one of ours." },
	{ "asNumber", F_ASN(status_session, as_number), .doc = "The AS number of the other end." },
	{ "localASNumber", F_ASN(status_session, local_as_number), .doc = "The AS number of this end." },
	{ "state", F_STRING(status_session, state),
	  .doc = "Idle, Connect, Active, OpenSent, OpenConfirm, Established, Down or Missing." },
	{ "fate", F_STRING(status_session, fate),
	  .doc = "keeps (the text that BIRD last accepted), stopped (by a person) or absent; unset: it runs as planned." },
	{ "since", F_STRING(status_session, since), .doc = "When it entered that state, UTC." },
	{ "reason", F_STRING(status_session, reason), .doc = "Why it is not Established." },
	{ "code", F_STRING(status_session, code), .doc = "The reason as a stable word." },
	{ "error", F_STRING(status_session, error),
	  .doc = "BIRD's words for the reason; unset when it has none." },
	{ "message", F_STRING(status_session, message),
	  .doc = "What the operator of the other end said with a shutdown (RFC 9003)." },
	{ "before", &type_struct_ptr, FIELD_AT(status_session, before, struct status_cause *),
	  .arg = &before_shape,
	  .doc = "The cause before that: what ended the session, or kept it down the last time." },
	{ "flaps", F_U32(status_session, flaps), .doc = "How often it left Established." },
	{ "flapsAtLeast", F_BOOL(status_session, flaps_at_least),
	  .doc = "May it have been more often? BIRD was not heard all the time." },
	{ "passive", F_BOOL(status_session, passive), .doc = "Does this end wait to be called?" },
	{ "direct", F_BOOL(status_session, direct), .doc = "Is the peer on a network of the node?" },
	{ "routesImported", F_U32(status_session, routes_imported), .doc = "Routes received." },
	{ "routesExported", F_U32(status_session, routes_exported), .doc = "Routes sent." },
	{ 0 }
};
static const struct shape session_shape = {
	.name = "session", .fields = session_fields, .size = sizeof(struct status_session) };
static const struct field session_field = { "", &type_struct, .arg = &session_shape };
static const struct field problem_fields[] = {
	{ "code", F_STRING(status_problem, code), .doc = "A stable word." },
	{ "origin", F_STRING(status_problem, origin), .doc = "The resource that has it." },
	{ "text", F_STRING(status_problem, text), .doc = "The problem in words." },
	{ "since", F_STRING(status_problem, since), .doc = "Since when, UTC." },
	{ 0 }
};
static const struct shape problem_shape = {
	.name = "problem", .fields = problem_fields, .size = sizeof(struct status_problem) };
static const struct field problem_field = { "", &type_struct, .arg = &problem_shape };
static const struct field on_link_fields[] = {
	{ "interface", F_STRING(status_onlink, interface), .doc = "The interface." },
	{ "prefix", F_IFADDR(status_onlink, prefix), .doc = "The address on it with its length." },
	{ "peer", F_IP(status_onlink, peer), .doc = "The other end of a point-to-point address." },
	{ 0 }
};
static const struct shape on_link_shape = {
	.name = "onLink", .fields = on_link_fields, .size = sizeof(struct status_onlink) };
static const struct field on_link_field = { "", &type_struct, .arg = &on_link_shape };
static const struct field route_fields[] = {
	{ "prefix", F_CIDR(status_route, prefix), .doc = "The prefix." },
	{ "gateway", F_IP(status_route, gateway), .doc = "Its gateway; unset: it is on the link itself." },
	{ "interface", F_STRING(status_route, interface), .doc = "The interface." },
	{ 0 }
};
static const struct shape route_shape = {
	.name = "kernelRoute", .fields = route_fields, .size = sizeof(struct status_route) };
static const struct field route_field = { "", &type_struct, .arg = &route_shape };
static const struct field missing_field = { "", &type_ip };
static const struct field trouble_fields[] = {
	{ "text", F_STRING(status_trouble, text), .doc = "What it was." },
	{ "since", F_STRING(status_trouble, since), .doc = "When it began, UTC." },
	{ "until", F_STRING(status_trouble, until), .doc = "When it was over, UTC; unset while it lasts." },
	{ 0 }
};
static const struct shape trouble_shape = {
	.name = "storeTrouble", .fields = trouble_fields, .size = sizeof(struct status_trouble) };

static const struct field nodestatus_fields[] = {
	{ "state", F_STRING(nodestatus, state), .column = "STATE",
	  .doc = "Starting, Applying, Applied, Held, Refused, Failed, NotOurs or BirdDown." },
	{ "message", F_STRING(nodestatus, message), .column = "MESSAGE",
	  .doc = "About the state, in words." },
	{ "confId", F_STRING(nodestatus, conf_id), .column = "CONFID",
	  .doc = "The first characters of the id of what BIRD runs." },
	{ "observedAt", F_STRING(nodestatus, observed_at), .column = "OBSERVED",
	  .doc = "When this was written, UTC." },
	{ "goodFor", F_SECONDS(nodestatus, good_for),
	  .doc = "How long after that it may be believed: by then the agent has written the next one. Older, it is "
		 "stale; 3m where it is not given." },
	{ "birdVersion", F_STRING(nodestatus, bird_version), .column = "BIRD",
	  .doc = "The version of BIRD." },
	{ "routerId", F_STRING(nodestatus, router_id), .column = "ROUTERID",
	  .doc = "The router id that BIRD uses." },
	{ "agentVersion", F_STRING(nodestatus, agent_version), .doc = "The version of peerd." },
	{ "storeIdentity", F_STRING(nodestatus, store_identity),
	  .doc = "The store that was applied." },
	{ "storeTrouble", &type_struct_ptr, FIELD_AT(nodestatus, store_trouble, struct status_trouble *),
	  .arg = &trouble_shape,
	  .doc = "The last time that the agent was without its store, or had to read all of it anew." },
	{ "onLink", F_LIST(nodestatus, on_link), .arg = &on_link_field,
	  .doc = "The networks that the node is on." },
	{ "kernelRoutes", F_LIST(nodestatus, kernel_routes), .arg = &route_field,
	  .doc = "Routes of the kernel that BIRD does not take; its next hops are looked up there, too." },
	{ "missingAddresses", F_LIST(nodestatus, missing_addresses), .arg = &missing_field,
	  .doc = "Addresses that the Node gives and no interface of the machine has." },
	{ "sessions", F_LIST(nodestatus, sessions), .arg = &session_field, .doc = "Its sessions." },
	{ "problems", F_LIST(nodestatus, problems), .arg = &problem_field,
	  .doc = "What could not be done." },
	{ 0 }
};
/* clang-format on */

static const char *const aliases[] = { "nodestatus", "nodestatuses", NULL };
static const char *const columns[] = {
	"NAME", "STATE", "SESSIONS", "ESTABLISHED", "PROBLEMS", NULL
};
static const char *const wide[] = { "CONFID", "ROUTERID", "BIRD", "OBSERVED", "MESSAGE", NULL };

const struct kind kind_nodestatus = {
	.id = KIND_NODESTATUS,
	.name = "NodeStatus",
	.plural = "nodestatuses",
	.api_version = "peerage.dev/v1",
	.aliases = aliases,
	.shape = {.name = "NodeStatus",
		   .fields = nodestatus_fields,
		   .size = sizeof(struct nodestatus)},
	.flags = KIND_UNWATCHED | KIND_READ_ONLY | KIND_STATUS_BODY,
	.writer = "peerd",
	.doc = "What the agent of a node found: its sessions and problems.",
	.columns = columns,
	.wide_columns = wide,
	.cell = nodestatus_cell,
};

bool nodestatus_stale(const struct nodestatus *s, int64_t now)
{
	int64_t seen = s->observed_at ? clock_parse(s->observed_at) : -1;
	int64_t good_for = s->good_for.text ? s->good_for.value : GOOD_FOR_S;

	return seen < 0 || now - seen > good_for;
}

static const char *nodestatus_cell(const struct resource *r, const char *column, struct arena *a)
{
	const struct nodestatus *s = resource_spec(r, nodestatus);
	bool stale = s && nodestatus_stale(s, clock_wall());
	size_t n = 0;

	if (!s)
		return column_cell(r, column, a);
	if (stale && str_eq(column, "STATE"))
		return arena_printf(a, "Stale, was %s", s->state ? s->state : "?");
	if (stale && str_eq(column, "ESTABLISHED"))
		return "-";
	if (str_eq(column, "SESSIONS"))
		return arena_printf(a, "%zu", s->sessions.n);
	if (str_eq(column, "PROBLEMS"))
		return arena_printf(a, "%zu", s->problems.n);
	if (!str_eq(column, "ESTABLISHED"))
		return column_cell(r, column, a);
	for (size_t i = 0; i < s->sessions.n; i++)
		n += str_eq(list_at(s->sessions, struct status_session, i).state, "Established");
	return arena_printf(a, "%zu", n);
}
