/*
 * What workers of the image plane saw, as the tracker and whoever watches a
 * campaign learn it. The test plays the worker.
 */
#include "tests/daemon/camp.h"

#include "daemon/engine_impl.h"
#include "daemon/res_admin.h"
#include "lib/msg.h"

#define SIZE 20000u

static struct world w;
static struct seen *s;
static uint64_t rel;
static struct store_campaign c;

/* Devices d0000 .. speak from 10.0.x.y, in a campaign for an image. */
static void
open_with(void **state, unsigned n)
{
	CAMP_OPEN(&w, state);
	w.loop.now = 1000000000000;
	fleet_of(&w, "d", n, DRIVER_NONE);
	for (unsigned i = 0; i < n; i++) {
		char ep[16];
		struct store_device d;

		snprintf(ep, sizeof(ep), "d%04u", i);
		d = dev(&w, ep);
		snprintf(d.addr, sizeof(d.addr), "10.0.%u.%u", i >> 8,
		    i & 255);
		pair_begin(&w);
		pair_end(&w, CS(&w, device_put, &d));
	}
	turn(&w);
	rel = released(&w, 5, "coap://fw.example/a.bin", SIZE);
	c = running(&w, rel, "waves=100% soak=0");
	assert_int_equal(seen_new(4096, &s), 0);
	assert_int_equal(engine_seen_add(w.app.engine, s), 0);
}

static void
close_all(void)
{
	world_close(&w);
	seen_free(s);
}

static const uint8_t *
image(void)
{
	return catalog_by_id(w.app.catalog, rel)->payload[0].digest;
}

static void
send(struct seen *t, unsigned i, uint32_t from, uint32_t to)
{
	static uint8_t digest[32];
	struct seen_peer p = {.kind = 'a', .n = 16};
	struct seen_mark m = {&p, digest, 0, from, SIZE};

	if (catalog_by_id(w.app.catalog, rel) != NULL)
		memcpy(digest, image(), 32); /* else: as before */
	p.b[10] = p.b[11] = 0xff;
	p.b[12] = 10;
	p.b[14] = (uint8_t)(i >> 8);
	p.b[15] = (uint8_t)i;
	m.hash = seen_hash(&p, digest);
	while (m.end < to) {
		m.end = m.end + 1000 < to ? m.end + 1000 : to;
		seen_block(t, &m, w.loop.now);
	}
}

/* A second goes by. */
static void
second(void)
{
	w.loop.now += 1000;
	engine_watch(w.app.engine);
	engine_show(w.app.engine);
	turn(&w);
}

static struct job
job_of(const char *ep)
{
	struct store_device d = dev(&w, ep);

	return last_job(&w, &d);
}

static struct msg_campaign
shown(void)
{
	static struct msg_campaign m;
	struct store_campaign now = camp(&w, c.id);

	assert_int_equal(admin_msg_campaign(&w.app, &now, &m), 0);
	return m;
}

static size_t
told(void)
{
	char topic[64];
	size_t n = 0;

	snprintf(topic, sizeof(topic), "a/campaigns/%llu",
	    (unsigned long long)c.id);
	for (size_t i = 0; i < w.front.topics; i++)
		n += strcmp(w.front.topic[i], topic) == 0;
	w.front.topics = 0;
	return n;
}

static void
blocks_become_progress_and_the_last_one_the_end(void **state)
{
	struct engine_stats st;
	struct store_device d;
	struct job j;

	open_with(state, 2);
	send(s, 1, 0, 5000);
	second();
	assert_int_equal(job_of("d0001").state, JOB_FETCHING);
	assert_int_equal(job_of("d0001").done, 5000);
	assert_int_equal(job_of("d0000").state, JOB_QUEUED);
	engine_stats(w.app.engine, &st);
	assert_int_equal(st.progress_slots, 1);
	/* less than a step waits, */
	send(s, 1, 5000, 5900);
	second();
	j = job_of("d0001");
	assert_int_equal(j.done, 5000);
	d = dev(&w, "d0001");
	engine_refresh(w.app.engine, &d, &j); /* unless somebody asks, */
	assert_int_equal(j.done, 5900);
	/* and not for ever */
	for (int i = 0; i < 40; i++)
		second();
	assert_int_equal(job_of("d0001").done, 5900);
	send(s, 1, 5900, SIZE);
	second();
	assert_int_equal(job_of("d0001").state, JOB_FETCHED);
	engine_stats(w.app.engine, &st);
	assert_int_equal(st.progress_slots, 0);
	close_all();
}

static void
a_peer_may_have_met_two_workers(void **state)
{
	struct seen *t;

	open_with(state, 1);
	assert_int_equal(seen_new(64, &t), 0);
	assert_int_equal(engine_seen_add(w.app.engine, t), 0);
	send(s, 0, 0, 9000);
	second();
	send(t, 0, 9000, SIZE);
	second();
	assert_int_equal(job_of("d0000").state, JOB_FETCHED);
	close_all();
	seen_free(t);
}

