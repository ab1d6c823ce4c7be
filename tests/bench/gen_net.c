/*
 * A socket a device was rejected: a process may have some ten thousands of
 * them, each costs kernel memory, and asking epoll for each answer costs
 * more than the answer.
 */
#include "tests/bench/gen_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/gen_addr.h"
#include "tests/bench/gen_rand.h"
#include "tests/bench/gen_wire.h"

#define BATCH 64
#define DATAGRAM 1536
#define BUFFER (32 << 20) /* bytes, asked of the kernel both ways */
#define PROBE_MS 500

struct batch {
	unsigned n;
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	struct addr from[BATCH]; /* of received ones */
	_Alignas(struct cmsghdr) char control[BATCH][ADDR_CONTROL];
	uint8_t bytes[BATCH][DATAGRAM];
};

struct sock {
	int fd;
	struct batch out;
};

struct net {
	struct addr to;
	struct addr_range range;
	unsigned sockets;
	uint64_t luck, loss; /* loss: of 2^32 */
	struct net_counts counts;
	struct pollfd poll[GEN_SOCKETS];
	struct sock *sock[GEN_SOCKETS];
	struct batch in;
};

/* --- setting up --- */

static void
prepare(struct net *n, struct batch *b, bool out)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct msghdr *m = &b->m[i].msg_hdr;

		b->iov[i] = (struct iovec){b->bytes[i], DATAGRAM};
		m->msg_iov = &b->iov[i];
		m->msg_iovlen = 1;
		m->msg_name = out ? &n->to.u.sa : &b->from[i].u.sa;
		m->msg_namelen = out ? n->to.n : sizeof(b->from[i].u);
		m->msg_control = b->control[i];
		m->msg_controllen = ADDR_CONTROL;
	}
}

/* As much as the kernel gives: it halves what goes beyond its limit. */
static void
enlarge(int fd)
{
	const int bytes = BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
	    sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes,
		    sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
	    sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes,
		    sizeof(bytes));
}

/* Without fragments a datagram needs no identification: 4 % of its cost. */
static void
unfragmented(int fd)
{
	const int how = IP_PMTUDISC_PROBE;

	(void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &how, sizeof(how));
}

static int
open_socket(struct net *n, int *ret, struct why *why)
{
	const bool v4 = n->range.family == AF_INET;
	const int on = 1;
	struct addr any = {.n = n->to.n};
	int fd = socket(n->range.family, SOCK_DGRAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);

	any.u.sa.sa_family = (sa_family_t)n->range.family;
	if (fd < 0)
		return why_set(why, ERR_IO, "socket: %s", strerror(errno));
	enlarge(fd);
	unfragmented(fd);
	if (setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
	    v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, &on, sizeof(on)) != 0 ||
	    (!v4 && setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on,
	    sizeof(on)) != 0) || bind(fd, &any.u.sa, any.n) != 0) {
		(void)why_set(why, ERR_IO, "socket: %s", strerror(errno));
		close(fd);
		return ERR_IO;
	}
	*ret = fd;
	return 0;
}

/* Answers come back only if the address is one of this machine's. */
static int
probe(struct net *n, uint32_t k, struct why *why)
{
	struct addr me = {.n = sizeof(me.u)};
	struct pollfd *p = &n->poll[0];
	char text[INET6_ADDRSTRLEN];
	uint8_t b[4];

	if (getsockname(p->fd, &me.u.sa, &me.n) != 0)
		return why_set(why, ERR_IO, "getsockname");
	me = addr_of(&n->range, k, addr_port(&me));
	if (sendto(p->fd, "me", 2, 0, &me.u.sa, me.n) == 2 &&
	    poll(p, 1, PROBE_MS) == 1 && recv(p->fd, b, sizeof(b), 0) == 2)
		return 0;
	if (n->range.family == AF_INET)
		inet_ntop(AF_INET, &me.u.v4.sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &me.u.v6.sin6_addr, text, sizeof(text));
	return why_set(why, ERR_UNREACHABLE, "device %u's address %s is not "
	    "this machine's: another --base, or for IPv6\n"
	    "  ip -6 route add local fd99::/64 dev lo", k, text);
}

