/*
 * coapgen: a closed-loop load generator. Each of SOCKETS sockets, with an
 * address of its own (127.2.x.y), has one request under way and sends the
 * next when its answer is in, so SOCKETS is also the window.
 *
 *	coapgen get PORT PATH SZX FILE SOCKETS SECONDS
 *		blocks in order, each socket begins elsewhere in the image;
 *		every byte is compared with FILE
 *	coapgen echo PORT PATH SZX FILE SOCKETS SECONDS
 *		the same requests to tests/bench/echo.c
 *	coapgen report PORT PREFIX DEVICES SOCKETS
 *		four reports of each of fill's devices, until all are acked
 *
 * Prints one line of JSON. Exit 1 when an answer was wrong.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/block.h"

#define SOCKETS_MAX 4096
#define PHASES 4
#define GET_AGAIN_MS 300 /* a lost block is asked for anew */
#define POST_AGAIN_MS 3000 /* a report is repeated, same message ID */
#define CODE_GET 1
#define CODE_POST 2
#define CODE_CHANGED 0x44
#define CODE_CONTENT 0x45
#define OPT_BLOCK2 23

struct sock {
	int fd;
	uint16_t mid;
	unsigned item; /* block number; or which report of this socket's */
	double sent;
	bool over;
	size_t n;
	uint8_t msg[128];
};

struct gen {
	enum { GEN_GET, GEN_ECHO, GEN_REPORT } kind;
	const char *path; /* or the devices' prefix */
	uint8_t szx;
	struct slice image;
	unsigned devices, sockets, open;
	double end;
	uint64_t done, lost, bad, answer_bytes;
	struct sock s[SOCKETS_MAX];
};

static double
mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- requests --- */

/* Options here have a delta below 13 and at most 268 bytes. */
static void
put_opt(struct buf *b, unsigned delta, struct slice v)
{
	if (v.n < 13) {
		buf_put_u8(b, (uint8_t)(delta << 4 | v.n));
	} else {
		buf_put_u8(b, (uint8_t)(delta << 4 | 13));
		buf_put_u8(b, (uint8_t)(v.n - 13));
	}
	buf_put(b, v);
}

static struct buf
begin(struct sock *s, uint8_t code)
{
	struct buf b = buf_of(s->msg, sizeof(s->msg));

	s->mid++;
	buf_put_u8(&b, 0x42); /* CON, 2 bytes of token */
	buf_put_u8(&b, code);
	for (int i = 0; i < 2; i++) { /* the token is the message ID again */
		buf_put_u8(&b, (uint8_t)(s->mid >> 8));
		buf_put_u8(&b, (uint8_t)s->mid);
	}
	return b;
}

static void
make_get(struct gen *g, struct sock *s)
{
	struct buf b = begin(s, CODE_GET);
	unsigned delta = 11, at = 0;
	uint8_t v[3];

	for (const char *p = g->path; *p != '\0'; delta = 0) {
		size_t n = strcspn(p, "/");

		put_opt(&b, delta, slice_of(p, n));
		at = 11;
		p += n + (p[n] == '/');
	}
	put_opt(&b, OPT_BLOCK2 - at, slice_of(v, block_put((struct block){
	    .num = s->item, .szx = g->szx}, v)));
	s->n = b.n;
}

static void
make_report(struct gen *g, struct sock *s, unsigned k)
{
	/* {phase 1, total 16384}, {2}, {3}, {phase 4, sequence 2} */
	static const char *const map[PHASES] = {
		"\xa2\x00\x01\x06\x19\x40\x00", "\xa1\x00\x02",
		"\xa1\x00\x03", "\xa2\x00\x04\x02\x02",
	};
	static const size_t len[PHASES] = {7, 3, 3, 5};
	unsigned per = g->devices / g->sockets, phase = s->item / per;
	char ep[80];
	struct buf b = begin(s, CODE_POST);

	snprintf(ep, sizeof(ep), "ep=%s%06u", g->path,
	    k + g->sockets * (s->item % per));
	put_opt(&b, 11, slice_str("r"));
	put_opt(&b, 1, slice_of("\x3c", 1)); /* Content-Format 60 */
	put_opt(&b, 3, slice_str(ep));
	buf_put_u8(&b, 0xff);
	buf_put(&b, slice_of(map[phase], len[phase]));
	s->n = b.n;
}

/* --- answers --- */

static bool
is_block(const struct gen *g, const struct sock *s, struct slice in)
{
	size_t at = 6, size = block_size(g->szx), off = s->item * size;
	unsigned opt = 0;
	struct block b = {.num = UINT32_MAX};
	struct slice want = slice_sub(g->image, off, size);

	while (at < in.n && in.p[at] != 0xff) {
		unsigned delta = in.p[at] >> 4, len = in.p[at] & 15;

		at++;
		if (delta == 13 && at < in.n)
			delta += in.p[at++];
		if (len > 12 || delta > 13 + 255)
			return false;
		opt += delta;
		if (opt == OPT_BLOCK2 &&
		    block_parse(slice_sub(in, at, len), &b) != 0)
			return false;
		at += len;
	}
	return in.p[1] == CODE_CONTENT && b.num == s->item &&
	    b.szx == g->szx && b.more == (off + size < g->image.n) &&
	    slice_eq(slice_sub(in, at + 1, in.n), want);
}

