/*
 * world: a device, its storage and a server in one struct, without a
 * network and without waiting. Time jumps to whatever the device says it
 * waits for. A test bends the server by `twist`, which sees each answer
 * before the device does.
 */
#ifndef SUITD_TESTS_WORLD_H
#define SUITD_TESTS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "device/suitdev.h"
#include "lib/report.h"

#define IMAGE_MAX 70000

struct world;
/* false: the answer is lost */
typedef bool (*twist_fn)(struct world *w, struct suitdev_response *r);

struct world {
	struct suitdev dev;
	struct suitdev_config cfg;
	struct storage_ram ram;
	int64_t now;
	struct cose_key *key;
	struct cose_keyring ring;
	uint8_t manifest_buf[16384];

	struct manifest_spec spec; /* what the server publishes */
	uint8_t envelope[16384];
	size_t envelope_n;
	uint8_t image[IMAGE_MAX];
	size_t image_n;
	uint8_t etag; /* one byte is enough */
	uint8_t szx_max; /* of the server */
	/* of a server with trust lists: list n is at list[n - 1] */
	uint8_t list[8][4096];
	size_t list_n[8], lists;
	void (*fresh)(struct world *w, struct suitdev_response *r);
	unsigned list_gets, fresh_asks;
	char last_list[64]; /* the URI of the last one */
	twist_fn twist;
	unsigned twists; /* for the test's own use */

	/* what came in */
	bool out;
	struct suitdev_request rq;
	char uri[600], first_rd[600];
	uint8_t body[512];
	unsigned gets, blocks, registers, lost, forgets;
	uint32_t first_num, last_num; /* of image blocks */
	int64_t block_at; /* of the last image block */
	unsigned reports;
	enum report_phase phase[64];
	struct report last;

	/* boot reports that were taken, in order; world_attest */
	struct suitdev_attest attest;
	struct cose_key *boot_key;
	struct bootreport_mark mark;
	struct bootreport boot[64]; /* their nonces are empty */
	unsigned boots, replays, nonces;
	unsigned boot_code; /* 0: as it is judged */
	bool boot_nonce; /* the last one had the one that was given */
};

static inline int
world_send(void *arg, const struct suitdev_request *rq)
{
	struct world *w = arg;

	assert_false(w->out);
	w->out = true;
	w->rq = *rq;
	assert_true(strlen(rq->uri) < sizeof w->uri);
	strcpy(w->uri, rq->uri);
	assert_true(rq->payload.n <= sizeof w->body);
	if (rq->payload.n > 0)
		memcpy(w->body, rq->payload.p, rq->payload.n);
	w->rq.payload.p = w->body;
	return 0;
}

static inline void
world_forget(void *arg)
{
	struct world *w = arg;

	w->out = false;
	w->forgets++;
}

static const struct suitdev_net world_net = {world_send, world_forget};

/* Publishes: signs the spec as it stands now. */
static inline void
world_publish(struct world *w, const struct cose_key *key)
{
	static uint8_t bare[16384];
	struct manifest_spec_payload *p = &w->spec.component[0].payload[0];
	struct cose_sign_opts opts = {
	    .attached = w->spec.dialect == MANIFEST_RIOT09};
	struct buf b = buf_of(bare, sizeof bare);
	struct buf out = buf_of(w->envelope, sizeof w->envelope);
	struct slice image = slice_of(w->image, w->image_n);
	struct why why;

	assert_int_equal(digest_compute(DIGEST_SHA256, image, &p->digest), 0);
	p->size = w->image_n;
	if (p->uri[0] == '#')
		p->integrated = image;
	if (manifest_envelope(&w->spec, &b, &why) != 0 ||
	    manifest_sign(buf_slice(&b), key, &opts, &out, &why) != 0)
		fail_msg("%s", why.text);
	w->envelope_n = out.n;
}

static inline void
world_slice(struct world *w, struct suitdev_response *r, const uint8_t *p,
    size_t n)
{
	size_t size, off;

	r->have_block = true;
	r->szx = w->rq.szx < w->szx_max ? w->rq.szx : w->szx_max;
	off = (size_t)w->rq.num << (w->rq.szx + 4);
	size = (size_t)16 << r->szx;
	r->num = (uint32_t)(off >> (r->szx + 4));
	r->code = off < n ? 205 : 400;
	r->payload = slice_sub(slice_of(p, n), off, size);
	r->more = off + r->payload.n < n;
	r->etag_len = 1;
	r->etag[0] = w->etag;
}

