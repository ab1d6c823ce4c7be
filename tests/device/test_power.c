/*
 * The power goes at every call into the storage, just before and just after
 * it took effect, once and twice; the device must always end with the new
 * image, whole, or still run the old one.
 */
#include "tests/device/world.h"

static struct world w;
static jmp_buf dark;
static unsigned calls, cut_at;
static bool after;

/* The nth changing call from now is the last one. */
static int
cut(int (*call)(void *), void *arg)
{
	int err;

	if (++calls == cut_at && !after)
		longjmp(dark, 1);
	err = call(arg);
	if (calls == cut_at && after)
		longjmp(dark, 1);
	return err;
}

static struct {
	struct slice s;
	uint64_t u;
	unsigned part;
} a;

static int
do_set(void *r)
{
	return storage_ram.set_state(r, a.s);
}

static int
set_state(void *r, struct slice s)
{
	a.s = s;
	return cut(do_set, r);
}

static int
do_begin(void *r)
{
	return storage_ram.begin(r, a.part, a.u);
}

static int
begin(void *r, unsigned part, uint64_t size)
{
	a.part = part;
	a.u = size;
	return cut(do_begin, r);
}

static int
do_write(void *r)
{
	return storage_ram.write(r, a.u, a.s);
}

static int
write_at(void *r, uint64_t off, struct slice s)
{
	a.s = s;
	a.u = off;
	return cut(do_write, r);
}

static int
finish(void *r)
{
	return cut(storage_ram.finish, r);
}

static int
activate(void *r)
{
	return cut(storage_ram.activate, r);
}

static struct storage risky;

static void
setup(const struct suitdev_kind *kind)
{
	risky = storage_ram;
	risky.set_state = set_state;
	risky.begin = begin;
	risky.write = write_at;
	risky.finish = finish;
	risky.activate = activate;
	calls = cut_at = 0;
	world_init(&w, kind);
	w.cfg.storage = &risky;
	w.image_n = 20000; /* more than two journal steps */
	world_publish(&w, w.key);
	world_boot(&w);
}

/* Runs until the cut or the end; true when the power went. */
static bool
run_to_cut(unsigned at, bool late)
{
	calls = 0;
	cut_at = at;
	after = late;
	if (setjmp(dark) != 0)
		return true;
	world_boot(&w);
	assert_true(world_until(&w, 4, 3 * SUITDEV_HOUR_MS));
	return false;
}

static void
assert_ends_well(void)
{
	cut_at = 0;
	world_boot(&w);
	/* slot and state always belong together */
	assert_int_equal(w.dev.nv.sequence, w.ram.slot == 1 ? 4 : 3);
	assert_true(world_until(&w, 4, 24 * SUITDEV_HOUR_MS));
	world_assert_runs(&w);
	assert_int_equal(w.ram.slot, 1);
	assert_int_equal(w.phase[w.reports - 1], PHASE_SUCCEEDED);
}

static void
once(const struct suitdev_kind *kind, bool late)
{
	unsigned at = 0;
	bool cut_off;

	do {
		setup(kind);
		cut_off = run_to_cut(++at, late);
		if (kind->reports)
			assert_ends_well();
		world_fini(&w);
	} while (cut_off);
	assert_true(at > 25); /* the loop saw the whole update */
}

static void
power_lost_before_any_call(void **state)
{
	(void)state;
	once(&suitdev_kind_poll, false);
}

static void
power_lost_after_any_call(void **state)
{
	(void)state;
	once(&suitdev_kind_poll, true);
}

static void
a_triggered_device_finishes_what_it_began(void **state)
{
	static volatile unsigned at;
	static volatile bool went;

	(void)state;
	for (at = 8; at < 30; at += 3) {
		went = false;
		setup(&suitdev_kind_trigger);
		assert_int_equal(suitdev_trigger(&w.dev, w.now,
		    slice_str("coap://s/m/lamp")), 0);
		calls = 0;
		cut_at = at;
		after = true;
		if (setjmp(dark) == 0)
			(void)world_until(&w, 4, SUITDEV_HOUR_MS);
		else
			went = true;
		assert_true(went);
		assert_ends_well();
		world_fini(&w);
	}
}

