/*
 * Waves and gates: only what is open starts, what goes well opens the next
 * wave after its soak, what breaks stops it; then pause, resume, abort, roll
 * back, and the end.
 */
#include "tests/daemon/gates.h"

static struct why why;

static void
only_open_waves_start_and_the_gate_opens_after_its_soak(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=25%,100% soak=1h");
	struct job j[40];
	struct each e;
	size_t n;

	start_them();
	e = jobs_of(&w, c.id);
	assert_int_equal(e.by_state[JOB_NOTIFIED], 10);
	n = jobs_in(c.id, 1, j, 40);
	assert_int_equal(n, 10);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(j[i].state, JOB_NOTIFIED);
	prove(j, 9);
	pass(&w, 1000);
	assert_int_equal(camp(&w, c.id).wave, 1);
	assert_int_equal(camp(&w, c.id).wave_met, 0); /* the sample is 10 */
	prove(j + 9, 1);
	c = camp(&w, c.id);
	pass(&w, c.wave_met + SOAK - w.loop.now - 1);
	assert_int_equal(camp(&w, c.id).wave, 1);
	pass(&w, 1);
	assert_int_equal(camp(&w, c.id).wave, 2);
	assert_int_equal(camp(&w, c.id).wave_opened, w.loop.now);
	start_them();
	n = jobs_in(c.id, 2, j, 40);
	assert_int_equal(n, 30);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(j[i].state, JOB_NOTIFIED);
	prove(j, 30);
	c = camp(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_FINISHED);
	assert_true(c.ended != 0);
	world_close(&w);
}

static void
breakage_trips_and_forgiveness_is_for_what_was(void **state)
{
	uint64_t rel = open_with(state, 60);
	struct store_campaign c = running(&w, rel, "waves=100% soak=0 "
	    "sample=5 concurrency=100");
	struct job j[60];
	size_t n;

	start_them();
	n = jobs_in(c.id, 1, j, 60);
	prove(j, 5);
	breaks(&w, j[5].device, REASON_BOOT);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
	for (size_t i = 6; i < 9 && camp(&w, c.id).state == CAMPAIGN_RUNNING;
	    i++)
		breaks(&w, j[i].device, REASON_BOOT);
	c = camp(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_PAUSED);
	assert_true(c.cause[0] != '\0');
	assert_int_equal(campaign_resume(&w.app, c.id, &why), 0);
	turn(&w);
	c = camp(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	assert_string_equal(c.cause, "");
	/* all that broke get well, and as many others break */
	n = jobs_in(c.id, 1, j, 60);
	for (size_t i = 5; i < 9; i++)
		runs_seq(&w, j[i].device, 5);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
	for (size_t i = 20; i < n && i < 26; i++)
		breaks(&w, j[i].device, REASON_BOOT);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_PAUSED);
	world_close(&w);
}

static void
recovery_stops_it_at_once(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=25%,100%");
	struct job j[40];

	start_them();
	(void)jobs_in(c.id, 1, j, 40);
	breaks(&w, j[0].device, REASON_RECOVERY);
	c = camp(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_PAUSED);
	assert_true(c.cause[0] != '\0');
	assert_int_equal(campaign_resume(&w.app, c.id, &why), 0);
	turn(&w);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
	/* it gets well: its forgiveness is not left for another one */
	runs_seq(&w, j[0].device, 5);
	breaks(&w, j[1].device, REASON_RECOVERY);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_PAUSED);
	world_close(&w);
}

/* Nobody answers: no job changes its state, and still it is seen. */
/* After its attempt was given up for silence, and after all went well. */
static void
recovery_that_shows_late_stops_it_too(void **state)
{
	for (int done = 0; done < 2; done++) {
		uint64_t rel = open_with(state, 40);
		struct store_campaign c = running(&w, rel, "waves=25%,100% "
		    "broke=100% unreachable=100%");
		struct job j[40];
		struct store_device d;

		start_them();
		(void)jobs_in(c.id, 1, j, 40);
		if (done) {
			runs_seq(&w, j[0].device, 5);
		} else {
			pass(&w, w.app.conf.track.notify_ms + 1);
			assert_int_equal(CS(&w, job_get, j[0].id, &j[0]), 0);
			assert_int_equal(j[0].state, JOB_QUEUED);
		}
		assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
		breaks(&w, j[0].device, REASON_RECOVERY);
		assert_int_equal(camp(&w, c.id).state, CAMPAIGN_PAUSED);
		assert_int_equal(campaign_resume(&w.app, c.id, &why), 0);
		turn(&w);
		breaks(&w, j[0].device, REASON_RECOVERY); /* said again */
		assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
		assert_int_equal(CS(&w, device_get, j[0].device, &d), 0);
		assert_int_equal(last_job(&w, &d).state, done ? JOB_DONE :
		    JOB_QUEUED);
		world_close(&w);
	}
}

