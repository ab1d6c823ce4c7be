/*
 * What others try on a device: manifests of which a byte was changed, that
 * are for others, or want what is not known here; blocks of two images,
 * answers that point elsewhere, images that do not end; a slot that somebody
 * wrote to.
 */
#include "lib/text.h"
#include "tests/device/world.h"
#include "tests/lib/manifest_make.h"

#define HOUR SUITDEV_HOUR_MS

static struct world w;
static uint8_t good[16384];

static void
push(size_t n)
{
	assert_int_equal(suitdev_pushed(&w.dev, w.now, NULL,
	    slice_of(w.envelope, n)), 0);
}

/* --- manifests --- */

static void
REQ_SEC_AUTHENTIC_no_byte_of_a_kibibyte_may_change(void **state)
{
	size_t n;

	(void)state;
	world_init(&w, &suitdev_kind_manifest);
	w.spec.component[0].payload[0].uri = "#fw";
	w.image_n = 800;
	world_publish(&w, w.key);
	n = w.envelope_n;
	assert_in_range(n, 1024, 1200);
	memcpy(good, w.envelope, n);
	world_run(&w, 120000);
	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			w.envelope[i] ^= (uint8_t)bit;
			w.reports = 0;
			push(n);
			w.envelope[i] = good[i];
			if (w.dev.loaded)
				fail_msg("byte %zu, bit %#x", i, bit);
		}
	for (size_t cut = 0; cut < n; cut++) {
		push(cut);
		assert_false(w.dev.loaded);
	}
	assert_int_equal(w.blocks, 0);
	push(n);
	assert_true(w.dev.loaded);
	assert_true(world_until(&w, 4, HOUR));
	world_assert_runs(&w);
	world_fini(&w);
}

/* The signature is wrong as well, and nobody looked at it. */
static void
DOS_SIGNATURES_what_is_cheap_is_looked_at_first(void **state)
{
	struct cose_key *other;

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &other), 0);
	world_init(&w, &suitdev_kind_manifest);
	world_publish(&w, other);
	world_run(&w, 120000);
	push(w.envelope_n);
	assert_int_equal(w.dev.refused, REASON_SIGNATURE);
	w.spec.sequence = 2;
	world_publish(&w, other);
	push(w.envelope_n);
	assert_int_equal(w.dev.refused, REASON_SEQUENCE);
	w.spec.sequence = 4;
	w.spec.class_id[3] ^= 1;
	world_publish(&w, other);
	push(w.envelope_n);
	assert_int_equal(w.dev.refused, REASON_CLASS);
	assert_false(w.dev.loaded);
	cose_key_free(other);
	world_fini(&w);
}

/* Unlike world_run it does not go on to whatever the device waits for. */
static void
minute(void)
{
	const int64_t end = w.now + 60000;
	int64_t next = suitdev_tick(&w.dev, w.now);

	while (w.out || next <= end) {
		w.now = w.out ? w.now + 3 : next;
		if (w.out)
			world_serve(&w);
		next = suitdev_tick(&w.dev, w.now);
	}
	w.now = end;
}

/* Told once a minute, for 20 hours: it looks once. */
static void
MODE_BROADCAST_another_class_costs_one_check_a_day(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_manifest);
	w.spec.class_id[0] ^= 1;
	world_publish(&w, w.key);
	world_run(&w, 120000);
	for (unsigned i = 0; i < 20 * 60; i++) {
		w.reports = 0;
		push(w.envelope_n);
		minute();
		assert_false(w.dev.loaded);
	}
	assert_int_equal(w.dev.count.rejects, 1);
	assert_int_equal(w.dev.refused, REASON_CLASS);
	assert_int_equal(w.blocks, 0);
	/* what fits among it is taken */
	w.spec.class_id[0] ^= 1;
	world_publish(&w, w.key);
	push(w.envelope_n);
	assert_true(world_until(&w, 4, HOUR));
	world_fini(&w);
}

