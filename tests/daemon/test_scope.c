/*
 * What is outside of a scope is not there: not in a list, not by its name,
 * not to be changed, not to be reached by a campaign; and nothing inside can
 * be moved out.
 */
#include "tests/daemon/rights.h"

static struct world w;
static struct principal north, all;

static void
tagged(const char *ep, const char *site)
{
	struct store_device d = device(&w, ep, DRIVER_NONE);

	strcpy(d.tag[0].name, "site");
	strcpy(d.tag[0].value, site);
	d.tag_count = site[0] != '\0';
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, &d)), 0);
	turn(&w);
}

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	all = person("root", "role=author,operator,auditor,grant");
	north = person("nora", "role=author,operator,auditor tag=site:north");
	tagged("n1", "north");
	tagged("n2", "north");
	tagged("s1", "south");
	tagged("x1", "");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static int
put_device(const struct principal *who, const char *path, const char *site)
{
	static struct msg_device_put m;

	memset(&m, 0, sizeof(m));
	strcpy(m.driver, "none");
	m.tag_count = site != NULL;
	if (site != NULL) {
		strcpy(m.tag[0].name, "site");
		strcpy(m.tag[0].value, site);
	}
	return asks(&w, who, &(struct asked){M_PUT, path, NULL,
	    &msg_device_put, &m, SLICE_NONE});
}

static int
put_tag(const char *path, const char *name, const char *value)
{
	static struct msg_tags m;

	memset(&m, 0, sizeof(m));
	m.tag_count = 1;
	strcpy(m.tag[0].name, name);
	strcpy(m.tag[0].value, value);
	return asks(&w, &north, &(struct asked){M_PUT, path, NULL, &msg_tags,
	    &m, SLICE_NONE});
}

static int
posts(const struct principal *who, const char *path)
{
	return asks(&w, who, &(struct asked){.m = M_POST, .path = path});
}

static int
drops(const struct principal *who, const char *path)
{
	return asks(&w, who, &(struct asked){.m = M_DELETE, .path = path});
}

static void
REQ_SEC_ACCESS_CONTROL_devices_outside_are_not_there(void **state)
{
	(void)state;
	assert_int_equal(counts(&w, &all, "a/devices", &msg_device), 4);
	assert_int_equal(counts(&w, &north, "a/devices", &msg_device), 2);
	assert_int_equal(gets(&w, &north, "a/devices/n1"), 0);
	assert_int_equal(gets(&w, &north, "a/devices/s1"), ERR_NOT_FOUND);
	assert_int_equal(gets(&w, &north, "a/devices/x1"), ERR_NOT_FOUND);
	assert_int_equal(gets(&w, &north, "a/devices/s1/explain"),
	    ERR_NOT_FOUND);
	assert_int_equal(gets(&w, &north, "a/devices/s1/events"),
	    ERR_NOT_FOUND);
	assert_int_equal(posts(&north, "a/devices/s1/psk"), ERR_NOT_FOUND);
	assert_int_equal(posts(&north, "a/devices/s1/revoke"),
	    ERR_NOT_FOUND);
	assert_int_equal(drops(&north, "a/devices/s1"), ERR_NOT_FOUND);
	assert_int_equal(put_tag("a/devices/s1/tags", "site", "north"),
	    ERR_NOT_FOUND);
	assert_int_equal(put_device(&north, "a/devices/s1", "north"),
	    ERR_FORBIDDEN);
	assert_int_equal(gets(&w, &all, "a/devices/s1"), 0);
}

static void
an_expression_finds_nothing_outside(void **state)
{
	struct msg_page page;

	(void)state;
	assert_int_equal(asks(&w, &north, &(struct asked){.m = M_GET,
	    .path = "a/devices", .query = "where=ep ~ \"*1\""}), 0);
	assert_int_equal(msg_page_open(&msg_device, buf_slice(&said.out),
	    &page), 0);
	assert_int_equal(page.left, 1);
}

static void
no_device_is_moved_out_of_a_scope(void **state)
{
	(void)state;
	assert_int_equal(put_tag("a/devices/n1/tags", "room", "7"), 0);
	assert_int_equal(put_tag("a/devices/n1/tags", "site", "south"),
	    ERR_FORBIDDEN);
	assert_int_equal(put_tag("a/devices/n1/tags", "site", ""),
	    ERR_FORBIDDEN);
	assert_int_equal(put_device(&north, "a/devices/n1", "south"),
	    ERR_FORBIDDEN);
	assert_int_equal(put_device(&north, "a/devices/n1", NULL), 0);
	assert_int_equal(put_device(&north, "a/devices/new", NULL),
	    ERR_FORBIDDEN);
	assert_int_equal(put_device(&north, "a/devices/new", "south"),
	    ERR_FORBIDDEN);
	assert_int_equal(put_device(&north, "a/devices/new", "north"), 0);
	assert_int_equal(drops(&north, "a/devices/new"), 0);
}

