/* Reading a GET of the image plane. */
#include "tests/lib/get_make.h"

static void
a_usual_request_is_read(void **state)
{
	struct made *m = *state;
	struct get g;

	made_get(m, CON, "abcd");
	made_opt(m, OPT_URI_QUERY, "ep=dev-1", 8);
	made_block(m, OPT_BLOCK2, 70000, true, 2);
	assert_int_equal(made_read(m, &g), GET_OK);
	assert_true(g.con);
	assert_int_equal(g.mid, 0x1234);
	assert_int_equal(g.answer_mid, 0x1234);
	assert_true(slice_eq_str(g.token, "abcd"));
	assert_true(slice_eq_str(get_id(&g), ID));
	assert_true(slice_eq_str(g.ep, "dev-1"));
	assert_true(g.have_b2);
	assert_int_equal(g.b2.num, 70000);
	assert_int_equal(g.b2.szx, 2);
	assert_false(g.have_b1 || g.have_accept || g.size2);
	assert_int_equal(g.etags, 0);
	assert_int_equal(g.no_response, 0);
	made_get(m, NON, "");
	assert_int_equal(made_read(m, &g), GET_OK);
	assert_false(g.con || g.have_b2);
	assert_null(g.ep.p);
	assert_int_equal(g.token.n, 0);
}

/* Where an option ends a shorter message is a whole one; nowhere else. */
static void
every_truncation_is_malformed_or_a_shorter_message(void **state)
{
	struct made *m = *state;
	bool whole[64] = {false};
	struct get g;
	size_t full;

	made_begin(m, CON, "abcd");
	whole[m->n] = true;
	made_opt(m, OPT_URI_PATH, "i", 1);
	whole[m->n] = true;
	made_opt(m, OPT_URI_PATH, ID "x", strlen(ID) + 1);
	whole[m->n] = true;
	made_block(m, OPT_BLOCK2, 1000, false, 6);
	whole[m->n] = true;
	made_opt(m, OPT_REQUEST_TAG, "12345", 5);
	whole[m->n] = true;
	m->b[m->n++] = GET_MARKER;
	m->b[m->n++] = 'x';
	whole[m->n] = true;
	full = m->n;
	for (m->n = 0; m->n <= full; m->n++)
		assert_int_equal(made_read(m, &g), m->n < 4 ? GET_SILENT :
		    whole[m->n] ? GET_OK : GET_RESET);
}

static void
tokens_have_0_to_8_bytes(void **state)
{
	struct made *m = *state;
	struct get g;

	for (unsigned tkl = 0; tkl <= 15; tkl++) {
		made_begin(m, CON, "");
		m->b[0] |= tkl;
		memset(m->b + 4, 'x', tkl);
		m->n = 4 + tkl;
		made_opt(m, OPT_URI_PATH, "i", 1);
		assert_int_equal(made_read(m, &g),
		    tkl <= 8 ? GET_OK : GET_RESET);
		if (tkl <= 8)
			assert_int_equal(g.token.n, tkl);
		m->n = 4 + tkl - (tkl > 0); /* a byte is missing */
		assert_int_equal(made_read(m, &g),
		    tkl == 0 ? GET_OK : GET_RESET);
	}
}

/* All that the plane's filter lets through is a matter for get_read, and
 * nothing else is. */
static void
what_the_filter_takes_gets_a_verdict(void **state)
{
	struct made *m = *state;
	uint32_t luck = 1;
	struct get g;

	for (unsigned first = 0; first <= 255; first++) {
		for (unsigned code = 0; code <= 255; code++) {
			bool ours = first >> 6 == 1 && (first >> 4 & 3) <= NON
			    && code == 1;

			made_get(m, CON, "");
			m->b[0] = (uint8_t)first;
			m->b[1] = (uint8_t)code;
			assert_int_equal(made_read(m, &g) != GET_SILENT,
			    ours);
		}
	}
	for (size_t i = 0; i < 20000; i++) {
		made_begin(m, i & 1, &"12345678"[i % 9]);
		made_opt(m, OPT_URI_PATH, "i", 1);
		for (size_t n = i % 40; n > 0; n--) {
			luck = luck * 1664525u + 1013904223u;
			m->b[m->n++] = (uint8_t)(luck >> 24);
		}
		assert_int_not_equal(made_read(m, &g), GET_SILENT);
	}
}

