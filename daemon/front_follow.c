/*
 * Peers of plain UDP that observe pin a session each, and libcoap walks all
 * sessions of a context whenever it makes one, which any other peer's
 * datagram does. So they get contexts of their own, and several, so that
 * a registration stays cheap. The kernel sends each datagram to the right
 * one (blocks_steer.c).
 *
 * libcoap knows only how to bind a socket by itself. Here it takes any free
 * port; who steers gives the socket its real one. Of libcoap's ideas only the
 * port of a session's local address is wrong then, and nothing says it.
 *
 * Rejected: dup2 of a socket of ours over libcoap's descriptor, whose epoll
 * entry would have to be made anew with libcoap's own pointer.
 */
#include "daemon/front_int.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/addr.h"
#include "daemon/door.h"
#include "daemon/front_sock.h"
#include "daemon/loop.h"

/* In one turn of the loop: each may take 10 ms of it. Those that are left out
 * are the first of the next; epoll goes round. */
#define AT_A_TIME 3

/* The address that libcoap's own socket has, with any port. */
static int
same_host(const struct front *f, char ret_text[LIMIT_ADDRESS])
{
	char host[LIMIT_ADDRESS];
	coap_address_t a;

	coap_address_init(&a);
	if (getsockname(f->plane[T_UDP].sock, &a.addr.sa, &a.size) != 0)
		return ERR_IO;
	addr_host(&a.addr.sa, host);
	addr_host_port(host, 0, ret_text);
	return 0;
}

int
front_follow_open(struct front *f, int *ret_fd, unsigned *ret_n)
{
	char text[LIMIT_ADDRESS];
	struct why why;
	int rc = same_host(f, text);
	unsigned n;

	for (n = 0; n < FRONT_FOLLOW && rc == 0; n++) {
		struct plane *pl = &f->follow[n];

		pl->f = f;
		pl->t = T_UDP;
		pl->sock = -1;
		rc = plane_new(pl, text, &why);
		ret_fd[n] = pl->sock;
		pl->port = f->plane[T_UDP].port;
		if (rc == 0 && pl->sock < 0)
			rc = ERR_UNSUPPORTED;
	}
	if (rc != 0)
		front_follow_close(f);
	else
		*ret_n = n;
	return rc;
}

static void
on_readable(void *arg)
{
	struct epoll_event ready[AT_A_TIME];
	struct front *f = arg;
	int n = epoll_wait(f->follow_fd, ready, AT_A_TIME, 0);

	for (int i = 0; i < n; i++)
		sock_turn(ready[i].data.ptr);
}

/* The loop has room for few descriptors, and keeps them. */
int
front_follow_start(struct front *f)
{
	int rc = 0;

	f->follow_fd = epoll_create1(EPOLL_CLOEXEC);
	if (f->follow_fd < 0)
		return ERR_IO;
	for (unsigned i = 0; i < FRONT_FOLLOW && rc == 0; i++) {
		struct epoll_event ev = {.events = EPOLLIN,
		    .data.ptr = &f->follow[i]};

		rc = epoll_ctl(f->follow_fd, EPOLL_CTL_ADD, f->follow[i].fd,
		    &ev) == 0 ? 0 : ERR_IO;
	}
	if (rc == 0)
		rc = loop_read(f->loop, f->follow_fd, on_readable, f);
	if (rc == 0)
		f->follow_n = FRONT_FOLLOW;
	return rc;
}

void
front_follow_close(struct front *f)
{
	for (unsigned i = 0; i < FRONT_FOLLOW; i++) {
		if (f->follow[i].ctx == NULL)
			continue;
		door_leave(f->follow[i].sock);
		coap_free_context(f->follow[i].ctx);
		f->follow[i].ctx = NULL;
	}
	if (f->follow_fd >= 0)
		close(f->follow_fd);
	f->follow_fd = -1;
	f->follow_n = 0;
}
