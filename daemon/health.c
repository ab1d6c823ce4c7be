/*
 * Rejected: to ask the file system how much is free before each write. The
 * answer is old when the write comes, and says nothing of quotas and of disks
 * that fail.
 */
#include "daemon/health.h"

#include <stdio.h>
#include <string.h>

#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/suitd.h"
#include "db/store_sync.h"

static const struct {
	const char *begins, *ends;
	bool refuses; /* while it fails somebody is refused */
} places[HEALTH_PLACES] = {
	[HEALTH_COMMIT] = {
		"store: cannot be written; what would write is undone and "
		    "refused, serving goes on",
		"store: can be written again", true},
	[HEALTH_SYNC] = {
		"store: what was written is not durable, its requests are "
		    "refused, serving goes on",
		"store: what is written is durable again", true},
	[HEALTH_LOG] = {
		"store: the database's log grows, it cannot be checkpointed",
		"store: the database's log is checkpointed again", false},
	[HEALTH_IMAGES] = {
		"images: uploads are refused, serving goes on",
		"images: uploads can be written again", true},
	[HEALTH_DATA] = {
		"store: the database is damaged; the rest is served, suitd "
		    "--fsck tells more, a backup heals it", "", false},
};

static const struct {
	int err;
	const char *name;
} reasons[HEALTH_REASONS] = {
	[HEALTH_NOSPACE] = {ERR_NOSPACE, "nospace"},
	[HEALTH_READONLY] = {ERR_READONLY, "readonly"},
	[HEALTH_IO] = {ERR_IO, "io"},
	[HEALTH_CORRUPT] = {ERR_CORRUPT, "corrupt"},
};

void
health_failed(struct health *h, enum health_place at, const struct why *why,
    int64_t now)
{
	if (at == HEALTH_COMMIT)
		h->trial = false;
	if (!health_fails(h, at)) {
		h->place[at].since = now;
		h->place[at].told = false;
	}
	h->place[at].why = *why;
	if (h->place[at].told || (h->place[at].said != 0 &&
	    now - h->place[at].said < HEALTH_SAY_MS))
		return;
	h->place[at].told = true;
	h->place[at].said = now;
	log_error("%s: %s", places[at].begins, why->text);
}

void
health_well(struct health *h, enum health_place at, int64_t now)
{
	int err = h->place[at].why.err;
	bool trial = h->trial;

	if (at == HEALTH_COMMIT)
		h->trial = false;
	if (!health_fails(h, at) ||
	    (at == HEALTH_COMMIT && err == ERR_NOSPACE && !trial))
		return;
	h->place[at].why.err = 0;
	if (h->place[at].told)
		log_warn("%s, after %lld s", places[at].ends,
		    (long long)(now - h->place[at].since) / 1000);
}

bool
health_fails(const struct health *h, enum health_place at)
{
	return h->place[at].why.err != 0;
}

void
health_refused(struct health *h, int err)
{
	for (int r = 0; r < HEALTH_REASONS; r++)
		h->refused[r] += reasons[r].err == err;
}

void
health_read(const struct health *h, struct health_report *ret)
{
	*ret = (struct health_report){.writable = true};
	for (int at = 0; at < HEALTH_PLACES; at++) {
		if (!health_fails(h, (enum health_place)at))
			continue;
		if (places[at].refuses)
			ret->writable = false;
		if (!ret->degraded) {
			ret->err = h->place[at].why.err;
			ret->since = h->place[at].since;
			snprintf(ret->text, sizeof(ret->text), "%.199s",
			    h->place[at].why.text);
		}
		ret->degraded = true;
	}
	memcpy(ret->refused, h->refused, sizeof(ret->refused));
}

const char *
health_reason_name(enum health_reason r)
{
	return reasons[r].name;
}

/* --- once a second --- */

static void
ask_images(struct app *app, int64_t now)
{
	struct health *h = &app->health;
	struct why why;
	int err = blob_trouble(app->blobs, HEALTH_ROOM);

	if (err == 0) {
		health_well(h, HEALTH_IMAGES, now);
		return;
	}
	why_set(&why, err, "images: %s", err_text(err));
	health_failed(h, HEALTH_IMAGES, &why, now);
}

static void
ask_log(struct app *app, int64_t now)
{
	struct syncer_stats st;

	if (app->health.place[HEALTH_COMMIT].why.err == ERR_NOSPACE)
		syncer_shrink(app->store->syncer);
	syncer_stats(app->store->syncer, &st);
	if (st.stuck)
		health_failed(&app->health, HEALTH_LOG, &st.why, now);
	else
		health_well(&app->health, HEALTH_LOG, now);
}

/* Its commit, at the end of this turn, tells. */
static void
try_to_write(struct app *app, int64_t now)
{
	struct store *s = app->store;
	uint8_t page[STORE_META_MAX];
	int rc;

	if (engine_begin(app->engine) != 0)
		return;
	memset(page, (int)(now / 1000), sizeof(page));
	rc = s->ops->meta_put(s, "probe", slice_of(page, sizeof(page)));
	rc = engine_end(app->engine, rc);
	app->health.trial = rc == 0;
}

void
health_tick(struct app *app)
{
	int64_t now = loop_now(app->loop);

	if (app->blobs != NULL)
		ask_images(app, now);
	if (app->store->syncer != NULL)
		ask_log(app, now);
	if (health_fails(&app->health, HEALTH_COMMIT))
		try_to_write(app, now);
}
