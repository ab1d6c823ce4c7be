/*
 * audit: the log of what people and programs did to this server, chained by
 * SHA-256, so that an entry cannot be changed, left out, put elsewhere or
 * added in the middle without all that follow being others.
 *
 * The bytes of an entry are the deterministic CBOR (RFC 8949 4.2.1) of
 *
 *   [1, previous hash, number, time, who, kind, subject, detail]
 *
 * and its hash is SHA-256 over them. Numbers are 1, 2, 3 ... without a gap;
 * before the first one the previous hash is 32 zeros. Order is the number's:
 * the time is what the server's clock said, and proves nothing.
 *
 * What a chain cannot show by itself is that its end is missing, or that all
 * of it was made anew: for that one keeps a head, a number with its hash,
 * somewhere else. An export is JSON lines with the same members, which are
 * enough to verify it without the server.
 */
#ifndef SUITD_LIB_AUDIT_H
#define SUITD_LIB_AUDIT_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

/*
 * K(id, kind, the word of the event row of the same change; "" none). Kinds
 * are stored by their names, so one may be added anywhere, and none may be
 * renamed.
 */
#define AUDIT_KIND_LIST(K) \
	K(START, "start", "") \
	K(STOP, "stop", "") \
	K(CONFIG_RELOAD, "config.reload", "") \
	K(OPERATOR_LOGIN, "operator.login", "") \
	K(REFUSAL, "refusal", "") \
	K(CHANGE, "change", "") \
	K(PRUNE, "audit.prune", "") \
	K(IMAGE_UPLOAD, "image.upload", "image uploaded") \
	K(IMAGE_CLEAN, "image.clean", "images cleaned") \
	K(RELEASE_PUBLISH, "release.publish", "published") \
	K(RELEASE_WITHDRAW, "release.withdraw", "withdrawn") \
	K(RELEASE_OFFER, "release.offer", "release offered") \
	K(AUTHOR_ADD, "author.add", "author added") \
	K(AUTHOR_REMOVE, "author.remove", "author removed") \
	K(DEVICE_ADD, "device.add", "device added") \
	K(DEVICE_CHANGE, "device.change", "device changed") \
	K(DEVICE_TAG, "device.tag", "device tagged") \
	K(DEVICE_REMOVE, "device.remove", "device removed") \
	K(DEVICE_REVOKE, "device.revoke", "device revoked") \
	K(DEVICE_ALLOW, "device.allow", "device restored") \
	K(DEVICE_PSK, "device.psk", "device key set") \
	K(DEVICE_OSCORE, "device.oscore", "device context set") \
	K(DEVICE_CERT, "device.cert", "certificate entered") \
	K(DEVICE_ATTEST, "device.attest", "boot key set") \
	K(DEVICE_EPOCH, "device.epoch", "boot epoch allowed") \
	K(DEVICE_UNATTEST, "device.unattest", "boot key removed") \
	K(DEVICE_IMPORT, "device.import", "devices imported") \
	K(DEVICE_TWIN, "device.twin", "") \
	K(CREDENTIAL_REVOKE, "credential.revoke", "credential revoked") \
	K(CREDENTIAL_END, "credential.end", "") \
	K(CERT_REVOKE, "cert.revoke", "certificate revoked") \
	K(CERT_RESTORE, "cert.restore", "certificate restored") \
	K(PRINCIPAL_ADD, "principal.add", "principal added") \
	K(PRINCIPAL_CHANGE, "principal.change", "principal changed") \
	K(PRINCIPAL_REMOVE, "principal.remove", "principal removed") \
	K(PRINCIPAL_KEY, "principal.key", "principal key set") \
	K(OPERATORS, "operators", "") \
	K(REQUEST_ASK, "request.ask", "approval asked for") \
	K(REQUEST_APPROVE, "request.approve", "approved") \
	K(REQUEST_DENY, "request.deny", "request denied") \
	K(REQUEST_WITHDRAW, "request.withdraw", "request taken back") \
	K(REQUEST_EXPIRE, "request.expire", "request expired") \
	K(CAMPAIGN_CREATE, "campaign.create", "campaign planned") \
	K(CAMPAIGN_PLAN, "campaign.plan", "") \
	K(CAMPAIGN_APPROVE, "campaign.approve", "campaign approved") \
	K(CAMPAIGN_START, "campaign.start", "campaign to be started") \
	K(CAMPAIGN_PAUSE, "campaign.pause", "campaign paused") \
	K(CAMPAIGN_RESUME, "campaign.resume", "campaign resumed") \
	K(CAMPAIGN_NEXT, "campaign.next", "next wave") \
	K(CAMPAIGN_WAVE, "campaign.wave", "") \
	K(CAMPAIGN_ABORT, "campaign.abort", "campaign aborted") \
	K(CAMPAIGN_ROLLBACK, "campaign.rollback", "campaign rolled back") \
	K(CAMPAIGN_FINISH, "campaign.finish", "") \
	K(CAMPAIGN_EXPIRE, "campaign.expire", "") \
	K(JOB_RETRY, "job.retry", "job retried") \
	K(TRUST_UPDATE, "trust.update", "") \
	K(BACKUP_BEGIN, "backup.begin", "backup begun") \
	K(BACKUP_CANCEL, "backup.cancel", "backup called off") \
	K(BACKUP, "backup", "backup taken") \
	K(RESTORE, "restore", "")