/* --- campaigns --- */

static int
plans(const struct principal *who, const char *name, const char *select,
    const char *ep)
{
	static struct msg_campaign_start m;

	memset(&m, 0, sizeof(m));
	strcpy(m.release, "1");
	strcpy(m.name, name);
	strcpy(m.select, select);
	if (ep != NULL)
		strcpy(m.ep[m.ep_count++], ep);
	return asks(&w, who, &(struct asked){M_POST, "a/campaigns", NULL,
	    &msg_campaign_start, &m, SLICE_NONE});
}

static struct msg_campaign
planned(void)
{
	static struct msg_campaign m;

	memset(&m, 0, sizeof(m));
	assert_int_equal(msg_get(&msg_campaign, buf_slice(&said.out), &m,
	    NULL), 0);
	return m;
}

static void
REQ_SEC_ACCESS_CONTROL_a_campaign_stays_in_its_scope(void **state)
{
	static struct msg_campaign m;

	(void)state;
	released(&w, 1, "/fw", 1000);
	assert_int_equal(plans(&all, "wide", "", NULL), 0);
	m = planned();
	assert_int_equal(m.verdict[0].n, 4);
	assert_int_equal(plans(&north, "n", "", NULL), 0);
	m = planned();
	assert_int_equal(m.verdict[0].n, 2);
	assert_string_equal(m.select, "(tag.site == \"north\")");
	assert_int_equal(plans(&north, "n2", "ep ~ \"*1\" or ep == x1", NULL),
	    0);
	m = planned();
	assert_int_equal(m.verdict[0].n, 1);
	/* parentheses that would undo the bound are no expression */
	assert_int_not_equal(plans(&north, "n3", "ep == n1) or (ep == s1",
	    NULL), 0);
	assert_int_equal(plans(&north, "n4", "", "n1"), 0);
	assert_int_equal(plans(&north, "n5", "", "s1"), ERR_FORBIDDEN);
	assert_int_equal(plans(&north, "n5", "", "nobody"), ERR_FORBIDDEN);
	assert_int_equal(counts(&w, &all, "a/campaigns", &msg_campaign), 4);
	assert_int_equal(counts(&w, &north, "a/campaigns", &msg_campaign), 3);
	assert_int_equal(gets(&w, &north, "a/campaigns/1"), ERR_NOT_FOUND);
	assert_int_equal(posts(&north, "a/campaigns/1/start"),
	    ERR_NOT_FOUND);
	assert_int_equal(gets(&w, &north, "a/campaigns/1/plan"),
	    ERR_NOT_FOUND);
	assert_int_equal(gets(&w, &north, "a/campaigns/2"), 0);
	/* another's list cannot be seen to be within it */
	north = person("ned", "role=operator tag=site:north");
	assert_int_equal(counts(&w, &north, "a/campaigns", &msg_campaign), 2);
	assert_int_equal(gets(&w, &north, "a/campaigns/4"), ERR_NOT_FOUND);
}

static void
jobs_and_events_are_those_of_the_scope(void **state)
{
	size_t mine, every;

	(void)state;
	released(&w, 1, "/fw", 1000);
	assert_int_equal(plans(&all, "wide", "", NULL), 0);
	assert_int_equal(posts(&all, "a/campaigns/1/start"), 0);
	assert_int_equal(plans(&all, "narrow", "(tag.site == \"north\")",
	    NULL), 0);
	assert_int_equal(counts(&w, &all, "a/campaigns/1/jobs", &msg_job), 4);
	assert_int_equal(gets(&w, &north, "a/campaigns/1/jobs"),
	    ERR_NOT_FOUND);
	assert_int_equal(gets(&w, &north, "a/jobs/1"), ERR_NOT_FOUND);
	assert_int_equal(posts(&north, "a/jobs/1/retry"), ERR_NOT_FOUND);
	assert_int_equal(posts(&north, "a/devices/n1/revoke"), 0);
	every = counts(&w, &all, "a/events", &msg_event);
	mine = counts(&w, &north, "a/events", &msg_event);
	assert_true(mine > 0);
	assert_true(mine < every);
	/* the same with kinds */
	assert_int_equal(asks(&w, &north, &(struct asked){.m = M_GET,
	    .path = "a/events", .query = "kind=job"}), 0);
	assert_null(memmem(said.out.p, said.out.n, "s1", 2));
	assert_int_equal(asks(&w, &all, &(struct asked){.m = M_GET,
	    .path = "a/events", .query = "kind=job"}), 0);
	assert_non_null(memmem(said.out.p, said.out.n, "s1", 2));
}

