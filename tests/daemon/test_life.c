/* What systemd hears of a daemon that runs. */
#include "tests/daemon/life_signal.h"

static void
status_moves_once_in_ten_seconds_and_only_then(void **state)
{
	(void)state;
	device(&w, "n1", DRIVER_NONE);
	ticks(9500);
	assert_string_equal(heard(), "");
	ticks(500);
	said("STATUS=serving 1 device, 0 campaigns");
	ticks(60000);
	assert_string_equal(heard(), "");
	for (int i = 2; i <= 1200; i++) {
		char ep[16];

		snprintf(ep, sizeof(ep), "n%d", i);
		device(&w, ep, DRIVER_NONE);
	}
	ticks(500);
	said("STATUS=serving 1 200 devices, ");
}

static void
nobody_asked_for_a_watchdog(void **state)
{
	(void)state;
	ticks(60000);
	assert_string_equal(heard(), "");
}

static unsigned
fed(int64_t ms)
{
	unsigned n = 0;

	ticks(ms);
	while (strcmp(heard(), "WATCHDOG=1") == 0)
		n++;
	return n;
}

static void
the_watchdog_is_fed_twice_a_period(void **state)
{
	(void)state;
	life_free(life);
	setenv("WATCHDOG_USEC", "30000000", 1);
	begin();
	life_ready(life);
	said("READY=1");
	ticks(500);
	said("WATCHDOG=1");
	assert_in_range(fed(60000), 4, 5);
	blocks++;
	ticks(500);
	signal_comes(SIGTERM);
	said("STOPPING=1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(status_moves_once_in_ten_seconds_and_only_then),
		T(nobody_asked_for_a_watchdog),
		T(the_watchdog_is_fed_twice_a_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
