#include "device/sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/uri.h"

#define BATCH 16 /* datagrams read in one go */

/* A datagram that arrives later; void when the device lost power since. */
struct sim_packet {
	struct sim_packet *next, **prev;
	struct sim_dev *dev;
	struct event *timer;
	unsigned power;
	bool inwards;
	int fd;
	struct exch_peer peer;
	size_t n;
	uint8_t bytes[];
};

/* --- the wire --- */

static double
draw(struct sim *s)
{
	return (double)(backoff_rand(&s->rnd) >> 11) / 9007199254740992.0;
}

static void
arrive(struct sim_dev *d, const struct sim_packet *p, struct slice dgram)
{
	if (p->inwards) {
		sim_dev_input(d, &p->peer, dgram);
	} else if (sendto(p->fd, dgram.p, dgram.n, 0,
	    (const struct sockaddr *)&p->peer.ss, p->peer.len) < 0) {
		d->sim->lost++; /* a full buffer is a lossy wire as well */
	}
}

static void
unlink_packet(struct sim_packet *p)
{
	*p->prev = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	event_free(p->timer);
	free(p);
}

static void
on_delayed(evutil_socket_t fd, short what, void *arg)
{
	struct sim_packet *p = arg;
	struct sim_dev *d = p->dev;

	(void)fd;
	(void)what;
	if (p->power == d->power)
		arrive(d, p, slice_of(p->bytes, p->n));
	unlink_packet(p);
}

static void
delay(const struct sim_packet *head, struct slice dgram)
{
	struct sim *s = head->dev->sim;
	const int64_t ms = (int64_t)(draw(s) * s->args.delay_ms);
	const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
	struct sim_packet *p = malloc(sizeof *p + dgram.n);

	if (p == NULL)
		return;
	*p = *head;
	memcpy(p->bytes, dgram.p, dgram.n);
	p->n = dgram.n;
	p->timer = evtimer_new(s->base, on_delayed, p);
	if (p->timer == NULL) {
		free(p);
		return;
	}
	p->next = s->delayed;
	p->prev = &s->delayed;
	if (p->next != NULL)
		p->next->prev = &p->next;
	s->delayed = p;
	evtimer_add(p->timer, &tv);
}

/* One datagram meets the wire: it is lost, or arrives once or twice. */
static void
wire(const struct sim_packet *head, struct slice dgram)
{
	struct sim_dev *d = head->dev;
	struct sim *s = d->sim;
	unsigned copies = 1;

	s->passed++;
	if (s->args.loss > 0 && draw(s) < s->args.loss) {
		s->lost++;
		return;
	}
	if (s->args.dup > 0 && draw(s) < s->args.dup) {
		s->doubled++;
		copies = 2;
	}
	while (copies-- > 0) {
		if (head->power != d->power)
			return; /* the first copy took the power away */
		if (s->args.delay_ms > 0)
			delay(head, dgram);
		else
			arrive(d, head, dgram);
	}
}

void
sim_net_send(struct sim_dev *d, const struct exch_peer *to,
    struct slice dgram)
{
	struct sim_packet head = {.dev = d, .power = d->power, .peer = *to,
	    .fd = d->fetch_fd >= 0 && d->exch.out &&
	    exch_peer_eq(to, &d->exch.to) ? d->fetch_fd : d->fd};

	wire(&head, dgram);
}

void
sim_net_fini(struct sim *s)
{
	while (s->delayed != NULL)
		unlink_packet(s->delayed);
}

/* --- sockets --- */

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct sim_dev *d = arg;
	struct sim_packet head = {.dev = d, .power = d->power,
	    .inwards = true};
	uint8_t bytes[2048];

	(void)what;
	for (int i = 0; i < BATCH; i++) {
		ssize_t n;

		head.peer.len = sizeof head.peer.ss;
		n = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT,
		    (struct sockaddr *)&head.peer.ss, &head.peer.len);
		if (n < 0)
			break;
		wire(&head, slice_of(bytes, (size_t)n));
		if (head.power != d->power || (fd != d->fd &&
		    fd != d->fetch_fd))
			return; /* closed under our hands */
	}
	sim_dev_run(d);
}

static void
device_addr(const struct sim_dev *d, bool server_port, struct exch_peer *ret)
{
	const struct sim *s = d->sim;
	const uint16_t port = htons(server_port ? s->args.port : 0);
	struct sockaddr_in *a4 = (void *)&ret->ss;
	struct sockaddr_in6 *a6 = (void *)&ret->ss;

	memset(ret, 0, sizeof *ret);
	ret->ss.ss_family = s->server.ss.ss_family;
	if (ret->ss.ss_family == AF_INET6) {
		ret->len = sizeof *a6;
		a6->sin6_port = port == 0 ? 0 :
		    htons((uint16_t)(s->args.port + d->index));
		return;
	}
	ret->len = sizeof *a4;
	a4->sin_port = port;
	if (s->args.addr_base != 0)
		a4->sin_addr.s_addr = htonl(s->args.addr_base + d->index + 1);
	else if (port != 0)
		a4->sin_port = htons((uint16_t)(s->args.port + d->index));
}

