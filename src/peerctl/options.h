/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one table of all options, whichever command takes them. Options may stand
 * anywhere: --name=value, --name value, -nvalue, -n value, -n=value, flags together (-Rv); what is
 * behind `--` are arguments.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum option {
	OPT_FILENAME,
	OPT_RECURSIVE,
	OPT_SKIP_EMPTY,
	OPT_STORE,
	OPT_CONFIG,
	OPT_NAMESPACE,
	OPT_ALL_NAMESPACES,
	OPT_OUTPUT,
	OPT_NO_HEADERS,
	OPT_EXPORT,
	OPT_DRY_RUN,
	OPT_SKIP_EXISTS,
	OPT_SKIP_NOT_EXISTS,
	OPT_CASCADE,
	OPT_NODE,
	OPT_SHOW_SECRETS,
	OPT_SECRETS_DIR,
	OPT_SESSION_TEMPLATE,
	OPT_LABEL,
	OPT_WATCH,
	OPT_OUTPUT_WATCH_EVENTS,
	OPT_FROM,
	OPT_TO,
	OPT_OVERWRITE,
	OPT_SKIP_BROKEN,
	OPT_VERBOSE,
	OPT_LOG_LEVEL,
	OPT_CONTEXT,
	OPT_ALLOW_VERSION_MISMATCH,
	OPT_HELP,
	OPT_COUNT
};
#define OPTION(o) (UINT64_C(1) << OPT_##o)

enum option_flags {
	OPTION_GLOBAL = 1,   /* every command takes it */
	OPTION_OPTIONAL = 2, /* its value may be left out, and only stands behind = */
};

struct option_row {
	const char *name;
	char letter;       /* 0: none */
	const char *value; /* what the value is called; NULL: a flag */
	unsigned flags;
	const char *doc;
};
extern const struct option_row option_rows[OPT_COUNT];

struct option_values {
	const char **items; /* in order; of a flag: "" */
	size_t n;
};

struct options {
	const char *command; /* the first argument; NULL: none */
	const char **args;   /* the ones behind it */
	size_t n_args;
	struct option_values values[OPT_COUNT];
	struct arena *arena;
};

/* Reads ARGV. At the first option that is not right ERR is set, but reading goes on: a command that
 * is not there is the greater mistake. */
bool options_parse(struct options *o, int argc, char **argv, struct err *err);
/* Are the options that were given among TAKEN (bits of OPTION())? */
bool options_check(const struct options *o, uint64_t taken, struct err *err);

static inline bool option_given(const struct options *o, enum option id)
{
	return o->values[id].n;
}
/* The last value given, NULL when there is none. */
const char *option_value(const struct options *o, enum option id);
/* Exactly N arguments behind the command, else ERR_USAGE. */
bool options_args(const struct options *o, size_t n, struct err *err);
/* Is this a dry run? False with ERR set when the value is none we know. */
bool option_dry_run(const struct options *o, bool *ret, struct err *err);
