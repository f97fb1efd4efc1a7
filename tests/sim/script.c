/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <ctype.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "base/yaml.h"
#include "store/memory.h"
#include "store/store.h"

struct verb {
	const char *word;
	void (*run)(struct world *w, char *args);
};

static void verb_run(struct world *w, const struct verb *verbs, const char *what, char *args);
static void split(struct world *w, char *args, char **ret_first, char **ret_second);
static int64_t duration(struct world *w, const char *text);
static struct fake_session *session(struct world *w, const char *name);
static void put_yaml(struct world *w, const char *kind, const char *name, const char *spec);
static void shell(struct world *w, const char *command);
static void hook_add(struct world *w, char *args, int when);
static void refusal_add(struct world *w, char *args, const char *file, bool late);

void script_play(struct world *w, const char *text)
{
	auto_buf struct buf step = { 0 };
	unsigned line = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		line++;
		if (*text != '\n' && *text != '#') {
			buf_clear(&step);
			buf_add(&step, text, len);
			w->line = line;
			while (text[len] && text[len + 1] == '\t') {
				const char *more = text + len + 2;
				size_t n = strcspn(more, "\n");

				buf_char(&step, '\n');
				buf_add(&step, more, n);
				len += n + 2;
				line++;
			}
			script_step(w, step.at);
			world_time(w, 0);
		}
		text += len;
		text += *text == '\n';
	}
}

char *script_word(char **at)
{
	char *word = *at + strspn(*at, " "), *end = word + strcspn(word, " \n");

	*at = end + (*end != '\0');
	*end = '\0';
	return word;
}

/* ---- the store and the clock ---- */

static void do_node(struct world *w, char *args)
{
	char *name = script_word(&args);

	put_yaml(w, "Node", name,
		 *args ? args : "{bgp: {ipv4Address: 10.0.0.1/24, asNumber: 64512}}");
}

static void do_peer(struct world *w, char *args)
{
	char *name = script_word(&args), *ip = script_word(&args), *as = script_word(&args);
	auto_free char *spec = NULL;

	if (asprintf(&spec, "{peerIP: %s, asNumber: %s%s%s}", ip, as, *args ? ", " : "", args) < 0)
		abort();
	put_yaml(w, "BGPPeer", name, spec);
}

static void do_put(struct world *w, char *args)
{
	char *kind = script_word(&args), *name = script_word(&args);

	put_yaml(w, kind, name, args);
}

static void do_put_raw(struct world *w, char *args)
{
	char *kind = script_word(&args), *name = script_word(&args);

	world_put(w, kind, name, args);
}

static void do_delete(struct world *w, char *args)
{
	char *kind = script_word(&args), *name = script_word(&args);

	world_put(w, kind, name, NULL);
}

static void do_time(struct world *w, char *args)
{
	world_time(w, duration(w, args));
}

static void do_wall(struct world *w, char *args)
{
	int64_t jump = duration(w, args + 1) / 1000;

	w->jump += *args == '-' ? -jump : jump;
	clock_fake(w->ms, clock_wall() + (*args == '-' ? -jump : jump));
}

static void store_away(struct world *w, char *args)
{
	(void)w;
	memory_away(WORLD_STORE, *args ? args : "the store is away");
}

static void store_back(struct world *w, char *args)
{
	(void)w;
	(void)args;
	memory_away(WORLD_STORE, NULL);
}

static void store_hang(struct world *w, char *args)
{
	(void)w;
	memory_hang(WORLD_STORE, strcmp(args, "off") != 0);
}

static void store_refuse(struct world *w, char *args)
{
	static const struct {
		const char *word;
		enum err_kind kind;
	} reasons[] = {
		{"permission", ERR_REFUSED},
		       { "full",	 ERR_AWAY	  },
		     { "off",	      ERR_NONE   }
	};
	const char *word = script_word(&args);

	for (size_t i = 0; i < lengthof(reasons); i++)
		if (strcmp(reasons[i].word, word) == 0) {
			memory_refuse(WORLD_STORE, reasons[i].kind, reasons[i].kind ? word : NULL);
			return;
		}
	world_fail(w, "a store does not refuse \"%s\"", word);
}

