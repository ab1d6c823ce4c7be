/* A release for a person; used by publish and release show. */
#ifndef SUITD_CLI_RELEASE_H
#define SUITD_CLI_RELEASE_H

#include "lib/msg_records.h"

void release_show(const struct msg_release *m);

#endif
