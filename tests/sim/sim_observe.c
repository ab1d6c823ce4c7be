/*
 * Observers, one per device: suitdev observes its own manifest. A
 * notification is the handler run again for the observer's own request,
 * sent confirmable, repeated until it is acknowledged or given up; then the
 * observer is forgotten (RFC 7641 4.5). See daemon/observe.c.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

#include "lib/uri.h"

#define BATCH 64 /* notifications in one turn */

/* --- who asked whether a device was told --- */

struct result {
	void (*done)(void *arg, int err);
	void *arg;
	int err;
};

/* The daemon that asked may be dead: then it only gives back its memory,
 * as when it stops (front NULL, see app_close). */
static void
tell_result(struct sim *s, void *arg, int64_t life)
{
	struct result *r = arg;
	struct front *f = s->app.front;

	if (s->over || !s->up || (unsigned)life != s->life) {
		s->app.front = NULL;
		r->done(r->arg, ERR_CANCELLED);
		s->app.front = f;
	} else {
		s->touched = true;
		r->done(r->arg, r->err);
	}
	free(r);
}

/* Never from within the call: by an event. When the daemon stops, now. */
static void
result(struct sim_dev *d, int err)
{
	struct sim_obs *o = &d->obs;
	struct result *r;

	if (o->done == NULL)
		return;
	if (err == ERR_CANCELLED) {
		o->done(o->done_arg, err);
		o->done = NULL;
		return;
	}
	r = sim_alloc(NULL, 1, sizeof(*r));
	*r = (struct result){o->done, o->done_arg, err};
	o->done = NULL;
	sim_at(d->s, d->s->now, tell_result, r, d->s->life);
}

static void
landed(struct sim_dev *d)
{
	sim_ans_unref(d->obs.note);
	d->obs.note = NULL;
}

void
sim_obs_drop(struct sim_dev *d, int err)
{
	struct sim_obs *o = &d->obs;

	result(d, err);
	landed(d);
	sim_req_unref(o->rq);
	o->rq = NULL;
	o->on = o->force = false; /* a place in a queue stays taken */
}

void
sim_obs_register(struct sim *s, struct sim_req *rq, const struct sim_ans *a)
{
	struct sim_obs *o = &rq->d->obs;

	(void)s;
	sim_obs_drop(rq->d, ERR_UNREACHABLE);
	o->on = true;
	o->rq = sim_req_ref(rq);
	o->etag_n = (uint8_t)a->r.etag_len;
	memcpy(o->etag, a->r.etag, sizeof(o->etag));
}

void
sim_obs_heard(struct sim_dev *d)
{
	if (d->obs.note == NULL)
		return;
	landed(d);
	result(d, 0);
}

/* --- a notification on its way --- */

static void
acknowledged(struct sim *s, void *arg, int64_t id)
{
	struct sim_dev *d = arg;
	struct sim_obs *o = &d->obs;

	if (s->over || sim_dark(s) || !s->up || o->note == NULL ||
	    o->note_id != (uint32_t)(id >> 1))
		return;
	s->touched = true;
	if (id & 1) {
		sim_obs_drop(d, ERR_REJECTED);
		return;
	}
	landed(d);
	result(d, 0);
}

static void
reply(struct sim_dev *d, uint32_t id, bool reset)
{
	struct sim *s = d->s;

	for (unsigned i = sim_copies(s); i > 0; i--)
		sim_at(s, s->now + sim_latency(s), acknowledged, d,
		    (int64_t)id << 1 | reset);
}

static void
notified(struct sim *s, void *arg, int64_t id)
{
	struct sim_ans *a = arg;
	struct sim_dev *d = a->d;
	const uint32_t token = a->id;

	if (!s->over && !sim_dark(s) && sim_dev_hears(d)) {
		reply(d, (uint32_t)id, token != d->note_token);
		if (token == d->note_token && d->note_seen != (uint32_t)id) {
			d->note_seen = (uint32_t)id;
			suitdev_notified(&d->core, s->now, &a->r);
			sim_dev_run(d);
		}
	}
	sim_ans_unref(a);
}

