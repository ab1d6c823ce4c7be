/* Bodies in parts: order, repetition, sizes at the cap and one past. */
#include "tests/rig/front_rig.h"

#include <string.h>

#include "daemon/block1.h"
#include "lib/digest.h"

static uint8_t pattern[200 * 1024 + 1];
static uint16_t mid;

static int
start(void **state)
{
	mid = 0;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 11 + i / 1024);
	return rig_start(state);
}

/* One block of pattern[0..total) */
static void
part(struct msg *q, const char *path, uint32_t num, unsigned szx,
    size_t total)
{
	size_t size = (size_t)16 << szx, off = num * size;
	size_t n = total - off < size ? total - off : size;

	msg_begin(q, CON, 2, ++mid, "c0ffee");
	msg_path(q, path);
	msg_block(q, OPT_BLOCK1, num, off + n < total, szx);
	msg_body(q, pattern + off, n);
}

static void
upload(struct msg *a, const char *path, unsigned szx, size_t total)
{
	struct msg q;

	for (uint32_t num = 0; ; num++) {
		size_t end = (size_t)(num + 1) << (szx + 4);

		part(&q, path, num, szx, total);
		msg_ask(&q, a);
		if (end >= total || a->code != 231)
			return;
		assert_int_equal(msg_get_uint(a, OPT_BLOCK1),
		    num << 4 | 8 | szx);
		assert_int_equal(rig.calls, 0);
	}
}

static void
is_pattern(size_t n)
{
	struct digest d;

	assert_int_equal(rig.body_n, n);
	assert_int_equal(digest_compute(DIGEST_SHA256, slice_of(pattern, n),
	    &d), 0);
	assert_memory_equal(rig.body_digest, d.b, 32);
}

static void
TUF_ENDLESS_a_body_in_memory_at_the_cap_and_one_past(void **state)
{
	struct msg a;

	(void)state;
	upload(&a, "r", 6, LIMIT_BODY_MEM);
	assert_int_equal(a.code, 204);
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK1), 63 << 4 | 6);
	assert_int_equal(rig.calls, 1);
	is_pattern(LIMIT_BODY_MEM);
	rig.calls = 0;
	upload(&a, "r", 6, LIMIT_BODY_MEM + 1);
	assert_int_equal(a.code, 413);
	assert_int_equal(msg_get_uint(&a, OPT_SIZE1), LIMIT_BODY_MEM);
	assert_int_equal(rig.calls, 0);
}

static void
TUF_ENDLESS_a_body_in_a_file_at_the_cap_and_one_past(void **state)
{
	struct front_stats st;
	struct msg a;

	(void)state;
	upload(&a, "file", 6, 200 * 1024);
	assert_int_equal(a.code, 204);
	is_pattern(200 * 1024);
	rig.calls = 0;
	upload(&a, "file", 6, 200 * 1024 + 1);
	assert_int_equal(a.code, 413);
	assert_int_equal(msg_get_uint(&a, OPT_SIZE1), 200 * 1024);
	front_stats(rig.front, &st);
	assert_int_equal(st.assemblies, 0);
}

/* However long it is: no call has more to do than one block gives. */
static void
an_upload_is_written_as_it_comes(void **state)
{
	struct msg a;

	(void)state;
	upload(&a, "file", 6, 200 * 1024);
	assert_int_equal(a.code, 204);
	is_pattern(200 * 1024);
	assert_int_equal(rig.most_written, 1024);
	assert_int_equal(rig.puts, 0); /* what the handler left was aborted */
}

static void
an_upload_that_fails_ends_or_is_replaced_leaves_nothing(void **state)
{
	struct msg q, a;

	(void)state;
	part(&q, "file", 0, 6, 4096);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 231);
	assert_int_equal(rig.puts, 1);
	part(&q, "file", 0, 6, 4096); /* a new try */
	msg_ask(&q, &a);
	assert_int_equal(a.code, 231);
	assert_int_equal(rig.puts, 1);
	rig.put_err = ERR_NOSPACE;
	part(&q, "file", 1, 6, 4096);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 503);
	assert_int_equal(rig.puts, 0);
	rig.put_err = 0;
	part(&q, "file", 2, 6, 4096); /* it has to begin anew */
	msg_ask(&q, &a);
	assert_int_equal(a.code, 408);
	part(&q, "file", 0, 6, 4096);
	msg_ask(&q, &a);
	assert_int_equal(rig.puts, 1);
	block1_tick(rig.front->block1, rig.front, loop_mono(rig.loop) +
	    LIMIT_ASSEMBLY_IDLE * 1000 - 500);
	assert_int_equal(rig.puts, 1);
	block1_tick(rig.front->block1, rig.front, loop_mono(rig.loop) +
	    LIMIT_ASSEMBLY_IDLE * 1000);
	assert_int_equal(rig.puts, 0);
	part(&q, "file", 0, 6, 4096);
	msg_ask(&q, &a);
	assert_int_equal(rig.puts, 1); /* the front's end takes it along */
	assert_int_equal(rig.calls, 0);
}

