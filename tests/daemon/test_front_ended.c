/*
 * A session that ends takes with it what was asked for in it: its answers are
 * no other session's, whoever has ended is nobody at once, and what still
 * waits is asked anew whose it is.
 */
#include "tests/rig/front_rig.h"

#include <string.h>
#include <unistd.h>

#include "tests/rig/tls_client.h"

#define TICKET 7

static struct tls_client *c;

static int
stop(void **state)
{
	if (c != NULL)
		tls_client_drop(c);
	c = NULL;
	return rig_stop(state);
}

/* As who, always from the same port. */
static void
shake(const char *who)
{
	int port = 19000 + getpid() % 9000; /* nobody else's */

	if (c != NULL)
		tls_client_drop(c);
	c = tls_client_of(who, port, front_port(rig.front, T_DTLS));
	assert_non_null(c);
	for (int i = 0; i < 1000 && !tls_client_step(c); i++)
		rig_run(5);
	assert_true(tls_client_step(c));
	rig_run(5);
}

static void
tell(unsigned code, uint16_t mid, const char *path)
{
	struct msg m;

	msg_begin(&m, CON, code, mid, "c0ffee");
	msg_path(&m, path);
	tls_client_send(c, m.b, (int)m.n);
	rig_run(20);
}

static bool
hear(struct msg *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < 100 && ret->n == 0; i++) {
		ret->n = (size_t)tls_client_recv(c, ret->b, sizeof(ret->b));
		if (ret->n == 0)
			rig_run(5);
	}
	if (ret->n > 0)
		msg_read(ret);
	return ret->n > 0;
}

/* The port is another's now; so may the message ID be. */
static void
REQ_SEC_ACCESS_CONTROL_answers_are_of_one_session(void **state)
{
	struct msg a;

	(void)state;
	shake("dev1");
	tell(2, 7, "r");
	assert_true(hear(&a));
	assert_memory_equal(a.body.p, "n=1", 3);
	tell(2, 7, "r"); /* it was lost */
	assert_true(hear(&a));
	assert_memory_equal(a.body.p, "n=1", 3);
	shake("dev2");
	tell(2, 7, "r");
	assert_true(hear(&a));
	assert_memory_equal(a.body.p, "n=2", 3);
}

static void
who_has_ended_is_nobody_in_the_same_turn(void **state)
{
	struct msg a;

	(void)state;
	shake("dev1");
	tell(1, 1, "mine");
	assert_true(hear(&a));
	assert_int_equal(a.code, 205);
	rig.who_last = true;
	tell(1, 2, "mine");
	assert_true(hear(&a));
	assert_int_equal(a.code, 401);
}

static void
what_waits_is_asked_anew_whose_it_is(void **state)
{
	struct msg a;

	(void)state;
	rig.ticket = TICKET;
	shake("dev1");
	tell(3, 1, "mine/wait");
	assert_int_equal(rig.calls, 1);
	rig.who_gone = true;
	assert_int_equal(front_resume(rig.front, TICKET, 0, NULL), 1);
	rig_run(5);
	assert_int_equal(rig.calls, 1);
	assert_true(hear(&a));
	assert_int_equal(a.code, 401);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_start, stop)
		T(REQ_SEC_ACCESS_CONTROL_answers_are_of_one_session),
		T(who_has_ended_is_nobody_in_the_same_turn),
		T(what_waits_is_asked_anew_whose_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
