/*
 * survey: a walk over all devices in slices, for what no count is kept of:
 * jobs by class, network groups that are silent (lib/census.h). It walks
 * only while somebody asks, and never takes more than a hundredth of the
 * loop's time: 200 devices are known every few seconds, 100 000 every few
 * minutes.
 */
#ifndef SUITD_DAEMON_SURVEY_H
#define SUITD_DAEMON_SURVEY_H

#include "daemon/suitd.h"
#include "lib/census.h"

#define SURVEY_TICK_MS 200
#define SURVEY_SLICE_US 2000 /* of a tick */
#define SURVEY_REST_MS 2000 /* from one walk to the next */
#define SURVEY_IDLE_MS 900000 /* nobody has asked for so long: no walks */

struct survey;

int survey_new(struct app *app, struct survey **ret) MUST_USE;
void survey_free(struct survey *s); /* NULL is fine */
/*
 * What the last whole walk found, borrowed until the loop goes on; NULL: none
 * has ended yet. Asking is what makes it walk.
 */
const struct census *survey_ask(struct survey *s);
/* The tick; also for tests. */
void survey_step(struct survey *s);

#endif
