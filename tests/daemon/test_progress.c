/* How far downloads have come, by the blocks that were asked for. */
#include "daemon/progress.h"
#include "tests/daemon/res_call.h"

static void
marks_come_together_and_apart(void **state)
{
	static struct progress p;
	uint8_t digest[32] = {1};
	struct progress_mark m = {"a:x", digest, 64, 1000};
	const struct progress_slot *s;

	(void)state;
	memset(&p, 0, sizeof(p));
	for (m.end = 64; m.end < 1000; m.end += 64)
		progress_block(&p, &m, 1);
	s = progress_find(&p, "a:x", digest);
	assert_int_equal(s->span.hi, 960);
	assert_false(progress_complete(s));
	m.end = 1000;
	progress_block(&p, &m, 2);
	assert_true(progress_complete(s));
	progress_folded(&p, (struct progress_slot *)s, 2);
	assert_int_equal(p.dirty, 0);
	m.end = 64; /* from the beginning */
	progress_block(&p, &m, 3);
	assert_int_equal(s->span.hi, 64);
	assert_false(progress_complete(s));
	assert_null(progress_find(&p, "a:y", digest));
}

static void
one_stray_last_block_is_no_download(void **state)
{
	static struct progress p;
	uint8_t digest[32] = {1};
	struct progress_mark m = {"a:x", digest, 100000, 100000};

	(void)state;
	memset(&p, 0, sizeof(p));
	progress_block(&p, &m, 1);
	assert_false(progress_complete(progress_find(&p, "a:x", digest)));
	/* a resumed one ends with several */
	m.peer = "a:y";
	m.end = 99000;
	progress_block(&p, &m, 1);
	m.end = 100000;
	progress_block(&p, &m, 1);
	assert_true(progress_complete(progress_find(&p, "a:y", digest)));
}

static void
the_table_is_bounded_and_forgets_the_stalest(void **state)
{
	static struct progress p;
	uint8_t digest[32] = {1};
	char peer[32];
	struct progress_mark m = {peer, digest, 64, 1000};

	(void)state;
	memset(&p, 0, sizeof(p));
	for (int i = 0; i < 4 * PROGRESS_SLOTS; i++) {
		snprintf(peer, sizeof(peer), "a:%d", i);
		progress_block(&p, &m, i);
	}
	assert_true(p.evicted > 0);
	assert_true(p.dirty <= PROGRESS_SLOTS);
	assert_non_null(progress_find(&p, peer, digest));
	assert_null(progress_find(&p, "a:0", digest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(marks_come_together_and_apart),
		T(one_stray_last_block_is_no_download),
		T(the_table_is_bounded_and_forgets_the_stalest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
