/*
 * The form of a list: what is read, what is refused, each cap and one past
 * it; and what is encoded reads back.
 */
#include "tests/lib/trust_read.h"

static void
a_list_has_six_fields_in_their_order(void **state)
{
	(void)state;
	assert_int_equal(read_with(0, "a6"), 0);
	assert_int_equal(t.seq, 1);
	assert_int_equal(t.roots.n, 1);
	assert_int_equal(t.roots.need, 1);
	assert_int_equal(t.key_count + t.denied_count + t.floor_count, 0);
	assert_int_equal(read_with(0, "a5"), ERR_MISSING);
	assert_int_equal(read_with(0, "a7"), ERR_TRUNCATED);
	assert_int_equal(read_with(0, "86"), ERR_TYPE);
	assert_int_equal(read_with(0, "bf"), ERR_INDEFINITE);
	assert_int_equal(read_with(0, "b806"), ERR_MALFORMED);
	for (int i = 1; i <= 6; i++)
		assert_int_not_equal(read_with(i, ""), 0);
	assert_int_equal(read_with(6, "07 a0"), ERR_MISSING);
	assert_int_equal(read_with(6, "05 a0"), ERR_MISSING);
	assert_int_equal(read_with(7, "00"), ERR_TRAILING);
}

static void
numbers_of_lists_begin_at_1(void **state)
{
	(void)state;
	assert_int_equal(read_with(1, "01 00"), ERR_RANGE);
	assert_int_equal(read_with(1, "01 20"), ERR_TYPE);
	assert_int_equal(read_with(1, "01 02"), ERR_RANGE); /* prev is zeros */
	assert_int_equal(read_with(2, "02 5820" X32), ERR_RANGE);
	assert_int_equal(read_with(2, "02 581f" X8 X8 X8 "01020304050607"),
	    ERR_RANGE);
	assert_int_equal(read_with(2, "02 f6"), ERR_TYPE);
}

static void
the_number_of_a_list_has_a_cap(void **state)
{
	struct trust_spec s = first_spec();
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));

	(void)state;
	s.prev[0] = 1;
	s.seq = INT64_MAX;
	assert_int_equal(trust_encode(&s, &b, NULL), 0);
	s.seq++;
	assert_int_equal(trust_encode(&s, &b, NULL), ERR_RANGE);
	s.seq = 0;
	assert_int_equal(trust_encode(&s, &b, NULL), ERR_RANGE);
}

static void
roots_are_few_known_keys_of_which_enough_sign(void **state)
{
	(void)state;
	assert_int_equal(read_with(3, "03 82 01" P256), 0);
	assert_int_equal(read_with(3, "03 82 00" P256), ERR_RANGE);
	assert_int_equal(read_with(3, "03 82 02" P256), ERR_RANGE);
	assert_int_equal(read_with(3, "03 81 01"), ERR_MISSING);
	assert_int_equal(read_with(3, "03 80"), ERR_MISSING);
	assert_int_equal(read_with(3, "03 a0"), ERR_TYPE);
	/* the same key twice */
	assert_int_equal(read_with(3, "03 83 01" P256 P256), ERR_DUPLICATE);
	/* two keys are in the order of their ids; one of both is wrong */
	assert_true((read_with(3, "03 83 01" ED("01") ED("02")) == 0) !=
	    (read_with(3, "03 83 01" ED("02") ED("01")) == 0));
	/* with a kid, with another curve, private */
	assert_int_equal(read_with(3, "03 82 01 a4 01 01 02 41 00 20 06 21 "
	    "5820" X32), ERR_KEY);
	assert_int_equal(read_with(3, "03 82 01 a3 01 01 20 04 21 5820" X32),
	    ERR_KEY);
	assert_int_equal(read_with(3, "03 82 01 a4 01 01 20 06 21 5820" X32
	    "23 5820" X32), ERR_KEY);
	assert_int_equal(read_with(3, "03 82 01 05"), ERR_KEY);
}

static int
read_extra(const char *extra, const char *head)
{
	char text[200];

	snprintf(text, sizeof(text), "06 a0 %s", extra);
	const char *field[7] = {head, "01 01", "02 5820" Z32,
	    "03 82 01" ED("00"), "04 80", "05 80", text};
	struct buf b = buf_of(payload_mem, sizeof(payload_mem));

	for (int j = 0; j < 7; j++)
		assert_int_equal(*make_pack(&b, field[j]), '\0');
	return trust_parse_payload(buf_slice(&b), &t, NULL);
}

