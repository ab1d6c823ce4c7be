/* The sentences about campaigns, against a daemon that is a script. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/online.h"
#include "tests/cli/campaigns.h"
#include "tests/cli/script.h"

static struct cli pipe_cli, json_cli = {.json = true}, tty = {.tty = true};

#define PLAN16 "1011121314151617"
#define PLAN64 PLAN16 "18191a1b1c1d1e1f2021222324252627" "28292a2b2c2d2e2f"

/* --- plan --- */

static void
a_plan_is_waited_for_and_listed(void **state)
{
	struct msg_campaign busy = {.id = 7, .state = "draft",
	    .work = "plan", .work_done = 10, .work_total = 1000};
	struct msg_campaign m = a_plan();
	struct msg_plan first[] = {{.ep = "lamp-1", .verdict = "update",
	    .wave = 1}};
	struct msg_plan second[] = {{.ep = "lamp-2", .verdict = "there",
	    .text = "run it already"}};
	const struct step s[] = {
		ONE("POST a/campaigns {\"release\":\"3\",\"select\":"
		    "\"class == \\\"lamp\\\"\",\"policy\":\"soak=1h\"}", 201,
		    msg_campaign, &busy),
		ONE("GET a/campaigns/7 observe", 205, msg_campaign, &busy),
		ONE("GET a/campaigns/7", 205, msg_campaign, &m),
		PAGE("GET a/campaigns/7/plan?limit=200", msg_plan, first, 1,
		    "lamp-1"),
		PAGE("GET a/campaigns/7/plan?limit=200&after=lamp-1",
		    msg_plan, second, 1, NULL),
	};

	(void)state;
	assert_int_equal(PLAY(cmd_campaign_plan, &pipe_cli, s, "3",
	    "--class", "lamp", "--soak", "1h", "--list"), CLI_OK);
	assert_non_null(strstr(said, "will update  900 of 1000 devices\n"));
	assert_non_null(strstr(said, "lamp-1  1     -\n"
	    "lamp-2  -     run it already\n"
	    "start it: suitctl campaign start --plan " PLAN16 "\n"));
	assert_null(strchr(said, '\r')); /* no bar in a pipe */
	assert_int_equal(PLAY(cmd_campaign_plan, &json_cli, s, "3",
	    "--class", "lamp", "--soak", "1h", "--list"), CLI_OK);
	assert_memory_equal(said, "{\"campaign\":{\"id\":7,", 20);
	assert_non_null(strstr(said, "\"plan\":\"" PLAN64 "\""));
	assert_non_null(strstr(said, ",\"devices\":[\n{\"ep\":\"lamp-1\""));
	assert_int_equal(PLAY(cmd_campaign_plan, &tty, s, "3",
	    "--class", "lamp", "--soak", "1h", "--list"), CLI_OK);
	assert_non_null(strstr(said, "\r\033[Klooking at devices [........"
	    "......................] 10 of about 1000\r\033[Kcampaign "));
}

static void
a_plan_that_was_not_made_is_refused(void **state)
{
	struct msg_campaign m = {.id = 7, .state = "draft",
	    .cause = "the release was withdrawn"};
	const struct step s[] = {
		ONE("POST a/campaigns {\"release\":\"3\"}", 201,
		    msg_campaign, &m),
	};

	(void)state;
	assert_int_equal(PLAY(cmd_campaign_plan, &pipe_cli, s, "3"),
	    CLI_REFUSED);
	assert_non_null(strstr(said, "because      the release was with"));
}

static void
plan_and_start_in_one_go(void **state)
{
	struct msg_campaign m = a_plan();
	const struct step s[] = {
		ONE("POST a/campaigns {\"release\":\"3\",\"devices\":"
		    "[\"lamp-1\"],\"start\":true}", 201, msg_campaign, &m),
	};

	(void)state;
	strcpy(m.state, "running");
	assert_int_equal(PLAY(cmd_campaign_start, &pipe_cli, s, "3",
	    "--device", "lamp-1"), CLI_OK);
	assert_non_null(strstr(said, "2     440      48.9 %"));
	assert_non_null(strstr(said,
	    "follow it: suitctl campaign watch 7\n"));
	strcpy(m.state, "draft");
	assert_int_equal(PLAY(cmd_campaign_start, &pipe_cli, s, "3",
	    "--device", "lamp-1"), CLI_REFUSED);
	m.needs_approval = true; /* it waits for a word, and not in vain */
	assert_int_equal(PLAY(cmd_campaign_start, &pipe_cli, s, "3",
	    "--device", "lamp-1"), CLI_OK);
}

