#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/select.h"
#include "lib/text.h"

#define NOW INT64_C(1700000000000)
#define HOUR INT64_C(3600000)
#define V1 "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10

static struct conf conf;
static uint8_t vendor[16];
static const struct rd_tag tags[] = {
	{"site", "north"}, {"empty", ""}, {"city", "K\xc3\xb6ln"},
	{"not", "and"}, {"a.b:c@d-e", "two \"words\" \\"},
};

static const struct select_subject full = {
	.ep = "lab-1", .have_class = true, .class_id = conf.alias[0].class_id,
	.vendor = vendor, .have_seq = true, .seq = 7, .grade = GRADE_L1,
	.version = "1.2.0", .driver = "trigger", .seen = NOW - HOUR,
	.psk = true, .registered = true, .revoked = true, .ahead = true,
	.twin = true, .class_set = true, .class_said = true,
	.tag_count = 5, .tag = tags,
};
/* What is known of every device, and nothing else. */
static const struct select_subject bare = {.ep = "b"};

static int
setup(void **state)
{
	(void)state;
	if (conf_parse("alias sensor-v1 { class = \"" V1 "\" }\n"
	    "alias sensor-v2 { class = "
	    "\"00000000-0000-0000-0000-000000000002\" }\n", &conf, NULL) != 0)
		return -1;
	return text_uuid5(text_uuid_dns, slice_str("example.com"), vendor);
}

static struct select
compiled(const char *text)
{
	struct why why = {0};
	struct select s;

	if (select_parse(text, &conf, &s, NULL, &why) != 0)
		fail_msg("%s: %s", text, why.text);
	assert_string_equal(s.text, text);
	return s;
}

struct truth {
	const char *text;
	bool full, bare;
};

static void
check(const struct truth *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct select s = compiled(t[i].text);

		if (select_match(&s, &full, NOW) != t[i].full)
			fail_msg("%s: the full device", t[i].text);
		if (select_match(&s, &bare, NOW) != t[i].bare)
			fail_msg("%s: the bare device", t[i].text);
	}
}
#define CHECK(t) check(t, sizeof(t) / sizeof((t)[0]))

static void
nothing_said_selects_everything(void **state)
{
	static const struct truth t[] = {
		{"", true, true}, {" \t\r\n", true, true},
	};
	struct select zero = {0};

	(void)state;
	CHECK(t);
	assert_true(select_match(&zero, &bare, NOW));
}

static void
ids_are_equal_or_not(void **state)
{
	static const struct truth t[] = {
		{"class == sensor-v1", true, false},
		{"class = sensor-v1", true, false},
		{"class==\"sensor-v1\"", true, false},
		{"class == " V1, true, false},
		{"class == 0F1E2D3C4B5A69788796A5B4C3D2E1F0", true, false},
		{"class == sensor-v2", false, false},
		{"class != sensor-v1", false, false},
		{"class != sensor-v2", true, false},
		{"class in (sensor-v2, sensor-v1)", true, false},
		{"class in (sensor-v2)", false, false},
		{"class not in (sensor-v2)", true, false},
		{"class not in (sensor-v2, sensor-v1)", false, false},
		{"vendor == example.com", true, false},
		{"vendor == example.org", false, false},
		{"vendor != example.org", true, false},
		{"vendor != 'example.com'", false, false},
		{"vendor in (example.org, example.com)", true, false},
	};
	static const uint8_t none[16];
	struct select_subject d = full;
	struct select s = compiled("vendor");
	char text[64] = "vendor == ";

	(void)state;
	CHECK(t);
	d.vendor = none; /* all zero is no vendor */
	assert_false(select_match(&s, &d, NOW));
	text_uuid(vendor, text + strlen(text));
	s = compiled(text);
	assert_true(select_match(&s, &full, NOW));
}

