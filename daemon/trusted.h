/*
 * trusted: the trust list in force (lib/trust.h). The first one is pinned at
 * the first start, from the file of trust_root; whatever comes over the wire
 * is only ever a step from the list that we have. Then authors come from the
 * list alone: it decides what may be published, and what is served, at once
 * and on both planes (catalog.h). Without a list all is as it was.
 *
 * suitd keeps every list, since devices walk root changes one by one, and it
 * enforces nothing that devices do not enforce themselves: who steals this
 * server can serve what he likes, and nobody installs it.
 */
#ifndef SUITD_DAEMON_TRUSTED_H
#define SUITD_DAEMON_TRUSTED_H

#include "daemon/suitd.h"
#include "lib/fresh.h"
#include "lib/trust.h"

/*
 * After store and catalog, before the catalog is loaded; hooks itself into
 * the loop. NULL and 0 without a list, and for no other reason: what is wrong
 * with a file that is named never means that there is no list. ERR_POLICY: a
 * private key of the list lies here (keyhunt.h), or freshness_key may do more
 * than answer nonces; ERR_IO, ERR_KEY ... of freshness_key;
 * ERR_CONFLICT: the file is not the list that this store began with;
 * ERR_CORRUPT; errors of trust_parse and trust_pin for the file.
 */
int trusted_new(struct app *app, struct trusted **ret, struct why *why)
    MUST_USE;
void trusted_free(struct trusted *t); /* NULL is fine */
/* The file of trust_root, proven by its own roots; borrows from `bytes`. */
int trusted_read_root(const struct conf *c,
    uint8_t bytes[LIMIT_TRUST_LIST + 1], struct trust *ret, struct why *why)
    MUST_USE;

/* freshness_key, or the credential; NULL and 0: neither is there. The list may
 * be an empty one. */
int trusted_read_fresh(const struct conf *c, const struct trust *list,
    struct cose_key **ret, struct why *why) MUST_USE;

/* The list in force, borrowed until the next one is; NULL: none. */
const struct trust *trusted_list(const struct app *app);
uint64_t trusted_seq(const struct app *app); /* 0: none */
int64_t trusted_since(const struct app *app); /* Unix ms */

/*
 * The next list, in a pair of its own, with its entry in the audit log; it is
 * in force after the commit. `who` NULL: nobody known.
 * ERR_EXISTS: it is the newest already; ERR_STATE: none is pinned here;
 * ERR_POLICY: a private key of it lies here; else as of trust_step_chain.
 */
int trusted_publish(struct app *app, struct slice list,
    const struct principal *who, struct why *why) MUST_USE;

/* May this manifest be published, and by whom? A refusal that is no 4.03 by
 * itself is ERR_POLICY, the rule is in *why. */
int trusted_author(const struct trust *list, const struct trust_claim *claim,
    struct store_author *ret, struct why *why) MUST_USE;

/* The sequence that a release for this class has to exceed on a device that
 * runs `running`: see trust_base. Without a list `running` itself. */
uint64_t trusted_base(const struct app *app, const uint8_t class_id[16],
    uint64_t running);

/* That of a device, by what it says it runs; 0: it has not said. */
uint64_t trusted_runs(const struct app *app, const struct store_device *d);

/* The answer to a nonce, into resp->out. ERR_NOT_FOUND: there is no freshness
 * key, or it is not in the list; ERR_LIMIT: the share of who asks is used up
 * (LIMIT_FRESH_RATE), the reason is in resp->why. */
int trusted_fresh(struct app *app, const struct req *req,
    const struct fresh *f, struct resp *resp) MUST_USE;

/* Once a second, called directly by tests: attempts at a release that the list
 * does not allow any more end, some hundreds at a time. */
void trusted_tick(struct trusted *t);
/* Ten times a second: releases on which keys of the list have to be tried. */
void trusted_slice(struct trusted *t);

#endif
