/*
 * The state in the storage: one CBOR array, written whole. A device that
 * cannot read its own state starts from what it left the factory with; its
 * sequence is then the one compiled in, never a guess. What was written
 * before there were boot reports has fewer fields, and is read.
 */
#include "device/core.h"

#include "lib/cbor.h"

#define NV_FORMAT 3
#define NV_FIELDS 29
#define NV_FORMAT_OLD 2 /* without boot reports */
#define NV_FIELDS_OLD 23

static void
nv_put(const struct suitdev_nv *v, struct buf *b)
{
	cbr_put_array(b, NV_FIELDS);
	cbr_put_uint(b, NV_FORMAT);
	cbr_put_uint(b, v->sequence);
	cbr_put_uint(b, v->slot);
	cbr_put_uint(b, v->step);
	cbr_put_bstr(b, slice_of(v->target, sizeof v->target));
	cbr_put_uint(b, v->target_seq);
	cbr_put_uint(b, v->attempt);
	cbr_put_bool(b, v->open);
	cbr_put_bstr(b, slice_of(v->fails, sizeof v->fails));
	cbr_put_uint(b, v->spent);
	cbr_put_uint(b, v->part);
	cbr_put_uint(b, v->off);
	cbr_put_bstr(b, slice_of(v->etag, v->etag_len));
	cbr_put_uint(b, v->owed);
	cbr_put_uint(b, v->reason);
	cbr_put_uint(b, v->high);
	cbr_put_uint(b, v->fail);
	cbr_put_uint(b, v->resets);
	cbr_put_uint(b, v->size);
	cbr_put_uint(b, v->contact);
	cbr_put_uint(b, v->spread);
	cbr_put_uint(b, v->starts);
	cbr_put_bool(b, v->recovery);
	cbr_put_bstr(b, slice_of(v->boot.epoch, sizeof v->boot.epoch));
	cbr_put_uint(b, v->boot.boot_ctr);
	cbr_put_uint(b, v->boot.reserved);
	cbr_put_bstr(b, slice_of(v->runs.b, v->runs.have ? 32 : 0));
	cbr_put_bstr(b, slice_of(v->tries.b, v->tries.have ? 32 : 0));
	cbr_put_uint(b, v->failed);
}

/* A number up to `max` into *ret; the first error sticks in *err. */
static void
nv_uint(struct cbr *c, uint64_t max, uint64_t *ret, int *err)
{
	uint64_t u = 0;

	if (*err == 0)
		*err = cbr_get_uint(c, &u);
	if (*err == 0 && u > max)
		*err = ERR_RANGE;
	*ret = *err == 0 ? u : 0;
}

static void
nv_bytes(struct cbr *c, uint8_t *dst, size_t min, size_t *n, int *err)
{
	struct slice s = SLICE_NONE;

	if (*err == 0)
		*err = cbr_get_bstr(c, &s);
	if (*err == 0 && (s.n < min || s.n > *n))
		*err = ERR_SIZE;
	if (*err != 0)
		return;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	*n = s.n;
}

/* The counters. */
static void
nv_get_counts(struct cbr *c, struct suitdev_nv *v, int *err)
{
	uint64_t fail, resets, contact, spread, starts;

	nv_uint(c, UINT64_MAX, &v->high, err);
	nv_uint(c, FAIL_CLASSES - 1, &fail, err);
	nv_uint(c, UINT8_MAX, &resets, err);
	nv_uint(c, UINT64_MAX, &v->size, err);
	nv_uint(c, UINT8_MAX, &contact, err);
	nv_uint(c, SUITDEV_DAY_S, &spread, err);
	nv_uint(c, UINT8_MAX, &starts, err);
	if (*err == 0)
		*err = cbr_get_bool(c, &v->recovery);
	v->fail = (enum fail_class)fail;
	v->resets = (unsigned)resets;
	v->contact = (unsigned)contact;
	v->spread = (uint32_t)spread;
	v->starts = (unsigned)starts;
}

static void
nv_digest(struct cbr *c, struct suitdev_digest *ret, int *err)
{
	size_t n = sizeof ret->b;

	nv_bytes(c, ret->b, 0, &n, err);
	if (*err == 0 && n != 0 && n != sizeof ret->b)
		*err = ERR_SIZE;
	ret->have = *err == 0 && n > 0;
}

