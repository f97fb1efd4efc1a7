/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive descent; only parentheses recurse, and they are counted.
 *
 * The tree is the text without what does not matter: a group of one operand is that operand, and
 * a node is negated or not, so `!(!a)` is `a` and the canonical form parses into itself.  Groups
 * that were written as groups stay: `(a && b) && c` is not `a && b && c`.
 */
#include "selector/internal.h"

#include <strings.h>

#include "base/text.h"

struct parser {
	struct lexer lex;
	struct arena *keep;    /* what the selector needs */
	struct arena *scratch; /* what goes when it is made */
	unsigned depth;
};

static struct node *parse_chain(struct parser *p, enum node_type type);
static struct node *parse_unary(struct parser *p);
static struct node *parse_group(struct parser *p);
static struct node *parse_function(struct parser *p);
static struct node *parse_label(struct parser *p);
static bool parse_value(struct parser *p, struct node *term);
static bool parse_set(struct parser *p, struct node *term);
static void *no_primary(struct parser *p);
static void *no_end(struct parser *p);
static struct node *new_term(struct parser *p, enum token op);
static const struct selector *make(struct parser *p, const struct node *root);
static uint16_t make_terms(const struct node *node, struct term *terms, uint16_t at, uint16_t yes,
			   uint16_t no);
static void make_term(const struct node *node, struct term *t, uint16_t yes, uint16_t no);

const struct selector *selector_parse(const char *text, struct arena *a, struct selector_error *e)
{
	auto_arena struct arena scratch = { 0 };
	struct parser p = { .keep = a, .scratch = &scratch };
	struct node *root;

	*e = (struct selector_error){ 0 };
	p.lex.text = text;
	p.lex.error = e;
	if (strnlen(text, SELECTOR_TEXT_MAX + 1) > SELECTOR_TEXT_MAX)
		return lex_fail(&p.lex, SELECTOR_TEXT_MAX, "a selector has at most %d bytes",
				SELECTOR_TEXT_MAX);
	lex_next(&p.lex);
	if (p.lex.token == TOKEN_END)
		return make(&p, new_term(&p, TOKEN_ALL));
	root = parse_chain(&p, NODE_OR);
	if (!root)
		return NULL;
	if (p.lex.token != TOKEN_END)
		return no_end(&p);
	return make(&p, root);
}

static struct node *parse_chain(struct parser *p, enum node_type type)
{
	enum token joint = type == NODE_AND ? TOKEN_AND : TOKEN_OR;
	struct node *operand, *group, **tail;

	operand = type == NODE_AND ? parse_unary(p) : parse_chain(p, NODE_AND);
	if (!operand || p->lex.token != joint)
		return operand;
	group = arena_new(p->scratch, struct node);
	group->type = type;
	group->children = operand;
	group->terms = operand->terms;
	tail = &operand->next;
	while (p->lex.token == joint) {
		lex_next(&p->lex);
		operand = type == NODE_AND ? parse_unary(p) : parse_chain(p, NODE_AND);
		if (!operand)
			return NULL;
		group->terms += operand->terms;
		*tail = operand;
		tail = &operand->next;
	}
	return group;
}

static struct node *parse_unary(struct parser *p)
{
	bool negated = false;
	struct node *node;

	for (; p->lex.token == TOKEN_NOT; lex_next(&p->lex))
		negated = !negated;
	switch (p->lex.token) {
	case TOKEN_OPEN:
		node = parse_group(p);
		break;
	case TOKEN_HAS:
	case TOKEN_ALL:
	case TOKEN_GLOBAL:
		node = parse_function(p);
		break;
	case TOKEN_LABEL:
		node = parse_label(p);
		break;
	default:
		return no_primary(p);
	}
	if (node)
		node->negated ^= negated;
	return node;
}

static struct node *parse_group(struct parser *p)
{
	size_t open = p->lex.start;
	struct node *node;

