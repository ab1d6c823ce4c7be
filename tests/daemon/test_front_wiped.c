/*
 * Keys are wiped where they were remembered, or came by. It looks at memory
 * that is free, so it is no test for valgrind.
 */
#include "tests/rig/front_rig.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/block1.h"
#include "daemon/dedup.h"
#include "tests/rig/beside.h"
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

#define PART 64
#define PARTS 200 /* so that the memory of a body grows some times */

static struct front *front;

/* One block of a body; the key is in the first. */
static int
give(struct block1 *b, struct exchange *x, uint32_t num)
{
	static const struct route route = {.path = "x"};
	uint8_t body[PART] = {0};
	int rc;

	memset(x, 0, sizeof(*x));
	x->f = front;
	x->match.route = &route;
	x->req.method = M_PUT;
	x->req.who.role = ROLE_DEVICE;
	x->have_b1 = x->con = true;
	x->mid = (coap_mid_t)num;
	x->b1 = (struct block){.num = num, .more = num + 1 < PARTS,
	    .szx = 2};
	x->b1_off = num * PART;
	x->req.body = slice_of(body, PART);
	if (num == 0)
		copies_put(key, body + 7);
	rc = block1_take(b, x, LIMIT_BODY_MEM, 1000);
	explicit_bzero(body, sizeof(body));
	return rc;
}

static void
a_body_with_a_key_is_wiped_when_it_was_read_or_is_given_up(void **state)
{
	static struct exchange x;
	struct block1 *b = block1_new(NULL);

	(void)state;
	front = calloc(1, sizeof(*front));
	assert_non_null(front);
	copies_make(key);
	for (uint32_t i = 0; i + 1 < PARTS; i++)
		assert_int_equal(give(b, &x, i), BLOCK1_MORE);
	assert_int_equal(copies_count(key), 1);
	assert_int_equal(give(b, &x, PARTS - 1), 0);
	assert_int_equal(x.req.body.n, PARTS * PART);
	block1_drop(x.assembly);
	assert_int_equal(copies_count(key), 0);
	assert_int_equal(give(b, &x, 0), BLOCK1_MORE);
	assert_int_equal(copies_count(key), 1);
	block1_tick(b, front, 1000 + LIMIT_ASSEMBLY_IDLE * 1000);
	assert_int_equal(copies_count(key), 0);
	block1_free(b);
	free(front);
}

static void
the_key_of_a_handshake_does_not_stay(void **state)
{
	static const uint8_t none[LIMIT_PSK_KEY];

	(void)state;
	beside_client(T_DTLS, "-u dev7 -k secret", "mine");
	beside_says("1 dev7 127.0.0.1 ");
	assert_memory_equal(rig.front->plane[T_DTLS].key, none, sizeof(none));
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
		cmocka_unit_test(
		    a_body_with_a_key_is_wiped_when_it_was_read_or_is_given_up),
		cmocka_unit_test_setup_teardown(
		    the_key_of_a_handshake_does_not_stay, rig_start, rig_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
