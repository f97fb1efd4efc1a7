/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structs of all kinds. Their rows stand in the .c of each kind; adding a field is a member
 * here, a row there, and the line that uses it. All-zero is "not given" everywhere.
 */
#pragma once

#include "model/field.h"

/* ---- BGPPeer (reference/bgppeer.md, compat 1.3) ---- */

enum source_address { SOURCE_UNSET, SOURCE_NODE_IP, SOURCE_NONE };
enum failure_detection { DETECT_UNSET, DETECT_NONE, DETECT_BFD };
enum restart_mode { RESTART_UNSET, RESTART_GR, RESTART_LLGR };
enum gateway_mode { GATEWAY_UNSET, GATEWAY_RECURSIVE, GATEWAY_DIRECT };
enum next_hop_mode { NEXT_HOP_UNSET, NEXT_HOP_AUTO, NEXT_HOP_SELF, NEXT_HOP_KEEP };
enum reverse_peering { REVERSE_UNSET, REVERSE_AUTO, REVERSE_MANUAL };

struct password {
	struct secret_ref ref; /* secretKeyRef; name NULL: no password */
};

enum admin_state { ADMIN_UNSET, ADMIN_UP, ADMIN_DOWN };

struct bgppeer {
	const char *node;
	const struct selector *node_selector;
	struct endpoint peer_ip;
	uint32_t as_number;
	const struct selector *peer_selector;
	struct strmap extensions;
	struct password password;
	unsigned source_address;         /* enum source_address */
	unsigned failure_detection_mode; /* enum failure_detection */
	unsigned restart_mode;           /* enum restart_mode */
	struct seconds max_restart_time;
	unsigned bird_gateway_mode;      /* enum gateway_mode */
	unsigned reverse_peering;        /* enum reverse_peering */
	struct list filters;             /* const char *: names of BGPFilters */
	unsigned admin_state;            /* enum admin_state; of an annotation */
	/* decoded, checked, kept; not acted on yet */
	uint32_t local_as_number;
	enum tristate keep_original_next_hop;
	unsigned next_hop_mode; /* enum next_hop_mode */
	struct seconds keepalive_time;
	struct opt_u32 num_allowed_local_as_numbers;
	struct opt_u32 ttl_security; /* hops, 0-255 */
	struct ip reachable_by;
	const struct selector *local_workload_selector;
	const char *external_network, *network;
};

/* ---- BGPConfiguration (compat 1.4) ---- */

enum bind_mode { BIND_UNSET, BIND_NONE, BIND_NODE_IP };
enum log_severity { SEVERITY_UNSET, SEVERITY_TRACE, SEVERITY_DEBUG, SEVERITY_INFO,
		    SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_FATAL };

struct bgpconfiguration {
	uint32_t as_number;
	uint16_t listen_port;
	enum tristate mesh_enabled; /* nodeToNodeMeshEnabled */
	struct password mesh_password;
	struct seconds mesh_max_restart_time;
	unsigned bind_mode;            /* enum bind_mode */
	struct list ignored_interfaces; /* const char * */
	unsigned log_severity_screen;  /* enum log_severity, any case */
	struct strmap extensions;
	/* not acted on yet */
	struct list service_load_balancer_ips, service_external_ips, service_cluster_ips;
	unsigned service_load_balancer_aggregation;
	struct list communities;           /* struct named_community */
	struct list prefix_advertisements; /* struct prefix_advertisement */
	struct ip local_workload_peering_ipv4, local_workload_peering_ipv6;
	unsigned program_cluster_routes;
	uint32_t ipv4_normal_route_priority, ipv6_normal_route_priority;
};

struct named_community {
	const char *name, *value;
};
struct prefix_advertisement {
	struct cidr cidr;
	struct list communities; /* const char * */
};
struct cidr_block { /* {cidr: ...} of the service lists */
	struct cidr cidr;
};

/* ---- Node (compat 1.6) ---- */

struct node_bgp {
	struct cidr ipv4_address, ipv6_address; /* host bits kept */
	uint32_t as_number;
	struct ip route_reflector_cluster_id;
	const struct value *ipv4_ipip_tunnel_addr; /* foreign */
};
struct node {
	struct node_bgp *bgp; /* NULL: this node does not speak BGP */
	/* foreign: the rest of Calico's Node, whatever is in it */
	const struct value *ipv4_vxlan_tunnel_addr, *ipv6_vxlan_tunnel_addr;
	const struct value *vxlan_tunnel_mac_addr, *vxlan_tunnel_mac_addr_v6;
	const struct value *wireguard, *orch_refs, *addresses, *interfaces;
};

/* ---- BGPFilter (compat 1.5, 7) ---- */

enum match_operator { MATCH_UNSET, MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_IN, MATCH_NOT_IN };
enum filter_source { FILTER_SOURCE_UNSET, FILTER_SOURCE_REMOTE_PEERS };
enum filter_peer_type { FILTER_PEER_UNSET, FILTER_PEER_EBGP, FILTER_PEER_IBGP };
enum filter_action { ACTION_UNSET, ACTION_ACCEPT, ACTION_REJECT };