	if (++p->depth > SELECTOR_DEPTH_MAX)
		return lex_fail(&p->lex, open, "parentheses nest at most %d deep",
				SELECTOR_DEPTH_MAX);
	lex_next(&p->lex);
	node = parse_chain(p, NODE_OR);
	if (!node)
		return NULL;
	if (p->lex.token == TOKEN_END)
		return lex_fail(&p->lex, p->lex.start,
				"expected ) here: the ( at column %zu is not closed", open + 1);
	if (p->lex.token != TOKEN_CLOSE)
		return no_end(p);
	lex_next(&p->lex);
	p->depth--;
	return node;
}

static struct node *parse_function(struct parser *p)
{
	struct node *term = new_term(p, p->lex.token);

	lex_next(&p->lex);
	if (term->op == TOKEN_HAS) {
		if (p->lex.token != TOKEN_LABEL)
			return lex_fail(&p->lex, p->lex.start,
					"expected a label here, without quotes: has(rack)");
		term->label = arena_strn(p->keep, p->lex.at, p->lex.len);
		lex_next(&p->lex);
		if (p->lex.token != TOKEN_CLOSE)
			return lex_fail(&p->lex, p->lex.start,
					"expected ) after the label of has()");
	} else if (p->lex.token != TOKEN_CLOSE) {
		return lex_fail(&p->lex, p->lex.start, "expected ) here: %s takes nothing",
				term->op == TOKEN_ALL ? "all()" : "global()");
	}
	lex_next(&p->lex);
	return term;
}

static struct node *parse_label(struct parser *p)
{
	struct node *term = new_term(p, TOKEN_BAD);

	term->label = arena_strn(p->keep, p->lex.at, p->lex.len);
	lex_operator(&p->lex);
	if (p->lex.token == TOKEN_BAD)
		return NULL;
	term->op = p->lex.token;
	lex_next(&p->lex);
	if (term->op == TOKEN_IN || term->op == TOKEN_NOT_IN)
		return parse_set(p, term) ? term : NULL;
	return parse_value(p, term) ? term : NULL;
}

/* The string that stands here becomes the next value of TERM. */
static bool parse_value(struct parser *p, struct node *term)
{
	struct lexer *l = &p->lex;

	if (l->token == TOKEN_LABEL)
		return lex_fail(l, l->start, "expected a value in quotes here: \"%.*s%s\"",
				(int)MIN(l->len, (size_t)SELECTOR_SHOWN), l->at,
				l->len > SELECTOR_SHOWN ? "..." : "");
	if (l->token != TOKEN_STRING)
		return lex_fail(l, l->start, "expected a value in quotes here, such as \"r1\"");
	*arena_push(p->scratch, term->values, term->n) = arena_strn(p->keep, l->at, l->len);
	lex_next(l);
	return true;
}

static bool parse_set(struct parser *p, struct node *term)
{
	struct lexer *l = &p->lex;
	size_t n = 0;

	if (l->token != TOKEN_OPEN_SET)
		return lex_fail(l, l->start, "expected a set here, such as {\"r1\", \"r2\"}");
	lex_next(l);
	while (l->token != TOKEN_CLOSE_SET) {
		if (!parse_value(p, term))
			return false;
		if (l->token == TOKEN_CLOSE_SET)
			break;
		if (l->token != TOKEN_COMMA)
			return lex_fail(l, l->start, "expected , or } here, inside the set");
		lex_next(l);
	}
	lex_next(l);
	name_sort(term->values, term->n);
	for (size_t i = 0; i < term->n; i++)
		if (!n || !str_eq(term->values[n - 1], term->values[i]))
			term->values[n++] = term->values[i];
	term->n = n;
	return true;
}

/* What stands here begins no expression. */
static void *no_primary(struct parser *p)
{
	struct lexer *l = &p->lex;

	if (l->token == TOKEN_STRING)
		return lex_fail(l, l->start,
				"the label stands on the left and the quoted value on "
				"the right: rack == \"r1\"");
	if (l->token == TOKEN_END)
		return lex_fail(l, l->start,
				"the selector ends where an expression was expected, "
				"such as rack == \"r1\"");
	return lex_fail(l, l->start,
			"expected an expression here, such as rack == \"r1\", "
			"has(rack) or all()");
}

