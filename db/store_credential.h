/*
 * store_credential: what a device proves itself with, as the store keeps it.
 * One table for all kinds; the verbs are in store.h. A device has at most
 * LIMIT_CREDENTIALS of a kind, the old one and the new one, and an identity
 * is unique among those of its kind.
 */
#ifndef SUITD_DB_STORE_CREDENTIAL_H
#define SUITD_DB_STORE_CREDENTIAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/limits.h"

/* Stored numbers. */
enum credential_kind {
	CREDENTIAL_PSK = 1, /* identity: as in the handshake; secret: the key,
	                       1 .. LIMIT_PSK_KEY bytes */
	CREDENTIAL_CERT = 2, /* identity: SHA-256 of the certificate, or of
	                        the public key, in lower case hex; no secret */
	CREDENTIAL_OSCORE = 3, /* identity: what finds the context; secret:
	                          the rest of it, 1 .. LIMIT_SECRET bytes */
};
#define CREDENTIAL_KINDS 3
#define STORE_CREDENTIALS (CREDENTIAL_KINDS * LIMIT_CREDENTIALS)

struct store_credential {
	uint64_t id; /* 0: new; never given again */
	uint64_t device; /* 0: of none */
	enum credential_kind kind;
	char identity[LIMIT_PSK_IDENTITY + 1];
	char label[LIMIT_CREDENTIAL_LABEL + 1]; /* for a person, e.g. whose
	                                           certificate; "" none */
	size_t secret_len;
	uint8_t secret[LIMIT_SECRET];
	int64_t created; /* 0: not known */
	int64_t used; /* last, an hour early at most; 0: never */
	int64_t ends; /* from then on it is none; 0: never */
	uint64_t counter; /* of the kind's own, e.g. OSCORE's sender sequence
	                     number up to which numbers are reserved */
};

#endif