static void
who_cannot_be_reached_is_counted_apart(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=50%,100% "
	    "unreachable=50% broke=0%");
	struct policy_counts k;
	struct run *r;

	for (int i = 0; i < 12; i++) {
		w.loop.now += 10;
		tick();
		answer_all(&w, false);
	}
	c = camp(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_PAUSED);
	assert_int_equal(runs_get(&w.app, c.id, &r), 0);
	assert_int_equal(campaign_wave_counts(&w.app, r, 0, &k), 0);
	assert_int_equal(k.broke, 0);
	assert_true(k.unreachable >= 10);
	assert_int_equal(jobs_of(&w, c.id).by_state[JOB_QUEUED], 40);
	world_close(&w);
}

static void
silence_after_the_trigger_is_an_outcome(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=50%,100%");

	start_them();
	pass(&w, w.app.conf.track.notify_ms + 1000);
	answer_all(&w, true);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_PAUSED);
	world_close(&w);
}

static void
a_gate_that_was_met_during_a_pause_is_looked_at(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=25%,100% soak=0");
	struct job j[40];

	start_them();
	assert_int_equal(campaign_pause(&w.app, c.id, &why), 0);
	turn(&w);
	prove(j, jobs_in(c.id, 1, j, 40));
	assert_int_equal(camp(&w, c.id).wave, 1);
	pass(&w, 1000);
	assert_int_equal(w.loop.timer_at, 0); /* a pause costs nothing */
	assert_int_equal(campaign_resume(&w.app, c.id, &why), 0);
	turn(&w);
	assert_int_equal(camp(&w, c.id).wave, 2);
	world_close(&w);
}

static void
an_operator_opens_the_next_wave(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=25%,50%,100%");

	assert_int_equal(campaign_advance(&w.app, c.id, 2, &why),
	    ERR_CONFLICT);
	assert_int_equal(campaign_advance(&w.app, c.id, 1, &why), 0);
	turn(&w);
	assert_int_equal(camp(&w, c.id).wave, 2);
	assert_int_equal(campaign_advance(&w.app, c.id, 0, &why), 0);
	turn(&w);
	assert_int_equal(campaign_advance(&w.app, c.id, 0, &why), ERR_STATE);
	assert_int_equal(campaign_pause(&w.app, c.id, &why), 0);
	assert_int_equal(campaign_advance(&w.app, c.id, 0, &why), ERR_STATE);
	turn(&w);
	world_close(&w);
}

/* --- the end --- */

static void
a_soft_abort_lets_them_end_and_starts_none_again(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=25%,100%");
	struct job j[40];
	struct each e;

	start_them();
	(void)jobs_in(c.id, 1, j, 40);
	assert_int_equal(campaign_abort(&w.app, c.id, false, &why), 0);
	turn(&w);
	work_out(&w);
	e = jobs_of(&w, c.id);
	assert_int_equal(e.by_state[JOB_CANCELLED], 30);
	assert_int_equal(e.by_state[JOB_NOTIFIED], 10);
	runs_seq(&w, j[0].device, 5);
	breaks(&w, j[1].device, REASON_BOOT);
	(void)jobs_in(c.id, 1, j, 40);
	assert_int_equal(j[0].state, JOB_DONE);
	assert_int_equal(j[1].state, JOB_CANCELLED); /* not queued again */
	assert_int_equal(j[1].reason, REASON_OPERATOR);
	pass(&w, 86400000);
	assert_int_equal(w.peer.n, 0);
	assert_int_equal(campaign_retry(&w.app, j[1].id, &why), ERR_STATE);
	world_close(&w);
}

