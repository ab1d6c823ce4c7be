/* Status from devices: the first byte chooses the form. What is accepted
 * points into the input and holds only known numbers. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/report.h"

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
inside(struct slice s, struct slice in)
{
	require(s.n == 0 || (s.p >= in.p && s.p + s.n <= in.p + in.n));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct cose_keyring ring;
	static struct cose_key *key;
	struct slice in;
	struct report r;
	int rc;

	if (key == NULL) {
		require(cose_key_hmac(slice_str("0123456789abcdef"),
		    &key) == 0);
		ring.key[0] = key;
		ring.n = 1;
	}
	if (n < 1)
		return 0;
	in = slice_of(p + 1, n - 1);
	rc = p[0] % 2 ? report_parse_suit(in, &ring, &r, NULL) :
	    report_parse_status(in, &r, NULL);
	if (rc != 0)
		return 0;
	require(in.n <= LIMIT_REPORT && r.records <= LIMIT_REPORT_RECORDS);
	inside(r.reference_uri, in);
	inside(r.nonce, in);
	inside(r.version, in);
	inside(r.ep, in);
	require(r.version.n <= LIMIT_VERSION && r.ep.n <= LIMIT_EP);
	require(r.manifest.n <= DIGEST_MAX);
	require(r.event.type == TRACK_REPORT ||
	    r.event.type == TRACK_SEEN_RUNNING);
	require(r.event.phase <= PHASE_DECLINED);
	require(r.event.fail < FAIL_CLASSES && r.event.reason < REASONS);
	require((r.event.phase == PHASE_FAILED) ==
	    (r.event.fail != FAIL_NONE));
	require(r.signed_ || !r.proven);
	require((r.event.grade == GRADE_L2) == r.proven);
	return 0;
}