static void
tables_have_a_cap(void **state)
{
	open_with(state, 1);
	for (int i = 1; i < ENGINE_TABLES; i++)
		assert_int_equal(engine_seen_add(w.app.engine, s), 0);
	assert_int_equal(engine_seen_add(w.app.engine, s), ERR_LIMIT);
	close_all();
}

static void
who_watches_sees_bytes_within_a_second_of_the_fold(void **state)
{
	struct msg_campaign m;

	open_with(state, 3);
	assert_int_equal(shown().downloads, 0);
	told();
	send(s, 0, 0, 4000);
	send(s, 1, 0, 2000);
	second();
	assert_true(told() > 0);
	m = shown();
	assert_int_equal(m.downloads, 2);
	assert_int_equal(m.bytes_done, 6000);
	assert_int_equal(m.bytes_total, 2 * SIZE);
	/* a mark that is not worth a statement is shown all the same */
	send(s, 1, 2000, 2500);
	second();
	assert_int_equal(told(), 1);
	m = shown();
	assert_int_equal(m.bytes_done, 6500);
	assert_true(m.bytes_rate > 0);
	/* who is done is no download; when nothing moves nobody is told */
	send(s, 0, 4000, SIZE);
	second();
	assert_int_equal(shown().downloads, 1);
	told();
	for (int i = 0; i < 20; i++) {
		second();
		if (told() == 0)
			break;
	}
	assert_int_equal(shown().bytes_rate, 0);
	second();
	assert_int_equal(told(), 0);
	assert_int_equal(shown().downloads, 1);
	/* and who is silent for a minute is none either */
	for (int i = 0; i < 60; i++)
		second();
	assert_int_equal(shown().downloads, 0);
	assert_int_equal(shown().bytes_total, 0);
	close_all();
}

static void
what_libcoap_serves_is_shown_as_well(void **state)
{
	static struct req req;
	struct engine_stats st;
	struct store_device d;
	struct blob *b;

	open_with(state, 1);
	d = dev(&w, "d0000");
	memset(&req, 0, sizeof(req));
	req.who.device = d.id;
	assert_int_equal(blob_get(w.app.blobs, image(), &b), 0);
	for (uint64_t end = 1000; end <= 3000; end += 1000)
		engine_blocks(&w.app, &req, b, end, SIZE);
	engine_fold(w.app.engine, false);
	second();
	assert_int_equal(shown().downloads, 1);
	assert_int_equal(shown().bytes_done, 3000);
	engine_blocks(&w.app, &req, b, 3100, SIZE);
	second();
	assert_int_equal(shown().bytes_done, 3100);
	engine_stats(w.app.engine, &st);
	assert_int_equal(st.progress_slots, 1);
	for (int i = 0; i < 61; i++)
		second();
	assert_int_equal(shown().downloads, 0);
	engine_stats(w.app.engine, &st);
	assert_int_equal(st.progress_slots, 0);
	blob_unref(b);
	close_all();
}

static void
a_turn_folds_a_bounded_number_and_first_blocks_before_steps(void **state)
{
	enum { N = ENGINE_FOLD_MAX + 100 };
	struct engine_stats st;

	open_with(state, N + 1);
	send(s, N, 0, 1000);
	second();
	for (unsigned i = 0; i < N; i++)
		send(s, i, 0, 1000);
	w.loop.now += 1000;
	engine_stats(w.app.engine, &st);
	uint64_t before = st.folds;
	engine_watch(w.app.engine);
	engine_stats(w.app.engine, &st);
	assert_int_equal(st.folds - before, ENGINE_FOLD_MAX);
	/* a step of one and the end of another, which comes first */
	turn(&w);
	send(s, 0, 1000, 9000);
	send(s, N, 1000, SIZE);
	second();
	assert_int_equal(job_of("d0000").done, 9000);
	assert_int_equal(job_of("d0612").state, JOB_FETCHED);
	engine_stats(w.app.engine, &st);
	assert_int_equal(st.folds - before, N + 2);
	assert_int_equal(shown().downloads, N);
	close_all();
}

/* Who is nobody's device writes nothing, so no commit comes after it. */
static void
strangers_hold_nobody_up(void **state)
{
	struct engine_stats st;

	open_with(state, 1);
	for (unsigned i = 1; i <= 4 * ENGINE_FOLD_MAX; i++)
		send(s, i, 0, 1000);
	second();
	engine_stats(w.app.engine, &st);
	assert_int_equal(st.folds, ENGINE_FOLD_MAX);
	assert_int_equal(st.progress_slots, 4 * ENGINE_FOLD_MAX);
	send(s, 0, 0, 1000);
	for (int i = 0; i < 5; i++)
		second();
	assert_int_equal(job_of("d0000").done, 1000);
	assert_int_equal(shown().downloads, 1);
	close_all();
}

