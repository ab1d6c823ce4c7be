/*
 * The contract of db/store.h, for both twins: campaigns, jobs, what is due.
 */
#include "tests/db/twins.h"

static void
a_campaign_comes_back_and_is_saved_by_version(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1);
	struct store_campaign c = {.release = rel, .concurrency = UINT32_MAX,
	    .created = 1, .updated = 2, .version = 77}, d, stale;

	memset(c.name, 'n', LIMIT_KEY_NAME);
	memset(c.select, 's', sizeof(c.select) - 1);
	OK(ALONE(s, s->ops->campaign_put(s, &c)));
	assert_int_equal(c.version, 1);
	OK(s->ops->campaign_get(s, c.id, &d));
	assert_int_equal(d.id, c.id);
	assert_int_equal(d.release, rel);
	assert_string_equal(d.name, c.name);
	assert_string_equal(d.select, c.select);
	assert_int_equal(d.state, CAMPAIGN_DRAFT);
	assert_true(d.concurrency == UINT32_MAX);
	assert_int_equal(d.created, 1);
	assert_int_equal(d.updated, 2);
	assert_int_equal(d.version, 1);
	stale = d;
	d.state = CAMPAIGN_RUNNING;
	d.updated = 3;
	d.created = 99; /* stays */
	d.release = 99; /* stays */
	OK(ALONE(s, s->ops->campaign_save(s, &d)));
	assert_int_equal(d.version, 2);
	FAILS(ALONE(s, s->ops->campaign_save(s, &stale)), ERR_CONFLICT);
	assert_int_equal(stale.version, 1);
	OK(s->ops->campaign_get(s, c.id, &d));
	assert_int_equal(d.state, CAMPAIGN_RUNNING);
	assert_int_equal(d.updated, 3);
	assert_int_equal(d.created, 1);
	assert_int_equal(d.release, rel);
	stale.id = 99;
	FAILS(ALONE(s, s->ops->campaign_save(s, &stale)), ERR_NOT_FOUND);
	FAILS(s->ops->campaign_get(s, 99, &d), ERR_NOT_FOUND);
}

static void
a_campaign_of_nonsense_is_refused(void **state)
{
	struct store *s = store_of(state);
	struct store_campaign c = {.release = add_release(s, 1)};

	FAILS(ALONE(s, s->ops->campaign_put(s, &c)), ERR_INVALID);
	c.concurrency = 1;
	c.state = CAMPAIGN_ABORTED + 1;
	FAILS(ALONE(s, s->ops->campaign_put(s, &c)), ERR_INVALID);
	c.state = CAMPAIGN_DRAFT;
	memset(c.name, 'n', sizeof(c.name));
	FAILS(ALONE(s, s->ops->campaign_put(s, &c)), ERR_SIZE);
	c.name[0] = '\0';
	memset(c.select, 'n', sizeof(c.select));
	FAILS(ALONE(s, s->ops->campaign_put(s, &c)), ERR_SIZE);
	c.select[0] = '\0';
	c.release = 99;
	FAILS(ALONE(s, s->ops->campaign_put(s, &c)), ERR_NOT_FOUND);
	c.release = 1;
	OK(ALONE(s, s->ops->campaign_put(s, &c)));
	c.concurrency = 0;
	FAILS(ALONE(s, s->ops->campaign_save(s, &c)), ERR_INVALID);
}

static void
campaigns_are_listed_newest_first_by_page(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), a = add_campaign(s, rel, 1);
	uint64_t b = add_campaign(s, rel, 1), c = add_campaign(s, rel, 1);
	struct store_campaign page[2];
	size_t n = 0;

	OK(s->ops->campaign_list(s, 0, 2, page, &n));
	assert_int_equal(n, 2);
	assert_true(page[0].id == c && page[1].id == b);
	OK(s->ops->campaign_list(s, b, 2, page, &n));
	assert_int_equal(n, 1);
	assert_int_equal(page[0].id, a);
}

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
}

static void
a_job_comes_back_as_it_was(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), dev = add_device(s, "a");
	uint64_t camp = add_campaign(s, rel, 1);
	struct job j = make_job(camp, dev, rel, INT64_MAX), k;

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
	struct job j = make_job(0, dev, rel, 5), stale, k;

	OK(put_job(s, &j));
	stale = j;
	j.state = JOB_NOTIFIED;
	j.attempt = 1;
	j.due = 99;
	j.device = j.release = j.target_seq = 77;
	j.campaign = 77;
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
	assert_int_equal(k.campaign, 0);
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

