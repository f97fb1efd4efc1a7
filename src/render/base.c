/* SPDX-License-Identifier: Apache-2.0 */
#include "render/base.h"

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
	conf_line(c, "protocol bfd bfd1 {\n}"); /* always, so that BFD later adds no protocol */
	base_kernel(c, 4);
	base_kernel(c, 6);
	/* Calico's timers, for BIRD's own would wait up to 300 s after an error. */
	conf_line(c, "template bgp peerage_base {");
	conf_line(c, "\tconnect delay time 2;\n\tconnect retry time 5;\n\terror wait time 5, 30;");
	conf_line(c, "\tgraceful restart on;\n}");
	conf_close(c);
}

static void base_kernel(struct conf *c, int family)
{
	conf_line(c, "protocol kernel kernel%d {", family == 4 ? 1 : 2);
	conf_line(c,
		  "\tpersist;\n\tlearn;\n\tscan time 20;\n\tmerge paths on;\n\tgraceful restart;");
	conf_line(c, "\tipv%d {\n\t\timport all;", family);
	conf_line(c, "\t\texport where source = RTS_BGP && dest != RTD_UNREACHABLE;\n\t};\n}");
}