static void
power_lost_twice(void **state)
{
	static volatile unsigned first, second;

	(void)state;
	for (first = 3; first < 40; first += 4)
		for (second = 1; second < 30; second += 3) {
			setup(&suitdev_kind_poll);
			(void)run_to_cut(first, first & 1);
			(void)run_to_cut(second, second & 1);
			assert_ends_well();
			world_fini(&w);
		}
}

static void
resume_goes_on_no_further_back_than_the_journal(void **state)
{
	(void)state;
	setup(&suitdev_kind_poll);
	while (w.blocks < 18)
		assert_true(world_turn(&w));
	w.blocks = 0;
	world_boot(&w);
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	assert_int_equal(w.first_num, 16); /* 16 KiB were journalled */
	assert_int_equal(w.blocks, 20 - 16);
	world_assert_runs(&w);
	world_fini(&w);
}

static void
resume_with_another_etag_begins_again(void **state)
{
	(void)state;
	setup(&suitdev_kind_plain);
	while (w.blocks < 18)
		assert_true(world_turn(&w));
	w.blocks = 0;
	w.etag = 77;
	world_boot(&w);
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	assert_int_equal(w.blocks, 1 + 20);
	world_assert_runs(&w);
	world_fini(&w);
}

static void
a_crash_loop_backs_off(void **state)
{
	int64_t died, gap, longest = 0;

	(void)state;
	setup(&suitdev_kind_poll);
	for (unsigned i = 0; i < 9; i++) {
		while (w.dev.nv.off < 5000)
			assert_true(world_turn(&w));
		died = w.now;
		assert_int_equal(w.dev.nv.fails[FAIL_TRANSPORT], i);
		world_boot(&w); /* as if the block had killed it */
		w.blocks = 0;
		while (w.blocks == 0)
			assert_true(world_turn(&w));
		gap = w.block_at - died;
		assert_true(gap >= 30000);
		longest = gap > longest ? gap : longest;
	}
	assert_true(longest > 8 * 60000);
	world_fini(&w);
}

/* The boot loader did not like it: the old slot runs. */
static void
a_rollback_is_class_x_and_reported(void **state)
{
	int64_t failed;

	(void)state;
	setup(&suitdev_kind_poll);
	while (w.dev.phase != SUITDEV_REBOOT)
		assert_true(world_turn(&w));
	w.ram.slot = 0;
	failed = w.now;
	w.blocks = 0;
	while (w.blocks == 0)
		assert_true(world_turn(&w));
	assert_true(w.block_at - failed >= 900000);
	assert_int_equal(w.dev.nv.sequence, 3);
	assert_int_equal(w.dev.nv.fails[FAIL_EXECUTION], 1);
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	assert_int_equal(w.phase[3], PHASE_FAILED);
	world_fini(&w);
}

static void
a_flash_error_is_class_x(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	while (w.blocks < 4)
		assert_true(world_turn(&w));
	w.ram.fail_in = 1;
	assert_true(world_turn(&w));
	assert_int_equal(w.dev.fail, FAIL_EXECUTION);
	assert_true(world_until(&w, 4, 2 * SUITDEV_HOUR_MS));
	assert_int_equal(w.phase[1], PHASE_FAILED);
	world_assert_runs(&w);
	world_fini(&w);
}

static void
a_damaged_state_starts_from_the_factory(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	memset(w.ram.state, 0xff, w.ram.state_n);
	world_boot(&w);
	assert_int_equal(w.dev.nv.sequence, 3);
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	world_fini(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(power_lost_before_any_call),
	    cmocka_unit_test(power_lost_after_any_call),
	    cmocka_unit_test(power_lost_twice),
	    cmocka_unit_test(a_triggered_device_finishes_what_it_began),
	    cmocka_unit_test(resume_goes_on_no_further_back_than_the_journal),
	    cmocka_unit_test(resume_with_another_etag_begins_again),
	    cmocka_unit_test(a_crash_loop_backs_off),
	    cmocka_unit_test(a_rollback_is_class_x_and_reported),
	    cmocka_unit_test(a_flash_error_is_class_x),
	    cmocka_unit_test(a_damaged_state_starts_from_the_factory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
