/* The form of an entry of a list: a key, its role, and what it may do. */
#include "tests/lib/trust_read.h"

static void
an_entry_begins_with_kid_key_and_role(void **state)
{
	(void)state;
	assert_int_equal(read_key(3, "03 01"), 0);
	assert_int_equal(t.key_count, 1);
	assert_int_equal(t.key[0].role, TRUST_AUTHOR);
	assert_false(t.key[0].every_class);
	assert_true(t.key[0].every_component);
	assert_true(trust_key_has_component(&t.key[0], slice_str("\x80")));
	assert_int_equal(read_key(2, ""), ERR_MISSING);
	assert_int_equal(read_key(3, "04 f5"), ERR_MISSING);
	assert_int_equal(read_key(3, "03 20"), ERR_TYPE);
	assert_int_equal(read_with(4, "04 81 a3 01 48" X8 "02" P256 "03 01"),
	    ERR_KEY);
	assert_int_equal(read_with(4, "04 a0"), ERR_TYPE);
	assert_int_equal(read_with(4, "04 81 80"), ERR_TYPE);
}

static void
an_entry_has_no_doubtful_rights(void **state)
{
	(void)state;
	assert_int_equal(read_key(4, "03 01 04 f5"), 0);
	assert_true(t.key[0].every_class);
	assert_int_equal(read_key(4, "03 01 04 f4"), ERR_TYPE);
	assert_int_equal(read_key(4, "03 01 04 f6"), ERR_TYPE);
	assert_int_equal(read_key(4, "03 01 04 80"), ERR_RANGE);
	assert_int_equal(read_key(4, "03 01 04 81" UUID), 0);
	assert_int_equal(read_key(4, "03 01 04 82" UUID UUID2), 0);
	assert_int_equal(read_key(4, "03 01 04 82" UUID2 UUID), ERR_ORDER);
	assert_int_equal(read_key(4, "03 01 04 82" UUID UUID), ERR_DUPLICATE);
	assert_int_equal(read_key(4, "03 01 04 81 48" X8), ERR_RANGE);
	assert_int_equal(read_key(4, "03 01 05 80"), 0);
	assert_false(t.key[0].every_component);
	assert_int_equal(read_key(4, "03 01 05 82 8141008141 01"), 0);
	assert_int_equal(read_key(4, "03 01 05 82 8141018141 00"), ERR_ORDER);
	assert_int_equal(read_key(4, "03 01 05 81 4100"), ERR_TYPE);
	assert_int_equal(read_key(4, "03 01 05 81 8100"), ERR_TYPE);
	assert_int_equal(read_key(4, "03 01 06 82 05 05"), 0);
	assert_int_equal(t.key[0].seq_min, 5);
	assert_int_equal(t.key[0].seq_max, 5);
	assert_int_equal(read_key(4, "03 01 06 82 06 05"), ERR_RANGE);
	assert_int_equal(read_key(4, "03 01 06 81 05"), ERR_RANGE);
	assert_int_equal(read_key(4, "03 01 06 82 00 1bffffffffffffffff"),
	    ERR_RANGE);
	assert_int_equal(read_key(4, "03 01 07 63 616263"), 0);
	assert_true(slice_eq_str(t.key[0].name, "abc"));
	assert_int_equal(read_key(4, "03 01 07 60"), ERR_RANGE);
	assert_int_equal(read_key(4, "03 01 07 63 611b63"), ERR_RANGE);
	assert_int_equal(read_key(5, "03 01 05 80 04 f5"), ERR_ORDER);
	assert_int_equal(read_key(4, "03 01 00 80"), ERR_ORDER);
}

static void
keys_ascend_and_are_no_roots(void **state)
{
	char ab[2500], ba[2500];

	(void)state;
	entry(0, ED("01"), 3, "03 01");
	entry(1, ED("02"), 3, "03 01");
	snprintf(ab, sizeof(ab), "04 82 %s %s", entry_mem[0], entry_mem[1]);
	snprintf(ba, sizeof(ba), "04 82 %s %s", entry_mem[1], entry_mem[0]);
	assert_true((read_with(4, ab) == 0) != (read_with(4, ba) == 0));
	snprintf(ab, sizeof(ab), "04 82 %s %s", entry_mem[0], entry_mem[0]);
	assert_int_equal(read_with(4, ab), ERR_DUPLICATE);
	snprintf(ab, sizeof(ab), "04 81 %s", entry(0, ED("00"), 3, "03 01"));
	assert_int_equal(read_with(4, ab), ERR_KEY); /* the root */
}

