/*
 * suitdev: the reference firmware consumer (RFC 9019). A device that
 * registers, asks for its manifest (or observes it, or is triggered),
 * verifies it, fetches the payloads block by block, stores them, reports,
 * starts the new image and reports again.
 *
 * The core is a state machine and nothing else: it owns no socket, clock or
 * generator. Whoever runs it
 *
 *  1. fills a config and calls suitdev_init, then suitdev_boot;
 *  2. calls suitdev_tick whenever the time it last returned has come;
 *  3. hands every outcome of a request to suitdev_answer or suitdev_lost,
 *     and what comes without being asked for to suitdev_notified or
 *     suitdev_trigger; calls suitdev_tick after each of them;
 *  4. may take the power away at any moment by forgetting the struct, and
 *     begin at 1 again over the same storage.
 *
 * Times are milliseconds of a clock that need not be set and only goes
 * forward. At most one request is out at a time.
 *
 * What goes wrong has a class (lib/backoff.h): T transport, O steered by the
 * server, I integrity, P policy, X execution. The counters lie in the
 * storage and are written before an attempt begins, so that a device which
 * dies of an update backs off as well. Nothing waits forever: in every state
 * something is tried within 25 hours.
 */
#ifndef SUITD_DEVICE_SUITDEV_H
#define SUITD_DEVICE_SUITDEV_H

#include "device/storage.h"
#include "lib/backoff.h"
#include "lib/block.h"
#include "lib/bootreport.h"
#include "lib/cose.h"
#include "lib/digest.h"
#include "lib/limits.h"
#include "lib/manifest.h"
#include "lib/track.h"
#include "lib/trust.h"

#define SUITDEV_NEVER INT64_MAX
#define SUITDEV_REJECTS 8 /* envelopes that are not looked at again */
#define SUITDEV_BLOCK_MAX 1024

/* Behaviour of a kind of device; suitdev_kind_* below are ready-made. */
struct suitdev_kind {
	const char *name;
	bool registers; /* /rd at start */
	bool reports; /* /r */
	bool polls; /* asks for its manifest by itself */
	bool observes; /* ... with Observe */
	bool triggers; /* can be reached: has /suit/trigger */
	bool pushed; /* ... and /suit/manifest, which takes the envelope */
	bool by_class; /* asks /m/{c}, not /m?ep= */
	bool riot; /* any error ends the update until the next trigger, no
	              resume, no conditional request, nothing counted */
	uint8_t szx; /* of the first request */
	size_t manifest_max;
};
extern const struct suitdev_kind suitdev_kind_plain; /* GET /m/{c} only */
extern const struct suitdev_kind suitdev_kind_poll;
extern const struct suitdev_kind suitdev_kind_observe;
extern const struct suitdev_kind suitdev_kind_trigger;
extern const struct suitdev_kind suitdev_kind_manifest;
extern const struct suitdev_kind suitdev_kind_riot;

/* One confirmable request. Slices are valid during the call only. */
struct suitdev_request {
	unsigned method; /* 1 GET, 2 POST, 4 DELETE */
	const char *uri; /* absolute, or "/path?query" on the own server */
	bool fresh; /* the first of a transfer: RIOT opens a new port */
	bool have_block;
	uint32_t num;
	uint8_t szx;
	bool observe; /* Observe 0 */
	size_t etag_len;
	uint8_t etag[8];
	int content_format; /* -1: none */
	struct slice payload;
};

/* What came back. A code is ccdd: 205. */
struct suitdev_response {
	unsigned code;
	bool have_block, more;
	uint32_t num;
	uint8_t szx;
	bool observe; /* the option was there */
	bool have_max_age;
	uint32_t max_age;
	size_t etag_len; /* 0: none */
	uint8_t etag[8];
	uint64_t trust; /* option 65000, the server's trust list; 0: none */
	struct slice location; /* canonical path; empty: none */
	struct slice payload;
};

/*
 * Of a device with a trust list (lib/trust.h, docs/TRUST.md), which then takes
 * what the newest list allows that it has ever accepted, and nothing else:
 * no key of suitdev_config counts beside it. Some 12 KiB that are the
 * caller's and outlive the device.
 */
struct suitdev_trust {
	/* set by the caller before suitdev_boot: */
	struct slice first; /* the list that came with the image */
	bool fresh; /* nothing is fetched before a nonce was answered */
	/* nonces that nobody can guess; only with `fresh` */
	void (*random)(void *arg, uint8_t *dst, size_t n);
	void *random_arg;

	/* for reading: */
	struct trust list; /* in force */
	uint8_t bytes[LIMIT_TRUST_LIST];
	unsigned place; /* of it in the storage */
	uint8_t next[STORAGE_LIST]; /* on its way, or the one before */
	size_t next_n;
	bool heard; /* somebody named a newer one: not asked for before */
	int64_t heard_at;
	bool wanted; /* for a key that is not known: not before */
	int64_t wanted_at;
	bool transfer;
	uint64_t walk; /* number that is asked for; 0: the newest */
	uint8_t szx, etag_len, etag[8];
	bool fresh_ok; /* the target is the current one */
	uint8_t nonce[16];
	int64_t fresh_at;
	unsigned fresh_fails;
};

