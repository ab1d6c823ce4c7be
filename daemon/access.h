/*
 * access: credential -> principal, and request -> device.
 *
 * A device's identity is its credential. A device that has none may be named
 * by ?ep= (grade L0), and at last by the address it was seen at, when only
 * one device has it (L0, a hint). A port is nothing. Whoever names a device
 * that has a credential without using it is refused.
 *
 * An operator is a line "identity hexkey" of admin.psk; blank lines and
 * those that begin with # say nothing. Identities are names (text_name_ok)
 * and unique, keys have LIMIT_OPERATOR_KEY_LEAST bytes or more, and there
 * are LIMIT_OPERATORS at most. Rights may stand behind the key (rights.h,
 * classes as UUIDs); a line without has all of them, and no scope. Other
 * principals of the operators' port are in the store. The file is looked at whenever an operator
 * shakes hands or asks, so that whoever was taken out of it is nobody on his
 * next request; a new key counts from the next handshake. While the file is
 * damaged the last good content stays, and the log says so.
 */
#ifndef SUITD_DAEMON_ACCESS_H
#define SUITD_DAEMON_ACCESS_H

#include "daemon/suitd.h"

struct access;

#define ACCESS_FILE "admin.psk" /* of suitd's own, and of the credential */

/*
 * Reads DIR/admin.psk, or makes it (mode 0600, one line "admin hexkey").
 * Refuses a file that others can read (ERR_POLICY), one without an operator
 * (ERR_MISSING), and a line that is wrong (ERR_MALFORMED, ERR_KEY,
 * ERR_DUPLICATE, ERR_LIMIT), which *why names by its number.
 */
int access_open(const char *state_dir, struct access **ret, struct why *why)
    MUST_USE;
/* The same from the file of admin_psk, or from the systemd credential
 * admin.psk, neither of which is made; else DIR/admin.psk. */
int access_open_conf(const struct conf *c, struct access **ret,
    struct why *why) MUST_USE;
/* The path of the operators' keys. */
const char *access_file(const struct access *a);
void access_free(struct access *a); /* NULL is fine */
/* After a credential was written, and device_remove: the cached credentials are dropped. */
void access_forget(struct access *a);
/* Writes down which credentials were used since the last time: each an hour
 * after the last time at the earliest, some hundred at a time. */
void access_write_used(struct app *app);
/* Enters into the audit log what has become of the file of operators. */
void access_watch(struct app *app);
/* When the next credential ends; INT64_MAX: none does. */
int64_t access_next_end(struct app *app);

/* What the principal of this name may do: root's word in the file, else the
 * store's. ERR_NOT_FOUND: it is nobody. */
int access_rights(struct app *app, const char *name, struct rights *ret)
    MUST_USE;
/* Is it a line of the file? `ret` may be NULL. */
bool access_in_file(struct app *app, const char *name, struct rights *ret);

/* Hooks of the front. */
/* A handshake on the operators' port, before its key is looked for; false:
 * refuse it (slow.h). And one that succeeded. `host` as addr_host has it. */
bool access_knock(struct app *app, const char *host);
void access_proved(struct app *app, const char *host);
int access_psk(struct app *app, enum transport t, const char *identity,
    struct buf *ret_key);
void access_who(struct app *app, enum transport t, const char *identity,
    struct principal *ret);
/* The OSCORE context of an identity, unless it has ended or its device was
 * revoked; and how far its numbers are reserved. */
int access_oscore(struct app *app, const char *identity,
    struct oscore_given *ret);
int access_oscore_count(struct app *app, uint64_t credential,
    uint64_t counter);
/* Once at each start: what tells its numbers from those of the starts before,
 * on the disk when it returns. */
int access_oscore_life(struct app *app, struct oscore_life *ret) MUST_USE;

/*
 * The daemon never holds an author's private key: ERR_POLICY, naming the
 * file, when one lies at the top of the state directory.
 */
int access_refuse_private_keys(const char *state_dir, struct why *why)
    MUST_USE;

/* ?ep= of the query: what the request claims, "" nothing. ERR_INVALID: it is
 * no endpoint name. */
int access_claim(const struct req *req, char dst[LIMIT_EP + 1],
    struct why *why) MUST_USE;

enum ident_how { IDENT_NONE, IDENT_CREDENTIAL, IDENT_EP, IDENT_ADDRESS };
struct ident {
	enum ident_how how;
	enum grade grade;
	struct store_device dev;
};

/*
 * Whose request it is. `ep` is what the request claims (NULL or "": the
 * ?ep= of its query). Unknown is no error: how is IDENT_NONE, and dev.ep
 * has the claimed name. ERR_UNAUTHORIZED: a claim for a device that has a
 * credential. ERR_FORBIDDEN: a claim for another device than the
 * credential's, or a device that was revoked.
 */
int access_ident(struct app *app, const struct req *req, const char *ep,
    struct ident *ret, struct why *why) MUST_USE;
/* ERR_FORBIDDEN when it was; for those who know the device otherwise. */
int access_revoked(const struct store_device *d, struct why *why) MUST_USE;

#endif
