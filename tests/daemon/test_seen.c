/*
 * The worker's table of downloads: what it keeps and what it forgets, how
 * much memory that takes, and that news reach the other thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/seen.h"

#define IMAGE 262144u
#define NOW INT64_C(1300000000000)

static const uint8_t digest[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static struct seen_peer
peer(uint32_t i)
{
	struct seen_peer p = {.kind = 'a', .n = 16, .b = {0, 0, 0, 0, 0, 0, 0,
	    0, 0, 0, 0xff, 0xff, 10}};

	p.b[13] = (uint8_t)(i >> 16);
	p.b[14] = (uint8_t)(i >> 8);
	p.b[15] = (uint8_t)i;
	return p;
}

static uint32_t
number(const struct seen_slot *t)
{
	return (uint32_t)t->peer.b[13] << 16 | (uint32_t)t->peer.b[14] << 8 |
	    t->peer.b[15];
}

static void
block(struct seen *s, uint32_t i, uint32_t end, int64_t now)
{
	struct seen_peer p = peer(i);
	struct seen_mark m = {&p, digest, seen_hash(&p, digest), end,
	    IMAGE + i};

	for (unsigned k = 0; k < SEEN_STEPS; k++)
		seen_prefetch(s, m.hash, k);
	seen_block(s, &m, now);
}

static bool
find(const struct seen *s, uint32_t i, struct seen_slot *ret)
{
	struct seen_peer p = peer(i);

	return seen_find(s, &p, digest, ret);
}

static struct seen *
table(size_t slots)
{
	struct seen *s;

	assert_int_equal(seen_new(slots, &s), 0);
	return s;
}

static struct seen_stats
stats(const struct seen *s)
{
	struct seen_stats st;

	seen_stats(s, &st);
	return st;
}

static void
its_size_has_a_least_and_a_most(void **state)
{
	struct seen *s = NULL;

	(void)state;
	assert_int_equal(seen_new(SEEN_SET - 1, &s), ERR_RANGE);
	assert_int_equal(seen_new(LIMIT_SEEN + 1, &s), ERR_RANGE);
	assert_null(s);
	s = table(SEEN_SET);
	assert_int_equal(seen_cap(s), SEEN_SET);
	seen_free(s);
	s = table(LIMIT_SEEN);
	assert_int_equal(seen_cap(s), LIMIT_SEEN);
	seen_free(s);
	seen_free(NULL);
}

static void
news_come_once_and_say_what_was_seen(void **state)
{
	struct seen *s = table(64);
	struct seen_slot t;

	(void)state;
	assert_false(seen_next(s, &t));
	block(s, 7, 1024, NOW);
	block(s, 7, 2048, NOW + 1000);
	assert_true(seen_next(s, &t));
	assert_int_equal(number(&t), 7);
	assert_memory_equal(t.digest, digest, 8);
	assert_int_equal(t.span.hi, 2048);
	assert_int_equal(t.span.lo, 0);
	assert_int_equal(t.span.blocks, 2);
	assert_int_equal(t.span.total, IMAGE + 7);
	assert_true(t.id < seen_cap(s));
	assert_int_not_equal(t.born, 0);
	assert_in_range(seen_age(&t, NOW + 3000), 2000 - 64, 2000 + 64);
	assert_int_equal(seen_age(&t, NOW - 60000), 0);
	assert_false(seen_next(s, &t));
	/* a repetition is no news, but a sign of life */
	block(s, 7, 2048, NOW + 9000);
	assert_false(seen_next(s, &t));
	assert_true(find(s, 7, &t));
	assert_in_range(seen_age(&t, NOW + 9000), 0, 63);
	assert_false(find(s, 8, &t));
	seen_free(s);
}

static void
images_and_kinds_of_names_are_kept_apart(void **state)
{
	static const uint8_t other[32] = {1, 2, 3, 4, 5, 6, 7, 9};
	struct seen *s = table(64);
	struct seen_peer a = peer(1), e = a;
	struct seen_mark m = {&a, other, seen_hash(&a, other), 512, IMAGE};
	struct seen_slot t;

	(void)state;
	e.kind = 'e';
	block(s, 1, 1024, NOW);
	seen_block(s, &m, NOW);
	m = (struct seen_mark){&e, digest, seen_hash(&e, digest), 256, IMAGE};
	seen_block(s, &m, NOW);
	assert_int_equal(stats(s).slots, 3);
	assert_true(seen_find(s, &a, digest, &t));
	assert_int_equal(t.span.hi, 1024);
	assert_true(seen_find(s, &a, other, &t));
	assert_int_equal(t.span.hi, 512);
	assert_true(seen_find(s, &e, digest, &t));
	assert_int_equal(t.span.hi, 256);
	seen_free(s);
}

