/*
 * What waits for a second person: what it says of itself, and how it ends.
 */
#include "tests/daemon/approve.h"

/* No request goes without a trace: the entry and the row are one commit. */
static void
REQ_SEC_AUDIT_what_is_over_says_so(void **state)
{
	const struct principal dan = person("dan", "role=author");

	(void)state;
	stored(&dan, "role=author");
	assert_int_equal(publishes(&alice, 1, NULL), ERR_APPROVAL);
	assert_int_equal(publishes(&alice, 2, NULL), ERR_APPROVAL);
	assert_int_equal(publishes(&dan, 3, NULL), ERR_APPROVAL);
	assert_int_equal(posts(&bob, "a/requests/2/approve"), 0);
	w.app.conf.four_eyes[0] = '\0';
	assert_int_equal(drops(&alice, "a/principals/dan"), 0);
	strcpy(w.app.conf.four_eyes, "publish");
	assert_int_equal(entered("alice", "request.deny", "of dan, who is "
	    "removed"), 1);
	w.loop.now += 3600 * 1000 - 1;
	approve_tick(&w.app);
	turn(&w);
	assert_int_equal(entered("", "request.expire", ""), 0);
	w.loop.now++;
	approve_tick(&w.app);
	approve_tick(&w.app); /* once */
	turn(&w);
	assert_int_equal(entered("", "request.expire", ""), 2);
	assert_int_equal(entered("", "request.expire", "asked for by alice, "
	    "not approved: POST a/releases"), 1);
	assert_int_equal(entered("", "request.expire", "asked for by alice, "
	    "approved by bob: POST a/releases"), 1);
	/* who asks before the clock has come by makes room himself */
	assert_int_equal(publishes(&alice, 4, NULL), ERR_APPROVAL);
	w.loop.now += 3600 * 1000;
	assert_int_equal(publishes(&alice, 4, NULL), ERR_APPROVAL);
	assert_int_equal(entered("", "request.expire", ""), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(REQ_SEC_AUDIT_what_is_over_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
