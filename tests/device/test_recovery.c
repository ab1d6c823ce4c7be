/*
 * Images that do not come up: a device with two slots rolls back, one with
 * a single slot is left with its recovery updater.
 */
#include "device/core.h"
#include "tests/device/world.h"

#define HOUR SUITDEV_HOUR_MS
#define DAY SUITDEV_DAY_MS

static struct world w;

/* Runs until the new image was tried and refused by the boot loader. */
static void
fail_to_boot(const struct suitdev_kind *kind, bool single_slot)
{
	world_init(&w, kind);
	w.ram.single_slot = single_slot;
	w.ram.bad_boots = 1;
	if (kind->triggers)
		assert_int_equal(suitdev_trigger(&w.dev, w.now,
		    slice_str("coap://s/m/lamp")), 0);
	while (w.ram.refused_boots == 0)
		assert_true(world_turn(&w));
}

static void
REQ_SEC_AUTH_EXEC_two_slots_roll_back(void **state)
{
	(void)state;
	fail_to_boot(&suitdev_kind_poll, false);
	assert_false(w.dev.recovery);
	assert_int_equal(w.dev.nv.sequence, 3);
	while (w.phase[w.reports - 1] != PHASE_FAILED)
		assert_true(world_turn(&w));
	assert_int_equal(w.last.event.reason, REASON_ROLLBACK);
	assert_true(w.last.have_sequence && w.last.sequence == 3);
	assert_true(world_until(&w, 4, 2 * HOUR));
	world_assert_runs(&w);
	world_fini(&w);
}

static void
REQ_SEC_AUTH_EXEC_a_single_slot_is_left_with_the_updater(void **state)
{
	(void)state;
	fail_to_boot(&suitdev_kind_poll, true);
	assert_true(w.dev.recovery);
	assert_int_equal(w.ram.len[w.ram.slot][0], 0); /* nothing to run */
	w.first_rd[0] = '\0';
	w.registers = 0;
	while (w.phase[w.reports - 1] != PHASE_FAILED)
		assert_true(world_turn(&w));
	assert_int_equal(w.last.event.reason, REASON_RECOVERY);
	assert_int_equal(w.last.event.fail, FAIL_EXECUTION);
	assert_int_equal(w.last.event.target, 4);
	/* what no longer runs is not said to run, here nor in /rd */
	assert_false(w.last.have_sequence);
	assert_non_null(strstr(w.first_rd, "/rd?ep=d1"));
	assert_null(strstr(w.first_rd, "seq="));
	assert_null(strstr(w.first_rd, "v="));
	/* and it ends with the next image that comes up */
	assert_true(world_until(&w, 4, 2 * HOUR));
	assert_false(w.dev.recovery);
	world_assert_runs(&w);
	assert_int_equal(w.phase[w.reports - 1], PHASE_SUCCEEDED);
	assert_true(w.last.have_sequence && w.last.sequence == 4);
	world_fini(&w);
}

static void
recovery_is_told_at_every_start(void **state)
{
	(void)state;
	fail_to_boot(&suitdev_kind_poll, true);
	for (unsigned i = 0; i < 3; i++) {
		w.reports = 0;
		world_boot(&w);
		assert_true(w.dev.recovery);
		world_run(&w, 2 * 60000);
		assert_int_equal(w.reports, 1);
		assert_int_equal(w.last.event.reason, REASON_RECOVERY);
	}
	world_fini(&w);
}

static void
a_newer_release_is_taken_at_once(void **state)
{
	unsigned blocks;

	(void)state;
	fail_to_boot(&suitdev_kind_poll, true);
	blocks = w.blocks;
	w.spec.sequence = 5;
	w.etag = 2;
	world_publish(&w, w.key);
	assert_true(world_until(&w, 5, 20 * 60000));
	assert_int_equal(w.blocks, blocks + 10);
	world_fini(&w);
}

static void
what_ran_last_is_taken_again_what_is_older_is_not(void **state)
{
	(void)state;
	fail_to_boot(&suitdev_kind_poll, true);
	w.spec.sequence = 2;
	w.etag = 2;
	world_publish(&w, w.key);
	w.blocks = 0;
	world_run(&w, 20 * HOUR);
	assert_int_equal(w.blocks, 0);
	assert_int_equal(w.dev.refused, REASON_SEQUENCE);
	w.spec.sequence = 3;
	w.etag = 3;
	world_publish(&w, w.key);
	while (w.dev.recovery)
		assert_true(world_turn(&w));
	assert_true(world_until(&w, 3, HOUR));
	assert_int_equal(w.blocks, 10);
	world_assert_runs(&w);
	world_fini(&w);
}

static void
a_device_that_runs_does_not_take_its_own_sequence(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.ram.single_slot = true;
	w.spec.sequence = 3;
	world_publish(&w, w.key);
	world_run(&w, 5 * HOUR);
	assert_int_equal(w.blocks, 0);
	world_fini(&w);
}

