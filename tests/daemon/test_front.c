/* Requests and answers: the block rules, routing, errors, held answers. */
#include "tests/rig/front_rig.h"

#include <string.h>

#include "lib/cbor.h"

static uint8_t pattern[200 * 1024 + 1];

static int
start(void **state)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + i / 256);
	return rig_start(state);
}

static struct slice
etag_of(const struct msg *m)
{
	struct slice v = SLICE_NONE;

	assert_true(msg_get(m, OPT_ETAG, &v));
	return v;
}

static void
get(struct msg *a, const char *path, const char *token)
{
	static uint16_t mid = 100;
	struct msg q;

	msg_begin(&q, CON, 1, ++mid, token);
	msg_path(&q, path);
	msg_ask(&q, a);
	assert_int_equal(a->mid, mid);
	assert_int_equal(a->type, ACK);
}

static void
get_block(struct msg *a, uint32_t num, bool more, unsigned szx)
{
	static uint16_t mid = 5000;
	struct msg q;

	msg_begin(&q, CON, 1, ++mid, "");
	msg_path(&q, "big");
	msg_block(&q, OPT_BLOCK2, num, more, szx);
	msg_ask(&q, a);
}

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

/* 7.1, 7.2: any token, any size, from the first block on, at any offset. */
static void
blocks_of_every_size_tile_the_body(void **state)
{
	(void)state;
	rig.served = slice_of(pattern, 2500);
	for (unsigned szx = 0; szx <= 6; szx++) {
		size_t off = 0;
		bool more = true;

		for (uint32_t num = 0; more; num++) {
			struct slice v;
			struct msg a;
			uint32_t b2;

			get_block(&a, num, false, szx);
			assert_int_equal(a.code, 205);
			b2 = msg_get_uint(&a, OPT_BLOCK2);
			assert_int_equal(b2 >> 4, num);
			assert_int_equal(b2 & 7, szx);
			assert_memory_equal(a.body.p, pattern + off, a.body.n);
			off += a.body.n;
			more = (b2 & 8) != 0;
			assert_int_equal(msg_get(&a, OPT_SIZE2, &v), num == 0);
			assert_int_equal(msg_get_uint(&a, OPT_MAX_AGE), 7);
		}
		assert_int_equal(off, 2500);
	}
}

static void
etag_is_the_same_at_every_size_and_changes_with_the_content(void **state)
{
	struct msg a, b;

	(void)state;
	rig.served = slice_of(pattern, 2500);
	get_block(&a, 0, false, 6);
	get_block(&b, 39, false, 2);
	assert_true(slice_eq(etag_of(&a), etag_of(&b)));
	rig.served = slice_of(pattern + 1, 2500);
	get_block(&b, 0, false, 6);
	assert_false(slice_eq(etag_of(&a), etag_of(&b)));
}

/* Anjay -I: a full answer was too long, asks again with M and a smaller size */
static void
more_in_a_request_is_ignored_and_sizes_shrink(void **state)
{
	struct msg a;

	(void)state;
	rig.served = slice_of(pattern, 2500);
	get(&a, "big", "01");
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK2), 8 | 5); /* 512, ours */
	assert_int_equal(a.body.n, 512);
	get_block(&a, 0, true, 4);
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK2), 8 | 4);
	get_block(&a, 9, true, 4); /* resume as the first request */
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK2), 9 << 4 | 4);
	assert_memory_equal(a.body.p, pattern + 9 * 256, a.body.n);
	assert_int_equal(a.body.n, 2500 - 9 * 256);
}

static void
a_one_block_body_answers_block2_with_block2(void **state)
{
	struct msg q, a;

	(void)state;
	rig.served = slice_of(pattern, 10);
	get_block(&a, 0, false, 6);
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK2), 6);
	assert_int_equal(a.body.n, 10);
	/* and an empty one is a block, too */
	rig.served = slice_of(pattern, 0);
	get_block(&a, 0, false, 6);
	assert_int_equal(a.code, 205);
	assert_int_equal(a.body.n, 0);
	msg_begin(&q, CON, 1, 1, "");
	msg_path(&q, "hello");
	msg_opt(&q, OPT_SIZE2, NULL, 0);
	msg_ask(&q, &a);
	assert_int_equal(msg_get_uint(&a, OPT_SIZE2), 5);
}

static void
past_the_end_and_szx_7_are_errors_with_a_diagnostic(void **state)
{
	struct msg a;

	(void)state;
	rig.served = slice_of(pattern, 2048);
	get_block(&a, 2, false, 6);
	assert_int_equal(a.code, 400);
	assert_true(a.body.n > 0);
	get_block(&a, 0xfffff, false, 6);
	assert_int_equal(a.code, 400);
	get_block(&a, 0, false, 7);
	assert_int_equal(a.code, 400);
}

static void
a_known_etag_is_answered_valid_without_payload(void **state)
{
	uint8_t etag[8];
	struct msg q, a;

	(void)state;
	rig.served = slice_of(pattern, 2048);
	get(&a, "big", "");
	memcpy(etag, etag_of(&a).p, 8);
	msg_begin(&q, CON, 1, 1, "");
	msg_opt(&q, OPT_ETAG, "other", 5);
	msg_opt(&q, OPT_ETAG, etag, 8);
	msg_path(&q, "big");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 203);
	assert_int_equal(a.body.n, 0);
	assert_memory_equal(etag_of(&a).p, etag, 8);
	assert_int_equal(msg_get_uint(&a, OPT_MAX_AGE), 7);
}

