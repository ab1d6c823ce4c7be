/* The parts of coapgen that neither know sockets nor time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/bench/gen_hist.h"
#include "tests/bench/gen_rand.h"
#include "tests/bench/gen_wheel.h"
#include "tests/bench/gen_wire.h"

#define TIMERS 500
#define HORIZON (3 * WHEEL_SLOTS)

static void
a_quantile_is_wrong_by_a_sixty_fourth_at_most(void **state)
{
	(void)state;
	for (uint64_t v = 0; v <= UINT32_MAX; v += v / 50 + 1) {
		struct hist h = {0};
		uint32_t q;

		hist_add(&h, (uint32_t)v);
		hist_add(&h, UINT32_MAX);
		q = hist_quantile(&h, 0);
		assert_true(q >= v && q <= v + v / 64);
		assert_int_equal(h.max, UINT32_MAX);
		assert_int_equal(hist_quantile(&h, 1), UINT32_MAX);
	}
}

static void
quantiles_count_from_the_least(void **state)
{
	struct hist h = {0};

	(void)state;
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	for (uint32_t v = 0; v < 60; v++)
		hist_add(&h, 59 - v);
	assert_int_equal(hist_quantile(&h, 0), 0);
	assert_int_equal(hist_quantile(&h, 0.5), 30);
	assert_int_equal(hist_quantile(&h, 0.99), 59);
	assert_int_equal(h.n, 60);
}

/* --- the wheel against a table of due times --- */

struct clockwork {
	struct wheel wheel;
	struct wheel_link link[TIMERS];
	uint32_t due[TIMERS]; /* 0: none */
	uint32_t told;
	uint64_t luck;
};

static void
set(struct clockwork *c, uint32_t k)
{
	c->due[k] = c->wheel.now + 1 +
	    (uint32_t)(rand_next(&c->luck) % HORIZON);
	wheel_set(&c->wheel, k, c->due[k]);
}

static void
on_due(void *arg, uint32_t k)
{
	struct clockwork *c = arg;

	assert_int_equal(c->due[k], c->wheel.now);
	c->due[k] = 0;
	c->told++;
	if (rand_next(&c->luck) % 2 == 0)
		set(c, k);
}

static void
every_timer_is_told_in_its_millisecond(void **state)
{
	struct clockwork *c = calloc(1, sizeof(*c));
	uint32_t now = 0;

	(void)state;
	wheel_init(&c->wheel, c->link, sizeof(c->link[0]));
	for (uint32_t k = 0; k < TIMERS; k++)
		set(c, k);
	while (now < 4 * HORIZON) {
		uint32_t k = (uint32_t)(rand_next(&c->luck) % TIMERS), set_n = 0;

		now += (uint32_t)(rand_next(&c->luck) % 40);
		wheel_advance(&c->wheel, now, on_due, c);
		if (c->due[k] != 0)
			wheel_clear(&c->wheel, k);
		set(c, k);
		for (k = 0; k < TIMERS; k++) {
			assert_true(c->due[k] == 0 || c->due[k] > now);
			set_n += c->due[k] != 0;
		}
		assert_int_equal(c->wheel.set, set_n);
	}
	assert_true(c->told > TIMERS);
	free(c);
}

static void
what_is_due_already_is_told_at_the_next_one(void **state)
{
	static struct clockwork c;

	(void)state;
	wheel_init(&c.wheel, c.link, sizeof(c.link[0]));
	wheel_advance(&c.wheel, 10, on_due, &c);
	wheel_set(&c.wheel, 3, 10);
	c.due[3] = 11;
	wheel_advance(&c.wheel, 11, on_due, &c);
	assert_int_equal(c.told, 1);
}

/* --- messages --- */

static void
numbers_take_the_place_of_percent_u(void **state)
{
	static const struct {
		const char *fmt, *want;
	} cases[] = {
		{"", ""}, {"plain", "plain"}, {"a%ub", "a1234b"},
		{"%06u", "001234"}, {"%03u", "1234"}, {"%u/%05u", "1234/01234"},
		{"100%", "100%"}, {"%x%0u%", "%x%0u%"}, {"%%u", "%1234"},
	};
	char b[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf ret = buf_of(b, sizeof(b));

		assert_true(wire_expand(cases[i].fmt, 1234, &ret));
		assert_true(slice_eq_str(buf_slice(&ret), cases[i].want));
	}
	assert_false(wire_expand("12%u", 1234, &(struct buf){(uint8_t *)b, 0,
	    5, false}));
}

