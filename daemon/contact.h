/*
 * contact: what a known device's request means for its record and its job.
 * Each call is inside of an engine pair.
 */
#ifndef SUITD_DAEMON_CONTACT_H
#define SUITD_DAEMON_CONTACT_H

#include "daemon/access.h"
#include "daemon/catalog.h"
#include "daemon/engine.h"

/* It was here: last seen (kept to ten minutes), address. */
int contact_seen(struct engine *e, struct store_device *d, const char *addr)
    MUST_USE;
/* Does a sign of life at `seen` still stand for one of now? */
bool contact_fresh(int64_t seen, int64_t now);
/* Would contact_seen, or TRACK_ALIVE for its live job, write anything? No
 * pair is needed to ask; when in doubt the answer is yes. */
bool contact_is_news(struct engine *e, const struct store_device *d,
    const char *addr);
/* What contact_seen does, in the record alone, for who saves it anyway: `seen` and the
 * typical silence between two signs of life. */
void contact_note(struct store_device *d, int64_t now);
/*
 * It asks for this release, and `ev` says how far it is (manifest GET,
 * blocks, image end). A live job for an older release is superseded. A
 * device that has no job gets one without a campaign when it is known to run
 * something older, or when it fetches an image and what it runs is unknown.
 * A release for other classes than the device's moves nothing but a job for
 * that very release: anybody may fetch it in the name of one without a key.
 */
int contact_fetch(struct engine *e, const struct store_device *d,
    const struct catalog_release *r, const struct track_event *ev) MUST_USE;
/* It has all that this release downloads: no news for a job for another. */
int contact_whole(struct engine *e, const struct store_device *d,
    const struct catalog_release *r, enum grade grade) MUST_USE;

#endif
