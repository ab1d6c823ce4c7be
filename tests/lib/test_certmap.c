#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/certmap.h"

static struct certmap map;

static int
parse(const char *text)
{
	struct why why = {0};
	int rc = certmap_parse(slice_str(text), &map, &why);

	assert_int_equal(why.err, rc);
	return rc;
}

#define N(k, t) {k, {(const uint8_t *)(t), sizeof(t) - 1}}

/* "" when it is refused, with the reason in *rc */
static const char *
apply(const struct certmap_name *name, size_t n, int *rc)
{
	static char ep[LIMIT_EP + 1];
	struct why why = {0};

	ep[0] = '\0';
	*rc = certmap_apply(&map, name, n, ep, &why);
	assert_int_equal(why.err, *rc);
	return ep;
}

static void
yields(const char *rules, enum certmap_kind kind, const char *text,
    const char *want)
{
	struct certmap_name name = {kind, slice_str(text)};
	int rc;

	assert_int_equal(parse(rules), 0);
	assert_string_equal(apply(&name, 1, &rc), want);
	assert_int_equal(rc, 0);
}

static void
refuses(const char *rules, enum certmap_kind kind, const char *text, int err)
{
	struct certmap_name name = {kind, slice_str(text)};
	int rc;

	assert_int_equal(parse(rules), 0);
	assert_string_equal(apply(&name, 1, &rc), "");
	assert_int_equal(rc, err);
}

static void
a_name_becomes_an_endpoint(void **state)
{
	(void)state;
	yields("cn", CERTMAP_CN, "dev7", "dev7");
	yields("cn:dev*", CERTMAP_CN, "dev7", "dev7");
	yields("cn:dev7", CERTMAP_CN, "dev7", "dev7");
	yields("cn:dev-(*)", CERTMAP_CN, "dev-7", "7");
	yields("cn:a(b*c)d", CERTMAP_CN, "abxcd", "bxc");
	yields("cn:a(bc)d", CERTMAP_CN, "abcd", "bc");
	yields("san-uri:urn:dev:*", CERTMAP_URI, "urn:dev:mac:0024befffe80",
	    "urn:dev:mac:0024befffe80");
	yields("san-uri:coaps://(*)", CERTMAP_URI, "coaps://d1", "d1");
	yields("subject-serial", CERTMAP_SERIAL, "SN0001", "SN0001");
}

static void
names_of_hosts_have_no_case(void **state)
{
	(void)state;
	yields("san-dns:(*).Dev.example", CERTMAP_DNS, "A7.dEV.EXAMPLE",
	    "a7");
	yields("san-dns", CERTMAP_DNS, "A7.Example", "a7.example");
	refuses("cn:DEV*", CERTMAP_CN, "dev7", ERR_NOT_FOUND);
}

static void
a_pattern_is_the_whole_and_a_star_is_not_nothing(void **state)
{
	(void)state;
	refuses("cn:dev*", CERTMAP_CN, "dev", ERR_NOT_FOUND);
	refuses("cn:dev7", CERTMAP_CN, "dev77", ERR_NOT_FOUND);
	refuses("cn:dev7", CERTMAP_CN, "dev", ERR_NOT_FOUND);
	refuses("cn:*.dev", CERTMAP_CN, ".dev", ERR_NOT_FOUND);
	refuses("cn:*.dev", CERTMAP_CN, "a.dev.evil", ERR_NOT_FOUND);
	refuses("cn:aa*aa", CERTMAP_CN, "aaa", ERR_NOT_FOUND);
	refuses("cn", CERTMAP_DNS, "dev7", ERR_NOT_FOUND);
}

static void
the_first_rule_that_matches_decides_alone(void **state)
{
	static const struct certmap_name names[] = {
		N(CERTMAP_CN, "by-cn"), N(CERTMAP_URI, "urn:dev:1"),
	};
	static const struct certmap_name evil[] = {
		N(CERTMAP_CN, "by-cn"), N(CERTMAP_URI, "urn:dev:a/b"),
	};
	int rc;

	(void)state;
	assert_int_equal(parse("san-uri:urn:dev:*, cn"), 0);
	assert_string_equal(apply(names, 2, &rc), "urn:dev:1");
	assert_int_equal(parse("cn san-uri"), 0);
	assert_string_equal(apply(names, 2, &rc), "by-cn");
	assert_int_equal(parse("san-dns\tcn"), 0);
	assert_string_equal(apply(names, 2, &rc), "by-cn");
	/* it yields no name, and cn does not come to its help */
	assert_int_equal(parse("san-uri cn"), 0);
	assert_string_equal(apply(evil, 2, &rc), "");
	assert_int_equal(rc, ERR_INVALID);
}

