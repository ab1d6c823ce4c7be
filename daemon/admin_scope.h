/*
 * admin_scope: what is in the scope of who asks. What is outside is not
 * there: lists leave it out, and a handler answers as if it did not exist.
 */
#ifndef SUITD_DAEMON_ADMIN_SCOPE_H
#define SUITD_DAEMON_ADMIN_SCOPE_H

#include "daemon/suitd.h"
#include "lib/msg_records.h"

/* Items that are looked at for one page of who has a scope: each may cost some
 * reads of the store. */
#define SCOPE_LOOK 1000

/* An item of a list, by the record that it is shown as: the store's row.
 * Records that are not known here are shown to nobody with a scope. */
bool admin_sees(struct app *app, const struct req *req,
    const struct msg_record *rec, const void *item);
bool admin_sees_device(const struct req *req, const struct store_device *d);

/* ERR_FORBIDDEN: as it is now, the device is outside of the scope. */
int admin_keeps_device(const struct req *req, const struct store_device *d,
    struct why *why) MUST_USE;
/* ERR_FORBIDDEN: a change of releases that devices of other tags and other
 * campaigns would notice. */
int admin_owns_classes(const struct req *req, struct why *why) MUST_USE;
/*
 * What a campaign is to be is brought into the scope: its selection is
 * bounded. ERR_FORBIDDEN: its name, or one of the devices named, is outside;
 * ERR_SIZE: the bounded selection is too long.
 */
int admin_bound_campaign(struct app *app, const struct req *req,
    struct msg_campaign_start *m, struct why *why) MUST_USE;

#endif
