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

/*
 * "identity hexkey", one line for each operator, as suitd writes and reads
 * it; empty lines and those that begin with '#' are skipped. Takes the line
 * of `as`, NULL: the first. ERR_MISSING when it is not there, ERR_MALFORMED,
 * ERR_KEY for a line that was looked at.
 */
int client_key_parse(struct slice text, const char *as,
    struct client_key *ret) MUST_USE;
/*
 * --psk-file, else admin.psk in -d DIR, else in $SUITD_STATE, ./ and
 * /var/lib/suitd; of it the line of --as. Says what was tried when there is
 * none; CLI_*.
 */
int client_key_find(const struct cli *c, struct client_key *ret) MUST_USE;

#endif
