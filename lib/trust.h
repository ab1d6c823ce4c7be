/*
 * trust: the trust list. Which keys may do what, said by m of n roots who are
 * nobody's server; docs/TRUST.md is the format and its rules, and the numbers
 * in reasons ("TRUST 3.2") are its sections.
 *
 * Call order: trust_parse, then trust_step against the list that one has (or
 * trust_pin, for the very first one, which came with the device or in the
 * operator's hands), then keep the bytes, and ask the list. Parsing checks
 * form, never trust. All slices borrow from the bytes given to trust_parse.
 * No clock anywhere: order comes from numbers and hashes.
 *
 * Made for small devices: no allocation but that of the one key under which a
 * signature is being checked, 10 KiB of stack whatever is read (and what the
 * cryptographic library takes), at most LIMIT_TRUST_LIST bytes of list, at
 * most LIMIT_AUTH_BLOCKS signatures checked per root set.
 */
#ifndef SUITD_LIB_TRUST_H
#define SUITD_LIB_TRUST_H

#include "lib/cose.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/manifest.h"
#include "lib/slice.h"

#define TRUST_KID 8
#define TRUST_HASH 32
#define TRUST_CLASS 16

/* Numbers are on the wire. */
enum trust_role {
	TRUST_FOREIGN = 0, /* of no use to this version; never trusted */
	TRUST_AUTHOR = 1, /* signs manifests */
	TRUST_OPERATOR = 2, /* reserved: approves what an author signed */
	TRUST_SERVER = 3, /* reserved: signs what a server says */
	TRUST_FRESHNESS = 4, /* answers nonces, and can do nothing else */
	TRUST_ROLES,
};
/* "author"; "foreign" for any other number. */
const char *trust_role_name(enum trust_role role);
/* The role of a name; TRUST_FOREIGN when there is none. */
enum trust_role trust_role_find(const char *name);

/* One key and its rights. Nothing that is not said is allowed. */
struct trust_key {
	uint8_t kid[TRUST_KID]; /* SHA-256 of the COSE_Key, its beginning */
	struct slice cose; /* the COSE_Key, deterministic, public */
	enum trust_role role;
	bool every_class;
	struct slice classes; /* bstrs in a row, ascending; empty: none */
	bool every_component; /* of these classes: the list says nothing */
	struct slice components; /* SUIT component ids in a row, ascending */
	uint64_t seq_min, seq_max; /* of manifests; 0 and UINT64_MAX */
	struct slice name; /* for people; may be empty; [A-Za-z0-9._:@-] */
	struct slice extra; /* pairs under negative keys, as sent */
	size_t extra_count;
	struct slice raw; /* the entry as sent */
};

/* Who may change the list: `need` of `n` keys. */
struct trust_roots {
	unsigned need;
	size_t n;
	struct slice cose[LIMIT_TRUST_ROOTS]; /* ascending by kid */
	uint8_t kid[LIMIT_TRUST_ROOTS][TRUST_KID];
	struct slice raw; /* the field as sent: equal sets are equal bytes */
};

struct trust {
	struct slice message; /* all bytes; empty when not signed yet */
	struct slice payload; /* what is signed */
	uint8_t hash[TRUST_HASH]; /* SHA-256 of the payload: its identity */
	uint64_t seq; /* 1 .. INT64_MAX */
	uint8_t prev[TRUST_HASH]; /* hash of the list before; zeros in 1 */
	struct trust_roots roots;
	size_t key_count;
	struct trust_key key[LIMIT_TRUST_KEYS]; /* ascending by kid */
	size_t denied_count;
	struct slice denied; /* bstrs in a row, ascending */
	size_t floor_count;
	struct slice floors; /* class and floor, in a row, ascending */
	struct slice extra; /* pairs under negative keys, as sent */
	size_t extra_count;
	struct cose_msg msg; /* rest.n is 0 when not signed yet */
};

/*
 * Reads a signed list: a tagged COSE_Sign, deterministic CBOR, at most
 * LIMIT_TRUST_LIST bytes. ERR_UNSIGNED: nobody has signed it. One meaning has one encoding: whatever can be sorted
 * is sorted, without duplicates. An entry of a role, a kind of key or with a
 * field of a later version is read as TRUST_FOREIGN; a field of the list that
 * a later version may have added to restrict something is ERR_UNSUPPORTED.
 */
int trust_parse(struct slice in, struct trust *ret_list, struct why *why)
    MUST_USE;
/* The payload alone: a list that is still being edited. */
int trust_parse_payload(struct slice in, struct trust *ret_list,
    struct why *why) MUST_USE;

/* --- trust in a list --- */

/*
 * How many of `roots` have signed the list; a root counts once, however many
 * signatures it has there. Signatures that are of no use are passed over,
 * since anybody on the way can add one. 0 and *ret_count, or an error of the
 * cryptographic library. *ret_signed (may be NULL) has bit i for root i.
 */