static void
a_hard_abort_withdraws(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=25%,100%");
	struct store_release r;
	struct store_device own;
	struct job j;

	fleet_of(&w, "own", 1, DRIVER_NONE);
	own = dev(&w, "own0000");
	assert_int_equal(CS(&w, release_get, rel, &r), 0);
	pair_begin(&w);
	pair_end(&w, engine_job_new(w.app.engine, &own, &r, NULL));
	turn(&w);
	start_them();
	assert_int_equal(campaign_abort(&w.app, c.id, false, &why), 0);
	assert_int_equal(campaign_abort(&w.app, c.id, true, &why), 0);
	turn(&w);
	work_out(&w);
	assert_int_equal(jobs_of(&w, c.id).by_state[JOB_CANCELLED], 40);
	assert_int_equal(CS(&w, release_get, rel, &r), 0);
	assert_int_equal(r.state, RELEASE_WITHDRAWN);
	j = last_job(&w, &own);
	assert_int_equal(j.state, JOB_CANCELLED);
	assert_int_equal(j.reason, REASON_WITHDRAWN);
	assert_int_equal(campaign_abort(&w.app, c.id, true, &why), ERR_STATE);
	world_close(&w);
}

/* More than a turn's worth, and the daemon dies in between. */
static void
a_withdrawn_release_is_let_go_of_in_slices(void **state)
{
	uint64_t rel = open_with(state, 0), other;
	struct store_release r[2];
	struct store_stats st;
	struct store *s;

	s = w.app.store;
	other = released(&w, 6, "coap://fw.example/o.bin", 100);
	fleet_of(&w, "own", 3000, DRIVER_NONE);
	assert_int_equal(CS(&w, release_get, rel, &r[0]), 0);
	assert_int_equal(CS(&w, release_get, other, &r[1]), 0);
	pair_begin(&w);
	for (uint64_t id = 1; id <= 3000; id++) {
		struct store_device d;

		assert_int_equal(CS(&w, device_get, id, &d), 0);
		assert_int_equal(engine_job_new(w.app.engine, &d,
		    &r[id % 10 == 0], NULL), 0);
	}
	pair_end(&w, 0);
	turn(&w);
	pair_begin(&w);
	pair_end(&w, publish_withdraw(&w.app, rel, &why));
	turn(&w);
	s->ops->stats(s, &st);
	assert_in_range(st.jobs_live, 301, 2999); /* not all in one go */
	world_kill(&w);
	pass(&w, 1000);
	s->ops->stats(s, &st);
	assert_int_equal(st.jobs_live, 300);
	assert_int_equal(w.loop.timer_at, 0);
	world_close(&w);
}

static void
a_roll_back_brings_those_that_were_attempted(void **state)
{
	uint64_t bad = open_with(state, 40), good, n = 0;
	struct store_campaign c, f;
	struct job j[40], late;
	char rules[80];

	good = released(&w, 6, "coap://fw.example/g.bin", 100);
	snprintf(rules, sizeof(rules), "waves=25%%,100%% on_failure=rollback "
	    "rollback=%u", (unsigned)good);
	c = running(&w, bad, rules);
	/* as many campaigns as there may be: that must not be in the way */
	for (int i = 1; i < LIMIT_CAMPAIGNS_LIVE; i++) {
		struct campaign_spec spec = {.release = bad, .by = "alice",
		    .select = "seq == 99"};

		snprintf(spec.name, sizeof(spec.name), "x%d", i);
		assert_int_equal(plan_it(&w, &spec, &f, &why), 0);
	}
	start_them();
	(void)jobs_in(c.id, 1, j, 40);
	runs_seq(&w, j[1].device, 5);
	breaks(&w, j[0].device, REASON_RECOVERY);
	c = camp(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_ABORTED);
	assert_true(c.follower != 0);
	work_out(&w);
	f = camp(&w, c.follower);
	assert_int_equal(f.state, CAMPAIGN_RUNNING);
	assert_int_equal(f.release, good);
	assert_int_equal(jobs_of(&w, c.id).by_state[JOB_CANCELLED], 39);
	assert_int_equal(jobs_in(c.id, 2, &late, 1), 1);
	assert_int_equal(late.reason, REASON_CAMPAIGN); /* no operator's */
	n = jobs_of(&w, f.id).n;
	assert_int_equal(n, 10);
	for (size_t i = 0; i < 10; i++) {
		struct job live;

		assert_int_equal(CS(&w, job_live, j[i].device, &live), 0);
		assert_int_equal(live.campaign, f.id);
	}
	world_close(&w);
}

