#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "lib/net.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static bool
has(const char *list, const char *host)
{
	uint8_t h[16] = {[10] = 0xff, 0xff};
	struct net_list l;

	assert_int_equal(net_list_parse(list, &l, NULL), 0);
	if (inet_pton(AF_INET, host, h + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, host, h), 1);
	return net_list_has(&l, h);
}

static void
an_address_is_in_its_networks(void **state)
{
	static const struct {
		const char *list, *host;
		bool in;
	} v[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"172.16.0.0/12", "172.31.255.255", true},
		{"172.16.0.0/12", "172.32.0.0", false},
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.6", false},
		{"0.0.0.0/0", "203.0.113.1", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "203.0.113.1", true}, /* it is all there is */
		{"fc00::/7", "fdff::1", true},
		{"fc00::/7", "fe00::1", false},
		{"fe80::/10", "febf::1", true},
		{"fe80::/10", "fec0::1", false},
		{"::1", "::1", true},
		{"::1", "::2", false},
		{"", "127.0.0.1", false},
		{" 10.0.0.0/8,, fc00::/7\t192.0.2.0/31 ", "192.0.2.1", true},
		{" 10.0.0.0/8,, fc00::/7\t192.0.2.0/31 ", "192.0.2.2", false},
	};

	(void)state;
	for (size_t i = 0; i < N(v); i++)
		if (has(v[i].list, v[i].host) != v[i].in)
			fail_msg("%s in \"%s\"", v[i].host, v[i].list);
}

static void
what_is_no_network_is_refused(void **state)
{
	static const char *const bad[] = {
		"10.0.0.0/33", "fc00::/129", "10.0.0.1/8", "fc00::1/64", "10",
		"10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1", "x", "10.0.0.0/8 x",
		"fe80::1%eth0",
		("1111111111111111111111111111111111111111111111111111111111111"
		"111"),
	};
	struct net_list l = {.n = 77};

	(void)state;
	for (size_t i = 0; i < N(bad); i++)
		assert_int_equal(net_list_parse(bad[i], &l, NULL), ERR_TYPE);
	assert_int_equal(l.n, 77);
}

static void
DOS_LIMITS_networks_are_bounded(void **state)
{
	char text[(LIMIT_NETWORKS + 1) * 24];
	struct buf b = buf_of(text, sizeof(text) - 1);
	struct net_list l;
	char one[24];

	(void)state;
	for (unsigned i = 0; i <= LIMIT_NETWORKS; i++) {
		snprintf(one, sizeof(one), "10.%u.0.0/16 ", i);
		buf_puts(&b, one);
		text[b.n] = '\0';
		assert_int_equal(net_list_parse(text, &l, NULL),
		    i < LIMIT_NETWORKS ? 0 : ERR_SIZE);
	}
	assert_int_equal(l.n, LIMIT_NETWORKS);
}

static void
loopback_is_known(void **state)
{
	static const uint8_t v4[16] = {[10] = 0xff, 0xff, 127, 9, 9, 9},
	    v6[16] = {[15] = 1}, other[16] = {[12] = 127},
	    next[16] = {[10] = 0xff, 0xff, 128};

	(void)state;
	assert_true(net_is_loopback(v4));
	assert_true(net_is_loopback(v6));
	assert_false(net_is_loopback(other));
	assert_false(net_is_loopback(next));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_in_its_networks),
		cmocka_unit_test(what_is_no_network_is_refused),
		cmocka_unit_test(DOS_LIMITS_networks_are_bounded),
		cmocka_unit_test(loopback_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
