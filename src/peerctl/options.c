/* SPDX-License-Identifier: Apache-2.0 */
#include "peerctl/options.h"

#include "base/text.h"

/* clang-format off */
const struct option_row option_rows[OPT_COUNT] = {
	[OPT_FILENAME] = { "filename", 'f', "FILE", 0,
		"a file of resources, a folder, or - for standard input; more than once" },
	[OPT_RECURSIVE] = { "recursive", 'R', NULL, 0, "folders below the folder of -f, too" },
	[OPT_SKIP_EMPTY] = { "skip-empty", 0, NULL, 0, "a file without resources is no error" },
	[OPT_STORE] = { "store", 0, "URL", 0, "where the resources live: sqlite:PATH, etcd:https://HOST:PORT,..." },
	[OPT_CONFIG] = { "config", 'c', "FILE", 0,
		"calicoctl's configuration; default /etc/calico/calicoctl.cfg" },
	[OPT_NAMESPACE] = { "namespace", 'n', "NAME", 0, "no kind here is in a namespace" },
	[OPT_ALL_NAMESPACES] = { "all-namespaces", 'A', NULL, 0, "no kind here is in a namespace" },
	[OPT_OUTPUT] = { "output", 'o', "FORMAT", 0,
		"json, yaml, name; of tables also table (ps), wide, custom-columns=A,B" },
	[OPT_NO_HEADERS] = { "no-headers", 0, NULL, 0, "tables without their first line" },
	[OPT_EXPORT] = { "export", 0, NULL, 0, "without what the store gave: uid, version, time" },
	[OPT_DRY_RUN] = { "dry-run", 0, "client", OPTION_OPTIONAL,
		"say what would be done, write nothing" },
	[OPT_SKIP_EXISTS] = { "skip-exists", 0, NULL, 0, "what exists already is no error" },
	[OPT_SKIP_NOT_EXISTS] = { "skip-not-exists", 's', NULL, 0,
		"what does not exist is no error" },
	[OPT_CASCADE] = { "cascade", 0, NULL, 0, "of a Node: delete what names it, too" },
	[OPT_NODE] = { "node", 0, "NAME", 0,
		"the node; else $NODENAME, /var/lib/calico/nodename, the host name" },
	[OPT_SHOW_SECRETS] = { "show-secrets", 0, NULL, 0, "passwords in clear" },
	[OPT_SECRETS_DIR] = { "secrets-dir", 0, "DIR", 0, "passwords from files DIR/NAME/KEY" },
	[OPT_SESSION_TEMPLATE] = { "session-template", 0, "FILE", 0,
		"what `extensions` become in BIRD's configuration" },
	[OPT_LABEL] = { "label", 0, "KEY=VALUE", 0, "a label to match; more than once" },
	[OPT_WATCH] = { "watch", 'w', NULL, 0, "go on and show changes" },
	[OPT_OUTPUT_WATCH_EVENTS] = { "output-watch-events", 0, NULL, 0,
		"with -w: ADDED, MODIFIED or DELETED with every row and document" },
	[OPT_FROM] = { "from", 0, "STORE", 0, "the store to read: sqlite:PATH, etcd:https://HOST:PORT,..." },
	[OPT_TO] = { "to", 0, "STORE", 0, "the store to write; it is made if need be" },
	[OPT_OVERWRITE] = { "overwrite", 0, NULL, 0,
		"what the target has otherwise becomes the source's" },
	[OPT_SKIP_BROKEN] = { "skip-broken", 0, NULL, 0, "leave objects that cannot be read behind" },
	[OPT_VERBOSE] = { "verbose", 'v', NULL, OPTION_GLOBAL, "more words on stderr" },
	[OPT_LOG_LEVEL] = { "log-level", 'l', "LEVEL", OPTION_GLOBAL, "accepted as calicoctl's" },
	[OPT_CONTEXT] = { "context", 0, "NAME", OPTION_GLOBAL, "accepted as calicoctl's" },
	[OPT_ALLOW_VERSION_MISMATCH] = { "allow-version-mismatch", 0, NULL, OPTION_GLOBAL,
		"accepted as calicoctl's" },
	[OPT_HELP] = { "help", 'h', NULL, OPTION_GLOBAL, "this text" },
};
/* clang-format on */

static bool parse_long(struct options *o, char **argv, int *at, struct err *err);
static bool parse_short(struct options *o, char **argv, int *at, struct err *err);
static bool take_value(struct options *o, enum option id, const char *as, char **argv, int *at,
		       struct err *err);
static void value_add(struct options *o, enum option id, const char *value);
static bool unknown(const char *word, size_t len, struct err *err);

