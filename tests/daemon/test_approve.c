/*
 * Two persons, and who may make persons: what is asked for waits, whose word
 * counts and whose does not, that only the very same is made, once and in
 * time; and that rights only ever get less.
 */
#include "tests/daemon/approve.h"

static void
REQ_SEC_RIGHTS_one_of_two_is_not_enough(void **state)
{
	static struct store_event ev[50];
	struct store_event_filter f = {.limit = 50, .newest_first = true};
	bool both = false;
	size_t n = 0;

	(void)state;
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_true(said.after_commit); /* it waits durably */
	assert_int_equal(releases(), 0);
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(waiting(&alice), 1); /* asking twice is one */
	assert_int_equal(posts(&bob, "a/requests/1/approve"), 0);
	assert_int_equal(releases(), 0);
	assert_int_equal(publishes(&alice, 1, NULL), 0);
	assert_int_equal(releases(), 1);
	assert_int_equal(waiting(&alice), 0);
	/* both are in the log */
	assert_int_equal(w.app.store->ops->event_list(w.app.store, &f, ev,
	    &n), 0);
	for (size_t i = 0; i < n; i++)
		both |= strcmp(ev[i].what, "published") == 0 &&
		    strstr(ev[i].detail, "by alice, approved by bob") != NULL;
	assert_true(both);
	/* an approval is for once */
	assert_int_equal(drops(&alice, "a/releases/1"), 0);
	assert_int_equal(publishes(&alice, 2, NULL), ERR_APPROVAL);
}

/* The event log can be changed by who has the disk; this one cannot. */
static void
REQ_SEC_RIGHTS_both_persons_are_in_the_audit_log(void **state)
{
	(void)state;
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(entered("alice", "request.ask", "POST a/releases"),
	    1);
	assert_int_equal(posts(&bob, "a/requests/1/approve"), 0);
	assert_int_equal(entered("bob", "request.approve",
	    "POST a/releases"), 1);
	assert_int_equal(publishes(&alice, 1, NULL), 0);
	assert_int_equal(entered("alice", "release.publish",
	    "approved by bob, request 1"), 1);
	assert_int_equal(publishes(&alice, 2, NULL), ERR_APPROVAL);
	assert_int_equal(drops(&bob, "a/requests/2"), 0);
	assert_int_equal(entered("bob", "request.deny", ""), 1);
	assert_int_equal(publishes(&alice, 2, NULL), ERR_APPROVAL);
	assert_int_equal(drops(&alice, "a/requests/3"), 0);
	assert_int_equal(entered("alice", "request.withdraw", ""), 1);
}

static void
REQ_SEC_RIGHTS_a_right_word_of_a_wrong_role(void **state)
{
	struct principal dan = person("dan", "role=author tag=site:x");
	struct principal again = alice; /* her other key is she */

	(void)state;
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(posts(&alice, "a/requests/1/approve"),
	    ERR_FORBIDDEN);
	assert_int_equal(posts(&again, "a/requests/1/approve"),
	    ERR_FORBIDDEN);
	assert_int_equal(posts(&carol, "a/requests/1/approve"),
	    ERR_FORBIDDEN);
	assert_int_equal(posts(&dan, "a/requests/1/approve"), ERR_FORBIDDEN);
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	dan = person("dan", "role=grant");
	assert_int_equal(posts(&dan, "a/requests/1/approve"), ERR_FORBIDDEN);
	assert_int_equal(posts(&bob, "a/requests/2/approve"), ERR_NOT_FOUND);
	assert_int_equal(releases(), 0);
}

static void
only_the_very_same_is_approved(void **state)
{
	struct principal eve = person("eve", "role=author");

	(void)state;
	stored(&eve, "role=author");
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(posts(&bob, "a/requests/1/approve"), 0);
	assert_int_equal(publishes(&alice, 2, NULL), ERR_APPROVAL);
	assert_int_equal(publishes(&alice, 1, "force"), ERR_APPROVAL);
	assert_int_equal(publishes(&alice, 1, "staged"), ERR_APPROVAL);
	assert_int_equal(publishes(&eve, 1, NULL), ERR_APPROVAL);
	assert_int_equal(releases(), 0);
	assert_int_equal(publishes(&alice, 1, NULL), 0);
}

