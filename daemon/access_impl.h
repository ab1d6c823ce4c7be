/*
 * access_impl: what the files of access share. The operators of admin.psk,
 * and the principals of the operators' port.
 */
#ifndef SUITD_DAEMON_ACCESS_IMPL_H
#define SUITD_DAEMON_ACCESS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/suitd.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/rights.h"
#include "lib/slice.h"
#include "lib/slow.h"

struct access;
struct app;
struct app;
struct operators;
struct principal;

struct operator {
	char identity[LIMIT_PSK_IDENTITY + 1];
	size_t key_len;
	uint8_t key[LIMIT_PSK_KEY];
	struct rights rights; /* what stands behind the key, or all */
};

/* See access_open. Without `make`, ERR_NOT_FOUND when it is not there. */
int operators_open(const char *path, bool make, struct operators **ret,
    struct why *why) MUST_USE;
const char *operators_file(const struct operators *o);
size_t operators_count(const struct operators *o);
void operators_free(struct operators *o); /* NULL is fine */
/* Who is told of keys that the file has no more, or others for. */
struct operators_told {
	void (*ended)(void *arg, const char *identity);
	void *arg;
};
/*
 * The operator of this name as the file says now, NULL when there is none;
 * valid until the next call. One stat(2), and a read when the file changed.
 */
const struct operator *operators_find(struct operators *o,
    const char *identity, const struct operators_told *told);
/*
 * Looks at the file, too. What has become of it since operators_news_told, for a
 * person: who was added, removed, changed, or why it cannot be used; never a
 * key. NULL: nothing. Valid until the next call.
 */
const char *operators_news(struct operators *o,
    const struct operators_told *told);
void operators_news_told(struct operators *o);

/* access.c: what a struct access has of these. */
struct operators *access_operators(struct access *a);
struct slow *access_slow(struct access *a);

/* access_principal.c: ERR_NOT_FOUND; who it is goes into role, scope and
 * identity (its name), which stay untouched of nobody. */
int access_admin_psk(struct app *app, const char *identity,
    struct buf *ret_key) MUST_USE;
void access_admin_who(struct app *app, const char *identity,
    struct principal *ret);

/* The same cache for certificates: of those that are entered for the endpoint
 * they name. False: it is not known; fills device and credential. */
bool access_known_cert(struct app *app, const struct cert_peer *p,
    struct principal *ret);
void access_know_cert(struct app *app, const struct cert_peer *p,
    const struct store_credential *c);

/* A line for who speaks for another's endpoint: `how` he came, and whose it
 * is. One of few, since a datagram is enough. */
void access_say_claim(struct app *app, const struct req *req,
    const char *how, const char *ep);

/* Asked when somebody comes: a session that is open is ended by who revokes,
 * and its requests are refused by access_ident. */
bool access_is_revoked(struct app *app, uint64_t device);

#endif
