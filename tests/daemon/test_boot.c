/*
 * Signed boot reports at the daemon: whose they are, in which order they are
 * taken, what they may say of a job, and what their replays can do: nothing.
 */
#include "lib/bootreport.h"
#include "lib/cbor.h"
#include "daemon/boots.h"
#include "daemon/log.h"
#include "daemon/res_admin.h"
#include "tests/daemon/camp.h"
#include "tests/db/psk.h"

static struct world w;
static struct req req;
static struct resp resp;
static struct cose_key *key, *stranger;
static struct store_device d;
static uint64_t rel;
static struct bootreport r;

static struct store_attest
attest(void)
{
	struct store_attest a;

	assert_int_equal(CS(&w, attest_get, d.id, &a), 0);
	return a;
}

/* A device with a bootloader's key, and release 5. */
static int
setup(void **state)
{
	struct store_attest a = {.created = 1};
	struct buf b = buf_of(a.key, sizeof(a.key));
	const struct catalog_release *c;

	(void)state;
	world_open(&w, store_mem_open);
	assert_int_equal(boots_new(&w.app.boots), 0);
	d = device(&w, "dev", DRIVER_NONE);
	d.have_seq = true;
	d.seq = 1;
	put(&w, &d);
	rel = released(&w, 5, "coap://fw.example/a", 100);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &key), 0);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &stranger), 0);
	a.device = d.id;
	assert_int_equal(cose_key_id(key, a.kid), 0);
	assert_int_equal(cose_key_put_cose(key, &b), 0);
	a.key_len = b.n;
	pair_begin(&w);
	pair_end(&w, CS(&w, attest_put, &a));
	turn(&w);
	c = catalog_by_id(w.app.catalog, rel);
	r = (struct bootreport){.epoch = {1}, .boot_ctr = 1,
	    .report_seq = 1, .have_manifest = true, .sequence = 5};
	memcpy(r.manifest, c->digest, 32);
	memset(&req, 0, sizeof(req));
	strcpy(req.addr, "10.9.9.9");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	cose_key_free(key);
	cose_key_free(stranger);
	boots_free(w.app.boots);
	world_close(&w);
	return 0;
}

/* What is signed is sent, by anybody. */
static int
send_as(const struct cose_key *by)
{
	static uint8_t mem[LIMIT_BOOTREPORT];
	struct buf b = buf_of(mem, sizeof(mem));
	int rc;

	assert_int_equal(bootreport_sign(&r, by, &b), 0);
	req.method = M_POST;
	req.have_cf = true;
	req.cf = CF_COSE_SIGN1;
	req.body = buf_slice(&b);
	rc = ask(&w, res_report, &req, &resp);
	turn(&w);
	return rc;
}

/* The very bytes of the last one. */
static int
send_again(void)
{
	int rc = ask(&w, res_report, &req, &resp);

	turn(&w);
	return rc;
}

/* What the device's kid is put on by somebody else. */
static int
send_forged(void)
{
	static uint8_t mem[2][LIMIT_BOOTREPORT];
	struct buf p = buf_of(mem[0], sizeof(mem[0]));
	struct buf b = buf_of(mem[1], sizeof(mem[1]));
	uint8_t kid[8];
	const struct cose_sign_opts opts = {.attached = true,
	    .kid = slice_of(kid, sizeof(kid))};

	assert_int_equal(cose_key_id(key, kid), 0);
	assert_int_equal(bootreport_put(&r, &p), 0);
	assert_int_equal(cose_sign(stranger, buf_slice(&p), &opts, &b), 0);
	req.body = buf_slice(&b);
	return send_again();
}

static int
send_next(void)
{
	r.report_seq++;
	return send_as(key);
}

static void
fails(enum boot_result how)
{
	memcpy(r.tried, r.manifest, 32);
	r.have_tried = true;
	r.have_manifest = false;
	r.sequence = how == BOOT_RECOVERY ? 0 : 1;
	r.result = how;
}

static struct store_campaign
offered(const char *rules)
{
	struct store_campaign c = campaign_for(&w, rel, rules);
	const struct track_event get = {.type = TRACK_MANIFEST_GET};

	event(&w, d.id, &get);
	assert_int_equal(last_job(&w, &d).attempt, 1);
	return c;
}