/* Locked for good: each day at least one attempt, of every kind. */
static void
MODE_THING_a_locked_device_tries_within_25_hours(void **state)
{
	static const struct suitdev_kind *const kind[] = {
	    &suitdev_kind_plain, &suitdev_kind_poll, &suitdev_kind_observe,
	    &suitdev_kind_trigger, &suitdev_kind_manifest};

	(void)state;
	for (size_t i = 0; i < sizeof kind / sizeof kind[0]; i++) {
		fail_to_boot(kind[i], true);
		w.ram.bad_boots = STORAGE_RAM_NO_BOOT;
		for (unsigned day = 0; day < 30; day++) {
			const int64_t from = w.now;
			const unsigned blocks = w.blocks;

			w.reports = 0;
			while (w.blocks == blocks)
				assert_true(world_turn(&w));
			assert_true(w.now - from <= 25 * HOUR);
			while (w.dev.nv.step != SUITDEV_NONE)
				assert_true(world_turn(&w));
			assert_true(w.dev.recovery);
		}
		assert_true(w.dev.nv.fails[FAIL_EXECUTION] >= 29);
		w.ram.bad_boots = 0;
		w.reports = 0;
		assert_true(world_until(&w, 4, 26 * HOUR));
		world_fini(&w);
	}
}

/* --- the power goes as well --- */

static jmp_buf dark;
static unsigned calls, cut_at;
static bool after;

static int
cut_set(void *arg, struct slice s)
{
	int err;

	if (++calls == cut_at && !after)
		longjmp(dark, 1);
	err = storage_ram.set_state(arg, s);
	if (calls == cut_at)
		longjmp(dark, 1);
	return err;
}

static int
cut_activate(void *arg)
{
	int err;

	if (++calls == cut_at && !after)
		longjmp(dark, 1);
	err = storage_ram.activate(arg);
	if (calls == cut_at)
		longjmp(dark, 1);
	return err;
}

/* The bad image, a cut, and the good one. false: no cut. */
static bool
fail_and_cut(unsigned at, bool late)
{
	calls = 0;
	cut_at = at;
	after = late;
	if (setjmp(dark) != 0)
		return true;
	world_boot(&w);
	while (w.ram.refused_boots == 0 || w.dev.nv.owed != PHASE_IDLE)
		assert_true(world_turn(&w));
	cut_at = 0;
	return false;
}

static void
nobody_says_that_something_runs_when_nothing_does(void **state)
{
	static struct storage risky;
	unsigned at = 0;
	bool went;

	(void)state;
	risky = storage_ram;
	risky.set_state = cut_set;
	risky.activate = cut_activate;
	do {
		world_init(&w, &suitdev_kind_poll);
		w.ram.single_slot = true;
		w.ram.bad_boots = 1;
		w.cfg.storage = &risky;
		went = fail_and_cut(at / 2 + 1, at & 1);
		at++;
		cut_at = 0;
		world_boot(&w);
		assert_int_equal(w.dev.recovery, w.ram.refused_boots == 1);
		if (w.dev.recovery)
			assert_int_equal(w.dev.nv.fails[FAIL_EXECUTION], 1);
		assert_true(world_until(&w, 4, 25 * HOUR));
		world_assert_runs(&w);
		world_fini(&w);
	} while (went);
	assert_true(at > 14);
}

static void
a_cut_before_the_next_image_starts_is_no_failed_boot(void **state)
{
	unsigned blocks;

	(void)state;
	fail_to_boot(&suitdev_kind_poll, true);
	while (w.dev.nv.step != SUITDEV_FETCHED)
		assert_true(world_turn(&w));
	blocks = w.blocks;
	world_boot(&w);
	assert_true(w.dev.recovery);
	assert_int_equal(w.dev.nv.fails[FAIL_EXECUTION], 1);
	assert_true(world_until(&w, 4, 10 * 60000));
	assert_int_equal(w.blocks, blocks); /* kept, and looked at again */
	world_fini(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(REQ_SEC_AUTH_EXEC_two_slots_roll_back),
	    cmocka_unit_test(
		REQ_SEC_AUTH_EXEC_a_single_slot_is_left_with_the_updater),
	    cmocka_unit_test(recovery_is_told_at_every_start),
	    cmocka_unit_test(a_newer_release_is_taken_at_once),
	    cmocka_unit_test(
		what_ran_last_is_taken_again_what_is_older_is_not),
	    cmocka_unit_test(a_device_that_runs_does_not_take_its_own_sequence),
	    cmocka_unit_test(MODE_THING_a_locked_device_tries_within_25_hours),
	    cmocka_unit_test(nobody_says_that_something_runs_when_nothing_does),
	    cmocka_unit_test(
		a_cut_before_the_next_image_starts_is_no_failed_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
