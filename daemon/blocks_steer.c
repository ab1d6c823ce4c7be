/*
 * Sockets in one SO_REUSEPORT group with libcoap's, and the program that
 * sends each datagram to one of them.
 *
 * libcoap binds its socket without SO_REUSEPORT; setting it afterwards is
 * enough for others to join, and makes that socket number 0 of the group.
 * The program is classic BPF, which needs no privilege: data begins with the
 * UDP payload, and a load past its end answers 0, which is libcoap. Numbers 1
 * and on are the contexts for those who observe (front_follow.c), then the
 * workers; so these are gone without changing those.
 *
 * A worker's socket does not let the kernel fragment: an IPv4 packet that
 * might be needs a number of its own, and drawing it is 4 % of a block. The
 * few that do not fit leave by libcoap's socket.
 */
#include "daemon/blocks_impl.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define RCVBUF (4 * 1024 * 1024)
#define SNDBUF (4 * 1024 * 1024)
#define WAKE_S 1 /* a worker looks around at least this often */

/* Up to 12 bytes are compared in 5 loads: 5 x 2 and a jump. */
#define SEGMENT_OPS 11
#define OBSERVE_OPS 22
#define OPTIONS (1 + CONTENT_ETAGS + 1) /* a host, ETags, and Observe */
#define PROGRAM_MAX (128 + LIMIT_STEERED * SEGMENT_OPS + OPTIONS * OBSERVE_OPS)

#define OBSERVE 6 /* the option's number */

struct program {
	struct sock_filter f[PROGRAM_MAX];
	unsigned short n;
};

static void
op(struct program *p, uint16_t code, uint32_t k)
{
	p->f[p->n++] = (struct sock_filter)BPF_STMT(code, k);
}

/* A comparison of A, with how many to skip when it holds and when not. */
static void
op2(struct program *p, uint16_t how, uint32_t k, uint8_t yes, uint8_t no)
{
	p->f[p->n++] = (struct sock_filter)BPF_JUMP(
	    (uint16_t)(BPF_JMP | how | BPF_K), k, yes, no);
}

/* Goes on when A == k (BPF_JEQ) or A > k does not hold (BPF_JGT); else the
 * datagram is libcoap's. */
static void
unless(struct program *p, uint16_t how, uint32_t k)
{
	bool eq = how == BPF_JEQ;

	op2(p, how, k, eq, !eq);
	op(p, BPF_RET | BPF_K, 0);
}

/* Jumps to places that are not known yet, each to where it is let land. */
struct jumps {
	unsigned n, at[LIMIT_STEERED + OPTIONS];
};

static void
jump(struct program *p, struct jumps *j)
{
	j->at[j->n++] = p->n;
	op(p, BPF_JMP | BPF_JA, 0);
}

static void
land(struct program *p, const struct jumps *j)
{
	for (unsigned i = 0; i < j->n; i++)
		p->f[j->at[i]].k = p->n - j->at[i] - 1;
}

static void
jump_if(struct program *p, struct jumps *j, uint32_t k)
{
	op2(p, BPF_JEQ, k, 0, 1);
	jump(p, j);
}

/*
 * Is the option at 4 + X the Uri-Path `s`? Then on to what ends the program;
 * if not, the next one begins right behind. The option's head is its delta
 * from none, 11, and the length.
 */
static void
try_segment(struct program *p, const char *s, struct jumps *found)
{
	uint8_t b[1 + STEER_SEGMENT];
	unsigned n = (unsigned)strlen(s) + 1, at = 0, test[5], tests = 0;

	b[0] = (uint8_t)(0xb0 | (n - 1));
	memcpy(b + 1, s, n - 1);
	while (at < n) {
		unsigned left = n - at, w = left >= 4 ? 4 : left >= 2 ? 2 : 1;
		uint32_t k = 0;

		for (unsigned i = 0; i < w; i++)
			k = k << 8 | b[at + i];
		op(p, (uint16_t)(BPF_LD | BPF_IND | (w == 4 ? BPF_W :
		    w == 2 ? BPF_H : BPF_B)), 4 + at);
		test[tests++] = p->n;
		op(p, BPF_JMP | BPF_JEQ | BPF_K, k);
		at += w;
	}
	jump(p, found);
	for (unsigned i = 0; i < tests; i++)
		p->f[test[i]].jf = (uint8_t)(p->n - test[i] - 1);
}

