/*
 * The contract of db/store.h, for both twins: campaigns, their tallies and
 * plans.
 */
#include "tests/db/twins.h"

/* Every text at its cap, every number large and unlike its neighbours. */
static struct store_campaign
full_campaign(uint64_t release)
{
	struct store_campaign c;

	memset(&c, 0, sizeof(c));
	c.release = release;
	memset(c.name, 'n', LIMIT_KEY_NAME);
	c.work = WORK_CANCEL;
	c.work_at = UINT64_MAX;
	c.source = SOURCE_CAMPAIGN;
	c.of = 41;
	memset(c.select, 's', LIMIT_SELECT);
	memset(c.policy, 'p', LIMIT_POLICY);
	c.concurrency = UINT32_MAX;
	c.planned = c.start = c.hard = true;
	memset(c.plan, 0xa5, sizeof(c.plan));
	for (uint64_t i = 0; i < STORE_VERDICTS; i++)
		c.verdict[i] = UINT64_MAX - i;
	c.wave_count = c.wave = STORE_WAVES;
	for (uint64_t i = 0; i < STORE_WAVES; i++) {
		c.waves[i].size = (i + 1) << 40;
		c.waves[i].place = UINT64_MAX - i * i;
	}
	c.wave_opened = INT64_MAX;
	c.wave_met = 11;
	memset(c.by, 'b', LIMIT_PSK_IDENTITY);
	memset(c.approved, 'a', LIMIT_PSK_IDENTITY);
	memset(c.cause, 'c', STORE_CAUSE - 1);
	c.follower = 42;
	c.created = 1;
	c.updated = 2;
	c.started = 3;
	c.ended = 4;
	c.version = 77;
	return c;
}

static void
same_campaign(const struct store_campaign *a, const struct store_campaign *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->release, b->release);
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->work, b->work);
	assert_true(a->work_at == b->work_at);
	assert_int_equal(a->source, b->source);
	assert_int_equal(a->of, b->of);
	assert_string_equal(a->select, b->select);
	assert_string_equal(a->policy, b->policy);
	assert_true(a->concurrency == b->concurrency);
	assert_int_equal(a->planned, b->planned);
	assert_int_equal(a->start, b->start);
	assert_int_equal(a->hard, b->hard);
	assert_memory_equal(a->plan, b->plan, sizeof(a->plan));
	assert_memory_equal(a->verdict, b->verdict, sizeof(a->verdict));
	assert_int_equal(a->wave, b->wave);
	assert_int_equal(a->wave_count, b->wave_count);
	assert_memory_equal(a->waves, b->waves, sizeof(a->waves));
	assert_true(a->wave_opened == b->wave_opened);
	assert_int_equal(a->wave_met, b->wave_met);
	assert_string_equal(a->by, b->by);
	assert_string_equal(a->approved, b->approved);
	assert_string_equal(a->cause, b->cause);
	assert_int_equal(a->follower, b->follower);
	assert_int_equal(a->created, b->created);
	assert_int_equal(a->updated, b->updated);
	assert_int_equal(a->started, b->started);
	assert_int_equal(a->ended, b->ended);
	assert_int_equal(a->version, b->version);
}

static void
a_campaign_comes_back_as_it_was_with_all_at_the_cap(void **state)
{
	struct store *s = store_of(state);
	struct store_campaign c = full_campaign(add_release(s, 1)), d, empty;

	OK(ALONE(s, s->ops->campaign_put(s, &c)));
	assert_int_equal(c.version, 1);
	OK(s->ops->campaign_get(s, c.id, &d));
	same_campaign(&c, &d);
	memset(&empty, 0, sizeof(empty));
	empty.id = c.id;
	empty.version = 1;
	empty.concurrency = 1;
	OK(ALONE(s, s->ops->campaign_save(s, &empty)));
	OK(s->ops->campaign_get(s, c.id, &d));
	empty.release = c.release; /* they stay */
	empty.created = c.created;
	same_campaign(&empty, &d);
}

