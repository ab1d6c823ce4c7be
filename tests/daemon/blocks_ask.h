/*
 * blocks_ask: a client of the image plane. What is answered while the loop of
 * blocks_app.h stands still was answered by a worker.
 */
#ifndef SUITD_TESTS_DAEMON_BLOCKS_ASK_H
#define SUITD_TESTS_DAEMON_BLOCKS_ASK_H

#include <arpa/inet.h>

#include "tests/daemon/blocks_app.h"

struct answer {
	uint8_t b[1500];
	ssize_t n;
	unsigned code; /* ccdd */
	size_t body, body_n; /* where in b: it is copied; 0: none */
};

static inline int
client(const char *host)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	struct timeval tv = {.tv_sec = 60};
	bool v6 = strchr(host, ':') != NULL;
	int fd;

	if (v6) {
		assert_int_equal(inet_pton(AF_INET6, host, &a.sin6_addr), 1);
		a.sin6_port = htons(front_port(app.front, T_UDP));
	} else {
		v4->sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, host, &v4->sin_addr), 1);
		v4->sin_port = htons(front_port(app.front, T_UDP));
	}
	fd = socket(a.sin6_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	OK(connect(fd, (struct sockaddr *)&a, v6 ? sizeof(a) : sizeof(*v4)));
	OK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	return fd;
}

static inline void
put_option(struct buf *b, unsigned delta, struct slice v)
{
	buf_put_u8(b, (uint8_t)(delta << 4 | (v.n < 13 ? v.n : 13)));
	if (v.n >= 13)
		buf_put_u8(b, (uint8_t)(v.n - 13));
	buf_put(b, v);
}

struct ask {
	const char *host; /* Uri-Host, or NULL */
	const char *first; /* of the path; NULL: "i" */
	const char *rest[2];
	const char *query;
	uint32_t num;
	uint8_t szx;
	unsigned code; /* 0: GET */
	size_t size; /* of the datagram, with a payload then */
};

static inline void
send_ask(int fd, const struct ask *q)
{
	static _Atomic(uint16_t) mid;
	const char *first = q->first == NULL ? "i" : q->first;
	uint8_t raw[4000], b2[3];
	struct buf b = buf_of(raw, sizeof(raw));
	uint16_t id = ++mid;

	buf_put_u8(&b, 0x42);
	buf_put_u8(&b, (uint8_t)(q->code == 0 ? 1 : q->code));
	buf_put_u8(&b, (uint8_t)(id >> 8));
	buf_put_u8(&b, (uint8_t)id);
	buf_puts(&b, "to");
	if (q->host != NULL)
		put_option(&b, 3, slice_str(q->host));
	put_option(&b, q->host != NULL ? 8 : 11, slice_str(first));
	for (int i = 0; i < 2 && q->rest[i] != NULL; i++)
		put_option(&b, 0, slice_str(q->rest[i]));
	if (q->query != NULL)
		put_option(&b, 4, slice_str(q->query));
	put_option(&b, q->query != NULL ? 8 : 12, slice_of(b2, block_put(
	    (struct block){q->num, false, q->szx}, b2)));
	while (b.n < q->size)
		buf_put_u8(&b, 0xff); /* first of all, the marker */
	assert_false(b.over);
	assert_int_equal(send(fd, raw, b.n, 0), b.n);
}

static inline void
take(struct answer *a)
{
	const uint8_t *mark;
	size_t at;

	assert_true(a->n >= 6);
	a->code = (a->b[1] >> 5) * 100 + (a->b[1] & 31);
	assert_memory_equal(a->b + 4, "to", 2);
	/* of an image's answer 0xff may be in the ETag */
	at = a->code == 205 && a->b[6] == 0x48 ? 15 : 6;
	mark = memchr(a->b + at, 0xff, (size_t)a->n - at);
	a->body = mark == NULL ? 0 : (size_t)(mark + 1 - a->b);
	a->body_n = mark == NULL ? 0 : (size_t)a->n - a->body;
}

/* Only a worker can answer: the loop stands still. */
static inline struct answer
ask_worker(int fd, const struct ask *q)
{
	struct answer a;

	send_ask(fd, q);
	a.n = recv(fd, a.b, sizeof(a.b), 0);
	take(&a);
	return a;
}

/* The loop runs until there is an answer. */
static inline struct answer
ask(int fd, const struct ask *q)
{
	struct answer a = {.n = -1};

	send_ask(fd, q);
	for (int i = 0; i < 500 && a.n < 0; i++) {
		OK(loop_run(app.loop));
		a.n = recv(fd, a.b, sizeof(a.b), MSG_DONTWAIT);
	}
	take(&a);
	return a;
}

static inline struct ask
of(const struct image *im)
{
	return (struct ask){.rest = {im->id}, .szx = 6};
}

static inline void
is_block(const struct answer *a, const struct image *im, size_t off)
{
	size_t n = im->n - off < 1024 ? im->n - off : 1024;

	assert_int_equal(a->code, 205);
	assert_int_equal(a->body_n, n);
	assert_memory_equal(a->b + a->body, im->p + off, n);
}

/* Asked for once, so that workers have it. */
static inline void
warm_up(int fd, const struct image *im)
{
	struct ask q = of(im);
	struct answer a = ask(fd, &q);

	is_block(&a, im, 0);
}

static inline void
image_path(const struct image *im, char *dst, size_t cap)
{
	char hex[65];

	text_hex(slice_of(im->digest, 32), hex, sizeof(hex));
	snprintf(dst, cap, "%s/images/%.2s/%s", app.conf.state_dir, hex, hex);
}

#endif
