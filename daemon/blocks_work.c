/*
 * A worker: many datagrams in, many answers out, and in between nothing that
 * could wait or that another thread writes to.
 *
 * An answer is two pieces, a head that was just written and the block where
 * it is, in the mapped file. So the kernel does the only copy; and when a
 * file lost its tail it is the kernel that meets the hole, which is an error
 * of sendmmsg and no signal.
 */
#include "daemon/blocks_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/addr.h"
#include "daemon/loop.h"

/* What goes out, and what it is about. */
struct outgoing {
	unsigned in; /* of the request */
	struct entry *entry; /* whose bytes they are, or NULL */
};

struct mark {
	struct seen_peer peer;
	struct seen_mark seen;
};

struct batch {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_iov[BATCH], out_iov[BATCH][2];
	struct envelope env[BATCH];
	struct outgoing what[BATCH];
	struct mark mark[BATCH];
	struct get_answer answer[BATCH];
	uint8_t data[BATCH][DATAGRAM_MAX];
	/* of this batch: */
	struct table *table;
	uint32_t now; /* Unix seconds */
	int64_t clock; /* loop_tick's; 0: not read yet */
	struct slice path; /* that was found last; borrowed from `data` */
	size_t path_at;
	unsigned outs, marks;
	bool wake; /* there is something for the slow lane */
	uint64_t requests, blocks, bytes, errors, slow, dropped;
	uint64_t code[CODES];
};

/* --- the envelope --- */

static struct cmsghdr *
first_control(struct msghdr *m)
{
	return m->msg_controllen >= sizeof(struct cmsghdr) ?
	    CMSG_FIRSTHDR(m) : NULL;
}

/*
 * False for what was sent to a group. Else the answer leaves from where it came to,
 * but not by the interface, which may be another one, except where an
 * address means nothing without. And without the padding behind the control
 * message the kernel has room for it on its stack.
 */
static bool
turn_round(struct msghdr *m)
{
	struct cmsghdr *c = first_control(m);
	struct in6_pktinfo *v6;
	struct in_pktinfo *v4;
	bool mapped;

	if (c == NULL)
		return true;
	m->msg_controllen = c->cmsg_len;
	if (c->cmsg_level == IPPROTO_IP) {
		v4 = (struct in_pktinfo *)CMSG_DATA(c);
		v4->ipi_ifindex = 0;
		return !IN_MULTICAST(ntohl(v4->ipi_addr.s_addr));
	}
	v6 = (struct in6_pktinfo *)CMSG_DATA(c);
	mapped = IN6_IS_ADDR_V4MAPPED(&v6->ipi6_addr);
	if (!IN6_IS_ADDR_LINKLOCAL(&v6->ipi6_addr))
		v6->ipi6_ifindex = 0;
	return mapped ? (v6->ipi6_addr.s6_addr[12] & 0xf0) != 0xe0 :
	    !IN6_IS_ADDR_MULTICAST(&v6->ipi6_addr);
}

void
worker_peer(const struct get *g, const struct sockaddr_in6 *from,
    struct seen_peer *ret)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;

	memset(ret, 0, sizeof(*ret));
	if (g->ep.p != NULL) {
		ret->kind = 'e';
		ret->n = (uint8_t)g->ep.n;
		memcpy(ret->b, g->ep.p, g->ep.n);
		return;
	}
	ret->kind = 'a';
	ret->n = 16;
	if (from->sin6_family == AF_INET) {
		ret->b[10] = ret->b[11] = 0xff;
		memcpy(ret->b + 12, &v4->sin_addr, 4);
		return;
	}
	memcpy(ret->b, &from->sin6_addr, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&from->sin6_addr)) {
		ret->n = 20;
		memcpy(ret->b + 16, &from->sin6_scope_id, 4);
	}
}

/* --- one request --- */

static void
to_slow(struct worker *w, unsigned i)
{
	struct batch *b = w->batch;

	if (slow_push(&w->slow, &b->in[i].msg_hdr, b->in[i].msg_len)) {
		b->slow++;
		b->wake = true;
	} else {
		b->dropped++;
	}
}

