/*
 * A name that matches and yields no endpoint refuses the certificate, instead
 * of leaving it to the next rule: what an authority put into a field that an
 * operator trusts is not to be passed over for a weaker one. No regular
 * expressions: who reads a rule must see at once what it lets in.
 */
#include "lib/certmap.h"

#include "lib/text.h"

static const struct {
	const char *name;
	enum certmap_kind kind;
} kinds[] = {
	{"san-uri", CERTMAP_URI},
	{"san-dns", CERTMAP_DNS},
	{"cn", CERTMAP_CN},
	{"subject-serial", CERTMAP_SERIAL},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* --- parse --- */

static bool
between(uint8_t c)
{
	return c == ' ' || c == '\t' || c == ',';
}

static int
bad(struct why *why, int err, struct slice word, const char *what)
{
	char shown[80];

	return why_set(why, err, "\"%s\": %s", text_escape(word, shown,
	    sizeof(shown)), what);
}

/* What the pattern's marks mean; its other bytes go to head and tail. */
struct reader {
	struct certmap_rule *r;
	size_t head, tail;
	bool open, shut;
	size_t behind; /* bytes after the ) */
	size_t inside; /* between the parentheses, a * counts as one */
};

static bool
mark(struct reader *p, uint8_t c)
{
	switch (c) {
	case '*':
		if (p->r->star)
			return false;
		p->r->star = true;
		p->inside += p->open && !p->shut;
		return true;
	case '(':
		if (p->open || p->r->star)
			return false;
		p->open = true;
		p->r->from = (uint8_t)p->head;
		return true;
	default:
		if (!p->open || p->shut || p->inside == 0)
			return false;
		p->shut = true;
		return true;
	}
}

static void
literal(struct reader *p, uint8_t c)
{
	if (p->r->kind == CERTMAP_DNS)
		c = lower(c);
	if (p->r->star)
		p->r->tail[p->tail++] = (char)c;
	else
		p->r->head[p->head++] = (char)c;
	p->inside += p->open && !p->shut;
	p->behind += p->shut;
}

static int
pattern(struct certmap_rule *r, struct slice s)
{
	struct reader p = {.r = r};

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c <= ' ' || c > '~')
			return ERR_MALFORMED;
		if (c != '*' && c != '(' && c != ')')
			literal(&p, c);
		else if (!mark(&p, c))
			return ERR_MALFORMED;
	}
	r->drop = (uint8_t)p.behind;
	return p.open == p.shut && p.head + p.tail + r->star > 0 ? 0 :
	    ERR_MALFORMED;
}

static int
add_rule(struct certmap *m, struct slice word, struct why *why)
{
	const uint8_t *colon = memchr(word.p, ':', word.n);
	size_t n = colon == NULL ? word.n : (size_t)(colon - word.p), k = 0;
	struct certmap_rule *r;

	while (k < KINDS && !slice_eq_str(slice_sub(word, 0, n),
	    kinds[k].name))
		k++;
	if (k == KINDS)
		return bad(why, ERR_NOT_FOUND, word, "a rule begins with "
		    "san-uri, san-dns, cn or subject-serial");
	if (m->n == LIMIT_CERTMAP_RULES)
		return bad(why, ERR_LIMIT, word, "too many rules");
	r = &m->rule[m->n++];
	memset(r, 0, sizeof(*r));
	r->kind = kinds[k].kind;
	r->any = colon == NULL;
	if (r->any || pattern(r, slice_sub(word, n + 1, word.n)) == 0)
		return 0;
	return bad(why, ERR_MALFORMED, word, "a pattern is printable ASCII "
	    "with at most one * and one pair of parentheses");
}

int
certmap_parse(struct slice text, struct certmap *ret, struct why *why)
{
	struct certmap m = {.n = 0};
	int rc = 0;

	if (text.n > LIMIT_CERTMAP)
		return why_set(why, ERR_SIZE, "over %d bytes", LIMIT_CERTMAP);
	while (rc == 0 && text.n > 0) {
		size_t n = 0;

		while (n < text.n && !between(text.p[n]))
			n++;
		if (n > 0)
			rc = add_rule(&m, slice_sub(text, 0, n), why);
		text = slice_sub(text, n + 1, text.n);
	}
	if (rc != 0)
		return rc;
	if (m.n == 0)
		return why_set(why, ERR_MISSING, "no rule");
	*ret = m;
	return 0;
}

/* --- apply --- */

static bool
same(enum certmap_kind kind, const uint8_t *p, const char *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((kind == CERTMAP_DNS ? lower(p[i]) : p[i]) !=
		    (uint8_t)want[i])
			return false;
	return true;
}

static bool
matches(const struct certmap_rule *r, struct slice s)
{
	size_t head = strlen(r->head), tail = strlen(r->tail);

	if (r->any)
		return true;
	if (r->star ? s.n < head + tail + 1 : s.n != head)
		return false;
	return same(r->kind, s.p, r->head, head) &&
	    same(r->kind, s.p + s.n - tail, r->tail, tail);
}

static int
yield(const struct certmap_rule *r, struct slice s, char ep[LIMIT_EP + 1])
{
	struct slice part = slice_sub(s, r->from, s.n - r->from - r->drop);

	if (!text_name_ok(part, LIMIT_EP))
		return ERR_INVALID;
	for (size_t i = 0; i < part.n; i++)
		ep[i] = (char)(r->kind == CERTMAP_DNS ? lower(part.p[i]) :
		    part.p[i]);
	ep[part.n] = '\0';
	return 0;
}

/* "" in ep: nothing matched. */
static int
try(const struct certmap_rule *r, const struct certmap_name *name, size_t n,
    char ep[LIMIT_EP + 1])
{
	char other[LIMIT_EP + 1];
	int rc = 0;

	ep[0] = '\0';
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (name[i].kind != r->kind || !matches(r, name[i].text))
			continue;
		rc = yield(r, name[i].text, other);
		if (rc == 0 && ep[0] != '\0' && strcmp(ep, other) != 0)
			rc = ERR_CONFLICT;
		else if (rc == 0)
			strcpy(ep, other);
	}
	return rc;
}

int
certmap_apply(const struct certmap *m, const struct certmap_name *name,
    size_t n, char ret_ep[LIMIT_EP + 1], struct why *why)
{
	char ep[LIMIT_EP + 1];

	for (size_t i = 0; i < m->n; i++) {
		int rc = try(&m->rule[i], name, n, ep);

		if (rc == ERR_CONFLICT)
			return why_set(why, rc, "cert_endpoint: the "
			    "certificate names several endpoints");
		if (rc != 0)
			return why_set(why, rc, "cert_endpoint: what the "
			    "certificate says is no endpoint name");
		if (ep[0] != '\0') {
			strcpy(ret_ep, ep);
			return 0;
		}
	}
	return why_set(why, ERR_NOT_FOUND, "cert_endpoint: no rule for the "
	    "names of the certificate");
}
