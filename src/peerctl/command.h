/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command is: one row in the table of main.c. --help, the check of options and dispatching
 * all come from the row.
 */
#pragma once

#include "base/err.h"
#include "peerctl/options.h"

struct command {
	const char *name;
	const char *args;    /* after the name, for people: "KIND [NAME...]" */
	const char *summary; /* one line for the list of commands */
	const char *doc;     /* the rest of its --help; NULL: nothing */
	uint64_t options;    /* OPTION(...) of the ones it takes besides the global ones */
	/* False: ERR says why. An ERR of a kind without words has been said already. */
	bool (*run)(const struct options *o, struct err *err);
};

bool run_apply(const struct options *o, struct err *err);
bool run_create(const struct options *o, struct err *err);
bool run_delete(const struct options *o, struct err *err);
bool run_get(const struct options *o, struct err *err);
bool run_migrate(const struct options *o, struct err *err);
bool run_plan(const struct options *o, struct err *err);
bool run_render(const struct options *o, struct err *err);
bool run_replace(const struct options *o, struct err *err);
bool run_schema(const struct options *o, struct err *err);
bool run_selector(const struct options *o, struct err *err);
bool run_status(const struct options *o, struct err *err);
bool run_validate(const struct options *o, struct err *err);
bool run_version(const struct options *o, struct err *err);

/* One line on stderr behind "peerctl: ". */
void tell(const char *format, ...) printf_like(1, 2);
/* Failing with what was told already: the exit code of KIND. */
static inline bool told(struct err *err, enum err_kind kind)
{
	err->kind = kind;
	err->words[0] = '\0';
	return false;
}