static inline void
world_manifest(struct world *w, struct suitdev_response *r)
{
	w->gets++;
	r->have_max_age = true;
	r->max_age = 900;
	r->observe = w->rq.observe;
	if (w->envelope_n == 0) {
		r->code = 404;
		return;
	}
	world_slice(w, r, w->envelope, w->envelope_n);
	if (w->rq.etag_len == 1 && w->rq.etag[0] == w->etag) {
		r->code = 203;
		r->payload = SLICE_NONE;
	}
}

static inline void
world_report(struct world *w, struct suitdev_response *r)
{
	struct why why;

	assert_int_equal(report_parse_status(slice_of(w->body,
	    w->rq.payload.n), &w->last, &why), 0);
	assert_true(w->reports < 64);
	w->phase[w->reports++] = w->last.event.phase;
	r->code = 204;
}

static inline int
world_sign(void *arg, const struct bootreport *r, struct buf *out)
{
	struct world *w = arg;

	return bootreport_sign(r, w->boot_key, out);
}

/* What suitd does with it. */
static inline void
world_boot_report(struct world *w, struct suitdev_response *r)
{
	struct cose_msg m;
	struct bootreport b;
	struct slice in = slice_of(w->body, w->rq.payload.n);

	assert_int_equal(bootreport_open(in, &m, NULL), 0);
	assert_int_equal(bootreport_verify(&m, w->boot_key, &b, NULL), 0);
	r->code = 409;
	if (bootreport_fresh(&w->mark, &b, NULL) != 0) {
		w->replays++;
		return;
	}
	w->boot_nonce = slice_eq_str(b.nonce, "a nonce of 16 b.");
	b.nonce = SLICE_NONE;
	assert_true(w->boots < 64);
	w->boot[w->boots++] = b;
	r->code = w->boot_code != 0 ? w->boot_code : 204;
}

static inline void
world_nonce(struct world *w, struct suitdev_response *r)
{
	w->nonces++;
	r->code = 205;
	r->payload = slice_str("a nonce of 16 b.");
}

static inline void
world_image(struct world *w, struct suitdev_response *r)
{
	w->block_at = w->now;
	if (w->blocks++ == 0)
		w->first_num = w->rq.num;
	w->last_num = w->rq.num;
	assert_true(w->rq.have_block);
	assert_int_equal(w->rq.etag_len, 0);
	world_slice(w, r, w->image, w->image_n);
}

static inline void
world_list(struct world *w, struct suitdev_response *r)
{
	unsigned long n = w->lists;

	w->list_gets++;
	snprintf(w->last_list, sizeof w->last_list, "%.60s", w->uri);
	if (w->uri[2] == '/')
		n = strtoul(w->uri + 3, NULL, 10);
	r->code = 404;
	if (n == 0 || n > w->lists)
		return;
	world_slice(w, r, w->list[n - 1], w->list_n[n - 1]);
	r->etag[0] = (uint8_t)n;
}

static inline void
world_serve(struct world *w)
{
	struct suitdev_response r = {0};

	w->out = false;
	if (strncmp(w->uri, "/rd", 3) == 0) {
		if (w->registers++ == 0)
			strcpy(w->first_rd, w->uri);
		r.code = 201;
		r.location = slice_str("rd/7");
	} else if (strncmp(w->uri, "/r", 2) == 0 && w->rq.method == 1) {
		world_nonce(w, &r);
	} else if (strncmp(w->uri, "/r", 2) == 0 &&
	    w->rq.content_format == 18) {
		world_boot_report(w, &r);
	} else if (strncmp(w->uri, "/r", 2) == 0) {
		world_report(w, &r);
	} else if (strncmp(w->uri, "/m", 2) == 0 ||
	    strncmp(w->uri, "coap://s/m", 10) == 0) {
		world_manifest(w, &r);
		r.trust = w->lists;
	} else if (strncmp(w->uri, "/k/now", 6) == 0) {
		w->fresh_asks++;
		r.code = 404;
		if (w->fresh != NULL)
			w->fresh(w, &r);
	} else if (strncmp(w->uri, "/k", 2) == 0) {
		world_list(w, &r);
	} else {
		world_image(w, &r);
	}
	if (w->twist != NULL && !w->twist(w, &r)) {
		w->lost++;
		suitdev_lost(&w->dev, w->now, ERR_TIMEOUT);
	} else {
		suitdev_answer(&w->dev, w->now, &r);
	}
}

