/*
 * The audit log on the real engine and store twin: what is in it after a pair
 * that was kept, and one that was not; what is folded; what is pruned.
 */
#include "tests/daemon/fake.h"

#include "daemon/audit.h"
#include "daemon/audit_watch.h"
#include "daemon/res_admin.h"
#include "lib/audit_fold.h"

#define PAGE 200

static struct world w;
static struct audit_entry page[PAGE];
static const struct principal alice = {.role = ROLE_OPERATOR,
	.identity = "alice"};
static const struct principal stranger = {.role = ROLE_NOBODY,
	.identity = "mallory"}; /* as he says */

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	assert_int_equal(audit_new(&w.app.audit), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	audit_free(w.app.audit);
	w.app.audit = NULL;
	world_close(&w);
	return 0;
}

/* All of it, in `page`; proven. */
static size_t
entries(void)
{
	struct store_audit_filter f = {.limit = PAGE};
	struct audit_verify v;
	struct why why;
	size_t n = 0;

	assert_int_equal(w.app.store->ops->audit_list(w.app.store, &f, page,
	    &n), 0);
	audit_verify_begin(&v, NULL);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(audit_verify_add(&v, &page[i], &why), 0);
	assert_int_equal(audit_verify_end(&v, &why), 0);
	return n;
}

static int
add(const struct principal *who, int then)
{
	int rc = engine_begin(w.app.engine);

	if (rc == 0)
		rc = audit_add(&w.app, who, AUDIT_DEVICE_ADD, "kitchen", "%d",
		    7);
	return engine_end(w.app.engine, rc != 0 ? rc : then);
}

static void
an_entry_is_there_with_its_pair_and_gone_with_it(void **state)
{
	struct audit_stats st;

	(void)state;
	assert_int_equal(add(&alice, 0), 0);
	assert_int_equal(add(&alice, ERR_STATE), ERR_STATE);
	assert_int_equal(add(NULL, 0), 0);
	assert_int_equal(add(&stranger, 0), 0);
	turn(&w);
	assert_int_equal(entries(), 3);
	assert_string_equal(page[0].who, "alice");
	assert_string_equal(page[0].kind, "device.add");
	assert_string_equal(page[0].subject, "kitchen");
	assert_string_equal(page[0].detail, "7");
	assert_int_equal(page[0].at, w.loop.now);
	assert_string_equal(page[1].who, "");
	assert_string_equal(page[2].who, "?"); /* he may say what he likes */
	audit_stats(&w.app, &st);
	assert_int_equal(st.head.n, 3);
	assert_memory_equal(st.head.hash, page[2].hash, AUDIT_HASH);
}

static void
what_is_too_long_or_no_text_is_made_fit(void **state)
{
	char subject[LIMIT_AUDIT_SUBJECT + 100], detail[1000];

	(void)state;
	memset(subject, 0xff, sizeof(subject) - 1);
	subject[sizeof(subject) - 1] = '\0';
	memset(detail, 'd', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, audit_add(&w.app, &alice,
	    AUDIT_CHANGE, subject, "%s", detail)), 0);
	turn(&w);
	assert_int_equal(entries(), 1);
	assert_memory_equal(page[0].subject, "\\xff\\xff", 8);
	assert_true(strlen(page[0].subject) <= LIMIT_AUDIT_SUBJECT);
	assert_true(strlen(page[0].detail) <= LIMIT_AUDIT_DETAIL);
	assert_memory_equal(page[0].detail, "dddd", 4);
}

static void
what_is_at_its_cap_is_kept_and_one_byte_more_is_cut(void **state)
{
	char subject[LIMIT_AUDIT_SUBJECT + 2], detail[LIMIT_AUDIT_DETAIL + 2];

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		memset(subject, 's', LIMIT_AUDIT_SUBJECT + more);
		subject[LIMIT_AUDIT_SUBJECT + more] = '\0';
		memset(detail, 'd', LIMIT_AUDIT_DETAIL + more);
		detail[LIMIT_AUDIT_DETAIL + more] = '\0';
		assert_int_equal(engine_begin(w.app.engine), 0);
		assert_int_equal(engine_end(w.app.engine, audit_add(&w.app,
		    &alice, AUDIT_CHANGE, subject, "%s", detail)), 0);
		turn(&w);
		assert_int_equal(entries(), 1 + more);
		assert_int_equal(strcmp(page[more].subject, subject) == 0,
		    more == 0);
		assert_int_equal(strcmp(page[more].detail, detail) == 0,
		    more == 0);
	}
}

