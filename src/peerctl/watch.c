/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A feed gives snapshots, and two snapshots share what did not change between them: so the changes
 * are what their lists do not share. That is right after a resync as well. Changes that come within
 * one look are shown as one, by name.
 *
 * As kubectl's: an object that was deleted is shown as it was last. So that it can be told from one
 * that is there, its row ends in "deleted" and its document has a deletionTimestamp; with
 * --output-watch-events all rows and documents say what happened.
 */
#include "peerctl/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/poll.h"
#include "local/config.h"
#include "peerctl/command.h"
#include "store/feed.h"

#define LOOK_MS	  1000 /* a writer of SQLite may die before it wakes anybody */
#define TROUBLE_S 1    /* what passes sooner is not told */
#define EVENT	  "EVENT"
#define AFTERWORD "" /* heading of the column that has "deleted" */

enum event { ADDED, MODIFIED, DELETED };
static const char *const event_names[] = { "ADDED", "MODIFIED", "DELETED" };

struct change {
	struct resource shown; /* a view of the snapshot's */
	enum event event;
};

struct watching {
	const struct options *o;
	const struct target *targets;
	size_t n_targets;
	const struct kind *kind;
	struct style style;
	const char **columns;
	size_t *widths;
	struct feed *feed;
	uint64_t revision; /* of the feed, as shown */
	struct snapshot *known;
	bool away; /* told */
};

#define auto_watching __attribute__((cleanup(watching_free)))

static void watching_free(struct watching *w);
static bool watchable(const struct target *targets, size_t n, struct err *err);
static bool begin(struct watching *w, struct err *err);
static void columns_make(struct watching *w);
static int signals_open(void);
static bool reader_gone(void);
static bool news(struct watching *w, struct err *err);
static void compare(const struct watching *w, const struct snapshot *now, struct arena *a,
		    const struct change ***ret, size_t *ret_n);
static bool wanted(const struct watching *w, const char *name);
static bool show(struct watching *w, const struct change **changes, size_t n, struct err *err);
static void tell_missing(const struct watching *w);
static void tell_trouble(struct watching *w);
static const char *change_cell(const void *item, const char *column, struct arena *a);
static struct value change_document(const struct watching *w, const struct change *c,
				    struct arena *a);
static struct value deleted_now(struct value v, struct arena *a);

bool watch_objects(const struct options *o, const struct target *targets, size_t n,
		   const struct style *style, struct err *err)
{
	auto_watching struct watching w = {
		.o = o, .targets = targets, .n_targets = n, .style = *style
	};
	auto_close int signals = -1;

	if (!watchable(targets, n, err))
		return false;
	w.kind = targets[0].kind;
	columns_make(&w);
	signals = signals_open();
	if (signals < 0)
		return err_os(err, "signals");
	if (!begin(&w, err))
		return false;
	for (;;) {
		struct signalfd_siginfo info;
		struct poll p = { 0 };

		feed_run(w.feed);
		tell_trouble(&w);
		if (feed_revision(w.feed) != w.revision && !news(&w, err))
			return reader_gone();
		feed_wait(w.feed, &p);
		poll_fd(&p, signals, POLLIN);
		poll_fd(&p, STDOUT_FILENO, 0);
		poll_at(&p, clock_ms() + LOOK_MS);
		poll_block(&p);
		if (read(signals, &info, sizeof info) > 0 || reader_gone())
			return true;
	}
}

static void watching_free(struct watching *w)
{
	snapshot_unref(w->known);
	if (w->feed)
		feed_close(w->feed);
}

static bool watchable(const struct target *targets, size_t n, struct err *err)
{
	for (size_t i = 1; i < n; i++)
		if (targets[i].kind != targets[0].kind)
			return err_set(err, ERR_USAGE, "-w watches one kind; %s and %s are two",
				       targets[0].kind->name, targets[i].kind->name);
	if (!n)
		return err_set(err, ERR_USAGE, "there is nothing to watch in the files");
	if (targets[0].kind->flags & KIND_UNWATCHED)
		return err_set(err, ERR_USAGE, "stores do not tell of changes of a %s%s",
			       targets[0].kind->name,
			       targets[0].kind == &kind_nodestatus ?
				       "; peerctl status -w shows them" :
				       "");
	if (targets[0].kind->flags & KIND_FILES_ONLY)
		return err_set(err, ERR_USAGE, "a %s is in no store, so there is nothing to watch",
			       targets[0].kind->name);
	return true;
}