static void
images_tell_how_far_they_went_and_are_released(void **state)
{
	struct front_stats before, after;
	struct msg q, a;

	(void)state;
	rig.served = slice_of(pattern, 2500);
	front_stats(rig.front, &before);
	get(&a, "big", ""); /* blocks too, but of no image */
	msg_begin(&q, CON, 1, 1, "");
	msg_path(&q, "img");
	msg_block(&q, OPT_BLOCK2, 2, false, 6);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 205);
	assert_memory_equal(etag_of(&a).p, "\1\2\3\4\5\6\7\x8", 8);
	assert_int_equal(rig.blocks, 1);
	assert_int_equal(rig.blocks_end, 2500);
	assert_int_equal(rig.blocks_total, 2500);
	assert_int_equal(rig.unrefs, 1);
	front_stats(rig.front, &after);
	assert_int_equal(after.blocks - before.blocks, 1);
	assert_int_equal(after.block_bytes - before.block_bytes, 2500 - 2048);
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
a_held_answer_comes_after_the_commit_and_piggybacked(void **state)
{
	struct msg q, a;

	(void)state;
	rig.no_flush = true;
	msg_begin(&q, CON, 2, 7, "01");
	msg_path(&q, "r");
	msg_body(&q, "x", 1);
	msg_send(&q, 0);
	assert_false(msg_recv(&a, 0, 60));
	assert_int_equal(rig.calls, 1);
	msg_send(&q, 0); /* a repetition while it waits is swallowed */
	assert_false(msg_recv(&a, 0, 60));
	assert_int_equal(rig.calls, 1);
	rig.no_flush = false;
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_int_equal(a.type, ACK);
	assert_int_equal(a.mid, 7);
	assert_int_equal(a.code, 204);
	assert_true(slice_eq_str(a.body, "n=1"));
	assert_false(msg_recv(&a, 0, 60)); /* and answered once */
}

static void
a_failed_commit_turns_the_answer_into_its_error(void **state)
{
	struct msg q, a;

	(void)state;
	rig.commit_err = ERR_NOSPACE;
	msg_begin(&q, CON, 2, 7, "01");
	msg_path(&q, "r");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 503);
	assert_true(msg_get_uint(&a, OPT_MAX_AGE) > 0);
}

/* Whoever is told that it is lost would do it again in another way. */
static void
a_failed_sync_says_that_nobody_knows(void **state)
{
	struct msg q, lost, unsure;

	(void)state;
	rig.commit_err = ERR_IO;
	msg_begin(&q, CON, 2, 7, "01");
	msg_path(&q, "r");
	msg_ask(&q, &lost);
	assert_int_equal(lost.code, 500);
	rig.unsure = true;
	msg_begin(&q, CON, 2, 8, "01");
	msg_path(&q, "r");
	msg_ask(&q, &unsure);
	assert_int_equal(unsure.code, 500);
	assert_true(unsure.body.n > lost.body.n);
}

/* 7.1, Nordic: a repetition has the message ID, but another token. */
static void
a_repeated_post_runs_once_and_is_answered_with_the_new_token(void **state)
{
	struct slice v;
	struct msg q, a;

	(void)state;
	for (int i = 0; i < 3; i++) {
		msg_begin(&q, CON, 2, 40, i == 0 ? "01" : "0203");
		msg_path(&q, "rd");
		msg_ask(&q, &a);
		assert_int_equal(a.code, 201);
		assert_int_equal(a.token.n, i == 0 ? 1 : 2);
		assert_true(msg_get(&a, OPT_LOCATION_PATH, &v));
		assert_true(slice_eq_str(v, "rd"));
		assert_int_equal(rig.calls, 1);
	}
	/* another peer's message ID is another request */
	msg_send(&q, 1);
	assert_true(msg_recv(&a, 1, RIG_HANGS));
	assert_int_equal(rig.calls, 2);
	q.b[3]++;
	msg_ask(&q, &a);
	assert_int_equal(rig.calls, 3);
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
		T(blocks_of_every_size_tile_the_body),
		T(etag_is_the_same_at_every_size_and_changes_with_the_content),
		T(more_in_a_request_is_ignored_and_sizes_shrink),
		T(a_one_block_body_answers_block2_with_block2),
		T(past_the_end_and_szx_7_are_errors_with_a_diagnostic),
		T(a_known_etag_is_answered_valid_without_payload),
		T(images_tell_how_far_they_went_and_are_released),
		T(no_path_is_answered),
		T(one_option_with_slashes_finds_the_path),
		T(wrong_requests_get_their_codes),
		T(problem_details_for_those_who_accept_them),
		T(path_and_query_at_their_limits_and_one_past),
		T(links_are_printed_from_the_table_and_filtered),
		T(a_held_answer_comes_after_the_commit_and_piggybacked),
		T(a_failed_commit_turns_the_answer_into_its_error),
		T(a_failed_sync_says_that_nobody_knows),
		T(a_repeated_post_runs_once_and_is_answered_with_the_new_token),
		T(no_response_is_honoured),
		T(many_requests_in_one_turn_are_all_answered),
		T(garbage_does_not_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
