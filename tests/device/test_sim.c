/*
 * The fleet's faults: what the command line takes, who is dealt what, and
 * who sleeps when. Time is a number here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "device/sim.h"

#define FLEET 10000

static struct sim_args a;

/* The clock belongs to suitsim.c, which has a main of its own. */
int64_t
sim_now(const struct sim *s)
{
	(void)s;
	return 0;
}

/* As the command line would be read: with an option, or with two more. */
static int
parse(const char *opt, const char *value, const char *more)
{
	char *argv[] = {"suitsim", "--list-devices", (char *)opt,
	    (char *)value, (char *)more, (char *)(more ? value : NULL), NULL};
	int argc = 2, err, out = dup(2);

	while (argv[argc] != NULL)
		argc++;
	optind = 0;
	assert_non_null(freopen("/dev/null", "w", stderr));
	err = sim_args_parse(argc, argv, &a);
	fflush(stderr);
	assert_int_equal(dup2(out, 2), 2);
	close(out);
	return err;
}

static void
options_take_what_they_say_and_no_more(void **state)
{
	static const struct {
		const char *opt, *value;
		bool ok;
	} t[] = {
	    {"--brick", "2%", true}, {"--brick", "0.02", true},
	    {"--brick", "0", true}, {"--brick", "100%", true},
	    {"--brick", "1", true}, {"--brick", "101%", false},
	    {"--brick", "-1%", false}, {"--brick", "x", false},
	    {"--brick", "%", false}, {"--brick", "", false},
	    {"--bad-boot", "5%", true}, {"--bad-boot", "5%%", false},
	    {"--mute", "30%", true}, {"--mute", "nan", false},
	    {"--sleep", "82800/3600", true}, {"--sleep", "0.5/0.1", true},
	    {"--sleep", "10", false}, {"--sleep", "10/", false},
	    {"--sleep", "/10", false}, {"--sleep", "10/0", false},
	    {"--sleep", "0/10", false}, {"--sleep", "1e6/1e6", true},
	    {"--sleep", "1000001/1", false}, {"--sleep", "1/1/1", false},
	    {"--boot-spread", "1", true}, {"--boot-spread", "86400", true},
	    {"--boot-spread", "0", false}, {"--boot-spread", "86401", false},
	    {"--single-slot", NULL, true}, {"--attest", "d", true},
	    {"--attest-nonce", NULL, false},
	    {"--loss", "100%", false}, {"--loss", "99%", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		int err = parse(t[i].opt, t[i].value, NULL);

		if ((err == 0) != t[i].ok)
			fail_msg("%s %s: %d", t[i].opt, t[i].value, err);
	}
	assert_int_equal(parse("--sleep", "82800/3600", NULL), 0);
	assert_true(a.sleep_s == 82800 && a.awake_s == 3600);
	assert_int_equal(parse("--brick", "2%", NULL), 0);
	assert_true(a.share[SIM_BRICK] == 0.02);
	assert_int_equal(parse("--boot-spread", "7", NULL), 0);
	assert_int_equal(a.boot_spread, 7);
}

static void
shares_are_of_one_fleet(void **state)
{
	(void)state;
	assert_int_equal(parse("--brick", "50%", "--mute"), 0);
	assert_int_equal(parse("--brick", "51%", "--mute"), ERR_INVALID);
	assert_int_equal(parse("--bad-boot", "51%", "--mute"), ERR_INVALID);
}

static void
each_device_has_one_fault_at_most_in_its_share(void **state)
{
	static enum sim_fault first[FLEET];
	unsigned n[SIM_FAULTS] = {0}, moved = 0;

	(void)state;
	a = (struct sim_args){.seed = 7, .share = {[SIM_BRICK] = 0.02,
	    [SIM_BAD_BOOT] = 0.05, [SIM_MUTE] = 0.3}};
	for (unsigned i = 0; i < FLEET; i++) {
		first[i] = sim_fault_draw(&a, i);
		n[first[i]]++;
	}
	assert_in_range(n[SIM_BRICK], 150, 250);
	assert_in_range(n[SIM_BAD_BOOT], 420, 580);
	assert_in_range(n[SIM_MUTE], 2800, 3200);
	for (unsigned i = 0; i < FLEET; i++) /* the seed decides */
		assert_int_equal(sim_fault_draw(&a, i), first[i]);
	a.seed = 8;
	for (unsigned i = 0; i < FLEET; i++)
		moved += sim_fault_draw(&a, i) != first[i];
	assert_true(moved > 1000);
}

static void
none_is_nobody_and_all_is_everybody(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FLEET; i++) {
		a = (struct sim_args){.seed = 1};
		assert_int_equal(sim_fault_draw(&a, i), SIM_SOUND);
		a.share[SIM_MUTE] = 1;
		assert_int_equal(sim_fault_draw(&a, i), SIM_MUTE);
	}
}

