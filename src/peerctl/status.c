/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statuses are outside the log of changes, so watching reads everything again each second and shows
 * what differs: on a terminal the whole picture, else the rows that changed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/poll.h"
#include "base/text.h"
#include "peerctl/command.h"
#include "peerctl/fabric.h"

#define WATCH_MS 1000

static const char *const columns[] = { "RESOURCE", "NODE", "PEER",	"AS",	  "STATE",
				       "SINCE",	   "NAME", "PEER-NODE", "ROUTES", "FLAPS" };
#define N_COLUMNS      6
#define N_COLUMNS_WIDE 10
#define COLUMN_SINCE   5

struct shown { /* while watching: what was shown last */
	struct arena arena;
	const char **rows; /* sorted */
	size_t n_rows;
	char *text, *sentences;
	size_t widths[N_COLUMNS_WIDE];
	bool any;
};

#define auto_shown __attribute__((cleanup(shown_free)))

static void shown_free(struct shown *s);
static bool target_make(const struct options *o, struct target *ret, struct err *err);
static bool show(const struct options *o, const struct target *only, const struct style *style,
		 struct shown *last, struct err *err);
static bool show_table(const struct fabric *f, const struct target *only, const struct style *style,
		       struct shown *last, struct err *err);
static bool show_document(const struct fabric *f, const struct style *style, struct shown *last,
			  struct err *err);
static void fill_row(struct row *row, const struct fabric *f, const struct fabric_session *s,
		     size_t n_columns, struct arena *a);
static void only_changed(struct table *t, struct shown *last);
static enum colour state_colour(const struct fabric_session *s);

bool run_status(const struct options *o, struct err *err)
{
	bool watch = option_given(o, OPT_WATCH), told_once = false;
	auto_shown struct shown last = { 0 };
	struct style style;
	struct target only;
	bool ok;

	if (!output_style(o, OUTPUT_TABLE | OUTPUT_WIDE | OUTPUT_JSON | OUTPUT_YAML, &style, err) ||
	    !target_make(o, &only, err))
		return false;
	ok = show(o, &only, &style, watch ? &last : NULL, err);
	while (watch && (ok || err_retry(err->kind))) {
		struct poll p = { 0 };

		if (!ok && !told_once)
			tell("%s", err->words);
		told_once = !ok;
		poll_at(&p, clock_ms() + WATCH_MS);
		poll_block(&p);
		*err = (struct err){ 0 };
		ok = show(o, &only, &style, &last, err);
	}
	return ok;
}

static bool target_make(const struct options *o, struct target *ret, struct err *err)
{
	struct target *targets = NULL;
	size_t n = 0;

	*ret = (struct target){ 0 };
	if (!source_targets(o, &targets, &n, err))
		return false;
	if (n > 1)
		return err_set(err, ERR_USAGE, "status takes one bgppeer or node, or none");
	if (n && targets[0].kind != &kind_bgppeer && targets[0].kind != &kind_node &&
	    targets[0].kind != &kind_nodestatus)
		return err_set(err, ERR_USAGE, "status is about a bgppeer or a node, not %s",
			       targets[0].kind->name);
	if (n)
		*ret = targets[0];
	if (ret->kind == &kind_nodestatus)
		ret->kind = &kind_node;
	return true;
}

static void shown_free(struct shown *s)
{
	arena_free(&s->arena);
	free(s->text);
	free(s->sentences);
}

/* LAST: what was shown before, NULL when not watching. */
static bool show(const struct options *o, const struct target *only, const struct style *style,
		 struct shown *last, struct err *err)
{
	auto_arena struct arena a = { 0 };
	auto_snapshot struct snapshot *snap = snapshot_new();
	auto_store struct store *st = source_open(o, STORE_READ_ONLY, err);
	struct fabric f;

	if (!st || !source_list(st, KINDS_FABRIC, 0, snap, err))
		return false;
	if (only->name && !snapshot_find(snap, only->kind, only->name) &&
	    !(only->kind == &kind_node && snapshot_find(snap, &kind_nodestatus, only->name)))
		return err_set(err, ERR_NOT_FOUND, "%s/%s does not exist", only->kind->aliases[0],
			       only->name);
	fabric_make(&f, snap, only, &a);
	if (style_is(style, OUTPUT_JSON | OUTPUT_YAML))
		return show_document(&f, style, last, err);
	return show_table(&f, only, style, last, err);
}

