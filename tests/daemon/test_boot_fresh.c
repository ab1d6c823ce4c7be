/* Boot reports with a nonce: signed after the question, or no proof. */
#include "lib/cbor.h"
#include "tests/daemon/boot_device.h"

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
		T(TUF_FREEZE_a_gate_can_ask_for_what_was_signed_after_its_question),
		T(REQ_SEC_REPORTING_a_mac_alone_needs_a_nonce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
