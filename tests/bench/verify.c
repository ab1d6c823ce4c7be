/*
 * verify: what publishing asks of a manifest (parse, verify, walk), as often
 * as one core can in a second of its own CPU time, per signature algorithm.
 * Prints "NAME RATE" lines. Each turn is checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/manifest.h"

static const struct {
	enum cose_key_kind kind;
	const char *name;
} kinds[] = {
	{COSE_KEY_P256, "es256"},
	{COSE_KEY_ED25519, "ed25519"},
};

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
make(const struct cose_key *key, struct buf *out)
{
	static const uint8_t id[] = {0x81, 0x41, 0x00};
	struct manifest_spec s = {
		.dialect = MANIFEST_CURRENT, .sequence = 7,
		.have_vendor = true, .have_class = true,
		.vendor = {1, 2, 3}, .class_id = {4, 5, 6},
		.component_count = 1,
	};
	struct manifest_spec_payload *p = s.component[0].payload;
	struct cose_sign_opts opts = {0};
	uint8_t bare[1024];
	struct buf b = buf_of(bare, sizeof(bare));
	int rc;

	s.component[0].id = slice_of(id, sizeof(id));
	s.component[0].payload_count = 1;
	p->uri = "coap://fw.example/a.bin";
	p->size = 262144;
	rc = digest_compute(DIGEST_SHA256, slice_str("image"), &p->digest);
	if (rc == 0)
		rc = manifest_envelope(&s, &b, NULL);
	return rc != 0 ? rc : manifest_sign(buf_slice(&b), key, &opts, out,
	    NULL);
}

static int
once(struct slice envelope, const struct cose_keyring *ring)
{
	static struct manifest m;
	static struct manifest_plan plan;
	struct manifest_proof proof;
	int rc = manifest_parse(envelope, &m, NULL);

	if (rc == 0)
		rc = manifest_verify(&m, ring, &proof, NULL);
	if (rc == 0)
		rc = manifest_walk(&m, &plan, NULL);
	return rc != 0 ? rc : plan.n == 1 ? 0 : ERR_INVALID;
}

static int
measure(size_t k)
{
	struct cose_keyring ring = {.n = 1};
	struct cose_key *key;
	uint8_t bytes[2048];
	struct buf env = buf_of(bytes, sizeof(bytes));
	unsigned n = 0;
	double t0;
	int rc = cose_key_generate(kinds[k].kind, &key);

	if (rc != 0)
		return rc;
	ring.key[0] = key;
	rc = make(key, &env);
	t0 = cpu();
	while (rc == 0 && cpu() - t0 < 1.0) {
		rc = once(buf_slice(&env), &ring);
		n++;
	}
	if (rc == 0)
		printf("%s %.0f\n", kinds[k].name, n / (cpu() - t0));
	cose_key_free(key);
	return rc;
}

int
main(void)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		int rc = measure(k);

		if (rc != 0) {
			fprintf(stderr, "verify: %s\n", err_text(rc));
			return 1;
		}
	}
	return 0;
}