static void
approvals_are_over_in_time(void **state)
{
	int64_t end;

	(void)state;
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	end = w.loop.now + 3600 * 1000;
	w.loop.now = end - 1;
	assert_int_equal(posts(&bob, "a/requests/1/approve"), 0);
	w.loop.now = end;
	assert_int_equal(waiting(&alice), 0);
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(posts(&bob, "a/requests/1/approve"), ERR_NOT_FOUND);
	assert_int_equal(posts(&bob, "a/requests/2/approve"), 0);
	w.loop.now += 3600 * 1000 - 1;
	assert_int_equal(publishes(&alice, 1, NULL), 0);
}

/* Who approved has gone, or may no longer: then nobody has. */
static void
a_word_counts_while_its_owner_does(void **state)
{
	(void)state;
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(posts(&bob, "a/requests/1/approve"), 0);
	assert_int_equal(posts(&bob, "a/requests/1/approve"), ERR_EXISTS);
	stored(&bob, "role=grant");
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	stored(&bob, "role=operator class="
	    "11111111-1111-1111-1111-111111111111");
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	stored(&bob, "role=operator");
	assert_int_equal(publishes(&alice, 1, NULL), 0);
}

static void
a_request_can_be_denied_or_taken_back(void **state)
{
	(void)state;
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(waiting(&carol), 1);
	assert_int_equal(drops(&carol, "a/requests/1"), ERR_FORBIDDEN);
	assert_int_equal(drops(&bob, "a/requests/1"), 0);
	assert_int_equal(waiting(&alice), 0);
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(drops(&alice, "a/requests/2"), 0);
	assert_int_equal(gets(&w, &alice, "a/requests/2"), ERR_NOT_FOUND);
}

/* What is only looked at, and what stops something, needs nobody. */
static void
brakes_and_looks_need_no_second_person(void **state)
{
	(void)state;
	assert_int_equal(publishes(&alice, 1, "dry_run"), 0);
	assert_int_equal(publishes(&alice, 1, "before_upload"), 0);
	assert_int_equal(releases(), 0);
	w.app.conf.four_eyes[0] = '\0';
	assert_int_equal(publishes(&alice, 1, NULL), 0);
	strcpy(w.app.conf.four_eyes, "publish author trust campaign");
	assert_int_equal(drops(&alice, "a/releases/1"), 0);
}

/* A word in the query that a handler does not know is no look. */
static void
REQ_SEC_RIGHTS_a_change_that_says_it_is_a_look(void **state)
{
	static const char *const words[] = {"dry_run", "dry_run=1",
	    "before_upload"};
	static struct msg_principal_put m = {.rights = "role=operator"};
	struct principal none;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_int_equal(asks(&w, &alice, &(struct asked){M_PUT,
		    "a/principals/sock", words[i], &msg_principal_put, &m,
		    SLICE_NONE}), ERR_APPROVAL);
		assert_int_equal(asks(&w, &alice, &(struct asked){M_POST,
		    "a/principals/bob/key", words[i], NULL, NULL,
		    SLICE_NONE}), ERR_APPROVAL);
		assert_int_equal(asks(&w, &alice, &(struct asked){M_DELETE,
		    "a/keys/author", words[i], NULL, NULL, SLICE_NONE}),
		    ERR_APPROVAL);
		assert_int_equal(asks(&w, &alice, &(struct asked){M_POST,
		    "a/releases/1/offer", words[i], NULL, NULL, SLICE_NONE}),
		    ERR_APPROVAL);
	}
	access_who(&w.app, T_ADMIN, "bob:1", &none);
	assert_int_equal(none.role, ROLE_NOBODY);
}

static void
requests_have_a_cap(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LIMIT_REQUESTS; i++)
		assert_int_equal(publishes(&alice, 1 + i, NULL),
		    ERR_APPROVAL);
	assert_int_equal(waiting(&bob), LIMIT_REQUESTS);
	assert_int_equal(publishes(&alice, 1000, NULL), ERR_LIMIT);
	w.loop.now += 3600 * 1000; /* those that are over make room */
	assert_int_equal(publishes(&alice, 1000, NULL), ERR_APPROVAL);
}

