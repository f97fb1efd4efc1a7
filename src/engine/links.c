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
	size_t n, cap;
	bool seen;
	struct arena arena;
	struct onlink *given;
	size_t n_given;
};

static struct link link_of(const struct onlink *o);
static int link_cmp(const void *a, const void *b);
static struct link *link_get(struct links *l, const struct link *want);
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
	struct link *at = link_get(l, &want);

	at->counts = true;
	at->changed = clock_ms();
}

bool links_see(struct links *l, const struct onlink *now, size_t n)
{
	int64_t ms = clock_ms();
	bool *here = mem_alloc((l->n + n + 1) * sizeof *here);

	for (size_t i = 0; i < n; i++) {
		struct link want = link_of(&now[i]);

		(void)link_get(l, &want);
	}
	for (size_t i = 0; i < n; i++) {
		struct link want = link_of(&now[i]);

		here[link_get(l, &want) - l->items] = true;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct link *at = &l->items[i];

		if (at->here != here[i])
			at->changed = ms;
		at->here = here[i];
		if (!l->seen && at->here)
			at->counts = true;
	}
	l->seen = true;
	free(here);
	return settle(l);
}

void links_wait(const struct links *l, struct poll *p)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].here != l->items[i].counts)
			poll_at(p, l->items[i].changed +
					   (l->items[i].here ? LINKS_SETTLE_MS : LINKS_KEEP_MS));
}

const struct onlink *links_get(const struct links *l, size_t *ret_n)
{
	*ret_n = l->n_given;
	return l->given;
}

static struct link link_of(const struct onlink *o)
{
	struct link at = { .address = o->address, .peer = o->peer };
	size_t len = strlen(o->interface);

	memcpy(at.interface, o->interface, MIN(len, sizeof at.interface - 1));
	return at;
}

static int link_cmp(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	int order = strcmp(x->interface, y->interface);

	if (!order)
		order = memcmp(&x->address, &y->address, sizeof x->address);
	return order ? order : memcmp(&x->peer, &y->peer, sizeof x->peer);
}

static struct link *link_get(struct links *l, const struct link *want)
{
	size_t at = 0;

	while (at < l->n && link_cmp(&l->items[at], want) < 0)
		at++;
	if (at < l->n && link_cmp(&l->items[at], want) == 0)
		return &l->items[at];
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 8;
		l->items = mem_resize(l->items, l->cap * sizeof *l->items);
	}
	memmove(&l->items[at + 1], &l->items[at], (l->n - at) * sizeof *l->items);
	l->n++;
	l->items[at] = *want;
	return &l->items[at];
}

/* Applies what is due, forgets what is gone, and makes the answer anew. */
static bool settle(struct links *l)
{
	int64_t ms = clock_ms();
	size_t kept = 0, n = 0;
	bool differs;

	for (size_t i = 0; i < l->n; i++) {
		struct link *at = &l->items[i];

		if (at->here != at->counts &&
		    ms >= at->changed + (at->here ? LINKS_SETTLE_MS : LINKS_KEEP_MS))
			at->counts = at->here;
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
		differs = link_cmp(&was, &l->items[i]) != 0;
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