static void
a_campaign_is_saved_by_version(void **state)
{
	struct store *s = store_of(state);
	struct store_campaign c = full_campaign(add_release(s, 1)), d, stale;

	c.state = CAMPAIGN_DRAFT;
	OK(ALONE(s, s->ops->campaign_put(s, &c)));
	stale = d = c;
	d.state = CAMPAIGN_RUNNING;
	d.wave = 1;
	d.updated = 3;
	OK(ALONE(s, s->ops->campaign_save(s, &d)));
	assert_int_equal(d.version, 2);
	FAILS(ALONE(s, s->ops->campaign_save(s, &stale)), ERR_CONFLICT);
	assert_int_equal(stale.version, 1);
	OK(s->ops->campaign_get(s, c.id, &c));
	same_campaign(&c, &d);
	stale.id = 99;
	FAILS(ALONE(s, s->ops->campaign_save(s, &stale)), ERR_NOT_FOUND);
	FAILS(s->ops->campaign_get(s, 99, &d), ERR_NOT_FOUND);
}

static void
a_campaign_of_nonsense_is_refused(void **state)
{
	struct store *s = store_of(state);
	struct store_campaign good = full_campaign(add_release(s, 1)), c;

#define REFUSED(err) \
	do { \
		FAILS(ALONE(s, s->ops->campaign_put(s, &c)), (err)); \
		FAILS(ALONE(s, s->ops->campaign_save(s, &c)), (err)); \
		c = good; \
	} while (0)
	OK(ALONE(s, s->ops->campaign_put(s, &good)));
	c = good, c.concurrency = 0;
	REFUSED(ERR_INVALID);
	c.state = CAMPAIGN_ABORTED + 1;
	REFUSED(ERR_INVALID);
	c.work = WORK_CANCEL + 1;
	REFUSED(ERR_INVALID);
	c.source = SOURCE_CAMPAIGN + 1;
	REFUSED(ERR_INVALID);
	c.wave_count = STORE_WAVES - 1; /* more open than there are */
	REFUSED(ERR_INVALID);
	c.wave_count = STORE_WAVES + 1;
	REFUSED(ERR_SIZE);
	memset(c.name, 'n', sizeof(c.name));
	REFUSED(ERR_SIZE);
	memset(c.select, 'n', sizeof(c.select));
	REFUSED(ERR_SIZE);
	memset(c.policy, 'n', sizeof(c.policy));
	REFUSED(ERR_SIZE);
	memset(c.by, 'n', sizeof(c.by));
	REFUSED(ERR_SIZE);
	memset(c.approved, 'n', sizeof(c.approved));
	REFUSED(ERR_SIZE);
	memset(c.cause, 'n', sizeof(c.cause));
	REFUSED(ERR_SIZE);
	c.release = 99;
	FAILS(ALONE(s, s->ops->campaign_put(s, &c)), ERR_NOT_FOUND);
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
live_campaigns_are_those_with_something_to_do(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), want[20];
	struct store_campaign c, page[LIMIT_PAGE];
	size_t n = 0, live = 0;

	for (int i = 0; i < 5 * 4; i++) {
		memset(&c, 0, sizeof(c));
		c.release = rel;
		c.concurrency = 1;
		c.state = (enum campaign_state)(i % 5);
		c.work = (enum campaign_work)(i / 5);
		OK(ALONE(s, s->ops->campaign_put(s, &c)));
		if (c.state < CAMPAIGN_FINISHED || c.work != WORK_NONE)
			want[live++] = c.id;
	}
	OK(s->ops->campaign_live(s, 0, LIMIT_PAGE, page, &n));
	assert_int_equal(n, live);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(page[i].id, want[i]);
	OK(s->ops->campaign_live(s, want[3], 2, page, &n));
	assert_int_equal(n, 2);
	assert_true(page[0].id == want[4] && page[1].id == want[5]);
	OK(s->ops->campaign_live(s, UINT64_MAX, 2, page, &n));
	assert_int_equal(n, 0);
	/* it ends, and its work, too */
	OK(s->ops->campaign_get(s, want[0], &c));
	c.state = CAMPAIGN_ABORTED;
	c.work = WORK_CANCEL;
	OK(ALONE(s, s->ops->campaign_save(s, &c)));
	OK(s->ops->campaign_live(s, 0, 1, page, &n));
	assert_int_equal(page[0].id, want[0]);
	c.work = WORK_NONE;
	OK(ALONE(s, s->ops->campaign_save(s, &c)));
	OK(s->ops->campaign_live(s, 0, 1, page, &n));
	assert_int_equal(page[0].id, want[1]);
}

