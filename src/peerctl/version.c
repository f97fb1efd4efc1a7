/* SPDX-License-Identifier: Apache-2.0 */
#include "peerctl/command.h"
#include "peerctl/output.h"

bool run_version(const struct options *o, struct err *err)
{
	struct object version = { .arena = o->arena };
	auto_buf struct buf out = { 0 };
	struct style style;
	struct value v;

	if (!options_args(o, 0, err) ||
	    !output_style(o, OUTPUT_TABLE | OUTPUT_YAML | OUTPUT_JSON, &style, err))
		return false;
	object_text(&version, "clientVersion", PEERAGE_VERSION);
	v = object_done(&version);
	if (style_is(&style, OUTPUT_TABLE))
		buf_str(&out, "peerctl " PEERAGE_VERSION "\n");
	else
		document_print(&v, &style, &out);
	return output_write(&out, err);
}
