/*
 * Admission: slots are counted exactly whatever happens, groups, rates and
 * budgets hold and no more, bookings are places in a queue.
 */
#include "tests/daemon/fleet.h"

static struct world w;
static struct resp resp;

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

/* --- slots --- */

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

/* --- groups --- */

static void
prefixes(void **state)
{
	static const struct {
		const char *addr, *group; /* NULL: none */
	} rows[] = {
		{"192.0.2.77", "192.0.2.0/24"},
		{"192.0.3.77", "192.0.3.0/24"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
		{"::ffff:192.0.2.7", "192.0.2.0/24"},
		{"::ffff:127.0.0.1", NULL},
		{"127.0.0.1", NULL},
		{"127.9.9.9", NULL},
		{"::1", NULL},
		{"", NULL},
		{"fw.example", NULL},
	};
	char got[LIMIT_ADDRESS];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool ok = slot_prefix(rows[i].addr, got, sizeof(got));

		assert_int_equal(ok, rows[i].group != NULL);
		if (ok)
			assert_string_equal(got, rows[i].group);
	}
}

static void
a_group_by_tag_needs_its_tag(void **state)
{
	struct store_device d = {.tag_count = 1};

	(void)state;
	strcpy(d.addr, "10.0.0.1");
	strcpy(d.tag[0].name, "site");
	strcpy(d.tag[0].value, "north");
	strcpy(w.app.conf.group_tag, "site");
	assert_string_equal(slot_group(&w.app, &d)->name, "site=north");
	d.tag_count = 0;
	assert_null(slot_group(&w.app, &d));
}

/* A group with downloads is never given away; when all of its places are
 * taken a new one has none, and is not held. */
static void
a_full_table_forgets_idle_groups_only(void **state)
{
	struct store_device d = {0};
	struct group *g;
	unsigned none = 0;

	(void)state;
	for (unsigned i = 0; i < 70000; i++) {
		snprintf(d.addr, sizeof(d.addr), "10.%u.%u.1", i / 256 % 256,
		    i % 256);
		if (i >= 65536)
			snprintf(d.addr, sizeof(d.addr), "11.1.%u.1",
			    i % 256);
		g = slot_group(&w.app, &d);
		if (g == NULL)
			none++;
		else if (i < 4096)
			g->slots = 1;
	}
	for (unsigned i = 0, busy = 0; i < ADMIT_GROUPS; i++) {
		busy += w.app.admit->group[i].slots;
		if (i == ADMIT_GROUPS - 1)
			assert_true(busy + none >= 4096);
	}
	for (unsigned i = 0; i < ADMIT_GROUPS; i++)
		w.app.admit->group[i].slots = 1;
	strcpy(d.addr, "12.0.0.1");
	assert_null(slot_group(&w.app, &d));
}

/* The network that it asks from is the one that will be loaded, also when
 * it is not in its record yet. */
static void
the_group_is_that_of_the_request(void **state)
{
	struct store_device a = fleet_add(&w, "a", DRIVER_NONE, "");
	struct store_device b = fleet_add(&w, "b", DRIVER_NONE, "");

	(void)state;
	w.app.conf.downloads_group = 1;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10), "");
	strcpy(a.addr, "10.0.0.1");
	strcpy(b.addr, "10.0.0.2");
	assert_int_equal(fleet_poll(&w, &a, true, &resp), 0);
	assert_int_equal(fleet_poll(&w, &b, true, &resp), ERR_LIMIT);
	strcpy(b.addr, "10.0.1.2");
	assert_int_equal(fleet_poll(&w, &b, true, &resp), 0);
}

/* --- rates --- */

/* Starts of n polling devices in `seconds`, each tried every second. */
static unsigned
starts(struct store_device *d, size_t n, int seconds)
{
	unsigned k = 0;

	for (int s = 0; s < seconds; s++) {
		for (size_t i = 0; i < n; i++)
			k += last_job(&w, &d[i]).state == JOB_QUEUED &&
			    fleet_poll(&w, &d[i], true, &resp) == 0;
		pass(&w, 1000);
	}
	return k;
}

static void
fleet(struct store_device *d, size_t n, bool apart)
{
	char ep[16], addr[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(ep, sizeof(ep), "dev%u", i);
		snprintf(addr, sizeof(addr), "10.0.%u.%u", apart ? i : 0, i);
		d[i] = fleet_add(&w, ep, DRIVER_NONE, addr);
	}
}

static void
bytes_are_spread_over_time(void **state)
{
	struct store_device d[8];

	(void)state;
	fleet(d, 8, true);
	w.app.conf.bytes_per_second = 100; /* an image takes 10 s */
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    "");
	/* at 0, 9, 18 .. (a second of burst) */
	assert_in_range(starts(d, 8, 30), 3, 4);
}