static void
the_lengths_of_values_are_kept(void **state)
{
	static const struct {
		uint32_t number;
		size_t min, max;
	} cases[] = {
		{OPT_IF_MATCH, 0, 8}, {OPT_URI_HOST, 1, 255},
		{OPT_ETAG, 1, 8}, {OPT_IF_NONE_MATCH, 0, 0},
		{OPT_OBSERVE, 0, 3}, {OPT_URI_PORT, 0, 2},
		{OPT_LOCATION_PATH, 0, 255}, {OPT_OSCORE, 0, 255},
		{OPT_URI_PATH, 0, 255}, {OPT_CONTENT_FORMAT, 0, 2},
		{OPT_MAX_AGE, 0, 4}, {OPT_URI_QUERY, 1, 255},
		{OPT_HOP_LIMIT, 1, 1}, {OPT_ACCEPT, 0, 2},
		{OPT_LOCATION_QUERY, 0, 255}, {OPT_BLOCK2, 0, 3},
		{OPT_BLOCK1, 0, 3}, {OPT_SIZE2, 0, 4},
		{OPT_PROXY_URI, 1, 1034}, {OPT_PROXY_SCHEME, 1, 255},
		{OPT_SIZE1, 0, 4}, {OPT_ECHO, 0, 40},
		{OPT_NO_RESPONSE, 0, 1}, {OPT_REQUEST_TAG, 0, 8},
	};
	struct made *m = *state;
	struct get g;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t lo = cases[i].min > 0 ? cases[i].min - 1 : 0;

		for (size_t n = lo; n <= cases[i].max + 1; n++) {
			bool fine = n >= cases[i].min && n <= cases[i].max;

			made_begin(m, CON, "");
			made_fill(m, cases[i].number, n);
			assert_int_equal(made_read(m, &g) != GET_RESET, fine);
		}
	}
	/* others are not ours to judge */
	made_begin(m, CON, "");
	made_fill(m, 2048, 1000);
	assert_int_equal(made_read(m, &g), GET_OK);
}

static void
reserved_nibbles_and_large_numbers_are_malformed(void **state)
{
	static const struct {
		const char *tail;
		size_t n;
		bool fine;
	} cases[] = {
		{"\xf1" "a", 2, false}, {"\x1f" "a", 2, false},
		{"\x15" "a", 2, false}, {"\xd0", 1, false},
		{"\xe0\x01", 2, false}, {"\x0e\x01", 2, false},
		{"\xe0\xff\xff", 3, false},
		/* 11 + 269 + ... = 65534, 65536, 65547 */
		{"\xe0\xfe\xe6", 3, true}, {"\xe0\xfe\xe8", 3, false},
		{"\xe0\xfe\xf3", 3, false},
	};
	struct made *m = *state;
	struct get g;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		made_begin(m, CON, "");
		made_opt(m, OPT_URI_PATH, "i", 1);
		memcpy(m->b + m->n, cases[i].tail, cases[i].n);
		m->n += cases[i].n;
		assert_int_equal(made_read(m, &g),
		    cases[i].fine ? GET_OK : GET_RESET);
	}
}

static void
a_datagram_at_the_cap_and_one_past(void **state)
{
	struct made *m = *state;
	struct get g;

	made_get(m, CON, "");
	m->b[m->n++] = GET_MARKER;
	m->n = LIMIT_DATAGRAM;
	assert_int_equal(made_read(m, &g), GET_OK);
	m->n++;
	assert_int_equal(made_read(m, &g), GET_RESET);
}

