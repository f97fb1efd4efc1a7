/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any YAML: whatever is accepted of it becomes, for each node, a text that has no line but those the
 * renderer knows, that reads back as it was written, and that is the same when made again; also when
 * all of its sessions are refused, and half of them stopped.
 */
#include "../lib/conf_lines.h"
#include "../lib/fates.h"
#include "model/load.h"

#define MAX_NODES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_conf(const struct conf *c, struct arena *a)
{
	struct conf *read = conf_parse(c->text.at, c->text.len, a);

	check(!conf_lines_fault(c, a));
	check(read && strcmp(read->id, c->id) == 0 && read->n_blocks == c->n_blocks);
	for (size_t i = 0; i < c->n_blocks; i++)
		check(strcmp(read->blocks[i].name, c->blocks[i].name) == 0 &&
		      strcmp(read->blocks[i].origin, c->blocks[i].origin) == 0 &&
		      str_eq(read->blocks[i].remote, c->blocks[i].remote) &&
		      read->blocks[i].at == c->blocks[i].at &&
		      read->blocks[i].len == c->blocks[i].len);
	conf_free(read);
}

/* Kernel routes out of the same bytes: any prefix, any gateway, any name that an interface can have. */
static struct facts facts_of(const uint8_t *data, size_t size, struct arena *a)
{
	struct facts f = { 0 };
	struct facts_route *routes = NULL;

	for (; size >= 20 && f.n_routes < 16; data += 20, size -= 20) {
		struct facts_route *r = arena_push(a, routes, f.n_routes);
		char name[16] = "";

		r->prefix.ip.family = data[0] & 1 ? 4 : 6;
		memcpy(r->prefix.ip.bytes, data + 1, 4);
		r->prefix.len = data[2] % 33;
		r->prefix = cidr_network(&r->prefix);
		if (data[0] & 2) {
			r->gateway.family = r->prefix.ip.family;
			memcpy(r->gateway.bytes, data + 1, 4);
		}
		memcpy(name, data + 5, 15);
		r->interface = arena_str(a, name);
	}
	f.routes = routes;
	f.n_routes_left = size;
	return f;
}

static void node(const struct snapshot *snap, const char *name, const uint8_t *data, size_t size,
		 struct arena *a)
{
	static const char text[] =
		"protocol:\nlocal role ${role};\n${k}\nchannel:\nx ${k} ${role};\n";
	struct diags d = { .arena = a };
	const struct facts facts = facts_of(data, size, a);
	struct render_options options = { .template = template_parse(text, strlen(text), a, &d) };
	const struct plan *plan = plan_compute(snap, name, &facts, a);
	const char **held = arena_array(a, const char *, plan->n_peerings);
	struct conf *c, *again;

	if (!plan->known)
		return;
	c = render_bird(plan, &options, a);
	check_conf(c, a);
	options.like = c;
	again = render_bird(plan, &options, a);
	check(again->text.len == c->text.len &&
	      memcmp(again->text.at, c->text.at, c->text.len) == 0);
	conf_free(again);
	for (size_t i = 0; i < plan->n_peerings; i++) {
		check(i == 0 || strcmp(plan->peerings[i - 1].name, plan->peerings[i].name) < 0);
		held[i] = plan->peerings[i].name;
	}
	options.last = c;
	options.fates = fates_with(plan, c, c, held, plan->n_peerings, held, plan->n_peerings / 2, a);
	again = render_bird(plan, &options, a);
	check_conf(again, a);
	conf_free(again);
	conf_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot *snap = snapshot_new();
	struct load l = { 0 };
	size_t n;

	load_text(&l, "fuzz", (const char *)data, size, LOAD_SKIP_UNKNOWN | LOAD_SKIP_EMPTY);
	for (size_t i = 0; i < l.n; i++)
		snapshot_put(snap, resource_ref(l.items[i]));
	load_free(&l);
	for (size_t i = 0; i < MIN(snapshot_count(snap, &kind_node), MAX_NODES); i++) {
		auto_arena struct arena a = { 0 };

		node(snap, snapshot_at(snap, &kind_node, i)->meta.name, data, size, &a);
		(void)plan_global_problems(snap, &a, &n);
	}
	snapshot_unref(snap);
	return 0;
}
