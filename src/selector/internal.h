/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this floor share: the tokens, the parse tree, and what becomes of it.
 *
 * A text goes through three shapes.  Tokens are read one at a time, because what a word means
 * depends on where it stands (a label may be called `in`).  The tree lives only while parsing; it
 * is what the canonical form prints.  The terms are what selector_match() walks: the leaves of the
 * tree in order, each with the place to go on when it holds and when it does not, so `&&`, `||`,
 * `!`, `!=` and `not in` cost nothing at match time.
 */
#pragma once

#include "base/buf.h"
#include "selector/selector.h"

#define SELECTOR_TEXT_MAX  65536
#define SELECTOR_LABEL_MAX 512
#define SELECTOR_DEPTH_MAX 64 /* of parentheses */
#define SELECTOR_SHOWN	   30 /* bytes of a label in a message, which may name it twice */

enum token {
	TOKEN_BAD, /* the lexer has said why */
	TOKEN_END,
	TOKEN_LABEL,
	TOKEN_STRING,
	TOKEN_HAS, /* with its parenthesis, as the next two */
	TOKEN_ALL,
	TOKEN_GLOBAL,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_OPEN_SET,
	TOKEN_CLOSE_SET,
	TOKEN_COMMA,
	TOKEN_NOT,
	TOKEN_AND,
	TOKEN_OR,
	/* only after a label */
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_IN,
	TOKEN_NOT_IN,
	TOKEN_CONTAINS,
	TOKEN_STARTS,
	TOKEN_ENDS,
};

struct lexer {
	const char *text;
	size_t next; /* where the next token is looked for */
	struct selector_error *error;

	/* the token that was read last; of a string, what stands between the quotes */
	enum token token;
	size_t start;
	const char *at;
	size_t len;
};

/* Reads a token where anything but an operator of a label may stand. */
void lex_next(struct lexer *l);
/* Reads the operator that must follow the label that was read last. */
void lex_operator(struct lexer *l);
/* Notes a failure unless there is one already; always NULL. */
void *lex_fail(struct lexer *l, size_t offset, const char *format, ...) printf_like(3, 4);

enum node_type { NODE_TERM, NODE_AND, NODE_OR };

struct node {
	enum node_type type;
	bool negated;
	struct node *children, *next; /* of a group; the next operand of the same group */
	unsigned terms;		      /* in and below */

	/* a term: HAS, ALL, GLOBAL or an operator */
	enum token op;
	const char *label;
	const char **values;
	size_t n;
};

void node_print(const struct node *node, struct buf *out);

enum term_op {
	TERM_ALL,
	TERM_HAS,
	TERM_EQ,
	TERM_IN,
	TERM_CONTAINS,
	TERM_STARTS,
	TERM_ENDS,
};

#define TERM_MATCHES 0xffff
#define TERM_FAILS   0xfffe

struct term {
	const char *label;
	union {
		const char *value;
		const char *const *values; /* TERM_IN: sorted */
	};
	uint16_t op;
	uint16_t n;	  /* bytes of the value, or values */
	uint16_t yes, no; /* index of the term to go on with, or one of the two above */
};

struct selector {
	const char *text, *canonical;
	struct term terms[];
};
