/*
 * Polls that are answered from memory: the table and its cap, and what drops
 * an entry.
 */
#include "tests/daemon/fleet.h"

#define POLLED 64 /* as fake.h has it */

static struct store *mem;
static struct polled *p;

static int
open_table(void **state)
{
	(void)state;
	return store_mem_open(&mem) != 0 || polled_new(mem, POLLED, &p) != 0;
}

static int
close_table(void **state)
{
	(void)state;
	polled_free(p);
	store_close(mem);
	return 0;
}

static void
put(uint64_t device, const char *ep, const char *addr)
{
	const struct polled_key k = {.device = 0, .ep = ep,
	    .addr = addr};
	const struct polled_note n = {device, 7, 1000};

	polled_put(p, &k, &n);
}

static bool
known(uint64_t proven, const char *ep, const char *addr)
{
	const struct polled_key k = {.device = proven, .ep = ep,
	    .addr = addr};
	struct polled_note n;

	return polled_find(p, &k, &n);
}

static void
who_asks_the_same_way_is_known(void **state)
{
	const struct polled_key l1 = {.device = 5, .ep = "",
	    .addr = "10.0.0.5"};
	const struct polled_note n = {5, 8, 2000};
	struct polled_note got;

	(void)state;
	put(4, "dev", "10.0.0.1");
	polled_put(p, &l1, &n);
	assert_true(known(0, "dev", "10.0.0.1"));
	assert_true(polled_find(p, &l1, &got));
	assert_memory_equal(&got, &n, sizeof(n));
	assert_false(known(0, "dev", "10.0.0.2"));
	assert_false(known(0, "de", "10.0.0.1"));
	assert_false(known(0, "", "10.0.0.5")); /* the key was 5's */
	assert_false(known(6, "", "10.0.0.5"));
	assert_false(known(5, "dev", "10.0.0.5")); /* a claim besides */
	put(4, "dev", "10.0.0.2");
	assert_true(known(0, "dev", "10.0.0.2"));
	assert_int_equal(polled_count(p), 2);
}

static void
what_it_asked_for_is_of_the_key(void **state)
{
	const struct polled_key k = {.ep = "dev", .addr = "10.0.0.1",
	    .of_class = true};
	const struct polled_note n = {4, 9, 1000};
	struct polled_note got;

	(void)state;
	put(4, "dev", "10.0.0.1");
	assert_false(polled_find(p, &k, &got));
	polled_put(p, &k, &n);
	assert_true(polled_find(p, &k, &got));
	assert_int_equal(got.release, 9);
	assert_true(known(0, "dev", "10.0.0.1"));
	assert_int_equal(polled_count(p), 2);
}

static void
a_write_of_it_drops_it_and_no_other(void **state)
{
	(void)state;
	put(4, "four", "a");
	put(5, "five", "a");
	mem->wrote(mem->wrote_arg, 4);
	assert_false(known(0, "four", "a"));
	assert_true(known(0, "five", "a"));
	mem->wrote(mem->wrote_arg, 0); /* any one's */
	assert_int_equal(polled_count(p), 0);
	put(5, "five", "a");
	polled_forget(p);
	assert_false(known(0, "five", "a"));
}

static void
what_was_read_in_an_undone_turn_is_dropped(void **state)
{
	char ep[16];

	(void)state;
	put(4, "four", "a");
	polled_settled(p);
	put(5, "five", "a");
	polled_undone(p);
	assert_true(known(0, "four", "a"));
	assert_false(known(0, "five", "a"));
	for (unsigned i = 0; i < 1024; i++) { /* the list of a turn is full */
		sprintf(ep, "dev%u", i);
		put(100 + i, ep, "a");
	}
	polled_undone(p);
	assert_int_equal(polled_count(p), 0);
}

static void
the_table_has_its_cap(void **state)
{
	size_t left = 0;
	char ep[16];

	(void)state;
	for (unsigned i = 0; i < POLLED; i++) {
		sprintf(ep, "dev%u", i);
		put(1 + i, ep, "a");
	}
	assert_int_equal(polled_count(p), POLLED);
	put(POLLED + 1, "one more", "a");
	assert_true(known(0, "one more", "a"));
	assert_int_equal(polled_count(p), POLLED);
	for (unsigned i = 0; i < POLLED; i++) {
		sprintf(ep, "dev%u", i);
		left += known(0, ep, "a");
	}
	assert_int_equal(left, POLLED - 1);
	for (unsigned i = 0; i < 100 * POLLED; i++) {
		sprintf(ep, "new%u", i);
		put(1000 + i, ep, "a");
		assert_true(known(0, ep, "a"));
	}
	assert_int_equal(polled_count(p), POLLED);
}

static void
a_text_has_its_cap(void **state)
{
	char ep[91];

	(void)state;
	memset(ep, 'n', sizeof(ep));
	ep[87] = '\0';
	put(4, ep, "ab"); /* 89 bytes */
	assert_true(known(0, ep, "ab"));
	put(4, ep, "abc");
	assert_false(known(0, ep, "abc"));
}

#define TABLE(t) cmocka_unit_test_setup_teardown(t, open_table, close_table)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE(who_asks_the_same_way_is_known),
		TABLE(what_it_asked_for_is_of_the_key),
		TABLE(a_write_of_it_drops_it_and_no_other),
		TABLE(what_was_read_in_an_undone_turn_is_dropped),
		TABLE(the_table_has_its_cap),
		TABLE(a_text_has_its_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
