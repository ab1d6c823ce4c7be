/*
 * Two sockets: one that peers know, and one that libcoap knows. The second
 * is bound to no address, so that it can send as any of 127.0.0.0/8 and gets
 * what is sent to any of them. libcoap's own socket takes nothing from other
 * ports than ours, which the kernel sees to, so nobody else on this host can
 * speak as a device.
 *
 * Rejected: SO_REUSEPORT beside the port of plain CoAP, as images have it. A
 * request shows that it is OSCORE, but an acknowledgement does not.
 */
#include "daemon/front_oscore.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/addr.h"
#include "daemon/front_sock.h"
#include "daemon/loop.h"
#include "daemon/observe.h"
#include "daemon/oscore.h"

#define AT_ONCE 64 /* datagrams in a turn: each is deciphered */
#define RCVBUF (4 * 1024 * 1024)

struct front_oscore {
	struct front *f;
	struct oscore *o;
	int out, in; /* sockets: peers', libcoap's */
	struct sockaddr_in libcoap;
	in_port_t port; /* of `in`, as the network has it */
	uint8_t read[LIMIT_OSCORE_MESSAGE], made[LIMIT_OSCORE_MESSAGE];
};

/* --- datagrams --- */

/* What the kernel says of one, and is told. */
struct message {
	struct iovec iov;
	_Alignas(struct cmsghdr) uint8_t control[64];
	struct msghdr h;
};

static void
message_init(struct message *m, void *bytes, size_t n)
{
	*m = (struct message){.iov = {bytes, n}};
	m->h.msg_iov = &m->iov;
	m->h.msg_iovlen = 1;
	m->h.msg_control = m->control;
	m->h.msg_controllen = sizeof(m->control);
}

/* The address that it came to; all zero: the only one there is. */
static void
get_to(struct message *m, struct oscore_place *p)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(&m->h); c != NULL; c = CMSG_NXTHDR(&m->h, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			memcpy(&p->to.v4, CMSG_DATA(c), sizeof(p->to.v4));
		else if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO)
			memcpy(&p->to.v6, CMSG_DATA(c), sizeof(p->to.v6));
	}
}

static void
put_to(struct message *m, int level, int type, struct slice info)
{
	struct cmsghdr *c = (struct cmsghdr *)m->control;

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(info.n);
	memcpy(CMSG_DATA(c), info.p, info.n);
	m->h.msg_controllen = CMSG_SPACE(info.n);
}

/* A length, or < 0. */
static ssize_t
receive(int fd, struct front_oscore *g, struct oscore_place *ret)
{
	struct message m;
	ssize_t n;

	message_init(&m, g->read, sizeof(g->read));
	memset(ret, 0, sizeof(*ret));
	m.h.msg_name = &ret->from;
	m.h.msg_namelen = sizeof(ret->from);
	n = recvmsg(fd, &m.h, MSG_DONTWAIT);
	if (n >= 0)
		get_to(&m, ret);
	return n >= 0 && (m.h.msg_flags & MSG_TRUNC) != 0 ? 0 : n;
}

/* From the address that was asked; a route decides about the interface,
 * unless the address means nothing without. */
static void
send_to_peer(struct front_oscore *g, const struct buf *b,
    const struct oscore_place *to)
{
	struct oscore_place p = *to;
	struct message m;

	message_init(&m, b->p, b->n);
	m.h.msg_name = &p.from;
	if (p.from.sa.sa_family == AF_INET) {
		m.h.msg_namelen = sizeof(p.from.in);
		p.to.v4.ipi_ifindex = 0;
		put_to(&m, IPPROTO_IP, IP_PKTINFO, slice_of(&p.to.v4,
		    sizeof(p.to.v4)));
	} else {
		m.h.msg_namelen = sizeof(p.from.in6);
		if (!IN6_IS_ADDR_LINKLOCAL(&p.to.v6.ipi6_addr))
			p.to.v6.ipi6_ifindex = 0;
		put_to(&m, IPPROTO_IPV6, IPV6_PKTINFO, slice_of(&p.to.v6,
		    sizeof(p.to.v6)));
	}
	/* what is lost is asked for again */
	(void)!sendmsg(g->out, &m.h, MSG_DONTWAIT);
}