static void
texts_are_equal_or_fit_a_pattern(void **state)
{
	static const struct truth t[] = {
		{"ep == lab-1", true, false},
		{"ep == b", false, true},
		{"ep != b", true, false},
		{"ep in (a, b)", false, true},
		{"ep ~ lab-*", true, false},
		{"ep !~ lab-*", false, true},
		{"ep ~ \"*\"", true, true},
		{"version == 1.2.0", true, false},
		{"version == \"1.2.0\"", true, false},
		{"version != 1.2.1", true, false},
		{"version == 1.2", false, false},
		{"version ~ 1.2.?", true, false},
		{"version !~ 1.3.*", true, false},
		{"version not in (1.2.0, 1.2.1)", false, false},
		{"driver == trigger", true, false},
		{"driver != none", true, false},
		{"driver ~ t*r", true, false},
		{"tag.site == north", true, false},
		{"tag.site != south", true, false},
		{"tag.site ~ *th", true, false},
		{"tag.site !~ s*", true, false},
		{"tag.site in (south, 'north')", true, false},
		{"tag.nowhere == \"\"", false, false},
		{"tag.empty == \"\"", true, false},
		{"tag.empty == ''", true, false},
		{"tag.empty ~ *", true, false},
		{"tag.city == 'K\xc3\xb6ln'", true, false},
		{"tag.city ~ 'K?ln'", true, false},
		{"tag.city ~ 'K??ln'", false, false},
		{"tag.city ~ \"*\xc3\xb6*\"", true, false},
		{"tag.not == and && tag.not in (or, not, in, and)", true,
		    false},
		{"tag.a.b:c@d-e == 'two \\\"words\\\" \\\\'", true, false},
		{"tag.a.b:c@d-e == \"two \\\"words\\\" \\\\\"", true, false},
		{"tag.a.b:c@d-e ~ '*\"words\" \\\\'", true, false},
		{"tag.site == 'it\\'s'", false, false},
	};

	(void)state;
	CHECK(t);
}

static void
numbers_and_grades_have_an_order(void **state)
{
	static const struct truth t[] = {
		{"seq == 7", true, false}, {"seq = 8", false, false},
		{"seq != 8", true, false}, {"seq != 7", false, false},
		{"seq < 8", true, false}, {"seq < 7", false, false},
		{"seq <= 7", true, false}, {"seq <= 6", false, false},
		{"seq > 6", true, false}, {"seq > 7", false, false},
		{"seq >= 7", true, false}, {"seq >= 8", false, false},
		{"seq in (6, 7)", true, false},
		{"seq not in (6, 8)", true, false},
		{"seq <= 18446744073709551615", true, false},
		{"grade == L1", true, false}, {"grade == L0", false, true},
		{"grade != L1", false, true}, {"grade < L1", false, true},
		{"grade <= L1", true, true}, {"grade > L0", true, false},
		{"grade >= L2", false, false}, {"grade >= L0", true, true},
		{"grade in (L1, L2)", true, false},
		{"grade not in (L1, L2)", false, true},
	};
	struct select s = compiled("seq > 18446744073709551614");
	struct select_subject d = full;

	(void)state;
	CHECK(t);
	d.seq = UINT64_MAX;
	assert_true(select_match(&s, &d, NOW));
}

static void
ages_count_from_now_and_never_is_infinitely_old(void **state)
{
	static const struct truth t[] = {
		{"seen < 61m", true, false}, {"seen < 1h", false, false},
		{"seen <= 1h", true, false}, {"seen <= 3599s", false, false},
		{"seen > 59m", true, true}, {"seen > 1h", false, true},
		{"seen >= 3600", true, true}, {"seen >= 1d", false, true},
		{"seen", true, false}, {"!seen", false, true},
		{"seen < 9223372036854775s", true, false},
		{"seen > 9223372036854775s", false, true},
	};
	struct select s = compiled("seen < 1s");
	struct select_subject d = full;

	(void)state;
	CHECK(t);
	d.seen = NOW - 999;
	assert_true(select_match(&s, &d, NOW));
	d.seen = NOW - 1000;
	assert_false(select_match(&s, &d, NOW));
	d.seen = NOW + HOUR; /* the clock went back */
	assert_true(select_match(&s, &d, NOW));
	d.seen = 1;
	assert_false(select_match(&s, &d, INT64_MAX));
	assert_true(select_match(&s, &d, INT64_MIN));
}

static void
a_bare_attribute_asks_for_presence(void **state)
{
	static const struct truth t[] = {
		{"class", true, false}, {"vendor", true, false},
		{"ep", true, true}, {"version", true, false},
		{"seq", true, false}, {"grade", true, true},
		{"driver", true, false}, {"tag.site", true, false},
		{"tag.empty", true, false}, {"tag.nowhere", false, false},
		{"psk", true, false}, {"registered", true, false},
		{"revoked", true, false}, {"!revoked", false, true},
		{"ahead", true, false}, {"!ahead", false, true},
		{"twin", true, false}, {"!twin", false, true},
		{"class_set", true, false}, {"!class_set", false, true},
		{"class_said", true, false}, {"!class_said", false, true},
	};
	struct select_subject d = full;
	struct select s = compiled("psk or registered or revoked");

	(void)state;
	CHECK(t);
	d.psk = d.registered = false;
	assert_true(select_match(&s, &d, NOW));
	d.revoked = false;
	assert_false(select_match(&s, &d, NOW));
	s = compiled("ahead");
	assert_true(select_match(&s, &d, NOW));
	d.ahead = false;
	assert_false(select_match(&s, &d, NOW));
	s = compiled("twin");
	assert_true(select_match(&s, &d, NOW));
	d.twin = false;
	assert_false(select_match(&s, &d, NOW));
	s = compiled("class_set && class_said");
	assert_true(select_match(&s, &d, NOW));
	d.class_said = false;
	assert_false(select_match(&s, &d, NOW));
	s = compiled("class_set");
	assert_true(select_match(&s, &d, NOW));
	d.class_set = false;
	assert_false(select_match(&s, &d, NOW));
	s = compiled("version or driver");
	d.version = d.driver = "";
	assert_false(select_match(&s, &d, NOW));
}

