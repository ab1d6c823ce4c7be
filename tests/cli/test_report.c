/* campaign report, against a daemon that is a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cli/online.h"
#include "lib/digest.h"
#include "lib/text.h"
#include "tests/cli/campaigns.h"
#include "tests/cli/script.h"

static struct cli pipe_cli, json_cli = {.json = true};

static const struct msg_release release = {.id = 3, .seq = 12,
    .digest = {0xab}, .author = "carol", .label = "1.2.0"};
static struct msg_campaign ended;
static struct msg_event events[3];
static struct msg_job jobs[2];

static const struct step reporting[] = {
	ONE("GET a/campaigns/7", 205, msg_campaign, &ended),
	ONE("GET a/releases/3", 205, msg_release, &release),
	PAGE("GET a/events?campaign=7&kind=campaign,admin,release&"
	    "limit=200", msg_event, events, 2, "2"),
	PAGE("GET a/events?campaign=7&kind=campaign,admin,release&"
	    "limit=200&after=2", msg_event,
	    events + 2, 1, NULL),
	PAGE("GET a/campaigns/7/jobs?limit=200", msg_job, jobs, 1, "41"),
	PAGE("GET a/campaigns/7/jobs?limit=200&after=41", msg_job, jobs + 1,
	    1, NULL),
};

static void
make_report(void)
{
	ended = a_run();
	strcpy(ended.state, "finished");
	ended.ended = NOW;
	ended.hold[0] = '\0';
	events[0] = (struct msg_event){.id = 1, .at = NOW - 1800000,
	    .campaign = 7, .kind = "campaign", .what = "started",
	    .detail = "by alice"};
	events[1] = (struct msg_event){.id = 2, .at = NOW - 1700000,
	    .campaign = 7, .job = 41, .kind = "admin", .what = "job retried"};
	events[2] = (struct msg_event){.id = 3, .at = NOW - 1600000,
	    .campaign = 7, .kind = "campaign", .what = "wave",
	    .detail = "2 opened\n\033[31mfake"};
	jobs[0] = a_job("lamp-1", "done");
	jobs[1] = a_job("lamp-2", "failed");
	strcpy(jobs[1].text, "did not boot");
}

/* The digest in the last line is that of the bytes before `line`. */
static void
check_hash(const char *line)
{
	const char *p = strstr(said, line);
	struct digest d;
	char hex[65];

	assert_non_null(p);
	assert_int_equal(digest_compute(DIGEST_SHA256, slice_of(said,
	    (size_t)(p - said)), &d), 0);
	text_hex(digest_slice(&d), hex, sizeof(hex));
	assert_memory_equal(p + strlen(line), hex, 64);
}