int
net_open(const struct gen_args *a, struct net **ret, struct why *why)
{
	struct net *n = calloc(1, sizeof(*n));
	int rc = n != NULL ? addr_parse(a->to, &n->to, why) : ERR_NOMEM;

	if (rc == 0)
		rc = addr_range(a, &n->to, &n->range, why);
	for (unsigned i = 0; rc == 0 && i < (n->range.none ? a->peers :
	    a->sockets); i++) {
		n->sock[i] = calloc(1, sizeof(*n->sock[i]));
		if (n->sock[i] == NULL)
			rc = ERR_NOMEM;
		else
			rc = open_socket(n, &n->sock[i]->fd, why);
		if (rc != 0)
			break;
		prepare(n, &n->sock[i]->out, true);
		n->poll[i] = (struct pollfd){n->sock[i]->fd, POLLIN, 0};
		n->sockets++;
	}
	if (rc == 0 && !n->range.none)
		rc = probe(n, 0, why);
	if (rc == 0 && !n->range.none)
		rc = probe(n, n->range.peers - 1, why);
	if (rc != 0) {
		net_close(n);
		return rc;
	}
	prepare(n, &n->in, false);
	n->luck = a->seed;
	n->loss = (uint64_t)(a->loss / 100 * 4294967296.0);
	*ret = n;
	return 0;
}

void
net_close(struct net *n)
{
	if (n == NULL)
		return;
	for (unsigned i = 0; i < GEN_SOCKETS; i++) {
		if (i < n->sockets)
			close(n->sock[i]->fd);
		free(n->sock[i]);
	}
	free(n);
}

/* --- out --- */

static bool
lost(struct net *n)
{
	return n->loss > 0 && rand_next(&n->luck) >> 32 < n->loss;
}

static void
flush(struct net *n, struct sock *s)
{
	unsigned done = 0;

	while (done < s->out.n) {
		int sent = sendmmsg(s->fd, s->out.m + done, s->out.n - done,
		    MSG_DONTWAIT);

		if (sent > 0) {
			done += (unsigned)sent;
		} else if (errno != EINTR) { /* lost, like any other */
			done++;
			n->counts.unsent++;
		}
	}
	s->out.n = 0;
}

uint8_t *
net_room(struct net *n, uint32_t k)
{
	struct batch *b = &n->sock[k % n->sockets]->out;

	return b->bytes[b->n];
}

void
net_send(struct net *n, uint32_t k, size_t len)
{
	struct sock *s = n->sock[k % n->sockets];
	struct batch *b = &s->out;

	if (lost(n))
		return;
	b->iov[b->n].iov_len = len;
	addr_source(&n->range, k, &b->m[b->n].msg_hdr);
	if (++b->n == BATCH)
		flush(n, s);
}

void
net_flush(struct net *n)
{
	for (unsigned i = 0; i < n->sockets; i++)
		if (n->sock[i]->out.n > 0)
			flush(n, n->sock[i]);
}

/* --- in --- */

unsigned
net_receive(struct net *n, void (*got)(void *arg, uint32_t k,
    struct slice datagram), void *arg)
{
	struct batch *b = &n->in;
	unsigned all = 0;

	for (unsigned i = 0; i < n->sockets; i++) {
		int r = recvmmsg(n->sock[i]->fd, b->m, BATCH, MSG_DONTWAIT,
		    NULL);

		for (int j = 0; j < r; j++) {
			struct msghdr *m = &b->m[j].msg_hdr;
			uint32_t k = n->range.none ? i :
			    addr_device(&n->range, m);

			if (k == ADDR_NOBODY || !addr_eq(&n->to, m->msg_name))
				n->counts.strangers++;
			else if (!lost(n))
				got(arg, k, slice_of(b->bytes[j],
				    b->m[j].msg_len));
			m->msg_namelen = sizeof(b->from[j].u);
			m->msg_controllen = ADDR_CONTROL;
		}
		all += r > 0 ? (unsigned)r : 0;
	}
	return all;
}

void
net_wait(struct net *n, int ms)
{
	(void)poll(n->poll, n->sockets, ms);
}

struct net_counts
net_counts(const struct net *n)
{
	return n->counts;
}
