/* Lists that follow one another: which are taken, and who gets them. */
#include "tests/daemon/trusted_world.h"

static void
TUF_ROLLBACK_lists_go_forward_one_by_one(void **state)
{
	struct slice two, one = slice_of(l.bytes, l.n);
	uint8_t first[LIMIT_TRUST_LIST], second[LIMIT_TRUST_LIST];
	size_t n = one.n;

	(void)state;
	memcpy(first, one.p, n);
	assert_int_equal(publish_list(slice_of(first, n)), ERR_EXISTS);
	two = list_make(&l);
	memcpy(second, two.p, two.n);
	two.p = second;
	list_make(&l); /* number 3 */
	assert_int_equal(publish_list(slice_of(l.bytes, l.n)), ERR_ORDER);
	assert_int_equal(publish_list(two), 0);
	assert_int_equal(publish_list(slice_of(l.bytes, l.n)), 0);
	assert_int_equal(publish_list(two), ERR_SEQUENCE);
	assert_int_equal(publish_list(slice_of(first, n)), ERR_SEQUENCE);
	assert_int_equal(trusted_seq(&w.app), 3);
}

static void
REQ_SEC_RIGHTS_one_root_of_two_is_not_enough(void **state)
{
	(void)state;
	assert_int_equal(publish_list(list_make_by(&l, 1)), ERR_SIGNATURE);
	assert_int_equal(trusted_seq(&w.app), 1);
}

static void
two_lists_in_one_turn_are_two_steps(void **state)
{
	struct why why;

	(void)state;
	assert_int_equal(trusted_publish(&w.app, list_make(&l), NULL, &why),
	    0);
	assert_int_equal(trusted_publish(&w.app, list_make(&l), NULL, &why),
	    0);
	assert_int_equal(trusted_seq(&w.app), 1);
	turn(&w);
	assert_int_equal(trusted_seq(&w.app), 3);
}

static void
each_list_has_an_entry_in_the_audit_log(void **state)
{
	struct store_audit_filter f = {.limit = 4, .kind = "trust.update"};
	struct audit_entry e[4];
	size_t n = 0;

	(void)state;
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(publish_list(list_make_by(&l, 1)), ERR_SIGNATURE);
	assert_int_equal(w.app.store->ops->audit_list(w.app.store, &f, e, &n),
	    0);
	assert_int_equal(n, 2);
	assert_string_equal(e[0].subject, "1");
	assert_string_equal(e[0].who, ""); /* from the file */
	assert_string_equal(e[1].subject, "2");
	assert_string_equal(e[1].who, "anna");
	/* and is counted */
	assert_int_equal(w.app.counts.lists_taken, 1);
	assert_int_equal(w.app.counts.lists_refused, 1);
}

static void
none_is_taken_where_none_was_pinned(void **state)
{
	(void)state;
	trusted_free(w.app.trusted);
	w.app.trusted = NULL;
	assert_int_equal(publish_list(slice_of(l.bytes, l.n)), ERR_STATE);
}

static void
everybody_gets_every_list(void **state)
{
	struct slice two;
	struct req req = {.arg = {"1", ""}};
	struct resp resp;
	struct trust t;

	(void)state;
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(ask(&w, res_trust_one, &req, &resp), 0);
	assert_int_equal(trust_parse(buf_slice(&resp.out), &t, NULL), 0);
	assert_int_equal(t.seq, 1);
	assert_memory_equal(resp.etag, "\0\0\0\0\0\0\0\1", 8);
	req.arg[0] = "3";
	assert_int_equal(ask(&w, res_trust_one, &req, &resp),
	    ERR_NOT_FOUND);
	req.arg[0] = "0";
	assert_int_equal(ask(&w, res_trust_one, &req, &resp), ERR_INVALID);
	req.arg[0] = "";
	assert_int_equal(ask(&w, res_trust, &req, &resp), 0);
	two = slice_of(l.bytes, l.n);
	assert_true(slice_eq(resp.body, two));
	assert_int_equal(resp.cf, CF_COSE_SIGN);
	assert_memory_equal(resp.etag, "\0\0\0\0\0\0\0\2", 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(TUF_ROLLBACK_lists_go_forward_one_by_one),
		T(REQ_SEC_RIGHTS_one_root_of_two_is_not_enough),
		T(two_lists_in_one_turn_are_two_steps),
		T(each_list_has_an_entry_in_the_audit_log),
		T(none_is_taken_where_none_was_pinned),
		T(everybody_gets_every_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
