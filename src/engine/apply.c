/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps in order; each asks BIRD one question, and its answer decides the next. A lost connection
 * or a deadline at any step ends in `fail`, which puts the file back when it was replaced. BIRD needs
 * no telling then: its own timer undoes what was not confirmed.
 */
#include "engine/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "bird/session.h"

#define CHECK_MS     30000 /* parsing may take long: 5,000 sessions with own filters took 4 s */
#define CONFIGURE_MS 30000
#define IDLE_MS	     40000 /* a peer with a full window holds a reconfiguration up to 10 s */
#define QUESTION_MS  10000
#define SAID_MAX     65536 /* of what `bird -p` says */
#define FILE_MODE    0640
#define FOREIGN_MAX  (1u << 20) /* of a file of the operator, to quote a line of it */
#define QUOTED_MAX   80	    /* bytes of that line */

extern char **environ;

enum step {
	STEP_NONE,
	STEP_CHECK,	/* configure check */
	STEP_IDLE,	/* configure status, until no other one is under way */
	STEP_HANDS,	/* show protocols: what did hands do since the text was made? */
	STEP_CONFIGURE, /* configure "PATH" timeout 60 */
	STEP_POLL,	/* configure status, until 0003 */
	STEP_ID,	/* eval conf_id */
	STEP_NAMES,	/* show protocols */
	STEP_CONFIRM,	/* configure confirm */
	STEP_UNDO,	/* configure undo, after a read-back that was not what we wrote */
	STEP_LATE,	/* configure confirm for an earlier life of this program */
	STEP_OFFLINE,	/* bird -p */
};

struct apply {
	struct bird *bird;
	char *path, *candidate, *last, *program;
	gid_t gid;
	enum step step;
	const struct conf *conf;
	const struct conf *runs; /* what BIRD runs; NULL: not known */
	enum apply_outcome outcome;
	bool only_check;
	bool replaced; /* the file has the new text, BIRD has not confirmed */
	bool had_last;
	int64_t ask_at; /* when to ask again, 0: not waiting */
	int64_t pause;	/* of the poll, ms */
	int64_t give_up;
	struct reply_place place;
	struct arena arena; /* of place */
	char words[400];
	int child, child_out; /* bird -p: pidfd and its stderr */
	pid_t pid;
	struct buf said;
};

static void begin(struct apply *ap, const struct conf *conf);
static void begin_offline(struct apply *ap, const struct conf *conf);
static void ask(struct apply *ap, enum step step);
static void answer(struct apply *ap, const struct reply *r);
static void again(struct apply *ap);
static void refuse(struct apply *ap, const char *text);
static void pass(struct apply *ap);
static void fail(struct apply *ap, const char *format, ...) printf_like(2, 3);
static void finish(struct apply *ap, enum apply_outcome outcome);
static bool install(struct apply *ap);
static bool keep_last(struct apply *ap);
static void put_back(struct apply *ap);
static bool names_as_expected(const struct apply *ap, const struct reply *r);
static bool overtaken(const struct apply *ap, const struct reply *r);
static void offline_run(struct apply *ap);
static void offline_listen(struct apply *ap);
static bool busy(const struct reply *r);

struct apply *apply_open(const char *path, const char *bird_program, struct bird *control)
{
	struct apply *ap = mem_alloc(sizeof *ap);

	ap->bird = control;
	ap->path = mem_str(path);
	ap->program = mem_str(bird_program);
	if (asprintf(&ap->candidate, "%s.candidate", path) < 0 ||
	    asprintf(&ap->last, "%s.last", path) < 0)
		abort();
	ap->gid = file_group("bird");
	ap->child = ap->child_out = -1;
	return ap;
}

void apply_close(struct apply *ap)
{
	if (!ap)
		return;
	if (ap->child >= 0) {
		kill(ap->pid, SIGKILL);
		waitpid(ap->pid, NULL, 0);
		close(ap->child);
	}
	base_close(&ap->child_out);
	if (ap->step != STEP_NONE) {
		put_back(ap);
		unlink(ap->candidate); /* it may hold passwords */
	}
	arena_free(&ap->arena);
	buf_free(&ap->said);
	free(ap->path);
	free(ap->candidate);
	free(ap->last);
	free(ap->program);
	free(ap);
}