static void
only_a_campaign_without_jobs_can_be_removed(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), camp = add_campaign(s, rel, 1);
	uint64_t last = add_campaign(s, rel, 1), dev = add_device(s, "a");
	struct job j = make_job(camp, dev, rel, 0);
	struct buf out = buf_of((uint8_t[8]){0}, 8);
	struct store_campaign c;
	struct store_stats st;

	OK(put_job(s, &j));
	OK(ALONE(s, s->ops->plan_put(s, camp, 0, slice_str("p"))));
	FAILS(ALONE(s, s->ops->campaign_remove(s, camp)), ERR_STATE);
	OK(s->ops->plan_get(s, camp, 0, &out)); /* refused changes nothing */
	OK(ALONE(s, s->ops->device_remove(s, dev)));
	OK(ALONE(s, s->ops->campaign_remove(s, camp)));
	FAILS(s->ops->campaign_get(s, camp, &c), ERR_NOT_FOUND);
	FAILS(s->ops->plan_get(s, camp, 0, &out), ERR_NOT_FOUND);
	FAILS(ALONE(s, s->ops->campaign_remove(s, camp)), ERR_NOT_FOUND);
	s->ops->stats(s, &st);
	assert_int_equal(st.campaigns, 1);
	OK(ALONE(s, s->ops->campaign_remove(s, last)));
	/* a number is never given twice: events speak of it */
	assert_int_equal(add_campaign(s, rel, 1), last + 1);
	s->ops->stats(s, &st);
	assert_int_equal(st.campaigns, 1);
}

/* --- tallies --- */

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
	assert_int_equal(c.waiting, 2);
	assert_int_equal(c.active, 0);
	j.attempt = 3;
	k.attempt = 4;
	k.started = 9;
	k.due = 10;
	OK(save_job(s, &k));
	OK(s->ops->campaign_counts(s, camp, &c));
	assert_int_equal(c.waiting, 1);
	assert_int_equal(c.starting, 1);
	assert_int_equal(c.attempts, 4);
	for (enum job_state t = JOB_NOTIFIED; t <= JOB_INSTALLING; t++) {
		j.state = t;
		OK(save_job(s, &j));
		OK(s->ops->campaign_counts(s, camp, &c));
		assert_int_equal(c.by_state[t], 1);
		assert_int_equal(c.active, 1);
		assert_int_equal(c.by_state[JOB_QUEUED], 1);
		assert_int_equal(c.waiting, 0);
		assert_int_equal(c.attempts, 7);
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
	assert_int_equal(c.attempts, 4);
	OK(s->ops->campaign_counts(s, 0, &c));
	assert_int_equal(c.by_state[JOB_QUEUED], 1);
}

static void
one_kind(struct store *s, uint64_t campaign, const struct store_tally *want)
{
	struct store_tally t[2];
	size_t n = 0;

	OK(s->ops->campaign_tally(s, campaign, t, 2, &n));
	assert_int_equal(n, 1);
	assert_int_equal(t[0].wave, want->wave);
	assert_int_equal(t[0].state, want->state);
	assert_int_equal(t[0].begun, want->begun);
	assert_int_equal(t[0].waiting, want->waiting);
	assert_int_equal(t[0].fail, want->fail);
	assert_int_equal(t[0].reason, want->reason);
	assert_int_equal(t[0].n, want->n);
}
#define KIND(...) \
	one_kind(s, camp, &(struct store_tally){__VA_ARGS__})

