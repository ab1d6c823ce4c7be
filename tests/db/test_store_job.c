/*
 * The contract of db/store.h, for both twins: jobs.
 */
#include "tests/db/twins.h"

static void
same_job(const struct job *a, const struct job *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->campaign, b->campaign);
	assert_int_equal(a->device, b->device);
	assert_int_equal(a->release, b->release);
	assert_true(a->target_seq == b->target_seq);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->grade, b->grade);
	assert_int_equal(a->attempt, b->attempt);
	assert_memory_equal(a->fails, b->fails, sizeof(a->fails));
	assert_int_equal(a->last_fail, b->last_fail);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->created, b->created);
	assert_int_equal(a->updated, b->updated);
	assert_int_equal(a->due, b->due);
	assert_int_equal(a->started, b->started);
	assert_int_equal(a->done, b->done);
	assert_true(a->total == b->total);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->wave, b->wave);
}

static void
a_job_comes_back_as_it_was(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), dev = add_device(s, "a");
	uint64_t camp = add_campaign(s, rel, 1);
	struct job j = make_job(camp, dev, rel, INT64_MAX), k;

	j.wave = STORE_WAVES;
	j.target_seq = UINT64_MAX;
	j.state = JOB_FETCHED;
	j.grade = GRADE_L2;
	j.attempt = UINT32_MAX;
	for (uint32_t i = 0; i < FAIL_CLASSES; i++)
		j.fails[i] = i + 10;
	j.last_fail = FAIL_EXECUTION;
	j.reason = REASON_OTHER;
	j.created = 1;
	j.updated = 2;
	j.started = 3;
	j.done = 4;
	j.total = UINT64_MAX;
	j.version = 50;
	OK(put_job(s, &j));
	assert_int_equal(j.version, 1);
	OK(s->ops->job_get(s, j.id, &k));
	same_job(&j, &k);
	OK(s->ops->job_live(s, dev, &k));
	same_job(&j, &k);
	OK(s->ops->job_last(s, dev, &k));
	same_job(&j, &k);
	FAILS(s->ops->job_get(s, j.id + 1, &k), ERR_NOT_FOUND);
	FAILS(s->ops->job_live(s, dev + 1, &k), ERR_NOT_FOUND);
	FAILS(s->ops->job_last(s, dev + 1, &k), ERR_NOT_FOUND);
}

static void
a_job_of_nonsense_or_of_nothing_is_refused(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), dev = add_device(s, "a");
	struct job good = make_job(0, dev, rel, 0), j;

	j = good, j.state = JOB_STATES;
	FAILS(put_job(s, &j), ERR_INVALID);
	j = good, j.grade = GRADE_L2 + 1;
	FAILS(put_job(s, &j), ERR_INVALID);
	j = good, j.last_fail = FAIL_CLASSES;
	FAILS(put_job(s, &j), ERR_INVALID);
	j = good, j.reason = REASONS;
	FAILS(put_job(s, &j), ERR_INVALID);
	j = good, j.due = -1;
	FAILS(put_job(s, &j), ERR_INVALID);
	j = good, j.wave = 1; /* of which campaign? */
	FAILS(put_job(s, &j), ERR_INVALID);
	j.campaign = add_campaign(s, rel, 1);
	j.wave = STORE_WAVES + 1;
	FAILS(put_job(s, &j), ERR_INVALID);
	j = good, j.device = 99;
	FAILS(put_job(s, &j), ERR_NOT_FOUND);
	j = good, j.release = 99;
	FAILS(put_job(s, &j), ERR_NOT_FOUND);
	j = good, j.campaign = 99;
	FAILS(put_job(s, &j), ERR_NOT_FOUND);
	assert_int_equal(j.id, 0);
	OK(put_job(s, &good));
	good.state = JOB_STATES;
	FAILS(save_job(s, &good), ERR_INVALID);
}

