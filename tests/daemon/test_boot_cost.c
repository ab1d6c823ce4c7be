/*
 * What boot reports cost: which are looked at, how often, and what is
 * remembered of those that were proven.
 */
#include "daemon/log.h"
#include "daemon/res_admin.h"
#include "tests/daemon/boot_device.h"

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

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(DOS_SIGNATURES_old_reports_are_refused_without_a_look_at_them),
		T(DOS_LIMITS_a_replay_has_a_line_a_minute),
		T(DOS_LIMITS_epochs_in_turns_are_written_so_often),
		T(REQ_SEC_REPORTING_whatever_is_taken_was_looked_at),
		T(DOS_SIGNATURES_an_early_refusal_says_what_a_late_one_says),
		T(DOS_SIGNATURES_what_proves_nothing_is_looked_at_so_often),
		T(DOS_SIGNATURES_a_replay_in_other_bytes_is_paid_for),
		T(DOS_SIGNATURES_all_that_proves_nothing_has_a_cap),
		T(DOS_LIMITS_the_last_reports_that_were_proven_are_known),
		T(the_same_key_set_again_forgets_nothing_and_another_begins_anew),
		T(an_epoch_that_is_over_stays_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