int trust_count(const struct trust *list, const struct trust_roots *roots,
    unsigned *ret_count, unsigned *ret_signed) MUST_USE;

/*
 * The first list: signed by its own roots. That makes it consistent, not
 * true: it must come from where one trusts, never from the network.
 * ERR_SIGNATURE.
 */
int trust_pin(const struct trust *list, struct why *why) MUST_USE;

/*
 * Whether `next` may take the place of `have`, which was accepted before.
 * What costs no signature is asked first.
 *   0             accepted: keep next, durably, before acting on it
 *   ERR_EXISTS    it is the very list that we have
 *   ERR_SEQUENCE  older than ours: a rollback
 *   ERR_CONFLICT  a fork: our number with other contents, or the number after
 *                 ours with another list before it
 *   ERR_RANGE     LIMIT_TRUST_STEP or more past ours: a fast-forward
 *   ERR_ORDER     it has other roots than ours and is not the one after ours:
 *                 get number have->seq + 1 and try that, then the next
 *   ERR_SIGNATURE fewer than `need` of our roots signed it, or, where it
 *                 brings other roots, fewer than `need` of these
 */
int trust_step(const struct trust *have, const struct trust *next,
    struct why *why) MUST_USE;
/*
 * As trust_step, for who keeps every list for others to walk (suitd) or makes
 * the next one (suitctl): there is no skipping, a gap is ERR_ORDER.
 */
int trust_step_chain(const struct trust *have, const struct trust *next,
    struct why *why) MUST_USE;

/* --- what a list says --- */

/* The entry of a key id of 8 bytes, whatever its role; NULL. */
const struct trust_key *trust_find(const struct trust *list, struct slice kid);
/* Is it a root's? */
bool trust_is_root(const struct trust *list, struct slice kid);

bool trust_key_has_class(const struct trust_key *key,
    const uint8_t class_id[TRUST_CLASS]);
/* `component` is a SUIT component id as sent: an array of bstr. */
bool trust_key_has_component(const struct trust_key *key,
    struct slice component);

/* Digests of manifests; of longer ones the first 32 bytes count. */
bool trust_denies(const struct trust *list, struct slice digest);

/*
 * Bounds of a class's manifest sequence numbers, both included; 0 and
 * UINT64_MAX where the list has none.
 */
struct trust_floor {
	uint8_t class_id[TRUST_CLASS];
	uint64_t least;
	uint64_t most; /* UINT64_MAX: no ceiling */
};
struct trust_floor trust_floor_of(const struct trust *list,
    const uint8_t class_id[TRUST_CLASS]);
/* Floor i of list->floor_count, to show them; `i` must be below it. */
struct trust_floor trust_floor_at(const struct trust *list, size_t i);
/*
 * The sequence number that a manifest for this class must exceed on a device
 * that runs `running`: this number, unless the list's ceiling says that it
 * was burnt (a fast-forward); then what lies below the floor. The one way
 * down.
 */
uint64_t trust_base(const struct trust *list,
    const uint8_t class_id[TRUST_CLASS], uint64_t running);

/* What a manifest is, as far as rights are concerned. */
struct trust_claim {
	uint64_t sequence;
	struct slice digest; /* that identifies it; empty: none is denied */
	size_t class_count;
	/* every one it names; a device takes none that does not name its own */
	const uint8_t (*class_id)[TRUST_CLASS];
	size_t component_count;
	const struct slice *component; /* every one it declares */
	size_t dependency_count; /* manifests that it brings along */
	const struct manifest *manifest; /* NULL: nothing but a claim */
};
/* What a manifest claims; borrows from both. */
struct trust_claim trust_claim_of(const struct manifest *m,
    const struct manifest_plan *plan);
/*
 * Denied digests, floors and ceilings: what holds whoever signed. A manifest
 * that names no class must keep to the bounds of all classes.
 * ERR_POLICY: denied. ERR_SEQUENCE: below a floor. ERR_RANGE: above a ceiling.
 */
int trust_check(const struct trust *list, const struct trust_claim *claim,
    struct why *why) MUST_USE;
/*
 * The rights of a key: role author; every class that the manifest names, or
 * every class there is when it names none; every component; the range. A key
 * that is bound to components signs no dependencies, which may touch others.
 * ERR_FORBIDDEN: no author, or a component. ERR_CLASS. ERR_RANGE.
 */
int trust_rights(const struct trust_key *key, const struct trust_claim *claim,
    struct why *why) MUST_USE;

