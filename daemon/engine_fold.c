/*
 * From what was seen going out to the tracker. The block path has left only
 * marks in a table in memory (progress.h); a tick looks up whose they are
 * and makes events of them, all in one turn's transaction, at most
 * ENGINE_FOLD_MAX a turn.
 *
 * The image is complete when every component of the release that downloads
 * something has had one of its payloads whole: of two slots' images a device
 * takes one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/catalog.h"
#include "daemon/contact.h"
#include "daemon/engine_impl.h"
#include "daemon/log.h"

void
engine_blocks(struct app *app, const struct req *req,
    const struct blob *image, uint64_t end, uint64_t total)
{
	struct engine *e = app->engine;
	char peer[LIMIT_ADDRESS + 2];
	struct progress_mark m = {peer, blob_digest(image), end, total};

	if (progress_peer(req, peer, sizeof(peer)))
		progress_block(&e->progress, &m, loop_now(app->loop));
}

void
engine_manifest_sent(struct engine *e, const struct req *req,
    const uint8_t digest[32])
{
	char peer[LIMIT_ADDRESS + 2];

	if (progress_peer(req, peer, sizeof(peer)))
		progress_manifest(&e->progress, peer, digest,
		    loop_now(e->app->loop));
}

/* ERR_NOT_FOUND when it is nobody's, or a claim that proves nothing. */
static int
resolve(struct engine *e, const char *peer, struct store_device *d)
{
	struct store *s = e->app->store;
	int rc;

	if (peer[0] == 'd')
		rc = s->ops->device_get(s, strtoull(peer + 2, NULL, 10), d);
	else if (peer[0] == 'e')
		rc = s->ops->device_by_ep(s, peer + 2, d);
	else
		rc = s->ops->device_by_addr(s, peer + 2, d);
	if (rc == ERR_CONFLICT || (rc == 0 && (d->revoked ||
	    (peer[0] != 'd' && d->have_psk))))
		return ERR_NOT_FOUND;
	return rc;
}

/* The release that these bytes are fetched for: the live job's, whose
 * campaign it is then, else the device's class's current one. */
static const struct catalog_release *
release_of(struct engine *e, const struct store_device *d,
    struct engine_mark *m)
{
	const uint8_t *digest = m->digest;
	const struct catalog *c = e->app->catalog;
	const struct catalog_release *r = NULL;
	struct job job;

	if (engine_live(e, d->id, &job) == 0)
		r = catalog_by_id(c, job.release);
	if (r != NULL && catalog_payload(r, digest) != NULL)
		m->campaign = job.campaign;
	else if (d->have_class)
		r = catalog_current(c, d->class_id);
	return r != NULL && catalog_payload(r, digest) != NULL ? r : NULL;
}

void
engine_fold_drop(struct engine *e, const struct job *j)
{
	const struct catalog_release *r = catalog_by_id(e->app->catalog,
	    j->release);
	struct store *s = e->app->store;
	char peer[3][LIMIT_ADDRESS + 2];
	struct store_device d;

	if (r == NULL || s->ops->device_get(s, j->device, &d) != 0)
		return;
	progress_names(&d, peer);
	for (size_t k = 0; k < 3; k++) {
		progress_drop(&e->progress, peer[k], r->digest);
		for (size_t i = 0; i < r->payload_count; i++) {
			const uint8_t *digest = r->payload[i].digest;

			progress_drop(&e->progress, peer[k], digest);
			engine_seen_drop(e, peer[k], digest);
		}
	}
}

bool
engine_span(const struct engine *e, const char *peer,
    const uint8_t digest[32], struct span *ret, int64_t *ret_age)
{
	const struct progress_slot *s = progress_find(&e->progress, peer,
	    digest);
	bool found = engine_seen_span(e, peer, digest, ret, ret_age);

	if (s == NULL || s->manifest || (found && s->span.hi <= ret->hi))
		return found;
	*ret = s->span;
	*ret_age = loop_now(e->app->loop) - s->at;
	return true;
}

/* Sums the marks of one peer over a release. */
static void
sum(const struct engine *e, const struct catalog_release *r, const char *peer,
    struct track_event *ev)
{
	uint32_t whole = 0;

	ev->type = TRACK_BLOCKS;
	ev->total = r->image_bytes;
	for (size_t i = 0; i < r->payload_count; i++) {
		struct span p;
		int64_t age;

		if (!engine_span(e, peer, r->payload[i].digest, &p, &age))
			continue;
		ev->done += p.hi;
		if (span_whole(&p))
			whole |= r->payload[i].components;
	}
	if ((whole & r->components) == r->components) {
		ev->type = TRACK_IMAGE_END;
		ev->total = ev->done;
	}
}

