/*
 * Which datagram is for the workers: the names that the kernel is told, and
 * what it makes of them, with bare sockets and no daemon.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/blocks_impl.h"

#define OK(x) assert_int_equal((x), 0)
#define PATHS_MAX 40

/* Paths in the order of their names, all of one image. */
static struct names *
names_of(const char *const *path, size_t n)
{
	static struct image_name img = {.digest = "one", .live = true};
	struct image_path p[PATHS_MAX] = {0};
	struct names_source src = {&img, 1, p, n};
	struct names *m;

	assert_true(n <= PATHS_MAX);
	for (size_t i = 0; i < n; i++) {
		p[i].name = (char *)path[i];
		memcpy(p[i].digest, img.digest, 32);
		p[i].live = true;
	}
	OK(names_new(&src, &m));
	return m;
}

/* --- names --- */

static void
beginnings_are_told_once_and_only_if_they_can_be_compared(void **state)
{
	static const char *const path[] = {
		".well-known/x", "a%2Fb/c", "a.bin", "fw/1", "fw/2", "fwd/1",
		"i/x/y", "longer-than-12/x", "m/x/y", "twelve-bytes/x",
	};
	struct names *m = names_of(path, 10);

	(void)state;
	assert_int_equal(m->steer.n, 5);
	assert_string_equal(m->steer.segment[0], "i");
	assert_string_equal(m->steer.segment[1], "a.bin");
	assert_string_equal(m->steer.segment[2], "fw");
	assert_string_equal(m->steer.segment[3], "fwd");
	assert_string_equal(m->steer.segment[4], "twelve-bytes");
	names_unref(m);
}

static void
what_the_loop_answers_is_never_steered(void **state)
{
	static const char *const path[] = {"m/1/2", "r", "rd/a", "rdx/a"};
	struct names *m = names_of(path, 4);

	(void)state;
	assert_int_equal(m->steer.n, 2);
	assert_string_equal(m->steer.segment[1], "rdx");
	names_unref(m);
}

static void
beginnings_past_the_cap_stay_with_libcoap(void **state)
{
	const char *path[PATHS_MAX];
	char text[PATHS_MAX][8];
	struct names *m;

	(void)state;
	for (size_t i = 0; i < LIMIT_STEERED; i++) {
		snprintf(text[i], sizeof(text[i]), "p%02zu/x", i);
		path[i] = text[i];
	}
	m = names_of(path, LIMIT_STEERED - 1); /* and "i" */
	assert_int_equal(m->steer.n, LIMIT_STEERED);
	assert_string_equal(m->steer.segment[LIMIT_STEERED - 1], "p14");
	names_unref(m);
	m = names_of(path, LIMIT_STEERED);
	assert_int_equal(m->steer.n, LIMIT_STEERED);
	names_unref(m);
}

/* --- the kernel --- */

static struct steer_group group;
static int client;
static struct sockaddr_in to;

static void
open_group(unsigned n, const struct steer *st)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(to);
	struct why why = {0};

	group = (struct steer_group){.n = n};
	group.beside = socket(AF_INET, SOCK_DGRAM, 0);
	client = socket(AF_INET, SOCK_DGRAM, 0);
	OK(bind(group.beside, (struct sockaddr *)&a, sizeof(a)));
	OK(getsockname(group.beside, (struct sockaddr *)&to, &len));
	if (steer_open(&group, st, &why) != 0)
		fail_msg("%s", why.text);
}

static void
close_group(void)
{
	steer_close(&group);
	close(group.beside);
	close(client);
}

/* Who got it: 0 libcoap, 1.. a worker. Loopback delivers at once. */
static unsigned
goes_to(int fd, struct slice datagram)
{
	uint8_t b[2048];
	unsigned who = UINT32_MAX;

	assert_int_equal(sendto(fd, datagram.p, datagram.n, 0,
	    (struct sockaddr *)&to, sizeof(to)), datagram.n);
	if (recv(group.beside, b, sizeof(b), MSG_DONTWAIT) >= 0)
		who = 0;
	for (unsigned i = 0; i < group.n; i++)
		if (recv(group.fd[i], b, sizeof(b), MSG_DONTWAIT) >= 0)
			who = who == UINT32_MAX ? i + 1 : UINT32_MAX;
	assert_true(who != UINT32_MAX);
	return who;
}

