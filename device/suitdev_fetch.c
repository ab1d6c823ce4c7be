/*
 * Fetching the parts of a verified manifest, one after the other.
 *
 * The attempt is counted in the storage before its first block. The offset
 * is written there every CORE_JOURNAL
 * bytes, so a device that lost power goes on
 * at most that much earlier, if the server's ETag is still the one it began
 * with; otherwise it begins again. What counts in the end is the digest over
 * what the storage gives back, not over what was received.
 *
 * A server that sends more than the manifest says is stopped at that byte.
 */
#include "device/core.h"

#include <stdio.h>

#define RETRY_BLOCK 3 /* re-fetches of one block */
#define RETRY_ETAG 3 /* beginnings in one session */
#define SPENT_TIMES 4 /* times the image's size, then once a day */

static struct manifest_download *
part(struct suitdev *d)
{
	return &d->plan[d->nv.part];
}

static void
drop_part(struct suitdev *d)
{
	if (d->open)
		(void)d->cfg.storage->abort(d->cfg.storage_arg);
	d->open = false;
}

/* The slot is given up: begin with the first byte of the first part. */
static void
begin_again(struct suitdev *d)
{
	drop_part(d);
	d->nv.step = SUITDEV_NONE;
	d->nv.part = 0;
	d->nv.off = d->nv.etag_len = 0;
}

/*
 * The deadline itself lies in RAM, so a start draws it again from the
 * counters. Each start in between halves what is above the base: a device
 * that is switched on for an hour a day must not wait for a day anew each
 * time, and one that loses its power on purpose gains nothing below the
 * base.
 */
int64_t
core_retry_at(struct suitdev *d, int64_t now)
{
	const struct suitdev_nv *v = &d->nv;
	const struct backoff_rule *rule = &suitdev_rule[v->fail];
	int64_t delay;

	delay = backoff_delay(rule, v->fails[v->fail], backoff_rand(&d->rnd));
	if (v->size > 0 && v->spent > SPENT_TIMES * v->size &&
	    delay < SUITDEV_DAY_MS)
		delay = SUITDEV_DAY_MS + (int64_t)
		    (backoff_rand(&d->rnd) % SUITDEV_HOUR_MS);
	return now + rule->base_ms + ((delay - rule->base_ms) >>
	    (v->resets < 32 ? v->resets : 32));
}

void
core_budget(struct suitdev *d)
{
	d->nv.size = 0;
	for (size_t i = 0; i < d->plan_n; i++)
		d->nv.size += d->plan[i].have_size ? d->plan[i].size :
		    LIMIT_IMAGE;
}

void
core_failed(struct suitdev *d, int64_t now, enum fail_class c,
    enum track_reason reason)
{
	d->fail = c;
	if (d->cfg.kind->riot) {
		/* idle until somebody triggers again, from the first byte */
		begin_again(d);
		d->loaded = d->transfer = d->nv.open = false;
		d->trigger[0] = '\0';
		d->refused = reason;
		return;
	}
	if (d->nv.fails[c] < UINT8_MAX)
		d->nv.fails[c]++;
	d->nv.open = false;
	d->report = PHASE_IDLE; /* no progress is told after the outcome */
	d->restarts = d->bad_blocks = 0;
	d->fetch_szx = d->cfg.kind->szx;
	d->nv.fail = c;
	d->nv.resets = 0;
	d->fetch_at = core_retry_at(d, now);
	drop_part(d);
	if (c == FAIL_INTEGRITY || c == FAIL_EXECUTION)
		begin_again(d);
	if (c != FAIL_TRANSPORT && d->cfg.kind->reports) {
		d->nv.owed = PHASE_FAILED;
		d->nv.reason = reason;
	}
	/* a state that cannot be written now is written at the next try */
	if (core_save(d) != 0)
		d->fail = FAIL_EXECUTION;
}

static void
storage_failed(struct suitdev *d, int64_t now, int err, const char *verb)
{
	(void)why_set(&d->why, err, "the storage failed to %s: %s", verb,
	    err_text(err));
	core_failed(d, now, FAIL_EXECUTION, REASON_STORAGE);
}

/* --- parts --- */

/* The digest of the first `n` bytes of the open part. */
static int
check_part(struct suitdev *d, uint64_t n)
{
	const struct digest *want = &part(d)->digest;
	struct digest_ctx *ctx = digest_new(want->alg);
	struct digest got = {0};
	uint8_t bytes[2048];
	int err = ctx == NULL ? ERR_ALGORITHM : 0;

	for (uint64_t off = 0; err == 0 && off < n;) {
		size_t k = n - off < sizeof bytes ? (size_t)(n - off) :
		    sizeof bytes;

		err = d->cfg.storage->read(d->cfg.storage_arg, off, bytes, k);
		if (err == 0)
			err = digest_update(ctx, slice_of(bytes, k));
		off += k;
	}
	if (err == 0)
		err = digest_final(ctx, &got);
	digest_free(ctx);
	if (err == 0 && !digest_eq(&got, want))
		err = why_set(&d->why, ERR_DIGEST, "SUIT 8.4.8.3: the image "
		    "digest of part %u does not match", d->nv.part);
	return err;
}

