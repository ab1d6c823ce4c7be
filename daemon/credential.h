/*
 * credential: what a device proves itself with, as operators and the clock
 * change it. A device may have two keys for a while: the new one is made
 * beside the old one, which then has an end. Ends are by the server's clock
 * alone; a device is never asked for the time.
 *
 * A key has an identity of its own, since a handshake names the identity
 * before the key is proven: the endpoint name, or where that is taken the
 * name with #2, #3 (# is in no endpoint name).
 *
 * Whoever changes credentials takes a list of them before, and after
 * engine_end has the sessions of that list ended (credential_settle): what
 * their keys proved is worth nothing any more. A session of a credential
 * that stays is not touched.
 */
#ifndef SUITD_DAEMON_CREDENTIAL_H
#define SUITD_DAEMON_CREDENTIAL_H

#include "daemon/suitd.h"

#define CREDENTIAL_NEW 16 /* bytes of a key that we make */

struct credential_list {
	size_t n;
	struct store_credential c[STORE_CREDENTIALS]; /* no secrets */
};

/* A key for a device. */
struct credential_key {
	const char *identity; /* NULL or "": what is free */
	struct slice key; /* LIMIT_PSK_KEY_LEAST bytes or more */
	int64_t overlap_ms; /* how long the others go on; 0: no longer */
};

/* Its end has come, if it is in the store or not: it proves nothing. */
bool credential_ended(const struct app *app,
    const struct store_credential *c);
/* Those of a device that have not ended yet. */
int credential_list(struct app *app, uint64_t device,
    struct credential_list *ret) MUST_USE;
/*
 * Between engine_begin and engine_end, for a device that is in the store:
 * gives it the key, and d->have_psk. Without an overlap its other keys are
 * removed; with one they end after it, or earlier if they did before, and
 * the identity is another one. ERR_STATE: two are valid already; ERR_EXISTS:
 * the identity is another device's; ERR_INVALID: it is none, or the key is
 * too short; ERR_RANGE: the overlap.
 */
int credential_give(struct app *app, struct store_device *d,
    const struct credential_key *k, struct store_credential *ret,
    struct why *why) MUST_USE;
/*
 * After credential_give, before engine_end: does another device have this
 * very key? Then ret is its name, or MSG_SHARES_HIDDEN when it is outside of
 * the scope of who asks, and a row in the event log and an entry of the audit
 * log say so; else "". Nothing is refused: a key that is in use already
 * cannot be made secret by that. The log is for after engine_end.
 */
int credential_shares(struct app *app, const struct req *req,
    const struct store_device *d, const struct store_credential *c,
    char ret[LIMIT_EP + 1]) MUST_USE;
/* Those of a kind end, for a new one: now, or after the overlap. */
int credential_end_others(struct app *app, uint64_t device,
    enum credential_kind kind, int64_t overlap_ms) MUST_USE;
/*
 * The same as credential_give for an OSCORE context, which is made here: its
 * secrets, ids that no other has, and the ID Context that is wanted, if any
 * (p NULL). A context of secrets from elsewhere is not taken: its numbers
 * may have been used.
 */
struct oscore_secret;
struct credential_oscore {
	struct slice context;
	int64_t overlap_ms;
};
int credential_give_oscore(struct app *app, struct store_device *d,
    const struct credential_oscore *k, struct store_credential *ret,
    struct oscore_secret *ret_secret, struct why *why) MUST_USE;
/* After engine_end: the sessions of those that the device has no longer are
 * ended; all of them when the device was removed or revoked. */
void credential_settle(struct app *app, uint64_t device,
    const struct credential_list *before);
/* A tick: removes what has ended, with its sessions and a row in the event
 * log, and writes down which ones were used. */
void credential_tick(struct app *app);

const char *credential_kind(enum credential_kind kind); /* "psk" */

#endif
