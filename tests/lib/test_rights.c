/*
 * Rights as text and back, and what is in a scope: each cap and one past it,
 * each way in which a line can be wrong, and selections that only look
 * bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/rights.h"
#include "lib/text.h"

#define A "11111111-1111-1111-1111-111111111111"
#define B "22222222-2222-2222-2222-222222222222"

static int
parse(const char *text, struct rights *ret)
{
	struct why why;

	return rights_parse(slice_str(text), NULL, ret, &why);
}

static struct rights
good(const char *text)
{
	struct rights r = {.role = 0};

	assert_int_equal(parse(text, &r), 0);
	return r;
}

static void
what_is_printed_is_what_is_read(void **state)
{
	static const char *const lines[] = {
		"role=author",
		"role=author,operator,auditor,grant",
		"role=operator class=" A "," B
		    " tag=site:north,site:south campaign=north-*,x?",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct rights r = good(lines[i]);
		char text[LIMIT_RIGHTS + 1];
		struct buf b = buf_of(text, LIMIT_RIGHTS);

		rights_print(&r, &b);
		assert_false(b.over);
		text[b.n] = '\0';
		assert_string_equal(text, lines[i]);
	}
}

static void
order_and_blanks_are_free(void **state)
{
	struct rights r = good(" \tcampaign=c  role=grant,author\r");

	(void)state;
	assert_int_equal(r.role, ROLE_AUTHOR | ROLE_GRANT);
	assert_int_equal(r.scope.campaign_count, 1);
}

static void
a_class_may_be_an_alias(void **state)
{
	struct conf c = {.alias_count = 1};
	struct rights r;

	(void)state;
	strcpy(c.alias[0].name, "sensor");
	memset(c.alias[0].class_id, 0x11, 16);
	assert_int_equal(rights_parse(slice_str("role=author class=sensor"),
	    &c, &r, NULL), 0);
	assert_memory_equal(r.scope.class_id[0], c.alias[0].class_id, 16);
	assert_int_equal(parse("role=author class=sensor", &r),
	    ERR_NOT_FOUND);
}

static void
a_wrong_line_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		const char *text;
		int err;
	} bad[] = {
		{"", ERR_MISSING},
		{"class=" A, ERR_MISSING},
		{"role=", ERR_NOT_FOUND},
		{"role=device", ERR_NOT_FOUND},
		{"role=nobody", ERR_NOT_FOUND},
		{"role=Operator", ERR_NOT_FOUND},
		{"role=operator,", ERR_NOT_FOUND},
		{"role=author,author", ERR_DUPLICATE},
		{"role=author role=auditor", ERR_DUPLICATE},
		{"role=author all=yes", ERR_NOT_FOUND},
		{"role=author operator", ERR_NOT_FOUND},
		{"role=author class=", ERR_NOT_FOUND},
		{"role=author class=" A "," A, ERR_DUPLICATE},
		{"role=author tag=site", ERR_MALFORMED},
		{"role=author tag=:north", ERR_MALFORMED},
		{"role=author tag=site:", ERR_MALFORMED},
		{"role=author tag=site:\"a\"", ERR_MALFORMED},
		{"role=author tag=a:b,a:b", ERR_DUPLICATE},
		{"role=author campaign=", ERR_MALFORMED},
		{"role=author campaign=a/b", ERR_MALFORMED},
		{"role=author campaign=a,a", ERR_DUPLICATE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rights r, was;

		memset(&r, 0x5a, sizeof(r));
		was = r;
		if (parse(bad[i].text, &r) != bad[i].err)
			fail_msg("%s: %s, not %s", bad[i].text,
			    err_name(parse(bad[i].text, &r)),
			    err_name(bad[i].err));
		assert_memory_equal(&r, &was, sizeof(r));
	}
}

/* `n` values of a word, each another one that ends with `end`. */
static int
many(const char *word, const char *end, size_t n)
{
	char text[4 * LIMIT_RIGHTS] = "role=author ", one[200];
	struct rights r;

	strcat(text, word);
	for (size_t i = 0; i < n; i++) {
		snprintf(one, sizeof(one), "%s%08x%s", i > 0 ? "," : "",
		    (unsigned)i, end);
		strcat(text, one);
	}
	return parse(text, &r);
}

