/* SPDX-License-Identifier: Apache-2.0 */
#include "render/base.h"

static void base_next_hops(const struct plan *plan, struct conf *c);
static void base_routes(const struct plan *plan, struct conf *c, int family);
static void base_kernel(struct conf *c, int family);

void base_part(const struct plan *plan, struct conf *c, struct arena *a)
{
	conf_open(c, "base", "base", NULL);
	conf_line(c, "log syslog { info, remote, warning, error, auth, fatal, bug };");
	conf_line(c, "timeformat protocol iso long ms;");
	conf_line(c, "timeformat log iso long ms;");
	conf_line(c, "timeformat base iso long ms;");
	conf_line(c, "router id %s;", ip_text(&plan->router_id).s);
	conf_line(c, "graceful restart wait 60;");
	if (plan->log_severity == SEVERITY_TRACE || plan->log_severity == SEVERITY_DEBUG)
		conf_line(c, "debug protocols all;");
	else if (plan->log_severity <= SEVERITY_INFO)
		conf_line(c, "debug protocols { states };");
	/* The names BIRD itself would give: a configuration that is adopted mostly has the same, and a
	 * device protocol of another name would forget all interfaces until its next scan. */
	conf_line(c, "protocol device device1 {\n\tscan time 20;\n}");
	buf_str(&c->text, "protocol direct direct1 {\n\tipv4;\n\tipv6;\n\tinterface ");
	for (size_t i = 0; i < plan->n_ignored_interfaces; i++) {
		const char *pattern = conf_quote(plan->ignored_interfaces[i], a);

		if (pattern)
			buf_printf(&c->text, "-%s, ", pattern);
	}
	conf_line(c, "-\"cali*\", -\"kube-ipvs*\", \"*\";\n}");
	base_next_hops(plan, c);
	conf_line(c, "protocol bfd bfd1 {\n}"); /* always, so that BFD later adds no protocol */
	base_kernel(c, 4);
	base_kernel(c, 6);
	/* Calico's timers, for BIRD's own would wait up to 300 s after an error. */
	conf_line(c, "template bgp peerage_base {");
	conf_line(c, "\tconnect delay time 2;\n\tconnect retry time 5;\n\terror wait time 5, 30;");
	conf_line(c, "\tgraceful restart on;\n}");
	conf_close(c);
}

/*
 * The tables in which next hops are looked up (decisions.md 47): routes of the kernel that BIRD does
 * not take, and what master has. Of BGP's only those whose gateway the import filter set: a piped
 * route has lost the mark by which BIRD does not resolve a next hop by a route that was itself
 * resolved, so with all of them there were loops.
 */
static void base_next_hops(const struct plan *plan, struct conf *c)
{
	conf_line(c, "attribute int peerage_onlink;"); /* it never leaves BIRD */
	for (int family = 4; family <= 6; family += 2) {
		conf_line(c, "ipv%d table igp%d;", family, family);
		conf_line(c, "protocol static routes%d {", family);
		/* As the kernel's own that BIRD takes, which have 10; less than BGP's 100. */
		conf_line(c, "\tipv%d {\n\t\ttable igp%d;\n\t\tpreference 11;\n\t};", family,
			  family);
		base_routes(plan, c, family);
		conf_line(c, "}\nprotocol pipe to_igp%d {", family);
		conf_line(c, "\ttable master%d;\n\tpeer table igp%d;\n\timport none;", family,
			  family);
		conf_line(c, "\texport where source != RTS_BGP || defined(peerage_onlink);\n}");
	}
}

static void base_routes(const struct plan *plan, struct conf *c, int family)
{
	for (size_t i = 0; i < plan->n_routes; i++) {
		const struct facts_route *r = &plan->routes[i];

		if (r->prefix.ip.family != family)
			continue;
		if (!i || !cidr_eq(&r[-1].prefix, &r->prefix))
			buf_printf(&c->text, "\troute %s", cidr_text(&r->prefix).s);
		if (ip_is_set(&r->gateway)) /* the names are checked when planned: no quote */
			buf_printf(&c->text, " via %s%%'%s' onlink", ip_text(&r->gateway).s,
				   r->interface);
		else
			buf_printf(&c->text, " via \"%s\"", r->interface);
		if (i + 1 == plan->n_routes || !cidr_eq(&r[1].prefix, &r->prefix))
			conf_line(c, ";");
	}
}

static void base_kernel(struct conf *c, int family)
{
	conf_line(c, "protocol kernel kernel%d {", family == 4 ? 1 : 2);
	conf_line(c,
		  "\tpersist;\n\tlearn;\n\tscan time 20;\n\tmerge paths on;\n\tgraceful restart;");
	conf_line(c, "\tipv%d {\n\t\timport all;", family);
	conf_line(c, "\t\texport where source = RTS_BGP && dest != RTD_UNREACHABLE;\n\t};\n}");
}
