/*
 * The image plane on loopback: what workers answer, and what they leave to
 * the loop.
 */
#include <unistd.h>

#include "daemon/log.h"
#include "tests/daemon/blocks_ask.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_first_request_maps_and_workers_serve_the_rest),
		T(answers_come_from_the_address_that_was_asked),
		T(a_plane_on_one_ipv4_address_serves_too),
		T(every_worker_has_its_share),
		T(what_a_worker_cannot_answer_the_loop_does),
		T(a_published_path_is_the_workers),
		T(the_slow_lane_drops_what_it_has_no_room_for),
		T(a_datagram_at_the_cap_is_read_and_a_longer_one_reset),
		T(everything_else_reaches_libcoap),
	};

	log_init(LOGL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