static void
a_start_with_the_release_is_proof_of_the_highest_grade(void **state)
{
	(void)state;
	(void)offered("grade=L2");
	runs_seq(&w, d.id, 5); /* L1 */
	assert_int_not_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(send_next(), 0);
	assert_true(resp.after_commit);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(last_job(&w, &d).grade, GRADE_L2);
	d = dev(&w, "dev");
	assert_int_equal(d.seq, 5);
	assert_int_equal(d.seq_grade, GRADE_L2);
	assert_string_equal(d.addr, ""); /* whoever carried it */
	assert_int_equal(attest().mark.report_seq, 2);
	assert_int_equal(attest().sequence, 5);
	assert_int_equal(attest().at, w.loop.now);
	assert_int_equal(attest().fresh_at, 0);
	assert_int_equal(w.app.counts.boot[BOOT_OK], 1);
}

static void
what_is_done_by_hearsay_becomes_proven(void **state)
{
	struct store_counts k;
	struct store_campaign c = offered("");

	(void)state;
	runs_seq(&w, d.id, 5);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(CS(&w, campaign_counts, c.id, &k), 0);
	assert_int_equal(k.done[GRADE_L1], 1);
	assert_int_equal(send_next(), 0);
	assert_int_equal(CS(&w, campaign_counts, c.id, &k), 0);
	assert_int_equal(k.done[GRADE_L1], 0);
	assert_int_equal(k.done[GRADE_L2], 1);
}

static void
REQ_SEC_REPORTING_a_replay_moves_and_writes_nothing(void **state)
{
	struct store_attest was;

	(void)state;
	(void)offered("");
	assert_int_equal(send_next(), 0);
	was = attest();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(send_again(), ERR_SEQUENCE);
		assert_int_equal(resp.after_commit, i == 0);
	}
	assert_int_equal(attest().mark.boot_ctr, was.mark.boot_ctr);
	assert_int_equal(attest().mark.report_seq, was.mark.report_seq);
	assert_int_equal(attest().refused, 1);
	assert_int_equal(attest().at, was.at);
	w.loop.now += 60000;
	assert_int_equal(send_again(), ERR_SEQUENCE);
	assert_int_equal(attest().refused, 2);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_REPLAY], 101);
	r.boot_ctr = 9; /* a jump forward is fine */
	r.report_seq = 0;
	assert_int_equal(send_as(key), 0);
}

/* Who has one of its reports has no way to fill the log by it. */
static void
DOS_LIMITS_a_replay_has_a_line_a_minute(void **state)
{
	uint64_t lines;

	(void)state;
	assert_int_equal(send_next(), 0);
	lines = log_count(LOGL_WARN) + log_count(LOGL_INFO);
	for (int i = 0; i < 100; i++)
		assert_int_equal(send_again(), ERR_SEQUENCE);
	assert_int_equal(log_count(LOGL_WARN) + log_count(LOGL_INFO),
	    lines + 1);
	w.loop.now += 60000;
	assert_int_equal(send_again(), ERR_SEQUENCE);
	assert_int_equal(log_count(LOGL_WARN) + log_count(LOGL_INFO),
	    lines + 2);
}

/* One of an epoch that nobody has allowed; its bytes are kept. */
static struct slice
send_epoch(uint8_t epoch, uint8_t mem[LIMIT_BOOTREPORT])
{
	r.epoch[0] = epoch;
	assert_int_equal(send_as(key), ERR_CONFLICT);
	memcpy(mem, req.body.p, req.body.n);
	return slice_of(mem, req.body.n);
}

/* Two such reports in turns are no news each time either. */
static void
DOS_LIMITS_epochs_in_turns_are_written_so_often(void **state)
{
	static uint8_t mem[2][LIMIT_BOOTREPORT];
	struct slice old[2];

	(void)state;
	assert_int_equal(send_next(), 0);
	old[0] = send_epoch(2, mem[0]);
	old[1] = send_epoch(3, mem[1]);
	for (size_t i = 0; i < 100; i++) {
		req.body = old[i % 2];
		assert_int_equal(send_again(), ERR_CONFLICT);
	}
	assert_int_equal(attest().refused, 1);
	assert_int_equal(attest().pending[0], 2);
	w.loop.now += 1000; /* but nobody keeps another one out for long */
	assert_int_equal(send_again(), ERR_CONFLICT);
	assert_int_equal(attest().refused, 2);
	assert_int_equal(attest().pending[0], 3);
	w.loop.now += 1000;
	assert_int_equal(send_again(), ERR_CONFLICT);
	assert_int_equal(attest().refused, 2);
}