static void
a_roll_back_by_hand_needs_a_higher_sequence(void **state)
{
	uint64_t rel = open_with(state, 20), good;
	struct store_campaign c = running(&w, rel, "waves=50%,100%");

	start_them();
	assert_int_equal(campaign_rollback(&w.app, c.id, rel, "bob", &why),
	    ERR_SEQUENCE);
	assert_int_equal(campaign_rollback(&w.app, c.id, 99, "bob", &why),
	    ERR_NOT_FOUND);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
	good = released(&w, 6, "coap://fw.example/g.bin", 100);
	assert_int_equal(campaign_rollback(&w.app, c.id, good, "bob", &why),
	    0);
	turn(&w);
	world_kill(&w);
	work_out(&w);
	c = camp(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_ABORTED);
	assert_int_equal(jobs_of(&w, c.follower).n, 10);
	assert_string_equal(camp(&w, c.follower).by, "bob");
	world_close(&w);
}

/* One may stop it; what brings other software is for two, as its start was or
 * would be now. */
static void
REQ_SEC_RIGHTS_a_way_back_needs_a_second_person(void **state)
{
	for (int by_conf = 0; by_conf < 2; by_conf++) {
		uint64_t rel = open_with(state, 20), good;
		struct store_campaign c = draft(&w, rel, "", by_conf ?
		    "waves=50%,100%" : "waves=50%,100% approval=yes"), f;

		if (!by_conf)
			assert_int_equal(campaign_approve(&w.app, c.id,
			    c.plan, "admin", &why), 0);
		(void)go(&w, c.id);
		start_them();
		strcpy(w.app.conf.four_eyes, by_conf ? "campaign" : "");
		good = released(&w, 6, "coap://fw.example/g.bin", 100);
		assert_int_equal(campaign_rollback(&w.app, c.id, good, "bob",
		    &why), 0);
		turn(&w);
		work_out(&w);
		c = camp(&w, c.id);
		assert_int_equal(c.state, CAMPAIGN_ABORTED);
		assert_int_equal(jobs_of(&w, c.id).by_state[JOB_CANCELLED],
		    20);
		f = camp(&w, c.follower);
		assert_int_equal(f.state, CAMPAIGN_DRAFT);
		assert_int_equal(jobs_of(&w, f.id).n, 0);
		assert_int_equal(campaign_start(&w.app, f.id, NULL, &why), 0);
		work_out(&w);
		assert_int_equal(jobs_of(&w, f.id).n, 0);
		assert_int_equal(campaign_approve(&w.app, f.id, f.plan, "bob",
		    &why), ERR_FORBIDDEN);
		assert_int_equal(campaign_approve(&w.app, f.id, f.plan,
		    "alice", &why), 0);
		turn(&w);
		work_out(&w);
		assert_int_equal(camp(&w, f.id).state, CAMPAIGN_RUNNING);
		assert_int_equal(jobs_of(&w, f.id).n, 10);
		world_close(&w);
	}
}

/* What comes if it goes wrong was said in the plan, and approved with it. */
static void
the_rule_of_an_approved_plan_waits_for_nobody(void **state)
{
	uint64_t bad = open_with(state, 20), good;
	struct store_campaign c;
	struct job j[20];
	char rules[80];

	strcpy(w.app.conf.four_eyes, "campaign");
	good = released(&w, 6, "coap://fw.example/g.bin", 100);
	snprintf(rules, sizeof(rules), "waves=50%%,100%% on_failure=rollback "
	    "rollback=%u", (unsigned)good);
	c = draft(&w, bad, "", rules);
	assert_int_equal(campaign_approve(&w.app, c.id, c.plan, "admin",
	    &why), 0);
	(void)go(&w, c.id);
	start_them();
	(void)jobs_in(c.id, 1, j, 20);
	breaks(&w, j[0].device, REASON_RECOVERY);
	work_out(&w);
	c = camp(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_ABORTED);
	assert_int_equal(camp(&w, c.follower).state, CAMPAIGN_RUNNING);
	assert_int_equal(jobs_of(&w, c.follower).n, 10);
	world_close(&w);
}

