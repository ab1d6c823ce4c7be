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
		T(programs_read_it_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
