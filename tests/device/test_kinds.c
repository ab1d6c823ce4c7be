/*
 * What the kinds of devices do differently: observing, being triggered, and
 * RIOT's way of doing neither more nor less than it must.
 */
#include "tests/device/world.h"

static struct world w;
static struct suitdev_response note;

static void
an_observer_hears_of_a_release_and_fetches_it(void **state)
{
	int64_t told;

	(void)state;
	world_init(&w, &suitdev_kind_observe);
	w.spec.sequence = 3;
	world_publish(&w, w.key);
	while (!w.dev.observing)
		assert_true(world_turn(&w));
	world_run(&w, 1000);
	assert_int_equal(w.gets, 1);

	w.spec.sequence = 4;
	w.etag = 2;
	world_publish(&w, w.key);
	note = (struct suitdev_response){.code = 205, .observe = true,
	    .etag_len = 1, .etag = {2}};
	told = w.now;
	suitdev_notified(&w.dev, w.now, &note);
	assert_true(world_until(&w, 4, 120000));
	world_assert_runs(&w);
	assert_true(w.block_at - told < 1000);
	world_fini(&w);
}

static void
a_notification_of_what_is_known_costs_nothing(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_observe);
	w.spec.sequence = 3;
	world_publish(&w, w.key);
	while (!w.dev.observing)
		assert_true(world_turn(&w));
	note = (struct suitdev_response){.code = 205, .observe = true,
	    .etag_len = 1, .etag = {1}};
	suitdev_notified(&w.dev, w.now, &note);
	world_run(&w, 60000);
	assert_int_equal(w.gets, 1);
	world_fini(&w);
}

static void
an_observation_is_renewed_when_it_went_stale(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_observe);
	w.spec.sequence = 3;
	world_publish(&w, w.key);
	world_run(&w, 2 * SUITDEV_HOUR_MS);
	assert_in_range(w.gets, 7, 9);
	assert_true(w.rq.observe);
	world_fini(&w);
}

static void
MODE_HYBRID_an_observation_that_ends_becomes_polling(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_observe);
	while (!w.dev.observing)
		assert_true(world_turn(&w));
	note = (struct suitdev_response){.code = 404};
	suitdev_notified(&w.dev, w.now, &note);
	assert_false(w.dev.observing);
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	world_fini(&w);
}

static void
a_newer_release_takes_over_in_the_middle(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_observe);
	while (w.blocks < 5)
		assert_true(world_turn(&w));
	w.spec.sequence = 9;
	w.etag = 2;
	world_publish(&w, w.key);
	note = (struct suitdev_response){.code = 205, .observe = true,
	    .etag_len = 1, .etag = {2}};
	suitdev_notified(&w.dev, w.now, &note);
	assert_true(world_until(&w, 9, SUITDEV_HOUR_MS));
	world_assert_runs(&w);
	assert_int_equal(w.blocks, 5 + 10);
	world_fini(&w);
}

static void
a_trigger_starts_an_update_and_nothing_else_does(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_trigger);
	world_run(&w, 12 * SUITDEV_HOUR_MS);
	assert_int_equal(w.gets, 0);
	assert_int_equal(w.registers, 1);
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_str("coap://s/m/lamp")), 0);
	assert_true(world_until(&w, 4, 120000));
	world_assert_runs(&w);
	assert_int_equal(w.phase[w.reports - 1], PHASE_SUCCEEDED);
	world_fini(&w);
}

static void
a_trigger_for_what_runs_is_answered_with_a_report(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_trigger);
	w.spec.sequence = 3;
	world_publish(&w, w.key);
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_str("coap://s/m/lamp")), 0);
	world_run(&w, 120000);
	assert_int_equal(w.reports, 1);
	assert_int_equal(w.phase[0], PHASE_SUCCEEDED);
	assert_int_equal(w.last.sequence, 3);
	world_fini(&w);
}

static void
MODE_SERVER_every_trigger_is_answered_with_a_report(void **state)
{
	struct cose_key *other;

	(void)state;
	world_init(&w, &suitdev_kind_trigger);
	w.spec.sequence = 3;
	world_publish(&w, w.key);
	for (unsigned i = 1; i <= 3; i++) { /* up to date */
		assert_int_equal(suitdev_trigger(&w.dev, w.now,
		    slice_str("coap://s/m/lamp")), 0);
		for (unsigned turns = 0; w.reports < i; turns++)
			assert_true(turns < 20 && world_turn(&w));
		assert_int_equal(w.phase[i - 1], PHASE_SUCCEEDED);
	}
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &other), 0);
	w.spec.sequence = 4;
	w.etag = 2;
	world_publish(&w, other);
	cose_key_free(other);
	for (unsigned i = 4; i <= 6; i++) { /* refused, looked at once */
		assert_int_equal(suitdev_trigger(&w.dev, w.now,
		    slice_str("coap://s/m/lamp")), 0);
		for (unsigned turns = 0; w.reports < i; turns++)
			assert_true(turns < 20 && world_turn(&w));
		assert_int_equal(w.phase[i - 1], PHASE_FAILED);
		assert_int_equal(w.last.event.reason, REASON_SIGNATURE);
	}
	assert_int_equal(w.dev.count.rejects, 1);
	assert_int_equal(w.blocks, 0);
	world_fini(&w);
}