bool apply_idle(const struct apply *ap)
{
	return ap->step == STEP_NONE && ap->outcome == APPLY_NONE;
}

void apply_start(struct apply *ap, const struct conf *conf, const struct conf *runs)
{
	ap->only_check = false;
	ap->runs = runs;
	begin(ap, conf);
}

void apply_start_offline(struct apply *ap, const struct conf *conf)
{
	ap->only_check = false;
	begin_offline(ap, conf);
}

void apply_check(struct apply *ap, const struct conf *conf, bool offline)
{
	ap->only_check = true;
	if (offline)
		begin_offline(ap, conf);
	else
		begin(ap, conf);
}

static void begin(struct apply *ap, const struct conf *conf)
{
	struct err err = { 0 };

	ap->conf = conf;
	ap->outcome = APPLY_NONE;
	if (!file_write(ap->candidate, conf->text.at, conf->text.len, FILE_MODE, ap->gid, &err)) {
		fail(ap, "%s", err.words);
		return;
	}
	ask(ap, STEP_CHECK);
}

static void begin_offline(struct apply *ap, const struct conf *conf)
{
	char *const argv[] = { ap->program, (char[]){ "-p" }, (char[]){ "-c" }, ap->candidate,
			       NULL };
	posix_spawn_file_actions_t actions;
	struct err err = { 0 };
	int out[2], status;

	ap->conf = conf;
	if (!file_write(ap->candidate, conf->text.at, conf->text.len, FILE_MODE, ap->gid, &err)) {
		fail(ap, "%s", err.words);
		return;
	}
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0) {
		fail(ap, "pipe: %s", strerror(errno));
		return;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
	status = posix_spawnp(&ap->pid, ap->program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	if (status) {
		close(out[0]);
		fail(ap, "cannot check the configuration: %s: %s", ap->program, strerror(status));
		return;
	}
	ap->child_out = out[0];
	ap->child = (int)syscall(SYS_pidfd_open, ap->pid, 0);
	ap->give_up = clock_ms() + CHECK_MS;
	buf_clear(&ap->said);
	ap->step = STEP_OFFLINE;
}

void apply_confirm(struct apply *ap)
{
	ask(ap, STEP_LATE);
}

void apply_run(struct apply *ap)
{
	const struct reply *r;

	if (ap->step == STEP_NONE)
		return;
	if (ap->step == STEP_OFFLINE) {
		offline_run(ap);
		return;
	}
	if (bird_lost(ap->bird)) {
		fail(ap, "BIRD did not answer: %s",
		     bird_trouble(ap->bird) ? bird_trouble(ap->bird) : "the connection was lost");
		return;
	}
	if (ap->ask_at) {
		if (clock_ms() >= ap->ask_at && bird_idle(ap->bird)) {
			ap->ask_at = 0;
			bird_ask(ap->bird, "configure status", QUESTION_MS);
		} else if (!bird_connected(ap->bird)) {
			fail(ap, "the connection to BIRD was lost");
		}
		return;
	}
	r = bird_answer(ap->bird);
	if (r)
		answer(ap, r);
}

void apply_wait(struct apply *ap, struct poll *p)
{
	if (ap->ask_at)
		poll_at(p, ap->ask_at);
	if (ap->outcome != APPLY_NONE)
		poll_now(p);
	if (ap->step == STEP_OFFLINE) {
		poll_fd(p, ap->child_out, POLLIN);
		poll_fd(p, ap->child, POLLIN);
		poll_at(p, ap->give_up);
	}
}

enum apply_outcome apply_outcome(struct apply *ap)
{
	enum apply_outcome outcome = ap->outcome;

	ap->outcome = APPLY_NONE;
	return outcome;
}

const struct reply_place *apply_place(const struct apply *ap)
{
	return &ap->place;
}

bool apply_place_is_ours(const struct apply *ap)
{
	return str_eq(ap->place.file, ap->candidate) || str_eq(ap->place.file, ap->path);
}

/* BIRD often notices a mistake at what comes behind it, so the line before is looked at, too. */
const char *apply_quoted(const struct apply *ap, struct arena *a)
{
	const struct reply_place *place = &ap->place;
	static const char mark[] = CONF_TEMPLATE_MARK;
	const char *line = NULL, *text;
	struct err unused = { 0 };
	size_t len = 0;

	if (apply_place_is_ours(ap)) {
		for (unsigned back = 0; back < 2 && back < place->line && !line; back++) {
			text = conf_line_at(ap->conf, place->line - back, &len);
			if (text && len >= strlen(mark) &&
			    memcmp(text + len - strlen(mark), mark, strlen(mark)) == 0)
				line = arena_strn(a, text, len - strlen(mark));
		}
	} else if (*place->file == '/') {
		text = file_read(place->file, FOREIGN_MAX, a, &len, &unused);
		line = text ? text_line(text, place->line, a) : NULL;
	}
	if (line) {
		line += strspn(line, " \t");
		line = strstr(line, "password") ?
			       "(a line with a password)" :
			       arena_printf(a, "\"%s\"",
					    text_clean(a, line, strlen(line), QUOTED_MAX));
	}
	if (apply_place_is_ours(ap))
		return line ? arena_printf(a, "in the session template's line %s: %s", line,
					   place->words) :
			      place->words;
	if (!line)
		return ap->words;
	return arena_printf(a, "%s:%u: %s: %s", place->file, place->line, line, place->words);
}

bool apply_was_check(const struct apply *ap)
{
	return ap->only_check;
}

const char *apply_words(const struct apply *ap)
{
	return ap->words;
}

static void ask(struct apply *ap, enum step step)
{
	static const char *const plain[] = {
		[STEP_IDLE] = "configure status",
		[STEP_POLL] = "configure status",
		[STEP_ID] = "eval conf_id",
		[STEP_NAMES] = "show protocols \"" CONF_PEERING "*\"",
		[STEP_HANDS] = "show protocols \"" CONF_PEERING "*\"",
		[STEP_CONFIRM] = "configure confirm",
		[STEP_UNDO] = "configure undo",
		[STEP_LATE] = "configure confirm",
	};
	auto_buf struct buf command = { 0 };

	if (step == STEP_CHECK)
		buf_printf(&command, "configure check \"%s\"", ap->candidate);
	else if (step == STEP_CONFIGURE)
		buf_printf(&command, "configure \"%s\" timeout 60", ap->path);
	else
		buf_str(&command, plain[step]);
	if (step != ap->step) {
		ap->give_up = clock_ms() + IDLE_MS;
		ap->pause = 1;
	}
	ap->step = step;
	if (!bird_idle(ap->bird)) { /* never: apply has this connection for itself */
		fail(ap, "the connection to BIRD is not free");
		return;
	}
	bird_ask(ap->bird, command.at,
		 step == STEP_CHECK	? CHECK_MS :
		 step == STEP_CONFIGURE ? CONFIGURE_MS :
					  QUESTION_MS);
}

static void answer(struct apply *ap, const struct reply *r)
{
	const char *said = r->n ? r->lines[r->n - 1].text : "";

	switch (ap->step) {
	case STEP_CHECK:
		if (reply_find(r, 20) && ap->only_check)
			pass(ap);
		else if (reply_find(r, 20))
			ask(ap, STEP_IDLE);
		else if (reply_find(r, 8002))
			refuse(ap, reply_find(r, 8002));
		else
			fail(ap, "`configure check` was answered with %d %s", r->code, said);
		break;
	case STEP_IDLE:
		if (busy(r))
			again(ap);
		else
			ask(ap, STEP_HANDS);
		break;
	case STEP_HANDS:
		if (overtaken(ap, r)) {
			snprintf(ap->words, sizeof ap->words,
				 "a session was stopped or enabled by hand meanwhile");
			unlink(ap->candidate);
			finish(ap, APPLY_OVERTAKEN);
		} else if (install(ap)) {
			ask(ap, STEP_CONFIGURE);
		}
		break;
	case STEP_CONFIGURE:
		if (reply_find(r, 8002)) {
			put_back(ap);
			refuse(ap, reply_find(r, 8002));
		} else if (reply_find(r, 3)) {
			ask(ap, STEP_ID);
		} else if (reply_find(r, 4) || reply_find(r, 5)) {
			ask(ap, STEP_POLL);
		} else {
			fail(ap, "`configure` was answered with %d %s", r->code, said);
		}
		break;
	case STEP_POLL:
		if (busy(r))
			again(ap);
		else
			ask(ap, STEP_ID);
		break;
	case STEP_ID:
		if (str_eq(reply_find(r, 23), ap->conf->id)) {
			ask(ap, STEP_NAMES);
		} else {
			snprintf(ap->words, sizeof ap->words,
				 "after `configure` BIRD runs %.40s, not %s",
				 reply_find(r, 23) ? reply_find(r, 23) : said, ap->conf->id);
			ask(ap, STEP_UNDO);
		}
		break;
	case STEP_NAMES:
		if (names_as_expected(ap, r)) {
			ask(ap, STEP_CONFIRM);
		} else {
			snprintf(
				ap->words, sizeof ap->words,
				"after `configure` BIRD has other sessions than the configuration");
			ask(ap, STEP_UNDO);
		}
		break;
	case STEP_CONFIRM:
		if (reply_find(r, 18) || reply_find(r, 19)) {
			ap->replaced = false;
			finish(ap, APPLY_DONE);
		} else {
			fail(ap, "`configure confirm` was answered with %d %s", r->code, said);
		}
		break;
	case STEP_UNDO:
		put_back(ap);
		finish(ap, APPLY_FAILED);
		break;
	case STEP_LATE:
		ap->step = STEP_NONE; /* whatever it said: the next look decides */
		break;
	case STEP_NONE:
	case STEP_OFFLINE:
		break;
	}
}

static void again(struct apply *ap)
{
	if (clock_ms() >= ap->give_up) {
		fail(ap, "BIRD is still at another reconfiguration after %d s", IDLE_MS / 1000);
		return;
	}
	ap->ask_at = clock_ms() + ap->pause;
	ap->pause = MIN(2 * ap->pause, 100);
}

static void refuse(struct apply *ap, const char *text)
{
	arena_free(&ap->arena);
	if (!reply_place(text, &ap->arena, &ap->place))
		ap->place =
			(struct reply_place){ .file = "", .words = arena_str(&ap->arena, text) };
	snprintf(ap->words, sizeof ap->words, "%.390s", text);
	unlink(ap->candidate);
	finish(ap, APPLY_REFUSED);
}

static void pass(struct apply *ap)
{
	unlink(ap->candidate); /* it may hold passwords */
	finish(ap, APPLY_PASSED);
}

static void fail(struct apply *ap, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ap->words, sizeof ap->words, format, args);
	va_end(args);
	put_back(ap);
	unlink(ap->candidate);
	finish(ap, ap->step == STEP_LATE ? APPLY_NONE : APPLY_FAILED);
}

