/*
 * The least that a UDP server can do, in two kinds: a datagram at a time
 * (recvfrom, sendto), or 64 (recvmmsg, sendmmsg). Each answer has SIZE bytes
 * and begins with what was asked. For ever.
 */
#include "tests/bench/gen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/gen_addr.h"

#define BATCH 64
#define DATAGRAM 1536
#define BUFFER (32 << 20)

static int
open_server(const struct gen_args *a, int *ret, struct why *why)
{
	const int bytes = BUFFER;
	struct addr me;
	int rc = addr_parse(a->to != NULL ? a->to : "127.0.0.1:0", &me, why);
	int fd;

	if (rc != 0)
		return rc;
	fd = socket(me.u.sa.sa_family, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, &me.u.sa, me.n) != 0 ||
	    getsockname(fd, &me.u.sa, &me.n) != 0) {
		(void)why_set(why, ERR_IO, "bind: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
	    sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes,
		    sizeof(bytes));
	printf("%u\n", addr_port(&me));
	fflush(stdout);
	*ret = fd;
	return 0;
}

static void
one_by_one(int fd, size_t size)
{
	static uint8_t b[DATAGRAM];

	for (;;) {
		struct addr from = {.n = sizeof(from.u)};

		if (recvfrom(fd, b, sizeof(b), 0, &from.u.sa, &from.n) >= 0)
			(void)sendto(fd, b, size, 0, &from.u.sa, from.n);
	}
}

static void
by_batches(int fd, size_t size)
{
	static uint8_t b[BATCH][DATAGRAM];
	static struct addr from[BATCH];
	static struct iovec iov[BATCH];
	static struct mmsghdr m[BATCH];

	for (;;) {
		int n, done = 0;

		for (int i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){b[i], DATAGRAM};
			m[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i].u.sa,
				.msg_namelen = sizeof(from[i].u),
				.msg_iov = &iov[i], .msg_iovlen = 1,
			};
		}
		n = recvmmsg(fd, m, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			iov[i].iov_len = size;
		while (done < n) {
			int sent = sendmmsg(fd, m + done, (unsigned)(n - done),
			    0);

			done += sent > 0 ? sent : 1;
		}
	}
}

int
echo_run(const struct gen_args *a, struct why *why)
{
	int fd, rc = open_server(a, &fd, why);

	if (rc != 0)
		return rc;
	if (a->mmsg)
		by_batches(fd, a->size);
	else
		one_by_one(fd, a->size);
	return 0;
}
