/*
 * Trust lists for tests: keys that are made once, a list of 2 of 3 roots
 * with an author each for a class, and what signs it.
 */
#ifndef SUITD_TESTS_LIB_TRUST_MAKE_H
#define SUITD_TESTS_LIB_TRUST_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/cbor.h"
#include "lib/trust.h"

#define KEYS 32
/* who is who among the keys */
enum { R0, R1, R2, R3, R4, R5, ALICE = 8, BOB, CAROL, FRESH, NOBODY };

static struct cose_key *maker[KEYS];
static uint8_t maker_mem[KEYS][96];
static struct slice maker_cose[KEYS];
static const uint8_t class_a[16] = "\xa0" "class A, 16 b.";
static const uint8_t class_b[16] = "\xb0" "class B, 16 b.";
static uint8_t row_a[17], row_b[17];

static inline struct slice
row_of(uint8_t mem[17], const uint8_t class_id[16])
{
	struct buf b = buf_of(mem, 17);

	cbr_put_bstr(&b, slice_of(class_id, 16));
	return buf_slice(&b);
}

static inline int
make_makers(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEYS; i++) {
		struct buf b = buf_of(maker_mem[i], sizeof(maker_mem[i]));

		if (cose_key_generate(i % 2 == 0 ? COSE_KEY_P256 :
			COSE_KEY_ED25519, &maker[i]) != 0 ||
		    trust_key_put(maker[i], &b, NULL) != 0)
			return -1;
		maker_cose[i] = buf_slice(&b);
	}
	return 0;
}

static inline int
drop_makers(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEYS; i++)
		cose_key_free(maker[i]);
	return 0;
}

static inline void
add_key(struct trust_spec *s, int who, enum trust_role role,
    struct slice classes)
{
	s->key[s->key_count++] = (struct trust_key){
		.cose = maker_cose[who], .role = role, .classes = classes,
		.every_component = true, .seq_max = UINT64_MAX,
	};
}

/* List 1: 2 of R0, R1, R2; Alice for class A, Bob for class B, Fresh. */
static inline struct trust_spec
first_spec(void)
{
	struct trust_spec s = {.seq = 1, .need = 2, .root_count = 3};

	for (int i = R0; i <= R2; i++)
		s.root[i] = maker_cose[i];
	add_key(&s, ALICE, TRUST_AUTHOR, row_of(row_a, class_a));
	add_key(&s, BOB, TRUST_AUTHOR, row_of(row_b, class_b));
	add_key(&s, FRESH, TRUST_FRESHNESS, SLICE_NONE);
	return s;
}

/* A list and its bytes. */
struct made_list {
	uint8_t mem[2][LIMIT_TRUST_LIST];
	struct trust t;
};

/* `by` is a string of digits: whose of the makers. */
static inline void
make_list(const struct trust_spec *s, const char *by, struct made_list *m)
{
	struct buf b = buf_of(m->mem[0], sizeof(m->mem[0]));
	struct why why = {0};
	int turn = 0;

	assert_int_equal(trust_encode(s, &b, &why), 0);
	assert_int_equal(trust_parse_payload(buf_slice(&b), &m->t, &why), 0);
	for (; *by != '\0'; by++) {
		turn = !turn;
		b = buf_of(m->mem[turn], sizeof(m->mem[turn]));
		assert_int_equal(trust_sign(&m->t, maker[*by - '0'], &b,
		    &why), 0);
		assert_int_equal(trust_parse(buf_slice(&b), &m->t, &why), 0);
	}
}

#endif
