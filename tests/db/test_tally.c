/*
 * Jobs that change wait for the commit, and are counted once in a transaction: whoever reads the
 * counts meanwhile sees them all the same, and a pair that is undone takes
 * its own back, though they were written.
 */
#include "tests/db/twins.h"

#define SOME 300 /* more than wait in SQLite's store */

static uint64_t
count(struct store *s, enum job_state st)
{
	struct store_counts k;

	OK(s->ops->campaign_counts(s, 0, &k));
	return k.by_state[st];
}

static uint64_t
live(struct store *s)
{
	struct store_stats st;

	s->ops->stats(s, &st);
	return st.jobs_live;
}

/* Jobs 1 .. n, one each of devices 1 .. n. */
static void
fill(struct store *s, unsigned n)
{
	uint64_t release = add_release(s, 1);
	char ep[16];

	for (unsigned i = 1; i <= n; i++) {
		struct job j;

		snprintf(ep, sizeof(ep), "d%u", i);
		track_init(&j, add_device(s, ep), release, 1, 5);
		OK(put_job(s, &j));
		assert_int_equal(j.id, i);
	}
}

static void
move(struct store *s, uint64_t id, enum job_state st)
{
	struct job j;

	OK(s->ops->job_live(s, id, &j)); /* each is its device's */
	j.state = st;
	OK(s->ops->job_save(s, &j));
}

/* A failure that waits for its next attempt has a grade; one that is tried
 * again has none yet. */
static void
outcomes_are_counted_by_the_grade_of_their_evidence(void **state)
{
	struct store *s = store_of(state);
	struct store_tally t[8];
	struct store_counts k;
	struct job j;
	size_t n = 0;

	fill(s, 5);
	OK(store_begin(s));
	for (uint64_t id = 1; id <= 5; id++) {
		OK(s->ops->job_live(s, id, &j));
		j.grade = id % 2 ? GRADE_L2 : GRADE_L1;
		j.state = id <= 2 ? JOB_DONE : id == 3 ? JOB_FAILED :
		    id == 4 ? JOB_FETCHING : JOB_QUEUED;
		j.last_fail = id >= 3 ? FAIL_EXECUTION : FAIL_NONE;
		OK(s->ops->job_save(s, &j));
	}
	OK(store_commit(s));
	OK(s->ops->campaign_counts(s, 0, &k));
	assert_int_equal(k.done[GRADE_L0], 0);
	assert_int_equal(k.done[GRADE_L1], 1);
	assert_int_equal(k.done[GRADE_L2], 1);
	assert_int_equal(k.failed[GRADE_L2], 1);
	OK(s->ops->campaign_tally(s, 0, t, 8, &n));
	assert_int_equal(n, 5);
	assert_int_equal(t[0].state, JOB_QUEUED);
	assert_int_equal(t[0].grade, GRADE_L2);
	assert_int_equal(t[1].state, JOB_FETCHING);
	assert_int_equal(t[1].grade, GRADE_L0);
	assert_int_equal(t[2].grade, GRADE_L1);
	assert_int_equal(t[3].grade, GRADE_L2);
	/* stronger evidence for the same state */
	OK(store_begin(s));
	OK(s->ops->job_get(s, 2, &j));
	j.grade = GRADE_L2;
	OK(s->ops->job_save(s, &j));
	OK(s->ops->job_get(s, 5, &j));
	j.started = 1;
	OK(s->ops->job_save(s, &j));
	OK(store_commit(s));
	OK(s->ops->campaign_counts(s, 0, &k));
	assert_int_equal(k.done[GRADE_L1], 0);
	assert_int_equal(k.done[GRADE_L2], 2);
	OK(s->ops->campaign_tally(s, 0, t, 8, &n));
	assert_int_equal(n, 4);
	assert_true(t[0].begun);
	assert_int_equal(t[0].grade, GRADE_L0);
	/* what a removed device's job was counted as, it no longer is */
	OK(store_begin(s));
	OK(s->ops->device_remove(s, 3));
	OK(store_commit(s));
	OK(s->ops->campaign_counts(s, 0, &k));
	assert_int_equal(k.failed[GRADE_L2], 0);
}

static void
what_was_written_in_a_pair_waits_again_when_it_is_undone(void **state)
{
	struct store *s = store_of(state);

	fill(s, 3);
	OK(store_begin(s));
	move(s, 1, JOB_DONE);
	OK(store_begin(s));
	move(s, 2, JOB_DONE);
	assert_int_equal(count(s, JOB_DONE), 2);
	assert_int_equal(live(s), 1);
	store_rollback(s);
	assert_int_equal(count(s, JOB_DONE), 1);
	OK(store_begin(s));
	assert_int_equal(live(s), 2);
	OK(store_commit(s));
	move(s, 3, JOB_FETCHING);
	OK(store_commit(s));
	assert_int_equal(count(s, JOB_QUEUED), 1);
	assert_int_equal(count(s, JOB_FETCHING), 1);
	assert_int_equal(count(s, JOB_DONE), 1);
	assert_int_equal(live(s), 2);
}

