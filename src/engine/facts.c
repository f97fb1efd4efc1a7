/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and secrets are watched in the same way: the kernel says that something changed, then
 * all is read anew and compared. So lost, doubled and reordered news cannot matter, and the facts
 * do not depend on how they came about. Where no news can come (a folder that is not there yet, a
 * file that cannot be read, no netlink), a timer looks again.
 */
#include "engine/facts.h"

#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>

#include "base/clock.h"
#include "engine/addresses.h"
#include "local/secret.h"

#define LOOK_AGAIN_MS 5000
/* Not IN_MODIFY: a file that is being written is not read half-way. */
#define WATCHED                                                                                    \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |        \
	 IN_MOVE_SELF | IN_DELETE_SELF)

struct facts_source {
	int netlink, inotify;
	char *folder; /* NULL: no secrets */
	struct arena address_memory, secret_memory, want_memory;
	const struct onlink *onlink;
	size_t n_onlink;
	bool onlink_known;
	bool stale; /* the addresses could not be read, or will not be news */
	struct secret_ref *wanted;
	const struct secret_fact *secrets; /* one for each that is wanted */
	size_t n_wanted;
	bool watched; /* inotify tells of all of them */
	bool changed; /* by facts_want(): the next facts_run() says so */
	bool uneasy;  /* no news can be trusted to come: look again at... */
	int64_t look_at;
};

static bool addresses_update(struct facts_source *s);
static bool secrets_update(struct facts_source *s);
static bool secrets_watch(struct facts_source *s);
static bool secrets_news(int inotify);
static bool facts_settled(const struct facts_source *s);
static bool secret_eq(const struct secret_fact *a, const struct secret_fact *b);
static bool onlink_eq(const struct onlink *a, const struct onlink *b);
static void fd_drop(int *fd);

struct facts_source *facts_open(const char *secrets_dir)
{
	struct facts_source *s = mem_alloc(sizeof *s);

	s->netlink = s->inotify = -1;
	s->folder = secrets_dir ? mem_str(secrets_dir) : NULL;
	s->secret_memory.secret = true;
	s->look_at = clock_ms();
	s->uneasy = s->stale = true;
	facts_run(s);
	return s;
}

void facts_close(struct facts_source *s)
{
	if (!s)
		return;
	fd_drop(&s->netlink);
	fd_drop(&s->inotify);
	arena_free(&s->address_memory);
	arena_free(&s->secret_memory);
	arena_free(&s->want_memory);
	free(s->folder);
	free(s);
}

bool facts_run(struct facts_source *s)
{
	bool again = s->uneasy && clock_ms() >= s->look_at;
	bool changed = s->changed;

	s->changed = false;
	if (addresses_news(s->netlink) || (again && s->stale))
		changed |= addresses_update(s);
	if (secrets_news(s->inotify) || again)
		changed |= secrets_update(s);
	s->uneasy = !facts_settled(s);
	if (again)
		s->look_at = clock_ms() + LOOK_AGAIN_MS;
	return changed;
}

void facts_wait(struct facts_source *s, struct poll *p)
{
	poll_fd(p, s->netlink, POLLIN);
	poll_fd(p, s->inotify, POLLIN);
	if (s->uneasy)
		poll_at(p, s->look_at);
	if (s->changed)
		poll_now(p);
}

void facts_want(struct facts_source *s, const struct secret_ref *refs, size_t n)
{
	bool same = n == s->n_wanted;

	for (size_t i = 0; same && i < n; i++)
		same = str_eq(refs[i].name, s->wanted[i].name) &&
		       str_eq(refs[i].key, s->wanted[i].key);
	if (same)
		return;
	arena_free(&s->want_memory);
	arena_free(&s->secret_memory);
	s->wanted = arena_array(&s->want_memory, struct secret_ref, n);
	s->secrets = NULL;
	s->n_wanted = n;
	for (size_t i = 0; i < n; i++) {
		s->wanted[i] = refs[i];
		s->wanted[i].name = arena_str(&s->want_memory, refs[i].name);
		s->wanted[i].key = arena_str(&s->want_memory, refs[i].key);
	}
	secrets_update(s);
	s->uneasy = !facts_settled(s);
	s->look_at = clock_ms() + LOOK_AGAIN_MS;
	s->changed = s->folder != NULL; /* without one nothing new was learnt */
}

