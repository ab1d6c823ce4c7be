/* Requests and answers: the block rules, routing, errors, held answers. */
#include "tests/rig/front_rig.h"

#include <string.h>

static void
get_is_piggybacked_with_the_same_token(void **state)
{
	struct msg q, a;
	struct slice v;

	(void)state;
	msg_begin(&q, CON, 1, 0x1234, "a1b2c3d4e5f60708");
	msg_path(&q, "hello");
	msg_ask(&q, &a);
	assert_int_equal(a.type, ACK);
	assert_int_equal(a.mid, 0x1234);
	assert_int_equal(a.code, 205);
	assert_true(slice_eq(a.token, slice_of(q.b + 4, 8)));
	assert_true(slice_eq_str(a.body, "hello"));
	assert_int_equal(msg_get_uint(&a, OPT_CF), CF_TEXT);
	assert_true(msg_get(&a, OPT_ETAG, &v));
	assert_int_equal(v.n, 8);
	assert_false(msg_get(&a, OPT_BLOCK2, &v));
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
	assert_false(msg_recv(&a, 0, 100));
	assert_int_equal(rig.calls, 1);
	rig.no_flush = false;
	assert_true(msg_recv(&a, 0, 1000));
	assert_int_equal(a.type, ACK);
	assert_int_equal(a.mid, 7);
	assert_int_equal(a.code, 204);
	assert_true(slice_eq_str(a.body, "n=1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_start, rig_stop)
		T(get_is_piggybacked_with_the_same_token),
		T(a_held_answer_comes_after_the_commit_and_piggybacked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