/* A failure of long ago, said again now, counts for nothing. */
static void
REQ_SEC_REPORTING_replayed_failures_do_not_trip_a_breaker(void **state)
{
	struct store_campaign c = offered("broke=0% sample=1 grade=L2 "
	    "on_failure=pause");
	struct bootreport fail;

	(void)state;
	r.report_seq = 10;
	assert_int_equal(send_as(key), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	fails(BOOT_RECOVERY);
	r.report_seq = 9;
	fail = r;
	for (int i = 0; i < 20; i++) {
		r = fail;
		r.report_seq = (uint64_t)(i % 11);
		assert_int_equal(send_as(key), r.report_seq == 10 ?
		    ERR_SEQUENCE : ERR_SIGNATURE);
		w.loop.now += 1000;
	}
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_FINISHED);
	assert_int_equal(last_job(&w, &d).reason, REASON_NONE);
}

static void
what_failed_is_a_failure_of_its_manifest(void **state)
{
	static const struct {
		enum boot_result how;
		enum fail_class fail;
		enum track_reason reason;
	} cases[] = {
		{BOOT_ROLLBACK, FAIL_EXECUTION, REASON_ROLLBACK},
		{BOOT_RECOVERY, FAIL_EXECUTION, REASON_RECOVERY},
		{BOOT_REFUSED, FAIL_INTEGRITY, REASON_DIGEST},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		if (i > 0)
			setup(NULL);
		(void)offered("grade=L2");
		fails(cases[i].how);
		assert_int_equal(send_next(), 0);
		assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
		assert_int_equal(last_job(&w, &d).last_fail, cases[i].fail);
		assert_int_equal(last_job(&w, &d).reason, cases[i].reason);
		assert_int_equal(last_job(&w, &d).grade, GRADE_L2);
		assert_int_equal(dev(&w, "dev").seq, 1);
		if (i < 2)
			teardown(NULL);
	}
}

static void
REQ_SEC_REPORTING_what_was_not_offered_has_no_say(void **state)
{
	(void)state;
	(void)campaign_for(&w, rel, "");
	fails(BOOT_ROLLBACK);
	assert_int_equal(send_next(), 0); /* the job was not begun */
	assert_int_equal(last_job(&w, &d).last_fail, FAIL_NONE);
	event(&w, d.id, &(struct track_event){.type = TRACK_MANIFEST_GET});
	r.tried[0] ^= 1; /* of some other manifest */
	assert_int_equal(send_next(), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	/* the sequence number of the release, by another manifest */
	r.result = BOOT_OK;
	r.have_tried = false;
	r.have_manifest = true;
	r.manifest[0] ^= 1;
	r.sequence = 5;
	assert_int_equal(send_next(), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	r.have_manifest = false;
	assert_int_equal(send_next(), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	r.have_manifest = true;
	r.manifest[0] ^= 1;
	assert_int_equal(send_next(), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
}

static void
counters_that_began_anew_wait_for_an_operator(void **state)
{
	struct store_attest a;

	(void)state;
	assert_int_equal(send_next(), 0);
	r.epoch[0] = 2;
	r.boot_ctr = 1000;
	assert_int_equal(send_as(key), ERR_CONFLICT);
	assert_true(resp.after_commit);
	a = attest();
	assert_true(a.have_pending);
	assert_memory_equal(a.pending, r.epoch, sizeof(r.epoch));
	assert_int_equal(a.mark.boot_ctr, 1);
	assert_int_equal(send_as(key), ERR_CONFLICT);
	assert_false(resp.after_commit);
	/* of an epoch that is over it is a replay, and nobody is asked */
	a.have_pending = false;
	a.gone_n = 1;
	memcpy(a.gone[0], r.epoch, sizeof(r.epoch));
	pair_begin(&w);
	pair_end(&w, CS(&w, attest_put, &a));
	w.loop.now += 60000;
	assert_int_equal(send_again(), ERR_CONFLICT);
	assert_false(attest().have_pending);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_EPOCH], 2);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_REPLAY], 1);
}

