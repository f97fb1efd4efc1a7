/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text in order: head and id, base part, filters, one block per peering, the operator's include.
 * What must stay as BIRD last accepted it is copied from there with the filters it names; which text a
 * session has, and whether it has one, is decided elsewhere (fates.h).
 */
#include "render/bird.h"

#include <stdio.h>

#include "render/base.h"
#include "render/filter.h"

struct rendering {
	const struct plan *plan;
	const struct render_options *options;
	const struct fates *fates;
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

static void include_block(struct rendering *r);
static void peering_block(struct rendering *r, const struct session_fate *s,
			  const struct channel *ch);
static void peering_protocol(struct rendering *r, const struct peering *p);
static void peering_restart(struct buf *out, const struct peering *p);
static void template_line(void *ctx, const char *text);
static void accepted_block(struct rendering *r, const struct session_fate *s);
static void stopped_block(struct rendering *r);
static const char *stop_line(const struct fate *f);
static const struct fates *as_planned(const struct plan *plan, const struct conf *last,
				      struct arena *a);
static bool version_at_least(const char *version, unsigned major, unsigned minor);

struct conf *render_bird(const struct plan *plan, const struct render_options *options,
			 struct arena *a)
{
	const struct fates *fates = options->fates ? options->fates :
						     as_planned(plan, options->last, a);
	struct rendering r = { .plan = plan, .options = options, .fates = fates, .arena = a };
	struct channel *channels = arena_array(a, struct channel, fates->n);
	struct filter_set *filters;

	r.conf = conf_new(a);
	r.md5_keyword = version_at_least(options->bird_version, 2, 17);
	base_part(plan, r.conf, a);
	filters = filter_set_new(plan, r.conf, a);
	for (size_t i = 0; i < fates->n; i++) {
		const struct session_fate *s = &fates->items[i];

		if (s->fate.text == FATE_TEXT_PLANNED) {
			int family = s->peering->remote.ip.family;

			channels[i].import = filter_import(filters, s->peering, family);
			channels[i].export = filter_export(filters, s->peering, family);
		} else if (s->fate.text == FATE_TEXT_ACCEPTED) {
			filter_keep(filters, options->last, options->last->text.at + s->accepted->at,
				    s->accepted->len);
		}
	}
	for (size_t i = 0; i < fates->n; i++) {
		const struct session_fate *s = &fates->items[i];

		if (s->fate.text == FATE_TEXT_PLANNED)
			peering_block(&r, s, &channels[i]);
		else if (s->fate.text == FATE_TEXT_ACCEPTED)
			accepted_block(&r, s);
	}
	stopped_block(&r);
	include_block(&r);
	conf_finish(r.conf, options->like);
	return r.conf;
}

static void peering_block(struct rendering *r, const struct session_fate *s,
			  const struct channel *ch)
{
	const struct peering *p = s->peering;
	struct buf *out = &r->conf->text;
	int family = p->remote.ip.family;
	const char *remote =
		p->remote_node ? arena_printf(r->arena, "node/%s", p->remote_node) : NULL;

	conf_open_session(r->conf, p->name, p->origin, remote, p->asks);
	buf_str(out, "protocol bgp ");
	buf_str(out, p->name);
	buf_str(out, " from peerage_base {\n\tdescription \"");
	buf_str(out, p->origin); /* a name: its alphabet has no quote */
	buf_str(out, "\";\n");
	buf_str(out, stop_line(&s->fate));
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

/* The text that BIRD last accepted, but for who stopped it since. */
static void accepted_block(struct rendering *r, const struct session_fate *s)
{
	const struct conf_block *b = s->accepted;
	const char *at = r->options->last->text.at + b->at, *end = at + b->len, *stop;

	/* The text lives longer than LAST. */
	conf_open_session(r->conf, arena_str(r->arena, b->name), arena_str(r->arena, b->origin),
			  arena_str(r->arena, b->remote), arena_str(r->arena, b->asks));
	for (unsigned line = 1; at < end; line++, at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		if (line == 3) /* behind protocol and description, as peering_block() has it */
			buf_str(&r->conf->text, stop_line(&s->fate));
		if ((size_t)(stop - at) < strlen(CONF_DISABLED) ||
		    memcmp(at, CONF_DISABLED, strlen(CONF_DISABLED)) != 0)
			conf_text(r->conf, at, (size_t)(stop - at) + 1);
	}
	conf_close(r->conf);
}

/* Who is stopped and has no text: when it has one again, it will be a stopped one. */
static void stopped_block(struct rendering *r)
{
	const struct fates *f = r->fates;
	bool open = false;

	for (size_t i = 0; i < f->n + f->n_stopped; i++) {
		const struct session_fate *s = i < f->n ? &f->items[i] : NULL;

		if (s && (s->fate.reason != FATE_BY_HAND || s->fate.text))
			continue;
		if (!open)
			conf_open(r->conf, CONF_STOPPED, CONF_STOPPED, NULL);
		open = true;
		conf_line(r->conf, "# %s", s ? s->name : f->stopped[i - f->n]);
	}
	if (open)
		conf_close(r->conf);
}

/* The digest makes the text another one when a file behind the glob changes: so BIRD reads it again. */
static void include_block(struct rendering *r)
{
	const struct render_options *o = r->options;
	const char *glob = o->include ? conf_quote(o->include, r->arena) : NULL;

	if (!glob)
		return;
	conf_open(r->conf, "include", "include", NULL);
	if (o->include_digest)
		conf_line(r->conf, "# its files: %s", o->include_digest);
	conf_line(r->conf, "include %s;", glob);
	conf_close(r->conf);
}

static const char *stop_line(const struct fate *f)
{
	if (f->kind != FATE_STOPPED)
		return "";
	return f->reason == FATE_BY_HAND ? CONF_DISABLED CONF_BY_HAND_MARK "\n" :
					   CONF_DISABLED CONF_BY_FIELD_MARK "\n";
}

/* Where nobody knows what BIRD has. */
static const struct fates *as_planned(const struct plan *plan, const struct conf *last,
				      struct arena *a)
{
	const struct fates_input in = { .plan = plan, .last = last };

	return fates_decide(&in, a);
}

static bool version_at_least(const char *version, unsigned major, unsigned minor)
{
	unsigned have_major = 0, have_minor = 0;

	if (!version || sscanf(version, "%u.%u", &have_major, &have_minor) < 1)
		return false;
	return have_major > major || (have_major == major && have_minor >= minor);
}
