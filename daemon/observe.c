/*
 * A notification is the route's handler run again for the observer's own
 * path, query and credential, so it can say nothing that a GET would not.
 *
 * libcoap sends it as CON and repeats it, but does not say when it was
 * acknowledged, only when it was not (RST, time-out). So an acknowledgement
 * is known in one of three ways: the context has nothing outstanding any
 * more; the same peer was heard since; or no complaint came for longer
 * than CoAP tries. Until then an observer counts as in flight and gets the
 * next state at the earliest after OBSERVE_GAP_MS.
 *
 * All devices may observe one topic, and would come for a new image at once.
 * So they wait in a queue of their own, and leave it at notify_rate: with any
 * flush while there is credit, the front's tick at the latest. What is said
 * to them is made then, so a change while they wait costs nothing.
 */
#include "daemon/observe.h"

#include <stdlib.h>
#include <sys/random.h>

#include "daemon/loop.h"
#include "daemon/observe_int.h"
#include "lib/uri.h"

#define OBSERVE_GAP_MS 4000
#define OBSERVE_SILENCE_MS 100000 /* over MAX_TRANSMIT_WAIT */
#define OBSERVE_FLYING 1024 /* libcoap's queue is a sorted list */
#define OBSERVE_BATCH 64 /* in one turn */
#define OBSERVE_UNACKED 4 /* per observer */

static size_t
hash(struct slice s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ s.p[i]) * 16777619u;
	return (h ^ h >> 15) % OBSERVE_CHAINS;
}

/* Addresses are the peers' choice, so they do not know the seed. */
static struct chain *
peer_chain(struct observers *o, const struct peer_key *peer)
{
	uint64_t h = o->seed, w;

	for (size_t i = 0; i < sizeof(peer->b); i += sizeof(w)) {
		memcpy(&w, peer->b + i, sizeof(w));
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return &o->peer[h % OBSERVE_CHAINS];
}

static struct chain *
session_chain(struct observers *o, const coap_session_t *s)
{
	struct peer_key key;

	req_peer_key(coap_get_app_data(coap_session_get_context(s)), s, &key);
	return peer_chain(o, &key);
}

struct observers *
observe_new(struct front *f)
{
	struct observers *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->f = f;
	if (getrandom(&o->seed, sizeof(o->seed), GRND_NONBLOCK) < 0)
		o->seed = loop_rand(f->loop);
	for (size_t i = 0; i < OBSERVE_CHAINS; i++)
		TAILQ_INIT(&o->path[i]);
	for (size_t i = 0; i < QUEUES; i++)
		TAILQ_INIT(&o->queue[i]);
	TAILQ_INIT(&o->flying);
	TAILQ_INIT(&o->gone);
	STAILQ_INIT(&o->ready);
	return o;
}

/* --- queues --- */

static void
dequeue(struct observers *o, struct observer *ob)
{
	if (ob->queue != Q_NONE)
		TAILQ_REMOVE(&o->queue[ob->queue], ob, queued);
	ob->queue = Q_NONE;
}

static void
enqueue(struct observers *o, struct observer *ob, int queue)
{
	ob->queue = queue;
	TAILQ_INSERT_TAIL(&o->queue[queue], ob, queued);
}

static void
mark(struct observers *o, struct observer *ob, bool paced)
{
	if (ob->queue == Q_PACED && !paced) {
		dequeue(o, ob);
		ob->owed = true;
	}
	if (ob->queue == Q_NONE) {
		ob->paced = paced;
		enqueue(o, ob, Q_MARKED);
	} else if (!paced) {
		ob->paced = false;
	}
}

static void
land(struct observers *o, struct observer *ob)
{
	if (ob->unacked == 0)
		return;
	ob->unacked = 0;
	TAILQ_REMOVE(&o->flying, ob, flying);
	o->flying_n--;
	ob->t.plane->flying--;
}

static void
acked(struct observers *o, struct observer *ob)
{
	land(o, ob);
	observe_wait_result(o, ob, 0);
}

static size_t
count_session(struct observers *o, const coap_session_t *s)
{
	struct observer *ob;
	size_t n = 0;

	LIST_FOREACH(ob, session_chain(o, s), by_session)
		n += ob->t.session == s;
	return n;
}

/* Its last observer went, or its first one is to come. */
static bool
is_plain_free(struct observers *o, const struct observe_target *t)
{
	return t->plane->t == T_UDP && count_session(o, t->session) == 0;
}

static void
drop(struct observers *o, struct observer *ob, int err)
{
	if (o->busy) {
		if (!ob->is_gone)
			TAILQ_INSERT_TAIL(&o->gone, ob, gone);
		ob->is_gone = true;
		ob->gone_err = err;
		return;
	}
	land(o, ob);
	dequeue(o, ob);
	observe_wait_result(o, ob, err);
	TAILQ_REMOVE(&o->path[hash(slice_str(ob->t.path))], ob, by_path);
	LIST_REMOVE(ob, by_session);
	ob->t.plane->observing -= is_plain_free(o, &ob->t);
	if (ob->t.device != 0)
		LIST_REMOVE(ob, by_device);
	if (ob->t.ep.n > 0)
		LIST_REMOVE(ob, by_ep);
	coap_session_release(ob->t.session);
	observe_target_fini(&ob->t);
	free(ob);
	o->n--;
}

void
observe_free(struct observers *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < OBSERVE_CHAINS; i++)
		while (!TAILQ_EMPTY(&o->path[i]))
			drop(o, TAILQ_FIRST(&o->path[i]), ERR_CANCELLED);
	observe_wait_fire(o);
	free(o);
}