bool options_parse(struct options *o, int argc, char **argv, struct err *err)
{
	struct err first = { 0 };
	bool only_args = false;

	for (int i = 1; i < argc; i++) {
		struct err one = { 0 };
		const char *arg = argv[i];
		bool ok = true;

		if (only_args || arg[0] != '-' || !arg[1]) {
			if (!o->command)
				o->command = arg;
			else
				*arena_push(o->arena, o->args, o->n_args) = arg;
		} else if (str_eq(arg, "--")) {
			only_args = true;
		} else if (arg[1] == '-') {
			ok = parse_long(o, argv, &i, &one);
		} else {
			ok = parse_short(o, argv, &i, &one);
		}
		if (!ok && !first.kind)
			first = one;
	}
	if (first.kind)
		*err = first;
	return !first.kind;
}

bool options_check(const struct options *o, uint64_t taken, struct err *err)
{
	for (int id = 0; id < OPT_COUNT; id++) {
		const struct option_row *row = &option_rows[id];

		if (!o->values[id].n || (row->flags & OPTION_GLOBAL) ||
		    (taken & (UINT64_C(1) << id)))
			continue;
		return err_set(err, ERR_USAGE, "%s does not take --%s; see peerctl %s --help",
			       o->command, row->name, o->command);
	}
	return true;
}

const char *option_value(const struct options *o, enum option id)
{
	const struct option_values *v = &o->values[id];

	return v->n ? v->items[v->n - 1] : NULL;
}

bool options_args(const struct options *o, size_t n, struct err *err)
{
	if (o->n_args > n)
		return err_set(err, ERR_USAGE,
			       "%s does not take \"%.200s\" here; files go behind -f", o->command,
			       o->args[n]);
	if (o->n_args < n)
		return err_set(err, ERR_USAGE, "%s needs an argument; see peerctl %s --help",
			       o->command, o->command);
	return true;
}

bool option_dry_run(const struct options *o, bool *ret, struct err *err)
{
	const char *value = option_value(o, OPT_DRY_RUN);

	*ret = value && !str_eq(value, "none");
	if (!value || !*value || str_eq(value, "client") || str_eq(value, "none"))
		return true;
	return err_set(err, ERR_USAGE, "--dry-run=%.60s: it is client or none", value);
}

static bool parse_long(struct options *o, char **argv, int *at, struct err *err)
{
	const char *word = argv[*at] + 2;
	size_t len = strcspn(word, "=");

	for (int id = 0; id < OPT_COUNT; id++) {
		const struct option_row *row = &option_rows[id];

		if (strlen(row->name) != len || strncmp(row->name, word, len) != 0)
			continue;
		if (word[len] == '=' && !row->value)
			return err_set(err, ERR_USAGE, "--%s takes no value", row->name);
		if (!row->value || (!word[len] && (row->flags & OPTION_OPTIONAL))) {
			value_add(o, id, "");
			return true;
		}
		return take_value(o, id, word[len] ? word + len + 1 : NULL, argv, at, err);
	}
	return unknown(word, len, err);
}

static bool parse_short(struct options *o, char **argv, int *at, struct err *err)
{
	for (const char *c = argv[*at] + 1; *c; c++) {
		int id = 0;

		while (id < OPT_COUNT && option_rows[id].letter != *c)
			id++;
		if (id == OPT_COUNT)
			return err_set(err, ERR_USAGE,
				       "there is no option %s-%c; see peerctl --help",
				       c == argv[*at] + 1 ? "" : "in it: ", *c);
		if (option_rows[id].value)
			return take_value(o, id, c[1] ? c + 1 + (c[1] == '=') : NULL, argv, at,
					  err);
		value_add(o, id, "");
	}
	return true;
}

/* AS: the value that stands in the same word, NULL when it is the next one. */
static bool take_value(struct options *o, enum option id, const char *as, char **argv, int *at,
		       struct err *err)
{
	const struct option_row *row = &option_rows[id];

	if (!as && argv[*at + 1] && strncmp(argv[*at + 1], "--", 2) != 0)
		as = argv[++*at];
	if (str_empty(as))
		return err_set(err, ERR_USAGE, "--%s needs a value: %s", row->name, row->value);
	value_add(o, id, as);
	return true;
}

static void value_add(struct options *o, enum option id, const char *value)
{
	struct option_values *v = &o->values[id];

	*arena_push(o->arena, v->items, v->n) = value;
}

static bool unknown(const char *word, size_t len, struct err *err)
{
	const char *names[OPT_COUNT + 1] = { NULL };
	auto_free char *name = strndup(word, len);
	const char *near;

	for (int id = 0; id < OPT_COUNT; id++)
		names[id] = option_rows[id].name;
	near = name_suggest(names, name);
	return err_set(err, ERR_USAGE, "there is no option --%.60s%s%s%s", name,
		       near ? "; did you mean --" : "", near ? near : "; see peerctl --help",
		       near ? "?" : "");
}