static int
open_socket(struct sim_dev *d, bool server_port, int *ret_fd,
    struct event **ret_ev)
{
	struct exch_peer local;
	int fd;
	struct event *ev;

	device_addr(d, server_port, &local);
	fd = socket(local.ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd < 0)
		return why_set(&d->core.why, ERR_IO, "socket: %m");
	if (bind(fd, (struct sockaddr *)&local.ss, local.len) != 0) {
		close(fd);
		return why_set(&d->core.why, ERR_IO, "bind: %m");
	}
	ev = event_new(d->sim->base, fd, EV_READ | EV_PERSIST, on_readable, d);
	if (ev == NULL || event_add(ev, NULL) != 0) {
		close(fd);
		return ERR_NOMEM;
	}
	*ret_fd = fd;
	*ret_ev = ev;
	return 0;
}

static void
close_socket(int *fd, struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	if (*fd >= 0)
		close(*fd);
	*ev = NULL;
	*fd = -1;
}

int
sim_net_open(struct sim_dev *d)
{
	return open_socket(d, d->kind->triggers, &d->fd, &d->ev);
}

int
sim_net_fresh(struct sim_dev *d)
{
	close_socket(&d->fetch_fd, &d->fetch_ev);
	return open_socket(d, false, &d->fetch_fd, &d->fetch_ev);
}

void
sim_net_close(struct sim_dev *d)
{
	close_socket(&d->fd, &d->ev);
	close_socket(&d->fetch_fd, &d->fetch_ev);
}

char *
sim_net_address(const struct sim_dev *d, char *dst, size_t cap)
{
	struct exch_peer a;
	char host[INET6_ADDRSTRLEN];

	device_addr(d, true, &a);
	if (a.ss.ss_family == AF_INET6) {
		const struct sockaddr_in6 *a6 = (const void *)&a.ss;

		snprintf(dst, cap, "coap://[::1]:%u", ntohs(a6->sin6_port));
	} else {
		const struct sockaddr_in *a4 = (const void *)&a.ss;

		snprintf(dst, cap, "coap://%s:%u", inet_ntop(AF_INET,
		    &a4->sin_addr, host, sizeof host), ntohs(a4->sin_port));
	}
	return dst;
}

/* --- names --- */

static int
resolve(const struct uri *u, struct exch_peer *ret)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *res = NULL;
	char host[LIMIT_URI + 1], port[8];

	if (!slice_to_cstr(u->host, host, sizeof host))
		return ERR_SIZE;
	snprintf(port, sizeof port, "%u", u->port);
	if (getaddrinfo(host, port, &hints, &res) != 0 || res == NULL)
		return ERR_UNREACHABLE;
	memset(ret, 0, sizeof *ret);
	memcpy(&ret->ss, res->ai_addr, res->ai_addrlen);
	ret->len = res->ai_addrlen;
	freeaddrinfo(res);
	return 0;
}

int
sim_net_target(struct sim *s, const char *text, struct exch_target *ret)
{
	struct uri u;
	int err;

	err = uri_parse(slice_str(text), &u, NULL);
	if (err == 0)
		err = uri_path(&u, ret->path, sizeof ret->path);
	if (err != 0)
		return err;
	ret->query = u.query;
	ret->peer = s->server;
	if (u.scheme == URI_NONE)
		return 0;
	if (u.scheme != URI_COAP && u.scheme != URI_COAPS)
		return ERR_UNSUPPORTED;
	err = resolve(&u, &ret->peer);
	if (err != 0)
		return err;
	/* the one association is with the server; what is not meant for it
	 * is plain */
	return (u.scheme == URI_COAPS) == (s->secure &&
	    exch_peer_eq(&ret->peer, &s->server)) ? 0 : ERR_UNSUPPORTED;
}

int
sim_net_server(struct sim *s, struct why *why)
{
	struct uri u;
	int err;

	err = uri_parse(slice_str(s->args.server), &u, why);
	if (err == 0 && u.scheme != URI_COAP && u.scheme != URI_COAPS)
		err = ERR_UNSUPPORTED;
	if (err == 0)
		err = resolve(&u, &s->server);
	if (err != 0)
		return why_set(why, err, "--server %s: %s", s->args.server,
		    err_text(err));
	s->secure = u.scheme == URI_COAPS;
	return 0;
}

bool
sim_net_loopback(const struct sim *s)
{
	const struct sockaddr_in *a4 = (const void *)&s->server.ss;

	return s->args.server == NULL ||
	    (s->server.ss.ss_family == AF_INET &&
	    ntohl(a4->sin_addr.s_addr) >> 24 == 127);
}
