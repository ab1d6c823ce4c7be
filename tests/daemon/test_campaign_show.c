/*
 * What operators are shown of a plan: pages of it, what has changed, and the
 * campaign by its plan's digest.
 */
#include "tests/daemon/camp.h"

#include "daemon/res_admin.h"

static struct world w;

static uint64_t
open_with(void **state, unsigned n)
{
	CAMP_OPEN(&w, state);
	w.loop.now = 1000000000000;
	fleet_of(&w, "d", n, DRIVER_NONE);
	return released(&w, 5, "coap://fw.example/a.bin", 100);
}

/* All pages; the entries, and of each the verdict and wave if `each`. */
static size_t
walk(route_fn fn, const char *id, const char *filter,
    void (*each)(const struct msg_plan *m))
{
	char after[MSG_CURSOR + 8] = "after=0";
	size_t all = 0, pages = 0;

	for (;;) {
		struct req req = {.method = M_GET, .arg = {id, ""}};
		struct resp resp;
		struct msg_page page;
		struct msg_plan m;
		struct why why = {0};

		req.query[req.query_n++] = slice_str(after);
		if (filter != NULL)
			req.query[req.query_n++] = slice_str(filter);
		assert_int_equal(ask(&w, fn, &req, &resp), 0);
		assert_int_equal(msg_page_open(&msg_plan,
		    buf_slice(&resp.out), &page), 0);
		while (page.left > 0) {
			assert_int_equal(msg_page_item(&page, &m, &why), 0);
			if (each != NULL)
				each(&m);
			all++;
		}
		assert_int_equal(msg_page_item(&page, &m, &why),
		    ERR_NOT_FOUND);
		if (page.next[0] == '\0')
			return all;
		snprintf(after, sizeof(after), "after=%s", page.next);
		assert_true(++pages < 10000);
	}
}

static void
is_wave_2(const struct msg_plan *m)
{
	assert_int_equal(m->wave, 2);
	assert_string_equal(m->verdict, "update");
}

static void
a_plan_is_shown_page_by_page(void **state)
{
	uint64_t rel = open_with(state, 7001);
	struct store_device d = dev(&w, "d6999");
	struct store_campaign c;
	char id[80], hex[65];
	struct req req = {.method = M_GET, .arg = {id, ""}};
	struct resp resp;

	d.revoked = true;
	put(&w, &d);
	c = draft(&w, rel, "", "");
	snprintf(id, sizeof(id), "%u", (unsigned)c.id);
	assert_int_equal(walk(res_admin_plan, id, NULL, NULL), 7001);
	assert_int_equal(walk(res_admin_plan, id, "verdict=revoked", NULL),
	    1);
	assert_int_equal(walk(res_admin_plan, id, "verdict=held", NULL), 0);
	assert_int_equal(walk(res_admin_plan, id, "wave=2", is_wave_2),
	    c.waves[1].size);
	assert_int_equal(walk(res_admin_plan, id, "limit=1", NULL) > 0, 1);
	req.query[req.query_n++] = slice_str("verdict=nonsense");
	assert_int_equal(ask(&w, res_admin_plan, &req, &resp), ERR_INVALID);
	req.query[0] = slice_str("limit=201");
	assert_int_equal(ask(&w, res_admin_plan, &req, &resp), ERR_RANGE);
	req.query[0] = slice_str("after=18446744073709551615");
	assert_int_equal(ask(&w, res_admin_plan, &req, &resp), 0);
	/* by the digest of the plan */
	req.query_n = 0;
	text_hex(slice_of(c.plan, 32), hex, sizeof(hex));
	snprintf(id, sizeof(id), "%.12s", hex);
	assert_int_equal(ask(&w, res_admin_campaign, &req, &resp), 0);
	snprintf(id, sizeof(id), "%.11s", hex);
	assert_int_not_equal(ask(&w, res_admin_campaign, &req, &resp), 0);
	snprintf(id, sizeof(id), "%s", hex);
	id[20] = id[20] == 'a' ? 'b' : 'a';
	assert_int_equal(ask(&w, res_admin_campaign, &req, &resp),
	    ERR_NOT_FOUND);
	world_close(&w);
}

static unsigned gone, came;

static void
count(const struct msg_plan *m)
{
	gone += m->before[0] != '\0' && m->verdict[0] == '\0';
	came += m->before[0] == '\0' && m->verdict[0] != '\0';
	assert_true(m->ep[0] != '\0');
}

static void
changes_are_shown_and_there_is_an_end_to_them(void **state)
{
	uint64_t rel = open_with(state, 1000);
	struct store_campaign c = draft(&w, rel, "", "waves=100%");
	char id[24], ep[16];

	snprintf(id, sizeof(id), "%u", (unsigned)c.id);
	assert_int_equal(walk(res_admin_diff, id, NULL, NULL), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(ep, sizeof(ep), "d%04d", i);
		drop(&w, ep);
	}
	fleet_of(&w, "e", 100, DRIVER_NONE);
	c = go(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_DRAFT);
	gone = came = 0;
	assert_int_equal(walk(res_admin_diff, id, NULL, count), 400);
	assert_int_equal(gone, 300);
	assert_int_equal(came, 100);
	for (int i = 300; i < 1000; i++) {
		snprintf(ep, sizeof(ep), "d%04d", i);
		drop(&w, ep);
	}
	c = go(&w, c.id);
	assert_int_equal(walk(res_admin_diff, id, NULL, NULL), PLAN_CHANGES);
	assert_non_null(strstr(c.cause, "700"));
	world_close(&w);
}

