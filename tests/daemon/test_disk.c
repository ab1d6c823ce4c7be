/*
 * The disk's thread: what comes first, what is hurried, and what is left when
 * the daemon ends. A gate lets the thread make one step at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/disk.h"
#include "daemon/loop.h"

struct test {
	struct chore chore;
	char name;
	int steps; /* how many it takes */
	bool dropped;
};

static struct loop *loop;
static struct disk *disk;
static sem_t gate, entered;
static char order[32]; /* the thread's: whose step it was */
static int ordered, done;
static _Atomic(bool) opened; /* for good */

static bool
step(struct chore *c)
{
	struct test *t = (struct test *)c;

	sem_post(&entered);
	while (!opened && sem_wait(&gate) != 0)
		continue;
	if (ordered < (int)sizeof(order))
		order[ordered++] = t->name;
	return --t->steps == 0;
}

static void
on_done(struct chore *c)
{
	((struct test *)c)->dropped = c->dropped;
	done++;
}

static struct test
chore(char name, int steps)
{
	return (struct test){{.step = step, .done = on_done}, name, steps,
	    false};
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

static int
setup(void **state)
{
	(void)state;
	ordered = done = 0;
	opened = false;
	sem_init(&gate, 0, 0);
	sem_init(&entered, 0, 0);
	assert_int_equal(loop_new(1, &loop), 0);
	assert_int_equal(loop_every(loop, 2, stop, loop), 0);
	assert_int_equal(disk_new(loop, &disk), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	disk_free(disk);
	loop_free(loop);
	sem_destroy(&gate);
	sem_destroy(&entered);
	return 0;
}

static void
let(int steps)
{
	for (int i = 0; i < steps; i++)
		sem_post(&gate);
}

static void
inside(void)
{
	while (sem_wait(&entered) != 0)
		continue;
}

static void
until_done(int n)
{
	for (int i = 0; i < 5000 && done < n; i++)
		assert_int_equal(loop_run(loop), 0);
	assert_int_equal(done, n);
}

static void
was(const char *want)
{
	assert_int_equal(ordered, strlen(want));
	assert_memory_equal(order, want, strlen(want));
}

static void
a_better_rank_goes_first_between_two_steps(void **state)
{
	struct test i = chore('i', 3), w = chore('w', 1), x = chore('x', 2);

	(void)state;
	disk_add(disk, &i.chore, DISK_IDLE);
	inside();
	disk_add(disk, &x.chore, DISK_WANTED);
	disk_add(disk, &w.chore, DISK_WRITE);
	let(6);
	until_done(3);
	was("iwxxii");
	assert_false(i.dropped || w.dropped || x.dropped);
}

static void
what_is_wanted_now_is_hurried(void **state)
{
	struct test a = chore('a', 3), b = chore('b', 1), c = chore('c', 1);

	(void)state;
	disk_add(disk, &a.chore, DISK_IDLE);
	inside();
	disk_add(disk, &b.chore, DISK_IDLE);
	disk_add(disk, &c.chore, DISK_IDLE);
	disk_hurry(disk, &c.chore, DISK_WANTED);
	disk_hurry(disk, &c.chore, DISK_IDLE); /* never the other way */
	disk_hurry(disk, &a.chore, DISK_WANTED); /* while it is at it */
	let(5);
	until_done(3);
	was("acaab"); /* it stands behind those of its new rank */
	disk_hurry(disk, &a.chore, DISK_WRITE); /* it is over: nothing */
	assert_int_equal(done, 3);
}

static void
at_the_end_what_is_written_is_finished_and_the_rest_dropped(void **state)
{
	struct test i = chore('i', INT_MAX), w = chore('w', 2);
	struct test x = chore('x', 1);

	(void)state;
	disk_add(disk, &i.chore, DISK_IDLE);
	inside();
	disk_add(disk, &x.chore, DISK_WANTED);
	disk_add(disk, &w.chore, DISK_WRITE);
	opened = true;
	let(1);
	disk_free(disk);
	disk = NULL;
	assert_int_equal(done, 3);
	assert_false(w.dropped);
	assert_true(i.dropped);
	assert_int_equal(w.steps, 0);
	assert_memory_equal(order, "iww", 3);
}

static void
tickets_are_new_each_time(void **state)
{
	uint64_t a = disk_ticket(disk), b = disk_ticket(disk);

	(void)state;
	assert_true(a != 0 && b != 0 && a != b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(a_better_rank_goes_first_between_two_steps),
		T(what_is_wanted_now_is_hurried),
		T(at_the_end_what_is_written_is_finished_and_the_rest_dropped),
		T(tickets_are_new_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