static void
who_has_not_the_key_is_nobody(void **state)
{
	(void)state;
	assert_int_equal(send_as(stranger), ERR_SIGNATURE);
	req.body.n--;
	assert_int_not_equal(ask(&w, res_report, &req, &resp), 0);
	d.revoked = true;
	put(&w, &d);
	assert_int_equal(send_as(key), ERR_FORBIDDEN);
	assert_false(attest().mark.have);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_UNPROVEN], 3);
}

/* --- what it costs to be refused --- */

/* Whoever looks at a signature of this device finds no key. */
static void
spoil_key(void)
{
	struct store_attest a = attest();

	a.key_len = 1;
	pair_begin(&w);
	pair_end(&w, CS(&w, attest_put, &a));
}

static void
DOS_SIGNATURES_old_reports_are_refused_without_a_look_at_them(void **state)
{
	(void)state;
	r.report_seq = 10;
	assert_int_equal(send_as(key), 0);
	spoil_key();
	for (int i = 0; i < 100; i++)
		assert_int_equal(send_again(), ERR_SEQUENCE);
	assert_int_equal(attest().refused, 1);
	r.report_seq = 9; /* signed as it should be */
	assert_int_equal(send_as(key), ERR_SIGNATURE);
	r.boot_ctr--;
	r.report_seq = 99;
	assert_int_equal(send_as(key), ERR_SIGNATURE);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_REPLAY], 102);
	assert_int_equal(attest().refused, 1);
	/* news, and what may be the device's own once more, are looked at */
	r.boot_ctr++;
	r.report_seq = 11;
	assert_int_equal(send_as(key), ERR_KEY);
	r.report_seq = 10;
	assert_int_equal(send_as(key), ERR_KEY);
	r.epoch[0]++;
	assert_int_equal(send_as(key), ERR_KEY);
}

/* What is remembered of a report is good for refusing it, and no more. */
static void
REQ_SEC_REPORTING_whatever_is_taken_was_looked_at(void **state)
{
	struct store_attest a;

	(void)state;
	assert_int_equal(send_next(), 0);
	r.epoch[0]++;
	assert_int_equal(send_as(key), ERR_CONFLICT);
	a = attest();
	a.mark.have = false; /* an operator allowed it */
	a.key_len = 1;
	pair_begin(&w);
	pair_end(&w, CS(&w, attest_put, &a));
	assert_int_equal(send_again(), ERR_KEY);
}

/* Reports that somebody makes up, anywhere around the device's counters. */
static void
DOS_SIGNATURES_an_early_refusal_says_what_a_late_one_says(void **state)
{
	static const struct {
		uint8_t epoch;
		uint64_t boot_ctr, report_seq;
	} forged[] = {{1, 5, 11}, {1, 5, 10}, {1, 5, 9}, {1, 4, 99},
	    {1, 6, 0}, {2, 5, 10}, {7, 5, 10}};
	struct store_attest was;
	struct why said = {0};

	(void)state;
	r.boot_ctr = 5;
	r.report_seq = 10;
	assert_int_equal(send_as(key), 0);
	was = attest();
	was.gone_n = 1;
	was.gone[0][0] = 7;
	pair_begin(&w);
	pair_end(&w, CS(&w, attest_put, &was));
	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		struct store_attest is;

		r.epoch[0] = forged[i].epoch;
		r.boot_ctr = forged[i].boot_ctr;
		r.report_seq = forged[i].report_seq;
		assert_int_equal(send_forged(), ERR_SIGNATURE);
		assert_int_equal(resp.why.err, ERR_SIGNATURE);
		if (i == 0)
			said = resp.why;
		assert_string_equal(resp.why.text, said.text);
		assert_false(resp.after_commit);
		is = attest();
		assert_memory_equal(&is, &was, sizeof(is));
	}
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_REPLAY], 3);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_EPOCH], 0);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_UNPROVEN], 4);
}

