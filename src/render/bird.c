/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text in order: head and id, base part, filters, one block per peering, the operator's include.
 * What must stay as BIRD last accepted it is copied from there with the filters it names.
 */
#include "render/bird.h"

#include <stdio.h>

#include "render/base.h"
#include "render/filter.h"

struct rendering {
	const struct plan *plan;
	const struct render_options *options;
	struct conf *conf;
	struct arena *arena;
	bool md5_keyword; /* BIRD 2.17 and later warns unless it is said */
};

struct channel { /* the filters of a peering, found before its block is opened */
	const char *import, *export;
};

struct template_out {
	struct buf *text;
	const char *indent;
};

static void peering_block(struct rendering *r, const struct peering *p, const struct channel *ch);
static void peering_protocol(struct rendering *r, const struct peering *p);
static void peering_restart(struct buf *out, const struct peering *p);
static void template_line(void *ctx, const char *text);
static const struct conf_block **kept_blocks(const struct rendering *r);
static void keep(struct rendering *r, const struct conf_block *b);
static bool kept_orphan(const struct rendering *r, const struct conf_block *b);
static bool broken(const struct plan *p, const struct conf_block *b);
static bool held(const struct rendering *r, const char *name);
static bool among(const char *const *words, size_t n, const char *word);
static bool version_at_least(const char *version, unsigned major, unsigned minor);

struct conf *render_bird(const struct plan *plan, const struct render_options *options,
			 struct arena *a)
{
	struct rendering r = { .plan = plan, .options = options, .arena = a };
	const struct conf *last = options->last;
	struct channel *channels = arena_array(a, struct channel, plan->n_peerings);
	const struct conf_block **kept;
	struct filter_set *filters;

	r.conf = conf_new(a);
	r.md5_keyword = version_at_least(options->bird_version, 2, 17);
	base_part(plan, r.conf, a);
	filters = filter_set_new(plan, r.conf, a);
	kept = kept_blocks(&r);
	for (size_t i = 0; i < plan->n_peerings; i++) {
		const struct peering *p = &plan->peerings[i];

		if (kept[i]) {
			filter_keep(filters, last, last->text.at + kept[i]->at, kept[i]->len);
			continue;
		}
		if (held(&r, p->name)) /* nor its filters, which may be what was refused */
			continue;
		channels[i].import = filter_import(filters, p, p->remote.ip.family);
		channels[i].export = filter_export(filters, p, p->remote.ip.family);
	}
	for (size_t i = 0; last && i < last->n_blocks; i++)
		if (kept_orphan(&r, &last->blocks[i]))
			filter_keep(filters, last, last->text.at + last->blocks[i].at,
				    last->blocks[i].len);
	for (size_t i = 0; i < plan->n_peerings; i++) {
		if (kept[i])
			keep(&r, kept[i]);
		else if (!held(&r, plan->peerings[i].name))
			peering_block(&r, &plan->peerings[i], &channels[i]);
	}
	for (size_t i = 0; last && i < last->n_blocks; i++)
		if (kept_orphan(&r, &last->blocks[i]))
			keep(&r, &last->blocks[i]);
	if (options->include) {
		const char *glob = conf_quote(options->include, a);

		conf_open(r.conf, "include", "include", NULL);
		if (glob)
			conf_line(r.conf, "include %s;", glob);
		conf_close(r.conf);
	}
	conf_finish(r.conf, options->like);
	return r.conf;
}

static void peering_block(struct rendering *r, const struct peering *p, const struct channel *ch)
{
	struct buf *out = &r->conf->text;
	int family = p->remote.ip.family;
	const char *remote =
		p->remote_node ? arena_printf(r->arena, "node/%s", p->remote_node) : NULL;

	conf_open(r->conf, p->name, p->origin, remote);
	buf_str(out, "protocol bgp ");
	buf_str(out, p->name);
	buf_str(out, " from peerage_base {\n\tdescription \"");
	buf_str(out, p->origin); /* a name: its alphabet has no quote */
	buf_str(out, "\";\n");
	peering_protocol(r, p);
	if (r->options->template)
		template_fill(r->options->template, TEMPLATE_PROTOCOL, &p->extensions,
			      template_line, &(struct template_out){ out, "\t" });
	buf_str(out,
		family == 4 ?
			"\tipv4 {\n\t\tgateway recursive;\n\t\tigp table igp4;\n\t\tadd paths on;\n" :
			"\tipv6 {\n\t\tgateway recursive;\n\t\tigp table igp6;\n\t\tadd paths on;\n");
	buf_str(out, "\t\timport ");
	buf_str(out, ch->import);
	buf_str(out, ";\n\t\texport ");
	buf_str(out, ch->export);
	buf_str(out, ";\n");
	if (r->options->template)
		template_fill(r->options->template, TEMPLATE_CHANNEL, &p->extensions, template_line,
			      &(struct template_out){ out, "\t\t" });
	buf_str(out, "\t};\n}\n");
	conf_close(r->conf);
}