/*
 * The network. `send` returns 0 when the request is on its way; its outcome
 * comes later, never from within send. ERR_* says at once that it cannot be
 * sent (a name that does not resolve). `forget` drops the request that is
 * out, without an outcome, and the observation when there is one.
 */
struct suitdev_net {
	int (*send)(void *arg, const struct suitdev_request *rq);
	void (*forget)(void *arg);
};

/*
 * Signed boot reports, grade L2 at the server: of a device whose bootloader
 * has a key that the application cannot use. The struct is the caller's and
 * outlives the device; `sign` appends the COSE_Sign1 of the report (as
 * bootreport_sign does with a key) or says ERR_*, and then there is none
 * until the next start. Only for kinds that report.
 */
struct suitdev_attest {
	/* set by the caller before suitdev_boot: */
	int (*sign)(void *arg, const struct bootreport *r, struct buf *out);
	void *sign_arg;
	bool nonce_wanted; /* asks the server for a nonce first */
	/* for counters that begin anew: random, another one at each start;
	 * zeros: drawn from the seed, which has to be random then */
	uint8_t epoch[BOOTREPORT_EPOCH];

	/* for reading: */
	uint64_t taken; /* reports, by the server */
	unsigned code; /* of its last answer; 0: none yet */
	int64_t at; /* the next one */
	bool asking, asked; /* for a nonce: now; it was answered */
	size_t nonce_n;
	uint8_t nonce[LIMIT_BOOT_NONCE];
};

struct suitdev_config {
	const struct suitdev_kind *kind;
	const char *ep;
	const char *class_path; /* after /m/, and c= of a registration */
	uint8_t class_id[16], vendor[16];
	uint64_t slot_id[2]; /* what the manifest's slot says: 0 and 1, or
	                        flash offsets */
	uint64_t sequence; /* of the image that left the factory */
	const struct cose_keyring *keys; /* trusted authors; without `trust` */
	struct suitdev_trust *trust; /* NULL: no list */
	const struct storage *storage;
	void *storage_arg;
	const struct suitdev_net *net;
	void *net_arg;
	bool authenticated; /* the channel proves the server */
	struct buf manifest; /* storage for an envelope */
	uint32_t lifetime; /* of a registration, seconds; 0: 90000 */
	uint32_t poll; /* seconds, when the server does not say; 0: 3600 */
	uint64_t seed; /* another one at every start: it draws the waits */
	struct suitdev_attest *attest; /* NULL: no boot reports */
	uint32_t boot_spread; /* first contact after a start comes within so
	                         many seconds, or within the last announced
	                         spread when that is longer; 0: 60 */
};

enum suitdev_phase {
	SUITDEV_OFF,
	SUITDEV_IDLE, /* waits for a time or for a message */
	SUITDEV_REGISTER, /* the request that is out */
	SUITDEV_ASK,
	SUITDEV_FETCH,
	SUITDEV_REPORT,
	SUITDEV_LIST,
	SUITDEV_FRESH,
	SUITDEV_ATTEST,
	SUITDEV_REBOOT, /* starts the new image at `wake` */
};
const char *suitdev_phase_name(enum suitdev_phase p);

enum suitdev_step { /* of the update, in the storage */
	SUITDEV_NONE,
	SUITDEV_FETCHING,
	SUITDEV_FETCHED, /* every part is finished */
	SUITDEV_STARTING, /* activated; the next start tells */
};

struct suitdev_digest {
	bool have;
	uint8_t b[32]; /* SHA-256 of a bstr-wrapped manifest */
};

/* What survives power loss. Encoded as CBOR, see suitdev_nv.c. */
struct suitdev_nv {
	uint64_t sequence; /* runs now */
	unsigned slot; /* ran when this was written */
	enum suitdev_step step;
	uint8_t target[32]; /* SHA-256 of the envelope in work */
	uint64_t target_seq;
	uint32_t attempt; /* of this target */
	bool open; /* an attempt was begun and has no outcome */
	uint8_t fails[FAIL_CLASSES]; /* for this target */
	uint64_t spent; /* bytes fetched for this target */
	unsigned part; /* in work */
	uint64_t off; /* of it, stored */
	size_t etag_len;
	uint8_t etag[8]; /* of it */
	enum report_phase owed; /* an outcome not yet reported, or IDLE */
	enum track_reason reason; /* of it */
	/* the counters' own: they outlive a change to a lower sequence */
	uint64_t high; /* the highest sequence that was ever a target */
	enum fail_class fail; /* of the last failure */
	unsigned resets; /* since; each halves the wait that is left */
	uint64_t size; /* of the target's parts, for the budget */
	unsigned contact; /* contact_fails, as far as they widen the window */
	uint32_t spread; /* the last one announced, seconds, clamped as a
	                    Max-Age: an hour unless authenticated */
	unsigned starts; /* since the last answer; each halves the spread */
	bool recovery; /* at the last start */
	/* boot reports; a device that has none keeps zeros */
	struct bootreport_ctr boot;
	struct suitdev_digest runs, tries; /* runs now; the target */
	enum boot_result failed; /* of `tries`, and not yet told */
};