/* What a later version has added may restrict: not trusted, not fatal. */
static void
REQ_SEC_RIGHTS_what_is_not_understood_is_not_trusted(void **state)
{
	char text[1100];
	struct trust_ring r;
	struct trust_spec s;
	struct made_list m;

	(void)state;
	assert_int_equal(read_key(4, "03 05 04 f5"), 0); /* a role */
	assert_int_equal(t.key[0].role, TRUST_FOREIGN);
	assert_int_equal(trust_ring_open(&t, TRUST_FOREIGN, NULL, &r), 0);
	assert_int_equal(r.ring.n, 0);
	assert_false(trust_key_has_class(&t.key[0], class_a));
	assert_int_equal(read_key(3, "03 00"), 0);
	assert_int_equal(t.key[0].role, TRUST_FOREIGN);
	assert_int_equal(read_key(3, "03 1bffffffffffffffff"), 0);
	assert_int_equal(t.key[0].role, TRUST_FOREIGN);
	assert_int_equal(read_key(5, "03 01 04 f5 08 00"), 0); /* a field */
	assert_int_equal(t.key[0].role, TRUST_FOREIGN);
	assert_false(trust_key_has_class(&t.key[0], class_a));
	assert_int_equal(read_key(5, "03 05 04 00 07 00"), 0);
	assert_int_equal(t.key[0].role, TRUST_FOREIGN);
	assert_int_equal(read_key(5, "03 01 04 f5 20 00"), 0); /* negative */
	assert_int_equal(t.key[0].role, TRUST_AUTHOR);
	/* another kind of key: HSS-LMS */
	snprintf(text, sizeof(text), "04 81 %s",
	    entry(0, "a2 01 05 20 48" X8, 4, "03 01 04 f5"));
	assert_int_equal(read_with(4, text), 0);
	assert_int_equal(t.key[0].role, TRUST_FOREIGN);
	assert_false(trust_key_has_class(&t.key[0], class_a));
	assert_false(trust_key_has_component(&t.key[0], slice_str("\x80")));
	/* who edits the list keeps it all the same */
	trust_spec_same(&t, &s);
	make_list(&s, "", &m);
	assert_memory_equal(m.t.hash, t.hash, TRUST_HASH);
}

static void
an_entry_keeps_what_may_be_passed_over(void **state)
{
	struct trust_spec s;
	struct made_list m;

	(void)state;
	assert_int_equal(read_key(6, "03 01 04 f5 20 00 21 f6"), 0);
	assert_int_equal(t.key[0].extra_count, 2);
	assert_true(slice_eq(t.key[0].extra, slice_of("\x20\x00\x21\xf6",
	    4)));
	trust_spec_same(&t, &s);
	make_list(&s, "", &m);
	assert_memory_equal(m.t.hash, t.hash, TRUST_HASH);
	assert_int_equal(read_key(6, "03 01 04 f5 21 f6 20 00"), ERR_ORDER);
}

/* `n` arrays around a number, in a field that is passed over. */
static int
nested(unsigned n)
{
	char text[64] = "03 05 08 ";

	for (unsigned i = 0; i < n; i++)
		strcat(text, "81");
	strcat(text, "00");
	return read_key(4, text);
}

static void
nobody_has_to_dig_deep(void **state)
{
	(void)state;
	assert_int_equal(nested(8), 0);
	assert_int_equal(nested(9), ERR_DEPTH);
	assert_int_equal(read_key(4, "03 05 08 c1 82 a1 80 60 f6"), 0);
	assert_int_equal(read_key(4, "03 05 08 ff"), ERR_MALFORMED);
}

static void
roles_have_names(void **state)
{
	(void)state;
	for (int i = TRUST_AUTHOR; i < TRUST_ROLES; i++)
		assert_int_equal(trust_role_find(trust_role_name(i)), i);
	assert_int_equal(trust_role_find("foreign"), TRUST_FOREIGN);
	assert_int_equal(trust_role_find("root"), TRUST_FOREIGN);
	assert_string_equal(trust_role_name(99), "foreign");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_begins_with_kid_key_and_role),
		cmocka_unit_test(an_entry_has_no_doubtful_rights),
		cmocka_unit_test(keys_ascend_and_are_no_roots),
		cmocka_unit_test(
		    REQ_SEC_RIGHTS_what_is_not_understood_is_not_trusted),
		cmocka_unit_test(an_entry_keeps_what_may_be_passed_over),
		cmocka_unit_test(nobody_has_to_dig_deep),
		cmocka_unit_test(roles_have_names),
	};

	return cmocka_run_group_tests(tests, make_makers, drop_makers);
}