static void
a_device_has_one_live_job(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), dev = add_device(s, "a");
	struct job a = make_job(0, dev, rel, 0), b = a, k;

	OK(put_job(s, &a));
	FAILS(put_job(s, &b), ERR_EXISTS);
	b.state = JOB_DONE; /* a final one is no second */
	OK(put_job(s, &b));
	OK(s->ops->job_live(s, dev, &k));
	assert_int_equal(k.id, a.id);
	OK(s->ops->job_last(s, dev, &k));
	assert_int_equal(k.id, b.id);
	b.state = JOB_QUEUED;
	FAILS(save_job(s, &b), ERR_EXISTS);
	assert_int_equal(b.version, 1);
	a.state = JOB_CANCELLED;
	OK(save_job(s, &a));
	FAILS(s->ops->job_live(s, dev, &k), ERR_NOT_FOUND);
	OK(save_job(s, &b)); /* an operator's retry */
	OK(s->ops->job_live(s, dev, &k));
	assert_int_equal(k.id, b.id);
}

static void
a_job_is_saved_by_version_and_keeps_what_it_is(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), dev = add_device(s, "a");
	uint64_t camp = add_campaign(s, rel, 1);
	struct job j = make_job(camp, dev, rel, 5), stale, k;

	j.wave = 2;
	OK(put_job(s, &j));
	stale = j;
	j.state = JOB_NOTIFIED;
	j.attempt = 1;
	j.due = 99;
	j.device = j.release = j.target_seq = 77;
	j.campaign = 77;
	j.wave = 3;
	j.created = 77;
	OK(save_job(s, &j));
	assert_int_equal(j.version, 2);
	stale.state = JOB_FAILED;
	FAILS(save_job(s, &stale), ERR_CONFLICT);
	assert_int_equal(stale.version, 1);
	OK(s->ops->job_get(s, j.id, &k));
	assert_int_equal(k.state, JOB_NOTIFIED);
	assert_int_equal(k.attempt, 1);
	assert_int_equal(k.due, 99);
	assert_int_equal(k.version, 2);
	assert_int_equal(k.device, dev);
	assert_int_equal(k.release, rel);
	assert_int_equal(k.target_seq, 0);
	assert_int_equal(k.campaign, camp);
	assert_int_equal(k.wave, 2);
	assert_int_equal(k.created, 0);
	j.id = 99;
	FAILS(save_job(s, &j), ERR_NOT_FOUND);
}

static void
jobs_are_listed_by_campaign_and_page(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), camp = add_campaign(s, rel, 1);
	struct job j, page[3];
	char ep[16];
	size_t n = 0;

	for (int i = 0; i < 8; i++) {
		snprintf(ep, sizeof(ep), "d%d", i);
		j = make_job(i % 2 ? camp : 0, add_device(s, ep), rel, 0);
		OK(put_job(s, &j));
	}
	OK(s->ops->job_list(s, camp, 0, 3, page, &n));
	assert_int_equal(n, 3);
	assert_int_equal(page[0].id, 2);
	OK(s->ops->job_list(s, camp, page[2].id, 3, page, &n));
	assert_int_equal(n, 1);
	assert_int_equal(page[0].id, 8);
	OK(s->ops->job_list(s, 0, 1, 3, page, &n));
	assert_int_equal(n, 3);
	assert_int_equal(page[0].id, 3);
	OK(s->ops->job_list(s, 99, 0, 3, page, &n));
	assert_int_equal(n, 0);
}

static struct job
moved(struct store *s, struct job j, enum job_state st, int64_t at)
{
	j.state = st;
	j.started = st == JOB_FETCHING ? at : 0;
	j.updated = at;
	j.last_fail = st == JOB_QUEUED || st == JOB_FAILED ? FAIL_TRANSPORT :
	    FAIL_NONE;
	OK(save_job(s, &j));
	return j;
}

static void
notable(struct store *s, uint64_t campaign, enum store_notable which,
    const struct job *want, size_t n)
{
	struct job page[LIMIT_PAGE];
	size_t got = 0;

	OK(s->ops->job_notable(s, campaign, which, page, 2, &got));
	assert_int_equal(got, n < 2 ? n : 2);
	OK(s->ops->job_notable(s, campaign, which, page, LIMIT_PAGE, &got));
	assert_int_equal(got, n);
	for (size_t i = 0; i < n; i++)
		same_job(&page[i], &want[i]);
}