static int
fold_blocks(struct engine *e, struct engine_mark *m,
    const struct store_device *d, enum grade grade)
{
	const struct catalog_release *r = release_of(e, d, m);
	struct track_event ev = {.grade = grade}, first;
	int rc;

	if (r == NULL)
		return 0;
	sum(e, r, m->peer, &ev);
	first = ev;
	first.type = TRACK_BLOCKS;
	rc = contact_fetch(e, d, r, &first);
	if (rc == 0 && ev.type == TRACK_IMAGE_END)
		rc = contact_whole(e, d, r, grade);
	return rc;
}

static int
fold_manifest(struct engine *e, const struct engine_mark *m,
    const struct store_device *d, enum grade grade)
{
	const struct catalog_release *r = catalog_by_digest(e->app->catalog,
	    m->digest);
	struct track_event ev = {.type = TRACK_MANIFEST_GET, .grade = grade};

	return r == NULL ? 0 : contact_fetch(e, d, r, &ev);
}

int
engine_fold_mark(struct engine *e, struct engine_mark *m)
{
	enum grade grade = m->peer[0] == 'd' ? GRADE_L1 : GRADE_L0;
	struct store_device d;
	int rc = resolve(e, m->peer, &d);

	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc != 0)
		return rc;
	rc = engine_begin(e);
	if (rc != 0)
		return rc;
	return engine_end(e, m->manifest ? fold_manifest(e, m, &d, grade) :
	    fold_blocks(e, m, &d, grade));
}

bool
engine_in_sight(const struct progress_slot *s, int64_t now)
{
	return s->peer[0] != '\0' && !s->manifest && !s->span.ended &&
	    now - s->at < FETCHING_MS;
}

/* Its copy: a fold may end the attempt, and with it the slot. */
static int
fold_slot(struct engine *e, struct progress_slot *s, int64_t now)
{
	struct progress_slot was = *s;
	struct engine_mark m = {was.peer, was.digest, was.manifest, 0};
	int rc = engine_fold_mark(e, &m);

	if (rc != 0)
		return rc;
	progress_folded(&e->progress, s, now);
	if (engine_in_sight(s, now))
		flow_put(&e->flow, &s->share, m.campaign, (struct flow_share){
		    .done = s->span.hi, .total = s->span.total});
	return 0;
}

/* Manifests first: a device asks for its manifest before its image. */
static size_t
fold_pass(struct engine *e, bool manifests, bool all, size_t left)
{
	int64_t now = loop_now(e->app->loop);
	size_t n = 0;

	for (size_t i = 0; i < PROGRESS_SLOTS && n < left; i++) {
		size_t at = (e->fold_at + i) % PROGRESS_SLOTS;
		struct progress_slot *s = &e->progress.slot[at];
		int rc;

		if (!s->dirty || s->manifest != manifests ||
		    !(all || progress_due(s, now)))
			continue;
		rc = fold_slot(e, s, now);
		if (rc != 0) {
			log_warn("progress: peer=%s not folded: %s", s->peer,
			    err_text(rc));
			return left; /* the store is in trouble: later */
		}
		n++;
		if (n == left)
			e->fold_at = at + 1;
	}
	return n;
}

void
engine_fold(struct engine *e, bool all)
{
	size_t n;

	if (e->progress.dirty == 0)
		return;
	n = fold_pass(e, true, all, ENGINE_FOLD_MAX);
	if (n < ENGINE_FOLD_MAX)
		n += fold_pass(e, false, all, ENGINE_FOLD_MAX - n);
	e->stats.folds += n;
}

static void
on_flow(void *arg, uint64_t campaign)
{
	const struct engine *e = arg;
	char topic[48];

	snprintf(topic, sizeof(topic), "a/campaigns/%llu",
	    (unsigned long long)campaign);
	front_notify(e->app->front, T_ADMIN, topic);
}

/* Bytes that moved are no change of the store: observers hear of them
 * without a commit, once a second at most. */
void
engine_show(struct engine *e)
{
	int64_t now = loop_now(e->app->loop);

	for (size_t i = 0; i < PROGRESS_SLOTS; i++) {
		struct progress_slot *s = &e->progress.slot[i];

		if (s->share.place == 0)
			continue;
		if (engine_in_sight(s, now))
			flow_move(&e->flow, &s->share, s->span.hi);
		else
			flow_drop(&e->flow, &s->share);
	}
	flow_tick(&e->flow, now, on_flow, e);
}

void
engine_flow(const struct engine *e, uint64_t campaign, struct flow_sum *ret)
{
	flow_get(&e->flow, campaign, loop_now(e->app->loop), ret);
}
