/*
 * options: suitd's command line.
 */
#ifndef SUITD_DAEMON_OPTIONS_H
#define SUITD_DAEMON_OPTIONS_H

#include <stdbool.h>

#include "daemon/conf_load.h"
#include "lib/audit.h"

/* Texts are those of argv. */
struct options {
	struct conf_source source;
	const char *restore; /* a backup's folder; NULL: no restore */
	struct audit_head audit_head; /* for fsck; n 0: none */
	bool check, verbose, fsck, repair, force;
};

/* -1: go on; else exit with it: 0 after what was asked for was printed, 2
 * after what is wrong was. */
int options_read(int argc, char **argv, struct options *ret);

#endif
