/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peerctl: one table of commands, from which --help is printed and calls are made. A command
 * returns its failure; only here it becomes a line on stderr and an exit code.
 */
#include <stdio.h>

#include "base/text.h"
#include "model/kind.h"
#include "peerctl/command.h"
#include "peerctl/output.h"

#define FILES (OPTION(FILENAME) | OPTION(RECURSIVE) | OPTION(SKIP_EMPTY))
#define STORE (OPTION(STORE) | OPTION(CONFIG))
#define NAMES (OPTION(NAMESPACE) | OPTION(ALL_NAMESPACES)) /* calicoctl's, to say why not */
#define WRITE (FILES | STORE | NAMES | OPTION(DRY_RUN) | OPTION(OUTPUT))

/* clang-format off */
static const struct command commands[] = {
	{ "create", "-f FILE...", "make objects that do not exist yet",
	  "All objects are written at once, or none is (etcd: up to 128 objects and 1 MiB at once).",
	  WRITE | OPTION(SKIP_EXISTS), run_create },
	{ "apply", "-f FILE...", "make objects, or change them to what the files say",
	  "All objects are written at once, or none is (etcd: up to 128 objects and 1 MiB at once).\n"
	  "Labels and annotations become those of the file. With a resourceVersion in the file the object must still be at it.",
	  WRITE, run_apply },
	{ "replace", "-f FILE...", "change objects that exist",
	  "As apply, but every object must exist.", WRITE, run_replace },
	{ "delete", "KIND NAME... | KIND/NAME... | -f FILE...", "delete objects",
	  "All are deleted at once, or none is (etcd: up to 128 objects at once). With a Node goes its\n"
	  "status; what else names it is listed, and goes too with --cascade.",
	  WRITE | OPTION(SKIP_NOT_EXISTS) | OPTION(CASCADE), run_delete },
	{ "get", "KIND [NAME...] | KIND/NAME... | -f FILE...", "show objects of the store",
	  "With -w what is there, then each change: of a deleted object the row ends in \"deleted\", the\n"
	  "document (json: one line each) has a deletionTimestamp.",
	  FILES | STORE | NAMES | OPTION(OUTPUT) | OPTION(NO_HEADERS) | OPTION(EXPORT) |
		OPTION(WATCH) | OPTION(OUTPUT_WATCH_EVENTS),
	  run_get },
	{ "validate", "-f FILE...", "check files, without a store",
	  "Says everything that is wrong, with its place, on standard error.",
	  FILES | STORE | NAMES, run_validate },
	{ "render", "[-f FILE...] [--node NAME]", "print the BIRD configuration of a node",
	  "With -f for exactly these files, without a store. Problems go to standard error.",
	  FILES | STORE | OPTION(NODE) | OPTION(SHOW_SECRETS) | OPTION(SECRETS_DIR) |
		OPTION(SESSION_TEMPLATE), run_render },
	{ "plan", "[-f FILE...] [--node NAME]", "show peerings, or what files would change",
	  "With -f and a store: what applying these files would do to the sessions; exit code 1 when\n"
	  "it does something. With -f and no store: the plan of the files.",
	  FILES | STORE | OPTION(NODE) | OPTION(OUTPUT) | OPTION(NO_HEADERS) |
		OPTION(SECRETS_DIR) | OPTION(SESSION_TEMPLATE), run_plan },
	{ "selector", "EXPR [--label KEY=VALUE]...", "check a selector, and match labels with it",
	  "Prints its canonical form. With labels: exit code 0 when they match, 1 when not.",
	  OPTION(LABEL), run_selector },
	{ "status", "[bgppeer NAME | node NAME]", "show all sessions, and why some are not up",
	  "What the agents of all nodes reported to the store.",
	  STORE | OPTION(OUTPUT) | OPTION(NO_HEADERS) | OPTION(WATCH), run_status },
	{ "migrate", "--from STORE --to STORE", "carry all objects to another store",
	  "Byte by byte, and read back. What the target has already with the same content is left\n"
	  "alone, so it can be run again; with another content it is a conflict, and nothing is written.\n"
	  "Neither Secrets, which are files of peerd's --secrets-dir, nor the status of nodes go along.",
	  OPTION(FROM) | OPTION(TO) | OPTION(CONFIG) | OPTION(DRY_RUN) | OPTION(OVERWRITE) |
		OPTION(SKIP_BROKEN) | OPTION(OUTPUT), run_migrate },
	{ "schema", "", "print all kinds and their fields, in Markdown", NULL, 0, run_schema },
	{ "version", "", "print the version",
	  "And that of the Calico that shares the store, if there is one.", STORE | OPTION(OUTPUT), run_version },
};

/* Commands of calicoctl that people will try. */
static const struct { const char *name, *words; } later[] = {
	{ "patch", "take `peerctl get -o yaml`, edit, and `peerctl apply -f`" },
	{ "label", "change metadata.labels in the file and `peerctl apply -f`" },
	{ "node", "`peerctl status` shows the sessions of all nodes" },
	{ "datastore", "`peerctl migrate` carries all objects to another store" },
	{ "ipam", "Peerage manages no addresses" },
	{ "cluster", "`peerctl status` shows what all agents report" },
	{ "convert", "objects of projectcalico.org/v3 are taken as they are" },
	{ "diff", "`peerctl plan -f` shows what a file would change" },
};

