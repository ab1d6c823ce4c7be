/*
 * report: what devices say of themselves, as a tracker event.
 *
 * Two forms on POST /r: SUIT_Report (draft-ietf-suit-report; Content-Format
 * 270), bare over an authenticated channel or in COSE_Sign1 / COSE_Mac0; and
 * the compact status map (docs/PROTOCOL.md has its CDDL), which is lenient
 * CBOR: indefinite maps, integer or short text keys, any order.
 */
#ifndef SUITD_LIB_REPORT_H
#define SUITD_LIB_REPORT_H

#include "lib/cose.h"
#include "lib/digest.h"
#include "lib/limits.h"
#include "lib/track.h"

struct report {
	/* type TRACK_REPORT or TRACK_SEEN_RUNNING; grade L2 when proven, else
	 * L0, which the caller raises to that of the channel */
	struct track_event event;
	bool signed_; /* it was in COSE; proven only if `proven` */
	bool proven; /* ... by a key of the ring */
	size_t key; /* ring index when proven */
	/* what it speaks of; digest.alg 0 when it does not say */
	struct digest manifest;
	struct slice reference_uri;
	struct slice nonce;
	bool have_sequence; /* the sequence number that runs now */
	uint64_t sequence;
	bool have_target; /* the sequence number it is being brought to */
	uint64_t target;
	uint32_t attempt; /* at this target by the device's own count, which
	                     misses triggers that never arrived: for people,
	                     never compared with the job's */
	struct slice version; /* version text */
	struct slice ep; /* endpoint name it claims; empty: none */
	uint64_t done, total;
	unsigned suit_reason; /* SUIT_Report reason 0..12 */
	size_t records;
};

/* SUIT_Report in any container; `ring` may be NULL (nothing proven). */
int report_parse_suit(struct slice in, const struct cose_keyring *ring,
    struct report *ret_report, struct why *why) MUST_USE;
/* The compact map. */
int report_parse_status(struct slice in, struct report *ret_report,
    struct why *why) MUST_USE;

/* For devices: the compact map. Fields that are not set are left out. */
struct report_status {
	enum report_phase phase;
	enum track_reason reason;
	bool have_sequence, have_target;
	uint64_t sequence, target;
	uint32_t attempt;
	uint64_t done, total;
	const char *version;
};
void report_put_status(const struct report_status *s, struct buf *out);

#endif
