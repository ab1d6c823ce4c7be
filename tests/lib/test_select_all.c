/*
 * select at its limits, and against a naive reading of it: random trees are
 * printed, parsed back and compared with an evaluator that walks the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/backoff.h"
#include "lib/select.h"

#define NOW INT64_C(1700000000000)
#define DAY INT64_C(86400000)

static int
parse(const char *text, struct select *s, unsigned *column)
{
	*column = 0;
	return select_parse(text, NULL, s, column, NULL);
}

/* `head`, n times `piece`, `tail`. */
static const char *
repeat(const char *head, const char *piece, size_t n, const char *tail)
{
	static char text[4096];
	struct buf b = buf_of(text, sizeof(text) - 1);

	buf_puts(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_puts(&b, piece);
	buf_puts(&b, tail);
	assert_false(b.over);
	text[b.n] = '\0';
	return text;
}

static void
caps_hold_at_their_number_and_not_one_past(void **state)
{
	static const struct {
		const char *head, *piece;
		size_t n; /* pieces at the cap */
		const char *tail;
		int err; /* with one piece more, */
		size_t column; /* told there */
	} cases[] = {
		{"psk", " ", LIMIT_SELECT - 3, "", ERR_SIZE,
		    LIMIT_SELECT + 1},
		{"", " ", LIMIT_SELECT, "", ERR_SIZE, LIMIT_SELECT + 1},
		{"psk", "||psk", LIMIT_SELECT_NODES - 1, "", ERR_SIZE,
		    5 * LIMIT_SELECT_NODES + 1},
		{"seq in (0", ",1", LIMIT_SELECT_VALUES - 1, ")", ERR_SIZE,
		    2 * LIMIT_SELECT_VALUES + 9},
		{"ep in (a)||seq in (0", ",1", LIMIT_SELECT_VALUES - 2, ")",
		    ERR_SIZE, 2 * LIMIT_SELECT_VALUES + 18},
		{"", "(", LIMIT_SELECT_DEPTH, "psk))))))))))))))))",
		    ERR_DEPTH, LIMIT_SELECT_DEPTH + 1},
		{"tag.", "n", LIMIT_TAG_NAME, "", ERR_SIZE, 5},
		{"tag.n==", "v", LIMIT_TAG_VALUE, "", ERR_SIZE, 8},
		{"tag.n~*", "v", LIMIT_TAG_VALUE, "*", ERR_SIZE, 7},
		{"ep==", "e", LIMIT_EP, "", ERR_SIZE, 5},
		{"ep~*", "?", LIMIT_EP, "*", ERR_SIZE, 4},
		{"version in (", "v", LIMIT_VERSION, ")", ERR_SIZE, 13},
	};
	struct select s;
	unsigned column;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = repeat(cases[i].head, cases[i].piece,
		    cases[i].n, cases[i].tail);
		int rc = parse(text, &s, &column);

		if (rc != 0)
			fail_msg("%s: %s", text, err_name(rc));
		text = repeat(cases[i].head, cases[i].piece, cases[i].n + 1,
		    cases[i].tail);
		rc = parse(text, &s, &column);
		if (rc != cases[i].err || column != cases[i].column)
			fail_msg("%s: %s, column %u", text, err_name(rc),
			    column);
	}
}

/* Neither many nots nor parentheses beside each other are deep. */
static void
depth_counts_what_is_open(void **state)
{
	struct select s;
	unsigned column;

	(void)state;
	assert_int_equal(parse(repeat("", "!", 500, "psk"), &s, &column), 0);
	assert_int_equal(parse(repeat("psk", "||(psk)", 60, ""), &s, &column),
	    0);
}

/* All of the text in strings, so that the pool is as full as it gets. */
static void
strings_as_long_as_the_text_fit(void **state)
{
	static const struct rd_tag tag = {"a", "b"};
	struct select_subject d = {.tag_count = 1, .tag = &tag};
	struct select s;
	unsigned column;

	(void)state;
	assert_int_equal(parse(repeat("", "tag.c=d||", 56, "tag.a=b"), &s,
	    &column), 0);
	assert_true(select_match(&s, &d, 0));
	assert_int_equal(parse(repeat("driver=", "x", LIMIT_SELECT - 7, ""),
	    &s, &column), 0);
	d.driver = repeat("", "x", LIMIT_SELECT - 7, "");
	assert_true(select_match(&s, &d, 0));
	d.driver = repeat("", "x", LIMIT_SELECT - 8, "");
	assert_false(select_match(&s, &d, 0));
}