static void peering_protocol(struct rendering *r, const struct peering *p)
{
	struct buf *out = &r->conf->text;

	if (p->disabled || p->hold) /* held, and BIRD runs nothing for it */
		buf_str(out, p->by_hand ? "\tdisabled;" CONF_BY_HAND_MARK "\n" : "\tdisabled;\n");
	buf_str(out, "\tlocal ");
	if (ip_is_set(&p->source)) {
		buf_str(out, ip_text(&p->source).s);
		buf_char(out, ' ');
	}
	if (p->local_port) {
		buf_str(out, "port ");
		buf_u64(out, p->local_port);
		buf_char(out, ' ');
	}
	buf_str(out, "as ");
	buf_u64(out, p->local_as);
	buf_str(out, ";\n\tneighbor ");
	buf_str(out, ip_text(&p->remote.ip).s);
	if (p->remote.port) {
		buf_str(out, " port ");
		buf_u64(out, p->remote.port);
	}
	buf_str(out, " as ");
	buf_u64(out, p->remote_as);
	buf_str(out, p->direct ? ";\n\tdirect;\n" : ";\n\tmultihop;\n");
	if (*p->remote.zone) { /* not behind the address: a symbol of BIRD takes fewer characters */
		buf_str(out, "\tinterface \"");
		buf_str(out, p->remote.zone); /* checked when decoded: no quote */
		buf_str(out, "\";\n");
	}
	if (p->strict_bind)
		buf_str(out, "\tstrict bind on;\n\tfree bind on;\n");
	if (p->passive)
		buf_str(out, "\tpassive on;\n");
	if (p->bfd)
		buf_str(out, p->bfd == BFD_GRACEFUL ? "\tbfd graceful;\n" : "\tbfd on;\n");
	peering_restart(out, p);
	if (p->rr_client)
		buf_printf(out, "\trr client;\n\trr cluster id %s;\n", ip_text(&p->cluster_id).s);
	if (p->password) {
		if (r->md5_keyword)
			buf_str(out, "\tauthentication md5;\n");
		buf_str(out, "\tpassword \"");
		buf_str(out, r->options->redact ? "<redacted>" : p->password);
		buf_str(out, "\";\n");
	}
}

/* LLGR goes straight to stale routes: restart time 0 (bird2.md 2.5). */
static void peering_restart(struct buf *out, const struct peering *p)
{
	if (p->llgr)
		buf_str(out, "\tgraceful restart time 0;\n\tlong lived graceful restart on;\n");
	if (p->restart_time.set) {
		buf_str(out, p->llgr ? "\tlong lived stale time " : "\tgraceful restart time ");
		buf_u64(out, p->restart_time.value);
		buf_str(out, ";\n");
	}
}

static void template_line(void *ctx, const char *text)
{
	const struct template_out *to = ctx;

	buf_str(to->text, to->indent);
	buf_str(to->text, text);
	buf_str(to->text, CONF_TEMPLATE_MARK "\n");
}

/* For each peering of the plan the block of LAST that stands for it, NULL when it is rendered. Also
 * kept is what came from a resource that does not decode now, even if another would take over. */
static const struct conf_block **kept_blocks(const struct rendering *r)
{
	const struct plan *plan = r->plan;
	const struct conf *last = r->options->last;
	const struct conf_block **kept =
		arena_array(r->arena, const struct conf_block *, plan->n_peerings);

	for (size_t i = 0; last && i < last->n_blocks; i++) {
		const struct conf_block *b = &last->blocks[i];
		const struct peering *p = plan_find(plan, b->name);

		if (!p || p->by_hand)
			continue;
		if (broken(plan, b) || (!p->disabled && (p->hold || held(r, p->name))))
			kept[p - plan->peerings] = b;
	}
	return kept;
}

static void keep(struct rendering *r, const struct conf_block *b)
{
	/* The text lives longer than LAST. */
	conf_open(r->conf, arena_str(r->arena, b->name), arena_str(r->arena, b->origin),
		  arena_str(r->arena, b->remote));
	conf_text(r->conf, r->options->last->text.at + b->at, b->len);
	conf_close(r->conf);
}

/* A session that the plan no longer has only because a resource it came from does not decode. */
static bool kept_orphan(const struct rendering *r, const struct conf_block *b)
{
	return strncmp(b->name, "peer_", 5) == 0 && broken(r->plan, b) && !held(r, b->name) &&
	       !plan_find(r->plan, b->name);
}

/* Does what B came from, or what it goes to, not decode? */
static bool broken(const struct plan *p, const struct conf_block *b)
{
	return among(p->broken, p->n_broken, b->origin) ||
	       (b->remote && among(p->broken, p->n_broken, b->remote));
}

static bool held(const struct rendering *r, const char *name)
{
	return among(r->options->held, r->options->n_held, name);
}

/* Is WORD one of N sorted WORDS? */
static bool among(const char *const *words, size_t n, const char *word)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;
		int order = strcmp(words[mid], word);

		if (!order)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			n = mid;
	}
	return false;
}

static bool version_at_least(const char *version, unsigned major, unsigned minor)
{
	unsigned have_major = 0, have_minor = 0;

	if (!version || sscanf(version, "%u.%u", &have_major, &have_minor) < 1)
		return false;
	return have_major > major || (have_major == major && have_minor >= minor);
}