/* Put in the order 3, 1, 2 of their times; two are equal: by id. */
static void
what_a_person_wants_to_see_first_comes_first(void **state)
{
	static const enum job_state of[] = {JOB_FETCHING, JOB_QUEUED,
	    JOB_FAILED};
	static const int64_t at[] = {30, 10, 20, 20};
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), camp = add_campaign(s, rel, 1);
	struct job j[3][4], fresh, last[4], page[1];
	char ep[16];
	size_t n = 9;

	for (int k = 0; k < 12; k++) {
		snprintf(ep, sizeof(ep), "d%d", k);
		j[k % 3][k / 3] = make_job(camp,
		    add_device(s, ep), rel, 0);
		OK(put_job(s, &j[k % 3][k / 3]));
		j[k % 3][k / 3] = moved(s, j[k % 3][k / 3], of[k % 3],
		    at[k / 3]);
	}
	fresh = make_job(camp, add_device(s, "fresh"), rel, 0);
	OK(put_job(s, &fresh));
	fresh = make_job(0, add_device(s, "other"), rel, 0);
	OK(put_job(s, &fresh));
	fresh = moved(s, fresh, JOB_FAILED, 99);
	for (int k = 0; k < 2; k++) {
		last[0] = j[k][1], last[1] = j[k][2];
		last[2] = j[k][3], last[3] = j[k][0];
		notable(s, camp, k ? NOTABLE_STUCK : NOTABLE_SLOW, last, 4);
	}
	last[0] = j[2][0], last[1] = j[2][3];
	last[2] = j[2][2], last[3] = j[2][1];
	notable(s, camp, NOTABLE_FAILED, last, 4);
	notable(s, 0, NOTABLE_FAILED, &fresh, 1);
	notable(s, 0, NOTABLE_SLOW, NULL, 0);
	FAILS(s->ops->job_notable(s, camp, NOTABLE_FAILED + 1, page, 1, &n),
	    ERR_INVALID);
	FAILS(s->ops->job_notable(s, camp, NOTABLE_SLOW, page, 0, &n),
	    ERR_RANGE);
	FAILS(s->ops->job_notable(s, camp, NOTABLE_SLOW, page, LIMIT_PAGE + 1,
	    &n), ERR_RANGE);
	assert_int_equal(n, 9);
}

struct told {
	uint64_t id[8];
	size_t n, stop_at;
};

static int
tell(void *arg, const struct job *j)
{
	struct told *told = arg;

	told->id[told->n++] = j->id;
	return told->n == told->stop_at ? ERR_CANCELLED : 0;
}

static void
every_attempt_under_way_is_told(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), camp = add_campaign(s, rel, 1);
	struct told all = {.n = 0}, two = {.stop_at = 2};
	struct job j[JOB_STATES + 2];
	char ep[16];

	for (int i = 0; i < JOB_STATES + 2; i++) {
		snprintf(ep, sizeof(ep), "d%d", i);
		j[i] = make_job(i % 2 ? camp : 0, add_device(s, ep), rel,
		    100 - i);
		j[i].state = i < JOB_STATES ? (enum job_state)i : JOB_QUEUED;
		j[i].started = i >= JOB_STATES;
		if (i == JOB_STATES + 1)
			j[i].due = 0; /* no deadline is an attempt, too */
		OK(put_job(s, &j[i]));
	}
	OK(s->ops->job_active(s, tell, &all));
	assert_int_equal(all.n, 6);
	assert_int_equal(all.id[0], j[JOB_STATES + 1].id);
	assert_int_equal(all.id[1], j[JOB_STATES].id);
	for (int i = JOB_NOTIFIED; i <= JOB_INSTALLING; i++)
		assert_int_equal(all.id[6 - i], j[i].id);
	FAILS(s->ops->job_active(s, tell, &two), ERR_CANCELLED);
	assert_int_equal(two.n, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(a_job_comes_back_as_it_was),
		TWICE(a_job_of_nonsense_or_of_nothing_is_refused),
		TWICE(a_device_has_one_live_job),
		TWICE(a_job_is_saved_by_version_and_keeps_what_it_is),
		TWICE(jobs_are_listed_by_campaign_and_page),
		TWICE(what_a_person_wants_to_see_first_comes_first),
		TWICE(every_attempt_under_way_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
