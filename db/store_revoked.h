/*
 * store_revoked: certificates of clients that operators revoked; the verbs
 * are in store.h.
 */
#ifndef SUITD_DB_STORE_REVOKED_H
#define SUITD_DB_STORE_REVOKED_H

#include <stdint.h>

#include "lib/limits.h"

struct store_revoked {
	/* "SERIAL@ISSUER", "SERIAL@" of any issuer, or a fingerprint in hex;
	   serial and issuer as in peercert.h */
	char name[LIMIT_REVOKED_NAME + 1];
	int64_t at;
	char reason[LIMIT_REVOKED_REASON + 1]; /* for a person; "" none */
};

#endif