static uint64_t
times(enum front_limit l)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.limit[l];
}

static void
DOS_LIMITS_uploads_that_are_given_up_are_counted(void **state)
{
	struct msg q, a;

	(void)state;
	part(&q, "file", 0, 6, 4096);
	msg_ask(&q, &a);
	block1_tick(rig.front->block1, rig.front, loop_mono(rig.loop) +
	    LIMIT_ASSEMBLY_IDLE * 1000);
	assert_int_equal(times(FRONT_LIMIT_ASSEMBLY_IDLE), 1);
	assert_int_equal(times(FRONT_LIMIT_ASSEMBLY_SLOW), 0);
	assert_int_equal(times(FRONT_LIMIT_BODY), 0);
	part(&q, "r", 64, 6, 70000);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 413);
	assert_int_equal(times(FRONT_LIMIT_BODY), 1);
}

static void
TUF_SLOW_DOS_LIMITS_a_slow_upload_has_some_minutes(void **state)
{
	const int64_t grace = LIMIT_ASSEMBLY_GRACE * 1000;
	const uint64_t least = LIMIT_ASSEMBLY_LEAST;

	(void)state;
	assert_false(block1_is_slow(0, 0));
	assert_false(block1_is_slow(0, grace));
	assert_false(block1_is_slow(0, grace + 999));
	assert_true(block1_is_slow(0, grace + 1000));
	assert_false(block1_is_slow(least, grace + 1000));
	assert_true(block1_is_slow(least - 1, grace + 1000));
	/* the largest image at 64 bytes a second is fast enough, always */
	for (uint64_t n = 0; n <= LIMIT_IMAGE; n += 1u << 20)
		assert_false(block1_is_slow(n, (int64_t)(n / least) * 1000));
}

static void
small_blocks_and_a_single_block(void **state)
{
	struct msg a;

	(void)state;
	upload(&a, "r", 0, 100);
	assert_int_equal(a.code, 204);
	is_pattern(100);
	rig.calls = 0;
	upload(&a, "r", 2, 64);
	assert_int_equal(a.code, 204);
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK1), 2);
	is_pattern(64);
}

static void
a_size1_over_the_cap_is_refused_at_once(void **state)
{
	struct msg q, a;

	(void)state;
	msg_begin(&q, CON, 2, 1, "");
	msg_path(&q, "r");
	msg_block(&q, OPT_BLOCK1, 0, true, 0);
	msg_opt_uint(&q, OPT_SIZE1, 0xffffffff);
	msg_body(&q, pattern, 16);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 413);
	assert_int_equal(msg_get_uint(&a, OPT_SIZE1), LIMIT_BODY_MEM);
}

static void
gaps_and_strays_are_incomplete(void **state)
{
	struct msg q, a;

	(void)state;
	part(&q, "r", 1, 2, 300);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 408); /* nothing was begun */
	part(&q, "r", 0, 2, 300);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 231);
	part(&q, "r", 2, 2, 300);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 408);
	/* the right one still counts */
	part(&q, "r", 1, 2, 300);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 231);
	/* another peer has its own body */
	part(&q, "r", 2, 2, 300);
	msg_send(&q, 1);
	assert_true(msg_recv(&a, 1, RIG_HANGS));
	assert_int_equal(a.code, 408);
	assert_int_equal(rig.calls, 0);
}

static void
lost_answers_are_repeated(void **state)
{
	struct msg q, a;

	(void)state;
	for (uint32_t num = 0; num < 5; num++) {
		part(&q, "r", num, 2, 300);
		msg_ask(&q, &a);
		assert_int_equal(a.code, num < 4 ? 231 : 204);
		msg_ask(&q, &a); /* the same datagram again */
		assert_int_equal(a.code, num < 4 ? 231 : 204);
		if (num == 2) { /* again with a new message ID */
			part(&q, "r", num, 2, 300);
			msg_ask(&q, &a);
			assert_int_equal(a.code, 231);
		}
	}
	assert_int_equal(rig.calls, 1);
	is_pattern(300);
}