static void
DOS_SIGNATURES_what_proves_nothing_is_looked_at_so_often(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * LIMIT_BOOT_FAILED_EACH; i++)
		assert_int_equal(send_next(), 0); /* costs nothing */
	for (unsigned i = 0; i < LIMIT_BOOT_FAILED_EACH; i++)
		assert_int_equal(send_forged(), ERR_SIGNATURE);
	assert_int_equal(send_forged(), ERR_LIMIT);
	/* whatever it claims */
	r.report_seq = 2;
	assert_int_equal(send_forged(), ERR_LIMIT);
	r.report_seq = 100;
	assert_int_equal(send_as(key), ERR_LIMIT);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_LIMITED], 3);
	/* from elsewhere, or through the device's own session, it is taken */
	req.who.device = d.id;
	assert_int_equal(send_as(key), 0);
	req.who.device = 0;
	strcpy(req.addr, "10.9.8.9");
	assert_int_equal(send_next(), 0);
	strcpy(req.addr, "10.9.9.9");
	w.loop.now += 1000;
	assert_int_equal(send_next(), 0);
}

/* What the device's own key signed may be varied where nothing is signed. */
static void
DOS_SIGNATURES_a_replay_in_other_bytes_is_paid_for(void **state)
{
	(void)state;
	assert_int_equal(send_next(), 0);
	for (unsigned i = 0; i < LIMIT_BOOT_FAILED_EACH; i++)
		assert_int_equal(send_as(key), ERR_SEQUENCE);
	assert_int_equal(send_as(key), ERR_LIMIT);
	assert_int_equal(send_again(), ERR_LIMIT);
}

/* All networks together: strangers get half of it. */
static void
DOS_SIGNATURES_all_that_proves_nothing_has_a_cap(void **state)
{
	unsigned looked = 0;

	(void)state;
	assert_int_equal(send_next(), 0);
	r.report_seq++;
	for (unsigned i = 0; i < LIMIT_BOOT_FAILED; i++) {
		snprintf(req.addr, sizeof(req.addr), "10.1.%u.1", i);
		looked += send_forged() == ERR_SIGNATURE;
	}
	assert_int_equal(looked, LIMIT_BOOT_FAILED / 2);
	req.who.device = d.id;
	assert_int_equal(send_as(key), 0);
}

static void
DOS_LIMITS_the_last_reports_that_were_proven_are_known(void **state)
{
	struct slice number;
	uint32_t i, n = 0;

	(void)state;
	number = slice_of(&i, sizeof(i));
	for (i = 0; i < LIMIT_BOOT_PROVEN * 2; i++) {
		assert_false(boots_proven(w.app.boots, number));
		boots_prove(w.app.boots, number);
		assert_true(boots_proven(w.app.boots, number));
	}
	for (i = 0; i < LIMIT_BOOT_PROVEN * 2; i++)
		n += boots_proven(w.app.boots, number);
	assert_in_range(n, LIMIT_BOOT_PROVEN / 2, LIMIT_BOOT_PROVEN);
}

/* --- what operators say --- */

static int
admin(enum method method, const struct msg_attest_put *m)
{
	static uint8_t mem[8192];
	struct buf b = buf_of(mem, sizeof(mem));
	struct req q = {.method = method, .transport = T_ADMIN,
	    .who = {.role = ROLE_OPERATOR, .identity = "alice"}};
	int rc;

	q.arg[0] = "dev";
	q.arg[1] = "";
	if (m != NULL)
		msg_put_cbor(&msg_attest_put, m, &b);
	q.body = buf_slice(&b);
	rc = ask(&w, res_admin_device_attest, &q, &resp);
	turn(&w);
	return rc;
}

static void
put_key(const struct cose_key *k, struct msg_attest_put *m)
{
	struct buf b = buf_of(m->key, sizeof(m->key));

	m->have_epoch = false;
	assert_int_equal(cose_key_put_pem(k, false, &b), 0);
	m->key_len = b.n;
}