/* A notification goes to all who observe; a poll follows it and no more. */
static void
MODE_BROADCAST_observers_of_another_class_fetch_nothing(void **state)
{
	struct suitdev_response told = {.code = 205, .observe = true,
	    .etag_len = 1};

	(void)state;
	world_init(&w, &suitdev_kind_observe);
	w.spec.class_id[0] ^= 1;
	world_publish(&w, w.key);
	world_run(&w, HOUR);
	assert_int_equal(w.dev.count.rejects, 1);
	for (unsigned i = 0; i < 60; i++) {
		told.etag[0] = ++w.etag; /* the same bytes once more */
		suitdev_notified(&w.dev, w.now, &told);
		minute();
	}
	assert_true(w.gets > 60);
	assert_int_equal(w.dev.count.rejects, 1);
	assert_int_equal(w.dev.refused, REASON_CLASS);
	assert_int_equal(w.blocks, 0);
	world_fini(&w);
}

/* As suitctl would write it, with `param` beside the URI and `more` last. */
static void
by_hand(const char *param, unsigned params, const char *more, unsigned items)
{
	static struct made m;
	static char text[2000];
	struct slice image = slice_of(w.image, w.image_n);
	struct digest d;
	char hex[65];

	memcpy(w.cfg.vendor, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa"
	    "\xbb\xcc\xdd\xee\xff", 16);
	memcpy(w.cfg.class_id, "\xff\xee\xdd\xcc\xbb\xaa\x99\x88\x77\x66\x55"
	    "\x44\x33\x22\x11\x00", 16);
	w.cfg.keys = &make_keys()->ring;
	world_boot(&w);
	assert_int_equal(digest_compute(DIGEST_SHA256, image, &d), 0);
	snprintf(text, sizeof text, "a5 01 01 02 04 03 <a2 02 81 81 4100 04 "
	    "<86 14 a4 01" VENDOR "02" CLASS "03 <82 2f 5820 %s> 0e 19 2710 "
	    "01 0f 02 0f>> 07 <82 03 0f> 14 <%02x 14 a%u %s 15 64 2f692f78 "
	    "15 02 03 0f %s>", text_hex(digest_slice(&d), hex, sizeof hex),
	    0x86 + items, 1 + params, param, more);
	make_envelope(&m, text, 0, NULL);
	memcpy(w.envelope, m.bytes, m.n);
	w.envelope_n = m.n;
}

static void
unsupported(const char *param, const char *more, unsigned items)
{
	world_init(&w, &suitdev_kind_poll);
	by_hand(param, param[0] != '\0', more, items);
	world_run(&w, 20 * HOUR);
	assert_int_equal(w.blocks, 0);
	assert_int_equal(w.dev.nv.sequence, 3);
	assert_int_equal(w.dev.refused, REASON_UNSUPPORTED);
	assert_int_equal(w.phase[w.reports - 1], PHASE_FAILED);
	assert_int_equal(w.last.event.reason, REASON_UNSUPPORTED);
	world_fini(&w);
}

/* Of the same manifest without what the tests below put into it. */
static void
what_is_written_by_hand_is_installed(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	by_hand("", 0, "", 0);
	assert_true(world_until(&w, 4, HOUR));
	world_assert_runs(&w);
	world_fini(&w);
}

/* Unpack info, of which a difference is one: it is not known here. */
static void
REQ_SEC_AUTH_PRECURSOR_a_difference_is_refused_by_name(void **state)
{
	(void)state;
	unsupported("14 41 00", "", 0);
	assert_int_equal(w.dev.m.stranger, 20);
	assert_true(w.dev.m.strange_param);
	assert_int_equal(w.dev.why.err, ERR_UNSUPPORTED);
}

static void
REQ_SEC_MFST_CHECK_a_command_that_is_not_known_is_refused(void **state)
{
	(void)state;
	unsupported("", "18 28 0f", 2);
	assert_int_equal(w.dev.m.stranger, 40);
	unsupported("", "39 0100 0f", 2); /* an author's own, or a list's */
	assert_int_equal(w.dev.m.stranger, -257);
}

