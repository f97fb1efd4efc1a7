/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One golden case: what a fabric becomes on some of its nodes. CASE is a folder with
 *   in.yaml        the resources
 *   stored         they are read as a store is, tolerantly
 *   node           names of nodes, one per line
 *   facts          what only the machine knows; see facts_line()
 *   last.yaml      what the fabric was before: rendered first, as what BIRD last accepted
 *   last.facts     and its facts
 *   template       the operator's session template
 * and for each node NODE.plan.txt, NODE.problems.txt, NODE.bird.conf are written to OUT, and with
 * last.yaml NODE.changes.txt; problems of the fabric as a whole become fabric.txt.
 *
 * On the way it holds that the same input gives the same bytes, that the text reads back as the
 * blocks that were written, and that no line is there that the renderer does not know.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../lib/conf_lines.h"
#include "../lib/fates.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "model/load.h"

struct world { /* what a rendering is made from */
	struct snapshot *snap;
	struct facts facts;
	struct render_options options;
	struct onlink *onlink;
	struct ip *local; /* in the order of facts.txt: sorted */
	struct facts_route *routes;
	struct secret_fact *secrets;
	const char **by_hand, **refused;
	size_t n_by_hand, n_refused;
	struct ip *missing;
	struct arena arena;
};

struct golden {
	const char *folder, *out;
	struct arena arena;
	struct world now, last;
	bool has_last;
};

static void world_read(struct golden *g, struct world *w, const char *yaml, const char *facts);
static void facts_line(struct world *w, char *line);
static char *word(char **at);
static const char *text_read(struct golden *g, const char *name, struct arena *a);
static void node_write(struct golden *g, const char *node);
static struct conf *conf_make(const struct plan *p, const struct render_options *o,
			      struct arena *a);
static void conf_check(const struct conf *c, struct arena *a);
static void plan_write(const struct plan *p, struct buf *out);
static void peering_write(const struct peering *p, struct buf *out);
static void problems_write(const struct problem *problems, size_t n, struct buf *out);
static void fates_write(const struct fates *f, struct buf *out);
static void changes_write(const struct plan *before, const struct plan *after, struct arena *a,
			  struct buf *out);
static void file_write_out(struct golden *g, const char *name, const struct buf *text);
static void die(const char *about, const char *why) __attribute__((noreturn));

int main(int argc, char **argv)
{
	struct golden g = { 0 };
	auto_buf struct buf fabric = { 0 };
	const struct problem *problems;
	size_t n;
	char *nodes, *node;

	if (argc != 3)
		die("usage", "golden CASE OUT");
	g.folder = argv[1];
	g.out = argv[2];
	world_read(&g, &g.now, "in.yaml", "facts");
	g.has_last = text_read(&g, "last.yaml", &g.arena);
	if (g.has_last)
		world_read(&g, &g.last, "last.yaml", "last.facts");
	problems = plan_global_problems(g.now.snap, &g.arena, &n);
	problems_write(problems, n, &fabric);
	file_write_out(&g, "fabric.txt", &fabric);
	nodes = arena_str(&g.arena, text_read(&g, "node", &g.arena));
	if (!nodes)
		die(g.folder, "has no file \"node\"");
	while ((node = strsep(&nodes, "\n")))
		if (*node)
			node_write(&g, node);
	snapshot_unref(g.now.snap);
	snapshot_unref(g.last.snap);
	arena_free(&g.now.arena);
	arena_free(&g.last.arena);
	arena_free(&g.arena);
	return 0;
}

