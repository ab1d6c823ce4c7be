/*
 * The pump. libcoap reads one datagram per readiness event and then walks all
 * sessions. So an event is handed to it k times at once: k reads, one walk,
 * and one commit for all of them. k doubles while the socket still has more
 * and halves when most reads found nothing, or when requests are so dear (a
 * page of a list) that k of them keep everybody else waiting.
 *
 * A turn has an end: after some rounds, after so many handshakes (each costs
 * what dozens of requests do), and before more answers are held than there
 * is room for. What is left waits in the socket's buffer, which is asked to
 * be large.
 */
#include "daemon/front_sock.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/door.h"
#include "daemon/front_dtls.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/observe.h"

#define FEED_START 8
#define FEED_MAX 256 /* with 5 000 sessions a walk costs 50 us */
#define FEED_ROUNDS 4 /* then other planes and the commit have their turn */
#define FEED_US 10000 /* or when it has taken so long already */
#define FEED_HANDSHAKES 64 /* about 20 ms */
#define FULL_US 50000
#define EVENTS_MAX 16
#define RCVBUF (4 * 1024 * 1024)
#define BURST 1000 /* datagrams that must fit in at once */
#define BURST_EACH 1280 /* what a small one takes in the kernel */

/* Events of the endpoint's own socket are repeated, others are not. */
static size_t
multiply(const struct epoll_event *in, size_t n, unsigned feed,
    struct epoll_event *out)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned times = in[i].data.ptr != NULL ? feed : 1;

		while (times-- > 0)
			out[k++] = in[i];
	}
	return k;
}

static bool
endpoint_ready(const struct epoll_event *in, int n)
{
	for (int i = 0; i < n; i++)
		if (in[i].data.ptr != NULL)
			return true;
	return false;
}

/*
 * Reads that the next round may do; 0: this turn has had enough. Over TCP
 * there is a socket per session, and one read may close it. When so many
 * answers wait for the disk that there is no room for another, requests do
 * better in the socket's buffer; but not for long, since most of them write
 * nothing, and those that do are told to come back.
 */
static unsigned
room(struct plane *pl)
{
	size_t left = HELD_MAX - pl->f->held_n;
	unsigned want = sock_streams(pl) ? 1 : pl->feed;

	if (pl->shaken >= FEED_HANDSHAKES)
		return 0;
	if (left > 0)
		pl->full_since = 0;
	else if (pl->full_since == 0)
		pl->full_since = loop_clock();
	if (left == 0 && loop_clock() - pl->full_since > FULL_US)
		return want;
	return want < left ? want : (unsigned)left;
}

void
sock_turn(void *arg)
{
	struct epoll_event in[EVENTS_MAX], out[EVENTS_MAX * FEED_MAX];
	struct plane *pl = arg;
	int n = epoll_wait(pl->fd, in, EVENTS_MAX, 0);
	int64_t end = loop_clock() + FEED_US;
	bool late = false;

	pl->shaken = 0;
	for (int round = 0; n > 0 && round < FEED_ROUNDS && !late; round++) {
		unsigned feed = room(pl);

		if (feed == 0)
			break;
		pl->handled = 0;
		coap_io_do_epoll(pl->ctx, out, multiply(in, (size_t)n, feed,
		    out));
		door_closed(pl->f->door);
		n = epoll_wait(pl->fd, in, EVENTS_MAX, 0);
		late = loop_clock() > end;
		if (late && pl->feed > 1)
			pl->feed /= 2;
		else if (!late && endpoint_ready(in, n) && pl->feed < FEED_MAX)
			pl->feed *= 2;
		else if (pl->handled < pl->feed / 2)
			pl->feed /= 2;
	}
	explicit_bzero(pl->key, sizeof(pl->key));
	dtls_settle(pl);
	observe_settle(pl->f->observers, pl);
}

/* beyond net.core.rmem_max only with CAP_NET_ADMIN */
static void
grow_buffer(struct plane *pl, int fd)
{
	int size = RCVBUF;
	socklen_t n = sizeof(pl->rcvbuf);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
	    sizeof(size)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size,
		    sizeof(size));
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &pl->rcvbuf, &n) != 0)
		pl->rcvbuf = 0;
}

/* The listening socket is the one in the epoll set that has a port. */
static void
find_socket(struct plane *pl)
{
	char path[64], line[256];
	FILE *fp;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pl->fd);
	fp = fopen(path, "re");
	if (fp == NULL)
		return;
	while (fgets(line, sizeof(line), fp) != NULL) {
		coap_address_t a;
		int fd;

		coap_address_init(&a);
		if (sscanf(line, "tfd: %d", &fd) != 1 ||
		    getsockname(fd, &a.addr.sa, &a.size) != 0)
			continue;
		pl->sock = fd;
		pl->port = coap_address_get_port(&a);
		grow_buffer(pl, fd);
	}
	fclose(fp);
}

/*
 * Why an address cannot be had, 0 when it can. libcoap sets SO_REUSEADDR on
 * its UDP sockets, with which Linux lets two daemons share a port and each
 * get some of the datagrams; and its own errors say no reason. *ret_fd has
 * the address until it is closed; -1: no such family here, see bind_endpoint.
 */
