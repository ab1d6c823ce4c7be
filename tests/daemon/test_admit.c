/* Admission: slots are counted exactly whatever happens. */
#include "tests/daemon/admit_world.h"

static bool announced; /* the campaign of this test announces a spread */
static struct {
	uint32_t n, group[256]; /* by the third number of the address */
} counted;

static int
count_one(void *arg, const struct job *j)
{
	struct store_device d;
	unsigned third;

	(void)arg;
	if (j->state > JOB_FETCHING)
		return 0;
	assert_int_equal(w.app.store->ops->device_get(w.app.store, j->device,
	    &d), 0);
	if (announced && j->state != JOB_FETCHING &&
	    d.driver == DRIVER_TRIGGER && !d.nul_trigger)
		return 0; /* told a spread, did not ask yet */
	counted.n++;
	if (sscanf(d.addr, "10.0.%u.", &third) == 1)
		counted.group[third % 256]++;
	return 0;
}

/* What the store says is what is counted. */
static void
slots_are_exact(void)
{
	struct store_device d = {0};

	memset(&counted, 0, sizeof(counted));
	assert_int_equal(w.app.store->ops->job_active(w.app.store, count_one,
	    NULL), 0);
	assert_int_equal(admit_slots(&w.app), counted.n);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(d.addr, sizeof(d.addr), "10.0.%u.9", i);
		assert_int_equal(slot_group(&w.app, &d)->slots,
		    counted.group[i]);
	}
}

/* Whatever was sent is answered somehow, or left without an answer. */
static void
drain(uint64_t *seed)
{
	static const unsigned codes[] = {204, 204, 204, 429, 500, 0};

	for (size_t i = 0; i < w.peer.n; i++) {
		struct fake_sent *s = &w.peer.sent[i];
		struct peer_answer a = {
			.code = codes[backoff_rand(seed) % 6],
		};

		if (s->cb == NULL)
			continue;
		if (a.code == 0)
			a.err = ERR_TIMEOUT;
		s->cb(s->arg, &a);
		s->cb = NULL;
	}
	w.peer.n = 0;
	turn(&w);
}

static void
random_step(struct store_device *d, uint64_t *seed)
{
	static const enum track_event_type types[] = {
		TRACK_MANIFEST_GET, TRACK_BLOCKS, TRACK_IMAGE_END,
		TRACK_REBOOT, TRACK_ALIVE, TRACK_STEERED, TRACK_RETRY,
		TRACK_DUE,
	};
	uint64_t what = backoff_rand(seed) % 20;
	struct job j = last_job(&w, d);
	struct track_event ev = {.grade = GRADE_L1};

	if (what < 8) {
		ev.type = types[what];
		ev.done = ev.type == TRACK_BLOCKS ? 10 : 0;
		ev.total = ev.type == TRACK_BLOCKS ? 100 : 0;
		fleet_event(&w, j.id, &ev);
	} else if (what < 10) {
		fleet_failed(&w, d, 1 + backoff_rand(seed) % 5, REASON_OTHER);
	} else if (what == 10) { /* a pair that is undone */
		ev.type = TRACK_MANIFEST_GET;
		assert_int_equal(engine_begin(w.app.engine), 0);
		assert_int_equal(engine_job_event(w.app.engine, j.id, &ev,
		    NULL), 0);
		(void)admit_slots(&w.app);
		assert_int_equal(engine_end(w.app.engine, ERR_POLICY),
		    ERR_POLICY);
		turn(&w);
	} else if (what == 11) {
		world_kill(&w);
	} else if (what == 12) {
		/* to another network; a download that runs keeps its own */
		if (j.state > JOB_FETCHING || (j.state == JOB_QUEUED &&
		    j.started == 0)) {
			snprintf(d->addr, sizeof(d->addr), "10.0.%u.7",
			    (unsigned)(backoff_rand(seed) % 4));
			fleet_save(&w, d);
		}
	} else if (what < 18) {
		(void)fleet_poll(&w, d, true, &resp);
	} else {
		pass(&w, (int64_t)(backoff_rand(seed) % 200000));
	}
	drain(seed);
}

#define RANDOM_DEVICES 12

