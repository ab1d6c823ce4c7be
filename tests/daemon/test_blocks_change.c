/*
 * What changes while workers serve it: releases that come and go, files that
 * somebody cuts or touches.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tests/daemon/blocks_ask.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(images_come_and_go_while_it_runs),
		T(tables_change_under_a_download),
		T(a_torn_file_is_an_error_for_itself_alone),
		T(REQ_SEC_MFST_CONST_a_touched_file_is_not_served_unseen),
	};

	log_init(LOGL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
