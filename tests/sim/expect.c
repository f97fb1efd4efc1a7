/* SPDX-License-Identifier: Apache-2.0 */
/* What a script may expect: of the agent, of what BIRD runs, of the status in the store. */
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "script.h"

struct expectation {
	const char *word;
	void (*run)(struct world *w, char *args);
};

static const struct value *status_item(struct world *w, const char *list, const char *key,
				       const char *name);
static const char *status_text(struct world *w, const struct value *v, const char *field);
static void count(struct world *w, const char *what, uint64_t have, const char *args);
static void lacks(struct world *w, const char *text, const char *what, const char *where);
static void has(struct world *w, const char *text, const char *what, const char *where);
static void contains(struct world *w, const char *text, const char *part, const char *what);

void expect_mark(struct world *w, char *args)
{
	(void)args;
	w->marked_runs = w->runs;
	w->marked_checks = w->fake.checks;
	w->marked_configures = w->fake.configures;
	w->marked_route_questions = w->fake.route_questions;
	w->marked_log = lseek(STDERR_FILENO, 0, SEEK_END);
	world_status(w, &w->marked_writes);
	w->marked = arena_array(&w->arena, struct marked, w->fake.n_sessions);
	w->n_marked = w->fake.n_sessions;
	for (size_t i = 0; i < w->n_marked; i++)
		w->marked[i] = (struct marked){ arena_str(&w->arena, w->fake.sessions[i].name),
						w->fake.sessions[i].since };
}

/* ---- the agent ---- */

static void expect_state(struct world *w, char *args)
{
	const char *have = w->agent ? agent_state(w->agent) : "away";

	if (strcmp(have, args) != 0)
		world_fail(w, "the state is %s, not %s", have, args);
}

static void expect_runs(struct world *w, char *args)
{
	count(w, "runs of the agent", w->runs - w->marked_runs, args);
}

/* "3", "<= 3 store-away": lines of the log, those with the words */
static void expect_logged(struct world *w, char *args)
{
	size_t number = strspn(args, "<>= 0123456789"), n = 0;
	auto_free char *wanted = strndup(args, number), *text = NULL;
	off_t len = lseek(STDERR_FILENO, 0, SEEK_END) - w->marked_log;
	char *rest, *line;

	text = mem_alloc((size_t)len + 1);
	if (pread(STDERR_FILENO, text, (size_t)len, w->marked_log) != len)
		world_fail(w, "the log cannot be read");
	for (rest = text; (line = strsep(&rest, "\n"));)
		n += *line && strstr(line, args + number);
	count(w, "lines of the log", n, wanted);
}

/* ---- what BIRD was given ---- */

static void expect_configures(struct world *w, char *args)
{
	count(w, "configures", w->fake.configures - w->marked_configures, args);
}

static void expect_checks(struct world *w, char *args)
{
	count(w, "checks", w->fake.checks - w->marked_checks, args);
}

static void expect_route_questions(struct world *w, char *args)
{
	count(w, "questions about routes", w->fake.route_questions - w->marked_route_questions,
	      args);
}

static void expect_runs_has(struct world *w, char *args)
{
	has(w, w->fake.text, args, "what BIRD runs");
}

static void expect_runs_lacks(struct world *w, char *args)
{
	lacks(w, w->fake.text, args, "what BIRD runs");
}

static void expect_file_has(struct world *w, char *args)
{
	char *path = script_word(&args);

	has(w, world_file(w, path), args, path);
}

static void expect_file_lacks(struct world *w, char *args)
{
	char *path = script_word(&args);

	lacks(w, world_file(w, path), args, path);
}

static void expect_no_file(struct world *w, char *args)
{
	if (world_file(w, args))
		world_fail(w, "there is a file %s", args);
}

static void expect_file_is_running(struct world *w, char *args)
{
	const char *file = world_file(w, WORLD_CONF);

	(void)args;
	if (!str_eq(file, w->fake.text))
		world_fail(w, "the file is not what BIRD runs:\n--- file\n%s--- BIRD\n%s",
			   file ? file : "(none)\n", w->fake.text ? w->fake.text : "(nothing)\n");
}

static void expect_confirmed(struct world *w, char *args)
{
	(void)args;
	if (w->fake.undo_at)
		world_fail(w, "BIRD waits for a confirmation");
}

static void expect_unconfirmed(struct world *w, char *args)
{
	(void)args;
	if (!w->fake.undo_at)
		world_fail(w, "BIRD waits for no confirmation");
}

static void expect_untouched(struct world *w, char *args)
{
	do {
		char *name = script_word(&args);
		struct fake_session *s = fake_find(&w->fake, name);
		size_t i = 0;

		while (i < w->n_marked && strcmp(w->marked[i].name, name) != 0)
			i++;
		if (i == w->n_marked || !s)
			world_fail(w, "%s is %s", name, s ? "new" : "gone");
		if (s->since != w->marked[i].since)
			world_fail(w, "%s was touched", name);
	} while (*args);
}

static void expect_touched(struct world *w, char *args)
{
	struct fake_session *s = fake_find(&w->fake, args);

	for (size_t i = 0; i < w->n_marked; i++)
		if (s && strcmp(w->marked[i].name, args) == 0 && s->since == w->marked[i].since)
			world_fail(w, "%s was not touched", args);
}

/* ---- the status ---- */

static void expect_message(struct world *w, char *args)
{
	contains(w, status_text(w, world_status(w, NULL), "message"), args, "the message");
}

static void expect_status(struct world *w, char *args)
{
	char *field = script_word(&args);
	const char *have = status_text(w, world_status(w, NULL), field);

	if (strcmp(have, args) != 0)
		world_fail(w, "%s is \"%s\", not \"%s\"", field, have, args);
}

