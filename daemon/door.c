/*
 * A flood of ClientHellos comes from addresses that are forged, or from a
 * few that are not. So there are two buckets: one of the network, and one of
 * all networks of which no handshake ever came to anything. Who was let in
 * may go on (a second hello has the cookie), and has its tokens back when the
 * handshake succeeds: a fleet that comes back at once is no flood.
 *
 * Rejected: a BPF program that drops hellos by luck, which cannot know who
 * has shown its address; and libcoap's cap alone, which forged hellos fill.
 */
#include "daemon/door.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/loop.h"

#define SOCKETS 1024 /* numbers of descriptors that can be watched */
#define SKIP 16 /* datagrams that are dropped before one read returns */
#define GREETED_US INT64_C(10000000)
#define GREETED_HELLOS 5
#define BURST 10 /* times the rate */
#define ALL 5 /* times a network's */
#define COAP_HEADER 4

/* A ClientHello that was let in. */
struct greeted {
	uint64_t flow;
	int64_t until;
	uint64_t network;
	uint8_t left;
	bool paid; /* the bucket of all has a token less, too */
};

struct door {
	struct reach *r;
	struct bucket_table strangers, networks, all;
	struct greeted greeted[LIMIT_GREETED];
	uint64_t unheard;
};

/* What this thread read last from a watched socket. */
struct visit {
	struct door *door; /* NULL: nothing */
	int fd;
	struct door_guest guest;
};

static struct watched {
	struct door *door;
	enum door_kind kind;
} watched[SOCKETS];

static _Thread_local struct visit visit;

/* --- handshakes --- */

/* What libcoap makes a place for: a handshake record with a ClientHello, as
 * far as it looks, which is not at the epoch. Of a session that is up one in
 * some hundred Finished looks like it, and has tokens. */
static bool
is_hello(struct slice s)
{
	return s.n > 13 && s.p[0] == 22 && s.p[13] == 1;
}

static struct bucket_rate
rate_of(const struct door *d, uint32_t times)
{
	uint32_t per_s = d->r->handshake_rate * times;

	return (struct bucket_rate){per_s, per_s * BURST};
}

static struct greeted *
greeted_of(struct door *d, uint64_t flow)
{
	return &d->greeted[flow % LIMIT_GREETED];
}

static bool
pay(struct door *d, struct greeted *g, bool known, int64_t now)
{
	g->paid = !known;
	if (!known && !bucket_take(&d->all, 0, rate_of(d, ALL), now))
		return false;
	if (bucket_take(&d->networks, g->network, rate_of(d, 1), now))
		return true;
	if (!known)
		bucket_give(&d->all, 0, rate_of(d, ALL), now);
	return false;
}

static bool
hello_may(struct door *d, const struct echo_peer *p)
{
	uint64_t flow = reach_flow(d->r, p);
	struct greeted *g = greeted_of(d, flow), fresh;
	int64_t now = loop_tick();

	if (d->r->handshake_rate == 0 || (net_is_loopback(p->host) &&
	    net_list_has(&d->r->trusted, p->host)))
		return true;
	if (g->flow == flow && g->until > now && g->left > 0) {
		g->left--;
		return true;
	}
	fresh = (struct greeted){flow, now + GREETED_US,
	    reach_network(d->r, p), GREETED_HELLOS, false};
	if (!pay(d, &fresh, reach_known(d->r, p, now), now)) {
		d->unheard++;
		return false;
	}
	*g = fresh;
	return true;
}

void
door_shaken(struct door *d, const struct sockaddr *sa)
{
	int64_t now = loop_tick();
	struct echo_peer p;
	struct greeted *g;

	if (d->r == NULL)
		return;
	reach_peer(sa, &p);
	reach_enter(d->r, &p, now);
	g = greeted_of(d, reach_flow(d->r, &p));
	if (g->until == 0 || g->flow != reach_flow(d->r, &p))
		return;
	bucket_give(&d->networks, g->network, rate_of(d, 1), now);
	if (g->paid)
		bucket_give(&d->all, 0, rate_of(d, ALL), now);
	*g = (struct greeted){0};
}

/* --- in --- */

/* Whether it is heard; and then who it is from. */
static bool
plain_may(struct door *d, size_t n, struct door_guest *g)
{
	int64_t now = loop_tick();
	bool known = reach_known(d->r, &g->peer, now);

	g->stranger = !known && d->r->mode != CONF_ECHO_OFF;
	g->left = echo_budget(n);
	return known || reach_hears(d->r, &d->strangers, &g->peer, now);
}

