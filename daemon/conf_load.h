/*
 * conf_load: the configuration from where the command line says: a file, and
 * what goes over it. At the start, by suitd -n, and anew by a reload.
 */
#ifndef SUITD_DAEMON_CONF_LOAD_H
#define SUITD_DAEMON_CONF_LOAD_H

#include "lib/conf.h"

#define CONF_SETTINGS 64 /* -o */

/* Borrowed from the command line. */
struct conf_source {
	const char *file; /* NULL: none, the defaults */
	const char *dir; /* -d; NULL: the file's, or the default */
	const char *setting[CONF_SETTINGS]; /* "key=value", over the file */
	size_t settings;
};

/*
 * Reads and checks it all. Each error is told in a line "FILE:LINE: key: what
 * is wrong"; then the code of the first is returned, and *ret is untouched.
 */
int conf_load(const struct conf_source *s, struct conf *ret,
    void (*tell)(void *arg, const char *text), void *arg) MUST_USE;

#endif