/* It has no key to decrypt with, and takes no ciphertext for an image. */
static void
REQ_SEC_IMG_CONFIDENTIALITY_who_cannot_decrypt_fetches_nothing(void **state)
{
	(void)state;
	unsupported("13 <d860 84 40 a0 f6 80>", "", 0);
}

/* --- images --- */

/* The other image has the same size; a cache mixed them under one ETag. */
static bool
every_other_block(struct world *x, struct suitdev_response *r)
{
	static uint8_t bytes[1024];

	if (strcmp(x->uri, "/i/x") == 0 && (r->num & 1) != 0) {
		memset(bytes, 0x2e, sizeof bytes);
		r->payload.p = bytes;
	}
	return true;
}

static void
TUF_MIXMATCH_two_images_block_by_block_do_not_start(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.twist = every_other_block;
	world_run(&w, 20 * HOUR);
	assert_true(w.blocks > 10);
	assert_int_equal(w.dev.fail, FAIL_INTEGRITY);
	assert_int_equal(w.ram.slot, 0);
	assert_int_equal(w.dev.nv.sequence, 3);
	w.twist = NULL;
	assert_true(world_until(&w, 4, 26 * HOUR));
	world_assert_runs(&w);
	world_fini(&w);
}

/* A part of the old release and one of the new: the manifest names both. */
static bool
old_second_part(struct world *x, struct suitdev_response *r)
{
	static uint8_t bytes[1024];

	if (strcmp(x->uri, "/i/y") == 0) {
		memset(bytes, 0x2e, sizeof bytes);
		r->payload.p = bytes;
	}
	return true;
}

static void
two_parts(void)
{
	world_init(&w, &suitdev_kind_poll);
	w.spec.component[1] = w.spec.component[0];
	w.spec.component[1].id = slice_of("\x81\x41\x01", 3);
	w.spec.component_count = 2;
	world_publish(&w, w.key); /* computes the first one's digest */
	w.spec.component[1].payload[0] = w.spec.component[0].payload[0];
	w.spec.component[1].payload[0].uri = "/i/y";
	world_publish(&w, w.key);
}

static void
TUF_MIXMATCH_parts_of_two_releases_do_not_start(void **state)
{
	(void)state;
	two_parts();
	w.twist = old_second_part;
	world_run(&w, 20 * HOUR);
	assert_int_equal(w.dev.fail, FAIL_INTEGRITY);
	assert_int_equal(w.ram.slot, 0);
	w.twist = NULL;
	assert_true(world_until(&w, 4, 26 * HOUR));
	assert_memory_equal(w.ram.part[1][1], w.image, w.image_n);
	world_fini(&w);
}

static bool
no_second_part(struct world *x, struct suitdev_response *r)
{
	if (strcmp(x->uri, "/i/y") == 0)
		*r = (struct suitdev_response){.code = 404};
	return true;
}

static void
TUF_EXTRANEOUS_all_parts_or_none(void **state)
{
	(void)state;
	two_parts();
	w.twist = no_second_part;
	world_run(&w, 20 * HOUR);
	assert_true(w.blocks > 10);
	assert_int_equal(w.ram.slot, 0);
	assert_int_equal(w.dev.nv.sequence, 3);
	world_fini(&w);
}

/* The right bytes, under a code that says that they are elsewhere. */
static bool
redirected(struct world *x, struct suitdev_response *r)
{
	if (strcmp(x->uri, "/i/x") == 0) {
		r->code = 301 + x->twists++ % 8;
		r->location = slice_str("i/evil");
	}
	assert_null(strstr(x->uri, "evil"));
	return true;
}

static void
REQ_SEC_AUTH_REMOTE_LOC_no_answer_points_elsewhere(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.twist = redirected;
	world_run(&w, 20 * HOUR);
	assert_true(w.twists > 1);
	assert_int_equal(w.dev.fail, FAIL_INTEGRITY);
	assert_int_equal(w.dev.nv.sequence, 3);
	world_fini(&w);
}

