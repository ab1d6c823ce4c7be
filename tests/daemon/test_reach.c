/*
 * Who has shown its address: for how long, for whom, and how many of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "daemon/reach.h"

#define NOW INT64_C(5000000000) /* us */
#define SECOND INT64_C(1000000)
#define OK(x) assert_int_equal((x), 0)

static struct reach *r;
static struct conf conf;

static int
setup(void **state)
{
	(void)state;
	conf_default(&conf);
	return reach_new(&conf, &r);
}

static int
teardown(void **state)
{
	(void)state;
	reach_free(r);
	return 0;
}

static struct echo_peer
peer(const char *host, uint16_t port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6,
	    .sin6_port = htons(port)};
	struct sockaddr_in b = {.sin_family = AF_INET,
	    .sin_port = htons(port)};
	struct echo_peer p;

	if (inet_pton(AF_INET, host, &b.sin_addr) == 1) {
		reach_peer((struct sockaddr *)&b, &p);
	} else {
		assert_int_equal(inet_pton(AF_INET6, host, &a.sin6_addr), 1);
		a.sin6_scope_id = 7;
		reach_peer((struct sockaddr *)&a, &p);
	}
	return p;
}

static struct echo_peer
nth(uint32_t n)
{
	struct echo_peer p = peer("2001:db8::", 5683);

	memcpy(p.host + 8, &n, sizeof(n));
	return p;
}

static void
an_address_of_both_families_is_one(void **state)
{
	struct echo_peer a = peer("192.0.2.7", 9),
	    b = peer("::ffff:192.0.2.7", 9);

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(peer("2001:db8::1", 1).scope, 0);
	assert_int_equal(peer("fe80::1", 1).scope, 7);
}

static void
private_networks_are_believed_and_no_others(void **state)
{
	static const char *const in[] = {"127.0.0.1", "::1", "10.9.9.9",
	    "172.31.0.1", "192.168.1.1", "fd12::1", "fe80::1", "169.254.1.1"};
	static const char *const out[] = {"192.0.2.1", "2001:db8::1",
	    "172.32.0.1", "8.8.8.8", "::2"};
	struct echo_peer p;

	(void)state;
	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		p = peer(in[i], 1);
		assert_true(reach_known(r, &p, NOW));
		assert_false(reach_proven(r, &p, NOW));
	}
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		p = peer(out[i], 1);
		assert_false(reach_known(r, &p, NOW));
	}
}

static void
DOS_ECHO_shown_for_a_day_and_every_port(void **state)
{
	struct echo_peer p = peer("192.0.2.1", 1000),
	    port = peer("192.0.2.1", 1001), other = peer("192.0.2.2", 1000);
	uint8_t v[ECHO_VALUE];

	(void)state;
	reach_echo(r, &p, NOW, v);
	assert_false(reach_show(r, &other, slice_of(v, 8), NOW));
	assert_false(reach_show(r, &port, slice_of(v, 8), NOW));
	assert_false(reach_known(r, &p, NOW));
	assert_true(reach_show(r, &p, slice_of(v, 8), NOW + 60 * SECOND));
	assert_true(reach_known(r, &p, NOW + 60 * SECOND));
	assert_true(reach_known(r, &port, NOW + 60 * SECOND));
	assert_false(reach_known(r, &other, NOW + 60 * SECOND));
	assert_true(reach_known(r, &p, NOW + 86400 * SECOND));
	assert_false(reach_known(r, &p, NOW + (86400 + 120) * SECOND));
	assert_int_equal(atomic_load(&r->shown), 1);
	assert_int_equal(atomic_load(&r->stale), 2);
}

static void
a_value_of_before_is_stale(void **state)
{
	struct echo_peer p = peer("192.0.2.1", 1000);
	uint8_t v[ECHO_VALUE];

	(void)state;
	reach_echo(r, &p, NOW, v);
	assert_false(reach_show(r, &p, slice_of(v, 8),
	    NOW + 2 * ECHO_STEP_S * SECOND));
	assert_false(reach_show(r, &p, SLICE_NONE, NOW));
}

static size_t
known_of(uint32_t n, int64_t now)
{
	size_t known = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct echo_peer p = nth(i);

		known += reach_proven(r, &p, now);
	}
	return known;
}

/* Sets fill up unevenly, so some go before all places are taken; who showed
 * it last always has one. */
static void
DOS_LIMITS_the_table_is_bounded_and_the_oldest_goes(void **state)
{
	struct echo_peer p;

	(void)state;
	for (uint32_t i = 0; i < LIMIT_PROVEN / 2; i++) {
		p = nth(i);
		reach_enter(r, &p, NOW);
		reach_enter(r, &p, NOW); /* twice is once */
	}
	assert_int_equal(known_of(LIMIT_PROVEN / 2, NOW) +
	    atomic_load(&r->evicted), LIMIT_PROVEN / 2);
	for (uint32_t i = LIMIT_PROVEN / 2; i < 3 * LIMIT_PROVEN; i++) {
		p = nth(i);
		reach_enter(r, &p, NOW + 3600 * SECOND);
		assert_true(reach_proven(r, &p, NOW + 3600 * SECOND));
	}
	assert_in_range(known_of(3 * LIMIT_PROVEN, NOW + 3600 * SECOND),
	    LIMIT_PROVEN * 99 / 100, LIMIT_PROVEN);
	assert_in_range(known_of(LIMIT_PROVEN / 2, NOW + 3600 * SECOND), 0,
	    LIMIT_PROVEN / 100);
	assert_true(atomic_load(&r->evicted) > LIMIT_PROVEN);
}

static void
DOS_AMPLIFICATION_a_network_of_strangers_has_a_rate(void **state)
{
	struct bucket_table t;
	struct echo_peer p;
	unsigned heard = 0;

	(void)state;
	OK(reach_buckets_new(&t, LIMIT_STRANGER_NETWORKS));
	for (unsigned i = 0; i < 3 * conf.stranger_rate; i++) {
		p = peer("198.51.100.0", (uint16_t)i);
		p.host[15] = (uint8_t)i;
		heard += reach_hears(r, &t, &p, NOW);
	}
	assert_int_equal(heard, conf.stranger_rate);
	assert_int_equal(atomic_load(&r->unheard), 2 * conf.stranger_rate);
	p = peer("198.51.101.0", 1);
	assert_true(reach_hears(r, &t, &p, NOW));
	r->stranger_rate = 0;
	p = peer("198.51.100.0", 1);
	assert_true(reach_hears(r, &t, &p, NOW));
	reach_buckets_free(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_address_of_both_families_is_one),
		T(private_networks_are_believed_and_no_others),
		T(DOS_ECHO_shown_for_a_day_and_every_port),
		T(a_value_of_before_is_stale),
		T(DOS_LIMITS_the_table_is_bounded_and_the_oldest_goes),
		T(DOS_AMPLIFICATION_a_network_of_strangers_has_a_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
