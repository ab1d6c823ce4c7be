/* Boot reports of a device: one for each start, never the same twice. */
#include "lib/cbor.h"
#include "tests/device/world.h"

static struct world w;
static struct digest first; /* of the manifest that is published */

static int
setup(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	world_attest(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_fini(&w);
	return 0;
}

/* The digest by which the server knows the published manifest. */
static void
remember_manifest(void)
{
	struct manifest m;

	assert_int_equal(manifest_parse(slice_of(w.envelope, w.envelope_n),
	    &m, NULL), 0);
	first = m.digest;
	assert_int_equal(first.alg, DIGEST_SHA256);
}

static void
each_start_is_reported_once(void **state)
{
	(void)state;
	w.envelope_n = 0;
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.boots, 1);
	assert_int_equal(w.boot[0].boot_ctr, 1);
	assert_int_equal(w.boot[0].result, BOOT_OK);
	assert_int_equal(w.boot[0].sequence, 3);
	assert_false(w.boot[0].have_manifest); /* left the factory with it */
	for (unsigned i = 1; i < 5; i++) {
		world_boot(&w);
		world_run(&w, SUITDEV_HOUR_MS);
		assert_int_equal(w.boots, i + 1);
		assert_int_equal(w.boot[i].boot_ctr, i + 1);
		assert_memory_equal(w.boot[i].epoch, w.boot[0].epoch, 8);
	}
	assert_int_equal(w.replays, 0);
}

static void
what_was_started_is_named_by_its_manifest(void **state)
{
	const struct bootreport *b;

	(void)state;
	remember_manifest();
	assert_true(world_until(&w, 4, SUITDEV_DAY_MS));
	world_run(&w, SUITDEV_HOUR_MS);
	b = &w.boot[w.boots - 1];
	assert_int_equal(b->result, BOOT_OK);
	assert_int_equal(b->sequence, 4);
	assert_true(b->have_manifest);
	assert_memory_equal(b->manifest, first.b, 32);
}

static void
a_rollback_names_what_did_not_run_until_somebody_took_it(void **state)
{
	const struct bootreport *b;

	(void)state;
	remember_manifest();
	w.ram.bad_boots = 1;
	w.boot_code = 403; /* nobody takes reports at first */
	for (int i = 0; i < 400 && w.dev.nv.failed == BOOT_OK; i++)
		world_run(&w, 60000);
	assert_int_equal(w.dev.nv.failed, BOOT_ROLLBACK);
	world_boot(&w); /* it is remembered */
	w.boot_code = 0;
	w.boots = 0;
	world_run(&w, 2 * SUITDEV_HOUR_MS);
	assert_true(w.boots >= 1);
	b = &w.boot[0];
	assert_int_equal(b->result, BOOT_ROLLBACK);
	assert_int_equal(b->sequence, 3);
	assert_memory_equal(b->tried, first.b, 32);
	assert_false(b->have_manifest);
	assert_int_equal(w.dev.nv.failed, BOOT_OK);
	w.envelope_n = 0;
	world_boot(&w);
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.boot[w.boots - 1].result, BOOT_OK);
}

static bool
lose_some(struct world *x, struct suitdev_response *r)
{
	(void)r;
	return x->twists++ % 3 == 0;
}

/* Lost answers, lost power, writes that fail: no number is signed twice. */
static void
REQ_SEC_REPORTING_no_number_is_signed_twice(void **state)
{
	uint64_t rnd = 815;

	(void)state;
	w.twist = lose_some;
	for (int i = 0; i < 300; i++) {
		w.boots = 0;
		if (backoff_rand(&rnd) % 4 == 0)
			w.ram.fail_in = 1 + (unsigned)(backoff_rand(&rnd) % 4);
		if (backoff_rand(&rnd) % 3 == 0)
			w.spec.sequence++, world_publish(&w, w.key);
		world_run(&w, (int64_t)(backoff_rand(&rnd) % 600000));
		w.reports = 0;
		world_boot(&w);
	}
	assert_int_equal(w.replays, 0);
	assert_true(w.mark.boot_ctr > 200);
}

/* No application runs: its report has neither manifest nor sequence. */
static void
recovery_names_the_target_at_every_start(void **state)
{
	(void)state;
	remember_manifest();
	w.ram.single_slot = true;
	w.ram.bad_boots = STORAGE_RAM_NO_BOOT;
	for (int i = 0; i < 400 && !w.dev.recovery; i++)
		world_run(&w, 60000);
	assert_true(w.dev.recovery);
	w.envelope_n = 0; /* nothing better is to be had */
	for (int i = 0; i < 3; i++) {
		w.boots = w.reports = 0;
		world_boot(&w);
		world_run(&w, SUITDEV_HOUR_MS);
		assert_int_equal(w.boots, 1);
		assert_int_equal(w.boot[0].result, BOOT_RECOVERY);
		assert_int_equal(w.boot[0].sequence, 0);
		assert_false(w.boot[0].have_manifest);
		assert_memory_equal(w.boot[0].tried, first.b, 32);
	}
}