static void
a_request_is_the_same_when_written_again(void **state)
{
	struct gen_args a = {.mode = GEN_GET, .path = "i/x", .szx = 6,
	    .cf = GEN_UNSET, .accept = GEN_UNSET, .token = 4, .seed = 1};
	struct wire_request r = {7, 0x12, 0xabcd}, other = {7, 0x12, 0xabce};
	uint8_t x[WIRE_MAX], y[WIRE_MAX], token[8];
	struct wire w;
	size_t n;

	(void)state;
	assert_int_equal(wire_init(&w, &a), 0);
	n = wire_write(&w, &r, x);
	assert_int_equal(n, wire_write(&w, &r, y));
	assert_memory_equal(x, y, n);
	assert_memory_equal(x, "\x44\x01\xab\xcd", 4);
	assert_memory_equal(x + 4, wire_token(&w, &r, token).p, 4);
	assert_memory_equal(x + 8, "\xb1i\x01x\xc2\x01\x26", n - 8);
	wire_write(&w, &other, y);
	assert_memory_not_equal(x + 4, y + 4, 4);
}

static const uint8_t answer[] =
    "\x62\x45\x12\x34to\x48\x31\x32\x33\x34\x35\x36\x37\x38\x21\x05"
    "\xd2\x04\x01\x2e\x52\x13\x88\xffpay";
#define ANSWER_N (sizeof(answer) - 1)
#define ANSWER_MARKER (ANSWER_N - 4)

static void
an_answer_is_read(void **state)
{
	struct wire_answer a;

	(void)state;
	assert_int_equal(wire_read(slice_of(answer, ANSWER_N), &a), 0);
	assert_int_equal(a.type, WIRE_ACK);
	assert_int_equal(a.code, 0x45);
	assert_int_equal(a.mid, 0x1234);
	assert_true(slice_eq_str(a.token, "to"));
	assert_true(slice_eq_str(a.etag, "12345678"));
	assert_true(a.have_observe && a.observe == 5);
	assert_true(a.have_block && a.block.num == 18 && a.block.more);
	assert_int_equal(a.block.szx, 6);
	assert_true(a.have_size2 && a.size2 == 5000);
	assert_true(slice_eq_str(a.payload, "pay"));
}

/* An exact copy each time, so that a sanitizer sees one byte too many. */
static int
read_copy(struct slice s)
{
	uint8_t *p = malloc(s.n > 0 ? s.n : 1);
	struct wire_answer a;
	int rc;

	memcpy(p, s.p, s.n);
	rc = wire_read(slice_of(p, s.n), &a);
	free(p);
	return rc;
}

static void
a_part_of_an_answer_is_no_answer(void **state)
{
	static const size_t whole[] = {6, 15, 17, 21, 24};
	uint64_t luck = 1;

	(void)state;
	for (size_t n = 0; n <= ANSWER_MARKER + 1; n++) {
		bool end = false; /* an option ends here */

		for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
			end = end || whole[i] == n;
		assert_int_equal(read_copy(slice_of(answer, n)), end ? 0 :
		    ERR_MALFORMED);
	}
	for (int i = 0; i < 100000; i++) {
		uint8_t b[ANSWER_N];

		memcpy(b, answer, sizeof(b));
		b[rand_next(&luck) % sizeof(b)] = (uint8_t)rand_next(&luck);
		b[rand_next(&luck) % sizeof(b)] = (uint8_t)rand_next(&luck);
		(void)read_copy(slice_of(b, rand_next(&luck) % sizeof(b)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quantile_is_wrong_by_a_sixty_fourth_at_most),
		cmocka_unit_test(quantiles_count_from_the_least),
		cmocka_unit_test(every_timer_is_told_in_its_millisecond),
		cmocka_unit_test(what_is_due_already_is_told_at_the_next_one),
		cmocka_unit_test(numbers_take_the_place_of_percent_u),
		cmocka_unit_test(a_request_is_the_same_when_written_again),
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(a_part_of_an_answer_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