/* `x OP v` is false without x, whatever OP; `!(x OP v)` is then true. */
static void
a_missing_value_fails_every_comparison(void **state)
{
	static const char *const tests[] = {
		"class == sensor-v1", "class != sensor-v1",
		"class not in (sensor-v1)", "vendor != example.com",
		"version != 9", "version !~ 9*", "version not in (9)",
		"seq == 0", "seq != 0", "seq < 9", "seq <= 9", "seq > 0",
		"seq >= 0", "seq not in (9)", "driver != x", "tag.site != x",
		"tag.site !~ x", "tag.site not in (x, y)",
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		struct select s = compiled(tests[i]);

		if (select_match(&s, &bare, NOW))
			fail_msg("%s", tests[i]);
		snprintf(text, sizeof(text), "!(%s)", tests[i]);
		s = compiled(text);
		if (!select_match(&s, &bare, NOW))
			fail_msg("%s", text);
	}
}

/* T: psk; F: tag.no. Each differs from its other reading. */
static void
not_binds_before_and_before_or(void **state)
{
	static const struct truth t[] = {
		{"psk || psk && tag.no", true, false},
		{"(psk || psk) && tag.no", false, false},
		{"tag.no && psk || psk", true, false},
		{"tag.no && (psk || psk)", false, false},
		{"!tag.no || psk", true, true},
		{"!(tag.no || psk)", false, true},
		{"!tag.no && tag.no", false, false},
		{"!(tag.no && tag.no)", true, true},
		{"not seq < 7", true, true},
		{"not not psk", true, false},
		{"!!!psk", false, true},
		{"not !psk and psk or tag.no", true, false},
		{"psk and psk and tag.no", false, false},
		{"tag.no or tag.no or psk", true, false},
		{"psk or tag.no and tag.no or tag.no", true, false},
		{"(tag.no)", false, false}, {"((psk))", true, false},
		{"!(psk && !(tag.no || !psk))", false, true},
		{"class==sensor-v1&&tag.site=='north'&&seq<8", true, false},
		{"not (grade >= L1) or ep ~ \"lab-*\"", true, true},
		{"psk&&!(tag.site in(south,east))", true, false},
		{"psk &&\n\ttag.site", true, false},
	};

	(void)state;
	CHECK(t);
}

static const char *const op_text[] = {
	"==", "=", "!=", "in", "not in", "<", "<=", ">", ">=", "~", "!~",
};

static void
each_attribute_has_its_operators_and_no_others(void **state)
{
	static const struct {
		const char *attr, *value, *ops; /* Y in the order above */
	} rows[] = {
		{"class", "sensor-v1", "YYYYY------"},
		{"vendor", "example.com", "YYYYY------"},
		{"ep", "x", "YYYYY----YY"},
		{"version", "x", "YYYYY----YY"},
		{"seq", "1", "YYYYYYYYY--"},
		{"seen", "1d", "-----YYYY--"},
		{"grade", "L1", "YYYYYYYYY--"},
		{"driver", "x", "YYYYY----YY"},
		{"tag.x", "x", "YYYYY----YY"},
		{"psk", "x", "-----------"},
		{"registered", "x", "-----------"},
		{"revoked", "x", "-----------"},
		{"ahead", "x", "-----------"},
		{"twin", "x", "-----------"},
		{"class_set", "x", "-----------"},
		{"class_said", "x", "-----------"},
	};
	struct select s;
	char text[64];

	(void)state;
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), SELECT_ATTRS);
	for (size_t i = 0; i < SELECT_ATTRS; i++) {
		for (size_t k = 0; k < strlen(rows[i].ops); k++) {
			bool paren = k == 3 || k == 4;
			int rc;

			snprintf(text, sizeof(text), "%s %s %s%s%s",
			    rows[i].attr, op_text[k], paren ? "(" : "",
			    rows[i].value, paren ? ")" : "");
			rc = select_parse(text, &conf, &s, NULL, NULL);
			if (rc != (rows[i].ops[k] == 'Y' ? 0 : ERR_TYPE))
				fail_msg("%s: %s", text, err_name(rc));
		}
	}
}