static in_addr_t
address_of(uint32_t number)
{
	return htonl(127u << 24 | number);
}

static void
send_to_libcoap(struct front_oscore *g, const struct buf *b, uint32_t number)
{
	struct in_pktinfo as = {.ipi_spec_dst.s_addr = address_of(number)};
	struct message m;

	message_init(&m, b->p, b->n);
	m.h.msg_name = &g->libcoap;
	m.h.msg_namelen = sizeof(g->libcoap);
	put_to(&m, IPPROTO_IP, IP_PKTINFO, slice_of(&as, sizeof(as)));
	(void)!sendmsg(g->in, &m.h, MSG_DONTWAIT);
}

static void
on_peers(void *arg)
{
	struct front_oscore *g = arg;
	struct oscore_place place;
	uint32_t number = 0;
	ssize_t n;

	for (int i = 0; i < AT_ONCE &&
	    (n = receive(g->out, g, &place)) >= 0; i++) {
		struct buf b = buf_of(g->made, sizeof(g->made));

		switch (oscore_in(g->o, &place, slice_of(g->read, (size_t)n),
		    &b, &number)) {
		case OSCORE_PASS:
			send_to_libcoap(g, &b, number);
			break;
		case OSCORE_SEND:
			send_to_peer(g, &b, &place);
			break;
		case OSCORE_DROP:
			break;
		}
	}
}

static void
on_libcoap(void *arg)
{
	struct front_oscore *g = arg;
	struct oscore_place place;
	ssize_t n;

	for (int i = 0; i < AT_ONCE &&
	    (n = receive(g->in, g, &place)) >= 0; i++) {
		struct buf b = buf_of(g->made, sizeof(g->made));
		uint32_t number = ntohl(place.to.v4.ipi_addr.s_addr) &
		    0xffffff;

		if (place.from.in.sin_port == g->libcoap.sin_port &&
		    place.from.in.sin_addr.s_addr ==
		    g->libcoap.sin_addr.s_addr &&
		    oscore_out(g->o, number, slice_of(g->read, (size_t)n), &b,
		    &place) == OSCORE_SEND)
			send_to_peer(g, &b, &place);
	}
}

/* --- hooks --- */

static int
on_find(void *arg, const char *identity, struct oscore_given *ret)
{
	struct front *f = arg;

	return f->hooks.oscore == NULL ? ERR_NOT_FOUND :
	    f->hooks.oscore(f->app, identity, ret);
}

static int
on_reserve(void *arg, uint64_t credential, uint64_t counter)
{
	struct front *f = arg;

	return f->hooks.oscore_count(f->app, credential, counter);
}

static uint64_t
on_luck(void *arg)
{
	uint64_t r;

	(void)arg;
	coap_prng(&r, sizeof(r));
	return r;
}

/* Nobody hears its observations any more. */
static void
on_gone(void *arg, uint32_t number)
{
	struct front *f = arg;
	coap_session_t *s;
	coap_address_t a;

	coap_address_init(&a);
	a.size = sizeof(a.addr.sin);
	a.addr.sin.sin_family = AF_INET;
	a.addr.sin.sin_addr.s_addr = address_of(number);
	a.addr.sin.sin_port = f->oscore->port;
	s = coap_session_get_by_peer(f->plane[T_OSCORE].ctx, &a, 0);
	if (s != NULL)
		observe_closed(f->observers, s);
}

/* --- life --- */

static int
set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int
open_socket(const struct sockaddr *sa, socklen_t n)
{
	int fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), e;

	if (fd < 0)
		return -1;
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF) != 0)
		(void)set(fd, SOL_SOCKET, SO_RCVBUF, RCVBUF);
	if (sa->sa_family == AF_INET6)
		(void)set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if ((sa->sa_family == AF_INET ? set(fd, IPPROTO_IP, IP_PKTINFO, 1) :
	    set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)) == 0 &&
	    bind(fd, sa, n) == 0)
		return fd;
	e = errno;
	close(fd);
	errno = e;
	return -1;
}