static bool show_table(const struct fabric *f, const struct target *only, const struct style *style,
		       struct shown *last, struct err *err)
{
	bool redraw = last && isatty(STDOUT_FILENO);
	auto_buf struct buf out = { 0 }, said = { 0 };
	struct style with = *style;
	struct table t = {
		.columns = columns,
		.n_columns = style_is(style, OUTPUT_WIDE) ? N_COLUMNS_WIDE : N_COLUMNS,
		.widths = last && !redraw ? last->widths : NULL,
	};
	struct fabric sentences = *f;

	for (size_t i = 0; i < f->n_sessions; i++)
		fill_row(table_row(&t, f->arena), f, &f->sessions[i], t.n_columns, f->arena);
	if (last && !redraw) {
		with.headers &= !last->any;
		only_changed(&t, last);
	}
	if (redraw)
		buf_str(&out, "\033[H\033[J");
	if (t.n_rows)
		table_print(&t, &with, &out);
	fabric_sentences(&sentences, only, &said);
	if (style->headers)
		fabric_summary(f, &said);
	if (!output_write(&out, err))
		return false;
	if (!last || redraw || !str_eq(last->sentences, buf_text(&said)))
		fputs(buf_text(&said), stderr);
	if (last) {
		free(last->sentences);
		last->sentences = mem_str(buf_text(&said));
		last->any = true;
	}
	return true;
}

static bool show_document(const struct fabric *f, const struct style *style, struct shown *last,
			  struct err *err)
{
	struct value v = fabric_document(f);
	auto_buf struct buf out = { 0 };

	if (last && style_is(style, OUTPUT_JSON)) { /* one line per picture, for programs */
		json_print(&v, 0, &out);
		buf_char(&out, '\n');
	} else {
		buf_str(&out, last ? "---\n" : "");
		document_print(&v, style, &out);
	}
	if (last && str_eq(last->text, buf_text(&out)))
		return true;
	if (last) {
		free(last->text);
		last->text = mem_str(buf_text(&out));
	}
	return output_write(&out, err);
}

static void fill_row(struct row *row, const struct fabric *f, const struct fabric_session *s,
		     size_t n_columns, struct arena *a)
{
	const struct status_session *session = s->session;
	bool now = !s->stale && !s->orphan; /* else it was so when it was reported */
	const char *from = now ? session->since : s->seen;
	int64_t since = from ? clock_parse(from) : -1;
	struct cell *cells = row->cells;

	cells[0].text = session->origin ? session->origin : "-";
	cells[1].text = s->node;
	cells[2].text = session->peer ? session->peer : "-";
	cells[3].text = session->as_number ? arena_printf(a, "%u", session->as_number) : "-";
	cells[4].text = now ? fabric_state(s) :
			      arena_printf(a, "%s, was %s", fabric_state(s),
					   session->state ? session->state : "Unknown");
	cells[4].colour = state_colour(s);
	cells[5].text = since < 0 ? "-" : text_age(MAX(f->now - since, 0), a);
	row->note = s->reason;
	if (n_columns == N_COLUMNS)
		return;
	cells[6].text = session->name ? session->name : "-";
	cells[7].text = session->peer_node ? session->peer_node : "-";
	cells[8].text = arena_printf(a, "%u in, %u out", session->routes_imported,
				     session->routes_exported);
	cells[9].text =
		arena_printf(a, "%s%u", session->flaps_at_least == YES ? ">=" : "", session->flaps);
}

/* Leaves the rows that were not there before, their age aside. */
static void only_changed(struct table *t, struct shown *last)
{
	struct arena next = { 0 };
	const char **rows = arena_array(&next, const char *, t->n_rows);
	size_t n_all = t->n_rows, kept = 0;

	for (size_t i = 0; i < n_all; i++) {
		const struct row *row = &t->rows[i];
		auto_buf struct buf key = { 0 };

		for (size_t c = 0; c < COLUMN_SINCE; c++)
			buf_printf(&key, "%s\t", row->cells[c].text);
		buf_str(&key, row->note ? row->note : "");
		rows[i] = arena_str(&next, buf_text(&key));
		if (!name_among(last->rows, last->n_rows, rows[i]))
			t->rows[kept++] = *row;
	}
	t->n_rows = kept;
	name_sort(rows, n_all);
	arena_free(&last->arena);
	last->arena = next;
	last->rows = rows;
	last->n_rows = n_all;
}

static enum colour state_colour(const struct fabric_session *s)
{
	static const char *const red[] = { "Down", "Missing", "Unknown", "Close", NULL };

	if (s->stale || s->orphan)
		return COLOUR_YELLOW;
	if (str_eq(s->session->state, "Established"))
		return COLOUR_GREEN;
	return name_find(red, s->session->state ? s->session->state : "Unknown", -1) >= 0 ?
		       COLOUR_RED :
		       COLOUR_YELLOW;
}