static void
bytes_are_spread_in_each_group(void **state)
{
	struct store_device d[8];

	(void)state;
	fleet(d, 4, false);
	w.app.conf.bytes_group = 100;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    "");
	assert_int_equal(starts(d, 4, 9), 1);
	assert_int_equal(starts(d, 4, 9), 1);
}

/* A small image must not pass for a clock that was set back. */
static void
a_small_image_waits_for_a_large_one(void **state)
{
	struct store_device a, b = {.have_class = true, .have_seq = true};
	uint8_t other[16];
	struct made m = {
		.seq = 2, .uri = "coap://fw.example/small", .size = 10,
		.class_id = other,
	};
	static struct publish_result r;

	(void)state;
	memset(other, 0xd2, 16);
	w.app.conf.bytes_per_second = 10;
	a = fleet_add(&w, "large", DRIVER_NONE, "10.0.0.1");
	strcpy(b.ep, "small");
	strcpy(b.addr, "10.0.0.2");
	memcpy(b.class_id, other, 16);
	fleet_save(&w, &b);
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10000),
	    "");
	m.digest = upload(&w, 10, 9);
	assert_int_equal(publish(&w, &m, &r), 0);
	(void)campaign_for(&w, r.release.id, "");
	assert_int_equal(fleet_poll(&w, &a, true, &resp), 0); /* 1000 s */
	assert_int_equal(fleet_poll(&w, &b, true, &resp), ERR_LIMIT);
	pass(&w, 900000);
	assert_int_equal(fleet_poll(&w, &b, true, &resp), ERR_LIMIT);
	pass(&w, 100000);
	assert_int_equal(fleet_poll(&w, &b, true, &resp), 0);
}

static void
retries_have_a_budget(void **state)
{
	struct store_device d[6];
	unsigned group = *state != NULL;

	fleet(d, 6, false);
	w.app.conf.retries = group ? 0 : 6; /* one in 10 s */
	w.app.conf.retries_group = group ? 6 : 0;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10),
	    "unreachable=100%");
	assert_int_equal(starts(d, 6, 1), 6); /* first tries are free */
	for (size_t i = 0; i < 6; i++)
		fleet_failed(&w, &d[i], FAIL_TRANSPORT, REASON_DOWNLOAD);
	assert_in_range(starts(d, 6, 20), 2, 3);
	assert_in_range(starts(d, 6, 20), 2, 3);
}

static void
starts_keep_to_the_campaigns_rate(void **state)
{
	struct store_device d[10];

	(void)state;
	fleet(d, 10, true);
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10),
	    "rate=6");
	assert_in_range(starts(d, 10, 30), 3, 4);
}

/* --- bookings --- */

static uint32_t
told(const struct store_device *d, bool l1)
{
	assert_int_equal(fleet_poll(&w, d, l1, &resp), ERR_LIMIT);
	return resp.max_age;
}

static void
places_are_a_slot_time_apart(void **state)
{
	struct store_device d[6];
	uint32_t last = 0, s;

	(void)state;
	fleet(d, 6, true);
	w.app.conf.downloads = 1;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10), "");
	assert_int_equal(fleet_poll(&w, &d[0], true, &resp), 0);
	for (size_t i = 1; i < 6; i++) {
		s = told(&d[i], true);
		assert_in_range(s, last + 56, last + 58); /* 0.95 x 60 s */
		last = s;
	}
	/* early: the same time, not another place */
	w.loop.now += 10000;
	assert_in_range(told(&d[1], true), 46, 48);
	assert_in_range(told(&d[1], true), 46, 48);
	w.loop.now += 200000;
	assert_in_range(told(&d[5], true), 74, 76);
	/* on time: in, or a new place */
	assert_in_range(told(&d[1], true), 1, 400);
	fleet_type(&w, &d[0], TRACK_IMAGE_END);
	assert_int_equal(fleet_poll(&w, &d[2], true, &resp), 0);
}

static void
nobody_is_sent_away_for_longer_than_it_believes(void **state)
{
	struct store_device d[2];

	(void)state;
	fleet(d, 2, true);
	w.app.conf.downloads = 1;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10), "");
	assert_int_equal(fleet_poll(&w, &d[0], true, &resp), 0);
	w.app.admit->book.next = w.loop.now + 6 * 3600000;
	assert_in_range(told(&d[1], true), 3 * 3600, 6 * 3600);
	memset(w.app.admit->booking, 0, ADMIT_BOOKINGS *
	    sizeof(struct booking));
	assert_in_range(told(&d[1], false), 1800, 3600);
}