/* Whose block it will be, as soon as that is known: its slot is far away. */
static struct seen_mark *
mark(struct worker *w, const struct get *g, unsigned i, size_t at)
{
	struct batch *b = w->batch;
	struct mark *m = &b->mark[b->marks];

	worker_peer(g, &b->env[i].from, &m->peer);
	m->seen.peer = &m->peer;
	m->seen.digest = b->table->names->image[at].digest;
	m->seen.hash = seen_hash(&m->peer, m->seen.digest);
	seen_prefetch(w->seen, m->seen.hash, 0);
	return &m->seen;
}

/* Most of a batch is about one image, so most paths are, byte for byte, the
 * one before. They begin with the first option, or the kernel would not have
 * sent them here; and nothing else stands between their segments. */
static int
find(struct batch *b, const struct get *g, size_t *ret)
{
	struct slice last, path = SLICE_NONE;
	int rc = 0;

	if (g->segments > 0) {
		last = g->segment[g->segments - 1];
		path = slice_of(g->options.p, (size_t)(last.p + last.n -
		    g->options.p));
	}
	if (path.n == 0 || !slice_eq(path, b->path)) {
		rc = names_find(b->table->names, g, &b->path_at);
		b->path = rc == 0 ? path : SLICE_NONE;
	}
	*ret = b->path_at;
	return rc;
}

/* The answer in its place; false: it is for the slow lane. */
static bool
answer(struct worker *w, struct get *g, const struct guest *q, unsigned i)
{
	struct batch *b = w->batch;
	struct get_answer *a = &b->answer[b->outs];
	const struct table *t = b->table;
	struct get_image im;
	struct seen_mark *m;
	struct entry *e;
	size_t at;
	int rc;

	b->what[b->outs].entry = NULL;
	if (t == NULL || g->ep.n > SEEN_NAME)
		return false;
	rc = find(b, g, &at);
	if (rc != 0) {
		const struct why *why = image_why(rc);

		get_refuse(g, why->err, why, a);
		return true;
	}
	e = &t->entry[at];
	if (e->blob == NULL || entry_bad(e))
		return false;
	if (!guest_fits(w->b->app->reach, q, g, e->bytes.n)) {
		guest_challenge(w->b->app->reach, q, g, a);
		return true;
	}
	m = mark(w, g, i, at);
	im = (struct get_image){t->names->image[at].digest, e->bytes};
	(void)get_write(g, &im, w->b->szx, a);
	if (a->block) {
		m->end = (uint32_t)(a->off + a->len);
		m->total = (uint32_t)e->bytes.n;
		b->bytes += a->len;
		b->marks++;
	}
	entry_use(e, b->now);
	b->what[b->outs].entry = e;
	return true;
}

static void
post(struct batch *b, unsigned i)
{
	struct get_answer *a = &b->answer[b->outs];
	struct msghdr *in = &b->in[i].msg_hdr, *m = &b->out[b->outs].msg_hdr;
	struct iovec *v = b->out_iov[b->outs];

	v[0] = (struct iovec){a->head, a->head_n};
	v[1] = (struct iovec){(void *)a->body.p, a->body.n};
	*m = (struct msghdr){
		.msg_name = in->msg_name, .msg_namelen = in->msg_namelen,
		.msg_iov = v, .msg_iovlen = a->body.n > 0 ? 2 : 1,
		.msg_control = in->msg_controllen > 0 ? in->msg_control : NULL,
		.msg_controllen = in->msg_controllen,
	};
	b->what[b->outs++].in = i;
}