static bool
is_answer(const struct gen *g, const struct sock *s, struct slice in)
{
	switch (g->kind) {
	case GEN_GET:
		return is_block(g, s, in);
	case GEN_REPORT:
		return in.p[1] == CODE_CHANGED;
	case GEN_ECHO:
		break;
	}
	return true;
}

/* --- the loop --- */

static void
send_it(struct sock *s)
{
	s->sent = mono();
	(void)!send(s->fd, s->msg, s->n, 0); /* lost like any other */
}

static void
next(struct gen *g, unsigned k)
{
	struct sock *s = &g->s[k];

	if (g->kind == GEN_REPORT) {
		if (s->item == PHASES * (g->devices / g->sockets)) {
			s->over = true;
			g->open--;
			return;
		}
		make_report(g, s, k);
	} else {
		s->item %= (unsigned)((g->image.n + block_size(g->szx) - 1) /
		    block_size(g->szx));
		make_get(g, s);
	}
	send_it(s);
}

static void
receive(struct gen *g, unsigned k)
{
	struct sock *s = &g->s[k];
	uint8_t b[2048];
	ssize_t n = recv(s->fd, b, sizeof(b), MSG_DONTWAIT);

	if (n < 6 || s->over || memcmp(b + 2, s->msg + 2, 4) != 0)
		return; /* late: its request was given up */
	if (is_answer(g, s, slice_of(b, (size_t)n)))
		g->done++;
	else
		g->bad++;
	g->answer_bytes += (uint64_t)n;
	s->item++;
	next(g, k);
}

static void
overdue(struct gen *g)
{
	double now = mono();

	for (unsigned k = 0; k < g->sockets; k++) {
		struct sock *s = &g->s[k];
		int ms = g->kind == GEN_REPORT ? POST_AGAIN_MS : GET_AGAIN_MS;

		if (s->over || (now - s->sent) * 1000 < ms)
			continue;
		g->lost++;
		if (g->kind == GEN_REPORT)
			send_it(s);
		else
			next(g, k);
	}
}

static bool
open_sockets(struct gen *g, int ep, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, me = to;

	me.sin_port = 0;
	for (unsigned k = 0; k < g->sockets; k++) {
		struct sock *s = &g->s[k];
		struct epoll_event e = {.events = EPOLLIN, .data.u32 = k};

		me.sin_addr.s_addr = htonl(0x7f020001u + k);
		s->fd = socket(AF_INET, SOCK_DGRAM, 0);
		s->mid = (uint16_t)(getpid() * 31 + (int)k * 257);
		s->item = g->kind == GEN_REPORT ? 0 : k * 37;
		if (s->fd < 0 ||
		    bind(s->fd, (struct sockaddr *)&me, sizeof(me)) != 0 ||
		    connect(s->fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
		    epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &e) != 0)
			return false;
		next(g, k);
	}
	return true;
}

static void
run(struct gen *g, int ep)
{
	struct epoll_event e[256];
	double checked = mono();

	while (g->open > 0 && (g->end == 0 || mono() < g->end)) {
		int n = epoll_wait(ep, e, 256, 100);

		for (int i = 0; i < n; i++)
			receive(g, e[i].data.u32);
		if (mono() - checked > 0.1) {
			overdue(g);
			checked = mono();
		}
	}
}

static bool
map_image(struct gen *g, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	void *p;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		return false;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	g->image = slice_of(p, (size_t)st.st_size);
	return p != MAP_FAILED;
}

/* Returns the seconds to run, 0 for "until all is done", < 0 for misuse. */
static double
arguments(struct gen *g, int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "report") == 0) {
		g->kind = GEN_REPORT;
		g->devices = (unsigned)atoi(argv[4]);
		g->sockets = (unsigned)atoi(argv[5]);
		return g->sockets && g->devices % g->sockets == 0 ? 0 : -1;
	}
	if (argc != 8 || !map_image(g, argv[5]))
		return -1;
	g->kind = strcmp(argv[1], "echo") == 0 ? GEN_ECHO : GEN_GET;
	g->szx = (uint8_t)atoi(argv[4]);
	g->sockets = (unsigned)atoi(argv[6]);
	return g->szx <= 6 ? atof(argv[7]) : -1;
}

int
main(int argc, char **argv)
{
	static struct gen g;
	double s = arguments(&g, argc, argv), t0 = mono();
	int ep = epoll_create1(0);
	struct rusage ru;

	if (s < 0 || g.sockets == 0 || g.sockets > SOCKETS_MAX) {
		fputs("usage: see the top of coapgen.c\n", stderr);
		return 2;
	}
	g.path = argv[3];
	g.open = g.sockets;
	g.end = s > 0 ? t0 + s : 0;
	if (!open_sockets(&g, ep, (uint16_t)atoi(argv[2]))) {
		perror("coapgen");
		return 2;
	}
	run(&g, ep);
	s = mono() - t0;
	getrusage(RUSAGE_SELF, &ru);
	printf("{\"done\":%llu,\"lost\":%llu,\"bad\":%llu,\"seconds\":%.4f,"
	    "\"answer_bytes\":%.1f,\"cpu\":%.4f}\n",
	    (unsigned long long)g.done, (unsigned long long)g.lost,
	    (unsigned long long)g.bad, s, g.done ? (double)g.answer_bytes /
	    (double)(g.done + g.bad) : 0,
	    (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
	return g.bad > 0;
}
