/* A device with a trust list: which manifests it takes. */
#include "tests/device/trust_world.h"

static void
what_the_list_allows_is_installed(void **state)
{
	(void)state;
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	world_assert_runs(&w);
	assert_int_equal(w.list_gets, 0); /* nobody named a newer one */
}

/* docs/TRUST.md 6.2: the old key goes when the fleet has the new list. */
static void
the_server_learns_which_list_is_in_force(void **state)
{
	unsigned told;

	(void)state;
	w.envelope_n = 0;
	world_attest(&w);
	world_boot(&w);
	world_run(&w, SUITDEV_HOUR_MS);
	told = w.boots;
	assert_int_equal(told, 1);
	assert_true(w.boot[0].have_list);
	assert_int_equal(w.boot[0].list_seq, 1);
	serve_list(list_make(&l));
	world_run(&w, 2 * SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 2);
	assert_int_equal(w.boots, told + 1); /* once, and without a start */
	assert_int_equal(w.boot[told].list_seq, 2);
	assert_int_equal(w.boot[told].boot_ctr, w.boot[0].boot_ctr);
	assert_int_equal(w.replays, 0);
}

static void
TUF_ARBITRARY_a_key_that_is_not_in_the_list_signs_nothing(void **state)
{
	(void)state;
	publish_as(bob);
	refused(REASON_SIGNATURE);
	assert_int_equal(w.list_gets, 1); /* asked for a newer one, once */
	world_run(&w, 20 * SUITDEV_HOUR_MS);
	assert_int_equal(w.list_gets, 1);
}

static void
TUF_KEYCOMPROMISE_the_server_s_own_keys_install_nothing(void **state)
{
	(void)state;
	publish_as(fresh_key);
	refused(REASON_SIGNATURE);
	assert_int_equal(w.list_gets, 0); /* a key that is known */
	publish_as(l.root[0]); /* one root is no author either */
	refused(REASON_SIGNATURE);
}

static void
REQ_SEC_ACCESS_CONTROL_rights_of_the_list_hold_on_the_device(void **state)
{
	(void)state;
	l.spec.key[0].seq_max = 3;
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 2);
	refused(REASON_SEQUENCE);
	l.spec.key[0].seq_max = UINT64_MAX;
	l.spec.key[0].every_class = false;
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 3);
	refused(REASON_CLASS);
}

static void
TUF_ROLLBACK_a_floor_holds_on_the_device(void **state)
{
	(void)state;
	l.spec.floor_count = 1;
	l.spec.floor[0] = (struct trust_floor){.least = 5,
	    .most = UINT64_MAX};
	memcpy(l.spec.floor[0].class_id, w.cfg.class_id, 16);
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	refused(REASON_SEQUENCE);
}

static void
TUF_FASTFORWARD_a_ceiling_leads_back_down(void **state)
{
	(void)state;
	w.cfg.sequence = UINT64_C(1) << 63; /* burnt */
	storage_ram_fini(&w.ram);
	storage_ram_init(&w.ram, IMAGE_MAX);
	world_boot(&w);
	world_run(&w, 2 * SUITDEV_HOUR_MS);
	assert_int_equal(w.blocks, 0);
	l.spec.floor_count = 1;
	l.spec.floor[0] = (struct trust_floor){.least = 2, .most = 1000};
	memcpy(l.spec.floor[0].class_id, w.cfg.class_id, 16);
	serve_list(list_make(&l));
	assert_true(world_until(&w, 4, 3 * SUITDEV_HOUR_MS));
	world_assert_runs(&w);
}

static void
a_manifest_that_asks_for_a_list_gets_it_first(void **state)
{
	(void)state;
	w.spec.list_min = 2;
	publish_as(w.key);
	refused(REASON_CONDITION);
	serve_list(list_make(&l));
	assert_true(world_until(&w, 4, 26 * SUITDEV_HOUR_MS));
	assert_int_equal(trust.list.seq, 2);
}

static void
a_device_without_lists_refuses_what_asks_for_one(void **state)
{
	(void)state;
	w.cfg.trust = NULL;
	w.cfg.keys = &w.ring;
	w.spec.list_min = 1;
	publish_as(w.key);
	world_boot(&w);
	refused(REASON_CONDITION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(the_server_learns_which_list_is_in_force),
		T(what_the_list_allows_is_installed),
		T(TUF_ARBITRARY_a_key_that_is_not_in_the_list_signs_nothing),
		T(TUF_KEYCOMPROMISE_the_server_s_own_keys_install_nothing),
		T(REQ_SEC_ACCESS_CONTROL_rights_of_the_list_hold_on_the_device),
		T(TUF_ROLLBACK_a_floor_holds_on_the_device),
		T(TUF_FASTFORWARD_a_ceiling_leads_back_down),
		T(a_manifest_that_asks_for_a_list_gets_it_first),
		T(a_device_without_lists_refuses_what_asks_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
