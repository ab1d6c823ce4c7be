/*
 * res: the handlers behind routes_device[] (routes.c), one file per family.
 */
#ifndef SUITD_DAEMON_RES_H
#define SUITD_DAEMON_RES_H

#include "daemon/suitd.h"
#include "lib/uri.h"

int res_manifest_class(struct app *app, const struct req *req,
    struct resp *resp);
int res_manifest_own(struct app *app, const struct req *req,
    struct resp *resp);
int res_image(struct app *app, const struct req *req, struct resp *resp);
int res_rest(struct app *app, const struct req *req, struct resp *resp);
int res_report(struct app *app, const struct req *req, struct resp *resp);
int res_boot(struct app *app, const struct req *req, struct resp *resp);
int res_nonce(struct app *app, const struct req *req, struct resp *resp);
int res_rd(struct app *app, const struct req *req, struct resp *resp);
int res_rd_one(struct app *app, const struct req *req, struct resp *resp);

int res_trust(struct app *app, const struct req *req, struct resp *resp);
int res_trust_one(struct app *app, const struct req *req,
    struct resp *resp);
int res_trust_now(struct app *app, const struct req *req,
    struct resp *resp);

/* An image, by blocks; waits when it has to be hashed first. */
int res_image_serve(struct app *app, const uint8_t digest[32],
    const struct req *req, struct resp *resp) MUST_USE;

/* Accept for bytes that mean nothing to us. */
int res_opaque(const struct req *req, struct resp *resp) MUST_USE;

#endif
