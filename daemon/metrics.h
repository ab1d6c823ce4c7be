/*
 * metrics: the values of lib/metric.h's table, as they are now. Most are
 * counters that somebody keeps; some are read by a few cheap statements; what
 * only a walk over all devices can tell is of the last one (survey.h).
 */
#ifndef SUITD_DAEMON_METRICS_H
#define SUITD_DAEMON_METRICS_H

#include "daemon/suitd.h"
#include "lib/metric.h"

/* The whole text; ERR_SPACE. What cannot be read has no samples. */
int metrics_write(struct app *app, enum metric_format f, struct buf *out)
    MUST_USE;

#endif