static void
nv_get_boot(struct cbr *c, struct suitdev_nv *v, int *err)
{
	size_t epoch = sizeof v->boot.epoch;
	uint64_t failed;

	nv_bytes(c, v->boot.epoch, epoch, &epoch, err);
	nv_uint(c, UINT64_MAX, &v->boot.boot_ctr, err);
	nv_uint(c, UINT64_MAX, &v->boot.reserved, err);
	nv_digest(c, &v->runs, err);
	nv_digest(c, &v->tries, err);
	nv_uint(c, BOOT_RESULTS - 1, &failed, err);
	v->failed = (enum boot_result)failed;
}

static int
nv_get(struct slice in, struct suitdev_nv *ret)
{
	struct suitdev_nv v = {0};
	struct cbr c = cbr_of(in);
	uint64_t n = 0, format = 0, slot, step, attempt, part, owed, reason;
	size_t hash = sizeof v.target, fails = sizeof v.fails;
	int err;

	v.etag_len = sizeof v.etag;
	err = cbr_get_array(&c, &n);
	if (err == 0 && n != NV_FIELDS && n != NV_FIELDS_OLD)
		err = ERR_UNSUPPORTED;
	nv_uint(&c, NV_FORMAT, &format, &err);
	nv_uint(&c, UINT64_MAX, &v.sequence, &err);
	nv_uint(&c, 1, &slot, &err);
	nv_uint(&c, SUITDEV_STARTING, &step, &err);
	nv_bytes(&c, v.target, hash, &hash, &err);
	nv_uint(&c, UINT64_MAX, &v.target_seq, &err);
	nv_uint(&c, UINT32_MAX, &attempt, &err);
	if (err == 0)
		err = cbr_get_bool(&c, &v.open);
	nv_bytes(&c, v.fails, fails, &fails, &err);
	nv_uint(&c, UINT64_MAX, &v.spent, &err);
	nv_uint(&c, STORAGE_PARTS, &part, &err);
	nv_uint(&c, LIMIT_IMAGE, &v.off, &err);
	nv_bytes(&c, v.etag, 0, &v.etag_len, &err);
	nv_uint(&c, PHASE_DECLINED, &owed, &err);
	nv_uint(&c, REASONS - 1, &reason, &err);
	nv_get_counts(&c, &v, &err);
	if (n == NV_FIELDS)
		nv_get_boot(&c, &v, &err);
	if (err == 0 && (!cbr_end(&c) || format != (n == NV_FIELDS ?
	    NV_FORMAT : NV_FORMAT_OLD)))
		err = ERR_TRAILING;
	if (err != 0)
		return err;
	v.slot = (unsigned)slot;
	v.step = (enum suitdev_step)step;
	v.attempt = (uint32_t)attempt;
	v.part = (unsigned)part;
	v.owed = (enum report_phase)owed;
	v.reason = (enum track_reason)reason;
	*ret = v;
	return 0;
}

int
core_save(struct suitdev *d)
{
	uint8_t bytes[STORAGE_STATE];
	struct buf b = buf_of(bytes, sizeof bytes);
	int err;

	nv_put(&d->nv, &b);
	err = d->cfg.storage->set_state(d->cfg.storage_arg, buf_slice(&b));
	if (err != 0)
		return why_set(&d->why, err, "the state cannot be stored");
	d->journal = d->nv.off;
	return 0;
}

int
core_load(struct suitdev *d)
{
	uint8_t bytes[STORAGE_STATE];
	size_t n = 0;
	int err;

	err = d->cfg.storage->get_state(d->cfg.storage_arg, bytes,
	    sizeof bytes, &n);
	if (err != 0)
		return why_set(&d->why, err, "the state cannot be read");
	if (n > 0 && nv_get(slice_of(bytes, n), &d->nv) == 0)
		return 0;
	d->nv = (struct suitdev_nv){.sequence = d->cfg.sequence};
	err = d->cfg.storage->active(d->cfg.storage_arg, &d->nv.slot);
	if (err != 0)
		return why_set(&d->why, err, "no slot to run");
	return 0;
}
