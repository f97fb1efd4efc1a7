/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds a rendered text against all that the renderer can write: each line is one that is known for
 * its block, quotes close on their line, braces never go below zero and are even at the end of each
 * block. A value that could inject configuration would show as a line that nobody knows.
 */
#pragma once

#include "render/conf.h"

static inline bool conf_line_known(const char *const *known, const char *line)
{
	for (; *known; known++)
		if (strncmp(line, *known, strlen(*known)) == 0)
			return true;
	return false;
}

/* Braces outside of quotes, up to a comment; quotes must close. False when something is odd. */
static inline bool conf_line_sound(const char *line, int *depth)
{
	bool quoted = false;

	for (const char *s = line; *s; s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (*s == '#')
			return true;
		else if (*s == '{')
			++*depth;
		else if (*s == '}' && --*depth < 0)
			return false;
	}
	return !quoted;
}

/* A statement with a number, an address or a list of them behind it holds nothing else. */
static inline bool conf_line_plain(const char *line)
{
	static const char *const with_text[] = { "\tdescription \"", "\tpassword \"",
						 "\tinterface ", "include \"",
						 "log syslog ", NULL };
	static const char *const route[] = { "\troute ", NULL };
	const char *quote;

	if (conf_line_known(route, line)) /* names of interfaces are in it */
		return strcmp(line + 1 + strspn(line + 1, "abcdefghijklmnopqrstuvwxyz"
							  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
							  "0123456789 ./:%'\"@_-"),
			      ";") == 0;
	if (conf_line_known(with_text, line))
		return true;
	quote = strchr(line, '"');
	return !quote || strncmp(line, "\tif ", 4) == 0;
}

/* The first line of C that is none of ours, in A; NULL when there is none. */
static inline const char *conf_lines_fault(const struct conf *c, struct arena *a)
{
	/* clang-format off */
	static const char *const base[] = {
		"log syslog {", "timeformat ", "router id ", "graceful restart wait 60;",
		"debug protocols ", "protocol device device1 {", "\tscan time 20;", "}",
		"protocol direct direct1 {", "\tipv4;", "\tipv6;", "\tinterface ",
		"protocol bfd bfd1 {", "protocol kernel kernel1 {", "protocol kernel kernel2 {",
		"\tpersist;", "\tlearn;", "\tmerge paths on;", "\tgraceful restart;", "\tipv4 {",
		"\tipv6 {", "\t\timport all;", "\t\texport where source = RTS_BGP", "\t};",
		"attribute int peerage_onlink;", "ipv4 table igp4;", "ipv6 table igp6;",
		"protocol static routes4 {", "protocol static routes6 {", "\t\ttable igp4;",
		"\t\ttable igp6;", "\t\tpreference 11;", "\troute ", "protocol pipe to_igp4 {",
		"protocol pipe to_igp6 {", "\ttable master4;", "\ttable master6;",
		"\tpeer table igp4;", "\tpeer table igp6;", "\timport none;",
		"\texport where source != RTS_BGP || defined(peerage_onlink);",
		"template bgp peerage_base {", "\tconnect delay time 2;", "\tconnect retry time 5;",
		"\terror wait time 5, 30;", "\tgraceful restart on;", NULL };
	static const char *const filter[] = {
		"filter import_", "filter export_", "\tif ", "\tpeerage_onlink = 1;", "\t\tbgp_community.add((",
		"\t\tbgp_large_community.add((", "\t\tbgp_path.prepend(", "\t\tbgp_local_pref = ",
		"\t\taccept;", "\t}", "\taccept;", "\treject;", "}", NULL };
	static const char *const peer[] = {
		"protocol bgp peer_", "\tdescription \"", "\tdisabled; # by ", "\tlocal ", "\tneighbor ",
		"\tinterface \"", "\tdirect;", "\tmultihop;", "\tstrict bind on;",
		"\tfree bind on;", "\tpassive on;", "\tbfd on;", "\tbfd graceful;",
		"\tgraceful restart time ", "\tlong lived graceful restart on;",
		"\tlong lived stale time ", "\trr client;", "\trr cluster id ",
		"\tauthentication md5;", "\tpassword \"", "\tipv4 {", "\tipv6 {",
		"\t\tgateway recursive;", "\t\tigp table igp4;", "\t\tigp table igp6;",
		"\t\tadd paths on;", "\t\timport all;", "\t\timport filter import_",
		"\t\texport filter export_", "\t};", "}", NULL };
	static const char *const include[] = { "include \"", "# its files: ", NULL };
	static const char *const stopped[] = { "# peer_", NULL };
	/* clang-format on */
	size_t mark = strlen(CONF_TEMPLATE_MARK);

	for (size_t i = 0; i < c->n_blocks; i++) {
		const struct conf_block *b = &c->blocks[i];
		const char *at = c->text.at + b->at, *end = at + b->len;
		const char *const *known = strcmp(b->name, "base") == 0	     ? base :
					   strcmp(b->name, "include") == 0   ? include :
					   strcmp(b->name, "stopped") == 0   ? stopped :
					   strcmp(b->origin, "filter") == 0  ? filter :
					   strncmp(b->name, "peer_", 5) == 0 ? peer :
									       NULL;
		int depth = 0;

		if (!known)
			return arena_printf(a, "block %s", b->name);
		while (at < end) {
			const char *stop = memchr(at, '\n', (size_t)(end - at));
			const char *line;
			size_t len;

			if (!stop)
				return arena_printf(a, "%s: cut short", b->name);
			line = arena_strn(a, at, (size_t)(stop - at));
			len = strlen(line);
			at = stop + 1;
			if (len >= mark && strcmp(line + len - mark, CONF_TEMPLATE_MARK) == 0 &&
			    known == peer) {
				(void)conf_line_sound(line, &depth);
				continue;
			}
			if (!conf_line_known(known, line) || !conf_line_plain(line) ||
			    !conf_line_sound(line, &depth))
				return arena_printf(a, "%s: %s", b->name, line);
		}
		if (depth)
			return arena_printf(a, "%s: its braces do not match", b->name);
	}
	return NULL;
}