static void finish(struct apply *ap, enum apply_outcome outcome)
{
	ap->step = STEP_NONE;
	ap->ask_at = 0;
	ap->outcome = outcome;
}

/* The candidate becomes the file; what was there stays beside it as PATH.last. */
static bool install(struct apply *ap)
{
	struct err err = { 0 };
	auto_close int fd = open(ap->candidate, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0) {
		fail(ap, "%s: %s", ap->candidate, strerror(errno));
		return false;
	}
	if (!keep_last(ap)) { /* never without a way back */
		fail(ap, "%s: %s", ap->last, strerror(errno));
		return false;
	}
	if (rename(ap->candidate, ap->path) < 0) {
		err_os(&err, "%s", ap->path);
		fail(ap, "%s", err.words);
		return false;
	}
	ap->replaced = true;
	return true;
}

/* What is there now goes beside; there may be nothing yet. */
static bool keep_last(struct apply *ap)
{
	ap->had_last = false;
	if (unlink(ap->last) < 0 && errno != ENOENT)
		return false;
	ap->had_last = link(ap->path, ap->last) == 0;
	return ap->had_last || errno == ENOENT;
}

static void put_back(struct apply *ap)
{
	if (ap->replaced && ap->had_last && rename(ap->last, ap->path) < 0)
		return; /* the next comparison of file and text finds it */
	ap->replaced = false;
}