static const char *kind_seen[2];
static unsigned kinds[2];

/* One page; *next is where the next one begins, "" at the end. */
static size_t
events_page(const char *campaign, const char *kind, char next[MSG_CURSOR])
{
	char after[MSG_CURSOR + 8];
	struct req req = {.method = M_GET};
	struct resp resp;
	struct msg_page page;
	struct msg_event e;
	size_t n = 0;

	snprintf(after, sizeof(after), "after=%s", next);
	req.query[req.query_n++] = slice_str(after);
	req.query[req.query_n++] = slice_str(campaign);
	req.query[req.query_n++] = slice_str(kind);
	req.query[req.query_n++] = slice_str("limit=2");
	assert_int_equal(ask(&w, res_admin_events, &req, &resp), 0);
	assert_int_equal(msg_page_open(&msg_event, buf_slice(&resp.out),
	    &page), 0);
	for (; page.left > 0; n++) {
		assert_int_equal(msg_page_item(&page, &e, NULL), 0);
		for (size_t i = 0; i < 2; i++)
			kinds[i] += strcmp(e.kind, kind_seen[i]) == 0;
	}
	assert_int_equal(msg_page_item(&page, &e, NULL), ERR_NOT_FOUND);
	strcpy(next, page.next);
	return n;
}

static void
events_of_some_kinds_are_found_among_many(void **state)
{
	uint64_t rel = open_with(state, 150);
	char next[MSG_CURSOR] = "0", campaign[32];
	struct store_campaign c = running(&w, rel, "waves=50%,100%");
	struct req bad = {.method = M_GET};
	struct resp resp;
	size_t n = 0, k;

	kind_seen[0] = "campaign";
	kind_seen[1] = "job";
	kinds[0] = kinds[1] = 0;
	assert_int_equal(campaign_pause(&w.app, c.id, &resp.why), 0);
	turn(&w);
	snprintf(campaign, sizeof(campaign), "campaign=%u", (unsigned)c.id);
	do {
		k = events_page(campaign, "kind=admin,campaign", next);
		assert_true(k <= 2);
		n += k;
	} while (next[0] != '\0');
	assert_int_equal(kinds[0], n);
	assert_int_equal(kinds[1], 0);
	assert_true(n >= 5); /* planned .. started, and behind 150 jobs paused */
	strcpy(next, "0");
	assert_int_equal(events_page(campaign, "kind=job", next), 2);
	assert_int_equal(kinds[1], 2);
	bad.query[bad.query_n++] = slice_str("kind=jobs");
	assert_int_equal(ask(&w, res_admin_events, &bad, &resp), ERR_INVALID);
	bad.query[0] = slice_str("kind=");
	assert_int_equal(ask(&w, res_admin_events, &bad, &resp), ERR_INVALID);
	world_close(&w);
}

/* Everybody but the one at this address takes the trigger. */
static void
answer_but(struct world *world, const char *address)
{
	const struct peer_answer ok = {.code = 204}, no = {.err = ERR_TIMEOUT};

	for (size_t i = 0; i < world->peer.n; i++) {
		struct fake_sent *s = &world->peer.sent[i];
		void (*cb)(void *, const struct peer_answer *) = s->cb;

		s->cb = NULL;
		if (cb != NULL)
			cb(s->arg, strstr(s->uri, address) ? &no : &ok);
		turn(world);
	}
	world->peer.n = 0;
}

static void
the_end_is_not_told_for_those_that_rest(void **state)
{
	static struct msg_campaign m;
	struct store_campaign c;
	uint64_t rel;

	CAMP_OPEN(&w, state);
	w.loop.now = 1000000000000;
	w.app.conf.track.give_up_push = 1;
	fleet_of(&w, "d", 5, DRIVER_TRIGGER);
	rel = released(&w, 5, "coap://fw.example/a.bin", 100);
	c = running(&w, rel, "waves=100% broke=100%");
	for (int i = 0; i < 12; i++) {
		w.loop.now += 10;
		engine_due(w.app.engine);
		turn(&w);
		answer_but(&w, "//10.0.4.1");
	}
	w.loop.now += 30000;
	runs_seq(&w, dev(&w, "d0000").id, 5);
	runs_seq(&w, dev(&w, "d0001").id, 5);
	breaks(&w, dev(&w, "d0002").id, REASON_BOOT);
	c = camp(&w, c.id);
	assert_int_equal(admin_msg_campaign(&w.app, &c, &m), 0);
	/* d0002, and d0004 that waits to be heard of and never was counted */
	assert_int_equal(m.waves[0].retrying, 2);
	assert_true(m.eta != 0); /* of d0003 */
	breaks(&w, dev(&w, "d0003").id, REASON_BOOT);
	c = camp(&w, c.id);
	assert_int_equal(admin_msg_campaign(&w.app, &c, &m), 0);
	assert_int_equal(m.waves[0].retrying, 3);
	assert_int_equal(m.eta, 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_plan_is_shown_page_by_page),
		CASE(events_of_some_kinds_are_found_among_many),
		CASE(the_end_is_not_told_for_those_that_rest),
		CASE(changes_are_shown_and_there_is_an_end_to_them),
	};

	return camp_run(tests, sizeof(tests) / sizeof(tests[0]));
}
