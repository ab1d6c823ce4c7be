/*
 * select_impl: what the select*.c files share; for nobody else.
 *
 *   select.c        the grammar: from tokens to nodes
 *   select_lex.c    from bytes to tokens, and how a mistake is told
 *   select_value.c  the attributes, and what may stand beside each
 *   select_eval.c   matching and hints
 */
#ifndef SUITD_LIB_SELECT_IMPL_H
#define SUITD_LIB_SELECT_IMPL_H

#include "lib/select.h"

/*
 * Outcomes of a comparison, as bits; a node's `want` says which are true. A
 * missing value has none of them, hence fails whatever is wanted.
 */
enum { CMP_LESS = 1, CMP_EQUAL = 2, CMP_MORE = 4 };
#define CMP_ANY (CMP_LESS | CMP_EQUAL | CMP_MORE)
#define CMP_OTHER (CMP_LESS | CMP_MORE)

/* Ends of the walk, in `yes` and `no`. */
enum { WALK_YES = 254, WALK_NO = 255 };

/* The age of a device that was never seen. */
#define AGE_NEVER UINT64_MAX

enum select_tok {
	TOK_END,
	TOK_WORD, /* bare; keywords too: only their place tells */
	TOK_QUOTED,
	TOK_OPEN,
	TOK_CLOSE,
	TOK_COMMA,
	TOK_AND,
	TOK_OR,
	TOK_NOT,
	TOK_EQ, /* from here on: comparisons */
	TOK_NE,
	TOK_LT,
	TOK_LE,
	TOK_GT,
	TOK_GE,
	TOK_GLOB,
	TOK_NGLOB,
};

struct select_parser {
	const char *text;
	size_t n, pos; /* bytes; the first one behind the token */
	const struct conf *conf; /* NULL: no aliases */
	unsigned column; /* of the mistake */
	struct why *why;
	/* the token at hand */
	enum select_tok tok;
	size_t at;
	char word[LIMIT_SELECT + 1]; /* WORD, QUOTED: without quotes */
	/* what has been made so far */
	size_t depth, values;
	struct buf pool;
	struct select s;
};

/* Fills column and why, and returns err. `at` counts from 0. */
int select_refuse(struct select_parser *p, int err, size_t at,
    const char *fmt, ...) PRINTF(4, 5);
/* "found 'x', expected WHAT" at the token at hand; ERR_TRUNCATED at the end */
int select_expected(struct select_parser *p, const char *what) MUST_USE;
/* What the token at hand looks like, fit to show; dst. */
char *select_found(const struct select_parser *p, char *dst, size_t cap);
/* Goes on to the next token. */
int select_next(struct select_parser *p) MUST_USE;
bool select_is_word(const struct select_parser *p, const char *word);

/* The attribute that the word at hand names, as a bare test of presence. */
int select_attr(struct select_parser *p, struct select_node *ret) MUST_USE;
/* The comparison at hand, if the attribute of `n` has it: want and glob. */
int select_op(struct select_parser *p, enum select_tok op,
    struct select_node *n) MUST_USE;
/* The literal at hand as the value that `n` is compared with. */
int select_value(struct select_parser *p, struct select_node *n) MUST_USE;

#endif
