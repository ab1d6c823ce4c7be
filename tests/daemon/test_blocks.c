/*
 * The image plane on loopback, inside of a whole daemon whose loop runs only
 * when the test says so: what is answered while it stands still was answered
 * by a worker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/blocks_impl.h"
#include "daemon/catalog.h"
#include "daemon/checks.h"
#include "daemon/disk.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "lib/text.h"

#define OK(x) assert_int_equal((x), 0)
#define SIZE (64 * 1024 + 7)

static struct app app;
static uint8_t bytes[SIZE + 1];

struct image {
	uint8_t digest[32];
	uint64_t release;
	char id[44];
	const uint8_t *p;
	size_t n;
};

/* --- a daemon --- */

static void
stop(void *arg)
{
	loop_stop(arg);
}

static void
open_app(const char *listen, unsigned workers)
{
	struct why why = {0};

	memset(&app, 0, sizeof(app));
	conf_default(&app.conf);
	strcpy(app.conf.state_dir, "/tmp/test_blocks.XXXXXX");
	assert_non_null(mkdtemp(app.conf.state_dir));
	snprintf(app.conf.listen_coap, sizeof(app.conf.listen_coap), "%s",
	    listen);
	app.conf.listen_coaps[0] = app.conf.listen_tcp[0] = '\0';
	app.conf.listen_admin[0] = '\0';
	app.conf.image_workers = workers;
	app.conf.synchronous_full = false;
	if (app_open(&app, &why) != 0)
		fail_msg("app_open: %s", why.text);
	OK(loop_every(app.loop, 20, stop, app.loop));
}

static int
setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	open_app("[::]:0", LIMIT_IMAGE_WORKERS);
	return 0;
}

static int
teardown(void **state)
{
	char cmd[300];

	(void)state;
	app_close(&app);
	snprintf(cmd, sizeof(cmd), "rm -r %s", app.conf.state_dir);
	return system(cmd);
}

static void
put_image(struct image *im)
{
	struct blob_put *p;

	OK(blob_put_begin(app.blobs, &p));
	OK(blob_put_write(p, slice_of(im->p, im->n)));
	OK(blob_put_commit(p, NULL, im->digest, NULL));
	text_b64u(slice_of(im->digest, 32), im->id, sizeof(im->id));
}

/* The envelope is none, which is of no interest to images. */
static void
publish(struct image *im, const char *path)
{
	struct store_release r = {.state = RELEASE_LIVE, .class_count = 1};
	struct store_payload p = {.size = im->n};
	static uint64_t seq;

	put_image(im);
	r.seq = ++seq;
	memcpy(r.digest, &r.seq, sizeof(r.seq));
	memcpy(p.digest, im->digest, 32);
	snprintf(p.path, sizeof(p.path), "%s", path);
	strcpy(p.uri, "coap://x/y");
	OK(engine_begin(app.engine));
	OK(engine_end(app.engine, app.store->ops->release_put(app.store, &r,
	    slice_str("x"), &p, 1)));
	im->release = r.id;
	engine_after(app.engine, catalog_reload);
	engine_turn(app.engine);
}

static void
set_state(const struct image *im, enum release_state st)
{
	OK(engine_begin(app.engine));
	OK(engine_end(app.engine, app.store->ops->release_set_state(app.store,
	    im->release, st)));
	engine_after(app.engine, catalog_reload);
	engine_turn(app.engine);
}

static struct image
published(size_t n)
{
	struct image im = {.p = bytes, .n = n};

	publish(&im, "");
	return im;
}

static struct blocks_stats
stats(void)
{
	struct blocks_stats st;

	blocks_stats(app.blocks, &st);
	return st;
}

/* --- a client --- */

struct answer {
	uint8_t b[1500];
	ssize_t n;
	unsigned code; /* ccdd */
	size_t body, body_n; /* where in b: it is copied; 0: none */
};

static int
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

static void
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

static void
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

static void
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
static struct answer
ask_worker(int fd, const struct ask *q)
{
	struct answer a;

	send_ask(fd, q);
	a.n = recv(fd, a.b, sizeof(a.b), 0);
	take(&a);
	return a;
}

/* The loop runs until there is an answer. */
static struct answer
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

static struct ask
of(const struct image *im)
{
	return (struct ask){.rest = {im->id}, .szx = 6};
}

