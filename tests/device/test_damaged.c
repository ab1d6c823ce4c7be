/* A state in the storage that is not what the device has written there. */
#include "device/core.h"
#include "tests/device/world.h"

static struct world w;

/* Beyond the first journal step of 16 KiB. */
static void
begin_download(void)
{
	world_init(&w, &suitdev_kind_poll);
	w.image_n = 20000;
	world_publish(&w, w.key);
	world_boot(&w);
	while (w.blocks < 17)
		assert_true(world_turn(&w));
}

static void
MODE_THING_a_damaged_state_starts_from_the_factory(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	memset(w.ram.state, 0xff, w.ram.state_n);
	world_boot(&w);
	assert_int_equal(w.dev.nv.sequence, 3);
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	world_fini(&w);
}

/* Such a state is well-formed: only no block begins there. */
static void
MODE_THING_an_offset_between_blocks_begins_again(void **state)
{
	(void)state;
	begin_download();
	w.dev.nv.off = 16 * 1024 + 8;
	assert_int_equal(core_save(&w.dev), 0);
	w.blocks = 0;
	world_boot(&w);
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	assert_int_equal(w.first_num, 0);
	assert_int_equal(w.blocks, 20);
	world_assert_runs(&w);
	world_fini(&w);
}

/* So is one that names a part which its manifest does not have. */
static void
MODE_THING_a_part_that_is_not_there_begins_again(void **state)
{
	(void)state;
	for (unsigned part = 1; part <= STORAGE_PARTS; part++) {
		begin_download();
		w.dev.nv.part = part;
		assert_int_equal(core_save(&w.dev), 0);
		world_boot(&w);
		assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
		assert_int_equal(w.first_num, 0);
		world_assert_runs(&w);
		world_fini(&w);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		MODE_THING_a_damaged_state_starts_from_the_factory),
	    cmocka_unit_test(
		MODE_THING_an_offset_between_blocks_begins_again),
	    cmocka_unit_test(
		MODE_THING_a_part_that_is_not_there_begins_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
