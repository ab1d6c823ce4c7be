/* What is progress of a job, what is silence, and how long it may last. */
#include "tests/lib/track_life.h"

/* The spread that was announced is time that the device may take. */
static void
DOS_SILENCE_an_announced_spread_is_no_silence(void **state)
{
	struct track_event ev = {
		.type = TRACK_PUSH_OK, .have_max_age = true, .max_age = 600,
	};
	struct life l = born();

	(void)state;
	on(&l, TRACK_ADMITTED);
	send(&l, &ev);
	assert_int_equal(l.j.due, l.now - SECOND + 600 * SECOND +
	    policy.notify_ms);
}

static void
DOS_SILENCE_silence_of_a_download_is_a_failure(void **state)
{
	struct life l;

	(void)state;
	to_state(&l, JOB_FETCHING);
	blocks(&l, 4096);
	wait(&l, TRACK_DUE);
	STATE(&l, QUEUED);
	REASON(&l, SILENCE_BLOCKS);
	/* it goes on by itself, without a push */
	blocks(&l, 8192);
	STATE(&l, FETCHING);
	assert_int_equal(l.j.attempt, 2);
	assert_int_equal(l.j.done, 8192);
}

static void
TUF_SLOW_only_progress_renews_the_deadline(void **state)
{
	struct life l;
	int64_t due;

	(void)state;
	to_state(&l, JOB_FETCHING);
	blocks(&l, 8192);
	due = l.j.due;
	blocks(&l, 8192);
	blocks(&l, 4096);
	on(&l, TRACK_MANIFEST_GET);
	on(&l, TRACK_ALIVE);
	assert_true(l.j.due == due);
	assert_int_equal(l.j.done, 8192);
	blocks(&l, 8193);
	assert_true(l.j.due > due);
}

static void
a_larger_rest_has_a_longer_deadline(void **state)
{
	struct track_event ev = {.type = TRACK_BLOCKS, .done = 1024};
	struct life small = born(), large = born();

	(void)state;
	ev.total = 2048;
	send(&small, &ev);
	assert_int_equal(small.j.due - START,
	    policy.fetch_idle_ms + policy.fetch_per_kib_ms);
	ev.total = 1024 + 64 * 1024;
	send(&large, &ev);
	assert_int_equal(large.j.due - START,
	    policy.fetch_idle_ms + 64 * policy.fetch_per_kib_ms);
	/* a claimed size cannot buy patience without end */
	ev.total = UINT64_MAX;
	large = born();
	send(&large, &ev);
	assert_true(large.j.due - START <= policy.fetch_idle_ms +
	    1024 * 1024 * policy.fetch_per_kib_ms);
}

static void
a_device_that_dies_half_way_comes_back(void **state)
{
	struct life l;

	(void)state;
	to_state(&l, JOB_FETCHING);
	blocks(&l, 30000);
	on(&l, TRACK_REBOOT);
	STATE(&l, QUEUED);
	REASON(&l, REBOOTED);
	runs(&l, SEQ - 1);
	STATE(&l, QUEUED);
	on(&l, TRACK_MANIFEST_GET);
	assert_int_equal(l.j.done, 0); /* from the start again: RIOT */
	blocks(&l, 4096);
	assert_int_equal(l.j.done, 4096);
	blocks(&l, 65536);
	on(&l, TRACK_IMAGE_END);
	on(&l, TRACK_REBOOT);
	runs(&l, SEQ);
	STATE(&l, DONE);
	assert_int_equal(l.j.attempt, 2);
	assert_int_equal(l.j.fails[FAIL_TRANSPORT], 1);
}

/* A device learns by silence that its session died with us. */
static void
a_restart_gives_those_who_download_time_to_notice(void **state)
{
	struct life l = born();
	int64_t due;

	(void)state;
	on(&l, TRACK_MANIFEST_GET);
	assert_int_equal(l.j.state, JOB_FETCHING);
	due = l.j.due;
	on(&l, TRACK_RESTART);
	assert_int_equal(l.j.state, JOB_FETCHING);
	assert_true(l.j.due >= due + 200 * SECOND);
	due = l.j.due;
	on(&l, TRACK_RESTART); /* again at once: hardly longer than that */
	assert_in_range(l.j.due, due, due + 10 * SECOND);
}

static void
DOS_SILENCE_silence_of_an_install_is_probed_then_failed(void **state)
{
	struct life l;
	int64_t entered;
	int probes = 0;

	(void)state;
	to_state(&l, JOB_FETCHED);
	entered = l.j.updated;
	while (l.j.state == JOB_FETCHED) {
		wait(&l, TRACK_DUE);
		probes += (l.todo & TRACK_DO_PROBE) != 0;
		assert_false(l.todo & TRACK_DO_PUSH);
	}
	assert_in_range(probes, 3, 8);
	assert_true(l.j.updated >= entered + policy.install_ms);
	STATE(&l, QUEUED);
	REASON(&l, SILENCE_INSTALL);
	assert_int_equal(l.j.fails[FAIL_EXECUTION], 1);
	assert_true(l.j.due >= l.j.updated +
	    policy.backoff.rule[FAIL_EXECUTION].base_ms);
	/* a late clock does not move the verdict */
	to_state(&l, JOB_FETCHED);
	entered = l.j.updated;
	l.now = entered + policy.install_ms * 2 / 3;
	on(&l, TRACK_DUE);
	assert_true(l.j.due == entered + policy.install_ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_restart_gives_those_who_download_time_to_notice),
		T(DOS_SILENCE_an_announced_spread_is_no_silence),
		T(DOS_SILENCE_silence_of_a_download_is_a_failure),
		T(TUF_SLOW_only_progress_renews_the_deadline),
		T(a_larger_rest_has_a_longer_deadline),
		T(a_device_that_dies_half_way_comes_back),
		T(DOS_SILENCE_silence_of_an_install_is_probed_then_failed),
	};

	return cmocka_run_group_tests(tests, defaults, NULL);
}