/* The envelope by Block1 in pieces of 64, from `num` on; the last verdict. */
static int
push(struct world *x, uint32_t num)
{
	int rc = 1;

	for (; rc == 1; num++) {
		struct block b = {.num = num, .szx = 2,
		    .more = (num + 1) * 64 < x->envelope_n};

		rc = suitdev_pushed(&x->dev, x->now, &b, slice_sub(
		    slice_of(x->envelope, x->envelope_n), num * 64, 64));
		assert_true(rc != 1 || b.more);
	}
	return rc;
}

static void
a_pushed_manifest_is_as_good_as_one_asked_for(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_manifest);
	world_run(&w, 120000);
	assert_int_equal(push(&w, 0), 0);
	assert_true(world_until(&w, 4, 120000));
	world_assert_runs(&w);
	assert_int_equal(w.gets, 0);
	world_fini(&w);

	world_init(&w, &suitdev_kind_manifest);
	world_run(&w, 120000);
	assert_int_equal(suitdev_pushed(&w.dev, w.now, NULL,
	    slice_of(w.envelope, w.envelope_n)), 0);
	assert_true(world_until(&w, 4, 120000));
	world_fini(&w);
}

static void
MODE_SERVER_a_push_out_of_order_or_at_work_is_refused(void **state)
{
	static uint8_t big[16384 + 1];

	(void)state;
	world_init(&w, &suitdev_kind_manifest);
	world_run(&w, 120000);
	assert_int_equal(push(&w, 1), ERR_INCOMPLETE);
	assert_int_equal(suitdev_pushed(&w.dev, w.now, NULL,
	    slice_of(big, sizeof big)), ERR_SIZE);
	assert_int_equal(suitdev_pushed(&w.dev, w.now, NULL,
	    slice_of(big, sizeof big - 1)), 0); /* read, and refused */
	assert_int_equal(w.dev.refused, REASON_PARSE);
	assert_int_equal(push(&w, 0), 0);
	(void)suitdev_tick(&w.dev, w.now); /* reports */
	world_serve(&w);
	while (w.dev.phase != SUITDEV_FETCH)
		(w.out ? world_serve(&w) : (void)suitdev_tick(&w.dev, w.now));
	assert_int_equal(push(&w, 0), ERR_BUSY);
	assert_true(world_until(&w, 4, 120000));
	world_fini(&w);

	world_init(&w, &suitdev_kind_poll);
	assert_int_equal(push(&w, 0), ERR_STATE);
	world_fini(&w);
}

/* --- RIOT --- */

#define URL "coap://s/m/lamp"

static void
riot(struct world *x)
{
	world_init(x, &suitdev_kind_riot);
	x->spec.dialect = MANIFEST_RIOT09;
	x->spec.component[0].payload[0].uri = "coap://s/i/x";
	x->szx_max = 6;
	world_publish(x, x->key);
}

static void
riot_triggers(void **state)
{
	char url[130];

	(void)state;
	riot(&w);
	assert_int_equal(suitdev_trigger(&w.dev, 0, SLICE_NONE),
	    ERR_INCOMPLETE);
	assert_int_equal(suitdev_trigger(&w.dev, 0, slice_of("", 1)),
	    ERR_INCOMPLETE);
	memset(url, 'a', sizeof url);
	assert_int_equal(suitdev_trigger(&w.dev, 0, slice_of(url, 128)),
	    ERR_SIZE);
	assert_string_equal(w.dev.trigger, "");
	assert_int_equal(suitdev_trigger(&w.dev, 0, slice_of(url, 127)), 0);
	world_fini(&w);
}

static void
riot_reports_nothing_and_asks_in_64_byte_blocks(void **state)
{
	(void)state;
	riot(&w);
	world_run(&w, 26 * SUITDEV_HOUR_MS);
	assert_int_equal(w.dev.count.requests, 0);
	/* with the NUL that RIOT needs */
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_of(URL, sizeof URL)), 0);
	assert_false(world_turn(&w) && !w.rq.have_block);
	assert_int_equal(w.rq.szx, 2);
	assert_int_equal(w.rq.etag_len, 0);
	assert_true(w.rq.fresh);
	assert_true(world_until(&w, 4, 60000));
	world_assert_runs(&w);
	assert_int_equal(w.blocks, (10000 + 63) / 64);
	assert_int_equal(w.registers + w.reports, 0);
	assert_int_equal(w.ram.slot, 1); /* what a server can see */
	world_fini(&w);
}

static bool
one_lost(struct world *x, struct suitdev_response *r)
{
	return strcmp(x->uri, "coap://s/i/x") != 0 || r->num != 50 ||
	    x->twists-- == 0;
}