static const char whole[] =
	    "CAMPAIGN REPORT\n"
	    "campaign     7 \\x1b[2Jx, finished\n"
	    "release      3, sequence 12\n"
	    "devices      class == \"lamp\"\n"
	    "rules        waves=1%,50%,100% window=\"22:00-05:00\"\n"
	    "plan         1011121314151617\n"
	    "planned      by alice, 2025-11-24 15:00:00 UTC\n"
	    "approved     by bob\n"
	    "started      2025-11-24 15:30:00 UTC\n"
	    "ended        2025-11-24 16:00:00 UTC\n"
	    "plan digest  "
	    "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f\n"
	    "manifest     "
	    "ab00000000000000000000000000000000000000000000000000000000000000\n"
	    "author       carol\n"
	    "version      1.2.0\n"
	    "gate         35 of 44 attempted\n"
	    "rests on     evidence of grade L0 at the weakest\n"
	    "jobs         42/900 done (L2 30, L1 12), 851 waiting, 4 active, "
	    "3 failed (L0)\n"
	    "attempts     61\n"
	    "\n"
	    "RULES\n"
	    "waves                1%,50%,100%\n"
	    "soak                 1h\n"
	    "sample               10\n"
	    "confidence           95%\n"
	    "broke                5%\n"
	    "unreachable          50%\n"
	    "success              60%\n"
	    "settle               90%\n"
	    "on_failure           pause\n"
	    "rollback             0\n"
	    "concurrency          50\n"
	    "rate                 0\n"
	    "rate_factor          1.0\n"
	    "rate_step            0\n"
	    "rate_max             0\n"
	    "start                0\n"
	    "window               22:00-05:00\n"
	    "silent               0\n"
	    "grade                L0\n"
	    "grade_nonce          no\n"
	    "credential           no\n"
	    "from                 0\n"
	    "approval             no\n"
	    "continuous           no\n"
	    "attempts             0%\n"
	    "expire               0\n"
	    "announce             0\n"
	    "forgive_broke        0\n"
	    "forgive_unreachable  0\n"
	    "forgive_recovery     0\n"
	    "forgive_attempts     0\n"
	    "\n"
	    "PLAN\n"
	    "will update  900 of 1000 devices\n"
	    "WAVE  DEVICES  SHARE   CUMULATIVE\n"
	    "1     10       1.1 %   1.1 %\n"
	    "2     440      48.9 %  50.0 %\n"
	    "3     450      50.0 %  100.0 %\n"
	    "DEVICES  WILL NOT, BECAUSE\n"
	    "60       run it already\n"
	    "40       revoked\n"
	    "\n"
	    "WAVES\n"
	    "WAVE  DEVICES  STATE   DONE   BROKE  UNREACHABLE  OTHER  OPEN\n"
	    "1     10       passed  9 L1   1      0            0      0\n"
	    "2     440      open    33 L2  0      2            0      405\n"
	    "3     450      closed  0      0      0            0      0\n"
	    "\n"
	    "FAILURES\n"
	    "DEVICES  FAILURE    THEN         REASON\n"
	    "1        execution  given up     did not boot\n"
	    "5        transport  tried again  silent\n"
	    "\n"
	    "STEPS\n"
	    "2025-11-24 15:30:00  campaign started: by alice\n"
	    "2025-11-24 15:31:40  admin job retried\n"
	    "2025-11-24 15:33:20  campaign wave: 2 opened\\x0a\\x1b[31mfake\n"
	    "\n"
	    "DEVICES\n"
	    "EP      WAVE  STATE   ATTEMPTS  GRADE  FINISHED (UTC)       "
	    "REASON\n"
	    "lamp-1  2     done    2         L1     2025-11-24 15:55:00  -\n"
	    "lamp-2  2     failed  2         L1     2025-11-24 15:55:00  did "
	    "not boot\n";

static void
a_report_says_all_and_proves_itself(void **state)
{
	char *line;

	(void)state;
	make_report();
	assert_int_equal(PLAY(cmd_campaign_report, &pipe_cli, reporting,
	    "7"), CLI_OK);
	check_hash("sha256       ");
	line = strstr(said, "sha256       ");
	*line = '\0';
	assert_string_equal(said, whole);
}

static void
a_report_in_json_is_one_document(void **state)
{
	const char *p;

	(void)state;
	make_report();
	assert_int_equal(PLAY(cmd_campaign_report, &json_cli, reporting,
	    "7"), CLI_OK);
	check_hash("\"sha256\":\"");
	assert_memory_equal(said, "{\n\"campaign\":{\"id\":7,", 21);
	assert_non_null(strstr(said, "}\n,\"rules\":{\"waves\":\"1%,50%,100%\","
	    "\"soak\":\"1h\","));
	assert_non_null(strstr(said, ",\"window\":\"22:00-05:00\","));
	assert_non_null(strstr(said, "}\n,\"release\":{\"id\":3,"));
	assert_non_null(strstr(said, "}\n,\"events\":[\n{\"id\":1,"));
	p = strstr(said, "]\n,\"jobs\":[\n{\"id\":41,");
	assert_non_null(p);
	assert_non_null(strstr(p, "},\n{\"id\":41,"));
	assert_non_null(strstr(p, "}\n]\n,\n\"sha256\":\""));
	assert_string_equal(said + said_n - 4, "\"\n}\n");
}

static void
a_report_that_breaks_off_has_no_digest(void **state)
{
	const struct step s[] = {
		reporting[0], reporting[1], reporting[2], reporting[3],
		reporting[4],
		{.ask = "GET a/campaigns/7/jobs?limit=200&after=41",
		    .code = 500},
	};

	(void)state;
	make_report();
	assert_int_equal(PLAY(cmd_campaign_report, &pipe_cli, s, "7"),
	    CLI_REFUSED);
	assert_null(strstr(said, "sha256"));
	assert_int_equal(PLAY_ALONE(cmd_campaign_report, &json_cli, "7",
	    "--text"), CLI_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_says_all_and_proves_itself),
		cmocka_unit_test(a_report_in_json_is_one_document),
		cmocka_unit_test(a_report_that_breaks_off_has_no_digest),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