/* A host without IPv6 still may have "[::]" configured. */
static int
open_out(struct front_oscore *g, const char *listen, struct why *why)
{
	char text[LIMIT_ADDRESS];
	coap_address_t a;
	int rc = addr_parse(listen, &a, why);

	if (rc != 0)
		return rc;
	g->out = open_socket(&a.addr.sa, a.size);
	if (g->out < 0 && errno == EAFNOSUPPORT &&
	    IN6_IS_ADDR_UNSPECIFIED(&a.addr.sin6.sin6_addr)) {
		snprintf(text, sizeof(text), "0.0.0.0:%u",
		    coap_address_get_port(&a));
		rc = addr_parse(text, &a, why);
		g->out = rc == 0 ? open_socket(&a.addr.sa, a.size) : -1;
	}
	if (g->out < 0)
		return why_set(why, errno == EADDRINUSE ? ERR_BUSY : ERR_IO,
		    "cannot listen on %s: %s", listen, strerror(errno));
	return 0;
}

/* What is not from our port does not reach libcoap. The filter sees UDP's
 * header first, and in it the sender's port. */
static int
guard(int fd, uint16_t port)
{
	struct sock_filter ops[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {sizeof(ops) / sizeof(ops[0]), ops};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
	    sizeof(prog));
}

static int
open_in(struct front_oscore *g, struct why *why)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	socklen_t n = sizeof(any);

	g->libcoap = (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_port = htons(g->f->plane[T_OSCORE].port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	g->in = open_socket((struct sockaddr *)&any, n);
	if (g->in < 0 || getsockname(g->in, (struct sockaddr *)&any, &n) != 0 ||
	    guard(g->f->plane[T_OSCORE].sock, ntohs(any.sin_port)) != 0)
		return why_set(why, ERR_IO, "oscore: loopback: %s",
		    strerror(errno));
	g->port = any.sin_port;
	return 0;
}

/* What is shown of the plane is what peers know. */
static int
show(struct front_oscore *g)
{
	struct plane *pl = &g->f->plane[T_OSCORE];
	char host[LIMIT_ADDRESS];
	coap_address_t a;

	coap_address_init(&a);
	if (getsockname(g->out, &a.addr.sa, &a.size) != 0)
		return ERR_IO;
	pl->port = coap_address_get_port(&a);
	addr_host(&a.addr.sa, host);
	addr_host_port(host, pl->port, pl->listen);
	return 0;
}

int
front_oscore_open(struct front *f, struct why *why)
{
	struct oscore_hooks hooks = {f, {0, 0}, on_find, on_reserve, on_luck,
	    on_gone};
	struct plane *pl = &f->plane[T_OSCORE];
	struct front_oscore *g;
	int rc;

	if (f->conf->listen_oscore[0] == '\0')
		return 0;
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return ERR_NOMEM;
	f->oscore = g;
	g->f = f;
	g->in = g->out = -1;
	rc = f->hooks.oscore_life != NULL ?
	    f->hooks.oscore_life(f->app, &hooks.life) : 0;
	if (rc == 0)
		rc = oscore_new(&hooks, &g->o);
	f->contexts = g->o;
	if (rc == 0)
		rc = plane_new(pl, "127.0.0.1:0", why);
	if (rc == 0)
		rc = open_in(g, why);
	if (rc == 0)
		rc = open_out(g, f->conf->listen_oscore, why);
	if (rc == 0)
		rc = show(g);
	if (rc == 0)
		rc = loop_read(f->loop, pl->fd, sock_turn, pl);
	if (rc == 0)
		rc = loop_read(f->loop, g->out, on_peers, g);
	if (rc == 0)
		rc = loop_read(f->loop, g->in, on_libcoap, g);
	return rc;
}

void
front_oscore_close(struct front *f)
{
	struct front_oscore *g = f->oscore;

	f->oscore = NULL;
	f->contexts = NULL;
	if (g == NULL)
		return;
	oscore_free(g->o);
	if (g->in >= 0)
		close(g->in);
	if (g->out >= 0)
		close(g->out);
	free(g);
}
