/*
 * keyfile: the keys that an import makes, in a file of their own (0600) that
 * an import can read: "ep,identity,psk". They are written before the daemon
 * gets them, so that an import that was interrupted, or whose answer was
 * lost, goes on with the same ones; and those that the daemon did not take
 * are left out at the end.
 */
#ifndef SUITD_CLI_KEYFILE_H
#define SUITD_CLI_KEYFILE_H

#include "cli/cli.h"
#include "lib/limits.h"
#include "lib/slice.h"

#define KEYFILE_KEY 16 /* bytes */

struct keyfile_key {
	char ep[LIMIT_EP + 1];
	char identity[LIMIT_PSK_IDENTITY + 1];
	uint8_t key[KEYFILE_KEY];
	bool taken; /* the daemon has it: true of those of before, to be set
	               by the caller of others */
};

struct keyfile;

/* Reads what is there; with more than `most` keys, those of before and the
 * new ones, it is refused. Errors are printed; CLI_*. */
int keyfile_open(const char *path, size_t most, struct keyfile **ret)
    MUST_USE;
/* The key of `ep`, of before or a new one; it lives until keyfile_close. */
int keyfile_get(struct keyfile *k, const char *ep, const char *identity,
    struct keyfile_key **ret) MUST_USE;
/* What is new is in the file, and on the disk, before it returns. */
int keyfile_sync(struct keyfile *k) MUST_USE;
/* `whole`: the file is written anew, with those that were taken. Frees. */
int keyfile_close(struct keyfile *k, bool whole) MUST_USE;

#endif
