#include "tests/device/world.h"

#define HOUR SUITDEV_HOUR_MS
#define DAY SUITDEV_DAY_MS

static struct world w;

static void
a_polling_device_updates_and_says_so(void **state)
{
	static const enum report_phase want[] = {PHASE_DOWNLOADING,
	    PHASE_DOWNLOADED, PHASE_INSTALLING, PHASE_SUCCEEDED};

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	assert_true(world_until(&w, 4, HOUR));
	world_assert_runs(&w);
	assert_int_equal(w.ram.slot, 1);
	assert_int_equal(w.blocks, 10);
	assert_int_equal(w.reports, 4);
	assert_memory_equal(w.phase, want, sizeof want);
	assert_true(w.last.have_sequence);
	assert_int_equal(w.last.sequence, 4);
	assert_non_null(strstr(w.first_rd, "ep=d1"));
	assert_non_null(strstr(w.first_rd, "seq=3"));
	/* once before and once after the restart, with the new sequence */
	assert_int_equal(w.registers, 2);
	world_fini(&w);
}

static void
MODE_CLIENT_a_plain_device_needs_no_registration_and_no_report(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	assert_true(world_until(&w, 4, HOUR));
	world_assert_runs(&w);
	assert_int_equal(w.registers, 0);
	assert_int_equal(w.reports, 0);
	world_fini(&w);
}

static void
what_is_up_to_date_is_asked_with_its_etag_and_left_alone(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.spec.sequence = 3;
	world_publish(&w, w.key);
	world_run(&w, 5 * HOUR);
	assert_true(w.gets >= 15 && w.gets <= 21); /* each 900 s and a bit */
	assert_int_equal(w.blocks, 0);
	assert_int_equal(w.dev.count.rejects, 0);
	assert_int_equal(w.rq.etag_len, 1);
	world_fini(&w);
}

static void
an_integrated_payload_needs_no_request(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.spec.component[0].payload[0].uri = "#fw";
	w.image_n = 700;
	world_publish(&w, w.key);
	assert_true(world_until(&w, 4, HOUR));
	world_assert_runs(&w);
	assert_int_equal(w.blocks, 0);
	world_fini(&w);
}

static void
the_payload_of_the_other_slot_is_chosen(void **state)
{
	struct manifest_spec_component *c = &w.spec.component[0];

	(void)state;
	world_init(&w, &suitdev_kind_plain);
	c->payload_count = 2;
	c->payload[0].have_slot = c->payload[1].have_slot = true;
	c->payload[0].slot = 1; /* free while slot 0 runs */
	c->payload[1] = c->payload[0];
	c->payload[1].slot = 0;
	c->payload[1].uri = "/i/wrong";
	world_publish(&w, w.key);
	assert_true(world_until(&w, 4, HOUR));
	world_assert_runs(&w);
	world_fini(&w);
}

/* --- policy --- */

static void
assert_refused(enum track_reason reason)
{
	world_run(&w, 20 * HOUR);
	assert_int_equal(w.blocks, 0);
	assert_int_equal(w.dev.nv.sequence, 3);
	assert_int_equal(w.dev.count.rejects, 1); /* the ring knows it */
	assert_int_equal(w.dev.fail, FAIL_POLICY);
	assert_int_equal(w.dev.refused, reason);
	assert_int_equal(w.reports, 1);
	assert_int_equal(w.phase[0], PHASE_FAILED);
	assert_int_equal(w.last.event.reason, reason);
	world_run(&w, 30 * HOUR); /* looked at again once a day */
	assert_in_range(w.dev.count.rejects, 2, 3);
	world_fini(&w);
}

static void
REQ_SEC_AUTHENTIC_a_strangers_signature_fetches_no_payload(void **state)
{
	struct cose_key *other;

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &other), 0);
	world_publish(&w, other);
	cose_key_free(other);
	assert_refused(REASON_SIGNATURE);
}

static void
REQ_SEC_SEQUENCE_an_older_sequence_is_refused(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.spec.sequence = 2;
	world_publish(&w, w.key);
	assert_refused(REASON_SEQUENCE);
}

static void
REQ_SEC_COMPATIBLE_another_class_is_refused(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.spec.class_id[0] ^= 1;
	world_publish(&w, w.key);
	assert_refused(REASON_CLASS);
}

