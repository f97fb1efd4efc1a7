/* SPDX-License-Identifier: Apache-2.0 */
/* peerd: the agent of one node. Options, signals, and the loop. */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/agent.h"
#include "local/config.h"
#include "peerd/notify.h"
#include "render/conf.h"
#include "store/store.h"

struct option_row { /* one row: parser, options file and help */
	const char *name;
	const char *value; /* what it takes; NULL: a switch */
	const char *help;
	int letter;
};

/* clang-format off */
static const struct option_row rows[] = {
	{ "store", "URL", "where the resources are: sqlite:PATH, etcd:ENDPOINTS; default: see README, \"which store\"", 'S' },
	{ "config", "FILE", "a CalicoAPIConfig file that names the store", 'c' },
	{ "node", "NAME", "the Node this machine is; default: NODENAME, /var/lib/calico/nodename, the host name", 'N' },
	{ "bird-socket", "PATH", "BIRD's control socket; default /run/bird/bird.ctl", 's' },
	{ "bird-conf", "PATH", "the configuration file, which is peerd's; default /etc/bird/bird.conf", 'b' },
	{ "bird-program", "PATH", "for checking while BIRD is down; default bird", 'B' },
	{ "bird-include", "GLOB", "your own BIRD files, included at the end", 'i' },
	{ "secrets-dir", "DIR", "passwords, as DIR/SECRET/KEY", 'd' },
	{ "session-template", "FILE", "lines for every session, with ${key} from extensions", 't' },
	{ "adopt", NULL, "take over a configuration that peerd did not write; it is kept beside", 'a' },
	{ "accept-store", NULL, "obey a store that is another one than before (as SIGUSR1 does)", 'A' },
	{ "options", "FILE", "read options from FILE, one \"name value\" a line; the command line goes first", 'o' },
	{ "log-level", "LEVEL", "error, warning, info or debug; default info", 'l' },
	{ "log-json", NULL, "log lines as JSON", 'j' },
	{ "version", NULL, "print the version", 'v' },
	{ "help", NULL, "print this", 'h' },
};
/* clang-format on */

struct settings {
	struct agent_options agent;
	const char *config, *log_level;
	bool log_json;
};

static bool set(struct settings *s, int letter, const char *value);
static bool read_options(struct settings *s, const char *path, struct arena *a, struct err *err);
static bool resolve(struct settings *s, struct arena *a, struct err *err);
static int usage(FILE *to, int code);
static void run(struct agent *ag, int signals, struct notify *n);
static int signals_open(void);

int main(int argc, char **argv)
{
	static struct arena arena; /* options live as long as the process */
	struct settings s = { 0 };
	struct option options[lengthof(rows) + 1] = { 0 };
	const char *options_file = NULL;
	struct err err = { 0 };
	struct notify notify;
	struct agent *ag;
	int letter;

	/* Fixed, so that what is large goes back to the system as soon as it is freed. */
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	for (size_t i = 0; i < lengthof(rows); i++)
		options[i] = (struct option){ rows[i].name,
					      rows[i].value ? required_argument : no_argument, NULL,
					      rows[i].letter };
	while ((letter = getopt_long(argc, argv, "c:l:h", options, NULL)) != -1) {
		if (letter == '?')
			return usage(stderr, err_exit(ERR_USAGE));
		if (letter == 'h')
			return usage(stdout, 0);
		if (letter == 'v')
			return puts("peerd " PEERAGE_VERSION) < 0;
		if (letter == 'o')
			options_file = optarg;
		else
			set(&s, letter, optarg);
	}
	if (optind < argc) {
		fprintf(stderr, "peerd: \"%s\" is not an option\n", argv[optind]);
		return err_exit(ERR_USAGE);
	}
	notify_open(&notify); /* before anything could start a child */
	if ((options_file && !read_options(&s, options_file, &arena, &err)) ||
	    !resolve(&s, &arena, &err) || !(ag = agent_open(&s.agent, &err))) {
		fprintf(stderr, "peerd: %s\n", err.words);
		return err_exit(err.kind);
	}
	log_event(LOG_INFO, "start", "version", PEERAGE_VERSION, "node", s.agent.node, "store",
		  s.agent.store, "conf", s.agent.bird_conf, NULL);
	run(ag, signals_open(), &notify);
	notify_stopping(&notify);
	agent_close(ag);
	notify_close(&notify);
	return 0;
}

/* The loop: run everything, then wait for everything. */
static void run(struct agent *ag, int signals, struct notify *n)
{
	for (;;) {
		struct signalfd_siginfo info;
		struct poll p = { 0 };

		while (read(signals, &info, sizeof info) == sizeof info) {
			if (info.ssi_signo == SIGHUP) {
				notify_reloading(n);
				agent_reload(ag);
			} else if (info.ssi_signo == SIGUSR1) {
				agent_accept_store(ag);
			} else if (info.ssi_signo == SIGUSR2) {
				agent_explain(ag);
			} else {
				log_event(LOG_INFO, "stop", "bird", "goes on with what it runs",
					  NULL);
				return;
			}
		}
		agent_run(ag);
		notify_run(n, agent_state(ag));
		agent_wait(ag, &p);
		notify_wait(n, &p);
		poll_fd(&p, signals, POLLIN);
		poll_block(&p);
	}
}

