/*
 * psk: a device's key in one call, for tests: put replaces the key of an
 * identity, get adds it to a buffer, remove takes it by its identity.
 */
#ifndef SUITD_TESTS_DB_PSK_H
#define SUITD_TESTS_DB_PSK_H

#include "db/store.h"

static inline int
psk_put(struct store *s, const char *identity, uint64_t device,
    struct slice key)
{
	struct store_credential c = {.kind = CREDENTIAL_PSK};

	if (key.n > sizeof(c.secret) || strlen(identity) >= sizeof(c.identity))
		return ERR_SIZE;
	if (s->ops->credential_get(s, CREDENTIAL_PSK, identity, &c) == 0 &&
	    c.device != device)
		c.id = 0;
	c.device = device;
	strcpy(c.identity, identity);
	c.secret_len = key.n;
	if (key.n > 0)
		memcpy(c.secret, key.p, key.n);
	return s->ops->credential_put(s, &c);
}

static inline int
psk_get(struct store *s, const char *identity, uint64_t *ret_device,
    struct buf *ret_key)
{
	struct store_credential c;
	int err = s->ops->credential_get(s, CREDENTIAL_PSK, identity, &c);

	if (err != 0)
		return err;
	*ret_device = c.device;
	buf_put(ret_key, slice_of(c.secret, c.secret_len));
	return 0;
}

static inline int
psk_remove(struct store *s, const char *identity)
{
	struct store_credential c = {0}; /* none has id 0 */
	int err = s->ops->credential_get(s, CREDENTIAL_PSK, identity, &c);

	if (err != 0 && err != ERR_NOT_FOUND)
		return err;
	return s->ops->credential_remove(s, c.id);
}

#endif