static void
a_new_start_is_another_download(void **state)
{
	struct seen *s = table(64);
	struct seen_slot t, u;

	(void)state;
	block(s, 1, 1024, NOW);
	block(s, 1, 2048, NOW);
	assert_true(seen_next(s, &t));
	block(s, 1, 1024, NOW);
	assert_true(seen_next(s, &u));
	assert_int_equal(u.id, t.id);
	assert_int_not_equal(u.born, t.born);
	assert_int_equal(u.span.hi, 1024);
	/* a jump is the same one */
	block(s, 1, 90000, NOW);
	assert_true(seen_next(s, &t));
	assert_int_equal(u.born, t.born);
	assert_int_equal(t.span.lo, 90000 - SPAN_BLOCK);
	seen_free(s);
}

static void
what_ended_or_was_dropped_begins_anew(void **state)
{
	struct seen *s = table(64);
	struct seen_slot t, u;

	(void)state;
	block(s, 1, 1024, NOW);
	assert_true(find(s, 1, &t));
	assert_false(t.span.ended);
	seen_ended(s, &t);
	assert_true(find(s, 1, &u));
	assert_true(u.span.ended);
	block(s, 1, 2048, NOW); /* goes on all the same */
	assert_true(find(s, 1, &u));
	assert_int_equal(u.born, t.born);
	block(s, 1, 1024, NOW);
	assert_true(find(s, 1, &u));
	assert_int_not_equal(u.born, t.born);
	assert_false(u.span.ended);
	seen_ended(s, &t); /* too late: that one is over */
	seen_drop(s, &t);
	block(s, 1, 2048, NOW);
	assert_true(find(s, 1, &t));
	assert_int_equal(u.born, t.born);
	assert_int_equal(t.span.hi, 2048);
	seen_drop(s, &t);
	block(s, 1, 3072, NOW);
	assert_true(find(s, 1, &u));
	assert_int_not_equal(u.born, t.born);
	assert_int_equal(u.span.lo, 2048);
	assert_int_equal(u.span.blocks, 1);
	seen_free(s);
}

static void
the_least_recently_seen_goes_first(void **state)
{
	struct seen *s = table(SEEN_SET);
	struct seen_slot t, u;

	(void)state;
	for (uint32_t i = 0; i < SEEN_SET; i++)
		block(s, i, 1024, NOW + i * 1000);
	assert_int_equal(stats(s).evicted, 0); /* at the cap */
	block(s, 0, 1024, NOW + 20000); /* a repetition keeps it, too */
	assert_true(find(s, 1, &t));
	block(s, 100, 1024, NOW + 21000); /* one past it */
	assert_int_equal(stats(s).evicted, 1);
	assert_int_equal(stats(s).slots, SEEN_SET);
	assert_false(find(s, 1, &u));
	assert_true(find(s, 0, &u));
	assert_true(find(s, 100, &u));
	assert_int_equal(u.id, t.id); /* the reader's slot is used again, */
	assert_int_not_equal(u.born, t.born); /* and it can tell */
	for (uint32_t i = 2; i < SEEN_SET; i++)
		assert_true(find(s, i, &u));
	seen_free(s);
}

/* Sets divide under the feet of those that are in them. */
static void
nobody_gets_lost_while_it_grows(void **state)
{
	enum { N = 50000 };
	struct seen *s = table(131072);
	static bool taken[131072];
	struct seen_slot t;
	size_t n = 0, lost = 0;

	(void)state;
	memset(taken, 0, sizeof(taken));
	for (uint32_t i = 0; i < N; i++) {
		block(s, i, 1024, NOW);
		block(s, i / 2, 2048, NOW);
	}
	lost = stats(s).evicted;
	assert_true(lost < N / 1000);
	assert_int_equal(stats(s).slots + lost, N);
	for (uint32_t i = 0; i < N; i++)
		if (find(s, i, &t)) {
			assert_int_equal(t.span.hi, i < N / 2 ? 2048 : 1024);
			n++;
		}
	assert_int_equal(n, stats(s).slots);
	n = 0;
	for (uint32_t i = 0; i < seen_used(s); i++) {
		if (!seen_at(s, i, &t))
			continue;
		assert_int_equal(t.index, i);
		assert_false(taken[t.id]);
		taken[t.id] = true;
		n++;
	}
	assert_int_equal(n, stats(s).slots);
	seen_free(s);
}

