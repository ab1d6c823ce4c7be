/* Requests and answers: routing, options, errors, what is no request. */
#include "lib/cbor.h"
#include "tests/daemon/front_get.h"

static void
get_is_piggybacked_with_the_same_token(void **state)
{
	struct slice v;
	struct msg a;

	(void)state;
	get(&a, "hello", "a1b2c3d4e5f60708");
	assert_int_equal(a.code, 205);
	assert_int_equal(a.token.n, 8);
	assert_memory_equal(a.token.p, "\xa1\xb2\xc3\xd4\xe5\xf6\x07\x08", 8);
	assert_true(slice_eq_str(a.body, "hello"));
	assert_int_equal(msg_get_uint(&a, OPT_CF), CF_TEXT);
	assert_int_equal(etag_of(&a).n, 8);
	assert_false(msg_get(&a, OPT_BLOCK2, &v));
	get(&a, "m/abc", "");
	assert_int_equal(a.token.n, 0);
	assert_string_equal(rig.seen, "abc");
}

static void
a_non_request_gets_a_non_answer(void **state)
{
	struct msg q, a;

	(void)state;
	msg_begin(&q, NON, 1, 9, "77");
	msg_path(&q, "hello");
	msg_ask(&q, &a);
	assert_int_equal(a.type, NON);
	assert_int_equal(a.code, 205);
	msg_begin(&q, NON, 2, 10, "78");
	msg_path(&q, "r");
	msg_ask(&q, &a); /* held, then NON */
	assert_int_equal(a.type, NON);
	assert_int_equal(a.code, 204);
}

/* 7.15: the keep-alive of a real client, and scanners. */
static void
no_path_is_answered(void **state)
{
	struct msg q, a;

	(void)state;
	msg_begin(&q, CON, 4, 1, "0000000000000000");
	msg_ask(&q, &a);
	assert_int_equal(a.type, ACK);
	assert_int_equal(a.code, 404);
	get(&a, "", "");
	assert_int_equal(a.code, 404);
}

/* 7.16 */
static void
one_option_with_slashes_finds_the_path(void **state)
{
	struct msg q, a;

	(void)state;
	msg_begin(&q, CON, 1, 1, "");
	msg_opt(&q, OPT_URI_PATH, "dist/fw.bin", 11);
	msg_opt(&q, 2048, "vendor", 6);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 205);
	assert_true(slice_eq_str(a.body, "alias"));
	get(&a, "dist/fw.bin", "");
	assert_int_equal(a.code, 205);
	msg_begin(&q, CON, 1, 2, "");
	msg_opt(&q, OPT_URI_PATH, "no/such", 7);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 404);
}

static void
wrong_requests_get_their_codes(void **state)
{
	struct msg q, a;

	(void)state;
	msg_begin(&q, CON, 3, 1, "");
	msg_path(&q, "hello");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 405);
	msg_begin(&q, CON, 6, 2, ""); /* PATCH */
	msg_path(&q, "hello");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 405);
	get(&a, "mine", "");
	assert_int_equal(a.code, 401);
	get(&a, "refused", "");
	assert_int_equal(a.code, 409);
	assert_true(slice_eq_str(a.body, "SUIT 8.4.2: too old"));
	msg_begin(&q, CON, 1, 3, "");
	msg_path(&q, "hello");
	msg_opt(&q, 2049, "?", 1); /* unknown and critical */
	msg_ask(&q, &a);
	assert_int_equal(a.code, 402);
	msg_begin(&q, CON, 1, 4, "");
	msg_opt(&q, 5, NULL, 0); /* If-None-Match */
	msg_path(&q, "hello");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 402);
	msg_begin(&q, CON, 1, 5, "");
	msg_path(&q, "hello");
	msg_opt_uint(&q, OPT_ACCEPT, CF_CBOR);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 406);
}

static void
problem_details_for_those_who_accept_them(void **state)
{
	struct msg q, a;
	struct cbr c;
	uint64_t pairs;
	int64_t key;

	(void)state;
	msg_begin(&q, CON, 1, 1, "");
	msg_path(&q, "refused");
	msg_opt_uint(&q, OPT_ACCEPT, CF_PROBLEM);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 409);
	assert_int_equal(msg_get_uint(&a, OPT_CF), CF_PROBLEM);
	assert_int_equal(cbr_check(a.body), 0);
	c = cbr_of(a.body);
	assert_int_equal(cbr_get_map(&c, &pairs), 0);
	assert_int_equal(pairs, 2);
	assert_int_equal(cbr_get_int(&c, &key), 0);
	assert_int_equal(key, -1);
}

static void
path_and_query_at_their_limits_and_one_past(void **state)
{
	char path[64] = "";
	struct front_stats st;
	struct msg q, a;

	(void)state;
	for (int i = 0; i < LIMIT_QUERY; i++) {
		if (i == 0) {
			msg_begin(&q, CON, 1, 1, "");
			msg_path(&q, "q");
		}
		msg_opt(&q, OPT_URI_QUERY, "a=b", 3);
	}
	msg_ask(&q, &a);
	assert_int_equal(a.code, 205);
	assert_int_equal(a.body.n, LIMIT_QUERY * 4);
	msg_opt(&q, OPT_URI_QUERY, "a=b", 3);
	q.b[3] = 2; /* another message ID */
	msg_ask(&q, &a);
	assert_int_equal(a.code, 429);
	for (int i = 0; i < LIMIT_PATH_SEGMENTS; i++)
		strcat(path, i ? "/a" : "a");
	get(&a, path, "");
	assert_int_equal(a.code, 404); /* reached the {*} route */
	strcat(path, "/a");
	get(&a, path, "");
	assert_int_equal(a.code, 404);
	assert_true(slice_eq_str(a.body, "path too long"));
	front_stats(rig.front, &st);
	assert_int_equal(st.limit[FRONT_LIMIT_OPTIONS], 2);
	assert_int_equal(st.refused[-ERR_LIMIT], 1);
}

