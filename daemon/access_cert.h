/*
 * access_cert: client certificates -> devices.
 *
 * A certificate speaks for the endpoint that it names. When a device of that
 * name is known, it is entered as one of its credentials by its fingerprint,
 * and from then on nobody speaks for the device without a credential. With
 * client_pinned only those that an operator has entered let in. A device has
 * LIMIT_CREDENTIALS of them: a new one that an authority signed takes the
 * place of the one that was shown longest ago.
 */
#ifndef SUITD_DAEMON_ACCESS_CERT_H
#define SUITD_DAEMON_ACCESS_CERT_H

#include "daemon/access.h"

/* Hooks of the front. ERR_POLICY: it, or its device, was revoked, or it was
 * not entered; ERR_CONFLICT: it is entered for another device. */
int access_cert(struct app *app, const struct cert_peer *p,
    struct why *why) MUST_USE;
void access_cert_shown(struct app *app, const struct cert_peer *p);
void access_cert_who(struct app *app, const struct cert_peer *p,
    struct principal *ret);

/* access_ident of who has a certificate for a device that is not known. */
int access_cert_ident(struct app *app, const struct req *req,
    const char *ep, struct ident *ret, struct why *why) MUST_USE;
/*
 * Between engine_begin and engine_end: enters the certificate of this
 * fingerprint as one of a device that is in the store, and sets d->have_psk.
 * ERR_EXISTS: it is another device's. ERR_LIMIT: there are LIMIT_CREDENTIALS
 * already, and `replace` is false.
 */
int access_cert_enter(struct app *app, struct store_device *d,
    const struct store_credential *c, bool replace) MUST_USE;

/*
 * Has an operator revoked the certificate of this credential, and when? By its
 * fingerprint, and by its label, which has its serial number and how its
 * issuer begins: for who looks at it. What is let in is asked by access_cert.
 * ERR_NOT_FOUND.
 */
int access_cert_revoked(struct app *app, const struct store_credential *c,
    int64_t *ret_at) MUST_USE;

/* Is this what the operator named (store_revoked.h)? */
bool access_cert_is(const struct cert_peer *p, const char *name);

#endif