static void
is_block(const struct answer *a, const struct image *im, size_t off)
{
	size_t n = im->n - off < 1024 ? im->n - off : 1024;

	assert_int_equal(a->code, 205);
	assert_int_equal(a->body_n, n);
	assert_memory_equal(a->b + a->body, im->p + off, n);
}

/* Asked for once, so that workers have it. */
static void
warm_up(int fd, const struct image *im)
{
	struct ask q = of(im);
	struct answer a = ask(fd, &q);

	is_block(&a, im, 0);
}

/* --- the table alone --- */

static struct table *
table_of(size_t n, bool live)
{
	struct image_name *img = calloc(n + 1, sizeof(*img));
	struct names_source src = {.image = img, .images = n};
	struct names *names;
	struct table *t;

	assert_non_null(img);
	for (size_t i = 0; i < n; i++) {
		img[i].digest[0] = (uint8_t)(i >> 8);
		img[i].digest[1] = (uint8_t)i;
		img[i].live = live;
	}
	OK(names_new(&src, &names));
	OK(table_new(names, &t));
	names_unref(names);
	free(img);
	return t;
}

static struct blob *
some_blob(void)
{
	struct image im = {.p = bytes, .n = 100};
	struct blob *b;

	put_image(&im);
	OK(blob_get(app.blobs, im.digest, &b));
	return b;
}

static void
the_longest_unused_mapping_makes_room(void **state)
{
	struct table *t = table_of(LIMIT_IMAGES_MAPPED + 1, true);
	struct blob *b = some_blob();

	(void)state;
	for (size_t i = 0; i < LIMIT_IMAGES_MAPPED; i++)
		table_map(t, i, b, i == 77 ? 5 : 10 + (uint32_t)i);
	assert_int_equal(t->mapped, LIMIT_IMAGES_MAPPED);
	assert_non_null(t->entry[77].blob);
	table_map(t, LIMIT_IMAGES_MAPPED, b, 9);
	assert_int_equal(t->mapped, LIMIT_IMAGES_MAPPED);
	assert_null(t->entry[77].blob);
	assert_non_null(t->entry[0].blob);
	assert_non_null(t->entry[LIMIT_IMAGES_MAPPED].blob);
	/* again is no second one */
	table_map(t, 0, b, 9);
	assert_int_equal(t->mapped, LIMIT_IMAGES_MAPPED);
	table_free(t);
	blob_unref(b);
}

static void
a_new_table_inherits_what_is_live_and_good(void **state)
{
	struct table *old = table_of(4, true), *t = table_of(6, true);
	struct table *none = table_of(0, true);
	struct blob *b = some_blob();

	(void)state;
	for (size_t i = 0; i < 4; i++)
		table_map(old, i, b, 40 + (uint32_t)i);
	atomic_store(&old->entry[1].bad, true);
	table_unmap(old, 2);
	t->names->image[3].live = false;
	table_inherit(t, old);
	assert_int_equal(t->mapped, 1);
	assert_ptr_equal(t->entry[0].blob, b);
	assert_int_equal(entry_used(&t->entry[0]), 40);
	table_free(old); /* the mapping is the new one's, too */
	assert_memory_equal(t->entry[0].bytes.p, bytes, 100);
	table_inherit(none, t);
	table_inherit(t, none);
	assert_int_equal(t->mapped, 1);
	table_free(none);
	table_free(t);
	blob_unref(b);
}

static void
a_full_queue_takes_no_more(void **state)
{
	struct slow_ring r = {.item = calloc(SLOW_RING, sizeof(*r.item))};
	struct envelope env = {.from.sin6_port = 9};
	struct iovec v = {bytes, DATAGRAM_MAX};
	struct msghdr m = {.msg_name = &env.from, .msg_namelen = 16,
	    .msg_control = &env.control, .msg_controllen = 40,
	    .msg_iov = &v, .msg_iovlen = 1};

	(void)state;
	for (unsigned i = 0; i < SLOW_RING; i++)
		assert_true(slow_push(&r, &m, i % DATAGRAM_MAX));
	assert_false(slow_push(&r, &m, 1));
	assert_int_equal(r.item[9].n, 9);
	assert_memory_equal(r.item[9].b, bytes, 9);
	atomic_store(&r.tail, 1);
	assert_true(slow_push(&r, &m, DATAGRAM_MAX));
	assert_int_equal(r.item[0].n, DATAGRAM_MAX);
	assert_false(slow_push(&r, &m, 1));
	free(r.item);
}