struct suitdev_reject {
	uint8_t hash[8]; /* of the envelope's bytes, not of its claims */
	int64_t until; /* looked at again then */
	enum track_reason reason;
	uint64_t sequence; /* claimed; 0: it could not be read */
};

struct suitdev_count {
	uint64_t requests, answers; /* answers to a manifest's GET */
	uint64_t notified, blocks, bytes, restarts, rejects, reboots;
	uint64_t lists, bad_lists; /* accepted; refused */
};

/* Fields are for reading; only suitdev_*.c writes them. */
struct suitdev {
	struct suitdev_config cfg;
	struct suitdev_nv nv;
	enum suitdev_phase phase;
	int64_t wake; /* nothing is sent before; back-off and steering */
	int64_t register_at, ask_at, fetch_at, reboot_at;
	uint64_t rnd;

	bool recovery; /* no application runs: this is the updater, which
	                  goes on asking, takes what ran last as well, and
	                  says so at every start */
	bool registered, observing;
	char location[LIMIT_PATH + 2]; /* "/rd/7" */
	char trigger[LIMIT_URI + 1]; /* pushed manifest URL, or "" */
	int64_t trigger_at; /* asked for then, not sooner */
	unsigned trigger_tries; /* without an answer */
	bool by_trigger; /* what is asked for now is the trigger's */
	uint8_t seen_len, seen[8]; /* ETag of the manifest last read */
	int64_t seen_until; /* then it is read again: it was refused */
	unsigned contact_fails; /* without any answer, in a row */

	bool loaded; /* cfg.manifest holds a verified envelope */
	struct manifest m;
	size_t plan_n; /* what to fetch: one download per part */
	struct manifest_download plan[STORAGE_PARTS];

	bool transfer; /* the manifest's block-wise GET is under way; the
	                  image's position is nv.off */
	uint64_t ask_off; /* bytes of the manifest so far */
	uint8_t szx, etag_len, etag[8];
	uint8_t fetch_szx;
	unsigned bad_asks, bad_blocks, restarts; /* in a row */
	bool open; /* the storage has a part open */
	uint64_t journal; /* nv.off when nv was last written */

	enum report_phase report; /* to be sent next, or IDLE */
	struct suitdev_reject reject[SUITDEV_REJECTS];
	unsigned reject_next;
	struct suitdev_count count;
	struct why why; /* the last thing that went wrong */
	enum fail_class fail; /* its class */
	enum track_reason refused; /* the last manifest that was not taken */
	uint64_t refused_seq;
};

void suitdev_init(struct suitdev *d, const struct suitdev_config *cfg);
/* Power on: reads the state, decides whether the last start went well. */
int suitdev_boot(struct suitdev *d, int64_t now) MUST_USE;
/* Does what is due. The time to call again, or SUITDEV_NEVER. */
int64_t suitdev_tick(struct suitdev *d, int64_t now);
/* The outcome of the request that is out. */
void suitdev_answer(struct suitdev *d, int64_t now,
    const struct suitdev_response *r);
void suitdev_lost(struct suitdev *d, int64_t now, int err);
/* A notification of the observed manifest. */
void suitdev_notified(struct suitdev *d, int64_t now,
    const struct suitdev_response *r);
/*
 * POST /suit/trigger: the payload is a URL; bytes from the first NUL on are
 * ignored. `w=SECONDS` in its query (not for RIOT) announces a spread: the
 * manifest is asked for after U(0, w), w at most a day. A trigger never ends
 * a wait; see suitdev_trigger.c. 0 also when a trigger is ignored because an update runs (RIOT's
 * 2.01 means no more); ERR_INCOMPLETE (4.08) when empty, ERR_SIZE (4.13).
 */
int suitdev_trigger(struct suitdev *d, int64_t now, struct slice payload)
    MUST_USE;

/*
 * POST /suit/manifest: the envelope itself, in one piece (`b` NULL) or by
 * Block1. 0: whole and looked at; 1: go on (2.31); ERR_INCOMPLETE (4.08) out
 * of order; ERR_SIZE (4.13); ERR_BUSY (5.03) while it asks for one itself.
 */
int suitdev_pushed(struct suitdev *d, int64_t now, const struct block *b,
    struct slice part) MUST_USE;

/* Bytes stored and to store of the update in work; 0 of 0: none. */
void suitdev_progress(const struct suitdev *d, uint64_t *ret_done,
    uint64_t *ret_total);

/* Delay rules of a device, by class. */
extern const struct backoff_rule suitdev_rule[FAIL_CLASSES];
#define SUITDEV_DAY_S (24 * 3600u)
#define SUITDEV_DAY_MS (24 * 3600 * INT64_C(1000))
#define SUITDEV_HOUR_MS (3600 * INT64_C(1000))

#endif
