/*
 * Answers with keys are wiped where they were remembered. It looks at memory
 * that is free, so it is no test for valgrind.
 */
#include "tests/rig/front_rig.h"

#include <string.h>

#include "daemon/dedup.h"
#include "tests/rig/copies.h"

/* Of the session of this number. */
static struct peer_key
peer(uint64_t session)
{
	struct peer_key k;

	memset(&k, 0, sizeof(k));
	k.session = session;
	return k;
}

/* An answer without a key. */
static void
remember(struct dedup *d, uint64_t session, uint16_t mid)
{
	struct answer a = {.code = 204, .body = slice_str("x")};
	struct peer_key k = peer(session);

	dedup_begin(d, &k, mid, 1000);
	dedup_end(d, &k, mid, &a);
}

static uint8_t key[COPIES_KEY]; /* masked */

/* The answer of a session's request has the key; nobody else has it then. */
static void
remember_key(struct dedup *d, uint16_t mid, int64_t now)
{
	uint8_t body[COPIES_KEY + 8] = {0};
	struct answer a = {.code = 201, .secret = true,
	    .body = slice_of(body, sizeof(body))};
	struct peer_key k = peer(77);

	copies_put(key, body + 4);
	dedup_begin(d, &k, mid, now);
	dedup_end(d, &k, mid, &a);
	explicit_bzero(body, sizeof(body));
}

static int
look_key(const struct dedup *d, uint16_t mid, int64_t now, struct answer *ret)
{
	struct peer_key k = peer(77);

	return dedup_find(d, &k, mid, now, ret);
}

static void
a_key_is_kept_while_its_request_may_come_again_and_then_wiped(void **state)
{
	struct dedup *d = dedup_new();
	int64_t end = 1000 + DEDUP_SECRET_MS;
	struct answer a;

	(void)state;
	copies_make(key);
	assert_int_equal(copies_count(key), 0);
	remember_key(d, 7, 1000);
	remember_key(d, 8, 2000);
	assert_int_equal(copies_count(key), 2);
	dedup_tick(d, end - 1);
	assert_int_equal(look_key(d, 7, end - 1, &a), 0);
	assert_int_equal(a.body.n, COPIES_KEY + 8);
	dedup_tick(d, end);
	assert_int_equal(copies_count(key), 1);
	/* it does not run again, and is not answered either */
	assert_int_equal(look_key(d, 7, end, &a), ERR_BUSY);
	assert_int_equal(look_key(d, 8, end, &a), 0);
	dedup_tick(d, end + 1000);
	assert_int_equal(copies_count(key), 0);
	assert_int_equal(look_key(d, 7, 1000 + DEDUP_LIFETIME_MS, &a),
	    ERR_NOT_FOUND);
	dedup_free(d);
}

static void
a_key_goes_with_its_session(void **state)
{
	struct dedup *d = dedup_new();
	struct answer a;

	(void)state;
	copies_make(key);
	remember_key(d, 7, 1000);
	remember(d, 77, 8);
	dedup_closed(d, 0);
	dedup_closed(d, 78);
	assert_int_equal(copies_count(key), 1);
	dedup_closed(d, 77);
	assert_int_equal(copies_count(key), 0);
	assert_int_equal(look_key(d, 8, 1000, &a), 0);
	dedup_free(d);
}

static void
a_key_that_makes_room_or_is_there_at_the_end_is_wiped(void **state)
{
	struct dedup *d = dedup_new();

	(void)state;
	copies_make(key);
	remember_key(d, 7, 1000);
	for (int i = 0; i < LIMIT_DEDUP; i++)
		remember(d, 2, (uint16_t)i);
	assert_int_equal(copies_count(key), 0);
	remember_key(d, 7, 1000);
	remember_key(d, 7, 1000); /* the number comes round */
	assert_int_equal(copies_count(key), 1);
	dedup_free(d);
	assert_int_equal(copies_count(key), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_key_is_kept_while_its_request_may_come_again_and_then_wiped),
		cmocka_unit_test(a_key_goes_with_its_session),
		cmocka_unit_test(
		    a_key_that_makes_room_or_is_there_at_the_end_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
