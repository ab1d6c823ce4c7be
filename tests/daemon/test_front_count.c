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

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_start, rig_stop)
		T(answers_are_counted_by_route_and_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