/* All bytes of the open part are stored. */
static void
end_part(struct suitdev *d, int64_t now)
{
	int err = check_part(d, d->nv.off);

	if (err == ERR_DIGEST) {
		core_failed(d, now, FAIL_INTEGRITY, REASON_DIGEST);
		return;
	}
	if (err == 0)
		err = d->cfg.storage->finish(d->cfg.storage_arg);
	d->open = d->open && err != 0;
	if (err != 0) {
		storage_failed(d, now, err, "finish");
		return;
	}
	d->nv.part++;
	d->nv.off = d->nv.etag_len = 0;
	if (d->nv.part == d->plan_n) {
		d->nv.step = SUITDEV_FETCHED; /* and open, until it starts */
		d->report = PHASE_DOWNLOADED;
	}
	if (core_save(d) != 0)
		storage_failed(d, now, d->why.err, "keep the state");
}

static void
integrated_part(struct suitdev *d, int64_t now)
{
	struct slice body = SLICE_NONE;
	int err;

	for (size_t i = 0; i < d->m.integrated_count; i++)
		if (slice_eq(d->m.integrated[i].uri, part(d)->uri))
			body = d->m.integrated[i].payload;
	err = body.p == NULL ? ERR_MISSING : d->cfg.storage->write(
	    d->cfg.storage_arg, 0, body);
	if (err != 0) {
		storage_failed(d, now, err, "write an integrated payload");
		return;
	}
	d->nv.off = body.n;
	end_part(d, now);
}

/* A state that is damaged, or of other software, may have any offset: a
 * block begins at a multiple of 16. */
static bool
may_resume(struct suitdev *d)
{
	return d->nv.off > 0 && d->nv.off % 16 == 0 && part(d)->uri.n > 0 &&
	    part(d)->uri.p[0] != '#';
}

static int
open_part(struct suitdev *d)
{
	const struct storage *s = d->cfg.storage;
	int err;

	if (may_resume(d)) {
		err = s->resume(d->cfg.storage_arg, d->nv.part, d->nv.off);
	} else {
		d->nv.off = d->nv.etag_len = 0;
		err = s->begin(d->cfg.storage_arg, d->nv.part, part(d)->size);
	}
	d->open = err == 0;
	return err;
}

static int
begin_attempt(struct suitdev *d)
{
	d->nv.attempt++;
	d->nv.open = true;
	d->nv.step = SUITDEV_FETCHING;
	d->fetch_szx = d->cfg.kind->szx;
	d->restarts = d->bad_blocks = 0;
	d->report = PHASE_DOWNLOADING;
	return core_save(d);
}

int
core_fetch(struct suitdev *d, int64_t now)
{
	struct suitdev_request rq = {.method = 1, .content_format = -1};
	char uri[LIMIT_URI + 1];
	int err = 0;

	if (!d->nv.open)
		err = begin_attempt(d);
	rq.fresh = !d->open;
	if (err == 0 && !d->open)
		err = open_part(d);
	if (err != 0) {
		storage_failed(d, now, err, "begin");
		return 0;
	}
	if (d->report != PHASE_IDLE && d->cfg.kind->reports)
		return 0; /* said first; the next turn fetches */
	if (part(d)->uri.n > 0 && part(d)->uri.p[0] == '#') {
		integrated_part(d, now);
		return 0;
	}
	if (!slice_to_cstr(part(d)->uri, uri, sizeof uri))
		return why_set(&d->why, ERR_SIZE, "the payload's URI");
	/* an offset that was stored with smaller blocks */
	while ((d->nv.off & (((uint64_t)16 << d->fetch_szx) - 1)) != 0)
		d->fetch_szx--;
	rq.uri = uri;
	rq.have_block = true;
	rq.szx = d->fetch_szx;
	rq.num = (uint32_t)(d->nv.off >> (d->fetch_szx + 4));
	return core_send(d, SUITDEV_FETCH, &rq);
}

/* --- blocks --- */

static bool
block_fits(const struct suitdev *d, const struct suitdev_response *r)
{
	const size_t size = (size_t)16 << r->szx;

	if (!r->have_block)
		return d->nv.off == 0;
	if (r->szx > d->fetch_szx ||
	    (uint64_t)r->num * size != d->nv.off)
		return false;
	return r->more ? r->payload.n == size :
	    r->payload.n > 0 && r->payload.n <= size;
}

/* false: the body is another one than we began with. */
static bool
same_body(struct suitdev *d, const struct suitdev_response *r)
{
	if (d->cfg.kind->riot)
		return true;
	if (d->nv.off == 0) {
		d->nv.etag_len = r->etag_len;
		memcpy(d->nv.etag, r->etag, r->etag_len);
		return true;
	}
	return d->nv.etag_len == r->etag_len &&
	    memcmp(d->nv.etag, r->etag, r->etag_len) == 0;
}