/* --- start --plan --- */

static void
a_plan_is_started_by_its_digest(void **state)
{
	struct msg_campaign m = a_plan(), busy = a_plan(), run = a_plan();
	const struct step s[] = {
		ONE("GET a/campaigns/101112131415", 205, msg_campaign, &m),
		ONE("POST a/campaigns/7/start {\"plan\":\"" PLAN64 "\"}", 204,
		    msg_campaign, &busy),
		ONE("GET a/campaigns/7 observe", 205, msg_campaign, &busy),
		ONE("GET a/campaigns/7", 205, msg_campaign, &run),
	};

	(void)state;
	strcpy(busy.work, "plan");
	strcpy(run.state, "running");
	assert_int_equal(PLAY(cmd_campaign_start, &pipe_cli, s, "--plan",
	    "101112131415"), CLI_OK);
	assert_non_null(strstr(said, "suitctl campaign watch 7\n"));
}

static void
a_fleet_that_has_changed_is_shown(void **state)
{
	struct msg_campaign m = a_plan(), other = a_plan();
	struct msg_plan diff[] = {
		{.ep = "lamp-1", .verdict = "update", .wave = 2,
		    .before = "there"},
		{.ep = "lamp-2", .verdict = "newer", .text = "runs newer",
		    .before = "update", .wave_before = 1},
		{.ep = "lamp-3", .before = "update", .wave_before = 3},
	};
	const struct step s[] = {
		ONE("GET a/campaigns/" PLAN16, 205, msg_campaign, &m),
		ONE("POST a/campaigns/7/start {\"plan\":\"" PLAN64 "\"}", 204,
		    msg_campaign, &other),
		PAGE("GET a/campaigns/7/diff?limit=200", msg_plan, diff, 3,
		    NULL),
	};

	(void)state;
	other.plan[0] = 0xff;
	strcpy(other.cause, "the fleet has changed");
	assert_int_equal(PLAY(cmd_campaign_start, &pipe_cli, s, "--plan",
	    PLAN16), CLI_REFUSED);
	assert_string_equal(said,
	    "not started  the fleet has changed\n"
	    "EP      WAS     IS\n"
	    "lamp-1  there   wave 2\n"
	    "lamp-2  wave 1  runs newer\n"
	    "lamp-3  wave 3  not there\n"
	    "3 devices are planned otherwise than before\n"
	    "start it: suitctl campaign start --plan ff11121314151617\n");
	assert_int_equal(PLAY(cmd_campaign_start, &json_cli, s, "--plan",
	    PLAN16), CLI_REFUSED);
	assert_non_null(strstr(said, ",\"changes\":[\n{\"ep\":\"lamp-1\""));
}

static void
many_changes_are_counted(void **state)
{
	static struct msg_plan diff[21];
	struct msg_campaign m = a_plan(), other = a_plan();
	const struct step s[] = {
		ONE("GET a/campaigns/" PLAN16, 205, msg_campaign, &m),
		ONE("POST a/campaigns/7/start {\"plan\":\"" PLAN64 "\"}", 204,
		    msg_campaign, &other),
		PAGE("GET a/campaigns/7/diff?limit=200", msg_plan, diff, 21,
		    NULL),
	};

	(void)state;
	other.plan[0] = 0xff;
	for (int i = 0; i < 21; i++)
		snprintf(diff[i].ep, sizeof(diff[i].ep), "lamp-%02d", i);
	assert_int_equal(PLAY(cmd_campaign_start, &pipe_cli, s, "--plan",
	    PLAN16), CLI_REFUSED);
	assert_non_null(strstr(said, "lamp-19"));
	assert_null(strstr(said, "lamp-20"));
	assert_non_null(strstr(said, "and 1 more"));
	assert_non_null(strstr(said, "21 devices are planned otherwise"));
	assert_int_equal(PLAY(cmd_campaign_start, &pipe_cli, s, "--plan",
	    PLAN16, "--list"), CLI_REFUSED);
	assert_non_null(strstr(said, "lamp-20"));
}

