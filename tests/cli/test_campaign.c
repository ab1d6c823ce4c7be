#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cli/watch.h"
#include "tests/cli/campaigns.h"

/* --- what is printed, as a text --- */

static char *printed;
static size_t printed_n;

static FILE *
begin(void)
{
	free(printed);
	printed = NULL;
	return open_memstream(&printed, &printed_n);
}

static const char *
end(FILE *f)
{
	fclose(f);
	return printed;
}

static int
teardown(void **state)
{
	(void)state;
	free(printed);
	printed = NULL;
	return 0;
}

/* --- plan --- */

static void
a_plan_says_who_when_and_why_not(void **state)
{
	struct msg_campaign m = a_plan();
	FILE *f = begin();

	(void)state;
	campaign_facts(f, &m);
	campaign_plan(f, &m);
	campaign_next(f, &m);
	assert_string_equal(end(f),
	    "campaign     7 spring, draft\n"
	    "release      3, sequence 12\n"
	    "devices      class == \"lamp\"\n"
	    "rules        waves=1%,50%,100% window=\"22:00-05:00\"\n"
	    "plan         1011121314151617\n"
	    "planned      by alice, 2025-11-24 15:00:00 UTC\n"
	    "will update  900 of 1000 devices\n"
	    "WAVE  DEVICES  SHARE   CUMULATIVE\n"
	    "1     10       1.1 %   1.1 %\n"
	    "2     440      48.9 %  50.0 %\n"
	    "3     450      50.0 %  100.0 %\n"
	    "DEVICES  WILL NOT, BECAUSE\n"
	    "60       run it already\n"
	    "40       revoked\n"
	    "start it: suitctl campaign start --plan 1011121314151617\n");
}

static void
an_empty_plan_has_no_tables(void **state)
{
	struct msg_campaign m = a_plan();
	FILE *f = begin();

	(void)state;
	m.verdict_count = m.wave_count = 0;
	campaign_plan(f, &m);
	assert_string_equal(end(f), "will update  0 of 0 devices\n");
}

static void
the_next_sentence_fits_the_state(void **state)
{
	struct msg_campaign m = a_plan();
	FILE *f = begin();

	(void)state;
	m.needs_approval = true;
	campaign_next(f, &m);
	assert_string_equal(end(f), "a second operator approves it: suitctl "
	    "campaign approve --plan 1011121314151617\n"
	    "and then it can be started: suitctl campaign start --plan "
	    "1011121314151617\n");
	strcpy(m.approved, "bob");
	f = begin();
	campaign_next(f, &m);
	assert_string_equal(end(f), "start it: suitctl campaign start --plan "
	    "1011121314151617\n");
	strcpy(m.state, "running");
	f = begin();
	campaign_next(f, &m);
	assert_string_equal(end(f), "follow it: suitctl campaign watch 7\n");
	m.follower = 9;
	f = begin();
	campaign_next(f, &m);
	assert_string_equal(end(f), "follow the way back: suitctl campaign "
	    "watch 9\n");
	m = (struct msg_campaign){.state = "draft"};
	f = begin();
	campaign_next(f, &m);
	assert_string_equal(end(f), "");
}

/* --- show --- */

static void
a_campaign_is_shown(void **state)
{
	struct msg_campaign m = a_run();
	FILE *f = begin();

	(void)state;
	campaign_show(f, &m, NOW);
	assert_string_equal(end(f),
	    "campaign     7 \\x1b[2Jx, running\n"
	    "release      3, sequence 12\n"
	    "devices      class == \"lamp\"\n"
	    "rules        waves=1%,50%,100% window=\"22:00-05:00\"\n"
	    "plan         1011121314151617\n"
	    "planned      by alice, 2025-11-24 15:00:00 UTC\n"
	    "approved     by bob\n"
	    "started      2025-11-24 15:30:00 UTC\n"
	    "jobs         [................] 42/900 done (L2 30, L1 "
	    "12), 851 waiting, 4 active, 3 failed (L0)\n"
	    "gate         35 of 44 attempted\n"
	    "rests on     evidence of grade L0 at the weakest\n"
	    "on hold      the window is closed, until 2025-11-24 16:10:00 UTC "
	    "(in 10m)\n"
	    "rate         120 devices an hour\n"
	    "ETA          in 7h, 2025-11-24 23:00:00 UTC: the last hour\n"
	    "WAVE  DEVICES  STATE   DONE   ACTIVE  RETRY  ASLEEP  BROKE  "
	    "UNREACHABLE\n"
	    "1     10       passed  9 L1   0       0      0       1      0      "
	    "      [##################..]\n"
	    "2     440      open    33 L2  4       3      2       0      2      "
	    "      [#...................]\n"
	    "3     450      closed  0      0       0      0       0      0      "
	    "      [....................]\n"
	    "DEVICES  FAILURE    THEN         REASON\n"
	    "1        execution  given up     did not boot\n"
	    "5        transport  tried again  silent\n");
	assert_null(strchr(printed, '\033'));
}