enum audit_kind {
#define K(id, name, word) AUDIT_##id,
	AUDIT_KIND_LIST(K)
#undef K
	AUDIT_KINDS,
};

const char *audit_kind_name(enum audit_kind kind);
/* The kind of a change by its event row's word; CHANGE when no row has it. */
enum audit_kind audit_kind_of_word(const char *word);
/* Is it the name of a kind? */
bool audit_kind_known(const char *name);

#define AUDIT_KIND_MAX 32 /* bytes of a kind's name, with its NUL */
#define AUDIT_HASH 32

/* Texts are UTF-8. */
struct audit_entry {
	uint64_t n; /* 1 and on */
	int64_t at; /* Unix ms, 0 and on */
	char who[LIMIT_PSK_IDENTITY + 1]; /* "": suitd itself; "?": somebody
	                                     without a credential */
	char kind[AUDIT_KIND_MAX];
	char subject[LIMIT_AUDIT_SUBJECT + 1]; /* what it was done to */
	char detail[LIMIT_AUDIT_DETAIL + 1];
	uint8_t prev[AUDIT_HASH]; /* hash of entry n - 1 */
	uint8_t hash[AUDIT_HASH];
};

/* Where a chain ends: n 0 and zeros before its first entry. */
struct audit_head {
	uint64_t n;
	uint8_t hash[AUDIT_HASH];
};

/* The bytes that are hashed. ERR_RANGE (n, at), ERR_UTF8, ERR_INVALID (no
 * kind), ERR_SPACE: AUDIT_BYTES are enough. */
#define AUDIT_BYTES (LIMIT_AUDIT_SUBJECT + LIMIT_AUDIT_DETAIL + \
	LIMIT_PSK_IDENTITY + AUDIT_KIND_MAX + 96)
int audit_put(const struct audit_entry *e, struct buf *out) MUST_USE;
/* e->n, prev and hash from what comes before; *head is the new one. */
int audit_append(struct audit_head *head, struct audit_entry *e) MUST_USE;

/* "N:HEX" of a head, and back; ERR_MALFORMED, ERR_RANGE. */
#define AUDIT_HEAD_TEXT 88
char *audit_head_text(const struct audit_head *h, char dst[AUDIT_HEAD_TEXT]);
int audit_head_parse(struct slice in, struct audit_head *ret) MUST_USE;

/*
 * Verifying: begin, every entry in order, end. A chain may begin later than
 * at 1, when its beginning was pruned: then an entry "audit.prune" in it must
 * name the head of what is gone; or it begins right after the kept head. What
 * was found is the code:
 *
 *   ERR_ORDER  an entry is missing, twice there, or at another place
 *   ERR_DIGEST an entry was changed, or does not follow from the one before
 *   ERR_TRUNCATED the end is missing: the kept head is not reached
 *   ERR_CONFLICT  the entry of the kept head's number is another one
 *   ERR_MISSING   the beginning is missing and nothing says that it was pruned
 */
struct audit_verify {
	struct audit_head head; /* of what was seen */
	struct audit_head base; /* before the first one */
	struct audit_head kept; /* by the caller; n 0: none */
	uint64_t entries;
	bool pruned; /* base is what the chain says was pruned */
	int64_t first, last; /* times */
};
/* `kept` NULL: none. */
void audit_verify_begin(struct audit_verify *v, const struct audit_head *kept);
int audit_verify_add(struct audit_verify *v, const struct audit_entry *e,
    struct why *why) MUST_USE;
int audit_verify_end(const struct audit_verify *v, struct why *why) MUST_USE;

/*
 * One line of an export, with its newline; the members of the entry, with
 * bytes in hex. Reading takes exactly what put writes, without the newline:
 * ERR_MALFORMED for anything else.
 */
#define AUDIT_LINE (6 * AUDIT_BYTES + 256) /* all of it escaped */
int audit_line_put(const struct audit_entry *e, struct buf *out) MUST_USE;
int audit_line_get(struct slice line, struct audit_entry *ret, struct why *why)
    MUST_USE;

#endif
