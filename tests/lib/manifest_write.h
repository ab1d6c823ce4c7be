/*
 * manifest_write: what an author asks for, written, signed and read back, for
 * the tests of manifest_encode and manifest_lint.
 */
#ifndef SUITD_TESTS_LIB_MANIFEST_WRITE_H
#define SUITD_TESTS_LIB_MANIFEST_WRITE_H

#include "tests/lib/manifest_judge.h"

static const uint8_t id00[] = {0x81, 0x41, 0x00};
static const uint8_t id_ram0[] = {0x82, 0x43, 'r', 'a', 'm', 0x41, '0'};
static const uint8_t image[] = "an image, as good as any";

static uint8_t bytes[LIMIT_ENVELOPE], more[LIMIT_ENVELOPE];
static struct manifest_finding found[16];

static inline struct manifest_spec_payload
payload(const char *uri)
{
	struct manifest_spec_payload p = {.uri = uri, .size = sizeof(image)};

	assert_int_equal(digest_compute(DIGEST_SHA256, slice_of(image,
	    sizeof(image)), &p.digest), 0);
	if (uri[0] == '#')
		p.integrated = slice_of(image, sizeof(image));
	return p;
}

static inline struct manifest_spec
one_component(enum manifest_dialect dialect)
{
	struct manifest_spec s = {
		.dialect = dialect,
		.sequence = 7,
		.have_vendor = true,
		.have_class = true,
		.vendor = {1},
		.class_id = {2},
		.component_count = 1,
	};

	s.component[0].id = slice_of(id00, sizeof(id00));
	s.component[0].payload_count = 1;
	s.component[0].payload[0] = payload("coap://[2001:db8::1]/a");
	return s;
}

static inline struct manifest_spec
two_slots(enum manifest_dialect dialect)
{
	struct manifest_spec s = one_component(dialect);
	struct manifest_spec_component *c = &s.component[0];

	c->payload_count = 2;
	c->payload[1] = payload("coap://[2001:db8::1]/b");
	c->payload[1].digest.b[0] ^= 0xff;
	c->payload[1].size = 99;
	c->payload[0].have_slot = c->payload[1].have_slot = true;
	c->payload[1].slot = 0x20800;
	return s;
}

static inline struct cose_key *
key_of(const struct manifest_spec *s)
{
	return s->dialect == MANIFEST_RIOT09 ? make_keys()->ed25519 :
	    make_keys()->p256;
}

/* Written, signed, read, proven, walked, linted without a finding. */
static inline struct slice
round_trip(const struct manifest_spec *s)
{
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct buf out = buf_of(more, sizeof(more));
	size_t n;

	assert_int_equal(manifest_envelope(s, &b, NULL), 0);
	assert_int_equal(manifest_parse(buf_slice(&b), &m, NULL), 0);
	assert_int_equal(manifest_verify(&m, &make_keys()->ring, &proof, NULL),
	    ERR_UNSIGNED);
	assert_int_equal(manifest_sign(buf_slice(&b), key_of(s), NULL, &out,
	    NULL), 0);
	assert_int_equal(make_judge(buf_slice(&out), &m, &proof, &plan), 0);
	assert_int_equal(proof.warnings, 0);
	assert_int_equal(m.dialect, s->dialect);
	assert_int_equal(m.sequence, s->sequence);
	n = manifest_lint(&m, &plan, s->dialect == MANIFEST_RIOT09 ?
	    MANIFEST_DEVICE_RIOT : MANIFEST_DEVICE_ANY, SLICE_NONE, found, 16);
	for (size_t i = 0; i < n; i++)
		assert_false(found[i].error);
	assert_true(n == 0 || s->component_count > 1 || !s->have_class);
	return buf_slice(&out);
}

#endif
