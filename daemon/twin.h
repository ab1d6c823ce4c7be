/*
 * twin: credentials that two devices use (lib/twin.h), by what the front
 * hears from each. It is told and not acted on: which of them is the right
 * one, a person has to find out, and give that one another key.
 *
 * In memory, for the LIMIT_TWINS_SEEN credentials heard of last; after a
 * restart it is found anew, if it goes on. Found ones are LIMIT_TWINS at
 * most, others are told in the log alone.
 */
#ifndef SUITD_DAEMON_TWIN_H
#define SUITD_DAEMON_TWIN_H

#include "daemon/suitd.h"

struct twins;

struct twins_stats {
	uint64_t now; /* credentials that are twins */
	uint64_t found; /* since the start */
	uint64_t forgotten; /* fell out of the table */
};

int twins_new(struct twins **ret) MUST_USE;
void twins_free(struct twins *t); /* NULL is fine */

/* Of all of these: app->twins NULL sees nothing. */

/*
 * The number of a credential here: its id in the store. A certificate counts
 * by its fingerprint, whether it is entered there or not (its device may have
 * registered with it, or others have taken its place).
 */
uint64_t twin_number(enum credential_kind kind, uint64_t id,
    const char *identity);
/*
 * A request of this credential (twin_number; 0 is none) of a device came from
 * `addr`, host and port as in req->peer. When that makes it a twin: a row in the event log, and a
 * line in the log. Costs no allocation and no SQL else.
 */
void twin_seen(struct app *app, uint64_t credential, uint64_t device,
    const char *addr, int64_t now);
/* The front's hook: each request of a device with a credential. */
void twin_heard(struct app *app, const struct req *req);
/* It said, with its credential, that it runs this. */
void twin_runs_seq(struct app *app, const struct req *req, uint64_t seq);
/* A credential is gone. */
void twin_forget(struct app *app, const struct store_credential *c);
/* Now and then: those that have been quiet are no twins any more. */
void twin_tick(struct app *app);

/* Does any of the device's credentials have one? */
bool twin_of(const struct app *app, uint64_t device);
void twin_stats(const struct app *app, struct twins_stats *ret);

#endif
