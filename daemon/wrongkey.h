/*
 * wrongkey: handshakes that name an identity of ours and do not prove its
 * key: a device with an old key, which is silent itself, and to which DTLS
 * has no answer either. Who looks for it finds it in the log, and at the
 * device.
 *
 * In memory, for the LIMIT_WRONG_KEYS identities that failed last. Who has no
 * key may fail on purpose, in the name of any identity that he knows: hence
 * nothing of it is written to the store, an identity has a line an hour, and
 * all of them have LINES a minute.
 */
#ifndef SUITD_DAEMON_WRONGKEY_H
#define SUITD_DAEMON_WRONGKEY_H

#include "daemon/suitd.h"

#define WRONGKEY_LINES 10 /* in the log, a minute */
#define WRONGKEY_TEXT 320 /* bytes of what is said of one */

struct wrongkeys;

int wrongkeys_new(struct wrongkeys **ret) MUST_USE;
void wrongkeys_free(struct wrongkeys *w); /* NULL is fine */

/* Of all of these: app->wrongkeys NULL knows nothing. */

/* The front's hooks: a handshake that is as good as failed, from `host` as
 * addr_host has it; and one that succeeded, after which nothing is known of
 * its identity any more. */
void wrongkey_failed(struct app *app, enum transport t, const char *identity,
    const char *host);
void wrongkey_proved(struct app *app, enum transport t,
    const char *identity);

/* What an operator should know of one of the device's keys; "": nothing. */
void wrongkey_say(struct app *app, const struct store_device *d,
    char ret[WRONGKEY_TEXT]);

/* Identities that are known to fail. */
size_t wrongkey_count(const struct app *app);

#endif