/* However long the detail is. */
static void
REQ_SEC_RIGHTS_who_approved_is_at_the_end(void **state)
{
	struct principal p = alice;
	char detail[1000];
	const char *end;

	(void)state;
	memset(detail, 'd', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	strcpy(p.approved, "bob"); /* without a request it says nothing */
	for (int i = 0; i < 4; i++) {
		p.request = i == 0 ? 0 : 7;
		if (i == 3) {
			memset(p.approved, 0xff, LIMIT_PSK_IDENTITY);
			p.approved[LIMIT_PSK_IDENTITY] = '\0';
		}
		assert_int_equal(engine_begin(w.app.engine), 0);
		assert_int_equal(engine_end(w.app.engine, audit_add(&w.app,
		    &p, AUDIT_AUTHOR_ADD, "ann", "%s", i == 1 ? "" :
		    i == 0 ? "all" : detail)), 0);
	}
	turn(&w);
	assert_int_equal(entries(), 4);
	assert_string_equal(page[0].detail, "all");
	assert_string_equal(page[1].detail, "approved by bob, request 7");
	end = strstr(page[2].detail, "ddd, approved by bob, request 7");
	assert_non_null(end);
	assert_int_equal(strlen(page[2].detail), LIMIT_AUDIT_DETAIL);
	assert_string_equal(end, "ddd, approved by bob, request 7");
	assert_non_null(strstr(page[3].detail, "ddd, approved by \\xff"));
	assert_non_null(strstr(page[3].detail, ", request 7"));
}

/* In the very pair that is undone because of it. */
static void
a_refusal_outlives_what_was_refused(void **state)
{
	(void)state;
	assert_int_equal(engine_begin(w.app.engine), 0);
	audit_refuse(&w.app, &alice, "CLASS", "release", "not hers: %d", 4);
	assert_int_equal(engine_end(w.app.engine, ERR_CLASS), ERR_CLASS);
	turn(&w);
	assert_int_equal(entries(), 1);
	assert_string_equal(page[0].kind, "refusal");
	assert_string_equal(page[0].who, "alice");
	assert_string_equal(page[0].subject, "release");
	assert_string_equal(page[0].detail, "CLASS: not hers: 4");
}

/* A stranger chooses his name and what he asks for; it is one slot all the
 * same. */
static void
refusals_without_end_are_two_entries_an_hour(void **state)
{
	struct principal p = stranger;
	struct audit_stats st;
	char what[40];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(p.identity, sizeof(p.identity), "m%d", i);
		snprintf(what, sizeof(what), "GET x%d", i);
		audit_refuse(&w.app, &p, "UNAUTHORIZED", what, "no");
		if (i % 100 == 0)
			turn(&w);
	}
	audit_refuse(&w.app, &alice, "UNAUTHORIZED", "GET y", "no");
	turn(&w);
	assert_int_equal(entries(), 2);
	assert_string_equal(page[1].who, "alice");
	audit_stats(&w.app, &st);
	assert_int_equal(st.refused, 10001);
	w.loop.now += AUDIT_FOLD_MS - 1;
	audit_tick(&w.app);
	turn(&w);
	assert_int_equal(entries(), 2);
	w.loop.now++;
	audit_tick(&w.app);
	turn(&w);
	assert_int_equal(entries(), 3);
	assert_string_equal(page[2].subject, "GET x9999");
	assert_string_equal(page[2].detail,
	    "9999 times, over 16 subjects, the last: UNAUTHORIZED: no");
}