static void
names_of_campaigns_are_a_scope_too(void **state)
{
	struct principal p = person("pia", "role=operator campaign=p-*");

	(void)state;
	released(&w, 1, "/fw", 1000);
	assert_int_equal(plans(&p, "q", "", NULL), ERR_FORBIDDEN);
	assert_int_equal(plans(&p, "", "", NULL), ERR_FORBIDDEN);
	assert_int_equal(plans(&p, "p-1", "", NULL), 0);
	assert_int_equal(plans(&all, "q", "", NULL), 0);
	assert_int_equal(counts(&w, &p, "a/campaigns", &msg_campaign), 1);
	assert_int_equal(gets(&w, &p, "a/campaigns/2"), ERR_NOT_FOUND);
}

static void
a_draft_of_somebody_else_is_not_replaced(void **state)
{
	(void)state;
	released(&w, 1, "/fw", 1000);
	assert_int_equal(plans(&all, "n", "", NULL), 0);
	assert_int_equal(plans(&north, "n", "", NULL), ERR_EXISTS);
	assert_int_equal(plans(&north, "mine", "", NULL), 0);
	assert_int_equal(plans(&north, "mine", "", NULL), 0);
	assert_int_equal(gets(&w, &all, "a/campaigns/1"), 0);
}

/* --- releases --- */

static int
publishes(const struct principal *who, uint64_t seq, const char *query)
{
	static uint8_t bytes[4096];
	const struct made m = {.seq = seq, .uri = "/fw", .size = 1000,
	    .digest = upload(&w, 1000, 1)};

	return asks(&w, who, &(struct asked){.m = M_POST,
	    .path = "a/releases", .query = query,
	    .raw = made(&w, &m, bytes, sizeof(bytes))});
}

static void
REQ_SEC_ACCESS_CONTROL_an_author_of_class_A_and_a_release_of_class_B(
    void **state)
{
	struct principal b = person("ben", "role=author "
	    "class=22222222-2222-2222-2222-222222222222");
	struct principal a = person("ada", "role=author "
	    "class=c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1");

	(void)state;
	assert_int_equal(publishes(&b, 1, NULL), ERR_CLASS);
	assert_int_equal(publishes(&b, 1, "dry_run"), ERR_CLASS);
	assert_int_equal(publishes(&a, 1, NULL), 0);
	assert_int_equal(counts(&w, &b, "a/releases", &msg_release), 0);
	assert_int_equal(counts(&w, &a, "a/releases", &msg_release), 1);
	assert_int_equal(gets(&w, &b, "a/releases/1"), ERR_NOT_FOUND);
	assert_int_equal(drops(&b, "a/releases/1"), ERR_NOT_FOUND);
	assert_int_equal(gets(&w, &a, "a/releases/1"), 0);
	assert_int_equal(drops(&a, "a/releases/1"), 0);
}

/* What all devices of a class are offered is not for who has some of them. */
static void
who_has_a_part_of_a_class_only_stages(void **state)
{
	static struct msg_campaign_action hard = {.hard = true};

	(void)state;
	assert_int_equal(publishes(&north, 1, NULL), ERR_FORBIDDEN);
	assert_int_equal(publishes(&north, 1, "staged"), 0);
	assert_int_equal(posts(&north, "a/releases/1/offer"), ERR_FORBIDDEN);
	assert_int_equal(drops(&north, "a/releases/1"), ERR_FORBIDDEN);
	assert_int_equal(plans(&north, "n", "", NULL), 0);
	assert_int_equal(asks(&w, &north, &(struct asked){M_POST,
	    "a/campaigns/1/abort", NULL, &msg_campaign_action, &hard,
	    SLICE_NONE}), ERR_FORBIDDEN);
	assert_int_equal(posts(&north, "a/campaigns/1/abort"), 0);
}

static void
what_nobody_thought_about_is_closed_to_scopes(void **state)
{
	struct req rq = {.method = M_GET};

	(void)state;
	rq.who = north;
	assert_int_equal(gets(&w, &north, "a/images"), ERR_FORBIDDEN);
	assert_int_equal(posts(&north, "a/backup"), ERR_FORBIDDEN);
	assert_false(admin_sees(&w.app, &rq, &msg_image, NULL));
	rq.who = all;
	assert_true(admin_sees(&w.app, &rq, &msg_image, NULL));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(REQ_SEC_ACCESS_CONTROL_devices_outside_are_not_there),
		T(an_expression_finds_nothing_outside),
		T(no_device_is_moved_out_of_a_scope),
		T(REQ_SEC_ACCESS_CONTROL_a_campaign_stays_in_its_scope),
		T(jobs_and_events_are_those_of_the_scope),
		T(names_of_campaigns_are_a_scope_too),
		T(a_draft_of_somebody_else_is_not_replaced),
		T(REQ_SEC_ACCESS_CONTROL_an_author_of_class_A_and_a_release_of_class_B),
		T(who_has_a_part_of_a_class_only_stages),
		T(what_nobody_thought_about_is_closed_to_scopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
