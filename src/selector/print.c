/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form: how Calico prints its parse tree, which is what selectors are compared by. */
#include "selector/internal.h"

static void print_term(const struct node *term, struct buf *out);
static void print_value(const char *value, struct buf *out);

void node_print(const struct node *node, struct buf *out)
{
	if (node->negated)
		buf_char(out, '!');
	if (node->type == NODE_TERM) {
		print_term(node, out);
		return;
	}
	buf_char(out, '(');
	for (const struct node *child = node->children; child; child = child->next) {
		node_print(child, out);
		if (child->next)
			buf_str(out, node->type == NODE_AND ? " && " : " || ");
	}
	buf_char(out, ')');
}

static void print_term(const struct node *term, struct buf *out)
{
	static const char *const words[] = {
		[TOKEN_HAS] = "has(",
		[TOKEN_ALL] = "all()",
		[TOKEN_GLOBAL] = "global()",
		[TOKEN_EQ] = " == ",
		[TOKEN_NE] = " != ",
		[TOKEN_IN] = " in ",
		[TOKEN_NOT_IN] = " not in ",
		[TOKEN_CONTAINS] = " contains ",
		[TOKEN_STARTS] = " starts with ",
		[TOKEN_ENDS] = " ends with ",
	};
	bool set = term->op == TOKEN_IN || term->op == TOKEN_NOT_IN;

	if (!term->label) {
		buf_str(out, words[term->op]);
		return;
	}
	if (term->op == TOKEN_HAS) {
		buf_str(out, words[term->op]);
		buf_str(out, term->label);
		buf_char(out, ')');
		return;
	}
	buf_str(out, term->label);
	buf_str(out, words[term->op]);
	if (set)
		buf_char(out, '{');
	for (size_t i = 0; i < term->n; i++) {
		if (i)
			buf_str(out, ", ");
		print_value(term->values[i], out);
	}
	if (set)
		buf_char(out, '}');
}

/* A value never has both quotes: it was written between two of one kind. */
static void print_value(const char *value, struct buf *out)
{
	char quote = strchr(value, '"') ? '\'' : '"';

	buf_char(out, quote);
	buf_str(out, value);
	buf_char(out, quote);
}
