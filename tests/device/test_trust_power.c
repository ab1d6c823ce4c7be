/* What a power loss does to the lists of a device, and what starts it. */
#include "tests/device/trust_world.h"

static void
without_a_list_that_proves_itself_nothing_starts(void **state)
{
	struct storage_ram empty;

	(void)state;
	storage_ram_init(&empty, IMAGE_MAX);
	w.cfg.storage_arg = &empty;
	list_make_by(&l, 1);
	trust.first = slice_of(l.bytes, l.n);
	suitdev_init(&w.dev, &w.cfg);
	assert_int_equal(suitdev_boot(&w.dev, w.now), ERR_SIGNATURE);
	storage_ram_fini(&empty);
}

static struct storage risky;
static jmp_buf dark;
static unsigned calls, cut_at, torn;

/* The write ends after `torn` bytes: the rest is what was there, or nothing. */
static int
list_write(void *arg, unsigned place, struct slice s)
{
	static uint8_t half[STORAGE_LIST];
	struct storage_ram *r = arg;
	size_t n = torn < s.n ? torn : s.n;

	if (++calls != cut_at)
		return storage_ram.list_write(r, place, s);
	memset(half, 0xff, sizeof half);
	if (r->list_n[place] > 0)
		memcpy(half, r->list[place], r->list_n[place]);
	memcpy(half, s.p, n);
	assert_int_equal(storage_ram.list_write(r, place, slice_of(half,
	    s.n)), 0);
	longjmp(dark, 1);
}

static int
set_state(void *arg, struct slice s)
{
	if (++calls == cut_at)
		longjmp(dark, 1);
	return storage_ram.set_state(arg, s);
}

/* To the byte: a mixture of two would have rights that nobody gave. */
static void
assert_whole(void)
{
	const size_t i = trust.list.seq - 1;

	assert_true(i < w.lists);
	assert_int_equal(trust.list.message.n, w.list_n[i]);
	assert_memory_equal(trust.list.message.p, w.list[i], w.list_n[i]);
}

static void
after_a_cut(unsigned at, unsigned bytes, uint64_t least)
{
	calls = 0;
	cut_at = at;
	torn = bytes;
	if (setjmp(dark) == 0)
		(void)world_until(&w, 4, SUITDEV_HOUR_MS);
	cut_at = 0;
	storage_ram_power(&w.ram);
	world_boot(&w);
	assert_true(trust.list.seq >= least);
	assert_whole();
}

static void
a_power_cut_at_any_byte_of_a_list_leaves_the_old_or_the_new(void **state)
{
	static volatile unsigned at, bytes;

	(void)state;
	(void)teardown(NULL);
	for (at = 1; at < 30; at++)
		for (bytes = 0; bytes < 600; bytes += at < 8 ? 7 : 199) {
			setup(NULL);
			risky = storage_ram;
			risky.list_write = list_write;
			risky.set_state = set_state;
			w.cfg.storage = &risky;
			list_add(&l, bob, TRUST_AUTHOR);
			serve_list(list_make(&l));
			publish_as(bob);
			cut_at = 0;
			world_boot(&w);
			after_a_cut(at, bytes, 1);
			after_a_cut(at, bytes + 1, trust.list.seq);
			/* and in the end all is well */
			assert_true(world_until(&w, 4,
			    30 * SUITDEV_HOUR_MS));
			assert_int_equal(trust.list.seq, 2);
			(void)teardown(NULL);
		}
	setup(NULL);
}

static void
a_power_cut_never_brings_an_older_list_back(void **state)
{
	static volatile unsigned bytes;
	uint64_t had;

	(void)state;
	risky = storage_ram;
	risky.list_write = list_write;
	w.cfg.storage = &risky;
	w.envelope_n = 0;
	cut_at = 0;
	world_boot(&w);
	serve_list(list_make(&l));
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 3);
	/* of the same length as 2, which it takes the place of */
	l.spec.key[0].seq_max = UINT64_MAX - 1;
	l.spec.key[0].seq_min = 1;
	serve_list(list_make(&l));
	for (bytes = 0; bytes < w.list_n[3] + 32; bytes += 5) {
		had = trust.list.seq;
		calls = 0;
		cut_at = 1;
		torn = bytes;
		if (setjmp(dark) == 0) {
			world_run(&w, SUITDEV_HOUR_MS);
			fail_msg("not cut at %u", bytes);
		}
		cut_at = 0;
		world_boot(&w);
		assert_true(trust.list.seq >= had);
		assert_true(trust.list.seq >= 3);
		assert_whole();
	}
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(without_a_list_that_proves_itself_nothing_starts),
		T(a_power_cut_at_any_byte_of_a_list_leaves_the_old_or_the_new),
		T(a_power_cut_never_brings_an_older_list_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
