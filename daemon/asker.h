/*
 * asker: who a request is from, as far as shares go (lib/share.h).
 */
#ifndef SUITD_DAEMON_ASKER_H
#define SUITD_DAEMON_ASKER_H

#include "daemon/suitd.h"
#include "lib/share.h"

/*
 * Known is who came with a device's credential. Over plain UDP an address was
 * shown to reach.h, or is of trusted_networks; who shook hands has shown it.
 */
struct share_asker asker_of(const struct app *app, const struct req *req);

/* 0 and a share with a key of its own. ERR_CRYPTO, ERR_NOMEM. */
int asker_share_new(struct share **ret) MUST_USE;

/* As share_take and share_give, by the loop's clock. */
bool asker_take(const struct app *app, struct share *s,
    const struct share_rule *r, const struct req *req);
void asker_give(const struct app *app, struct share *s,
    const struct share_rule *r, const struct req *req);

#endif