/* Keys of a list, for cose_verify and manifest_verify. */
struct trust_ring {
	struct cose_keyring ring;
	const struct trust_key *who[LIMIT_TRUST_KEYS]; /* by ring index */
	struct cose_key *own[LIMIT_TRUST_KEYS];
};
/*
 * The keys of one role; with `claim` only those that have the rights to it.
 * The caller closes what was opened. ERR_NOMEM. A key whose numbers are no
 * point of its curve is left out.
 */
int trust_ring_open(const struct trust *list, enum trust_role role,
    const struct trust_claim *claim, struct trust_ring *ret_ring) MUST_USE;
void trust_ring_close(struct trust_ring *ring);

/*
 * All of it: may claim->manifest be installed, and served, by this list? One
 * signature of an author who has the rights is enough; rights are asked
 * before signatures, of which a stranger's manifest costs at most one for each
 * key and block. *ret_author (may be NULL) borrows from the list.
 * Errors of trust_check and of manifest_verify; where an author of the list
 * did sign, but has not the rights, those of trust_rights. ERR_SIGNATURE: by
 * nobody whom the list knows, which a newer list may change.
 */
int trust_manifest(const struct trust *list, const struct trust_claim *claim,
    const struct trust_key **ret_author, struct why *why) MUST_USE;

/* --- many manifests, one list after the other, for suitd --- */

/* What was found out of a manifest's signatures: bit i is key i of the list
 * that it is asked about. It holds for each list that has the key. */
struct trust_memo {
	uint32_t asked; /* of these keys it is known whether they signed */
	uint32_t signers; /* and these did */
};
/* A list with its keys, which are opened when they are first needed. Borrows
 * the list; the caller closes it, and may go on with the same list then. */
struct trust_keys {
	const struct trust *list;
	struct cose_key *own[LIMIT_TRUST_KEYS];
};
void trust_keys_open(const struct trust *list, struct trust_keys *ret);
void trust_keys_close(struct trust_keys *k);
/* Every key that might have signed something: none of TRUST_FOREIGN. */
uint32_t trust_keys_all(const struct trust *list);
/*
 * Looks at the signatures, with the keys that were not asked yet: at most one
 * check for each of them and each block. 0: the memo is complete, whoever
 * signed. Errors of manifest_verify for what is wrong whoever signed.
 */
int trust_ask(struct trust_keys *k, const struct manifest *m,
    struct trust_memo *memo, struct why *why) MUST_USE;
/*
 * As trust_manifest, by what is known already: no signature is looked at, and
 * the claim need not have its manifest. ERR_BUSY: it is known of nobody who
 * has the rights that he signed, and trust_ask may find one.
 */
int trust_verdict(const struct trust *list, const struct trust_claim *claim,
    const struct trust_memo *memo, struct why *why) MUST_USE;

/* --- making lists, for suitctl --- */

/*
 * A list to be changed. Slices borrow, keys' too. The order of things does
 * not matter: trust_encode sorts.
 */
struct trust_spec {
	uint64_t seq;
	uint8_t prev[TRUST_HASH];
	unsigned need;
	size_t root_count;
	struct slice root[LIMIT_TRUST_ROOTS]; /* COSE_Keys */
	size_t key_count;
	struct trust_key key[LIMIT_TRUST_KEYS]; /* kid is made, raw unused
	                  but of a foreign one, which is copied */
	size_t denied_count;
	uint8_t denied[LIMIT_TRUST_DENIED][TRUST_HASH];
	size_t floor_count;
	struct trust_floor floor[LIMIT_TRUST_FLOORS];
	struct slice extra; /* as in struct trust */
	size_t extra_count;
};
/* The list after `list`: everything as it is, its number one higher. */
void trust_spec_next(const struct trust *list, struct trust_spec *ret_spec);
/* As trust_spec_next, but the same list again: one that is being edited. */
void trust_spec_same(const struct trust *list, struct trust_spec *ret_spec);
/*
 * Appends the payload, which is then read back by trust_parse_payload, so
 * that nothing is written that a device would refuse: its errors.
 */
int trust_encode(const struct trust_spec *spec, struct buf *out,
    struct why *why) MUST_USE;
/* A key as a list has it: without kid, alg. ERR_KEY: P-256 and Ed25519 only. */
int trust_key_put(const struct cose_key *key, struct buf *out, struct why *why)
    MUST_USE;
/*
 * Appends the list with one more signature, which takes the place of an
 * earlier one by the same key. `list` may be unsigned. ERR_KEY: not a private
 * key. ERR_SIZE: the list, or its signatures, get too many.
 */
int trust_sign(const struct trust *list, const struct cose_key *key,
    struct buf *out, struct why *why) MUST_USE;
/*
 * Appends list `a` with what signatures of `b` it has not (by kid): those of
 * several machines, in one. ERR_CONFLICT: these are two lists.
 */
int trust_merge(const struct trust *a, const struct trust *b, struct buf *out,
    struct why *why) MUST_USE;

#endif