/* Is it a GET, confirmable or not? X becomes its token's length. An
 * acknowledgement or a reset is for those who notify. */
static void
want_get(struct program *p, bool follow, struct jumps *notifiers)
{
	op(p, BPF_LD | BPF_B | BPF_ABS, 0);
	op(p, BPF_ALU | BPF_AND | BPF_K, 0xe0); /* version, type's high bit */
	if (follow)
		jump_if(p, notifiers, 0x60);
	unless(p, BPF_JEQ, 0x40);
	op(p, BPF_LD | BPF_B | BPF_ABS, 1);
	unless(p, BPF_JEQ, 1); /* GET */
	op(p, BPF_LD | BPF_B | BPF_ABS, 0);
	op(p, BPF_ALU | BPF_AND | BPF_K, 0x0f);
	unless(p, BPF_JGT, 8); /* the token's length */
	op(p, BPF_MISC | BPF_TAX, 0);
}

enum { NUMBER, HEAD, AT }; /* words of the program's memory */

/*
 * Is the option at 4 + X Observe? If not, it is skipped, unless it comes
 * after where Observe would be. Of what goes before, only a Uri-Host may be
 * long: one byte tells its length.
 */
static void
try_observe(struct program *p, struct jumps *found)
{
	op(p, BPF_LD | BPF_B | BPF_IND, 4);
	op(p, BPF_ST, HEAD);
	op(p, BPF_STX, AT);
	op(p, BPF_ALU | BPF_RSH | BPF_K, 4);
	op(p, BPF_LDX | BPF_W | BPF_MEM, NUMBER);
	op(p, BPF_ALU | BPF_ADD | BPF_X, 0);
	jump_if(p, found, OBSERVE);
	unless(p, BPF_JGT, OBSERVE);
	op(p, BPF_ST, NUMBER);
	op(p, BPF_LD | BPF_W | BPF_MEM, HEAD);
	op(p, BPF_ALU | BPF_AND | BPF_K, 0x0f);
	unless(p, BPF_JGT, 13);
	op(p, BPF_LDX | BPF_W | BPF_MEM, AT);
	op2(p, BPF_JEQ, 13, 0, 2);
	op(p, BPF_LD | BPF_B | BPF_IND, 5);
	op(p, BPF_ALU | BPF_ADD | BPF_K, 14);
	op(p, BPF_ALU | BPF_ADD | BPF_K, 1);
	op(p, BPF_ALU | BPF_ADD | BPF_X, 0);
	op(p, BPF_MISC | BPF_TAX, 0);
}

#define NET(off) ((uint32_t)SKF_NET_OFF + (off))

/* A: address and X: port of the sender, from the network header on; of an
 * IPv6 address three words are in X, too. */
