/*
 * access_impl: what the files of access share. The operators of admin.psk.
 */
#ifndef SUITD_DAEMON_ACCESS_IMPL_H
#define SUITD_DAEMON_ACCESS_IMPL_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

struct operators;

struct operator {
	char identity[LIMIT_PSK_IDENTITY + 1];
	size_t key_len;
	uint8_t key[LIMIT_PSK_KEY];
};

/* See access_open. */
int operators_open(const char *state_dir, struct operators **ret,
    struct why *why) MUST_USE;
void operators_free(struct operators *o); /* NULL is fine */
/*
 * The operator of this name as the file says now, NULL when there is none;
 * valid until the next call. One stat(2), and a read when the file changed.
 */
const struct operator *operators_find(struct operators *o,
    const char *identity);

#endif