static void
each_mistake_has_its_code_and_column(void **state)
{
	static const struct {
		const char *text;
		int err;
		unsigned column;
	} cases[] = {
		/* attributes */
		{"clas == sensor-v1", ERR_NOT_FOUND, 1},
		{"psk && bogus", ERR_NOT_FOUND, 8},
		{"tag", ERR_NOT_FOUND, 1},
		{"tags.site", ERR_NOT_FOUND, 1},
		{"Class == sensor-v1", ERR_NOT_FOUND, 1},
		{"ep* == x", ERR_NOT_FOUND, 1},
		{"7 > seq", ERR_NOT_FOUND, 1},
		{X60 X10 X10, ERR_NOT_FOUND, 1},
		{"tag. == x", ERR_MALFORMED, 5},
		{"tag.a/b", ERR_MALFORMED, 5},
		{"tag.* == x", ERR_MALFORMED, 5},
		/* what follows what */
		{"and psk", ERR_MALFORMED, 1},
		{"psk && or", ERR_MALFORMED, 8},
		{"psk psk", ERR_MALFORMED, 5},
		{"psk \"x\"", ERR_MALFORMED, 5},
		{"\"ep\" == x", ERR_MALFORMED, 1},
		{"== x", ERR_MALFORMED, 1},
		{"ep == && psk", ERR_MALFORMED, 7},
		{"ep == == x", ERR_MALFORMED, 7},
		{"ep == (x)", ERR_MALFORMED, 7},
		{"ep == x y", ERR_MALFORMED, 9},
		{"ep == x == y", ERR_MALFORMED, 9},
		{"ep == x, y", ERR_MALFORMED, 8},
		{"ep not x", ERR_MALFORMED, 8},
		{"()", ERR_MALFORMED, 2},
		{"(psk psk)", ERR_MALFORMED, 6},
		{"psk)", ERR_MALFORMED, 4},
		{"ep in x", ERR_MALFORMED, 7},
		{"ep in ()", ERR_MALFORMED, 8},
		{"ep in (a b)", ERR_MALFORMED, 10},
		{"ep in (a,)", ERR_MALFORMED, 10},
		{"ep in (a*)", ERR_MALFORMED, 9},
		{"ep == a?b", ERR_MALFORMED, 8},
		/* characters */
		{"psk & psk", ERR_MALFORMED, 5},
		{"psk | psk", ERR_MALFORMED, 5},
		{"ep == $x", ERR_MALFORMED, 7},
		{"ep == K\xc3\xb6ln", ERR_MALFORMED, 8},
		{"ep == 'a\\n'", ERR_MALFORMED, 9},
		{"ep == '\xc3\xb6' && '\xff'", ERR_UTF8, 16},
		{"psk \xc3", ERR_UTF8, 5},
		/* ends */
		{"ep ==", ERR_TRUNCATED, 6},
		{"psk && ", ERR_TRUNCATED, 8},
		{"!", ERR_TRUNCATED, 2},
		{"psk && (seq < 7", ERR_TRUNCATED, 16},
		{"ep not", ERR_TRUNCATED, 7},
		{"ep in", ERR_TRUNCATED, 6},
		{"ep in (a", ERR_TRUNCATED, 9},
		{"ep in (a,", ERR_TRUNCATED, 10},
		{"ep == 'abc", ERR_TRUNCATED, 7},
		{"ep == \"abc'", ERR_TRUNCATED, 7},
		{"ep == 'abc\\", ERR_TRUNCATED, 7},
		{"ep == 'abc\\'", ERR_TRUNCATED, 7},
		/* values */
		{"class == sensor-v3", ERR_NOT_FOUND, 10},
		{"class == \"\"", ERR_NOT_FOUND, 10},
		{"class in (sensor-v1, nothing-like-it)", ERR_NOT_FOUND, 22},
		{"class < sensor-v1", ERR_TYPE, 7},
		{"class ~ sensor-*", ERR_TYPE, 7},
		{"vendor == a/b", ERR_TYPE, 11},
		{"vendor == 'a b'", ERR_TYPE, 11},
		{"vendor == a:b", ERR_TYPE, 11},
		{"vendor == ''", ERR_TYPE, 11},
		{"seq < seven", ERR_TYPE, 7},
		{"seq < -1", ERR_TYPE, 7},
		{"seq < '7'", ERR_TYPE, 7},
		{"seq in (1, x)", ERR_TYPE, 12},
		{"seq < 18446744073709551616", ERR_RANGE, 7},
		{"grade >= L3", ERR_TYPE, 10},
		{"grade >= L", ERR_TYPE, 10},
		{"grade >= L10", ERR_TYPE, 10},
		{"grade >= 1", ERR_TYPE, 10},
		{"seen < 7w", ERR_TYPE, 8},
		{"seen < soon", ERR_TYPE, 8},
		{"seen == 7d", ERR_TYPE, 6},
		{"seen in (7d)", ERR_TYPE, 6},
		{"seen < 9223372036854776s", ERR_RANGE, 8},
		{"seen < 99999999999999999999d", ERR_RANGE, 8},
		{"psk == yes", ERR_TYPE, 5},
		{"psk not in (x)", ERR_TYPE, 9},
	};
	static struct select s, before;
	struct why why;

	(void)state;
	memset(&s, 0x55, sizeof(s));
	before = s;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned column = 0, told = 0;
		int rc = select_parse(cases[i].text, &conf, &s, &column,
		    &why);

		if (rc != cases[i].err || column != cases[i].column)
			fail_msg("%s: %s, column %u", cases[i].text,
			    err_name(rc), column);
		assert_int_equal(why.err, rc);
		assert_int_equal(sscanf(why.text, "column %u: ", &told), 1);
		assert_int_equal(told, column);
		assert_memory_equal(&s, &before, sizeof(s));
		assert_int_equal(select_parse(cases[i].text, &conf, &s, NULL,
		    NULL), rc);
	}
}

