/*
 * store_rights: records of store.h about principals, their keys, and changes
 * that wait for a second person.
 */
#ifndef SUITD_DB_STORE_RIGHTS_H
#define SUITD_DB_STORE_RIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/limits.h"

#define STORE_REQUEST_WHAT 512

/* Who may do what; those of admin.psk are not here. */
struct store_principal {
	char name[LIMIT_KEY_NAME + 1];
	char rights[LIMIT_RIGHTS + 1]; /* lib/rights.h's line */
	char by[LIMIT_PSK_IDENTITY + 1]; /* who made or changed it last */
	int64_t created;
	uint32_t last_key; /* keys have numbers that are not given again */
};
struct store_principal_key {
	char identity[LIMIT_PSK_IDENTITY + 1];
	char principal[LIMIT_KEY_NAME + 1];
	size_t key_len;
	uint8_t key[LIMIT_PSK_KEY];
	int64_t created, ends; /* ends 0: never */
};
/* A change that waits for a second person. */
struct store_request {
	uint64_t id; /* 0: new; strictly increasing */
	uint32_t kind; /* eyes.h's, 1 and on */
	char by[LIMIT_PSK_IDENTITY + 1];
	char what[STORE_REQUEST_WHAT];
	int64_t created, expires;
	uint8_t digest[32]; /* of all that was asked for */
	char approved[LIMIT_PSK_IDENTITY + 1]; /* by whom; "" nobody yet */
	char facts[LIMIT_REQUEST_FACTS + 1]; /* what it means, a line each, as
	                                        it was when it was asked for */
};

#endif