static void
random_events(uint64_t seed)
{
	struct store_device d[RANDOM_DEVICES];
	uint64_t rel = released(&w, 2, "coap://fw.example/a", 1000);
	char ep[16], addr[16];

	w.app.conf.downloads = 5;
	w.app.conf.downloads_group = 3;
	for (unsigned i = 0; i < RANDOM_DEVICES; i++) {
		snprintf(ep, sizeof(ep), "dev%u", i);
		snprintf(addr, sizeof(addr), "10.0.%u.%u", i % 4, i);
		d[i] = fleet_add(&w, ep, i % 2 ? DRIVER_TRIGGER : DRIVER_NONE,
		    addr);
		d[i].nul_trigger = i % 4 == 1;
		fleet_save(&w, &d[i]);
	}
	(void)campaign_for(&w, rel, announced ?
	    "announce=1m concurrency=8 broke=100% unreachable=100%" :
	    "concurrency=8 broke=100% unreachable=100%");
	for (int i = 0; i < 1500; i++) {
		random_step(&d[backoff_rand(&seed) % RANDOM_DEVICES], &seed);
		if (i % 3 == 0) /* also after moves that nobody asked about */
			slots_are_exact();
	}
}

static void
slots_are_those_of_the_store_whatever_happens(void **state)
{
	announced = *state != NULL;
	random_events(7);
}

static uint32_t
in_state(enum job_state st, const struct store_device *d, size_t n)
{
	uint32_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += last_job(&w, &d[i]).state == st;
	return k;
}

/* Polls only, with kills: no more than `downloads` at any time. */
static void
never_more_than_downloads(void **state)
{
	struct store_device d[20];
	char ep[16], addr[16];
	uint64_t seed = 3;

	announced = *state != NULL;
	w.app.conf.downloads = 4;
	w.app.conf.downloads_group = 0;
	for (unsigned i = 0; i < 20; i++) {
		snprintf(ep, sizeof(ep), "dev%u", i);
		snprintf(addr, sizeof(addr), "10.0.%u.1", i);
		d[i] = fleet_add(&w, ep, announced ? DRIVER_TRIGGER :
		    DRIVER_NONE, addr);
	}
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    announced ? "announce=10m concurrency=20" : "concurrency=20");
	for (int i = 0; i < 300; i++) {
		struct store_device *x = &d[backoff_rand(&seed) % 20];

		if (announced && w.peer.n > 0) {
			w.peer.n = 16 < w.peer.n ? 16 : w.peer.n;
			drain(&seed);
		}
		if (i % 50 == 49)
			world_kill(&w);
		if (fleet_poll(&w, x, true, &resp) == 0)
			assert_true(last_job(&w, x).state >= JOB_FETCHING);
		assert_true(in_state(JOB_FETCHING, d, 20) <= 4);
		if (i % 10 == 9)
			fleet_type(&w, x, TRACK_IMAGE_END);
	}
}

static void
a_refused_request_is_no_reason_to_count_anew(void **state)
{
	(void)state;
	(void)admit_slots(&w.app);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, ERR_POLICY), ERR_POLICY);
	assert_false(w.app.admit->doubt);
}

/* Whoever asks for what does not exist, while others download, must not have
 * all of them counted. */
static void
nor_is_it_when_a_neighbour_has_moved(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	const struct track_event end = {.type = TRACK_IMAGE_END};

	(void)state;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    "");
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	assert_int_equal(admit_slots(&w.app), 1);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_job_event(
	    w.app.engine, last_job(&w, &d).id, &end, NULL)), 0);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, ERR_POLICY), ERR_POLICY);
	assert_false(w.app.admit->doubt);
	assert_int_equal(admit_slots(&w.app), 0);
	turn(&w);
}

static void
a_session_is_measured_from_its_slot_on(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_TRIGGER,
	    "10.0.0.1");
	struct track_event blocks = {
		.type = TRACK_BLOCKS, .done = 1, .total = 1000,
	};

	(void)state;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    "announce=2h");
	pass(&w, 1000);
	answer(&w, "/suit/trigger", 204, "");
	assert_int_equal(last_job(&w, &d).state, JOB_NOTIFIED);
	assert_int_equal(admit_slots(&w.app), 0);
	pass(&w, 3600000); /* as announced */
	assert_int_equal(fleet_poll(&w, &d, false, &resp), 0);
	assert_int_equal(admit_slots(&w.app), 1);
	w.loop.now += 60000;
	fleet_event(&w, last_job(&w, &d).id, &blocks);
	fleet_type(&w, &d, TRACK_IMAGE_END);
	assert_int_equal(w.app.admit->mean, 60000);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define Q(f) cmocka_unit_test_setup_teardown(f, setup_sqlite, teardown)
#define P(f) cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, \
	(void *)"other")
	const struct CMUnitTest tests[] = {
		T(slots_are_those_of_the_store_whatever_happens),
		Q(slots_are_those_of_the_store_whatever_happens),
		P(slots_are_those_of_the_store_whatever_happens),
		T(never_more_than_downloads),
		Q(never_more_than_downloads),
		P(never_more_than_downloads),
		T(a_refused_request_is_no_reason_to_count_anew),
		T(nor_is_it_when_a_neighbour_has_moved),
		T(a_session_is_measured_from_its_slot_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
