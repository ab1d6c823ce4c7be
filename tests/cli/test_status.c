/* status, against a daemon that is a script. */
#include <string.h>

#include "cli/online.h"
#include "tests/cli/script.h"

static struct cli text_cli, json_cli = {.json = true};
static struct msg_status st;

static const struct step asking[] = {
	ONE("GET a/status", 205, msg_status, &st),
};

static int
setup(void **state)
{
	(void)state;
	st = (struct msg_status){.version = "1.2", .now = 7200000,
	    .lag_turns = 1, .image_workers = 2, .image_slow = 3,
	    .image_dropped = 4, .image_peers = 5, .image_evicted = 6,
	    .images_mapped = 7};
	return 0;
}

static void
the_image_plane_is_told_in_words(void **state)
{
	(void)state;
	assert_int_equal(PLAY(cmd_status, &text_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "2 workers, 7 images mapped, 3 requests "
	    "left to the main loop, 4 dropped\n"));
	assert_non_null(strstr(said, "5 downloads noted, 6 forgotten for "
	    "newer ones\n"));
}

static void
without_workers_there_is_nothing_to_tell(void **state)
{
	(void)state;
	st.image_workers = 0;
	assert_int_equal(PLAY(cmd_status, &text_cli, asking, NULL), CLI_OK);
	assert_null(strstr(said, "workers"));
	assert_null(strstr(said, "noted"));
}

static void
a_reload_and_a_drain_are_told(void **state)
{
	(void)state;
	assert_int_equal(PLAY(cmd_status, &text_cli, asking, NULL), CLI_OK);
	assert_null(strstr(said, "eloaded"));
	assert_null(strstr(said, "DRAINING"));
	st.reloaded = st.now - 60000;
	strcpy(st.reload, "2 keys changed");
	strcpy(st.state, "ready");
	assert_int_equal(PLAY(cmd_status, &text_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "reloaded "));
	assert_non_null(strstr(said, " ago: 2 keys changed\n"));
	assert_null(strstr(said, "DRAINING"));
	st.reload_failed = true;
	strcpy(st.state, "draining");
	assert_int_equal(PLAY(cmd_status, &text_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "NOT RELOADED "));
	assert_non_null(strstr(said, "DRAINING "));
}

static void
what_waits_and_what_is_left_is_told(void **state)
{
	(void)state;
	st.campaigns = 3;
	st.campaigns_running = 1;
	st.downloads = 2;
	st.slots = 3;
	st.slots_limit = 4;
	assert_int_equal(PLAY(cmd_status, &text_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "3 (1 running)\n"));
	assert_non_null(strstr(said, "2 in sight, 3 of 4 slots taken\n"));
	assert_non_null(strstr(said, "0 due, 0 rest after a failure\n"));
	st.campaigns_paused = 2;
	st.due = 4;
	st.oldest_due = st.now - 180000;
	st.backoff = 5;
	st.database_bytes = 2048;
	st.images = 7;
	st.image_bytes = 3072;
	st.image_bytes_limit = 4096;
	st.disk_free = 1024;
	st.disk_size = 8192;
	assert_int_equal(PLAY(cmd_status, &text_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "3 (1 running, 2 paused)\n"));
	assert_non_null(strstr(said, "4 due, the oldest for 3m, 5 rest after "
	    "a failure\n"));
	assert_non_null(strstr(said, "database 2.0 KiB, 7 images 3.0 KiB of "
	    "4.0 KiB, free 1.0 KiB of 8.0 KiB\n"));
}

static void
every_address_is_told_or_that_it_is_off(void **state)
{
	(void)state;
	strcpy(st.admin, "127.0.0.1:1");
	assert_int_equal(PLAY(cmd_status, &text_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "coap off, coaps off, tcp off, tls off, "
	    "oscore off, admin 127.0.0.1:1, http off\n"));
}

/* A program need not know which of them are left out when they are 0. */
static void
programs_read_zeros_too(void **state)
{
	static const char *const names[] = {"ahead", "backup", "due",
	    "lag_over", "image_dropped", "disk_free", "http", "reload_failed",
	    "tls_until", "why"};

	(void)state;
	assert_int_equal(PLAY(cmd_status, &json_cli, asking, NULL), CLI_OK);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char want[40];

		snprintf(want, sizeof(want), "\"%s\":", names[i]);
		assert_non_null(strstr(said, want));
	}
}

static void
programs_read_it_by_name(void **state)
{
	(void)state;
	assert_int_equal(PLAY(cmd_status, &json_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "\"image_workers\":2,\"image_slow\":3,"
	    "\"image_dropped\":4,\"image_peers\":5,\"image_evicted\":6,"
	    "\"images_mapped\":7"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_image_plane_is_told_in_words),
		T(without_workers_there_is_nothing_to_tell),
		T(a_reload_and_a_drain_are_told),
		T(what_waits_and_what_is_left_is_told),
		T(every_address_is_told_or_that_it_is_off),
		T(programs_read_zeros_too),
		T(programs_read_it_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
