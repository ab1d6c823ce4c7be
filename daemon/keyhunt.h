/*
 * keyhunt: no private key that may sign for devices lies on this server
 * (REQ.SEC.KEY.PROTECTION). Whoever steals the server then has nothing that a
 * device would install.
 */
#ifndef SUITD_DAEMON_KEYHUNT_H
#define SUITD_DAEMON_KEYHUNT_H

#include "daemon/suitd.h"
#include "lib/trust.h"

/*
 * Looks into every file at the top of the state directory, of the folders of
 * the configuration and of the files that it names, and of the systemd
 * credentials: a private key of a root, an author or an operator of the list
 * is ERR_POLICY, and *why names the file. One that asks for a pass-phrase
 * cannot be read, and so not be told from others.
 */
int keyhunt(const struct app *app, const struct trust *list, struct why *why)
    MUST_USE;
/* Whether a key may be here: one of the list with the role freshness or
 * server, or none of it. */
int keyhunt_may(const struct trust *list, const struct cose_key *key,
    const char *path, struct why *why) MUST_USE;

#endif
