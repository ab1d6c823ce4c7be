#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/rd.h"

#define MAXQ 32

/* Options separated by '&'; no payload. */
static int
parse(const char *query, const char *payload, struct rd *ret)
{
	struct slice q[MAXQ];
	size_t n = 0;

	while (*query != '\0') {
		size_t len = strcspn(query, "&");

		assert_true(n < MAXQ);
		q[n++] = slice_of(query, len);
		query += len;
		query += *query == '&';
	}
	return rd_parse(q, n, slice_str(payload), ret, NULL);
}

static int
rc_of(const char *query)
{
	struct rd rd;

	return parse(query, "", &rd);
}

static void
reads_what_rfc_9176_names(void **state)
{
	struct rd rd;

	(void)state;
	assert_int_equal(parse("ep=node-7&lt=600&base=coap://[fd00::7]:61616",
	    "</sensors/temp>;rt=\"t\"", &rd), 0);
	assert_string_equal(rd.ep, "node-7");
	assert_true(rd.have_lt);
	assert_int_equal(rd.lt, 600);
	assert_string_equal(rd.base, "coap://[fd00::7]:61616");
	assert_false(rd.has_trigger);
}

static void
everything_is_optional(void **state)
{
	struct rd rd;

	(void)state;
	assert_int_equal(rd_parse(NULL, 0, SLICE_NONE, &rd, NULL), 0);
	assert_string_equal(rd.ep, "");
	assert_int_equal(rd.lt, 90000);
	assert_false(rd.have_lt);
	assert_false(rd.have_class || rd.have_vendor || rd.have_sequence);
	assert_int_equal(rd.tag_count, 0);
}

static void
reads_our_own_parameters(void **state)
{
	struct rd rd;

	(void)state;
	assert_int_equal(parse("c=bcc90984-fe7d-562b-b4c9-a24f26a3a9cd"
	    "&vendor=547d0d746d3a5a9296624881afd9407b&seq=42&v=1.2.5 (rc)"
	    "&tag.site=Hall 7/b&tag.x=", "", &rd), 0);
	assert_true(rd.have_class && rd.have_vendor && rd.have_sequence);
	assert_int_equal(rd.class_id[0], 0xbc);
	assert_int_equal(rd.class_id[15], 0xcd);
	assert_int_equal(rd.vendor[0], 0x54);
	assert_int_equal(rd.sequence, 42);
	assert_string_equal(rd.version, "1.2.5 (rc)");
	assert_int_equal(rd.tag_count, 2);
	assert_string_equal(rd.tag[0].name, "site");
	assert_string_equal(rd.tag[0].value, "Hall 7/b");
	assert_string_equal(rd.tag[1].value, "");
	assert_string_equal(rd.class_alias, "");

	assert_int_equal(parse("c=native", "", &rd), 0);
	assert_false(rd.have_class);
	assert_string_equal(rd.class_alias, "native");
}

static void
an_lwm2m_registration_is_the_same_verb(void **state)
{
	struct rd rd;

	(void)state;
	assert_int_equal(parse("lwm2m=1.1&ep=urn:dev:os:0023C7-1&lt=86400&b=U"
	    "&sms=49170&Q&d=x&et=y&epx=1&cc=2&vv", "</>;rt=\"oma.lwm2m\""
	    ";ct=\"60 110 112\",</1/0>,</3/0>,</5>;ver=1.0", &rd), 0);
	assert_string_equal(rd.ep, "urn:dev:os:0023C7-1");
	assert_int_equal(rd.lt, 86400);
	assert_string_equal(rd.version, "");
}