static void
not_its_turn_costs_one_place_only(void **state)
{
	struct store_device d[3];
	uint32_t s;

	(void)state;
	fleet(d, 3, true);
	w.app.conf.downloads = 1;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10),
	    "start=2000"); /* it is 1000 s past 1970 */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(fleet_poll(&w, &d[0], true, &resp),
		    ERR_NOT_FOUND);
		s = resp.max_age;
		assert_in_range(s, 1000 + 56, 1000 + 58);
	}
	assert_int_equal(fleet_poll(&w, &d[1], true, &resp), ERR_NOT_FOUND);
	assert_in_range(resp.max_age, s + 56, s + 58);
}

/* Those who wait for tomorrow do not stand before those who wait for the
 * next slot. */
static void
a_campaign_that_begins_later_delays_no_other(void **state)
{
	struct store_device a, b = {.have_class = true, .have_seq = true}, c;
	uint8_t other[16];
	struct made m = {
		.seq = 2, .uri = "coap://fw.example/x", .size = 10,
		.class_id = other,
	};
	static struct publish_result r;

	(void)state;
	memset(other, 0xd2, 16);
	w.app.conf.downloads = 1;
	a = fleet_add(&w, "a", DRIVER_NONE, "10.0.0.1");
	c = fleet_add(&w, "c", DRIVER_NONE, "10.0.3.1");
	strcpy(b.ep, "b");
	strcpy(b.addr, "10.0.0.2");
	memcpy(b.class_id, other, 16);
	fleet_save(&w, &b);
	m.digest = upload(&w, 10, 9);
	assert_int_equal(publish(&w, &m, &r), 0);
	(void)campaign_for(&w, r.release.id, "start=15000");
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10),
	    "");
	assert_int_equal(fleet_poll(&w, &a, true, &resp), 0);
	assert_int_equal(fleet_poll(&w, &b, true, &resp), ERR_NOT_FOUND);
	assert_true(resp.max_age > 10000);
	assert_in_range(told(&c, true), 56, 58);
}

/* Places of one set of the table: none drives out another that still
 * counts, as long as there is one that is over. */
static void
bookings_do_not_drive_each_other_out(void **state)
{
	static struct store_device d;
	const struct admission held = {.hold = HOLD_SERVER};
	struct admit_turn t = {NULL, &d, GRADE_L1, &held};
	uint64_t id[ADMIT_WAYS];
	uint32_t s[ADMIT_WAYS];
	size_t n = 0, set = SIZE_MAX;

	(void)state;
	w.app.conf.downloads = 1; /* places are a minute apart */
	for (uint64_t i = 1; n < ADMIT_WAYS; i++) {
		size_t k = (i * 0x9e3779b97f4a7c15u >> 48) / ADMIT_WAYS;

		if (set == SIZE_MAX)
			set = k;
		if (k == set)
			id[n++] = i;
	}
	for (size_t i = 0; i < n; i++) {
		d.id = id[i];
		s[i] = admit_book(&w.app, &t);
	}
	for (size_t i = 0; i < n; i++) {
		d.id = id[i];
		assert_int_equal(admit_book(&w.app, &t), s[i]);
	}
}

static void
a_clock_set_back_holds_nobody_for_long(void **state)
{
	struct store_device d[4];

	(void)state;
	fleet(d, 4, true);
	w.loop.now += INT64_C(1000) * 86400 * 365;
	w.app.conf.downloads = 1;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10),
	    "rate=60");
	assert_int_equal(fleet_poll(&w, &d[0], true, &resp), 0);
	(void)told(&d[1], true);
	w.loop.now -= INT64_C(1000) * 86400 * 300;
	assert_in_range(told(&d[1], true), 1, 3600);
	assert_in_range(told(&d[2], true), 1, 3600);
	/* and forwards */
	w.loop.now += INT64_C(1000) * 86400 * 600;
	assert_in_range(told(&d[1], true), 1, 3600);
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
		T(prefixes),
		T(a_group_by_tag_needs_its_tag),
		T(a_full_table_forgets_idle_groups_only),
		T(the_group_is_that_of_the_request),
		T(bytes_are_spread_over_time),
		T(bytes_are_spread_in_each_group),
		T(a_small_image_waits_for_a_large_one),
		T(retries_have_a_budget),
		P(retries_have_a_budget),
		T(starts_keep_to_the_campaigns_rate),
		T(places_are_a_slot_time_apart),
		T(nobody_is_sent_away_for_longer_than_it_believes),
		T(not_its_turn_costs_one_place_only),
		T(a_campaign_that_begins_later_delays_no_other),
		T(bookings_do_not_drive_each_other_out),
		T(a_clock_set_back_holds_nobody_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
