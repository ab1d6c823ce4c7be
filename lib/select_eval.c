/*
 * Matching: a walk over the row of tests that select.c made. A comparison
 * answers with one of the CMP_ bits, or with none where the device has no
 * such value, and the node knows which bits it wants: every operator and the
 * rule of missing values are one `&`.
 */
#include "lib/select_impl.h"
#include "lib/text.h"

static unsigned
order(uint64_t a, uint64_t b)
{
	return a < b ? CMP_LESS : a > b ? CMP_MORE : CMP_EQUAL;
}

/* Of what can only be equal or not. */
static unsigned
same(bool equal)
{
	return equal ? CMP_EQUAL : CMP_LESS;
}

static unsigned
compare_text(const struct select *s, const struct select_node *n,
    const char *value)
{
	const char *want = s->pool + n->value;

	if (n->want == CMP_ANY)
		return CMP_EQUAL;
	return same(n->glob ? text_glob(want, value) : strcmp(want, value) == 0);
}

static unsigned
compare_field(const struct select *s, const struct select_node *n,
    const char *value)
{
	if (value == NULL || value[0] == '\0')
		return 0;
	return compare_text(s, n, value);
}

static unsigned
compare_tag(const struct select *s, const struct select_node *n,
    const struct select_subject *d)
{
	for (size_t i = 0; i < d->tag_count; i++)
		if (strcmp(d->tag[i].name, s->pool + n->name) == 0)
			return compare_text(s, n, d->tag[i].value);
	return 0;
}

static unsigned
compare_vendor(const struct select_node *n, const uint8_t *vendor)
{
	static const uint8_t none[16];

	if (vendor == NULL || memcmp(vendor, none, 16) == 0)
		return 0;
	return same(memcmp(vendor, n->id, 16) == 0);
}

static uint64_t
age(int64_t seen, int64_t now)
{
	if (seen <= 0)
		return AGE_NEVER;
	return seen < now ? (uint64_t)(now - seen) : 0;
}

static unsigned
compare(const struct select *s, const struct select_node *n,
    const struct select_subject *d, int64_t now)
{
	switch ((enum select_attr_id)n->attr) {
	case SELECT_CLASS:
		return !d->have_class ? 0 :
		    same(memcmp(d->class_id, n->id, 16) == 0);
	case SELECT_VENDOR:
		return compare_vendor(n, d->vendor);
	case SELECT_EP:
		return compare_field(s, n, d->ep);
	case SELECT_VERSION:
		return compare_field(s, n, d->version);
	case SELECT_SEQ:
		return !d->have_seq ? 0 : order(d->seq, n->number);
	case SELECT_SEEN:
		return order(age(d->seen, now), n->number);
	case SELECT_GRADE_OF:
		return order((uint64_t)d->grade, n->number);
	case SELECT_DRIVER:
		return compare_field(s, n, d->driver);
	case SELECT_TAG:
		return compare_tag(s, n, d);
	case SELECT_PSK:
		return d->psk ? CMP_EQUAL : 0;
	case SELECT_REGISTERED:
		return d->registered ? CMP_EQUAL : 0;
	case SELECT_REVOKED:
		return d->revoked ? CMP_EQUAL : 0;
	case SELECT_AHEAD:
		return d->ahead ? CMP_EQUAL : 0;
	case SELECT_TWIN:
		return d->twin ? CMP_EQUAL : 0;
	case SELECT_CLASS_SET:
		return d->class_set ? CMP_EQUAL : 0;
	case SELECT_CLASS_SAID:
		return d->class_said ? CMP_EQUAL : 0;
	case SELECT_ATTRS:
		break;
	}
	return 0;
}

bool
select_match(const struct select *s, const struct select_subject *d,
    int64_t now)
{
	unsigned i = s->count > 0 ? 0 : WALK_YES;

	while (i < s->count) {
		const struct select_node *n = &s->node[i];

		i = (compare(s, n, d, now) & n->want) != 0 ? n->yes : n->no;
	}
	return i == WALK_YES;
}

/*
 * Is node `must` true in every match? Yes, when no walk ends well once its
 * `yes` is closed. Targets lie further on, so one pass reaches everything.
 */
static bool
required(const struct select *s, size_t must)
{
	bool reached[WALK_NO + 1] = {[0] = true};

	for (size_t i = 0; i < s->count; i++) {
		if (!reached[i])
			continue;
		if (i != must)
			reached[s->node[i].yes] = true;
		reached[s->node[i].no] = true;
	}
	return !reached[WALK_YES];
}

/* A tag with its value beats a tag: it leaves fewer devices. */
static void
hint_tag(const struct select *s, const struct select_node *n,
    struct select_hint *h)
{
	bool equal = n->want == CMP_EQUAL && !n->glob;
	const char *value = equal ? s->pool + n->value : "";

	if (h->tag_name[0] != '\0' &&
	    (h->tag_value[0] != '\0' || value[0] == '\0'))
		return;
	strcpy(h->tag_name, s->pool + n->name);
	strcpy(h->tag_value, value);
}

/* The whole name beats a prefix, a longer prefix a shorter one. */
static void
hint_ep(const struct select *s, const struct select_node *n,
    struct select_hint *h)
{
	const char *value = s->pool + n->value;
	size_t len = n->glob ? strcspn(value, "*?") : strlen(value);
	bool exact = value[len] == '\0';

	if (n->want != CMP_EQUAL || h->exact || len == 0 ||
	    (!exact && len <= strlen(h->prefix)))
		return;
	memcpy(h->prefix, value, len);
	h->prefix[len] = '\0';
	h->exact = exact;
}

void
select_hint(const struct select *s, struct select_hint *ret)
{
	struct select_hint h = {0};

	for (size_t i = 0; i < s->count; i++) {
		const struct select_node *n = &s->node[i];

		if (!required(s, i))
			continue;
		if (n->attr == SELECT_TAG)
			hint_tag(s, n, &h);
		if (n->attr == SELECT_EP)
			hint_ep(s, n, &h);
		if (n->attr == SELECT_CLASS && n->want == CMP_EQUAL) {
			h.have_class = true;
			memcpy(h.class_id, n->id, 16);
		}
	}
	*ret = h;
}

bool
select_uses_tags(const struct select *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->node[i].attr == SELECT_TAG)
			return true;
	return false;
}