/* --- registration --- */

static struct observer *
find(struct observers *o, const coap_session_t *s, struct slice token)
{
	struct observer *ob;

	LIST_FOREACH(ob, session_chain(o, s), by_session)
		if (ob->t.session == s &&
		    slice_eq(slice_of(ob->t.token, ob->t.token_n), token))
			return ob;
	return NULL;
}

static void
remember_etag(struct observer *ob, const struct exchange *x)
{
	ob->etag_n = x->resp.etag_len;
	memcpy(ob->etag, x->resp.etag, sizeof(ob->etag));
}

static void
enter(struct observers *o, struct observer *ob)
{
	struct observe_target *t = &ob->t;

	t->plane->observing += is_plain_free(o, t);
	TAILQ_INSERT_TAIL(&o->path[hash(slice_str(t->path))], ob, by_path);
	LIST_INSERT_HEAD(session_chain(o, t->session), ob, by_session);
	if (t->device != 0)
		LIST_INSERT_HEAD(&o->device[t->device % OBSERVE_CHAINS], ob,
		    by_device);
	if (t->ep.n > 0)
		LIST_INSERT_HEAD(&o->ep[hash(t->ep)], ob, by_ep);
	coap_session_reference(t->session);
	o->n++;
}

void
observe_cancel(struct observers *o, struct exchange *x)
{
	struct observer *ob = find(o, x->session, x->token);

	if (ob != NULL)
		drop(o, ob, ERR_UNREACHABLE);
}

/* What it acknowledges would go to another context (front_follow.c). */
static bool
is_out_of_place(const struct exchange *x)
{
	return x->f->follow_n > 0 && x->plane == &x->f->plane[T_UDP];
}

/*
 * An observer keeps its session alive. Over plain UDP any other new peer of
 * its context costs a walk over all of them: a thousand cost 3 us, 5 000
 * some 40. Who finds no room has to poll.
 */
static bool
has_room(struct observers *o, const struct exchange *x)
{
	size_t of_peer = count_session(o, x->session);

	if (is_out_of_place(x) || x->stranger)
		return false;
	if (o->n >= LIMIT_OBSERVERS)
		front_limit(x->f, FRONT_LIMIT_OBSERVERS);
	else if (of_peer >= LIMIT_OBSERVERS_PEER)
		front_limit(x->f, FRONT_LIMIT_OBSERVERS_PEER);
	else if (x->plane->t == T_UDP && of_peer == 0 &&
	    x->plane->observing >= LIMIT_OBSERVING_PLAIN)
		front_limit(x->f, FRONT_LIMIT_OBSERVING_PLAIN);
	else
		return true;
	return false;
}

void
observe_register(struct observers *o, struct exchange *x)
{
	struct observer *ob;

	observe_cancel(o, x);
	if (x->answer.code / 100 != 2 || x->match.route == NULL ||
	    !(x->match.route->flags & ROUTE_OBSERVE) || !x->req.first_block ||
	    !has_room(o, x))
		return;
	ob = calloc(1, sizeof(*ob));
	if (ob == NULL || observe_target_init(&ob->t, x) != 0) {
		free(ob);
		return;
	}
	remember_etag(ob, x);
	enter(o, ob);
	observe_number(x, &ob->seq);
}

/* --- what libcoap tells us --- */

void
observe_closed(struct observers *o, coap_session_t *session)
{
	struct chain *c = session_chain(o, session);
	struct observer *ob = LIST_FIRST(c), *next;

	for (; ob != NULL; ob = next) {
		next = LIST_NEXT(ob, by_session);
		if (ob->t.session == session)
			drop(o, ob, ERR_UNREACHABLE);
	}
}