static void
links_are_printed_from_the_table_and_filtered(void **state)
{
	struct msg q, a;

	(void)state;
	get(&a, ".well-known/core", "");
	assert_int_equal(a.code, 205);
	assert_int_equal(msg_get_uint(&a, OPT_CF), CF_LINK);
	assert_non_null(memmem(a.body.p, a.body.n,
	    "</hello>;rt=\"a.b c\";ct=0,</big>;rt=\"big\";obs,", 44));
	assert_null(memmem(a.body.p, a.body.n, "img", 3)); /* hidden */
	assert_null(memmem(a.body.p, a.body.n, "{", 1));
	msg_begin(&q, CON, 1, 1, "");
	msg_path(&q, ".well-known/core");
	msg_opt(&q, OPT_URI_QUERY, "rt=a*", 5);
	msg_ask(&q, &a);
	assert_true(slice_eq_str(a.body, "</hello>;rt=\"a.b c\";ct=0"));
	msg_begin(&q, CON, 1, 2, "");
	msg_path(&q, ".well-known/core");
	msg_opt(&q, OPT_URI_QUERY, "rt=c", 4);
	msg_ask(&q, &a);
	assert_true(slice_eq_str(a.body, "</hello>;rt=\"a.b c\";ct=0"));
	msg_begin(&q, CON, 1, 3, "");
	msg_path(&q, ".well-known/core");
	msg_opt(&q, OPT_URI_QUERY, "href=/hel*", 10);
	msg_ask(&q, &a);
	assert_true(slice_eq_str(a.body, "</hello>;rt=\"a.b c\";ct=0"));
	msg_begin(&q, CON, 2, 4, "");
	msg_path(&q, ".well-known/core");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 405);
}

static void
no_response_is_honoured(void **state)
{
	struct msg q, a;

	(void)state;
	msg_begin(&q, NON, 2, 1, "01");
	msg_path(&q, "r");
	msg_opt_uint(&q, OPT_NO_RESPONSE, 2);
	msg_send(&q, 0);
	assert_false(msg_recv(&a, 0, 100));
	assert_int_equal(rig.calls, 1);
	msg_begin(&q, CON, 2, 2, "01");
	msg_path(&q, "r");
	msg_opt_uint(&q, OPT_NO_RESPONSE, 2);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 0); /* an empty ACK, or it would repeat */
	assert_int_equal(a.type, ACK);
}

static void
many_requests_in_one_turn_are_all_answered(void **state)
{
	struct front_stats st;
	struct msg q, a;

	(void)state;
	for (uint16_t i = 0; i < 200; i++) {
		msg_begin(&q, CON, 2, i, "aa");
		msg_path(&q, "r");
		msg_send(&q, 0);
	}
	for (uint16_t i = 0; i < 200; i++) {
		assert_true(msg_recv(&a, 0, RIG_HANGS));
		assert_int_equal(a.mid, i);
	}
	front_stats(rig.front, &st);
	assert_int_equal(st.requests, 200);
	assert_int_equal(rig.calls, 200);
}

static void
garbage_does_not_stop_it(void **state)
{
	static const char *const junk[] = {"", "\x40", "\x4f\x01\x00\x01",
	    "\x40\x01\x00\x01\xff", "\x40\x01\x00\x01\xd0", "\x80\x01\x00\x01",
	    "\x40\x01\x00\x01\xb9xx"};
	static const size_t len[] = {0, 1, 4, 5, 5, 4, 7};
	struct msg q = {.n = 0}, a;

	(void)state;
	for (size_t i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		memcpy(q.b, junk[i], len[i]);
		q.n = len[i];
		msg_send(&q, 0);
	}
	rig_run(30);
	while (msg_recv(&a, 0, 20))
		continue;
	get(&a, "hello", "");
	assert_int_equal(a.code, 205);
}

static void
DOS_LIMITS_an_answer_at_the_cap_and_one_past(void **state)
{
	struct front_stats st;
	struct msg a;

	(void)state;
	rig.body_n = LIMIT_RESPONSE;
	get(&a, "fill", "");
	assert_int_equal(a.code, 205);
	rig.body_n = LIMIT_RESPONSE + 1;
	get(&a, "fill", "");
	assert_int_equal(a.code, 500);
	front_stats(rig.front, &st);
	assert_int_equal(st.refused[-ERR_SPACE], 1);
}

/* RFC 7252 4.2; libcoap takes them for requests. */
static void
a_request_in_an_ack_or_a_reset_is_none(void **state)
{
	struct msg q, a;

	(void)state;
	for (unsigned type = ACK; type <= RST; type++) {
		msg_begin(&q, type, 2, (uint16_t)(500 + type), "01");
		msg_path(&q, "r");
		msg_send(&q, 0);
		assert_false(msg_recv(&a, 0, 50));
	}
	assert_int_equal(rig.calls, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, rig_stop)
		T(get_is_piggybacked_with_the_same_token),
		T(a_request_in_an_ack_or_a_reset_is_none),
		T(DOS_LIMITS_an_answer_at_the_cap_and_one_past),
		T(a_non_request_gets_a_non_answer),
		T(no_path_is_answered),
		T(one_option_with_slashes_finds_the_path),
		T(wrong_requests_get_their_codes),
		T(problem_details_for_those_who_accept_them),
		T(path_and_query_at_their_limits_and_one_past),
		T(links_are_printed_from_the_table_and_filtered),
		T(no_response_is_honoured),
		T(many_requests_in_one_turn_are_all_answered),
		T(garbage_does_not_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
