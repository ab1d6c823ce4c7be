/* Boot reports: a message as it comes, or a payload that was signed. What is
 * read has one encoding, points into the message, and is above its own mark
 * only once; what is proven says what it claimed before. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/bootreport.h"

static struct cose_key *key;

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static struct slice
sign(struct slice payload, struct buf *out)
{
	uint8_t kid[8];
	const struct cose_sign_opts opts = {.attached = true,
	    .kid = slice_of(kid, sizeof(kid))};

	require(cose_key_id(key, kid) == 0);
	require(cose_sign(key, payload, &opts, out) == 0);
	return buf_slice(out);
}

static void
check(const struct cose_msg *m, const struct bootreport *r)
{
	struct bootreport_mark mark = {.have = false};
	struct track_event ev;
	uint8_t mem[LIMIT_BOOTREPORT];
	struct buf again = buf_of(mem, sizeof(mem));

	require(r->nonce.n <= LIMIT_BOOT_NONCE);
	require(r->nonce.n == 0 || (r->nonce.p >= m->payload.p &&
	    r->nonce.p + r->nonce.n <= m->payload.p + m->payload.n));
	require(bootreport_put(r, &again) == 0);
	require(slice_eq(buf_slice(&again), m->payload));
	require(bootreport_fresh(&mark, r, NULL) == 0);
	require(bootreport_fresh(&mark, r, NULL) == ERR_SEQUENCE);
	bootreport_event(r, &ev);
	require((ev.phase == PHASE_FAILED) == r->have_tried);
	require((ev.fail == FAIL_NONE) == (ev.phase == PHASE_SUCCEEDED));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t mem[2 * LIMIT_BOOTREPORT];
	struct buf out = buf_of(mem, sizeof(mem));
	struct cose_msg m;
	struct bootreport r, proven;
	struct slice in;
	int rc;

	if (key == NULL)
		require(cose_key_generate(COSE_KEY_ED25519, &key) == 0);
	if (n < 1 || n > LIMIT_BOOTREPORT + 2)
		return 0;
	in = slice_of(p + 1, n - 1);
	if (p[0] % 2)
		in = sign(in, &out);
	if (bootreport_open(in, &m, NULL) != 0)
		return 0;
	require(in.n <= LIMIT_BOOTREPORT && m.kid.n > 0);
	rc = bootreport_claim(&m, &r, NULL);
	if (rc == 0)
		check(&m, &r);
	if (bootreport_verify(&m, key, &proven, NULL) == 0)
		require(rc == 0 && proven.boot_ctr == r.boot_ctr &&
		    proven.report_seq == r.report_seq &&
		    memcmp(proven.epoch, r.epoch, sizeof(r.epoch)) == 0);
	return 0;
}
