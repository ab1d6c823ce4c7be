/*
 * nonce: 4 bytes of step, highest first, and 8 of HMAC-SHA-256 (RFC 2104):
 * the answer to who has shown no address stays below three times his question.
 * The step is in the open, so that one MAC is computed and not thirteen.
 */
#include "lib/nonce.h"

#include "lib/digest.h"

#define BLOCK 64 /* of SHA-256 */
#define STEP 4

static int
keyed(const struct nonce_key *k, uint8_t pad, struct slice text,
    struct digest *ret)
{
	uint8_t mem[BLOCK + DIGEST_MAX];
	struct buf b = buf_of(mem, sizeof(mem));

	for (size_t i = 0; i < BLOCK; i++)
		buf_put_u8(&b, (i < sizeof(k->b) ? k->b[i] : 0) ^ pad);
	buf_put(&b, text);
	return digest_compute(DIGEST_SHA256, buf_slice(&b), ret);
}

static void
put_number(struct buf *b, uint64_t u, int bytes)
{
	while (bytes-- > 0)
		buf_put_u8(b, (uint8_t)(u >> (8 * bytes)));
}

static int
make(const struct nonce_key *k, uint64_t who, uint32_t step,
    uint8_t ret[NONCE_SIZE])
{
	uint8_t mem[STEP + 8];
	struct buf b = buf_of(mem, sizeof(mem));
	struct digest d;
	int rc;

	put_number(&b, step, STEP);
	put_number(&b, who, 8);
	rc = keyed(k, 0x36, buf_slice(&b), &d);
	if (rc == 0)
		rc = keyed(k, 0x5c, digest_slice(&d), &d);
	if (rc != 0)
		return rc;
	memcpy(ret, mem, STEP);
	memcpy(ret + STEP, d.b, NONCE_SIZE - STEP);
	return 0;
}

int
nonce_make(const struct nonce_key *k, uint64_t who, int64_t uptime_s,
    uint8_t ret[NONCE_SIZE])
{
	int64_t step = uptime_s / NONCE_STEP_S;

	if (uptime_s < 0 || step > UINT32_MAX)
		return ERR_RANGE;
	return make(k, who, (uint32_t)step, ret);
}

bool
nonce_fresh(const struct nonce_key *k, uint64_t who, int64_t uptime_s,
    struct slice nonce)
{
	int64_t now = uptime_s / NONCE_STEP_S, step = 0;
	uint8_t want[NONCE_SIZE], differ = 0;

	if (uptime_s < 0 || nonce.n != NONCE_SIZE)
		return false;
	for (size_t i = 0; i < STEP; i++)
		step = step << 8 | nonce.p[i];
	if (step > now || now - step > NONCE_STEPS ||
	    make(k, who, (uint32_t)step, want) != 0)
		return false;
	for (size_t i = 0; i < NONCE_SIZE; i++)
		differ |= (uint8_t)(want[i] ^ nonce.p[i]);
	return differ == 0;
}