static void
each_cap_and_one_past_it(void **state)
{
	static const struct {
		const char *word, *end;
	} of[] = {
		{"class=", "-1111-1111-1111-111111111111"},
		{"tag=", ":north"},
		{"campaign=", "*"},
	};
	char text[LIMIT_RIGHTS + 2];
	struct rights r;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(many(of[i].word, of[i].end, LIMIT_SCOPE), 0);
		assert_int_equal(many(of[i].word, of[i].end,
		    LIMIT_SCOPE + 1), ERR_LIMIT);
	}
	memset(text, ' ', sizeof(text));
	memcpy(text, "role=author", 11);
	assert_int_equal(rights_parse(slice_of(text, LIMIT_RIGHTS), NULL, &r,
	    NULL), 0);
	assert_int_equal(rights_parse(slice_of(text, LIMIT_RIGHTS + 1), NULL,
	    &r, NULL), ERR_SIZE);
	/* names: at their caps and one past */
	snprintf(text, sizeof(text), "role=author campaign=%0*d",
	    LIMIT_KEY_NAME, 1);
	assert_int_equal(parse(text, &r), 0);
	snprintf(text, sizeof(text), "role=author campaign=%0*d",
	    LIMIT_KEY_NAME + 1, 1);
	assert_int_equal(parse(text, &r), ERR_MALFORMED);
	snprintf(text, sizeof(text), "role=author tag=%0*d:%0*d",
	    LIMIT_TAG_NAME, 1, LIMIT_TAG_VALUE, 1);
	assert_int_equal(parse(text, &r), 0);
	snprintf(text, sizeof(text), "role=author tag=%0*d:%0*d",
	    LIMIT_TAG_NAME, 1, LIMIT_TAG_VALUE + 1, 1);
	assert_int_equal(parse(text, &r), ERR_MALFORMED);
	snprintf(text, sizeof(text), "role=author tag=%0*d:%0*d",
	    LIMIT_TAG_NAME + 1, 1, LIMIT_TAG_VALUE, 1);
	assert_int_equal(parse(text, &r), ERR_MALFORMED);
}

/* The longest line that can be read can be printed. */
static void
the_longest_rights_fit_their_line(void **state)
{
	struct rights r = {.role = ROLES_ADMIN};
	uint8_t text[LIMIT_RIGHTS];
	struct buf b = buf_of(text, sizeof(text));
	struct scope *s = &r.scope;

	(void)state;
	s->class_count = s->tag_count = s->campaign_count = LIMIT_SCOPE;
	for (int i = 0; i < LIMIT_SCOPE; i++) {
		memset(s->class_id[i], i, 16);
		memset(s->tag[i].name, 'a' + i, LIMIT_TAG_NAME);
		memset(s->tag[i].value, 'a' + i, LIMIT_TAG_VALUE);
		memset(s->campaign[i], 'a' + i, LIMIT_KEY_NAME);
	}
	rights_print(&r, &b);
	assert_false(b.over);
	assert_int_equal(rights_parse(buf_slice(&b), NULL, &r, NULL), 0);
}

static void
an_empty_scope_bounds_nothing(void **state)
{
	struct scope s = {.class_count = 0};
	uint8_t id[2][16] = {{1}, {2}};

	(void)state;
	assert_true(scope_all(&s));
	assert_true(scope_has_class(&s, id[0]));
	assert_true(scope_has_classes(&s, (const uint8_t (*)[16])id, 2));
	assert_true(scope_has_classes(&s, NULL, 0));
	assert_true(scope_has_tags(&s, NULL, 0));
	assert_true(scope_has_campaign(&s, ""));
	assert_true(scope_has_select(&s, "anything"));
}