static void
request_tags_keep_bodies_apart(void **state)
{
	struct msg q, a;

	(void)state;
	for (uint32_t num = 0; num < 2; num++) {
		for (char tag = 'a'; tag <= 'b'; tag++) {
			msg_begin(&q, CON, 2, ++mid, "");
			msg_path(&q, "r");
			msg_block(&q, OPT_BLOCK1, num, num == 0, 0);
			msg_opt(&q, OPT_RTAG, &tag, 1);
			msg_body(&q, pattern + num * 16, 16);
			msg_ask(&q, &a);
			assert_int_equal(a.code, num == 0 ? 231 : 204);
		}
	}
	assert_int_equal(rig.calls, 2);
	is_pattern(32);
}

static void
a_block_of_the_wrong_length_is_refused(void **state)
{
	struct msg q, a;

	(void)state;
	msg_begin(&q, CON, 2, 1, "");
	msg_path(&q, "r");
	msg_block(&q, OPT_BLOCK1, 0, true, 1);
	msg_body(&q, pattern, 31);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 400);
}

static void
wrong_paths_and_methods_do_not_collect_bodies(void **state)
{
	struct front_stats st;
	struct msg q, a;

	(void)state;
	part(&q, "nothing", 0, 2, 300);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 404);
	part(&q, "hello", 0, 2, 300);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 405);
	front_stats(rig.front, &st);
	assert_int_equal(st.assemblies, 0);
}

/* Strangers get three quarters of the table; the rest is for credentials. */
static void
TUF_ENDLESS_assemblies_are_bounded(void **state)
{
	int max = LIMIT_ASSEMBLIES * 3 / 4;
	struct front_stats st;
	struct msg q, a;

	(void)state;
	for (uint8_t i = 0; i <= max; i++) {
		msg_begin(&q, CON, 2, ++mid, "");
		msg_path(&q, "r");
		msg_block(&q, OPT_BLOCK1, 0, true, 0);
		msg_opt(&q, OPT_RTAG, &i, 1);
		msg_body(&q, pattern, 16);
		msg_ask(&q, &a);
		assert_int_equal(a.code, i < max ? 231 : 503);
	}
	assert_true(msg_get_uint(&a, OPT_MAX_AGE) > 0);
	front_stats(rig.front, &st);
	assert_int_equal(st.assemblies, max);
	assert_int_equal(st.limit[FRONT_LIMIT_ASSEMBLIES], 1);
}

/* Nor does it wait for one: on no plane, so that they agree. */
static void
a_get_has_no_body_in_parts(void **state)
{
	static const struct {
		uint32_t num;
		bool more;
		unsigned code;
	} cases[] = {{0, false, 205}, {0, true, 402}, {1, false, 402}};
	struct front_stats st;
	struct msg q, a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		msg_begin(&q, CON, 1, ++mid, "c0ffee");
		msg_path(&q, "big");
		msg_block(&q, OPT_BLOCK1, cases[i].num, cases[i].more, 6);
		msg_opt_uint(&q, OPT_SIZE1, UINT32_MAX);
		msg_body(&q, pattern, 1024);
		msg_ask(&q, &a);
		assert_int_equal(a.code, cases[i].code);
		assert_int_equal(msg_get_uint(&a, OPT_BLOCK1),
		    cases[i].num << 4 | (cases[i].more ? 8 : 0) | 6);
	}
	front_stats(rig.front, &st);
	assert_int_equal(st.assemblies, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, rig_stop)
		T(TUF_ENDLESS_a_body_in_memory_at_the_cap_and_one_past),
		T(TUF_ENDLESS_a_body_in_a_file_at_the_cap_and_one_past),
		T(an_upload_is_written_as_it_comes),
		T(an_upload_that_fails_ends_or_is_replaced_leaves_nothing),
		T(small_blocks_and_a_single_block),
		T(DOS_LIMITS_uploads_that_are_given_up_are_counted),
		T(TUF_SLOW_DOS_LIMITS_a_slow_upload_has_some_minutes),
		T(a_size1_over_the_cap_is_refused_at_once),
		T(gaps_and_strays_are_incomplete),
		T(lost_answers_are_repeated),
		T(request_tags_keep_bodies_apart),
		T(a_block_of_the_wrong_length_is_refused),
		T(wrong_paths_and_methods_do_not_collect_bodies),
		T(TUF_ENDLESS_assemblies_are_bounded),
		T(a_get_has_no_body_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
