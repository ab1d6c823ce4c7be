/*
 * The grammar, by recursive descent. What comes out is no tree but a row of
 * tests, each of which knows where to go on when it is true and when it is
 * false: `and`, `or` and `not` leave nothing behind that a match would have
 * to evaluate, and `not` is two targets changing places. An expression's
 * nodes are neighbours, and its entry is the first of them; its open ends
 * are WALK_YES and WALK_NO until somebody around it redirects them. All
 * targets lie further on, hence every walk ends.
 *
 * Rejected: a tree (recursion in the match), a stack machine (evaluates what
 * is decided already).
 */
#include "lib/select_impl.h"

#include "lib/text.h"

/* Sends the open ends `end` of the nodes from `from` on to the next node. */
static void
redirect(struct select *s, size_t from, uint8_t end)
{
	for (size_t i = from; i < s->count; i++) {
		if (s->node[i].yes == end)
			s->node[i].yes = s->count;
		if (s->node[i].no == end)
			s->node[i].no = s->count;
	}
}

static void
negate(struct select *s, size_t from)
{
	for (size_t i = from; i < s->count; i++) {
		uint8_t *ends[] = {&s->node[i].yes, &s->node[i].no};

		for (size_t k = 0; k < 2; k++) {
			if (*ends[k] == WALK_YES)
				*ends[k] = WALK_NO;
			else if (*ends[k] == WALK_NO)
				*ends[k] = WALK_YES;
		}
	}
}

/* `at` is where one test too many begins. */
static int
add(struct select_parser *p, const struct select_node *n, size_t at)
{
	struct select *s = &p->s;

	if (s->count == LIMIT_SELECT_NODES)
		return select_refuse(p, ERR_SIZE, at,
		    "more than %d tests", LIMIT_SELECT_NODES);
	s->node[s->count] = *n;
	s->node[s->count].yes = WALK_YES;
	s->node[s->count].no = WALK_NO;
	s->count++;
	return 0;
}

/* One value of a list, and what follows it. */
static int
list_value(struct select_parser *p, struct select_node *n)
{
	int rc;

	if (p->tok != TOK_WORD && p->tok != TOK_QUOTED)
		return select_expected(p, "a value");
	if (p->values == LIMIT_SELECT_VALUES)
		return select_refuse(p, ERR_SIZE, p->at,
		    "more than %d values in lists", LIMIT_SELECT_VALUES);
	p->values++;
	rc = select_value(p, n);
	if (rc == 0)
		rc = add(p, n, p->at);
	if (rc == 0)
		rc = select_next(p);
	if (rc == 0 && p->tok != TOK_COMMA && p->tok != TOK_CLOSE)
		rc = select_expected(p, "a comma or )");
	return rc;
}

/*
 * From "in" on. A list is so many tests, joined by `or` (in), by `and` (not
 * in), so that a missing value is in no list and out of none.
 */
static int
list(struct select_parser *p, struct select_node *n, bool in)
{
	size_t from = p->s.count;
	int rc = select_op(p, in ? TOK_EQ : TOK_NE, n);

	if (rc == 0)
		rc = select_next(p);
	if (rc == 0 && p->tok != TOK_OPEN)
		rc = select_expected(p, "( and a list of values");
	while (rc == 0 && p->tok != TOK_CLOSE) {
		redirect(&p->s, from, in ? WALK_NO : WALK_YES);
		rc = select_next(p);
		if (rc == 0)
			rc = list_value(p, n);
	}
	return rc == 0 ? select_next(p) : rc;
}

/* A word with a comparison behind it, or alone. */
static int
test(struct select_parser *p)
{
	struct select_node n;
	size_t at = p->at;
	bool in = true;
	int rc;

	rc = select_attr(p, &n);
	if (rc == 0)
		rc = select_next(p);
	if (rc == 0 && select_is_word(p, "not")) {
		in = false;
		rc = select_next(p);
		if (rc == 0 && !select_is_word(p, "in"))
			rc = select_expected(p, "in");
	}
	if (rc != 0)
		return rc;
	if (select_is_word(p, "in"))
		return list(p, &n, in);
	if (p->tok >= TOK_EQ) {
		rc = select_op(p, p->tok, &n);
		if (rc == 0)
			rc = select_next(p);
		if (rc == 0)
			rc = select_value(p, &n);
		if (rc == 0)
			rc = add(p, &n, at);
		return rc == 0 ? select_next(p) : rc;
	}
	return add(p, &n, at);
}

