/* SPDX-License-Identifier: Apache-2.0 */
/* IPPool: what may be announced. Decoded and checked; BGP looks at cidr and disableBGPExport. */
#include "model/columns.h"
#include "model/decode.h"
#include "model/kinds/specs.h"

enum { ENCAP_NEVER = 1 };
enum { USE_LOAD_BALANCER = 3 };

static void ippool_check(struct decode *dc, const struct value *v, const void *at);
static void block_check(struct decode *dc, const struct ippool *p);
static void load_balancer_check(struct decode *dc, const struct ippool *p);
static void complain(struct decode *dc, const char *field, const char *words);

static const char *const encap_words[] = { "", "Never", "Always", "CrossSubnet", NULL };
static const char *const use_words[] = { "", "Workload", "Tunnel", "LoadBalancer", NULL };
static const char *const assignment_words[] = { "", "Automatic", "Manual", NULL };
static const struct field use_field = { "", &type_enum, .arg = use_words };

/* clang-format off */
static const struct field ippool_fields[] = {
	{ "cidr", F_CIDR(ippool, cidr), FIELD_REQUIRED, .column = "CIDR",
	  .doc = "The prefix of the pool." },
	{ "ipipMode", F_ENUM(ippool, ipip_mode), .arg = encap_words, .dflt = "Never",
	  .column = "IPIPMODE", .doc = "When IP in IP is used; not for IPv6." },
	{ "vxlanMode", F_ENUM(ippool, vxlan_mode), .arg = encap_words, .dflt = "Never",
	  .column = "VXLANMODE", .doc = "When VXLAN is used." },
	{ "natOutgoing", F_BOOL(ippool, nat_outgoing), .dflt = "false", .column = "NAT",
	  .doc = "Without effect on BGP." },
	{ "disabled", F_BOOL(ippool, disabled), .dflt = "false", .column = "DISABLED",
	  .doc = "Without effect on BGP." },
	{ "disableBGPExport", F_BOOL(ippool, disable_bgp_export), FIELD_LIMITS, .dflt = "false",
	  .column = "DISABLEBGPEXPORT", .doc = "Do not announce prefixes of this pool." },
	{ "blockSize", F_U32(ippool, block_size), .min = 20, .max = 128,
	  .dflt = "26, or 122 for IPv6", .doc = "The prefix length of blocks: 20 to 32, or 116 to 128 for IPv6." },
	{ "nodeSelector", F_SELECTOR(ippool, node_selector), .max = 1024, .dflt = "all()",
	  .column = "SELECTOR", .doc = "The nodes that use the pool. Without effect on BGP." },
	{ "allowedUses", F_LIST(ippool, allowed_uses), .arg = &use_field, .max = 10,
	  .dflt = "Workload, Tunnel", .doc = "What the pool is for." },
	{ "assignmentMode", F_ENUM(ippool, assignment_mode), .arg = assignment_words,
	  .dflt = "Automatic", .column = "ASSIGNMENTMODE", .doc = "Without effect on BGP." },
	{ "namespaceSelector", F_STRING(ippool, namespace_selector), .max = 1024,
	  .doc = "The namespaces that use the pool. Without effect on BGP." },
	{ 0 }
};
/* clang-format on */

static const char *const aliases[] = { "ippool", "ippools", "ipp", "ipps", "pool", "pools", NULL };
static const char *const columns[] = { "NAME", "CIDR", "SELECTOR", NULL };
static const char *const wide[] = { "NAT",	"IPIPMODE",	    "VXLANMODE",
				    "DISABLED", "DISABLEBGPEXPORT", "ASSIGNMENTMODE",
				    NULL };

const struct kind kind_ippool = {
	.id = KIND_IPPOOL,
	.name = "IPPool",
	.plural = "ippools",
	.api_version = "projectcalico.org/v3",
	.aliases = aliases,
	.shape = {.name = "IPPool",
		   .fields = ippool_fields,
		   .size = sizeof(struct ippool),
		   .check = ippool_check},
	.doc = "A prefix whose parts are announced to peers.",
	.columns = columns,
	.wide_columns = wide,
	.cell = column_cell,
};

static void ippool_check(struct decode *dc, const struct value *v, const void *at)
{
	static const struct cidr link_local4 = {
		{4, { 169, 254 }},
		     16
	};
	static const struct cidr link_local6 = {
		{6, { 0xfe, 0x80 }},
		       10
	};
	const struct ippool *p = at;

	(void)v;
	if (p->ipip_mode > ENCAP_NEVER && p->vxlan_mode > ENCAP_NEVER)
		complain(dc, "vxlanMode", "cannot stand beside ipipMode; set one of them to Never");
	if (!ip_is_set(&p->cidr.ip))
		return;
	if (p->ipip_mode > ENCAP_NEVER && p->cidr.ip.family == 6)
		complain(dc, "ipipMode", "is not for IPv6 pools; use Never");
	if (cidr_covers(&link_local4, &p->cidr) || cidr_covers(&p->cidr, &link_local4) ||
	    cidr_covers(&link_local6, &p->cidr) || cidr_covers(&p->cidr, &link_local6))
		complain(dc, "cidr", "overlaps the link-local addresses; take another prefix");
	block_check(dc, p);
	load_balancer_check(dc, p);
}

static void block_check(struct decode *dc, const struct ippool *p)
{
	uint32_t bits = ip_bits(&p->cidr.ip), size = p->block_size ? p->block_size : bits - 6;

	if (size > bits || size < bits - 12)
		complain(dc, "blockSize",
			 bits == 32 ? "is outside of what IPv4 allows, 20 to 32" :
				      "is outside of what IPv6 allows, 116 to 128");
	else if (p->cidr.len > size && p->disabled != YES)
		complain(dc, p->block_size ? "blockSize" : "cidr",
			 p->block_size ? "is larger than the whole pool; make it longer" :
					 "is smaller than one block; give a blockSize");
}

static void load_balancer_check(struct decode *dc, const struct ippool *p)
{
	bool balancer = false;

	for (size_t i = 0; i < p->allowed_uses.n; i++)
		balancer |= list_at(p->allowed_uses, unsigned, i) == USE_LOAD_BALANCER;
	if (!balancer)
		return;
	for (size_t i = 0; i < p->allowed_uses.n; i++)
		if (list_at(p->allowed_uses, unsigned, i) != USE_LOAD_BALANCER) {
			complain(dc, "allowedUses",
				 "LoadBalancer cannot stand beside other uses; "
				 "make two pools");
			break;
		}
	if (p->disable_bgp_export == YES)
		complain(dc, "disableBGPExport", "cannot be true for a LoadBalancer pool");
	if (p->ipip_mode > ENCAP_NEVER)
		complain(dc, "ipipMode", "must be Never for a LoadBalancer pool");
	if (p->vxlan_mode > ENCAP_NEVER)
		complain(dc, "vxlanMode", "must be Never for a LoadBalancer pool");
	if (p->node_selector && strcmp(selector_canonical(p->node_selector), "all()") != 0)
		complain(dc, "nodeSelector", "must be all() for a LoadBalancer pool");
}

static void complain(struct decode *dc, const char *field, const char *words)
{
	decode_enter(dc, field);
	decode_error(dc, decode_given(dc, field), "%s", words);
	decode_leave(dc);
}