static void
near_misses_name_what_was_meant(void **state)
{
	static const char *const cases[][2] = {
		{"clas == x", "class"}, {"sequ < 7", "seq"},
		{"vrsion == 1", "version"}, {"tagg.site", "tag.NAME"},
		{"tag", "tag.NAME"}, {"registred", "registered"},
		{"class == sensro-v1", "sensor-v1"},
		{"class == sensor-v", "sensor-v1"},
		{"bogus", "revoked"}, /* all of them */
	};
	struct select s;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(select_parse(cases[i][0], &conf, &s, NULL,
		    &why), ERR_NOT_FOUND);
		if (strstr(why.text, cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], why.text);
	}
}

static void
without_a_configuration_a_class_is_a_uuid(void **state)
{
	unsigned column = 0;
	struct select s;

	(void)state;
	assert_int_equal(select_parse("class == " V1, NULL, &s, NULL, NULL),
	    0);
	assert_true(select_match(&s, &full, NOW));
	assert_int_equal(select_parse("class == sensor-v1", NULL, &s, &column,
	    NULL), ERR_NOT_FOUND);
	assert_int_equal(column, 10);
}

/* The manual has a row for every attribute. */
static void
every_attribute_is_documented(void **state)
{
	static char page[128 * 1024];
	FILE *f = fopen("docs/PROTOCOL.md", "r");
	char row[64];

	(void)state;
	assert_non_null(f);
	assert_in_range(fread(page, 1, sizeof(page) - 1, f), 1,
	    sizeof(page) - 2);
	fclose(f);
	for (size_t i = 0; i < SELECT_ATTRS; i++) {
		snprintf(row, sizeof(row), "| `%s` | ", select_attrs[i].name);
		if (strstr(page, row) == NULL)
			fail_msg("docs/PROTOCOL.md has no row %s", row);
		assert_true(strlen(select_attrs[i].help) > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said_selects_everything),
		cmocka_unit_test(ids_are_equal_or_not),
		cmocka_unit_test(texts_are_equal_or_fit_a_pattern),
		cmocka_unit_test(numbers_and_grades_have_an_order),
		cmocka_unit_test(
		    ages_count_from_now_and_never_is_infinitely_old),
		cmocka_unit_test(a_bare_attribute_asks_for_presence),
		cmocka_unit_test(a_missing_value_fails_every_comparison),
		cmocka_unit_test(not_binds_before_and_before_or),
		cmocka_unit_test(
		    each_attribute_has_its_operators_and_no_others),
		cmocka_unit_test(each_mistake_has_its_code_and_column),
		cmocka_unit_test(near_misses_name_what_was_meant),
		cmocka_unit_test(without_a_configuration_a_class_is_a_uuid),
		cmocka_unit_test(every_attribute_is_documented),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
