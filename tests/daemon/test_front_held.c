/* Answers that are held until their turn is committed, or is not. */
#include "tests/daemon/front_get.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, rig_stop)
		T(a_held_answer_comes_after_the_commit_and_piggybacked),
		T(a_failed_commit_turns_the_answer_into_its_error),
		T(a_failed_sync_says_that_nobody_knows),
		T(a_repeated_post_runs_once_and_is_answered_with_the_new_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
