/*
 * echo: the least that a UDP server can do. One recvfrom, one sendto; each
 * answer has SIZE bytes and begins with what was asked. Prints its port.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int
main(int argc, char **argv)
{
	static char b[2048];
	struct sockaddr_in a = {.sin_family = AF_INET}, from;
	socklen_t n = sizeof(a);
	int size = argc > 1 ? atoi(argv[1]) : 0, room = 4 << 20;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (size <= 0 || size > (int)sizeof(b)) {
		fputs("usage: echo SIZE\n", stderr);
		return 2;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&a, n) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return 1;
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	for (;;) {
		socklen_t fl = sizeof(from);

		if (recvfrom(fd, b, sizeof(b), 0, (struct sockaddr *)&from,
		    &fl) > 0)
			sendto(fd, b, (size_t)size, 0,
			    (struct sockaddr *)&from, fl);
	}
}
