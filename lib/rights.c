/*
 * One table of words, each with its reader and its printer, so that what is
 * printed is what can be read. A word's values are cut at commas.
 */
#include "lib/rights.h"

#include <string.h>

#include "lib/text.h"

static const struct {
	const char *name;
	enum role role;
} roles[] = {
	{"author", ROLE_AUTHOR},
	{"operator", ROLE_OPERATOR},
	{"auditor", ROLE_AUDITOR},
	{"grant", ROLE_GRANT},
};
#define ROLES (sizeof(roles) / sizeof(roles[0]))

struct reader {
	const struct conf *conf;
	struct rights r;
	struct why *why;
};

static int
no_room(const struct reader *rd, const char *what)
{
	return why_set(rd->why, ERR_LIMIT, "more than %d values of %s",
	    LIMIT_SCOPE, what);
}

static int
twice(const struct reader *rd, struct slice v)
{
	return why_set(rd->why, ERR_DUPLICATE, "%.*s is there twice",
	    (int)v.n, (const char *)v.p);
}

static int
read_role(struct reader *rd, struct slice v)
{
	for (size_t i = 0; i < ROLES; i++) {
		if (!slice_eq_str(v, roles[i].name))
			continue;
		if (rd->r.role & roles[i].role)
			return twice(rd, v);
		rd->r.role |= roles[i].role;
		return 0;
	}
	return why_set(rd->why, ERR_NOT_FOUND, "%.*s is no role; there are "
	    "author, operator, auditor and grant", (int)v.n,
	    (const char *)v.p);
}

static int
read_class(struct reader *rd, struct slice v)
{
	struct scope *s = &rd->r.scope;
	uint8_t id[16];
	int rc = rd->conf != NULL ? conf_class(rd->conf, v, id) :
	    text_uuid_parse(v, id);

	if (rc != 0)
		return why_set(rd->why, ERR_NOT_FOUND, "class %.*s is "
		    "neither a UUID nor an alias that is known here",
		    (int)v.n, (const char *)v.p);
	if (s->class_count > 0 && scope_has_class(s, id))
		return twice(rd, v);
	if (s->class_count == LIMIT_SCOPE)
		return no_room(rd, "class=");
	memcpy(s->class_id[s->class_count++], id, 16);
	return 0;
}

static int
read_tag(struct reader *rd, struct slice v)
{
	struct scope *s = &rd->r.scope;
	const uint8_t *colon = v.n > 0 ? memchr(v.p, ':', v.n) : NULL;
	size_t n = colon != NULL ? (size_t)(colon - v.p) : v.n;
	struct slice name = slice_sub(v, 0, n),
	    value = slice_sub(v, n + 1, v.n);
	struct rd_tag t;

	if (!text_name_ok(name, LIMIT_TAG_NAME) ||
	    !text_name_ok(value, LIMIT_TAG_VALUE))
		return why_set(rd->why, ERR_MALFORMED, "a tag is NAME:VALUE, "
		    "of letters, digits and ._:@-");
	(void)slice_to_cstr(name, t.name, sizeof(t.name));
	(void)slice_to_cstr(value, t.value, sizeof(t.value));
	if (s->tag_count > 0 && scope_has_tags(s, &t, 1))
		return twice(rd, v);
	if (s->tag_count == LIMIT_SCOPE)
		return no_room(rd, "tag=");
	s->tag[s->tag_count++] = t;
	return 0;
}

/* A name, or a pattern of names. */
static bool
pattern_ok(struct slice v)
{
	uint8_t plain[LIMIT_KEY_NAME];

	if (v.n > sizeof(plain))
		return false;
	for (size_t i = 0; i < v.n; i++)
		plain[i] = v.p[i] == '*' || v.p[i] == '?' ? 'x' : v.p[i];
	return text_name_ok(slice_of(plain, v.n), LIMIT_KEY_NAME);
}