/* A store that is away from the start is an error, as of any command. */
static bool begin(struct watching *w, struct err *err)
{
	struct config_sources from = { option_value(w->o, OPT_STORE),
				       option_value(w->o, OPT_CONFIG) };
	auto_store struct store *st = source_open(w->o, STORE_READ_ONLY, err);
	auto_snapshot struct snapshot *nothing = snapshot_new();
	auto_buf struct buf url = { 0 };

	if (!st || !source_list(st, 0, 0, nothing, err) || !config_store_url(&from, &url, err))
		return false;
	w->known = snapshot_new();
	w->feed = feed_open_kinds(buf_text(&url), 1u << w->kind->id, STORE_READ_ONLY,
				  DECODE_TOLERANT | DECODE_KEEP_DOC);
	return true;
}

static void columns_make(struct watching *w)
{
	bool events = option_given(w->o, OPT_OUTPUT_WATCH_EVENTS);
	const char *const *from = w->style.columns ? w->style.columns : w->kind->columns;
	const char *const *more = style_is(&w->style, OUTPUT_WIDE) ? w->kind->wide_columns : NULL;
	size_t n = 0;

	if (events)
		*arena_push(w->o->arena, w->columns, n) = EVENT;
	for (size_t i = 0; from[i]; i++)
		*arena_push(w->o->arena, w->columns, n) = from[i];
	for (size_t i = 0; more && more[i]; i++)
		*arena_push(w->o->arena, w->columns, n) = more[i];
	if (!events)
		*arena_push(w->o->arena, w->columns, n) = AFTERWORD;
	w->widths = arena_array(w->o->arena, size_t, n);
	*arena_push(w->o->arena, w->columns, n) = NULL;
	if (w->style.columns)
		w->style.columns = w->columns;
}

static int signals_open(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static bool reader_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0; /* nothing was asked for: it is an error or the end */
}

static bool news(struct watching *w, struct err *err)
{
	struct snapshot *now = snapshot_ref(feed_snapshot(w->feed));
	auto_arena struct arena a = { 0 };
	const struct change **changes = NULL;
	bool first = !w->revision;
	size_t n = 0;

	compare(w, now, &a, &changes, &n);
	if (!show(w, changes, n, err)) {
		snapshot_unref(now);
		return false;
	}
	snapshot_unref(w->known);
	w->known = now;
	w->revision = feed_revision(w->feed);
	if (first)
		tell_missing(w);
	return true;
}

/* Both are in order of name. */
static void compare(const struct watching *w, const struct snapshot *now, struct arena *a,
		    const struct change ***ret, size_t *ret_n)
{
	size_t n_old = snapshot_count(w->known, w->kind), n_new = snapshot_count(now, w->kind);

	for (size_t i = 0, j = 0; i < n_old || j < n_new;) {
		const struct resource *old = i < n_old ? snapshot_at(w->known, w->kind, i) : NULL;
		const struct resource *new = j < n_new ? snapshot_at(now, w->kind, j) : NULL;
		int order = !old ? 1 : !new ? -1 : strcmp(old->meta.name, new->meta.name);
		const struct resource *r = order < 0 ? old : new;
		struct change *c;

		i += order <= 0;
		j += order >= 0;
		if ((!order && old == new) || !wanted(w, r->meta.name))
			continue;
		c = arena_new(a, struct change);
		c->shown = *r;
		c->event = order < 0 ? DELETED : order > 0 ? ADDED : MODIFIED;
		if (option_given(w->o, OPT_EXPORT))
			source_strip(&c->shown);
		*arena_push(a, *ret, *ret_n) = c;
	}
}

static bool wanted(const struct watching *w, const char *name)
{
	for (size_t i = 0; i < w->n_targets; i++)
		if (!w->targets[i].name || str_eq(w->targets[i].name, name))
			return true;
	return false;
}