static void
REQ_SEC_AUTH_COMPATIBILITY_another_vendor_is_refused(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.spec.vendor[15] ^= 1;
	world_publish(&w, w.key);
	assert_refused(REASON_CLASS);
}

static void
a_forgery_does_not_lock_the_good_manifest_out(void **state)
{
	static uint8_t good[16384];
	size_t n;

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	n = w.envelope_n;
	memcpy(good, w.envelope, n);
	w.envelope[30] ^= 1; /* same claims, broken proof */
	world_run(&w, HOUR);
	assert_int_equal(w.dev.count.rejects, 1);
	memcpy(w.envelope, good, n);
	w.etag = 2;
	assert_true(world_until(&w, 4, HOUR));
	world_fini(&w);
}

/* --- integrity --- */

static bool
flip_a_bit(struct world *x, struct suitdev_response *r)
{
	static uint8_t bytes[1024];

	if (strcmp(x->uri, "/i/x") != 0 || r->num != 5 || x->twists == 0)
		return true;
	x->twists--;
	memcpy(bytes, r->payload.p, r->payload.n);
	bytes[7] ^= 0x10;
	r->payload.p = bytes;
	return true;
}

static void
TUF_MIRROR_a_wrong_digest_is_class_i_and_tried_much_later(void **state)
{
	int64_t failed;

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.twist = flip_a_bit;
	w.twists = 1;
	while (w.blocks < 10)
		assert_true(world_turn(&w));
	failed = w.now;
	assert_int_equal(w.dev.fail, FAIL_INTEGRITY);
	assert_int_equal(w.dev.nv.fails[FAIL_INTEGRITY], 1);
	assert_int_equal(w.ram.slot, 0);
	while (w.blocks == 10)
		assert_true(world_turn(&w));
	assert_true(w.block_at - failed >= 300000);
	assert_int_equal(w.phase[1], PHASE_FAILED);
	assert_true(world_until(&w, 4, HOUR));
	world_assert_runs(&w);
	world_fini(&w);
}

static bool
more_and_more(struct world *x, struct suitdev_response *r)
{
	static uint8_t bytes[1024];

	if (strcmp(x->uri, "/i/x") == 0) {
		r->code = 205;
		r->num = x->rq.num;
		r->szx = x->rq.szx;
		r->more = true;
		r->payload = slice_of(bytes, (size_t)16 << r->szx);
	}
	return true;
}

static void
TUF_ENDLESS_a_server_that_sends_on_is_stopped_at_the_size(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.twist = more_and_more;
	world_run(&w, 5 * 60000);
	assert_int_equal(w.blocks, 10);
	assert_int_equal(w.dev.fail, FAIL_INTEGRITY);
	assert_true(w.ram.len[1][0] <= w.image_n);
	world_fini(&w);
}

static bool
new_etag_at_block_6(struct world *x, struct suitdev_response *r)
{
	if (strcmp(x->uri, "/i/x") == 0 && r->num >= 6 && x->twists > 0)
		x->etag = (uint8_t)(100 + --x->twists);
	if (strcmp(x->uri, "/i/x") == 0)
		r->etag[0] = x->etag;
	return true;
}

static void
TUF_MIXMATCH_a_changed_etag_begins_again_from_block_0(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.twist = new_etag_at_block_6;
	w.twists = 1;
	assert_true(world_until(&w, 4, HOUR));
	assert_int_equal(w.blocks, 7 + 10);
	assert_int_equal(w.dev.count.restarts, 1);
	world_assert_runs(&w);
	world_fini(&w);
}

static void
TUF_MIXMATCH_an_etag_that_keeps_changing_is_class_i(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.twist = new_etag_at_block_6;
	w.twists = 60;
	world_run(&w, 4 * 60000);
	assert_int_equal(w.dev.fail, FAIL_INTEGRITY);
	assert_int_equal(w.blocks, 4 * 7);
	world_fini(&w);
}

static bool
wrong_block(struct world *x, struct suitdev_response *r)
{
	if (strcmp(x->uri, "/i/x") == 0 && r->num == 3 && x->twists > 0) {
		x->twists--;
		r->num = 2;
	}
	return true;
}

