/* SPDX-License-Identifier: Apache-2.0 */
#include "render/bird.h"

#include <stdio.h>

#include "base/file.h"
#include "local/config.h"
#include "peerctl/command.h"
#include "peerctl/output.h"
#include "peerctl/plan.h"

bool run_render(const struct options *o, struct err *err)
{
	auto_load struct load load = { 0 };
	auto_snapshot struct snapshot *snap = snapshot_new();
	auto_buf struct buf node = { 0 };
	struct render_options with = { .redact = !option_given(o, OPT_SHOW_SECRETS) };
	bool from_store = !option_given(o, OPT_FILENAME), ok;
	struct problems problems = { .arena = o->arena };
	struct offline offline;
	const struct plan *plan;
	struct conf *conf;

	if (!options_args(o, 0, err) || !config_node_name(option_value(o, OPT_NODE), &node, err) ||
	    !template_open(o, &with.template, err))
		return false;
	if (from_store) {
		auto_store struct store *st = source_open(o, STORE_READ_ONLY, err);

		if (!st || !source_list(st, KINDS_FABRIC, 0, snap, err))
			return false;
	} else {
		if (!source_files(o, LOAD_SKIP_UNKNOWN, &load, err))
			return false;
		for (size_t i = 0; i < load.n; i++)
			snapshot_put(snap, resource_ref(load.items[i]));
	}
	if (!offline_open(o, snap, from_store, &offline, err))
		return false;
	plan = plan_compute(snap, buf_text(&node),
			    offline_facts(&offline, snap, buf_text(&node), o->arena), o->arena);
	for (size_t i = 0; i < plan->n_problems; i++)
		problems_add(&problems, &plan->problems[i], NULL);
	problems_add_global(&problems, snap);
	problems_tell(&problems, false);
	if (!plan->known)
		return told(err, plan_known_err(plan));
	conf = render_bird(plan, &with, o->arena);
	ok = output_write(&conf->text, err);
	conf_free(conf);
	return ok;
}

bool template_open(const struct options *o, const struct template **ret, struct err *err)
{
	const char *path = option_value(o, OPT_SESSION_TEMPLATE);
	struct diags d = { .arena = o->arena, .file = path };
	const char *text;
	size_t len;

	*ret = NULL;
	if (!path)
		return true;
	text = file_read(path, TEMPLATE_MAX, o->arena, &len, err);
	if (!text)
		return err_argument(err) || err_wrap(err, "--session-template");
	*ret = template_parse(text, len, o->arena, &d);
	for (size_t i = 0; i < d.n; i++) {
		auto_buf struct buf line = { 0 };

		diag_print(&d.items[i], &line);
		fprintf(stderr, "%s\n", buf_text(&line));
	}
	return *ret || told(err, ERR_INVALID);
}

enum err_kind plan_known_err(const struct plan *p)
{
	for (size_t i = 0; i < p->n_problems; i++)
		if (p->problems[i].code == PROBLEM_NO_NODE)
			return ERR_NOT_FOUND;
	return ERR_INVALID;
}
