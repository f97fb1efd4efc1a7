/* SPDX-License-Identifier: Apache-2.0 */
#include "peerctl/command.h"
#include "peerctl/source.h"

bool run_validate(const struct options *o, struct err *err)
{
	auto_load struct load load = { 0 };
	size_t warnings = 0;

	if (!options_args(o, 0, err))
		return false;
	if (!option_given(o, OPT_FILENAME))
		return err_set(err, ERR_USAGE, "give files with -f; - is standard input");
	if (!source_files(o, LOAD_DROP, &load, err)) {
		if (!err->words[0])
			tell("%zu error%s", load.diags.n_errors,
			     load.diags.n_errors == 1 ? "" : "s");
		return false;
	}
	for (size_t i = 0; i < load.diags.n; i++)
		warnings += load.diags.items[i].level == DIAG_WARNING;
	if (warnings)
		tell("valid: %zu resource%s, %zu warning%s", load.n, load.n == 1 ? "" : "s",
		     warnings, warnings == 1 ? "" : "s");
	else
		tell("valid: %zu resource%s", load.n, load.n == 1 ? "" : "s");
	return true;
}