void
observe_nack(struct observers *o, coap_session_t *session,
    const coap_pdu_t *sent, coap_nack_reason_t reason)
{
	coap_bin_const_t token;
	struct observer *ob;

	if (sent == NULL) /* a reset of what was never sent, or long ago */
		return;
	token = coap_pdu_get_token(sent);
	ob = find(o, session, slice_of(token.s, token.length));
	if (ob != NULL && reason == COAP_NACK_RST)
		o->f->stats.notify_reset++;
	else if (ob != NULL)
		o->f->stats.notify_timeout++;
	if (ob != NULL)
		drop(o, ob, reason == COAP_NACK_RST ? ERR_REJECTED :
		    ERR_TIMEOUT);
}

/* A peer of plain UDP is an address, whichever session it meets. */
static bool
is_from(const struct observer *ob, const struct exchange *x)
{
	struct peer_key key;

	if (ob->t.session == x->session || x->plane->t != T_UDP)
		return ob->t.session == x->session;
	req_peer_key(ob->t.plane, ob->t.session, &key);
	return memcmp(&key, &x->peer, sizeof(key)) == 0;
}

void
observe_heard(struct observers *o, const struct exchange *x)
{
	struct observer *ob;

	if (o->flying_n == 0)
		return;
	LIST_FOREACH(ob, peer_chain(o, &x->peer), by_session)
		if (ob->unacked > 0 && is_from(ob, x))
			acked(o, ob);
}

void
observe_settle(struct observers *o, struct plane *pl)
{
	struct observer *ob, *next;

	if (pl->flying > 0 && coap_can_exit(pl->ctx)) {
		for (ob = TAILQ_FIRST(&o->flying); ob != NULL; ob = next) {
			next = TAILQ_NEXT(ob, flying);
			if (ob->t.plane == pl)
				acked(o, ob);
		}
	}
	observe_wait_fire(o);
}

void
observe_tick(struct observers *o)
{
	int64_t now = loop_mono(o->f->loop);
	struct observer *ob;

	while ((ob = TAILQ_FIRST(&o->flying)) != NULL &&
	    now - ob->sent >= OBSERVE_SILENCE_MS)
		acked(o, ob);
	observe_wait_fire(o);
}

/* --- notifications --- */

static bool
must_wait(struct observers *o, const struct observer *ob)
{
	if (ob->unacked == 0)
		return o->flying_n >= OBSERVE_FLYING;
	return ob->unacked >= OBSERVE_UNACKED || (!ob->force &&
	    loop_mono(o->f->loop) - ob->sent < OBSERVE_GAP_MS);
}

static void
took_off(struct observers *o, struct observer *ob)
{
	ob->sent = loop_mono(o->f->loop);
	if (ob->unacked++ > 0) {
		TAILQ_REMOVE(&o->flying, ob, flying);
	} else {
		o->flying_n++;
		ob->t.plane->flying++;
	}
	TAILQ_INSERT_TAIL(&o->flying, ob, flying);
}

/* Whether anything was sent. */
static bool
notify(struct observers *o, struct observer *ob)
{
	struct exchange *x = &o->f->x;
	bool force = ob->force, failed;

	ob->force = false;
	observe_run(o->f, &ob->t, x);
	failed = x->answer.code / 100 != 2;
	if (!failed && !force && x->resp.etag_len > 0 && slice_eq(
	    slice_of(x->resp.etag, x->resp.etag_len),
	    slice_of(ob->etag, ob->etag_n))) {
		blob_unref(x->resp.image);
		return false;
	}
	if (x->answer.code == 429) {
		/* nothing for it yet: an error would end the observation,
		 * and with it our only way to reach some devices */
		blob_unref(x->resp.image);
		observe_wait_result(o, ob, ERR_BUSY);
		return false;
	}
	remember_etag(ob, x);
	if (!failed)
		observe_number(x, &ob->seq);
	o->f->stats.notifications++;
	/* RFC 7641 4.2: an error is the last one */
	if (observe_send(&ob->t, x) != 0 || failed)
		drop(o, ob, ERR_UNREACHABLE);
	else
		took_off(o, ob);
	return true;
}