/* With any kind, or one could make his own second person. */
static void
principals_are_always_under_four_eyes(void **state)
{
	(void)state;
	strcpy(w.app.conf.four_eyes, "trust");
	assert_int_equal(makes(&alice, "sock", "role=operator"),
	    ERR_APPROVAL);
	assert_int_equal(posts(&alice, "a/principals/bob/key"),
	    ERR_APPROVAL);
	w.app.conf.four_eyes[0] = '\0';
	w.app.conf.campaign_approval = true;
	assert_int_equal(makes(&alice, "sock", "role=auditor"),
	    ERR_APPROVAL);
	w.app.conf.campaign_approval = false;
	assert_int_equal(makes(&alice, "sock", "role=operator"), 0);
}

/* As with campaign_approval: by its plan, which the second person has seen. */
static void
campaigns_are_approved_by_their_plan(void **state)
{
	static struct msg_campaign_start m = {.release = "1", .name = "c"};
	static struct msg_campaign c;
	static struct msg_campaign_action act = {.have_plan = true};
	const struct asked start = {M_POST, "a/campaigns/1/start", NULL,
	    &msg_campaign_action, &act, SLICE_NONE}, approve = {M_POST,
	    "a/campaigns/1/approve", NULL, &msg_campaign_action, &act,
	    SLICE_NONE};

	(void)state;
	strcpy(w.app.conf.four_eyes, "campaign");
	device(&w, "d1", DRIVER_NONE);
	assert_int_equal(publishes(&alice, 1, NULL), 0);
	assert_int_equal(asks(&w, &alice, &(struct asked){M_POST,
	    "a/campaigns", NULL, &msg_campaign_start, &m, SLICE_NONE}), 0);
	memset(&c, 0, sizeof(c));
	assert_int_equal(msg_get(&msg_campaign, buf_slice(&said.out), &c,
	    NULL), 0);
	memcpy(act.plan, c.plan, 32);
	/* an approval is worth what its owner is worth when it starts */
	assert_int_equal(asks(&w, &bob, &approve), 0);
	stored(&bob, "role=auditor");
	assert_int_equal(asks(&w, &alice, &start), 0);
	assert_int_equal(counts(&w, &alice, "a/campaigns/1/jobs", &msg_job),
	    0);
	stored(&bob, "role=operator");
	assert_int_equal(asks(&w, &alice, &approve), ERR_FORBIDDEN);
	assert_int_equal(asks(&w, &bob, &approve), 0);
	assert_int_equal(counts(&w, &alice, "a/campaigns/1/jobs", &msg_job),
	    1);
}

/* It was made when one was enough: its rules say so, and its digest. */
static void
REQ_SEC_RIGHTS_a_plan_of_before_is_made_anew(void **state)
{
	static struct msg_campaign_start m = {.release = "1", .name = "c"};
	const struct asked plan = {M_POST, "a/campaigns", NULL,
	    &msg_campaign_start, &m, SLICE_NONE};

	(void)state;
	device(&w, "d1", DRIVER_NONE);
	w.app.conf.four_eyes[0] = '\0';
	assert_int_equal(publishes(&alice, 1, NULL), 0);
	assert_int_equal(asks(&w, &alice, &plan), 0);
	strcpy(w.app.conf.four_eyes, "campaign");
	assert_int_equal(posts(&alice, "a/campaigns/1/start"), ERR_STATE);
	assert_int_equal(counts(&w, &alice, "a/campaigns/1/jobs", &msg_job),
	    0);
	assert_int_equal(asks(&w, &alice, &plan), 0);
	assert_int_equal(posts(&alice, "a/campaigns/2/start"), 0);
	assert_int_equal(counts(&w, &alice, "a/campaigns/2/jobs", &msg_job),
	    0);
}

