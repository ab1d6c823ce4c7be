/*
 * The contract of db/store.h, for both twins: what is due, and the queues of
 * campaigns.
 */
#include "tests/db/twins.h"

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
		j[i] = add_job(s, i < 2 ? 0 : camp, i < 2 ? JOB_QUEUED :
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

/* --- queues --- */

static size_t
queued(struct store *s, struct store_queue q, size_t cap, uint64_t ids[16])
{
	struct job page[16];
	size_t n = 0;

	OK(ALONE(s, s->ops->jobs_queued(s, &q, page, cap, &n)));
	for (size_t i = 0; i < n; i++)
		ids[i] = page[i].id;
	return n;
}
#define QUEUE(c, w, t) \
	((struct store_queue){.campaign = (c), .wave = (w), .now = (t), \
	    .lease_ms = 1000})

static int64_t
next_of(struct store *s, uint64_t campaign, uint32_t wave)
{
	int64_t at = -1;

	OK(s->ops->next_queued(s, campaign, wave, &at));
	return at;
}

static struct job
add_wave(struct store *s, uint64_t campaign, uint32_t wave, int64_t at)
{
	struct store_stats stats;
	struct job j;
	char ep[16];

	s->ops->stats(s, &stats);
	snprintf(ep, sizeof(ep), "d%u", (unsigned)stats.devices);
	j = make_job(campaign, add_device(s, ep), 1, at);
	j.wave = wave;
	OK(put_job(s, &j));
	return j;
}

/* The first job of a class of retries: it failed once, and waits. */
static struct job
add_failed(struct store *s, uint64_t campaign, uint32_t wave, int64_t at)
{
	struct job j = add_wave(s, campaign, wave, at);

	j.last_fail = FAIL_TRANSPORT;
	OK(save_job(s, &j));
	return j;
}

static void
the_queue_of_a_campaign_is_not_what_is_due(void **state)
{
	static const enum campaign_state any[] = {CAMPAIGN_DRAFT,
	    CAMPAIGN_RUNNING, CAMPAIGN_PAUSED, CAMPAIGN_FINISHED,
	    CAMPAIGN_ABORTED};
	struct store *s = store_of(state);
	struct store_campaign c;
	uint64_t id[16], camp;
	struct job waits, busy;
	int64_t at = 60;

	camp = add_campaign(s, add_release(s, 1), 1);
	waits = add_job(s, camp, JOB_QUEUED, 50);
	busy = add_job(s, camp, JOB_INSTALLING, at);
	for (size_t i = 0; i < 5; i++, at += 1000) {
		OK(s->ops->campaign_get(s, camp, &c));
		c.state = any[i];
		OK(ALONE(s, s->ops->campaign_save(s, &c)));
		/* an attempt has its deadline, whatever the campaign does;
		 * who may start is the caller's to say */
		assert_int_equal(next(s), at);
		assert_int_equal(due(s, at, 16, id), 1);
		assert_int_equal(id[0], busy.id);
		assert_int_equal(next_of(s, camp, 0), 50 + 1000 * (int)i);
		assert_int_equal(queued(s, QUEUE(camp, 0, 50 + 1000 *
		    (int)i), 16, id), 1);
		assert_int_equal(id[0], waits.id);
	}
	/* an attempt that begins leaves the queue */
	OK(s->ops->job_get(s, waits.id, &waits));
	waits.started = 20;
	waits.due = 500;
	OK(save_job(s, &waits));
	assert_int_equal(next_of(s, camp, 0), 0);
	assert_int_equal(queued(s, QUEUE(camp, 0, 9999), 16, id), 0);
	assert_int_equal(next(s), 500);
}

static void
a_queue_is_leased_and_keeps_its_order(void **state)
{
	struct store *s = store_of(state);
	uint64_t id[16], camp, other;
	struct job a, b, f, g, w, back, page[1];
	struct store_queue q;
	size_t n = 7;

	camp = add_campaign(s, add_release(s, 1), 1);
	other = add_campaign(s, 1, 1);
	assert_int_equal(next_of(s, camp, STORE_WAVES), 0);
	f = add_failed(s, camp, 1, 1);
	g = add_failed(s, camp, 0, 2);
	a = add_wave(s, camp, 1, 30);
	b = add_wave(s, camp, 0, 30);
	w = add_wave(s, camp, 1, 0); /* waits for contact */
	add_wave(s, other, 1, 1);
	add_wave(s, 0, 0, 1);
	assert_int_equal(next_of(s, camp, 1), 1);
	assert_int_equal(queued(s, QUEUE(camp, 1, 0), 16, id), 0);
	/* fresh ones first, each part by (due, id), whatever the wave */
	assert_int_equal(queued(s, QUEUE(camp, 1, 30), 3, id), 3);
	assert_true(id[0] == a.id && id[1] == b.id && id[2] == f.id);
	assert_int_equal(next_of(s, camp, 1), 2);
	assert_int_equal(queued(s, QUEUE(camp, 1, 30), 3, id), 1);
	assert_int_equal(id[0], g.id);
	assert_int_equal(queued(s, QUEUE(camp, 1, 1029), 3, id), 0);
	assert_int_equal(next_of(s, camp, 1), 1030);
	assert_int_equal(queued(s, QUEUE(camp, 1, 1030), 16, id), 4);
	assert_true(id[0] == a.id && id[1] == b.id && id[2] == f.id &&
	    id[3] == g.id);
	OK(s->ops->job_get(s, w.id, &back));
	assert_int_equal(back.due, 0);
	/* the caller has the due that was reached, the store the lease */
	q = QUEUE(camp, 1, 2030);
	OK(ALONE(s, s->ops->jobs_queued(s, &q, page, 1, &n)));
	assert_true(n == 1 && page[0].id == a.id && page[0].due == 2030);
	OK(s->ops->job_get(s, a.id, &back));
	assert_int_equal(back.due, 3030);
	a.state = JOB_NOTIFIED; /* a lease changes no version */
	OK(save_job(s, &a));
	n = 7;
	FAILS(ALONE(s, s->ops->jobs_queued(s, &q, page, 0, &n)), ERR_RANGE);
	FAILS(s->ops->jobs_queued(s, &q, page, 1, &n), ERR_STATE);
	assert_int_equal(n, 7);
}

static void
a_closed_wave_gives_nothing(void **state)
{
	struct store *s = store_of(state);
	uint64_t id[16], camp;
	struct job j[STORE_WAVES + 1];

	camp = add_campaign(s, add_release(s, 1), 1);
	for (uint32_t w = 0; w <= STORE_WAVES; w++)
		j[w] = add_wave(s, camp, w, 100 - (int64_t)w);
	for (uint32_t w = 0; w <= STORE_WAVES; w++) {
		assert_int_equal(next_of(s, camp, w), 100 - (int64_t)w);
		OK(store_begin(s));
		assert_int_equal(queued(s, QUEUE(camp, w, 100), 16, id),
		    w + 1);
		store_rollback(s);
		assert_int_equal(id[0], j[w].id); /* the latest is due first */
		assert_int_equal(id[w], j[0].id);
	}
	/* more than there can be is all */
	assert_int_equal(queued(s, QUEUE(camp, UINT32_MAX, 100), 16, id),
	    STORE_WAVES + 1);
	assert_int_equal(next_of(s, camp, UINT32_MAX), 1100);
}

static void
a_rolled_back_lease_of_a_queue_was_none(void **state)
{
	struct store *s = store_of(state);
	uint64_t id[16], camp;
	struct job j;

	camp = add_campaign(s, add_release(s, 1), 1);
	j = add_wave(s, camp, 1, 10);
	OK(store_begin(s));
	assert_int_equal(queued(s, QUEUE(camp, 1, 10), 16, id), 1);
	assert_int_equal(queued(s, QUEUE(camp, 1, 10), 16, id), 0);
	store_rollback(s);
	assert_int_equal(queued(s, QUEUE(camp, 1, 10), 16, id), 1);
	assert_int_equal(id[0], j.id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(due_jobs_come_oldest_first_and_are_leased),
		TWICE(equal_dues_come_in_the_order_of_their_ids),
		TWICE(a_rolled_back_lease_was_none),
		TWICE(the_queue_of_a_campaign_is_not_what_is_due),
		TWICE(a_queue_is_leased_and_keeps_its_order),
		TWICE(a_closed_wave_gives_nothing),
		TWICE(a_rolled_back_lease_of_a_queue_was_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