/* --- on the wire --- */

static void
the_first_request_maps_and_workers_serve_the_rest(void **state)
{
	struct image im = published(SIZE);
	struct ask q = of(&im);
	struct answer a;
	int fd = client("127.0.0.1");

	(void)state;
	assert_true(blocks_workers(app.blocks) > 0);
	assert_int_equal(stats().mapped, 0);
	warm_up(fd, &im);
	assert_int_equal(stats().mapped, 1);
	assert_int_equal(stats().slow, 1);
	for (q.num = 0; q.num * 1024 < SIZE; q.num++) {
		a = ask_worker(fd, &q);
		is_block(&a, &im, q.num * 1024);
	}
	a = ask_worker(fd, &q); /* past its end */
	assert_int_equal(a.code, 400);
	assert_int_equal(stats().slow, 1);
	assert_int_equal(stats().requests, 67);
	assert_int_equal(stats().blocks, 66);
	assert_int_equal(stats().errors, 1);
	assert_int_equal(stats().code[code_index(205)], 66);
	assert_int_equal(stats().code[code_index(400)], 1);
	assert_int_equal(stats().bytes, SIZE + stats().slow_bytes);
	assert_int_equal(stats().slow_blocks, 1);
	close(fd);
}

/* A connected socket takes answers from the address that it asked, only. */
static void
answers_come_from_the_address_that_was_asked(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "127.0.0.5", "::1"};
	struct image im = published(SIZE);
	struct ask q = of(&im);

	(void)state;
	for (int i = 0; i < 3; i++) {
		int fd = client(hosts[i]);
		struct answer a = ask(fd, &q); /* of the loop */

		is_block(&a, &im, 0);
		q.num = 3;
		a = ask_worker(fd, &q);
		is_block(&a, &im, 3072);
		q.num = 0;
		set_state(&im, RELEASE_WITHDRAWN); /* forgets the mapping */
		set_state(&im, RELEASE_LIVE);
		close(fd);
	}
}

static void
a_plane_on_one_ipv4_address_serves_too(void **state)
{
	struct image im;
	struct ask q;
	struct answer a;
	int fd;

	(void)teardown(state);
	open_app("127.0.0.9:0", 1);
	assert_int_equal(blocks_workers(app.blocks), 1);
	im = published(3000);
	q = of(&im);
	q.num = 2;
	fd = client("127.0.0.9");
	warm_up(fd, &im);
	a = ask_worker(fd, &q);
	is_block(&a, &im, 2048);
	close(fd);
}

static void
every_worker_has_its_share(void **state)
{
	struct image im = published(SIZE);
	struct ask q = of(&im);
	int fd = client("127.0.0.1");

	(void)state;
	warm_up(fd, &im);
	close(fd);
	/* 64 ports of each family: one worker alone would be a wonder */
	for (int i = 0; i < 128; i++) {
		struct answer a;

		fd = client(i % 2 ? "::1" : "127.0.0.1");
		a = ask_worker(fd, &q);
		is_block(&a, &im, 0);
		close(fd);
	}
	for (unsigned i = 0; i < app.blocks->n; i++)
		assert_true(atomic_load(
		    &app.blocks->worker[i]->counters.blocks) > 0);
}

static void
images_come_and_go_while_it_runs(void **state)
{
	struct image im = published(SIZE), other = {.p = bytes + 1, .n = 999};
	struct ask q = of(&im);
	struct answer a;
	int fd = client("127.0.0.1");

	(void)state;
	warm_up(fd, &im);
	set_state(&im, RELEASE_WITHDRAWN);
	a = ask_worker(fd, &q); /* the very next one */
	assert_int_equal(a.code, 404);
	assert_int_equal(stats().mapped, 0);
	q.rest[0] = "AAAAAAAAAAAAAAAAAAAA";
	assert_int_equal(ask_worker(fd, &q).code, 404);
	q.rest[0] = "AAAA";
	assert_int_equal(ask_worker(fd, &q).code, 400);
	publish(&other, "");
	warm_up(fd, &other);
	set_state(&im, RELEASE_LIVE);
	q = of(&other);
	a = ask_worker(fd, &q);
	is_block(&a, &other, 0);
	warm_up(fd, &im);
	q = of(&im);
	q.num = 1;
	a = ask_worker(fd, &q);
	is_block(&a, &im, 1024);
	close(fd);
}

