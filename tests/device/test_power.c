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
TUF_MIXMATCH_resume_with_another_etag_begins_again(void **state)
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

/* --- counters --- */

static unsigned injected; /* attempts that were made to fail */
static bool begun; /* blocks were served since */

static bool
fail_class_t(struct world *x, struct suitdev_response *r)
{
	(void)x;
	(void)r;
	return false;
}

static bool
fail_class_i(struct world *x, struct suitdev_response *r)
{
	(void)x;
	r->code = 404;
	return true;
}

static bool
fail_class_x(struct world *x, struct suitdev_response *r)
{
	(void)r;
	x->ram.fail_in = 1; /* the write of this block */
	return true;
}

static twist_fn how;

static bool
fail_at_block_9(struct world *x, struct suitdev_response *r)
{
	if (strcmp(x->uri, "/i/x") != 0)
		return true;
	begun = true;
	if (x->rq.num != 9)
		return true;
	injected++;
	begun = false;
	return how(x, r);
}

static unsigned
counted(void)
{
	unsigned n = 0;

	for (int c = 0; c < FAIL_CLASSES; c++)
		n += w.dev.nv.fails[c];
	return n;
}

/* false: three attempts failed and no power was lost. */
static bool
fail_until_cut(unsigned at, bool late)
{
	calls = 0;
	cut_at = at;
	after = late;
	if (setjmp(dark) != 0)
		return true;
	world_boot(&w);
	while (injected < 3)
		assert_true(world_turn(&w));
	cut_at = 0;
	return false;
}

static void
counters_survive_a_cut_at_any_call(void **state)
{
	static const struct {
		twist_fn fail;
		enum fail_class c;
	} t[] = {
	    {fail_class_t, FAIL_TRANSPORT}, {fail_class_i, FAIL_INTEGRITY},
	    {fail_class_x, FAIL_EXECUTION},
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof t / sizeof t[0]; i++) {
		unsigned at = 0, seen;
		bool went;

		do {
			setup(&suitdev_kind_poll);
			how = t[i / 2].fail;
			injected = 0;
			begun = false;
			w.twist = fail_at_block_9;
			went = fail_until_cut(++at, i & 1);
			w.ram.fail_in = 0;
			if (went)
				world_boot(&w);
			/* every attempt that the server saw, and one more
			 * when it was written and not begun */
			seen = injected + begun;
			assert_in_range(counted(), seen, seen + 1);
			if (!went)
				assert_int_equal(w.dev.nv.fails[t[i / 2].c],
				    3);
			w.twist = NULL;
			assert_ends_well();
			world_fini(&w);
		} while (went);
		assert_true(at > 20);
	}
}

static bool
steer_at_block_9(struct world *x, struct suitdev_response *r)
{
	if (strcmp(x->uri, "/i/x") == 0 && x->rq.num == 9 && injected++ < 3)
		*r = (struct suitdev_response){.code = 429,
		    .have_max_age = true, .max_age = 600};
	return true;
}

static void
steering_counts_nothing_wherever_the_power_goes(void **state)
{
	bool went;
	unsigned at = 0;

	(void)state;
	do {
		setup(&suitdev_kind_poll);
		injected = 0;
		w.twist = steer_at_block_9;
		at++;
		went = run_to_cut(at, at & 1);
		cut_at = 0;
		world_boot(&w);
		assert_in_range(counted(), 0, went); /* the cut itself */
		assert_int_equal(w.dev.nv.fails[FAIL_OVERLOAD], 0);
		assert_ends_well();
		world_fini(&w);
	} while (went);
}

static void
a_refused_manifest_fetches_nothing_wherever_the_power_goes(void **state)
{
	static volatile unsigned at;
	struct cose_key *other;
	static volatile bool went;

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &other), 0);
	at = 0;
	do {
		setup(&suitdev_kind_poll);
		world_publish(&w, other);
		calls = 0;
		cut_at = ++at;
		after = at & 1;
		went = setjmp(dark) != 0;
		if (!went) {
			world_boot(&w);
			world_run(&w, SUITDEV_HOUR_MS);
		}
		cut_at = 0;
		world_boot(&w);
		world_run(&w, 2 * SUITDEV_DAY_MS);
		assert_int_equal(w.blocks, 0);
		assert_int_equal(counted(), 0);
		assert_int_equal(w.phase[w.reports - 1], PHASE_FAILED);
		assert_int_equal(w.last.event.reason, REASON_SIGNATURE);
		world_fini(&w);
	} while (went);
	assert_true(at > 2);
	cose_key_free(other);
}

/* Calls of activate; the power goes in the first `activate_dies`. */
static unsigned activated, activate_dies;
static int64_t activated_at;

static int
activate_or_die(void *arg)
{
	activated++;
	activated_at = w.now;
	if (activated <= activate_dies)
		longjmp(dark, 1);
	return storage_ram.activate(arg);
}

static void
an_install_that_takes_the_power_away_backs_off(void **state)
{
	static int64_t died;

	(void)state;
	setup(&suitdev_kind_poll);
	risky.activate = activate_or_die;
	activated = 0;
	activate_dies = 9;
	died = INT64_MIN;
	while (setjmp(dark) != 0) {
		if (died != INT64_MIN)
			assert_true(activated_at - died >= 30000);
		died = w.now;
		assert_int_equal(w.dev.nv.fails[FAIL_TRANSPORT],
		    activated - 1);
		world_boot(&w);
	}
	assert_true(world_until(&w, 4, 24 * SUITDEV_HOUR_MS));
	assert_int_equal(activated, 10);
	assert_int_equal(w.blocks, 20); /* fetched once */
	world_assert_runs(&w);
	world_fini(&w);
}

static int
activate_then_fail(void *arg)
{
	int err = storage_ram.activate(arg);

	w.ram.fail_in = 1; /* the state after it */
	return err;
}

static void
an_image_that_was_activated_is_started(void **state)
{
	(void)state;
	setup(&suitdev_kind_poll);
	risky.activate = activate_then_fail;
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	world_assert_runs(&w);
	assert_int_equal(w.ram.slot, 1);
	assert_int_equal(w.phase[w.reports - 1], PHASE_SUCCEEDED);
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

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(power_lost_before_any_call),
	    cmocka_unit_test(power_lost_after_any_call),
	    cmocka_unit_test(power_lost_twice),
	    cmocka_unit_test(a_triggered_device_finishes_what_it_began),
	    cmocka_unit_test(resume_goes_on_no_further_back_than_the_journal),
	    cmocka_unit_test(
		TUF_MIXMATCH_resume_with_another_etag_begins_again),
	    cmocka_unit_test(a_crash_loop_backs_off),
	    cmocka_unit_test(counters_survive_a_cut_at_any_call),
	    cmocka_unit_test(steering_counts_nothing_wherever_the_power_goes),
	    cmocka_unit_test(
		a_refused_manifest_fetches_nothing_wherever_the_power_goes),
	    cmocka_unit_test(an_install_that_takes_the_power_away_backs_off),
	    cmocka_unit_test(an_image_that_was_activated_is_started),
	    cmocka_unit_test(a_rollback_is_class_x_and_reported),
	    cmocka_unit_test(a_flash_error_is_class_x),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
