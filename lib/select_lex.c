/*
 * Bytes to tokens. One token is looked at, none is ever given back. Words
 * take in * and ? everywhere, so that a pattern in the wrong place is told
 * apart from a stray character.
 */
#include "lib/select_impl.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/text.h"

int
select_refuse(struct select_parser *p, int err, size_t at,
    const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->column = (unsigned)at + 1;
	return why_set(p->why, err, "column %u: %s", p->column, text);
}

char *
select_found(const struct select_parser *p, char *dst, size_t cap)
{
	return text_escape(slice_of(p->text + p->at, p->pos - p->at), dst,
	    cap);
}

int
select_expected(struct select_parser *p, const char *what)
{
	char found[48];

	if (p->tok == TOK_END)
		return select_refuse(p, ERR_TRUNCATED, p->at,
		    "the text ends, expected %s", what);
	return select_refuse(p, ERR_MALFORMED, p->at,
	    "found %s, expected %s", select_found(p, found, sizeof(found)),
	    what);
}

bool
select_is_word(const struct select_parser *p, const char *word)
{
	return p->tok == TOK_WORD && strcmp(p->word, word) == 0;
}

/* Longer ones first: the first that fits is taken. */
static const struct sign {
	const char *text;
	enum select_tok tok;
} signs[] = {
	{"&&", TOK_AND},
	{"||", TOK_OR},
	{"==", TOK_EQ},
	{"!=", TOK_NE},
	{"!~", TOK_NGLOB},
	{"<=", TOK_LE},
	{">=", TOK_GE},
	{"=", TOK_EQ},
	{"<", TOK_LT},
	{">", TOK_GT},
	{"~", TOK_GLOB},
	{"!", TOK_NOT},
	{"(", TOK_OPEN},
	{")", TOK_CLOSE},
	{",", TOK_COMMA},
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("._:@/-*?", c) != NULL);
}

/* From the quote at p->pos; a backslash takes a quote or a backslash. */
static int
quoted(struct select_parser *p)
{
	char quote = p->text[p->pos++];
	size_t n = 0;

	while (p->pos < p->n && p->text[p->pos] != quote) {
		char c = p->text[p->pos++];

		if (c == '\\') {
			c = p->text[p->pos];
			if (c == '\0')
				break;
			if (c != '\\' && c != '"' && c != '\'')
				return select_refuse(p, ERR_MALFORMED,
				    p->pos - 1, "a backslash goes before a "
				    "quote or a backslash only");
			p->pos++;
		}
		p->word[n++] = c;
	}
	if (p->pos == p->n)
		return select_refuse(p, ERR_TRUNCATED, p->at,
		    "the text ends inside of these quotes");
	p->pos++;
	p->word[n] = '\0';
	p->tok = TOK_QUOTED;
	return 0;
}

static int
sign(struct select_parser *p)
{
	const char *s = p->text + p->pos;
	char c[8];

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t n = strlen(signs[i].text);

		if (strncmp(s, signs[i].text, n) == 0) {
			p->tok = signs[i].tok;
			p->pos += n;
			return 0;
		}
	}
	if (*s == '&' || *s == '|')
		return select_refuse(p, ERR_MALFORMED, p->at,
		    "found one %c, expected %c%c", *s, *s, *s);
	return select_refuse(p, ERR_MALFORMED, p->at,
	    "found %s, which goes into quotes only",
	    text_escape(slice_of(s, 1), c, sizeof(c)));
}

int
select_next(struct select_parser *p)
{
	size_t n = 0;

	while (is_space(p->text[p->pos]))
		p->pos++;
	p->at = p->pos;
	p->word[0] = '\0';
	if (p->pos == p->n) {
		p->tok = TOK_END;
		return 0;
	}
	if (p->text[p->pos] == '"' || p->text[p->pos] == '\'')
		return quoted(p);
	if (!is_word(p->text[p->pos]))
		return sign(p);
	while (is_word(p->text[p->pos]))
		p->word[n++] = p->text[p->pos++];
	p->word[n] = '\0';
	p->tok = TOK_WORD;
	return 0;
}