/* What was not stored would be signed again after the next start. */
static void
REQ_SEC_REPORTING_a_start_that_was_not_stored_signs_nothing(void **state)
{
	(void)state;
	w.envelope_n = 0;
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.boots, 1);
	w.out = false;
	storage_ram_power(&w.ram);
	suitdev_init(&w.dev, &w.cfg);
	w.ram.fail_in = 1;
	assert_int_equal(suitdev_boot(&w.dev, w.now), 0);
	assert_int_equal(w.ram.fail_in, 0);
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.boots, 1);
	world_boot(&w);
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.boots, 2);
	assert_int_equal(w.replays, 0);
}

static void
a_refusal_is_tried_again_in_a_day(void **state)
{
	(void)state;
	w.envelope_n = 0;
	w.boot_code = 403;
	world_run(&w, SUITDEV_DAY_MS / 2);
	assert_int_equal(w.boots, 1);
	assert_int_equal(w.attest.code, 403);
	w.boot_code = 0;
	world_run(&w, SUITDEV_DAY_MS);
	assert_int_equal(w.boots, 2);
	assert_int_equal(w.attest.taken, 1);
	world_run(&w, 2 * SUITDEV_DAY_MS);
	assert_int_equal(w.boots, 2);
}

static void
TUF_FREEZE_a_nonce_is_asked_for_and_signed(void **state)
{
	(void)state;
	w.envelope_n = 0;
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.nonces, 0);
	assert_false(w.boot_nonce);
	w.attest.nonce_wanted = true;
	world_boot(&w);
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.nonces, 1);
	assert_int_equal(w.boots, 2);
	assert_true(w.boot_nonce);
}

static int
cannot_sign(void *arg, const struct bootreport *r, struct buf *out)
{
	(void)arg;
	(void)r;
	(void)out;
	return ERR_CRYPTO;
}

static void
an_update_does_not_wait_for_a_signer_that_fails(void **state)
{
	(void)state;
	w.attest.sign = cannot_sign;
	world_boot(&w);
	assert_true(world_until(&w, 4, SUITDEV_DAY_MS));
	assert_int_equal(w.boots, 0);
	assert_int_equal(w.replays, 0);
}

static void
a_state_from_before_boot_reports_is_read(void **state)
{
	uint8_t old[STORAGE_STATE];
	size_t n = 0;
	struct cbr c;
	struct cbr_item item;
	struct buf b = buf_of(old, sizeof old);
	uint64_t count;

	(void)state;
	assert_true(world_until(&w, 4, SUITDEV_DAY_MS));
	n = w.ram.state_n;
	/* the first 23 fields, under the number of then */
	c = cbr_of(slice_of(w.ram.state, n));
	assert_int_equal(cbr_get_array(&c, &count), 0);
	assert_int_equal(count, 29);
	cbr_put_array(&b, 23);
	cbr_put_uint(&b, 2);
	assert_int_equal(cbr_next(&c, &item), 0);
	for (int i = 1; i < 23; i++) {
		assert_int_equal(cbr_next(&c, &item), 0);
		buf_put(&b, item.raw);
	}
	memcpy(w.ram.state, old, b.n);
	w.ram.state_n = b.n;
	world_boot(&w);
	assert_int_equal(w.dev.nv.sequence, 4);
	assert_int_equal(w.dev.nv.boot.boot_ctr, 1);
	/* its counters began anew, and say so */
	w.envelope_n = 0;
	w.boots = 0;
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.boots, 0);
	assert_int_equal(w.replays, 1);
	assert_int_equal(w.attest.code, 409);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_start_is_reported_once),
		T(what_was_started_is_named_by_its_manifest),
		T(a_rollback_names_what_did_not_run_until_somebody_took_it),
		T(REQ_SEC_REPORTING_no_number_is_signed_twice),
		T(recovery_names_the_target_at_every_start),
		T(REQ_SEC_REPORTING_a_start_that_was_not_stored_signs_nothing),
		T(a_refusal_is_tried_again_in_a_day),
		T(TUF_FREEZE_a_nonce_is_asked_for_and_signed),
		T(an_update_does_not_wait_for_a_signer_that_fails),
		T(a_state_from_before_boot_reports_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
