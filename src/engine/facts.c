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
#include "engine/netlink.h"
#include "engine/routes.h"
#include "local/secret.h"

#define LOOK_AGAIN_MS 5000
/* A reading of so many addresses takes less than a twentieth of a core, however often they change. */
#define PER_MS	  20
#define ROUTES_MS 1000 /* between two readings of routes, besides */
/* Not IN_MODIFY: a file that is being written is not read half-way. */
#define WATCHED                                                                                    \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |        \
	 IN_MOVE_SELF | IN_DELETE_SELF)

struct facts_source {
	int netlink, route_news, inotify; /* netlink: tells of addresses */
	char *folder;			  /* NULL: no secrets */
	struct arena address_memory, route_memory, secret_memory, want_memory;
	struct addresses addresses;
	bool addresses_known;
	bool stale;	    /* the addresses could not be read, or will not be news */
	int64_t read_after; /* not before, so that many that change cost little */
	unsigned reads, revision;
	struct routes routes;
	bool routes_due;   /* to be read as soon as they may be */
	bool routes_stale; /* as STALE */
	int64_t routes_after;
	struct secret_ref *wanted;
	const struct secret_fact *secrets; /* one for each that is wanted */
	size_t n_wanted;
	bool watched; /* inotify tells of all of them */
	bool changed; /* by facts_want(): the next facts_run() says so */
	bool uneasy;  /* no news can be trusted to come: look again at... */
	int64_t look_at;
};

static bool addresses_update(struct facts_source *s);
static bool routes_update(struct facts_source *s);
static bool secrets_update(struct facts_source *s);
static bool secrets_watch(struct facts_source *s);
static bool secrets_news(int inotify);
static bool facts_settled(const struct facts_source *s);
static bool secret_eq(const struct secret_fact *a, const struct secret_fact *b);
static void fd_drop(int *fd);

struct facts_source *facts_open(const char *secrets_dir)
{
	struct facts_source *s = mem_alloc(sizeof *s);

	s->netlink = s->route_news = s->inotify = -1;
	s->folder = secrets_dir ? mem_str(secrets_dir) : NULL;
	s->secret_memory.secret = true;
	s->look_at = clock_ms();
	s->uneasy = s->stale = s->routes_due = true;
	facts_run(s);
	return s;
}

void facts_close(struct facts_source *s)
{
	if (!s)
		return;
	fd_drop(&s->netlink);
	fd_drop(&s->route_news);
	fd_drop(&s->inotify);
	arena_free(&s->address_memory);
	arena_free(&s->route_memory);
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
	if (clock_ms() >= s->read_after && (netlink_news(s->netlink) || (again && s->stale))) {
		changed |= addresses_update(s);
		s->routes_due = true; /* a link that goes takes routes along without a word */
	}
	if (clock_ms() >= s->routes_after &&
	    (netlink_news(s->route_news) || s->routes_due || (again && s->routes_stale)))
		changed |= routes_update(s);
	if (secrets_news(s->inotify) || again)
		changed |= secrets_update(s);
	s->uneasy = !facts_settled(s);
	if (again)
		s->look_at = clock_ms() + LOOK_AGAIN_MS;
	return changed;
}

void facts_wait(struct facts_source *s, struct poll *p)
{
	if (clock_ms() < s->read_after) /* news wait in the socket */
		poll_at(p, s->read_after);
	else
		poll_fd(p, s->netlink, POLLIN);
	if (clock_ms() < s->routes_after)
		poll_at(p, s->routes_after);
	else
		poll_fd(p, s->route_news, POLLIN);
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
	f->onlink = s->addresses.onlink;
	f->n_onlink = s->addresses.n_onlink;
	f->onlink_known = s->addresses_known;
	f->local = s->addresses.local;
	f->n_local = s->addresses.n_local;
	f->routes = s->routes.items;
	f->n_routes = s->routes.n;
	f->n_routes_left = s->routes.n_left;
	f->secrets = s->secrets;
	f->n_secrets = s->secrets ? s->n_wanted : 0;
	f->secrets_known = true;
}

unsigned facts_revision(const struct facts_source *s)
{
	return s->revision;
}

unsigned facts_reads(const struct facts_source *s)
{
	return s->reads;
}

/* Reads the addresses; true when they are not what they were. When they cannot be read, the ones
 * there are stay: directness must not flip because of a failure. */
static bool addresses_update(struct facts_source *s)
{
	const struct addresses *was = &s->addresses;
	struct addresses now;
	struct arena a = { 0 };
	bool same;

	if (s->netlink < 0)
		s->netlink = addresses_listen();
	s->stale = true;
	s->reads++;
	if (!addresses_read(&a, &now)) {
		arena_free(&a);
		return false;
	}
	s->read_after = clock_ms() + (int64_t)(now.told / PER_MS);
	same = s->addresses_known && now.n_onlink == was->n_onlink && now.n_local == was->n_local;
	for (size_t i = 0; same && i < now.n_onlink; i++)
		same = onlink_cmp(&now.onlink[i], &was->onlink[i]) == 0;
	if (same && now.n_local)
		same = memcmp(now.local, was->local, now.n_local * sizeof *now.local) == 0;
	arena_free(&s->address_memory);
	s->address_memory = a;
	s->addresses = now;
	s->addresses_known = true;
	s->stale = s->netlink < 0;
	s->revision += !same;
	return !same;
}

/* Reads the routes; true when they are not what they were. */
static bool routes_update(struct facts_source *s)
{
	const struct routes *was = &s->routes;
	struct arena a = { 0 };
	struct routes now;
	bool same;

	if (s->route_news < 0)
		s->route_news = routes_listen();
	s->routes_stale = true;
	s->routes_due = false;
	s->routes_after = clock_ms() + ROUTES_MS;
	s->reads++;
	if (!routes_read(&a, &s->addresses, &now)) {
		arena_free(&a);
		return false;
	}
	s->routes_after += (int64_t)(now.told / PER_MS);
	same = now.n == was->n && now.n_left == was->n_left;
	for (size_t i = 0; same && i < now.n; i++)
		same = cidr_eq(&now.items[i].prefix, &was->items[i].prefix) &&
		       ip_eq(&now.items[i].gateway, &was->items[i].gateway) &&
		       strcmp(now.items[i].interface, was->items[i].interface) == 0;
	arena_free(&s->route_memory);
	s->route_memory = a;
	s->routes = now;
	s->routes_stale = s->route_news < 0;
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
	if (s->stale || s->routes_stale)
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

static void fd_drop(int *fd)
{
	base_close(fd);
	*fd = -1;
}