static void
a_job_goes_that_has_just_changed(void **state)
{
	struct store *s = store_of(state);

	fill(s, 2);
	OK(store_begin(s));
	move(s, 1, JOB_FETCHING);
	OK(s->ops->device_remove(s, 1));
	OK(store_commit(s));
	assert_int_equal(count(s, JOB_FETCHING), 0);
	assert_int_equal(count(s, JOB_QUEUED), 1);
	assert_int_equal(live(s), 1);
}

static void
are(struct store *s, unsigned from, unsigned to, enum job_state st)
{
	struct job j;

	for (unsigned i = from; i <= to; i++) {
		OK(s->ops->job_get(s, i, &j));
		assert_int_equal(j.state, st);
	}
}

/* In a pair of its own each, or all in one, of which some are undone. What
 * waits is 64 jobs and 256 that are counted. */
static void
as_many_as_wait_and_more_are_counted(void **state)
{
	static const unsigned many[] = {63, 64, 65, 66, 255, 256, 257};
	struct store *s = store_of(state);

	fill(s, SOME);
	OK(store_begin(s));
	for (unsigned i = 1; i <= SOME; i++)
		move(s, i, JOB_QUEUED);
	OK(store_commit(s));
	for (size_t k = 0; k < sizeof(many) / sizeof(many[0]); k++) {
		unsigned n = many[k];

		OK(store_begin(s));
		OK(store_begin(s));
		for (unsigned i = 1; i <= n; i++)
			move(s, i, JOB_NOTIFIED);
		OK(store_begin(s));
		for (unsigned i = 1; i <= SOME; i++)
			move(s, i, JOB_FETCHING);
		assert_int_equal(count(s, JOB_FETCHING), SOME);
		are(s, 1, SOME, JOB_FETCHING);
		store_rollback(s);
		are(s, 1, n, JOB_NOTIFIED);
		OK(store_commit(s));
		OK(store_commit(s));
		are(s, 1, n, JOB_NOTIFIED);
		are(s, n + 1, SOME, JOB_QUEUED);
		assert_int_equal(count(s, JOB_NOTIFIED), n);
		assert_int_equal(count(s, JOB_QUEUED), SOME - n);
	}
	OK(store_begin(s));
	for (unsigned i = 1; i <= SOME; i++) {
		OK(store_begin(s));
		move(s, i, JOB_DONE);
		OK(store_commit(s));
	}
	OK(store_commit(s));
	are(s, 1, SOME, JOB_DONE);
	assert_int_equal(count(s, JOB_DONE), SOME);
	assert_int_equal(live(s), 0);
}

static void
attempt(struct store *s, uint64_t id, enum job_state st, uint32_t count)
{
	struct job j;

	OK(s->ops->job_live(s, id, &j));
	j.state = st;
	j.attempt = count;
	OK(s->ops->job_save(s, &j));
}

/* Of two jobs of a kind one has been written, and one waits behind many: when
 * the latter leaves, what is counted of the former stays. */
static void
a_kind_outlives_one_that_came_and_left_behind_many(void **state)
{
	struct store *s = store_of(state);
	struct store_counts k;

	fill(s, SOME);
	OK(store_begin(s));
	attempt(s, 1, JOB_FETCHING, 3);
	OK(store_commit(s));
	OK(store_begin(s));
	OK(store_begin(s));
	attempt(s, 2, JOB_FETCHING, 1);
	for (unsigned i = 3; i <= SOME; i++)
		move(s, i, JOB_NOTIFIED);
	attempt(s, 2, JOB_NOTIFIED, 1);
	OK(store_commit(s));
	OK(store_commit(s));
	OK(s->ops->campaign_counts(s, 0, &k));
	assert_int_equal(k.by_state[JOB_FETCHING], 1);
	assert_int_equal(k.attempts, 3 + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(outcomes_are_counted_by_the_grade_of_their_evidence),
		TWICE(what_was_written_in_a_pair_waits_again_when_it_is_undone),
		TWICE(a_job_goes_that_has_just_changed),
		TWICE(as_many_as_wait_and_more_are_counted),
		TWICE(a_kind_outlives_one_that_came_and_left_behind_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
