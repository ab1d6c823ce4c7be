/* Where the operator's key lies, and what it says. */
#ifndef SUITD_CLI_CLIENT_KEY_H
#define SUITD_CLI_CLIENT_KEY_H

#include "cli/cli.h"
#include "lib/limits.h"

struct client_key {
	char identity[LIMIT_PSK_IDENTITY + 1];
	uint8_t key[LIMIT_PSK_KEY];
	size_t key_len;
	char file[512];
};

/* "identity hexkey", as suitd writes it. ERR_MALFORMED, ERR_KEY. */
int client_key_parse(struct slice text, struct client_key *ret) MUST_USE;
/*
 * --psk-file, else admin.psk in -d DIR, else in $SUITD_STATE, ./ and
 * /var/lib/suitd. Says what was tried when there is none; CLI_*.
 */
int client_key_find(const struct cli *c, struct client_key *ret) MUST_USE;

#endif
