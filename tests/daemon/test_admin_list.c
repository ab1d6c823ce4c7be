/* Lists that operators read: pages and their bounds, and JSON. */
#include "tests/daemon/admin_call.h"

static size_t
walk(const char *path, const struct msg_record *rec, const char *limit)
{
	static uint8_t item[128 * 1024];
	char query[MSG_CURSOR + 8];
	struct msg_page page;
	size_t n = 0;
	struct req rq = {.method = M_GET};
	int rounds = 0;

	strcpy(query, "");
	do {
		const struct route *r = routes_admin;

		while (strcmp(r->path, path) != 0)
			r++;
		rq.query_n = 1;
		rq.query[0] = slice_str(limit);
		if (query[0] != '\0')
			rq.query[rq.query_n++] = slice_str(query);
		assert_int_equal(ask(&w, r->fn, &rq, &resp), 0);
		assert_int_equal(msg_page_open(rec, buf_slice(&resp.out),
		    &page), 0);
		while (page.left > 0) {
			assert_int_equal(msg_page_item(&page, item, NULL), 0);
			n++;
		}
		snprintf(query, sizeof(query), "after=%s", page.next);
		assert_true(rounds++ < 1000);
	} while (page.next[0] != '\0');
	return n;
}

static void
lists_are_paged_to_their_end(void **state)
{
	static const char *const limits[] = {"limit=1", "limit=7",
	    "limit=16", "limit=40", "limit=41", "limit=200"};
	char ep[16];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(ep, sizeof(ep), "dev%d", i);
		device(&w, ep, DRIVER_NONE);
	}
	for (int i = 1; i <= 3; i++)
		released(&w, (uint64_t)i, i == 1 ? "coap://fw.example/1" :
		    i == 2 ? "coap://fw.example/2" : "coap://fw.example/3",
		    10);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		assert_int_equal(walk("a/devices", &msg_device, limits[i]),
		    40);
		assert_int_equal(walk("a/releases", &msg_release, limits[i]), 3);
		assert_int_equal(walk("a/images", &msg_image, limits[i]),
		    3);
		assert_int_equal(walk("a/events", &msg_event, limits[i]),
		    events());
		assert_int_equal(walk("a/keys", &msg_author, limits[i]),
		    1);
		assert_int_equal(walk("a/campaigns", &msg_campaign,
		    limits[i]), 0);
	}
}

static void
a_page_has_its_bounds(void **state)
{
	(void)state;
	assert_int_equal(call(M_GET, "a/events", "limit=0", SLICE_NONE),
	    ERR_RANGE);
	assert_int_equal(call(M_GET, "a/events", "limit=201", SLICE_NONE),
	    ERR_RANGE);
	assert_int_equal(call(M_GET, "a/events", "limit=x", SLICE_NONE),
	    ERR_INVALID);
	assert_int_equal(call(M_GET, "a/events", "after=x", SLICE_NONE),
	    ERR_INVALID);
	assert_int_equal(call(M_GET, "a/images", "after=00", SLICE_NONE),
	    ERR_INVALID);
}

static void
a_full_answer_ends_the_page_early(void **state)
{
	struct msg_device_put put = {.tag_count = LIMIT_TAGS};
	struct msg_page page;
	char ep[LIMIT_EP + 1];

	(void)state;
	for (size_t i = 0; i < LIMIT_TAGS; i++) {
		memset(put.tag[i].name, 'a' + (int)i, LIMIT_TAG_NAME);
		memset(put.tag[i].value, 'v', LIMIT_TAG_VALUE);
	}
	for (int i = 0; i < 60; i++) {
		snprintf(ep, sizeof(ep), "%060d", i);
		assert_int_equal(put_device(ep, &put), 0);
	}
	assert_int_equal(call(M_GET, "a/devices", "limit=60", SLICE_NONE), 0);
	assert_int_equal(msg_page_open(&msg_device, buf_slice(&resp.out),
	    &page), 0);
	assert_in_range(page.left, 10, 59);
	assert_true(page.next[0] != '\0');
	assert_int_equal(walk("a/devices", &msg_device, "limit=60"), 60);
}

static void
json_when_it_is_asked_for(void **state)
{
	struct req rq = {.method = M_GET, .have_accept = true,
	    .accept = CF_JSON};

	(void)state;
	assert_int_equal(ask(&w, res_admin_status, &rq, &resp), 0);
	assert_int_equal(resp.cf, CF_JSON);
	assert_int_equal(resp.out.p[0], '{');
	assert_int_equal(ask(&w, res_admin_events, &rq, &resp), 0);
	assert_memory_equal(resp.out.p, "{\"items\":[", 10);
	rq.accept = CF_TEXT;
	assert_int_equal(ask(&w, res_admin_status, &rq, &resp), ERR_ACCEPT);
	assert_int_equal(ask(&w, res_admin_events, &rq, &resp), ERR_ACCEPT);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(lists_are_paged_to_their_end),
		T(a_page_has_its_bounds),
		T(a_full_answer_ends_the_page_early),
		T(json_when_it_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