static void
a_list_that_may_restrict_more_is_of_no_use(void **state)
{
	struct trust_spec s;
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	struct trust back;

	(void)state;
	assert_int_equal(read_extra("07 00", "a7"), ERR_UNSUPPORTED);
	assert_int_equal(read_extra("00 00", "a7"), ERR_UNSUPPORTED);
	assert_int_equal(read_extra("60 00", "a7"), ERR_TYPE);
	assert_int_equal(read_extra("20 00 21 80", "a8"), 0);
	assert_int_equal(t.extra_count, 2);
	/* and is kept by who edits it */
	trust_spec_same(&t, &s);
	assert_int_equal(trust_encode(&s, &b, NULL), 0);
	assert_int_equal(trust_parse_payload(buf_slice(&b), &back, NULL), 0);
	assert_memory_equal(back.hash, t.hash, TRUST_HASH);
	assert_int_equal(read_extra("21 80 20 00", "a8"), ERR_ORDER);
}

static void
denied_digests_and_floors_are_sorted(void **state)
{
	(void)state;
	assert_int_equal(read_with(5, "05 82 5820" Z32 "5820" X32), 0);
	assert_int_equal(t.denied_count, 2);
	assert_int_equal(read_with(5, "05 82 5820" X32 "5820" Z32),
	    ERR_ORDER);
	assert_int_equal(read_with(5, "05 82 5820" X32 "5820" X32),
	    ERR_DUPLICATE);
	assert_int_equal(read_with(5, "05 81 50" X8 X8), ERR_RANGE);
	assert_int_equal(read_with(6, "06 a1" UUID "07"), 0);
	assert_int_equal(trust_floor_at(&t, 0).least, 7);
	assert_true(trust_floor_at(&t, 0).most == UINT64_MAX);
	assert_int_equal(read_with(6, "06 a1" UUID "82 07 09"), 0);
	assert_int_equal(trust_floor_at(&t, 0).most, 9);
	assert_int_equal(read_with(6, "06 a1" UUID "82 07 06"), ERR_RANGE);
	assert_int_equal(read_with(6, "06 a1" UUID
	    "82 07 1bffffffffffffffff"), ERR_RANGE);
	assert_int_equal(read_with(6, "06 a1" UUID "81 07"), ERR_RANGE);
	assert_int_equal(read_with(6, "06 a1" UUID "f6"), ERR_TYPE);
	assert_int_equal(read_with(6, "06 a2" UUID2 "07" UUID "07"),
	    ERR_ORDER);
	assert_int_equal(read_with(6, "06 a1 48" X8 "07"), ERR_RANGE);
}

/* --- caps: the parser's, by lists that no encoder writes --- */

/* "Nn XX.." for n items made by `item`, sorted. */
static const char *
many(const char *head, unsigned n, const char *tail, const char *item)
{
	static char text[8192];
	int at = snprintf(text, sizeof(text), "%s", head);

	for (unsigned i = 0; i < n; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at,
		    "%s%02x%s", item, i, tail);
	return text;
}

static void
caps_of_denied_floors_and_classes(void **state)
{
	char text[1100];

	(void)state;
	assert_int_equal(LIMIT_TRUST_DENIED, 32);
	assert_int_equal(read_with(5, many("05 9820", 32,
	    "01020304050607" X8 X8 X8, "5820")), 0);
	assert_int_equal(read_with(5, many("05 9821", 33,
	    "01020304050607" X8 X8 X8, "5820")), ERR_SIZE);
	assert_int_equal(LIMIT_TRUST_FLOORS, 16);
	assert_int_equal(read_with(6, many("06 b0", 16,
	    "01020304050607" X8 "00", "50")), 0);
	assert_int_equal(read_with(6, many("06 b1", 17,
	    "01020304050607" X8 "00", "50")), ERR_SIZE);
	assert_int_equal(LIMIT_TRUST_CLASSES, 16);
	assert_int_equal(read_key(4, many("03 01 04 90", 16,
	    "01020304050607" X8, "50")), 0);
	assert_int_equal(read_key(4, many("03 01 04 91", 17,
	    "01020304050607" X8, "50")), ERR_SIZE);
	assert_int_equal(LIMIT_TRUST_COMPONENTS, 8);
	assert_int_equal(read_key(4, many("03 01 05 88", 8, "", "8141")), 0);
	assert_int_equal(read_key(4, many("03 01 05 89", 9, "", "8141")),
	    ERR_SIZE);
	assert_int_equal(LIMIT_TRUST_NAME, 32);
	snprintf(text, sizeof(text), "03 01 07 7820 %064d", 0);
	for (char *p = strstr(text, "000"); *p != '\0'; p += 2)
		memcpy(p, "61", 2);
	assert_int_equal(read_key(4, text), 0);
	memcpy(strstr(text, "7820"), "7821", 4);
	strcat(text, "61");
	assert_int_equal(read_key(4, text), ERR_RANGE);
}

