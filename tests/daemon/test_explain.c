/*
 * The fault matrix: in every state of a job every fault that a device can
 * have, and then the state, the one cause that explain names, and what it
 * says comes next. A cell is two letters: where the job is and what explain
 * calls it, and why.
 */
#include "tests/daemon/fleet.h"

static struct world w;
static struct resp resp;
static struct store_device dev;
static uint64_t rel;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	return 0;
}

static int
setup_sqlite(void **state)
{
	(void)state;
	world_open(&w, fake_sqlite);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* --- what the letters mean --- */

static const struct where {
	char letter;
	enum job_state state;
	const char *hold;
} wheres[] = {
	{'r', JOB_QUEUED, "queued"}, /* about to start */
	{'i', JOB_QUEUED, "queued"}, /* its trigger is in flight */
	{'b', JOB_QUEUED, "back-off"},
	{'c', JOB_QUEUED, "contact"},
	{'P', JOB_QUEUED, "paused"}, /* the breaker opened */
	{'n', JOB_NOTIFIED, "notified"},
	{'f', JOB_FETCHING, "fetching"},
	{'F', JOB_FETCHED, "fetched"},
	{'I', JOB_INSTALLING, "installing"},
	{'d', JOB_DONE, "current"},
	{'o', JOB_DONE, "no-campaign"}, /* done, and older again */
	{'x', JOB_FAILED, "failed"},
	{'k', JOB_CANCELLED, "cancelled"},
	{'s', JOB_SUPERSEDED, "superseded"},
	{'S', JOB_SUPERSEDED, "current"},
};

static const struct {
	char letter;
	enum track_reason reason;
} whys[] = {
	{'.', REASON_NONE}, {'a', REASON_NO_ANSWER},
	{'m', REASON_SILENCE_MANIFEST}, {'k', REASON_SILENCE_BLOCKS},
	{'i', REASON_SILENCE_INSTALL}, {'r', REASON_REBOOTED},
	{'l', REASON_ROLLBACK}, {'q', REASON_SEQUENCE},
	{'d', REASON_DECLINED}, {'g', REASON_SIGNATURE},
	{'D', REASON_DIGEST}, {'B', REASON_BOOT},
	{'O', REASON_PUSH_OVERLOAD}, {'R', REASON_RECOVERY},
	{'p', REASON_OPERATOR}, {'w', REASON_NEWER_RELEASE},
	{'n', REASON_NO_ADDRESS},
};

/* --- states: columns --- */

static void
push_fails(enum fail_class f, enum track_reason why)
{
	const struct track_event ev = {
		.type = TRACK_PUSH_FAIL, .fail = f, .reason = why,
		.have_max_age = true, .max_age = 600,
	};

	pass(&w, 1000);
	fleet_event(&w, last_job(&w, &dev).id, &ev);
}

static void
fetch(void)
{
	assert_int_equal(fleet_poll(&w, &dev, true, &resp), 0);
}

static void
runs(uint64_t seq)
{
	assert_int_equal(w.app.store->ops->device_get(w.app.store, dev.id,
	    &dev), 0);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_running(w.app.engine,
	    &dev, seq, GRADE_L1)), 0);
	turn(&w);
}

static void
s_ready(void)
{
}

static void
s_transport(void)
{
	push_fails(FAIL_TRANSPORT, REASON_NO_ANSWER);
}

static void
s_integrity(void)
{
	fetch();
	fleet_failed(&w, &dev, FAIL_INTEGRITY, REASON_DIGEST);
}

static void
s_execution(void)
{
	fetch();
	fleet_failed(&w, &dev, FAIL_EXECUTION, REASON_BOOT);
}

static void
s_overload(void)
{
	push_fails(FAIL_OVERLOAD, REASON_PUSH_OVERLOAD);
}

static void
s_contact(void)
{
	push_fails(FAIL_TRANSPORT, REASON_NO_ADDRESS);
}

static void
s_inflight(void)
{
	pass(&w, 1000);
}

static void
s_notified(void)
{
	pass(&w, 1000);
	answer(&w, "/suit/trigger", 204, "");
}

static void
s_fetched(void)
{
	fetch();
	fleet_type(&w, &dev, TRACK_IMAGE_END);
}