static void
a_tally_tells_the_kinds_apart(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), camp = add_campaign(s, rel, 1);
	uint64_t dev = add_device(s, "a");
	struct job j = make_job(camp, dev, rel, 10);
	struct store_tally t[1];
	struct store_counts k;
	size_t n = 7;

	FAILS(s->ops->campaign_tally(s, 99, t, 1, &n), ERR_NOT_FOUND);
	OK(s->ops->campaign_tally(s, camp, t, 0, &n));
	assert_int_equal(n, 0);
	j.wave = 2;
	OK(put_job(s, &j));
	KIND(.wave = 2, .n = 1);
	j.due = 0;
	OK(save_job(s, &j));
	KIND(.wave = 2, .waiting = true, .n = 1);
	j.started = 5;
	j.due = 9;
	OK(save_job(s, &j));
	KIND(.wave = 2, .begun = true, .n = 1);
	j.state = JOB_FETCHING; /* not a matter of queued ones any more */
	j.due = 0;
	OK(save_job(s, &j));
	KIND(.wave = 2, .state = JOB_FETCHING, .n = 1);
	j.last_fail = FAIL_INTEGRITY;
	OK(save_job(s, &j));
	KIND(.wave = 2, .state = JOB_FETCHING, .fail = FAIL_INTEGRITY, .n = 1);
	j.reason = REASON_DIGEST;
	OK(save_job(s, &j));
	KIND(.wave = 2, .state = JOB_FETCHING, .fail = FAIL_INTEGRITY,
	    .reason = REASON_DIGEST, .n = 1);
	j.attempt = 8; /* its own kind, and the only one of it */
	OK(save_job(s, &j));
	OK(s->ops->campaign_counts(s, camp, &k));
	assert_int_equal(k.attempts, 8);
	KIND(.wave = 2, .state = JOB_FETCHING, .fail = FAIL_INTEGRITY,
	    .reason = REASON_DIGEST, .n = 1);
	OK(store_begin(s));
	OK(s->ops->device_remove(s, dev));
	OK(s->ops->campaign_tally(s, camp, t, 1, &n));
	assert_int_equal(n, 0);
	store_rollback(s);
	KIND(.wave = 2, .state = JOB_FETCHING, .fail = FAIL_INTEGRITY,
	    .reason = REASON_DIGEST, .n = 1);
}

/* Job k's kind is like no other's. */
static void
add_kind(struct store *s, uint64_t campaign, unsigned k)
{
	struct job j;
	char ep[16];

	snprintf(ep, sizeof(ep), "d%u", k);
	j = make_job(campaign, add_device(s, ep), 1, 1);
	j.wave = k % STORE_WAVES;
	j.state = (enum job_state)(k / STORE_WAVES % JOB_STATES);
	j.reason = (enum track_reason)(k / STORE_WAVES / JOB_STATES);
	OK(s->ops->job_put(s, &j));
}

static void
a_tally_of_too_many_kinds_is_refused(void **state)
{
	static struct store_tally t[STORE_TALLY + 10];
	struct store *s = store_of(state);
	uint64_t camp = add_campaign(s, add_release(s, 1), 1);
	struct store_counts k;
	uint64_t sum = 0;
	size_t n = 0;

	OK(store_begin(s));
	for (unsigned i = 0; i < STORE_TALLY; i++)
		add_kind(s, camp, i);
	OK(s->ops->campaign_tally(s, camp, t, STORE_TALLY, &n));
	assert_int_equal(n, STORE_TALLY);
	assert_true(t[0].wave == 0 && t[n - 1].wave == STORE_WAVES - 1);
	n = 7;
	FAILS(s->ops->campaign_tally(s, camp, t, STORE_TALLY - 1, &n),
	    ERR_SPACE);
	add_kind(s, camp, STORE_TALLY);
	FAILS(s->ops->campaign_tally(s, camp, t, STORE_TALLY + 10, &n),
	    ERR_SPACE);
	assert_int_equal(n, 7);
	OK(s->ops->campaign_counts(s, camp, &k)); /* a sum has no cap */
	for (int i = 0; i < JOB_STATES; i++)
		sum += k.by_state[i];
	assert_int_equal(sum, STORE_TALLY + 1);
	OK(store_commit(s));
}

