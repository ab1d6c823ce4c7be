/* Each answer to a poll says which trust list the server has. */
#include "tests/rig/front_rig.h"

#include <string.h>

static void
ask(struct msg *a, const void *etag)
{
	static uint16_t mid = 100;
	struct msg q;

	msg_begin(&q, CON, 1, ++mid, "");
	if (etag != NULL)
		msg_opt(&q, OPT_ETAG, etag, 8);
	msg_path(&q, "big");
	msg_ask(&q, a);
}

static void
says(const struct msg *a, const void *bytes, size_t n)
{
	struct slice v;

	assert_true(msg_get(a, OPT_TRUST, &v));
	assert_int_equal(v.n, n);
	assert_memory_equal(v.p, bytes, n);
}

static void
every_answer_says_it_in_as_few_bytes_as_there_are(void **state)
{
	static const uint8_t body[40];
	struct slice etag;
	struct msg a, b;

	(void)state;
	rig.served = slice_of(body, sizeof(body));
	rig.trust = 7;
	ask(&a, NULL);
	assert_int_equal(a.code, 205);
	says(&a, "\x07", 1);
	assert_true(msg_get(&a, OPT_ETAG, &etag));
	rig.trust = 0x0100;
	ask(&b, etag.p);
	assert_int_equal(b.code, 203);
	says(&b, "\x01\x00", 2);
	rig.trust = UINT64_MAX;
	rig.get_err = ERR_NOT_FOUND;
	ask(&a, NULL);
	assert_int_equal(a.code, 404);
	says(&a, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
}

static void
without_a_list_nothing_is_said(void **state)
{
	static const uint8_t body[40];
	struct slice v;
	struct msg a;

	(void)state;
	rig.served = slice_of(body, sizeof(body));
	ask(&a, NULL);
	assert_int_equal(a.code, 205);
	assert_false(msg_get(&a, OPT_TRUST, &v));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_start, rig_stop)
		T(every_answer_says_it_in_as_few_bytes_as_there_are),
		T(without_a_list_nothing_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