static bool names_as_expected(const struct apply *ap, const struct reply *r)
{
	size_t at = 0;

	for (size_t i = 0; i < ap->conf->n_blocks; i++) {
		const char *name = ap->conf->blocks[i].name;
		size_t looked = 0, len = strlen(name);

		if (!conf_is_session(&ap->conf->blocks[i]))
			continue;
		/* BIRD 2 lists them in the order of the text. */
		while (looked < r->n && !(r->lines[at % r->n].code == 1002 &&
					  strncmp(r->lines[at % r->n].text, name, len) == 0 &&
					  r->lines[at % r->n].text[len] == ' ')) {
			looked++;
			at++;
		}
		if (looked == r->n)
			return false;
	}
	return true;
}

/* BIRD starts a session that a hand stopped unless its text is stopped, too, and stops one that a hand
 * enabled if its text is: so the text must know of both. */
static bool overtaken(const struct apply *ap, const struct reply *r)
{
	auto_arena struct arena a = { 0 };
	size_t n = 0;
	const struct session *sessions = ap->runs ? session_parse(r, &a, &n) : NULL;
	bool overtaken = false;

	for (size_t i = 0; i < n && !overtaken; i++) {
		const struct session *s = &sessions[i];
		const struct conf_block *now = conf_session(ap->runs, s->name);
		const struct conf_block *next = conf_session(ap->conf, s->name);

		if (now && next && now->stop == next->stop)
			overtaken = now->stop == CONF_NOT_STOPPED ?
					    s->up == PROTO_DOWN && str_empty(s->info) :
					    now->stop == CONF_BY_HAND && s->up != PROTO_DOWN;
	}
	return overtaken;
}