static int
read_campaign(struct reader *rd, struct slice v)
{
	struct scope *s = &rd->r.scope;

	if (!pattern_ok(v))
		return why_set(rd->why, ERR_MALFORMED, "a campaign's name has "
		    "letters, digits, ._:@- and here * and ?");
	for (size_t i = 0; i < s->campaign_count; i++)
		if (slice_eq_str(v, s->campaign[i]))
			return twice(rd, v);
	if (s->campaign_count == LIMIT_SCOPE)
		return no_room(rd, "campaign=");
	(void)slice_to_cstr(v, s->campaign[s->campaign_count++],
	    sizeof(s->campaign[0]));
	return 0;
}

/* --- and back --- */

void
rights_print_roles(unsigned role, struct buf *out)
{
	const char *sep = "";

	for (size_t i = 0; i < ROLES; i++) {
		if (!(role & roles[i].role))
			continue;
		buf_puts(out, sep);
		buf_puts(out, roles[i].name);
		sep = ",";
	}
	if (role & ROLE_DEVICE)
		buf_puts(out, "device");
	else if (*sep == '\0')
		buf_puts(out, "nobody");
}

static void
put_role(const struct rights *r, size_t i, struct buf *out)
{
	(void)i;
	rights_print_roles(r->role, out);
}

static void
put_class(const struct rights *r, size_t i, struct buf *out)
{
	char text[37];

	buf_puts(out, text_uuid(r->scope.class_id[i], text));
}

static void
put_tag(const struct rights *r, size_t i, struct buf *out)
{
	buf_puts(out, r->scope.tag[i].name);
	buf_puts(out, ":");
	buf_puts(out, r->scope.tag[i].value);
}

static void
put_campaign(const struct rights *r, size_t i, struct buf *out)
{
	buf_puts(out, r->scope.campaign[i]);
}

static size_t
count_role(const struct rights *r)
{
	(void)r;
	return 1;
}

static size_t
count_class(const struct rights *r)
{
	return r->scope.class_count;
}

static size_t
count_tag(const struct rights *r)
{
	return r->scope.tag_count;
}

static size_t
count_campaign(const struct rights *r)
{
	return r->scope.campaign_count;
}

static const struct {
	const char *name;
	int (*read)(struct reader *rd, struct slice value);
	size_t (*count)(const struct rights *r);
	void (*put)(const struct rights *r, size_t i, struct buf *out);
} words[] = {
	{"role=", read_role, count_role, put_role},
	{"class=", read_class, count_class, put_class},
	{"tag=", read_tag, count_tag, put_tag},
	{"campaign=", read_campaign, count_campaign, put_campaign},
};
#define WORDS (sizeof(words) / sizeof(words[0]))

void
rights_print(const struct rights *r, struct buf *out)
{
	for (size_t w = 0; w < WORDS; w++) {
		size_t n = words[w].count(r);

		if (n == 0)
			continue;
		buf_puts(out, w > 0 ? " " : "");
		buf_puts(out, words[w].name);
		for (size_t i = 0; i < n; i++) {
			buf_puts(out, i > 0 ? "," : "");
			words[w].put(r, i, out);
		}
	}
}

static int
read_values(struct reader *rd, size_t w, struct slice v)
{
	int rc;

	do {
		const uint8_t *comma = v.n > 0 ? memchr(v.p, ',', v.n) : NULL;
		size_t n = comma != NULL ? (size_t)(comma - v.p) : v.n;

		rc = words[w].read(rd, slice_sub(v, 0, n));
		if (rc != 0 || comma == NULL)
			return rc;
		v = slice_sub(v, n + 1, v.n);
	} while (rc == 0);
	return rc;
}

static int
read_word(struct reader *rd, struct slice word, unsigned *seen)
{
	for (size_t w = 0; w < WORDS; w++) {
		size_t n = strlen(words[w].name);

		if (word.n < n || memcmp(word.p, words[w].name, n) != 0)
			continue;
		if (*seen & 1u << w)
			return twice(rd, slice_of(word.p, n));
		*seen |= 1u << w;
		return read_values(rd, w, slice_sub(word, n, word.n));
	}
	return why_set(rd->why, ERR_NOT_FOUND, "%.*s: rights are role=, "
	    "class=, tag= and campaign=", (int)(word.n < 64 ? word.n : 64),
	    (const char *)word.p);
}