static void
each_fault_has_its_end(void **state)
{
	(void)state;
	a = (struct sim_args){.seed = 1};
	assert_int_equal(sim_fault_end(&a, SIM_SOUND), SIM_UPDATED);
	assert_int_equal(sim_fault_end(&a, SIM_BRICK), SIM_BRICKED);
	assert_int_equal(sim_fault_end(&a, SIM_BAD_BOOT), SIM_ROLLED_BACK);
	assert_int_equal(sim_fault_end(&a, SIM_MUTE), SIM_MUTED);
	a.single_slot = true;
	assert_int_equal(sim_fault_end(&a, SIM_BAD_BOOT), SIM_RECOVERY);
	assert_int_equal(sim_fault_end(&a, SIM_SOUND), SIM_UPDATED);
}

/* The milliseconds that a device sleeps out of a whole number of periods. */
static int64_t
slept(unsigned index, int64_t periods)
{
	const int64_t period =
	    (int64_t)((a.sleep_s + a.awake_s) * 1000);
	int64_t until, sum = 0;

	for (int64_t t = 0; t < periods * period; t += 50)
		if (sim_asleep(&a, index, t, &until)) {
			assert_in_range(until, t + 1, t +
			    (int64_t)(a.sleep_s * 1000));
			sum += 50;
		}
	return sum;
}

static void
a_device_sleeps_for_its_share_of_each_period(void **state)
{
	unsigned asleep = 0;
	int64_t until;

	(void)state;
	a = (struct sim_args){.seed = 1, .sleep_s = 230, .awake_s = 10};
	for (unsigned i = 0; i < 20; i++)
		assert_in_range(slept(i, 3), 3 * 230000 - 150,
		    3 * 230000 + 150);
	/* not in step: the fleet is asleep by the same share at once */
	for (unsigned i = 0; i < FLEET; i++)
		asleep += sim_asleep(&a, i, 0, &until);
	assert_in_range(asleep, FLEET * 94 / 100, FLEET * 98 / 100);
}

static void
who_wakes_is_awake_and_who_need_not_sleep_never_does(void **state)
{
	int64_t until;

	(void)state;
	a = (struct sim_args){.seed = 1, .sleep_s = 82800, .awake_s = 3600};
	for (unsigned i = 0; i < FLEET; i++)
		if (sim_asleep(&a, i, 0, &until)) {
			assert_false(sim_asleep(&a, i, until, &until));
			assert_false(sim_asleep(&a, i, until + 3599999,
			    &until));
			assert_true(sim_asleep(&a, i, until + 3600000,
			    &until));
		}
	a.sleep_s = 0;
	for (unsigned i = 0; i < FLEET; i++)
		assert_false(sim_asleep(&a, i, i * 1000, &until));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_take_what_they_say_and_no_more),
	    cmocka_unit_test(shares_are_of_one_fleet),
	    cmocka_unit_test(each_device_has_one_fault_at_most_in_its_share),
	    cmocka_unit_test(none_is_nobody_and_all_is_everybody),
	    cmocka_unit_test(each_fault_has_its_end),
	    cmocka_unit_test(a_device_sleeps_for_its_share_of_each_period),
	    cmocka_unit_test(
		who_wakes_is_awake_and_who_need_not_sleep_never_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
