/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/links.h"

#include "base/clock.h"

struct link {
	char interface[17];
	struct cidr address;
	struct ip peer;
	bool here, counts;
	int64_t changed; /* when it came or went, clock_ms() */
};

struct links {
	struct link *items; /* sorted */
	size_t n;
	bool seen;
	unsigned revision; /* of what was seen */
	bool timed;	   /* something comes to count, or ceases to, at... */
	int64_t due;
	size_t compared;
	struct arena arena;
	struct onlink *given;
	size_t n_given;
};

static bool prefix(const struct onlink *o);
static struct link link_of(const struct onlink *o);
static int link_cmp(struct links *l, const struct link *x, const struct link *y);
static void merge(struct links *l, const struct onlink *now, size_t n);
static bool settle(struct links *l);

struct links *links_open(void)
{
	return mem_alloc(sizeof(struct links));
}

void links_close(struct links *l)
{
	if (!l)
		return;
	free(l->items);
	arena_free(&l->arena);
	free(l);
}

void links_remember(struct links *l, const struct onlink *o)
{
	struct link want = link_of(o);
	size_t at = l->n;

	while (at > 0 && link_cmp(l, &l->items[at - 1], &want) >= 0) /* they mostly come sorted */
		at--;
	if (!prefix(o) || (at < l->n && link_cmp(l, &l->items[at], &want) == 0))
		return;
	l->items = mem_resize(l->items, (l->n + 1) * sizeof *l->items);
	memmove(&l->items[at + 1], &l->items[at], (l->n - at) * sizeof *l->items);
	l->n++;
	want.counts = true;
	want.changed = clock_ms();
	l->items[at] = want;
	l->timed = true; /* links_get() is to be made anew */
	l->due = clock_ms();
}

bool links_see(struct links *l, unsigned revision, const struct onlink *now, size_t n)
{
	bool news = !l->seen || revision != l->revision;

	if (!news && !(l->timed && clock_ms() >= l->due))
		return false;
	if (news)
		merge(l, now, n);
	l->seen = true;
	l->revision = revision;
	return settle(l);
}

size_t links_compared(const struct links *l)
{
	return l->compared;
}

void links_wait(const struct links *l, struct poll *p)
{
	if (l->timed)
		poll_at(p, l->due);
}

const struct onlink *links_get(const struct links *l, size_t *ret_n)
{
	*ret_n = l->n_given;
	return l->given;
}

/* A status of an earlier release names host addresses, too. */
static bool prefix(const struct onlink *o)
{
	return o->address.len < ip_bits(&o->address.ip) || ip_is_set(&o->peer);
}

static struct link link_of(const struct onlink *o)
{
	struct link at = { .address = o->address, .peer = o->peer };
	size_t len = strlen(o->interface);

	memcpy(at.interface, o->interface, MIN(len, sizeof at.interface - 1));
	return at;
}

static int link_cmp(struct links *l, const struct link *x, const struct link *y)
{
	int order = strcmp(x->interface, y->interface);

	l->compared++;
	if (!order)
		order = memcmp(&x->address, &y->address, sizeof x->address);
	return order ? order : memcmp(&x->peer, &y->peer, sizeof x->peer);
}

/* Both are sorted: one walk over them. */
static void merge(struct links *l, const struct onlink *now, size_t n)
{
	struct link *merged = mem_alloc((l->n + n + 1) * sizeof *merged);
	int64_t ms = clock_ms();
	size_t i = 0, j = 0, count = 0;

	while (i < l->n || j < n) {
		struct link came = j < n ? link_of(&now[j]) : (struct link){ 0 };
		int order = i == l->n ? 1 : j == n ? -1 : link_cmp(l, &l->items[i], &came);
		struct link *at = &merged[count++];
		bool here = order >= 0;

		*at = order <= 0 ? l->items[i] : came;
		if (at->here != here)
			at->changed = ms;
		at->here = here;
		if (!l->seen && here)
			at->counts = true;
		i += order <= 0;
		j += order >= 0;
	}
	free(l->items);
	l->items = merged;
	l->n = count;
}

/* Applies what is due, forgets what is gone, and makes the answer anew. */
static bool settle(struct links *l)
{
	int64_t ms = clock_ms();
	size_t kept = 0, n = 0;
	bool differs;

	l->timed = false;
	for (size_t i = 0; i < l->n; i++) {
		struct link *at = &l->items[i];
		int64_t due = at->changed + (at->here ? LINKS_SETTLE_MS : LINKS_KEEP_MS);

		if (at->here != at->counts && ms >= due)
			at->counts = at->here;
		if (at->here != at->counts) {
			l->due = l->timed ? MIN(l->due, due) : due;
			l->timed = true;
		}
		if (at->here || at->counts)
			l->items[kept++] = *at;
	}
	l->n = kept;
	for (size_t i = 0; i < l->n; i++)
		n += l->items[i].counts;
	differs = n != l->n_given;
	for (size_t i = 0, j = 0; !differs && i < l->n; i++) {
		struct link was;

		if (!l->items[i].counts)
			continue;
		was = link_of(&l->given[j++]);
		differs = link_cmp(l, &was, &l->items[i]) != 0;
	}
	if (!differs)
		return false;
	arena_free(&l->arena);
	l->given = NULL;
	l->n_given = 0;
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].counts)
			*arena_push(&l->arena, l->given, l->n_given) =
				(struct onlink){ arena_str(&l->arena, l->items[i].interface),
						 l->items[i].address, l->items[i].peer };
	return true;
}