struct fetcher {
	pthread_t thread;
	const struct image *im;
	_Atomic(bool) stop;
	unsigned blocks, wrong;
};

static void *
fetch(void *arg)
{
	struct fetcher *f = arg;
	struct ask q = of(f->im);
	int fd = client("127.0.0.1");

	for (unsigned i = 0; !atomic_load(&f->stop); i++) {
		struct answer a;

		q.num = i % (SIZE / 1024);
		send_ask(fd, &q);
		a.n = recv(fd, a.b, sizeof(a.b), 0);
		take(&a);
		f->blocks++;
		f->wrong += a.code != 205 || a.body_n != 1024 ||
		    memcmp(a.b + a.body, bytes + q.num * 1024, 1024) != 0;
	}
	close(fd);
	return NULL;
}

static void
tables_change_under_a_download(void **state)
{
	struct image im = published(SIZE), other = {.p = bytes + 1, .n = 999};
	struct fetcher f = {.im = &im};
	int fd = client("127.0.0.1");

	(void)state;
	warm_up(fd, &im);
	publish(&other, "");
	OK(pthread_create(&f.thread, NULL, fetch, &f));
	for (int i = 0; i < 60; i++) {
		set_state(&other, i % 2 ? RELEASE_LIVE : RELEASE_WITHDRAWN);
		if (i % 2)
			warm_up(fd, &other);
	}
	atomic_store(&f.stop, true);
	pthread_join(f.thread, NULL);
	assert_true(f.blocks > 0);
	assert_int_equal(f.wrong, 0);
	/* what is replaced does not pile up */
	OK(loop_run(app.loop));
	set_state(&other, RELEASE_LIVE);
	assert_null(app.blocks->old);
	close(fd);
}

/* A path below i/, which is mapped by its first request as any other; a name
 * too long for the workers' own table. */
static void
what_a_worker_cannot_answer_the_loop_does(void **state)
{
	struct image im = {.p = bytes, .n = 5000};
	struct ask q = {.rest = {"x", "y"}, .szx = 6, .num = 1};
	struct answer a;
	int fd = client("127.0.0.1");

	(void)state;
	publish(&im, "i/x/y");
	a = ask(fd, &q);
	is_block(&a, &im, 1024);
	a = ask_worker(fd, &q);
	is_block(&a, &im, 1024);
	q.rest[1] = "z";
	assert_int_equal(ask_worker(fd, &q).code, 404);
	q = of(&im);
	q.query = "ep=a23456789012345678901234";
	a = ask(fd, &q);
	is_block(&a, &im, 0);
	assert_int_equal(stats().slow, 2);
	q.query = "ep=a234567890123456789012";
	a = ask_worker(fd, &q);
	is_block(&a, &im, 0);
	assert_int_equal(stats().slow, 2);
	close(fd);
}

/* The path that the manifest gives, which was not there at the start. */
static void
a_published_path_is_the_workers(void **state)
{
	struct image im = {.p = bytes, .n = 5000};
	struct ask q = {.first = "fw", .rest = {"kitchen", "1.bin"},
	    .szx = 6, .num = 2};
	struct answer a;
	int fd = client("127.0.0.1");

	(void)state;
	assert_int_equal(ask(fd, &q).code, 404); /* libcoap's plane */
	assert_int_equal(stats().requests, 0);
	publish(&im, "fw/kitchen/1.bin");
	a = ask(fd, &q);
	is_block(&a, &im, 2048);
	assert_int_equal(stats().slow, 1);
	a = ask_worker(fd, &q);
	is_block(&a, &im, 2048);
	q.rest[1] = "2.bin";
	assert_int_equal(ask_worker(fd, &q).code, 404);
	q.rest[1] = "1.bin";
	set_state(&im, RELEASE_WITHDRAWN);
	assert_int_equal(ask_worker(fd, &q).code, 404);
	close(fd);
}

static void
wait_for_requests(uint64_t n)
{
	while (stats().requests < n)
		usleep(100);
}

