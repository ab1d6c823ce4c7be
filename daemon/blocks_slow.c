/*
 * The slow lane: a bounded queue from each worker to the loop's thread, which
 * may ask the catalog, open files, write to the log. What it learns goes into a
 * new table, so that the next request of the kind is the worker's.
 *
 * Requests for an image that has to be hashed first (checks.h) wait here, as
 * many as there is room for; the others come again, and find the image there.
 */
#include "daemon/blocks_impl.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/addr.h"
#include "daemon/catalog.h"
#include "daemon/engine.h"
#include "daemon/loop.h"

/* One walk through the queues. */
struct lane {
	struct blocks *b;
	struct table *next; /* a changed copy of the table, or NULL */
};

/* One request in it. */
struct slow {
	struct worker *worker; /* that it came to */
	struct slow_item *item;
	struct guest q;
	struct get g;
	struct get_answer a;
	struct blob *blob; /* what is served, or NULL */
	int err; /* what was found out about the image */
	uint64_t ticket; /* the answer waits for this */
	bool drop; /* no answer now */
};

/* --- the queue --- */

bool
slow_push(struct slow_ring *r, const struct msghdr *m, size_t n)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	struct slow_item *it = &r->item[head % SLOW_RING];

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) ==
	    SLOW_RING)
		return false;
	it->from_n = m->msg_namelen;
	memcpy(&it->env.from, m->msg_name, sizeof(it->env.from));
	it->control_n = m->msg_controllen;
	memcpy(&it->env.control, m->msg_control, sizeof(it->env.control));
	it->n = n;
	memcpy(it->b, m->msg_iov[0].iov_base, n);
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

/* --- what there is --- */

static int
find(const struct app *app, const struct get *g, uint8_t ret_digest[32])
{
	const struct image_name *img;
	struct slice id = get_id(g);
	char path[LIMIT_PATH + 1];
	size_t n, at;
	int rc;

	if (id.p == NULL) {
		get_path(g, path);
		return image_by_path(app->catalog, path, ret_digest);
	}
	img = catalog_images(app->catalog, &n);
	rc = image_find_text(img, n, id, &at);
	if (rc == 0)
		memcpy(ret_digest, img[at].digest, 32);
	return rc;
}

/* A copy of the table to be changed; NULL without memory. */
static struct table *
table_to_change(struct lane *l)
{
	const struct table *t = blocks_table(l->b);

	if (l->next == NULL && t != NULL &&
	    table_new(t->names, &l->next) == 0)
		table_inherit(l->next, t);
	return l->next;
}

/* Workers shall have it too; or no longer, when `blob` is NULL. */
static void
learn(struct lane *l, const uint8_t digest[32], struct blob *blob)
{
	struct table *t = l->next != NULL ? l->next : blocks_table(l->b);
	const struct entry *e;
	size_t at;

	if (t == NULL ||
	    image_find(t->names->image, t->names->images, slice_of(digest,
	    32), &at) != 0)
		return;
	e = &t->entry[at];
	if (e->blob == blob && !entry_bad(e))
		return;
	t = table_to_change(l);
	if (t == NULL)
		return;
	if (blob != NULL)
		table_map(t, at, blob, entry_now(l->b));
	else
		table_unmap(t, at);
}

/* Its image, in s->blob; or s->drop. */
static int
open_image(struct lane *l, struct slow *s, const uint8_t digest[32],
    struct why *why)
{
	struct image_opened im = {NULL, 0};
	int rc = s->err != 0 ? image_fail(digest, s->err, why) :
	    image_open(l->b->app, digest, &im, why);

	s->blob = im.blob;
	s->ticket = im.ticket;
	s->drop = rc == ERR_BUSY;
	learn(l, digest, s->blob);
	return rc;
}

/* The order of the questions is that of res_image.c. */
static void
answer(struct lane *l, struct slow *s)
{
	struct why why = {0};
	uint8_t digest[32];
	uint16_t cf;
	int rc = find(l->b->app, &s->g, digest);

	if (rc != 0) {
		why = *image_why(rc);
		rc = why.err;
	} else {
		rc = content_opaque(s->g.have_accept ? &s->g.accept : NULL,
		    &cf, &why);
		if (rc == 0)
			rc = open_image(l, s, digest, &why);
	}
	if (s->drop)
		return;
	if (rc != 0) {
		get_refuse(&s->g, rc, &why, &s->a);
		return;
	}
	if (guest_fits(l->b->app->reach, &s->q, &s->g,
	    blob_bytes(s->blob).n))
		(void)get_write(&s->g, &(struct get_image){digest,
		    blob_bytes(s->blob)}, l->b->szx, &s->a);
	else
		guest_challenge(l->b->app->reach, &s->q, &s->g, &s->a);
}

/* Room for one more, or NULL. */
static struct slow_wait *
room(const struct blocks *b)
{
	for (size_t i = 0; i < SLOW_WAIT && b->waiting < SLOW_WAIT; i++)
		if (b->wait[i].ticket == 0)
			return &b->wait[i];
	return NULL;
}