static void
s_installing(void)
{
	s_fetched();
	fleet_type(&w, &dev, TRACK_REBOOT);
}

static void
s_done(void)
{
	s_installing();
	runs(2);
}

static void
s_refused(void)
{
	fetch();
	fleet_failed(&w, &dev, FAIL_POLICY, REASON_SIGNATURE);
}

static void
s_broken(void)
{
	w.app.conf.track.backoff.rule[FAIL_EXECUTION].attempts = 1;
	s_execution();
}

static void
s_cancelled(void)
{
	fleet_type(&w, &dev, TRACK_CANCEL);
}

static void
s_superseded(void)
{
	fleet_type(&w, &dev, TRACK_SUPERSEDE);
}

#define STATES 16
static const struct {
	const char *name;
	void (*make)(void);
} states[STATES] = {
	{"ready", s_ready}, {"T", s_transport}, {"I", s_integrity},
	{"X", s_execution}, {"O", s_overload}, {"contact", s_contact},
	{"in flight", s_inflight}, {"notified", s_notified},
	{"fetching", fetch}, {"fetched", s_fetched},
	{"installing", s_installing}, {"done", s_done},
	{"failed P", s_refused}, {"failed X", s_broken},
	{"cancelled", s_cancelled}, {"superseded", s_superseded},
};

/* --- faults: rows --- */

static void
says(const struct track_event *ev)
{
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_event(w.app.engine,
	    dev.id, ev)), 0);
	turn(&w);
}

static void
nothing(void)
{
}

/* Silence to the next deadline; of an install, to its last one. */
static void
dies(void)
{
	struct job j = last_job(&w, &dev);

	if (j.state == JOB_FETCHED || j.state == JOB_INSTALLING)
		pass(&w, w.app.conf.track.install_ms + 1000);
	else
		pass(&w, j.due != 0 ? j.due - w.loop.now + 1000 : 3600000);
}

static void
lies_high(void)
{
	says(&(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_SUCCEEDED, .sequence = 9, .grade = GRADE_L1});
}

static void
lies_low(void)
{
	says(&(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_SUCCEEDED, .sequence = 1, .grade = GRADE_L1});
}

/* Without the key that the campaign asks for. */
static void
lies_weakly(void)
{
	says(&(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_SUCCEEDED, .sequence = 2, .grade = GRADE_L0});
}

static void
replays(void)
{
	says(&(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_FAILED, .fail = FAIL_EXECUTION, .target = 1,
	    .reason = REASON_BOOT, .grade = GRADE_L1});
}

static void
loses_its_flash(void)
{
	says(&(struct track_event){.type = TRACK_REBOOT, .grade = GRADE_L1});
	runs(0);
}

static void
moves(void)
{
	assert_int_equal(w.app.store->ops->device_get(w.app.store, dev.id,
	    &dev), 0);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, contact_seen(w.app.engine,
	    &dev, "10.9.9.9")), 0);
	says(&(struct track_event){.type = TRACK_ALIVE, .grade = GRADE_L1});
}

static void
declines(void)
{
	says(&(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_DECLINED, .grade = GRADE_L1});
}

static void
refuses(void)
{
	says(&(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_FAILED, .fail = FAIL_POLICY,
	    .reason = REASON_SIGNATURE, .grade = GRADE_L1});
}

static void
reboots(void)
{
	says(&(struct track_event){.type = TRACK_REBOOT, .grade = GRADE_L1});
}

static void
answers_late(void)
{
	says(&(struct track_event){.type = TRACK_PUSH_OK, .grade = GRADE_L1});
}

static void
runs_it_after_all(void)
{
	runs(2);
}

static void
recovers(void)
{
	says(&(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_FAILED, .fail = FAIL_EXECUTION,
	    .reason = REASON_RECOVERY, .grade = GRADE_L1});
}

