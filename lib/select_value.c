/*
 * The attributes, which comparisons each type has, and how the literal of
 * each is read. Values are read once, here, so that a match compares bytes
 * and numbers only.
 */
#include "lib/select_impl.h"

#include <stdio.h>

#include "lib/near.h"
#include "lib/text.h"

const struct select_attr select_attrs[SELECT_ATTRS] = {
	[SELECT_CLASS] = {"class", SELECT_ID, 0,
	    "class: an alias of suitd.conf, or a UUID"},
	[SELECT_VENDOR] = {"vendor", SELECT_ID, 0,
	    "vendor: a domain name, or a UUID"},
	[SELECT_EP] = {"ep", SELECT_TEXT, LIMIT_EP,
	    "endpoint name"},
	[SELECT_VERSION] = {"version", SELECT_TEXT, LIMIT_VERSION,
	    "version that runs, as the device says it"},
	[SELECT_SEQ] = {"seq", SELECT_NUMBER, 0,
	    "sequence number of the manifest that runs"},
	[SELECT_SEEN] = {"seen", SELECT_AGE, 0,
	    "how long ago the device was heard of"},
	[SELECT_GRADE_OF] = {"grade", SELECT_GRADE, 0,
	    "how far its status can be trusted: L0 L1 L2"},
	[SELECT_DRIVER] = {"driver", SELECT_TEXT, LIMIT_SELECT,
	    "how the device is reached: none, trigger, ..."},
	[SELECT_TAG] = {"tag.NAME", SELECT_TEXT, LIMIT_TAG_VALUE,
	    "the device's tag of that name"},
	[SELECT_PSK] = {"psk", SELECT_FLAG, 0,
	    "has a pre-shared key"},
	[SELECT_REGISTERED] = {"registered", SELECT_FLAG, 0,
	    "its registration has not expired"},
	[SELECT_REVOKED] = {"revoked", SELECT_FLAG, 0,
	    "its credential was revoked"},
	[SELECT_AHEAD] = {"ahead", SELECT_FLAG, 0,
	    "it runs a newer release than any known here"},
	[SELECT_TWIN] = {"twin", SELECT_FLAG, 0,
	    "two devices use its credential"},
	[SELECT_CLASS_SET] = {"class_set", SELECT_FLAG, 0,
	    "an operator has set its class"},
	[SELECT_CLASS_SAID] = {"class_said", SELECT_FLAG, 0,
	    "it says another class than the one that was set"},
};

enum { OPS_EQUAL = 1, OPS_ORDER = 2, OPS_GLOB = 4 };

static const struct op {
	enum select_tok tok;
	const char *text;
	unsigned group;
	uint8_t want;
} ops[] = {
	{TOK_EQ, "==", OPS_EQUAL, CMP_EQUAL},
	{TOK_NE, "!=", OPS_EQUAL, CMP_OTHER},
	{TOK_LT, "<", OPS_ORDER, CMP_LESS},
	{TOK_LE, "<=", OPS_ORDER, CMP_LESS | CMP_EQUAL},
	{TOK_GT, ">", OPS_ORDER, CMP_MORE},
	{TOK_GE, ">=", OPS_ORDER, CMP_MORE | CMP_EQUAL},
	{TOK_GLOB, "~", OPS_GLOB, CMP_EQUAL},
	{TOK_NGLOB, "!~", OPS_GLOB, CMP_OTHER},
};

static const struct kind {
	unsigned groups;
	const char *advice;
} kinds[SELECT_TYPES] = {
	[SELECT_ID] = {OPS_EQUAL, "it has == != in"},
	[SELECT_TEXT] = {OPS_EQUAL | OPS_GLOB, "it has == != ~ !~ in"},
	[SELECT_NUMBER] = {OPS_EQUAL | OPS_ORDER,
	    "it has == != < <= > >= in"},
	[SELECT_GRADE] = {OPS_EQUAL | OPS_ORDER, "it has == != < <= > >= in"},
	[SELECT_AGE] = {OPS_ORDER, "it has < <= > >="},
	[SELECT_FLAG] = {0, "it is yes or no: alone, or behind a !"},
};

/* The nearest to `said` of what has been offered. */
struct nearest {
	const char *said, *best;
	unsigned distance;
};