static bool
may_enter(const struct watched *w, int fd, const struct msghdr *m, size_t n)
{
	struct door *d = w->door;
	struct visit v = {.door = d, .fd = fd};

	if (d->r != NULL && m->msg_name != NULL) {
		reach_peer(m->msg_name, &v.guest.peer);
		if (w->kind == DOOR_PLAIN ? !plain_may(d, n, &v.guest) :
		    is_hello(slice_of(m->msg_iov[0].iov_base, n)) &&
		    !hello_may(d, &v.guest.peer))
			return false;
	}
	visit = v;
	return true;
}

static const struct watched *
watched_of(int fd)
{
	return fd >= 0 && fd < SOCKETS && watched[fd].door != NULL ?
	    &watched[fd] : NULL;
}

ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	const struct watched *w = watched_of(fd);
	struct msghdr asked = *m;
	ssize_t n;

	if (w == NULL)
		return syscall(SYS_recvmsg, fd, m, flags);
	for (unsigned i = 0; i < SKIP; i++) {
		*m = asked;
		n = syscall(SYS_recvmsg, fd, m, flags);
		if (n < 0 || may_enter(w, fd, m, (size_t)n))
			return n;
	}
	*m = asked;
	errno = EAGAIN;
	return -1;
}

/* --- out --- */

static size_t
length(const struct msghdr *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->msg_iovlen; i++)
		n += m->msg_iov[i].iov_len;
	return n;
}

static bool
is_for_stranger(int fd, const struct msghdr *m)
{
	struct echo_peer p;

	if (visit.door == NULL || visit.fd != fd || !visit.guest.stranger ||
	    m->msg_name == NULL)
		return false;
	reach_peer(m->msg_name, &p);
	return memcmp(&p, &visit.guest.peer, sizeof(p)) == 0;
}

/* Header and token: what is left says the code, and that is all. */
static size_t
bare(const struct msghdr *m)
{
	const uint8_t *p = m->msg_iov[0].iov_base;
	size_t n = COAP_HEADER + (p[0] & 15);

	return n < m->msg_iov[0].iov_len ? n : m->msg_iov[0].iov_len;
}

/* The front keeps to it by itself; this is for libcoap's own words. */
ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct msghdr less = *m;
	struct iovec v;
	size_t n;

	if (!is_for_stranger(fd, m))
		return syscall(SYS_sendmsg, fd, m, flags);
	n = length(m);
	if (n > visit.guest.left) {
		v = (struct iovec){m->msg_iov[0].iov_base, bare(m)};
		less.msg_iov = &v;
		less.msg_iovlen = 1;
		reach_count(&visit.door->r->cut);
		if (syscall(SYS_sendmsg, fd, &less, flags) < 0)
			return -1;
		visit.guest.left = 0;
		return (ssize_t)n;
	}
	visit.guest.left -= n;
	return syscall(SYS_sendmsg, fd, m, flags);
}

/* --- who asks --- */

const struct door_guest *
door_guest(const struct door *d)
{
	static const struct door_guest nobody;

	return visit.door == d ? &visit.guest : &nobody;
}

bool
door_show(struct door *d, struct slice echo)
{
	if (visit.door != d || !reach_show(d->r, &visit.guest.peer, echo,
	    loop_tick()))
		return false;
	visit.guest.stranger = false;
	return true;
}

void
door_closed(struct door *d)
{
	(void)d;
	visit.door = NULL;
}

/* --- life --- */

int
door_new(struct reach *r, struct door **ret)
{
	struct door *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return ERR_NOMEM;
	d->r = r;
	if (r != NULL && (reach_buckets_new(&d->strangers,
	    LIMIT_STRANGER_NETWORKS) != 0 || reach_buckets_new(&d->networks,
	    LIMIT_STRANGER_NETWORKS) != 0 ||
	    reach_buckets_new(&d->all, BUCKET_WAYS) != 0)) {
		door_free(d);
		return ERR_NOMEM;
	}
	*ret = d;
	return 0;
}

void
door_free(struct door *d)
{
	if (d == NULL)
		return;
	for (int fd = 0; fd < SOCKETS; fd++)
		if (watched[fd].door == d)
			door_leave(fd);
	if (visit.door == d)
		visit.door = NULL;
	reach_buckets_free(&d->strangers);
	reach_buckets_free(&d->networks);
	reach_buckets_free(&d->all);
	free(d);
}

int
door_watch(struct door *d, int fd, enum door_kind kind)
{
	if (fd < 0 || fd >= SOCKETS)
		return ERR_LIMIT;
	watched[fd] = (struct watched){d, kind};
	return 0;
}

void
door_leave(int fd)
{
	if (fd >= 0 && fd < SOCKETS)
		watched[fd].door = NULL;
}

uint64_t
door_unheard(const struct door *d)
{
	return d->unheard;
}
