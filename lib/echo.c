/*
 * SipHash as Aumasson and Bernstein describe it (2012), two rounds a word and
 * four at the end. Rejected: HMAC-SHA-256 by OpenSSL, which allocates in each
 * call; a value would be as long, for an answer has to be short.
 */
#include "lib/echo.h"

#include <endian.h>

#include "lib/block.h"

#define SZX_MAX 6

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
turn(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
rounds(struct sip *s, unsigned n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v1 = turn(s->v1, 13) ^ s->v0;
		s->v0 = turn(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = turn(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = turn(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = turn(s->v1, 17) ^ s->v2;
		s->v2 = turn(s->v2, 32);
	}
}

static void
word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	rounds(s, 2);
	s->v0 ^= m;
}

/* Little endian, on every machine; at most 8 bytes. */
static inline uint64_t
load(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	if (n > 0)
		memcpy(&v, p, n);
	return le64toh(v);
}

uint64_t
echo_mac(const struct echo_key *k, struct slice text)
{
	uint64_t k0 = load(k->b, 8), k1 = load(k->b + 8, 8);
	struct sip s = {
		k0 ^ UINT64_C(0x736f6d6570736575),
		k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261),
		k1 ^ UINT64_C(0x7465646279746573),
	};
	size_t at = 0;

	for (; text.n - at >= 8; at += 8)
		word(&s, load(text.p + at, 8));
	word(&s, load(text.p + at, text.n - at) | (uint64_t)text.n << 56);
	s.v2 ^= 0xff;
	rounds(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static uint64_t
value_of(const struct echo_key *k, const struct echo_peer *p, uint64_t step)
{
	uint8_t text[16 + 4 + 2 + 8];

	memcpy(text, p->host, 16);
	memcpy(text + 16, &p->scope, 4);
	memcpy(text + 20, &p->port, 2);
	memcpy(text + 22, &step, 8);
	return echo_mac(k, slice_of(text, sizeof(text)));
}

void
echo_make(const struct echo_key *k, const struct echo_peer *p,
    uint64_t uptime_s, uint8_t ret[ECHO_VALUE])
{
	uint64_t v = value_of(k, p, uptime_s / ECHO_STEP_S);

	memcpy(ret, &v, ECHO_VALUE);
}

/* As one word, so that nobody can find it byte by byte. */
bool
echo_fresh(const struct echo_key *k, const struct echo_peer *p,
    uint64_t uptime_s, struct slice value)
{
	uint64_t step = uptime_s / ECHO_STEP_S, v;

	if (value.n != ECHO_VALUE)
		return false;
	memcpy(&v, value.p, ECHO_VALUE);
	return v == value_of(k, p, step) ||
	    (step > 0 && v == value_of(k, p, step - 1));
}

bool
echo_szx(size_t budget, size_t head, uint8_t *ret_szx)
{
	uint8_t szx = SZX_MAX;

	while (head + block_size(szx) > budget) {
		if (szx == 0)
			return false;
		szx--;
	}
	*ret_szx = szx;
	return true;
}