static void
bars_take_what_the_width_leaves(void **state)
{
	const struct {
		unsigned columns;
		const char *bar;
	} row[] = {
		{0, NULL}, {79, NULL}, {80, "[###.]"},
		{82, "[#####.]"}, {96, "[##################..]"},
		{300, "[##################..]"},
	};
	struct msg_campaign m = a_run();
	FILE *f;

	(void)state;
	m.wave_count = 1;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		f = begin();
		campaign_waves(f, &m, row[i].columns);
		end(f);
		if (row[i].bar == NULL)
			assert_null(strchr(printed, '['));
		else
			assert_non_null(strstr(printed, row[i].bar));
		assert_int_equal(strcspn(printed, "\n") <= 76, true);
	}
}

static void
failures_have_a_limit(void **state)
{
	struct msg_campaign m = a_run();
	FILE *f = begin();

	(void)state;
	campaign_failures(f, &m, 1);
	assert_string_equal(end(f), "DEVICES  FAILURE    THEN      REASON\n"
	    "1        execution  given up  did not boot\n"
	    "and 1 more reasons\n");
	m.failure_count = 0;
	f = begin();
	campaign_failures(f, &m, 1);
	assert_string_equal(end(f), "");
}

/* --- watch --- */

static void
a_frame_has_it_all(void **state)
{
	struct msg_campaign m = a_run();
	struct notable slow = {1, {a_job("lamp-1", "fetching")}};
	struct notable stuck = {2, {a_job("lamp-\xe2\x80\xae", "queued"),
	    a_job("lamp-3", "queued")}};
	struct watch_view v = {&m, &slow, &stuck, NOW, 80};
	FILE *f = begin();

	(void)state;
	slow.job[0].done = 1;
	slow.job[0].total = 4;
	strcpy(stuck.job[0].text, "no answer");
	stuck.job[0].due = NOW + 60000;
	watch_frame(f, &v);
	assert_string_equal(end(f),
	    "campaign     7 \\x1b[2Jx, running, release 3, sequence 12\n"
	    "jobs         [................] 42/900 done (L2 30, L1 "
	    "12), 851 waiting, 4 active, 3 failed (L0)\n"
	    "gate         35 of 44 attempted\n"
	    "rests on     evidence of grade L0 at the weakest\n"
	    "on hold      the window is closed, until 2025-11-24 16:10:00 UTC "
	    "(in 10m)\n"
	    "rate         120 devices an hour\n"
	    "ETA          in 7h, 2025-11-24 23:00:00 UTC: the last hour\n"
	    "WAVE  DEVICES  STATE   DONE   ACTIVE  RETRY  ASLEEP  BROKE  "
	    "UNREACHABLE\n"
	    "1     10       passed  9 L1   0       0      0       1      0      "
	    "      [###.]\n"
	    "2     440      open    33 L2  4       3      2       0      2      "
	    "      [....]\n"
	    "3     450      closed  0      0       0      0       0      0      "
	    "      [....]\n"
	    "DEVICES  FAILURE    THEN         REASON\n"
	    "1        execution  given up     did not boot\n"
	    "5        transport  tried again  silent\n"
	    "slowest:\n"
	    "JOB  EP      WAVE  STATE         ATTEMPT  SINCE  DUE  REASON\n"
	    "41   lamp-1  2     fetching 25%  2        5m     -    -\n"
	    "stuck:\n"
	    "JOB  EP             WAVE  STATE   ATTEMPT  SINCE  DUE     REASON\n"
	    "41   lamp-\\u{202e}  2     queued  2        5m     in 60s  no "
	    "answer\n"
	    "41   lamp-3         2     queued  2        5m     -       -\n");
	strcpy(m.state, "finished");
	f = begin();
	watch_frame(f, &v);
	assert_null(strstr(end(f), "slowest"));
	strcpy(m.work, "cancel"); /* it is not over yet */
	f = begin();
	watch_frame(f, &v);
	assert_non_null(strstr(end(f), "slowest"));
}

