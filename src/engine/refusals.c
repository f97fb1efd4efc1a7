/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/refusals.h"

#include "base/digest.h"

struct refusal {
	char *name;
	char *words;
	struct digest text; /* of the block that was refused */
};

struct refusals {
	struct refusal *items; /* sorted by name */
	char **names;	       /* the same names, as an array for those who ask */
	size_t n, cap;
};

static void hold(struct refusals *r, const struct conf *conf, const struct conf_block *b,
		 const char *words);
static size_t position(const struct refusals *r, const char *name);
static void hold_users(struct refusals *r, const struct conf *conf, const char *text, size_t len,
		       const char *words);
static struct digest block_digest(const struct conf *conf, const struct conf_block *b);
static const char *line_text(const struct conf *conf, const struct conf_block *b, unsigned line,
			     size_t *ret_len);
static bool is_peering(const struct conf_block *b);

struct refusals *refusals_open(void)
{
	return mem_alloc(sizeof(struct refusals));
}

void refusals_close(struct refusals *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		free(r->items[i].name);
		free(r->items[i].words);
	}
	free(r->items);
	free(r->names);
	free(r);
}

bool refusals_add(struct refusals *r, const struct conf *conf, unsigned line, const char *words)
{
	/* A mistake is often noticed at the first token behind it. */
	const struct conf_block *b = conf_owner(conf, line);
	size_t len, before = r->n;
	const char *text;

	if (b && strcmp(b->origin, "filter") == 0)
		hold_users(r, conf, b->name, strlen(b->name), words);
	if (!b || !is_peering(b))
		return r->n > before;
	hold(r, conf, b, words);
	for (unsigned near = line > b->line ? line - 1 : line; near <= line; near++) {
		text = line_text(conf, b, near, &len);
		if (memmem(text, len, CONF_TEMPLATE_MARK, strlen(CONF_TEMPLATE_MARK)))
			hold_users(r, conf, text, len, words);
	}
	return r->n > before;
}

void refusals_review(struct refusals *r, const struct conf *fresh)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct conf_block *b = conf_find(fresh, r->items[i].name);
		struct digest now = b ? block_digest(fresh, b) : (struct digest){ { 0 } };

		if (b && memcmp(&now, &r->items[i].text, sizeof now) == 0) {
			r->items[kept] = r->items[i];
			r->names[kept] = r->items[i].name;
			kept++;
		} else {
			free(r->items[i].name);
			free(r->items[i].words);
		}
	}
	r->n = kept;
}

const char *const *refusals_held(const struct refusals *r, size_t *ret_n)
{
	*ret_n = r->n;
	return (const char *const *)r->names;
}

const char *refusals_words(const struct refusals *r, const char *name)
{
	size_t at = position(r, name);

	return at < r->n && strcmp(r->items[at].name, name) == 0 ? r->items[at].words : NULL;
}

static void hold(struct refusals *r, const struct conf *conf, const struct conf_block *b,
		 const char *words)
{
	size_t at = position(r, b->name);

	if (at < r->n && strcmp(r->items[at].name, b->name) == 0)
		return;
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 8;
		r->items = mem_resize(r->items, r->cap * sizeof *r->items);
		r->names = mem_resize(r->names, r->cap * sizeof *r->names);
	}
	memmove(&r->items[at + 1], &r->items[at], (r->n - at) * sizeof *r->items);
	memmove(&r->names[at + 1], &r->names[at], (r->n - at) * sizeof *r->names);
	r->n++;
	r->items[at].name = r->names[at] = mem_str(b->name);
	r->items[at].words = mem_str(words);
	r->items[at].text = block_digest(conf, b);
}

/* All peerings whose block has TEXT in it. */
static void hold_users(struct refusals *r, const struct conf *conf, const char *text, size_t len,
		       const char *words)
{
	for (size_t i = 0; i < conf->n_blocks; i++) {
		const struct conf_block *b = &conf->blocks[i];

		if (is_peering(b) && memmem(conf->text.at + b->at, b->len, text, len))
			hold(r, conf, b, words);
	}
}

static size_t position(const struct refusals *r, const char *name)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(r->items[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct digest block_digest(const struct conf *conf, const struct conf_block *b)
{
	return digest_of(conf->text.at + b->at, b->len);
}

static const char *line_text(const struct conf *conf, const struct conf_block *b, unsigned line,
			     size_t *ret_len)
{
	const char *at = conf->text.at + b->at, *end = at + b->len, *stop;

	for (unsigned i = b->line; i < line; i++) {
		stop = memchr(at, '\n', (size_t)(end - at));
		if (!stop)
			break;
		at = stop + 1;
	}
	stop = memchr(at, '\n', (size_t)(end - at));
	*ret_len = (size_t)((stop ? stop : end) - at);
	return at;
}

static bool is_peering(const struct conf_block *b)
{
	return strncmp(b->name, "peer_", 5) == 0;
}
