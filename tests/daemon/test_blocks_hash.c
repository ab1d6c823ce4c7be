/*
 * Images that have to be hashed before a byte of them is served: who asks
 * waits meanwhile, and others do not.
 */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/checks.h"
#include "daemon/disk.h"
#include "daemon/log.h"
#include "tests/daemon/blocks_ask.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(who_asks_for_a_large_image_waits_until_it_is_hashed),
		T(so_it_is_in_the_plane_of_libcoap),
		T(REQ_SEC_MFST_CONST_no_byte_of_a_damaged_image_is_served),
		T(those_who_wait_in_the_slow_lane_are_bounded),
		T(images_that_are_hashed_at_a_time_are_bounded),
		T(what_is_live_is_hashed_after_a_start_unasked),
		T(a_daemon_may_end_while_images_are_hashed),
	};

	log_init(LOGL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