static void offline_run(struct apply *ap)
{
	auto_arena struct arena scratch = { 0 };
	struct reply_place parts;
	siginfo_t info = { 0 };
	const char *said, *place;

	if (clock_ms() >= ap->give_up) {
		kill(ap->pid, SIGKILL);
		ap->give_up = clock_ms() + CHECK_MS; /* its end takes a moment */
	}
	if (waitid(P_PID, (id_t)ap->pid, &info, WEXITED | WNOHANG) < 0)
		return;
	offline_listen(ap);
	if (!info.si_pid)
		return;
	close(ap->child);
	base_close(&ap->child_out);
	ap->child = ap->child_out = -1;
	if (info.si_code == CLD_EXITED && info.si_status == 0) {
		if (ap->only_check) {
			pass(ap);
		} else if (install(ap)) {
			ap->replaced = false;
			finish(ap, APPLY_CHECKED);
		}
		return;
	}
	/* "bird: FILE:LINE:COLUMN words"; BIRD 3 puts a date and "<FATAL> " in between. */
	said = text_clean(&scratch, buf_text(&ap->said), strcspn(buf_text(&ap->said), "\n"),
			  REPLY_LINE_MAX);
	place = strchr(said, '/');
	if (info.si_code == CLD_EXITED && place && reply_place(place, &scratch, &parts))
		refuse(ap, place);
	else
		fail(ap, "`%s -p` %s: %.200s", ap->program,
		     info.si_code == CLD_EXITED ? "failed" : "was killed", said);
}

/* Takes what it says. At the end of that the pipe is closed, for it would wake us without end. */
static void offline_listen(struct apply *ap)
{
	char text[1024];
	ssize_t got;

	while (ap->child_out >= 0 && (got = read(ap->child_out, text, sizeof text)) >= 0) {
		if (ap->said.len < SAID_MAX)
			buf_add(&ap->said, text, (size_t)got);
		if (got)
			continue;
		close(ap->child_out);
		ap->child_out = -1;
	}
}

/* Is a reconfiguration still going on? */
static bool busy(const struct reply *r)
{
	return reply_find(r, 4) || reply_find(r, 5);
}
