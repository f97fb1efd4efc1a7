/* SPDX-License-Identifier: Apache-2.0 */
/* What we are, and what Calico wrote about itself, when there is a store that it shares with us. */
#include "base/text.h"
#include "model/kinds/specs.h"
#include "peerctl/command.h"
#include "peerctl/output.h"
#include "peerctl/source.h"
#include "store/entry.h"

static struct resource *cluster_read(const struct options *o);
static void cluster_entry(void *ctx, const struct entry *e);

bool run_version(const struct options *o, struct err *err)
{
	struct object version = { .arena = o->arena };
	const struct clusterinformation *cluster = NULL;
	auto_buf struct buf out = { 0 };
	struct resource *r = NULL;
	struct style style;
	struct value v;

	if (!options_args(o, 0, err) ||
	    !output_style(o, OUTPUT_TABLE | OUTPUT_YAML | OUTPUT_JSON, &style, err))
		return false;
	r = cluster_read(o);
	if (r && !resource_broken(r))
		cluster = resource_spec(r, clusterinformation);
	object_text(&version, "clientVersion", PEERAGE_VERSION);
	object_text(&version, "clusterVersion", cluster ? cluster->calico_version : NULL);
	object_text(&version, "clusterType", cluster ? cluster->cluster_type : NULL);
	v = object_done(&version);
	if (!style_is(&style, OUTPUT_TABLE))
		document_print(&v, &style, &out);
	else
		buf_str(&out, "peerctl " PEERAGE_VERSION "\n");
	for (uint32_t i = 1; i < v.n && style_is(&style, OUTPUT_TABLE); i++)
		buf_printf(&out, "%s: %s\n",
			   str_eq(v.members[i].key, "clusterVersion") ? "Cluster Version" :
									"Cluster Type",
			   text_safe(o->arena, v.members[i].value.string));
	resource_unref(r);
	return output_write(&out, err);
}

/* NULL when there is none; that the store cannot be asked is no reason not to say what we are. */
static struct resource *cluster_read(const struct options *o)
{
	struct resource *r = NULL;
	struct op op = { .type = OP_GET,
			 .kind = &kind_clusterinformation,
			 .name = "default",
			 .entry = cluster_entry,
			 .ctx = &r };
	struct err err = { 0 };
	auto_store struct store *st = source_open(o, STORE_READ_ONLY, &err);
	bool ok = st && store_finish(st, &op, SOURCE_TIMEOUT_MS, &err);

	store_cancel(st, &op);
	if (!ok && err.kind != ERR_NOT_FOUND)
		tell("the version of the cluster is not known: %s", err.words);
	return r;
}

static void cluster_entry(void *ctx, const struct entry *e)
{
	struct resource **ret = ctx;

	if (e->json && !*ret)
		*ret = entry_resource(e, DECODE_TOLERANT);
}