static bool show(struct watching *w, const struct change **changes, size_t n, struct err *err)
{
	struct listing l = {
		.items = (const void *const *)changes,
		.n = n,
		.columns = w->columns,
		.widths = w->widths,
		.cell = change_cell,
	};
	auto_buf struct buf out = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct change *c = changes[i];
		auto_arena struct arena a = { 0 };
		struct value v;

		if (c->event != DELETED && resource_broken(&c->shown))
			source_tell_broken(&c->shown);
		if (style_is(&w->style, OUTPUT_NAME))
			buf_printf(&out, "%s%s\n", resource_id(&c->shown, &a),
				   c->event == DELETED ? " deleted" : "");
		if (!style_is(&w->style, OUTPUT_JSON | OUTPUT_YAML))
			continue;
		v = change_document(w, c, &a);
		if (style_is(&w->style, OUTPUT_JSON)) { /* one line per change, for programs */
			json_print(&v, 0, &out);
			buf_char(&out, '\n');
		} else {
			buf_str(&out, "---\n");
			document_print(&v, &w->style, &out);
		}
	}
	if (n && style_is(&w->style, OUTPUT_TABLE | OUTPUT_WIDE | OUTPUT_COLUMNS)) {
		listing_print(&l, &w->style, &out);
		w->style.headers = false;
	}
	return output_write(&out, err);
}

static void tell_missing(const struct watching *w)
{
	for (size_t i = 0; i < w->n_targets; i++)
		if (w->targets[i].name && !snapshot_find(w->known, w->kind, w->targets[i].name))
			tell("%s/%s does not exist yet", w->kind->aliases[0], w->targets[i].name);
	if (!w->targets[0].name && !snapshot_count(w->known, w->kind))
		tell("there is no %s in %s yet", w->kind->name, store_url(feed_store(w->feed)));
}

/* Once when the store goes, once when it is back. */
static void tell_trouble(struct watching *w)
{
	const struct feed_trouble *trouble = feed_trouble(w->feed);

	if (trouble && !w->away && clock_wall() - trouble->since >= TROUBLE_S) {
		tell("%s; waiting for it", trouble->words);
		w->away = true;
	} else if (!trouble && w->away) {
		tell("%s is back", store_url(feed_store(w->feed)));
		w->away = false;
	}
}

static const char *change_cell(const void *item, const char *column, struct arena *a)
{
	const struct change *c = item;

	if (str_eq(column, EVENT))
		return event_names[c->event];
	if (str_eq(column, AFTERWORD))
		return c->event == DELETED ? "deleted" : NULL;
	return c->shown.kind->cell(&c->shown, column, a);
}

static struct value change_document(const struct watching *w, const struct change *c,
				    struct arena *a)
{
	struct value v = resource_encode(&c->shown, a);
	struct object event = { .arena = a };

	if (!option_given(w->o, OPT_OUTPUT_WATCH_EVENTS))
		return c->event == DELETED ? deleted_now(v, a) : v;
	object_text(&event, "type", event_names[c->event]);
	object_value(&event, "object", v);
	return object_done(&event);
}

/* V with metadata.deletionTimestamp. */
static struct value deleted_now(struct value v, struct arena *a)
{
	const struct value *meta = value_get(&v, "metadata");
	struct object document = { .arena = a }, marked = { .arena = a };

	for (uint32_t i = 0; meta && meta->type == VALUE_MAP && i < meta->n; i++)
		if (!str_eq(meta->members[i].key, "deletionTimestamp"))
			object_value(&marked, meta->members[i].key, meta->members[i].value);
	object_text(&marked, "deletionTimestamp", arena_str(a, clock_rfc3339(clock_wall()).s));
	for (uint32_t i = 0; v.type == VALUE_MAP && i < v.n; i++)
		if (!str_eq(v.members[i].key, "metadata"))
			object_value(&document, v.members[i].key, v.members[i].value);
		else
			object_value(&document, "metadata", object_done(&marked));
	return object_done(&document);
}