static bool
blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

int
rights_parse(struct slice text, const struct conf *conf, struct rights *ret,
    struct why *why)
{
	struct reader rd = {.conf = conf, .why = why};
	unsigned seen = 0;
	size_t at = 0, n;
	int rc = 0;

	if (text.n > LIMIT_RIGHTS)
		return why_set(why, ERR_SIZE, "rights of over %d bytes",
		    LIMIT_RIGHTS);
	while (rc == 0) {
		while (at < text.n && blank(text.p[at]))
			at++;
		if (at == text.n)
			break;
		for (n = 0; at + n < text.n && !blank(text.p[at + n]);)
			n++;
		rc = read_word(&rd, slice_sub(text, at, n), &seen);
		at += n;
	}
	if (rc == 0 && rd.r.role == ROLE_NOBODY)
		rc = why_set(why, ERR_MISSING, "no role=: nothing would be "
		    "allowed");
	if (rc == 0)
		*ret = rd.r;
	return rc;
}

/* --- what is in a scope --- */

bool
scope_all(const struct scope *s)
{
	return s->class_count + s->tag_count + s->campaign_count == 0;
}

bool
scope_has_class(const struct scope *s, const uint8_t class_id[16])
{
	for (size_t i = 0; i < s->class_count; i++)
		if (memcmp(s->class_id[i], class_id, 16) == 0)
			return true;
	return s->class_count == 0;
}

bool
scope_has_classes(const struct scope *s, const uint8_t (*id)[16], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!scope_has_class(s, id[i]))
			return false;
	return n > 0 || s->class_count == 0;
}

bool
scope_has_tags(const struct scope *s, const struct rd_tag *tag, size_t n)
{
	for (size_t i = 0; i < s->tag_count; i++)
		for (size_t k = 0; k < n; k++)
			if (strcmp(s->tag[i].name, tag[k].name) == 0 &&
			    strcmp(s->tag[i].value, tag[k].value) == 0)
				return true;
	return s->tag_count == 0;
}

bool
scope_has_campaign(const struct scope *s, const char *name)
{
	for (size_t i = 0; i < s->campaign_count; i++)
		if (text_glob(s->campaign[i], name))
			return true;
	return s->campaign_count == 0;
}

/* --- selections --- */

#define AND " and "

static void
put_tests(const struct scope *s, struct buf *out)
{
	for (size_t i = 0; i < s->tag_count; i++) {
		buf_puts(out, i > 0 ? " or tag." : "(tag.");
		buf_puts(out, s->tag[i].name);
		buf_puts(out, " == \"");
		buf_puts(out, s->tag[i].value);
		buf_puts(out, "\"");
	}
	buf_puts(out, s->tag_count > 0 ? ")" : "");
}

void
scope_print_select(const struct scope *s, struct buf *out)
{
	put_tests(s, out);
	buf_puts(out, s->tag_count > 0 ? AND : "");
}

/* Past a quoted value, which may hold parentheses. */
static const char *
past_quoted(const char *p)
{
	char quote = *p++;

	while (*p != '\0' && *p != quote)
		p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
	return *p != '\0' ? p + 1 : p;
}

/* Is it one pair of parentheses from its first byte to its last? Else
 * "(a) or (b)" would look like what was bounded. */
static bool
one_pair(const char *p)
{
	unsigned depth = 0;

	while (*p != '\0') {
		if (*p == '"' || *p == '\'') {
			p = past_quoted(p);
			continue;
		}
		depth += *p == '(';
		if (depth == 0)
			return false;
		depth -= *p == ')';
		p++;
		if (depth == 0)
			return *p == '\0';
	}
	return false;
}

bool
scope_has_select(const struct scope *s, const char *select)
{
	char text[LIMIT_RIGHTS];
	struct buf b = buf_of(text, sizeof(text));

	put_tests(s, &b);
	if (b.over || strncmp(select, text, b.n) != 0)
		return false;
	select += b.n;
	if (s->tag_count == 0 || *select == '\0')
		return true;
	return strncmp(select, AND, strlen(AND)) == 0 &&
	    one_pair(select + strlen(AND));
}
