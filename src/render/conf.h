/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration text whose every line has an owner. Same plan, same bytes. The text names itself:
 * its id is the digest of every line but the one that carries it.
 *
 * Text is made of blocks between marker lines, so that what BIRD last accepted for one peering can
 * be found in the last good file (decisions.md 8):
 *   # block peer_10_0_0_1 bgppeer/tor-a node/n2 asks=secret:bgp/rr,filter:from-tor
 *   ...
 *   # end
 * Sessions that a hand stopped while they have no text to stop stand in a block of their own, "stopped".
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"

#define CONF_HEAD "# Written by peerd (Peerage). Changes made here by hand are overwritten.\n"

/* Ends each line that comes from the operator's session template. */
#define CONF_TEMPLATE_MARK " # session template"
/* How a line of a block says that its session is stopped, and by whom. A `disabled;` without either (of
 * 0.1.0) stands for a text that was never to run. */
#define CONF_DISABLED	   "\tdisabled;"
#define CONF_BY_HAND_MARK  " # by hand"
#define CONF_BY_FIELD_MARK " # by field"

#define CONF_PEERING "peer_" /* how the names of blocks of sessions begin */
#define CONF_STOPPED "stopped"

enum conf_stop { CONF_NOT_STOPPED, CONF_BY_HAND, CONF_BY_FIELD, CONF_NEVER_RAN };

struct conf_block {
	const char *name;   /* "peer_10_0_0_1", "filter_...", "base" */
	const char *origin; /* "bgppeer/tor-a", "mesh"; "base", "filter", "include" */
	const char *remote; /* "node/n2": the Node at the other end; NULL */
	const char *asks;   /* what its resource asked for when it was rendered (compute/fate.h); NULL: not
	                     * known, the text is of 0.1.0 */
	size_t at, len;     /* the text between the markers */
	unsigned line, n_lines; /* 1-based line of its first line in the file */
	enum conf_stop stop;	/* of a session: as its text says */
};

struct conf {
	struct arena *arena;
	struct buf text;
	unsigned lines;            /* in blocks that are closed, and around them */
	size_t counted;            /* bytes of text that LINES covers */
	struct conf_block *blocks; /* in order of the text */
	size_t n_blocks;
	const struct conf_block *
		*sessions; /* those of sessions, sorted by name; set by conf_finish() */
	size_t n_sessions;
	bool open;
	char id[17];               /* set by conf_finish() */
	size_t id_at;              /* where it stands in the text */
};

/* An empty configuration with its head line and the line that will carry the id. */
struct conf *conf_new(struct arena *a);
/* REMOTE may be NULL; ASKS is one word. */
void conf_open(struct conf *c, const char *name, const char *origin, const char *remote);
void conf_open_session(struct conf *c, const char *name, const char *origin, const char *remote,
		       const char *asks);
void conf_close(struct conf *c);
/* One line with its newline; never put what a user wrote through FORMAT without conf_quote(). */
void conf_line(struct conf *c, const char *format, ...) printf_like(2, 3);
void conf_text(struct conf *c, const char *text, size_t len); /* whole lines */
/* TEXT as a BIRD string with its quotes; NULL when BIRD cannot express it (quote, newline, control
 * characters other than tab). Strings of BIRD know no escapes. */
const char *conf_quote(const char *text, struct arena *a);
/* Closes the text and gives it its id. LIKE (NULL: none) is an earlier text: where nothing changed,
 * its id is taken and no digest is computed. */
void conf_finish(struct conf *c, const struct conf *like);
void conf_free(struct conf *c); /* the text is on the heap, all else in the arena */

/* The block that owns LINE (1-based), NULL for none. */
const struct conf_block *conf_owner(const struct conf *c, unsigned line);
/* The block NAME, by walking through all; NULL. */
const struct conf_block *conf_find(const struct conf *c, const char *name);
/* The block of session NAME in a finished text; NULL, also where C is. */
const struct conf_block *conf_session(const struct conf *c, const char *name);
/* Is B the block of a session? */
bool conf_is_session(const struct conf_block *b);
/* What makes a text another one for BIRD: all lines of B but `disabled;`. The named filters that it
 * uses count by their names, which are digests of their text. */
struct digest conf_block_digest(const struct conf *c, const struct conf_block *b);
/* Does B have a line that begins with WORD, behind blanks? */
bool conf_block_has(const struct conf *c, const struct conf_block *b, const char *word);
/* Line NUMBER (1-based) without its newline; NULL when there is none. */
const char *conf_line_at(const struct conf *c, unsigned number, size_t *ret_len);

/* Is ID, which may be NULL, that of a text of conf_finish()? The configuration that an installation
 * starts BIRD with has one of another length. */
bool conf_is_id(const char *id);
/* Reads a text of ours back: blocks, sessions and id. NULL when it does not begin with CONF_HEAD. */
struct conf *conf_parse(const char *text, size_t len, struct arena *a);
/* Is the id of C that of its text? A file that was cut short or edited by hand still carries one. */
bool conf_intact(const struct conf *c);
