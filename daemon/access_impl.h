/*
 * access_impl: what the files of access share. The operators of admin.psk.
 */
#ifndef SUITD_DAEMON_ACCESS_IMPL_H
#define SUITD_DAEMON_ACCESS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

struct app;
struct operators;

struct operator {
	char identity[LIMIT_PSK_IDENTITY + 1];
	size_t key_len;
	uint8_t key[LIMIT_PSK_KEY];
};

/* See access_open. Without `make`, ERR_NOT_FOUND when it is not there. */
int operators_open(const char *path, bool make, struct operators **ret,
    struct why *why) MUST_USE;
const char *operators_file(const struct operators *o);
size_t operators_count(const struct operators *o);
void operators_free(struct operators *o); /* NULL is fine */
/*
 * The operator of this name as the file says now, NULL when there is none;
 * valid until the next call. One stat(2), and a read when the file changed.
 */
const struct operator *operators_find(struct operators *o,
    const char *identity);

/* Asked when somebody comes: a session that is open is ended by who revokes,
 * and its requests are refused by access_ident. */
bool access_is_revoked(struct app *app, uint64_t device);

#endif