/* The address that was asked, for the one answer that tells it. */
static void
self(struct worker *w, struct msghdr *m, char dst[LIMIT_ADDRESS])
{
	struct sockaddr_in6 a = {.sin6_family = AF_UNSPEC};
	socklen_t n = sizeof(a);
	struct cmsghdr *c = first_control(m);

	(void)getsockname(w->fd, (struct sockaddr *)&a, &n);
	if (c != NULL && c->cmsg_level == IPPROTO_IP)
		((struct sockaddr_in *)&a)->sin_addr =
		    ((struct in_pktinfo *)CMSG_DATA(c))->ipi_addr;
	else if (c != NULL)
		a.sin6_addr = ((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr;
	addr_host((struct sockaddr *)&a, dst);
}

static void
reject(struct worker *w, unsigned i, const struct get *g, enum get_verdict v)
{
	struct batch *b = w->batch;
	char text[LIMIT_ADDRESS] = "";

	if (v == GET_HOPS_OUT)
		self(w, &b->in[i].msg_hdr, text);
	b->what[b->outs].entry = NULL;
	get_reject(g, v, text, &b->answer[b->outs]);
}

/* Only who may be a stranger costs a look at the clock. False: it has asked
 * too often. */
static bool
enter(struct worker *w, struct guest *q, const struct get *g, unsigned i)
{
	struct reach *r = w->b->app->reach;
	struct batch *b = w->batch;

	*q = (struct guest){.from = &b->env[i].from, .n = b->in[i].msg_len};
	if (guest_is_believed(r, q))
		return true;
	if (b->clock == 0)
		b->clock = loop_tick();
	q->now = b->clock;
	guest_enter(r, q, g);
	return q->known || reach_hears(r, &w->strangers, &q->peer,
	    q->now);
}

static void
serve(struct worker *w, unsigned i)
{
	struct batch *b = w->batch;
	struct get_answer *a = &b->answer[b->outs];
	struct guest q;
	enum get_verdict v;
	struct get g;

	if (!turn_round(&b->in[i].msg_hdr))
		return;
	v = get_read(slice_of(b->data[i], b->in[i].msg_len), &g);
	if (v == GET_SILENT || !enter(w, &q, &g, i))
		return;
	/* what libcoap answers by itself is no request to the front either */
	b->requests += v == GET_OK || v == GET_ERROR;
	if ((v == GET_OK || v == GET_ERROR) &&
	    guest_must_show(w->b->app->reach, &q)) {
		b->what[b->outs].entry = NULL;
		guest_challenge(w->b->app->reach, &q, &g, a);
	} else if (v != GET_OK) {
		reject(w, i, &g, v);
	} else if (!answer(w, &g, &q, i)) {
		to_slow(w, i);
		return;
	}
	guest_bound(&q, &g, a);
	if (v == GET_OK || v == GET_ERROR) {
		b->errors += a->code >= 400;
		b->code[code_index(a->code)]++;
	}
	if (!a->silent)
		post(b, i);
}

/* --- a batch --- */

/* The file is shorter than its mapping. */
static void
torn(struct worker *w, const struct outgoing *o)
{
	if (o->entry != NULL)
		atomic_store_explicit(&o->entry->bad, true,
		    memory_order_relaxed);
	to_slow(w, o->in);
}

/* A path takes less than the block: libcoap's socket lets the kernel cut it
 * up, see blocks_steer.c. */
static void
send_in_parts(struct worker *w, const struct msghdr *m)
{
	if (sendmsg(w->b->group.beside, m, MSG_DONTWAIT) < 0)
		w->batch->dropped++;
}

static void
send_all(struct worker *w)
{
	struct batch *b = w->batch;
	unsigned at = 0;
	int n;

	while (at < b->outs) {
		n = sendmmsg(w->fd, b->out + at, b->outs - at, MSG_DONTWAIT);
		if (n > 0) {
			at += (unsigned)n;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			b->dropped += b->outs - at;
			return;
		} else if (errno == EFAULT) {
			torn(w, &b->what[at++]);
		} else if (errno == EMSGSIZE) {
			send_in_parts(w, &b->out[at++].msg_hdr);
		} else if (errno != EINTR) {
			b->dropped++; /* to nowhere, or forbidden */
			at++;
		}
	}
}

/* The table that is in use, and stays until `using` says otherwise. */
static struct table *
hold_table(struct worker *w)
{
	struct table *t, *again = atomic_load(&w->b->table);

	do {
		t = again;
		atomic_store(&w->using, t);
		again = atomic_load(&w->b->table);
	} while (t != again);
	return t;
}

static void
move(_Atomic(uint64_t) *to, uint64_t *from)
{
	if (*from > 0)
		count(to, *from);
	*from = 0;
}

static void
tally(struct worker *w)
{
	struct batch *b = w->batch;
	struct counters *c = &w->counters;

	move(&c->requests, &b->requests);
	move(&c->blocks, &b->blocks);
	move(&c->bytes, &b->bytes);
	move(&c->errors, &b->errors);
	move(&c->slow, &b->slow);
	move(&c->dropped, &b->dropped);
	for (unsigned i = 0; i < CODES; i++)
		move(&c->code[i], &b->code[i]);
}

static void
fetch_slots(const struct worker *w, unsigned step)
{
	const struct batch *b = w->batch;

	for (unsigned i = 0; i < b->marks; i++)
		seen_prefetch(w->seen, b->mark[i].seen.hash, step);
}

/* The answers leave first: they need not wait for it. */
static void
note_blocks(struct worker *w, int64_t now)
{
	struct batch *b = w->batch;

	fetch_slots(w, 2);
	for (unsigned i = 0; i < b->marks; i++)
		seen_block(w->seen, &b->mark[i].seen, now);
}

static void
work(struct worker *w, unsigned n)
{
	struct batch *b = w->batch;
	int64_t now = loop_coarse();
	uint64_t one = 1;

	b->table = hold_table(w);
	b->now = (uint32_t)(now / 1000);
	b->clock = 0;
	b->path = SLICE_NONE;
	b->outs = b->marks = 0;
	b->wake = false;
	for (unsigned i = 0; i < n; i++)
		serve(w, i);
	fetch_slots(w, 1);
	b->blocks = b->marks;
	tally(w); /* whoever has an answer is counted */
	send_all(w);
	note_blocks(w, now);
	atomic_store_explicit(&w->using, NULL, memory_order_release);
	tally(w); /* what did not go out */
	/* does not wait: it is full only after 2^64 of them */
	if (b->wake)
		(void)!write(w->b->event, &one, sizeof(one));
}

/* What recvmmsg has written over. */
static void
rearm(struct batch *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		b->in[i].msg_hdr.msg_namelen = sizeof(b->env[i].from);
		b->in[i].msg_hdr.msg_controllen =
		    sizeof(b->env[i].control);
	}
}

void *
worker_run(void *worker)
{
	struct worker *w = worker;
	struct batch *b = w->batch;
	int n;

	while (!atomic_load(&w->b->stop)) {
		n = recvmmsg(w->fd, b->in, BATCH, MSG_WAITFORONE, NULL);
		slow_note(w, loop_coarse());
		if (n <= 0)
			continue; /* it was woken, or nobody asks */
		work(w, (unsigned)n);
		rearm(b, (unsigned)n);
	}
	return NULL;
}

/* --- life --- */

static int
batch_new(struct batch **ret)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return ERR_NOMEM;
	for (unsigned i = 0; i < BATCH; i++) {
		b->in_iov[i] = (struct iovec){b->data[i], DATAGRAM_MAX};
		b->in[i].msg_hdr = (struct msghdr){
			.msg_name = &b->env[i].from,
			.msg_iov = &b->in_iov[i], .msg_iovlen = 1,
			.msg_control = &b->env[i].control,
		};
	}
	rearm(b, BATCH);
	*ret = b;
	return 0;
}

int
worker_new(struct blocks *b, unsigned number, struct worker **ret)
{
	struct worker *w = aligned_alloc(LINE, sizeof(*w));
	int rc;

	if (w == NULL)
		return ERR_NOMEM;
	memset(w, 0, sizeof(*w));
	w->b = b;
	w->number = number;
	w->fd = -1;
	w->slow.item = calloc(SLOW_RING, sizeof(*w->slow.item));
	w->marks.item = calloc(SLOW_RING, sizeof(*w->marks.item));
	rc = w->slow.item == NULL || w->marks.item == NULL ? ERR_NOMEM :
	    batch_new(&w->batch);
	if (rc == 0)
		rc = reach_buckets_new(&w->strangers, LIMIT_STRANGER_NETWORKS);
	if (rc == 0)
		rc = seen_new(LIMIT_SEEN / b->n, &w->seen);
	if (rc != 0) {
		worker_free(w);
		return rc;
	}
	*ret = w;
	return 0;
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	seen_free(w->seen);
	reach_buckets_free(&w->strangers);
	free(w->slow.item);
	free(w->marks.item);
	free(w->batch);
	free(w);
}
