#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/uri.h"

static struct uri
parsed(const char *text)
{
	struct why why = {0};
	struct uri u;

	if (uri_parse(slice_str(text), &u, &why) != 0)
		fail_msg("%s: %s", text, why.text);
	return u;
}

static void
is_text(struct slice s, const char *want)
{
	assert_int_equal(s.n, strlen(want));
	assert_memory_equal(s.p, want, s.n);
}

static void
schemes_have_their_ports(void **state)
{
	static const struct {
		const char *text;
		enum uri_scheme scheme;
		uint16_t port;
	} cases[] = {
		{"coap://h/a", URI_COAP, 5683},
		{"COAP://h/a", URI_COAP, 5683},
		{"coaps://h", URI_COAPS, 5684},
		{"coap+tcp://h/", URI_COAP_TCP, 5683},
		{"coaps+tcp://h", URI_COAPS_TCP, 5684},
		{"coap://h:1/a", URI_COAP, 1},
		{"coap://h:65535", URI_COAP, 65535},
		{"coap://h:/a", URI_COAP, 5683},
		{"https://h/a", URI_OTHER, 0},
		{"urn:uuid:0", URI_OTHER, 0},
		{"m/a", URI_NONE, 0},
		{"", URI_NONE, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uri u = parsed(cases[i].text);

		assert_int_equal(u.scheme, cases[i].scheme);
		assert_int_equal(u.port, cases[i].port);
	}
}

static void
every_part_is_found_as_written(void **state)
{
	struct uri u = parsed("coap://Host.example:61616/a%2Fb/c?x=1&y#img");

	(void)state;
	is_text(u.host, "Host.example");
	assert_false(u.host_ipv6);
	assert_int_equal(u.port, 61616);
	is_text(u.path, "a%2Fb/c");
	is_text(u.query, "x=1&y");
	assert_true(u.have_fragment);
	is_text(u.fragment, "img");
}

static void
ipv6_literals_lose_their_brackets(void **state)
{
	struct uri u = parsed("coap://[2001:db8::1]:5685/x");

	(void)state;
	is_text(u.host, "2001:db8::1");
	assert_true(u.host_ipv6);
	assert_int_equal(u.port, 5685);
	u = parsed("coap://[fe80::1%25eth0]");
	is_text(u.host, "fe80::1%25eth0");
	u = parsed("coap://[::ffff:192.0.2.1]/x");
	assert_true(u.host_ipv6);
}

static void
relative_references(void **state)
{
	struct uri u = parsed("/i/abc?x");

	(void)state;
	assert_int_equal(u.scheme, URI_NONE);
	assert_int_equal(u.host.n, 0);
	is_text(u.path, "i/abc");
	is_text(u.query, "x");
	u = parsed("//h:7/p");
	is_text(u.host, "h");
	assert_int_equal(u.port, 7);
	is_text(u.path, "p");
	u = parsed("#payload");
	assert_true(u.have_fragment);
	is_text(u.fragment, "payload");
	assert_int_equal(u.path.n, 0);
	u = parsed("#");
	assert_true(u.have_fragment);
	assert_int_equal(u.fragment.n, 0);
	u = parsed("a/b:c"); /* a colon after a slash is no scheme */
	assert_int_equal(u.scheme, URI_NONE);
}

static void
garbage_is_refused_and_the_result_untouched(void **state)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{"coap://", ERR_MALFORMED},
		{"coap:///p", ERR_MALFORMED},
		{"coap:p", ERR_MALFORMED},
		{"coap://h:0/", ERR_RANGE},
		{"coap://h:65536/", ERR_RANGE},
		{"coap://h:999999999999999999999/", ERR_RANGE},
		{"coap://h:x/", ERR_MALFORMED},
		{"coap://u@h/", ERR_UNSUPPORTED},
		{"coap://[::1/", ERR_MALFORMED},
		{"coap://[::1]x/", ERR_MALFORMED},
		{"coap://[]/", ERR_MALFORMED},
		{"coap://[1.2.3.4]/", ERR_MALFORMED},
		{"coap://[v1.x]/", ERR_MALFORMED},
		{"coap://[fe80::1%eth0]/", ERR_MALFORMED},
		{"coap://[fe80::1%25]/", ERR_MALFORMED},
		{"coap://a]b/", ERR_MALFORMED},
		{"coap://h/%", ERR_MALFORMED},
		{"coap://h/%4", ERR_MALFORMED},
		{"coap://h/%zz", ERR_MALFORMED},
		{"coap://h/a b", ERR_MALFORMED},
		{"coap://h/\xc3\xa9", ERR_MALFORMED},
		{"coap://h/a\nb", ERR_MALFORMED},
		{"coap://h/[x]", ERR_MALFORMED},
		{"coap://h/x#a#b", ERR_MALFORMED},
		{":x", ERR_MALFORMED},
		{"1coap://h", ERR_MALFORMED},
		{"co^ap://h", ERR_MALFORMED},
		{"co%41p://h", ERR_MALFORMED},
	};
	struct uri u = {.port = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = uri_parse(slice_str(cases[i].text), &u, NULL);

		if (rc != cases[i].err)
			fail_msg("%s: %s", cases[i].text, err_name(rc));
		assert_int_equal(u.port, 77);
	}
	assert_int_equal(uri_parse(slice_of("coap://h/\0", 10), &u, NULL),
	    ERR_MALFORMED);
}

static void
length_at_the_limit_and_one_past(void **state)
{
	char text[LIMIT_URI + 2];
	struct uri u;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "coap://h/", 9);
	assert_int_equal(uri_parse(slice_of(text, LIMIT_URI), &u, NULL), 0);
	assert_int_equal(u.path.n, LIMIT_URI - 9);
	assert_int_equal(uri_parse(slice_of(text, LIMIT_URI + 1), &u, NULL),
	    ERR_SIZE);
}

