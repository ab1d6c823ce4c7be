/* Certificates that operators revoked. */
#include "tests/db/twins.h"

static int
put(struct store *s, const char *name, int64_t at, const char *reason)
{
	struct store_revoked r = {.at = at};

	strcpy(r.name, name);
	strcpy(r.reason, reason);
	return ALONE(s, s->ops->revoked_put(s, &r));
}

static void
one_is_found_by_its_name_and_can_be_taken_back(void **state)
{
	struct store *s = store_of(state);
	struct store_revoked r;

	OK(put(s, "05@CN=ca", 7, "lost"));
	OK(put(s, "05@CN=ca", 8, "stolen"));
	OK(put(s, "05@", 9, ""));
	OK(s->ops->revoked_get(s, "05@CN=ca", &r));
	assert_string_equal(r.name, "05@CN=ca");
	assert_string_equal(r.reason, "stolen");
	assert_int_equal(r.at, 8);
	FAILS(s->ops->revoked_get(s, "05", &r), ERR_NOT_FOUND);
	FAILS(s->ops->revoked_get(s, "05@cn=ca", &r), ERR_NOT_FOUND);
	OK(ALONE(s, s->ops->revoked_remove(s, "05@CN=ca")));
	FAILS(ALONE(s, s->ops->revoked_remove(s, "05@CN=ca")),
	    ERR_NOT_FOUND);
	FAILS(s->ops->revoked_get(s, "05@CN=ca", &r), ERR_NOT_FOUND);
	OK(s->ops->revoked_get(s, "05@", &r));
	/* outside of a pair nothing is written */
	FAILS(s->ops->revoked_put(s, &r), ERR_STATE);
	FAILS(s->ops->revoked_remove(s, "05@"), ERR_STATE);
}

static void
what_is_undone_was_not_revoked(void **state)
{
	struct store *s = store_of(state);
	struct store_revoked r = {.name = "01@"};

	OK(s->ops->begin(s));
	OK(s->ops->revoked_put(s, &r));
	s->ops->rollback(s);
	FAILS(s->ops->revoked_get(s, "01@", &r), ERR_NOT_FOUND);
}

static void
a_list_comes_in_pages(void **state)
{
	struct store *s = store_of(state);
	struct store_revoked r[LIMIT_PAGE];
	size_t n = 9;

	OK(s->ops->revoked_list(s, "", 2, r, &n));
	assert_int_equal(n, 0);
	OK(put(s, "03@", 1, ""));
	OK(put(s, "01@", 1, ""));
	OK(put(s, "02@", 1, ""));
	OK(s->ops->revoked_list(s, "", 2, r, &n));
	assert_int_equal(n, 2);
	assert_string_equal(r[0].name, "01@");
	assert_string_equal(r[1].name, "02@");
	OK(s->ops->revoked_list(s, "02@", LIMIT_PAGE, r, &n));
	assert_int_equal(n, 1);
	assert_string_equal(r[0].name, "03@");
	FAILS(s->ops->revoked_list(s, "", LIMIT_PAGE + 1, r, &n), ERR_RANGE);
	FAILS(s->ops->revoked_list(s, "", 0, r, &n), ERR_RANGE);
}

static void
they_have_their_caps(void **state)
{
	struct store *s = store_of(state);
	struct store_revoked r = {.at = 1}, back;

	memset(r.name, 'a', LIMIT_REVOKED_NAME);
	memset(r.reason, 'b', LIMIT_REVOKED_REASON);
	OK(ALONE(s, s->ops->revoked_put(s, &r)));
	OK(s->ops->revoked_get(s, r.name, &back));
	assert_string_equal(back.reason, r.reason);
	r.reason[LIMIT_REVOKED_REASON] = 'b';
	FAILS(ALONE(s, s->ops->revoked_put(s, &r)), ERR_SIZE);
	r.reason[0] = '\0';
	r.name[LIMIT_REVOKED_NAME] = 'a';
	FAILS(ALONE(s, s->ops->revoked_put(s, &r)), ERR_SIZE);
	r.name[0] = '\0';
	FAILS(ALONE(s, s->ops->revoked_put(s, &r)), ERR_INVALID);
}

static void
as_many_as_there_may_be_and_one_more(void **state)
{
	struct store *s = store_of(state);
	struct store_revoked r = {.at = 1};

	OK(s->ops->begin(s));
	for (unsigned i = 0; i < LIMIT_REVOKED; i++) {
		snprintf(r.name, sizeof(r.name), "%08x@", i);
		OK(s->ops->revoked_put(s, &r));
	}
	OK(s->ops->revoked_put(s, &r)); /* it is there already */
	strcpy(r.name, "x@");
	FAILS(s->ops->revoked_put(s, &r), ERR_LIMIT);
	OK(s->ops->revoked_remove(s, "00000000@"));
	OK(s->ops->revoked_put(s, &r));
	OK(s->ops->commit(s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(one_is_found_by_its_name_and_can_be_taken_back),
		TWICE(what_is_undone_was_not_revoked),
		TWICE(a_list_comes_in_pages),
		TWICE(they_have_their_caps),
		TWICE(as_many_as_there_may_be_and_one_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
