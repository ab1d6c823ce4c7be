#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/track.h"

static void
a_trigger_brings_the_release(void **state)
{
	struct track_policy p;
	struct job j;
	struct track_event ev = {.type = TRACK_ADMITTED};

	(void)state;
	track_policy_default(&p);
	track_init(&j, 1, 2, 7, 1000);
	assert_true(track_step(&j, &ev, &p, 1000, 5, &j) & TRACK_DO_PUSH);
	assert_int_equal(j.attempt, 1);
	ev.type = TRACK_PUSH_OK;
	track_step(&j, &ev, &p, 2000, 5, &j);
	assert_int_equal(j.state, JOB_NOTIFIED);
	ev.type = TRACK_MANIFEST_GET;
	track_step(&j, &ev, &p, 3000, 5, &j);
	assert_int_equal(j.state, JOB_FETCHING);
	ev.type = TRACK_IMAGE_END;
	track_step(&j, &ev, &p, 4000, 5, &j);
	assert_int_equal(j.state, JOB_FETCHED);
	ev.type = TRACK_SEEN_RUNNING;
	ev.sequence = 7;
	track_step(&j, &ev, &p, 5000, 5, &j);
	assert_int_equal(j.state, JOB_DONE);
	assert_int_equal(j.due, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trigger_brings_the_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
