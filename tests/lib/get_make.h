/*
 * get_make: datagrams made by hand for the tests of lib/get.h. Each is read
 * from a block of its exact size, so that a sanitizer sees the first byte
 * read past it.
 */
#ifndef SUITD_TESTS_GET_MAKE_H
#define SUITD_TESTS_GET_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/get_impl.h"

enum { CON, NON, ACK, RST };

#define ID "SEaBwC1h6d8x" /* of no image in particular */

struct made {
	uint8_t b[4096];
	size_t n;
	uint32_t last;
	uint8_t *exact; /* what was read last */
};

static inline void
made_ext(struct made *m, uint32_t v)
{
	if (v >= 269) {
		m->b[m->n++] = (uint8_t)((v - 269) >> 8);
		m->b[m->n++] = (uint8_t)(v - 269);
	} else if (v >= 13) {
		m->b[m->n++] = (uint8_t)(v - 13);
	}
}

static inline uint8_t
made_nibble(uint32_t v)
{
	return (uint8_t)(v >= 269 ? 14 : v >= 13 ? 13 : v);
}

static inline void
made_opt(struct made *m, uint32_t number, const void *v, size_t n)
{
	uint32_t delta = number - m->last;

	m->b[m->n++] = (uint8_t)(made_nibble(delta) << 4 |
	    made_nibble((uint32_t)n));
	made_ext(m, delta);
	made_ext(m, (uint32_t)n);
	if (n > 0)
		memcpy(m->b + m->n, v, n);
	m->n += n;
	m->last = number;
}

/* `n` bytes of 'a' */
static inline void
made_fill(struct made *m, uint32_t number, size_t n)
{
	char text[2048];

	memset(text, 'a', sizeof(text));
	made_opt(m, number, text, n);
}

static inline void
made_block(struct made *m, uint32_t number, uint32_t num, bool more,
    uint8_t szx)
{
	uint8_t raw[3];

	made_opt(m, number, raw, block_put((struct block){num, more, szx},
	    raw));
}

static inline void
made_begin(struct made *m, unsigned type, const char *token)
{
	uint8_t *exact = m->exact;

	memset(m, 0, sizeof(*m));
	m->exact = exact;
	m->b[0] = (uint8_t)(0x40 | type << 4 | strlen(token));
	m->b[1] = 1;
	m->b[2] = 0x12;
	m->b[3] = 0x34;
	memcpy(m->b + 4, token, strlen(token));
	m->n = 4 + strlen(token);
}

/* GET i/{ID} */
static inline void
made_get(struct made *m, unsigned type, const char *token)
{
	made_begin(m, type, token);
	made_opt(m, OPT_URI_PATH, "i", 1);
	made_opt(m, OPT_URI_PATH, ID, strlen(ID));
}

static inline enum get_verdict
made_read(struct made *m, struct get *ret)
{
	free(m->exact);
	m->exact = malloc(m->n > 0 ? m->n : 1);
	assert_non_null(m->exact);
	memcpy(m->exact, m->b, m->n);
	memset(ret, 0xa5, sizeof(*ret));
	return get_read(slice_of(m->exact, m->n), ret);
}

static inline int
made_fini(void **state)
{
	struct made *m = *state;

	free(m->exact);
	free(m);
	return 0;
}

static inline int
made_init(void **state)
{
	*state = calloc(1, sizeof(struct made));
	return *state == NULL;
}

#endif