static void
riot_is_idle_after_any_error_and_starts_over(void **state)
{
	(void)state;
	riot(&w);
	w.twist = one_lost;
	w.twists = 1;
	assert_int_equal(suitdev_trigger(&w.dev, w.now, slice_str(URL)), 0);
	world_run(&w, 30 * SUITDEV_HOUR_MS);
	assert_int_equal(w.lost, 1);
	assert_int_equal(w.blocks, 51);
	assert_int_equal(w.dev.nv.sequence, 3);
	w.blocks = 0;
	assert_int_equal(suitdev_trigger(&w.dev, w.now, slice_str(URL)), 0);
	assert_true(world_until(&w, 4, 60000));
	assert_int_equal(w.first_num, 0);
	assert_int_equal(w.blocks, (10000 + 63) / 64);
	assert_int_equal(w.dev.nv.attempt, 2);
	world_fini(&w);
}

static bool
busy(struct world *x, struct suitdev_response *r)
{
	if (x->twists == 0)
		return true;
	x->twists--;
	*r = (struct suitdev_response){.code = 503, .have_max_age = true,
	    .max_age = 5};
	return true;
}

static void
riot_takes_5_03_for_the_end(void **state)
{
	(void)state;
	riot(&w);
	w.twist = busy;
	w.twists = 1;
	assert_int_equal(suitdev_trigger(&w.dev, w.now, slice_str(URL)), 0);
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.gets, 1);
	assert_int_equal(w.dev.nv.sequence, 3);
	world_fini(&w);
}

static void
REQ_SEC_SEQUENCE_riot_wants_a_strictly_greater_sequence(void **state)
{
	(void)state;
	riot(&w);
	w.spec.sequence = 3;
	world_publish(&w, w.key);
	for (int i = 0; i < 2; i++) { /* no ring: it looks again */
		assert_int_equal(suitdev_trigger(&w.dev, w.now,
		    slice_str(URL)), 0);
		world_run(&w, 60000);
	}
	assert_int_equal(w.dev.count.rejects, 2);
	assert_int_equal(w.dev.refused, REASON_SEQUENCE);
	assert_int_equal(w.blocks, 0);
	world_fini(&w);
}

static void
riot_ignores_a_trigger_while_it_works_and_still_says_yes(void **state)
{
	(void)state;
	riot(&w);
	assert_int_equal(suitdev_trigger(&w.dev, w.now, slice_str(URL)), 0);
	while (w.blocks < 20)
		assert_true(world_turn(&w));
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_str("coap://elsewhere/m")), 0);
	assert_string_equal(w.dev.trigger, "");
	assert_true(world_until(&w, 4, 60000));
	world_fini(&w);
}

static void
riot_does_not_read_a_manifest_over_640_bytes(void **state)
{
	static char text[700];

	(void)state;
	riot(&w);
	w.spec.dialect = MANIFEST_CURRENT;
	memset(text, 'x', sizeof text - 1);
	w.spec.text_description = text;
	world_publish(&w, w.key);
	assert_true(w.envelope_n > 640);
	assert_int_equal(suitdev_trigger(&w.dev, w.now, slice_str(URL)), 0);
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.blocks, 0);
	assert_int_equal(w.dev.why.err, ERR_SIZE);
	assert_int_equal(w.dev.refused, REASON_PARSE);
	world_fini(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_observer_hears_of_a_release_and_fetches_it),
	    cmocka_unit_test(a_notification_of_what_is_known_costs_nothing),
	    cmocka_unit_test(an_observation_is_renewed_when_it_went_stale),
	    cmocka_unit_test(
		MODE_HYBRID_an_observation_that_ends_becomes_polling),
	    cmocka_unit_test(a_newer_release_takes_over_in_the_middle),
	    cmocka_unit_test(a_trigger_starts_an_update_and_nothing_else_does),
	    cmocka_unit_test(a_trigger_for_what_runs_is_answered_with_a_report),
	    cmocka_unit_test(
		MODE_SERVER_every_trigger_is_answered_with_a_report),
	    cmocka_unit_test(a_pushed_manifest_is_as_good_as_one_asked_for),
	    cmocka_unit_test(
		MODE_SERVER_a_push_out_of_order_or_at_work_is_refused),
	    cmocka_unit_test(riot_triggers),
	    cmocka_unit_test(riot_reports_nothing_and_asks_in_64_byte_blocks),
	    cmocka_unit_test(riot_is_idle_after_any_error_and_starts_over),
	    cmocka_unit_test(riot_takes_5_03_for_the_end),
	    cmocka_unit_test(
		REQ_SEC_SEQUENCE_riot_wants_a_strictly_greater_sequence),
	    cmocka_unit_test(
		riot_ignores_a_trigger_while_it_works_and_still_says_yes),
	    cmocka_unit_test(riot_does_not_read_a_manifest_over_640_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