static void
offer(struct nearest *n, const char *word, const char *shown)
{
	unsigned d = near_distance(n->said, word);

	if (near_match(n->said, word) &&
	    (n->best == NULL || d < n->distance)) {
		n->best = shown;
		n->distance = d;
	}
}

/* The part up to the first dot: of tags the names are not known here. */
static void
head(const char *word, char *dst, size_t cap)
{
	snprintf(dst, cap, "%.*s", (int)strcspn(word, "."), word);
}

static int
no_attr(struct select_parser *p)
{
	char said[NEAR_MAX + 2], name[NEAR_MAX + 2], all[128], shown[48];
	struct nearest near = {.said = said};
	struct buf b = buf_of(all, sizeof(all));

	head(p->word, said, sizeof(said));
	for (int i = 0; i < SELECT_ATTRS; i++) {
		head(select_attrs[i].name, name, sizeof(name));
		offer(&near, name, select_attrs[i].name);
		buf_puts(&b, " ");
		buf_puts(&b, select_attrs[i].name);
	}
	select_found(p, shown, sizeof(shown));
	if (near.best != NULL)
		return select_refuse(p, ERR_NOT_FOUND, p->at,
		    "no attribute %s, the nearest is %s", shown, near.best);
	return select_refuse(p, ERR_NOT_FOUND, p->at,
	    "no attribute %s, expected one of%.*s", shown, (int)b.n, all);
}

/* Offset of a copy in the pool. The pool is as large as the text, and each
 * string comes from behind a sign, a dot or `in` of the text that is not
 * copied, hence there is always room for the NUL. */
static uint16_t
keep(struct select_parser *p, const char *s)
{
	size_t at = p->pool.n;

	buf_put(&p->pool, slice_of(s, strlen(s) + 1));
	return (uint16_t)at;
}

static int
tag_name(struct select_parser *p, const char *name, struct select_node *n)
{
	size_t at = p->at + (size_t)(name - p->word), len = strlen(name);

	if (len == 0)
		return select_refuse(p, ERR_MALFORMED, at,
		    "expected a tag's name behind the dot");
	if (len > LIMIT_TAG_NAME)
		return select_refuse(p, ERR_SIZE, at,
		    "a tag's name has at most %d bytes", LIMIT_TAG_NAME);
	if (!text_name_ok(slice_str(name), LIMIT_TAG_NAME))
		return select_refuse(p, ERR_MALFORMED, at,
		    "a tag's name is made of letters, digits and . _ : @ -");
	n->name = keep(p, name);
	return 0;
}

int
select_attr(struct select_parser *p, struct select_node *ret)
{
	struct select_node n = {.want = CMP_ANY};
	int i = 0, rc = 0;

	if (strncmp(p->word, "tag.", 4) == 0) {
		i = SELECT_TAG;
		rc = tag_name(p, p->word + 4, &n);
	} else {
		while (i < SELECT_ATTRS &&
		    strcmp(p->word, select_attrs[i].name) != 0)
			i++;
		if (i == SELECT_ATTRS)
			return no_attr(p);
	}
	if (rc != 0)
		return rc;
	n.attr = (uint8_t)i;
	if (i == SELECT_SEEN) { /* ever seen: less than never ago */
		n.want = CMP_LESS;
		n.number = AGE_NEVER;
	}
	*ret = n;
	return 0;
}

int
select_op(struct select_parser *p, enum select_tok tok,
    struct select_node *n)
{
	const struct select_attr *attr = &select_attrs[n->attr];
	const struct kind *kind = &kinds[attr->type];
	const struct op *op = ops;

	while (op->tok != tok)
		op++;
	if ((kind->groups & op->group) == 0)
		return select_refuse(p, ERR_TYPE, p->at,
		    "%s has no %s, %s", attr->name,
		    p->tok == TOK_WORD ? "in" : op->text, kind->advice);
	n->want = op->want;
	n->glob = op->group == OPS_GLOB;
	return 0;
}

static int
wrong(struct select_parser *p, const struct select_node *n, const char *what)
{
	char found[48];

	return select_refuse(p, ERR_TYPE, p->at,
	    "%s is compared with %s, found %s", select_attrs[n->attr].name,
	    what, select_found(p, found, sizeof(found)));
}

