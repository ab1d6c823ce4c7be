/*
 * Requests whose answer waits for something that is not a commit: an upload
 * on its way to the disk, an image that is being hashed. The exchange is
 * copied, with what it borrows from the PDU, and its handler is called anew
 * when that is over. The answer is a piggy-backed one all the same, by the
 * means of front_held.c. Rights may have gone meanwhile, so they are asked
 * for anew.
 */
#include "daemon/front_int.h"

#include <stdlib.h>

struct later {
	TAILQ_ENTRY(later) next;
	uint64_t ticket;
	struct exchange x;
	uint8_t bytes[]; /* what it borrows */
};

struct borrowed {
	struct slice *at[1 + LIMIT_QUERY + CONTENT_ETAGS];
	size_t n, bytes;
};

static void
borrow(struct borrowed *b, struct slice *s)
{
	b->at[b->n++] = s;
	b->bytes += s->n;
}

/* What a handler, or the answer, still wants of the PDU. */
static void
find_borrowed(struct exchange *x, struct borrowed *b)
{
	borrow(b, &x->token);
	for (size_t i = 0; i < x->req.query_n; i++)
		borrow(b, &x->req.query[i]);
	for (size_t i = 0; i < x->req.etag_n; i++)
		borrow(b, &x->req.etag[i]);
}

/* From now on from here. */
static void
borrow_from(struct later *l, const struct borrowed *b)
{
	uint8_t *at = l->bytes;

	for (size_t i = 0; i < b->n; i++) {
		struct slice *s = b->at[i];

		if (s->n > 0)
			memcpy(at, s->p, s->n);
		*s = slice_of(at, s->n);
		at += s->n;
	}
}

/* A request that was sent again while it waits. */
static bool
waits(const struct exchange *x)
{
	const struct later *l;

	TAILQ_FOREACH(l, &x->f->later, next)
		if (!x->reliable && l->x.mid == x->mid &&
		    memcmp(&l->x.peer, &x->peer, sizeof(x->peer)) == 0)
			return true;
	return false;
}

static int
no_room(struct exchange *x)
{
	front_limit(x->f, FRONT_LIMIT_WAITING);
	x->silent = x->req.method == M_GET;
	x->f->stats.dropped += x->silent;
	return ERR_BUSY;
}

/* There is one exchange at a time: its parts will be where they are now. */
int
later_add(struct exchange *x)
{
	struct borrowed b = {.n = 0};
	struct front *f = x->f;
	struct later *l;

	if (f->later_n == LIMIT_WAITING)
		return no_room(x);
	if (waits(x)) {
		x->silent = true;
		return 0;
	}
	find_borrowed(x, &b);
	l = malloc(sizeof(*l) + b.bytes);
	if (l == NULL)
		return no_room(x);
	borrow_from(l, &b);
	l->ticket = x->resp.wait;
	l->x = *x;
	l->x.pdu = NULL;
	l->x.req.body = l->x.rtag = l->x.echo = SLICE_NONE;
	l->x.assembly = NULL;
	coap_session_reference(x->session);
	TAILQ_INSERT_TAIL(&f->later, l, next);
	f->later_n++;
	x->silent = true;
	return 0;
}

static void
drop(struct front *f, struct later *l)
{
	TAILQ_REMOVE(&f->later, l, next);
	f->later_n--;
}

static void
run_again(struct front *f, struct later *l, int err, struct blob_put *upload)
{
	struct exchange *x = &f->x;
	int rc = 0;

	*x = l->x;
	resp_begin(x);
	x->resp.upload = upload;
	x->resp.waited = true;
	x->resp.waited_err = err;
	/* its answer may have to be held */
	if (f->held_n == HELD_MAX && x->req.method != M_GET)
		rc = ERR_BUSY;
	if (rc == 0)
		rc = front_still_may(x);
	if (rc == 0)
		rc = x->match.route->fn(f->app, &x->req, &x->resp);
	front_conclude(x, rc);
	if (!x->silent)
		x->silent = x->resp.after_commit && held_add(x);
	if (!x->silent)
		held_send(x);
	blob_unref(x->resp.image);
	blob_put_abort(x->resp.upload);
	coap_session_release(x->session);
	free(l);
}

size_t
front_resume(struct front *f, uint64_t ticket, int err,
    struct blob_put *upload)
{
	struct later *l, *next;
	size_t n = 0;

	for (l = TAILQ_FIRST(&f->later); l != NULL; l = next) {
		next = TAILQ_NEXT(l, next);
		if (l->ticket != ticket)
			continue;
		drop(f, l);
		run_again(f, l, err, n++ == 0 ? upload : NULL);
	}
	return n;
}

void
later_free(struct front *f)
{
	struct later *l;

	while ((l = TAILQ_FIRST(&f->later)) != NULL) {
		drop(f, l);
		coap_session_release(l->x.session);
		free(l);
	}
}