static void
counts_follow_every_change(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), camp = add_campaign(s, rel, 1);
	uint64_t a = add_device(s, "a"), b = add_device(s, "b");
	struct job j = make_job(camp, a, rel, 0), k = make_job(camp, b, rel, 0);
	struct job alone_ = make_job(0, add_device(s, "c"), rel, 0);
	struct store_counts c;
	struct store_stats st;

	FAILS(s->ops->campaign_counts(s, 99, &c), ERR_NOT_FOUND);
	OK(s->ops->campaign_counts(s, camp, &c));
	assert_int_equal(c.by_state[JOB_QUEUED], 0);
	OK(put_job(s, &j));
	OK(put_job(s, &k));
	OK(put_job(s, &alone_));
	OK(s->ops->campaign_counts(s, camp, &c));
	assert_int_equal(c.by_state[JOB_QUEUED], 2);
	assert_int_equal(c.active, 0);
	for (enum job_state t = JOB_NOTIFIED; t <= JOB_INSTALLING; t++) {
		j.state = t;
		OK(save_job(s, &j));
		OK(s->ops->campaign_counts(s, camp, &c));
		assert_int_equal(c.by_state[t], 1);
		assert_int_equal(c.active, 1);
		assert_int_equal(c.by_state[JOB_QUEUED], 1);
	}
	j.state = JOB_FAILED;
	j.last_fail = FAIL_INTEGRITY;
	OK(save_job(s, &j));
	j.last_fail = FAIL_POLICY;
	OK(save_job(s, &j));
	OK(s->ops->campaign_counts(s, camp, &c));
	assert_int_equal(c.active, 0);
	assert_int_equal(c.by_state[JOB_FAILED], 1);
	assert_int_equal(c.by_class[FAIL_INTEGRITY], 0);
	assert_int_equal(c.by_class[FAIL_POLICY], 1);
	s->ops->stats(s, &st);
	assert_int_equal(st.jobs, 3);
	assert_int_equal(st.jobs_live, 2);
	OK(ALONE(s, s->ops->device_remove(s, a)));
	OK(s->ops->campaign_counts(s, camp, &c));
	assert_int_equal(c.by_state[JOB_FAILED], 0);
	assert_int_equal(c.by_class[FAIL_POLICY], 0);
	OK(s->ops->campaign_counts(s, 0, &c));
	assert_int_equal(c.by_state[JOB_QUEUED], 1);
}

/* --- what is due --- */

static size_t
due(struct store *s, int64_t now, size_t cap, uint64_t ids[16])
{
	struct job page[16];
	size_t n = 0;

	OK(ALONE(s, s->ops->jobs_due(s, now, 1000, page, cap, &n)));
	for (size_t i = 0; i < n; i++)
		ids[i] = page[i].id;
	return n;
}

static int64_t
next(struct store *s)
{
	int64_t at = -1;

	OK(s->ops->next_due(s, &at));
	return at;
}

static struct job
add_job(struct store *s, uint64_t campaign, enum job_state st, int64_t at)
{
	struct store_stats stats;
	struct job j;
	char ep[16];

	s->ops->stats(s, &stats);
	snprintf(ep, sizeof(ep), "d%u", (unsigned)stats.devices);
	j = make_job(campaign, add_device(s, ep), 1, at);
	j.state = st;
	OK(put_job(s, &j));
	return j;
}

static void
set_campaign(struct store *s, uint64_t id, enum campaign_state st,
    uint32_t concurrency)
{
	struct store_campaign c;

	OK(s->ops->campaign_get(s, id, &c));
	c.state = st;
	c.concurrency = concurrency;
	OK(ALONE(s, s->ops->campaign_save(s, &c)));
}

static void
due_jobs_come_oldest_first_and_are_leased(void **state)
{
	struct store *s = store_of(state);
	struct job a, b, c, k;
	uint64_t id[16];
	struct job one;
	size_t n = 7;

	add_release(s, 1);
	assert_int_equal(next(s), 0);
	a = add_job(s, 0, JOB_QUEUED, 30);
	b = add_job(s, 0, JOB_FETCHING, 20);
	c = add_job(s, 0, JOB_QUEUED, 10);
	add_job(s, 0, JOB_QUEUED, 0); /* waits for contact */
	add_job(s, 0, JOB_DONE, 5); /* final */
	assert_int_equal(next(s), 10);
	assert_int_equal(due(s, 9, 16, id), 0);
	assert_int_equal(due(s, 29, 16, id), 2);
	assert_true(id[0] == c.id && id[1] == b.id);
	assert_int_equal(next(s), 30);
	assert_int_equal(due(s, 30, 16, id), 1);
	assert_int_equal(id[0], a.id);
	/* leased: not again before its end, then again */
	assert_int_equal(due(s, 1028, 16, id), 0);
	assert_int_equal(next(s), 1029);
	assert_int_equal(due(s, 1029, 1, id), 1);
	assert_int_equal(id[0], b.id);
	assert_int_equal(due(s, 1029, 1, id), 1);
	assert_int_equal(id[0], c.id);
	/* the store has the lease, the caller the due that was reached */
	OK(ALONE(s, s->ops->jobs_due(s, 1030, 1000, &one, 1, &n)));
	assert_int_equal(n, 1);
	assert_int_equal(one.id, a.id);
	assert_int_equal(one.due, 1030);
	OK(s->ops->job_get(s, a.id, &k));
	assert_int_equal(k.due, 2030);
	/* a lease changes no version: what was read before still saves */
	a.state = JOB_NOTIFIED;
	OK(save_job(s, &a));
	FAILS(ALONE(s, s->ops->jobs_due(s, 1, 1, &k, 0, &n)), ERR_RANGE);
}

