/* boot_device: a device with a bootloader's key, and reports that it signs. */
#ifndef SUITD_TESTS_DAEMON_BOOT_DEVICE_H
#define SUITD_TESTS_DAEMON_BOOT_DEVICE_H

#include "daemon/boots.h"
#include "lib/bootreport.h"
#include "tests/daemon/camp.h"
#include "tests/db/psk.h"

static struct world w;
static struct req req;
static struct resp resp;
static struct cose_key *key, *stranger;
static struct store_device d;
static uint64_t rel;
static struct bootreport r;

static inline struct store_attest
attest(void)
{
	struct store_attest a;

	assert_int_equal(CS(&w, attest_get, d.id, &a), 0);
	return a;
}

/* A device with a bootloader's key, and release 5. */
static inline int
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

static inline int
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
static inline int
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
static inline int
send_again(void)
{
	int rc = ask(&w, res_report, &req, &resp);

	turn(&w);
	return rc;
}

static inline int
send_next(void)
{
	r.report_seq++;
	return send_as(key);
}

static inline struct store_campaign
offered(const char *rules)
{
	struct store_campaign c = campaign_for(&w, rel, rules);
	const struct track_event get = {.type = TRACK_MANIFEST_GET};

	event(&w, d.id, &get);
	assert_int_equal(last_job(&w, &d).attempt, 1);
	return c;
}

#endif
