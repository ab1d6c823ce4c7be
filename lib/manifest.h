/*
 * manifest: SUIT envelopes and manifests (draft-ietf-suit-manifest-37) to a
 * read-only view, in every dialect that is out there.
 *
 * Call order: manifest_parse, then manifest_verify, then manifest_walk and
 * the rest. Parsing checks form, never trust. All slices in the view borrow
 * from the envelope given to manifest_parse. Nothing allocates.
 */
#ifndef SUITD_LIB_MANIFEST_H
#define SUITD_LIB_MANIFEST_H

#include "lib/cose.h"
#include "lib/digest.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

/* Detected from the bytes, never asked for. */
enum manifest_dialect {
	MANIFEST_CURRENT, /* -29 .. -37: install 20 */
	MANIFEST_RIOT09, /* RIOT's draft-09: digest inside COSE, install 9 */
	MANIFEST_DRAFT17, /* -17 .. -28: install 17 */
	MANIFEST_DRAFT14, /* -14 .. -16: tag 107, install 9 */
	MANIFEST_DRAFT10, /* -10 .. -13: tag 48, digest id 2 */
};
const char *manifest_dialect_name(enum manifest_dialect d);

/* The sections, named independently of a dialect's key numbers. */
enum manifest_section {
	MANIFEST_SHARED, /* common, sequence 4 */
	MANIFEST_VALIDATE,
	MANIFEST_LOAD,
	MANIFEST_INVOKE,
	MANIFEST_DEPENDENCY_RESOLUTION,
	MANIFEST_PAYLOAD_FETCH,
	MANIFEST_CANDIDATE_VERIFICATION,
	MANIFEST_INSTALL,
	MANIFEST_UNINSTALL,
	MANIFEST_TEXT,
	MANIFEST_COSWID,
	MANIFEST_SECTIONS,
};
const char *manifest_section_name(enum manifest_section s);

struct manifest_part {
	bool present; /* declared in the manifest */
	bool severed; /* declared by digest, the member is not here */
	struct slice content; /* content of the bstr; p NULL when severed */
	struct slice raw; /* the bstr with its head, as sent */
	struct slice digest; /* SUIT_Digest that declares it; empty: inline */
};

struct manifest_integrated {
	struct slice uri; /* the envelope key, usually "#name" */
	struct slice payload;
};

enum manifest_warning {
	MANIFEST_WARN_DIALECT = 1 << 0, /* an old draft: store and serve only */
	MANIFEST_WARN_DIGEST_ID = 1 << 1,
	MANIFEST_WARN_NO_COMPONENTS = 1 << 2,
	MANIFEST_WARN_SKIPPED_AUTH = 1 << 3, /* unknown algorithms skipped */
	MANIFEST_WARN_UNTAGGED = 1 << 4,
	MANIFEST_WARN_UNKNOWN_KEY = 1 << 5,
};

struct manifest {
	struct slice envelope; /* the bytes given */
	enum manifest_dialect dialect;
	bool tagged;
	struct slice manifest_raw; /* bstr with its head: what is hashed */
	struct slice manifest_body; /* the map */
	/*
	 * What identifies the manifest: the digest that the authentication
	 * wrapper claims and manifest_verify proves. In RIOT's dialect, where
	 * each block has its own, the SHA-256 of the manifest as sent.
	 */
	struct digest digest;
	struct slice digest_body; /* encoded: what is signed; RIOT: empty */
	size_t auth_count;
	struct slice auth[LIMIT_AUTH_BLOCKS]; /* tagged COSE messages */
	uint64_t version;
	uint64_t sequence;
	struct slice reference_uri; /* empty when absent */
	size_t component_count;
	struct slice component[LIMIT_COMPONENTS]; /* raw CBOR array each */
	size_t dependency_count;
	struct manifest_part part[MANIFEST_SECTIONS];
	size_t integrated_count;
	struct manifest_integrated integrated[LIMIT_INTEGRATED];
	unsigned warnings; /* of enum manifest_warning, seen in its form */
	/*
	 * The first command of any sign, or parameter above 0, that is in no
	 * table here: whoever interprets the manifest does not know what its
	 * author wanted. A parameter below 0 is a hint.
	 */
	bool strange, strange_param;
	int64_t stranger;
};

/*
 * Detects the dialect and reads the envelope. Refuses trailing bytes,
 * duplicate keys, indefinite lengths, depth over 16, sizes over the caps,
 * an authentication wrapper after the manifest, a severable member that
 * the manifest does not declare, a version other than 1, ...
 */
int manifest_parse(struct slice envelope, struct manifest *ret_m,
    struct why *why) MUST_USE;

struct manifest_proof {
	size_t key; /* index in the ring: who proved the first good block */
	int64_t alg; /* of it */
	size_t signer_count; /* good blocks, and who proved each of them */
	size_t signer[LIMIT_AUTH_BLOCKS];
	unsigned warnings; /* of enum manifest_warning */
	char warning[160]; /* the first one for a person, or "" */
};

/*
 * Both checks of SUIT section 6.2: a signature of a trusted key over the
 * digest, and the digest over the bstr-wrapped manifest as sent. Also every
 * severable member that is present, against its declared digest.
 * ERR_UNSIGNED, ERR_SIGNATURE, ERR_DIGEST, ERR_ALGORITHM, ...
 */
int manifest_verify(const struct manifest *m, const struct cose_keyring *ring,
    struct manifest_proof *ret_proof, struct why *why) MUST_USE;

