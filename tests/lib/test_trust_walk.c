/*
 * Property tests: random histories and random signers against a model of a
 * few lines. The seed is fixed, so that a failure is the same again.
 */
#include "tests/lib/trust_make.h"

#include <stdlib.h>

#define POOL 8 /* makers that may be roots */
#define HISTORY 24

static uint64_t rnd_state;

static unsigned
rnd(unsigned below)
{
	rnd_state = rnd_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(rnd_state >> 33) % below;
}

/* A set of makers, as bits, with 1 to 5 of them. */
static unsigned
rnd_roots(void)
{
	unsigned set = 0, n = 1 + rnd(LIMIT_TRUST_ROOTS);

	while ((unsigned)__builtin_popcount(set) < n)
		set |= 1u << rnd(POOL);
	return set;
}

static void
set_roots(struct trust_spec *s, unsigned set, unsigned need)
{
	s->root_count = 0;
	for (unsigned i = 0; i < POOL; i++) {
		if ((set >> i & 1) != 0)
			s->root[s->root_count++] = maker_cose[i];
	}
	s->need = need;
}

/* "013" for the bits 0, 1 and 3. */
static const char *
digits(unsigned set)
{
	static char text[16];
	size_t n = 0;

	for (unsigned i = 0; i < 10; i++) {
		if ((set >> i & 1) != 0)
			text[n++] = (char)('0' + i);
	}
	text[n] = '\0';
	return text;
}

static unsigned
count(unsigned a, unsigned b)
{
	return (unsigned)__builtin_popcount(a & b);
}

/* One list after another: what is right follows from three numbers. */
static void
any_signers_are_judged_as_the_model_says(void **state)
{
	static struct made_list old, next;
	struct trust_spec s;
	unsigned accepted = 0;

	(void)state;
	rnd_state = 7;
	for (int round = 0; round < 400; round++) {
		unsigned a = rnd_roots(), b = rnd(3) == 0 ? a : rnd_roots();
		unsigned by = rnd(1u << 10), gap = rnd(3);
		unsigned m = 1 + rnd(count(a, a)), k = 1 + rnd(count(b, b));
		bool same;
		int want;

		while (count(by, by) > LIMIT_AUTH_BLOCKS)
			by &= by - 1;
		k = b == a && rnd(2) == 0 ? m : k;
		same = a == b && k == m;
		s = (struct trust_spec){.seq = 1};
		set_roots(&s, a, m);
		make_list(&s, "", &old);
		trust_spec_next(&old.t, &s);
		s.seq += gap;
		set_roots(&s, b, k);
		make_list(&s, digits(by), &next);
		want = gap > 0 && !same ? ERR_ORDER :
		    count(by, a) < m || count(by, b) < k ? ERR_SIGNATURE : 0;
		assert_int_equal(trust_step(&old.t, &next.t, NULL), want);
		want = gap > 0 ? ERR_ORDER : want;
		assert_int_equal(trust_step_chain(&old.t, &next.t, NULL),
		    want);
		accepted += want == 0;
	}
	assert_true(accepted > 20 && accepted < 380);
}

static struct made_list history[HISTORY];

/* A history as honest roots write it; what signs it is what must. */
static void
make_history(void)
{
	struct trust_spec s = {.seq = 1};
	unsigned set = rnd_roots(), next;

	set_roots(&s, set, 1 + rnd(count(set, set)));
	make_list(&s, digits(set), &history[0]);
	for (size_t i = 1; i < HISTORY; i++) {
		trust_spec_next(&history[i - 1].t, &s);
		/* five old and five new would be too many signatures */
		next = rnd(4) != 0 ? set : set ^ 1u << rnd(POOL);
		if (count(next, next) == 0 ||
		    count(next, next) > LIMIT_TRUST_ROOTS)
			next = set;
		set_roots(&s, next, 1 + rnd(count(next, next)));
		s.denied_count = 1;
		s.denied[0][0] = (uint8_t)i;
		make_list(&s, digits(set | next), &history[i]);
		set = next;
	}
}

/* Shown list `to`, gets what it needs in between; where it ends. */
static size_t
follow(size_t have, size_t to, unsigned *walked)
{
	int rc;

	while (have != to) {
		rc = trust_step(&history[have].t, &history[to].t, NULL);
		if (rc == 0)
			return to;
		if (to < have) {
			assert_int_equal(rc, ERR_SEQUENCE);
			return have;
		}
		assert_int_equal(rc, ERR_ORDER);
		/* the one after ours can always be taken */
		assert_int_equal(trust_step(&history[have].t,
		    &history[have + 1].t, NULL), 0);
		have++;
		(*walked)++;
	}
	return have;
}

static void
REQ_SEC_KEY_ROTATION_whoever_walks_gets_to_the_newest(void **state)
{
	unsigned walked = 0;

	(void)state;
	rnd_state = 11;
	for (int round = 0; round < 8; round++) {
		size_t have = 0, most = 0;

		make_history();
		assert_int_equal(trust_pin(&history[0].t, NULL), 0);
		for (int i = 0; i < 20; i++) {
			size_t to = rnd(HISTORY);

			most = to > most ? to : most;
			have = follow(have, to, &walked);
			assert_int_equal(have, most); /* never back */
		}
		assert_int_equal(follow(have, HISTORY - 1, &walked),
		    HISTORY - 1);
	}
	assert_true(walked > 8);
}

/* Two histories with one beginning: nobody gets from one to the other. */
static void
REQ_SEC_KEY_ROTATION_histories_do_not_mix(void **state)
{
	static struct made_list other[4];
	struct trust_spec s;

	(void)state;
	rnd_state = 13;
	make_history();
	for (size_t i = 0; i < 4; i++) {
		trust_spec_next(i == 0 ? &history[0].t : &other[i - 1].t, &s);
		s.floor_count = 1;
		s.floor[0] = (struct trust_floor){.most = UINT64_MAX};
		make_list(&s, "01234567", &other[i]);
	}
	for (size_t i = 0; i < 4; i++) {
		/* same number, and the next of the other one */
		assert_int_equal(trust_step(&history[i + 1].t, &other[i].t,
		    NULL), ERR_CONFLICT);
		assert_int_equal(trust_step(&other[i].t, &history[i + 1].t,
		    NULL), ERR_CONFLICT);
		assert_int_equal(trust_step_chain(&other[i].t,
		    &history[i + 2].t, NULL), ERR_CONFLICT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_signers_are_judged_as_the_model_says),
		cmocka_unit_test(
		    REQ_SEC_KEY_ROTATION_whoever_walks_gets_to_the_newest),
		cmocka_unit_test(
		    REQ_SEC_KEY_ROTATION_histories_do_not_mix),
	};

	return cmocka_run_group_tests(tests, make_makers, drop_makers);
}