static void
is_error(struct made *m, int err)
{
	struct get g;

	assert_int_equal(made_read(m, &g), err == 0 ? GET_OK : GET_ERROR);
	assert_int_equal(g.err, err);
	assert_true(err == 0 || g.rule != NULL);
}

static void
queries_at_the_cap_and_one_past(void **state)
{
	struct made *m = *state;

	made_get(m, CON, "");
	for (size_t i = 0; i < LIMIT_QUERY; i++)
		made_opt(m, OPT_URI_QUERY, "a", 1);
	is_error(m, 0);
	made_opt(m, OPT_URI_QUERY, "a", 1);
	is_error(m, ERR_LIMIT);
	/* the first one that is wrong counts */
	made_block(m, OPT_BLOCK2, 0, false, 7);
	is_error(m, ERR_LIMIT);
}

static void
paths_at_the_caps_and_one_past(void **state)
{
	struct made *m = *state;
	struct get g;
	char path[LIMIT_PATH + 1];

	made_begin(m, CON, "");
	for (size_t i = 0; i < LIMIT_PATH_SEGMENTS; i++)
		made_opt(m, OPT_URI_PATH, "i", 1);
	is_error(m, 0);
	made_opt(m, OPT_URI_PATH, "i", 1);
	is_error(m, ERR_NOT_FOUND);
	/* "i/" and the rest */
	for (size_t n = LIMIT_PATH - 2; n <= LIMIT_PATH - 1; n++) {
		made_begin(m, CON, "");
		made_opt(m, OPT_URI_PATH, "i", 1);
		made_fill(m, OPT_URI_PATH, n);
		is_error(m, n == LIMIT_PATH - 2 ? 0 : ERR_NOT_FOUND);
	}
	/* escapes count as what they are written with: 2 + 3 * 84 + 1 */
	made_begin(m, CON, "");
	made_opt(m, OPT_URI_PATH, "i", 1);
	memset(path, '/', 84);
	memcpy(path + 84, "ab", 2);
	made_opt(m, OPT_URI_PATH, path, 85);
	is_error(m, 0);
	assert_int_equal(made_read(m, &g), GET_OK);
	get_path(&g, path);
	assert_int_equal(strlen(path), LIMIT_PATH);
	made_begin(m, CON, "");
	made_opt(m, OPT_URI_PATH, "i", 1);
	memset(path, '%', 84);
	memcpy(path + 84, "ab", 2);
	made_opt(m, OPT_URI_PATH, path, 86);
	is_error(m, ERR_NOT_FOUND);
}

static void
only_two_segments_are_an_id(void **state)
{
	static const struct {
		const char *segment[4];
		const char *id, *path;
	} cases[] = {
		{{"i", "abc"}, "abc", "i/abc"},
		{{"", "i", "abc"}, "abc", "i/abc"},
		{{"i"}, NULL, "i"},
		{{"i", ""}, NULL, "i/"},
		{{"i", "a", "b"}, NULL, "i/a/b"},
		{{"i", "abc", ""}, NULL, "i/abc/"},
		{{"m", "abc"}, NULL, "m/abc"},
		{{"ii", "abc"}, NULL, "ii/abc"},
		{{"i", "a/b"}, "a/b", "i/a%2Fb"},
	};
	struct made *m = *state;
	char path[LIMIT_PATH + 1];
	struct get g;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		made_begin(m, CON, "");
		for (size_t k = 0; cases[i].segment[k] != NULL; k++)
			made_opt(m, OPT_URI_PATH, cases[i].segment[k],
			    strlen(cases[i].segment[k]));
		assert_int_equal(made_read(m, &g), GET_OK);
		get_path(&g, path);
		assert_string_equal(path, cases[i].path);
		if (cases[i].id == NULL)
			assert_null(get_id(&g).p);
		else
			assert_true(slice_eq_str(get_id(&g), cases[i].id));
	}
	made_begin(m, CON, "");
	made_opt(m, OPT_URI_PATH, "i", 1);
	made_opt(m, OPT_URI_PATH, "a\0b", 3);
	assert_int_equal(made_read(m, &g), GET_OK);
	assert_null(get_id(&g).p);
}