static void
the_slow_lane_drops_what_it_has_no_room_for(void **state)
{
	struct image im = published(SIZE);
	struct ask q = of(&im);
	int fd = client("127.0.0.1");

	(void)state;
	/* one sender, so one worker; the loop stands still */
	for (unsigned i = 1; i <= SLOW_RING + 9; i++) {
		send_ask(fd, &q);
		if (i % 8 == 0 || i > SLOW_RING)
			wait_for_requests(i);
	}
	assert_int_equal(stats().slow, SLOW_RING);
	assert_int_equal(stats().dropped, 9);
	OK(loop_run(app.loop));
	assert_int_equal(stats().blocks, SLOW_RING);
	close(fd);
}

static void
image_path(const struct image *im, char *dst, size_t cap)
{
	char hex[65];

	text_hex(slice_of(im->digest, 32), hex, sizeof(hex));
	snprintf(dst, cap, "%s/images/%.2s/%s", app.conf.state_dir, hex, hex);
}

static void
a_torn_file_is_an_error_for_itself_alone(void **state)
{
	struct image im = published(SIZE), other = {.p = bytes + 1, .n = 999};
	struct ask q = of(&im);
	struct answer a;
	char path[400];
	int fd = client("127.0.0.1");

	(void)state;
	publish(&other, "");
	warm_up(fd, &im);
	warm_up(fd, &other);
	image_path(&im, path, sizeof(path));
	OK(truncate(path, 4096));
	q.num = 40; /* beyond what is left */
	a = ask(fd, &q);
	assert_int_equal(a.code, 500);
	assert_int_equal(stats().mapped, 1);
	a = ask(fd, &q);
	assert_int_equal(a.code, 500);
	put_image(&im); /* as a publish does */
	a = ask(fd, &q);
	is_block(&a, &im, 40 * 1024);
	a = ask_worker(fd, &q);
	is_block(&a, &im, 40 * 1024);
	q = of(&other);
	a = ask_worker(fd, &q);
	is_block(&a, &other, 0);
	close(fd);
}

/* Nobody asks for it; the tick looks at files all the same. */
static void
REQ_SEC_MFST_CONST_a_touched_file_is_not_served_unseen(void **state)
{
	struct image im = published(SIZE);
	struct ask q = of(&im);
	struct answer a;
	char path[400];
	int fd = client("127.0.0.1");

	(void)state;
	warm_up(fd, &im);
	image_path(&im, path, sizeof(path));
	OK(chmod(path, 0400));
	for (int i = 0; i < 500 && stats().mapped == 1; i++)
		OK(loop_run(app.loop));
	assert_int_equal(stats().mapped, 0);
	a = ask(fd, &q); /* hashed again, and good */
	is_block(&a, &im, 0);
	assert_int_equal(stats().mapped, 1);
	close(fd);
}

/* --- images that have to be hashed first --- */

#define LARGE (BLOB_HASH_NOW + 1)

static uint8_t large[LARGE + LIMIT_CHECKS];

static struct image
large_image(size_t i)
{
	struct image im = {.p = large + i, .n = LARGE};

	for (size_t k = 0; i == 0 && k < sizeof(large); k++)
		large[k] = (uint8_t)(k * 5 + k / 253);
	publish(&im, "");
	return im;
}

/* What was known of it is void. */
static void
touch(const struct image *im)
{
	char path[400];

	image_path(im, path, sizeof(path));
	OK(chmod(path, 0400));
	OK(chmod(path, 0444));
}

/* The disk's thread does nothing until it is opened. */
static struct gate {
	struct chore chore;
	sem_t opened;
} gate;

static bool
gate_step(struct chore *c)
{
	while (sem_wait(&((struct gate *)c)->opened) != 0)
		continue;
	return true;
}

static void
gate_done(struct chore *c)
{
	sem_destroy(&((struct gate *)c)->opened);
}

static void
close_gate(void)
{
	memset(&gate, 0, sizeof(gate));
	gate.chore.step = gate_step;
	gate.chore.done = gate_done;
	OK(sem_init(&gate.opened, 0, 0));
	disk_add(app.disk, &gate.chore, DISK_WRITE);
}

static size_t
waiting(void)
{
	struct front_stats st;
	size_t n = 0;

	front_stats(app.front, &st);
	for (size_t i = 0; app.blocks != NULL && i < SLOW_WAIT; i++)
		n += app.blocks->wait[i].ticket != 0;
	return n + st.waiting;
}

static void
until_waiting(size_t n)
{
	for (int i = 0; i < 500 && waiting() != n; i++)
		OK(loop_run(app.loop));
	assert_int_equal(waiting(), n);
}