static int signals_open(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD,
	       SIG_DFL); /* who started us may ignore it: then the end of `bird -p` is lost */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Gives the setting its value; what has one keeps it, so the command line goes before the file. */
static bool set(struct settings *s, int letter, const char *value)
{
	const char **at = letter == 'S' ? &s->agent.store :
			  letter == 'c' ? &s->config :
			  letter == 'N' ? &s->agent.node :
			  letter == 's' ? &s->agent.bird_socket :
			  letter == 'b' ? &s->agent.bird_conf :
			  letter == 'B' ? &s->agent.bird_program :
			  letter == 'i' ? &s->agent.bird_include :
			  letter == 'd' ? &s->agent.secrets_dir :
			  letter == 't' ? &s->agent.session_template :
			  letter == 'l' ? &s->log_level :
					  NULL;

	if (at) {
		if (!*at)
			*at = value;
		return true;
	}
	s->agent.adopt |= letter == 'a';
	s->agent.accept_store |= letter == 'A';
	s->log_json |= letter == 'j';
	return letter == 'a' || letter == 'A' || letter == 'j';
}

static bool read_options(struct settings *s, const char *path, struct arena *a, struct err *err)
{
	size_t len;
	const char *text = file_read(path, 65536, a, &len, err);
	char *line = text ? arena_strn(a, text, len) : NULL, *rest = line;

	if (!text)
		return err_argument(err) || err_wrap(err, "--options");
	for (unsigned number = 1; (line = strsep(&rest, "\n")); number++) {
		char *name = line + strspn(line, " \t"), *value = name + strcspn(name, " \t=\r");
		size_t i = 0;

		if (!*name || *name == '#' || *name == '\r')
			continue;
		if (*value)
			*value++ = '\0';
		value += strspn(value, " \t=");
		value[strcspn(value, "\r")] = '\0';
		while (i < lengthof(rows) && strcmp(rows[i].name, name) != 0)
			i++;
		if (i == lengthof(rows) || strchr("ohv", rows[i].letter))
			return err_set(err, ERR_INVALID, "%s:%u: \"%.60s\" is not an option", path,
				       number, name);
		if (!rows[i].value != !*value)
			return err_set(err, ERR_INVALID, "%s:%u: %s %s", path, number, name,
				       *value ? "takes no value" : "needs a value");
		set(s, rows[i].letter, value);
	}
	return true;
}

/* What is not given, and what must make sense before anything begins. */
static bool resolve(struct settings *s, struct arena *a, struct err *err)
{
	struct config_sources from = { .store = s->agent.store, .file = s->config };
	int level = name_find(log_level_names, s->log_level ? s->log_level : "info", -1);
	auto_buf struct buf url = { 0 }, node = { 0 };

	if (level < 0)
		return err_set(err, ERR_USAGE, "--log-level is one of %s",
			       name_list(log_level_names, a));
	log_open((enum log_level)level, s->log_json);
	if (!config_store_url(&from, &url, err) || !store_check(url.at, err) ||
	    !config_node_name(s->agent.node, &node, err))
		return false;
	s->agent.store = arena_str(a, url.at);
	s->agent.node = arena_str(a, node.at);
	if (!config_router_id(&s->agent.router_id, err))
		return false;
	if (!s->agent.bird_socket)
		s->agent.bird_socket = "/run/bird/bird.ctl";
	if (!s->agent.bird_conf)
		s->agent.bird_conf = "/etc/bird/bird.conf";
	if (*s->agent.bird_conf != '/') /* BIRD reads it, too, and works in another folder */
		return err_set(err, ERR_USAGE,
			       "--bird-conf %s: a path that begins with / is needed",
			       s->agent.bird_conf);
	if (!conf_quote(s->agent.bird_conf, a))
		return err_set(err, ERR_USAGE, "--bird-conf has a quote or a line end in it");
	if (s->agent.bird_include && !conf_quote(s->agent.bird_include, a))
		return err_set(err, ERR_USAGE, "--bird-include has a quote or a line end in it");
	return true;
}

static int usage(FILE *to, int code)
{
	fputs("usage: peerd [OPTION...]\n"
	      "The agent of one node: works out its BGP sessions and keeps BIRD at them.\n\n",
	      to);
	for (size_t i = 0; i < lengthof(rows); i++)
		fprintf(to, "  --%s%s%-*s %s\n", rows[i].name, rows[i].value ? " " : "",
			(int)(28 - strlen(rows[i].name) - (rows[i].value ? 1 : 0)),
			rows[i].value ? rows[i].value : "", rows[i].help);
	return code;
}