static void
the_first_ep_that_is_a_name_counts(void **state)
{
	static const struct {
		const char *query[3];
		const char *ep;
	} cases[] = {
		{{"ep=a"}, "a"},
		{{"x=1", "ep=a", "ep=b"}, "a"},
		{{"ep=", "ep=b"}, "b"},
		{{"ep", "ep=b"}, "b"},
		{{"ep=a b", "ep=b"}, "b"},
		{{"epx=a"}, NULL},
		{{"EP=a"}, NULL},
	};
	struct made *m = *state;
	char text[3 + LIMIT_EP + 1];
	struct get g;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		made_get(m, CON, "");
		for (size_t k = 0; k < 3 && cases[i].query[k] != NULL; k++)
			made_opt(m, OPT_URI_QUERY, cases[i].query[k],
			    strlen(cases[i].query[k]));
		assert_int_equal(made_read(m, &g), GET_OK);
		if (cases[i].ep == NULL)
			assert_null(g.ep.p);
		else
			assert_true(slice_eq_str(g.ep, cases[i].ep));
	}
	memset(text, 'a', sizeof(text));
	memcpy(text, "ep=", 3);
	for (size_t n = LIMIT_EP; n <= LIMIT_EP + 1; n++) {
		made_get(m, CON, "");
		made_opt(m, OPT_URI_QUERY, text, 3 + n);
		assert_int_equal(made_read(m, &g), GET_OK);
		assert_int_equal(g.ep.p != NULL, n == LIMIT_EP);
	}
}

static void
blocks_are_read_as_lib_block_does(void **state)
{
	struct made *m = *state;
	struct get g;

	made_get(m, CON, "");
	made_block(m, OPT_BLOCK2, 0xfffff, true, 7);
	is_error(m, ERR_MALFORMED);
	made_get(m, CON, "");
	made_block(m, OPT_BLOCK2, 1, true, 5);
	made_block(m, OPT_BLOCK2, 2, true, 6);
	made_block(m, OPT_BLOCK1, 0, false, 3);
	assert_int_equal(made_read(m, &g), GET_OK);
	assert_int_equal(g.b2.num, 2); /* the last one */
	assert_true(g.have_b1);
	assert_int_equal(g.b1.szx, 3);
	/* a GET has no body in parts */
	for (uint32_t num = 0; num < 2; num++) {
		made_get(m, CON, "");
		made_block(m, OPT_BLOCK1, num, num == 0, 3);
		is_error(m, ERR_BAD_OPTION);
	}
}

static void
etags_at_the_cap_and_one_past(void **state)
{
	struct made *m = *state;
	struct get g;

	for (size_t n = CONTENT_ETAGS; n <= CONTENT_ETAGS + 1; n++) {
		made_begin(m, CON, "");
		for (size_t i = 0; i < n; i++)
			made_opt(m, OPT_ETAG, "12345678", 8);
		made_opt(m, OPT_URI_PATH, "i", 1);
		assert_int_equal(made_read(m, &g), GET_OK);
		assert_int_equal(g.etags, CONTENT_ETAGS);
	}
}

/* libcoap parses all of it, then looks for strangers, then for what a proxy
 * does; the front comes last. */