static unsigned
get_goes_to(size_t token, const char *first, const char *second)
{
	uint8_t raw[100] = {(uint8_t)(0x40 | token), 1};
	struct buf b = {raw, 4 + token, sizeof(raw), false};

	buf_put_u8(&b, (uint8_t)(0xb0 | strlen(first)));
	buf_puts(&b, first);
	if (second != NULL) {
		buf_put_u8(&b, (uint8_t)strlen(second));
		buf_puts(&b, second);
	}
	return goes_to(client, buf_slice(&b));
}

static void
gets_of_these_paths_are_the_workers(void **state)
{
	static const struct steer st = {5, {"i", "fw", "abc", "firmware",
	    "twelve-bytes"}};

	(void)state;
	open_group(1, &st);
	for (size_t token = 0; token <= 8; token++)
		for (size_t i = 0; i < st.n; i++)
			assert_int_equal(get_goes_to(token, st.segment[i],
			    "0123456789ab"), 1);
	assert_int_equal(get_goes_to(9, "i", "0123456789ab"), 0);
	for (size_t i = 0; i < st.n; i++) {
		char other[STEER_SEGMENT + 1];

		/* each byte counts */
		for (size_t k = 0; st.segment[i][k] != '\0'; k++) {
			strcpy(other, st.segment[i]);
			other[k] ^= 1;
			assert_int_equal(get_goes_to(2, other, "0123456789ab"),
			    0);
		}
		/* and so does the length */
		strcpy(other, st.segment[i]);
		other[strlen(other) - 1] = '\0';
		assert_int_equal(get_goes_to(2, other, "0123456789ab"), 0);
	}
	close_group();
}

/* At most one bit of the first two bytes is another. */
static void
other_messages_are_libcoaps(void **state)
{
	static const struct steer st = {2, {"i", "fw"}};
	uint8_t raw[] = {0x40, 1, 7, 8, 0xb2, 'f', 'w', 3, 'a', 'b', 'c'};

	(void)state;
	open_group(1, &st);
	assert_int_equal(goes_to(client, slice_of(raw, sizeof(raw))), 1);
	raw[0] = 0x50; /* NON */
	assert_int_equal(goes_to(client, slice_of(raw, sizeof(raw))), 1);
	for (unsigned first = 0; first < 256; first += 16) {
		raw[0] = (uint8_t)first;
		assert_int_equal(goes_to(client, slice_of(raw, sizeof(raw))),
		    first == 0x40 || first == 0x50);
	}
	raw[0] = 0x40;
	for (unsigned code = 0; code < 256; code++) {
		raw[1] = (uint8_t)code;
		assert_int_equal(goes_to(client, slice_of(raw, sizeof(raw))),
		    code == 1);
	}
	raw[1] = 1;
	for (size_t n = 0; n < 7; n++) /* what is cut short */
		assert_int_equal(goes_to(client, slice_of(raw, n)), 0);
	close_group();
}

static void
all_the_names_there_may_be(void **state)
{
	struct steer st = {.n = LIMIT_STEERED};

	(void)state;
	for (size_t i = 0; i < st.n; i++) {
		strcpy(st.segment[i], "twelve-byteA");
		st.segment[i][11] = (char)('A' + i);
	}
	open_group(2, &st);
	for (size_t i = 0; i < st.n; i++)
		assert_true(get_goes_to(4, st.segment[i], "0123456789ab"));
	assert_int_equal(get_goes_to(4, "twelve-bytea", "0123456789ab"), 0);
	close_group();
}

static void
paths_come_and_go(void **state)
{
	static const struct steer one = {1, {"i"}}, two = {2, {"i", "fw"}};

	(void)state;
	open_group(1, &one);
	assert_int_equal(get_goes_to(0, "fw", "0123456789ab"), 0);
	OK(steer_set(&group, &two));
	assert_int_equal(get_goes_to(0, "fw", "0123456789ab"), 1);
	OK(steer_set(&group, &one));
	assert_int_equal(get_goes_to(0, "fw", "0123456789ab"), 0);
	assert_int_equal(get_goes_to(0, "i", "0123456789ab"), 1);
	close_group();
}

