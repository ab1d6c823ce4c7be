/*
 * Trust lists: reading never faults, what is read has one encoding (a spec
 * of it gives the same bytes again), and no list that comes from here is
 * ever trusted: the fuzzer has none of the keys. It cannot find hashes
 * either, so each input is read a second time with its kids repaired.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cbor.h"
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

/* 01 48 KID 02 COSE_KEY, wherever it is. */
static void
repair(uint8_t *p, size_t n)
{
	struct slice cose;
	struct digest d;
	struct cbr c;

	for (size_t i = 0; i + 11 < n; i++) {
		if (p[i] != 1 || p[i + 1] != 0x48 || p[i + 10] != 2)
			continue;
		c = cbr_of(slice_of(p + i + 11, n - i - 11));
		if (cbr_skip(&c, &cose) == 0 &&
		    digest_compute(DIGEST_SHA256, cose, &d) == 0)
			memcpy(p + i + 2, d.b, TRUST_KID);
	}
}

static void
read_both(struct slice in)
{
	static struct trust t, bare;
	struct trust next;
	struct why why;

	if (trust_parse_payload(in, &bare, &why) == 0) {
		same_again(&bare);
		ask(&bare);
		if (trust_pin(&bare, &why) == 0)
			abort(); /* not signed at all */
	}
	if (trust_parse(in, &t, &why) != 0)
		return;
	same_again(&t);
	ask(&t);
	next = t;
	next.seq++;
	memcpy(next.prev, t.hash, TRUST_HASH);
	memset(next.hash, 0, TRUST_HASH);
	(void)!trust_step(&t, &next, &why);
	if (trust_step(&t, &t, &why) != ERR_EXISTS)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t *mem;

	read_both(slice_of(p, n));
	if (n == 0 || n > LIMIT_TRUST_LIST + 64 || (mem = malloc(n)) == NULL)
		return 0;
	memcpy(mem, p, n);
	repair(mem, n);
	if (memcmp(mem, p, n) != 0)
		read_both(slice_of(mem, n));
	free(mem);
	return 0;
}