/* One thing that a device may fetch. Absent values: n == 0, have_* false. */
struct manifest_download {
	unsigned component; /* index */
	struct slice uri; /* a URI reference; "#..." is integrated */
	struct digest digest;
	bool have_size, have_slot, have_vendor, have_class, encrypted;
	uint64_t size;
	uint64_t slot; /* or offset, in RIOT's dialect */
	uint8_t vendor[16], class_id[16];
	struct slice fetch_args;
	enum manifest_section section;
};

struct manifest_plan {
	size_t n;
	struct manifest_download d[LIMIT_DOWNLOADS];
	/* distinct ids that any condition or parameter names */
	size_t class_count, vendor_count;
	uint8_t class_id[LIMIT_COMPONENTS][16];
	uint8_t vendor[LIMIT_COMPONENTS][16];
	/* distinct values that any parameter names, fetched or not */
	size_t uri_count, size_count;
	struct slice uri[LIMIT_DOWNLOADS];
	uint64_t size[LIMIT_DOWNLOADS];
	uint64_t list_min; /* MANIFEST_LIST_MIN, the highest; 0: none */
};

/*
 * A condition of ours ("TL"; negative codes are an author's own, SUIT 8.4.9):
 * the device has a trust list of at least this number, else it must not
 * install. Its argument is the number. Who does not know it refuses.
 */
#define MANIFEST_LIST_MIN (-21580)

/*
 * Walks the command sequences (SUIT 6.4, 8.4): try-each branches, run
 * sequence, component index lists, override and set parameters. Every
 * branch of a try-each counts as one that a device may take.
 */
int manifest_walk(const struct manifest *m, struct manifest_plan *ret_plan,
    struct why *why) MUST_USE;

/*
 * Integrated payloads against the digests and sizes that the plan gives
 * them: 0, or ERR_DIGEST / ERR_SIZE naming the member.
 */
int manifest_check_integrated(const struct manifest *m,
    const struct manifest_plan *plan, struct why *why) MUST_USE;

/* A component id for a person, "ram/0", "00"; escaped. Returns dst. */
char *manifest_component_name(struct slice component, char *dst, size_t cap);

enum manifest_text { /* keys of a component's text (SUIT 8.4.4) */
	MANIFEST_TEXT_VENDOR = 1,
	MANIFEST_TEXT_MODEL = 2,
	MANIFEST_TEXT_VERSION = 6,
};
/*
 * What the author calls a component: the first that has such a text, in the
 * first language; empty when none has, or the text is severed. Signed like
 * the rest, but words from outside: escape them.
 */
struct slice manifest_component_text(const struct manifest *m,
    enum manifest_text key);

/*
 * Copies the envelope without what no device executes: text and CoSWID. In
 * RIOT's dialect only authentication and manifest stay. ERR_SPACE.
 */
int manifest_sever(const struct manifest *m, struct buf *out) MUST_USE;

/* --- lint: limits of a device kind (reference: RIOT sys/suit) --- */
enum manifest_device { MANIFEST_DEVICE_ANY, MANIFEST_DEVICE_RIOT };
struct manifest_finding {
	bool error; /* the device will refuse it; else a warning */
	char text[200];
};
/*
 * Appends findings; `image` may be empty, else it is checked against
 * riotboot's header (magic "RIOT", version equal to the sequence number).
 */
size_t manifest_lint(const struct manifest *m, const struct manifest_plan *p,
    enum manifest_device kind, struct slice image,
    struct manifest_finding *out, size_t cap);

/* --- encoder, for authors --- */
struct manifest_spec_payload {
	const char *uri; /* what the device fetches; "#name" integrates it */
	struct digest digest; /* of the payload */
	uint64_t size;
	bool have_slot;
	uint64_t slot; /* slot, or offset in RIOT's dialect */
	struct slice integrated; /* content when uri begins with '#' */
};
struct manifest_spec_component {
	struct slice id; /* raw CBOR array of bstr */
	size_t payload_count; /* more than one: A/B, chosen by slot */
	struct manifest_spec_payload payload[4];
};
struct manifest_spec {
	enum manifest_dialect dialect; /* CURRENT or RIOT09 */
	uint64_t sequence;
	bool have_vendor, have_class;
	uint8_t vendor[16], class_id[16];
	const char *reference_uri; /* NULL: none */
	uint64_t list_min; /* MANIFEST_LIST_MIN; 0: none. Not RIOT09 */
	size_t component_count;
	struct manifest_spec_component component[8];
	/* severable text, NULL each when not wanted (SUIT 8.4.4) */
	const char *text_description, *text_version, *text_vendor,
	    *text_model;
};
/* The bare manifest map (SUIT 8.4), unsigned, with text when given. */
int manifest_encode(const struct manifest_spec *spec, struct buf *out,
    struct why *why) MUST_USE;
/*
 * Envelope without authentication blocks ("digest only"); sign it with
 * manifest_sign.
 */
int manifest_envelope(const struct manifest_spec *spec, struct buf *out,
    struct why *why) MUST_USE;
/*
 * Copies `envelope` with one more authentication block. In RIOT's dialect
 * the digest travels inside the block.
 */
int manifest_sign(struct slice envelope, const struct cose_key *key,
    const struct cose_sign_opts *opts, struct buf *out, struct why *why)
    MUST_USE;

#endif