static const char exit_codes[] =
	"Exit codes:\n"
	"  0  done\n"
	"  1  differs (plan -f), does not match (selector)\n"
	"  2  wrong usage, missing file\n"
	"  3  invalid input\n"
	"  4  not found\n"
	"  5  conflict: exists already, or was changed meanwhile\n"
	"  6  store unavailable\n"
	"  7  timeout\n"
	"  8  refused, by the permissions of a file or a store\n"
	"  9  internal error\n";
/* clang-format on */

static bool run(const struct options *o, bool parsed, struct err *err);
static const struct command *command_find(const char *name, struct err *err);
static void help(const struct command *only, struct buf *out);
static void help_kinds(struct buf *out);
static void help_options(uint64_t taken, bool global, struct buf *out);

int main(int argc, char **argv)
{
	auto_arena struct arena arena = { .secret = true };
	struct options o = { .arena = &arena };
	struct err err = { 0 };
	bool parsed = options_parse(&o, argc, argv, &err);

	if (run(&o, parsed, &err))
		return 0;
	if (err.words[0])
		tell("%s", err.words);
	return err_exit(err.kind);
}

static bool run(const struct options *o, bool parsed, struct err *err)
{
	bool asked = str_eq(o->command, "help") || option_given(o, OPT_HELP);
	const char *name =
		str_eq(o->command, "help") ? (o->n_args ? o->args[0] : NULL) : o->command;
	const struct command *command = NULL;
	auto_buf struct buf text = { 0 };

	if (!name && !asked && !parsed)
		return false;
	if (!name) {
		help(NULL, &text);
		if (asked)
			return output_write(&text, err);
		fputs(buf_text(&text), stderr);
		return told(err, ERR_USAGE);
	}
	command = command_find(name, err);
	if (!command)
		return false;
	if (asked) {
		help(command, &text);
		return output_write(&text, err);
	}
	return parsed && options_check(o, command->options, err) && command->run(o, err);
}

static const struct command *command_find(const char *name, struct err *err)
{
	const char *names[lengthof(commands) + 1] = { NULL };
	const char *near;

	for (size_t i = 0; i < lengthof(commands); i++) {
		if (str_eq(commands[i].name, name))
			return &commands[i];
		names[i] = commands[i].name;
	}
	for (size_t i = 0; i < lengthof(later); i++)
		if (str_eq(later[i].name, name)) {
			err_set(err, ERR_USAGE, "there is no command %s yet; %s", name,
				later[i].words);
			return NULL;
		}
	near = name_suggest(names, name);
	err_set(err, ERR_USAGE, "there is no command \"%.60s\"%s%s%s", name,
		near ? "; did you mean " : "; see peerctl --help", near ? near : "",
		near ? "?" : "");
	return NULL;
}

static void help(const struct command *only, struct buf *out)
{
	if (only) {
		buf_printf(out, "peerctl %s%s%s: %s\n", only->name, *only->args ? " " : "",
			   only->args, only->summary);
		if (only->doc)
			buf_printf(out, "\n%s\n", only->doc);
		if (strstr(only->args, "KIND"))
			help_kinds(out);
		buf_str(out, "\nOptions:\n");
		help_options(only->options, false, out);
		help_options(only->options, true, out);
	} else {
		buf_str(out, "peerctl COMMAND [OPTION...]: BGP peers of all nodes, declared\n\n"
			     "Commands:\n");
		for (size_t i = 0; i < lengthof(commands); i++)
			buf_printf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
		buf_str(out, "\nOptions of all commands:\n");
		help_options(0, true, out);
		buf_str(out, "\nThe store is that of --store, else $PEERAGE_STORE, the file of -c, "
			     "/etc/calico/calicoctl.cfg,\n$DATASTORE_TYPE, $ETCD_ENDPOINTS and "
			     "$ETCD_DISCOVERY_SRV, else sqlite:/var/lib/peerage/peerage.db.\n"
			     "peerctl COMMAND --help says more.\n");
	}
	buf_printf(out, "\n%s", exit_codes);
}

static void help_kinds(struct buf *out)
{
	auto_arena struct arena a = { 0 };

	buf_str(out, "\nKinds, and shorter words for them, in upper or lower case:\n");
	for (size_t i = 0; i < lengthof(kinds); i++) {
		const char *words = kind_short(kinds[i], &a);

		if (!(kinds[i]->flags & KIND_FILES_ONLY))
			buf_printf(out, *words ? "  %-19s %s\n" : "  %s%s\n", kinds[i]->name,
				   words);
	}
}

static void help_options(uint64_t taken, bool global, struct buf *out)
{
	for (int id = 0; id < OPT_COUNT; id++) {
		const struct option_row *row = &option_rows[id];
		auto_buf struct buf name = { 0 };

		if (global ? !(row->flags & OPTION_GLOBAL) : !(taken & (UINT64_C(1) << id)))
			continue;
		buf_printf(&name, "--%s", row->name);
		if (row->value)
			buf_printf(&name, row->flags & OPTION_OPTIONAL ? "[=%s]" : " %s",
				   row->value);
		buf_printf(out, "  %c%c%c %-26s %s\n", row->letter ? '-' : ' ',
			   row->letter ? row->letter : ' ', row->letter ? ',' : ' ',
			   buf_text(&name), row->doc);
	}
}
