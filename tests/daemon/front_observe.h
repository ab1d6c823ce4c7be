/*
 * front_observe: observers of a front, in the one context of plain UDP and in
 * contexts of their own (front_follow.c).
 */
#ifndef SUITD_TESTS_DAEMON_FRONT_OBSERVE_H
#define SUITD_TESTS_DAEMON_FRONT_OBSERVE_H

#include <string.h>

#include "daemon/observe_run.h"
#include "tests/rig/front_rig.h"
#include "tests/rig/front_steer.h"

static uint8_t content[3000];
static uint16_t mid;

static inline int
start(void **state)
{
	int rc = rig_start(state);

	memset(content, 'x', sizeof(content));
	rig.served = slice_of(content, 10);
	mid = 0;
	return rc;
}

static inline int
start_steered(void **state)
{
	int rc = start(state);

	return rc != 0 ? rc : steer_front(rig.front, FRONT_FOLLOW);
}

static inline void
observe(struct msg *a, int client, const char *token, uint32_t value)
{
	struct msg q;

	msg_begin(&q, CON, 1, ++mid, token);
	msg_opt_uint(&q, OPT_OBSERVE, value);
	msg_path(&q, "big");
	msg_send(&q, client);
	assert_true(msg_recv(a, client, RIG_HANGS));
	assert_int_equal(a->code, 205);
}

static inline void
change(uint8_t to)
{
	content[0] = to;
	front_notify(rig.front, T_UDP, "big");
}

static inline void
reply(const struct msg *a, int client, unsigned type)
{
	struct msg q;

	msg_begin(&q, type, 0, a->mid, "");
	msg_send(&q, client);
	rig_run(30);
}

static inline size_t
observers(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.observers;
}

static inline void
on_done(void *arg, int err)
{
	struct app *app = arg;

	app->done++;
	app->done_err = err;
}

static inline void
observe_ep(struct msg *a, const char *token)
{
	struct msg q;

	msg_begin(&q, CON, 1, ++mid, token);
	msg_opt_uint(&q, OPT_OBSERVE, 0);
	msg_path(&q, "big");
	msg_opt(&q, OPT_URI_QUERY, "ep=node7", 8);
	msg_ask(&q, a);
}

static inline int
start_played(void **state)
{
	int rc = start(state);

	rig.played = 1000000;
	return rc;
}

static inline int
start_steered_played(void **state)
{
	int rc = start_steered(state);

	rig.played = 1000000;
	return rc;
}

#endif
