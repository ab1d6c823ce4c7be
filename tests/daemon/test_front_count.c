/* What was answered, by route and code. */
#include "tests/rig/front_rig.h"

#include <string.h>

static void
get(struct msg *a, const char *path)
{
	static uint16_t mid = 100;
	struct msg q;

	msg_begin(&q, CON, 1, ++mid, "");
	msg_path(&q, path);
	msg_ask(&q, a);
}

static uint64_t answers;
static const char *answers_of;
static unsigned answers_code;

static void
take_count(void *arg, const char *path, const uint64_t n[CODES])
{
	(void)arg;
	if (strcmp(path, answers_of) == 0)
		answers += n[code_index(answers_code)];
}

static uint64_t
answered(const char *path, unsigned code)
{
	answers = 0;
	answers_of = path;
	answers_code = code;
	front_answered(rig.front, take_count, NULL);
	return answers;
}

static void
answers_are_counted_by_route_and_code(void **state)
{
	static const struct {
		const char *path, *route;
		unsigned code;
	} cases[] = {
		{"big", "big", 205}, {"img", FRONT_IMAGE, 205},
		{".well-known/core", ".well-known/core", 205},
		{"no/such", "{*}", 404}, {"op", "op", 401},
	};
	static const uint8_t image[2500];
	uint64_t was;
	struct msg a;

	(void)state;
	rig.served = slice_of(image, sizeof(image));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		was = answered(cases[i].route, cases[i].code);
		get(&a, cases[i].path);
		assert_int_equal(a.code, cases[i].code);
		assert_int_equal(answered(cases[i].route, cases[i].code),
		    was + 1);
	}
}

/* It was not lost for who counts, though it ran once. */
static void
a_repetition_is_counted_where_it_was(void **state)
{
	uint64_t was = answered("rd", 201), none = answered("other", 201);
	struct msg q, a;

	(void)state;
	for (int i = 0; i < 3; i++) {
		msg_begin(&q, CON, 2, 40, "01");
		msg_path(&q, "rd");
		msg_ask(&q, &a);
		assert_int_equal(a.code, 201);
	}
	assert_int_equal(answered("rd", 201), was + 3);
	assert_int_equal(answered("other", 201), none);
}

/* Refused before its route was looked for. */
static void
so_is_what_no_handler_can_answer(void **state)
{
	uint64_t was = answered("rd", 408);
	struct msg q, a;

	(void)state;
	msg_begin(&q, CON, 2, 41, "");
	msg_path(&q, "rd");
	msg_block(&q, OPT_BLOCK2, 1, false, 6);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 408);
	assert_int_equal(answered("rd", 408), was + 1);
}

/* Workers go on while somebody counts: the sum of all less what they have
 * sent by now would be less than nothing. */
static void
blocks_of_the_loop_are_counted_by_themselves(void **state)
{
	static const uint8_t image[2500];
	struct front_stats st;
	struct msg a;

	(void)state;
	rig.served = slice_of(image, sizeof(image));
	rig.beside = 1000;
	get(&a, "img");
	front_stats(rig.front, &st);
	assert_int_equal(st.blocks, 1001);
	assert_int_equal(st.own_blocks, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_start, rig_stop)
		T(answers_are_counted_by_route_and_code),
		T(a_repetition_is_counted_where_it_was),
		T(so_is_what_no_handler_can_answer),
		T(blocks_of_the_loop_are_counted_by_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
