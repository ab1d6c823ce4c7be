/* Groups of admission: by the prefix of an address, and by a tag. */
#include "tests/daemon/admit_world.h"

static void
prefixes(void **state)
{
	static const struct {
		const char *addr, *group; /* NULL: none */
	} rows[] = {
		{"192.0.2.77", "192.0.2.0/24"},
		{"192.0.3.77", "192.0.3.0/24"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
		{"::ffff:192.0.2.7", "192.0.2.0/24"},
		{"::ffff:127.0.0.1", NULL},
		{"127.0.0.1", NULL},
		{"127.9.9.9", NULL},
		{"::1", NULL},
		{"", NULL},
		{"fw.example", NULL},
	};
	char got[LIMIT_ADDRESS];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool ok = slot_prefix(rows[i].addr, got, sizeof(got));

		assert_int_equal(ok, rows[i].group != NULL);
		if (ok)
			assert_string_equal(got, rows[i].group);
	}
}

static void
a_group_by_tag_needs_its_tag(void **state)
{
	struct store_device d = {.tag_count = 1};

	(void)state;
	strcpy(d.addr, "10.0.0.1");
	strcpy(d.tag[0].name, "site");
	strcpy(d.tag[0].value, "north");
	strcpy(w.app.conf.group_tag, "site");
	assert_string_equal(slot_group(&w.app, &d)->name, "site=north");
	d.tag_count = 0;
	assert_null(slot_group(&w.app, &d));
}

/* A group with downloads is never given away; when all of its places are
 * taken a new one has none, and is not held. */
static void
a_full_table_forgets_idle_groups_only(void **state)
{
	struct store_device d = {0};
	struct group *g;
	unsigned none = 0;

	(void)state;
	for (unsigned i = 0; i < 70000; i++) {
		snprintf(d.addr, sizeof(d.addr), "10.%u.%u.1", i / 256 % 256,
		    i % 256);
		if (i >= 65536)
			snprintf(d.addr, sizeof(d.addr), "11.1.%u.1",
			    i % 256);
		g = slot_group(&w.app, &d);
		if (g == NULL)
			none++;
		else if (i < 4096)
			g->slots = 1;
	}
	for (unsigned i = 0, busy = 0; i < ADMIT_GROUPS; i++) {
		busy += w.app.admit->group[i].slots;
		if (i == ADMIT_GROUPS - 1)
			assert_true(busy + none >= 4096);
	}
	for (unsigned i = 0; i < ADMIT_GROUPS; i++)
		w.app.admit->group[i].slots = 1;
	strcpy(d.addr, "12.0.0.1");
	assert_null(slot_group(&w.app, &d));
}

/* The network that it asks from is the one that will be loaded, also when
 * it is not in its record yet. */
static void
the_group_is_that_of_the_request(void **state)
{
	struct store_device a = fleet_add(&w, "a", DRIVER_NONE, "");
	struct store_device b = fleet_add(&w, "b", DRIVER_NONE, "");

	(void)state;
	w.app.conf.downloads_group = 1;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10), "");
	strcpy(a.addr, "10.0.0.1");
	strcpy(b.addr, "10.0.0.2");
	assert_int_equal(fleet_poll(&w, &a, true, &resp), 0);
	assert_int_equal(fleet_poll(&w, &b, true, &resp), ERR_LIMIT);
	strcpy(b.addr, "10.0.1.2");
	assert_int_equal(fleet_poll(&w, &b, true, &resp), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define Q(f) cmocka_unit_test_setup_teardown(f, setup_sqlite, teardown)
#define P(f) cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, \
	(void *)"other")
	const struct CMUnitTest tests[] = {
		T(prefixes),
		T(a_group_by_tag_needs_its_tag),
		T(a_full_table_forgets_idle_groups_only),
		T(the_group_is_that_of_the_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
