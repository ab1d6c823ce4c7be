/*
 * A device that observes by its name: who may, and how it is known that it
 * was told.
 */
#include "tests/daemon/front_observe.h"

static void
a_device_is_told_by_name_and_says_that_it_was(void **state)
{
	struct msg a;

	(void)state;
	observe_ep(&a, "01");
	assert_true(front_device_observes(rig.front, 0, "node7"));
	assert_false(front_device_observes(rig.front, 7, "node8"));
	assert_int_equal(front_notify_device(rig.front, 0, "node8", on_done,
	    &rig), 0);
	assert_int_equal(front_notify_device(rig.front, 7, "node7", on_done,
	    &rig), 1);
	/* it is told although nothing changed */
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	rig_run(30);
	assert_int_equal(rig.done, 0);
	reply(&a, 0, ACK);
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.done_err, 0);
}

/* What is the same for everybody asks nobody for his name. */
static void
REQ_SEC_ACCESS_CONTROL_a_name_counts_where_asked_for(void **state)
{
	struct msg q, a;

	(void)state;
	msg_begin(&q, CON, 1, ++mid, "01");
	msg_opt_uint(&q, OPT_OBSERVE, 0);
	msg_path(&q, "all");
	msg_opt(&q, OPT_URI_QUERY, "ep=node7", 8);
	msg_ask(&q, &a);
	assert_int_equal(observers(), 1);
	assert_false(front_device_observes(rig.front, 0, "node7"));
	assert_int_equal(front_notify_device(rig.front, 0, "node7", on_done,
	    &rig), 0);
}

static void
a_device_that_resets_is_reported_as_refusing(void **state)
{
	struct msg a;

	(void)state;
	observe_ep(&a, "01");
	assert_int_equal(front_notify_device(rig.front, 0, "node7", on_done,
	    &rig), 1);
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	reply(&a, 0, RST);
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.done_err, ERR_REJECTED);
	assert_false(front_device_observes(rig.front, 0, "node7"));
}

static void
a_device_with_two_observers_is_reported_once(void **state)
{
	struct msg a, b;

	(void)state;
	observe_ep(&a, "01");
	observe_ep(&a, "02");
	assert_int_equal(front_notify_device(rig.front, 0, "node7", on_done,
	    &rig), 2);
	/* NSTART is 1: the second is sent when the first was acknowledged */
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_false(msg_recv(&b, 0, 60));
	reply(&a, 0, RST);
	assert_int_equal(rig.done, 0);
	assert_true(msg_recv(&b, 0, RIG_HANGS));
	reply(&b, 0, ACK);
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.done_err, 0);
	assert_int_equal(observers(), 1);
}

static void
a_lost_notification_is_repeated(void **state)
{
	struct msg a, b;

	(void)state;
	observe(&a, 0, "01", 0);
	change('a');
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_true(msg_recv(&b, 0, RIG_HANGS)); /* ACK_TIMEOUT is 2 to 3 s */
	assert_int_equal(a.mid, b.mid);
	reply(&b, 0, ACK);
	assert_int_equal(observers(), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, rig_stop), \
	cmocka_unit_test_setup_teardown(fn, start_steered, rig_stop)
		T(a_device_is_told_by_name_and_says_that_it_was),
		T(REQ_SEC_ACCESS_CONTROL_a_name_counts_where_asked_for),
		T(a_device_that_resets_is_reported_as_refusing),
		T(a_device_with_two_observers_is_reported_once),
		T(a_lost_notification_is_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