/* One turn; false when the device waits for nothing but messages. */
static inline bool
world_turn(struct world *w)
{
	int64_t next = suitdev_tick(&w->dev, w->now);

	if (w->out) {
		w->now += 3;
		world_serve(w);
		return true;
	}
	if (next == SUITDEV_NEVER)
		return false;
	assert_true(next > w->now);
	/* the promise: something within 25 hours */
	assert_true(next - w->now <= 25 * SUITDEV_HOUR_MS);
	w->now = next;
	return true;
}

static inline void
world_run(struct world *w, int64_t ms)
{
	const int64_t end = w->now + ms;
	unsigned turns = 0;

	while (w->now < end && world_turn(w))
		assert_true(++turns < 200000);
}

/* Until the new image runs, or `ms` are over. */
static inline bool
world_until(struct world *w, uint64_t sequence, int64_t ms)
{
	const int64_t end = w->now + ms;

	while (w->now < end && (w->dev.nv.sequence != sequence ||
	    w->dev.nv.owed != PHASE_IDLE))
		if (!world_turn(w))
			break;
	return w->dev.nv.sequence == sequence;
}

static inline void
world_boot(struct world *w)
{
	w->out = false;
	storage_ram_power(&w->ram);
	suitdev_init(&w->dev, &w->cfg);
	assert_int_equal(suitdev_boot(&w->dev, w->now), 0);
}

static inline void
world_init(struct world *w, const struct suitdev_kind *kind)
{
	struct manifest_spec_component *c = &w->spec.component[0];

	memset(w, 0, sizeof *w);
	w->now = 1000;
	w->etag = 1;
	w->szx_max = 6;
	w->image_n = 10000;
	for (size_t i = 0; i < sizeof w->image; i++)
		w->image[i] = (uint8_t)(i * 2654435761u >> 13);
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &w->key), 0);
	w->ring.key[w->ring.n++] = w->key;
	w->cfg = (struct suitdev_config){.kind = kind, .ep = "d1",
	    .class_path = "lamp", .slot_id = {0, 1}, .sequence = 3,
	    .keys = &w->ring, .storage = &storage_ram,
	    .storage_arg = &w->ram, .net = &world_net, .net_arg = w,
	    .manifest = buf_of(w->manifest_buf, sizeof w->manifest_buf),
	    .seed = 42};
	memset(w->cfg.class_id, 0xc1, 16);
	memset(w->cfg.vendor, 0x5e, 16);
	w->spec.sequence = 4;
	w->spec.have_vendor = w->spec.have_class = true;
	memcpy(w->spec.vendor, w->cfg.vendor, 16);
	memcpy(w->spec.class_id, w->cfg.class_id, 16);
	w->spec.component_count = 1;
	c->id = slice_of("\x81\x41\x00", 3);
	c->payload_count = 1;
	c->payload[0].uri = "/i/x";
	storage_ram_init(&w->ram, IMAGE_MAX);
	world_publish(w, w->key);
	world_boot(w);
}

/* From now on its bootloader has a key. */
static inline void
world_attest(struct world *w)
{
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &w->boot_key), 0);
	w->attest = (struct suitdev_attest){.sign = world_sign,
	    .sign_arg = w};
	w->cfg.attest = &w->attest;
	world_boot(w);
}

static inline void
world_fini(struct world *w)
{
	cose_key_free(w->boot_key);
	storage_ram_fini(&w->ram);
	cose_key_free(w->key);
}

/* What runs now is the image, to the byte. */
static inline void
world_assert_runs(struct world *w)
{
	const unsigned slot = w->ram.slot;

	assert_int_equal(w->ram.len[slot][0], w->image_n);
	assert_memory_equal(w->ram.part[slot][0], w->image, w->image_n);
}

#endif
