/* Who a request is from, as far as shares go. */
#include <arpa/inet.h>
#include <net/if.h>

#include "daemon/asker.h"
#include "daemon/reach.h"
#include "tests/daemon/fake.h"

static struct app app;
static struct loop loop;
static struct conf conf;

static int
setup(void **state)
{
	(void)state;
	conf_default(&conf);
	strcpy(conf.trusted_networks, "192.168.7.0/24");
	loop.now = 1000000;
	app = (struct app){.loop = &loop};
	return reach_new(&conf, &app.reach);
}

static int
teardown(void **state)
{
	(void)state;
	reach_free(app.reach);
	return 0;
}

static enum share_rank
rank(enum transport t, const char *addr)
{
	struct req req = {.transport = t};

	strcpy(req.addr, addr);
	return asker_of(&app, &req).rank;
}

static void
shows(const char *host, unsigned scope)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
	    .sin6_scope_id = scope};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct echo_peer p;

	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		reach_peer((struct sockaddr *)&v4, &p);
	} else {
		assert_int_equal(inet_pton(AF_INET6, host, &v6.sin6_addr), 1);
		reach_peer((struct sockaddr *)&v6, &p);
	}
	reach_enter(app.reach, &p, loop.now * 1000);
}

static void
addresses_of_plain_udp_have_to_be_shown(void **state)
{
	unsigned lo = if_nametoindex("lo");

	(void)state;
	assert_int_equal(rank(T_UDP, "10.1.2.3"), SHARE_STRANGER);
	assert_int_equal(rank(T_OSCORE, "10.1.2.3"), SHARE_STRANGER);
	assert_int_equal(rank(T_UDP, "2001:db8::1"), SHARE_STRANGER);
	assert_int_equal(rank(T_UDP, "fe80::1%lo"), SHARE_STRANGER);
	shows("10.1.2.3", 0);
	shows("2001:db8::1", 0);
	shows("fe80::1", lo);
	assert_int_equal(rank(T_UDP, "10.1.2.3"), SHARE_SHOWN);
	assert_int_equal(rank(T_OSCORE, "10.1.2.3"), SHARE_SHOWN);
	assert_int_equal(rank(T_UDP, "2001:db8::1"), SHARE_SHOWN);
	assert_int_equal(rank(T_UDP, "fe80::1%lo"), SHARE_SHOWN);
	assert_int_equal(rank(T_UDP, "fe80::1%none"), SHARE_STRANGER);
	assert_int_equal(rank(T_UDP, "10.1.2.4"), SHARE_STRANGER);
	assert_int_equal(rank(T_UDP, "192.168.7.9"), SHARE_SHOWN);
	assert_int_equal(rank(T_UDP, "192.168.8.9"), SHARE_STRANGER);
}

static void
a_connection_shows_the_address_and_a_credential_more(void **state)
{
	struct req req = {.transport = T_UDP, .addr = "10.1.2.3"};
	struct share_asker a;

	(void)state;
	assert_int_equal(rank(T_TCP, "10.1.2.3"), SHARE_SHOWN);
	assert_int_equal(rank(T_DTLS, "10.1.2.3"), SHARE_SHOWN);
	assert_int_equal(rank(T_WS, "2001:db8::1"), SHARE_SHOWN);
	req.transport = T_OSCORE;
	req.who.device = 77;
	a = asker_of(&app, &req);
	assert_int_equal(a.rank, SHARE_KNOWN);
	strcpy(req.addr, "10.9.9.9"); /* wherever it is */
	assert_memory_equal(asker_of(&app, &req).id, a.id, sizeof(a.id));
	req.who.device = 78;
	assert_memory_not_equal(asker_of(&app, &req).id, a.id, sizeof(a.id));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(addresses_of_plain_udp_have_to_be_shown),
		T(a_connection_shows_the_address_and_a_credential_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