static void
equal_dues_come_in_the_order_of_their_ids(void **state)
{
	struct store *s = store_of(state);
	uint64_t id[16], camp;
	struct job j[4];

	camp = add_campaign(s, add_release(s, 1), 10);
	for (int i = 0; i < 4; i++)
		j[i] = add_job(s, i % 2 ? camp : 0, i < 2 ? JOB_QUEUED :
		    JOB_NOTIFIED, 50);
	assert_int_equal(due(s, 50, 3, id), 3);
	assert_true(id[0] == j[0].id && id[1] == j[1].id && id[2] == j[2].id);
	assert_int_equal(due(s, 50, 3, id), 1);
	assert_int_equal(id[0], j[3].id);
}

static void
a_rolled_back_lease_was_none(void **state)
{
	struct store *s = store_of(state);
	uint64_t id[16];
	struct job j, k;
	size_t n = 0;

	add_release(s, 1);
	j = add_job(s, 0, JOB_QUEUED, 10);
	OK(store_begin(s));
	OK(s->ops->jobs_due(s, 10, 1000, &k, 1, &n));
	assert_int_equal(n, 1);
	OK(s->ops->jobs_due(s, 10, 1000, &k, 1, &n));
	assert_int_equal(n, 0);
	store_rollback(s);
	assert_int_equal(due(s, 10, 1, id), 1);
	assert_int_equal(id[0], j.id);
}

static void
only_a_running_campaign_starts_jobs(void **state)
{
	static const enum campaign_state held[] = {CAMPAIGN_DRAFT,
	    CAMPAIGN_PAUSED, CAMPAIGN_FINISHED, CAMPAIGN_ABORTED};
	struct store *s = store_of(state);
	uint64_t id[16], camp;
	struct job queued, busy;
	int64_t deadline = 60;

	camp = add_campaign(s, add_release(s, 1), 10);
	queued = add_job(s, camp, JOB_QUEUED, 50);
	busy = add_job(s, camp, JOB_INSTALLING, deadline);
	for (size_t i = 0; i < 4; i++) {
		set_campaign(s, camp, held[i], 10);
		/* an attempt has its deadline whatever the campaign does */
		assert_int_equal(next(s), deadline);
		assert_int_equal(due(s, deadline, 16, id), 1);
		assert_int_equal(id[0], busy.id);
		deadline += 1000; /* the lease */
	}
	set_campaign(s, camp, CAMPAIGN_RUNNING, 10);
	assert_int_equal(next(s), 50);
	assert_int_equal(due(s, 100, 16, id), 1);
	assert_int_equal(id[0], queued.id);
}

