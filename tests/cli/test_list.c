/* Lists whose items change while they are read, in blocks, by the client. */
#include <string.h>

#include "cli/online.h"
#include "tests/cli/script.h"

static struct msg_author old[] = {{.name = "a"}, {.name = "b"}};
static struct msg_author new[] = {{.name = "A"}, {.name = "B"}};

struct got {
	char names[64];
};

static int
each(void *arg, const void *item)
{
	struct got *g = arg;

	strcat(g->names, ((const struct msg_author *)item)->name);
	return CLI_OK;
}

static int
list(const struct step *s, size_t n, bool one_page, struct got *ret)
{
	struct client_req rq = {.method = CLIENT_GET, .path = "a/keys",
	    .one_page = one_page};
	struct client *c = NULL;

	script = s;
	steps = n;
	at = 0;
	memset(ret, 0, sizeof(*ret));
	assert_int_equal(client_open(NULL, &c), CLI_OK);
	client_query(&rq, "limit=%d", 200);
	return client_list(c, &rq, &msg_author, each, ret);
}

#define LIST(s, one, g) list(s, sizeof(s) / sizeof((s)[0]), one, g)
/* A first block, and one that is not of the same answer. */
#define TORN(a) \
	{.ask = a, .code = 205, .rec = &msg_author, .item = old, \
	    .page = true, .n = 2, .more = true, .etag = 1}, \
	{.ask = a, .code = 205, .rec = &msg_author, .item = new, \
	    .page = true, .n = 2, .rest = true, .etag = 2}

static void
a_torn_page_is_asked_again_in_smaller_ones(void **state)
{
	const struct step s[] = {
		TORN("GET a/keys?limit=200"),
		TORN("GET a/keys?limit=100"),
		PAGE("GET a/keys?limit=50", msg_author, new, 2, "B"),
		PAGE("GET a/keys?limit=50&after=B", msg_author, old, 1, NULL),
	};
	struct got g;

	(void)state;
	assert_int_equal(LIST(s, false, &g), CLI_OK);
	assert_int_equal(at, steps);
	assert_string_equal(g.names, "ABa"); /* nothing of what was torn */
}

static void
one_page_keeps_its_size(void **state)
{
	const struct step s[] = {
		TORN("GET a/keys?limit=200"),
		TORN("GET a/keys?limit=200"),
		PAGE("GET a/keys?limit=200", msg_author, new, 2, NULL),
	};
	struct got g;

	(void)state;
	assert_int_equal(LIST(s, true, &g), CLI_OK);
	assert_int_equal(at, steps);
	assert_string_equal(g.names, "AB");
}

static void
what_never_holds_still_is_given_up(void **state)
{
	struct step s[18];
	const struct step torn[] = {TORN("GET a/keys?limit=200")};
	struct got g;

	(void)state;
	for (size_t i = 0; i < 18; i++)
		s[i] = torn[i % 2];
	/* once as a page that may tear, then TEARS times */
	assert_int_equal(LIST(s, true, &g), CLI_REFUSED);
	assert_int_equal(at, steps);
	assert_string_equal(g.names, "");
}

/* What is long stands out of its column, and moves no other row. */
static void
an_audit_list_stays_readable(void **state)
{
	static struct cli plain;
	static struct audit_entry e[] = {
		{.n = 3, .at = 1764000000000, .who = "admin",
		    .kind = "image.upload", .detail = "long"},
		{.n = 2, .who = "admin", .kind = "refusal",
		    .subject = "GET a/devices/a-long-name/explain",
		    .detail = "no"},
		{.n = 1, .kind = "start", .detail = "suitd"},
	};
	const struct step s[] = {
		PAGE("GET a/audit?newest&limit=50", msg_audit, e, 3, NULL),
	};
	char row[80];

	(void)state;
	memset(e[0].subject, 'd', 64);
	assert_int_equal(PLAY(cmd_audit_list, &plain, s, NULL), CLI_OK);
	assert_non_null(strstr(said, "3       2025-11-24 16:00:00  admin    "
	    "image.upload  dddddddddddddddd...       long\n"));
	assert_non_null(strstr(said, "GET a/devices/a-long-name/explain  "
	    "no\n"));
	snprintf(row, sizeof(row), "start         %-26ssuitd\n", "-");
	assert_non_null(strstr(said, row));
}

/* Who may say yes sees what waits for that. */
static void
a_campaign_that_waits_for_approval_says_so(void **state)
{
	static struct cli plain;
	static struct msg_campaign m[] = {
		{.id = 4, .name = "undo-3", .state = "draft",
		    .needs_approval = true},
		{.id = 3, .name = "seq-2", .state = "draft",
		    .needs_approval = true, .approved = "bob"},
		{.id = 2, .name = "seq-1", .state = "draft"},
	};
	const struct step s[] = {
		PAGE("GET a/campaigns?limit=200", msg_campaign, m, 3, NULL),
	};
	const char *p;

	(void)state;
	assert_int_equal(PLAY(cmd_campaign_list, &plain, s, NULL), CLI_OK);
	p = strstr(said, "a second person has to approve it\n3 ");
	assert_non_null(p);
	assert_null(strstr(p + 1, "a second person"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_torn_page_is_asked_again_in_smaller_ones),
		cmocka_unit_test(one_page_keeps_its_size),
		cmocka_unit_test(what_never_holds_still_is_given_up),
		cmocka_unit_test(an_audit_list_stays_readable),
		cmocka_unit_test(a_campaign_that_waits_for_approval_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