static void
bad_values_are_refused(void **state)
{
	static const struct {
		const char *query;
		int rc;
	} v[] = {
		{"ep=", ERR_MALFORMED}, {"ep", ERR_MALFORMED},
		{"ep=a b", ERR_MALFORMED}, {"ep=a\x01", ERR_MALFORMED},
		{"lt=0", ERR_RANGE}, {"lt=4294967296", ERR_RANGE},
		{"lt=99999999999999999999999", ERR_RANGE},
		{"lt=", ERR_MALFORMED}, {"lt=1h", ERR_MALFORMED},
		{"lt=-1", ERR_MALFORMED}, {"lt=+1", ERR_MALFORMED},
		{"seq=18446744073709551616", ERR_RANGE},
		{"seq=x", ERR_MALFORMED}, {"seq=", ERR_MALFORMED},
		{"base=http://x", ERR_UNSUPPORTED}, {"base=/x",
		    ERR_UNSUPPORTED},
		{"c=", ERR_MALFORMED}, {"c=a/b", ERR_MALFORMED},
		{"vendor=riot", ERR_MALFORMED}, {"vendor=", ERR_MALFORMED},
		{"v=\xff", ERR_UTF8},
		{"tag.=x", ERR_MALFORMED}, {"tag.a", ERR_MALFORMED},
		{"tag.a b=x", ERR_MALFORMED}, {"tag.a=\xc0\xaf", ERR_UTF8},
		{"ep=a&ep=a", ERR_DUPLICATE}, {"lt=60&lt=61", ERR_DUPLICATE},
		{"v=1&v=1", ERR_DUPLICATE}, {"tag.a=1&tag.a=2",
		    ERR_DUPLICATE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (rc_of(v[i].query) != v[i].rc)
			fail_msg("%s: %d, not %d", v[i].query,
			    rc_of(v[i].query), v[i].rc);
	assert_int_equal(rc_of("lt=1"), 0);
	assert_int_equal(rc_of("lt=4294967295"), 0);
	assert_int_equal(rc_of("seq=18446744073709551615"), 0);
}

static void
a_nul_does_not_cut_a_value(void **state)
{
	struct slice q = slice_of("v=1\0x", 5);
	struct rd rd;

	(void)state;
	assert_int_equal(rd_parse(&q, 1, SLICE_NONE, &rd, NULL),
	    ERR_MALFORMED);
}

static void
a_refusal_leaves_the_result_alone(void **state)
{
	struct rd rd = {.lt = 77};
	struct slice q[2] = {slice_str("lt=5"), slice_str("seq=x")};
	struct why w;

	(void)state;
	assert_int_equal(rd_parse(q, 2, SLICE_NONE, &rd, &w), ERR_MALFORMED);
	assert_int_equal(rd.lt, 77);
	assert_int_equal(w.err, ERR_MALFORMED);
}

/* name, then n times 'a' */
static int
long_value(const char *name, size_t n)
{
	char s[600];
	size_t skip = strlen(name);
	struct slice q;
	struct rd rd;

	memset(s, 'a', sizeof(s));
	memcpy(s, name, skip);
	q = slice_of(s, skip + n);
	return rd_parse(&q, 1, SLICE_NONE, &rd, NULL);
}

static void
lengths_are_capped(void **state)
{
	const char *base = "base=coap://";
	size_t host = LIMIT_URI - strlen("coap://");

	(void)state;
	assert_int_equal(long_value("ep=", LIMIT_EP), 0);
	assert_int_equal(long_value("ep=", LIMIT_EP + 1), ERR_SIZE);
	assert_int_equal(long_value("v=", LIMIT_VERSION), 0);
	assert_int_equal(long_value("v=", LIMIT_VERSION + 1), ERR_SIZE);
	/* 32 hex digits would be a UUID: 'g' in front */
	assert_int_equal(long_value("c=g", LIMIT_ALIAS - 1), 0);
	assert_int_equal(long_value("c=g", LIMIT_ALIAS), ERR_SIZE);
	assert_int_equal(long_value(base, host), 0);
	assert_int_equal(long_value(base, host + 1), ERR_SIZE);
	assert_int_equal(long_value("tag.a=", LIMIT_TAG_VALUE), 0);
	assert_int_equal(long_value("tag.a=", LIMIT_TAG_VALUE + 1), ERR_SIZE);
}

static void
counts_are_capped(void **state)
{
	char text[LIMIT_TAGS + 2][64];
	struct slice q[LIMIT_QUERY + 1];
	struct rd rd;
	int n;

	(void)state;
	for (size_t i = 0; i <= LIMIT_QUERY; i++)
		q[i] = slice_str("unknown=1");
	assert_int_equal(rd_parse(q, LIMIT_QUERY, SLICE_NONE, &rd, NULL), 0);
	assert_int_equal(rd_parse(q, LIMIT_QUERY + 1, SLICE_NONE, &rd, NULL),
	    ERR_SIZE);
	_Static_assert(LIMIT_TAGS >= LIMIT_QUERY, "the query is the tighter");
	for (size_t i = 0; i < LIMIT_QUERY; i++) {
		n = snprintf(text[i], sizeof(text[i]), "tag.t%zu=x", i);
		q[i] = slice_of(text[i], (size_t)n);
	}
	assert_int_equal(rd_parse(q, LIMIT_QUERY, SLICE_NONE, &rd, NULL), 0);
	assert_int_equal(rd.tag_count, LIMIT_QUERY);

	memset(text[0], 't', sizeof(text[0]));
	memcpy(text[0], "tag.", 4);
	text[0][4 + LIMIT_TAG_NAME] = '=';
	q[0] = slice_of(text[0], 4 + LIMIT_TAG_NAME + 1);
	assert_int_equal(rd_parse(q, 1, SLICE_NONE, &rd, NULL), 0);
	text[0][4 + LIMIT_TAG_NAME] = 't';
	text[0][5 + LIMIT_TAG_NAME] = '=';
	q[0].n++;
	assert_int_equal(rd_parse(q, 1, SLICE_NONE, &rd, NULL), ERR_SIZE);
}

static void
finds_the_trigger_among_links(void **state)
{
	static const struct {
		const char *links;
		int rc;
		bool trigger;
	} v[] = {
		{"", 0, false},
		{"</suit/trigger>", 0, true},
		{"</riot/board>,</suit/trigger>;if=\"x\"", 0, true},
		{"</a>;title=\"q, \\\" ,</suit/trigger>\" , </b>", 0, false},
		{"</a>;title=\"x\",\r\n</suit/trigger>,\n", 0, true},
		{"</suit/triggers>", 0, false},
		{"<suit/trigger>", 0, false},
		{"</a>;title=\"open", ERR_TRUNCATED, false},
		{"</a>;title=\"open\\", ERR_TRUNCATED, false},
		{"</a", ERR_TRUNCATED, false}, {"<", ERR_TRUNCATED, false},
		{"/suit/trigger", ERR_MALFORMED, false},
		{"</a></suit/trigger>", ERR_MALFORMED, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct rd rd = {.has_trigger = !v[i].trigger};
		int rc = parse("", v[i].links, &rd);

		if (rc != v[i].rc || (rc == 0 &&
		    rd.has_trigger != v[i].trigger))
			fail_msg("%s: %d", v[i].links, rc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_rfc_9176_names),
		cmocka_unit_test(everything_is_optional),
		cmocka_unit_test(reads_our_own_parameters),
		cmocka_unit_test(an_lwm2m_registration_is_the_same_verb),
		cmocka_unit_test(bad_values_are_refused),
		cmocka_unit_test(a_nul_does_not_cut_a_value),
		cmocka_unit_test(a_refusal_leaves_the_result_alone),
		cmocka_unit_test(lengths_are_capped),
		cmocka_unit_test(counts_are_capped),
		cmocka_unit_test(finds_the_trigger_among_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
