/*
 * list_make: trust lists for tests, signed by two of three roots. A test
 * changes `spec` and makes the next list.
 */
#ifndef SUITD_TESTS_LIST_MAKE_H
#define SUITD_TESTS_LIST_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/trust.h"

#define LIST_ROOTS 3

struct lister {
	struct cose_key *root[LIST_ROOTS];
	uint8_t cose[LIST_ROOTS + LIMIT_TRUST_KEYS][128];
	size_t coses;
	struct trust_spec spec; /* of the list to be made next */
	uint8_t bytes[LIMIT_TRUST_LIST]; /* the last one that was made */
	size_t n;
	struct trust list; /* it, read */
};

static inline struct slice
list_cose(struct lister *l, const struct cose_key *key)
{
	struct buf b = buf_of(l->cose[l->coses], sizeof(l->cose[0]));

	assert_true(l->coses < sizeof(l->cose) / sizeof(l->cose[0]));
	assert_int_equal(trust_key_put(key, &b, NULL), 0);
	l->coses++;
	return buf_slice(&b);
}

static inline void
list_init(struct lister *l)
{
	memset(l, 0, sizeof(*l));
	for (size_t i = 0; i < LIST_ROOTS; i++) {
		assert_int_equal(cose_key_generate(COSE_KEY_P256,
		    &l->root[i]), 0);
		l->spec.root[i] = list_cose(l, l->root[i]);
	}
	l->spec.need = 2;
	l->spec.root_count = LIST_ROOTS;
	l->spec.seq = 1;
}

static inline void
list_fini(struct lister *l)
{
	for (size_t i = 0; i < LIST_ROOTS; i++)
		cose_key_free(l->root[i]);
}

/* A key of this role for every class; its entry, to be narrowed. */
static inline struct trust_key *
list_add(struct lister *l, const struct cose_key *key, enum trust_role role)
{
	struct trust_key *k = &l->spec.key[l->spec.key_count++];

	*k = (struct trust_key){.cose = list_cose(l, key), .role = role,
	    .every_class = true, .every_component = true,
	    .seq_max = UINT64_MAX};
	return k;
}

static inline void
list_remove(struct lister *l, const struct cose_key *key)
{
	uint8_t bytes[128];
	struct buf b = buf_of(bytes, sizeof(bytes));

	assert_int_equal(trust_key_put(key, &b, NULL), 0);
	for (size_t i = 0; i < l->spec.key_count; i++)
		if (slice_eq(l->spec.key[i].cose, buf_slice(&b)))
			l->spec.key[i--] = l->spec.key[--l->spec.key_count];
}

/* The list that `spec` says, signed by these roots; the next one comes after
 * it. */
static inline struct slice
list_make_by(struct lister *l, unsigned roots)
{
	uint8_t bytes[2][LIMIT_TRUST_LIST];
	struct buf b = buf_of(bytes[0], sizeof(bytes[0]));
	struct trust t;
	struct why why = {0};

	if (trust_encode(&l->spec, &b, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(trust_parse_payload(buf_slice(&b), &t, NULL), 0);
	for (size_t i = 0; i < LIST_ROOTS; i++) {
		struct buf out = buf_of(bytes[(i + 1) % 2], sizeof(bytes[0]));

		if ((roots >> i & 1) == 0) {
			memcpy(out.p, bytes[i % 2], b.n);
			out.n = b.n;
		} else if (trust_sign(&t, l->root[i], &out, &why) != 0) {
			fail_msg("%s", why.text);
		}
		b = out;
		if (roots >> i & 1)
			assert_int_equal(trust_parse(buf_slice(&b), &t, NULL),
			    0);
	}
	memcpy(l->bytes, b.p, b.n);
	l->n = b.n;
	assert_int_equal(trust_parse(slice_of(l->bytes, l->n), &l->list,
	    &why), 0);
	l->spec.seq = l->list.seq + 1;
	memcpy(l->spec.prev, l->list.hash, TRUST_HASH);
	return slice_of(l->bytes, l->n);
}

static inline struct slice
list_make(struct lister *l)
{
	return list_make_by(l, 3);
}

#endif
