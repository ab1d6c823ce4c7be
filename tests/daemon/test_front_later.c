/* Answers that wait for something else than a commit. */
#include "tests/rig/front_rig.h"

#include <string.h>

#define TICKET 7

static uint16_t mid;
static struct blob_put *put;

static int
start(void **state)
{
	mid = 0;
	put = NULL;
	if (rig_start(state) != 0)
		return -1;
	rig.ticket = TICKET;
	return 0;
}

static void
request(struct msg *q, unsigned code, const char *query)
{
	msg_begin(q, CON, code, ++mid, "c0ffee");
	msg_path(q, "wait");
	if (query != NULL)
		msg_opt(q, OPT_URI_QUERY, query, strlen(query));
}

static size_t
waiting(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.waiting;
}

static size_t
resume(int err)
{
	size_t n = front_resume(rig.front, TICKET, err, put);

	if (n > 0)
		put = NULL;
	return n;
}

static void
is_answer(const struct msg *a, uint16_t id, unsigned code)
{
	assert_int_equal(a->type, ACK);
	assert_int_equal(a->mid, id);
	assert_int_equal(a->code, code);
	assert_memory_equal(a->token.p, "\xc0\xff\xee", 3);
}

static void
who_waits_is_answered_when_it_is_over(void **state)
{
	struct msg q, a, none;

	(void)state;
	request(&q, 1, "ep=kitchen");
	msg_send(&q, 0);
	assert_false(msg_recv(&none, 0, 50));
	assert_int_equal(waiting(), 1);
	msg_send(&q, 0); /* it was sent again: that is no second one */
	assert_false(msg_recv(&none, 0, 50));
	assert_int_equal(waiting(), 1);
	/* others are served meanwhile, and bring their own options */
	msg_begin(&q, CON, 1, ++mid, "ff");
	msg_path(&q, "q");
	msg_opt(&q, OPT_URI_QUERY, "another=query", 13);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 205);
	assert_int_equal(front_resume(rig.front, TICKET + 1, 0, NULL), 0);
	assert_int_equal(resume(0), 1);
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	is_answer(&a, 1, 205);
	assert_int_equal(a.body.n, 11);
	assert_memory_equal(a.body.p, "ep=kitchen-", 11);
	assert_int_equal(waiting(), 0);
	assert_int_equal(resume(0), 0);
}

static void
what_was_found_out_is_the_answer(void **state)
{
	struct msg q, a;

	(void)state;
	request(&q, 1, NULL);
	msg_send(&q, 0);
	rig_run(20);
	assert_int_equal(resume(ERR_CORRUPT), 1);
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	is_answer(&a, 1, 500);
}

static void
one_may_wait_again(void **state)
{
	struct msg q, a;

	(void)state;
	request(&q, 1, "a");
	msg_send(&q, 0);
	rig_run(20);
	assert_int_equal(waiting(), 1);
	assert_int_equal(resume(ERR_BUSY), 1);
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	is_answer(&a, 1, 503);
	/* the same exchange is answered once, so this one is new */
	request(&q, 1, "b");
	msg_send(&q, 0);
	rig_run(20);
	assert_int_equal(resume(0), 1);
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	is_answer(&a, 2, 205);
}

/* It was uploaded, it is on the disk, it is written down: only then. */
static void
an_upload_comes_back_and_its_answer_waits_for_the_commit(void **state)
{
	struct msg q, a, none;

	(void)state;
	assert_int_equal(blob_put_begin(NULL, &put), 0);
	rig.no_flush = true;
	request(&q, 3, NULL);
	msg_send(&q, 0);
	rig_run(20);
	assert_int_equal(rig.calls, 1);
	msg_send(&q, 0);
	rig_run(20);
	assert_int_equal(rig.calls, 1);
	assert_int_equal(resume(0), 1);
	assert_int_equal(rig.calls, 2);
	assert_int_equal(rig.puts, 0);
	assert_false(msg_recv(&none, 0, 50));
	front_flush(rig.front, FRONT_ALL, 0);
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	is_answer(&a, 1, 204);
	assert_int_equal(a.body.n, 1);
	assert_int_equal(a.body.p[0], '+');
	msg_ask(&q, &a); /* its answer was lost */
	is_answer(&a, 1, 204);
	assert_int_equal(rig.calls, 2);
}

static void
only_the_first_gets_the_upload_and_nobody_keeps_it_here(void **state)
{
	(void)state;
	assert_int_equal(blob_put_begin(NULL, &put), 0);
	assert_int_equal(resume(0), 0); /* who waited is gone */
	assert_int_equal(rig.puts, 1);
	blob_put_abort(put);
	put = NULL;
}

static void
no_answer_at_all_is_one_way(void **state)
{
	struct msg q, none;

	(void)state;
	rig.ticket = 0;
	request(&q, 1, NULL);
	msg_send(&q, 0);
	assert_false(msg_recv(&none, 0, 50));
	assert_int_equal(waiting(), 0);
	assert_int_equal(rig.calls, 1);
	msg_send(&q, 0); /* asked again it is a new request */
	assert_false(msg_recv(&none, 0, 50));
	assert_int_equal(rig.calls, 2);
}

/* A GET past the cap is dropped, it comes again; another one is told. */
static void
those_who_wait_are_bounded(void **state)
{
	struct front_stats st;
	struct msg q, a, none;

	(void)state;
	for (int i = 0; i < LIMIT_WAITING; i++) {
		request(&q, 1, NULL);
		msg_send(&q, 0);
		if (i % 64 == 63)
			rig_run(5);
	}
	for (int i = 0; i < 100 && waiting() < LIMIT_WAITING; i++)
		rig_run(5);
	assert_int_equal(waiting(), LIMIT_WAITING);
	request(&q, 1, NULL);
	msg_send(&q, 0);
	assert_false(msg_recv(&none, 0, 50));
	request(&q, 3, NULL);
	msg_ask(&q, &a);
	is_answer(&a, mid, 503);
	assert_int_equal(waiting(), LIMIT_WAITING);
	front_stats(rig.front, &st);
	assert_int_equal(st.limit[FRONT_LIMIT_WAITING], 2);
	assert_int_equal(resume(0), LIMIT_WAITING);
	assert_int_equal(waiting(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, rig_stop)
		T(who_waits_is_answered_when_it_is_over),
		T(what_was_found_out_is_the_answer),
		T(one_may_wait_again),
		T(an_upload_comes_back_and_its_answer_waits_for_the_commit),
		T(only_the_first_gets_the_upload_and_nobody_keeps_it_here),
		T(no_answer_at_all_is_one_way),
		T(those_who_wait_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
