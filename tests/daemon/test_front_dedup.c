/* Remembered answers: by peer and message ID, for EXCHANGE_LIFETIME, and
 * LIMIT_DEDUP of them. */
#include "tests/rig/front_rig.h"

#include <string.h>

#include "daemon/dedup.h"

static struct peer_key
peer(uint8_t n)
{
	struct peer_key k;

	memset(&k, 0, sizeof(k));
	k.b[3] = n;
	return k;
}

static void
remember(struct dedup *d, uint8_t who, uint16_t mid, const char *body)
{
	struct answer a = {.code = 204, .body = slice_str(body)};
	struct peer_key k = peer(who);

	answer_opt_uint(&a, OPT_CF, 60);
	dedup_begin(d, &k, mid, 1000);
	dedup_end(d, &k, mid, &a);
}

static int
look(const struct dedup *d, uint8_t who, uint16_t mid, int64_t now,
    struct answer *ret)
{
	struct peer_key k = peer(who);

	return dedup_find(d, &k, mid, now, ret);
}

static void
an_answer_is_found_by_peer_and_message_id_until_it_is_old(void **state)
{
	struct dedup *d = dedup_new();
	struct answer a;

	(void)state;
	assert_non_null(d);
	remember(d, 1, 7, "one");
	remember(d, 2, 7, "two");
	assert_int_equal(look(d, 1, 7, 1000, &a), 0);
	assert_true(slice_eq_str(a.body, "one"));
	assert_int_equal(a.code, 204);
	assert_int_equal(a.opts_n, 5);
	assert_int_equal(look(d, 2, 7, 1000, &a), 0);
	assert_true(slice_eq_str(a.body, "two"));
	assert_int_equal(look(d, 1, 8, 1000, &a), ERR_NOT_FOUND);
	assert_int_equal(look(d, 1, 7, 1000 + DEDUP_LIFETIME_MS - 1, &a), 0);
	assert_int_equal(look(d, 1, 7, 1000 + DEDUP_LIFETIME_MS, &a),
	    ERR_NOT_FOUND);
	/* a message ID comes round again */
	remember(d, 1, 7, "new");
	assert_int_equal(look(d, 1, 7, 1000, &a), 0);
	assert_true(slice_eq_str(a.body, "new"));
	dedup_free(d);
}

static void
what_has_no_answer_yet_is_busy(void **state)
{
	struct dedup *d = dedup_new();
	struct peer_key k = peer(1);
	struct answer a;

	(void)state;
	dedup_begin(d, &k, 7, 1000);
	assert_int_equal(look(d, 1, 7, 1000, &a), ERR_BUSY);
	dedup_free(d);
}

static void
the_oldest_goes_at_the_limit(void **state)
{
	struct dedup *d = dedup_new();
	struct answer a;

	(void)state;
	for (int i = 0; i < LIMIT_DEDUP; i++)
		remember(d, 1, (uint16_t)i, "x");
	assert_int_equal(look(d, 1, 0, 1000, &a), 0);
	remember(d, 1, LIMIT_DEDUP, "x");
	assert_int_equal(look(d, 1, 0, 1000, &a), ERR_NOT_FOUND);
	for (int i = 1; i <= LIMIT_DEDUP; i++)
		assert_int_equal(look(d, 1, (uint16_t)i, 1000, &a), 0);
	dedup_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_answer_is_found_by_peer_and_message_id_until_it_is_old),
		cmocka_unit_test(what_has_no_answer_yet_is_busy),
		cmocka_unit_test(the_oldest_goes_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