static void
an_end_overtakes_steps(void **state)
{
	enum { N = 2 * ENGINE_FOLD_MAX + 100 };
	char last[16];

	open_with(state, N);
	snprintf(last, sizeof(last), "d%04d", N - 1);
	for (unsigned i = 0; i < N; i++)
		send(s, i, 0, 1000);
	for (int i = 0; i < 3; i++)
		second();
	for (unsigned i = 0; i < N; i++)
		send(s, i, 1000, 9000);
	w.loop.now += 1000;
	engine_watch(w.app.engine); /* more than a turn's steps are left */
	turn(&w);
	assert_int_equal(job_of(last).done, 1000);
	send(s, N - 1, 9000, SIZE);
	second();
	assert_int_equal(job_of(last).state, JOB_FETCHED);
	close_all();
}

static void
an_attempt_that_is_over_takes_its_marks_along(void **state)
{
	struct store_device d;

	open_with(state, 1);
	d = dev(&w, "d0000");
	send(s, 0, 0, 8000);
	second();
	assert_int_equal(shown().downloads, 1);
	send(s, 0, 8000, SIZE); /* not folded yet */
	breaks(&w, d.id, REASON_NONE);
	assert_int_equal(shown().downloads, 0);
	assert_false(engine_fetching(w.app.engine, &d, rel));
	for (int i = 0; i < 30; i++)
		second();
	assert_int_not_equal(job_of("d0000").state, JOB_FETCHED);
	assert_int_equal(shown().downloads, 0);
	close_all();
}

static void
a_download_is_known_to_be_under_way(void **state)
{
	struct store_device d;

	open_with(state, 2);
	d = dev(&w, "d0001");
	send(s, 1, 0, 4000);
	assert_true(engine_fetching(w.app.engine, &d, rel));
	w.loop.now += FETCHING_MS + 100;
	assert_false(engine_fetching(w.app.engine, &d, rel));
	d = dev(&w, "d0000");
	assert_false(engine_fetching(w.app.engine, &d, rel));
	close_all();
}

static void
blocks_that_wait_to_be_folded_are_no_silence(void **state)
{
	struct job j;

	open_with(state, 1);
	send(s, 0, 0, 1000);
	second();
	j = job_of("d0000");
	assert_int_equal(j.state, JOB_FETCHING);
	w.loop.now = j.due + 1;
	send(s, 0, 1000, 1100);
	engine_due(w.app.engine);
	turn(&w);
	j = job_of("d0000");
	assert_int_equal(j.state, JOB_FETCHING);
	assert_int_equal(j.done, 1100);
	assert_int_equal(j.attempt, 1);
	/* and silence is silence */
	w.loop.now = j.due + 1;
	engine_due(w.app.engine);
	turn(&w);
	assert_int_equal(job_of("d0000").state, JOB_QUEUED);
	close_all();
}

static void
a_withdrawn_release_leaves_nothing_behind(void **state)
{
	struct why why = {0};

	open_with(state, 2);
	send(s, 0, 0, 4000);
	second();
	assert_int_equal(shown().downloads, 1);
	send(s, 1, 0, 4000);
	pair_begin(&w);
	pair_end(&w, publish_withdraw(&w.app, rel, &why));
	turn(&w);
	second();
	assert_int_not_equal(job_of("d0001").state, JOB_FETCHING);
	for (int i = 0; i < 70; i++)
		second();
	assert_int_equal(shown().downloads, 0);
	close_all();
}

/* --- a commit that fails --- */

static const struct store_ops *real;
static int depth;

static int
f_begin(struct store *st)
{
	int rc = real->begin(st);

	depth += rc == 0;
	return rc;
}

static int
f_commit(struct store *st)
{
	if (--depth == 0) {
		real->rollback(st);
		return ERR_NOSPACE;
	}
	return real->commit(st);
}

static void
f_rollback(struct store *st)
{
	depth--;
	real->rollback(st);
}

static void
what_was_not_kept_is_folded_again(void **state)
{
	struct store_ops ops;

	open_with(state, 1);
	real = w.app.store->ops;
	ops = *real;
	ops.begin = f_begin;
	ops.commit = f_commit;
	ops.rollback = f_rollback;
	depth = 0;
	send(s, 0, 0, SIZE);
	w.app.store->ops = &ops;
	second();
	w.app.store->ops = real;
	assert_int_equal(job_of("d0000").state, JOB_QUEUED);
	second();
	assert_int_equal(job_of("d0000").state, JOB_FETCHED);
	close_all();
}

#define T(f) cmocka_unit_test_setup(f, camp_setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(blocks_become_progress_and_the_last_one_the_end),
		T(a_peer_may_have_met_two_workers),
		T(tables_have_a_cap),
		T(who_watches_sees_bytes_within_a_second_of_the_fold),
		T(what_libcoap_serves_is_shown_as_well),
		T(a_turn_folds_a_bounded_number_and_first_blocks_before_steps),
		T(strangers_hold_nobody_up),
		T(an_end_overtakes_steps),
		T(an_attempt_that_is_over_takes_its_marks_along),
		T(a_download_is_known_to_be_under_way),
		T(blocks_that_wait_to_be_folded_are_no_silence),
		T(a_withdrawn_release_leaves_nothing_behind),
		T(what_was_not_kept_is_folded_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
