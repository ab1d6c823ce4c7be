/*
 * again: answers of several blocks that are others each time they are made,
 * such as the status, which tells the time and counts its own requests. The
 * front keeps nothing between blocks, so without this the second block is of
 * another answer than the first, always.
 */
#ifndef SUITD_DAEMON_AGAIN_H
#define SUITD_DAEMON_AGAIN_H

#include "daemon/front.h"

/* A later block is asked for, and the answer that this peer had the first one
 * of is here: then it is in *resp. */
bool again_get(const struct req *req, struct resp *resp);
/* What was just made in resp->out, for the blocks that follow. */
void again_put(const struct req *req, const struct resp *resp);

#endif
