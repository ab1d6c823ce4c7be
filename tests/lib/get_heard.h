/*
 * get_heard: an answer of the image plane, taken apart by the reader of
 * options.
 */
#ifndef SUITD_TESTS_LIB_GET_HEARD_H
#define SUITD_TESTS_LIB_GET_HEARD_H

#include "tests/lib/get_make.h"

struct heard {
	uint8_t b[GET_HEAD + GET_SMALL];
	size_t n;
	struct slice body;
};

static inline void
hear(const struct get_answer *a, struct heard *ret)
{
	struct buf b = buf_of(ret->b, sizeof(ret->b));

	assert_false(a->silent);
	assert_true(a->head_n <= GET_HEAD);
	buf_put(&b, slice_of(a->head, a->head_n));
	buf_put(&b, a->body);
	assert_false(b.over);
	ret->n = b.n;
	ret->body = a->body;
}

/* Value of an option; p NULL when absent. */
static inline struct slice
option(const struct heard *h, uint32_t number)
{
	const uint8_t *p = h->b + 4 + (h->b[0] & 15), *end = h->b + h->n;
	struct get_option o = {0};

	while (p < end && *p != GET_MARKER) {
		assert_true(get_next(&o, &p, end));
		if (o.number == number)
			return o.value;
	}
	return SLICE_NONE;
}

static inline uint32_t
number_in(struct slice v)
{
	uint32_t u = 0;

	assert_non_null(v.p);
	for (size_t i = 0; i < v.n; i++)
		u = u << 8 | v.p[i];
	return u;
}

#endif