static void
who_speaks_first(void **state)
{
	struct made *m = *state;
	struct get g;

	made_get(m, CON, "");
	made_block(m, OPT_BLOCK2, 0, false, 7);
	assert_int_equal(made_read(m, &g), GET_ERROR);
	made_get(m, CON, "");
	made_opt(m, OPT_HOP_LIMIT, "\1", 1);
	made_opt(m, OPT_HOP_LIMIT, "\2", 1); /* the first one counts */
	made_block(m, OPT_BLOCK2, 0, false, 7);
	assert_int_equal(made_read(m, &g), GET_HOPS_OUT);
	made_opt(m, OPT_PROXY_SCHEME, "coap", 4);
	assert_int_equal(made_read(m, &g), GET_PROXY);
	made_opt(m, 65535, "", 0);
	assert_int_equal(made_read(m, &g), GET_CRITICAL);
	m->b[m->n++] = GET_MARKER;
	assert_int_equal(made_read(m, &g), GET_RESET);
	made_get(m, CON, "");
	made_opt(m, OPT_HOP_LIMIT, "\0", 1);
	assert_int_equal(made_read(m, &g), GET_HOPS_BAD);
	made_get(m, CON, "");
	made_opt(m, OPT_HOP_LIMIT, "\2", 1);
	assert_int_equal(made_read(m, &g), GET_OK);
}

static void
unknown_options_are_ignored_or_critical(void **state)
{
	static const uint32_t elective[] = {2, 10, 22, 30, 252, 292, 2048,
	    65534};
	static const uint32_t critical[] = {9, 13, 19, 31, 253, 2049, 65535};
	struct made *m = *state;
	struct get g;

	made_begin(m, CON, "");
	made_opt(m, OPT_URI_HOST, "localhost", 9);
	made_opt(m, OPT_OBSERVE, "", 0);
	made_opt(m, OPT_URI_PORT, "\x16\x33", 2);
	made_opt(m, OPT_URI_PATH, "i", 1);
	assert_int_equal(made_read(m, &g), GET_OK);
	for (size_t i = 0; i < sizeof(elective) / sizeof(elective[0]); i++) {
		made_begin(m, CON, "");
		made_fill(m, elective[i], 8);
		assert_int_equal(made_read(m, &g), GET_OK);
	}
	for (size_t i = 0; i < sizeof(critical) / sizeof(critical[0]); i++) {
		made_begin(m, CON, "");
		made_fill(m, critical[i], 8);
		assert_int_equal(made_read(m, &g), GET_CRITICAL);
	}
}

static void
the_first_echo_option_is_read(void **state)
{
	static const uint8_t zeros[41];
	struct made *m = *state;
	struct get g;

	made_get(m, CON, "");
	assert_int_equal(made_read(m, &g), GET_OK);
	assert_null(g.echo.p);
	made_get(m, CON, "");
	made_opt(m, OPT_ECHO, "12345678", 8);
	made_opt(m, OPT_ECHO, "87654321", 8);
	assert_int_equal(made_read(m, &g), GET_OK);
	assert_true(slice_eq_str(g.echo, "12345678"));
	made_get(m, CON, "");
	made_opt(m, OPT_ECHO, zeros, 40);
	assert_int_equal(made_read(m, &g), GET_OK);
	made_get(m, CON, "");
	made_opt(m, OPT_ECHO, zeros, 41);
	assert_int_equal(made_read(m, &g), GET_RESET);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, made_init, made_fini)
		T(a_usual_request_is_read),
		T(every_truncation_is_malformed_or_a_shorter_message),
		T(tokens_have_0_to_8_bytes),
		T(what_the_filter_takes_gets_a_verdict),
		T(the_lengths_of_values_are_kept),
		T(reserved_nibbles_and_large_numbers_are_malformed),
		T(a_datagram_at_the_cap_and_one_past),
		T(queries_at_the_cap_and_one_past),
		T(paths_at_the_caps_and_one_past),
		T(only_two_segments_are_an_id),
		T(the_first_ep_that_is_a_name_counts),
		T(blocks_are_read_as_lib_block_does),
		T(etags_at_the_cap_and_one_past),
		T(who_speaks_first),
		T(unknown_options_are_ignored_or_critical),
		T(the_first_echo_option_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