static void
load_sender(struct program *p)
{
	struct sock_filter *v6, *end;

	op(p, BPF_LD | BPF_B | BPF_ABS, NET(0));
	op(p, BPF_ALU | BPF_AND | BPF_K, 0xf0);
	v6 = &p->f[p->n];
	op(p, BPF_JMP | BPF_JEQ | BPF_K, 0x60);
	op(p, BPF_LDX | BPF_B | BPF_MSH, NET(0)); /* the header's length */
	op(p, BPF_LD | BPF_H | BPF_IND, NET(0));
	op(p, BPF_MISC | BPF_TAX, 0);
	op(p, BPF_LD | BPF_W | BPF_ABS, NET(12));
	end = &p->f[p->n];
	op(p, BPF_JMP | BPF_JA, 0);
	v6->jt = (uint8_t)(&p->f[p->n] - v6 - 1);
	op(p, BPF_LD | BPF_H | BPF_ABS, NET(40));
	for (uint32_t at = 8; at < 20; at += 4) {
		op(p, BPF_MISC | BPF_TAX, 0);
		op(p, BPF_LD | BPF_W | BPF_ABS, NET(at));
		op(p, BPF_ALU | BPF_XOR | BPF_X, 0);
	}
	op(p, BPF_MISC | BPF_TAX, 0);
	op(p, BPF_LD | BPF_W | BPF_ABS, NET(20));
	end->k = (uint32_t)(&p->f[p->n] - end - 1);
}

/* One of n sockets; the same sender meets the same one. */
static void
choose(struct program *p, unsigned first, unsigned n)
{
	if (n > 1) {
		load_sender(p);
		op(p, BPF_ALU | BPF_XOR | BPF_X, 0);
		op(p, BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1);
		op(p, BPF_ALU | BPF_RSH | BPF_K, 16);
		op(p, BPF_ALU | BPF_MOD | BPF_K, n);
		op(p, BPF_ALU | BPF_ADD | BPF_K, first);
		op(p, BPF_RET | BPF_A, 0);
	} else {
		op(p, BPF_RET | BPF_K, first);
	}
}

int
steer_set(const struct steer_group *g, const struct steer *st)
{
	struct program p = {.n = 0};
	struct sock_fprog prog = {.filter = p.f};
	struct jumps images = {.n = 0}, notifiers = {.n = 0};

	want_get(&p, g->follow_n > 0, &notifiers);
	for (size_t i = 0; i < st->n && g->n > 0; i++)
		try_segment(&p, st->segment[i], &images);
	op(&p, BPF_LD | BPF_IMM, 0);
	op(&p, BPF_ST, NUMBER);
	for (unsigned i = 0; i < OPTIONS && g->follow_n > 0; i++)
		try_observe(&p, &notifiers);
	op(&p, BPF_RET | BPF_K, 0);
	if (g->n > 0) {
		land(&p, &images);
		choose(&p, 1 + g->follow_n, g->n);
	}
	if (g->follow_n > 0) {
		land(&p, &notifiers);
		choose(&p, 1, g->follow_n);
	}
	prog.len = p.n;
	return setsockopt(g->beside, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF,
	    &prog, sizeof(prog)) == 0 ? 0 : ERR_UNSUPPORTED;
}

static int
set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static void
grow(int fd, int force, int name, int bytes)
{
	/* beyond net.core.[rw]mem_max only with CAP_NET_ADMIN */
	if (set(fd, SOL_SOCKET, force, bytes) != 0)
		(void)set(fd, SOL_SOCKET, name, bytes);
}

/* Which of its addresses was asked is told by the kernel only on request,
 * and there is something to tell only when it was bound to all of them. */
static int
want_address(int fd, const struct sockaddr_in6 *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;

	if (a->sin6_family == AF_INET)
		return v4->sin_addr.s_addr == htonl(INADDR_ANY) ?
		    set(fd, IPPROTO_IP, IP_PKTINFO, 1) : 0;
	return IN6_IS_ADDR_UNSPECIFIED(&a->sin6_addr) ?
	    set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : 0;
}

/* Groups that somebody joined on another socket are not ours. */
static void
hear_own_groups(int fd, bool v6)
{
	(void)set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	if (v6)
		(void)set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
}

