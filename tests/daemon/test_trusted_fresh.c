/* Answers to nonces: what they say, what they cost, which key signs them. */
#include "tests/daemon/trusted_world.h"

static int
nonce(struct req *req, struct resp *resp)
{
	static uint8_t bytes[128];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct fresh_ask a = {.nonce = slice_str("eight bytes and more"),
	    .class_count = 1};

	memcpy(a.class_id[0], w.class_id, 16);
	fresh_ask_put(&a, &b);
	*req = from;
	req->method = M_POST;
	req->body = buf_slice(&b);
	return ask(&w, res_trust_now, req, resp);
}

static void
TUF_FREEZE_a_nonce_gets_what_is_current(void **state)
{
	struct cose_key *key;
	struct made m = good();
	struct why why = {0};
	struct fresh f;
	struct req req;
	struct resp resp;
	uint64_t seq;

	(void)state;
	assert_int_equal(nonce(&req, &resp), ERR_NOT_FOUND);
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &key), 0);
	put_key(lies, key);
	strcpy(w.app.conf.freshness_key, lies);
	assert_int_equal(begin(&why), 0);
	/* not yet in the list */
	assert_int_equal(nonce(&req, &resp), ERR_NOT_FOUND);
	list_add(&l, key, TRUST_FRESHNESS);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(publish(&w, &m, NULL), 0);
	assert_int_equal(nonce(&req, &resp), 0);
	assert_int_equal(resp.cf, CF_COSE_SIGN1);
	assert_int_equal(fresh_verify(buf_slice(&resp.out),
	    trusted_list(&w.app), &f, &why), 0);
	assert_true(slice_eq_str(f.nonce, "eight bytes and more"));
	assert_int_equal(f.list, 2);
	assert_true(fresh_seq(&f, w.class_id, &seq));
	assert_int_equal(seq, 10);
	cose_key_free(key);
}

static struct cose_key *
fresh_key(void)
{
	struct cose_key *key;

	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &key), 0);
	put_key(lies, key);
	strcpy(w.app.conf.freshness_key, lies);
	assert_int_equal(begin(NULL), 0);
	list_add(&l, key, TRUST_FRESHNESS);
	assert_int_equal(publish_list(list_make(&l)), 0);
	return key;
}

/* How many answers `from` gets, of network i of 10.0.0.0/8 or device i, or
 * all for one: that of the first. */
static unsigned
answers(enum transport t, bool device, unsigned n, bool one)
{
	struct resp resp;
	struct req req;
	unsigned got = 0;
	int rc;

	for (unsigned i = 1; i <= n; i++) {
		unsigned who = one ? 1 : i;

		from = (struct req){.transport = t};
		from.who.device = device ? who : 0;
		snprintf(from.addr, sizeof(from.addr), "10.%u.%u.9", who / 256,
		    who % 256);
		rc = nonce(&req, &resp);
		if (rc != ERR_LIMIT)
			assert_int_equal(rc, 0);
		got += rc == 0;
	}
	return got;
}

/* Strangers, those who have shown their address, and those with a key. */
static void
DOS_SIGNATURES_answers_to_nonces_are_capped(void **state)
{
	struct cose_key *key = fresh_key();

	(void)state;
	assert_int_equal(answers(T_UDP, false, LIMIT_FRESH_RATE, false),
	    LIMIT_FRESH_RATE / 2);
	assert_int_equal(answers(T_TCP, false, LIMIT_FRESH_RATE, false),
	    LIMIT_FRESH_RATE / 4);
	assert_int_equal(answers(T_DTLS, true, LIMIT_FRESH_RATE, false),
	    LIMIT_FRESH_RATE / 4);
	assert_int_equal(w.app.counts.fresh_signed, LIMIT_FRESH_RATE);
	assert_int_equal(w.app.counts.fresh_refused, 2 * LIMIT_FRESH_RATE);
	w.loop.now += 1000;
	assert_int_equal(answers(T_DTLS, true, LIMIT_FRESH_RATE + 1, false),
	    LIMIT_FRESH_RATE);
	cose_key_free(key);
}

static void
DOS_SIGNATURES_strangers_cannot_take_a_devices_answers(void **state)
{
	struct cose_key *key = fresh_key();

	(void)state;
	for (unsigned s = 0; s < 5; s++) {
		assert_true(answers(T_UDP, false, 2000, false) >= 100);
		assert_int_equal(answers(T_DTLS, true, 20, false), 20);
		assert_int_equal(answers(T_TCP, false, 20, false), 20);
		w.loop.now += 1000;
	}
	cose_key_free(key);
}

static void
DOS_LIMITS_one_network_and_one_device_have_their_own_caps(void **state)
{
	struct cose_key *key = fresh_key();

	(void)state;
	assert_int_equal(answers(T_UDP, false, LIMIT_FRESH_NETWORK + 1, true),
	    LIMIT_FRESH_NETWORK);
	assert_int_equal(answers(T_TCP, false, LIMIT_FRESH_NETWORK + 1, true),
	    LIMIT_FRESH_NETWORK);
	assert_int_equal(answers(T_DTLS, true, LIMIT_FRESH_DEVICE + 1, true),
	    LIMIT_FRESH_DEVICE);
	w.loop.now += 1000;
	assert_int_equal(answers(T_DTLS, true, 1, true), 1);
	cose_key_free(key);
}

static void
REQ_SEC_KEY_PROTECTION_the_freshness_key_can_do_nothing_else(void **state)
{
	struct cose_key *key;
	struct why why = {0};

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &key), 0);
	list_add(&l, key, TRUST_AUTHOR);
	assert_int_equal(publish_list(list_make(&l)), 0);
	put_key(lies, key);
	strcpy(w.app.conf.freshness_key, lies);
	assert_int_equal(begin(&why), ERR_POLICY);
	cose_key_free(key);
}

static void
TUF_KEYCOMPROMISE_without_its_freshness_key_the_list_still_holds(void **state)
{
	struct why why = {0};

	(void)state;
	/* nobody may lift the list by taking a file away */
	strcpy(w.app.conf.freshness_key, lies);
	assert_int_equal(begin(&why), ERR_IO);
	assert_null(w.app.trusted);
	put_file(lies, slice_str("junk"));
	assert_int_equal(chmod(lies, 0600), 0);
	assert_int_not_equal(begin(&why), 0);
	w.app.conf.freshness_key[0] = '\0';
	assert_int_equal(begin(&why), 0);
	assert_int_equal(trusted_seq(&w.app), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(TUF_FREEZE_a_nonce_gets_what_is_current),
		T(DOS_SIGNATURES_answers_to_nonces_are_capped),
		T(DOS_SIGNATURES_strangers_cannot_take_a_devices_answers),
		T(DOS_LIMITS_one_network_and_one_device_have_their_own_caps),
		T(REQ_SEC_KEY_PROTECTION_the_freshness_key_can_do_nothing_else),
		T(TUF_KEYCOMPROMISE_without_its_freshness_key_the_list_still_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