static void
a_new_key_goes_to_who_asked_and_not_to_who_approved(void **state)
{
	static struct msg_psk m;

	(void)state;
	assert_int_equal(posts(&alice, "a/principals/carol/key"),
	    ERR_APPROVAL);
	assert_int_equal(posts(&bob, "a/requests/1/approve"), 0);
	assert_true(msg_get(&msg_psk, buf_slice(&said.out), &m, NULL) != 0);
	assert_int_equal(posts(&alice, "a/principals/carol/key"), 0);
	memset(&m, 0, sizeof(m));
	assert_int_equal(msg_get(&msg_psk, buf_slice(&said.out), &m, NULL),
	    0);
	assert_string_equal(m.identity, "carol:1");
	assert_int_equal(m.key_len, 16);
}

/* --- who may make whom; without four eyes --- */

static void
REQ_SEC_ACCESS_CONTROL_nobody_rises(void **state)
{
	struct principal some = person("some", "role=grant,operator "
	    "campaign=x");
	struct principal op = person("op", "role=operator");

	(void)state;
	w.app.conf.four_eyes[0] = '\0';
	assert_int_equal(makes(&op, "zed", "role=operator"), ERR_FORBIDDEN);
	assert_int_equal(makes(&some, "zed", "role=operator campaign=x"),
	    ERR_FORBIDDEN);
	assert_int_equal(makes(&bob, "zed", "role=author"), ERR_FORBIDDEN);
	assert_int_equal(makes(&bob, "zed", "role=operator,auditor"),
	    ERR_FORBIDDEN);
	assert_int_equal(makes(&bob, "zed", "role=operator"), 0);
	assert_int_equal(said.code, 201);
	/* nobody changes himself, or who is above him */
	assert_int_equal(makes(&bob, "bob", "role=operator"), ERR_FORBIDDEN);
	assert_int_equal(drops(&bob, "a/principals/bob"), ERR_FORBIDDEN);
	assert_int_equal(makes(&bob, "alice", "role=operator"),
	    ERR_FORBIDDEN);
	assert_int_equal(drops(&bob, "a/principals/alice"), ERR_FORBIDDEN);
	assert_int_equal(drops(&bob, "a/principals/carol"), ERR_FORBIDDEN);
	assert_int_equal(posts(&bob, "a/principals/alice/key"),
	    ERR_FORBIDDEN);
	assert_int_equal(posts(&bob, "a/principals/zed/key"), 0);
	assert_int_equal(posts(&op, "a/principals/zed/key"), ERR_FORBIDDEN);
	assert_int_equal(posts(&carol, "a/principals/carol/key"), 0);
	assert_int_equal(makes(&alice, "carol", "role=author"), 0);
	assert_int_equal(drops(&alice, "a/principals/carol"), 0);
	assert_int_equal(gets(&w, &alice, "a/principals/carol"),
	    ERR_NOT_FOUND);
}

static void
names_and_lines_are_checked(void **state)
{
	static const struct {
		const char *name, *line;
		int err;
	} bad[] = {
		{"a:1", "role=operator", ERR_INVALID},
		{"a b", "role=operator", ERR_INVALID},
		{"admin", "role=operator", ERR_EXISTS}, /* in the file */
		{"zed", "", ERR_MISSING},
		{"zed", "role=device", ERR_NOT_FOUND},
		{"zed", "role=operator class=unknown", ERR_NOT_FOUND},
	};

	(void)state;
	w.app.conf.four_eyes[0] = '\0';
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (makes(&alice, bad[i].name, bad[i].line) != bad[i].err)
			fail_msg("%s %s", bad[i].name, bad[i].line);
	assert_int_equal(gets(&w, &alice, "a/principals/admin"), 0);
	assert_int_equal(drops(&alice, "a/principals/admin"), ERR_NOT_FOUND);
}

/* Root has given the name to somebody with less. */
static void
REQ_SEC_ACCESS_CONTROL_a_line_has_no_keys_of_a_namesake(void **state)
{
	struct principal admin = person("admin", "role=auditor");

	(void)state;
	w.app.conf.four_eyes[0] = '\0';
	stored(&admin, "role=operator,grant");
	assert_int_equal(posts(&admin, "a/principals/admin/key"),
	    ERR_EXISTS);
	assert_int_equal(posts(&alice, "a/principals/admin/key"),
	    ERR_EXISTS);
	/* what is in the way can be taken away */
	assert_int_equal(drops(&alice, "a/principals/admin"), 0);
}

