/*
 * opened: what a configuration leaves open, and what it closes, each in one
 * line of words, for `suitd -n` and `suitctl status`. What is open says by
 * which key it is closed.
 */
#ifndef SUITD_DAEMON_OPENED_H
#define SUITD_DAEMON_OPENED_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/conf.h"

#define OPENED_TEXT 160

/* Each: is something open? "four eyes for author, principal", or
 * "open: ...". */
bool opened_rights(const struct conf *c, char dst[OPENED_TEXT]);
/* Of who is no device that is known, and no operator. */
bool opened_strangers(const struct conf *c, char dst[OPENED_TEXT]);
/* Without a list; who has pinned one is not asked. */
bool opened_authors(const struct conf *c, char dst[OPENED_TEXT]);

#endif