void facts_get(const struct facts_source *s, struct facts *f)
{
	f->onlink = s->onlink;
	f->n_onlink = s->n_onlink;
	f->onlink_known = s->onlink_known;
	f->secrets = s->secrets;
	f->n_secrets = s->secrets ? s->n_wanted : 0;
	f->secrets_known = true;
}

/* Reads the addresses; true when they are not what they were. When they cannot be read, the ones
 * there are stay: directness must not flip because of a failure. */
static bool addresses_update(struct facts_source *s)
{
	struct arena a = { 0 };
	struct onlink *now;
	size_t n;
	bool same;

	if (s->netlink < 0)
		s->netlink = addresses_watch();
	s->stale = true;
	if (!addresses_read(&a, &now, &n)) {
		arena_free(&a);
		return false;
	}
	same = s->onlink_known && n == s->n_onlink;
	for (size_t i = 0; same && i < n; i++)
		same = onlink_eq(&now[i], &s->onlink[i]);
	arena_free(&s->address_memory);
	s->address_memory = a;
	s->onlink = now;
	s->n_onlink = n;
	s->onlink_known = true;
	s->stale = s->netlink < 0;
	return !same;
}

/* Watches first and reads then, so that no change falls between the two. */
static bool secrets_update(struct facts_source *s)
{
	struct arena a = { .secret = true };
	struct secret_fact *now;
	bool same = s->secrets != NULL;

	s->watched = s->folder && secrets_watch(s);
	now = arena_array(&a, struct secret_fact, s->n_wanted);
	for (size_t i = 0; i < s->n_wanted; i++) {
		now[i] = secret_read(s->folder, &s->wanted[i], &a);
		same = same && secret_eq(&now[i], &s->secrets[i]);
	}
	arena_free(&s->secret_memory);
	s->secret_memory = a;
	s->secrets = now;
	return !same;
}

/* Watches the folder and those of the wanted secrets, all anew: links may lead to other folders
 * now, and watches of the former ones would stay for ever. */
static bool secrets_watch(struct facts_source *s)
{
	struct arena a = { 0 };
	bool complete;

	fd_drop(&s->inotify);
	s->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	complete = inotify_add_watch(s->inotify, s->folder, WATCHED) >= 0;
	for (size_t i = 0; i < s->n_wanted; i++) {
		const char *path = arena_printf(&a, "%s/%s", s->folder, s->wanted[i].name);

		if (!name_valid(s->wanted[i].name))
			continue;
		if (inotify_add_watch(s->inotify, path, WATCHED | IN_ONLYDIR) < 0)
			complete = complete && (errno == ENOENT || errno == ENOTDIR);
	}
	arena_free(&a);
	return complete;
}

static bool secrets_news(int inotify)
{
	_Alignas(struct inotify_event) char bytes[4096];
	bool news = false;

	for (;;) {
		ssize_t n = inotify < 0 ? 0 : read(inotify, bytes, sizeof bytes);

		if (n > 0)
			news = true;
		else if (n == 0 || errno != EINTR)
			return news;
	}
}

/* Is all read, and will every change be told? */
static bool facts_settled(const struct facts_source *s)
{
	if (s->stale)
		return false;
	if (!s->folder)
		return true;
	for (size_t i = 0; i < s->n_wanted; i++)
		if (!s->secrets || s->secrets[i].state != SECRET_READABLE)
			return false;
	return s->watched;
}

static bool secret_eq(const struct secret_fact *a, const struct secret_fact *b)
{
	return a->state == b->state && str_eq(a->why, b->why) && a->len == b->len &&
	       (!a->len || memcmp(a->value, b->value, a->len) == 0);
}

static bool onlink_eq(const struct onlink *a, const struct onlink *b)
{
	return str_eq(a->interface, b->interface) && cidr_eq(&a->address, &b->address) &&
	       ip_eq(&a->peer, &b->peer);
}

static void fd_drop(int *fd)
{
	base_close(fd);
	*fd = -1;
}