struct filter_lengths { /* prefixLength */
	struct opt_u32 min, max;
};
struct filter_communities {
	struct list values; /* const char * */
};
struct filter_add_community {
	const char *value;
};
struct filter_prepend {
	struct list prefix; /* uint32_t */
};
struct filter_set_priority {
	uint32_t value;
};
struct filter_operation { /* exactly one */
	struct filter_add_community *add_community;
	struct filter_prepend *prepend_as_path;
	struct filter_set_priority *set_priority;
};
struct filter_rule {
	struct cidr cidr;
	struct filter_lengths *prefix_length;
	unsigned match_operator; /* enum match_operator */
	unsigned source;         /* enum filter_source */
	const char *interface;
	unsigned peer_type;      /* enum filter_peer_type */
	struct filter_communities *communities;
	struct list as_path_prefix; /* uint32_t */
	uint32_t priority;
	unsigned action;         /* enum filter_action */
	struct list operations;  /* struct filter_operation */
};
struct bgpfilter {
	struct list export_v4, import_v4, export_v6, import_v6; /* struct filter_rule */
};

/* ---- IPPool (compat 1.7) ---- */

struct ippool {
	struct cidr cidr;
	unsigned ipip_mode, vxlan_mode; /* Never, Always, CrossSubnet */
	enum tristate nat_outgoing, disabled, disable_bgp_export;
	uint32_t block_size;
	const struct selector *node_selector;
	struct list allowed_uses; /* unsigned: index into the words */
	unsigned assignment_mode;
	const char *namespace_selector;
};

/* ---- ClusterInformation, BlockAffinity: Calico's own (compat 1.8, 2.3) ---- */

struct clusterinformation {
	const char *cluster_guid, *cluster_type, *calico_version, *variant;
	enum tristate datastore_ready;
};

struct blockaffinity {
	const char *state, *node, *type;
	struct cidr cidr;
	enum tristate deleted;
};

/* ---- Secret (core v1) ---- */

struct secret {
	struct strmap data;        /* base64, as written */
	struct strmap string_data; /* plain */
	const char *type;
	enum tristate immutable;
};
/* The bytes of KEY, decoded and NUL-terminated in A, with *LEN their number; stringData wins over
 * data, as in Kubernetes. NULL when the secret has no such key. */
const char *secret_value(const struct secret *s, const char *key, struct arena *a, size_t *len);

/* ---- NodeStatus (peerage.dev/v1, decisions.md 27) ---- */

struct status_cause {
	const char *code, *error, *message; /* as of the session */
	const char *at;                     /* RFC 3339, UTC */
};
struct status_session {
	const char *name;           /* BIRD protocol */
	const char *origin;         /* "bgppeer/tor-a" or "mesh" */
	const char *origin_version; /* of that resource when the plan was made */
	const char *peer;           /* "10.1.0.1", "fe80::1%eth0" */
	const char *peer_node;      /* when the other end is one of our nodes */
	uint32_t as_number;         /* of the remote */
	uint32_t local_as_number;
	const char *state;          /* Idle ... Established, Down, Missing */
	const char *fate;           /* keeps, stopped, absent (compute/fate.h); NULL: it runs as planned */
	const char *since;          /* RFC 3339, UTC */
	const char *reason;         /* why it is not Established, in words; NULL when it is */
	const char *code;           /* of the reason, stable: "PORT_CLOSED" */
	const char *error;          /* BIRD's words for it; NULL: it has none */
	const char *message;        /* of the remote's operator, with a shutdown (RFC 9003) */
	struct status_cause *before; /* the cause before that one; NULL */
	uint32_t flaps;
	enum tristate flaps_at_least; /* YES: there may have been more */
	enum tristate passive, direct;
	uint32_t routes_imported, routes_exported;
};
struct status_problem {
	const char *code;   /* "SECRET_MISSING" */
	const char *origin; /* "bgppeer/tor-a" */
	const char *text;
	const char *since;
};
struct status_onlink {
	const char *interface;
	struct cidr prefix; /* the address on it, host bits kept */
	struct ip peer;     /* of a point-to-point address */
};
struct status_route { /* one way of it */
	struct cidr prefix;
	struct ip gateway;
	const char *interface;
};
struct status_trouble { /* with the store; the last one */
	const char *text;
	const char *since, *until; /* UNTIL unset: it lasts */
};
struct nodestatus {
	const char *conf_id;      /* first characters of what BIRD runs */
	const char *state;        /* Applied, Applying, Held, BirdDown, NotOurs, ... */
	const char *message;      /* about the state, in words */
	const char *observed_at;  /* RFC 3339, UTC */
	struct seconds good_for;  /* how long after that it may be believed */
	const char *bird_version, *router_id, *agent_version;
	const char *store_identity;
	struct status_trouble *store_trouble; /* NULL: none in this life of the agent */
	struct list on_link;      /* struct status_onlink */
	struct list kernel_routes; /* struct status_route */
	struct list missing_addresses; /* struct ip */
	struct list sessions;     /* struct status_session */
	struct list problems;     /* struct status_problem */
};
/* Is S older at NOW (clock_wall()) than it may be believed? */
bool nodestatus_stale(const struct nodestatus *s, int64_t now);