static void store_compact(struct world *w, char *args)
{
	(void)w;
	(void)args;
	memory_compact(WORLD_STORE);
}

/* Whoever asks for a list is told to begin again. */
static void store_fail_list(struct world *w, char *args)
{
	(void)w;
	(void)args;
	memory_list_compacted(WORLD_STORE, 1);
}

static void store_remove(struct world *w, char *args)
{
	(void)w;
	(void)args;
	memory_remove(WORLD_STORE);
}

static void store_make(struct world *w, char *args)
{
	struct err err = { 0 };
	struct store *st = store_open(w->options.store, STORE_CREATE, &err);

	(void)args;
	if (!st)
		world_fail(w, "%s", err.words);
	store_close(st);
}

static void do_store(struct world *w, char *args)
{
	static const struct verb verbs[] = {
		{"away",	  store_away     },
		{ "back",	  store_back     },
		{ "hang",	  store_hang     },
		{ "refuse",    store_refuse	 },
		{ "compact",   store_compact  },
		{ "fail-list", store_fail_list},
		{ "remove",    store_remove	 },
		{ "make",	  store_make     },
		{ NULL,	NULL	     },
	};

	verb_run(w, verbs, "store", args);
}

/* ---- the agent ---- */

static void agent_restart(struct world *w, char *args)
{
	(void)args;
	world_agent_stop(w);
	world_agent_start(w);
}

static void agent_start(struct world *w, char *args)
{
	(void)args;
	world_agent_start(w);
}

static void agent_stop(struct world *w, char *args)
{
	(void)args;
	world_agent_stop(w);
}

static void agent_kill(struct world *w, char *args)
{
	(void)args;
	world_agent_kill(w);
}

static void agent_cannot_start(struct world *w, char *args)
{
	struct err err = { 0 };
	struct agent *second = agent_open(&w->options, &err);

	if (second || !strstr(err.words, args))
		world_fail(w, "a second agent: \"%s\"", second ? "started" : err.words);
}

static void do_agent(struct world *w, char *args)
{
	static const struct verb verbs[] = {
		{"start",	   agent_start       },
		{ "stop",	  agent_stop	     },
		{ "kill",	  agent_kill	     },
		{ "restart",	     agent_restart	   },
		{ "cannot-start", agent_cannot_start},
		{ NULL,		NULL		     },
	};

	verb_run(w, verbs, "agent", args);
}

static void do_option(struct world *w, char *args)
{
	char *name = script_word(&args);
	const char *value = arena_str(&w->arena, args);
	bool off = strcmp(args, "off") == 0;

	if (strcmp(name, "adopt") == 0)
		w->options.adopt = !off;
	else if (strcmp(name, "accept-store") == 0)
		w->options.accept_store = !off;
	else if (strcmp(name, "secrets") == 0)
		w->options.secrets_dir = off ? NULL : WORLD_SECRETS;
	else if (strcmp(name, "template") == 0)
		w->options.session_template = off ? NULL : "/tmp/peerage-sim/template";
	else if (strcmp(name, "include") == 0)
		w->options.bird_include = off ? NULL : value;
	else if (strcmp(name, "router-id") == 0)
		w->options.router_id = off ? NULL : value;
	else if (strcmp(name, "node") == 0)
		w->options.node = value;
	else
		world_fail(w, "there is no option %s", name);
}

static void do_signal(struct world *w, char *args)
{
	if (strcmp(args, "accept-store") == 0)
		agent_accept_store(w->agent);
	else if (strcmp(args, "reload") == 0)
		agent_reload(w->agent);
	else
		world_fail(w, "there is no signal %s", args);
}

/* ---- the machine ---- */

static void do_write(struct world *w, char *args)
{
	char *path = script_word(&args);

	world_write(w, path, arena_printf(&w->arena, *args ? "%s\n" : "%s", args));
}

static void do_shell(struct world *w, char *args)
{
	shell(w, args);
}

static void do_cut(struct world *w, char *args)
{
	char *path = script_word(&args);

	if (truncate(path, strtol(args, NULL, 10)) < 0)
		world_fail(w, "%s cannot be cut", path);
}