static int
configure(int fd, const struct sockaddr_in6 *a, int v6only)
{
	const struct timeval wake = {.tv_sec = WAKE_S};
	bool v6 = a->sin6_family == AF_INET6;

	grow(fd, SO_RCVBUFFORCE, SO_RCVBUF, RCVBUF);
	grow(fd, SO_SNDBUFFORCE, SO_SNDBUF, SNDBUF);
	if (set(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wake,
	    sizeof(wake)) != 0 ||
	    (v6 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only) != 0) ||
	    want_address(fd, a) != 0)
		return -1;
	(void)set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	hear_own_groups(fd, v6);
	return 0;
}

static int
open_one(int beside)
{
	struct sockaddr_in6 a = {.sin6_family = AF_UNSPEC};
	socklen_t n = sizeof(a), one = sizeof(int);
	int fd, v6only = 0, e;

	if (getsockname(beside, (struct sockaddr *)&a, &n) != 0 ||
	    (a.sin6_family == AF_INET6 && getsockopt(beside, IPPROTO_IPV6,
	    IPV6_V6ONLY, &v6only, &one) != 0))
		return -1;
	fd = socket(a.sin6_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (configure(fd, &a, v6only) != 0 ||
	    bind(fd, (struct sockaddr *)&a, n) != 0) {
		e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

/* Until the program was there the kernel chose by itself. These datagrams
 * are few, and lost: who sent them does so again. */
static void
drain(int fd)
{
	int e = errno; /* of who asks for it */
	uint8_t c;

	while (recv(fd, &c, 1, MSG_DONTWAIT) >= 0)
		continue;
	errno = e;
}

/*
 * A socket that libcoap bound to a port of the kernel's choice gives that up
 * when its association is dissolved, and can be bound anew. It stays the
 * same one, so libcoap's epoll set knows it.
 */
static int
move(int fd, int beside)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct sockaddr_in6 a;
	socklen_t n = sizeof(a);

	if (getsockname(beside, (struct sockaddr *)&a, &n) != 0 ||
	    connect(fd, &none, sizeof(none)) != 0 ||
	    set(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0)
		return -1;
	hear_own_groups(fd, a.sin6_family == AF_INET6);
	return bind(fd, (struct sockaddr *)&a, n);
}

static int
join_all(struct steer_group *open, const struct steer_group *g)
{
	int rc = set(g->beside, SOL_SOCKET, SO_REUSEPORT, 1);

	for (unsigned i = 0; i < g->follow_n && rc == 0; i++)
		rc = move(g->follow[i], g->beside);
	while (rc == 0 && open->n < g->n) {
		open->fd[open->n] = open_one(g->beside);
		rc = open->fd[open->n] < 0 ? -1 : 0;
		open->n += rc == 0;
	}
	return rc;
}

int
steer_open(struct steer_group *g, const struct steer *st, struct why *why)
{
	struct steer_group open = {.beside = g->beside};
	const char *what = "joining libcoap's socket";
	int e, rc = join_all(&open, g);

	if (rc == 0) {
		open.follow_n = g->follow_n;
		memcpy(open.follow, g->follow, sizeof(open.follow));
		what = "SO_ATTACH_REUSEPORT_CBPF";
		rc = steer_set(&open, st);
	}
	if (rc != 0) {
		e = errno;
		open.follow_n = 0;
		steer_close(&open);
		g->n = 0;
		return why_set(why, ERR_UNSUPPORTED, "%s: %s", what,
		    strerror(e));
	}
	for (unsigned i = 0; i < open.n; i++)
		drain(open.fd[i]);
	for (unsigned i = 0; i < open.follow_n; i++)
		drain(open.follow[i]);
	*g = open;
	return 0;
}

/* The last first: the kernel moves the last one to a place that is free. */
void
steer_close(struct steer_group *g)
{
	static const struct steer none = {0};

	if (g->follow_n == 0)
		(void)set(g->beside, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0);
	while (g->n > 0)
		close(g->fd[--g->n]);
	if (g->follow_n > 0 && steer_set(g, &none) == 0)
		return;
	/* nobody else shall join it */
	(void)set(g->beside, SOL_SOCKET, SO_REUSEPORT, 0);
}
