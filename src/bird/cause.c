/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a session is down, for the engineer who has to do something about it. BIRD's words name what
 * it saw; the sentence says where to look. Codes are stable: they end in statuses and alerts. What
 * was measured on BIRD 2.0.12 is in bird2.md 5; the rest are the error texts of RFC 4271, 4486,
 * 8203, 9234 and 9384 as BIRD spells them.
 */
#include "bird/session.h"

/* clang-format off */
static const struct {
	const char *says; /* all of Last error; with a blank at the end: how it begins */
	struct session_cause cause;
} errors[] = {
	/* the connection */
	{ "Socket: Connection refused", { "PORT_CLOSED",
	  "Nothing listens at the remote address and port: is BGP running there, and is "
	  "the port right?", CAUSE_TCP } },
	{ "Socket: No route to host", { "UNREACHABLE",
	  "The remote address does not answer on the link: check its address, the VLAN and "
	  "the cabling.", CAUSE_TCP } },
	{ "Socket: Host is down", { "UNREACHABLE",
	  "The remote address does not answer on the link: check its address, the VLAN and "
	  "the cabling.", CAUSE_TCP } },
	{ "Socket: Network is unreachable", { "NO_ROUTE",
	  "This node has no route to the remote address: check the default route, or "
	  "whether the remote should be directly connected.", CAUSE_TCP } },
	{ "Socket: Connection timed out", { "TIMED_OUT",
	  "The remote stopped answering: check the path, firewalls, and whether both sides "
	  "have the same password.", CAUSE_TCP } },
	{ "Socket: Operation timed out", { "TIMED_OUT",
	  "The remote stopped answering: check the path, firewalls, and whether both sides "
	  "have the same password.", CAUSE_TCP } },
	{ "Socket: Operation not permitted", { "LOCAL_FIREWALL",
	  "A firewall on this node forbids the connection: check its rules for TCP port 179.",
	  CAUSE_TCP } },
	{ "Socket: Permission denied", { "LOCAL_FIREWALL",
	  "A firewall or a prohibit route on this node forbids the connection: check its "
	  "rules for TCP port 179.", CAUSE_TCP } },
	{ "Socket: Connection reset by peer", { "PEER_DOES_NOT_KNOW_US",
	  "The remote listens but closes at once: check that it has this node's source "
	  "address as a neighbour, not disabled; its log names the address it saw.", CAUSE_TCP } },
	{ "Socket: Connection closed", { "PEER_DOES_NOT_KNOW_US",
	  "The connection closed without a reason: check that the remote has this node's "
	  "source address as a neighbour, and that this node has that source address.",
	  CAUSE_TCP } },
	{ "Socket: Broken pipe", { "PEER_DOES_NOT_KNOW_US",
	  "The connection closed without a reason: check that the remote has this node's "
	  "source address as a neighbour, and its log.", CAUSE_TCP } },
	{ "Socket: Cannot assign requested address", { "SOURCE_NOT_LOCAL",
	  "The source address of the session is not an address of this node: check the "
	  "Node's BGP address.", CAUSE_KEEPS } },
	/* what BIRD saw on this machine */
	{ "Error: Neighbor lost", { "NEIGHBOR_LOST",
	  "The interface or address that connects to the remote is gone: check the link "
	  "and the addresses of this node.", CAUSE_ENDS } },
	{ "Error: Link down", { "LINK_DOWN",
	  "The link to the remote has no carrier: check the cable and the port of the switch.",
	  CAUSE_ENDS } },
	{ "Error: BFD session down", { "BFD_DOWN",
	  "BFD no longer hears the remote: check the path, and that BFD (UDP 3784 or 4784) "
	  "is on at the remote and passes firewalls.", CAUSE_ENDS } },
	{ "Received: BFD session down", { "BFD_DOWN",
	  "The remote no longer hears this node by BFD: check the path and firewalls for "
	  "UDP 3784 and 4784.", CAUSE_ENDS } },
	{ "Error: Kernel MD5 auth failed", { "MD5_KERNEL",
	  "The kernel did not take the password: it may be over 80 bytes, or there are "
	  "more keys than net.core.optmem_max allows; BIRD's log says which.", CAUSE_KEEPS } },
	{ "Error: No listening socket", { "NO_LISTENING_SOCKET",
	  "BIRD cannot listen on the local address and port: check that the address is on "
	  "this node, and that no other process has the port.", CAUSE_KEEPS } },
	{ "Error: Invalid next hop", { "INVALID_NEXT_HOP",
	  "There is no usable own address to announce as next hop: check the addresses on "
	  "the interface to the remote.", CAUSE_KEEPS } },
	{ "Automatic shutdown: Route limit exceeded", { "PREFIX_LIMIT",
	  "The remote sent more routes than the limit of this session allows: raise the "
	  "limit or filter at the remote, then enable the session.", CAUSE_ENDS } },
	/* OPEN */
	{ "BGP Error: Bad peer AS", { "BAD_PEER_AS",
	  "The remote has another AS number than the one configured: compare asNumber with "
	  "the AS of the remote.", CAUSE_KEEPS } },
	{ "Received: Bad peer AS", { "BAD_PEER_AS",
	  "The remote expects another AS number of this node: compare its neighbour "
	  "configuration with the AS of this node.", CAUSE_KEEPS } },
	{ "BGP Error: Bad BGP identifier", { "ROUTER_ID_CLASH",
	  "The remote has the router id of this node, or an invalid one: router ids must "
	  "differ within an AS.", CAUSE_KEEPS } },
	{ "Received: Bad BGP identifier", { "ROUTER_ID_CLASH",
	  "The remote refuses the router id of this node: router ids must differ within an AS.",
	  CAUSE_KEEPS } },
	{ "BGP Error: Required capability missing", { "CAPABILITY",
	  "The remote does not offer a capability that this session needs: compare address "
	  "families and required features.", CAUSE_KEEPS } },
	{ "Received: Required capability missing", { "CAPABILITY",
	  "The remote needs a capability that this node does not offer: compare address "
	  "families and required features.", CAUSE_KEEPS } },
	{ "BGP Error: No supported AFI/SAFI", { "CAPABILITY",
	  "The two sides have no address family in common: compare the address families of "
	  "the session.", CAUSE_KEEPS } },
	{ "Received: No supported AFI/SAFI", { "CAPABILITY",
	  "The two sides have no address family in common: compare the address families of "
	  "the session.", CAUSE_KEEPS } },
	{ "BGP Error: Unsupported optional parameter", { "CAPABILITY",
	  "The remote sent an optional parameter that BIRD does not know: check the "
	  "features of the remote.", CAUSE_KEEPS } },
	{ "Received: Unsupported optional parameter", { "CAPABILITY",
	  "The remote does not know capabilities of this node: check whether it can "
	  "negotiate capabilities at all.", CAUSE_KEEPS } },
	{ "BGP Error: Role mismatch", { "ROLE_MISMATCH",
	  "The BGP roles of the two sides do not fit each other (RFC 9234): compare them.",
	  CAUSE_KEEPS } },
	{ "Received: Role mismatch", { "ROLE_MISMATCH",
	  "The BGP roles of the two sides do not fit each other (RFC 9234): compare them.",
	  CAUSE_KEEPS } },
	{ "BGP Error: Unacceptable hold time", { "HOLD_TIME_REFUSED",
	  "The remote offers a hold time below the minimum of this node: raise it at the "
	  "remote.", CAUSE_KEEPS } },
	{ "Received: Unacceptable hold time", { "HOLD_TIME_REFUSED",
	  "The remote refuses the hold time of this node as too short: compare the hold "
	  "times; its log has the value.", CAUSE_KEEPS } },
	{ "BGP Error: Authentication failure", { "AUTHENTICATION",
	  "The remote authenticates in a way that BIRD does not know: use a TCP MD5 password.",
	  CAUSE_KEEPS } },
	{ "Received: Authentication failure", { "AUTHENTICATION",
	  "The remote refuses the authentication of this node: compare the passwords.",
	  CAUSE_KEEPS } },
	{ "BGP Error: Unsupported version number", { "BGP_VERSION",
	  "The remote does not speak BGP 4: check that it is a BGP speaker.", CAUSE_KEEPS } },
	{ "Received: Unsupported version number", { "BGP_VERSION",
	  "The remote does not speak BGP 4: check that it is a BGP speaker.", CAUSE_KEEPS } },
	/* timers and Cease */
	{ "BGP Error: Hold timer expired", { "HOLD_TIMER",
	  "Nothing came from the remote for the hold time: check the path (loss, MTU) and "
	  "the load of the remote.", CAUSE_ENDS } },
	{ "Received: Hold timer expired", { "HOLD_TIMER",
	  "The remote heard nothing from this node for its hold time: check the path "
	  "(loss, MTU) and the load of this node.", CAUSE_ENDS } },
	{ "BGP Error: Send hold timer expired", { "HOLD_TIMER",
	  "The remote stopped reading what this node sends: check the load of the remote "
	  "and the path (MTU).", CAUSE_ENDS } },
	{ "Received: Send hold timer expired", { "HOLD_TIMER",
	  "This node stopped reading what the remote sends: check the load of this node "
	  "and the path (MTU).", CAUSE_ENDS } },
	{ "Received: Administrative shutdown", { "ADMIN_SHUTDOWN",
	  "The remote was shut down by its operator, who has to bring it back.", CAUSE_ENDS } },
	{ "Received: Administrative reset", { "ADMIN_RESET",
	  "The remote's operator reset the session: it comes back by itself.", CAUSE_PASSES } },
	{ "Received: Hard reset", { "ADMIN_RESET",
	  "The remote reset the session: it comes back by itself.", CAUSE_PASSES } },
	{ "Received: Peer de-configured", { "PEER_REMOVED_US",
	  "The remote no longer has this session in its configuration: ask its operator.",
	  CAUSE_ENDS } },
	{ "Received: Other configuration change", { "PEER_CHANGED",
	  "The remote's configuration changed: the session comes back by itself.", CAUSE_PASSES } },
	{ "Received: Connection rejected", { "PEER_REJECTS_US",
	  "The remote does not take the connection: it may be limited, starting or "
	  "disabled there; see its log.", CAUSE_ENDS } },
	{ "Received: Maximum number of prefixes reached", { "PREFIX_LIMIT",
	  "This node sent more routes than the remote allows: announce fewer, or raise the "
	  "limit at the remote.", CAUSE_ENDS } },
	{ "Received: Out of Resources", { "PEER_OUT_OF_RESOURCES",
	  "The remote is out of memory or another resource: see its log.", CAUSE_ENDS } },
	{ "Received: Connection collision resolution", { "COLLISION",
	  "Both sides connected at the same time and one connection was dropped: this "
	  "passes by itself.", CAUSE_PASSES } },
	{ "BGP Error: Connection collision resolution", { "COLLISION",
	  "Both sides connected at the same time and one connection was dropped: this "
	  "passes by itself.", CAUSE_PASSES } },
	{ "Received: Cease", { "PEER_CLOSED",
	  "The remote closed the session without saying why: see its log.", CAUSE_ENDS } },
	/* anything else that the kernel or one side calls an error */
	{ "Socket: ", { "SOCKET_ERROR",
	  "The kernel of this node gave up the connection for this reason: look at the "
	  "path to the remote.", CAUSE_TCP } },
	{ "BGP Error: ", { "PROTOCOL_ERROR",
	  "BIRD could not make sense of what the remote sent: see BIRD's log for the "
	  "message, and the software version of the remote.", CAUSE_KEEPS } },
	{ "Received: ", { "PROTOCOL_ERROR",
	  "The remote did not like what BIRD sent: see the log of the remote, and its "
	  "software version.", CAUSE_KEEPS } },
};