static void
a_campaign_starts_no_more_than_its_cap(void **state)
{
	struct store *s = store_of(state);
	uint64_t id[16], camp, other;
	struct job j[6], x;

	camp = add_campaign(s, add_release(s, 1), 3);
	other = add_campaign(s, 1, 1);
	for (int i = 0; i < 6; i++)
		j[i] = add_job(s, camp, JOB_QUEUED, 10 + i);
	x = add_job(s, other, JOB_QUEUED, 99);
	/* an empty campaign: as many as the cap, not one more */
	assert_int_equal(due(s, 90, 16, id), 3);
	assert_true(id[0] == j[0].id && id[2] == j[2].id);
	for (int i = 0; i < 3; i++) {
		j[i].state = i == 0 ? JOB_NOTIFIED : JOB_INSTALLING;
		j[i].due = 500 + i;
		OK(save_job(s, &j[i]));
	}
	/* at the cap: none, and they do not wake anyone */
	assert_int_equal(due(s, 90, 16, id), 0);
	assert_int_equal(next(s), 99);
	assert_int_equal(due(s, 99, 16, id), 1);
	assert_int_equal(id[0], x.id);
	x.state = JOB_DONE;
	OK(save_job(s, &x));
	assert_int_equal(next(s), 500);
	/* deadlines of attempts are beyond the cap's reach */
	assert_int_equal(due(s, 502, 16, id), 3);
	/* one ends: room for one */
	j[1].state = JOB_FAILED;
	OK(save_job(s, &j[1]));
	assert_int_equal(next(s), 13);
	assert_int_equal(due(s, 600, 16, id), 1);
	assert_int_equal(id[0], j[3].id);
	/* a wider cap lets more in, a narrower stops nobody who runs */
	set_campaign(s, camp, CAMPAIGN_RUNNING, 4);
	assert_int_equal(due(s, 600, 16, id), 2);
	assert_true(id[0] == j[4].id && id[1] == j[5].id);
	set_campaign(s, camp, CAMPAIGN_RUNNING, 1);
	assert_int_equal(next(s), 1502);
}

/* Admitted, its trigger is under way: it is queued until the device says
 * that it took it, but it is an attempt. */
static void
an_attempt_that_starts_takes_its_place(void **state)
{
	struct store *s = store_of(state);
	struct store_counts k;
	uint64_t id[16], camp;
	struct job a, b;

	camp = add_campaign(s, add_release(s, 1), 1);
	a = add_job(s, camp, JOB_QUEUED, 10);
	b = add_job(s, camp, JOB_QUEUED, 11);
	a.started = 20;
	a.due = 500;
	OK(save_job(s, &a));
	OK(s->ops->campaign_counts(s, camp, &k));
	assert_int_equal(k.by_state[JOB_QUEUED], 2);
	assert_int_equal(k.starting, 1);
	assert_int_equal(k.active, 0);
	assert_int_equal(due(s, 100, 16, id), 0);
	assert_int_equal(next(s), 500);
	set_campaign(s, camp, CAMPAIGN_PAUSED, 1);
	assert_int_equal(next(s), 500);
	assert_int_equal(due(s, 500, 16, id), 1);
	assert_int_equal(id[0], a.id);
	set_campaign(s, camp, CAMPAIGN_RUNNING, 1);
	a.started = 0; /* no answer: it waits again */
	a.due = 2000;
	OK(save_job(s, &a));
	OK(s->ops->campaign_counts(s, camp, &k));
	assert_int_equal(k.starting, 0);
	assert_int_equal(due(s, 100, 16, id), 1);
	assert_int_equal(id[0], b.id);
}

static void
the_callers_cap_takes_the_oldest_of_all_sources(void **state)
{
	struct store *s = store_of(state);
	uint64_t id[16], a, b;
	struct job j[6];

	a = add_campaign(s, add_release(s, 1), 10);
	b = add_campaign(s, 1, 10);
	j[0] = add_job(s, a, JOB_QUEUED, 60);
	j[1] = add_job(s, b, JOB_QUEUED, 50);
	j[2] = add_job(s, 0, JOB_QUEUED, 40);
	j[3] = add_job(s, a, JOB_NOTIFIED, 30);
	j[4] = add_job(s, b, JOB_QUEUED, 20);
	j[5] = add_job(s, a, JOB_QUEUED, 10);
	assert_int_equal(due(s, 100, 4, id), 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(id[i], j[5 - i].id);
	assert_int_equal(due(s, 100, 4, id), 2);
	assert_int_equal(id[0], j[1].id);
	assert_int_equal(id[1], j[0].id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(a_campaign_comes_back_and_is_saved_by_version),
		TWICE(a_campaign_of_nonsense_is_refused),
		TWICE(campaigns_are_listed_newest_first_by_page),
		TWICE(a_job_comes_back_as_it_was),
		TWICE(a_job_of_nonsense_or_of_nothing_is_refused),
		TWICE(a_device_has_one_live_job),
		TWICE(a_job_is_saved_by_version_and_keeps_what_it_is),
		TWICE(jobs_are_listed_by_campaign_and_page),
		TWICE(counts_follow_every_change),
		TWICE(due_jobs_come_oldest_first_and_are_leased),
		TWICE(equal_dues_come_in_the_order_of_their_ids),
		TWICE(a_rolled_back_lease_was_none),
		TWICE(only_a_running_campaign_starts_jobs),
		TWICE(a_campaign_starts_no_more_than_its_cap),
		TWICE(an_attempt_that_starts_takes_its_place),
		TWICE(the_callers_cap_takes_the_oldest_of_all_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