#define FAULTS 14
static const struct {
	const char *name;
	void (*happen)(void);
	/* ready T I X O contact in-flight notified fetching fetched installing
	 * done failed-P failed-X cancelled superseded */
	const char *cells;
} faults[FAULTS] = {
	{"nothing", nothing,
	    "r. ba bD bB bO cn i. n. f. F. Ir d. xg xB kp sw"},
	{"dies", dies,
	    "i. i. i. i. i. cn ba bm bk bi bi d. xg xB kp sw"},
	{"says it runs another", lies_high,
	    "xq xq xq xq xq xq xq xq xq xq xq d. xg xB kp sw"},
	{"says it runs an older", lies_low,
	    "r. ba bD bB bO cn i. n. f. F. Ir d. xg xB kp sw"},
	{"says so without its key", lies_weakly,
	    "r. ba bD bB bO bn i. n. f. F. Ir d. xg xB kp sw"},
	{"replays an old report", replays,
	    "r. ba bD bB bO cn i. n. f. F. Ir d. xg xB kp sw"},
	{"loses its flash", loses_its_flash,
	    "r. ba bD bB bO bn i. br br bl bl o. xg xB kp sw"},
	{"moves", moves,
	    "r. ba bD bB bO bn i. n. f. F. Ir d. xg xB kp sw"},
	{"declines", declines,
	    "bd bd bd bd bd bd bd bd bd bd bd d. xg xB kp sw"},
	{"refuses", refuses,
	    "xg xg xg xg xg xg xg xg xg xg xg d. xg xB kp sw"},
	{"reboots", reboots,
	    "r. ba bD bB bO bn i. br br Ir Ir d. xg xB kp sw"},
	{"answers late", answers_late,
	    "r. ba bD bB bO cn n. n. f. F. Ir d. xg xB kp sw"},
	{"runs it after all", runs_it_after_all,
	    "d. d. d. d. d. d. d. d. d. d. d. d. d. d. d. Sw"},
	{"is in recovery mode", recovers,
	    "r. PR PR PR PR PR PR PR PR PR PR dR xR xR kp sw"},
};

/* --- the matrix --- */

static const struct where *
where(char letter)
{
	const struct where *p = wheres;

	while (p->letter != letter)
		p++;
	return p;
}

/* `next` has its time: the next attempt, or the deadline. */
static void
check_next(char letter, const struct job *j, const struct msg_explain *m)
{
	assert_string_not_equal(m->next, "");
	switch (letter) {
	case 'i':
	case 'b':
	case 'n':
	case 'f':
	case 'F':
	case 'I':
		assert_true(j->due > w.loop.now);
		assert_int_equal(m->until, j->due);
		break;
	case 'r':
		assert_int_equal(m->until, j->due);
		assert_true(j->due <= w.loop.now + 1000);
		break;
	default:
		assert_int_equal(m->until, 0);
		break;
	}
	assert_int_equal(letter == 'i', j->state == JOB_QUEUED &&
	    j->started != 0);
}

static void
check(const char *state, const char *fault, const char *cell)
{
	const struct where *want = where(cell[0]);
	struct job j = last_job(&w, &dev);
	struct msg_explain m = fleet_explain(&w, "dev");
	enum track_reason why = REASONS;

	for (size_t i = 0; i < sizeof(whys) / sizeof(whys[0]); i++)
		if (whys[i].letter == cell[1])
			why = whys[i].reason;
	if (j.state != want->state || strcmp(m.hold, want->hold) != 0 ||
	    j.reason != why)
		fail_msg("%s %s: %s, %s, %s, not %.2s (%s)", state, fault,
		    job_state_name(j.state), m.hold, track_reason_name(
		    j.reason), cell, m.cause);
	/* the sentence has the reason in it */
	if (strchr("bxk", cell[0]) != NULL &&
	    strstr(m.cause, track_reason_text(why)) == NULL)
		fail_msg("%s %s: %s", state, fault, m.cause);
	if (cell[0] == 'P')
		assert_non_null(strstr(m.cause, "recovery"));
	check_next(cell[0], &j, &m);
}

static void
MODE_THING_every_fault_in_every_state(void **state)
{
	int (*fresh)(void **) = fake_db[0] ? setup_sqlite : setup;

	teardown(state);
	for (size_t f = 0; f < FAULTS; f++) {
		assert_int_equal(strlen(faults[f].cells), STATES * 3 - 1);
		for (size_t s = 0; s < STATES; s++) {
			fresh(state);
			rel = released(&w, 2, "coap://fw.example/a", 1000);
			dev = fleet_add(&w, "dev", DRIVER_TRIGGER,
			    "10.0.0.1");
			(void)fleet_add(&w, "peer", DRIVER_NONE, "10.0.9.1");
			(void)campaign_for(&w, rel, "grade=L1 broke=100% "
			    "unreachable=100%");
			states[s].make();
			faults[f].happen();
			check(states[s].name, faults[f].name,
			    faults[f].cells + 3 * s);
			teardown(state);
		}
	}
	fresh(state);
}