static void
logins_are_told_by_operator_and_host(void **state)
{
	(void)state;
	audit_ended(&w.app); /* of a start that failed: nothing */
	turn(&w);
	assert_int_equal(entries(), 0);
	audit_started(&w.app);
	turn(&w);
	for (int i = 0; i < 5; i++) {
		audit_login(&w.app, &alice, "::1");
		turn(&w);
	}
	audit_login(&w.app, &alice, "::2");
	turn(&w);
	assert_int_equal(entries(), 3);
	assert_string_equal(page[2].kind, "operator.login");
	assert_string_equal(page[2].subject, "::2");
	audit_ended(&w.app);
	turn(&w);
	assert_int_equal(entries(), 5);
	assert_string_equal(page[3].subject, "::1");
	assert_memory_equal(page[3].detail, "4 times", 7);
	assert_string_equal(page[4].kind, "stop");
}

static void
only_what_a_rule_forbids_is_a_refusal(void **state)
{
	static const struct {
		enum method m;
		int err;
		size_t n;
	} cases[] = {
		{M_GET, ERR_UNAUTHORIZED, 1}, {M_GET, ERR_FORBIDDEN, 1},
		{M_POST, ERR_SIGNATURE, 1}, {M_POST, ERR_SEQUENCE, 1},
		{M_PUT, ERR_MALFORMED, 1}, {M_PUT, ERR_SIZE, 1},
		{M_GET, ERR_INVALID, 0}, {M_GET, ERR_NOT_FOUND, 0},
		{M_PUT, ERR_NOT_FOUND, 0}, {M_POST, ERR_BUSY, 0},
		{M_POST, ERR_NOSPACE, 0}, {M_PUT, ERR_INCOMPLETE, 0},
		{M_POST, ERR_METHOD, 0}, {M_FETCH, ERR_STATE, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct req req = {.method = cases[i].m, .path = "a/x"};
		struct why why = {0};
		size_t before = entries();

		snprintf(req.who.identity, sizeof(req.who.identity), "op%zu",
		    i);
		req.who.role = ROLE_OPERATOR;
		audit_denied(&w.app, &req, cases[i].err, &why);
		turn(&w);
		assert_int_equal(entries() - before, cases[i].n);
	}
	assert_string_equal(page[0].subject, "GET a/x");
	assert_string_equal(page[2].subject, "POST a/x");
}

static void
a_start_is_an_entry_and_continues_the_chain(void **state)
{
	struct audit_stats st;

	(void)state;
	audit_started(&w.app);
	turn(&w);
	audit_ended(&w.app);
	turn(&w);
	audit_free(w.app.audit); /* as after a restart */
	assert_int_equal(audit_new(&w.app.audit), 0);
	audit_started(&w.app);
	audit_stats(&w.app, &st);
	assert_int_equal(st.anchor.n, 2);
	turn(&w);
	assert_int_equal(entries(), 3);
	assert_string_equal(page[2].kind, "start");
}

static void
it_is_pruned_only_when_told_and_says_so(void **state)
{
	(void)state;
	for (int i = 0; i < 120; i++)
		assert_int_equal(add(&alice, 0), 0);
	turn(&w);
	audit_tick(&w.app);
	turn(&w);
	assert_int_equal(entries(), 120);
	w.app.conf.audit_keep = 110;
	audit_tick(&w.app); /* less than a tenth over */
	turn(&w);
	assert_int_equal(entries(), 120);
	w.app.conf.audit_keep = 100;
	audit_tick(&w.app);
	turn(&w);
	assert_int_equal(entries(), 101); /* proven, without the first 20 */
	assert_int_equal(page[0].n, 21);
	assert_string_equal(page[100].kind, "audit.prune");
	audit_tick(&w.app);
	turn(&w);
	assert_int_equal(entries(), 101);
}

static void
every_hundred_entries_the_head_is_told(void **state)
{
	struct audit_stats st;

	(void)state;
	for (int i = 1; i <= 2 * AUDIT_ANCHOR + 50; i++) {
		assert_int_equal(add(&alice, 0), 0);
		turn(&w);
		audit_stats(&w.app, &st);
		assert_int_equal(st.anchor.n, i - i % AUDIT_ANCHOR);
	}
}

/* --- proven while it runs --- */

static bool
broken(void)
{
	struct audit_stats st;

	audit_stats(&w.app, &st);
	return st.broken;
}

static void
a_log_that_grows_and_is_undone_and_pruned_stays_whole(void **state)
{
	(void)state;
	audit_started(&w.app);
	for (int i = 0; i < 3 * AUDIT_WATCH_ENTRIES; i++) {
		assert_int_equal(add(&alice, i % 7 ? 0 : ERR_STATE),
		    i % 7 ? 0 : ERR_STATE);
		if (i % 50 == 0) {
			audit_tick(&w.app); /* some are not durable yet */
			turn(&w);
		}
		if (i == 400)
			w.app.conf.audit_keep = 100;
	}
	for (int i = 0; i < 20; i++) {
		audit_tick(&w.app);
		turn(&w);
		assert_false(broken());
	}
}

/* Somebody else writes into the store: the twin in memory, behind its verbs. */
static void
an_edit_behind_its_back_is_told(void **state)
{
	struct store *s = w.app.store;
	struct audit_head base;
	uint64_t n = 0;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(add(&alice, 0), 0);
	turn(&w);
	audit_tick(&w.app);
	assert_false(broken());
	assert_int_equal(s->ops->begin(s), 0);
	assert_int_equal(s->ops->audit_prune(s, 4, 99, &base, &n), 0);
	assert_int_equal(s->ops->commit(s), 0);
	audit_tick(&w.app);
	assert_false(broken()); /* what was seen is not looked at again */
	audit_free(w.app.audit);
	assert_int_equal(audit_new(&w.app.audit), 0);
	audit_started(&w.app);
	turn(&w);
	audit_tick(&w.app);
	assert_true(broken()); /* nothing in it says that it was pruned */
}

/* The number of the first entry that is shown; 0: none is. */
static uint64_t
first_of(const char *query)
{
	static struct resp resp;
	struct req rq = {.method = M_GET, .transport = T_ADMIN,
	    .who = {.role = ROLE_OPERATOR}, .cf = CF_NONE, .accept = CF_NONE};
	struct audit_entry e = {.n = 0};
	struct msg_page p;

	rq.query[rq.query_n++] = slice_str(query);
	memset(&resp, 0, sizeof(resp));
	assert_int_equal(ask(&w, res_admin_audit, &rq, &resp), 0);
	assert_int_equal(msg_page_open(&msg_audit, buf_slice(&resp.out), &p),
	    0);
	if (p.left > 0)
		assert_int_equal(msg_page_item(&p, &e, NULL), 0);
	return e.n;
}

/* At 1000, 2000, ... 9000 ms; then the clock is set back. */
static void
a_list_begins_at_a_number_or_a_time(void **state)
{
	char query[40];

	(void)state;
	assert_int_equal(first_of("since=1"), 0);
	for (int i = 1; i <= 9; i++) {
		w.loop.now = i * 1000;
		assert_int_equal(add(&alice, 0), 0);
		turn(&w);
	}
	for (int i = 1; i <= 9; i++) {
		snprintf(query, sizeof(query), "since=%d", i * 1000);
		assert_int_equal(first_of(query), i);
		snprintf(query, sizeof(query), "since=%d", i * 1000 - 999);
		assert_int_equal(first_of(query), i);
	}
	assert_int_equal(first_of("since=9001"), 0);
	assert_int_equal(first_of("since=0"), 1);
	assert_int_equal(first_of("from=4"), 4);
	assert_int_equal(first_of("from=10"), 0);
	w.loop.now = 5500;
	assert_int_equal(add(&alice, 0), 0);
	turn(&w);
	assert_true(first_of("since=5400") >= 6);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(an_entry_is_there_with_its_pair_and_gone_with_it),
		T(what_is_too_long_or_no_text_is_made_fit),
		T(what_is_at_its_cap_is_kept_and_one_byte_more_is_cut),
		T(REQ_SEC_RIGHTS_who_approved_is_at_the_end),
		T(a_refusal_outlives_what_was_refused),
		T(refusals_without_end_are_two_entries_an_hour),
		T(logins_are_told_by_operator_and_host),
		T(only_what_a_rule_forbids_is_a_refusal),
		T(a_start_is_an_entry_and_continues_the_chain),
		T(it_is_pruned_only_when_told_and_says_so),
		T(every_hundred_entries_the_head_is_told),
		T(a_log_that_grows_and_is_undone_and_pruned_stays_whole),
		T(an_edit_behind_its_back_is_told),
		T(a_list_begins_at_a_number_or_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