static void
another_plan_is_never_started(void **state)
{
	struct msg_campaign m = a_plan();
	const struct step s[] = {
		ONE("GET a/campaigns/101112131499", 205, msg_campaign, &m),
	};

	(void)state;
	assert_int_equal(PLAY(cmd_campaign_start, &pipe_cli, s, "--plan",
	    "101112131499"), CLI_REFUSED);
	assert_int_equal(PLAY(cmd_campaign_approve, &pipe_cli, s, "--plan",
	    "101112131499"), CLI_REFUSED);
	assert_int_equal(PLAY_ALONE(cmd_campaign_start, &pipe_cli, "--plan",
	    "10111213141"), CLI_USAGE);
	assert_int_equal(PLAY_ALONE(cmd_campaign_start, &pipe_cli, "--plan",
	    PLAN64 "0"), CLI_USAGE);
	assert_int_equal(PLAY_ALONE(cmd_campaign_start, &pipe_cli, "--plan",
	    PLAN16, "3"), CLI_USAGE);
	assert_int_equal(PLAY_ALONE(cmd_campaign_start, &pipe_cli, "--plan",
	    PLAN16, "--soak", "1h"), CLI_USAGE);
	assert_int_equal(PLAY_ALONE(cmd_campaign_plan, &pipe_cli, "--plan",
	    PLAN16), CLI_USAGE);
}

/* --- actions --- */

static void
actions_say_what_was_seen(void **state)
{
	struct msg_campaign m = a_run();
	const struct step next[] = {
		ONE("GET a/campaigns/7", 205, msg_campaign, &m),
		ONE("POST a/campaigns/7/next {\"wave\":2}", 204,
		    msg_campaign, &m),
	};
	const struct step pause[] = {
		ONE("POST a/campaigns/7/pause {}", 204, msg_campaign, &m),
	};

	(void)state;
	assert_int_equal(PLAY(cmd_campaign_next, &pipe_cli, next, "7"),
	    CLI_OK);
	assert_int_equal(PLAY(cmd_campaign_pause, &pipe_cli, pause, "7"),
	    CLI_OK);
}

/* What goes the way back is told of, or who has to say yes to it. */
static void
a_roll_back_says_what_comes(void **state)
{
	struct msg_campaign m = a_run(), next = a_run(), waits = a_plan();
	const struct step goes[] = {
		ONE("POST a/campaigns/7/rollback {\"release\":\"4\"}", 204,
		    msg_campaign, &m),
		ONE("GET a/campaigns/9", 205, msg_campaign, &next),
	}, held[] = {
		ONE("POST a/campaigns/7/rollback {\"release\":\"4\"}", 204,
		    msg_campaign, &m),
		ONE("GET a/campaigns/9", 205, msg_campaign, &waits),
	};

	(void)state;
	strcpy(m.state, "aborted");
	m.follower = next.id = waits.id = 9;
	waits.needs_approval = true;
	assert_int_equal(PLAY(cmd_campaign_rollback, &pipe_cli, goes, "7",
	    "4"), CLI_OK);
	assert_non_null(strstr(said, "suitctl campaign watch 9\n"));
	assert_int_equal(PLAY(cmd_campaign_rollback, &pipe_cli, held, "7",
	    "4"), CLI_OK);
	assert_non_null(strstr(said, "suitctl campaign approve --plan "));
}

static void
a_long_answer_to_an_action_is_fetched(void **state)
{
	struct msg_campaign m = a_run();
	const struct step s[] = {
		{.ask = "POST a/campaigns/7/pause {}", .code = 204,
		    .more = true},
		ONE("GET a/campaigns/7", 205, msg_campaign, &m),
	};

	(void)state;
	assert_int_equal(PLAY(cmd_campaign_pause, &pipe_cli, s, "7"),
	    CLI_OK);
	assert_non_null(strstr(said, "campaign     7 "));
}

static void
a_hard_abort_wants_a_yes(void **state)
{
	struct msg_campaign m = a_run();
	const struct step ask[] = {
		ONE("GET a/campaigns/7", 205, msg_campaign, &m),
	};
	const struct step yes[] = {
		ONE("POST a/campaigns/7/abort {\"hard\":true}", 204,
		    msg_campaign, &m),
	};
	const struct step soft[] = {
		ONE("POST a/campaigns/7/abort {}", 204, msg_campaign, &m),
	};
	int in = dup(STDIN_FILENO), null = open("/dev/null", O_RDONLY);

	(void)state;
	dup2(null, STDIN_FILENO); /* nobody there to be asked */
	assert_int_equal(PLAY(cmd_campaign_abort, &pipe_cli, ask, "7",
	    "--hard"), CLI_USAGE);
	assert_int_equal(PLAY(cmd_campaign_abort, &pipe_cli, yes, "7",
	    "--hard", "--yes"), CLI_OK);
	assert_int_equal(PLAY(cmd_campaign_abort, &pipe_cli, soft, "7"),
	    CLI_OK);
	dup2(in, STDIN_FILENO);
	close(in);
	close(null);
}

