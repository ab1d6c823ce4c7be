/*
 * selfcheck: would suitd start, and well? What suitd -n looks at besides the
 * configuration's text: files, keys, ports, certificates, the database. It
 * leaves everything as it is, also beside a suitd that runs.
 */
#ifndef SUITD_DAEMON_SELFCHECK_H
#define SUITD_DAEMON_SELFCHECK_H

#include "lib/conf.h"

enum check { CHECK_OK, CHECK_WARN, CHECK_FAIL };

/* True: nothing would stop suitd. A line for each thing that was looked at;
 * CHECK_WARN is for what does not stop it. */
bool selfcheck(const struct conf *c, void (*line)(void *arg,
    enum check result, const char *what, const char *text), void *arg);

/*
 * All of suitd -n: a table on stdout, and the exit code, 1 when anything
 * would stop suitd. As root it is looked at with the eyes of the user who
 * owns the state directory.
 */
int selfcheck_main(const struct conf *c);

#endif