/* Bytes behind the end of the last block. */
static bool
padded(struct world *x, struct suitdev_response *r)
{
	static uint8_t bytes[1024];

	if (strcmp(x->uri, "/i/x") == 0 && !r->more) {
		memcpy(bytes, r->payload.p, r->payload.n);
		r->payload = slice_of(bytes, r->payload.n + x->twists);
	}
	return true;
}

static void
REQ_SEC_IMG_COMPLETE_DIGEST_padding_is_not_written(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 240; n *= 2) {
		world_init(&w, &suitdev_kind_poll);
		w.twist = padded;
		w.twists = n;
		world_run(&w, 5 * 60000);
		assert_int_equal(w.dev.fail, FAIL_INTEGRITY);
		assert_true(w.ram.len[1][0] < w.image_n);
		assert_int_equal(w.ram.slot, 0);
		world_fini(&w);
	}
}

/* --- the slot --- */

/* Somebody else writes to the slot while the last block comes. */
static bool
swapped(struct world *x, struct suitdev_response *r)
{
	if (strcmp(x->uri, "/i/x") == 0 && !r->more && x->twists > 0) {
		x->twists--;
		x->ram.part[1][0][5] ^= 0x80;
	}
	return true;
}

static void
REQ_SEC_MFST_CONST_what_lies_there_is_checked_not_what_came(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_poll);
	w.twist = swapped;
	w.twists = 1;
	while (w.twists > 0)
		assert_true(world_turn(&w));
	assert_int_equal(w.dev.fail, FAIL_INTEGRITY);
	assert_int_equal(w.ram.slot, 0);
	assert_true(world_until(&w, 4, 26 * HOUR));
	world_assert_runs(&w);
	world_fini(&w);
}

static void
REQ_SEC_AUTH_EXEC_a_slot_that_was_damaged_is_not_started(void **state)
{
	unsigned blocks;

	(void)state;
	for (size_t at = 0; at < 10000; at += 1111) {
		world_init(&w, &suitdev_kind_poll);
		while (w.dev.nv.step != SUITDEV_FETCHED)
			assert_true(world_turn(&w));
		blocks = w.blocks;
		w.ram.part[1][0][at] ^= 1;
		world_boot(&w); /* the power was gone meanwhile */
		while (w.blocks == blocks) {
			assert_int_equal(w.ram.slot, 0);
			assert_true(world_turn(&w));
		}
		assert_true(world_until(&w, 4, 26 * HOUR));
		world_assert_runs(&w);
		world_fini(&w);
	}
}

#define T(test) cmocka_unit_test(test)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    T(REQ_SEC_AUTHENTIC_no_byte_of_a_kibibyte_may_change),
	    T(DOS_SIGNATURES_what_is_cheap_is_looked_at_first),
	    T(MODE_BROADCAST_another_class_costs_one_check_a_day),
	    T(MODE_BROADCAST_observers_of_another_class_fetch_nothing),
	    T(what_is_written_by_hand_is_installed),
	    T(REQ_SEC_AUTH_PRECURSOR_a_difference_is_refused_by_name),
	    T(REQ_SEC_MFST_CHECK_a_command_that_is_not_known_is_refused),
	    T(REQ_SEC_IMG_CONFIDENTIALITY_who_cannot_decrypt_fetches_nothing),
	    T(TUF_MIXMATCH_two_images_block_by_block_do_not_start),
	    T(TUF_MIXMATCH_parts_of_two_releases_do_not_start),
	    T(TUF_EXTRANEOUS_all_parts_or_none),
	    T(REQ_SEC_AUTH_REMOTE_LOC_no_answer_points_elsewhere),
	    T(REQ_SEC_IMG_COMPLETE_DIGEST_padding_is_not_written),
	    T(REQ_SEC_MFST_CONST_what_lies_there_is_checked_not_what_came),
	    T(REQ_SEC_AUTH_EXEC_a_slot_that_was_damaged_is_not_started),
	};

	return cmocka_run_group_tests(tests, NULL, make_teardown);
}