static struct answer
late_answer(int fd)
{
	struct answer a = {.n = -1};

	for (int i = 0; i < 500 && a.n < 0; i++) {
		OK(loop_run(app.loop));
		a.n = recv(fd, a.b, sizeof(a.b), MSG_DONTWAIT);
	}
	take(&a);
	return a;
}

static void
two_wait_while_others_are_served(void)
{
	struct image im = large_image(0), small = published(3000);
	struct ask q = of(&im), other = of(&small);
	int fd = client("127.0.0.1"), fd2 = client("127.0.0.1");
	struct answer a;

	touch(&im);
	close_gate();
	send_ask(fd, &q);
	until_waiting(1);
	q.num = 1024; /* its last byte */
	send_ask(fd2, &q);
	until_waiting(2);
	a = ask(fd, &other);
	is_block(&a, &small, 0);
	assert_int_equal(waiting(), 2);
	sem_post(&gate.opened);
	a = late_answer(fd);
	is_block(&a, &im, 0);
	a = late_answer(fd2);
	is_block(&a, &im, 1024 * 1024);
	assert_int_equal(waiting(), 0);
	close(fd);
	close(fd2);
}

static void
who_asks_for_a_large_image_waits_until_it_is_hashed(void **state)
{
	(void)state;
	two_wait_while_others_are_served();
	assert_int_equal(stats().errors, 0);
	assert_int_equal(stats().mapped, 2);
}

static void
so_it_is_in_the_plane_of_libcoap(void **state)
{
	(void)teardown(state);
	open_app("127.0.0.1:0", 0);
	assert_int_equal(blocks_workers(app.blocks), 0);
	two_wait_while_others_are_served();
}

static void
is_refused_when_damaged(void)
{
	struct image im = large_image(0);
	struct ask q = of(&im);
	int fd = client("127.0.0.1"), file;
	struct answer a;
	char path[400];

	image_path(&im, path, sizeof(path));
	OK(chmod(path, 0600));
	file = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(file, "?!", 2, LARGE - 2), 2);
	close(file);
	for (int i = 0; i < 2; i++) {
		a = ask(fd, &q);
		assert_int_equal(a.code, 500);
	}
	put_image(&im);
	a = ask(fd, &q);
	is_block(&a, &im, 0);
	close(fd);
}

static void
REQ_SEC_MFST_CONST_no_byte_of_a_damaged_image_is_served(void **state)
{
	is_refused_when_damaged();
	(void)teardown(state);
	open_app("127.0.0.1:0", 0);
	is_refused_when_damaged();
}

static void
those_who_wait_in_the_slow_lane_are_bounded(void **state)
{
	enum { EACH = 32 }; /* what a receive buffer holds for sure */
	struct image im = large_image(0);
	struct ask q = of(&im);
	int fd[SLOW_WAIT / EACH];
	struct answer a;

	(void)state;
	touch(&im);
	close_gate();
	for (size_t i = 0; i < SLOW_WAIT; i++) {
		if (i % EACH == 0)
			fd[i / EACH] = client("127.0.0.1");
		send_ask(fd[i / EACH], &q);
		if (i % EACH == EACH - 1)
			until_waiting(i + 1);
	}
	assert_int_equal(stats().dropped, 0);
	send_ask(fd[0], &q);
	for (int i = 0; i < 500 && stats().dropped == 0; i++)
		OK(loop_run(app.loop));
	assert_int_equal(stats().dropped, 1);
	sem_post(&gate.opened);
	for (size_t i = 0; i < SLOW_WAIT; i++) {
		a = late_answer(fd[i / EACH]);
		is_block(&a, &im, 0);
	}
	a = ask_worker(fd[0], &q); /* who was dropped comes again */
	is_block(&a, &im, 0);
	for (size_t i = 0; i < SLOW_WAIT / EACH; i++)
		close(fd[i]);
}