static void expect_trouble(struct world *w, char *args)
{
	char *field = script_word(&args);
	const struct value *v = value_get(world_status(w, NULL), "storeTrouble");
	const char *have = status_text(w, v, field);

	contains(w, have, args, field); /* how soon a store is asked again is random */
}

static void expect_session(struct world *w, char *args)
{
	const char *name = script_word(&args), *field = script_word(&args), *want = args;
	const struct value *v = status_item(w, "sessions", "name", name);
	const char *have;

	if (!v && strcmp(field, "none") == 0)
		return;
	if (!v)
		world_fail(w, "the status has no session %s", name);
	if (!*want) { /* just the state */
		want = field;
		field = "state";
	}
	if (strncmp(field, "before.", 7) == 0) {
		v = value_get(v, "before");
		field += 7;
	}
	have = status_text(w, v, field);
	if (strcmp(want, "0") == 0) /* not written */
		want = "";
	if (strcmp(field, "reason") == 0)
		contains(w, have, want, "the reason");
	else if (strcmp(have, want) != 0)
		world_fail(w, "%s of %s is \"%s\", not \"%s\"", field, name, have, want);
}

static void expect_problem(struct world *w, char *args)
{
	char *code = script_word(&args), *origin = script_word(&args);
	const struct value *list = value_get(world_status(w, NULL), "problems");

	for (uint32_t i = 0; list && i < list->n; i++) {
		const struct value *p = &list->items[i];

		if (str_eq(value_str(p, "code"), code) &&
		    (!*origin || str_eq(value_str(p, "origin"), origin)) &&
		    (!*args || strstr(status_text(w, p, "text"), args)))
			return;
	}
	world_fail(w, "no problem %s %s %s in %s", code, origin, args,
		   list ? status_text(w, world_status(w, NULL), "problems") : "the status");
}

static void expect_no_problem(struct world *w, char *args)
{
	const struct value *list = value_get(world_status(w, NULL), "problems");

	if (!*args && list && list->n)
		world_fail(w, "there is a problem");
	if (*args && status_item(w, "problems", "code", args))
		world_fail(w, "there is a problem %s", args);
}

static void expect_writes(struct world *w, char *args)
{
	uint64_t version;

	world_status(w, &version);
	count(w, "writes of the status", version - w->marked_writes, args);
}

void expect_step(struct world *w, char *args)
{
	static const struct expectation all[] = {
		{"state",		   expect_state		},
		     { "runs",	       expect_runs	   },
		{ "logged",	    expect_logged	   },
		     { "trouble",	  expect_trouble	 },
		{ "configures",	expect_configures	  },
		     { "checks",		 expect_checks	       },
		{ "route-questions", expect_route_questions },
		{ "runs-has",	      expect_runs_has	      },
		     { "runs-lacks",	     expect_runs_lacks     },
		{ "file-has",	      expect_file_has	      },
		     { "file-lacks",	     expect_file_lacks     },
		{ "no-file",	     expect_no_file	    },
		     { "file-is-running", expect_file_is_running},
		{ "confirmed",       expect_confirmed	},
		     { "unconfirmed",     expect_unconfirmed	 },
		{ "untouched",       expect_untouched	},
		     { "touched",	  expect_touched	 },
		{ "message",	     expect_message	    },
		     { "status",		 expect_status	       },
		{ "session",	     expect_session	    },
		     { "problem",	  expect_problem	 },
		{ "no-problem",	expect_no_problem	  },
		     { "writes",		 expect_writes	       },
	};
	char *word = script_word(&args);

	for (size_t i = 0; i < lengthof(all); i++)
		if (strcmp(all[i].word, word) == 0) {
			all[i].run(w, args);
			return;
		}
	world_fail(w, "nobody can expect \"%s\"", word);
}

static const struct value *status_item(struct world *w, const char *list, const char *key,
				       const char *name)
{
	const struct value *items = value_get(world_status(w, NULL), list);

	for (uint32_t i = 0; items && i < items->n; i++)
		if (str_eq(value_str(&items->items[i], key), name))
			return &items->items[i];
	return NULL;
}

/* A field as text; "" when it is not there. */
static const char *status_text(struct world *w, const struct value *v, const char *field)
{
	const struct value *at = value_get(v, field);
	auto_buf struct buf text = { 0 };

	if (!at)
		return "";
	if (at->type == VALUE_STRING)
		return at->string;
	json_print(at, 0, &text);
	return arena_str(&w->arena, text.at);
}

/* "3", "<= 3", ">= 3" */
static void count(struct world *w, const char *what, uint64_t have, const char *args)
{
	bool most = strncmp(args, "<= ", 3) == 0, least = strncmp(args, ">= ", 3) == 0;
	uint64_t want = strtoull(args + (most || least ? 3 : 0), NULL, 10);

	if (most ? have > want : least ? have < want : have != want)
		world_fail(w, "%d %s, not %s", (int)have, what, args);
}

static void has(struct world *w, const char *text, const char *what, const char *where)
{
	if (!text || !strstr(text, what))
		world_fail(w, "%s lacks \"%s\":\n%s", where, what, text ? text : "(nothing)");
}

static void lacks(struct world *w, const char *text, const char *what, const char *where)
{
	if (text && strstr(text, what))
		world_fail(w, "%s has \"%s\"", where, what);
}

static void contains(struct world *w, const char *text, const char *part, const char *what)
{
	if (!strstr(text, part))
		world_fail(w, "%s is \"%s\", without \"%s\"", what, text, part);
}