/* All of a peer's blocks meet one worker, and each worker has peers. */
static void
a_peer_stays_with_its_worker(void **state)
{
	static const struct steer st = {1, {"i"}};
	static const uint8_t raw[] = {0x40, 1, 7, 8, 0xb1, 'i', 1, 'x'};
	unsigned peers[5] = {0};

	(void)state;
	open_group(4, &st);
	for (unsigned i = 0; i < 200; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		unsigned first = goes_to(fd, slice_of(raw, sizeof(raw)));

		assert_true(first >= 1 && first <= 4);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(goes_to(fd, slice_of(raw,
			    sizeof(raw))), first);
		peers[first]++;
		close(fd);
	}
	for (unsigned i = 1; i <= 4; i++)
		assert_true(peers[i] > 10);
	close_group();
}

/* As many as there may be; which one a number is for is in the program. */
static void
all_the_workers_there_may_be_have_peers(void **state)
{
	static const struct steer st = {1, {"i"}};
	static const uint8_t raw[] = {0x40, 1, 7, 8, 0xb1, 'i', 1, 'x'};
	bool has[LIMIT_IMAGE_WORKERS + 1] = {false};

	(void)state;
	open_group(LIMIT_IMAGE_WORKERS, &st);
	assert_int_equal(group.n, LIMIT_IMAGE_WORKERS);
	for (unsigned i = 0; i < 1000; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		has[goes_to(fd, slice_of(raw, sizeof(raw)))] = true;
		close(fd);
	}
	assert_false(has[0]);
	for (unsigned i = 1; i <= LIMIT_IMAGE_WORKERS; i++)
		assert_true(has[i]);
	close_group();
}

/* --- those who observe --- */

/* As libcoap makes them. */
static void
open_followed(unsigned follow, unsigned n)
{
	static const struct steer st = {1, {"i"}};
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(to);
	struct why why = {0};

	group = (struct steer_group){.n = n, .follow_n = follow};
	group.beside = socket(AF_INET, SOCK_DGRAM, 0);
	client = socket(AF_INET, SOCK_DGRAM, 0);
	OK(bind(group.beside, (struct sockaddr *)&a, sizeof(a)));
	for (unsigned i = 0; i < follow; i++) {
		group.follow[i] = socket(AF_INET, SOCK_DGRAM, 0);
		OK(bind(group.follow[i], (struct sockaddr *)&a, sizeof(a)));
	}
	OK(getsockname(group.beside, (struct sockaddr *)&to, &len));
	if (steer_open(&group, &st, &why) != 0)
		fail_msg("%s", why.text);
}

static void
close_followed(void)
{
	for (unsigned i = 0; i < group.follow_n; i++)
		close(group.follow[i]);
	close_group();
}

/* Whether it is for who notifies. */
static bool
is_followed(int fd, struct slice datagram)
{
	uint8_t b[2048];

	assert_int_equal(sendto(fd, datagram.p, datagram.n, 0,
	    (struct sockaddr *)&to, sizeof(to)), datagram.n);
	for (unsigned i = 0; i < group.follow_n; i++)
		if (recv(group.follow[i], b, sizeof(b), MSG_DONTWAIT) >= 0)
			return true;
	/* no worker's either */
	assert_true(recv(group.beside, b, sizeof(b), MSG_DONTWAIT) >= 0);
	return false;
}

static bool
get_is_followed(const uint8_t *options, size_t n)
{
	uint8_t raw[600] = {0x52, 1, 7, 8, 0xff, 0xff};

	memcpy(raw + 6, options, n);
	return is_followed(client, slice_of(raw, 6 + n));
}

#define GET_IS_FOLLOWED(...) get_is_followed((const uint8_t[]){__VA_ARGS__}, \
	sizeof((const uint8_t[]){__VA_ARGS__}))
#define ETAG_AGAIN 0x01, 'e'

