/*
 * bootreport: what a device's bootloader says of the start it just made,
 * signed by a key that the application cannot use (grade L2). The
 * application carries it, and can neither change nor invent one.
 *
 *   COSE_Sign1, attached (RFC 9052 4.2), tagged or not, no external data,
 *   kid = cose_key_id of the key. Its payload in deterministic CBOR:
 *   { 0 => 1,               ; format
 *     1 => bstr .size 8,    ; epoch: drawn when the counters were begun anew
 *     2 => uint,            ; boot_ctr: starts in this epoch
 *     3 => uint,            ; report_seq: reports in this epoch
 *     ? 4 => bstr .size 32, ; SHA-256 of the manifest whose image runs;
 *                           ; absent: what left the factory
 *     5 => uint,            ; its sequence number
 *     ? 6 => uint,          ; sequence of the trust list; absent: it has none
 *     7 => 0..3,            ; result
 *     ? 8 => bstr .size 32, ; manifest of the image that did not run; there
 *                           ; unless the result is ok
 *     ? 9 => bstr .size (8..32) } ; the server's nonce
 *
 * Anti-replay knows no time: (boot_ctr, report_seq) of a key grow in
 * lexicographic order, and whoever keeps the highest refuses what is not
 * above it. A device whose counters are lost draws another epoch, which
 * nobody believes before an operator has said so.
 *
 * Everything a manifest's reader would forgive is refused here: the writer is
 * a bootloader of ours, and what is signed has one form.
 */
#ifndef SUITD_LIB_BOOTREPORT_H
#define SUITD_LIB_BOOTREPORT_H

#include "lib/cose.h"
#include "lib/limits.h"
#include "lib/track.h"

#define BOOTREPORT_EPOCH 8
#define BOOTREPORT_NONCE_LEAST 8

/* Numbers of the wire. */
enum boot_result {
	BOOT_OK = 0, /* the image that was to start runs */
	BOOT_ROLLBACK = 1, /* it started and was not confirmed */
	BOOT_RECOVERY = 2, /* no application runs */
	BOOT_REFUSED = 3, /* it was not started: digest or signature */
	BOOT_RESULTS = 4,
};
const char *boot_result_name(enum boot_result r); /* "rollback" */

struct bootreport {
	uint8_t epoch[BOOTREPORT_EPOCH];
	uint64_t boot_ctr, report_seq;
	bool have_manifest;
	uint8_t manifest[32];
	uint64_t sequence; /* 0 in recovery */
	bool have_list;
	uint64_t list_seq;
	enum boot_result result;
	bool have_tried; /* unless BOOT_OK */
	uint8_t tried[32];
	struct slice nonce; /* empty: none */
};

/*
 * The payload, for whoever signs. A result other than BOOT_OK without
 * have_tried (or BOOT_OK with it) and a nonce outside of 8 ..
 * LIMIT_BOOT_NONCE bytes are ERR_INVALID; ERR_SPACE.
 */
int bootreport_put(const struct bootreport *r, struct buf *out) MUST_USE;
/* The same in a tagged COSE_Sign1 by `key`; ERR_KEY for a symmetric one. */
int bootreport_sign(const struct bootreport *r, const struct cose_key *key,
    struct buf *out) MUST_USE;

/*
 * The message before anything is proven: for its kid, which finds the key.
 * ERR_SIZE above LIMIT_BOOTREPORT bytes; ERR_ALGORITHM for anything but a
 * COSE_Sign1 (a Mac0's key is the server's as well); ERR_MISSING: detached,
 * or no kid.
 */
int bootreport_open(struct slice in, struct cose_msg *ret_msg,
    struct why *why) MUST_USE;
/*
 * What it says, before anything is proven: good for refusing it, so that what
 * is sent again costs no signature, and for nothing else. `ret` points into
 * the message. ERR_UNSUPPORTED (another format, an unknown key), and what the
 * reader says of CBOR that has another form.
 */
int bootreport_claim(const struct cose_msg *msg, struct bootreport *ret,
    struct why *why) MUST_USE;
/*
 * Proves the message, then reads it as bootreport_claim does. ERR_SIGNATURE,
 * ERR_ALGORITHM, ERR_KEY (a symmetric key), and its errors.
 */
int bootreport_verify(const struct cose_msg *msg, const struct cose_key *key,
    struct bootreport *ret, struct why *why) MUST_USE;

/* The highest that was taken of a key. */
struct bootreport_mark {
	bool have; /* false: none yet, any epoch will do */
	uint8_t epoch[BOOTREPORT_EPOCH];
	uint64_t boot_ctr, report_seq;
};
/*
 * 0: it is above the mark, and *mark is now its. ERR_SEQUENCE: not above, a
 * replay. ERR_CONFLICT: of another epoch; an operator decides. *mark is
 * untouched on failure.
 */
int bootreport_fresh(struct bootreport_mark *mark,
    const struct bootreport *r, struct why *why) MUST_USE;

/* What it means to the job of the manifest that it speaks of (`manifest`, or
 * `tried` unless it went well): a TRACK_REPORT of grade L2. */
void bootreport_event(const struct bootreport *r,
    struct track_event *ret);

/*
 * The device's side: both counters, with one write for each start and one
 * for every BOOT_RESERVE reports. After `bootreport_start` and whenever
 * `bootreport_next` says true, the struct must be in the storage before the
 * next report is signed: what was reserved and not used is skipped.
 */
#define BOOT_RESERVE 64
struct bootreport_ctr {
	uint8_t epoch[BOOTREPORT_EPOCH];
	uint64_t boot_ctr;
	uint64_t reserved; /* report_seq below this are taken */
	uint64_t next; /* not stored */
};
void bootreport_start(struct bootreport_ctr *c);
/* The report's epoch and counters; true: store the struct first. */
bool bootreport_next(struct bootreport_ctr *c, struct bootreport *r)
    MUST_USE;

#endif