static void
fly(struct sim *s, void *arg, int64_t id)
{
	struct sim_dev *d = arg;
	struct sim_obs *o = &d->obs;
	int64_t wait;

	if (s->over || !s->up || o->note == NULL ||
	    o->note_id != (uint32_t)id)
		return;
	if (o->tries == SIM_TRIES) {
		s->touched = true;
		sim_obs_drop(d, ERR_TIMEOUT);
		return;
	}
	for (unsigned i = sim_copies(s); i > 0; i--)
		sim_at(s, s->now + sim_latency(s), notified,
		    sim_ans_ref(o->note), id);
	wait = sim_ack_timeout(s) << o->tries++;
	sim_at(s, s->now + wait, fly, d, id);
}

static void
notify(struct sim *s, struct sim_dev *d)
{
	struct sim_obs *o = &d->obs;
	bool hold, force = o->force;
	struct sim_ans *a = sim_front_run(s, o->rq, true, &hold);

	o->force = false;
	a->id = o->rq->id;
	if (a->r.code / 100 == 2 && !force && slice_eq(slice_of(a->r.etag,
	    a->r.etag_len), slice_of(o->etag, o->etag_n))) {
		sim_ans_unref(a);
		return;
	}
	a->r.observe = a->r.code / 100 == 2;
	sim_trace(s, d, "notified, %u", a->r.code);
	o->etag_n = (uint8_t)a->r.etag_len;
	memcpy(o->etag, a->r.etag, sizeof(o->etag));
	landed(d);
	o->note = a;
	o->note_id = (uint32_t)++s->front.notes;
	o->tries = 0;
	fly(s, d, o->note_id);
}

/* --- queues --- */

static void
mark(struct sim *s, struct sim_dev *d)
{
	if (d->obs.queued)
		return;
	d->obs.queued = true;
	s->front.marked[s->front.marked_n++] = d->index;
	s->touched = true;
}

void
sim_obs_flush(struct sim *s, int commit_err)
{
	struct front *f = &s->front;
	unsigned left = BATCH;

	for (size_t i = 0; i < f->marked_n; i++) {
		struct sim_dev *d = &s->dev[f->marked[i]];

		if (commit_err != 0) {
			d->obs.force = d->obs.queued = false;
			result(d, ERR_BUSY);
			continue;
		}
		f->dirty[(f->dirty_at + f->dirty_n++) % s->dev_n] = d->index;
	}
	f->marked_n = 0;
	for (; f->dirty_n > 0 && left > 0; left--, f->dirty_n--) {
		struct sim_dev *d = &s->dev[f->dirty[f->dirty_at]];

		f->dirty_at = (f->dirty_at + 1) % s->dev_n;
		d->obs.queued = false;
		if (d->obs.on)
			notify(s, d);
	}
}

void
front_notify(struct front *f, enum transport plane, const char *path)
{
	struct sim *s = f->s;
	size_t n = strlen(path);

	if (plane == T_ADMIN)
		return;
	for (unsigned i = 0; i < s->dev_n; i++) {
		struct sim_obs *o = &s->dev[i].obs;

		/* suitdev observes "/m", "/m?..." or "/m/CLASS" */
		if (o->on && strncmp(o->rq->uri + 1, path, n) == 0 &&
		    (o->rq->uri[n + 1] == '\0' || o->rq->uri[n + 1] == '?'))
			mark(s, &s->dev[i]);
	}
}

/* Known by its credential or by its ?ep=; an address names nobody. */
static struct sim_dev *
observer(const struct front *f, const char *ep)
{
	struct sim_dev *d = sim_dev_by_ep(f->s, ep);

	if (d == NULL || !d->obs.on ||
	    (!d->g->auth && strstr(d->obs.rq->uri, "ep=") == NULL))
		return NULL;
	return d;
}

bool
front_device_observes(const struct front *f, uint64_t device, const char *ep)
{
	(void)device;
	return observer(f, ep) != NULL;
}

size_t
front_notify_device(struct front *f, uint64_t device, const char *ep,
    void (*done)(void *arg, int err), void *arg)
{
	struct sim_dev *d = observer(f, ep);

	(void)device;
	if (d == NULL)
		return 0;
	result(d, ERR_CONFLICT);
	d->obs.done = done;
	d->obs.done_arg = arg;
	d->obs.force = true;
	mark(f->s, d);
	return 1;
}