static void world_read(struct golden *g, struct world *w, const char *yaml, const char *facts)
{
	const char *path = arena_printf(&g->arena, "%s/%s", g->folder, yaml);
	const char *template = text_read(g, "template", &w->arena);
	char *text = arena_str(&w->arena, text_read(g, facts, &w->arena)), *line;
	struct load l = { 0 };
	struct err err = { 0 };
	bool stored = text_read(g, "stored", &w->arena);

	if (!load_path(&l, path, LOAD_KEEP_DOC, &err))
		die(path, err.words);
	w->snap = snapshot_new();
	for (size_t i = 0; i < l.n; i++)
		snapshot_put(w->snap, stored ? resource_decode(l.items[i]->kind, l.items[i]->doc,
							       DECODE_TOLERANT, NULL, NULL) :
					       resource_ref(l.items[i]));
	for (size_t i = 0; i < l.diags.n; i++) /* what is wrong with a resource stays with it */
		if (l.diags.items[i].level == DIAG_ERROR && !l.diags.items[i].about)
			die(path, l.diags.items[i].text);
	load_free(&l);
	while ((line = strsep(&text, "\n")))
		if (*line && *line != '#')
			facts_line(w, line);
	w->facts.onlink = w->onlink;
	w->facts.local = w->local;
	w->facts.routes = w->routes;
	w->facts.secrets = w->secrets;
	w->facts.missing = w->missing;
	if (template) {
		struct diags d = { .arena = &w->arena };

		w->options.template = template_parse(template, strlen(template), &w->arena, &d);
		if (!w->options.template)
			die("template", d.items[0].text);
	}
}

/*
 *   onlink IFACE ADDRESS/LEN [PEER]      an address; "onlink" alone: there are none
 *   local ADDRESS                        an address of the machine, beside those of onlink
 *   route PREFIX IFACE [GATEWAY]         a kernel route that BIRD does not take; "routes-left N"
 *   secret NAME KEY VALUE                secrets are known, and this is one
 *   unreadable NAME KEY WHY              one that cannot be read just now
 *   by-hand NAME                         a session that a hand stopped
 *   refused NAME                         one whose planned text BIRD refuses
 *   now TIME                             without it no time is in the future
 *   missing ADDRESS                      an address of the node that is not the machine's
 *   router-id ID, include GLOB, bird VERSION, redact
 */
static void facts_line(struct world *w, char *line)
{
	struct arena *a = &w->arena;
	const char *what = word(&line);

	if (str_eq(what, "onlink")) {
		w->facts.onlink_known = true;
		if (line) {
			struct onlink *o = arena_push(a, w->onlink, w->facts.n_onlink);

			o->interface = word(&line);
			if (!cidr_parse(word(&line), &o->address) ||
			    (line && !ip_parse(word(&line), &o->peer)))
				die("facts", "onlink needs an interface and an address");
		}
	} else if (str_eq(what, "local")) {
		if (!ip_parse(word(&line), arena_push(a, w->local, w->facts.n_local)))
			die("facts", "local needs an address");
	} else if (str_eq(what, "route")) {
		struct facts_route *r = arena_push(a, w->routes, w->facts.n_routes);

		if (!cidr_parse(word(&line), &r->prefix))
			die("facts", "route needs a prefix");
		r->interface = word(&line);
		if (line && !ip_parse(word(&line), &r->gateway))
			die("facts", "route: no gateway");
	} else if (str_eq(what, "routes-left")) {
		w->facts.n_routes_left = (size_t)strtoul(word(&line), NULL, 10);
	} else if (str_eq(what, "secret") || str_eq(what, "unreadable")) {
		struct secret_fact *s = arena_push(a, w->secrets, w->facts.n_secrets);

		w->facts.secrets_known = true;
		s->name = word(&line);
		s->key = word(&line);
		s->state = str_eq(what, "secret") ? SECRET_READABLE : SECRET_UNREADABLE;
		s->value = s->why = line ? line : "";
		s->len = strlen(s->value);
	} else if (str_eq(what, "by-hand")) {
		*arena_push(a, w->by_hand, w->n_by_hand) = word(&line);
	} else if (str_eq(what, "refused")) {
		*arena_push(a, w->refused, w->n_refused) = word(&line);
	} else if (str_eq(what, "missing")) {
		if (!ip_parse(word(&line), arena_push(a, w->missing, w->facts.n_missing)))
			die("facts", "missing needs an address");
	} else if (str_eq(what, "router-id")) {
		w->facts.router_id = line;
	} else if (str_eq(what, "now")) {
		w->facts.now = clock_parse(line);
	} else if (str_eq(what, "include")) {
		w->options.include = line;
	} else if (str_eq(what, "bird")) {
		w->options.bird_version = line;
	} else if (str_eq(what, "redact")) {
		w->options.redact = true;
	} else {
		die("facts", what);
	}
}

static char *word(char **at)
{
	char *w = strsep(at, " ");

	if (!w)
		die("facts", "a word is missing");
	return w;
}