static void do_disk(struct world *w, char *args)
{
	static const char etc[] = "/tmp/peerage-sim/etc", ballast[] = "/tmp/peerage-sim/ballast";
	bool fine = true;

	if (strcmp(args, "read-only") == 0)
		fine = mount(etc, etc, NULL, MS_BIND, NULL) == 0 &&
		       mount(NULL, etc, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0;
	else if (strcmp(args, "writable") == 0)
		fine = umount2(etc, MNT_DETACH) == 0;
	else if (strcmp(args, "full") == 0)
		(void)!system("cat /dev/zero >/tmp/peerage-sim/ballast 2>/dev/null");
	else if (strcmp(args, "free") == 0)
		fine = unlink(ballast) == 0;
	else
		fine = false;
	if (!fine)
		world_fail(w, "disk %s", args);
}

/* "one": of descriptors just one is left; "free" */
static void do_descriptors(struct world *w, char *args)
{
	int next = dup(STDERR_FILENO);
	struct rlimit limit;

	if (next < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		world_fail(w, "descriptors");
	close(next);
	limit.rlim_cur = strcmp(args, "one") == 0 ? (rlim_t)next + 1 : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		world_fail(w, "descriptors %s", args);
}

static void do_address(struct world *w, char *args)
{
	char *verb = script_word(&args);

	shell(w, arena_printf(&w->arena, "ip address %s %s dev lo", verb, args));
}

static void do_secret(struct world *w, char *args)
{
	char *name = script_word(&args), *key = script_word(&args);
	const char *path = arena_printf(&w->arena, WORLD_SECRETS "/%s/%s", name, key);

	shell(w, arena_printf(&w->arena, "rm -rf %s; mkdir -p " WORLD_SECRETS "/%s", path, name));
	if (strcmp(args, "unreadable") == 0) /* even for root */
		shell(w, arena_printf(&w->arena, "mkdir %s", path));
	else if (strcmp(args, "remove") != 0)
		world_write(w, path, args);
}

/* ---- BIRD ---- */

static void bird_start(struct world *w, char *args)
{
	bool refuses = strcmp(args, "in-vain") == 0;

	if (fake_start(&w->fake) == refuses)
		world_fail(w, refuses ? "BIRD takes its file" : "BIRD does not take its file");
}

static void bird_die(struct world *w, char *args)
{
	(void)args;
	fake_die(&w->fake);
}

static void bird_leave(struct world *w, char *args) /* as by `birdc down` */
{
	(void)args;
	fake_die(&w->fake);
	unlink(WORLD_SOCKET);
}

static void bird_hang(struct world *w, char *args)
{
	w->fake.deaf = strcmp(args, "greeted") == 0;
	w->fake.hangs = !w->fake.deaf && strcmp(args, "off") != 0;
}

static void bird_busy(struct world *w, char *args)
{
	w->fake.busy_until = w->ms + duration(w, args);
}

static void bird_slow(struct world *w, char *args)
{
	w->fake.slow_ms = duration(w, args);
}

static void bird_mute(struct world *w, char *args)
{
	struct fake_session *s = fake_find(&w->fake, args);

	if (w->fake.n_mute == lengthof(w->fake.mute))
		world_fail(w, "too many are mute");
	snprintf(w->fake.mute[w->fake.n_mute++], sizeof w->fake.mute[0], "%s", args);
	if (s)
		s->up_at = 0;
}

static void bird_drop(struct world *w, char *args)
{
	struct fake_session *s = session(w, script_word(&args));

	snprintf(s->last_error, sizeof s->last_error, "%s", args);
	fake_session_moved(&w->fake, s, false);
}

static void bird_up(struct world *w, char *args)
{
	fake_session_moved(&w->fake, session(w, script_word(&args)), true);
}

static void bird_error(struct world *w, char *args)
{
	struct fake_session *s = session(w, script_word(&args));

	snprintf(s->last_error, sizeof s->last_error, "%s", args);
	s->waits = false;
	s->failed = w->ms;
}

static void bird_waits(struct world *w, char *args) /* for an answer of the remote */
{
	session(w, script_word(&args))->waits = true;
}

static void bird_message(struct world *w, char *args)
{
	struct fake_session *s = session(w, script_word(&args));

	snprintf(s->message, sizeof s->message, "%s", args);
}

static void bird_take_down(struct world *w, char *args)
{
	struct fake_session *s = session(w, script_word(&args));

	fake_session_down(s, args);
}

static void bird_enable(struct world *w, char *args)
{
	fake_session_start(&w->fake, session(w, args));
}

static void bird_routes(struct world *w, char *args)
{
	struct fake_session *s = session(w, script_word(&args));

	s->imported = (unsigned)strtoul(args, &args, 10);
	s->unresolved = (unsigned)strtoul(args, NULL, 10);
}

static void bird_echo(struct world *w, char *args)
{
	fake_echo(&w->fake, args);
}

static void bird_configure(struct world *w, char *args)
{
	auto_buf struct buf reply = { 0 };

	fake_configure(&w->fake, args, 0, &reply);
	w->fake.configures--; /* the agent's are counted */
}

static void bird_confirm(struct world *w, char *args) /* by somebody else */
{
	(void)args;
	w->fake.undo_at = 0;
}

static void bird_refuse(struct world *w, char *args)
{
	refusal_add(w, args, NULL, false);
}

static void bird_refuse_late(struct world *w, char *args)
{
	refusal_add(w, args, NULL, true);
}

static void bird_refuse_in(struct world *w, char *args)
{
	char *file = script_word(&args);

	refusal_add(w, args, file, false);
}

static void bird_accept(struct world *w, char *args)
{
	(void)args;
	fake_accept(&w->fake);
}

static void do_bird(struct world *w, char *args)
{
	static const struct verb verbs[] = {
		{"start",	   bird_start      },
		{ "die",	 bird_die	  },
		{ "leave",	   bird_leave      },
		{ "hang",	  bird_hang	    },
		{ "busy",	  bird_busy	    },
		{ "slow",	  bird_slow	    },
		{ "mute",	  bird_mute	    },
		{ "drop",	  bird_drop	    },
		{ "up",		bird_up		},
		{ "error",	   bird_error      },
		{ "waits",	   bird_waits      },
		{ "message",	   bird_message    },
		{ "take-down",   bird_take_down  },
		{ "disable",     bird_take_down  },
		{ "enable",	    bird_enable	},
		{ "routes",	    bird_routes	},
		{ "echo",	  bird_echo	    },
		{ "configure",   bird_configure  },
		{ "refuse",	    bird_refuse	},
		{ "confirm",     bird_confirm	  },
		{ "refuse-late", bird_refuse_late},
		{ "refuse-in",   bird_refuse_in  },
		{ "accept",	    bird_accept	},
		{ NULL,		NULL	     },
	};

	verb_run(w, verbs, "bird", args);
}

static void do_before(struct world *w, char *args)
{
	hook_add(w, args, HOOK_BEFORE);
}

static void do_after(struct world *w, char *args)
{
	hook_add(w, args, HOOK_AFTER);
}

static void do_instead(struct world *w, char *args)
{
	hook_add(w, args, HOOK_INSTEAD);
}

/* "N STEP; STEP...": N times, with the round's number for each %. */
static void do_repeat(struct world *w, char *args)
{
	unsigned n = (unsigned)strtoul(script_word(&args), NULL, 10);

	for (unsigned i = 0; i < n; i++) {
		auto_buf struct buf steps = { 0 };
		char *rest, *step;

		for (const char *at = args; *at; at++)
			if (*at == '%')
				buf_u64(&steps, i);
			else
				buf_char(&steps, *at);
		rest = steps.at;
		while ((step = strsep(&rest, ";"))) {
			script_step(w, step + strspn(step, " "));
			world_time(w, 0);
		}
	}
}

/* `bird -p`: a program of the script's own. */
static void do_program(struct world *w, char *args)
{
	static const char path[] = "/tmp/peerage-sim/bird";

	w->hung = false;
	unlink(path);
	if (!*args)
		return;
	world_write(w, path, arena_printf(&w->arena, "#!/bin/sh\n%s\n", args));
	if (chmod(path, 0755) < 0)
		world_fail(w, "%s cannot be made executable", path);
}

void script_step(void *ctx, const char *step)
{
	static const struct verb verbs[] = {
		{"node",	  do_node	  },
		{ "peer",	  do_peer	  },
		{ "put",	 do_put	},
		{ "put-raw",     do_put_raw	},
		{ "delete",	    do_delete     },
		{ "time",	  do_time	  },
		{ "wall",	  do_wall	  },
		{ "store",	   do_store	    },
		{ "agent",	   do_agent	    },
		{ "option",	    do_option     },
		{ "signal",	    do_signal     },
		{ "write",	   do_write	    },
		{ "shell",	   do_shell	    },
		{ "cut",	 do_cut	},
		{ "disk",	  do_disk	  },
		{ "address",     do_address	},
		{ "secret",	    do_secret     },
		{ "bird",	  do_bird	  },
		{ "before",	    do_before     },
		{ "after",	   do_after	    },
		{ "instead",     do_instead	},
		{ "program",     do_program	},
		{ "repeat",	    do_repeat     },
		{ "descriptors", do_descriptors},
		{ "expect",	    expect_step	},
		{ "mark",	  expect_mark   },
		{ NULL,		NULL	     },
	};
	struct world *w = ctx;
	auto_free char *args = mem_str(step);

	verb_run(w, verbs, "step", args);
}

static void verb_run(struct world *w, const struct verb *verbs, const char *what, char *args)
{
	char *word = script_word(&args);

	for (; verbs->word; verbs++)
		if (strcmp(verbs->word, word) == 0) {
			verbs->run(w, args);
			return;
		}
	world_fail(w, "there is no %s \"%s\"", what, word);
}

/* "FIRST: SECOND" */
static void split(struct world *w, char *args, char **ret_first, char **ret_second)
{
	char *colon = strstr(args, ": ");

	if (!colon)
		world_fail(w, "\"%s\" needs a colon", args);
	*colon = '\0';
	*ret_first = args;
	*ret_second = colon + 2;
}

static int64_t duration(struct world *w, const char *text)
{
	int64_t ns;

	if (!text_duration(text, &ns))
		world_fail(w, "\"%s\" is no duration", text);
	return ns / 1000000;
}

static struct fake_session *session(struct world *w, const char *name)
{
	struct fake_session *s = fake_find(&w->fake, name);

	if (!s)
		world_fail(w, "BIRD has no session %s", name);
	return s;
}

static void put_yaml(struct world *w, const char *kind, const char *name, const char *spec)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf json = { 0 };
	struct diags d = { .arena = &a };
	const char *text = arena_printf(&a,
					"apiVersion: projectcalico.org/v3\nkind: %s\n"
					"metadata: {name: %s}\nspec: %s\n",
					kind, name, spec);
	struct yaml *yaml = yaml_open(text, strlen(text));
	const struct value *doc = yaml_next(yaml, &a, &d);

	if (!doc)
		world_fail(w, "%s", d.n ? d.items[0].text : "no YAML");
	json_print(doc, 0, &json);
	yaml_close(yaml);
	world_put(w, kind, name, json.at);
}

static void shell(struct world *w, const char *command)
{
	if (system(command) != 0)
		world_fail(w, "`%s` failed", command);
}

static void hook_add(struct world *w, char *args, int when)
{
	struct fake_hook **at = &w->fake.hooks, *h = mem_alloc(sizeof *h);
	char *command, *step;

	split(w, args, &command, &step);
	*h = (struct fake_hook){ .command = mem_str(command), .step = mem_str(step) };
	h->when = when;
	while (*at)
		at = &(*at)->next;
	*at = h;
	w->fake.step = script_step;
	w->fake.ctx = w;
}

static void refusal_add(struct world *w, char *args, const char *file, bool late)
{
	struct fake_refusal *r = mem_alloc(sizeof *r);
	char *pattern, *words;

	split(w, args, &pattern, &words);
	*r = (struct fake_refusal){ .next = w->fake.refusals,
				    .pattern = mem_str(pattern),
				    .words = mem_str(words),
				    .file = file ? mem_str(file) : NULL,
				    .late = late };
	w->fake.refusals = r;
}