static void
a_job_is_retried_by_number_or_device(void **state)
{
	struct msg_job j = a_job("lamp-1", "queued");
	struct msg_device d = {.ep = "41", .have_job = true, .job = j};
	struct msg_device idle = {.ep = "lamp-2"};
	const struct step number[] = {
		ONE("POST a/jobs/41/retry", 204, msg_job, &j),
	};
	const struct step name[] = {
		ONE("GET a/devices/lamp-1", 205, msg_device, &d),
		ONE("POST a/jobs/41/retry", 204, msg_job, &j),
	};
	const struct step named_so[] = {
		{.ask = "POST a/jobs/35/retry", .code = 404},
		ONE("GET a/devices/35", 205, msg_device, &d),
		ONE("POST a/jobs/41/retry", 204, msg_job, &j),
	};
	const struct step none[] = {
		ONE("GET a/devices/lamp-2", 205, msg_device, &idle),
	};

	(void)state;
	assert_int_equal(PLAY(cmd_job_retry, &pipe_cli, number, "41"),
	    CLI_OK);
	assert_int_equal(PLAY(cmd_job_retry, &pipe_cli, name, "lamp-1"),
	    CLI_OK);
	assert_int_equal(PLAY(cmd_job_retry, &pipe_cli, named_so, "35"),
	    CLI_OK);
	assert_string_equal(said, "job          41 of lamp-1 is queued\n");
	assert_int_equal(PLAY(cmd_job_retry, &pipe_cli, none, "lamp-2"),
	    CLI_REFUSED);
}

static void
devices_are_selected_and_revoked(void **state)
{
	struct msg_device d = {.ep = "lamp-1", .revoked = true};
	char where[LIMIT_SELECT + 2], want[LIMIT_SELECT + 64];
	const struct step list[] = {
		PAGE(want, msg_device, &d, 1, NULL),
	};
	const struct step revoke[] = {
		ONE("POST a/devices/lamp-1/revoke", 204, msg_device, &d),
	};

	(void)state;
	memset(where, 'x', sizeof(where));
	where[LIMIT_SELECT + 1] = '\0';
	assert_int_equal(PLAY_ALONE(cmd_device_list, &pipe_cli, "--where",
	    where), CLI_USAGE);
	where[LIMIT_SELECT] = '\0';
	/* a character that the end of the first option would cut in two */
	memcpy(where + LIMIT_URI - 7, "\xc3\xa9", 2);
	snprintf(want, sizeof(want), "GET a/devices?where=%.*s&where=%.*s&"
	    "where=%s&limit=200", LIMIT_URI - 7, where, LIMIT_URI - 6,
	    where + LIMIT_URI - 7, where + 2 * LIMIT_URI - 13);
	assert_int_equal(PLAY(cmd_device_list, &pipe_cli, list, "--where",
	    where), CLI_OK);
	assert_non_null(strstr(said, "revoked"));
	assert_int_equal(PLAY(cmd_device_revoke, &pipe_cli, revoke,
	    "lamp-1"), CLI_OK);
	assert_non_null(strstr(said, "suitctl device restore"));
}

/* --- show and watch --- */

static void
show_has_the_slowest_and_the_stuck(void **state)
{
	struct msg_campaign m = a_run();
	struct msg_job j[6];
	const struct step s[] = {
		ONE("GET a/campaigns/7", 205, msg_campaign, &m),
		PAGE("GET a/campaigns/7/jobs?which=slow&limit=5", msg_job, j,
		    6, "x"), /* more than asked for, and another page */
		PAGE("GET a/campaigns/7/jobs?which=stuck&limit=5", msg_job,
		    j, 0, NULL),
	};
	const struct step all[] = {
		ONE("GET a/campaigns/7", 205, msg_campaign, &m),
		PAGE("GET a/campaigns/7/jobs?limit=200", msg_job, j, 6, NULL),
	};

	(void)state;
	for (int i = 0; i < 6; i++) {
		j[i] = a_job("lamp-0", "fetching");
		j[i].ep[5] = (char)('0' + i);
	}
	assert_int_equal(PLAY(cmd_campaign_show, &pipe_cli, s, "7"), CLI_OK);
	assert_non_null(strstr(said, "slowest:\n"));
	assert_non_null(strstr(said, "lamp-4"));
	assert_null(strstr(said, "lamp-5"));
	assert_null(strstr(said, "stuck"));
	assert_int_equal(PLAY(cmd_campaign_show, &json_cli, all, "7",
	    "--jobs"), CLI_OK);
	assert_non_null(strstr(said, ",\"jobs\":[\n{\"id\":41"));
}