static const char *text_read(struct golden *g, const char *name, struct arena *a)
{
	struct err err = { 0 };
	size_t len;

	return file_read(arena_printf(&g->arena, "%s/%s", g->folder, name), 1u << 20, a, &len,
			 &err);
}

static void node_write(struct golden *g, const char *node)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf text = { 0 };
	const struct plan *plan = plan_compute(g->now.snap, node, &g->now.facts, &a);
	const struct plan *before = NULL;
	struct render_options options = g->now.options;
	struct conf *last = NULL, *read = NULL, *conf;
	struct fates *fates = NULL;
	struct problem *problems;
	size_t n;

	plan_write(plan, &text);
	file_write_out(g, arena_printf(&a, "%s.plan.txt", node), &text);
	if (plan->known && g->has_last) {
		before = plan_compute(g->last.snap, node, &g->last.facts, &a);
		if (!before->known)
			die(node, "is not known in last.yaml");
		last = conf_make(before, &g->last.options, &a);
		read = conf_parse(last->text.at, last->text.len, &a);
		options.last = read;
		buf_clear(&text);
		changes_write(before, plan, &a, &text);
		file_write_out(g, arena_printf(&a, "%s.changes.txt", node), &text);
	}
	buf_clear(&text);
	problems_write(plan->problems, plan->n_problems, &text);
	if (plan->known) {
		conf = render_bird(plan, &options, &a);
		fates = fates_with(plan, read, conf, g->now.refused, g->now.n_refused, g->now.by_hand,
				   g->now.n_by_hand, &a);
		conf_free(conf);
		problems = fates_problems(fates, &a, &n);
		problems_write(problems, n, &text);
		fates_write(fates, &text);
		options.fates = fates;
	}
	file_write_out(g, arena_printf(&a, "%s.problems.txt", node), &text);
	if (!plan->known)
		return;
	conf = conf_make(plan, &options, &a);
	file_write_out(g, arena_printf(&a, "%s.bird.conf", node), &conf->text);
	conf_free(conf);
	conf_free(read);
	conf_free(last);
}

/* Renders, and holds what must be true of every rendering. */
static struct conf *conf_make(const struct plan *p, const struct render_options *o, struct arena *a)
{
	struct conf *c = render_bird(p, o, a), *again;
	struct render_options like = *o;

	like.like = c;
	again = render_bird(p, &like, a);
	if (c->text.len != again->text.len || memcmp(c->text.at, again->text.at, c->text.len) != 0)
		die(p->node, "rendered twice, the texts differ");
	conf_free(again);
	conf_check(c, a);
	return c;
}

static void conf_check(const struct conf *c, struct arena *a)
{
	struct conf *read = conf_parse(c->text.at, c->text.len, a);
	const char *fault = conf_lines_fault(c, a);

	if (fault)
		die("a line that is none of ours", fault);
	if (!read || strcmp(read->id, c->id) != 0 || read->n_blocks != c->n_blocks)
		die("conf_parse", "does not read what was written");
	for (size_t i = 0; i < c->n_blocks; i++) {
		const struct conf_block *x = &c->blocks[i], *y = &read->blocks[i];

		if (strcmp(x->name, y->name) != 0 || strcmp(x->origin, y->origin) != 0 ||
		    !str_eq(x->remote, y->remote) || !str_eq(x->asks, y->asks) || x->at != y->at || x->len != y->len ||
		    x->line != y->line || x->n_lines != y->n_lines)
			die(x->name, "this block does not read as it was written");
	}
	conf_free(read);
}

static void plan_write(const struct plan *p, struct buf *out)
{
	buf_printf(out, "node %s%s\n", p->node, p->known ? "" : " (not known: nothing is applied)");
	if (!p->known)
		return;
	buf_printf(out, "router id %s as %u\n", ip_text(&p->router_id).s, p->as);
	buf_printf(out, "addresses %s %s\n", ip_text(&p->address4).s, ip_text(&p->address6).s);
	for (size_t i = 0; i < p->n_onlink; i++)
		buf_printf(out, "on-link %s\n", cidr_text(&p->onlink[i]).s);
	for (size_t i = 0; i < p->n_pools; i++)
		buf_printf(out, "pool %s%s\n", cidr_text(&p->pools[i].cidr).s,
			   p->pools[i].export ? "" : " (not announced)");
	for (size_t i = 0; i < p->n_broken; i++)
		buf_printf(out, "broken %s\n", p->broken[i]);
	for (size_t i = 0; i < p->n_peerings; i++)
		peering_write(&p->peerings[i], out);
}