/* --- the sleeping --- */

static void
the_gap_is_a_moving_mean(void **state)
{
	struct store_device d = {.seen = 1000};

	(void)state;
	contact_note(&d, 1000 + 599000);
	assert_int_equal(d.gap, 0); /* too close to tell anything */
	contact_note(&d, d.seen + 3600000);
	assert_int_equal(d.gap, 3600);
	contact_note(&d, d.seen + 7200000);
	assert_int_equal(d.gap, 4500);
	contact_note(&d, d.seen + 600000);
	assert_int_equal(d.gap, 3525);
	contact_note(&d, d.seen - 1000000); /* the clock was set back */
	assert_int_equal(d.gap, 3525);
	d.gap = 0;
	contact_note(&d, d.seen + INT64_C(400) * 86400000);
	assert_int_equal(d.gap, 90 * 86400);
}

/* Registrations count as well: many devices do nothing else. */
static void
registers(const char *query)
{
	static struct req req;

	memset(&req, 0, sizeof(req));
	req.method = M_POST;
	req.first_block = true;
	req.query[0] = slice_str(query);
	req.query_n = 1;
	strcpy(req.addr, "10.0.0.1");
	assert_int_equal(ask(&w, res_rd, &req, &resp), 0);
	turn(&w);
}

static void
the_next_wake_is_estimated(void **state)
{
	struct msg_explain m;
	int64_t seen;

	(void)state;
	rel = released(&w, 2, "coap://fw.example/a", 1000);
	dev = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	registers("ep=dev");
	w.loop.now += 3600000;
	registers("ep=dev");
	seen = w.loop.now;
	(void)campaign_for(&w, rel, "");
	m = fleet_explain(&w, "dev");
	assert_string_equal(m.hold, "contact");
	assert_int_equal(m.until, seen + 3600000);
	assert_non_null(strstr(m.next, "60 min"));
	w.loop.now = seen + 3600000 + 1000;
	m = fleet_explain(&w, "dev");
	assert_string_equal(m.hold, "contact");
	assert_non_null(strstr(m.next, "overdue"));
	assert_int_equal(m.until, 0);
}

/* --- the gate's own sentence --- */

static void
a_wave_is_explained_by_its_gate(void **state)
{
	struct store_device d[4];
	struct policy_decision said;
	struct campaign_spec spec = {.start = true};
	struct store_campaign c;
	struct msg_explain m;
	struct run *r;
	struct why why = {0};
	char ep[8];

	(void)state;
	spec.release = released(&w, 2, "coap://fw.example/a", 1000);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(ep, sizeof(ep), "d%u", i);
		d[i] = fleet_add(&w, ep, DRIVER_NONE, "10.0.0.1");
	}
	strcpy(spec.policy, "waves=50%,100% soak=1h");
	assert_int_equal(campaign_plan(&w.app, &spec, &c, &why), 0);
	turn(&w);
	for (unsigned i = 0; i < 4; i++) {
		if (last_job(&w, &d[i]).wave != 2)
			continue;
		assert_int_equal(runs_get(&w.app, c.id, &r), 0);
		assert_int_equal(campaign_gate(&w.app, r, &said), 0);
		m = fleet_explain(&w, d[i].ep);
		assert_string_equal(m.hold, "wave");
		assert_non_null(strstr(m.next, said.text));
		assert_int_equal(fleet_poll(&w, &d[i], true, &resp),
		    ERR_NOT_FOUND);
		return;
	}
	fail_msg("nobody is in the second wave");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown), \
	cmocka_unit_test_setup_teardown(f, setup_sqlite, teardown)
	const struct CMUnitTest tests[] = {
		T(MODE_THING_every_fault_in_every_state),
		T(the_gap_is_a_moving_mean),
		T(the_next_wake_is_estimated),
		T(a_wave_is_explained_by_its_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
