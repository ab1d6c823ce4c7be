/*
 * log: one line per decision, key=value, to stderr. Only daemon/ logs. Where
 * stderr is the journal's (JOURNAL_STREAM names its device and inode, as
 * systemd.exec(5) says) a line begins with sd-daemon(3)'s priority <N>, else
 * with the level's name.
 */
#ifndef SUITD_DAEMON_LOG_H
#define SUITD_DAEMON_LOG_H

#include <stdbool.h>

#include "lib/err.h"

enum log_level { LOGL_ERROR, LOGL_WARN, LOGL_INFO, LOGL_DEBUG };

void log_init(enum log_level level);
void log_level_set(enum log_level level);
bool log_level_parse(const char *name, enum log_level *ret);
void log_error(const char *fmt, ...) PRINTF(1, 2);
void log_warn(const char *fmt, ...) PRINTF(1, 2);
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_debug(const char *fmt, ...) PRINTF(1, 2);

#endif