static const struct {
	enum proto_state up;
	enum session_state state;
	struct session_cause cause;
} silences[] = {
	{ PROTO_DOWN, SESSION_DOWN, { "DISABLED",
	  "The session is disabled: in its configuration, or by hand with `birdc disable`.",
	  CAUSE_SILENCE } },
	{ PROTO_START, SESSION_IDLE, { "NOT_ON_LINK",
	  "BIRD waits without trying: the remote is on no subnet of this node, is an own "
	  "address, or another protocol has the same remote.", CAUSE_SILENCE } },
	{ PROTO_START, SESSION_PASSIVE, { "PASSIVE",
	  "This side only waits: the remote must connect; check that it does, and that "
	  "both sides have the same password.", CAUSE_SILENCE } },
	{ PROTO_START, SESSION_ACTIVE, { "CONNECT_DELAY",
	  "BIRD waits a few seconds before it connects: the session has just started, or an "
	  "attempt has just ended.", CAUSE_SILENCE } },
	{ PROTO_START, SESSION_CONNECT, { "NO_ANSWER",
	  "The remote does not answer and refuses nothing: passwords that differ and "
	  "firewalls that drop look like this.", CAUSE_SILENCE } },
	{ PROTO_START, SESSION_OPENSENT, { "NO_OPEN",
	  "TCP is connected but no OPEN has come: check the log of the remote, TTL "
	  "security, and the path MTU.", CAUSE_SILENCE } },
	{ PROTO_START, SESSION_OPENCONFIRM, { "NO_KEEPALIVE",
	  "OPENs were exchanged but no KEEPALIVE has come: check the log of the remote and "
	  "TTL security.", CAUSE_SILENCE } },
};
/* clang-format on */

bool session_cause(const char *last_error, struct session_cause *ret)
{
	*ret = (struct session_cause){ .class = CAUSE_KEEPS };
	for (size_t i = 0; last_error && i < lengthof(errors); i++) {
		const char *says = errors[i].says;
		size_t len = strlen(says);

		if (says[len - 1] == ' ' ? strncmp(says, last_error, len) != 0 :
					   strcmp(says, last_error) != 0)
			continue;
		*ret = errors[i].cause;
		return true;
	}
	return false;
}

bool session_silence(const struct session *s, struct session_cause *ret)
{
	for (size_t i = 0; i < lengthof(silences); i++)
		if (silences[i].up == s->up && silences[i].state == s->state) {
			*ret = silences[i].cause;
			return true;
		}
	return false;
}

bool session_code_is_silence(const char *code)
{
	for (size_t i = 0; code && i < lengthof(silences); i++)
		if (strcmp(silences[i].cause.code, code) == 0)
			return true;
	return false;
}