static int
new_key(const char *query, struct msg_psk *ret)
{
	int rc = asks(&w, &alice, &(struct asked){.m = M_POST,
	    .path = "a/principals/carol/key", .query = query});

	memset(ret, 0, sizeof(*ret));
	return rc != 0 ? rc : msg_get(&msg_psk, buf_slice(&said.out), ret,
	    NULL);
}

static unsigned
role_of(const char *identity)
{
	struct principal p;

	access_who(&w.app, T_ADMIN, identity, &p);
	return p.role;
}

static void
two_keys_are_valid_for_a_stated_time(void **state)
{
	struct msg_psk one, two;
	struct msg_principal p;

	(void)state;
	w.app.conf.four_eyes[0] = '\0';
	assert_int_equal(new_key(NULL, &one), 0);
	assert_int_equal(role_of("carol:1"), ROLE_AUDITOR);
	assert_int_equal(new_key("overlap=60", &two), 0);
	assert_memory_not_equal(one.key, two.key, 16);
	assert_int_equal(role_of("carol:1"), ROLE_AUDITOR);
	assert_int_equal(role_of("carol:2"), ROLE_AUDITOR);
	assert_int_equal(gets(&w, &alice, "a/principals/carol"), 0);
	memset(&p, 0, sizeof(p));
	assert_int_equal(msg_get(&msg_principal, buf_slice(&said.out), &p,
	    NULL), 0);
	assert_int_equal(p.key_count, 2);
	w.loop.now += 60 * 1000;
	assert_int_equal(role_of("carol:1"), ROLE_NOBODY);
	/* a third one ends the first at once, whatever was promised */
	assert_int_equal(new_key("overlap=60", &two), 0);
	assert_int_equal(new_key("overlap=60", &two), 0);
	assert_string_equal(two.identity, "carol:4");
	assert_int_equal(role_of("carol:2"), ROLE_NOBODY);
	assert_int_equal(role_of("carol:3"), ROLE_AUDITOR);
	assert_int_equal(new_key(NULL, &two), 0);
	assert_int_equal(role_of("carol:4"), ROLE_NOBODY);
	assert_int_equal(role_of("carol:5"), ROLE_AUDITOR);
	/* their sessions end */
	assert_string_equal(w.front.forgot, "carol:1 carol:2 carol:3 carol:4 ");
	assert_int_equal(new_key("overlap=99999999999", &two), ERR_RANGE);
	assert_int_equal(new_key("overlap=x", &two), ERR_INVALID);
}

/* Who has the name of one that is gone inherits nothing. */
static void
a_name_that_comes_back_is_another_person(void **state)
{
	(void)state;
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(posts(&bob, "a/requests/1/approve"), 0);
	w.app.conf.four_eyes[0] = '\0';
	assert_int_equal(drops(&alice, "a/principals/bob"), 0);
	stored(&bob, "role=operator");
	strcpy(w.app.conf.four_eyes, "publish");
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(waiting(&alice), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(REQ_SEC_RIGHTS_one_of_two_is_not_enough),
		T(REQ_SEC_RIGHTS_both_persons_are_in_the_audit_log),
		T(REQ_SEC_RIGHTS_a_right_word_of_a_wrong_role),
		T(only_the_very_same_is_approved),
		T(approvals_are_over_in_time),
		T(a_word_counts_while_its_owner_does),
		T(a_request_can_be_denied_or_taken_back),
		T(brakes_and_looks_need_no_second_person),
		T(REQ_SEC_RIGHTS_a_change_that_says_it_is_a_look),
		T(requests_have_a_cap),
		T(principals_are_always_under_four_eyes),
		T(campaigns_are_approved_by_their_plan),
		T(REQ_SEC_RIGHTS_a_plan_of_before_is_made_anew),
		T(a_new_key_goes_to_who_asked_and_not_to_who_approved),
		T(REQ_SEC_ACCESS_CONTROL_nobody_rises),
		T(names_and_lines_are_checked),
		T(REQ_SEC_ACCESS_CONTROL_a_line_has_no_keys_of_a_namesake),
		T(two_keys_are_valid_for_a_stated_time),
		T(a_name_that_comes_back_is_another_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
