/*
 * Peers of plain UDP that observe meet a context of their own; to them it is
 * one server all the same.
 */
#include "tests/rig/front_rig.h"

#include <string.h>

#include "tests/rig/front_steer.h"

static uint8_t content[10];

static int
start(void **state)
{
	int rc = rig_start(state);

	rig.served = slice_of(content, sizeof(content));
	return rc != 0 ? rc : steer_front(rig.front, FRONT_FOLLOW);
}

static void
begin_get(struct msg *q, uint16_t mid, const char *token, size_t etags)
{
	msg_begin(q, CON, 1, mid, token);
	for (size_t i = 0; i < etags; i++)
		msg_opt(q, OPT_ETAG, "old", 3);
}

static uint64_t
observers(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.observers;
}

static void
change(void)
{
	content[0]++;
	front_notify(rig.front, T_UDP, "big");
}

static void
on_done(void *arg, int err)
{
	struct app *app = arg;

	app->done++;
	app->done_err = err;
}

static void
reply(const struct msg *a, unsigned type)
{
	struct msg q;

	msg_begin(&q, type, 0, a->mid, "");
	msg_send(&q, 0);
	rig_run(30);
}

/* Also the address in URIs that it is given. */
static void
both_contexts_say_the_same_of_themselves(void **state)
{
	struct msg q, plain, other;
	char local[32];

	(void)state;
	begin_get(&q, 1, "01", 0);
	msg_path(&q, "who");
	msg_ask(&q, &plain);
	begin_get(&q, 2, "01", 0);
	msg_opt_uint(&q, OPT_OBSERVE, 0);
	msg_path(&q, "who");
	msg_ask(&q, &other);
	assert_true(slice_eq(plain.body, other.body));
	snprintf(local, sizeof(local), " 127.0.0.1:%u", front_port(rig.front,
	    T_UDP));
	assert_true(plain.body.n > strlen(local));
	assert_memory_equal(other.body.p + other.body.n - strlen(local),
	    local, strlen(local));
}

/* The same message IDs on both sides, whatever they are. */
static void
a_peer_may_poll_and_observe_from_one_port(void **state)
{
	struct msg q, a, note;

	(void)state;
	begin_get(&q, 7, "01", 0);
	msg_opt_uint(&q, OPT_OBSERVE, 0);
	msg_path(&q, "big");
	msg_ask(&q, &a);
	assert_int_equal(observers(), 1);
	for (int i = 0; i < 3; i++) {
		change();
		assert_true(msg_recv(&note, 0, RIG_HANGS));
		assert_int_equal(note.type, CON);
		begin_get(&q, note.mid, "02", 0);
		msg_path(&q, "hello");
		msg_ask(&q, &a);
		assert_int_equal(a.type, ACK);
		assert_int_equal(a.mid, note.mid);
		assert_memory_equal(a.token.p, "\2", 1);
		reply(&note, ACK);
		msg_begin(&q, CON, 2, note.mid, "03");
		msg_path(&q, "r");
		msg_ask(&q, &a);
		assert_int_equal(rig.calls, i + 1);
		msg_ask(&q, &a); /* a repetition */
		assert_int_equal(rig.calls, i + 1);
	}
	assert_int_equal(observers(), 1);
	change();
	assert_true(msg_recv(&note, 0, RIG_HANGS));
	reply(&note, RST);
	assert_int_equal(observers(), 0);
}

/* So it need not wait for what others do not acknowledge. */
static void
a_poll_tells_that_a_notification_arrived(void **state)
{
	struct msg q, a, note;

	(void)state;
	begin_get(&q, 7, "01", 0);
	msg_opt_uint(&q, OPT_OBSERVE, 0);
	msg_path(&q, "big");
	msg_opt(&q, OPT_URI_QUERY, "ep=dev", 6);
	msg_ask(&q, &a);
	assert_int_equal(front_notify_device(rig.front, 0, "dev", on_done,
	    &rig), 1);
	assert_true(msg_recv(&note, 0, RIG_HANGS));
	rig_run(30);
	assert_int_equal(rig.done, 0);
	begin_get(&q, 8, "02", 0);
	msg_path(&q, "hello");
	msg_ask(&q, &a);
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.done_err, 0);
}

/* As RFC 7641 3.3.1 has it renewed: with what it has got. */
static void
a_registration_may_come_behind_etags(void **state)
{
	struct msg q, a;

	(void)state;
	for (unsigned n = 0; n <= CONTENT_ETAGS; n++) {
		begin_get(&q, (uint16_t)(10 + n), "01", n);
		msg_opt_uint(&q, OPT_OBSERVE, 0);
		msg_path(&q, "big");
		msg_ask(&q, &a);
		assert_int_equal(a.code, 205);
		assert_int_equal(observers(), 1);
	}
	change();
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	reply(&a, ACK);
	begin_get(&q, 20, "01", 2);
	msg_opt_uint(&q, OPT_OBSERVE, 1);
	msg_path(&q, "big");
	msg_ask(&q, &a);
	assert_int_equal(observers(), 0);
}

/* Where its acknowledgements would not arrive nobody is entered. */
static void
who_hides_observe_is_answered_and_has_to_poll(void **state)
{
	struct slice v;
	struct msg q, a;

	(void)state;
	begin_get(&q, 1, "01", CONTENT_ETAGS + 2);
	msg_opt_uint(&q, OPT_OBSERVE, 0);
	msg_path(&q, "big");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 205);
	assert_false(msg_get(&a, OPT_OBSERVE, &v));
	assert_int_equal(observers(), 0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, start, rig_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_contexts_say_the_same_of_themselves),
		T(a_peer_may_poll_and_observe_from_one_port),
		T(a_poll_tells_that_a_notification_arrived),
		T(a_registration_may_come_behind_etags),
		T(who_hides_observe_is_answered_and_has_to_poll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