static void
a_wrong_block_is_asked_for_again_three_times(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.twist = wrong_block;
	w.twists = 3;
	assert_true(world_until(&w, 4, HOUR));
	assert_int_equal(w.blocks, 13);
	assert_int_equal(w.dev.fail, FAIL_NONE);
	world_fini(&w);

	world_init(&w, &suitdev_kind_plain);
	w.twist = wrong_block;
	w.twists = 4;
	world_run(&w, 4 * 60000);
	assert_int_equal(w.dev.fail, FAIL_INTEGRITY);
	world_fini(&w);
}

static void
smaller_blocks_are_followed(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.szx_max = 2;
	assert_true(world_until(&w, 4, HOUR));
	world_assert_runs(&w);
	assert_int_equal(w.blocks, (10000 + 63) / 64);
	world_fini(&w);
}

/* --- steering and silence --- */

struct steer {
	unsigned code;
	bool have;
	uint32_t max_age;
	const char *path;
};
static struct steer steer;
static int64_t steered_at;

static bool
steered(struct world *x, struct suitdev_response *r)
{
	if (strncmp(x->uri, steer.path, strlen(steer.path)) != 0 ||
	    x->twists == 0)
		return true;
	x->twists--;
	*r = (struct suitdev_response){.code = steer.code,
	    .have_max_age = steer.have, .max_age = steer.max_age};
	steered_at = x->now;
	return true;
}

/* How long after the steering the next request of any kind comes. */
static int64_t
pause_after(struct steer how, bool authenticated)
{
	int64_t pause;
	unsigned requests;

	world_init(&w, &suitdev_kind_poll);
	w.cfg.authenticated = authenticated;
	world_boot(&w);
	steer = how;
	w.twist = steered;
	w.twists = 1;
	while (w.twists > 0)
		assert_true(world_turn(&w));
	requests = (unsigned)w.dev.count.requests;
	while (w.dev.count.requests == requests)
		assert_true(world_turn(&w));
	pause = w.now - steered_at;
	assert_true(world_until(&w, 4, 26 * HOUR));
	assert_int_equal(w.dev.nv.fails[FAIL_TRANSPORT], 0);
	world_fini(&w);
	return pause;
}