static void
a_finished_one_runs_again_for_a_retry(void **state)
{
	uint64_t rel = open_with(state, 2);
	struct store_campaign c = running(&w, rel, "waves=100% broke=100%");
	struct store_device a = dev(&w, "d0000"), b = dev(&w, "d0001");
	const struct track_event no = {.type = TRACK_REPORT,
	    .phase = PHASE_FAILED, .fail = FAIL_POLICY,
	    .reason = REASON_CONDITION};

	start_them();
	runs_seq(&w, a.id, 5);
	event(&w, b.id, &no);
	assert_int_equal(last_job(&w, &b).state, JOB_FAILED);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_FINISHED);
	assert_int_equal(campaign_retry(&w.app, last_job(&w, &b).id, &why),
	    0);
	turn(&w);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
	start_them();
	runs_seq(&w, b.id, 5);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_FINISHED);
	world_close(&w);
}

static void
it_ends_when_its_time_is_over(void **state)
{
	uint64_t rel = open_with(state, 20);
	char rules[100];
	struct store_campaign c;
	struct job j[20];
	int64_t start;

	start = w.loop.now / 1000 + 7200;
	snprintf(rules, sizeof(rules), "waves=50%%,100%% expire=1h soak=5h "
	    "start=%lld", (long long)start);
	c = running(&w, rel, rules);
	pass(&w, start * 1000 - w.loop.now - 1);
	assert_int_equal(w.peer.n, 0);
	assert_int_equal(camp(&w, c.id).ended, 0);
	pass(&w, 1); /* to the millisecond */
	assert_true(w.peer.n > 0);
	answer_all(&w, true);
	start_them();
	(void)jobs_in(c.id, 1, j, 20);
	prove(j, 9);
	pass(&w, 3600000);
	work_out(&w);
	turn(&w);
	c = camp(&w, c.id);
	assert_int_equal(jobs_of(&w, c.id).by_state[JOB_DONE], 9);
	assert_int_equal(c.state, CAMPAIGN_FINISHED);
	(void)jobs_in(c.id, 2, j, 20);
	assert_int_equal(j[0].state, JOB_CANCELLED);
	assert_int_equal(j[0].reason, REASON_EXPIRED);
	assert_int_equal(campaign_retry(&w.app, j[0].id, &why), ERR_STATE);
	world_close(&w);
}

static void
weak_evidence_proves_nothing_after_a_restart_either(void **state)
{
	uint64_t rel = open_with(state, 1);
	struct store_campaign c = running(&w, rel, "grade=L2");
	struct store_device d = dev(&w, "d0000");

	start_them();
	assert_int_equal(campaign_abort(&w.app, c.id, false, &why), 0);
	turn(&w);
	work_out(&w);
	world_kill(&w);
	runs_seq(&w, d.id, 5); /* L1 */
	assert_int_not_equal(last_job(&w, &d).state, JOB_DONE);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(only_open_waves_start_and_the_gate_opens_after_its_soak),
		CASE(breakage_trips_and_forgiveness_is_for_what_was),
		CASE(recovery_stops_it_at_once),
		CASE(recovery_that_shows_late_stops_it_too),
		CASE(who_cannot_be_reached_is_counted_apart),
		CASE(silence_after_the_trigger_is_an_outcome),
		CASE(a_gate_that_was_met_during_a_pause_is_looked_at),
		CASE(an_operator_opens_the_next_wave),
		CASE(a_soft_abort_lets_them_end_and_starts_none_again),
		CASE(a_hard_abort_withdraws),
		CASE(a_withdrawn_release_is_let_go_of_in_slices),
		CASE(a_roll_back_brings_those_that_were_attempted),
		CASE(a_roll_back_by_hand_needs_a_higher_sequence),
		CASE(REQ_SEC_RIGHTS_a_way_back_needs_a_second_person),
		CASE(the_rule_of_an_approved_plan_waits_for_nobody),
		CASE(a_finished_one_runs_again_for_a_retry),
		CASE(it_ends_when_its_time_is_over),
		CASE(weak_evidence_proves_nothing_after_a_restart_either),
	};

	return camp_run(tests, sizeof(tests) / sizeof(tests[0]));
}