static void
images_that_are_hashed_at_a_time_are_bounded(void **state)
{
	static struct image im[LIMIT_CHECKS + 1];
	int fd = client("127.0.0.1"), fd2 = client("127.0.0.1");
	struct answer a;
	struct ask q;

	(void)state;
	for (size_t i = 0; i <= LIMIT_CHECKS; i++) {
		im[i] = large_image(i);
		touch(&im[i]);
	}
	close_gate();
	for (size_t i = 0; i < LIMIT_CHECKS; i++) {
		q = of(&im[i]);
		send_ask(i < LIMIT_CHECKS / 2 ? fd : fd2, &q);
	}
	until_waiting(LIMIT_CHECKS);
	q = of(&im[LIMIT_CHECKS]);
	send_ask(fd, &q);
	for (int i = 0; i < 500 && stats().dropped == 0; i++)
		OK(loop_run(app.loop));
	assert_int_equal(stats().dropped, 1);
	sem_post(&gate.opened);
	until_waiting(0);
	for (size_t i = 0; i < LIMIT_CHECKS; i++)
		(void)late_answer(i < LIMIT_CHECKS / 2 ? fd : fd2);
	a = ask(fd, &q);
	is_block(&a, &im[LIMIT_CHECKS], 0);
	close(fd);
	close(fd2);
}

/* On the same directory; nothing of before is known. */
static void
restart(void)
{
	struct conf conf = app.conf;
	struct why why;

	app_close(&app);
	memset(&app, 0, sizeof(app));
	app.conf = conf;
	OK(app_open(&app, &why));
	OK(loop_every(app.loop, 20, stop, app.loop));
}

static void
what_is_live_is_hashed_after_a_start_unasked(void **state)
{
	struct image im = large_image(0), gone = large_image(1);
	struct blob_check *c;
	struct blob *b;

	(void)state;
	set_state(&gone, RELEASE_WITHDRAWN);
	restart();
	for (int i = 0; i < 500 && !checks_idle(app.checks); i++)
		OK(loop_run(app.loop));
	assert_true(checks_idle(app.checks));
	assert_int_equal(blob_check_begin(app.blobs, im.digest, &c),
	    ERR_EXISTS);
	OK(blob_check_begin(app.blobs, gone.digest, &c));
	blob_check_abort(c);
	OK(blob_get(app.blobs, im.digest, &b));
	blob_unref(b);
}

static void
a_daemon_may_end_while_images_are_hashed(void **state)
{
	struct image im = large_image(0);
	struct ask q = of(&im);
	int fd = client("127.0.0.1");

	(void)state;
	touch(&im);
	close_gate();
	send_ask(fd, &q);
	until_waiting(1);
	sem_post(&gate.opened);
	restart();
	close(fd);
	fd = client("127.0.0.1");
	warm_up(fd, &im);
	close(fd);
}

static void
a_datagram_at_the_cap_is_read_and_a_longer_one_reset(void **state)
{
	static const size_t longer[] = {LIMIT_DATAGRAM + 1, DATAGRAM_MAX,
	    DATAGRAM_MAX + 1, 4000};
	struct image im = published(SIZE);
	struct ask q = of(&im);
	struct answer a;
	int fd = client("127.0.0.1");

	(void)state;
	warm_up(fd, &im);
	q.num = 1;
	for (size_t i = 0; i < 4; i++) {
		q.size = longer[i];
		send_ask(fd, &q);
		a.n = recv(fd, a.b, sizeof(a.b), 0);
		assert_int_equal(a.n, 4);
		assert_int_equal(a.b[0], 0x70); /* RST */
		assert_int_equal(a.b[1], 0);
	}
	q.size = LIMIT_DATAGRAM;
	a = ask_worker(fd, &q);
	is_block(&a, &im, 1024);
	close(fd);
}

static void
everything_else_reaches_libcoap(void **state)
{
	struct image im = published(SIZE);
	struct ask host = of(&im), core = {.first = ".well-known",
	    .rest = {"core"}, .szx = 6}, post = of(&im);
	struct answer a;
	int fd = client("127.0.0.1");

	(void)state;
	warm_up(fd, &im);
	host.host = "localhost";
	a = ask(fd, &host);
	is_block(&a, &im, 0);
	a = ask(fd, &core);
	assert_int_equal(a.code, 205);
	post.code = 2;
	a = ask(fd, &post);
	assert_int_equal(a.code, 405);
	assert_int_equal(send(fd, "\x40\x01", 2, 0), 2); /* too short */
	a = ask(fd, &core);
	assert_int_equal(a.code, 205);
	assert_int_equal(stats().requests, 1); /* warm_up */
	close(fd);
}

/* --- without it --- */