/* Written by hand in the order of ids, as the encoder would. */
static int
with_roots(size_t n)
{
	struct buf b = buf_of(payload_mem, sizeof(payload_mem));
	uint8_t kid[KEYS][TRUST_KID];
	size_t at[KEYS];

	for (size_t i = 0, j; i < KEYS; i++) {
		assert_int_equal(cose_key_id(maker[i], kid[i]), 0);
		for (j = i; j > 0 && memcmp(kid[at[j - 1]], kid[i],
			 TRUST_KID) > 0; j--)
			at[j] = at[j - 1];
		at[j] = i;
	}
	assert_int_equal(*make_pack(&b, "a6 01 01 02 5820" Z32 "03"), '\0');
	cbr_put_array(&b, n + 1);
	cbr_put_uint(&b, 1);
	for (size_t i = 0; i < n; i++)
		buf_put(&b, maker_cose[at[i]]);
	assert_int_equal(*make_pack(&b, "04 80 05 80 06 a0"), '\0');
	return trust_parse_payload(buf_slice(&b), &t, NULL);
}

static void
caps_of_roots_and_keys(void **state)
{
	struct trust_spec s = {.seq = 1, .need = 1, .root_count = 1,
	    .root = {maker_cose[0]}};
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	uint8_t *at;

	(void)state;
	assert_int_equal(LIMIT_TRUST_ROOTS, 5);
	assert_int_equal(with_roots(5), 0);
	assert_int_equal(with_roots(6), ERR_SIZE);
	assert_int_equal(LIMIT_TRUST_KEYS, 16);
	for (int i = 1; i <= 16; i++)
		add_key(&s, i, TRUST_AUTHOR, SLICE_NONE);
	assert_int_equal(trust_encode(&s, &b, NULL), 0);
	assert_int_equal(trust_parse_payload(buf_slice(&b), &t, NULL), 0);
	/* a 17th, before the others are looked at: 04 90 becomes 04 91 */
	at = mem + (t.key[0].raw.p - mem) - 1;
	assert_int_equal(*at, 0x90);
	*at = 0x91;
	memmove(at + 1 + t.key[0].raw.n, at + 1,
	    (size_t)(mem + b.n - at - 1));
	assert_int_equal(trust_parse_payload(slice_of(mem,
	    b.n + t.key[0].raw.n), &t, NULL), ERR_SIZE);
	s.key_count++;
	assert_int_equal(trust_encode(&s, &b, NULL), ERR_SIZE);
}

static void
a_list_has_a_cap(void **state)
{
	static uint8_t mem[LIMIT_TRUST_LIST + 1];
	struct trust_spec s = first_spec();
	struct made_list m;
	struct buf b;
	size_t n;

	(void)state;
	make_list(&s, "", &m);
	/* an ignorable field makes it as long as one likes */
	for (size_t over = 0; over < 2; over++) {
		b = buf_of(mem, sizeof(mem));
		buf_put(&b, m.t.payload);
		mem[0]++;
		cbr_put_int(&b, -1);
		n = LIMIT_TRUST_LIST + over - b.n - 3;
		cbr_put_bstr_head(&b, n);
		b.n += n;
		assert_int_equal(b.n, LIMIT_TRUST_LIST + over);
		assert_int_equal(trust_parse_payload(buf_slice(&b), &t, NULL),
		    over == 0 ? 0 : ERR_SIZE);
	}
	assert_int_equal(trust_parse(slice_of(mem, LIMIT_TRUST_LIST + 1), &t,
	    NULL), ERR_SIZE);
	/* with its signature it gets too long */
	make_list(&s, "", &m);
	b = buf_of(mem, sizeof(mem));
	buf_put(&b, m.t.payload);
	mem[0]++;
	cbr_put_int(&b, -1);
	n = LIMIT_TRUST_LIST - b.n - 3;
	cbr_put_bstr_head(&b, n);
	b.n += n;
	assert_int_equal(trust_parse_payload(buf_slice(&b), &t, NULL), 0);
	b = buf_of(m.mem[1], sizeof(m.mem[1]));
	assert_int_equal(trust_sign(&t, maker[R0], &b, NULL), ERR_SIZE);
}