static void
who_names_two_endpoints_is_none(void **state)
{
	static const struct certmap_name two[] = {
		N(CERTMAP_DNS, "a.dev"), N(CERTMAP_DNS, "b.dev"),
		N(CERTMAP_DNS, "a.other"), N(CERTMAP_DNS, "A.dev"),
	};
	int rc;

	(void)state;
	assert_int_equal(parse("san-dns:(*).dev"), 0);
	assert_string_equal(apply(two, 2, &rc), "");
	assert_int_equal(rc, ERR_CONFLICT);
	/* the same twice is one; what does not match is not asked */
	assert_string_equal(apply(two + 2, 2, &rc), "a");
	assert_string_equal(apply(two, 0, &rc), "");
	assert_int_equal(rc, ERR_NOT_FOUND);
}

static void
what_is_no_endpoint_name_is_refused(void **state)
{
	static const struct certmap_name nul[] = {N(CERTMAP_CN, "dev7\0x")};
	char text[LIMIT_EP + 2];
	int rc;

	(void)state;
	refuses("cn", CERTMAP_CN, "", ERR_INVALID);
	refuses("cn", CERTMAP_CN, "dev 7", ERR_INVALID);
	refuses("cn", CERTMAP_CN, "dev\xc3\xa4", ERR_INVALID);
	refuses("san-dns", CERTMAP_DNS, "*.example.org", ERR_INVALID);
	assert_int_equal(parse("cn"), 0);
	(void)apply(nul, 1, &rc);
	assert_int_equal(rc, ERR_INVALID);
	memset(text, 'a', sizeof(text));
	text[LIMIT_EP] = '\0';
	yields("cn", CERTMAP_CN, text, text);
	text[LIMIT_EP] = 'a';
	text[LIMIT_EP + 1] = '\0';
	refuses("cn", CERTMAP_CN, text, ERR_INVALID);
}

static void
rules_that_are_wrong_are_refused(void **state)
{
	static const char *const bad[] = {"cn:", "cn:**", "cn:*a*", "cn:(*",
	    "cn:*)", "cn:()", "cn:a()", "cn:(a)(b)", "cn:((a))", "cn:*(a)",
	    "cn:)a(", "cn:\xc3\xa4", "cn:a\001"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]) != ERR_MALFORMED)
			fail_msg("%s", bad[i]);
	assert_int_equal(parse(""), ERR_MISSING);
	assert_int_equal(parse(" ,\t"), ERR_MISSING);
	assert_int_equal(parse("CN"), ERR_NOT_FOUND);
	assert_int_equal(parse("email"), ERR_NOT_FOUND);
	assert_int_equal(parse("cn dns:*"), ERR_NOT_FOUND);
}

static void
rules_at_their_caps_and_one_past(void **state)
{
	char text[LIMIT_CERTMAP + 2] = "cn:";

	(void)state;
	for (int i = 0; i < LIMIT_CERTMAP_RULES; i++)
		strcpy(text + 3 * i, "cn ");
	assert_int_equal(parse(text), 0);
	assert_int_equal(map.n, LIMIT_CERTMAP_RULES);
	strcat(text, "cn");
	assert_int_equal(parse(text), ERR_LIMIT);
	strcpy(text, "cn:");
	memset(text + 3, 'a', LIMIT_CERTMAP - 3);
	text[LIMIT_CERTMAP] = '\0';
	assert_int_equal(parse(text), 0);
	text[LIMIT_CERTMAP] = 'a';
	text[LIMIT_CERTMAP + 1] = '\0';
	assert_int_equal(parse(text), ERR_SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_becomes_an_endpoint),
		cmocka_unit_test(names_of_hosts_have_no_case),
		cmocka_unit_test(
		    a_pattern_is_the_whole_and_a_star_is_not_nothing),
		cmocka_unit_test(the_first_rule_that_matches_decides_alone),
		cmocka_unit_test(who_names_two_endpoints_is_none),
		cmocka_unit_test(what_is_no_endpoint_name_is_refused),
		cmocka_unit_test(rules_that_are_wrong_are_refused),
		cmocka_unit_test(rules_at_their_caps_and_one_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