static void peering_write(const struct peering *p, struct buf *out)
{
	const struct {
		bool is;
		const char *word;
	} words[] = {
		{p->passive,	      "passive"	},
		       { p->strict_bind,	 "strict-bind"   },
		{ p->direct,		     "direct"	      },
		       { p->on_link,	     "on-link"       },
		{ p->bfd == BFD_ON,	    "bfd"		  },
		       { p->bfd == BFD_GRACEFUL, "bfd-graceful"	},
		{ p->llgr,		   "llgr"	  },
		       { p->gateway_onlink,	    "gateway-onlink"},
		{ p->reflector,		"reflector"	    },
		       { p->rr_client,	       "rr-client"	   },
		{ p->fault != PROBLEM_NONE, "faulty"	     },
		       { p->down,		 "down"	 },
	};

	buf_printf(out, "%s: %s as %u from %s as %u; %s", p->name, endpoint_text(&p->remote).s,
		   p->remote_as, ip_is_set(&p->source) ? ip_text(&p->source).s : "any", p->local_as,
		   p->origin);
	if (p->remote_node)
		buf_printf(out, " to node %s", p->remote_node);
	buf_str(out, ";");
	for (size_t i = 0; i < lengthof(words); i++)
		if (words[i].is)
			buf_printf(out, " %s", words[i].word);
	if (p->local_port)
		buf_printf(out, " local-port %u", p->local_port);
	if (p->restart_time.set)
		buf_printf(out, " restart-time %u", p->restart_time.value);
	if (ip_is_set(&p->cluster_id))
		buf_printf(out, " cluster %s", ip_text(&p->cluster_id).s);
	if (p->password)
		buf_printf(out, " password of %zu bytes", strlen(p->password));
	for (size_t i = 0; i < p->n_filters; i++)
		buf_printf(out, " filter %s", p->filters[i]->meta.name);
	for (size_t i = 0; i < p->extensions.n; i++)
		buf_printf(out, " %s=%s", p->extensions.items[i].key, p->extensions.items[i].value);
	buf_char(out, '\n');
}

static void problems_write(const struct problem *problems, size_t n, struct buf *out)
{
	static const char *const levels[] = { "error", "warning", "note" };

	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s %s %s%s%s: %s\n", levels[problems[i].level],
			   problem_names[problems[i].code], problems[i].origin,
			   problems[i].peering ? " " : "",
			   problems[i].peering ? problems[i].peering : "", problems[i].text);
}

/* Of sessions that do not simply run. */
static void fates_write(const struct fates *f, struct buf *out)
{
	static const char *const texts[] = { "no text", "planned text", "accepted text" };

	for (size_t i = 0; i < f->n; i++) {
		const struct fate *fate = &f->items[i].fate;

		if (fate->kind != FATE_RUNS)
			buf_printf(out, "fate %s %s (%s): %s\n", f->items[i].name,
				   fate_names[fate->kind], texts[fate->text],
				   fate_reasons[fate->reason]);
	}
}

static void changes_write(const struct plan *before, const struct plan *after, struct arena *a,
			  struct buf *out)
{
	size_t n;
	const struct plan_change *changes = plan_diff(before, after, a, &n);

	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s: %s%s%s; it %s%s\n", changes[i].name,
			   effect_names[changes[i].effect], changes[i].why ? ": " : "",
			   changes[i].why ? changes[i].why : "",
			   changes[i].fate.kind == FATE_ABSENT ?
				   "is absent" :
				   fate_names[changes[i].fate.kind],
			   changes[i].fate.less ? ", less than asked" : "");
}

static void file_write_out(struct golden *g, const char *name, const struct buf *text)
{
	const char *path = arena_printf(&g->arena, "%s/%s", g->out, name);
	struct err err = { 0 };

	if (!file_write(path, buf_text(text), text->len, 0644, (gid_t)-1, &err))
		die(path, err.words);
}

static void die(const char *about, const char *why)
{
	fprintf(stderr, "%s: %s\n", about, why);
	exit(1);
}