static bool
globs(const char *pattern, const char *value)
{
	struct select_subject d = {.driver = value};
	char text[LIMIT_SELECT + 1];
	struct select s;
	unsigned column;

	snprintf(text, sizeof(text), "driver ~ '%s'", pattern);
	assert_int_equal(parse(text, &s, &column), 0);
	return select_match(&s, &d, 0);
}

static void
patterns_match_the_whole_text(void **state)
{
	static const struct {
		const char *pattern, *value;
		bool yes;
	} cases[] = {
		{"abc", "abc", true}, {"abc", "abcd", false},
		{"abc", "ab", false}, {"", "a", false},
		{"*", "a", true}, {"**", "a", true}, {"***a", "a", true},
		{"?", "a", true}, {"?", "ab", false}, {"??", "a", false},
		{"a*", "a", true}, {"a*", "abc", true}, {"a*", "ba", false},
		{"*a", "a", true}, {"*a", "aba", true}, {"*a", "ab", false},
		{"*b*", "abc", true}, {"*b*", "ac", false},
		{"a*c", "abcbc", true}, {"a*c", "abcb", false},
		{"a*b*c", "aXbYbZc", true}, {"a*b*c", "acb", false},
		{"*ab", "aab", true}, {"*aab", "aaab", true},
		{"a?c", "abc", true}, {"a?c", "ac", false},
		{"*?", "a", true}, {"?*?", "a", false}, {"?*?", "ab", true},
		{"?", "\xc3\xb6", true}, {"??", "\xc3\xb6", false},
		{"*?", "\xe2\x82\xac", true}, {"??", "\xf0\x9f\x98\x80z", true},
		{"*??", "\xe2\x82\xac", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (globs(cases[i].pattern, cases[i].value) != cases[i].yes)
			fail_msg("%s on %s", cases[i].pattern,
			    cases[i].value);
}

/*
 * Where trying every star anew takes longer than the universe: this test
 * would not end. 100 stars on 100 000 bytes.
 */
static void
patterns_do_not_explode(void **state)
{
	static char value[100001];
	char pattern[256];

	(void)state;
	memset(value, 'a', sizeof(value) - 1);
	snprintf(pattern, sizeof(pattern), "%s",
	    repeat("", "a*", 100, "b"));
	assert_false(globs(pattern, value));
	value[sizeof(value) - 2] = 'b';
	assert_true(globs(pattern, value));
}

struct expect {
	const char *text;
	const char *tag_name, *tag_value, *prefix;
	bool exact, have_class;
};

#define UUID1 "00000000000000000000000000000001"

static void
hints_come_from_what_every_match_must_have(void **state)
{
	static const struct expect cases[] = {
		{"", "", "", "", false, false},
		{"class == " UUID1, "", "", "", false, true},
		{"class in (" UUID1 ")", "", "", "", false, true},
		{"class != " UUID1, "", "", "", false, false},
		{"class", "", "", "", false, false},
		{"!(class == " UUID1 ")", "", "", "", false, false},
		{"!!(class == " UUID1 ")", "", "", "", false, true},
		{"!(!(class == " UUID1 ") || psk)", "", "", "", false, true},
		{"psk && seq < 7 && class == " UUID1, "", "", "", false,
		    true},
		{"class == " UUID1 " || psk", "", "", "", false, false},
		{"class == " UUID1 " && (psk || tag.a == b)", "", "", "",
		    false, true},
		{"tag.a == b", "a", "b", "", false, false},
		{"tag.a != b", "a", "", "", false, false},
		{"tag.a ~ b*", "a", "", "", false, false},
		{"tag.a == ''", "a", "", "", false, false},
		{"tag.a", "a", "", "", false, false},
		{"!tag.a", "", "", "", false, false},
		{"tag.a && tag.b == c", "b", "c", "", false, false},
		{"tag.b == c && tag.a && tag.d == e", "b", "c", "", false,
		    false},
		{"tag.a in (b, c)", "", "", "", false, false},
		{"tag.a not in (b, c)", "a", "", "", false, false},
		{"ep == x", "", "", "x", true, false},
		{"ep ~ 'x*'", "", "", "x", false, false},
		{"ep ~ x?y", "", "", "x", false, false},
		{"ep ~ *x", "", "", "", false, false},
		{"ep ~ xy", "", "", "xy", true, false},
		{"ep != x", "", "", "", false, false},
		{"ep !~ x*", "", "", "", false, false},
		{"ep ~ x* && ep ~ xyz* && ep ~ xy*", "", "", "xyz", false,
		    false},
		{"ep ~ xyz* && ep == xy", "", "", "xy", true, false},
		{"ep == xy && ep ~ xyz*", "", "", "xy", true, false},
		{"ep == x && tag.a == b && class == " UUID1, "a", "b", "x",
		    true, true},
	};
	struct select_hint h;
	struct select s;
	unsigned column;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct expect *c = &cases[i];

		assert_int_equal(parse(c->text, &s, &column), 0);
		select_hint(&s, &h);
		if (strcmp(h.tag_name, c->tag_name) != 0 ||
		    strcmp(h.tag_value, c->tag_value) != 0 ||
		    strcmp(h.prefix, c->prefix) != 0 ||
		    h.exact != c->exact || h.have_class != c->have_class)
			fail_msg("%s: tag %s=%s prefix %s", c->text,
			    h.tag_name, h.tag_value, h.prefix);
		assert_int_equal(h.class_id[15], c->have_class);
	}
}

static void
hints_hold_the_longest_names(void **state)
{
	struct select_hint h;
	struct select s;
	unsigned column;
	char ep[LIMIT_EP + 1];

	(void)state;
	strcpy(ep, repeat("", "e", LIMIT_EP, ""));
	assert_int_equal(parse(repeat("ep ~ *", "e", LIMIT_EP, "*"), &s,
	    &column), 0);
	assert_int_equal(parse(repeat("ep ~ ", "e", LIMIT_EP, "**"), &s,
	    &column), 0);
	select_hint(&s, &h);
	assert_string_equal(h.prefix, ep);
	assert_false(h.exact);
	assert_int_equal(parse(repeat("tag.a == ", "v", LIMIT_TAG_VALUE, ""),
	    &s, &column), 0);
	select_hint(&s, &h);
	assert_int_equal(strlen(h.tag_value), LIMIT_TAG_VALUE);
	assert_int_equal(parse(repeat("tag.", "n", LIMIT_TAG_NAME, ""), &s,
	    &column), 0);
	select_hint(&s, &h);
	assert_int_equal(strlen(h.tag_name), LIMIT_TAG_NAME);
}

static void
tags_are_needed_only_where_they_are_named(void **state)
{
	struct select s;
	unsigned column;

	(void)state;
	assert_int_equal(parse("ep == tag.a && seq < 7", &s, &column), 0);
	assert_false(select_uses_tags(&s));
	assert_int_equal(parse("", &s, &column), 0);
	assert_false(select_uses_tags(&s));
	assert_int_equal(parse("psk || (psk && !tag.a)", &s, &column), 0);
	assert_true(select_uses_tags(&s));
}

/* --- random expressions --- */

struct world {
	struct select_subject d;
	uint8_t class_id[16], vendor[16];
	char ep[8], version[8], tag_a;
	struct rd_tag tag[2];
};

#define LEAF(name, expr) \
	static bool name(const struct world *w) { return expr; }
LEAF(class_1, w->d.have_class && w->class_id[15] == 1)
LEAF(class_not_1, w->d.have_class && w->class_id[15] != 1)
LEAF(vendor_any, w->vendor[15] != 0)
LEAF(ep_ab, strcmp(w->ep, "ab") == 0)
LEAF(ep_a_star, w->ep[0] == 'a')
LEAF(ep_not_star_b, w->ep[strlen(w->ep) - 1] != 'b')
LEAF(version_1, strcmp(w->version, "1") == 0)
LEAF(version_other, w->version[0] != '\0' && w->version[0] != '1')
LEAF(seq_below_3, w->d.have_seq && w->d.seq < 3)
LEAF(seq_from_2, w->d.have_seq && w->d.seq >= 2)
LEAF(seq_list, w->d.have_seq && (w->d.seq == 1 || w->d.seq == 3))
LEAF(seq_off_list, w->d.have_seq && w->d.seq != 1 && w->d.seq != 3)
LEAF(seen_today, w->d.seen > 0 && NOW - w->d.seen < DAY)
LEAF(seen_long_ago, w->d.seen == 0 || NOW - w->d.seen > DAY)
LEAF(grade_l1, w->d.grade == GRADE_L1)
LEAF(grade_some, w->d.grade > GRADE_L0)
LEAF(tag_a, w->tag_a != '\0')
LEAF(tag_a_x, w->tag_a == 'x')
LEAF(tag_a_not_x, w->tag_a == 'y')
LEAF(tag_b, w->d.tag_count == 2)
LEAF(psk, w->d.psk)
LEAF(revoked, w->d.revoked)

/* A test and what it says, written down a second time. */
static const struct leaf {
	const char *text;
	bool (*holds)(const struct world *);
} leaves[] = {
	{"class == " UUID1, class_1}, {"class != " UUID1, class_not_1},
	{"vendor", vendor_any}, {"ep == ab", ep_ab},
	{"ep ~ 'a*'", ep_a_star}, {"ep!~*b", ep_not_star_b},
	{"version=\"1\"", version_1}, {"version != 1", version_other},
	{"seq<3", seq_below_3}, {"seq >= 2", seq_from_2},
	{"seq in (1,3)", seq_list}, {"seq not in ( 3 , 1 )", seq_off_list},
	{"seen < 1d", seen_today}, {"seen > 24h", seen_long_ago},
	{"grade == L1", grade_l1}, {"grade > L0", grade_some},
	{"tag.a", tag_a}, {"tag.a == x", tag_a_x}, {"tag.a != x", tag_a_not_x},
	{"tag.b == ''", tag_b}, {"psk", psk}, {"revoked", revoked},
};
#define LEAVES (sizeof(leaves) / sizeof(leaves[0]))

static struct world
any_world(uint64_t *seed)
{
	uint64_t r = backoff_rand(seed);
	struct world w = {.d.have_class = r & 1, .d.have_seq = r >> 1 & 1,
	    .d.psk = r >> 2 & 1, .d.revoked = r >> 3 & 1,
	    .d.seq = r >> 4 & 3, .d.grade = (enum grade)((r >> 6) % 3),
	    .tag_a = "\0xy"[(r >> 8) % 3], .d.tag_count = 0};

	w.class_id[15] = (uint8_t)(1 + (r >> 12 & 1));
	w.vendor[15] = r >> 13 & 1;
	strcpy(w.ep, (const char *[]){"a", "ab", "b", "cb"}[r >> 14 & 3]);
	strcpy(w.version, (const char *[]){"", "1", "2", "3"}[r >> 16 & 3]);
	w.d.seen = (const int64_t[]){0, NOW - DAY / 2, NOW - 2 * DAY,
	    NOW}[r >> 18 & 3];
	if (w.tag_a != '\0')
		w.tag[w.d.tag_count++] = (struct rd_tag){"a", {w.tag_a}};
	if (r >> 20 & 1 && w.tag_a != '\0')
		w.tag[w.d.tag_count++] = (struct rd_tag){"b", ""};
	return w;
}

static struct select_subject
subject(const struct world *w)
{
	struct select_subject d = w->d;

	d.ep = w->ep;
	d.class_id = w->class_id;
	d.vendor = w->vendor;
	d.version = w->version;
	d.tag = w->tag;
	return d;
}

enum kind { LEAF_KIND, NOT_KIND, AND_KIND, OR_KIND };

struct tree {
	enum kind kind;
	size_t leaf;
	int a, b; /* indices of children */
};

struct forest {
	struct tree t[128];
	int n;
	uint64_t seed;
};

static int
grow(struct forest *f, int depth)
{
	uint64_t r = backoff_rand(&f->seed);
	int i = f->n++;
	struct tree *t = &f->t[i];

	t->kind = depth == 0 ? LEAF_KIND : (enum kind)(r & 3);
	t->leaf = (r >> 8) % LEAVES;
	if (t->kind != LEAF_KIND)
		t->a = grow(f, depth - 1);
	if (t->kind > NOT_KIND)
		t->b = grow(f, depth - 1);
	return i;
}

static bool
naive(const struct forest *f, int i, const struct world *w)
{
	const struct tree *t = &f->t[i];

	switch (t->kind) {
	case LEAF_KIND:
		return leaves[t->leaf].holds(w);
	case NOT_KIND:
		return !naive(f, t->a, w);
	case AND_KIND:
		return (int)naive(f, t->a, w) & (int)naive(f, t->b, w);
	case OR_KIND:
		return (int)naive(f, t->a, w) | (int)naive(f, t->b, w);
	}
	return false;
}

/* With parentheses only where the precedence needs them, or luck wants. */
static void
print(struct forest *f, int i, enum kind around, struct buf *out)
{
	static const char *const sign[][2] = {
		[NOT_KIND] = {"!", "not "}, [AND_KIND] = {"&&", " and "},
		[OR_KIND] = {" || ", " or "},
	};
	const struct tree *t = &f->t[i];
	uint64_t r = backoff_rand(&f->seed);
	bool paren = (t->kind > around && around != LEAF_KIND) || r % 8 == 0;

	if (paren)
		buf_puts(out, "(");
	if (t->kind == LEAF_KIND) {
		buf_puts(out, leaves[t->leaf].text);
	} else if (t->kind == NOT_KIND) {
		buf_puts(out, sign[NOT_KIND][r >> 8 & 1]);
		print(f, t->a, NOT_KIND, out);
	} else {
		print(f, t->a, t->kind, out);
		buf_puts(out, sign[t->kind][r >> 8 & 1]);
		print(f, t->b, t->kind, out);
	}
	if (paren)
		buf_puts(out, ")");
}

/* The device satisfies the hint, as an index would have it. */
static bool
hinted(const struct select_hint *h, const struct world *w)
{
	bool tag = h->tag_name[0] == '\0';

	for (size_t i = 0; i < w->d.tag_count; i++)
		tag = tag || (strcmp(w->tag[i].name, h->tag_name) == 0 &&
		    (h->tag_value[0] == '\0' ||
		    strcmp(w->tag[i].value, h->tag_value) == 0));
	if (h->have_class && (!w->d.have_class ||
	    memcmp(h->class_id, w->class_id, 16) != 0))
		return false;
	if (h->exact && strcmp(h->prefix, w->ep) != 0)
		return false;
	return tag && strncmp(h->prefix, w->ep, strlen(h->prefix)) == 0;
}

static void
random_expressions_mean_what_they_say(void **state)
{
	size_t parsed = 0, matched = 0, hints = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20000; seed++) {
		static struct forest f;
		char text[LIMIT_SELECT + 1];
		struct buf b = buf_of(text, LIMIT_SELECT);
		struct select_hint h;
		struct select s;
		unsigned column;

		f.n = 0;
		f.seed = seed;
		print(&f, grow(&f, (int)(seed % 6)), OR_KIND, &b);
		text[b.n] = '\0';
		if (b.over || b.n == LIMIT_SELECT)
			continue;
		if (parse(text, &s, &column) != 0)
			fail_msg("seed %d column %u: %s", (int)seed, column,
			    text);
		parsed++;
		select_hint(&s, &h);
		hints += h.have_class || h.tag_name[0] || h.prefix[0];
		for (int k = 0; k < 50; k++) {
			struct world w = any_world(&f.seed);
			struct select_subject d = subject(&w);
			bool yes = select_match(&s, &d, NOW);

			if (yes != naive(&f, 0, &w))
				fail_msg("seed %d: %s", (int)seed, text);
			if (yes && !hinted(&h, &w))
				fail_msg("seed %d, hint: %s", (int)seed,
				    text);
			matched += yes;
		}
	}
	assert_true(parsed > 15000);
	assert_true(hints > 1500);
	assert_true(matched > parsed * 10 && matched < parsed * 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caps_hold_at_their_number_and_not_one_past),
		cmocka_unit_test(depth_counts_what_is_open),
		cmocka_unit_test(strings_as_long_as_the_text_fit),
		cmocka_unit_test(patterns_match_the_whole_text),
		cmocka_unit_test(patterns_do_not_explode),
		cmocka_unit_test(hints_come_from_what_every_match_must_have),
		cmocka_unit_test(hints_hold_the_longest_names),
		cmocka_unit_test(tags_are_needed_only_where_they_are_named),
		cmocka_unit_test(random_expressions_mean_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
