/*
 * plan: which devices a campaign will update and why not the others, who is
 * in which wave, and one digest over all of it. Instants are Unix
 * milliseconds.
 */
#ifndef SUITD_LIB_PLAN_H
#define SUITD_LIB_PLAN_H

#include "lib/digest.h"
#include "lib/policy.h"
#include "lib/track.h"

/* V(name, number as stored, name, text) */
#define PLAN_VERDICT_LIST(V) \
	V(UPDATE, 0, "update", "will be updated") \
	V(THERE, 1, "there", "runs it already") \
	V(NEWER, 2, "newer", "runs a newer version") \
	V(CLASS, 3, "class", "is of another class") \
	V(NO_CLASS, 4, "no-class", "its class is not known") \
	V(FROM, 5, "from", "must pass through another version first") \
	V(CREDENTIAL, 6, "credential", "has no credential") \
	V(REVOKED, 7, "revoked", "its credential was revoked") \
	V(SILENT, 8, "silent", "was silent for too long") \
	V(HELD, 9, "held", "is held by another campaign") \
	V(DECLINED, 10, "declined", "declined this release") \
	V(UNKNOWN, 11, "unknown", "no such device") \
	V(PROOF, 12, "proof", "has no boot key, which grade L2 asks for")

enum plan_verdict {
#define V(id, n, name, text) PLAN_##id = n,
	PLAN_VERDICT_LIST(V)
#undef V
	PLAN_VERDICTS
};
const char *plan_verdict_name(enum plan_verdict v); /* "no-class" */
const char *plan_verdict_text(enum plan_verdict v);

/* What a plan looks at of a device. */
struct plan_device {
	bool have_class;
	const uint8_t *class_id; /* 16 bytes */
	bool have_seq;
	uint64_t seq; /* running */
	int64_t seen; /* 0: never */
	int64_t created;
	bool have_psk, revoked;
	bool attested; /* its bootloader has a key; only asked for grade L2 */
	bool declined; /* its last job for this release */
	bool live; /* it has a job that is not final */
	uint64_t live_campaign; /* 0: of none */
	uint64_t live_seq; /* the target */
	enum job_state live_state;
};

/* What the devices shall get. */
struct plan_target {
	uint64_t seq;
	size_t class_count; /* 0: of no class, no device fits */
	const uint8_t (*class_id)[16];
	uint64_t campaign; /* its own number; 0: has none yet */
	int64_t now;
	const struct policy *policy;
};

/*
 * The most fundamental obstacle: first what the device is (unknown, revoked,
 * its class), then what it runs (nothing to do, or not from there), then
 * what an operator or its user must change (credential, proof,
 * declined), last what
 * passes by itself (silent, held). d NULL is an unknown device.
 *
 * - A device whose sequence is not known is below any `from`: the way round
 *   another release is there because a jump breaks devices.
 * - Silence is counted from the creation of a device that was never seen.
 * - A live job of no campaign is no obstacle, nor is one of the campaign
 *   itself. One of another campaign is superseded if it is for a lower
 *   sequence and still queued; else that campaign holds the device.
 */
enum plan_verdict plan_judge(const struct plan_device *d,
    const struct plan_target *t);

/*
 * Where a device stands in a campaign: uniform over 64 bits, the same for
 * ever for the same three, independent between campaigns and releases, so
 * that it is not always the same devices that go first. FNV-1a over name,
 * NUL and digest, finished by murmur3's mixer, and on from there over the
 * endpoint name, finished likewise. No protection against a device that
 * picks its own name to be early or late.
 */
uint64_t plan_place(const char *campaign_name,
    const uint8_t release_digest[32], const char *ep);

/*
 * Devices in all by each wave, for n devices in the order of their places.
 * Shares are rounded up; waves that would add nobody are dropped; the last
 * is n. count 0 only for n 0.
 */
struct plan_waves {
	unsigned count;
	uint64_t upto[POLICY_WAVES];
};
void plan_waves(const struct policy *p, uint64_t n, struct plan_waves *ret);

/*
 * The wave (from 1 on) of a place by the last place of each wave, rising.
 * What is beyond the last threshold came later and belongs to the last wave;
 * 0 if there are no waves.
 */
unsigned plan_wave_of(uint64_t place, const uint64_t threshold[],
    unsigned count);

/*
 * SHA-256 of "suitd plan 1", the head's digest and its three texts, then of
 * each device its name and its wave, then the number of devices. A text is
 * preceded by its length in 4 bytes, numbers are big-endian (a wave in 4
 * bytes, the count in 8). The order of the devices is the caller's, and must
 * be the same for the same plan: by endpoint name.
 *
 * Exception to "lib does not allocate": the context is OpenSSL's. After a
 * successful begin, plan_digest_end or plan_digest_free is due. An error in
 * between is kept and returned by end.
 */
struct plan_head {
	const uint8_t *release_digest; /* 32 bytes */
	const char *campaign_name, *selection, *policy;
};
struct plan_digest {
	struct digest_ctx *ctx;
	uint64_t devices;
	int err;
};
/* ERR_NOMEM, ERR_CRYPTO. */
int plan_digest_begin(struct plan_digest *pd, const struct plan_head *head)
    MUST_USE;
void plan_digest_add(struct plan_digest *pd, const char *ep, unsigned wave);
/* Frees in any case; ERR_CRYPTO. */
int plan_digest_end(struct plan_digest *pd, uint8_t ret[32]) MUST_USE;
void plan_digest_free(struct plan_digest *pd); /* twice is fine */

#endif