static void
a_full_ring_loses_nothing(void **state)
{
	struct seen *s = table(2 * SEEN_RING);
	static bool told[2 * SEEN_RING];
	struct seen_slot t;
	size_t n = 0, more = 0;

	(void)state;
	memset(told, 0, sizeof(told));
	for (uint32_t i = 0; stats(s).overflows < 2; i++)
		block(s, i, 1024, NOW);
	for (; seen_next(s, &t); n++)
		told[t.id] = true;
	assert_true(n <= SEEN_RING);
	for (uint32_t i = 0; i < seen_used(s); i++)
		more += seen_at(s, i, &t) && !told[t.id];
	assert_int_equal(more, stats(s).slots - n);
	assert_true(more > 0);
	/* whoever found no room is told of at its next block */
	for (uint32_t i = 0; i < seen_used(s); i++)
		if (seen_at(s, i, &t) && !told[t.id])
			block(s, number(&t), 2048, NOW);
	for (n = 0; seen_next(s, &t); n++)
		assert_false(told[t.id]);
	assert_int_equal(n, more);
	seen_free(s);
}

static void
same_text(const char *text)
{
	struct seen_peer p;
	char back[SEEN_TEXT];

	assert_true(seen_peer_read(text, &p));
	seen_peer_text(&p, back);
	assert_string_equal(back, text);
}

static void
peers_have_the_names_that_the_other_planes_give_them(void **state)
{
	struct seen_peer p = peer(1), q;
	char text[SEEN_TEXT];

	(void)state;
	seen_peer_text(&p, text);
	assert_string_equal(text, "a:10.0.0.1");
	assert_true(seen_peer_read(text, &q));
	assert_memory_equal(&p, &q, sizeof(p));
	same_text("a:2001:db8::7");
	same_text("a:fe80::1%lo");
	same_text("e:0123456789012345678901"); /* at the cap */
	assert_false(seen_peer_read("e:01234567890123456789012", &q));
	assert_false(seen_peer_read("e:", &q));
	assert_false(seen_peer_read("d:7", &q));
	assert_false(seen_peer_read("a:nowhere", &q));
	assert_false(seen_peer_read("a:fe80::1%no-such-if", &q));
	assert_false(seen_peer_read("", &q));
}

/* --- memory --- */

static size_t
resident(void)
{
	unsigned long all = 0, rss = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &all, &rss), 2);
	fclose(f);
	return rss * (size_t)sysconf(_SC_PAGESIZE);
}

static void
memory_follows_the_peers_up_to_the_cap(void **state)
{
	size_t before = resident();
	struct seen *s = table(LIMIT_SEEN);
	struct seen_slot t;
	size_t n = 0;

	(void)state;
	if (getenv("TSAN_OPTIONS") != NULL) {
		print_message("SKIPPED: TSan's shadows are memory, too\n");
		skip();
	}
	assert_true(resident() - before < 1 << 20);
	for (uint32_t i = 0; i < 100000; i++)
		block(s, i, 1024, NOW);
	assert_true(resident() - before < 24u << 20);
	for (uint32_t i = 100000; i < 1000000; i++)
		block(s, i, 1024, NOW);
	assert_true(resident() - before < 128u << 20);
	for (uint32_t i = 0; i < 1000000; i++)
		n += find(s, i, &t);
	assert_true(n > 990000);
	/* three millions have no more room than that */
	for (uint32_t i = 1000000; i < 3000000; i++)
		block(s, i, 1024, NOW + i);
	assert_true(resident() - before < 128u << 20);
	assert_int_equal(seen_used(s), LIMIT_SEEN);
	assert_true(stats(s).slots <= LIMIT_SEEN);
	assert_true(find(s, 2999999, &t));
	assert_false(find(s, 0, &t));
	seen_free(s);
}

/* --- two threads --- */

#define PEERS 20000u
#define BLOCKS 400000u

struct race {
	struct seen *s;
	atomic_bool over;
	uint32_t last[PEERS]; /* mark of each after its last block */
};

