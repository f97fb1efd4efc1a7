/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `show route` of the fake BIRD, as 2.0.12 prints it: of each session the routes whose next hop does
 * not resolve. They have 192.0.2.1 as next hop, to which the default route of the first session leads
 * if there is one that resolves.
 */
#include <stdio.h>

#include "fake_cli.h"

static void say_count(struct buf *out, unsigned matched, unsigned all);
static void say_routes(const struct fake *f, struct buf *out);

bool fake_routes(struct fake *f, const char *command, struct buf *out)
{
	unsigned matched = 0, all = 0;
	char name[65] = "";

	if (strncmp(command, "show route ", 11) != 0)
		return false;
	f->route_questions++;
	(void)sscanf(command, "show route protocol '%64[^']'", name);
	for (size_t i = 0; i < f->n_sessions; i++)
		if (!*name || strcmp(f->sessions[i].name, name) == 0) {
			matched += f->sessions[i].unresolved;
			all += f->sessions[i].imported;
		}
	if (strstr(command, " count"))
		say_count(out, matched, all);
	else if (strstr(command, " all") && matched)
		say_routes(f, out);
	else if (strstr(command, "route for ") && f->n_sessions && f->sessions[0].imported)
		buf_printf(out,
			   "1007-Table master4:\n 0.0.0.0/0            unicast [%s 10:00:00.000] * "
			   "(100) [AS65001i]\n \tvia 10.0.0.2 on eth0\n0000 \n",
			   f->sessions[0].name);
	else
		buf_str(out, "8001 Network not found\n");
	return true;
}

static void say_count(struct buf *out, unsigned matched, unsigned all)
{
	buf_printf(out, "1007-%u of %u routes for %u networks in table master4\n", matched, all,
		   all);
	buf_str(out, " 0 of 0 routes for 0 networks in table master6\n");
	buf_printf(out, "0014 Total: %u of %u routes for %u networks in 2 tables\n", matched, all,
		   all);
}

static void say_routes(const struct fake *f, struct buf *out)
{
	buf_str(out, "1007-Table master4:\n");
	for (size_t i = 0; i < f->n_sessions; i++)
		for (unsigned j = 0; j < f->sessions[i].unresolved; j++)
			buf_printf(
				out,
				"1007-11.%u.%u.0/24         unreachable [%s 10:00:00.000 from %s] * "
				"(100) [i]\n1008-\tType: BGP univ\n1012-\tBGP.origin: IGP\n"
				" \tBGP.next_hop: 192.0.2.1\n \tBGP.local_pref: 100\n",
				j / 256, j % 256, f->sessions[i].name, f->sessions[i].neighbor);
	buf_str(out, "0000 \n");
}
