/*
 * cli: suitctl is a table of sentences. Each row is the words a person
 * types, the arguments, one line of help and a function; usage, man page
 * checks and completion are printed from the tables.
 */
#ifndef SUITD_CLI_CLI_H
#define SUITD_CLI_CLI_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/slice.h"

/* Exit codes: what scripts may rely on. */
#define CLI_OK 0
#define CLI_REFUSED 1 /* verified and refused, or the daemon said no */
#define CLI_USAGE 2 /* used wrongly */
#define CLI_UNREACHABLE 3 /* no daemon there */

struct cli {
	bool json; /* --json */
	bool tty; /* stdout is a terminal */
	const char *admin; /* --admin URI; NULL: the local daemon's */
	const char *state_dir; /* -d DIR: where admin.psk lies; NULL: default */
	const char *psk_file; /* --psk-file F */
	const char *as; /* --as NAME: whose line of it; NULL: the first */
};

struct cli_cmd {
	const char *words; /* "campaign start" */
	const char *args; /* "RELEASE [--class C] ..." */
	const char *help;
	/* argv[0] is the first word after the sentence */
	int (*fn)(struct cli *c, int argc, char **argv);
};

/* Both end with words == NULL. */
extern const struct cli_cmd cli_offline[]; /* key, manifest: no daemon */
extern const struct cli_cmd cli_online[];

/* Prints "suitctl: ..." to stderr and returns CLI_USAGE. */
int cli_usage(const char *fmt, ...) PRINTF(1, 2);
/* From now on cli_usage keeps what it would print, the last of it only... */
void cli_hush(void);
/* ...until this, which prints it or not. */
void cli_speak(bool aloud);
/* Whole file, "-" is standard input; the caller frees ->p. Over `max` is
 * ERR_SIZE. Hex text is NOT decoded; see cli_read_binary. */
int cli_read(const char *path, size_t max, struct slice *ret_s) MUST_USE;
/* As cli_read, but a file that is hex text is decoded. */
int cli_read_binary(const char *path, size_t max, struct slice *ret_s)
    MUST_USE;
/* Writes a file atomically with `mode`; "-" is standard output. */
int cli_write(const char *path, struct slice s, unsigned mode) MUST_USE;

#endif