static void
the_same_key_set_again_forgets_nothing_and_another_begins_anew(void **state)
{
	static struct msg_attest_put m;
	struct msg_attest out;
	struct buf b = buf_of(m.key, sizeof(m.key));

	(void)state;
	assert_int_equal(send_next(), 0);
	put_key(key, &m);
	assert_int_equal(admin(M_PUT, &m), 0);
	assert_int_equal(attest().mark.report_seq, 2);
	assert_int_equal(send_as(key), ERR_SEQUENCE);
	assert_int_equal(admin(M_GET, NULL), 0);
	assert_int_equal(msg_get(&msg_attest, buf_slice(&resp.out), &out,
	    NULL), 0);
	assert_true(out.reported);
	assert_int_equal(out.report_seq, 2);
	assert_string_equal(out.result, "ok");
	put_key(stranger, &m);
	assert_int_equal(admin(M_PUT, &m), 0);
	assert_false(attest().mark.have);
	assert_int_equal(send_as(key), ERR_SIGNATURE);
	assert_int_equal(send_as(stranger), 0);
	assert_int_equal(admin(M_DELETE, NULL), 0);
	assert_int_equal(admin(M_GET, NULL), ERR_NOT_FOUND);
	assert_int_equal(admin(M_DELETE, NULL), ERR_NOT_FOUND);
	assert_int_equal(send_as(stranger), ERR_SIGNATURE);
	/* private keys, no keys, both, neither */
	assert_int_equal(cose_key_put_pem(key, true, &b), 0);
	m.key_len = b.n;
	assert_int_equal(admin(M_PUT, &m), ERR_POLICY);
	m.key_len = 5;
	assert_int_equal(admin(M_PUT, &m), ERR_KEY);
	m.have_epoch = true;
	assert_int_equal(admin(M_PUT, &m), ERR_INVALID);
	m.key_len = 0;
	assert_int_equal(admin(M_PUT, &m), ERR_NOT_FOUND);
	m.have_epoch = false;
	assert_int_equal(admin(M_PUT, &m), ERR_INVALID);
}

static void
an_epoch_that_is_over_stays_over(void **state)
{
	struct msg_attest_put m = {.have_epoch = true};

	(void)state;
	assert_int_equal(send_next(), 0);
	for (unsigned i = 0; i < LIMIT_BOOT_EPOCHS; i++) {
		r.epoch[0]++;
		r.boot_ctr = 1;
		r.report_seq = 0;
		memcpy(m.epoch, r.epoch, sizeof(m.epoch));
		assert_int_equal(admin(M_PUT, &m), ERR_STATE);
		assert_int_equal(send_as(key), ERR_CONFLICT);
		assert_int_equal(admin(M_PUT, &m), 0);
		assert_int_equal(send_as(key), 0);
		assert_int_equal(send_as(key), ERR_SEQUENCE);
		r.epoch[0]--;
		r.boot_ctr = UINT64_MAX;
		assert_int_equal(send_as(key), ERR_SIGNATURE);
		w.loop.now += 1000;
		assert_false(attest().have_pending);
		r.epoch[0]++;
	}
	r.epoch[0]++;
	assert_int_equal(send_as(key), ERR_CONFLICT);
	memcpy(m.epoch, r.epoch, sizeof(m.epoch));
	assert_int_equal(admin(M_PUT, &m), ERR_LIMIT);
}

/* --- nonces --- */

static int
get_nonce(const char *query, uint8_t dst[LIMIT_BOOT_NONCE])
{
	struct req q = {.method = M_GET, .query_n = 1};
	struct resp a;
	int rc;

	q.query[0] = slice_str(query);
	rc = ask(&w, res_nonce, &q, &a);
	if (rc == 0) {
		assert_int_equal(a.out.n, NONCE_SIZE);
		memcpy(dst, a.out.p, a.out.n);
	}
	return rc;
}