/* What stands here does not continue the complete expression before it. */
static void *no_end(struct parser *p)
{
	struct lexer *l = &p->lex;

	if (l->token == TOKEN_CLOSE)
		return lex_fail(l, l->start, "this ) closes nothing");
	if (l->token == TOKEN_LABEL && l->len == 3 && strncasecmp(l->at, "and", 3) == 0)
		return lex_fail(l, l->start, "expected && or || here; for \"and\" write &&");
	if (l->token == TOKEN_LABEL && l->len == 2 && strncasecmp(l->at, "or", 2) == 0)
		return lex_fail(l, l->start, "expected && or || here; for \"or\" write ||");
	if (l->token == TOKEN_COMMA)
		return lex_fail(l, l->start,
				"expected && or || here; for \"and\" write &&, not a comma");
	return lex_fail(l, l->start, "expected %s here; nothing else follows a complete expression",
			p->depth ? "&&, || or )" : "&& or ||");
}

static struct node *new_term(struct parser *p, enum token op)
{
	struct node *term = arena_new(p->scratch, struct node);

	term->op = op;
	term->terms = 1;
	return term;
}

static const struct selector *make(struct parser *p, const struct node *root)
{
	struct selector *s;
	auto_buf struct buf out = { 0 };

	s = arena_alloc(p->keep, sizeof *s + root->terms * sizeof s->terms[0]);
	s->text = arena_str(p->keep, p->lex.text);
	node_print(root, &out);
	s->canonical =
		str_eq(s->text, buf_text(&out)) ? s->text : arena_str(p->keep, buf_text(&out));
	make_terms(root, s->terms, 0, TERM_MATCHES, TERM_FAILS);
	for (unsigned i = 0; i < root->terms; i++)
		if (s->terms[i].op == TERM_IN && s->terms[i].n)
			s->terms[i].values =
				memcpy(arena_array(p->keep, char *, s->terms[i].n),
				       s->terms[i].values, s->terms[i].n * sizeof(char *));
	return s;
}

/* The terms of NODE from index AT on, going to YES or NO when it is decided; returns the index
 * after them. */
static uint16_t make_terms(const struct node *node, struct term *terms, uint16_t at, uint16_t yes,
			   uint16_t no)
{
	uint16_t then = node->negated ? no : yes, otherwise = node->negated ? yes : no;

	if (node->type == NODE_TERM) {
		make_term(node, &terms[at], then, otherwise);
		return (uint16_t)(at + 1);
	}
	for (const struct node *child = node->children; child; child = child->next) {
		uint16_t next = (uint16_t)(at + child->terms);

		if (!child->next)
			make_terms(child, terms, at, then, otherwise);
		else if (node->type == NODE_AND)
			make_terms(child, terms, at, next, otherwise);
		else
			make_terms(child, terms, at, then, next);
		at = next;
	}
	return at;
}

static void make_term(const struct node *node, struct term *t, uint16_t yes, uint16_t no)
{
	/* clang-format off */
	static const struct {
		enum term_op op;
		bool negated;
	} ops[] = {
		[TOKEN_HAS] =      { TERM_HAS },
		[TOKEN_ALL] =      { TERM_ALL },
		[TOKEN_GLOBAL] =   { TERM_ALL },
		[TOKEN_EQ] =       { TERM_EQ },
		[TOKEN_NE] =       { TERM_EQ, true },
		[TOKEN_IN] =       { TERM_IN },
		[TOKEN_NOT_IN] =   { TERM_IN, true },
		[TOKEN_CONTAINS] = { TERM_CONTAINS },
		[TOKEN_STARTS] =   { TERM_STARTS },
		[TOKEN_ENDS] =     { TERM_ENDS },
	};
	/* clang-format on */

	t->op = (uint16_t)ops[node->op].op;
	t->label = node->label;
	t->yes = ops[node->op].negated ? no : yes;
	t->no = ops[node->op].negated ? yes : no;
	if (t->op == TERM_IN) {
		t->values = node->values;
		t->n = (uint16_t)node->n;
	} else if (node->n) {
		t->value = node->values[0];
		t->n = (uint16_t)strlen(t->value);
	}
}