static void
REQ_SEC_ACCESS_CONTROL_a_scope_bounds_each_kind(void **state)
{
	struct scope s = good("role=operator class=" A
	    " tag=site:north,room:7 campaign=north-*").scope;
	const struct rd_tag north = {"site", "north"}, south = {"site",
	    "south"}, room = {"room", "7"}, other = {"room", "north"};
	const struct rd_tag both[] = {south, room};
	uint8_t id[2][16];

	(void)state;
	memset(id[0], 0x11, 16);
	memset(id[1], 0x22, 16);
	assert_false(scope_all(&s));
	assert_true(scope_has_class(&s, id[0]));
	assert_false(scope_has_class(&s, id[1]));
	assert_true(scope_has_classes(&s, (const uint8_t (*)[16])id, 1));
	assert_false(scope_has_classes(&s, (const uint8_t (*)[16])id, 2));
	assert_false(scope_has_classes(&s, NULL, 0));
	assert_true(scope_has_tags(&s, &north, 1));
	assert_false(scope_has_tags(&s, &south, 1));
	assert_false(scope_has_tags(&s, &other, 1));
	assert_true(scope_has_tags(&s, both, 2));
	assert_false(scope_has_tags(&s, NULL, 0));
	assert_true(scope_has_campaign(&s, "north-1"));
	assert_false(scope_has_campaign(&s, "south-1"));
	assert_false(scope_has_campaign(&s, "xnorth-1"));
}

static void
REQ_SEC_ACCESS_CONTROL_a_selection_is_bounded_or_only_looks_so(void **state)
{
	struct scope s = good("role=operator tag=site:n,site:s").scope;
	char text[200];
	struct buf b = buf_of(text, sizeof(text) - 1);
#define P "(tag.site == \"n\" or tag.site == \"s\")"
	static const char *const bounded[] = {
		P, P " and (ep ~ \"x*\")", P " and ((a) or (b))",
		P " and (ep == \")\" or (ep == '\\')('))",
	}, *const loose[] = {
		"", "ep ~ \"x*\"", P "x", P " and ep == x",
		P " or (class == a)", P " and (ep == a) or (ep == b)",
		P " and (ep == \"(\") or (ep == \")\")", P " and (ep == a",
		P " and ", P " and (ep == a))", P " and (ep == \"a)",
		"(tag.site == \"n\")", (" " P),
	};

	(void)state;
	scope_print_select(&s, &b);
	text[b.n] = '\0';
	assert_string_equal(text, P " and ");
	for (size_t i = 0; i < sizeof(bounded) / sizeof(bounded[0]); i++)
		if (!scope_has_select(&s, bounded[i]))
			fail_msg("%s is bounded", bounded[i]);
	for (size_t i = 0; i < sizeof(loose) / sizeof(loose[0]); i++)
		if (scope_has_select(&s, loose[i]))
			fail_msg("%s is not bounded", loose[i]);
}

static void
roles_have_names(void **state)
{
	char text[64];
	struct buf b = buf_of(text, sizeof(text) - 1);

	(void)state;
	rights_print_roles(ROLE_NOBODY, &b);
	assert_true(slice_eq_str(buf_slice(&b), "nobody"));
	b.n = 0;
	rights_print_roles(ROLE_DEVICE, &b);
	assert_true(slice_eq_str(buf_slice(&b), "device"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_is_what_is_read),
		cmocka_unit_test(order_and_blanks_are_free),
		cmocka_unit_test(a_class_may_be_an_alias),
		cmocka_unit_test(a_wrong_line_is_refused_and_changes_nothing),
		cmocka_unit_test(each_cap_and_one_past_it),
		cmocka_unit_test(the_longest_rights_fit_their_line),
		cmocka_unit_test(an_empty_scope_bounds_nothing),
		cmocka_unit_test(
		    REQ_SEC_ACCESS_CONTROL_a_scope_bounds_each_kind),
		cmocka_unit_test(
	    REQ_SEC_ACCESS_CONTROL_a_selection_is_bounded_or_only_looks_so),
		cmocka_unit_test(roles_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
