/*
 * Trust lists: reading never faults, what is read has one encoding (a spec
 * of it gives the same bytes again), and no list that comes from here is
 * ever trusted: the fuzzer has none of the keys.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/trust.h"

static void
same_again(const struct trust *t)
{
	static uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	struct trust_spec s;
	struct why why;

	trust_spec_same(t, &s);
	if (trust_encode(&s, &b, &why) != 0 ||
	    !slice_eq(buf_slice(&b), t->payload))
		abort();
}

static void
ask(const struct trust *t)
{
	static const uint8_t none[TRUST_CLASS];
	struct trust_claim claim = {.sequence = 7, .class_count = 1,
	    .class_id = &none, .digest = slice_of(t->hash, TRUST_HASH)};
	struct trust_ring ring;
	struct why why;

	(void)!trust_check(t, &claim, &why);
	for (size_t i = 0; i < t->key_count; i++) {
		const struct trust_key *k = &t->key[i];

		if (trust_find(t, slice_of(k->kid, TRUST_KID)) != k ||
		    trust_is_root(t, slice_of(k->kid, TRUST_KID)))
			abort();
		if (trust_rights(k, &claim, &why) == 0 &&
		    k->role != TRUST_AUTHOR)
			abort();
	}
	for (size_t i = 0; i < t->floor_count; i++) {
		struct trust_floor f = trust_floor_at(t, i);

		if (f.least > f.most ||
		    trust_floor_of(t, f.class_id).least != f.least)
			abort();
	}
	if (trust_ring_open(t, TRUST_AUTHOR, &claim, &ring) == 0)
		trust_ring_close(&ring);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct trust t, bare;
	struct trust next;
	struct why why;

	if (trust_parse_payload(slice_of(p, n), &bare, &why) == 0) {
		same_again(&bare);
		ask(&bare);
		if (trust_pin(&bare, &why) == 0)
			abort(); /* not signed at all */
	}
	if (trust_parse(slice_of(p, n), &t, &why) != 0)
		return 0;
	same_again(&t);
	ask(&t);
	next = t;
	next.seq++;
	memcpy(next.prev, t.hash, TRUST_HASH);
	memset(next.hash, 0, TRUST_HASH);
	(void)!trust_step(&t, &next, &why);
	if (trust_step(&t, &t, &why) != ERR_EXISTS)
		abort();
	return 0;
}