static void
keep(struct blocks *b, const struct slow *s)
{
	struct slow_wait *w = s->ticket == 0 ? NULL : room(b);

	if (w == NULL) {
		b->slow_dropped++;
		return;
	}
	w->ticket = s->ticket;
	w->worker = s->worker;
	b->waiting++;
	w->item = *s->item;
}

/* --- and out --- */

static bool
post(const struct blocks *b, struct slow *s)
{
	struct iovec v[2] = {
		{s->a.head, s->a.head_n},
		{(void *)s->a.body.p, s->a.body.n},
	};
	struct msghdr m = {
		.msg_name = &s->item->env.from, .msg_namelen = s->item->from_n,
		.msg_iov = v, .msg_iovlen = s->a.body.n > 0 ? 2 : 1,
		.msg_control = s->item->control_n > 0 ?
		    &s->item->env.control : NULL,
		.msg_controllen = s->item->control_n,
	};

	return sendmsg(b->group.beside, &m, MSG_DONTWAIT) >= 0;
}

/* A worker's table is written by the worker alone. What finds no room is not
 * noted: a late status is all that comes of it. */
static void
give_back(struct mark_ring *r, const struct slow *s)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	struct slow_mark *m = &r->item[head % SLOW_RING];

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) ==
	    SLOW_RING)
		return;
	worker_peer(&s->g, &s->item->env.from, &m->peer);
	memcpy(m->digest, blob_digest(s->blob), sizeof(m->digest));
	m->end = (uint32_t)(s->a.off + s->a.len);
	m->total = (uint32_t)blob_bytes(s->blob).n;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

void
slow_note(struct worker *w, int64_t now)
{
	struct mark_ring *r = &w->marks;
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	while (tail != head) {
		const struct slow_mark *m = &r->item[tail % SLOW_RING];

		seen_block(w->seen, &(struct seen_mark){&m->peer, m->digest,
		    seen_hash(&m->peer, m->digest), m->end, m->total}, now);
		atomic_store_explicit(&r->tail, ++tail, memory_order_release);
	}
}

/* As the front's hook tells it, of a name that no worker's table holds. */
static void
tell(struct app *app, const struct slow *s)
{
	struct req req = {.method = M_GET, .transport = T_UDP};
	char ep[LIMIT_EP + 4];

	addr_host((const struct sockaddr *)&s->item->env.from, req.addr);
	if (s->g.ep.p != NULL) {
		snprintf(ep, sizeof(ep), "ep=%.*s", (int)s->g.ep.n,
		    (const char *)s->g.ep.p);
		req.query[req.query_n++] = slice_str(ep);
	}
	engine_blocks(app, &req, s->blob, s->a.off + s->a.len,
	    blob_bytes(s->blob).n);
}

static void
serve(struct lane *l, struct worker *w, struct slow_item *it, int err)
{
	struct slow s = {.worker = w, .item = it, .err = err,
	    .q = {.from = &it->env.from, .n = it->n, .now = loop_tick()}};
	struct blocks *b = l->b;

	if (get_read(slice_of(it->b, it->n), &s.g) != GET_OK)
		return; /* the worker saw to it */
	if (!guest_is_believed(b->app->reach, &s.q))
		guest_enter(b->app->reach, &s.q, &s.g);
	answer(l, &s);
	if (s.drop) {
		keep(b, &s);
		return;
	}
	guest_bound(&s.q, &s.g, &s.a);
	if (!s.a.silent && !post(b, &s) && errno == EFAULT) {
		get_refuse(&s.g, ERR_IO, NULL, &s.a);
		guest_bound(&s.q, &s.g, &s.a);
		(void)post(b, &s);
	}
	b->slow_errors += s.a.code >= 400;
	b->slow_code[code_index(s.a.code)]++;
	if (s.a.block) {
		b->slow_blocks++;
		b->slow_bytes += s.a.len;
		if (s.g.ep.n > SEEN_NAME)
			tell(b->app, &s);
		else
			give_back(&w->marks, &s);
	}
	blob_unref(s.blob);
}

static void
drain(struct lane *l, struct worker *w)
{
	struct slow_ring *r = &w->slow;
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	while (tail != head) {
		serve(l, w, &r->item[tail % SLOW_RING], 0);
		atomic_store_explicit(&r->tail, ++tail, memory_order_release);
	}
}

void
slow_drain(struct blocks *b)
{
	struct lane l = {.b = b};
	uint64_t n;

	(void)!read(b->event, &n, sizeof(n)); /* before the queues */
	for (unsigned i = 0; i < b->n; i++)
		drain(&l, b->worker[i]);
	if (l.next != NULL)
		blocks_publish(b, l.next);
}

/* Each leaves its place only when it is answered: who has to wait again, for
 * another ticket, takes another one. */
void
slow_checked(struct blocks *b, uint64_t ticket, int err)
{
	struct lane l = {.b = b};

	for (size_t i = 0; i < SLOW_WAIT; i++) {
		if (b->wait[i].ticket != ticket)
			continue;
		serve(&l, b->wait[i].worker, &b->wait[i].item, err);
		b->wait[i].ticket = 0;
		b->waiting--;
	}
	if (l.next != NULL)
		blocks_publish(b, l.next);
}