static void
a_message_is_a_list_and_nothing_else(void **state)
{
	static uint8_t mem[LIMIT_TRUST_LIST], out[LIMIT_TRUST_LIST];
	struct cose_sign_opts opts = {.attached = true};
	struct trust_spec s = first_spec();
	struct made_list m;
	struct buf b;

	(void)state;
	make_list(&s, "01", &m);
	memcpy(mem, m.t.message.p, m.t.message.n);
	assert_int_equal(trust_parse(slice_of(mem, m.t.message.n + 1), &t,
	    NULL), ERR_TRAILING);
	assert_int_equal(trust_parse(m.t.payload, &t, NULL), ERR_TYPE);
	assert_int_equal(trust_parse(SLICE_NONE, &t, NULL), ERR_TYPE);
	b = buf_of(out, sizeof(out)); /* COSE_Sign1 */
	assert_int_equal(cose_sign(maker[R0], m.t.payload, &opts, &b), 0);
	assert_int_equal(trust_parse(buf_slice(&b), &t, NULL), ERR_TYPE);
	mem[10] ^= 1; /* another type */
	assert_int_equal(trust_parse(slice_of(mem, m.t.message.n), &t, NULL),
	    ERR_TYPE);
}

/* A list whose signatures are these bytes in hex. */
static int
read_signatures(const char *text)
{
	static uint8_t mem[LIMIT_TRUST_LIST + 1024];
	struct buf b = buf_of(mem, sizeof(mem));
	struct trust_spec s = first_spec();
	struct made_list m;

	make_list(&s, "0", &m);
	buf_put(&b, slice_of(m.t.message.p,
	    (size_t)(m.t.msg.rest.p - m.t.message.p)));
	assert_int_equal(*make_pack(&b, text), '\0');
	return trust_parse(buf_slice(&b), &t, NULL);
}

static void
signatures_have_one_form(void **state)
{
	(void)state;
	assert_int_equal(read_signatures("81 83 <a1 01 28> a0 41 00"), 0);
	assert_int_equal(read_signatures("81 83 40 a0 41 00"),
	    ERR_TRUNCATED);
	assert_int_equal(read_signatures("80"), ERR_UNSIGNED);
	assert_int_equal(read_signatures("a0"), ERR_TYPE);
	assert_int_equal(read_signatures("81 83 <a1 01 28> a1 04 41 00 "
	    "41 00"), ERR_MALFORMED);
	assert_int_equal(read_signatures("81 83 <a1 01 81 28> a0 41 00"),
	    ERR_DEPTH);
	assert_int_equal(read_signatures("81 83 <a1 01 28 00> a0 41 00"),
	    ERR_TRAILING);
	assert_int_equal(read_signatures("81 84 <a1 01 28> a0 41 00 00"),
	    ERR_MALFORMED);
	assert_int_equal(read_signatures("81 83 <a1 01 28> a0 f6"), ERR_TYPE);
	assert_int_equal(read_signatures("82 83 <a1 01 28> a0 41 00"),
	    ERR_TRUNCATED);
}

static void
what_is_encoded_reads_back(void **state)
{
	struct trust_spec s = first_spec(), again;
	struct made_list a, b;

	(void)state;
	s.key[0].seq_min = 3;
	s.key[0].seq_max = 9;
	s.key[1].name = slice_str("bob");
	s.key[1].every_component = false;
	s.key[1].components = slice_of("\x81\x41\x01\x81\x41\x00", 6);
	s.denied_count = 2;
	s.denied[0][0] = 9;
	s.floor_count = 2;
	memcpy(s.floor[0].class_id, class_b, 16);
	s.floor[0].least = 5;
	s.floor[0].most = UINT64_MAX;
	memcpy(s.floor[1].class_id, class_a, 16);
	s.floor[1].most = 7;
	make_list(&s, "", &a);
	trust_spec_same(&a.t, &again);
	make_list(&again, "", &b);
	assert_memory_equal(a.t.hash, b.t.hash, TRUST_HASH);
	trust_spec_next(&a.t, &again);
	make_list(&again, "", &b);
	assert_int_equal(b.t.seq, 2);
	assert_memory_equal(b.t.prev, a.t.hash, TRUST_HASH);
	assert_int_equal(trust_floor_of(&b.t, class_b).least, 5);
	assert_int_equal(trust_floor_of(&b.t, class_a).most, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_has_six_fields_in_their_order),
		cmocka_unit_test(numbers_of_lists_begin_at_1),
		cmocka_unit_test(the_number_of_a_list_has_a_cap),
		cmocka_unit_test(
		    roots_are_few_known_keys_of_which_enough_sign),
		cmocka_unit_test(a_list_that_may_restrict_more_is_of_no_use),
		cmocka_unit_test(denied_digests_and_floors_are_sorted),
		cmocka_unit_test(caps_of_denied_floors_and_classes),
		cmocka_unit_test(caps_of_roots_and_keys),
		cmocka_unit_test(a_list_has_a_cap),
		cmocka_unit_test(a_message_is_a_list_and_nothing_else),
		cmocka_unit_test(signatures_have_one_form),
		cmocka_unit_test(what_is_encoded_reads_back),
	};

	return cmocka_run_group_tests(tests, make_makers, drop_makers);
}