static void
a_pipe_gets_one_line(void **state)
{
	struct msg_campaign m = a_run();
	char line[1024];

	(void)state;
	strcpy(m.name, "");
	watch_line(&m, line, sizeof(line));
	assert_string_equal(line,
	    "campaign 7 running [#.............................] 42/900 done "
	    "(L2 30, L1 12), 851 waiting, 4 active, 3 failed (L0), wave 2 of "
	    "3, on hold: the window is closed");
	m.hold[0] = '\0';
	strcpy(m.state, "aborted");
	strcpy(m.work, "cancel");
	strcpy(m.cause, "2 broke");
	watch_line(&m, line, sizeof(line));
	assert_string_equal(line, "campaign 7 aborted (cancel) "
	    "[#.............................] 42/900 done (L2 30, L1 12), "
	    "851 waiting, 4 active, 3 failed (L0), wave 2 of 3, 2 broke");
}

static void
bytes_on_the_way_have_a_bar(void **state)
{
	struct msg_campaign m = a_run();
	char line[1024];
	FILE *f = begin();

	(void)state;
	m.downloads = 4;
	m.bytes_done = 256 * 1024;
	m.bytes_total = 1024 * 1024;
	m.bytes_rate = 2048;
	campaign_progress(f, &m, NOW);
	assert_non_null(strstr(end(f), "\ndownloads    [####............] 4 "
	    "now, 256.0 KiB of 1.0 MiB, 2.0 KiB/s\n"));
	watch_line(&m, line, sizeof(line));
	assert_non_null(strstr(line, " 3 failed (L0), 4 download now (25 %), "
	    "wave 2 of 3"));
	m.downloads = 0; /* none: no line */
	f = begin();
	campaign_progress(f, &m, NOW);
	assert_null(strstr(end(f), "downloads"));
	watch_line(&m, line, sizeof(line));
	assert_null(strstr(line, "download"));
}

static void
a_frame_replaces_the_one_before(void **state)
{
	struct screen s = {.rows = 5, .columns = 6};
	FILE *f = begin();

	(void)state;
	watch_draw(f, &s, "one\ntwo\n");
	assert_string_equal(end(f), "one\033[K\ntwo\033[K\n\033[J");
	assert_int_equal(s.shown, 2);
	f = begin();
	watch_draw(f, &s, "longer\ntoo long\n\nx\n");
	assert_string_equal(end(f), "\033[2A\rlonger\033[K\ntoo lo\033[K\n"
	    "\033[K\nx\033[K\n\033[J");
	assert_int_equal(s.shown, 4);
	f = begin();
	watch_draw(f, &s, "1\n2\n3\n4\n5\n");
	assert_string_equal(end(f), "\033[4A\r1\033[K\n2\033[K\n3\033[K\n"
	    "... th\033[K\n\033[J");
	assert_int_equal(s.shown, 4);
	s.rows = 3; /* made lower: the cursor cannot go up by more */
	f = begin();
	watch_draw(f, &s, "1\n");
	assert_string_equal(end(f), "\033[2A\r1\033[K\n\033[J");
}

static void
a_line_is_cut_between_characters(void **state)
{
	struct screen s = {.rows = 9, .columns = 3};
	FILE *f = begin();

	(void)state;
	watch_draw(f, &s, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n");
	assert_string_equal(end(f), "\xc3\xa9\xc3\xa9\xc3\xa9\033[K\n\033[J");
	s.shown = 0;
	f = begin(); /* two columns wide, each */
	watch_draw(f, &s, "\xe4\xb8\xad\xe4\xb8\xad\n");
	assert_string_equal(end(f), "\xe4\xb8\xad\033[K\n\033[J");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_says_who_when_and_why_not),
		cmocka_unit_test(an_empty_plan_has_no_tables),
		cmocka_unit_test(the_next_sentence_fits_the_state),
		cmocka_unit_test(a_campaign_is_shown),
		cmocka_unit_test(bars_take_what_the_width_leaves),
		cmocka_unit_test(failures_have_a_limit),
		cmocka_unit_test(a_frame_has_it_all),
		cmocka_unit_test(a_pipe_gets_one_line),
		cmocka_unit_test(bytes_on_the_way_have_a_bar),
		cmocka_unit_test(a_frame_replaces_the_one_before),
		cmocka_unit_test(a_line_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