static void
the_plan_of_a_started_one_is_no_half_document(void **state)
{
	struct msg_campaign m = a_run();
	const struct step s[] = {
		ONE("GET a/campaigns/7", 205, msg_campaign, &m),
	};

	(void)state;
	assert_int_equal(PLAY(cmd_campaign_show, &json_cli, s, "7", "--plan"),
	    CLI_REFUSED);
	assert_int_equal(said_n, 0);
}

static void
watch_outlives_its_daemon_for_a_while(void **state)
{
	struct msg_campaign run = a_run(), over = a_run();
	const struct step none[] = {{.ask = "GET a/campaigns/7 observe"}};
	const struct step back[] = {
		ONE("GET a/campaigns/7 observe", 205, msg_campaign, &run),
		{.ask = "GET a/campaigns/7"},
		{.ask = "GET a/campaigns/7 observe"},
		ONE("GET a/campaigns/7 observe", 205, msg_campaign, &over),
	};

	(void)state;
	strcpy(over.state, "finished");
	over.counts.failed = 0;
	assert_int_equal(PLAY(cmd_campaign_watch, &pipe_cli, none, "7"),
	    CLI_UNREACHABLE); /* it never was there */
	assert_int_equal(PLAY(cmd_campaign_watch, &pipe_cli, back, "7"),
	    CLI_OK);
}

static void
watch_ends_with_the_campaign(void **state)
{
	struct msg_campaign run = a_run(), over = a_run();
	const struct step s[] = {
		ONE("GET a/campaigns/7 observe", 205, msg_campaign, &run),
		ONE("GET a/campaigns/7", 205, msg_campaign, &run),
		ONE("GET a/campaigns/7", 205, msg_campaign, &over),
	};
	size_t lines = 0;

	(void)state;
	strcpy(over.state, "finished");
	assert_int_equal(PLAY(cmd_campaign_watch, &pipe_cli, s, "7"),
	    CLI_REFUSED); /* 3 have failed */
	for (const char *p = said; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 2); /* the second said nothing new */
	assert_int_equal(PLAY(cmd_campaign_watch, &json_cli, s, "7"),
	    CLI_REFUSED);
	over.counts.failed = 0;
	assert_int_equal(PLAY(cmd_campaign_watch, &pipe_cli, s, "7"),
	    CLI_OK);
	strcpy(over.state, "aborted");
	assert_int_equal(PLAY(cmd_campaign_watch, &pipe_cli, s, "7"),
	    CLI_REFUSED);
}

static void
watch_asks_for_the_slow_ones_now_and_then(void **state)
{
	struct msg_campaign run = a_run(), over = a_run();
	struct msg_job j = a_job("lamp-1", "fetching");
	const struct step s[] = {
		ONE("GET a/campaigns/7 observe", 205, msg_campaign, &run),
		PAGE("GET a/campaigns/7/jobs?which=slow&limit=5", msg_job,
		    &j, 1, NULL),
		PAGE("GET a/campaigns/7/jobs?which=stuck&limit=5", msg_job,
		    &j, 1, NULL),
		ONE("GET a/campaigns/7", 205, msg_campaign, &run),
		ONE("GET a/campaigns/7", 205, msg_campaign, &over),
	};

	(void)state;
	strcpy(over.state, "finished");
	over.counts.failed = 0;
	assert_int_equal(PLAY(cmd_campaign_watch, &tty, s, "7"), CLI_OK);
	assert_non_null(strstr(said, "\033[J\033["));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_is_waited_for_and_listed),
		cmocka_unit_test(a_plan_that_was_not_made_is_refused),
		cmocka_unit_test(plan_and_start_in_one_go),
		cmocka_unit_test(a_plan_is_started_by_its_digest),
		cmocka_unit_test(a_fleet_that_has_changed_is_shown),
		cmocka_unit_test(many_changes_are_counted),
		cmocka_unit_test(another_plan_is_never_started),
		cmocka_unit_test(actions_say_what_was_seen),
		cmocka_unit_test(a_roll_back_says_what_comes),
		cmocka_unit_test(a_long_answer_to_an_action_is_fetched),
		cmocka_unit_test(a_hard_abort_wants_a_yes),
		cmocka_unit_test(a_job_is_retried_by_number_or_device),
		cmocka_unit_test(devices_are_selected_and_revoked),
		cmocka_unit_test(show_has_the_slowest_and_the_stuck),
		cmocka_unit_test(the_plan_of_a_started_one_is_no_half_document),
		cmocka_unit_test(watch_outlives_its_daemon_for_a_while),
		cmocka_unit_test(watch_ends_with_the_campaign),
		cmocka_unit_test(watch_asks_for_the_slow_ones_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