static int
refusal(const coap_address_t *a, bool stream, int *ret_fd)
{
	int fd = socket(a->addr.sa.sa_family, (stream ? SOCK_STREAM :
	    SOCK_DGRAM) | SOCK_CLOEXEC, 0), err = 0, on = 1, off = 0;

	*ret_fd = fd;
	if (fd < 0)
		return 0;
	if (stream)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
		    sizeof(on));
	if (a->addr.sa.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
		    sizeof(off));
	if (bind(fd, &a->addr.sa, a->size) != 0 ||
	    (stream && listen(fd, 1) != 0))
		err = errno;
	return err;
}

static int
refused(const char *addr, int err, struct why *why)
{
	return why_set(why, err == EADDRINUSE ? ERR_BUSY : ERR_IO,
	    "cannot listen on %s: %s", addr,
	    err == EACCES ? "that port needs a privilege" :
	    err == EADDRINUSE ? "another program has that port" :
	    strerror(err));
}

int
front_probe(const char *addr, bool stream, int *ret_fd, struct why *why)
{
	coap_address_t a;
	int fd, err, rc = addr_parse(addr, &a, why);

	if (rc != 0)
		return rc;
	err = refusal(&a, stream, &fd);
	if (err == 0) {
		*ret_fd = fd;
		return 0;
	}
	close(fd);
	return refused(addr, err, why);
}

/* A host without IPv6 still has "[::]" as its default. */
static coap_endpoint_t *
bind_endpoint(struct plane *pl, coap_address_t *a, coap_proto_t proto)
{
	coap_endpoint_t *ep = coap_new_endpoint(pl->ctx, a, proto);
	char text[LIMIT_ADDRESS];

	if (ep != NULL || a->addr.sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_UNSPECIFIED(&a->addr.sin6.sin6_addr))
		return ep;
	snprintf(text, sizeof(text), "0.0.0.0:%u", coap_address_get_port(a));
	if (addr_parse(text, a, NULL) != 0)
		return NULL;
	log_warn("front: no IPv6 for %s, trying %s", pl->listen, text);
	return coap_new_endpoint(pl->ctx, a, proto);
}

/* What was asked as port 0 is shown as what it became. */
static void
set_listen_port(struct plane *pl)
{
	char *colon = strrchr(pl->listen, ':');

	snprintf(colon, sizeof(pl->listen) - (size_t)(colon - pl->listen),
	    ":%u", pl->port);
}

int
sock_listen(struct plane *pl, coap_proto_t proto, struct why *why)
{
	coap_address_t a;
	int fd, err, rc = addr_parse(pl->listen, &a, why);

	if (rc != 0)
		return rc;
	err = refusal(&a, sock_streams(pl), &fd);
	if (fd >= 0)
		close(fd);
	if (err == EADDRINUSE || err == EACCES)
		return refused(pl->listen, err, why);
	if (bind_endpoint(pl, &a, proto) == NULL)
		return err != 0 ? refused(pl->listen, err, why) :
		    why_set(why, ERR_IO, "cannot listen on %s: libcoap failed",
		    pl->listen);
	pl->fd = coap_context_get_coap_fd(pl->ctx);
	pl->feed = FEED_START;
	if (pl->fd < 0)
		return why_set(why, ERR_UNSUPPORTED,
		    "this libcoap was built without epoll");
	find_socket(pl);
	set_listen_port(pl);
	if (proto != COAP_PROTO_TCP && pl->sock >= 0 &&
	    door_watch(pl->f->door, pl->sock, proto == COAP_PROTO_DTLS ?
	    DOOR_DTLS : DOOR_PLAIN) != 0)
		return why_set(why, ERR_LIMIT, "%s: too many open files",
		    pl->listen);
	/* arms libcoap's timer, which lives in the same epoll set */
	(void)coap_io_process(pl->ctx, COAP_IO_NO_WAIT);
	return 0;
}

void
sock_say_small(const struct front *f)
{
	const struct plane *least = NULL;

	for (int t = 0; t < PLANES; t++) {
		const struct plane *pl = &f->plane[t];

		if (pl->ctx != NULL && !sock_streams(pl) &&
		    (least == NULL || pl->rcvbuf < least->rcvbuf))
			least = pl;
	}
	if (least == NULL || least->rcvbuf >= BURST * BURST_EACH)
		return;
	log_warn("front: the kernel gives %s a receive buffer of %d KiB; when "
	    "%d devices send at once it takes about %d, and the others have "
	    "to repeat themselves: set net.core.rmem_max to %d (sysctl), or "
	    "start suitd with CAP_NET_ADMIN", least->listen,
	    least->rcvbuf / 1024, BURST, least->rcvbuf / BURST_EACH, RCVBUF);
}

/*
 * Takes the place of libc's for this program, that is, for libcoap: of
 * version 4.3.5 it asks which addresses of this host are for broadcasts, and
 * does not answer a CON that was sent to one. To an IPv4 address without a
 * broadcast address, as clouds and `ip addr add` make them, getifaddrs(3)
 * gives the address itself as that, and nobody would be answered. So there is
 * none; a broadcast is then a request whose answer cannot be sent.
 */
int
getifaddrs(struct ifaddrs **ret)
{
	*ret = NULL;
	return 0;
}
