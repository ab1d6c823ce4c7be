/*
 * approve: four eyes. A change of a kind that the configuration names
 * (four_eyes) is not made when it is asked for. It gets a number and waits
 * for another principal who has a role that may say yes (eyes.h) and no
 * scope. Once approved it is made when who asked says the very same again:
 * with his rights of then, and only if it is the same to the byte. Another
 * key of a principal is the same person. What nobody approved, or asked for
 * again, is over after four_eyes_expires.
 *
 * Rejected: to keep the whole request and carry it out at the approval. The
 * answer may be a secret (a new key) that is not the approver's to see.
 */
#ifndef SUITD_DAEMON_APPROVE_H
#define SUITD_DAEMON_APPROVE_H

#include "daemon/suitd.h"
#include "lib/eyes.h"

/*
 * A hook of the front. 0: it may be made; then, if it was approved,
 * req->who.request and .approved say so, and admin_end takes it off the list.
 * ERR_APPROVAL: it waits; ERR_LIMIT: too many do.
 */
int approve_admit(struct app *app, const struct route *route,
    struct req *req, struct resp *resp) MUST_USE;
bool approve_is_over(const struct app *app, const struct store_request *r);
/* Requests that are over go, with their entry in the audit log: in an open
 * pair; and driven by the engine, once a second, outside of pairs. */
int approve_drop_over(struct app *app) MUST_USE;
void approve_tick(struct app *app);
/* Someone's word: in an open pair. ERR_NOT_FOUND; ERR_FORBIDDEN for who asked
 * himself, or has no say; ERR_EXISTS: it was approved already. */
int approve_give(struct app *app, const struct principal *who, uint64_t id,
    struct why *why) MUST_USE;
/* Denied, or taken back: in an open pair. */
int approve_deny(struct app *app, const struct principal *who, uint64_t id,
    struct why *why) MUST_USE;
/* May he read of it? His own, and what he has a say in; an auditor all. */
bool approve_sees(const struct principal *who, const struct store_request *r);
/* ERR_NOT_FOUND, also when it is over. */
int approve_get(struct app *app, uint64_t id, struct store_request *ret,
    struct why *why) MUST_USE;

#endif
