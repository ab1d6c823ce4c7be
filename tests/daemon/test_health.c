/*
 * What is told of a disk: when it is writable, why not and since when, and
 * that a disk which fails on and off does not fill the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/health.h"

#define T0 1000000000000

static const struct why full = {ERR_NOSPACE, "full"};
static const struct why bad = {ERR_IO, "bad"};

static struct health_report
read_of(const struct health *h)
{
	struct health_report r;

	health_read(h, &r);
	return r;
}

static void
all_zeros_is_healthy(void **state)
{
	struct health h = {0};
	struct health_report r = read_of(&h);

	(void)state;
	assert_true(r.writable && !r.degraded);
	assert_true(r.err == 0 && r.since == 0 && r.text[0] == '\0');
	health_well(&h, HEALTH_COMMIT, T0);
	assert_true(read_of(&h).writable);
}

static void
the_first_place_that_fails_is_told_until_it_is_well(void **state)
{
	struct health h = {0};
	struct health_report r;

	(void)state;
	health_failed(&h, HEALTH_IMAGES, &bad, T0);
	health_failed(&h, HEALTH_COMMIT, &full, T0 + 5);
	health_failed(&h, HEALTH_COMMIT, &full, T0 + 9);
	r = read_of(&h);
	assert_true(!r.writable && r.degraded);
	assert_int_equal(r.err, ERR_NOSPACE);
	assert_int_equal(r.since, T0 + 5);
	assert_string_equal(r.text, "full");
	h.trial = true;
	health_well(&h, HEALTH_COMMIT, T0 + 10);
	r = read_of(&h);
	assert_int_equal(r.err, ERR_IO);
	assert_int_equal(r.since, T0);
	assert_false(r.writable);
	health_well(&h, HEALTH_IMAGES, T0 + 11);
	assert_true(read_of(&h).writable);
}

/* A small write found the last free page. */
static void
only_a_trial_says_that_there_is_room_again(void **state)
{
	struct why broken = {ERR_IO, "broken"};
	struct health h = {0};

	(void)state;
	health_failed(&h, HEALTH_COMMIT, &full, T0);
	health_well(&h, HEALTH_COMMIT, T0 + 1);
	assert_false(read_of(&h).writable);
	h.trial = true;
	health_failed(&h, HEALTH_COMMIT, &full, T0 + 2);
	health_well(&h, HEALTH_COMMIT, T0 + 3);
	assert_false(read_of(&h).writable); /* the trial had failed */
	h.trial = true;
	health_well(&h, HEALTH_COMMIT, T0 + 4);
	assert_true(read_of(&h).writable);
	health_failed(&h, HEALTH_COMMIT, &broken, T0 + 5);
	health_well(&h, HEALTH_COMMIT, T0 + 6);
	assert_true(read_of(&h).writable); /* any write tells of that */
}

static void
a_log_that_grows_refuses_nobody(void **state)
{
	struct health h = {0};

	(void)state;
	health_failed(&h, HEALTH_LOG, &full, T0);
	assert_true(read_of(&h).writable);
	assert_true(read_of(&h).degraded);
}

static void
refusals_are_counted_by_reason_and_others_are_not(void **state)
{
	struct health h = {0};
	struct health_report r;

	(void)state;
	for (int i = 0; i < 3; i++)
		health_refused(&h, ERR_NOSPACE);
	health_refused(&h, ERR_CORRUPT);
	health_refused(&h, ERR_BUSY);
	health_refused(&h, 0);
	r = read_of(&h);
	assert_int_equal(r.refused[HEALTH_NOSPACE], 3);
	assert_int_equal(r.refused[HEALTH_CORRUPT], 1);
	assert_int_equal(r.refused[HEALTH_IO], 0);
	assert_int_equal(r.refused[HEALTH_READONLY], 0);
	for (int i = 0; i < HEALTH_REASONS; i++)
		assert_true(health_reason_name((enum health_reason)i)[0]);
}

/* Lines that a run of it writes to stderr. */
static unsigned
lines(void (*run)(struct health *h))
{
	struct health h = {0};
	int old = dup(STDERR_FILENO), c;
	FILE *f = tmpfile();
	unsigned n = 0;

	assert_non_null(f);
	fflush(stderr);
	dup2(fileno(f), STDERR_FILENO);
	run(&h);
	fflush(stderr);
	dup2(old, STDERR_FILENO);
	close(old);
	rewind(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static void
for_an_hour(struct health *h)
{
	for (int s = 0; s < 3600; s++)
		health_failed(h, HEALTH_COMMIT, &full, T0 + s * 1000);
	h->trial = true;
	health_well(h, HEALTH_COMMIT, T0 + 3600000);
	health_well(h, HEALTH_COMMIT, T0 + 3601000);
}

static void
on_and_off(struct health *h)
{
	for (int s = 0; s < 59; s++) {
		health_failed(h, HEALTH_COMMIT, &full, T0 + s * 1000);
		h->trial = true;
		health_well(h, HEALTH_COMMIT, T0 + s * 1000 + 500);
	}
}

/* The second failure comes too early for a line, and lasts. */
static void
again_and_for_long(struct health *h)
{
	on_and_off(h);
	for (int s = 59; s < 80; s++)
		health_failed(h, HEALTH_COMMIT, &full, T0 + s * 1000);
}

static void
the_log_says_so_once_and_once_when_it_is_over(void **state)
{
	(void)state;
	assert_int_equal(lines(for_an_hour), 2);
	assert_int_equal(lines(on_and_off), 2);
	assert_int_equal(lines(again_and_for_long), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_zeros_is_healthy),
		cmocka_unit_test(the_first_place_that_fails_is_told_until_it_is_well),
		cmocka_unit_test(only_a_trial_says_that_there_is_room_again),
		cmocka_unit_test(a_log_that_grows_refuses_nobody),
		cmocka_unit_test(refusals_are_counted_by_reason_and_others_are_not),
		cmocka_unit_test(the_log_says_so_once_and_once_when_it_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