static int
class_id(struct select_parser *p, struct select_node *n)
{
	struct slice name = slice_str(p->word);
	struct nearest near = {.said = p->word};
	char shown[48];

	if ((p->conf != NULL ? conf_class(p->conf, name, n->id) :
	    text_uuid_parse(name, n->id)) == 0)
		return 0;
	for (size_t i = 0; p->conf != NULL && i < p->conf->alias_count; i++)
		offer(&near, p->conf->alias[i].name, p->conf->alias[i].name);
	select_found(p, shown, sizeof(shown));
	if (near.best != NULL)
		return select_refuse(p, ERR_NOT_FOUND, p->at,
		    "no class alias %s, the nearest is %s", shown, near.best);
	return select_refuse(p, ERR_NOT_FOUND, p->at, "no class alias %s, "
	    "expected one of suitd.conf or a UUID", shown);
}

/* SUIT's vendor ids are made of the vendor's domain name (RFC 9562 5.5). */
static int
vendor_id(struct select_parser *p, struct select_node *n)
{
	struct slice name = slice_str(p->word);
	int rc;

	if (text_uuid_parse(name, n->id) == 0)
		return 0;
	if (!text_name_ok(name, LIMIT_SELECT) || strpbrk(p->word, ":@") != NULL)
		return wrong(p, n, "a domain name or a UUID");
	rc = text_uuid5(text_uuid_dns, name, n->id);
	return rc == 0 ? 0 :
	    select_refuse(p, rc, p->at, "%s", err_text(rc));
}

/* A pattern that asks for more bytes than there can be is a mistake too. */
static int
text(struct select_parser *p, struct select_node *n)
{
	size_t max = select_attrs[n->attr].max, len = 0;

	for (const char *s = p->word; *s != '\0'; s++)
		len += !n->glob || *s != '*';
	if (len > max)
		return select_refuse(p, ERR_SIZE, p->at,
		    "%s has at most %zu bytes", select_attrs[n->attr].name,
		    max);
	n->value = keep(p, p->word);
	return 0;
}

static int
number(struct select_parser *p, struct select_node *n)
{
	int rc = text_u64(slice_str(p->word), &n->number);

	if (rc == ERR_RANGE)
		return select_refuse(p, rc, p->at,
		    "a number has at most 64 bits");
	return rc == 0 ? 0 : wrong(p, n, "a number");
}

static int
grade(struct select_parser *p, struct select_node *n)
{
	if (p->word[0] != 'L' || p->word[1] < '0' || p->word[1] > '2' ||
	    p->word[2] != '\0')
		return wrong(p, n, "L0, L1 or L2");
	n->number = (uint64_t)(p->word[1] - '0');
	return 0;
}

static int
age(struct select_parser *p, struct select_node *n)
{
	int64_t s = 0;
	int rc = text_duration(slice_str(p->word), &s);

	if (rc == ERR_RANGE || s > INT64_MAX / 1000)
		return select_refuse(p, ERR_RANGE, p->at,
		    "a duration that is too long");
	if (rc != 0)
		return wrong(p, n, "a duration, as 90s 15m 1h 7d");
	n->number = (uint64_t)s * 1000;
	return 0;
}

int
select_value(struct select_parser *p, struct select_node *n)
{
	static int (*const read[SELECT_ATTRS])(struct select_parser *,
	    struct select_node *) = {
		[SELECT_CLASS] = class_id,
		[SELECT_VENDOR] = vendor_id,
		[SELECT_EP] = text,
		[SELECT_VERSION] = text,
		[SELECT_SEQ] = number,
		[SELECT_SEEN] = age,
		[SELECT_GRADE_OF] = grade,
		[SELECT_DRIVER] = text,
		[SELECT_TAG] = text,
	};
	enum select_type type = select_attrs[n->attr].type;
	const char *wild = strpbrk(p->word, "*?");

	if (p->tok != TOK_WORD && p->tok != TOK_QUOTED)
		return select_expected(p, "a value");
	if (p->tok == TOK_QUOTED && type != SELECT_TEXT && type != SELECT_ID)
		return wrong(p, n, "a value without quotes");
	if (p->tok == TOK_WORD && wild != NULL && !n->glob)
		return select_refuse(p, ERR_MALFORMED,
		    p->at + (size_t)(wild - p->word), "%c is for patterns, "
		    "behind ~ or !~, or goes into quotes", *wild);
	return read[n->attr](p, n);
}