static void
other_body(struct suitdev *d, int64_t now)
{
	d->count.restarts++;
	(void)why_set(&d->why, ERR_CONFLICT, "the payload changed on the "
	    "server: begun again");
	drop_part(d);
	d->nv.off = d->nv.etag_len = 0;
	d->fetch_szx = d->cfg.kind->szx;
	if (d->restarts++ >= RETRY_ETAG)
		core_failed(d, now, FAIL_INTEGRITY, REASON_DOWNLOAD);
	else if (core_save(d) != 0)
		storage_failed(d, now, d->why.err, "keep the state");
}

static void
store_block(struct suitdev *d, int64_t now, const struct suitdev_response *r)
{
	const struct manifest_download *dl = part(d);
	const uint64_t end = d->nv.off + r->payload.n;
	const uint64_t max = dl->have_size ? dl->size : LIMIT_IMAGE;
	const bool last = !r->have_block || !r->more;
	int err;

	if (end > max || (last && dl->have_size && end != dl->size) ||
	    (!last && end == max)) {
		(void)why_set(&d->why, ERR_SIZE, "the server's payload is "
		    "%s than the manifest says", last && end < max ?
		    "shorter" : "longer");
		core_failed(d, now, FAIL_INTEGRITY, REASON_DOWNLOAD);
		return;
	}
	err = d->cfg.storage->write(d->cfg.storage_arg, d->nv.off, r->payload);
	if (err != 0) {
		storage_failed(d, now, err, "write");
		return;
	}
	d->nv.off = end;
	d->bad_blocks = 0;
	d->count.blocks++;
	d->count.bytes += r->payload.n;
	if (last)
		end_part(d, now);
	else if (d->nv.off - d->journal >= CORE_JOURNAL && core_save(d) != 0)
		storage_failed(d, now, d->why.err, "keep the state");
}

void
core_block(struct suitdev *d, int64_t now, const struct suitdev_response *r)
{
	if (r->code != 205) {
		(void)why_set(&d->why, ERR_REJECTED, "a block is answered "
		    "%u.%02u", r->code / 100, r->code % 100);
		core_failed(d, now, FAIL_INTEGRITY, REASON_DOWNLOAD);
		return;
	}
	d->nv.spent += r->payload.n; /* paid for, of use or not */
	if (!block_fits(d, r)) {
		(void)why_set(&d->why, ERR_RANGE, "not the block that was "
		    "asked for");
		if (d->bad_blocks++ >= RETRY_BLOCK ||
		    (d->cfg.kind->riot && r->szx > d->fetch_szx))
			core_failed(d, now, FAIL_INTEGRITY, REASON_DOWNLOAD);
		return;
	}
	if (r->have_block)
		d->fetch_szx = r->szx;
	if (same_body(d, r))
		store_block(d, now, r);
	else
		other_body(d, now);
}

/* --- starting it --- */

/* Parts that a former power cycle finished: still right? */
static int
recheck(struct suitdev *d)
{
	const struct storage *s = d->cfg.storage;
	int err = 0;

	for (d->nv.part = 0; err == 0 && d->nv.part < d->plan_n;
	    d->nv.part++) {
		if (!part(d)->have_size)
			err = ERR_SIZE;
		if (err == 0)
			err = s->resume(d->cfg.storage_arg, d->nv.part,
			    part(d)->size);
		d->open = err == 0;
		if (err == 0)
			err = check_part(d, part(d)->size);
		if (err == 0)
			err = s->finish(d->cfg.storage_arg);
		d->open = d->open && err != 0;
	}
	return err;
}

/*
 * The first attempt to install goes on with the attempt that fetched; any
 * other is counted first, as it may be what takes the power away.
 */
static int
begin_install(struct suitdev *d)
{
	int err;

	if (d->nv.open)
		return 0;
	d->nv.open = true;
	err = core_save(d);
	return err == 0 ? recheck(d) : err;
}

void
core_install(struct suitdev *d, int64_t now)
{
	int err;

	if (d->report != PHASE_IDLE && d->cfg.kind->reports)
		return;
	d->report = PHASE_IDLE;
	err = begin_install(d);
	if (err == ERR_SIZE) { /* nobody knows how much was fetched */
		d->nv.open = false;
		begin_again(d);
		return;
	}
	if (err == 0)
		err = d->cfg.storage->activate(d->cfg.storage_arg);
	if (err != 0) {
		storage_failed(d, now, err, "activate");
		return;
	}
	/* not written: the slot that runs tells the same at the next start */
	d->nv.step = SUITDEV_STARTING;
	d->nv.open = false;
	if (core_save(d) != 0)
		d->fail = FAIL_EXECUTION;
	d->phase = SUITDEV_REBOOT;
	d->reboot_at = now + 1000;
}