static void
TUF_FREEZE_a_gate_can_ask_for_what_was_signed_after_its_question(
    void **state)
{
	uint8_t nonce[LIMIT_BOOT_NONCE];
	struct store_device other = device(&w, "other", DRIVER_NONE);

	(void)state;
	(void)other;
	(void)offered("grade=L2 grade_nonce=yes");
	assert_int_equal(send_next(), 0); /* without one */
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	assert_int_equal(get_nonce("ep=other", nonce), 0);
	r.nonce = slice_of(nonce, NONCE_SIZE);
	assert_int_equal(send_next(), 0); /* with another device's */
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	assert_int_equal(get_nonce("ep=dev", nonce), 0);
	w.loop.now += (NONCE_STEPS + 1) * (int64_t)NONCE_STEP_S * 1000;
	assert_int_equal(send_next(), 0); /* too late */
	assert_int_not_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(attest().fresh_at, 0);
	assert_int_equal(get_nonce("ep=dev", nonce), 0);
	assert_int_equal(send_next(), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(attest().fresh_at, w.loop.now);
	assert_int_equal(get_nonce("ep=nobody", nonce), ERR_NOT_FOUND);
}

/* A MAC by the PSK is the application's word, in no order. */
static void
REQ_SEC_REPORTING_a_mac_alone_needs_a_nonce(void **state)
{
	static const uint8_t psk[16] = {1, 2, 3};
	uint8_t nonce[LIMIT_BOOT_NONCE], mem[2][200];
	struct cose_sign_opts opts = {.attached = true,
	    .kid = slice_str("dev")};
	struct cose_key *mac;

	(void)state;
	(void)offered("");
	pair_begin(&w);
	pair_end(&w, psk_put(w.app.store, "dev", d.id, slice_of(psk, 16)));
	assert_int_equal(cose_key_hmac(slice_of(psk, 16), &mac), 0);
	assert_int_equal(get_nonce("ep=dev", nonce), 0);
	for (int i = 0; i < 3; i++) {
		struct buf p = buf_of(mem[0], sizeof(mem[0]));
		struct buf b = buf_of(mem[1], sizeof(mem[1]));

		cbr_put_map(&p, 1 + (i == 2));
		if (i == 2) {
			cbr_put_uint(&p, 2);
			cbr_put_bstr(&p, slice_of(nonce, NONCE_SIZE));
		}
		cbr_put_uint(&p, 4);
		cbr_put_bool(&p, true);
		assert_int_equal(cose_sign(mac, buf_slice(&p), &opts, &b), 0);
		memset(&req, 0, sizeof(req));
		req.method = M_POST;
		req.body = buf_slice(&b);
		req.have_cf = true;
		req.cf = CF_SUIT_REPORT;
		req.who.device = i == 1 ? d.id : 0;
		req.who.grade = i == 1 ? GRADE_L1 : GRADE_L0;
		assert_int_equal(ask(&w, res_report, &req, &resp),
		    i == 0 ? ERR_UNAUTHORIZED : 0);
		assert_int_equal(last_job(&w, &d).state, i == 0 ?
		    JOB_FETCHING : JOB_DONE);
		if (i > 0)
			assert_int_equal(last_job(&w, &d).grade, GRADE_L1);
	}
	cose_key_free(mac);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_start_with_the_release_is_proof_of_the_highest_grade),
		T(what_is_done_by_hearsay_becomes_proven),
		T(REQ_SEC_REPORTING_a_replay_moves_and_writes_nothing),
		T(DOS_LIMITS_a_replay_has_a_line_a_minute),
		T(DOS_LIMITS_epochs_in_turns_are_written_so_often),
		T(REQ_SEC_REPORTING_replayed_failures_do_not_trip_a_breaker),
		T(what_failed_is_a_failure_of_its_manifest),
		T(REQ_SEC_REPORTING_what_was_not_offered_has_no_say),
		T(counters_that_began_anew_wait_for_an_operator),
		T(who_has_not_the_key_is_nobody),
		T(DOS_SIGNATURES_old_reports_are_refused_without_a_look_at_them),
		T(REQ_SEC_REPORTING_whatever_is_taken_was_looked_at),
		T(DOS_SIGNATURES_an_early_refusal_says_what_a_late_one_says),
		T(DOS_SIGNATURES_what_proves_nothing_is_looked_at_so_often),
		T(DOS_SIGNATURES_a_replay_in_other_bytes_is_paid_for),
		T(DOS_SIGNATURES_all_that_proves_nothing_has_a_cap),
		T(DOS_LIMITS_the_last_reports_that_were_proven_are_known),
		T(the_same_key_set_again_forgets_nothing_and_another_begins_anew),
		T(an_epoch_that_is_over_stays_over),
		T(TUF_FREEZE_a_gate_can_ask_for_what_was_signed_after_its_question),
		T(REQ_SEC_REPORTING_a_mac_alone_needs_a_nonce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