static void *
write_blocks(void *arg)
{
	struct race *r = arg;
	uint32_t x = 1;

	for (uint32_t k = 0; k < BLOCKS; k++) {
		uint32_t i;

		x = x * 1664525u + 1013904223u;
		i = (x >> 8) % (1 + k % PEERS); /* ever new ones */
		r->last[i] = r->last[i] >= 30 * SPAN_BLOCK ? SPAN_BLOCK :
		    r->last[i] + SPAN_BLOCK;
		block(r->s, i, r->last[i], NOW + k);
	}
	atomic_store(&r->over, true);
	return NULL;
}

/* A slot is never half of one download and half of another. */
static void
check(const struct seen_slot *t, struct seen_slot *was)
{
	assert_true(number(t) < PEERS);
	assert_int_equal(t->span.lo, 0);
	assert_int_equal(t->span.total, IMAGE + number(t));
	assert_int_equal(t->span.hi % SPAN_BLOCK, 0);
	if (was->born == t->born && was->born != 0)
		assert_true(t->span.hi >= was->span.hi);
	*was = *t;
}

static void
every_final_state_arrives(void **state)
{
	static struct race r;
	static struct seen_slot got[PEERS];
	struct seen_slot t;
	pthread_t thread;
	bool over;

	(void)state;
	memset(&r, 0, sizeof(r));
	memset(got, 0, sizeof(got));
	r.s = table(65536);
	assert_int_equal(pthread_create(&thread, NULL, write_blocks, &r), 0);
	do {
		over = atomic_load(&r.over);
		while (seen_next(r.s, &t)) {
			check(&t, &got[number(&t)]);
			if (t.born % 64 == 0)
				seen_ended(r.s, &t);
		}
		for (uint32_t i = 0; i < PEERS; i += 7)
			if (find(r.s, i, &t))
				assert_int_equal(number(&t), i);
			else
				assert_true(got[i].born == 0 ||
				    stats(r.s).evicted > 0);
	} while (!over);
	pthread_join(thread, NULL);
	assert_int_equal(stats(r.s).overflows, 0);
	assert_true(stats(r.s).evicted < PEERS / 1000);
	for (uint32_t i = 0; i < PEERS; i++)
		if (find(r.s, i, &t))
			assert_int_equal(got[i].span.hi, t.span.hi);
	if (stats(r.s).evicted == 0)
		for (uint32_t i = 0; i < PEERS; i++)
			assert_int_equal(got[i].span.hi, r.last[i]);
	seen_free(r.s);
}

/* Whoever is thrown out is never seen with somebody else's marks. */
static void
a_crowd_in_a_small_table_stays_apart(void **state)
{
	static struct race r;
	struct seen_slot t;
	pthread_t thread;
	bool over;

	(void)state;
	memset(&r, 0, sizeof(r));
	r.s = table(SEEN_SET);
	assert_int_equal(pthread_create(&thread, NULL, write_blocks, &r), 0);
	do {
		over = atomic_load(&r.over);
		while (seen_next(r.s, &t)) {
			assert_true(number(&t) < PEERS);
			assert_true(t.span.hi <= 30 * SPAN_BLOCK);
			assert_int_equal(t.span.total, IMAGE + number(&t));
			assert_true(t.id < SEEN_SET);
			seen_drop(r.s, &t);
		}
		for (uint32_t i = 0; i < SEEN_SET; i++)
			if (seen_at(r.s, i, &t))
				assert_int_equal(t.span.total, IMAGE +
				    number(&t));
	} while (!over);
	pthread_join(thread, NULL);
	assert_true(stats(r.s).evicted > 0);
	assert_int_equal(stats(r.s).slots, SEEN_SET);
	seen_free(r.s);
}

#define T(f) cmocka_unit_test(f)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(its_size_has_a_least_and_a_most),
		T(news_come_once_and_say_what_was_seen),
		T(images_and_kinds_of_names_are_kept_apart),
		T(a_new_start_is_another_download),
		T(what_ended_or_was_dropped_begins_anew),
		T(the_least_recently_seen_goes_first),
		T(nobody_gets_lost_while_it_grows),
		T(a_full_ring_loses_nothing),
		T(peers_have_the_names_that_the_other_planes_give_them),
		T(memory_follows_the_peers_up_to_the_cap),
		T(every_final_state_arrives),
		T(a_crowd_in_a_small_table_stays_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