static void
settle_marked(struct observers *o, int commit_err)
{
	struct observer *ob;

	while ((ob = TAILQ_FIRST(&o->queue[Q_MARKED])) != NULL) {
		dequeue(o, ob);
		if (commit_err != 0) { /* it did not happen */
			ob->force = false;
			observe_wait_result(o, ob, ERR_BUSY);
			ob->paced = ob->owed;
		}
		if (commit_err == 0 || ob->owed)
			enqueue(o, ob, ob->paced ? Q_PACED : Q_DIRTY);
		ob->owed = false;
	}
}

/* How many of `left` may still be told. */
static int
tell_dirty(struct observers *o, int left)
{
	struct observer *ob, *next;

	for (ob = TAILQ_FIRST(&o->queue[Q_DIRTY]); ob != NULL && left > 0;
	    ob = next) {
		next = TAILQ_NEXT(ob, queued);
		if (ob->is_gone || must_wait(o, ob))
			continue;
		dequeue(o, ob);
		notify(o, ob);
		left--;
	}
	return left;
}

/* Who must wait for an acknowledgement lets the others go first. */
static void
tell_paced(struct observers *o, int left)
{
	struct queue *q = &o->queue[Q_PACED];
	struct observer *ob, *last = TAILQ_LAST(q, queue);
	bool more = last != NULL;

	if (!more || o->f->quiet)
		return;
	observe_pace_earn(&o->pace, o->f->conf->notify_rate,
	    loop_mono(o->f->loop));
	for (; more && left > 0 && observe_pace_may(&o->pace); left--) {
		ob = TAILQ_FIRST(q);
		more = ob != last;
		dequeue(o, ob);
		if (ob->is_gone)
			continue;
		if (must_wait(o, ob))
			enqueue(o, ob, Q_PACED);
		else if (notify(o, ob))
			observe_pace_spend(&o->pace);
	}
	o->pace.busy = !TAILQ_EMPTY(q);
}

void
observe_flush(struct observers *o, int commit_err)
{
	struct observer *ob;

	settle_marked(o, commit_err);
	o->busy = true;
	tell_paced(o, tell_dirty(o, OBSERVE_BATCH));
	o->busy = false;
	while ((ob = TAILQ_FIRST(&o->gone)) != NULL) {
		TAILQ_REMOVE(&o->gone, ob, gone);
		drop(o, ob, ob->gone_err);
	}
}

void
front_notify(struct front *f, enum transport plane, const char *path)
{
	bool paced = plane != T_ADMIN && f->conf->notify_rate != 0;
	struct observers *o = f->observers;
	struct observer *ob;

	if (f->quiet && plane != T_ADMIN)
		return;
	TAILQ_FOREACH(ob, &o->path[hash(slice_str(path))], by_path)
		if ((ob->t.plane->t == T_ADMIN) == (plane == T_ADMIN) &&
		    strcmp(ob->t.path, path) == 0)
			mark(o, ob, paced);
}

void
front_quiet(struct front *f)
{
	f->quiet = true;
}

static void
mark_wait(struct observers *o, struct observer *ob, struct wait *w)
{
	if (ob->wait == w)
		return; /* found by device and by ep */
	observe_wait_result(o, ob, ERR_CONFLICT);
	ob->wait = w;
	ob->force = true;
	w->left++;
	mark(o, ob, false);
}

size_t
front_notify_device(struct front *f, uint64_t device, const char *ep,
    void (*done)(void *arg, int err), void *arg)
{
	struct observers *o = f->observers;
	struct wait *w = calloc(1, sizeof(*w));
	struct slice name = slice_str(ep);
	struct observer *ob;
	size_t n;

	if (w == NULL)
		return 0;
	w->done = done;
	w->arg = arg;
	if (device != 0)
		LIST_FOREACH(ob, &o->device[device % OBSERVE_CHAINS], by_device)
			if (ob->t.device == device)
				mark_wait(o, ob, w);
	if (name.n > 0)
		LIST_FOREACH(ob, &o->ep[hash(name)], by_ep)
			if (slice_eq(ob->t.ep, name))
				mark_wait(o, ob, w);
	n = w->left;
	if (n == 0)
		free(w);
	return n;
}

bool
front_device_observes(const struct front *f, uint64_t device, const char *ep)
{
	const struct observers *o = f->observers;
	struct slice name = slice_str(ep);
	const struct observer *ob;

	if (device != 0)
		LIST_FOREACH(ob, &o->device[device % OBSERVE_CHAINS], by_device)
			if (ob->t.device == device)
				return true;
	if (name.n > 0)
		LIST_FOREACH(ob, &o->ep[hash(name)], by_ep)
			if (slice_eq(ob->t.ep, name))
				return true;
	return false;
}

size_t
observe_count(const struct observers *o)
{
	return o->n;
}
