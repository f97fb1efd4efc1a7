/* SPDX-License-Identifier: Apache-2.0 */
/* Node: where BGP runs, with its addresses, AS number and labels. */
#include "model/columns.h"
#include "model/decode.h"
#include "model/kinds/specs.h"

static void bgp_check(struct decode *dc, const struct value *v, const void *at);
static void address_check(struct decode *dc, const char *field, const struct cidr *address);
static const char *node_cell(const struct resource *r, const char *column, struct arena *a);

/* clang-format off */
static const struct field bgp_fields[] = {
	{ "ipv4Address", F_IFADDR(node_bgp, ipv4_address), .arg = "4",
	  .doc = "The node's IPv4 address with the prefix length of its network: 10.1.0.1/24." },
	{ "ipv6Address", F_IFADDR(node_bgp, ipv6_address), .arg = "6",
	  .doc = "The node's IPv6 address with the prefix length of its network." },
	{ "asNumber", F_ASN(node_bgp, as_number), .dflt = "that of the BGPConfiguration default",
	  .doc = "The node's AS number." },
	{ "ipv4IPIPTunnelAddr", F_JSON(node_bgp, ipv4_ipip_tunnel_addr), FIELD_FOREIGN,
	  .doc = "Of Calico's IP in IP." },
	{ "routeReflectorClusterID", F_IP(node_bgp, route_reflector_cluster_id), .arg = "4",
	  .doc = "Makes the node a route reflector of this cluster: it leaves the mesh." },
	{ 0 }
};
static const struct shape bgp_shape = {
	.name = "bgp", .fields = bgp_fields, .size = sizeof(struct node_bgp),
	.check = bgp_check };
static const struct field node_fields[] = {
	{ "bgp", &type_struct_ptr, FIELD_AT(node, bgp, struct node_bgp *), FIELD_NON_EMPTY,
	  .arg = &bgp_shape,
	  .doc = "How the node speaks BGP; without it, it does not." },
	{ "ipv4VXLANTunnelAddr", F_JSON(node, ipv4_vxlan_tunnel_addr), FIELD_FOREIGN,
	  .doc = "Of Calico's VXLAN." },
	{ "ipv6VXLANTunnelAddr", F_JSON(node, ipv6_vxlan_tunnel_addr), FIELD_FOREIGN,
	  .doc = "Of Calico's VXLAN." },
	{ "vxlanTunnelMACAddr", F_JSON(node, vxlan_tunnel_mac_addr), FIELD_FOREIGN,
	  .doc = "Of Calico's VXLAN." },
	{ "vxlanTunnelMACAddrV6", F_JSON(node, vxlan_tunnel_mac_addr_v6), FIELD_FOREIGN,
	  .doc = "Of Calico's VXLAN." },
	{ "wireguard", F_JSON(node, wireguard), FIELD_FOREIGN, .doc = "Of Calico's WireGuard." },
	{ "orchRefs", F_JSON(node, orch_refs), FIELD_FOREIGN,
	  .doc = "What orchestrators call the node." },
	{ "addresses", F_JSON(node, addresses), FIELD_FOREIGN,
	  .doc = "What Calico knows as addresses of the machine." },
	{ "interfaces", F_JSON(node, interfaces), FIELD_FOREIGN,
	  .doc = "What Calico found on the machine." },
	{ 0 }
};
/* clang-format on */

static const char *const aliases[] = { "node", "nodes", "no", "nos", NULL };
static const char *const columns[] = { "NAME", NULL };
static const char *const wide[] = { "ASN", "IPV4", "IPV6", NULL };

const struct kind kind_node = {
	.id = KIND_NODE,
	.name = "Node",
	.plural = "nodes",
	.api_version = "projectcalico.org/v3",
	.aliases = aliases,
	.shape = {.name = "Node", .fields = node_fields, .size = sizeof(struct node)},
	.flags = KIND_STATUS_KEPT,
	.doc = "A machine that runs BIRD and peerd.",
	.columns = columns,
	.wide_columns = wide,
	.cell = node_cell,
};

static void bgp_check(struct decode *dc, const struct value *v, const void *at)
{
	const struct node_bgp *bgp = at;

	(void)v;
	address_check(dc, "ipv4Address", &bgp->ipv4_address);
	address_check(dc, "ipv6Address", &bgp->ipv6_address);
}

/* All other nodes peer with it, and the IPv4 one becomes the router id. */
static void address_check(struct decode *dc, const char *field, const struct cidr *address)
{
	if (!ip_is_set(&address->ip))
		return;
	decode_enter(dc, field);
	if (!ip_unicast(&address->ip))
		decode_error(dc, decode_given(dc, field),
			     "%s is not the address of one machine; give a unicast address",
			     ip_text(&address->ip).s);
	else if (ip_is_link_local(&address->ip))
		decode_error(dc, decode_given(dc, field),
			     "%s is link-local, and means another machine on every link; give an "
			     "address that other nodes can reach",
			     ip_text(&address->ip).s);
	decode_leave(dc);
}

static const char *node_cell(const struct resource *r, const char *column, struct arena *a)
{
	const struct node_bgp *bgp = r->spec ? resource_spec(r, node)->bgp : NULL;

	if (!bgp)
		return column_cell(r, column, a);
	if (str_eq(column, "ASN"))
		return bgp->as_number ? arena_printf(a, "%u", bgp->as_number) : "(default)";
	if (str_eq(column, "IPV4"))
		return arena_str(a, cidr_text(&bgp->ipv4_address).s);
	if (str_eq(column, "IPV6"))
		return arena_str(a, cidr_text(&bgp->ipv6_address).s);
	return column_cell(r, column, a);
}