static void
TUF_FREEZE_steering_is_obeyed_and_clamped(void **state)
{
	static const struct {
		struct steer how;
		bool authenticated;
		int64_t min, max;
	} t[] = {
	    {{429, true, 120, "/m"}, false, 120000, 135000},
	    {{503, true, 120, "/m"}, false, 120000, 135000},
	    {{503, true, 120, "/i"}, false, 120000, 135000},
	    {{429, true, 120, "/rd"}, false, 120000, 135000},
	    {{429, false, 0, "/m"}, false, 60000, 67000},
	    {{429, true, 0, "/m"}, false, 1000, 2000},
	    {{503, true, UINT32_MAX, "/m"}, false, HOUR, HOUR + 31000},
	    {{503, true, UINT32_MAX, "/m"}, true, DAY, DAY + 31000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
		assert_in_range(pause_after(t[i].how, t[i].authenticated),
		    t[i].min, t[i].max);
}

static bool
age_forever(struct world *x, struct suitdev_response *r)
{
	(void)x;
	r->have_max_age = true;
	r->max_age = UINT32_MAX;
	return true;
}

static void
TUF_FREEZE_what_is_fresh_for_136_years_is_asked_for_hourly(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.envelope_n = 0;
	w.twist = age_forever;
	world_run(&w, 10 * HOUR);
	assert_in_range(w.gets, 9, 11);
	world_fini(&w);
}

static bool
silence(struct world *x, struct suitdev_response *r)
{
	(void)r;
	return x->twists == 0 || x->twists-- == 0;
}

static void
DOS_SILENCE_silence_backs_off_and_never_below_the_base(void **state)
{
	int64_t last = 0, gap;

	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.twist = silence;
	w.twists = 12;
	for (unsigned i = 1; i <= 12; i++) {
		while (w.lost < i)
			assert_true(world_turn(&w));
		gap = w.now - last;
		if (i > 1)
			assert_in_range(gap, 30000, HOUR + 1000);
		last = w.now;
	}
	assert_true(world_until(&w, 4, 2 * HOUR));
	world_fini(&w);
}

static bool
blocks_lost(struct world *x, struct suitdev_response *r)
{
	return strcmp(x->uri, "/i/x") != 0 || r->num != 9 || x->twists-- == 0;
}

static void
a_transfer_that_broke_goes_on_at_its_offset(void **state)
{
	int64_t broke;

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.twist = blocks_lost;
	w.twists = 1;
	while (w.lost == 0)
		assert_true(world_turn(&w));
	broke = w.now;
	assert_int_equal(w.dev.nv.fails[FAIL_TRANSPORT], 1);
	while (w.blocks == 10)
		assert_true(world_turn(&w));
	assert_true(w.block_at - broke >= 30000);
	assert_int_equal(w.last_num, 9);
	assert_true(world_until(&w, 4, HOUR));
	assert_int_equal(w.blocks, 11);
	assert_int_equal(w.last.attempt, 2);
	world_assert_runs(&w);
	world_fini(&w);
}

static bool
bad_image(struct world *x, struct suitdev_response *r)
{
	x->twists = 1;
	return flip_a_bit(x, r);
}

static void
the_budget_of_bytes_ends_in_one_attempt_a_day(void **state)
{
	unsigned before;

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.twist = bad_image;
	world_run(&w, 3 * DAY);
	before = w.blocks;
	assert_true(w.dev.nv.spent > 4 * w.image_n);
	world_run(&w, 4 * DAY);
	assert_in_range(w.blocks - before, 3 * 10, 4 * 10);
	world_fini(&w);
}

static void
a_better_release_ends_the_waiting_a_forged_one_does_not(void **state)
{
	struct cose_key *other;
	unsigned blocks;

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.twist = bad_image;
	world_run(&w, 3 * DAY);
	assert_true(w.dev.nv.fails[FAIL_INTEGRITY] > 3);
	blocks = w.blocks;
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &other), 0);
	w.spec.sequence = 5;
	w.etag = 2;
	world_publish(&w, other);
	cose_key_free(other);
	world_run(&w, HOUR);
	assert_int_equal(w.blocks, blocks);
	assert_true(w.dev.nv.fails[FAIL_INTEGRITY] > 3);
	w.etag = 3;
	w.twist = NULL;
	world_publish(&w, w.key);
	assert_true(world_until(&w, 5, HOUR));
	world_fini(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_polling_device_updates_and_says_so),
	    cmocka_unit_test(
		MODE_CLIENT_a_plain_device_needs_no_registration_and_no_report),
	    cmocka_unit_test(
		what_is_up_to_date_is_asked_with_its_etag_and_left_alone),
	    cmocka_unit_test(an_integrated_payload_needs_no_request),
	    cmocka_unit_test(the_payload_of_the_other_slot_is_chosen),
	    cmocka_unit_test(
		REQ_SEC_AUTHENTIC_a_strangers_signature_fetches_no_payload),
	    cmocka_unit_test(REQ_SEC_SEQUENCE_an_older_sequence_is_refused),
	    cmocka_unit_test(REQ_SEC_COMPATIBLE_another_class_is_refused),
	    cmocka_unit_test(
		REQ_SEC_AUTH_COMPATIBILITY_another_vendor_is_refused),
	    cmocka_unit_test(a_forgery_does_not_lock_the_good_manifest_out),
	    cmocka_unit_test(
		TUF_MIRROR_a_wrong_digest_is_class_i_and_tried_much_later),
	    cmocka_unit_test(
		TUF_ENDLESS_a_server_that_sends_on_is_stopped_at_the_size),
	    cmocka_unit_test(
		TUF_MIXMATCH_a_changed_etag_begins_again_from_block_0),
	    cmocka_unit_test(
		TUF_MIXMATCH_an_etag_that_keeps_changing_is_class_i),
	    cmocka_unit_test(a_wrong_block_is_asked_for_again_three_times),
	    cmocka_unit_test(smaller_blocks_are_followed),
	    cmocka_unit_test(TUF_FREEZE_steering_is_obeyed_and_clamped),
	    cmocka_unit_test(
		TUF_FREEZE_what_is_fresh_for_136_years_is_asked_for_hourly),
	    cmocka_unit_test(
		DOS_SILENCE_silence_backs_off_and_never_below_the_base),
	    cmocka_unit_test(a_transfer_that_broke_goes_on_at_its_offset),
	    cmocka_unit_test(the_budget_of_bytes_ends_in_one_attempt_a_day),
	    cmocka_unit_test(
		a_better_release_ends_the_waiting_a_forged_one_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
