/* SPDX-License-Identifier: Apache-2.0 */
#include "model/schema.h"

#include "peerctl/command.h"
#include "peerctl/output.h"

bool run_schema(const struct options *o, struct err *err)
{
	auto_buf struct buf out = { 0 };

	if (!options_args(o, 0, err))
		return false;
	schema_markdown(&out);
	return output_write(&out, err);
}