static void
paths_become_canonical(void **state)
{
	static const char *const cases[][2] = {
		{"coap://h", ""},
		{"coap://h/", ""},
		{"coap://h/a/b", "a/b"},
		{"coap://h/%61/b", "a/b"},
		{"coap://h/a%2Fb", "a%2Fb"},
		{"coap://h/a%2fb", "a%2Fb"},
		{"coap://h/a%25b", "a%25b"},
		{"coap://h/a%00b", "a%00b"},
		{"coap://h/a/", "a/"},
		{"coap://h/a//b", "a//b"},
		{"coap://h/a/../b", "b"},
		{"coap://h/../../b", "b"},
		{"coap://h/a/./b", "a/b"},
		{"coap://h/a/b/..", "a"},
		{"coap://h/main@9.9.9", "main@9.9.9"},
	};
	char path[LIMIT_PATH + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uri u = parsed(cases[i][0]);

		assert_int_equal(uri_path(&u, path, sizeof(path)), 0);
		assert_string_equal(path, cases[i][1]);
	}
}

static void
path_space_and_segments_are_bounded(void **state)
{
	struct uri u = parsed("coap://h/abc");
	char path[LIMIT_PATH + 1], text[128] = "coap://h";

	(void)state;
	assert_int_equal(uri_path(&u, path, 4), 0);
	assert_int_equal(uri_path(&u, path, 3), ERR_SPACE);
	for (int i = 0; i < LIMIT_PATH_SEGMENTS; i++)
		strcat(text, "/a");
	u = parsed(text);
	assert_int_equal(uri_path(&u, path, sizeof(path)), 0);
	strcat(text, "/a");
	u = parsed(text);
	assert_int_equal(uri_path(&u, path, sizeof(path)), ERR_SIZE);
}

static void
one_option_with_slashes_differs_until_read_loosely(void **state)
{
	char path[64];
	struct buf b = buf_of(path, sizeof(path));

	(void)state;
	uri_path_add(&b, slice_str("packages/x/objects"));
	uri_path_add(&b, slice_str("a%b"));
	buf_put_u8(&b, '\0');
	assert_false(b.over);
	assert_string_equal(path, "packages%2Fx%2Fobjects/a%25b");
	uri_path_loose(path);
	assert_string_equal(path, "packages/x/objects/a%25b");
}

static void
segments_come_back_raw(void **state)
{
	struct slice path = slice_str("a%2Fb/%25/");
	char seg[8];

	(void)state;
	assert_int_equal(uri_path_segment(path, 0, seg, sizeof(seg)), 0);
	assert_string_equal(seg, "a/b");
	assert_int_equal(uri_path_segment(path, 1, seg, sizeof(seg)), 0);
	assert_string_equal(seg, "%");
	assert_int_equal(uri_path_segment(path, 2, seg, sizeof(seg)), 0);
	assert_string_equal(seg, "");
	assert_int_equal(uri_path_segment(path, 3, seg, sizeof(seg)),
	    ERR_NOT_FOUND);
	assert_int_equal(uri_path_segment(SLICE_NONE, 0, seg, sizeof(seg)),
	    ERR_NOT_FOUND);
	assert_int_equal(uri_path_segment(path, 0, seg, 3), ERR_SPACE);
	assert_int_equal(uri_path_segment(slice_str("a%00"), 0, seg,
	    sizeof(seg)), ERR_MALFORMED);
}

static void
query_values(void **state)
{
	(void)state;
	is_text(uri_query_value(slice_str("ep=node1"), "ep"), "node1");
	assert_non_null(uri_query_value(slice_str("b"), "b").p);
	assert_int_equal(uri_query_value(slice_str("b"), "b").n, 0);
	assert_non_null(uri_query_value(slice_str("ep="), "ep").p);
	assert_null(uri_query_value(slice_str("epx=1"), "ep").p);
	assert_null(uri_query_value(slice_str("e"), "ep").p);
	assert_null(uri_query_value(SLICE_NONE, "ep").p);
}

static void
queries_are_split_and_decoded(void **state)
{
	struct uri u = parsed("coap://h/p?ep=a%26b&x&");
	char text[16];
	struct buf b = buf_of(text, sizeof(text)), small = buf_of(text, 5);

	(void)state;
	assert_int_equal(uri_query(&u, 0, &b), 0);
	is_text(buf_slice(&b), "ep=a&b");
	assert_int_equal(uri_query(&u, 0, &small), ERR_SPACE);
	b.n = 0;
	assert_int_equal(uri_query(&u, 1, &b), 0);
	is_text(buf_slice(&b), "x");
	b.n = 0;
	assert_int_equal(uri_query(&u, 2, &b), 0);
	assert_int_equal(b.n, 0);
	assert_int_equal(uri_query(&u, 3, &b), ERR_NOT_FOUND);
	u = parsed("coap://h/p");
	assert_int_equal(uri_query(&u, 0, &b), ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemes_have_their_ports),
		cmocka_unit_test(every_part_is_found_as_written),
		cmocka_unit_test(ipv6_literals_lose_their_brackets),
		cmocka_unit_test(relative_references),
		cmocka_unit_test(garbage_is_refused_and_the_result_untouched),
		cmocka_unit_test(length_at_the_limit_and_one_past),
		cmocka_unit_test(paths_become_canonical),
		cmocka_unit_test(path_space_and_segments_are_bounded),
		cmocka_unit_test(
		    one_option_with_slashes_differs_until_read_loosely),
		cmocka_unit_test(segments_come_back_raw),
		cmocka_unit_test(query_values),
		cmocka_unit_test(queries_are_split_and_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
