/* front_get: what is asked of a front, for its tests of plain requests. */
#ifndef SUITD_TESTS_DAEMON_FRONT_GET_H
#define SUITD_TESTS_DAEMON_FRONT_GET_H

#include <string.h>

#include "tests/rig/front_rig.h"

static uint8_t pattern[200 * 1024 + 1];

static inline int
start(void **state)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + i / 256);
	return rig_start(state);
}

static inline struct slice
etag_of(const struct msg *m)
{
	struct slice v = SLICE_NONE;

	assert_true(msg_get(m, OPT_ETAG, &v));
	return v;
}

static inline void
get(struct msg *a, const char *path, const char *token)
{
	static uint16_t mid = 100;
	struct msg q;

	msg_begin(&q, CON, 1, ++mid, token);
	msg_path(&q, path);
	msg_ask(&q, a);
	assert_int_equal(a->mid, mid);
	assert_int_equal(a->type, ACK);
}

#endif