static void
nothing_to_steer_is_said_and_leaves_nothing(void **state)
{
	struct steer_group g = {.n = 2};
	struct steer st = {1, {"i"}};
	struct why why = {0};
	int pair[2];

	(void)state;
	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	g.beside = pair[0];
	assert_int_equal(steer_open(&g, &st, &why), ERR_UNSUPPORTED);
	assert_int_equal(g.n, 0);
	assert_true(why.text[0] != '\0');
	close(pair[0]);
	close(pair[1]);
}

/* The kernel of a container that forbids reuseport programs. */
static void
forbid_steering(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_ATTACH_REUSEPORT_CBPF,
		    0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = {sizeof(f) / sizeof(f[0]), f};

	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p));
}

static bool
libcoap_serves_it(void)
{
	struct image im;
	struct ask q;
	struct answer a;
	int fd;

	open_app("[::]:0", 2);
	im = published(SIZE);
	q = of(&im);
	q.num = 5;
	fd = client("127.0.0.1");
	a = ask(fd, &q);
	is_block(&a, &im, 5120);
	close(fd);
	return blocks_workers(app.blocks) == 0 && stats().requests == 0;
}

static void
without_steering_libcoap_serves_everything(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		forbid_steering();
		status = libcoap_serves_it() ? 0 : 1;
		(void)teardown(state);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A link of its own that takes no more than 600 bytes. */
static bool
narrow_link(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_mtu = 600};
	int fd;

	if (unshare(CLONE_NEWNET) != 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	OK(ioctl(fd, SIOCSIFMTU, &r));
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	OK(ioctl(fd, SIOCSIFFLAGS, &r));
	close(fd);
	return true;
}

static bool
a_block_comes_in_parts(void)
{
	struct image im;
	struct ask q;
	struct answer a;
	int fd;

	open_app("[::]:0", 1);
	im = published(SIZE);
	q = of(&im);
	fd = client("127.0.0.1");
	warm_up(fd, &im);
	for (q.num = 1; q.num < 9; q.num++) {
		a = ask_worker(fd, &q);
		is_block(&a, &im, q.num * 1024);
	}
	close(fd);
	return stats().blocks == 9 && stats().dropped == 0;
}

static void
a_narrow_path_gets_its_blocks_too(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (!narrow_link())
			_exit(77);
		status = a_block_comes_in_parts() ? 0 : 1;
		(void)teardown(state);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void
no_workers_wanted_are_none(void **state)
{
	(void)teardown(state);
	open_app("[::]:0", 0);
	assert_null(app.blocks);
	assert_int_equal(blocks_workers(app.blocks), 0);
	assert_int_equal(stats().requests, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_longest_unused_mapping_makes_room),
		T(a_new_table_inherits_what_is_live_and_good),
		T(a_full_queue_takes_no_more),
		T(the_first_request_maps_and_workers_serve_the_rest),
		T(answers_come_from_the_address_that_was_asked),
		T(a_plane_on_one_ipv4_address_serves_too),
		T(every_worker_has_its_share),
		T(images_come_and_go_while_it_runs),
		T(tables_change_under_a_download),
		T(what_a_worker_cannot_answer_the_loop_does),
		T(a_published_path_is_the_workers),
		T(the_slow_lane_drops_what_it_has_no_room_for),
		T(a_torn_file_is_an_error_for_itself_alone),
		T(REQ_SEC_MFST_CONST_a_touched_file_is_not_served_unseen),
		T(a_datagram_at_the_cap_is_read_and_a_longer_one_reset),
		T(who_asks_for_a_large_image_waits_until_it_is_hashed),
		T(so_it_is_in_the_plane_of_libcoap),
		T(REQ_SEC_MFST_CONST_no_byte_of_a_damaged_image_is_served),
		T(those_who_wait_in_the_slow_lane_are_bounded),
		T(images_that_are_hashed_at_a_time_are_bounded),
		T(what_is_live_is_hashed_after_a_start_unasked),
		T(a_daemon_may_end_while_images_are_hashed),
		T(everything_else_reaches_libcoap),
		T(nothing_to_steer_is_said_and_leaves_nothing),
		T(no_workers_wanted_are_none),
		/* without a daemon: they fork, and threads would stay behind */
		cmocka_unit_test(a_narrow_path_gets_its_blocks_too),
		cmocka_unit_test(without_steering_libcoap_serves_everything),
	};

	log_init(LOGL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