static int parse_or(struct select_parser *p);

static int
parse_group(struct select_parser *p)
{
	size_t open = p->at;
	int rc;

	if (p->depth == LIMIT_SELECT_DEPTH)
		return select_refuse(p, ERR_DEPTH, p->at,
		    "more than %d parentheses inside of each other",
		    LIMIT_SELECT_DEPTH);
	p->depth++;
	rc = select_next(p);
	if (rc == 0)
		rc = parse_or(p);
	if (rc == 0 && p->tok == TOK_END)
		rc = select_refuse(p, ERR_TRUNCATED, p->at,
		    "the text ends, expected ) for the ( of column %zu",
		    open + 1);
	else if (rc == 0 && p->tok != TOK_CLOSE)
		rc = select_expected(p, "and, or, )");
	p->depth--;
	return rc == 0 ? select_next(p) : rc;
}

static bool
is_keyword(const struct select_parser *p)
{
	return select_is_word(p, "and") || select_is_word(p, "or") ||
	    select_is_word(p, "in");
}

static int
parse_not(struct select_parser *p)
{
	size_t from = p->s.count;
	bool flip = false;
	int rc = 0;

	while (rc == 0 && (p->tok == TOK_NOT || select_is_word(p, "not"))) {
		flip = !flip;
		rc = select_next(p);
	}
	if (rc == 0 && p->tok == TOK_OPEN)
		rc = parse_group(p);
	else if (rc == 0 && p->tok == TOK_WORD && !is_keyword(p))
		rc = test(p);
	else if (rc == 0)
		rc = select_expected(p, "an attribute, not or (");
	if (rc == 0 && flip)
		negate(&p->s, from);
	return rc;
}

static int
parse_and(struct select_parser *p)
{
	size_t from = p->s.count;
	int rc = parse_not(p);

	while (rc == 0 && (p->tok == TOK_AND || select_is_word(p, "and"))) {
		redirect(&p->s, from, WALK_YES);
		rc = select_next(p);
		if (rc == 0)
			rc = parse_not(p);
	}
	return rc;
}

static int
parse_or(struct select_parser *p)
{
	size_t from = p->s.count;
	int rc = parse_and(p);

	while (rc == 0 && (p->tok == TOK_OR || select_is_word(p, "or"))) {
		redirect(&p->s, from, WALK_NO);
		rc = select_next(p);
		if (rc == 0)
			rc = parse_and(p);
	}
	return rc;
}

static int
parse(struct select_parser *p)
{
	size_t good = 0;
	int rc;

	p->n = strnlen(p->text, LIMIT_SELECT + 1);
	if (p->n > LIMIT_SELECT)
		return select_refuse(p, ERR_SIZE, LIMIT_SELECT,
		    "longer than %d bytes", LIMIT_SELECT);
	if (!text_utf8_ok(slice_of(p->text, p->n))) {
		for (size_t i = 0; i < p->n; i++)
			if (text_utf8_ok(slice_of(p->text, i)))
				good = i;
		return select_refuse(p, ERR_UTF8, good, "not UTF-8");
	}
	memcpy(p->s.text, p->text, p->n);
	rc = select_next(p);
	if (rc != 0 || p->tok == TOK_END)
		return rc;
	rc = parse_or(p);
	if (rc == 0 && p->tok == TOK_CLOSE)
		return select_refuse(p, ERR_MALFORMED, p->at,
		    "found ) without a (");
	if (rc == 0 && p->tok != TOK_END)
		rc = select_expected(p, "and, or, the end");
	return rc;
}

int
select_parse(const char *text, const struct conf *conf, struct select *ret,
    unsigned *ret_column, struct why *why)
{
	struct select_parser p = {.text = text, .conf = conf, .why = why};
	int rc;

	p.pool = buf_of(p.s.pool, sizeof(p.s.pool));
	rc = parse(&p);
	if (rc == 0)
		*ret = p.s;
	else if (ret_column != NULL)
		*ret_column = p.column;
	return rc;
}
