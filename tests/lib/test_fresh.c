/* Freshness by nonce: what is proven, by whom, and every cap. */
#include "lib/fresh.h"

#include "lib/cbor.h"
#include "tests/lib/list_make.h"

static struct lister l;
static struct cose_key *fresh_key, *author;
static uint8_t bytes[1024];

static int
setup(void **state)
{
	(void)state;
	list_init(&l);
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &fresh_key), 0);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &author), 0);
	list_add(&l, fresh_key, TRUST_FRESHNESS);
	list_add(&l, author, TRUST_AUTHOR);
	list_make(&l);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	list_fini(&l);
	cose_key_free(fresh_key);
	cose_key_free(author);
	return 0;
}

static struct fresh
answer(size_t classes)
{
	static uint8_t nonce[LIMIT_NONCE];
	struct fresh f = {.nonce = slice_of(nonce, sizeof(nonce)), .list = 7,
	    .class_count = classes};

	for (size_t i = 0; i < classes; i++) {
		f.class_id[i][15] = (uint8_t)i;
		f.seq[i] = UINT64_MAX - i;
	}
	return f;
}

static void
an_answer_comes_back_as_it_was_said(void **state)
{
	struct fresh f = answer(LIMIT_FRESH_CLASSES), g;
	struct buf b = buf_of(bytes, sizeof(bytes));
	uint64_t seq;

	(void)state;
	assert_int_equal(fresh_sign(&f, fresh_key, &b), 0);
	assert_int_equal(fresh_verify(buf_slice(&b), &l.list, &g, NULL), 0);
	assert_true(slice_eq(f.nonce, g.nonce));
	assert_int_equal(g.list, 7);
	assert_true(fresh_seq(&g, f.class_id[3], &seq));
	assert_true(seq == UINT64_MAX - 3);
	f.class_id[0][0] = 1;
	assert_false(fresh_seq(&g, f.class_id[0], &seq));
}

static void
TUF_FREEZE_only_a_freshness_key_of_the_list_may_say_it(void **state)
{
	struct cose_key *stranger;
	struct fresh f = answer(1), g;
	struct buf b = buf_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(fresh_sign(&f, author, &b), 0);
	assert_int_equal(fresh_verify(buf_slice(&b), &l.list, &g, NULL),
	    ERR_SIGNATURE);
	b.n = 0;
	assert_int_equal(fresh_sign(&f, l.root[0], &b), 0);
	assert_int_equal(fresh_verify(buf_slice(&b), &l.list, &g, NULL),
	    ERR_SIGNATURE);
	b.n = 0;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &stranger), 0);
	assert_int_equal(fresh_sign(&f, stranger, &b), 0);
	assert_int_equal(fresh_verify(buf_slice(&b), &l.list, &g, NULL),
	    ERR_SIGNATURE);
	cose_key_free(stranger);
}

static void
TUF_FREEZE_no_byte_of_an_answer_may_change(void **state)
{
	struct fresh f = answer(2), g;
	struct buf b = buf_of(bytes, sizeof(bytes));
	unsigned good = 0;

	(void)state;
	assert_int_equal(fresh_sign(&f, fresh_key, &b), 0);
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 0x01;
		if (fresh_verify(buf_slice(&b), &l.list, &g, NULL) == 0) {
			/* the kid is a hint, outside of what is signed */
			good++;
			assert_true(slice_eq(g.nonce, f.nonce));
			assert_int_equal(g.list, f.list);
		}
		b.p[i] ^= 0x01;
	}
	assert_true(good <= TRUST_KID + 2);
	for (size_t n = 0; n < b.n; n++)
		assert_int_not_equal(fresh_verify(slice_of(b.p, n), &l.list,
		    &g, NULL), 0);
}

static void
a_question_is_read_to_its_caps_and_no_further(void **state)
{
	static const uint8_t nonce[LIMIT_NONCE + 1];
	struct fresh_ask a = {.class_count = LIMIT_FRESH_CLASSES}, b;
	struct buf out = buf_of(bytes, sizeof(bytes));
	static const struct {
		size_t n;
		int err;
	} rows[] = {{LIMIT_NONCE_LEAST, 0}, {LIMIT_NONCE, 0},
	    {LIMIT_NONCE_LEAST - 1, ERR_SIZE}, {LIMIT_NONCE + 1, ERR_SIZE}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		out.n = 0;
		a.nonce = slice_of(nonce, rows[i].n);
		fresh_ask_put(&a, &out);
		assert_int_equal(fresh_ask_parse(buf_slice(&out), &b, NULL),
		    rows[i].err);
	}
	out.n = 0;
	cbr_put_map(&out, 2);
	cbr_put_uint(&out, 1);
	cbr_put_bstr(&out, slice_of(nonce, 8));
	cbr_put_uint(&out, 2);
	cbr_put_array(&out, LIMIT_FRESH_CLASSES + 1);
	for (int i = 0; i <= LIMIT_FRESH_CLASSES; i++)
		cbr_put_bstr(&out, slice_of(nonce, 16));
	assert_int_equal(fresh_ask_parse(buf_slice(&out), &b, NULL),
	    ERR_SIZE);
	assert_int_equal(fresh_ask_parse(slice_of("\xa0", 1), &b, NULL),
	    ERR_MISSING);
	assert_int_not_equal(fresh_ask_parse(SLICE_NONE, &b, NULL), 0);
	assert_int_not_equal(fresh_ask_parse(slice_str("nonce"), &b, NULL),
	    0);
}

static void
an_answer_is_read_to_its_caps_and_no_further(void **state)
{
	static const uint8_t nonce[LIMIT_NONCE + 1];

	(void)state;
	for (unsigned n = 0; n <= LIMIT_FRESH_CLASSES + 1; n++) {
		struct buf b = buf_of(bytes, sizeof(bytes));
		uint8_t id[16] = {0};
		struct fresh f;

		cbr_put_map(&b, 3);
		cbr_put_uint(&b, 1);
		cbr_put_bstr(&b, slice_of(nonce, 8));
		cbr_put_uint(&b, 2);
		cbr_put_uint(&b, 7);
		cbr_put_uint(&b, 3);
		cbr_put_map(&b, n);
		for (unsigned i = 0; i < n; i++) {
			id[15] = (uint8_t)i;
			cbr_put_bstr(&b, slice_of(id, 16));
			cbr_put_uint(&b, i);
		}
		assert_int_equal(fresh_parse(buf_slice(&b), &f, NULL),
		    n <= LIMIT_FRESH_CLASSES ? 0 : ERR_SIZE);
		assert_int_not_equal(fresh_parse(slice_of(bytes, b.n - 1),
		    &f, NULL), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_back_as_it_was_said),
		cmocka_unit_test(
		    TUF_FREEZE_only_a_freshness_key_of_the_list_may_say_it),
		cmocka_unit_test(TUF_FREEZE_no_byte_of_an_answer_may_change),
		cmocka_unit_test(
		    a_question_is_read_to_its_caps_and_no_further),
		cmocka_unit_test(an_answer_is_read_to_its_caps_and_no_further),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
