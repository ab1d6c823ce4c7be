/*
 * Whose turn is it? GET /m in every state of a job under every hold, and
 * what explain says of it. The expectation is one line for each hold and one
 * for each state (turn.h), and the rules, written down here.
 */
#include "tests/daemon/turn.h"

/* What GET /m shall answer, by the rules in the header of res_manifest. */
static int
answers(const struct state *s, const struct hold_row *h)
{
	bool held = h->kind == ROOM && (s->retry || h->impose != h_budget);

	if (h->kind == GONE)
		return ERR_FORBIDDEN;
	if (s->begun)
		return 0;
	if (h->kind == TURN)
		return ERR_NOT_FOUND;
	return s->rest || held ? ERR_LIMIT : 0;
}

/* And what explain shall call it, before and after. Its own back-off is
 * asked about before the room; a device that is not reached from here is
 * waited for, until it has asked and was sent away. */
static const char *
explained(const struct state *s, const struct hold_row *h, bool after)
{
	int rc = answers(s, h);

	if (h->kind == GONE || (h->kind == TURN && !s->begun))
		return h->name;
	if (after && rc == 0)
		return s->begun && strcmp(s->name, "in flight") != 0 &&
		    strcmp(s->name, "notified") != 0 ? s->hold : "fetching";
	if (s->begun || s->retry)
		return s->hold;
	if (rc == ERR_LIMIT && (after || s->driver == DRIVER_TRIGGER))
		return h->name;
	return s->hold;
}

static void
cell(const struct state *s, const struct hold_row *h)
{
	struct msg_explain m;
	const char *want = explained(s, h, false);
	int rc;

	m = fleet_explain(&w, "dev");
	if (strcmp(m.hold, want) != 0)
		fail_msg("%s under %s: explain says %s, not %s (%s)", s->name,
		    h->name, m.hold, want, m.cause);
	assert_string_not_equal(m.cause, "");
	assert_string_not_equal(m.next, "");
	rc = fleet_poll(&w, &dev, true, &resp);
	if (rc != answers(s, h))
		fail_msg("%s under %s: %s, not %s (%s)", s->name, h->name,
		    err_name(rc), err_name(answers(s, h)), resp.why.text);
	if (rc == ERR_LIMIT && s->rest && last_job(&w, &dev).due != 0)
		assert_in_range(resp.max_age, 300, 21600);
	else if (rc == ERR_LIMIT || rc == ERR_NOT_FOUND)
		assert_in_range(resp.max_age, h->least, h->most);
	if (rc == 0)
		assert_memory_equal(resp.etag, catalog_by_id(w.app.catalog,
		    rel)->digest, 8);
	m = fleet_explain(&w, "dev");
	want = explained(s, h, true);
	if (strcmp(m.hold, want) != 0)
		fail_msg("%s under %s: then explain says %s, not %s (%s)",
		    s->name, h->name, m.hold, want, m.cause);
}

static void
MODE_THING_every_state_under_every_hold(void **state)
{
	int (*fresh)(void **) = fake_db[0] ? setup_sqlite : setup;
	size_t cells = 0;

	teardown(state);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		for (size_t k = 0; k < HOLD_ROWS; k++) {
			fresh(state);
			stage(&states[i], &holds[k]);
			cell(&states[i], &holds[k]);
			teardown(state);
			cells++;
		}
	}
	assert_int_equal(cells, 150);
	fresh(state);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown), \
	cmocka_unit_test_setup_teardown(f, setup_sqlite, teardown)
	const struct CMUnitTest tests[] = {
		T(MODE_THING_every_state_under_every_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