static void
who_observes_and_who_answers_is_told_apart(void **state)
{
	uint8_t raw[] = {0, 1, 7, 8, 0x60, 0x51, 'x'};
	uint8_t host[300] = {0x3d, 255 - 13};

	(void)state;
	open_followed(3, 2);
	for (unsigned first = 0; first < 256; first += 16) {
		raw[0] = (uint8_t)first;
		assert_int_equal(is_followed(client, slice_of(raw,
		    sizeof(raw))), first >= 0x40 && first < 0x80);
	}
	raw[0] = 0x60;
	for (size_t n = 1; n < 5; n++) /* an empty one is an answer, too */
		assert_true(is_followed(client, slice_of(raw, n)));
	raw[0] = 0x40;
	raw[1] = 5; /* FETCH */
	assert_false(is_followed(client, slice_of(raw, sizeof(raw))));

	assert_true(GET_IS_FOLLOWED(0x60, 0x51, 'm'));
	assert_true(GET_IS_FOLLOWED(0x61, 1, 0x51, 'm'));
	assert_false(GET_IS_FOLLOWED(0xb1, 'm'));
	assert_false(GET_IS_FOLLOWED(0x71, 1, 0x41, 'm')); /* Uri-Port */
	assert_false(GET_IS_FOLLOWED(0x51, 1, 0x61, 'm')); /* 5 and 11 */
	assert_false(GET_IS_FOLLOWED(0xff, 0x60));
	assert_true(GET_IS_FOLLOWED(0x33, 'a', '.', 'b', 0x30, 0x51, 'm'));
	assert_false(GET_IS_FOLLOWED(0x33, 'a', '.', 'b', 0x81, 'm'));
	/* a host and as many ETags as are looked at; one more */
	assert_true(GET_IS_FOLLOWED(0x31, 'h', 0x11, 'e', ETAG_AGAIN,
	    ETAG_AGAIN, ETAG_AGAIN, 0x20));
	assert_false(GET_IS_FOLLOWED(0x31, 'h', 0x11, 'e', ETAG_AGAIN,
	    ETAG_AGAIN, ETAG_AGAIN, ETAG_AGAIN, 0x20));
	/* the longest host, and one with a length of two bytes */
	host[2 + 255] = 0x30;
	assert_true(get_is_followed(host, 2 + 255 + 1));
	host[2 + 255] = 0x80;
	assert_false(get_is_followed(host, 2 + 255 + 1));
	host[0] = 0x3e;
	host[2 + 255] = 0x30;
	assert_false(get_is_followed(host, 2 + 255 + 1));
	/* images are the workers', whatever else there is */
	assert_true(goes_to(client, slice_of((const uint8_t[]){0x40, 1, 7, 8,
	    0xb1, 'i', 1, 'x'}, 8)) >= 1);
	close_followed();
}

static void
who_observes_stays_when_the_workers_go(void **state)
{
	static const uint8_t ack[] = {0x60, 0, 7, 8},
	    get[] = {0x40, 1, 7, 8, 0xb1, 'i', 1, 'x'};
	(void)state;
	open_followed(3, 2);
	assert_true(goes_to(client, slice_of(get, sizeof(get))) >= 1);
	steer_close(&group);
	assert_int_equal(goes_to(client, slice_of(get, sizeof(get))), 0);
	for (size_t i = 0; i < 50; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		assert_true(is_followed(fd, slice_of(ack, sizeof(ack))));
		close(fd);
	}
	close_followed();
}

#define T(f) cmocka_unit_test(f)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(beginnings_are_told_once_and_only_if_they_can_be_compared),
		T(what_the_loop_answers_is_never_steered),
		T(beginnings_past_the_cap_stay_with_libcoap),
		T(gets_of_these_paths_are_the_workers),
		T(other_messages_are_libcoaps),
		T(all_the_names_there_may_be),
		T(paths_come_and_go),
		T(a_peer_stays_with_its_worker),
		T(all_the_workers_there_may_be_have_peers),
		T(who_observes_and_who_answers_is_told_apart),
		T(who_observes_stays_when_the_workers_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
