/* trust_world: a device with a trust list, and a server that has newer ones. */
#ifndef SUITD_TESTS_DEVICE_TRUST_WORLD_H
#define SUITD_TESTS_DEVICE_TRUST_WORLD_H

#include "tests/device/world.h"
#include "tests/lib/list_make.h"

static struct world w;
static struct lister l;
static struct suitdev_trust trust;
static struct cose_key *bob, *fresh_key;
static uint8_t first[LIMIT_TRUST_LIST];
static uint64_t draws;

static inline void
draw(void *arg, uint8_t *dst, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++)
		dst[i] = (uint8_t)backoff_rand(&draws);
}

/* The server has one more list. */
static inline void
serve_list(struct slice list)
{
	assert_true(w.lists < 8);
	memcpy(w.list[w.lists], list.p, list.n);
	w.list_n[w.lists++] = list.n;
}

static inline int
setup(void **state)
{
	struct slice s;

	(void)state;
	draws = 7;
	world_init(&w, &suitdev_kind_poll);
	list_init(&l);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &bob), 0);
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &fresh_key), 0);
	list_add(&l, w.key, TRUST_AUTHOR);
	list_add(&l, fresh_key, TRUST_FRESHNESS);
	s = list_make(&l);
	memcpy(first, s.p, s.n);
	memset(&trust, 0, sizeof trust);
	trust.first = slice_of(first, s.n);
	trust.random = draw;
	serve_list(s);
	w.cfg.trust = &trust;
	w.cfg.keys = NULL; /* nobody asks for them */
	world_boot(&w);
	assert_int_equal(trust.list.seq, 1);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	world_fini(&w);
	list_fini(&l);
	cose_key_free(bob);
	cose_key_free(fresh_key);
	return 0;
}

static inline void
refused(enum track_reason reason)
{
	assert_false(world_until(&w, 4, 2 * SUITDEV_HOUR_MS));
	assert_int_equal(w.blocks, 0);
	assert_int_equal(w.dev.refused, reason);
	assert_int_equal(w.phase[w.reports - 1], PHASE_FAILED);
}

/* A manifest with the kid of its key, as suitctl writes it. */
static inline void
publish_as(const struct cose_key *key)
{
	static uint8_t bare[16384], kid[8];
	struct cose_sign_opts o = {.kid = {kid, sizeof kid}};
	struct buf b = buf_of(bare, sizeof bare);
	struct buf out = buf_of(w.envelope, sizeof w.envelope);

	assert_int_equal(cose_key_id(key, kid), 0);
	assert_int_equal(digest_compute(DIGEST_SHA256, slice_of(w.image,
	    w.image_n), &w.spec.component[0].payload[0].digest), 0);
	w.spec.component[0].payload[0].size = w.image_n;
	assert_int_equal(manifest_envelope(&w.spec, &b, NULL), 0);
	assert_int_equal(manifest_sign(buf_slice(&b), key, &o, &out, NULL),
	    0);
	w.envelope_n = out.n;
	w.etag++;
}

#endif
