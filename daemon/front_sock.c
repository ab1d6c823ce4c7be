/*
 * The pump. libcoap reads one datagram per readiness event and then walks all
 * sessions. So an event is handed to it k times at once: k reads, one walk,
 * and one commit for all of them. k doubles while the socket still has more
 * and halves when most reads found nothing.
 */
#include "daemon/front_sock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/front_dtls.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/observe.h"

#define FEED_START 8
#define FEED_MAX 64
#define FEED_ROUNDS 4 /* then other planes and the commit have their turn */
#define EVENTS_MAX 16
#define RCVBUF (4 * 1024 * 1024)

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

static void
on_readable(void *arg)
{
	struct epoll_event in[EVENTS_MAX], out[EVENTS_MAX * FEED_MAX];
	struct plane *pl = arg;
	int n = epoll_wait(pl->fd, in, EVENTS_MAX, 0);

	for (int round = 0; n > 0 && round < FEED_ROUNDS; round++) {
		/* TCP has a socket per session: one read may close it */
		unsigned feed = pl->t == T_TCP ? 1 : pl->feed;

		pl->handled = 0;
		coap_io_do_epoll(pl->ctx, out, multiply(in, (size_t)n, feed,
		    out));
		n = epoll_wait(pl->fd, in, EVENTS_MAX, 0);
		if (endpoint_ready(in, n) && pl->feed < FEED_MAX)
			pl->feed *= 2;
		else if (pl->handled < pl->feed / 2)
			pl->feed /= 2;
	}
	dtls_settle(pl);
	observe_settle(pl->f->observers, pl);
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
		int fd, size = RCVBUF;

		coap_address_init(&a);
		if (sscanf(line, "tfd: %d", &fd) != 1 ||
		    getsockname(fd, &a.addr.sa, &a.size) != 0)
			continue;
		pl->sock = fd;
		pl->port = coap_address_get_port(&a);
		/* beyond net.core.rmem_max only with CAP_NET_ADMIN */
		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
		    sizeof(size)) != 0 && setsockopt(fd, SOL_SOCKET,
		    SO_RCVBUF, &size, sizeof(size)) != 0)
			log_warn("front: receive buffer stays small on %s",
			    pl->listen);
	}
	fclose(fp);
}

/*
 * Why an address cannot be had, 0 when it can. libcoap sets SO_REUSEADDR on
 * its UDP sockets, with which Linux lets two daemons share a port and each
 * get some of the datagrams; and its own errors say no reason.
 */
static int
refusal(const coap_address_t *a, bool stream)
{
	int fd = socket(a->addr.sa.sa_family, (stream ? SOCK_STREAM :
	    SOCK_DGRAM) | SOCK_CLOEXEC, 0), err = 0, on = 1, off = 0;

	if (fd < 0)
		return 0; /* no such family here: see bind_endpoint */
	if (stream)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
		    sizeof(on));
	if (a->addr.sa.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
		    sizeof(off));
	if (bind(fd, &a->addr.sa, a->size) != 0)
		err = errno;
	close(fd);
	return err;
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
	int err, rc = addr_parse(pl->listen, &a, why);

	if (rc != 0)
		return rc;
	err = refusal(&a, proto == COAP_PROTO_TCP);
	if (err == EADDRINUSE || err == EACCES)
		return why_set(why, ERR_IO, "cannot listen on %s: %s",
		    pl->listen, err == EACCES ? "that port needs a privilege" :
		    "another program has that port");
	if (bind_endpoint(pl, &a, proto) == NULL)
		return why_set(why, ERR_IO, "cannot listen on %s: %s",
		    pl->listen, err != 0 ? strerror(err) : "libcoap failed");
	pl->fd = coap_context_get_coap_fd(pl->ctx);
	pl->feed = FEED_START;
	if (pl->fd < 0)
		return why_set(why, ERR_UNSUPPORTED,
		    "this libcoap was built without epoll");
	find_socket(pl);
	set_listen_port(pl);
	/* arms libcoap's timer, which lives in the same epoll set */
	(void)coap_io_process(pl->ctx, COAP_IO_NO_WAIT);
	return loop_read(pl->f->loop, pl->fd, on_readable, pl);
}