/* --- plans --- */

static void
a_plan_is_kept_in_parts(void **state)
{
	static uint8_t big[STORE_PLAN_PART + 1], raw[STORE_PLAN_PART];
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 1), camp = add_campaign(s, rel, 1);
	uint64_t other = add_campaign(s, rel, 1);
	struct buf out = buf_of(raw, 3);

	memset(big, 0x5a, sizeof(big));
	FAILS(s->ops->plan_put(s, camp, 0, slice_str("x")), ERR_STATE);
	FAILS(s->ops->plan_drop(s, camp), ERR_STATE);
	FAILS(ALONE(s, s->ops->plan_put(s, camp, 0, slice_of(big,
	    STORE_PLAN_PART + 1))), ERR_SIZE);
	FAILS(ALONE(s, s->ops->plan_put(s, 99, 0, slice_str("x"))),
	    ERR_NOT_FOUND);
	FAILS(s->ops->plan_get(s, camp, 0, &out), ERR_NOT_FOUND);
	OK(ALONE(s, s->ops->plan_put(s, camp, 0, slice_of(big,
	    STORE_PLAN_PART))));
	OK(ALONE(s, s->ops->plan_put(s, camp, 1, slice_str("old"))));
	OK(ALONE(s, s->ops->plan_put(s, camp, 1, slice_str("new!"))));
	OK(ALONE(s, s->ops->plan_put(s, camp, 2, SLICE_NONE)));
	OK(ALONE(s, s->ops->plan_put(s, other, 0, slice_str("o"))));
	FAILS(s->ops->plan_get(s, camp, 1, &out), ERR_SPACE);
	assert_int_equal(out.n, 0);
	assert_false(out.over);
	out = buf_of(raw, sizeof(raw));
	OK(s->ops->plan_get(s, camp, 1, &out));
	assert_true(slice_eq_str(buf_slice(&out), "new!"));
	out.n = 0;
	OK(s->ops->plan_get(s, camp, 0, &out));
	assert_true(slice_eq(buf_slice(&out), slice_of(big, sizeof(raw))));
	out.n = 0;
	OK(s->ops->plan_get(s, camp, 2, &out));
	assert_int_equal(out.n, 0);
	FAILS(s->ops->plan_get(s, camp, 3, &out), ERR_NOT_FOUND);
	OK(ALONE(s, s->ops->plan_drop(s, camp)));
	OK(ALONE(s, s->ops->plan_drop(s, camp))); /* none is dropped, too */
	FAILS(s->ops->plan_get(s, camp, 0, &out), ERR_NOT_FOUND);
	OK(s->ops->plan_get(s, other, 0, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(a_campaign_comes_back_as_it_was_with_all_at_the_cap),
		TWICE(a_campaign_is_saved_by_version),
		TWICE(a_campaign_of_nonsense_is_refused),
		TWICE(campaigns_are_listed_newest_first_by_page),
		TWICE(live_campaigns_are_those_with_something_to_do),
		TWICE(only_a_campaign_without_jobs_can_be_removed),
		TWICE(counts_follow_every_change),
		TWICE(a_tally_tells_the_kinds_apart),
		TWICE(a_tally_of_too_many_kinds_is_refused),
		TWICE(a_plan_is_kept_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
